//! `variable_set`: sets a variable of the flow.

use crate::flow::{FlowError, Options, Template};
use crate::interpreter::action::{Action, Exits, Step, View};
use crate::interpreter::{MAX_VALUE_BYTES, check_name};

#[derive(Debug)]
struct VariableSet {
    key: Template,
    value: Template,
}

pub(super) fn compile(options: &mut Options<'_>) -> Result<Box<dyn Action>, FlowError> {
    let Some(key) = options.text("key")? else {
        return Err(options.action_error("`variable_set` needs `option.key`"));
    };
    if let Some(Err(reason)) = key.fixed().map(check_name) {
        return Err(options.error("key", reason));
    }
    let value = options
        .text("value")?
        .unwrap_or_else(|| Template::parse(""));
    if value
        .fixed()
        .is_some_and(|value| value.len() > MAX_VALUE_BYTES)
    {
        let message = format!("longer than {MAX_VALUE_BYTES} bytes");
        return Err(options.error("value", message));
    }
    Ok(Box::new(VariableSet { key, value }))
}

impl VariableSet {
    fn set(&self, view: &mut View<'_>) -> Result<(), String> {
        let variables = &mut view.memory.variables;
        let key = self.key.expand(variables)?;
        let value = self.value.expand(variables)?;
        variables.set(&key, &value)
    }
}

impl Action for VariableSet {
    fn start(&self, view: &mut View<'_>) -> Step {
        match self.set(view) {
            Ok(()) => Step::Next,
            Err(reason) => Step::Fail(reason),
        }
    }

    fn exits(&self) -> Exits<'_> {
        Exits::next()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::interpreter::fixture::{refused, run};

    fn set(key: &str, value: &str) -> Value {
        json!({"type": "variable_set", "option": {"key": key, "value": value}})
    }

    #[test]
    fn sets_replaces_and_adds_to_itself() {
        let play = json!({"type": "play", "option": {"stream_urls": ["${a}-${b}-${c}"]}});
        let flow = json!([
            set("a", "1"),
            set("a", "${a}2"),
            set("${a}", "x"),
            set("b", "${12}"),
            set("c", ""),
            play,
        ]);
        let sets = "> variable_set, ".repeat(5);
        let begin = format!("{sets}> play, answer");
        run(
            &flow,
            &[(0, "start", &begin), (1, "answered", "play 1 12-x- x1")],
        );
    }

    #[test]
    fn what_cannot_be_set_is_reported_and_the_flow_goes_on() {
        let flow = json!([
            set("x", "voipbin.call.id"),
            set("${x}", "mine"),
            set("${y}", "1")
        ]);
        let orders = "> variable_set, > variable_set, failed variable_set: `voipbin.call.id` belongs \
                      to the engine: names in `voipbin.` are read-only, > variable_set, failed \
                      variable_set: a variable needs a name, hangup normal";
        run(&flow, &[(0, "start", orders)]);
    }

    #[test]
    fn what_it_refuses() {
        let table = [
            (json!({"value": "x"}), "[0]"),
            (json!({"key": "", "value": "x"}), "[0].option.key"),
            (
                json!({"key": "voipbin.call.id", "value": "x"}),
                "[0].option.key",
            ),
            (json!({"key": "x", "value": 5}), "[0].option.value"),
            (
                json!({"key": "x", "value": "x".repeat(32 * 1024 + 1)}),
                "[0].option.value",
            ),
        ];
        for (option, path) in table {
            let error = refused(&json!([{"type": "variable_set", "option": option}]));
            assert_eq!(error.path, path, "{error}");
        }
    }
}
