//! Descriptors that a tokio runtime watches for being readable.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Doorbell;

/// Watches a socket. Must be called in a runtime.
pub fn watch_socket(socket: UdpSocket) -> io::Result<AsyncFd<UdpSocket>> {
    // SAFETY: the socket owns its descriptor, which stays open and the same until it is dropped.
    let watched = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) };
    Ok(watched?)
}

/// Watches a doorbell. Must be called in a runtime.
pub fn watch_bell(bell: Arc<Doorbell>) -> io::Result<AsyncFd<Arc<Doorbell>>> {
    // SAFETY: the bell owns its descriptor, which stays open and the same until the last
    // reference is dropped, and one of them is handed over here.
    let watched = unsafe { AsyncFd::register_with_interest(bell, Interest::READABLE) };
    Ok(watched?)
}
