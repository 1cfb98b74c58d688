//! What a media worker publishes about itself: one writer, any reader, no lock.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::sys;

/// Upper bounds of the tick lateness histogram in µs; one more bucket is above.
pub const LATENESS_BUCKETS_US: [u64; 8] = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000];

/// Figures of one worker. Counters run from its start.
#[derive(Debug, Default)]
pub struct WorkerStats {
    /// Ports open.
    pub ports: AtomicU32,
    /// Ticks made.
    pub ticks: AtomicU64,
    /// Steps of 20 ms given up because the worker was too late for them.
    pub ticks_missed: AtomicU64,
    /// Ticks by lateness, see [`LATENESS_BUCKETS_US`].
    pub lateness: [AtomicU64; LATENESS_BUCKETS_US.len() + 1],
    /// Sum of all lateness in µs.
    pub lateness_sum_us: AtomicU64,
    /// RTP packets received and accepted.
    pub packets_received: AtomicU64,
    /// RTP packets sent.
    pub packets_sent: AtomicU64,
    /// RTP packets lost on the way to us; can fall when duplicates come.
    pub packets_lost: AtomicU64,
    /// Datagrams thrown away.
    pub packets_dropped: AtomicU64,
    /// Datagrams that the kernel did not take.
    pub send_failures: AtomicU64,
    /// Digits dropped because signalling did not keep up.
    pub digits_dropped: AtomicU64,
    last_tick_ns: AtomicU64,
    asleep: AtomicBool,
    dead: AtomicBool,
}

impl WorkerStats {
    /// Notes a tick that began `late_ns` after its time.
    pub fn ticked(&self, now_ns: u64, late_ns: u64) {
        let late_us = late_ns / 1000;
        let bucket = LATENESS_BUCKETS_US.partition_point(|&bound| bound < late_us);
        add(&self.lateness[bucket], 1);
        add(&self.lateness_sum_us, late_us);
        self.last_tick_ns.store(now_ns, Relaxed);
    }

    /// Notes that the worker goes to sleep until an order comes, or woke up.
    pub fn set_asleep(&self, asleep: bool) {
        self.last_tick_ns.store(sys::monotonic_ns(), Relaxed);
        self.asleep.store(asleep, Relaxed);
    }

    /// Notes that the worker's thread ended without being told to.
    pub fn set_dead(&self) {
        self.dead.store(true, Relaxed);
    }

    /// Whether the worker does its work: its thread is there, and it sleeps for
    /// want of ports or has ticked within two seconds.
    pub fn is_alive(&self) -> bool {
        let age = sys::monotonic_ns().saturating_sub(self.last_tick_ns.load(Relaxed));
        !self.dead.load(Relaxed) && (self.asleep.load(Relaxed) || age < 2_000_000_000)
    }
}

/// Adds to a counter that only this thread writes.
pub(super) fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(more), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_falls_into_its_bucket() {
        let stats = WorkerStats::default();
        for late_us in [0, 100, 101, 20_000, 20_001] {
            stats.ticked(1, late_us * 1000);
        }
        let counts: Vec<u64> = stats
            .lateness
            .iter()
            .map(|count| count.load(Relaxed))
            .collect();
        assert_eq!(counts, [2, 1, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(stats.lateness_sum_us.load(Relaxed), 40_202);
    }

    #[test]
    fn a_worker_is_alive_while_it_ticks_or_sleeps() {
        let stats = WorkerStats::default();
        stats.ticked(sys::monotonic_ns(), 0);
        assert!(stats.is_alive());
        stats.ticked(0, 0);
        assert!(!stats.is_alive(), "stuck");
        stats.set_asleep(true);
        stats.last_tick_ns.store(0, Relaxed);
        assert!(stats.is_alive());
        stats.set_dead();
        assert!(!stats.is_alive());
    }
}
