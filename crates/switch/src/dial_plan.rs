//! The dial plan: which flow answers the dialled user.
//!
//! | order | entry | captures |
//! |---|---|---|
//! | 1 | exact | – |
//! | 2 | the longest prefix | what follows it |
//! | 3 | patterns as they stand in the file | their groups |
//!
//! Of two entries for the same user the first holds.

mod check;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use regex::{Regex, RegexBuilder};

use crate::flow::FlowSet;

/// The most memory that one compiled pattern may take, in bytes.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// The dialled user → a flow.
#[derive(Clone, Debug, Default)]
pub struct DialPlan {
    entries: Vec<DialEntry>,
    exact: HashMap<Box<str>, u32>,
    prefixes: HashMap<Box<str>, u32>,
    /// Lengths of the prefixes in bytes, the longest first.
    prefix_lengths: Vec<usize>,
    patterns: Vec<(Regex, u32)>,
}

/// One entry of a dial plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialEntry {
    /// Which users.
    pub users: DialMatch,
    /// The flow that answers them.
    pub flow: String,
}

/// Which users an entry stands for. A user is compared as it stands in the
/// Request-URI, unescaped; case counts (RFC 3261 §19.1.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialMatch {
    /// This user.
    Exact(String),
    /// Users that begin so, this one included; the empty prefix stands for all.
    Prefix(String),
    /// Users that this regular expression matches from end to end.
    Pattern(String),
}

/// A user was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'a> {
    /// The flow.
    pub flow: &'a str,
    /// The rest after a prefix, or the groups of a pattern; a group that took no
    /// part is empty. None for an exact entry.
    pub captures: Vec<String>,
}

/// An entry that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DialPlanError {
    /// Index of the entry.
    pub entry: usize,
    /// What is wrong with it.
    pub message: String,
}

/// An entry that will not do what its author thought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialPlanProblem {
    /// Index of the entry.
    pub entry: usize,
    /// A sentence.
    pub message: String,
    /// The valid name that comes nearest, for an unknown flow.
    pub nearest: Option<String>,
}

impl DialPlan {
    /// Makes a plan of entries; fails for a pattern that is no regular expression
    /// or a monstrous one.
    pub fn new(entries: Vec<DialEntry>) -> Result<Self, DialPlanError> {
        let mut plan = Self::default();
        for (index, entry) in entries.iter().enumerate() {
            plan.add(index, &entry.users)
                .map_err(|message| DialPlanError {
                    entry: index,
                    message,
                })?;
        }
        plan.prefix_lengths.sort_unstable_by(|a, b| b.cmp(a));
        plan.prefix_lengths.dedup();
        plan.entries = entries;
        Ok(plan)
    }

    /// The entries in the order given.
    pub fn entries(&self) -> &[DialEntry] {
        &self.entries
    }

    /// The flow for `user`: the exact entry, else the longest prefix, else the
    /// first pattern.
    pub fn lookup(&self, user: &str) -> Option<Match<'_>> {
        if let Some(index) = self.exact.get(user) {
            return Some(self.found(*index, Vec::new()));
        }
        for length in &self.prefix_lengths {
            let Some((head, rest)) = user.split_at_checked(*length) else {
                continue;
            };
            if let Some(index) = self.prefixes.get(head) {
                return Some(self.found(*index, vec![rest.to_owned()]));
            }
        }
        self.patterns.iter().find_map(|(pattern, index)| {
            // Groups cost many times what a mere yes or no does.
            let groups = pattern.is_match(user).then(|| pattern.captures(user))??;
            let group = |group: Option<regex::Match<'_>>| {
                group
                    .map(|group| group.as_str().to_owned())
                    .unwrap_or_default()
            };
            Some(self.found(*index, groups.iter().skip(1).map(group).collect()))
        })
    }

    /// Entries that name a flow not in `flows`, that stand twice, or that no user
    /// can reach because others come first.
    pub fn check(&self, flows: &FlowSet) -> Vec<DialPlanProblem> {
        check::problems(self, flows)
    }

    fn found(&self, index: u32, captures: Vec<String>) -> Match<'_> {
        Match {
            flow: &self.entries[index as usize].flow,
            captures,
        }
    }

    fn add(&mut self, index: usize, users: &DialMatch) -> Result<(), String> {
        let index = u32::try_from(index).map_err(|_| "there are too many entries".to_owned())?;
        match users {
            DialMatch::Exact(user) => {
                self.exact.entry(user.as_str().into()).or_insert(index);
            }
            DialMatch::Prefix(prefix) => {
                if let Entry::Vacant(vacant) = self.prefixes.entry(prefix.as_str().into()) {
                    vacant.insert(index);
                    self.prefix_lengths.push(prefix.len());
                }
            }
            DialMatch::Pattern(pattern) => self.patterns.push((compile(pattern)?, index)),
        }
        Ok(())
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    // Alone first: an error should speak of what was written.
    limited(pattern)?;
    limited(&format!(r"\A(?:{pattern})\z"))
}

fn limited(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .size_limit(MAX_PATTERN_BYTES)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(limit) => {
                format!("the pattern takes more than {limit} bytes when it is compiled")
            }
            other => {
                let text = other.to_string();
                let last = text.lines().last().unwrap_or(&text);
                format!(
                    "no regular expression: {}",
                    last.trim_start_matches("error: ")
                )
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(user: &str) -> DialMatch {
        DialMatch::Exact(user.to_owned())
    }

    fn prefix(users: &str) -> DialMatch {
        DialMatch::Prefix(users.to_owned())
    }

    fn pattern(users: &str) -> DialMatch {
        DialMatch::Pattern(users.to_owned())
    }

    fn plan<const N: usize>(entries: [(DialMatch, &str); N]) -> Result<DialPlan, DialPlanError> {
        let entry = |(users, flow): (DialMatch, &str)| DialEntry {
            users,
            flow: flow.to_owned(),
        };
        DialPlan::new(entries.into_iter().map(entry).collect())
    }

    /// A user, and the flow and captures it leads to.
    type Row = (
        &'static str,
        Option<(&'static str, &'static [&'static str])>,
    );

    #[test]
    fn exact_before_the_longest_prefix_before_the_first_pattern() {
        let plan = plan([
            (pattern(r"\+?49\d+"), "germany"),
            (pattern(r"(\d)(\d)?x|y"), "groups"),
            (pattern(r"\d+x?"), "number"),
            (prefix("00"), "abroad"),
            (prefix("0049"), "home"),
            (prefix("ä"), "umlaut"),
            (exact("00"), "zero"),
            (exact("echo"), "echo"),
            (exact("echo"), "second"),
            (exact(""), "nobody"),
        ])
        .unwrap();
        let table: [Row; 19] = [
            ("echo", Some(("echo", &[]))),
            ("Echo", None),
            ("echo2", None),
            ("", Some(("nobody", &[]))),
            ("00", Some(("zero", &[]))),
            ("001", Some(("abroad", &["1"]))),
            ("0049", Some(("home", &[""]))),
            ("004930", Some(("home", &["30"]))),
            ("00493", Some(("home", &["3"]))),
            ("004", Some(("abroad", &["4"]))),
            ("ä1", Some(("umlaut", &["1"]))),
            ("é1", None),
            ("+4930", Some(("germany", &[]))),
            ("4930", Some(("germany", &[]))),
            ("+49", None),
            ("12x", Some(("groups", &["1", "2"]))),
            ("1x", Some(("groups", &["1", ""]))),
            ("y", Some(("groups", &["", ""]))),
            ("12", Some(("number", &[]))),
        ];
        for (user, expected) in table {
            let found = plan.lookup(user);
            let found = found.as_ref().map(|found| {
                (
                    found.flow,
                    found
                        .captures
                        .iter()
                        .map(String::as_str)
                        .collect::<Vec<_>>(),
                )
            });
            assert_eq!(
                found,
                expected.map(|(flow, captures)| (flow, captures.to_vec())),
                "{user}"
            );
        }
    }

    #[test]
    fn the_empty_prefix_stands_for_all() {
        let plan = plan([(prefix(""), "any"), (exact("echo"), "echo")]).unwrap();
        for (user, flow) in [("echo", "echo"), ("x", "any"), ("", "any")] {
            assert_eq!(plan.lookup(user).unwrap().flow, flow);
        }
        assert_eq!(DialPlan::default().lookup("x"), None);
    }

    #[test]
    fn a_pattern_matches_from_end_to_end() {
        let plan = plan([(pattern("1|22"), "f")]).unwrap();
        for (user, found) in [
            ("1", true),
            ("22", true),
            ("12", false),
            ("122", false),
            ("1\n", false),
        ] {
            assert_eq!(plan.lookup(user).is_some(), found, "{user:?}");
        }
    }

    #[test]
    fn what_is_no_regular_expression_is_refused() {
        let table = [
            ("(", "no regular expression: unclosed group"),
            ("a)", "no regular expression: unopened group"),
            (
                r"(?:\d{1000}){1000}",
                "the pattern takes more than 1048576 bytes when it is compiled",
            ),
        ];
        for (text, message) in table {
            let error = plan([(exact("a"), "f"), (pattern(text), "f")]).unwrap_err();
            assert_eq!((error.entry, error.message.as_str()), (1, message));
        }
    }

    #[test]
    fn entries_are_kept_as_given() {
        let plan = plan([(pattern("b"), "2"), (exact("a"), "1")]).unwrap();
        assert_eq!(
            plan.entries()[0],
            DialEntry {
                users: pattern("b"),
                flow: "2".to_owned()
            }
        );
        assert_eq!(plan.entries().len(), 2);
    }
}
