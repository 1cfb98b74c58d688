//! Reading a session description.
//!
//! The grammar is sdp-types'; before it sees the text, the lines that have no
//! bearing on one audio stream are left out and those that do are tidied. That
//! makes reading fast, and tolerant where the field is careless: a user with
//! spaces in `o=`, text in another charset, a bandwidth or time that is no
//! number, runs of spaces, lines that end in CR or LF alone, a NUL at the end.

use std::borrow::Cow;

use sdp_types::{Media, Session};

use super::{MAX_LINES, MAX_STREAMS};

/// Longest media type, protocol or format that is repeated in our answer.
const MAX_TOKEN_BYTES: usize = 64;

/// What makes a session description unreadable, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(Cow<'static, str>);

impl Malformed {
    pub(super) const fn because(why: &'static str) -> Self {
        Self(Cow::Borrowed(why))
    }
}

/// A session description of the far end.
pub(super) struct Description {
    pub(super) session: Session,
}

impl Description {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let lines = select_lines(body)?;
        let session =
            Session::parse(&lines).map_err(|error| Malformed(Cow::Owned(error.to_string())))?;
        if session.medias.len() > MAX_STREAMS {
            return Err(Malformed::because("too many media descriptions"));
        }
        if session.medias.iter().any(is_unrepeatable) {
            return Err(Malformed::because("malformed media description"));
        }
        Ok(Self { session })
    }
}

/// Whether the `m=` line cannot stand in an answer: it has to be repeated there
/// even when the stream is refused (RFC 3264 §6).
fn is_unrepeatable(media: &Media) -> bool {
    let format = media.fmt.split(' ').next().unwrap_or_default();
    [&*media.media, &*media.proto, format]
        .iter()
        .any(|token| token.is_empty() || token.len() > MAX_TOKEN_BYTES)
}

/// The lines that matter, tidied, in their order.
fn select_lines(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut kept = Vec::with_capacity(body.len().min(1024));
    let mut count = 0;
    for line in body.split(|&byte| byte == b'\n' || byte == b'\r') {
        let [key, b'=', value @ ..] = line else {
            continue;
        };
        let value = value.trim_ascii();
        match key {
            b'v' | b'c' | b'm' => {}
            b'o' => {
                check_origin(value)?;
                continue;
            }
            b'a' if is_wanted(value) => {}
            // Sessions, times, bandwidths, keys and the like; attributes that we
            // do not understand are ignored (RFC 8866 §5.13).
            _ => continue,
        }
        count += 1;
        if count > MAX_LINES {
            return Err(Malformed::because("too many lines"));
        }
        kept.extend_from_slice(&[*key, b'=']);
        if *key == b'm' {
            push_words(&mut kept, value);
        } else {
            kept.extend_from_slice(value);
        }
        kept.push(b'\n');
    }
    Ok(kept)
}

/// `o=<username> <sess-id> <sess-version> <nettype> <addrtype> <address>`
/// (RFC 8866 §5.2). Nothing in it is used: what counts is what the rest of the
/// description says, even if the version was not raised. The username may hold
/// spaces, against the grammar.
fn check_origin(value: &[u8]) -> Result<(), Malformed> {
    if words(value).count() < 6 {
        return Err(Malformed::because("malformed o= line"));
    }
    Ok(())
}

/// Whether an attribute bears on one of our decisions.
fn is_wanted(attribute: &[u8]) -> bool {
    const WANTED: [&[u8]; 9] = [
        b"rtpmap",
        b"ptime",
        b"maxptime",
        b"sendrecv",
        b"sendonly",
        b"recvonly",
        b"inactive",
        b"rtcp",
        b"rtcp-mux",
    ];
    let end = memchr::memchr(b':', attribute).unwrap_or(attribute.len());
    let name = attribute[..end].trim_ascii();
    WANTED
        .iter()
        .any(|wanted| wanted.eq_ignore_ascii_case(name))
}

fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

fn push_words(out: &mut Vec<u8>, value: &[u8]) {
    for (index, word) in words(value).enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}
