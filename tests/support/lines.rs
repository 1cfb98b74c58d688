//! The output of a child process, line by line, to wait on.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// Lines that came so far. Clones share them; several streams may feed one.
#[derive(Clone, Default)]
pub struct Lines {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    open: usize,
}

impl Lines {
    /// Reads the stream on a thread of its own until it ends.
    pub fn feed(&self, stream: impl Read + Send + 'static) {
        self.shared
            .state
            .lock()
            .expect("no panic while locked")
            .open += 1;
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(length) if length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                let mut state = shared.state.lock().expect("no panic while locked");
                state.lines.push(text);
                shared.news.notify_all();
                line.clear();
            }
            shared.state.lock().expect("no panic while locked").open -= 1;
            shared.news.notify_all();
        });
    }

    /// The first line, past or to come, with `needle` in it; `None` when there
    /// is none in time or the streams have ended without it.
    pub fn wait_for(&self, needle: &str, timeout: Duration) -> Option<String> {
        let has = |state: &State| {
            let found = state.lines.iter().find(|line| line.contains(needle));
            found.cloned()
        };
        let state = self.shared.state.lock().expect("no panic while locked");
        let (state, _) = self
            .shared
            .news
            .wait_timeout_while(state, timeout, |state| {
                has(state).is_none() && state.open > 0
            })
            .expect("no panic while locked");
        has(&state)
    }

    /// Waits for the end of all streams.
    pub fn wait_for_end(&self, timeout: Duration) {
        let state = self.shared.state.lock().expect("no panic while locked");
        drop(
            self.shared
                .news
                .wait_timeout_while(state, timeout, |state| state.open > 0),
        );
    }

    /// All lines so far.
    pub fn all(&self) -> Vec<String> {
        let state = self.shared.state.lock().expect("no panic while locked");
        state.lines.clone()
    }

    pub fn contains(&self, needle: &str) -> bool {
        self.all().iter().any(|line| line.contains(needle))
    }
}
