//! UDP sockets with the options that measuring needs.

use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use super::check;

/// Tries for an even port with a free odd one above it.
const TRIES: usize = 200;

/// A non-blocking socket with arrival times, a drop count and a receive buffer
/// of `buffer` octets as far as the system allows.
pub fn bind(address: SocketAddr, buffer: usize) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    tune(&socket, buffer);
    Ok(socket)
}

/// A pair of sockets for RTP and RTCP, on an even port and the one above it
/// (RFC 3550 §11).
pub fn bind_media(ip: IpAddr, buffer: usize) -> io::Result<(UdpSocket, UdpSocket)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    // Kept until the end, so that the next try meets other ports.
    let mut odd_ones = Vec::new();
    for _ in 0..TRIES {
        let rtp = bind(SocketAddr::new(ip, 0), buffer)?;
        let port = rtp.local_addr()?.port();
        if port.is_multiple_of(2) {
            match UdpSocket::bind(SocketAddr::new(ip, port + 1)) {
                Ok(rtcp) => return Ok((rtp, rtcp)),
                Err(error) => last = error,
            }
        }
        odd_ones.push(rtp);
    }
    Err(last)
}

/// Sets arrival times, drop count and buffers; what the system refuses is left
/// as it is, for a smaller buffer still measures.
pub(super) fn tune(socket: &UdpSocket, buffer: usize) {
    let octets = libc::c_int::try_from(buffer).unwrap_or(libc::c_int::MAX);
    for (forced, plain) in [
        (libc::SO_RCVBUFFORCE, libc::SO_RCVBUF),
        (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF),
    ] {
        if set(socket, forced, octets).is_err() {
            let _ = set(socket, plain, octets);
        }
    }
    let _ = set(socket, libc::SO_TIMESTAMPNS, 1);
    let _ = set(socket, libc::SO_RXQ_OVFL, 1);
}

/// Raises the number of open descriptors to the hard limit.
pub fn raise_open_files() -> io::Result<()> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is valid for writing.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` lives through the call.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })?;
    Ok(())
}

fn set(socket: &UdpSocket, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the pointer and length describe `value`, which lives through the call.
    check(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const value).cast(),
            mem::size_of_val(&value) as libc::socklen_t,
        )
    })?;
    Ok(())
}
