//! One media description of the far end, with the session's defaults applied.

use std::net::{IpAddr, SocketAddr};

use sdp_types::{Attribute, Media, Session};

use super::codec::{self, Encoding};
use super::{Direction, LocalMedia, MAX_FORMATS, MAX_PTIME_MS, MIN_PTIME_MS, Malformed};

/// Where the far end wants its RTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remote {
    /// Here.
    Address(IpAddr),
    /// Nowhere: `0.0.0.0` or `::`, the hold of RFC 2543 (RFC 3264 §8.4).
    Unspecified,
    /// A domain name, or an address of the family that our socket is not: only
    /// what arrives can show where it is.
    Unknown,
    /// A group or broadcast address: never ours to send to.
    Group,
}

/// An `m=audio … RTP/AVP` with a port, as far as it matters to us.
pub(super) struct AudioStream<'a> {
    media: &'a Media,
    rtpmaps: Vec<(u8, Encoding<'a>)>,
    pub(super) remote: Remote,
    /// As the far end wrote it: from its side.
    pub(super) direction: Direction,
    pub(super) rtcp_mux: bool,
    rtcp: Option<(u16, Option<IpAddr>)>,
    ptime_ms: Option<u32>,
    maxptime_ms: Option<u32>,
}

/// Whether the stream is of the one kind that we take: audio over plain RTP.
pub(super) fn is_audio(media: &Media) -> bool {
    media.media.eq_ignore_ascii_case("audio") && media.proto.eq_ignore_ascii_case("RTP/AVP")
}

impl<'a> AudioStream<'a> {
    /// Reads a stream that `is_audio` and has a port.
    pub(super) fn read(
        session: &'a Session,
        media: &'a Media,
        local: IpAddr,
    ) -> Result<Self, Malformed> {
        let connection = media.connections.first().or(session.connection.as_ref());
        let connection = connection.ok_or(Malformed::because("a stream without c= line"))?;
        let mut stream = Self {
            media,
            rtpmaps: Vec::with_capacity(8),
            remote: remote(&connection.connection_address, local),
            direction: Direction::SendRecv,
            rtcp_mux: false,
            rtcp: None,
            ptime_ms: None,
            maxptime_ms: None,
        };
        for attribute in session.attributes.iter().chain(&media.attributes) {
            stream.apply(attribute);
        }
        Ok(stream)
    }

    /// The formats of the `m=` line with what they stand for, if that is known.
    pub(super) fn formats(&self) -> impl Iterator<Item = (u8, Option<Encoding<'a>>)> {
        let formats = self.media.fmt.split(' ').take(MAX_FORMATS);
        formats.filter_map(|format| {
            let payload_type = format.parse().ok().filter(|number| *number < 128)?;
            let mapped = self.rtpmaps.iter().find(|map| map.0 == payload_type);
            let encoding = mapped.map(|map| map.1);
            Some((
                payload_type,
                encoding.or(codec::static_encoding(payload_type)),
            ))
        })
    }

    /// Where to send RTP and RTCP, when that is known.
    pub(super) fn targets(&self, rtcp_mux: bool) -> (Option<SocketAddr>, Option<SocketAddr>) {
        let Remote::Address(address) = self.remote else {
            return (None, None);
        };
        let rtp = SocketAddr::new(address, self.media.port);
        let rtcp = match self.rtcp {
            _ if rtcp_mux => Some(rtp),
            Some((port, other)) => Some(SocketAddr::new(other.unwrap_or(address), port)),
            // RFC 3550 §11: the next port.
            None => rtp
                .port()
                .checked_add(1)
                .map(|port| SocketAddr::new(address, port)),
        };
        (Some(rtp), rtcp)
    }

    /// Length of the packets to send: what the far end asks for, not more than
    /// it takes, in steps of 10 ms.
    pub(super) fn ptime_ms(&self, local: &LocalMedia) -> u8 {
        let wish = self.ptime_ms.unwrap_or_else(|| u32::from(local.ptime_ms));
        let most = self.maxptime_ms.unwrap_or(u32::from(MAX_PTIME_MS));
        let steps = wish.min(most) / 10 * 10;
        steps.clamp(u32::from(MIN_PTIME_MS), u32::from(MAX_PTIME_MS)) as u8
    }

    /// Session attributes come first, so that the stream's own override them.
    fn apply(&mut self, attribute: &'a Attribute) {
        let value = attribute.value.as_deref().unwrap_or_default().trim();
        let name = attribute.attribute.trim();
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("rtpmap") {
            if self.rtpmaps.len() < MAX_FORMATS {
                self.rtpmaps.extend(codec::parse_rtpmap(value));
            }
        } else if is("ptime") {
            self.ptime_ms = milliseconds(value).or(self.ptime_ms);
        } else if is("maxptime") {
            self.maxptime_ms = milliseconds(value).or(self.maxptime_ms);
        } else if is("rtcp") {
            self.rtcp = parse_rtcp(value, self.remote).or(self.rtcp);
        } else if is("rtcp-mux") {
            self.rtcp_mux = true;
        } else if let Some(direction) = direction(name) {
            self.direction = direction;
        }
    }
}

fn direction(name: &str) -> Option<Direction> {
    const ALL: [Direction; 4] = [
        Direction::SendRecv,
        Direction::SendOnly,
        Direction::RecvOnly,
        Direction::Inactive,
    ];
    let mut all = ALL.into_iter();
    all.find(|direction| name.eq_ignore_ascii_case(direction.as_str()))
}

/// Whole milliseconds of `a=ptime`, which some write as `20.0`.
fn milliseconds(value: &str) -> Option<u32> {
    let digits = value.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|ms| *ms > 0)
}

/// `<port> [IN IP4 <address>]` (RFC 3605 §2.1). An address that the stream could
/// not have in its `c=` does not count.
fn parse_rtcp(value: &str, remote: Remote) -> Option<(u16, Option<IpAddr>)> {
    let mut words = value.split_ascii_whitespace();
    let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
    let Remote::Address(stream) = remote else {
        return Some((port, None));
    };
    let address = words
        .nth(2)
        .and_then(|word| match self::remote(word, stream) {
            Remote::Address(address) => Some(address),
            Remote::Unspecified | Remote::Unknown | Remote::Group => None,
        });
    Some((port, address))
}

/// The address of `c=`, without the `/ttl` that belongs to groups.
fn remote(address: &str, local: IpAddr) -> Remote {
    let address = address.split('/').next().unwrap_or_default();
    let Ok(address) = address
        .parse::<IpAddr>()
        .map(|address| address.to_canonical())
    else {
        return Remote::Unknown;
    };
    if address.is_unspecified() {
        Remote::Unspecified
    } else if address.is_multicast() || address == std::net::Ipv4Addr::BROADCAST {
        Remote::Group
    } else if address.is_ipv4() == local.to_canonical().is_ipv4() {
        Remote::Address(address)
    } else {
        Remote::Unknown
    }
}
