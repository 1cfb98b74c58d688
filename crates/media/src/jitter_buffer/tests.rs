use super::*;
use crate::random::SplitMix64;

/// A buffer, its pool and what came out as text: `5` for packet 5, `-` for a
/// missing one.
struct Bench {
    buffer: JitterBuffer,
    pool: PacketPool,
}

impl Bench {
    fn new() -> Self {
        Self {
            buffer: JitterBuffer::new(8000, 0, 200),
            pool: PacketPool::new(1000),
        }
    }

    /// Packet `n` of a 20 ms stream that began with 1000 at time 0.
    fn push(&mut self, n: i64, arrived_ms: i64) -> Pushed {
        self.push_at(n, (n * 160) as u32, arrived_ms * 1000)
    }

    fn push_at(&mut self, n: i64, timestamp: u32, arrived_us: i64) -> Pushed {
        let payload = [n as u8; 160];
        let incoming = Incoming {
            sequence: 1000 + n,
            timestamp,
            marker: false,
            payload_type: 0,
            duration_ticks: Some(160),
            payload: &payload,
        };
        self.buffer.push(&mut self.pool, &incoming, arrived_us)
    }

    fn pop(&mut self, now_ms: i64) -> String {
        match self.buffer.pop(&mut self.pool, now_ms * 1000) {
            Popped::Frame(id) => {
                let block = self.pool.get(&id);
                let n = block.sequence - 1000;
                assert!(block.payload().iter().all(|&octet| octet == n as u8));
                self.pool.release(id);
                n.to_string()
            }
            Popped::Missing => "-".into(),
            Popped::Filling => "filling".into(),
            Popped::Empty => "empty".into(),
        }
    }

    fn drain(&mut self, now_ms: i64) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let popped = self.pop(now_ms);
            if popped == "empty" || popped == "filling" {
                return all;
            }
            all.push(popped);
        }
    }
}

#[test]
fn rows_of_the_state_table() {
    let mut bench = Bench::new();
    assert_eq!(bench.pop(0), "empty");
    bench.push(0, 0);
    assert_eq!(
        bench.pop(0),
        "filling",
        "held back for the first class of jitter"
    );
    assert_eq!(bench.pop(2), "0");
    assert_eq!(bench.pop(2), "empty");
    assert_eq!(
        bench.pop(30),
        "empty",
        "nothing is missing while nothing is held"
    );
    bench.push(2, 40);
    assert_eq!(bench.pop(40), "-");
    assert_eq!(bench.pop(40), "filling");
    assert_eq!(bench.pop(42), "2");
    assert_eq!(bench.push(1, 43), Pushed::Late);
    assert_eq!(bench.pop(100), "empty");
    assert_eq!(bench.pool.in_use(), 0);
}

#[test]
fn restores_order_from_the_first_packet_on() {
    let mut bench = Bench::new();
    for (n, at) in [(1, 20), (0, 21), (3, 60), (2, 61), (4, 80)] {
        assert_eq!(bench.push(n, at), Pushed::Stored);
    }
    assert_eq!(bench.drain(200), ["0", "1", "2", "3", "4"]);
}

#[test]
fn a_stall_delays_and_loses_nothing() {
    let mut bench = Bench::new();
    let mut heard = Vec::new();
    for tick in 0..200_i64 {
        // The sender stops for 40 ms and 300 ms and then sends all it owes.
        let arrives = |n: i64| {
            if (50..52).contains(&n) {
                52
            } else if (100..115).contains(&n) {
                115
            } else {
                n
            }
        };
        for n in (0..200).filter(|&n| arrives(n) == tick) {
            assert_eq!(bench.push(n, tick * 20 + 1), Pushed::Stored);
        }
        heard.extend(bench.drain(tick * 20));
    }
    heard.extend(bench.drain(10_000));
    let expected: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    assert_eq!(heard, expected);
}

#[test]
fn a_stall_that_reorders_loses_only_what_it_must() {
    let mut bench = Bench::new();
    bench.push(0, 0);
    assert_eq!(bench.drain(20), ["0"]);
    bench.push(2, 40);
    assert_eq!(bench.drain(60), ["-", "2"]);
    assert_eq!(bench.push(1, 61), Pushed::Late);
    // It was 40 ms late: from now on that is waited for.
    bench.push(3, 62);
    assert!(bench.buffer.delay_ms() >= 40, "{}", bench.buffer.delay_ms());
}

#[test]
fn numbers_and_timestamps_wrap() {
    let mut bench = Bench::new();
    let mut heard = 0;
    for n in 0..500_i64 {
        let timestamp = 0xFFFF_0000_u32.wrapping_add(n as u32 * 160);
        bench.push_at(n, timestamp, n * 20_000);
        heard += bench.drain(n * 20 + 5).len();
    }
    assert_eq!(heard, 500);
    assert_eq!(bench.buffer.delay_ms(), 2);
}

#[test]
fn silence_between_talkspurts_is_not_missing() {
    let mut bench = Bench::new();
    bench.push(0, 0);
    assert_eq!(bench.drain(10), ["0"]);
    bench.push_at(1, 160 * 100, 2_000_000);
    assert_eq!(bench.drain(2000), [""; 0]);
    assert_eq!(bench.drain(2010), ["1"]);
}

#[test]
fn a_talkspurt_begins_with_the_delay_it_needs() {
    let mut bench = Bench::new();
    // The path gets 50 ms shorter; within two seconds nothing is done about it.
    for n in 0..110_i64 {
        bench.push(
            n,
            if n < 100 {
                n * 20 + 50
            } else {
                (n * 20).max(2031)
            },
        );
        bench.drain(n * 20);
    }
    bench.drain(100_000);
    assert!(bench.buffer.delay_ms() >= 50, "{}", bench.buffer.delay_ms());
    bench.push_at(110, 130 * 160, 130 * 20_000);
    assert!(bench.buffer.delay_ms() <= 2, "{}", bench.buffer.delay_ms());
}

#[test]
fn another_timestamp_base_is_followed_both_ways() {
    for base in [0x4000_0000_u32, 0xC000_0000] {
        let mut bench = Bench::new();
        let mut heard = 0;
        for n in 0..400_i64 {
            let shift = if n >= 200 { base } else { 0 };
            bench.push_at(n, shift.wrapping_add(n as u32 * 160), n * 20_000);
            heard += bench.drain(n * 20 + 3).len();
        }
        assert_eq!((heard, bench.buffer.delay_ms()), (400, 2), "{base:x}");
    }
}

#[test]
fn nothing_is_held_longer_than_the_maximum() {
    let mut random = SplitMix64::new(3);
    for _ in 0..200 {
        let mut bench = Bench::new();
        let mut waiting = Vec::new();
        for n in 0..100_i64 {
            let timestamp = if random.between(0, 10) == 0 {
                random.next_u64() as u32
            } else {
                n as u32 * 160
            };
            if bench.push_at(n, timestamp, n * 20_000) == Pushed::Stored {
                waiting.push(n);
            }
            for popped in bench.drain(n * 20) {
                let number: i64 = popped.parse().expect("nothing was lost");
                waiting.retain(|&w| w != number);
            }
            assert!(waiting.iter().all(|w| n - w <= 10), "{waiting:?} at {n}");
        }
    }
}

#[test]
fn more_than_the_ring_holds_pushes_out_the_oldest() {
    let mut bench = Bench::new();
    for n in 0..CAPACITY as i64 + 10 {
        assert_eq!(bench.push(n, 0), Pushed::Stored);
    }
    assert_eq!(
        (bench.buffer.len(), bench.buffer.overflowed()),
        (CAPACITY as u32, 10)
    );
    assert_eq!(bench.push(5, 1), Pushed::Late);
    assert_eq!(bench.drain(100_000).first().map(String::as_str), Some("10"));
}

#[test]
fn an_exhausted_pool_and_an_overlong_payload_are_refused() {
    let mut bench = Bench::new();
    bench.pool = PacketPool::new(0);
    assert_eq!(bench.push(0, 0), Pushed::Refused);
    assert_eq!((bench.pop(100), bench.pool.refused()), ("empty".into(), 1));
    bench.pool = PacketPool::new(10);
    let payload = [0; MAX_PAYLOAD + 1];
    let incoming = Incoming {
        sequence: 1,
        timestamp: 0,
        marker: false,
        payload_type: 0,
        duration_ticks: None,
        payload: &payload,
    };
    assert_eq!(
        bench.buffer.push(&mut bench.pool, &incoming, 0),
        Pushed::Refused
    );
}

/// Any order of arrivals: what was stored comes out once and in order, nothing
/// stays behind, nothing leaks.
#[test]
fn whatever_comes() {
    let mut random = SplitMix64::new(11);
    for round in 0..300 {
        let mut bench = Bench::new();
        let (mut stored, mut heard, mut now) = (Vec::new(), Vec::new(), 0);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..300 {
            now += random.between(0, 30) as i64;
            let n = (now / 20) + random.between(0, 12) as i64 - 6;
            if seen.insert(n) {
                let timestamp = if round % 2 == 0 {
                    (n as u32).wrapping_mul(160)
                } else {
                    random.next_u64() as u32
                };
                if bench.push_at(n, timestamp, now * 1000) == Pushed::Stored {
                    stored.push(n);
                }
            }
            if random.between(0, 3) == 0 {
                heard.extend(bench.drain(now));
            }
        }
        heard.extend(bench.drain(i64::MAX / 2000));
        let heard: Vec<i64> = heard.iter().filter_map(|h| h.parse().ok()).collect();
        stored.sort_unstable();
        assert_eq!(
            heard.len() as u64 + bench.buffer.overflowed(),
            stored.len() as u64
        );
        assert!(heard.is_sorted() && heard.iter().all(|h| stored.binary_search(h).is_ok()));
        assert_eq!(bench.pool.in_use(), 0);
    }
}
