use std::time::Duration;

use strowger_media::vocabulary::Codec;
use strowger_sip::transport::Transport;

use super::super::{LogFormat, LogLevel};
use super::*;

#[test]
fn limits_have_limits() {
    assert_errors_behind_tiny(&[
        ("[limits]\nmax_calls = 0\n", &[]),
        ("[limits]\nmax_calls = 5000000000\n", &[]),
        (
            "[limits]\nmax_calls_per_second = 0\nretry_after_s = 100000\n",
            &[],
        ),
        (
            "[limits]\nmax_call_duration_s = 0\nring_timeout_s = 601\ndrain_timeout_s = 86401\n",
            &[],
        ),
        (
            "[limits]\nmax_message_bytes = 1000\nmax_head_bytes = 1\nmax_headers = 1\nmax_header_bytes = 1\nmax_uri_bytes = 1\n",
            &[],
        ),
        (
            "[limits]\nmax_transactions = 1\nmax_connections = 0\nconnection_idle_s = 1\n",
            &[],
        ),
        (
            "[sip]\nt1_ms = 0\nt2_ms = 5\nt4_ms = 100000\nserver_name = \"a\\nb\"\n",
            &[],
        ),
        ("[sip]\nt2_ms = 100\n", &[]),
    ]);
}

#[test]
fn media() {
    assert_errors_behind_tiny(&[
        ("[media]\nport_range = [20000]\n", &[]),
        ("[media]\nport_range = [20000, 30001, 3]\n", &[]),
        ("[media]\nport_range = [30000, 20001]\n", &[]),
        ("[media]\nport_range = [20000, 70001]\n", &[]),
        ("[media]\nport_range = [20001, 40001]\n", &[]),
        ("[media]\nport_range = [20001, 40000]\n", &[]),
        ("[media]\nport_range = [1000, 40001]\n", &[]),
        ("[media]\nport_range = [20000, 20001]\n", &[]),
        (
            "[limits]\nmax_calls = 8\n[media]\nport_range = [20000, 20013]\n",
            &[],
        ),
        ("[media]\nport_range = [4000, 29999]\n", &[]),
        ("[media]\nworkers = 0\n", &[]),
        ("[media]\ncodecs = []\n", &[]),
        ("[media]\ncodecs = [\"PCMA\", \"PCMA\"]\n", &[]),
        ("[media]\nptime_ms = 25\n", &[]),
        ("[media]\nptime_ms = 70\n", &[]),
        ("[media]\njitter_min_ms = 100\njitter_max_ms = 60\n", &[]),
        ("[media]\njitter_max_ms = 241\n", &[]),
        (
            "[media]\nmax_prompt_s = 0\nmax_cached_s = 0\nrtcp_interval_ms = 1\nmax_buffered_packets = 1\n",
            &[],
        ),
    ]);
}

#[test]
fn listeners() {
    assert_errors(&[
        ("", &[]),
        ("[sip]\nt1_ms = 500\n", &[]),
        ("[[sip.listeners]]\ntransport = \"tcp\"\n", &[]),
        ("[[sip.listeners]]\naddress = \"127.0.0.1\"\n", &[]),
        ("[[sip.listeners]]\naddress = \"::1:5060\"\n", &[]),
        ("[[sip.listeners]]\naddress = \"localhost:5060\"\n", &[]),
        ("[[sip.listeners]]\naddress = \"127.0.0.1:0\"\n", &[]),
        ("[[sip.listeners]]\naddress = \"0.0.0.0:5060\"\n", &[]),
        ("[[sip.listeners]]\naddress = \"[::]:5060\"\n", &[]),
        (
            "[[sip.listeners]]\naddress = \"0.0.0.0:5060\"\nadvertised_ip = \"0.0.0.0\"\n",
            &[],
        ),
        (
            "[[sip.listeners]]\naddress = \"0.0.0.0:5060\"\nadvertised_ip = \"2001:db8::1\"\n",
            &[],
        ),
        (
            "[[sip.listeners]]\naddress = \"[::]:5060\"\nadvertised_ip = \"here\"\nadvertised_port = 0\n",
            &[],
        ),
        (
            "[[sip.listeners]]\naddress = \"[::]:5060\"\nadvertised_ip = \"::1\"\nadvertised_port = 0\n",
            &[],
        ),
    ]);
}

#[test]
fn listeners_beside_each_other() {
    assert_errors_behind_tiny(&[
        ("\n[[sip.listeners]]\naddress = \"127.0.0.1:5060\"\n", &[]),
        (
            "[[sip.listeners]]\naddress = \"0.0.0.0:5060\"\nadvertised_ip = \"10.0.0.1\"\n",
            &[],
        ),
        (
            "[[sip.listeners]]\naddress = \"0.0.0.0:5070\"\nadvertised_ip = \"10.0.0.1\"\n",
            &[],
        ),
        (
            "[[sip.listeners]]\naddress = \"127.0.0.1:5070\"\nadvertised_ip = \"10.0.0.1\"\n",
            &[],
        ),
        ("[[sip.listeners]]\naddress = \"127.0.0.1:20002\"\n", &[]),
    ]);
    let tcp = "[[sip.listeners]]\ntransport = \"tcp\"\naddress = \"127.0.0.1:20002\"\n";
    let other_port = "[[sip.listeners]]\naddress = \"127.0.0.1:5070\"\n";
    let ipv6 = "[[sip.listeners]]\naddress = \"[::]:5060\"\nadvertised_ip = \"::1\"\n";
    let config = parse(&format!("{TINY}{tcp}{other_port}{ipv6}")).unwrap();
    let places: Vec<_> = config
        .switch
        .listeners
        .iter()
        .map(|listener| listener.media_address.0)
        .collect();
    assert_eq!(places, [0, 0, 0, 1]);
    assert_eq!(config.switch.media_addresses.len(), 2);
}

#[test]
fn http() {
    assert_errors_behind_tiny(&[
        ("[http]\naddress = \"8080\"\n", &[]),
        ("[http]\naddress = \"0.0.0.0:8080\"\n", &[]),
        ("[http]\naddress = \"[2001:db8::1]:8080\"\n", &[]),
    ]);
    for address in ["127.0.0.2:80", "[::1]:80"] {
        let config = parse(&format!("{TINY}[http]\naddress = \"{address}\"\n")).unwrap();
        assert_eq!(config.http.unwrap().address, address.parse().unwrap());
    }
    let remote = "[http]\naddress = \"0.0.0.0:8080\"\nallow_remote = true\n";
    assert!(parse(&format!("{TINY}{remote}")).unwrap().http.is_some());
}

#[test]
fn a_tiny_file_works_and_the_rest_has_values() {
    let config = parse(TINY).unwrap();
    let listener = &config.switch.listeners[0];
    assert_eq!(listener.transport, Transport::Udp);
    assert_eq!(listener.local, "127.0.0.1:5060".parse().unwrap());
    assert_eq!(listener.advertised, listener.local);
    assert_eq!(config.switch.limits.max_calls, 5_000);
    assert_eq!(config.switch.codecs, [Codec::Pcmu, Codec::Pcma]);
    assert_eq!(config.switch.ptime_ms, 20);
    assert_eq!(config.switch.transactions.sent_by, ["127.0.0.1:5060"]);
    assert_eq!(
        (config.media.first_port, config.media.last_port),
        (20_000, 29_999)
    );
    assert_eq!(config.media.workers, config.switch.media_workers);
    assert!(config.media.workers >= 1);
    assert_eq!(config.media.folder, Path::new("test/media"));
    assert_eq!(config.http, None);
    assert_eq!(config.records.file, None);
    assert_eq!(config.log.level, LogLevel::Info);
}

#[test]
fn what_is_written_holds() {
    let config = parse(
        "[sip]\nserver_name = \"x\"\nt1_ms = 100\n\
         [[sip.listeners]]\ntransport = \"tcp\"\naddress = \"0.0.0.0:5061\"\n\
         advertised_ip = \"192.0.2.1\"\nadvertised_port = 5060\n\
         [limits]\nmax_calls = 7\nring_timeout_s = 9\n\
         [media]\nport_range = [40000, 40013]\nworkers = 3\nfolder = \"/prompts\"\n\
         codecs = [\"PCMA\"]\nptime_ms = 30\n\
         [log]\nlevel = \"debug\"\nformat = \"json\"\n\
         [records]\nfile = \"r.jsonl\"\n",
    )
    .unwrap();
    let listener = &config.switch.listeners[0];
    assert_eq!(listener.transport, Transport::Tcp);
    assert_eq!(listener.advertised, "192.0.2.1:5060".parse().unwrap());
    assert_eq!(config.switch.transactions.t1, Duration::from_millis(100));
    assert_eq!(config.switch.transactions.sent_by, ["192.0.2.1:5060"]);
    assert_eq!(config.switch.server_name, "x");
    assert_eq!(config.switch.limits.max_calls, 7);
    assert_eq!(config.switch.limits.ring_timeout, Duration::from_secs(9));
    assert_eq!(config.switch.codecs, [Codec::Pcma]);
    assert_eq!(config.switch.ptime_ms, 30);
    assert_eq!(config.media.workers, 3);
    assert_eq!(config.media.folder, Path::new("/prompts"));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.records.file.unwrap(), Path::new("test/r.jsonl"));
}
