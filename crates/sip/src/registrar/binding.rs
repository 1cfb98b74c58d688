//! An address of record and its bindings.

use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};

use crate::message::{NameAddr, Uri};
use crate::transport::Hop;

/// One contact of an AoR.
#[derive(Clone, Debug)]
pub struct Binding {
    /// `<uri>;params` without `expires`, as it is sent back.
    pub(super) contact: Bytes,
    /// The contact's URI.
    pub(super) uri: Uri,
    /// `+sip.instance` and `reg-id`, where both are there (RFC 5626 §6).
    pub(super) instance: Option<(Bytes, u32)>,
    /// Priority: 0 to 1000, thousandths of `q` (RFC 3261 §20.10).
    pub q: u16,
    /// Call-ID of the REGISTER that made it.
    pub call_id: Bytes,
    /// Its CSeq.
    pub cseq: u32,
    /// The Path, one value a line joined by commas; empty where there is none
    /// (RFC 3327).
    pub path: Bytes,
    /// Where the REGISTER came from: the way through a NAT.
    pub hop: Hop,
    /// When it ends.
    pub expires: Instant,
}

impl Binding {
    /// The contact's URI.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// `<uri>;params` without `expires`.
    pub fn contact(&self) -> &Bytes {
        &self.contact
    }

    /// The instance and the flow, where the phone named both (RFC 5626).
    pub fn instance(&self) -> Option<(&[u8], u32)> {
        let (instance, reg_id) = self.instance.as_ref()?;
        Some((instance, *reg_id))
    }

    /// Lifetime left, rounded up to whole seconds.
    pub fn expires_in_s(&self, now: Instant) -> u64 {
        let left = self.expires.saturating_duration_since(now);
        left.as_secs() + u64::from(left.subsec_nanos() > 0)
    }

    /// A binding that was kept over a restart. `None` if `contact` is not what
    /// [`Binding::contact`] said.
    pub fn restored(
        kept: &KeptBinding<'_>,
        hop: Hop,
        left: Duration,
        now: Instant,
    ) -> Option<Self> {
        let address = NameAddr::parse(Bytes::copy_from_slice(kept.contact)).ok()?;
        let (contact, uri) = super::contact::kept(&address)?;
        let [call_id, path] = [kept.call_id, kept.path].map(Bytes::copy_from_slice);
        Some(Self {
            instance: super::contact::instance(&address),
            q: super::contact::q(&address),
            contact,
            uri,
            call_id,
            cseq: kept.cseq,
            path,
            hop,
            expires: now + left,
        })
    }

    /// Whether a new contact takes the place of this one: the same instance and
    /// flow, or without them the same URI.
    pub(super) fn is_replaced_by(&self, new: &Self) -> bool {
        match (&self.instance, &new.instance) {
            (Some(own), Some(other)) => own == other,
            (None, _) | (_, None) => self.uri.is_equivalent(&new.uri),
        }
    }

    /// Appends the Contact value of a response.
    pub(super) fn write(&self, now: Instant, out: &mut BytesMut) {
        out.put_slice(&self.contact);
        out.put_slice(b";expires=");
        crate::message::lex::write_decimal(out, self.expires_in_s(now));
    }
}

/// What of a binding is kept over a restart, beside its hop and its end.
#[derive(Clone, Copy, Debug)]
pub struct KeptBinding<'a> {
    /// See [`Binding::contact`].
    pub contact: &'a [u8],
    /// See [`Binding::call_id`].
    pub call_id: &'a [u8],
    /// See [`Binding::cseq`].
    pub cseq: u32,
    /// See [`Binding::path`].
    pub path: &'a [u8],
}

/// An address of record that has bindings.
#[derive(Debug, Default)]
pub struct Aor {
    pub(super) bindings: Vec<Binding>,
    /// The entry of the heap that counts.
    pub(super) scheduled: Option<Instant>,
}

impl Aor {
    /// The bindings, the newest last.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.bindings.iter().map(|binding| binding.expires).min()
    }
}
