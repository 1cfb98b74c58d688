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
