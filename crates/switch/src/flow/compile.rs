//! Definitions → what the interpreter runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Node;
use super::definition::ActionDefinition;
use super::error::FlowError;
use super::options::{Ids, Options, unknown_id};
use crate::interpreter;

/// The most actions a flow may have.
pub const MAX_ACTIONS: usize = 10_000;

/// The id of each action, in order; made up where there is none.
pub(super) fn ids(
    flow: &str,
    definitions: &[ActionDefinition],
) -> Result<Vec<Arc<str>>, FlowError> {
    if definitions.is_empty() {
        return Err(FlowError::new("", "a flow needs at least one action"));
    }
    if definitions.len() > MAX_ACTIONS {
        let path = format!("[{MAX_ACTIONS}]");
        return Err(FlowError::new(
            path,
            format!("a flow has at most {MAX_ACTIONS} actions"),
        ));
    }
    let mut seen = BTreeMap::new();
    let mut ids = Vec::with_capacity(definitions.len());
    for (place, definition) in definitions.iter().enumerate() {
        let id: Arc<str> = match &definition.id {
            Some(id) => id.as_str().into(),
            None => made_up(flow, place),
        };
        if let Some(first) = seen.insert(id.clone(), place) {
            let message = format!("the id `{id}` belongs to the action [{first}] already");
            return Err(FlowError::new(format!("[{place}].id"), message));
        }
        ids.push(id);
    }
    Ok(ids)
}

/// Compiles each action.
pub(super) fn nodes(
    definitions: Vec<ActionDefinition>,
    ids: &[Arc<str>],
) -> Result<Box<[Node]>, FlowError> {
    let places: Ids = ids.iter().cloned().zip(0..).collect();
    let node = |(place, definition): (usize, ActionDefinition)| {
        let path = format!("[{place}]");
        let next = match &definition.next_id {
            None => place as u32 + 1,
            Some(id) => *places.get(id.as_str()).ok_or_else(|| {
                unknown_id(&places, id, |message| {
                    FlowError::new(format!("{path}.next_id"), message)
                })
            })?,
        };
        let mut options = Options::new(path.clone(), definition.option, &places);
        let error = |message| FlowError::new(format!("{path}.type"), message);
        let (name, action) = interpreter::compile(&definition.action, &mut options, error)?;
        options.finish()?;
        Ok(Node {
            id: ids[place].clone(),
            name,
            next,
            action,
        })
    };
    definitions.into_iter().enumerate().map(node).collect()
}

/// A UUID of version 8 (RFC 9562 §5.8) of the flow's name and the place, so that
/// the same configuration names its actions alike on every start.
fn made_up(flow: &str, place: usize) -> Arc<str> {
    let bytes = || {
        flow.bytes()
            .chain([0xff])
            .chain((place as u32).to_be_bytes())
    };
    let high = (hash(bytes()) & !0xf000) | 0x8000;
    let low = (hash(bytes().chain([1])) >> 2) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff,
    )
    .into()
}

/// FNV-1a, its last bytes spread over all bits by the finaliser of SplitMix64.
fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::flow::{ActionDefinition, Flow, FlowError};

    fn refused(document: &Value) -> FlowError {
        Flow::from_json("test", document).unwrap_err()
    }

    #[test]
    fn what_is_no_flow_is_refused_where_it_is() {
        let table = [
            (
                json!(3),
                "",
                "found 3, expected a list of actions, or an object with `actions`",
            ),
            (json!([]), "", "a flow needs at least one action"),
            (json!({}), "", "`actions` is missing"),
            (
                json!({"actions": {}}),
                "actions",
                "found a map, expected a list of actions",
            ),
            (
                json!({"actions": [], "name": 1}),
                "name",
                "found 1, expected a string",
            ),
            (json!(["play"]), "[0]", "found a string, expected an action"),
            (json!([{}]), "[0]", "`type` is missing"),
            (
                json!([{"type": 1}]),
                "[0].type",
                "found 1, expected a string",
            ),
            (
                json!([{"type": "stop", "option": []}]),
                "[0].option",
                "found a list, expected a map",
            ),
            (
                json!([{"type": "stop"}, {"type": "stop", "next_id": "x"}]),
                "[1].next_id",
                "no action of this flow has the id `x`",
            ),
            (
                json!([{"id": "a", "type": "stop"}, {"id": "a", "type": "stop"}]),
                "[1].id",
                "the id `a` belongs to the action [0] already",
            ),
            (
                json!([{"type": "stop", "option": {"x": 1}}]),
                "[0].option.x",
                "unknown option `x`, this action has none",
            ),
        ];
        for (document, path, message) in table {
            let error = refused(&document);
            assert_eq!(
                (error.path.as_str(), error.message.as_str()),
                (path, message)
            );
        }
    }

    #[test]
    fn a_path_goes_from_the_top_of_the_document() {
        let bad = json!({"type": "play", "option": {"loops": 1}});
        for (document, path) in [
            (json!([{"type": "answer"}, bad]), "[1].option.loops"),
            (
                json!({"actions": [{"type": "answer"}, bad]}),
                "actions[1].option.loops",
            ),
        ] {
            let error = refused(&document);
            assert_eq!(error.path, path);
            assert_eq!(error.nearest.as_deref(), Some("loop"));
            let expected = "expected `stream_urls`, `loop`, `digits_handle`, `early_media`";
            assert!(error.message.ends_with(expected), "{error}");
            assert!(
                error.to_string().ends_with("; did you mean `loop`?"),
                "{error}"
            );
        }
        assert_eq!(refused(&json!({"actions": [{}]})).path, "actions[0]");
        assert_eq!(
            refused(&json!({"actions": [{"typ": "x"}]})).path,
            "actions[0].typ"
        );
        assert_eq!(
            refused(&json!({"action": []})).nearest.as_deref(),
            Some("actions")
        );
    }

    #[test]
    fn an_action_that_is_not_built_is_told_from_one_that_is_not_known() {
        let refused = |name: &str| refused(&json!([{"type": name}]));
        for name in ["talk", "connect", "recording_start", "patch", "amd", "mute"] {
            let error = refused(name);
            assert_eq!(error.path, "[0].type");
            assert!(
                error
                    .message
                    .starts_with(&format!("the action `{name}` is not built yet"))
            );
            assert_eq!(error.nearest, None);
        }
        let table = [
            ("plya", Some("play")),
            ("hang_up", Some("hangup")),
            ("digit_receive", Some("digits_receive")),
            ("conect", Some("connect")),
            ("dance", None),
            ("", None),
        ];
        for (name, nearest) in table {
            let error = refused(name);
            assert!(
                error
                    .message
                    .starts_with(&format!("unknown action `{name}`, expected "))
            );
            assert_eq!(error.nearest.as_deref(), nearest, "{name}");
        }
    }

    #[test]
    fn made_up_ids_are_uuids_that_differ_and_stay() {
        let flow = |name| {
            Flow::new(
                name,
                vec![
                    ActionDefinition::new("answer"),
                    ActionDefinition::new("stop"),
                ],
            )
            .unwrap()
        };
        let (one, again, other) = (flow("one"), flow("one"), flow("other"));
        for place in [0, 1] {
            let id = one.node(place).id();
            assert_eq!((id.len(), &id[14..15]), (36, "8"), "{id}");
            assert_eq!(id, again.node(place).id());
            assert_ne!(id, other.node(place).id());
            assert_eq!(one.place(id), Some(place));
        }
        assert_ne!(one.node(0).id(), one.node(1).id());
    }

    #[test]
    fn another_front_end_builds_definitions() {
        let echo = ActionDefinition::new("echo")
            .id("e")
            .option("duration", 1000);
        let back = ActionDefinition::new("goto").option("target_id", "e");
        assert_eq!(
            Flow::new("loop", vec![echo.clone(), back]).unwrap().len(),
            2
        );
        let error = Flow::new("loop", vec![echo.option("x", true)]).unwrap_err();
        assert_eq!(error.path, "[0].option.x");
    }

    #[test]
    fn ids_that_are_not_there_may_be_written_out() {
        let nil = "00000000-0000-0000-0000-000000000000";
        let action = json!({"id": nil, "next_id": nil, "type": "answer", "option": null});
        let flow = Flow::from_json("test", &json!({"name": "x", "actions": [action, action]}));
        assert_eq!(flow.unwrap().len(), 2);
    }
}
