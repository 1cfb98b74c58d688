use super::*;
use crate::message::{Message, MessageLimits};

fn answer(request: &'static [u8], status: StatusCode, tag: Option<&str>) -> String {
    let message = Message::parse(Bytes::from_static(request), &MessageLimits::default());
    let Ok(Message::Request(request)) = message else {
        panic!("a request")
    };
    let octets = Response::for_request(&request, status, tag).to_bytes();
    String::from_utf8(octets.to_vec()).expect("text")
}

#[test]
fn the_header_fields_of_the_request_come_back_as_they_were() {
    let request = b"INVITE sip:a SIP/2.0\r\nv: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nSubject: x\r\n\
Timestamp: 5\r\ni: c\r\nVIA : SIP/2.0/UDP d\r\nt:\r\n <sip:e>\r\nf: <sip:f>;tag=1\r\n\
CSeq: 1 INVITE\r\n\r\n";
    let trying = "SIP/2.0 100 Trying\r\nv: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nVIA : SIP/2.0/UDP d\r\n\
f: <sip:f>;tag=1\r\nt:\r\n <sip:e>\r\ni: c\r\nCSeq: 1 INVITE\r\nTimestamp: 5\r\n\
Content-Length: 0\r\n\r\n";
    assert_eq!(answer(request, StatusCode::TRYING, Some("9")), trying);
    let busy = "SIP/2.0 486 Busy Here\r\nv: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nVIA : SIP/2.0/UDP d\r\n\
f: <sip:f>;tag=1\r\nTo: <sip:e>;tag=9\r\ni: c\r\nCSeq: 1 INVITE\r\n\
Content-Length: 0\r\n\r\n";
    assert_eq!(answer(request, StatusCode::BUSY_HERE, Some("9")), busy);
}

#[test]
fn a_tag_is_added_only_where_there_is_none() {
    // To | with the tag 9
    let rows: [(&'static [u8], &str); 4] = [
        (b"A sip:a SIP/2.0\r\nTo: sip:e\r\n\r\n", "To: sip:e;tag=9"),
        (
            b"A sip:a SIP/2.0\r\nTo: <sip:e>;tag=8\r\n\r\n",
            "To: <sip:e>;tag=8",
        ),
        (b"A sip:a SIP/2.0\r\nTo: \"e\r\n\r\n", "To: \"e"),
        (
            b"A sip:a SIP/2.0\r\nTo: <sip:e;tag=8>\r\n\r\n",
            "To: <sip:e;tag=8>;tag=9",
        ),
    ];
    for (request, to) in rows {
        let answer = answer(request, StatusCode::OK, Some("9"));
        assert_eq!(answer.lines().find(|line| line.starts_with("To")), Some(to));
    }
}

#[test]
fn a_reason_never_becomes_a_header_field() {
    let mut response = Response::new(StatusCode::OK);
    response.reason = Bytes::from_static(b"OK\r\nEvil: 1");
    let expected = b"SIP/2.0 200 OK  Evil: 1\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(response.to_bytes(), expected[..]);
    assert_eq!(
        StatusCode::new(477).map(StatusCode::reason),
        Some("Client Error")
    );
}
