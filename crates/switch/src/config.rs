//! What a `Switch` needs to know, checked already by whoever read it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use strowger_media::vocabulary::Codec;
use strowger_sip::digest::{DigestConfig, Users};
use strowger_sip::message::MessageLimits;
use strowger_sip::registrar::RegistrarConfig;
use strowger_sip::transaction::TransactionConfig;
use strowger_sip::transport::Transport;

use crate::dial_plan::DialPlan;
use crate::flow::FlowSet;
use crate::guard::GuardConfig;

/// Configuration of a `Switch`.
#[derive(Clone, Debug)]
pub struct SwitchConfig {
    /// Listeners; a `ListenerId` is an index into this list.
    pub listeners: Vec<Listener>,
    /// Addresses media is received on; a `MediaAddressId` is an index into it.
    pub media_addresses: Vec<MediaAddress>,
    /// Number of media workers.
    pub media_workers: u16,
    /// Ports (legs) one media worker can hold.
    pub max_ports_per_worker: u32,
    /// Codecs in order of preference.
    pub codecs: Vec<Codec>,
    /// Packet length asked for and sent when the far end has no wish, in ms.
    pub ptime_ms: u8,
    /// Limits.
    pub limits: Limits,
    /// Limits of one message.
    pub message: MessageLimits,
    /// Transaction timers and limits.
    pub transactions: TransactionConfig,
    /// Flows and routes; replaced whole by a reload.
    pub routes: Arc<Routes>,
    /// Value of the Server header.
    pub server_name: String,
    /// Users that may register; without it REGISTER gets 405.
    pub registration: Option<RegistrationConfig>,
}

/// Who may register, and how.
#[derive(Clone, Debug)]
pub struct RegistrationConfig {
    /// The users. There is an algorithm that all of them have credentials for.
    pub users: Arc<Users>,
    /// Realm and nonces.
    pub digest: DigestConfig,
    /// Limits and lifetimes of bindings.
    pub registrar: RegistrarConfig,
    /// Who is banned for wrong answers.
    pub guard: GuardConfig,
    /// Whether every change comes out as `Effect::Registration`, to be kept over
    /// a restart.
    pub keep: bool,
}

/// Flows and the dial plan that names them.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Flows by name.
    pub flows: FlowSet,
    /// Dialled user → flow.
    pub dial_plan: DialPlan,
}

/// One SIP listener.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Transport protocol.
    pub transport: Transport,
    /// Address and port bound.
    pub local: SocketAddr,
    /// Address and port put into Via and Contact.
    pub advertised: SocketAddr,
    /// Where calls that come in here receive their media.
    pub media_address: MediaAddressId,
}

/// Index of a media address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MediaAddressId(pub u16);

/// An address that media ports are bound to.
#[derive(Clone, Copy, Debug)]
pub struct MediaAddress {
    /// Address bound.
    pub local: IpAddr,
    /// Address put into the session description.
    pub advertised: IpAddr,
}

/// Limits of the switch.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Calls at one time; the next INVITE gets 503.
    pub max_calls: u32,
    /// New calls a second, averaged over one second; the next gets 503.
    pub max_calls_per_second: u32,
    /// Retry-After of those 503, in s.
    pub retry_after_s: u32,
    /// A call older than this is ended with BYE.
    pub max_call_duration: Duration,
    /// How long a flow may leave an INVITE unanswered before 480.
    pub ring_timeout: Duration,
    /// How long running calls may go on after a drain began.
    pub drain_timeout: Duration,
}
