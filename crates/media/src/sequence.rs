//! Sequence numbers of one source (RFC 3550 appendix A.1), widened to 64 bits,
//! with a memory of the last 64 so that duplicates are told from late ones.
//!
//! | distance from the highest | answer |
//! | --- | --- |
//! | 0 | `Duplicate` |
//! | +1 … +2999 | `Newer` |
//! | −1 … −63 | `Reordered` the first time, then `Duplicate` |
//! | −64 … −99 | `Old` |
//! | farther, once | `Suspect` |
//! | farther, followed by its successor | `Restarted` |

/// RFC 3550 `MAX_DROPOUT`: a jump ahead below it is loss.
const MAX_DROPOUT: u16 = 3000;
/// RFC 3550 `MAX_MISORDER`: a jump back below it is reordering.
const MAX_MISORDER: u16 = 100;
/// Keeps extended numbers positive when the first packets are out of order.
const FIRST_CYCLE: i64 = 1 << 16;

/// What a sequence number means; the `i64` is the extended number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Higher than all before.
    Newer(i64),
    /// Fills a hole.
    Reordered(i64),
    /// Seen before.
    Duplicate,
    /// So old that nobody knows whether it was seen.
    Old,
    /// Far off: to be ignored until its successor confirms it.
    Suspect,
    /// The source counts anew from here.
    Restarted(i64),
}

/// The numbers of one source.
#[derive(Clone, Debug, Default)]
pub struct SequenceTracker {
    started: bool,
    base: i64,
    highest: i64,
    /// Bit n: `highest − n` was seen.
    seen: u64,
    /// The number that would confirm a restart.
    confirming: Option<u16>,
    /// Expected before the last restart.
    expected_before: u64,
}

impl SequenceTracker {
    /// Takes the next packet's number.
    pub fn update(&mut self, sequence: u16) -> Arrival {
        if !self.started {
            self.started = true;
            return Arrival::Newer(self.begin(sequence));
        }
        let ahead = sequence.wrapping_sub(self.highest as u16);
        if ahead == 0 {
            return Arrival::Duplicate;
        }
        if ahead < MAX_DROPOUT {
            self.confirming = None;
            self.highest += i64::from(ahead);
            self.seen = self.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            return Arrival::Newer(self.highest);
        }
        let behind = ahead.wrapping_neg();
        if behind < MAX_MISORDER {
            return self.look_back(behind);
        }
        if self.confirming == Some(sequence) {
            self.expected_before = self.expected();
            return Arrival::Restarted(self.begin(sequence));
        }
        self.confirming = Some(sequence.wrapping_add(1));
        Arrival::Suspect
    }

    /// Forgets the source's position but not how much was expected so far.
    pub fn restart(&mut self) {
        *self = Self {
            expected_before: self.expected(),
            ..Self::default()
        };
    }

    /// Packets expected so far, over all restarts.
    pub fn expected(&self) -> u64 {
        let present = if self.started {
            (self.highest - self.base + 1) as u64
        } else {
            0
        };
        self.expected_before + present
    }

    /// "Extended highest sequence number received" of a report block.
    pub fn extended_highest(&self) -> u32 {
        (self.highest - FIRST_CYCLE) as u32
    }

    fn begin(&mut self, sequence: u16) -> i64 {
        self.base = FIRST_CYCLE + i64::from(sequence);
        self.highest = self.base;
        self.seen = 1;
        self.confirming = None;
        self.base
    }

    fn look_back(&mut self, behind: u16) -> Arrival {
        if behind >= 64 {
            return Arrival::Old;
        }
        let bit = 1 << behind;
        if self.seen & bit != 0 {
            return Arrival::Duplicate;
        }
        self.seen |= bit;
        let extended = self.highest - i64::from(behind);
        self.base = self.base.min(extended);
        Arrival::Reordered(extended)
    }
}

#[cfg(test)]
mod tests {
    use super::Arrival::{Duplicate, Newer, Old, Reordered, Restarted, Suspect};
    use super::*;

    fn run(numbers: &[u16]) -> (Vec<Arrival>, SequenceTracker) {
        let mut tracker = SequenceTracker::default();
        let arrivals = numbers.iter().map(|&n| tracker.update(n)).collect();
        (arrivals, tracker)
    }

    const C: i64 = FIRST_CYCLE;

    #[test]
    fn rows() {
        let rows: [(&str, &[u16], &[Arrival], u64); 8] = [
            (
                "in order",
                &[5, 6, 7],
                &[Newer(C + 5), Newer(C + 6), Newer(C + 7)],
                3,
            ),
            ("loss", &[5, 8], &[Newer(C + 5), Newer(C + 8)], 4),
            (
                "swap",
                &[5, 7, 6],
                &[Newer(C + 5), Newer(C + 7), Reordered(C + 6)],
                3,
            ),
            (
                "swap at the start",
                &[6, 5],
                &[Newer(C + 6), Reordered(C + 5)],
                2,
            ),
            (
                "duplicates",
                &[5, 5, 6, 5],
                &[Newer(C + 5), Duplicate, Newer(C + 6), Duplicate],
                2,
            ),
            (
                "wrap",
                &[65535, 0, 65534],
                &[Newer(C + 65535), Newer(C + 65536), Reordered(C + 65534)],
                3,
            ),
            ("too old", &[1000, 936], &[Newer(C + 1000), Old], 1),
            (
                "restart",
                &[1000, 30000, 1001, 30000, 30001, 30002],
                &[
                    Newer(C + 1000),
                    Suspect,
                    Newer(C + 1001),
                    Suspect,
                    Restarted(C + 30001),
                    Newer(C + 30002),
                ],
                4,
            ),
        ];
        for (name, numbers, arrivals, expected) in rows {
            let (got, tracker) = run(numbers);
            assert_eq!(got, arrivals, "{name}");
            assert_eq!(tracker.expected(), expected, "{name}");
        }
    }

    #[test]
    fn limits_of_the_rows() {
        for (second, arrival) in [
            (1000 + 2999, Newer(C + 3999)),
            (1000 + 3000, Suspect),
            (1000 - 63, Reordered(C + 937)),
            (1000 - 64, Old),
            (1000 - 99, Old),
            (1000 - 100, Suspect),
        ] {
            assert_eq!(run(&[1000, second]).0[1], arrival, "{second}");
        }
    }

    #[test]
    fn reports_cycles_in_the_upper_half() {
        let (_, tracker) = run(&[65535, 0]);
        assert_eq!(tracker.extended_highest(), 0x1_0000);
        let (_, tracker) = run(&[0, 65535, 65534]);
        // Not one behind 0 but a restart candidate… 65535 is one back: reordered.
        assert_eq!(tracker.extended_highest(), 0);
    }

    #[test]
    fn a_restart_keeps_the_count() {
        let (_, mut tracker) = run(&[5, 9]);
        tracker.restart();
        assert_eq!(tracker.expected(), 5);
        assert_eq!(tracker.update(40000), Newer(C + 40000));
        assert_eq!(tracker.expected(), 6);
    }
}
