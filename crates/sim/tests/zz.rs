//! zz
mod common;
use common::*;
use strowger_sim::{network::Faults, script::*, setup, world::World};
#[test]
fn zz() {
    let user: &'static str = std::env::var("U").unwrap_or("silent".into()).leak();
    let script = Script { cancel_after: std::env::var("C").ok().map(|c| ms(c.parse().unwrap())), ..Script::talk(user, ms(1000)) };
    let mut world = World::new(setup::config(), SOCKETS, Faults::none(), 0).traced();
    world.add_phone(script, ms(0));
    let r = world.run();
    println!("{:?}\n{}", r.is_ok(), world.trace_text());
}
