//! SIP as the phones speak it: written and read with `rsip`, which shares no
//! line with the switch's own message layer.

use std::net::SocketAddr;

use rsip::headers::{ToTypedHeader as _, UntypedHeader as _};
use rsip::message::{HasHeaders as _, HeadersExt as _};
use rsip::{Header, SipMessage};
use strowger_sip::transport::Transport;

/// The identifiers of one dialog, from the phone's side.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) address: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) call_id: String,
    pub(crate) local_tag: String,
    pub(crate) remote_tag: Option<String>,
    /// Where requests in the dialog are addressed.
    pub(crate) target: String,
    /// The URI of the To header.
    pub(crate) to: String,
}

impl Identity {
    pub(crate) fn contact(&self) -> String {
        format!("sip:phone@{}{}", self.address, self.transport_parameter())
    }

    fn transport_parameter(&self) -> &'static str {
        match self.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
        }
    }

    /// A request of the phone. A method that rsip has no name for is written as
    /// it stands.
    pub(crate) fn request(
        &self,
        method: &str,
        cseq: u32,
        branch: &str,
        body: Option<(&str, &str)>,
    ) -> Vec<u8> {
        let to_tag = self.remote_tag.as_ref();
        let to_tag = to_tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let via = format!(
            "SIP/2.0/{} {};branch={branch};rport",
            self.transport, self.address
        );
        let from = format!("<sip:phone@{}>;tag={}", self.address, self.local_tag);
        let mut headers = rsip::Headers::default();
        headers.push(rsip::headers::Via::new(via).into());
        headers.push(rsip::headers::MaxForwards::new("70").into());
        headers.push(rsip::headers::From::new(from).into());
        headers.push(rsip::headers::To::new(format!("<{}>{to_tag}", self.to)).into());
        headers.push(rsip::headers::CallId::new(self.call_id.clone()).into());
        headers.push(rsip::headers::CSeq::new(format!("{cseq} {method}")).into());
        headers.push(rsip::headers::Contact::new(format!("<{}>", self.contact())).into());
        headers.push(rsip::headers::UserAgent::new("sim phone").into());
        let text = match body {
            Some((kind, text)) => {
                headers.push(rsip::headers::ContentType::new(kind).into());
                text
            }
            None => "",
        };
        headers.push(rsip::headers::ContentLength::new(text.len().to_string()).into());
        let head = format!("{method} {} SIP/2.0\r\n{headers}\r\n", self.target);
        [head.as_bytes(), text.as_bytes()].concat()
    }
}

/// The response to a request of the switch: it repeats Via, From, To, Call-ID and
/// CSeq (RFC 3261 §8.2.6.2).
pub(crate) fn response(request: &rsip::Request, status: u16) -> Vec<u8> {
    let mut headers = rsip::Headers::default();
    for header in request.headers.iter() {
        match header {
            Header::Via(_)
            | Header::From(_)
            | Header::To(_)
            | Header::CallId(_)
            | Header::CSeq(_) => {
                headers.push(header.clone());
            }
            _ => {}
        }
    }
    headers.push(rsip::headers::ContentLength::new("0").into());
    let response = rsip::Response {
        status_code: rsip::StatusCode::from(status),
        version: rsip::Version::V2,
        headers,
        body: Vec::new(),
    };
    response.to_string().into_bytes()
}

/// What a message says, as `rsip` reads it.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The message itself.
    pub message: SipMessage,
    /// Call-ID.
    pub call_id: String,
    /// Sequence number of CSeq.
    pub cseq: u32,
    /// Method of CSeq.
    pub method: String,
    /// Branch of the top Via.
    pub branch: String,
    /// Tag of From.
    pub from_tag: Option<String>,
    /// Tag of To.
    pub to_tag: Option<String>,
}

impl Reading {
    /// Reads a message; the sentence says what is wrong with it.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        let message = SipMessage::try_from(bytes).map_err(|error| format!("rsip: {error}"))?;
        let say = |error: rsip::Error| format!("rsip: {error}");
        let via = message.via_header().map_err(say)?.typed().map_err(say)?;
        let branch = via
            .branch()
            .ok_or("the top Via has no branch")?
            .value()
            .to_owned();
        let cseq = message.cseq_header().map_err(say)?.typed().map_err(say)?;
        let from = message.from_header().map_err(say)?.typed().map_err(say)?;
        let to = message.to_header().map_err(say)?.typed().map_err(say)?;
        let reading = Self {
            call_id: message.call_id_header().map_err(say)?.value().to_owned(),
            cseq: cseq.seq,
            method: cseq.method.to_string(),
            branch,
            from_tag: from.tag().map(|tag| tag.value().to_owned()),
            to_tag: to.tag().map(|tag| tag.value().to_owned()),
            message,
        };
        reading.check_length()?;
        Ok(reading)
    }

    /// Status of a response.
    pub fn status(&self) -> Option<u16> {
        match &self.message {
            SipMessage::Response(response) => Some(response.status_code.code()),
            SipMessage::Request(_) => None,
        }
    }

    /// The request, when it is one.
    pub fn request(&self) -> Option<&rsip::Request> {
        match &self.message {
            SipMessage::Request(request) => Some(request),
            SipMessage::Response(_) => None,
        }
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        match &self.message {
            SipMessage::Request(request) => &request.body,
            SipMessage::Response(response) => &response.body,
        }
    }

    /// The URI in the first Contact.
    pub fn contact(&self) -> Option<String> {
        let contact = self.message.contact_header().ok()?.typed().ok()?;
        Some(contact.uri.to_string())
    }

    /// Every message states the length of its body (RFC 3261 §20.14, which only
    /// asks for it on streams).
    fn check_length(&self) -> Result<(), String> {
        let mut headers = self.message.headers().iter();
        let stated = headers.find_map(|header| match header {
            Header::ContentLength(length) => Some(length.value().to_owned()),
            _ => None,
        });
        let length = self.body().len().to_string();
        if stated.as_ref() == Some(&length) {
            return Ok(());
        }
        Err(format!(
            "Content-Length {stated:?} of a body of {length} octets"
        ))
    }
}

/// The session descriptions of the phones, written as plainly as they come.
pub(crate) mod sdp {
    use std::net::SocketAddr;

    /// A description with this version, media line and attributes.
    fn describe(address: SocketAddr, version: u32, media: &str, attributes: &[&str]) -> String {
        let ip = address.ip();
        let family = if ip.is_ipv4() { 4 } else { 6 };
        let mut text = format!(
            "v=0\r\no=- 1 {version} IN IP{family} {ip}\r\ns=-\r\nc=IN IP{family} {ip}\r\nt=0 0\r\n{media}\r\n"
        );
        for attribute in attributes {
            text.push_str("a=");
            text.push_str(attribute);
            text.push_str("\r\n");
        }
        text
    }

    pub(crate) fn ordinary(address: SocketAddr, version: u32, direction: &str) -> String {
        let events = "rtpmap:101 telephone-event/8000";
        describe(
            address,
            version,
            "m=audio 40000 RTP/AVP 8 0 101",
            &[events, direction],
        )
    }

    pub(crate) fn unacceptable(address: SocketAddr, version: u32) -> String {
        describe(address, version, "m=audio 40000 RTP/AVP 18", &[])
    }

    pub(crate) fn refusal(address: SocketAddr, version: u32) -> String {
        describe(address, version, "m=audio 0 RTP/AVP 0", &[])
    }

    /// RTP port of the first audio stream.
    pub(crate) fn rtp_port(body: &[u8]) -> Option<u16> {
        let text = std::str::from_utf8(body).ok()?;
        let mut lines = text.lines();
        let media = lines.find_map(|line| line.strip_prefix("m=audio "))?;
        media.split(' ').next()?.parse().ok()
    }
}
