//! The switch: everything that decides, driven by inputs and the time.
//!
//! One message takes one path down: parse, validate, transaction, then either
//! the call its To tag names or [`requests`], which makes a call of an INVITE.
//! Everything that comes out stands in one list of effects, in order.
//!
//! | input | what happens |
//! |---|---|
//! | `Sip` | parsed, validated, given to its transaction; its outcome to a call |
//! | `Unframed` | answered without state, when enough of it can be read |
//! | `TransportError` | transactions to that hop fail, and their calls with them |
//! | `PortReady` | the sockets wait for a call |
//! | `Media` | the call that owns the port hears it |
//! | `Restore` | a user has its contacts back |
//! | `Control` | drain, one call ended, new routes |

pub(crate) mod admission;
mod core;
mod deadlines;
mod ports;
mod register;
mod requests;
mod stats;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use strowger_media::vocabulary::MediaEvent;
use strowger_sip::message::{Message, Method, Rejection, Request, StatusCode};
use strowger_sip::transaction::TransactionOutput;
use strowger_sip::transport::Hop;

use crate::call::{Call, Outcome};
use crate::call_table::{CallId, CallTable};
use crate::clock::Clock;
use crate::config::{Routes, SwitchConfig};
use crate::effect::Effect;
use crate::input::{Control, Input};
use admission::Admission;
use deadlines::Deadlines;
use register::Registration;

pub(crate) use self::core::{ACCEPT, Core, offer_refused};
pub use stats::{METHODS, REASONS, SwitchStats};

/// A whole switch, but for its sockets, threads, files and clock.
pub struct Switch {
    core: Core,
    routes: Arc<Routes>,
    /// By slot of the call table.
    calls: Vec<Option<Box<Call>>>,
    /// Our tag of the dialog → call.
    by_tag: HashMap<u64, CallId>,
    deadlines: Deadlines,
    admission: Admission,
    drain: Option<Drain>,
    registration: Option<Box<Registration>>,
}

#[derive(Debug)]
struct Drain {
    /// When the calls that are left are ended.
    deadline: Option<Instant>,
    told: bool,
}

impl Switch {
    /// A switch with no call. `seed` decides every tag, branch and identifier;
    /// whoever can guess it can guess those.
    pub fn new(
        config: SwitchConfig,
        table: Arc<CallTable>,
        seed: u64,
        clock: Clock,
        now: Instant,
    ) -> Self {
        let registration = config.registration.clone();
        let (routes, per_second) = (config.routes.clone(), config.limits.max_calls_per_second);
        let mut core = Core::new(config, table, seed, clock, now);
        Self {
            routes,
            calls: (0..core.table.capacity()).map(|_| None).collect(),
            by_tag: HashMap::new(),
            deadlines: Deadlines::default(),
            admission: Admission::new(per_second, now),
            drain: None,
            registration: registration
                .map(|config| Box::new(Registration::new(config, core.random.u64(), now))),
            core,
        }
    }

    /// Takes one input; appends what is to be done, in order.
    pub fn handle_input(&mut self, input: Input, now: Instant, out: &mut Vec<Effect>) {
        std::mem::swap(&mut self.core.effects, out);
        match input {
            Input::Sip { hop, .. } | Input::Unframed { hop, .. } if self.is_banned(hop, now) => {
                self.core.stats.messages_banned += 1;
            }
            Input::Sip { hop, message } => self.handle_message(hop, message, now),
            Input::Unframed { hop, head, status } => self.handle_unframed(hop, head, status),
            Input::TransportError { hop } => {
                self.core
                    .transactions
                    .handle_transport_error(hop, now, &mut self.core.said);
            }
            Input::PortReady { address, port } => self.core.ports.add_ready(address, port),
            Input::Media(event) => self.handle_media(event, now),
            Input::Restore(kept) => self.restore(&kept, now),
            Input::Control(control) => self.handle_control(control, now),
        }
        self.settle(now);
        std::mem::swap(&mut self.core.effects, out);
    }

    /// When to call [`Switch::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let drain = self.drain.as_ref().and_then(|drain| drain.deadline);
        [
            self.core.transactions.poll_timeout(),
            self.deadlines.first().map(|at| (at, "call")),
            drain.map(|at| (at, "drain timeout")),
            self.registration.as_ref().and_then(|it| it.poll_timeout()),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|(at, _)| *at)
    }

    /// Does what is due. Late and repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Effect>) {
        std::mem::swap(&mut self.core.effects, out);
        self.core
            .transactions
            .handle_timeout(now, &mut self.core.said);
        self.settle(now);
        while let Some((at, id)) = self.deadlines.pop_due(now) {
            self.with_call(id, |call, core| {
                call.woken(at);
                if call.poll_timeout().is_some_and(|(due, _)| due <= now) {
                    call.handle_timeout(core, now);
                }
            });
        }
        if self
            .drain
            .as_ref()
            .is_some_and(|drain| drain.deadline.is_some_and(|at| at <= now))
        {
            self.end_drain(now);
        }
        self.registration_timeout(now);
        self.settle(now);
        std::mem::swap(&mut self.core.effects, out);
    }

    /// Figures; those that say how many there are now are as of this moment.
    pub fn stats(&self) -> SwitchStats {
        let registration = self.registration.as_deref();
        let count = |count: fn(&Registration) -> usize| registration.map_or(0, count) as u64;
        SwitchStats {
            registrations_live: count(|it| it.registrar().len()),
            contacts_live: count(|it| it.registrar().binding_count()),
            banned_live: count(Registration::banned),
            calls_live: u64::from(self.core.table.live()),
            transactions_live: self.core.transactions.len() as u64,
            ports_live: u64::from(self.core.ports.in_use()),
            ..self.core.stats.clone()
        }
    }

    fn handle_message(&mut self, hop: Hop, message: Bytes, now: Instant) {
        let limits = &self.core.config.message;
        if message.len() > limits.max_message_bytes {
            let head = message.slice(..limits.max_message_bytes);
            let status = StatusCode::MESSAGE_TOO_LARGE.code();
            self.handle_unframed(hop, head, status);
            return;
        }
        match Message::parse(message, limits) {
            Ok(Message::Request(request)) => {
                self.core.stats.messages_received += 1;
                self.core.stats.count_request(request.method.as_bytes());
                self.admit_request(request, hop, now);
            }
            Ok(Message::Response(response)) => {
                self.core.stats.messages_received += 1;
                if response.validate().is_err() {
                    self.core.stats.responses_discarded += 1;
                    return;
                }
                let response = Message::Response(response);
                self.core
                    .transactions
                    .handle_message(response, hop, now, &mut self.core.said);
            }
            Err(_) => self.core.stats.parse_errors += 1,
        }
    }

    /// Validation and overload control, before any state is kept.
    fn admit_request(&mut self, request: Request, hop: Hop, now: Instant) {
        if let Err(rejection) = request.validate() {
            self.core.respond_stateless(request, hop, &rejection);
            return;
        }
        if request.method == Method::Register
            && let Some(challenge) = self.challenge_unanswered(&request, hop, now)
        {
            self.core.respond_stateless(request, hop, &challenge);
            return;
        }
        if self.is_new_call(&request) {
            let refusal = if self.drain.is_some() {
                Some("The switch is shutting down")
            } else if self.core.table.live() >= self.core.config.limits.max_calls {
                Some("Too many calls")
            } else if self.admission.admit(now) {
                None
            } else {
                Some("Too many calls a second")
            };
            if let Some(reason) = refusal {
                let rejection = self.core.unavailable(reason);
                self.core.respond_stateless(request, hop, &rejection);
                return;
            }
        }
        let message = Message::Request(request);
        self.core
            .transactions
            .handle_message(message, hop, now, &mut self.core.said);
    }

    fn is_new_call(&self, request: &Request) -> bool {
        request.method == Method::Invite
            && request.headers.to().is_ok_and(|to| to.tag().is_none())
            && !self.core.transactions.is_known(request)
    }

    fn handle_unframed(&mut self, hop: Hop, head: Bytes, status: u16) {
        self.core.stats.parse_errors += 1;
        let Ok(Message::Request(request)) = Message::parse(head, &self.core.config.message) else {
            return;
        };
        let status = StatusCode::new(status).unwrap_or(StatusCode::BAD_REQUEST);
        self.core
            .respond_stateless(request, hop, &Rejection::new(status));
    }

    fn handle_media(&mut self, event: MediaEvent, now: Instant) {
        let port = event.port();
        let Some(id) = self.core.ports.owner(port) else {
            return;
        };
        if self.call(id).is_some() {
            self.with_call(id, |call, core| call.handle_media(event, core, now));
        } else if matches!(event, MediaEvent::Closed { .. }) {
            self.core.ports.close(port);
        }
    }

    fn handle_control(&mut self, control: Control, now: Instant) {
        match control {
            Control::Drain => {
                let deadline = now + self.core.config.limits.drain_timeout;
                self.drain.get_or_insert(Drain {
                    deadline: Some(deadline),
                    told: false,
                });
            }
            Control::HangUp(id) => {
                self.with_call(id, |call, core| {
                    call.hang_up(Outcome::operator(), core, now);
                });
            }
            Control::Routes(routes) => self.routes = routes,
        }
    }

    fn end_drain(&mut self, now: Instant) {
        if let Some(drain) = &mut self.drain {
            drain.deadline = None;
        }
        let ids: Vec<CallId> = self.calls.iter().flatten().map(|call| call.id()).collect();
        for id in ids {
            self.with_call(id, |call, core| call.hang_up(Outcome::drained(), core, now));
        }
    }

    /// Hands on what the transactions said until they have nothing more to say.
    fn settle(&mut self, now: Instant) {
        self.core.flush_sends();
        while !self.core.said.is_empty() {
            for output in std::mem::take(&mut self.core.said) {
                self.handle_output(output, now);
            }
            self.core.flush_sends();
        }
        self.tell_drained();
    }

    fn handle_output(&mut self, output: TransactionOutput, now: Instant) {
        match output {
            TransactionOutput::Send { hop, message } => {
                self.core.stats.messages_sent += 1;
                self.core.effects.push(Effect::Send { hop, message });
            }
            TransactionOutput::Request { id, request, hop } => {
                self.handle_request(id, request, hop, now);
            }
            TransactionOutput::Ack { request, .. } => {
                if let Some(id) = self.call_of(&request) {
                    self.with_call(id, |call, core| call.handle_ack(&request, core, now));
                }
            }
            TransactionOutput::Cancel { invite, .. } => {
                if let Some(id) = self.core.invites.get(&invite).copied() {
                    self.with_call(id, |call, core| call.handle_cancel(core, now));
                }
            }
            TransactionOutput::Response { id, response } => {
                if response.status.is_final() {
                    self.request_done(id, now);
                }
            }
            TransactionOutput::TimedOut { id } | TransactionOutput::TransportFailed { id } => {
                self.request_done(id, now);
            }
            TransactionOutput::ServerFailed { id, .. } => {
                if let Some(call) = self.core.invites.remove(&id) {
                    self.with_call(call, |call, core| call.handle_invite_failed(core, now));
                }
            }
        }
    }

    fn request_done(&mut self, id: strowger_sip::transaction::ClientTransactionId, now: Instant) {
        if let Some(call) = self.core.clients.remove(&id) {
            self.with_call(call, |call, core| call.handle_request_done(id, core, now));
        }
    }

    fn call(&self, id: CallId) -> Option<&Call> {
        let call = self.calls.get(id.slot() as usize)?.as_deref()?;
        (call.id() == id).then_some(call)
    }

    fn insert(&mut self, id: CallId, call: Box<Call>) {
        self.calls[id.slot() as usize] = Some(call);
    }

    /// The call whose dialog a request names (RFC 3261 §12.2.2).
    fn call_of(&self, request: &Request) -> Option<CallId> {
        let to = request.headers.to().ok()?;
        let tag = parse_tag(to.tag()?)?;
        let id = self.by_tag.get(&tag).copied()?;
        let dialog = self.call(id)?.dialog().id();
        let from = request.headers.from_().ok()?;
        let same = dialog.remote_tag == from.tag().unwrap_or_default()
            && dialog.call_id == request.headers.call_id().ok()?;
        same.then_some(id)
    }

    /// Lets a call do something, then looks after its deadlines or its end.
    fn with_call(&mut self, id: CallId, act: impl FnOnce(&mut Call, &mut Core)) {
        let Some(place) = self.calls.get_mut(id.slot() as usize) else {
            return;
        };
        let Some(call) = place.as_deref_mut().filter(|call| call.id() == id) else {
            return;
        };
        act(call, &mut self.core);
        if call.is_over() {
            if let Some(tag) = parse_tag(&call.dialog().id().local_tag) {
                self.by_tag.remove(&tag);
            }
            *place = None;
            self.compact_deadlines();
        } else if let Some(at) = call.reschedule() {
            self.deadlines.push(at, id);
        }
    }

    fn compact_deadlines(&mut self) {
        let Self {
            deadlines,
            calls,
            core,
            ..
        } = self;
        deadlines.compact(core.table.live() as usize, |at, id| {
            let call = calls.get(id.slot() as usize).and_then(Option::as_deref);
            call.is_some_and(|call| call.id() == id && call.scheduled() == Some(at))
        });
    }

    fn tell_drained(&mut self) {
        if self.core.table.live() > 0 {
            return;
        }
        if let Some(drain) = self.drain.as_mut().filter(|drain| !drain.told) {
            drain.told = true;
            drain.deadline = None;
            self.core.effects.push(Effect::Drained);
        }
    }
}

/// Our tags are 16 hexadecimal digits.
fn parse_tag(tag: &[u8]) -> Option<u64> {
    if tag.len() != 16 {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(tag).ok()?, 16).ok()
}
