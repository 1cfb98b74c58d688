//! RTCP on the wire (RFC 3550 §6): SR, RR, SDES and BYE. Other packet types are
//! stepped over.

mod build;
mod parse;

pub use build::{write_bye, write_receiver_report, write_sdes_cname, write_sender_report};
pub use parse::{Compound, Packets, ReportBlocks, RtcpError, RtcpPacket, Sdes, Sources};

/// Packet types (RFC 3550 §12.1).
mod packet_type {
    pub(super) const SR: u8 = 200;
    pub(super) const RR: u8 = 201;
    pub(super) const SDES: u8 = 202;
    pub(super) const BYE: u8 = 203;
}

/// SDES item CNAME (RFC 3550 §6.5.1).
const CNAME: u8 = 1;

/// The sender's part of an SR (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// NTP time stamp, 32.32 fixed point.
    pub ntp: u64,
    /// RTP timestamp of the same moment.
    pub rtp_timestamp: u32,
    /// Packets sent.
    pub packets: u32,
    /// Payload octets sent.
    pub octets: u32,
}

/// One report block (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source that it is about.
    pub ssrc: u32,
    /// Loss since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Cumulative number of packets lost, 24 bits with sign.
    pub cumulative_lost: i32,
    /// Cycles and highest sequence number.
    pub extended_highest: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// LSR: middle 32 bits of the last SR's NTP time stamp, 0 for none.
    pub last_sr: u32,
    /// DLSR: time since it came, in 1/65536 s.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    /// Round trip in µs as the sender of the reported stream computes it from
    /// the NTP time `now` (RFC 3550 §6.4.1); `None` without an SR or when the
    /// block is absurd.
    pub fn round_trip_us(&self, now_ntp: u64) -> Option<u32> {
        if self.last_sr == 0 {
            return None;
        }
        let now = (now_ntp >> 16) as u32;
        let units = now
            .wrapping_sub(self.delay_since_last_sr)
            .wrapping_sub(self.last_sr);
        // Above half the range the difference is negative: clocks of different grain.
        (units < 0x8000_0000)
            .then(|| (u64::from(units) * 1_000_000 / 65_536).min(u64::from(u32::MAX)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(last_sr: u32, delay_since_last_sr: u32) -> ReportBlock {
        ReportBlock {
            ssrc: 1,
            fraction_lost: 0,
            cumulative_lost: 0,
            extended_highest: 0,
            jitter: 0,
            last_sr,
            delay_since_last_sr,
        }
    }

    #[test]
    fn round_trip_is_the_example_of_rfc_3550_figure_2() {
        // A 0xb710:8000 (46864.500 s), LSR 0xb705:2000 (46853.125 s),
        // DLSR 0x0005:4000 (5.250 s): 6.125 s.
        let now_ntp = 0xb710_8000_u64 << 16;
        assert_eq!(
            block(0xb705_2000, 0x0005_4000).round_trip_us(now_ntp),
            Some(6_125_000)
        );
        assert_eq!(block(0, 5).round_trip_us(now_ntp), None);
        assert_eq!(
            block(0xb710_8000, 1).round_trip_us(now_ntp),
            None,
            "negative"
        );
    }
}
