//! Runs SIPp with a file of `sipp-scenarios/` against a server of a test.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::server::Server;

/// One run of SIPp. Made by `Sipp::scenario` or `Sipp::built_in`.
pub struct Sipp {
    scenario: [String; 2],
    name: String,
    user: String,
    password: Option<String>,
    transport: &'static str,
    ipv6: bool,
    calls: u32,
    rate: u32,
    hold_ms: u32,
}

/// What SIPp counted.
#[derive(Debug)]
pub struct Outcome {
    pub successful: u64,
    pub failed: u64,
    /// Retransmissions SIPp sent.
    pub retransmissions: u64,
    /// By message, as in `4_200_Retrans`.
    pub counts: HashMap<String, u64>,
}

impl Sipp {
    /// A file of `sipp-scenarios/`, without its ending.
    pub fn scenario(name: &str) -> Self {
        let file = root().join("sipp-scenarios").join(format!("{name}.xml"));
        assert!(file.exists(), "{} is missing", file.display());
        Self::new(name, ["-sf".into(), file.display().to_string()])
    }

    /// One of SIPp's own scenarios.
    pub fn built_in(name: &str) -> Self {
        Self::new(name, ["-sn".into(), name.into()])
    }

    fn new(name: &str, scenario: [String; 2]) -> Self {
        Self {
            scenario,
            name: name.into(),
            user: "answer".into(),
            password: None,
            transport: "u1",
            ipv6: false,
            calls: 1,
            rate: 10,
            hold_ms: 0,
        }
    }

    /// The user to call; `answer` unless told.
    pub fn user(mut self, user: &str) -> Self {
        user.clone_into(&mut self.user);
        self
    }

    /// Answers challenges as the user, with this password.
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// `t1`: TCP, one connection; `tn`: TCP, one for each call.
    pub fn transport(mut self, transport: &'static str) -> Self {
        self.transport = transport;
        self
    }

    /// From and to `::1`.
    pub fn ipv6(mut self) -> Self {
        self.ipv6 = true;
        self
    }

    /// That many calls, so many a second.
    pub fn calls(mut self, calls: u32, rate: u32) -> Self {
        self.calls = calls;
        self.rate = rate;
        self
    }

    /// Length of the pauses that the scenario leaves open.
    pub fn hold_ms(mut self, hold_ms: u32) -> Self {
        self.hold_ms = hold_ms;
        self
    }

    /// Runs it. Panics with SIPp's own words unless every call succeeded.
    pub fn run(self, server: &Server) -> Outcome {
        let folder = server.folder().join(format!("sipp-{}", self.name));
        fs::create_dir_all(&folder).expect("a folder for SIPp");
        // Scenarios name what they play by these two relative paths.
        let _ = symlink(root().join("sipp-scenarios"), folder.join("sipp-scenarios"));
        let _ = symlink("/usr/share/sip-tester", folder.join("pcap"));
        let output = self
            .command(server, &folder)
            .output()
            .expect("timeout and sipp run; scripts/setup --test installs them");
        let outcome = Outcome::read(&folder);
        let clean = output.status.success() && outcome.failed == 0;
        assert!(
            clean && outcome.successful == u64::from(self.calls),
            "SIPp {} ended with {}: {} of {} calls successful, {} failed\n{}",
            self.name,
            output.status,
            outcome.successful,
            self.calls,
            outcome.failed,
            complaints(&folder),
        );
        outcome
    }

    fn command(&self, server: &Server, folder: &Path) -> Command {
        let (local, remote) = if self.ipv6 {
            ("[::1]", format!("[::1]:{}", server.ports().sip()))
        } else {
            ("127.0.0.1", format!("127.0.0.1:{}", server.ports().sip()))
        };
        let ports = server.ports();
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=2", "90", "sipp", &remote])
            .args(&self.scenario)
            .args(["-s", &self.user, "-t", self.transport, "-nostdin"])
            .args(["-i", local, "-p", &ports.peer_sip().to_string()])
            .args(["-cp", &ports.peer_control().to_string()])
            .args(["-mp", &ports.peer_media().0.to_string()])
            .args(["-m", &self.calls.to_string()])
            .args(["-r", &self.rate.to_string()])
            .args(["-l", &(self.calls + 1).to_string()])
            .args(["-d", &self.hold_ms.to_string()])
            .args(["-max_socket", "500"])
            .args(["-recv_timeout", "30000", "-timeout", "80s"])
            .args(["-trace_stat", "-stf", "statistics.csv", "-fd", "1"])
            .args(["-trace_counts", "-trace_err", "-error_file", "errors.log"])
            .current_dir(folder)
            .stdin(Stdio::null());
        if let Some(password) = &self.password {
            command.args(["-au", &self.user, "-ap", password]);
        }
        if self.calls < 10 {
            command.args(["-trace_msg", "-message_file", "messages.log"]);
        }
        command
    }
}

impl Outcome {
    fn read(folder: &Path) -> Self {
        let totals = last_row(&folder.join("statistics.csv"));
        let total = |name: &str| totals.get(name).copied().unwrap_or(u64::MAX);
        Self {
            successful: total("SuccessfulCall(C)"),
            failed: total("FailedCall(C)"),
            retransmissions: total("Retransmissions(C)"),
            counts: find(folder, "_counts.csv")
                .map(|path| last_row(&path))
                .unwrap_or_default(),
        }
    }

    /// A column of SIPp's counts, as `4_200_Retrans`.
    pub fn count(&self, column: &str) -> u64 {
        *self
            .counts
            .get(column)
            .unwrap_or_else(|| panic!("no column {column} in {:?}", self.counts.keys()))
    }

    /// No message came or went a second time.
    pub fn assert_no_retransmission(&self) {
        assert_eq!(self.retransmissions, 0, "sent again: {:?}", self.repeated());
        assert!(
            self.repeated().is_empty(),
            "came again: {:?}",
            self.repeated()
        );
    }

    fn repeated(&self) -> Vec<(&String, &u64)> {
        self.counts
            .iter()
            .filter(|(column, count)| column.ends_with("_Retrans") && **count > 0)
            .collect()
    }
}

/// The last line of one of SIPp's tables by the names of its first line; what is
/// no number is left out.
fn last_row(path: &Path) -> HashMap<String, u64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let (Some(names), Some(values)) = (text.lines().next(), text.lines().last()) else {
        return HashMap::new();
    };
    names
        .split(';')
        .zip(values.split(';'))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

fn complaints(folder: &Path) -> String {
    let mut text = String::new();
    for name in ["errors.log", "messages.log"] {
        if let Ok(content) = fs::read_to_string(folder.join(name)) {
            let _ = writeln!(text, "--- {name}\n{content}");
        }
    }
    text
}

fn find(folder: &Path, ending: &str) -> Option<PathBuf> {
    fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.to_string_lossy().ends_with(ending))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
