//! What has to hold after every step, and at the end.

use std::time::Instant;

use strowger_switch::record::CallRecord;

use super::{Violation, World};
use crate::phone::Phone;

impl World {
    /// What holds after every step.
    pub(super) fn check(&mut self) -> Result<(), Violation> {
        if self.mutants_per_mille > 0 {
            self.ledger.complaints.clear();
        }
        let books = &self.ledger;
        let mut broken = books.violations.iter().chain(&self.media.violations);
        if let Some(what) = broken.next().or(books.complaints.first()) {
            return self.fail(what.clone());
        }
        let stats = self.switch.stats();
        let live = self.ledger.created() - self.ledger.recorded();
        if stats.calls_live != live as u64 || self.table.live() as usize != live {
            return self.fail(format!(
                "{} calls live, {live} without record",
                stats.calls_live
            ));
        }
        let ports = self.media.open_ports();
        if stats.ports_live != ports as u64 || ports > live {
            return self.fail(format!(
                "{} ports live, {ports} open, {live} calls",
                stats.ports_live
            ));
        }
        if let Some((at, reason)) = self.switch.poll_timeout()
            && at <= self.now
            && self.is_stuck(at)
        {
            return self.fail(format!("the timeout '{reason}' does not pass"));
        }
        Ok(())
    }

    /// Whether a timeout that is due stays due after it was handled.
    fn is_stuck(&mut self, due: Instant) -> bool {
        self.wake_switch();
        self.switch.poll_timeout().is_some_and(|(at, _)| at <= due)
    }

    pub(super) fn is_at_rest(&self) -> bool {
        let stats = self.switch.stats();
        stats.calls_live + stats.transactions_live + stats.ports_live == 0
            && self.media.stocked() == self.sockets
    }

    /// What holds when all calls are over.
    pub(super) fn check_rest(&mut self) -> Result<(), Violation> {
        self.ledger.check_rest();
        let stats = self.switch.stats();
        let counts = (stats.calls_live, stats.transactions_live, stats.ports_live);
        if counts != (0, 0, 0) {
            return self.fail(format!("calls, transactions, ports at rest: {counts:?}"));
        }
        if self.table.live() != 0 || self.table.ids().next().is_some() {
            let live = self.table.live();
            return self.fail(format!("{live} slots of the call table in use"));
        }
        if self.media.stocked() != self.sockets {
            let stocked = self.media.stocked();
            return self.fail(format!("{stocked} of {} sockets", self.sockets));
        }
        self.check_figures()?;
        if self.mutants_per_mille == 0 {
            for (number, phone) in self.phones.iter().enumerate() {
                if let Some(what) = self.disagreement(phone) {
                    return self.fail(format!("phone {number}: {what}"));
                }
            }
        }
        self.check()
    }

    /// The switch's figures are those of the books.
    fn check_figures(&self) -> Result<(), Violation> {
        let stats = self.switch.stats();
        let ended: u64 = stats.calls_ended.iter().sum();
        let counted = (stats.calls, ended, stats.calls_answered);
        let booked = (
            self.ledger.created() as u64,
            self.ledger.recorded() as u64,
            self.ledger.answered,
        );
        if counted != booked {
            return self.fail(format!(
                "calls, ended, answered: {counted:?}, not {booked:?}"
            ));
        }
        Ok(())
    }

    /// Where a phone and the switch tell different stories.
    fn disagreement(&self, phone: &Phone) -> Option<String> {
        let report = phone.report();
        if let Some(what) = report.violations.first() {
            return Some(what.clone());
        }
        let record = self.ledger.record(phone.call_id());
        if let (Some(record), Some(status)) = (record, report.invite)
            && record.sip_status != status
        {
            return Some(format!("{status} here, but there {record:?}"));
        }
        if !self.is_lossless || phone.is_gone() {
            return None;
        }
        if !report.timed_out.is_empty() {
            return Some(format!("without an answer: {:?}", report.timed_out));
        }
        // The other way round, the flow may have ended before, waiting for the ACK.
        let wrong = |record: &&CallRecord| {
            report.bye_received && !report.bye_sent && record.hangup_by != "local"
        };
        let record = record.filter(wrong)?;
        Some(format!("the switch hung up, but {record:?}"))
    }
}
