//! Responses (RFC 3261 §7.2, §8.2.6).

use bytes::{BufMut, Bytes, BytesMut};

use super::header_name::HeaderName;
use super::headers::Headers;
use super::lex;
use super::parse::Flaws;
use super::request::Request;
use super::status::StatusCode;
use super::validate::{self, ResponseError};

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: StatusCode,
    /// The reason phrase.
    pub reason: Bytes,
    /// The header fields.
    pub headers: Headers,
    /// The body; empty where there is none. Its length is what Content-Length
    /// will say.
    pub body: Bytes,
    pub(super) flaws: Flaws,
}

impl Response {
    /// A response without header fields and body.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            reason: Bytes::from_static(status.reason().as_bytes()),
            headers: Headers::with_capacity(12),
            body: Bytes::new(),
            flaws: Flaws::default(),
        }
    }

    /// A response to `request` with the header fields RFC 3261 §8.2.6.2 asks
    /// for: all Via, From, To, Call-ID and CSeq, byte for byte, and in a 100 the
    /// Timestamp. `to_tag` is added where the request's To has none; a 100 stays
    /// without.
    pub fn for_request(request: &Request, status: StatusCode, to_tag: Option<&str>) -> Self {
        let mut response = Self::new(status);
        let headers = &mut response.headers;
        headers.copy_from(&request.headers, &HeaderName::Via);
        headers.copy_from(&request.headers, &HeaderName::From);
        match to_tag.filter(|_| status != StatusCode::TRYING) {
            Some(tag) => push_to(headers, &request.headers, tag),
            None => headers.copy_from(&request.headers, &HeaderName::To),
        }
        headers.copy_from(&request.headers, &HeaderName::CallId);
        headers.copy_from(&request.headers, &HeaderName::CSeq);
        if status == StatusCode::TRYING {
            headers.copy_from(&request.headers, &HeaderName::Timestamp);
        }
        response
    }

    /// Whether the response may be acted upon. One that may not is discarded
    /// (RFC 3261 §18.3).
    pub fn validate(&self) -> Result<(), ResponseError> {
        validate::validate_response(self)
    }

    /// Appends the response as it goes on the wire.
    pub fn write(&self, out: &mut BytesMut) {
        out.reserve(self.headers.written_len() + self.body.len() + self.reason.len() + 32);
        out.put_slice(b"SIP/2.0 ");
        lex::write_decimal(out, u64::from(self.status.code()));
        out.put_u8(b' ');
        out.put_slice(&lex::single_line(self.reason.clone()));
        out.put_slice(b"\r\n");
        self.headers.write(self.body.len(), out);
        out.put_slice(b"\r\n");
        out.put_slice(&self.body);
    }

    /// The response as it goes on the wire.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.write(&mut out);
        out.freeze()
    }
}

/// Adds the To of `from` with `tag`, unless it has a tag or cannot be parsed.
fn push_to(headers: &mut Headers, from: &Headers, tag: &str) {
    let value = match (from.get(&HeaderName::To), from.to()) {
        (Some(value), Ok(to)) if to.tag().is_none() => value,
        _ => return headers.copy_from(from, &HeaderName::To),
    };
    let mut tagged = BytesMut::with_capacity(value.len() + tag.len() + 5);
    tagged.put_slice(value);
    tagged.put_slice(b";tag=");
    tagged.put_slice(tag.as_bytes());
    headers.push(HeaderName::To, tagged.freeze());
}

#[cfg(test)]
mod tests;
