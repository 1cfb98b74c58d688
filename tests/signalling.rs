//! Calls over UDP: set up, refused, given up, changed and taken down, by SIPp
//! and by a phone that watches each datagram.

mod support;

use std::time::Duration;

use support::phone::{Phone, Received, show};
use support::server::Server;
use support::settings::Settings;
use support::sipp::Sipp;

/// Room for a busy machine when the time of a datagram is looked at.
const LATE: Duration = Duration::from_millis(200);

#[test]
fn an_answered_call_is_hung_up_by_the_caller() {
    let server = Server::usual();
    let outcome = Sipp::scenario("answer")
        .calls(5, 20)
        .hold_ms(300)
        .run(&server);
    outcome.assert_no_retransmission();
    assert_eq!(outcome.count("7_BYE_Sent"), 5);
}

#[test]
fn the_callers_that_sipp_brings_along_are_served() {
    let server = Server::usual();
    Sipp::built_in("uac")
        .user("echo")
        .calls(100, 50)
        .run(&server)
        .assert_no_retransmission();
}

#[test]
fn twenty_calls_a_second_leave_nothing_behind() {
    let server = Server::usual();
    let outcome = Sipp::scenario("answer")
        .calls(100, 20)
        .hold_ms(1500)
        .run(&server);
    outcome.assert_no_retransmission();
    support::until("100 call records", Duration::from_secs(5), || {
        (server.records().len() == 100).then_some(())
    });
    for record in server.records() {
        assert_eq!(record["hangup_reason"], "normal", "{record}");
        assert_eq!(record["sip_status"], 200, "{record}");
    }
}

#[test]
fn refused_calls_say_why() {
    let server = Server::usual();
    for (scenario, user) in [
        ("busy", "busy"),
        ("reject", "reject"),
        ("not-found", "nobody"),
    ] {
        Sipp::scenario(scenario)
            .user(user)
            .calls(3, 20)
            .run(&server)
            .assert_no_retransmission();
    }
}

#[test]
fn early_media_comes_before_the_refusal() {
    let server = Server::usual();
    Sipp::scenario("early")
        .user("early")
        .run(&server)
        .assert_no_retransmission();
}

#[test]
fn a_caller_gives_up() {
    let server = Server::usual();
    Sipp::scenario("cancel")
        .user("early")
        .calls(3, 20)
        .run(&server)
        .assert_no_retransmission();
    support::until("3 call records", Duration::from_secs(5), || {
        (server.records().len() == 3).then_some(())
    });
    for record in server.records() {
        assert_eq!(record["hangup_reason"], "cancel", "{record}");
        assert_eq!(record["hangup_by"], "remote", "{record}");
        assert_eq!(record["sip_status"], 487, "{record}");
    }
}

#[test]
fn a_call_is_held_and_taken_back() {
    let server = Server::usual();
    Sipp::scenario("reinvite")
        .user("echo")
        .run(&server)
        .assert_no_retransmission();
}

#[test]
fn a_late_offer_is_made_in_the_200_and_answered_in_the_ack() {
    let server = Server::usual();
    Sipp::scenario("late-offer")
        .hold_ms(300)
        .run(&server)
        .assert_no_retransmission();
}

#[test]
fn options_are_answered() {
    let server = Server::usual();
    Sipp::scenario("options")
        .run(&server)
        .assert_no_retransmission();
}

#[test]
fn an_invite_sent_twice_makes_one_call() {
    let server = Server::usual();
    let outcome = Sipp::scenario("invite-again").run(&server);
    assert_eq!(outcome.count("9_BYE_Sent"), 1);

    let mut phone = Phone::new(server.sip());
    let description = phone.usual_description();
    let invite = phone.invite("answer", Some(&description));
    let first = phone.final_response();
    phone.send(&invite);
    let second = phone.final_response();
    assert_eq!(
        first.bytes, second.bytes,
        "RFC 3261 §17.2.1: the same response once more"
    );
    phone.ack(None);
    phone.hang_up();
    server.record(phone.call_id());
    assert_eq!(server.records().len(), 2, "one call each");
}

#[test]
fn a_200_is_sent_again_until_its_ack_comes() {
    let server = Server::usual();
    let outcome = Sipp::scenario("late-ack").run(&server);
    assert_eq!(
        outcome.count("4_200_Retrans"),
        2,
        "after 0.5 s and 1.5 s and no more after the ACK at 2 s"
    );
    assert_eq!(outcome.retransmissions, 0, "SIPp had nothing to repeat");
}

#[test]
fn the_copies_of_a_200_are_spaced_by_the_rfc() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let description = phone.usual_description();
    phone.invite("answer", Some(&description));
    let answers: Vec<Received> = (0..3).map(|_| phone.final_response()).collect();
    phone.ack(None);
    assert_eq!(answers[0].bytes, answers[1].bytes);
    assert_spaced(&answers, &[500, 1000]);
    assert!(
        phone.receive(Duration::from_millis(2300)).is_none(),
        "the next copy would have come 2 s after the last"
    );
    phone.hang_up();
}

#[test]
fn a_refusal_is_sent_again_until_its_ack_comes() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let description = phone.usual_description();
    phone.invite("busy", Some(&description));
    let answers: Vec<Received> = (0..3).map(|_| phone.final_response()).collect();
    phone.ack_failure();
    assert_eq!(answers[0].status(), 486);
    // Timer G of RFC 3261 §17.2.1.
    assert_spaced(&answers, &[500, 1000]);
    assert!(phone.receive(Duration::from_millis(2300)).is_none());
}

#[test]
fn a_flow_that_takes_its_time_is_covered_by_100_trying() {
    let server = Server::start(&Settings::default().flow(
        "slow",
        r#"[{"type": "sleep", "option": {"duration": 700}}, {"type": "answer"},
            {"type": "sleep", "option": {"duration": 60000}}]"#,
    ));
    let mut phone = Phone::new(server.sip());
    let description = phone.usual_description();
    let start = std::time::Instant::now();
    phone.invite("slow", Some(&description));
    let trying = phone.expect("100 Trying");
    assert_eq!(trying.status(), 100, "{}", show(&trying));
    // RFC 3261 §17.2.1: within 200 ms.
    assert!(trying.at - start < Duration::from_millis(200) + LATE);
    assert_eq!(phone.final_response().status(), 200);
    phone.ack(None);
    phone.hang_up();
}

#[test]
fn responses_go_back_where_the_request_came_from() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let description = phone.usual_description();
    let invite = phone.invite("busy", Some(&description));
    let refusal = phone.final_response();
    phone.ack_failure();
    let via = refusal.header("Via").expect("a Via");
    let text = String::from_utf8_lossy(&invite).into_owned();
    let port = text
        .split("127.0.0.1:")
        .nth(2)
        .and_then(|rest| rest.split(';').next())
        .expect("the Via of the INVITE");
    assert!(via.contains(&format!("rport={port}")), "RFC 3581 §4: {via}");
    assert!(via.contains("received=127.0.0.1"), "RFC 3581 §4: {via}");
}

#[test]
fn requests_that_cannot_be_served_are_refused_by_the_rfc() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    for (what, request, status, header) in REFUSED {
        let answer = phone.raw_request(request);
        assert_eq!(answer.status(), status, "{what}: {}", show(&answer));
        if let Some((name, value)) = header {
            let found = answer.header(name).unwrap_or_default();
            assert!(found.contains(value), "{what}: {name}: {found}");
        }
    }
}

type Refused = (
    &'static str,
    &'static str,
    u16,
    Option<(&'static str, &'static str)>,
);

/// First line, headers beside the mandatory ones, and body; the answer to it.
const REFUSED: [Refused; 10] = [
    (
        "RFC 3261 §12.2.2",
        "BYE sip:answer@127.0.0.1 SIP/2.0\r\nX-To-Tag: gone\r\n\r\n",
        481,
        None,
    ),
    (
        "RFC 3261 §9.2",
        "CANCEL sip:answer@127.0.0.1 SIP/2.0\r\n\r\n",
        481,
        None,
    ),
    (
        "RFC 3261 §8.2.1",
        "PUBLISH sip:answer@127.0.0.1 SIP/2.0\r\n\r\n",
        405,
        Some(("Allow", "INVITE")),
    ),
    (
        "RFC 3261 §21.5.2",
        "MAKECOFFEE sip:answer@127.0.0.1 SIP/2.0\r\n\r\n",
        501,
        None,
    ),
    (
        "RFC 3261 §8.2.2.3",
        "OPTIONS sip:answer@127.0.0.1 SIP/2.0\r\nRequire: teleport\r\n\r\n",
        420,
        Some(("Unsupported", "teleport")),
    ),
    (
        "RFC 3261 §8.2.3",
        "INVITE sip:answer@127.0.0.1 SIP/2.0\r\nContent-Type: text/plain\r\n\r\nhello",
        415,
        Some(("Accept", "application/sdp")),
    ),
    (
        "RFC 3261 §8.2.2.1",
        "OPTIONS nobody:answer@127.0.0.1 SIP/2.0\r\n\r\n",
        416,
        None,
    ),
    (
        "RFC 3261 §21.5.6",
        "OPTIONS sip:answer@127.0.0.1 SIP/7.0\r\n\r\n",
        505,
        None,
    ),
    (
        "RFC 3264 §6",
        "INVITE sip:answer@127.0.0.1 SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n\
         v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio 9 RTP/AVP 97\r\na=rtpmap:97 SPEEX/8000\r\n",
        488,
        None,
    ),
    (
        "RFC 3261 §8.2.4",
        "INVITE sip:answer@127.0.0.1 SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n\
         this is no description",
        400,
        None,
    ),
];

fn assert_spaced(received: &[Received], expected_ms: &[u64]) {
    for (pair, expected) in received.windows(2).zip(expected_ms) {
        let gap = pair[1].at - pair[0].at;
        let expected = Duration::from_millis(*expected);
        assert!(
            gap + Duration::from_millis(20) >= expected && gap < expected + LATE,
            "{gap:?} where {expected:?} is right"
        );
    }
}
