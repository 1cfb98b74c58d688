//! The path of a value: `actions[2].option.duration`.

/// One step of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a table or an object.
    Key(String),
    /// Into an array.
    Index(usize),
}

/// Takes a written path apart. What is not well formed becomes a key that nothing
/// has, and so the deepest known place is found.
pub(super) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let mut pieces = part.split('[');
        if let Some(key) = pieces.next().filter(|key| !key.is_empty()) {
            steps.push(Step::Key(key.to_owned()));
        }
        for piece in pieces {
            steps.push(match piece.trim_end_matches(']').parse() {
                Ok(index) => Step::Index(index),
                Err(_) => Step::Key(piece.to_owned()),
            });
        }
    }
    steps
}

/// Where a path leads in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Located {
    /// The key of the last step that was found, when that was a key.
    pub(super) key: Option<std::ops::Range<usize>>,
    /// The value there.
    pub(super) value: std::ops::Range<usize>,
    /// Whether every step was found.
    pub(super) whole: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_apart() {
        let key = |text: &str| Step::Key(text.to_owned());
        let cases = [
            ("", vec![]),
            ("http", vec![key("http")]),
            (
                "sip.listeners[1].address",
                vec![key("sip"), key("listeners"), Step::Index(1), key("address")],
            ),
            ("[2].option", vec![Step::Index(2), key("option")]),
            ("a[1][22]", vec![key("a"), Step::Index(1), Step::Index(22)]),
            ("a[x]", vec![key("a"), key("x]")]),
        ];
        for (path, expected) in cases {
            assert_eq!(steps(path), expected, "{path:?}");
        }
    }
}
