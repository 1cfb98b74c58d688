//! Starts a bare program and lets it go.

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};

use crate::media::{MediaLoad, Mode};
use crate::process::Process;

/// A bare program that runs until this value is dropped.
pub struct Bare {
    child: Child,
    /// One address a stream.
    pub streams: Vec<SocketAddr>,
}

impl Bare {
    /// Starts what the mode is compared with: a reflector, or a sender to where
    /// `media` listens. `program` is this tool's own binary.
    pub fn start(
        program: &PathBuf,
        media: &MediaLoad,
        mode: Mode,
        connect: bool,
        streams: usize,
        ptime_ms: u32,
    ) -> anyhow::Result<Self> {
        let own = media.local_addresses()?;
        let ip = own.first().context("no media socket")?.ip();
        let mut command = Command::new(program);
        command.arg(match mode {
            Mode::Echo => "reflector",
            Mode::Receive | Mode::Idle => "sender",
        });
        command.args(["--ip", &ip.to_string()]);
        command.args(["--streams", &streams.to_string()]);
        command.args(["--ptime", &ptime_ms.to_string()]);
        if connect {
            command.arg("--connect");
        }
        for address in own {
            command.args(["--to", &address.to_string()]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = child.stdout.take().context("no pipe to the child")?;
        let mut bare = Self {
            child,
            streams: Vec::new(),
        };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        for word in line.split_whitespace() {
            let port = word.parse().context("the child speaks no ports")?;
            bare.streams.push(SocketAddr::new(ip, port));
        }
        if bare.streams.len() != streams {
            bail!("the bare program opened {} streams", bare.streams.len());
        }
        Ok(bare)
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process {
            pid: self.child.id(),
        }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It would end by itself when its standard input does, as it will should
        // this tool be killed; there is no reason to wait for that.
        let end = |child: &mut Child| -> io::Result<()> {
            child.kill()?;
            child.wait().map(|_| ())
        };
        let _ = end(&mut self.child);
    }
}
