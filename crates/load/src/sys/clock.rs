//! Clocks in nanoseconds: one to pace by, one that the kernel stamps with.

/// `CLOCK_MONOTONIC`, which pacing and timers use.
pub fn monotonic_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// `CLOCK_REALTIME`, the clock of the kernel's arrival times.
pub fn wall_ns() -> u64 {
    read(libc::CLOCK_REALTIME)
}

/// Sleeps until `CLOCK_MONOTONIC` shows `deadline_ns`; returns at once when it
/// has passed already, and early when a signal comes.
pub fn sleep_until_ns(deadline_ns: u64) {
    let deadline = timespec(deadline_ns);
    // SAFETY: `deadline` lives through the call; the remainder is not asked for,
    // which TIMER_ABSTIME allows.
    unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &raw const deadline,
            std::ptr::null_mut(),
        )
    };
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = timespec(0);
    // SAFETY: `time` is valid for writing; both clocks always exist on Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

pub(super) fn timespec(ns: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as libc::c_long,
    }
}
