//! A flow written in JSON: a list of actions, or an object that holds one.

use serde_json::{Map, Value};

use super::definition::ActionDefinition;
use super::error::{FlowError, nearest};
use super::options::{is_no_id, mistyped, one_of, quoted};

const FLOW_KEYS: [&str; 4] = ["actions", "name", "detail", "id"];
const ACTION_KEYS: [&str; 4] = ["id", "next_id", "type", "option"];

/// The actions of a document, and what stands before `[index]` in its paths.
pub(super) fn read(document: &Value) -> Result<(&'static str, Vec<ActionDefinition>), FlowError> {
    match document {
        Value::Array(list) => Ok(("", read_list("", list)?)),
        Value::Object(object) => {
            refuse_strangers("", object, &FLOW_KEYS)?;
            for key in ["name", "detail", "id"] {
                text("", object, key)?;
            }
            match object.get("actions") {
                Some(Value::Array(list)) => Ok(("actions", read_list("actions", list)?)),
                Some(other) => Err(FlowError::new(
                    "actions",
                    mistyped(other, "a list of actions"),
                )),
                None => Err(FlowError::new("", "`actions` is missing")),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let expected = "a list of actions, or an object with `actions`";
            Err(FlowError::new("", mistyped(document, expected)))
        }
    }
}

fn read_list(prefix: &str, list: &[Value]) -> Result<Vec<ActionDefinition>, FlowError> {
    let action = |(index, value)| read_action(&format!("{prefix}[{index}]"), value);
    list.iter().enumerate().map(action).collect()
}

fn read_action(path: &str, value: &Value) -> Result<ActionDefinition, FlowError> {
    let Value::Object(object) = value else {
        return Err(FlowError::new(path, mistyped(value, "an action")));
    };
    refuse_strangers(path, object, &ACTION_KEYS)?;
    let id = |key| Ok(text(path, object, key)?.filter(|id| !is_no_id(id)));
    let option = match object.get("option") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(option)) => option.clone(),
        Some(other) => {
            return Err(FlowError::new(
                format!("{path}.option"),
                mistyped(other, "a map"),
            ));
        }
    };
    Ok(ActionDefinition {
        id: id("id")?,
        next_id: id("next_id")?,
        action: text(path, object, "type")?
            .ok_or_else(|| FlowError::new(path, "`type` is missing"))?,
        option,
    })
}

fn text(path: &str, object: &Map<String, Value>, key: &str) -> Result<Option<String>, FlowError> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(FlowError::new(
            below(path, key),
            mistyped(other, "a string"),
        )),
    }
}

fn refuse_strangers(
    path: &str,
    object: &Map<String, Value>,
    known: &'static [&'static str],
) -> Result<(), FlowError> {
    let Some(stranger) = object.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let message = format!("unknown name `{stranger}`, expected {}", one_of(known));
    let near = nearest(stranger, known.iter().copied());
    Err(FlowError::new(below(path, &quoted(stranger)), message).with_nearest(near))
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
