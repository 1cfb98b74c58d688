//! What every call needs of the switch: transactions, ports, tables and the
//! effects that go out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use strowger_sip::message::{HeaderName, Method, Rejection, Request, Response, StatusCode};
use strowger_sip::sdp::{CodecCapability, OfferError};
use strowger_sip::transaction::{
    ClientTransactionId, ServerTransactionId, Timing, TransactionOutput, Transactions,
};
use strowger_sip::transport::{Hop, ListenerId, Transport};

use super::ports::Ports;
use super::stats::SwitchStats;
use crate::call::capabilities;
use crate::call_table::{CallId, CallTable};
use crate::clock::Clock;
use crate::config::{Listener, SwitchConfig};
use crate::effect::Effect;
use crate::interpreter::CallOrder;
use crate::random::Random;

/// Methods that this switch understands (RFC 3261 §20.5).
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS";

/// The same when there is somebody who may register.
const ALLOW_REGISTER: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER";

/// Bodies that this switch can read (RFC 3261 §20.1).
pub(crate) const ACCEPT: &str = "application/sdp, multipart/mixed";

pub(crate) struct Core {
    pub(crate) config: SwitchConfig,
    pub(crate) clock: Clock,
    pub(crate) table: Arc<CallTable>,
    pub(crate) transactions: Transactions,
    pub(crate) ports: Ports,
    pub(crate) random: Random,
    pub(crate) capabilities: Arc<[CodecCapability]>,
    pub(crate) server_name: Bytes,
    /// Value of the Allow header.
    pub(crate) allow: &'static str,
    /// Calls whose INVITE has no final response yet.
    pub(crate) invites: HashMap<ServerTransactionId, CallId>,
    /// Calls that wait for a response.
    pub(crate) clients: HashMap<ClientTransactionId, CallId>,
    pub(crate) stats: SwitchStats,
    pub(crate) effects: Vec<Effect>,
    /// Scratch of the interpreter's orders, kept for its capacity.
    pub(crate) orders: Vec<CallOrder>,
    /// What the transactions said and nobody has looked at yet.
    pub(crate) said: Vec<TransactionOutput>,
    pub(crate) timing: Timing,
    cname: Arc<str>,
}

impl Core {
    pub(crate) fn new(
        config: SwitchConfig,
        table: Arc<CallTable>,
        seed: u64,
        clock: Clock,
        now: Instant,
    ) -> Self {
        let mut random = Random::new(seed);
        let transactions = Transactions::new(config.transactions.clone(), random.u64(), now);
        let addresses = config.media_addresses.len();
        // RFC 7022 §4.2: a CNAME that tells nothing about the host.
        let cname = format!("{:016x}@strowger", random.u64()).into();
        let timing = Timing {
            t1: config.transactions.t1,
            t2: config.transactions.t2,
            t4: config.transactions.t4,
            trying_delay: config.transactions.trying_delay,
        };
        Self {
            ports: Ports::new(addresses, config.media_workers, config.max_ports_per_worker),
            capabilities: capabilities(&config),
            server_name: Bytes::from(config.server_name.clone()),
            allow: match config.registration {
                Some(_) => ALLOW_REGISTER,
                None => ALLOW,
            },
            config,
            clock,
            table,
            transactions,
            random,
            invites: HashMap::new(),
            clients: HashMap::new(),
            stats: SwitchStats::default(),
            effects: Vec::new(),
            orders: Vec::new(),
            said: Vec::new(),
            timing,
            cname,
        }
    }

    pub(crate) fn cname(&self) -> Arc<str> {
        self.cname.clone()
    }

    pub(crate) fn listener(&self, id: ListenerId) -> &Listener {
        &self.config.listeners[usize::from(id.0)]
    }

    /// A listener from which `remote` can be reached: `preferred`, else the first
    /// of that transport and address family.
    pub(crate) fn listener_for(
        &self,
        transport: Transport,
        remote: std::net::SocketAddr,
        preferred: ListenerId,
    ) -> Option<ListenerId> {
        let fits = |listener: &Listener| {
            listener.transport == transport && listener.local.is_ipv4() == remote.is_ipv4()
        };
        let wanted = self.config.listeners.get(usize::from(preferred.0));
        if wanted.is_some_and(fits) {
            return Some(preferred);
        }
        let index = self.config.listeners.iter().position(fits)?;
        u16::try_from(index).ok().map(ListenerId)
    }

    /// How long the last message of a call may wait for its answer (64 × T1).
    pub(crate) fn closing_time(&self) -> Duration {
        self.config.transactions.t1 * 64
    }

    /// Sends a response through its transaction. Returns the hop and octets, for
    /// whoever has to repeat them.
    pub(crate) fn respond(
        &mut self,
        id: ServerTransactionId,
        response: &Response,
        now: Instant,
    ) -> Option<(Hop, Bytes)> {
        let status = response.status.code();
        if status >= 200 {
            self.invites.remove(&id);
        }
        self.stats.count_response(status);
        let sent = self.transactions.respond(id, response, now, &mut self.said);
        self.flush_sends();
        sent
    }

    /// Sends a request in a transaction of its own.
    pub(crate) fn request(
        &mut self,
        request: Request,
        hop: Hop,
        now: Instant,
    ) -> ClientTransactionId {
        let id = self.transactions.request(request, hop, now, &mut self.said);
        self.flush_sends();
        id
    }

    /// Answers without keeping state (RFC 3261 §8.2.7).
    pub(crate) fn respond_stateless(
        &mut self,
        mut request: Request,
        hop: Hop,
        rejection: &Rejection,
    ) {
        if request.method == Method::Ack {
            return;
        }
        request.stamp_source(hop.remote);
        let tag = self.transactions.stateless_tag(&request);
        let mut response = rejection.response(&request, Some(&tag));
        self.dress(&mut response);
        self.stats.count_response(response.status.code());
        self.transactions
            .respond_stateless(&request, hop, &response, &mut self.said);
        self.flush_sends();
    }

    /// Refuses a request.
    pub(crate) fn reject(
        &mut self,
        id: ServerTransactionId,
        request: &Request,
        rejection: &Rejection,
        now: Instant,
    ) {
        let tag = self.transactions.to_tag(id);
        let tag = tag.unwrap_or_else(|| self.random.tag());
        let mut response = rejection.response(request, Some(&tag));
        self.dress(&mut response);
        self.respond(id, &response, now);
    }

    pub(crate) fn ok(&mut self, id: ServerTransactionId, request: &Request, now: Instant) {
        let response = self.answer_to(request, StatusCode::OK);
        self.respond(id, &response, now);
    }

    /// What we can do (RFC 3261 §11.2).
    pub(crate) fn answer_options(
        &mut self,
        id: ServerTransactionId,
        request: &Request,
        now: Instant,
    ) {
        let mut response = self.answer_to(request, StatusCode::OK);
        response.headers.push(HeaderName::Allow, self.allow);
        response.headers.push(HeaderName::Accept, ACCEPT);
        response
            .headers
            .push(HeaderName::AcceptEncoding, "identity");
        response.headers.push(HeaderName::AcceptLanguage, "en");
        response.headers.push(HeaderName::Supported, "");
        self.respond(id, &response, now);
    }

    /// 405 for a method we know, 501 for one we do not (RFC 3261 §8.2.1, §21.5.2).
    pub(crate) fn refuse_method(
        &mut self,
        id: ServerTransactionId,
        request: &Request,
        now: Instant,
    ) {
        let status = match request.method {
            Method::Other(_) => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::METHOD_NOT_ALLOWED,
        };
        let rejection = Rejection::new(status).with_header(HeaderName::Allow, self.allow);
        self.reject(id, request, &rejection, now);
    }

    pub(crate) fn no_such_dialog(
        &mut self,
        id: ServerTransactionId,
        request: &Request,
        now: Instant,
    ) {
        self.reject(
            id,
            request,
            &Rejection::new(StatusCode::CALL_DOES_NOT_EXIST),
            now,
        );
    }

    /// 503 that says when to come again.
    pub(crate) fn unavailable(&mut self, reason: &'static str) -> Rejection {
        self.stats.overloads += 1;
        Rejection::because(StatusCode::SERVICE_UNAVAILABLE, reason).with_header(
            HeaderName::RetryAfter,
            self.config.limits.retry_after_s.to_string(),
        )
    }

    /// Headers that every response of ours carries.
    pub(crate) fn dress(&self, response: &mut Response) {
        if !self.server_name.is_empty() {
            response
                .headers
                .push(HeaderName::Server, self.server_name.clone());
        }
    }

    /// Passes on what the transactions want sent; the rest waits its turn.
    pub(crate) fn flush_sends(&mut self) {
        let Self {
            said,
            effects,
            stats,
            ..
        } = self;
        said.retain(|output| match output {
            TransactionOutput::Send { hop, message } => {
                stats.messages_sent += 1;
                effects.push(Effect::Send {
                    hop: *hop,
                    message: message.clone(),
                });
                false
            }
            TransactionOutput::Request { .. }
            | TransactionOutput::Ack { .. }
            | TransactionOutput::Cancel { .. }
            | TransactionOutput::Response { .. }
            | TransactionOutput::TimedOut { .. }
            | TransactionOutput::TransportFailed { .. }
            | TransactionOutput::ServerFailed { .. } => true,
        });
    }

    pub(crate) fn answer_to(&mut self, request: &Request, status: StatusCode) -> Response {
        let tag = self.random.tag();
        let mut response = Response::for_request(request, status, Some(&tag));
        self.dress(&mut response);
        response
    }
}

/// The refusal of an offer (RFC 3264 §6, RFC 3261 §13.3.1.3).
pub(crate) fn offer_refused(error: &OfferError) -> Rejection {
    let status = StatusCode::new(error.status()).unwrap_or(StatusCode::NOT_ACCEPTABLE_HERE);
    let rejection = Rejection::because(status, error.to_string());
    if status == StatusCode::NOT_ACCEPTABLE_HERE {
        // RFC 3261 §13.3.1.3, §20.43: 305 is "incompatible media format".
        let warning = format!("305 strowger \"{error}\"");
        return rejection.with_header(HeaderName::Warning, warning);
    }
    rejection
}
