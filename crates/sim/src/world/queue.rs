//! What is going to happen, in order.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Instant;

use bytes::Bytes;
use strowger_sip::transport::Hop;
use strowger_switch::input::Control;

use crate::media_plane::Due;

/// Something that will happen.
#[derive(Debug)]
pub(super) enum Happening {
    ToSwitch(usize, Bytes),
    ToPhone(usize, Bytes),
    Unreachable(Hop),
    Start(usize),
    WakePhone(usize),
    Media(Due),
    Control(Control),
    HangUpOne,
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    number: u64,
    what: Happening,
}

/// All of it, the earliest first; what is planned for the same moment happens in
/// the order of planning.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    planned: u64,
}

impl Queue {
    pub(super) fn plan(&mut self, at: Instant, what: Happening) {
        self.planned += 1;
        let number = self.planned;
        self.heap.push(Reverse(Entry { at, number, what }));
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Happening> {
        self.next_at().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse(entry)| entry.what)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
