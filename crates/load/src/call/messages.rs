//! What a call's messages look like.

use std::net::SocketAddr;

use bytes::Bytes;
use strowger_sip::message::{CSeq, HeaderName, Method, Request};

use super::Line;
use crate::sdp;

/// The Call-ID of a call.
pub fn call_id(run: u32, index: u32) -> String {
    format!("load-{run:08x}-{index}")
}

/// The index of the call with this Call-ID, if it is of this run.
pub fn index_of(call_id: &[u8], run: u32) -> Option<u32> {
    let text = std::str::from_utf8(call_id).ok()?;
    let (found, index) = text.strip_prefix("load-")?.split_once('-')?;
    (u32::from_str_radix(found, 16) == Ok(run))
        .then(|| index.parse().ok())
        .flatten()
}

pub(super) fn invite(line: &Line, index: u32, offer: Bytes) -> Request {
    let mut invite = Request::new(Method::Invite, line.uri.clone());
    let (run, local) = (line.run, line.local);
    let to = format!("<{}>", String::from_utf8_lossy(line.uri.as_bytes()));
    let headers = &mut invite.headers;
    headers.push(HeaderName::Via, via(line, index, &Method::Invite));
    headers.push(HeaderName::MaxForwards, Bytes::from_static(b"70"));
    let from = format!("<sip:load@{local}>;tag={run:x}.{index:x}");
    headers.push(HeaderName::From, from);
    headers.push(HeaderName::To, to);
    headers.push(HeaderName::CallId, call_id(run, index));
    headers.push(HeaderName::CSeq, Bytes::from_static(b"1 INVITE"));
    headers.push(HeaderName::Contact, format!("<sip:load@{local}>"));
    let allow = b"INVITE, ACK, CANCEL, BYE, OPTIONS";
    headers.push(HeaderName::Allow, Bytes::from_static(allow));
    let sdp = Bytes::from_static(b"application/sdp");
    headers.push(HeaderName::ContentType, sdp);
    invite.body = offer;
    invite
}

/// An ACK to a non-2xx or a CANCEL: both look like the INVITE they belong to
/// (RFC 3261 §9.1, §17.1.1.3).
pub(super) fn hop_by_hop(
    line: &Line,
    invite: &Request,
    method: Method,
    to: Option<&Bytes>,
) -> Request {
    let mut request = Request::new(method.clone(), line.uri.clone());
    for name in [
        HeaderName::Via,
        HeaderName::MaxForwards,
        HeaderName::From,
        HeaderName::To,
        HeaderName::CallId,
    ] {
        match to {
            Some(to) if name == HeaderName::To => request.headers.push(name, to.clone()),
            _ => request.headers.copy_from(&invite.headers, &name),
        }
    }
    let cseq = CSeq { number: 1, method };
    request.headers.push(HeaderName::CSeq, cseq.to_bytes());
    request
}

pub(super) fn via(line: &Line, index: u32, method: &Method) -> String {
    let letter = char::from(method.as_bytes()[0]);
    let (local, run) = (line.local, line.run);
    format!("SIP/2.0/UDP {local};branch=z9hG4bK{run:08x}.{index:x}{letter};rport")
}

pub(super) fn media_address(line: &Line, answer: &[u8]) -> Result<SocketAddr, &'static str> {
    let media = sdp::answered_address(answer)?;
    if media.ip().is_ipv4() != line.local.is_ipv4() {
        return Err("the answer names media of the other IP version");
    }
    if !line.allow_remote && !media.ip().is_loopback() {
        return Err("the answer sends media beyond this machine, see --allow-remote");
    }
    Ok(media)
}
