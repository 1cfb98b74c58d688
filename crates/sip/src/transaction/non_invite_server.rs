//! The non-INVITE server transaction: RFC 3261 §17.2.2.
//!
//! | state | input | next | outputs |
//! | --- | --- | --- | --- |
//! | – | request (`new`) | Trying | the owner passes it up |
//! | Trying | request | Trying | – |
//! | Trying, Proceeding | 1xx of the TU | Proceeding | `Send` |
//! | Trying, Proceeding | 200–699 of the TU | Completed, on TCP Terminated | `Send`; starts J |
//! | Trying, Proceeding, Completed | transport error | the same | – (RFC 6026 §7.1: the state stays; the client's timer F tells it) |
//! | Proceeding, Completed | request | the same | `SendLast` |
//! | Completed | a response of the TU | Completed | – |
//! | Completed | J | Terminated | – |
//! | Terminated | anything | Terminated | – |

use std::time::Instant;

use super::class::ResponseClass;
use super::timer::{Due, Schedule, Timer, Timing};

/// Where a non-INVITE server transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonInviteServerState {
    /// The TU has said nothing yet.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// A final response was sent; retransmissions of the request get it again.
    Completed,
    /// Over.
    Terminated,
}

/// What the owner of the machine has to do. One input has at most one output,
/// so it is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonInviteServerOutput {
    /// Nothing.
    Nothing,
    /// Send the response given and keep it as the last one.
    Send,
    /// Send the last response again.
    SendLast,
}

/// The machine; the messages are kept by its owner.
#[derive(Clone, Copy, Debug)]
pub struct NonInviteServer {
    state: NonInviteServerState,
    reliable: bool,
    schedule: Schedule,
}

impl NonInviteServer {
    /// The transaction of a request that has just come. It waits for nothing.
    pub fn new(reliable: bool) -> Self {
        Self {
            state: NonInviteServerState::Trying,
            reliable,
            schedule: Schedule::IDLE,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> NonInviteServerState {
        self.state
    }

    /// A retransmission of the request.
    pub fn handle_request(&mut self) -> NonInviteServerOutput {
        match self.state {
            NonInviteServerState::Proceeding | NonInviteServerState::Completed => {
                NonInviteServerOutput::SendLast
            }
            NonInviteServerState::Trying | NonInviteServerState::Terminated => {
                NonInviteServerOutput::Nothing
            }
        }
    }

    /// A response of the TU.
    pub fn handle_response(
        &mut self,
        class: ResponseClass,
        timing: &Timing,
        now: Instant,
    ) -> NonInviteServerOutput {
        use NonInviteServerState as State;
        match (self.state, class) {
            (State::Trying | State::Proceeding, ResponseClass::Provisional) => {
                self.state = State::Proceeding;
                NonInviteServerOutput::Send
            }
            (
                State::Trying | State::Proceeding,
                ResponseClass::Success | ResponseClass::Failure,
            ) => {
                self.complete(timing, now);
                NonInviteServerOutput::Send
            }
            (
                State::Completed | State::Terminated,
                ResponseClass::Provisional | ResponseClass::Success | ResponseClass::Failure,
            ) => NonInviteServerOutput::Nothing,
        }
    }

    /// The next deadline.
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        self.schedule.next(Timer::J, Timer::J)
    }

    /// What is due by `now`: only ever the end, after which nothing is left to
    /// do. Harmless when nothing is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.schedule.due(now) {
            Due::End => self.terminate(),
            Due::Nothing | Due::Repeat => {}
        }
    }

    fn complete(&mut self, timing: &Timing, now: Instant) {
        if self.reliable {
            self.terminate();
        } else {
            self.state = NonInviteServerState::Completed;
            self.schedule = Schedule::until(timing.timeout(), now);
        }
    }

    fn terminate(&mut self) {
        self.state = NonInviteServerState::Terminated;
        self.schedule = Schedule::IDLE;
    }
}
