//! A block of ports for one test alone, across all processes of the machine.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::until;

/// Ports in a block.
const BLOCK: u16 = 400;
/// Blocks lie below the ports that the kernel gives out by itself, and beside
/// 20000 to 29999, from which a switch with the shipped configuration takes its
/// media ports when it needs them.
const LOW: u16 = 10_000;
const LOW_BLOCKS: u16 = 25;
const HIGH: u16 = 30_000;
const BLOCKS: u16 = LOW_BLOCKS + 6;

static TAKEN: AtomicU32 = AtomicU32::new(0);

/// Ports `base` to `base + 399`. A listener on the last one keeps others out
/// for as long as this value lives, and no longer whatever happens.
pub struct PortBlock {
    base: u16,
    _guard: TcpListener,
}

impl PortBlock {
    /// Takes a block that nobody else holds and whose ports are free.
    pub fn take() -> Self {
        let turn = TAKEN.fetch_add(1, Ordering::Relaxed);
        let start = process::id().wrapping_mul(7).wrapping_add(turn);
        until("a block of free ports", Duration::from_mins(1), || {
            Self::take_one(start)
        })
    }

    fn take_one(start: u32) -> Option<Self> {
        for turn in 0..u32::from(BLOCKS) {
            let index = (start.wrapping_add(turn) % u32::from(BLOCKS)) as u16;
            let base = match index.checked_sub(LOW_BLOCKS) {
                None => LOW + index * BLOCK,
                Some(index) => HIGH + index * BLOCK,
            };
            if let Ok(guard) = TcpListener::bind((Ipv4Addr::LOCALHOST, base + BLOCK - 1))
                && is_free(base)
            {
                return Some(Self {
                    base,
                    _guard: guard,
                });
            }
        }
        None
    }

    /// SIP over UDP and TCP.
    pub fn sip(&self) -> u16 {
        self.base
    }

    /// The HTTP listener.
    pub fn http(&self) -> u16 {
        self.base + 1
    }

    /// First and last port of the media range of the server: 280 ports.
    pub fn media(&self) -> (u16, u16) {
        (self.base + 10, self.base + 289)
    }

    /// SIP port of a foreign phone; it may take the next one for TLS.
    pub fn peer_sip(&self) -> u16 {
        self.base + 300
    }

    /// Control port of a foreign phone.
    pub fn peer_control(&self) -> u16 {
        self.base + 305
    }

    /// First and last media port of a foreign phone.
    pub fn peer_media(&self) -> (u16, u16) {
        (self.base + 310, self.base + 397)
    }
}

fn is_free(base: u16) -> bool {
    (base..base + BLOCK - 1).all(|port| {
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
            && TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
    }) && UdpSocket::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, base))).is_ok()
}
