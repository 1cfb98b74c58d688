//! What the media engine itself costs: no sockets, a sink that drops all.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use strowger_media::engine::{EngineConfig, MediaEngine, MediaSink};
use strowger_media::g711;
use strowger_media::jitter_buffer::{Incoming, JitterBuffer, PacketPool, Popped};
use strowger_media::player::Prompt;
use strowger_media::resampler::Resampler;
use strowger_media::rtp::{HEADER_LEN, RtpHeader};
use strowger_media::vocabulary::{
    Codec, CodecPayload, Direction, MediaCommand, MediaEvent, PlayId, PortConfig, PortId,
};

struct Null;

impl MediaSink for Null {
    fn send_rtp(&mut self, _: u32, _: SocketAddr, packet: &[u8]) {
        black_box(packet);
    }

    fn send_rtcp(&mut self, _: u32, _: SocketAddr, packet: &[u8]) {
        black_box(packet);
    }

    fn event(&mut self, event: MediaEvent) {
        black_box(event);
    }
}

fn port(slot: u32) -> PortId {
    PortId {
        worker: 0,
        slot,
        generation: 1,
    }
}

fn phone() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 4000))
}

fn engine(ports: u32, order: impl Fn(PortId) -> Option<MediaCommand>) -> (MediaEngine, Instant) {
    let start = Instant::now();
    let mut engine = MediaEngine::new(EngineConfig::default(), 1, start);
    for slot in 0..ports {
        let config = Box::new(PortConfig {
            tag: 0,
            remote_rtp: Some(phone()),
            remote_rtcp: None,
            rtcp_mux: true,
            codecs: vec![CodecPayload {
                codec: Codec::Pcmu,
                receive: 0,
                send: 0,
            }],
            events: None,
            ptime_ms: 20,
            direction: Direction::SendRecv,
            ssrc: slot,
            first_sequence: 0,
            first_timestamp: 0,
            cname: Arc::from("bench"),
        });
        engine.handle_command(
            MediaCommand::Open {
                port: port(slot),
                config,
            },
            start,
            &mut Null,
        );
        if let Some(order) = order(port(slot)) {
            engine.handle_command(order, start, &mut Null);
        }
    }
    (engine, start)
}

fn datagram(n: u32) -> [u8; HEADER_LEN + 160] {
    let mut datagram = [0x55; HEADER_LEN + 160];
    let header = RtpHeader {
        marker: false,
        payload_type: 0,
        sequence: n as u16,
        timestamp: n.wrapping_mul(160),
        ssrc: 7,
    };
    if let Some((head, _)) = datagram.split_first_chunk_mut() {
        header.write(head);
    }
    datagram
}

fn engines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine");
    let step = Duration::from_millis(20);

    group.throughput(Throughput::Elements(200));
    group.bench_function("echo, 200 ports, receive and tick", |bench| {
        let (mut engine, mut now) = engine(200, |port| Some(MediaCommand::Echo { port, on: true }));
        let mut n = 0;
        bench.iter(|| {
            let datagram = datagram(n);
            for slot in 0..200 {
                let arrived = now + Duration::from_micros(u64::from(slot) * 88);
                engine.receive_rtp(slot, phone(), &datagram, arrived, &mut Null);
            }
            n += 1;
            now += step;
            engine.tick(now, &mut Null);
        });
        let stats = engine.port_stats(port(0)).expect("open");
        assert!(stats.packets_sent + 2 >= stats.packets_received);
    });
    group.bench_function("play, 200 ports, tick", |bench| {
        let prompt = Prompt::from_pcm("p", &vec![900; 80_000], 8000, 1).expect("a prompt");
        let prompts: Arc<[_]> = [prompt].into();
        let play = |port| MediaCommand::Play {
            port,
            play: PlayId(1),
            prompts: prompts.clone(),
            loops: 0,
        };
        let (mut engine, mut now) = engine(200, |port| Some(play(port)));
        bench.iter(|| {
            now += step;
            engine.tick(now, &mut Null);
        });
    });
    group.throughput(Throughput::Elements(1000));
    group.bench_function("idle, 1000 ports, tick", |bench| {
        let (mut engine, mut now) = engine(1000, |_| None);
        bench.iter(|| {
            now += step;
            engine.tick(now, &mut Null);
        });
    });
    group.finish();
}

fn jitter_buffer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("jitter buffer");
    group.throughput(Throughput::Elements(1));
    group.bench_function("push and pop", |bench| {
        let mut pool = PacketPool::new(1000);
        let mut buffer = JitterBuffer::new(8000, 0, 200);
        let payload = [0x55; 160];
        let mut n = 0_i64;
        bench.iter(|| {
            let incoming = Incoming {
                sequence: n,
                timestamp: n as u32 * 160,
                marker: false,
                payload_type: 0,
                duration_ticks: Some(160),
                payload: &payload,
            };
            buffer.push(&mut pool, &incoming, n * 20_000);
            while let Popped::Frame(id) = buffer.pop(&mut pool, n * 20_000) {
                black_box(pool.get(&id).packet());
                pool.release(id);
            }
            n += 1;
        });
    });
    group.finish();
}

fn samples(criterion: &mut Criterion) {
    let pcm: Vec<i16> = (0..160).map(|n: i16| n.wrapping_mul(397)).collect();
    let mut codes = [0; 160];
    let mut decoded = [0; 160];
    let mut group = criterion.benchmark_group("g711, 20 ms");
    for codec in [Codec::Pcmu, Codec::Pcma] {
        group.bench_function(format!("{codec} encode"), |bench| {
            bench.iter(|| g711::encode(codec, black_box(&pcm), &mut codes));
        });
        group.bench_function(format!("{codec} decode"), |bench| {
            bench.iter(|| g711::decode(codec, black_box(&codes), &mut decoded));
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("resampler, 1 s to 8 kHz");
    for rate in [16_000, 44_100, 48_000] {
        let second: Vec<i16> = (0..rate).map(|n| (n as i16).wrapping_mul(97)).collect();
        let resampler = Resampler::new(rate, 8000).expect("a usual rate");
        group.bench_function(format!("from {rate}"), |bench| {
            bench.iter_batched(
                || &second,
                |input| resampler.resample(input),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, engines, jitter_buffer, samples);
criterion_main!(benches);
