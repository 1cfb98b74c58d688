//! The configuration: one TOML file, and the flows it names.
//!
//! [`ConfigFile`] is what was written, [`Config`] is what it means. Between them
//! stands everything that can be wrong: first the shape (unknown names, wrong
//! types), all of it at once; when that is right, the meaning (ranges, addresses,
//! ports, flows, dial plan), all of it at once. Each error knows its line and column.

mod checks;
mod document;
mod error;
mod file;
mod json;
mod path;
mod settings;
mod source;
mod words;

#[cfg(test)]
mod tests;

pub use error::ConfigError;
pub use file::ConfigFile;
pub use settings::{
    Config, ConnectionSettings, HttpSettings, LogFormat, LogLevel, LogSettings, MediaSettings,
    RecordSettings, RegistrationSettings,
};

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use document::Document;
use source::Source;

/// The largest file that is read, in octets.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Says why a prompt, by media folder, name and `max_prompt_s`, could not be played.
type TryPrompt<'a> = &'a dyn Fn(&Path, &str, u32) -> Result<(), String>;

impl Config {
    /// Reads and checks the file, the flows it names and that the prompts they name
    /// are there. All that is wrong comes back at once, in the order of the file.
    pub fn load(path: &Path) -> Result<Self, Vec<ConfigError>> {
        Self::load_with(path, &|_, _, _| Ok(()))
    }

    /// The same, and `try_prompt` is asked once for every prompt that stands in a
    /// flow and is there: it is given the media folder, the name as it is
    /// written and `max_prompt_s`, and says in a sentence why the prompt could not be played.
    pub fn load_with(
        path: &Path,
        try_prompt: &dyn Fn(&Path, &str, u32) -> Result<(), String>,
    ) -> Result<Self, Vec<ConfigError>> {
        match read_text(path) {
            Ok(text) => Self::parse(path, &text, try_prompt),
            Err(error) => {
                let path = path.to_owned();
                Err(vec![ConfigError::of_file(path, error.to_string())])
            }
        }
    }

    fn parse(path: &Path, text: &str, try_prompt: TryPrompt<'_>) -> Result<Self, Vec<ConfigError>> {
        let document = Document::parse(Source { file: path, text })?;
        let file = document.read()?;
        checks::check(&document, &file, try_prompt)
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut octets = Vec::new();
    File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut octets)?;
    if octets.len() as u64 > MAX_FILE_BYTES {
        let sentence = format!("larger than {} MB", MAX_FILE_BYTES >> 20);
        return Err(io::Error::other(sentence));
    }
    String::from_utf8(octets).map_err(|_| io::Error::other("not a text in UTF-8"))
}
