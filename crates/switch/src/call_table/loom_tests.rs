//! Every interleaving and every reordering that the memory model allows, for two
//! or three threads on one or two slots. Run by
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --release -p strowger-switch --lib --target-dir target/loom loom_
//! ```
//!
//! in about ten seconds; without `--release` it takes a minute or more.

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

use super::figures::{CallStatus, MediaFigures};
use super::free_slots::FreeSlots;
use super::slots::Slots;

/// All of them: no bound on the context switches.
fn model(check: impl Fn() + Sync + Send + 'static) {
    Builder::new().check(check);
}

/// With at most `switches` forced switches of the thread, where all of them would
/// take hours.
fn model_up_to(switches: usize, check: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(switches);
    builder.check(check);
}

/// Figures and start that say in each field which call they belong to.
fn figures(mark: u32) -> MediaFigures {
    MediaFigures {
        packets_sent: u64::from(mark),
        packets_received: u64::from(mark),
        lost: i64::from(mark),
        jitter_ticks: mark,
        mos_x100: mark as u16,
        level_dbov: mark as i8,
    }
}

/// Each figure is the call's own or not yet published.
fn assert_marked(media: &MediaFigures, mark: u32) {
    for value in [
        media.packets_sent,
        media.packets_received,
        media.lost as u64,
        u64::from(media.jitter_ticks),
        u64::from(media.mos_x100),
        media.level_dbov as u64,
    ] {
        assert!(
            value == 0 || value == u64::from(mark),
            "{media:?} in the call of {mark}"
        );
    }
}

#[test]
fn loom_two_pops_never_get_the_same_slot() {
    model(|| {
        let free = Arc::new(FreeSlots::full(2));
        let other = Arc::clone(&free);
        let popping = thread::spawn(move || other.pop());
        let ours = free.pop().expect("two slots, two pops");
        let theirs = popping.join().unwrap().expect("two slots, two pops");
        assert_ne!(ours, theirs);
        assert_eq!(free.pop(), None);
    });
}

/// The ABA case: the other thread takes both slots and gives the first back while
/// this one is in the middle of its pop.
#[test]
fn loom_a_pop_survives_its_slot_coming_back() {
    model(|| {
        let free = Arc::new(FreeSlots::full(2));
        let other = Arc::clone(&free);
        let churning = thread::spawn(move || {
            let first = other.pop();
            let second = other.pop();
            if let Some(first) = first {
                other.push(first);
            }
            second
        });
        let ours = free.pop();
        let kept = churning.join().unwrap();
        let mut all: Vec<u32> = [ours, kept].into_iter().flatten().collect();
        while let Some(slot) = free.pop() {
            all.push(slot);
            assert!(all.len() <= 2, "slots appeared: {all:?}");
        }
        all.sort_unstable();
        assert_eq!(all, [0, 1]);
    });
}

#[test]
fn loom_two_releases_give_the_slot_back_once() {
    model(|| {
        let slots = Arc::new(Slots::new(1));
        let id = slots.claim(CallStatus::Dialing, 1).unwrap();
        let other = Arc::clone(&slots);
        let releasing = thread::spawn(move || other.release(id));
        let ours = slots.release(id);
        let theirs = releasing.join().unwrap();
        assert!(ours ^ theirs);
        assert_eq!(slots.live(), 0);
        assert!(slots.claim(CallStatus::Dialing, 2).is_some());
        assert!(slots.claim(CallStatus::Dialing, 3).is_none());
    });
}

/// The reader holds the id of the first call while its slot goes to the second.
#[test]
fn loom_a_snapshot_never_mixes_two_calls() {
    model_up_to(3, || {
        let slots = Arc::new(Slots::new(1));
        let first = slots.claim(CallStatus::Dialing, 1).unwrap();
        assert!(slots.publish(first, &figures(1)));
        let other = Arc::clone(&slots);
        let signalling = thread::spawn(move || {
            assert!(other.release(first));
            let second = other.claim(CallStatus::Ringing, 2).expect("free again");
            assert!(other.publish(second, &figures(2)));
            second
        });
        if let Some(seen) = slots.get(first).unwrap().snapshot(first) {
            assert_eq!(seen.status, CallStatus::Dialing);
            assert_eq!(seen.start_ms, 1);
            assert_eq!(seen.answer_ms, None);
            assert_eq!(seen.media, figures(1));
        }
        let second = signalling.join().unwrap();
        assert_eq!(slots.get(first).unwrap().snapshot(first), None);
        let seen = slots.get(second).unwrap().snapshot(second).unwrap();
        assert_eq!((seen.start_ms, seen.media), (2, figures(2)));
    });
}

/// A reader that finds the second call by itself sees nothing of the first.
#[test]
fn loom_a_found_call_shows_nothing_of_the_one_before() {
    model_up_to(3, || {
        let slots = Arc::new(Slots::new(1));
        let first = slots.claim(CallStatus::Dialing, 1).unwrap();
        assert!(slots.publish(first, &figures(1)));
        let other = Arc::clone(&slots);
        let signalling = thread::spawn(move || {
            assert!(other.release(first));
            let second = other.claim(CallStatus::Ringing, 2).expect("free again");
            assert!(other.publish(second, &figures(2)));
        });
        let found = slots.ids().next();
        if let Some(id) = found
            && let Some(seen) = slots.get(id).unwrap().snapshot(id)
        {
            let mark = if id == first { 1 } else { 2 };
            assert_eq!(seen.start_ms, u64::from(mark));
            assert_marked(&seen.media, mark);
        }
        signalling.join().unwrap();
    });
}

/// A media worker publishes for a call that signalling releases at that moment.
#[test]
fn loom_a_late_publisher_never_writes_into_the_next_call() {
    model(|| {
        let slots = Arc::new(Slots::new(1));
        let first = slots.claim(CallStatus::Progressing, 1).unwrap();
        let worker = Arc::clone(&slots);
        let publishing = thread::spawn(move || worker.publish(first, &figures(1)));
        assert!(slots.release(first));
        let second = slots.claim(CallStatus::Ringing, 2);
        if let Some(second) = second {
            let seen = slots.get(second).unwrap().snapshot(second).unwrap();
            assert_eq!(seen.media, MediaFigures::default());
        }
        publishing.join().unwrap();
        match second {
            Some(second) => {
                let seen = slots.get(second).unwrap().snapshot(second).unwrap();
                assert_eq!(seen.media, MediaFigures::default());
            }
            None => assert!(
                slots.claim(CallStatus::Ringing, 2).is_some(),
                "the publisher gave the slot back"
            ),
        }
        assert_eq!(slots.live(), 1);
        assert!(slots.claim(CallStatus::Ringing, 3).is_none());
    });
}

#[test]
fn loom_a_late_answer_never_marks_the_next_call() {
    model(|| {
        let slots = Arc::new(Slots::new(1));
        let first = slots.claim(CallStatus::Ringing, 1).unwrap();
        let other = Arc::clone(&slots);
        let answering = thread::spawn(move || {
            let slot = other.get(first).unwrap();
            slot.set_answered(first.generation(), 5);
            slot.set_status(first.generation(), CallStatus::Hangup);
        });
        assert!(slots.release(first));
        let second = slots.claim(CallStatus::Dialing, 2).unwrap();
        answering.join().unwrap();
        let seen = slots.get(second).unwrap().snapshot(second).unwrap();
        assert_eq!(seen.answer_ms, None);
        assert_eq!(seen.status, CallStatus::Dialing);
    });
}

#[test]
fn loom_the_status_never_moves_back() {
    model(|| {
        let slots = Arc::new(Slots::new(1));
        let id = slots.claim(CallStatus::Dialing, 1).unwrap();
        let other = Arc::clone(&slots);
        let ending = thread::spawn(move || {
            other
                .get(id)
                .unwrap()
                .set_status(id.generation(), CallStatus::Hangup)
        });
        let slot = slots.get(id).unwrap();
        let rang = slot.set_status(id.generation(), CallStatus::Ringing);
        let between = slot.snapshot(id).unwrap().status;
        assert!(!rang || between >= CallStatus::Ringing);
        assert!(ending.join().unwrap());
        assert_eq!(slot.snapshot(id).unwrap().status, CallStatus::Hangup);
    });
}

/// Publisher, owner and reader at once.
#[test]
fn loom_three_threads_on_one_slot() {
    model_up_to(2, || {
        let slots = Arc::new(Slots::new(1));
        let first = slots.claim(CallStatus::Progressing, 1).unwrap();
        let worker = Arc::clone(&slots);
        let publishing = thread::spawn(move || worker.publish(first, &figures(1)));
        let page = Arc::clone(&slots);
        let reading = thread::spawn(move || {
            if let Some(seen) = page.get(first).unwrap().snapshot(first) {
                assert_eq!(seen.start_ms, 1);
                assert_marked(&seen.media, 1);
            }
        });
        assert!(slots.release(first));
        let second = slots.claim(CallStatus::Ringing, 2);
        publishing.join().unwrap();
        reading.join().unwrap();
        if second.is_none() {
            assert!(slots.claim(CallStatus::Ringing, 2).is_some());
        }
    });
}
