//! A client transaction of a phone.

use std::time::{Duration, Instant};

use strowger_sip::transport::Transport;

use super::Said;

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

/// Longest time a ringing INVITE is waited for.
const PATIENCE: Duration = Duration::from_mins(5);

/// A request until its final response.
#[derive(Debug)]
pub(super) struct ClientTransaction {
    pub(super) method: String,
    pub(super) cseq: u32,
    pub(super) branch: String,
    message: Vec<u8>,
    /// When it is sent again, and how long after that.
    again: Option<(Instant, Duration)>,
    /// Timer B or F.
    give_up: Option<Instant>,
    pub(super) provisional: bool,
    pub(super) status: Option<u16>,
    /// The ACK to a final response that is no 2xx (RFC 3261 §17.1.1.3).
    pub(super) ack: Option<Vec<u8>>,
}

impl ClientTransaction {
    pub(super) fn new(
        method: &str,
        cseq: u32,
        branch: String,
        message: Vec<u8>,
        transport: Transport,
        now: Instant,
    ) -> Self {
        Self {
            method: method.to_owned(),
            cseq,
            branch,
            message,
            again: (!transport.is_reliable()).then_some((now + T1, T1)),
            give_up: Some(now + 64 * T1),
            provisional: false,
            status: None,
            ack: None,
        }
    }

    pub(super) fn has_body(&self) -> bool {
        !self.message.ends_with(b"\r\n\r\n")
    }

    pub(super) fn says(&self, text: &[u8]) -> bool {
        self.message.windows(text.len()).any(|part| part == text)
    }

    pub(super) fn is_over(&self) -> bool {
        self.give_up.is_none()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let again = self.again.map(|(at, _)| at);
        again.into_iter().chain(self.give_up).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Said>) {
        let Some((at, interval)) = self.again else {
            return;
        };
        if at <= now && self.give_up.is_some_and(|give_up| give_up > now) {
            out.push(Said::Send(self.message.clone()));
            let next = if self.method == "INVITE" {
                interval * 2
            } else {
                (interval * 2).min(T2)
            };
            self.again = Some((now + next, next));
        }
    }

    pub(super) fn is_given_up(&self, now: Instant) -> bool {
        self.give_up.is_some_and(|at| at <= now)
    }

    /// A provisional response: an INVITE is not sent again and waited for.
    pub(super) fn proceed(&mut self, now: Instant) {
        if self.is_over() {
            return;
        }
        if self.method == "INVITE" {
            self.again = None;
            if !self.provisional {
                self.give_up = Some(now + PATIENCE);
            }
        }
        self.provisional = true;
    }

    /// RFC 3261 §9.1: who cancels waits no longer than 64 × T1.
    pub(super) fn cancelled(&mut self, now: Instant) {
        if !self.is_over() {
            self.give_up = Some(now + 64 * T1);
        }
    }

    pub(super) fn end(&mut self) {
        self.again = None;
        self.give_up = None;
    }
}
