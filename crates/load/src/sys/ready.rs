//! Waiting for descriptors.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use super::check;
use super::clock::{monotonic_ns, timespec};

/// Waits until the descriptor is readable or `CLOCK_MONOTONIC` shows
/// `deadline_ns`, whichever is first; tells whether it is readable.
pub fn wait_readable(fd: BorrowedFd<'_>, deadline_ns: u64) -> bool {
    let timeout = timespec(deadline_ns.saturating_sub(monotonic_ns()));
    let mut wanted = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: both pointers are to locals that live through the call; the count is 1,
    // and a null signal mask is allowed. An early return is harmless here.
    unsafe { libc::ppoll(&raw mut wanted, 1, &raw const timeout, ptr::null()) > 0 }
}

/// The unit of `/proc/PID/stat`: ticks a second.
pub fn ticks_per_second() -> u64 {
    // SAFETY: no pointer is passed.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    u64::try_from(ticks).unwrap_or(100).max(1)
}

/// A level-triggered set of descriptors waiting to become readable.
pub struct Epoll {
    set: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    /// An empty set that reports up to 1,024 descriptors a wait.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointer is passed.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        Ok(Self {
            // SAFETY: the descriptor was just made and has no other owner.
            set: unsafe { OwnedFd::from_raw_fd(fd) },
            events: vec![libc::epoll_event { events: 0, u64: 0 }; 1024],
        })
    }

    /// Adds a descriptor; `token` comes back when it is readable.
    pub fn add(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        let (set, fd) = (self.set.as_raw_fd(), fd.as_raw_fd());
        // SAFETY: `event` lives through the call, which copies it.
        check(unsafe { libc::epoll_ctl(set, libc::EPOLL_CTL_ADD, fd, &raw mut event) })?;
        Ok(())
    }

    /// Waits for at least one and shows the token of each; none when a signal
    /// came.
    pub fn wait(&mut self, mut each: impl FnMut(u64)) -> io::Result<()> {
        // SAFETY: pointer and length describe the storage of this value.
        let result = unsafe {
            libc::epoll_wait(
                self.set.as_raw_fd(),
                self.events.as_mut_ptr(),
                self.events.len() as libc::c_int,
                -1,
            )
        };
        match check(result) {
            Ok(count) => {
                for event in &self.events[..count as usize] {
                    each(event.u64);
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }
}
