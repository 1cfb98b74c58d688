//! Reading RTCP compounds (RFC 3550 §6.1, validity by appendix A.2).

use super::{CNAME, ReportBlock, SenderInfo, packet_type};

const BLOCK_LEN: usize = 24;
const SENDER_INFO_LEN: usize = 20;

/// Why octets are not an RTCP compound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RtcpError {
    /// A length field leads beyond the datagram, or a packet is too short for
    /// its counts.
    #[error("truncated")]
    Truncated,
    /// A packet is not version 2.
    #[error("version is not 2")]
    Version,
    /// The compound does not begin with SR or RR (RFC 3550 §6.1).
    #[error("does not begin with SR or RR")]
    First,
    /// Padding in a packet before the last, or a padding count out of range.
    #[error("bad padding")]
    Padding,
}

/// A compound whose every packet has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Compound<'a>(&'a [u8]);

impl<'a> Compound<'a> {
    /// Checks a datagram whole; nothing of a bad one is used.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, RtcpError> {
        let mut rest = datagram;
        let mut first = true;
        while first || !rest.is_empty() {
            let (raw, after) = split(rest)?;
            if first && raw.packet_type != packet_type::SR && raw.packet_type != packet_type::RR {
                return Err(RtcpError::First);
            }
            if raw.padded && !after.is_empty() {
                return Err(RtcpError::Padding);
            }
            raw.typed()?;
            first = false;
            rest = after;
        }
        Ok(Self(datagram))
    }

    /// The packets in order.
    pub fn packets(&self) -> Packets<'a> {
        Packets(self.0)
    }
}

/// The packets of a compound.
#[derive(Clone, Debug)]
pub struct Packets<'a>(&'a [u8]);

impl<'a> Iterator for Packets<'a> {
    type Item = RtcpPacket<'a>;

    fn next(&mut self) -> Option<RtcpPacket<'a>> {
        let (raw, rest) = split(self.0).ok()?;
        self.0 = rest;
        raw.typed().ok()
    }
}

/// One packet of a compound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RtcpPacket<'a> {
    /// SR
    SenderReport {
        /// Its sender.
        ssrc: u32,
        /// Its own stream.
        info: SenderInfo,
        /// What it receives.
        blocks: ReportBlocks<'a>,
    },
    /// RR
    ReceiverReport {
        /// Its sender.
        ssrc: u32,
        /// What it receives.
        blocks: ReportBlocks<'a>,
    },
    /// SDES
    SourceDescription(Sdes<'a>),
    /// BYE
    Goodbye(Sources<'a>),
    /// APP, feedback, extended reports.
    Other {
        /// PT.
        packet_type: u8,
    },
}

/// Report blocks: an iterator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportBlocks<'a>(&'a [u8]);

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (head, rest) = self.0.split_first_chunk::<BLOCK_LEN>()?;
        self.0 = rest;
        let lost = word(head, 4);
        Some(ReportBlock {
            ssrc: word(head, 0),
            fraction_lost: (lost >> 24) as u8,
            // 24 bits, sign-extended.
            cumulative_lost: (lost << 8) as i32 >> 8,
            extended_highest: word(head, 8),
            jitter: word(head, 12),
            last_sr: word(head, 16),
            delay_since_last_sr: word(head, 20),
        })
    }
}

/// Source identifiers of a BYE: an iterator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources<'a>(&'a [u8]);

impl Iterator for Sources<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*head))
    }
}

/// The chunks of an SDES, unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sdes<'a> {
    count: u8,
    chunks: &'a [u8],
}

impl<'a> Sdes<'a> {
    /// The CNAME of a source; `None` when it has none or the chunks are broken.
    pub fn cname(&self, ssrc: u32) -> Option<&'a [u8]> {
        let mut rest = self.chunks;
        for _ in 0..self.count {
            let chunk = rest;
            let source = u32::from_be_bytes(*chunk.first_chunk()?);
            let mut at = 4;
            while *chunk.get(at)? != 0 {
                let length = usize::from(*chunk.get(at + 1)?);
                let text = chunk.get(at + 2..at + 2 + length)?;
                if chunk[at] == CNAME && source == ssrc {
                    return Some(text);
                }
                at += 2 + length;
            }
            // The end mark, then on to the next word.
            rest = chunk.get((at / 4 + 1) * 4..)?;
        }
        None
    }
}

struct Raw<'a> {
    count: u8,
    packet_type: u8,
    padded: bool,
    body: &'a [u8],
}

impl<'a> Raw<'a> {
    fn typed(&self) -> Result<RtcpPacket<'a>, RtcpError> {
        let blocks_len = usize::from(self.count) * BLOCK_LEN;
        match self.packet_type {
            packet_type::SR => {
                let body = self.at_least(4 + SENDER_INFO_LEN + blocks_len)?;
                Ok(RtcpPacket::SenderReport {
                    ssrc: word(body, 0),
                    info: SenderInfo {
                        ntp: u64::from(word(body, 4)) << 32 | u64::from(word(body, 8)),
                        rtp_timestamp: word(body, 12),
                        packets: word(body, 16),
                        octets: word(body, 20),
                    },
                    blocks: ReportBlocks(&body[24..24 + blocks_len]),
                })
            }
            packet_type::RR => {
                let body = self.at_least(4 + blocks_len)?;
                Ok(RtcpPacket::ReceiverReport {
                    ssrc: word(body, 0),
                    blocks: ReportBlocks(&body[4..4 + blocks_len]),
                })
            }
            packet_type::SDES => Ok(RtcpPacket::SourceDescription(Sdes {
                count: self.count,
                chunks: self.body,
            })),
            packet_type::BYE => {
                let length = usize::from(self.count) * 4;
                Ok(RtcpPacket::Goodbye(Sources(
                    &self.at_least(length)?[..length],
                )))
            }
            other => Ok(RtcpPacket::Other { packet_type: other }),
        }
    }

    fn at_least(&self, length: usize) -> Result<&'a [u8], RtcpError> {
        if self.body.len() < length {
            Err(RtcpError::Truncated)
        } else {
            Ok(self.body)
        }
    }
}

fn split(rest: &[u8]) -> Result<(Raw<'_>, &[u8]), RtcpError> {
    let (head, after) = rest.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
    if head[0] >> 6 != 2 {
        return Err(RtcpError::Version);
    }
    let length = usize::from(u16::from_be_bytes([head[2], head[3]])) * 4;
    let (mut body, after) = after.split_at_checked(length).ok_or(RtcpError::Truncated)?;
    let padded = head[0] & 0x20 != 0;
    if padded {
        let padding = usize::from(*body.last().ok_or(RtcpError::Padding)?);
        if padding == 0 || !padding.is_multiple_of(4) || padding > body.len() {
            return Err(RtcpError::Padding);
        }
        body = &body[..body.len() - padding];
    }
    Ok((
        Raw {
            count: head[0] & 0x1F,
            packet_type: head[1],
            padded,
            body,
        },
        after,
    ))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::super::{write_bye, write_receiver_report, write_sdes_cname, write_sender_report};
    use super::*;

    fn block() -> ReportBlock {
        ReportBlock {
            ssrc: 0xAABB_CCDD,
            fraction_lost: 7,
            cumulative_lost: -3,
            extended_highest: 0x0001_FFFF,
            jitter: 80,
            last_sr: 0x1234_5678,
            delay_since_last_sr: 0x9ABC,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let info = SenderInfo {
            ntp: 0x0102_0304_0506_0708,
            rtp_timestamp: 9,
            packets: 10,
            octets: 1600,
        };
        for cname in ["", "a", "ab", "abc", "abcd", "abcde", &"x".repeat(255)] {
            let mut bytes = Vec::new();
            write_sender_report(&mut bytes, 1, &info, &[block()]);
            write_receiver_report(&mut bytes, 1, &[]);
            write_sdes_cname(&mut bytes, 1, cname);
            write_bye(&mut bytes, 1);
            assert!(bytes.len().is_multiple_of(4));
            let compound = Compound::parse(&bytes).unwrap();
            let packets: Vec<_> = compound.packets().collect();
            assert_eq!(packets.len(), 4);
            let RtcpPacket::SenderReport {
                ssrc: 1,
                info: read,
                blocks,
            } = packets[0].clone()
            else {
                panic!("{:?}", packets[0])
            };
            assert_eq!(read, info);
            assert_eq!(blocks.collect::<Vec<_>>(), [block()]);
            let RtcpPacket::SourceDescription(sdes) = &packets[2] else {
                panic!("{:?}", packets[2])
            };
            assert_eq!(sdes.cname(1), Some(cname.as_bytes()));
            assert_eq!(sdes.cname(2), None);
            let RtcpPacket::Goodbye(mut sources) = packets[3].clone() else {
                panic!("{:?}", packets[3])
            };
            assert_eq!((sources.next(), sources.next()), (Some(1), None));
        }
    }

    #[test]
    fn refuses() {
        let rr = [0x80, 201, 0, 1, 0, 0, 0, 1];
        let with = |tail: &[u8]| [&rr[..], tail].concat();
        let rows: [(&str, Vec<u8>, RtcpError); 11] = [
            ("nothing", vec![], RtcpError::Truncated),
            ("half a header", vec![0x80, 201], RtcpError::Truncated),
            (
                "length too long",
                vec![0x80, 201, 0, 2, 0, 0, 0, 1],
                RtcpError::Truncated,
            ),
            (
                "count too high",
                vec![0x81, 201, 0, 1, 0, 0, 0, 1],
                RtcpError::Truncated,
            ),
            (
                "SR without info",
                vec![0x80, 200, 0, 1, 0, 0, 0, 1],
                RtcpError::Truncated,
            ),
            (
                "version",
                vec![0x40, 201, 0, 1, 0, 0, 0, 1],
                RtcpError::Version,
            ),
            ("SDES first", vec![0x80, 202, 0, 0], RtcpError::First),
            (
                "second version",
                with(&[0x00, 202, 0, 0]),
                RtcpError::Version,
            ),
            (
                "padding before the last",
                [&[0xA0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4][..], &rr].concat(),
                RtcpError::Padding,
            ),
            (
                "padding 0",
                with(&[0xA0, 203, 0, 1, 0, 0, 0, 0]),
                RtcpError::Padding,
            ),
            (
                "BYE count",
                with(&[0x82, 203, 0, 1, 0, 0, 0, 1]),
                RtcpError::Truncated,
            ),
        ];
        for (name, bytes, error) in rows {
            assert_eq!(Compound::parse(&bytes).unwrap_err(), error, "{name}");
        }
        assert!(Compound::parse(&with(&[0xA0, 203, 0, 1, 0, 0, 0, 4])).is_ok());
        assert!(
            Compound::parse(&with(&[0x80, 207, 0, 0])).is_ok(),
            "XR is stepped over"
        );
    }

    #[test]
    fn broken_sdes_chunks_have_no_cname() {
        for chunks in [
            &b""[..],
            b"\0\0\0\x01",
            b"\0\0\0\x01\x01\x09abc",
            b"\0\0\0\x01\x01",
        ] {
            assert_eq!(Sdes { count: 3, chunks }.cname(1), None);
        }
        let two = b"\0\0\0\x01\x02\x01n\0\0\0\0\x02\x01\x01c\0";
        assert_eq!(
            Sdes {
                count: 2,
                chunks: two
            }
            .cname(2),
            Some(&b"c"[..])
        );
    }
}
