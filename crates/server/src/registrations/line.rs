//! One contact as one line of JSON.

use std::net::SocketAddr;
use std::str;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strowger_sip::transport::{ListenerId, Transport};
use strowger_switch::registration::KeptContact;

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    user: &'a str,
    contact: String,
    call_id: String,
    cseq: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    path: String,
    transport: &'a str,
    listener: u16,
    remote: SocketAddr,
    expires_ms: u64,
}

/// Appends the contact and a line feed; nothing when it is not UTF-8, which JSON
/// cannot say.
pub(super) fn write(user: &str, contact: &KeptContact, out: &mut Vec<u8>) {
    let text = |octets: &[u8]| str::from_utf8(octets).map(str::to_owned);
    let (Ok(uri), Ok(call_id), Ok(path)) = (
        text(&contact.contact),
        text(&contact.call_id),
        text(&contact.path),
    ) else {
        return;
    };
    let line = Line {
        user,
        contact: uri,
        call_id,
        cseq: contact.cseq,
        path,
        transport: contact.transport.as_str(),
        listener: contact.listener.0,
        remote: contact.remote,
        expires_ms: contact.expires_ms,
    };
    serde_json::to_writer(&mut *out, &line).expect("strings and numbers are always JSON");
    out.push(b'\n');
}

/// The user and its contact; `None` when the line is not one of ours.
pub(super) fn read(line: &[u8]) -> Option<(Arc<str>, KeptContact)> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    let transports = [Transport::Udp, Transport::Tcp];
    let transport = transports
        .into_iter()
        .find(|transport| transport.as_str() == line.transport)?;
    let contact = KeptContact {
        contact: Bytes::from(line.contact),
        call_id: Bytes::from(line.call_id),
        cseq: line.cseq,
        path: Bytes::from(line.path),
        transport,
        listener: ListenerId(line.listener),
        remote: line.remote,
        expires_ms: line.expires_ms,
    };
    Some((line.user.into(), contact))
}
