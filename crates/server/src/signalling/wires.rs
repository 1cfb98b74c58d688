//! The SIP side of the signalling thread: messages in and out of all listeners.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::task::{Context, Poll};

use bytes::Bytes;
use strowger_sip::transport::{Hop, ListenerId, Transport};
use strowger_switch::config::Listener;
use strowger_switch::input::Input;

use crate::net::{
    self, MAX_DATAGRAM, TcpInput, TcpLimits, TcpStats, TcpTransport, UdpListener, UdpStats,
};

/// A listener that is bound, not yet served.
#[derive(Debug)]
pub enum BoundListener {
    /// UDP.
    Udp(UdpSocket),
    /// TCP.
    Tcp(TcpListener),
}

impl BoundListener {
    /// Binds a listener of the configuration.
    pub fn bind(listener: &Listener) -> io::Result<Self> {
        match listener.transport {
            Transport::Udp => net::bind_udp(listener.local).map(Self::Udp),
            Transport::Tcp => net::bind_tcp(listener.local).map(Self::Tcp),
        }
    }
}

/// All listeners and connections.
#[derive(Debug)]
pub struct Wires {
    udp: Vec<Option<UdpListener>>,
    tcp: TcpTransport,
    buffer: Vec<u8>,
}

impl Wires {
    /// Begins to listen on all of them, in the order of the configuration. Must
    /// be called in a runtime's `LocalSet`.
    pub fn start(listeners: Vec<BoundListener>, limits: TcpLimits) -> io::Result<Self> {
        let mut tcp = TcpTransport::new(limits);
        let mut udp = Vec::with_capacity(listeners.len());
        for (index, listener) in listeners.into_iter().enumerate() {
            let id = ListenerId(index as u16);
            udp.push(match listener {
                BoundListener::Udp(socket) => Some(UdpListener::new(id, socket)?),
                BoundListener::Tcp(listener) => {
                    tcp.listen(id, listener)?;
                    None
                }
            });
        }
        Ok(Self {
            udp,
            tcp,
            buffer: vec![0; MAX_DATAGRAM],
        })
    }

    /// Takes up to `max` messages from each listener, and from all connections
    /// together. Tells whether anything happened.
    pub fn poll_inputs(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        inputs: &mut Vec<Input>,
    ) -> bool {
        let mut ready = false;
        for udp in self.udp.iter_mut().flatten() {
            let take = |hop, message| inputs.push(Input::Sip { hop, message });
            ready |= udp.poll_receive(cx, &mut self.buffer, max, take).is_ready();
        }
        for _ in 0..max {
            let Poll::Ready(Some(input)) = self.tcp.inputs().poll_recv(cx) else {
                break;
            };
            ready = true;
            inputs.extend(self.tcp.handle_input(input).and_then(switch_input));
        }
        ready
    }

    /// Sends one message; `false` when it cannot be sent there.
    pub fn send(&mut self, hop: &Hop, message: Bytes) -> bool {
        let result = match hop.transport {
            Transport::Udp => self.send_datagram(hop.listener, hop.remote, &message),
            Transport::Tcp => self.tcp.send(hop, message),
        };
        if let Err(error) = &result {
            tracing::debug!(remote = %hop.remote, transport = %hop.transport, %error, "message cannot be sent");
        }
        result.is_ok()
    }

    /// Counters of all UDP listeners together.
    pub fn udp_stats(&self) -> UdpStats {
        let all = self.udp.iter().flatten().map(UdpListener::stats);
        all.fold(UdpStats::default(), |sum, one| UdpStats {
            received: sum.received + one.received,
            sent: sum.sent + one.sent,
            send_overflows: sum.send_overflows + one.send_overflows,
        })
    }

    /// Counters of the stream connections.
    pub fn tcp_stats(&self) -> TcpStats {
        self.tcp.stats()
    }

    /// Whether no message waits to be written.
    pub fn is_flushed(&self) -> bool {
        self.tcp.is_flushed()
    }

    fn send_datagram(
        &mut self,
        listener: ListenerId,
        remote: SocketAddr,
        message: &[u8],
    ) -> io::Result<()> {
        match self.udp.get_mut(usize::from(listener.0)) {
            Some(Some(udp)) => udp.send(remote, message),
            Some(None) | None => Err(io::Error::other("not a UDP listener")),
        }
    }
}

fn switch_input(input: TcpInput) -> Option<Input> {
    match input {
        TcpInput::Accepted { .. } => None,
        TcpInput::Message { hop, message } => Some(Input::Sip { hop, message }),
        TcpInput::Unframed { hop, head, status } => Some(Input::Unframed { hop, head, status }),
        TcpInput::Closed { hop } => Some(Input::TransportError { hop }),
    }
}
