//! Seeded mutations of a corpus, against the parser, everything that reads a
//! parsed message, and the framer. `STROWGER_MUTATIONS` sets how many there are,
//! `STROWGER_SEED` where they begin.

mod corpus;

use std::net::SocketAddr;

use bytes::Bytes;
use corpus::TORTURE;
use strowger_sip::message::{
    Framed, HeaderName, Message, MessageLimits, Response, StatusCode, StreamFramer, Uri,
};

/// SplitMix64: small, seeded, and good enough to choose bytes with.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 where `limit` is.
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % (limit.max(1) as u64)) as usize
    }
}

const OWN: [&[u8]; 4] = [
    b"INVITE sip:[2001:db8::1]:5060;transport=tcp SIP/2.0\r\nv: SIP/2.0/TCP [2001:db8::2]:5060\
;branch=z9hG4bK1;rport, SIP/2.0/UDP a.example;received=[2001:db8::3];rport=9\r\nf: \"\\\"a\\\\\" \
<sip:a%20b:c@[::1]:1;x=y?h=v&i=>;tag=1\r\nt: <tel:+1-201-555-0123;phone-context=+1>\r\ni: a@b\r\n\
CSeq: 4294967295 INVITE\r\nm: *\r\nContact: <sip:a@b>;q=1, sip:c@d;expires=3\r\nRoute: <sip:p;lr>,\
<sip:q;lr>\r\nMax-Forwards: 255\r\nc: multipart/mixed ; boundary=\"a;b\"\r\nl: 3\r\n\r\nabc",
    b"SIP/2.0 183 \r\nVia: SIP/2.0/UDP a:1;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=a\r\nTo: b <sip:b@c>\
\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\nno length",
    b"\r\n\r\nOPTIONS sips:a SIP/2.0\nVia: SIP/2.0/TLS a\nFrom: a <sip:a>\nTo: sip:b\nCall-ID: c\n\
CSeq: 1 OPTIONS\nFolded: a\n b\n\tc\n\n",
    b"\r\n\r\n\r\nREGISTER sip:a SIP/2.0\r\nContent-Length: 10\r\nContent-Length: 10\r\n\r\n0123456789\r\n",
];

/// Pieces whose place in the grammar makes trouble.
const PIECES: [&[u8]; 28] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n ",
    b"\r\n\r\n",
    b"\0",
    b"\xff",
    b"\xc3\x28",
    b"\"",
    b"\\",
    b"<",
    b">",
    b",",
    b";",
    b":",
    b"=",
    b"@",
    b"%",
    b"%0",
    b"[",
    b"]",
    b" ",
    b"\t",
    b"?",
    b"SIP/2.0",
    b"Content-Length: ",
    b"99999999999999999999",
    b"-1",
];

fn mutate(octets: &mut Vec<u8>, random: &mut Random, corpus: &[&[u8]]) {
    let at = random.below(octets.len() + 1);
    let end = (at + random.below(24)).min(octets.len());
    match random.below(8) {
        0 if at < octets.len() => octets[at] = random.next() as u8,
        1 if at < octets.len() => octets[at] ^= 1 << random.below(8),
        2 => drop(octets.drain(at..end)),
        3 => {
            let copy = octets[at..end].to_vec();
            let to = random.below(octets.len() + 1);
            octets.splice(to..to, copy);
        }
        4 => octets.truncate(at),
        5 => {
            let other = corpus[random.below(corpus.len())];
            let from = random.below(other.len());
            octets.truncate(at);
            octets.extend_from_slice(&other[from..]);
        }
        _ => drop(octets.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
    }
}

/// Reads all there is to read; what must hold for any input is asserted.
fn exercise(octets: &Bytes, limits: &MessageLimits) {
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

/// A stream gives the same messages however it is cut.
fn exercise_framer(octets: &[u8], random: &mut Random, limits: &MessageLimits) {
    let mut whole = StreamFramer::new(limits.clone());
    whole.push(octets);
    let expected: Vec<_> = std::iter::from_fn(|| whole.next()).collect();
    let mut pieces = StreamFramer::new(limits.clone());
    let (mut rest, mut seen) = (octets, Vec::new());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(1 + random.below(rest.len()));
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

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn mutated_messages_never_panic_and_keep_their_promises() {
    let count = number("STROWGER_MUTATIONS", 20_000);
    let seed = number("STROWGER_SEED", 0);
    let corpus: Vec<&[u8]> = TORTURE
        .iter()
        .map(|torture| torture.octets)
        .chain(OWN)
        .collect();
    let limits = MessageLimits {
        max_message_bytes: 131_072,
        ..MessageLimits::default()
    };
    let tight = MessageLimits {
        max_message_bytes: 700,
        max_headers: 9,
        max_header_bytes: 60,
        max_head_bytes: 400,
        max_uri_bytes: 20,
    };
    for iteration in 0..count {
        let mut random = Random(seed.wrapping_add(iteration));
        let mut octets = corpus[random.below(corpus.len())].to_vec();
        for _ in 0..=random.below(6) {
            mutate(&mut octets, &mut random, &corpus);
        }
        let octets = Bytes::from(octets);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            exercise(&octets, &limits);
            let _ = Message::parse(octets.clone(), &tight);
            exercise_framer(
                &octets,
                &mut random,
                if iteration % 2 == 0 { &limits } else { &tight },
            );
        }));
        if let Err(panic) = outcome {
            eprintln!(
                "STROWGER_SEED={} STROWGER_MUTATIONS=1",
                seed.wrapping_add(iteration)
            );
            eprintln!("{}", octets.escape_ascii());
            std::panic::resume_unwind(panic);
        }
    }
}
