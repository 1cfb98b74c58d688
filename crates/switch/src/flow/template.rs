//! A string option with `${name}` in it, taken apart once.

use std::borrow::Cow;
use std::sync::Arc;

use crate::interpreter::{MAX_VALUE_BYTES, Variables};

/// A string option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Template {
    /// No variable in it.
    Fixed(Arc<str>),
    /// Text and variables in turn.
    Parts(Box<[Part]>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(Box<str>),
    Variable(Box<str>),
}

impl Template {
    /// Takes `text` apart. A `${` that no `}` closes stands for itself.
    pub(crate) fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, name, after)) = first_variable(rest) {
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            parts.push(Part::Variable(name.into()));
            rest = after;
        }
        if parts.is_empty() {
            return Self::Fixed(text.into());
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Self::Parts(parts.into())
    }

    /// The text, when no variable is in it.
    pub(crate) fn fixed(&self) -> Option<&str> {
        match self {
            Self::Fixed(text) => Some(text),
            Self::Parts(_) => None,
        }
    }

    /// The text with every variable replaced, an unknown one by nothing. What a
    /// variable holds is not looked through again. Fails past `MAX_VALUE_BYTES`.
    pub(crate) fn expand(&self, variables: &Variables) -> Result<Cow<'_, str>, String> {
        let parts = match self {
            Self::Fixed(text) => return Ok(Cow::Borrowed(text)),
            Self::Parts(parts) => parts,
        };
        let mut text = String::new();
        for part in parts {
            let piece = match part {
                Part::Text(piece) => piece,
                Part::Variable(name) => variables.get(name).unwrap_or_default(),
            };
            if text.len() + piece.len() > MAX_VALUE_BYTES {
                return Err(format!("an option is longer than {MAX_VALUE_BYTES} bytes"));
            }
            text.push_str(piece);
        }
        Ok(Cow::Owned(text))
    }
}

fn first_variable(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find("${")?;
    let length = text[start + 2..].find('}')?;
    let end = start + 2 + length;
    Some((&text[..start], &text[start + 2..end], &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpreter::CallFacts;

    #[test]
    fn variables_are_replaced_and_unknown_ones_vanish() {
        let mut variables = Variables::new(CallFacts {
            destination: "100".to_owned(),
            ..CallFacts::default()
        });
        variables.set("a", "A").unwrap();
        variables.set("nested", "${a}").unwrap();
        let table = [
            ("", ""),
            ("plain", "plain"),
            ("${a}", "A"),
            ("<${a}|${a}>", "<A|A>"),
            ("${unknown}", ""),
            ("x${unknown}y", "xy"),
            ("${}", ""),
            ("${a", "${a"),
            ("$a {a} $${a}", "$a {a} $A"),
            ("${nested}", "${a}"),
            ("${voipbin.call.destination.target}.wav", "100.wav"),
            ("ä${a}ö", "äAö"),
        ];
        for (text, expected) in table {
            assert_eq!(
                Template::parse(text).expand(&variables).unwrap(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn an_option_cannot_grow_without_end() {
        let mut variables = Variables::new(CallFacts::default());
        variables.set("big", &"x".repeat(MAX_VALUE_BYTES)).unwrap();
        assert!(Template::parse("${big}").expand(&variables).is_ok());
        assert!(Template::parse("${big}x").expand(&variables).is_err());
    }
}
