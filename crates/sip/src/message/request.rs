//! Requests (RFC 3261 §7.1).

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};

use super::header_name::HeaderName;
use super::headers::Headers;
use super::method::Method;
use super::parse::Flaws;
use super::uri::Uri;
use super::validate::{self, Rejection};

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The Request-URI.
    pub uri: Uri,
    /// The header fields.
    pub headers: Headers,
    /// The body; empty where there is none. Its length is what Content-Length
    /// will say.
    pub body: Bytes,
    pub(super) flaws: Flaws,
}

impl Request {
    /// A request without header fields and body.
    pub fn new(method: Method, uri: Uri) -> Self {
        Self {
            method,
            uri,
            headers: Headers::with_capacity(12),
            body: Bytes::new(),
            flaws: Flaws::default(),
        }
    }

    /// Whether the request may be acted upon; if not, with what to refuse it
    /// (RFC 3261 §8.2, §16.3, §18.3, and the advice of RFC 4475). Methods,
    /// extensions, bodies and hops are judged further up.
    pub fn validate(&self) -> Result<(), Rejection> {
        validate::validate(self)
    }

    /// Notes in the top Via where the request came from (RFC 3261 §18.2.1, RFC
    /// 3581 §4). A Via that cannot be parsed is left alone.
    pub fn stamp_source(&mut self, source: SocketAddr) {
        let stamped = self
            .headers
            .top_via()
            .ok()
            .and_then(|via| via.stamped(source));
        if let Some(stamped) = stamped {
            self.headers
                .replace_first_element(&HeaderName::Via, &stamped);
        }
    }

    /// Appends the request as it goes on the wire.
    pub fn write(&self, out: &mut BytesMut) {
        let uri = self.uri.as_bytes();
        out.reserve(self.headers.written_len() + self.body.len() + uri.len() + 32);
        out.put_slice(self.method.as_bytes());
        out.put_u8(b' ');
        out.put_slice(uri);
        out.put_slice(b" SIP/2.0\r\n");
        self.headers.write(self.body.len(), out);
        out.put_slice(b"\r\n");
        out.put_slice(&self.body);
    }

    /// The request as it goes on the wire.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.write(&mut out);
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use crate::message::{Message, MessageLimits};

    #[test]
    fn the_source_is_stamped_into_the_first_via_wherever_it_stands() {
        // Via lines | the same, stamped
        let rows = [
            (
                "Via: SIP/2.0/UDP a",
                "Via: SIP/2.0/UDP a;received=192.0.2.1",
            ),
            (
                "v:SIP/2.0/UDP a, SIP/2.0/UDP b",
                "Via: SIP/2.0/UDP a;received=192.0.2.1, SIP/2.0/UDP b",
            ),
            (
                "Via: SIP/2.0/UDP a;rport\r\nVia: SIP/2.0/UDP b",
                "Via: SIP/2.0/UDP a;received=192.0.2.1;rport=7\r\nVia: SIP/2.0/UDP b",
            ),
            (
                "Via:\r\nVia: ,SIP/2.0/UDP a",
                "Via:\r\nVia: ,SIP/2.0/UDP a;received=192.0.2.1",
            ),
            ("Via: SIP/2.0/UDP 192.0.2.1", "Via: SIP/2.0/UDP 192.0.2.1"),
            ("Via: x", "Via: x"),
            ("X: y", "X: y"),
        ];
        for (lines, stamped) in rows {
            let text = format!("A sip:b SIP/2.0\r\n{lines}\r\nl: 0\r\n\r\n");
            let message = Message::parse(text.into(), &MessageLimits::default());
            let Ok(Message::Request(mut request)) = message else {
                panic!("a request")
            };
            request.stamp_source(([192, 0, 2, 1], 7).into());
            let expected = format!("A sip:b SIP/2.0\r\n{stamped}\r\nl: 0\r\n\r\n");
            assert_eq!(request.to_bytes(), expected);
        }
    }
}
