//! Parsing and serialising a 1.2 kB INVITE: our message layer, and `rsip` beside
//! it as the yardstick.

use std::hint::black_box;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use strowger_sip::message::{Message, MessageLimits, Request, Response, StatusCode};

const INVITE: &str = "INVITE sip:+4930123456@switch.example.com:5060;transport=udp SIP/2.0\r\n\
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-524287-1---0f3eb40b11f97a9c;rport\r\n\
Via: SIP/2.0/UDP pbx.example.net:5060;received=198.51.100.7;branch=z9hG4bKnashds8\r\n\
Max-Forwards: 69\r\n\
Record-Route: <sip:192.0.2.10;lr>\r\n\
From: \"Alice Example\" <sip:alice@example.net>;tag=9fxced76sl\r\n\
To: \"Bob\" <sip:+4930123456@switch.example.com>\r\n\
Call-ID: 3848276298220188511@pbx.example.net\r\n\
CSeq: 2 INVITE\r\n\
Contact: <sip:alice@198.51.100.7:5060;transport=udp>\r\n\
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE\r\n\
Supported: replaces, timer, 100rel, path\r\n\
Session-Expires: 1800\r\n\
Min-SE: 90\r\n\
User-Agent: ExamplePBX 18.4.0 (build 7)\r\n\
P-Asserted-Identity: \"Alice Example\" <sip:alice@example.net>\r\n\
Date: Sat, 14 Nov 2026 10:00:00 GMT\r\n\
Content-Type: application/sdp\r\n\
Content-Length: 289\r\n\
\r\n\
v=0\r\n\
o=pbx 1731578400 1731578400 IN IP4 198.51.100.7\r\n\
s=ExamplePBX\r\n\
c=IN IP4 198.51.100.7\r\n\
t=0 0\r\n\
m=audio 16412 RTP/AVP 9 0 8 101\r\n\
a=rtpmap:9 G722/8000\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-16\r\n\
a=ptime:20\r\n\
a=maxptime:150\r\n\
a=sendrecv\r\n";

fn request(octets: &Bytes) -> Request {
    match Message::parse(octets.clone(), &MessageLimits::default()) {
        Ok(Message::Request(request)) => request,
        other => panic!("the INVITE parses: {other:?}"),
    }
}

fn ours(criterion: &mut Criterion) {
    let octets = Bytes::from_static(INVITE.as_bytes());
    let limits = MessageLimits::default();
    assert_eq!(request(&octets).to_bytes(), octets, "byte for byte");
    assert_eq!(request(&octets).validate(), Ok(()));
    let mut group = criterion.benchmark_group("sip/strowger");
    group.throughput(Throughput::Bytes(octets.len() as u64));
    // From a receive buffer, so that the copy off the socket's buffer counts too.
    group.bench_function("parse", |bencher| {
        bencher.iter(|| {
            Message::parse(
                Bytes::copy_from_slice(black_box(INVITE.as_bytes())),
                &limits,
            )
        });
    });
    let parsed = request(&octets);
    let mut out = BytesMut::with_capacity(65_536);
    group.bench_function("serialise", |bencher| {
        bencher.iter(|| {
            out.clear();
            black_box(&parsed).write(&mut out);
            out.len()
        });
    });
    group.bench_function("parse and serialise", |bencher| {
        bencher.iter(|| {
            out.clear();
            let octets = Bytes::copy_from_slice(black_box(INVITE.as_bytes()));
            if let Ok(message) = Message::parse(octets, &limits) {
                message.write(&mut out);
            }
            out.len()
        });
    });
    group.bench_function("validate", |bencher| {
        bencher.iter(|| black_box(&parsed).validate());
    });
    group.bench_function("via, from, to, cseq, contact", |bencher| {
        bencher.iter(|| {
            let headers = &black_box(&parsed).headers;
            (
                headers.top_via(),
                headers.from_(),
                headers.to(),
                headers.cseq(),
                headers.contacts().next(),
            )
        });
    });
    group.bench_function("response for request", |bencher| {
        bencher.iter(|| {
            Response::for_request(black_box(&parsed), StatusCode::OK, Some("tag")).to_bytes()
        });
    });
    let source: SocketAddr = ([192, 0, 2, 10], 5060).into();
    group.bench_function("stamp source", |bencher| {
        bencher.iter_batched(
            || parsed.clone(),
            |mut request| {
                request.stamp_source(source);
                request
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn rsip(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sip/rsip");
    group.throughput(Throughput::Bytes(INVITE.len() as u64));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| rsip::SipMessage::try_from(black_box(INVITE)));
    });
    let parsed = rsip::SipMessage::try_from(INVITE).expect("rsip takes it");
    group.bench_function("serialise", |bencher| {
        bencher.iter(|| black_box(&parsed).to_string());
    });
    group.bench_function("parse and serialise", |bencher| {
        bencher.iter(|| {
            rsip::SipMessage::try_from(black_box(INVITE)).map(|message| message.to_string())
        });
    });
    group.finish();
}

criterion_group!(benches, ours, rsip);
criterion_main!(benches);
