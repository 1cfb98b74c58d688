//! A list of prompts being played: which octets come next, and when.
//!
//! The tick grants 20 ms of samples; a packet is due whenever a whole one is
//! owed. A ptime of 10 ms gives two packets a tick, 30 ms gives one at ticks 0,
//! 2, 3, 5, 6, … The prompts follow each other, and the list itself in a loop,
//! within the packet: no gap.
//!
//! | state | grant | next |
//! | --- | --- | --- |
//! | playing | audio left | packets, playing |
//! | playing | last octet went out | ending after that packet's duration |
//! | ending | duration has passed | done |

use std::sync::Arc;

use super::Prompt;
use crate::g711;
use crate::vocabulary::{Codec, PlayId};

/// A playback in progress.
#[derive(Debug)]
pub struct Playback {
    play: PlayId,
    prompts: Arc<[Arc<Prompt>]>,
    /// Rounds still to begin, the running one included; `None` is for ever.
    loops_left: Option<u32>,
    index: usize,
    offset: usize,
    /// Samples granted and not yet sent.
    owed: usize,
    /// Samples' worth of time since the beginning, and of packets sent.
    elapsed: u64,
    sent: u64,
    started: bool,
}

impl Playback {
    /// Plays `prompts` `loops` times, 0 = for ever.
    pub fn new(play: PlayId, prompts: Arc<[Arc<Prompt>]>, loops: u32) -> Self {
        let loops_left = (loops > 0).then_some(loops);
        Self {
            play,
            prompts,
            loops_left,
            index: 0,
            offset: 0,
            owed: 0,
            elapsed: 0,
            sent: 0,
            started: false,
        }
    }

    /// The order's name.
    pub fn play(&self) -> PlayId {
        self.play
    }

    /// A tick grants `samples`. The first grant is good for a packet of
    /// `packet_samples` at least, so that playing begins at once.
    pub fn grant(&mut self, samples: usize, packet_samples: usize) {
        self.owed += if self.started {
            samples
        } else {
            samples.max(packet_samples)
        };
        self.started = true;
        self.elapsed += samples as u64;
    }

    /// Fills a packet when one is owed and there is audio left; the last one is
    /// filled up with silence. `false`: nothing to send now.
    pub fn next_packet(&mut self, codec: Codec, packet: &mut [u8]) -> bool {
        if self.owed < packet.len() || self.is_exhausted() {
            return false;
        }
        self.owed -= packet.len();
        self.sent += packet.len() as u64;
        let mut filled = 0;
        while filled < packet.len() && !self.is_exhausted() {
            let rest = &self.prompts[self.index].encoded(codec)[self.offset..];
            let length = rest.len().min(packet.len() - filled);
            packet[filled..filled + length].copy_from_slice(&rest[..length]);
            filled += length;
            self.advance(length);
        }
        packet[filled..].fill(g711::silence(codec));
        true
    }

    /// Whether every octet has been handed out.
    pub fn is_exhausted(&self) -> bool {
        self.index >= self.prompts.len()
    }

    /// Whether the last packet's duration has passed with the grants so far:
    /// asked before a tick's grant.
    pub fn is_done(&self) -> bool {
        self.is_exhausted() && self.elapsed >= self.sent
    }

    fn advance(&mut self, length: usize) {
        self.offset += length;
        if self.offset < self.prompts[self.index].len() {
            return;
        }
        self.offset = 0;
        self.index += 1;
        if self.index < self.prompts.len() {
            return;
        }
        match &mut self.loops_left {
            None => self.index = 0,
            Some(left) => {
                *left -= 1;
                if *left > 0 {
                    self.index = 0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(lengths: &[usize]) -> (Arc<[Arc<Prompt>]>, Vec<u8>) {
        let mut whole = Vec::new();
        let mut value = 0_i16;
        let list = lengths
            .iter()
            .map(|&length| {
                let samples: Vec<i16> = (0..length)
                    .map(|_| {
                        value = value.wrapping_add(977);
                        value
                    })
                    .collect();
                let prompt = Prompt::from_pcm("p", &samples, 8000, 1).unwrap();
                whole.extend_from_slice(prompt.encoded(Codec::Pcma));
                prompt
            })
            .collect();
        (list, whole)
    }

    /// Ticks at which packets went out, and all octets.
    fn play(playback: &mut Playback, packet_samples: usize, ticks: usize) -> (Vec<usize>, Vec<u8>) {
        let (mut at, mut octets) = (Vec::new(), Vec::new());
        let mut packet = vec![0; packet_samples];
        for tick in 0..ticks {
            playback.grant(160, packet_samples);
            while playback.next_packet(Codec::Pcma, &mut packet) {
                at.push(tick);
                octets.extend_from_slice(&packet);
            }
        }
        (at, octets)
    }

    #[test]
    fn every_ptime_is_kept() {
        for (ptime, expected) in [
            (10, vec![0, 0, 1, 1, 2, 2, 3, 3]),
            (20, vec![0, 1, 2, 3, 4, 5, 6]),
            (30, vec![0, 2, 3, 5, 6, 8, 9]),
            (40, vec![0, 2, 4, 6, 8]),
            (60, vec![0, 3, 6, 9]),
        ] {
            let (list, _) = prompts(&[8000]);
            let mut playback = Playback::new(PlayId(1), list, 1);
            let (at, _) = play(&mut playback, ptime * 8, 10);
            assert_eq!(at[..expected.len()], expected, "{ptime} ms");
        }
    }

    #[test]
    fn is_done_when_the_last_packet_has_been_heard() {
        for (samples, packet_samples, expected) in [
            (160, 160, 1),
            (161, 160, 2),
            (240, 240, 2),
            (480, 240, 3),
            (80, 80, 1),
            (10, 480, 3),
        ] {
            let (list, _) = prompts(&[samples]);
            let mut playback = Playback::new(PlayId(1), list, 1);
            let mut ticks = 0;
            while !playback.is_done() {
                play(&mut playback, packet_samples, 1);
                ticks += 1;
            }
            assert_eq!(ticks, expected, "{samples} in packets of {packet_samples}");
        }
    }

    #[test]
    fn lists_and_loops_are_gapless() {
        for lengths in [&[1][..], &[160], &[161, 7, 1000, 1], &[80, 80]] {
            for loops in [1, 2, 5] {
                for packet_samples in [80, 160, 240, 480] {
                    let (list, whole) = prompts(lengths);
                    let mut playback = Playback::new(PlayId(1), list, loops);
                    let (_, octets) = play(&mut playback, packet_samples, 100);
                    let mut expected = whole.repeat(loops as usize);
                    let padded = expected.len().div_ceil(packet_samples) * packet_samples;
                    expected.resize(padded, g711::silence(Codec::Pcma));
                    assert_eq!(octets, expected, "{lengths:?} × {loops}, {packet_samples}");
                    assert!(playback.is_exhausted());
                }
            }
        }
    }

    #[test]
    fn without_a_count_it_goes_on() {
        let (list, whole) = prompts(&[100, 33]);
        let mut playback = Playback::new(PlayId(1), list, 0);
        let (_, octets) = play(&mut playback, 160, 1000);
        assert_eq!(octets.len(), 160_000);
        assert!(octets.iter().zip(whole.iter().cycle()).all(|(a, b)| a == b));
    }

    #[test]
    fn an_empty_list_is_exhausted_at_once() {
        let mut playback = Playback::new(PlayId(1), Arc::from([]), 0);
        assert!(playback.is_exhausted());
        assert_eq!(play(&mut playback, 160, 3).0, Vec::<usize>::new());
    }
}
