//! `MediaEngine`: the ports of one media worker.

mod config;

use std::net::SocketAddr;
use std::time::Instant;

use crate::vocabulary::{MediaCommand, MediaEvent, PortId, PortStats};

pub use config::{EngineConfig, EngineStats, TICK};

/// Where an engine's output goes. The owner of the sockets implements it; the
/// slices are only lent.
pub trait MediaSink {
    /// Send one RTP packet from the RTP socket of `slot`.
    fn send_rtp(&mut self, slot: u32, to: SocketAddr, packet: &[u8]);
    /// Send one compound RTCP packet from the RTCP socket of `slot`, or from
    /// its RTP socket when `rtcp_mux` is on.
    fn send_rtcp(&mut self, slot: u32, to: SocketAddr, packet: &[u8]);
    /// Something happened.
    fn event(&mut self, event: MediaEvent);
}

/// The ports of one media worker, by value. One owner, no lock.
#[derive(Debug)]
pub struct MediaEngine {
    stats: EngineStats,
}

impl MediaEngine {
    /// An engine without ports. `now` is the moment `config.ntp_at_start` was
    /// read at.
    pub fn new(config: EngineConfig, seed: u64, now: Instant) -> Self {
        let _ = (config, seed, now);
        Self {
            stats: EngineStats::default(),
        }
    }

    /// Applies an order. Orders for a port that is not open are ignored.
    pub fn handle_command(
        &mut self,
        command: MediaCommand,
        now: Instant,
        out: &mut impl MediaSink,
    ) {
        let _ = (command, now, out);
    }

    /// Takes one datagram from the RTP socket of `slot`. `arrived` is the
    /// kernel's time stamp of it.
    pub fn receive_rtp(
        &mut self,
        slot: u32,
        source: SocketAddr,
        datagram: &[u8],
        arrived: Instant,
        out: &mut impl MediaSink,
    ) {
        let _ = (slot, source, datagram, arrived, out);
    }

    /// Takes one datagram from the RTCP socket of `slot`.
    pub fn receive_rtcp(
        &mut self,
        slot: u32,
        source: SocketAddr,
        datagram: &[u8],
        arrived: Instant,
        out: &mut impl MediaSink,
    ) {
        let _ = (slot, source, datagram, arrived, out);
    }

    /// Moves the media clock on by 20 ms and sends what is due. `now` is the
    /// tick's place on the owner's grid; an owner that was late calls it once
    /// for each step missed.
    pub fn tick(&mut self, now: Instant, out: &mut impl MediaSink) {
        let _ = (now, out);
    }

    /// The open ports with the tag of their configuration and their figures.
    pub fn ports(&self) -> impl Iterator<Item = (PortId, u64, PortStats)> + '_ {
        std::iter::empty()
    }

    /// Figures of one port, `None` when it is not open.
    pub fn port_stats(&self, port: PortId) -> Option<PortStats> {
        let _ = port;
        None
    }

    /// Figures of the engine itself.
    pub fn stats(&self) -> EngineStats {
        self.stats
    }
}
