//! The tokenizer: start line, header lines, body.

use bytes::Bytes;

use super::header_line::ParsedLine;
use super::headers::Headers;
use super::lex;
use super::method::Method;
use super::request::Request;
use super::response::Response;
use super::status::StatusCode;
use super::uri::Uri;
use super::{HeaderName, Message};

/// How large a message may be.
#[derive(Clone, Debug)]
pub struct MessageLimits {
    /// Start line, header fields and body together.
    pub max_message_bytes: usize,
    /// Number of header field lines.
    pub max_headers: usize,
    /// One header field line, folded lines included.
    pub max_header_bytes: usize,
    /// Start line and header fields together.
    pub max_head_bytes: usize,
    /// The Request-URI.
    pub max_uri_bytes: usize,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self {
            max_message_bytes: 65_535,
            max_headers: 256,
            max_header_bytes: 8_192,
            max_head_bytes: 32_768,
            max_uri_bytes: 2_048,
        }
    }
}

/// The input is no SIP message that could be answered; a datagram like this is
/// dropped and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing but line ends: a keep-alive (RFC 5626 §3.5.1).
    #[error("empty")]
    Empty,
    /// More than `max_message_bytes`.
    #[error("message too large")]
    TooLarge,
    /// The first line is neither a request line nor a status line.
    #[error("not a SIP start line")]
    StartLine,
    /// The status code is not a number from 100 to 699.
    #[error("status code out of range")]
    StatusCode,
}

impl ParseError {
    /// The status for whoever wants to name one in a log or a metric. The input
    /// itself has nothing that an answer could be sent with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::MESSAGE_TOO_LARGE,
            Self::Empty | Self::StartLine | Self::StatusCode => StatusCode::BAD_REQUEST,
        }
    }
}

/// What the tokenizer noticed and could pass over: [`Request::validate`] turns
/// it into a status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flaws {
    /// White space where RFC 3261 §7.1 has a single space or none.
    pub start_line: bool,
    /// `SIP/x.y` other than 2.0.
    pub version: bool,
    /// A line without a colon or with a name that is no token.
    pub header_line: bool,
    /// The input ends before the empty line.
    pub truncated_head: bool,
    /// More or longer header lines than the limits allow.
    pub over_limit: bool,
    /// The Request-URI is longer than the limits allow.
    pub uri_too_long: bool,
    /// Content-Length says more than there is.
    pub truncated_body: bool,
}

pub(super) fn parse(input: &Bytes, limits: &MessageLimits) -> Result<Message, ParseError> {
    if input.len() > limits.max_message_bytes.min(u32::MAX as usize) {
        return Err(ParseError::TooLarge);
    }
    let start = input.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
    let start = start.ok_or(ParseError::Empty)?;
    let (line_end, next) = line_at(input, start);
    let mut flaws = Flaws::default();
    let start_line = parse_start_line(input, start, line_end, limits, &mut flaws)?;
    let (headers, body_start) = parse_headers(input, next, limits, &mut flaws);
    let body = body_of(input, body_start, &headers, &mut flaws);
    Ok(match start_line {
        StartLine::Request(method, uri) => Message::Request(Request {
            method,
            uri,
            headers,
            body,
            flaws,
        }),
        StartLine::Response(status, reason) => Message::Response(Response {
            status,
            reason,
            headers,
            body,
            flaws,
        }),
    })
}

enum StartLine {
    Request(Method, Uri),
    Response(StatusCode, Bytes),
}

fn parse_start_line(
    input: &Bytes,
    start: usize,
    end: usize,
    limits: &MessageLimits,
    flaws: &mut Flaws,
) -> Result<StartLine, ParseError> {
    let line = &input[start..end];
    let space = memchr::memchr(b' ', line).ok_or(ParseError::StartLine)?;
    let first = &line[..space];
    if let Some(version) = sip_version(first) {
        flaws.version = version != b"2.0";
        let code = line
            .get(space + 1..space + 4)
            .ok_or(ParseError::StatusCode)?;
        let code = lex::parse_u64(code).ok_or(ParseError::StatusCode)?;
        let status = StatusCode::new(code as u16).ok_or(ParseError::StatusCode)?;
        return match line.get(space + 4) {
            None => Ok(StartLine::Response(status, Bytes::new())),
            Some(b' ') => Ok(StartLine::Response(
                status,
                input.slice(start + space + 5..end),
            )),
            Some(_) => Err(ParseError::StatusCode),
        };
    }
    let method = Method::parse(first).ok_or(ParseError::StartLine)?;
    let trimmed = lex::trim_range(line, space + 1..line.len());
    let version_start = memchr::memrchr(b' ', &line[trimmed.clone()])
        .map(|length| trimmed.start + length + 1)
        .ok_or(ParseError::StartLine)?;
    let version = sip_version(&line[version_start..trimmed.end]).ok_or(ParseError::StartLine)?;
    let uri = lex::trim_range(line, trimmed.start..version_start);
    flaws.version = version != b"2.0";
    flaws.start_line =
        trimmed.start != space + 1 || trimmed.end != line.len() || uri.end + 1 != version_start;
    flaws.uri_too_long = uri.len() > limits.max_uri_bytes;
    let uri = Uri::of_request_line(input.slice(start + uri.start..start + uri.end));
    Ok(StartLine::Request(method, uri))
}

/// The version of `SIP/x.y`; `None` if it is not of that form.
fn sip_version(text: &[u8]) -> Option<&[u8]> {
    let (name, version) = text.split_at_checked(4)?;
    let is_version = name.eq_ignore_ascii_case(b"SIP/")
        && version.first().is_some_and(u8::is_ascii_digit)
        && version
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.');
    is_version.then_some(version)
}

/// The end of the line at `start`, and where the next one begins.
fn line_at(input: &[u8], start: usize) -> (usize, usize) {
    match memchr::memchr(b'\n', &input[start..]) {
        Some(length) => {
            let end = start + length;
            let cr = length > 0 && input[end - 1] == b'\r';
            (end - usize::from(cr), end + 1)
        }
        None => (input.len(), input.len()),
    }
}

/// Reads header lines from `at`; returns where the body begins.
fn parse_headers(
    input: &Bytes,
    mut at: usize,
    limits: &MessageLimits,
    flaws: &mut Flaws,
) -> (Headers, usize) {
    let mut headers = Headers::of_source(input.clone());
    let head_start = at;
    loop {
        if at >= input.len() {
            flaws.truncated_head = true;
            return (headers, at);
        }
        let start = at;
        let (mut end, mut next) = line_at(input, start);
        if end == start {
            return (headers, next);
        }
        let mut folded = false;
        while matches!(input.get(next), Some(b' ' | b'\t')) {
            (end, next) = line_at(input, next);
            folded = true;
        }
        at = next;
        if end - start > limits.max_header_bytes
            || end - head_start > limits.max_head_bytes
            || headers.len() >= limits.max_headers
        {
            flaws.over_limit = true;
            continue;
        }
        match header_line(input, start, end) {
            Some(line) if folded => headers.push_folded(line),
            Some(line) => headers.push_parsed(line),
            None => flaws.header_line = true,
        }
    }
}

fn header_line(input: &[u8], start: usize, end: usize) -> Option<ParsedLine> {
    let name_end = lex::skip_token(&input[..end], start);
    let mut colon = name_end;
    while colon < end && matches!(input[colon], b' ' | b'\t') {
        colon += 1;
    }
    if name_end == start || colon >= end || input[colon] != b':' {
        return None;
    }
    let value = lex::trim_range(input, colon + 1..end);
    Some(ParsedLine {
        start: start as u32,
        name_end: name_end as u32,
        value_start: value.start as u32,
        value_end: value.end as u32,
        end: end as u32,
    })
}

/// RFC 3261 §18.3: what exceeds the Content-Length is discarded; without one
/// the body reaches to the end of the datagram.
fn body_of(input: &Bytes, start: usize, headers: &Headers, flaws: &mut Flaws) -> Bytes {
    let available = input.len() - start;
    let length = headers
        .get(&HeaderName::ContentLength)
        .and_then(lex::parse_u64);
    let length = length.map_or(available, |length| {
        usize::try_from(length).unwrap_or(usize::MAX)
    });
    flaws.truncated_body = length > available;
    input.slice(start..start + length.min(available))
}

#[cfg(test)]
mod tests;
