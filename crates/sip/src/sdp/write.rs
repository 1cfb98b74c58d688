//! Writing our session descriptions, straight into the buffer.

use std::fmt::Write as _;

use bytes::{BufMut as _, Bytes, BytesMut};

use super::codec::{Formats, TELEPHONE_EVENT};
use super::{Direction, LocalMedia, MAX_PTIME_MS};

/// One `m=` line of a session: they keep their places for its whole life
/// (RFC 3264 §8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The stream that we take part in.
    Ours,
    /// A stream that is refused or disabled: the line with port 0.
    Refused(Box<str>),
}

/// What we say about our stream.
pub(super) struct OurStream<'a> {
    pub(super) formats: &'a Formats,
    pub(super) ptime_ms: u8,
    pub(super) direction: Direction,
    pub(super) rtcp_mux: bool,
}

/// A description that we sent: its `o=` version counts changes of the rest.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) text: Bytes,
    pub(super) version: u64,
    body: usize,
}

impl Sent {
    /// The next description: the last one itself when nothing changed, else one
    /// with the version raised by one (RFC 3264 §8).
    pub(super) fn next(
        last: Option<&Self>,
        local: &LocalMedia,
        slots: &[Slot],
        stream: Option<&OurStream<'_>>,
    ) -> Self {
        let mut body = BytesMut::with_capacity(384);
        write_body(&mut body, local, slots, stream);
        let version = match last {
            Some(last) if last.text[last.body..] == body[..] => return last.clone(),
            Some(last) => last.version + 1,
            None => 1,
        };
        let mut text = BytesMut::with_capacity(body.len() + 80);
        write_origin(&mut text, local, version);
        let offset = text.len();
        text.extend_from_slice(&body);
        Self {
            text: text.freeze(),
            version,
            body: offset,
        }
    }
}

fn write_origin(out: &mut BytesMut, local: &LocalMedia, version: u64) {
    out.put_slice(b"v=0\r\no=");
    out.put_slice(local.user.as_bytes());
    put(out, format_args!(" {} {version}", local.session_id));
    write_address(out, " ", local);
}

/// ` IN IP4 <address>` and the end of the line.
fn write_address(out: &mut BytesMut, before: &str, local: &LocalMedia) {
    let family = if local.address.is_ipv4() { 4 } else { 6 };
    put(
        out,
        format_args!("{before}IN IP{family} {}\r\n", local.address),
    );
}

fn write_body(
    out: &mut BytesMut,
    local: &LocalMedia,
    slots: &[Slot],
    stream: Option<&OurStream<'_>>,
) {
    out.put_slice(b"s=-\r\n");
    write_address(out, "c=", local);
    out.put_slice(b"t=0 0\r\n");
    for slot in slots {
        match (slot, stream) {
            (Slot::Ours, Some(stream)) => write_stream(out, local, stream),
            (Slot::Ours, None) => out.put_slice(b"m=audio 0 RTP/AVP 0\r\n"),
            (Slot::Refused(line), _) => {
                out.put_slice(b"m=");
                out.put_slice(line.as_bytes());
                out.put_slice(b"\r\n");
            }
        }
    }
}

fn write_stream(out: &mut BytesMut, local: &LocalMedia, stream: &OurStream<'_>) {
    put(out, format_args!("m=audio {} RTP/AVP", local.rtp_port));
    let events = stream.formats.events;
    for codec in &stream.formats.codecs {
        put(out, format_args!(" {}", codec.receive));
    }
    if let Some((events, _)) = events {
        put(out, format_args!(" {}", events.receive));
    }
    out.put_slice(b"\r\n");
    for codec in &stream.formats.codecs {
        let capability = &local.codecs[codec.capability];
        let (number, name) = (codec.receive, capability.name);
        put(
            out,
            format_args!("a=rtpmap:{number} {name}/{}", capability.clock_rate),
        );
        if capability.channels > 1 {
            put(out, format_args!("/{}", capability.channels));
        }
        out.put_slice(b"\r\n");
        if let Some(fmtp) = &capability.fmtp {
            put(out, format_args!("a=fmtp:{number} {fmtp}\r\n"));
        }
    }
    if let Some((events, clock_rate)) = events {
        let number = events.receive;
        put(
            out,
            format_args!(
                "a=rtpmap:{number} {TELEPHONE_EVENT}/{clock_rate}\r\na=fmtp:{number} 0-15\r\n"
            ),
        );
    }
    let (ptime, direction) = (stream.ptime_ms, stream.direction.as_str());
    put(
        out,
        format_args!("a=ptime:{ptime}\r\na=maxptime:{MAX_PTIME_MS}\r\na={direction}\r\n"),
    );
    if stream.rtcp_mux {
        out.put_slice(b"a=rtcp-mux\r\n");
    }
}

fn put(out: &mut BytesMut, arguments: std::fmt::Arguments<'_>) {
    out.write_fmt(arguments)
        .expect("a BytesMut grows as needed");
}
