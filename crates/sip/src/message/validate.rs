//! Whether a message may be acted upon, and what to refuse a request with.

use std::borrow::Cow;

use bytes::Bytes;

use super::header_name::HeaderName;
use super::headers::Headers;
use super::request::Request;
use super::response::Response;
use super::status::StatusCode;
use super::typed::HeaderError;

/// What a request is refused with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The status code.
    pub status: StatusCode,
    /// The reason phrase.
    pub reason: Cow<'static, str>,
    /// Header fields the answer needs: Unsupported, Allow, Accept, Retry-After…
    pub headers: Vec<(HeaderName, Bytes)>,
}

impl Rejection {
    /// With the default reason phrase.
    pub fn new(status: StatusCode) -> Self {
        Self::because(status, status.reason())
    }

    /// With a reason phrase that says more.
    pub fn because(status: StatusCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            reason: reason.into(),
            headers: Vec::new(),
        }
    }

    /// The same with one more header field.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<Bytes>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The response that refuses `request`.
    pub fn response(&self, request: &Request, to_tag: Option<&str>) -> Response {
        let mut response = Response::for_request(request, self.status, to_tag);
        response.reason = match &self.reason {
            Cow::Borrowed(reason) => Bytes::from_static(reason.as_bytes()),
            Cow::Owned(reason) => Bytes::copy_from_slice(reason.as_bytes()),
        };
        for (name, value) in &self.headers {
            response.headers.push(name.clone(), value.clone());
        }
        response
    }
}

impl From<HeaderError> for Rejection {
    /// RFC 3261 §21.4.1: the reason phrase identifies the problem.
    fn from(error: HeaderError) -> Self {
        let verb = if error.problem == "missing" {
            "Missing"
        } else {
            "Bad"
        };
        Self::because(
            StatusCode::BAD_REQUEST,
            format!("{verb} {} Header", error.header),
        )
    }
}

/// Why a response is discarded (RFC 3261 §18.3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Its version is not 2.0.
    #[error("another SIP version")]
    Version,
    /// More or longer header fields than the limits allow.
    #[error("header fields over the limit")]
    OverLimit,
    /// It ends before its header fields or its Content-Length do.
    #[error("cut short")]
    Truncated,
    /// A header field is missing or malformed.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// Header fields of which a message has at most one (RFC 3261 §7.3.1, §20).
const SINGLE: [HeaderName; 6] = [
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::MaxForwards,
    HeaderName::ContentLength,
];

pub(super) fn validate(request: &Request) -> Result<(), Rejection> {
    let bad = |reason: &'static str| Err(Rejection::because(StatusCode::BAD_REQUEST, reason));
    let flaws = request.flaws;
    // Another version may mean another grammar: nothing below it is judged.
    if flaws.version {
        return Err(Rejection::new(StatusCode::VERSION_NOT_SUPPORTED));
    }
    if flaws.over_limit {
        return Err(Rejection::new(StatusCode::MESSAGE_TOO_LARGE));
    }
    if flaws.uri_too_long {
        return Err(Rejection::new(StatusCode::REQUEST_URI_TOO_LONG));
    }
    if flaws.start_line {
        return bad("Bad Request-Line");
    }
    if flaws.header_line {
        return bad("Malformed Header Line");
    }
    if flaws.truncated_head {
        return bad("Incomplete Header");
    }
    check_common(&request.headers)?;
    let cseq = request.headers.cseq()?;
    if cseq.method != request.method {
        return bad("CSeq Method Mismatch");
    }
    request.headers.max_forwards()?;
    request.headers.content_length()?;
    if flaws.truncated_body {
        return bad("Content-Length Mismatch");
    }
    for contact in request.headers.contacts() {
        contact?;
    }
    for route in request.headers.routes() {
        route?;
    }
    for route in request.headers.record_routes() {
        route?;
    }
    check_uri(request)
}

/// RFC 3261 §8.2.2.1, and §19.1.1 for what a Request-URI must not have.
fn check_uri(request: &Request) -> Result<(), Rejection> {
    let uri = &request.uri;
    if !uri.is_valid() {
        return Err(Rejection::because(
            StatusCode::BAD_REQUEST,
            "Bad Request-URI",
        ));
    }
    if !uri.is_sip() && !uri.is_tel() {
        return Err(Rejection::new(StatusCode::UNSUPPORTED_URI_SCHEME));
    }
    if !uri.headers().is_empty() {
        return Err(Rejection::because(
            StatusCode::BAD_REQUEST,
            "Headers In Request-URI",
        ));
    }
    Ok(())
}

/// What requests and responses share: one each of From, To, Call-ID and CSeq,
/// and Vias that are (RFC 3261 §8.1.1).
fn check_common(headers: &Headers) -> Result<(), HeaderError> {
    if let Some(name) = headers.first_repeated(&SINGLE) {
        return Err(HeaderError::new(name, "more than one"));
    }
    let mut vias = headers.vias().peekable();
    if vias.peek().is_none() {
        return Err(HeaderError::missing(HeaderName::Via));
    }
    for via in vias {
        via?;
    }
    headers.from_()?;
    headers.to()?;
    headers.call_id()?;
    Ok(())
}

pub(super) fn validate_response(response: &Response) -> Result<(), ResponseError> {
    let flaws = response.flaws;
    if flaws.version {
        return Err(ResponseError::Version);
    }
    if flaws.over_limit {
        return Err(ResponseError::OverLimit);
    }
    if flaws.truncated_head || flaws.truncated_body {
        return Err(ResponseError::Truncated);
    }
    check_common(&response.headers)?;
    response.headers.cseq()?;
    response.headers.content_length()?;
    Ok(())
}

#[cfg(test)]
mod tests;
