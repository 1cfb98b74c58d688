//! `name-addr` and `addr-spec` with header parameters: From, To, Contact, Route
//! and their like (RFC 3261 §20.10).

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};

use super::lex::{self, Span};
use super::params::Params;
use super::uri::Uri;

/// `"Display" <uri>;param=value`, or `uri;param=value`.
#[derive(Clone, Debug)]
pub struct NameAddr {
    raw: Bytes,
    display: Option<Span>,
    /// The address.
    pub uri: Uri,
    params: Span,
}

impl NameAddr {
    /// Parses one header field element. The error says what was wrong.
    pub fn parse(raw: Bytes) -> Result<Self, &'static str> {
        let start = lex::skip_lws(&raw, 0);
        let (display, open) = match raw.get(start) {
            Some(b'"') => {
                let end = lex::skip_quoted(&raw, start).ok_or("unterminated quoted string")?;
                (Some(Span::new(start, end)), lex::skip_lws(&raw, end))
            }
            _ => match memchr::memchr(b'<', &raw) {
                Some(open) => (display_tokens(&raw, start, open)?, open),
                None => return Self::parse_addr_spec(raw, start),
            },
        };
        if raw.get(open) != Some(&b'<') {
            return Err("no angle bracket after the display name");
        }
        let length = memchr::memchr(b'>', &raw[open..]).ok_or("unterminated angle bracket")?;
        let uri = Uri::parse(raw.slice(open + 1..open + length)).map_err(|error| error.0)?;
        Self::with_params(raw, display, uri, open + length + 1)
    }

    /// Without brackets, what follows a semicolon belongs to the header field,
    /// and a comma or question mark cannot stand in the URI (RFC 3261 §20).
    fn parse_addr_spec(raw: Bytes, start: usize) -> Result<Self, &'static str> {
        let rest = &raw[start..];
        let end = start + memchr::memchr(b';', rest).unwrap_or(rest.len());
        let range = lex::trim_range(&raw, start..end);
        if raw[range.clone()]
            .iter()
            .any(|byte| matches!(byte, b'?' | b','))
        {
            return Err("a URI with a comma or question mark needs angle brackets");
        }
        let uri = Uri::parse(raw.slice(range)).map_err(|error| error.0)?;
        Self::with_params(raw, None, uri, end)
    }

    fn with_params(
        raw: Bytes,
        display: Option<Span>,
        uri: Uri,
        end: usize,
    ) -> Result<Self, &'static str> {
        let params = Span::new(lex::skip_lws(&raw, end), raw.len());
        if !Params::new(params.of(&raw)).is_well_formed() {
            return Err("malformed parameter");
        }
        Ok(Self {
            raw,
            display,
            uri,
            params,
        })
    }

    /// `<uri>` with header field parameters; one with an empty value is written
    /// without it. Names and values are tokens.
    pub fn new(uri: &Uri, params: &[(&str, &str)]) -> Self {
        let mut raw = BytesMut::with_capacity(uri.as_bytes().len() + 32);
        raw.put_u8(b'<');
        raw.put_slice(uri.as_bytes());
        raw.put_u8(b'>');
        let start = raw.len();
        for (name, value) in params {
            raw.put_u8(b';');
            raw.put_slice(name.as_bytes());
            if !value.is_empty() {
                raw.put_u8(b'=');
                raw.put_slice(value.as_bytes());
            }
        }
        let params = Span::new(start, raw.len());
        Self {
            raw: raw.freeze(),
            display: None,
            uri: uri.clone(),
            params,
        }
    }

    /// The value as written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// The value as written, without copying.
    pub fn to_bytes(&self) -> Bytes {
        self.raw.clone()
    }

    /// The display name without quotes; `None` where there is none.
    pub fn display(&self) -> Option<Cow<'_, [u8]>> {
        self.display
            .map(|display| lex::unquote(display.of(&self.raw)))
    }

    /// The parameters of the header field.
    pub fn params(&self) -> Params<'_> {
        Params::new(self.params.of(&self.raw))
    }

    /// The value of a header field parameter as written; empty for one without
    /// a value.
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        self.params().get(name)
    }

    /// The tag of From or To (RFC 3261 §19.3). An empty one is none.
    pub fn tag(&self) -> Option<&[u8]> {
        self.param("tag").filter(|tag| !tag.is_empty())
    }
}

/// The display name before the bracket at `open`: tokens and white space.
/// Bytes beyond ASCII are let through, as phones send them.
fn display_tokens(raw: &[u8], start: usize, open: usize) -> Result<Option<Span>, &'static str> {
    let range = lex::trim_range(raw, start..open);
    let allowed = |byte: &u8| lex::is_token_byte(*byte) || lex::is_lws(*byte) || *byte >= 0x80;
    if !raw[range.clone()].iter().all(allowed) {
        return Err("display name needs quotes");
    }
    Ok((!range.is_empty()).then(|| Span::new(range.start, range.end)))
}

#[cfg(test)]
mod tests;
