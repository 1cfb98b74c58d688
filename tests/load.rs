//! The capacity tool against the real switch: small, but every packet counts.
//! That it can fail is proved in `crates/load/tests/cli.rs`.

mod support;

use std::ffi::OsString;

use serde_json::Value;
use support::server::Server;
use support::settings::Settings;

/// Exit status and the JSON of the tool.
fn load(server: &Server, arguments: &[&str]) -> (u8, Value) {
    let target = server.sip().to_string();
    let all = ["strowger-load", "--json", "--target", &target];
    // `calls` stands before its options.
    let (command, options) = match arguments {
        ["calls", rest @ ..] => (Some("calls"), rest),
        rest => (None, rest),
    };
    let arguments = [&all[..1], command.as_slice(), &all[1..], options].concat();
    let (mut out, mut complaint) = (Vec::new(), Vec::new());
    let status = strowger_load::run(
        arguments.into_iter().map(OsString::from),
        &mut out,
        &mut complaint,
    );
    let report = serde_json::from_slice(&out);
    let complaint = String::from_utf8_lossy(&complaint);
    (status, report.unwrap_or_else(|_| panic!("{complaint}")))
}

#[test]
fn five_calls_of_echo_lose_nothing() {
    let server = Server::usual();
    let (status, report) = load(&server, &["--calls", "5", "--seconds", "2"]);
    assert_eq!(status, strowger_load::PASSED, "{report}");
    let (calls, packets) = (&report["calls"], &report["packets"]);
    assert_eq!(calls["answered"], 5, "{report}");
    assert_eq!(calls["ended"], 5, "{report}");
    assert!(packets["sent"].as_u64() > Some(400), "{report}");
    assert_eq!(packets["returned"], packets["sent"], "{report}");
    for nothing in ["lost", "altered", "duplicate", "out_of_order", "foreign"] {
        assert_eq!(packets[nothing], 0, "{nothing}: {report}");
    }
    assert_eq!(report["server"]["pid"], server.pid(), "found by its port");
    let us = &report["server"]["cpu"]["us_per_packet"];
    assert!(us.as_f64() > Some(0.0), "{report}");
}

#[test]
fn prompts_come_evenly_and_without_gaps() {
    let server = Server::usual();
    let prompt = ["--mode", "receive", "--calls", "3", "--seconds", "2"];
    let (status, report) = load(&server, &prompt);
    assert_eq!(status, strowger_load::PASSED, "{report}");
    let packets = &report["packets"];
    assert_eq!(packets["missing"], 0, "{report}");
    let mean = packets["per_call_and_s"][1].as_f64().expect("a number");
    assert!((48.0..52.0).contains(&mean), "{report}");
}

#[test]
fn calls_at_a_rate_all_end_well_and_unknown_users_fail_the_run() {
    let server = Server::start(&Settings::default().limit("max_calls_per_second", 1000));
    let rate = ["calls", "--rate", "50", "--seconds", "1"];
    let (status, report) = load(&server, &rate);
    assert_eq!(status, strowger_load::PASSED, "{report}");
    assert_eq!(report["steps"][0]["calls"]["ended"], 50, "{report}");
    let unknown = [&rate[..], &["--user", "nobody"]].concat();
    let (status, report) = load(&server, &unknown);
    assert_eq!(status, strowger_load::FAILED, "{report}");
    assert_eq!(report["steps"][0]["calls"]["failed"]["404"], 50, "{report}");
}
