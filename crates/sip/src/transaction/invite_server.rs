//! The INVITE server transaction: RFC 3261 §17.2.1 as RFC 6026 §7.1 mends it.
//!
//! | state | input | next | outputs |
//! | --- | --- | --- | --- |
//! | – | INVITE (`new`) | Proceeding | the owner passes it up |
//! | Proceeding | INVITE | Proceeding | `SendLast`: the last provisional, if any |
//! | Proceeding | 200 ms without a word of the TU | Proceeding | `SendTrying` |
//! | Proceeding | 1xx of the TU | Proceeding | `Send` |
//! | Proceeding | 2xx of the TU | Accepted | `Send`; starts L |
//! | Proceeding | 300–699 of the TU | Completed | `Send`; starts H, on UDP G |
//! | Proceeding | ACK | Proceeding | – |
//! | Proceeding, Completed | transport error | the same | `TransportFailed` (RFC 6026 §7.1) |
//! | Completed | INVITE | Completed | `SendLast` |
//! | Completed | G | Completed | `SendLast`; G doubled, up to T2 |
//! | Completed | ACK | Confirmed, on TCP Terminated | starts I |
//! | Completed | H | Terminated | `AckMissing` |
//! | Completed | a response of the TU | Completed | – |
//! | Confirmed | INVITE, ACK, a response, transport error | Confirmed | – |
//! | Confirmed | I | Terminated | – |
//! | Accepted | INVITE | Accepted | – |
//! | Accepted | ACK | Accepted | `PassAck`: it belongs to the 2xx |
//! | Accepted | 2xx of the TU | Accepted | `Send` |
//! | Accepted | another response, transport error | Accepted | – |
//! | Accepted | L | Terminated | – |
//! | Terminated | anything | Terminated | – |

use std::time::Instant;

use super::class::ResponseClass;
use super::timer::{Due, Schedule, Timer, Timing};

/// Where an INVITE server transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteServerState {
    /// No final response yet.
    Proceeding,
    /// 300–699 sent, the ACK is missing.
    Completed,
    /// The ACK came; its retransmissions are absorbed.
    Confirmed,
    /// 2xx sent; retransmissions of the INVITE are absorbed.
    Accepted,
    /// Over.
    Terminated,
}

/// What the owner of the machine has to do. One input has at most one output,
/// so it is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteServerOutput {
    /// Nothing.
    Nothing,
    /// Send the response given and keep it as the last one.
    Send,
    /// Send the last response again, if there is one.
    SendLast,
    /// Send 100 Trying and keep it as the last response.
    SendTrying,
    /// Pass the ACK to the TU.
    PassAck,
    /// Tell the TU that no ACK came (timer H).
    AckMissing,
    /// Tell the TU that the response could not be sent.
    TransportFailed,
}

/// The machine; the messages are kept by its owner.
#[derive(Clone, Copy, Debug)]
pub struct InviteServer {
    state: InviteServerState,
    reliable: bool,
    schedule: Schedule,
}

impl InviteServer {
    /// The transaction of an INVITE that has just come.
    pub fn new(timing: &Timing, reliable: bool, now: Instant) -> Self {
        Self {
            state: InviteServerState::Proceeding,
            reliable,
            schedule: Schedule::new(Some(timing.trying_delay), None, now),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> InviteServerState {
        self.state
    }

    /// A retransmission of the INVITE.
    pub fn handle_invite(&mut self) -> InviteServerOutput {
        use InviteServerOutput as Output;
        match self.state {
            InviteServerState::Proceeding | InviteServerState::Completed => Output::SendLast,
            InviteServerState::Confirmed
            | InviteServerState::Accepted
            | InviteServerState::Terminated => Output::Nothing,
        }
    }

    /// An ACK with the key of this transaction.
    pub fn handle_ack(&mut self, timing: &Timing, now: Instant) -> InviteServerOutput {
        use InviteServerOutput as Output;
        match self.state {
            InviteServerState::Completed => {
                self.confirm(timing, now);
                Output::Nothing
            }
            InviteServerState::Accepted => Output::PassAck,
            InviteServerState::Proceeding
            | InviteServerState::Confirmed
            | InviteServerState::Terminated => Output::Nothing,
        }
    }

    /// A response of the TU.
    pub fn handle_response(
        &mut self,
        class: ResponseClass,
        timing: &Timing,
        now: Instant,
    ) -> InviteServerOutput {
        use InviteServerOutput as Output;
        use InviteServerState as State;
        match (self.state, class) {
            (State::Proceeding, ResponseClass::Provisional) => {
                self.schedule = Schedule::IDLE;
                Output::Send
            }
            (State::Proceeding, ResponseClass::Success) => {
                self.state = State::Accepted;
                self.schedule = Schedule::until(timing.timeout(), now);
                Output::Send
            }
            (State::Proceeding, ResponseClass::Failure) => {
                self.state = State::Completed;
                let g = (!self.reliable).then_some(timing.t1);
                self.schedule = Schedule::new(g, Some(timing.timeout()), now);
                Output::Send
            }
            (State::Accepted, ResponseClass::Success) => Output::Send,
            (State::Accepted, ResponseClass::Provisional | ResponseClass::Failure)
            | (
                State::Completed | State::Confirmed | State::Terminated,
                ResponseClass::Provisional | ResponseClass::Success | ResponseClass::Failure,
            ) => Output::Nothing,
        }
    }

    /// A response could not be sent. The state stays (RFC 6026 §7.1).
    pub fn handle_transport_error(&mut self) -> InviteServerOutput {
        match self.state {
            InviteServerState::Proceeding | InviteServerState::Completed => {
                InviteServerOutput::TransportFailed
            }
            InviteServerState::Confirmed
            | InviteServerState::Accepted
            | InviteServerState::Terminated => InviteServerOutput::Nothing,
        }
    }

    /// The next deadline.
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        match self.state {
            InviteServerState::Proceeding => self.schedule.next(Timer::Trying, Timer::Trying),
            InviteServerState::Completed => self.schedule.next(Timer::G, Timer::H),
            InviteServerState::Confirmed => self.schedule.next(Timer::I, Timer::I),
            InviteServerState::Accepted => self.schedule.next(Timer::L, Timer::L),
            InviteServerState::Terminated => None,
        }
    }

    /// What is due by `now`; harmless when nothing is.
    pub fn handle_timeout(&mut self, timing: &Timing, now: Instant) -> InviteServerOutput {
        use InviteServerOutput as Output;
        use InviteServerState as State;
        match (self.state, self.schedule.due(now)) {
            (State::Proceeding, Due::Repeat) => {
                self.schedule = Schedule::IDLE;
                Output::SendTrying
            }
            (State::Completed, Due::Repeat) => {
                self.schedule.back_off(Some(timing.t2), now);
                Output::SendLast
            }
            (State::Completed, Due::End) => {
                self.terminate();
                Output::AckMissing
            }
            (State::Confirmed | State::Accepted, Due::End) => {
                self.terminate();
                Output::Nothing
            }
            (State::Proceeding, Due::End)
            | (State::Confirmed | State::Accepted, Due::Repeat)
            | (State::Terminated, Due::Repeat | Due::End)
            | (
                State::Proceeding
                | State::Completed
                | State::Confirmed
                | State::Accepted
                | State::Terminated,
                Due::Nothing,
            ) => Output::Nothing,
        }
    }

    fn confirm(&mut self, timing: &Timing, now: Instant) {
        if self.reliable {
            self.terminate();
        } else {
            self.state = InviteServerState::Confirmed;
            self.schedule = Schedule::until(timing.t4, now);
        }
    }

    fn terminate(&mut self) {
        self.state = InviteServerState::Terminated;
        self.schedule = Schedule::IDLE;
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{elapsed, epoch};
    use super::InviteServerOutput as Output;
    use super::InviteServerState as State;
    use super::*;
    use std::time::Duration;

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

    #[test]
    fn every_row_of_the_table() {
        use Input::{Ack, End, Error, Invite, Nothing, Repeat, Response};
        use ResponseClass::{Failure, Provisional, Success};
        use State::{Accepted, Completed, Confirmed, Proceeding, Terminated};
        let rows: &[(&[State], Input, Option<State>, Output)] = &[
            (&[Proceeding, Completed], Invite, None, Output::SendLast),
            (
                &[Confirmed, Accepted, Terminated],
                Invite,
                None,
                Output::Nothing,
            ),
            (
                &[Proceeding, Confirmed, Terminated],
                Ack,
                None,
                Output::Nothing,
            ),
            (&[Completed], Ack, Some(Confirmed), Output::Nothing),
            (&[Accepted], Ack, None, Output::PassAck),
            (&[Proceeding], Response(Provisional), None, Output::Send),
            (
                &[Proceeding],
                Response(Success),
                Some(Accepted),
                Output::Send,
            ),
            (
                &[Proceeding],
                Response(Failure),
                Some(Completed),
                Output::Send,
            ),
            (&[Accepted], Response(Success), None, Output::Send),
            (
                &[Completed, Confirmed, Accepted, Terminated],
                Response(Provisional),
                None,
                Output::Nothing,
            ),
            (
                &[Completed, Confirmed, Terminated],
                Response(Success),
                None,
                Output::Nothing,
            ),
            (
                &[Completed, Confirmed, Accepted, Terminated],
                Response(Failure),
                None,
                Output::Nothing,
            ),
            (
                &[Proceeding, Completed],
                Error,
                None,
                Output::TransportFailed,
            ),
            (
                &[Confirmed, Accepted, Terminated],
                Error,
                None,
                Output::Nothing,
            ),
            (&ALL, Nothing, None, Output::Nothing),
            (&[Proceeding], Repeat, None, Output::SendTrying),
            (&[Completed], Repeat, None, Output::SendLast),
            (
                &[Confirmed, Accepted, Terminated],
                Repeat,
                None,
                Output::Nothing,
            ),
            (&[Proceeding], End, None, Output::SendTrying),
            (&[Completed], End, Some(Terminated), Output::AckMissing),
            (
                &[Confirmed, Accepted],
                End,
                Some(Terminated),
                Output::Nothing,
            ),
            (&[Terminated], End, None, Output::Nothing),
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
        assert_eq!(walked, 5 * 9, "each input in each state once");
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
}
