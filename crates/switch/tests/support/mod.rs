//! A switch on a bench: messages in as text, messages out as text, media orders
//! and records kept, time moved by hand.
#![allow(dead_code, reason = "each file of tests uses its part")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use strowger_media::vocabulary::{
    Codec, Digit, MediaEvent, PlayEnd, PlayId, PortConfig, PortId, PortStats,
};
use strowger_sip::transport::{Hop, ListenerId, Transport};
use strowger_switch::Switch;
use strowger_switch::call_table::CallTable;
use strowger_switch::clock::Clock;
use strowger_switch::config::{
    Limits, Listener, MediaAddress, MediaAddressId, Routes, SwitchConfig,
};
use strowger_switch::effect::{Effect, MediaOrder};
use strowger_switch::input::{Control, Input};
use strowger_switch::record::CallRecord;
use strowger_switch::registration::KeptRegistration;

pub const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 30000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n";

pub struct Bench {
    pub switch: Switch,
    pub now: Instant,
    pub table: Arc<CallTable>,
    pub sent: Vec<String>,
    pub orders: Vec<MediaOrder>,
    pub records: Vec<CallRecord>,
    pub kept: Vec<KeptRegistration>,
    pub events: Vec<String>,
    pub drained: bool,
    transport: Transport,
}

impl Bench {
    pub fn new(routes: Routes) -> Self {
        Self::with(routes, Transport::Udp, |_| {})
    }

    pub fn with(
        routes: Routes,
        transport: Transport,
        change: impl FnOnce(&mut SwitchConfig),
    ) -> Self {
        let mut config = config(routes, transport);
        change(&mut config);
        let now = start();
        let table = Arc::new(CallTable::new(config.limits.max_calls));
        let clock = Clock {
            base: now,
            unix_ms: 1_700_000_000_000,
        };
        let switch = Switch::new(config, table.clone(), 1, clock, now);
        let mut bench = Self {
            switch,
            now,
            table,
            sent: Vec::new(),
            orders: Vec::new(),
            records: Vec::new(),
            kept: Vec::new(),
            events: Vec::new(),
            drained: false,
            transport,
        };
        for port in [4000, 4002, 4004, 4006] {
            bench.input(Input::PortReady {
                address: MediaAddressId(0),
                port,
            });
        }
        bench
    }

    pub fn input(&mut self, input: Input) {
        let mut out = Vec::new();
        self.switch.handle_input(input, self.now, &mut out);
        self.take(out);
    }

    pub fn receive(&mut self, message: &str) {
        let message = Bytes::copy_from_slice(message.as_bytes());
        self.input(Input::Sip {
            hop: self.hop(),
            message,
        });
    }

    pub fn control(&mut self, control: Control) {
        self.input(Input::Control(control));
    }

    /// Lets time pass, waking the switch whenever it asked for it.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some((at, _)) = self.switch.poll_timeout().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            let mut out = Vec::new();
            self.switch.handle_timeout(self.now, &mut out);
            self.take(out);
        }
        self.now = end;
    }

    pub fn hop(&self) -> Hop {
        Hop {
            transport: self.transport,
            listener: ListenerId(0),
            remote: "127.0.0.1:5080".parse().expect("an address"),
            connection: None,
        }
    }

    /// The last message sent; its first line must begin with `start`.
    #[track_caller]
    pub fn last(&self, start: &str) -> &str {
        let last = self.sent.last().expect("something was sent");
        assert!(
            last.starts_with(start),
            "expected {start}, sent was:\n{last}"
        );
        last
    }

    /// First lines of what was sent since the last call.
    pub fn said(&mut self) -> Vec<String> {
        let first = |message: String| message.lines().next().unwrap_or_default().to_owned();
        std::mem::take(&mut self.sent)
            .into_iter()
            .map(first)
            .collect()
    }

    /// The port and configuration last opened or updated.
    #[track_caller]
    pub fn port(&self) -> (PortId, PortConfig) {
        let found = self.orders.iter().rev().find_map(|order| match order {
            MediaOrder::Open { port, config, .. } | MediaOrder::Update { port, config } => {
                Some((*port, (**config).clone()))
            }
            _ => None,
        });
        found.expect("a port was opened")
    }

    #[track_caller]
    pub fn playing(&self) -> (PlayId, Vec<String>) {
        let found = self.orders.iter().rev().find_map(|order| match order {
            MediaOrder::Play { play, urls, .. } => {
                Some((*play, urls.iter().map(ToString::to_string).collect()))
            }
            _ => None,
        });
        found.expect("something plays")
    }

    pub fn play_done(&mut self, end: PlayEnd) {
        let (play, _) = self.playing();
        let (port, _) = self.port();
        self.input(Input::Media(MediaEvent::PlayDone { port, play, end }));
    }

    pub fn digit(&mut self, digit: char) {
        let (port, _) = self.port();
        let digit = Digit::from_char(digit).expect("a key");
        self.input(Input::Media(MediaEvent::Digit {
            port,
            digit,
            duration_ms: 20,
        }));
    }

    /// Answers a `Close` as a worker does.
    #[track_caller]
    pub fn port_closed(&mut self, stats: PortStats) {
        let found = self.orders.iter().rev().find_map(|order| match order {
            MediaOrder::Close { port } => Some(*port),
            _ => None,
        });
        let port = found.expect("a port was ordered closed");
        self.input(Input::Media(MediaEvent::Closed {
            port,
            stats: Box::new(stats),
        }));
    }

    #[track_caller]
    pub fn at_rest(&mut self) {
        self.pass(Duration::from_secs(70));
        let stats = self.switch.stats();
        assert_eq!(
            (stats.calls_live, stats.transactions_live, stats.ports_live),
            (0, 0, 0)
        );
        assert_eq!((self.table.live(), self.table.names()), (0, 0));
    }

    fn take(&mut self, out: Vec<Effect>) {
        for effect in out {
            match effect {
                Effect::Send { message, .. } => {
                    self.sent
                        .push(String::from_utf8_lossy(&message).into_owned());
                }
                Effect::Media(order) => self.orders.push(order),
                Effect::Event(event) => self.events.push(event.kind.as_str().to_owned()),
                Effect::Record(record) => self.records.push(*record),
                Effect::Registration(kept) => self.kept.push(*kept),
                Effect::Drained => self.drained = true,
            }
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "a test may take any instant as its start"
)]
fn start() -> Instant {
    Instant::now()
}

fn config(routes: Routes, transport: Transport) -> SwitchConfig {
    let address = "127.0.0.1:5060".parse().expect("an address");
    let ip = "127.0.0.1".parse().expect("an address");
    SwitchConfig {
        listeners: vec![Listener {
            transport,
            local: address,
            advertised: address,
            media_address: MediaAddressId(0),
        }],
        media_addresses: vec![MediaAddress {
            local: ip,
            advertised: ip,
        }],
        media_workers: 2,
        max_ports_per_worker: 8,
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        ptime_ms: 20,
        limits: Limits {
            max_calls: 4,
            max_calls_per_second: 100,
            retry_after_s: 7,
            max_call_duration: Duration::from_hours(1),
            ring_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
        },
        message: strowger_sip::message::MessageLimits::default(),
        transactions: strowger_sip::transaction::TransactionConfig {
            sent_by: vec!["127.0.0.1:5060".into()],
            ..Default::default()
        },
        routes: Arc::new(routes),
        server_name: "strowger".into(),
        registration: None,
    }
}

/// A caller: builds the requests of one call.
pub struct Caller {
    pub user: &'static str,
    pub call_id: &'static str,
    pub to_tag: String,
    pub cseq: u32,
}

impl Caller {
    pub fn new(user: &'static str, call_id: &'static str) -> Self {
        Self {
            user,
            call_id,
            to_tag: String::new(),
            cseq: 1,
        }
    }

    pub fn invite(&self, sdp: &str) -> String {
        self.request(
            "INVITE",
            &format!("inv{}", self.cseq),
            "Contact: <sip:a@127.0.0.1:5080>\r\n",
            sdp,
        )
    }

    pub fn ack(&self, sdp: &str) -> String {
        self.request("ACK", &format!("ack{}", self.cseq), "", sdp)
    }

    pub fn bye(&mut self) -> String {
        self.cseq += 1;
        self.request("BYE", &format!("bye{}", self.cseq), "", "")
    }

    pub fn cancel(&self) -> String {
        self.request("CANCEL", &format!("inv{}", self.cseq), "", "")
    }

    pub fn reinvite(&mut self, sdp: &str) -> String {
        self.cseq += 1;
        self.invite(sdp)
    }

    /// Remembers the To tag of a response.
    pub fn heard(&mut self, response: &str) {
        let to = response
            .lines()
            .find(|line| line.starts_with("To:"))
            .expect("a To header");
        let (_, tag) = to.split_once("tag=").expect("a To tag");
        tag.trim().clone_into(&mut self.to_tag);
    }

    pub fn request(&self, method: &str, branch: &str, more: &str, body: &str) -> String {
        let Self {
            user,
            call_id,
            to_tag,
            cseq,
        } = self;
        let tag = if to_tag.is_empty() {
            String::new()
        } else {
            format!(";tag={to_tag}")
        };
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} sip:{user}@127.0.0.1 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK{call_id}{branch}\r\n\
             Max-Forwards: 70\r\nFrom: \"Ann\" <sip:ann@127.0.0.1>;tag=f{call_id}\r\n\
             To: <sip:{user}@127.0.0.1>{tag}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n\
             {more}{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}
