//! The system calls that the standard library does not offer, each behind a
//! safe face. All `unsafe` of this crate stands in this module.

mod address;
mod batch;
mod clock;
mod cpu;
mod ready;
mod socket;

pub use batch::{Datagram, ReceiveBatch, SendBatch};
pub use clock::{monotonic_ns, sleep_until_ns, wall_ns};
pub use cpu::{CpuSet, own_cpu_ns};
pub use ready::{Epoll, ticks_per_second, wait_readable};
pub use socket::{bind, bind_media, raise_open_files};

use std::io;

/// The usual convention of libc: −1 says that `errno` tells why.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
