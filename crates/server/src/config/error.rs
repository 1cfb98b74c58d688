//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

/// Characters of a source line that are shown: a flow in JSON may be one long line.
const MAX_EXCERPT: usize = 160;

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
        let skipped = (column - 1).saturating_sub(MAX_EXCERPT / 2);
        let skipped = if self.source_line.len() > MAX_EXCERPT {
            skipped
        } else {
            0
        };
        let excerpt = self.source_line.chars().skip(skipped).take(MAX_EXCERPT);
        let excerpt: String = excerpt.collect();
        // A tab before the caret stays a tab, so that both lines stand alike.
        let indent: String = excerpt
            .chars()
            .take(column - 1 - skipped)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let carets = "^".repeat(self.width.min(MAX_EXCERPT));
        writeln!(f, "{line} | {excerpt}")?;
        write!(f, "{:margin$} | {indent}{carets}", "")?;
        if let Some(expected) = &self.expected {
            write!(f, "\n{:margin$} = expected {expected}", "")?;
        }
        if let Some(nearest) = &self.nearest {
            write!(f, "\n{:margin$} = did you mean `{nearest}`?", "")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_line_the_place_is_shown() {
        for column in [1, 50, 80, 81, 100_000, 200_000] {
            let mut text = vec!['.'; 200_000];
            text[column - 1] = 'X';
            let error = ConfigError {
                line: 1,
                column,
                source_line: text.into_iter().collect(),
                ..ConfigError::of_file("f.json".into(), "wrong".to_owned())
            };
            let shown = error.to_string();
            let lines: Vec<&str> = shown.lines().collect();
            assert!(lines[1].len() <= MAX_EXCERPT + 4, "{column}");
            assert_eq!(lines[1].find('X'), lines[2].find('^'), "{column}");
        }
    }
}
