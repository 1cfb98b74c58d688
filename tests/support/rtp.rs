//! The media side of a test phone: RTP packets, a paced sender and a capture
//! that keeps what comes with the time it came.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// An RTP packet (RFC 3550 §5.1) without padding, extension or sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Vec<u8>,
}

impl Packet {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0x80, u8::from(self.marker) << 7 | self.payload_type];
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// `None` for whatever is no plain RTP packet; the switch sends no other.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < 12 || bytes[0] != 0x80 {
            return None;
        }
        Some(Self {
            marker: bytes[1] & 0x80 != 0,
            payload_type: bytes[1] & 0x7f,
            sequence: u16::from_be_bytes([bytes[2], bytes[3]]),
            timestamp: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            ssrc: u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]),
            payload: bytes[12..].to_vec(),
        })
    }
}

/// A packet and when it came.
#[derive(Clone, Debug)]
pub struct Captured {
    pub at: Instant,
    pub packet: Packet,
}

/// An RTP stream that a phone sends: counts sequence and timestamp.
#[derive(Debug)]
pub struct Outgoing {
    pub payload_type: u8,
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
}

impl Outgoing {
    /// A stream that starts close to where sequence and timestamp wrap.
    pub fn new(payload_type: u8) -> Self {
        Self {
            payload_type,
            ssrc: 0x0102_0304,
            sequence: 65_530,
            timestamp: u32::MAX - 500,
        }
    }

    /// One packet of audio; one octet is one tick of the timestamp.
    pub fn audio(&mut self, payload: &[u8]) -> Packet {
        let packet = Packet {
            marker: false,
            payload_type: self.payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            payload: payload.to_vec(),
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(payload.len() as u32);
        packet
    }

    /// A key held for `length_ms`, as RFC 4733 §2.5 sends it: an update each
    /// 20 ms, the last one three times with the end bit.
    pub fn digit(&mut self, payload_type: u8, key: char, length_ms: u16) -> Vec<Packet> {
        let event = "0123456789*#ABCD"
            .find(key)
            .expect("a key of the telephone") as u8;
        let updates = (length_ms / 20).max(1);
        let mut packets = Vec::new();
        for index in 1..=updates + 2 {
            let ended = index >= updates;
            let duration = index.min(updates) * 160;
            let mut payload = vec![event, if ended { 0x8a } else { 0x0a }];
            payload.extend(duration.to_be_bytes());
            packets.push(Packet {
                marker: index == 1,
                payload_type,
                sequence: self.sequence,
                timestamp: self.timestamp,
                ssrc: self.ssrc,
                payload,
            });
            self.sequence = self.sequence.wrapping_add(1);
        }
        self.timestamp = self.timestamp.wrapping_add(u32::from(updates) * 160);
        packets
    }
}

/// Sends the packets one each `interval`, by the clock and not by the previous
/// packet. Returns when each was sent.
pub fn send_paced(
    socket: &UdpSocket,
    to: SocketAddr,
    packets: &[Packet],
    interval: Duration,
) -> Vec<Instant> {
    let start = Instant::now();
    packets
        .iter()
        .enumerate()
        .map(|(index, packet)| {
            let due = start + interval * index as u32;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let now = Instant::now();
            socket.send_to(&packet.to_bytes(), to).expect("RTP sent");
            now
        })
        .collect()
}

/// A socket on an even port with the odd one above it left free for RTCP.
pub fn bind_even(address: IpAddr) -> UdpSocket {
    for _ in 0..1000 {
        let socket = UdpSocket::bind((address, 0)).expect("a free UDP port");
        let port = socket.local_addr().expect("bound").port();
        if port.is_multiple_of(2) && UdpSocket::bind((address, port + 1)).is_ok() {
            return socket;
        }
    }
    panic!("no even port with a free one above it");
}

/// Receives on a thread of its own for as long as it lives.
pub struct Capture {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    packets: Vec<Captured>,
    stop: bool,
}

impl Capture {
    pub fn start(socket: &UdpSocket) -> Self {
        let socket = socket.try_clone().expect("a second handle of the socket");
        socket
            .set_read_timeout(Some(Duration::from_millis(20)))
            .expect("a timeout above zero");
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            news: Condvar::new(),
        });
        let receiver = Arc::clone(&shared);
        Self {
            shared,
            thread: Some(thread::spawn(move || receive(&socket, &receiver))),
        }
    }

    /// Waits until there are `count` packets and says whether they came in time.
    pub fn wait_for(&self, count: usize, timeout: Duration) -> bool {
        let state = self.shared.state.lock().expect("no panic while locked");
        let (state, _) = self
            .shared
            .news
            .wait_timeout_while(state, timeout, |state| state.packets.len() < count)
            .expect("no panic while locked");
        state.packets.len() >= count
    }

    /// What has come so far.
    pub fn packets(&self) -> Vec<Captured> {
        let state = self.shared.state.lock().expect("no panic while locked");
        state.packets.clone()
    }

    /// All that came, what still lay in the socket included.
    pub fn stop(mut self) -> Vec<Captured> {
        self.join();
        self.packets()
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.shared
                .state
                .lock()
                .expect("no panic while locked")
                .stop = true;
            thread.join().expect("the capture does not panic");
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.join();
    }
}

fn receive(socket: &UdpSocket, shared: &Shared) {
    let mut buffer = [0; 2048];
    loop {
        let result = socket.recv(&mut buffer);
        let at = Instant::now();
        let mut state = shared.state.lock().expect("no panic while locked");
        match result {
            Ok(length) => {
                if let Some(packet) = Packet::parse(&buffer[..length]) {
                    state.packets.push(Captured { at, packet });
                    shared.news.notify_all();
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if state.stop {
                    return;
                }
            }
            // A closed port of the far end reports itself here; go on.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(error) => panic!("receiving RTP: {error}"),
        }
    }
}

/// Asserts one unbroken stream: one SSRC, sequence +1 and timestamp + the
/// payload's length from packet to packet.
pub fn assert_unbroken(captured: &[Captured]) {
    for pair in captured.windows(2) {
        let (one, two) = (&pair[0].packet, &pair[1].packet);
        assert_eq!(one.ssrc, two.ssrc, "one SSRC a call");
        assert_eq!(
            two.sequence,
            one.sequence.wrapping_add(1),
            "sequence numbers without a gap"
        );
        assert_eq!(
            two.timestamp,
            one.timestamp.wrapping_add(one.payload.len() as u32),
            "timestamps without a gap"
        );
    }
}
