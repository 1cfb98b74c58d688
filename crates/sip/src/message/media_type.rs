//! Media types of Content-Type and Accept (RFC 3261 §20.15).

use bytes::Bytes;

use super::lex::{self, Span};
use super::params::Params;

/// A media type with its parameters: `multipart/mixed;boundary=x`.
#[derive(Clone, Debug)]
pub struct MediaType {
    raw: Bytes,
    kind: Span,
    subtype: Span,
    params: Span,
}

impl MediaType {
    /// Parses a header field value; `None` if it is not `type/subtype`.
    pub fn parse(value: Bytes) -> Option<Self> {
        let start = lex::skip_lws(&value, 0);
        let kind = start..lex::skip_token(&value, start);
        let slash = lex::skip_lws(&value, kind.end);
        if value.get(slash) != Some(&b'/') {
            return None;
        }
        let start = lex::skip_lws(&value, slash + 1);
        let subtype = start..lex::skip_token(&value, start);
        let params = lex::skip_lws(&value, subtype.end)..value.len();
        if kind.is_empty()
            || subtype.is_empty()
            || !Params::new(&value[params.clone()]).is_well_formed()
        {
            return None;
        }
        Some(Self {
            kind: Span::new(kind.start, kind.end),
            subtype: Span::new(subtype.start, subtype.end),
            params: Span::new(params.start, params.end),
            raw: value,
        })
    }

    /// Whether type and subtype are these, without regard to case.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind().eq_ignore_ascii_case(kind.as_bytes())
            && self.subtype().eq_ignore_ascii_case(subtype.as_bytes())
    }

    /// The part before the slash, as written.
    pub fn kind(&self) -> &[u8] {
        self.kind.of(&self.raw)
    }

    /// The part after the slash, as written.
    pub fn subtype(&self) -> &[u8] {
        self.subtype.of(&self.raw)
    }

    /// The parameters, such as `boundary`.
    pub fn params(&self) -> Params<'_> {
        Params::new(self.params.of(&self.raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_apart() {
        let parse = |text: &'static [u8]| MediaType::parse(Bytes::from_static(text));
        let mixed = parse(b" multipart / Mixed ; boundary=\"a;b\" ").expect("a media type");
        assert!(mixed.is("Multipart", "mixed") && !mixed.is("multipart", "related"));
        let boundary = mixed.params().get_unquoted("BOUNDARY");
        assert_eq!(boundary.as_deref(), Some(&b"a;b"[..]));
        let rows: [&[u8]; 6] = [b"", b"sdp", b"application/", b"/sdp", b"a/b c", b"a/b;;"];
        for text in rows {
            assert!(parse(text).is_none(), "{}", text.escape_ascii());
        }
    }
}
