//! What the end-to-end tests share: a real server on ports of its own, SIPp,
//! baresip and a test phone. Tests wait for an event with a deadline; the only
//! sleeps pace RTP.
#![allow(dead_code, reason = "each file of tests uses its part")]

pub mod baresip;
pub mod g711;
pub mod lines;
pub mod phone;
pub mod ports;
pub mod rtp;
pub mod server;
pub mod settings;
pub mod sipp;
pub mod sound;

use std::time::{Duration, Instant};

/// Asks again and again until there is an answer; panics when there is none in
/// time. For what has no event to wait on: files and counters of a server.
pub fn until<T>(what: &str, timeout: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "{what}: nothing within {timeout:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
