//! What a phone sends.

use std::time::Instant;

use super::transaction::ClientTransaction;
use super::{Phone, Said, State, Step};
use crate::script::{Act, Offer};
use crate::wire::sdp;

/// Content-Type of the bodies.
pub(super) const SDP: &str = "application/sdp";

impl Phone {
    /// Calls.
    pub fn start(&mut self, now: Instant, out: &mut Vec<Said>) {
        if self.state != State::Idle {
            return;
        }
        self.state = State::Calling;
        let address = self.identity.address;
        let body = match self.script.offer {
            Offer::InInvite => Some((SDP, sdp::ordinary(address, 1, "sendrecv"))),
            Offer::Late | Offer::LateUnanswered | Offer::LateRefused => None,
            Offer::Disabled => Some((SDP, sdp::refusal(address, 1))),
            Offer::Unacceptable => Some((SDP, sdp::unacceptable(address, 1))),
            Offer::Malformed => Some((SDP, "this is no description".to_owned())),
            Offer::OtherType => Some(("text/plain", "hello".to_owned())),
        };
        self.sdp_version = 1;
        let body = body.as_ref().map(|(kind, body)| (*kind, &**body));
        self.send("INVITE", body, now, out);
        self.invite_cseq = self.cseq;
        if let Some(after) = self.script.cancel_after {
            self.agenda.push((now + after, Step::Cancel));
        }
        if let Some(after) = self.script.vanish_after {
            self.agenda.push((now + after, Step::Vanish));
        }
    }

    pub(super) fn carry_out(&mut self, act: Act, now: Instant, out: &mut Vec<Said>) {
        let address = self.identity.address;
        match act {
            Act::Hold | Act::Resume => {
                self.sdp_version += 1;
                let direction = if act == Act::Hold {
                    "sendonly"
                } else {
                    "sendrecv"
                };
                let body = sdp::ordinary(address, self.sdp_version, direction);
                self.send("INVITE", Some((SDP, &body)), now, out);
            }
            Act::Disable => {
                self.sdp_version += 1;
                let body = sdp::refusal(address, self.sdp_version);
                self.send("INVITE", Some((SDP, &body)), now, out);
            }
            Act::ReinviteLate => self.send("INVITE", None, now, out),
            Act::ReinviteUnacceptable => {
                let body = sdp::unacceptable(address, self.sdp_version + 1);
                self.send("INVITE", Some((SDP, &body)), now, out);
            }
            Act::Digit(key) => {
                let said = self.rtp_port.map(|rtp_port| Said::Digit { rtp_port, key });
                out.extend(said);
            }
            Act::Options => self.send("OPTIONS", None, now, out),
            Act::Refused => self.send("SUBSCRIBE", None, now, out),
            Act::StaleCSeq => self.send_numbered("OPTIONS", 0, None, now, out),
            Act::Bye => self.bye(now, out),
            Act::Vanish => self.vanish(),
        }
    }

    pub(super) fn vanish(&mut self) {
        self.state = State::Vanished;
        self.agenda.clear();
        self.transactions.clear();
    }

    /// Whether an INVITE of ours has no final response or its 2xx no ACK.
    pub(super) fn is_inviting(&self) -> bool {
        let mut open = self
            .transactions
            .iter()
            .filter(|one| one.method == "INVITE");
        open.any(|one| !one.is_over())
            || self
                .agenda
                .iter()
                .any(|(_, step)| matches!(step, Step::Ack(_)))
    }

    pub(super) fn request_timed_out(&mut self, method: &str, cseq: u32) {
        self.report.timed_out.push(method.to_owned());
        // RFC 3261 §12.2.1.2: without an answer there is no dialog any more.
        if method == "BYE" || cseq == self.invite_cseq {
            self.end_call();
        }
    }

    pub(super) fn cancel(&mut self, now: Instant, out: &mut Vec<Said>) {
        if self.state != State::Calling {
            return;
        }
        let cseq = self.invite_cseq;
        let mut open = self.transactions.iter_mut();
        let Some(invite) = open.find(|one| one.method == "INVITE" && one.cseq == cseq) else {
            return;
        };
        self.giving_up = true;
        // RFC 3261 §9.1: not before a provisional response.
        if invite.is_over() || !invite.provisional || self.report.cancel_sent {
            return;
        }
        invite.cancelled(now);
        let branch = invite.branch.clone();
        self.report.cancel_sent = true;
        // Like the INVITE: without the tag that the dialog may have by now.
        let mut identity = self.identity.clone();
        identity.remote_tag = None;
        identity.target.clone_from(&identity.to);
        let message = identity.request("CANCEL", cseq, &branch, None);
        self.open("CANCEL", cseq, branch, message, now, out);
    }

    pub(super) fn bye_early(&mut self, now: Instant, out: &mut Vec<Said>) {
        if self.state == State::Calling && self.identity.remote_tag.is_some() {
            self.bye(now, out);
        }
    }

    pub(super) fn send_ack(&mut self, cseq: u32, out: &mut Vec<Said>) {
        if let Some((_, ack)) = self.acks.iter().find(|ack| ack.0 == cseq) {
            out.push(Said::Send(ack.clone()));
        }
    }

    pub(super) fn bye(&mut self, now: Instant, out: &mut Vec<Said>) {
        self.report.bye_sent = true;
        self.end_call();
        self.send("BYE", None, now, out);
    }

    fn send(
        &mut self,
        method: &str,
        body: Option<(&str, &str)>,
        now: Instant,
        out: &mut Vec<Said>,
    ) {
        self.cseq += 1;
        self.send_numbered(method, self.cseq, body, now, out);
    }

    fn send_numbered(
        &mut self,
        method: &str,
        cseq: u32,
        body: Option<(&str, &str)>,
        now: Instant,
        out: &mut Vec<Said>,
    ) {
        let count = self.transactions.len();
        let branch = format!("z9hG4bK-{}-{count}", self.identity.local_tag);
        let message = self.identity.request(method, cseq, &branch, body);
        self.open(method, cseq, branch, message, now, out);
    }

    fn open(
        &mut self,
        method: &str,
        cseq: u32,
        branch: String,
        message: Vec<u8>,
        now: Instant,
        out: &mut Vec<Said>,
    ) {
        out.push(Said::Send(message.clone()));
        let transport = self.identity.transport;
        let transaction = ClientTransaction::new(method, cseq, branch, message, transport, now);
        self.transactions.push(transaction);
    }
}
