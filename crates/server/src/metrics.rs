//! `/metrics`: what the parts of the server publish, in Prometheus text.
//!
//! Nothing is counted here: each scrape reads the board, so the paths of calls
//! and packets know nothing of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use strowger_switch::switch::{METHODS, REASONS};

use crate::media::{LATENESS_BUCKETS_US, WorkerStats};
use crate::signalling::{Board, Figures};

/// A registry whose one collector reads `board`.
pub fn registry(board: Arc<Board>) -> Registry {
    let mut registry = Registry::with_prefix("strowger");
    registry.register_collector(Box::new(BoardCollector(board)));
    registry
}

#[derive(Debug)]
struct BoardCollector(Arc<Board>);

impl Collector for BoardCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let figures = self.0.figures();
        calls(&mut encoder, &figures)?;
        messages(&mut encoder, &figures)?;
        registrations(&mut encoder, &figures)?;
        sockets(&mut encoder, &figures)?;
        records(&mut encoder, &self.0)?;
        rtp(&mut encoder, &self.0.workers)?;
        ticks(&mut encoder, &self.0.workers)
    }
}

fn calls(encoder: &mut DescriptorEncoder<'_>, figures: &Figures) -> fmt::Result {
    let switch = &figures.switch;
    gauge(
        encoder,
        "calls_live",
        "Calls that are up or ending",
        switch.calls_live,
    )?;
    counter(
        encoder,
        "calls",
        "Calls that were given a flow",
        switch.calls,
    )?;
    counter(
        encoder,
        "calls_answered",
        "Calls that were answered",
        switch.calls_answered,
    )?;
    let ended = REASONS.iter().zip(switch.calls_ended);
    family(
        encoder,
        "calls_ended",
        "Calls that ended, by reason",
        "reason",
        ended,
    )?;
    counter(
        encoder,
        "requests_overloaded",
        "Requests refused with 503",
        switch.overloads,
    )?;
    counter(
        encoder,
        "acks_missed",
        "2xx responses that were never acknowledged",
        switch.acks_missed,
    )?;
    counter(
        encoder,
        "actions_failed",
        "Actions of flows that failed",
        switch.actions_failed,
    )
}

fn messages(encoder: &mut DescriptorEncoder<'_>, figures: &Figures) -> fmt::Result {
    let switch = &figures.switch;
    counter(
        encoder,
        "sip_messages_received",
        "SIP messages that were parsed",
        switch.messages_received,
    )?;
    counter(
        encoder,
        "sip_messages_sent",
        "SIP messages sent",
        switch.messages_sent,
    )?;
    let requests = METHODS.iter().zip(switch.requests);
    family(
        encoder,
        "sip_requests_received",
        "SIP requests, by method",
        "method",
        requests,
    )?;
    let classes = ["1xx", "2xx", "3xx", "4xx", "5xx", "6xx"];
    let responses = classes.iter().zip(switch.responses);
    family(
        encoder,
        "sip_responses_sent",
        "SIP responses, by class of status",
        "class",
        responses,
    )?;
    counter(
        encoder,
        "sip_2xx_retransmissions",
        "2xx responses sent again",
        switch.retransmissions_sent,
    )?;
    counter(
        encoder,
        "sip_parse_errors",
        "Messages that could not be parsed",
        switch.parse_errors,
    )?;
    gauge(
        encoder,
        "sip_transactions_live",
        "Transactions in the table",
        switch.transactions_live,
    )
}

fn registrations(encoder: &mut DescriptorEncoder<'_>, figures: &Figures) -> fmt::Result {
    let switch = &figures.switch;
    gauge(
        encoder,
        "registrations_live",
        "Users that have a contact",
        switch.registrations_live,
    )?;
    gauge(
        encoder,
        "contacts_live",
        "Contacts of all users",
        switch.contacts_live,
    )?;
    let outcomes = [
        ("accepted", switch.registers_accepted),
        ("challenged", switch.registers_challenged),
        ("refused", switch.registers_refused),
    ];
    family(
        encoder,
        "registers",
        "REGISTER requests, by what became of them",
        "outcome",
        outcomes.into_iter(),
    )?;
    counter(
        encoder,
        "auth_failures",
        "Challenges answered with a wrong name or password",
        switch.auth_failures,
    )?;
    counter(encoder, "bans", "Sources that were banned", switch.bans)?;
    gauge(
        encoder,
        "banned_live",
        "Sources that are banned",
        switch.banned_live,
    )?;
    counter(
        encoder,
        "sip_messages_banned",
        "SIP messages dropped because their source is banned",
        switch.messages_banned,
    )
}

fn sockets(encoder: &mut DescriptorEncoder<'_>, figures: &Figures) -> fmt::Result {
    let (udp, tcp) = (figures.udp, figures.tcp);
    counter(
        encoder,
        "udp_datagrams_received",
        "Datagrams on SIP listeners",
        udp.received,
    )?;
    counter(
        encoder,
        "udp_datagrams_sent",
        "Datagrams sent by SIP listeners",
        udp.sent,
    )?;
    counter(
        encoder,
        "udp_send_overflows",
        "Datagrams lost in a full send buffer",
        udp.send_overflows,
    )?;
    gauge(
        encoder,
        "tcp_connections_live",
        "TCP connections that are up",
        tcp.connections,
    )?;
    counter(
        encoder,
        "tcp_connections_accepted",
        "TCP connections that came in",
        tcp.accepted,
    )?;
    counter(
        encoder,
        "tcp_connections_opened",
        "TCP connections opened",
        tcp.opened,
    )?;
    counter(
        encoder,
        "tcp_connections_refused",
        "TCP connections beyond the limit",
        tcp.refused,
    )?;
    counter(
        encoder,
        "tcp_queue_overflows",
        "TCP connections closed because they did not read",
        tcp.overflowed,
    )?;
    gauge(
        encoder,
        "media_ports_live",
        "Media ports open or closing",
        figures.switch.ports_live,
    )?;
    gauge(
        encoder,
        "media_ports_stocked",
        "Media ports bound for the next calls",
        figures.stocked_ports,
    )?;
    gauge(
        encoder,
        "media_orders_waiting",
        "Orders that a media worker has no room for",
        figures.orders_waiting,
    )?;
    gauge(
        encoder,
        "prompts_waiting",
        "Playbacks that wait for their prompts",
        figures.prompts_waiting,
    )
}

fn records(encoder: &mut DescriptorEncoder<'_>, board: &Board) -> fmt::Result {
    counter(
        encoder,
        "records_written",
        "Call records written",
        board.records.written.load(Relaxed),
    )?;
    counter(
        encoder,
        "records_lost",
        "Call records lost",
        board.records.lost.load(Relaxed),
    )
}

fn rtp(encoder: &mut DescriptorEncoder<'_>, workers: &[Arc<WorkerStats>]) -> fmt::Result {
    let mut sum = |name, help, field: fn(&WorkerStats) -> &AtomicU64| {
        let total = workers.iter().map(|worker| field(worker).load(Relaxed));
        counter(encoder, name, help, total.fold(0, u64::wrapping_add))
    };
    sum("rtp_packets_received", "RTP packets accepted", |worker| {
        &worker.packets_received
    })?;
    sum("rtp_packets_sent", "RTP packets sent", |worker| {
        &worker.packets_sent
    })?;
    sum(
        "rtp_packets_dropped",
        "Datagrams on media ports thrown away",
        |worker| &worker.packets_dropped,
    )?;
    sum(
        "rtp_send_failures",
        "RTP and RTCP packets the kernel refused",
        |worker| &worker.send_failures,
    )?;
    sum(
        "digits_dropped",
        "Digits lost because signalling was behind",
        |worker| &worker.digits_dropped,
    )?;
    // Duplicates make it fall, so it is no counter (RFC 3550 §6.4.1).
    let lost = workers
        .iter()
        .map(|worker| worker.packets_lost.load(Relaxed));
    let lost = lost.fold(0, u64::wrapping_add) as i64;
    encoder
        .encode_descriptor(
            "rtp_packets_lost",
            "RTP packets lost on the way here",
            None,
            MetricType::Gauge,
        )
        .and_then(|metric| ConstGauge::new(lost).encode(metric))
}

fn ticks(encoder: &mut DescriptorEncoder<'_>, workers: &[Arc<WorkerStats>]) -> fmt::Result {
    let by_worker = |field: fn(&WorkerStats) -> u64| {
        let value =
            move |(index, worker): (usize, &Arc<WorkerStats>)| (index.to_string(), field(worker));
        workers.iter().enumerate().map(value)
    };
    let made = by_worker(|worker| worker.ticks.load(Relaxed));
    family(
        encoder,
        "media_ticks",
        "Ticks of 20 ms made",
        "worker",
        made,
    )?;
    let missed = by_worker(|worker| worker.ticks_missed.load(Relaxed));
    family(
        encoder,
        "media_ticks_missed",
        "Ticks given up because they were too late",
        "worker",
        missed,
    )?;
    let help = "How much later than its time a media worker woke, in seconds";
    let mut metric = encoder.encode_descriptor(
        "media_tick_lateness_seconds",
        help,
        None,
        MetricType::Histogram,
    )?;
    for (index, worker) in workers.iter().enumerate() {
        let label = [("worker", index.to_string())];
        Lateness(worker).encode(metric.encode_family(&label)?)?;
    }
    Ok(())
}

struct Lateness<'a>(&'a WorkerStats);

impl EncodeMetric for Lateness<'_> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = LATENESS_BUCKETS_US.iter().map(|&us| us as f64 / 1e6);
        let counts = self.0.lateness.iter().map(|count| count.load(Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.chain([f64::INFINITY]).zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let seconds = self.0.lateness_sum_us.load(Relaxed) as f64 / 1e6;
        encoder.encode_histogram::<[(&str, &str); 0]>(seconds, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(value).encode(metric)
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value as i64).encode(metric)
}

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &'static str,
    values: impl Iterator<Item = (impl ToString, u64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (of, value) in values {
        let label = [(label, of.to_string())];
        ConstCounter::new(value).encode(metric.encode_family(&label)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_appear_under_their_names() {
        let worker = Arc::new(WorkerStats::default());
        worker.ticked(1, 300_000);
        worker.packets_lost.store(-3_i64 as u64, Relaxed);
        let board = Board::new(vec![worker], Arc::default());
        let mut figures = Figures::default();
        figures.switch.calls_live = 5;
        figures.switch.requests[0] = 7;
        figures.switch.calls_ended[2] = 9;
        board.publish(figures);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry(Arc::new(board))).unwrap();
        for line in [
            "strowger_calls_live 5",
            "strowger_sip_requests_received_total{method=\"INVITE\"} 7",
            "strowger_calls_ended_total{reason=\"busy\"} 9",
            "strowger_rtp_packets_lost -3",
            "strowger_media_tick_lateness_seconds_bucket{le=\"0.00025\",worker=\"0\"} 0",
            "strowger_media_tick_lateness_seconds_bucket{le=\"0.0005\",worker=\"0\"} 1",
            "strowger_media_tick_lateness_seconds_bucket{le=\"+Inf\",worker=\"0\"} 1",
            "# EOF",
        ] {
            assert!(
                text.lines().any(|have| have == line),
                "{line} is not in\n{text}"
            );
        }
    }
}
