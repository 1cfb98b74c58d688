//! A SIP server made of threads and plain sockets: it answers every call and
//! sends the audio back, as well or as badly as it is told. It shares no code
//! with the tool.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Every tenth is dropped.
    Drop,
    /// Every tenth has an octet changed.
    Alter,
    /// Every tenth comes twice.
    Repeat,
    /// Every tenth comes after the one behind it.
    Swap,
    /// Calls are refused with 486.
    Busy,
}

/// Runs until it goes out of scope.
pub struct Fake {
    pub address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    pub fn start(fault: Fault) -> Self {
        let socket = bind();
        let address = socket.local_addr().expect("bound");
        let is_over = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_over);
        Self {
            address,
            is_over,
            thread: Some(thread::spawn(move || serve(&socket, fault, &flag))),
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().expect("joined once").join();
        assert!(ended.is_ok() || thread::panicking(), "the fake panicked");
    }
}

fn bind() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let often = Some(Duration::from_millis(100));
    socket.set_read_timeout(often).expect("above zero");
    socket
}

fn serve(socket: &UdpSocket, fault: Fault, is_over: &Arc<AtomicBool>) {
    let mut answers: HashMap<String, String> = HashMap::new();
    let mut echoes = Vec::new();
    let mut buffer = [0; 4096];
    while !is_over.load(Ordering::Relaxed) {
        let Ok((len, source)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let text = String::from_utf8(buffer[..len].to_vec()).expect("text");
        let answer = match text.split(' ').next().expect("a first word") {
            "INVITE" => answers
                .entry(header(&text, "Call-ID"))
                .or_insert_with(|| answer(&text, fault, is_over, &mut echoes))
                .clone(),
            "BYE" => response(&text, "200 OK", ""),
            _ => continue,
        };
        socket.send_to(answer.as_bytes(), source).expect("sent");
    }
    for echo in echoes {
        echo.join().expect("no panic");
    }
}

fn answer(
    invite: &str,
    fault: Fault,
    is_over: &Arc<AtomicBool>,
    echoes: &mut Vec<JoinHandle<()>>,
) -> String {
    if fault == Fault::Busy {
        return response(invite, "486 Busy Here", "");
    }
    let media = bind();
    let port = media.local_addr().expect("bound").port();
    let flag = Arc::clone(is_over);
    echoes.push(thread::spawn(move || echo(&media, fault, &flag)));
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0\r\n"
    );
    response(invite, "200 OK", &sdp)
}

fn echo(media: &UdpSocket, fault: Fault, is_over: &AtomicBool) {
    let mut buffer = [0; 2048];
    let mut held: Option<Vec<u8>> = None;
    let mut count = 0;
    while !is_over.load(Ordering::Relaxed) {
        let Ok((len, source)) = media.recv_from(&mut buffer) else {
            continue;
        };
        count += 1;
        let packet = &mut buffer[..len];
        if count % 10 == 0 {
            match fault {
                Fault::Drop => continue,
                Fault::Alter => packet[len - 1] ^= 1,
                Fault::Repeat => drop(media.send_to(packet, source)),
                Fault::Swap => {
                    held = Some(packet.to_vec());
                    continue;
                }
                Fault::None | Fault::Busy => {}
            }
        }
        let _ = media.send_to(packet, source);
        if let Some(held) = held.take() {
            let _ = media.send_to(&held, source);
        }
    }
}

fn response(request: &str, status: &str, body: &str) -> String {
    let [via, from, to, call_id, cseq] =
        ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| header(request, name));
    let tag = if to.contains("tag=") { "" } else { ";tag=fake" };
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "SIP/2.0 {status}\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to}{tag}\r\n\
         Call-ID: {call_id}\r\nCSeq: {cseq}\r\nContact: <sip:fake@127.0.0.1>\r\n\
         {kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn header(message: &str, name: &str) -> String {
    message
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map_or_else(
            || panic!("no {name} in {message}"),
            |(_, value)| value.to_owned(),
        )
}
