//! A far end, a clock and a sink to drive an engine with.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use strowger_media::engine::{EngineConfig, MediaEngine, MediaSink};
use strowger_media::rtp::{HEADER_LEN, RtpHeader, RtpPacket};
use strowger_media::vocabulary::{
    Codec, CodecPayload, Direction, EventPayload, MediaCommand, MediaEvent, PortConfig, PortId,
};

pub const PHONE: ([u8; 4], u16) = ([192, 0, 2, 9], 4000);

pub fn address(port: u16) -> SocketAddr {
    SocketAddr::from((PHONE.0, port))
}

pub fn phone() -> SocketAddr {
    SocketAddr::from(PHONE)
}

pub fn port(slot: u32) -> PortId {
    PortId {
        worker: 0,
        slot,
        generation: 1,
    }
}

/// PCMU and PCMA with other numbers each way, telephone-event 101 in, 96 out.
pub fn port_config(slot: u32) -> PortConfig {
    let codec = |codec, receive, send| CodecPayload {
        codec,
        receive,
        send,
    };
    PortConfig {
        tag: 7000 + u64::from(slot),
        remote_rtp: Some(phone()),
        remote_rtcp: Some(address(PHONE.1 + 1)),
        rtcp_mux: false,
        codecs: vec![codec(Codec::Pcmu, 0, 0), codec(Codec::Pcma, 8, 108)],
        events: Some(EventPayload {
            receive: 101,
            send: 96,
        }),
        ptime_ms: 20,
        direction: Direction::SendRecv,
        ssrc: 0x5151_0000 + slot,
        first_sequence: 65_530,
        first_timestamp: 0xFFFF_FF00,
        cname: Arc::from("test@strowger"),
    }
}

/// One RTP packet as the engine sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub slot: u32,
    pub to: SocketAddr,
    pub at_us: u64,
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Vec<u8>,
}

#[derive(Debug, Default)]
pub struct Recorder {
    pub now_us: u64,
    pub rtp: Vec<Sent>,
    pub rtcp: Vec<(u32, SocketAddr, Vec<u8>)>,
    pub events: Vec<MediaEvent>,
}

impl MediaSink for Recorder {
    fn send_rtp(&mut self, slot: u32, to: SocketAddr, packet: &[u8]) {
        let read = RtpPacket::parse(packet).expect("the engine sends valid RTP");
        self.rtp.push(Sent {
            slot,
            to,
            at_us: self.now_us,
            marker: read.marker,
            payload_type: read.payload_type,
            sequence: read.sequence,
            timestamp: read.timestamp,
            ssrc: read.ssrc,
            payload: read.payload.to_vec(),
        });
    }

    fn send_rtcp(&mut self, slot: u32, to: SocketAddr, packet: &[u8]) {
        self.rtcp.push((slot, to, packet.to_vec()));
    }

    fn event(&mut self, event: MediaEvent) {
        self.events.push(event);
    }
}

/// Throws everything away.
#[derive(Debug, Default)]
pub struct Counter {
    pub packets: u64,
    pub reports: u64,
    pub octets: u64,
    pub events: u64,
}

impl MediaSink for Counter {
    fn send_rtp(&mut self, _: u32, _: SocketAddr, packet: &[u8]) {
        self.packets += 1;
        self.octets += packet.len() as u64;
    }

    fn send_rtcp(&mut self, _: u32, _: SocketAddr, packet: &[u8]) {
        self.reports += 1;
        self.octets += packet.len() as u64;
    }

    fn event(&mut self, _: MediaEvent) {
        self.events += 1;
    }
}

/// An engine on a virtual clock.
pub struct Rig {
    pub engine: MediaEngine,
    pub start: Instant,
    pub ticks: u64,
    pub out: Recorder,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(EngineConfig {
            ntp_at_start: 0xE000_0000_0000_0000,
            ..EngineConfig::default()
        })
    }

    pub fn with(config: EngineConfig) -> Self {
        let start = origin();
        Self {
            engine: MediaEngine::new(config, 42, start),
            start,
            ticks: 0,
            out: Recorder::default(),
        }
    }

    /// A rig with port 0 open.
    pub fn open() -> Self {
        let mut rig = Self::new();
        rig.command(MediaCommand::Open {
            port: port(0),
            config: Box::new(port_config(0)),
        });
        rig
    }

    pub fn at(&self, us: u64) -> Instant {
        self.start + Duration::from_micros(us)
    }

    pub fn now_us(&self) -> u64 {
        self.ticks * 20_000
    }

    pub fn command(&mut self, command: MediaCommand) {
        let now = self.at(self.now_us());
        self.engine.handle_command(command, now, &mut self.out);
    }

    pub fn receive_from(&mut self, source: SocketAddr, datagram: &[u8], us: u64) {
        let arrived = self.at(us);
        self.engine
            .receive_rtp(0, source, datagram, arrived, &mut self.out);
    }

    pub fn receive(&mut self, datagram: &[u8]) {
        let us = self.now_us();
        self.receive_from(phone(), datagram, us);
    }

    pub fn receive_rtcp(&mut self, source: SocketAddr, datagram: &[u8]) {
        let arrived = self.at(self.now_us());
        self.engine
            .receive_rtcp(0, source, datagram, arrived, &mut self.out);
    }

    /// The tick at `ticks × 20 ms`, then on to the next.
    pub fn tick(&mut self) {
        self.out.now_us = self.now_us();
        let now = self.at(self.now_us());
        self.engine.tick(now, &mut self.out);
        self.ticks += 1;
    }

    pub fn run(&mut self, ticks: u64) {
        for _ in 0..ticks {
            self.tick();
        }
    }
}

/// Any instant will do: only distances count.
#[allow(
    clippy::disallowed_methods,
    reason = "a test needs one instant to count from"
)]
pub fn origin() -> Instant {
    Instant::now()
}

/// A packet of a far end.
pub fn rtp(payload_type: u8, sequence: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut header = [0; HEADER_LEN];
    let fields = RtpHeader {
        marker: false,
        payload_type,
        sequence,
        timestamp,
        ssrc,
    };
    fields.write(&mut header);
    [&header[..], payload].concat()
}

/// Packet `n` of a 20 ms PCMU stream; its payload says which.
pub fn audio(n: u32) -> Vec<u8> {
    let mut payload = [0x55; 160];
    payload[..4].copy_from_slice(&n.to_be_bytes());
    rtp(
        0,
        (n as u16).wrapping_add(65_000),
        n.wrapping_mul(160).wrapping_add(0xFFFF_0000),
        0xABCD,
        &payload,
    )
}

/// What `audio` packet a payload is of.
pub fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes([payload[0], payload[1], payload[2], payload[3]])
}

/// Small seeded generator.
pub struct Random(pub u64);

impl Random {
    pub fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_u64() % limit
    }

    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
