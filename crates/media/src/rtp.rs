//! RTP data packets on the wire (RFC 3550 §5.1).

/// Octets of the fixed header without CSRC list.
pub const HEADER_LEN: usize = 12;

/// Why octets are not an RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    /// Shorter than its own header says.
    #[error("truncated")]
    Truncated,
    /// Not version 2: STUN, DTLS, noise.
    #[error("version is not 2")]
    Version,
    /// The padding count is 0 or larger than the payload.
    #[error("bad padding")]
    Padding,
}

/// One packet, borrowed from its datagram. CSRC list and header extension are
/// skipped, padding is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpPacket<'a> {
    /// M: for audio, the first packet of a talkspurt (RFC 3551 §4.1).
    pub marker: bool,
    /// PT, 0–127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in units of the clock rate.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// What is carried; may be empty.
    pub payload: &'a [u8],
}

impl<'a> RtpPacket<'a> {
    /// Reads one datagram.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, RtpError> {
        let Some((header, rest)) = datagram.split_first_chunk::<HEADER_LEN>() else {
            return Err(RtpError::Truncated);
        };
        if header[0] >> 6 != 2 {
            return Err(RtpError::Version);
        }
        let mut payload = rest;
        if header[0] & 0x3F != 0 {
            payload = strip(header[0], rest)?;
        }
        Ok(Self {
            marker: header[1] & 0x80 != 0,
            payload_type: header[1] & 0x7F,
            sequence: u16::from_be_bytes([header[2], header[3]]),
            timestamp: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            ssrc: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
            payload,
        })
    }
}

/// The fixed header of a packet that we send: no CSRC, extension or padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// M.
    pub marker: bool,
    /// PT; only the low seven bits are written.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

impl RtpHeader {
    /// Writes the header.
    pub fn write(&self, out: &mut [u8; HEADER_LEN]) {
        out[0] = 0x80;
        out[1] = (u8::from(self.marker) << 7) | (self.payload_type & 0x7F);
        out[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        out[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        out[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
    }
}

/// Whether a datagram on a port that carries both is RTCP (RFC 5761 §4).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.len() >= 2 && datagram[0] >> 6 == 2 && (192..=223).contains(&datagram[1])
}

/// Takes CSRC list, header extension and padding off what follows the fixed header.
fn strip(flags: u8, rest: &[u8]) -> Result<&[u8], RtpError> {
    let csrc = usize::from(flags & 0x0F) * 4;
    let mut payload = rest.get(csrc..).ok_or(RtpError::Truncated)?;
    if flags & 0x10 != 0 {
        let (head, after) = payload
            .split_first_chunk::<4>()
            .ok_or(RtpError::Truncated)?;
        let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
        payload = after.get(words * 4..).ok_or(RtpError::Truncated)?;
    }
    if flags & 0x20 != 0 {
        let padding = usize::from(*payload.last().ok_or(RtpError::Padding)?);
        if padding == 0 || padding > payload.len() {
            return Err(RtpError::Padding);
        }
        payload = &payload[..payload.len() - padding];
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(first: u8, tail: &[u8]) -> Vec<u8> {
        let mut bytes = vec![
            first, 0x80, 0x12, 0x34, 0, 0, 0, 160, 0xDE, 0xAD, 0xBE, 0xEF,
        ];
        bytes.extend_from_slice(tail);
        bytes
    }

    #[test]
    fn parses_and_refuses() {
        type Case = (&'static str, Vec<u8>, Result<&'static [u8], RtpError>);
        let cases: [Case; 13] = [
            ("plain", packet(0x80, b"abc"), Ok(b"abc")),
            ("no payload", packet(0x80, b""), Ok(b"")),
            ("csrc", packet(0x81, b"CSRCabc"), Ok(b"abc")),
            (
                "csrc cut",
                packet(0x82, b"CSRCabc"),
                Err(RtpError::Truncated),
            ),
            (
                "extension",
                packet(0x90, b"\x00\x01\x00\x01EXTNabc"),
                Ok(b"abc"),
            ),
            (
                "empty extension",
                packet(0x90, b"\x00\x01\x00\x00abc"),
                Ok(b"abc"),
            ),
            (
                "extension cut",
                packet(0x90, b"\x00\x01\x00\x02EXTN"),
                Err(RtpError::Truncated),
            ),
            (
                "extension head cut",
                packet(0x90, b"\x00\x01"),
                Err(RtpError::Truncated),
            ),
            ("padding", packet(0xA0, b"abc\x00\x02"), Ok(b"abc")),
            ("all padding", packet(0xA0, b"\x00\x00\x03"), Ok(b"")),
            (
                "padding 0",
                packet(0xA0, b"abc\x00"),
                Err(RtpError::Padding),
            ),
            (
                "padding too long",
                packet(0xA0, b"abc\x05"),
                Err(RtpError::Padding),
            ),
            ("version 1", packet(0x40, b"abc"), Err(RtpError::Version)),
        ];
        for (name, bytes, expected) in cases {
            assert_eq!(
                RtpPacket::parse(&bytes).map(|p| p.payload),
                expected,
                "{name}"
            );
        }
        for length in 0..HEADER_LEN {
            let whole = packet(0x80, b"");
            assert_eq!(RtpPacket::parse(&whole[..length]), Err(RtpError::Truncated));
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let header = RtpHeader {
            marker: true,
            payload_type: 101,
            sequence: 65535,
            timestamp: 0xFFFF_FFF0,
            ssrc: 7,
        };
        let mut bytes = [0; HEADER_LEN];
        header.write(&mut bytes);
        let read = RtpPacket::parse(&bytes).unwrap();
        assert_eq!(
            (
                read.marker,
                read.payload_type,
                read.sequence,
                read.timestamp,
                read.ssrc
            ),
            (true, 101, 65535, 0xFFFF_FFF0, 7)
        );
    }

    #[test]
    fn tells_rtcp_from_rtp() {
        for (second, expected) in [
            (0, false),
            (0x80, false),
            (191, false),
            (192, true),
            (200, true),
            (223, true),
            (224, false),
        ] {
            assert_eq!(is_rtcp(&[0x80, second]), expected, "{second}");
        }
        assert!(!is_rtcp(&[0x00, 200]));
        assert!(!is_rtcp(&[0x80]));
    }
}
