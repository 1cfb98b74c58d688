//! Any datagrams on the RTP and RTCP ports of an engine with two open ports,
//! between orders and ticks.
//!
//! The input is a list of steps: one byte says what happens, one how long the
//! datagram is, then its bytes.

#![no_main]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use strowger_media::engine::{EngineConfig, MediaEngine, MediaSink, TICK};
use strowger_media::vocabulary::{
    Codec, CodecPayload, Direction, EventPayload, MediaCommand, MediaEvent, PortConfig, PortId,
};

/// Takes what the engine sends and says; what it sends must fit a datagram.
struct Sink;

impl MediaSink for Sink {
    fn send_rtp(&mut self, _slot: u32, _to: SocketAddr, packet: &[u8]) {
        assert!(
            (12..1_500).contains(&packet.len()),
            "an RTP packet of {} octets",
            packet.len()
        );
    }

    fn send_rtcp(&mut self, _slot: u32, _to: SocketAddr, packet: &[u8]) {
        assert!(
            (8..1_500).contains(&packet.len()),
            "an RTCP packet of {} octets",
            packet.len()
        );
        assert_eq!(packet.len() % 4, 0, "RTCP is made of words");
    }

    fn event(&mut self, _event: MediaEvent) {}
}

fn port(slot: u32) -> PortId {
    PortId {
        worker: 0,
        slot,
        generation: 1,
    }
}

fn config(slot: u32) -> Box<PortConfig> {
    Box::new(PortConfig {
        tag: u64::from(slot),
        remote_rtp: (slot == 0).then(|| ([192, 0, 2, 1], 4_000).into()),
        remote_rtcp: (slot == 0).then(|| ([192, 0, 2, 1], 4_001).into()),
        rtcp_mux: slot == 1,
        codecs: vec![
            CodecPayload {
                codec: Codec::Pcmu,
                receive: 0,
                send: 0,
            },
            CodecPayload {
                codec: Codec::Pcma,
                receive: 8,
                send: 8,
            },
        ],
        events: Some(EventPayload {
            receive: 101,
            send: 96,
        }),
        ptime_ms: 20,
        direction: Direction::SendRecv,
        ssrc: 1 + slot,
        first_sequence: 65_530,
        first_timestamp: u32::MAX - 100,
        cname: Arc::from("fuzz"),
    })
}

fuzz_target!(|input: &[u8]| {
    let start = Instant::now();
    let settings = EngineConfig {
        max_ports: 4,
        max_buffered_packets: 64,
        ..EngineConfig::default()
    };
    let mut engine = MediaEngine::new(settings, 1, start);
    let mut now = start;
    for slot in 0..2 {
        let open = MediaCommand::Open {
            port: port(slot),
            config: config(slot),
        };
        engine.handle_command(open, now, &mut Sink);
        let echo = MediaCommand::Echo {
            port: port(slot),
            on: slot == 0,
        };
        engine.handle_command(echo, now, &mut Sink);
    }
    let mut rest = input;
    while let [what, length, after @ ..] = rest {
        let (datagram, after) = after.split_at((*length as usize).min(after.len()));
        rest = after;
        let slot = u32::from(what >> 6);
        let source: SocketAddr = ([192, 0, 2, 1 + (what >> 5 & 1)], 4_000).into();
        match what & 7 {
            0..=3 => engine.receive_rtp(slot, source, datagram, now, &mut Sink),
            4 => engine.receive_rtcp(slot, source, datagram, now, &mut Sink),
            5 => {
                let update = MediaCommand::Update {
                    port: port(slot),
                    config: config(slot & 1),
                };
                engine.handle_command(update, now, &mut Sink);
            }
            6 => now += Duration::from_millis(u64::from(*length) * 100),
            _ => {
                now += TICK;
                engine.tick(now, &mut Sink);
            }
        }
    }
    for slot in 0..2 {
        engine.handle_command(MediaCommand::Close { port: port(slot) }, now, &mut Sink);
    }
    engine.tick(now + TICK, &mut Sink);
    assert_eq!(
        engine.stats().buffered_packets,
        0,
        "closed ports hold no packet"
    );
});
