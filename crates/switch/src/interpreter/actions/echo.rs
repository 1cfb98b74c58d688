//! `echo` (`stream_echo`): the caller hears himself for a while.

use std::time::Duration;

use crate::flow::{FlowError, Options};
use crate::interpreter::CallOrder;
use crate::interpreter::action::{Action, Exits, Media, Step, View};

/// How long when the flow does not say.
const DEFAULT: Duration = Duration::from_mins(3);

#[derive(Debug)]
struct Echo {
    duration: Duration,
    media: Media,
}

pub(super) fn compile(options: &mut Options<'_>) -> Result<Box<dyn Action>, FlowError> {
    let duration = options.duration_ms("duration")?.unwrap_or(DEFAULT);
    Ok(Box::new(Echo {
        duration,
        media: super::media_wanted(options)?,
    }))
}

impl Action for Echo {
    fn media(&self) -> Media {
        self.media
    }

    fn start(&self, view: &mut View<'_>) -> Step {
        view.order(CallOrder::Echo(true));
        view.last(self.duration);
        Step::Wait
    }

    fn handle_timeout(&self, view: &mut View<'_>) -> Step {
        view.order(CallOrder::Echo(false));
        Step::Next
    }

    fn exits(&self) -> Exits<'_> {
        Exits::after_waiting()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::interpreter::fixture::{refused, run};

    #[test]
    fn answers_echoes_for_its_time_and_goes_on() {
        let flow = json!([{"type": "echo", "option": {"duration": 5000}}]);
        run(
            &flow,
            &[
                (0, "start", "> echo, answer"),
                (200, "answered", "echo on"),
                (1000, "digit 7", ""),
                (5199, "time", ""),
                (5200, "time", "echo off, hangup normal"),
            ],
        );
    }

    #[test]
    fn three_minutes_unless_it_is_told() {
        for option in [json!({}), json!({"duration": 0}), json!({"duration": -1})] {
            let flow = json!([{"type": "stream_echo", "option": option}, {"type": "stop"}]);
            run(
                &flow,
                &[
                    (0, "start", "> echo, answer"),
                    (0, "answered", "echo on"),
                    (179_999, "time", ""),
                    (180_000, "time", "echo off, > stop, stopped"),
                ],
            );
        }
    }

    #[test]
    fn echoes_before_the_answer_when_told() {
        let option = json!({"duration": 10, "early_media": true});
        let flow = json!([{"type": "echo", "option": option}]);
        run(
            &flow,
            &[
                (0, "start", "> echo, early media"),
                (1, "media", "echo on"),
                (11, "time", "echo off, hangup normal"),
            ],
        );
    }

    #[test]
    fn what_it_refuses() {
        let error = refused(&json!([{"type": "echo", "option": {"early_media": 1}}]));
        assert_eq!(error.path, "[0].option.early_media");
    }
}
