//! Header field names: case-insensitive, with their compact forms.

use std::fmt;
use std::hash::{Hash, Hasher};

use bytes::Bytes;

/// The name of a header field (RFC 3261 §7.3.3 and §20).
///
/// Names compare without regard to case; a compact form is the same name.
#[derive(Clone, Debug)]
pub enum HeaderName {
    /// Via, compact form `v`.
    Via,
    /// From, compact form `f`.
    From,
    /// To, compact form `t`.
    To,
    /// Call-ID, compact form `i`.
    CallId,
    /// CSeq.
    CSeq,
    /// Max-Forwards.
    MaxForwards,
    /// Contact, compact form `m`.
    Contact,
    /// Content-Length, compact form `l`.
    ContentLength,
    /// Content-Type, compact form `c`.
    ContentType,
    /// Route.
    Route,
    /// Record-Route.
    RecordRoute,
    /// Allow.
    Allow,
    /// Supported, compact form `k`.
    Supported,
    /// Require.
    Require,
    /// Proxy-Require.
    ProxyRequire,
    /// Unsupported.
    Unsupported,
    /// User-Agent.
    UserAgent,
    /// Server.
    Server,
    /// Accept.
    Accept,
    /// Accept-Encoding.
    AcceptEncoding,
    /// Accept-Language.
    AcceptLanguage,
    /// Alert-Info.
    AlertInfo,
    /// Allow-Events, compact form `u`.
    AllowEvents,
    /// Authorization.
    Authorization,
    /// Authentication-Info.
    AuthenticationInfo,
    /// Call-Info.
    CallInfo,
    /// Content-Disposition.
    ContentDisposition,
    /// Content-Encoding, compact form `e`.
    ContentEncoding,
    /// Content-Language.
    ContentLanguage,
    /// Date.
    Date,
    /// Error-Info.
    ErrorInfo,
    /// Event, compact form `o`.
    Event,
    /// Expires.
    Expires,
    /// Identity, compact form `y`.
    Identity,
    /// In-Reply-To.
    InReplyTo,
    /// MIME-Version.
    MimeVersion,
    /// Min-Expires.
    MinExpires,
    /// Min-SE.
    MinSe,
    /// Organization.
    Organization,
    /// P-Asserted-Identity.
    PAssertedIdentity,
    /// P-Preferred-Identity.
    PPreferredIdentity,
    /// Path.
    Path,
    /// Priority.
    Priority,
    /// Privacy.
    Privacy,
    /// Proxy-Authenticate.
    ProxyAuthenticate,
    /// Proxy-Authorization.
    ProxyAuthorization,
    /// RAck.
    RAck,
    /// Reason.
    Reason,
    /// Refer-To, compact form `r`.
    ReferTo,
    /// Referred-By, compact form `b`.
    ReferredBy,
    /// Replaces.
    Replaces,
    /// Reply-To.
    ReplyTo,
    /// Retry-After.
    RetryAfter,
    /// RSeq.
    RSeq,
    /// Service-Route.
    ServiceRoute,
    /// Session-Expires, compact form `x`.
    SessionExpires,
    /// SIP-ETag.
    SipEtag,
    /// SIP-If-Match.
    SipIfMatch,
    /// Subject, compact form `s`.
    Subject,
    /// Subscription-State.
    SubscriptionState,
    /// Timestamp.
    Timestamp,
    /// Warning.
    Warning,
    /// WWW-Authenticate.
    WwwAuthenticate,
    /// Accept-Contact, compact form `a`.
    AcceptContact,
    /// Reject-Contact, compact form `j`.
    RejectContact,
    /// Request-Disposition, compact form `d`.
    RequestDisposition,
    /// Any other name, as it was written.
    Other(Bytes),
}

/// Position of a standardised name in [`KNOWN`]; [`OTHER`] for all others.
pub(super) type NameId = u8;

/// The [`NameId`] of names that are not in the table.
pub(super) const OTHER: NameId = u8::MAX;

/// The standardised names in the order of the enum: the name itself, its
/// canonical spelling and its compact form (0: none).
static KNOWN: [(HeaderName, &str, u8); 66] = [
    (HeaderName::Via, "Via", b'v'),
    (HeaderName::From, "From", b'f'),
    (HeaderName::To, "To", b't'),
    (HeaderName::CallId, "Call-ID", b'i'),
    (HeaderName::CSeq, "CSeq", 0),
    (HeaderName::MaxForwards, "Max-Forwards", 0),
    (HeaderName::Contact, "Contact", b'm'),
    (HeaderName::ContentLength, "Content-Length", b'l'),
    (HeaderName::ContentType, "Content-Type", b'c'),
    (HeaderName::Route, "Route", 0),
    (HeaderName::RecordRoute, "Record-Route", 0),
    (HeaderName::Allow, "Allow", 0),
    (HeaderName::Supported, "Supported", b'k'),
    (HeaderName::Require, "Require", 0),
    (HeaderName::ProxyRequire, "Proxy-Require", 0),
    (HeaderName::Unsupported, "Unsupported", 0),
    (HeaderName::UserAgent, "User-Agent", 0),
    (HeaderName::Server, "Server", 0),
    (HeaderName::Accept, "Accept", 0),
    (HeaderName::AcceptEncoding, "Accept-Encoding", 0),
    (HeaderName::AcceptLanguage, "Accept-Language", 0),
    (HeaderName::AlertInfo, "Alert-Info", 0),
    (HeaderName::AllowEvents, "Allow-Events", b'u'),
    (HeaderName::Authorization, "Authorization", 0),
    (HeaderName::AuthenticationInfo, "Authentication-Info", 0),
    (HeaderName::CallInfo, "Call-Info", 0),
    (HeaderName::ContentDisposition, "Content-Disposition", 0),
    (HeaderName::ContentEncoding, "Content-Encoding", b'e'),
    (HeaderName::ContentLanguage, "Content-Language", 0),
    (HeaderName::Date, "Date", 0),
    (HeaderName::ErrorInfo, "Error-Info", 0),
    (HeaderName::Event, "Event", b'o'),
    (HeaderName::Expires, "Expires", 0),
    (HeaderName::Identity, "Identity", b'y'),
    (HeaderName::InReplyTo, "In-Reply-To", 0),
    (HeaderName::MimeVersion, "MIME-Version", 0),
    (HeaderName::MinExpires, "Min-Expires", 0),
    (HeaderName::MinSe, "Min-SE", 0),
    (HeaderName::Organization, "Organization", 0),
    (HeaderName::PAssertedIdentity, "P-Asserted-Identity", 0),
    (HeaderName::PPreferredIdentity, "P-Preferred-Identity", 0),
    (HeaderName::Path, "Path", 0),
    (HeaderName::Priority, "Priority", 0),
    (HeaderName::Privacy, "Privacy", 0),
    (HeaderName::ProxyAuthenticate, "Proxy-Authenticate", 0),
    (HeaderName::ProxyAuthorization, "Proxy-Authorization", 0),
    (HeaderName::RAck, "RAck", 0),
    (HeaderName::Reason, "Reason", 0),
    (HeaderName::ReferTo, "Refer-To", b'r'),
    (HeaderName::ReferredBy, "Referred-By", b'b'),
    (HeaderName::Replaces, "Replaces", 0),
    (HeaderName::ReplyTo, "Reply-To", 0),
    (HeaderName::RetryAfter, "Retry-After", 0),
    (HeaderName::RSeq, "RSeq", 0),
    (HeaderName::ServiceRoute, "Service-Route", 0),
    (HeaderName::SessionExpires, "Session-Expires", b'x'),
    (HeaderName::SipEtag, "SIP-ETag", 0),
    (HeaderName::SipIfMatch, "SIP-If-Match", 0),
    (HeaderName::Subject, "Subject", b's'),
    (HeaderName::SubscriptionState, "Subscription-State", 0),
    (HeaderName::Timestamp, "Timestamp", 0),
    (HeaderName::Warning, "Warning", 0),
    (HeaderName::WwwAuthenticate, "WWW-Authenticate", 0),
    (HeaderName::AcceptContact, "Accept-Contact", b'a'),
    (HeaderName::RejectContact, "Reject-Contact", b'j'),
    (HeaderName::RequestDisposition, "Request-Disposition", b'd'),
];

impl HeaderName {
    /// The name that `bytes` spells, in its long or its compact form.
    pub fn parse(bytes: &[u8]) -> Self {
        match lookup(bytes) {
            OTHER => Self::Other(Bytes::copy_from_slice(bytes)),
            id => KNOWN[id as usize].0.clone(),
        }
    }

    /// The canonical spelling; for other names the one that was given.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Other(name) => name,
            known => KNOWN[known.id() as usize].1.as_bytes(),
        }
    }

    /// The standardised name with that id.
    pub(super) fn from_id(id: NameId) -> Option<Self> {
        KNOWN.get(id as usize).map(|known| known.0.clone())
    }

    pub(super) fn id(&self) -> NameId {
        match self {
            Self::Via => 0,
            Self::From => 1,
            Self::To => 2,
            Self::CallId => 3,
            Self::CSeq => 4,
            Self::MaxForwards => 5,
            Self::Contact => 6,
            Self::ContentLength => 7,
            Self::ContentType => 8,
            Self::Route => 9,
            Self::RecordRoute => 10,
            Self::Allow => 11,
            Self::Supported => 12,
            Self::Require => 13,
            Self::ProxyRequire => 14,
            Self::Unsupported => 15,
            Self::UserAgent => 16,
            Self::Server => 17,
            Self::Accept => 18,
            Self::AcceptEncoding => 19,
            Self::AcceptLanguage => 20,
            Self::AlertInfo => 21,
            Self::AllowEvents => 22,
            Self::Authorization => 23,
            Self::AuthenticationInfo => 24,
            Self::CallInfo => 25,
            Self::ContentDisposition => 26,
            Self::ContentEncoding => 27,
            Self::ContentLanguage => 28,
            Self::Date => 29,
            Self::ErrorInfo => 30,
            Self::Event => 31,
            Self::Expires => 32,
            Self::Identity => 33,
            Self::InReplyTo => 34,
            Self::MimeVersion => 35,
            Self::MinExpires => 36,
            Self::MinSe => 37,
            Self::Organization => 38,
            Self::PAssertedIdentity => 39,
            Self::PPreferredIdentity => 40,
            Self::Path => 41,
            Self::Priority => 42,
            Self::Privacy => 43,
            Self::ProxyAuthenticate => 44,
            Self::ProxyAuthorization => 45,
            Self::RAck => 46,
            Self::Reason => 47,
            Self::ReferTo => 48,
            Self::ReferredBy => 49,
            Self::Replaces => 50,
            Self::ReplyTo => 51,
            Self::RetryAfter => 52,
            Self::RSeq => 53,
            Self::ServiceRoute => 54,
            Self::SessionExpires => 55,
            Self::SipEtag => 56,
            Self::SipIfMatch => 57,
            Self::Subject => 58,
            Self::SubscriptionState => 59,
            Self::Timestamp => 60,
            Self::Warning => 61,
            Self::WwwAuthenticate => 62,
            Self::AcceptContact => 63,
            Self::RejectContact => 64,
            Self::RequestDisposition => 65,
            Self::Other(name) => lookup(name),
        }
    }
}

/// The id of Content-Length, which writing looks out for.
pub(super) const CONTENT_LENGTH: NameId = 7;

/// The canonical spelling of a standardised name.
pub(super) fn canonical(id: NameId) -> &'static str {
    KNOWN[id as usize].1
}

/// The id of the name that `bytes` spells.
pub(super) fn lookup(bytes: &[u8]) -> NameId {
    if let [letter] = bytes {
        return COMPACT[*letter as usize];
    }
    let Some(bucket) = BY_LENGTH.get(bytes.len()) else {
        return OTHER;
    };
    for id in &bucket.ids[..bucket.len] {
        if KNOWN[*id as usize].1.as_bytes().eq_ignore_ascii_case(bytes) {
            return *id;
        }
    }
    OTHER
}

const LONGEST: usize = 20;

/// Ids of the names of one length. They are few, so the search within is short.
#[derive(Clone, Copy)]
struct Bucket {
    ids: [NameId; 10],
    len: usize,
}

static BY_LENGTH: [Bucket; LONGEST + 1] = by_length();

const fn by_length() -> [Bucket; LONGEST + 1] {
    let mut buckets = [Bucket {
        ids: [0; 10],
        len: 0,
    }; LONGEST + 1];
    let mut id = 0;
    while id < KNOWN.len() {
        let bucket = &mut buckets[KNOWN[id].1.len()];
        bucket.ids[bucket.len] = id as NameId;
        bucket.len += 1;
        id += 1;
    }
    buckets
}

static COMPACT: [NameId; 256] = compact();

const fn compact() -> [NameId; 256] {
    let mut table = [OTHER; 256];
    let mut id = 0;
    while id < KNOWN.len() {
        let letter = KNOWN[id].2;
        if letter != 0 {
            table[letter as usize] = id as NameId;
            table[letter.to_ascii_uppercase() as usize] = id as NameId;
        }
        id += 1;
    }
    table
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        match (self.id(), other.id()) {
            (OTHER, OTHER) => self.as_bytes().eq_ignore_ascii_case(other.as_bytes()),
            (left, right) => left == right,
        }
    }
}

impl Eq for HeaderName {}

impl Hash for HeaderName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let id = self.id();
        id.hash(state);
        if id == OTHER {
            self.as_bytes().to_ascii_lowercase().hash(state);
        }
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (id, (name, spelling, compact)) in KNOWN.iter().enumerate() {
            assert_eq!(name.id() as usize, id, "{spelling}");
            assert_eq!(lookup(spelling.as_bytes()) as usize, id, "{spelling}");
            assert_eq!(
                lookup(spelling.to_uppercase().as_bytes()) as usize,
                id,
                "{spelling}"
            );
            assert_eq!(name.as_bytes(), spelling.as_bytes());
            if *compact != 0 {
                assert_eq!(lookup(&[*compact]) as usize, id, "{spelling}");
                assert_eq!(
                    lookup(&[compact.to_ascii_uppercase()]) as usize,
                    id,
                    "{spelling}"
                );
            }
        }
        assert_eq!(canonical(CONTENT_LENGTH), "Content-Length");
    }

    #[test]
    fn names_compare_without_case() {
        let same = [
            ("l", "CONTENT-length"),
            ("x-A", "X-a"),
            ("i", "Call-ID"),
            ("?", "?"),
        ];
        for (left, right) in same {
            let names = (
                HeaderName::parse(left.as_bytes()),
                HeaderName::parse(right.as_bytes()),
            );
            assert_eq!(names.0, names.1, "{left} {right}");
        }
        let other = HeaderName::Other(Bytes::from_static(b"via"));
        assert_eq!(other, HeaderName::Via);
        assert_ne!(HeaderName::parse(b"x-a"), HeaderName::parse(b"x-b"));
        assert_ne!(HeaderName::parse(b"Via2"), HeaderName::Via);
        assert_eq!(lookup(b""), OTHER);
        assert_eq!(lookup(&[b'a'; 100]), OTHER);
    }
}
