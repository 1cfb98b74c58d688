//! Any datagram on the SIP port. Seeds: `crates/sip/tests/rfc4475`.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use strowger_sip::message::{Message, MessageLimits};

#[path = "../../crates/sip/tests/exercise/mod.rs"]
#[allow(dead_code, reason = "the framer has a target of its own")]
mod exercise;

fuzz_target!(|octets: &[u8]| {
    let octets = Bytes::copy_from_slice(octets);
    // Writing may add a Content-Length: room for it, so that it parses again.
    let limits = MessageLimits {
        max_message_bytes: 131_072,
        ..MessageLimits::default()
    };
    exercise::message(&octets, &limits);
    let tight = MessageLimits {
        max_message_bytes: 700,
        max_headers: 9,
        max_header_bytes: 60,
        max_head_bytes: 400,
        max_uri_bytes: 20,
    };
    let _ = Message::parse(octets, &tight);
});
