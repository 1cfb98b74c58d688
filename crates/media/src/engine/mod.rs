//! `MediaEngine`: the ports of one media worker.
//!
//! The owner of the sockets calls `tick` every 20 ms on an absolute grid and,
//! right before it, hands over what its sockets hold, each packet with the time
//! the kernel saw it. Orders are applied when given, which is at the start of a
//! tick. Per packet and per tick nothing is allocated once the pools have grown
//! to what the load needs; a port that has nothing to do costs one comparison a
//! tick.
//!
//! | port | tick |
//! | --- | --- |
//! | playing | packets owed; at the end `PlayDone` |
//! | echo on, packets held | those that are due |
//! | else | nothing |
//!
//! While a prompt plays there is no echo.

mod config;
mod echo;
mod latch;
mod playing;
mod port;
mod receive;
mod reports;
mod schedule;
mod sender;

use std::net::SocketAddr;
use std::time::Instant;

use crate::jitter_buffer::PacketPool;
use crate::player::Playback;
use crate::rtp::{RtpPacket, is_rtcp};
use crate::vocabulary::{MediaCommand, MediaEvent, PlayEnd, PortConfig, PortId, PortStats};
use playing::{MAX_PACKET, Playing};
use port::Port;
use schedule::ReportSchedule;

pub use config::{EngineConfig, EngineStats, TICK};

/// Where an engine's output goes. The owner of the sockets implements it; the
/// slices are only lent.
pub trait MediaSink {
    /// Send one RTP packet from the RTP socket of `slot`.
    fn send_rtp(&mut self, slot: u32, to: SocketAddr, packet: &[u8]);
    /// Send one compound RTCP packet from the RTCP socket of `slot`, or from
    /// its RTP socket when `rtcp_mux` is on.
    fn send_rtcp(&mut self, slot: u32, to: SocketAddr, packet: &[u8]);
    /// Something happened.
    fn event(&mut self, event: MediaEvent);
}

/// A point on the media clock and the owner's.
#[derive(Clone, Copy, Debug)]
struct Moment {
    tick: u64,
    /// µs since the engine was made.
    us: i64,
}

/// The ports of one media worker, by value. One owner, no lock.
#[derive(Debug)]
pub struct MediaEngine {
    config: EngineConfig,
    epoch: Instant,
    ticks: u64,
    ports: Vec<Option<Box<Port>>>,
    open: u32,
    /// Slots with work on the next tick.
    active: Vec<u32>,
    schedule: ReportSchedule,
    pool: PacketPool,
    packet: [u8; MAX_PACKET],
    compound: Vec<u8>,
    unclaimed: u64,
    commands_refused: u64,
}

impl MediaEngine {
    /// An engine without ports. `now` is the moment `config.ntp_at_start` was
    /// read at.
    pub fn new(config: EngineConfig, seed: u64, now: Instant) -> Self {
        Self {
            epoch: now,
            ticks: 0,
            ports: Vec::new(),
            open: 0,
            active: Vec::new(),
            schedule: ReportSchedule::new(config.rtcp_interval_ms, seed),
            pool: PacketPool::new(config.max_buffered_packets),
            packet: [0; MAX_PACKET],
            compound: Vec::with_capacity(512),
            unclaimed: 0,
            commands_refused: 0,
            config,
        }
    }

    /// Applies an order. Orders for a port that is not open are ignored.
    pub fn handle_command(
        &mut self,
        command: MediaCommand,
        now: Instant,
        out: &mut impl MediaSink,
    ) {
        let us = self.micros(now);
        match command {
            MediaCommand::Open { port, config } => self.open(port, config),
            MediaCommand::Update { port, config } => {
                if let Some(port) = self.find(port) {
                    port.update(config, us);
                }
            }
            MediaCommand::Play {
                port: id,
                play,
                prompts,
                loops,
            } => {
                if let Some((port, pool)) = self.find_with_pool(id) {
                    port.end_playing(PlayEnd::Stopped, out);
                    port.reset_echo(pool);
                    port.playing = Some(Playing::new(Playback::new(play, prompts, loops)));
                    self.activate(id.slot);
                }
            }
            MediaCommand::StopPlay { port } => {
                if let Some(port) = self.find(port) {
                    port.end_playing(PlayEnd::Stopped, out);
                }
            }
            MediaCommand::Echo { port, on } => {
                if let Some((port, pool)) = self.find_with_pool(port)
                    && port.echo != on
                {
                    port.echo = on;
                    port.reset_echo(pool);
                }
            }
            MediaCommand::Close { port } => self.close(port, us, out),
        }
    }

    /// Takes one datagram from the RTP socket of `slot`. `arrived` is the
    /// kernel's time stamp of it.
    pub fn receive_rtp(
        &mut self,
        slot: u32,
        source: SocketAddr,
        datagram: &[u8],
        arrived: Instant,
        out: &mut impl MediaSink,
    ) {
        if is_rtcp(datagram) {
            return self.receive_muxed_rtcp(slot, source, datagram, arrived);
        }
        let moment = Moment {
            tick: self.ticks,
            us: self.micros(arrived),
        };
        let Some(port) = self
            .ports
            .get_mut(slot as usize)
            .and_then(Option::as_deref_mut)
        else {
            self.unclaimed += 1;
            return;
        };
        let accepted = RtpPacket::parse(datagram)
            .is_ok_and(|packet| port.receive_rtp(&mut self.pool, source, &packet, moment, out));
        if !accepted {
            port.counts.dropped += 1;
            return;
        }
        let (has_work, unscheduled) = (
            !port.active && !port.buffer.is_empty(),
            !port.reports.scheduled,
        );
        if has_work {
            self.activate(slot);
        }
        if unscheduled {
            self.schedule_first_report(slot);
        }
    }

    /// Takes one datagram from the RTCP socket of `slot`.
    pub fn receive_rtcp(
        &mut self,
        slot: u32,
        source: SocketAddr,
        datagram: &[u8],
        arrived: Instant,
        out: &mut impl MediaSink,
    ) {
        // Nothing in RTCP is answered at once; the sink is for feedback to come.
        let _ = out;
        let us = self.micros(arrived);
        let ntp = self.ntp(us);
        let Some(port) = self
            .ports
            .get_mut(slot as usize)
            .and_then(Option::as_deref_mut)
        else {
            self.unclaimed += 1;
            return;
        };
        if !port.receive_report(source, datagram, us, ntp) {
            port.counts.dropped += 1;
        }
    }

    /// Moves the media clock on by 20 ms and sends what is due. `now` is the
    /// tick's place on the owner's grid; an owner that was late calls it once
    /// for each step missed.
    pub fn tick(&mut self, now: Instant, out: &mut impl MediaSink) {
        self.ticks += 1;
        let moment = Moment {
            tick: self.ticks,
            us: self.micros(now),
        };
        let mut at = 0;
        while let Some(&slot) = self.active.get(at) {
            if self.tick_port(slot, moment, out) {
                at += 1;
            } else {
                self.active.swap_remove(at);
            }
        }
        self.send_reports(moment, out);
    }

    /// The open ports with the tag of their configuration and their figures.
    pub fn ports(&self) -> impl Iterator<Item = (PortId, u64, PortStats)> + '_ {
        self.ports
            .iter()
            .flatten()
            .map(|port| (port.id, port.config.tag, port.stats()))
    }

    /// Figures of one port, `None` when it is not open.
    pub fn port_stats(&self, port: PortId) -> Option<PortStats> {
        let open = self.ports.get(port.slot as usize)?.as_deref()?;
        (open.id == port).then(|| open.stats())
    }

    /// Figures of the engine itself.
    pub fn stats(&self) -> EngineStats {
        EngineStats {
            ticks: self.ticks,
            ports: self.open,
            buffered_packets: self.pool.in_use(),
            packets_unclaimed: self.unclaimed,
            packets_overflowed: self.pool.refused(),
            commands_refused: self.commands_refused,
        }
    }

    fn open(&mut self, id: PortId, config: Box<PortConfig>) {
        let slot = id.slot as usize;
        if id.worker != self.config.worker || id.slot >= self.config.max_ports {
            self.commands_refused += 1;
            return;
        }
        if self.ports.len() <= slot {
            self.ports.resize_with(slot + 1, || None);
            self.schedule.grow(slot + 1);
        }
        if self.ports[slot].is_some() {
            self.commands_refused += 1;
            return;
        }
        self.ports[slot] = Some(Box::new(Port::new(id, config, &self.config, self.ticks)));
        self.open += 1;
        // Grown here so that a tick never has to.
        self.active.reserve(self.open as usize);
    }

    fn close(&mut self, id: PortId, us: i64, out: &mut impl MediaSink) {
        if self.find(id).is_none() {
            return;
        }
        let slot = id.slot as usize;
        let Some(mut port) = self.ports[slot].take() else {
            return;
        };
        self.open -= 1;
        self.active.retain(|&active| active != id.slot);
        self.schedule.cancel(id.slot);
        port.reset_echo(&mut self.pool);
        let stats = Box::new(port.stats());
        self.compound.clear();
        let ntp = self.ntp(us);
        if port.write_farewell(&mut self.compound, self.ticks, us, ntp)
            && let Some(to) = port.rtcp_destination()
        {
            out.send_rtcp(id.slot, to, &self.compound);
        }
        out.event(MediaEvent::Closed { port: id, stats });
    }

    /// Answers whether the port has work on the next tick, too.
    fn tick_port(&mut self, slot: u32, moment: Moment, out: &mut impl MediaSink) -> bool {
        let Some(port) = self.ports[slot as usize].as_deref_mut() else {
            return false;
        };
        let sent_before = port.sender.packets;
        port.active = if port.playing.is_some() {
            port.tick_playing(moment, &mut self.packet, out)
        } else if port.echoes() {
            port.tick_echo(&mut self.pool, moment, out)
        } else {
            port.reset_echo(&mut self.pool);
            false
        };
        let stays = port.active;
        if !port.reports.scheduled && port.sender.packets != sent_before {
            self.schedule_first_report(slot);
        }
        stays
    }

    fn receive_muxed_rtcp(
        &mut self,
        slot: u32,
        source: SocketAddr,
        datagram: &[u8],
        arrived: Instant,
    ) {
        let us = self.micros(arrived);
        let ntp = self.ntp(us);
        let Some(port) = self
            .ports
            .get_mut(slot as usize)
            .and_then(Option::as_deref_mut)
        else {
            self.unclaimed += 1;
            return;
        };
        if !port.config.rtcp_mux || !port.receive_report(source, datagram, us, ntp) {
            port.counts.dropped += 1;
        }
    }

    fn send_reports(&mut self, moment: Moment, out: &mut impl MediaSink) {
        let ntp = self.ntp(moment.us);
        let mut from = 0;
        while let Some(slot) = self.schedule.next_due(from, moment.tick) {
            from = slot + 1;
            let Some(port) = self.ports[slot as usize].as_deref_mut() else {
                continue;
            };
            if let Some(to) = port.rtcp_destination() {
                self.compound.clear();
                port.write_report(&mut self.compound, moment.tick, moment.us, ntp);
                out.send_rtcp(slot, to, &self.compound);
            }
        }
    }

    fn schedule_first_report(&mut self, slot: u32) {
        if let Some(port) = self.ports[slot as usize].as_deref_mut() {
            port.reports.scheduled = true;
            self.schedule.begin(slot, self.ticks);
        }
    }

    fn activate(&mut self, slot: u32) {
        if let Some(port) = self.ports[slot as usize].as_deref_mut()
            && !port.active
        {
            port.active = true;
            self.active.push(slot);
        }
    }

    fn find(&mut self, id: PortId) -> Option<&mut Port> {
        self.find_with_pool(id).map(|(port, _)| port)
    }

    fn find_with_pool(&mut self, id: PortId) -> Option<(&mut Port, &mut PacketPool)> {
        let port = self.ports.get_mut(id.slot as usize)?.as_deref_mut()?;
        (port.id == id).then_some((port, &mut self.pool))
    }

    fn micros(&self, at: Instant) -> i64 {
        match at.checked_duration_since(self.epoch) {
            Some(since) => since.as_secs() as i64 * 1_000_000 + i64::from(since.subsec_micros()),
            None => -(self.epoch.duration_since(at).as_micros() as i64),
        }
    }

    fn ntp(&self, us: i64) -> u64 {
        let us = us.max(0) as u64;
        let fraction = ((us % 1_000_000) << 32) / 1_000_000;
        self.config
            .ntp_at_start
            .wrapping_add((us / 1_000_000) << 32)
            .wrapping_add(fraction)
    }
}
