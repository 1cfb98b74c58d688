//! One stream connection: framing on the way in, a bounded queue on the way
//! out, and an end when nothing moves.
//!
//! | state | what happens | next |
//! | --- | --- | --- |
//! | open | octets | messages handed on; a ping is answered (RFC 5626 §4.4.1) |
//! | open | a stream that cannot be framed | closing: nothing is read any more |
//! | open, closing | the queue has a message | written |
//! | open | end of stream, error, idle, half a message for too long | closed |
//! | closing | the answer is written, or a second passed | closed |
//! | any | the outbox is dropped | closed when what waits is written, or cannot be |

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use strowger_sip::message::{Framed, StreamFramer};
use strowger_sip::transport::Hop;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until, timeout};

use super::{TcpInput, TcpLimits};

/// How long an answer may take after the stream broke.
const CLOSING: Duration = Duration::from_secs(1);

/// Messages waiting to be sent beyond which a ping is not answered: whoever
/// pings without reading gets no queue for it.
const MAX_UNSENT_PONGS: usize = 16;

/// Octets read at once.
const READ_BYTES: usize = 16_384;

/// Makes a queue of up to `max_bytes` octets.
pub(super) fn queue(max_bytes: usize) -> (Outbox, Mailbox) {
    let (messages_in, messages) = unbounded_channel();
    let queued = Rc::new(Cell::new(0));
    let outbox = Outbox {
        messages: messages_in,
        queued: Rc::clone(&queued),
        max_bytes,
    };
    (outbox, Mailbox { messages, queued })
}

/// The end of the queue where messages go in.
#[derive(Debug)]
pub(super) struct Outbox {
    messages: UnboundedSender<Bytes>,
    queued: Rc<Cell<usize>>,
    max_bytes: usize,
}

impl Outbox {
    /// Whether all that was put in is written.
    pub(super) fn is_empty(&self) -> bool {
        self.queued.get() == 0
    }

    /// `false` when there is no room, or nobody writes any more.
    pub(super) fn push(&self, message: Bytes) -> bool {
        let queued = self.queued.get() + message.len();
        if queued > self.max_bytes {
            return false;
        }
        self.queued.set(queued);
        self.messages.send(message).is_ok()
    }
}

/// The end of the queue where messages come out.
#[derive(Debug)]
pub(super) struct Mailbox {
    messages: UnboundedReceiver<Bytes>,
    queued: Rc<Cell<usize>>,
}

/// Opens a connection from `local`.
pub(super) async fn connect(
    local: IpAddr,
    remote: SocketAddr,
    within: Duration,
) -> io::Result<TcpStream> {
    let socket = if remote.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.bind(SocketAddr::new(local, 0))?;
    timeout(within, socket.connect(remote)).await?
}

/// Serves a connection to its end, which it reports.
pub(super) async fn serve(
    stream: TcpStream,
    hop: Hop,
    mailbox: Mailbox,
    inputs: Sender<TcpInput>,
    limits: TcpLimits,
) {
    let _ = stream.set_nodelay(true);
    let now = Instant::now();
    let connection = Connection {
        framer: StreamFramer::new(limits.message.clone()),
        stream,
        hop,
        mailbox,
        inputs: inputs.clone(),
        limits,
        out: VecDeque::new(),
        moved: now,
        incomplete_since: None,
        unsent_since: None,
        closing: None,
        orphaned: false,
    };
    let why = connection.run().await;
    tracing::debug!(remote = %hop.remote, why, "TCP connection closed");
    let _ = inputs.send(TcpInput::Closed { hop }).await;
}

struct Connection {
    stream: TcpStream,
    framer: StreamFramer,
    hop: Hop,
    mailbox: Mailbox,
    inputs: Sender<TcpInput>,
    limits: TcpLimits,
    out: VecDeque<Bytes>,
    moved: Instant,
    incomplete_since: Option<Instant>,
    unsent_since: Option<Instant>,
    closing: Option<Instant>,
    orphaned: bool,
}

impl Connection {
    async fn run(mut self) -> &'static str {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            if self.out.is_empty() && self.orphaned {
                return "given up";
            }
            let (deadline, why) = self.deadline();
            tokio::select! {
                _ = self.stream.readable(), if self.closing.is_none() && !self.orphaned => {
                    if let Err(why) = self.read(&mut buffer).await {
                        return why;
                    }
                }
                _ = self.stream.writable(), if !self.out.is_empty() => {
                    if let Err(why) = self.write() {
                        return why;
                    }
                }
                message = self.mailbox.messages.recv(), if !self.orphaned => match message {
                    Some(message) => {
                        self.out.push_back(message);
                        self.unsent_since.get_or_insert_with(Instant::now);
                        if let Err(why) = self.write() {
                            return why;
                        }
                    }
                    None => self.orphaned = true,
                },
                () = sleep_until(deadline) => return why,
            }
        }
    }

    fn deadline(&self) -> (Instant, &'static str) {
        let candidates = [
            Some((self.moved + self.limits.idle, "idle")),
            self.incomplete_since
                .map(|since| (since + self.limits.stalled, "half a message")),
            self.unsent_since
                .map(|since| (since + self.limits.stalled, "the far end does not read")),
            self.closing.map(|at| (at, "cannot be framed")),
        ];
        let first = candidates.into_iter().flatten().min_by_key(|(at, _)| *at);
        first.expect("the idle limit always stands")
    }

    async fn read(&mut self, buffer: &mut [u8]) -> Result<(), &'static str> {
        let len = match self.stream.try_read(buffer) {
            Ok(0) => return Err("end of stream"),
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return Err("reading failed"),
        };
        self.moved = Instant::now();
        self.framer.push(&buffer[..len]);
        while let Some(framed) = self.framer.next() {
            self.incomplete_since = None;
            match framed {
                Ok(Framed::Message(message)) => {
                    let hop = self.hop;
                    self.say(TcpInput::Message { hop, message }).await?;
                }
                Ok(Framed::Ping) if self.out.len() < MAX_UNSENT_PONGS => {
                    self.out.push_back(Bytes::from_static(b"\r\n"));
                    self.write()?;
                }
                Ok(Framed::Ping | Framed::Pong) => {}
                Err(error) => {
                    self.closing = Some(Instant::now() + CLOSING);
                    let (hop, head, status) = (self.hop, error.head, error.status.code());
                    self.say(TcpInput::Unframed { hop, head, status }).await?;
                }
            }
        }
        if self.framer.pending_bytes() > 0 {
            self.incomplete_since.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    async fn say(&self, input: TcpInput) -> Result<(), &'static str> {
        self.inputs.send(input).await.map_err(|_| "nobody listens")
    }

    fn write(&mut self) -> Result<(), &'static str> {
        while let Some(message) = self.out.front_mut() {
            match self.stream.try_write(message) {
                Ok(len) => {
                    message.advance(len);
                    self.moved = Instant::now();
                    if message.is_empty() {
                        self.out.pop_front();
                        self.unsent_since = None;
                    }
                    let queued = &self.mailbox.queued;
                    queued.set(queued.get().saturating_sub(len));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.unsent_since.get_or_insert_with(Instant::now);
                    return Ok(());
                }
                Err(_) => return Err("writing failed"),
            }
        }
        self.unsent_since = None;
        if self.closing.is_some() {
            return Err("cannot be framed");
        }
        Ok(())
    }
}
