//! Challenges, and the judgement of what they are answered with.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use subtle::{Choice, ConstantTimeEq as _};

use super::algorithm::{Algorithm, digest_response};
use super::authorization::{Authorization, AuthorizationError};
use super::credentials::{UserIndex, Users};
use super::nonce::{Nonce, NonceSigner};
use super::nonce_counts::NonceCounts;
use crate::message::{HeaderName, Request, Uri};

/// Configuration of an [`Authenticator`].
#[derive(Clone, Debug)]
pub struct DigestConfig {
    /// The realm; printable, without quotes and backslashes.
    pub realm: String,
    /// What is offered, in this order, as far as all users have credentials for
    /// it.
    pub algorithms: Vec<Algorithm>,
    /// How long a nonce is good.
    pub nonce_lifetime: Duration,
    /// Nonces in use at one time; beyond them the oldest are stale.
    pub max_nonces: usize,
}

/// What became of a request's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There are none for this realm: challenge.
    Missing,
    /// They cannot be judged: 400 (RFC 7616 §3.4). Says why.
    Malformed(&'static str),
    /// The nonce is not good, or was used with this count: challenge with
    /// `stale=true`.
    Stale,
    /// The wrong password, or no such user: challenge.
    Wrong,
    /// It is this user.
    Accepted(UserIndex),
}

/// The server's side of digest authentication for one realm.
pub struct Authenticator {
    config: DigestConfig,
    users: Arc<Users>,
    algorithms: Vec<Algorithm>,
    signer: NonceSigner,
    counts: NonceCounts,
    next_serial: u64,
    started: Instant,
    /// Stands for the hash of users that are not there. No password has it.
    nobody: [u8; 64],
}

impl Authenticator {
    /// `seed` signs the nonces: it has to come from a good source outside of
    /// tests. Nonces of another seed are stale.
    pub fn new(config: DigestConfig, users: Arc<Users>, seed: u64, now: Instant) -> Self {
        let possible = users.algorithms();
        let mut algorithms = config.algorithms.clone();
        algorithms.retain(|algorithm| possible.contains(algorithm));
        Self {
            algorithms,
            users,
            signer: NonceSigner::new(seed),
            counts: NonceCounts::new(config.max_nonces),
            config,
            next_serial: 1,
            started: now,
            nobody: [b'-'; 64],
        }
    }

    /// The users.
    pub fn users(&self) -> &Users {
        &self.users
    }

    /// Nonces whose counts are kept now.
    pub fn nonces_in_use(&self) -> usize {
        self.counts.len()
    }

    /// The values of the WWW-Authenticate header fields that challenge `source`,
    /// one for each algorithm, in the order of preference (RFC 8760 §2.3).
    pub fn challenge(&mut self, stale: bool, source: IpAddr, now: Instant) -> Vec<Bytes> {
        let nonce = Nonce {
            issued_ms: self.ms(now),
            serial: self.next_serial,
        };
        self.next_serial += 1;
        let digits = self.signer.sign(nonce, source);
        let challenges = self.algorithms.iter().map(|algorithm| {
            let mut value = BytesMut::with_capacity(160 + self.config.realm.len());
            value.put_slice(b"Digest realm=\"");
            value.put_slice(self.config.realm.as_bytes());
            value.put_slice(b"\", nonce=\"");
            value.put_slice(&digits);
            value.put_slice(b"\", algorithm=");
            value.put_slice(algorithm.as_str().as_bytes());
            value.put_slice(b", qop=\"auth\"");
            if stale {
                value.put_slice(b", stale=true");
            }
            value.freeze()
        });
        challenges.collect()
    }

    /// Whether a request answers a challenge at all. One that does not can be
    /// challenged without keeping anything.
    pub fn has_credentials(request: &Request) -> bool {
        request.headers.contains(&HeaderName::Authorization)
    }

    /// Judges the Authorization of a request from `source`.
    pub fn verify(&mut self, request: &Request, source: IpAddr, now: Instant) -> Verdict {
        let mut problem = None;
        for value in request.headers.get_all(&HeaderName::Authorization) {
            match Authorization::parse(value) {
                Ok(found) if found.realm().as_ref() == self.config.realm.as_bytes() => {
                    return self.judge(&found, request, source, now);
                }
                // RFC 3261 §22.3: a request can carry credentials for other realms.
                Ok(_) | Err(AuthorizationError::OtherScheme) => {}
                Err(AuthorizationError::Malformed) => problem = Some("Malformed Credentials"),
                Err(AuthorizationError::Incomplete) => problem = Some("Incomplete Credentials"),
                Err(AuthorizationError::UnknownAlgorithm) => problem = Some("Unknown Algorithm"),
            }
        }
        problem.map_or(Verdict::Missing, Verdict::Malformed)
    }

    fn judge(
        &mut self,
        found: &Authorization<'_>,
        request: &Request,
        source: IpAddr,
        now: Instant,
    ) -> Verdict {
        if !self.algorithms.contains(&found.algorithm) {
            return Verdict::Malformed("Unknown Algorithm");
        }
        if !found.qop.eq_ignore_ascii_case(b"auth") || found.cnonce.is_empty() {
            return Verdict::Malformed("Credentials Without qop=auth");
        }
        let Some(count) = found.nonce_count() else {
            return Verdict::Malformed("Bad Nonce Count");
        };
        if !is_same_target(found.uri, &request.uri) {
            return Verdict::Malformed("Credentials For Another URI");
        }
        let Some(nonce) = self.good_nonce(found.nonce, source, now) else {
            return Verdict::Stale;
        };
        let Some(user) = self.who(found, request) else {
            return Verdict::Wrong;
        };
        if self.counts.spend(nonce.serial, nonce.issued_ms, count) {
            Verdict::Accepted(user)
        } else {
            Verdict::Stale
        }
    }

    /// The user whose password the response was made with. Does the same work
    /// whether the user exists or not.
    fn who(&self, found: &Authorization<'_>, request: &Request) -> Option<UserIndex> {
        let user = self.users.find(&found.username());
        let ha1 = user.and_then(|user| self.users.credentials(user).hash(found.algorithm));
        let known = Choice::from(u8::from(ha1.is_some()));
        let ha1 = ha1.unwrap_or(&self.nobody[..2 * found.algorithm.hash_len()]);
        let right = digest_response(ha1, request.method.as_bytes(), found);
        let given = found.response.to_ascii_lowercase();
        let same = right.as_bytes().ct_eq(&given);
        user.filter(|_| bool::from(known & same))
    }

    fn good_nonce(&mut self, digits: &[u8], source: IpAddr, now: Instant) -> Option<Nonce> {
        let nonce = self.signer.verify(digits, source)?;
        let lifetime = self.config.nonce_lifetime.as_millis() as u64;
        let oldest = self.ms(now).saturating_sub(lifetime);
        self.counts.forget_before(oldest);
        let good = nonce.issued_ms >= oldest && !self.counts.is_forgotten(nonce.serial);
        good.then_some(nonce)
    }

    fn ms(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.started).as_millis() as u64
    }
}

/// RFC 7616 §3.4.6: the URI of the credentials is that of the request. Ports and
/// parameters may differ, since proxies and phones add and drop them.
fn is_same_target(written: &[u8], request_uri: &Uri) -> bool {
    if written == request_uri.as_bytes() {
        return true;
    }
    let Ok(uri) = Uri::parse(Bytes::copy_from_slice(written)) else {
        return false;
    };
    let same_host = match (uri.host(), request_uri.host()) {
        (Some(one), Some(other)) => one.to_string().eq_ignore_ascii_case(&other.to_string()),
        (None, _) | (_, None) => false,
    };
    same_host && uri.user() == request_uri.user()
}
