//! The call record: one a call, written when it is over.

use serde::Serialize;

/// What remains of a call. Times are milliseconds since the Unix epoch here and
/// RFC 3339 in the file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CallRecord {
    /// Id of the call (UUID).
    pub id: String,
    /// Call-ID header.
    pub sip_call_id: String,
    /// `incoming` or `outgoing`.
    pub direction: &'static str,
    /// From URI.
    pub source: String,
    /// Display name of From.
    pub source_name: String,
    /// Request-URI.
    pub destination: String,
    /// Transport and address of the far end.
    pub remote: String,
    /// Its User-Agent.
    pub user_agent: String,
    /// Flow that ran.
    pub flow: String,
    /// When the INVITE came, ms since the epoch.
    pub start_ms: u64,
    /// When 200 was sent.
    pub answer_ms: Option<u64>,
    /// When it was over.
    pub end_ms: u64,
    /// `remote` or `local`.
    pub hangup_by: &'static str,
    /// `normal`, `failed`, `busy`, `cancel`, `timeout`, `noanswer`.
    pub hangup_reason: &'static str,
    /// Final SIP status of the INVITE.
    pub sip_status: u16,
    /// A sentence that says why it ended.
    pub cause: String,
    /// Codec agreed, empty when none was.
    pub codec: &'static str,
    /// Media figures, when there was a port.
    pub media: Option<MediaRecord>,
}

/// Media part of a call record.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MediaRecord {
    /// RTP packets sent.
    pub packets_sent: u64,
    /// Payload octets sent.
    pub octets_sent: u64,
    /// RTP packets received.
    pub packets_received: u64,
    /// Payload octets received.
    pub octets_received: u64,
    /// Lost on the way to us.
    pub lost: i64,
    /// Lost on the way to the far end, by its reports.
    pub remote_lost: i64,
    /// Interarrival jitter in ms, the highest.
    pub jitter_max_ms: f64,
    /// Interarrival jitter in ms, the last.
    pub jitter_ms: f64,
    /// Round trip in ms, when known.
    pub round_trip_ms: Option<f64>,
    /// Estimated MOS of what we received, 1.00–4.50; none when nothing came.
    pub mos: Option<f64>,
    /// Digits pressed.
    pub digits: u32,
}
