//! The system calls that the standard library does not offer, each behind a
//! safe face. All `unsafe` of this crate stands in this module.

mod clock;
mod datagram;
mod epoll;
mod memory;
mod readiness;
mod thread;

pub use clock::{ClockPair, monotonic_ns, sleep_until_ns};
pub use datagram::{Received, disconnect, enable_arrival_times, receive};
pub use epoll::{Doorbell, Epoll, ReadyList};
pub use memory::release_free_memory;
pub use readiness::{watch_bell, watch_socket};
pub use thread::{allowed_cpus, pin_to_cpu, raise_open_files, raise_priority};

use std::io;

/// The usual convention of libc: −1 says that `errno` tells why.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
