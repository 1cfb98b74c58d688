//! Digits by RFC 4733 (telephone-event), received. One press is one digit,
//! whatever the network made of its packets.
//!
//! A press is known by its timestamp, which all its packets share, so it is
//! reported with the first of them that comes, be it the start, an update or
//! one of the three ends. Packets with a timestamp among the last eight are the
//! same press again: repeated ends, duplicates, stragglers.
//!
//! | input | answer |
//! | --- | --- |
//! | timestamp and event known | nothing |
//! | same event, timestamp 65535 after the last, no marker, last not ended | nothing: the press goes on in a new segment (§2.5.1.3) |
//! | anything else | a digit |
//! | event above 15 | nothing |

use crate::vocabulary::Digit;

/// Presses remembered.
const HISTORY: usize = 8;
/// A segment ends at the largest duration.
const SEGMENT: u32 = 0xFFFF;

/// A press of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// The key.
    pub digit: Digit,
    /// Duration in timestamp units as far as known.
    pub duration: u16,
}

/// Receiver of one stream's events.
#[derive(Clone, Debug, Default)]
pub struct DigitReceiver {
    seen: [Option<Seen>; HISTORY],
    newest: usize,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    timestamp: u32,
    event: u8,
    ended: bool,
}

impl DigitReceiver {
    /// Takes one telephone-event packet and tells each new press to `report`.
    /// A payload can hold several events back to back (§2.5.1.5).
    pub fn receive(
        &mut self,
        marker: bool,
        timestamp: u32,
        payload: &[u8],
        mut report: impl FnMut(Press),
    ) {
        let mut timestamp = timestamp;
        for block in payload.chunks_exact(4) {
            let duration = u16::from_be_bytes([block[2], block[3]]);
            let event = Event {
                timestamp,
                code: block[0],
                end: block[1] & 0x80 != 0,
            };
            if let Some(digit) = self.receive_event(marker, event) {
                report(Press { digit, duration });
            }
            timestamp = timestamp.wrapping_add(u32::from(duration));
        }
    }

    /// Forgets all: the stream has another source.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn receive_event(&mut self, marker: bool, event: Event) -> Option<Digit> {
        let digit = Digit::from_event(event.code)?;
        for seen in self.seen.iter_mut().flatten() {
            if seen.timestamp == event.timestamp && seen.event == event.code {
                seen.ended |= event.end;
                return None;
            }
        }
        let goes_on = !marker
            && self.seen[self.newest].is_some_and(|last| {
                !last.ended
                    && last.event == event.code
                    && event.timestamp.wrapping_sub(last.timestamp) == SEGMENT
            });
        self.newest = (self.newest + 1) % HISTORY;
        self.seen[self.newest] = Some(Seen {
            timestamp: event.timestamp,
            event: event.code,
            ended: event.end,
        });
        (!goes_on).then_some(digit)
    }
}

#[derive(Clone, Copy)]
struct Event {
    timestamp: u32,
    code: u8,
    end: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (marker, timestamp, event, end, duration)
    type Row = (bool, u32, u8, bool, u16);

    fn digits(rows: &[Row]) -> String {
        let mut receiver = DigitReceiver::default();
        let mut heard = String::new();
        for &(marker, timestamp, event, end, duration) in rows {
            let [high, low] = duration.to_be_bytes();
            let payload = [event, (u8::from(end) << 7) | 0x0A, high, low];
            receiver.receive(marker, timestamp, &payload, |press| {
                heard.push(press.digit.as_char());
            });
        }
        heard
    }

    /// A press as RFC 4733 sends it: a packet each 20 ms, the end three times.
    fn press(timestamp: u32, event: u8, duration: u16) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut at = 160;
        rows.push((true, timestamp, event, false, 0));
        while at < duration {
            rows.push((false, timestamp, event, false, at));
            at += 160;
        }
        rows.extend([(false, timestamp, event, true, duration); 3]);
        rows
    }

    fn sequence(events: &[u8], duration: u16) -> Vec<Vec<Row>> {
        let step = u32::from(duration) + 320;
        let base = 0xFFFF_F800_u32;
        events
            .iter()
            .enumerate()
            .map(|(n, &e)| press(base.wrapping_add(n as u32 * step), e, duration))
            .collect()
    }

    const KEYS: [u8; 12] = [1, 1, 2, 2, 2, 0, 10, 11, 15, 9, 9, 1];
    const HEARD: &str = "112220*#D991";

    #[test]
    fn every_impairment_hears_every_press_once() {
        type Impair = fn(Vec<Vec<Row>>) -> Vec<Row>;
        let table: [(&str, Impair); 12] = [
            ("clean", |p| p.concat()),
            ("starts lost", |p| {
                p.into_iter().flat_map(|r| r[1..].to_vec()).collect()
            }),
            ("all ends lost", |p| {
                p.into_iter()
                    .flat_map(|r| r[..r.len() - 3].to_vec())
                    .collect()
            }),
            ("only one end left", |p| {
                p.into_iter()
                    .flat_map(|r| r[r.len() - 1..].to_vec())
                    .collect()
            }),
            ("only the start left", |p| {
                p.into_iter().flat_map(|r| r[..1].to_vec()).collect()
            }),
            ("only one update left", |p| {
                p.into_iter().flat_map(|r| r[1..2].to_vec()).collect()
            }),
            ("everything twice", |p| {
                p.concat().into_iter().flat_map(|r| [r, r]).collect()
            }),
            ("ends before starts", |p| {
                p.into_iter()
                    .flat_map(|mut r| {
                        r.reverse();
                        r
                    })
                    .collect()
            }),
            ("markers lost", |p| {
                p.concat()
                    .into_iter()
                    .map(|r| (false, r.1, r.2, r.3, r.4))
                    .collect()
            }),
            ("marker on every packet", |p| {
                p.concat()
                    .into_iter()
                    .map(|r| (true, r.1, r.2, r.3, r.4))
                    .collect()
            }),
            ("durations all 0", |p| {
                p.concat()
                    .into_iter()
                    .map(|r| (r.0, r.1, r.2, r.3, 0))
                    .collect()
            }),
            ("durations all 65535", |p| {
                p.concat()
                    .into_iter()
                    .map(|r| (r.0, r.1, r.2, r.3, 65535))
                    .collect()
            }),
        ];
        for duration in [320, 800, 4000] {
            for (name, impair) in table {
                assert_eq!(
                    digits(&impair(sequence(&KEYS, duration))),
                    HEARD,
                    "{name}, {duration}"
                );
            }
        }
    }

    #[test]
    fn the_ends_of_a_press_may_come_after_the_next_start() {
        let presses = sequence(&[5, 5, 6], 800);
        let mut rows = presses[0][..3].to_vec();
        rows.extend(&presses[1][..2]);
        rows.extend(&presses[0][3..]);
        rows.extend(&presses[2]);
        rows.extend(&presses[1][2..]);
        assert_eq!(digits(&rows), "556");
    }

    #[test]
    fn a_long_press_is_one_digit_over_its_segments() {
        let mut rows = vec![(true, 1000, 7, false, 160), (false, 1000, 7, false, 65535)];
        rows.push((false, 1000 + 65535, 7, false, 160));
        rows.push((false, 1000 + 65535, 7, false, 65535));
        rows.extend([(false, 1000 + 2 * 65535, 7, true, 4000); 3]);
        assert_eq!(digits(&rows), "7");
        // With its ends heard, the same distance is a new press.
        let rows = [
            (true, 1000, 7, true, 800),
            (false, 1000 + 65535, 7, true, 800),
        ];
        assert_eq!(digits(&rows), "77");
    }

    #[test]
    fn other_events_and_scraps_are_no_digits() {
        assert_eq!(
            digits(&[(true, 1, 16, false, 0), (true, 2, 255, true, 9)]),
            ""
        );
        let mut receiver = DigitReceiver::default();
        for length in 0..4 {
            receiver.receive(true, 5, &[1, 0, 0, 0][..length], |_| panic!("too short"));
        }
        let mut heard = Vec::new();
        receiver.receive(
            true,
            5,
            &[1, 0x80, 0x01, 0x40, 2, 0x80, 0x01, 0x40, 9],
            |p| heard.push(p.digit.as_char()),
        );
        assert_eq!(heard, ['1', '2'], "two events in one payload");
    }
}
