//! A prompt reaches the far end whole, in time, whatever ptime and codec.

mod common;

use std::sync::Arc;

use common::{Rig, phone, port, port_config};
use strowger_media::player::Prompt;
use strowger_media::vocabulary::{Codec, Direction, MediaCommand, MediaEvent, PlayEnd, PlayId};

fn prompt(samples: usize, seed: i16) -> Arc<Prompt> {
    let pcm: Vec<i16> = (0..samples)
        .map(|n| (n as i16).wrapping_mul(211).wrapping_add(seed))
        .collect();
    Prompt::from_pcm("p", &pcm, 8000, 1).expect("a prompt")
}

fn play(rig: &mut Rig, play: u32, prompts: &[Arc<Prompt>], loops: u32) {
    rig.command(MediaCommand::Play {
        port: port(0),
        play: PlayId(play),
        prompts: prompts.into(),
        loops,
    });
}

fn ends(rig: &Rig) -> Vec<(u32, PlayEnd)> {
    rig.out
        .events
        .iter()
        .filter_map(|event| match event {
            MediaEvent::PlayDone { play, end, .. } => Some((play.0, end.clone())),
            MediaEvent::Latched { .. } | MediaEvent::Digit { .. } | MediaEvent::Closed { .. } => {
                None
            }
        })
        .collect()
}

#[test]
fn every_sample_arrives_in_every_ptime_and_codec() {
    for ptime_ms in [10, 20, 30, 40, 50, 60] {
        for (codec, payload_type) in [(Codec::Pcmu, 0), (Codec::Pcma, 108)] {
            let mut rig = Rig::new();
            let mut config = port_config(0);
            config.ptime_ms = ptime_ms;
            config.codecs.sort_by_key(|c| c.codec != codec);
            rig.command(MediaCommand::Open {
                port: port(0),
                config: Box::new(config),
            });
            let list = [prompt(1234, 1), prompt(7, 2), prompt(8000, 3)];
            play(&mut rig, 1, &list, 2);
            rig.run(200);
            let mut expected: Vec<u8> = list
                .iter()
                .flat_map(|p| p.encoded(codec))
                .copied()
                .collect();
            expected.extend_from_within(..);
            let sent: Vec<u8> = rig.out.rtp.iter().flat_map(|p| p.payload.clone()).collect();
            assert_eq!(sent[..expected.len()], expected, "{ptime_ms} ms {codec}");
            let samples = usize::from(ptime_ms) * 8;
            assert_eq!(sent.len(), expected.len().div_ceil(samples) * samples);
            assert!(
                sent[expected.len()..]
                    .iter()
                    .all(|&o| o == strowger_media::g711::silence(codec))
            );
            for (n, packet) in (0_u32..).zip(&rig.out.rtp) {
                assert_eq!((packet.payload_type, packet.marker), (payload_type, n == 0));
                assert_eq!(packet.sequence, 65_530_u16.wrapping_add(n as u16));
                assert_eq!(
                    packet.timestamp,
                    rig.out.rtp[0].timestamp.wrapping_add(n * samples as u32)
                );
                // On the first tick that is not before the audio's own time.
                let due_us = u64::from(n) * u64::from(ptime_ms) * 1000;
                let sent_us = packet.at_us;
                assert_eq!(
                    sent_us,
                    if ptime_ms < 20 {
                        due_us / 20_000 * 20_000
                    } else {
                        due_us.div_ceil(20_000) * 20_000
                    }
                );
            }
            assert_eq!(ends(&rig), [(1, PlayEnd::Finished)]);
        }
    }
}

#[test]
fn the_end_is_reported_when_the_last_packet_has_been_heard() {
    let mut rig = Rig::open();
    play(&mut rig, 4, &[prompt(161, 0)], 1);
    rig.run(2);
    assert_eq!((rig.out.rtp.len(), ends(&rig).len()), (2, 0));
    rig.tick();
    assert_eq!(ends(&rig), [(4, PlayEnd::Finished)]);
}

#[test]
fn the_clock_runs_on_in_silence() {
    let mut rig = Rig::open();
    rig.run(10);
    play(&mut rig, 1, &[prompt(320, 0)], 1);
    rig.run(50);
    play(&mut rig, 2, &[prompt(320, 0)], 1);
    rig.run(5);
    let sent = &rig.out.rtp;
    assert_eq!(
        sent.iter().map(|p| p.marker).collect::<Vec<_>>(),
        [true, false, true, false]
    );
    assert_eq!(sent[2].timestamp.wrapping_sub(sent[0].timestamp), 50 * 160);
    assert_eq!(
        sent[2].sequence,
        sent[1].sequence.wrapping_add(1),
        "no gap in the numbers"
    );
}

#[test]
fn a_play_that_follows_at_once_leaves_no_gap() {
    let mut rig = Rig::open();
    play(&mut rig, 1, &[prompt(320, 0)], 1);
    rig.run(2);
    play(&mut rig, 2, &[prompt(320, 0)], 1);
    rig.run(2);
    let sent = &rig.out.rtp;
    assert_eq!(sent.len(), 4);
    assert!(
        sent.windows(2)
            .all(|w| w[1].timestamp.wrapping_sub(w[0].timestamp) == 160 && !w[1].marker)
    );
}

#[test]
fn stopping_replacing_and_empty_lists() {
    let mut rig = Rig::open();
    rig.command(MediaCommand::StopPlay { port: port(0) });
    assert_eq!(ends(&rig), []);
    play(&mut rig, 1, &[prompt(8000, 0)], 0);
    rig.run(500);
    assert_eq!((rig.out.rtp.len(), ends(&rig).len()), (500, 0), "for ever");
    play(&mut rig, 2, &[prompt(8000, 0)], 1);
    rig.run(3);
    rig.command(MediaCommand::StopPlay { port: port(0) });
    rig.run(10);
    play(&mut rig, 3, &[], 0);
    rig.run(2);
    assert_eq!(rig.out.rtp.len(), 503);
    assert_eq!(
        ends(&rig),
        [
            (1, PlayEnd::Stopped),
            (2, PlayEnd::Stopped),
            (3, PlayEnd::Finished)
        ]
    );
}

#[test]
fn on_hold_it_runs_on_unheard() {
    let mut rig = Rig::open();
    play(&mut rig, 1, &[prompt(160 * 30, 0)], 1);
    rig.run(10);
    let mut held = port_config(0);
    held.direction = Direction::RecvOnly;
    rig.command(MediaCommand::Update {
        port: port(0),
        config: Box::new(held),
    });
    rig.run(10);
    assert_eq!(rig.out.rtp.len(), 10);
    rig.command(MediaCommand::Update {
        port: port(0),
        config: Box::new(port_config(0)),
    });
    rig.run(11);
    let sent = &rig.out.rtp;
    assert_eq!((sent.len(), ends(&rig).len()), (20, 1));
    assert_eq!(sent[10].timestamp.wrapping_sub(sent[9].timestamp), 11 * 160);
    assert!(sent[10].marker && sent[10].to == phone());
}

#[test]
fn nothing_is_sent_before_an_address_is_known() {
    let mut rig = Rig::new();
    let mut config = port_config(0);
    config.remote_rtp = None;
    rig.command(MediaCommand::Open {
        port: port(0),
        config: Box::new(config),
    });
    play(&mut rig, 1, &[prompt(1600, 0)], 1);
    rig.run(5);
    assert!(rig.out.rtp.is_empty());
    rig.receive(&common::audio(0));
    rig.tick();
    assert_eq!(rig.out.rtp.len(), 1);
}
