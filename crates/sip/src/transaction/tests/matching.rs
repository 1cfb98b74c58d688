//! Which message belongs to which transaction, and where responses go.

use std::net::SocketAddr;

use super::*;

const UDP: Transport = Transport::Udp;

fn request_of(text: &str) -> Request {
    match parse(text) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("not a request"),
    }
}

#[test]
fn branch_sent_by_and_method_make_the_key() {
    let first = incoming_via("OPTIONS", "phone.example.com:5071;branch=z9hG4bKabc");
    let same = [
        incoming_via("OPTIONS", "Phone.Example.COM:5071;branch=z9hG4bKABC"),
        incoming_via(
            "OPTIONS",
            "phone.example.com:5071;rport;branch=Z9HG4BKabc;x=1",
        ),
        first.replace("Call-ID: one", "Call-ID: two"),
    ];
    let different = [
        incoming_via("OPTIONS", "phone.example.com:5071;branch=z9hG4bKabd"),
        incoming_via("OPTIONS", "phone.example.com:5072;branch=z9hG4bKabc"),
        incoming_via("OPTIONS", "phone.example.com;branch=z9hG4bKabc"),
        incoming_via("OPTIONS", "192.0.2.9:5071;branch=z9hG4bKabc"),
        incoming_via("INFO", "phone.example.com:5071;branch=z9hG4bKabc"),
    ];
    let mut rig = Rig::new();
    rig.open(&first, hop(UDP));
    for text in &same {
        assert!(rig.transactions.is_known(&request_of(text)), "{text}");
        assert!(rig.receive_udp(text).is_empty(), "{text}");
    }
    for text in &different {
        assert!(!rig.transactions.is_known(&request_of(text)), "{text}");
    }
    assert_eq!(rig.transactions.len(), 1);
}

#[test]
fn no_port_and_5060_are_the_same_sent_by() {
    let mut rig = Rig::new();
    rig.open(
        &incoming_via("OPTIONS", "192.0.2.9;branch=z9hG4bK1"),
        hop(UDP),
    );
    let with_port = incoming_via("OPTIONS", "192.0.2.9:5060;branch=z9hG4bK1");
    assert!(rig.receive_udp(&with_port).is_empty());
}

#[test]
fn overload_control_can_tell_what_is_known() {
    let mut rig = Rig::new();
    rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
    for (method, branch, known) in [
        ("INVITE", "z9hG4bK1", true),
        ("ACK", "z9hG4bK1", true),
        ("CANCEL", "z9hG4bK1", true),
        ("BYE", "z9hG4bK1", false),
        ("INVITE", "z9hG4bK2", false),
        ("CANCEL", "z9hG4bK2", false),
    ] {
        let request = request_of(&incoming(method, branch));
        assert_eq!(
            rig.transactions.is_known(&request),
            known,
            "{method} {branch}"
        );
    }
}

#[test]
fn without_the_magic_cookie_rfc_2543_matches() {
    let invite = incoming_via("INVITE", "192.0.2.9:5071");
    let ack = incoming_via("ACK", "192.0.2.9:5071").replace("192.0.2.1>", "192.0.2.1>;tag=ours");
    let mut rig = Rig::new();
    let (id, request) = rig.open(&invite, hop(UDP));
    let ringing = rig.respond(id, &request, 180);
    assert_eq!(sent(rig.receive_udp(&invite)), [ringing]);
    let cancel = incoming_via("CANCEL", "192.0.2.9:5071");
    assert!(rig.transactions.is_known(&request_of(&cancel)));
    for (from, to) in [
        ("sip:echo@192.0.2.1 SIP", "sip:play@192.0.2.1 SIP"),
        ("tag=theirs", "tag=other"),
        ("Call-ID: one", "Call-ID: two"),
        ("CSeq: 1", "CSeq: 2"),
        ("9:5071", "9:5072"),
        ("9:5071", "9:5071;branch=1"),
    ] {
        let other = invite.replacen(from, to, 1);
        assert_ne!(other, invite);
        assert!(!rig.transactions.is_known(&request_of(&other)), "{to}");
    }
    rig.respond(id, &request, 486);
    assert!(rig.receive_udp(&ack).is_empty(), "absorbed");
    assert_eq!(rig.run_until(60_000), [(5000, "Timer I")]);
}

#[test]
fn the_tag_of_a_stateless_answer_follows_the_request() {
    let rig = Rig::new();
    let tag = |branch| {
        let request = request_of(&incoming("INVITE", branch));
        rig.transactions.stateless_tag(&request)
    };
    assert_eq!(tag("z9hG4bK1").len(), 16);
    assert_eq!(tag("z9hG4bK1"), tag("z9hG4bK1"));
    assert_ne!(tag("z9hG4bK1"), tag("z9hG4bK2"));
}

#[test]
fn a_stray_ack_goes_up() {
    let mut rig = Rig::new();
    let out = rig.receive_udp(&incoming("ACK", "z9hG4bK1"));
    assert!(matches!(&out[..], [TransactionOutput::Ack { hop: from, .. }] if *from == hop(UDP)));
    rig.assert_empty();
}

#[test]
fn a_message_without_a_usable_via_is_dropped_and_counted() {
    let mut rig = Rig::new();
    let whole = incoming("INVITE", "z9hG4bK1");
    let via = "Via: SIP/2.0/UDP 192.0.2.9:5071;branch=z9hG4bK1\r\n";
    for broken in [
        "",
        "Via: \r\n",
        "Via: SIP/2.0\r\n",
        "Via: SIP/2.0/UDP :5060\r\n",
    ] {
        let text = whole.replace(via, broken);
        assert!(rig.receive_udp(&text).is_empty(), "{broken}");
        assert!(!rig.transactions.is_known(&request_of(&text)));
        let response = text.replace("INVITE sip:echo@192.0.2.1 SIP/2.0", "SIP/2.0 200 OK");
        assert!(rig.receive_udp(&response).is_empty(), "{broken}");
    }
    let request = request_of(&whole.replace(via, ""));
    let response = response_to(&request, 400);
    rig.transactions
        .respond_stateless(&request, hop(UDP), &response, &mut rig.out);
    assert!(rig.take().is_empty());
    assert_eq!(rig.transactions.stats().unusable_via, 9);
    rig.assert_empty();
}

#[test]
fn the_tu_sees_where_a_request_came_from() {
    let mut rig = Rig::new();
    let via = "10.0.0.1:5071;rport;branch=z9hG4bK1";
    let (_, request) = rig.open(&incoming_via("OPTIONS", via), hop(UDP));
    let via = request.headers.top_via().unwrap();
    assert_eq!(via.received(), Some(hop(UDP).remote.ip()));
    assert_eq!(via.rport(), Some(5071));
}

#[test]
fn responses_go_back_by_the_top_via() {
    let connection = hop(Transport::Tcp).connection;
    for (transport, via, port) in [
        (Transport::Udp, "10.0.0.1:5099;branch=z9hG4bK1", 5099),
        (Transport::Udp, "10.0.0.1;branch=z9hG4bK1", 5060),
        (Transport::Udp, "10.0.0.1:5099;rport;branch=z9hG4bK1", 5071),
        (
            Transport::Udp,
            "10.0.0.1:5099;rport=1;received=203.0.113.1;branch=z9hG4bK1",
            5071,
        ),
        (
            Transport::Udp,
            "10.0.0.1:5099;maddr=203.0.113.1;branch=z9hG4bK1",
            5099,
        ),
        (Transport::Tcp, "10.0.0.1:5099;branch=z9hG4bK1", 5099),
        (Transport::Tcp, "10.0.0.1:5099;rport;branch=z9hG4bK1", 5099),
    ] {
        let mut rig = Rig::new();
        let text = incoming_via("OPTIONS", via);
        let (id, request) = rig.open(&text, hop(transport));
        let response = response_to(&request, 200);
        let now = rig.now;
        let sent = rig.transactions.respond(id, &response, now, &mut rig.out);
        let (reply, _) = sent.unwrap();
        assert_eq!(
            reply.remote,
            SocketAddr::from(([192, 0, 2, 9], port)),
            "{via}"
        );
        assert_eq!(
            reply.connection,
            connection.filter(|_| transport.is_reliable())
        );
        rig.take();
        rig.transactions
            .respond_stateless(&request, hop(transport), &response, &mut rig.out);
        let out = rig.take();
        assert!(matches!(&out[..], [TransactionOutput::Send { hop, .. }] if *hop == reply));
    }
}
