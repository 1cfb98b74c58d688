//! The table from outside: messages in, messages out, time passing.

mod client;
mod invite_client;
mod invite_server;
mod limits;
mod matching;
mod non_invite_client;
mod non_invite_server;
mod server;

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::fixture::{elapsed, epoch, hop};
use super::*;
use crate::message::{Message, MessageLimits, Request, Response, StatusCode};
use crate::transport::{Hop, Transport};

/// A table, a clock and what came out.
struct Rig {
    start: Instant,
    now: Instant,
    transactions: Transactions,
    out: Vec<TransactionOutput>,
}

impl Rig {
    fn new() -> Self {
        Self::with(TransactionConfig::default())
    }

    fn with(mut config: TransactionConfig) -> Self {
        config.sent_by = vec!["192.0.2.1:5060".to_owned()];
        let start = epoch();
        Self {
            start,
            now: start,
            transactions: Transactions::new(config, 42, start),
            out: Vec::new(),
        }
    }

    fn receive(&mut self, text: &str, hop: Hop) -> Vec<TransactionOutput> {
        let message = parse(text);
        self.transactions
            .handle_message(message, hop, self.now, &mut self.out);
        self.take()
    }

    fn receive_udp(&mut self, text: &str) -> Vec<TransactionOutput> {
        self.receive(text, hop(Transport::Udp))
    }

    /// A new request, and its transaction.
    fn open(&mut self, text: &str, hop: Hop) -> (ServerTransactionId, Request) {
        let mut out = self.receive(text, hop);
        match (out.pop(), out.pop()) {
            (Some(TransactionOutput::Request { id, request, .. }), None) => (id, request),
            other => panic!("no new request: {other:?}"),
        }
    }

    /// Answers, and returns the octets sent.
    fn respond(&mut self, id: ServerTransactionId, request: &Request, code: u16) -> String {
        let response = response_to(request, code);
        let sent = self
            .transactions
            .respond(id, &response, self.now, &mut self.out);
        let mut out = self.take();
        let Some(TransactionOutput::Send { hop, message }) = out.pop() else {
            panic!("not sent");
        };
        assert!(out.is_empty());
        assert_eq!(sent, Some((hop, message.clone())));
        text_of(&message)
    }

    fn request(&mut self, text: &str, hop: Hop) -> (ClientTransactionId, String) {
        let Message::Request(request) = parse(text) else {
            panic!("not a request");
        };
        let id = self
            .transactions
            .request(request, hop, self.now, &mut self.out);
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1);
        (id, sent.remove(0))
    }

    fn cancel(&mut self, id: ClientTransactionId) -> Vec<String> {
        self.transactions.cancel(id, self.now, &mut self.out);
        self.sent()
    }

    fn take(&mut self) -> Vec<TransactionOutput> {
        std::mem::take(&mut self.out)
    }

    /// What was sent, when nothing else came out.
    fn sent(&mut self) -> Vec<String> {
        sent(self.take())
    }

    /// Lets time pass, from deadline to deadline, and says which came when.
    fn run_until(&mut self, ms: u64) -> Vec<(u64, &'static str)> {
        let end = self.start + Duration::from_millis(ms);
        let mut seen = Vec::new();
        while let Some((at, timer)) = self.transactions.poll_timeout() {
            if at > end {
                break;
            }
            self.now = self.now.max(at);
            seen.push((elapsed(self.start, at), timer));
            self.transactions.handle_timeout(self.now, &mut self.out);
        }
        self.now = self.now.max(end);
        seen
    }

    fn assert_empty(&self) {
        assert_eq!(self.transactions.len(), 0);
        assert!(self.transactions.is_empty());
        assert_eq!(self.transactions.poll_timeout(), None);
        assert_eq!(self.transactions.heap_len(), 0);
        assert_eq!(self.transactions.watched(), 0);
        assert!(self.transactions.by_key.is_empty());
        assert!(self.transactions.by_merge_key.is_empty());
    }
}

fn parse(text: &str) -> Message {
    let octets = Bytes::copy_from_slice(text.as_bytes());
    Message::parse(octets, &MessageLimits::default()).expect("a message")
}

fn response_to(request: &Request, code: u16) -> Response {
    let status = StatusCode::new(code).expect("a status");
    Response::for_request(request, status, Some("ours"))
}

fn text_of(message: &Bytes) -> String {
    String::from_utf8(message.to_vec()).expect("text")
}

fn sent(out: Vec<TransactionOutput>) -> Vec<String> {
    out.into_iter()
        .map(|output| match output {
            TransactionOutput::Send { message, .. } => text_of(&message),
            other => panic!("not a Send: {other:?}"),
        })
        .collect()
}

/// The first line.
fn line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The value of a header field.
fn field<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// A request from 192.0.2.9.
fn incoming(method: &str, branch: &str) -> String {
    incoming_via(method, &format!("192.0.2.9:5071;branch={branch}"))
}

fn incoming_via(method: &str, via: &str) -> String {
    format!(
        "{method} sip:echo@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP {via}\r\n\
         From: <sip:ann@example.com>;tag=theirs\r\n\
         To: <sip:echo@192.0.2.1>\r\n\
         Call-ID: one@example.com\r\n\
         CSeq: 1 {method}\r\n\
         Max-Forwards: 70\r\n\r\n"
    )
}

/// A request of ours, before it has a Via.
fn outgoing(method: &str) -> String {
    format!(
        "{method} sip:bob@192.0.2.9:5071 SIP/2.0\r\n\
         Max-Forwards: 70\r\n\
         Route: <sip:192.0.2.9:5071;lr>\r\n\
         From: <sip:echo@192.0.2.1>;tag=ours\r\n\
         To: <sip:bob@example.com>\r\n\
         Call-ID: two@example.com\r\n\
         CSeq: 9 {method}\r\n\r\n"
    )
}

/// The far end's response to a request that we sent.
fn answer(request: &str, code: u16) -> String {
    let Message::Request(request) = parse(request) else {
        panic!("not a request");
    };
    let status = StatusCode::new(code).expect("a status");
    text_of(&Response::for_request(&request, status, Some("theirs")).to_bytes())
}
