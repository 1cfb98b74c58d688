//! What may stand in the TOML file, and what holds where nothing stands. Numbers
//! are as wide as they can be written; `checks` knows how much is too much.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// The whole file. Every section and every setting may be absent, except that there
/// is at least one listener.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigFile {
    /// `[sip]`: listeners and timers.
    pub sip: SipSection,
    /// `[limits]`: how much is too much.
    pub limits: LimitsSection,
    /// `[media]`: ports, codecs, prompts.
    pub media: MediaSection,
    /// `[http]`: metrics and health.
    pub http: HttpSection,
    /// `[log]`: what is written, and how.
    pub log: LogSection,
    /// `[records]`: where call records go.
    pub records: RecordsSection,
    /// `[[users]]`: who may register.
    pub users: Vec<UserSection>,
    /// `[registrar]`: how.
    pub registrar: RegistrarSection,
    /// `[guard]`: who is not heard.
    pub guard: GuardSection,
    /// `[flows.<name>]`: what callers meet.
    pub flows: BTreeMap<String, FlowSection>,
    /// `[[dial_plan]]`: which user gets which flow.
    pub dial_plan: Vec<DialPlanEntry>,
}

/// `[sip]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipSection {
    /// Where SIP is spoken.
    pub listeners: Vec<ListenerSection>,
    /// Value of the Server header.
    pub server_name: String,
    /// T1 (RFC 3261 §17.1.1.1), in ms.
    pub t1_ms: u64,
    /// T2, in ms.
    pub t2_ms: u64,
    /// T4, in ms.
    pub t4_ms: u64,
}

impl Default for SipSection {
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            server_name: concat!("Strowger/", env!("CARGO_PKG_VERSION")).to_owned(),
            t1_ms: 500,
            t2_ms: 4_000,
            t4_ms: 5_000,
        }
    }
}

/// `[[sip.listeners]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenerSection {
    /// `udp` or `tcp`.
    pub transport: TransportName,
    /// Address and port to bind.
    pub address: Option<String>,
    /// The IP address that others reach this listener by, and send media to.
    pub advertised_ip: Option<String>,
    /// The port that others reach this listener by.
    pub advertised_port: Option<u64>,
}

/// A transport protocol as it is written in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportName {
    /// UDP.
    #[default]
    Udp,
    /// TCP.
    Tcp,
}

/// `[limits]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsSection {
    /// Calls at one time.
    pub max_calls: u64,
    /// New calls a second.
    pub max_calls_per_second: u64,
    /// Retry-After of the 503 beyond them, in s.
    pub retry_after_s: u64,
    /// The longest call, in s.
    pub max_call_duration_s: u64,
    /// How long a flow may leave a call unanswered, in s.
    pub ring_timeout_s: u64,
    /// How long running calls may go on after SIGTERM, in s.
    pub drain_timeout_s: u64,
    /// One SIP message, in octets.
    pub max_message_bytes: u64,
    /// Start line and header fields of one message, in octets.
    pub max_head_bytes: u64,
    /// Header field lines of one message.
    pub max_headers: u64,
    /// One header field line, in octets.
    pub max_header_bytes: u64,
    /// The Request-URI, in octets.
    pub max_uri_bytes: u64,
    /// Server transactions at one time, lingering ones included.
    pub max_transactions: u64,
    /// TCP connections at one time.
    pub max_connections: u64,
    /// A TCP connection on which nothing comes for so long is closed, in s.
    pub connection_idle_s: u64,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            max_calls: 5_000,
            max_calls_per_second: 1_000,
            retry_after_s: 5,
            max_call_duration_s: 14_400,
            ring_timeout_s: 60,
            drain_timeout_s: 30,
            max_message_bytes: 65_535,
            max_head_bytes: 32_768,
            max_headers: 256,
            max_header_bytes: 8_192,
            max_uri_bytes: 2_048,
            max_transactions: 400_000,
            max_connections: 1_000,
            connection_idle_s: 300,
        }
    }
}

/// `[media]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaSection {
    /// First and last UDP port of RTP and RTCP: two numbers.
    pub port_range: Vec<u64>,
    /// Media threads; as many as there are processors when absent.
    pub workers: Option<u64>,
    /// Where prompts lie.
    pub folder: PathBuf,
    /// Codecs, the preferred first.
    pub codecs: Vec<CodecName>,
    /// Packet length when the far end has no wish, in ms.
    pub ptime_ms: u64,
    /// The least that the jitter buffer holds back, in ms.
    pub jitter_min_ms: u64,
    /// The most that the jitter buffer holds back, in ms.
    pub jitter_max_ms: u64,
    /// Packets in all jitter buffers of one worker.
    pub max_buffered_packets: u64,
    /// Mean time between two RTCP reports of a call, in ms.
    pub rtcp_interval_ms: u64,
    /// The longest prompt, in s.
    pub max_prompt_s: u64,
    /// All prompts kept in memory, in s; one takes 16 kB.
    pub max_cached_s: u64,
}

impl Default for MediaSection {
    fn default() -> Self {
        Self {
            port_range: vec![20_000, 29_999],
            workers: None,
            folder: PathBuf::from("media"),
            codecs: vec![CodecName::Pcmu, CodecName::Pcma],
            ptime_ms: 20,
            jitter_min_ms: 0,
            jitter_max_ms: 200,
            max_buffered_packets: 32_768,
            rtcp_interval_ms: 5_000,
            max_prompt_s: 600,
            max_cached_s: 7_200,
        }
    }
}

/// A codec as it is written in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum CodecName {
    /// G.711 µ-law.
    #[serde(rename = "PCMU")]
    Pcmu,
    /// G.711 A-law.
    #[serde(rename = "PCMA")]
    Pcma,
}

/// `[http]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSection {
    /// Address and port of `/metrics` and `/healthz`; none when absent.
    pub address: Option<String>,
    /// Whether the address may be one that other machines reach.
    pub allow_remote: bool,
}

/// `[log]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    /// What is written.
    pub level: LogLevel,
    /// How it is written.
    pub format: LogFormat,
}

/// The least important thing that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What should wake an operator.
    Warn,
    /// What users did.
    #[default]
    Info,
    /// Conditions.
    Debug,
    /// Packets.
    Trace,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[records]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordsSection {
    /// One JSON object a line; no records when absent.
    pub file: Option<PathBuf>,
}

/// `[[users]]`: a name and one secret.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserSection {
    /// The user.
    pub name: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// MD5 of `name:realm:password`, in hexadecimal digits.
    pub ha1_md5: Option<String>,
    /// SHA-256 of the same.
    pub ha1_sha256: Option<String>,
}

impl fmt::Debug for UserSection {
    /// Names the user and keeps its secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSection")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// `[registrar]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrarSection {
    /// The realm that passwords belong to.
    pub realm: String,
    /// Hash algorithms that phones are offered, the preferred first.
    pub algorithms: Vec<AlgorithmName>,
    /// The shortest registration, in s.
    pub min_expires_s: u64,
    /// The longest registration, in s.
    pub max_expires_s: u64,
    /// A registration that says nothing, in s.
    pub default_expires_s: u64,
    /// Contacts of one user.
    pub max_contacts: u64,
    /// Contacts of all users.
    pub max_registrations: u64,
    /// How long a challenge can be answered, in s.
    pub nonce_lifetime_s: u64,
    /// Challenges in use at one time.
    pub max_nonces: u64,
    /// Where registrations are kept over a restart; nowhere when absent.
    pub file: Option<PathBuf>,
}

/// A hash algorithm as it is written in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum AlgorithmName {
    /// SHA-256.
    #[serde(rename = "SHA-256")]
    Sha256,
    /// MD5.
    #[serde(rename = "MD5")]
    Md5,
}

/// `[guard]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuardSection {
    /// Wrong passwords within the window that ban their source; 0 bans nobody.
    pub max_auth_failures: u64,
    /// The window, in s.
    pub auth_failure_window_s: u64,
    /// The ban, in s.
    pub ban_s: u64,
    /// Sources counted or banned at one time.
    pub max_sources: u64,
}

/// `[flows.<name>]`: one of the two.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowSection {
    /// The actions.
    pub actions: Option<Vec<serde_json::Value>>,
    /// A JSON file with the actions.
    pub file: Option<PathBuf>,
}

/// `[[dial_plan]]`: one of `user`, `prefix` and `pattern`, and a flow.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DialPlanEntry {
    /// The dialled user.
    pub user: Option<String>,
    /// What the dialled user begins with.
    pub prefix: Option<String>,
    /// A regular expression that the whole dialled user matches.
    pub pattern: Option<String>,
    /// Name of the flow.
    pub flow: Option<String>,
}
