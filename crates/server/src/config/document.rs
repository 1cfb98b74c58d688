//! A parsed TOML text that still knows where everything stands.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::error::ConfigError;
use super::file::ConfigFile;
use super::path::{Located, Step};
use super::source::Source;
use super::words;

/// Errors of shape that are looked for in one file.
const MAX_ERRORS: usize = 50;

/// The text, and its tables and values with their ranges.
pub(super) struct Document<'a> {
    pub(super) source: Source<'a>,
    root: Spanned<DeTable<'a>>,
}

impl<'a> Document<'a> {
    /// The syntax.
    pub(super) fn parse(source: Source<'a>) -> Result<Self, Vec<ConfigError>> {
        let (root, errors) = DeTable::parse_recoverable(source.text);
        if errors.is_empty() {
            return Ok(Self { source, root });
        }
        let mut errors: Vec<_> = errors
            .iter()
            .map(|error| syntax_error(&source, error))
            .collect();
        errors.sort_by_key(|error| (error.line, error.column));
        Err(errors)
    }

    /// The shape: names and types. What is wrong is noted, taken out, and the rest is
    /// looked at again, so that one mistake does not hide the others.
    pub(super) fn read(&self) -> Result<ConfigFile, Vec<ConfigError>> {
        let mut root = self.root.clone();
        let mut errors = take_out_lists(&self.source, root.get_mut());
        loop {
            let error = match ConfigFile::deserialize(Deserializer::from(root.clone())) {
                Ok(file) if errors.is_empty() => return Ok(file),
                Ok(_) => break,
                Err(error) => error,
            };
            let span = error.span().unwrap_or(0..0);
            errors.push(words::shape_error(&self.source, &span, error.message()));
            let taken = take_out(root.get_mut(), &span);
            if taken != TakenOut::Done || errors.len() == MAX_ERRORS {
                break;
            }
        }
        errors.sort_by_key(|error| (error.line, error.column));
        Err(errors)
    }

    /// Follows `path` as far as it leads.
    pub(super) fn locate(&self, path: &[Step]) -> Located {
        let mut found = Located {
            key: None,
            value: 0..0,
            whole: true,
        };
        let mut table = Some(self.root.get_ref());
        let mut array = None;
        for step in path {
            let next = match step {
                Step::Key(name) => table
                    .and_then(|table| table.get_key_value(name.as_str()))
                    .map(|(key, value)| (Some(key.span()), value)),
                Step::Index(index) => array
                    .and_then(|array: &toml::de::DeArray<'a>| array.get(*index))
                    .map(|value| (None, value)),
            };
            let Some((key, value)) = next else {
                found.whole = false;
                return found;
            };
            found.key = key;
            found.value = value.span();
            (table, array) = match value.get_ref() {
                DeValue::Table(table) => (Some(table), None),
                DeValue::Array(array) => (None, Some(array)),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_) => (None, None),
            };
        }
        found
    }
}

/// serde would take a list for a table, its elements in the order of the settings.
fn take_out_lists(source: &Source<'_>, root: &mut DeTable<'_>) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    take_lists_out_of(root, source, &mut errors);
    let flows = root.get_mut("flows").map(Spanned::get_mut);
    if let Some(DeValue::Table(flows)) = flows {
        take_lists_out_of(flows, source, &mut errors);
    }
    errors
}

fn take_lists_out_of(table: &mut DeTable<'_>, source: &Source<'_>, errors: &mut Vec<ConfigError>) {
    let mut lists = Vec::new();
    for (key, value) in table.iter() {
        let name = key.get_ref();
        if value.get_ref().is_array() && !["dial_plan", "users"].contains(&&**name) {
            errors.push(ConfigError {
                expected: Some("a table".to_owned()),
                ..source.error(&key.span(), format!("`{name}` is no list"))
            });
            lists.push(name.to_string());
        }
    }
    for name in lists {
        table.remove(name.as_str());
    }
}

fn syntax_error(source: &Source<'_>, error: &toml::de::Error) -> ConfigError {
    let span = error.span().unwrap_or(0..0);
    let (message, expected) = words::apart(error.message());
    // 127.0.0.1 without quotes begins like a number.
    let unquoted = ["invalid float", "invalid integer"].contains(&message);
    let expected = if unquoted {
        Some("a number, or a text in quotes")
    } else {
        expected
    };
    ConfigError {
        expected: expected.map(str::to_owned),
        ..source.error(&span, message)
    }
}

#[derive(PartialEq, Eq)]
enum TakenOut {
    No,
    Done,
    /// The value is an element of a list that means nothing without it.
    WithList,
}

/// Takes out the entry whose key or value stands at `span`, the innermost one.
fn take_out(table: &mut DeTable<'_>, span: &Range<usize>) -> TakenOut {
    let mut doomed = None;
    for (key, value) in table.iter_mut() {
        match take_out_of_value(value.get_mut(), span) {
            TakenOut::Done => return TakenOut::Done,
            TakenOut::WithList => doomed = Some(key.get_ref().to_string()),
            TakenOut::No if key.span() == *span || value.span() == *span => {
                doomed = Some(key.get_ref().to_string());
            }
            TakenOut::No => continue,
        }
        break;
    }
    match doomed {
        Some(key) => {
            table.remove(key.as_str());
            TakenOut::Done
        }
        None => TakenOut::No,
    }
}

fn take_out_of_value(value: &mut DeValue<'_>, span: &Range<usize>) -> TakenOut {
    match value {
        DeValue::Table(table) => take_out(table, span),
        DeValue::Array(array) => {
            for element in array.iter_mut() {
                match take_out_of_value(element.get_mut(), span) {
                    TakenOut::No if element.span() == *span => return TakenOut::WithList,
                    TakenOut::No => {}
                    taken => return taken,
                }
            }
            TakenOut::No
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => TakenOut::No,
    }
}
