//! What the table says about a call.

use super::id::CallId;

/// Status of a call, as applications know it. It only moves forward: to one
/// further down, and never from `Terminating` to `Canceling`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum CallStatus {
    /// The INVITE is on its way or just in.
    Dialing = 0,
    /// 18x was sent or came.
    Ringing = 1,
    /// Answered.
    Progressing = 2,
    /// We are ending it.
    Terminating = 3,
    /// It is given up before the answer.
    Canceling = 4,
    /// It is over.
    Hangup = 5,
}

impl CallStatus {
    /// The name in events and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dialing => "dialing",
            Self::Ringing => "ringing",
            Self::Progressing => "progressing",
            Self::Terminating => "terminating",
            Self::Canceling => "canceling",
            Self::Hangup => "hangup",
        }
    }

    /// Whether a call may go from this status to `next`. A call that was answered
    /// is no longer cancelled.
    pub fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Progressing | Self::Terminating, Self::Canceling) => false,
            (now, next) => next > now,
        }
    }

    pub(super) fn from_bits(bits: u64) -> Self {
        match bits {
            0 => Self::Dialing,
            1 => Self::Ringing,
            2 => Self::Progressing,
            3 => Self::Terminating,
            4 => Self::Canceling,
            5 => Self::Hangup,
            other => unreachable!("only CallStatus is written into the status bits, not {other}"),
        }
    }
}

/// Media figures of one call, as the owner of its port last published them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaFigures {
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP packets received and accepted.
    pub packets_received: u64,
    /// Packets lost on the way to us; negative with duplicates (RFC 3550 §6.4.1).
    pub lost: i64,
    /// Interarrival jitter in RTP ticks (RFC 3550 §6.4.1).
    pub jitter_ticks: u32,
    /// Mean opinion score ×100 of what is received, 100–450; 0 when unknown.
    pub mos_x100: u16,
    /// Level of what is received, in dBov: −127 (silence) to 0 (RFC 6465 §3).
    pub level_dbov: i8,
}

/// One look at one call. Everything in it belongs to that call; the figures may
/// come from two publishings of it that followed each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSnapshot {
    /// Which call.
    pub id: CallId,
    /// Status.
    pub status: CallStatus,
    /// When it began, ms since the Unix epoch.
    pub start_ms: u64,
    /// When it was answered, ms since the Unix epoch.
    pub answer_ms: Option<u64>,
    /// Media figures; all 0 until the first were published.
    pub media: MediaFigures,
}
