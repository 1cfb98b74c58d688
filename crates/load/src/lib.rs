//! A capacity tool for any SIP server that answers calls over UDP.
//!
//! It opens calls, sends G.711 on each, checks every packet that comes back, and
//! says what the server spent on it: CPU a packet and a call, memory a call. The
//! same load on bare programs that do nothing but the system calls gives a floor
//! that holds on any machine. `docs/load.md` says how to use it.
//!
//! Unlike the pure crates it is all sockets and clocks; one thread, no runtime.
//! What can be judged without them is: a call ([`call`]), what comes back
//! ([`stream`], [`marker`]) and the percentiles ([`histogram`]).

mod bare;
pub mod call;
mod call_rate;
mod caller;
mod floor;
pub mod histogram;
pub mod marker;
mod media;
mod media_run;
mod options;
mod process;
mod report;
pub mod rtp;
mod sdp;
pub mod stream;
mod sys;
mod table;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;

use clap::Parser as _;
use serde::Serialize;

use options::{BareOptions, Command, Options};

/// Exit status when all went well.
pub const PASSED: u8 = 0;
/// Exit status when calls failed, or packets were lost or altered.
pub const FAILED: u8 = 1;
/// Exit status when nothing could be measured.
pub const UNUSABLE: u8 = 2;

/// The whole `strowger-load` command: the first argument is the program's name.
/// Results go to `out`, complaints to `error`; returns the exit status.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    out: &mut impl Write,
    error: &mut impl Write,
) -> u8 {
    let options = match Options::try_parse_from(arguments) {
        Ok(options) => options,
        Err(usage) if usage.use_stderr() => {
            let _ = write!(error, "{usage}");
            return UNUSABLE;
        }
        Err(help) => {
            let _ = write!(out, "{help}");
            return PASSED;
        }
    };
    carry_out(options, out).unwrap_or_else(|reason| {
        let _ = writeln!(error, "strowger-load: {reason:#}");
        UNUSABLE
    })
}

fn carry_out(options: Options, out: &mut impl Write) -> anyhow::Result<u8> {
    match options.command {
        None => {
            let program = std::env::current_exe()?;
            let report = media_run::run(&options.media, &program)?;
            tell(&report, &report.problems, options.media.server.json, out)
        }
        Some(Command::Calls(options)) => {
            let report = call_rate::run(&options)?;
            tell(&report, &report.problems, options.server.json, out)
        }
        Some(Command::Reflector(BareOptions {
            ip,
            streams,
            connect,
            ..
        })) => {
            bare::reflect(ip, streams, connect)?;
            Ok(PASSED)
        }
        Some(Command::Sender(options)) => {
            anyhow::ensure!(!options.to.is_empty(), "--to: nobody to send to");
            bare::send(&options)?;
            Ok(PASSED)
        }
    }
}

fn tell(
    report: &(impl Serialize + Display),
    problems: &[String],
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<u8> {
    if json {
        let mut value = serde_json::to_value(report)?;
        value["passed"] = problems.is_empty().into();
        writeln!(out, "{value}")?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(if problems.is_empty() { PASSED } else { FAILED })
}
