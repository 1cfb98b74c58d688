//! Messages out of a byte stream (RFC 3261 §18.3, RFC 5626 §3.5.1).

use bytes::{Buf, Bytes, BytesMut};

use super::header_name::HeaderName;
use super::parse::MessageLimits;
use super::status::StatusCode;
use super::{header_name, lex};

/// Cuts a stream into messages by their Content-Length.
#[derive(Debug)]
pub struct StreamFramer {
    limits: MessageLimits,
    buffer: BytesMut,
    /// How far the search for the end of the head has come.
    searched: usize,
    /// The length of the message at the front, once its head is complete.
    message_bytes: Option<usize>,
    failed: bool,
}

/// What the stream had next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framed {
    /// The bytes of one message, for [`super::Message::parse`].
    Message(Bytes),
    /// A keep-alive ping, CRLF CRLF: the owner answers with one CRLF.
    Ping,
    /// A single CRLF: the answer to a ping of ours. It is known for one only when
    /// something else follows.
    Pong,
}

/// The stream cannot be cut any further: after answering, the connection is to
/// be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status} {reason}", reason = status.reason())]
pub struct FramingError {
    /// What to answer, if the head is a request that parses.
    pub status: StatusCode,
    /// Start line and header fields of the message, as far as they came.
    pub head: Bytes,
}

impl StreamFramer {
    /// An empty stream.
    pub fn new(limits: MessageLimits) -> Self {
        Self {
            limits,
            buffer: BytesMut::new(),
            searched: 0,
            message_bytes: None,
            failed: false,
        }
    }

    /// Takes what was read from the stream. Call [`StreamFramer::next`] until it
    /// has nothing before reading more: what is pushed is kept.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.failed {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Bytes that wait for the rest of their message.
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// The next message or keep-alive; `None` until more was pushed. After an
    /// error there is nothing more.
    #[allow(
        clippy::should_implement_trait,
        reason = "None means not yet, not the end"
    )]
    pub fn next(&mut self) -> Option<Result<Framed, FramingError>> {
        if self.failed {
            return None;
        }
        if let Some(keep_alive) = self.keep_alive() {
            return Some(Ok(keep_alive));
        }
        if self.message_bytes.is_none() {
            match self.measure() {
                Ok(length) => self.message_bytes = length,
                Err(error) => {
                    self.failed = true;
                    self.buffer.clear();
                    return Some(Err(error));
                }
            }
        }
        let length = self
            .message_bytes
            .filter(|length| *length <= self.buffer.len())?;
        self.message_bytes = None;
        self.searched = 0;
        // A copy of its own size: what keeps a value of the message keeps no more
        // of the stream alive, and the buffer is used again.
        let message = Bytes::copy_from_slice(&self.buffer[..length]);
        self.buffer.advance(length);
        Some(Ok(Framed::Message(message)))
    }

    /// Takes CRLFs from between messages.
    fn keep_alive(&mut self) -> Option<Framed> {
        if self.searched > 0 {
            return None;
        }
        match &self.buffer[..] {
            [b'\r', b'\n', b'\r', b'\n', ..] => {
                self.buffer.advance(4);
                Some(Framed::Ping)
            }
            // One CRLF alone may be the first half of a ping.
            [b'\r', b'\n', next, ..] if *next != b'\r' => {
                self.buffer.advance(2);
                Some(Framed::Pong)
            }
            _ => None,
        }
    }

    /// The length of the message at the front, once its head is complete.
    fn measure(&mut self) -> Result<Option<usize>, FramingError> {
        if matches!(
            &self.buffer[..],
            [] | [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r']
        ) {
            return Ok(None);
        }
        let Some(head) = head_end(&self.buffer, self.searched) else {
            self.searched = self.buffer.len();
            if self.buffer.len() > self.limits.max_head_bytes {
                return Err(self.error(StatusCode::MESSAGE_TOO_LARGE, self.buffer.len()));
            }
            return Ok(None);
        };
        if head > self.limits.max_head_bytes {
            return Err(self.error(StatusCode::MESSAGE_TOO_LARGE, head));
        }
        let body = content_length(&self.buffer[..head])
            .ok_or_else(|| self.error(StatusCode::BAD_REQUEST, head))?;
        match usize::try_from(body)
            .ok()
            .and_then(|body| head.checked_add(body))
        {
            Some(length) if length <= self.limits.max_message_bytes => Ok(Some(length)),
            Some(_) | None => Err(self.error(StatusCode::REQUEST_ENTITY_TOO_LARGE, head)),
        }
    }

    fn error(&self, status: StatusCode, head: usize) -> FramingError {
        let head = &self.buffer[..head.min(self.limits.max_head_bytes)];
        FramingError {
            status,
            head: Bytes::copy_from_slice(head),
        }
    }
}

/// Where the head with its empty line ends. `searched` bytes had no end in them.
fn head_end(buffer: &[u8], searched: usize) -> Option<usize> {
    let from = searched.saturating_sub(3);
    memchr::memchr_iter(b'\n', &buffer[from..])
        .map(|at| from + at + 1)
        .find(|end| {
            let before = &buffer[..end - 1];
            let before = before.strip_suffix(b"\r").unwrap_or(before);
            before.last() == Some(&b'\n')
        })
}

/// The one Content-Length of a head; `None` if it is missing, malformed, or
/// there are two that differ: the end of the message is unknown then.
fn content_length(head: &[u8]) -> Option<u64> {
    let mut found = None;
    let mut lines = head.split(|byte| *byte == b'\n').skip(1).peekable();
    while let Some(line) = lines.next() {
        let name_end = lex::skip_token(line, 0);
        if header_name::lookup(&line[..name_end]) != HeaderName::ContentLength.id() {
            continue;
        }
        let mut value = lex::trim(&line[name_end..])
            .strip_prefix(b":")
            .map(lex::trim)?;
        while let Some(next) = lines.next_if(|next| matches!(next.first(), Some(b' ' | b'\t'))) {
            if value.is_empty() {
                value = lex::trim(next);
            } else if !lex::trim(next).is_empty() {
                return None;
            }
        }
        let length = lex::parse_u64(value)?;
        if found.is_some_and(|found| found != length) {
            return None;
        }
        found = Some(length);
    }
    found
}

#[cfg(test)]
mod tests;
