use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;

use proptest::prelude::*;

use super::{CallId, CallStatus, CallTable, MediaFigures};

use CallStatus::{Canceling, Dialing, Hangup, Progressing, Ringing, Terminating};

fn figures(mark: u64) -> MediaFigures {
    MediaFigures {
        packets_sent: mark,
        packets_received: mark,
        lost: -(mark as i64),
        jitter_ticks: mark as u32,
        mos_x100: (mark % 451) as u16,
        level_dbov: -((mark % 128) as i8),
    }
}

#[test]
fn a_claimed_call_shows_what_was_written() {
    let table = CallTable::new(4);
    let id = table.claim(Dialing, 1_000).unwrap();
    let fresh = table.snapshot(id).unwrap();
    assert_eq!(fresh.id, id);
    assert_eq!(fresh.status, Dialing);
    assert_eq!(fresh.start_ms, 1_000);
    assert_eq!(fresh.answer_ms, None);
    assert_eq!(fresh.media, MediaFigures::default());

    assert!(table.set_status(id, Progressing));
    assert!(table.set_answered(id, 3_500));
    assert!(table.publish_media(id, &figures(77)));
    let later = table.snapshot(id).unwrap();
    assert_eq!(later.status, Progressing);
    assert_eq!(later.answer_ms, Some(3_500));
    assert_eq!(later.media, figures(77));
}

#[test]
fn extreme_figures_come_back_as_they_were() {
    let table = CallTable::new(1);
    let id = table.claim(Dialing, u64::MAX - 1).unwrap();
    let most = MediaFigures {
        packets_sent: u64::MAX,
        packets_received: u64::MAX - 1,
        lost: i64::MIN,
        jitter_ticks: u32::MAX,
        mos_x100: u16::MAX,
        level_dbov: i8::MIN,
    };
    assert!(table.publish_media(id, &most));
    assert_eq!(table.snapshot(id).unwrap().media, most);
}

#[test]
fn the_answer_counts_once_and_never_before_the_start() {
    let table = CallTable::new(1);
    let id = table.claim(Dialing, 1_000).unwrap();
    assert!(table.set_answered(id, 900));
    assert_eq!(table.snapshot(id).unwrap().answer_ms, Some(1_000));
    assert!(!table.set_answered(id, 2_000));
    assert_eq!(table.snapshot(id).unwrap().answer_ms, Some(1_000));
}

#[test]
fn a_released_id_names_nothing_and_its_slot_serves_again() {
    let table = CallTable::new(1);
    let first = table.claim(Ringing, 1).unwrap();
    assert_eq!(table.claim(Dialing, 2), None, "full");
    assert!(table.release(first));
    assert!(!table.release(first), "only once");
    assert_eq!(table.live(), 0);

    let second = table.claim(Dialing, 2).unwrap();
    assert_eq!(second.slot(), first.slot());
    assert_eq!(second.generation(), first.generation() + 1);
    assert_eq!(table.snapshot(first), None);
    assert!(!table.set_status(first, Hangup));
    assert!(!table.set_answered(first, 9));
    assert!(!table.publish_media(first, &figures(9)));
    assert!(!table.release(first));
    let seen = table.snapshot(second).unwrap();
    assert_eq!((seen.status, seen.answer_ms), (Dialing, None));
    assert_eq!(seen.media, MediaFigures::default());
}

#[test]
fn foreign_ids_find_nothing() {
    let table = CallTable::new(2);
    let id = table.claim(Dialing, 1).unwrap();
    let slot = u64::from(id.slot());
    for raw in [0, slot, slot | 2 << 32, 1 << 32 | 2, u64::MAX, 1 << 32 | 1] {
        let stranger = CallId::from_raw(raw);
        assert_eq!(table.snapshot(stranger), None, "{stranger:?}");
        assert!(!table.release(stranger), "{stranger:?}");
        assert!(!table.insert_name("x", stranger), "{stranger:?}");
    }
    assert_eq!(CallId::from_raw(id.raw()), id);
    assert_eq!(table.live(), 1);
}

#[test]
fn a_table_without_room_refuses() {
    let table = CallTable::new(0);
    assert_eq!(table.claim(Dialing, 0), None);
    assert_eq!(table.capacity(), 0);
    assert_eq!(table.ids().count(), 0);
}

#[test]
fn the_status_walks_its_table() {
    let all = [
        Dialing,
        Ringing,
        Progressing,
        Terminating,
        Canceling,
        Hangup,
    ];
    // Row: from; column: to, in the order of `all`.
    let allowed = [
        [false, true, true, true, true, true],
        [false, false, true, true, true, true],
        [false, false, false, true, false, true],
        [false, false, false, false, false, true],
        [false, false, false, false, false, true],
        [false, false, false, false, false, false],
    ];
    for (from, row) in all.into_iter().zip(allowed) {
        for (to, expected) in all.into_iter().zip(row) {
            let table = CallTable::new(1);
            let id = table.claim(from, 0).unwrap();
            assert_eq!(table.set_status(id, to), expected, "{from:?} to {to:?}");
            let now = table.snapshot(id).unwrap().status;
            assert_eq!(now, if expected { to } else { from });
        }
    }
}

#[test]
fn ids_are_the_calls_that_are_up() {
    let table = CallTable::new(8);
    let ids: Vec<_> = (0..8).map(|n| table.claim(Dialing, n).unwrap()).collect();
    for id in ids.iter().step_by(2) {
        table.release(*id);
    }
    let up: Vec<_> = table.ids().collect();
    let expected: Vec<_> = ids.iter().skip(1).step_by(2).copied().collect();
    assert_eq!(up, expected);
    assert_eq!(table.live(), 4);
}

#[test]
fn names_stand_for_calls_that_are_up() {
    let table = CallTable::new(2);
    let id = table.claim(Dialing, 0).unwrap();
    assert!(table.insert_name("a@b", id));
    assert_eq!(table.find("a@b"), Some(id));
    assert_eq!(table.find("a@c"), None);
    table.release(id);
    assert_eq!(table.find("a@b"), None);
    let next = table.claim(Dialing, 0).unwrap();
    assert_eq!(table.find("a@b"), None, "the name is not the slot's");
    assert!(table.insert_name("a@b", next), "taken over");
    assert_eq!(table.find("a@b"), Some(next));
    assert_eq!(table.remove_name("a@b"), Some(next));
    assert_eq!(table.remove_name("a@b"), None);
    assert_eq!(table.names(), 0);
}

#[test]
fn the_index_has_a_limit() {
    let table = CallTable::new(1);
    let id = table.claim(Dialing, 0).unwrap();
    for n in 0..4 {
        assert!(table.insert_name(&n.to_string(), id));
    }
    assert!(!table.insert_name("one too many", id));
    assert!(table.insert_name("0", id), "replacing needs no room");
    table.remove_name("3");
    assert!(table.insert_name("now there is room", id));
    assert_eq!(table.names(), 4);
}

proptest! {
    /// Any sequence of operations gives what a plain list of calls gives.
    #[test]
    fn behaves_like_a_list_of_calls(steps in prop::collection::vec((0u8..4, 0usize..8), 0..200)) {
        let table = CallTable::new(3);
        let mut up: Vec<(CallId, u64)> = Vec::new();
        let mut gone: Vec<CallId> = Vec::new();
        for (mark, (step, which)) in (1u64..).zip(steps) {
            match step {
                0 => if let Some(id) = table.claim(Dialing, mark) {
                    prop_assert!(up.len() < 3);
                    prop_assert!(!gone.contains(&id));
                    up.push((id, 0));
                } else {
                    prop_assert_eq!(up.len(), 3);
                },
                1 if !up.is_empty() => {
                    let (id, _) = up.remove(which % up.len());
                    prop_assert!(table.release(id));
                    gone.push(id);
                }
                2 if !up.is_empty() => {
                    let index = which % up.len();
                    up[index].1 = mark;
                    prop_assert!(table.publish_media(up[index].0, &figures(mark)));
                }
                _ => {}
            }
            for (id, mark) in &up {
                prop_assert_eq!(table.snapshot(*id).unwrap().media.packets_sent, *mark);
            }
            for id in &gone {
                prop_assert_eq!(table.snapshot(*id), None);
            }
            prop_assert_eq!(table.live() as usize, up.len());
            let mut listed: Vec<_> = table.ids().collect();
            let mut expected: Vec<_> = up.iter().map(|(id, _)| *id).collect();
            listed.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(listed, expected);
        }
    }
}

/// Two threads claim, mark and release; one publishes for whatever it finds, late
/// or not; one reads everything. Each call's fields carry its own id.
#[test]
fn threads_never_see_a_mixed_call() {
    const ROUNDS: u64 = 30_000;
    let table = CallTable::new(3);
    let done = AtomicU32::new(0);
    let stop = AtomicBool::new(false);
    let seen = AtomicU64::new(0);
    let own = |id: CallId| figures(u64::from(id.generation()) << 2 | u64::from(id.slot()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut rounds = 0;
                while rounds < ROUNDS {
                    let Some(id) = table.claim(Dialing, rounds) else {
                        thread::yield_now();
                        continue;
                    };
                    rounds += 1;
                    assert_eq!(table.snapshot(id).unwrap().answer_ms, None);
                    table.publish_media(id, &own(id));
                    assert!(table.set_status(id, Progressing));
                    assert!(table.set_answered(id, rounds + 1));
                    assert!(table.release(id));
                }
                if done.fetch_add(1, Ordering::Relaxed) == 1 {
                    stop.store(true, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for id in table.ids() {
                    table.publish_media(id, &own(id));
                }
            }
        });
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for call in table.ids().filter_map(|id| table.snapshot(id)) {
                    let media = call.media;
                    assert!(media == MediaFigures::default() || is_mark(&media, &own(call.id)));
                    assert!(call.answer_ms.is_none_or(|ms| ms == call.start_ms + 2));
                    seen.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    });
    assert!(seen.load(Ordering::Relaxed) > 0, "the reader saw no call");
    assert_eq!(table.live(), 0);
    assert_eq!((0..4).filter_map(|n| table.claim(Dialing, n)).count(), 3);
}

/// Each figure is the mark's or still 0: a reader may meet the first publishing
/// half way.
fn is_mark(media: &MediaFigures, mark: &MediaFigures) -> bool {
    [
        (media.packets_sent, mark.packets_sent),
        (media.packets_received, mark.packets_received),
        (media.lost as u64, mark.lost as u64),
        (media.jitter_ticks.into(), mark.jitter_ticks.into()),
    ]
    .iter()
    .all(|(is, own)| *is == 0 || is == own)
}
