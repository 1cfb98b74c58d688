//! A call that comes in, by the rows of the table in `call/mod.rs`: messages in,
//! messages, media orders, events and the record out.

mod support;

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;
use strowger_media::vocabulary::{Direction, PlayEnd, PortStats};
use strowger_sip::transport::Transport;
use strowger_switch::config::Routes;
use strowger_switch::dial_plan::{DialEntry, DialMatch, DialPlan};
use strowger_switch::effect::MediaOrder;
use strowger_switch::flow::{Flow, FlowSet};
use strowger_switch::input::Control;

use support::{Bench, Caller, OFFER};

fn routes() -> Routes {
    let flows = [
        ("echo", json!([{"type": "answer"}, {"type": "echo"}])),
        (
            "play",
            json!([{"type": "play", "option": {"stream_urls": ["prompt.wav"]}}]),
        ),
        (
            "wait",
            json!([{"type": "sleep", "option": {"duration": 3_600_000}}]),
        ),
        (
            "busy",
            json!([{"type": "hangup", "option": {"reason": "busy"}}]),
        ),
        (
            "menu",
            json!([
                {"type": "digits_receive", "option": {"length": 2, "duration": 5000}},
                {"type": "branch", "option": {"target_ids": {"42": "found"}}},
                {"type": "hangup", "option": {"reason": "reject"}},
                {"id": "found", "type": "play", "option": {"stream_urls": ["found.wav"]}}
            ]),
        ),
        (
            "early",
            json!([
                {"type": "play", "option": {"stream_urls": ["prompt.wav"], "early_media": true}},
                {"type": "hangup", "option": {"reason": "busy"}}
            ]),
        ),
    ];
    let mut set = FlowSet::default();
    let mut rules = Vec::new();
    for (name, actions) in flows {
        set.insert(Flow::from_json(name, &actions).expect("a flow"));
        rules.push(DialEntry {
            users: DialMatch::Exact(name.into()),
            flow: name.into(),
        });
    }
    Routes {
        flows: set,
        dial_plan: DialPlan::new(rules).expect("a dial plan"),
    }
}

/// Calls `echo` and acknowledges.
fn call_up(bench: &mut Bench, caller: &mut Caller) {
    bench.receive(&caller.invite(OFFER));
    caller.heard(bench.last("SIP/2.0 200"));
    bench.receive(&caller.ack(""));
    bench.said();
}

#[test]
fn a_call_is_answered_echoes_and_ends_with_the_callers_bye() {
    let mut bench = Bench::new(routes());
    let mut caller = Caller::new("echo", "c1");
    bench.receive(&caller.invite(OFFER));
    let answer = bench.last("SIP/2.0 200 OK").to_owned();
    for part in [
        "m=audio 4000 RTP/AVP 0 101",
        "Contact: <sip:echo@127.0.0.1:5060>",
        "Allow:",
    ] {
        assert!(answer.contains(part), "{part} is missing in\n{answer}");
    }
    caller.heard(&answer);
    let (_, config) = bench.port();
    assert_eq!(config.remote_rtp, Some("127.0.0.1:30000".parse().unwrap()));
    assert!(matches!(
        bench.orders.last(),
        Some(MediaOrder::Echo { on: true, .. })
    ));
    bench.receive(&caller.ack(""));
    bench.pass(Duration::from_secs(3));
    bench.receive(&caller.bye());
    assert_eq!(bench.said(), ["SIP/2.0 200 OK", "SIP/2.0 200 OK"]);
    assert!(
        bench.records.is_empty(),
        "the record waits for the port's figures"
    );
    bench.port_closed(PortStats {
        packets_received: 150,
        mos_x100: 441,
        ..Default::default()
    });
    let record = &bench.records[0];
    assert_eq!(
        (record.hangup_by, record.hangup_reason, record.codec),
        ("remote", "normal", "PCMU")
    );
    assert_eq!(record.answer_ms, Some(record.start_ms));
    assert_eq!(
        (record.end_ms - record.start_ms, record.sip_status),
        (3000, 200)
    );
    assert_eq!(record.source_name, "Ann");
    let media = record.media.as_ref().unwrap();
    assert_eq!((media.packets_received, media.mos), (150, Some(4.41)));
    bench.at_rest();
    assert_eq!(bench.records.len(), 1);
}

#[test]
fn what_an_unanswered_caller_gets() {
    let table = [
        ("busy", "SIP/2.0 486 Busy Here", Some("busy")),
        ("nobody", "SIP/2.0 404 Not Found", None),
    ];
    for (user, status, reason) in table {
        let mut bench = Bench::new(routes());
        let mut caller = Caller::new(user, "c2");
        bench.receive(&caller.invite(OFFER));
        caller.heard(bench.last(status));
        bench.receive(&caller.ack(""));
        assert_eq!(bench.said(), [status]);
        let reasons: Vec<_> = bench
            .records
            .iter()
            .map(|record| record.hangup_reason)
            .collect();
        assert_eq!(reasons, reason.into_iter().collect::<Vec<_>>(), "{user}");
        bench.at_rest();
    }
}

#[test]
fn a_prompt_is_played_and_then_the_switch_hangs_up() {
    let mut bench = Bench::new(routes());
    let mut caller = Caller::new("play", "c3");
    call_up(&mut bench, &mut caller);
    assert_eq!(bench.playing().1, ["prompt.wav"]);
    bench.play_done(PlayEnd::Finished);
    let bye = bench.last("BYE sip:a@127.0.0.1:5080 SIP/2.0").to_owned();
    bench.receive(&answer_to(&bye, "200 OK"));
    bench.port_closed(PortStats::default());
    assert_eq!(bench.records[0].hangup_by, "local");
    assert_eq!(bench.records[0].media.as_ref().unwrap().mos, None);
    bench.at_rest();
}

#[test]
fn digits_choose_the_way_and_are_counted_as_events() {
    let mut bench = Bench::new(routes());
    let mut caller = Caller::new("menu", "c28");
    call_up(&mut bench, &mut caller);
    bench.digit('4');
    assert!(
        !bench
            .orders
            .iter()
            .any(|order| matches!(order, MediaOrder::Play { .. }))
    );
    bench.digit('2');
    assert_eq!(bench.playing().1, ["found.wav"]);
    let digits = bench.events.iter().filter(|name| *name == "dtmf_received");
    assert_eq!(digits.count(), 2);
}

#[test]
fn a_bye_that_crosses_ours_is_answered() {
    let mut bench = Bench::new(routes());
    let mut caller = Caller::new("play", "c29");
    call_up(&mut bench, &mut caller);
    bench.play_done(PlayEnd::Finished);
    let ours = bench.last("BYE ").to_owned();
    bench.said();
    let theirs = caller.bye();
    bench.receive(&theirs);
    assert_eq!(bench.said(), ["SIP/2.0 200 OK"]);
    bench.receive(&answer_to(&ours, "200 OK"));
    bench.port_closed(PortStats::default());
    assert_eq!(bench.records[0].hangup_by, "local");
    bench.at_rest();
}

#[test]
fn the_bye_waits_for_the_ack() {
    let mut bench = Bench::new(routes());
    let mut caller = Caller::new("play", "c4");
    bench.receive(&caller.invite(OFFER));
    caller.heard(bench.last("SIP/2.0 200"));
    bench.said();
    bench.play_done(PlayEnd::Finished);
    bench.port_closed(PortStats::default());
    assert!(bench.said().is_empty());
    bench.receive(&caller.ack(""));
    let bye = bench.last("BYE ").to_owned();
    bench.receive(&answer_to(&bye, "200 OK"));
    assert_eq!(bench.records[0].hangup_reason, "normal");
    bench.at_rest();
}

#[test]
fn a_200_is_repeated_until_its_ack_and_then_given_up_with_a_bye() {
    let mut bench = Bench::new(routes());
    let caller = Caller::new("echo", "c5");
    bench.receive(&caller.invite(OFFER));
    bench.said();
    bench.pass(Duration::from_millis(31_900));
    // 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5 s
    assert_eq!(bench.said(), vec!["SIP/2.0 200 OK"; 10]);
    bench.pass(Duration::from_millis(200));
    bench.last("BYE ");
    bench.port_closed(PortStats::default());
    bench.at_rest();
    assert_eq!(bench.records[0].hangup_reason, "failed");
    assert_eq!(bench.switch.stats().acks_missed, 1);
}

#[test]
fn early_media_comes_with_183_and_the_refusal_after_it() {
    let mut bench = Bench::new(routes());
    let caller = Caller::new("early", "c6");
    bench.receive(&caller.invite(OFFER));
    assert!(bench.last("SIP/2.0 183").contains("m=audio 4000"));
    bench.play_done(PlayEnd::Finished);
    bench.port_closed(PortStats::default());
    bench.receive(&caller.ack(""));
    assert_eq!(
        bench.said(),
        ["SIP/2.0 183 Session Progress", "SIP/2.0 486 Busy Here"]
    );
    bench.at_rest();
    assert_eq!(bench.records[0].hangup_reason, "busy");
}

#[test]
fn cancel_ends_an_unanswered_call() {
    let mut bench = Bench::new(routes());
    let caller = Caller::new("early", "c7");
    bench.receive(&caller.invite(OFFER));
    bench.said();
    bench.receive(&caller.cancel());
    let tags: HashSet<_> = bench.sent.iter().map(|message| to_tag(message)).collect();
    assert_eq!(tags.len(), 1, "RFC 3261 §9.2: the INVITE's tag");
    assert_eq!(
        bench.said(),
        ["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"]
    );
    bench.receive(&caller.ack(""));
    bench.port_closed(PortStats::default());
    bench.at_rest();
    let record = &bench.records[0];
    assert_eq!(
        (record.hangup_by, record.hangup_reason),
        ("remote", "cancel")
    );
    assert_eq!(record.sip_status, 487);
}

#[test]
fn a_cancel_after_the_answer_changes_nothing() {
    let mut bench = Bench::new(routes());
    let mut caller = Caller::new("echo", "c8");
    bench.receive(&caller.invite(OFFER));
    caller.heard(bench.last("SIP/2.0 200"));
    bench.said();
    bench.receive(&Caller::new("echo", "c8").cancel());
    assert_eq!(bench.said(), ["SIP/2.0 200 OK"]);
    assert_eq!(bench.table.live(), 1);
}

#[test]
fn a_late_offer_is_answered_in_the_ack() {
    let mut bench = Bench::new(routes());
    let mut caller = Caller::new("echo", "c9");
    bench.receive(&caller.invite(""));
    let offer = bench.last("SIP/2.0 200").to_owned();
    assert!(offer.contains("m=audio 4000 RTP/AVP 0 8 101"), "{offer}");
    caller.heard(&offer);
    assert_eq!(bench.port().1.remote_rtp, None);
    assert!(
        !bench
            .orders
            .iter()
            .any(|order| matches!(order, MediaOrder::Echo { .. }))
    );
    bench.receive(&caller.ack(OFFER));
    assert_eq!(
        bench.port().1.remote_rtp,
        Some("127.0.0.1:30000".parse().unwrap())
    );
    assert!(matches!(
        bench.orders.last(),
        Some(MediaOrder::Echo { on: true, .. })
    ));
}

#[test]
fn a_late_offer_without_answer_ends_the_call() {
    let mut bench = Bench::new(routes());
    let mut caller = Caller::new("echo", "c10");
    bench.receive(&caller.invite(""));
    caller.heard(bench.last("SIP/2.0 200"));
    bench.receive(&caller.ack(""));
    bench.last("BYE ");
}

#[test]
fn a_reinvite_holds_and_resumes() {
    let mut bench = Bench::new(routes());
    let mut caller = Caller::new("echo", "c11");
    call_up(&mut bench, &mut caller);
    let held = OFFER
        .replace("t=0 0\r\n", "t=0 0\r\na=sendonly\r\n")
        .replace("1 1 IN", "1 2 IN");
    bench.receive(&caller.reinvite(&held));
    assert!(bench.last("SIP/2.0 200").contains("a=recvonly"));
    bench.receive(&caller.ack(""));
    assert_eq!(bench.port().1.direction, Direction::RecvOnly);
    let bad = OFFER
        .replace("RTP/AVP 0 101", "RTP/AVP 18")
        .replace("1 1 IN", "1 3 IN");
    bench.receive(&caller.reinvite(&bad));
    bench.last("SIP/2.0 488");
    bench.receive(&caller.ack(""));
    assert_eq!(bench.port().1.direction, Direction::RecvOnly, "as it was");
    bench.receive(&caller.reinvite(&OFFER.replace("1 1 IN", "1 4 IN")));
    assert!(bench.last("SIP/2.0 200").contains("m=audio 4000"));
    bench.receive(&caller.ack(""));
    assert_eq!(bench.port().1.direction, Direction::SendRecv);
}

#[test]
fn requests_that_are_refused() {
    let table = [
        ("MESSAGE", "", "SIP/2.0 405"),
        ("REGISTER", "", "SIP/2.0 405"),
        ("FROBNICATE", "", "SIP/2.0 501"),
        // RFC 3261 §8.2: the method comes before what the headers demand.
        ("MESSAGE", "Require: 100rel\r\n", "SIP/2.0 405"),
        ("FROBNICATE", "Require: 100rel\r\n", "SIP/2.0 501"),
        ("BYE", "", "SIP/2.0 481"),
        ("OPTIONS", "Require: 100rel\r\n", "SIP/2.0 420"),
        ("OPTIONS", "Content-Encoding: gzip\r\n", "SIP/2.0 415"),
        ("OPTIONS", "", "SIP/2.0 200"),
        ("CANCEL", "", "SIP/2.0 481"),
    ];
    for (n, (method, more, status)) in table.into_iter().enumerate() {
        let mut bench = Bench::new(routes());
        let caller = Caller::new("echo", "c12");
        bench.receive(&caller.request(method, &format!("x{n}"), more, ""));
        bench.last(status);
        if status.ends_with("420") {
            assert!(bench.last(status).contains("Unsupported: 100rel"));
        }
        bench.at_rest();
    }
}

#[test]
fn a_message_beyond_the_limit_gets_513_and_leaves_nothing() {
    let mut bench = Bench::with(routes(), Transport::Udp, |config| {
        config.message.max_message_bytes = 600;
    });
    let caller = Caller::new("echo", "c29");
    bench.receive(&caller.invite(&format!("{OFFER}a={}\r\n", "x".repeat(600))));
    bench.last("SIP/2.0 513");
    bench.receive(&caller.ack(&"x".repeat(700)));
    bench.receive(&"x".repeat(700));
    assert_eq!(bench.said(), ["SIP/2.0 513 Message Too Large"]);
    assert_eq!(bench.switch.stats().transactions_live, 0);
}

#[test]
fn an_invite_that_cannot_be_answered() {
    let text = OFFER.replace("RTP/AVP 0 101", "RTP/AVP 18");
    let table = [
        (text.as_str(), "SIP/2.0 488"),
        ("no description", "SIP/2.0 400"),
    ];
    for (body, status) in table {
        let mut bench = Bench::new(routes());
        let caller = Caller::new("echo", "c13");
        bench.receive(&caller.invite(body));
        let refusal = bench.last(status);
        assert_eq!(
            refusal.contains("\r\nWarning: 305 "),
            status.ends_with("488")
        );
        bench.receive(&caller.ack(""));
        bench.at_rest();
        assert_eq!(bench.records[0].hangup_reason, "failed");
    }
}

#[test]
fn past_the_limits_a_new_call_is_told_to_come_back() {
    let mut bench = Bench::with(routes(), Transport::Udp, |config| {
        config.limits.max_calls = 1;
    });
    let mut first = Caller::new("echo", "c14");
    call_up(&mut bench, &mut first);
    bench.receive(&Caller::new("echo", "c15").invite(OFFER));
    assert!(bench.last("SIP/2.0 503").contains("Retry-After: 7"));
    bench.receive(&first.bye());
    bench.last("SIP/2.0 200");
    bench.port_closed(PortStats::default());
    bench.receive(&Caller::new("echo", "c16").invite(OFFER));
    bench.last("SIP/2.0 200");

    let mut bench = Bench::with(routes(), Transport::Udp, |config| {
        config.limits.max_calls_per_second = 1;
    });
    bench.receive(&Caller::new("busy", "c17").invite(OFFER));
    bench.last("SIP/2.0 486");
    bench.receive(&Caller::new("busy", "c18").invite(OFFER));
    bench.last("SIP/2.0 503");
}

#[test]
fn without_a_media_port_a_call_is_refused() {
    let mut bench = Bench::with(routes(), Transport::Udp, |config| {
        config.media_workers = 1;
        config.max_ports_per_worker = 1;
    });
    call_up(&mut bench, &mut Caller::new("echo", "c19"));
    bench.receive(&Caller::new("echo", "c20").invite(OFFER));
    bench.last("SIP/2.0 503");
}

#[test]
fn a_drain_refuses_new_calls_and_ends_the_old_ones_in_time() {
    let mut bench = Bench::new(routes());
    let mut caller = Caller::new("echo", "c21");
    call_up(&mut bench, &mut caller);
    bench.control(Control::Drain);
    bench.receive(&Caller::new("echo", "c22").invite(OFFER));
    bench.last("SIP/2.0 503");
    bench.said();
    bench.pass(Duration::from_millis(9_900));
    assert!(bench.said().is_empty() && !bench.drained);
    bench.pass(Duration::from_millis(200));
    let bye = bench.last("BYE ").to_owned();
    bench.receive(&answer_to(&bye, "200 OK"));
    assert!(!bench.drained);
    bench.port_closed(PortStats::default());
    assert!(bench.drained);
}

#[test]
fn an_idle_switch_is_drained_at_once() {
    let mut bench = Bench::new(routes());
    bench.control(Control::Drain);
    assert!(bench.drained);
}

#[test]
fn the_longest_duration_and_the_ring_timeout_end_a_call() {
    let mut bench = Bench::with(routes(), Transport::Udp, |config| {
        config.limits.max_call_duration = Duration::from_mins(1);
    });
    let mut caller = Caller::new("echo", "c23");
    call_up(&mut bench, &mut caller);
    bench.pass(Duration::from_millis(60_100));
    let bye = bench.last("BYE ").to_owned();
    bench.receive(&answer_to(&bye, "481 Gone"));
    bench.port_closed(PortStats::default());
    assert_eq!(bench.records[0].hangup_reason, "timeout");

    bench.said();
    bench.receive(&Caller::new("wait", "c24").invite(OFFER));
    bench.pass(Duration::from_secs(31));
    assert_eq!(
        bench.said()[..2],
        ["SIP/2.0 100 Trying", "SIP/2.0 480 Temporarily Unavailable"]
    );
    assert_eq!(bench.records[1].hangup_reason, "noanswer");
}

#[test]
fn a_worker_that_never_closes_a_port_does_not_keep_the_call() {
    let mut bench = Bench::new(routes());
    let mut caller = Caller::new("echo", "c25");
    call_up(&mut bench, &mut caller);
    bench.receive(&caller.bye());
    bench.pass(Duration::from_secs(35));
    assert_eq!(bench.records.len(), 1);
    assert!(bench.records[0].media.is_none());
    bench.port_closed(PortStats::default());
    bench.at_rest();
}

#[test]
fn a_dialog_hears_only_what_belongs_to_it() {
    let mut bench = Bench::new(routes());
    let mut caller = Caller::new("echo", "c26");
    call_up(&mut bench, &mut caller);
    let mut stranger = Caller::new("echo", "c27");
    stranger.to_tag.clone_from(&caller.to_tag);
    bench.receive(&stranger.bye());
    bench.last("SIP/2.0 481");
    let old = caller.request("BYE", "old", "", "");
    bench.receive(&old.replace("CSeq: 1 BYE", "CSeq: 0 BYE"));
    bench.last("SIP/2.0 500");
    bench.receive(
        &caller
            .request("OPTIONS", "opt", "", "")
            .replace("CSeq: 1", "CSeq: 2"),
    );
    bench.last("SIP/2.0 200");
    caller.cseq = 2;
    bench.receive(&caller.bye());
    bench.last("SIP/2.0 200");
}

/// A response to a request of the switch.
fn answer_to(request: &str, status: &str) -> String {
    let keep = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
    let headers: Vec<_> = request
        .lines()
        .filter(|line| keep.iter().any(|name| line.starts_with(name)))
        .collect();
    format!(
        "SIP/2.0 {status}\r\n{}\r\nContent-Length: 0\r\n\r\n",
        headers.join("\r\n")
    )
}

fn to_tag(message: &str) -> Option<&str> {
    let to = message.lines().find(|line| line.starts_with("To:"))?;
    to.split_once(";tag=").map(|(_, tag)| tag)
}
