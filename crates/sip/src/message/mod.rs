//! SIP messages on the wire (RFC 3261 §7, §20, §25): the only place in Strowger
//! that knows their syntax.
//!
//! [`Message::parse`] splits a datagram, or one message out of a
//! [`StreamFramer`], into a start line, header lines and a body. It is lazy and
//! copies nothing: header values stay ranges of the received [`Bytes`] until a
//! typed accessor ([`Headers::top_via`], [`Headers::from_`], …) asks for one.
//! It fails only for what cannot be represented at all. Whether a request may be
//! acted upon is a second question, answered by [`Request::validate`], which
//! names the status to refuse it with; so a broken request still has the headers
//! its answer needs.
//!
//! Writing keeps every byte of lines that were parsed and not replaced, in their
//! order. Two things are put right: the Content-Length says how long the body
//! is, and lines end in CRLF.
//!
//! Values are bytes, not text: a display name in Latin-1 passes through.

mod cseq;
mod header_line;
mod header_name;
mod headers;
mod host;
pub(crate) mod lex;
mod media_type;
mod method;
mod name_addr;
mod params;
mod parse;
mod request;
mod response;
mod status;
mod stream;
mod typed;
mod uri;
mod validate;
mod via;

use bytes::{Bytes, BytesMut};

pub use cseq::CSeq;
pub use header_name::HeaderName;
pub use headers::Headers;
pub use host::Host;
pub use media_type::MediaType;
pub use method::Method;
pub use name_addr::NameAddr;
pub use params::Params;
pub use parse::{MessageLimits, ParseError};
pub use request::Request;
pub use response::Response;
pub use status::StatusCode;
pub use stream::{Framed, FramingError, StreamFramer};
pub use typed::HeaderError;
pub use uri::{Uri, UriError};
pub use validate::{Rejection, ResponseError};
pub use via::Via;

/// A SIP message: a request or a response.
#[derive(Clone, Debug)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

impl Message {
    /// Parses one message. The body is what follows the empty line, cut to the
    /// Content-Length where there is more (RFC 3261 §18.3).
    ///
    /// The result refers to `input` and keeps it alive.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "the message shares its memory"
    )]
    pub fn parse(input: Bytes, limits: &MessageLimits) -> Result<Self, ParseError> {
        parse::parse(&input, limits)
    }

    /// The header fields.
    pub fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }

    /// The header fields, to be changed.
    pub fn headers_mut(&mut self) -> &mut Headers {
        match self {
            Self::Request(request) => &mut request.headers,
            Self::Response(response) => &mut response.headers,
        }
    }

    /// The body; empty where there is none.
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Request(request) => &request.body,
            Self::Response(response) => &response.body,
        }
    }

    /// Appends the message as it goes on the wire.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Request(request) => request.write(out),
            Self::Response(response) => response.write(out),
        }
    }

    /// The message as it goes on the wire.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Request(request) => request.to_bytes(),
            Self::Response(response) => response.to_bytes(),
        }
    }
}
