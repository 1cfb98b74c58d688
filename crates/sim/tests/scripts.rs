//! Each thing a phone can do, once, on a network without faults: what both sides
//! make of it is known to the letter.

mod common;

use common::{ms, one_call};
use strowger_sim::script::{Ack, Act, Offer, Script};
use strowger_sim::setup::MAX_CALL;
use strowger_sip::transport::Transport;

struct Expected {
    /// Final status of the INVITE.
    invite: u16,
    /// Other final responses, by method.
    others: &'static [(&'static str, u16)],
    /// The switch said BYE.
    bye_received: bool,
    /// Record: who hung up, and why. `None`: not a call.
    ended: Option<(&'static str, &'static str)>,
}

fn check(name: &str, script: &Script, expected: &Expected) {
    let world = one_call(script);
    let phone = world.phone(0);
    let report = phone.report();
    assert_eq!(report.invite, Some(expected.invite), "{name}: {report:?}");
    let others: Vec<_> = report
        .others
        .iter()
        .map(|(method, status)| (&**method, *status))
        .collect();
    assert_eq!(others, expected.others, "{name}");
    assert_eq!(report.bye_received, expected.bye_received, "{name}");
    assert!(report.timed_out.is_empty(), "{name}: {report:?}");
    let record = world.ledger().record(phone.call_id());
    let ended = record.map(|record| (record.hangup_by, record.hangup_reason));
    assert_eq!(ended, expected.ended, "{name}");
    if let Some(record) = record {
        assert_eq!(record.sip_status, expected.invite, "{name}");
        assert_eq!(record.answer_ms.is_some(), expected.invite == 200, "{name}");
        assert_eq!(record.flow, script.user, "{name}");
    }
}

const HUNG_UP: Expected = Expected {
    invite: 200,
    others: &[("BYE", 200)],
    bye_received: false,
    ended: Some(("remote", "normal")),
};

const FLOW_ENDED: Expected = Expected {
    invite: 200,
    others: &[],
    bye_received: true,
    ended: Some(("local", "normal")),
};

fn with(user: &'static str, acts: &[(u64, Act)]) -> Script {
    let acts = acts.iter().map(|(at, act)| (ms(*at), *act)).collect();
    Script {
        acts,
        ..Script::listen(user)
    }
}

fn refused(invite: u16, reason: &'static str) -> Expected {
    let others = &[];
    Expected {
        invite,
        others,
        bye_received: false,
        ended: Some(("local", reason)),
    }
}

#[test]
fn calls_that_are_answered() {
    let talk = || Script::talk("echo", ms(3000));
    check("echo", &talk(), &HUNG_UP);
    check("answer", &Script::talk("answer", ms(3000)), &HUNG_UP);
    check("slow", &Script::talk("slow", ms(3000)), &HUNG_UP);
    check("play", &Script::listen("play"), &FLOW_ENDED);
    check("a missing prompt", &Script::listen("missing"), &FLOW_ENDED);
    check(
        "play, hung up in the middle",
        &Script::talk("play", ms(700)),
        &HUNG_UP,
    );
    let tcp = Transport::Tcp;
    check(
        "tcp",
        &Script {
            transport: tcp,
            ..talk()
        },
        &HUNG_UP,
    );
    check(
        "tcp, far end hangs up",
        &Script {
            transport: tcp,
            ..Script::listen("play")
        },
        &FLOW_ENDED,
    );
    check(
        "bye before ack",
        &Script {
            ack: Ack::After(ms(400)),
            ..Script::talk("echo", ms(100))
        },
        &HUNG_UP,
    );
    check(
        "slow ack",
        &Script {
            ack: Ack::After(ms(1700)),
            ..talk()
        },
        &HUNG_UP,
    );
}

#[test]
fn late_offers() {
    let late = |script| Script {
        offer: Offer::Late,
        ..script
    };
    check(
        "late offer",
        &late(Script::talk("echo", ms(3000))),
        &HUNG_UP,
    );
    check(
        "late offer to a prompt",
        &late(Script::listen("play")),
        &FLOW_ENDED,
    );
    let failed = Expected {
        ended: Some(("local", "failed")),
        ..FLOW_ENDED
    };
    for offer in [Offer::LateUnanswered, Offer::LateRefused] {
        let script = Script {
            offer,
            ..Script::listen("echo")
        };
        check("late offer without an answer", &script, &failed);
    }
}

#[test]
fn calls_that_are_refused() {
    check("busy", &Script::listen("busy"), &refused(486, "busy"));
    check("reject", &Script::listen("reject"), &refused(603, "failed"));
    check(
        "early media, then busy",
        &Script::listen("early"),
        &refused(486, "busy"),
    );
    check(
        "ring timeout",
        &Script::listen("silent"),
        &refused(480, "noanswer"),
    );
    let nobody = Expected {
        ended: None,
        ..refused(404, "")
    };
    check("nobody", &Script::listen("nobody"), &nobody);
    let offer = |offer| Script {
        offer,
        ..Script::listen("echo")
    };
    check(
        "nothing fits",
        &offer(Offer::Unacceptable),
        &refused(488, "failed"),
    );
    check(
        "no description",
        &offer(Offer::Malformed),
        &refused(400, "failed"),
    );
    check(
        "another type",
        &offer(Offer::OtherType),
        &refused(415, "failed"),
    );
}

#[test]
fn callers_that_give_up() {
    let cancelled = Expected {
        invite: 487,
        others: &[("CANCEL", 200)],
        bye_received: false,
        ended: Some(("remote", "cancel")),
    };
    let cancel = |user, after| Script {
        cancel_after: Some(ms(after)),
        ..Script::listen(user)
    };
    check("cancel while it rings", &cancel("silent", 3000), &cancelled);
    check("cancel in early media", &cancel("early", 900), &cancelled);
    check("cancel before the 100", &cancel("silent", 0), &cancelled);
    check(
        "cancel of an answered call is a BYE",
        &cancel("echo", 0),
        &HUNG_UP,
    );
    let bye = Script {
        early_bye_after: Some(ms(500)),
        ..Script::listen("early")
    };
    let ended = Expected {
        others: &[("BYE", 200)],
        ..cancelled
    };
    // Which of the two responses comes first is open.
    check("BYE in early media", &bye, &ended);
}

#[test]
fn within_the_call() {
    let hold = [(500, Act::Hold), (1000, Act::Resume), (3000, Act::Bye)];
    let others = &[("INVITE", 200), ("INVITE", 200), ("BYE", 200)];
    check(
        "hold and resume",
        &with("echo", &hold),
        &Expected { others, ..HUNG_UP },
    );
    let late = [(500, Act::ReinviteLate), (3000, Act::Bye)];
    let others = &[("INVITE", 200), ("BYE", 200)];
    check(
        "re-INVITE without offer",
        &with("echo", &late),
        &Expected { others, ..HUNG_UP },
    );
    let wrong = [(500, Act::ReinviteUnacceptable), (3000, Act::Bye)];
    let others = &[("INVITE", 488), ("BYE", 200)];
    check(
        "re-INVITE that does not fit",
        &with("echo", &wrong),
        &Expected { others, ..HUNG_UP },
    );
    let rest = [
        (500, Act::Options),
        (600, Act::Refused),
        (700, Act::StaleCSeq),
        (3000, Act::Bye),
    ];
    let others = &[
        ("OPTIONS", 200),
        ("SUBSCRIBE", 405),
        ("OPTIONS", 500),
        ("BYE", 200),
    ];
    check(
        "other requests",
        &with("echo", &rest),
        &Expected { others, ..HUNG_UP },
    );
}

#[test]
fn digits() {
    let nine = with("ivr", &[(600, Act::Digit('9'))]);
    let world = one_call(&nine);
    assert!(world.phone(0).report().bye_received);
    assert!(
        world.elapsed() < ms(40_000),
        "9 hangs up at once: {:?}",
        world.elapsed()
    );
    check("no digit, three times", &Script::listen("ivr"), &FLOW_ENDED);
    let wrong = with("ivr", &[(600, Act::Digit('5')), (2600, Act::Digit('9'))]);
    check("a wrong digit", &wrong, &FLOW_ENDED);
}

#[test]
fn a_2xx_without_ack_is_repeated_and_given_up() {
    let script = Script {
        ack: Ack::Never,
        ..Script::listen("answer")
    };
    let world = one_call(&script);
    let report = world.phone(0).report();
    assert_eq!((report.invite, report.bye_received), (Some(200), true));
    // RFC 3261 §13.3.1.4: 0.5, 1.5, 3.5, 7.5, 11.5 … 31.5 s.
    assert_eq!(world.ledger().retransmitted, 10);
    let record = world
        .ledger()
        .record(world.phone(0).call_id())
        .expect("a record");
    assert_eq!(
        (record.hangup_by, record.hangup_reason),
        ("local", "failed")
    );
    assert_eq!(record.end_ms - record.start_ms, 32_000 + 20);
}

#[test]
fn a_caller_that_vanishes_does_not_stay() {
    let script = with("echo", &[(1000, Act::Vanish)]);
    let world = one_call(&script);
    let record = world
        .ledger()
        .record(world.phone(0).call_id())
        .expect("a record");
    assert_eq!(
        (record.hangup_by, record.hangup_reason),
        ("local", "timeout")
    );
    let lasted = record.end_ms - record.start_ms;
    assert!(lasted >= MAX_CALL.as_millis() as u64, "{lasted} ms");
}

#[test]
fn streams_that_are_switched_off() {
    let off = [(500, Act::Disable), (1000, Act::Resume), (3000, Act::Bye)];
    let others = &[("INVITE", 200), ("INVITE", 200), ("BYE", 200)];
    let expected = Expected { others, ..HUNG_UP };
    check("off and on again", &with("echo", &off), &expected);
    let silent = Script {
        offer: Offer::Disabled,
        ..Script::talk("echo", ms(1000))
    };
    check("off from the beginning", &silent, &HUNG_UP);
    let late = [(500, Act::ReinviteLate), (3000, Act::Bye)];
    let others = &[("INVITE", 200), ("BYE", 200)];
    let late = Script {
        offer: Offer::Disabled,
        ..with("echo", &late)
    };
    check("on by our offer", &late, &Expected { others, ..HUNG_UP });
}

/// The flow hangs up while the answer to our offer in a re-INVITE's 2xx is on its
/// way: the port is closed already when it comes.
#[test]
fn an_answer_that_comes_after_the_flow_has_hung_up() {
    for at in (1900..2100).step_by(5) {
        let script = with("play", &[(at, Act::ReinviteLate)]);
        let world = one_call(&script);
        assert!(world.phone(0).report().bye_received, "{at}");
    }
}
