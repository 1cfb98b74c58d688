//! RTCP of a port (RFC 3550 §6): reports out, reports in, BYE.

use std::net::SocketAddr;

use super::port::Port;
use crate::rtcp::{
    Compound, ReportBlock, RtcpPacket, SenderInfo, write_bye, write_receiver_report,
    write_sdes_cname, write_sender_report,
};

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReportState {
    /// A first report has been scheduled.
    pub(super) scheduled: bool,
    /// A report has been sent.
    pub(super) sent: bool,
    /// RTP packets sent up to the last report and the one before (§6.3.8: a
    /// sender is who sent since the last but one).
    packets_at_reports: [u64; 2],
    /// Where the far end's RTCP comes from.
    source: Option<SocketAddr>,
    pub(super) remote_lost: i64,
    pub(super) remote_jitter_ticks: u32,
    pub(super) round_trip_us: u32,
}

impl ReportState {
    /// The far end moved.
    pub(super) fn forget_source(&mut self) {
        self.source = None;
    }
}

impl Port {
    /// Where our RTCP goes.
    pub(super) fn rtcp_destination(&self) -> Option<SocketAddr> {
        if self.config.rtcp_mux {
            return self.latch.destination();
        }
        self.reports.source.or(self.config.remote_rtcp)
    }

    /// Appends SR or RR, and SDES.
    pub(super) fn write_report(
        &mut self,
        compound: &mut Vec<u8>,
        tick: u64,
        now_us: i64,
        ntp: u64,
    ) {
        let ssrc = self.sender.ssrc();
        let block = self.reception.report(now_us);
        let packets = self.sender.packets;
        if packets == self.reports.packets_at_reports[1] {
            write_receiver_report(compound, ssrc, block.as_slice());
        } else {
            let info = SenderInfo {
                ntp,
                rtp_timestamp: self.sender.clock(tick),
                packets: packets as u32,
                octets: self.sender.octets as u32,
            };
            write_sender_report(compound, ssrc, &info, block.as_slice());
        }
        write_sdes_cname(compound, ssrc, &self.config.cname);
        self.reports.packets_at_reports = [packets, self.reports.packets_at_reports[0]];
        self.reports.sent = true;
    }

    /// Appends the farewell; answers whether there is one: who never sent
    /// anything says no BYE (RFC 3550 §6.3.7).
    pub(super) fn write_farewell(
        &mut self,
        compound: &mut Vec<u8>,
        tick: u64,
        now_us: i64,
        ntp: u64,
    ) -> bool {
        if self.sender.packets == 0 && !self.reports.sent {
            return false;
        }
        self.write_report(compound, tick, now_us, ntp);
        write_bye(compound, self.sender.ssrc());
        true
    }

    /// Takes a compound; `false` when it is malformed or a stranger's.
    pub(super) fn receive_report(
        &mut self,
        source: SocketAddr,
        datagram: &[u8],
        arrived_us: i64,
        ntp: u64,
    ) -> bool {
        let expected = [self.latch.destination(), self.config.remote_rtcp];
        if !expected
            .iter()
            .flatten()
            .any(|known| known.ip() == source.ip())
        {
            return false;
        }
        let Ok(compound) = Compound::parse(datagram) else {
            return false;
        };
        self.reports.source.get_or_insert(source);
        for packet in compound.packets() {
            match packet {
                RtcpPacket::SenderReport { ssrc, info, blocks } => {
                    if self.reception.ssrc() == Some(ssrc) {
                        self.reception.sender_report(info.ntp, arrived_us);
                    }
                    blocks.for_each(|block| self.take_block(&block, ntp));
                }
                RtcpPacket::ReceiverReport { ssrc: _, blocks } => {
                    blocks.for_each(|block| self.take_block(&block, ntp));
                }
                // The call ends by SIP; a BYE alone may be forged.
                RtcpPacket::SourceDescription(_)
                | RtcpPacket::Goodbye(_)
                | RtcpPacket::Other { .. } => {}
            }
        }
        true
    }

    fn take_block(&mut self, block: &ReportBlock, ntp: u64) {
        if block.ssrc != self.sender.ssrc() {
            return;
        }
        self.reports.remote_lost = i64::from(block.cumulative_lost);
        self.reports.remote_jitter_ticks = block.jitter;
        if let Some(round_trip_us) = block.round_trip_us(ntp) {
            self.reports.round_trip_us = round_trip_us;
        }
    }
}
