use super::*;

fn parse(text: &'static [u8]) -> Result<Message, ParseError> {
    super::parse(&Bytes::from_static(text), &MessageLimits::default())
}

#[test]
fn start_lines() {
    use ParseError::{Empty, StartLine, StatusCode};
    let rows: [(&[u8], Option<ParseError>); 16] = [
        (b"", Some(Empty)),
        (b"\r\n\r\n", Some(Empty)),
        (b"A sip:b SIP/2.0\r\n\r\n", None),
        (b"\r\nA sip:b SIP/2.0\n\n", None),
        (b"A sip:b SIP/2.0", None),
        (b"A sip:b sip/2.0\r\n\r\n", None),
        (b"A sip:b HTTP/1.1\r\n\r\n", Some(StartLine)),
        (b"A SIP/2.0\r\n\r\n", Some(StartLine)),
        (b"A<B sip:b SIP/2.0\r\n\r\n", Some(StartLine)),
        (b"garbage", Some(StartLine)),
        (b"A sip:b SIP/\r\n\r\n", Some(StartLine)),
        (b"SIP/2.0 200 OK\r\n\r\n", None),
        (b"SIP/2.0 200\r\n\r\n", None),
        (b"SIP/2.0 099 x\r\n\r\n", Some(StatusCode)),
        (b"SIP/2.0 700 x\r\n\r\n", Some(StatusCode)),
        (b"SIP/2.0 2000 x\r\n\r\n", Some(StatusCode)),
    ];
    for (text, error) in rows {
        assert_eq!(parse(text).err(), error, "{}", text.escape_ascii());
    }
}

#[test]
fn flaws_are_noted() {
    let flaw = |set: fn(&mut Flaws)| {
        let mut flaws = Flaws::default();
        set(&mut flaws);
        flaws
    };
    let rows: [(&'static [u8], Flaws); 10] = [
        (b"A sip:b SIP/2.0\r\nc: d\r\n\r\n", Flaws::default()),
        (
            b"A  sip:b SIP/2.0\r\n\r\n",
            flaw(|flaws| flaws.start_line = true),
        ),
        (
            b"A sip:b  SIP/2.0\r\n\r\n",
            flaw(|flaws| flaws.start_line = true),
        ),
        (
            b"A sip:b SIP/2.0 \r\n\r\n",
            flaw(|flaws| flaws.start_line = true),
        ),
        (
            b"A sip:b SIP/3.0\r\n\r\n",
            flaw(|flaws| flaws.version = true),
        ),
        (
            b"A sip:b SIP/2.0\r\nno colon\r\n\r\n",
            flaw(|flaws| flaws.header_line = true),
        ),
        (
            b"A sip:b SIP/2.0\r\n: d\r\n\r\n",
            flaw(|flaws| flaws.header_line = true),
        ),
        (
            b"A sip:b SIP/2.0\r\n c: d\r\n\r\n",
            flaw(|flaws| flaws.header_line = true),
        ),
        (
            b"A sip:b SIP/2.0\r\nc: d\r\n",
            flaw(|flaws| flaws.truncated_head = true),
        ),
        (
            b"A sip:b SIP/2.0\r\nl: 2\r\n\r\na",
            flaw(|flaws| flaws.truncated_body = true),
        ),
    ];
    for (text, flaws) in rows {
        let Ok(Message::Request(request)) = parse(text) else {
            panic!("a request")
        };
        assert_eq!(request.flaws, flaws, "{}", text.escape_ascii());
    }
}

#[test]
fn limits_hold() {
    let limits = MessageLimits {
        max_message_bytes: 60,
        max_headers: 2,
        max_header_bytes: 10,
        max_head_bytes: 25,
        max_uri_bytes: 6,
    };
    let parse = |text: &'static [u8]| match super::parse(&Bytes::from_static(text), &limits) {
        Ok(Message::Request(request)) => request.flaws,
        other => panic!("{other:?}"),
    };
    let over = Flaws {
        over_limit: true,
        ..Flaws::default()
    };
    assert_eq!(
        parse(b"A sip:bc SIP/2.0\r\na: 1\r\nb: 2\r\n\r\n"),
        Flaws::default()
    );
    assert_eq!(
        parse(b"A sip:b SIP/2.0\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n"),
        over
    );
    assert_eq!(parse(b"A sip:b SIP/2.0\r\na: 12345678\r\n\r\n"), over);
    assert_eq!(parse(b"A sip:b SIP/2.0\r\na: 12\r\n 345\r\n\r\n"), over);
    assert_eq!(
        parse(b"A sip:bcd SIP/2.0\r\n\r\n"),
        Flaws {
            uri_too_long: true,
            ..Flaws::default()
        }
    );
    let long = Bytes::from_static(&[b'a'; 61]);
    assert_eq!(
        super::parse(&long, &limits).err(),
        Some(ParseError::TooLarge)
    );
}

#[test]
fn bodies_end_where_the_content_length_says() {
    let rows: [(&'static [u8], &[u8]); 5] = [
        (b"A sip:b SIP/2.0\r\nl: 2\r\n\r\nabc", b"ab"),
        (b"A sip:b SIP/2.0\r\n\r\nabc", b"abc"),
        (b"A sip:b SIP/2.0\r\nl: 5\r\n\r\nabc", b"abc"),
        (b"A sip:b SIP/2.0\r\nl: 0\r\n\r\nabc", b""),
        (b"A sip:b SIP/2.0\r\nl: 3\r\n\r\n\r\n\0", b"\r\n\0"),
    ];
    for (text, body) in rows {
        assert_eq!(
            parse(text).expect("it parses").body(),
            body,
            "{}",
            text.escape_ascii()
        );
    }
}

#[test]
fn bare_line_feeds_are_read_and_written_as_crlf() {
    let message = parse(b"A sip:b SIP/2.0\nxa: 1\nxb: 2\n 3\nl: 1\n\nx").expect("it parses");
    let expected = b"A sip:b SIP/2.0\r\nxa: 1\r\nxb: 2 3\r\nl: 1\r\n\r\nx";
    assert_eq!(message.to_bytes(), expected[..]);
}
