//! `goto`: jumps; with `loop_count` so many times in a call, then it falls
//! through. Without it, always.

use crate::flow::{FlowError, Options, Target};
use crate::interpreter::action::{Action, Exits, Step, View};

#[derive(Debug)]
struct Goto {
    target: Target,
    loops: Option<u32>,
}

pub(super) fn compile(options: &mut Options<'_>) -> Result<Box<dyn Action>, FlowError> {
    let target = options.target("target_id")?;
    let loops = options.whole("loop_count", 0..=i64::from(u32::MAX))?;
    match target {
        Some(target) => Ok(Box::new(Goto {
            target,
            loops: loops.and_then(|count| u32::try_from(count).ok()),
        })),
        None => Err(options.action_error("`goto` needs `option.target_id`")),
    }
}

impl Action for Goto {
    fn start(&self, view: &mut View<'_>) -> Step {
        let Some(loops) = self.loops else {
            return view.jump(&self.target);
        };
        let place = view.place;
        let jumps = &mut view.memory.jumps;
        let index = jumps
            .iter()
            .position(|(goto, _)| *goto == place)
            .unwrap_or_else(|| {
                jumps.push((place, 0));
                jumps.len() - 1
            });
        let count = &mut jumps[index].1;
        if *count >= loops {
            return Step::Next;
        }
        *count += 1;
        view.jump(&self.target)
    }

    fn exits(&self) -> Exits<'_> {
        match self.loops {
            Some(_) => Exits {
                next: true,
                counted: Some(&self.target),
                ..Exits::default()
            },
            None => Exits {
                jumps: vec![&self.target],
                ..Exits::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::interpreter::fixture::{refused, run};

    #[test]
    fn jumps_forward_and_past_what_is_between() {
        let flow = json!([
            {"type": "goto", "option": {"target_id": "end"}},
            {"type": "hangup"},
            {"id": "end", "type": "stop"},
        ]);
        run(&flow, &[(0, "start", "> goto, > stop, stopped")]);
    }

    #[test]
    fn falls_through_past_its_count() {
        let sleep = json!({"id": "again", "type": "sleep", "option": {"duration": 10}});
        let table = [
            (0, vec!["> goto, hangup normal"]),
            (
                2,
                vec![
                    "> goto, > sleep",
                    "> goto, > sleep",
                    "> goto, hangup normal",
                ],
            ),
        ];
        for (count, rounds) in table {
            let option = json!({"target_id": "again", "loop_count": count});
            let flow = json!([sleep, {"type": "goto", "option": option}]);
            let mut script = vec![(0, "start", "> sleep")];
            for (round, orders) in rounds.into_iter().enumerate() {
                script.push((10 * (round as u64 + 1), "time", orders));
            }
            run(&flow, &script);
        }
    }

    #[test]
    fn two_counts_do_not_mix() {
        let flow = json!([
            {"id": "a", "type": "answer"},
            {"type": "goto", "option": {"target_id": "a", "loop_count": 1}},
            {"type": "goto", "option": {"target_id": "a", "loop_count": 1}},
            {"type": "stop"},
        ]);
        let orders = "> goto, > answer, > goto, > goto, > answer, > goto, > goto, > stop, stopped";
        run(
            &flow,
            &[(0, "start", "> answer, answer"), (1, "answered", orders)],
        );
    }

    #[test]
    fn what_it_refuses() {
        let table = [
            (json!({}), "[0]"),
            (json!({"target_id": ""}), "[0]"),
            (json!({"target_id": "nowhere"}), "[0].option.target_id"),
            (json!({"target_id": 5}), "[0].option.target_id"),
            (
                json!({"target_id": "here", "loop_count": -1}),
                "[0].option.loop_count",
            ),
            (json!({"target_id": "here", "loops": 1}), "[0].option.loops"),
        ];
        for (option, path) in table {
            let error = refused(&json!([{"id": "here", "type": "goto", "option": option}]));
            assert_eq!(error.path, path, "{error}");
        }
    }
}
