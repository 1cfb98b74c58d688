//! (in work: bodies follow)

use crate::flow::FlowSet;

/// The dialled user → a flow.
#[derive(Clone, Debug, Default)]
pub struct DialPlan {
    entries: Vec<DialEntry>,
}

/// One entry of a dial plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialEntry {
    /// Which users.
    pub users: DialMatch,
    /// The flow that answers them.
    pub flow: String,
}

/// Which users an entry stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialMatch {
    /// This user.
    Exact(String),
    /// Users that begin so; what follows is the only capture.
    Prefix(String),
    /// Users that this regular expression matches whole.
    Pattern(String),
}

/// A user was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'a> {
    /// The flow.
    pub flow: &'a str,
    /// The rest after a prefix, the groups of a pattern.
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
    /// Makes a plan of entries; fails for a pattern that is not a regular expression.
    pub fn new(entries: Vec<DialEntry>) -> Result<Self, DialPlanError> {
        Ok(Self { entries })
    }

    /// The entries in the order given.
    pub fn entries(&self) -> &[DialEntry] {
        &self.entries
    }

    /// The flow for `user`: the exact entry, else the longest prefix, else the
    /// first pattern.
    pub fn lookup(&self, user: &str) -> Option<Match<'_>> {
        let same =
            |entry: &&DialEntry| matches!(&entry.users, DialMatch::Exact(exact) if exact == user);
        let entry = self.entries.iter().find(same)?;
        Some(Match {
            flow: &entry.flow,
            captures: Vec::new(),
        })
    }

    /// Entries that name a flow not in `flows`, that stand twice, or that no user
    /// can reach because others come first.
    pub fn check(&self, flows: &FlowSet) -> Vec<DialPlanProblem> {
        let _ = flows;
        Vec::new()
    }
}
