//! All stream connections: those that came in and those that were opened to
//! send something. Each is served by one task of the signalling thread; this
//! table, which only the signalling loop touches, leads to them.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use strowger_sip::message::MessageLimits;
use strowger_sip::transport::{ConnectionId, Hop, ListenerId, Transport};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_local;

use super::connection::{self, Mailbox, Outbox};

/// Inputs of all connections that may wait for the signalling loop; when they
/// do, connections are not read any further.
const MAX_WAITING_INPUTS: usize = 256;

/// Pause of an accept loop that has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Limits of the stream transports.
#[derive(Clone, Debug)]
pub struct TcpLimits {
    /// Connections at one time, in and out together.
    pub max_connections: usize,
    /// A connection on which nothing moved for this long is closed.
    pub idle: Duration,
    /// A message must be complete, and what we send must be taken, within this time.
    pub stalled: Duration,
    /// A connection to a far end must be up within this time.
    pub connect: Duration,
    /// Octets that may wait to be sent on one connection.
    pub max_queue_bytes: usize,
    /// Limits of one message.
    pub message: MessageLimits,
}

/// What connections have to say.
#[derive(Debug)]
pub enum TcpInput {
    /// A connection was accepted.
    Accepted {
        /// On which listener.
        listener: ListenerId,
        /// The stream.
        stream: TcpStream,
        /// The far end.
        remote: SocketAddr,
    },
    /// One message came.
    Message {
        /// Where from.
        hop: Hop,
        /// The octets.
        message: Bytes,
    },
    /// The stream cannot be framed any further.
    Unframed {
        /// Where from.
        hop: Hop,
        /// The message's head, as far as it came.
        head: Bytes,
        /// 400, 413 or 513.
        status: u16,
    },
    /// The connection is gone, or never came to be.
    Closed {
        /// Where it led.
        hop: Hop,
    },
}

/// Counters of the stream transports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpStats {
    /// Connections up now.
    pub connections: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections opened by us.
    pub opened: u64,
    /// Connections turned away because `max_connections` was reached.
    pub refused: u64,
    /// Connections closed because their queue was full.
    pub overflowed: u64,
}

/// The table of connections.
#[derive(Debug)]
pub struct TcpTransport {
    limits: TcpLimits,
    local: HashMap<ListenerId, SocketAddr>,
    inputs: Receiver<TcpInput>,
    inputs_in: Sender<TcpInput>,
    connections: HashMap<ConnectionId, Connection>,
    by_remote: HashMap<(ListenerId, SocketAddr), ConnectionId>,
    next_id: u64,
    stats: TcpStats,
}

#[derive(Debug)]
struct Connection {
    hop: Hop,
    outbox: Outbox,
}

impl TcpTransport {
    /// Without a listener yet.
    pub fn new(limits: TcpLimits) -> Self {
        let (inputs_in, inputs) = channel(MAX_WAITING_INPUTS);
        Self {
            limits,
            local: HashMap::new(),
            inputs,
            inputs_in,
            connections: HashMap::new(),
            by_remote: HashMap::new(),
            next_id: 1,
            stats: TcpStats::default(),
        }
    }

    /// Accepts connections on a bound, non-blocking listener from now on. Must
    /// be called within a `LocalSet`.
    pub fn listen(&mut self, id: ListenerId, listener: std::net::TcpListener) -> io::Result<()> {
        self.local.insert(id, listener.local_addr()?);
        let listener = TcpListener::from_std(listener)?;
        spawn_local(accept(id, listener, self.inputs_in.clone()));
        Ok(())
    }

    /// What connections have to say; feed it to [`handle_input`](Self::handle_input).
    pub fn inputs(&mut self) -> &mut Receiver<TcpInput> {
        &mut self.inputs
    }

    /// Keeps the table right. Returns what concerns the switch.
    pub fn handle_input(&mut self, input: TcpInput) -> Option<TcpInput> {
        match input {
            TcpInput::Accepted {
                listener,
                stream,
                remote,
            } => {
                self.accepted(listener, stream, remote);
                None
            }
            TcpInput::Closed { hop } => {
                if let Some(id) = hop.connection {
                    self.forget(id);
                }
                Some(TcpInput::Closed { hop })
            }
            TcpInput::Message { .. } | TcpInput::Unframed { .. } => Some(input),
        }
    }

    /// Queues one message: on the hop's connection, on any other to that address,
    /// or on a new one. The error says that it will not be sent.
    pub fn send(&mut self, hop: &Hop, message: Bytes) -> io::Result<()> {
        let known = hop
            .connection
            .filter(|id| self.connections.contains_key(id))
            .or_else(|| self.by_remote.get(&(hop.listener, hop.remote)).copied());
        let id = match known {
            Some(id) => id,
            None => self.open(hop)?,
        };
        let outbox = &self.connections[&id].outbox;
        if outbox.push(message) {
            return Ok(());
        }
        self.stats.overflowed += 1;
        self.forget(id);
        Err(io::Error::other("the connection's queue is full"))
    }

    /// Whether no message waits to be written.
    pub fn is_flushed(&self) -> bool {
        self.connections
            .values()
            .all(|connection| connection.outbox.is_empty())
    }

    /// Its counters.
    pub fn stats(&self) -> TcpStats {
        TcpStats {
            connections: self.connections.len() as u64,
            ..self.stats
        }
    }

    fn accepted(&mut self, listener: ListenerId, stream: TcpStream, remote: SocketAddr) {
        if self.connections.len() >= self.limits.max_connections {
            self.stats.refused += 1;
            return;
        }
        self.stats.accepted += 1;
        let (hop, mailbox) = self.enter(listener, remote);
        spawn_local(connection::serve(
            stream,
            hop,
            mailbox,
            self.inputs_in.clone(),
            self.limits.clone(),
        ));
    }

    fn open(&mut self, hop: &Hop) -> io::Result<ConnectionId> {
        if self.connections.len() >= self.limits.max_connections {
            self.stats.refused += 1;
            return Err(io::Error::other("max_connections reached"));
        }
        let local = self
            .local
            .get(&hop.listener)
            .ok_or_else(|| io::Error::other("not a TCP listener"))?
            .ip();
        self.stats.opened += 1;
        let (named, mailbox) = self.enter(hop.listener, hop.remote);
        let (asked, inputs, limits) = (*hop, self.inputs_in.clone(), self.limits.clone());
        spawn_local(async move {
            match connection::connect(local, asked.remote, limits.connect).await {
                Ok(stream) => {
                    connection::serve(stream, named, mailbox, inputs.clone(), limits).await;
                }
                Err(error) => {
                    tracing::debug!(remote = %asked.remote, %error, "TCP connection cannot be opened");
                    let _ = inputs.send(TcpInput::Closed { hop: named }).await;
                }
            }
            // The transactions know the hop as it was asked for, too.
            if asked != named {
                let _ = inputs.send(TcpInput::Closed { hop: asked }).await;
            }
        });
        Ok(named.connection.expect("enter names the connection"))
    }

    fn enter(&mut self, listener: ListenerId, remote: SocketAddr) -> (Hop, Mailbox) {
        let id = ConnectionId(self.next_id);
        self.next_id += 1;
        let hop = Hop {
            transport: Transport::Tcp,
            listener,
            remote,
            connection: Some(id),
        };
        let (outbox, mailbox) = connection::queue(self.limits.max_queue_bytes);
        self.connections.insert(id, Connection { hop, outbox });
        self.by_remote.insert((listener, remote), id);
        (hop, mailbox)
    }

    /// Dropping the outbox makes the connection's task end.
    fn forget(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.remove(&id) {
            let key = (connection.hop.listener, connection.hop.remote);
            if self.by_remote.get(&key) == Some(&id) {
                self.by_remote.remove(&key);
            }
        }
    }
}

async fn accept(listener: ListenerId, socket: TcpListener, inputs: Sender<TcpInput>) {
    loop {
        match socket.accept().await {
            Ok((stream, remote)) => {
                let input = TcpInput::Accepted {
                    listener,
                    stream,
                    remote,
                };
                if inputs.send(input).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "TCP connection cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
#[path = "tcp_tests.rs"]
mod tests;
