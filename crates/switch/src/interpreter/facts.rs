//! What a flow may know of its call without asking.

use std::sync::Arc;

/// Facts of one call, given once; flows read them as `voipbin.call.…`.
#[derive(Clone, Debug, Default)]
pub struct CallFacts {
    /// `voipbin.call.id`: the call's UUID.
    pub id: Arc<str>,
    /// `voipbin.call.direction`: `incoming` or `outgoing`.
    pub direction: &'static str,
    /// `voipbin.call.source.target`: the caller's user, or the whole URI.
    pub source: String,
    /// `voipbin.call.source.target_name`: the display name of From.
    pub source_name: String,
    /// `voipbin.call.destination.target`: the dialled user.
    pub destination: String,
    /// `voipbin.call.destination.match.1` and on: what the dial plan captured.
    pub captures: Vec<String>,
}
