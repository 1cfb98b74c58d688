//! What is wrong with a dial plan whose entries are each right: flows that are
//! not there, entries that stand twice, entries nobody can reach.

use super::{DialMatch, DialPlan, DialPlanProblem};
use crate::flow::{FlowSet, nearest};

pub(super) fn problems(plan: &DialPlan, flows: &FlowSet) -> Vec<DialPlanProblem> {
    let mut problems = Vec::new();
    for (index, entry) in plan.entries.iter().enumerate() {
        if flows.get(&entry.flow).is_none() {
            problems.push(DialPlanProblem {
                entry: index,
                message: format!("there is no flow `{}`", entry.flow),
                nearest: nearest(&entry.flow, flows.names()).map(str::to_owned),
            });
        }
        if let Some(message) = hidden(plan, index, &entry.users) {
            problems.push(DialPlanProblem {
                entry: index,
                message,
                nearest: None,
            });
        }
    }
    problems
}

/// Why no user can reach an entry.
fn hidden(plan: &DialPlan, index: usize, users: &DialMatch) -> Option<String> {
    if let Some(first) = plan.entries[..index]
        .iter()
        .position(|entry| entry.users == *users)
    {
        return Some(format!("the same users have the entry {first} already"));
    }
    let DialMatch::Pattern(pattern) = users else {
        return None;
    };
    let (head, whole) = literal_head(pattern);
    let earlier = |(place, other): (usize, &DialMatch)| {
        match other {
        DialMatch::Exact(user) => (whole && *user == head).then(|| {
            format!("the only user it matches, `{head}`, has the entry {place}")
        }),
        DialMatch::Prefix(prefix) => head.starts_with(prefix.as_str()).then(|| {
            format!("every user it matches begins with `{prefix}`, and prefixes come first: entry {place}")
        }),
        DialMatch::Pattern(other) => (place < index && matches_all(other)).then(|| {
            format!("the pattern of entry {place} comes before it and matches every user")
        }),
    }
    };
    plan.entries
        .iter()
        .map(|entry| &entry.users)
        .enumerate()
        .find_map(earlier)
}

fn matches_all(pattern: &str) -> bool {
    matches!(pattern, ".*" | "^.*$" | "^.*" | ".*$" | "(.*)" | "^(.*)$")
}

/// What every user that a pattern matches begins with, as far as it can be read
/// off, and whether that is all of it.
fn literal_head(pattern: &str) -> (String, bool) {
    let mut head = String::new();
    if pattern.contains('|') {
        return (head, false);
    }
    let mut rest = pattern.strip_prefix('^').unwrap_or(pattern).chars();
    while let Some(c) = rest.next() {
        match c {
            '$' if rest.as_str().is_empty() => return (head, true),
            // The character before may be there or not.
            '*' | '?' | '{' => {
                head.pop();
                return (head, false);
            }
            '\\' => match rest.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => head.push(escaped),
                Some(_) | None => return (head, false),
            },
            '.' | '+' | '(' | ')' | '[' | ']' | '}' | '^' | '$' => return (head, false),
            plain => head.push(plain),
        }
    }
    (head, true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dial_plan::DialEntry;
    use crate::flow::Flow;

    fn flows() -> FlowSet {
        let mut flows = FlowSet::default();
        for name in ["echo", "menu"] {
            flows.insert(Flow::from_json(name, &json!([{"type": "stop"}])).unwrap());
        }
        flows
    }

    fn users(text: &str) -> DialMatch {
        let (kind, text) = text.split_once(' ').unwrap();
        match kind {
            "=" => DialMatch::Exact(text.to_owned()),
            "<" => DialMatch::Prefix(text.to_owned()),
            _ => DialMatch::Pattern(text.to_owned()),
        }
    }

    fn hidden_entries(entries: &[&str]) -> Vec<usize> {
        let entry = |text: &&str| DialEntry {
            users: users(text),
            flow: "echo".to_owned(),
        };
        let plan = DialPlan::new(entries.iter().map(entry).collect()).unwrap();
        plan.check(&flows())
            .into_iter()
            .map(|problem| problem.entry)
            .collect()
    }

    #[test]
    fn entries_nobody_can_reach_are_found() {
        let table: [(&[&str], &[usize]); 16] = [
            (&["= a", "= b", "< a", "~ c.*"], &[]),
            (&["= a", "= a", "= a"], &[1, 2]),
            (&["< a", "< a", "< ab"], &[1]),
            (&["~ a.", "~ a."], &[1]),
            (&["< ", "= a", "< b", "~ c", "~ a|b"], &[3, 4]),
            (&["~ 49\\d+", "< 4"], &[0]),
            (&["~ ^49", "< 49"], &[0]),
            (&["~ 49?", "< 49"], &[]),
            (&["~ 49?", "< 4"], &[0]),
            (&["~ \\+49\\d*", "< +49"], &[0]),
            (&["~ \\d49", "< 49"], &[]),
            (&["~ 49|50", "< 49"], &[]),
            (&["~ echo", "= echo"], &[0]),
            (&["~ echo$", "= echo"], &[0]),
            (&["~ echo.", "= echo"], &[]),
            (&["~ a", "~ .*", "~ b"], &[2]),
        ];
        for (entries, hidden) in table {
            assert_eq!(hidden_entries(entries), hidden, "{entries:?}");
        }
    }

    #[test]
    fn a_flow_that_is_not_there_is_named_with_its_nearest() {
        let entry = |flow: &str| DialEntry {
            users: users(&format!("= {flow}")),
            flow: flow.to_owned(),
        };
        let plan = DialPlan::new(vec![entry("menu"), entry("mnu"), entry("xyz")]).unwrap();
        let problems = plan.check(&flows());
        let found: Vec<_> = problems
            .iter()
            .map(|problem| (problem.entry, problem.nearest.as_deref()))
            .collect();
        assert_eq!(found, [(1, Some("menu")), (2, None)]);
        assert_eq!(problems[0].message, "there is no flow `mnu`");
    }
}
