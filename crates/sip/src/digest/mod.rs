//! Digest authentication, the server's side (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! [`Authenticator`] writes challenges and judges what comes back. It asks for
//! `qop=auth` and offers SHA-256 before MD5 unless told otherwise, as far as all
//! its users have credentials for them. Where the standards leave room:
//!
//! - A nonce is a time stamp, a serial number and a MAC over both and the address
//!   it was given to; nothing is kept until it is used with success. One that is
//!   too old, comes from another address or is none of ours gets a new one with
//!   `stale=true`, and its response is not looked at: so a wrong answer always
//!   comes from an address that has seen our challenge, and whoever forges
//!   addresses cannot have others banned. (RFC 7616 §3.3 would say `stale` only
//!   when the response is right; judging it would be a password oracle.)
//! - A nonce count is good once (RFC 7616 §5.12), within a window of 64 so that
//!   requests may overtake each other. When more nonces are in use than there is
//!   room for, the oldest are stale.
//! - Credentials without `qop` are refused with 400. RFC 3261 §22.4 obliges
//!   a client that was offered `qop` to use it, and without a nonce count its
//!   response could be replayed.
//! - A user that does not exist costs and answers exactly as a wrong password.
//!
//! | credentials | nonce | response | nonce count | [`Verdict`] |
//! |---|---|---|---|---|
//! | none for this realm | | | | `Missing` |
//! | malformed, no `qop`, another algorithm or URI | | | | `Malformed` |
//! | good | expired, forged, another address's | | | `Stale` |
//! | good | good | wrong, or nobody's | | `Wrong` |
//! | good | good | right | seen before | `Stale` |
//! | good | good | right | new | `Accepted` |

mod algorithm;
mod authenticator;
mod authorization;
mod credentials;
mod nonce;
mod nonce_counts;

pub use algorithm::{Algorithm, HexHash, digest_response, ha1};
pub use authenticator::{Authenticator, DigestConfig, Verdict};
pub use authorization::{Authorization, AuthorizationError};
pub use credentials::{Credentials, UserIndex, Users};

#[cfg(test)]
mod tests;
