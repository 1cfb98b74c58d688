//! What the rest of the switch may say to a media engine, and what it hears
//! back: orders, events and the figures of a port.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::player::Prompt;

/// A media port: one RTP stream pair of one leg, living on one media worker.
/// The signalling side numbers them: `slot` is free on that worker when it is
/// given out, `generation` tells a slot's former owner from its present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortId {
    /// Media worker that owns the port, from 0.
    pub worker: u16,
    /// Index in the worker's table of ports, below its `max_ports`.
    pub slot: u32,
    /// Counts the uses of the slot.
    pub generation: u32,
}

/// Names one `Play` order of a port; given out by whoever orders, never reused
/// on the same port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlayId(pub u32);

/// An audio codec and the numbers its RTP needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// ITU-T G.711 µ-law, static payload type 0, 8 kHz (RFC 3551).
    Pcmu,
    /// ITU-T G.711 A-law, static payload type 8, 8 kHz (RFC 3551).
    Pcma,
}

impl Codec {
    /// The encoding name of `a=rtpmap` (RFC 3551 §6).
    pub fn encoding_name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// Clock rate in Hz, which is the sampling rate too.
    pub fn clock_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8000,
        }
    }

    /// The static payload type of RFC 3551 table 4.
    pub fn static_payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encoding_name())
    }
}

/// A codec with the payload types agreed for it. RFC 3264 §5.1 lets the two
/// directions use different numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecPayload {
    /// The codec.
    pub codec: Codec,
    /// Payload type that we receive (the one in our description).
    pub receive: u8,
    /// Payload type that we send (the one in the far end's description).
    pub send: u8,
}

/// Payload types of telephone-event (RFC 4733) at the codec's clock rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPayload {
    /// Payload type that we receive.
    pub receive: u8,
    /// Payload type that we send.
    pub send: u8,
}

/// Which way media may flow, from our side (RFC 3264 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `a=sendrecv`
    SendRecv,
    /// `a=sendonly`: we send, what arrives is dropped.
    SendOnly,
    /// `a=recvonly`: we listen, nothing is sent.
    RecvOnly,
    /// `a=inactive`
    Inactive,
}

impl Direction {
    /// Whether we may send media.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether what arrives is used.
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }
}

/// What a port needs to know; sent when it is opened and again, whole, when an
/// offer/answer changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortConfig {
    /// Whatever the owner wants to find again in `MediaEngine::ports()`; here
    /// the raw `CallId`.
    pub tag: u64,
    /// Where the far end's description says to send RTP. `None` until a late
    /// offer is answered: nothing is sent before the latch.
    pub remote_rtp: Option<SocketAddr>,
    /// Where RTCP goes: the port beside, `a=rtcp`, or the RTP address when muxed.
    pub remote_rtcp: Option<SocketAddr>,
    /// RTP and RTCP on one port (RFC 5761).
    pub rtcp_mux: bool,
    /// Codecs that may arrive; the first is the one we send.
    pub codecs: Vec<CodecPayload>,
    /// telephone-event, when agreed.
    pub events: Option<EventPayload>,
    /// Length of the packets we send, in ms: 10 to 60, a multiple of 10.
    pub ptime_ms: u8,
    /// Direction from our side.
    pub direction: Direction,
    /// SSRC, first sequence number and first timestamp of what we send.
    pub ssrc: u32,
    /// First sequence number.
    pub first_sequence: u16,
    /// First timestamp.
    pub first_timestamp: u32,
    /// CNAME of our RTCP SDES (RFC 3550 §6.5.1).
    pub cname: Arc<str>,
}

/// An order to the engine of one worker. Applied at the start of a tick, in the
/// order given. An order for a port that is not open is ignored, except `Open`.
#[derive(Clone, Debug)]
pub enum MediaCommand {
    /// Make the port.
    Open {
        /// The port.
        port: PortId,
        /// Its configuration; boxed so that the ring's slots stay small.
        config: Box<PortConfig>,
    },
    /// Replace the configuration. SSRC, sequence and timestamp go on as they
    /// were; a changed `remote_rtp` lets the port latch once more.
    Update {
        /// The port.
        port: PortId,
        /// The whole new configuration.
        config: Box<PortConfig>,
    },
    /// Play prompts one after the other without a gap; replaces what plays.
    Play {
        /// The port.
        port: PortId,
        /// Comes back in `PlayDone`.
        play: PlayId,
        /// The prompts.
        prompts: Arc<[Arc<Prompt>]>,
        /// How often the whole list is played; 0 = until stopped.
        loops: u32,
    },
    /// Stop playing; `PlayDone` with `Stopped` follows if something played.
    StopPlay {
        /// The port.
        port: PortId,
    },
    /// Send back what arrives, or stop doing so.
    Echo {
        /// The port.
        port: PortId,
        /// On or off.
        on: bool,
    },
    /// Close the port: RTCP BYE, then `Closed` with its figures.
    Close {
        /// The port.
        port: PortId,
    },
}

/// A key of the telephone (RFC 4733 §3.2 events 0–15).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digit(u8);

impl Digit {
    /// From an RFC 4733 event code; `None` above 15.
    pub fn from_event(code: u8) -> Option<Self> {
        (code < 16).then_some(Self(code))
    }

    /// From `0`–`9`, `*`, `#`, `A`–`D` (or `a`–`d`).
    pub fn from_char(c: char) -> Option<Self> {
        let code = match c {
            '0'..='9' => c as u8 - b'0',
            '*' => 10,
            '#' => 11,
            'A'..='D' => c as u8 - b'A' + 12,
            'a'..='d' => c as u8 - b'a' + 12,
            _ => return None,
        };
        Some(Self(code))
    }

    /// RFC 4733 event code, 0–15.
    pub fn event(self) -> u8 {
        self.0
    }

    /// `0`–`9`, `*`, `#`, `A`–`D`.
    pub fn as_char(self) -> char {
        char::from(b"0123456789*#ABCD"[usize::from(self.0)])
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digit({})", self.as_char())
    }
}

/// Why a playback ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlayEnd {
    /// The last sample of the last loop has been sent.
    Finished,
    /// Stopped or replaced by an order.
    Stopped,
    /// A prompt could not be had; the sentence says which and why.
    Failed(String),
}

/// What an engine reports.
#[derive(Clone, Debug)]
pub enum MediaEvent {
    /// The first valid packet came; RTP now goes to `source` (symmetric RTP).
    Latched {
        /// The port.
        port: PortId,
        /// Where the far end really sends from.
        source: SocketAddr,
    },
    /// One key was pressed.
    Digit {
        /// The port.
        port: PortId,
        /// The key.
        digit: Digit,
        /// How long, in ms, as far as known when it was reported.
        duration_ms: u16,
    },
    /// A playback ended.
    PlayDone {
        /// The port.
        port: PortId,
        /// Which.
        play: PlayId,
        /// How.
        end: PlayEnd,
    },
    /// The port is closed, its sockets may be used again.
    Closed {
        /// The port.
        port: PortId,
        /// Its last figures.
        stats: Box<PortStats>,
    },
}

impl MediaEvent {
    /// The port that the event is about.
    pub fn port(&self) -> PortId {
        match self {
            Self::Latched { port, .. }
            | Self::Digit { port, .. }
            | Self::PlayDone { port, .. }
            | Self::Closed { port, .. } => *port,
        }
    }
}

/// Figures of one port, from its opening on. Names as in RFC 3550 §6.4.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PortStats {
    /// RTP packets sent.
    pub packets_sent: u64,
    /// Payload octets sent.
    pub octets_sent: u64,
    /// RTP packets received and accepted.
    pub packets_received: u64,
    /// Payload octets received.
    pub octets_received: u64,
    /// Cumulative number of packets lost (expected − received; may be negative
    /// with duplicates).
    pub packets_lost: i64,
    /// Packets that came after their time to be played.
    pub packets_late: u64,
    /// Packets that came twice.
    pub packets_duplicate: u64,
    /// Packets that came out of order and were put right.
    pub packets_reordered: u64,
    /// Datagrams thrown away: malformed, unknown payload type, strangers.
    pub packets_dropped: u64,
    /// Frames made up by concealment.
    pub frames_concealed: u64,
    /// Interarrival jitter in RTP ticks (RFC 3550 §6.4.1), latest.
    pub jitter_ticks: u32,
    /// The highest value of `jitter_ticks`.
    pub jitter_max_ticks: u32,
    /// Present delay of the jitter buffer in ms.
    pub buffer_ms: u32,
    /// Digits reported.
    pub digits: u32,
    /// What the far end's last report said about our stream: cumulative lost.
    pub remote_lost: i64,
    /// What the far end's last report said: jitter in RTP ticks.
    pub remote_jitter_ticks: u32,
    /// Round trip in µs from the last RTCP report, 0 when unknown.
    pub round_trip_us: u32,
    /// Mean opinion score ×100 of what we received (ITU-T G.107), 100–450.
    pub mos_x100: u16,
}
