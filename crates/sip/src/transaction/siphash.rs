//! SipHash with a 128-bit result, 1-3 unless told. The standard library's hashers give 64
//! bits, too few to stand for a key that is not kept.

/// A running hash. Keyed, so that nobody outside can make two inputs meet.
pub(super) struct SipHash<const COMPRESSION: u8 = 1, const FINALIZATION: u8 = 3> {
    v: [u64; 4],
    tail: u64,
    length: usize,
}

impl<const COMPRESSION: u8, const FINALIZATION: u8> SipHash<COMPRESSION, FINALIZATION> {
    pub(super) fn new(key: [u64; 2]) -> Self {
        let [k0, k1] = key;
        Self {
            v: [
                k0 ^ 0x736f_6d65_7073_6575,
                k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
                k0 ^ 0x6c79_6765_6e65_7261,
                k1 ^ 0x7465_6462_7974_6573,
            ],
            tail: 0,
            length: 0,
        }
    }

    /// Takes one byte.
    pub(super) fn byte(&mut self, byte: u8) {
        self.tail |= u64::from(byte) << (8 * (self.length % 8));
        self.length += 1;
        if self.length.is_multiple_of(8) {
            self.compress(self.tail);
            self.tail = 0;
        }
    }

    /// Takes bytes as they are.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.byte(*byte);
        }
    }

    /// The 128 bits.
    pub(super) fn finish(mut self) -> [u64; 2] {
        self.compress(self.tail | (self.length as u64) << 56);
        self.v[2] ^= 0xee;
        self.rounds(FINALIZATION);
        let first = self.v[0] ^ self.v[1] ^ self.v[2] ^ self.v[3];
        self.v[1] ^= 0xdd;
        self.rounds(FINALIZATION);
        let second = self.v[0] ^ self.v[1] ^ self.v[2] ^ self.v[3];
        [first, second]
    }

    fn compress(&mut self, word: u64) {
        self.v[3] ^= word;
        self.rounds(COMPRESSION);
        self.v[0] ^= word;
    }

    fn rounds(&mut self, count: u8) {
        let [mut a, mut b, mut c, mut d] = self.v;
        for _ in 0..count {
            a = a.wrapping_add(b);
            c = c.wrapping_add(d);
            b = b.rotate_left(13) ^ a;
            d = d.rotate_left(16) ^ c;
            a = a.rotate_left(32);
            c = c.wrapping_add(b);
            a = a.wrapping_add(d);
            b = b.rotate_left(17) ^ c;
            d = d.rotate_left(21) ^ a;
            c = c.rotate_left(32);
        }
        self.v = [a, b, c, d];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn hash(key: [u64; 2], input: &[u8]) -> [u64; 2] {
        let mut hash: SipHash = SipHash::new(key);
        hash.bytes(input);
        hash.finish()
    }

    /// SipHash-2-4-128 of nothing under the key 00 01 … 0f, as its authors publish
    /// it.
    #[test]
    fn the_reference_vector() {
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let empty = SipHash::<2, 4>::new(key).finish();
        assert_eq!(empty, [0xe6a8_25ba_047f_81a3, 0x9302_55c7_1472_f66d]);
    }

    #[test]
    fn inputs_and_keys_are_told_apart() {
        let mut seen = HashSet::new();
        for length in 0..40 {
            for flipped in 0..=length {
                let mut input = vec![7; length];
                if flipped < length {
                    input[flipped] ^= 1;
                }
                assert!(seen.insert(hash([1, 2], &input)));
                assert!(seen.insert(hash([1, 3], &input)));
            }
        }
    }

    #[test]
    fn half_of_the_bits_follow_one_bit_of_input() {
        let mut changed = 0;
        for bit in 0..64_u64 {
            let one = hash([1, 2], &0_u64.to_le_bytes());
            let other = hash([1, 2], &(1_u64 << bit).to_le_bytes());
            changed += (one[0] ^ other[0]).count_ones() + (one[1] ^ other[1]).count_ones();
        }
        assert!((3800..4400).contains(&changed), "{changed} of 8192");
    }
}
