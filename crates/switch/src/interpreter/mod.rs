//! The action interpreter: runs the flow of one call.
//!
//! It brings up the media that an action needs, starts the action, gives it the
//! events and the timeouts of the call, and goes where the action says.
//!
//! | state | input | next | orders |
//! |---|---|---|---|
//! | Idle | `start` | Preparing, Running or Ended | those of the first actions |
//! | Preparing | `Answered` | Running | those of the action |
//! | Preparing | `MediaReady`, early media will do | Running | those of the action |
//! | Preparing | `MediaReady`, it will not | Preparing | – |
//! | Preparing | `Digit` | Preparing | –; the digit waits |
//! | Running | any event, timeout | Running | those of the action |
//! | Running | the action is done | Preparing, Running or Ended | those of the next actions |
//! | Running | past the last action | Ended | `HangUp` |
//! | Running | `hangup`, `stop` | Ended | `HangUp`, `Stopped` |
//! | Running | too many actions without waiting | Ended | `ActionFailed`, `HangUp` |
//! | Idle, Preparing, Running | `HungUp` | Ended | – |
//! | Idle, Preparing | `PlayDone`, timeout | same | – |
//! | Idle | `Answered`, `MediaReady` | Idle | –; the media is noted |
//! | Preparing, Running, Ended | `start` | same | – |
//! | Ended | anything | Ended | – |

mod action;
mod actions;
mod digits;
mod facts;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
mod variables;
mod vocabulary;

use std::sync::Arc;
use std::time::Instant;

use strowger_media::vocabulary::PlayId;

pub(crate) use action::Action;
use action::{Media, Memory, Step, View, Wait};
pub(crate) use actions::compile;
use digits::DigitQueue;
pub use facts::CallFacts;
pub use variables::{MAX_VALUE_BYTES, MAX_VARIABLES, MAX_VARIABLES_BYTES};
pub(crate) use variables::{Variables, check_name};
pub use vocabulary::{CallEvent, CallOrder, HangUpReason};

use crate::flow::Flow;

/// How many actions one call may run while no time passes.
pub const MAX_ACTIONS_WITHOUT_WAITING: u16 = 1000;

/// Runs the flow of one call.
#[derive(Debug)]
pub struct Interpreter {
    flow: Arc<Flow>,
    memory: Memory,
    media: Media,
    state: State,
    /// Place of the present action.
    place: u32,
    /// When it began.
    began: Instant,
    /// Actions begun since one last took time.
    without_waiting: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Preparing,
    Running,
    Ended,
}

impl Interpreter {
    /// An interpreter that has not begun.
    pub fn new(flow: Arc<Flow>, facts: CallFacts, now: Instant) -> Self {
        Self {
            flow,
            memory: Memory {
                variables: Variables::new(facts),
                digits: DigitQueue::default(),
                jumps: Vec::new(),
                play: PlayId(0),
                wait: Wait::default(),
            },
            media: Media::None,
            state: State::Idle,
            place: 0,
            began: now,
            without_waiting: 0,
        }
    }

    /// The flow it runs.
    pub fn flow(&self) -> &Arc<Flow> {
        &self.flow
    }

    /// The value of a variable as the flow sees it; `None` when there is none.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.memory.variables.get(name)
    }

    /// Begins with the first action.
    pub fn start(&mut self, now: Instant, out: &mut Vec<CallOrder>) {
        if self.state == State::Idle {
            let step = self.enter(0, now, out);
            self.follow(step, now, out);
        }
    }

    /// Something happened to the call.
    pub fn handle_event(&mut self, event: &CallEvent, now: Instant, out: &mut Vec<CallOrder>) {
        if self.state == State::Ended {
            return;
        }
        match event {
            CallEvent::HungUp => return self.end(),
            CallEvent::Answered => {
                self.media = Media::Answered;
                self.memory.variables.set_answered();
            }
            CallEvent::MediaReady => self.media = self.media.max(Media::Early),
            CallEvent::Digit { digit, .. } => self.memory.digits.push(*digit),
            CallEvent::PlayDone { .. } => {}
        }
        match self.state {
            State::Running => {
                let (action, mut view) = self.scene(now, out);
                let step = action.handle_event(event, &mut view);
                self.resume(step, now, out);
            }
            State::Preparing => {
                let (action, _) = self.scene(now, out);
                if action.media() <= self.media {
                    let step = self.begin(now, out);
                    self.resume(step, now, out);
                }
            }
            State::Idle | State::Ended => {}
        }
    }

    /// When `handle_timeout` is due, and why.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        match self.state {
            State::Running => self.memory.wait.earliest(),
            State::Idle | State::Preparing | State::Ended => None,
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<CallOrder>) {
        if self.poll_timeout().is_some_and(|(at, _)| at <= now) {
            let (action, mut view) = self.scene(now, out);
            let step = action.handle_timeout(&mut view);
            self.resume(step, now, out);
        }
    }

    /// Whether the flow is over: no more orders come.
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// The present action and what it sees.
    fn scene<'a>(
        &'a mut self,
        now: Instant,
        out: &'a mut Vec<CallOrder>,
    ) -> (&'a dyn Action, View<'a>) {
        let action = self.flow.node(self.place).action();
        (
            action,
            View::new(&self.flow, self.place, &mut self.memory, now, out),
        )
    }

    /// The present action said something after an event. Only one that succeeds
    /// after some time has waited: what fails in a loop would spin.
    fn resume(&mut self, step: Step, now: Instant, out: &mut Vec<CallOrder>) {
        match step {
            Step::Next | Step::Jump(_) if now > self.began => self.without_waiting = 0,
            Step::Next
            | Step::Jump(_)
            | Step::Wait
            | Step::Fail(_)
            | Step::HangUp(_)
            | Step::Stop => {}
        }
        self.follow(step, now, out);
    }

    /// Goes on until an action waits or the flow is over.
    fn follow(&mut self, mut step: Step, now: Instant, out: &mut Vec<CallOrder>) {
        loop {
            let place = match step {
                Step::Wait => return,
                Step::Next => self.flow.after(self.place),
                Step::Jump(place) => place,
                Step::Fail(reason) => {
                    self.report(reason, out);
                    self.flow.after(self.place)
                }
                Step::HangUp(reason) => return self.hang_up(reason, out),
                Step::Stop => {
                    self.end();
                    out.push(CallOrder::Stopped);
                    return;
                }
            };
            step = self.enter(place, now, out);
        }
    }

    /// Comes to an action: brings up its media, or begins it when there is.
    fn enter(&mut self, place: u32, now: Instant, out: &mut Vec<CallOrder>) -> Step {
        if !self.flow.has(place) {
            return Step::HangUp(HangUpReason::Normal);
        }
        if self.without_waiting == MAX_ACTIONS_WITHOUT_WAITING {
            let reason = format!("{MAX_ACTIONS_WITHOUT_WAITING} actions ran and none waited");
            self.report(reason, out);
            return Step::HangUp(HangUpReason::Failed);
        }
        self.without_waiting += 1;
        self.place = place;
        self.began = now;
        self.memory.wait = Wait::default();
        let node = self.flow.node(place);
        out.push(CallOrder::ActionStarted {
            id: node.id().clone(),
            action: node.name(),
        });
        let media = node.action().media();
        if media <= self.media {
            return self.begin(now, out);
        }
        self.state = State::Preparing;
        out.push(match media {
            Media::Early => CallOrder::EarlyMedia,
            Media::None | Media::Answered => CallOrder::Answer,
        });
        Step::Wait
    }

    fn begin(&mut self, now: Instant, out: &mut Vec<CallOrder>) -> Step {
        self.state = State::Running;
        let (action, mut view) = self.scene(now, out);
        action.start(&mut view)
    }

    /// Says that the present action failed.
    fn report(&self, reason: String, out: &mut Vec<CallOrder>) {
        let node = self.flow.node(self.place);
        out.push(CallOrder::ActionFailed {
            id: node.id().clone(),
            action: node.name(),
            reason,
        });
    }

    fn hang_up(&mut self, reason: HangUpReason, out: &mut Vec<CallOrder>) {
        self.end();
        out.push(CallOrder::HangUp { reason });
    }

    fn end(&mut self) {
        self.state = State::Ended;
    }
}
