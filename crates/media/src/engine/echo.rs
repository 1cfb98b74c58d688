//! Echo: packets go back as they came, payload untouched, through the jitter
//! buffer, which puts them in order and takes the network's jitter out. A hole
//! stays a hole: sequence number and timestamp step over it.

use super::port::{Payload, Port};
use super::sender::Outgoing;
use super::{MediaSink, Moment};
use crate::jitter_buffer::{Block, PacketPool, Popped};

/// A timestamp this far off the media clock is of another base.
const DISCONTINUITY_TICKS: u32 = 8000;

/// From the numbers of the stream in to those of the stream out.
#[derive(Clone, Copy, Debug)]
pub(super) struct EchoMap {
    last_sequence: i64,
    timestamp_offset: u32,
}

impl Port {
    /// Sends what is due at `moment`. Answers whether packets are still waiting.
    pub(super) fn tick_echo(
        &mut self,
        pool: &mut PacketPool,
        moment: Moment,
        out: &mut impl MediaSink,
    ) -> bool {
        loop {
            match self.buffer.pop(pool, moment.us) {
                Popped::Frame(id) => {
                    self.send_back(pool.get(&id), moment.tick, out);
                    pool.release(id);
                }
                Popped::Missing => {}
                Popped::Filling => return true,
                Popped::Empty => return false,
            }
        }
    }

    /// Sends all that is held, due or not: the stream ends here.
    pub(super) fn finish_echo(
        &mut self,
        pool: &mut PacketPool,
        tick: u64,
        out: &mut impl MediaSink,
    ) {
        if self.echoes() {
            self.tick_echo(pool, Moment { tick, us: i64::MAX }, out);
        }
        self.reset_echo(pool);
    }

    /// The next packet begins anew.
    pub(super) fn reset_echo(&mut self, pool: &mut PacketPool) {
        self.buffer.reset(pool);
        self.echo_map = None;
    }

    fn send_back(&mut self, block: &mut Block, tick: u64, out: &mut impl MediaSink) {
        // The configuration may have changed while the packet waited.
        let Some(payload) = self.payload(block.payload_type) else {
            return;
        };
        let Some(to) = self.latch.destination() else {
            return;
        };
        let (payload_type, duration_ticks) = match payload {
            Payload::Audio(codec) => (codec.send, Some(block.payload().len() as u32)),
            Payload::Event { send } => (send, None),
        };
        let (clock, silence_before) = self.sender.begin(tick);
        let anew = EchoMap {
            last_sequence: block.sequence - 1,
            timestamp_offset: clock.wrapping_sub(block.timestamp),
        };
        let mut marker = block.marker;
        let mut map = self.echo_map.unwrap_or_else(|| {
            marker = silence_before;
            anew
        });
        let off = block
            .timestamp
            .wrapping_add(map.timestamp_offset)
            .wrapping_sub(clock) as i32;
        if duration_ticks.is_some() && off.unsigned_abs() > DISCONTINUITY_TICKS {
            map.timestamp_offset = anew.timestamp_offset;
            marker = true;
        }
        let outgoing = Outgoing {
            marker,
            payload_type,
            skip: (block.sequence - map.last_sequence - 1) as u16,
            timestamp: block.timestamp.wrapping_add(map.timestamp_offset),
            duration_ticks,
        };
        map.last_sequence = block.sequence;
        self.echo_map = Some(map);
        self.sender
            .send(&outgoing, block.packet(), tick, (self.id.slot, to), out);
    }
}
