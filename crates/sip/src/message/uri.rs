//! URIs: `sip:` and `sips:` taken apart (RFC 3261 §19.1), all others kept.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};

use super::host::{Host, HostPart, parse_host_port, write_addr};
use super::lex::{self, Span};
use super::params::Params;
use crate::transport::Transport;

/// A URI, kept byte for byte as it was written.
///
/// `==` compares the bytes; [`Uri::is_equivalent`] follows RFC 3261 §19.1.4.
#[derive(Clone)]
pub struct Uri {
    raw: Bytes,
    parts: Parts,
}

/// The text is not a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed URI: {0}")]
pub struct UriError(pub(super) &'static str);

#[derive(Clone, Copy, Debug)]
enum Parts {
    Sip(SipParts),
    /// Any other scheme, of this length.
    Other(u32),
    /// A Request-URI that is none; it exists so that the request can be refused.
    Invalid,
}

#[derive(Clone, Copy, Debug)]
struct SipParts {
    secure: bool,
    user: Option<Span>,
    password: Option<Span>,
    host: HostPart,
    port: Option<u16>,
    params: Span,
    headers: Span,
}

/// How many parameters and header components are compared one by one.
const MAX_COMPONENTS: usize = 64;
/// Port 5060 where none is written (RFC 3261 §19.1.2).
pub(super) const DEFAULT_PORT: u16 = 5060;
/// Port 5061 for `sips:` and TLS.
pub(super) const DEFAULT_SECURE_PORT: u16 = 5061;

impl Uri {
    /// Parses a URI that fills `raw`.
    pub fn parse(raw: impl Into<Bytes>) -> Result<Self, UriError> {
        let raw = raw.into();
        let parts = parse_parts(&raw)?;
        Ok(Self { raw, parts })
    }

    /// `sip:[user@]addr[;transport=…]`. Characters that may not stand in a user
    /// are escaped.
    pub fn sip(user: Option<&str>, addr: SocketAddr, transport: Option<Transport>) -> Self {
        let mut raw = BytesMut::with_capacity(64);
        raw.put_slice(b"sip:");
        if let Some(user) = user.filter(|user| !user.is_empty()) {
            escape_user(user.as_bytes(), &mut raw);
            raw.put_u8(b'@');
        }
        write_addr(addr, &mut raw);
        if let Some(transport) = transport {
            raw.put_slice(b";transport=");
            raw.put_slice(transport.as_str().to_ascii_lowercase().as_bytes());
        }
        let raw = raw.freeze();
        let parts = parse_parts(&raw).expect("a URI made of its parts parses");
        Self { raw, parts }
    }

    /// A Request-URI: where it cannot be parsed it is kept for what it is.
    pub(super) fn of_request_line(raw: Bytes) -> Self {
        let parts = parse_parts(&raw).unwrap_or(Parts::Invalid);
        Self { raw, parts }
    }

    /// Whether the text is a URI at all. Only the Request-URI of a request that
    /// was received and not validated may not be.
    pub fn is_valid(&self) -> bool {
        !matches!(self.parts, Parts::Invalid)
    }

    /// The URI as written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// The URI as written, without copying.
    pub fn to_bytes(&self) -> Bytes {
        self.raw.clone()
    }

    /// A copy that does not keep the message alive it was found in.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self {
            raw: Bytes::copy_from_slice(&self.raw),
            parts: self.parts,
        }
    }

    /// The scheme as written, without the colon; empty if the URI is not valid.
    pub fn scheme(&self) -> &[u8] {
        match self.parts {
            Parts::Sip(sip) => &self.raw[..if sip.secure { 4 } else { 3 }],
            Parts::Other(length) => &self.raw[..length as usize],
            Parts::Invalid => b"",
        }
    }

    /// Whether the scheme is `sip` or `sips`.
    pub fn is_sip(&self) -> bool {
        matches!(self.parts, Parts::Sip(_))
    }

    /// Whether the scheme is `sips`.
    pub fn is_sips(&self) -> bool {
        matches!(self.parts, Parts::Sip(SipParts { secure: true, .. }))
    }

    /// Whether the scheme is `tel` (RFC 3966).
    pub fn is_tel(&self) -> bool {
        self.scheme().eq_ignore_ascii_case(b"tel")
    }

    /// The user with its escapes resolved; for a `tel:` URI its number without
    /// the parameters. `None` where there is none.
    pub fn user(&self) -> Option<Cow<'_, [u8]>> {
        match self.parts {
            Parts::Sip(sip) => sip.user.map(|user| lex::unescape(user.of(&self.raw))),
            Parts::Other(_) if self.is_tel() => Some(lex::unescape(self.opaque().0)),
            Parts::Other(_) | Parts::Invalid => None,
        }
    }

    /// The password with its escapes resolved.
    pub fn password(&self) -> Option<Cow<'_, [u8]>> {
        let password = self.sip_parts()?.password?;
        Some(lex::unescape(password.of(&self.raw)))
    }

    /// The host of a `sip:` or `sips:` URI.
    pub fn host(&self) -> Option<Host> {
        self.sip_parts().map(|sip| sip.host.to_host(&self.raw))
    }

    /// The port, where one is written.
    pub fn port(&self) -> Option<u16> {
        self.sip_parts()?.port
    }

    /// The parameters of a `sip:`, `sips:` or `tel:` URI.
    pub fn params(&self) -> Params<'_> {
        match self.parts {
            Parts::Sip(sip) => Params::new(sip.params.of(&self.raw)),
            Parts::Other(_) if self.is_tel() => Params::new(self.opaque().1),
            Parts::Other(_) | Parts::Invalid => Params::new(b""),
        }
    }

    /// The value of a parameter as written; empty for one without a value.
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        self.params().get(name)
    }

    /// The `?name=value&…` part without its question mark; empty where there is
    /// none.
    pub fn headers(&self) -> &[u8] {
        self.sip_parts()
            .map_or(b"", |sip| sip.headers.of(&self.raw))
    }

    /// Address and port (default 5060, 5061 for `sips:`) if the host is an IP
    /// literal.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        let sip = self.sip_parts()?;
        let default = if sip.secure {
            DEFAULT_SECURE_PORT
        } else {
            DEFAULT_PORT
        };
        Some(SocketAddr::new(sip.host.ip()?, sip.port.unwrap_or(default)))
    }

    /// Whether both name the same resource by the rules of RFC 3261 §19.1.4.
    /// The relation is reflexive and symmetric, and not transitive. URIs of
    /// other schemes are compared byte by byte, and so are those with more than
    /// 64 parameters or header components: comparing takes their square.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        let (Parts::Sip(left), Parts::Sip(right)) = (&self.parts, &other.parts) else {
            return self.raw == other.raw;
        };
        if self.raw == other.raw {
            return true;
        }
        if self.components() > MAX_COMPONENTS || other.components() > MAX_COMPONENTS {
            return false;
        }
        left.secure == right.secure
            && self.user() == other.user()
            && self.password() == other.password()
            && left.host.is_equivalent(&self.raw, right.host, &other.raw)
            && left.port == right.port
            && params_match(self.params(), other.params())
            && params_match(other.params(), self.params())
            && headers_match(self.headers(), other.headers())
            && headers_match(other.headers(), self.headers())
    }

    fn sip_parts(&self) -> Option<&SipParts> {
        match &self.parts {
            Parts::Sip(sip) => Some(sip),
            Parts::Other(_) | Parts::Invalid => None,
        }
    }

    /// Number of parameters and header components.
    fn components(&self) -> usize {
        let separators = memchr::memchr_iter(b';', self.params().as_bytes());
        separators.count() + memchr::memchr_iter(b'&', self.headers()).count()
    }

    /// What follows the scheme of a URI without parts, cut at its parameters.
    fn opaque(&self) -> (&[u8], &[u8]) {
        let rest = &self.raw[self.scheme().len() + 1..];
        rest.split_at(memchr::memchr(b';', rest).unwrap_or(rest.len()))
    }
}

impl PartialEq for Uri {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Eq for Uri {}

impl std::hash::Hash for Uri {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.raw))
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({self})")
    }
}

impl std::str::FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        Self::parse(Bytes::copy_from_slice(text.as_bytes()))
    }
}

fn parse_parts(raw: &[u8]) -> Result<Parts, UriError> {
    if raw
        .iter()
        .any(|byte| matches!(byte, 0..=b' ' | 0x7f | b'<' | b'>' | b'"'))
    {
        return Err(UriError("character"));
    }
    let colon = memchr::memchr(b':', raw).ok_or(UriError("no scheme"))?;
    let scheme = &raw[..colon];
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.first().is_some_and(u8::is_ascii_alphabetic) || !scheme.iter().all(is_scheme) {
        return Err(UriError("scheme"));
    }
    if colon + 1 == raw.len() {
        return Err(UriError("empty"));
    }
    if scheme.eq_ignore_ascii_case(b"sip") {
        parse_sip(raw, false, colon + 1).map(Parts::Sip)
    } else if scheme.eq_ignore_ascii_case(b"sips") {
        parse_sip(raw, true, colon + 1).map(Parts::Sip)
    } else {
        Ok(Parts::Other(colon as u32))
    }
}

/// `[ user [ ":" password ] "@" ] host [ ":" port ] *( ";" param ) [ "?" headers ]`
fn parse_sip(raw: &[u8], secure: bool, start: usize) -> Result<SipParts, UriError> {
    let (mut user, mut password, mut host_start) = (None, None, start);
    if let Some(length) = memchr::memchr(b'@', &raw[start..]) {
        let at = start + length;
        let user_end = memchr::memchr(b':', &raw[start..at]).map_or(at, |colon| start + colon);
        if user_end == start {
            return Err(UriError("empty user"));
        }
        user = Some(Span::new(start, user_end));
        password = (user_end < at).then(|| Span::new(user_end + 1, at));
        host_start = at + 1;
    }
    let (host, port, host_end) = parse_host_port(raw, host_start, false)?;
    let rest = &raw[host_end..];
    let params_end = host_end + memchr::memchr(b'?', rest).unwrap_or(rest.len());
    if params_end > host_end && raw[host_end] != b';' {
        return Err(UriError("host"));
    }
    Ok(SipParts {
        secure,
        user,
        password,
        host,
        port,
        params: Span::new(host_end, params_end),
        headers: Span::new((params_end + 1).min(raw.len()), raw.len()),
    })
}

/// Each parameter that stands in both must match; `user`, `ttl`, `method`,
/// `maddr` and `transport` must stand in both or in neither.
fn params_match(left: Params<'_>, right: Params<'_>) -> bool {
    const BOTH: [&[u8]; 5] = [b"user", b"ttl", b"method", b"maddr", b"transport"];
    left.iter().all(|(name, value)| {
        let other = right
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        match other {
            Some((_, other)) => lex::unescape(value.unwrap_or_default())
                .eq_ignore_ascii_case(&lex::unescape(other.unwrap_or_default())),
            None => !BOTH.iter().any(|both| both.eq_ignore_ascii_case(name)),
        }
    })
}

/// Header components are never ignored: each of `left` stands in `right`.
fn headers_match(left: &[u8], right: &[u8]) -> bool {
    let fields = |headers| <[u8]>::split(headers, |byte| *byte == b'&');
    fields(left).all(|field| {
        let field = lex::unescape(field);
        fields(right).any(|other| lex::unescape(other).eq_ignore_ascii_case(&field))
    })
}

fn escape_user(user: &[u8], out: &mut BytesMut) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in user {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(byte) {
            out.put_u8(*byte);
        } else {
            let escaped = [
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ];
            out.put_slice(&escaped);
        }
    }
}

#[cfg(test)]
mod tests;
