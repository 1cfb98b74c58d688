//! Results: for programs as JSON by these structures' names, for people as a
//! table.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

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
    /// Length of the window.
    pub seconds: u32,
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

impl fmt::Display for MediaReport {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, packets) = (&self.calls, &self.packets);
        writeln!(
            to,
            "{}: {} calls, {} s measured",
            self.target, self.calls_wanted, self.seconds
        )?;
        let failures = if calls.failed.is_empty() {
            "none".to_owned()
        } else {
            calls.failures()
        };
        row(
            to,
            "calls",
            &format!("{} answered, failed: {failures}", calls.answered),
        )?;
        let again = format!(
            "{} INVITE, {} BYE, {} 200 from the server",
            calls.invite_retransmissions, calls.bye_retransmissions, calls.repeated_answers
        );
        row(to, "retransmitted", &again)?;
        row(to, "set-up time", &scale(&calls.set_up_us))?;
        match self.mode {
            Mode::Echo => echo_rows(to, packets)?,
            Mode::Receive => receive_rows(to, packets)?,
            Mode::Idle => {}
        }
        if let Some(server) = &self.server {
            server_rows(to, server)?;
        } else {
            row(
                to,
                "server",
                "process not known (--pid), so no CPU and memory",
            )?;
        }
        for floor in &self.floor {
            let mut text = cpu(&floor.cpu);
            let _ = write!(text, ", {} lost", floor.lost);
            if let Some(ratio) = floor.server_ratio {
                let _ = write!(text, "; server / this: {ratio:.2}");
            }
            row(to, &floor.kind, &text)?;
        }
        let tool = format!(
            "{:.1} % of a core, sent late by {}",
            self.tool.core_percent,
            scale(&self.tool.late_us)
        );
        row(to, "this tool", &tool)?;
        verdict(to, &self.problems)
    }
}

impl fmt::Display for RateReport {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "{}: each rate for {} s", self.target, self.seconds)?;
        writeln!(
            to,
            "{:>7} {:>9} {:>9} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9} {:>8} {:>7} {:>7}",
            "rate",
            "offered",
            "achieved",
            "failed",
            "retrans",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "max ms",
            "µs/call",
            "server%",
            "tool%"
        )?;
        for step in &self.steps {
            let calls = &step.calls;
            let time = &calls.set_up_us;
            let optional = |value: Option<f64>| {
                value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"))
            };
            writeln!(
                to,
                "{:>7} {:>9.1} {:>9.1} {:>7} {:>7} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>8} {:>7} {:>7.1}",
                step.rate,
                step.offered,
                step.achieved,
                calls.failed.values().sum::<u64>(),
                calls.invite_retransmissions + calls.bye_retransmissions,
                time.p50 / 1000.0,
                time.p90 / 1000.0,
                time.p99 / 1000.0,
                time.max / 1000.0,
                optional(step.server_us_per_call),
                optional(step.server_core_percent),
                step.tool_core_percent,
            )?;
        }
        verdict(to, &self.problems)
    }
}

fn echo_rows(to: &mut fmt::Formatter<'_>, packets: &PacketReport) -> fmt::Result {
    let came = format!(
        "{} sent, {} returned, {} lost ({:.4} %)",
        packets.sent, packets.returned, packets.lost, packets.loss_percent
    );
    row(to, "packets", &came)?;
    let odd = format!(
        "{} altered, {} duplicate, {} out of order, {} foreign, {} dropped by this tool",
        packets.altered,
        packets.duplicate,
        packets.out_of_order,
        packets.foreign,
        packets.dropped_by_tool
    );
    row(to, "", &odd)?;
    row(to, "delay", &scale(&packets.delay_us))?;
    row(to, "jitter", &scale(&packets.jitter_us))
}

fn receive_rows(to: &mut fmt::Formatter<'_>, packets: &PacketReport) -> fmt::Result {
    let [fewest, mean, most] = packets.per_call_and_s;
    let came = format!(
        "{} arrived, a call and second {fewest:.2} to {most:.2}, mean {mean:.2}",
        packets.arrived
    );
    row(to, "packets", &came)?;
    let odd = format!(
        "{} missing, {} out of order, {} foreign, {} dropped by this tool",
        packets.missing, packets.out_of_order, packets.foreign, packets.dropped_by_tool
    );
    row(to, "", &odd)?;
    row(to, "spacing off by", &scale(&packets.spacing_us))?;
    row(to, "jitter", &scale(&packets.jitter_us))
}

fn server_rows(to: &mut fmt::Formatter<'_>, server: &ServerReport) -> fmt::Result {
    row(
        to,
        &format!("{} ({})", server.name, server.pid),
        &cpu(&server.cpu),
    )?;
    let split = format!(
        "user {:.0} ms, system {:.0} ms{}",
        server.cpu.spent.user_us / 1000.0,
        server.cpu.spent.system_us / 1000.0,
        if server.cpu.spent.is_exact {
            ""
        } else {
            " (from ticks only)"
        }
    );
    row(to, "", &split)?;
    let memory = format!(
        "{:.1} kB a call ({} kB before, {} kB with calls)",
        server.memory_per_call_kb, server.memory_before_kb, server.memory_with_calls_kb
    );
    row(to, "memory", &memory)
}

fn cpu(cpu: &CpuReport) -> String {
    let mut text = String::new();
    if let Some(us) = cpu.us_per_packet {
        let _ = write!(text, "{us:.2} µs a packet, ");
    }
    let _ = write!(
        text,
        "{:.1} µs a call and second, {:.1} % of a core",
        cpu.us_per_call_and_s, cpu.core_percent
    );
    text
}

fn scale(us: &Percentiles) -> String {
    let ms = |value: f64| value / 1000.0;
    format!(
        "p50 {:.3}, p90 {:.3}, p99 {:.3}, max {:.3} ms",
        ms(us.p50),
        ms(us.p90),
        ms(us.p99),
        ms(us.max)
    )
}

fn row(to: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    writeln!(to, "  {name:<24} {text}")
}

fn verdict(to: &mut fmt::Formatter<'_>, problems: &[String]) -> fmt::Result {
    for problem in problems {
        writeln!(to, "  FAILED: {problem}")?;
    }
    if problems.is_empty() {
        writeln!(to, "  passed")?;
    }
    Ok(())
}
