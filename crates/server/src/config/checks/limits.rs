//! `[limits]` and the timers of `[sip]`.

use std::time::Duration;

use strowger_sip::message::MessageLimits;
use strowger_sip::transaction::TransactionConfig;
use strowger_switch::config::{Limits, Listener};

use super::super::file::{LimitsSection, SipSection};
use super::Checks;

/// A day, in s.
const DAY_S: u64 = 86_400;

impl Checks<'_> {
    pub(super) fn limits(&mut self, section: &LimitsSection) -> Limits {
        Limits {
            max_calls: self.number(
                "limits.max_calls",
                section.max_calls,
                1..=1_000_000,
                "calls",
            ),
            max_calls_per_second: self.number(
                "limits.max_calls_per_second",
                section.max_calls_per_second,
                1..=1_000_000,
                "calls a second",
            ),
            retry_after_s: self.number(
                "limits.retry_after_s",
                section.retry_after_s,
                0..=86_400,
                "s",
            ),
            max_call_duration: self.seconds(
                "limits.max_call_duration_s",
                section.max_call_duration_s,
                1,
                30 * DAY_S,
            ),
            // RFC 3261 §16.6: Timer C is more than 3 minutes, and upstream gives up then.
            ring_timeout: self.seconds("limits.ring_timeout_s", section.ring_timeout_s, 1, 600),
            drain_timeout: self.seconds(
                "limits.drain_timeout_s",
                section.drain_timeout_s,
                0,
                DAY_S,
            ),
        }
    }

    pub(super) fn message_limits(&mut self, section: &LimitsSection) -> MessageLimits {
        let max_message_bytes = self.number(
            "limits.max_message_bytes",
            section.max_message_bytes,
            1_300..=65_535,
            "octets",
        );
        let max_head_bytes = self.number(
            "limits.max_head_bytes",
            section.max_head_bytes,
            1_000..=65_535,
            "octets",
        );
        MessageLimits {
            max_message_bytes,
            max_head_bytes: max_head_bytes.min(max_message_bytes),
            max_headers: self.number("limits.max_headers", section.max_headers, 16..=4_096, ""),
            max_header_bytes: self.number(
                "limits.max_header_bytes",
                section.max_header_bytes,
                256..=65_535,
                "octets",
            ),
            max_uri_bytes: self.number(
                "limits.max_uri_bytes",
                section.max_uri_bytes,
                64..=65_535,
                "octets",
            ),
        }
    }

    pub(super) fn transactions(
        &mut self,
        sip: &SipSection,
        limits: &LimitsSection,
        listeners: &[Listener],
    ) -> TransactionConfig {
        let t1 = self.number("sip.t1_ms", sip.t1_ms, 10..=10_000, "ms");
        let t2 = self.number("sip.t2_ms", sip.t2_ms, 10..=60_000, "ms");
        if t2 < t1 {
            self.wrong("sip.t2_ms", "`t2_ms` is shorter than `t1_ms`")
                .expected = Some(format!("{t1} ms or more (RFC 3261 §17.1.2.2)"));
        }
        let t4 = self.number("sip.t4_ms", sip.t4_ms, 10..=60_000, "ms");
        TransactionConfig {
            t1: Duration::from_millis(t1),
            t2: Duration::from_millis(t2),
            t4: Duration::from_millis(t4),
            max_transactions: self.number(
                "limits.max_transactions",
                limits.max_transactions,
                16..=10_000_000,
                "transactions",
            ),
            retry_after_s: u32::try_from(limits.retry_after_s).unwrap_or_default(),
            sent_by: listeners
                .iter()
                .map(|listener| listener.advertised.to_string())
                .collect(),
            ..TransactionConfig::default()
        }
    }

    pub(super) fn max_connections(&mut self, section: &LimitsSection) -> u32 {
        let connections = section.max_connections;
        self.number(
            "limits.max_connections",
            connections,
            1..=1_000_000,
            "connections",
        )
    }

    pub(super) fn connection_idle(&mut self, section: &LimitsSection) -> Duration {
        // RFC 3261 §18: open for at least 32 s after the last message.
        let idle_s = section.connection_idle_s;
        self.seconds("limits.connection_idle_s", idle_s, 32, DAY_S)
    }

    pub(super) fn seconds(&mut self, path: &str, value: u64, least: u64, most: u64) -> Duration {
        Duration::from_secs(self.number(path, value, least..=most, "s"))
    }
}
