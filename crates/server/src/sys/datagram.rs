//! Datagrams with the kernel's arrival time, and taking back a `connect`.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// What came in with one datagram; its octets are in the caller's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Octets in the buffer.
    pub len: usize,
    /// Where it came from.
    pub source: SocketAddr,
    /// The kernel's wall clock at arrival in ns, when stamps are enabled.
    pub stamp_ns: Option<u64>,
    /// It was longer than the buffer.
    pub truncated: bool,
}

/// Asks the kernel to stamp what arrives (`SO_TIMESTAMPNS`).
pub fn enable_arrival_times(socket: BorrowedFd<'_>) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the pointer and length describe `on`, which lives through the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            (&raw const on).cast(),
            mem::size_of_val(&on) as libc::socklen_t,
        )
    };
    check(result).map(|_| ())
}

/// Takes one datagram from a non-blocking socket. `WouldBlock` when there is
/// none; on a connected socket also the error that an ICMP message left behind.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    // SAFETY: all-zero is a valid value of these plain C structures.
    let (mut name, mut header): (libc::sockaddr_storage, libc::msghdr) =
        unsafe { (mem::zeroed(), mem::zeroed()) };
    let mut control = ControlBuffer([0; 64]);
    let mut slice = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    header.msg_name = (&raw mut name).cast();
    header.msg_namelen = mem::size_of_val(&name) as libc::socklen_t;
    header.msg_iov = &raw mut slice;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = control.0.len() as _;
    // SAFETY: every pointer in `header` points to a live local or to `buffer`, with its
    // length; all are borrowed mutably here and outlive the call.
    let len = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_DONTWAIT) };
    let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
    Ok(Received {
        len,
        source: socket_addr(&name)?,
        stamp_ns: stamp(&header),
        truncated: header.msg_flags & libc::MSG_TRUNC != 0,
    })
}

/// Takes back a `connect`: the socket hears everybody again. It keeps its port
/// only if it was bound to that very number (not to port 0).
pub fn disconnect(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: all-zero is a valid sockaddr; AF_UNSPEC is the kernel's word for "no peer".
    let mut nobody: libc::sockaddr = unsafe { mem::zeroed() };
    nobody.sa_family = libc::AF_UNSPEC as libc::sa_family_t;
    // SAFETY: the pointer and length describe `nobody`, which lives through the call.
    let result = unsafe {
        libc::connect(
            socket.as_raw_fd(),
            &raw const nobody,
            mem::size_of_val(&nobody) as libc::socklen_t,
        )
    };
    check(result).map(|_| ())
}

/// Control messages need the alignment of `cmsghdr`.
#[repr(C, align(8))]
struct ControlBuffer([u8; 64]);

fn stamp(header: &libc::msghdr) -> Option<u64> {
    // SAFETY: `header` was filled in by recvmsg, and its control buffer is alive.
    let mut message = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !message.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR return null or a whole header within the buffer.
        let head = unsafe { &*message };
        if head.cmsg_level == libc::SOL_SOCKET && head.cmsg_type == libc::SCM_TIMESTAMPNS {
            // SAFETY: the kernel writes a `timespec` behind a header of this type; the
            // read does not need alignment.
            let time: libc::timespec = unsafe {
                libc::CMSG_DATA(message)
                    .cast::<libc::timespec>()
                    .read_unaligned()
            };
            return Some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64);
        }
        // SAFETY: as above.
        message = unsafe { libc::CMSG_NXTHDR(header, message) };
    }
    None
}

fn socket_addr(name: &libc::sockaddr_storage) -> io::Result<SocketAddr> {
    match libc::c_int::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that this is a sockaddr_in, which fits in the storage.
            let v4 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Ok(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that this is a sockaddr_in6, which fits in the storage.
            let v6 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            let port = u16::from_be(v6.sin6_port);
            Ok(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into())
        }
        family => Err(io::Error::other(format!(
            "a datagram of address family {family}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;
    use std::time::Duration;

    use super::*;
    use crate::sys::ClockPair;

    fn pair(address: &str) -> (UdpSocket, UdpSocket) {
        let here = UdpSocket::bind(address).unwrap();
        let there = UdpSocket::bind(address).unwrap();
        (here, there)
    }

    #[test]
    fn a_datagram_comes_with_source_and_arrival_time() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let (here, there) = pair(address);
            enable_arrival_times(here.as_fd()).unwrap();
            let before = ClockPair::now();
            there
                .send_to(b"octets", here.local_addr().unwrap())
                .unwrap();
            let mut buffer = [0; 100];
            let received = receive(here.as_fd(), &mut buffer).unwrap();
            assert_eq!(&buffer[..received.len], b"octets");
            assert_eq!(received.source, there.local_addr().unwrap());
            assert!(!received.truncated);
            let after = ClockPair::now();
            let arrived = after.arrival(received.stamp_ns.expect("stamps are on"));
            assert!(
                arrived + Duration::from_millis(1) >= before.instant()
                    && arrived <= after.instant()
            );
        }
    }

    #[test]
    fn nothing_there_would_block_and_a_long_one_is_marked() {
        let (here, there) = pair("127.0.0.1:0");
        let mut buffer = [0; 4];
        let error = receive(here.as_fd(), &mut buffer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        there
            .send_to(b"longer than four", here.local_addr().unwrap())
            .unwrap();
        let received = receive(here.as_fd(), &mut buffer).unwrap();
        assert!(received.truncated);
        assert_eq!((received.len, received.stamp_ns), (4, None));
    }

    #[test]
    fn a_connected_socket_hears_only_its_peer_until_disconnected() {
        let (free, there) = pair("127.0.0.1:0");
        let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let here = UdpSocket::bind(address).unwrap();
        let mut buffer = [0; 100];
        here.connect(there.local_addr().unwrap()).unwrap();
        stranger.send_to(b"stranger", address).unwrap();
        there.send_to(b"peer", address).unwrap();
        let received = receive(here.as_fd(), &mut buffer).unwrap();
        assert_eq!(&buffer[..received.len], b"peer");
        disconnect(here.as_fd()).unwrap();
        assert_eq!(here.local_addr().unwrap(), address, "the port stays ours");
        stranger.send_to(b"stranger", address).unwrap();
        let received = receive(here.as_fd(), &mut buffer).unwrap();
        assert_eq!(&buffer[..received.len], b"stranger");
    }
}
