//! `[[dial_plan]]`.

use strowger_switch::dial_plan::{DialEntry, DialMatch, DialPlan};
use strowger_switch::flow::FlowSet;

use super::super::file::{ConfigFile, DialPlanEntry};
use super::super::path::steps;
use super::Checks;

impl Checks<'_> {
    pub(super) fn dial_plan(&mut self, file: &ConfigFile, flows: &FlowSet) -> DialPlan {
        let mut entries = Vec::new();
        let mut indices = Vec::new();
        for (index, entry) in file.dial_plan.iter().enumerate() {
            let Some(entry) = self.dial_entry(index, entry) else {
                continue;
            };
            if let Err(error) = DialPlan::new(vec![entry.clone()]) {
                self.wrong(&format!("dial_plan[{index}].pattern"), error.message);
                continue;
            }
            entries.push(entry);
            indices.push(index);
        }
        let Ok(plan) = DialPlan::new(entries) else {
            // Each entry was good by itself, so this is for the plan to say.
            self.wrong("dial_plan", "the dial plan cannot be used");
            return DialPlan::default();
        };
        for problem in plan.check(flows) {
            let entry = &plan.entries()[problem.entry];
            let index = indices[problem.entry];
            let unknown = problem.message.starts_with("there is no flow");
            if unknown && file.flows.contains_key(&entry.flow) {
                continue; // it is there, with an error of its own
            }
            let setting = match (&entry.users, unknown) {
                (_, true) => "flow",
                (DialMatch::Exact(_), false) => "user",
                (DialMatch::Prefix(_), false) => "prefix",
                (DialMatch::Pattern(_), false) => "pattern",
            };
            let message = self.with_line(&problem.message, &indices);
            self.wrong(&format!("dial_plan[{index}].{setting}"), message)
                .nearest = problem.nearest;
        }
        plan
    }

    /// "entry 3" of the plan is for the operator the entry of a line.
    fn with_line(&self, message: &str, indices: &[usize]) -> String {
        let Some((before, rest)) = message.split_once("entry ") else {
            return message.to_owned();
        };
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let index = number.parse().ok().and_then(|at: usize| indices.get(at));
        let Some(index) = index else {
            return message.to_owned();
        };
        let table = self.document.locate(&steps(&format!("dial_plan[{index}]")));
        let line = self.document.source.line(&table.value);
        format!("{before}entry of line {line}{after}")
    }

    fn dial_entry(&mut self, index: usize, entry: &DialPlanEntry) -> Option<DialEntry> {
        let table = format!("dial_plan[{index}]");
        let users = match (&entry.user, &entry.prefix, &entry.pattern) {
            (Some(user), None, None) => Some(DialMatch::Exact(user.clone())),
            (None, Some(prefix), None) => Some(DialMatch::Prefix(prefix.clone())),
            (None, None, Some(pattern)) => Some(DialMatch::Pattern(pattern.clone())),
            (None, None, None) => {
                self.wrong(&table, "an entry for no user").expected =
                    Some("one of `user`, `prefix` and `pattern`".to_owned());
                None
            }
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                self.wrong(&table, "more than one of `user`, `prefix` and `pattern`")
                    .expected = Some("one of them".to_owned());
                None
            }
        };
        if entry.flow.is_none() {
            self.wrong(&table, "an entry without a flow").expected =
                Some("`flow`, the name of one of the flows".to_owned());
        }
        Some(DialEntry {
            users: users?,
            flow: entry.flow.clone()?,
        })
    }
}
