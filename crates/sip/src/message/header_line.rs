//! One header field line: four offsets into the message, or a value of its own.

use bytes::{BufMut, Bytes, BytesMut};

use super::header_name::{HeaderName, NameId, OTHER};
use super::lex;

/// One header field line and what it is a line of.
#[derive(Clone)]
pub(super) struct Entry {
    pub id: NameId,
    pub line: Line,
}

/// Where the text of a line is.
#[derive(Clone)]
pub(super) enum Line {
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
    pub fn name(self, source: &[u8]) -> &[u8] {
        &source[self.start as usize..self.name_end as usize]
    }

    pub fn value(self, source: &[u8]) -> &[u8] {
        &source[self.value_start as usize..self.value_end as usize]
    }

    pub fn text(self, source: &[u8]) -> &[u8] {
        &source[self.start as usize..self.end as usize]
    }
}

impl Entry {
    /// A line of our own.
    pub fn own(name: HeaderName, value: Bytes) -> Self {
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

    pub fn has_name(&self, id: NameId, name: &HeaderName, source: &[u8]) -> bool {
        self.id == id
            && (id != OTHER
                || self
                    .other_name(source)
                    .eq_ignore_ascii_case(name.as_bytes()))
    }

    pub fn name(&self, source: &Bytes) -> HeaderName {
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

    pub fn value<'a>(&'a self, source: &'a [u8]) -> &'a [u8] {
        match &self.line {
            Line::Parsed(line) => line.value(source),
            Line::Folded(folded) => &folded.1,
            Line::Own(value) => value,
            Line::OwnOther(other) => &other.1,
        }
    }

    pub fn value_bytes(&self, source: &Bytes) -> Bytes {
        match &self.line {
            Line::Parsed(line) => source.slice(line.value_start as usize..line.value_end as usize),
            Line::Folded(folded) => folded.1.clone(),
            Line::Own(value) => value.clone(),
            Line::OwnOther(other) => other.1.clone(),
        }
    }

    pub fn slice(&self, source: &Bytes, range: std::ops::Range<usize>) -> Bytes {
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
pub(super) fn extend_run(
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

pub(super) fn flush_run(run: &mut std::ops::Range<usize>, source: &[u8], out: &mut BytesMut) {
    if run.start != run.end {
        out.put_slice(&source[run.clone()]);
        out.put_slice(b"\r\n");
    }
    *run = 0..0;
}

pub(super) fn write_line(name: &[u8], value: &[u8], out: &mut BytesMut) {
    out.put_slice(name);
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

/// Each line end with the white space around it becomes one space (RFC 3261
/// §7.3.1).
pub(super) fn unfold(value: &[u8]) -> Bytes {
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

pub(super) fn has_bare_line_feed(text: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', text).any(|at| at == 0 || text[at - 1] != b'\r')
}
