//! The slots and the list of the free ones.

use super::atomics::{AtomicU32, Ordering};
use super::figures::{CallStatus, MediaFigures};
use super::free_slots::FreeSlots;
use super::id::CallId;
use super::slot::{Publish, Release, Slot};

pub(super) struct Slots {
    all: Box<[Slot]>,
    free: FreeSlots,
    live: AtomicU32,
}

impl Slots {
    pub(super) fn new(capacity: u32) -> Self {
        assert!(
            capacity < u32::MAX,
            "u32::MAX marks the end of the free slots"
        );
        Self {
            all: (0..capacity).map(|_| Slot::new()).collect(),
            free: FreeSlots::full(capacity),
            live: AtomicU32::new(0),
        }
    }

    pub(super) fn claim(&self, status: CallStatus, start_ms: u64) -> Option<CallId> {
        let slot = self.free.pop()?;
        self.live.fetch_add(1, Ordering::Relaxed);
        let generation = self.all[slot as usize].claim(status, start_ms);
        Some(CallId::new(slot, generation))
    }

    pub(super) fn release(&self, id: CallId) -> bool {
        let Some(slot) = self.get(id) else {
            return false;
        };
        let outcome = slot.release(id.generation());
        if outcome == Release::Refused {
            return false;
        }
        self.live.fetch_sub(1, Ordering::Relaxed);
        if outcome == Release::Free {
            self.free.push(id.slot());
        }
        true
    }

    pub(super) fn publish(&self, id: CallId, figures: &MediaFigures) -> bool {
        let Some(slot) = self.get(id) else {
            return false;
        };
        match slot.publish(id.generation(), figures) {
            Publish::Refused => false,
            Publish::Published => true,
            Publish::Freed => {
                self.free.push(id.slot());
                false
            }
        }
    }

    pub(super) fn get(&self, id: CallId) -> Option<&Slot> {
        self.all.get(id.slot() as usize)
    }

    pub(super) fn is_live(&self, id: CallId) -> bool {
        self.get(id)
            .is_some_and(|slot| slot.live_generation() == Some(id.generation()))
    }

    pub(super) fn live(&self) -> u32 {
        self.live.load(Ordering::Relaxed)
    }

    pub(super) fn capacity(&self) -> u32 {
        self.all.len() as u32
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = CallId> + '_ {
        self.all.iter().zip(0..).filter_map(|(slot, index)| {
            let generation = slot.live_generation()?;
            Some(CallId::new(index, generation))
        })
    }
}
