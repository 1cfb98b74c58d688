//! The lexical rules every part of the message layer shares (RFC 3261 §25.1).

use std::borrow::Cow;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// A range of the buffer that the value owning it keeps. `u32`, since a message
/// is shorter than 4 GiB and values are kept by the hundred thousand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub fn of(self, buffer: &[u8]) -> &[u8] {
        &buffer[self.range()]
    }
}

const fn token_table() -> [bool; 256] {
    let mut table = [false; 256];
    let extra = b"-.!%*_+`'~";
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < extra.len() {
        table[extra[at] as usize] = true;
        at += 1;
    }
    table
}

static TOKEN: [bool; 256] = token_table();

/// `token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~")`
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| TOKEN[*byte as usize])
}

pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

pub(crate) fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Strips linear white space at both ends.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let range = trim_range(bytes, 0..bytes.len());
    &bytes[range]
}

/// `range` of `bytes` without the linear white space at its ends.
pub(crate) fn trim_range(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let (mut start, mut end) = (range.start, range.end);
    while start < end && is_lws(bytes[start]) {
        start += 1;
    }
    while end > start && is_lws(bytes[end - 1]) {
        end -= 1;
    }
    start..end
}

/// The first position at or after `at` that is not white space.
pub(crate) fn skip_lws(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && is_lws(bytes[at]) {
        at += 1;
    }
    at
}

/// The first position at or after `at` that is not a token character.
pub(crate) fn skip_token(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && TOKEN[bytes[at] as usize] {
        at += 1;
    }
    at
}

/// `at` stands on a double quote: the position after the closing one, or `None`
/// where the string never ends.
pub(crate) fn skip_quoted(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// A decimal number and nothing else; `None` for anything else and for what
/// does not fit.
pub(crate) fn parse_u64(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    let mut number = 0u64;
    for byte in bytes {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number
            .checked_mul(10)?
            .checked_add(u64::from(byte - b'0'))?;
    }
    Some(number)
}

/// The ranges of the elements of a comma-separated list, trimmed. Commas in
/// quoted strings and between angle brackets do not separate (RFC 3261 §7.3.1).
pub(crate) struct ListRanges<'a> {
    bytes: &'a [u8],
    at: usize,
    done: bool,
}

pub(crate) fn list_ranges(bytes: &[u8]) -> ListRanges<'_> {
    ListRanges {
        bytes,
        at: 0,
        done: false,
    }
}

impl Iterator for ListRanges<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        if self.done {
            return None;
        }
        let start = self.at;
        let end = element_end(self.bytes, start);
        self.done = end >= self.bytes.len();
        self.at = end + 1;
        Some(trim_range(self.bytes, start..end))
    }
}

/// Where the list element that begins at `start` ends: at a comma or at the end.
fn element_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    let mut in_brackets = false;
    while at < bytes.len() {
        match bytes[at] {
            b',' if !in_brackets => return at,
            b'<' => in_brackets = true,
            b'>' => in_brackets = false,
            b'"' if !in_brackets => match skip_quoted(bytes, at) {
                Some(after) => {
                    at = after;
                    continue;
                }
                None => return bytes.len(),
            },
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// The text of a quoted string without its quotes and backslashes; anything
/// else unchanged.
pub(crate) fn unquote(bytes: &[u8]) -> Cow<'_, [u8]> {
    let [b'"', inner @ .., b'"'] = bytes else {
        return Cow::Borrowed(bytes);
    };
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner.iter();
    while let Some(byte) = rest.next() {
        let literal = if *byte == b'\\' {
            rest.next()
        } else {
            Some(byte)
        };
        text.extend(literal);
    }
    Cow::Owned(text)
}

fn hex_digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// Resolves `%HH` (RFC 3261 §19.1.2). A `%` that is not followed by two
/// hexadecimal digits stands for itself.
pub(crate) fn unescape(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut text = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let escaped = pair.and_then(|pair| Some(hex_digit(pair[0])? << 4 | hex_digit(pair[1])?));
        text.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    Cow::Owned(text)
}

/// Replaces CR and LF by spaces, so that a value put into a message never
/// becomes a line of its own.
pub(crate) fn single_line(value: Bytes) -> Bytes {
    if memchr::memchr2(b'\r', b'\n', &value).is_none() {
        return value;
    }
    value
        .iter()
        .map(|byte| {
            if matches!(byte, b'\r' | b'\n') {
                b' '
            } else {
                *byte
            }
        })
        .collect()
}

/// Appends a decimal number.
pub(crate) fn write_decimal(out: &mut BytesMut, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_apart_outside_of_quotes_and_brackets() {
        let rows: [(&str, &[&str]); 6] = [
            ("a", &["a"]),
            ("a , b,c", &["a", "b", "c"]),
            ("\"a,\\\",b\" <c,d>,e", &["\"a,\\\",b\" <c,d>", "e"]),
            ("a,,", &["a", "", ""]),
            ("\"a,b", &["\"a,b"]),
            ("", &[""]),
        ];
        for (text, expected) in rows {
            let seen: Vec<_> = list_ranges(text.as_bytes())
                .map(|range| &text[range])
                .collect();
            assert_eq!(seen, expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_digits_that_fit() {
        let rows: [(&[u8], Option<u64>); 7] = [
            (b"0", Some(0)),
            (b"007", Some(7)),
            (b"18446744073709551615", Some(u64::MAX)),
            (b"18446744073709551616", None),
            (b"", None),
            (b"+1", None),
            (b"1 ", None),
        ];
        for (text, number) in rows {
            assert_eq!(parse_u64(text), number, "{}", text.escape_ascii());
        }
        let mut out = BytesMut::new();
        write_decimal(&mut out, u64::MAX);
        write_decimal(&mut out, 0);
        assert_eq!(out, &b"184467440737095516150"[..]);
    }

    #[test]
    fn escapes_are_resolved_and_others_kept() {
        let rows: [(&[u8], &[u8]); 5] = [
            (b"a%20b", b"a b"),
            (b"%4", b"%4"),
            (b"%zz%41", b"%zzA"),
            (b"%", b"%"),
            (b"%00", b"\0"),
        ];
        for (text, expected) in rows {
            assert_eq!(unescape(text).as_ref(), expected, "{}", text.escape_ascii());
        }
        assert_eq!(unquote(b"\"a\\\"b\\\"").as_ref(), b"a\"b");
        assert_eq!(unquote(b"\"").as_ref(), b"\"");
    }
}
