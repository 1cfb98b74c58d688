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
mod tests {
    use super::*;

    fn via(text: &str) -> Option<Via> {
        Via::parse(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn values_come_apart() {
        let via =
            via("SIP / 2.0 / TCP  [2001:db8::1] : 5070 ; branch = z9hG4bK1;x").expect("a Via");
        assert_eq!(via.version(), b"2.0");
        assert_eq!(via.transport(), b"TCP");
        assert_eq!(via.host().to_string(), "[2001:db8::1]");
        assert_eq!((via.port(), via.port_or_default()), (Some(5070), 5070));
        assert_eq!(via.branch(), Some(&b"z9hG4bK1"[..]));
        assert!(via.params().contains("x"));
    }

    #[test]
    fn what_is_no_via_is_refused() {
        let rows = [
            "",
            "SIP",
            "SIP/2.0",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0/UDPhost",
            "HTTP/2.0/UDP a",
            "SIP/2.0/UDP a:b",
            "SIP/2.0/UDP a;",
            "SIP/2.0/UDP a;;b",
            "SIP/2.0/UDP a b",
            "SIP/2.0/UDP [::1",
            "SIP/2.0/UDP a;x=\"y",
            "SIP//UDP a",
        ];
        for text in rows {
            assert!(via(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_source_is_stamped_where_the_rfcs_want_it() {
        // RFC 3261 §18.2.1 and RFC 3581 §4: value | stamped from 192.0.2.9:4000
        let rows = [
            ("SIP/2.0/UDP 192.0.2.9:5060;branch=a", None),
            (
                "SIP/2.0/UDP 192.0.2.1;branch=a",
                Some("SIP/2.0/UDP 192.0.2.1;branch=a;received=192.0.2.9"),
            ),
            (
                "SIP/2.0/UDP host;branch=a",
                Some("SIP/2.0/UDP host;branch=a;received=192.0.2.9"),
            ),
            (
                "SIP/2.0/UDP 192.0.2.9;rport;branch=a",
                Some("SIP/2.0/UDP 192.0.2.9;branch=a;received=192.0.2.9;rport=4000"),
            ),
            (
                "SIP/2.0/UDP 192.0.2.9;received=198.51.100.1;rport=9;branch=a",
                Some("SIP/2.0/UDP 192.0.2.9;branch=a;received=192.0.2.9;rport=4000"),
            ),
            (
                "SIP/2.0/UDP 192.0.2.9;received=198.51.100.1;branch=a",
                Some("SIP/2.0/UDP 192.0.2.9;branch=a"),
            ),
        ];
        let mapped: SocketAddr = "[::ffff:192.0.2.9]:4000".parse().unwrap();
        for source in ["192.0.2.9:4000".parse().unwrap(), mapped] {
            for (text, stamped) in rows {
                let seen = via(text).expect("a Via").stamped(source);
                assert_eq!(seen.as_deref(), stamped.map(str::as_bytes), "{text}");
            }
        }
        let six = via("SIP/2.0/UDP a;rport")
            .expect("a Via")
            .stamped("[2001:db8::1]:7".parse().unwrap());
        assert_eq!(
            six.as_deref(),
            Some(&b"SIP/2.0/UDP a;received=2001:db8::1;rport=7"[..])
        );
    }

    #[test]
    fn responses_go_where_the_rfcs_say() {
        // RFC 3261 §18.2.2, RFC 3581 §4, for a request from 192.0.2.9:4000
        let rows = [
            ("SIP/2.0/UDP 192.0.2.1", "192.0.2.1:5060"),
            ("SIP/2.0/UDP 192.0.2.1:5070", "192.0.2.1:5070"),
            ("SIP/2.0/TLS 192.0.2.1", "192.0.2.1:5061"),
            ("SIP/2.0/UDP host:5070", "192.0.2.9:5070"),
            ("SIP/2.0/UDP host:5070;received=192.0.2.9", "192.0.2.9:5070"),
            (
                "SIP/2.0/UDP host:5070;received=192.0.2.9;rport=4000",
                "192.0.2.9:4000",
            ),
            (
                "SIP/2.0/TCP host:5070;received=192.0.2.9;rport=4000",
                "192.0.2.9:5070",
            ),
            (
                "SIP/2.0/UDP host;received=[2001:db8::1];rport=1",
                "[2001:db8::1]:1",
            ),
            (
                "SIP/2.0/UDP host;received=2001:db8::1;rport=1",
                "[2001:db8::1]:1",
            ),
            ("SIP/2.0/UDP host;received=x;rport=70000", "192.0.2.9:5060"),
            ("SIP/2.0/UDP 192.0.2.1;maddr=203.0.113.1", "192.0.2.1:5060"),
        ];
        for (text, target) in rows {
            let seen = via(text)
                .expect("a Via")
                .response_target("192.0.2.9:4000".parse().unwrap());
            assert_eq!(seen, target.parse().unwrap(), "{text}");
        }
    }
}
