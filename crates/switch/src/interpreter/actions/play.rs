//! `play`: plays files one after the other and waits for the end.

use std::sync::Arc;

use strowger_media::vocabulary::PlayEnd;

use crate::flow::{FlowError, Options, Template};
use crate::interpreter::action::{Action, Exits, Media, Step, View};
use crate::interpreter::{CallEvent, CallOrder};

#[derive(Debug)]
struct Play {
    urls: Urls,
    loops: u32,
    /// A digit stops it and the flow goes on.
    interruptible: bool,
    media: Media,
}

#[derive(Debug)]
enum Urls {
    /// The same for every call.
    Fixed(Arc<[Arc<str>]>),
    /// Some have variables in them.
    Made(Vec<Template>),
}

pub(super) fn compile(options: &mut Options<'_>) -> Result<Box<dyn Action>, FlowError> {
    let templates = options.texts("stream_urls")?;
    for (index, template) in templates.iter().enumerate() {
        if let Some(Err(reason)) = template.fixed().map(check) {
            return Err(options.error(&format!("stream_urls[{index}]"), reason));
        }
    }
    let fixed: Option<Arc<[Arc<str>]>> = templates
        .iter()
        .map(|template| template.fixed().map(Arc::from))
        .collect();
    let loops = options.whole("loop", 0..=i64::from(u32::MAX))?.unwrap_or(1);
    let interruptible = options.word("digits_handle", &["", "next"])? == Some("next");
    Ok(Box::new(Play {
        urls: fixed.map_or(Urls::Made(templates), Urls::Fixed),
        loops: u32::try_from(loops).expect("the range ends at u32::MAX"),
        interruptible,
        media: super::media_wanted(options)?,
    }))
}

/// What can be said of a URL without looking at the media folder. The owner of
/// the files checks again where a path really leads.
fn check(url: &str) -> Result<(), String> {
    if url.is_empty() {
        return Err("found nothing, expected a URL or a path below the media folder".to_owned());
    }
    let remote = url.starts_with("http://") || url.starts_with("https://");
    let mut components = url.strip_prefix("file:").unwrap_or(url).split(['/', '\\']);
    if !remote && components.any(|component| component == "..") {
        return Err(format!("`{url}` leads outside the media folder"));
    }
    Ok(())
}

impl Play {
    fn urls(&self, view: &View<'_>) -> Result<Arc<[Arc<str>]>, String> {
        let templates = match &self.urls {
            Urls::Fixed(urls) => return Ok(urls.clone()),
            Urls::Made(templates) => templates,
        };
        let url = |template: &Template| {
            let url = template.expand(&view.memory.variables)?;
            check(&url)?;
            Ok(Arc::from(&*url))
        };
        templates.iter().map(url).collect()
    }
}

impl Action for Play {
    fn media(&self) -> Media {
        self.media
    }

    fn start(&self, view: &mut View<'_>) -> Step {
        let urls = match self.urls(view) {
            Ok(urls) => urls,
            Err(reason) => return Step::Fail(reason),
        };
        let pressed = self.interruptible && view.memory.digits.interrupts();
        if urls.is_empty() || pressed {
            return Step::Next;
        }
        let play = view.next_play();
        view.order(CallOrder::Play {
            play,
            urls,
            loops: self.loops,
        });
        Step::Wait
    }

    fn handle_event(&self, event: &CallEvent, view: &mut View<'_>) -> Step {
        match event {
            CallEvent::PlayDone { play, end } if *play == view.memory.play => match end {
                PlayEnd::Finished | PlayEnd::Stopped => Step::Next,
                PlayEnd::Failed(reason) => Step::Fail(reason.clone()),
            },
            CallEvent::Digit { .. } if self.interruptible && view.memory.digits.interrupts() => {
                view.order(CallOrder::StopPlay);
                Step::Next
            }
            CallEvent::PlayDone { .. }
            | CallEvent::Digit { .. }
            | CallEvent::Answered
            | CallEvent::MediaReady
            | CallEvent::HungUp => Step::Wait,
        }
    }

    fn exits(&self) -> Exits<'_> {
        match &self.urls {
            Urls::Fixed(urls) if urls.is_empty() => Exits::next(),
            Urls::Fixed(_) | Urls::Made(_) => Exits::after_waiting(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::interpreter::fixture::{refused, run};

    #[test]
    fn answers_plays_and_goes_on_at_the_end() {
        let flow = json!([
            {"type": "play", "option": {"stream_urls": ["a.wav", "file:b.wav"]}},
            {"type": "play", "option": {"stream_urls": ["c.wav"], "loop": 0}},
        ]);
        run(
            &flow,
            &[
                (0, "start", "> play, answer"),
                (10, "answered", "play 1 a.wav file:b.wav x1"),
                (20, "digit 1", ""),
                (30, "done 7", ""),
                (40, "time", ""),
                (50, "done 1", "> play, play 2 c.wav x0"),
                (60, "done 1", ""),
                (70, "stopped 2", "hangup normal"),
            ],
        );
    }

    #[test]
    fn a_digit_stops_it_when_told_and_is_kept() {
        let flow = json!([
            {"type": "play", "option": {"stream_urls": ["a.wav"], "digits_handle": "next"}},
            {"type": "digits_receive", "option": {"length": 1}},
            {"type": "play", "option": {"stream_urls": ["${voipbin.call.digits}.wav"]}},
        ]);
        run(
            &flow,
            &[
                (0, "start", "> play, answer"),
                (0, "answered", "play 1 a.wav x1"),
                (
                    500,
                    "digit 4",
                    "stop, > digits_receive, > play, play 2 4.wav x1",
                ),
                (510, "stopped 1", ""),
                (900, "done 2", "hangup normal"),
            ],
        );
    }

    #[test]
    fn a_digit_pressed_before_skips_one_prompt() {
        let next = json!({"stream_urls": ["a.wav"], "digits_handle": "next"});
        let flow = json!([
            {"type": "sleep", "option": {"duration": 100}},
            {"type": "play", "option": next},
            {"type": "play", "option": next},
        ]);
        run(
            &flow,
            &[
                (0, "start", "> sleep"),
                (50, "digit 1", ""),
                (100, "time", "> play, answer"),
                (100, "answered", "> play, play 1 a.wav x1"),
                (200, "digit 2", "stop, hangup normal"),
            ],
        );
    }

    #[test]
    fn plays_before_the_answer_when_told() {
        let early = json!({"stream_urls": ["a.wav"], "early_media": true});
        let flow = json!([
            {"type": "play", "option": early},
            {"type": "play", "option": early},
            {"type": "play", "option": {"stream_urls": ["b.wav"]}},
        ]);
        run(
            &flow,
            &[
                (0, "start", "> play, early media"),
                (1, "media", "play 1 a.wav x1"),
                (2, "done 1", "> play, play 2 a.wav x1"),
                (3, "done 2", "> play, answer"),
                (4, "answered", "play 3 b.wav x1"),
            ],
        );
    }

    #[test]
    fn what_cannot_be_played_is_reported_and_the_flow_goes_on() {
        let flow = json!([
            {"type": "answer"},
            {"type": "play", "option": {"stream_urls": ["missing.wav"]}},
            {"type": "play", "option": {"stream_urls": ["${unknown}"]}},
            {"type": "variable_set", "option": {"key": "name", "value": "../secret"}},
            {"type": "play", "option": {"stream_urls": ["a/${name}.wav"]}},
            {"type": "play"},
        ]);
        let failed = "failed play: no such file, \
                      > play, failed play: found nothing, expected a URL or a path below the media \
                      folder, > variable_set, > play, \
                      failed play: `a/../secret.wav` leads outside the media folder, \
                      > play, hangup normal";
        run(
            &flow,
            &[
                (0, "start", "> answer, answer"),
                (1, "answered", "> play, play 1 missing.wav x1"),
                (2, "broken 1 no such file", failed),
            ],
        );
    }

    #[test]
    fn what_it_refuses() {
        let table = [
            (
                json!({"stream_urls": "a.wav"}),
                "[0].option.stream_urls",
                None,
            ),
            (
                json!({"stream_urls": ["a.wav", 3]}),
                "[0].option.stream_urls[1]",
                None,
            ),
            (
                json!({"stream_urls": ["file:///m/../../etc"]}),
                "[0].option.stream_urls[0]",
                None,
            ),
            (
                json!({"stream_urls": ["ok.wav", ""]}),
                "[0].option.stream_urls[1]",
                None,
            ),
            (
                json!({"stream_url": ["a.wav"]}),
                "[0].option.stream_url",
                Some("stream_urls"),
            ),
            (json!({"loop": -1}), "[0].option.loop", None),
            (
                json!({"digits_handle": "nxt"}),
                "[0].option.digits_handle",
                Some("next"),
            ),
        ];
        for (option, path, nearest) in table {
            let error = refused(&json!([{"type": "play", "option": option}]));
            assert_eq!(
                (error.path.as_str(), error.nearest.as_deref()),
                (path, nearest),
                "{error}"
            );
        }
        let dots =
            json!([{"type": "play", "option": {"stream_urls": ["a..b.wav", "http://h/../x"]}}]);
        run(&dots, &[(0, "start", "> play, answer")]);
    }
}
