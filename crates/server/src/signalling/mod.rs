//! The signalling thread: one loop that owns the `Switch`, takes all that can
//! happen to it, in batches, and carries out what it decides, in order.

mod figures;
mod media_side;
mod wires;

pub use figures::{Board, Figures, MAX_SILENCE};
pub use media_side::MediaSide;
pub use wires::{BoundListener, Wires};

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use strowger_switch::effect::{Effect, Event, EventKind};
use strowger_switch::input::{Control, Input};
use strowger_switch::registration::KeptRegistration;
use strowger_switch::switch::Switch;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver};
use tokio::task::{LocalSet, yield_now};
use tokio::time::{Sleep, sleep, sleep_until};

use crate::net::TcpLimits;
use crate::prompts::Reply;
use crate::records::Records;
use crate::registrations::Registrations;
use crate::sys::{self, Doorbell};

/// Inputs taken from one source in one turn of the loop.
const BATCH: usize = 64;

/// Turns of the loop after which other tasks of the thread get theirs.
const MAX_TURNS_ALONE: u32 = 8;

/// How often the figures are published.
const PUBLISH: Duration = Duration::from_secs(1);

/// The switch's timers fire on this grid: no timer of RFC 3261 minds 10 ms, and
/// thousands of transactions that end one by one do not each wake the thread.
const TIMER_GRAIN: Duration = Duration::from_millis(10);

/// How soon orders that found no room in a ring are tried again.
const RETRY_ORDERS: Duration = Duration::from_millis(5);

/// How long the last messages may take on stream connections at the end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// All that the signalling thread owns. The sockets are bound already, so that
/// what can fail has failed before the thread starts.
pub struct SignallingParts {
    /// The switch.
    pub switch: Switch,
    /// Listeners, in the order of the configuration.
    pub listeners: Vec<BoundListener>,
    /// Limits of stream connections.
    pub tcp_limits: TcpLimits,
    /// Media workers, ports and prompts.
    pub media: MediaSide,
    /// What the prompt library answers.
    pub replies: UnboundedReceiver<Reply>,
    /// What the operator wants.
    pub controls: Receiver<Control>,
    /// Rung by the media workers.
    pub bell: Arc<Doorbell>,
    /// Where call records go, if anywhere.
    pub records: Option<Records>,
    /// Where registrations are kept, if anywhere.
    pub registrations: Option<Registrations>,
    /// What was kept there before this start.
    pub restored: Vec<KeptRegistration>,
    /// Where figures are published.
    pub board: Arc<Board>,
}

/// Runs the calling thread as the signalling thread, until a drain is complete.
pub fn run(parts: SignallingParts) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let mut signalling = Signalling::new(parts)?;
        signalling.run().await;
        signalling.last_words().await;
        Ok(())
    })
}

struct Signalling {
    switch: Switch,
    wires: Wires,
    media: MediaSide,
    replies: UnboundedReceiver<Reply>,
    controls: Receiver<Control>,
    bell: AsyncFd<Arc<Doorbell>>,
    records: Option<Records>,
    registrations: Option<Registrations>,
    board: Arc<Board>,
    inputs: Vec<Input>,
    effects: Vec<Effect>,
    began: Instant,
    publish_at: Instant,
    orders_waiting: usize,
    drained: bool,
}

impl Signalling {
    fn new(mut parts: SignallingParts) -> io::Result<Self> {
        parts.bell.arm();
        let mut inputs = Vec::with_capacity(4 * BATCH);
        parts.media.announce_all(&mut inputs);
        let restored = parts.restored.drain(..);
        inputs.extend(restored.map(|kept| Input::Restore(Box::new(kept))));
        Ok(Self {
            switch: parts.switch,
            wires: Wires::start(parts.listeners, parts.tcp_limits)?,
            media: parts.media,
            replies: parts.replies,
            controls: parts.controls,
            bell: sys::watch_bell(parts.bell)?,
            records: parts.records,
            registrations: parts.registrations,
            board: parts.board,
            inputs,
            effects: Vec::with_capacity(4 * BATCH),
            began: Instant::now(),
            publish_at: Instant::now(),
            orders_waiting: 0,
            drained: false,
        })
    }

    async fn run(&mut self) {
        let mut timer = pin!(sleep(PUBLISH));
        let mut turns = 0_u32;
        while !self.drained {
            let deadline = self.deadline().into();
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            poll_fn(|cx| self.poll_inputs(cx, timer.as_mut())).await;
            self.turn(Instant::now());
            turns += 1;
            // Connections are served by tasks of this thread. They run whenever there
            // is nothing to do here; see to it that they also run when there always is.
            if turns.is_multiple_of(MAX_TURNS_ALONE) {
                yield_now().await;
            }
        }
    }

    /// When the loop turns even if nothing happens.
    fn deadline(&self) -> Instant {
        let switch = self
            .switch
            .poll_timeout()
            .map(|(at, _)| coarse(self.began, at));
        let retry = (self.orders_waiting > 0).then(|| Instant::now() + RETRY_ORDERS);
        let others = [switch, retry].into_iter().flatten();
        others.fold(self.publish_at, Instant::min)
    }

    /// Takes a batch from every source. Ready when there is anything to do.
    fn poll_inputs(&mut self, cx: &mut Context<'_>, timer: Pin<&mut Sleep>) -> Poll<()> {
        let mut ready = !self.inputs.is_empty();
        ready |= self.wires.poll_inputs(cx, BATCH, &mut self.inputs);
        ready |= self.poll_bell(cx);
        for _ in 0..BATCH {
            let Poll::Ready(Some(reply)) = self.replies.poll_recv(cx) else {
                break;
            };
            self.media
                .handle_reply(reply, Instant::now(), &mut self.inputs);
            ready = true;
        }
        while let Poll::Ready(Some(control)) = self.controls.poll_recv(cx) {
            self.inputs.push(Input::Control(control));
            ready = true;
        }
        ready |= timer.poll(cx).is_ready();
        if ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn poll_bell(&mut self, cx: &mut Context<'_>) -> bool {
        let mut rung = false;
        while let Poll::Ready(Ok(mut ready)) = self.bell.poll_read_ready(cx) {
            let bell = self.bell.get_ref();
            bell.hush();
            ready.clear_ready();
            bell.arm();
            rung = true;
        }
        if rung {
            self.media.take_events(&mut self.inputs);
        }
        rung
    }

    fn turn(&mut self, now: Instant) {
        for input in self.inputs.drain(..) {
            self.switch.handle_input(input, now, &mut self.effects);
        }
        if self.switch.poll_timeout().is_some_and(|(at, _)| at <= now) {
            self.switch.handle_timeout(now, &mut self.effects);
        }
        self.carry_out(now);
        self.media.top_up(&mut self.inputs);
        self.orders_waiting = self.media.flush();
        if now >= self.publish_at {
            self.publish_at = now + PUBLISH;
            self.publish();
        }
    }

    fn carry_out(&mut self, now: Instant) {
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Send { hop, message } => {
                    if !self.wires.send(&hop, message) {
                        self.inputs.push(Input::TransportError { hop });
                    }
                }
                Effect::Media(order) => self.media.carry_out(order, now, &mut self.inputs),
                Effect::Event(event) => tell(&event),
                Effect::Record(record) => {
                    if let Some(records) = &self.records {
                        records.write(record);
                    }
                }
                Effect::Registration(kept) => {
                    if let Some(registrations) = &self.registrations {
                        registrations.keep(kept);
                    }
                }
                Effect::Drained => self.drained = true,
            }
        }
    }

    fn publish(&self) {
        self.board.publish(Figures {
            switch: self.switch.stats(),
            udp: self.wires.udp_stats(),
            tcp: self.wires.tcp_stats(),
            stocked_ports: self.media.stocked() as u64,
            orders_waiting: self.orders_waiting as u64,
            prompts_waiting: self.media.prompts_waiting() as u64,
        });
    }

    /// Lets connections write what waits.
    async fn last_words(&mut self) {
        self.publish();
        let deadline = Instant::now() + LAST_WORDS;
        while !self.wires.is_flushed() && Instant::now() < deadline {
            sleep_until((Instant::now() + RETRY_ORDERS).into()).await;
        }
    }
}

/// The next place at or after `at` on a grid of [`TIMER_GRAIN`].
fn coarse(began: Instant, at: Instant) -> Instant {
    let grains = at
        .saturating_duration_since(began)
        .as_nanos()
        .div_ceil(TIMER_GRAIN.as_nanos());
    began + TIMER_GRAIN * u32::try_from(grains).unwrap_or(u32::MAX)
}

/// The log's side of an event: what a user did is INFO, its course DEBUG.
fn tell(event: &Event) {
    let call = &*event.id;
    match &event.kind {
        EventKind::Created {
            source,
            destination,
        } => {
            tracing::info!(call, source, destination, "call created");
        }
        EventKind::Progressing => tracing::info!(call, "call answered"),
        EventKind::HangUp { by, reason } => tracing::info!(call, by, reason, "call over"),
        EventKind::ActionFailed { id, action, reason } => {
            tracing::info!(call, action, id = &**id, reason, "action failed");
        }
        EventKind::ActionStarted { id, action } => {
            tracing::debug!(call, action, id = &**id, "action started");
        }
        EventKind::Extension { change, contacts } => {
            let (user, change) = (call, change.as_str());
            tracing::info!(user, change, contacts, "registration");
        }
        EventKind::Banned { source } => {
            tracing::info!(%source, "too many wrong passwords, source banned");
        }
        EventKind::Ringing
        | EventKind::Terminating
        | EventKind::Canceling
        | EventKind::Digit(_) => {
            tracing::debug!(call, event = event.kind.as_str(), "call event");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_on_the_grid_never_early() {
        let began = Instant::now();
        for (at_us, fires_ms) in [(0, 0), (1, 10), (10_000, 10), (10_001, 20), (500_000, 500)] {
            let at = began + Duration::from_micros(at_us);
            assert_eq!(
                coarse(began, at),
                began + Duration::from_millis(fires_ms),
                "{at_us}"
            );
        }
        let past = coarse(began + Duration::from_secs(1), began);
        assert_eq!(past, began + Duration::from_secs(1));
    }
}
