//! What an operator sees and does: health, metrics, call records, limits,
//! draining, and clear words when something is in the way.

mod support;

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use support::phone::{Phone, show};
use support::rtp::Capture;
use support::server::{Server, strowger};
use support::settings::Settings;

#[test]
fn health_and_metrics_are_served() {
    let server = Server::usual();
    let health = server.get("/healthz");
    assert_eq!(health.status, 200, "{}", health.body);
    assert_eq!(server.get("/nothing").status, 404);

    let before = server.get("/metrics");
    assert_eq!(before.status, 200);
    assert!(
        before.head.to_lowercase().contains("content-type: "),
        "{}",
        before.head
    );
    assert!(before.body.contains("# TYPE "), "{}", before.body);

    let mut phone = Phone::new(server.sip());
    phone.dial("answer");
    support::until("one call up", Duration::from_secs(5), || {
        (server.metric("strowger_calls_live") == 1).then_some(())
    });
    phone.hang_up();
    support::until("no call up", Duration::from_secs(5), || {
        (server.metric("strowger_calls_live") == 0).then_some(())
    });
}

#[test]
fn a_call_leaves_one_record_with_all_that_matters() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let capture = Capture::start(&phone.media);
    phone.dial("play");
    assert!(capture.wait_for(25, Duration::from_secs(5)));
    phone.hang_up();
    let record = server.record(phone.call_id());
    for (field, value) in [
        ("direction", "incoming"),
        ("flow", "play"),
        ("codec", "PCMU"),
        ("hangup_by", "remote"),
        ("hangup_reason", "normal"),
        ("source_name", "Test phone"),
        ("user_agent", "test phone"),
    ] {
        assert_eq!(record[field], value, "{field} of {record}");
    }
    assert_eq!(record["sip_status"], 200);
    assert_eq!(record["destination"], format!("sip:play@{}", server.sip()));
    assert!(
        record["media"]["packets_sent"].as_u64() >= Some(25),
        "{record}"
    );
    assert_eq!(record["media"]["packets_received"], 0, "{record}");
    for field in ["id", "cause", "remote", "source"] {
        let text = record[field].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "{field} of {record}");
    }
    let times: Vec<&str> = ["start", "answer", "end"]
        .iter()
        .map(|name| {
            record[name]
                .as_str()
                .unwrap_or_else(|| panic!("{name} in RFC 3339 in {record}"))
        })
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(server.records().len(), 1, "exactly one");
}

#[test]
fn refused_callers_leave_a_record_too() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let description = phone.usual_description();
    phone.invite("busy", Some(&description));
    assert_eq!(phone.final_response().status(), 486);
    phone.ack_failure();
    let record = server.record(phone.call_id());
    assert_eq!(record["sip_status"], 486, "{record}");
    assert_eq!(record["hangup_reason"], "busy", "{record}");
    assert!(record["answer"].is_null(), "{record}");
}

#[test]
fn more_than_max_calls_are_refused_for_a_while() {
    let server = Server::start(&Settings::default().limit("max_calls", 2));
    let mut phones: Vec<Phone> = (0..3).map(|_| Phone::new(server.sip())).collect();
    phones[0].dial("answer");
    phones[1].dial("answer");
    expect_503(&mut phones[2]);
    phones[0].hang_up();
    server.record(phones[0].call_id());
    phones[2].dial("answer");
    phones[2].hang_up();
    phones[1].hang_up();
}

#[test]
fn more_than_max_calls_per_second_are_refused_for_a_while() {
    let server = Server::start(&Settings::default().limit("max_calls_per_second", 5));
    let mut refused = 0;
    let start = Instant::now();
    for _ in 0..15 {
        let mut phone = Phone::new(server.sip());
        let description = phone.usual_description();
        phone.invite("answer", Some(&description));
        let answer = phone.final_response();
        if answer.status() == 503 {
            assert!(answer.header("Retry-After").is_some(), "{}", show(&answer));
            phone.ack_failure();
            refused += 1;
        } else {
            phone.ack(None);
            phone.hang_up();
        }
    }
    // Averaged over a second: five at once, and five more for each second gone.
    let allowed = 5 + (start.elapsed().as_secs_f64() * 5.0).ceil() as u32;
    assert!(refused >= 15 - allowed.min(15), "only {refused} refused");
    assert!(refused <= 10, "{refused} of 15 refused");
    assert_eq!(Phone::new(server.sip()).options("answer").status(), 200);
}

#[test]
fn draining_lets_calls_end_and_takes_no_new_ones() {
    let mut server = Server::start(&Settings::default().limit("drain_timeout_s", 30));
    let mut running = Phone::new(server.sip());
    running.dial("answer");
    server.signal(libc::SIGTERM);
    support::until("503 to a new call", Duration::from_secs(5), || {
        let mut late = Phone::new(server.sip());
        let description = late.usual_description();
        late.invite("answer", Some(&description));
        let answer = late.final_response();
        if answer.status() == 503 {
            late.ack_failure();
            return Some(());
        }
        late.ack(None);
        late.hang_up();
        None
    });
    running.hang_up();
    let start = Instant::now();
    let status = server.wait_for_exit(Duration::from_secs(20));
    assert!(status.success(), "{status}");
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "it ends with the last call, not with the timeout"
    );
    assert_eq!(
        server.record(running.call_id())["hangup_by"],
        "remote",
        "the record is there after the end"
    );
}

#[test]
fn a_drain_ends_what_does_not_end_by_itself() {
    let mut server = Server::start(&Settings::default().limit("drain_timeout_s", 1));
    let mut running = Phone::new(server.sip());
    running.dial("answer");
    let start = Instant::now();
    server.signal(libc::SIGTERM);
    let bye = running.expect_bye(Duration::from_secs(10));
    assert!(bye.at - start > Duration::from_millis(900), "not too early");
    let status = server.wait_for_exit(Duration::from_secs(20));
    assert!(status.success(), "{status}");
    let record = server.record(running.call_id());
    assert_eq!(record["hangup_by"], "local", "{record}");
}

#[test]
fn without_calls_it_stops_at_once() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let mut server = Server::usual();
        let start = Instant::now();
        server.signal(signal);
        let status = server.wait_for_exit(Duration::from_secs(20));
        assert!(status.success(), "{status}");
        assert!(start.elapsed() < Duration::from_secs(3), "no call was up");
    }
}

#[test]
fn a_second_instance_on_the_same_port_is_refused() {
    let server = Server::usual();
    let file = server.folder().join("strowger.toml");
    let text = std::fs::read_to_string(&file).expect("its configuration");
    let ports = server.ports();
    for taken in [ports.sip(), ports.http()] {
        let kept = format!("127.0.0.1:{taken}\"");
        let free = format!("127.0.0.1:{}\"", ports.peer_control());
        let text = if taken == ports.sip() {
            text.replace(&format!("127.0.0.1:{}\"", ports.http()), &free)
        } else {
            text.replace(
                &format!(":{}\"", ports.sip()),
                &format!(":{}\"", ports.peer_sip()),
            )
        };
        assert!(text.contains(&kept));
        std::fs::write(server.folder().join("second.toml"), text).expect("written");
        let second = server.folder().join("second.toml");
        let run = strowger(&["run", "--config", &second.display().to_string()]);
        assert!(!run.status.success(), "{}", run.text);
        let address = format!("127.0.0.1:{taken}");
        assert!(run.text.contains(&address), "names it: {}", run.text);
    }
    let mut phone = Phone::new(server.sip());
    phone.dial("answer");
    phone.hang_up();
}

#[test]
fn taken_media_ports_are_named() {
    let blocker = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = blocker.local_addr().expect("bound").port() & !1;
    let _other = UdpSocket::bind(("127.0.0.1", port));
    let settings = Settings::default().media_ports(port, port + 1);
    let ports = support::ports::PortBlock::take();
    let folder = support::server::new_folder();
    let file = settings.write(&ports, &folder);
    let run = strowger(&["run", "--config", &file.display().to_string()]);
    assert!(!run.status.success(), "{}", run.text);
    let words = format!("no media port of {port}-{}", port + 1);
    assert!(run.text.contains(&words), "{}", run.text);
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn a_missing_or_broken_prompt_costs_the_call_nothing() {
    // By a variable: a prompt named in the flow itself is missed at the start.
    let play = |file: &str| {
        format!(
            r#"[{{"type": "variable_set", "option": {{"key": "file", "value": "{file}"}}}},
                {{"type": "play", "option": {{"stream_urls": ["file:${{file}}"]}}}},
                {{"type": "play", "option": {{"stream_urls": ["file:prompt.wav"]}}}}]"#
        )
    };
    let server = Server::start(
        &Settings::default()
            .prompt("broken.wav", |path| {
                std::fs::write(path, b"RIFF\xff\xff\xff\xffWAVEfmt nothing").expect("written");
            })
            .flow("missing", &play("not-there.wav"))
            .flow("broken", &play("broken.wav"))
            .flow("outside", &play("../strowger.toml")),
    );
    for user in ["missing", "broken", "outside"] {
        let mut phone = Phone::new(server.sip());
        let capture = Capture::start(&phone.media);
        phone.dial(user);
        assert!(
            capture.wait_for(20, Duration::from_secs(5)),
            "{user}: the flow goes on with the next action"
        );
        phone.hang_up();
    }
    for file in ["not-there.wav", "broken.wav", "../strowger.toml"] {
        assert!(server.log().contains(file), "the log names {file}");
    }
}

#[test]
fn no_secret_is_logged() {
    let server = Server::usual();
    let mut phone = Phone::new(server.sip());
    let request = "OPTIONS sip:answer@127.0.0.1 SIP/2.0\r\n\
         Authorization: Digest username=\"a\", response=\"deadbeefcafe\"\r\n\r\n";
    assert_eq!(phone.raw_request(request).status(), 200);
    let mut server = server;
    server.stop();
    assert!(!server.log().contains("deadbeefcafe"));
}

fn expect_503(phone: &mut Phone) {
    let description = phone.usual_description();
    phone.invite("answer", Some(&description));
    let answer = phone.final_response();
    assert_eq!(answer.status(), 503, "{}", show(&answer));
    let wait = answer.header("Retry-After").expect("RFC 3261 §21.5.4");
    assert!(wait.parse::<u32>().is_ok_and(|s| s > 0), "{wait}");
    phone.ack_failure();
}
