//! A whole switch, its phones and what lies between them, on one virtual clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use strowger_sip::transport::{ConnectionId, Hop, ListenerId, Transport};
use strowger_switch::Switch;
use strowger_switch::call_table::CallTable;
use strowger_switch::clock::Clock;
use strowger_switch::config::{MediaAddressId, SwitchConfig};
use strowger_switch::effect::Effect;
use strowger_switch::input::{Control, Input};

use crate::ledger::Ledger;
use crate::media_plane::{Due, MediaPlane};
use crate::network::{Faults, Network, Partition, Path};
use crate::phone::{Phone, Said};
use crate::random::Random;
use crate::script::Script;
use crate::wire::Reading;

/// Lines of the trace that a failure shows.
const TRACE_LINES: usize = 60;

/// How long after the last phone is done and the longest call over everything has
/// to be at rest: the longest lingering of transactions and of a call that ends
/// without an answer.
const REST: Duration = Duration::from_secs(150);

/// Longest run in virtual time.
const HORIZON: Duration = Duration::from_hours(24);

/// A broken invariant, and how to see it again.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Seed of the run.
    pub seed: u64,
    /// Virtual time since its start.
    pub at: Duration,
    /// What is wrong.
    pub what: String,
    /// What happened last.
    pub trace: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} at {:?}: {}", self.seed, self.at, self.what)?;
        self.trace
            .iter()
            .try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// Something that will happen.
#[derive(Debug)]
enum Happening {
    ToSwitch(usize, Bytes),
    ToPhone(usize, Bytes),
    Start(usize),
    WakePhone(usize),
    Media(Due),
    Control(Control),
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    number: u64,
    what: Happening,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// The world of one run.
pub struct World {
    seed: u64,
    start: Instant,
    now: Instant,
    switch: Switch,
    table: Arc<CallTable>,
    listeners: Vec<(Transport, SocketAddr)>,
    sockets: usize,
    phones: Vec<Phone>,
    by_address: HashMap<SocketAddr, usize>,
    network: Network,
    media: MediaPlane,
    ledger: Ledger,
    queue: BinaryHeap<Reverse<Entry>>,
    entries: u64,
    effects: Vec<Effect>,
    trace: Option<Vec<String>>,
    drained: bool,
    longest_call: Duration,
}

impl World {
    /// A switch at rest, with `sockets` pairs of media sockets bound.
    pub fn new(config: SwitchConfig, sockets: u16, faults: Faults, seed: u64) -> Self {
        let start = Instant::now();
        let table = Arc::new(CallTable::new(config.limits.max_calls));
        let clock = Clock {
            base: start,
            unix_ms: 1_800_000_000_000,
        };
        let listeners = config.listeners.iter();
        let listeners = listeners
            .map(|one| (one.transport, one.advertised))
            .collect();
        let longest_call = config.limits.max_call_duration;
        let mut random = Random::new(seed);
        let mut world = Self {
            seed,
            start,
            now: start,
            switch: Switch::new(config, table.clone(), random.u64(), clock, start),
            table,
            listeners,
            sockets: usize::from(sockets),
            phones: Vec::new(),
            by_address: HashMap::new(),
            network: Network::new(faults, random.u64()),
            media: MediaPlane::new(random.u64()),
            ledger: Ledger::default(),
            queue: BinaryHeap::new(),
            entries: 0,
            effects: Vec::new(),
            trace: None,
            drained: false,
            longest_call,
        };
        for due in MediaPlane::bind(MediaAddressId(0), sockets) {
            world.plan(start, Happening::Media(due));
        }
        world
    }

    /// Keeps what happens, so that a violation shows it. Slow.
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.trace = Some(Vec::new());
        self
    }

    /// A phone that begins its script after `delay`. Returns its number.
    pub fn add_phone(&mut self, script: Script, delay: Duration) -> usize {
        let number = self.phones.len();
        let listener = self.listener(script.transport);
        let phone = Phone::new(number + 1, script, self.listeners[listener].1);
        self.by_address.insert(phone.address(), number);
        self.phones.push(phone);
        self.plan(self.now + delay, Happening::Start(number));
        number
    }

    /// Cuts a phone off from `from` to `until` of the run.
    pub fn cut(&mut self, phone: usize, from: Duration, until: Duration) {
        let (from, until) = (self.start + from, self.start + until);
        self.network.cut(Partition { phone, from, until });
    }

    /// An order of the operator after `delay`.
    pub fn control(&mut self, control: Control, delay: Duration) {
        self.plan(self.now + delay, Happening::Control(control));
    }

    /// Octets of no phone's making, sent from a phone's address.
    pub fn inject(&mut self, phone: usize, bytes: Vec<u8>, delay: Duration) {
        self.plan(self.now + delay, Happening::ToSwitch(phone, bytes.into()));
    }

    /// Runs until every phone is done and the switch at rest; checks everything
    /// on the way.
    pub fn run(&mut self) -> Result<(), Violation> {
        while self.phones.iter().any(|phone| !phone.is_done()) {
            if !self.step()? || self.now > self.start + HORIZON {
                let waiting = self.phones.iter().find(|phone| !phone.is_done());
                return self.fail(format!("nothing happens any more, but {waiting:?} waits"));
            }
        }
        let rest = self.now + self.longest_call + REST;
        while self.next_at().is_some_and(|at| at <= rest) && !self.is_at_rest() {
            self.step()?;
        }
        self.check_rest()
    }

    /// Does what comes next; `false` when there is nothing.
    pub fn step(&mut self) -> Result<bool, Violation> {
        let Some(at) = self.next_at() else {
            return Ok(false);
        };
        self.now = self.now.max(at);
        let planned = self
            .queue
            .peek()
            .is_some_and(|Reverse(entry)| entry.at <= at);
        if planned {
            let Reverse(entry) = self.queue.pop().expect("it was just looked at");
            self.happen(entry.what);
        } else {
            let reason = self.switch.poll_timeout().map(|(_, reason)| reason);
            self.log(|| format!("switch wakes: {reason:?}"));
            let mut effects = std::mem::take(&mut self.effects);
            self.switch.handle_timeout(self.now, &mut effects);
            self.carry_out(effects);
        }
        self.check()?;
        Ok(true)
    }

    /// A phone.
    pub fn phone(&self, number: usize) -> &Phone {
        &self.phones[number]
    }

    /// All phones.
    pub fn phones(&self) -> &[Phone] {
        &self.phones
    }

    /// The books.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The switch.
    pub fn switch(&self) -> &Switch {
        &self.switch
    }

    /// The call table.
    pub fn table(&self) -> &CallTable {
        &self.table
    }

    /// Virtual time since the start.
    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// Whether the switch has said that its drain is complete.
    pub fn is_drained(&self) -> bool {
        self.drained
    }

    fn listener(&self, transport: Transport) -> usize {
        let mut all = self.listeners.iter();
        let place = all.position(|(listens, _)| *listens == transport);
        place.expect("the configuration listens on both transports")
    }

    fn plan(&mut self, at: Instant, what: Happening) {
        self.entries += 1;
        let number = self.entries;
        self.queue.push(Reverse(Entry { at, number, what }));
    }

    fn next_at(&self) -> Option<Instant> {
        let queued = self.queue.peek().map(|Reverse(entry)| entry.at);
        let timer = self.switch.poll_timeout().map(|(at, _)| at);
        queued.into_iter().chain(timer).min()
    }

    fn happen(&mut self, what: Happening) {
        let now = self.now;
        match what {
            Happening::Start(number) => self.with_phone(number, |phone, out| phone.start(now, out)),
            Happening::WakePhone(number) => {
                let due = self.phones[number]
                    .poll_timeout()
                    .is_some_and(|at| at <= now);
                if due {
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
            Happening::Media(due) => {
                let mut dues = Vec::new();
                let input = self.media.happen(due, now, &mut dues);
                self.plan_media(dues);
                if let Some(input) = input {
                    if !matches!(input, Input::PortReady { .. }) {
                        self.log(|| format!("switch gets {input:?}"));
                    }
                    self.input(input);
                }
            }
            Happening::Control(control) => self.input(Input::Control(control)),
        }
    }

    fn hop(&self, number: usize) -> Hop {
        let phone = &self.phones[number];
        let transport = phone.transport();
        Hop {
            transport,
            listener: ListenerId(self.listener(transport) as u16),
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
                Effect::Drained => self.drained = true,
            }
        }
        self.effects = effects;
    }

    fn plan_media(&mut self, dues: Vec<(Instant, Due)>) {
        for (at, due) in dues {
            self.plan(at, Happening::Media(due));
        }
    }

    fn send_down(&mut self, hop: Hop, message: &Bytes) {
        self.log(|| format!("switch sends {} to {}", first_line(message), hop.remote));
        self.ledger.sent(message, self.now);
        let Some(phone) = self.by_address.get(&hop.remote).copied() else {
            self.ledger
                .violations
                .push(format!("a message to {}, where nobody is", hop.remote));
            return;
        };
        let path = Path {
            phone,
            transport: hop.transport,
            up: false,
        };
        for at in self.network.arrivals(path, self.now).into_iter().flatten() {
            self.plan(at, Happening::ToPhone(phone, message.clone()));
        }
    }

    fn with_phone(&mut self, number: usize, act: impl FnOnce(&mut Phone, &mut Vec<Said>)) {
        let mut said = Vec::new();
        act(&mut self.phones[number], &mut said);
        let transport = self.phones[number].transport();
        for said in said {
            match said {
                Said::Send(message) => {
                    let path = Path {
                        phone: number,
                        transport,
                        up: true,
                    };
                    let message = Bytes::from(message);
                    for at in self.network.arrivals(path, self.now).into_iter().flatten() {
                        self.plan(at, Happening::ToSwitch(number, message.clone()));
                    }
                }
                Said::Digit { rtp_port, key } => {
                    let due = self.media.press(rtp_port, key, self.now);
                    self.plan_media(due.into_iter().collect());
                }
            }
        }
        if let Some(at) = self.phones[number].poll_timeout() {
            self.plan(at.max(self.now), Happening::WakePhone(number));
        }
    }

    /// What holds after every step.
    fn check(&mut self) -> Result<(), Violation> {
        if let Some(what) = self
            .ledger
            .violations
            .pop()
            .or_else(|| self.media.violations.pop())
        {
            return self.fail(what);
        }
        let stats = self.switch.stats();
        let live = self.ledger.created() - self.ledger.recorded();
        if stats.calls_live != live as u64 {
            return self.fail(format!(
                "{} calls live, {live} without record",
                stats.calls_live
            ));
        }
        let ports = self.media.open_ports();
        if stats.ports_live != ports as u64 || ports > live {
            return self.fail(format!(
                "{} ports live, {ports} open, {live} calls",
                stats.ports_live
            ));
        }
        if let Some((at, reason)) = self.switch.poll_timeout()
            && at <= self.now
            && self.is_stuck(at)
        {
            return self.fail(format!("the timeout '{reason}' does not pass"));
        }
        Ok(())
    }

    /// Whether a timeout that is due stays due after it was handled.
    fn is_stuck(&mut self, due: Instant) -> bool {
        let mut effects = std::mem::take(&mut self.effects);
        self.switch.handle_timeout(self.now, &mut effects);
        self.carry_out(effects);
        self.switch.poll_timeout().is_some_and(|(at, _)| at <= due)
    }

    fn is_at_rest(&self) -> bool {
        let stats = self.switch.stats();
        stats.calls_live + stats.transactions_live + stats.ports_live == 0
            && self.media.stocked() == self.sockets
    }

    fn check_rest(&mut self) -> Result<(), Violation> {
        self.ledger.check_rest();
        let stats = self.switch.stats();
        let counts = (stats.calls_live, stats.transactions_live, stats.ports_live);
        if counts != (0, 0, 0) {
            return self.fail(format!("calls, transactions, ports at rest: {counts:?}"));
        }
        if self.table.live() != 0 || self.table.ids().next().is_some() {
            return self.fail(format!(
                "{} slots of the call table in use",
                self.table.live()
            ));
        }
        if self.media.stocked() != self.sockets {
            return self.fail(format!(
                "{} of {} sockets",
                self.media.stocked(),
                self.sockets
            ));
        }
        for (number, phone) in self.phones.iter().enumerate() {
            if let Some(what) = phone.report().violations.first() {
                let what = format!("phone {number}: {what}");
                return self.fail(what);
            }
        }
        self.check()
    }

    fn log(&mut self, line: impl FnOnce() -> String) {
        let Some(trace) = &mut self.trace else {
            return;
        };
        trace.push(format!("{:?} {}", self.now - self.start, line()));
        if trace.len() >= 4 * TRACE_LINES {
            trace.drain(..3 * TRACE_LINES);
        }
    }

    fn fail<T>(&self, what: String) -> Result<T, Violation> {
        let trace = self.trace.as_deref().unwrap_or_default();
        let first = trace.len().saturating_sub(TRACE_LINES);
        Err(Violation {
            seed: self.seed,
            at: self.now - self.start,
            what,
            trace: trace[first..].to_vec(),
        })
    }
}

/// Start line and Call-ID, for the trace.
fn first_line(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let call_id = text.lines().find(|line| line.starts_with("Call-ID"));
    format!(
        "{} [{}]",
        text.lines().next().unwrap_or_default(),
        call_id.unwrap_or_default()
    )
}
