//! What we send on a port: one SSRC, one run of sequence numbers, timestamps
//! that follow the media clock through silence.

use std::net::SocketAddr;

use super::MediaSink;
use crate::rtp::{HEADER_LEN, RtpHeader};

/// Samples of a tick at 8 kHz.
pub(super) const TICK_SAMPLES: u32 = 160;

#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    ssrc: u32,
    next_sequence: u16,
    /// A tick and the timestamp of audio that began with it.
    anchor: (u64, u32),
    /// Timestamp after the last audio packet.
    end: Option<u32>,
    pub(super) packets: u64,
    pub(super) octets: u64,
}

/// A packet about to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing {
    pub(super) marker: bool,
    pub(super) payload_type: u8,
    /// Sequence numbers left out before it.
    pub(super) skip: u16,
    pub(super) timestamp: u32,
    /// `None` for telephone-event, which does not move the media clock.
    pub(super) duration_ticks: Option<u32>,
}

impl Sender {
    pub(super) fn new(ssrc: u32, sequence: u16, timestamp: u32, tick: u64) -> Self {
        Self {
            ssrc,
            next_sequence: sequence,
            anchor: (tick, timestamp),
            end: None,
            packets: 0,
            octets: 0,
        }
    }

    pub(super) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The media clock at a tick.
    pub(super) fn clock(&self, tick: u64) -> u32 {
        let (anchor_tick, timestamp) = self.anchor;
        timestamp.wrapping_add((tick.wrapping_sub(anchor_tick) as u32).wrapping_mul(TICK_SAMPLES))
    }

    /// Timestamp for audio that begins at a tick, and whether silence lies
    /// before it. Never steps back behind what was sent.
    pub(super) fn begin(&self, tick: u64) -> (u32, bool) {
        let clock = self.clock(tick);
        match self.end {
            Some(end) if clock.wrapping_sub(end) as i32 <= 0 => (end, false),
            Some(_) | None => (clock, true),
        }
    }

    /// Stamps and sends `packet`, whose first 12 octets are room for the header.
    pub(super) fn send(
        &mut self,
        outgoing: &Outgoing,
        packet: &mut [u8],
        tick: u64,
        (slot, to): (u32, SocketAddr),
        out: &mut impl MediaSink,
    ) {
        let Some((header, payload)) = packet.split_first_chunk_mut::<HEADER_LEN>() else {
            return;
        };
        let sequence = self.next_sequence.wrapping_add(outgoing.skip);
        let fields = RtpHeader {
            marker: outgoing.marker,
            payload_type: outgoing.payload_type,
            sequence,
            timestamp: outgoing.timestamp,
            ssrc: self.ssrc,
        };
        fields.write(header);
        self.next_sequence = sequence.wrapping_add(1);
        self.packets += 1;
        self.octets += payload.len() as u64;
        if let Some(duration) = outgoing.duration_ticks {
            self.anchor = (tick, outgoing.timestamp);
            self.end = Some(outgoing.timestamp.wrapping_add(duration));
        }
        out.send_rtp(slot, to, packet);
    }
}
