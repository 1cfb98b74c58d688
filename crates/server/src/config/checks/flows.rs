//! `[flows.<name>]`, their JSON files, and the prompts they name.

use std::path::Path;

use serde_json::Value;
use strowger_switch::config::Routes;
use strowger_switch::flow::{Flow, FlowError, FlowSet};

use crate::config::settings::MediaSettings;
use crate::prompts::MediaFolder;

use super::super::error::ConfigError;
use super::super::file::{ConfigFile, FlowSection};
use super::super::path::{Step, steps};
use super::super::source::Source;
use super::super::{json, read_text, words};
use super::Checks;

/// Where the actions of a flow are written.
enum Written {
    /// In the TOML file.
    Inline(Value),
    /// In a file of their own.
    File {
        path: std::path::PathBuf,
        text: String,
        value: Value,
    },
}

impl Written {
    fn value(&self) -> &Value {
        match self {
            Self::Inline(value) | Self::File { value, .. } => value,
        }
    }
}

impl Checks<'_> {
    pub(super) fn routes(&mut self, file: &ConfigFile, media: &MediaSettings) -> Routes {
        let mut flows = FlowSet::default();
        let mut written = Vec::new();
        for (name, section) in &file.flows {
            let Some(actions) = self.read_flow(name, section) else {
                continue;
            };
            match Flow::from_json(name, actions.value()) {
                Ok(flow) => {
                    flows.insert(flow);
                }
                Err(error) => self.wrong_in_flow(name, &actions, &error),
            }
            written.push((name, actions));
        }
        if let Some(folder) = self.media_folder(&media.folder, &written) {
            for (name, actions) in &written {
                self.prompts(name, actions, &folder, media);
            }
        }
        for problem in flows.check() {
            let Some((name, actions)) = written.iter().find(|(name, _)| **name == problem.flow)
            else {
                continue;
            };
            let error = FlowError::new(problem.path, problem.message);
            self.wrong_in_flow(name, actions, &error);
        }
        let dial_plan = self.dial_plan(file, &flows);
        Routes { flows, dial_plan }
    }

    fn read_flow(&mut self, name: &str, section: &FlowSection) -> Option<Written> {
        let place = [Step::Key("flows".to_owned()), Step::Key(name.to_owned())];
        match (&section.actions, &section.file) {
            (Some(actions), None) => Some(Written::Inline(Value::Array(actions.clone()))),
            (None, Some(file)) => self.read_flow_file(&place, file),
            (Some(_), Some(_)) => {
                self.wrong_at(&place, format!("flow `{name}` has `actions` and a `file`"))
                    .expected = Some("one of them".to_owned());
                None
            }
            (None, None) => {
                self.wrong_at(&place, format!("flow `{name}` has no actions"))
                    .expected = Some("`actions`, or `file` for a JSON file".to_owned());
                None
            }
        }
    }

    fn read_flow_file(&mut self, place: &[Step], file: &Path) -> Option<Written> {
        let path = self.join(file);
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) => {
                let place = [place, &[Step::Key("file".to_owned())]].concat();
                self.wrong_at(&place, format!("{}: {error}", path.display()))
                    .expected =
                    Some("a JSON file, its path starting at the folder of this file".to_owned());
                return None;
            }
        };
        match serde_json::from_str(&text) {
            Ok(value) => Some(Written::File { path, text, value }),
            Err(error) => {
                let source = Source {
                    file: &path,
                    text: &text,
                };
                let at = source.offset(error.line(), error.column().max(1));
                let sentence = error.to_string();
                let sentence = sentence.split(" at line ").next().unwrap_or_default();
                let error = source.error(&(at..at + 1), format!("no JSON: {sentence}"));
                self.note(error);
                None
            }
        }
    }

    /// An error with a path in the flow, at its place in whichever file it stands.
    fn wrong_in_flow(&mut self, name: &str, actions: &Written, error: &FlowError) {
        let place = steps(&error.path);
        let (message, expected) = words::apart(&error.message);
        let expected = expected.map(str::to_owned);
        let message = format!("flow `{name}`: {message}");
        // An unknown name is the key; anything else is about the value.
        let of_key = ["unknown option", "unknown name"]
            .iter()
            .any(|start| error.message.starts_with(start));
        let located = match actions {
            Written::Inline(_) => {
                let mut whole = steps("flows");
                whole.push(Step::Key(name.to_owned()));
                if place.first() != Some(&Step::Key("actions".to_owned())) {
                    whole.push(Step::Key("actions".to_owned()));
                }
                whole.extend(place);
                self.document.locate(&whole)
            }
            Written::File { text, .. } => json::locate(text, &place),
        };
        let range = match located.key {
            Some(key) if of_key && located.whole => key,
            Some(_) | None => located.value,
        };
        let noted = match actions {
            Written::Inline(_) => self.document.source.error(&range, message),
            Written::File { path, text, .. } => Source { file: path, text }.error(&range, message),
        };
        let place = |error: &ConfigError| (error.file.clone(), error.line, error.column);
        if self
            .errors
            .iter()
            .any(|known| place(known) == place(&noted))
        {
            return; // the compiler and the prompts stumbled over the same thing
        }
        self.note(ConfigError {
            expected,
            nearest: error.nearest.clone(),
            ..noted
        });
    }

    /// Only needed, and only missed, when a flow names a prompt.
    fn media_folder(&mut self, path: &Path, flows: &[(&String, Written)]) -> Option<MediaFolder> {
        let (name, _) = flows
            .iter()
            .find(|(_, actions)| !prompts(actions.value()).is_empty())?;
        match MediaFolder::new(path) {
            Ok(folder) => Some(folder),
            Err(error) => {
                let mut place = steps("media.folder");
                if !self.document.locate(&place).whole {
                    place = vec![Step::Key("flows".to_owned()), Step::Key((*name).clone())];
                }
                let message = format!("prompts lie in {}: {error}", path.display());
                self.wrong_at(&place, message).expected =
                    Some("`media.folder`, the folder with the prompts".to_owned());
                None
            }
        }
    }

    fn prompts(
        &mut self,
        name: &str,
        actions: &Written,
        folder: &MediaFolder,
        media: &MediaSettings,
    ) {
        for (path, url) in prompts(actions.value()) {
            let tried = match self.tried.get(&url) {
                Some(tried) => tried.clone(),
                None => match folder.resolve(&url) {
                    Ok(_) => (self.try_prompt)(&media.folder, &url, media.max_prompt_s),
                    Err(error) => Err(format!("prompt {url:?}: {error}")),
                },
            };
            if let Err(sentence) = &tried {
                self.wrong_in_flow(name, actions, &FlowError::new(path, sentence));
            }
            self.tried.insert(url, tried);
        }
    }
}

/// What `play` actions name literally, with its path.
fn prompts(document: &Value) -> Vec<(String, String)> {
    let (list, prefix) = match document {
        Value::Object(object) => (object.get("actions"), "actions"),
        other => (Some(other), ""),
    };
    let actions = list.and_then(Value::as_array).into_iter().flatten();
    let mut found = Vec::new();
    for (index, action) in actions.enumerate() {
        if action["type"] != "play" {
            continue;
        }
        let urls = action["option"]["stream_urls"].as_array();
        for (at, url) in urls.into_iter().flatten().enumerate() {
            if let Some(url) = url.as_str().filter(|url| !url.contains("${")) {
                let path = format!("{prefix}[{index}].option.stream_urls[{at}]");
                found.push((path, url.to_owned()));
            }
        }
    }
    found
}
