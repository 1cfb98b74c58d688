//! A prompt on its way out of a port.

use super::port::Port;
use super::sender::{Outgoing, TICK_SAMPLES};
use super::{MediaSink, Moment};
use crate::player::Playback;
use crate::rtp::HEADER_LEN;
use crate::vocabulary::{MediaEvent, PlayEnd};

/// Largest packet we send: 60 ms of G.711.
pub(super) const MAX_PACKET: usize = HEADER_LEN + 480;

/// A playback and its place on the media clock.
#[derive(Debug)]
pub(super) struct Playing {
    playback: Playback,
    /// Of the next packet, once the first has been placed.
    timestamp: Option<u32>,
    /// The next packet sent begins a talkspurt (RFC 3551 §4.1).
    marker: bool,
}

impl Playing {
    pub(super) fn new(playback: Playback) -> Self {
        Self {
            playback,
            timestamp: None,
            marker: false,
        }
    }
}

impl Port {
    /// Sends what is owed; the last packet's duration over, reports the end.
    /// Answers whether it goes on. While we may not send (hold) the prompt runs
    /// on unheard, so that flows end in time.
    pub(super) fn tick_playing(
        &mut self,
        moment: Moment,
        packet: &mut [u8; MAX_PACKET],
        out: &mut impl MediaSink,
    ) -> bool {
        let Some(playing) = &mut self.playing else {
            return false;
        };
        if playing.playback.is_done() {
            self.end_playing(PlayEnd::Finished, out);
            return false;
        }
        let Some(codec) = self.config.codecs.first().copied() else {
            return true;
        };
        let samples = packet_samples(self.config.ptime_ms);
        let destination = self
            .latch
            .destination()
            .filter(|_| self.config.direction.sends());
        playing.playback.grant(TICK_SAMPLES as usize, samples);
        let packet = &mut packet[..HEADER_LEN + samples];
        while playing
            .playback
            .next_packet(codec.codec, &mut packet[HEADER_LEN..])
        {
            let timestamp = playing.timestamp.unwrap_or_else(|| {
                let (timestamp, silence_before) = self.sender.begin(moment.tick);
                playing.marker = silence_before;
                timestamp
            });
            playing.timestamp = Some(timestamp.wrapping_add(samples as u32));
            let Some(to) = destination else {
                playing.marker = true;
                continue;
            };
            let outgoing = Outgoing {
                marker: std::mem::take(&mut playing.marker),
                payload_type: codec.send,
                skip: 0,
                timestamp,
                duration_ticks: Some(samples as u32),
            };
            self.sender
                .send(&outgoing, packet, moment.tick, (self.id.slot, to), out);
        }
        true
    }

    /// Ends the playback, if there is one, and says so.
    pub(super) fn end_playing(&mut self, end: PlayEnd, out: &mut impl MediaSink) {
        if let Some(playing) = self.playing.take() {
            let play = playing.playback.play();
            out.event(MediaEvent::PlayDone {
                port: self.id,
                play,
                end,
            });
        }
    }
}

/// Samples of a packet of ours: 10–60 ms in steps of 10.
fn packet_samples(ptime_ms: u8) -> usize {
    usize::from(ptime_ms.clamp(10, 60) / 10) * 80
}
