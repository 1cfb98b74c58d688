//! What a dialog is recognised by.

use bytes::Bytes;

use crate::message::{HeaderError, Headers, Request, Response};

/// Call-ID and both tags (RFC 3261 §12). A tag is empty where the far end is of
/// RFC 2543 and sent none.
///
/// The values are copies: an id in an index keeps no message alive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DialogId {
    /// Call-ID.
    pub call_id: Bytes,
    /// Our tag.
    pub local_tag: Bytes,
    /// The far end's tag.
    pub remote_tag: Bytes,
}

impl DialogId {
    /// The dialog that a request is sent within (RFC 3261 §12.2.2): our tag
    /// stands in To. `None` if it has no To tag, or lacks From, To or Call-ID.
    pub fn of_request(request: &Request) -> Option<Self> {
        let (from, to) = tags(&request.headers).ok()?;
        Self::new(&request.headers, to?, from).ok()
    }

    /// The dialog that a response belongs to: our tag stands in From. `None` if
    /// it has no From tag, or lacks From, To or Call-ID.
    pub fn of_response(response: &Response) -> Option<Self> {
        let (from, to) = tags(&response.headers).ok()?;
        Self::new(&response.headers, from?, to).ok()
    }

    pub(super) fn new(
        headers: &Headers,
        local_tag: Bytes,
        remote_tag: Option<Bytes>,
    ) -> Result<Self, HeaderError> {
        Ok(Self {
            call_id: Bytes::copy_from_slice(&headers.call_id()?),
            local_tag,
            remote_tag: remote_tag.unwrap_or_default(),
        })
    }
}

/// The tags of From and To.
pub(super) fn tags(headers: &Headers) -> Result<(Option<Bytes>, Option<Bytes>), HeaderError> {
    let copy = |tag: Option<&[u8]>| tag.map(Bytes::copy_from_slice);
    Ok((copy(headers.from_()?.tag()), copy(headers.to()?.tag())))
}
