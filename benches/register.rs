//! What a REGISTER costs, without sockets: a refresh with digest through a whole
//! `Switch` of 10,000 registered users, and the challenge of one without.

use std::cell::RefCell;
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

/// A phone: its challenge, and how often it answered.
struct Phone {
    name: String,
    nonce: String,
    count: u32,
}

fn refresh(criterion: &mut Criterion) {
    for algorithm in Algorithm::ALL {
        let mut now = Instant::now();
        let mut switch = new_switch(now);
        let mut out = Vec::with_capacity(64);
        let phones = (0..USERS).map(|n| new_phone(&mut switch, n, algorithm, now));
        let phones = RefCell::new(phones.collect::<Vec<_>>());
        for phone in phones.borrow_mut().iter_mut() {
            receive(&mut switch, register(phone, algorithm), now, &mut out);
        }
        assert_eq!(switch.stats().registrations_live, USERS as u64);
        let mut turn = 0;
        let next = || {
            turn = (turn + 1) % USERS;
            register(&mut phones.borrow_mut()[turn], algorithm)
        };
        let name = format!("register/refresh_{algorithm}");
        criterion.bench_function(&name, |bencher| {
            bencher.iter_batched(
                next.clone_next(),
                |message| {
                    now += Duration::from_micros(200);
                    take_turn(&mut switch, message, now, &mut out);
                },
                BatchSize::SmallInput,
            );
        });
        let stats = switch.stats();
        assert_eq!((stats.registers_refused, stats.auth_failures), (0, 0));
    }
}

fn challenge(criterion: &mut Criterion) {
    let mut now = Instant::now();
    let mut switch = new_switch(now);
    let mut out = Vec::with_capacity(64);
    let message = unanswered("u1");
    criterion.bench_function("register/challenge", |bencher| {
        bencher.iter(|| {
            now += Duration::from_micros(200);
            take_turn(&mut switch, message.clone(), now, &mut out);
        });
    });
}
