//! `answer`: the call is answered and its media is up.

use crate::flow::{FlowError, Options};
use crate::interpreter::action::{Action, Exits, Media, Step, View};

#[derive(Debug)]
struct Answer;

#[allow(
    clippy::unnecessary_wraps,
    reason = "all actions compile alike; others can fail"
)]
pub(super) fn compile(_: &mut Options<'_>) -> Result<Box<dyn Action>, FlowError> {
    Ok(Box::new(Answer))
}

impl Action for Answer {
    fn media(&self) -> Media {
        Media::Answered
    }

    fn start(&self, _: &mut View<'_>) -> Step {
        Step::Next
    }

    fn exits(&self) -> Exits<'_> {
        Exits::next()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::interpreter::fixture::run;

    #[test]
    fn answers_once_and_goes_on_when_media_is_usable() {
        let flow = json!([{"type": "answer"}, {"type": "answer"}, {"type": "stop"}]);
        run(
            &flow,
            &[
                (0, "start", "> answer, answer"),
                (10, "media", ""),
                (20, "digit 1", ""),
                (500, "answered", "> answer, > stop, stopped"),
                (501, "answered", ""),
            ],
        );
    }

    #[test]
    fn an_end_of_the_call_before_the_answer_ends_the_flow() {
        let flow = json!([{"type": "answer"}, {"type": "echo"}]);
        run(
            &flow,
            &[
                (0, "start", "> answer, answer"),
                (5, "hung up", ""),
                (9, "answered", ""),
            ],
        );
    }
}
