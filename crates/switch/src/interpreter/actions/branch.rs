//! `branch`: jumps by the value of a variable.

use std::collections::BTreeMap;

use crate::flow::{FlowError, Options, Target, Template};
use crate::interpreter::action::{Action, Exits, Step, View};

/// The variable when the flow names none.
const DEFAULT_VARIABLE: &str = "voipbin.call.digits";

#[derive(Debug)]
struct Branch {
    variable: Template,
    targets: BTreeMap<Box<str>, Target>,
    default: Option<Target>,
}

pub(super) fn compile(options: &mut Options<'_>) -> Result<Box<dyn Action>, FlowError> {
    let variable = options
        .text("variable")?
        .filter(|name| name.fixed() != Some(""));
    Ok(Box::new(Branch {
        variable: variable.unwrap_or_else(|| Template::parse(DEFAULT_VARIABLE)),
        targets: options.targets("target_ids")?,
        default: options.target("default_target_id")?,
    }))
}

impl Action for Branch {
    fn start(&self, view: &mut View<'_>) -> Step {
        let variables = &view.memory.variables;
        let name = match self.variable.expand(variables) {
            Ok(name) => name,
            Err(reason) => return Step::Fail(reason),
        };
        let value = variables.get(&name).unwrap_or_default();
        match self.targets.get(value).or(self.default.as_ref()) {
            Some(target) => view.jump(target),
            None => Step::Next,
        }
    }

    fn exits(&self) -> Exits<'_> {
        Exits {
            next: self.default.is_none(),
            jumps: self.targets.values().chain(&self.default).collect(),
            ..Exits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::interpreter::fixture::{refused, run};

    fn flow(option: &Value) -> Value {
        json!([
            {"type": "answer"},
            {"type": "digits_receive", "option": {"duration": 1000, "length": 1}},
            {"type": "branch", "option": option},
            {"type": "hangup", "option": {"reason": "490"}},
            {"id": "one", "type": "hangup", "option": {"reason": "491"}},
            {"id": "two", "type": "hangup", "option": {"reason": "492"}},
        ])
    }

    #[test]
    fn jumps_by_the_digits() {
        let both = json!({"target_ids": {"1": "one", "*": "two"}});
        let wrong = json!({"target_ids": {"1": "one"}, "default_target_id": "two"});
        let silent = json!({"target_ids": {"": "two"}});
        let table = [
            (&both, "digit 1", "hangup 491"),
            (&both, "digit *", "hangup 492"),
            (&both, "digit 2", "hangup 490"),
            (&wrong, "digit 1", "hangup 491"),
            (&wrong, "digit 2", "hangup 492"),
            (&wrong, "time", "hangup 492"),
            (&silent, "time", "hangup 492"),
            (&silent, "digit 1", "hangup 490"),
        ];
        for (option, input, end) in table {
            let last = format!("> branch, > hangup, {end}");
            let script = [
                (0, "start", "> answer, answer"),
                (0, "answered", "> digits_receive"),
                (1000, input, last.as_str()),
            ];
            run(&flow(option), &script);
        }
    }

    #[test]
    fn any_variable_and_targets_made_of_variables() {
        let set = json!({"type": "variable_set", "option": {"key": "x", "value": "two"}});
        let end = json!({"id": "two", "type": "stop"});
        let table = [
            (
                json!({"variable": "x", "target_ids": {"two": "two"}}),
                "> stop, stopped",
            ),
            (
                json!({"variable": "x", "default_target_id": "${x}"}),
                "> stop, stopped",
            ),
            (
                json!({"variable": "unknown", "target_ids": {"": "two"}}),
                "> stop, stopped",
            ),
            (
                json!({"default_target_id": "${x}${x}"}),
                "failed branch: no action of this flow has the id `twotwo`, > hangup, hangup normal",
            ),
        ];
        for (option, rest) in table {
            let flow = json!([set, {"type": "branch", "option": option}, {"type": "hangup"}, end]);
            let orders = format!("> variable_set, > branch, {rest}");
            run(&flow, &[(0, "start", &orders)]);
        }
    }

    #[test]
    fn what_it_refuses() {
        let table = [
            (
                json!({"target_ids": {"1": "nowhere"}}),
                "[0].option.target_ids.1",
                None,
            ),
            (
                json!({"target_ids": {"*": "men"}}),
                "[0].option.target_ids.*",
                Some("menu"),
            ),
            (
                json!({"target_ids": {"1": 7}}),
                "[0].option.target_ids.1",
                None,
            ),
            (
                json!({"target_ids": ["menu"]}),
                "[0].option.target_ids",
                None,
            ),
            (
                json!({"default_target_id": "mneu"}),
                "[0].option.default_target_id",
                Some("menu"),
            ),
            (json!({"default": "menu"}), "[0].option.default", None),
        ];
        for (option, path, nearest) in table {
            let error = refused(&json!([
                {"type": "branch", "option": option}, {"id": "menu", "type": "stop"}]));
            assert_eq!(
                (error.path.as_str(), error.nearest.as_deref()),
                (path, nearest),
                "{error}"
            );
        }
    }
}
