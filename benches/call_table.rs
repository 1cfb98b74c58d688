//! The call table against a plain `DashMap` of locked structs: claim and release,
//! publishing media figures, snapshots; one thread and two. Ends with the ratios.
//!
//! ```text
//! cargo bench --bench call_table
//! ```

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use criterion::Criterion;
use dashmap::DashMap;
use strowger_switch::call_table::{CallId, CallSnapshot, CallStatus, CallTable, MediaFigures};

/// Calls that are up while we measure.
const CALLS: u32 = 1_000;

/// What both tables can do. Each thread brings ids of its own.
trait Table: Sync {
    fn claim(&self) -> CallId;
    fn release(&self, id: CallId);
    fn publish(&self, id: CallId, figures: &MediaFigures);
    fn snapshot(&self, id: CallId) -> Option<CallSnapshot>;
}

impl Table for CallTable {
    fn claim(&self) -> CallId {
        CallTable::claim(self, CallStatus::Dialing, 1).expect("room for more than are up")
    }

    fn release(&self, id: CallId) {
        CallTable::release(self, id);
    }

    fn publish(&self, id: CallId, figures: &MediaFigures) {
        self.publish_media(id, figures);
    }

    fn snapshot(&self, id: CallId) -> Option<CallSnapshot> {
        CallTable::snapshot(self, id)
    }
}

/// The usual way to do it.
struct Locked {
    calls: DashMap<u64, Mutex<CallSnapshot>>,
    next: AtomicU64,
}

impl Locked {
    fn new() -> Self {
        Self {
            calls: DashMap::new(),
            next: AtomicU64::new(1),
        }
    }
}

impl Table for Locked {
    fn claim(&self) -> CallId {
        let id = CallId::from_raw(self.next.fetch_add(1, Ordering::Relaxed));
        let call = CallSnapshot {
            id,
            status: CallStatus::Dialing,
            start_ms: 1,
            answer_ms: None,
            media: MediaFigures::default(),
        };
        self.calls.insert(id.raw(), Mutex::new(call));
        id
    }

    fn release(&self, id: CallId) {
        self.calls.remove(&id.raw());
    }

    fn publish(&self, id: CallId, figures: &MediaFigures) {
        if let Some(call) = self.calls.get(&id.raw()) {
            call.lock().expect("nobody panics here").media = *figures;
        }
    }

    fn snapshot(&self, id: CallId) -> Option<CallSnapshot> {
        let call = self.calls.get(&id.raw())?;
        let copy = *call.lock().expect("nobody panics here");
        Some(copy)
    }
}

#[derive(Clone, Copy)]
enum Work {
    ClaimRelease,
    PublishMedia,
    Snapshot,
}

impl Work {
    const ALL: [Self; 3] = [Self::ClaimRelease, Self::PublishMedia, Self::Snapshot];

    fn name(self) -> &'static str {
        match self {
            Self::ClaimRelease => "claim+release",
            Self::PublishMedia => "publish_media",
            Self::Snapshot => "snapshot",
        }
    }
}

/// Does `work` `times` times on each of `threads` threads; how long it took.
/// Publishers own their calls, snapshots are taken of all.
fn run(table: &dyn Table, ids: &[CallId], work: Work, threads: usize, times: u64) -> Duration {
    let share = ids.len() / threads;
    let begin = Instant::now();
    thread::scope(|scope| {
        for own in ids.chunks(share).skip(1).take(threads - 1) {
            scope.spawn(move || run_one(table, ids, own, work, times));
        }
        run_one(table, ids, &ids[..share], work, times);
    });
    begin.elapsed()
}

fn run_one(table: &dyn Table, all: &[CallId], own: &[CallId], work: Work, times: u64) {
    let mut figures = MediaFigures::default();
    for (n, id) in (0..times).zip(own.iter().cycle()) {
        match work {
            Work::ClaimRelease => table.release(black_box(table.claim())),
            Work::PublishMedia => {
                figures.packets_sent = n;
                table.publish(*id, black_box(&figures));
            }
            Work::Snapshot => {
                black_box(table.snapshot(all[n as usize % all.len()]));
            }
        }
    }
}

fn main() {
    let ours = CallTable::new(CALLS + 8);
    let locked = Locked::new();
    let tables: [(&str, &dyn Table); 2] = [("call table", &ours), ("locked DashMap", &locked)];
    let tables = tables.map(|(name, table)| {
        let ids: Vec<_> = (0..CALLS).map(|_| table.claim()).collect();
        (name, table, ids)
    });

    let mut criterion = Criterion::default().configure_from_args();
    for work in Work::ALL {
        for threads in [1, 2] {
            let mut group = criterion.benchmark_group(format!("{}/{threads}", work.name()));
            for (name, table, ids) in &tables {
                group.bench_function(*name, |b| {
                    b.iter_custom(|times| run(*table, ids, work, threads, times));
                });
            }
            group.finish();
        }
    }
    criterion.final_summary();

    for work in Work::ALL {
        for threads in [1, 2] {
            let [ours, locked] = tables
                .each_ref()
                .map(|(_, table, ids)| ns_per_operation(*table, ids, work, threads));
            println!(
                "{:14} {threads} thread(s): call table {ours:6.1} ns, locked DashMap {locked:6.1} ns, {:.1} x",
                work.name(),
                locked / ours,
            );
        }
    }
}

/// The median of 15 runs.
fn ns_per_operation(table: &dyn Table, ids: &[CallId], work: Work, threads: usize) -> f64 {
    const TIMES: u64 = 200_000;
    let mut runs: Vec<_> = (0..15)
        .map(|_| run(table, ids, work, threads, TIMES))
        .collect();
    runs.sort_unstable();
    runs[runs.len() / 2].as_nanos() as f64 / TIMES as f64
}
