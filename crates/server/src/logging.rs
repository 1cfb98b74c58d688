//! The log: lines to standard error, written by a thread of its own, so that a
//! terminal or pipe that does not take them never holds up a call.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogFormat, LogLevel, LogSettings};

/// Lines that may wait for the writer; more are lost, and the loss is told.
const MAX_WAITING_LINES: usize = 16_384;

/// How long lines gather before they are written together: waking the writer
/// for each would cost the waking thread more than the line.
const GATHER: Duration = Duration::from_millis(50);

/// Writes the log until it is dropped, which writes what waits.
#[derive(Debug)]
pub struct Log {
    lines: Lines,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// Makes this the process's log. The environment variable `STROWGER_LOG`
    /// goes before the level: directives as `info,strowger_server::net=debug`.
    pub fn start(settings: LogSettings) -> io::Result<Self> {
        let (lines_in, lines) = sync_channel(MAX_WAITING_LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let writer_lost = Arc::clone(&lost);
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_lines(&lines, &writer_lost, io::stderr()))?;
        let lines = Lines {
            queue: lines_in,
            lost,
        };
        let filter = EnvFilter::try_from_env("STROWGER_LOG")
            .unwrap_or_else(|_| EnvFilter::new(level(settings.level)));
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(lines.clone());
        let result = match settings.format {
            LogFormat::Text => subscriber.try_init(),
            LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
        };
        result.map_err(io::Error::other)?;
        Ok(Self {
            lines,
            thread: Some(thread),
        })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // The subscriber lives on with a sender of its own, so the end is a message.
        if self.lines.queue.send(Line::End).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    End,
}

/// Hands one line over at each `write`, as the formatter calls it.
#[derive(Clone, Debug)]
struct Lines {
    queue: SyncSender<Line>,
    lost: Arc<AtomicU64>,
}

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Line::Text(text.to_vec())).is_err() {
            self.lost.fetch_add(1, Relaxed);
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    }
}

/// Writes as many lines at once as have gathered.
fn write_lines(lines: &Receiver<Line>, lost: &AtomicU64, mut out: impl Write) {
    let mut text = Vec::with_capacity(1 << 16);
    let mut told = 0;
    while let Ok(first) = lines.recv() {
        if matches!(first, Line::Text(_)) {
            std::thread::sleep(GATHER);
        }
        let mut next = Some(first);
        let mut end = false;
        while let Some(line) = next {
            match line {
                Line::Text(line) => text.extend_from_slice(&line),
                Line::End => end = true,
            }
            next = if end || text.len() > 1 << 15 {
                None
            } else {
                lines.try_recv().ok()
            };
        }
        let gone = lost.load(Relaxed);
        if gone > told {
            let _ = writeln!(text, "{} lines of the log were lost", gone - told);
            told = gone;
        }
        // Nobody is left to tell when the log itself cannot be written.
        let _ = out.write_all(&text).and_then(|()| out.flush());
        text.clear();
        if end {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_in_order_and_losses_are_told() {
        let (queue, waiting) = sync_channel(3);
        let lost = Arc::new(AtomicU64::new(0));
        let mut lines = Lines {
            queue: queue.clone(),
            lost: Arc::clone(&lost),
        };
        for text in ["one\n", "two\n", "three\n", "four\n", "five\n"] {
            lines.write_all(text.as_bytes()).unwrap();
        }
        drop((lines, queue));
        let mut out = Vec::new();
        write_lines(&waiting, &lost, &mut out);
        assert_eq!(out, b"one\ntwo\nthree\n2 lines of the log were lost\n");
    }

    #[test]
    fn the_end_comes_after_what_waits() {
        let (queue, waiting) = sync_channel(10);
        for line in [
            Line::Text(b"last\n".to_vec()),
            Line::End,
            Line::Text(b"too late\n".to_vec()),
        ] {
            queue.send(line).unwrap();
        }
        let mut out = Vec::new();
        write_lines(&waiting, &AtomicU64::new(0), &mut out);
        assert_eq!(out, b"last\n");
    }
}
