//! Figures of a switch: plain numbers that only grow, but for those that say how
//! many there are now.

use crate::call::Outcome;

/// Figures since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SwitchStats {
    /// Messages that were parsed, requests and responses.
    pub messages_received: u64,
    /// Messages sent, retransmissions by the dialog layer excluded.
    pub messages_sent: u64,
    /// 2xx responses sent again because their ACK was late.
    pub retransmissions_sent: u64,
    /// Messages that no parser could make sense of.
    pub parse_errors: u64,
    /// Responses too broken to be matched (RFC 3261 §8.1.3, RFC 4475).
    pub responses_discarded: u64,
    /// Requests by method, in the order of `METHODS`.
    pub requests: [u64; METHODS.len()],
    /// Responses sent by class: 1xx to 6xx.
    pub responses: [u64; 6],
    /// Requests refused because of a limit (503).
    pub overloads: u64,
    /// Calls that came in and were given a flow.
    pub calls: u64,
    /// Calls that were answered.
    pub calls_answered: u64,
    /// Calls that ended, by reason in the order of `REASONS`.
    pub calls_ended: [u64; REASONS.len()],
    /// 2xx that were never acknowledged.
    pub acks_missed: u64,
    /// Actions that failed.
    pub actions_failed: u64,
    /// REGISTERs that were answered 200.
    pub registers_accepted: u64,
    /// REGISTERs that were refused: not allowed, too brief, malformed, full.
    pub registers_refused: u64,
    /// REGISTERs that were answered with a challenge.
    pub registers_challenged: u64,
    /// Challenges answered with a wrong password or by nobody's name.
    pub auth_failures: u64,
    /// Sources that were banned.
    pub bans: u64,
    /// Messages dropped because their source is banned.
    pub messages_banned: u64,
    /// Users that have a contact now.
    pub registrations_live: u64,
    /// Contacts of all users now.
    pub contacts_live: u64,
    /// Sources that are banned now.
    pub banned_live: u64,
    /// Calls that are up or ending now.
    pub calls_live: u64,
    /// Transactions in the table now.
    pub transactions_live: u64,
    /// Media ports open or closing now.
    pub ports_live: u64,
}

/// Names of the methods counted; the last stands for all others.
pub const METHODS: [&str; 15] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "PRACK",
    "UPDATE",
    "INFO",
    "REFER",
    "SUBSCRIBE",
    "NOTIFY",
    "MESSAGE",
    "PUBLISH",
    "other",
];

/// Reasons a call can end for.
pub const REASONS: [&str; 6] = ["normal", "failed", "busy", "cancel", "timeout", "noanswer"];

impl SwitchStats {
    pub(crate) fn count_end(&mut self, outcome: &Outcome) {
        let place = REASONS.iter().position(|reason| *reason == outcome.reason);
        self.calls_ended[place.expect("an Outcome's reason is one of REASONS")] += 1;
    }

    pub(crate) fn count_request(&mut self, method: &[u8]) {
        let named = &METHODS[..METHODS.len() - 1];
        let place = named.iter().position(|name| name.as_bytes() == method);
        self.requests[place.unwrap_or(METHODS.len() - 1)] += 1;
    }

    pub(crate) fn count_response(&mut self, code: u16) {
        if let Some(count) = self
            .responses
            .get_mut(usize::from(code / 100).wrapping_sub(1))
        {
            *count += 1;
        }
    }
}
