use std::time::{Duration, Instant};

use super::*;
use crate::message::{HeaderName, Message, MessageLimits, Request, Response, StatusCode};
use crate::transport::{Hop, ListenerId, Transport};

#[allow(
    clippy::disallowed_methods,
    reason = "a test may take any instant as its start"
)]
fn start() -> Instant {
    Instant::now()
}

fn hop() -> Hop {
    Hop {
        transport: Transport::Udp,
        listener: ListenerId(0),
        remote: "192.0.2.1:5070".parse().unwrap(),
        connection: None,
    }
}

fn config() -> RegistrarConfig {
    RegistrarConfig {
        min_expires_s: 60,
        max_expires_s: 7200,
        default_expires_s: 3600,
        max_contacts: 3,
        max_bindings: 5,
        max_binding_bytes: 200,
    }
}

fn register(call_id: &str, cseq: u32, more: &str) -> Request {
    let text = format!(
        "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
         From: <sip:a@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\nCall-ID: {call_id}\r\n\
         CSeq: {cseq} REGISTER\r\n{more}Content-Length: 0\r\n\r\n"
    );
    match Message::parse(text.into(), &MessageLimits::default()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

/// Status, and the Contact values of a 200.
fn told(
    registrar: &mut Registrar,
    aor: &str,
    request: &Request,
    now: Instant,
) -> (u16, Vec<String>) {
    let mut out = Vec::new();
    match registrar.handle_register(aor, request, hop(), now, &mut out) {
        Ok(()) => {
            let mut response = Response::for_request(request, StatusCode::OK, Some("t"));
            registrar.describe(aor, request, now, &mut response);
            let contacts = response.headers.get_all(&HeaderName::Contact);
            let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
            (200, contacts.map(text).collect())
        }
        Err(rejection) => (rejection.status.code(), Vec::new()),
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn the_rows_of_the_table() {
    let now = start();
    let mut registrar = Registrar::new(config());
    // Call-ID | CSeq | header fields | status | contacts
    let rows: &[(&str, u32, &str, u16, &[&str])] = &[
        ("c1", 1, "", 200, &[]),
        ("c1", 2, "Contact: <sip:a@h>;expires=0\r\n", 200, &[]),
        (
            "c1",
            3,
            "Contact: <sip:a@h>;q=0.5\r\n",
            200,
            &["<sip:a@h>;q=0.5;expires=3600"],
        ),
        // As new, then older: nothing happens.
        ("c1", 3, "Contact: <sip:a@h>\r\n", 500, &[]),
        ("c1", 2, "Contact: <sip:a@h>;expires=0\r\n", 500, &[]),
        (
            "c1",
            4,
            "Contact: <sip:a@H>;expires=99999\r\n",
            200,
            &["<sip:a@H>;expires=7200"],
        ),
        // Another Call-ID: the phone started anew.
        (
            "c2",
            1,
            "Contact: <sip:a@h>\r\nExpires: 60\r\n",
            200,
            &["<sip:a@h>;expires=60"],
        ),
        ("c2", 2, "Contact: <sip:a@h>;expires=59\r\n", 423, &[]),
        ("c2", 2, "Contact: <sip:a@h>\r\nExpires: 59\r\n", 423, &[]),
        ("c2", 2, "Contact: <tel:+49301>\r\n", 400, &[]),
        // What is malformed counts as not there.
        (
            "c2",
            2,
            "Contact: <sip:a@h>;expires=soon\r\nExpires: x\r\n",
            200,
            &["<sip:a@h>;expires=3600"],
        ),
        // All or nothing.
        (
            "c2",
            3,
            "Contact: <sip:b@h>, <sip:a@h>;expires=1\r\n",
            423,
            &[],
        ),
        ("c2", 3, "", 200, &["<sip:a@h>;expires=3600"]),
        (
            "c2",
            3,
            "Contact: <sip:b@h>\r\nContact: sip:c@h\r\n",
            200,
            &[
                "<sip:a@h>;expires=3600",
                "<sip:b@h>;expires=3600",
                "<sip:c@h>;expires=3600",
            ],
        ),
        ("c2", 4, "Contact: <sip:d@h>\r\n", 403, &[]),
        // One goes, one comes.
        (
            "c2",
            4,
            "Contact: <sip:a@h>;expires=0, <sip:d@h>\r\n",
            200,
            &[
                "<sip:b@h>;expires=3600",
                "<sip:c@h>;expires=3600",
                "<sip:d@h>;expires=3600",
            ],
        ),
        ("c2", 5, "Contact: *\r\n", 400, &[]),
        ("c2", 5, "Contact: *\r\nExpires: 60\r\n", 400, &[]),
        ("c2", 5, "Contact: *, <sip:b@h>\r\nExpires: 0\r\n", 400, &[]),
        ("c2", 3, "Contact: *\r\nExpires: 0\r\n", 500, &[]),
        ("c2", 5, "Contact: *\r\nExpires: 0\r\n", 200, &[]),
        ("c2", 6, "Contact: *\r\nExpires: 0\r\n", 200, &[]),
        // The same contact twice: the last one counts.
        (
            "c2",
            7,
            "Contact: <sip:a@h>;expires=60, <sip:a@h>;expires=70\r\n",
            200,
            &["<sip:a@h>;expires=70"],
        ),
    ];
    for (index, (call_id, cseq, more, status, contacts)) in rows.iter().enumerate() {
        let request = register(call_id, *cseq, more);
        let (seen, seen_contacts) = told(&mut registrar, "a", &request, now);
        assert_eq!(
            (seen, &seen_contacts[..]),
            (
                *status,
                &contacts
                    .iter()
                    .map(|it| (*it).to_owned())
                    .collect::<Vec<_>>()[..]
            ),
            "row {index}: {more}"
        );
    }
    let long = format!("Contact: <sip:{}@h>\r\n", "x".repeat(200));
    assert_eq!(
        told(&mut registrar, "a", &register("c3", 1, &long), now).0,
        400
    );
}

#[test]
fn an_instance_moves_and_takes_its_binding_along() {
    let now = start();
    let mut registrar = Registrar::new(config());
    let contact = |uri: &str, instance: &str, reg_id: u32| {
        format!("Contact: <sip:{uri}>;+sip.instance=\"<urn:uuid:{instance}>\";reg-id={reg_id}\r\n")
    };
    for (cseq, uri, instance, reg_id, left) in [
        (1, "a@192.0.2.1", "1", 1, 1),
        (2, "a@192.0.2.2", "1", 1, 1),
        (3, "a@192.0.2.3", "1", 2, 2),
        // The same address, another phone.
        (4, "a@192.0.2.3", "2", 1, 3),
    ] {
        let request = register("c", cseq, &contact(uri, instance, reg_id));
        let (status, contacts) = told(&mut registrar, "a", &request, now);
        assert_eq!((status, contacts.len()), (200, left), "{cseq}");
    }
    let binding = &registrar.bindings("a")[0];
    assert_eq!(binding.uri().as_bytes(), b"sip:a@192.0.2.2");
    assert_eq!(binding.instance(), Some((&b"\"<urn:uuid:1>\""[..], 1)));
}

#[test]
fn a_path_is_kept_and_sent_back_when_it_is_supported() {
    let now = start();
    let mut registrar = Registrar::new(config());
    let path = "Path: <sip:p1.example;lr>,\r\n <sip:p2.example;lr>\r\nContact: <sip:a@h>\r\n";
    for (cseq, supported, kept) in [
        (1, "", ""),
        (
            2,
            "Supported: gruu, path\r\n",
            "<sip:p1.example;lr>, <sip:p2.example;lr>",
        ),
    ] {
        let request = register("c", cseq, &format!("{supported}{path}"));
        assert_eq!(told(&mut registrar, "a", &request, now).0, 200);
        assert_eq!(registrar.bindings("a")[0].path, kept);
        let mut response = Response::new(StatusCode::OK);
        registrar.describe("a", &request, now, &mut response);
        assert_eq!(
            response.headers.contains(&HeaderName::Path),
            !kept.is_empty()
        );
    }
    let request = register(
        "c",
        3,
        "Supported: path\r\nPath: <\r\nContact: <sip:a@h>\r\n",
    );
    assert_eq!(told(&mut registrar, "a", &request, now).0, 400);
}

#[test]
fn time_takes_bindings_away() {
    let now = start();
    let at = |s| now + Duration::from_secs(s);
    let mut registrar = Registrar::new(config());
    let mut out = Vec::new();
    let mut register_at = |registrar: &mut Registrar, s, cseq, more: &str| {
        out.clear();
        registrar
            .handle_register("a", &register("c", cseq, more), hop(), at(s), &mut out)
            .unwrap();
        out.clone()
    };
    let aor: Arc<str> = "a".into();
    let registered = RegistrarOutput::Registered { aor: aor.clone() };
    let changed = RegistrarOutput::Changed { aor: aor.clone() };
    let refreshed = RegistrarOutput::Refreshed { aor: aor.clone() };
    let expired = RegistrarOutput::Unregistered {
        aor: aor.clone(),
        expired: true,
    };
    let one = "Contact: <sip:a@h>;expires=60\r\n";
    assert_eq!(register_at(&mut registrar, 0, 1, one), [registered]);
    assert_eq!(register_at(&mut registrar, 30, 2, one), [refreshed]);
    assert_eq!(
        register_at(&mut registrar, 30, 3, "Contact: <sip:b@h>;expires=100\r\n"),
        vec![changed.clone()]
    );
    // The heap still knows the first deadline: an early call does nothing.
    assert_eq!(registrar.poll_timeout().unwrap().0, at(60));
    let mut said = Vec::new();
    registrar.handle_timeout(at(60), &mut said);
    assert_eq!(
        (said.len(), registrar.poll_timeout().unwrap().0),
        (0, at(90))
    );
    registrar.handle_timeout(at(90), &mut said);
    registrar.handle_timeout(at(90), &mut said);
    assert_eq!(said, [changed]);
    // Late: due bindings are not told of before the timer comes, and not kept.
    let (status, contacts) = told(&mut registrar, "a", &register("c", 9, ""), at(131));
    assert_eq!((status, contacts), (200, vec![]));
    registrar.handle_timeout(at(500), &mut said);
    assert_eq!(said[1..], [expired]);
    assert!(registrar.is_empty() && registrar.poll_timeout().is_none());
    assert_eq!(registrar.binding_count(), 0);
}

#[test]
fn there_is_room_for_so_many_and_no_more() {
    let now = start();
    let mut registrar = Registrar::new(config());
    for n in 0..5 {
        let request = register(&format!("c{n}"), 1, "Contact: <sip:a@h>\r\n");
        assert_eq!(told(&mut registrar, &n.to_string(), &request, now).0, 200);
    }
    let request = register("c", 2, "Contact: <sip:a@h>\r\n");
    assert_eq!(told(&mut registrar, "5", &request, now).0, 503);
    assert_eq!(told(&mut registrar, "4", &request, now).0, 200);
    assert_eq!((registrar.len(), registrar.binding_count()), (5, 5));
}

#[test]
fn a_restart_gives_back_what_is_left() {
    let now = start();
    let mut registrar = Registrar::new(config());
    let kept = KeptBinding {
        contact: b"<sip:a@h>;q=0.3",
        call_id: b"c",
        cseq: 7,
        path: b"",
    };
    let binding = |left| Binding::restored(&kept, hop(), Duration::from_secs(left), now).unwrap();
    registrar.restore("a", vec![binding(0), binding(100)], now);
    assert_eq!(registrar.bindings("a").len(), 1);
    assert_eq!(registrar.bindings("a")[0].q, 300);
    assert_eq!(
        told(
            &mut registrar,
            "a",
            &register("c", 7, "Contact: <sip:a@h>\r\n"),
            now
        )
        .0,
        500
    );
    assert_eq!(
        told(
            &mut registrar,
            "a",
            &register("c", 8, "Contact: <sip:a@h>\r\n"),
            now
        )
        .0,
        200
    );
    let broken = KeptBinding {
        contact: b"*",
        ..kept
    };
    assert!(Binding::restored(&broken, hop(), Duration::ZERO, now).is_none());
}

#[test]
fn refreshes_leave_no_heap_behind() {
    let now = start();
    let mut registrar = Registrar::new(config());
    for cseq in 1..20_000 {
        // Each sooner than the one before, as an attacker would.
        let left = 7200 - cseq % 7000;
        let request = register("c", cseq, &format!("Contact: <sip:a@h>;expires={left}\r\n"));
        assert_eq!(told(&mut registrar, "a", &request, now).0, 200);
    }
    assert!(
        registrar.deadlines.len() < 1100,
        "{}",
        registrar.deadlines.len()
    );
}
