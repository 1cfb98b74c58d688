//! The registrar: where a user can be reached (RFC 3261 §10).
//!
//! An [`Aor`] is an address of record, here the name of a user: this switch
//! serves one domain and does not compare hosts. A [`Binding`] is one of its
//! contacts. [`Registrar::handle_register`] does steps 5 to 8 of §10.3 for
//! a request that is authenticated and authorised already, all or nothing.
//!
//! | REGISTER | AoR | does | result |
//! |---|---|---|---|
//! | no Contact | any | nothing | the bindings |
//! | `*`, Expires 0 | bindings of other Call-IDs, or older | removes them | none left |
//! | `*`, Expires 0 | a binding as new or newer in this Call-ID | nothing | 500 |
//! | `*` otherwise, or beside others | any | nothing | 400 |
//! | a Contact, 0 | has it | removes it | the others |
//! | a Contact, 0 | has it not | nothing | the bindings |
//! | a Contact, below the minimum | any | nothing | 423, Min-Expires |
//! | a Contact | has it not, room | adds it | the bindings |
//! | a Contact | has it not, full | nothing | 403; 503 when the registrar is |
//! | a Contact | has it, older CSeq or other Call-ID | replaces it | the bindings |
//! | a Contact | has it, as new or newer | nothing | 500 |
//! | time passes | a binding is due | removes it | [`RegistrarOutput`] |
//!
//! "Has it" is a question of URI equality (§19.1.4), or of `+sip.instance` and
//! `reg-id` where the contact names both (RFC 5626 §6). A Path is kept and sent
//! back when the phone supports it (RFC 3327 §5.3). RFC 5626's flows are not
//! promised: no `Require: outbound` is sent, and none is understood.

mod binding;
mod contact;
mod deadlines;
mod register;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

pub use binding::{Aor, Binding, KeptBinding};
use deadlines::Deadlines;

/// Limits and lifetimes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrarConfig {
    /// The shortest lifetime that is granted, in s; less gets 423.
    pub min_expires_s: u32,
    /// The longest lifetime that is granted, in s; more is cut.
    pub max_expires_s: u32,
    /// The lifetime of a contact that names none, in s.
    pub default_expires_s: u32,
    /// Bindings of one AoR.
    pub max_contacts: usize,
    /// Bindings of all AoRs together.
    pub max_bindings: usize,
    /// Contact, Call-ID and Path of one binding together, in octets.
    pub max_binding_bytes: usize,
}

impl Default for RegistrarConfig {
    fn default() -> Self {
        Self {
            min_expires_s: 60,
            max_expires_s: 7_200,
            default_expires_s: 3_600,
            max_contacts: 10,
            max_bindings: 100_000,
            max_binding_bytes: 1_024,
        }
    }
}

/// What became of an AoR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrarOutput {
    /// It has its first binding.
    Registered {
        /// The AoR.
        aor: Arc<str>,
    },
    /// It has other contacts than before.
    Changed {
        /// The AoR.
        aor: Arc<str>,
    },
    /// The same contacts, for longer.
    Refreshed {
        /// The AoR.
        aor: Arc<str>,
    },
    /// It has none any more.
    Unregistered {
        /// The AoR.
        aor: Arc<str>,
        /// Because its time was over, not because the phone said so.
        expired: bool,
    },
}

/// All bindings.
#[derive(Debug)]
pub struct Registrar {
    config: RegistrarConfig,
    aors: HashMap<Arc<str>, Aor>,
    deadlines: Deadlines,
    bindings: usize,
}

impl Registrar {
    /// A registrar without bindings.
    pub fn new(config: RegistrarConfig) -> Self {
        Self {
            config,
            aors: HashMap::new(),
            deadlines: Deadlines::default(),
            bindings: 0,
        }
    }

    /// The bindings of an AoR, the newest last. Some may be due and not removed
    /// yet: see [`Binding::expires`].
    pub fn bindings(&self, aor: &str) -> &[Binding] {
        self.aors.get(aor).map_or(&[], Aor::bindings)
    }

    /// AoRs that have a binding.
    pub fn len(&self) -> usize {
        self.aors.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.aors.is_empty()
    }

    /// Bindings of all AoRs.
    pub fn binding_count(&self) -> usize {
        self.bindings
    }

    /// Puts back what was kept over a restart. Replaces what the AoR has; takes
    /// no more than the limits allow, and nothing that is due.
    pub fn restore(&mut self, aor: &str, bindings: Vec<Binding>, now: Instant) {
        let name: Arc<str> = aor.into();
        let room = self.config.max_bindings.saturating_sub(self.bindings);
        let mut bindings = bindings;
        bindings.retain(|binding| binding.expires > now);
        bindings.truncate(self.config.max_contacts.min(room));
        self.put(&name, bindings);
    }

    /// When to call [`Registrar::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        self.deadlines.first().map(|at| (at, "registration"))
    }

    /// Removes what is due. Late and repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<RegistrarOutput>) {
        while let Some(name) = self.deadlines.pop_due(now) {
            let Some(aor) = self.aors.get_mut(&name) else {
                continue;
            };
            aor.scheduled = None;
            let mut left = aor.bindings.clone();
            left.retain(|binding| binding.expires > now);
            if left.len() == aor.bindings.len() {
                self.schedule(&name);
                continue;
            }
            let aor = Arc::clone(&name);
            out.push(if left.is_empty() {
                RegistrarOutput::Unregistered { aor, expired: true }
            } else {
                RegistrarOutput::Changed { aor }
            });
            self.put(&name, left);
        }
    }

    /// Makes `bindings` those of the AoR.
    fn put(&mut self, name: &Arc<str>, bindings: Vec<Binding>) {
        let before = self.aors.get(name).map_or(0, |aor| aor.bindings.len());
        self.bindings = self.bindings - before + bindings.len();
        if bindings.is_empty() {
            self.aors.remove(name);
        } else {
            let aor = self.aors.entry(Arc::clone(name)).or_default();
            aor.bindings = bindings;
            self.schedule(name);
        }
        let Self {
            deadlines, aors, ..
        } = self;
        deadlines.compact(aors.len(), |at, name| {
            aors.get(name).is_some_and(|aor| aor.scheduled == Some(at))
        });
    }

    /// Sees to it that the heap has an entry no later than the AoR's next
    /// deadline.
    fn schedule(&mut self, name: &Arc<str>) {
        let Some(aor) = self.aors.get_mut(name) else {
            return;
        };
        let Some(next) = aor.next_deadline() else {
            return;
        };
        if aor.scheduled.is_none_or(|scheduled| next < scheduled) {
            aor.scheduled = Some(next);
            self.deadlines.push(next, Arc::clone(name));
        }
    }
}
