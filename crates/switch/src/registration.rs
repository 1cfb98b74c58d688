//! What of a registration outlives a restart.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use strowger_sip::transport::{ListenerId, Transport};

/// A user and its contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRegistration {
    /// The user.
    pub aor: Arc<str>,
    /// Its contacts; none when it is not registered any more.
    pub contacts: Vec<KeptContact>,
}

/// One contact; the octets of header fields are as they were received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptContact {
    /// `<uri>;params`, without `expires`.
    pub contact: Bytes,
    /// Call-ID of the REGISTER.
    pub call_id: Bytes,
    /// Its CSeq.
    pub cseq: u32,
    /// Path; empty when there is none.
    pub path: Bytes,
    /// Transport the REGISTER came over. Its connection is gone after a restart.
    pub transport: Transport,
    /// Listener it came in on.
    pub listener: ListenerId,
    /// Address and port it came from.
    pub remote: SocketAddr,
    /// When it ends, in ms since the Unix epoch.
    pub expires_ms: u64,
}
