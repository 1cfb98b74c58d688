//! The options of one action while it is compiled: each is asked for by name and
//! type, and what nobody asked for is refused.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::{FlowError, nearest};
use super::template::Template;

/// The longest time an option may give, in ms: a day.
pub(crate) const MAX_DURATION_MS: i64 = 86_400_000;

/// VoIPBIN writes out an id that is not there like this.
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Ids of a flow's actions → their places.
pub(crate) type Ids = BTreeMap<Arc<str>, u32>;

/// Where an action may jump to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The action at this place.
    Action(u32),
    /// The action whose id comes out when the variables are known.
    Named(Template),
}

/// The options of one action.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    path: String,
    given: Map<String, Value>,
    asked: Vec<&'static str>,
    ids: &'a Ids,
}

impl<'a> Options<'a> {
    pub(crate) fn new(path: String, given: Map<String, Value>, ids: &'a Ids) -> Self {
        Self {
            path,
            given,
            asked: Vec::new(),
            ids,
        }
    }

    /// A string, to be substituted when the action runs.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<Template>, FlowError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(Template::parse(&text))),
            Some(other) => Err(self.mistyped(name, &other, "a string")),
        }
    }

    /// A list of strings; empty when absent.
    pub(crate) fn texts(&mut self, name: &'static str) -> Result<Vec<Template>, FlowError> {
        let list = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(self.mistyped(name, &other, "a list of strings")),
        };
        let text = |(index, value): (usize, Value)| match value {
            Value::String(text) => Ok(Template::parse(&text)),
            other => Err(self.mistyped(&format!("{name}[{index}]"), &other, "a string")),
        };
        list.into_iter().enumerate().map(text).collect()
    }

    /// One of `words`.
    pub(crate) fn word(
        &mut self,
        name: &'static str,
        words: &'static [&'static str],
    ) -> Result<Option<&'static str>, FlowError> {
        let found = match self.take(name) {
            None => return Ok(None),
            Some(Value::String(found)) => found,
            Some(other) => return Err(self.mistyped(name, &other, &one_of(words))),
        };
        if let Some(word) = words.iter().find(|word| **word == found) {
            return Ok(Some(word));
        }
        let message = format!("unknown word `{found}`, expected {}", one_of(words));
        Err(self
            .error(name, message)
            .with_nearest(nearest(&found, words.iter().copied())))
    }

    /// True or false.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, FlowError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.mistyped(name, &other, "true or false")),
        }
    }

    /// A whole number.
    pub(crate) fn whole(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, FlowError> {
        let (low, high) = (*range.start(), *range.end());
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match value.as_i64() {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            Some(number) => {
                let message = format!("found {number}, expected {low} to {high}");
                Err(self.error(name, message))
            }
            None => Err(self.mistyped(name, &value, "a whole number")),
        }
    }

    /// A number.
    pub(crate) fn number(&mut self, name: &'static str) -> Result<Option<f64>, FlowError> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(self.mistyped(name, &value, "a number")),
        }
    }

    /// A time in ms; `None` when absent, zero or, where VoIPBIN lets it mean the
    /// same, negative.
    pub(crate) fn duration_ms(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Duration>, FlowError> {
        let number = self
            .whole(name, -MAX_DURATION_MS..=MAX_DURATION_MS)?
            .unwrap_or(0);
        let ms = u64::try_from(number).unwrap_or(0);
        Ok((ms > 0).then(|| Duration::from_millis(ms)))
    }

    /// The id of an action of this flow.
    pub(crate) fn target(&mut self, name: &'static str) -> Result<Option<Target>, FlowError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(id)) if is_no_id(&id) => Ok(None),
            Some(Value::String(id)) => self.resolve(name, &id).map(Some),
            Some(other) => Err(self.mistyped(name, &other, "the id of an action")),
        }
    }

    /// Values → ids of actions of this flow.
    pub(crate) fn targets(
        &mut self,
        name: &'static str,
    ) -> Result<BTreeMap<Box<str>, Target>, FlowError> {
        let given = match self.take(name) {
            None => return Ok(BTreeMap::new()),
            Some(Value::Object(given)) => given,
            Some(other) => return Err(self.mistyped(name, &other, "a map of values to ids")),
        };
        let mut targets = BTreeMap::new();
        for (key, value) in given {
            let path = format!("{name}.{}", quoted(&key));
            let Value::String(id) = value else {
                return Err(self.mistyped(&path, &value, "the id of an action"));
            };
            targets.insert(key.into(), self.resolve(&path, &id)?);
        }
        Ok(targets)
    }

    /// An error about one option; `name` may go deeper: `stream_urls[0]`.
    pub(crate) fn error(&self, name: &str, message: impl Into<String>) -> FlowError {
        FlowError::new(format!("{}.option.{name}", self.path), message)
    }

    /// An error about the action.
    pub(crate) fn action_error(&self, message: impl Into<String>) -> FlowError {
        FlowError::new(self.path.clone(), message)
    }

    /// Refuses what was not asked for.
    pub(crate) fn finish(self) -> Result<(), FlowError> {
        let Some(unknown) = self.given.keys().next() else {
            return Ok(());
        };
        let expected = match self.asked.as_slice() {
            [] => "this action has none".to_owned(),
            names => format!("expected {}", one_of(names)),
        };
        let message = format!("unknown option `{unknown}`, {expected}");
        let near = nearest(unknown, self.asked.iter().copied());
        Err(self.error(&quoted(unknown), message).with_nearest(near))
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.asked.push(name);
        self.given.remove(name).filter(|value| !value.is_null())
    }

    fn resolve(&self, name: &str, id: &str) -> Result<Target, FlowError> {
        let template = Template::parse(id);
        if template.fixed().is_none() {
            return Ok(Target::Named(template));
        }
        match self.ids.get(id) {
            Some(place) => Ok(Target::Action(*place)),
            None => Err(unknown_id(self.ids, id, |message| {
                self.error(name, message)
            })),
        }
    }

    fn mistyped(&self, name: &str, found: &Value, expected: &str) -> FlowError {
        self.error(name, mistyped(found, expected))
    }
}

/// Whether an id is one that is not there.
pub(crate) fn is_no_id(id: &str) -> bool {
    id.is_empty() || id == NO_ID
}

/// The error about an id that no action has.
pub(crate) fn unknown_id(
    ids: &Ids,
    id: &str,
    error: impl FnOnce(String) -> FlowError,
) -> FlowError {
    error(format!("no action of this flow has the id `{id}`"))
        .with_nearest(nearest(id, ids.keys().map(|known| &**known)))
}

/// "found 3, expected a string".
pub(crate) fn mistyped(found: &Value, expected: &str) -> String {
    let found = match found {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    };
    format!("found {found}, expected {expected}")
}

/// The names in a row, each in backquotes.
pub(crate) fn one_of(names: &[&str]) -> String {
    let mut row = String::new();
    for (index, name) in names.iter().enumerate() {
        let join = if index == 0 { "" } else { ", " };
        let name = if name.is_empty() { "\"\"" } else { name };
        write!(row, "{join}`{name}`").expect("writing to a String never fails");
    }
    row
}

/// A key as it stands in a path: bare, or in quotes when it would be misread.
pub(crate) fn quoted(key: &str) -> String {
    let misread = |c: char| c.is_control() || matches!(c, '.' | '[' | ']' | '"' | ' ');
    if key.is_empty() || key.contains(misread) {
        format!("{key:?}")
    } else {
        key.to_owned()
    }
}
