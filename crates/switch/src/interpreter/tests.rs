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
fn a_deadline_ends_with_its_action() {
    let flow = json!([
        {"type": "digits_receive", "option": {"duration": 1000, "interdigit": 100, "length": 2}},
        {"type": "play", "option": {"stream_urls": ["a.wav"]}},
    ]);
    run(
        &flow,
        &[
            (0, "start", "> digits_receive, answer"),
            (0, "answered", ""),
            (10, "digit 1", ""),
            (20, "digit 2", "> play, play 1 a.wav x1"),
            (1000, "time", ""),
            (1001, "done 1", "hangup normal"),
        ],
    );
    let mut scene = Scene::new(&flow);
    for input in ["start", "answered", "digits 12"] {
        scene.input(0, input);
    }
    assert_eq!(scene.interpreter.poll_timeout(), None);
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
fn what_is_done_the_moment_it_began_has_not_waited() {
    let flow = json!([
        {"type": "answer"},
        {"id": "a", "type": "play", "option": {"stream_urls": ["empty.wav"]}},
        {"type": "goto", "option": {"target_id": "a"}},
    ]);
    let mut scene = Scene::new(&flow);
    scene.input(0, "start");
    scene.input(0, "answered");
    for play in 1..=500 {
        assert!(!scene.interpreter.is_ended());
        scene.input(0, &format!("done {play}"));
    }
    assert!(scene.interpreter.is_ended());
}

/// A flow with a way to every action and every kind of end.
fn maze() -> serde_json::Value {
    json!([
        {"id": "menu", "type": "play", "option":
            {"stream_urls": ["menu-${x}.wav"], "digits_handle": "next", "early_media": true}},
        {"type": "digits_receive", "option": {"duration": 50, "interdigit": 20, "length": 2, "key": "#"}},
        {"type": "variable_set", "option": {"key": "x", "value": "${x}${voipbin.call.digits}"}},
        {"type": "branch", "option": {"default_target_id": "again", "target_ids": {
            "1": "echo", "2": "sleep", "3": "menu", "4": "stop", "5": "hangup", "6": "${x}"}}},
        {"id": "again", "type": "goto", "option": {"target_id": "menu", "loop_count": 5}},
        {"type": "condition_variable", "option": {"variable": "x", "condition": ">",
            "value_type": "length", "value_length": 3, "false_target_id": "sleep"}},
        {"id": "spin", "type": "goto", "option": {"target_id": "spin"}},
        {"id": "echo", "type": "echo", "option": {"duration": 30}, "next_id": "menu"},
        {"id": "sleep", "type": "sleep", "option": {"duration": 10}, "next_id": "menu"},
        {"id": "stop", "type": "stop"},
        {"id": "hangup", "type": "hangup", "option": {"reason": "${x}"}},
    ])
}

proptest::proptest! {
    #[test]
    fn any_input_in_any_state(
        inputs in proptest::collection::vec((0..40_u64, 0..10_usize, 0..16_usize), 1..200),
    ) {
        let mut scene = Scene::new(&maze());
        let (mut ms, mut ended, mut plays) = (0, false, 0);
        for (pause, kind, digit) in inputs {
            ms += pause;
            let digit = &"0123456789*#ABCD"[digit..=digit];
            let input = match kind {
                0 => "start".to_owned(),
                1 => "answered".to_owned(),
                2 => "media".to_owned(),
                3 | 4 => format!("digit {digit}"),
                5 => format!("done {plays}"),
                6 => format!("broken {plays} it is broken"),
                7 => format!("stopped {}", plays + 1),
                _ => "time".to_owned(),
            };
            let orders = scene.input(ms, &input);
            let orders: Vec<&str> = orders.split(", ").filter(|order| !order.is_empty()).collect();
            proptest::prop_assert!(!ended || orders.is_empty(), "{orders:?} after the end");
            proptest::prop_assert!(orders.len() < 2100);
            let last = |order: &&str| order.starts_with("hangup ") || *order == "stopped";
            let ends = orders.iter().filter(|order| last(order)).count();
            ended = scene.interpreter.is_ended();
            proptest::prop_assert_eq!(ends, usize::from(ended && !orders.is_empty()));
            proptest::prop_assert!(ends == 0 || orders.last().is_some_and(last));
            for order in orders.iter().filter_map(|order| order.strip_prefix("play ")) {
                plays += 1;
                let number = order.split(' ').next().and_then(|number| number.parse().ok());
                proptest::prop_assert_eq!(number, Some(plays));
            }
            if let Some((at, _)) = scene.interpreter.poll_timeout() {
                proptest::prop_assert!(!ended && at > scene.at(0));
            }
        }
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
