//! `condition_variable`: compares a variable; true goes on, false jumps.
//!
//! `variable` is the name of one, or a text with `${name}` in it, whose value is
//! then compared itself.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::flow::{FlowError, Options, Target, Template};
use crate::interpreter::action::{Action, Exits, Step, View};

#[derive(Debug)]
struct ConditionVariable {
    variable: Template,
    condition: Condition,
    value: Value,
    otherwise: Option<Target>,
}

#[derive(Clone, Copy, Debug)]
enum Condition {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What the variable is compared with, and as what.
#[derive(Debug)]
enum Value {
    Text(Template),
    Number(f64),
    Length(usize),
}

const CONDITIONS: [&str; 6] = ["==", "!=", ">", ">=", "<", "<="];
const TYPES: [&str; 3] = ["string", "number", "length"];

pub(super) fn compile(options: &mut Options<'_>) -> Result<Box<dyn Action>, FlowError> {
    let Some(variable) = options.text("variable")? else {
        return Err(options.action_error("`condition_variable` needs `option.variable`"));
    };
    let condition = match options.word("condition", &CONDITIONS)? {
        Some("==") => Condition::Equal,
        Some("!=") => Condition::NotEqual,
        Some(">") => Condition::Greater,
        Some(">=") => Condition::GreaterOrEqual,
        Some("<") => Condition::Less,
        Some("<=") => Condition::LessOrEqual,
        Some(_) | None => {
            return Err(options.action_error("`condition_variable` needs `option.condition`"));
        }
    };
    let text = options.text("value_string")?;
    let number = options.number("value_number")?;
    let length = options.whole("value_length", 0..=i64::from(u32::MAX))?;
    let value = match options.word("value_type", &TYPES)? {
        Some("number") => Value::Number(number.unwrap_or(0.0)),
        Some("length") => Value::Length(
            length
                .and_then(|length| usize::try_from(length).ok())
                .unwrap_or(0),
        ),
        Some(_) | None => Value::Text(text.unwrap_or_else(|| Template::parse(""))),
    };
    let otherwise = options.target("false_target_id")?;
    Ok(Box::new(ConditionVariable {
        variable,
        condition,
        value,
        otherwise,
    }))
}

impl Condition {
    /// `None` is two things that cannot be compared, such as a word and a number.
    fn holds(self, ordering: Option<Ordering>) -> bool {
        ordering.is_some_and(|ordering| match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
        })
    }
}

impl ConditionVariable {
    fn compare(&self, view: &View<'_>) -> Result<Option<Ordering>, String> {
        let variables = &view.memory.variables;
        let found = match self.variable.fixed() {
            Some(name) => Cow::Borrowed(variables.get(name).unwrap_or_default()),
            None => self.variable.expand(variables)?,
        };
        Ok(match &self.value {
            Value::Text(template) => Some(found.cmp(&template.expand(variables)?)),
            Value::Number(number) => found
                .trim()
                .parse::<f64>()
                .ok()
                .and_then(|found| found.partial_cmp(number)),
            Value::Length(length) => Some(found.chars().count().cmp(length)),
        })
    }
}

impl Action for ConditionVariable {
    fn start(&self, view: &mut View<'_>) -> Step {
        let ordering = match self.compare(view) {
            Ok(ordering) => ordering,
            Err(reason) => return Step::Fail(reason),
        };
        match &self.otherwise {
            Some(target) if !self.condition.holds(ordering) => view.jump(target),
            Some(_) | None => Step::Next,
        }
    }

    fn exits(&self) -> Exits<'_> {
        Exits {
            next: true,
            jumps: self.otherwise.iter().collect(),
            ..Exits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::interpreter::fixture::{refused, run};

    /// Whether a condition holds for a variable `x`.
    fn check(x: &str, mut option: Value, expected: bool) {
        let merged = option.as_object_mut().unwrap();
        merged.entry("variable").or_insert(json!("x"));
        merged.insert("false_target_id".to_owned(), json!("false"));
        let flow = json!([
            {"type": "variable_set", "option": {"key": "x", "value": x}},
            {"type": "condition_variable", "option": option},
            {"type": "hangup", "option": {"reason": "491"}},
            {"id": "false", "type": "hangup", "option": {"reason": "490"}},
        ]);
        let end = if expected { "491" } else { "490" };
        let orders = format!("> variable_set, > condition_variable, > hangup, hangup {end}");
        run(&flow, &[(0, "start", &orders)]);
    }

    #[test]
    fn each_condition_of_each_type() {
        let conditions = ["==", "!=", ">", ">=", "<", "<="];
        let expected = |condition: &str, sign: i8| match condition {
            "==" => sign == 0,
            "!=" => sign != 0,
            ">" => sign > 0,
            ">=" => sign >= 0,
            "<" => sign < 0,
            _ => sign <= 0,
        };
        for condition in conditions {
            for (x, sign) in [("abb", -1), ("abc", 0), ("abd", 1), ("", -1)] {
                let option = json!({"condition": condition, "value_string": "abc"});
                check(x, option, expected(condition, sign));
            }
            for (x, sign) in [
                ("9", -1),
                ("10", 0),
                (" 10.0 ", 0),
                ("10.5", 1),
                ("-11", -1),
            ] {
                let option =
                    json!({"condition": condition, "value_type": "number", "value_number": 10});
                check(x, option, expected(condition, sign));
            }
            for (x, sign) in [("", -1), ("äö", -1), ("äöü", 0), ("1234", 1)] {
                let option =
                    json!({"condition": condition, "value_type": "length", "value_length": 3});
                check(x, option, expected(condition, sign));
            }
        }
    }

    #[test]
    fn what_is_no_number_is_never_true() {
        for condition in ["==", "!=", ">", "<"] {
            for x in ["", "abc", "NaN"] {
                let option =
                    json!({"condition": condition, "value_type": "number", "value_number": 0});
                check(x, option, false);
            }
        }
    }

    #[test]
    fn both_sides_may_be_made_of_variables() {
        let option = |variable: &str, value: &str| json!({"variable": variable, "condition": "==", "value_string": value});
        check("5", option("${x}", "5"), true);
        check("5", option("<${x}>", "<${x}>"), true);
        check("5", option("unknown", ""), true);
        check("5", option("x", "x"), false);
    }

    #[test]
    fn without_a_target_false_goes_on_too() {
        let flow = json!([
            {"type": "condition_variable",
             "option": {"variable": "x", "condition": "==", "value_string": "1"}},
            {"type": "stop"},
        ]);
        run(
            &flow,
            &[(0, "start", "> condition_variable, > stop, stopped")],
        );
    }

    #[test]
    fn what_it_refuses() {
        let table = [
            (json!({"condition": "=="}), "[0]"),
            (json!({"variable": "x"}), "[0]"),
            (
                json!({"variable": "x", "condition": "="}),
                "[0].option.condition",
            ),
            (
                json!({"variable": "x", "condition": "==", "value_type": "text"}),
                "[0].option.value_type",
            ),
            (
                json!({"variable": "x", "condition": "==", "value_number": "1"}),
                "[0].option.value_number",
            ),
            (
                json!({"variable": "x", "condition": "==", "false_target_id": "nowhere"}),
                "[0].option.false_target_id",
            ),
        ];
        for (option, path) in table {
            let error = refused(&json!([{"type": "condition_variable", "option": option}]));
            assert_eq!(error.path, path, "{error}");
        }
    }
}
