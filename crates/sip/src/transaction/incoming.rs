//! Requests that come in: whose they are, and what is answered without the TU.

use std::time::Instant;

use super::invite_server::{InviteServer, InviteServerOutput, InviteServerState};
use super::key::Fingerprint;
use super::non_invite_server::{NonInviteServer, NonInviteServerOutput};
use super::output::{ServerTransactionId, TransactionOutput};
use super::random::tag_of;
use super::server::ServerMachine;
use super::slab::SlabId;
use super::table::Transactions;
use crate::message::{HeaderName, Method, Request, Response, StatusCode, Via};
use crate::transport::{Hop, Transport};

impl Transactions {
    /// Whether the request belongs to something in the table: a retransmission,
    /// the ACK to a final response other than 2xx, a CANCEL.
    pub fn is_known(&self, request: &Request) -> bool {
        let Ok(via) = request.headers.top_via() else {
            return false;
        };
        let has = |method| {
            let key = self.keys.transaction(request, &via, method);
            self.by_key.contains_key(&key)
        };
        has(&request.method) || (request.method == Method::Cancel && has(&Method::Invite))
    }

    /// Answers without keeping anything (RFC 3261 §8.2.7), for instance under
    /// pressure. The response goes back the way its request came; have the
    /// request stamped with its source before the response is made of it.
    pub fn respond_stateless(
        &mut self,
        request: &Request,
        hop: Hop,
        response: &Response,
        out: &mut Vec<TransactionOutput>,
    ) {
        match request.headers.top_via() {
            Ok(via) => {
                let message = self.octets(|out| response.write(out));
                let hop = reply_hop(&via, hop);
                out.push(TransactionOutput::Send { hop, message });
            }
            Err(_) => self.stats.unusable_via += 1,
        }
    }

    /// The To tag of a stateless answer: the same for every copy of the request
    /// (RFC 3261 §8.2.7).
    pub fn stateless_tag(&self, request: &Request) -> String {
        let via = request.headers.top_via();
        let key = via.map(|via| self.keys.transaction(request, &via, &request.method));
        key.map(tag_of).unwrap_or_default()
    }

    pub(super) fn receive_request(
        &mut self,
        mut request: Request,
        hop: Hop,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) {
        let Ok(via) = request.headers.top_via() else {
            self.stats.unusable_via += 1;
            return;
        };
        request.stamp_source(hop.remote);
        let key = self.keys.transaction(&request, &via, &request.method);
        if let Some(id) = self.by_key.get(&key) {
            return self.receive_again(*id, request, hop, now, out);
        }
        match request.method {
            Method::Ack => out.push(TransactionOutput::Ack { request, hop }),
            Method::Cancel => self.receive_cancel(request, &via, key, hop, now, out),
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
            | Method::Other(_) => self.receive_new(request, &via, key, hop, now, out),
        }
    }

    /// A retransmission, or the ACK of an INVITE in the table.
    fn receive_again(
        &mut self,
        id: SlabId,
        request: Request,
        hop: Hop,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) {
        let server = self.servers.get_mut(id).expect("the index names live ones");
        let is_ack = request.method == Method::Ack;
        let repeat = match &mut server.machine {
            ServerMachine::Invite(machine) if is_ack => {
                match machine.handle_ack(&self.timing, now) {
                    InviteServerOutput::PassAck => {
                        out.push(TransactionOutput::Ack { request, hop });
                    }
                    InviteServerOutput::Nothing
                    | InviteServerOutput::Send
                    | InviteServerOutput::SendLast
                    | InviteServerOutput::SendTrying
                    | InviteServerOutput::AckMissing
                    | InviteServerOutput::TransportFailed => {}
                }
                false
            }
            ServerMachine::Invite(machine) => {
                self.stats.retransmissions_in += 1;
                machine.handle_invite() == InviteServerOutput::SendLast
            }
            ServerMachine::NonInvite(machine) => {
                self.stats.retransmissions_in += 1;
                machine.handle_request() == NonInviteServerOutput::SendLast
            }
        };
        if repeat {
            self.send_last(id, out);
        }
        self.server_changed(id);
    }

    /// RFC 3261 §9.2.
    fn receive_cancel(
        &mut self,
        request: Request,
        via: &Via,
        key: Fingerprint,
        hop: Hop,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) {
        let invite_key = self.keys.transaction(&request, via, &Method::Invite);
        let Some(invite) = self.by_key.get(&invite_key).copied() else {
            self.stats.unmatched_cancels += 1;
            let status = StatusCode::CALL_DOES_NOT_EXIST;
            let response = Response::for_request(&request, status, Some(&tag_of(key)));
            return self.respond_stateless(&request, hop, &response, out);
        };
        let tag = tag_of(invite_key);
        let response = Response::for_request(&request, StatusCode::OK, Some(&tag));
        if self.is_full() {
            self.respond_stateless(&request, hop, &response, out);
        } else {
            let machine = NonInviteServer::new(hop.transport.is_reliable());
            let machine = ServerMachine::NonInvite(machine);
            let id = self.insert_server(machine, key, None, reply_hop(via, hop), None);
            self.answer(id, &response, now, out);
        }
        let undecided = self.servers.get(invite).is_some_and(|server| {
            matches!(&server.machine, ServerMachine::Invite(machine)
                if machine.state() == InviteServerState::Proceeding)
        });
        if undecided {
            let invite = ServerTransactionId(invite);
            out.push(TransactionOutput::Cancel { invite, request });
        }
    }

    fn receive_new(
        &mut self,
        request: Request,
        via: &Via,
        key: Fingerprint,
        hop: Hop,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) {
        if self.is_full() {
            self.stats.refused_full += 1;
            return self.refuse_full(&request, key, hop, out);
        }
        let merge_key = self.keys.merge(&request);
        let is_merged = merge_key.is_some_and(|key| self.by_merge_key.contains_key(&key));
        let merge_key = merge_key.filter(|_| !is_merged);
        let reliable = hop.transport.is_reliable();
        let reply = reply_hop(via, hop);
        let id = if request.method == Method::Invite {
            let machine = InviteServer::new(&self.timing, reliable, now);
            let trying = Response::for_request(&request, StatusCode::TRYING, None);
            let machine = ServerMachine::Invite(machine);
            self.insert_server(machine, key, merge_key, reply, Some(Box::new(trying)))
        } else {
            let machine = ServerMachine::NonInvite(NonInviteServer::new(reliable));
            self.insert_server(machine, key, merge_key, reply, None)
        };
        if is_merged {
            // RFC 3261 §8.2.2.2: the same request came here by another way.
            self.stats.merged += 1;
            let status = StatusCode::LOOP_DETECTED;
            let response = Response::for_request(&request, status, Some(&tag_of(key)));
            self.answer(id, &response, now, out);
        } else {
            self.stats.requests_in += 1;
            let id = ServerTransactionId(id);
            out.push(TransactionOutput::Request { id, request, hop });
        }
    }

    fn refuse_full(
        &mut self,
        request: &Request,
        key: Fingerprint,
        hop: Hop,
        out: &mut Vec<TransactionOutput>,
    ) {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut response = Response::for_request(request, status, Some(&tag_of(key)));
        let retry_after = self.config.retry_after_s.to_string();
        response.headers.push(HeaderName::RetryAfter, retry_after);
        self.respond_stateless(request, hop, &response, out);
    }

    fn is_full(&self) -> bool {
        self.servers.len() >= self.config.max_transactions
    }
}

/// Where the response to a request goes that came from `hop` (RFC 3261 §18.2.2,
/// RFC 3581 §4): over UDP back to the source address, to its port if `rport` was
/// asked for; over TCP the same connection, or a new one to the sent-by port.
/// `maddr` is not followed: it would let anyone aim our answers at a third party.
fn reply_hop(via: &Via, hop: Hop) -> Hop {
    let mut reply = hop;
    match hop.transport {
        Transport::Udp if via.wants_rport() => {}
        Transport::Udp | Transport::Tcp => reply.remote.set_port(via.port_or_default()),
    }
    reply
}
