//! One UDP listener.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use strowger_sip::transport::{Hop, ListenerId, Transport};
use tokio::io::unix::AsyncFd;

use crate::sys;

/// The largest datagram there is; what a limit calls too large is for the
/// parser to say.
pub const MAX_DATAGRAM: usize = 65_535;

/// Counters of a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpStats {
    /// Datagrams received.
    pub received: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams that the kernel had no room for.
    pub send_overflows: u64,
}

/// A bound socket with its place in the configuration.
#[derive(Debug)]
pub struct UdpListener {
    id: ListenerId,
    socket: AsyncFd<UdpSocket>,
    stats: UdpStats,
}

impl UdpListener {
    /// Takes over a bound, non-blocking socket. Must be called in a runtime.
    pub fn new(id: ListenerId, socket: UdpSocket) -> io::Result<Self> {
        Ok(Self {
            id,
            socket: sys::watch_socket(socket)?,
            stats: UdpStats::default(),
        })
    }

    /// Takes up to `max` datagrams; pending when there is none. Keep-alives
    /// (nothing but CRLF or NUL) go no further than here.
    pub fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        max: usize,
        mut take: impl FnMut(Hop, Bytes),
    ) -> Poll<()> {
        let mut count = 0;
        loop {
            let Ok(mut ready) = ready!(self.socket.poll_read_ready(cx)) else {
                return Poll::Pending;
            };
            while count < max {
                match self.socket.get_ref().recv_from(buffer) {
                    Ok((len, remote)) => {
                        count += 1;
                        self.stats.received += 1;
                        let datagram = &buffer[..len];
                        if !is_keep_alive(datagram) {
                            take(hop(self.id, remote), Bytes::copy_from_slice(datagram));
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        ready.clear_ready();
                        break;
                    }
                    // What ICMP said about a datagram of ours; nobody to tell.
                    Err(_) => count += 1,
                }
            }
            if count > 0 {
                return Poll::Ready(());
            }
        }
    }

    /// Sends one message. A full send buffer loses it, as a network may;
    /// an error says that it cannot be sent there.
    pub fn send(&mut self, to: SocketAddr, message: &[u8]) -> io::Result<()> {
        match self.socket.get_ref().send_to(message, to) {
            Ok(_) => self.stats.sent += 1,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.stats.send_overflows += 1;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Its counters.
    pub fn stats(&self) -> UdpStats {
        self.stats
    }
}

fn hop(listener: ListenerId, remote: SocketAddr) -> Hop {
    Hop {
        transport: Transport::Udp,
        listener,
        remote,
        connection: None,
    }
}

fn is_keep_alive(datagram: &[u8]) -> bool {
    datagram
        .iter()
        .all(|octet| matches!(octet, b'\r' | b'\n' | 0))
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::net::bind_udp;

    #[tokio::test]
    async fn datagrams_come_in_batches_with_their_hop() {
        let socket = bind_udp("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let mut listener = UdpListener::new(ListenerId(3), socket).unwrap();
        let far = UdpSocket::bind("127.0.0.1:0").unwrap();
        for text in ["one", "\r\n\r\n", "two", "", "three"] {
            far.send_to(text.as_bytes(), address).unwrap();
        }
        let mut buffer = vec![0; MAX_DATAGRAM];
        let mut all = Vec::new();
        while all.len() < 3 {
            poll_fn(|cx| {
                listener.poll_receive(cx, &mut buffer, 2, |hop, message| all.push((hop, message)))
            })
            .await;
        }
        let texts: Vec<_> = all.iter().map(|(_, message)| &message[..]).collect();
        assert_eq!(texts, [&b"one"[..], b"two", b"three"]);
        assert_eq!(all[0].0, hop(ListenerId(3), far.local_addr().unwrap()));
        let nothing = poll_fn(|cx| {
            Poll::Ready(
                listener.poll_receive(cx, &mut buffer, 2, |_, _| panic!("nothing was sent")),
            )
        });
        assert!(nothing.await.is_pending());
        listener.send(far.local_addr().unwrap(), b"back").unwrap();
        assert_eq!(far.recv(&mut buffer).unwrap(), 4);
        assert_eq!(
            listener.stats(),
            UdpStats {
                received: 5,
                sent: 1,
                send_overflows: 0
            }
        );
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_an_error() {
        let socket = bind_udp("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut listener = UdpListener::new(ListenerId(0), socket).unwrap();
        assert!(listener.send("[::1]:5060".parse().unwrap(), b"x").is_err());
        assert!(
            listener
                .send("127.0.0.1:5060".parse().unwrap(), &vec![0; 70_000])
                .is_err()
        );
    }
}
