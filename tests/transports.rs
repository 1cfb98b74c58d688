//! The same calls over TCP and over IPv6, and how a stream is cut into messages.

mod support;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use support::server::Server;
use support::sipp::Sipp;

#[test]
fn calls_share_a_connection() {
    let server = Server::usual();
    Sipp::scenario("answer")
        .transport("t1")
        .calls(10, 20)
        .hold_ms(200)
        .run(&server)
        .assert_no_retransmission();
}

#[test]
fn calls_have_a_connection_each() {
    let server = Server::usual();
    Sipp::scenario("echo")
        .user("echo")
        .transport("tn")
        .calls(5, 20)
        .hold_ms(1000)
        .run(&server)
        .assert_no_retransmission();
}

#[test]
fn the_server_hangs_up_over_tcp() {
    let server = Server::usual();
    Sipp::scenario("play")
        .user("play")
        .transport("t1")
        .run(&server)
        .assert_no_retransmission();
}

#[test]
fn refusals_go_over_tcp() {
    let server = Server::usual();
    Sipp::scenario("busy")
        .user("busy")
        .transport("t1")
        .calls(3, 20)
        .run(&server)
        .assert_no_retransmission();
}

#[test]
fn calls_come_over_ipv6() {
    let server = Server::usual();
    for transport in ["u1", "t1"] {
        Sipp::scenario("answer")
            .transport(transport)
            .ipv6()
            .calls(5, 20)
            .hold_ms(200)
            .run(&server)
            .assert_no_retransmission();
    }
}

#[test]
fn audio_goes_over_ipv6() {
    let server = Server::usual();
    Sipp::scenario("echo")
        .user("echo")
        .ipv6()
        .calls(2, 20)
        .hold_ms(2000)
        .run(&server)
        .assert_no_retransmission();
    support::until("2 call records", Duration::from_secs(5), || {
        (server.records().len() == 2).then_some(())
    });
    for record in server.records() {
        let media = &record["media"];
        assert!(media["packets_received"].as_u64() > Some(80), "{record}");
        assert!(media["packets_sent"].as_u64() > Some(80), "{record}");
    }
}

#[test]
fn a_late_offer_and_a_re_invite_come_over_ipv6() {
    let server = Server::usual();
    Sipp::scenario("late-offer").ipv6().run(&server);
    Sipp::scenario("reinvite").user("echo").ipv6().run(&server);
}

#[test]
fn a_stream_is_cut_by_content_length() {
    let server = Server::usual();
    for address in [server.sip(), server.sip_v6()] {
        let mut stream = connect(address);
        let (one, two) = (options(address, 1), options(address, 2));
        // Two in one segment, one of them with a body.
        stream.write_all((one + &two).as_bytes()).expect("sent");
        assert_eq!(statuses(&mut stream, 2), [200, 200]);

        // One in many segments.
        for octet in options(address, 3).as_bytes() {
            stream.write_all(&[*octet]).expect("sent");
        }
        assert_eq!(statuses(&mut stream, 1), [200]);
    }
}

#[test]
fn a_keep_alive_is_answered() {
    let server = Server::usual();
    let mut stream = connect(server.sip());
    stream.write_all(b"\r\n\r\n").expect("sent");
    let mut pong = [0; 2];
    stream
        .read_exact(&mut pong)
        .expect("RFC 5626 §3.5.1: a pong");
    assert_eq!(&pong, b"\r\n");
    stream
        .write_all(options(server.sip(), 4).as_bytes())
        .expect("sent");
    assert_eq!(statuses(&mut stream, 1), [200]);
}

#[test]
fn a_stream_without_frames_is_refused_and_closed() {
    let server = Server::usual();
    let whole = options(server.sip(), 5);
    let length = whole.find("Content-Length").expect("it has one");
    let headless = format!("{}\r\n", &whole[..length]);
    let huge = whole.replace("Content-Length: 3", "Content-Length: 99999999");
    for (what, text, status) in [
        ("RFC 3261 §18.3: no Content-Length", headless, Some("400")),
        ("RFC 3261 §21.4.11: too large a body", huge, Some("413")),
        ("an endless line", "x".repeat(200_000), None),
    ] {
        let mut stream = connect(server.sip());
        // The other side may close before all is written.
        let _ = stream.write_all(text.as_bytes());
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{what}: {error}"),
        }
        let answer = String::from_utf8_lossy(&answer);
        if let Some(status) = status {
            assert!(
                answer.starts_with(&format!("SIP/2.0 {status}")),
                "{what}: {answer}"
            );
        }
    }
    let mut stream = connect(server.sip());
    stream
        .write_all(options(server.sip(), 6).as_bytes())
        .expect("sent");
    assert_eq!(statuses(&mut stream, 1), [200]);
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server takes connections");
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a timeout above zero");
    stream.set_nodelay(true).expect("an open connection");
    stream
}

fn options(address: SocketAddr, number: u32) -> String {
    format!(
        "OPTIONS sip:answer@{address} SIP/2.0\r\n\
         Via: SIP/2.0/TCP {address};branch=z9hG4bKo{number}{}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:a@b.invalid>;tag=1\r\nTo: <sip:answer@{address}>\r\n\
         Call-ID: o{number}\r\nCSeq: {number} OPTIONS\r\n\
         Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc",
        address.is_ipv6()
    )
}

/// Status codes of the next responses on the stream, each without a body.
fn statuses(stream: &mut TcpStream, count: usize) -> Vec<u16> {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while text.matches("\r\n\r\n").count() < count {
        let length = stream.read(&mut buffer).expect("responses");
        assert!(length > 0, "closed after {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    text.lines()
        .filter_map(|line| line.strip_prefix("SIP/2.0 "))
        .map(|line| line[..3].parse().expect("a status"))
        .collect()
}
