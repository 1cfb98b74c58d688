//! `strowger check`: says what is wrong with a configuration without running it.

use std::fmt::Write;
use std::path::Path;

use crate::config::{Config, ConfigError};

/// What the command prints and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// 0 when nothing is wrong, 1 when something is.
    pub exit_code: u8,
    /// Ends with a line break. To standard output when nothing is wrong, else to
    /// standard error.
    pub text: String,
}

/// Checks the file at `path`, the flows and the prompts it names. `try_prompt` is
/// given the media folder, a prompt's name as it stands in a flow and the longest a
/// prompt may be, in s, and says in a sentence why it could not be played.
pub fn check(path: &Path, try_prompt: &dyn Fn(&Path, &str, u32) -> Result<(), String>) -> Checked {
    match Config::load_with(path, try_prompt) {
        Ok(config) => Checked {
            exit_code: 0,
            text: summary(&config),
        },
        Err(errors) => Checked {
            exit_code: 1,
            text: report(&errors),
        },
    }
}

/// All errors as an operator reads them, with their number at the end.
pub fn report(errors: &[ConfigError]) -> String {
    let mut text = String::new();
    for error in errors {
        let _ = writeln!(text, "{error}\n");
    }
    let _ = writeln!(text, "{}", count(errors.len(), "error"));
    text
}

fn summary(config: &Config) -> String {
    let switch = &config.switch;
    format!(
        "{}: no errors. {}, {}, {} in the dial plan\n",
        config.file.display(),
        count(switch.listeners.len(), "listener"),
        count(switch.routes.flows.len(), "flow"),
        match switch.routes.dial_plan.entries().len() {
            1 => "1 entry".to_owned(),
            entries => format!("{entries} entries"),
        },
    )
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
