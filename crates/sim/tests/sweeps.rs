//! One thing at every moment: whatever can cross on the way does so in one of
//! these calls.

mod common;

use common::{SOCKETS, ms, run};
use strowger_sim::network::Faults;
use strowger_sim::script::{Ack, Act, Offer, Script};
use strowger_sim::setup;
use strowger_sim::world::World;
use strowger_sip::transport::Transport;

const USERS: [&str; 7] = ["silent", "early", "busy", "slow", "nobody", "echo", "play"];

/// One call for each of the scripts, all in one world and 100 ms apart.
fn sweep(scripts: &[Script]) {
    run(0, || {
        let mut world = World::new(setup::config(), SOCKETS, Faults::none(), 0);
        for (script, number) in scripts.iter().zip(0..) {
            world.add_phone(script.clone(), ms(100 * number));
        }
        world
    });
}

fn each(users: &[&'static str], times: &(impl Iterator<Item = u64> + Clone)) -> Vec<(Script, u64)> {
    let mut all = Vec::new();
    for user in users {
        for transport in [Transport::Udp, Transport::Tcp] {
            let script = Script {
                transport,
                ..Script::listen(user)
            };
            all.extend(times.clone().map(|at| (script.clone(), at)));
        }
    }
    all
}

#[test]
fn cancelled_at_every_moment() {
    let calls = each(&["slow", "early"], &(150..300).chain(1490..1560).step_by(5));
    let cancelled = |(script, at)| Script {
        cancel_after: Some(ms(at)),
        ..script
    };
    sweep(&calls.into_iter().map(cancelled).collect::<Vec<_>>());
}

#[test]
fn early_dialogs_ended_at_every_moment() {
    let calls = each(&["early"], &(0..60).chain(1950..2080).step_by(5));
    let ended = |(script, at)| Script {
        early_bye_after: Some(ms(at)),
        ..script
    };
    sweep(&calls.into_iter().map(ended).collect::<Vec<_>>());
}

#[test]
fn callers_that_vanish_at_every_moment() {
    let times = [
        0, 5, 15, 25, 35, 50, 215, 225, 300, 1505, 1515, 1525, 2100, 2300,
    ];
    let calls = each(&USERS, &times.into_iter());
    let gone = |(script, at)| Script {
        vanish_after: Some(ms(at)),
        ..script
    };
    // Each twice: every other host says that the phone is gone.
    let calls = calls
        .into_iter()
        .map(gone)
        .flat_map(|script| [script.clone(), script]);
    sweep(&calls.collect::<Vec<_>>());
}

/// The prompt ends after 2 s; all of these come about then.
#[test]
fn the_end_of_the_flow_meets_everything() {
    let times = (1940..2080).step_by(10);
    let acts = [
        Act::Bye,
        Act::Hold,
        Act::Disable,
        Act::ReinviteLate,
        Act::Options,
        Act::Vanish,
    ];
    for act in acts {
        for offer in [Offer::InInvite, Offer::Late] {
            for ack in [Ack::AtOnce, Ack::After(ms(1990)), Ack::Never] {
                let calls = each(&["play"], &times);
                let met = |(script, at)| Script {
                    acts: vec![(ms(at), act)],
                    offer,
                    ack,
                    ..script
                };
                sweep(&calls.into_iter().map(met).collect::<Vec<_>>());
            }
        }
    }
}
