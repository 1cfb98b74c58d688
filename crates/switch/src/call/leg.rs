//! One leg of a call, as the callee's side of an INVITE: its dialog, the INVITE
//! until it is answered, the 2xx until its ACK, and its media.

use std::time::Instant;

use bytes::Bytes;
use strowger_sip::dialog::{AcceptedInvite, AcceptedInviteOutput, Dialog};
use strowger_sip::message::{HeaderName, Method, Rejection, Request, Response, StatusCode, Uri};
use strowger_sip::transaction::{ClientTransactionId, ServerTransactionId};
use strowger_sip::transport::{Hop, Transport};

use super::media::{LegMedia, description};
use crate::call_table::CallId;
use crate::effect::Effect;
use crate::switch::Core;

#[derive(Debug)]
pub(crate) struct Leg {
    call: CallId,
    hop: Hop,
    dialog: Dialog,
    /// The INVITE that has no final response yet.
    invite: Option<PendingInvite>,
    /// The 2xx whose ACK has not come.
    accepted: Option<AcceptedInvite>,
    media: Option<LegMedia>,
    /// Our BYE, until it is answered.
    bye: Option<ClientTransactionId>,
}

#[derive(Debug)]
struct PendingInvite {
    transaction: ServerTransactionId,
    request: Box<Request>,
    /// The answer that went out with a 183: the 200 repeats it.
    answer: Option<Bytes>,
}

/// What an ACK brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Acked {
    /// Not the ACK that was waited for.
    Stray,
    /// The 2xx has arrived.
    Confirmed,
    /// The same, and the answer to our offer came with it: media is usable now.
    MediaAgreed,
    /// The answer in it was missing or unusable; a sentence says why.
    Unusable(String),
}

impl Leg {
    pub(crate) fn new(
        call: CallId,
        transaction: ServerTransactionId,
        invite: Request,
        dialog: Dialog,
        hop: Hop,
    ) -> Self {
        let invite = Some(PendingInvite {
            transaction,
            request: Box::new(invite),
            answer: None,
        });
        Self {
            call,
            hop,
            dialog,
            invite,
            accepted: None,
            media: None,
            bye: None,
        }
    }

    pub(crate) fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    pub(crate) fn media(&self) -> Option<&LegMedia> {
        self.media.as_ref()
    }

    pub(crate) fn awaits_ack(&self) -> bool {
        self.accepted.is_some()
    }

    pub(crate) fn bye(&self) -> Option<ClientTransactionId> {
        self.bye
    }

    /// Sends a provisional response with a description of our media, so that the
    /// caller hears us before the answer. `false` when the INVITE carried no
    /// offer: then only a bare provisional could be sent (RFC 3261 §13.2.1).
    pub(crate) fn progress(&mut self, core: &mut Core, now: Instant) -> Result<bool, Rejection> {
        let Some(mut invite) = self.invite.take() else {
            return Ok(self.media.is_some());
        };
        let outcome = self.answer_offer(&invite.request, core);
        let outcome = outcome.map(|answer| {
            let status = match answer {
                Some(_) => StatusCode::SESSION_PROGRESS,
                None => StatusCode::RINGING,
            };
            let response = self.response(&invite.request, status, answer.clone(), core);
            core.respond(invite.transaction, &response, now);
            invite.answer = answer;
            invite.answer.is_some()
        });
        self.invite = Some(invite);
        outcome
    }

    /// Answers the INVITE with 200. `true` when media is agreed already, `false`
    /// when the offer is ours and the ACK will bring the answer.
    pub(crate) fn accept(&mut self, core: &mut Core, now: Instant) -> Result<bool, Rejection> {
        let Some(invite) = self.invite.take() else {
            return Ok(true);
        };
        let described = match &invite.answer {
            Some(answer) => Ok((answer.clone(), true)),
            None => self.describe(&invite.request, core),
        };
        match described {
            Ok((body, agreed)) => {
                self.send_accept(invite.transaction, &invite.request, body, core, now);
                Ok(agreed)
            }
            Err(rejection) => {
                self.invite = Some(invite);
                Err(rejection)
            }
        }
    }

    /// Refuses the INVITE with a final response.
    pub(crate) fn reject(&mut self, rejection: &Rejection, core: &mut Core, now: Instant) {
        let Some(invite) = self.invite.take() else {
            return;
        };
        self.refuse(invite.transaction, &invite.request, rejection, core, now);
        self.dialog.terminate();
    }

    /// A re-INVITE (RFC 3261 §14.2). A refused one leaves everything as it was.
    pub(crate) fn reinvite(
        &mut self,
        transaction: ServerTransactionId,
        request: &Request,
        core: &mut Core,
        now: Instant,
    ) {
        let outcome = if self.media.as_ref().is_some_and(|media| media.offer_pending) {
            Err(Rejection::new(StatusCode::REQUEST_PENDING))
        } else {
            self.describe(request, core)
        };
        match outcome {
            Ok((body, _)) => self.send_accept(transaction, request, body, core, now),
            Err(rejection) => self.refuse(transaction, request, &rejection, core, now),
        }
    }

    /// An ACK in this dialog.
    pub(crate) fn acknowledged(&mut self, ack: &Request, core: &mut Core) -> Acked {
        let cseq = ack.headers.cseq().map(|cseq| cseq.number);
        let matches = self
            .accepted
            .as_mut()
            .is_some_and(|accepted| cseq.is_ok_and(|number| accepted.handle_ack(number)));
        if !matches {
            return Acked::Stray;
        }
        self.accepted = None;
        let Some(media) = self.media.as_mut().filter(|media| media.offer_pending) else {
            return Acked::Confirmed;
        };
        let content_type = ack.headers.get(&HeaderName::ContentType);
        let answer = match description(content_type, &ack.body) {
            Ok(Some(answer)) => media.take_answer(self.call, &answer, core),
            Ok(None) => Err("the ACK carries no answer".to_owned()),
            Err(_) => Err("the body of the ACK is no session description".to_owned()),
        };
        match answer {
            Ok(()) => Acked::MediaAgreed,
            Err(reason) => {
                media.abandon_offer();
                Acked::Unusable(reason)
            }
        }
    }

    /// Says goodbye. Not before the ACK (RFC 3261 §15): the caller waits for it.
    pub(crate) fn send_bye(&mut self, core: &mut Core, now: Instant) {
        self.accepted = None;
        if self.bye.is_some() {
            return;
        }
        let mut request = self.dialog.request(Method::Bye);
        request
            .headers
            .push(HeaderName::UserAgent, core.server_name.clone());
        let hop = next_hop(self.dialog.target(), self.hop, core);
        let id = core.request(request, hop, now);
        core.clients.insert(id, self.call);
        self.bye = Some(id);
        self.dialog.terminate();
    }

    /// Our BYE is answered, or nobody will answer it.
    pub(crate) fn bye_done(&mut self) {
        self.bye = None;
    }

    /// The far end has hung up.
    pub(crate) fn terminated(&mut self) {
        self.accepted = None;
        self.dialog.terminate();
    }

    /// Orders the media port closed; `false` when there is nothing to wait for.
    pub(crate) fn close_media(&mut self, core: &mut Core) -> bool {
        let waits = self.media.as_mut().is_some_and(|media| media.close(core));
        if !waits {
            self.media = None;
        }
        waits
    }

    /// The worker has closed the port.
    pub(crate) fn media_closed(&mut self) {
        self.media = None;
    }

    /// Checks a request in the dialog and applies it to the dialog's state.
    pub(crate) fn admit(&mut self, request: &Request) -> Result<(), Rejection> {
        self.dialog.handle_request(request)
    }

    pub(crate) fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        self.accepted
            .as_ref()
            .and_then(AcceptedInvite::poll_timeout)
    }

    /// Sends the 2xx again; `true` when the ACK is given up (64 × T1).
    pub(crate) fn handle_timeout(&mut self, core: &mut Core, now: Instant) -> bool {
        let Some(accepted) = &mut self.accepted else {
            return false;
        };
        let mut outputs = Vec::new();
        accepted.handle_timeout(now, &mut outputs);
        let mut given_up = false;
        for output in outputs {
            match output {
                AcceptedInviteOutput::Retransmit { hop, message } => {
                    core.stats.retransmissions_sent += 1;
                    core.effects.push(Effect::Send { hop, message });
                }
                AcceptedInviteOutput::AckTimedOut => given_up = true,
            }
        }
        given_up
    }

    fn refuse(
        &self,
        transaction: ServerTransactionId,
        request: &Request,
        rejection: &Rejection,
        core: &mut Core,
        now: Instant,
    ) {
        let tag = String::from_utf8_lossy(&self.dialog.id().local_tag);
        let mut response = rejection.response(request, Some(&tag));
        core.dress(&mut response);
        core.respond(transaction, &response, now);
    }

    fn send_accept(
        &mut self,
        transaction: ServerTransactionId,
        request: &Request,
        body: Bytes,
        core: &mut Core,
        now: Instant,
    ) {
        let response = self.response(request, StatusCode::OK, Some(body), core);
        let cseq = request.headers.cseq().map_or(0, |cseq| cseq.number);
        self.dialog.confirm();
        let Some((hop, message)) = core.respond(transaction, &response, now) else {
            return;
        };
        self.accepted = Some(AcceptedInvite::new(message, hop, cseq, &core.timing, now));
    }

    /// Our description for a 2xx: the answer to the request's offer (`true`), or
    /// our own offer when it has none (`false`).
    fn describe(&mut self, request: &Request, core: &mut Core) -> Result<(Bytes, bool), Rejection> {
        if let Some(answer) = self.answer_offer(request, core)? {
            return Ok((answer, true));
        }
        let call = self.call;
        Ok((self.media_port(core)?.offer(call, core)?, false))
    }

    /// Answers the offer in a request; `None` when it carries none.
    fn answer_offer(
        &mut self,
        request: &Request,
        core: &mut Core,
    ) -> Result<Option<Bytes>, Rejection> {
        let content_type = request.headers.get(&HeaderName::ContentType);
        let Some(offer) = description(content_type, &request.body)? else {
            return Ok(None);
        };
        let call = self.call;
        self.media_port(core)?.answer(call, &offer, core).map(Some)
    }

    /// The media of this leg, with a port taken when there is none yet.
    fn media_port(&mut self, core: &mut Core) -> Result<&mut LegMedia, Rejection> {
        if self.media.is_none() {
            let address = core.listener(self.hop.listener).media_address;
            self.media = Some(LegMedia::new(self.call, address, core)?);
        }
        Ok(self.media.as_mut().expect("made just now"))
    }

    fn response(
        &self,
        request: &Request,
        status: StatusCode,
        body: Option<Bytes>,
        core: &Core,
    ) -> Response {
        let mut response = self.dialog.respond(request, status);
        response.headers.push(HeaderName::Allow, core.allow);
        core.dress(&mut response);
        if let Some(body) = body {
            response
                .headers
                .push(HeaderName::ContentType, "application/sdp");
            response.body = body;
        }
        response
    }
}

/// Where a request in the dialog goes: the address its target names, over the
/// connection the INVITE came on when it has the same transport. A name that is
/// no address is not looked up yet: the far end is reached where it called from.
fn next_hop(target: &Uri, came_from: Hop, core: &Core) -> Hop {
    let Some(remote) = target.socket_addr() else {
        return came_from;
    };
    let transport = match target.param("transport") {
        Some(name) if name.eq_ignore_ascii_case(b"tcp") => Transport::Tcp,
        Some(name) if name.eq_ignore_ascii_case(b"udp") => Transport::Udp,
        Some(_) | None => came_from.transport,
    };
    let Some(listener) = core.listener_for(transport, remote, came_from.listener) else {
        return came_from;
    };
    let connection = came_from
        .connection
        .filter(|_| transport == came_from.transport);
    Hop {
        transport,
        listener,
        remote,
        connection,
    }
}
