//! `;name=value` parameters of URIs and header fields.

use std::borrow::Cow;

use super::lex;

/// The parameters of a URI or a header field, as they stand there: an empty
/// text, or one that begins with a semicolon. Looked up by scanning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params<'a>(&'a [u8]);

impl<'a> Params<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Self(raw)
    }

    /// The parameters as written, with their first semicolon.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The value of the first parameter of that name (case-insensitive), quotes
    /// and escapes included. Empty for a parameter without a value.
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value.unwrap_or_default())
    }

    /// As [`Params::get`], with the quotes and backslashes of a quoted string
    /// taken away.
    pub fn get_unquoted(self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.get(name).map(lex::unquote)
    }

    /// Whether there is a parameter of that name.
    pub fn contains(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names with values in order.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let raw = self.0;
        let mut at = 0;
        std::iter::from_fn(move || {
            while at < raw.len() {
                let start = at + 1;
                at = segment_end(raw, start);
                let segment = lex::trim(&raw[start..at]);
                if !segment.is_empty() {
                    return Some(split(segment));
                }
            }
            None
        })
    }

    /// Whether every parameter is `token [EQUAL (token / host / quoted-string)]`
    /// (`generic-param`, RFC 3261 §25.1).
    pub(super) fn is_well_formed(self) -> bool {
        let raw = lex::trim(self.0);
        let mut at = 0;
        while at < raw.len() {
            if raw[at] != b';' {
                return false;
            }
            let name = lex::skip_lws(raw, at + 1);
            let name_end = lex::skip_token(raw, name);
            if name == name_end {
                return false;
            }
            at = lex::skip_lws(raw, name_end);
            if raw.get(at) == Some(&b'=') {
                let Some(end) = value_end(raw, lex::skip_lws(raw, at + 1)) else {
                    return false;
                };
                at = lex::skip_lws(raw, end);
            }
        }
        true
    }
}

/// Where the value that begins at `at` ends; `None` for a quoted string that
/// never does. Values are taken as loosely as can be told apart.
fn value_end(raw: &[u8], at: usize) -> Option<usize> {
    if raw.get(at) == Some(&b'"') {
        return lex::skip_quoted(raw, at);
    }
    let rest = &raw[at.min(raw.len())..];
    let length = rest
        .iter()
        .position(|byte| matches!(byte, b';' | b',' | b'"' | 0..=b' '));
    Some(at + length.unwrap_or(rest.len()))
}

/// The next semicolon outside of quotes, or the end.
fn segment_end(raw: &[u8], mut at: usize) -> usize {
    while at < raw.len() {
        match raw[at] {
            b';' => return at,
            b'"' => at = lex::skip_quoted(raw, at).unwrap_or(raw.len()),
            _ => at += 1,
        }
    }
    raw.len()
}

fn split(segment: &[u8]) -> (&[u8], Option<&[u8]>) {
    match segment.iter().position(|byte| *byte == b'=') {
        Some(equal) => (
            lex::trim(&segment[..equal]),
            Some(lex::trim(&segment[equal + 1..])),
        ),
        None => (segment, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (&'static str, Option<&'static [u8]>, Option<&'static [u8]>);

    #[test]
    fn values_are_found_by_name() {
        let params = Params::new(b";a;B=1 ; c = \"x;\\\"y\" ;a=2;;d=");
        // name | value | without quotes
        let rows: [Row; 5] = [
            ("A", Some(b""), Some(b"")),
            ("b", Some(b"1"), Some(b"1")),
            ("c", Some(b"\"x;\\\"y\""), Some(b"x;\"y")),
            ("d", Some(b""), Some(b"")),
            ("e", None, None),
        ];
        for (name, value, unquoted) in rows {
            assert_eq!(params.get(name), value, "{name}");
            assert_eq!(params.get_unquoted(name).as_deref(), unquoted, "{name}");
            assert_eq!(params.contains(name), value.is_some(), "{name}");
        }
        assert_eq!(params.iter().count(), 5);
    }

    #[test]
    fn malformed_ones_are_told() {
        let good: [&[u8]; 6] = [
            b"",
            b";a",
            b"; a = b ",
            b";a=\"\\\";\"",
            b";a=[::1]",
            b";a=",
        ];
        let bad: [&[u8]; 6] = [b"a", b";", b";;a", b";a b", b";a=\"b", b";=b"];
        for raw in good {
            assert!(Params::new(raw).is_well_formed(), "{}", raw.escape_ascii());
        }
        for raw in bad {
            assert!(!Params::new(raw).is_well_formed(), "{}", raw.escape_ascii());
        }
    }
}
