//! The table: finds the transaction of a message, keeps time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::client::Client;
use super::deadlines::{Deadlines, TransactionId};
use super::key::{FingerprintMap, Keys};
use super::output::{ServerTransactionId, TransactionOutput};
use super::random::{SplitMix, tag_of};
use super::server::Server;
use super::slab::{Slab, SlabId};
use super::timer::Timing;
use crate::message::Message;
use crate::transport::Hop;

/// Transactions that have nothing left to do are forgotten together, so that a
/// thousand of them a second do not wake their owner a thousand times.
const FORGET_TOGETHER_MS: u64 = 100;

/// Timers and limits of the transaction table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionConfig {
    /// T1: estimate of the round trip time.
    pub t1: Duration,
    /// T2: longest interval between retransmissions.
    pub t2: Duration,
    /// T4: how long a message can stay in the network.
    pub t4: Duration,
    /// How long the TU may be silent on an INVITE before 100 Trying is sent.
    pub trying_delay: Duration,
    /// Server transactions at one time, lingering ones included; a request
    /// beyond them is answered 503 without state. As many client transactions
    /// may stand beside them.
    pub max_transactions: usize,
    /// Retry-After of those 503, in s.
    pub retry_after_s: u32,
    /// `host` or `host:port` for the Via of our requests, an IPv6 address in
    /// brackets; one for each listener, in the order of `ListenerId`.
    pub sent_by: Vec<String>,
}

impl Default for TransactionConfig {
    fn default() -> Self {
        let timing = Timing::default();
        Self {
            t1: timing.t1,
            t2: timing.t2,
            t4: timing.t4,
            trying_delay: timing.trying_delay,
            max_transactions: 400_000,
            retry_after_s: 5,
            sent_by: Vec::new(),
        }
    }
}

impl TransactionConfig {
    /// Within bounds in which every timer ends: an interval of zero would never
    /// pass, one of years would overflow the clock.
    fn timing(&self) -> Timing {
        const SHORTEST: Duration = Duration::from_millis(1);
        const LONGEST: Duration = Duration::from_hours(1);
        let bounded = |duration: Duration| duration.clamp(SHORTEST, LONGEST);
        Timing {
            t1: bounded(self.t1),
            t2: bounded(self.t2),
            t4: bounded(self.t4),
            trying_delay: bounded(self.trying_delay),
        }
    }
}

/// What happened, counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionStats {
    /// Server transactions in the table now.
    pub server_transactions: usize,
    /// Client transactions in the table now.
    pub client_transactions: usize,
    /// New requests passed to the TU.
    pub requests_in: u64,
    /// Requests that were here already.
    pub retransmissions_in: u64,
    /// Requests and responses repeated by timers A, E and G, or for a repeated
    /// request.
    pub retransmissions_out: u64,
    /// Messages dropped because their top Via cannot be used.
    pub unusable_via: u64,
    /// Responses dropped because they belong to no request of ours.
    pub stray_responses: u64,
    /// Merged requests answered 482 (RFC 3261 §8.2.2.2).
    pub merged: u64,
    /// Requests answered 503 because the table was full.
    pub refused_full: u64,
    /// CANCELs answered 481.
    pub unmatched_cancels: u64,
    /// Responses of the TU that came too late to be sent.
    pub late_responses: u64,
    /// Timers B, F and H that fired.
    pub timeouts: u64,
    /// Transport errors that hit a transaction.
    pub transport_errors: u64,
}

/// All transactions of one signalling thread.
pub struct Transactions {
    pub(super) config: TransactionConfig,
    pub(super) timing: Timing,
    pub(super) keys: Keys,
    pub(super) random: SplitMix,
    pub(super) servers: Slab<Server>,
    pub(super) by_key: FingerprintMap<SlabId>,
    pub(super) by_merge_key: FingerprintMap<SlabId>,
    pub(super) clients: Slab<Client>,
    pub(super) stats: TransactionStats,
    /// Who wants to hear of transport errors, by the far end.
    by_hop: BTreeSet<(u64, TransactionId)>,
    deadlines: Deadlines,
    /// Transactions are forgotten at whole `FORGET_TOGETHER` after this.
    epoch: Instant,
    scratch: BytesMut,
}

impl Transactions {
    /// An empty table. `seed` makes branches and tags unguessable, so it has to
    /// come from a good source outside of tests.
    pub fn new(config: TransactionConfig, seed: u64, now: Instant) -> Self {
        let mut random = SplitMix(seed);
        let keys = Keys::new([random.next(), random.next()]);
        Self {
            timing: config.timing(),
            config,
            keys,
            random,
            servers: Slab::new(),
            by_key: FingerprintMap::default(),
            by_merge_key: FingerprintMap::default(),
            clients: Slab::new(),
            stats: TransactionStats::default(),
            by_hop: BTreeSet::new(),
            deadlines: Deadlines::new(),
            epoch: now,
            scratch: BytesMut::new(),
        }
    }

    /// A message came in from `hop`.
    pub fn handle_message(
        &mut self,
        message: Message,
        hop: Hop,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) {
        match message {
            Message::Request(request) => self.receive_request(request, hop, now, out),
            Message::Response(response) => self.receive_response(response, now, out),
        }
        self.settle();
    }

    /// A message could not be sent to `hop`, or connecting there failed.
    pub fn handle_transport_error(
        &mut self,
        hop: Hop,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) {
        let key = self.hop_key(hop);
        let lowest = TransactionId::Client(SlabId::from_raw(0));
        let highest = TransactionId::Server(SlabId::from_raw(u64::MAX));
        let range = (key, lowest)..=(key, highest);
        let hit: Vec<_> = self.by_hop.range(range).map(|(_, id)| *id).collect();
        for id in hit {
            self.stats.transport_errors += 1;
            match id {
                TransactionId::Client(id) => self.client_transport_error(id, now, out),
                TransactionId::Server(id) => self.server_transport_error(id, out),
            }
        }
        self.settle();
    }

    /// The next deadline, and the timer it belongs to.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let (at, id) = self.deadlines.first()?;
        let timer = match id {
            TransactionId::Client(id) => self.clients.get(id)?.machine.poll_timeout(),
            TransactionId::Server(id) => self.servers.get(id)?.machine.poll_timeout(),
        };
        timer.map(|(_, timer)| (at, timer.as_str()))
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<TransactionOutput>) {
        while let Some((at, id)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            self.deadlines.pop();
            if !self.take_schedule(at, id) {
                continue;
            }
            match id {
                TransactionId::Client(id) => self.client_timeout(id, now, out),
                TransactionId::Server(id) => self.server_timeout(id, now, out),
            }
        }
        self.settle();
    }

    /// Transactions in the table.
    pub fn len(&self) -> usize {
        self.servers.len() + self.clients.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The counters.
    pub fn stats(&self) -> TransactionStats {
        TransactionStats {
            server_transactions: self.servers.len(),
            client_transactions: self.clients.len(),
            ..self.stats
        }
    }

    /// A To tag for the responses to this request: the same for the same
    /// request, and nobody can guess it. A TU that takes it has the CANCEL
    /// answered under the tag of the INVITE, as §9.2 wishes. `None` if the
    /// transaction is over.
    pub fn to_tag(&self, id: ServerTransactionId) -> Option<String> {
        self.servers.get(id.0).map(|server| tag_of(server.key))
    }

    /// The octets of a message, in memory of just their size: much of it
    /// lingers for half a minute.
    pub(super) fn octets(&mut self, write: impl FnOnce(&mut BytesMut)) -> Bytes {
        self.scratch.clear();
        write(&mut self.scratch);
        Bytes::copy_from_slice(&self.scratch)
    }

    /// Puts the deadline of a transaction into the heap, unless an earlier entry
    /// stands for it.
    pub(super) fn arm(&mut self, id: TransactionId) {
        let Some((deadline, scheduled)) = self.schedule_of(id) else {
            return;
        };
        if let Some(at) = deadline
            && scheduled.is_none_or(|scheduled| at < scheduled)
        {
            self.deadlines.push(at, id);
            self.set_schedule(id, Some(at));
        }
    }

    /// Remembers that `id` wants to hear of errors towards `hop`, or that it no
    /// longer does.
    pub(super) fn watch_hop(&mut self, hop: Hop, id: TransactionId, wanted: bool) {
        let entry = (self.hop_key(hop), id);
        if wanted {
            self.by_hop.insert(entry);
        } else {
            self.by_hop.remove(&entry);
        }
    }

    /// Makes the first entry of the heap one that counts.
    pub(super) fn settle(&mut self) {
        while let Some((at, id)) = self.deadlines.first() {
            match self.schedule_of(id) {
                Some((Some(deadline), Some(scheduled))) if scheduled == at && deadline <= at => {
                    break;
                }
                Some(_) | None => {
                    self.deadlines.pop();
                    if self.take_schedule(at, id) {
                        self.arm(id);
                    }
                }
            }
        }
        let (clients, servers) = (&self.clients, &self.servers);
        let live = clients.len() + servers.len();
        self.deadlines.tidy(live, |at, id| {
            let scheduled = match id {
                TransactionId::Client(id) => clients.get(id).and_then(|it| it.scheduled),
                TransactionId::Server(id) => servers.get(id).and_then(|it| it.scheduled),
            };
            scheduled == Some(at)
        });
    }

    /// Whether the entry just popped is the one `id` was scheduled by; if so it
    /// is scheduled no longer.
    fn take_schedule(&mut self, at: Instant, id: TransactionId) -> bool {
        let counts = matches!(self.schedule_of(id), Some((_, Some(scheduled))) if scheduled == at);
        if counts {
            self.set_schedule(id, None);
        }
        counts
    }

    /// The machine's deadline, and the entry that stands for it in the heap.
    fn schedule_of(&self, id: TransactionId) -> Option<(Option<Instant>, Option<Instant>)> {
        let (timeout, scheduled) = match id {
            TransactionId::Client(id) => {
                let client = self.clients.get(id)?;
                (client.machine.poll_timeout(), client.scheduled)
            }
            TransactionId::Server(id) => {
                let server = self.servers.get(id)?;
                (server.machine.poll_timeout(), server.scheduled)
            }
        };
        let deadline = timeout.map(|(at, timer)| {
            if timer.only_forgets() {
                self.forget_at(at)
            } else {
                at
            }
        });
        Some((deadline, scheduled))
    }

    /// The first moment from `at` on at which transactions are forgotten.
    fn forget_at(&self, at: Instant) -> Instant {
        let since = at.saturating_duration_since(self.epoch).as_micros() as u64;
        let whole = since.div_ceil(1000).next_multiple_of(FORGET_TOGETHER_MS);
        self.epoch + Duration::from_millis(whole)
    }

    fn set_schedule(&mut self, id: TransactionId, at: Option<Instant>) {
        match id {
            TransactionId::Client(id) => {
                if let Some(client) = self.clients.get_mut(id) {
                    client.scheduled = at;
                }
            }
            TransactionId::Server(id) => {
                if let Some(server) = self.servers.get_mut(id) {
                    server.scheduled = at;
                }
            }
        }
    }

    /// The connection is left out: a far end that cannot be reached over a new
    /// one either is reported under whichever it was.
    fn hop_key(&self, hop: Hop) -> u64 {
        let mut bytes = [0; 22];
        bytes[0] = u8::from(hop.transport.is_reliable());
        bytes[1..3].copy_from_slice(&hop.listener.0.to_le_bytes());
        bytes[3..5].copy_from_slice(&hop.remote.port().to_le_bytes());
        match hop.remote.ip() {
            std::net::IpAddr::V4(ip) => bytes[6..10].copy_from_slice(&ip.octets()),
            std::net::IpAddr::V6(ip) => {
                bytes[5] = 1;
                bytes[6..].copy_from_slice(&ip.octets());
            }
        }
        self.keys.hash_of(&bytes)
    }

    #[cfg(test)]
    pub(super) fn heap_len(&self) -> usize {
        self.deadlines.len()
    }

    #[cfg(test)]
    pub(super) fn watched(&self) -> usize {
        self.by_hop.len()
    }
}
