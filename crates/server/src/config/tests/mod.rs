//! Texts that are right and texts that are wrong.

mod flows;
mod meaning;
mod shape;
mod shipped;
mod users;

use std::path::Path;

use super::{Config, ConfigError};

/// The least that works.
const TINY: &str = "[[sip.listeners]]\naddress = \"127.0.0.1:5060\"\n";

fn parse(text: &str) -> Result<Config, Vec<ConfigError>> {
    Config::parse(Path::new("test/s.toml"), text, &|_, _, _| Ok(()))
}

/// `line:column+width message | expected | nearest` of each error.
fn errors(text: &str) -> Vec<String> {
    let errors = parse(text).expect_err(text);
    errors.iter().map(in_short).collect()
}

fn in_short(error: &ConfigError) -> String {
    let mut short = format!(
        "{}:{}+{} {}",
        error.line, error.column, error.width, error.message
    );
    for part in [&error.expected, &error.nearest].into_iter().flatten() {
        short.push_str(" | ");
        short.push_str(part);
    }
    short
}

/// Each case: a text, and all that is wrong with it.
fn assert_errors(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(errors(text), *expected, "\n{text}");
    }
}

/// The same with each text put behind [`TINY`], which has two lines.
fn assert_errors_behind_tiny(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        let text = format!("{TINY}{text}");
        assert_eq!(errors(&text), *expected, "\n{text}");
    }
}
