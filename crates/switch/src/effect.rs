//! Everything a `Switch` can want from the world.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use strowger_media::vocabulary::{PlayId, PortConfig, PortId};
use strowger_sip::transport::Hop;

use crate::call_table::CallId;
use crate::config::MediaAddressId;
use crate::record::CallRecord;
use crate::registration::KeptRegistration;

/// One effect; they are carried out in the order given.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send these octets.
    Send {
        /// Where to.
        hop: Hop,
        /// One whole message.
        message: Bytes,
    },
    /// An order to a media worker.
    Media(MediaOrder),
    /// Something happened that a log, a metric or an application wants to know.
    Event(Event),
    /// A call is over; write its record.
    Record(Box<CallRecord>),
    /// The contacts of a user are these from now on; none: forget the user.
    Registration(Box<KeptRegistration>),
    /// A drain is complete: no call is up.
    Drained,
}

/// What goes to a media worker. Differs from `MediaCommand` where something has
/// to be fetched first: sockets and prompts.
#[derive(Clone, Debug)]
pub enum MediaOrder {
    /// Open the port on the sockets that `PortReady` announced.
    Open {
        /// The port.
        port: PortId,
        /// Address of the sockets.
        address: MediaAddressId,
        /// Their RTP port.
        rtp_port: u16,
        /// Configuration.
        config: Box<PortConfig>,
    },
    /// Replace the configuration.
    Update {
        /// The port.
        port: PortId,
        /// Configuration.
        config: Box<PortConfig>,
    },
    /// Load these prompts and play them. What cannot be loaded is answered by
    /// `PlayDone` with `PlayEnd::Failed`; a `Play`, `StopPlay` or `Close` that
    /// comes while they load takes the place of the order.
    Play {
        /// The port.
        port: PortId,
        /// Which.
        play: PlayId,
        /// `file:` URLs, paths below the media folder, or `tone:` names.
        urls: Arc<[Arc<str>]>,
        /// How often; 0 = until stopped.
        loops: u32,
    },
    /// Stop playing.
    StopPlay {
        /// The port.
        port: PortId,
    },
    /// Echo on or off.
    Echo {
        /// The port.
        port: PortId,
        /// On or off.
        on: bool,
    },
    /// Close the port. Its sockets come back with `PortReady`.
    Close {
        /// The port.
        port: PortId,
    },
}

/// Something worth telling.
#[derive(Clone, Debug)]
pub struct Event {
    /// The call's slot; `None` for what is no call.
    pub call: Option<CallId>,
    /// The call's id in the API and the records, a user's name, or an address.
    pub id: Arc<str>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a call, a user or a source; the names of the reference are `as_str`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A call came in.
    Created {
        /// User part of From, or the whole URI.
        source: String,
        /// The dialled user.
        destination: String,
    },
    /// 18x was sent.
    Ringing,
    /// The call is up.
    Progressing,
    /// We are ending it.
    Terminating,
    /// The caller gave up before the answer.
    Canceling,
    /// It is over.
    HangUp {
        /// `remote` or `local`.
        by: &'static str,
        /// `normal`, `failed`, `busy`, `cancel`, `timeout`, `noanswer`.
        reason: &'static str,
    },
    /// A digit was pressed.
    Digit(char),
    /// An action began.
    ActionStarted {
        /// Its id in the flow.
        id: Arc<str>,
        /// Its type.
        action: &'static str,
    },
    /// An action failed; the flow went on.
    ActionFailed {
        /// Its id in the flow.
        id: Arc<str>,
        /// Its type.
        action: &'static str,
        /// A sentence.
        reason: String,
    },
    /// A user can be reached elsewhere than before. A refresh is no event.
    Extension {
        /// What happened.
        change: ExtensionChange,
        /// Contacts it has now.
        contacts: usize,
    },
    /// Too many wrong passwords came from there; it is not heard for a while.
    Banned {
        /// The source.
        source: IpAddr,
    },
}

/// What happened to the contacts of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtensionChange {
    /// The first contact came.
    Registered,
    /// A contact came, went or moved.
    Changed,
    /// The phone took the last one back.
    Unregistered,
    /// The last one was not refreshed in time.
    Expired,
}

impl ExtensionChange {
    /// As applications know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Changed => "changed",
            Self::Unregistered => "unregistered",
            Self::Expired => "expired",
        }
    }
}

impl EventKind {
    /// Name of the event as applications know it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Created { .. } => "call_created",
            Self::Ringing => "call_ringing",
            Self::Progressing => "call_progressing",
            Self::Terminating => "call_terminating",
            Self::Canceling => "call_canceling",
            Self::HangUp { .. } => "call_hangup",
            Self::Digit(_) => "dtmf_received",
            Self::ActionStarted { .. } | Self::ActionFailed { .. } => "activeflow_updated",
            Self::Extension { .. } => "extension_updated",
            Self::Banned { .. } => "source_banned",
        }
    }
}
