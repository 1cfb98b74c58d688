//! Calls without media at fixed rates: what signalling costs and how much of it
//! a server can do.

use std::collections::VecDeque;

use anyhow::Context as _;
use bytes::Bytes;

use crate::call;
use crate::caller::Caller;
use crate::options::{Pinning, RateOptions};
use crate::process::Process;
use crate::report::{CallReport, RateReport, RateStep};
use crate::sdp;
use crate::sys::{self, monotonic_ns, own_cpu_ns, wait_readable};

const SECOND: u64 = 1_000_000_000;
/// Whom to call unless told otherwise.
const DEFAULT_USER: &str = "answer";
/// How long to wait at the most before looking around, in ns.
const LONGEST_WAIT: u64 = SECOND / 10;
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
    let line = options.server.line(DEFAULT_USER)?;
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

/// One rate while it is held.
struct Step<'a> {
    options: &'a RateOptions,
    rate: u32,
    /// Calls to begin.
    wanted: u64,
    offer: Bytes,
    caller: Caller,
    /// Calls that are up, and when each is to end.
    held: VecDeque<(u64, u32)>,
    start: u64,
    end: u64,
    begun_in_time: u64,
    ended_in_time: u64,
}

fn hold(options: &RateOptions, rate: u32, process: Option<Process>) -> anyhow::Result<RateStep> {
    let mut line = options.server.line(DEFAULT_USER)?;
    let socket = sys::bind(line.local, SIP_BUFFER)?;
    line.local = socket.local_addr()?;
    let (media, _rtcp) = sys::bind_media(line.local.ip(), MEDIA_BUFFER)?;
    let usage = || process.map(Process::usage).transpose();
    let before = usage().context("the server's process is gone")?;
    let own = own_cpu_ns();
    let start = monotonic_ns();
    let mut step = Step {
        options,
        rate,
        wanted: u64::from(rate) * u64::from(options.seconds),
        offer: sdp::offer(media.local_addr()?, 20),
        caller: Caller::new(line, socket),
        held: VecDeque::new(),
        start,
        end: start + u64::from(options.seconds) * SECOND,
        begun_in_time: 0,
        ended_in_time: 0,
    };
    while step.turn()? {}
    let elapsed = (monotonic_ns() - start) as f64 / 1e9;
    let own = own_cpu_ns() - own;
    let after = usage().context("the server's process ended under load")?;
    let spent = after
        .zip(before)
        .map(|(after, before)| after.since(&before));
    step.note_unfinished();
    let seconds = f64::from(options.seconds);
    let ended = step.caller.figures.ended;
    Ok(RateStep {
        rate,
        offered: step.begun_in_time as f64 / seconds,
        achieved: step.ended_in_time as f64 / seconds,
        calls: CallReport::from(&step.caller.figures),
        server_us_per_call: spent
            .filter(|_| ended > 0)
            .map(|spent| spent.cpu_us / ended as f64),
        server_core_percent: spent.map(|spent| spent.cpu_us / elapsed / 1e4),
        server: spent,
        tool_core_percent: own as f64 / elapsed / 1e7,
    })
}

impl Step<'_> {
    /// Does what is due and waits for more; false when the step is over.
    fn turn(&mut self) -> anyhow::Result<bool> {
        let now = monotonic_ns();
        while now < self.end && self.may_begin() && now >= self.next_due() {
            self.caller.place(self.offer.clone(), now);
        }
        self.caller.turn(now)?;
        self.end_calls(now);
        self.caller.turn(now)?;
        let figures = &self.caller.figures;
        // A call begun at the very end is still in time when it ends as held.
        if now < self.end + self.hold_ns() {
            self.ended_in_time = figures.ended;
            self.begun_in_time = figures.placed;
        } else if self.open() == 0 || now > self.end + DRAIN + self.hold_ns() {
            return Ok(false);
        }
        let mut next = (now + LONGEST_WAIT).min(self.caller.poll_timeout());
        if now < self.end && self.may_begin() {
            next = next.min(self.next_due());
        }
        if let Some((when, _)) = self.held.front() {
            next = next.min(*when);
        }
        wait_readable(self.caller.fd(), next);
        Ok(true)
    }

    /// Hangs up what has been up for long enough.
    fn end_calls(&mut self, now: u64) {
        let until = now + self.hold_ns();
        for (index, step) in self.caller.steps.drain(..) {
            match step {
                call::Step::Answered(_) => self.held.push_back((until, index)),
                call::Step::Same
                | call::Step::AnsweredAgain
                | call::Step::Retransmitted(_)
                | call::Step::Ended
                | call::Step::Failed(_) => {}
            }
        }
        while let Some(&(when, index)) = self.held.front()
            && when <= now
        {
            self.held.pop_front();
            self.caller.hang_up(index, now);
        }
    }

    /// Counts as failed what should have been over, or begun.
    fn note_unfinished(&mut self) {
        let (unfinished, unbegun) = (self.open(), self.wanted - self.caller.figures.placed);
        let failed = &mut self.caller.figures.failed;
        if unfinished > 0 {
            *failed.entry("not over in time".to_owned()).or_default() += unfinished;
        }
        // The last few before the end may be late; a tenth of a second is not few.
        if unbegun > u64::from(self.rate) / 10 {
            let reason = "not begun: the tool or the server is too slow";
            *failed.entry(reason.to_owned()).or_default() += unbegun;
        }
    }

    fn may_begin(&self) -> bool {
        self.caller.figures.placed < self.wanted && self.open() < MAX_OPEN
    }

    /// When the next call is due.
    fn next_due(&self) -> u64 {
        self.start + self.caller.figures.placed * SECOND / u64::from(self.rate)
    }

    /// Calls that have neither ended nor failed.
    fn open(&self) -> u64 {
        let figures = &self.caller.figures;
        figures
            .placed
            .saturating_sub(figures.ended + figures.failures())
    }

    fn hold_ns(&self) -> u64 {
        u64::from(self.options.hold_ms) * 1_000_000
    }
}
