//! All flows of a configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Flow, loops};

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
    /// The action it begins with, as in `FlowError`.
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
    /// themselves while no action waits and nothing counts the rounds.
    pub fn check(&self) -> Vec<FlowProblem> {
        self.flows.values().flat_map(|flow| endless(flow)).collect()
    }
}

fn endless(flow: &Flow) -> Vec<FlowProblem> {
    let problem = |circle: Vec<u32>| {
        let named = |place: &u32| {
            format!(
                "`{}` ({})",
                flow.node(*place).id(),
                flow.node(*place).name()
            )
        };
        let way: Vec<String> = circle.iter().chain(circle.first()).map(named).collect();
        FlowProblem {
            flow: flow.name().to_owned(),
            path: circle
                .first()
                .map(|place| flow.path(*place))
                .unwrap_or_default(),
            message: format!(
                "a loop without an end, in which no action waits: {}; `loop_count` on a `goto` or \
                 an action that waits would end it",
                way.join(" → ")
            ),
        }
    };
    loops::find(flow).into_iter().map(problem).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn problems(document: &Value) -> Vec<String> {
        let mut flows = FlowSet::default();
        flows.insert(Flow::from_json("f", document).unwrap());
        flows
            .check()
            .into_iter()
            .map(|problem| problem.path)
            .collect()
    }

    fn goto(target: &str) -> Value {
        json!({"type": "goto", "option": {"target_id": target}})
    }

    #[test]
    fn a_set_holds_flows_by_name() {
        let mut flows = FlowSet::default();
        assert!(flows.is_empty());
        let flow = |name| Flow::from_json(name, &json!([{"type": "stop"}])).unwrap();
        assert!(flows.insert(flow("b")).is_none());
        assert!(flows.insert(flow("a")).is_none());
        assert!(flows.insert(flow("b")).is_some());
        assert_eq!(flows.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((flows.len(), flows.get("a").unwrap().name()), (2, "a"));
        assert!(flows.get("c").is_none());
    }

    #[test]
    fn loops_without_an_end_are_found() {
        let condition = json!({"type": "condition_variable", "option": {
            "variable": "x", "condition": "==", "value_string": "1", "false_target_id": "a"}});
        let branch = json!({"type": "branch", "option": {
            "target_ids": {"1": "end"}, "default_target_id": "a"}});
        let end = json!({"id": "end", "type": "stop"});
        let a = json!({"id": "a", "type": "answer"});
        let sleepless = json!({"id": "a", "type": "sleep"});
        let nothing = json!({"id": "a", "type": "play", "option": {"early_media": true}});
        let table = [
            json!([{"id": "a", "type": "goto", "option": {"target_id": "a"}}]),
            json!([a, goto("a")]),
            json!([{"id": "a", "next_id": "a", "type": "answer"}]),
            json!([a, condition, end]),
            json!([a, branch, end]),
            json!([sleepless, goto("a")]),
            json!([nothing, goto("a")]),
        ];
        for flow in table {
            assert_eq!(problems(&flow), ["[0]"], "{flow:#}");
        }
        let two = json!([a, condition, {"id": "b", "type": "answer"}, goto("b")]);
        assert_eq!(problems(&two), ["[2]", "[0]"]);
    }

    #[test]
    fn a_loop_counts_wherever_a_call_can_come_to_it() {
        let spin = json!({"id": "a", "type": "goto", "option": {"target_id": "a"}});
        let stop = json!({"type": "stop"});
        let table = [
            json!({"type": "goto", "option": {"target_id": "a", "loop_count": 1}}),
            json!({"type": "branch", "option": {"target_ids": {"1": "a"}}}),
            json!({"type": "sleep", "option": {"duration": 1}, "next_id": "a"}),
            json!({"type": "goto", "option": {"target_id": "${x}", "loop_count": 1}}),
        ];
        for way in table {
            assert_eq!(problems(&json!([way, stop, spin])), ["[2]"], "{way:#}");
        }
    }

    #[test]
    fn loops_that_wait_or_count_are_none() {
        let play = json!({"id": "a", "type": "play", "option": {"stream_urls": ["a.wav"]}});
        let sleep = json!({"id": "a", "type": "sleep", "option": {"duration": 1}});
        let echo = json!({"id": "a", "type": "echo"});
        let digits = json!({"id": "a", "type": "digits_receive", "option": {"length": 1}});
        let counted = json!({"type": "goto", "option": {"target_id": "a", "loop_count": 3}});
        let answer = json!({"id": "a", "type": "answer"});
        let table = [
            json!([play, goto("a")]),
            json!([sleep, goto("a")]),
            json!([echo, goto("a")]),
            json!([digits, goto("a")]),
            json!([answer, counted]),
            json!([answer, counted, counted, {"type": "stop"}]),
            json!([{"type": "stop"}, answer, goto("a")]),
            json!([answer, {"type": "branch", "option": {"default_target_id": "${x}"}}]),
        ];
        for flow in table {
            assert!(problems(&flow).is_empty(), "{flow:#}");
        }
    }

    #[test]
    fn the_loop_is_named() {
        let mut flows = FlowSet::default();
        let document =
            json!([{"id": "in", "type": "answer"}, {"id": "x", "type": "sleep"}, goto("x")]);
        flows.insert(Flow::from_json("menu", &document).unwrap());
        let problem = flows.check().remove(0);
        assert_eq!(
            (problem.flow.as_str(), problem.path.as_str()),
            ("menu", "[1]")
        );
        assert!(
            problem.message.contains("`x` (sleep) → `"),
            "{}",
            problem.message
        );
        assert!(
            problem.message.contains("(goto) → `x` (sleep);"),
            "{}",
            problem.message
        );
    }

    #[test]
    fn a_long_flow_is_searched_without_recursion() {
        let mut actions = vec![json!({"id": "a", "type": "answer"})];
        actions.extend(vec![json!({"type": "sleep"}); 9_998]);
        actions.push(goto("a"));
        assert_eq!(problems(&json!(actions)), ["[0]"]);
    }
}
