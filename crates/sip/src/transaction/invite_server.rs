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
