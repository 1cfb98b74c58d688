//! The call table: every call that is up, readable from any thread without a lock.
//!
//! A fixed array of `max_calls` slots, each a cache line of atomics. Signalling
//! claims and releases slots and moves the status; the media worker that owns the
//! call's port publishes its figures; an API or a page takes snapshots. None of
//! them takes a lock or waits for another: every loop here goes round again only
//! because some other thread got its step done. `slot` has the state table and the
//! argument for the orderings, `loom_tests` checks both against the memory model.
//!
//! The index name → [`CallId`] is a `DashMap`, which is sharded locks: it is for
//! dialog ids and API ids, not for packets. Its look-ups return copies.

mod atomics;
mod figures;
mod free_slots;
mod id;
mod names;
mod slot;
mod slots;

#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod tests;

pub use figures::{CallSnapshot, CallStatus, MediaFigures};
pub use id::CallId;

use std::fmt;

use names::Names;
use slots::Slots;

/// Names that the index holds for each call the table has room for.
const NAMES_PER_CALL: usize = 4;

/// The table. Shared by reference or in an `Arc`; everything takes `&self`.
pub struct CallTable {
    slots: Slots,
    names: Names,
}

impl CallTable {
    /// A table with room for `max_calls` calls at one time. All memory of the
    /// slots, 68 octets each, is taken here.
    ///
    /// # Panics
    /// At `u32::MAX`, which is no index.
    pub fn new(max_calls: u32) -> Self {
        Self {
            slots: Slots::new(max_calls),
            names: Names::new(NAMES_PER_CALL * max_calls as usize),
        }
    }

    /// Takes a slot for a call that began at `start_ms` (ms since the Unix epoch).
    /// `None` when all are taken.
    pub fn claim(&self, status: CallStatus, start_ms: u64) -> Option<CallId> {
        self.slots.claim(status, start_ms)
    }

    /// Gives the call's slot back; from here on `id` names nothing. `false` when it
    /// did not before either. The call's names are not removed.
    pub fn release(&self, id: CallId) -> bool {
        self.slots.release(id)
    }

    /// Moves the status forward. `false` when `id` names no call or the move is
    /// none that [`CallStatus::may_become`] allows.
    pub fn set_status(&self, id: CallId, status: CallStatus) -> bool {
        self.slots
            .get(id)
            .is_some_and(|slot| slot.set_status(id.generation(), status))
    }

    /// Notes when the call was answered, in ms since the Unix epoch; a moment
    /// before the start counts as the start. Only the first time counts: `false`
    /// after that, or when `id` names no call.
    pub fn set_answered(&self, id: CallId, answer_ms: u64) -> bool {
        self.slots
            .get(id)
            .is_some_and(|slot| slot.set_answered(id.generation(), answer_ms))
    }

    /// Replaces the media figures. One thread at a time: `false` when another is in
    /// the middle of it for this call, or when `id` names no call.
    pub fn publish_media(&self, id: CallId, figures: &MediaFigures) -> bool {
        self.slots.publish(id, figures)
    }

    /// What the table says about the call; `None` when `id` names no call.
    pub fn snapshot(&self, id: CallId) -> Option<CallSnapshot> {
        self.slots.get(id)?.snapshot(id)
    }

    /// Calls that are up. While other threads claim and release it is one of the
    /// numbers that held during the look.
    pub fn live(&self) -> u32 {
        self.slots.live()
    }

    /// Room for calls.
    pub fn capacity(&self) -> u32 {
        self.slots.capacity()
    }

    /// The calls that are up, by slot. A call that comes or goes while this runs may
    /// be in it or not; one that stays is in it.
    pub fn ids(&self) -> impl Iterator<Item = CallId> + '_ {
        self.slots.ids()
    }

    /// Lets `name` stand for the call, in place of what it stood for. `false` when
    /// `id` names no call or the index is full (four names a call).
    pub fn insert_name(&self, name: &str, id: CallId) -> bool {
        self.slots.is_live(id) && self.names.insert(name, id)
    }

    /// The call of that name, while it is up.
    pub fn find(&self, name: &str) -> Option<CallId> {
        self.names.find(name).filter(|&id| self.slots.is_live(id))
    }

    /// Forgets the name, and tells what it stood for.
    pub fn remove_name(&self, name: &str) -> Option<CallId> {
        self.names.remove(name)
    }

    /// Names in the index.
    pub fn names(&self) -> usize {
        self.names.len()
    }
}

impl fmt::Debug for CallTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallTable")
            .field("capacity", &self.capacity())
            .field("live", &self.live())
            .field("names", &self.names())
            .finish()
    }
}
