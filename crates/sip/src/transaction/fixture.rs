//! What the tests of transactions and dialogs share.

use std::time::Instant;

/// Some instant to begin at.
#[allow(clippy::disallowed_methods, reason = "an Instant has no other origin")]
pub(crate) fn epoch() -> Instant {
    Instant::now()
}
