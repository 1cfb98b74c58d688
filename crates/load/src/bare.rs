//! The floor: programs that do nothing but the system calls, run as children of
//! this tool so that their CPU time is told by the same means as the server's.
//!
//! A child writes the ports of its streams to its standard output, one line,
//! and ends when its standard input does.

use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use crate::options::BareOptions;
use crate::rtp::{self, SAMPLES_PER_MS};
use crate::sys::{Epoll, monotonic_ns, raise_open_files, wait_readable};

/// The longest packet reflected.
const PACKET_ROOM: usize = 2048;

/// Returns every packet to where it came from: epoll, then one receive and one
/// send a packet. `connect` keeps each socket to the first who wrote to it.
pub fn reflect(ip: IpAddr, streams: usize, connect: bool) -> io::Result<()> {
    let sockets = open(ip, streams)?;
    let mut is_connected = vec![false; streams];
    let mut epoll = Epoll::new()?;
    for (index, socket) in sockets.iter().enumerate() {
        epoll.add(socket.as_fd(), index as u64)?;
    }
    let stdin = io::stdin();
    epoll.add(stdin.as_fd(), streams as u64)?;
    announce(&sockets)?;
    let mut octets = [0; PACKET_ROOM];
    let mut is_over = false;
    while !is_over {
        epoll.wait(|token| {
            let index = token as usize;
            let Some(socket) = sockets.get(index) else {
                is_over = true;
                return;
            };
            // A packet that is gone or refused is lost, as with any server.
            if is_connected[index] {
                if let Ok(len) = socket.recv(&mut octets) {
                    let _ = socket.send(&octets[..len]);
                }
            } else if let Ok((len, source)) = socket.recv_from(&mut octets) {
                is_connected[index] = connect && socket.connect(source).is_ok();
                let _ = socket.send_to(&octets[..len], source);
            }
        })?;
    }
    Ok(())
}

/// Sends one packet of each stream at every tick; ticks are absolute. Stream n
/// goes to the n-th address, round and round.
pub fn send(options: &BareOptions) -> io::Result<()> {
    let sockets = open(options.ip, options.streams)?;
    let far = |index: usize| options.to[index % options.to.len()];
    if options.connect {
        for (index, socket) in sockets.iter().enumerate() {
            socket.connect(far(index))?;
        }
    }
    announce(&sockets)?;
    let samples = options.ptime * SAMPLES_PER_MS;
    let mut octets = vec![0xff; rtp::HEADER + samples as usize];
    let mut deadline = monotonic_ns();
    let stdin = io::stdin();
    for frame in 0_u32.. {
        deadline += u64::from(options.ptime) * 1_000_000;
        if wait_readable(stdin.as_fd(), deadline) {
            break;
        }
        for (index, socket) in sockets.iter().enumerate() {
            let timestamp = frame.wrapping_mul(samples);
            rtp::write_header(&mut octets, frame as u16, timestamp, index as u32);
            let _ = if options.connect {
                socket.send(&octets)
            } else {
                socket.send_to(&octets, far(index))
            };
        }
    }
    Ok(())
}

fn open(ip: IpAddr, streams: usize) -> io::Result<Vec<UdpSocket>> {
    raise_open_files()?;
    (0..streams)
        .map(|_| {
            let socket = UdpSocket::bind(SocketAddr::new(ip, 0))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        })
        .collect()
}

fn announce(sockets: &[UdpSocket]) -> io::Result<()> {
    let mut line = String::new();
    for socket in sockets {
        line.push_str(&socket.local_addr()?.port().to_string());
        line.push(' ');
    }
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
