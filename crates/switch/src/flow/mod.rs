//! Flows: what a call does, compiled once and shared by all calls that do it.
//!
//! A front end reads its own language into [`ActionDefinition`]s; [`Flow::new`]
//! makes of them what the interpreter runs. JSON is the first front end.

mod compile;
mod definition;
mod document;
mod error;
mod loops;
mod options;
mod set;
mod template;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

pub use compile::MAX_ACTIONS;
pub use definition::ActionDefinition;
pub use error::FlowError;
pub(crate) use error::nearest;
use options::Ids;
pub(crate) use options::{Options, Target, is_no_id};
pub use set::{FlowProblem, FlowSet};
pub(crate) use template::Template;

use crate::interpreter::Action;

/// A flow, compiled: ready to run, shared by all its calls.
pub struct Flow {
    name: String,
    /// What stands before `[index]` in the paths of its document.
    prefix: &'static str,
    nodes: Box<[Node]>,
    ids: Ids,
}

/// One action in its place.
#[derive(Debug)]
pub(crate) struct Node {
    id: Arc<str>,
    name: &'static str,
    next: u32,
    action: Box<dyn Action>,
}

impl Flow {
    /// Compiles what a front end read. Paths in errors begin with `[index]`.
    pub fn new(name: &str, definitions: Vec<ActionDefinition>) -> Result<Self, FlowError> {
        let ids = compile::ids(name, &definitions)?;
        let nodes = compile::nodes(definitions, &ids)?;
        let ids = ids
            .into_iter()
            .enumerate()
            .map(|(place, id)| (id, place as u32))
            .collect();
        Ok(Self {
            name: name.to_owned(),
            prefix: "",
            nodes,
            ids,
        })
    }

    /// Compiles a list of actions, or an object with `actions`. Paths in errors
    /// begin with `[index]` or `actions[index]`.
    pub fn from_json(name: &str, document: &Value) -> Result<Self, FlowError> {
        let (prefix, definitions) = document::read(document)?;
        match Self::new(name, definitions) {
            Ok(flow) => Ok(Self { prefix, ..flow }),
            Err(error) => Err(error.below(prefix)),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many actions it has; at least one.
    #[allow(
        clippy::len_without_is_empty,
        reason = "a flow without actions is refused"
    )]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The path of an action in the document that the flow was read from.
    pub(crate) fn path(&self, place: u32) -> String {
        format!("{}[{place}]", self.prefix)
    }

    /// The action at a place where `has` says there is one.
    pub(crate) fn node(&self, place: u32) -> &Node {
        &self.nodes[place as usize]
    }

    /// Whether there is an action at that place.
    pub(crate) fn has(&self, place: u32) -> bool {
        (place as usize) < self.nodes.len()
    }

    /// The place that follows when the action there does not jump.
    pub(crate) fn after(&self, place: u32) -> u32 {
        self.node(place).next
    }

    /// The place of the action with that id.
    pub(crate) fn place(&self, id: &str) -> Option<u32> {
        self.ids.get(id).copied()
    }
}

impl Node {
    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn action(&self) -> &dyn Action {
        &*self.action
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("name", &self.name)
            .field("actions", &self.nodes.len())
            .finish_non_exhaustive()
    }
}
