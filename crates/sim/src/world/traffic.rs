//! Messages, media and orders on their way.

use std::time::{Duration, Instant};

use bytes::Bytes;
use strowger_sip::transport::{ConnectionId, Hop, ListenerId};
use strowger_switch::effect::Effect;
use strowger_switch::input::{Control, Input};

use super::World;
use super::queue::Happening;
use crate::media_plane::Due;
use crate::network::Path;
use crate::phone::{Phone, Said};
use crate::wire::Reading;

/// How long it takes to learn that nobody is there.
const UNREACHABLE_AFTER: Duration = Duration::from_millis(30);

impl World {
    pub(super) fn happen(&mut self, what: Happening) {
        let now = self.now;
        match what {
            Happening::Start(number) => self.with_phone(number, |phone, out| phone.start(now, out)),
            Happening::WakePhone(number) => {
                let due = self.phones[number].poll_timeout();
                if due.is_some_and(|at| at <= now) {
                    self.with_phone(number, |phone, out| phone.handle_timeout(now, out));
                }
            }
            Happening::ToPhone(number, bytes) => {
                self.log(|| format!("phone {number} gets {}", first_line(&bytes)));
                self.with_phone(number, |phone, out| phone.handle_message(&bytes, now, out));
            }
            Happening::ToSwitch(number, message) => {
                self.log(|| format!("switch gets {} of {number}", first_line(&message)));
                if let Ok(reading) = Reading::of(&message) {
                    self.ledger.delivered(&reading);
                }
                let hop = self.hop(number);
                self.input(Input::Sip { hop, message });
            }
            Happening::Unreachable(hop) => {
                self.log(|| format!("switch cannot reach {}", hop.remote));
                self.input(Input::TransportError { hop });
            }
            Happening::Media(due) => self.media_happens(due),
            Happening::Control(control) => self.input(Input::Control(control)),
            Happening::HangUpOne => {
                let first = self.table.ids().next();
                if let Some(id) = first {
                    self.log(|| format!("the operator ends {id:?}"));
                    self.input(Input::Control(Control::HangUp(id)));
                }
            }
        }
    }

    pub(super) fn wake_switch(&mut self) {
        let due = self.switch.poll_timeout().filter(|(at, _)| *at <= self.now);
        if let Some((_, reason)) = due {
            self.log(|| format!("switch wakes: {reason}"));
        }
        let mut effects = std::mem::take(&mut self.effects);
        self.switch.handle_timeout(self.now, &mut effects);
        self.carry_out(effects);
    }

    fn media_happens(&mut self, due: Due) {
        let mut dues = Vec::new();
        let input = self.media.happen(due, self.now, &mut dues);
        self.plan_media(dues);
        if let Some(input) = input {
            if !matches!(input, Input::PortReady { .. }) {
                self.log(|| format!("switch gets {input:?}"));
            }
            self.input(input);
        }
    }

    fn hop(&self, number: usize) -> Hop {
        let phone = &self.phones[number];
        let transport = phone.transport();
        let listener = self.listener(transport);
        Hop {
            transport,
            listener: ListenerId(u16::try_from(listener).expect("two listeners")),
            remote: phone.address(),
            connection: transport
                .is_reliable()
                .then_some(ConnectionId(number as u64)),
        }
    }

    fn input(&mut self, input: Input) {
        let mut effects = std::mem::take(&mut self.effects);
        self.switch.handle_input(input, self.now, &mut effects);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, mut effects: Vec<Effect>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Send { hop, message } => self.send_down(hop, &message),
                Effect::Media(order) => {
                    self.log(|| format!("switch orders {order:?}"));
                    let mut dues = Vec::new();
                    self.media.handle_order(order, self.now, &mut dues);
                    self.plan_media(dues);
                }
                Effect::Event(event) => {
                    self.log(|| format!("switch tells {} {:?}", event.id, event.kind));
                    self.ledger.told(&event);
                }
                Effect::Record(record) => {
                    self.log(|| format!("switch writes {record:?}"));
                    self.ledger.written(&record);
                }
                // Nobody registers here, and nothing restarts.
                Effect::Registration(_) => {}
                Effect::Drained => self.drained = true,
            }
        }
        self.effects = effects;
    }

    fn plan_media(&mut self, dues: Vec<(Instant, Due)>) {
        for (at, due) in dues {
            self.queue.plan(at, Happening::Media(due));
        }
    }

    fn send_down(&mut self, hop: Hop, message: &Bytes) {
        self.log(|| format!("switch sends {} to {}", first_line(message), hop.remote));
        self.ledger.sent(message, self.now);
        let Some(phone) = self.by_address.get(&hop.remote).copied() else {
            self.ledger
                .complaints
                .push(format!("a message to {}, where nobody is", hop.remote));
            return;
        };
        // A phone that is gone has no connection; of those on UDP every other one
        // has a host that says so.
        if self.phones[phone].is_gone() && (hop.transport.is_reliable() || phone % 2 == 0) {
            let at = self.now + UNREACHABLE_AFTER;
            self.queue.plan(at, Happening::Unreachable(hop));
            return;
        }
        let path = Path {
            phone,
            transport: hop.transport,
            up: false,
        };
        for at in self.network.arrivals(path, self.now).into_iter().flatten() {
            self.queue
                .plan(at, Happening::ToPhone(phone, message.clone()));
        }
    }

    fn with_phone(&mut self, number: usize, act: impl FnOnce(&mut Phone, &mut Vec<Said>)) {
        let mut said = Vec::new();
        act(&mut self.phones[number], &mut said);
        for said in said {
            match said {
                Said::Send(message) => self.send_up(number, message),
                Said::Digit { rtp_port, key } => {
                    let due = self.media.press(rtp_port, key, self.now);
                    self.plan_media(due.into_iter().collect());
                }
            }
        }
        if let Some(at) = self.phones[number].poll_timeout() {
            let what = Happening::WakePhone(number);
            self.queue.plan(at.max(self.now), what);
        }
    }

    fn send_up(&mut self, number: usize, message: Vec<u8>) {
        let path = Path {
            phone: number,
            transport: self.phones[number].transport(),
            up: true,
        };
        let message = Bytes::from(message);
        let arrivals = self.network.arrivals(path, self.now);
        for at in arrivals.into_iter().flatten() {
            self.queue
                .plan(at, Happening::ToSwitch(number, message.clone()));
            if self.random.per_mille(self.mutants_per_mille) {
                let mutant = self.mutate(&message);
                self.queue.plan(at, Happening::ToSwitch(number, mutant));
            }
        }
    }

    /// The message with some octets changed, taken out, put in or cut off.
    fn mutate(&mut self, message: &[u8]) -> Bytes {
        let mut bytes = message.to_vec();
        for _ in 0..self.random.between(1, 4) {
            let last = bytes.len().max(1) as u64 - 1;
            let at = self.random.between(0, last) as usize;
            let octet = self.random.u64() as u8;
            match self.random.between(0, 9) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, octet),
                2 if !bytes.is_empty() => drop(bytes.remove(at)),
                3 => bytes.extend_from_within(at..),
                _ if !bytes.is_empty() => bytes[at] = octet,
                _ => {}
            }
        }
        bytes.into()
    }
}

/// Start line and Call-ID, for the trace.
fn first_line(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let call_id = text.lines().find(|line| line.starts_with("Call-ID"));
    let start = text.lines().next().unwrap_or_default();
    format!("{start} [{}]", call_id.unwrap_or_default())
}
