//! Where a message came from and where one goes: the vocabulary shared by the
//! transaction layer and whoever owns the sockets.

use std::fmt;
use std::net::SocketAddr;

/// A transport protocol as it stands in a Via header (RFC 3261 §20.42).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// UDP: unreliable, requests are retransmitted.
    Udp,
    /// TCP: reliable, messages framed by Content-Length.
    Tcp,
}

impl Transport {
    /// Whether the transport itself retransmits (RFC 3261 §17: timers A, E, G,
    /// I, J and K depend on it).
    pub fn is_reliable(self) -> bool {
        match self {
            Self::Udp => false,
            Self::Tcp => true,
        }
    }

    /// The token of the Via header's sent-protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Index of a configured listener, in the order of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(pub u16);

/// A stream connection, numbered by the owner of the sockets. Numbers are never
/// reused while the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub u64);

/// One hop: the listener and the far end that a message came from or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hop {
    /// Transport protocol.
    pub transport: Transport,
    /// The listener the message came in on, or from whose address it is sent.
    pub listener: ListenerId,
    /// Address and port of the far end.
    pub remote: SocketAddr,
    /// For TCP the connection to prefer; `None`, or one that is gone, makes the
    /// owner of the sockets open a new connection to `remote`.
    pub connection: Option<ConnectionId>,
}
