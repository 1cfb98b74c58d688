//! Values by number: the memory of the transaction table.

/// A slot and a generation, so that the number of a value that is gone never
/// names another. The generation is never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SlabId(u64);

impl SlabId {
    fn new(generation: u32, slot: usize) -> Self {
        Self(u64::from(generation) << 32 | slot as u64)
    }

    pub(super) fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    pub(super) fn raw(self) -> u64 {
        self.0
    }

    fn slot(self) -> usize {
        self.0 as u32 as usize
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

const CHUNK: usize = 256;

/// A table of values that hands out their numbers. It grows by chunks: nothing
/// is ever moved, and little is held that is not used.
pub(super) struct Slab<T> {
    chunks: Vec<Vec<Slot<T>>>,
    free: Vec<u32>,
    generation: u32,
    len: usize,
    used: usize,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            generation: 1,
            len: 0,
            used: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The number that the next `insert` will give.
    pub(super) fn next_id(&self) -> SlabId {
        let slot = self.free.last().map_or(self.used, |slot| *slot as usize);
        SlabId::new(self.generation, slot)
    }

    /// A number that names nothing, ever.
    pub(super) fn skip_id(&mut self) -> SlabId {
        let id = self.next_id();
        self.generation = next(self.generation);
        id
    }

    pub(super) fn insert(&mut self, value: T) -> SlabId {
        let id = self.skip_id();
        let slot = Slot {
            generation: id.generation(),
            value: Some(value),
        };
        if self.free.pop().is_some() {
            self.chunks[id.slot() / CHUNK][id.slot() % CHUNK] = slot;
        } else {
            if self.chunks.len() * CHUNK == self.used {
                self.chunks.push(Vec::with_capacity(CHUNK));
            }
            self.chunks[id.slot() / CHUNK].push(slot);
            self.used += 1;
        }
        self.len += 1;
        id
    }

    pub(super) fn get(&self, id: SlabId) -> Option<&T> {
        let slot = self.chunks.get(id.slot() / CHUNK)?.get(id.slot() % CHUNK)?;
        let is_it = slot.generation == id.generation();
        slot.value.as_ref().filter(|_| is_it)
    }

    pub(super) fn get_mut(&mut self, id: SlabId) -> Option<&mut T> {
        let slot = self.slot_mut(id)?;
        slot.value.as_mut()
    }

    /// Takes a value out. When the last one goes, the memory goes with it.
    pub(super) fn remove(&mut self, id: SlabId) -> Option<T> {
        let value = self.slot_mut(id)?.value.take()?;
        self.len -= 1;
        if self.len == 0 {
            self.release();
        } else {
            self.free.push(id.slot() as u32);
        }
        Some(value)
    }

    /// Slots held, used or not.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.chunks.iter().map(Vec::capacity).sum()
    }

    fn slot_mut(&mut self, id: SlabId) -> Option<&mut Slot<T>> {
        let chunk = self.chunks.get_mut(id.slot() / CHUNK)?;
        let slot = chunk.get_mut(id.slot() % CHUNK)?;
        (slot.generation == id.generation()).then_some(slot)
    }

    fn release(&mut self) {
        self.chunks.truncate(1);
        self.chunks.iter_mut().for_each(Vec::clear);
        self.chunks.shrink_to(1);
        self.free.clear();
        self.free.shrink_to(CHUNK);
        self.used = 0;
    }
}

fn next(generation: u32) -> u32 {
    generation.checked_add(1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_gone_names_nothing() {
        let mut slab = Slab::new();
        let expected = slab.next_id();
        let first = slab.insert("first");
        assert_eq!(first, expected);
        let kept = slab.insert("kept");
        assert_eq!(slab.remove(first), Some("first"));
        assert_eq!(slab.remove(first), None);
        let second = slab.insert("second");
        assert_eq!(second.slot(), first.slot());
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.get_mut(first), None);
        assert_eq!(slab.get(second), Some(&"second"));
        assert_eq!(slab.get(SlabId::from_raw(kept.raw())), Some(&"kept"));
        assert_eq!(slab.len(), 2);
    }

    #[test]
    fn an_empty_slab_holds_little() {
        let mut slab = Slab::new();
        let ids: Vec<_> = (0..10_000).map(|value| slab.insert(value)).collect();
        for id in &ids {
            assert!(slab.remove(*id).is_some());
        }
        assert_eq!(slab.len(), 0);
        assert!(slab.capacity() <= CHUNK);
        let again = slab.insert(1);
        assert_ne!(again, ids[0], "the slot is the same, the generation is not");
    }

    #[test]
    fn numbers_never_given_are_harmless() {
        let mut slab = Slab::new();
        slab.insert(1);
        assert_eq!(slab.get(SlabId::from_raw(u64::MAX)), None);
        assert_eq!(slab.get(SlabId::from_raw(0)), None);
        assert_eq!(slab.remove(SlabId::from_raw(0)), None);
    }
}
