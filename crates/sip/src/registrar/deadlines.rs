//! When AoRs have something due: a heap that is allowed to be out of date. An
//! AoR knows its own deadlines; an entry only says when to ask it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, Arc<str>)>>,
}

impl Deadlines {
    pub(super) fn push(&mut self, at: Instant, aor: Arc<str>) {
        self.heap.push(Reverse((at, aor)));
    }

    pub(super) fn first(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Arc<str>> {
        self.first().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse((_, aor))| aor)
    }

    /// Drops entries nobody waits for once they outnumber the live ones.
    pub(super) fn compact(&mut self, live: usize, wanted: impl Fn(Instant, &str) -> bool) {
        if self.heap.len() > 2 * live + 1024 {
            self.heap.retain(|Reverse((at, aor))| wanted(*at, aor));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }
}
