//! What the configuration means: one small value for each part of the server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use strowger_switch::config::SwitchConfig;

pub use super::file::{LogFormat, LogLevel};

/// A configuration that holds together. Paths are joined to the folder of its file.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// For the `Switch`: listeners, media addresses, limits, flows, dial plan.
    pub switch: SwitchConfig,
    /// For the media workers and the prompts.
    pub media: MediaSettings,
    /// For TCP.
    pub connections: ConnectionSettings,
    /// The HTTP listener, when there is one.
    pub http: Option<HttpSettings>,
    /// For the log.
    pub log: LogSettings,
    /// For the call records.
    pub records: RecordSettings,
    /// For the registrations.
    pub registrations: RegistrationSettings,
}

/// Media workers, ports and prompts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaSettings {
    /// Media threads, at least 1; `SwitchConfig::media_workers` says the same.
    pub workers: u16,
    /// Ports that one worker can hold open.
    pub max_ports_per_worker: u32,
    /// First port, even: an RTP port.
    pub first_port: u16,
    /// Last port, odd: an RTCP port.
    pub last_port: u16,
    /// Where prompts lie.
    pub folder: PathBuf,
    /// The least that the jitter buffer holds back, in ms.
    pub jitter_min_ms: u16,
    /// The most that the jitter buffer holds back, in ms.
    pub jitter_max_ms: u16,
    /// Packets in all jitter buffers of one worker.
    pub max_buffered_packets: u32,
    /// Mean time between two RTCP reports of a call, in ms.
    pub rtcp_interval_ms: u32,
    /// The longest prompt, in s.
    pub max_prompt_s: u32,
    /// All prompts kept in memory, in s.
    pub max_cached_s: u32,
}

/// Limits of TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Connections at one time, all listeners together.
    pub max_connections: u32,
    /// A connection on which nothing comes for so long is closed.
    pub idle: Duration,
}

/// The HTTP listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Address and port to bind.
    pub address: SocketAddr,
}

/// The log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// What is written.
    pub level: LogLevel,
    /// How it is written.
    pub format: LogFormat,
}

/// Call records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSettings {
    /// One JSON object a line; no records when absent.
    pub file: Option<PathBuf>,
}

/// Registrations over a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationSettings {
    /// One JSON object a line; not kept when absent.
    pub file: Option<PathBuf>,
}
