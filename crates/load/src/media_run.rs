//! A run of calls with media: set up, warm up, measure, tear down; then the
//! same load on bare programs.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::call::{CallState, Line, Step};
use crate::caller::Caller;
use crate::floor::Bare;
use crate::media::{MediaLoad, Mode};
use crate::options::{MediaOptions, Pinning};
use crate::process::{Process, Spent};
use crate::report::{
    CallReport, CpuReport, FloorReport, MediaReport, PacketReport, ServerReport, ToolReport,
};
use crate::sdp;
use crate::stream::Reception;
use crate::sys::{self, monotonic_ns, own_cpu_ns, sleep_until_ns};

/// How often sockets are looked at, in ns.
const TURN: u64 = 1_000_000;
/// How long packets of the window may still come back, in ns.
const DRAIN: u64 = 1_000_000_000;
/// Receive buffer of the SIP socket, in octets.
const SIP_BUFFER: usize = 16 << 20;

/// The load, the calls and the next turn.
struct Run {
    media: MediaLoad,
    /// A bare program needs no calls.
    caller: Option<Caller>,
    next_turn: u64,
}

/// What one window gave.
struct Window {
    packets: PacketReport,
    spent: Option<Spent>,
    tool: ToolReport,
    seconds: f64,
}

/// Does all of it. `program` is this tool's binary, for the bare programs.
pub fn run(options: &MediaOptions, program: &PathBuf) -> anyhow::Result<MediaReport> {
    sys::raise_open_files()?;
    let mut line = options.server.line(default_user(options.mode))?;
    let process = options.server.process(line.target)?;
    let pinning = Pinning::apply(&options.server, process)?;
    let socket = sys::bind(line.local, SIP_BUFFER)?;
    line.local = socket.local_addr()?;
    let target = String::from_utf8_lossy(line.uri.as_bytes()).into_owned();
    let memory_before_kb = memory(process);
    let mut run = Run::new(options, &line, options.calls)?;
    run.caller = Some(Caller::new(line, socket));
    run.set_up(options)?;
    let answered = run.up();
    let window = if answered > 0 {
        Some(run.measure(options, process)?)
    } else {
        None
    };
    let memory_with_calls_kb = memory(process);
    run.tear_down(options)?;
    let caller = run.caller.take().context("made above")?;
    let window = window.unwrap_or_else(Window::empty);
    let server = process
        .zip(window.spent)
        .map(|(process, spent)| ServerReport {
            pid: process.pid,
            name: process.name(),
            cpu: CpuReport::new(spent, window.packets.arrived, answered, window.seconds),
            memory_before_kb,
            memory_with_calls_kb,
            memory_per_call_kb: (memory_with_calls_kb as f64 - memory_before_kb as f64)
                / answered.max(1) as f64,
        });
    let mut report = MediaReport {
        target,
        mode: options.mode,
        calls_wanted: options.calls,
        seconds: options.seconds,
        measured_s: window.seconds,
        ptime_ms: options.ptime,
        calls: CallReport::from(&caller.figures),
        packets: window.packets,
        server,
        floor: Vec::new(),
        tool: window.tool,
        problems: Vec::new(),
    };
    report.problems = problems(&report);
    drop((run, caller));
    if options.floor && answered > 0 && options.mode != Mode::Idle {
        for connect in [true, false] {
            let floor = floor(options, program, &pinning, connect, answered, &report)?;
            report.floor.push(floor);
        }
    }
    Ok(report)
}

impl Run {
    fn new(options: &MediaOptions, line: &Line, streams: u32) -> anyhow::Result<Self> {
        let now = monotonic_ns();
        let ip = line.local.ip();
        let media = MediaLoad::new(ip, options.mode, streams as usize, options.ptime, now)
            .context("cannot open media sockets")?;
        Ok(Self {
            media,
            caller: None,
            next_turn: now,
        })
    }

    /// Places all calls and waits until each has been answered or has failed.
    fn set_up(&mut self, options: &MediaOptions) -> anyhow::Result<()> {
        let start = monotonic_ns();
        let mut placed = 0;
        loop {
            let now = monotonic_ns();
            while placed < options.calls && now >= pace(start, placed, options.rate) {
                let offer = sdp::offer(self.media.local_address(placed)?, options.ptime);
                if let Some(caller) = &mut self.caller {
                    caller.place(offer, now);
                }
                placed += 1;
            }
            // At once, so that waiting for the turn is no part of the set-up time.
            if let Some(caller) = &mut self.caller {
                caller.turn(now)?;
            }
            self.turn()?;
            let open = [CallState::Inviting, CallState::Proceeding];
            if placed == options.calls && self.count(&open) == 0 {
                return Ok(());
            }
        }
    }

    /// Warms up, measures, and waits for what is on its way.
    fn measure(
        &mut self,
        options: &MediaOptions,
        process: Option<Process>,
    ) -> anyhow::Result<Window> {
        self.go_on(u64::from(options.warm_up) * 1_000_000_000)?;
        let used = process.map(Process::usage).transpose();
        let used = used.context("the server's process is gone")?;
        let own = own_cpu_ns();
        let start = monotonic_ns();
        self.media.open_window();
        self.go_on(u64::from(options.seconds) * 1_000_000_000)?;
        let seconds = (monotonic_ns() - start) as f64 / 1e9;
        let own = own_cpu_ns() - own;
        let now_used = process.map(Process::usage).transpose();
        let now_used = now_used.context("the server's process ended under load")?;
        self.media.close_window();
        let end = monotonic_ns() + DRAIN;
        while monotonic_ns() < end && !self.is_complete() {
            self.turn()?;
        }
        Ok(Window {
            packets: packets(&self.media, seconds),
            spent: now_used.zip(used).map(|(now, before)| now.since(&before)),
            tool: ToolReport {
                core_percent: own as f64 / seconds / 1e7,
                late_us: self.media.figures().late.percentiles(),
            },
            seconds,
        })
    }

    /// Ends all calls and waits until each has ended or failed.
    fn tear_down(&mut self, options: &MediaOptions) -> anyhow::Result<()> {
        let start = monotonic_ns();
        let mut ended = 0;
        loop {
            let now = monotonic_ns();
            while ended < options.calls && now >= pace(start, ended, options.rate) {
                if let Some(caller) = &mut self.caller {
                    caller.hang_up(ended, now);
                }
                self.media.close(ended);
                ended += 1;
            }
            self.turn()?;
            if ended == options.calls && self.count(&[CallState::Ending]) == 0 {
                return Ok(());
            }
        }
    }

    fn go_on(&mut self, ns: u64) -> anyhow::Result<()> {
        let end = monotonic_ns() + ns;
        while monotonic_ns() < end {
            self.turn()?;
        }
        Ok(())
    }

    /// Sleeps until the next turn and does what there is to do.
    fn turn(&mut self) -> anyhow::Result<()> {
        self.next_turn = (self.next_turn + TURN).max(monotonic_ns().saturating_sub(TURN));
        sleep_until_ns(self.next_turn);
        if let Some(caller) = &mut self.caller {
            caller.turn(monotonic_ns())?;
            for (index, step) in caller.steps.drain(..) {
                match step {
                    Step::Answered(far) => self.media.open(index, far),
                    Step::Failed(_) | Step::Ended => self.media.close(index),
                    Step::Same | Step::AnsweredAgain | Step::Retransmitted(_) => {}
                }
            }
        }
        self.media.turn(monotonic_ns())?;
        Ok(())
    }

    fn is_complete(&self) -> bool {
        let (sent, returned) = self.media.sent_and_returned();
        sent == returned
    }

    fn count(&self, states: &[CallState]) -> usize {
        self.caller
            .as_ref()
            .map_or(0, |caller| caller.count(states))
    }

    fn up(&self) -> u64 {
        self.count(&[CallState::Up]) as u64
    }
}

impl Window {
    fn empty() -> Self {
        Self {
            packets: PacketReport::default(),
            spent: None,
            tool: ToolReport::default(),
            seconds: 0.0,
        }
    }
}

/// A bare program under the load that the server had.
fn floor(
    options: &MediaOptions,
    program: &PathBuf,
    pinning: &Pinning,
    connect: bool,
    streams: u64,
    report: &MediaReport,
) -> anyhow::Result<FloorReport> {
    let line = options.server.line(default_user(options.mode))?;
    let streams = streams as u32;
    let mut run = Run::new(options, &line, streams)?;
    let bare = Bare::start(
        program,
        &run.media,
        options.mode,
        connect,
        streams as usize,
        options.ptime,
    )?;
    bare.process().pin(&pinning.server)?;
    for (stream, far) in bare.streams.iter().enumerate() {
        run.media.open(stream as u32, *far);
    }
    let window = run.measure(options, Some(bare.process()))?;
    let spent = window.spent.unwrap_or_default();
    let arrived = window.packets.arrived;
    let cpu = CpuReport::new(spent, arrived, u64::from(streams), window.seconds);
    let server = report.server.as_ref();
    let server_us = server.and_then(|server| server.cpu.us_per_packet);
    let kind = match (options.mode, connect) {
        (Mode::Echo, true) => "bare reflector",
        (Mode::Receive | Mode::Idle, true) => "bare sender",
        (Mode::Echo | Mode::Receive | Mode::Idle, false) => "the same, unconnected",
    };
    Ok(FloorReport {
        kind: kind.to_owned(),
        cpu,
        lost: window.packets.lost + window.packets.missing,
        delay_us: window.packets.delay_us,
        server_ratio: server_us.zip(cpu.us_per_packet).map(|(us, bare)| us / bare),
    })
}

fn packets(media: &MediaLoad, seconds: f64) -> PacketReport {
    let figures = media.figures();
    let (sent, returned) = media.sent_and_returned();
    let lost = sent - returned;
    let rates: Vec<f64> = media
        .receptions()
        .map(|reception| reception.packets as f64 / seconds)
        .collect();
    let fewest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let most = rates.iter().copied().fold(0.0, f64::max);
    let mean = rates.iter().sum::<f64>() / rates.len().max(1) as f64;
    let late_in_sequence: u64 = media.receptions().map(|one| one.out_of_order).sum();
    PacketReport {
        sent,
        returned,
        lost,
        loss_percent: lost as f64 * 100.0 / sent.max(1) as f64,
        duplicate: figures.duplicate,
        out_of_order: if sent > 0 {
            figures.out_of_order
        } else {
            late_in_sequence
        },
        altered: figures.altered,
        foreign: figures.foreign,
        arrived: figures.arrived,
        missing: media.receptions().map(Reception::missing).sum(),
        per_call_and_s: [fewest.min(most), mean, most],
        dropped_by_tool: media.dropped(),
        refused: figures.refused,
        delay_us: figures.delay.percentiles(),
        jitter_us: figures.jitter.percentiles(),
        spacing_us: figures.spacing.percentiles(),
    }
}

/// Why a run did not pass.
fn problems(report: &MediaReport) -> Vec<String> {
    let (calls, packets) = (&report.calls, &report.packets);
    let mut problems = Vec::new();
    if !calls.failed.is_empty() {
        problems.push(format!("calls failed: {}", calls.failures()));
    }
    match report.mode {
        Mode::Echo => {
            if packets.sent == 0 {
                problems.push("nothing was sent".to_owned());
            }
            if packets.lost > 0 {
                problems.push(format!("{} packets lost", packets.lost));
            }
            if packets.altered > 0 {
                problems.push(format!("{} packets altered", packets.altered));
            }
        }
        Mode::Receive => {
            if packets.missing > 0 {
                problems.push(format!("{} packets missing", packets.missing));
            }
            if packets.per_call_and_s[0] <= 0.0 {
                problems.push("a call got no packet at all".to_owned());
            }
        }
        Mode::Idle => {}
    }
    if packets.dropped_by_tool > 0 && !problems.is_empty() {
        problems.push(format!(
            "this tool's own sockets dropped {}: net.core.rmem_max is small, or it is too slow",
            packets.dropped_by_tool
        ));
    }
    problems
}

fn default_user(mode: Mode) -> &'static str {
    match mode {
        Mode::Echo => "echo",
        Mode::Receive => "play",
        Mode::Idle => "answer",
    }
}

fn memory(process: Option<Process>) -> u64 {
    process
        .and_then(|process| process.memory_kb().ok())
        .unwrap_or_default()
}

/// When the n-th call is due at a rate.
fn pace(start: u64, number: u32, rate: u32) -> u64 {
    start + u64::from(number) * 1_000_000_000 / u64::from(rate)
}
