//! The real binary against a server that is well or ill on purpose: what it
//! must notice, it notices.

mod fake;

use std::process::Command;

use fake::{Fake, Fault};
use serde_json::Value;

/// Exit status and the JSON it wrote, if any, else its complaint as a string.
fn load(fake: &Fake, arguments: &[&str]) -> (i32, Value) {
    let target = fake.address.to_string();
    run(&[arguments, &["--json", "--target", &target]].concat())
}

fn run(arguments: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_strowger-load"))
        .args(arguments)
        .output()
        .expect("the binary runs");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let value = serde_json::from_slice(&output.stdout).unwrap_or(Value::String(complaint));
    (output.status.code().expect("an exit status"), value)
}

/// Three calls for two seconds.
fn echo(fault: Fault) -> (i32, Value) {
    let fake = Fake::start(fault);
    load(&fake, &["--calls", "3", "--seconds", "2", "--warm-up", "0"])
}

/// 3 calls × 2 s × 50, give or take what a busy machine does to the ends.
fn assert_about(value: &Value, expected: u64) {
    let number = value.as_u64().expect("a number");
    assert!(
        number.abs_diff(expected) <= 3 + expected / 5,
        "{number} and not about {expected}"
    );
}

#[test]
fn a_good_server_passes() {
    let (status, report) = echo(Fault::None);
    assert_eq!(status, 0, "{report}");
    assert_eq!(report["passed"], true);
    assert_eq!(report["calls"]["answered"], 3);
    assert_eq!(report["calls"]["ended"], 3);
    assert_eq!(report["calls"]["set_up_us"]["count"], 3);
    let packets = &report["packets"];
    assert_about(&packets["sent"], 300);
    assert_eq!(packets["returned"], packets["sent"]);
    for nothing in ["lost", "altered", "duplicate", "out_of_order", "foreign"] {
        assert_eq!(packets[nothing], 0, "{nothing} in {report}");
    }
    assert_eq!(packets["delay_us"]["count"], packets["sent"]);
    assert_eq!(report["server"]["pid"], std::process::id(), "by its port");
    assert!(report["server"]["cpu"]["us_per_packet"].as_f64() > Some(0.0));
}

#[test]
fn loss_is_noticed() {
    let (status, report) = echo(Fault::Drop);
    assert_eq!(status, 1, "{report}");
    assert_eq!(report["passed"], false);
    let packets = &report["packets"];
    assert_about(&packets["lost"], 30);
    let percent = packets["loss_percent"].as_f64().expect("a number");
    assert!((9.0..11.0).contains(&percent), "{percent} %");
    assert!(packets["missing"].as_u64() > Some(20), "{report}");
    assert!(report["problems"][0].as_str().unwrap().contains("lost"));
}

#[test]
fn one_changed_octet_is_noticed() {
    let (status, report) = echo(Fault::Alter);
    assert_eq!(status, 1, "{report}");
    assert_about(&report["packets"]["altered"], 30);
    assert_about(&report["packets"]["lost"], 30);
}

#[test]
fn repetition_and_disorder_are_counted_and_no_loss() {
    let (status, report) = echo(Fault::Repeat);
    assert_eq!((status, &report["packets"]["lost"]), (0, &0.into()));
    assert_about(&report["packets"]["duplicate"], 30);
    let (status, report) = echo(Fault::Swap);
    assert_eq!((status, &report["packets"]["lost"]), (0, &0.into()));
    assert_about(&report["packets"]["out_of_order"], 30);
}

#[test]
fn refused_calls_are_counted_by_status() {
    let (status, report) = echo(Fault::Busy);
    assert_eq!(status, 1, "{report}");
    assert_eq!(report["calls"]["failed"]["486"], 3);
    assert_eq!(report["packets"]["sent"], 0);
    let fake = Fake::start(Fault::Busy);
    let (status, report) = load(&fake, &["calls", "--rate", "20", "--seconds", "1"]);
    assert_eq!(status, 1, "{report}");
    assert_eq!(report["steps"][0]["calls"]["failed"]["486"], 20);
}

#[test]
fn each_rate_is_held_and_reported() {
    let fake = Fake::start(Fault::None);
    let (status, report) = load(&fake, &["calls", "--rate", "20,40", "--seconds", "1"]);
    assert_eq!(status, 0, "{report}");
    for (step, calls) in [(0, 20), (1, 40)] {
        let step = &report["steps"][step];
        assert_eq!(step["calls"]["placed"], calls);
        assert_eq!(step["calls"]["ended"], calls);
        assert!(step["achieved"].as_f64() > Some(f64::from(calls) * 0.8));
        assert!(step["server_us_per_call"].as_f64() > Some(0.0));
    }
}

#[test]
fn the_floor_is_measured_beside_the_server() {
    let fake = Fake::start(Fault::None);
    let echo = [
        "--calls",
        "3",
        "--seconds",
        "1",
        "--warm-up",
        "0",
        "--floor",
    ];
    let (status, report) = load(&fake, &echo);
    assert_eq!(status, 0, "{report}");
    for floor in [&report["floor"][0], &report["floor"][1]] {
        assert_eq!(floor["lost"], 0, "{report}");
        assert!(floor["cpu"]["us_per_packet"].as_f64() > Some(0.0));
        assert!(floor["server_ratio"].as_f64() > Some(0.0));
    }
    // The fake sends nothing by itself; the bare sender does.
    let receive = ["--mode", "receive"];
    let (status, report) = load(&fake, &[&echo[..], &receive].concat());
    assert_eq!(status, 1, "a call without a packet is no success");
    let cpu = &report["floor"][0]["cpu"];
    assert!(cpu["us_per_packet"].as_f64() > Some(0.0), "{report}");
}

#[test]
fn what_cannot_be_measured_is_said_and_is_no_result() {
    for (arguments, word) in [
        (&["--target", "192.0.2.1:5060"][..], "--allow-remote"),
        (&["--target", "nowhere"], "--target nowhere"),
        (&["--pid", "4294967294"], "no such process"),
        (&["--calls", "0"], "--calls"),
        (&["--server-cpu", "100000", "--pid", "1"], "--server-cpu"),
    ] {
        let (status, complaint) = run(arguments);
        let complaint = complaint.as_str().expect("no JSON");
        assert_eq!(status, 2, "{arguments:?}: {complaint}");
        assert!(complaint.contains(word), "{arguments:?}: {complaint}");
    }
}
