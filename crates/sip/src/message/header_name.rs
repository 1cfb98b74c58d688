//! Header field names: case-insensitive, with their compact forms.

use std::fmt;
use std::hash::{Hash, Hasher};

use bytes::Bytes;

/// Position of a standardised name in [`KNOWN`]; [`OTHER`] for all others.
pub(super) type NameId = u8;

/// The [`NameId`] of names that are not in the table.
pub(super) const OTHER: NameId = u8::MAX;

/// The id of Content-Length, which writing looks out for.
pub(super) const CONTENT_LENGTH: NameId = Known::ContentLength as NameId;

macro_rules! header_names {
    ($($name:ident $spelling:literal $compact:literal)*) => {
        /// The name of a header field (RFC 3261 §7.3.3 and §20).
        ///
        /// Names compare without regard to case; a compact form is the same name.
        #[derive(Clone, Debug)]
        pub enum HeaderName {
            $(
                #[doc = $spelling]
                $name,
            )*
            /// Any other name, as it was written.
            Other(Bytes),
        }

        /// The standardised names, numbered.
        #[repr(u8)]
        enum Known {
            $($name,)*
        }

        /// The standardised names by number: the name itself, its canonical
        /// spelling and its compact form (0: none).
        static KNOWN: [(HeaderName, &str, u8); [$($compact),*].len()] =
            [$((HeaderName::$name, $spelling, $compact),)*];

        impl HeaderName {
            pub(super) fn id(&self) -> NameId {
                match self {
                    $(Self::$name => Known::$name as NameId,)*
                    Self::Other(name) => lookup(name),
                }
            }
        }
    };
}

header_names! {
    Via "Via" b'v'
    From "From" b'f'
    To "To" b't'
    CallId "Call-ID" b'i'
    CSeq "CSeq" 0
    MaxForwards "Max-Forwards" 0
    Contact "Contact" b'm'
    ContentLength "Content-Length" b'l'
    ContentType "Content-Type" b'c'
    Route "Route" 0
    RecordRoute "Record-Route" 0
    Allow "Allow" 0
    Supported "Supported" b'k'
    Require "Require" 0
    ProxyRequire "Proxy-Require" 0
    Unsupported "Unsupported" 0
    UserAgent "User-Agent" 0
    Server "Server" 0
    Accept "Accept" 0
    AcceptEncoding "Accept-Encoding" 0
    AcceptLanguage "Accept-Language" 0
    AlertInfo "Alert-Info" 0
    AllowEvents "Allow-Events" b'u'
    Authorization "Authorization" 0
    AuthenticationInfo "Authentication-Info" 0
    CallInfo "Call-Info" 0
    ContentDisposition "Content-Disposition" 0
    ContentEncoding "Content-Encoding" b'e'
    ContentLanguage "Content-Language" 0
    Date "Date" 0
    ErrorInfo "Error-Info" 0
    Event "Event" b'o'
    Expires "Expires" 0
    Identity "Identity" b'y'
    InReplyTo "In-Reply-To" 0
    MimeVersion "MIME-Version" 0
    MinExpires "Min-Expires" 0
    MinSe "Min-SE" 0
    Organization "Organization" 0
    PAssertedIdentity "P-Asserted-Identity" 0
    PPreferredIdentity "P-Preferred-Identity" 0
    Path "Path" 0
    Priority "Priority" 0
    Privacy "Privacy" 0
    ProxyAuthenticate "Proxy-Authenticate" 0
    ProxyAuthorization "Proxy-Authorization" 0
    RAck "RAck" 0
    Reason "Reason" 0
    ReferTo "Refer-To" b'r'
    ReferredBy "Referred-By" b'b'
    Replaces "Replaces" 0
    ReplyTo "Reply-To" 0
    RetryAfter "Retry-After" 0
    RSeq "RSeq" 0
    ServiceRoute "Service-Route" 0
    SessionExpires "Session-Expires" b'x'
    SipEtag "SIP-ETag" 0
    SipIfMatch "SIP-If-Match" 0
    Subject "Subject" b's'
    SubscriptionState "Subscription-State" 0
    Timestamp "Timestamp" 0
    Warning "Warning" 0
    WwwAuthenticate "WWW-Authenticate" 0
    AcceptContact "Accept-Contact" b'a'
    RejectContact "Reject-Contact" b'j'
    RequestDisposition "Request-Disposition" b'd'
}

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
}

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

// Sets of names are kept as the bits of a u128.
const _: () = assert!(KNOWN.len() <= 128);

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
