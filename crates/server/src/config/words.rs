//! What serde says about a shape, in an operator's words.

use std::ops::Range;

use super::error::ConfigError;
use super::source::Source;

/// From serde's message for what stands at `span`.
pub(super) fn shape_error(source: &Source<'_>, span: &Range<usize>, message: &str) -> ConfigError {
    let (what, expected) = apart(message);
    let named = ["unknown field `", "unknown variant `"]
        .iter()
        .find_map(|prefix| what.strip_prefix(prefix)?.strip_suffix('`'));
    let what = what
        .replace("unknown field", "unknown name")
        .replace("unknown variant", "unknown value")
        .replace("invalid type: ", "wrong type: ")
        .replace("invalid value: ", "wrong value: ");
    let nearest = named.zip(expected).and_then(|(name, expected)| {
        let names = expected.split('`').skip(1).step_by(2);
        nearest(name, names).map(str::to_owned)
    });
    ConfigError {
        expected: expected.map(type_in_words),
        nearest,
        ..source.error(span, what)
    }
}

/// What is wrong, and what was expected.
pub(super) fn apart(message: &str) -> (&str, Option<&str>) {
    match message.split_once(", expected ") {
        Some((what, expected)) => (what, Some(expected)),
        None => (message, None),
    }
}

/// The one of `names` that `name` is most likely meant to be.
pub(super) fn nearest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let farthest = (name.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|candidate| {
            let distance =
                strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= farthest)
        .min()
        .map(|(_, candidate)| candidate)
}

fn type_in_words(expected: &str) -> String {
    match expected {
        "u64" | "u32" | "u16" | "u8" => "a whole number, 0 or more".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "path string" => "a text in quotes".to_owned(),
        "a sequence" => "a list in [ ]".to_owned(),
        "a map" => "a table".to_owned(),
        other => match other.strip_prefix("struct ") {
            Some(_) => "a table".to_owned(),
            None => other.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_near() {
        let names = ["port_range", "workers", "folder", "codecs"];
        for (name, expected) in [
            ("port_rang", Some("port_range")),
            ("portrange", Some("port_range")),
            ("Folder", Some("folder")),
            ("fodler", Some("folder")),
            ("ports", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names), expected, "{name:?}");
        }
    }
}
