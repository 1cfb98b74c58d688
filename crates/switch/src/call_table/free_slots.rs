//! The free slots: a bounded lock-free stack of indices.
//!
//! A stack and not Vyukov's ring, because a thread that is suspended between the
//! two steps of that ring's push makes the others see it as empty: it takes no
//! lock, but it is not lock-free. And the slot used last is the one that is still
//! in the cache.
//!
//! The head is `tag << 32 | index`. Every change of the head counts the tag up, so
//! that a pop which was suspended while its slot was taken, used and given back
//! fails its exchange instead of installing a stale successor (the ABA problem).
//! It would take 2³² changes within one suspension to be wrong.

use super::atomics::{AtomicU32, AtomicU64, Ordering};

const NONE: u32 = u32::MAX;

pub(super) struct FreeSlots {
    head: AtomicU64,
    next: Box<[AtomicU32]>,
}

impl FreeSlots {
    /// All of `0..capacity` are free; 0 comes first.
    pub(super) fn full(capacity: u32) -> Self {
        let next = (0..capacity)
            .map(|slot| AtomicU32::new(if slot + 1 < capacity { slot + 1 } else { NONE }))
            .collect();
        let first = if capacity == 0 { NONE } else { 0 };
        Self {
            head: AtomicU64::new(u64::from(first)),
            next,
        }
    }

    /// Takes a slot; what was done before its `push` happened before.
    pub(super) fn pop(&self) -> Option<u32> {
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let slot = index(head);
            if slot == NONE {
                return None;
            }
            let next = self.next[slot as usize].load(Ordering::Relaxed);
            match self.head.compare_exchange_weak(
                head,
                successor(head, next),
                Ordering::Acquire,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(slot),
                Err(now) => head = now,
            }
        }
    }

    /// Gives a slot back. The caller must own it: a slot pushed twice would be
    /// handed out twice.
    pub(super) fn push(&self, slot: u32) {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            self.next[slot as usize].store(index(head), Ordering::Relaxed);
            match self.head.compare_exchange_weak(
                head,
                successor(head, slot),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }
}

fn index(head: u64) -> u32 {
    head as u32
}

fn successor(head: u64, slot: u32) -> u64 {
    let tag = ((head >> 32) as u32).wrapping_add(1);
    u64::from(tag) << 32 | u64::from(slot)
}
