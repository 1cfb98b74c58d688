//! The variables of one call: its own facts, read-only, and what its flow sets.

use std::collections::BTreeMap;

use super::facts::CallFacts;

/// How many variables a flow may set.
pub const MAX_VARIABLES: usize = 100;
/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 32 * 1024;
/// Names and values together, in bytes.
pub const MAX_VARIABLES_BYTES: usize = 64 * 1024;

/// Names that begin so are the engine's.
pub(crate) const RESERVED: &str = "voipbin.";

/// Variables of one call. Facts are looked up, not copied; what the flow sets
/// takes memory only once it does.
#[derive(Debug)]
pub(crate) struct Variables {
    facts: CallFacts,
    answered: bool,
    digits: String,
    set: BTreeMap<Box<str>, Box<str>>,
    set_bytes: usize,
}

impl Variables {
    pub(crate) fn new(facts: CallFacts) -> Self {
        Self {
            facts,
            answered: false,
            digits: String::new(),
            set: BTreeMap::new(),
            set_bytes: 0,
        }
    }

    /// The value of a variable; `None` when there is none of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        match name.strip_prefix(RESERVED) {
            Some(rest) => self.fact(rest),
            None => self.set.get(name).map(|value| &**value),
        }
    }

    /// Sets a variable of the flow.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        check_name(name)?;
        if value.len() > MAX_VALUE_BYTES {
            return Err(format!(
                "the value of `{name}` is longer than {MAX_VALUE_BYTES} bytes"
            ));
        }
        let old = self.set.get(name).map(|value| value.len() + name.len());
        if old.is_none() && self.set.len() >= MAX_VARIABLES {
            return Err(format!("there are {MAX_VARIABLES} variables already"));
        }
        let bytes = self.set_bytes - old.unwrap_or(0) + name.len() + value.len();
        if bytes > MAX_VARIABLES_BYTES {
            return Err(format!(
                "all variables together pass {MAX_VARIABLES_BYTES} bytes"
            ));
        }
        self.set.insert(name.into(), value.into());
        self.set_bytes = bytes;
        Ok(())
    }

    /// `voipbin.call.digits`, for the action that collects them.
    pub(crate) fn digits_mut(&mut self) -> &mut String {
        &mut self.digits
    }

    /// The call is up from now on.
    pub(crate) fn set_answered(&mut self) {
        self.answered = true;
    }

    fn fact(&self, name: &str) -> Option<&str> {
        let facts = &self.facts;
        let name = name.strip_prefix("call.")?;
        match name {
            "id" => Some(&facts.id),
            "direction" => Some(facts.direction),
            "status" if self.answered => Some("progressing"),
            "status" => Some("ringing"),
            "digits" => Some(&self.digits),
            "source.target" => Some(&facts.source),
            "source.target_name" => Some(&facts.source_name),
            "destination.target" => Some(&facts.destination),
            other => {
                let group: usize = other.strip_prefix("destination.match.")?.parse().ok()?;
                facts
                    .captures
                    .get(group.checked_sub(1)?)
                    .map(String::as_str)
            }
        }
    }
}

/// Whether a flow may set a variable of that name.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a variable needs a name".to_owned());
    }
    if name.starts_with(RESERVED) {
        return Err(format!(
            "`{name}` belongs to the engine: names in `{RESERVED}` are read-only"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Variables {
        Variables::new(CallFacts {
            id: "7e3f".into(),
            direction: "incoming",
            source: "alice".to_owned(),
            source_name: "Alice A.".to_owned(),
            destination: "menu-3".to_owned(),
            captures: vec!["3".to_owned()],
        })
    }

    #[test]
    fn facts_of_the_call_are_looked_up() {
        let mut variables = call();
        variables.digits_mut().push('4');
        let table = [
            ("voipbin.call.id", Some("7e3f")),
            ("voipbin.call.direction", Some("incoming")),
            ("voipbin.call.status", Some("ringing")),
            ("voipbin.call.digits", Some("4")),
            ("voipbin.call.source.target", Some("alice")),
            ("voipbin.call.source.target_name", Some("Alice A.")),
            ("voipbin.call.destination.target", Some("menu-3")),
            ("voipbin.call.destination.match.1", Some("3")),
            ("voipbin.call.destination.match.0", None),
            ("voipbin.call.destination.match.2", None),
            ("voipbin.call.destination.match.x", None),
            ("voipbin.recording.id", None),
            ("voipbin.", None),
            ("digits", None),
        ];
        for (name, expected) in table {
            assert_eq!(variables.get(name), expected, "{name}");
        }
        variables.set_answered();
        assert_eq!(variables.get("voipbin.call.status"), Some("progressing"));
    }

    #[test]
    fn the_engines_names_and_the_empty_name_cannot_be_set() {
        let mut variables = call();
        for name in ["voipbin.call.id", "voipbin.x", "voipbin.", ""] {
            assert!(variables.set(name, "x").is_err(), "{name}");
        }
        assert!(variables.set("voipbin", "x").is_ok());
        assert_eq!(variables.get("voipbin.call.id"), Some("7e3f"));
    }

    #[test]
    fn keys_values_and_the_whole_are_limited() {
        let mut variables = call();
        for n in 0..MAX_VARIABLES {
            variables.set(&format!("v{n}"), "x").unwrap();
        }
        assert!(variables.set("one more", "x").is_err());
        assert!(variables.set("v0", "y").is_ok(), "an old one may change");
        assert!(
            variables
                .set("v0", &"x".repeat(MAX_VALUE_BYTES + 1))
                .is_err()
        );
        assert_eq!(
            variables.get("v0"),
            Some("y"),
            "a refused value leaves the old one"
        );
        variables.set("v0", &"x".repeat(MAX_VALUE_BYTES)).unwrap();
        assert!(variables.set("v1", &"x".repeat(MAX_VALUE_BYTES)).is_err());
        variables.set("v0", "").unwrap();
        variables.set("v1", &"x".repeat(MAX_VALUE_BYTES)).unwrap();
    }
}
