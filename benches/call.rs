//! What the signalling of one answered call costs, without sockets: INVITE, 200,
//! ACK, BYE, 200 through a whole `Switch`, its port opened and closed by hand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use strowger_media::vocabulary::{Codec, MediaEvent, PortStats};
use strowger_sip::transport::{Hop, ListenerId, Transport};
use strowger_switch::Switch;
use strowger_switch::call_table::CallTable;
use strowger_switch::clock::Clock;
use strowger_switch::config::{
    Limits, Listener, MediaAddress, MediaAddressId, Routes, SwitchConfig,
};
use strowger_switch::dial_plan::{DialEntry, DialMatch, DialPlan};
use strowger_switch::effect::{Effect, MediaOrder};
use strowger_switch::flow::{Flow, FlowSet};
use strowger_switch::input::Input;

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 30000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
    a=ptime:20\r\n";

fn answered_call(criterion: &mut Criterion) {
    let mut now = Instant::now();
    let mut switch = new_switch(now);
    let mut out = Vec::with_capacity(64);
    let mut number = 0_u64;
    criterion.bench_function("call/invite_to_bye", |bencher| {
        bencher.iter(|| {
            number += 1;
            now += Duration::from_micros(200);
            while switch.poll_timeout().is_some_and(|(at, _)| at <= now) {
                switch.handle_timeout(now, &mut out);
            }
            out.clear();
            one_call(&mut switch, number, now, &mut out);
        });
    });
}

fn one_call(switch: &mut Switch, number: u64, now: Instant, out: &mut Vec<Effect>) {
    let port = 10_000 + (number % 1000) as u16 * 2;
    switch.handle_input(
        Input::PortReady {
            address: MediaAddressId(0),
            port,
        },
        now,
        out,
    );
    receive(switch, request("INVITE", number, 1, "", SDP), now, out);
    let answer = out.iter().find_map(|effect| match effect {
        Effect::Send { message, .. } => Some(message.clone()),
        _ => None,
    });
    let tag = to_tag(&answer.expect("the call is answered"));
    out.clear();
    receive(switch, request("ACK", number, 1, &tag, ""), now, out);
    receive(switch, request("BYE", number, 2, &tag, ""), now, out);
    let port = out.iter().find_map(|effect| match effect {
        Effect::Media(MediaOrder::Close { port }) => Some(*port),
        _ => None,
    });
    let port = port.expect("the port is closed");
    let closed = MediaEvent::Closed {
        port,
        stats: Box::new(PortStats::default()),
    };
    switch.handle_input(Input::Media(closed), now, out);
    assert!(out.iter().any(|effect| matches!(effect, Effect::Record(_))));
    out.clear();
}

fn receive(switch: &mut Switch, message: Bytes, now: Instant, out: &mut Vec<Effect>) {
    let remote = "127.0.0.1:5081".parse().expect("an address");
    let hop = Hop {
        transport: Transport::Udp,
        listener: ListenerId(0),
        remote,
        connection: None,
    };
    switch.handle_input(Input::Sip { hop, message }, now, out);
}

fn request(method: &str, number: u64, cseq: u32, tag: &str, body: &str) -> Bytes {
    let to_tag = if tag.is_empty() {
        String::new()
    } else {
        format!(";tag={tag}")
    };
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "{method} sip:answer@127.0.0.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:5081;branch=z9hG4bK-{number}-{method}-{cseq}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bench@127.0.0.1:5081>;tag=s{number}\r\n\
         To: <sip:answer@127.0.0.1:5060>{to_tag}\r\nCall-ID: {number}-1@127.0.0.1\r\n\
         CSeq: {cseq} {method}\r\nContact: <sip:bench@127.0.0.1:5081>\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn to_tag(answer: &[u8]) -> String {
    let text = std::str::from_utf8(answer).expect("our own answer is text");
    let to = text
        .lines()
        .find(|line| line.starts_with("To:"))
        .expect("a To header");
    to.split_once("tag=").expect("a tag").1.to_owned()
}

fn new_switch(now: Instant) -> Switch {
    let address = "127.0.0.1:5060".parse().expect("an address");
    let ip = "127.0.0.1".parse().expect("an address");
    let mut flows = FlowSet::default();
    let actions = serde_json::json!([{"type": "answer"}, {"type": "stop"}]);
    flows.insert(Flow::from_json("answer", &actions).expect("a flow"));
    let entry = DialEntry {
        users: DialMatch::Exact("answer".into()),
        flow: "answer".into(),
    };
    let dial_plan = DialPlan::new(vec![entry]).expect("a dial plan");
    let config = SwitchConfig {
        listeners: vec![Listener {
            transport: Transport::Udp,
            local: address,
            advertised: address,
            media_address: MediaAddressId(0),
        }],
        media_addresses: vec![MediaAddress {
            local: ip,
            advertised: ip,
        }],
        media_workers: 2,
        max_ports_per_worker: 4096,
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        ptime_ms: 20,
        limits: Limits {
            max_calls: 4096,
            max_calls_per_second: 1_000_000,
            retry_after_s: 5,
            max_call_duration: Duration::from_hours(4),
            ring_timeout: Duration::from_mins(2),
            drain_timeout: Duration::from_secs(30),
        },
        message: strowger_sip::message::MessageLimits::default(),
        transactions: strowger_sip::transaction::TransactionConfig {
            sent_by: vec!["127.0.0.1:5060".into()],
            ..Default::default()
        },
        routes: Arc::new(Routes { flows, dial_plan }),
        server_name: "strowger".into(),
        registration: None,
    };
    let table = Arc::new(CallTable::new(config.limits.max_calls));
    Switch::new(
        config,
        table,
        1,
        Clock {
            base: now,
            unix_ms: 0,
        },
        now,
    )
}

criterion_group!(benches, answered_call);
criterion_main!(benches);
