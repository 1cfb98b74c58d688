//! Results, for programs as JSON by these structures' names.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::caller::SignallingFigures;
use crate::histogram::Percentiles;
use crate::media::Mode;
use crate::process::Spent;

/// What happened to the calls.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CallReport {
    /// Calls begun.
    pub placed: u64,
    /// Calls answered.
    pub answered: u64,
    /// Calls ended by our BYE and its 200.
    pub ended: u64,
    /// Calls failed, by status or other reason.
    pub failed: BTreeMap<String, u64>,
    /// INVITEs sent again by timer A.
    pub invite_retransmissions: u64,
    /// BYEs sent again by timer E.
    pub bye_retransmissions: u64,
    /// 2xx that the server sent again.
    pub repeated_answers: u64,
    /// Messages that could not be read or belong to no call.
    pub strange_messages: u64,
    /// Messages that the tool's own socket dropped.
    pub dropped_by_tool: u64,
    /// INVITE to 2xx, in µs.
    pub set_up_us: Percentiles,
}

/// What happened to the packets of the window.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PacketReport {
    /// Packets sent.
    pub sent: u64,
    /// Packets of these that came back.
    pub returned: u64,
    /// Packets of these that did not.
    pub lost: u64,
    /// The same in percent of what was sent.
    pub loss_percent: f64,
    /// Packets that came back once more.
    pub duplicate: u64,
    /// Packets that came back behind a later one; without a marker to go by,
    /// by their sequence numbers.
    pub out_of_order: u64,
    /// Packets of ours that came back changed.
    pub altered: u64,
    /// Packets that nobody here has sent.
    pub foreign: u64,
    /// Packets that arrived while the window was open.
    pub arrived: u64,
    /// Gaps in the server's sequence numbers.
    pub missing: u64,
    /// Packets a second that arrived for a call: the fewest, the mean, the most.
    pub per_call_and_s: [f64; 3],
    /// Packets that the tool's own sockets dropped: the tool is the limit.
    pub dropped_by_tool: u64,
    /// Packets that the kernel did not let the tool send.
    pub refused: u64,
    /// From sending to arrival, in µs.
    pub delay_us: Percentiles,
    /// |D| of RFC 3550 §6.4.1, in µs.
    pub jitter_us: Percentiles,
    /// How far arrivals are from one packet length apart, in µs.
    pub spacing_us: Percentiles,
}

/// CPU time of a process over the window.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct CpuReport {
    /// As measured.
    #[serde(flatten)]
    pub spent: Spent,
    /// By packet that arrived from it, in µs.
    pub us_per_packet: Option<f64>,
    /// By call and second, in µs.
    pub us_per_call_and_s: f64,
    /// In percent of one core.
    pub core_percent: f64,
}

/// The server's side.
#[derive(Clone, Debug, Serialize)]
pub struct ServerReport {
    /// Its process.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// CPU time over the window.
    pub cpu: CpuReport,
    /// RSS before the first call, in kB.
    pub memory_before_kb: u64,
    /// RSS with all calls up, in kB.
    pub memory_with_calls_kb: u64,
    /// The difference by call, in kB.
    pub memory_per_call_kb: f64,
}

/// A bare program under the same load.
#[derive(Clone, Debug, Serialize)]
pub struct FloorReport {
    /// Which.
    pub kind: String,
    /// CPU time over its window.
    pub cpu: CpuReport,
    /// Packets lost meanwhile.
    pub lost: u64,
    /// Its delay in µs.
    pub delay_us: Percentiles,
    /// The server's CPU a packet over this one's.
    pub server_ratio: Option<f64>,
}

/// The tool itself: is it good enough to judge by?
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ToolReport {
    /// In percent of one core.
    pub core_percent: f64,
    /// How late it sent, in µs.
    pub late_us: Percentiles,
}

/// A run of calls with media.
#[derive(Clone, Debug, Serialize)]
pub struct MediaReport {
    /// Who was called.
    pub target: String,
    /// What was done.
    pub mode: Mode,
    /// Calls wanted.
    pub calls_wanted: u32,
    /// Length of the window wanted.
    pub seconds: u32,
    /// Length of the window: longer when the machine let the tool wait.
    pub measured_s: f64,
    /// Packet length.
    pub ptime_ms: u32,
    /// The calls.
    pub calls: CallReport,
    /// The packets.
    pub packets: PacketReport,
    /// The server, if its process is known.
    pub server: Option<ServerReport>,
    /// Bare programs, if asked for.
    pub floor: Vec<FloorReport>,
    /// The tool.
    pub tool: ToolReport,
    /// Why the run did not pass; empty when it did.
    pub problems: Vec<String>,
}

/// One rate of a call rate test.
#[derive(Clone, Debug, Serialize)]
pub struct RateStep {
    /// Calls a second wanted.
    pub rate: u32,
    /// Calls a second begun.
    pub offered: f64,
    /// Calls a second that ended well while the rate was held.
    pub achieved: f64,
    /// The calls.
    pub calls: CallReport,
    /// The server's CPU time by call that ended well, in µs.
    pub server_us_per_call: Option<f64>,
    /// The server's CPU time in percent of one core.
    pub server_core_percent: Option<f64>,
    /// The server's CPU time.
    pub server: Option<Spent>,
    /// The tool's CPU time in percent of one core.
    pub tool_core_percent: f64,
}

/// A call rate test.
#[derive(Clone, Debug, Serialize)]
pub struct RateReport {
    /// Who was called.
    pub target: String,
    /// How long each rate was held.
    pub seconds: u32,
    /// Rate by rate.
    pub steps: Vec<RateStep>,
    /// Why the run did not pass; empty when it did.
    pub problems: Vec<String>,
}

impl From<&SignallingFigures> for CallReport {
    fn from(figures: &SignallingFigures) -> Self {
        Self {
            placed: figures.placed,
            answered: figures.answered,
            ended: figures.ended,
            failed: figures.failed.clone(),
            invite_retransmissions: figures.invite_retransmissions,
            bye_retransmissions: figures.bye_retransmissions,
            repeated_answers: figures.repeated_answers,
            strange_messages: figures.strange_messages,
            dropped_by_tool: figures.dropped,
            set_up_us: figures.set_up.percentiles(),
        }
    }
}

impl CpuReport {
    /// Of what was spent over a window.
    pub fn new(spent: Spent, packets: u64, calls: u64, seconds: f64) -> Self {
        Self {
            spent,
            us_per_packet: (packets > 0).then(|| spent.cpu_us / packets as f64),
            us_per_call_and_s: spent.cpu_us / calls.max(1) as f64 / seconds,
            core_percent: spent.cpu_us / seconds / 1e4,
        }
    }
}

impl CallReport {
    /// `486 × 3, no response to INVITE × 1`, or nothing.
    pub fn failures(&self) -> String {
        let each = |(reason, count): (&String, &u64)| format!("{reason} × {count}");
        let list: Vec<String> = self.failed.iter().map(each).collect();
        list.join(", ")
    }
}
