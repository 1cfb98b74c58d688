//! When the ports' next RTCP reports are due (RFC 3550 §6.2, §6.3).
//!
//! Two parties, so the rules reduce to a mean interval, spread over 0.5–1.5 of
//! it, the first time half of it. No reconsideration: no group can grow. One
//! number a slot, looked through on each tick, is cheaper than a queue.

use super::config::TICK;
use crate::random::SplitMix64;

/// No report is due.
const NEVER: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct ReportSchedule {
    /// By slot: the tick of the next report.
    due: Vec<u32>,
    interval_ms: u32,
    random: SplitMix64,
}

impl ReportSchedule {
    pub(super) fn new(interval_ms: u32, seed: u64) -> Self {
        Self {
            due: Vec::new(),
            interval_ms,
            random: SplitMix64::new(seed),
        }
    }

    /// Has room for slots below `slots`.
    pub(super) fn grow(&mut self, slots: usize) {
        if self.due.len() < slots {
            self.due.resize(slots, NEVER);
        }
    }

    pub(super) fn begin(&mut self, slot: u32, tick: u64) {
        self.due[slot as usize] = self.after(tick, self.interval_ms / 2);
    }

    pub(super) fn cancel(&mut self, slot: u32) {
        self.due[slot as usize] = NEVER;
    }

    /// The first slot from `from` on that is due at `tick`; its next report is
    /// scheduled.
    pub(super) fn next_due(&mut self, from: u32, tick: u64) -> Option<u32> {
        let now = tick.min(u64::from(NEVER) - 1) as u32;
        let later = self.due.get(from as usize..)?;
        let slot = from + later.iter().position(|&due| due <= now)? as u32;
        self.due[slot as usize] = self.after(tick, self.interval_ms);
        Some(slot)
    }

    fn after(&mut self, tick: u64, mean_ms: u32) -> u32 {
        let mean_ms = u64::from(mean_ms);
        let wait_ms = self.random.between(mean_ms / 2, mean_ms * 3 / 2);
        let wait_ticks = (wait_ms / TICK.as_millis() as u64).max(1);
        (tick + wait_ticks).min(u64::from(NEVER) - 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_keeps_its_interval() {
        let mut schedule = ReportSchedule::new(5000, 3);
        schedule.grow(4);
        assert_eq!(schedule.next_due(0, u64::MAX), None);
        schedule.begin(1, 0);
        schedule.begin(3, 0);
        schedule.cancel(3);
        let mut reports = Vec::new();
        for tick in 1..=50_000 {
            let mut from = 0;
            while let Some(slot) = schedule.next_due(from, tick) {
                reports.push((slot, tick));
                from = slot + 1;
            }
        }
        assert!(reports.iter().all(|&(slot, _)| slot == 1));
        assert!((62..188).contains(&reports[0].1));
        let gaps: Vec<u64> = reports.windows(2).map(|w| w[1].1 - w[0].1).collect();
        assert!(gaps.iter().all(|gap| (125..=375).contains(gap)));
        let mean = gaps.iter().sum::<u64>() / gaps.len() as u64;
        assert!((235..265).contains(&mean), "{mean} ticks of 250");
    }
}
