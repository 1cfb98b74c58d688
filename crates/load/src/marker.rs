//! What a packet's payload says about itself, so that a packet that comes back
//! can be checked octet by octet.
//!
//! A payload is a head of 28 octets and a filling that follows from it:
//!
//! | octets | what |
//! | --- | --- |
//! | 0–3 | `STRO` |
//! | 4–7 | the run, so that another run's packets are foreign |
//! | 8–11 | the stream |
//! | 12–15 | the sequence number within the stream |
//! | 16–23 | when it was sent, wall clock in ns |
//! | 24–27 | a checksum of the above |
//! | 28– | pseudo-random octets made from run, stream and sequence |

const MAGIC: [u8; 4] = *b"STRO";

/// Octets of the head, and so the shortest payload.
pub const HEAD: usize = 28;

/// The head of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The run of this tool.
    pub run: u32,
    /// The stream within the run.
    pub stream: u32,
    /// Counts the packets of a stream from 0.
    pub sequence: u32,
    /// Wall clock in ns.
    pub sent_ns: u64,
}

/// What a payload turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// Exactly as it was sent.
    Intact(Marker),
    /// Sent by this run, and changed on its way.
    Altered,
    /// Nothing this run has sent.
    Foreign,
}

impl Marker {
    /// Writes the whole payload.
    ///
    /// # Panics
    ///
    /// When the payload is shorter than [`HEAD`].
    pub fn write(&self, payload: &mut [u8]) {
        payload[..4].copy_from_slice(&MAGIC);
        payload[4..8].copy_from_slice(&self.run.to_be_bytes());
        payload[8..12].copy_from_slice(&self.stream.to_be_bytes());
        payload[12..16].copy_from_slice(&self.sequence.to_be_bytes());
        restamp(payload, self.sent_ns);
        for (octets, filling) in payload[HEAD..].chunks_mut(8).zip(self.filling()) {
            octets.copy_from_slice(&filling[..octets.len()]);
        }
    }

    /// Checks a payload that came, of which `len` octets were sent.
    pub fn check(payload: &[u8], run: u32, len: usize) -> Marking {
        let word = |at: usize| -> Option<u32> {
            let octets = payload.get(at..at + 4)?;
            Some(u32::from_be_bytes(octets.try_into().ok()?))
        };
        if payload.get(..4) != Some(&MAGIC) || word(4) != Some(run) {
            return Marking::Foreign;
        }
        let (Some(stream), Some(sequence), Some(high), Some(low), Some(sum)) =
            (word(8), word(12), word(16), word(20), word(24))
        else {
            return Marking::Altered;
        };
        let marker = Self {
            run,
            stream,
            sequence,
            sent_ns: u64::from(high) << 32 | u64::from(low),
        };
        let is_filled = payload[HEAD..]
            .chunks(8)
            .zip(marker.filling())
            .all(|(octets, filling)| octets == &filling[..octets.len()]);
        if payload.len() == len && sum == checksum(&payload[..24]) && is_filled {
            Marking::Intact(marker)
        } else {
            Marking::Altered
        }
    }

    /// An endless filling: splitmix64 from what tells packets apart.
    fn filling(&self) -> impl Iterator<Item = [u8; 8]> {
        let stream = u64::from(self.stream) << 32 | u64::from(self.sequence);
        let mut state = stream ^ u64::from(self.run).wrapping_mul(0x2545_f491_4f6c_dd1d);
        std::iter::repeat_with(move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ mixed >> 31).to_be_bytes()
        })
    }
}

/// Writes a new sending time into a payload.
pub fn restamp(payload: &mut [u8], sent_ns: u64) {
    payload[16..24].copy_from_slice(&sent_ns.to_be_bytes());
    let sum = checksum(&payload[..24]);
    payload[24..28].copy_from_slice(&sum.to_be_bytes());
}

/// FNV-1a of 32 bits.
fn checksum(octets: &[u8]) -> u32 {
    octets.iter().fold(0x811c_9dc5, |sum, &octet| {
        (sum ^ u32::from(octet)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: Marker = Marker {
        run: 7,
        stream: 3,
        sequence: 70_000,
        sent_ns: 1_800_000_000_123_456_789,
    };

    fn payload() -> Vec<u8> {
        let mut payload = vec![0; 160];
        MARKER.write(&mut payload);
        payload
    }

    #[test]
    fn a_payload_comes_back_as_it_went() {
        let mut payload = payload();
        assert_eq!(Marker::check(&payload, 7, 160), Marking::Intact(MARKER));
        restamp(&mut payload, 5);
        let later = Marker {
            sent_ns: 5,
            ..MARKER
        };
        assert_eq!(Marker::check(&payload, 7, 160), Marking::Intact(later));
    }

    #[test]
    fn one_changed_bit_anywhere_is_noticed() {
        let intact = payload();
        for bit in 0..160 * 8 {
            let mut changed = intact.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit < 8 * 8 {
                Marking::Foreign
            } else {
                Marking::Altered
            };
            assert_eq!(Marker::check(&changed, 7, 160), expected, "bit {bit}");
        }
    }

    #[test]
    fn other_lengths_are_altered_and_other_runs_foreign() {
        let mut payload = payload();
        assert_eq!(Marker::check(&payload[..159], 7, 160), Marking::Altered);
        assert_eq!(Marker::check(&payload[..20], 7, 160), Marking::Altered);
        payload.push(0);
        assert_eq!(Marker::check(&payload, 7, 160), Marking::Altered);
        assert_eq!(Marker::check(&payload, 8, 160), Marking::Foreign);
        assert_eq!(Marker::check(&[], 7, 160), Marking::Foreign);
        assert_eq!(Marker::check(&[0xff; 160], 7, 160), Marking::Foreign);
    }
}
