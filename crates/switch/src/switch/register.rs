//! REGISTER: challenge, judge, bind (RFC 3261 §10.3), and what follows from it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use strowger_sip::digest::{Authenticator, UserIndex, Verdict};
use strowger_sip::message::{HeaderName, Rejection, Request, StatusCode};
use strowger_sip::registrar::{Binding, KeptBinding, Registrar, RegistrarOutput};
use strowger_sip::transaction::ServerTransactionId;
use strowger_sip::transport::Hop;

use super::{Core, Switch};
use crate::config::RegistrationConfig;
use crate::effect::{Effect, Event, EventKind, ExtensionChange};
use crate::guard::Guard;
use crate::registration::{KeptContact, KeptRegistration};

/// All that registration needs; there only when there are users.
pub(super) struct Registration {
    authenticator: Authenticator,
    registrar: Registrar,
    guard: Guard,
    keep: bool,
    /// Scratch, kept for its capacity.
    said: Vec<RegistrarOutput>,
}

impl Registration {
    pub(super) fn new(config: RegistrationConfig, seed: u64, now: Instant) -> Self {
        Self {
            authenticator: Authenticator::new(config.digest, config.users, seed, now),
            registrar: Registrar::new(config.registrar),
            guard: Guard::new(config.guard),
            keep: config.keep,
            said: Vec::new(),
        }
    }

    pub(super) fn registrar(&self) -> &Registrar {
        &self.registrar
    }

    pub(super) fn banned(&self) -> usize {
        self.guard.banned()
    }

    pub(super) fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let timeouts = [self.registrar.poll_timeout(), self.guard.poll_timeout()];
        timeouts.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// 401 with fresh challenges (RFC 3261 §22.2). `WWW-Authenticate` and not its
    /// proxy twin: this is the registrar itself.
    fn challenge(&mut self, stale: bool, source: IpAddr, now: Instant) -> Rejection {
        let mut rejection = Rejection::new(StatusCode::UNAUTHORIZED);
        for challenge in self.authenticator.challenge(stale, source, now) {
            rejection = rejection.with_header(HeaderName::WwwAuthenticate, challenge);
        }
        rejection
    }

    /// RFC 3261 §10.3 steps 4 and 5: a user registers itself and nobody else.
    /// Another user and nobody at all are refused alike.
    fn may_register(&self, user: UserIndex, request: &Request) -> bool {
        let name = self.authenticator.users().name(user);
        request.headers.to().is_ok_and(|to| {
            let same = to.uri.user().is_some_and(|user| *user == *name.as_bytes());
            to.uri.is_sip() && same
        })
    }

    /// Turns what the registrar said into effects.
    fn tell(&mut self, core: &mut Core, now: Instant) {
        let mut said = std::mem::take(&mut self.said);
        for said in said.drain(..) {
            let (aor, change) = match said {
                RegistrarOutput::Registered { aor } => (aor, Some(ExtensionChange::Registered)),
                RegistrarOutput::Changed { aor } => (aor, Some(ExtensionChange::Changed)),
                RegistrarOutput::Refreshed { aor } => (aor, None),
                RegistrarOutput::Unregistered { aor, expired: true } => {
                    (aor, Some(ExtensionChange::Expired))
                }
                RegistrarOutput::Unregistered {
                    aor,
                    expired: false,
                } => (aor, Some(ExtensionChange::Unregistered)),
            };
            self.keep(&aor, core, now);
            if let Some(change) = change {
                let contacts = self.registrar.bindings(&aor).len();
                core.effects.push(Effect::Event(Event {
                    call: None,
                    id: aor,
                    kind: EventKind::Extension { change, contacts },
                }));
            }
        }
        self.said = said;
    }

    /// Has the contacts of a user kept over a restart, where that is wanted.
    fn keep(&self, aor: &Arc<str>, core: &mut Core, now: Instant) {
        if !self.keep {
            return;
        }
        let bindings = self.registrar.bindings(aor).iter();
        let kept = KeptRegistration {
            aor: Arc::clone(aor),
            contacts: bindings.map(|binding| keep(binding, core, now)).collect(),
        };
        core.effects.push(Effect::Registration(Box::new(kept)));
    }
}

impl Switch {
    /// Contacts of a user, the newest last; none when it is not registered.
    pub fn bindings(&self, user: &str) -> &[Binding] {
        match &self.registration {
            Some(registration) => registration.registrar.bindings(user),
            None => &[],
        }
    }

    pub(super) fn is_banned(&self, hop: Hop, now: Instant) -> bool {
        match &self.registration {
            Some(registration) => registration.guard.is_banned(hop.remote.ip(), now),
            None => false,
        }
    }

    /// A REGISTER without credentials needs no state to be challenged (RFC 3261
    /// §8.2.7), so a flood of them takes no memory.
    pub(super) fn challenge_unanswered(
        &mut self,
        request: &Request,
        hop: Hop,
        now: Instant,
    ) -> Option<Rejection> {
        let registration = self.registration.as_deref_mut()?;
        if Authenticator::has_credentials(request) {
            return None;
        }
        self.core.stats.registers_challenged += 1;
        Some(registration.challenge(false, hop.remote.ip(), now))
    }

    pub(super) fn handle_register(
        &mut self,
        id: ServerTransactionId,
        request: &Request,
        hop: Hop,
        now: Instant,
    ) {
        let Self {
            registration, core, ..
        } = self;
        let Some(registration) = registration.as_deref_mut() else {
            core.refuse_method(id, request, now);
            return;
        };
        let source = hop.remote.ip();
        let rejection = match registration.authenticator.verify(request, source, now) {
            Verdict::Accepted(user) => match bind(registration, user, request, hop, now) {
                Ok(name) => {
                    core.stats.registers_accepted += 1;
                    let mut response = core.answer_to(request, StatusCode::OK);
                    let registrar = &registration.registrar;
                    registrar.describe(&name, request, now, &mut response);
                    core.respond(id, &response, now);
                    registration.tell(core, now);
                    return;
                }
                Err(rejection) => rejection,
            },
            Verdict::Malformed(reason) => Rejection::because(StatusCode::BAD_REQUEST, reason),
            Verdict::Missing => registration.challenge(false, source, now),
            Verdict::Stale => registration.challenge(true, source, now),
            Verdict::Wrong => {
                core.stats.auth_failures += 1;
                if registration.guard.handle_failure(source, now) {
                    core.stats.bans += 1;
                    core.effects.push(Effect::Event(Event {
                        call: None,
                        id: source.to_string().into(),
                        kind: EventKind::Banned { source },
                    }));
                }
                registration.challenge(false, source, now)
            }
        };
        if rejection.status == StatusCode::UNAUTHORIZED {
            core.stats.registers_challenged += 1;
        } else {
            core.stats.registers_refused += 1;
        }
        core.reject(id, request, &rejection, now);
    }

    pub(super) fn registration_timeout(&mut self, now: Instant) {
        if let Some(registration) = self.registration.as_deref_mut() {
            registration.guard.handle_timeout(now);
            registration
                .registrar
                .handle_timeout(now, &mut registration.said);
            registration.tell(&mut self.core, now);
        }
    }

    /// Users that are configured no longer, contacts whose time is over and those
    /// that no listener of today can reach are left behind.
    pub(super) fn restore(&mut self, kept: &KeptRegistration, now: Instant) {
        let Some(registration) = self.registration.as_deref_mut() else {
            return;
        };
        let users = registration.authenticator.users();
        if users.find(kept.aor.as_bytes()).is_some() {
            let contacts = kept.contacts.iter();
            let bindings = contacts
                .filter_map(|contact| restored(contact, &self.core, now))
                .collect();
            registration.registrar.restore(&kept.aor, bindings, now);
        }
        // What was left behind shall not be kept for ever.
        registration.keep(&kept.aor, &mut self.core, now);
    }
}

/// Returns the AoR that was bound.
fn bind(
    registration: &mut Registration,
    user: UserIndex,
    request: &Request,
    hop: Hop,
    now: Instant,
) -> Result<String, Rejection> {
    if !registration.may_register(user, request) {
        return Err(Rejection::new(StatusCode::FORBIDDEN));
    }
    let name = registration.authenticator.users().name(user).to_owned();
    let said = &mut registration.said;
    registration
        .registrar
        .handle_register(&name, request, hop, now, said)?;
    Ok(name)
}

fn keep(binding: &Binding, core: &Core, now: Instant) -> KeptContact {
    let left = binding.expires.saturating_duration_since(now).as_millis() as u64;
    KeptContact {
        contact: binding.contact().clone(),
        call_id: binding.call_id.clone(),
        cseq: binding.cseq,
        path: binding.path.clone(),
        transport: binding.hop.transport,
        listener: binding.hop.listener,
        remote: binding.hop.remote,
        expires_ms: core.clock.unix_ms(now) + left,
    }
}

fn restored(kept: &KeptContact, core: &Core, now: Instant) -> Option<Binding> {
    let left_ms = kept.expires_ms.checked_sub(core.clock.unix_ms(now))?;
    let hop = Hop {
        transport: kept.transport,
        listener: core.listener_for(kept.transport, kept.remote, kept.listener)?,
        remote: kept.remote,
        connection: None,
    };
    let text = KeptBinding {
        contact: &kept.contact,
        call_id: &kept.call_id,
        cseq: kept.cseq,
        path: &kept.path,
    };
    Binding::restored(&text, hop, Duration::from_millis(left_ms), now)
}
