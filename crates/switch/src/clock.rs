//! The wall clock of a pure machine: one pair of readings, made by the owner.

use std::time::Instant;

/// Ties the monotonic time that is passed in to the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// A reading of the monotonic clock.
    pub base: Instant,
    /// Milliseconds since the Unix epoch at `base`.
    pub unix_ms: u64,
}

impl Clock {
    /// Milliseconds since the Unix epoch at `now`.
    pub fn unix_ms(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.base).as_millis();
        self.unix_ms + u64::try_from(since).unwrap_or(u64::MAX / 2)
    }
}
