//! Full tables, late timers, soups of input, and rest.

use super::super::random::SplitMix;
use super::super::server::Server;
use super::*;

const UDP: Transport = Transport::Udp;

fn small(max_transactions: usize) -> Rig {
    Rig::with(TransactionConfig {
        max_transactions,
        retry_after_s: 7,
        ..TransactionConfig::default()
    })
}

#[test]
fn a_full_table_answers_503_without_state() {
    let mut rig = small(1);
    let (id, request) = rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
    let second = incoming("INVITE", "z9hG4bK2");
    let refused = sent(rig.receive_udp(&second));
    assert_eq!(line(&refused[0]), "SIP/2.0 503 Service Unavailable");
    assert_eq!(field(&refused[0], "Retry-After"), "7");
    assert_eq!(
        sent(rig.receive_udp(&second)),
        refused,
        "the tag is the same (§8.2.7)"
    );
    assert_eq!(rig.transactions.len(), 1);
    assert_eq!(rig.transactions.stats().refused_full, 2);
    let out = rig.receive_udp(&incoming("ACK", "z9hG4bK2"));
    assert!(matches!(&out[..], [TransactionOutput::Ack { .. }]));

    let ringing = rig.respond(id, &request, 180);
    assert_eq!(
        sent(rig.receive_udp(&incoming("INVITE", "z9hG4bK1"))),
        [ringing]
    );
    let out = rig.receive_udp(&incoming("CANCEL", "z9hG4bK1"));
    assert!(matches!(
        &out[..],
        [
            TransactionOutput::Send { .. },
            TransactionOutput::Cancel { .. }
        ]
    ));
    assert_eq!(rig.transactions.len(), 1);
}

#[test]
fn a_flood_from_outside_does_not_stop_our_own_requests() {
    let mut rig = small(1);
    rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
    rig.request(&outgoing("BYE"), hop(UDP));
    let Message::Request(request) = parse(&outgoing("BYE")) else {
        panic!("not a request");
    };
    let id = rig
        .transactions
        .request(request, hop(UDP), rig.now, &mut rig.out);
    let out = rig.take();
    assert!(
        matches!(&out[..], [TransactionOutput::TransportFailed { id: failed }] if *failed == id)
    );
    rig.request(&outgoing("ACK"), hop(UDP));
    assert_eq!(rig.transactions.len(), 2);
}

#[test]
fn a_late_owner_gets_one_message_for_each_transaction() {
    let mut rig = Rig::new();
    let (id, request) = rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
    rig.respond(id, &request, 486);
    rig.request(&outgoing("BYE"), hop(UDP));
    rig.now = rig.start + Duration::from_secs(20);
    for expected in [2, 0] {
        rig.transactions.handle_timeout(rig.now, &mut rig.out);
        assert_eq!(rig.sent().len(), expected);
    }
    rig.now = rig.start + Duration::from_secs(500);
    for expected in [2, 0] {
        rig.transactions.handle_timeout(rig.now, &mut rig.out);
        assert_eq!(rig.take().len(), expected, "AckMissing and TimedOut");
    }
    rig.assert_empty();
}

#[test]
fn a_timeout_before_its_time_does_nothing() {
    let mut rig = Rig::new();
    rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
    let deadline = rig.transactions.poll_timeout();
    rig.transactions.handle_timeout(rig.now, &mut rig.out);
    assert!(rig.take().is_empty());
    assert_eq!(rig.transactions.poll_timeout(), deadline);
}

#[test]
fn absurd_timers_still_end() {
    for t1 in [Duration::ZERO, Duration::MAX] {
        let mut rig = Rig::with(TransactionConfig {
            t1,
            t2: t1,
            t4: t1,
            trying_delay: t1,
            ..TransactionConfig::default()
        });
        rig.open(&incoming("INVITE", "z9hG4bK1"), hop(UDP));
        rig.request(&outgoing("INVITE"), hop(UDP));
        let mut rounds = 0;
        while let Some((at, _)) = rig.transactions.poll_timeout() {
            rig.transactions.handle_timeout(at, &mut rig.out);
            rounds += 1;
            assert!(rounds < 1000);
        }
    }
}

#[test]
fn answered_calls_leave_no_dead_weight_in_the_heap() {
    let mut rig = Rig::new();
    let tcp = hop(Transport::Tcp);
    rig.open(&incoming("INVITE", "z9hG4bK1"), tcp);
    for _ in 0..20_000 {
        let (_, bye) = rig.request(&outgoing("BYE"), tcp);
        rig.receive(&answer(&bye, 200), tcp);
    }
    assert_eq!(rig.transactions.len(), 1);
    assert!(
        rig.transactions.heap_len() <= 2000,
        "{}",
        rig.transactions.heap_len()
    );
}

#[test]
fn only_what_may_be_repeated_is_kept() {
    for (method, code, kept) in [
        ("INVITE", 180, true),
        ("INVITE", 200, false),
        ("INVITE", 486, true),
        ("BYE", 200, true),
    ] {
        let mut rig = Rig::new();
        let (id, request) = rig.open(&incoming(method, "z9hG4bK1"), hop(UDP));
        let octets = rig.respond(id, &request, code).len();
        let server = rig.transactions.servers.get(id.0).unwrap();
        assert!(server.trying.is_none());
        assert_eq!(
            server.last.len(),
            if kept { octets } else { 0 },
            "{method} {code}"
        );
    }
}

/// With T2 above T4 timer K comes before the E that stands in the heap.
#[test]
fn a_deadline_that_moves_forward_is_kept() {
    let mut rig = Rig::with(TransactionConfig {
        t2: Duration::from_secs(16),
        t4: Duration::from_secs(1),
        ..TransactionConfig::default()
    });
    let (_, bye) = rig.request(&outgoing("BYE"), hop(UDP));
    assert_eq!(rig.run_until(7500).last(), Some(&(7500, "Timer E")));
    rig.take();
    rig.receive_udp(&answer(&bye, 200));
    assert_eq!(rig.run_until(60_000), [(8500, "Timer K")]);
    rig.assert_empty();
}

#[test]
fn a_lingering_transaction_is_small() {
    let in_slab = size_of::<Option<Server>>() + 8;
    let in_index = 2 * (size_of::<(super::super::key::Fingerprint, u64)>() + 1);
    let in_heap = 32;
    let own = in_slab + in_index + in_heap;
    assert!(own <= 350, "{own} octets without the response");
}

/// Any input in any order: nothing panics, what is sent is bounded, and at rest
/// every table is empty.
#[test]
fn a_soup_of_input_comes_to_rest() {
    for seed in 0..60 {
        let mut random = SplitMix(seed);
        let mut rig = small(20);
        let mut servers = Vec::new();
        let mut clients = Vec::new();
        let mut outgone = Vec::new();
        for _ in 0..400 {
            let mut pick = |n: usize| (random.next() % n as u64) as usize;
            let hop = hop([UDP, Transport::Tcp][pick(2)]);
            match pick(8) {
                0..3 => {
                    let method = ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"][pick(5)];
                    let via = ["z9hG4bK", "", "z9hG4bKx"][pick(3)];
                    let number = pick(6);
                    let text = incoming(method, &format!("{via}{number}"))
                        .replace("CSeq: 1", &format!("CSeq: {}", pick(3)));
                    rig.transactions
                        .handle_message(parse(&text), hop, rig.now, &mut rig.out);
                }
                3 => {
                    let method = ["INVITE", "ACK", "CANCEL", "BYE"][pick(4)];
                    let Message::Request(request) = parse(&outgoing(method)) else {
                        unreachable!("it is one");
                    };
                    let id = rig
                        .transactions
                        .request(request, hop, rig.now, &mut rig.out);
                    clients.push(id);
                }
                4 if !servers.is_empty() => {
                    let (id, request): &(ServerTransactionId, Request) =
                        &servers[pick(servers.len())];
                    let code = [100, 180, 200, 302, 486, 603][pick(6)];
                    let response = response_to(request, code);
                    rig.transactions
                        .respond(*id, &response, rig.now, &mut rig.out);
                }
                5 if !outgone.is_empty() => {
                    let request: &String = &outgone[pick(outgone.len())];
                    let code = [100, 180, 200, 302, 486, 603][pick(6)];
                    let text = answer(request, code);
                    rig.transactions
                        .handle_message(parse(&text), hop, rig.now, &mut rig.out);
                }
                6 if !clients.is_empty() => {
                    let id = clients[pick(clients.len())];
                    rig.transactions.cancel(id, rig.now, &mut rig.out);
                }
                7 if pick(4) == 0 => {
                    rig.transactions
                        .handle_transport_error(hop, rig.now, &mut rig.out);
                }
                _ => {
                    rig.now += Duration::from_millis(pick(3000) as u64);
                    rig.transactions.handle_timeout(rig.now, &mut rig.out);
                }
            }
            for output in rig.take() {
                match output {
                    TransactionOutput::Request { id, request, .. } => servers.push((id, request)),
                    TransactionOutput::Send { message, .. } if !message.starts_with(b"SIP/2.0") => {
                        outgone.push(text_of(&message));
                    }
                    _ => {}
                }
            }
            assert!(rig.transactions.stats().server_transactions <= 20);
        }
        for (id, request) in &servers {
            let response = response_to(request, 480);
            rig.transactions
                .respond(*id, &response, rig.now, &mut rig.out);
        }
        for id in clients {
            rig.transactions.cancel(id, rig.now, &mut rig.out);
        }
        let rest = elapsed(rig.start, rig.now) + 200_000;
        rig.run_until(rest);
        rig.assert_empty();
    }
}

#[test]
fn transactions_are_forgotten_together() {
    let mut rig = Rig::new();
    for n in 1..=50 {
        rig.now += Duration::from_millis(1);
        let text = incoming("OPTIONS", &format!("z9hG4bK{n}")).replace("one@", &format!("{n}@"));
        let (id, request) = rig.open(&text, hop(UDP));
        rig.respond(id, &request, 200);
    }
    assert_eq!(rig.run_until(40_000), [(32_100, "Timer J")]);
    assert!(rig.transactions.is_empty());
}
