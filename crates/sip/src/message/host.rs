//! Hosts of URIs and Vias, with their ports.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};

use super::lex::{self, Span};
use super::uri::UriError;

/// The host of a URI or a Via.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An IPv4 literal.
    V4(Ipv4Addr),
    /// An IPv6 literal, in brackets on the wire.
    V6(Ipv6Addr),
    /// A domain name.
    Name(Bytes),
}

/// A host within a buffer that is kept elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) enum HostPart {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    Name(Span),
}

impl Host {
    /// The address, if the host is an IP literal.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::V4(ip) => Some(IpAddr::V4(*ip)),
            Self::V6(ip) => Some(IpAddr::V6(*ip)),
            Self::Name(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(ip) => ip.fmt(f),
            Self::V6(ip) => write!(f, "[{ip}]"),
            Self::Name(name) => write!(f, "{}", name.escape_ascii()),
        }
    }
}

impl HostPart {
    pub fn to_host(self, buffer: &Bytes) -> Host {
        match self {
            Self::V4(ip) => Host::V4(ip),
            Self::V6(ip) => Host::V6(ip),
            Self::Name(span) => Host::Name(buffer.slice(span.range())),
        }
    }

    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::V4(ip) => Some(IpAddr::V4(ip)),
            Self::V6(ip) => Some(IpAddr::V6(ip)),
            Self::Name(_) => None,
        }
    }

    pub fn is_equivalent(self, buffer: &[u8], other: Self, other_buffer: &[u8]) -> bool {
        match (self, other) {
            (Self::Name(left), Self::Name(right)) => {
                left.of(buffer).eq_ignore_ascii_case(right.of(other_buffer))
            }
            (left, right) => left.ip().is_some() && left.ip() == right.ip(),
        }
    }
}

/// Reads `host [":" port]` at `at`; white space may surround the colon where
/// `lws` says so (a Via's sent-by). Returns the position after it.
pub(super) fn parse_host_port(
    raw: &[u8],
    at: usize,
    lws: bool,
) -> Result<(HostPart, Option<u16>, usize), UriError> {
    let (host, mut end) = parse_host(raw, at)?;
    let colon = if lws { lex::skip_lws(raw, end) } else { end };
    if raw.get(colon) != Some(&b':') {
        return Ok((host, None, end));
    }
    let start = if lws {
        lex::skip_lws(raw, colon + 1)
    } else {
        colon + 1
    };
    end = start;
    while raw.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    let port = lex::parse_u64(&raw[start..end]).and_then(|port| u16::try_from(port).ok());
    match port {
        Some(port) => Ok((host, Some(port), end)),
        None => Err(UriError("port")),
    }
}

fn parse_host(raw: &[u8], start: usize) -> Result<(HostPart, usize), UriError> {
    if raw.get(start) == Some(&b'[') {
        let length = memchr::memchr(b']', &raw[start..]).ok_or(UriError("IPv6 reference"))?;
        let text = std::str::from_utf8(&raw[start + 1..start + length]).ok();
        let ip = text
            .and_then(|text| text.parse().ok())
            .ok_or(UriError("IPv6 reference"))?;
        return Ok((HostPart::V6(ip), start + length + 1));
    }
    let rest = &raw[start..];
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let length = rest
        .iter()
        .position(|byte| !is_name(byte))
        .unwrap_or(rest.len());
    if length == 0 {
        return Err(UriError("host"));
    }
    let host = match parse_ipv4(&rest[..length]) {
        Some(ip) => HostPart::V4(ip),
        None => HostPart::Name(Span::new(start, start + length)),
    };
    Ok((host, start + length))
}

fn parse_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    if !text[0].is_ascii_digit() || text.len() > 15 {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Appends `host:port` with IPv6 in brackets; the default port is written too.
pub(super) fn write_addr(addr: SocketAddr, out: &mut BytesMut) {
    write_ip(addr.ip(), true, out);
    out.put_u8(b':');
    lex::write_decimal(out, u64::from(addr.port()));
}

pub(super) fn write_ip(ip: IpAddr, brackets: bool, out: &mut BytesMut) {
    use fmt::Write as _;
    let written = match ip {
        IpAddr::V6(ip) if brackets => write!(out, "[{ip}]"),
        IpAddr::V4(_) | IpAddr::V6(_) => write!(out, "{ip}"),
    };
    debug_assert!(
        written.is_ok(),
        "writing into a growing buffer does not fail"
    );
}
