//! The stock of bound RTP/RTCP socket pairs of one media address. A call takes
//! a pair that is bound already, so it never waits for one; a port that comes
//! back goes to the end of the queue, which keeps it silent for as long as the
//! range allows before the next caller gets it.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use socket2::{Domain, Socket, Type};
use thiserror::Error;

use crate::sys;

/// How many taken ports one [`PortStock::top_up`] walks past before it leaves
/// the rest to the next one.
const MAX_SKIPS: usize = 16;

/// Ports that are warned about; those beyond are DEBUG.
const MAX_WARNINGS: usize = 8;

/// DSCP "expedited forwarding" (RFC 3246, RFC 4594 §4.1) as the octet of the IP header.
const EXPEDITED_FORWARDING: u32 = 46 << 2;

/// RTP ports to use: even ones from `first` on whose RTCP port is not beyond `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// First port.
    pub first: u16,
    /// Last port, inclusive.
    pub last: u16,
}

impl PortRange {
    /// The even port numbers with an odd one beside (RFC 3550 §11).
    pub fn rtp_ports(self) -> impl Iterator<Item = u16> {
        let first = u32::from(self.first) + u32::from(self.first % 2);
        (first..u32::from(self.last))
            .step_by(2)
            .map(|port| port as u16)
    }
}

/// Sockets of one media port, non-blocking, with arrival times.
#[derive(Debug)]
pub struct SocketPair {
    /// Bound to the even port.
    pub rtp: UdpSocket,
    /// Bound to the odd port beside it; given up when RTCP is muxed.
    pub rtcp: Option<UdpSocket>,
}

impl SocketPair {
    /// Binds `port` and `port + 1` on `address`.
    pub fn bind(address: IpAddr, port: u16) -> io::Result<Self> {
        Ok(Self {
            rtp: bind(SocketAddr::new(address, port))?,
            rtcp: Some(bind(SocketAddr::new(address, port + 1))?),
        })
    }
}

/// Why there is no stock.
#[derive(Debug, Error)]
pub enum PortStockError {
    /// The range holds no even port with an odd one beside it.
    #[error("the media port range {first}-{last} holds no pair of an even port and the next")]
    Empty {
        /// First port.
        first: u16,
        /// Last port.
        last: u16,
    },
    /// Not one pair of the range could be bound.
    #[error("no media port of {first}-{last} on {address} can be bound: {reason}")]
    AllTaken {
        /// Media address.
        address: IpAddr,
        /// First port.
        first: u16,
        /// Last port.
        last: u16,
        /// What the last attempt said.
        reason: io::Error,
    },
}

/// Bound pairs waiting for a call, and the numbers of those not bound.
#[derive(Debug)]
pub struct PortStock {
    address: IpAddr,
    first: u16,
    depth: usize,
    free: VecDeque<u16>,
    bound: Vec<Option<SocketPair>>,
    bound_count: usize,
    warned: Vec<bool>,
    warnings: usize,
}

impl PortStock {
    /// Binds up to `depth` pairs of the range on `address` and names them to
    /// `announce`. Taken ports are passed over; the first of them
    /// with a warning each.
    pub fn new(
        address: IpAddr,
        range: PortRange,
        depth: usize,
        mut announce: impl FnMut(u16),
    ) -> Result<Self, PortStockError> {
        let (first, last) = (range.first, range.last);
        let free: VecDeque<u16> = range.rtp_ports().collect();
        let Some(&lowest) = free.front() else {
            return Err(PortStockError::Empty { first, last });
        };
        let pairs = free.len();
        let mut stock = Self {
            address,
            first: lowest,
            depth: depth.clamp(1, pairs),
            free,
            bound: std::iter::repeat_with(|| None).take(pairs).collect(),
            bound_count: 0,
            warned: vec![false; pairs],
            warnings: 0,
        };
        match stock.fill(pairs, &mut announce) {
            Some(reason) if stock.bound_count == 0 => Err(PortStockError::AllTaken {
                address,
                first,
                last,
                reason,
            }),
            _ => Ok(stock),
        }
    }

    /// Binds as many pairs as were taken since the last time and names them to
    /// `announce`.
    pub fn top_up(&mut self, mut announce: impl FnMut(u16)) {
        if self.bound_count < self.depth && !self.free.is_empty() {
            self.fill(MAX_SKIPS, &mut announce);
        }
    }

    /// Hands out an announced pair. `None` for a port that was not announced or
    /// is taken already.
    pub fn take(&mut self, port: u16) -> Option<SocketPair> {
        let pair = self.slot(port).and_then(|slot| self.bound[slot].take())?;
        self.bound_count -= 1;
        Some(pair)
    }

    /// A port that was taken is closed: its number may be bound again, after
    /// all others.
    pub fn give_back(&mut self, port: u16) {
        self.free.push_back(port);
    }

    /// Pairs bound and waiting.
    pub fn len(&self) -> usize {
        self.bound_count
    }

    /// Whether none is waiting.
    pub fn is_empty(&self) -> bool {
        self.bound_count == 0
    }

    fn fill(&mut self, mut skips: usize, announce: &mut impl FnMut(u16)) -> Option<io::Error> {
        let mut failure = None;
        while self.bound_count < self.depth && skips > 0 {
            let port = self.free.pop_front()?;
            let slot = self.slot(port).expect("only ports of the range are queued");
            match SocketPair::bind(self.address, port) {
                Ok(pair) => {
                    self.bound[slot] = Some(pair);
                    self.bound_count += 1;
                    announce(port);
                }
                // Not this port's fault: the next one would fare no better.
                Err(error) if is_out_of_descriptors(&error) => {
                    self.free.push_front(port);
                    return Some(error);
                }
                Err(error) => {
                    skips -= 1;
                    self.free.push_back(port);
                    self.warn_once(slot, port, &error);
                    failure = Some(error);
                }
            }
        }
        failure
    }

    fn slot(&self, port: u16) -> Option<usize> {
        let slot = usize::from(port.checked_sub(self.first)? / 2);
        (slot < self.bound.len()).then_some(slot)
    }

    /// A warning for each of the first ports; a program that sits on the whole range
    /// is no reason for thousands.
    fn warn_once(&mut self, slot: usize, port: u16, error: &io::Error) {
        if std::mem::replace(&mut self.warned[slot], true) {
            return;
        }
        let address = self.address;
        self.warnings += 1;
        if self.warnings <= MAX_WARNINGS {
            tracing::warn!(%address, port, %error, "media port cannot be bound, passing over it");
        } else {
            tracing::debug!(%address, port, %error, "media port cannot be bound, passing over it");
        }
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM.nonblocking(),
        None,
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
        socket.set_tclass_v6(EXPEDITED_FORWARDING)?;
    } else {
        socket.set_tos_v4(EXPEDITED_FORWARDING)?;
    }
    socket.bind(&address.into())?;
    sys::enable_arrival_times(socket.as_fd())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn stock(first: u16, last: u16, depth: usize) -> (Result<PortStock, PortStockError>, Vec<u16>) {
        let mut announced = Vec::new();
        let stock = PortStock::new(HERE, PortRange { first, last }, depth, |port| {
            announced.push(port);
        });
        (stock, announced)
    }

    #[test]
    fn ranges_give_even_ports_with_an_odd_one_beside() {
        let ports = |first, last| PortRange { first, last }.rtp_ports().collect::<Vec<_>>();
        assert_eq!(ports(10, 15), [10, 12, 14]);
        assert_eq!(ports(11, 16), [12, 14]);
        assert_eq!(ports(65533, 65535), [65534]);
        assert!(ports(65535, 65535).is_empty());
        assert!(ports(12, 12).is_empty());
        assert!(ports(20, 10).is_empty());
    }

    #[test]
    fn a_port_comes_back_after_all_others() {
        let (stock, announced) = stock(13_100, 13_107, 2);
        let mut stock = stock.unwrap();
        assert_eq!(announced, [13_100, 13_102]);
        drop(stock.take(13_100).expect("announced"));
        assert!(stock.take(13_100).is_none(), "taken already");
        assert!(stock.take(13_104).is_none(), "not announced");
        assert!(stock.take(9).is_none(), "not of the range");
        stock.give_back(13_100);
        let mut order = Vec::new();
        for _ in 0..3 {
            stock.top_up(|port| order.push(port));
            drop(stock.take(*order.last().unwrap()));
        }
        assert_eq!(order, [13_104, 13_106, 13_100]);
        assert_eq!(stock.len(), 1);
    }

    #[test]
    fn pairs_are_bound_side_by_side_and_non_blocking() {
        let (stock, announced) = stock(13_121, 13_125, 9);
        let pair = stock.unwrap().take(announced[0]).unwrap();
        assert_eq!(pair.rtp.local_addr().unwrap().port(), 13_122);
        assert_eq!(pair.rtcp.unwrap().local_addr().unwrap().port(), 13_123);
        let error = pair.rtp.recv(&mut [0; 4]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_taken_port_is_passed_over_and_tried_again_later() {
        let rtcp_taken = UdpSocket::bind((HERE, 13_141)).unwrap();
        let (stock, announced) = stock(13_140, 13_143, 2);
        let mut stock = stock.unwrap();
        assert_eq!(announced, [13_142]);
        drop(rtcp_taken);
        let mut later = Vec::new();
        stock.top_up(|port| later.push(port));
        assert_eq!(later, [13_140]);
    }

    #[test]
    fn no_port_at_all_is_an_error_that_says_so() {
        let _taken = UdpSocket::bind((HERE, 13_160)).unwrap();
        let error = stock(13_160, 13_161, 4).0.unwrap_err().to_string();
        assert!(error.contains("13160-13161 on 127.0.0.1"), "{error}");
        let error = stock(13_170, 13_170, 4).0.unwrap_err().to_string();
        assert!(error.contains("no pair"), "{error}");
    }
}
