//! Echo through a network that delays, loses, swaps and repeats.

mod common;

use std::collections::BTreeSet;

use common::{Random, Rig, Sent, audio, number, port, rtp};
use strowger_media::vocabulary::{MediaCommand, MediaEvent, PortStats};

/// What the network does to a stream of 20 ms packets.
#[derive(Clone, Copy, Debug, Default)]
struct Network {
    /// Of the sender against our tick.
    phase_us: u64,
    /// Each packet is late by up to this, on its own.
    jitter_us: u64,
    /// Keep packets in order all the same.
    in_order: bool,
    loss_percent: u64,
    duplicate_percent: u64,
    /// Every so many packets the sender stops for `burp_us` and catches up.
    burp_every: u32,
    burp_us: u64,
    /// Sender's clock against ours, in ppm.
    drift_ppm: i64,
}

struct Outcome {
    /// Numbers delivered to the engine, once each.
    delivered: BTreeSet<u32>,
    sent: Vec<Sent>,
    /// From leaving the sender to coming back, in µs, in the order sent.
    delays: Vec<u64>,
    stats: PortStats,
}

fn run(network: Network, packets: u32, seed: u64) -> Outcome {
    let mut random = Random(seed * 2 + 1);
    let left = |n: u32| {
        let nominal = u64::from(n) * 20_000;
        let drifted = nominal as i64 + nominal as i64 * network.drift_ppm / 1_000_000;
        network.phase_us + drifted as u64
    };
    let mut arrivals = Vec::new();
    let mut not_before = 0;
    for n in 0..packets {
        let mut at = left(n)
            + if network.jitter_us > 0 {
                random.below(network.jitter_us)
            } else {
                0
            };
        if network.burp_every > 0 && n % network.burp_every < 2 && n > 1 {
            let burp_start = left(n - n % network.burp_every);
            at = at.max(burp_start + network.burp_us);
        }
        if network.in_order {
            at = at.max(not_before);
            not_before = at;
        }
        if random.percent(network.loss_percent) {
            continue;
        }
        arrivals.push((at, n));
        if random.percent(network.duplicate_percent) {
            arrivals.push((at + random.below(30_000), n));
        }
    }
    arrivals.sort_unstable();
    let mut rig = Rig::open();
    rig.command(MediaCommand::Echo {
        port: port(0),
        on: true,
    });
    let mut waiting = arrivals.iter().peekable();
    for _ in 0..u64::from(packets) + 100 {
        while let Some(&&(at, n)) = waiting.peek()
            && at <= rig.now_us()
        {
            rig.receive_from(common::phone(), &audio(n), at);
            waiting.next();
        }
        rig.tick();
    }
    let delivered = arrivals.iter().map(|&(_, n)| n).collect();
    let delays = rig
        .out
        .rtp
        .iter()
        .map(|p| p.at_us - left(number(&p.payload)))
        .collect();
    let stats = rig.engine.port_stats(port(0)).expect("open");
    assert_eq!(
        rig.engine.stats().buffered_packets,
        0,
        "nothing stays behind"
    );
    Outcome {
        delivered,
        sent: rig.out.rtp,
        delays,
        stats,
    }
}

fn percentile(values: &[u64], percent: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() - 1) * percent / 100]
}

/// In order, each once, numbers and timestamps as far apart as they came.
fn check_stream(sent: &[Sent]) {
    for pair in sent.windows(2) {
        let (a, b) = (number(&pair[0].payload), number(&pair[1].payload));
        assert!(b > a, "{a} then {b}");
        assert_eq!(
            pair[1].sequence.wrapping_sub(pair[0].sequence),
            (b - a) as u16
        );
        assert_eq!(
            pair[1].timestamp.wrapping_sub(pair[0].timestamp),
            (b - a) * 160
        );
        assert!(!pair[1].marker);
    }
    assert!(sent[0].marker);
}

#[test]
fn every_packet_comes_back_from_any_phase() {
    for phase_us in (0..20_000).step_by(250) {
        for (jitter_us, burp_every, burp_us) in [
            (0, 0, 0),
            (300, 0, 0),
            (1500, 97, 10_000),
            (300, 61, 40_000),
        ] {
            let network = Network {
                phase_us,
                jitter_us,
                burp_every,
                burp_us,
                in_order: true,
                ..Network::default()
            };
            let outcome = run(network, 500, phase_us);
            assert_eq!(outcome.sent.len(), 500, "{network:?}");
            check_stream(&outcome.sent);
            assert_eq!(
                (outcome.stats.packets_late, outcome.stats.packets_lost),
                (0, 0)
            );
        }
    }
}

#[test]
fn without_jitter_the_delay_is_small() {
    let mut all = Vec::new();
    for phase_us in (0..20_000).step_by(100) {
        let outcome = run(
            Network {
                phase_us,
                jitter_us: 200,
                in_order: true,
                ..Network::default()
            },
            200,
            9,
        );
        all.extend(outcome.delays);
    }
    let (median, worst) = (percentile(&all, 50), percentile(&all, 99));
    assert!(median <= 15_000, "median {median} µs");
    assert!(worst <= 25_000, "99th {worst} µs");
}

#[test]
fn loss_is_handed_on_as_holes() {
    for seed in 0..20 {
        let network = Network {
            phase_us: 7000,
            loss_percent: 10,
            jitter_us: 1000,
            in_order: true,
            ..Network::default()
        };
        let outcome = run(network, 1000, seed);
        let came_back: BTreeSet<u32> = outcome.sent.iter().map(|p| number(&p.payload)).collect();
        assert_eq!(came_back, outcome.delivered);
        check_stream(&outcome.sent);
        assert!(
            (50..150).contains(&outcome.stats.packets_lost),
            "{}",
            outcome.stats.packets_lost
        );
    }
}

#[test]
fn order_is_restored_and_duplicates_vanish() {
    for seed in 0..20 {
        let network = Network {
            phase_us: 3000,
            jitter_us: 60_000,
            loss_percent: 2,
            duplicate_percent: 5,
            ..Network::default()
        };
        let outcome = run(network, 3000, seed);
        check_stream(&outcome.sent);
        let stats = outcome.stats;
        let came_back = outcome.sent.len() as u64;
        assert_eq!(
            came_back + stats.packets_late,
            outcome.delivered.len() as u64,
            "late is the only way to be lost"
        );
        assert!(
            stats.packets_late <= came_back / 50,
            "{} late of {came_back}",
            stats.packets_late
        );
        assert!(stats.packets_duplicate > 50 && stats.packets_reordered > 500);
        let (median, worst) = (
            percentile(&outcome.delays, 50),
            percentile(&outcome.delays, 99),
        );
        assert!(
            median <= 85_000 && worst <= 100_000,
            "median {median}, 99th {worst}"
        );
    }
}

#[test]
fn clocks_that_differ_lose_nothing() {
    for drift_ppm in [-200, -50, 50, 200] {
        let network = Network {
            phase_us: 10_000,
            drift_ppm,
            jitter_us: 500,
            in_order: true,
            ..Network::default()
        };
        let outcome = run(network, 20_000, 5);
        assert_eq!(outcome.sent.len(), 20_000, "{drift_ppm} ppm");
        check_stream(&outcome.sent);
        let worst = percentile(&outcome.delays[outcome.delays.len() / 2..], 100);
        assert!(worst <= 60_000, "{drift_ppm} ppm: {worst} µs");
    }
}

#[test]
fn packets_of_any_length_go_back_one_for_one() {
    for ptime_ms in [10_u32, 20, 30, 40, 60] {
        let mut rig = Rig::open();
        rig.command(MediaCommand::Echo {
            port: port(0),
            on: true,
        });
        let samples = ptime_ms * 8;
        let mut n = 0;
        for _ in 0..300 {
            while u64::from(n * ptime_ms) * 1000 + 500 <= rig.now_us() {
                let payload = vec![n as u8; samples as usize];
                let at = u64::from(n * ptime_ms) * 1000 + 500;
                rig.receive_from(
                    common::phone(),
                    &rtp(8, n as u16, n * samples, 5, &payload),
                    at,
                );
                n += 1;
            }
            rig.tick();
        }
        let sent = &rig.out.rtp;
        assert!(
            sent.len() as u32 + 3 >= n,
            "{ptime_ms} ms: {} of {n}",
            sent.len()
        );
        for (expected, packet) in (0_u32..).zip(sent) {
            assert_eq!(
                (packet.payload_type, packet.payload.len() as u32),
                (108, samples)
            );
            assert_eq!(packet.payload[0], expected as u8);
            assert_eq!(
                packet.timestamp.wrapping_sub(sent[0].timestamp),
                expected * samples
            );
        }
    }
}

fn event(
    marker: bool,
    sequence: u16,
    timestamp: u32,
    code: u8,
    end: bool,
    duration: u16,
) -> Vec<u8> {
    let [high, low] = duration.to_be_bytes();
    let mut packet = rtp(
        101,
        sequence,
        timestamp,
        0xABCD,
        &[code, (u8::from(end) << 7) | 0x0A, high, low],
    );
    packet[1] |= u8::from(marker) << 7;
    packet
}

#[test]
fn events_go_back_among_the_audio_and_are_reported_once() {
    let mut rig = Rig::open();
    rig.command(MediaCommand::Echo {
        port: port(0),
        on: true,
    });
    let first = |n: u32| (n as u16).wrapping_add(65_000);
    let stamp = |n: u32| n.wrapping_mul(160).wrapping_add(0xFFFF_0000);
    for n in 0..40_u32 {
        let datagram = match n {
            10..=14 => event(
                n == 10,
                first(n),
                stamp(10),
                5,
                n > 12,
                ((n - 9).min(3) * 160) as u16,
            ),
            _ => audio(n),
        };
        let at = rig.now_us();
        rig.receive_from(common::phone(), &datagram, at);
        rig.tick();
    }
    rig.run(5);
    let sent = &rig.out.rtp;
    assert_eq!(sent.len(), 40);
    for (n, packet) in (0_u32..).zip(sent) {
        assert_eq!(packet.sequence, 65_530_u16.wrapping_add(n as u16));
        let from_first = packet.timestamp.wrapping_sub(sent[0].timestamp);
        if (10..=14).contains(&n) {
            assert_eq!(
                (packet.payload_type, from_first, packet.payload[0]),
                (96, 1600, 5)
            );
            assert_eq!(packet.marker, n == 10);
        } else {
            assert_eq!((packet.payload_type, from_first), (0, n * 160));
        }
    }
    let digits: Vec<(char, u16)> = rig
        .out
        .events
        .iter()
        .filter_map(|e| match e {
            MediaEvent::Digit {
                digit, duration_ms, ..
            } => Some((digit.as_char(), *duration_ms)),
            MediaEvent::Latched { .. }
            | MediaEvent::PlayDone { .. }
            | MediaEvent::Closed { .. } => None,
        })
        .collect();
    assert_eq!(digits, [('5', 20)]);
    assert_eq!(
        rig.engine
            .port_stats(port(0))
            .map(|s| (s.digits, s.packets_lost)),
        Some((1, 0))
    );
}

#[test]
fn another_source_restart_and_timestamp_base_go_on_without_a_seam() {
    let mut rig = Rig::open();
    rig.command(MediaCommand::Echo {
        port: port(0),
        on: true,
    });
    let send = |rig: &mut Rig, sequence: u16, timestamp: u32, ssrc: u32| {
        let at = rig.now_us();
        rig.receive_from(
            common::phone(),
            &rtp(0, sequence, timestamp, ssrc, &[1; 160]),
            at,
        );
        rig.tick();
    };
    for n in 0..50_u16 {
        send(&mut rig, n, u32::from(n) * 160, 1);
    }
    for n in 0..50_u16 {
        send(&mut rig, 9000 + n, 0x7000_0000 + u32::from(n) * 160, 2);
    }
    for n in 0..50_u16 {
        send(&mut rig, 40_000 + n, 0x1000_0000 + u32::from(n) * 160, 2);
    }
    for n in 0..50_u16 {
        send(&mut rig, 40_050 + n, 0xA000_0000 + u32::from(n) * 160, 2);
    }
    rig.run(20);
    let sent = &rig.out.rtp;
    assert_eq!(
        sent.len(),
        199,
        "the first packet of the restart is on probation (RFC 3550 A.1)"
    );
    for pair in sent.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!((160..=480).contains(&step), "{step}");
    }
}

#[test]
fn switching_off_stops_it_and_on_begins_anew() {
    let mut rig = Rig::open();
    for n in 0..300_u32 {
        if n == 100 || n == 200 {
            rig.command(MediaCommand::Echo {
                port: port(0),
                on: n == 100,
            });
        }
        let at = rig.now_us();
        rig.receive_from(common::phone(), &audio(n), at);
        rig.tick();
    }
    let numbers: Vec<u32> = rig.out.rtp.iter().map(|p| number(&p.payload)).collect();
    assert_eq!(numbers.first(), Some(&100));
    assert!(
        numbers.len() >= 98 && numbers.last() < Some(&200),
        "{numbers:?}"
    );
}
