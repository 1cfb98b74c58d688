//! Server transactions in the table: what is kept of them, their responses,
//! their timers.

use std::time::Instant;

use bytes::Bytes;

use super::class::ResponseClass;
use super::deadlines::TransactionId;
use super::invite_server::{InviteServer, InviteServerOutput, InviteServerState};
use super::key::{Fingerprint, shrink_if_sparse};
use super::non_invite_server::{NonInviteServer, NonInviteServerOutput, NonInviteServerState};
use super::output::{ServerFailure, ServerTransactionId, TransactionOutput};
use super::slab::SlabId;
use super::table::Transactions;
use super::timer::Timer;
use crate::message::Response;
use crate::transport::Hop;

/// One server transaction. Of its messages it keeps the octets of the last
/// response, as long as that may have to be repeated.
pub(super) struct Server {
    pub(super) machine: ServerMachine,
    pub(super) key: Fingerprint,
    merge_key: Option<Fingerprint>,
    reply: Hop,
    pub(super) last: Box<[u8]>,
    /// The 100 that goes out if the TU stays silent.
    pub(super) trying: Option<Box<Response>>,
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
    /// The TU answers. Returns what was sent and where, for the 2xx that the TU
    /// has to repeat; `None` if it is too late for this response.
    pub fn respond(
        &mut self,
        id: ServerTransactionId,
        response: &Response,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) -> Option<(Hop, Bytes)> {
        let sent = self.answer(id.0, response, now, out);
        if sent.is_none() {
            self.stats.late_responses += 1;
        }
        self.settle();
        sent
    }

    pub(super) fn insert_server(
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
    pub(super) fn answer(
        &mut self,
        id: SlabId,
        response: &Response,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) -> Option<(Hop, Bytes)> {
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
        out.push(TransactionOutput::Send {
            hop,
            message: message.clone(),
        });
        self.server_changed(id);
        Some((hop, message))
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

    pub(super) fn send_last(&mut self, id: SlabId, out: &mut Vec<TransactionOutput>) {
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
    pub(super) fn server_changed(&mut self, id: SlabId) {
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
