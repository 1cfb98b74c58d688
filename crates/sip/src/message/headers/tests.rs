use super::*;
use crate::message::{Message, MessageLimits};

const TEXT: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nX-One: 1\r\n\
v:SIP/2.0/UDP c\r\nSupported: ,a , b,,\"c,d\"\r\nx-one:\t2 \r\nFold: a\r\n \t b\r\n\r\n";

fn headers() -> Headers {
    let message = Message::parse(Bytes::from_static(TEXT), &MessageLimits::default());
    message.expect("it parses").headers().clone()
}

fn written(headers: &Headers) -> String {
    let mut out = BytesMut::new();
    headers.write(0, &mut out);
    String::from_utf8(out.to_vec()).expect("text")
}

fn strings<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    values
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .collect()
}

#[test]
fn values_are_found_by_any_spelling() {
    let headers = headers();
    let one = HeaderName::parse(b"X-ONE");
    assert_eq!(headers.get(&one), Some(&b"1"[..]));
    assert_eq!(strings(headers.get_all(&one)), ["1", "2"]);
    assert_eq!((headers.count(&HeaderName::Via), headers.len()), (2, 6));
    let vias: Vec<_> = headers.elements(&HeaderName::Via).collect();
    assert_eq!(vias, ["SIP/2.0/UDP a", "SIP/2.0/UDP b", "SIP/2.0/UDP c"]);
    assert_eq!(
        strings(headers.tokens(&HeaderName::Supported)),
        ["a", "b", "\"c,d\""]
    );
    assert!(headers.has_token(&HeaderName::Supported, "B"));
    assert!(!headers.has_token(&HeaderName::Supported, "c"));
    assert_eq!(headers.get(&HeaderName::parse(b"fold")), Some(&b"a b"[..]));
    assert_eq!(headers.get(&HeaderName::Route), None);
}

#[test]
fn lines_are_written_as_they_came_and_changes_in_their_place() {
    let mut headers = headers();
    let source = std::str::from_utf8(&TEXT[23..TEXT.len() - 2]).expect("text");
    assert_eq!(written(&headers), format!("{source}Content-Length: 0\r\n"));
    headers.set(HeaderName::parse(b"X-One"), "3\r\nEvil: 4");
    headers.push_front(HeaderName::Route, "<sip:p>");
    assert!(headers.remove(&HeaderName::Supported));
    assert!(!headers.remove(&HeaderName::Supported));
    headers.set(HeaderName::UserAgent, "us");
    let expected = "Route: <sip:p>\r\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nX-One: 3  Evil: 4\r\n\
v:SIP/2.0/UDP c\r\nFold: a\r\n \t b\r\nUser-Agent: us\r\nContent-Length: 0\r\n";
    assert_eq!(written(&headers), expected);
}

#[test]
fn elements_are_popped_one_by_one() {
    let mut headers = headers();
    for expected in ["SIP/2.0/UDP a", "SIP/2.0/UDP b", "SIP/2.0/UDP c"] {
        let popped = headers.pop_element(&HeaderName::Via);
        assert_eq!(popped.as_deref(), Some(expected.as_bytes()));
    }
    assert_eq!(headers.pop_element(&HeaderName::Via), None);
    assert!(!headers.contains(&HeaderName::Via));
}

#[test]
fn the_content_length_is_always_right() {
    let rows: [(&[u8], usize, &str); 4] = [
        (b"A sip:a SIP/2.0\r\nl: 3\r\n\r\nabc", 3, "l: 3\r\n"),
        (
            b"A sip:a SIP/2.0\r\nl: 3\r\nB: c\r\n\r\nabc",
            4,
            "B: c\r\nContent-Length: 4\r\n",
        ),
        (b"A sip:a SIP/2.0\r\nl: 3\r\nl: 3\r\n\r\nabc", 3, "l: 3\r\n"),
        (
            b"A sip:a SIP/2.0\r\nl: x\r\n\r\nabc",
            0,
            "Content-Length: 0\r\n",
        ),
    ];
    for (text, length, expected) in rows {
        let message = Message::parse(Bytes::from_static(text), &MessageLimits::default());
        let mut out = BytesMut::new();
        message
            .expect("it parses")
            .headers()
            .write(length, &mut out);
        assert_eq!(out, expected.as_bytes());
    }
}

#[test]
fn lines_are_copied_between_messages() {
    let from = headers();
    let mut same = Headers::new();
    same.copy_from(&from, &HeaderName::Via);
    let mut other = Headers::of_source(Bytes::from_static(b"different"));
    other.copy_from(&from, &HeaderName::Via);
    let values = |headers: &Headers| strings(headers.get_all(&HeaderName::Via));
    assert_eq!(values(&same), values(&from));
    assert_eq!(values(&other), values(&from));
}
