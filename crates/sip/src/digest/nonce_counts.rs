//! Which nonce counts were used, in bounded memory.

use std::collections::BTreeMap;

/// Nonce counts seen of one nonce: the highest, and which of the 64 up to it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    highest: u32,
    window: u64,
    issued_ms: u64,
}

/// The nonces in use. Serial numbers grow with time, so the first entry is the
/// oldest nonce.
#[derive(Debug)]
pub(super) struct NonceCounts {
    seen: BTreeMap<u64, Seen>,
    max_nonces: usize,
    /// Nonces up to this serial number are forgotten and no longer good.
    forgotten: Option<u64>,
}

impl NonceCounts {
    pub(super) fn new(max_nonces: usize) -> Self {
        Self {
            seen: BTreeMap::new(),
            max_nonces: max_nonces.max(1),
            forgotten: None,
        }
    }

    /// Whether the nonce had to be forgotten.
    pub(super) fn is_forgotten(&self, serial: u64) -> bool {
        self.forgotten.is_some_and(|last| serial <= last)
    }

    /// Uses up a nonce count; `false` if it was used before, or may have been.
    pub(super) fn spend(&mut self, serial: u64, issued_ms: u64, count: u32) -> bool {
        if self.is_forgotten(serial) || count == 0 {
            return false;
        }
        if let Some(seen) = self.seen.get_mut(&serial) {
            return seen.spend(count);
        }
        while self.seen.len() >= self.max_nonces {
            let Some((oldest, _)) = self.seen.pop_first() else {
                break;
            };
            self.forgotten = self.forgotten.max(Some(oldest));
        }
        if self.is_forgotten(serial) {
            return false;
        }
        let seen = Seen {
            highest: count,
            window: 1,
            issued_ms,
        };
        self.seen.insert(serial, seen);
        true
    }

    /// Lets go of nonces that are too old to be good.
    pub(super) fn forget_before(&mut self, issued_ms: u64) {
        while let Some(oldest) = self.seen.first_entry() {
            if oldest.get().issued_ms >= issued_ms {
                break;
            }
            oldest.remove();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }
}

impl Seen {
    fn spend(&mut self, count: u32) -> bool {
        if count > self.highest {
            let ahead = count - self.highest;
            self.window = self.window.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let behind = self.highest - count;
        let Some(bit) = 1_u64.checked_shl(behind) else {
            return false;
        };
        let fresh = self.window & bit == 0;
        self.window |= bit;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_is_good_once_within_the_window() {
        let mut counts = NonceCounts::new(4);
        // count | good
        let rows = [
            (0, false),
            (1, true),
            (1, false),
            (3, true),
            (2, true),
            (2, false),
            (66, true),
            (3, false),
            (2, false),
            (4, true),
            (1000, true),
            (936, false),
            (937, true),
            (937, false),
            (u32::MAX, true),
            (u32::MAX, false),
        ];
        for (count, good) in rows {
            assert_eq!(counts.spend(7, 0, count), good, "{count}");
        }
    }

    #[test]
    fn the_oldest_nonces_give_way_and_stay_away() {
        let mut counts = NonceCounts::new(3);
        for serial in 1..=5 {
            assert!(counts.spend(serial, serial, 1));
        }
        assert_eq!(counts.len(), 3);
        for (serial, good) in [(1, false), (2, false), (3, true), (5, true)] {
            assert_eq!(counts.spend(serial, serial, 2), good, "{serial}");
        }
        // Never used, but older than what had to be forgotten.
        assert!(!counts.spend(0, 0, 1));
        counts.forget_before(5);
        assert_eq!(counts.len(), 1);
    }
}
