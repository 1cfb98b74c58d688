//! How packets reach a media worker and leave it: the seam behind which another
//! kernel interface can stand, and the one on epoll.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Instant;

use super::SocketPair;
use crate::sys::{self, ClockPair, Doorbell, Epoll, ReadyList};

/// Datagrams taken from one socket in one tick; what exceeds that waits in the
/// socket's buffer and overflows there. A flood on one port costs the others
/// no more than these.
const MAX_PER_SOCKET_AND_TICK: u8 = 16;

/// Token of the doorbell, which is no slot.
const BELL: u64 = u64::MAX;

/// Which of a port's two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The even port.
    Rtp,
    /// The odd one.
    Rtcp,
}

/// One datagram that came in; its octets are in the caller's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The port's slot.
    pub slot: u32,
    /// On which socket.
    pub stream: Stream,
    /// Where from.
    pub source: SocketAddr,
    /// How many octets.
    pub len: usize,
    /// When the kernel had it.
    pub at: Instant,
}

/// The sockets of one media worker.
pub trait PacketIo {
    /// Takes over the sockets of a port.
    fn open(&mut self, slot: u32, sockets: SocketPair) -> io::Result<()>;
    /// Closes the sockets of a port.
    fn close(&mut self, slot: u32);
    /// From now on the RTP socket hears `remote` alone.
    fn connect(&mut self, slot: u32, remote: SocketAddr);
    /// The RTP socket hears everybody again.
    fn disconnect(&mut self, slot: u32);
    /// Closes the RTCP socket: RTCP shares the RTP socket from now on.
    fn mux(&mut self, slot: u32);
    /// Begins a tick: what arrives now is stamped against `clocks`.
    fn begin_tick(&mut self, clocks: ClockPair);
    /// The next datagram that is there; `None` when there is no more this tick.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<Arrival>;
    /// Sends at once. What the kernel does not take is lost and counted.
    fn send(&mut self, slot: u32, stream: Stream, to: SocketAddr, packet: &[u8]);
    /// Sleeps until the bell rings.
    fn wait(&mut self, bell: &Doorbell) -> io::Result<()>;
    /// Datagrams sent, and those that could not be.
    fn sent(&self) -> (u64, u64);
}

/// [`PacketIo`] on one level-triggered epoll set.
pub struct EpollIo {
    epoll: Epoll,
    idle: Epoll,
    ready: ReadyList,
    next: usize,
    progress: bool,
    ports: Vec<Option<Port>>,
    clocks: ClockPair,
    tick: u32,
    sent: u64,
    send_failures: u64,
}

impl EpollIo {
    /// Without a port yet. `bell` is what [`PacketIo::wait`] will be called with.
    pub fn new(max_ports: u32, bell: &Doorbell) -> io::Result<Self> {
        let idle = Epoll::new()?;
        idle.add(bell.as_fd(), BELL)?;
        Ok(Self {
            epoll: Epoll::new()?,
            idle,
            ready: ReadyList::new(1024),
            next: 0,
            progress: false,
            ports: std::iter::repeat_with(|| None)
                .take(max_ports as usize)
                .collect(),
            clocks: ClockPair::now(),
            tick: 0,
            sent: 0,
            send_failures: 0,
        })
    }

    /// The next socket to read, from as many rounds of epoll as bring anything.
    fn next_ready(&mut self) -> Option<u64> {
        if self.next == self.ready.len() {
            if !self.progress {
                return None;
            }
            self.progress = false;
            self.next = 0;
            self.epoll.wait(&mut self.ready, false).ok()?;
            if self.ready.is_empty() {
                return None;
            }
        }
        self.next += 1;
        Some(self.ready.token(self.next - 1))
    }
}

impl PacketIo for EpollIo {
    fn open(&mut self, slot: u32, sockets: SocketPair) -> io::Result<()> {
        let place = self
            .ports
            .get_mut(slot as usize)
            .ok_or_else(|| io::Error::other("slot beyond max_ports"))?;
        let token = u64::from(slot) << 1;
        self.epoll.add(sockets.rtp.as_fd(), token)?;
        if let Some(rtcp) = &sockets.rtcp {
            self.epoll.add(rtcp.as_fd(), token | 1)?;
        }
        *place = Some(Port {
            sockets,
            connected: None,
            taken: [Taken::default(); 2],
        });
        Ok(())
    }

    fn close(&mut self, slot: u32) {
        if let Some(place) = self.ports.get_mut(slot as usize) {
            *place = None;
        }
    }

    fn connect(&mut self, slot: u32, remote: SocketAddr) {
        if let Some(Some(port)) = self.ports.get_mut(slot as usize) {
            port.connected = port.sockets.rtp.connect(remote).is_ok().then_some(remote);
        }
    }

    fn disconnect(&mut self, slot: u32) {
        if let Some(Some(port)) = self.ports.get_mut(slot as usize)
            && port.connected.take().is_some()
            && let Err(error) = sys::disconnect(port.sockets.rtp.as_fd())
        {
            tracing::debug!(slot, %error, "RTP socket stays connected");
        }
    }

    fn mux(&mut self, slot: u32) {
        if let Some(Some(port)) = self.ports.get_mut(slot as usize) {
            port.sockets.rtcp = None;
        }
    }

    fn begin_tick(&mut self, clocks: ClockPair) {
        self.clocks = clocks;
        self.tick = self.tick.wrapping_add(1);
        self.next = self.ready.len();
        self.progress = true;
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<Arrival> {
        loop {
            let token = self.next_ready()?;
            let slot = (token >> 1) as u32;
            let Some(Some(port)) = self.ports.get_mut(slot as usize) else {
                continue;
            };
            let which = (token & 1) as usize;
            if !port.taken[which].allow(self.tick) {
                continue;
            }
            let (socket, stream) = match (&port.sockets.rtcp, which) {
                (_, 0) => (&port.sockets.rtp, Stream::Rtp),
                (Some(rtcp), _) => (rtcp, Stream::Rtcp),
                (None, _) => continue,
            };
            self.progress = true;
            // An error here is what ICMP said about an earlier packet of ours; it is
            // taken off the socket by this call. RTP does not care.
            if let Ok(received) = sys::receive(socket.as_fd(), buffer)
                && !received.truncated
            {
                return Some(Arrival {
                    slot,
                    stream,
                    source: received.source,
                    len: received.len,
                    at: received
                        .stamp_ns
                        .map_or(self.clocks.instant(), |stamp| self.clocks.arrival(stamp)),
                });
            }
        }
    }

    fn send(&mut self, slot: u32, stream: Stream, to: SocketAddr, packet: &[u8]) {
        let Some(Some(port)) = self.ports.get(slot as usize) else {
            return;
        };
        let result = match (stream, &port.sockets.rtcp) {
            (Stream::Rtcp, Some(rtcp)) => rtcp.send_to(packet, to),
            (Stream::Rtp, _) | (Stream::Rtcp, None) => {
                if port.connected == Some(to) {
                    port.sockets.rtp.send(packet)
                } else {
                    port.sockets.rtp.send_to(packet, to)
                }
            }
        };
        match result {
            Ok(_) => self.sent += 1,
            Err(_) => self.send_failures += 1,
        }
    }

    fn wait(&mut self, bell: &Doorbell) -> io::Result<()> {
        self.idle.wait(&mut self.ready, true)?;
        bell.hush();
        self.ready.clear();
        Ok(())
    }

    fn sent(&self) -> (u64, u64) {
        (self.sent, self.send_failures)
    }
}

struct Port {
    sockets: SocketPair,
    connected: Option<SocketAddr>,
    taken: [Taken; 2],
}

/// What was taken from a socket in the tick that it was last read in.
#[derive(Clone, Copy, Default)]
struct Taken {
    tick: u32,
    count: u8,
}

impl Taken {
    fn allow(&mut self, tick: u32) -> bool {
        if self.tick != tick {
            *self = Self { tick, count: 0 };
        }
        let allowed = self.count < MAX_PER_SOCKET_AND_TICK;
        self.count += u8::from(allowed);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, UdpSocket};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn opened(port: u16) -> (EpollIo, UdpSocket) {
        let mut io = EpollIo::new(4, &Doorbell::new().unwrap()).unwrap();
        io.open(3, SocketPair::bind(HERE, port).unwrap()).unwrap();
        (io, UdpSocket::bind((HERE, 0)).unwrap())
    }

    fn drain(io: &mut EpollIo) -> Vec<(u32, Stream, Vec<u8>)> {
        let mut buffer = [0; 2048];
        let mut all = Vec::new();
        io.begin_tick(ClockPair::now());
        while let Some(arrival) = io.receive(&mut buffer) {
            all.push((arrival.slot, arrival.stream, buffer[..arrival.len].to_vec()));
        }
        all
    }

    #[test]
    fn all_that_arrived_is_received_in_order_with_its_stream() {
        let (mut io, far) = opened(13_200);
        far.send_to(b"1", (HERE, 13_200)).unwrap();
        far.send_to(b"2", (HERE, 13_200)).unwrap();
        far.send_to(b"r", (HERE, 13_201)).unwrap();
        let all = drain(&mut io);
        let rtp: Vec<_> = all
            .iter()
            .filter(|one| one.1 == Stream::Rtp)
            .map(|one| &one.2[..])
            .collect();
        assert_eq!(rtp, [b"1", b"2"]);
        assert!(all.contains(&(3, Stream::Rtcp, b"r".to_vec())));
        assert!(drain(&mut io).is_empty());
    }

    #[test]
    fn a_flood_is_cut_at_the_limit_of_a_tick() {
        let (mut io, far) = opened(13_210);
        for _ in 0..40 {
            far.send_to(b"flood", (HERE, 13_210)).unwrap();
        }
        assert_eq!(drain(&mut io).len(), 16);
        assert_eq!(drain(&mut io).len(), 16);
        assert_eq!(drain(&mut io).len(), 8);
    }

    #[test]
    fn a_connected_port_drops_strangers_and_sends_to_both() {
        let (mut io, far) = opened(13_220);
        let stranger = UdpSocket::bind((HERE, 0)).unwrap();
        io.connect(3, far.local_addr().unwrap());
        stranger.send_to(b"stranger", (HERE, 13_220)).unwrap();
        assert!(drain(&mut io).is_empty());
        io.send(3, Stream::Rtp, far.local_addr().unwrap(), b"peer");
        io.send(3, Stream::Rtp, stranger.local_addr().unwrap(), b"other");
        let mut buffer = [0; 20];
        assert_eq!(far.recv(&mut buffer).unwrap(), 4);
        assert_eq!(stranger.recv(&mut buffer).unwrap(), 5);
        io.disconnect(3);
        stranger.send_to(b"stranger", (HERE, 13_220)).unwrap();
        assert_eq!(drain(&mut io).len(), 1);
        assert_eq!(io.sent(), (2, 0));
    }

    #[test]
    fn a_peer_that_is_gone_is_counted_and_harmless() {
        let (mut io, far) = opened(13_230);
        let gone = far.local_addr().unwrap();
        drop(far);
        io.connect(3, gone);
        for _ in 0..4 {
            io.send(3, Stream::Rtp, gone, b"anybody?");
            assert!(drain(&mut io).is_empty());
        }
        io.close(3);
        io.send(3, Stream::Rtp, gone, b"closed");
        assert!(
            SocketPair::bind(HERE, 13_230).is_ok(),
            "closing frees the ports"
        );
    }
}
