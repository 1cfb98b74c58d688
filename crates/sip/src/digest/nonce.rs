//! Nonces that need not be kept: a time stamp and a serial number, signed.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::algorithm::{read_hex, write_hex};

/// Octets of time stamp, serial number and MAC.
const PARTS: [usize; 3] = [8, 8, 16];

/// Hexadecimal digits of a nonce.
pub(super) const NONCE_DIGITS: usize = 2 * (PARTS[0] + PARTS[1] + PARTS[2]);

/// What a nonce of ours says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nonce {
    /// When it was made, in ms since the authenticator was.
    pub(super) issued_ms: u64,
    /// Later nonces have higher numbers.
    pub(super) serial: u64,
}

/// Signs nonces and knows its signature again.
pub(super) struct NonceSigner {
    mac: Hmac<Sha256>,
}

impl NonceSigner {
    pub(super) fn new(seed: u64) -> Self {
        let mut key = Sha256::new();
        key.update(b"strowger nonce key");
        key.update(seed.to_be_bytes());
        let mac = Hmac::new_from_slice(&key.finalize()).expect("HMAC takes keys of any length");
        Self { mac }
    }

    /// The nonce as it goes to `source`.
    pub(super) fn sign(&self, nonce: Nonce, source: IpAddr) -> [u8; NONCE_DIGITS] {
        let mut digits = [0; NONCE_DIGITS];
        let (stamp, rest) = digits.split_at_mut(2 * PARTS[0]);
        let (serial, mac) = rest.split_at_mut(2 * PARTS[1]);
        write_hex(&nonce.issued_ms.to_be_bytes(), stamp);
        write_hex(&nonce.serial.to_be_bytes(), serial);
        write_hex(&self.mac_of(nonce, source), mac);
        digits
    }

    /// The nonce, if we gave it to `source`.
    pub(super) fn verify(&self, digits: &[u8], source: IpAddr) -> Option<Nonce> {
        if digits.len() != NONCE_DIGITS {
            return None;
        }
        let (mut stamp, mut serial, mut mac) = ([0; PARTS[0]], [0; PARTS[1]], [0; PARTS[2]]);
        read_hex(&digits[..16], &mut stamp)?;
        read_hex(&digits[16..32], &mut serial)?;
        read_hex(&digits[32..], &mut mac)?;
        let nonce = Nonce {
            issued_ms: u64::from_be_bytes(stamp),
            serial: u64::from_be_bytes(serial),
        };
        let same = self.mac_of(nonce, source).ct_eq(&mac);
        bool::from(same).then_some(nonce)
    }

    fn mac_of(&self, nonce: Nonce, source: IpAddr) -> [u8; PARTS[2]] {
        let mut mac = self.mac.clone();
        mac.update(&nonce.issued_ms.to_be_bytes());
        mac.update(&nonce.serial.to_be_bytes());
        match source {
            IpAddr::V4(ip) => mac.update(&ip.octets()),
            IpAddr::V6(ip) => mac.update(&ip.octets()),
        }
        let whole = mac.finalize().into_bytes();
        std::array::from_fn(|at| whole[at])
    }
}
