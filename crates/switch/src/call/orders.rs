//! What the flow orders and what the call answers to it.

use std::sync::Arc;
use std::time::Instant;

use strowger_media::vocabulary::{PlayEnd, PlayId};
use strowger_sip::message::StatusCode;

use super::outcome::Outcome;
use super::{Call, Incoming, Phase};
use crate::call_table::CallStatus;
use crate::effect::{Effect, EventKind, MediaOrder};
use crate::interpreter::{CallEvent, CallFacts, CallOrder, HangUpReason, Interpreter};
use crate::record::CallRecord;
use crate::switch::Core;

/// The interpreter of a call that came in.
pub(super) fn interpreter(
    incoming: &Incoming,
    uuid: &Arc<str>,
    record: &CallRecord,
    now: Instant,
) -> Interpreter {
    let source = incoming.invite.headers.from_().ok().and_then(|from| {
        from.uri
            .user()
            .map(|user| String::from_utf8_lossy(&user).into_owned())
    });
    let facts = CallFacts {
        id: uuid.clone(),
        direction: record.direction,
        source: source.unwrap_or_else(|| record.source.clone()),
        source_name: record.source_name.clone(),
        destination: incoming.user.clone(),
        captures: incoming.captures.clone(),
    };
    Interpreter::new(incoming.flow.clone(), facts, now)
}

impl Call {
    /// Tells the flow and does what it orders then.
    pub(super) fn feed(&mut self, event: &CallEvent, core: &mut Core, now: Instant) {
        let mut orders = std::mem::take(&mut core.orders);
        self.interpreter.handle_event(event, now, &mut orders);
        self.obey_all(orders, core, now);
    }

    /// Carries out orders, and those that follow from their answers. The
    /// interpreter bounds how many there can be.
    pub(super) fn obey_all(&mut self, mut orders: Vec<CallOrder>, core: &mut Core, now: Instant) {
        let mut answers = Vec::new();
        while !orders.is_empty() {
            for order in orders.drain(..) {
                if self.is_live() {
                    answers.extend(self.obey(order, core, now));
                }
            }
            for answer in answers.drain(..) {
                if self.is_live() {
                    self.interpreter.handle_event(&answer, now, &mut orders);
                }
            }
        }
        core.orders = orders;
    }

    fn obey(&mut self, order: CallOrder, core: &mut Core, now: Instant) -> Option<CallEvent> {
        match order {
            CallOrder::Answer => return self.answer(core, now),
            CallOrder::EarlyMedia => return self.early_media(core, now),
            CallOrder::Play { play, urls, loops } => {
                let Some(media) = self.leg.media() else {
                    return Some(unheard(play));
                };
                let port = media.port();
                core.effects.push(Effect::Media(MediaOrder::Play {
                    port,
                    play,
                    urls,
                    loops,
                }));
            }
            CallOrder::StopPlay => {
                if let Some(media) = self.leg.media() {
                    let port = media.port();
                    core.effects
                        .push(Effect::Media(MediaOrder::StopPlay { port }));
                }
            }
            CallOrder::Echo(on) => {
                if let Some(media) = self.leg.media() {
                    let port = media.port();
                    core.effects
                        .push(Effect::Media(MediaOrder::Echo { port, on }));
                }
            }
            CallOrder::HangUp { reason } => self.hang_up_by_flow(reason, core, now),
            CallOrder::ActionStarted { id, action } => {
                self.tell(core, EventKind::ActionStarted { id, action });
            }
            CallOrder::ActionFailed { id, action, reason } => {
                core.stats.actions_failed += 1;
                self.tell(core, EventKind::ActionFailed { id, action, reason });
            }
            CallOrder::Stopped => {}
        }
        None
    }

    fn answer(&mut self, core: &mut Core, now: Instant) -> Option<CallEvent> {
        if self.phase != Phase::Offering {
            return None;
        }
        match self.leg.accept(core, now) {
            Ok(agreed) => {
                self.phase = Phase::Accepted;
                self.deadline = now + core.config.limits.max_call_duration;
                let answered_ms = core.clock.unix_ms(now);
                self.record.answer_ms = Some(answered_ms);
                core.table.set_answered(self.id, answered_ms);
                core.table.set_status(self.id, CallStatus::Progressing);
                core.stats.calls_answered += 1;
                self.tell(core, EventKind::Progressing);
                agreed.then_some(CallEvent::Answered)
            }
            Err(rejection) => {
                self.hang_up(Outcome::refused(rejection), core, now);
                None
            }
        }
    }

    fn early_media(&mut self, core: &mut Core, now: Instant) -> Option<CallEvent> {
        if self.phase != Phase::Offering {
            return Some(CallEvent::MediaReady);
        }
        match self.leg.progress(core, now) {
            Ok(_) => {
                core.table.set_status(self.id, CallStatus::Ringing);
                self.tell(core, EventKind::Ringing);
                Some(CallEvent::MediaReady)
            }
            Err(rejection) => {
                self.hang_up(Outcome::refused(rejection), core, now);
                None
            }
        }
    }

    fn hang_up_by_flow(&mut self, reason: HangUpReason, core: &mut Core, now: Instant) {
        let status = StatusCode::new(reason.status()).unwrap_or(StatusCode::DECLINE);
        let answered = self.phase != Phase::Offering;
        self.hang_up(Outcome::hung_up(status, answered), core, now);
    }
}

/// Without an offer in the INVITE there is nobody to play to before the answer.
fn unheard(play: PlayId) -> CallEvent {
    let reason = "the INVITE carried no offer, so there is no media before the answer".to_owned();
    CallEvent::PlayDone {
        play,
        end: PlayEnd::Failed(reason),
    }
}
