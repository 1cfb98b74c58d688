//! One call from the caller's side, without a socket or a clock.
//!
//! | state | input | next | sends |
//! | --- | --- | --- | --- |
//! | Inviting | timer A | Inviting | the INVITE again |
//! | Inviting | timer B | Failed | – |
//! | Inviting, Proceeding | 1xx | Proceeding | – |
//! | Inviting, Proceeding | 2xx | Up | ACK |
//! | Inviting, Proceeding | 2xx that makes no call | Failed | ACK and BYE where possible |
//! | Inviting, Proceeding | 300–699 | Failed | ACK |
//! | Proceeding | the patience ends | Failed | CANCEL |
//! | Up | 2xx once more | Up | ACK again |
//! | Up | `hang_up` | Ending | BYE |
//! | Up | BYE | Failed | 200 |
//! | Ending | timer E | Ending | the BYE again |
//! | Ending | timer F | Failed | – |
//! | Ending | 2xx to the BYE | Ended | – |
//! | Ending | 300–699 to the BYE | Failed | – |
//! | Ending | BYE | Ended | 200 |
//! | Ending | 2xx to the INVITE | Ending | ACK again |
//! | Failed | 2xx to the INVITE | Failed | ACK and BYE |
//! | Failed | 300–699 to the INVITE | Failed | ACK |
//! | Ended | anything | Ended | – (200 to a BYE) |

mod messages;

use std::net::SocketAddr;

use bytes::Bytes;
use strowger_sip::dialog::Dialog;
use strowger_sip::message::{HeaderName, Method, Request, Response, StatusCode, Uri};

use messages::{hop_by_hop, invite, media_address, via};

pub use messages::{call_id, index_of};

/// RFC 3261 §17.1.1.1, in ns.
const T1: u64 = 500_000_000;
/// The longest wait between two BYEs, in ns.
const T2: u64 = 4_000_000_000;
/// Timers B and F, and how long a call may ring, in ns.
const PATIENCE: u64 = 64 * T1;
/// No timer is running.
pub const NEVER: u64 = u64::MAX;

/// What the calls of one run have in common.
#[derive(Clone, Debug)]
pub struct Line {
    /// Where every request goes.
    pub target: SocketAddr,
    /// Our SIP address.
    pub local: SocketAddr,
    /// Whom to call.
    pub uri: Uri,
    /// Tells runs apart.
    pub run: u32,
    /// Whether media may go to other addresses than loopback ones.
    pub allow_remote: bool,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// The INVITE is out, nothing came.
    Inviting,
    /// A provisional response came.
    Proceeding,
    /// Answered and acknowledged.
    Up,
    /// The BYE is out.
    Ending,
    /// Over, as it should be.
    Ended,
    /// Over, as it should not be.
    Failed,
}

/// What an input meant for a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to tell.
    Same,
    /// Answered; media goes there.
    Answered(SocketAddr),
    /// The answer came again.
    AnsweredAgain,
    /// An INVITE or BYE went out again.
    Retransmitted(Method),
    /// The BYE was answered.
    Ended,
    /// It has failed, for this reason.
    Failed(String),
}

/// One call. Times are of one monotonic clock in ns.
#[derive(Debug)]
pub struct Call {
    index: u32,
    state: CallState,
    invite: Option<Box<Request>>,
    /// What goes out again by timer A or E.
    pending: Bytes,
    ack: Bytes,
    bye: Bytes,
    interval: u64,
    gives_up: u64,
    next: u64,
}

impl Call {
    /// Sends the INVITE with this offer.
    pub fn invite(line: &Line, index: u32, offer: Bytes, now: u64, out: &mut Vec<Bytes>) -> Self {
        let invite = invite(line, index, offer);
        let pending = invite.to_bytes();
        out.push(pending.clone());
        Self {
            index,
            state: CallState::Inviting,
            invite: Some(Box::new(invite)),
            pending,
            ack: Bytes::new(),
            bye: Bytes::new(),
            interval: T1,
            gives_up: now + PATIENCE,
            next: now + T1,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> CallState {
        self.state
    }

    /// When [`Call::handle_timeout`] wants to be called, or [`NEVER`].
    pub fn poll_timeout(&self) -> u64 {
        self.next
    }

    /// A timer may have run out.
    pub fn handle_timeout(&mut self, line: &Line, now: u64, out: &mut Vec<Bytes>) -> Step {
        if now < self.next {
            return Step::Same;
        }
        match self.state {
            CallState::Inviting if now >= self.gives_up => self.fail("no response to INVITE"),
            CallState::Inviting => self.again(Method::Invite, NEVER, now, out),
            CallState::Proceeding => {
                if let Some(invite) = &self.invite {
                    out.push(hop_by_hop(line, invite, Method::Cancel, None).to_bytes());
                }
                self.fail("no final response to INVITE")
            }
            CallState::Ending if now >= self.gives_up => self.fail("no response to BYE"),
            CallState::Ending => self.again(Method::Bye, T2, now, out),
            CallState::Up | CallState::Ended | CallState::Failed => {
                self.next = NEVER;
                Step::Same
            }
        }
    }

    /// Ends an answered call; nothing in any other state.
    pub fn hang_up(&mut self, now: u64, out: &mut Vec<Bytes>) {
        match self.state {
            CallState::Up => {
                self.state = CallState::Ending;
                self.pending = self.bye.clone();
                self.interval = T1;
                self.next = now + T1;
                self.gives_up = now + PATIENCE;
                out.push(self.bye.clone());
            }
            CallState::Inviting
            | CallState::Proceeding
            | CallState::Ending
            | CallState::Ended
            | CallState::Failed => {}
        }
    }

    /// A response to a request of this call.
    pub fn handle_response(
        &mut self,
        line: &Line,
        response: &Response,
        out: &mut Vec<Bytes>,
    ) -> Step {
        let Ok(cseq) = response.headers.cseq() else {
            return Step::Same;
        };
        match cseq.method {
            Method::Invite => self.handle_invite_response(line, response, out),
            Method::Bye => self.handle_bye_response(response.status),
            // CANCEL's own response tells nothing; nothing else is ever sent.
            _ => Step::Same,
        }
    }

    /// A request of the far end within this call.
    pub fn handle_request(&mut self, request: &Request, out: &mut Vec<Bytes>) -> Step {
        let status = match request.method {
            Method::Ack => return Step::Same,
            Method::Bye
            | Method::Options
            | Method::Info
            | Method::Notify
            | Method::Message
            | Method::Cancel => StatusCode::OK,
            Method::Invite | Method::Update => StatusCode::NOT_ACCEPTABLE_HERE,
            Method::Register
            | Method::Prack
            | Method::Refer
            | Method::Subscribe
            | Method::Publish
            | Method::Other(_) => StatusCode::METHOD_NOT_ALLOWED,
        };
        out.push(Response::for_request(request, status, None).to_bytes());
        if request.method != Method::Bye {
            return Step::Same;
        }
        match self.state {
            CallState::Up => self.fail("hung up by the far end"),
            CallState::Ending => self.end(),
            CallState::Inviting | CallState::Proceeding | CallState::Ended | CallState::Failed => {
                Step::Same
            }
        }
    }

    fn handle_invite_response(
        &mut self,
        line: &Line,
        response: &Response,
        out: &mut Vec<Bytes>,
    ) -> Step {
        let status = response.status;
        if status.is_final() && !status.is_success() {
            // RFC 3261 §17.1.1.3: each of them is acknowledged.
            if let Some(invite) = &self.invite {
                let to = response.headers.get_bytes(&HeaderName::To);
                out.push(hop_by_hop(line, invite, Method::Ack, to.as_ref()).to_bytes());
            }
        }
        match self.state {
            CallState::Inviting | CallState::Proceeding if status.is_provisional() => {
                // RFC 3261 §17.1.1.2: no more of timer A.
                self.state = CallState::Proceeding;
                self.next = self.gives_up;
                Step::Same
            }
            CallState::Inviting | CallState::Proceeding if status.is_success() => {
                self.handle_answer(line, response, out)
            }
            CallState::Inviting | CallState::Proceeding => self.fail(&status.code().to_string()),
            CallState::Up | CallState::Ending if status.is_success() => {
                out.push(self.ack.clone());
                Step::AnsweredAgain
            }
            CallState::Failed if status.is_success() => {
                if self.accept(line, response).is_ok() {
                    out.extend([self.ack.clone(), self.bye.clone()]);
                }
                Step::Same
            }
            CallState::Up | CallState::Ending | CallState::Failed | CallState::Ended => Step::Same,
        }
    }

    fn handle_answer(&mut self, line: &Line, response: &Response, out: &mut Vec<Bytes>) -> Step {
        if let Err(reason) = self.accept(line, response) {
            return self.fail(reason);
        }
        out.push(self.ack.clone());
        match media_address(line, &response.body) {
            Ok(media) => {
                self.state = CallState::Up;
                self.next = NEVER;
                self.pending = Bytes::new();
                Step::Answered(media)
            }
            Err(reason) => {
                out.push(self.bye.clone());
                self.fail(reason)
            }
        }
    }

    /// Makes ACK and BYE from a 2xx.
    fn accept(&mut self, line: &Line, response: &Response) -> Result<(), &'static str> {
        let invite = self.invite.as_ref().ok_or("answered after its end")?;
        let mut dialog = Dialog::uac(invite, response).map_err(|_| "a 200 that makes no dialog")?;
        for method in [Method::Ack, Method::Bye] {
            let mut request = match method {
                Method::Ack => dialog.ack(1),
                _ => dialog.request(Method::Bye),
            };
            let via = via(line, self.index, &method);
            request.headers.push_front(HeaderName::Via, via);
            match method {
                Method::Ack => self.ack = request.to_bytes(),
                _ => self.bye = request.to_bytes(),
            }
        }
        Ok(())
    }

    fn handle_bye_response(&mut self, status: StatusCode) -> Step {
        match self.state {
            CallState::Ending if status.is_success() => self.end(),
            CallState::Ending if status.is_final() => {
                self.fail(&format!("{} to BYE", status.code()))
            }
            CallState::Ending
            | CallState::Inviting
            | CallState::Proceeding
            | CallState::Up
            | CallState::Ended
            | CallState::Failed => Step::Same,
        }
    }

    fn again(&mut self, method: Method, longest: u64, now: u64, out: &mut Vec<Bytes>) -> Step {
        self.interval = (self.interval * 2).min(longest);
        self.next = (now + self.interval).min(self.gives_up);
        out.push(self.pending.clone());
        Step::Retransmitted(method)
    }

    fn end(&mut self) -> Step {
        self.state = CallState::Ended;
        self.next = NEVER;
        self.invite = None;
        self.pending = Bytes::new();
        self.ack = Bytes::new();
        self.bye = Bytes::new();
        Step::Ended
    }

    fn fail(&mut self, reason: &str) -> Step {
        self.state = CallState::Failed;
        self.next = NEVER;
        Step::Failed(reason.to_owned())
    }
}

#[cfg(test)]
mod tests;
