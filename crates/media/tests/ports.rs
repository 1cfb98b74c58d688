//! Orders, the latch, RTCP and the figures of a port.

mod common;

use common::{Rig, address, audio, phone, port, port_config, rtp};
use strowger_media::engine::EngineConfig;
use strowger_media::rtcp::{
    Compound, ReportBlock, RtcpPacket, SenderInfo, write_bye, write_receiver_report,
    write_sdes_cname, write_sender_report,
};
use strowger_media::vocabulary::{
    Direction, MediaCommand, MediaEvent, PlayId, PortConfig, PortId, PortStats,
};

fn stats(rig: &Rig) -> PortStats {
    rig.engine.port_stats(port(0)).expect("open")
}

fn update(rig: &mut Rig, change: impl FnOnce(&mut PortConfig)) {
    let mut config = port_config(0);
    change(&mut config);
    rig.command(MediaCommand::Update {
        port: port(0),
        config: Box::new(config),
    });
}

fn latches(rig: &Rig) -> Vec<u16> {
    rig.out
        .events
        .iter()
        .filter_map(|event| match event {
            MediaEvent::Latched { source, .. } => Some(source.port()),
            MediaEvent::Digit { .. } | MediaEvent::PlayDone { .. } | MediaEvent::Closed { .. } => {
                None
            }
        })
        .collect()
}

#[test]
fn orders_for_ports_that_are_not_there_are_ignored() {
    let mut rig = Rig::with(EngineConfig {
        max_ports: 2,
        ..EngineConfig::default()
    });
    let open = |slot, worker, generation| MediaCommand::Open {
        port: PortId {
            worker,
            slot,
            generation,
        },
        config: Box::new(port_config(slot)),
    };
    rig.command(MediaCommand::Close { port: port(0) });
    rig.command(MediaCommand::Echo {
        port: port(99),
        on: true,
    });
    rig.command(open(0, 0, 1));
    rig.command(open(0, 0, 2));
    rig.command(open(2, 0, 1));
    rig.command(open(1, 3, 1));
    assert_eq!(
        (
            rig.engine.stats().ports,
            rig.engine.stats().commands_refused
        ),
        (1, 3)
    );
    let former = PortId {
        generation: 0,
        ..port(0)
    };
    rig.command(MediaCommand::Close { port: former });
    assert!(rig.engine.port_stats(former).is_none());
    assert_eq!(
        rig.engine
            .ports()
            .map(|(id, tag, _)| (id, tag))
            .collect::<Vec<_>>(),
        [(port(0), 7000)]
    );
    rig.command(MediaCommand::Close { port: port(0) });
    rig.command(open(0, 0, 2));
    assert_eq!(rig.engine.stats().ports, 1);
    rig.run(3);
    assert!(rig.out.rtp.is_empty() && rig.out.rtcp.is_empty());
}

#[test]
fn media_goes_where_it_comes_from_once() {
    let mut rig = Rig::open();
    rig.command(MediaCommand::Echo {
        port: port(0),
        on: true,
    });
    let mut n = 0;
    let mut send = |rig: &mut Rig, from: u16| {
        let at = rig.now_us();
        rig.receive_from(address(from), &audio(n), at);
        n += 1;
        rig.tick();
    };
    rig.receive_from(address(66), b"not rtp at all", 0);
    rig.receive_from(address(66), &rtp(77, 1, 1, 1, &[0; 160]), 0);
    for from in [5000, 5000, 6000, 5000] {
        send(&mut rig, from);
    }
    rig.run(3);
    assert_eq!(latches(&rig), [5000]);
    assert!(rig.out.rtp.iter().all(|p| p.to == address(5000)));
    assert_eq!(stats(&rig).packets_dropped, 3);
    update(&mut rig, |config| config.remote_rtp = Some(address(7000)));
    for from in [5000, 7100, 5000, 7100] {
        send(&mut rig, from);
    }
    assert_eq!(latches(&rig), [5000, 7100]);
    rig.run(3);
    assert_eq!(rig.out.rtp.last().map(|p| p.to), Some(address(7100)));
}

#[test]
fn what_may_not_flow_does_not() {
    for (direction, echoed, digits) in [
        (Direction::SendRecv, true, 1),
        (Direction::SendOnly, false, 0),
        (Direction::RecvOnly, false, 1),
        (Direction::Inactive, false, 0),
    ] {
        let mut rig = Rig::open();
        rig.command(MediaCommand::Echo {
            port: port(0),
            on: true,
        });
        update(&mut rig, |config| config.direction = direction);
        for n in 0..10 {
            rig.receive(&audio(n));
            rig.tick();
        }
        rig.receive(&rtp(101, 65_010, 5, 0xABCD, &[1, 0x8A, 1, 64]));
        rig.run(3);
        assert_eq!(!rig.out.rtp.is_empty(), echoed, "{direction:?}");
        assert_eq!(stats(&rig).digits, digits, "{direction:?}");
        assert_eq!(stats(&rig).packets_received, 11);
    }
}

#[test]
fn reports_come_in_their_time_and_say_what_was_heard() {
    let mut rig = Rig::open();
    rig.command(MediaCommand::Echo {
        port: port(0),
        on: true,
    });
    for n in 0..3000_u32 {
        if n % 10 != 3 {
            rig.receive(&audio(n));
        }
        rig.tick();
    }
    rig.tick();
    // One minute at a mean of 5 s.
    assert!(
        (9..=15).contains(&rig.out.rtcp.len()),
        "{}",
        rig.out.rtcp.len()
    );
    let (slot, to, bytes) = rig.out.rtcp.last().expect("reports");
    assert_eq!((*slot, *to), (0, address(4001)));
    let packets: Vec<_> = Compound::parse(bytes).unwrap().packets().collect();
    let [
        RtcpPacket::SenderReport { ssrc, info, blocks },
        RtcpPacket::SourceDescription(sdes),
    ] = &packets[..]
    else {
        panic!("{packets:?}");
    };
    assert_eq!(*ssrc, 0x5151_0000);
    assert_eq!(sdes.cname(*ssrc), Some(&b"test@strowger"[..]));
    assert!(
        info.ntp > 0xE000_0020_0000_0000 && info.ntp < 0xE000_003D_0000_0000,
        "{:x}",
        info.ntp
    );
    let block = blocks.clone().next().unwrap();
    assert_eq!((block.ssrc, block.fraction_lost), (0xABCD, 25));
    assert_eq!(stats(&rig).packets_lost, 300);
    assert_eq!(stats(&rig).packets_sent, 2700);
    assert_eq!(stats(&rig).octets_sent, 2700 * 160);
}

#[test]
fn who_fell_silent_is_a_sender_for_two_more_reports() {
    let mut rig = Rig::open();
    rig.command(MediaCommand::Echo {
        port: port(0),
        on: true,
    });
    for n in 0..3000_u32 {
        if n < 1000 {
            rig.receive(&audio(n));
        }
        rig.tick();
    }
    let senders: Vec<bool> = rig
        .out
        .rtcp
        .iter()
        .map(|(_, _, bytes)| {
            let first = Compound::parse(bytes).expect("ours").packets().next();
            matches!(first, Some(RtcpPacket::SenderReport { .. }))
        })
        .collect();
    let reports_while_sending = senders.iter().filter(|&&sender| sender).count();
    assert!((4..=9).contains(&reports_while_sending), "{senders:?}");
    assert!(
        senders.is_sorted_by(|a, b| a >= b) && !senders[senders.len() - 1],
        "{senders:?}"
    );
}

#[test]
fn rtcp_follows_a_changed_description() {
    let mut report = Vec::new();
    write_receiver_report(&mut report, 0xABCD, &[]);
    let mut rig = Rig::open();
    rig.receive(&audio(0));
    rig.receive_rtcp(address(4321), &report);
    rig.run(400);
    assert_eq!(rig.out.rtcp.last().map(|r| r.1), Some(address(4321)));
    update(&mut rig, |config| {
        config.remote_rtp = Some(address(7000));
        config.remote_rtcp = Some(address(7001));
    });
    rig.run(400);
    assert_eq!(rig.out.rtcp.last().map(|r| r.1), Some(address(7001)));
}

#[test]
fn another_source_presses_its_own_keys() {
    let mut rig = Rig::open();
    let press = [1, 0x8A, 1, 64];
    rig.receive(&rtp(101, 10, 5000, 1, &press));
    rig.receive(&rtp(101, 11, 5000, 1, &press));
    assert_eq!(stats(&rig).digits, 1);
    rig.receive(&rtp(0, 90, 4840, 2, &[0; 160]));
    rig.receive(&rtp(101, 91, 5000, 2, &press));
    assert_eq!(stats(&rig).digits, 2);
    // Events alone under a third SSRC do not take the audio's place.
    rig.receive(&rtp(101, 7, 9000, 3, &press));
    rig.receive(&rtp(0, 92, 5160, 2, &[0; 160]));
    assert_eq!((stats(&rig).digits, stats(&rig).packets_lost), (3, 0));
}

#[test]
fn who_only_listens_sends_receiver_reports_and_who_is_silent_nothing() {
    let mut rig = Rig::open();
    rig.run(1000);
    assert!(rig.out.rtcp.is_empty());
    for n in 0..1000 {
        rig.receive(&audio(n));
        rig.tick();
    }
    assert!(rig.out.rtcp.len() >= 2);
    for (_, _, bytes) in &rig.out.rtcp {
        let first = Compound::parse(bytes).unwrap().packets().next();
        assert!(
            matches!(first, Some(RtcpPacket::ReceiverReport { .. })),
            "{first:?}"
        );
    }
}

#[test]
fn the_far_ends_reports_are_heard() {
    let mut rig = Rig::open();
    rig.receive(&audio(0));
    rig.run(500);
    let block = ReportBlock {
        ssrc: 0x5151_0000,
        fraction_lost: 0,
        cumulative_lost: 17,
        extended_highest: 0,
        jitter: 33,
        // Our clock says 10 s past E0000000; they had our report 2 s before at 7.9 s.
        last_sr: 0x0007_E666,
        delay_since_last_sr: 2 << 16,
    };
    let mut bytes = Vec::new();
    let info = SenderInfo {
        ntp: 0x1111_2222_3333_4444,
        rtp_timestamp: 0,
        packets: 1,
        octets: 160,
    };
    write_sender_report(
        &mut bytes,
        0xABCD,
        &info,
        &[
            ReportBlock {
                ssrc: 1,
                cumulative_lost: 99,
                ..block
            },
            block,
        ],
    );
    write_sdes_cname(&mut bytes, 0xABCD, "phone");
    rig.receive_rtcp(address(4321), &bytes);
    let stats = stats(&rig);
    assert_eq!((stats.remote_lost, stats.remote_jitter_ticks), (17, 33));
    assert!(
        stats.round_trip_us.abs_diff(100_000) < 100,
        "{}",
        stats.round_trip_us
    );
    // From now on they go where they come from, and name the SR heard.
    rig.receive(&audio(1));
    rig.run(500);
    let (_, to, bytes) = rig.out.rtcp.last().unwrap();
    assert_eq!(*to, address(4321));
    let reported = Compound::parse(bytes).unwrap().packets().next();
    assert!(matches!(reported, Some(RtcpPacket::ReceiverReport { .. })));
    let heard = rig.out.rtcp.iter().any(|(_, _, bytes)| {
        Compound::parse(bytes)
            .unwrap()
            .packets()
            .any(|packet| match packet {
                RtcpPacket::ReceiverReport { mut blocks, .. } => {
                    blocks.any(|b| b.last_sr == 0x2222_3333)
                }
                RtcpPacket::SenderReport { .. }
                | RtcpPacket::SourceDescription(_)
                | RtcpPacket::Goodbye(_)
                | RtcpPacket::Other { .. } => false,
            })
    });
    assert!(heard);
}

#[test]
fn rtcp_is_refused_from_strangers_and_on_a_port_that_is_not_muxed() {
    let mut report = Vec::new();
    write_receiver_report(&mut report, 0xABCD, &[]);
    let mut rig = Rig::open();
    rig.receive_rtcp(std::net::SocketAddr::from(([198, 51, 100, 1], 9)), &report);
    rig.receive(&report);
    rig.receive_rtcp(phone(), &report[..5]);
    assert_eq!(stats(&rig).packets_dropped, 3);
    update(&mut rig, |config| config.rtcp_mux = true);
    rig.receive(&report);
    assert_eq!(stats(&rig).packets_dropped, 3);
    rig.receive(&audio(0));
    rig.run(400);
    assert!(!rig.out.rtcp.is_empty() && rig.out.rtcp.iter().all(|(_, to, _)| *to == phone()));
}

#[test]
fn closing_says_bye_if_anything_was_said() {
    let mut rig = Rig::open();
    rig.command(MediaCommand::Close { port: port(0) });
    assert!(rig.out.rtcp.is_empty());
    let mut rig = Rig::open();
    rig.command(MediaCommand::Echo {
        port: port(0),
        on: true,
    });
    for n in 0..10 {
        rig.receive(&audio(n));
        rig.tick();
    }
    rig.receive(&audio(10));
    rig.command(MediaCommand::Close { port: port(0) });
    let (_, _, bytes) = rig.out.rtcp.last().unwrap();
    let goodbye = Compound::parse(bytes).unwrap().packets().last();
    let mut bye = Vec::new();
    write_bye(&mut bye, 0x5151_0000);
    assert!(matches!(goodbye, Some(RtcpPacket::Goodbye(_))) && bytes.ends_with(&bye));
    let Some(MediaEvent::Closed {
        port: closed,
        stats,
    }) = rig.out.events.last()
    else {
        panic!("{:?}", rig.out.events)
    };
    assert_eq!((*closed, stats.packets_received), (port(0), 11));
    assert_eq!(
        (
            rig.engine.stats().ports,
            rig.engine.stats().buffered_packets
        ),
        (0, 0)
    );
    let sent = rig.out.rtp.len();
    rig.receive(&audio(11));
    rig.run(5);
    assert_eq!(
        (rig.out.rtp.len(), rig.engine.stats().packets_unclaimed),
        (sent, 1)
    );
}

#[test]
fn opinion_follows_what_was_received() {
    let score = |keep: &dyn Fn(u32) -> bool| {
        let mut rig = Rig::open();
        for n in (0..1000).filter(|&n| keep(n)) {
            let at = u64::from(n) * 20_000;
            rig.receive_from(phone(), &audio(n), at);
        }
        stats(&rig).mos_x100
    };
    assert_eq!(score(&|_| false), 0);
    assert!((430..=450).contains(&score(&|_| true)));
    assert!(
        (200..=230).contains(&score(&|n| n % 20 != 7)),
        "{}",
        score(&|n| n % 20 != 7)
    );
}

#[test]
fn a_reopened_slot_works_once_a_tick() {
    let mut rig = Rig::open();
    let prompt = strowger_media::player::Prompt::from_pcm("p", &vec![5; 16_000], 8000, 1).unwrap();
    for generation in 1..20 {
        let id = PortId {
            generation,
            ..port(0)
        };
        let config = Box::new(port_config(0));
        rig.command(MediaCommand::Open { port: id, config });
        rig.command(MediaCommand::Play {
            port: id,
            play: PlayId(1),
            prompts: [prompt.clone()].into(),
            loops: 0,
        });
        let before = rig.out.rtp.len();
        rig.run(7);
        assert_eq!(rig.out.rtp.len() - before, 7);
        rig.command(MediaCommand::Close { port: id });
    }
}
