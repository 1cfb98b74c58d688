//! What a request is recognised by: RFC 3261 §17.2.3, hashed once.
//!
//! The table keeps 128 keyed bits instead of the text: no attacker can make two
//! requests meet, and by chance it does not happen.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use super::siphash::SipHash;
use crate::message::{Host, Method, Request, Via};

/// The beginning of every branch made by RFC 3261 (§8.1.1.7).
pub(super) const MAGIC_COOKIE: &[u8; 7] = b"z9hG4bK";

/// A key, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fingerprint(pub(super) [u64; 2]);

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

/// A fingerprint is a hash already.
#[derive(Clone, Copy, Default)]
pub(super) struct PassThrough(u64);

impl Hasher for PassThrough {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

/// Index by fingerprint.
pub(super) type FingerprintMap<V> =
    std::collections::HashMap<Fingerprint, V, BuildHasherDefault<PassThrough>>;

/// Gives memory back after a rush has gone.
pub(super) fn shrink_if_sparse<V>(map: &mut FingerprintMap<V>) {
    const WORTH_KEEPING: usize = 1024;
    if map.capacity() > 16 * map.len() + WORTH_KEEPING {
        map.shrink_to(4 * map.len() + WORTH_KEEPING / 2);
    }
}

/// Makes fingerprints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    key: [u64; 2],
}

impl Keys {
    pub(super) fn new(key: [u64; 2]) -> Self {
        Self { key }
    }

    /// The key of a server transaction: branch, sent-by and method, where an ACK
    /// belongs to its INVITE. `method` is given apart from the request, because
    /// a CANCEL is also looked up as the INVITE it cancels (§9.2).
    pub(super) fn transaction(&self, request: &Request, via: &Via, method: &Method) -> Fingerprint {
        let mut hash = Fields(SipHash::new(self.key));
        match via.branch() {
            Some(branch) if is_rfc3261(branch) => {
                hash.folded(&branch[MAGIC_COOKIE.len()..]);
                hash.sent_by(via);
            }
            branch => hash.rfc2543(request, via, branch),
        }
        hash.exact(match method {
            Method::Ack => b"INVITE",
            other => other.as_bytes(),
        });
        hash.finish()
    }

    /// What merged requests have in common (§8.2.2.2); `None` for a request with
    /// a To tag, or without what it takes to tell.
    pub(super) fn merge(&self, request: &Request) -> Option<Fingerprint> {
        let headers = &request.headers;
        if headers.to().ok()?.tag().is_some() {
            return None;
        }
        let from = headers.from_().ok()?;
        let mut hash = Fields(SipHash::new(self.key));
        hash.exact(b"merge");
        hash.exact(from.tag()?);
        hash.exact(headers.call_id().ok()?.as_ref());
        let cseq = headers.cseq().ok()?;
        hash.exact(&cseq.number.to_le_bytes());
        hash.exact(cseq.method.as_bytes());
        Some(hash.finish())
    }

    /// Any other 64 keyed bits.
    pub(super) fn hash_of(&self, bytes: &[u8]) -> u64 {
        let mut hash: SipHash = SipHash::new(self.key);
        hash.bytes(bytes);
        hash.finish()[0]
    }
}

fn is_rfc3261(branch: &[u8]) -> bool {
    branch
        .get(..MAGIC_COOKIE.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
}

/// Fields one after the other, kept apart.
struct Fields(SipHash);

impl Fields {
    /// Case matters: Call-ID, tags, methods.
    fn exact(&mut self, bytes: &[u8]) {
        self.0.bytes(bytes);
        self.0.byte(0xff);
    }

    /// Case does not: branch, host (RFC 3261 §7.3.1).
    fn folded(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0.byte(byte.to_ascii_lowercase());
        }
        self.0.byte(0xff);
    }

    fn sent_by(&mut self, via: &Via) {
        match via.host() {
            Host::V4(ip) => self.exact(&ip.octets()),
            Host::V6(ip) => self.exact(&ip.octets()),
            Host::Name(name) => self.folded(&name),
        }
        self.exact(&via.port_or_default().to_le_bytes());
    }

    /// Without the magic cookie: Request-URI, From tag, Call-ID, CSeq number and
    /// top Via (§17.2.3). The To tag is left out: that of an ACK is the one we
    /// answered with, and all the rest names the INVITE well enough.
    fn rfc2543(&mut self, request: &Request, via: &Via, branch: Option<&[u8]>) {
        let headers = &request.headers;
        self.exact(b"2543");
        self.exact(request.uri.as_bytes());
        if let Ok(from) = headers.from_() {
            self.exact(from.tag().unwrap_or_default());
        }
        if let Ok(call_id) = headers.call_id() {
            self.exact(call_id.as_ref());
        }
        if let Ok(cseq) = headers.cseq() {
            self.exact(&cseq.number.to_le_bytes());
        }
        self.folded(via.transport());
        self.sent_by(via);
        self.folded(branch.unwrap_or_default());
    }

    fn finish(self) -> Fingerprint {
        Fingerprint(self.0.finish())
    }
}
