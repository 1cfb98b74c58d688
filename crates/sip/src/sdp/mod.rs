//! Session descriptions (RFC 8866) and offer/answer (RFC 3264): one audio
//! stream a leg, G.711-like codecs and telephone-event, everything else refused
//! stream by stream.
//!
//! [`OfferAnswer`] is the machine of one leg. It takes what the far end sent as
//! bytes, gives back the bytes to send, and says in [`NegotiatedMedia`] what the
//! two sides agreed on. Reading is tolerant (see `read`), writing is not.

mod body;
mod codec;
mod offer_answer;
mod read;
mod stream;
mod write;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

pub use body::find_sdp;
pub use offer_answer::{AnswerError, OfferAnswer, OfferError};
pub use read::Malformed;

/// Media descriptions (`m=` lines) that one session description may have.
/// Offers with more are malformed to us: each has to be answered in its place.
pub const MAX_STREAMS: usize = 32;

/// Formats of one `m=` line that are looked at; the rest is ignored.
pub const MAX_FORMATS: usize = 64;

/// Lines of one session description that are looked at. Lines that do not
/// matter to us do not count; with more of those that do it is malformed.
pub const MAX_LINES: usize = 512;

/// Shortest packet we send, in ms.
pub const MIN_PTIME_MS: u8 = 10;

/// Longest packet we send, in ms.
pub const MAX_PTIME_MS: u8 = 60;

/// Payload type of telephone-event in our offers.
pub const TELEPHONE_EVENT_PAYLOAD_TYPE: u8 = 101;

/// One codec that we can send and receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecCapability {
    /// Encoding name of `a=rtpmap`, compared without regard to case.
    pub name: &'static str,
    /// Clock rate in Hz.
    pub clock_rate: u32,
    /// Channels.
    pub channels: u8,
    /// Payload type in our offers: the static one of RFC 3551, or a dynamic one.
    pub payload_type: u8,
    /// Format parameters that we state.
    pub fmtp: Option<Cow<'static, str>>,
}

/// Our side of one leg.
#[derive(Clone, Debug)]
pub struct LocalMedia {
    /// Address that the far end shall send to.
    pub address: IpAddr,
    /// RTP port there; RTCP is the one above it.
    pub rtp_port: u16,
    /// `sess-id` of `o=`.
    pub session_id: u64,
    /// `username` of `o=`: one word without spaces, `-` when there is none.
    pub user: Cow<'static, str>,
    /// Codecs in the order of our offers; indexed by
    /// [`NegotiatedCodec::capability`]. Shared by all legs of one configuration.
    pub codecs: Arc<[CodecCapability]>,
    /// Whether telephone-event (RFC 4733) is offered and accepted.
    pub telephone_event: bool,
    /// Packet length asked for when the far end states no wish, in ms.
    pub ptime_ms: u8,
    /// Whether RTP and RTCP may share one port (RFC 5761).
    pub rtcp_mux: bool,
}

/// Which way media may flow, from our side (RFC 3264 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `a=sendrecv`
    SendRecv,
    /// `a=sendonly`: we send.
    SendOnly,
    /// `a=recvonly`: we receive.
    RecvOnly,
    /// `a=inactive`
    Inactive,
}

impl Direction {
    /// Whether we may send media.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether we may be sent media.
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same stream seen from the other side (RFC 3264 §6.1).
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::SendRecv => Self::SendRecv,
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::Inactive => Self::Inactive,
        }
    }

    /// The attribute's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

/// What one offer and its answer agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiatedMedia {
    /// Where to send RTP. `None` when there is nowhere to send to before the
    /// far end has sent something: a domain name in `c=`, an address of a family
    /// that our socket cannot reach, `c=0.0.0.0`, or a disabled stream.
    pub remote_rtp: Option<SocketAddr>,
    /// Where to send RTCP: the RTP address when muxed, `a=rtcp` (RFC 3605), or
    /// the port above. `None` with `remote_rtp`.
    pub remote_rtcp: Option<SocketAddr>,
    /// RTP and RTCP share one port in both directions.
    pub rtcp_mux: bool,
    /// Codecs in the far end's order; the first is the one to send. Empty when
    /// the stream is disabled (port 0): the call is up without media.
    pub codecs: Vec<NegotiatedCodec>,
    /// telephone-event at the clock rate of the first codec, when agreed.
    pub events: Option<NegotiatedEvents>,
    /// Length of the packets we send, in ms: 10 to 60, a multiple of 10.
    pub ptime_ms: u8,
    /// Direction from our side.
    pub direction: Direction,
    /// The far end does not want to hear us: on hold in any spelling.
    pub held: bool,
}

impl NegotiatedMedia {
    /// Whether there is no media at all: the stream has port 0 or none is there.
    pub fn is_disabled(&self) -> bool {
        self.codecs.is_empty()
    }
}

/// One codec agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NegotiatedCodec {
    /// Index into [`LocalMedia::codecs`].
    pub capability: usize,
    /// Payload type that we receive: the one of our description.
    pub receive: u8,
    /// Payload type that we send: the one of the far end's description.
    pub send: u8,
}

/// Payload types agreed for telephone-event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NegotiatedEvents {
    /// Payload type that we receive.
    pub receive: u8,
    /// Payload type that we send.
    pub send: u8,
}
