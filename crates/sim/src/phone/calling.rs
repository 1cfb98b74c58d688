//! What a phone sends, and how it takes the answers.

use std::time::{Duration, Instant};

use super::transaction::ClientTransaction;
use super::{Phone, Said, State, Step};
use crate::script::{Ack, Act, Offer};
use crate::wire::{Reading, sdp};

/// How long a caller stays on the line in any case. The far end may be long gone
/// when its BYE got lost.
const PATIENCE: Duration = Duration::from_mins(4);

const SDP: &str = "application/sdp";

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
            Act::Vanish => {
                self.state = State::Vanished;
                self.agenda.clear();
                self.transactions.clear();
            }
        }
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

    pub(super) fn handle_response(&mut self, reading: &Reading, now: Instant, out: &mut Vec<Said>) {
        let mut open = self.transactions.iter_mut();
        let ours = |one: &&mut ClientTransaction| {
            one.branch == reading.branch && one.method == reading.method
        };
        let Some(transaction) = open.find(ours) else {
            let (method, branch) = (&reading.method, &reading.branch);
            self.complain(format!(
                "a response to a {method} that was never sent: {branch}"
            ));
            return;
        };
        let status = reading.status().unwrap_or_default();
        let (cseq, first) = (transaction.cseq, transaction.status.is_none());
        let before = transaction.status;
        if status < 200 {
            transaction.proceed(now);
        } else {
            transaction.status = Some(status);
            transaction.end();
            out.extend(transaction.ack.clone().map(Said::Send));
        }
        self.check_response(reading, status, cseq, before);
        match (&*reading.method, status) {
            ("INVITE", 0..200) => self.invite_proceeds(reading, now, out),
            ("INVITE", 200..300) => self.invite_accepted(reading, cseq, first, now, out),
            ("INVITE", _) if first => self.invite_refused(reading, cseq, status, out),
            ("INVITE", _) => {}
            (method, 200..) if first => {
                self.report.others.push((method.to_owned(), status));
                if method == "BYE" {
                    self.end_call();
                }
            }
            (_, _) => {}
        }
    }

    fn check_response(&mut self, reading: &Reading, status: u16, cseq: u32, before: Option<u16>) {
        let method = &reading.method;
        if reading.cseq != cseq {
            self.complain(format!(
                "{status} to {method} {cseq} with CSeq {}",
                reading.cseq
            ));
        }
        if reading.from_tag.as_ref() != Some(&self.identity.local_tag) {
            self.complain(format!("{status} to {method} with another From tag"));
        }
        if status > 100 && reading.to_tag.is_none() {
            self.complain(format!("{status} to {method} without To tag"));
        }
        // A provisional response may have been overtaken.
        if let Some(before) = before.filter(|before| *before != status && status >= 200) {
            self.complain(format!("{status} to {method} {cseq} after {before}"));
        }
        let dialog = matches!(&**method, "INVITE" | "BYE") && (101..300).contains(&status);
        let known = self.identity.remote_tag.as_ref();
        if dialog && known.is_some_and(|tag| Some(tag) != reading.to_tag.as_ref()) {
            self.complain(format!("{status} to {method} with a new To tag"));
        }
    }

    fn invite_proceeds(&mut self, reading: &Reading, now: Instant, out: &mut Vec<Said>) {
        if self.state != State::Calling {
            return;
        }
        if reading.status() != Some(100) && self.identity.remote_tag.is_none() {
            self.learn_dialog(reading);
            if let Some(after) = self.script.early_bye_after {
                self.agenda.push((now + after, Step::EarlyBye));
            }
        }
        if self.giving_up {
            self.cancel(now, out);
        }
    }

    fn invite_accepted(
        &mut self,
        reading: &Reading,
        cseq: u32,
        first: bool,
        now: Instant,
        out: &mut Vec<Said>,
    ) {
        if !first {
            self.send_ack_unless_waiting(cseq, out);
            return;
        }
        self.learn_dialog(reading);
        self.check_acceptance(reading, cseq);
        if cseq == self.invite_cseq {
            self.report.invite = Some(200);
        } else {
            self.report.others.push(("INVITE".to_owned(), 200));
        }
        self.acknowledge(reading, cseq, now, out);
        if cseq == self.invite_cseq && self.state == State::Calling {
            self.state = State::Up;
            for (after, act) in self.script.acts.clone() {
                self.agenda.push((now + after, Step::Act(act)));
            }
            self.agenda.push((now + PATIENCE, Step::Act(Act::Bye)));
            if self.giving_up {
                self.bye(now, out);
            }
        }
    }

    fn send_ack_unless_waiting(&mut self, cseq: u32, out: &mut Vec<Said>) {
        let waiting = |step: &(Instant, Step)| step.1 == Step::Ack(cseq);
        if !self.agenda.iter().any(waiting) {
            self.send_ack(cseq, out);
        }
    }

    fn acknowledge(&mut self, reading: &Reading, cseq: u32, now: Instant, out: &mut Vec<Said>) {
        if self.script.ack == Ack::Never {
            return;
        }
        let address = self.identity.address;
        let was_offered = self.described(cseq);
        let body = match self.script.offer {
            _ if was_offered || reading.body().is_empty() => None,
            Offer::LateUnanswered if cseq == self.invite_cseq => None,
            Offer::LateRefused if cseq == self.invite_cseq => Some(sdp::refusal(address, 1)),
            _ => Some(sdp::ordinary(address, self.sdp_version, "sendrecv")),
        };
        let branch = format!("z9hG4bK-{}-ack-{cseq}", self.identity.local_tag);
        let body = body.as_deref().map(|body| (SDP, body));
        let ack = self.identity.request("ACK", cseq, &branch, body);
        self.acks.push((cseq, ack));
        match self.script.ack {
            Ack::After(delay) if cseq == self.invite_cseq => {
                self.agenda.push((now + delay, Step::Ack(cseq)));
            }
            Ack::AtOnce | Ack::After(_) | Ack::Never => self.send_ack(cseq, out),
        }
    }

    /// Whether our INVITE with this number switched the stream off.
    fn switched_off(&self, cseq: u32) -> bool {
        let mut all = self.transactions.iter();
        let invite = all.find(|one| one.method == "INVITE" && one.cseq == cseq);
        invite.is_some_and(|invite| invite.says(b"m=audio 0 "))
    }

    /// Whether our INVITE with this number carried an offer.
    fn described(&self, cseq: u32) -> bool {
        let mut all = self.transactions.iter();
        let invite = all.find(|one| one.method == "INVITE" && one.cseq == cseq);
        invite.is_some_and(ClientTransaction::has_body)
    }

    fn check_acceptance(&mut self, reading: &Reading, cseq: u32) {
        if reading.contact().is_none() {
            self.complain("a 2xx to INVITE without Contact".to_owned());
        }
        match sdp::rtp_port(reading.body()) {
            Some(0) if self.switched_off(cseq) => {}
            Some(0) | None => self.complain("a 2xx to INVITE without media".to_owned()),
            Some(port) => {
                if self.rtp_port.is_some_and(|known| known != port) {
                    self.complain("the switch's RTP port has changed".to_owned());
                }
                self.rtp_port = Some(port);
            }
        }
    }

    fn invite_refused(&mut self, reading: &Reading, cseq: u32, status: u16, out: &mut Vec<Said>) {
        let mut identity = self.identity.clone();
        identity.remote_tag.clone_from(&reading.to_tag);
        if cseq == self.invite_cseq {
            identity.target.clone_from(&identity.to);
        }
        let ack = identity.request("ACK", cseq, &reading.branch, None);
        out.push(Said::Send(ack.clone()));
        let mut all = self.transactions.iter_mut();
        if let Some(invite) = all.find(|one| one.branch == reading.branch && one.method == "INVITE")
        {
            invite.ack = Some(ack);
        }
        if cseq == self.invite_cseq {
            self.report.invite = Some(status);
            self.end_call();
        } else {
            self.report.others.push(("INVITE".to_owned(), status));
        }
    }

    fn learn_dialog(&mut self, reading: &Reading) {
        if self.identity.remote_tag.is_none() {
            self.identity.remote_tag.clone_from(&reading.to_tag);
        }
        if let Some(contact) = reading.contact() {
            self.identity.target = contact;
        }
        if let Some(port) = sdp::rtp_port(reading.body()).filter(|port| *port != 0) {
            self.rtp_port.get_or_insert(port);
        }
    }

    fn bye(&mut self, now: Instant, out: &mut Vec<Said>) {
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
