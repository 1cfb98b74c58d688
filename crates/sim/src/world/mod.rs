//! A whole switch, its phones and what lies between them, on one virtual clock.

mod invariants;
mod queue;
mod traffic;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use strowger_sip::transport::Transport;
use strowger_switch::Switch;
use strowger_switch::call_table::CallTable;
use strowger_switch::clock::Clock;
use strowger_switch::config::{MediaAddressId, SwitchConfig};
use strowger_switch::effect::Effect;
use strowger_switch::input::Control;

use crate::ledger::Ledger;
use crate::media_plane::MediaPlane;
use crate::network::{Faults, Network, Partition};
use crate::phone::Phone;
use crate::random::Random;
use crate::script::Script;
use queue::{Happening, Queue};

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
        let mut trace = self.trace.iter();
        trace.try_for_each(|line| writeln!(f, "  {line}"))
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
    longest_call: Duration,
    phones: Vec<Phone>,
    by_address: HashMap<SocketAddr, usize>,
    network: Network,
    /// Whether nothing gets lost: then both sides must tell the same story.
    is_lossless: bool,
    media: MediaPlane,
    ledger: Ledger,
    queue: Queue,
    random: Random,
    effects: Vec<Effect>,
    trace: Option<Vec<String>>,
    mutants_per_mille: u32,
    stalls_per_million: u32,
    drained: bool,
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
        let listeners = listeners.map(|one| (one.transport, one.advertised));
        let listeners = listeners.collect();
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
            longest_call,
            phones: Vec::new(),
            by_address: HashMap::new(),
            network: Network::new(faults, random.u64()),
            is_lossless: faults.loss_per_mille == 0,
            media: MediaPlane::new(random.u64()),
            ledger: Ledger::default(),
            queue: Queue::default(),
            random,
            effects: Vec::new(),
            trace: None,
            mutants_per_mille: 0,
            stalls_per_million: 0,
            drained: false,
        };
        for due in MediaPlane::bind(MediaAddressId(0), sockets) {
            world.queue.plan(start, Happening::Media(due));
        }
        world
    }

    /// Keeps what happens, so that a violation shows it. Slow.
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.trace = Some(Vec::new());
        self
    }

    /// Somebody sends changed copies of so many of a thousand messages. What the
    /// switch makes of them upsets the phones, so only its own tables are checked.
    #[must_use]
    pub fn with_mutants(mut self, per_mille: u32) -> Self {
        self.mutants_per_mille = per_mille;
        self
    }

    /// The switch's thread stands still for up to 3 s, so many times in a million
    /// steps; everything that is due then comes late and at once.
    #[must_use]
    pub fn with_stalls(mut self, per_million: u32) -> Self {
        self.stalls_per_million = per_million;
        self.is_lossless = false;
        self
    }

    /// A phone that begins its script after `delay`. Returns its number.
    pub fn add_phone(&mut self, script: Script, delay: Duration) -> usize {
        let number = self.phones.len();
        let listener = self.listener(script.transport);
        let phone = Phone::new(number + 1, script, self.listeners[listener].1);
        self.by_address.insert(phone.address(), number);
        self.phones.push(phone);
        self.queue.plan(self.now + delay, Happening::Start(number));
        number
    }

    /// Cuts a phone off from `from` to `until` of the run.
    pub fn cut(&mut self, phone: usize, from: Duration, until: Duration) {
        let (from, until) = (self.start + from, self.start + until);
        self.network.cut(Partition { phone, from, until });
        self.is_lossless = false;
    }

    /// An order of the operator after `delay`.
    pub fn control(&mut self, control: Control, delay: Duration) {
        self.queue
            .plan(self.now + delay, Happening::Control(control));
    }

    /// The operator ends a call, if one is up after `delay`.
    pub fn hang_up_one(&mut self, delay: Duration) {
        self.queue.plan(self.now + delay, Happening::HangUpOne);
    }

    /// Octets of no phone's making, sent from a phone's address.
    pub fn inject(&mut self, phone: usize, bytes: Vec<u8>, delay: Duration) {
        let what = Happening::ToSwitch(phone, bytes.into());
        self.queue.plan(self.now + delay, what);
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
        if self.random.between(1, 1_000_000) <= u64::from(self.stalls_per_million) {
            self.now += self.random.ms(1, 3000);
            self.log(|| "stall".to_owned());
        }
        match self.queue.pop_due(at) {
            Some(what) => self.happen(what),
            None => self.wake_switch(),
        }
        // The contract of every machine: a timeout that nobody asked for is harmless.
        if self.random.per_mille(20) {
            self.wake_switch();
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

    fn next_at(&self) -> Option<Instant> {
        let timer = self.switch.poll_timeout().map(|(at, _)| at);
        self.queue.next_at().into_iter().chain(timer).min()
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
