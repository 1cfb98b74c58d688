//! Scripts: what happens to a call and what its flow orders then, a line each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use strowger_media::vocabulary::{Digit, PlayEnd, PlayId};

use super::{CallEvent, CallFacts, CallOrder, Interpreter};
use crate::flow::{Flow, FlowError};

/// An interpreter and the time it lives in.
pub(crate) struct Scene {
    pub(crate) interpreter: Interpreter,
    start: Instant,
}

impl Scene {
    #[allow(
        clippy::disallowed_methods,
        reason = "a test may take any instant as its start"
    )]
    pub(crate) fn new(flow: &Value) -> Self {
        let flow = Flow::from_json("test", flow).unwrap_or_else(|error| panic!("{error}"));
        let start = Instant::now();
        let facts = CallFacts {
            destination: "100".to_owned(),
            ..CallFacts::default()
        };
        Self {
            interpreter: Interpreter::new(Arc::new(flow), facts, start),
            start,
        }
    }

    /// That instant of its life.
    pub(crate) fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    /// One line of a script: the orders that follow an input.
    pub(crate) fn input(&mut self, ms: u64, input: &str) -> String {
        let now = self.at(ms);
        let mut out = Vec::new();
        let (word, rest) = input.split_once(' ').unwrap_or((input, ""));
        match word {
            "start" => self.interpreter.start(now, &mut out),
            "time" => self.interpreter.handle_timeout(now, &mut out),
            "digit" | "digits" => {
                for c in rest.chars() {
                    let digit = Digit::from_char(c).unwrap();
                    let event = CallEvent::Digit {
                        digit,
                        duration_ms: 100,
                    };
                    self.interpreter.handle_event(&event, now, &mut out);
                }
            }
            _ => self
                .interpreter
                .handle_event(&event(word, rest), now, &mut out),
        }
        let orders: Vec<String> = out.iter().map(written).collect();
        orders.join(", ")
    }
}

/// Runs a script: at so many ms, this input, these orders.
pub(crate) fn run(flow: &Value, script: &[(u64, &str, &str)]) {
    let mut scene = Scene::new(flow);
    for (ms, input, expected) in script {
        let orders = scene.input(*ms, input);
        assert_eq!(orders, *expected, "at {ms} ms: {input}\nof {flow:#}");
    }
}

/// The error that a flow is refused with.
pub(crate) fn refused(flow: &Value) -> FlowError {
    match Flow::from_json("test", flow) {
        Ok(_) => panic!("was not refused: {flow:#}"),
        Err(error) => error,
    }
}

fn event(word: &str, rest: &str) -> CallEvent {
    let done = |number: &str, end| CallEvent::PlayDone {
        play: PlayId(number.parse().unwrap()),
        end,
    };
    match word {
        "answered" => CallEvent::Answered,
        "media" => CallEvent::MediaReady,
        "hung" => CallEvent::HungUp,
        "done" => done(rest, PlayEnd::Finished),
        "stopped" => done(rest, PlayEnd::Stopped),
        "broken" => {
            let (number, reason) = rest.split_once(' ').unwrap();
            done(number, PlayEnd::Failed(reason.to_owned()))
        }
        other => panic!("no such input: {other}"),
    }
}

fn written(order: &CallOrder) -> String {
    match order {
        CallOrder::Answer => "answer".to_owned(),
        CallOrder::EarlyMedia => "early media".to_owned(),
        CallOrder::Play { play, urls, loops } => {
            format!("play {} {} x{loops}", play.0, urls.join(" "))
        }
        CallOrder::StopPlay => "stop".to_owned(),
        CallOrder::Echo(true) => "echo on".to_owned(),
        CallOrder::Echo(false) => "echo off".to_owned(),
        CallOrder::HangUp { reason } => format!("hangup {reason}"),
        CallOrder::ActionStarted { action, .. } => format!("> {action}"),
        CallOrder::ActionFailed { action, reason, .. } => format!("failed {action}: {reason}"),
        CallOrder::Stopped => "stopped".to_owned(),
    }
}
