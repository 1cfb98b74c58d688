//! The Via of our requests, and the two requests a client transaction makes
//! itself: CANCEL and the ACK to a final response other than 2xx.

use bytes::{BufMut, Bytes, BytesMut};

use super::key::MAGIC_COOKIE;
use super::random::{from_hex, hex};
use super::slab::SlabId;
use crate::message::{CSeq, HeaderName, Method, Request, Response};
use crate::transport::Transport;

/// What a branch of ours says: the number of the transaction, and a secret by
/// which a response shows that it has seen the request. So no index is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Branch {
    pub(super) secret: u64,
    pub(super) id: SlabId,
}

impl Branch {
    /// Reads a branch that [`via`] wrote; `None` for any other.
    pub(super) fn parse(branch: &[u8]) -> Option<Self> {
        let digits = branch.get(MAGIC_COOKIE.len()..)?;
        if digits.len() != 32 {
            return None;
        }
        Some(Self {
            secret: from_hex(&digits[..16])?,
            id: SlabId::from_raw(from_hex(&digits[16..])?),
        })
    }

    fn write(self, out: &mut BytesMut) {
        out.put_slice(MAGIC_COOKIE);
        out.put_slice(&hex(self.secret));
        out.put_slice(&hex(self.id.raw()));
    }
}

/// The Via of a request of ours (RFC 3261 §18.1.1), over UDP with `rport` (RFC
/// 3581 §3).
pub(super) fn via(transport: Transport, sent_by: &str, branch: Branch) -> Bytes {
    let mut via = BytesMut::with_capacity(sent_by.len() + 64);
    via.put_slice(b"SIP/2.0/");
    via.put_slice(transport.as_str().as_bytes());
    via.put_u8(b' ');
    via.put_slice(sent_by.as_bytes());
    via.put_slice(b";branch=");
    branch.write(&mut via);
    match transport {
        Transport::Udp => via.put_slice(b";rport"),
        Transport::Tcp => {}
    }
    via.freeze()
}

/// The ACK to a final response other than 2xx (RFC 3261 §17.1.1.3).
pub(super) fn ack(invite: &Request, response: &Response) -> Request {
    let mut ack = follow_up(invite, Method::Ack);
    ack.headers.remove(&HeaderName::To);
    ack.headers.copy_from(&response.headers, &HeaderName::To);
    ack
}

/// The CANCEL of an INVITE (RFC 3261 §9.1).
pub(super) fn cancel(invite: &Request) -> Request {
    follow_up(invite, Method::Cancel)
}

/// Request-URI, Via, Route, From, To, Call-ID and CSeq number of the INVITE.
fn follow_up(invite: &Request, method: Method) -> Request {
    let mut request = Request::new(method.clone(), invite.uri.clone());
    let headers = &mut request.headers;
    for name in [
        HeaderName::Via,
        HeaderName::Route,
        HeaderName::From,
        HeaderName::To,
        HeaderName::CallId,
    ] {
        headers.copy_from(&invite.headers, &name);
    }
    let number = invite.headers.cseq().map_or(0, |cseq| cseq.number);
    headers.push(HeaderName::CSeq, CSeq { number, method }.to_bytes());
    headers.push(HeaderName::MaxForwards, Bytes::from_static(b"70"));
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Via;

    #[test]
    fn a_branch_says_what_it_was_made_of() {
        let branch = Branch {
            secret: 0xfeed_0000_0000_beef,
            id: SlabId::from_raw(0x1_0000_0002),
        };
        let raw = via(Transport::Udp, "192.0.2.1:5070", branch);
        assert_eq!(
            raw,
            "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKfeed00000000beef0000000100000002;rport"
        );
        let via = Via::parse(raw).unwrap();
        assert_eq!(Branch::parse(via.branch().unwrap()), Some(branch));
    }

    #[test]
    fn a_foreign_branch_says_nothing() {
        for branch in [
            "",
            "z9hG4bK",
            "z9hG4bK74bf9",
            "z9hG4bKfeed00000000beef000000010000000g",
        ] {
            assert_eq!(Branch::parse(branch.as_bytes()), None);
        }
    }

    #[test]
    fn over_tcp_rport_is_not_asked_for() {
        let branch = Branch {
            secret: 1,
            id: SlabId::from_raw(2),
        };
        let raw = via(Transport::Tcp, "[2001:db8::1]", branch);
        assert!(raw.starts_with(b"SIP/2.0/TCP [2001:db8::1];branch=z9hG4bK"));
        assert!(!Via::parse(raw).unwrap().wants_rport());
    }
}
