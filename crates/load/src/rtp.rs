//! The fixed part of RTP (RFC 3550 §5.1), read and written.

/// Octets of a header without CSRCs and extension.
pub const HEADER: usize = 12;

/// PCMU (RFC 3551 §6).
pub const PCMU: u8 = 0;

/// PCMU's clock, samples a millisecond.
pub const SAMPLES_PER_MS: u32 = 8;

/// A packet's header and where its payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Payload type.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// The payload without padding.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` when it is none.
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        let header = octets.get(..HEADER)?;
        if header[0] >> 6 != 2 {
            return None;
        }
        let mut start = HEADER + 4 * usize::from(header[0] & 0x0f);
        if header[0] & 0x10 != 0 {
            let words = octets.get(start + 2..start + 4)?;
            start += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
        }
        let mut end = octets.len();
        if header[0] & 0x20 != 0 {
            end = end.checked_sub(usize::from(octets[end - 1]))?;
        }
        Some(Self {
            payload_type: header[1] & 0x7f,
            sequence: u16::from_be_bytes([header[2], header[3]]),
            timestamp: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            ssrc: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
            payload: octets.get(start..end)?,
        })
    }
}

/// Writes the header of a PCMU packet in front of its payload.
///
/// # Panics
///
/// When there is no room for it.
pub fn write_header(octets: &mut [u8], sequence: u16, timestamp: u32, ssrc: u32) {
    octets[0] = 0x80;
    octets[1] = PCMU;
    octets[2..4].copy_from_slice(&sequence.to_be_bytes());
    octets[4..8].copy_from_slice(&timestamp.to_be_bytes());
    octets[8..12].copy_from_slice(&ssrc.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_read_as_written() {
        let mut octets = [9; 15];
        write_header(&mut octets, 65_535, 4_000_000_000, 17);
        let packet = Packet::parse(&octets).unwrap();
        assert_eq!((packet.sequence, packet.ssrc), (65_535, 17));
        assert_eq!((packet.timestamp, packet.payload_type), (4_000_000_000, 0));
        assert_eq!(packet.payload, [9, 9, 9]);
    }

    #[test]
    fn csrcs_extension_and_padding_are_no_payload() {
        let mut octets = vec![0; 12 + 4 + 8];
        octets[0] = 0x80 | 0x20 | 0x10 | 1;
        octets[19] = 1;
        octets.extend([7, 7, 0, 2]);
        assert_eq!(Packet::parse(&octets).unwrap().payload, [7, 7]);
    }

    #[test]
    fn what_is_too_short_is_no_packet() {
        assert!(Packet::parse(&[0x80; 11]).is_none());
        assert!(Packet::parse(&[0x40; 20]).is_none());
        let mut padded = [0; 12];
        padded[0] = 0xa0;
        padded[11] = 13;
        assert!(Packet::parse(&padded).is_none());
        padded[11] = 1;
        assert!(Packet::parse(&padded).is_none(), "padding in the header");
        assert!(Packet::parse(&[0x9f; 30]).is_none(), "CSRCs beyond the end");
    }
}
