//! The two rings between signalling and one media worker.
//!
//! Orders must not be lost: what does not fit waits, in order, on the signalling
//! side and goes out with a later [`MediaLink::flush`]. Events that do not fit
//! wait on the worker's side; beyond [`MAX_EVENT_BACKLOG`] digits are dropped and
//! counted, because a far end can make as many of them as it likes.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use rtrb::{Consumer, Producer, PushError, RingBuffer};
use strowger_media::vocabulary::{MediaCommand, MediaEvent, PlayEnd, PlayId, PortConfig, PortId};

use super::SocketPair;
use crate::sys::Doorbell;

/// Events that wait on the worker's side for room in the ring.
pub const MAX_EVENT_BACKLOG: usize = 65_536;

/// Orders that fit into the ring besides one for each port.
const SPARE_ORDERS: usize = 1024;

/// What goes to a worker.
#[derive(Debug)]
pub enum WorkerOrder {
    /// Take these sockets and open the port on them.
    Open {
        /// The port.
        port: PortId,
        /// Its sockets.
        sockets: SocketPair,
        /// Its configuration.
        config: Box<PortConfig>,
    },
    /// An order for the engine; never `MediaCommand::Open`.
    Command(MediaCommand),
}

/// Makes the rings of a worker with up to `max_ports` ports. `signalling` is
/// rung when events were put into the ring.
pub fn link(max_ports: u32, signalling: Arc<Doorbell>) -> io::Result<(MediaLink, WorkerEnd)> {
    let capacity = max_ports as usize * 2 + SPARE_ORDERS;
    let port = PortId {
        worker: 0,
        slot: 0,
        generation: 0,
    };
    let order = || WorkerOrder::Command(MediaCommand::StopPlay { port });
    let (orders, orders_out) = touched_ring(capacity, order);
    let (events_in, events) = touched_ring(capacity, || MediaEvent::PlayDone {
        port,
        play: PlayId(0),
        end: PlayEnd::Stopped,
    });
    let bell = Arc::new(Doorbell::new()?);
    let here = MediaLink {
        orders,
        waiting: VecDeque::new(),
        events,
        bell: Arc::clone(&bell),
    };
    let there = WorkerEnd {
        orders: orders_out,
        events: events_in,
        backlog: VecDeque::new(),
        digits_dropped: 0,
        bell,
        signalling,
    };
    Ok((here, there))
}

/// The signalling side. Dropping it ends the worker.
#[derive(Debug)]
pub struct MediaLink {
    orders: Producer<WorkerOrder>,
    waiting: VecDeque<WorkerOrder>,
    events: Consumer<MediaEvent>,
    bell: Arc<Doorbell>,
}

impl MediaLink {
    /// Gives an order; it is under way after the next [`flush`](Self::flush) at the latest.
    pub fn push(&mut self, order: WorkerOrder) {
        if self.waiting.is_empty() {
            if let Err(PushError::Full(order)) = self.orders.push(order) {
                self.waiting.push_back(order);
            }
        } else {
            self.waiting.push_back(order);
        }
    }

    /// Hands over what waits, as far as there is room, and wakes the worker if
    /// it sleeps. Returns how many orders still wait.
    pub fn flush(&mut self) -> usize {
        while let Some(order) = self.waiting.pop_front() {
            if let Err(PushError::Full(order)) = self.orders.push(order) {
                self.waiting.push_front(order);
                break;
            }
        }
        self.bell.ring();
        self.waiting.len()
    }

    /// The next event of the worker.
    pub fn pop_event(&mut self) -> Option<MediaEvent> {
        self.events.pop().ok()
    }

    /// The worker is gone: it panicked.
    pub fn is_abandoned(&self) -> bool {
        self.orders.is_abandoned()
    }
}

impl Drop for MediaLink {
    fn drop(&mut self) {
        let (orders, _) = RingBuffer::new(0);
        drop(std::mem::replace(&mut self.orders, orders));
        self.bell.ring();
    }
}

/// The worker's side.
#[derive(Debug)]
pub struct WorkerEnd {
    orders: Consumer<WorkerOrder>,
    events: Producer<MediaEvent>,
    backlog: VecDeque<MediaEvent>,
    digits_dropped: u64,
    bell: Arc<Doorbell>,
    signalling: Arc<Doorbell>,
}

impl WorkerEnd {
    /// The next order.
    pub fn pop_order(&mut self) -> Option<WorkerOrder> {
        self.orders.pop().ok()
    }

    /// Reports `events` and empties the list; wakes signalling if it sleeps.
    pub fn report(&mut self, events: &mut Vec<MediaEvent>) {
        if self.backlog.is_empty() && events.is_empty() {
            return;
        }
        for event in events.drain(..) {
            let digit = matches!(event, MediaEvent::Digit { .. });
            if digit && self.backlog.len() >= MAX_EVENT_BACKLOG {
                self.digits_dropped += 1;
            } else {
                self.backlog.push_back(event);
            }
        }
        while let Some(event) = self.backlog.pop_front() {
            if let Err(PushError::Full(event)) = self.events.push(event) {
                self.backlog.push_front(event);
                break;
            }
        }
        self.signalling.ring();
    }

    /// Whether all that was reported is in the ring.
    pub fn is_reported(&self) -> bool {
        self.backlog.is_empty()
    }

    /// Digits dropped since the backlog was full.
    pub fn digits_dropped(&self) -> u64 {
        self.digits_dropped
    }

    /// Signalling is gone and all its orders are taken.
    pub fn is_over(&self) -> bool {
        self.orders.is_abandoned() && self.orders.is_empty()
    }

    /// The worker's bell, armed. `None` when there is an order to see to first.
    pub fn arm(&self) -> Option<&Doorbell> {
        self.bell.arm();
        (self.orders.is_empty() && !self.orders.is_abandoned()).then_some(&self.bell)
    }

    /// The worker's bell.
    pub fn bell(&self) -> &Doorbell {
        &self.bell
    }
}

/// A ring whose memory is all there: the first thousands of calls do not wait for
/// the kernel to find it, and the process is as large after them as before.
fn touched_ring<T>(capacity: usize, filling: impl Fn() -> T) -> (Producer<T>, Consumer<T>) {
    let (mut producer, mut consumer) = RingBuffer::new(capacity);
    while producer.push(filling()).is_ok() {}
    while consumer.pop().is_ok() {}
    (producer, consumer)
}

#[cfg(test)]
mod tests {
    use strowger_media::vocabulary::Digit;

    use super::*;

    fn port(slot: u32) -> PortId {
        PortId {
            worker: 0,
            slot,
            generation: 1,
        }
    }

    fn ends() -> (MediaLink, WorkerEnd) {
        link(1, Arc::new(Doorbell::new().unwrap())).unwrap()
    }

    #[test]
    fn orders_beyond_the_ring_wait_and_keep_their_order() {
        let (mut here, mut there) = ends();
        let many = 3 * SPARE_ORDERS as u32;
        for slot in 0..many {
            here.push(WorkerOrder::Command(MediaCommand::StopPlay {
                port: port(slot),
            }));
        }
        let mut seen = Vec::new();
        while (seen.len() as u32) < many {
            here.flush();
            while let Some(order) = there.pop_order() {
                let WorkerOrder::Command(MediaCommand::StopPlay { port }) = order else {
                    panic!("not what was sent: {order:?}");
                };
                seen.push(port.slot);
            }
        }
        assert_eq!(here.flush(), 0);
        assert!(seen.iter().copied().eq(0..many));
    }

    #[test]
    fn only_digits_are_dropped_when_nobody_listens() {
        let (mut here, mut there) = ends();
        let digit = MediaEvent::Digit {
            port: port(0),
            digit: Digit::from_char('5').unwrap(),
            duration_ms: 100,
        };
        let mut events = vec![digit; MAX_EVENT_BACKLOG + 10];
        there.report(&mut events);
        events.push(MediaEvent::Closed {
            port: port(0),
            stats: Box::default(),
        });
        there.report(&mut events);
        assert!(there.digits_dropped() >= 10 && !there.is_reported());
        let mut last = None;
        while !there.is_reported() || last.is_none() {
            while let Some(event) = here.pop_event() {
                last = Some(event);
            }
            there.report(&mut events);
        }
        while let Some(event) = here.pop_event() {
            last = Some(event);
        }
        assert!(matches!(last, Some(MediaEvent::Closed { .. })));
    }

    #[test]
    fn either_end_sees_that_the_other_is_gone() {
        let (here, there) = ends();
        assert!(!there.is_over() && there.arm().is_some());
        drop(here);
        assert!(there.is_over() && there.arm().is_none());
        let (here, there) = ends();
        drop(there);
        assert!(here.is_abandoned());
    }
}
