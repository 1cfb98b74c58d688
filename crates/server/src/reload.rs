//! SIGHUP: flows and dial plan anew, the rest named when it would take a restart.

use std::fmt::Debug;
use std::sync::Arc;

use strowger_sip::digest::Credentials;
use strowger_switch::config::{Routes, SwitchConfig};

use crate::config::{Config, ConfigError};
use crate::prompts;

/// A configuration that was read again.
#[derive(Debug)]
pub struct Reloaded {
    /// What holds from now on: the old settings with the new routes.
    pub config: Config,
    /// For the switch.
    pub routes: Arc<Routes>,
}

/// Reads the file of `config` again. A broken one changes nothing.
pub fn reload(config: &Config) -> Result<Reloaded, Vec<ConfigError>> {
    let new = Config::load_with(&config.file, &prompts::inspect)?;
    let needs_restart = differences(config, &new);
    let routes = Arc::clone(&new.switch.routes);
    let flows = routes.flows.len();
    if needs_restart.is_empty() {
        tracing::info!(flows, "flows and dial plan reloaded");
    } else {
        let settings = needs_restart.join(", ");
        tracing::warn!(
            flows,
            settings,
            "flows and dial plan reloaded; changes of these settings need a restart"
        );
    }
    let mut config = config.clone();
    config.switch.routes = Arc::clone(&routes);
    Ok(Reloaded { config, routes })
}

/// Logs why a reload changed nothing.
pub fn tell(errors: &[ConfigError]) {
    for error in errors {
        tracing::warn!(%error, "the configuration is broken");
    }
    tracing::warn!(
        errors = errors.len(),
        "nothing is reloaded, all goes on as before"
    );
}

/// Sections whose settings differ in what a reload cannot change.
fn differences(old: &Config, new: &Config) -> Vec<&'static str> {
    let (a, b) = (&old.switch, &new.switch);
    let changed = [
        (
            "sip.listeners",
            differs(&a.listeners, &b.listeners) || differs(&a.media_addresses, &b.media_addresses),
        ),
        ("sip.server_name", a.server_name != b.server_name),
        (
            "sip timers and transaction limits",
            differs(&a.transactions, &b.transactions),
        ),
        (
            "limits",
            differs(&a.limits, &b.limits) || differs(&a.message, &b.message),
        ),
        (
            "media",
            old.media != new.media || a.codecs != b.codecs || a.ptime_ms != b.ptime_ms,
        ),
        ("connections", old.connections != new.connections),
        ("http", old.http != new.http),
        ("log", old.log != new.log),
        ("records", old.records != new.records),
        (
            "users, registrar and guard",
            registration(a) != registration(b) || old.registrations != new.registrations,
        ),
    ];
    changed
        .into_iter()
        .filter_map(|(name, changed)| changed.then_some(name))
        .collect()
}

/// All there is to compare: users do not print their secrets.
fn registration(config: &SwitchConfig) -> Option<(Vec<(&str, &Credentials)>, String)> {
    let config = config.registration.as_ref()?;
    let others = (&config.digest, &config.registrar, &config.guard);
    Some((config.users.iter().collect(), format!("{others:?}")))
}

fn differs(old: &impl Debug, new: &impl Debug) -> bool {
    format!("{old:?}") != format!("{new:?}")
}
