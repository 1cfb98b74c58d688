//! What the tests of transactions and dialogs share.

use std::net::SocketAddr;
use std::time::Instant;

use crate::transport::{ConnectionId, Hop, ListenerId, Transport};

/// Some instant to begin at.
#[allow(clippy::disallowed_methods, reason = "an Instant has no other origin")]
pub(crate) fn epoch() -> Instant {
    Instant::now()
}

/// A hop to 192.0.2.9:5071 from the first listener.
pub(crate) fn hop(transport: Transport) -> Hop {
    Hop {
        transport,
        listener: ListenerId(0),
        remote: SocketAddr::from(([192, 0, 2, 9], 5071)),
        connection: match transport {
            Transport::Udp => None,
            Transport::Tcp => Some(ConnectionId(3)),
        },
    }
}

/// Whole milliseconds from one instant to a later one.
pub(crate) fn elapsed(start: Instant, at: Instant) -> u64 {
    (at - start).as_millis() as u64
}
