//! The vocabulary: which actions there are. A file each; an action more is a
//! file more and a row in `BUILT`.

mod answer;
mod branch;
mod condition_variable;
mod digits_receive;
mod echo;
mod goto;
mod hangup;
mod play;
mod sleep;
mod stop;
mod variable_set;

use super::action::{Action, Media};
use crate::flow::{FlowError, Options, nearest};

type Compile = fn(&mut Options<'_>) -> Result<Box<dyn Action>, FlowError>;

/// Name in a flow, the name it goes by here, and who compiles it.
const BUILT: [(&str, &str, Compile); 13] = [
    ("answer", "answer", answer::compile),
    ("branch", "branch", branch::compile),
    (
        "condition_variable",
        "condition_variable",
        condition_variable::compile,
    ),
    ("digits_receive", "digits_receive", digits_receive::compile),
    ("dtmf_receive", "digits_receive", digits_receive::compile),
    ("echo", "echo", echo::compile),
    ("goto", "goto", goto::compile),
    ("hangup", "hangup", hangup::compile),
    ("play", "play", play::compile),
    ("sleep", "sleep", sleep::compile),
    ("stop", "stop", stop::compile),
    ("stream_echo", "echo", echo::compile),
    ("variable_set", "variable_set", variable_set::compile),
];

/// Actions of the vocabulary that do not run here yet.
const NOT_BUILT: [&str; 34] = [
    "ai_summary",
    "ai_talk",
    "ai_task",
    "amd",
    "beep",
    "block",
    "call",
    "case_create",
    "condition_call_digits",
    "condition_call_status",
    "condition_datetime",
    "confbridge_join",
    "conference_join",
    "connect",
    "conversation_send",
    "digits_send",
    "dtmf_send",
    "email_send",
    "external_media_start",
    "external_media_stop",
    "fetch",
    "fetch_flow",
    "message_send",
    "mute",
    "patch",
    "patch_flow",
    "queue_join",
    "recording_start",
    "recording_stop",
    "talk",
    "transcribe_recording",
    "transcribe_start",
    "transcribe_stop",
    "webhook_send",
];

/// The names that a flow may use today.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BUILT.iter().map(|(name, ..)| *name)
}

/// Compiles one action of the type `name`; says by which name it goes.
pub(crate) fn compile(
    name: &str,
    options: &mut Options<'_>,
    error: impl FnOnce(String) -> FlowError,
) -> Result<(&'static str, Box<dyn Action>), FlowError> {
    if let Some((_, own, compile)) = BUILT.iter().find(|(known, ..)| *known == name) {
        return Ok((own, compile(options)?));
    }
    let built = names().collect::<Vec<_>>().join(", ");
    if NOT_BUILT.contains(&name) {
        return Err(error(format!(
            "the action `{name}` is not built yet, expected one of {built}"
        )));
    }
    let near = nearest(name, names().chain(NOT_BUILT));
    let message = format!("unknown action `{name}`, expected one of {built}");
    Err(error(message).with_nearest(near))
}

/// `early_media`: the action is content with media before the answer.
fn media_wanted(options: &mut Options<'_>) -> Result<Media, FlowError> {
    let early = options.flag("early_media")?.unwrap_or(false);
    Ok(if early { Media::Early } else { Media::Answered })
}
