//! One slot: what it is used for, and the figures of that call.
//!
//! The state word is `generation << 32 | flags | status`.
//!
//! | state | input | next | besides |
//! | --- | --- | --- | --- |
//! | free(g) | claim | live(g) | fields start at 0 |
//! | live(g) | status | live(g) | forward only |
//! | live(g) | publish begins | publishing(g) | |
//! | live(g) | release | free(g + 1) | the slot goes back |
//! | publishing(g) | status | publishing(g) | forward only |
//! | publishing(g) | publish begins | publishing(g) | refused: one writer at a time |
//! | publishing(g) | publish ends | live(g) | |
//! | publishing(g) | release | leaving(g) | the id is dead from here on |
//! | leaving(g) | publish ends | free(g + 1) | the publisher gives the slot back |
//! | leaving(g) | status, publish begins, release | leaving(g) | refused |
//! | any | anything with another generation | as it was | refused |
//!
//! So nobody waits for anybody, and a publisher that was suspended in the middle
//! keeps its slot out of use instead of writing into the next call.
//!
//! A reader takes the state, the fields, and the state again. Fields of the next
//! call are stored after a release fence that follows the change to free(g + 1),
//! and read before an acquire fence that precedes the second look: whoever saw one
//! of them sees the other generation too (the fence–fence rule of the memory
//! model), and throws away what it read.

use super::atomics::{AtomicU64, Ordering, fence};
use super::figures::{CallSnapshot, CallStatus, MediaFigures};
use super::id::CallId;

const STATUS: u64 = 0xff;
const LIVE: u64 = 1 << 8;
const PUBLISHING: u64 = 1 << 9;
const LEAVING: u64 = 1 << 10;

/// What became of a release.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// The id names no live call.
    Refused,
    /// Done, the slot is free.
    Free,
    /// Done, the publisher will give the slot back.
    Deferred,
}

/// What became of a publishing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Publish {
    /// The id names no live call, or another thread is publishing it.
    Refused,
    /// Done.
    Published,
    /// The call was released meanwhile and the slot is free now.
    Freed,
}

/// One cache line, so that two workers never contend for one.
#[cfg_attr(not(loom), repr(align(64)))]
pub(super) struct Slot {
    state: AtomicU64,
    start_ms: AtomicU64,
    /// `generation << 32 | 1 + ms from start to answer`, 0 there until answered:
    /// a late writer's exchange cannot hit another call.
    answer: AtomicU64,
    packets_sent: AtomicU64,
    packets_received: AtomicU64,
    lost: AtomicU64,
    /// `jitter << 32 | mos << 16 | level`.
    quality: AtomicU64,
}

impl Slot {
    pub(super) fn new() -> Self {
        Self {
            state: AtomicU64::new(free(1)),
            start_ms: AtomicU64::new(0),
            answer: AtomicU64::new(0),
            packets_sent: AtomicU64::new(0),
            packets_received: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            quality: AtomicU64::new(0),
        }
    }

    /// The caller must have taken the slot from the free ones. Returns the
    /// generation of this use.
    pub(super) fn claim(&self, status: CallStatus, start_ms: u64) -> u32 {
        let generation = generation_of(self.state.load(Ordering::Relaxed));
        fence(Ordering::Release);
        self.start_ms.store(start_ms, Ordering::Relaxed);
        // An exchange, so that a late `set_answered` of the call before comes either
        // earlier, and is wiped out, or later, and fails.
        self.answer.swap(tagged(generation, 0), Ordering::Relaxed);
        self.store_figures(&MediaFigures::default());
        let state = tagged(generation, 0) | LIVE | status as u64;
        self.state.store(state, Ordering::Release);
        generation
    }

    /// On `Free` the caller owns the slot and must put it back.
    pub(super) fn release(&self, generation: u32) -> Release {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            if !is_live(state, generation) {
                return Release::Refused;
            }
            let (next, outcome) = if state & PUBLISHING == 0 {
                (free(successor(generation)), Release::Free)
            } else {
                (state | LEAVING, Release::Deferred)
            };
            match self.exchange(state, next) {
                Ok(_) => return outcome,
                Err(now) => state = now,
            }
        }
    }

    /// On `Freed` the caller owns the slot and must put it back.
    pub(super) fn publish(&self, generation: u32, figures: &MediaFigures) -> Publish {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            if !is_live(state, generation) || state & PUBLISHING != 0 {
                return Publish::Refused;
            }
            match self.exchange(state, state | PUBLISHING) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        self.store_figures(figures);
        let before = self.state.fetch_and(!PUBLISHING, Ordering::AcqRel);
        if before & LEAVING == 0 {
            return Publish::Published;
        }
        let next = free(successor(generation));
        self.state.store(next, Ordering::Release);
        Publish::Freed
    }

    /// `false` when the id names no live call or the status would go backward.
    pub(super) fn set_status(&self, generation: u32, status: CallStatus) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            if !is_live(state, generation) || !status_of(state).may_become(status) {
                return false;
            }
            match self.exchange(state, (state & !STATUS) | status as u64) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
    }

    /// `false` when the id names no live call or it was answered before.
    pub(super) fn set_answered(&self, generation: u32, answer_ms: u64) -> bool {
        if !is_live(self.state.load(Ordering::Acquire), generation) {
            return false;
        }
        let start_ms = self.start_ms.load(Ordering::Relaxed);
        let after_ms = answer_ms.saturating_sub(start_ms);
        let after_ms = u32::try_from(after_ms)
            .unwrap_or(u32::MAX)
            .min(u32::MAX - 1);
        let none = tagged(generation, 0);
        self.answer
            .compare_exchange(
                none,
                none | u64::from(after_ms + 1),
                Ordering::Relaxed,
                Ordering::Relaxed,
            )
            .is_ok()
    }

    pub(super) fn snapshot(&self, id: CallId) -> Option<CallSnapshot> {
        let state = self.state.load(Ordering::Acquire);
        if !is_live(state, id.generation()) {
            return None;
        }
        let start_ms = self.start_ms.load(Ordering::Relaxed);
        let answer = self.answer.load(Ordering::Relaxed);
        let media = self.load_figures();
        fence(Ordering::Acquire);
        if !is_live(self.state.load(Ordering::Relaxed), id.generation()) {
            return None;
        }
        Some(CallSnapshot {
            id,
            status: status_of(state),
            start_ms,
            answer_ms: (answer as u32)
                .checked_sub(1)
                .map(|after_ms| start_ms + u64::from(after_ms)),
            media,
        })
    }

    /// Generation of the live call, if there is one.
    pub(super) fn live_generation(&self) -> Option<u32> {
        let state = self.state.load(Ordering::Acquire);
        let generation = generation_of(state);
        is_live(state, generation).then_some(generation)
    }

    fn exchange(&self, state: u64, next: u64) -> Result<u64, u64> {
        self.state
            .compare_exchange_weak(state, next, Ordering::AcqRel, Ordering::Relaxed)
    }

    fn store_figures(&self, figures: &MediaFigures) {
        let quality = u64::from(figures.jitter_ticks) << 32
            | u64::from(figures.mos_x100) << 16
            | u64::from(figures.level_dbov as u8);
        self.packets_sent
            .store(figures.packets_sent, Ordering::Relaxed);
        self.packets_received
            .store(figures.packets_received, Ordering::Relaxed);
        self.lost.store(figures.lost as u64, Ordering::Relaxed);
        self.quality.store(quality, Ordering::Relaxed);
    }

    fn load_figures(&self) -> MediaFigures {
        let quality = self.quality.load(Ordering::Relaxed);
        MediaFigures {
            packets_sent: self.packets_sent.load(Ordering::Relaxed),
            packets_received: self.packets_received.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed) as i64,
            jitter_ticks: (quality >> 32) as u32,
            mos_x100: (quality >> 16) as u16,
            level_dbov: quality as u8 as i8,
        }
    }
}

fn tagged(generation: u32, value: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(value)
}

fn free(generation: u32) -> u64 {
    tagged(generation, 0)
}

/// Never 0, so that no `CallId` is 0.
fn successor(generation: u32) -> u32 {
    generation.wrapping_add(1).max(1)
}

fn generation_of(state: u64) -> u32 {
    (state >> 32) as u32
}

fn status_of(state: u64) -> CallStatus {
    CallStatus::from_bits(state & STATUS)
}

fn is_live(state: u64, generation: u32) -> bool {
    generation_of(state) == generation && state & (LIVE | LEAVING) == LIVE
}
