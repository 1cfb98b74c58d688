//! The deadlines of all transactions in one heap.
//!
//! A deadline that moves back or vanishes leaves its entry in the heap; an entry
//! counts only if the transaction says that this is the one it is `scheduled`
//! by. So a machine may change its mind for nothing, and a transaction has
//! hardly ever more than two entries.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use super::slab::SlabId;

/// A transaction of either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TransactionId {
    Client(SlabId),
    Server(SlabId),
}

/// The heap.
pub(super) struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, TransactionId)>>,
}

impl Deadlines {
    pub(super) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
        }
    }

    pub(super) fn push(&mut self, at: Instant, id: TransactionId) {
        self.heap.push(Reverse((at, id)));
    }

    pub(super) fn first(&self) -> Option<(Instant, TransactionId)> {
        self.heap.peek().map(|Reverse(entry)| *entry)
    }

    pub(super) fn pop(&mut self) {
        self.heap.pop();
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether dead entries are so many that the heap should be rebuilt.
    pub(super) fn is_overgrown(&self, live: usize) -> bool {
        const SLACK: usize = 1024;
        self.heap.len() > 3 * live + SLACK
    }

    /// Keeps only the entries that count, and gives back the memory.
    pub(super) fn prune(&mut self, counts: impl Fn(Instant, TransactionId) -> bool) {
        self.heap.retain(|Reverse((at, id))| counts(*at, *id));
        self.heap.shrink_to(2 * self.heap.len() + 64);
    }
}
