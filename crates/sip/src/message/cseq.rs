//! The CSeq header field (RFC 3261 §20.16).

use bytes::Bytes;

use super::lex;
use super::method::Method;

/// A sequence number and a method.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CSeq {
    /// The sequence number. RFC 3261 §8.1.1.5 wants it below 2³¹; up to 2³²−1
    /// is understood.
    pub number: u32,
    /// The method.
    pub method: Method,
}

impl CSeq {
    /// Parses a header field value.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value = lex::trim(value);
        let digits_end = value.iter().position(|byte| lex::is_lws(*byte))?;
        let number = lex::parse_u64(&value[..digits_end])?;
        Some(Self {
            number: u32::try_from(number).ok()?,
            method: Method::parse(lex::trim(&value[digits_end..]))?,
        })
    }

    /// The header field value.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = bytes::BytesMut::with_capacity(20);
        lex::write_decimal(&mut out, u64::from(self.number));
        out.extend_from_slice(b" ");
        out.extend_from_slice(self.method.as_bytes());
        out.freeze()
    }
}
