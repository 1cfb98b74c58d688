//! Jitter buffer of one stream: takes packets as they come, gives them back in
//! order when they are due.
//!
//! | buffer | `pop` before the next packet's time | at or after it |
//! | --- | --- | --- |
//! | holds nothing | `Empty` | `Empty` |
//! | holds the next packet | `Filling` | `Frame` |
//! | holds only later ones | `Filling` | `Missing`, and on to the one after |
//!
//! A packet that comes after `Missing` was said of it is late. While the buffer
//! is empty nothing is said to be missing: a stream that stalls is delayed, not
//! cut. `pop` says one thing at a time; who forwards packets calls it until it
//! is neither `Frame` nor `Missing`, who plays them out at a fixed rate calls it
//! once a frame and finds the excess in `delay_ms`.

mod delay;
mod pool;

pub use delay::MAX_DELAY_MS;
pub use pool::{Block, BlockId, MAX_PAYLOAD, PacketPool};

use delay::PlayoutDelay;

/// Packets one buffer holds: 0.6 s at 10 ms, 1.3 s at 20 ms.
pub const CAPACITY: usize = 64;

/// A packet to be stored.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Extended sequence number.
    pub sequence: i64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// M.
    pub marker: bool,
    /// PT.
    pub payload_type: u8,
    /// Samples that the payload lasts; `None` for telephone-event, whose
    /// timestamps tell nothing of its packets' places.
    pub duration_ticks: Option<u32>,
    /// At most `MAX_PAYLOAD` octets.
    pub payload: &'a [u8],
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It waits.
    Stored,
    /// Its time is over, or it does not fit among the newer ones.
    Late,
    /// The pool is exhausted or the payload too long.
    Refused,
}

/// Answer of `pop`.
#[derive(Debug, PartialEq, Eq)]
pub enum Popped {
    /// The next packet is due; the block is the caller's.
    Frame(BlockId),
    /// It is due and not there, but later ones are.
    Missing,
    /// There are packets; none is due.
    Filling,
    /// There is nothing.
    Empty,
}

/// Jitter buffer of one stream.
#[derive(Debug)]
pub struct JitterBuffer {
    clock_rate: u32,
    delay: PlayoutDelay,
    /// By extended sequence number modulo `CAPACITY`; valid where `occupied`.
    slots: [u32; CAPACITY],
    occupied: u64,
    /// Next sequence number to give out.
    next: i64,
    /// Lowest and highest number held, when anything is.
    head: i64,
    tail: i64,
    /// Something was given out: `next` no longer moves down.
    playing: bool,
    last: Option<LastAudio>,
    frame_us: i64,
    overflowed: u64,
}

/// Of the newest audio packet.
#[derive(Clone, Copy, Debug)]
struct LastAudio {
    sequence: i64,
    timestamp: u32,
    /// Timestamp without wraps.
    extended: i64,
    duration_ticks: u32,
}

impl JitterBuffer {
    /// An empty buffer for a stream of `clock_rate` Hz that holds packets back
    /// for `min_ms` to `max_ms`.
    pub fn new(clock_rate: u32, min_ms: u16, max_ms: u16) -> Self {
        Self {
            clock_rate,
            delay: PlayoutDelay::new(min_ms, max_ms),
            slots: [0; CAPACITY],
            occupied: 0,
            next: 0,
            head: 0,
            tail: 0,
            playing: false,
            last: None,
            frame_us: 20_000,
            overflowed: 0,
        }
    }

    /// Stores a packet that arrived at `arrived_us`. Duplicates must have been
    /// sorted out.
    pub fn push(
        &mut self,
        pool: &mut PacketPool,
        packet: &Incoming<'_>,
        arrived_us: i64,
    ) -> Pushed {
        if packet.payload.len() > MAX_PAYLOAD {
            return Pushed::Refused;
        }
        let late = !self.make_room(pool, packet.sequence);
        let media_us = packet
            .duration_ticks
            .map(|d| self.observe(packet, d, arrived_us, late));
        let hold_us = if media_us.is_some() {
            self.delay.max_us()
        } else {
            self.delay.delay_us()
        };
        if late {
            return Pushed::Late;
        }
        let Some(id) = pool.claim() else {
            return Pushed::Refused;
        };
        let block = pool.get(&id);
        block.sequence = packet.sequence;
        block.timestamp = packet.timestamp;
        block.marker = packet.marker;
        block.payload_type = packet.payload_type;
        block.media_us = media_us;
        block.latest_us = arrived_us + hold_us;
        block.fill(packet.payload);
        self.insert(packet.sequence, id);
        Pushed::Stored
    }

    /// The next thing to be heard at `now_us`; `i64::MAX` empties the buffer.
    pub fn pop(&mut self, pool: &mut PacketPool, now_us: i64) -> Popped {
        if self.occupied == 0 {
            return Popped::Empty;
        }
        let block = pool.at(self.slots[index(self.head)]);
        let due_us = match block.media_us {
            Some(media_us) => self.delay.due_us(media_us).min(block.latest_us),
            None => block.latest_us,
        };
        if due_us - (self.head - self.next) * self.frame_us > now_us {
            return Popped::Filling;
        }
        self.playing = true;
        self.next += 1;
        if self.head >= self.next {
            return Popped::Missing;
        }
        Popped::Frame(self.take_head())
    }

    /// Throws away what is held and forgets the stream; the next packet begins
    /// another one.
    pub fn reset(&mut self, pool: &mut PacketPool) {
        while self.occupied != 0 {
            let id = self.take_head();
            pool.release(id);
        }
        self.forget_stream();
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    /// Packets held.
    pub fn len(&self) -> u32 {
        self.occupied.count_ones()
    }

    /// How long a packet without jitter is held back, in ms.
    pub fn delay_ms(&self) -> u32 {
        (self.delay.delay_us() / 1000).max(0) as u32
    }

    /// Packets thrown out for newer ones since the beginning.
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Takes a packet's times; answers its place on the sender's clock.
    fn observe(
        &mut self,
        packet: &Incoming<'_>,
        duration: u32,
        arrived_us: i64,
        late: bool,
    ) -> i64 {
        if duration > 0 {
            self.frame_us = self.ticks_us(i64::from(duration));
        }
        let Some(last) = self.last else {
            let extended = i64::from(packet.timestamp);
            self.remember(packet, extended, duration);
            let media_us = self.ticks_us(extended);
            self.delay.observe(arrived_us - media_us, arrived_us, late);
            return media_us;
        };
        let step = packet.timestamp.wrapping_sub(last.timestamp) as i32;
        let extended = last.extended + i64::from(step);
        let media_us = self.ticks_us(extended);
        let transit_us = arrived_us - media_us;
        let by_sequence = (packet.sequence - last.sequence) * i64::from(last.duration_ticks);
        let gap_ticks = i64::from(step) - by_sequence;
        if self.delay.is_foreign(transit_us) && gap_ticks.abs() > i64::from(self.clock_rate) {
            // The sender moved to another timestamp base.
            self.delay.rebase(transit_us, arrived_us);
        } else if self.occupied == 0
            && (packet.marker || gap_ticks > i64::from(self.clock_rate) / 20)
        {
            self.delay.begin_talkspurt();
        }
        self.delay.observe(transit_us, arrived_us, late);
        if packet.sequence > last.sequence {
            self.remember(packet, extended, duration);
        }
        media_us
    }

    fn remember(&mut self, packet: &Incoming<'_>, extended: i64, duration_ticks: u32) {
        let (sequence, timestamp) = (packet.sequence, packet.timestamp);
        self.last = Some(LastAudio {
            sequence,
            timestamp,
            extended,
            duration_ticks,
        });
    }

    /// Sees to it that `sequence` fits into the ring; `false` when it cannot.
    fn make_room(&mut self, pool: &mut PacketPool, sequence: i64) -> bool {
        if self.occupied == 0 {
            if !self.playing && self.last.is_none() {
                self.next = sequence;
            }
            return sequence >= self.next;
        }
        if sequence < self.next && self.playing {
            return false;
        }
        if sequence < self.head && self.tail - sequence >= CAPACITY as i64 {
            return false;
        }
        while self.occupied != 0 && sequence - self.head >= CAPACITY as i64 {
            let id = self.take_head();
            pool.release(id);
            self.overflowed += 1;
        }
        true
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "the buffer owns the block from here"
    )]
    fn insert(&mut self, sequence: i64, id: BlockId) {
        if self.occupied == 0 {
            (self.head, self.tail) = (sequence, sequence);
        }
        self.head = self.head.min(sequence);
        self.tail = self.tail.max(sequence);
        self.next = self.next.min(sequence);
        self.slots[index(sequence)] = id.0;
        self.occupied |= 1 << index(sequence);
    }

    fn take_head(&mut self) -> BlockId {
        let at = index(self.head);
        self.occupied &= !(1 << at);
        self.next = self.next.max(self.head + 1);
        if self.occupied != 0 {
            let ahead = self.occupied.rotate_right(at as u32).trailing_zeros();
            self.head += i64::from(ahead);
        }
        BlockId(self.slots[at])
    }

    fn forget_stream(&mut self) {
        self.playing = false;
        self.last = None;
        self.delay.forget_clock();
    }

    fn ticks_us(&self, ticks: i64) -> i64 {
        // 8 kHz divides by a constant, which costs no division.
        if self.clock_rate == 8000 {
            ticks * 125
        } else {
            ticks * 1_000_000 / i64::from(self.clock_rate)
        }
    }
}

fn index(sequence: i64) -> usize {
    sequence as usize % CAPACITY
}

#[cfg(test)]
mod tests;
