//! Crowds of phones that do anything, on networks that do anything.

mod common;

use std::collections::BTreeMap;

use common::{SOCKETS, crowd, ms, run, seeds};
use strowger_sim::network::Faults;
use strowger_sim::random::Random;
use strowger_sim::script::Script;
use strowger_sim::setup;
use strowger_sim::world::World;
use strowger_switch::input::Control;

#[test]
fn many_calls_on_bad_networks() {
    let ends = [
        ("remote", "normal"),
        ("remote", "cancel"),
        ("local", "normal"),
        ("local", "busy"),
        ("local", "failed"),
        ("local", "timeout"),
    ];
    let mut ended = BTreeMap::from(ends.map(|end| (end, 0)));
    let mut calls = 0;
    let mut lost = 0;
    for seed in seeds(40) {
        let world = crowd(seed, 100, ms(20_000));
        calls += world.ledger().recorded();
        for record in world.ledger().records() {
            let end = (record.hangup_by, record.hangup_reason);
            *ended.entry(end).or_insert(0) += 1;
        }
        lost += world.network().lost;
    }
    println!("{calls} calls, {lost} datagrams lost, ended {ended:?}");
    let never: Vec<_> = ended.iter().filter(|(_, count)| **count < 10).collect();
    assert!(never.is_empty(), "hardly ever: {never:?}");
}

#[test]
fn few_calls_in_many_worlds() {
    for seed in seeds(300) {
        crowd(1_000_000 + seed, 3, ms(500));
    }
}

/// Limits hold, and everything is free again afterwards.
#[test]
fn more_calls_than_fit() {
    for seed in seeds(10) {
        let world = run(seed, || {
            let mut config = setup::config();
            config.limits.max_calls = 20;
            config.limits.max_calls_per_second = 15;
            let mut random = Random::new(seed);
            let mut world = World::new(config, 12, Faults::none(), seed);
            for _ in 0..200 {
                let script = Script::talk("echo", random.ms(500, 4000));
                world.add_phone(script, random.ms(0, 10_000));
            }
            world
        });
        let count = |status| {
            let reports = world.phones().iter().map(|phone| phone.report().invite);
            reports.filter(|invite| *invite == Some(status)).count()
        };
        assert_eq!(count(200) + count(503), 200);
        assert!(
            count(200) >= 20 && count(503) >= 20,
            "{} answered",
            count(200)
        );
    }
}

#[test]
fn a_drain_ends() {
    for seed in seeds(10) {
        let world = run(seed, || {
            let mut random = Random::new(seed);
            let faults = Faults::random(&mut random);
            let mut world = World::new(setup::config(), SOCKETS, faults, seed);
            for _ in 0..60 {
                let script = Script::random(&mut random);
                world.add_phone(script, random.ms(0, 20_000));
            }
            world.control(Control::Drain, ms(10_000));
            world
        });
        assert!(world.is_drained());
    }
}

/// Octets that no phone would send change nothing for the calls.
#[test]
fn noise_between_the_calls() {
    for seed in seeds(20) {
        run(seed, || {
            let mut random = Random::new(seed);
            let mut world = World::new(setup::config(), SOCKETS, Faults::none(), seed);
            for number in 0..20 {
                let script = Script::random(&mut random);
                let delay = random.ms(0, 5000);
                let phone = world.add_phone(script, delay);
                for _ in 0..10 {
                    let noise = noise(&mut random, number);
                    world.inject(phone, noise, delay + random.ms(0, 5000));
                }
            }
            world
        });
    }
}

/// Requests for dialogs that are not there are left out: the phones would
/// wonder about the answers.
fn noise(random: &mut Random, number: usize) -> Vec<u8> {
    let via = "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK-noise\r\n";
    let text = match random.between(0, 5) {
        0 => String::new(),
        1 => "\r\n\r\n".to_owned(),
        2 => "INVITE sip:echo@192.0.2.1 SIP/2.0\r\n".to_owned(),
        3 => format!("SIP/2.0 200 OK\r\n{via}CSeq: 1 BYE\r\nCall-ID: call-{number}@sim\r\n\r\n"),
        4 => format!(
            "ACK sip:echo@192.0.2.1 SIP/2.0\r\n{via}From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=0123456789abcdef\r\nCall-ID: call-{number}@sim\r\nCSeq: 1 ACK\r\n\r\n"
        ),
        _ => {
            return (0..random.between(1, 600))
                .map(|_| random.u64() as u8)
                .collect();
        }
    };
    text.into_bytes()
}

/// The operator ends calls at random moments.
#[test]
fn the_operator_ends_calls() {
    for seed in seeds(20) {
        run(seed, || {
            let mut random = Random::new(seed);
            let faults = Faults::random(&mut random);
            let mut world = World::new(setup::config(), SOCKETS, faults, seed);
            for _ in 0..30 {
                let script = Script::random(&mut random);
                world.add_phone(script, random.ms(0, 5000));
                world.hang_up_one(random.ms(0, 8000));
            }
            world
        });
    }
}

/// Changed copies of what the phones send: nothing gets stuck, leaks or panics.
#[test]
fn mutants() {
    for seed in seeds(60) {
        run(seed, || {
            let mut random = Random::new(seed);
            let mut world = World::new(setup::config(), SOCKETS, Faults::none(), seed);
            world = world.with_mutants(500);
            for _ in 0..20 {
                let script = Script::random(&mut random);
                world.add_phone(script, random.ms(0, 3000));
            }
            world
        });
    }
}

/// The table of transactions is too small for them all.
#[test]
fn more_transactions_than_fit() {
    for seed in seeds(10) {
        run(seed, || {
            let mut config = setup::config();
            config.transactions.max_transactions = 25;
            let mut random = Random::new(seed);
            let mut world = World::new(config, SOCKETS, Faults::none(), seed);
            for _ in 0..100 {
                let script = Script::random(&mut random);
                world.add_phone(script, random.ms(0, 20_000));
            }
            world
        });
    }
}

/// Everything comes late, and a lot of it at once.
#[test]
fn stalls() {
    for seed in seeds(30) {
        run(seed, || {
            let mut random = Random::new(seed);
            let faults = Faults::random(&mut random);
            let mut world = World::new(setup::config(), SOCKETS, faults, seed).with_stalls(5000);
            for _ in 0..50 {
                let script = Script::random(&mut random);
                world.add_phone(script, random.ms(0, 20_000));
            }
            world
        });
    }
}
