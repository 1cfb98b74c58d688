//! Any bytes on a SIP connection, cut at any places. The first byte chooses
//! the cuts. Seeds: `crates/sip/tests/rfc4475`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strowger_sip::message::MessageLimits;

#[path = "../../crates/sip/tests/exercise/mod.rs"]
#[allow(dead_code, reason = "single messages have a target of their own")]
mod exercise;

fuzz_target!(|input: &[u8]| {
    let Some((seed, octets)) = input.split_first() else {
        return;
    };
    let limits = MessageLimits {
        max_head_bytes: 4_096,
        ..MessageLimits::default()
    };
    let mut step = usize::from(*seed);
    exercise::framer(
        octets,
        |rest| {
            step = step.wrapping_mul(31).wrapping_add(7);
            step % rest
        },
        &limits,
    );
});
