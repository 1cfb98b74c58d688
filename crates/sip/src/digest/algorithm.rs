//! The two hash algorithms and what is hashed (RFC 7616 §3.4, RFC 8760 §2.4).

use std::fmt;

use md5::Md5;
use sha2::{Digest as _, Sha256};

/// A hash algorithm of RFC 8760.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// MD5, for phones that know nothing else.
    Md5,
}

impl Algorithm {
    /// Both, the better one first.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Md5];

    /// The token of the `algorithm` parameter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    /// The algorithm of that token; `None` for any other.
    pub fn parse(token: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|it| token.eq_ignore_ascii_case(it.as_str().as_bytes()))
    }

    /// Octets of a hash.
    pub fn hash_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Md5 => 16,
        }
    }

    /// The hash of `parts` with colons between them, as hexadecimal digits.
    pub(super) fn hash(self, parts: &[&[u8]]) -> HexHash {
        match self {
            Self::Sha256 => {
                let mut hash = Sha256::new();
                feed(parts, |part| hash.update(part));
                HexHash::of(&hash.finalize())
            }
            Self::Md5 => {
                let mut hash = Md5::new();
                feed(parts, |part| hash.update(part));
                HexHash::of(&hash.finalize())
            }
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `H(username:realm:password)` as lower-case hexadecimal digits.
pub fn ha1(algorithm: Algorithm, username: &str, realm: &str, password: &str) -> String {
    let parts = [username.as_bytes(), realm.as_bytes(), password.as_bytes()];
    let hash = algorithm.hash(&parts);
    hash.as_bytes().iter().map(|digit| *digit as char).collect()
}

/// The `response` that belongs to `credentials` for a request of that method, as
/// lower-case hexadecimal digits. `ha1`: see [`ha1()`].
pub fn digest_response(
    ha1: &[u8],
    method: &[u8],
    credentials: &super::Authorization<'_>,
) -> HexHash {
    let algorithm = credentials.algorithm;
    let ha2 = algorithm.hash(&[method, credentials.uri]);
    algorithm.hash(&[
        ha1,
        credentials.nonce,
        credentials.nc,
        credentials.cnonce,
        credentials.qop,
        ha2.as_bytes(),
    ])
}

/// Up to 64 hexadecimal digits.
#[derive(Clone, Copy)]
pub struct HexHash {
    digits: [u8; 64],
    len: usize,
}

impl HexHash {
    fn of(octets: &[u8]) -> Self {
        let mut digits = [0; 64];
        write_hex(octets, &mut digits);
        Self {
            digits,
            len: 2 * octets.len(),
        }
    }

    /// The digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.digits[..self.len]
    }
}

impl fmt::Debug for HexHash {
    /// Says nothing: it may stand for a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HexHash(…)")
    }
}

/// Writes two lower-case digits for each octet.
pub(super) fn write_hex(octets: &[u8], digits: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (octet, pair) in octets.iter().zip(digits.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(octet >> 4)];
        pair[1] = DIGITS[usize::from(octet & 15)];
    }
}

/// Reads as many octets as `octets` holds; `None` unless the digits are just
/// these.
pub(super) fn read_hex(digits: &[u8], octets: &mut [u8]) -> Option<()> {
    if digits.len() != 2 * octets.len() {
        return None;
    }
    let value = |digit: u8| (digit as char).to_digit(16).map(|value| value as u8);
    for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
        *octet = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(())
}

fn feed(parts: &[&[u8]], mut update: impl FnMut(&[u8])) {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            update(b":");
        }
        update(part);
    }
}
