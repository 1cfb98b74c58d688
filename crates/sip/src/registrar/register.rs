//! RFC 3261 §10.3, steps 6 to 8: what a REGISTER does to the bindings of its AoR.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::contact;
use super::{Binding, Registrar, RegistrarOutput};
use crate::message::{HeaderName, NameAddr, Rejection, Request, Response, StatusCode};
use crate::transport::Hop;

/// Elements that are looked at in one request.
const MAX_ELEMENTS: usize = 64;

/// What all contacts of one request share.
struct Common {
    call_id: Bytes,
    cseq: u32,
    path: Bytes,
    hop: Hop,
    expires: Option<u32>,
}

impl Registrar {
    /// A REGISTER for `aor` from `hop`, authenticated and authorised. All of it
    /// is done, or nothing.
    pub fn handle_register(
        &mut self,
        aor: &str,
        request: &Request,
        hop: Hop,
        now: Instant,
        out: &mut Vec<RegistrarOutput>,
    ) -> Result<(), Rejection> {
        if !request.headers.contains(&HeaderName::Contact) {
            return Ok(());
        }
        let mut common = Common::of(request, hop)?;
        let known = self.aors.get_key_value(aor);
        let (name, old) = match known {
            Some((name, known)) => (Arc::clone(name), known.bindings.clone()),
            None => (Arc::from(aor), Vec::new()),
        };
        let old: Vec<_> = old.into_iter().filter(|it| it.expires > now).collect();
        let new = if request.headers.has_wildcard_contact() {
            check_wildcard(request, &common)?;
            check_order(&old, &common, |_| true)?;
            Vec::new()
        } else {
            self.bind(request, &mut common, &old, now)?
        };
        let others = self.bindings - self.bindings(aor).len();
        if new.len() > old.len() && others + new.len() > self.config.max_bindings {
            let reason = "Too Many Registrations";
            return Err(Rejection::because(StatusCode::SERVICE_UNAVAILABLE, reason));
        }
        out.extend(change(&name, &old, &new));
        self.put(&name, new);
        Ok(())
    }

    /// Adds to a 200 what it says about the bindings (RFC 3261 §10.3 step 8):
    /// all of them, and the Path that was kept (RFC 3327 §5.3).
    pub fn describe(&self, aor: &str, request: &Request, now: Instant, response: &mut Response) {
        let live = self.bindings(aor).iter().filter(|it| it.expires > now);
        for binding in live {
            let mut value = BytesMut::with_capacity(binding.contact.len() + 20);
            binding.write(now, &mut value);
            response.headers.push(HeaderName::Contact, value.freeze());
        }
        if supports_path(request) {
            response
                .headers
                .copy_from(&request.headers, &HeaderName::Path);
        }
    }

    /// The bindings after each Contact has had its effect.
    fn bind(
        &self,
        request: &Request,
        common: &mut Common,
        old: &[Binding],
        now: Instant,
    ) -> Result<Vec<Binding>, Rejection> {
        let mut new = old.to_vec();
        for (count, address) in request.headers.contacts().enumerate() {
            let address = address?;
            if count == MAX_ELEMENTS {
                return Err(too_many());
            }
            let lifetime = self.lifetime(&address, common)?;
            let binding = self.binding(&address, common, lifetime, now)?;
            check_order(old, common, |known| known.is_replaced_by(&binding))?;
            new.retain(|known| !known.is_replaced_by(&binding));
            if lifetime > 0 {
                new.push(binding);
            }
        }
        if new.len() > self.config.max_contacts && new.len() > old.len() {
            return Err(too_many());
        }
        Ok(new)
    }

    /// RFC 3261 §10.3 step 7: the `expires` parameter, then the Expires header
    /// field, then the default; too short is refused, too long is cut.
    fn lifetime(&self, address: &NameAddr, common: &Common) -> Result<u32, Rejection> {
        let config = &self.config;
        let asked = contact::expires(address).or(common.expires);
        let asked = asked.unwrap_or(config.default_expires_s);
        if asked > 0 && asked < config.min_expires_s {
            let minimum = config.min_expires_s.to_string();
            let rejection = Rejection::new(StatusCode::INTERVAL_TOO_BRIEF);
            return Err(rejection.with_header(HeaderName::MinExpires, minimum));
        }
        Ok(asked.min(config.max_expires_s))
    }

    fn binding(
        &self,
        address: &NameAddr,
        common: &Common,
        lifetime: u32,
        now: Instant,
    ) -> Result<Binding, Rejection> {
        if !address.uri.is_sip() {
            let reason = "Contact Is Not A SIP URI";
            return Err(Rejection::because(StatusCode::BAD_REQUEST, reason));
        }
        let bad = || Rejection::because(StatusCode::BAD_REQUEST, "Bad Contact Header");
        let (contact, uri) = contact::kept(address).ok_or_else(bad)?;
        let length = contact.len() + common.call_id.len() + common.path.len();
        if length > self.config.max_binding_bytes {
            let reason = "Contact, Call-ID And Path Too Long";
            return Err(Rejection::because(StatusCode::BAD_REQUEST, reason));
        }
        Ok(Binding {
            contact,
            uri,
            instance: contact::instance(address),
            q: contact::q(address),
            call_id: common.call_id.clone(),
            cseq: common.cseq,
            path: common.path.clone(),
            hop: common.hop,
            expires: now + Duration::from_secs(u64::from(lifetime)),
        })
    }
}

impl Common {
    fn of(request: &Request, hop: Hop) -> Result<Self, Rejection> {
        let headers = &request.headers;
        let mut path = BytesMut::new();
        if supports_path(request) {
            for element in headers.elements(&HeaderName::Path).take(MAX_ELEMENTS) {
                NameAddr::parse(element.clone())
                    .map_err(|_| Rejection::because(StatusCode::BAD_REQUEST, "Bad Path Header"))?;
                if !path.is_empty() {
                    path.extend_from_slice(b", ");
                }
                path.extend_from_slice(&element);
            }
        }
        Ok(Self {
            // The binding shall not keep the message alive.
            call_id: Bytes::copy_from_slice(&headers.call_id()?),
            cseq: headers.cseq()?.number,
            path: path.freeze(),
            hop,
            expires: headers
                .get(&HeaderName::Expires)
                .and_then(contact::delta_seconds),
        })
    }
}

/// RFC 3261 §10.3 step 6: `*` stands alone, with an Expires of 0.
fn check_wildcard(request: &Request, common: &Common) -> Result<(), Rejection> {
    let alone = request.headers.elements(&HeaderName::Contact).count() == 1;
    if alone && common.expires == Some(0) {
        return Ok(());
    }
    let reason = "Contact * Needs Expires 0 And Nothing Beside It";
    Err(Rejection::because(StatusCode::BAD_REQUEST, reason))
}

/// RFC 3261 §10.3 steps 6 and 7: within a Call-ID only a higher CSeq changes a
/// binding. A request that came out of order fails as one within a dialog does
/// (§12.2.2).
fn check_order(
    old: &[Binding],
    common: &Common,
    concerned: impl Fn(&Binding) -> bool,
) -> Result<(), Rejection> {
    let outdated = |known: &Binding| {
        known.call_id == common.call_id && known.cseq >= common.cseq && concerned(known)
    };
    if old.iter().any(outdated) {
        let reason = "CSeq Out Of Order";
        return Err(Rejection::because(
            StatusCode::SERVER_INTERNAL_ERROR,
            reason,
        ));
    }
    Ok(())
}

fn change(name: &Arc<str>, old: &[Binding], new: &[Binding]) -> Option<RegistrarOutput> {
    let aor = Arc::clone(name);
    match (old, new) {
        ([], []) => None,
        ([], _) => Some(RegistrarOutput::Registered { aor }),
        (_, []) => {
            let expired = false;
            Some(RegistrarOutput::Unregistered { aor, expired })
        }
        (old, new) => {
            let is_known = |binding: &Binding| old.iter().any(|it| it.contact == binding.contact);
            let same = old.len() == new.len() && new.iter().all(is_known);
            Some(if same {
                RegistrarOutput::Refreshed { aor }
            } else {
                RegistrarOutput::Changed { aor }
            })
        }
    }
}

fn supports_path(request: &Request) -> bool {
    [HeaderName::Supported, HeaderName::Require]
        .iter()
        .any(|name| request.headers.has_token(name, "path"))
}

fn too_many() -> Rejection {
    Rejection::because(StatusCode::FORBIDDEN, "Too Many Contacts")
}
