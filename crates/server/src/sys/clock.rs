//! Clocks: the absolute sleep of the media tick, and what maps the kernel's
//! arrival times to an `Instant`.

use std::time::{Duration, Instant};

/// Nanoseconds of `CLOCK_MONOTONIC`, the clock of [`sleep_until_ns`].
pub fn monotonic_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Sleeps until `CLOCK_MONOTONIC` shows `deadline_ns`; returns at once when it
/// has passed already. Signals do not cut it short.
pub fn sleep_until_ns(deadline_ns: u64) {
    let deadline = timespec(deadline_ns);
    loop {
        // SAFETY: `deadline` lives through the call; the remainder is not asked for,
        // which TIMER_ABSTIME allows.
        let result = unsafe {
            libc::clock_nanosleep(
                libc::CLOCK_MONOTONIC,
                libc::TIMER_ABSTIME,
                &raw const deadline,
                std::ptr::null_mut(),
            )
        };
        if result != libc::EINTR {
            return;
        }
    }
}

/// The same moment on both clocks: kernel time stamps are of the wall clock,
/// which may be set at any time, so a pair is taken anew for every batch.
#[derive(Clone, Copy, Debug)]
pub struct ClockPair {
    instant: Instant,
    wall_ns: u64,
}

impl ClockPair {
    /// Reads both clocks.
    pub fn now() -> Self {
        Self {
            instant: Instant::now(),
            wall_ns: read(libc::CLOCK_REALTIME),
        }
    }

    /// The `Instant` half.
    pub fn instant(&self) -> Instant {
        self.instant
    }

    /// When a packet arrived, from the kernel's wall clock stamp. A stamp from
    /// the future counts as now, one older than a second (the wall clock was
    /// set meanwhile) as a second ago.
    pub fn arrival(&self, stamp_ns: u64) -> Instant {
        let age = Duration::from_nanos(self.wall_ns.saturating_sub(stamp_ns));
        self.instant
            .checked_sub(age.min(Duration::from_secs(1)))
            .unwrap_or(self.instant)
    }
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = timespec(0);
    // SAFETY: `time` is valid for writing; both clocks used here always exist on Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn timespec(ns: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as libc::c_long,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeps_until_the_deadline_and_not_before() {
        let deadline = monotonic_ns() + 3_000_000;
        sleep_until_ns(deadline);
        assert!(monotonic_ns() >= deadline);
        let before = Instant::now();
        sleep_until_ns(deadline);
        assert!(
            before.elapsed() < Duration::from_secs(1),
            "a deadline gone by does not wait"
        );
    }

    #[test]
    fn arrival_times_are_clamped() {
        let now = ClockPair::now();
        let age = |stamp_ns| now.instant.duration_since(now.arrival(stamp_ns));
        assert_eq!(age(now.wall_ns + 5), Duration::ZERO);
        assert_eq!(age(now.wall_ns - 7), Duration::from_nanos(7));
        assert_eq!(age(0), Duration::from_secs(1));
    }
}
