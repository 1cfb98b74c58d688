//! Client transactions.

use super::*;

const UDP: Transport = Transport::Udp;

fn response(out: &[TransactionOutput]) -> Option<u16> {
    match out {
        [TransactionOutput::Response { response, .. }] => Some(response.status.code()),
        _ => None,
    }
}

#[test]
fn a_request_goes_out_under_our_via() {
    let mut rig = Rig::new();
    let (_, invite) = rig.request(&outgoing("INVITE"), hop(UDP));
    let via = invite.lines().nth(1).unwrap();
    assert!(
        via.starts_with("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"),
        "{via}"
    );
    assert!(via.ends_with(";rport"), "{via}");
    let (_, again) = rig.request(&outgoing("OPTIONS"), hop(UDP));
    assert_ne!(again.lines().nth(1).unwrap(), via);
}

#[test]
fn an_invite_without_an_answer_times_out() {
    let mut rig = Rig::new();
    let (id, invite) = rig.request(&outgoing("INVITE"), hop(UDP));
    let times = [500, 1500, 3500, 7500, 15_500, 31_500];
    let mut expected = times.map(|at| (at, "Timer A")).to_vec();
    expected.push((32_000, "Timer B"));
    assert_eq!(rig.run_until(60_000), expected);
    let mut out = rig.take();
    assert!(matches!(out.pop(), Some(TransactionOutput::TimedOut { id: ended }) if ended == id));
    assert_eq!(sent(out), vec![invite; 6]);
    rig.assert_empty();
}

#[test]
fn a_refusal_is_acknowledged_each_time_and_told_once() {
    let mut rig = Rig::new();
    let (id, invite) = rig.request(&outgoing("INVITE"), hop(UDP));
    let busy = answer(&invite, 486);
    let mut out = rig.receive_udp(&busy);
    assert!(matches!(out.pop(), Some(TransactionOutput::Response { id: of, .. }) if of == id));
    let acks = sent(out);
    assert_eq!(line(&acks[0]), "ACK sip:bob@192.0.2.9:5071 SIP/2.0");
    assert_eq!(field(&acks[0], "Via"), field(&invite, "Via"));
    assert_eq!(field(&acks[0], "To"), "<sip:bob@example.com>;tag=theirs");
    assert_eq!(field(&acks[0], "From"), field(&invite, "From"));
    assert_eq!(field(&acks[0], "Call-ID"), field(&invite, "Call-ID"));
    assert_eq!(field(&acks[0], "Route"), field(&invite, "Route"));
    assert_eq!(field(&acks[0], "CSeq"), "9 ACK");
    assert_eq!(field(&acks[0], "Max-Forwards"), "70");
    assert_eq!(sent(rig.receive_udp(&busy)), acks);
    assert_eq!(rig.run_until(60_000), [(32_000, "Timer D")]);
    assert!(rig.take().is_empty());
    rig.assert_empty();
}

#[test]
fn each_2xx_is_told() {
    let mut rig = Rig::new();
    let (_, invite) = rig.request(&outgoing("INVITE"), hop(UDP));
    assert_eq!(response(&rig.receive_udp(&answer(&invite, 180))), Some(180));
    assert!(rig.transactions.poll_timeout().is_none());
    for tag in ["theirs", "theirs", "fork"] {
        let ok = answer(&invite, 200).replace("tag=theirs", &format!("tag={tag}"));
        assert_eq!(response(&rig.receive_udp(&ok)), Some(200));
    }
    assert!(rig.receive_udp(&answer(&invite, 486)).is_empty());
    assert_eq!(rig.run_until(60_000), [(32_000, "Timer M")]);
    rig.assert_empty();
}

#[test]
fn an_ack_is_no_transaction() {
    let mut rig = Rig::new();
    let (id, ack) = rig.request(&outgoing("ACK"), hop(UDP));
    assert!(field(&ack, "Via").contains("branch=z9hG4bK"));
    rig.assert_empty();
    let (next, _) = rig.request(&outgoing("OPTIONS"), hop(UDP));
    assert_ne!(id, next);
}

#[test]
fn a_bye_is_repeated_until_its_answer() {
    let mut rig = Rig::new();
    let (_, bye) = rig.request(&outgoing("BYE"), hop(UDP));
    assert_eq!(rig.run_until(2000), [(500, "Timer E"), (1500, "Timer E")]);
    assert_eq!(rig.sent(), [bye.clone(), bye.clone()]);
    assert_eq!(response(&rig.receive_udp(&answer(&bye, 200))), Some(200));
    assert!(rig.receive_udp(&answer(&bye, 200)).is_empty(), "told once");
    assert_eq!(rig.run_until(60_000), [(7000, "Timer K")]);
    rig.assert_empty();
}

#[test]
fn over_tcp_a_bye_is_sent_once_and_gone_when_answered() {
    let mut rig = Rig::new();
    let tcp = hop(Transport::Tcp);
    let (_, bye) = rig.request(&outgoing("BYE"), tcp);
    assert!(!field(&bye, "Via").contains("rport"));
    assert!(rig.run_until(2000).is_empty());
    assert_eq!(response(&rig.receive(&answer(&bye, 200), tcp)), Some(200));
    rig.assert_empty();
}

#[test]
fn a_cancel_waits_for_a_provisional_and_repeats_by_itself() {
    let mut rig = Rig::new();
    let (id, invite) = rig.request(&outgoing("INVITE"), hop(UDP));
    assert!(rig.cancel(id).is_empty());
    let mut out = rig.receive_udp(&answer(&invite, 100));
    assert!(matches!(out.remove(0), TransactionOutput::Response { .. }));
    let cancels = sent(out);
    assert_eq!(line(&cancels[0]), "CANCEL sip:bob@192.0.2.9:5071 SIP/2.0");
    for name in ["Via", "From", "To", "Call-ID", "Route"] {
        assert_eq!(field(&cancels[0], name), field(&invite, name), "{name}");
    }
    assert_eq!(field(&cancels[0], "CSeq"), "9 CANCEL");
    assert_eq!(rig.run_until(600), [(500, "Timer E")]);
    assert_eq!(rig.sent(), cancels);
    assert!(
        rig.receive_udp(&answer(&cancels[0], 200)).is_empty(),
        "nobody waits for it"
    );
    let out = rig.receive_udp(&answer(&invite, 487));
    assert!(matches!(
        &out[..],
        [
            TransactionOutput::Send { .. },
            TransactionOutput::Response { .. }
        ]
    ));
    assert!(rig.cancel(id).is_empty());
    rig.run_until(60_000);
    assert!(rig.take().is_empty());
    rig.assert_empty();
}

#[test]
fn a_cancel_without_effect_gives_the_invite_up() {
    let mut rig = Rig::new();
    let (id, invite) = rig.request(&outgoing("INVITE"), hop(Transport::Tcp));
    rig.receive(&answer(&invite, 180), hop(Transport::Tcp));
    assert_eq!(rig.cancel(id).len(), 1);
    assert!(rig.cancel(id).is_empty(), "once is enough");
    rig.run_until(60_000);
    let out = rig.take();
    assert!(matches!(&out[..], [TransactionOutput::TimedOut { id: ended }] if *ended == id));
    rig.assert_empty();
}

#[test]
fn the_end_of_the_invite_ends_its_cancel() {
    let mut rig = Rig::new();
    let tcp = hop(Transport::Tcp);
    let (id, invite) = rig.request(&outgoing("INVITE"), tcp);
    rig.receive(&answer(&invite, 180), tcp);
    rig.cancel(id);
    assert_eq!(rig.transactions.len(), 2);
    rig.receive(&answer(&invite, 487), tcp);
    rig.assert_empty();
}

#[test]
fn a_bye_cannot_be_cancelled() {
    let mut rig = Rig::new();
    let (id, bye) = rig.request(&outgoing("BYE"), hop(UDP));
    rig.receive_udp(&answer(&bye, 100));
    assert!(rig.cancel(id).is_empty());
}

#[test]
fn a_response_to_nothing_is_dropped_and_counted() {
    let mut rig = Rig::new();
    let (_, bye) = rig.request(&outgoing("BYE"), hop(UDP));
    let ok = answer(&bye, 200);
    let branch = field(&bye, "Via").split("z9hG4bK").nth(1).unwrap();
    let secret = &branch[..16];
    let strays = [
        ok.replace(secret, "0123456789abcdef"),
        ok.replace("z9hG4bK", "z9hG4bKx"),
        ok.replace(";branch=", ";x="),
        ok.replace("9 BYE", "9 INVITE"),
        ok.replace("9 BYE", "9 CANCEL"),
        ok.replace("9 BYE", "BYE"),
        ok.replacen(
            "\r\n",
            "\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK0\r\n",
            1,
        ),
        ok.replace("Via: ", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK0, "),
        ok.replace(
            "\r\nFrom:",
            "\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK0\r\nFrom:",
        ),
    ];
    for (index, stray) in strays.iter().enumerate() {
        assert_ne!(*stray, ok, "{index}");
        assert!(rig.receive_udp(stray).is_empty(), "{stray}");
    }
    assert_eq!(
        rig.transactions.stats().stray_responses,
        strays.len() as u64
    );
    assert_eq!(response(&rig.receive_udp(&ok)), Some(200));
}

#[test]
fn a_transport_error_ends_what_was_sent_there() {
    let mut rig = Rig::new();
    let mut elsewhere = hop(UDP);
    elsewhere.remote.set_port(9);
    let (invite, _) = rig.request(&outgoing("INVITE"), hop(UDP));
    let (bye, _) = rig.request(&outgoing("BYE"), hop(UDP));
    rig.request(&outgoing("OPTIONS"), elsewhere);
    rig.transactions
        .handle_transport_error(hop(UDP), rig.now, &mut rig.out);
    let failed: Vec<_> = rig
        .take()
        .into_iter()
        .map(|output| match output {
            TransactionOutput::TransportFailed { id } => id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(failed, [invite, bye]);
    assert_eq!(rig.transactions.len(), 1);
    rig.transactions
        .handle_transport_error(hop(UDP), rig.now, &mut rig.out);
    assert!(rig.take().is_empty());
}
