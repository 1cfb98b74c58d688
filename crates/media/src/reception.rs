//! What RFC 3550 asks a receiver to keep of a source: loss, jitter and the time
//! of the last sender report (§6.4.1, appendices A.3 and A.8).

use crate::rtcp::ReportBlock;
use crate::sequence::{Arrival, SequenceTracker};

/// A step of the transit time beyond this is a new timestamp base, not jitter.
const DISCONTINUITY_S: i32 = 2;

/// Reception of one stream. Outlives changes of the SSRC: totals go on.
#[derive(Clone, Debug)]
pub struct Reception {
    clock_rate: u32,
    ssrc: Option<u32>,
    sequence: SequenceTracker,
    received: u64,
    expected_prior: u64,
    received_prior: u64,
    transit: Option<u32>,
    /// Jitter × 16, as in appendix A.8.
    jitter_x16: u32,
    jitter_max_ticks: u32,
    last_sr: Option<LastSenderReport>,
}

/// Of the last SR of the source.
#[derive(Clone, Copy, Debug)]
struct LastSenderReport {
    ntp_middle: u32,
    arrived_us: i64,
}

impl Reception {
    /// Nothing received yet. `clock_rate` in Hz.
    pub fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            ssrc: None,
            sequence: SequenceTracker::default(),
            received: 0,
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter_x16: 0,
            jitter_max_ticks: 0,
            last_sr: None,
        }
    }

    /// The source heard at present.
    pub fn ssrc(&self) -> Option<u32> {
        self.ssrc
    }

    /// Begins with a source, the first or another one.
    pub fn set_source(&mut self, ssrc: u32) {
        self.ssrc = Some(ssrc);
        self.sequence.restart();
        self.transit = None;
        self.jitter_x16 = 0;
        self.last_sr = None;
    }

    /// Counts a packet of the source.
    pub fn receive(&mut self, sequence: u16) -> Arrival {
        let arrival = self.sequence.update(sequence);
        match arrival {
            Arrival::Suspect => {}
            Arrival::Restarted(_) => {
                self.received += 1;
                self.transit = None;
            }
            Arrival::Newer(_) | Arrival::Reordered(_) | Arrival::Duplicate | Arrival::Old => {
                self.received += 1;
            }
        }
        arrival
    }

    /// Takes a packet's times into the jitter (appendix A.8). Not for packets
    /// that repeat a timestamp, as those of RFC 4733 do.
    pub fn measure(&mut self, timestamp: u32, arrived_us: i64) {
        let arrival = (arrived_us * i64::from(self.clock_rate) / 1_000_000) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let step = transit.wrapping_sub(before) as i32;
            if step.unsigned_abs() > (DISCONTINUITY_S as u32) * self.clock_rate {
                return;
            }
            self.jitter_x16 = self.jitter_x16 + step.unsigned_abs() - ((self.jitter_x16 + 8) >> 4);
            self.jitter_max_ticks = self.jitter_max_ticks.max(self.jitter_x16 >> 4);
        }
    }

    /// Remembers a sender report for LSR and DLSR.
    pub fn sender_report(&mut self, ntp: u64, arrived_us: i64) {
        self.last_sr = Some(LastSenderReport {
            ntp_middle: (ntp >> 16) as u32,
            arrived_us,
        });
    }

    /// Packets received, duplicates and late ones included.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Cumulative number of packets lost (appendix A.3).
    pub fn lost(&self) -> i64 {
        self.sequence.expected() as i64 - self.received as i64
    }

    /// Packets the source sent, as far as its numbers tell.
    pub fn expected(&self) -> u64 {
        self.sequence.expected()
    }

    /// Interarrival jitter in timestamp units.
    pub fn jitter_ticks(&self) -> u32 {
        self.jitter_x16 >> 4
    }

    /// The highest jitter so far.
    pub fn jitter_max_ticks(&self) -> u32 {
        self.jitter_max_ticks
    }

    /// The report block on this source and the start of the next interval;
    /// `None` when nothing came since the last one.
    pub fn report(&mut self, now_us: i64) -> Option<ReportBlock> {
        let ssrc = self.ssrc?;
        if self.received == self.received_prior {
            return None;
        }
        let expected = self.sequence.expected();
        let expected_interval = expected - self.expected_prior;
        let received_interval = self.received - self.received_prior;
        let lost_interval = expected_interval.saturating_sub(received_interval);
        self.expected_prior = expected;
        self.received_prior = self.received;
        let (last_sr, delay) = match self.last_sr {
            Some(sr) => (
                sr.ntp_middle,
                ((now_us - sr.arrived_us).max(0) * 65_536 / 1_000_000) as u32,
            ),
            None => (0, 0),
        };
        Some(ReportBlock {
            ssrc,
            fraction_lost: (lost_interval * 256)
                .checked_div(expected_interval)
                .unwrap_or(0)
                .min(255) as u8,
            cumulative_lost: self.lost().clamp(-0x80_0000, 0x7F_FFFF) as i32,
            extended_highest: self.sequence.extended_highest(),
            jitter: self.jitter_ticks(),
            last_sr,
            delay_since_last_sr: delay,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hearing(numbers: impl IntoIterator<Item = u16>) -> Reception {
        let mut reception = Reception::new(8000);
        reception.set_source(1);
        for number in numbers {
            reception.receive(number);
        }
        reception
    }

    #[test]
    fn loss_of_an_interval_and_of_the_whole() {
        let mut reception = hearing((0..100).filter(|n| n % 4 != 1));
        let block = reception.report(0).unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost), (64, 25));
        assert_eq!(reception.report(0), None, "nothing came since");
        for number in 100..150 {
            reception.receive(number);
        }
        let block = reception.report(0).unwrap();
        assert_eq!(
            (
                block.fraction_lost,
                block.cumulative_lost,
                block.extended_highest
            ),
            (0, 25, 149)
        );
    }

    #[test]
    fn duplicates_make_loss_negative() {
        let mut reception = hearing([1, 1, 2, 2, 3]);
        let block = reception.report(0).unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost), (0, -2));
    }

    #[test]
    fn jitter_follows_appendix_a8() {
        let mut reception = hearing([]);
        // Alternating early and late by 5 ms: |D| is 10 ms = 80 ticks each time.
        for packet in 0..400_i64 {
            let shift = if packet % 2 == 0 { 0 } else { 10_000 };
            reception.measure((packet * 160) as u32, packet * 20_000 + shift);
        }
        assert!(
            reception.jitter_ticks().abs_diff(80) <= 1,
            "{}",
            reception.jitter_ticks()
        );
        let before = reception.jitter_ticks();
        reception.measure(0x8000_0000, 8_000_000);
        assert_eq!(reception.jitter_ticks(), before, "a new base is not jitter");
    }

    #[test]
    fn steady_arrival_has_no_jitter_across_the_timestamp_wrap() {
        let mut reception = hearing([]);
        for packet in 0..100_u32 {
            let timestamp = 0xFFFF_F000_u32.wrapping_add(packet * 160);
            reception.measure(timestamp, i64::from(packet) * 20_000);
        }
        assert_eq!(reception.jitter_max_ticks(), 0);
    }

    #[test]
    fn reports_when_the_last_sender_report_came() {
        let mut reception = hearing([1]);
        reception.sender_report(0x0123_4567_89AB_CDEF, 1_000_000);
        let block = reception.report(3_500_000).unwrap();
        assert_eq!(
            (block.last_sr, block.delay_since_last_sr),
            (0x4567_89AB, 2 * 65536 + 32768)
        );
    }
}
