//! How a phone takes what the switch answers.

use std::time::{Duration, Instant};

use super::calling::SDP;
use super::transaction::ClientTransaction;
use super::{Phone, Said, State, Step};
use crate::script::{Ack, Act, Offer};
use crate::wire::{Reading, sdp};

/// How long a caller stays on the line in any case. The far end may be long gone
/// when its BYE got lost.
const PATIENCE: Duration = Duration::from_mins(4);

impl Phone {
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
}
