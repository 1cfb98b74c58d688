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

    /// Throws dead entries out when they are many beside those of the `live`
    /// transactions, and gives memory back after a rush has gone.
    pub(super) fn tidy(&mut self, live: usize, counts: impl Fn(Instant, TransactionId) -> bool) {
        const SLACK: usize = 1024;
        if self.heap.len() > 3 * live + SLACK {
            self.heap.retain(|Reverse((at, id))| counts(*at, *id));
        }
        if self.heap.capacity() > 16 * self.heap.len() + SLACK {
            self.heap.shrink_to(4 * self.heap.len() + SLACK / 2);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }
}
