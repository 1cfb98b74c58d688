//! (in work: bodies follow)

mod facts;
mod vocabulary;

use std::sync::Arc;
use std::time::Instant;

pub use facts::CallFacts;
pub use vocabulary::{CallEvent, CallOrder, HangUpReason};

use crate::flow::Flow;

/// Runs the flow of one call.
#[derive(Debug)]
pub struct Interpreter {
    flow: Arc<Flow>,
    facts: CallFacts,
    ended: bool,
}

impl Interpreter {
    /// An interpreter that has not begun.
    pub fn new(flow: Arc<Flow>, facts: CallFacts, now: Instant) -> Self {
        let _ = now;
        Self {
            flow,
            facts,
            ended: false,
        }
    }

    /// The flow it runs.
    pub fn flow(&self) -> &Arc<Flow> {
        &self.flow
    }

    /// Begins with the first action.
    pub fn start(&mut self, now: Instant, out: &mut Vec<CallOrder>) {
        let _ = (now, &self.facts);
        self.ended = true;
        out.push(CallOrder::HangUp {
            reason: HangUpReason::Normal,
        });
    }

    /// Something happened to the call.
    pub fn handle_event(&mut self, event: &CallEvent, now: Instant, out: &mut Vec<CallOrder>) {
        let _ = (event, now, out);
    }

    /// When `handle_timeout` is due, and why.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        None
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<CallOrder>) {
        let _ = (now, out);
    }

    /// Whether the flow is over: no more orders come.
    pub fn is_ended(&self) -> bool {
        self.ended
    }
}
