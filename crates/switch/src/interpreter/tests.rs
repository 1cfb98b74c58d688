//! The rows of the state table, and what holds for every action.

use serde_json::json;

use super::fixture::{Scene, run};
use super::{CallFacts, Interpreter, MAX_ACTIONS_WITHOUT_WAITING};

#[test]
fn past_the_last_action_the_call_is_hung_up() {
    let flow = json!([{"type": "variable_set", "option": {"key": "x", "value": "y"}}]);
    run(
        &flow,
        &[
            (0, "start", "> variable_set, hangup normal"),
            (1, "start", ""),
        ],
    );
}

#[test]
fn next_id_leads_elsewhere() {
    let flow = json!({"actions": [
        {"id": "a", "next_id": "c", "type": "sleep"},
        {"id": "b", "type": "stop"},
        {"id": "c", "next_id": "b", "type": "answer"},
        {"id": "d", "type": "hangup"},
    ]});
    run(
        &flow,
        &[
            (0, "start", "> sleep, > answer, answer"),
            (1, "answered", "> stop, stopped"),
        ],
    );
}

#[test]
fn before_the_start_nothing_is_ordered_and_media_is_noted() {
    let flow = json!([{"type": "echo"}]);
    run(
        &flow,
        &[
            (0, "time", ""),
            (0, "done 1", ""),
            (0, "digit 1", ""),
            (0, "answered", ""),
            (1, "start", "> echo, echo on"),
            (2, "start", ""),
        ],
    );
    run(
        &flow,
        &[(0, "hung up", ""), (1, "start", ""), (2, "answered", "")],
    );
}

#[test]
fn while_media_comes_up_only_enough_of_it_begins_the_action() {
    let flow = json!([{"type": "echo"}]);
    run(
        &flow,
        &[
            (0, "start", "> echo, answer"),
            (1, "done 1", ""),
            (2, "time", ""),
            (3, "media", ""),
            (4, "digit 1", ""),
            (5, "answered", "echo on"),
            (6, "media", ""),
            (7, "hung up", ""),
            (180_005, "time", ""),
        ],
    );
    let early = json!([{"type": "echo", "option": {"early_media": true}}]);
    run(
        &early,
        &[
            (0, "start", "> echo, early media"),
            (1, "answered", "echo on"),
        ],
    );
}

#[test]
fn deadlines_are_those_of_the_running_action() {
    let flow = json!([
        {"type": "sleep", "option": {"duration": 100}},
        {"type": "answer"},
        {"type": "digits_receive", "option": {"duration": 1000, "interdigit": 200}},
        {"type": "stop"},
    ]);
    let mut scene = Scene::new(&flow);
    let mut due = |ms, input: &str| {
        scene.input(ms, input);
        scene.interpreter.poll_timeout().map(|(_, reason)| reason)
    };
    assert_eq!(due(0, "media"), None);
    assert_eq!(due(0, "start"), Some("duration of an action"));
    assert_eq!(
        due(100, "time"),
        None,
        "waiting for the answer has no deadline here"
    );
    assert_eq!(due(110, "answered"), Some("duration of an action"));
    assert_eq!(due(120, "digit 1"), Some("interdigit"));
    assert_eq!(due(320, "time"), None);
    assert!(scene.interpreter.is_ended());
}

#[test]
fn a_loop_that_never_waits_ends_the_call() {
    let flow = json!([{"id": "a", "type": "goto", "option": {"target_id": "a"}}]);
    let begun = "> goto, ".repeat(usize::from(MAX_ACTIONS_WITHOUT_WAITING));
    let orders = format!("{begun}failed goto: 1000 actions ran and none waited, hangup failed");
    run(&flow, &[(0, "start", &orders), (1, "time", "")]);
}

#[test]
fn exactly_a_thousand_actions_may_run() {
    let mut actions = vec![json!({"type": "sleep"}); 999];
    actions.push(json!({"type": "stop"}));
    let orders = format!("{}> stop, stopped", "> sleep, ".repeat(999));
    run(&json!(actions), &[(0, "start", &orders)]);
    actions.insert(0, json!({"type": "sleep"}));
    let orders = format!(
        "{}failed sleep: 1000 actions ran and none waited, hangup failed",
        "> sleep, ".repeat(1000)
    );
    run(&json!(actions), &[(0, "start", &orders)]);
}

#[test]
fn waiting_begins_the_count_anew() {
    let flow = json!([
        {"id": "a", "type": "sleep", "option": {"duration": 10}},
        {"type": "goto", "option": {"target_id": "a"}},
    ]);
    let mut scene = Scene::new(&flow);
    assert_eq!(scene.input(0, "start"), "> sleep");
    for round in 1..2000 {
        assert_eq!(scene.input(10 * round, "time"), "> goto, > sleep");
    }
}

#[test]
fn a_prompt_that_fails_in_a_loop_does_not_spin_for_ever() {
    let flow = json!([
        {"type": "answer"},
        {"id": "a", "type": "play", "option": {"stream_urls": ["missing.wav"]}},
        {"type": "goto", "option": {"target_id": "a"}},
    ]);
    let mut scene = Scene::new(&flow);
    scene.input(0, "start");
    scene.input(0, "answered");
    for play in 1.. {
        scene.input(play, &format!("broken {play} no such file"));
        if scene.interpreter.is_ended() {
            assert_eq!(play, 500);
            return;
        }
        assert!(play < 1000, "it spins");
    }
}

#[test]
fn a_call_costs_little_memory() {
    let inline = size_of::<Interpreter>();
    assert!(
        inline <= 512,
        "{inline} bytes before anything is pressed or set"
    );
    assert!(size_of::<CallFacts>() <= 160);
}
