//! The absolute 20 ms grid of a media worker, and what to do when it was late.

use std::time::{Duration, Instant};

use strowger_media::engine::TICK;

use crate::sys;

/// Steps that a late worker catches up with at once; more are given up.
const MAX_CATCH_UP: u64 = 10;

/// The absolute 20 ms grid.
pub(super) struct Grid {
    origin: Instant,
    origin_ns: u64,
    next_ns: u64,
}

/// The steps that are due.
pub(super) struct Step {
    /// When the first of them is due.
    pub(super) first: Instant,
    /// How many, at least 1.
    pub(super) count: u64,
    /// How many before them were given up.
    pub(super) missed: u64,
    /// `CLOCK_MONOTONIC` on waking.
    pub(super) woke_ns: u64,
    /// How long after the time of the first due one that was.
    pub(super) late_ns: u64,
}

impl Grid {
    /// The first step is due at once.
    pub(super) fn starting_now() -> Self {
        let origin_ns = sys::monotonic_ns();
        Self {
            origin: Instant::now(),
            origin_ns,
            next_ns: origin_ns,
        }
    }

    /// Sleeps until the next step is due.
    pub(super) fn wait(&mut self) -> Step {
        sys::sleep_until_ns(self.next_ns);
        self.advance(sys::monotonic_ns())
    }

    fn advance(&mut self, now_ns: u64) -> Step {
        let tick_ns = TICK.as_nanos() as u64;
        let late_ns = now_ns.saturating_sub(self.next_ns);
        let due = 1 + late_ns / tick_ns;
        let count = due.min(MAX_CATCH_UP);
        let missed = due - count;
        let first_ns = self.next_ns + missed * tick_ns;
        self.next_ns += due * tick_ns;
        Step {
            first: self.origin + Duration::from_nanos(first_ns - self.origin_ns),
            count,
            missed,
            woke_ns: now_ns,
            late_ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_grid_catches_up_within_bounds() {
        let mut grid = Grid::starting_now();
        let tick = TICK.as_nanos() as u64;
        let start = grid.origin_ns;
        let step = grid.advance(start + 5);
        assert_eq!((step.count, step.missed, step.late_ns), (1, 0, 5));
        assert_eq!(step.first, grid.origin);
        let step = grid.advance(start + 3 * tick + 1);
        assert_eq!((step.count, step.missed), (3, 0));
        assert_eq!(step.first, grid.origin + TICK);
        let step = grid.advance(start + 100 * tick);
        assert_eq!((step.count, step.missed), (10, 87));
        assert_eq!(step.first, grid.origin + TICK * 91);
        assert_eq!(grid.next_ns, start + 101 * tick);
    }
}
