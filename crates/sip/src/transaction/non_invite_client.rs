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
