//! A text file whose octet ranges become lines and columns.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::error::ConfigError;

/// The text of a file and its name.
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn error(&self, range: &Range<usize>, message: impl Into<String>) -> ConfigError {
        let place = place(self.text, range);
        ConfigError {
            file: PathBuf::from(self.file),
            line: place.line,
            column: place.column,
            source_line: place.source_line.to_owned(),
            width: place.width,
            message: message.into(),
            expected: None,
            nearest: None,
        }
    }

    pub(super) fn line(&self, range: &Range<usize>) -> usize {
        place(self.text, range).line
    }

    /// Where a line and a column in octets, both from 1, stand in the text.
    pub(super) fn offset(&self, line: usize, column: usize) -> usize {
        let start: usize = self
            .text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        (start + column.saturating_sub(1)).min(self.text.len())
    }
}

struct Place<'a> {
    line: usize,
    column: usize,
    source_line: &'a str,
    width: usize,
}

fn place<'a>(text: &'a str, range: &Range<usize>) -> Place<'a> {
    let start = boundary(text, range.start);
    let end = boundary(text, range.end.max(start));
    let before = &text[..start];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let source_line = text[line_start..].lines().next().unwrap_or_default();
    let line_end = line_start + source_line.len();
    let marked = if start < line_end {
        text[start..end.clamp(start, line_end)].chars().count()
    } else {
        0
    };
    Place {
        line: before.matches('\n').count() + 1,
        column: text[line_start..start].chars().count() + 1,
        source_line,
        width: marked.max(1),
    }
}

fn boundary(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}
