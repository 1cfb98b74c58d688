//! The Authorization header field (RFC 3261 §20.7, §25.1): a scheme, then
//! comma-separated parameters.

use std::borrow::Cow;

use super::algorithm::Algorithm;
use crate::message::lex;

/// Digest credentials as they stand in a request. Quoted values are without
/// their quotes, backslashes as they stand: that is what is hashed.
#[derive(Clone, Copy, Debug)]
pub struct Authorization<'a> {
    username: &'a [u8],
    realm: &'a [u8],
    /// The nonce.
    pub nonce: &'a [u8],
    /// What the client thinks the Request-URI is.
    pub uri: &'a [u8],
    /// The hash, in hexadecimal digits.
    pub response: &'a [u8],
    /// MD5 where none is named.
    pub algorithm: Algorithm,
    /// Empty where there is none.
    pub qop: &'a [u8],
    /// The nonce count; empty where there is none.
    pub nc: &'a [u8],
    /// The client's nonce; empty where there is none.
    pub cnonce: &'a [u8],
}

/// Why a value is no Digest credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// Another scheme.
    #[error("another scheme than Digest")]
    OtherScheme,
    /// Not a list of parameters, or one of them twice.
    #[error("malformed parameter")]
    Malformed,
    /// One of username, realm, nonce, uri and response is not there.
    #[error("a parameter is missing")]
    Incomplete,
    /// Neither MD5 nor SHA-256.
    #[error("unknown algorithm")]
    UnknownAlgorithm,
}

impl<'a> Authorization<'a> {
    /// Parses a header field value.
    pub fn parse(value: &'a [u8]) -> Result<Self, AuthorizationError> {
        use AuthorizationError::{Incomplete, Malformed, OtherScheme, UnknownAlgorithm};
        let scheme = lex::skip_lws(value, 0);
        let end = lex::skip_token(value, scheme);
        if !value[scheme..end].eq_ignore_ascii_case(b"Digest") {
            return Err(OtherScheme);
        }
        if !value.get(end).is_some_and(|byte| lex::is_lws(*byte)) {
            return Err(Malformed);
        }
        let mut found = Found::default();
        for param in Parameters::new(value, end) {
            let (name, text) = param.ok_or(Malformed)?;
            found.take(name, text).ok_or(Malformed)?;
        }
        let [
            username,
            realm,
            nonce,
            uri,
            response,
            algorithm,
            qop,
            nc,
            cnonce,
        ] = found.values;
        Ok(Self {
            username: username.ok_or(Incomplete)?,
            realm: realm.ok_or(Incomplete)?,
            nonce: nonce.ok_or(Incomplete)?,
            uri: uri.ok_or(Incomplete)?,
            response: response.ok_or(Incomplete)?,
            algorithm: match algorithm {
                Some(token) => Algorithm::parse(token).ok_or(UnknownAlgorithm)?,
                None => Algorithm::Md5,
            },
            qop: qop.unwrap_or_default(),
            nc: nc.unwrap_or_default(),
            cnonce: cnonce.unwrap_or_default(),
        })
    }

    /// The user name, its escapes resolved.
    pub fn username(&self) -> Cow<'a, [u8]> {
        unescape(self.username)
    }

    /// The realm, its escapes resolved.
    pub fn realm(&self) -> Cow<'a, [u8]> {
        unescape(self.realm)
    }

    /// The nonce count as a number: exactly eight hexadecimal digits.
    pub fn nonce_count(&self) -> Option<u32> {
        let mut octets = [0; 4];
        super::algorithm::read_hex(self.nc, &mut octets)?;
        Some(u32::from_be_bytes(octets))
    }
}

/// Parameters that mean something here, in the order of `Found::values`.
const NAMES: [&str; 9] = [
    "username",
    "realm",
    "nonce",
    "uri",
    "response",
    "algorithm",
    "qop",
    "nc",
    "cnonce",
];

#[derive(Default)]
struct Found<'a> {
    values: [Option<&'a [u8]>; NAMES.len()],
}

impl<'a> Found<'a> {
    /// `None` if the parameter is there already. Unknown ones are ignored (RFC
    /// 7616 §3.4).
    fn take(&mut self, name: &[u8], value: &'a [u8]) -> Option<()> {
        let known = NAMES
            .iter()
            .position(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        let Some(known) = known else {
            return Some(());
        };
        let before = self.values[known].replace(value);
        before.is_none().then_some(())
    }
}

/// The parameters of a value in order; `None` where one is malformed, and then
/// no more.
struct Parameters<'a> {
    value: &'a [u8],
    at: usize,
}

impl<'a> Parameters<'a> {
    fn new(value: &'a [u8], at: usize) -> Self {
        Self { value, at }
    }

    fn parameter(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let value = self.value;
        let name = self.at;
        let name_end = lex::skip_token(value, name);
        let equal = lex::skip_lws(value, name_end);
        if name == name_end || value.get(equal) != Some(&b'=') {
            return None;
        }
        let start = lex::skip_lws(value, equal + 1);
        let (text, end) = if value.get(start) == Some(&b'"') {
            let end = lex::skip_quoted(value, start)?;
            (&value[start + 1..end - 1], end)
        } else {
            let rest = &value[start..];
            let length = rest
                .iter()
                .position(|byte| *byte == b',' || *byte == b'"' || lex::is_lws(*byte))
                .unwrap_or(rest.len());
            (&rest[..length], start + length)
        };
        self.at = lex::skip_lws(value, end);
        let ended = matches!(value.get(self.at), None | Some(b','));
        ended.then_some((&value[name..name_end], text))
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Option<(&'a [u8], &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        // Empty elements are forgiven (RFC 7230 §7 says how lists are received).
        while self
            .value
            .get(self.at)
            .is_some_and(|byte| *byte == b',' || lex::is_lws(*byte))
        {
            self.at += 1;
        }
        if self.at >= self.value.len() {
            return None;
        }
        let parameter = self.parameter();
        if parameter.is_none() {
            self.at = self.value.len();
        }
        Some(parameter)
    }
}

fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.iter();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.extend(if *byte == b'\\' {
            bytes.next()
        } else {
            Some(byte)
        });
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_come_apart() {
        let value = b"digest username=\"a\\\"b\" ,realm = \"x,y\", ,nonce=n,URI=\"sip:a\",\
            response=\"00\", algorithm=sha-256,qop=auth,nc=0000000a,cnonce=\"\\\\\",opaque=\"\"";
        let found = Authorization::parse(value).expect("credentials");
        assert_eq!(found.username().as_ref(), b"a\"b");
        assert_eq!(found.realm().as_ref(), b"x,y");
        assert_eq!(found.nonce, b"n");
        assert_eq!(found.uri, b"sip:a");
        assert_eq!(found.response, b"00");
        assert_eq!(found.algorithm, Algorithm::Sha256);
        assert_eq!(found.qop, b"auth");
        assert_eq!(found.nonce_count(), Some(10));
        assert_eq!(found.cnonce, b"\\\\");
    }

    #[test]
    fn what_is_wrong_is_named() {
        use AuthorizationError::{Incomplete, Malformed, OtherScheme, UnknownAlgorithm};
        const FULL: &str = "username=\"u\",realm=\"r\",nonce=\"n\",uri=\"sip:a\",response=\"0\"";
        let rows = [
            (String::new(), OtherScheme),
            ("Basic dTpw".to_owned(), OtherScheme),
            ("Digest".to_owned(), Malformed),
            ("Digest,".to_owned(), Malformed),
            ("Digest ".to_owned(), Incomplete),
            ("Digest username=\"u\"".to_owned(), Incomplete),
            ("Digest username".to_owned(), Malformed),
            (format!("Digest {FULL},nc"), Malformed),
            (format!("Digest {FULL},=x"), Malformed),
            (format!("Digest {FULL},cnonce=\"open"), Malformed),
            (format!("Digest {FULL},cnonce=\"a\"b"), Malformed),
            (format!("Digest {FULL} cnonce=a"), Malformed),
            (format!("Digest {FULL},nonce=\"n\""), Malformed),
            (
                format!("Digest {FULL},algorithm=SHA-512-256"),
                UnknownAlgorithm,
            ),
        ];
        for (value, error) in rows {
            let found = Authorization::parse(value.as_bytes()).map(|_| ());
            assert_eq!(found, Err(error), "{value}");
        }
        let value = format!("Digest\r\n {FULL}");
        let found = Authorization::parse(value.as_bytes()).expect("folded");
        assert_eq!(found.algorithm, Algorithm::Md5);
        assert_eq!(found.nonce_count(), None);
    }
}
