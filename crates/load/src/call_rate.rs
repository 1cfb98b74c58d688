//! Calls without media at fixed rates: what signalling costs and how much of it
//! a server can do.

use std::collections::VecDeque;

use anyhow::Context as _;

use crate::call::Step;
use crate::caller::Caller;
use crate::options::{Pinning, RateOptions};
use crate::process::Process;
use crate::report::{CallReport, RateReport, RateStep};
use crate::sdp;
use crate::sys::{self, monotonic_ns, own_cpu_ns, wait_readable};

const SECOND: u64 = 1_000_000_000;
/// How long calls may still end after the rate was held. Longer than timers A
/// and E need to mend two losses in a row.
const DRAIN: u64 = 5 * SECOND;
/// Calls that may be open: beyond it the server is not keeping up, and further
/// ones wait.
const MAX_OPEN: u64 = 50_000;
/// Receive buffer of the SIP socket, in octets.
const SIP_BUFFER: usize = 32 << 20;
/// Media that a server sends meanwhile is left to fill this.
const MEDIA_BUFFER: usize = 4096;

/// Holds one rate after the other.
pub fn run(options: &RateOptions) -> anyhow::Result<RateReport> {
    options.check()?;
    let line = options.server.line("answer")?;
    let process = options.server.process(line.target)?;
    let _pinning = Pinning::apply(&options.server, process)?;
    let mut report = RateReport {
        target: String::from_utf8_lossy(line.uri.as_bytes()).into_owned(),
        seconds: options.seconds,
        steps: Vec::new(),
        problems: Vec::new(),
    };
    for &rate in &options.rate {
        let step = hold(options, rate, process)?;
        if !step.calls.failed.is_empty() {
            let failures = step.calls.failures();
            report
                .problems
                .push(format!("at {rate} a second: {failures}"));
        }
        report.steps.push(step);
    }
    Ok(report)
}

fn hold(options: &RateOptions, rate: u32, process: Option<Process>) -> anyhow::Result<RateStep> {
    let mut line = options.server.line("answer")?;
    let socket = sys::bind(line.local, SIP_BUFFER)?;
    line.local = socket.local_addr()?;
    let (media, _rtcp) = sys::bind_media(line.local.ip(), MEDIA_BUFFER)?;
    let offer = sdp::offer(media.local_addr()?, 20);
    let mut caller = Caller::new(line, socket);
    let usage = || process.map(Process::usage).transpose();
    let before = usage().context("the server's process is gone")?;
    let own = own_cpu_ns();
    let wanted = u64::from(rate) * u64::from(options.seconds);
    let start = monotonic_ns();
    let end = start + u64::from(options.seconds) * SECOND;
    let mut held: VecDeque<(u64, u32)> = VecDeque::new();
    let (mut begun_in_time, mut ended_in_time) = (0, 0);
    loop {
        let now = monotonic_ns();
        let due = |number: u64| start + number * SECOND / u64::from(rate);
        while now < end
            && caller.figures.placed < wanted
            && now >= due(caller.figures.placed)
            && open(&caller) < MAX_OPEN
        {
            caller.place(offer.clone(), now);
        }
        caller.turn(now)?;
        let steps = std::mem::take(&mut caller.steps);
        for (index, step) in &steps {
            if matches!(step, Step::Answered(_)) {
                held.push_back((now + u64::from(options.hold_ms) * 1_000_000, *index));
            }
        }
        while held.front().is_some_and(|(when, _)| *when <= now) {
            if let Some((_, index)) = held.pop_front() {
                caller.hang_up(index, now);
            }
        }
        caller.turn(now)?;
        if now < end {
            ended_in_time = caller.figures.ended;
            begun_in_time = caller.figures.placed;
        } else if open(&caller) == 0 || now > end + DRAIN + u64::from(options.hold_ms) * 1_000_000 {
            break;
        }
        let next_call = if now < end && caller.figures.placed < wanted {
            due(caller.figures.placed)
        } else {
            end.max(now + SECOND / 10)
        };
        let next_end = held.front().map_or(u64::MAX, |(when, _)| *when);
        let next = next_call.min(next_end).min(caller.poll_timeout());
        wait_readable(caller.fd(), next.min(now + SECOND / 10));
    }
    let elapsed = (monotonic_ns() - start) as f64 / 1e9;
    let own = own_cpu_ns() - own;
    let after = usage().context("the server's process ended under load")?;
    let spent = after
        .zip(before)
        .map(|(after, before)| after.since(&before));
    let unfinished = open(&caller);
    if unfinished > 0 {
        let reason = "not over in time".to_owned();
        *caller.figures.failed.entry(reason).or_default() += unfinished;
    }
    let unbegun = wanted - caller.figures.placed;
    if unbegun > u64::from(rate) / 10 {
        let reason = "not even begun: the tool or the server was too slow".to_owned();
        *caller.figures.failed.entry(reason).or_default() += unbegun;
    }
    let ended = caller.figures.ended;
    Ok(RateStep {
        rate,
        offered: begun_in_time as f64 / f64::from(options.seconds),
        achieved: ended_in_time as f64 / f64::from(options.seconds),
        calls: CallReport::from(&caller.figures),
        server_us_per_call: spent
            .filter(|_| ended > 0)
            .map(|spent| spent.cpu_us / ended as f64),
        server_core_percent: spent.map(|spent| spent.cpu_us / elapsed / 1e4),
        server: spent,
        tool_core_percent: own as f64 / elapsed / 1e7,
    })
}

/// Calls that have neither ended nor failed.
fn open(caller: &Caller) -> u64 {
    let figures = &caller.figures;
    figures.placed - (figures.ended + figures.failures()).min(figures.placed)
}
