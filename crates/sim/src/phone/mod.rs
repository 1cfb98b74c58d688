//! A scripted phone: a user agent that makes one call.
//!
//! It has transactions of its own, as small as RFC 3261 §17 lets them be, and
//! checks whatever the switch sends it. What it finds wrong stands in its
//! [`Report`].

mod answers;
mod calling;
mod transaction;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use strowger_sip::transport::Transport;

use crate::script::{Ack, Act, Script};
use crate::wire::{Identity, Reading, response};
use transaction::ClientTransaction;

/// What a phone wants.
#[derive(Clone, Debug)]
pub enum Said {
    /// Send this to the switch.
    Send(Vec<u8>),
    /// A key was pressed: telephone-events go to this port of the switch.
    Digit {
        /// RTP port that the switch named.
        rtp_port: u16,
        /// The key.
        key: char,
    },
}

/// What became of the call, as the phone saw it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Final status of the first INVITE.
    pub invite: Option<u16>,
    /// Final statuses of the other requests, by method, in order.
    pub others: Vec<(String, u16)>,
    /// Requests that were never answered.
    pub timed_out: Vec<String>,
    /// The phone sent BYE.
    pub bye_sent: bool,
    /// The switch sent BYE.
    pub bye_received: bool,
    /// The phone sent CANCEL.
    pub cancel_sent: bool,
    /// What the switch did against the rules.
    pub violations: Vec<String>,
}

/// Something on the phone's agenda.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Act(Act),
    Cancel,
    Vanish,
    EarlyBye,
    Ack(u32),
}

/// Where the call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Calling,
    Up,
    Ended,
    /// The phone has fallen silent.
    Vanished,
}

/// A phone.
#[derive(Debug)]
pub struct Phone {
    identity: Identity,
    script: Script,
    state: State,
    cseq: u32,
    /// CSeq of the first INVITE.
    invite_cseq: u32,
    sdp_version: u32,
    rtp_port: Option<u16>,
    transactions: Vec<ClientTransaction>,
    /// ACKs to 2xx by CSeq; sent again for each 2xx that comes again.
    acks: Vec<(u32, Vec<u8>)>,
    agenda: Vec<(Instant, Step)>,
    giving_up: bool,
    report: Report,
}

impl Phone {
    /// A phone that has not called yet. `number` tells it from all others.
    pub fn new(number: usize, script: Script, switch: SocketAddr) -> Self {
        let [.., high, low] = number.to_be_bytes();
        let address = SocketAddr::from(([10, (number >> 16) as u8, high, low], 5060));
        let identity = Identity {
            address,
            transport: script.transport,
            call_id: format!("call-{number}@sim"),
            local_tag: format!("phone-{number}"),
            remote_tag: None,
            target: format!("sip:{}@{switch}", script.user),
            to: format!("sip:{}@{switch}", script.user),
        };
        Self {
            identity,
            script,
            state: State::Idle,
            cseq: 0,
            invite_cseq: 0,
            sdp_version: 0,
            rtp_port: None,
            transactions: Vec::new(),
            acks: Vec::new(),
            agenda: Vec::new(),
            giving_up: false,
            report: Report::default(),
        }
    }

    /// Where it can be reached.
    pub fn address(&self) -> SocketAddr {
        self.identity.address
    }

    /// How it is connected.
    pub fn transport(&self) -> Transport {
        self.identity.transport
    }

    /// The Call-ID of its call.
    pub fn call_id(&self) -> &str {
        &self.identity.call_id
    }

    /// What it was told to do.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// What it saw.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Whether its call is over and nothing is left to be answered.
    pub fn is_done(&self) -> bool {
        match self.state {
            State::Idle | State::Calling | State::Up => false,
            State::Ended => self.transactions.iter().all(ClientTransaction::is_over),
            State::Vanished => true,
        }
    }

    /// Whether it has fallen silent for good.
    pub fn is_gone(&self) -> bool {
        self.state == State::Vanished
    }

    /// When it wants to be woken.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.state == State::Vanished {
            return None;
        }
        let agenda = self.agenda.iter().map(|(at, _)| *at);
        let transactions = self
            .transactions
            .iter()
            .filter_map(ClientTransaction::poll_timeout);
        agenda.chain(transactions).min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Said>) {
        let mut given_up = Vec::new();
        for transaction in &mut self.transactions {
            transaction.handle_timeout(now, out);
            if transaction.is_given_up(now) {
                given_up.push((transaction.method.clone(), transaction.cseq));
                transaction.end();
            }
        }
        for (method, cseq) in given_up {
            self.request_timed_out(&method, cseq);
        }
        while let Some(place) = self.agenda.iter().position(|(at, _)| *at <= now) {
            let (_, step) = self.agenda.remove(place);
            self.take_step(step, now, out);
        }
    }

    /// Reads what the switch sent.
    pub fn handle_message(&mut self, bytes: &[u8], now: Instant, out: &mut Vec<Said>) {
        if self.state == State::Vanished {
            return;
        }
        match Reading::of(bytes) {
            Ok(reading) if reading.call_id != self.identity.call_id => {
                self.complain(format!("a message of the call {}", reading.call_id));
            }
            Ok(reading) => match reading.request() {
                Some(request) => self.handle_request(&reading, request, out),
                None => self.handle_response(&reading, now, out),
            },
            Err(why) => {
                let text = String::from_utf8_lossy(bytes);
                self.complain(format!("{why} in {text}"));
            }
        }
    }

    fn complain(&mut self, what: String) {
        self.report.violations.push(what);
    }

    /// Only BYE is expected; it is answered as often as it comes.
    fn handle_request(&mut self, reading: &Reading, request: &rsip::Request, out: &mut Vec<Said>) {
        if reading.method != "BYE" {
            self.complain(format!("an unexpected {}", reading.method));
            out.push(Said::Send(response(request, 405)));
            return;
        }
        self.check_bye(reading, request);
        out.push(Said::Send(response(request, 200)));
        self.report.bye_received = true;
        self.end_call();
    }

    fn check_bye(&mut self, reading: &Reading, request: &rsip::Request) {
        let ours = Some(&self.identity.local_tag) == reading.to_tag.as_ref();
        let known =
            self.identity.remote_tag.is_none() || self.identity.remote_tag == reading.from_tag;
        if !ours || !known || reading.from_tag.is_none() {
            let tags = (&reading.from_tag, &reading.to_tag);
            self.complain(format!("a BYE with the tags {tags:?}"));
        }
        if !reading.branch.starts_with("z9hG4bK") {
            self.complain(format!("a BYE with the branch {}", reading.branch));
        }
        let uri = request.uri.to_string();
        // rsip writes `transport=TCP`, whatever stood there.
        if !uri.eq_ignore_ascii_case(&self.identity.contact()) {
            self.complain(format!("a BYE to {uri}, not to our Contact"));
        }
    }

    /// Nothing is planned any more; what is under way may still be answered.
    fn end_call(&mut self) {
        if self.state != State::Vanished {
            self.state = State::Ended;
            let open_ack = |step: &(Instant, Step)| matches!(step.1, Step::Ack(_));
            self.agenda.retain(open_ack);
        }
    }

    fn take_step(&mut self, step: Step, now: Instant, out: &mut Vec<Said>) {
        match step {
            Step::Ack(cseq) => self.send_ack(cseq, out),
            Step::Cancel => self.cancel(now, out),
            Step::Vanish => self.vanish(),
            Step::EarlyBye => self.bye_early(now, out),
            Step::Act(act) => self.act(act, now, out),
        }
    }

    fn act(&mut self, act: Act, now: Instant, out: &mut Vec<Said>) {
        if self.state != State::Up {
            return;
        }
        let is_reinvite = match act {
            Act::Hold
            | Act::Resume
            | Act::Disable
            | Act::ReinviteLate
            | Act::ReinviteUnacceptable => true,
            Act::Digit(_)
            | Act::Options
            | Act::Refused
            | Act::StaleCSeq
            | Act::Bye
            | Act::Vanish => false,
        };
        if is_reinvite {
            if self.script.ack == Ack::Never {
                return;
            }
            // RFC 3261 §14.1: one INVITE at a time.
            if self.is_inviting() {
                let later = now + Duration::from_millis(200);
                self.agenda.push((later, Step::Act(act)));
                return;
            }
        }
        self.carry_out(act, now, out);
    }
}
