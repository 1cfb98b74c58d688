//! How many new calls a second are let in: a bucket of tokens that holds one
//! second's worth.

use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Admission {
    per_second: u32,
    /// Time that pays for one call.
    cost: Duration,
    /// When the bucket will be full again; earlier than `now` means full.
    full_at: Instant,
}

impl Admission {
    pub(crate) fn new(max_calls_per_second: u32, now: Instant) -> Self {
        let per_second = max_calls_per_second.max(1);
        Self {
            per_second,
            cost: Duration::from_secs(1) / per_second,
            full_at: now,
        }
    }

    /// Takes a token; `false` when there is none.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        let from = self.full_at.max(now);
        let full_at = from + self.cost;
        if full_at.duration_since(now) > self.cost * self.per_second {
            return false;
        }
        self.full_at = full_at;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "a test may take any instant as its start"
    )]
    fn one_seconds_worth_at_once_then_the_rate() {
        let start = Instant::now();
        let mut admission = Admission::new(10, start);
        let burst = (0..20).filter(|_| admission.admit(start)).count();
        assert_eq!(burst, 10);
        let table = [
            (50, false),
            (100, true),
            (150, false),
            (200, true),
            (200, false),
        ];
        for (ms, admitted) in table {
            assert_eq!(
                admission.admit(start + Duration::from_millis(ms)),
                admitted,
                "{ms}"
            );
        }
        let later = start + Duration::from_mins(1);
        assert_eq!((0..20).filter(|_| admission.admit(later)).count(), 10);
    }
}
