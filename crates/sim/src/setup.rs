//! The switch under test: its configuration, flows and dial plan.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use strowger_media::vocabulary::Codec;
use strowger_sip::transport::Transport;
use strowger_switch::config::{
    Limits, Listener, MediaAddress, MediaAddressId, Routes, SwitchConfig,
};
use strowger_switch::dial_plan::{DialEntry, DialMatch, DialPlan};
use strowger_switch::flow::{Flow, FlowSet};

/// Longest call of the simulation.
pub const MAX_CALL: Duration = Duration::from_mins(2);

/// A switch that listens on UDP and TCP and answers the users of the scripts.
pub fn config() -> SwitchConfig {
    let listener = |transport| Listener {
        transport,
        local: ([192, 0, 2, 1], 5060).into(),
        advertised: ([192, 0, 2, 1], 5060).into(),
        media_address: MediaAddressId(0),
    };
    let address = [192, 0, 2, 1].into();
    let mut config = SwitchConfig {
        listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
        media_addresses: vec![MediaAddress {
            local: address,
            advertised: address,
        }],
        media_workers: 2,
        max_ports_per_worker: 500,
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        ptime_ms: 20,
        limits: limits(),
        message: strowger_sip::message::MessageLimits::default(),
        transactions: strowger_sip::transaction::TransactionConfig::default(),
        routes: Arc::new(routes()),
        server_name: "sim".to_owned(),
        registration: None,
    };
    config.transactions.sent_by = vec!["192.0.2.1:5060".to_owned(); 2];
    config
}

fn limits() -> Limits {
    Limits {
        max_calls: 1000,
        max_calls_per_second: 10_000,
        retry_after_s: 3,
        max_call_duration: MAX_CALL,
        ring_timeout: Duration::from_secs(20),
        drain_timeout: Duration::from_secs(10),
    }
}

/// The users that the scripts dial, each with a flow of its own name.
fn routes() -> Routes {
    let flows = [
        ("echo", json!([{"type": "answer"}, {"type": "echo"}])),
        ("answer", json!([{"type": "answer"}, {"type": "stop"}])),
        ("play", json!([play("prompt.wav"), {"type": "hangup"}])),
        (
            "missing",
            json!([play("missing.wav"), play("beep.wav"), {"type": "hangup"}]),
        ),
        (
            "busy",
            json!([{"type": "hangup", "option": {"reason": "busy"}}]),
        ),
        (
            "reject",
            json!([{"type": "hangup", "option": {"reason": "reject"}}]),
        ),
        (
            "early",
            json!([
                {"type": "play", "option": {"stream_urls": ["prompt.wav"], "early_media": true}},
                {"type": "hangup", "option": {"reason": "busy"}},
            ]),
        ),
        (
            "slow",
            json!([{"type": "sleep", "option": {"duration": 1500}}, {"type": "answer"}, {"type": "echo"}]),
        ),
        (
            "silent",
            json!([{"type": "sleep", "option": {"duration": 600_000}}]),
        ),
        ("ivr", ivr()),
    ];
    let mut set = FlowSet::default();
    let mut entries = Vec::new();
    for (name, actions) in flows {
        let flow = Flow::from_json(name, &actions);
        set.insert(flow.unwrap_or_else(|error| panic!("flow {name}: {error}")));
        entries.push(DialEntry {
            users: DialMatch::Exact(name.to_owned()),
            flow: name.to_owned(),
        });
    }
    Routes {
        flows: set,
        dial_plan: DialPlan::new(entries).expect("no patterns"),
    }
}

fn play(url: &str) -> Value {
    json!({"type": "play", "option": {"stream_urls": [url]}})
}

/// 1 plays the prompt, 2 echoes, 9 hangs up, anything else asks again three times.
fn ivr() -> Value {
    let id = |n: u8| format!("00000000-0000-4000-8000-00000000000{n}");
    json!([
        {"id": id(0), "type": "play", "option": {"stream_urls": ["menu.wav"], "digits_handle": "next"}},
        {"id": id(1), "type": "digits_receive", "option": {"duration": 1500, "length": 1}},
        {"id": id(2), "type": "branch", "option": {
            "target_ids": {"1": id(5), "2": id(7), "9": id(8)}, "default_target_id": id(3),
        }},
        {"id": id(3), "type": "goto", "option": {"target_id": id(0), "loop_count": 2}},
        {"id": id(4), "type": "hangup"},
        {"id": id(5), "type": "play", "option": {"stream_urls": ["prompt.wav"]}},
        {"id": id(6), "type": "goto", "option": {"target_id": id(0), "loop_count": 5}},
        {"id": id(7), "type": "echo", "option": {"duration": 3000}},
        {"id": id(8), "type": "hangup"},
    ])
}
