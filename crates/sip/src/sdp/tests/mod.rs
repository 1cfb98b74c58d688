//! Offers as the field writes them, and the rules of RFC 3264 row by row.

mod bodies;
mod described;
mod field;
mod machine;
mod reading;

use std::borrow::Cow;

use super::*;

pub(super) fn pcm_codecs() -> Arc<[CodecCapability]> {
    [("PCMU", 0), ("PCMA", 8)]
        .into_iter()
        .map(|(name, payload_type)| CodecCapability {
            name,
            clock_rate: 8000,
            channels: 1,
            payload_type,
            fmtp: None,
        })
        .collect()
}

pub(super) fn local() -> LocalMedia {
    LocalMedia {
        address: "192.0.2.1".parse().unwrap(),
        rtp_port: 20_000,
        session_id: 4711,
        user: Cow::Borrowed("-"),
        codecs: pcm_codecs(),
        telephone_event: true,
        ptime_ms: 20,
        rtcp_mux: true,
    }
}

/// `v=`, `o=`, `s=`, `c=` and `t=` before the lines given, with CRLF.
pub(super) fn sdp(lines: &[&str]) -> Vec<u8> {
    let head = "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n";
    let mut text = head.to_owned();
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.into_bytes()
}

pub(super) fn answer(lines: &[&str]) -> (String, NegotiatedMedia) {
    let (text, media) = OfferAnswer::new(local())
        .handle_offer(&sdp(lines))
        .unwrap_or_else(|error| panic!("{lines:?}: {error}"));
    (String::from_utf8(text.to_vec()).unwrap(), media)
}

pub(super) fn refusal(lines: &[&str]) -> OfferError {
    let result = OfferAnswer::new(local()).handle_offer(&sdp(lines));
    result.expect_err(&format!("{lines:?} was accepted"))
}

/// The `m=` lines of a description.
pub(super) fn m_lines(text: &str) -> Vec<&str> {
    text.split("\r\n")
        .filter(|line| line.starts_with("m="))
        .collect()
}

pub(super) fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Encoding name, payload types received and sent.
pub(super) type Format = (&'static str, u8, u8);

/// Encoding, receive and send payload types of what was agreed.
pub(super) fn agreed(media: &NegotiatedMedia) -> Vec<Format> {
    let codecs = pcm_codecs();
    let codec =
        |codec: &NegotiatedCodec| (codecs[codec.capability].name, codec.receive, codec.send);
    let events = media
        .events
        .map(|events| ("events", events.receive, events.send));
    media.codecs.iter().map(codec).chain(events).collect()
}
