//! The deadlines of all calls: a heap that is allowed to be out of date. A call
//! knows its own deadlines; an entry only says when to ask it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::call_table::CallId;

#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, CallId)>>,
}

impl Deadlines {
    pub(crate) fn push(&mut self, at: Instant, call: CallId) {
        self.heap.push(Reverse((at, call)));
    }

    /// The earliest entry.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes an entry that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(Instant, CallId)> {
        let Reverse((at, _)) = self.heap.peek()?;
        if *at > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// Drops entries nobody waits for once they outnumber `live` by far, so that
    /// a call's four-hour deadline does not outlive a call of four seconds.
    pub(crate) fn compact(&mut self, live: usize, mut wanted: impl FnMut(Instant, CallId) -> bool) {
        if self.heap.len() > 2 * live + 1024 {
            self.heap.retain(|Reverse((at, call))| wanted(*at, *call));
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.heap.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "a test may take any instant as its start"
    )]
    fn earliest_first_and_compacted_when_stale() {
        let start = Instant::now();
        let mut deadlines = Deadlines::default();
        for n in (0..3000_u64).rev() {
            deadlines.push(start + Duration::from_millis(n), CallId::from_raw(n));
        }
        assert_eq!(deadlines.first(), Some(start));
        assert_eq!(deadlines.pop_due(start), Some((start, CallId::from_raw(0))));
        assert_eq!(deadlines.pop_due(start), None);
        deadlines.compact(1000, |_, call| call.raw() < 10);
        assert_eq!(deadlines.len(), 2999, "2 × 1000 + 1024 are not outnumbered");
        deadlines.compact(10, |_, call| call.raw() < 10);
        assert_eq!(deadlines.len(), 9);
    }
}
