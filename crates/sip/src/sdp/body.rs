//! Finding the session description in a body.

/// The session description in a body of this Content-Type: the body itself for
/// `application/sdp`, the first such part of a `multipart/*` (RFC 2046 §5.1,
/// nested ones too). `None` when there is none: with a body that is not empty
/// that is a 415 to an INVITE.
pub fn find_sdp<'a>(_content_type: &[u8], _body: &'a [u8]) -> Option<&'a [u8]> {
    None
}
