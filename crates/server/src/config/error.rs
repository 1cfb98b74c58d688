//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong. `Display` gives the lines that an operator reads: where,
/// what, the source line with a caret, what was expected, the nearest valid name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file: the TOML file or a flow's JSON file.
    pub file: PathBuf,
    /// From 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// From 1, in characters; 0 when the file as a whole is meant.
    pub column: usize,
    /// The line.
    pub source_line: String,
    /// Characters that are meant, at least 1, from `column` on.
    pub width: usize,
    /// What is wrong.
    pub message: String,
    /// What may stand there.
    pub expected: Option<String>,
    /// The valid name nearest to the one that stands there.
    pub nearest: Option<String>,
}

impl ConfigError {
    /// An error of the file as a whole: it cannot be read.
    pub fn of_file(file: PathBuf, message: String) -> Self {
        Self {
            file,
            line: 0,
            column: 0,
            source_line: String::new(),
            width: 1,
            message,
            expected: None,
            nearest: None,
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "{}: {}", self.file.display(), self.message);
        }
        let (line, column) = (self.line, self.column);
        let margin = line.to_string().len();
        writeln!(
            f,
            "{}:{line}:{column}: {}",
            self.file.display(),
            self.message
        )?;
        // A tab before the caret stays a tab, so that both lines stand alike.
        let indent: String = self
            .source_line
            .chars()
            .take(column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(f, "{line} | {}", self.source_line)?;
        write!(f, "{:margin$} | {indent}{}", "", "^".repeat(self.width))?;
        if let Some(expected) = &self.expected {
            write!(f, "\n{:margin$} = expected {expected}", "")?;
        }
        if let Some(nearest) = &self.nearest {
            write!(f, "\n{:margin$} = did you mean `{nearest}`?", "")?;
        }
        Ok(())
    }
}
