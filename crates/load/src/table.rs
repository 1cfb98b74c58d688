//! Results for people.

use std::fmt::{self, Write as _};

use crate::histogram::Percentiles;
use crate::media::Mode;
use crate::report::{CpuReport, MediaReport, PacketReport, RateReport, ServerReport};

impl fmt::Display for MediaReport {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, packets) = (&self.calls, &self.packets);
        writeln!(
            to,
            "{}: {} calls, {:.2} s measured",
            self.target, self.calls_wanted, self.measured_s
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
