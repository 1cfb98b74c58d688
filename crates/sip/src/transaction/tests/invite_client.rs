//! The INVITE client transaction: rows of its table, times of its timers.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::super::fixture::{elapsed, epoch};
use super::super::invite_client::{
    InviteClient, InviteClientOutput as Output, InviteClientState as State,
};
use super::super::{ResponseClass, Timer, Timing};

use self::Input::{Cancel, End, Error, Nothing, Repeat, Response};
use self::State::{Accepted, Calling, Completed, Proceeding, Terminated};
use ResponseClass::{Failure, Provisional, Success};

const TIMING: Timing = Timing::RFC_3261;
const ALL: [State; 5] = [
    State::Calling,
    State::Proceeding,
    State::Completed,
    State::Accepted,
    State::Terminated,
];

#[derive(Clone, Copy, Debug)]
enum Input {
    Response(ResponseClass),
    Cancel,
    Error,
    Nothing,
    Repeat,
    End,
}

/// A UDP machine brought into a state at `now`.
fn machine(state: State, now: Instant) -> InviteClient {
    let mut machine = InviteClient::new(&TIMING, false, now);
    match state {
        State::Calling => {}
        State::Proceeding => {
            machine.handle_response(ResponseClass::Provisional, &TIMING, now);
        }
        State::Completed => {
            machine.handle_response(ResponseClass::Failure, &TIMING, now);
        }
        State::Accepted => {
            machine.handle_response(ResponseClass::Success, &TIMING, now);
        }
        State::Terminated => {
            machine.handle_transport_error();
        }
    }
    assert_eq!(machine.state(), state);
    machine
}

fn feed(machine: &mut InviteClient, input: Input, now: Instant) -> Output {
    match input {
        Input::Response(class) => machine.handle_response(class, &TIMING, now),
        Input::Cancel => machine.handle_cancel(&TIMING, now),
        Input::Error => machine.handle_transport_error(),
        Input::Nothing => machine.handle_timeout(now),
        Input::Repeat => machine.handle_timeout(now + TIMING.t1),
        Input::End => machine.handle_timeout(now + TIMING.timeout()),
    }
}

/// States, input, next state if it is another, output.
type Row = (&'static [State], Input, Option<State>, Output);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (&[Calling, Proceeding], Response(Provisional), Some(Proceeding), Output::PassUp),
    (&[Completed, Accepted, Terminated], Response(Provisional), None, Output::Nothing),
    (&[Calling, Proceeding, Accepted], Response(Success), Some(Accepted), Output::PassUp),
    (&[Completed, Terminated], Response(Success), None, Output::Nothing),
    (&[Calling, Proceeding], Response(Failure), Some(Completed), Output::PassUpAndAck),
    (&[Completed], Response(Failure), None, Output::Ack),
    (&[Accepted, Terminated], Response(Failure), None, Output::Nothing),
    (&[Proceeding], Cancel, None, Output::Cancel),
    (&[Calling, Completed, Accepted, Terminated], Cancel, None, Output::Nothing),
    (&[Calling, Completed], Error, Some(Terminated), Output::TransportFailed),
    (&[Proceeding, Accepted, Terminated], Error, None, Output::Nothing),
    (&ALL, Nothing, None, Output::Nothing),
    (&[Calling], Repeat, None, Output::Retransmit),
    (&[Proceeding, Completed, Accepted, Terminated], Repeat, None, Output::Nothing),
    (&[Calling], End, Some(Terminated), Output::TimedOut),
    (&[Proceeding], End, None, Output::Nothing),
    (&[Completed, Accepted, Terminated], End, Some(Terminated), Output::Nothing),
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
    assert_eq!(walked.len(), 5 * 8, "each input in each state once");
}

/// Runs the timers to the end: when which one came, and what it wanted.
fn run(machine: &mut InviteClient, start: Instant) -> Vec<(u64, Timer, Output)> {
    let mut seen = Vec::new();
    while let Some((at, timer)) = machine.poll_timeout() {
        seen.push((elapsed(start, at), timer, machine.handle_timeout(at)));
    }
    seen
}

#[test]
fn over_udp_a_doubles_without_a_cap_until_b() {
    let start = epoch();
    let mut machine = machine(State::Calling, start);
    let times = [500, 1500, 3500, 7500, 15_500, 31_500];
    let mut expected: Vec<_> = times.map(|at| (at, Timer::A, Output::Retransmit)).to_vec();
    expected.push((32_000, Timer::B, Output::TimedOut));
    assert_eq!(run(&mut machine, start), expected);
}

#[test]
fn over_tcp_there_is_only_b() {
    let start = epoch();
    let mut machine = InviteClient::new(&TIMING, true, start);
    assert_eq!(
        run(&mut machine, start),
        [(32_000, Timer::B, Output::TimedOut)]
    );
}

#[test]
fn d_is_32_s_over_udp_and_nothing_over_tcp() {
    let start = epoch();
    let mut udp = machine(State::Completed, start);
    assert_eq!(run(&mut udp, start), [(32_000, Timer::D, Output::Nothing)]);
    let mut tcp = InviteClient::new(&TIMING, true, start);
    let output = tcp.handle_response(ResponseClass::Failure, &TIMING, start);
    assert_eq!(
        (output, tcp.state()),
        (Output::PassUpAndAck, State::Terminated)
    );
    let quick = Timing {
        t1: Duration::from_millis(10),
        ..TIMING
    };
    assert_eq!(quick.timer_d(), Duration::from_secs(32));
}

#[test]
fn m_is_the_same_over_udp_and_tcp() {
    for reliable in [false, true] {
        let start = epoch();
        let mut machine = InviteClient::new(&TIMING, reliable, start);
        machine.handle_response(ResponseClass::Success, &TIMING, start);
        assert_eq!(
            run(&mut machine, start),
            [(32_000, Timer::M, Output::Nothing)]
        );
    }
}

#[test]
fn a_provisional_ends_the_retransmissions() {
    let mut machine = machine(State::Proceeding, epoch());
    assert_eq!(machine.poll_timeout(), None);
    assert_eq!(machine.handle_transport_error(), Output::Nothing);
}

#[test]
fn a_cancel_waits_for_the_first_provisional() {
    let start = epoch();
    let mut machine = machine(State::Calling, start);
    assert_eq!(machine.handle_cancel(&TIMING, start), Output::Nothing);
    assert_eq!(machine.handle_cancel(&TIMING, start), Output::Nothing);
    let provisional = ResponseClass::Provisional;
    let first = machine.handle_response(provisional, &TIMING, start);
    assert_eq!(first, Output::PassUpAndCancel);
    let second = machine.handle_response(provisional, &TIMING, start);
    assert_eq!(second, Output::PassUp);
    assert_eq!(machine.handle_cancel(&TIMING, start), Output::Nothing);
    assert_eq!(
        run(&mut machine, start),
        [(32_000, Timer::Cancelled, Output::TimedOut)]
    );
}

#[test]
fn a_2xx_outruns_a_wanted_cancel() {
    let start = epoch();
    let mut machine = machine(State::Calling, start);
    machine.handle_cancel(&TIMING, start);
    let output = machine.handle_response(ResponseClass::Success, &TIMING, start);
    assert_eq!((output, machine.state()), (Output::PassUp, State::Accepted));
}

#[test]
fn a_late_call_sends_one_message() {
    let start = epoch();
    let mut machine = machine(State::Calling, start);
    let late = start + Duration::from_secs(20);
    assert_eq!(machine.handle_timeout(late), Output::Retransmit);
    assert_eq!(machine.handle_timeout(late), Output::Nothing);
    let later = start + Duration::from_mins(1);
    assert_eq!(machine.handle_timeout(later), Output::TimedOut);
    assert_eq!(machine.handle_timeout(later), Output::Nothing);
}

#[test]
fn it_is_a_small_value() {
    assert!(size_of::<InviteClient>() <= 64);
}
