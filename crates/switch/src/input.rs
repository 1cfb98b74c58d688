//! Everything that can happen to a `Switch`.

use std::sync::Arc;

use bytes::Bytes;
use strowger_media::vocabulary::MediaEvent;
use strowger_sip::transport::Hop;

use crate::call_table::CallId;
use crate::config::{MediaAddressId, Routes};
use crate::registration::KeptRegistration;

/// One input. With its time stamp it is all a `Switch` ever learns.
#[derive(Clone, Debug)]
pub enum Input {
    /// One message: a datagram, or what the framer cut out of a stream.
    Sip {
        /// Where it came from.
        hop: Hop,
        /// The octets.
        message: Bytes,
    },
    /// A stream that cannot be framed any further (RFC 3261 §18.3); the owner
    /// of the socket closes it after what the switch answers.
    Unframed {
        /// Where it came from.
        hop: Hop,
        /// What there is of the message: its header section when it was whole.
        head: Bytes,
        /// The status that says why: 400, 413 or 513.
        status: u16,
    },
    /// A message could not be sent there, or the connection is gone.
    TransportError {
        /// Where it was to go.
        hop: Hop,
    },
    /// A pair of sockets is bound on `port` (RTP, even) and `port + 1` (RTCP),
    /// free for the next call.
    PortReady {
        /// On which address.
        address: MediaAddressId,
        /// RTP port.
        port: u16,
    },
    /// A media worker reports.
    Media(MediaEvent),
    /// What `Effect::Registration` said before a restart.
    Restore(Box<KeptRegistration>),
    /// The operator wants something.
    Control(Control),
}

/// Orders of the operator.
#[derive(Clone, Debug)]
pub enum Control {
    /// Refuse new calls with 503; end those still up after `drain_timeout`.
    Drain,
    /// End one call.
    HangUp(CallId),
    /// Use these flows and this dial plan for new calls.
    Routes(Arc<Routes>),
}
