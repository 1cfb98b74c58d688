//! The non-INVITE client transaction: RFC 3261 §17.1.2.
//!
//! | state | input | next | outputs |
//! | --- | --- | --- | --- |
//! | – | `new` | Trying | the owner sends the request; starts F, on UDP E |
//! | Trying | E | Trying | `Retransmit`; E doubled, up to T2 |
//! | Proceeding | E | Proceeding | `Retransmit`; E = T2 |
//! | Trying, Proceeding | F | Terminated | `TimedOut` |
//! | Trying, Proceeding | transport error | Terminated | `TransportFailed` |
//! | Trying, Proceeding | 1xx | Proceeding | `PassUp` |
//! | Trying, Proceeding | 200–699 | Completed, on TCP Terminated | `PassUp`; starts K |
//! | Completed | any response, transport error | Completed | – |
//! | Completed | K | Terminated | – |
//! | Terminated | anything | Terminated | – |

use std::time::Instant;

use super::class::ResponseClass;
use super::timer::{Due, Schedule, Timer, Timing};

/// Where a non-INVITE client transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonInviteClientState {
    /// The request is sent, nothing came back.
    Trying,
    /// A provisional response came.
    Proceeding,
    /// A final response came; its retransmissions are absorbed.
    Completed,
    /// Over.
    Terminated,
}

/// What the owner of the machine has to do. One input has at most one output,
/// so it is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonInviteClientOutput {
    /// Nothing.
    Nothing,
    /// Send the request again.
    Retransmit,
    /// Pass the response to the TU.
    PassUp,
    /// Tell the TU that nothing final came: 408.
    TimedOut,
    /// Tell the TU that the request could not be sent: 503.
    TransportFailed,
}

/// The machine; the messages are kept by its owner.
#[derive(Clone, Copy, Debug)]
pub struct NonInviteClient {
    state: NonInviteClientState,
    reliable: bool,
    schedule: Schedule,
}

impl NonInviteClient {
    /// The transaction of a request that is being sent.
    pub fn new(timing: &Timing, reliable: bool, now: Instant) -> Self {
        let e = (!reliable).then_some(timing.t1);
        Self {
            state: NonInviteClientState::Trying,
            reliable,
            schedule: Schedule::new(e, Some(timing.timeout()), now),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> NonInviteClientState {
        self.state
    }

    /// A response with the branch and the method of this transaction.
    pub fn handle_response(
        &mut self,
        class: ResponseClass,
        timing: &Timing,
        now: Instant,
    ) -> NonInviteClientOutput {
        use NonInviteClientState as State;
        match (self.state, class) {
            (State::Trying | State::Proceeding, ResponseClass::Provisional) => {
                self.state = State::Proceeding;
                NonInviteClientOutput::PassUp
            }
            (
                State::Trying | State::Proceeding,
                ResponseClass::Success | ResponseClass::Failure,
            ) => {
                self.complete(timing, now);
                NonInviteClientOutput::PassUp
            }
            (
                State::Completed | State::Terminated,
                ResponseClass::Provisional | ResponseClass::Success | ResponseClass::Failure,
            ) => NonInviteClientOutput::Nothing,
        }
    }

    /// The request could not be sent.
    pub fn handle_transport_error(&mut self) -> NonInviteClientOutput {
        match self.state {
            NonInviteClientState::Trying | NonInviteClientState::Proceeding => {
                self.terminate();
                NonInviteClientOutput::TransportFailed
            }
            NonInviteClientState::Completed | NonInviteClientState::Terminated => {
                NonInviteClientOutput::Nothing
            }
        }
    }

    /// The next deadline.
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        match self.state {
            NonInviteClientState::Trying | NonInviteClientState::Proceeding => {
                self.schedule.next(Timer::E, Timer::F)
            }
            NonInviteClientState::Completed => self.schedule.next(Timer::K, Timer::K),
            NonInviteClientState::Terminated => None,
        }
    }

    /// What is due by `now`; harmless when nothing is.
    pub fn handle_timeout(&mut self, timing: &Timing, now: Instant) -> NonInviteClientOutput {
        use NonInviteClientOutput as Output;
        use NonInviteClientState as State;
        match (self.state, self.schedule.due(now)) {
            (State::Trying, Due::Repeat) => {
                self.schedule.back_off(Some(timing.t2), now);
                Output::Retransmit
            }
            (State::Proceeding, Due::Repeat) => {
                self.schedule.repeat_every(timing.t2, now);
                Output::Retransmit
            }
            (State::Trying | State::Proceeding, Due::End) => {
                self.terminate();
                Output::TimedOut
            }
            (State::Completed, Due::End) => {
                self.terminate();
                Output::Nothing
            }
            (State::Completed, Due::Repeat)
            | (State::Terminated, Due::Repeat | Due::End)
            | (
                State::Trying | State::Proceeding | State::Completed | State::Terminated,
                Due::Nothing,
            ) => Output::Nothing,
        }
    }

    fn complete(&mut self, timing: &Timing, now: Instant) {
        if self.reliable {
            self.terminate();
        } else {
            self.state = NonInviteClientState::Completed;
            self.schedule = Schedule::until(timing.t4, now);
        }
    }

    fn terminate(&mut self) {
        self.state = NonInviteClientState::Terminated;
        self.schedule = Schedule::IDLE;
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{elapsed, epoch};
    use super::NonInviteClientOutput as Output;
    use super::NonInviteClientState as State;
    use super::*;
    use std::time::Duration;

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

    #[test]
    fn every_row_of_the_table() {
        use Input::{End, Error, Nothing, Repeat, Response};
        use ResponseClass::{Failure, Provisional, Success};
        use State::{Completed, Proceeding, Terminated, Trying};
        let rows: &[(&[State], Input, Option<State>, Output)] = &[
            (
                &[Trying, Proceeding],
                Response(Provisional),
                Some(Proceeding),
                Output::PassUp,
            ),
            (
                &[Trying, Proceeding],
                Response(Success),
                Some(Completed),
                Output::PassUp,
            ),
            (
                &[Trying, Proceeding],
                Response(Failure),
                Some(Completed),
                Output::PassUp,
            ),
            (
                &[Completed, Terminated],
                Response(Provisional),
                None,
                Output::Nothing,
            ),
            (
                &[Completed, Terminated],
                Response(Success),
                None,
                Output::Nothing,
            ),
            (
                &[Completed, Terminated],
                Response(Failure),
                None,
                Output::Nothing,
            ),
            (
                &[Trying, Proceeding],
                Error,
                Some(Terminated),
                Output::TransportFailed,
            ),
            (&[Completed, Terminated], Error, None, Output::Nothing),
            (&ALL, Nothing, None, Output::Nothing),
            (&[Trying, Proceeding], Repeat, None, Output::Retransmit),
            (&[Completed, Terminated], Repeat, None, Output::Nothing),
            (
                &[Trying, Proceeding],
                End,
                Some(Terminated),
                Output::TimedOut,
            ),
            (
                &[Completed, Terminated],
                End,
                Some(Terminated),
                Output::Nothing,
            ),
        ];
        let mut walked = 0;
        for (states, input, next, output) in rows {
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
                walked += 1;
            }
        }
        assert_eq!(walked, 4 * 7, "each input in each state once");
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
}
