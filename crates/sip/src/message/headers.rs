//! The ordered header fields of a message.
//!
//! A line that was parsed is four offsets into the message; writing copies the
//! line as it stands, and neighbouring lines in one piece. Only a line that was
//! added, replaced or folded holds a value of its own.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::header_line::{
    Entry, Line, ParsedLine, extend_run, flush_run, has_bare_line_feed, unfold, write_line,
};
use super::header_name::{self, HeaderName, OTHER};
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

    /// The first standardised name among `names` that has a second line.
    pub(super) fn first_repeated(&self, names: &[HeaderName]) -> Option<HeaderName> {
        let wanted = names.iter().fold(0u128, |mask, name| mask | 1 << name.id());
        let mut seen = 0;
        for entry in self.entries.iter().filter(|entry| entry.id != OTHER) {
            let bit = 1u128 << entry.id & wanted;
            if seen & bit != 0 {
                return HeaderName::from_id(entry.id);
            }
            seen |= bit;
        }
        None
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

    /// Replaces what [`Headers::elements`] gives first.
    pub(super) fn replace_first_element(&mut self, name: &HeaderName, element: &[u8]) {
        let id = name.id();
        let found = self.entries.iter().enumerate().find_map(|(at, entry)| {
            let value = entry
                .has_name(id, name, &self.source)
                .then(|| entry.value(&self.source))?;
            let first = lex::list_ranges(value).find(|range| !range.is_empty())?;
            Some((at, value, first))
        });
        let Some((at, value, first)) = found else {
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

#[cfg(test)]
mod tests;
