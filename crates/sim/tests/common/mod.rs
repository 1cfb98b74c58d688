//! Runs, and how a failing one is shown.

use std::time::Duration;

use strowger_sim::network::Faults;
use strowger_sim::random::Random;
use strowger_sim::script::Script;
use strowger_sim::setup;
use strowger_sim::world::{Violation, World};

/// Media sockets of a run.
pub const SOCKETS: u16 = 400;

pub const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Runs what `build` sets up; a broken invariant fails the test with its seed and
/// what led to it.
pub fn run(seed: u64, build: impl Fn() -> World) -> World {
    let mut world = build();
    if world.run().is_ok() {
        return world;
    }
    // Once more, this time keeping what happens.
    let violation: Violation = build().traced().run().expect_err("a seed repeats its run");
    panic!("seed {seed}: {violation}");
}

/// One phone on a network without faults.
#[allow(dead_code, reason = "not every test file makes single calls")]
pub fn one_call(script: &Script) -> World {
    run(0, || {
        let mut world = World::new(setup::config(), SOCKETS, Faults::none(), 0);
        world.add_phone(script.clone(), ms(0));
        world
    })
}

/// `calls` phones of any kind that call within `spread`, on a network of any kind.
#[allow(dead_code, reason = "not every test file needs a crowd")]
pub fn crowd(seed: u64, calls: u32, spread: Duration) -> World {
    run(seed, || {
        let mut random = Random::new(seed);
        let faults = Faults::random(&mut random);
        let mut world = World::new(setup::config(), SOCKETS, faults, seed);
        for _ in 0..calls {
            let delay = random.ms(0, spread.as_millis() as u64);
            let script = Script::random(&mut random);
            let phone = world.add_phone(script, delay);
            if random.per_mille(50) {
                let from = delay + random.ms(0, 5000);
                world.cut(phone, from, from + random.ms(1000, 60_000));
            }
        }
        world
    })
}

/// How many seeds a test runs: `SIM_SEEDS`, or what fits a usual run.
#[allow(dead_code, reason = "not every test file runs many seeds")]
pub fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first: u64 = number("SIM_FIRST_SEED").unwrap_or(0);
    first..first + number("SIM_SEEDS").unwrap_or(usual)
}
