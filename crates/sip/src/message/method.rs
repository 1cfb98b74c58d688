//! Methods: the standardised ones by name, any other kept as it stands.

use std::fmt;

use bytes::Bytes;

use super::lex;

/// A request method (RFC 3261 §7.1). Methods are case-sensitive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// INVITE (RFC 3261).
    Invite,
    /// ACK (RFC 3261).
    Ack,
    /// BYE (RFC 3261).
    Bye,
    /// CANCEL (RFC 3261).
    Cancel,
    /// OPTIONS (RFC 3261).
    Options,
    /// REGISTER (RFC 3261).
    Register,
    /// PRACK (RFC 3262).
    Prack,
    /// UPDATE (RFC 3311).
    Update,
    /// INFO (RFC 6086).
    Info,
    /// REFER (RFC 3515).
    Refer,
    /// SUBSCRIBE (RFC 6665).
    Subscribe,
    /// NOTIFY (RFC 6665).
    Notify,
    /// MESSAGE (RFC 3428).
    Message,
    /// PUBLISH (RFC 3903).
    Publish,
    /// Any other token.
    Other(Bytes),
}

static KNOWN: [Method; 14] = [
    Method::Invite,
    Method::Ack,
    Method::Bye,
    Method::Cancel,
    Method::Options,
    Method::Register,
    Method::Prack,
    Method::Update,
    Method::Info,
    Method::Refer,
    Method::Subscribe,
    Method::Notify,
    Method::Message,
    Method::Publish,
];

impl Method {
    /// The method of that name; `None` if it is not a token (RFC 3261 §25.1).
    pub fn parse(name: &[u8]) -> Option<Self> {
        Self::known(name)
            .or_else(|| lex::is_token(name).then(|| Self::Other(Bytes::copy_from_slice(name))))
    }

    /// One of the standardised methods.
    fn known(name: &[u8]) -> Option<Self> {
        KNOWN
            .iter()
            .find(|method| method.as_bytes() == name)
            .cloned()
    }

    /// The name as it stands in the request line.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Invite => b"INVITE",
            Self::Ack => b"ACK",
            Self::Bye => b"BYE",
            Self::Cancel => b"CANCEL",
            Self::Options => b"OPTIONS",
            Self::Register => b"REGISTER",
            Self::Prack => b"PRACK",
            Self::Update => b"UPDATE",
            Self::Info => b"INFO",
            Self::Refer => b"REFER",
            Self::Subscribe => b"SUBSCRIBE",
            Self::Notify => b"NOTIFY",
            Self::Message => b"MESSAGE",
            Self::Publish => b"PUBLISH",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_case_sensitive_tokens() {
        for method in &KNOWN {
            assert_eq!(Method::parse(method.as_bytes()).as_ref(), Some(method));
        }
        let lower = Method::parse(b"invite").expect("a token");
        assert_ne!(lower, Method::Invite);
        assert_eq!(lower.to_string(), "invite");
        for text in [&b""[..], b"IN VITE", b"A,B", b"\xff"] {
            assert_eq!(Method::parse(text), None);
        }
    }
}
