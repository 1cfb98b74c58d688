//! The network between the phones and the switch: it decides whether, when and
//! how often a message arrives.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use strowger_sip::transport::Transport;

use crate::random::Random;

/// What goes wrong with datagrams. A stream connection only delays.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Datagrams lost of a thousand.
    pub loss_per_mille: u32,
    /// Datagrams that arrive twice of a thousand.
    pub duplicate_per_mille: u32,
    /// Shortest delay in ms.
    pub delay_min_ms: u64,
    /// Longest delay in ms; what differs in delay comes out of order.
    pub delay_max_ms: u64,
    /// Datagrams of a thousand that take much longer.
    pub straggler_per_mille: u32,
    /// How much longer at most, in ms.
    pub straggler_ms: u64,
}

impl Faults {
    /// A network without faults, 10 ms long.
    pub fn none() -> Self {
        Self {
            delay_min_ms: 10,
            delay_max_ms: 10,
            ..Self::default()
        }
    }

    /// Faults of every kind, as bad as a bad radio link: up to 15 % loss.
    pub fn random(random: &mut Random) -> Self {
        let delay_min_ms = random.between(0, 40);
        Self {
            loss_per_mille: random.pick(&[0, 10, 50, 150]),
            duplicate_per_mille: random.pick(&[0, 20, 200]),
            delay_min_ms,
            delay_max_ms: delay_min_ms + random.pick(&[0, 20, 200]),
            straggler_per_mille: random.pick(&[0, 0, 30]),
            straggler_ms: 1500,
        }
    }
}

/// One way of one phone's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Number of the phone.
    pub phone: usize,
    /// What carries it.
    pub transport: Transport,
    /// From the phone to the switch.
    pub up: bool,
}

/// A time in which a phone's link carries nothing.
#[derive(Clone, Copy, Debug)]
pub struct Partition {
    /// Number of the phone.
    pub phone: usize,
    /// When it begins.
    pub from: Instant,
    /// When it is over.
    pub until: Instant,
}

/// The network.
#[derive(Debug)]
pub struct Network {
    faults: Faults,
    random: Random,
    partitions: Vec<Partition>,
    /// When the last message of a stream arrives: nothing overtakes there.
    streams: HashMap<Path, Instant>,
    /// Datagrams lost so far.
    pub lost: u64,
    /// Datagrams doubled so far.
    pub duplicated: u64,
}

impl Network {
    /// A network with these faults.
    pub fn new(faults: Faults, seed: u64) -> Self {
        Self {
            faults,
            random: Random::new(seed),
            partitions: Vec::new(),
            streams: HashMap::new(),
            lost: 0,
            duplicated: 0,
        }
    }

    /// Cuts a phone off for a time.
    pub fn cut(&mut self, partition: Partition) {
        self.partitions.push(partition);
    }

    /// When a message sent now arrives: never, once or twice.
    pub fn arrivals(&mut self, path: Path, now: Instant) -> [Option<Instant>; 2] {
        match path.transport {
            Transport::Tcp => [Some(self.in_order(path, now)), None],
            Transport::Udp => self.datagram(path, now),
        }
    }

    fn datagram(&mut self, path: Path, now: Instant) -> [Option<Instant>; 2] {
        let is_cut =
            |cut: &Partition| cut.phone == path.phone && (cut.from..cut.until).contains(&now);
        if self.partitions.iter().any(is_cut) || self.random.per_mille(self.faults.loss_per_mille) {
            self.lost += 1;
            return [None, None];
        }
        let first = now + self.delay();
        if !self.random.per_mille(self.faults.duplicate_per_mille) {
            return [Some(first), None];
        }
        self.duplicated += 1;
        [Some(first), Some(now + self.delay())]
    }

    fn in_order(&mut self, path: Path, now: Instant) -> Instant {
        let at = now + self.delay();
        let last = self.streams.entry(path).or_insert(at);
        *last = at.max(*last);
        *last
    }

    fn delay(&mut self) -> Duration {
        let Faults {
            delay_min_ms,
            delay_max_ms,
            ..
        } = self.faults;
        let usual = self.random.ms(delay_min_ms, delay_max_ms);
        if self.random.per_mille(self.faults.straggler_per_mille) {
            return usual + self.random.ms(0, self.faults.straggler_ms);
        }
        usual
    }
}
