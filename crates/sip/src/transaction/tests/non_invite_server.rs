//! The non-INVITE server transaction: rows of its table, times of its timers.

use std::collections::HashSet;
use std::time::Instant;

use super::super::fixture::{elapsed, epoch};
use super::super::non_invite_server::{
    NonInviteServer, NonInviteServerOutput as Output, NonInviteServerState as State,
};
use super::super::{ResponseClass, Timer, Timing};

use self::Input::{End, Request, Response};
use self::State::{Completed, Proceeding, Terminated, Trying};
use ResponseClass::{Failure, Provisional, Success};

const TIMING: Timing = Timing::RFC_3261;

#[derive(Clone, Copy, Debug)]
enum Input {
    Request,
    Response(ResponseClass),
    End,
}

/// A UDP machine brought into a state at `now`.
fn machine(state: State, now: Instant) -> NonInviteServer {
    let mut machine = NonInviteServer::new(false);
    match state {
        State::Trying => {}
        State::Proceeding => {
            machine.handle_response(ResponseClass::Provisional, &TIMING, now);
        }
        State::Completed => {
            machine.handle_response(ResponseClass::Success, &TIMING, now);
        }
        State::Terminated => {
            machine.handle_response(ResponseClass::Failure, &TIMING, now);
            machine.handle_timeout(now + TIMING.timeout());
        }
    }
    assert_eq!(machine.state(), state);
    machine
}

/// States, input, next state if it is another, output.
type Row = (&'static [State], Input, Option<State>, Output);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (&[Trying, Terminated], Request, None, Output::Nothing),
    (&[Proceeding, Completed], Request, None, Output::SendLast),
    (&[Trying, Proceeding], Response(Provisional), Some(Proceeding), Output::Send),
    (&[Trying, Proceeding], Response(Success), Some(Completed), Output::Send),
    (&[Trying, Proceeding], Response(Failure), Some(Completed), Output::Send),
    (&[Completed, Terminated], Response(Provisional), None, Output::Nothing),
    (&[Completed, Terminated], Response(Success), None, Output::Nothing),
    (&[Completed, Terminated], Response(Failure), None, Output::Nothing),
    (&[Trying, Proceeding], End, None, Output::Nothing),
    (&[Completed, Terminated], End, Some(Terminated), Output::Nothing),
];

#[test]
fn every_row_of_the_table() {
    let mut walked = HashSet::new();
    for (states, input, next, output) in ROWS {
        for state in *states {
            let now = epoch();
            let mut machine = machine(*state, now);
            let seen = match input {
                Request => machine.handle_request(),
                Response(class) => machine.handle_response(*class, &TIMING, now),
                End => {
                    machine.handle_timeout(now + TIMING.timeout());
                    Output::Nothing
                }
            };
            assert_eq!(seen, *output, "{state:?} {input:?}");
            assert_eq!(
                machine.state(),
                next.unwrap_or(*state),
                "{state:?} {input:?}"
            );
            assert!(walked.insert(format!("{state:?} {input:?}")));
        }
    }
    assert_eq!(walked.len(), 4 * 5, "each input in each state once");
}

#[test]
fn j_is_64_t1_over_udp() {
    let start = epoch();
    let mut machine = machine(State::Completed, start);
    let (at, timer) = machine.poll_timeout().unwrap();
    assert_eq!((elapsed(start, at), timer), (32_000, Timer::J));
    machine.handle_timeout(start + TIMING.timeout() / 2);
    assert_eq!(machine.state(), State::Completed);
    machine.handle_timeout(at);
    machine.handle_timeout(at);
    assert_eq!(machine.state(), State::Terminated);
    assert_eq!(machine.poll_timeout(), None);
}

#[test]
fn j_is_nothing_over_tcp() {
    let mut machine = NonInviteServer::new(true);
    machine.handle_response(ResponseClass::Success, &TIMING, epoch());
    assert_eq!(machine.state(), State::Terminated);
    assert_eq!(machine.poll_timeout(), None);
}

#[test]
fn it_waits_for_the_tu_without_a_timer() {
    let start = epoch();
    assert_eq!(machine(State::Trying, start).poll_timeout(), None);
    assert_eq!(machine(State::Proceeding, start).poll_timeout(), None);
}
