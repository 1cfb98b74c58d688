//! Whatever arrives: the server neither dies nor hangs, and calls go on.

mod support;

use std::fs;
use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

use support::phone::Phone;
use support::rtp::{Capture, Outgoing, Packet, send_paced};
use support::server::Server;
use support::sound;

/// A small generator; the same numbers in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn octets(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

#[test]
fn noise_on_the_sip_port_hurts_nobody() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    phone.dial("answer");
    let noise = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let mut dice = Dice(0x5eed);
    for length in [0, 1, 2, 3, 4, 11, 12, 100, 1499, 9000, 65_000] {
        for _ in 0..20 {
            let octets = dice.octets(length);
            noise.send_to(&octets, server.sip()).expect("sent");
        }
    }
    for text in [
        "\r\n\r\n",
        "\r\n",
        "SIP/2.0",
        "INVITE",
        "\0\0\0\0",
        "💥 SIP/2.0\r\n\r\n",
    ] {
        noise.send_to(text.as_bytes(), server.sip()).expect("sent");
    }
    assert_alive(&server, "noise");
    phone.hang_up();
}

#[test]
fn mutilated_messages_hurt_nobody() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let description = phone.usual_description();
    let whole = phone.invite("busy", Some(&description));
    phone.final_response();
    phone.ack_failure();
    let noise = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let mut dice = Dice(0xbad);
    for round in 0..3000 {
        let mut octets = whole.clone();
        for _ in 0..=dice.below(8) {
            let at = dice.below(octets.len());
            match dice.below(4) {
                0 => octets[at] = dice.next() as u8,
                1 => octets.truncate(at.max(1)),
                2 => octets.insert(at, b"\r\n:;,<>\"@ \0"[dice.below(11)]),
                _ => {
                    octets.remove(at);
                    octets.push(b'\n');
                }
            }
        }
        noise.send_to(&octets, server.sip()).expect("sent");
        if round % 500 == 499 {
            assert_alive(&server, "mutilated messages");
        }
    }
}

#[test]
fn torture_messages_are_survived() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/sip/tests/rfc4475");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(files.len() >= 49, "only {} messages", files.len());
    let server = Server::usual();
    let noise = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    for file in &files {
        let octets = fs::read(file).expect("a message");
        noise.send_to(&octets, server.sip()).expect("sent");
        assert_alive(&server, &file.display().to_string());
        let mut stream = TcpStream::connect(server.sip()).expect("connections are taken");
        stream.write_all(&octets).expect("sent");
        drop(stream);
        assert_alive(&server, &format!("{} over TCP", file.display()));
    }
}

#[test]
fn noise_on_a_media_port_does_not_spoil_a_call() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let to = phone.dial("echo").media_address();
    let capture = Capture::start(&phone.media);
    let payloads = sound::distinct_payloads(30);
    let mut stream = Outgoing::new(0);
    let packets: Vec<Packet> = payloads.iter().map(|one| stream.audio(one)).collect();
    let interval = Duration::from_millis(20);
    send_paced(&phone.media, to, &packets[..10], interval);
    assert!(capture.wait_for(3, Duration::from_secs(2)), "latched");

    let noise = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let mut dice = Dice(0x777);
    for port in [to.port(), to.port() + 1] {
        for length in [0, 1, 7, 11, 12, 13, 60, 172, 1499, 9000] {
            for _ in 0..20 {
                let mut octets = dice.octets(length);
                noise.send_to(&octets, (to.ip(), port)).expect("sent");
                // RTP version, extension bits, RTCP types: as if it were meant.
                if length > 1 {
                    octets[0] = 0x80 | (octets[0] & 0x3f);
                    octets[1] = [0, 101, 200, 201, 203][dice.below(5)];
                    noise.send_to(&octets, (to.ip(), port)).expect("sent");
                    phone
                        .media
                        .send_to(&octets[..2], (to.ip(), port))
                        .expect("sent");
                }
            }
        }
    }
    send_paced(&phone.media, to, &packets[10..], interval);
    support::until("the last frame", Duration::from_secs(3), || {
        capture
            .packets()
            .iter()
            .any(|one| Some(&one.packet.payload) == payloads.last())
            .then_some(())
    });
    phone.hang_up();
    assert_alive(&server, "noise on media ports");
}

#[test]
fn idle_and_half_open_connections_are_no_harm() {
    let server = Server::usual();
    let half = b"INVITE sip:echo@127.0.0.1 SIP/2.0\r\nVia: ";
    let connections: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(server.sip()).expect("connections are taken");
            stream.write_all(half).expect("sent");
            stream
        })
        .collect();
    assert_alive(&server, "200 half open connections");
    let mut phone = Phone::new(server.sip());
    phone.dial("answer");
    phone.hang_up();
    drop(connections);
    assert_alive(&server, "200 closed connections");
}

#[test]
fn callers_who_vanish_leave_no_media_behind() {
    let server = Server::usual();
    for _ in 0..50 {
        // The socket is gone before the 200 comes.
        let mut phone = Phone::new(server.sip());
        let description = phone.usual_description();
        phone.invite("early", Some(&description));
        phone.expect("a provisional response");
        phone.cancel();
    }
    support::until("all calls over", Duration::from_secs(10), || {
        (server.metric("strowger_calls_live") == 0).then_some(())
    });
    support::until("50 records", Duration::from_secs(5), || {
        (server.records().len() == 50).then_some(())
    });
}

/// The server still answers, over HTTP and SIP.
fn assert_alive(server: &Server, after: &str) {
    let answer = Phone::new(server.sip()).options("answer");
    assert_eq!(answer.status(), 200, "OPTIONS after {after}");
    assert_eq!(server.get("/healthz").status, 200, "/healthz after {after}");
}
