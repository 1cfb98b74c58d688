//! Requests outside a dialog: what a user agent server checks before it acts
//! (RFC 3261 §8.2), and how an INVITE becomes a call.

use std::time::Instant;

use strowger_sip::dialog::Dialog;
use strowger_sip::message::{HeaderName, Method, Rejection, Request, StatusCode, Uri};
use strowger_sip::transaction::ServerTransactionId;
use strowger_sip::transport::{Hop, Transport};

use super::{Switch, parse_tag};
use crate::call::{Call, Incoming};
use crate::call_table::{CallId, CallStatus};

impl Switch {
    /// A request that no transaction knew.
    pub(super) fn handle_request(
        &mut self,
        id: ServerTransactionId,
        request: Request,
        hop: Hop,
        now: Instant,
    ) {
        // RFC 3261 §8.2: first the method, then what the headers demand.
        let registers = request.method == Method::Register && self.registration.is_some();
        if (registers || understood(&request.method))
            && let Some(rejection) = unmet_requirement(&request)
        {
            self.core.reject(id, &request, &rejection, now);
            return;
        }
        if request.headers.to().is_ok_and(|to| to.tag().is_some()) {
            self.handle_in_dialog(id, &request, now);
            return;
        }
        match &request.method {
            Method::Invite => self.handle_invite(id, request, hop, now),
            Method::Options => self.core.answer_options(id, &request, now),
            Method::Register => self.handle_register(id, &request, hop, now),
            // RFC 3261 §15.1.2, §12.2.2: they belong to a dialog and name none.
            Method::Bye | Method::Prack | Method::Update | Method::Info => {
                self.core.no_such_dialog(id, &request, now);
            }
            Method::Ack
            | Method::Cancel
            | Method::Refer
            | Method::Subscribe
            | Method::Notify
            | Method::Message
            | Method::Publish
            | Method::Other(_) => self.core.refuse_method(id, &request, now),
        }
    }

    fn handle_in_dialog(&mut self, id: ServerTransactionId, request: &Request, now: Instant) {
        let Some(call) = self.call_of(request) else {
            self.core.no_such_dialog(id, request, now);
            return;
        };
        self.with_call(call, |call, core| {
            call.handle_request(id, request, core, now);
        });
    }

    fn handle_invite(
        &mut self,
        transaction: ServerTransactionId,
        invite: Request,
        hop: Hop,
        now: Instant,
    ) {
        match self.place(transaction, &invite, hop, now) {
            Ok((id, incoming)) => self.begin(id, incoming(invite), now),
            Err(rejection) => self.core.reject(transaction, &invite, &rejection, now),
        }
    }

    /// Finds the flow and a place in the call table.
    fn place(
        &mut self,
        transaction: ServerTransactionId,
        invite: &Request,
        hop: Hop,
        now: Instant,
    ) -> Result<(CallId, impl FnOnce(Request) -> Incoming + use<>), Rejection> {
        let user = dialled_user(&invite.uri);
        let Some(found) = self.routes.dial_plan.lookup(&user) else {
            return Err(nobody_there(invite));
        };
        let Some(flow) = self.routes.flows.get(found.flow).cloned() else {
            let reason = "The dial plan names a flow that is not loaded";
            return Err(Rejection::because(
                StatusCode::SERVER_INTERNAL_ERROR,
                reason,
            ));
        };
        let captures = found.captures;
        let tag = self.new_tag(transaction);
        let contact = self.contact(&user, hop);
        let dialog = Dialog::uas(invite, &format!("{tag:016x}"), &contact)?;
        let start_ms = self.core.clock.unix_ms(now);
        let Some(id) = self.core.table.claim(CallStatus::Ringing, start_ms) else {
            return Err(self.core.unavailable("Too many calls"));
        };
        self.by_tag.insert(tag, id);
        self.core.invites.insert(transaction, id);
        self.core.stats.calls += 1;
        Ok((id, move |invite| Incoming {
            id,
            transaction,
            invite,
            dialog,
            hop,
            flow,
            captures,
            user,
        }))
    }

    fn begin(&mut self, id: CallId, incoming: Incoming, now: Instant) {
        let user = incoming.user.clone();
        let call = Call::new(incoming, &mut self.core, now);
        self.insert(id, call);
        self.with_call(id, |call, core| call.start(&user, core, now));
    }

    /// The tag of a dialog: that of the INVITE's transaction, under which a CANCEL is
    /// answered (RFC 3261 §9.2), unless a caller who repeats himself has it already.
    fn new_tag(&mut self, transaction: ServerTransactionId) -> u64 {
        let tag = self.core.transactions.to_tag(transaction);
        tag.and_then(|tag| parse_tag(tag.as_bytes()))
            .filter(|tag| !self.by_tag.contains_key(tag))
            .unwrap_or_else(|| self.core.random.u64())
    }

    fn contact(&self, user: &str, hop: Hop) -> Uri {
        let listener = self.core.listener(hop.listener);
        let transport = match listener.transport {
            Transport::Udp => None,
            Transport::Tcp => Some(Transport::Tcp),
        };
        Uri::sip(Some(user), listener.advertised, transport)
    }
}

/// The methods of `ALLOW` (RFC 3261 §8.2.1).
fn understood(method: &Method) -> bool {
    match method {
        Method::Invite | Method::Ack | Method::Cancel | Method::Bye | Method::Options => true,
        Method::Register
        | Method::Prack
        | Method::Update
        | Method::Info
        | Method::Refer
        | Method::Subscribe
        | Method::Notify
        | Method::Message
        | Method::Publish
        | Method::Other(_) => false,
    }
}

/// RFC 3261 §8.2.2.3 and §8.2.3: extensions we lack, bodies we cannot read.
fn unmet_requirement(request: &Request) -> Option<Rejection> {
    let is_lacking = |option: &&[u8]| {
        // RFC 3327 is for registrars.
        !(request.method == Method::Register && option.eq_ignore_ascii_case(b"path"))
    };
    let required = request.headers.tokens(&HeaderName::Require);
    let required: Vec<_> = required.filter(is_lacking).collect();
    if !required.is_empty() {
        let unsupported = required.join(&b", "[..]);
        let rejection = Rejection::new(StatusCode::BAD_EXTENSION);
        return Some(rejection.with_header(HeaderName::Unsupported, unsupported));
    }
    let encoded = request
        .headers
        .tokens(&HeaderName::ContentEncoding)
        .any(|coding| !coding.eq_ignore_ascii_case(b"identity"));
    if encoded {
        let rejection = Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        return Some(rejection.with_header(HeaderName::AcceptEncoding, "identity"));
    }
    None
}

/// The user part of a SIP URI, the number of a `tel` URI; empty when there is none.
fn dialled_user(uri: &Uri) -> String {
    uri.user()
        .map(|user| String::from_utf8_lossy(&user).into_owned())
        .unwrap_or_default()
}

/// Nobody here has that name. Sending the request on would take a hop it may not
/// have (RFC 3261 §16.3).
fn nobody_there(invite: &Request) -> Rejection {
    match invite.headers.max_forwards() {
        Ok(Some(0)) => Rejection::new(StatusCode::TOO_MANY_HOPS),
        Ok(_) | Err(_) => Rejection::new(StatusCode::NOT_FOUND),
    }
}
