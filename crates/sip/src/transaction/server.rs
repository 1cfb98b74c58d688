//! The server side of the table: requests that come in, responses that go out.

use std::time::Instant;

use bytes::Bytes;

use super::class::ResponseClass;
use super::deadlines::TransactionId;
use super::invite_server::{InviteServer, InviteServerOutput, InviteServerState};
use super::key::{Fingerprint, shrink_if_sparse};
use super::non_invite_server::{NonInviteServer, NonInviteServerOutput, NonInviteServerState};
use super::output::{ServerFailure, ServerTransactionId, TransactionOutput};
use super::random::tag_of;
use super::slab::SlabId;
use super::table::Transactions;
use super::timer::Timer;
use crate::message::{HeaderName, Method, Request, Response, StatusCode, Via};
use crate::transport::{Hop, Transport};

/// One server transaction. Of its messages it keeps the octets of the last
/// response, as long as that may have to be repeated.
pub(super) struct Server {
    pub(super) machine: ServerMachine,
    pub(super) key: Fingerprint,
    merge_key: Option<Fingerprint>,
    reply: Hop,
    last: Box<[u8]>,
    /// The 100 that goes out if the TU stays silent.
    trying: Option<Box<Response>>,
    watches_hop: bool,
    /// When the entry in the heap stands that counts.
    pub(super) scheduled: Option<Instant>,
}

/// One of the two machines.
pub(super) enum ServerMachine {
    Invite(InviteServer),
    NonInvite(NonInviteServer),
}

impl ServerMachine {
    pub(super) fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        match self {
            Self::Invite(machine) => machine.poll_timeout(),
            Self::NonInvite(machine) => machine.poll_timeout(),
        }
    }

    fn is_terminated(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.state() == InviteServerState::Terminated,
            Self::NonInvite(machine) => machine.state() == NonInviteServerState::Terminated,
        }
    }

    /// Whether a transport error would change anything.
    fn minds_transport_errors(&self) -> bool {
        match self {
            Self::Invite(machine) => match machine.state() {
                InviteServerState::Proceeding | InviteServerState::Completed => true,
                InviteServerState::Confirmed
                | InviteServerState::Accepted
                | InviteServerState::Terminated => false,
            },
            Self::NonInvite(_) => false,
        }
    }

    /// Whether the response just given may have to be repeated. A 2xx to INVITE
    /// is the TU's to repeat (RFC 3261 §13.3.1.4).
    fn repeats(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.state() != InviteServerState::Accepted,
            Self::NonInvite(machine) => machine.state() != NonInviteServerState::Terminated,
        }
    }
}

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

    /// The TU answers: one `Send` comes out, and the hop it goes to is returned.
    /// A 2xx to INVITE is the TU's to repeat, from that `Send`. `None` if it is
    /// too late for this response.
    pub fn respond(
        &mut self,
        id: ServerTransactionId,
        response: &Response,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) -> Option<Hop> {
        let sent = self.answer(id.0, response, now, out);
        if sent.is_none() {
            self.stats.late_responses += 1;
        }
        self.settle();
        sent
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

    fn insert_server(
        &mut self,
        machine: ServerMachine,
        key: Fingerprint,
        merge_key: Option<Fingerprint>,
        reply: Hop,
        trying: Option<Box<Response>>,
    ) -> SlabId {
        let watches_hop = machine.minds_transport_errors();
        let id = self.servers.insert(Server {
            machine,
            key,
            merge_key,
            reply,
            last: Box::default(),
            trying,
            watches_hop,
            scheduled: None,
        });
        self.by_key.insert(key, id);
        if let Some(merge_key) = merge_key {
            self.by_merge_key.insert(merge_key, id);
        }
        if watches_hop {
            self.watch_hop(reply, TransactionId::Server(id), true);
        }
        self.arm(TransactionId::Server(id));
        id
    }

    /// Hands a response to the machine and sends it if the machine agrees.
    fn answer(
        &mut self,
        id: SlabId,
        response: &Response,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) -> Option<Hop> {
        let class = ResponseClass::of(response.status);
        let server = self.servers.get_mut(id)?;
        let send = match &mut server.machine {
            ServerMachine::Invite(machine) => {
                machine.handle_response(class, &self.timing, now) == InviteServerOutput::Send
            }
            ServerMachine::NonInvite(machine) => {
                machine.handle_response(class, &self.timing, now) == NonInviteServerOutput::Send
            }
        };
        if !send {
            return None;
        }
        let message = self.octets(|out| response.write(out));
        let server = self.servers.get_mut(id)?;
        server.trying = None;
        let repeats = server.machine.repeats();
        server.last = if repeats {
            Box::from(&message[..])
        } else {
            Box::default()
        };
        let hop = server.reply;
        out.push(TransactionOutput::Send { hop, message });
        self.server_changed(id);
        Some(hop)
    }

    pub(super) fn server_timeout(
        &mut self,
        id: SlabId,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) {
        let Some(server) = self.servers.get_mut(id) else {
            return;
        };
        match &mut server.machine {
            ServerMachine::Invite(machine) => match machine.handle_timeout(&self.timing, now) {
                InviteServerOutput::SendTrying => self.send_trying(id, out),
                InviteServerOutput::SendLast => self.send_last(id, out),
                InviteServerOutput::AckMissing => {
                    self.stats.timeouts += 1;
                    out.push(TransactionOutput::ServerFailed {
                        id: ServerTransactionId(id),
                        failure: ServerFailure::AckMissing,
                    });
                }
                InviteServerOutput::Nothing
                | InviteServerOutput::Send
                | InviteServerOutput::PassAck
                | InviteServerOutput::TransportFailed => {}
            },
            ServerMachine::NonInvite(machine) => machine.handle_timeout(now),
        }
        self.server_changed(id);
    }

    pub(super) fn server_transport_error(&mut self, id: SlabId, out: &mut Vec<TransactionOutput>) {
        let Some(server) = self.servers.get_mut(id) else {
            return;
        };
        let failed = match &mut server.machine {
            ServerMachine::Invite(machine) => {
                machine.handle_transport_error() == InviteServerOutput::TransportFailed
            }
            ServerMachine::NonInvite(_) => false,
        };
        if failed {
            out.push(TransactionOutput::ServerFailed {
                id: ServerTransactionId(id),
                failure: ServerFailure::Transport,
            });
        }
    }

    fn send_trying(&mut self, id: SlabId, out: &mut Vec<TransactionOutput>) {
        let trying = self
            .servers
            .get_mut(id)
            .and_then(|server| server.trying.take());
        let Some(trying) = trying else {
            return;
        };
        let message = self.octets(|out| trying.write(out));
        if let Some(server) = self.servers.get_mut(id) {
            server.last = Box::from(&message[..]);
            let hop = server.reply;
            out.push(TransactionOutput::Send { hop, message });
        }
    }

    fn send_last(&mut self, id: SlabId, out: &mut Vec<TransactionOutput>) {
        let Some(server) = self
            .servers
            .get(id)
            .filter(|server| !server.last.is_empty())
        else {
            return;
        };
        self.stats.retransmissions_out += 1;
        out.push(TransactionOutput::Send {
            hop: server.reply,
            message: Bytes::copy_from_slice(&server.last),
        });
    }

    /// Brings index and heap in line with what a machine has become.
    fn server_changed(&mut self, id: SlabId) {
        let Some(server) = self.servers.get_mut(id) else {
            return;
        };
        let (reply, ended) = (server.reply, server.machine.is_terminated());
        if server.watches_hop && !server.machine.minds_transport_errors() {
            server.watches_hop = false;
            self.watch_hop(reply, TransactionId::Server(id), false);
        }
        if ended {
            self.remove_server(id);
        } else {
            self.arm(TransactionId::Server(id));
        }
    }

    fn remove_server(&mut self, id: SlabId) {
        let Some(server) = self.servers.remove(id) else {
            return;
        };
        self.by_key.remove(&server.key);
        if let Some(merge_key) = server.merge_key {
            self.by_merge_key.remove(&merge_key);
        }
        shrink_if_sparse(&mut self.by_key);
        shrink_if_sparse(&mut self.by_merge_key);
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
