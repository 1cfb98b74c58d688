//! What a call tells the interpreter and what the interpreter orders of it.

use std::fmt;
use std::sync::Arc;

use strowger_media::vocabulary::{Digit, PlayEnd, PlayId};

/// Something that happened to the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEvent {
    /// The call is up and its media is usable: after the 200 when the INVITE
    /// carried an offer, with the ACK when it did not.
    Answered,
    /// Early media is up; the call is not answered.
    MediaReady,
    /// A playback ended.
    PlayDone {
        /// The one that `CallOrder::Play` named.
        play: PlayId,
        /// How.
        end: PlayEnd,
    },
    /// A key was pressed.
    Digit {
        /// The key.
        digit: Digit,
        /// How long, in ms.
        duration_ms: u16,
    },
    /// The call is over.
    HungUp,
}

/// What the interpreter wants of the call; obeyed in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOrder {
    /// Send 200. Answered by `CallEvent::Answered`.
    Answer,
    /// Send 183 with a description. Answered by `CallEvent::MediaReady`.
    EarlyMedia,
    /// Play these one after the other; replaces what plays. Answered by
    /// `CallEvent::PlayDone`.
    Play {
        /// Comes back in `PlayDone`.
        play: PlayId,
        /// `file:` or `http(s):` URLs, paths below the media folder, `tone:` names.
        urls: Arc<[Arc<str>]>,
        /// How often the whole list is played; 0 = until stopped.
        loops: u32,
    },
    /// Stop playing.
    StopPlay,
    /// The caller hears himself, or no longer.
    Echo(bool),
    /// End the call; nothing follows.
    HangUp {
        /// Why.
        reason: HangUpReason,
    },
    /// An action began.
    ActionStarted {
        /// Its id in the flow.
        id: Arc<str>,
        /// Its type.
        action: &'static str,
    },
    /// An action failed; the flow goes on with the next.
    ActionFailed {
        /// Its id in the flow.
        id: Arc<str>,
        /// Its type.
        action: &'static str,
        /// A sentence.
        reason: String,
    },
    /// The flow ended and leaves the call up; nothing follows.
    Stopped,
}

/// Why a flow ends a call. Before the call is answered it becomes the final
/// status of the INVITE; afterwards a BYE says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HangUpReason {
    /// `normal`: nothing special. 480 when the call was never answered.
    Normal,
    /// `busy`: 486.
    Busy,
    /// `reject` (`rejected`, `decline`): 603.
    Reject,
    /// `failed`: 500.
    Failed,
    /// `noanswer`: 480.
    NoAnswer,
    /// `timeout`: 408.
    Timeout,
    /// `not_found`: 404.
    NotFound,
    /// `forbidden`: 403.
    Forbidden,
    /// `gone`: 410.
    Gone,
    /// `not_acceptable`: 488.
    NotAcceptable,
    /// `congestion`: 503.
    Congestion,
    /// A status given as a number, 400 to 699.
    Status(u16),
}

impl HangUpReason {
    /// The words that `parse` understands, besides numbers.
    pub const WORDS: [&'static str; 16] = [
        "normal",
        "busy",
        "reject",
        "rejected",
        "decline",
        "failed",
        "noanswer",
        "timeout",
        "not_found",
        "forbidden",
        "gone",
        "not_acceptable",
        "congestion",
        "cancel",
        "dialout",
        "amd",
    ];

    /// From the `reason` of a `hangup` action; the empty word is `normal`.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            // The last three say in VoIPBIN why an outgoing call ended; a flow
            // that gives them to `hangup` means no more than that it is over.
            "" | "normal" | "cancel" | "dialout" | "amd" => Self::Normal,
            "busy" => Self::Busy,
            "reject" | "rejected" | "decline" => Self::Reject,
            "failed" => Self::Failed,
            "noanswer" => Self::NoAnswer,
            "timeout" => Self::Timeout,
            "not_found" => Self::NotFound,
            "forbidden" => Self::Forbidden,
            "gone" => Self::Gone,
            "not_acceptable" => Self::NotAcceptable,
            "congestion" => Self::Congestion,
            number => match number.parse() {
                Ok(status @ 400..=699) => Self::Status(status),
                Ok(_) | Err(_) => return None,
            },
        })
    }

    /// The final status of an INVITE that is refused for this reason
    /// (RFC 3261 §21.4 to §21.6).
    pub fn status(self) -> u16 {
        match self {
            Self::Normal | Self::NoAnswer => 480,
            Self::Busy => 486,
            Self::Reject => 603,
            Self::Failed => 500,
            Self::Timeout => 408,
            Self::NotFound => 404,
            Self::Forbidden => 403,
            Self::Gone => 410,
            Self::NotAcceptable => 488,
            Self::Congestion => 503,
            Self::Status(status) => status,
        }
    }
}

impl fmt::Display for HangUpReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "normal",
            Self::Busy => "busy",
            Self::Reject => "reject",
            Self::Failed => "failed",
            Self::NoAnswer => "noanswer",
            Self::Timeout => "timeout",
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::Gone => "gone",
            Self::NotAcceptable => "not_acceptable",
            Self::Congestion => "congestion",
            Self::Status(status) => return write!(f, "{status}"),
        })
    }
}
