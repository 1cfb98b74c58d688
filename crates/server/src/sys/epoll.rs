//! Level-triggered epoll and the doorbell by which one thread wakes another.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use super::check;

/// A level-triggered set of descriptors waiting to become readable.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

impl Epoll {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointer is passed.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor was just made and has no other owner.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Adds a descriptor; `token` comes back when it is readable. Closing the
    /// descriptor takes it out.
    pub fn add(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        // SAFETY: `event` lives through the call, which copies it.
        let result = unsafe {
            libc::epoll_ctl(
                self.0.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                fd.as_raw_fd(),
                &raw mut event,
            )
        };
        check(result).map(|_| ())
    }

    /// Fills `ready` with descriptors that are readable now, as many as it
    /// holds; `block` waits until there is one. Interrupted waits return none.
    pub fn wait(&self, ready: &mut ReadyList, block: bool) -> io::Result<()> {
        ready.len = 0;
        // SAFETY: pointer and length describe the list's own storage.
        let result = unsafe {
            libc::epoll_wait(
                self.0.as_raw_fd(),
                ready.events.as_mut_ptr(),
                ready.events.len() as libc::c_int,
                if block { -1 } else { 0 },
            )
        };
        match check(result) {
            Ok(len) => ready.len = len as usize,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Room for what [`Epoll::wait`] reports.
pub struct ReadyList {
    events: Box<[libc::epoll_event]>,
    len: usize,
}

impl ReadyList {
    /// Room for `capacity` descriptors a wait.
    pub fn new(capacity: usize) -> Self {
        Self {
            events: vec![libc::epoll_event { events: 0, u64: 0 }; capacity].into_boxed_slice(),
            len: 0,
        }
    }

    /// How many the last wait reported.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the last wait reported none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets what the last wait reported.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Token of the `index`th one reported.
    pub fn token(&self, index: usize) -> u64 {
        self.events[..self.len][index].u64
    }
}

/// Wakes one sleeping thread from any other, with a system call only when it
/// does sleep. The sleeper calls [`arm`](Self::arm), looks at its queue once
/// more, and sleeps on the descriptor; whoever has put something into that
/// queue calls [`ring`](Self::ring).
#[derive(Debug)]
pub struct Doorbell {
    event: OwnedFd,
    armed: AtomicBool,
}

impl Doorbell {
    /// A bell that is not armed.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointer is passed.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        Ok(Self {
            // SAFETY: the descriptor was just made and has no other owner.
            event: unsafe { OwnedFd::from_raw_fd(fd) },
            armed: AtomicBool::new(false),
        })
    }

    /// From now on the next `ring` makes the descriptor readable. What was put
    /// into the queue before an earlier `ring` is visible after this call.
    pub fn arm(&self) {
        self.armed.swap(true, Ordering::AcqRel);
    }

    /// Makes the descriptor readable if the bell is armed, and disarms it.
    pub fn ring(&self) {
        if self.armed.swap(false, Ordering::AcqRel) {
            let one: u64 = 1;
            // SAFETY: an eventfd takes eight octets, which `one` has. It can only fail
            // when the counter is full, and then the sleeper wakes anyhow.
            unsafe { libc::write(self.event.as_raw_fd(), (&raw const one).cast(), 8) };
        }
    }

    /// Makes the descriptor unreadable and disarms the bell: its owner is awake.
    pub fn hush(&self) {
        self.armed.swap(false, Ordering::AcqRel);
        let mut count: u64 = 0;
        // SAFETY: an eventfd gives eight octets, for which `count` has room; it does not block.
        unsafe { libc::read(self.event.as_raw_fd(), (&raw mut count).cast(), 8) };
    }
}

impl AsRawFd for Doorbell {
    fn as_raw_fd(&self) -> RawFd {
        self.event.as_raw_fd()
    }
}

impl AsFd for Doorbell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn tokens(epoll: &Epoll, ready: &mut ReadyList) -> Vec<u64> {
        epoll.wait(ready, false).unwrap();
        (0..ready.len()).map(|index| ready.token(index)).collect()
    }

    #[test]
    fn a_readable_socket_is_reported_until_it_is_drained_or_closed() {
        let epoll = Epoll::new().unwrap();
        let mut ready = ReadyList::new(8);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        epoll.add(socket.as_fd(), 7).unwrap();
        assert!(tokens(&epoll, &mut ready).is_empty());
        socket.send_to(b"x", socket.local_addr().unwrap()).unwrap();
        assert_eq!(tokens(&epoll, &mut ready), [7]);
        assert_eq!(tokens(&epoll, &mut ready), [7], "level-triggered");
        drop(socket);
        assert!(tokens(&epoll, &mut ready).is_empty());
    }

    #[test]
    fn a_bell_rings_only_when_armed_and_only_once() {
        let epoll = Epoll::new().unwrap();
        let mut ready = ReadyList::new(8);
        let bell = Doorbell::new().unwrap();
        epoll.add(bell.as_fd(), 1).unwrap();
        bell.ring();
        assert!(tokens(&epoll, &mut ready).is_empty());
        bell.arm();
        bell.ring();
        bell.ring();
        assert_eq!(tokens(&epoll, &mut ready), [1]);
        bell.hush();
        bell.ring();
        assert!(tokens(&epoll, &mut ready).is_empty());
    }
}
