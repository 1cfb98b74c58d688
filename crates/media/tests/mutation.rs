//! Mutated RTP and RTCP: no panic, everything accounted for. 20,000 inputs from
//! a fixed seed; `STROWGER_MUTATIONS` asks for another number.

mod common;

use common::{Random, Rig, audio, phone, port, rtp};
use strowger_media::rtcp::{
    Compound, ReportBlock, RtcpPacket, SenderInfo, write_bye, write_sdes_cname, write_sender_report,
};
use strowger_media::rtp::RtpPacket;
use strowger_media::vocabulary::MediaCommand;

fn mutations() -> u64 {
    std::env::var("STROWGER_MUTATIONS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(20_000)
}

fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len().max(1) as u64) as usize;
        match random.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[at] = random.next_u64() as u8,
            2 => bytes.truncate(at),
            3 => bytes.insert(at.min(bytes.len()), random.next_u64() as u8),
            4 if bytes.len() < 1500 => bytes.extend_from_within(at.min(bytes.len())..),
            _ if !bytes.is_empty() => bytes[at.min(15)] = 0xFF,
            _ => bytes.push(0x80),
        }
    }
    bytes.truncate(1500);
}

fn seeds() -> Vec<Vec<u8>> {
    let mut extended = rtp(0, 5, 5, 5, &[0; 40]);
    extended[0] = 0xB2;
    let block = ReportBlock {
        ssrc: 0x5151_0000,
        fraction_lost: 1,
        cumulative_lost: -1,
        extended_highest: 2,
        jitter: 3,
        last_sr: 4,
        delay_since_last_sr: 5,
    };
    let info = SenderInfo {
        ntp: 1,
        rtp_timestamp: 2,
        packets: 3,
        octets: 4,
    };
    let mut compound = Vec::new();
    write_sender_report(&mut compound, 0xABCD, &info, &[block, block]);
    write_sdes_cname(&mut compound, 0xABCD, "someone@example");
    write_bye(&mut compound, 0xABCD);
    vec![
        audio(1),
        rtp(8, 6, 6, 0xABCD, &[0; 480]),
        rtp(101, 7, 7, 0xABCD, &[1, 0x8A, 0, 160]),
        extended,
        compound,
        // STUN binding request, DTLS client hello, as far as they matter here.
        [&[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42][..], &[0; 12]].concat(),
        vec![22, 0xFE, 0xFD, 0, 0, 0, 0],
    ]
}

#[test]
fn parsers_live() {
    let mut random = Random(0xDEAD_BEEF);
    let seeds = seeds();
    for n in 0..mutations() {
        let mut bytes = seeds[n as usize % seeds.len()].clone();
        mutate(&mut random, &mut bytes);
        if let Ok(packet) = RtpPacket::parse(&bytes) {
            assert!(packet.payload.len() + 12 <= bytes.len());
        }
        if let Ok(compound) = Compound::parse(&bytes) {
            for packet in compound.packets() {
                match packet {
                    RtcpPacket::SenderReport { blocks, .. }
                    | RtcpPacket::ReceiverReport { blocks, .. } => {
                        assert!(blocks.count() <= 31);
                    }
                    RtcpPacket::SourceDescription(sdes) => {
                        let _ = sdes.cname(0xABCD);
                    }
                    RtcpPacket::Goodbye(sources) => assert!(sources.count() <= 31),
                    RtcpPacket::Other { .. } => {}
                }
            }
        }
    }
}

#[test]
fn the_engine_lives_and_accounts_for_everything() {
    let mut random = Random(0x0BAD_CAFE);
    let mut rig = Rig::open();
    rig.command(MediaCommand::Echo {
        port: port(0),
        on: true,
    });
    let seeds = seeds();
    let mut good = 0;
    for n in 0..mutations() {
        let mut bytes = seeds[n as usize % seeds.len()].clone();
        mutate(&mut random, &mut bytes);
        rig.receive(&bytes);
        rig.receive_rtcp(phone(), &bytes);
        if n % 3 == 0 {
            rig.receive(&audio(good));
            good += 1;
        }
        if n % 4 == 0 {
            rig.tick();
            rig.out.rtp.clear();
            rig.out.rtcp.clear();
            rig.out.events.clear();
        }
    }
    rig.run(100);
    let stats = rig.engine.port_stats(port(0)).unwrap();
    assert!(stats.packets_dropped > mutations() / 2, "{stats:?}");
    assert!(stats.packets_sent > 0 && stats.packets_received > u64::from(good) / 2);
    assert_eq!(rig.engine.stats().buffered_packets, 0);
    rig.command(MediaCommand::Close { port: port(0) });
    assert_eq!(rig.engine.stats().ports, 0);
}
