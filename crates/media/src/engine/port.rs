//! One port: its stream in, its stream out, what it is doing.

use super::config::EngineConfig;
use super::echo::EchoMap;
use super::latch::Latch;
use super::playing::Playing;
use super::reports::ReportState;
use super::sender::Sender;
use crate::digits::DigitReceiver;
use crate::e_model;
use crate::jitter_buffer::JitterBuffer;
use crate::reception::Reception;
use crate::vocabulary::{CodecPayload, PortConfig, PortId, PortStats};

/// Rate of every codec there is; a wideband codec will bring its own.
const CLOCK_RATE: u32 = 8000;

#[derive(Debug)]
pub(super) struct Port {
    pub(super) id: PortId,
    pub(super) config: Box<PortConfig>,
    pub(super) latch: Latch,
    pub(super) reception: Reception,
    pub(super) digits: DigitReceiver,
    pub(super) buffer: JitterBuffer,
    pub(super) sender: Sender,
    pub(super) reports: ReportState,
    pub(super) echo: bool,
    pub(super) echo_map: Option<EchoMap>,
    pub(super) playing: Option<Playing>,
    /// It stands in the engine's list of ports with work on the next tick.
    pub(super) active: bool,
    pub(super) counts: Counts,
}

/// Figures that no part of the port keeps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) octets_received: u64,
    pub(super) late: u64,
    pub(super) duplicate: u64,
    pub(super) reordered: u64,
    pub(super) dropped: u64,
    pub(super) digits: u32,
}

/// What a payload type stands for on a port.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload {
    Audio(CodecPayload),
    Event { send: u8 },
}

impl Port {
    pub(super) fn new(
        id: PortId,
        config: Box<PortConfig>,
        engine: &EngineConfig,
        tick: u64,
    ) -> Self {
        Self {
            id,
            latch: Latch::new(config.remote_rtp),
            reception: Reception::new(CLOCK_RATE),
            digits: DigitReceiver::default(),
            buffer: JitterBuffer::new(CLOCK_RATE, engine.jitter_min_ms, engine.jitter_max_ms),
            sender: Sender::new(
                config.ssrc,
                config.first_sequence,
                config.first_timestamp,
                tick,
            ),
            reports: ReportState::default(),
            echo: false,
            echo_map: None,
            playing: None,
            active: false,
            counts: Counts::default(),
            config,
        }
    }

    /// A new description. What we send goes on with its numbers.
    pub(super) fn update(&mut self, config: Box<PortConfig>, now_us: i64) {
        if self.latch.signal(config.remote_rtp, now_us)
            || config.remote_rtcp != self.config.remote_rtcp
        {
            self.reports.forget_source();
        }
        self.config = config;
    }

    /// What a received payload type means here.
    pub(super) fn payload(&self, payload_type: u8) -> Option<Payload> {
        if let Some(codec) = self
            .config
            .codecs
            .iter()
            .find(|c| c.receive == payload_type)
        {
            return Some(Payload::Audio(*codec));
        }
        let events = self.config.events.filter(|e| e.receive == payload_type)?;
        Some(Payload::Event { send: events.send })
    }

    /// Whether what arrives is to be sent back. A prompt takes precedence.
    pub(super) fn echoes(&self) -> bool {
        let direction = self.config.direction;
        self.echo && self.playing.is_none() && direction.sends() && direction.receives()
    }

    pub(super) fn stats(&self) -> PortStats {
        let reception = &self.reception;
        let late = self.counts.late + self.buffer.overflowed();
        PortStats {
            packets_sent: self.sender.packets,
            octets_sent: self.sender.octets,
            packets_received: reception.received(),
            octets_received: self.counts.octets_received,
            packets_lost: reception.lost(),
            packets_late: late,
            packets_duplicate: self.counts.duplicate,
            packets_reordered: self.counts.reordered,
            packets_dropped: self.counts.dropped,
            frames_concealed: 0,
            jitter_ticks: reception.jitter_ticks(),
            jitter_max_ticks: reception.jitter_max_ticks(),
            buffer_ms: self.buffer.delay_ms(),
            digits: self.counts.digits,
            remote_lost: self.reports.remote_lost,
            remote_jitter_ticks: self.reports.remote_jitter_ticks,
            round_trip_us: self.reports.round_trip_us,
            mos_x100: self.mos_x100(late),
        }
    }

    fn mos_x100(&self, late: u64) -> u16 {
        let expected = self.reception.expected();
        if self.reception.received() == 0 || expected == 0 {
            return 0;
        }
        // Duplicates fill no hole.
        let useful = self
            .reception
            .received()
            .saturating_sub(self.counts.duplicate + late);
        let loss = 1.0 - useful.min(expected) as f64 / expected as f64;
        let network_ms = f64::from(self.reports.round_trip_us) / 2000.0;
        let delay_ms =
            network_ms + f64::from(self.buffer.delay_ms()) + f64::from(self.config.ptime_ms);
        e_model::mos_x100(loss, delay_ms, e_model::G711_BPL)
    }
}
