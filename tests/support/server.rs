//! The real binary on ports of its own, with a configuration made for the test.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::lines::Lines;
use super::ports::PortBlock;
use super::settings::Settings;
use super::until;

const START: Duration = Duration::from_secs(20);
const STOP: Duration = Duration::from_secs(20);

static STARTED: AtomicU32 = AtomicU32::new(0);

/// A running Strowger. When it goes out of scope it is stopped with SIGTERM
/// and has to end cleanly, unless the test has failed already.
pub struct Server {
    child: Child,
    ports: PortBlock,
    folder: PathBuf,
    lines: Lines,
    ended: bool,
}

/// An HTTP response.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Server {
    /// Starts it and waits until it says that it is ready.
    pub fn start(settings: &Settings) -> Self {
        let ports = PortBlock::take();
        let folder = new_folder();
        let file = settings.write(&ports, &folder);
        let mut child = spawn(&file);
        let lines = Lines::default();
        lines.feed(child.stdout.take().expect("a pipe"));
        lines.feed(child.stderr.take().expect("a pipe"));
        let server = Self {
            child,
            ports,
            folder,
            lines,
            ended: false,
        };
        assert!(
            server.lines.wait_for("ready listeners", START).is_some(),
            "the server did not start:\n{}",
            server.lines.all().join("\n")
        );
        server
    }

    /// With what most tests need.
    pub fn usual() -> Self {
        Self::start(&Settings::default())
    }

    /// Stops it and starts it again on the same ports and in the same folder.
    pub fn restart(&mut self) {
        self.stop();
        self.child = spawn(&self.folder.join("strowger.toml"));
        self.lines = Lines::default();
        self.lines.feed(self.child.stdout.take().expect("a pipe"));
        self.lines.feed(self.child.stderr.take().expect("a pipe"));
        self.ended = false;
        assert!(
            self.lines.wait_for("ready listeners", START).is_some(),
            "the server did not start again:\n{}",
            self.lines.all().join("\n")
        );
    }

    pub fn ports(&self) -> &PortBlock {
        &self.ports
    }

    /// A folder of the test's own.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it listens for SIP over IPv4.
    pub fn sip(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.sip()).into()
    }

    /// Where it listens for SIP over IPv6.
    pub fn sip_v6(&self) -> SocketAddr {
        (Ipv6Addr::LOCALHOST, self.ports.sip()).into()
    }

    pub fn log(&self) -> &Lines {
        &self.lines
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// GET from its HTTP listener.
    pub fn get(&self, path: &str) -> Page {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports.http()))
            .expect("the HTTP listener takes connections");
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("a request sent");
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .expect("a timeout above zero");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("a response");
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let status = head.split(' ').nth(1).expect("a status line");
        Page {
            status: status.parse().expect("a number"),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// A counter or gauge of whole numbers; `name` is all that stands before the
    /// value.
    pub fn metric(&self, name: &str) -> u64 {
        let page = self.get("/metrics");
        page.body
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
            .unwrap_or_else(|| panic!("no metric {name} in\n{}", page.body))
    }

    /// Call records written so far.
    pub fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join("calls.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a JSON record a line"))
            .collect()
    }

    /// The record of the call with this Call-ID; waits for it.
    pub fn record(&self, call_id: &str) -> Value {
        until("a call record", Duration::from_secs(5), || {
            self.records()
                .into_iter()
                .find(|record| record["sip_call_id"] == call_id)
        })
    }

    /// Sends a signal, as in `libc::SIGTERM`.
    pub fn signal(&self, signal: libc::c_int) {
        let pid = libc::pid_t::try_from(self.child.id()).expect("a process id");
        // SAFETY: kill takes two numbers and touches no memory of ours; the
        // process has not been waited for, so the id is still its own.
        let result = unsafe { libc::kill(pid, signal) };
        assert_eq!(result, 0, "signal {signal} to the server");
    }

    /// Waits for the process to end by itself.
    pub fn wait_for_exit(&mut self, timeout: Duration) -> ExitStatus {
        self.lines.wait_for_end(timeout);
        let status = until("the server's end", Duration::from_secs(2), || {
            self.child.try_wait().expect("our own child")
        });
        self.ended = true;
        status
    }

    /// Stops it with SIGTERM and asserts that it ends cleanly.
    pub fn stop(&mut self) {
        self.signal(libc::SIGTERM);
        let status = self.wait_for_exit(STOP);
        assert!(status.success(), "the server ended with {status}");
        for line in self.lines.all() {
            assert!(!line.contains("panicked"), "the server panicked: {line}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.child.kill();
            let _ = self.child.wait();
            let lines = self.lines.all();
            let last = lines.len().saturating_sub(60);
            eprintln!("--- the server's last words\n{}", lines[last..].join("\n"));
            eprintln!("--- its folder: {}", self.folder.display());
        } else {
            if !self.ended {
                self.stop();
            }
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The binary with any arguments, run to its end.
pub fn strowger(arguments: &[&str]) -> Run {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_strowger"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let lines = Lines::default();
    lines.feed(child.stdout.take().expect("a pipe"));
    lines.feed(child.stderr.take().expect("a pipe"));
    lines.wait_for_end(Duration::from_secs(20));
    if started.elapsed() >= Duration::from_secs(20) {
        let _ = child.kill();
    }
    Run {
        status: child.wait().expect("our own child"),
        text: lines.all().join("\n"),
    }
}

/// How a run of the binary ended and what it said.
#[derive(Debug)]
pub struct Run {
    pub status: ExitStatus,
    pub text: String,
}

/// An empty folder below the build's, unlike any other.
pub fn new_folder() -> PathBuf {
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-{number}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn spawn(file: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_strowger"))
        .args(["run", "--config"])
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs")
}
