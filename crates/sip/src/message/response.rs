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
mod tests {
    use super::*;
    use crate::message::{Message, MessageLimits};

    fn answer(request: &'static [u8], status: StatusCode, tag: Option<&str>) -> String {
        let message = Message::parse(Bytes::from_static(request), &MessageLimits::default());
        let Ok(Message::Request(request)) = message else {
            panic!("a request")
        };
        let octets = Response::for_request(&request, status, tag).to_bytes();
        String::from_utf8(octets.to_vec()).expect("text")
    }

    #[test]
    fn the_header_fields_of_the_request_come_back_as_they_were() {
        let request = b"INVITE sip:a SIP/2.0\r\nv: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nSubject: x\r\n\
Timestamp: 5\r\ni: c\r\nVIA : SIP/2.0/UDP d\r\nt:\r\n <sip:e>\r\nf: <sip:f>;tag=1\r\n\
CSeq: 1 INVITE\r\n\r\n";
        let trying = "SIP/2.0 100 Trying\r\nv: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nVIA : SIP/2.0/UDP d\r\n\
f: <sip:f>;tag=1\r\nt:\r\n <sip:e>\r\ni: c\r\nCSeq: 1 INVITE\r\nTimestamp: 5\r\n\
Content-Length: 0\r\n\r\n";
        assert_eq!(answer(request, StatusCode::TRYING, Some("9")), trying);
        let busy = "SIP/2.0 486 Busy Here\r\nv: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nVIA : SIP/2.0/UDP d\r\n\
f: <sip:f>;tag=1\r\nTo: <sip:e>;tag=9\r\ni: c\r\nCSeq: 1 INVITE\r\n\
Content-Length: 0\r\n\r\n";
        assert_eq!(answer(request, StatusCode::BUSY_HERE, Some("9")), busy);
    }

    #[test]
    fn a_tag_is_added_only_where_there_is_none() {
        // To | with the tag 9
        let rows: [(&'static [u8], &str); 4] = [
            (b"A sip:a SIP/2.0\r\nTo: sip:e\r\n\r\n", "To: sip:e;tag=9"),
            (
                b"A sip:a SIP/2.0\r\nTo: <sip:e>;tag=8\r\n\r\n",
                "To: <sip:e>;tag=8",
            ),
            (b"A sip:a SIP/2.0\r\nTo: \"e\r\n\r\n", "To: \"e"),
            (
                b"A sip:a SIP/2.0\r\nTo: <sip:e;tag=8>\r\n\r\n",
                "To: <sip:e;tag=8>;tag=9",
            ),
        ];
        for (request, to) in rows {
            let answer = answer(request, StatusCode::OK, Some("9"));
            assert_eq!(answer.lines().find(|line| line.starts_with("To")), Some(to));
        }
    }

    #[test]
    fn a_reason_never_becomes_a_header_field() {
        let mut response = Response::new(StatusCode::OK);
        response.reason = Bytes::from_static(b"OK\r\nEvil: 1");
        let expected = b"SIP/2.0 200 OK  Evil: 1\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(response.to_bytes(), expected[..]);
        assert_eq!(
            StatusCode::new(477).map(StatusCode::reason),
            Some("Client Error")
        );
    }
}
