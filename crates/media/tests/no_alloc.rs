//! After warm-up neither a packet nor a tick allocates, and an echo port with
//! its packets stays small.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use common::{Counter, audio, origin, phone, port, port_config};
use strowger_media::engine::{EngineConfig, MediaEngine};
use strowger_media::player::Prompt;
use strowger_media::vocabulary::{MediaCommand, PlayId};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

fn count(allocations: u64, octets: i64) {
    // A thread that is being torn down has nothing to count into.
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + allocations));
    let _ = LIVE.try_with(|n| n.set(n.get() + octets));
}

// SAFETY: every call goes to `System` with the arguments as given; counting in
// between touches only thread-local cells, which do not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        // SAFETY: the caller keeps `alloc`'s contract, which is `System`'s too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -(layout.size() as i64));
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size as i64 - layout.size() as i64);
        // SAFETY: `pointer` came from `System` with this layout; the caller
        // keeps the contract on `size`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PORTS: u32 = 100;

/// A second of traffic: ports 0–99 echo, 100–199 play, 200–299 only listen.
/// Answers how often the engine allocated.
fn second(engine: &mut MediaEngine, start: Instant, second: u32, out: &mut Counter) -> u64 {
    let mut allocations = 0;
    for tick in second * 50..(second + 1) * 50 {
        let now = start + Duration::from_millis(20) * (tick + 1);
        let datagram = audio(tick);
        let digit = common::rtp(101, 1, tick * 160, 0xDDDD, &[1, 0x8A, 1, 64]);
        let before = ALLOCATIONS.get();
        for slot in (0..PORTS).chain(2 * PORTS..3 * PORTS) {
            let arrived = start + Duration::from_millis(u64::from(tick * 20 + 10 + slot % 10));
            engine.receive_rtp(slot, phone(), &datagram, arrived, out);
            if tick % 50 == 7 {
                engine.receive_rtp(slot, phone(), &digit, now, out);
            }
        }
        engine.tick(now, out);
        allocations += ALLOCATIONS.get() - before;
    }
    allocations
}

#[test]
fn nothing_is_allocated_after_warm_up_and_a_port_is_small() {
    let start = origin();
    let prompt = Prompt::from_pcm("p", &vec![700; 80_000], 8000, 1).expect("a prompt");
    let prompts: std::sync::Arc<[_]> = [prompt].into();
    let mut engine = MediaEngine::new(EngineConfig::default(), 1, start);
    let mut out = Counter::default();
    let live_before = LIVE.get();
    for slot in 0..3 * PORTS {
        let config = Box::new(port_config(slot));
        let open = MediaCommand::Open {
            port: port(slot),
            config,
        };
        engine.handle_command(open, start, &mut out);
        let command = match slot / PORTS {
            0 => MediaCommand::Echo {
                port: port(slot),
                on: true,
            },
            1 => MediaCommand::Play {
                port: port(slot),
                play: PlayId(1),
                prompts: prompts.clone(),
                loops: 0,
            },
            _ => continue,
        };
        engine.handle_command(command, start, &mut out);
    }
    let warm_up: u64 = (0..3)
        .map(|n| second(&mut engine, start, n, &mut out))
        .sum();
    assert!(warm_up > 0, "the counting works");
    let sent_before = out.packets;
    let (digits_before, reports_before) = (out.events, out.reports);
    // 30 s: every port sends several reports in it.
    for n in 3..33 {
        assert_eq!(second(&mut engine, start, n, &mut out), 0, "second {n}");
    }
    assert_eq!(out.packets - sent_before, 2 * u64::from(PORTS) * 50 * 30);
    assert_eq!(out.events - digits_before, 2 * u64::from(PORTS) * 30);
    assert!(out.reports - reports_before > u64::from(PORTS) * 3 * 3);
    let per_port = (LIVE.get() - live_before) / i64::from(3 * PORTS);
    assert!(per_port <= 6_000, "{per_port} octets a port");
    drop(engine);
}
