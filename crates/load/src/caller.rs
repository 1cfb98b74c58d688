//! All calls of a run on one SIP socket.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd};

use bytes::Bytes;
use strowger_sip::message::{HeaderName, Message, MessageLimits, Method};

use crate::call::{Call, CallState, Line, NEVER, Step, index_of};
use crate::histogram::Histogram;
use crate::sys::{ReceiveBatch, SendBatch, wall_ns};

/// The longest message sent or taken.
const MESSAGE_ROOM: usize = 16 * 1024;

/// What happened to the calls.
#[derive(Clone, Debug, Default)]
pub struct SignallingFigures {
    /// Calls begun.
    pub placed: u64,
    /// Calls answered.
    pub answered: u64,
    /// Calls ended by our BYE and its 200.
    pub ended: u64,
    /// Calls failed, by status or other reason.
    pub failed: BTreeMap<String, u64>,
    /// INVITEs sent again.
    pub invite_retransmissions: u64,
    /// BYEs sent again.
    pub bye_retransmissions: u64,
    /// 2xx that came again.
    pub repeated_answers: u64,
    /// Messages that came and could not be read or belong to no call.
    pub strange_messages: u64,
    /// Datagrams that our own socket dropped for want of room.
    pub dropped: u64,
    /// INVITE to 2xx, in ns.
    pub set_up: Histogram,
}

impl SignallingFigures {
    /// Calls failed, for whatever reason.
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

/// Places calls and ends them.
pub struct Caller {
    line: Line,
    socket: UdpSocket,
    receive: ReceiveBatch,
    send: SendBatch,
    limits: MessageLimits,
    calls: Vec<Placed>,
    timers: BinaryHeap<Reverse<(u64, u32)>>,
    out: Vec<Bytes>,
    /// What happened so far.
    pub figures: SignallingFigures,
    /// Answers, ends and failures since the caller was last asked to forget them.
    pub steps: Vec<(u32, Step)>,
}

struct Placed {
    call: Call,
    sent_wall_ns: u64,
}

impl Caller {
    /// On this socket, whose address the line names.
    pub fn new(line: Line, socket: UdpSocket) -> Self {
        Self {
            line,
            socket,
            receive: ReceiveBatch::new(MESSAGE_ROOM),
            send: SendBatch::new(MESSAGE_ROOM),
            limits: MessageLimits::default(),
            calls: Vec::new(),
            timers: BinaryHeap::new(),
            out: Vec::new(),
            figures: SignallingFigures::default(),
            steps: Vec::new(),
        }
    }

    /// The SIP socket, to wait on.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Begins a call with this offer and returns its index: the number of calls
    /// begun before. The INVITE goes out with the next [`Caller::turn`].
    pub fn place(&mut self, offer: Bytes, now: u64) -> u32 {
        let index = self.calls.len() as u32;
        let call = Call::invite(&self.line, index, offer, now, &mut self.out);
        self.timers.push(Reverse((call.poll_timeout(), index)));
        self.calls.push(Placed {
            call,
            sent_wall_ns: wall_ns(),
        });
        self.figures.placed += 1;
        self.flush();
        index
    }

    /// Ends a call if it is up; the BYE goes out with the next [`Caller::turn`].
    pub fn hang_up(&mut self, index: u32, now: u64) {
        if let Some(placed) = self.calls.get_mut(index as usize) {
            placed.call.hang_up(now, &mut self.out);
            let next = placed.call.poll_timeout();
            if next != NEVER {
                self.timers.push(Reverse((next, index)));
            }
            self.flush();
        }
    }

    /// Sends and takes all there is, and lets timers run out.
    pub fn turn(&mut self, now: u64) -> io::Result<()> {
        self.send_now();
        let mut arrived = Vec::new();
        let mut dropped = self.figures.dropped;
        while self.receive.receive(self.socket.as_fd(), |datagram| {
            let message = Bytes::copy_from_slice(datagram.octets);
            arrived.push((message, datagram.stamp_ns));
            dropped = datagram.dropped.map_or(dropped, u64::from);
        })? {}
        self.figures.dropped = dropped;
        for (message, stamp_ns) in arrived {
            self.take(message, stamp_ns);
        }
        while let Some(&Reverse((when, index))) = self.timers.peek()
            && when <= now
        {
            self.timers.pop();
            let call = &mut self.calls[index as usize].call;
            let step = call.handle_timeout(&self.line, now, &mut self.out);
            let next = call.poll_timeout();
            // An entry of a timer that was stopped or moved is left behind.
            if next != NEVER && step != Step::Same {
                self.timers.push(Reverse((next, index)));
            }
            self.note(index, step, None);
        }
        self.send_now();
        Ok(())
    }

    /// Calls in any of these states.
    pub fn count(&self, states: &[CallState]) -> usize {
        let is_one = |placed: &&Placed| states.contains(&placed.call.state());
        self.calls.iter().filter(is_one).count()
    }

    /// When the next timer runs out, or [`NEVER`].
    pub fn poll_timeout(&self) -> u64 {
        self.timers.peek().map_or(NEVER, |Reverse((when, _))| *when)
    }

    fn take(&mut self, message: Bytes, stamp_ns: Option<u64>) {
        let Ok(message) = Message::parse(message, &self.limits) else {
            self.figures.strange_messages += 1;
            return;
        };
        let id = message.headers().get(&HeaderName::CallId);
        let index = id.and_then(|id| index_of(id, self.line.run));
        let placed = index.and_then(|index| self.calls.get_mut(index as usize));
        let (Some(index), Some(placed)) = (index, placed) else {
            self.figures.strange_messages += 1;
            return;
        };
        let before = placed.call.poll_timeout();
        let step = match &message {
            Message::Response(response) => {
                placed
                    .call
                    .handle_response(&self.line, response, &mut self.out)
            }
            Message::Request(request) => placed.call.handle_request(request, &mut self.out),
        };
        let next = placed.call.poll_timeout();
        if next != before && next != NEVER {
            self.timers.push(Reverse((next, index)));
        }
        self.note(index, step, stamp_ns);
    }

    fn note(&mut self, index: u32, step: Step, stamp_ns: Option<u64>) {
        let figures = &mut self.figures;
        match &step {
            Step::Same => return,
            Step::AnsweredAgain => figures.repeated_answers += 1,
            Step::Retransmitted(Method::Invite) => figures.invite_retransmissions += 1,
            Step::Retransmitted(_) => figures.bye_retransmissions += 1,
            Step::Answered(_) => {
                figures.answered += 1;
                let sent = self.calls[index as usize].sent_wall_ns;
                let arrived = stamp_ns.unwrap_or_else(wall_ns);
                figures.set_up.add(arrived.saturating_sub(sent));
            }
            Step::Ended => figures.ended += 1,
            Step::Failed(reason) => *figures.failed.entry(reason.clone()).or_default() += 1,
        }
        self.steps.push((index, step));
        self.flush();
    }

    /// Moves messages into the batch, and the batch out when it is full.
    fn flush(&mut self) {
        for message in self.out.drain(..) {
            if self.send.is_full() {
                self.send.flush(self.socket.as_fd());
            }
            self.send.push(self.line.target, |octets| {
                let len = message.len().min(octets.len());
                octets[..len].copy_from_slice(&message[..len]);
                len
            });
        }
    }

    fn send_now(&mut self) {
        self.flush();
        self.send.flush(self.socket.as_fd());
    }
}
