//! The guard: who answers challenges wrongly too often is not heard for a while.
//!
//! It counts wrong answers, never challenges that stay unanswered: a phone that
//! merely comes back gives none. An IPv6 source is its /64, which one customer
//! holds. Memory is bounded: when there are more sources than room, the one whose
//! window began first is forgotten, and the ban that ends first is lifted.
//!
//! | source | wrong answer | time passes |
//! |---|---|---|
//! | unknown | 1 counted, window begins; the limit at once bans | – |
//! | counted | 1 more; at the limit: banned | window over: unknown |
//! | banned | nothing | ban over: unknown |

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Configuration of a [`Guard`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardConfig {
    /// Wrong answers of one source within the window that ban it; 0 = never.
    pub max_auth_failures: u32,
    /// How long wrong answers are counted together.
    pub auth_failure_window: Duration,
    /// How long a source is not heard.
    pub ban: Duration,
    /// Sources that are counted or banned at one time.
    pub max_sources: usize,
}

impl Default for GuardConfig {
    fn default() -> Self {
        Self {
            max_auth_failures: 10,
            auth_failure_window: Duration::from_mins(1),
            ban: Duration::from_mins(10),
            max_sources: 65_536,
        }
    }
}

/// Wrong answers and bans by source.
#[derive(Debug)]
pub struct Guard {
    config: GuardConfig,
    sources: HashMap<IpAddr, Source>,
    /// Counted sources by the end of their window.
    windows: BTreeSet<(Instant, IpAddr)>,
    /// Banned sources by the end of their ban.
    bans: BTreeSet<(Instant, IpAddr)>,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Counted { failures: u32, until: Instant },
    Banned { until: Instant },
}

impl Guard {
    /// A guard that knows nobody.
    pub fn new(config: GuardConfig) -> Self {
        Self {
            config,
            sources: HashMap::new(),
            windows: BTreeSet::new(),
            bans: BTreeSet::new(),
        }
    }

    /// Whether what comes from there is to be dropped.
    pub fn is_banned(&self, source: IpAddr, now: Instant) -> bool {
        if self.bans.is_empty() {
            return false;
        }
        match self.sources.get(&whole(source)) {
            Some(Source::Banned { until }) => *until > now,
            Some(Source::Counted { .. }) | None => false,
        }
    }

    /// A wrong answer came from there; whether it is banned because of that.
    pub fn handle_failure(&mut self, source: IpAddr, now: Instant) -> bool {
        self.handle_timeout(now);
        let source = whole(source);
        let (failures, until) = match self.sources.get(&source) {
            Some(Source::Banned { .. }) => return false,
            Some(Source::Counted { failures, until }) => (failures + 1, *until),
            None => (1, now + self.config.auth_failure_window),
        };
        let limit = self.config.max_auth_failures;
        let ban = limit > 0 && failures >= limit;
        self.forget(source);
        self.make_room();
        if ban {
            let until = now + self.config.ban;
            self.put(source, Source::Banned { until });
        } else {
            self.put(source, Source::Counted { failures, until });
        }
        ban
    }

    /// Sources that are banned.
    pub fn banned(&self) -> usize {
        self.bans.len()
    }

    /// When to call [`Guard::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let ends = [self.windows.first(), self.bans.first()];
        let first = ends.into_iter().flatten().min();
        first.map(|(at, _)| (*at, "guard"))
    }

    /// Forgets windows and bans that are over.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = |ends: &BTreeSet<(Instant, IpAddr)>| {
            let (at, source) = *ends.first()?;
            (at <= now).then_some(source)
        };
        while let Some(source) = due(&self.windows).or_else(|| due(&self.bans)) {
            self.forget(source);
        }
    }

    /// Counted sources give way before banned ones, else a flood of sources
    /// would lift a ban.
    fn make_room(&mut self) {
        while self.sources.len() >= self.config.max_sources.max(1) {
            let first = self.windows.first().or_else(|| self.bans.first());
            let Some((_, source)) = first.copied() else {
                return;
            };
            self.forget(source);
        }
    }

    fn put(&mut self, address: IpAddr, source: Source) {
        match source {
            Source::Counted { until, .. } => self.windows.insert((until, address)),
            Source::Banned { until } => self.bans.insert((until, address)),
        };
        self.sources.insert(address, source);
    }

    fn forget(&mut self, address: IpAddr) {
        match self.sources.remove(&address) {
            Some(Source::Counted { until, .. }) => {
                self.windows.remove(&(until, address));
            }
            Some(Source::Banned { until }) => {
                self.bans.remove(&(until, address));
            }
            None => {}
        }
    }
}

/// Who stands behind an address: an IPv4 address (mapped ones too), a /64.
fn whole(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(ip) if ip != Ipv6Addr::LOCALHOST => {
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(
        clippy::disallowed_methods,
        reason = "a test may take any instant as its start"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    fn guard(max_sources: usize) -> Guard {
        Guard::new(GuardConfig {
            max_auth_failures: 3,
            auth_failure_window: Duration::from_mins(1),
            ban: Duration::from_mins(10),
            max_sources,
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_rows_of_the_table() {
        let now = start();
        let at = |s| now + Duration::from_secs(s);
        let (one, other) = (ip("192.0.2.1"), ip("192.0.2.2"));
        let mut guard = guard(8);
        // seconds | source | banned now
        for (s, source, banned) in [
            (0, one, false),
            (1, one, false),
            // The window is over: counted anew.
            (60, one, false),
            (61, one, false),
            (62, other, false),
            (63, one, true),
            // A banned source is not banned again.
            (64, one, false),
        ] {
            assert_eq!(guard.handle_failure(source, at(s)), banned, "{s}");
        }
        assert!(guard.is_banned(one, at(64)) && !guard.is_banned(other, at(64)));
        assert!(guard.is_banned(ip("::ffff:192.0.2.1"), at(64)));
        assert!(guard.is_banned(one, at(662)) && !guard.is_banned(one, at(663)));
        assert_eq!(guard.poll_timeout().unwrap().0, at(122));
        guard.handle_timeout(at(663));
        guard.handle_timeout(at(663));
        assert_eq!((guard.banned(), guard.poll_timeout()), (0, None));
        assert!(guard.sources.is_empty() && guard.windows.is_empty());
    }

    #[test]
    fn a_customer_of_ipv6_is_one_source() {
        let now = start();
        let mut guard = guard(8);
        for n in 0..3 {
            guard.handle_failure(ip(&format!("2001:db8::{n}")), now);
        }
        assert!(guard.is_banned(ip("2001:db8::ffff:1"), now));
        assert!(!guard.is_banned(ip("2001:db8:0:1::1"), now));
        assert!(!guard.is_banned(ip("::1"), now));
    }

    #[test]
    fn without_a_limit_nobody_is_banned() {
        let now = start();
        let mut guard = Guard::new(GuardConfig {
            max_auth_failures: 0,
            ..GuardConfig::default()
        });
        for _ in 0..100 {
            assert!(!guard.handle_failure(ip("192.0.2.1"), now));
        }
    }

    #[test]
    fn a_flood_of_sources_takes_no_more_room_and_lifts_no_ban() {
        let now = start();
        let mut guard = guard(16);
        let bad = ip("192.0.2.1");
        for _ in 0..3 {
            guard.handle_failure(bad, now);
        }
        for n in 0..10_000_u32 {
            guard.handle_failure(IpAddr::V4((0x0a00_0000 + n).into()), now);
        }
        assert!(guard.is_banned(bad, now));
        assert_eq!((guard.sources.len(), guard.windows.len()), (16, 15));
        // Nothing but bans: the one that ends first is lifted.
        for n in 0..16_u32 {
            let later = now + Duration::from_secs(1);
            for _ in 0..3 {
                guard.handle_failure(IpAddr::V4((0x0b00_0000 + n).into()), later);
            }
        }
        assert!(!guard.is_banned(bad, now + Duration::from_secs(1)));
        assert_eq!((guard.banned(), guard.sources.len()), (16, 16));
    }
}
