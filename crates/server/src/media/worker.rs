//! A media worker: one thread that owns a `MediaEngine` and the sockets of its
//! ports. It wakes once every 20 ms on an absolute grid, takes orders, takes all
//! datagrams that came since, and moves the engine on. Without a port it sleeps
//! until an order comes.
//!
//! | asleep? | ports | what happens | next |
//! | --- | --- | --- | --- |
//! | yes | 0 | bell rings | a grid begins now |
//! | no | 0 | orders taken, nothing left to report | asleep |
//! | no | ≥ 1 | the grid's next step | orders, datagrams, tick, report |
//! | any | any | signalling is gone | the thread ends |

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use strowger_media::engine::{EngineConfig, MediaEngine, MediaSink, TICK};
use strowger_media::vocabulary::{MediaCommand, MediaEvent, PortConfig, PortId, PortStats};
use strowger_switch::call_table::{CallId, CallTable, MediaFigures};

use super::grid::Grid;
use super::stats::add;
use super::{EpollIo, PacketIo, SocketPair, Stream, WorkerEnd, WorkerOrder, WorkerStats};
use crate::sys::{self, ClockPair};

/// Ticks over which the publishing of all ports' figures is spread: a second.
const PUBLISH_TICKS: usize = 50;

/// The longest datagram that is looked at; longer ones are dropped.
const MAX_DATAGRAM: usize = 2048;

/// Seconds between the NTP epoch and the Unix epoch (RFC 5905 §6).
const NTP_TO_UNIX_S: u64 = 2_208_988_800;

/// How to run a worker.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// The engine's configuration; `ntp_at_start` is filled in by the worker.
    pub engine: EngineConfig,
    /// Seed of the engine.
    pub seed: u64,
    /// Processor to stay on, if priority can be raised too.
    pub cpu: Option<usize>,
}

/// Starts a worker's thread. It ends when the other end of `end` is dropped.
pub fn spawn(
    settings: WorkerSettings,
    end: WorkerEnd,
    calls: Arc<CallTable>,
    stats: Arc<WorkerStats>,
) -> io::Result<JoinHandle<()>> {
    let io = EpollIo::new(settings.engine.max_ports, end.bell())?;
    std::thread::Builder::new()
        .name(format!("media-{}", settings.engine.worker))
        .spawn(move || {
            let mark = MarkDead(Arc::clone(&stats));
            claim_processor(&settings);
            Worker::new(&settings, io, end, calls, stats).run();
            std::mem::forget(mark);
        })
}

/// The worker itself; generic over how packets travel.
pub struct Worker<I> {
    engine: MediaEngine,
    io: I,
    end: WorkerEnd,
    calls: Arc<CallTable>,
    stats: Arc<WorkerStats>,
    ports: Vec<Option<OpenPort>>,
    open: u32,
    tick: usize,
    events: Vec<MediaEvent>,
    report: Vec<MediaEvent>,
}

impl<I: PacketIo> Worker<I> {
    /// A worker without ports.
    pub fn new(
        settings: &WorkerSettings,
        io: I,
        end: WorkerEnd,
        calls: Arc<CallTable>,
        stats: Arc<WorkerStats>,
    ) -> Self {
        let max_ports = settings.engine.max_ports as usize;
        let config = EngineConfig {
            ntp_at_start: ntp_now(),
            ..settings.engine.clone()
        };
        Self {
            engine: MediaEngine::new(config, settings.seed, Instant::now()),
            io,
            end,
            calls,
            stats,
            ports: std::iter::repeat_with(|| None).take(max_ports).collect(),
            open: 0,
            tick: 0,
            events: Vec::with_capacity(256),
            report: Vec::with_capacity(256),
        }
    }

    /// Works until signalling is gone.
    pub fn run(mut self) {
        let mut grid = Grid::starting_now();
        let mut buffer = [0; MAX_DATAGRAM];
        while !self.end.is_over() {
            if self.open == 0 && self.end.is_reported() {
                self.sleep();
                grid = Grid::starting_now();
            }
            let step = grid.wait();
            self.stats.ticked(step.woke_ns, step.late_ns);
            self.apply_orders(step.first);
            self.receive(&mut buffer);
            for n in 0..step.count {
                self.step(step.first + TICK * n as u32);
            }
            add(&self.stats.ticks_missed, step.missed);
            self.publish();
            self.end.report(&mut self.report);
        }
    }

    fn sleep(&mut self) {
        self.stats.set_asleep(true);
        if let Some(bell) = self.end.arm()
            && let Err(error) = self.io.wait(bell)
        {
            tracing::warn!(%error, "media worker cannot wait for orders");
            std::thread::sleep(TICK);
        }
        self.end.bell().hush();
        self.stats.set_asleep(false);
    }

    fn apply_orders(&mut self, now: Instant) {
        while let Some(order) = self.end.pop_order() {
            match order {
                WorkerOrder::Open {
                    port,
                    sockets,
                    config,
                } => self.open(port, sockets, config, now),
                WorkerOrder::Command(command) => {
                    self.before(&command);
                    let mut sink = Sink {
                        io: &mut self.io,
                        events: &mut self.events,
                    };
                    self.engine.handle_command(command, now, &mut sink);
                }
            }
            self.settle();
        }
    }

    fn open(
        &mut self,
        port: PortId,
        mut sockets: SocketPair,
        config: Box<PortConfig>,
        now: Instant,
    ) {
        if config.rtcp_mux {
            sockets.rtcp = None;
        }
        if let Err(error) = self.io.open(port.slot, sockets) {
            tracing::warn!(slot = port.slot, %error, "media port cannot be opened");
            self.report.push(MediaEvent::Closed {
                port,
                stats: Box::default(),
            });
            return;
        }
        if let Some(place) = self.ports.get_mut(port.slot as usize) {
            self.open += u32::from(place.is_none());
            *place = Some(OpenPort {
                port,
                tag: config.tag,
                remote: config.remote_rtp,
                published: Published::default(),
            });
        }
        let mut sink = Sink {
            io: &mut self.io,
            events: &mut self.events,
        };
        self.engine
            .handle_command(MediaCommand::Open { port, config }, now, &mut sink);
    }

    /// What an order means for the sockets.
    fn before(&mut self, command: &MediaCommand) {
        match command {
            MediaCommand::Update { port, config } => {
                let Some(Some(open)) = self.ports.get_mut(port.slot as usize) else {
                    return;
                };
                if open.port == *port {
                    if config.rtcp_mux {
                        self.io.mux(port.slot);
                    }
                    if open.remote != config.remote_rtp {
                        open.remote = config.remote_rtp;
                        self.io.disconnect(port.slot);
                    }
                }
            }
            MediaCommand::Open { .. }
            | MediaCommand::Play { .. }
            | MediaCommand::StopPlay { .. }
            | MediaCommand::Echo { .. }
            | MediaCommand::Close { .. } => {}
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) {
        self.io.begin_tick(ClockPair::now());
        while let Some(arrival) = self.io.receive(buffer) {
            let datagram = &buffer[..arrival.len];
            let (slot, source, at) = (arrival.slot, arrival.source, arrival.at);
            let mut sink = Sink {
                io: &mut self.io,
                events: &mut self.events,
            };
            match arrival.stream {
                Stream::Rtp => self
                    .engine
                    .receive_rtp(slot, source, datagram, at, &mut sink),
                Stream::Rtcp => self
                    .engine
                    .receive_rtcp(slot, source, datagram, at, &mut sink),
            }
        }
        self.settle();
    }

    fn step(&mut self, at: Instant) {
        let mut sink = Sink {
            io: &mut self.io,
            events: &mut self.events,
        };
        self.engine.tick(at, &mut sink);
        add(&self.stats.ticks, 1);
        self.settle();
    }

    /// What the engine's events mean for the sockets, before they are reported.
    fn settle(&mut self) {
        for event in self.events.drain(..) {
            match &event {
                // Only where nobody else can still take the latch: a connected socket
                // hears no one but its peer, and whoever spoke first may be a stranger.
                MediaEvent::Latched { port, source } => {
                    let open = self.ports.get(port.slot as usize).and_then(Option::as_ref);
                    if open.is_some_and(|open| open.remote == Some(*source)) {
                        self.io.connect(port.slot, *source);
                    } else {
                        self.io.disconnect(port.slot);
                    }
                }
                MediaEvent::Closed { port, stats } => {
                    if let Some(place) = self.ports.get_mut(port.slot as usize)
                        && let Some(open) = place.take_if(|open| open.port == *port)
                    {
                        open.published.advance(stats, &self.stats);
                        self.io.close(port.slot);
                        self.open -= 1;
                    }
                }
                MediaEvent::Digit { .. } | MediaEvent::PlayDone { .. } => {}
            }
            self.report.push(event);
        }
    }

    /// Publishes the figures of one port in [`PUBLISH_TICKS`], and the worker's own.
    fn publish(&mut self) {
        self.tick = (self.tick + 1) % PUBLISH_TICKS;
        for place in self.ports.iter_mut().skip(self.tick).step_by(PUBLISH_TICKS) {
            let Some(open) = place else { continue };
            let Some(stats) = self.engine.port_stats(open.port) else {
                continue;
            };
            open.published = open.published.advance(&stats, &self.stats);
            self.calls
                .publish_media(CallId::from_raw(open.tag), &figures(&stats));
        }
        let (_, failures) = self.io.sent();
        self.stats.send_failures.store(failures, Relaxed);
        self.stats
            .digits_dropped
            .store(self.end.digits_dropped(), Relaxed);
        self.stats.ports.store(self.open, Relaxed);
    }
}

struct OpenPort {
    port: PortId,
    tag: u64,
    remote: Option<std::net::SocketAddr>,
    published: Published,
}

/// What of a port is in the worker's sums already.
#[derive(Clone, Copy, Default)]
struct Published {
    sent: u64,
    received: u64,
    lost: i64,
    dropped: u64,
}

impl Published {
    fn advance(self, port: &PortStats, sums: &WorkerStats) -> Self {
        add(
            &sums.packets_sent,
            port.packets_sent.wrapping_sub(self.sent),
        );
        add(
            &sums.packets_received,
            port.packets_received.wrapping_sub(self.received),
        );
        add(
            &sums.packets_lost,
            port.packets_lost.wrapping_sub(self.lost) as u64,
        );
        add(
            &sums.packets_dropped,
            port.packets_dropped.wrapping_sub(self.dropped),
        );
        Self {
            sent: port.packets_sent,
            received: port.packets_received,
            lost: port.packets_lost,
            dropped: port.packets_dropped,
        }
    }
}

struct Sink<'a, I> {
    io: &'a mut I,
    events: &'a mut Vec<MediaEvent>,
}

impl<I: PacketIo> MediaSink for Sink<'_, I> {
    fn send_rtp(&mut self, slot: u32, to: std::net::SocketAddr, packet: &[u8]) {
        self.io.send(slot, Stream::Rtp, to, packet);
    }

    fn send_rtcp(&mut self, slot: u32, to: std::net::SocketAddr, packet: &[u8]) {
        self.io.send(slot, Stream::Rtcp, to, packet);
    }

    fn event(&mut self, event: MediaEvent) {
        self.events.push(event);
    }
}

/// Marks the worker dead when its thread unwinds.
struct MarkDead(Arc<WorkerStats>);

impl Drop for MarkDead {
    fn drop(&mut self) {
        self.0.set_dead();
    }
}

fn claim_processor(settings: &WorkerSettings) {
    let worker = settings.engine.worker;
    match sys::raise_priority() {
        Ok(priority) => {
            let pinned = settings.cpu.filter(|&cpu| sys::pin_to_cpu(cpu).is_ok());
            tracing::debug!(
                worker,
                priority,
                ?pinned,
                "media worker runs above ordinary threads"
            );
        }
        Err(error) => tracing::debug!(worker, %error, "media worker runs as an ordinary thread"),
    }
}

fn ntp_now() -> u64 {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
    ((unix.as_secs() + NTP_TO_UNIX_S) << 32) | fraction
}

fn figures(stats: &PortStats) -> MediaFigures {
    MediaFigures {
        packets_sent: stats.packets_sent,
        packets_received: stats.packets_received,
        lost: stats.packets_lost,
        jitter_ticks: stats.jitter_ticks,
        mos_x100: stats.mos_x100,
        level_dbov: -127,
    }
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
