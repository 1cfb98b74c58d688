//! The media workers as far as the switch can tell: ports that open, play for as
//! long as a prompt lasts, and close; and the stock of bound sockets.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use strowger_media::vocabulary::{
    Digit, Direction, MediaEvent, PlayEnd, PlayId, PortConfig, PortId, PortStats,
};
use strowger_switch::config::MediaAddressId;
use strowger_switch::effect::MediaOrder;
use strowger_switch::input::Input;

use crate::random::Random;

/// First RTP port of the stock.
const FIRST_PORT: u16 = 20_000;

/// Something that will happen on a worker.
#[derive(Clone, Debug)]
pub enum Due {
    /// The worker reports this, if the port is still open then.
    Event(MediaEvent),
    /// A prompt will have ended, if it still plays then.
    PlayEnds(PortId, PlayId),
    /// Sockets are bound.
    Ready(MediaAddressId, u16),
}

#[derive(Debug)]
struct OpenPort {
    address: MediaAddressId,
    rtp_port: u16,
    playing: Option<PlayId>,
    closing: bool,
}

/// All workers together.
#[derive(Debug)]
pub struct MediaPlane {
    ports: HashMap<PortId, OpenPort>,
    /// Sockets that the switch was told of and has not used.
    stock: HashSet<(MediaAddressId, u16)>,
    random: Random,
    /// What the switch ordered against the rules.
    pub violations: Vec<String>,
    /// Ports opened so far.
    pub opened: u64,
}

impl MediaPlane {
    /// Workers without a port.
    pub fn new(seed: u64) -> Self {
        Self {
            ports: HashMap::new(),
            stock: HashSet::new(),
            random: Random::new(seed),
            violations: Vec::new(),
            opened: 0,
        }
    }

    /// The first `count` sockets of an address.
    pub fn bind(address: MediaAddressId, count: u16) -> impl Iterator<Item = Due> {
        (0..count).map(move |index| Due::Ready(address, FIRST_PORT + 2 * index))
    }

    /// Ports that are open or closing.
    pub fn open_ports(&self) -> usize {
        self.ports.len()
    }

    /// Sockets that wait for a call.
    pub fn stocked(&self) -> usize {
        self.stock.len()
    }

    /// Carries out an order; appends what comes of it and when.
    pub fn handle_order(&mut self, order: MediaOrder, now: Instant, out: &mut Vec<(Instant, Due)>) {
        match order {
            MediaOrder::Open {
                port,
                address,
                rtp_port,
                config,
            } => {
                self.open(port, address, rtp_port, &config);
                let source = ([10, 0, 0, 1], 40_000).into();
                out.push((
                    self.soon(now),
                    Due::Event(MediaEvent::Latched { port, source }),
                ));
            }
            MediaOrder::Update { port, config } => {
                self.check(&config);
                self.live(port, "Update");
            }
            MediaOrder::Play {
                port,
                play,
                urls,
                loops,
            } => {
                let missing = urls.iter().find(|url| url.contains("missing"));
                let length = urls.iter().map(|url| length(url)).sum::<Duration>();
                let at = self.soon(now);
                let Some(open) = self.live(port, "Play") else {
                    return;
                };
                if let Some(stopped) = open.playing.replace(play) {
                    out.push((at, play_done(port, stopped, PlayEnd::Stopped)));
                }
                if let Some(url) = missing {
                    open.playing = None;
                    let end = PlayEnd::Failed(format!("{url} is not there"));
                    out.push((at, play_done(port, play, end)));
                } else if loops > 0 {
                    out.push((at + length * loops, Due::PlayEnds(port, play)));
                }
            }
            MediaOrder::StopPlay { port } => {
                let at = self.soon(now);
                let playing = self
                    .live(port, "StopPlay")
                    .and_then(|open| open.playing.take());
                out.extend(playing.map(|play| (at, play_done(port, play, PlayEnd::Stopped))));
            }
            MediaOrder::Echo { port, .. } => {
                self.live(port, "Echo");
            }
            MediaOrder::Close { port } => self.close(port, now, out),
        }
    }

    /// What has come due, as an input of the switch.
    pub fn happen(
        &mut self,
        due: Due,
        now: Instant,
        out: &mut Vec<(Instant, Due)>,
    ) -> Option<Input> {
        match due {
            Due::Ready(address, port) => {
                if !self.stock.insert((address, port)) {
                    self.violations.push(format!("port {port} was bound twice"));
                }
                Some(Input::PortReady { address, port })
            }
            Due::PlayEnds(port, play) => {
                let open = self.ports.get_mut(&port)?;
                (open.playing == Some(play)).then(|| open.playing = None)?;
                let end = PlayEnd::Finished;
                Some(Input::Media(MediaEvent::PlayDone { port, play, end }))
            }
            Due::Event(event) => {
                if let MediaEvent::Closed { port, .. } = &event {
                    let closed = self.ports.remove(port)?;
                    let at = self.soon(now);
                    out.push((at, Due::Ready(closed.address, closed.rtp_port)));
                }
                Some(Input::Media(event))
            }
        }
    }

    /// A key pressed by whoever sends to this port.
    pub fn press(&mut self, rtp_port: u16, key: char, now: Instant) -> Option<(Instant, Due)> {
        let at = self.soon(now);
        let mut open = self.ports.iter().filter(|(_, open)| !open.closing);
        let (port, _) = open.find(|(_, open)| open.rtp_port == rtp_port)?;
        let (port, digit) = (*port, Digit::from_char(key)?);
        let event = MediaEvent::Digit {
            port,
            digit,
            duration_ms: 100,
        };
        Some((at, Due::Event(event)))
    }

    fn open(&mut self, port: PortId, address: MediaAddressId, rtp_port: u16, config: &PortConfig) {
        self.opened += 1;
        self.check(config);
        if !self.stock.remove(&(address, rtp_port)) {
            self.violations
                .push(format!("Open on {rtp_port}, which is not free"));
        }
        let open = OpenPort {
            address,
            rtp_port,
            playing: None,
            closing: false,
        };
        if self.ports.insert(port, open).is_some() {
            self.violations
                .push(format!("Open of {port:?}, which is open"));
        }
        let same_slot = |other: &&PortId| (other.worker, other.slot) == (port.worker, port.slot);
        if self.ports.keys().filter(same_slot).count() > 1 {
            self.violations
                .push(format!("Open of {port:?} in a slot that is not free"));
        }
    }

    fn close(&mut self, port: PortId, now: Instant, out: &mut Vec<(Instant, Due)>) {
        let (stops, at) = (self.random.per_mille(500), self.soon(now));
        let Some(open) = self.live(port, "Close") else {
            return;
        };
        open.closing = true;
        let playing = open.playing.take().filter(|_| stops);
        out.extend(playing.map(|play| (at, play_done(port, play, PlayEnd::Stopped))));
        let stats = Box::new(PortStats::default());
        out.push((at, Due::Event(MediaEvent::Closed { port, stats })));
    }

    /// A port that may be given orders.
    fn live(&mut self, port: PortId, order: &str) -> Option<&mut OpenPort> {
        let open = self.ports.get_mut(&port).filter(|open| !open.closing);
        if open.is_none() {
            self.violations
                .push(format!("{order} for {port:?}, which is not open"));
        }
        open
    }

    fn check(&mut self, config: &PortConfig) {
        if !config.ptime_ms.is_multiple_of(10) || !(10..=60).contains(&config.ptime_ms) {
            self.violations
                .push(format!("packets of {} ms", config.ptime_ms));
        }
        if config.codecs.is_empty() && config.direction != Direction::Inactive {
            self.violations.push("a port without a codec".to_owned());
        }
    }

    /// Within two ticks.
    fn soon(&mut self, now: Instant) -> Instant {
        now + self.random.ms(0, 40)
    }
}

fn play_done(port: PortId, play: PlayId, end: PlayEnd) -> Due {
    Due::Event(MediaEvent::PlayDone { port, play, end })
}

/// How long the prompts of the simulation are.
fn length(url: &str) -> Duration {
    Duration::from_millis(if url.contains("prompt") { 2000 } else { 300 })
}
