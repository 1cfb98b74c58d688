//! What must hold for any input, shared by the mutation test and the fuzz
//! targets in `fuzz/`.

use std::net::SocketAddr;

use bytes::Bytes;
use strowger_sip::message::{
    Framed, HeaderName, Message, MessageLimits, Response, StatusCode, StreamFramer, Uri,
};

/// Reads all there is to read; what must hold for any input is asserted.
pub fn message(octets: &Bytes, limits: &MessageLimits) {
    let Ok(mut message) = Message::parse(octets.clone(), limits) else {
        return;
    };
    read_headers(&message);
    let written = message.to_bytes();
    let again = Message::parse(written.clone(), limits).expect("what we write parses");
    assert_eq!(again.to_bytes(), written, "writing is stable");
    assert_eq!(again.body(), message.body(), "the body is kept");
    match &mut message {
        Message::Request(request) => {
            let verdict = request.validate();
            let answer = match &verdict {
                Ok(()) => Response::for_request(request, StatusCode::OK, Some("t")),
                Err(rejection) => rejection.response(request, Some("t")),
            };
            let answer = Message::parse(answer.to_bytes(), limits).expect("an answer parses");
            let Message::Response(answer) = answer else {
                panic!("an answer is a response")
            };
            if verdict.is_ok() {
                assert_eq!(
                    answer.validate(),
                    Ok(()),
                    "a good request gets a good answer"
                );
            }
            let source: SocketAddr = ([192, 0, 2, 1], 7).into();
            request.stamp_source(source);
            if let Ok(via) = request.headers.top_via() {
                let target = via.response_target(source);
                assert_eq!(
                    target.ip(),
                    source.ip(),
                    "answers go where the request came from"
                );
            }
        }
        Message::Response(response) => {
            let _ = response.validate();
        }
    }
}

fn read_headers(message: &Message) {
    let headers = message.headers();
    let _ = (
        headers.top_via(),
        headers.from_(),
        headers.to(),
        headers.call_id(),
        headers.cseq(),
    );
    let _ = (
        headers.max_forwards(),
        headers.content_length(),
        headers.expires(),
    );
    for via in headers.vias().flatten() {
        let _ = (
            via.host(),
            via.received(),
            via.rport(),
            via.branch(),
            via.version(),
        );
    }
    for address in headers
        .contacts()
        .chain(headers.routes())
        .chain(headers.record_routes())
        .flatten()
    {
        let uri = &address.uri;
        let _ = (
            address.display(),
            address.tag(),
            uri.user(),
            uri.password(),
            uri.socket_addr(),
        );
        assert!(uri.is_equivalent(uri), "{uri} is itself");
        assert_eq!(Uri::parse(uri.to_bytes()).as_ref(), Ok(uri));
    }
    if let Ok(Some(media_type)) = headers.content_type() {
        let _ = (
            media_type.is("a", "b"),
            media_type.params().get_unquoted("boundary"),
        );
    }
    let mut popped = headers.clone();
    let vias = popped.elements(&HeaderName::Via).count();
    assert!(vias == 0 || popped.pop_element(&HeaderName::Via).is_some());
    assert_eq!(
        popped.elements(&HeaderName::Via).count(),
        vias.saturating_sub(1)
    );
}

/// A stream gives the same messages however it is cut. `cut` is given how much
/// is left and chooses a number below it.
pub fn framer(octets: &[u8], mut cut: impl FnMut(usize) -> usize, limits: &MessageLimits) {
    let mut whole = StreamFramer::new(limits.clone());
    whole.push(octets);
    let expected: Vec<_> = std::iter::from_fn(|| whole.next()).collect();
    let mut pieces = StreamFramer::new(limits.clone());
    let (mut rest, mut seen) = (octets, Vec::new());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(1 + cut(rest.len()));
        pieces.push(piece);
        seen.extend(std::iter::from_fn(|| pieces.next()));
        rest = after;
    }
    let messages = |framed: &[Result<Framed, _>]| {
        framed
            .iter()
            .filter(|one| matches!(one, Ok(Framed::Message(_))))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(messages(&seen), messages(&expected));
    assert_eq!(
        seen.last().is_some_and(Result::is_err),
        expected.last().is_some_and(Result::is_err),
    );
}
