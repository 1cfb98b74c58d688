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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_a_number_and_a_method() {
        type Row = (&'static [u8], Option<(u32, &'static [u8])>);
        let rows: [Row; 10] = [
            (b"1 INVITE", Some((1, b"INVITE"))),
            (b" 0009 \t ACK ", Some((9, b"ACK"))),
            (b"4294967295 Foo", Some((u32::MAX, b"Foo"))),
            (b"4294967296 INVITE", None),
            (b"-1 INVITE", None),
            (b"1INVITE", None),
            (b"INVITE", None),
            (b"1 ", None),
            (b"1 IN VITE", None),
            (b"", None),
        ];
        for (value, expected) in rows {
            let expected = expected.map(|(number, method)| CSeq {
                number,
                method: Method::parse(method).expect("a token"),
            });
            assert_eq!(CSeq::parse(value), expected, "{}", value.escape_ascii());
            if let Some(cseq) = expected {
                assert_eq!(CSeq::parse(&cseq.to_bytes()), Some(cseq));
            }
        }
    }
}
