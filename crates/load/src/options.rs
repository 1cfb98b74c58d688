//! The command line, and what is checked before anything is sent.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _, UdpSocket};

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use strowger_sip::message::Uri;

use crate::call::Line;
use crate::media::Mode;
use crate::process::Process;
use crate::sys::{CpuSet, wall_ns};

/// The most calls of one step of a call rate test.
const MAX_CALLS_A_STEP: u64 = 1_000_000;

/// Loads a SIP server and says what it costs: calls with G.711 media, or call
/// rates.
#[derive(Debug, Parser)]
#[command(
    name = "strowger-load",
    version,
    args_conflicts_with_subcommands = true
)]
pub struct Options {
    /// Without a command: calls with media.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// For calls with media.
    #[command(flatten)]
    pub media: MediaOptions,
}

/// Other things to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// INVITE, 200, ACK, BYE, 200 at fixed rates.
    Calls(RateOptions),
    /// The floor of echo; started by this tool itself.
    #[command(hide = true)]
    Reflector(BareOptions),
    /// The floor of prompts; started by this tool itself.
    #[command(hide = true)]
    Sender(BareOptions),
}

/// Which server, and how to watch it.
#[derive(Debug, Clone, Args)]
pub struct ServerOptions {
    /// Where the server takes SIP over UDP.
    #[arg(long, default_value = "127.0.0.1:5060", value_name = "IP:PORT")]
    pub target: String,
    /// Whom to call [default: echo, play or answer, after the mode].
    #[arg(long, value_parser = user)]
    pub user: Option<String>,
    /// The server's process [default: who owns the port, on this machine].
    #[arg(long)]
    pub pid: Option<u32>,
    /// Keep the server on this processor meanwhile.
    #[arg(long, value_name = "CPU")]
    pub server_cpu: Option<usize>,
    /// Keep this tool on this processor.
    #[arg(long, value_name = "CPU")]
    pub load_cpu: Option<usize>,
    /// Load other machines than this one. Only with their owner's consent.
    #[arg(long)]
    pub allow_remote: bool,
    /// One JSON object in the place of the table.
    #[arg(long)]
    pub json: bool,
}

/// Calls with media.
#[derive(Debug, Clone, Args)]
pub struct MediaOptions {
    /// The server.
    #[command(flatten)]
    pub server: ServerOptions,
    /// Calls at one time.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub calls: u32,
    /// Length of the measured window.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
    /// Between the last answer and the window.
    #[arg(long, default_value_t = 2, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=60))]
    pub warm_up: u32,
    /// Calls begun (and ended) a second.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rate: u32,
    /// What the load consists of.
    #[arg(long, value_enum, default_value_t = Mode::Echo)]
    pub mode: Mode,
    /// Packet length in ms.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(10..=60))]
    pub ptime: u32,
    /// Measure bare programs under the same load too, and tell the ratio.
    #[arg(long)]
    pub floor: bool,
}

/// Call rates.
#[derive(Debug, Clone, Args)]
pub struct RateOptions {
    /// The server.
    #[command(flatten)]
    pub server: ServerOptions,
    /// Calls a second; several, with commas, one after the other.
    #[arg(long, default_value = "100", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub rate: Vec<u32>,
    /// How long each rate is held.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
    /// How long each call stays up, in ms.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    pub hold_ms: u32,
}

/// A bare program.
#[derive(Debug, Clone, Args)]
pub struct BareOptions {
    /// Where its sockets are.
    #[arg(long)]
    pub ip: IpAddr,
    /// How many.
    #[arg(long)]
    pub streams: usize,
    /// Packet length in ms.
    #[arg(long)]
    pub ptime: u32,
    /// With connected sockets.
    #[arg(long)]
    pub connect: bool,
    /// Where a sender sends.
    #[arg(long)]
    pub to: Vec<SocketAddr>,
}

impl ServerOptions {
    /// The line to this server and the SIP socket's address.
    pub fn line(&self, default_user: &str) -> anyhow::Result<Line> {
        let target = self.address()?;
        let user = self.user.as_deref().unwrap_or(default_user);
        let uri = format!("sip:{user}@{target}");
        Ok(Line {
            target,
            local: SocketAddr::new(local_ip(target)?, 0),
            uri: Uri::parse(uri).context("the user makes no SIP URI")?,
            run: (wall_ns() / 1000) as u32,
            allow_remote: self.allow_remote,
        })
    }

    /// The process to watch, if it is known.
    pub fn process(&self, target: SocketAddr) -> anyhow::Result<Option<Process>> {
        match self.pid {
            Some(pid) => {
                let process = Process { pid };
                process
                    .usage()
                    .with_context(|| format!("--pid {pid}: no such process"))?;
                Ok(Some(process))
            }
            None if target.ip().is_loopback() => Ok(Process::of_udp_port(target)),
            None => Ok(None),
        }
    }

    fn address(&self) -> anyhow::Result<SocketAddr> {
        let target = &self.target;
        let address = target
            .to_socket_addrs()
            .with_context(|| format!("--target {target}: not an address and port"))?
            .next()
            .with_context(|| format!("--target {target}: no address"))?;
        if !address.ip().is_loopback() && !self.allow_remote {
            bail!("--target {target} is not this machine; --allow-remote if its owner agrees");
        }
        Ok(address)
    }
}

impl RateOptions {
    /// Refuses what would never end.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.rate.len() > 32 {
            bail!("--rate: at most 32 rates a run");
        }
        for rate in &self.rate {
            let calls = u64::from(*rate) * u64::from(self.seconds);
            if calls > MAX_CALLS_A_STEP {
                bail!("--rate {rate}: {calls} calls, at most {MAX_CALLS_A_STEP} a step");
            }
        }
        Ok(())
    }
}

/// Pins what is asked for, and takes it back when dropped.
pub struct Pinning {
    /// For a bare program, which stands where the server stood.
    pub server: CpuSet,
    own: CpuSet,
    threads: Vec<(i32, CpuSet)>,
}

impl Pinning {
    /// By the options.
    pub fn apply(options: &ServerOptions, process: Option<Process>) -> anyhow::Result<Self> {
        let own = CpuSet::of(0)?;
        let mut pinning = Self {
            server: own,
            own,
            threads: Vec::new(),
        };
        if let Some(cpu) = options.server_cpu {
            pinning.server = CpuSet::only(cpu).with_context(|| format!("--server-cpu {cpu}"))?;
            let process = process.context("--server-cpu: the server's process is not known")?;
            pinning.threads = process
                .pin(&pinning.server)
                .with_context(|| format!("--server-cpu {cpu}"))?;
        }
        if let Some(cpu) = options.load_cpu {
            CpuSet::only(cpu)
                .and_then(|set| set.apply(0))
                .with_context(|| format!("--load-cpu {cpu}"))?;
        }
        Ok(pinning)
    }
}

impl Drop for Pinning {
    fn drop(&mut self) {
        Process::unpin(&self.threads);
        let _ = self.own.apply(0);
    }
}

/// The address from which this machine reaches the target.
fn local_ip(target: SocketAddr) -> anyhow::Result<IpAddr> {
    let any: SocketAddr = if target.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0_u16; 8], 0).into()
    };
    let probe = UdpSocket::bind(any)?;
    probe
        .connect(target)
        .with_context(|| format!("no way to {target}"))?;
    Ok(probe.local_addr()?.ip())
}

fn user(text: &str) -> Result<String, String> {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.+*#~".contains(&octet);
    if !text.is_empty() && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("letters, digits and -_.+*#~ only".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(arguments: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(
            ["strowger-load"]
                .into_iter()
                .chain(arguments.split_whitespace()),
        )
    }

    #[test]
    fn the_command_line_holds_together() {
        Options::command().debug_assert();
        let options = parse("--calls 200 --seconds 5 --mode receive --floor --json").unwrap();
        assert_eq!(
            (options.media.calls, options.media.mode),
            (200, Mode::Receive)
        );
        let options = parse("calls --rate 100,400 --seconds 3").unwrap();
        let Some(Command::Calls(rates)) = options.command else {
            panic!("another command");
        };
        assert_eq!(rates.rate, [100, 400]);
        for wrong in [
            "--calls 0",
            "--ptime 5",
            "--mode x",
            "--user a@b",
            "calls --rate 0",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn other_machines_are_refused_unless_allowed() {
        let mut server = parse("--target 192.0.2.1:5060").unwrap().media.server;
        let error = server.line("echo").unwrap_err().to_string();
        assert!(error.contains("--allow-remote"), "{error}");
        server.allow_remote = true;
        assert!(server.address().is_ok());
        let server = parse("--target nonsense").unwrap().media.server;
        assert!(server.line("echo").is_err());
    }

    #[test]
    fn a_line_calls_the_user_at_the_target() {
        let server = parse("--target [::1]:5070 --user 123")
            .unwrap()
            .media
            .server;
        let line = server.line("echo").unwrap();
        assert_eq!(line.uri.as_bytes(), b"sip:123@[::1]:5070");
        assert_eq!(line.local, "[::1]:0".parse().unwrap());
    }

    #[test]
    fn a_step_has_a_limit() {
        let Some(Command::Calls(rates)) = parse("calls --rate 50000 --seconds 21").unwrap().command
        else {
            panic!("another command");
        };
        assert!(rates.check().is_err());
    }
}
