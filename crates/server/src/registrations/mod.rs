//! Registrations over a restart: a file of one JSON object for each contact, read
//! at the start, and replaced as a whole by a thread of its own, at most once
//! a second and at the end. A disk that is slow or full delays nobody: the file
//! then says what was so a while ago, and phones refresh in time anyway.

mod line;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use strowger_switch::registration::KeptRegistration;

/// How often the file is written at most.
const EVERY: Duration = Duration::from_secs(1);

/// The longest line that is read, in octets.
const MAX_LINE_BYTES: u64 = 16_384;

/// Where changes go in.
#[derive(Debug)]
pub struct Registrations {
    queue: SyncSender<Box<KeptRegistration>>,
}

impl Registrations {
    /// Hands a change over. A queue that is full, because the disk does not
    /// answer, loses it: the next refresh of that user mends it.
    pub fn keep(&self, registration: Box<KeptRegistration>) {
        match self.queue.try_send(registration) {
            Ok(()) => {}
            Err(TrySendError::Full(lost) | TrySendError::Disconnected(lost)) => {
                tracing::debug!(user = &*lost.aor, "a registration is not kept");
            }
        }
    }
}

/// What `file` keeps, by user; nothing when there is no file yet. Lines that make
/// no sense are counted in the log and left out.
pub fn load(file: &Path) -> io::Result<Vec<KeptRegistration>> {
    let mut reader = match File::open(file) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut users: BTreeMap<Arc<str>, KeptRegistration> = BTreeMap::new();
    let mut broken = 0_u64;
    let mut text = Vec::new();
    loop {
        text.clear();
        let mut limited = io::Read::take(&mut reader, MAX_LINE_BYTES);
        if limited.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        let Some((aor, contact)) = line::read(&text) else {
            broken += 1;
            continue;
        };
        let user = users.entry(Arc::clone(&aor));
        let user = user.or_insert_with(|| KeptRegistration {
            aor,
            contacts: Vec::new(),
        });
        user.contacts.push(contact);
    }
    if broken > 0 {
        tracing::warn!(file = %file.display(), broken, "lines of kept registrations make no sense");
    }
    Ok(users.into_values().collect())
}

/// Makes the folder of `file` if there is none and starts the writer, which begins
/// with `known`. Up to `max_waiting` changes wait for it. It ends, with everything
/// written, when the `Registrations` are dropped.
pub fn spawn(
    file: &Path,
    known: &[KeptRegistration],
    max_waiting: usize,
) -> io::Result<(Registrations, JoinHandle<()>)> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let (queue, queue_out) = sync_channel(max_waiting);
    let mut writer = Writer {
        file: file.to_owned(),
        lines: BTreeMap::new(),
        failing: false,
    };
    for registration in known {
        writer.take(registration);
    }
    // What cannot be written shall be known at the start.
    writer.write()?;
    let thread = std::thread::Builder::new()
        .name("registrations".to_owned())
        .spawn(move || writer.run(&queue_out))?;
    Ok((Registrations { queue }, thread))
}

struct Writer {
    file: PathBuf,
    /// The lines of each user.
    lines: BTreeMap<Arc<str>, Box<[u8]>>,
    failing: bool,
}

impl Writer {
    fn run(mut self, queue: &Receiver<Box<KeptRegistration>>) {
        while let Ok(change) = queue.recv() {
            self.take(&change);
            // What comes within the second is written together; the end of the
            // queue ends the wait.
            let until = std::time::Instant::now() + EVERY;
            loop {
                let left = until.saturating_duration_since(std::time::Instant::now());
                match queue.recv_timeout(left) {
                    Ok(change) => self.take(&change),
                    Err(_) => break,
                }
            }
            let result = self.write();
            self.report(result);
        }
    }

    fn take(&mut self, registration: &KeptRegistration) {
        let mut lines = Vec::with_capacity(256 * registration.contacts.len());
        for contact in &registration.contacts {
            line::write(&registration.aor, contact, &mut lines);
        }
        if lines.is_empty() {
            self.lines.remove(&registration.aor);
        } else {
            let lines = lines.into_boxed_slice();
            self.lines.insert(Arc::clone(&registration.aor), lines);
        }
    }

    /// Beside the file first and then in its place, so that it is whole whenever
    /// the power fails.
    fn write(&self) -> io::Result<()> {
        let mut name = self.file.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = self.file.with_file_name(name);
        let mut out = BufWriter::new(private(&part)?);
        for lines in self.lines.values() {
            out.write_all(lines)?;
        }
        out.into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_data()?;
        fs::rename(part, &self.file)
    }

    fn report(&mut self, result: io::Result<()>) {
        let failed = result.is_err();
        let changed = self.failing != failed;
        self.failing = failed;
        match result {
            Err(error) if changed => {
                tracing::warn!(%error, "registrations cannot be kept");
            }
            Ok(()) if changed => tracing::info!("registrations are kept again"),
            Ok(()) | Err(_) => {}
        }
    }
}

/// A new file that only we can read: it says where people are.
fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use strowger_sip::transport::{ListenerId, Transport};
    use strowger_switch::registration::KeptContact;

    use super::*;
    use crate::test_folder::TestFolder;

    fn registration(aor: &str, contacts: &[&'static str]) -> KeptRegistration {
        let contact = |text: &&'static str| KeptContact {
            contact: Bytes::from_static(text.as_bytes()),
            call_id: Bytes::from_static(b"a\"b"),
            cseq: 7,
            path: Bytes::new(),
            transport: Transport::Tcp,
            listener: ListenerId(3),
            remote: "[2001:db8::1]:5062".parse().unwrap(),
            expires_ms: 1_700_000_000_123,
        };
        KeptRegistration {
            aor: aor.into(),
            contacts: contacts.iter().map(contact).collect(),
        }
    }

    #[test]
    fn what_was_kept_comes_back() {
        let folder = TestFolder::new("registrations");
        let file = folder.path().join("new/registrations.jsonl");
        assert_eq!(load(&file).unwrap(), []);
        let two = registration("1001", &["<sip:a@h>", "<sip:b@h>;q=0.5"]);
        {
            let (kept, thread) = spawn(&file, &[], 16).unwrap();
            kept.keep(Box::new(registration("1001", &["<sip:old@h>"])));
            kept.keep(Box::new(registration("1002", &["<sip:c@h>"])));
            kept.keep(Box::new(two.clone()));
            drop(kept);
            thread.join().unwrap();
        }
        let known = load(&file).unwrap();
        assert_eq!(known, [two.clone(), registration("1002", &["<sip:c@h>"])]);
        let (kept, thread) = spawn(&file, &known, 16).unwrap();
        kept.keep(Box::new(registration("1002", &[])));
        drop(kept);
        thread.join().unwrap();
        assert_eq!(load(&file).unwrap(), [two]);
    }

    #[test]
    fn a_broken_file_costs_its_broken_lines() {
        let folder = TestFolder::new("broken-registrations");
        let file = folder.path().join("registrations.jsonl");
        let (kept, thread) = spawn(&file, &[registration("1001", &["<sip:a@h>"])], 16).unwrap();
        drop(kept);
        thread.join().unwrap();
        let mut text = b"{}\nnonsense\n\xff\n{\"user\":\"x\"\n".to_vec();
        text.extend(vec![b'9'; 40_000]);
        text.push(b'\n');
        text.extend(fs::read(&file).unwrap());
        text.extend(b"{\"user\":\"1003\",\"conta");
        fs::write(&file, &text).unwrap();
        assert_eq!(load(&file).unwrap(), [registration("1001", &["<sip:a@h>"])]);
        for at in (0..text.len()).step_by(501) {
            fs::write(&file, &text[..at]).unwrap();
            load(&file).unwrap();
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_known_at_the_start() {
        assert!(spawn(Path::new("/proc/nothing/registrations"), &[], 16).is_err());
    }
}
