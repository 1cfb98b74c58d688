//! Symmetric RTP: media goes back to where it really comes from. One latch a
//! call, so that nobody can turn the stream to himself later on.
//!
//! | state | packet from | next | verdict |
//! | --- | --- | --- | --- |
//! | open | anywhere | fixed to it | `Latched` |
//! | fixed | its source | – | `Known` |
//! | fixed elsewhere | the signalled address | fixed to it | `Latched` |
//! | fixed | anywhere else | – | `Stranger` |
//! | moving | the former source, within `GRACE_US` | – | `Known` |
//! | moving | the former source, later | fixed to it | `Latched` |
//! | moving | anywhere else | fixed to it | `Latched` |
//! | any | – (a changed address is signalled) | open or moving | – |
//!
//! Moving exists because the last packets from the old address arrive after the
//! re-INVITE that leaves it.

use std::net::SocketAddr;

/// How long the former source may go on before it counts as the new one.
const GRACE_US: i64 = 2_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Known,
    Latched,
    Stranger,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Open,
    Fixed(SocketAddr),
    Moving { former: SocketAddr, since_us: i64 },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Latch {
    state: State,
    /// What the far end's description says now.
    remote: Option<SocketAddr>,
    /// The last address it ever said.
    signalled: Option<SocketAddr>,
}

impl Latch {
    pub(super) fn new(remote: Option<SocketAddr>) -> Self {
        Self {
            state: State::Open,
            remote,
            signalled: remote,
        }
    }

    /// Where media goes.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        match self.state {
            State::Fixed(source) => Some(source),
            State::Open | State::Moving { .. } => self.remote,
        }
    }

    /// A new description. Answers whether the address changed; being put on
    /// hold with no address, and taken back with the same, is no change.
    pub(super) fn signal(&mut self, remote: Option<SocketAddr>, now_us: i64) -> bool {
        self.remote = remote;
        if remote.is_none() || remote == self.signalled {
            return false;
        }
        self.signalled = remote;
        self.state = match self.state {
            State::Fixed(former) | State::Moving { former, .. } => State::Moving {
                former,
                since_us: now_us,
            },
            State::Open => State::Open,
        };
        true
    }

    /// A valid packet came.
    pub(super) fn receive(&mut self, source: SocketAddr, now_us: i64) -> Verdict {
        match self.state {
            State::Fixed(known) if known == source => return Verdict::Known,
            State::Fixed(_) if self.signalled != Some(source) => return Verdict::Stranger,
            State::Moving { former, since_us }
                if former == source
                    && self.signalled != Some(source)
                    && now_us - since_us <= GRACE_US =>
            {
                return Verdict::Known;
            }
            State::Open | State::Fixed(_) | State::Moving { .. } => {}
        }
        self.state = State::Fixed(source);
        Verdict::Latched
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Known, Latched, Stranger};
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn one_latch_that_prefers_the_signalled_address() {
        let mut latch = Latch::new(Some(address(1)));
        assert_eq!(latch.destination(), Some(address(1)));
        for (source, verdict, destination) in [
            (2, Latched, 2),
            (2, Known, 2),
            (3, Stranger, 2),
            (1, Latched, 1),
            (2, Stranger, 1),
            (1, Known, 1),
        ] {
            assert_eq!(latch.receive(address(source), 0), verdict);
            assert_eq!(latch.destination(), Some(address(destination)));
        }
    }

    #[test]
    fn nothing_is_sent_anywhere_before_an_address_is_known() {
        let mut latch = Latch::new(None);
        assert_eq!(latch.destination(), None);
        assert_eq!(latch.receive(address(4), 0), Latched);
        assert_eq!(latch.destination(), Some(address(4)));
    }

    #[test]
    fn a_changed_address_permits_one_more() {
        let mut latch = Latch::new(Some(address(1)));
        latch.receive(address(2), 0);
        assert!(!latch.signal(Some(address(1)), 0), "unchanged");
        assert!(
            !latch.signal(None, 0) && !latch.signal(Some(address(1)), 0),
            "held and back"
        );
        assert_eq!(latch.receive(address(5), 0), Stranger);
        assert!(latch.signal(Some(address(7)), 0));
        assert_eq!(latch.destination(), Some(address(7)));
        assert_eq!(
            latch.receive(address(2), GRACE_US),
            Known,
            "still under way"
        );
        assert_eq!(latch.receive(address(8), GRACE_US), Latched);
        assert_eq!(latch.receive(address(2), GRACE_US), Stranger);
    }

    #[test]
    fn the_former_source_may_stay() {
        let mut latch = Latch::new(Some(address(1)));
        latch.receive(address(2), 0);
        latch.signal(Some(address(7)), 0);
        assert_eq!(latch.receive(address(2), 1), Known);
        assert_eq!(latch.receive(address(2), GRACE_US + 1), Latched);
        assert_eq!(latch.destination(), Some(address(2)));
    }
}
