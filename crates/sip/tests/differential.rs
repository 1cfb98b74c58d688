//! A second opinion: where `rsip` takes a message too, both have to read the
//! same out of it. Where it is known to be wrong it is not asked: it ignores
//! Content-Length and reads the first Via of a list only.

mod corpus;
mod grammar;

use bytes::Bytes;
use corpus::TORTURE;
use proptest::prelude::*;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::HeadersExt;
use strowger_sip::message::{Host, Message, MessageLimits, Uri};

/// Compares what both read; how many values there were to compare.
fn compare(octets: &[u8]) -> usize {
    let Some(theirs) = std::str::from_utf8(octets)
        .ok()
        .and_then(|text| rsip::SipMessage::try_from(text).ok())
    else {
        return 0;
    };
    let Ok(ours) = Message::parse(Bytes::copy_from_slice(octets), &MessageLimits::default()) else {
        return 0;
    };
    let mut compared = 0;
    match (&ours, &theirs) {
        (Message::Request(ours), rsip::SipMessage::Request(theirs)) => {
            assert_eq!(ours.method.to_string(), theirs.method.to_string());
            if ours.uri.is_sip() {
                compared += compare_uri(&ours.uri, &theirs.uri);
            }
        }
        (Message::Response(ours), rsip::SipMessage::Response(theirs)) => {
            assert_eq!(ours.status.code(), u16::from(theirs.status_code.clone()));
        }
        _ => panic!("one sees a request, the other a response"),
    }
    compared + compare_headers(&ours, &theirs)
}

fn compare_headers(ours: &Message, theirs: &rsip::SipMessage) -> usize {
    let headers = ours.headers();
    let mut compared = 0;
    if let (Ok(ours), Some(Ok(theirs))) = (
        headers.cseq(),
        theirs.cseq_header().ok().map(ToTypedHeader::typed),
    ) {
        assert_eq!(
            (ours.number, ours.method.to_string()),
            (theirs.seq, theirs.method.to_string())
        );
        compared += 1;
    }
    if let (Ok(ours), Some(Ok(theirs))) = (
        headers.from_(),
        theirs.from_header().ok().map(ToTypedHeader::typed),
    ) {
        let tag = theirs.tag().map(|tag| tag.to_string().into_bytes());
        assert_eq!(ours.tag().map(<[u8]>::to_vec), tag);
        compared += 1 + compare_uri(&ours.uri, &theirs.uri);
    }
    if let (Ok(ours), Some(Ok(theirs))) = (
        headers.to(),
        theirs.to_header().ok().map(ToTypedHeader::typed),
    ) {
        compared += 1 + compare_uri(&ours.uri, &theirs.uri);
    }
    if let (Ok(ours), Some(Ok(theirs))) = (
        headers.top_via(),
        theirs.via_header().ok().map(ToTypedHeader::typed),
    ) {
        assert_eq!(ours.transport(), theirs.transport.to_string().as_bytes());
        assert_eq!(ours.host().to_string(), theirs.uri.host().to_string());
        assert_eq!(ours.port(), theirs.uri.port().map(|port| *port.value()));
        let branch = theirs
            .branch()
            .map(|branch| branch.to_string().into_bytes());
        assert_eq!(ours.branch().map(<[u8]>::to_vec), branch);
        compared += 1;
    }
    if let (Ok(ours), Ok(theirs)) = (headers.call_id(), theirs.call_id_header()) {
        assert_eq!(ours, theirs.value());
        compared += 1;
    }
    compared
}

fn compare_uri(ours: &Uri, theirs: &rsip::Uri) -> usize {
    let Some(host) = ours.host().filter(|host| !matches!(host, Host::V6(_))) else {
        return 0;
    };
    // It takes a user with punctuation for a part of the host, or ends the host
    // at a semicolon in it.
    if ours
        .user()
        .is_some_and(|user| !user.iter().all(u8::is_ascii_alphanumeric))
    {
        return 0;
    }
    assert_eq!(host.to_string(), theirs.host().to_string(), "{ours}");
    assert_eq!(
        ours.port(),
        theirs.port().map(|port| *port.value()),
        "{ours}"
    );
    1
}

#[test]
fn the_torture_messages_both_take_are_read_alike() {
    let compared: usize = TORTURE.iter().map(|torture| compare(torture.octets)).sum();
    assert!(
        compared > 100,
        "{compared} values are too few to mean anything"
    );
}

/// Without what `rsip` is known to take apart wrongly: a Via list, a name in
/// upper case, a value on a folded line, and IPv6.
fn simple(octets: &[u8]) -> bool {
    let text = String::from_utf8_lossy(octets);
    !text.contains("\r\n ") && !text.contains('[') && !text.contains(", SIP/2.0")
}

#[test]
fn messages_by_the_grammar_are_read_alike() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let compared = std::cell::Cell::new(0);
    let strategy =
        grammar::message().prop_filter("what rsip reads right", |parts| simple(&parts.text));
    runner
        .run(&strategy, |parts| {
            // Without the body: one that is not UTF-8 makes it refuse all.
            let head = &parts.text[..parts.text.len() - parts.body.len()];
            compared.set(compared.get() + compare(head));
            Ok(())
        })
        .expect("both agree");
    assert!(
        compared.get() > 100,
        "{} values are too few to mean anything",
        compared.get()
    );
}
