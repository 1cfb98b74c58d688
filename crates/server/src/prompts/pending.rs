//! The signalling side: what is known at once, and who waits for the library.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use strowger_media::player::Prompt;
use strowger_media::vocabulary::{PlayId, PortId};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Library;

/// How long an answer of the library is taken as true; then it looks at the
/// file again.
const FRESH: Duration = Duration::from_secs(1);

/// Names whose prompt is at hand on the signalling side.
const MAX_AT_HAND: usize = 4096;

/// Prompts of one order, in its order.
pub type Resolved = Arc<[Arc<Prompt>]>;

/// What to play, and where.
#[derive(Clone, Debug)]
pub struct PlayOrder {
    /// The port.
    pub port: PortId,
    /// Comes back in `PlayDone`.
    pub play: PlayId,
    /// How often; 0 = until stopped.
    pub loops: u32,
}

/// What the library answers.
#[derive(Debug)]
pub struct Reply {
    ticket: u64,
    names: Arc<[Arc<str>]>,
    result: Result<Resolved, String>,
}

/// An order that waited, and what became of it.
#[derive(Debug)]
pub struct Loaded {
    /// The order.
    pub order: PlayOrder,
    /// Its prompts, or a sentence saying which could not be had and why.
    pub result: Result<Resolved, String>,
}

/// Starts the library's thread. It ends when the `Prompts` are dropped.
pub fn spawn_library(library: Library) -> io::Result<(Prompts, UnboundedReceiver<Reply>)> {
    let (requests, requests_out) = channel();
    let (replies_in, replies) = unbounded_channel();
    std::thread::Builder::new()
        .name("prompts".to_owned())
        .spawn(move || serve(library, &requests_out, &replies_in))?;
    let prompts = Prompts {
        requests,
        at_hand: HashMap::new(),
        waiting: HashMap::new(),
        ticket_of: HashMap::new(),
        next_ticket: 0,
    };
    Ok((prompts, replies))
}

/// The signalling side of the library. At most one order a port waits in it.
#[derive(Debug)]
pub struct Prompts {
    requests: Sender<Request>,
    at_hand: HashMap<Arc<str>, AtHand>,
    waiting: HashMap<u64, PlayOrder>,
    ticket_of: HashMap<PortId, u64>,
    next_ticket: u64,
}

impl Prompts {
    /// The prompts, if all are at hand; else the order waits for a [`Reply`].
    pub fn play(
        &mut self,
        order: &PlayOrder,
        names: &Arc<[Arc<str>]>,
        now: Instant,
    ) -> Option<Resolved> {
        let at_hand = |name: &Arc<str>| {
            let known = self.at_hand.get(name)?;
            (now.saturating_duration_since(known.since) < FRESH).then(|| Arc::clone(&known.prompt))
        };
        if let Some(prompts) = names.iter().map(at_hand).collect() {
            return Some(prompts);
        }
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        let names = Arc::clone(names);
        self.cancel(order.port);
        self.waiting.insert(ticket, order.clone());
        self.ticket_of.insert(order.port, ticket);
        self.requests
            .send(Request { ticket, names })
            .expect("the library's thread ends only after this sender");
        None
    }

    /// Forgets the order of that port, if one waits.
    pub fn cancel(&mut self, port: PortId) -> Option<PlayId> {
        let ticket = self.ticket_of.remove(&port)?;
        self.waiting.remove(&ticket).map(|order| order.play)
    }

    /// Takes the library's answer; `None` when nobody waits for it any more.
    pub fn handle_reply(&mut self, reply: Reply, now: Instant) -> Option<Loaded> {
        if let Ok(prompts) = &reply.result {
            if self.at_hand.len() + prompts.len() > MAX_AT_HAND {
                self.at_hand.clear();
            }
            for (name, prompt) in reply.names.iter().zip(prompts.iter()) {
                let known = AtHand {
                    prompt: Arc::clone(prompt),
                    since: now,
                };
                self.at_hand.insert(Arc::clone(name), known);
            }
        }
        let order = self.waiting.remove(&reply.ticket)?;
        self.ticket_of.remove(&order.port);
        Some(Loaded {
            order,
            result: reply.result,
        })
    }

    /// Orders that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[derive(Debug)]
struct AtHand {
    prompt: Arc<Prompt>,
    since: Instant,
}

#[derive(Debug)]
struct Request {
    ticket: u64,
    names: Arc<[Arc<str>]>,
}

/// A file that makes its reader panic fails alone: without this thread there would
/// be no prompt for anybody.
fn read(library: &mut Library, name: &str) -> Result<Arc<Prompt>, String> {
    let read = AssertUnwindSafe(|| library.get(name));
    match catch_unwind(read) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err(format!("prompt {name:?}: the file cannot be read")),
    }
}

fn serve(mut library: Library, requests: &Receiver<Request>, replies: &UnboundedSender<Reply>) {
    while let Ok(Request { ticket, names }) = requests.recv() {
        let result = names.iter().map(|name| read(&mut library, name)).collect();
        let reply = Reply {
            ticket,
            names,
            result,
        };
        if replies.send(reply).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::prompts::{LibraryLimits, MediaFolder};
    use crate::test_folder::TestFolder;

    fn order(slot: u32, play: u32) -> PlayOrder {
        PlayOrder {
            port: PortId {
                worker: 0,
                slot,
                generation: 0,
            },
            play: PlayId(play),
            loops: 1,
        }
    }

    fn names(names: &[&str]) -> Arc<[Arc<str>]> {
        names.iter().map(|&name| Arc::from(name)).collect()
    }

    fn started(folder: &Path) -> (Prompts, UnboundedReceiver<Reply>) {
        let limits = LibraryLimits {
            max_prompt_s: 10,
            max_cached_s: 100,
        };
        spawn_library(Library::new(MediaFolder::new(folder).unwrap(), limits)).unwrap()
    }

    fn folder_with_prompt(name: &str) -> TestFolder {
        let folder = TestFolder::new(name);
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(folder.path().join("a.wav"), spec).unwrap();
        (0..800).for_each(|n| writer.write_sample(n as i16).unwrap());
        writer.finalize().unwrap();
        folder
    }

    #[test]
    fn what_was_loaded_is_at_hand_for_a_second() {
        let folder = folder_with_prompt("pending");
        let (mut prompts, mut replies) = started(folder.path());
        let (now, list) = (Instant::now(), names(&["a.wav", "file:a.wav"]));
        assert!(prompts.play(&order(1, 1), &list, now).is_none());
        let loaded = prompts
            .handle_reply(replies.blocking_recv().unwrap(), now)
            .unwrap();
        assert_eq!(
            (loaded.order.play, loaded.result.unwrap().len()),
            (PlayId(1), 2)
        );
        assert!(prompts.play(&order(2, 1), &list, now).is_some());
        assert!(prompts.play(&order(2, 2), &list, now + FRESH).is_none());
        assert_eq!(prompts.waiting(), 1);
    }

    #[test]
    fn an_order_replaced_or_cancelled_while_it_loads_is_not_played() {
        let folder = folder_with_prompt("replaced");
        let (mut prompts, mut replies) = started(folder.path());
        let (now, list) = (Instant::now(), names(&["a.wav"]));
        prompts.play(&order(1, 1), &list, now);
        prompts.play(&order(1, 2), &list, now);
        prompts.play(&order(2, 7), &list, now);
        assert_eq!(prompts.cancel(order(2, 0).port), Some(PlayId(7)));
        assert_eq!(prompts.cancel(order(2, 0).port), None);
        let mut played = Vec::new();
        for _ in 0..3 {
            let reply = replies.blocking_recv().unwrap();
            played.extend(
                prompts
                    .handle_reply(reply, now)
                    .map(|loaded| loaded.order.play),
            );
        }
        assert_eq!(played, [PlayId(2)]);
        assert_eq!(prompts.waiting(), 0);
    }

    #[test]
    fn one_missing_prompt_fails_the_order_with_its_name() {
        let folder = folder_with_prompt("missing");
        let (mut prompts, mut replies) = started(folder.path());
        let now = Instant::now();
        prompts.play(&order(1, 1), &names(&["a.wav", "b.wav"]), now);
        let loaded = prompts
            .handle_reply(replies.blocking_recv().unwrap(), now)
            .unwrap();
        assert!(loaded.result.unwrap_err().contains("b.wav"));
    }
}
