//! What is known of one stream: which of its packets came back, and how
//! evenly packets arrive.

use crate::rtp::{Packet, SAMPLES_PER_MS};

/// Which packets of the measured window came back.
#[derive(Clone, Debug, Default)]
pub struct EchoCheck {
    first: u32,
    end: u32,
    seen: Vec<u64>,
    highest: Option<u32>,
}

/// What a packet that came back is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// Sent before or after the window.
    Outside,
    /// The first time it comes, after all that were sent before it and came.
    InOrder,
    /// The first time it comes, after one that was sent later.
    OutOfOrder,
    /// It came before.
    Duplicate,
}

impl EchoCheck {
    /// The window begins; `next` will be sent next.
    pub fn open(&mut self, next: u32) {
        *self = Self {
            first: next,
            end: u32::MAX,
            seen: Vec::new(),
            highest: None,
        };
    }

    /// The window is over; `next` is the first that does not count.
    pub fn close(&mut self, next: u32) {
        self.end = next;
    }

    /// A packet came back.
    pub fn take(&mut self, sequence: u32) -> Return {
        if !(self.first..self.end).contains(&sequence) {
            return Return::Outside;
        }
        let offset = (sequence - self.first) as usize;
        let (word, bit) = (offset / 64, 1 << (offset % 64));
        if word >= self.seen.len() {
            self.seen.resize(word + 1, 0);
        }
        if self.seen[word] & bit != 0 {
            return Return::Duplicate;
        }
        self.seen[word] |= bit;
        if self.highest.is_some_and(|highest| sequence < highest) {
            return Return::OutOfOrder;
        }
        self.highest = Some(sequence);
        Return::InOrder
    }

    /// Packets of the window that came back, each counted once.
    pub fn returned(&self) -> u64 {
        self.seen
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    /// Packets sent in the closed window.
    pub fn sent(&self) -> u64 {
        u64::from(self.end.saturating_sub(self.first))
    }
}

/// Arrivals of one stream, by its RTP header.
#[derive(Clone, Debug, Default)]
pub struct Reception {
    last: Option<Arrival>,
    first_extended: i64,
    highest_extended: i64,
    since_source: u64,
    earlier_missing: u64,
    /// Packets that came.
    pub packets: u64,
    /// Packets behind one that was sent later.
    pub out_of_order: u64,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    at_ns: u64,
}

/// How far a packet is from where it should be, in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evenness {
    /// From one packet length after the last one.
    pub spacing: u64,
    /// |D| of RFC 3550 §6.4.1: the same by the RTP timestamps.
    pub jitter: u64,
}

impl Reception {
    /// A packet came. Says how evenly where it follows the one before it.
    pub fn take(&mut self, packet: &Packet<'_>, at_ns: u64, ptime_ns: u64) -> Option<Evenness> {
        self.packets += 1;
        let arrival = Arrival {
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
            at_ns,
        };
        let last = match self.last {
            Some(last) if last.ssrc == packet.ssrc => last,
            Some(_) | None => {
                self.earlier_missing += self.missing_here();
                self.first_extended = i64::from(packet.sequence);
                self.highest_extended = self.first_extended;
                self.since_source = 1;
                self.last = Some(arrival);
                return None;
            }
        };
        self.since_source += 1;
        let step = i64::from(packet.sequence.wrapping_sub(last.sequence) as i16);
        if step < 0 {
            self.out_of_order += 1;
            return None;
        }
        self.highest_extended += step;
        self.last = Some(arrival);
        if step != 1 {
            return None;
        }
        let gap = at_ns.saturating_sub(last.at_ns);
        let samples = u64::from(packet.timestamp.wrapping_sub(last.timestamp));
        let nominal = samples * 1_000_000 / u64::from(SAMPLES_PER_MS);
        Some(Evenness {
            spacing: gap.abs_diff(ptime_ns),
            jitter: gap.abs_diff(nominal),
        })
    }

    /// Sequence numbers that never came between the first and the highest.
    pub fn missing(&self) -> u64 {
        self.earlier_missing + self.missing_here()
    }

    fn missing_here(&self) -> u64 {
        if self.since_source == 0 {
            return 0;
        }
        let expected = (self.highest_extended - self.first_extended + 1) as u64;
        expected.saturating_sub(self.since_source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn each_packet_of_the_window_counts_once() {
        let mut check = EchoCheck::default();
        check.open(100);
        assert_eq!(check.take(99), Return::Outside);
        assert_eq!(check.take(100), Return::InOrder);
        assert_eq!(check.take(103), Return::InOrder);
        assert_eq!(check.take(101), Return::OutOfOrder);
        assert_eq!(check.take(101), Return::Duplicate);
        assert_eq!(check.take(103), Return::Duplicate);
        check.close(200);
        assert_eq!(check.take(199), Return::InOrder);
        assert_eq!(check.take(200), Return::Outside);
        assert_eq!((check.sent(), check.returned()), (100, 4));
        check.open(0);
        check.close(0);
        assert_eq!((check.sent(), check.returned()), (0, 0));
    }

    fn packet(sequence: u16, timestamp: u32, ssrc: u32) -> Packet<'static> {
        Packet {
            payload_type: 0,
            sequence,
            timestamp,
            ssrc,
            payload: &[],
        }
    }

    #[test]
    fn arrivals_are_measured_against_clock_and_timestamps() {
        let mut reception = Reception::default();
        let mut take = |sequence, timestamp, at| {
            reception.take(&packet(sequence, timestamp, 1), at * MS, 20 * MS)
        };
        assert_eq!(take(65_535, u32::MAX - 159, 100), None);
        let even = take(0, 0, 123).unwrap();
        assert_eq!((even.spacing, even.jitter), (3 * MS, 3 * MS));
        let even = take(1, 320, 160).unwrap();
        assert_eq!((even.spacing, even.jitter), (17 * MS, 3 * MS));
        assert_eq!(take(4, 800, 200), None, "a gap is not measured");
        assert_eq!(take(2, 480, 201), None);
        assert_eq!(reception.missing(), 1);
        assert_eq!((reception.packets, reception.out_of_order), (5, 1));
    }

    #[test]
    fn a_new_source_begins_anew() {
        let mut reception = Reception::default();
        assert_eq!(reception.missing(), 0);
        for (sequence, ssrc) in [(10, 1), (12, 1), (5000, 2), (5003, 2)] {
            reception.take(&packet(sequence, 0, ssrc), 0, 20 * MS);
        }
        assert_eq!(reception.missing(), 1 + 2);
        assert_eq!(reception.out_of_order, 0);
    }
}
