//! The index name → call.

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use std::sync::atomic::{AtomicUsize, Ordering};

use super::id::CallId;

/// Sharded and locked shard by shard; every look-up returns a copy and no guard
/// leaves this file.
pub(super) struct Names {
    ids: DashMap<Box<str>, CallId>,
    len: AtomicUsize,
    limit: usize,
}

impl Names {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            ids: DashMap::new(),
            len: AtomicUsize::new(0),
            limit,
        }
    }

    pub(super) fn insert(&self, name: &str, id: CallId) -> bool {
        match self.ids.entry(name.into()) {
            Entry::Occupied(mut entry) => {
                entry.insert(id);
                true
            }
            Entry::Vacant(entry) => {
                if self.len.fetch_add(1, Ordering::Relaxed) >= self.limit {
                    self.len.fetch_sub(1, Ordering::Relaxed);
                    return false;
                }
                entry.insert(id);
                true
            }
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<CallId> {
        self.ids.get(name).map(|id| *id)
    }

    pub(super) fn remove(&self, name: &str) -> Option<CallId> {
        let (_, id) = self.ids.remove(name)?;
        self.len.fetch_sub(1, Ordering::Relaxed);
        Some(id)
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }
}
