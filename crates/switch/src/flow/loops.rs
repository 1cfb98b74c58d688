//! The search for loops without an end: circles of actions in which no time
//! passes and that nothing counts.
//!
//! Every infinite run takes only finitely many counted jumps, so it ends up going
//! round among the others: without a circle of those there is no infinite run.

use super::{Flow, Target};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Unseen,
    /// On the way from the start to here.
    Open,
    Done,
}

/// Circles that a call can come to, each as the places it goes through.
pub(super) fn find(flow: &Flow) -> Vec<Vec<u32>> {
    let reached = reachable(flow);
    let mut marks = vec![Mark::Unseen; flow.len()];
    let mut circles = Vec::new();
    for place in (0..flow.len() as u32).filter(|place| reached[*place as usize]) {
        if marks[place as usize] == Mark::Unseen {
            walk(flow, place, &mut marks, &mut circles);
        }
    }
    circles
}

/// Depth first, without recursion: a flow may be long.
fn walk(flow: &Flow, from: u32, marks: &mut [Mark], circles: &mut Vec<Vec<u32>>) {
    let mut way = vec![(from, uncounted(flow, from))];
    marks[from as usize] = Mark::Open;
    while let Some((place, exits)) = way.last_mut() {
        let Some(exit) = exits.pop() else {
            marks[*place as usize] = Mark::Done;
            way.pop();
            continue;
        };
        match marks[exit as usize] {
            Mark::Unseen => {
                marks[exit as usize] = Mark::Open;
                way.push((exit, uncounted(flow, exit)));
            }
            Mark::Open => {
                let places = way.iter().map(|(place, _)| *place);
                circles.push(places.skip_while(|place| *place != exit).collect());
            }
            Mark::Done => {}
        }
    }
}

/// Where the action leads without waiting or counting; the first to be walked
/// comes last.
fn uncounted(flow: &Flow, place: u32) -> Vec<u32> {
    let exits = flow.node(place).action().exits();
    if exits.waits {
        return Vec::new();
    }
    let mut places: Vec<u32> = exits
        .jumps
        .iter()
        .filter_map(|target| known(target))
        .collect();
    if exits.next && flow.has(flow.after(place)) {
        places.push(flow.after(place));
    }
    places
}

fn reachable(flow: &Flow) -> Vec<bool> {
    let mut reached = vec![false; flow.len()];
    let mut open = vec![0];
    while let Some(place) = open.pop() {
        if !flow.has(place) || std::mem::replace(&mut reached[place as usize], true) {
            continue;
        }
        let exits = flow.node(place).action().exits();
        open.extend(
            exits
                .jumps
                .iter()
                .copied()
                .chain(exits.counted)
                .filter_map(known),
        );
        if exits.next {
            open.push(flow.after(place));
        }
        // A name made of variables may be anyone's.
        if exits
            .jumps
            .iter()
            .copied()
            .chain(exits.counted)
            .any(|target| known(target).is_none())
        {
            return vec![true; flow.len()];
        }
    }
    reached
}

/// What a target made of variables leads to is not known here; the limit on
/// actions without waiting holds for it.
fn known(target: &Target) -> Option<u32> {
    match target {
        Target::Action(place) => Some(*place),
        Target::Named(_) => None,
    }
}
