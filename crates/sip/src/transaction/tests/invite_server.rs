//! The INVITE server transaction: rows of its table, times of its timers.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::super::fixture::{elapsed, epoch};
use super::super::invite_server::{
    InviteServer, InviteServerOutput as Output, InviteServerState as State,
};
use super::super::{ResponseClass, Timer, Timing};

use self::Input::{Ack, End, Error, Invite, Nothing, Repeat, Response};
use self::State::{Accepted, Completed, Confirmed, Proceeding, Terminated};
use ResponseClass::{Failure, Provisional, Success};

const TIMING: Timing = Timing::RFC_3261;
const ALL: [State; 5] = [
    State::Proceeding,
    State::Completed,
    State::Confirmed,
    State::Accepted,
    State::Terminated,
];

#[derive(Clone, Copy, Debug)]
enum Input {
    Invite,
    Ack,
    Response(ResponseClass),
    Error,
    Nothing,
    Repeat,
    End,
}

/// A UDP machine brought into a state at `now`.
fn machine(state: State, now: Instant) -> InviteServer {
    let mut machine = InviteServer::new(&TIMING, false, now);
    match state {
        State::Proceeding => {}
        State::Completed => {
            machine.handle_response(ResponseClass::Failure, &TIMING, now);
        }
        State::Confirmed => {
            machine.handle_response(ResponseClass::Failure, &TIMING, now);
            machine.handle_ack(&TIMING, now);
        }
        State::Accepted => {
            machine.handle_response(ResponseClass::Success, &TIMING, now);
        }
        State::Terminated => {
            machine.handle_response(ResponseClass::Success, &TIMING, now);
            machine.handle_timeout(&TIMING, now + TIMING.timeout());
        }
    }
    assert_eq!(machine.state(), state);
    machine
}

fn feed(machine: &mut InviteServer, input: Input, now: Instant) -> Output {
    match input {
        Input::Invite => machine.handle_invite(),
        Input::Ack => machine.handle_ack(&TIMING, now),
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
    (&[Proceeding, Completed], Invite, None, Output::SendLast),
    (&[Confirmed, Accepted, Terminated], Invite, None, Output::Nothing),
    (&[Proceeding, Confirmed, Terminated], Ack, None, Output::Nothing),
    (&[Completed], Ack, Some(Confirmed), Output::Nothing),
    (&[Accepted], Ack, None, Output::PassAck),
    (&[Proceeding], Response(Provisional), None, Output::Send),
    (&[Proceeding], Response(Success), Some(Accepted), Output::Send),
    (&[Proceeding], Response(Failure), Some(Completed), Output::Send),
    (&[Accepted], Response(Success), None, Output::Send),
    (&[Completed, Confirmed, Accepted, Terminated], Response(Provisional), None, Output::Nothing),
    (&[Completed, Confirmed, Terminated], Response(Success), None, Output::Nothing),
    (&[Completed, Confirmed, Accepted, Terminated], Response(Failure), None, Output::Nothing),
    (&[Proceeding, Completed], Error, None, Output::TransportFailed),
    (&[Confirmed, Accepted, Terminated], Error, None, Output::Nothing),
    (&ALL, Nothing, None, Output::Nothing),
    (&[Proceeding], Repeat, None, Output::SendTrying),
    (&[Completed], Repeat, None, Output::SendLast),
    (&[Confirmed, Accepted, Terminated], Repeat, None, Output::Nothing),
    (&[Proceeding], End, None, Output::SendTrying),
    (&[Completed], End, Some(Terminated), Output::AckMissing),
    (&[Confirmed, Accepted], End, Some(Terminated), Output::Nothing),
    (&[Terminated], End, None, Output::Nothing),
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
    assert_eq!(walked.len(), 5 * 9, "each input in each state once");
}

/// Runs the timers to the end: when which one came, and what it wanted.
fn run(machine: &mut InviteServer, start: Instant) -> Vec<(u64, Timer, Output)> {
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
fn trying_comes_after_200_ms_and_only_once() {
    let start = epoch();
    let mut machine = machine(State::Proceeding, start);
    assert_eq!(
        run(&mut machine, start),
        [(200, Timer::Trying, Output::SendTrying)]
    );
    assert_eq!(machine.state(), State::Proceeding);
}

#[test]
fn a_word_of_the_tu_spares_the_trying() {
    let start = epoch();
    let mut machine = machine(State::Proceeding, start);
    machine.handle_response(ResponseClass::Provisional, &TIMING, start);
    assert_eq!(machine.poll_timeout(), None);
}

#[test]
fn over_udp_g_doubles_up_to_t2_until_h() {
    let start = epoch();
    let mut machine = machine(State::Completed, start);
    let times = [
        500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ];
    let mut expected: Vec<_> = times.map(|at| (at, Timer::G, Output::SendLast)).to_vec();
    expected.push((32_000, Timer::H, Output::AckMissing));
    assert_eq!(run(&mut machine, start), expected);
    assert_eq!(machine.state(), State::Terminated);
}

#[test]
fn over_tcp_there_is_only_h() {
    let start = epoch();
    let mut machine = InviteServer::new(&TIMING, true, start);
    machine.handle_response(ResponseClass::Failure, &TIMING, start);
    assert_eq!(
        run(&mut machine, start),
        [(32_000, Timer::H, Output::AckMissing)]
    );
}

#[test]
fn i_is_t4_over_udp_and_nothing_over_tcp() {
    let start = epoch();
    let mut udp = machine(State::Confirmed, start);
    assert_eq!(run(&mut udp, start), [(5000, Timer::I, Output::Nothing)]);
    assert_eq!(udp.state(), State::Terminated);
    let mut tcp = InviteServer::new(&TIMING, true, start);
    tcp.handle_response(ResponseClass::Failure, &TIMING, start);
    tcp.handle_ack(&TIMING, start);
    assert_eq!(tcp.state(), State::Terminated);
    assert_eq!(tcp.poll_timeout(), None);
}

#[test]
fn l_is_the_same_over_udp_and_tcp() {
    for reliable in [false, true] {
        let start = epoch();
        let mut machine = InviteServer::new(&TIMING, reliable, start);
        machine.handle_response(ResponseClass::Success, &TIMING, start);
        assert_eq!(
            run(&mut machine, start),
            [(32_000, Timer::L, Output::Nothing)]
        );
        assert_eq!(machine.state(), State::Terminated);
    }
}

#[test]
fn a_late_call_sends_one_message() {
    let start = epoch();
    let mut machine = machine(State::Completed, start);
    let late = start + Duration::from_secs(20);
    assert_eq!(machine.handle_timeout(&TIMING, late), Output::SendLast);
    assert_eq!(machine.handle_timeout(&TIMING, late), Output::Nothing);
    let later = start + Duration::from_mins(1);
    assert_eq!(machine.handle_timeout(&TIMING, later), Output::AckMissing);
    assert_eq!(machine.handle_timeout(&TIMING, later), Output::Nothing);
}

#[test]
fn it_is_a_small_value() {
    assert!(size_of::<InviteServer>() <= 64);
}
