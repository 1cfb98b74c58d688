//! The command line: `strowger run` and `strowger check`.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use strowger_switch::input::Control;
use tokio::signal::unix::{SignalKind, signal};

use crate::check;
use crate::config::Config;
use crate::http;
use crate::logging::Log;
use crate::prompts;
use crate::reload::{self, Reloaded};
use crate::start::{self, Running};

/// Exit status for a configuration that does not hold together.
const BAD_CONFIG: u8 = 2;

/// A programmable SIP/RTP softswitch.
#[derive(Debug, Parser)]
#[command(name = "strowger", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the switch until SIGTERM (drains; a second one ends at once). SIGHUP
    /// reloads flows and dial plan.
    Run {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Say what is wrong with a configuration without running it.
    Check {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

/// The whole `strowger` command.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run { config } => run(&config),
        Command::Check { config } => {
            let checked = check::check(&config, &prompts::inspect);
            if checked.exit_code == 0 {
                print!("{}", checked.text);
            } else {
                eprint!("{}", checked.text);
            }
            ExitCode::from(checked.exit_code)
        }
    }
}

fn run(file: &Path) -> ExitCode {
    let names = RefCell::new(Vec::new());
    let inspect = |folder: &Path, name: &str, max_prompt_s: u32| {
        names.borrow_mut().push(name.to_owned());
        prompts::inspect(folder, name, max_prompt_s)
    };
    let config = match Config::load_with(file, &inspect) {
        Ok(config) => config,
        Err(errors) => {
            eprint!("{}", check::report(&errors));
            return ExitCode::from(BAD_CONFIG);
        }
    };
    let log = match Log::start(config.log) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("strowger: the log cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result =
        start::start(&config, &names.into_inner()).and_then(|running| watch(config, running));
    drop(log);
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("strowger: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The main thread: HTTP, signals, and the end.
fn watch(config: Config, mut running: Running) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let code = runtime.block_on(async {
        if let Some(listener) = running.http.take() {
            let board = Arc::clone(&running.board);
            tokio::spawn(async move {
                if let Err(error) = http::serve(listener, board).await {
                    tracing::warn!(%error, "HTTP is not served any more");
                }
            });
        }
        watch_signals(config, &mut running).await
    })?;
    if let Some(code) = code {
        return Ok(code);
    }
    running.join();
    Ok(ExitCode::SUCCESS)
}

/// Until the drain is complete (`None`), or the exit status of another end.
async fn watch_signals(
    mut config: Config,
    running: &mut Running,
) -> anyhow::Result<Option<ExitCode>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut draining = false;
    tracing::info!(listeners = ?describe(&config), "ready");
    loop {
        tokio::select! {
            ended = &mut running.ended => return match ended {
                Ok(result) => {
                    result?;
                    tracing::info!("drained, exiting");
                    Ok(None)
                }
                Err(_) => anyhow::bail!("the signalling thread ended by a panic"),
            },
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {
                config = reload_routes(config, running).await?;
                continue;
            }
        }
        if draining {
            tracing::warn!("second signal, exiting at once");
            return Ok(Some(ExitCode::FAILURE));
        }
        draining = true;
        let timeout_s = config.switch.limits.drain_timeout.as_secs();
        tracing::info!(
            timeout_s,
            "draining: new calls are refused, running ones may finish"
        );
        running.board.set_draining();
        running.controls.send(Control::Drain).await?;
    }
}

/// Reads the configuration beside this thread. Returns the one that holds now.
async fn reload_routes(config: Config, running: &Running) -> anyhow::Result<Config> {
    let (config, result) = tokio::task::spawn_blocking(move || {
        let result = reload::reload(&config);
        (config, result)
    })
    .await?;
    match result {
        Ok(Reloaded { config, routes }) => {
            running.controls.send(Control::Routes(routes)).await?;
            Ok(config)
        }
        Err(errors) => {
            reload::tell(&errors);
            Ok(config)
        }
    }
}

fn describe(config: &Config) -> Vec<String> {
    let listeners = config.switch.listeners.iter();
    listeners
        .map(|listener| format!("{} {}", listener.transport, listener.local))
        .collect()
}
