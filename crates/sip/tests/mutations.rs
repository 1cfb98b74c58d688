//! Seeded mutations of a corpus, against the parser, everything that reads a
//! parsed message, and the framer. `STROWGER_MUTATIONS` sets how many there are,
//! `STROWGER_SEED` where they begin.

mod corpus;
mod exercise;

use bytes::Bytes;
use corpus::TORTURE;
use strowger_sip::message::{Message, MessageLimits};

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

const OWN: [&[u8]; 5] = [
    b"OPTIONS sip:a SIP/2.0\r\nVia:\r\nVia: ,SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKa\r\nl: 0\r\n\r\n",
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
            exercise::message(&octets, &limits);
            let _ = Message::parse(octets.clone(), &tight);
            let limits = if iteration % 2 == 0 { &limits } else { &tight };
            exercise::framer(&octets, |rest| random.below(rest), limits);
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
