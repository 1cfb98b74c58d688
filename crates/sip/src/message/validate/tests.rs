use super::*;
use crate::message::{Message, MessageLimits, Method, Uri};

const GOOD: [&str; 7] = [
    "Via: SIP/2.0/UDP a;branch=z9hG4bK1",
    "From: <sip:a@b>;tag=1",
    "To: <sip:c@d>",
    "Call-ID: e",
    "CSeq: 1 OPTIONS",
    "Max-Forwards: 70",
    "Contact: <sip:a@[::1]>",
];

fn parse(start: &str, lines: &[&str]) -> Message {
    let text = format!("{start}\r\n{}\r\n\r\nbody", lines.join("\r\n"));
    Message::parse(Bytes::from(text), &MessageLimits::default()).expect("it parses")
}

fn refusal(start: &str, lines: &[&str]) -> Option<(u16, String)> {
    let Message::Request(request) = parse(start, lines) else {
        panic!("a request")
    };
    let rejection = request.validate().err()?;
    Some((rejection.status.code(), rejection.reason.into_owned()))
}

#[test]
fn the_start_line_and_the_uri_choose_the_status() {
    let long = format!("OPTIONS sip:{} SIP/2.0", "a".repeat(3_000));
    let rows = [
        ("OPTIONS sip:a SIP/2.0", None),
        ("OPTIONS sips:a SIP/2.0", None),
        ("OPTIONS tel:+1 SIP/2.0", None),
        (
            "OPTIONS sip:a SIP/3.0",
            Some((505, "Version Not Supported")),
        ),
        (
            "OPTIONS http://a SIP/2.0",
            Some((416, "Unsupported URI Scheme")),
        ),
        (&long, Some((414, "Request-URI Too Long"))),
        ("OPTIONS sip:a@@b SIP/2.0", Some((400, "Bad Request-URI"))),
        ("OPTIONS <sip:a> SIP/2.0", Some((400, "Bad Request-URI"))),
        (
            "OPTIONS sip:a?b=c SIP/2.0",
            Some((400, "Headers In Request-URI")),
        ),
        ("OPTIONS  sip:a SIP/2.0", Some((400, "Bad Request-Line"))),
        ("INFO sip:a SIP/2.0", Some((400, "CSeq Method Mismatch"))),
    ];
    for (start, expected) in rows {
        let expected = expected.map(|(status, reason)| (status, reason.to_owned()));
        assert_eq!(refusal(start, &GOOD), expected, "{start}");
    }
}

#[test]
fn one_wrong_header_field_is_named() {
    // The line of GOOD that is replaced, what with, and the reason phrase.
    let rows = [
        (0, "X: y", "Missing Via Header"),
        (0, "Via: SIP/2.0/UDP a, b", "Bad Via Header"),
        (1, "X: y", "Missing From Header"),
        (1, "From: a", "Bad From Header"),
        (2, "X: y", "Missing To Header"),
        (2, "To: <sip:c@d>;;", "Bad To Header"),
        (3, "X: y", "Missing Call-ID Header"),
        (3, "Call-ID: a b", "Bad Call-ID Header"),
        (3, "Call-ID:", "Bad Call-ID Header"),
        (4, "X: y", "Missing CSeq Header"),
        (4, "CSeq: -1 OPTIONS", "Bad CSeq Header"),
        (4, "CSeq: 4294967296 OPTIONS", "Bad CSeq Header"),
        (4, "CSeq: 1", "Bad CSeq Header"),
        (5, "Max-Forwards: 256", "Bad Max-Forwards Header"),
        (5, "Max-Forwards: x", "Bad Max-Forwards Header"),
        (5, "Content-Length: -1", "Bad Content-Length Header"),
        (5, "Content-Length: 5", "Content-Length Mismatch"),
        (5, "CSeq: 1 OPTIONS", "Bad CSeq Header"),
        (5, "f: <sip:a@b>;tag=2", "Bad From Header"),
        (6, "Contact: <sip:a", "Bad Contact Header"),
        (6, "Route: x", "Bad Route Header"),
        (6, "Record-Route: <sip:a>, y", "Bad Record-Route Header"),
        (6, "no header", "Malformed Header Line"),
    ];
    for (index, line, reason) in rows {
        let mut lines = GOOD;
        lines[index] = line;
        let expected = Some((400, reason.to_owned()));
        assert_eq!(refusal("OPTIONS sip:a SIP/2.0", &lines), expected, "{line}");
    }
}

#[test]
fn what_may_be_absent_is_not_missed() {
    for index in [5, 6] {
        let mut lines = GOOD;
        lines[index] = "X: y";
        assert_eq!(refusal("OPTIONS sip:a SIP/2.0", &lines), None);
    }
    let mut lines = GOOD;
    lines[6] = "Contact: *";
    assert_eq!(refusal("OPTIONS sip:a SIP/2.0", &lines), None);
}

#[test]
fn responses_are_judged_too() {
    let verdict = |start, line| {
        let mut lines = GOOD;
        lines[6] = line;
        let Message::Response(response) = parse(start, &lines) else {
            panic!("a response")
        };
        response.validate()
    };
    let header = |name, problem| Err(ResponseError::Header(HeaderError::new(name, problem)));
    assert_eq!(verdict("SIP/2.0 200 OK", "X: y"), Ok(()));
    assert_eq!(
        verdict("SIP/1.0 200 OK", "X: y"),
        Err(ResponseError::Version)
    );
    assert_eq!(
        verdict("SIP/2.0 200 OK", "l: 5"),
        Err(ResponseError::Truncated)
    );
    let twice = header(HeaderName::To, "more than one");
    assert_eq!(verdict("SIP/2.0 200 OK", "t: <sip:a>"), twice);
}

#[test]
fn a_rejection_becomes_an_answer() {
    let Message::Request(request) = parse("OPTIONS sip:a SIP/2.0", &GOOD) else {
        panic!("a request")
    };
    let rejection = Rejection::new(StatusCode::BAD_EXTENSION)
        .with_header(HeaderName::Unsupported, &b"foo\r\nbar"[..]);
    let answer = rejection.response(&request, Some("t")).to_bytes();
    let expected = "SIP/2.0 420 Bad Extension\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=t\r\nCall-ID: e\r\nCSeq: 1 OPTIONS\r\n\
Unsupported: foo  bar\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(answer, expected.as_bytes());
}

#[test]
fn a_request_of_our_own_is_valid_once_it_has_its_header_fields() {
    let mut request = Request::new(Method::Options, "sip:a".parse::<Uri>().expect("a URI"));
    assert!(request.validate().is_err());
    for line in GOOD {
        let (name, value) = line.split_once(": ").expect("a header line");
        request
            .headers
            .push(HeaderName::parse(name.as_bytes()), value);
    }
    assert_eq!(request.validate(), Ok(()));
}
