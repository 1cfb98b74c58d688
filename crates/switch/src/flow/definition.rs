//! An action as it is written, before it is compiled. Every front end ends here.

use serde_json::{Map, Value};

/// One action of a flow, as a front end found it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActionDefinition {
    /// Its id; made up when absent. Other actions name it.
    pub id: Option<String>,
    /// The action that follows, when it is not the next of the list.
    pub next_id: Option<String>,
    /// Its type: `play`, `hangup`, …
    pub action: String,
    /// Its options, by the names of the action's vocabulary.
    pub option: Map<String, Value>,
}

impl ActionDefinition {
    /// An action of that type without id or options.
    pub fn new(action: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            ..Self::default()
        }
    }

    /// The same with an id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The same with one option more.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.option.insert(name.into(), value.into());
        self
    }
}
