//! `stop`: the flow ends, the call stays as it is.

use crate::flow::{FlowError, Options};
use crate::interpreter::action::{Action, Exits, Step, View};

#[derive(Debug)]
struct Stop;

#[allow(
    clippy::unnecessary_wraps,
    reason = "all actions compile alike; others can fail"
)]
pub(super) fn compile(_: &mut Options<'_>) -> Result<Box<dyn Action>, FlowError> {
    Ok(Box::new(Stop))
}

impl Action for Stop {
    fn start(&self, _: &mut View<'_>) -> Step {
        Step::Stop
    }

    fn exits(&self) -> Exits<'_> {
        Exits::none()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::interpreter::fixture::run;

    #[test]
    fn nothing_follows() {
        let flow = json!([{"type": "stop"}, {"type": "hangup"}]);
        run(
            &flow,
            &[
                (0, "start", "> stop, stopped"),
                (1, "answered", ""),
                (2, "digit 1", ""),
                (9000, "time", ""),
                (9001, "hung up", ""),
            ],
        );
    }
}
