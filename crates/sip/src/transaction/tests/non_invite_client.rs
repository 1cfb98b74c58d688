//! The non-INVITE client transaction: rows of its table, times of its timers.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::super::fixture::{elapsed, epoch};
use super::super::non_invite_client::{
    NonInviteClient, NonInviteClientOutput as Output, NonInviteClientState as State,
};
use super::super::{ResponseClass, Timer, Timing};

use self::Input::{End, Error, Nothing, Repeat, Response};
use self::State::{Completed, Proceeding, Terminated, Trying};
use ResponseClass::{Failure, Provisional, Success};

const TIMING: Timing = Timing::RFC_3261;
const ALL: [State; 4] = [
    State::Trying,
    State::Proceeding,
    State::Completed,
    State::Terminated,
];

#[derive(Clone, Copy, Debug)]
enum Input {
    Response(ResponseClass),
    Error,
    Nothing,
    Repeat,
    End,
}

/// A UDP machine brought into a state at `now`.
fn machine(state: State, now: Instant) -> NonInviteClient {
    let mut machine = NonInviteClient::new(&TIMING, false, now);
    match state {
        State::Trying => {}
        State::Proceeding => {
            machine.handle_response(ResponseClass::Provisional, &TIMING, now);
        }
        State::Completed => {
            machine.handle_response(ResponseClass::Success, &TIMING, now);
        }
        State::Terminated => {
            machine.handle_transport_error();
        }
    }
    assert_eq!(machine.state(), state);
    machine
}

fn feed(machine: &mut NonInviteClient, input: Input, now: Instant) -> Output {
    match input {
        Input::Response(class) => machine.handle_response(class, &TIMING, now),
        Input::Error => machine.handle_transport_error(),
        Input::Nothing => machine.handle_timeout(&TIMING, now),
        Input::Repeat => machine.handle_timeout(&TIMING, now + TIMING.t1),
        Input::End => machine.handle_timeout(&TIMING, now + TIMING.timeout()),
    }
}

/// States, input, next state if it is another, output.
type Row = (&'static [State], Input, Option<State>, Output);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (&[Trying, Proceeding], Response(Provisional), Some(Proceeding), Output::PassUp),
    (&[Trying, Proceeding], Response(Success), Some(Completed), Output::PassUp),
    (&[Trying, Proceeding], Response(Failure), Some(Completed), Output::PassUp),
    (&[Completed, Terminated], Response(Provisional), None, Output::Nothing),
    (&[Completed, Terminated], Response(Success), None, Output::Nothing),
    (&[Completed, Terminated], Response(Failure), None, Output::Nothing),
    (&[Trying, Proceeding], Error, Some(Terminated), Output::TransportFailed),
    (&[Completed, Terminated], Error, None, Output::Nothing),
    (&ALL, Nothing, None, Output::Nothing),
    (&[Trying, Proceeding], Repeat, None, Output::Retransmit),
    (&[Completed, Terminated], Repeat, None, Output::Nothing),
    (&[Trying, Proceeding], End, Some(Terminated), Output::TimedOut),
    (&[Completed, Terminated], End, Some(Terminated), Output::Nothing),
];

#[test]
fn every_row_of_the_table() {
    let mut walked = HashSet::new();
    for (states, input, next, output) in ROWS {
        for state in *states {
            let now = epoch();
            let mut machine = machine(*state, now);
            assert_eq!(
                feed(&mut machine, *input, now),
                *output,
                "{state:?} {input:?}"
            );
            assert_eq!(
                machine.state(),
                next.unwrap_or(*state),
                "{state:?} {input:?}"
            );
            assert!(walked.insert(format!("{state:?} {input:?}")));
        }
    }
    assert_eq!(walked.len(), 4 * 7, "each input in each state once");
}

/// Runs the timers to the end: when which one came, and what it wanted.
fn run(machine: &mut NonInviteClient, start: Instant) -> Vec<(u64, Timer, Output)> {
    let mut seen = Vec::new();
    while let Some((at, timer)) = machine.poll_timeout() {
        seen.push((
            elapsed(start, at),
            timer,
            machine.handle_timeout(&TIMING, at),
        ));
    }
    seen
}

#[test]
fn over_udp_e_doubles_up_to_t2_until_f() {
    let start = epoch();
    let mut machine = machine(State::Trying, start);
    let times = [
        500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ];
    let mut expected: Vec<_> = times.map(|at| (at, Timer::E, Output::Retransmit)).to_vec();
    expected.push((32_000, Timer::F, Output::TimedOut));
    assert_eq!(run(&mut machine, start), expected);
}

#[test]
fn in_proceeding_e_is_t2() {
    let start = epoch();
    let mut machine = machine(State::Proceeding, start);
    let times = [500, 4500, 8500, 12_500, 16_500, 20_500, 24_500, 28_500];
    let mut expected: Vec<_> = times.map(|at| (at, Timer::E, Output::Retransmit)).to_vec();
    expected.push((32_000, Timer::F, Output::TimedOut));
    assert_eq!(run(&mut machine, start), expected);
}

#[test]
fn over_tcp_there_is_only_f() {
    let start = epoch();
    let mut machine = NonInviteClient::new(&TIMING, true, start);
    machine.handle_response(ResponseClass::Provisional, &TIMING, start);
    assert_eq!(
        run(&mut machine, start),
        [(32_000, Timer::F, Output::TimedOut)]
    );
}

#[test]
fn k_is_t4_over_udp_and_nothing_over_tcp() {
    let start = epoch();
    let mut udp = machine(State::Completed, start);
    assert_eq!(run(&mut udp, start), [(5000, Timer::K, Output::Nothing)]);
    let mut tcp = NonInviteClient::new(&TIMING, true, start);
    tcp.handle_response(ResponseClass::Success, &TIMING, start);
    assert_eq!(tcp.state(), State::Terminated);
    assert_eq!(tcp.poll_timeout(), None);
}

#[test]
fn a_late_call_sends_one_message() {
    let start = epoch();
    let mut machine = machine(State::Trying, start);
    let late = start + Duration::from_secs(20);
    assert_eq!(machine.handle_timeout(&TIMING, late), Output::Retransmit);
    assert_eq!(machine.handle_timeout(&TIMING, late), Output::Nothing);
    let later = start + Duration::from_mins(1);
    assert_eq!(machine.handle_timeout(&TIMING, later), Output::TimedOut);
    assert_eq!(machine.handle_timeout(&TIMING, later), Output::Nothing);
}
