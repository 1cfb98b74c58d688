//! Dialogs: RFC 3261 §12, and the 2xx that waits for its ACK (§13.3.1.4).
//!
//! | state | input | next | outputs |
//! | --- | --- | --- | --- |
//! | – | `uas`: an INVITE is taken up | Early | – |
//! | – | `uac`: 101–199 with a To tag | Early | – |
//! | – | `uac`: 2xx | Confirmed | – |
//! | Early | `confirm`: we sent a 2xx | Confirmed | – |
//! | Early | 2xx to our INVITE | Confirmed | route set made anew (§13.2.2.4) |
//! | Early | 300–699 to our INVITE | Terminated | – |
//! | Early, Confirmed | request with a lower CSeq | the same | 500 (§12.2.2) |
//! | Early, by `uas` | INVITE | Early | 500 with Retry-After (§14.2: the first one is unanswered) |
//! | Early, by `uac` | INVITE | Early | 491 (§14.2: ours is in progress) |
//! | Early, Confirmed | INVITE, UPDATE and other target refreshes | the same | remote target = Contact |
//! | Early, Confirmed | BYE | Terminated | – |
//! | Early, Confirmed | ACK, CANCEL | the same | – |
//! | Confirmed | 2xx to our target refresh | Confirmed | remote target = Contact |
//! | Early, Confirmed | 408 or 481 to a request of ours | Terminated | – (§12.2.1.2) |
//! | Early, Confirmed | `terminate` | Terminated | – |
//! | Terminated | ACK, CANCEL | Terminated | – |
//! | Terminated | any other request | Terminated | 481 |
//! | Terminated | a response | Terminated | – |

mod accepted_invite;
mod id;
mod route_set;

#[cfg(test)]
mod tests;

use bytes::{BufMut, Bytes, BytesMut};

use crate::message::{
    CSeq, HeaderError, HeaderName, Headers, Method, NameAddr, Rejection, Request, Response,
    StatusCode, Uri,
};
use route_set::{RouteSet, in_brackets};

pub use accepted_invite::{AcceptedInvite, AcceptedInviteOutput};
pub use id::DialogId;

/// Where a dialog stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogState {
    /// No 2xx yet.
    Early,
    /// A 2xx was sent or came.
    Confirmed,
    /// Over.
    Terminated,
}

/// One dialog, from either side. It owns copies: no message is kept alive.
#[derive(Clone, Debug)]
pub struct Dialog {
    id: DialogId,
    state: DialogState,
    is_uas: bool,
    /// Our From: URI, display name and tag.
    local: Bytes,
    /// Our To.
    remote: Bytes,
    local_cseq: u32,
    /// `None` before the far end has sent a request.
    remote_cseq: Option<u32>,
    remote_target: Uri,
    routes: RouteSet,
    contact: Bytes,
}

impl Dialog {
    /// The dialog that an INVITE asks us for (RFC 3261 §12.1.1). `local_tag` is
    /// the tag our responses will carry, `contact` the URI under which we want
    /// the requests of this dialog: a `sips:` one if the Request-URI is.
    ///
    /// Refused with 400: no usable Contact, Record-Route, From, To, Call-ID or
    /// CSeq.
    pub fn uas(invite: &Request, local_tag: &str, contact: &Uri) -> Result<Self, Rejection> {
        let headers = &invite.headers;
        let (remote_tag, _) = id::tags(headers)?;
        let local_tag = Bytes::copy_from_slice(local_tag.as_bytes());
        Ok(Self {
            local: tagged(&headers.to()?, &local_tag),
            remote: Bytes::copy_from_slice(headers.from_()?.as_bytes()),
            local_cseq: 0,
            remote_cseq: Some(headers.cseq()?.number),
            remote_target: contact_of(headers)?.ok_or_else(missing_contact)?,
            routes: RouteSet::of_request(headers)?,
            contact: in_brackets(contact),
            id: DialogId::new(headers, local_tag, remote_tag)?,
            state: DialogState::Early,
            is_uas: true,
        })
    }

    /// The dialog that a response to our INVITE makes (RFC 3261 §12.1.2): 2xx a
    /// confirmed one, 101–199 an early one. The error says which header field of
    /// the response does not allow it: a To without a tag in a provisional, no
    /// usable Contact, Record-Route, From, To, Call-ID or CSeq.
    pub fn uac(invite: &Request, response: &Response) -> Result<Self, HeaderError> {
        let headers = &response.headers;
        let (local_tag, remote_tag) = id::tags(headers)?;
        let state = if response.status.is_success() {
            DialogState::Confirmed
        } else if remote_tag.is_some() {
            DialogState::Early
        } else {
            return Err(HeaderError {
                header: HeaderName::To,
                problem: "no tag",
            });
        };
        let contact = invite.headers.get(&HeaderName::Contact);
        Ok(Self {
            local: Bytes::copy_from_slice(headers.from_()?.as_bytes()),
            remote: Bytes::copy_from_slice(headers.to()?.as_bytes()),
            local_cseq: headers.cseq()?.number,
            remote_cseq: None,
            remote_target: contact_of(headers)?.ok_or_else(missing_contact)?,
            routes: RouteSet::of_response(headers)?,
            contact: contact.map(Bytes::copy_from_slice).unwrap_or_default(),
            id: DialogId::new(headers, local_tag.unwrap_or_default(), remote_tag)?,
            state,
            is_uas: false,
        })
    }

    /// What it is recognised by.
    pub fn id(&self) -> &DialogId {
        &self.id
    }

    /// Where it stands.
    pub fn state(&self) -> DialogState {
        self.state
    }

    /// Where the next request goes: the first route, or the remote target.
    pub fn target(&self) -> &Uri {
        self.routes.next_hop(&self.remote_target)
    }

    /// The far end's Contact.
    pub fn remote_target(&self) -> &Uri {
        &self.remote_target
    }

    /// We sent a 2xx to the INVITE.
    pub fn confirm(&mut self) {
        match self.state {
            DialogState::Early => self.state = DialogState::Confirmed,
            DialogState::Confirmed | DialogState::Terminated => {}
        }
    }

    /// It is over, for reasons the dialog cannot see.
    pub fn terminate(&mut self) {
        self.state = DialogState::Terminated;
    }

    /// A request within the dialog (RFC 3261 §12.2.2). A BYE ends it; its answer
    /// is still made by [`Dialog::respond`]. Whether a re-INVITE meets another
    /// one in a confirmed dialog is for offer/answer to say.
    pub fn handle_request(&mut self, request: &Request) -> Result<(), Rejection> {
        match request.method {
            Method::Ack | Method::Cancel => return Ok(()),
            Method::Invite
            | Method::Bye
            | Method::Options
            | Method::Register
            | Method::Prack
            | Method::Update
            | Method::Info
            | Method::Refer
            | Method::Subscribe
            | Method::Notify
            | Method::Message
            | Method::Publish
            | Method::Other(_) => {}
        }
        if self.state == DialogState::Terminated {
            return Err(Rejection::new(StatusCode::CALL_DOES_NOT_EXIST));
        }
        let number = request.headers.cseq()?.number;
        if self.remote_cseq.is_some_and(|last| number < last) {
            let status = StatusCode::SERVER_INTERNAL_ERROR;
            return Err(Rejection::because(status, "CSeq Out Of Order"));
        }
        self.remote_cseq = Some(number);
        if self.state == DialogState::Early && request.method == Method::Invite {
            return Err(self.refuse_glare());
        }
        if refreshes_target(&request.method)
            && let Some(target) = contact_of(&request.headers)?
        {
            self.remote_target = target;
        }
        if request.method == Method::Bye {
            self.state = DialogState::Terminated;
        }
        Ok(())
    }

    /// A response to a request of ours within the dialog, or a further one to the
    /// INVITE that made it (RFC 3261 §12.2.1.2, §13.2.2).
    pub fn handle_response(&mut self, response: &Response) -> Result<(), HeaderError> {
        let headers = &response.headers;
        let method = headers.cseq()?.method;
        let is_invite = method == Method::Invite;
        match (self.state, response.status) {
            (DialogState::Terminated, _) => {}
            (
                DialogState::Early | DialogState::Confirmed,
                StatusCode::REQUEST_TIMEOUT | StatusCode::CALL_DOES_NOT_EXIST,
            ) => self.state = DialogState::Terminated,
            (DialogState::Early, status) if is_invite && status.is_success() => {
                self.state = DialogState::Confirmed;
                self.routes = RouteSet::of_response(headers)?;
                self.refresh_target(headers)?;
            }
            (DialogState::Early, status) if is_invite && status.is_final() => {
                self.state = DialogState::Terminated;
            }
            (DialogState::Early | DialogState::Confirmed, status) => {
                if status.is_success() && refreshes_target(&method) {
                    self.refresh_target(headers)?;
                }
            }
        }
        Ok(())
    }

    /// A response to a request within the dialog, or to the INVITE that makes it
    /// (RFC 3261 §8.2.6.2, §12.1.1): with our tag, and where it establishes or
    /// refreshes with our Contact and the Record-Route of the request.
    pub fn respond(&self, request: &Request, status: StatusCode) -> Response {
        let tag = std::str::from_utf8(&self.id.local_tag).ok();
        let mut response = Response::for_request(request, status, tag);
        let establishes = (101..300).contains(&status.code());
        if establishes && refreshes_target(&request.method) {
            let headers = &mut response.headers;
            headers.copy_from(&request.headers, &HeaderName::RecordRoute);
            headers.push(HeaderName::Contact, self.contact.clone());
        }
        response
    }

    /// The next request of ours (RFC 3261 §12.2.1.1), without Via. For an ACK
    /// use [`Dialog::ack`]: it has the number of its INVITE.
    pub fn request(&mut self, method: Method) -> Request {
        // 2³¹−1 is the highest number there is (§8.1.1.5).
        self.local_cseq = (self.local_cseq + 1) & 0x7fff_ffff;
        self.request_numbered(method, self.local_cseq)
    }

    /// The ACK to a 2xx to our INVITE numbered `cseq` (RFC 3261 §13.2.2.4).
    pub fn ack(&self, cseq: u32) -> Request {
        self.request_numbered(Method::Ack, cseq)
    }

    /// RFC 3261 §14.2. "Between 0 and 10 seconds": by the Call-ID, so that two
    /// calls do not come back together.
    fn refuse_glare(&self) -> Rejection {
        if !self.is_uas {
            return Rejection::new(StatusCode::REQUEST_PENDING);
        }
        let sum: u32 = self.id.call_id.iter().map(|byte| u32::from(*byte)).sum();
        let retry_after = (sum % 11).to_string();
        Rejection::new(StatusCode::SERVER_INTERNAL_ERROR)
            .with_header(HeaderName::RetryAfter, retry_after)
    }

    fn request_numbered(&self, method: Method, number: u32) -> Request {
        let uri = self.routes.request_uri(&self.remote_target);
        let mut request = Request::new(method.clone(), uri);
        self.routes.write_routes(&self.remote_target, &mut request);
        let with_contact = refreshes_target(&method) && !self.contact.is_empty();
        let headers = &mut request.headers;
        headers.push(HeaderName::MaxForwards, Bytes::from_static(b"70"));
        headers.push(HeaderName::From, self.local.clone());
        headers.push(HeaderName::To, self.remote.clone());
        headers.push(HeaderName::CallId, self.id.call_id.clone());
        headers.push(HeaderName::CSeq, CSeq { number, method }.to_bytes());
        if with_contact {
            headers.push(HeaderName::Contact, self.contact.clone());
        }
        request
    }

    fn refresh_target(&mut self, headers: &Headers) -> Result<(), HeaderError> {
        if let Some(target) = contact_of(headers)? {
            self.remote_target = target;
        }
        Ok(())
    }
}

/// Target refresh requests (RFC 3261 §12.2, RFC 3311 §5, RFC 6665 §4.4.1, RFC
/// 3515 §2.4.4).
fn refreshes_target(method: &Method) -> bool {
    match method {
        Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer => {
            true
        }
        Method::Ack
        | Method::Bye
        | Method::Cancel
        | Method::Options
        | Method::Register
        | Method::Prack
        | Method::Info
        | Method::Message
        | Method::Publish
        | Method::Other(_) => false,
    }
}

/// The URI of the first Contact; `None` where there is no Contact.
fn contact_of(headers: &Headers) -> Result<Option<Uri>, HeaderError> {
    let contact = headers.contacts().next().transpose()?;
    Ok(contact.map(|contact| contact.uri.detach()))
}

fn missing_contact() -> HeaderError {
    HeaderError {
        header: HeaderName::Contact,
        problem: "missing",
    }
}

/// The value of our side, with our tag unless it has one.
fn tagged(local: &NameAddr, tag: &[u8]) -> Bytes {
    let raw = local.as_bytes();
    if local.tag().is_some() {
        return Bytes::copy_from_slice(raw);
    }
    let mut value = BytesMut::with_capacity(raw.len() + tag.len() + 5);
    value.put_slice(raw);
    value.put_slice(b";tag=");
    value.put_slice(tag);
    value.freeze()
}
