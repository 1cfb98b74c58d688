//! What an action is to the interpreter: it sees events, says what comes next and
//! gives orders. It cannot reach the call.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use strowger_media::vocabulary::PlayId;

use super::digits::DigitQueue;
use super::variables::Variables;
use super::vocabulary::{CallEvent, CallOrder, HangUpReason};
use crate::flow::{Flow, Target};

/// One action with its options, compiled; shared by all calls of its flow.
pub(crate) trait Action: Debug + Send + Sync {
    /// The media it needs before it can start; the interpreter sees to it.
    fn media(&self) -> Media {
        Media::None
    }

    /// Begins.
    fn start(&self, view: &mut View<'_>) -> Step;

    /// Something happened to the call while it runs.
    fn handle_event(&self, event: &CallEvent, view: &mut View<'_>) -> Step {
        let _ = (event, view);
        Step::Wait
    }

    /// The time that it set in `Wait` has come.
    fn handle_timeout(&self, view: &mut View<'_>) -> Step {
        let _ = view;
        Step::Wait
    }

    /// Where it can lead without time having passed.
    fn exits(&self) -> Exits<'_>;
}

/// The media of a call, and what an action needs of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Media {
    /// No media.
    None,
    /// Media before the answer.
    Early,
    /// The call is up.
    Answered,
}

/// What comes after an action had its say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It goes on; events and timeouts come to it.
    Wait,
    /// The next action.
    Next,
    /// The action at that place.
    Jump(u32),
    /// It failed; the next action.
    Fail(String),
    /// The call is to end.
    HangUp(HangUpReason),
    /// The flow ends, the call stays.
    Stop,
}

/// Where an action can lead without time having passed: what the search for
/// loops without an end walks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Exits<'a> {
    /// To the next action.
    pub(crate) next: bool,
    /// By jumps that nothing counts.
    pub(crate) jumps: Vec<&'a Target>,
    /// By jumps that are counted, and so end one day.
    pub(crate) counted: Option<&'a Target>,
    /// Time passes whenever it runs.
    pub(crate) waits: bool,
}

impl Exits<'_> {
    /// Goes on at once.
    pub(crate) fn next() -> Self {
        Self {
            next: true,
            ..Self::default()
        }
    }

    /// Goes on after some time.
    pub(crate) fn after_waiting() -> Self {
        Self {
            next: true,
            waits: true,
            ..Self::default()
        }
    }

    /// Never goes on.
    pub(crate) fn none() -> Self {
        Self::default()
    }
}

/// What actions keep for their call.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) variables: Variables,
    pub(crate) digits: DigitQueue,
    /// How often each counted `goto` has jumped: its place and its jumps.
    pub(crate) jumps: Vec<(u32, u32)>,
    /// The playback ordered last.
    pub(crate) play: PlayId,
    pub(crate) wait: Wait,
}

/// When the running action wants to be woken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wait {
    /// It lasts no longer than until then.
    pub(crate) duration: Option<Instant>,
    /// The next digit has to come before then.
    pub(crate) interdigit: Option<Instant>,
}

impl Wait {
    pub(crate) fn earliest(self) -> Option<(Instant, &'static str)> {
        let duration = self.duration.map(|at| (at, "duration of an action"));
        let interdigit = self.interdigit.map(|at| (at, "interdigit"));
        duration
            .into_iter()
            .chain(interdigit)
            .min_by_key(|(at, _)| *at)
    }
}

/// What an action sees of its call.
pub(crate) struct View<'a> {
    pub(crate) now: Instant,
    /// Its place in the flow.
    pub(crate) place: u32,
    pub(crate) memory: &'a mut Memory,
    flow: &'a Flow,
    out: &'a mut Vec<CallOrder>,
}

impl<'a> View<'a> {
    pub(crate) fn new(
        flow: &'a Flow,
        place: u32,
        memory: &'a mut Memory,
        now: Instant,
        out: &'a mut Vec<CallOrder>,
    ) -> Self {
        Self {
            now,
            place,
            memory,
            flow,
            out,
        }
    }

    /// Orders something of the call.
    pub(crate) fn order(&mut self, order: CallOrder) {
        self.out.push(order);
    }

    /// Wants to be woken then at the latest.
    pub(crate) fn last(&mut self, duration: Duration) {
        self.memory.wait.duration = Some(self.now + duration);
    }

    /// A number for the playback that is about to be ordered.
    pub(crate) fn next_play(&mut self) -> PlayId {
        self.memory.play = PlayId(self.memory.play.0.wrapping_add(1));
        self.memory.play
    }

    /// The way to a target; fails when a name made of variables is nobody's.
    pub(crate) fn jump(&self, target: &Target) -> Step {
        let name = match target {
            Target::Action(place) => return Step::Jump(*place),
            Target::Named(template) => template.expand(&self.memory.variables),
        };
        match name {
            Ok(id) => match self.flow.place(&id) {
                Some(place) => Step::Jump(place),
                None => Step::Fail(format!("no action of this flow has the id `{id}`")),
            },
            Err(reason) => Step::Fail(reason),
        }
    }
}
