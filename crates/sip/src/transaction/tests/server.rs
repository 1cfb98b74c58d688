//! Server transactions.

use super::*;

const UDP: Transport = Transport::Udp;

#[test]
fn an_invite_without_a_word_of_the_tu_gets_100() {
    let mut rig = Rig::new();
    let invite = incoming("INVITE", "z9hG4bK1");
    let (id, request) = rig.open(&invite, hop(UDP));
    assert!(rig.receive_udp(&invite).is_empty(), "nothing to repeat yet");
    assert_eq!(
        rig.transactions.poll_timeout().map(|it| it.1),
        Some("100 Trying")
    );
    assert_eq!(rig.run_until(1000), [(200, "100 Trying")]);
    let trying = rig.sent();
    assert_eq!(
        trying.iter().map(|it| line(it)).collect::<Vec<_>>(),
        ["SIP/2.0 100 Trying"]
    );
    assert_eq!(
        field(&trying[0], "To"),
        "<sip:echo@192.0.2.1>",
        "a 100 has no tag"
    );
    assert_eq!(sent(rig.receive_udp(&invite)), trying);
    let ringing = rig.respond(id, &request, 180);
    assert_eq!(sent(rig.receive_udp(&invite)), [ringing]);
    assert_eq!(rig.transactions.stats().retransmissions_in, 3);
    assert_eq!(rig.transactions.stats().retransmissions_out, 2);
}

#[test]
fn a_refusal_is_repeated_until_its_ack() {
    let mut rig = Rig::new();
    let (id, request) = rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
    let busy = rig.respond(id, &request, 486);
    assert_eq!(
        rig.run_until(4000),
        [(500, "Timer G"), (1500, "Timer G"), (3500, "Timer G")]
    );
    assert_eq!(rig.sent(), [busy.clone(), busy.clone(), busy.clone()]);
    assert_eq!(
        sent(rig.receive_udp(&incoming("INVITE", "z9hG4bK1"))),
        [busy]
    );
    let ack = incoming("ACK", "z9hG4bK1");
    assert!(rig.receive_udp(&ack).is_empty(), "absorbed");
    assert!(rig.receive_udp(&ack).is_empty(), "absorbed again");
    assert!(rig.receive_udp(&incoming("INVITE", "z9hG4bK1")).is_empty());
    assert_eq!(rig.run_until(20_000), [(9000, "Timer I")]);
    rig.assert_empty();
}

#[test]
fn a_refusal_over_tcp_is_sent_once_and_its_ack_ends_it() {
    let mut rig = Rig::new();
    let tcp = hop(Transport::Tcp);
    let (id, request) = rig.open(&incoming("INVITE", "z9hG4bK1"), tcp);
    rig.respond(id, &request, 603);
    assert!(rig.run_until(5000).is_empty());
    assert!(rig.receive(&incoming("ACK", "z9hG4bK1"), tcp).is_empty());
    rig.assert_empty();
}

#[test]
fn without_an_ack_the_tu_hears_of_it() {
    let mut rig = Rig::new();
    let (id, request) = rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
    rig.respond(id, &request, 486);
    assert_eq!(rig.run_until(40_000).last(), Some(&(32_000, "Timer H")));
    let out = rig.take();
    assert_eq!(out.len(), 11);
    assert!(
        matches!(out[10], TransactionOutput::ServerFailed { id: failed, failure }
        if failed == id && failure == ServerFailure::AckMissing)
    );
    assert_eq!(rig.transactions.stats().timeouts, 1);
    rig.assert_empty();
}

#[test]
fn after_a_2xx_invites_are_absorbed_and_acks_pass() {
    let mut rig = Rig::new();
    let (id, request) = rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
    rig.respond(id, &request, 200);
    assert!(rig.receive_udp(&incoming("INVITE", "z9hG4bK1")).is_empty());
    for branch in ["z9hG4bKack", "z9hG4bK1"] {
        let out = rig.receive_udp(&incoming("ACK", branch));
        assert!(
            matches!(&out[..], [TransactionOutput::Ack { .. }]),
            "{out:?}"
        );
    }
    rig.respond(id, &request, 200);
    assert_eq!(rig.run_until(60_000), [(32_000, "Timer L")]);
    assert!(rig.take().is_empty());
    rig.assert_empty();
}

#[test]
fn a_repeated_bye_gets_its_answer_again() {
    let mut rig = Rig::new();
    let bye = incoming("BYE", "z9hG4bK1");
    let (id, request) = rig.open(&bye, hop(UDP));
    assert!(rig.receive_udp(&bye).is_empty());
    let ok = rig.respond(id, &request, 200);
    assert_eq!(sent(rig.receive_udp(&bye)), [ok]);
    assert_eq!(rig.run_until(60_000), [(32_000, "Timer J")]);
    rig.assert_empty();
}

#[test]
fn over_tcp_an_answered_bye_leaves_nothing() {
    let mut rig = Rig::new();
    let (id, request) = rig.open(&incoming("BYE", "z9hG4bK1"), hop(Transport::Tcp));
    rig.respond(id, &request, 200);
    rig.assert_empty();
}

#[test]
fn a_response_that_comes_too_late_is_not_sent() {
    let mut rig = Rig::new();
    let (id, request) = rig.open(&incoming("BYE", "z9hG4bK1"), hop(UDP));
    rig.respond(id, &request, 200);
    let response = response_to(&request, 486);
    for wait in [0, 60_000] {
        rig.run_until(wait);
        let sent = rig
            .transactions
            .respond(id, &response, rig.now, &mut rig.out);
        assert!(sent.is_none());
        assert!(rig.take().is_empty());
    }
    assert_eq!(rig.transactions.stats().late_responses, 2);
    assert_eq!(rig.transactions.to_tag(id), None);
}

#[test]
fn a_cancel_is_answered_and_told() {
    let mut rig = Rig::new();
    let (id, request) = rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
    let tag = rig.transactions.to_tag(id).expect("it is there");
    let cancel = incoming("CANCEL", "z9hG4bK1");
    let mut out = rig.receive_udp(&cancel);
    assert!(matches!(out.pop(), Some(TransactionOutput::Cancel { invite, .. }) if invite == id));
    let ok = sent(out);
    assert_eq!(line(&ok[0]), "SIP/2.0 200 OK");
    assert_eq!(field(&ok[0], "CSeq"), "1 CANCEL");
    assert_eq!(
        field(&ok[0], "To"),
        format!("<sip:echo@192.0.2.1>;tag={tag}")
    );
    assert_eq!(
        sent(rig.receive_udp(&cancel)),
        ok,
        "its own transaction repeats the 200"
    );
    rig.respond(id, &request, 487);
    assert!(rig.receive_udp(&incoming("ACK", "z9hG4bK1")).is_empty());
    rig.run_until(60_000);
    rig.assert_empty();
}

#[test]
fn a_cancel_after_the_answer_has_no_effect() {
    for code in [200, 486] {
        let mut rig = Rig::new();
        let (id, request) = rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
        rig.respond(id, &request, code);
        let sent = sent(rig.receive_udp(&incoming("CANCEL", "z9hG4bK1")));
        assert_eq!(line(&sent[0]), "SIP/2.0 200 OK");
    }
}

#[test]
fn a_cancel_of_nothing_gets_481_without_state() {
    let mut rig = Rig::new();
    let cancel = incoming("CANCEL", "z9hG4bK1");
    let first = sent(rig.receive_udp(&cancel));
    assert_eq!(
        line(&first[0]),
        "SIP/2.0 481 Call/Transaction Does Not Exist"
    );
    assert!(field(&first[0], "To").contains(";tag="));
    assert_eq!(
        sent(rig.receive_udp(&cancel)),
        first,
        "the tag is the same (§8.2.7)"
    );
    assert_eq!(rig.transactions.stats().unmatched_cancels, 2);
    rig.assert_empty();
}

#[test]
fn a_cancel_of_anything_but_an_invite_gets_481() {
    let mut rig = Rig::new();
    rig.open(&incoming("OPTIONS", "z9hG4bK1"), hop(UDP));
    let sent = sent(rig.receive_udp(&incoming("CANCEL", "z9hG4bK1")));
    assert_eq!(
        line(&sent[0]),
        "SIP/2.0 481 Call/Transaction Does Not Exist"
    );
}

#[test]
fn merged_requests_get_482() {
    let mut rig = Rig::new();
    let (id, request) = rig.open(&incoming("INVITE", "z9hG4bKfirst"), hop(UDP));
    let second = incoming("INVITE", "z9hG4bKsecond");
    let refused = sent(rig.receive_udp(&second));
    assert_eq!(line(&refused[0]), "SIP/2.0 482 Loop Detected");
    assert_eq!(sent(rig.receive_udp(&second)), refused);
    assert!(
        rig.receive_udp(&incoming("ACK", "z9hG4bKsecond"))
            .is_empty()
    );
    assert_eq!(rig.transactions.stats().merged, 1);
    rig.respond(id, &request, 200);
    rig.run_until(31_000);
    let third = sent(rig.receive_udp(&incoming("INVITE", "z9hG4bKthird")));
    assert_eq!(
        line(&third[0]),
        "SIP/2.0 482 Loop Detected",
        "the first one lingers"
    );
    rig.run_until(80_000);
    rig.take();
    rig.assert_empty();
    rig.open(&incoming("INVITE", "z9hG4bKfourth"), hop(UDP));
}

#[test]
fn a_request_with_a_to_tag_or_another_cseq_is_not_merged() {
    let mut rig = Rig::new();
    rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
    let to = "To: <sip:echo@192.0.2.1>";
    let tagged = incoming("INVITE", "z9hG4bK2").replace(to, &format!("{to};tag=x"));
    rig.open(&tagged, hop(UDP));
    rig.open(
        &incoming("INVITE", "z9hG4bK3").replace("CSeq: 1", "CSeq: 2"),
        hop(UDP),
    );
    rig.open(
        &incoming("INVITE", "z9hG4bK4").replace("tag=theirs", "tag=other"),
        hop(UDP),
    );
    rig.open(
        &incoming("INVITE", "z9hG4bK5").replace("one@", "three@"),
        hop(UDP),
    );
    rig.open(&incoming("OPTIONS", "z9hG4bK6"), hop(UDP));
    assert_eq!(rig.transactions.stats().merged, 0);
}

#[test]
fn a_transport_error_is_told_and_changes_nothing() {
    let mut rig = Rig::new();
    let (id, request) = rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
    rig.open(&incoming("OPTIONS", "z9hG4bK2"), hop(UDP));
    let mut elsewhere = hop(UDP);
    elsewhere.remote.set_port(1);
    for (hop, told) in [(elsewhere, 0), (hop(Transport::Tcp), 0), (hop(UDP), 1)] {
        rig.transactions
            .handle_transport_error(hop, rig.now, &mut rig.out);
        let out = rig.take();
        assert_eq!(out.len(), told);
        assert!(out.iter().all(|output| matches!(output,
            TransactionOutput::ServerFailed { id: failed, failure: ServerFailure::Transport }
                if *failed == id)));
    }
    rig.respond(id, &request, 200);
    rig.transactions
        .handle_transport_error(hop(UDP), rig.now, &mut rig.out);
    assert!(
        rig.take().is_empty(),
        "a 2xx is the dialog's to worry about"
    );
}
