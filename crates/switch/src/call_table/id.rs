//! The name of one call in the table.

use std::fmt;

/// A slot of the table and the generation of its use: names one call for as long
/// as the process runs, and stops naming anything when that call is released.
/// A plain copy; holding one keeps nothing alive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

impl CallId {
    pub(super) fn new(slot: u32, generation: u32) -> Self {
        Self(u64::from(generation) << 32 | u64::from(slot))
    }

    /// Index of the slot, below the table's capacity.
    pub fn slot(self) -> u32 {
        self.0 as u32
    }

    /// Which use of the slot, from 1.
    pub fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Both in one number, never 0, for a tag that other rooms carry about.
    pub fn raw(self) -> u64 {
        self.0
    }

    /// Back from [`raw`](Self::raw). Any number will do: the table finds nothing
    /// under one that it did not give out.
    pub fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallId({}.{})", self.slot(), self.generation())
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot(), self.generation())
    }
}
