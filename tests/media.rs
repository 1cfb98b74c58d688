//! What callers hear, checked by content: the echo octet by octet, prompts
//! sample by sample, menus by their digits.

mod support;

use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};

use support::g711::{decode_alaw, decode_ulaw};
use support::phone::{Phone, value_of};
use support::rtp::{Capture, Captured, Outgoing, Packet, assert_unbroken, send_paced};
use support::server::Server;
use support::settings::Settings;
use support::sipp::Sipp;
use support::sound;

const FRAME: Duration = Duration::from_millis(20);

#[test]
fn every_packet_comes_back_once_in_order_and_soon() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let answer = phone.dial("echo");
    let payloads = sound::distinct_payloads(150);
    let (sent, captured) = echo(&phone, answer.media_address(), 0, &payloads, FRAME);
    assert_unbroken(&captured);
    let delays = assert_came_back(&payloads, &sent, &captured);
    let median = delays[delays.len() / 2];
    assert!(
        median < Duration::from_millis(60),
        "the echo takes {median:?}"
    );
    phone.hang_up();
    let record = server.record(phone.call_id());
    assert_eq!(record["codec"], "PCMU", "{record}");
    assert_eq!(record["media"]["packets_received"], 150, "{record}");
    assert_eq!(record["media"]["lost"], 0, "{record}");
    assert_eq!(record["media"]["octets_received"], 150 * 160, "{record}");
}

#[test]
fn the_echo_speaks_a_law() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let description = phone.description("8", &["rtpmap:8 PCMA/8000"]);
    let answer = phone.dial_with("echo", &description);
    assert!(answer.body().contains("RTP/AVP 8\r\n"), "{}", answer.body());
    let payloads = sound::distinct_payloads(50);
    let (sent, captured) = echo(&phone, answer.media_address(), 8, &payloads, FRAME);
    assert!(captured.iter().all(|one| one.packet.payload_type == 8));
    assert_came_back(&payloads, &sent, &captured);
    phone.hang_up();
}

#[test]
fn payload_types_and_packet_lengths_are_the_callers() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let description = phone.description("103", &["rtpmap:103 PCMU/8000", "ptime:30"]);
    let answer = phone.dial_with("echo", &description);
    let payloads: Vec<Vec<u8>> = sound::distinct_payloads(90)
        .concat()
        .chunks(240)
        .map(<[u8]>::to_vec)
        .collect();
    let (_, captured) = echo(
        &phone,
        answer.media_address(),
        103,
        &payloads,
        Duration::from_millis(30),
    );
    phone.hang_up();
    assert_unbroken(&captured);
    for one in &captured {
        assert_eq!(one.packet.payload_type, 103, "RFC 3264 §5.1");
        assert_eq!(one.packet.payload.len(), 240, "a=ptime:30");
    }
    assert!(
        contains(&octets(&captured), &payloads.concat()),
        "all audio comes back without a hole"
    );
}

#[test]
fn a_prompt_arrives_sample_by_sample() {
    let server = Server::start(&with_prompts());
    for (formats, decode) in [
        ("0", decode_ulaw as fn(u8) -> i16),
        ("8", decode_alaw as fn(u8) -> i16),
    ] {
        let heard = listen(&server, "chirp8", formats, decode);
        let (original, _) = sound::read_wav(&server.folder().join("media/chirp8.wav"));
        assert!(
            heard.len() >= original.len() && heard.len() < original.len() + 160,
            "{} samples of {}",
            heard.len(),
            original.len()
        );
        for (index, (&h, &o)) in heard.iter().zip(&original).enumerate() {
            let error = (i32::from(h) - i32::from(o)).abs();
            assert!(
                error <= coding_error(o),
                "sample {index} is {h}, in the file {o} ({formats})"
            );
        }
    }
}

#[test]
fn the_shipped_prompt_arrives_whole() {
    let server = Server::usual();
    let heard = listen(&server, "play", "0", decode_ulaw);
    let seconds = heard.len() as f64 / 8000.0;
    assert!((7.0..14.0).contains(&seconds), "{seconds} s of about 10 s");
    let loud = heard.iter().filter(|sample| sample.abs() > 500).count();
    assert!(loud > heard.len() / 10, "mostly silence");
}

#[test]
fn prompts_of_other_rates_are_resampled() {
    let server = Server::start(&with_prompts());
    let original = sound::chirp(300.0, 3000.0, 0.5, 8000, 16_000);
    for name in ["chirp16", "chirp48"] {
        let heard = listen(&server, name, "0", decode_ulaw);
        assert!(heard.len().abs_diff(original.len()) <= 320, "{name}");
        let quality = sound::signal_to_noise_db(&heard, &original, 40);
        // G.711 alone leaves about 38 dB.
        assert!(quality > 30.0, "{name}: {quality:.1} dB");
    }
}

#[test]
fn prompts_follow_one_another_without_a_gap() {
    let server = Server::start(&with_prompts());
    let heard = listen(&server, "twice", "0", decode_ulaw);
    let once = sound::sine(440.0, 0.5, 8000, 4040);
    let expected: Vec<i16> = once.iter().chain(&once).copied().collect();
    assert!(heard.len() >= expected.len() && heard.len() < expected.len() + 160);
    for (index, (&h, &o)) in heard.iter().zip(&expected).enumerate() {
        let error = (i32::from(h) - i32::from(o)).abs();
        assert!(error <= coding_error(o), "sample {index} is {h}, not {o}");
    }
}

#[test]
fn early_media_is_the_prompt() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let capture = Capture::start(&phone.media);
    let description = phone.usual_description();
    phone.invite("early", Some(&description));
    let mut progress = phone.expect("183");
    if progress.status() == 100 {
        progress = phone.expect("183");
    }
    assert_eq!(progress.status(), 183);
    assert!(progress.media_address().port() > 0);
    assert!(capture.wait_for(100, Duration::from_secs(5)), "two seconds");
    let refusal = phone
        .receive(Duration::from_secs(20))
        .expect("the refusal after the prompt");
    assert_eq!(refusal.status(), 486);
    phone.ack_failure();
    let captured = capture.stop();
    assert_unbroken(&captured);
    assert_eq!(server.record(phone.call_id())["hangup_reason"], "busy");
}

#[test]
fn the_menu_follows_the_digits() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let capture = Capture::start(&phone.media);
    let answer = phone.dial("ivr");
    let to = answer.media_address();
    assert!(
        capture.wait_for(5, Duration::from_secs(5)),
        "the menu speaks"
    );

    let mut stream = Outgoing::new(0);
    send_paced(&phone.media, to, &stream.digit(101, '2', 100), FRAME);
    let payloads = sound::distinct_payloads(50);
    let packets: Vec<Packet> = payloads.iter().map(|one| stream.audio(one)).collect();
    // The echo begins some frames after the digit: what is sent until the
    // first frame comes back does not count.
    support::until("the echo behind digit 2", Duration::from_secs(10), || {
        send_paced(&phone.media, to, &packets, FRAME);
        let back = octets(&capture.packets());
        payloads
            .iter()
            .any(|one| contains(&back, one))
            .then_some(())
    });
    drop(capture);
    phone.hang_up();
    let record = server.record(phone.call_id());
    assert_eq!(record["media"]["digits"], 1, "{record}");
}

#[test]
fn the_menu_hangs_up_at_nine() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let capture = Capture::start(&phone.media);
    let to = phone.dial("ivr").media_address();
    assert!(capture.wait_for(1, Duration::from_secs(5)));
    send_paced(
        &phone.media,
        to,
        &Outgoing::new(0).digit(101, '9', 100),
        FRAME,
    );
    phone.expect_bye(Duration::from_secs(20));
    let record = server.record(phone.call_id());
    assert_eq!(record["hangup_by"], "local", "{record}");
    assert_eq!(record["media"]["digits"], 1, "{record}");
}

#[test]
fn three_wrong_digits_end_the_menu() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let capture = Capture::start(&phone.media);
    let to = phone.dial("ivr").media_address();
    let mut stream = Outgoing::new(0);
    assert!(capture.wait_for(1, Duration::from_secs(5)));
    for _ in 0..3 {
        send_paced(&phone.media, to, &stream.digit(101, '7', 100), FRAME);
        // The gap that RFC 4733 §2.5.1.2 wants between two events.
        stream.timestamp = stream.timestamp.wrapping_add(800);
    }
    phone.expect_bye(Duration::from_mins(1));
    assert_eq!(server.record(phone.call_id())["media"]["digits"], 3);
}

#[test]
fn sipp_presses_a_key() {
    // SIPp plays captures through a raw socket, which takes root.
    // SAFETY: geteuid has no arguments and cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("not run: SIPp needs root to send digits");
        return;
    }
    let server = Server::usual();
    Sipp::scenario("ivr")
        .user("ivr")
        .run(&server)
        .assert_no_retransmission();
}

#[test]
fn sipp_plays_and_hears() {
    let server = Server::usual();
    Sipp::scenario("echo")
        .user("echo")
        .calls(20, 20)
        .hold_ms(2000)
        .run(&server)
        .assert_no_retransmission();
    support::until("20 call records", Duration::from_secs(5), || {
        (server.records().len() == 20).then_some(())
    });
    for record in server.records() {
        let received = record["media"]["packets_received"].as_u64();
        assert!(received > Some(80), "about 100 packets a call: {record}");
        assert_eq!(record["media"]["lost"], 0, "{record}");
    }
    Sipp::scenario("play")
        .user("play")
        .calls(2, 2)
        .run(&server)
        .assert_no_retransmission();
}

#[test]
fn a_held_caller_hears_nothing() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let capture = Capture::start(&phone.media);
    let to = phone.dial("play").media_address();
    assert!(capture.wait_for(10, Duration::from_secs(5)));

    let hold = phone.description("0", &["rtpmap:0 PCMU/8000", "inactive"]);
    phone.invite_again(Some(&hold.replace("phone 1 1", "phone 1 2")));
    let answer = phone.final_response();
    assert_eq!(answer.status(), 200);
    assert!(answer.body().contains("a=inactive"), "{}", answer.body());
    phone.ack(None);
    let before = capture.packets().len();
    assert!(
        !capture.wait_for(before + 5, Duration::from_secs(1)),
        "RFC 3264 §8.4: nothing is sent while held"
    );

    let back = phone.description("0", &["rtpmap:0 PCMU/8000", "sendrecv"]);
    phone.invite_again(Some(&back.replace("phone 1 1", "phone 1 3")));
    let answer = phone.final_response();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.media_address(), to, "the port stays");
    assert!(
        value_of(&answer.body(), "o=").is_some_and(|origin| !origin.contains(" 1 IN")),
        "RFC 3264 §5: a changed description counts its version up"
    );
    phone.ack(None);
    assert!(
        capture.wait_for(before + 30, Duration::from_secs(5)),
        "sound again"
    );
    phone.hang_up();
}

#[test]
fn a_stranger_who_speaks_first_keeps_nobody_out() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let to = phone.dial("echo").media_address();
    let packets = |stream: &mut Outgoing| -> Vec<Packet> {
        let payloads = sound::distinct_payloads(30);
        payloads.iter().map(|one| stream.audio(one)).collect()
    };
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let strangers = Capture::start(&stranger);
    send_paced(&stranger, to, &packets(&mut Outgoing::new(0)), FRAME);
    assert!(strangers.wait_for(20, Duration::from_secs(2)), "it latches");
    let capture = Capture::start(&phone.media);
    let mut stream = Outgoing {
        ssrc: 5,
        ..Outgoing::new(0)
    };
    send_paced(&phone.media, to, &packets(&mut stream), FRAME);
    assert!(
        capture.wait_for(20, Duration::from_secs(2)),
        "the signalled address takes the latch"
    );
    phone.hang_up();
}

#[test]
fn media_goes_where_it_comes_from() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let to = phone.dial("echo").media_address();
    // Behind an address translator: not the port of the description.
    let elsewhere = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let capture = Capture::start(&elsewhere);
    let mut stream = Outgoing::new(0);
    let payloads = sound::distinct_payloads(30);
    let packets: Vec<Packet> = payloads.iter().map(|one| stream.audio(one)).collect();
    send_paced(&elsewhere, to, &packets, FRAME);
    assert!(capture.wait_for(20, Duration::from_secs(2)), "it latches");
    let captured = capture.stop();

    // One latch a call: a stranger does not get it.
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let strangers = Capture::start(&stranger);
    let mut stream = Outgoing::new(0);
    stream.ssrc = 99;
    let packets: Vec<Packet> = payloads.iter().map(|one| stream.audio(one)).collect();
    send_paced(&stranger, to, &packets, FRAME);
    assert!(strangers.stop().is_empty(), "a stranger hears nothing");
    assert!(
        captured
            .iter()
            .any(|one| payloads.contains(&one.packet.payload))
    );
    phone.hang_up();
}

#[test]
fn reports_are_sent_beside_the_audio() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let port = phone.media.local_addr().expect("bound").port();
    let reports = UdpSocket::bind(("127.0.0.1", port + 1)).expect("kept free");
    reports
        .set_read_timeout(Some(Duration::from_secs(12)))
        .expect("a timeout above zero");
    phone.dial("play");
    let mut buffer = [0; 1500];
    let length = reports.recv(&mut buffer).expect("an RTCP packet");
    assert!(length >= 28, "RFC 3550 §6.4.1: a sender report");
    assert_eq!(buffer[0] >> 6, 2);
    assert_eq!(buffer[1], 200, "RFC 3550 §6.4.1: SR first, it sends");
    phone.hang_up();
}

/// Sends the payloads at their pace and waits until as many have come back.
fn echo(
    phone: &Phone,
    to: std::net::SocketAddr,
    payload_type: u8,
    payloads: &[Vec<u8>],
    interval: Duration,
) -> (Vec<Instant>, Vec<Captured>) {
    let capture = Capture::start(&phone.media);
    let mut stream = Outgoing::new(payload_type);
    let packets: Vec<Packet> = payloads.iter().map(|one| stream.audio(one)).collect();
    let sent = send_paced(&phone.media, to, &packets, interval);
    let last = payloads.last().expect("something to send");
    support::until("the last frame", Duration::from_secs(3), || {
        contains(&octets(&capture.packets()), last).then_some(())
    });
    (sent, capture.stop())
}

/// Asserts that each payload came back in a packet of its own, once and in
/// order; returns how long each took, shortest first.
fn assert_came_back(
    payloads: &[Vec<u8>],
    sent: &[Instant],
    captured: &[Captured],
) -> Vec<Duration> {
    let order: Vec<usize> = captured
        .iter()
        .filter_map(|one| payloads.iter().position(|p| *p == one.packet.payload))
        .collect();
    let all: Vec<usize> = (0..payloads.len()).collect();
    assert_eq!(order, all, "each frame comes back once and in order");
    let mut delays: Vec<Duration> = captured
        .iter()
        .filter_map(|one| {
            let index = payloads.iter().position(|p| *p == one.packet.payload)?;
            Some(one.at - sent[index])
        })
        .collect();
    delays.sort();
    delays
}

/// Calls, listens until the switch hangs up, and returns the samples heard.
fn listen(server: &Server, user: &str, formats: &str, decode: fn(u8) -> i16) -> Vec<i16> {
    let mut phone = Phone::new(server.sip());
    let capture = Capture::start(&phone.media);
    let description = phone.description(formats, &["ptime:20"]);
    phone.dial_with(user, &description);
    phone.expect_bye(Duration::from_secs(30));
    let captured = capture.stop();
    assert!(!captured.is_empty(), "nothing heard of {user}");
    assert_unbroken(&captured);
    octets(&captured).into_iter().map(decode).collect()
}

fn octets(captured: &[Captured]) -> Vec<u8> {
    captured
        .iter()
        .flat_map(|one| one.packet.payload.iter().copied())
        .collect()
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// The largest error that G.711 may add to this sample: half a step of its
/// segment, and a little for how the segments' edges are rounded.
fn coding_error(sample: i16) -> i32 {
    let magnitude = (i32::from(sample).abs() + 132).min(32_767);
    let segment = 24 - (magnitude as u32).leading_zeros() as i32;
    (1 << (segment + 2)) + 8
}

/// Prompts and the flows that play them: `chirp8`, `chirp16`, `chirp48`,
/// `twice`.
fn with_prompts() -> Settings {
    let play = |file: &str, loops: u32| {
        format!(
            r#"[{{"type": "play", "option": {{"stream_urls": ["file:{file}"], "loop": {loops}}}}},
                {{"type": "hangup"}}]"#
        )
    };
    let chirp = |path: &Path, rate: u32, channels: u16| {
        let samples = sound::chirp(300.0, 3000.0, 0.5, rate, rate as usize * 2);
        sound::write_wav(path, &samples, rate, channels);
    };
    Settings::default()
        .prompt("chirp8.wav", move |path| chirp(path, 8000, 1))
        .prompt("chirp16.wav", move |path| chirp(path, 16_000, 1))
        .prompt("chirp48.wav", move |path| chirp(path, 48_000, 2))
        .prompt("beep.wav", |path| {
            // No whole number of frames: the second begins within a packet.
            sound::write_wav(path, &sound::sine(440.0, 0.5, 8000, 4040), 8000, 1);
        })
        .flow("chirp8", &play("chirp8.wav", 1))
        .flow("chirp16", &play("chirp16.wav", 1))
        .flow("chirp48", &play("chirp48.wav", 1))
        .flow("twice", &play("beep.wav", 2))
}
