//! A 2xx to INVITE until its ACK: RFC 3261 §13.3.1.4. The transaction does not
//! repeat it, because the ACK comes from the far end and not from the next hop;
//! so it is repeated over TCP too, there may be UDP further on.
//!
//! | state | input | next | outputs |
//! | --- | --- | --- | --- |
//! | – | `new`: the 2xx was sent | waiting | – |
//! | waiting | T1, doubling up to T2 | waiting | `Retransmit` |
//! | waiting | ACK with its CSeq number | acknowledged | – |
//! | waiting | another ACK | waiting | – |
//! | waiting | 64·T1 | given up | `AckTimedOut` |
//! | acknowledged, given up | anything | the same | – |

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::transaction::Timing;
use crate::transport::Hop;

/// A 2xx that waits for its ACK.
#[derive(Clone, Debug)]
pub struct AcceptedInvite {
    message: Bytes,
    hop: Hop,
    cseq: u32,
    t2: Duration,
    interval: Duration,
    /// The next repetition and the end; `None` when nothing is waited for.
    waiting: Option<(Instant, Instant)>,
}

/// What a 2xx without ACK wants.
#[derive(Clone, Debug)]
pub enum AcceptedInviteOutput {
    /// Send the 2xx again.
    Retransmit {
        /// Where to.
        hop: Hop,
        /// The octets.
        message: Bytes,
    },
    /// No ACK came for 64·T1: the dialog is confirmed, but the session should be
    /// ended with a BYE.
    AckTimedOut,
}

impl AcceptedInvite {
    /// Of a 2xx that has just been sent to `hop` as an answer to the INVITE
    /// numbered `cseq`.
    pub fn new(message: Bytes, hop: Hop, cseq: u32, timing: &Timing, now: Instant) -> Self {
        let interval = timing.t1.max(Duration::from_millis(1));
        Self {
            message,
            hop,
            cseq,
            t2: timing.t2.max(interval),
            interval,
            waiting: Some((now + interval, now + interval * 64)),
        }
    }

    /// An ACK of the dialog came; whether it is the first one for this 2xx.
    pub fn handle_ack(&mut self, cseq: u32) -> bool {
        let acknowledged = cseq == self.cseq && self.waiting.is_some();
        if acknowledged {
            self.stop();
        }
        acknowledged
    }

    /// The dialog is over: nothing more is sent.
    pub fn stop(&mut self) {
        self.waiting = None;
        self.message = Bytes::new();
    }

    /// Whether the ACK is still missing.
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// The next deadline.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let (repeat, end) = self.waiting?;
        if repeat < end {
            Some((repeat, "2xx retransmission"))
        } else {
            Some((end, "ACK timeout"))
        }
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<AcceptedInviteOutput>) {
        let Some((repeat, end)) = self.waiting else {
            return;
        };
        if end <= now {
            self.stop();
            out.push(AcceptedInviteOutput::AckTimedOut);
        } else if repeat <= now {
            self.interval = (self.interval * 2).min(self.t2);
            self.waiting = Some((now + self.interval, end));
            out.push(AcceptedInviteOutput::Retransmit {
                hop: self.hop,
                message: self.message.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::fixture::{epoch, hop};
    use crate::transport::Transport;

    fn accepted(now: Instant) -> AcceptedInvite {
        let message = Bytes::from_static(b"SIP/2.0 200 OK");
        AcceptedInvite::new(message, hop(Transport::Tcp), 7, &Timing::default(), now)
    }

    #[test]
    fn repeats_until_it_gives_up() {
        let start = epoch();
        let mut accepted = accepted(start);
        let mut times = Vec::new();
        let mut out = Vec::new();
        while let Some((at, reason)) = accepted.poll_timeout() {
            accepted.handle_timeout(at, &mut out);
            times.push(((at - start).as_millis(), reason));
        }
        let repeats = [
            500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
        ];
        let mut expected: Vec<_> = repeats.map(|at| (at, "2xx retransmission")).to_vec();
        expected.push((32_000, "ACK timeout"));
        assert_eq!(times, expected);
        assert!(matches!(out.pop(), Some(AcceptedInviteOutput::AckTimedOut)));
        assert_eq!(out.len(), 10);
        assert!(out.iter().all(|output| matches!(output,
            AcceptedInviteOutput::Retransmit { message, .. } if message == "SIP/2.0 200 OK")));
        accepted.handle_timeout(start + Duration::from_secs(99), &mut out);
        assert!(!accepted.handle_ack(7));
        assert_eq!(out.len(), 10);
    }

    #[test]
    fn the_ack_with_its_number_ends_it() {
        let start = epoch();
        let mut accepted = accepted(start);
        let mut out = Vec::new();
        assert!(!accepted.handle_ack(6));
        assert!(accepted.is_waiting());
        assert!(accepted.handle_ack(7));
        assert!(!accepted.handle_ack(7), "the second is a retransmission");
        assert_eq!(accepted.poll_timeout(), None);
        accepted.handle_timeout(start + Duration::from_secs(99), &mut out);
        assert!(out.is_empty());
    }

    #[test]
    fn late_and_repeated_calls_are_harmless() {
        let start = epoch();
        let mut accepted = accepted(start);
        let mut out = Vec::new();
        accepted.handle_timeout(start, &mut out);
        assert!(out.is_empty());
        let late = start + Duration::from_secs(10);
        accepted.handle_timeout(late, &mut out);
        accepted.handle_timeout(late, &mut out);
        assert_eq!(out.len(), 1, "one message, not a burst");
        accepted.handle_timeout(start + Duration::from_secs(100), &mut out);
        accepted.handle_timeout(start + Duration::from_secs(100), &mut out);
        assert_eq!(out.len(), 2);
    }
}
