//! The meaning: `ConfigFile` → `Config`. Everything that is wrong is noted with its
//! place; a value that will never be used stands in for a wrong one meanwhile.

mod dial_plan;
mod flows;
mod limits;
mod listeners;
mod media;
mod users;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strowger_switch::config::SwitchConfig;

use super::TryPrompt;
use super::document::Document;
use super::error::ConfigError;
use super::file::{ConfigFile, HttpSection};
use super::path::{Step, steps};
use super::settings::{
    Config, ConnectionSettings, HttpSettings, LogSettings, RecordSettings, RegistrationSettings,
};

/// All that is wrong comes back, in the order of the file.
pub(super) fn check(
    document: &Document<'_>,
    file: &ConfigFile,
    try_prompt: TryPrompt<'_>,
) -> Result<Config, Vec<ConfigError>> {
    let mut checks = Checks {
        document,
        try_prompt,
        tried: BTreeMap::new(),
        errors: Vec::new(),
    };
    let config = checks.config(file);
    if checks.errors.is_empty() {
        return Ok(config);
    }
    let main = document.source.file;
    checks.errors.sort_by_key(|error| {
        (
            error.file != main,
            error.file.clone(),
            error.line,
            error.column,
        )
    });
    Err(checks.errors)
}

struct Checks<'a> {
    document: &'a Document<'a>,
    try_prompt: TryPrompt<'a>,
    /// Prompts by name, each tried once.
    tried: BTreeMap<String, Result<(), String>>,
    errors: Vec<ConfigError>,
}

impl Checks<'_> {
    fn config(&mut self, file: &ConfigFile) -> Config {
        let limits = self.limits(&file.limits);
        let media = self.media(&file.media, limits.max_calls);
        let (listeners, media_addresses) = self.listeners(&file.sip.listeners, &media);
        let transactions = self.transactions(&file.sip, &file.limits, &listeners);
        let http = self.http(&file.http);
        let routes = self.routes(file, &media);
        let registration = self.registration(file, &listeners);
        let switch = SwitchConfig {
            media_workers: media.workers,
            max_ports_per_worker: media.max_ports_per_worker,
            codecs: self.codecs(&file.media.codecs),
            ptime_ms: self.ptime_ms(file.media.ptime_ms),
            message: self.message_limits(&file.limits),
            routes: Arc::new(routes),
            server_name: self.server_name(&file.sip.server_name),
            listeners,
            media_addresses,
            limits,
            transactions,
            registration,
        };
        Config {
            file: self.document.source.file.to_owned(),
            switch,
            media,
            connections: ConnectionSettings {
                max_connections: self.max_connections(&file.limits),
                idle: self.connection_idle(&file.limits),
            },
            http,
            log: LogSettings {
                level: file.log.level,
                format: file.log.format,
            },
            records: RecordSettings {
                file: file.records.file.as_deref().map(|file| self.join(file)),
            },
            registrations: RegistrationSettings {
                file: file.registrar.file.as_deref().map(|file| self.join(file)),
            },
        }
    }

    fn http(&mut self, section: &HttpSection) -> Option<HttpSettings> {
        let path = "http.address";
        let address = self.socket_address(path, section.address.as_ref()?)?;
        if !address.ip().is_loopback() && !section.allow_remote {
            self.wrong(path, format!("other machines could reach `{address}`"))
                .expected = Some(
                "a loopback address, as 127.0.0.1:8080, or `allow_remote = true` beside it"
                    .to_owned(),
            );
        }
        Some(HttpSettings { address })
    }

    /// RFC 3261 §25.1: what stands in a Server header, as far as it is our name.
    fn server_name(&mut self, name: &str) -> String {
        let fits = |c: char| c == ' ' || c.is_ascii_graphic();
        if name.is_empty() || name.len() > 100 || !name.chars().all(fits) {
            self.wrong(
                "sip.server_name",
                format!("{name:?} is no name of a server"),
            )
            .expected = Some("1 to 100 printable ASCII characters".to_owned());
        }
        name.to_owned()
    }

    /// Notes an error at the value of `path`, as in `limits.max_calls`.
    fn wrong(&mut self, path: &str, message: impl Into<String>) -> &mut ConfigError {
        self.wrong_at(&steps(path), message)
    }

    /// Notes an error at the value of `path`, or as deep as the file goes there.
    fn wrong_at(&mut self, path: &[Step], message: impl Into<String>) -> &mut ConfigError {
        let range = self.document.locate(path).value;
        self.note(self.document.source.error(&range, message))
    }

    fn note(&mut self, error: ConfigError) -> &mut ConfigError {
        self.errors.push(error);
        self.errors.last_mut().expect("pushed in the line above")
    }

    /// `value` when it is in `range`; else an error, and the lower end.
    fn number<T>(&mut self, path: &str, value: u64, range: RangeInclusive<T>, unit: &str) -> T
    where
        T: TryFrom<u64> + PartialOrd + Display + Copy,
    {
        match T::try_from(value) {
            Ok(value) if range.contains(&value) => value,
            Ok(_) | Err(_) => {
                let (low, high) = (*range.start(), *range.end());
                let name = path.rsplit('.').next().unwrap_or(path);
                self.wrong(path, format!("`{name}` cannot be {value}"))
                    .expected = Some(format!("{low} to {high} {unit}").trim_end().to_owned());
                low
            }
        }
    }

    fn socket_address(&mut self, path: &str, text: &str) -> Option<SocketAddr> {
        let address = text.parse().ok();
        if address.is_none() {
            self.wrong(path, format!("`{text}` is no address with a port"))
                .expected =
                Some("an IP address and a port, as 127.0.0.1:5060 or [::1]:5060".to_owned());
        }
        address
    }

    /// A path of the file, which starts at the folder of the file.
    fn join(&self, path: &Path) -> PathBuf {
        match self.document.source.file.parent() {
            Some(folder) => folder.join(path),
            None => path.to_owned(),
        }
    }
}
