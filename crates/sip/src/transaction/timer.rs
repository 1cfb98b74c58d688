//! The lettered timers of RFC 3261 table 4 and RFC 6026 §7, and the two
//! deadlines that a machine holds as fields.

use std::time::{Duration, Instant};

/// A timer of a transaction. Timer C belongs to proxies and is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// INVITE request retransmission, UDP only: T1, doubling.
    A,
    /// INVITE transaction timeout: 64·T1.
    B,
    /// Wait for retransmitted final responses to INVITE: at least 32 s, TCP 0 s.
    D,
    /// Non-INVITE request retransmission, UDP only: T1, doubling up to T2.
    E,
    /// Non-INVITE transaction timeout: 64·T1.
    F,
    /// INVITE response retransmission: T1, doubling up to T2; UDP only.
    G,
    /// Wait for the ACK to a final response other than 2xx: 64·T1.
    H,
    /// Wait for retransmitted ACKs: T4, TCP 0 s.
    I,
    /// Wait for retransmitted non-INVITE requests: 64·T1, TCP 0 s.
    J,
    /// Wait for retransmitted responses to non-INVITE: T4, TCP 0 s.
    K,
    /// Wait for retransmitted INVITEs after a 2xx: 64·T1 (RFC 6026 §7.1).
    L,
    /// Wait for retransmitted and forked 2xx: 64·T1 (RFC 6026 §7.2).
    M,
    /// 100 Trying if the TU has said nothing for 200 ms (RFC 3261 §17.2.1).
    Trying,
    /// 64·T1 after a CANCEL the INVITE is given up (RFC 3261 §9.1).
    Cancelled,
}

impl Timer {
    /// Whether nothing but forgetting hangs on it: then it may come a little late.
    pub fn only_forgets(self) -> bool {
        match self {
            Self::D | Self::I | Self::J | Self::K | Self::L | Self::M => true,
            Self::A
            | Self::B
            | Self::E
            | Self::F
            | Self::G
            | Self::H
            | Self::Trying
            | Self::Cancelled => false,
        }
    }

    /// The reason that stands beside a deadline.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "Timer A",
            Self::B => "Timer B",
            Self::D => "Timer D",
            Self::E => "Timer E",
            Self::F => "Timer F",
            Self::G => "Timer G",
            Self::H => "Timer H",
            Self::I => "Timer I",
            Self::J => "Timer J",
            Self::K => "Timer K",
            Self::L => "Timer L",
            Self::M => "Timer M",
            Self::Trying => "100 Trying",
            Self::Cancelled => "CANCEL without effect",
        }
    }
}

/// The times that all others follow from (RFC 3261 table 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Estimate of the round trip time; 500 ms.
    pub t1: Duration,
    /// Longest interval between retransmissions; 4 s.
    pub t2: Duration,
    /// How long a message can stay in the network; 5 s.
    pub t4: Duration,
    /// How long the TU may be silent before 100 Trying is sent; 200 ms.
    pub trying_delay: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self::RFC_3261
    }
}

impl Timing {
    /// The defaults of RFC 3261.
    pub const RFC_3261: Self = Self {
        t1: Duration::from_millis(500),
        t2: Duration::from_secs(4),
        t4: Duration::from_secs(5),
        trying_delay: Duration::from_millis(200),
    };

    /// 64·T1: timers B, F, H, J, L and M.
    pub fn timeout(&self) -> Duration {
        self.t1 * 64
    }

    /// Timer D on UDP: "at least 32 seconds" (RFC 3261 §17.1.1.2).
    pub fn timer_d(&self) -> Duration {
        self.timeout().max(Duration::from_secs(32))
    }
}

/// What a machine waits for: the next repetition and the end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Schedule {
    repeat: Option<Instant>,
    interval: Duration,
    end: Option<Instant>,
}

/// Which of the two deadlines has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Repeat,
    End,
}

impl Schedule {
    /// Nothing to wait for.
    pub(crate) const IDLE: Self = Self {
        repeat: None,
        interval: Duration::ZERO,
        end: None,
    };

    /// A repetition after `first`, and an end.
    pub(crate) fn new(first: Option<Duration>, end: Option<Duration>, now: Instant) -> Self {
        Self {
            repeat: first.map(|first| now + first),
            interval: first.unwrap_or_default(),
            end: end.map(|end| now + end),
        }
    }

    /// Only an end.
    pub(crate) fn until(end: Duration, now: Instant) -> Self {
        Self::new(None, Some(end), now)
    }

    /// What has come by `now`. The end outranks a repetition: a machine that is
    /// called late has nothing left to repeat.
    pub(crate) fn due(&self, now: Instant) -> Due {
        let come = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if come(self.end) {
            Due::End
        } else if come(self.repeat) {
            Due::Repeat
        } else {
            Due::Nothing
        }
    }

    /// Doubles the interval, up to `cap`, and starts it at `now`: a late call
    /// sends one message, not a burst.
    pub(crate) fn back_off(&mut self, cap: Option<Duration>, now: Instant) {
        let doubled = self.interval * 2;
        let interval = cap.map_or(doubled, |cap| doubled.min(cap));
        self.repeat_every(interval, now);
    }

    /// Repeats next after `interval`.
    pub(crate) fn repeat_every(&mut self, interval: Duration, now: Instant) {
        self.interval = interval;
        self.repeat = Some(now + interval);
    }

    /// The earlier deadline under the name of its timer.
    pub(crate) fn next(&self, repeat: Timer, end: Timer) -> Option<(Instant, Timer)> {
        match (self.repeat, self.end) {
            (Some(first), Some(last)) if first < last => Some((first, repeat)),
            (_, Some(last)) => Some((last, end)),
            (Some(first), None) => Some((first, repeat)),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::epoch;
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn the_end_outranks_a_repetition() {
        let now = epoch();
        let schedule = Schedule::new(Some(S), Some(2 * S), now);
        assert_eq!(schedule.due(now), Due::Nothing);
        assert_eq!(schedule.due(now + S), Due::Repeat);
        assert_eq!(schedule.due(now + 2 * S), Due::End);
        assert_eq!(schedule.next(Timer::A, Timer::B), Some((now + S, Timer::A)));
    }

    #[test]
    fn the_interval_doubles_up_to_its_cap() {
        let now = epoch();
        let mut schedule = Schedule::new(Some(S), None, now);
        schedule.back_off(Some(3 * S), now + S);
        assert_eq!(
            schedule.next(Timer::E, Timer::F),
            Some((now + 3 * S, Timer::E))
        );
        schedule.back_off(Some(3 * S), now + 3 * S);
        assert_eq!(
            schedule.next(Timer::E, Timer::F),
            Some((now + 6 * S, Timer::E))
        );
    }
}
