//! A call: one leg, the flow that decides what it does, and the record that is
//! left of it.
//!
//! | phase | input | next | effects |
//! |---|---|---|---|
//! | Offering | order `Answer` | Accepted | 200 with our description, port opened |
//! | Offering | order `EarlyMedia` | Offering | 183 with our description, port opened |
//! | Offering | order `HangUp` | Closing | final response |
//! | Offering | CANCEL | Closing | 487 |
//! | Offering | BYE | Closing | 200 to the BYE, 487 to the INVITE |
//! | Offering | ring timeout | Closing | 480 |
//! | Offering | transaction failed | Closing | – |
//! | Accepted | ACK | Up | port told where to send, when the answer came with it |
//! | Accepted | order `HangUp`, time over | Accepted | port closed; BYE waits for the ACK |
//! | Accepted | no ACK for 64 × T1 | Closing | BYE |
//! | Accepted, Up | BYE | Closing | 200 to the BYE |
//! | Accepted, Up | re-INVITE | same | 200, 488 or 491 |
//! | Up | order `HangUp`, time over | Closing | BYE, port closed |
//! | Closing | port closed and BYE done, or two seconds past 64 × T1 | Over | record |

mod leg;
mod media;
mod orders;
mod outcome;
mod timeouts;

use std::sync::Arc;
use std::time::{Duration, Instant};

use strowger_media::vocabulary::{MediaEvent, PortStats};
use strowger_sip::dialog::Dialog;
use strowger_sip::message::{HeaderName, Method, Rejection, Request, StatusCode};
use strowger_sip::transaction::{ClientTransactionId, ServerTransactionId};
use strowger_sip::transport::Hop;

use crate::call_table::{CallId, CallStatus};
use crate::effect::{Effect, Event, EventKind};
use crate::flow::Flow;
use crate::interpreter::{CallEvent, Interpreter};
use crate::record::CallRecord;
use crate::switch::Core;
use leg::{Acked, Leg};
pub(crate) use media::capabilities;
pub(crate) use outcome::Outcome;
use outcome::Party;

/// How long after the last chance of a BYE a worker may take to close a port.
const CLOSING_GRACE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Call {
    id: CallId,
    uuid: Arc<str>,
    leg: Leg,
    interpreter: Interpreter,
    phase: Phase,
    /// We want to say BYE as soon as the ACK has come.
    bye_wanted: bool,
    media_closing: bool,
    outcome: Option<Outcome>,
    figures: Option<Box<PortStats>>,
    record: Box<CallRecord>,
    /// Ring timeout while offering, then the longest duration, then the end of
    /// the closing.
    deadline: Instant,
    /// The entry in the heap of deadlines that will wake this call.
    scheduled: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Offering,
    Accepted,
    Up,
    Closing,
    Over,
}

/// What a call starts from.
pub(crate) struct Incoming {
    pub(crate) id: CallId,
    pub(crate) transaction: ServerTransactionId,
    pub(crate) invite: Request,
    pub(crate) dialog: Dialog,
    pub(crate) hop: Hop,
    pub(crate) flow: Arc<Flow>,
    pub(crate) captures: Vec<String>,
    pub(crate) user: String,
}

impl Call {
    /// A call that came in; nothing is sent yet.
    pub(crate) fn new(incoming: Incoming, core: &mut Core, now: Instant) -> Box<Self> {
        let uuid = core.random.uuid();
        let record = outcome::opened(&incoming, &uuid, core.clock.unix_ms(now));
        let interpreter = orders::interpreter(&incoming, &uuid, &record, now);
        let Incoming {
            id,
            transaction,
            invite,
            dialog,
            hop,
            ..
        } = incoming;
        core.table.insert_name(&uuid, id);
        Box::new(Self {
            id,
            uuid,
            leg: Leg::new(id, transaction, invite, dialog, hop),
            interpreter,
            phase: Phase::Offering,
            bye_wanted: false,
            media_closing: false,
            outcome: None,
            figures: None,
            record: Box::new(record),
            deadline: now + core.config.limits.ring_timeout,
            scheduled: None,
        })
    }

    /// Begins the flow.
    pub(crate) fn start(&mut self, user: &str, core: &mut Core, now: Instant) {
        let source = self.record.source.clone();
        self.tell(
            core,
            EventKind::Created {
                source,
                destination: user.to_owned(),
            },
        );
        let mut orders = std::mem::take(&mut core.orders);
        self.interpreter.start(now, &mut orders);
        self.obey_all(orders, core, now);
    }

    pub(crate) fn id(&self) -> CallId {
        self.id
    }

    pub(crate) fn dialog(&self) -> &Dialog {
        self.leg.dialog()
    }

    /// Whether nothing is left to wait for.
    pub(crate) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// A request within the dialog, ACK and CANCEL excepted.
    pub(crate) fn handle_request(
        &mut self,
        transaction: ServerTransactionId,
        request: &Request,
        core: &mut Core,
        now: Instant,
    ) {
        // RFC 3261 §15.1.1: the dialog lives until our BYE is answered. A BYE that
        // crosses it is none too late (RFC 5407).
        if request.method == Method::Bye && self.leg.bye().is_some() {
            core.ok(transaction, request, now);
            return;
        }
        if let Err(rejection) = self.leg.admit(request) {
            core.reject(transaction, request, &rejection, now);
            return;
        }
        match &request.method {
            Method::Invite => self.handle_reinvite(transaction, request, core, now),
            Method::Bye => self.handle_bye(transaction, request, core, now),
            Method::Options => core.answer_options(transaction, request, now),
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Prack
            | Method::Update
            | Method::Info
            | Method::Refer
            | Method::Subscribe
            | Method::Notify
            | Method::Message
            | Method::Publish
            | Method::Other(_) => core.refuse_method(transaction, request, now),
        }
    }

    /// The ACK to our 2xx.
    pub(crate) fn handle_ack(&mut self, ack: &Request, core: &mut Core, now: Instant) {
        match self.leg.acknowledged(ack, core) {
            Acked::Stray => {}
            Acked::Confirmed => self.confirmed(None, core, now),
            Acked::MediaAgreed => self.confirmed(Some(CallEvent::Answered), core, now),
            Acked::Unusable(reason) => {
                self.confirmed(None, core, now);
                self.hang_up(Outcome::local_failure(reason), core, now);
            }
        }
    }

    /// The caller gave up before the answer (RFC 3261 §9.2).
    pub(crate) fn handle_cancel(&mut self, core: &mut Core, now: Instant) {
        if self.phase != Phase::Offering {
            return;
        }
        core.table.set_status(self.id, CallStatus::Canceling);
        self.tell(core, EventKind::Canceling);
        self.leg
            .reject(&Rejection::new(StatusCode::REQUEST_TERMINATED), core, now);
        self.close(Outcome::cancelled(), core, now);
    }

    /// The transaction of the unanswered INVITE is gone.
    pub(crate) fn handle_invite_failed(&mut self, core: &mut Core, now: Instant) {
        if self.phase == Phase::Offering {
            let reason = "the INVITE's transaction failed".to_owned();
            self.hang_up(Outcome::local_failure(reason), core, now);
        }
    }

    /// Our request got its final response, or will never get one.
    pub(crate) fn handle_request_done(
        &mut self,
        id: ClientTransactionId,
        core: &mut Core,
        now: Instant,
    ) {
        if self.leg.bye() == Some(id) {
            self.leg.bye_done();
            self.finish_if_quiet(core, now);
        }
    }

    /// A worker reports about our port.
    pub(crate) fn handle_media(&mut self, event: MediaEvent, core: &mut Core, now: Instant) {
        match event {
            MediaEvent::Latched { .. } => {}
            MediaEvent::Digit {
                digit, duration_ms, ..
            } => {
                if self.is_live() {
                    self.tell(core, EventKind::Digit(digit.as_char()));
                    self.feed(&CallEvent::Digit { digit, duration_ms }, core, now);
                }
            }
            MediaEvent::PlayDone { play, end, .. } => {
                if self.is_live() {
                    self.feed(&CallEvent::PlayDone { play, end }, core, now);
                }
            }
            MediaEvent::Closed { port, stats } => {
                core.ports.close(port);
                self.figures = Some(stats);
                self.leg.media_closed();
                self.media_closing = false;
                self.finish_if_quiet(core, now);
            }
        }
    }

    /// Ends the call from our side, whatever it is doing.
    pub(crate) fn hang_up(&mut self, outcome: Outcome, core: &mut Core, now: Instant) {
        match self.phase {
            Phase::Offering => {
                self.leg.reject(&outcome.rejection(), core, now);
                self.close(outcome, core, now);
            }
            Phase::Accepted => {
                self.bye_wanted = true;
                self.outcome.get_or_insert(outcome);
                self.quiet_media(core);
                core.table.set_status(self.id, CallStatus::Terminating);
            }
            Phase::Up => {
                core.table.set_status(self.id, CallStatus::Terminating);
                self.tell(core, EventKind::Terminating);
                self.leg.send_bye(core, now);
                self.close(outcome, core, now);
            }
            Phase::Closing | Phase::Over => {}
        }
    }

    fn handle_reinvite(
        &mut self,
        transaction: ServerTransactionId,
        request: &Request,
        core: &mut Core,
        now: Instant,
    ) {
        match self.phase {
            // RFC 3261 §14.2: the first INVITE has no final response yet.
            Phase::Offering => {
                let rejection = Rejection::new(StatusCode::SERVER_INTERNAL_ERROR)
                    .with_header(HeaderName::RetryAfter, (core.random.u32() % 11).to_string());
                core.reject(transaction, request, &rejection, now);
            }
            Phase::Accepted | Phase::Up if self.is_live() => {
                self.leg.reinvite(transaction, request, core, now);
                if self.leg.awaits_ack() {
                    self.phase = Phase::Accepted;
                }
            }
            Phase::Accepted | Phase::Up | Phase::Closing | Phase::Over => {
                core.no_such_dialog(transaction, request, now);
            }
        }
    }

    fn handle_bye(
        &mut self,
        transaction: ServerTransactionId,
        request: &Request,
        core: &mut Core,
        now: Instant,
    ) {
        core.ok(transaction, request, now);
        match self.phase {
            Phase::Offering => {
                self.leg
                    .reject(&Rejection::new(StatusCode::REQUEST_TERMINATED), core, now);
                self.close(Outcome::cancelled(), core, now);
            }
            Phase::Accepted | Phase::Up => {
                self.leg.terminated();
                let outcome = Outcome::remote_bye(request);
                self.close(outcome, core, now);
            }
            Phase::Closing | Phase::Over => {}
        }
    }

    fn confirmed(&mut self, event: Option<CallEvent>, core: &mut Core, now: Instant) {
        if self.phase == Phase::Accepted {
            self.phase = Phase::Up;
        }
        if let Some(event) = event.filter(|_| self.is_live()) {
            self.feed(&event, core, now);
        }
        if self.bye_wanted && self.phase == Phase::Up {
            self.bye_wanted = false;
            self.leg.send_bye(core, now);
            let outcome = self.outcome.take().unwrap_or_else(Outcome::flow_ended);
            self.close(outcome, core, now);
        }
    }

    /// Whether the flow still has a say.
    fn is_live(&self) -> bool {
        let open = matches!(self.phase, Phase::Offering | Phase::Accepted | Phase::Up);
        open && !self.bye_wanted
    }

    /// Nothing more will be said but goodbye: closes the media and the books.
    fn close(&mut self, outcome: Outcome, core: &mut Core, now: Instant) {
        self.phase = Phase::Closing;
        self.bye_wanted = false;
        self.outcome.get_or_insert(outcome);
        self.deadline = now + core.closing_time() + CLOSING_GRACE;
        self.quiet_media(core);
        self.finish_if_quiet(core, now);
    }

    fn quiet_media(&mut self, core: &mut Core) {
        if !self.media_closing {
            if let Some(codec) = self.leg.media().and_then(media::LegMedia::codec) {
                self.record.codec = codec.encoding_name();
            }
            self.media_closing = self.leg.close_media(core);
        }
    }

    fn finish_if_quiet(&mut self, core: &mut Core, now: Instant) {
        if self.phase == Phase::Closing && self.leg.bye().is_none() && !self.media_closing {
            self.finish(core, now);
        }
    }

    fn finish(&mut self, core: &mut Core, now: Instant) {
        if let Some(bye) = self.leg.bye() {
            core.clients.remove(&bye);
        }
        self.phase = Phase::Over;
        let outcome = self.outcome.take().unwrap_or_else(Outcome::flow_ended);
        core.table.set_status(self.id, CallStatus::Hangup);
        core.stats.count_end(&outcome);
        let by = match outcome.by {
            Party::Remote => "remote",
            Party::Local => "local",
        };
        self.tell(
            core,
            EventKind::HangUp {
                by,
                reason: outcome.reason,
            },
        );
        let mut record = std::mem::take(&mut self.record);
        outcome::closed(
            &mut record,
            outcome,
            self.figures.as_deref(),
            core.clock.unix_ms(now),
        );
        core.effects.push(Effect::Record(record));
        core.table.remove_name(&self.uuid);
        core.table.release(self.id);
    }

    fn tell(&self, core: &mut Core, kind: EventKind) {
        core.effects.push(Effect::Event(Event {
            call: Some(self.id),
            id: self.uuid.clone(),
            kind,
        }));
    }
}
