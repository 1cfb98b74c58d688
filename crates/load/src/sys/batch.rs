//! Many datagrams a system call: `recvmmsg` and `sendmmsg`.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::address;

/// Datagrams a call.
const BATCH: usize = 64;

/// Room for the control messages of one datagram: time stamp and drop count.
const CONTROL_WORDS: usize = 16;

/// One datagram that came in.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// What it carries, cut to the room there was.
    pub octets: &'a [u8],
    /// Where it came from.
    pub source: SocketAddr,
    /// The kernel's wall clock at arrival in ns, if the socket stamps.
    pub stamp_ns: Option<u64>,
    /// Datagrams that this socket has dropped so far for want of room.
    pub dropped: Option<u32>,
}

/// Room for a batch of datagrams to come.
pub struct ReceiveBatch {
    room: usize,
    octets: Vec<u8>,
    names: Vec<libc::sockaddr_storage>,
    controls: Vec<[u64; CONTROL_WORDS]>,
    slices: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl ReceiveBatch {
    /// With `room` octets for each datagram.
    pub fn new(room: usize) -> Self {
        Self {
            room,
            octets: vec![0; room * BATCH],
            // SAFETY: all-zero is a valid value of these plain C structures.
            names: vec![unsafe { mem::zeroed() }; BATCH],
            controls: vec![[0; CONTROL_WORDS]; BATCH],
            // SAFETY: as above.
            slices: vec![unsafe { mem::zeroed() }; BATCH],
            // SAFETY: as above.
            headers: vec![unsafe { mem::zeroed() }; BATCH],
        }
    }

    /// Takes what is there without waiting and shows each datagram to `each`.
    /// Returns whether there may be more.
    pub fn receive(
        &mut self,
        socket: BorrowedFd<'_>,
        mut each: impl FnMut(Datagram<'_>),
    ) -> io::Result<bool> {
        self.aim();
        // SAFETY: `aim` has made every header point to this value's own storage with
        // its length; the storage is borrowed mutably and outlives the call.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        let Ok(count) = usize::try_from(count) else {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(false),
                _ => Err(error),
            };
        };
        for index in 0..count {
            let Some(source) = address::read(&self.names[index]) else {
                continue;
            };
            let (stamp_ns, dropped) = control(&self.headers[index].msg_hdr);
            let len = (self.headers[index].msg_len as usize).min(self.room);
            each(Datagram {
                octets: &self.octets[index * self.room..][..len],
                source,
                stamp_ns,
                dropped,
            });
        }
        Ok(count == BATCH)
    }

    fn aim(&mut self) {
        for index in 0..BATCH {
            self.slices[index] = libc::iovec {
                iov_base: self.octets[index * self.room..].as_mut_ptr().cast(),
                iov_len: self.room,
            };
            let header = &mut self.headers[index].msg_hdr;
            header.msg_name = (&raw mut self.names[index]).cast();
            header.msg_namelen = mem::size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = &raw mut self.slices[index];
            header.msg_iovlen = 1;
            header.msg_control = self.controls[index].as_mut_ptr().cast();
            header.msg_controllen = (CONTROL_WORDS * 8) as _;
        }
    }
}

/// Datagrams that wait to be sent together.
pub struct SendBatch {
    room: usize,
    count: usize,
    octets: Vec<u8>,
    names: Vec<libc::sockaddr_storage>,
    slices: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl SendBatch {
    /// With `room` octets for each datagram.
    pub fn new(room: usize) -> Self {
        Self {
            room,
            count: 0,
            octets: vec![0; room * BATCH],
            // SAFETY: all-zero is a valid value of these plain C structures.
            names: vec![unsafe { mem::zeroed() }; BATCH],
            // SAFETY: as above.
            slices: vec![unsafe { mem::zeroed() }; BATCH],
            // SAFETY: as above.
            headers: vec![unsafe { mem::zeroed() }; BATCH],
        }
    }

    /// Whether it has to be flushed before the next datagram.
    pub fn is_full(&self) -> bool {
        self.count == BATCH
    }

    /// Adds a datagram that `fill` writes; `fill` returns its length.
    ///
    /// # Panics
    ///
    /// When the batch is full.
    pub fn push(&mut self, to: SocketAddr, fill: impl FnOnce(&mut [u8]) -> usize) {
        assert!(!self.is_full(), "flushed when full");
        let index = self.count;
        let len = fill(&mut self.octets[index * self.room..][..self.room]).min(self.room);
        self.slices[index].iov_len = len;
        let name_len = address::write(to, &mut self.names[index]);
        self.headers[index].msg_hdr.msg_namelen = name_len;
        self.count += 1;
    }

    /// Shows each waiting datagram once more before it is sent.
    pub fn retouch(&mut self, mut each: impl FnMut(&mut [u8])) {
        for index in 0..self.count {
            let len = self.slices[index].iov_len;
            each(&mut self.octets[index * self.room..][..len]);
        }
    }

    /// Sends all of it; returns how many the kernel refused.
    pub fn flush(&mut self, socket: BorrowedFd<'_>) -> u64 {
        for index in 0..self.count {
            let octets = &mut self.octets[index * self.room..];
            self.slices[index].iov_base = octets.as_mut_ptr().cast();
            let header = &mut self.headers[index].msg_hdr;
            header.msg_name = (&raw mut self.names[index]).cast();
            header.msg_iov = &raw mut self.slices[index];
            header.msg_iovlen = 1;
        }
        let (mut sent, mut refused) = (0, 0);
        while sent < self.count {
            let rest = &mut self.headers[sent..self.count];
            // SAFETY: the headers point to this value's own storage, as set above, and
            // the length is theirs.
            let result = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    rest.as_mut_ptr(),
                    rest.len() as libc::c_uint,
                    0,
                )
            };
            if let Ok(count @ 1..) = usize::try_from(result) {
                sent += count;
            } else {
                // The first of the rest cannot be sent; the others may be.
                sent += 1;
                refused += 1;
            }
        }
        self.count = 0;
        refused
    }
}

/// Arrival time and drop count from the control messages of a datagram.
fn control(header: &libc::msghdr) -> (Option<u64>, Option<u32>) {
    let (mut stamp, mut dropped) = (None, None);
    // SAFETY: `header` was filled in by recvmmsg, and its control buffer is alive.
    let mut message = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !message.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR return null or a whole header within the buffer.
        let (head, data) = unsafe { (&*message, libc::CMSG_DATA(message)) };
        if head.cmsg_level == libc::SOL_SOCKET && head.cmsg_type == libc::SCM_TIMESTAMPNS {
            // SAFETY: the kernel writes a `timespec` behind a header of this type; the
            // read does not need alignment.
            let time = unsafe { data.cast::<libc::timespec>().read_unaligned() };
            stamp = Some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64);
        } else if head.cmsg_level == libc::SOL_SOCKET && head.cmsg_type == libc::SO_RXQ_OVFL {
            // SAFETY: the kernel writes a u32 behind a header of this type.
            dropped = Some(unsafe { data.cast::<u32>().read_unaligned() });
        }
        // SAFETY: as above.
        message = unsafe { libc::CMSG_NXTHDR(header, message) };
    }
    (stamp, dropped)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    use super::*;
    use crate::sys::socket::tune;
    use crate::sys::wall_ns;

    #[test]
    fn a_batch_arrives_in_order_with_sources_and_times() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let here = UdpSocket::bind(address).unwrap();
            let there = UdpSocket::bind(address).unwrap();
            tune(&here, 1 << 20);
            let before = wall_ns();
            let mut send = SendBatch::new(100);
            for number in 0..BATCH as u8 {
                send.push(here.local_addr().unwrap(), |octets| {
                    octets[0] = number;
                    1 + usize::from(number % 2)
                });
            }
            assert!(send.is_full());
            send.retouch(|octets| octets[0] += 1);
            assert_eq!(send.flush(there.as_fd()), 0);
            let mut receive = ReceiveBatch::new(100);
            let mut number = 0;
            let more = receive.receive(here.as_fd(), |datagram| {
                assert_eq!(datagram.octets[0], number + 1);
                assert_eq!(datagram.octets.len(), 1 + usize::from(number % 2));
                assert_eq!(datagram.source, there.local_addr().unwrap());
                let stamp = datagram.stamp_ns.expect("stamps are on");
                assert!(stamp + 1_000_000 > before && stamp <= wall_ns());
                number += 1;
            });
            assert!(more.unwrap());
            assert_eq!(usize::from(number), BATCH);
            let more = receive.receive(here.as_fd(), |_| panic!("nothing is left"));
            assert!(!more.unwrap());
        }
    }

    #[test]
    fn what_the_kernel_refuses_is_counted_and_the_rest_sent() {
        let here = UdpSocket::bind("127.0.0.1:0").unwrap();
        let there = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut send = SendBatch::new(10);
        send.push("[::1]:9".parse().unwrap(), |_| 1);
        send.push(there.local_addr().unwrap(), |_| 2);
        assert_eq!(send.flush(here.as_fd()), 1);
        let mut buffer = [0; 10];
        assert_eq!(there.recv(&mut buffer).unwrap(), 2);
    }
}
