//! Reading (in work).

/// What makes a session description unreadable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(super) std::borrow::Cow<'static, str>);
