//! An RTP packet's way into a port.

use std::net::SocketAddr;

use super::latch::Verdict;
use super::port::{Payload, Port};
use super::{MediaSink, Moment};
use crate::jitter_buffer::{Incoming, PacketPool, Pushed};
use crate::rtp::RtpPacket;
use crate::sequence::Arrival;
use crate::vocabulary::{Codec, MediaEvent};

/// Samples in a ms at the rate of telephone-event, which is the codec's.
const EVENT_TICKS_PER_MS: u16 = 8;

impl Port {
    /// Takes one packet that arrived at `moment.us`; `false` when it had to be
    /// dropped.
    pub(super) fn receive_rtp(
        &mut self,
        pool: &mut PacketPool,
        source: SocketAddr,
        packet: &RtpPacket<'_>,
        moment: Moment,
        out: &mut impl MediaSink,
    ) -> bool {
        let Some(payload) = self.payload(packet.payload_type) else {
            return false;
        };
        match self.latch.receive(source, moment.us) {
            Verdict::Known => {}
            Verdict::Latched => out.event(MediaEvent::Latched {
                port: self.id,
                source,
            }),
            Verdict::Stranger => return false,
        }
        let is_event = matches!(payload, Payload::Event { .. });
        if self.reception.ssrc() != Some(packet.ssrc) {
            if is_event && self.reception.ssrc().is_some() {
                // Some gateways send events as a stream of their own: only the
                // digits are of use.
                self.receive_event(packet, out);
                return true;
            }
            self.finish_echo(pool, moment.tick, out);
            self.digits.reset();
            self.reception.set_source(packet.ssrc);
        }
        let Some(sequence) = self.count(pool, packet, moment.tick, out) else {
            return true;
        };
        match payload {
            Payload::Audio(_) => self.reception.measure(packet.timestamp, moment.us),
            Payload::Event { .. } => self.receive_event(packet, out),
        }
        if self.echoes() {
            self.store(pool, packet, sequence, payload, moment.us)
        } else {
            true
        }
    }

    /// Answers the extended sequence number of a packet that is new.
    fn count(
        &mut self,
        pool: &mut PacketPool,
        packet: &RtpPacket<'_>,
        tick: u64,
        out: &mut impl MediaSink,
    ) -> Option<i64> {
        let arrival = self.reception.receive(packet.sequence);
        if arrival != Arrival::Suspect {
            self.counts.octets_received += packet.payload.len() as u64;
        }
        match arrival {
            Arrival::Newer(sequence) => Some(sequence),
            Arrival::Reordered(sequence) => {
                self.counts.reordered += 1;
                Some(sequence)
            }
            Arrival::Restarted(sequence) => {
                self.finish_echo(pool, tick, out);
                self.digits.reset();
                Some(sequence)
            }
            Arrival::Duplicate => {
                self.counts.duplicate += 1;
                None
            }
            Arrival::Old => {
                self.counts.late += 1;
                None
            }
            Arrival::Suspect => {
                self.counts.dropped += 1;
                None
            }
        }
    }

    fn receive_event(&mut self, packet: &RtpPacket<'_>, out: &mut impl MediaSink) {
        if !self.config.direction.receives() {
            return;
        }
        let (port, digits) = (self.id, &mut self.counts.digits);
        self.digits
            .receive(packet.marker, packet.timestamp, packet.payload, |press| {
                *digits += 1;
                let duration_ms = press.duration / EVENT_TICKS_PER_MS;
                out.event(MediaEvent::Digit {
                    port,
                    digit: press.digit,
                    duration_ms,
                });
            });
    }

    fn store(
        &mut self,
        pool: &mut PacketPool,
        packet: &RtpPacket<'_>,
        sequence: i64,
        payload: Payload,
        arrived_us: i64,
    ) -> bool {
        let duration_ticks = match payload {
            Payload::Audio(audio) => match audio.codec {
                Codec::Pcmu | Codec::Pcma => Some(packet.payload.len() as u32),
            },
            Payload::Event { .. } => None,
        };
        let incoming = Incoming {
            sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload_type: packet.payload_type,
            duration_ticks,
            payload: packet.payload,
        };
        match self.buffer.push(pool, &incoming, arrived_us) {
            Pushed::Stored => true,
            Pushed::Late => {
                self.counts.late += 1;
                true
            }
            Pushed::Refused => false,
        }
    }
}
