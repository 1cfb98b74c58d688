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
