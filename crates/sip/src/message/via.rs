//! One Via value (RFC 3261 §20.42, RFC 3581).

use std::net::{IpAddr, SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};

use super::host::{self, Host, HostPart};
use super::lex::{self, Span};
use super::params::Params;
use super::uri::{DEFAULT_PORT, DEFAULT_SECURE_PORT};

/// One Via value: `SIP/2.0/UDP host:port;branch=…`.
#[derive(Clone, Debug)]
pub struct Via {
    raw: Bytes,
    version: Span,
    transport: Span,
    host: HostPart,
    port: Option<u16>,
    params: Span,
}

impl Via {
    /// Parses one element of a Via header field; `None` if it is none.
    pub fn parse(raw: Bytes) -> Option<Self> {
        let mut parts = [Span::default(); 3];
        let mut at = lex::skip_lws(&raw, 0);
        for (index, part) in parts.iter_mut().enumerate() {
            let end = lex::skip_token(&raw, at);
            if end == at {
                return None;
            }
            *part = Span::new(at, end);
            at = lex::skip_lws(&raw, end);
            if index < 2 {
                if raw.get(at) != Some(&b'/') {
                    return None;
                }
                at = lex::skip_lws(&raw, at + 1);
            } else if at == end {
                return None;
            }
        }
        if !parts[0].of(&raw).eq_ignore_ascii_case(b"SIP") {
            return None;
        }
        let (host, port, end) = host::parse_host_port(&raw, at, true).ok()?;
        let params = Span::new(lex::skip_lws(&raw, end), raw.len());
        if !Params::new(params.of(&raw)).is_well_formed() {
            return None;
        }
        Some(Self {
            version: parts[1],
            transport: parts[2],
            host,
            port,
            params,
            raw,
        })
    }

    /// The value as written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// The protocol version as written, `2.0`.
    pub fn version(&self) -> &[u8] {
        self.version.of(&self.raw)
    }

    /// The transport as written: `UDP`, `TCP`, `TLS`, or any other token.
    pub fn transport(&self) -> &[u8] {
        self.transport.of(&self.raw)
    }

    /// The host of the sent-by.
    pub fn host(&self) -> Host {
        self.host.to_host(&self.raw)
    }

    /// The port of the sent-by, where one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The port of the sent-by or the default of the transport.
    pub fn port_or_default(&self) -> u16 {
        let secure = self.transport().eq_ignore_ascii_case(b"TLS");
        self.port.unwrap_or(if secure {
            DEFAULT_SECURE_PORT
        } else {
            DEFAULT_PORT
        })
    }

    /// All parameters.
    pub fn params(&self) -> Params<'_> {
        Params::new(self.params.of(&self.raw))
    }

    /// The branch parameter.
    pub fn branch(&self) -> Option<&[u8]> {
        self.params().get("branch")
    }

    /// The received parameter, if it is an IP address. An IPv6 address may
    /// stand in brackets (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        let text = std::str::from_utf8(self.params().get("received")?).ok()?;
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        bare.unwrap_or(text).parse().ok()
    }

    /// The port in the rport parameter, if it has a value.
    pub fn rport(&self) -> Option<u16> {
        lex::parse_u64(self.params().get("rport")?)?.try_into().ok()
    }

    /// Whether the rport parameter is there, with or without a value (RFC 3581
    /// §3).
    pub fn wants_rport(&self) -> bool {
        self.params().contains("rport")
    }

    /// Where a response goes whose top Via this is (RFC 3261 §18.2.2, RFC 3581
    /// §4), for a request that came from `source`. Over a reliable transport it
    /// is the address to connect to when the connection is gone.
    ///
    /// `maddr` is not followed: it would let anyone aim our answers at a third
    /// party.
    pub fn response_target(&self, source: SocketAddr) -> SocketAddr {
        let ip = self
            .received()
            .or(self.host.ip())
            .unwrap_or_else(|| source.ip());
        let rport = self
            .rport()
            .filter(|_| self.transport().eq_ignore_ascii_case(b"UDP"));
        SocketAddr::new(ip, rport.unwrap_or_else(|| self.port_or_default()))
    }

    /// The value with `received` and `rport` filled in for a request that came
    /// from `source`; `None` if it is right as it is. Whatever the sender put
    /// into them is replaced.
    pub(super) fn stamped(&self, source: SocketAddr) -> Option<BytesMut> {
        let wants_rport = self.wants_rport();
        let claims_received = self.params().contains("received");
        let same_host = self
            .host
            .ip()
            .is_some_and(|ip| ip == source.ip().to_canonical());
        if same_host && !wants_rport && !claims_received {
            return None;
        }
        let mut out = BytesMut::with_capacity(self.raw.len() + 64);
        out.put_slice(&self.raw[..self.params.start as usize]);
        for (name, value) in self.params().iter() {
            if name.eq_ignore_ascii_case(b"received") || name.eq_ignore_ascii_case(b"rport") {
                continue;
            }
            out.put_u8(b';');
            out.put_slice(name);
            if let Some(value) = value {
                out.put_u8(b'=');
                out.put_slice(value);
            }
        }
        if !same_host || wants_rport {
            out.put_slice(b";received=");
            host::write_ip(source.ip().to_canonical(), false, &mut out);
        }
        if wants_rport {
            out.put_slice(b";rport=");
            lex::write_decimal(&mut out, u64::from(source.port()));
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests;
