//! The deadlines of a call: of its leg, of its flow and its own.

use std::time::Instant;

use super::outcome::Outcome;
use super::{CLOSING_GRACE, Call, Phase};
use crate::switch::Core;

impl Call {
    pub(crate) fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        if self.is_over() {
            return None;
        }
        let own = match self.phase {
            Phase::Offering => "ring timeout",
            Phase::Accepted | Phase::Up => "longest duration",
            Phase::Closing | Phase::Over => "closing",
        };
        let flow = if self.is_live() {
            self.interpreter.poll_timeout()
        } else {
            None
        };
        [Some((self.deadline, own)), flow, self.leg.poll_timeout()]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    pub(crate) fn handle_timeout(&mut self, core: &mut Core, now: Instant) {
        if self.leg.handle_timeout(core, now) {
            self.unacknowledged(core, now);
        }
        if self.is_live()
            && self
                .interpreter
                .poll_timeout()
                .is_some_and(|(at, _)| at <= now)
        {
            let mut orders = std::mem::take(&mut core.orders);
            self.interpreter.handle_timeout(now, &mut orders);
            self.obey_all(orders, core, now);
        }
        if self.deadline <= now {
            self.deadline_passed(core, now);
        }
    }

    /// The time for which an entry stands in the heap of deadlines.
    pub(crate) fn scheduled(&self) -> Option<Instant> {
        self.scheduled
    }

    /// When a new entry in the heap is needed: no entry stands there that would
    /// wake this call in time.
    pub(crate) fn reschedule(&mut self) -> Option<Instant> {
        let (at, _) = self.poll_timeout()?;
        if self.scheduled.is_some_and(|scheduled| scheduled <= at) {
            return None;
        }
        self.scheduled = Some(at);
        Some(at)
    }

    /// The entry in the heap has been used up.
    pub(crate) fn woken(&mut self, at: Instant) {
        if self.scheduled == Some(at) {
            self.scheduled = None;
        }
    }

    /// RFC 3261 §13.3.1.4: no ACK came; the dialog is confirmed, the call is not.
    fn unacknowledged(&mut self, core: &mut Core, now: Instant) {
        if self.phase == Phase::Accepted {
            core.stats.acks_missed += 1;
            self.leg.send_bye(core, now);
            let outcome = self.outcome.take().unwrap_or_else(Outcome::no_ack);
            self.close(outcome, core, now);
        }
    }

    fn deadline_passed(&mut self, core: &mut Core, now: Instant) {
        match self.phase {
            Phase::Offering => self.hang_up(Outcome::ring_timeout(), core, now),
            Phase::Accepted | Phase::Up => {
                self.deadline = now + core.closing_time() + CLOSING_GRACE;
                self.hang_up(Outcome::too_long(), core, now);
            }
            Phase::Closing | Phase::Over => self.finish(core, now),
        }
    }
}
