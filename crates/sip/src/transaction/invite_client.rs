//! The INVITE client transaction: RFC 3261 §17.1.1 as RFC 6026 §7.2 mends it,
//! with the CANCEL of §9.1.
//!
//! | state | input | next | outputs |
//! | --- | --- | --- | --- |
//! | – | `new` | Calling | the owner sends the INVITE; starts B, on UDP A |
//! | Calling | A | Calling | `Retransmit`; A doubled |
//! | Calling | B | Terminated | `TimedOut` |
//! | Calling | transport error | Terminated | `TransportFailed` |
//! | Calling | cancel | Calling | – (remembered: §9.1 waits for a provisional) |
//! | Calling | 1xx | Proceeding | `PassUp`, or `PassUpAndCancel` if cancel was wanted |
//! | Proceeding | 1xx | Proceeding | `PassUp` |
//! | Proceeding | cancel | Proceeding | `Cancel`, once; gives up after 64·T1 |
//! | Proceeding | 64·T1 after the CANCEL | Terminated | `TimedOut` |
//! | Proceeding | transport error | Proceeding | – |
//! | Calling, Proceeding | 2xx | Accepted | `PassUp`; starts M |
//! | Calling, Proceeding | 300–699 | Completed, on TCP Terminated | `PassUpAndAck`; starts D |
//! | Completed | 300–699 | Completed | `Ack` |
//! | Completed | 1xx, 2xx, cancel | Completed | – |
//! | Completed | transport error | Terminated | `TransportFailed` |
//! | Completed | D | Terminated | – |
//! | Accepted | 2xx | Accepted | `PassUp` |
//! | Accepted | 1xx, 300–699, cancel, transport error | Accepted | – |
//! | Accepted | M | Terminated | – |
//! | Terminated | anything | Terminated | – |

use std::time::Instant;

use super::class::ResponseClass;
use super::timer::{Due, Schedule, Timer, Timing};

/// Where an INVITE client transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteClientState {
    /// The INVITE is sent, nothing came back.
    Calling,
    /// A provisional response came.
    Proceeding,
    /// 300–699 came and was acknowledged.
    Completed,
    /// A 2xx came; more of them are passed up.
    Accepted,
    /// Over.
    Terminated,
}

/// What the owner of the machine has to do. One input has at most one output,
/// so it is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteClientOutput {
    /// Nothing.
    Nothing,
    /// Send the INVITE again.
    Retransmit,
    /// Pass the response to the TU.
    PassUp,
    /// Pass the response to the TU and send a CANCEL.
    PassUpAndCancel,
    /// Pass the response to the TU, build its ACK and send it.
    PassUpAndAck,
    /// Send the ACK again.
    Ack,
    /// Send a CANCEL.
    Cancel,
    /// Tell the TU that nothing came: 408.
    TimedOut,
    /// Tell the TU that the INVITE could not be sent: 503.
    TransportFailed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cancel {
    No,
    Wanted,
    Sent,
}

/// The machine; the messages are kept by its owner.
#[derive(Clone, Copy, Debug)]
pub struct InviteClient {
    state: InviteClientState,
    reliable: bool,
    cancel: Cancel,
    schedule: Schedule,
}

impl InviteClient {
    /// The transaction of an INVITE that is being sent.
    pub fn new(timing: &Timing, reliable: bool, now: Instant) -> Self {
        let a = (!reliable).then_some(timing.t1);
        Self {
            state: InviteClientState::Calling,
            reliable,
            cancel: Cancel::No,
            schedule: Schedule::new(a, Some(timing.timeout()), now),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> InviteClientState {
        self.state
    }

    /// A response with the branch of this transaction and CSeq method INVITE.
    pub fn handle_response(
        &mut self,
        class: ResponseClass,
        timing: &Timing,
        now: Instant,
    ) -> InviteClientOutput {
        use InviteClientOutput as Output;
        use InviteClientState as State;
        match (self.state, class) {
            (State::Calling, ResponseClass::Provisional) => {
                self.state = State::Proceeding;
                self.schedule = Schedule::IDLE;
                match self.cancel {
                    Cancel::Wanted => {
                        self.send_cancel(timing, now);
                        Output::PassUpAndCancel
                    }
                    Cancel::No | Cancel::Sent => Output::PassUp,
                }
            }
            (State::Proceeding, ResponseClass::Provisional)
            | (State::Accepted, ResponseClass::Success) => Output::PassUp,
            (State::Calling | State::Proceeding, ResponseClass::Success) => {
                self.state = State::Accepted;
                self.schedule = Schedule::until(timing.timeout(), now);
                Output::PassUp
            }
            (State::Calling | State::Proceeding, ResponseClass::Failure) => {
                self.complete(timing, now);
                Output::PassUpAndAck
            }
            (State::Completed, ResponseClass::Failure) => Output::Ack,
            (State::Completed, ResponseClass::Provisional | ResponseClass::Success)
            | (State::Accepted, ResponseClass::Provisional | ResponseClass::Failure)
            | (
                State::Terminated,
                ResponseClass::Provisional | ResponseClass::Success | ResponseClass::Failure,
            ) => Output::Nothing,
        }
    }

    /// The TU wants the INVITE cancelled.
    pub fn handle_cancel(&mut self, timing: &Timing, now: Instant) -> InviteClientOutput {
        use InviteClientOutput as Output;
        use InviteClientState as State;
        match (self.state, self.cancel) {
            (State::Calling, Cancel::No) => {
                self.cancel = Cancel::Wanted;
                Output::Nothing
            }
            (State::Proceeding, Cancel::No | Cancel::Wanted) => {
                self.send_cancel(timing, now);
                Output::Cancel
            }
            (State::Calling, Cancel::Wanted | Cancel::Sent)
            | (State::Proceeding, Cancel::Sent)
            | (
                State::Completed | State::Accepted | State::Terminated,
                Cancel::No | Cancel::Wanted | Cancel::Sent,
            ) => Output::Nothing,
        }
    }

    /// A message of this transaction could not be sent.
    pub fn handle_transport_error(&mut self) -> InviteClientOutput {
        match self.state {
            InviteClientState::Calling | InviteClientState::Completed => {
                self.terminate();
                InviteClientOutput::TransportFailed
            }
            InviteClientState::Proceeding
            | InviteClientState::Accepted
            | InviteClientState::Terminated => InviteClientOutput::Nothing,
        }
    }

    /// The next deadline.
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        match self.state {
            InviteClientState::Calling => self.schedule.next(Timer::A, Timer::B),
            InviteClientState::Proceeding => self.schedule.next(Timer::Cancelled, Timer::Cancelled),
            InviteClientState::Completed => self.schedule.next(Timer::D, Timer::D),
            InviteClientState::Accepted => self.schedule.next(Timer::M, Timer::M),
            InviteClientState::Terminated => None,
        }
    }

    /// What is due by `now`; harmless when nothing is.
    pub fn handle_timeout(&mut self, now: Instant) -> InviteClientOutput {
        use InviteClientOutput as Output;
        use InviteClientState as State;
        match (self.state, self.schedule.due(now)) {
            (State::Calling, Due::Repeat) => {
                self.schedule.back_off(None, now);
                Output::Retransmit
            }
            (State::Calling | State::Proceeding, Due::End) => {
                self.terminate();
                Output::TimedOut
            }
            (State::Completed | State::Accepted, Due::End) => {
                self.terminate();
                Output::Nothing
            }
            (State::Proceeding | State::Completed | State::Accepted, Due::Repeat)
            | (State::Terminated, Due::Repeat | Due::End)
            | (
                State::Calling
                | State::Proceeding
                | State::Completed
                | State::Accepted
                | State::Terminated,
                Due::Nothing,
            ) => Output::Nothing,
        }
    }

    fn send_cancel(&mut self, timing: &Timing, now: Instant) {
        self.cancel = Cancel::Sent;
        self.schedule = Schedule::until(timing.timeout(), now);
    }

    fn complete(&mut self, timing: &Timing, now: Instant) {
        if self.reliable {
            self.terminate();
        } else {
            self.state = InviteClientState::Completed;
            self.schedule = Schedule::until(timing.timer_d(), now);
        }
    }

    fn terminate(&mut self) {
        self.state = InviteClientState::Terminated;
        self.schedule = Schedule::IDLE;
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{elapsed, epoch};
    use super::InviteClientOutput as Output;
    use super::InviteClientState as State;
    use super::*;
    use std::time::Duration;

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

    #[test]
    fn every_row_of_the_table() {
        use Input::{Cancel, End, Error, Nothing, Repeat, Response};
        use ResponseClass::{Failure, Provisional, Success};
        use State::{Accepted, Calling, Completed, Proceeding, Terminated};
        let rows: &[(&[State], Input, Option<State>, Output)] = &[
            (
                &[Calling, Proceeding],
                Response(Provisional),
                Some(Proceeding),
                Output::PassUp,
            ),
            (
                &[Completed, Accepted, Terminated],
                Response(Provisional),
                None,
                Output::Nothing,
            ),
            (
                &[Calling, Proceeding, Accepted],
                Response(Success),
                Some(Accepted),
                Output::PassUp,
            ),
            (
                &[Completed, Terminated],
                Response(Success),
                None,
                Output::Nothing,
            ),
            (
                &[Calling, Proceeding],
                Response(Failure),
                Some(Completed),
                Output::PassUpAndAck,
            ),
            (&[Completed], Response(Failure), None, Output::Ack),
            (
                &[Accepted, Terminated],
                Response(Failure),
                None,
                Output::Nothing,
            ),
            (&[Proceeding], Cancel, None, Output::Cancel),
            (
                &[Calling, Completed, Accepted, Terminated],
                Cancel,
                None,
                Output::Nothing,
            ),
            (
                &[Calling, Completed],
                Error,
                Some(Terminated),
                Output::TransportFailed,
            ),
            (
                &[Proceeding, Accepted, Terminated],
                Error,
                None,
                Output::Nothing,
            ),
            (&ALL, Nothing, None, Output::Nothing),
            (&[Calling], Repeat, None, Output::Retransmit),
            (
                &[Proceeding, Completed, Accepted, Terminated],
                Repeat,
                None,
                Output::Nothing,
            ),
            (&[Calling], End, Some(Terminated), Output::TimedOut),
            (&[Proceeding], End, None, Output::Nothing),
            (
                &[Completed, Accepted, Terminated],
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
        assert_eq!(walked, 5 * 8, "each input in each state once");
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
}
