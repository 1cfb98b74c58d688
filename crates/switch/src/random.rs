//! Tags, identifiers and RTP numbers, from a seed (RFC 3261 §19.3 wants at least
//! 32 bits nobody can guess; a stream cipher keyed by the owner gives 64).

use std::fmt::Write;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

#[derive(Debug)]
pub(crate) struct Random {
    stream: ChaCha8Rng,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            stream: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    pub(crate) fn u64(&mut self) -> u64 {
        self.stream.next_u64()
    }

    pub(crate) fn u32(&mut self) -> u32 {
        self.stream.next_u32()
    }

    /// A tag of 16 hexadecimal digits.
    pub(crate) fn tag(&mut self) -> String {
        format!("{:016x}", self.u64())
    }

    /// A UUID of version 4 (RFC 9562 §5.4).
    pub(crate) fn uuid(&mut self) -> Arc<str> {
        let high = (self.u64() & !0xf000) | 0x4000;
        let low = (self.u64() >> 2) | (0b10 << 62);
        let mut text = String::with_capacity(36);
        write!(
            text,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff,
        )
        .expect("writing to a String never fails");
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_its_version_and_variant() {
        let mut random = Random::new(7);
        for _ in 0..100 {
            let id = random.uuid();
            assert_eq!(id.len(), 36);
            assert_eq!(&id[14..15], "4");
            assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
        }
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(Random::new(1).u64(), Random::new(1).u64());
        assert_ne!(Random::new(1).u64(), Random::new(2).u64());
    }
}
