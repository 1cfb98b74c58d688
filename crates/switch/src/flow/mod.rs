//! (in work: bodies follow)

mod definition;
mod error;
mod set;

use serde_json::Value;

pub use definition::ActionDefinition;
pub use error::FlowError;
pub(crate) use error::nearest;
pub use set::{FlowProblem, FlowSet};

/// A flow, compiled: ready to run, shared by all its calls.
#[derive(Debug)]
pub struct Flow {
    name: String,
}

impl Flow {
    /// Compiles what a front end read. Paths in errors begin with `[index]`.
    pub fn new(name: &str, definitions: Vec<ActionDefinition>) -> Result<Self, FlowError> {
        let _ = definitions;
        Ok(Self {
            name: name.to_owned(),
        })
    }

    /// Compiles a list of actions, or an object with `actions`.
    pub fn from_json(name: &str, document: &Value) -> Result<Self, FlowError> {
        let _ = document;
        Self::new(name, Vec::new())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}
