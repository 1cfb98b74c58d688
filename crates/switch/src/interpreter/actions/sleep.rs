//! `sleep`: waits. It neither answers the call nor touches its media.

use std::time::Duration;

use crate::flow::{FlowError, Options};
use crate::interpreter::action::{Action, Exits, Step, View};

#[derive(Debug)]
struct Sleep {
    duration: Option<Duration>,
}

pub(super) fn compile(options: &mut Options<'_>) -> Result<Box<dyn Action>, FlowError> {
    Ok(Box::new(Sleep {
        duration: options.duration_ms("duration")?,
    }))
}

impl Action for Sleep {
    fn start(&self, view: &mut View<'_>) -> Step {
        match self.duration {
            Some(duration) => {
                view.last(duration);
                Step::Wait
            }
            None => Step::Next,
        }
    }

    fn handle_timeout(&self, _: &mut View<'_>) -> Step {
        Step::Next
    }

    fn exits(&self) -> Exits<'_> {
        if self.duration.is_some() {
            Exits::after_waiting()
        } else {
            Exits::next()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::interpreter::fixture::{refused, run};

    #[test]
    fn waits_its_time_and_no_event_shortens_it() {
        let flow = json!([{"type": "sleep", "option": {"duration": 3000}}]);
        run(
            &flow,
            &[
                (0, "start", "> sleep"),
                (1000, "digit 5", ""),
                (1500, "done 1", ""),
                (2000, "media", ""),
                (2999, "time", ""),
                (3000, "time", "hangup normal"),
                (3001, "time", ""),
            ],
        );
    }

    #[test]
    fn a_late_timeout_will_do() {
        let flow = json!([{"type": "sleep", "option": {"duration": 10}}]);
        run(
            &flow,
            &[(0, "start", "> sleep"), (60_000, "time", "hangup normal")],
        );
    }

    #[test]
    fn no_duration_is_no_wait() {
        for duration in [json!(0), json!(-5), json!(null)] {
            let flow = json!([{"type": "sleep", "option": {"duration": duration}}]);
            run(&flow, &[(0, "start", "> sleep, hangup normal")]);
        }
    }

    #[test]
    fn what_it_refuses() {
        for duration in [json!("3000"), json!(1.5), json!(86_400_001), json!([])] {
            let error = refused(&json!([{"type": "sleep", "option": {"duration": duration}}]));
            assert_eq!(error.path, "[0].option.duration");
        }
        let error = refused(&json!([{"type": "sleep", "option": {"durations": 1}}]));
        assert_eq!(error.path, "[0].option.durations");
        assert_eq!(error.nearest.as_deref(), Some("duration"));
    }
}
