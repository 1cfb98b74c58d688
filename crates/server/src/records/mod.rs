//! Call records: one JSON line a call, written by a thread of its own so that a
//! slow or full disk costs records, never a call.

mod line;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use strowger_switch::record::CallRecord;

/// How long a record may wait in memory.
const FLUSH: Duration = Duration::from_secs(1);

/// How long records gather before they are written together: waking the writer
/// for each would cost the signalling thread more than the record.
const GATHER: Duration = Duration::from_millis(250);

/// Counters of the records.
#[derive(Debug, Default)]
pub struct RecordStats {
    /// Records written.
    pub written: AtomicU64,
    /// Records lost: the queue was full, or the file could not be written.
    pub lost: AtomicU64,
}

/// Where records go in.
#[derive(Debug)]
pub struct Records {
    queue: SyncSender<Box<CallRecord>>,
    stats: Arc<RecordStats>,
}

impl Records {
    /// Hands a record over; a full queue loses it, counted.
    pub fn write(&self, record: Box<CallRecord>) {
        match self.queue.try_send(record) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.stats.lost.fetch_add(1, Relaxed);
            }
        }
    }
}

/// Opens `file` for appending, makes its folder if there is none, and starts the
/// writer. Up to `max_waiting` records wait for it. It ends, with everything
/// written, when the `Records` are dropped.
pub fn spawn(
    file: &Path,
    max_waiting: usize,
    stats: Arc<RecordStats>,
) -> io::Result<(Records, JoinHandle<()>)> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(file)?;
    let (queue, queue_out) = sync_channel(max_waiting);
    let writer = Writer {
        file: BufWriter::new(file),
        queue: queue_out,
        stats: Arc::clone(&stats),
        unflushed: 0,
        failing: false,
    };
    let thread = std::thread::Builder::new()
        .name("records".to_owned())
        .spawn(move || writer.run())?;
    Ok((Records { queue, stats }, thread))
}

struct Writer {
    file: BufWriter<File>,
    queue: Receiver<Box<CallRecord>>,
    stats: Arc<RecordStats>,
    unflushed: u64,
    failing: bool,
}

impl Writer {
    fn run(mut self) {
        let mut line = Vec::with_capacity(1024);
        let mut flush_at = Instant::now() + FLUSH;
        loop {
            let wait = flush_at.saturating_duration_since(Instant::now());
            match self.queue.recv_timeout(wait) {
                Ok(record) => {
                    self.write(&record, &mut line);
                    std::thread::sleep(GATHER);
                    while let Ok(record) = self.queue.try_recv() {
                        self.write(&record, &mut line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.flush();
                    return;
                }
            }
            if Instant::now() >= flush_at {
                self.flush();
                flush_at = Instant::now() + FLUSH;
            }
        }
    }

    fn write(&mut self, record: &CallRecord, line: &mut Vec<u8>) {
        line.clear();
        line::write(record, line);
        self.unflushed += 1;
        if let Err(error) = self.file.write_all(line) {
            self.failed(&error);
        }
    }

    fn flush(&mut self) {
        if self.unflushed == 0 {
            return;
        }
        match self.file.flush() {
            Ok(()) => {
                self.stats.written.fetch_add(self.unflushed, Relaxed);
                self.unflushed = 0;
                if std::mem::take(&mut self.failing) {
                    tracing::info!("call records are written again");
                }
            }
            Err(error) => self.failed(&error),
        }
    }

    /// What waits is given up, so that a disk that stays full takes no memory.
    fn failed(&mut self, error: &io::Error) {
        self.stats.lost.fetch_add(self.unflushed, Relaxed);
        self.unflushed = 0;
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(%error, "call records cannot be written and are lost");
        }
        if let Ok(file) = self.file.get_ref().try_clone() {
            let old = std::mem::replace(&mut self.file, BufWriter::new(file));
            drop(old.into_parts());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    fn record(id: &str) -> Box<CallRecord> {
        Box::new(CallRecord {
            id: id.to_owned(),
            ..CallRecord::default()
        })
    }

    #[test]
    fn records_are_appended_and_complete_when_the_writer_ends() {
        let folder = TestFolder::new("records");
        let file = folder.path().join("new/calls.jsonl");
        for run in 0..2 {
            let stats = Arc::new(RecordStats::default());
            let (records, thread) = spawn(&file, 1000, Arc::clone(&stats)).unwrap();
            for n in 0..100 {
                records.write(record(&format!("{run}-{n}")));
            }
            drop(records);
            thread.join().unwrap();
            assert_eq!(stats.written.load(Relaxed), 100);
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let ids: Vec<String> = text
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).unwrap()["id"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(ids.len(), 200);
        assert_eq!((&ids[0][..], &ids[199][..]), ("0-0", "1-99"));
    }

    #[test]
    fn a_full_disk_costs_records_and_is_counted() {
        let stats = Arc::new(RecordStats::default());
        let (records, thread) = spawn(Path::new("/dev/full"), 1000, Arc::clone(&stats)).unwrap();
        for n in 0..100 {
            records.write(record(&n.to_string()));
        }
        drop(records);
        thread.join().unwrap();
        assert_eq!(
            (stats.written.load(Relaxed), stats.lost.load(Relaxed)),
            (0, 100)
        );
    }

    #[test]
    fn a_full_queue_never_blocks() {
        let (queue, waiting) = sync_channel(2);
        let stats = Arc::new(RecordStats::default());
        let records = Records {
            queue,
            stats: Arc::clone(&stats),
        };
        for n in 0..5 {
            records.write(record(&n.to_string()));
        }
        assert_eq!(stats.lost.load(Relaxed), 3);
        drop(waiting);
    }
}
