//! Configuration and figures of an engine.

use std::time::Duration;

/// The media clock's step.
pub const TICK: Duration = Duration::from_millis(20);

/// Configuration of a `MediaEngine`.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Which worker this is: what `PortId::worker` must say.
    pub worker: u16,
    /// Ports that can be open at one time; slots are below it.
    pub max_ports: u32,
    /// The least the jitter buffer holds a packet back, in ms.
    pub jitter_min_ms: u16,
    /// The most the jitter buffer holds a packet back, in ms; at most 240.
    pub jitter_max_ms: u16,
    /// Packets that all jitter buffers of the engine hold together, each of
    /// 560 octets; what comes above is dropped and counted.
    pub max_buffered_packets: u32,
    /// Mean time between two RTCP reports of a port, in ms (RFC 3550 §6.2: 5000).
    pub rtcp_interval_ms: u32,
    /// NTP time stamp (seconds since 1900, 32.32 fixed point) of the `now`
    /// given to `MediaEngine::new`.
    pub ntp_at_start: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            worker: 0,
            max_ports: 1000,
            jitter_min_ms: 0,
            jitter_max_ms: 200,
            max_buffered_packets: 32_768,
            rtcp_interval_ms: 5000,
            ntp_at_start: 0,
        }
    }
}

/// Figures of an engine, from its making on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Ticks made.
    pub ticks: u64,
    /// Ports open now.
    pub ports: u32,
    /// Packets held in jitter buffers now.
    pub buffered_packets: u32,
    /// Datagrams for a slot without a port.
    pub packets_unclaimed: u64,
    /// Packets dropped because `max_buffered_packets` was reached.
    pub packets_overflowed: u64,
    /// Orders refused: a slot in use or beyond `max_ports`, another worker's port.
    pub commands_refused: u64,
}
