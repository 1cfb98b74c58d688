use super::*;

const REQUEST: &[u8] = b"A sip:b SIP/2.0\r\nContent-Length: 4\r\n\r\nbody";

fn limits() -> MessageLimits {
    MessageLimits {
        max_message_bytes: 120,
        max_head_bytes: 80,
        ..MessageLimits::default()
    }
}

fn all(bytes: &[u8]) -> Vec<Result<Framed, StatusCode>> {
    let mut framer = StreamFramer::new(limits());
    framer.push(bytes);
    std::iter::from_fn(|| framer.next())
        .map(|one| one.map_err(|error| error.status))
        .collect()
}

fn message(bytes: &'static [u8]) -> Framed {
    Framed::Message(Bytes::from_static(bytes))
}

#[test]
fn messages_and_keep_alives_come_out_in_order() {
    let mut stream = b"\r\n\r\n".to_vec();
    stream.extend_from_slice(REQUEST);
    stream.extend_from_slice(b"\r\n");
    stream.extend_from_slice(REQUEST);
    stream.extend_from_slice(b"\r\n\r\n\r\n\r\n\r\n");
    let expected = [
        Ok(Framed::Ping),
        Ok(message(REQUEST)),
        Ok(Framed::Pong),
        Ok(message(REQUEST)),
        Ok(Framed::Ping),
        Ok(Framed::Ping),
    ];
    assert_eq!(all(&stream), expected);
}

#[test]
fn byte_by_byte_is_the_same() {
    let mut framer = StreamFramer::new(limits());
    let mut seen = Vec::new();
    for byte in REQUEST.iter().chain(b"\r\n\r\n").chain(REQUEST) {
        framer.push(&[*byte]);
        seen.extend(std::iter::from_fn(|| framer.next()));
    }
    let expected = [
        Ok(Framed::Message(Bytes::from_static(REQUEST))),
        Ok(Framed::Ping),
        Ok(Framed::Message(Bytes::from_static(REQUEST))),
    ];
    assert_eq!(seen, expected);
    assert_eq!(framer.pending_bytes(), 0);
}

#[test]
fn what_cannot_be_framed_ends_the_stream() {
    let long_head = [b"A sip:b SIP/2.0\r\nx: ".as_slice(), &[b'x'; 80]].concat();
    let rows: [(&[u8], StatusCode); 9] = [
        (b"A sip:b SIP/2.0\r\n\r\n", StatusCode::BAD_REQUEST),
        (b"A sip:b SIP/2.0\r\nl: -1\r\n\r\n", StatusCode::BAD_REQUEST),
        (
            b"A sip:b SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\n",
            StatusCode::BAD_REQUEST,
        ),
        (b"A sip:b SIP/2.0\r\nl:\r\n\r\n", StatusCode::BAD_REQUEST),
        (
            b"A sip:b SIP/2.0\r\nl: 1\r\n 2\r\n\r\n",
            StatusCode::BAD_REQUEST,
        ),
        (b"\n\n", StatusCode::BAD_REQUEST),
        (
            b"A sip:b SIP/2.0\r\nl: 100\r\n\r\n",
            StatusCode::REQUEST_ENTITY_TOO_LARGE,
        ),
        (
            b"A sip:b SIP/2.0\r\nl: 18446744073709551615\r\n\r\n",
            StatusCode::REQUEST_ENTITY_TOO_LARGE,
        ),
        (&long_head, StatusCode::MESSAGE_TOO_LARGE),
    ];
    for (bytes, status) in rows {
        assert_eq!(all(bytes), [Err(status)], "{}", bytes.escape_ascii());
    }
    let mut framer = StreamFramer::new(limits());
    framer.push(b"A sip:b SIP/2.0\r\nl: x\r\n\r\n");
    let error = framer.next().expect("an error").expect_err("an error");
    assert_eq!(error.head, &b"A sip:b SIP/2.0\r\nl: x\r\n\r\n"[..]);
    framer.push(REQUEST);
    assert_eq!((framer.next(), framer.pending_bytes()), (None, 0));
}

#[test]
fn odd_spellings_of_the_length_are_understood() {
    let rows: [&'static [u8]; 5] = [
        b"A sip:b SIP/2.0\r\nL : 1\r\n\r\nx",
        b"A sip:b SIP/2.0\r\ncontent-length:\r\n 1\r\nx: y\r\n\r\nx",
        b"A sip:b SIP/2.0\nl: 1\n\nx",
        b"A sip:b SIP/2.0\r\nl: 1\r\nl: 1\r\n\r\nx",
        b"A sip:b SIP/2.0\r\nx: y\r\n l: 9\r\nl: 1\r\n\r\nx",
    ];
    for bytes in rows {
        assert_eq!(all(bytes), [Ok(message(bytes))], "{}", bytes.escape_ascii());
    }
}
