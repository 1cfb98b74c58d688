//! The ordered header fields of a message.
//!
//! A line that was parsed is four offsets into the message; writing copies the
//! line as it stands, and neighbouring lines in one piece. Only a line that was
//! added, replaced or folded holds a value of its own.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::header_name::{self, HeaderName, NameId, OTHER};
use super::lex;

/// Header fields in their order (RFC 3261 §7.3).
///
/// Values are handed out without surrounding white space and unfolded. What is
/// put in is made a single line: CR and LF become spaces.
#[derive(Clone, Default)]
pub struct Headers {
    source: Bytes,
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    id: NameId,
    line: Line,
}

#[derive(Clone)]
enum Line {
    /// A line of the source.
    Parsed(ParsedLine),
    /// A folded line of the source, with its unfolded value.
    Folded(Box<(ParsedLine, Bytes)>),
    /// A line of our own under a standardised name.
    Own(Bytes),
    /// A line of our own under any other name.
    OwnOther(Box<(Bytes, Bytes)>),
}

/// Offsets into the source. `end` excludes the line's end; for a folded line the
/// last one's.
#[derive(Clone, Copy)]
pub(super) struct ParsedLine {
    pub start: u32,
    pub name_end: u32,
    pub value_start: u32,
    pub value_end: u32,
    pub end: u32,
}

impl ParsedLine {
    fn name(self, source: &[u8]) -> &[u8] {
        &source[self.start as usize..self.name_end as usize]
    }

    fn value(self, source: &[u8]) -> &[u8] {
        &source[self.value_start as usize..self.value_end as usize]
    }

    fn text(self, source: &[u8]) -> &[u8] {
        &source[self.start as usize..self.end as usize]
    }
}

impl Headers {
    /// No header fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// No header fields, and room for `capacity`.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            source: Bytes::new(),
            entries: Vec::with_capacity(capacity),
        }
    }

    pub(super) fn of_source(source: Bytes) -> Self {
        Self {
            source,
            entries: Vec::with_capacity(24),
        }
    }

    /// Number of header field lines.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of the first line of that name.
    pub fn get(&self, name: &HeaderName) -> Option<&[u8]> {
        self.find(name).map(|entry| entry.value(&self.source))
    }

    /// As [`Headers::get`], sharing the message's memory.
    pub fn get_bytes(&self, name: &HeaderName) -> Option<Bytes> {
        self.find(name).map(|entry| entry.value_bytes(&self.source))
    }

    /// The values of all lines of that name, in order. Comma lists are not taken
    /// apart: see [`Headers::elements`].
    pub fn get_all<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.matching(name).map(|entry| entry.value(&self.source))
    }

    /// The elements of a comma-separated list over all lines of that name, in
    /// order (RFC 3261 §7.3.1). Empty elements are skipped. Not for the headers
    /// of authentication, whose commas do not separate.
    pub fn elements<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = Bytes> + use<'a> {
        self.matching(name).flat_map(move |entry| {
            let value = entry.value(&self.source);
            lex::list_ranges(value)
                .filter(|range| !range.is_empty())
                .map(move |range| entry.slice(&self.source, range))
        })
    }

    /// The first element of [`Headers::elements`].
    pub(super) fn first_element(&self, name: &HeaderName) -> Option<Bytes> {
        self.elements(name).next()
    }

    /// The elements of a comma-separated list of tokens, such as Allow,
    /// Supported or Require.
    pub fn tokens<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.get_all(name).flat_map(|value| {
            lex::list_ranges(value)
                .map(|range| &value[range])
                .filter(|token| !token.is_empty())
        })
    }

    /// Whether a comma-separated list has that token, without regard to case.
    pub fn has_token(&self, name: &HeaderName, token: &str) -> bool {
        self.tokens(name)
            .any(|found| found.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Whether there is a line of that name.
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.find(name).is_some()
    }

    /// Number of lines of that name.
    pub fn count(&self, name: &HeaderName) -> usize {
        self.matching(name).count()
    }

    /// All lines in order: name and value.
    pub fn iter(&self) -> impl Iterator<Item = (HeaderName, &[u8])> {
        self.entries
            .iter()
            .map(|entry| (entry.name(&self.source), entry.value(&self.source)))
    }

    /// Adds a line at the end.
    pub fn push(&mut self, name: HeaderName, value: impl Into<Bytes>) {
        self.entries.push(Entry::own(name, value.into()));
    }

    /// Adds a line before all others, as a Via of one's own is.
    pub fn push_front(&mut self, name: HeaderName, value: impl Into<Bytes>) {
        self.entries.insert(0, Entry::own(name, value.into()));
    }

    /// Makes this the only line of that name, in the place of the first one.
    pub fn set(&mut self, name: HeaderName, value: impl Into<Bytes>) {
        let Some(at) = self.position(&name) else {
            return self.push(name, value);
        };
        let (id, source) = (name.id(), &self.source);
        let mut index = 0;
        self.entries.retain(|entry| {
            index += 1;
            index - 1 <= at || !entry.has_name(id, &name, source)
        });
        self.entries[at] = Entry::own(name, value.into());
    }

    /// Takes all lines of that name away; whether there was one.
    pub fn remove(&mut self, name: &HeaderName) -> bool {
        let (before, id, source) = (self.entries.len(), name.id(), &self.source);
        self.entries
            .retain(|entry| !entry.has_name(id, name, source));
        self.entries.len() < before
    }

    /// Takes away and returns the first element of a comma-separated list, such
    /// as the top Via or Route.
    pub fn pop_element(&mut self, name: &HeaderName) -> Option<Bytes> {
        while let Some(at) = self.position(name) {
            let entry = &self.entries[at];
            let value = entry.value_bytes(&self.source);
            let mut ranges = lex::list_ranges(&value).filter(|range| !range.is_empty());
            let first = ranges.next();
            let rest = ranges.next().map(|next| value.slice(next.start..));
            match rest {
                Some(rest) => self.replace(at, rest),
                None => drop(self.entries.remove(at)),
            }
            if let Some(range) = first {
                return Some(value.slice(range));
            }
        }
        None
    }

    /// Adds all lines of that name that `other` has, as they are written there.
    pub fn copy_from(&mut self, other: &Self, name: &HeaderName) {
        if self.entries.is_empty() && self.source.is_empty() {
            self.source = other.source.clone();
        }
        let shares_source = self.source.as_ptr() == other.source.as_ptr()
            && self.source.len() == other.source.len();
        for entry in other.matching(name) {
            if shares_source {
                self.entries.push(entry.clone());
            } else {
                let value = entry.value_bytes(&other.source);
                self.entries
                    .push(Entry::own(entry.name(&other.source), value));
            }
        }
    }

    /// Appends the header fields as they go on the wire, without the empty line.
    /// The Content-Length is `body_length`, whatever the header says.
    pub(super) fn write(&self, body_length: usize, out: &mut BytesMut) {
        let source: &[u8] = &self.source;
        let mut has_length = false;
        let mut run = 0..0;
        for entry in &self.entries {
            if entry.id == header_name::CONTENT_LENGTH {
                let right = lex::parse_u64(entry.value(source)) == Some(body_length as u64);
                if has_length || !right {
                    continue;
                }
                has_length = true;
            }
            match &entry.line {
                Line::Parsed(line) => extend_run(&mut run, *line, source, out),
                Line::Folded(folded) => extend_run(&mut run, folded.0, source, out),
                Line::Own(value) => {
                    flush_run(&mut run, source, out);
                    write_line(header_name::canonical(entry.id).as_bytes(), value, out);
                }
                Line::OwnOther(other) => {
                    flush_run(&mut run, source, out);
                    write_line(&other.0, &other.1, out);
                }
            }
        }
        flush_run(&mut run, source, out);
        if !has_length {
            out.put_slice(b"Content-Length: ");
            lex::write_decimal(out, body_length as u64);
            out.put_slice(b"\r\n");
        }
    }

    /// An estimate of the bytes that [`Headers::write`] appends.
    pub(super) fn written_len(&self) -> usize {
        let lines = self.entries.iter().map(|entry| match &entry.line {
            Line::Parsed(line) => (line.end - line.start) as usize + 2,
            Line::Folded(folded) => (folded.0.end - folded.0.start) as usize + 2,
            Line::Own(value) => value.len() + 24,
            Line::OwnOther(other) => other.0.len() + other.1.len() + 4,
        });
        lines.sum::<usize>() + 24
    }

    pub(super) fn push_parsed(&mut self, line: ParsedLine) {
        let id = header_name::lookup(line.name(&self.source));
        self.entries.push(Entry {
            id,
            line: Line::Parsed(line),
        });
    }

    /// A folded line. Its text is kept where it can be written as it is.
    pub(super) fn push_folded(&mut self, line: ParsedLine) {
        let id = header_name::lookup(line.name(&self.source));
        let value = unfold(line.value(&self.source));
        let line = if has_bare_line_feed(line.text(&self.source)) {
            if id == OTHER {
                let name = line.start as usize..line.name_end as usize;
                Line::OwnOther(Box::new((self.source.slice(name), value)))
            } else {
                Line::Own(value)
            }
        } else {
            Line::Folded(Box::new((line, value)))
        };
        self.entries.push(Entry { id, line });
    }

    /// Replaces the first element of the list that begins at the first line of
    /// that name.
    pub(super) fn replace_first_element(&mut self, name: &HeaderName, element: &[u8]) {
        let Some(at) = self.position(name) else {
            return;
        };
        let value = self.entries[at].value(&self.source);
        let Some(first) = lex::list_ranges(value).find(|range| !range.is_empty()) else {
            return;
        };
        let mut text = BytesMut::with_capacity(element.len() + value.len() - first.len());
        text.put_slice(&value[..first.start]);
        text.put_slice(element);
        text.put_slice(&value[first.end..]);
        self.replace(at, text.freeze());
    }

    fn replace(&mut self, at: usize, value: Bytes) {
        let name = self.entries[at].name(&self.source);
        self.entries[at] = Entry::own(name, value);
    }

    fn matching<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let (id, name) = (name.id(), name.clone());
        self.entries
            .iter()
            .filter(move |entry| entry.has_name(id, &name, &self.source))
    }

    fn find(&self, name: &HeaderName) -> Option<&Entry> {
        let id = name.id();
        self.entries
            .iter()
            .find(|entry| entry.has_name(id, name, &self.source))
    }

    fn position(&self, name: &HeaderName) -> Option<usize> {
        let id = name.id();
        self.entries
            .iter()
            .position(|entry| entry.has_name(id, name, &self.source))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self
            .iter()
            .map(|(name, value)| (name.to_string(), value.escape_ascii().to_string()));
        f.debug_map().entries(lines).finish()
    }
}

impl Entry {
    fn own(name: HeaderName, value: Bytes) -> Self {
        let value = lex::single_line(value);
        let id = name.id();
        let line = match name {
            HeaderName::Other(name) if id == OTHER => {
                Line::OwnOther(Box::new((lex::single_line(name), value)))
            }
            _ => Line::Own(value),
        };
        Self { id, line }
    }

    fn has_name(&self, id: NameId, name: &HeaderName, source: &[u8]) -> bool {
        self.id == id
            && (id != OTHER
                || self
                    .other_name(source)
                    .eq_ignore_ascii_case(name.as_bytes()))
    }

    fn name(&self, source: &Bytes) -> HeaderName {
        HeaderName::from_id(self.id).unwrap_or_else(|| {
            HeaderName::Other(match &self.line {
                Line::OwnOther(other) => other.0.clone(),
                Line::Parsed(_) | Line::Folded(_) | Line::Own(_) => {
                    Bytes::copy_from_slice(self.other_name(source))
                }
            })
        })
    }

    fn other_name<'a>(&'a self, source: &'a [u8]) -> &'a [u8] {
        match &self.line {
            Line::Parsed(line) => line.name(source),
            Line::Folded(folded) => folded.0.name(source),
            Line::Own(_) => b"",
            Line::OwnOther(other) => &other.0,
        }
    }

    fn value<'a>(&'a self, source: &'a [u8]) -> &'a [u8] {
        match &self.line {
            Line::Parsed(line) => line.value(source),
            Line::Folded(folded) => &folded.1,
            Line::Own(value) => value,
            Line::OwnOther(other) => &other.1,
        }
    }

    fn value_bytes(&self, source: &Bytes) -> Bytes {
        match &self.line {
            Line::Parsed(line) => source.slice(line.value_start as usize..line.value_end as usize),
            Line::Folded(folded) => folded.1.clone(),
            Line::Own(value) => value.clone(),
            Line::OwnOther(other) => other.1.clone(),
        }
    }

    fn slice(&self, source: &Bytes, range: std::ops::Range<usize>) -> Bytes {
        match &self.line {
            Line::Parsed(line) => {
                let start = line.value_start as usize;
                source.slice(start + range.start..start + range.end)
            }
            Line::Folded(folded) => folded.1.slice(range),
            Line::Own(value) => value.slice(range),
            Line::OwnOther(other) => other.1.slice(range),
        }
    }
}

/// Joins `line` to the run if it follows it with nothing but CRLF between.
fn extend_run(
    run: &mut std::ops::Range<usize>,
    line: ParsedLine,
    source: &[u8],
    out: &mut BytesMut,
) {
    let (start, end) = (line.start as usize, line.end as usize);
    if run.end + 2 != start || run.start == run.end {
        flush_run(run, source, out);
        run.start = start;
    }
    run.end = end;
}

fn flush_run(run: &mut std::ops::Range<usize>, source: &[u8], out: &mut BytesMut) {
    if run.start != run.end {
        out.put_slice(&source[run.clone()]);
        out.put_slice(b"\r\n");
    }
    *run = 0..0;
}

fn write_line(name: &[u8], value: &[u8], out: &mut BytesMut) {
    out.put_slice(name);
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

/// Each line end with the white space around it becomes one space (RFC 3261
/// §7.3.1).
fn unfold(value: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(value.len());
    for line in value.split(|byte| *byte == b'\n') {
        let line = lex::trim(line);
        if !out.is_empty() && !line.is_empty() {
            out.put_u8(b' ');
        }
        out.put_slice(line);
    }
    out.freeze()
}

fn has_bare_line_feed(text: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', text).any(|at| at == 0 || text[at - 1] != b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Message, MessageLimits};

    const TEXT: &[u8] =
        b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nX-One: 1\r\n\
v:SIP/2.0/UDP c\r\nSupported: ,a , b,,\"c,d\"\r\nx-one:\t2 \r\nFold: a\r\n \t b\r\n\r\n";

    fn headers() -> Headers {
        let message = Message::parse(Bytes::from_static(TEXT), &MessageLimits::default());
        message.expect("it parses").headers().clone()
    }

    fn written(headers: &Headers) -> String {
        let mut out = BytesMut::new();
        headers.write(0, &mut out);
        String::from_utf8(out.to_vec()).expect("text")
    }

    fn strings<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
        values
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    #[test]
    fn values_are_found_by_any_spelling() {
        let headers = headers();
        let one = HeaderName::parse(b"X-ONE");
        assert_eq!(headers.get(&one), Some(&b"1"[..]));
        assert_eq!(strings(headers.get_all(&one)), ["1", "2"]);
        assert_eq!((headers.count(&HeaderName::Via), headers.len()), (2, 6));
        let vias: Vec<_> = headers.elements(&HeaderName::Via).collect();
        assert_eq!(vias, ["SIP/2.0/UDP a", "SIP/2.0/UDP b", "SIP/2.0/UDP c"]);
        assert_eq!(
            strings(headers.tokens(&HeaderName::Supported)),
            ["a", "b", "\"c,d\""]
        );
        assert!(headers.has_token(&HeaderName::Supported, "B"));
        assert!(!headers.has_token(&HeaderName::Supported, "c"));
        assert_eq!(headers.get(&HeaderName::parse(b"fold")), Some(&b"a b"[..]));
        assert_eq!(headers.get(&HeaderName::Route), None);
    }

    #[test]
    fn lines_are_written_as_they_came_and_changes_in_their_place() {
        let mut headers = headers();
        let source = std::str::from_utf8(&TEXT[23..TEXT.len() - 2]).expect("text");
        assert_eq!(written(&headers), format!("{source}Content-Length: 0\r\n"));
        headers.set(HeaderName::parse(b"X-One"), "3\r\nEvil: 4");
        headers.push_front(HeaderName::Route, "<sip:p>");
        assert!(headers.remove(&HeaderName::Supported));
        assert!(!headers.remove(&HeaderName::Supported));
        headers.set(HeaderName::UserAgent, "us");
        let expected = "Route: <sip:p>\r\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nX-One: 3  Evil: 4\r\n\
v:SIP/2.0/UDP c\r\nFold: a\r\n \t b\r\nUser-Agent: us\r\nContent-Length: 0\r\n";
        assert_eq!(written(&headers), expected);
    }

    #[test]
    fn elements_are_popped_one_by_one() {
        let mut headers = headers();
        for expected in ["SIP/2.0/UDP a", "SIP/2.0/UDP b", "SIP/2.0/UDP c"] {
            let popped = headers.pop_element(&HeaderName::Via);
            assert_eq!(popped.as_deref(), Some(expected.as_bytes()));
        }
        assert_eq!(headers.pop_element(&HeaderName::Via), None);
        assert!(!headers.contains(&HeaderName::Via));
    }

    #[test]
    fn the_content_length_is_always_right() {
        let rows: [(&[u8], usize, &str); 4] = [
            (b"A sip:a SIP/2.0\r\nl: 3\r\n\r\nabc", 3, "l: 3\r\n"),
            (
                b"A sip:a SIP/2.0\r\nl: 3\r\nB: c\r\n\r\nabc",
                4,
                "B: c\r\nContent-Length: 4\r\n",
            ),
            (b"A sip:a SIP/2.0\r\nl: 3\r\nl: 3\r\n\r\nabc", 3, "l: 3\r\n"),
            (
                b"A sip:a SIP/2.0\r\nl: x\r\n\r\nabc",
                0,
                "Content-Length: 0\r\n",
            ),
        ];
        for (text, length, expected) in rows {
            let message = Message::parse(Bytes::from_static(text), &MessageLimits::default());
            let mut out = BytesMut::new();
            message
                .expect("it parses")
                .headers()
                .write(length, &mut out);
            assert_eq!(out, expected.as_bytes());
        }
    }

    #[test]
    fn lines_are_copied_between_messages() {
        let from = headers();
        let mut same = Headers::new();
        same.copy_from(&from, &HeaderName::Via);
        let mut other = Headers::of_source(Bytes::from_static(b"different"));
        other.copy_from(&from, &HeaderName::Via);
        let values = |headers: &Headers| strings(headers.get_all(&HeaderName::Via));
        assert_eq!(values(&same), values(&from));
        assert_eq!(values(&other), values(&from));
    }
}
