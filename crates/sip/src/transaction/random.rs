//! A small deterministic generator, and text out of it.

use super::key::Fingerprint;

/// SplitMix64.
pub(super) struct SplitMix(pub(super) u64);

impl SplitMix {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

/// Sixteen hexadecimal digits.
pub(super) fn hex(word: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|at| DIGITS[(word >> (60 - 4 * at) & 0xf) as usize])
}

/// Reads what [`hex`] wrote, in either case.
pub(super) fn from_hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |word: u64, digit| {
        let value = (*digit as char).to_digit(16)?;
        Some(word << 4 | u64::from(value))
    })
}

/// The To tag that belongs to a request. Other bits of the fingerprint than
/// those the index hashes by.
pub(super) fn tag_of(key: Fingerprint) -> String {
    hex(key.0[1]).iter().map(|digit| *digit as char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_both_ways() {
        for word in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(hex(word), format!("{word:016x}").as_bytes());
            assert_eq!(from_hex(&hex(word)), Some(word));
        }
        assert_eq!(from_hex(b"00AB"), Some(0xab));
        assert_eq!(from_hex(b"00g0"), None);
    }
}
