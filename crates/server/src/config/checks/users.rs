//! `[[users]]`, `[registrar]` and `[guard]`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use strowger_sip::digest::{Algorithm, Credentials, DigestConfig, Users, ha1};
use strowger_sip::registrar::RegistrarConfig;
use strowger_switch::config::{Listener, RegistrationConfig};
use strowger_switch::guard::GuardConfig;

use super::super::file::{AlgorithmName, ConfigFile, GuardSection, RegistrarSection, UserSection};
use super::super::read_text;
use super::Checks;

/// Passwords that stand in `config/strowger.toml` for everyone to read, and none.
const KNOWN_TO_ALL: [&str; 4] = ["", "secret1001", "secret1002", "secret1003"];

const MAX_USERS: usize = 100_000;
const MAX_NAME: usize = 64;
/// Contact, Call-ID and Path of one contact together, in octets.
const MAX_BINDING_BYTES: usize = 1_024;

/// Where a user's secret is written, and what it says.
struct Secret {
    setting: &'static str,
    credentials: Credentials,
}

impl Checks<'_> {
    /// `None` when there is nobody who may register.
    pub(super) fn registration(
        &mut self,
        file: &ConfigFile,
        listeners: &[Listener],
    ) -> Option<RegistrationConfig> {
        let realm = self.realm(&file.registrar.realm);
        let digest = self.digest(&file.registrar, &realm);
        let registrar = self.registrar(&file.registrar);
        let guard = self.guard(&file.guard);
        let remote = listeners.iter().find(|it| !it.local.ip().is_loopback());
        let users = self.users(&file.users, &realm, remote);
        let possible = users.algorithms();
        let usable = digest.algorithms.iter().any(|it| possible.contains(it));
        if !users.is_empty() && !possible.is_empty() && !usable {
            self.wrong(
                "registrar.algorithms",
                "no algorithm that all users have a hash for",
            )
            .expected = Some("\"SHA-256\", \"MD5\", as the users' `ha1_…` are".to_owned());
        }
        (!file.users.is_empty()).then(|| RegistrationConfig {
            users: Arc::new(users),
            digest,
            registrar,
            guard,
            keep: file.registrar.file.is_some(),
        })
    }

    fn users(&mut self, sections: &[UserSection], realm: &str, remote: Option<&Listener>) -> Users {
        if sections.len() > MAX_USERS {
            self.wrong("users", format!("{} users", sections.len()))
                .expected = Some(format!("up to {MAX_USERS}"));
        }
        let mut users = Users::default();
        let mut places = HashMap::new();
        for (index, section) in sections.iter().enumerate() {
            let Some(name) = self.user_name(index, section) else {
                continue;
            };
            if let Some(other) = places.insert(name, index) {
                self.user_twice(index, other, name);
                continue;
            }
            let Some(secret) = self.secret(index, section, name, realm) else {
                continue;
            };
            if let Some(listener) = remote {
                self.secret_enough(index, name, realm, &secret, listener);
            }
            users.insert(name, secret.credentials);
        }
        if !users.is_empty() && users.algorithms().is_empty() {
            self.wrong("users", "no hash algorithm that all users have")
                .expected = Some("`ha1_sha256` or `ha1_md5` for all of them alike".to_owned());
        }
        users
    }

    fn user_name<'s>(&mut self, index: usize, section: &'s UserSection) -> Option<&'s str> {
        let table = format!("users[{index}]");
        let Some(name) = &section.name else {
            self.wrong(&table, "a user without a name").expected =
                Some("`name`, as in name = \"1001\"".to_owned());
            return None;
        };
        let fits = |c: char| c.is_ascii_graphic() && !"\"\\:@<>%".contains(c);
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fits) {
            self.wrong(&format!("{table}.name"), format!("{name:?} is no name"))
                .expected = Some(format!(
                "1 to {MAX_NAME} ASCII letters, digits and signs without \" \\ : @ < > %"
            ));
            return None;
        }
        Some(name)
    }

    fn user_twice(&mut self, index: usize, other: usize, name: &str) {
        let path = super::steps(&format!("users[{other}].name"));
        let range = self.document.locate(&path).value;
        let line = self.document.source.line(&range);
        self.wrong(
            &format!("users[{index}].name"),
            format!("user `{name}` is there already, in line {line}"),
        )
        .expected = Some("each name once".to_owned());
    }

    /// One of the three ways to say who somebody is.
    fn secret(
        &mut self,
        index: usize,
        section: &UserSection,
        name: &str,
        realm: &str,
    ) -> Option<Secret> {
        let hashed = section.ha1_md5.is_some() || section.ha1_sha256.is_some();
        let of_password = |setting, password: &str| Secret {
            setting,
            credentials: Credentials::of_password(name, realm, password),
        };
        match (&section.password, &section.password_file, hashed) {
            (Some(password), None, false) => Some(of_password("password", password)),
            (None, Some(file), false) => match read_text(&self.join(file)) {
                Ok(text) => {
                    let password = text.lines().next().unwrap_or_default();
                    Some(of_password("password_file", password))
                }
                Err(error) => {
                    self.wrong(
                        &format!("users[{index}].password_file"),
                        format!("{}: {error}", self.join(file).display()),
                    )
                    .expected = Some("a file whose first line is the password".to_owned());
                    None
                }
            },
            (None, None, true) => self.hashes(index, section),
            (None, None, false)
            | (Some(_), Some(_), _)
            | (None, Some(_), true)
            | (Some(_), None, true) => {
                self.wrong(
                    &format!("users[{index}]"),
                    format!("user `{name}` needs one secret"),
                )
                .expected = Some(
                    "one of `password`, `password_file`, and `ha1_sha256` or `ha1_md5`".to_owned(),
                );
                None
            }
        }
    }

    fn hashes(&mut self, index: usize, section: &UserSection) -> Option<Secret> {
        let (sha256, md5) = (section.ha1_sha256.as_deref(), section.ha1_md5.as_deref());
        let credentials = Credentials::of_hashes(sha256, md5);
        let setting = match sha256 {
            Some(_) => "ha1_sha256",
            None => "ha1_md5",
        };
        let Some(credentials) = credentials else {
            let bad_sha256 = sha256.is_some() && Credentials::of_hashes(sha256, None).is_none();
            let (setting, digits) = if bad_sha256 {
                ("ha1_sha256", 64)
            } else {
                ("ha1_md5", 32)
            };
            self.wrong(&format!("users[{index}].{setting}"), "this is no hash")
                .expected = Some(format!("{digits} hexadecimal digits"));
            return None;
        };
        Some(Secret {
            setting,
            credentials,
        })
    }

    /// What everybody knows is no secret where others can call.
    fn secret_enough(
        &mut self,
        index: usize,
        name: &str,
        realm: &str,
        secret: &Secret,
        listener: &Listener,
    ) {
        let is_known = KNOWN_TO_ALL.iter().any(|password| {
            Algorithm::ALL.into_iter().any(|algorithm| {
                let hash = secret.credentials.hash(algorithm);
                hash == Some(ha1(algorithm, name, realm, password).as_bytes())
            })
        });
        if !is_known {
            return;
        }
        let (setting, local) = (secret.setting, listener.local);
        self.wrong(
            &format!("users[{index}].{setting}"),
            format!("everybody knows this password, and `{local}` is open to others"),
        )
        .expected =
            Some("a password of your own, or listeners on loopback addresses only".to_owned());
    }

    fn realm(&mut self, realm: &str) -> String {
        let fits = |c: char| (c == ' ' || c.is_ascii_graphic()) && !"\"\\:".contains(c);
        if realm.is_empty() || realm.len() > 100 || !realm.chars().all(fits) {
            self.wrong("registrar.realm", format!("{realm:?} is no realm"))
                .expected = Some("1 to 100 printable ASCII characters without \" \\ :".to_owned());
        }
        realm.to_owned()
    }

    fn digest(&mut self, section: &RegistrarSection, realm: &str) -> DigestConfig {
        let name = |name: &AlgorithmName| match name {
            AlgorithmName::Sha256 => Algorithm::Sha256,
            AlgorithmName::Md5 => Algorithm::Md5,
        };
        let algorithms: Vec<_> = section.algorithms.iter().map(name).collect();
        let twice = (1..algorithms.len()).any(|at| algorithms[..at].contains(&algorithms[at]));
        if algorithms.is_empty() || twice {
            self.wrong("registrar.algorithms", "nothing, or one algorithm twice")
                .expected = Some("one or both of \"SHA-256\" and \"MD5\"".to_owned());
        }
        DigestConfig {
            realm: realm.to_owned(),
            algorithms,
            nonce_lifetime: self.seconds(
                "registrar.nonce_lifetime_s",
                section.nonce_lifetime_s,
                10,
                86_400,
            ),
            max_nonces: self.number(
                "registrar.max_nonces",
                section.max_nonces,
                16..=10_000_000,
                "nonces",
            ),
        }
    }

    fn registrar(&mut self, section: &RegistrarSection) -> RegistrarConfig {
        // RFC 3261 §10.3: an hour is never too brief.
        let min = self.number(
            "registrar.min_expires_s",
            section.min_expires_s,
            1..=3_600,
            "s",
        );
        let max = self.number(
            "registrar.max_expires_s",
            section.max_expires_s,
            min..=2_592_000,
            "s",
        );
        RegistrarConfig {
            min_expires_s: min,
            max_expires_s: max,
            default_expires_s: self.number(
                "registrar.default_expires_s",
                section.default_expires_s,
                min..=max,
                "s",
            ),
            max_contacts: self.number(
                "registrar.max_contacts",
                section.max_contacts,
                1..=100,
                "contacts",
            ),
            max_bindings: self.number(
                "registrar.max_registrations",
                section.max_registrations,
                1..=10_000_000,
                "contacts of all users",
            ),
            max_binding_bytes: MAX_BINDING_BYTES,
        }
    }

    fn guard(&mut self, section: &GuardSection) -> GuardConfig {
        GuardConfig {
            max_auth_failures: self.number(
                "guard.max_auth_failures",
                section.max_auth_failures,
                0..=1_000_000,
                "wrong passwords; 0 bans nobody",
            ),
            auth_failure_window: self.seconds(
                "guard.auth_failure_window_s",
                section.auth_failure_window_s,
                1,
                86_400,
            ),
            ban: self.seconds("guard.ban_s", section.ban_s, 1, 2_592_000),
            max_sources: self.number(
                "guard.max_sources",
                section.max_sources,
                16..=10_000_000,
                "sources",
            ),
        }
    }
}

impl Default for RegistrarSection {
    fn default() -> Self {
        let limits = RegistrarConfig::default();
        Self {
            realm: "strowger".to_owned(),
            algorithms: vec![AlgorithmName::Sha256, AlgorithmName::Md5],
            min_expires_s: u64::from(limits.min_expires_s),
            max_expires_s: u64::from(limits.max_expires_s),
            default_expires_s: u64::from(limits.default_expires_s),
            max_contacts: limits.max_contacts as u64,
            max_registrations: limits.max_bindings as u64,
            nonce_lifetime_s: Duration::from_hours(1).as_secs(),
            max_nonces: 100_000,
            file: None,
        }
    }
}

impl Default for GuardSection {
    fn default() -> Self {
        let guard = GuardConfig::default();
        Self {
            max_auth_failures: u64::from(guard.max_auth_failures),
            auth_failure_window_s: guard.auth_failure_window.as_secs(),
            ban_s: guard.ban.as_secs(),
            max_sources: guard.max_sources as u64,
        }
    }
}
