//! What a REGISTER costs, without sockets: a refresh with digest through a whole
//! `Switch` of 10,000 registered users, and the challenge of one without.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use strowger_media::vocabulary::Codec;
use strowger_sip::digest::{
    Algorithm, Authorization, Credentials, DigestConfig, Users, digest_response, ha1,
};
use strowger_sip::registrar::RegistrarConfig;
use strowger_sip::transport::{Hop, ListenerId, Transport};
use strowger_switch::Switch;
use strowger_switch::call_table::CallTable;
use strowger_switch::clock::Clock;
use strowger_switch::config::{
    Limits, Listener, MediaAddress, MediaAddressId, RegistrationConfig, Routes, SwitchConfig,
};
use strowger_switch::effect::Effect;
use strowger_switch::guard::GuardConfig;
use strowger_switch::input::Input;

const REALM: &str = "bench";
const USERS: usize = 10_000;

/// A phone, its challenge, and how often it answered.
struct Phone {
    name: String,
    ha1: String,
    nonce: String,
    count: u32,
}

fn refresh(criterion: &mut Criterion) {
    for algorithm in Algorithm::ALL {
        let mut now = Instant::now();
        let mut switch = new_switch(now);
        let mut out = Vec::with_capacity(64);
        let phones = (0..USERS).map(|n| new_phone(&mut switch, n, algorithm, now));
        let mut phones: Vec<Phone> = phones.collect();
        for phone in &mut phones {
            let message = phone.register(algorithm);
            take_turn(&mut switch, message, now, &mut out);
        }
        assert_eq!(switch.stats().registrations_live, USERS as u64);
        let mut turn = 0;
        let name = format!("register/refresh_{algorithm}");
        criterion.bench_function(&name, |bencher| {
            let next = || {
                turn = (turn + 1) % USERS;
                phones[turn].register(algorithm)
            };
            let work = |message| {
                now += Duration::from_micros(200);
                take_turn(&mut switch, message, now, &mut out);
            };
            bencher.iter_batched(next, work, BatchSize::SmallInput);
        });
        let stats = switch.stats();
        assert_eq!(stats.registers_refused + stats.auth_failures, 0);
        assert_eq!(stats.registers_challenged, USERS as u64);
    }
}

fn challenge(criterion: &mut Criterion) {
    let mut now = Instant::now();
    let mut switch = new_switch(now);
    let mut out = Vec::with_capacity(64);
    let message = request("u1", 1, "");
    criterion.bench_function("register/challenge", |bencher| {
        bencher.iter(|| {
            now += Duration::from_micros(200);
            take_turn(&mut switch, message.clone(), now, &mut out);
        });
    });
}

fn take_turn(switch: &mut Switch, message: Bytes, now: Instant, out: &mut Vec<Effect>) {
    while switch.poll_timeout().is_some_and(|(at, _)| at <= now) {
        switch.handle_timeout(now, out);
    }
    out.clear();
    let remote = "127.0.0.1:5081".parse().expect("an address");
    let hop = Hop {
        transport: Transport::Udp,
        listener: ListenerId(0),
        remote,
        connection: None,
    };
    switch.handle_input(Input::Sip { hop, message }, now, out);
}

impl Phone {
    fn register(&mut self, algorithm: Algorithm) -> Bytes {
        self.count += 1;
        let credentials = |response: &str| {
            format!(
                "Digest username=\"{}\", realm=\"{REALM}\", nonce=\"{}\", \
                 uri=\"sip:127.0.0.1:5060\", response=\"{response}\", algorithm={algorithm}, \
                 qop=auth, nc={:08x}, cnonce=\"0a4f113b\"",
                self.name, self.nonce, self.count
            )
        };
        let draft = credentials("");
        let draft = Authorization::parse(draft.as_bytes()).expect("credentials");
        let response = digest_response(self.ha1.as_bytes(), b"REGISTER", &draft);
        let response = std::str::from_utf8(response.as_bytes()).expect("digits");
        let header = format!("Authorization: {}\r\n", credentials(response));
        request(&self.name, self.count + 1, &header)
    }
}

/// Challenged once.
fn new_phone(switch: &mut Switch, n: usize, algorithm: Algorithm, now: Instant) -> Phone {
    let name = format!("u{n}");
    let mut out = Vec::new();
    take_turn(switch, request(&name, 1, ""), now, &mut out);
    let Some(Effect::Send { message, .. }) = out.pop() else {
        panic!("a challenge")
    };
    let text = std::str::from_utf8(&message).expect("our own answer is text");
    let (_, nonce) = text.split_once("nonce=\"").expect("a nonce");
    let (nonce, _) = nonce.split_once('"').expect("its end");
    Phone {
        ha1: ha1(algorithm, &name, REALM, &format!("secret{n}")),
        name,
        nonce: nonce.to_owned(),
        count: 0,
    }
}

fn request(user: &str, cseq: u32, authorization: &str) -> Bytes {
    format!(
        "REGISTER sip:127.0.0.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:5081;branch=z9hG4bK-{user}-{cseq};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{user}@127.0.0.1:5060>;tag=s{cseq}\r\n\
         To: <sip:{user}@127.0.0.1:5060>\r\nCall-ID: {user}-1@127.0.0.1\r\n\
         CSeq: {cseq} REGISTER\r\nContact: <sip:{user}@127.0.0.1:5081>\r\n\
         Expires: 3600\r\nUser-Agent: a phone of some kind/1.2.3\r\n\
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER\r\n{authorization}\
         Content-Length: 0\r\n\r\n"
    )
    .into()
}

fn new_switch(now: Instant) -> Switch {
    let address = "127.0.0.1:5060".parse().expect("an address");
    let ip = "127.0.0.1".parse().expect("an address");
    let mut users = Users::default();
    for n in 0..USERS {
        let (name, password) = (format!("u{n}"), format!("secret{n}"));
        users.insert(&name, Credentials::of_password(&name, REALM, &password));
    }
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
        media_workers: 1,
        max_ports_per_worker: 16,
        codecs: vec![Codec::Pcmu],
        ptime_ms: 20,
        limits: Limits {
            max_calls: 16,
            max_calls_per_second: 100,
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
        routes: Arc::new(Routes::default()),
        server_name: "strowger".into(),
        registration: Some(RegistrationConfig {
            users: Arc::new(users),
            digest: DigestConfig {
                realm: REALM.into(),
                algorithms: Algorithm::ALL.to_vec(),
                nonce_lifetime: Duration::from_hours(1_000),
                max_nonces: 2 * USERS,
            },
            registrar: RegistrarConfig::default(),
            guard: GuardConfig::default(),
            keep: true,
        }),
    };
    let table = Arc::new(CallTable::new(config.limits.max_calls));
    let clock = Clock {
        base: now,
        unix_ms: 0,
    };
    Switch::new(config, table, 1, clock, now)
}

criterion_group!(benches, refresh, challenge);
criterion_main!(benches);
