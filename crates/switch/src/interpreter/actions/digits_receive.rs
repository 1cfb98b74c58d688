//! `digits_receive` (`dtmf_receive`): collects digits into
//! `voipbin.call.digits`, those pressed before it began first.
//!
//! It ends at `length` digits, at any digit contained in `key` (which is not
//! kept), when `interdigit` ms pass after a digit, or after `duration` ms.

use std::time::Duration;

use strowger_media::vocabulary::Digit;

use crate::flow::{FlowError, Options, Template};
use crate::interpreter::CallEvent;
use crate::interpreter::action::{Action, Exits, Media, Step, View};

/// The most digits it collects.
const MAX_DIGITS: usize = 256;

#[derive(Debug)]
struct DigitsReceive {
    duration: Option<Duration>,
    interdigit: Option<Duration>,
    length: usize,
    key: Option<Template>,
    media: Media,
}

pub(super) fn compile(options: &mut Options<'_>) -> Result<Box<dyn Action>, FlowError> {
    let duration = options.duration_ms("duration")?;
    let interdigit = options.duration_ms("interdigit")?;
    let most = i64::try_from(MAX_DIGITS).expect("a small constant");
    let length = options
        .whole("length", 0..=most)?
        .filter(|length| *length > 0);
    let key = options.text("key")?.filter(|key| key.fixed() != Some(""));
    if let Some(stranger) = key.as_ref().and_then(Template::fixed).and_then(no_digit) {
        let message = format!("`{stranger}` is no digit, expected some of 0-9, A-D, * and #");
        return Err(options.error("key", message));
    }
    if duration.is_none() && length.is_none() && key.is_none() && interdigit.is_none() {
        let message =
            "it would never end: one of `duration`, `length`, `key` and `interdigit` is needed";
        return Err(options.action_error(message));
    }
    Ok(Box::new(DigitsReceive {
        duration,
        interdigit,
        length: length
            .and_then(|length| usize::try_from(length).ok())
            .unwrap_or(MAX_DIGITS),
        key,
        media: super::media_wanted(options)?,
    }))
}

fn no_digit(key: &str) -> Option<char> {
    key.chars().find(|c| Digit::from_char(*c).is_none())
}

impl DigitsReceive {
    /// Takes what waits; `Next` when that was enough.
    fn take(&self, view: &mut View<'_>) -> Step {
        let key = match &self.key {
            Some(key) => match key.expand(&view.memory.variables) {
                Ok(key) => key,
                Err(reason) => return Step::Fail(reason),
            },
            None => "".into(),
        };
        let ends = |digit| key.chars().any(|c| Digit::from_char(c) == Some(digit));
        while let Some(digit) = view.memory.digits.pop() {
            if ends(digit) {
                return Step::Next;
            }
            let collected = view.memory.variables.digits_mut();
            collected.push(digit.as_char());
            if collected.len() >= self.length {
                return Step::Next;
            }
            view.memory.wait.interdigit = self.interdigit.map(|pause| view.now + pause);
        }
        Step::Wait
    }
}

impl Action for DigitsReceive {
    fn media(&self) -> Media {
        self.media
    }

    fn start(&self, view: &mut View<'_>) -> Step {
        view.memory.variables.digits_mut().clear();
        if let Some(duration) = self.duration {
            view.last(duration);
        }
        self.take(view)
    }

    fn handle_event(&self, event: &CallEvent, view: &mut View<'_>) -> Step {
        match event {
            CallEvent::Digit { .. } => self.take(view),
            CallEvent::Answered
            | CallEvent::MediaReady
            | CallEvent::PlayDone { .. }
            | CallEvent::HungUp => Step::Wait,
        }
    }

    fn handle_timeout(&self, _: &mut View<'_>) -> Step {
        Step::Next
    }

    fn exits(&self) -> Exits<'_> {
        Exits::after_waiting()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::interpreter::fixture::{refused, run};

    /// The flow says what it collected by the file it plays.
    fn flow(option: &Value) -> Value {
        json!([
            {"type": "answer"},
            {"type": "digits_receive", "option": option},
            {"type": "play", "option": {"stream_urls": ["<${voipbin.call.digits}>"]}},
        ])
    }

    const BEGIN: [(u64, &str, &str); 2] = [
        (0, "start", "> answer, answer"),
        (0, "answered", "> digits_receive"),
    ];

    #[test]
    fn each_way_to_its_end() {
        type Row = (u64, &'static str, &'static str);
        let table: [(Value, &[Row]); 9] = [
            (
                json!({"length": 2}),
                &[(1, "digit 1", ""), (2, "digit 2", "> play, play 1 <12> x1")],
            ),
            (
                json!({"key": "#"}),
                &[(1, "digit 1", ""), (2, "digit #", "> play, play 1 <1> x1")],
            ),
            (
                json!({"key": "*#"}),
                &[(2, "digit *", "> play, play 1 <> x1")],
            ),
            (
                json!({"key": "d"}),
                &[(2, "digit D", "> play, play 1 <> x1")],
            ),
            (
                json!({"key": "#", "length": 3}),
                &[
                    (1, "digits 12", ""),
                    (2, "digit 3", "> play, play 1 <123> x1"),
                ],
            ),
            (
                json!({"duration": 5000}),
                &[
                    (4000, "digits 12", ""),
                    (5000, "time", "> play, play 1 <12> x1"),
                ],
            ),
            (
                json!({"duration": 5000}),
                &[(5000, "time", "> play, play 1 <> x1")],
            ),
            (
                json!({"duration": 5000, "interdigit": 1000}),
                &[
                    (1500, "time", ""),
                    (2000, "digit 1", ""),
                    (2900, "digit 2", ""),
                    (3000, "time", ""),
                    (3900, "time", "> play, play 1 <12> x1"),
                ],
            ),
            (
                json!({"duration": 5000, "interdigit": 1000}),
                &[
                    (4500, "digit 1", ""),
                    (5000, "time", "> play, play 1 <1> x1"),
                ],
            ),
        ];
        for (option, rows) in table {
            let script: Vec<Row> = BEGIN.iter().chain(rows).copied().collect();
            run(&flow(&option), &script);
        }
    }

    #[test]
    fn digits_pressed_before_count_and_the_rest_waits() {
        let receive = json!({"type": "digits_receive", "option": {"length": 2, "duration": 1000}});
        let flow = json!([
            {"type": "answer"},
            {"type": "sleep", "option": {"duration": 100}},
            receive,
            receive,
            {"type": "play", "option": {"stream_urls": ["<${voipbin.call.digits}>"]}},
        ]);
        run(
            &flow,
            &[
                (0, "start", "> answer, answer"),
                (1, "digit 1", ""),
                (2, "answered", "> sleep"),
                (3, "digits 23", ""),
                (102, "time", "> digits_receive, > digits_receive"),
                (200, "digit 4", "> play, play 1 <34> x1"),
            ],
        );
    }

    #[test]
    fn interdigit_counts_from_digits_pressed_before_too() {
        let flow = json!([
            {"type": "answer"},
            {"type": "digits_receive", "option": {"interdigit": 1000}},
        ]);
        run(
            &flow,
            &[
                (0, "start", "> answer, answer"),
                (1, "digit 1", ""),
                (500, "answered", "> digits_receive"),
                (1400, "time", ""),
                (1500, "time", "hangup normal"),
            ],
        );
    }

    #[test]
    fn the_old_name_and_the_answer_it_gives() {
        let flow = json!([{"type": "dtmf_receive", "option": {"length": 1, "key": ""}}]);
        run(
            &flow,
            &[
                (0, "start", "> digits_receive, answer"),
                (1, "answered", ""),
                (2, "digit 1", "hangup normal"),
            ],
        );
    }

    #[test]
    fn never_more_than_its_limit() {
        let many = format!("digits {}", "5".repeat(255));
        let expected = format!("> play, play 1 <{}> x1", "5".repeat(256));
        let script = [
            BEGIN[0],
            BEGIN[1],
            (1, &many, ""),
            (2, "digit 5", &expected),
        ];
        run(&flow(&json!({"duration": 60_000})), &script);
    }

    #[test]
    fn what_it_refuses() {
        let table = [
            (json!({}), "[0]"),
            (json!({"duration": 0, "length": 0, "key": ""}), "[0]"),
            (json!({"length": 257}), "[0].option.length"),
            (json!({"length": -1}), "[0].option.length"),
            (json!({"key": "#x"}), "[0].option.key"),
            (json!({"length": 1, "lenght": 1}), "[0].option.lenght"),
        ];
        for (option, path) in table {
            let error = refused(&json!([{"type": "digits_receive", "option": option}]));
            assert_eq!(error.path, path, "{error}");
        }
    }
}
