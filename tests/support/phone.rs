//! A telephone for tests: std sockets, requests written by hand, responses read
//! by rsip. It shares no code with the switch, so that both cannot be wrong in
//! the same way. One phone makes one call at a time over UDP and IPv4 (rsip
//! reads no IPv6; SIPp calls over that).

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rsip::headers::ToTypedHeader as _;
use rsip::message::HeadersExt as _;

use super::rtp::bind_even;

/// How long a phone waits for what has to come at once.
const PATIENCE: Duration = Duration::from_secs(5);

static CALLS: AtomicU32 = AtomicU32::new(0);

/// What the switch said, and when.
#[derive(Clone, Debug)]
pub struct Received {
    pub at: Instant,
    pub message: rsip::SipMessage,
    pub bytes: Vec<u8>,
}

impl Received {
    /// Status of a response, 0 for a request.
    pub fn status(&self) -> u16 {
        match &self.message {
            rsip::SipMessage::Response(response) => response.status_code().code(),
            rsip::SipMessage::Request(_) => 0,
        }
    }

    /// Method of a request, or of the CSeq of a response.
    pub fn method(&self) -> String {
        match &self.message {
            rsip::SipMessage::Request(request) => request.method().to_string(),
            // By hand: rsip's CSeq knows no method but its own fourteen.
            rsip::SipMessage::Response(_) => {
                let cseq = self.header("CSeq").expect("CSeq in a response");
                let method = cseq.split_whitespace().nth(1);
                method.expect("a method in CSeq").to_owned()
            }
        }
    }

    pub fn is_request(&self) -> bool {
        self.message.is_request()
    }

    /// First header of that name, as it stands in the message.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        text.lines()
            .skip(1)
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    }

    pub fn body(&self) -> String {
        String::from_utf8_lossy(self.message.body()).into_owned()
    }

    /// The address in `c=` with the port in `m=audio`.
    pub fn media_address(&self) -> SocketAddr {
        let body = self.body();
        let address = value_of(&body, "c=IN IP4 ").expect("c= in the description");
        let port = value_of(&body, "m=audio ").expect("m=audio in the description");
        let port = port.split(' ').next().expect("a first word");
        format!("{address}:{port}").parse().expect("an address")
    }
}

/// The value of the first line of a description that begins with `prefix`.
pub fn value_of<'a>(description: &'a str, prefix: &str) -> Option<&'a str> {
    description
        .lines()
        .find_map(|line| line.strip_prefix(prefix))
        .map(str::trim)
}

/// The phone, and the one call it may be in.
pub struct Phone {
    sip: UdpSocket,
    /// Where it sends RTP from and receives it.
    pub media: UdpSocket,
    server: SocketAddr,
    user: String,
    call_id: String,
    tag: String,
    remote_tag: Option<String>,
    target: String,
    cseq: u32,
    invite_cseq: u32,
    invite_branch: String,
    branches: u32,
}

impl Phone {
    pub fn new(server: SocketAddr) -> Self {
        let sip = UdpSocket::bind((server.ip(), 0)).expect("a free UDP port");
        Self {
            media: bind_even(sip.local_addr().expect("bound").ip()),
            sip,
            server,
            user: String::new(),
            call_id: String::new(),
            tag: String::new(),
            remote_tag: None,
            target: String::new(),
            cseq: 0,
            invite_cseq: 0,
            invite_branch: String::new(),
            branches: 0,
        }
    }

    /// Call-ID of the present call.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// A description of this phone: `formats` as in `0 8 101`, then attribute
    /// lines.
    pub fn description(&self, formats: &str, attributes: &[&str]) -> String {
        let media = self.media.local_addr().expect("bound");
        let ip: IpAddr = media.ip();
        let port = media.port();
        let mut text = format!(
            "v=0\r\no=phone 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP {formats}\r\n"
        );
        for attribute in attributes {
            let _ = write!(text, "a={attribute}\r\n");
        }
        text
    }

    /// PCMU, telephone-event as 101, 20 ms.
    pub fn usual_description(&self) -> String {
        self.description(
            "0 101",
            &[
                "rtpmap:0 PCMU/8000",
                "rtpmap:101 telephone-event/8000",
                "fmtp:101 0-15",
                "ptime:20",
            ],
        )
    }

    /// Calls with the usual description, waits for the answer, sends the ACK.
    /// Panics unless the answer is 200.
    pub fn dial(&mut self, user: &str) -> Received {
        let description = self.usual_description();
        self.dial_with(user, &description)
    }

    /// `dial` with a description of one's own.
    pub fn dial_with(&mut self, user: &str, description: &str) -> Received {
        self.invite(user, Some(description));
        let answer = self.final_response();
        assert_eq!(answer.status(), 200, "calling {user}: {}", show(&answer));
        self.ack(None);
        answer
    }

    /// Sends the INVITE of a new call and returns its octets.
    pub fn invite(&mut self, user: &str, description: Option<&str>) -> Vec<u8> {
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        self.call_id = format!("{}-{number}-{}", process::id(), self.local().port());
        self.tag = format!("t{number}");
        self.remote_tag = None;
        user.clone_into(&mut self.user);
        self.target = format!("sip:{user}@{}", self.server);
        self.invite_again(description)
    }

    /// Sends a re-INVITE in the present call.
    pub fn invite_again(&mut self, description: Option<&str>) -> Vec<u8> {
        self.cseq += 1;
        self.invite_cseq = self.cseq;
        self.invite_branch = self.next_branch();
        let bytes = self.request("INVITE", self.cseq, &self.invite_branch, description);
        self.send(&bytes);
        bytes
    }

    /// ACK of a 2xx.
    pub fn ack(&mut self, description: Option<&str>) {
        let branch = self.next_branch();
        let bytes = self.request("ACK", self.invite_cseq, &branch, description);
        self.send(&bytes);
    }

    /// ACK of any other final response, in the INVITE's transaction.
    pub fn ack_failure(&mut self) {
        let bytes = self.request("ACK", self.invite_cseq, &self.invite_branch, None);
        self.send(&bytes);
    }

    /// Sends CANCEL; the 200 and the 487 are still to be received.
    pub fn cancel(&mut self) {
        let tag = self.remote_tag.take();
        let bytes = self.request("CANCEL", self.invite_cseq, &self.invite_branch, None);
        self.remote_tag = tag;
        self.send(&bytes);
    }

    /// Hangs up and waits for the 200.
    pub fn hang_up(&mut self) {
        self.cseq += 1;
        let branch = self.next_branch();
        let bytes = self.request("BYE", self.cseq, &branch, None);
        self.send(&bytes);
        let answer = self.final_response();
        assert_eq!(answer.method(), "BYE", "{}", show(&answer));
        assert_eq!(answer.status(), 200, "{}", show(&answer));
    }

    /// Asks with OPTIONS outside of a call and returns the final response.
    pub fn options(&mut self, user: &str) -> Received {
        let mut asker = Self::new(self.server);
        asker.invite_branch = String::new();
        asker.call_id = format!("o{}-{}", process::id(), asker.local().port());
        "o".clone_into(&mut asker.tag);
        user.clone_into(&mut asker.user);
        asker.target = format!("sip:{user}@{}", self.server);
        let branch = asker.next_branch();
        let bytes = asker.request("OPTIONS", 1, &branch, None);
        asker.send(&bytes);
        asker.final_response()
    }

    /// Sends a request given by its first line, extra headers and body, with
    /// what is mandatory put in (`X-To-Tag` becomes the tag of To); returns the
    /// final response, after an ACK where one is due.
    pub fn raw_request(&mut self, request: &str) -> Received {
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        let (head, body) = request.split_once("\r\n\r\n").expect("a blank line");
        let (line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        let method = line.split(' ').next().expect("a method");
        let local = self.local();
        let (mut to_tag, mut extra) = (String::new(), String::new());
        for header in headers.lines() {
            match header.strip_prefix("X-To-Tag: ") {
                Some(tag) => to_tag = format!(";tag={tag}"),
                None => {
                    let _ = write!(extra, "{header}\r\n");
                }
            }
        }
        let text = |line: &str, method: &str, to: &str| {
            format!(
                "{line}\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKraw{number};rport\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:phone@{local}>;tag=raw{number}\r\nTo: {to}\r\n\
                 Call-ID: raw{number}-{}\r\nCSeq: 7 {method}\r\n\
                 Contact: <sip:phone@{local}>\r\n",
                process::id()
            )
        };
        let to = format!("<sip:answer@127.0.0.1>{to_tag}");
        let whole = text(line, method, &to)
            + &format!("{extra}Content-Length: {}\r\n\r\n{body}", body.len());
        self.send(whole.as_bytes());
        let answer = self.final_response();
        if method == "INVITE" {
            let ack = line.replacen("INVITE", "ACK", 1);
            let to = answer.header("To").expect("a To");
            let whole = text(&ack, "ACK", &to) + "Content-Length: 0\r\n\r\n";
            self.send(whole.as_bytes());
        }
        answer
    }

    /// Any octets to the SIP port of the switch.
    pub fn send(&self, bytes: &[u8]) {
        self.sip.send_to(bytes, self.server).expect("SIP sent");
    }

    /// The next message from the switch; `None` if none comes in time.
    pub fn receive(&mut self, timeout: Duration) -> Option<Received> {
        let mut buffer = vec![0; 65_536];
        let deadline = Instant::now() + timeout;
        let left = deadline.saturating_duration_since(Instant::now());
        self.sip
            .set_read_timeout(Some(left.max(Duration::from_millis(1))))
            .expect("a timeout above zero");
        let length = self.sip.recv(&mut buffer).ok()?;
        let at = Instant::now();
        buffer.truncate(length);
        let message = rsip::SipMessage::try_from(buffer.as_slice()).unwrap_or_else(|error| {
            panic!(
                "rsip cannot read what the switch sent: {error}\n{}",
                String::from_utf8_lossy(&buffer)
            )
        });
        let received = Received {
            at,
            message,
            bytes: buffer,
        };
        self.learn(&received);
        Some(received)
    }

    /// The next message, or a panic.
    pub fn expect(&mut self, what: &str) -> Received {
        self.receive(PATIENCE)
            .unwrap_or_else(|| panic!("{what} did not come within {PATIENCE:?}"))
    }

    /// The next final response; provisional ones are passed over.
    pub fn final_response(&mut self) -> Received {
        loop {
            let received = self.expect("a final response");
            assert!(!received.is_request(), "{}", show(&received));
            if received.status() >= 200 {
                return received;
            }
        }
    }

    /// Waits for the BYE of the switch and answers it.
    pub fn expect_bye(&mut self, timeout: Duration) -> Received {
        let bye = self
            .receive(timeout)
            .unwrap_or_else(|| panic!("BYE did not come within {timeout:?}"));
        assert_eq!((bye.status(), bye.method().as_str()), (0, "BYE"));
        self.answer(&bye, "200 OK");
        bye
    }

    /// Answers a request of the switch.
    pub fn answer(&self, request: &Received, status: &str) {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            let value = request.header(name).expect("a mandatory header");
            let _ = write!(text, "{name}: {value}\r\n");
        }
        text.push_str("Content-Length: 0\r\n\r\n");
        self.send(text.as_bytes());
    }

    fn local(&self) -> SocketAddr {
        self.sip.local_addr().expect("bound")
    }

    fn next_branch(&mut self) -> String {
        self.branches += 1;
        format!("z9hG4bK{}b{}", self.call_id, self.branches)
    }

    fn request(&self, method: &str, cseq: u32, branch: &str, body: Option<&str>) -> Vec<u8> {
        let local = self.local();
        let (target, server, tag) = match method {
            "CANCEL" => (&self.dialled(), self.server, &self.tag),
            _ => (&self.target, self.server, &self.tag),
        };
        let mut text = format!(
            "{method} {target} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch={branch};rport\r\n\
             Max-Forwards: 70\r\n\
             From: \"Test phone\" <sip:phone@{local}>;tag={tag}\r\n\
             To: <sip:{}@{server}>",
            self.user
        );
        if let Some(tag) = &self.remote_tag {
            let _ = write!(text, ";tag={tag}");
        }
        let _ = write!(
            text,
            "\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:phone@{local}>\r\nUser-Agent: test phone\r\n",
            self.call_id
        );
        if body.is_some() {
            text.push_str("Content-Type: application/sdp\r\n");
        }
        let body = body.unwrap_or_default();
        let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
        text.into_bytes()
    }

    fn dialled(&self) -> String {
        format!("sip:{}@{}", self.user, self.server)
    }

    /// The dialog as the responses to the INVITE make it (RFC 3261 §12.1.2).
    fn learn(&mut self, received: &Received) {
        let rsip::SipMessage::Response(response) = &received.message else {
            return;
        };
        if received.method() != "INVITE" || received.status() == 100 {
            return;
        }
        let to = response.to_header().expect("To in a response");
        let to = to.typed().expect("a To");
        self.remote_tag = to.tag().map(|tag| tag.value().to_owned());
        if received.status() < 300
            && let Ok(contact) = response.contact_header()
        {
            self.target = contact.typed().expect("a Contact").uri.to_string();
        }
    }
}

/// The message as text, for the words of a failed assertion.
pub fn show(received: &Received) -> String {
    String::from_utf8_lossy(&received.bytes).into_owned()
}
