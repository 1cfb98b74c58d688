//! The client side of the table: requests that go out, responses that come in.

use std::time::Instant;

use bytes::Bytes;

use super::class::ResponseClass;
use super::deadlines::TransactionId;
use super::invite_client::{InviteClient, InviteClientOutput, InviteClientState};
use super::non_invite_client::{NonInviteClient, NonInviteClientOutput, NonInviteClientState};
use super::output::{ClientTransactionId, TransactionOutput};
use super::requests::{self, Branch};
use super::slab::SlabId;
use super::table::Transactions;
use super::timer::Timer;
use crate::message::{HeaderName, Method, Request, Response};
use crate::transport::Hop;

/// One client transaction.
pub(super) struct Client {
    pub(super) machine: ClientMachine,
    hop: Hop,
    method: Method,
    secret: u64,
    /// What would be sent again: the request, then the ACK.
    message: Bytes,
    /// The INVITE, as long as a CANCEL or an ACK may be made of it.
    invite: Option<Box<Request>>,
    /// The CANCEL of this INVITE. It goes when the INVITE goes.
    cancel: Option<SlabId>,
    /// When the entry in the heap stands that counts.
    pub(super) scheduled: Option<Instant>,
}

/// One of the two machines.
pub(super) enum ClientMachine {
    Invite(InviteClient),
    NonInvite(NonInviteClient),
}

impl ClientMachine {
    pub(super) fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        match self {
            Self::Invite(machine) => machine.poll_timeout(),
            Self::NonInvite(machine) => machine.poll_timeout(),
        }
    }

    fn is_terminated(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.state() == InviteClientState::Terminated,
            Self::NonInvite(machine) => machine.state() == NonInviteClientState::Terminated,
        }
    }
}

/// What has to be sent or told after a machine has spoken.
enum Step {
    Nothing,
    SendAgain,
    SendCancel,
    TimedOut,
    TransportFailed,
}

impl Transactions {
    /// Sends a request to `hop` under a Via of ours. An ACK (that of a 2xx) is
    /// no transaction: it is sent once, and the id names nothing.
    ///
    /// With `max_transactions` of ours under way the request is not sent, and
    /// `TransportFailed` comes out at once.
    pub fn request(
        &mut self,
        mut request: Request,
        hop: Hop,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) -> ClientTransactionId {
        let is_ack = request.method == Method::Ack;
        let is_full = self.clients.len() >= self.config.max_transactions;
        let branch = Branch {
            secret: self.random.next(),
            id: if is_ack || is_full {
                self.clients.skip_id()
            } else {
                self.clients.next_id()
            },
        };
        let id = ClientTransactionId(branch.id);
        if is_full && !is_ack {
            out.push(TransactionOutput::TransportFailed { id });
            return id;
        }
        let sent_by = self.config.sent_by.get(usize::from(hop.listener.0));
        let sent_by = sent_by.map_or("unknown.invalid", String::as_str);
        let via = requests::via(hop.transport, sent_by, branch);
        request.headers.push_front(HeaderName::Via, via);
        let message = self.octets(|out| request.write(out));
        out.push(TransactionOutput::Send {
            hop,
            message: message.clone(),
        });
        if !is_ack {
            self.insert_client(request, branch.secret, hop, message, now);
            self.settle();
        }
        id
    }

    /// Cancels an INVITE of ours: at once, or with the first provisional
    /// response (RFC 3261 §9.1). The INVITE still ends with a response of its
    /// own: 487, a 2xx that was faster, or `TimedOut`. Harmless for any other
    /// transaction.
    pub fn cancel(
        &mut self,
        id: ClientTransactionId,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) {
        let Some(client) = self.clients.get_mut(id.0) else {
            return;
        };
        let step = match &mut client.machine {
            ClientMachine::Invite(machine) => step(machine.handle_cancel(&self.timing, now)),
            ClientMachine::NonInvite(_) => Step::Nothing,
        };
        self.take_step(id.0, &step, now, out);
        self.settle();
    }

    pub(super) fn receive_response(
        &mut self,
        response: Response,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) {
        let Ok(via) = response.headers.top_via() else {
            self.stats.unusable_via += 1;
            return;
        };
        let branch = via.branch().and_then(Branch::parse);
        let Some(id) = branch.and_then(|branch| self.client_of(branch, &response)) else {
            self.stats.stray_responses += 1;
            return;
        };
        let class = ResponseClass::of(response.status);
        let client = self.clients.get_mut(id).expect("it was found just now");
        let step = match &mut client.machine {
            ClientMachine::Invite(machine) => {
                let output = machine.handle_response(class, &self.timing, now);
                self.invite_response(id, output, response, out)
            }
            ClientMachine::NonInvite(machine) => {
                let output = machine.handle_response(class, &self.timing, now);
                let is_cancel = client.method == Method::Cancel;
                if class != ResponseClass::Provisional {
                    client.message = Bytes::new();
                }
                if output == NonInviteClientOutput::PassUp && !is_cancel {
                    let id = ClientTransactionId(id);
                    out.push(TransactionOutput::Response { id, response });
                }
                Step::Nothing
            }
        };
        self.take_step(id, &step, now, out);
    }

    pub(super) fn client_timeout(
        &mut self,
        id: SlabId,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) {
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        let step = match &mut client.machine {
            ClientMachine::Invite(machine) => step(machine.handle_timeout(now)),
            ClientMachine::NonInvite(machine) => {
                non_invite_step(machine.handle_timeout(&self.timing, now))
            }
        };
        self.take_step(id, &step, now, out);
    }

    pub(super) fn client_transport_error(
        &mut self,
        id: SlabId,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) {
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        let step = match &mut client.machine {
            ClientMachine::Invite(machine) => step(machine.handle_transport_error()),
            ClientMachine::NonInvite(machine) => non_invite_step(machine.handle_transport_error()),
        };
        self.take_step(id, &step, now, out);
    }

    /// RFC 3261 §17.1.3, and §8.1.3.3: more than one Via was meant for others.
    fn client_of(&self, branch: Branch, response: &Response) -> Option<SlabId> {
        let client = self.clients.get(branch.id)?;
        let is_ours = client.secret == branch.secret
            && response.headers.elements(&HeaderName::Via).nth(1).is_none();
        let method = response.headers.cseq().ok().filter(|_| is_ours)?.method;
        if method == client.method {
            Some(branch.id)
        } else if method == Method::Cancel {
            client.cancel.filter(|id| self.clients.get(*id).is_some())
        } else {
            None
        }
    }

    fn invite_response(
        &mut self,
        id: SlabId,
        output: InviteClientOutput,
        response: Response,
        out: &mut Vec<TransactionOutput>,
    ) -> Step {
        let pass_up = match output {
            InviteClientOutput::PassUp | InviteClientOutput::PassUpAndCancel => true,
            InviteClientOutput::PassUpAndAck => {
                self.send_ack(id, &response, out);
                true
            }
            InviteClientOutput::Nothing
            | InviteClientOutput::Retransmit
            | InviteClientOutput::Ack
            | InviteClientOutput::Cancel
            | InviteClientOutput::TimedOut
            | InviteClientOutput::TransportFailed => false,
        };
        if pass_up {
            if response.status.is_success() {
                self.forget_invite(id);
            }
            let id = ClientTransactionId(id);
            out.push(TransactionOutput::Response { id, response });
        }
        step(output)
    }

    fn take_step(
        &mut self,
        id: SlabId,
        step: &Step,
        now: Instant,
        out: &mut Vec<TransactionOutput>,
    ) {
        match step {
            Step::Nothing => {}
            Step::SendAgain => self.send_again(id, out),
            Step::SendCancel => self.send_cancel(id, now, out),
            Step::TimedOut => {
                self.stats.timeouts += 1;
                self.tell(
                    id,
                    TransactionOutput::TimedOut {
                        id: ClientTransactionId(id),
                    },
                    out,
                );
            }
            Step::TransportFailed => {
                let id_up = ClientTransactionId(id);
                self.tell(id, TransactionOutput::TransportFailed { id: id_up }, out);
            }
        }
        self.client_changed(id);
    }

    /// Nobody asked for the CANCEL as a transaction, so nobody hears of its end.
    fn tell(&self, id: SlabId, output: TransactionOutput, out: &mut Vec<TransactionOutput>) {
        if self
            .clients
            .get(id)
            .is_some_and(|client| client.method != Method::Cancel)
        {
            out.push(output);
        }
    }

    fn send_again(&mut self, id: SlabId, out: &mut Vec<TransactionOutput>) {
        if let Some(client) = self.clients.get(id) {
            self.stats.retransmissions_out += 1;
            out.push(TransactionOutput::Send {
                hop: client.hop,
                message: client.message.clone(),
            });
        }
    }

    fn send_ack(&mut self, id: SlabId, response: &Response, out: &mut Vec<TransactionOutput>) {
        let invite = self
            .clients
            .get_mut(id)
            .and_then(|client| client.invite.take());
        let Some(invite) = invite else {
            return;
        };
        let ack = requests::ack(&invite, response);
        let message = self.octets(|out| ack.write(out));
        if let Some(client) = self.clients.get_mut(id) {
            client.message = message.clone();
            let hop = client.hop;
            out.push(TransactionOutput::Send { hop, message });
        }
    }

    fn send_cancel(&mut self, id: SlabId, now: Instant, out: &mut Vec<TransactionOutput>) {
        let Some(client) = self.clients.get(id) else {
            return;
        };
        let (hop, secret) = (client.hop, client.secret);
        let Some(cancel) = client.invite.as_deref().map(requests::cancel) else {
            return;
        };
        let message = self.octets(|out| cancel.write(out));
        out.push(TransactionOutput::Send {
            hop,
            message: message.clone(),
        });
        let cancel = self.insert_client(cancel, secret, hop, message, now);
        if let Some(client) = self.clients.get_mut(id) {
            client.cancel = Some(cancel);
        }
    }

    fn insert_client(
        &mut self,
        request: Request,
        secret: u64,
        hop: Hop,
        message: Bytes,
        now: Instant,
    ) -> SlabId {
        let reliable = hop.transport.is_reliable();
        let method = request.method.clone();
        let (machine, invite) = if method == Method::Invite {
            let machine = InviteClient::new(&self.timing, reliable, now);
            (ClientMachine::Invite(machine), Some(Box::new(request)))
        } else {
            let machine = NonInviteClient::new(&self.timing, reliable, now);
            (ClientMachine::NonInvite(machine), None)
        };
        let id = self.clients.insert(Client {
            machine,
            hop,
            method,
            secret,
            message,
            invite,
            cancel: None,
            scheduled: None,
        });
        self.watch_hop(hop, TransactionId::Client(id), true);
        self.arm(TransactionId::Client(id));
        id
    }

    /// After a 2xx neither the INVITE nor a CANCEL is sent again.
    fn forget_invite(&mut self, id: SlabId) {
        if let Some(client) = self.clients.get_mut(id) {
            client.message = Bytes::new();
            client.invite = None;
        }
    }

    fn client_changed(&mut self, id: SlabId) {
        match self.clients.get(id) {
            Some(client) if client.machine.is_terminated() => self.remove_client(id),
            Some(_) => self.arm(TransactionId::Client(id)),
            None => {}
        }
    }

    fn remove_client(&mut self, id: SlabId) {
        let Some(client) = self.clients.remove(id) else {
            return;
        };
        self.watch_hop(client.hop, TransactionId::Client(id), false);
        if let Some(cancel) = client.cancel {
            self.remove_client(cancel);
        }
    }
}

fn step(output: InviteClientOutput) -> Step {
    match output {
        InviteClientOutput::Retransmit | InviteClientOutput::Ack => Step::SendAgain,
        InviteClientOutput::Cancel | InviteClientOutput::PassUpAndCancel => Step::SendCancel,
        InviteClientOutput::TimedOut => Step::TimedOut,
        InviteClientOutput::TransportFailed => Step::TransportFailed,
        InviteClientOutput::Nothing
        | InviteClientOutput::PassUp
        | InviteClientOutput::PassUpAndAck => Step::Nothing,
    }
}

fn non_invite_step(output: NonInviteClientOutput) -> Step {
    match output {
        NonInviteClientOutput::Retransmit => Step::SendAgain,
        NonInviteClientOutput::TimedOut => Step::TimedOut,
        NonInviteClientOutput::TransportFailed => Step::TransportFailed,
        NonInviteClientOutput::Nothing | NonInviteClientOutput::PassUp => Step::Nothing,
    }
}
