//! SIP transports: the listeners' sockets, stream connections, and the limits
//! that keep strangers from filling them.

mod connection;
mod tcp;
mod udp;

pub use tcp::{TcpInput, TcpLimits, TcpStats, TcpTransport};
pub use udp::{MAX_DATAGRAM, UdpListener, UdpStats};

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Socket, Type};

/// Room that a UDP listener asks the kernel for, each way, in octets.
const UDP_BUFFER_BYTES: usize = 4 << 20;

/// Connections that may wait to be accepted.
const TCP_BACKLOG: i32 = 1024;

/// Binds a UDP listener. A port that somebody has is an error: it is not shared.
pub fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM.nonblocking(),
        None,
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // The kernel gives what its own limit allows; less is no error.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(UDP_BUFFER_BYTES);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Binds a TCP listener. Connections of an earlier run that still linger do not
/// hinder it, another listener does.
pub fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        None,
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(TCP_BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_refused() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let first = bind_udp(address.parse().unwrap()).unwrap();
            let error = bind_udp(first.local_addr().unwrap()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
            let first = bind_tcp(address.parse().unwrap()).unwrap();
            let error = bind_tcp(first.local_addr().unwrap()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        }
    }
}
