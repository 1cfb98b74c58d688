use std::time::Duration;

use strowger_media::vocabulary::Codec;
use strowger_sip::transport::Transport;

use super::super::{LogFormat, LogLevel};
use super::*;

#[test]
fn limits_have_limits() {
    assert_errors_behind_tiny(&[
        (
            "[limits]\nmax_calls = 0\n",
            &["4:13+1 `max_calls` cannot be 0 | 1 to 1000000 calls"],
        ),
        (
            "[limits]\nmax_calls = 5000000000\n",
            &["4:13+10 `max_calls` cannot be 5000000000 | 1 to 1000000 calls"],
        ),
        (
            "[limits]\nmax_calls_per_second = 0\nretry_after_s = 100000\n",
            &[
                "4:24+1 `max_calls_per_second` cannot be 0 | 1 to 1000000 calls a second",
                "5:17+6 `retry_after_s` cannot be 100000 | 0 to 86400 s",
            ],
        ),
        (
            "[limits]\nmax_call_duration_s = 0\nring_timeout_s = 601\ndrain_timeout_s = 86401\n",
            &[
                "4:23+1 `max_call_duration_s` cannot be 0 | 1 to 2592000 s",
                "5:18+3 `ring_timeout_s` cannot be 601 | 1 to 600 s",
                "6:19+5 `drain_timeout_s` cannot be 86401 | 0 to 86400 s",
            ],
        ),
        (
            "[limits]\nmax_message_bytes = 1000\nmax_head_bytes = 1\nmax_headers = 1\nmax_header_bytes = 1\nmax_uri_bytes = 1\n",
            &[
                "4:21+4 `max_message_bytes` cannot be 1000 | 1300 to 65535 octets",
                "5:18+1 `max_head_bytes` cannot be 1 | 1000 to 65535 octets",
                "6:15+1 `max_headers` cannot be 1 | 16 to 4096",
                "7:20+1 `max_header_bytes` cannot be 1 | 256 to 65535 octets",
                "8:17+1 `max_uri_bytes` cannot be 1 | 64 to 65535 octets",
            ],
        ),
        (
            "[limits]\nmax_transactions = 1\nmax_connections = 0\nconnection_idle_s = 1\n",
            &[
                "4:20+1 `max_transactions` cannot be 1 | 16 to 10000000 transactions",
                "5:19+1 `max_connections` cannot be 0 | 1 to 1000000 connections",
                "6:21+1 `connection_idle_s` cannot be 1 | 32 to 86400 s",
            ],
        ),
        (
            "[sip]\nt1_ms = 0\nt2_ms = 5\nt4_ms = 100000\nserver_name = \"a\\nb\"\n",
            &[
                "4:9+1 `t1_ms` cannot be 0 | 10 to 10000 ms",
                "5:9+1 `t2_ms` cannot be 5 | 10 to 60000 ms",
                "6:9+6 `t4_ms` cannot be 100000 | 10 to 60000 ms",
                "7:15+6 \"a\\nb\" is no name of a server | 1 to 100 printable ASCII characters",
            ],
        ),
        (
            "[sip]\nt2_ms = 100\n",
            &["4:9+3 `t2_ms` is shorter than `t1_ms` | 500 ms or more (RFC 3261 §17.1.2.2)"],
        ),
    ]);
}

#[test]
fn media() {
    assert_errors_behind_tiny(&[
        (
            "[media]\nport_range = [20000]\n",
            &[
                "4:14+7 this is no range of ports | the first and the last port, as in [20000, 29999]",
            ],
        ),
        (
            "[media]\nport_range = [20000, 30001, 3]\n",
            &[
                "4:14+17 this is no range of ports | the first and the last port, as in [20000, 29999]",
            ],
        ),
        (
            "[media]\nport_range = [30000, 20001]\n",
            &[
                "4:14+14 this is no range of ports | the first and the last port, as in [20000, 29999]",
            ],
        ),
        (
            "[media]\nport_range = [20000, 70001]\n",
            &[
                "4:14+14 this is no range of ports | the first and the last port, as in [20000, 29999]",
            ],
        ),
        (
            "[media]\nport_range = [20001, 40001]\n",
            &[
                "4:15+5 the first port, 20001, is odd | an even port: RTP is even, RTCP the odd one above it (RFC 3550 §11)",
            ],
        ),
        (
            "[media]\nport_range = [20001, 40000]\n",
            &[
                "4:15+5 the first port, 20001, is odd | an even port: RTP is even, RTCP the odd one above it (RFC 3550 §11)",
                "4:22+5 the last port, 40000, is even | an odd port: RTP is even, RTCP the odd one above it (RFC 3550 §11)",
            ],
        ),
        (
            "[media]\nport_range = [1000, 40001]\n",
            &[
                "2:11+16 UDP port 5060 lies in `media.port_range` | a port outside of 1000 to 40001",
                "4:15+4 the first port, 1000, is one of the system's | 1024 or more",
            ],
        ),
        (
            "[media]\nport_range = [20000, 20001]\n",
            &["4:14+14 1 pairs of ports are too few for `max_calls` = 5000 | 10000 ports or more"],
        ),
        (
            "[limits]\nmax_calls = 8\n[media]\nport_range = [20000, 20013]\n",
            &["6:14+14 7 pairs of ports are too few for `max_calls` = 8 | 16 ports or more"],
        ),
        (
            "[media]\nport_range = [4000, 29999]\n",
            &["2:11+16 UDP port 5060 lies in `media.port_range` | a port outside of 4000 to 29999"],
        ),
        (
            "[media]\nworkers = 0\n",
            &["4:11+1 `workers` cannot be 0 | 1 to 256 threads"],
        ),
        (
            "[media]\ncodecs = []\n",
            &["4:10+2 without a codec there is no audio | one or both of \"PCMU\" and \"PCMA\""],
        ),
        (
            "[media]\ncodecs = [\"PCMA\", \"PCMA\"]\n",
            &["4:19+6 PCMA stands twice"],
        ),
        (
            "[media]\nptime_ms = 25\n",
            &["4:12+2 `ptime_ms` cannot be 25 | 10, 20, 30, 40, 50 or 60 ms"],
        ),
        (
            "[media]\nptime_ms = 70\n",
            &["4:12+2 `ptime_ms` cannot be 70 | 10 to 60 ms"],
        ),
        (
            "[media]\njitter_min_ms = 100\njitter_max_ms = 60\n",
            &["4:17+3 `jitter_min_ms` is more than `jitter_max_ms` | 0 to 60 ms"],
        ),
        (
            "[media]\njitter_max_ms = 241\n",
            &["4:17+3 `jitter_max_ms` cannot be 241 | 20 to 240 ms"],
        ),
        (
            "[media]\nmax_prompt_s = 0\nmax_cached_s = 0\nrtcp_interval_ms = 1\nmax_buffered_packets = 1\n",
            &[
                "4:16+1 `max_prompt_s` cannot be 0 | 1 to 36000 s",
                "5:16+1 `max_cached_s` cannot be 0 | 1 to 1000000 s",
                "6:20+1 `rtcp_interval_ms` cannot be 1 | 500 to 60000 ms",
                "7:24+1 `max_buffered_packets` cannot be 1 | 16 to 10000000 packets",
            ],
        ),
    ]);
}

#[test]
fn listeners() {
    assert_errors(&[
        (
            "",
            &[
                "1:1+1 0 listeners | 1 to 64 tables [[sip.listeners]] with `transport` and `address`",
            ],
        ),
        (
            "[sip]\nt1_ms = 500\n",
            &[
                "1:1+5 0 listeners | 1 to 64 tables [[sip.listeners]] with `transport` and `address`",
            ],
        ),
        (
            "[[sip.listeners]]\ntransport = \"tcp\"\n",
            &[
                "1:1+17 a listener without an address | `address`, as in address = \"127.0.0.1:5060\"",
            ],
        ),
        (
            "[[sip.listeners]]\naddress = \"127.0.0.1\"\n",
            &[
                "2:11+11 `127.0.0.1` is no address with a port | an IP address and a port, as 127.0.0.1:5060 or [::1]:5060",
            ],
        ),
        (
            "[[sip.listeners]]\naddress = \"::1:5060\"\n",
            &[
                "2:11+10 `::1:5060` is no address with a port | an IP address and a port, as 127.0.0.1:5060 or [::1]:5060",
            ],
        ),
        (
            "[[sip.listeners]]\naddress = \"localhost:5060\"\n",
            &[
                "2:11+16 `localhost:5060` is no address with a port | an IP address and a port, as 127.0.0.1:5060 or [::1]:5060",
            ],
        ),
        (
            "[[sip.listeners]]\naddress = \"127.0.0.1:0\"\n",
            &["2:11+13 port 0 is no port | a port, 1 to 65535"],
        ),
        (
            "[[sip.listeners]]\naddress = \"0.0.0.0:5060\"\n",
            &[
                "2:11+14 nobody can send to `0.0.0.0` | `advertised_ip` beside it: the IP address others reach it by",
            ],
        ),
        (
            "[[sip.listeners]]\naddress = \"[::]:5060\"\n",
            &[
                "2:11+11 nobody can send to `::` | `advertised_ip` beside it: the IP address others reach it by",
            ],
        ),
        (
            "[[sip.listeners]]\naddress = \"0.0.0.0:5060\"\nadvertised_ip = \"0.0.0.0\"\n",
            &["3:17+9 others cannot reach `0.0.0.0` | an IPv4 address, as `address` is one"],
        ),
        (
            "[[sip.listeners]]\naddress = \"0.0.0.0:5060\"\nadvertised_ip = \"2001:db8::1\"\n",
            &["3:17+13 others cannot reach `2001:db8::1` | an IPv4 address, as `address` is one"],
        ),
        (
            "[[sip.listeners]]\naddress = \"[::]:5060\"\nadvertised_ip = \"here\"\nadvertised_port = 0\n",
            &["3:17+6 others cannot reach `here` | an IPv6 address, as `address` is one"],
        ),
        (
            "[[sip.listeners]]\naddress = \"[::]:5060\"\nadvertised_ip = \"::1\"\nadvertised_port = 0\n",
            &["4:19+1 `advertised_port` cannot be 0 | 1 to 65535"],
        ),
    ]);
}

#[test]
fn listeners_beside_each_other() {
    assert_errors_behind_tiny(&[
        (
            "\n[[sip.listeners]]\naddress = \"127.0.0.1:5060\"\n",
            &[
                "5:11+16 UDP port 5060 of `127.0.0.1` is taken by the listener of line 2 | each address and port once for each transport",
            ],
        ),
        (
            "[[sip.listeners]]\naddress = \"0.0.0.0:5060\"\nadvertised_ip = \"10.0.0.1\"\n",
            &[
                "4:11+14 UDP port 5060 of `0.0.0.0` is taken by the listener of line 2 | each address and port once for each transport",
            ],
        ),
        (
            "[[sip.listeners]]\naddress = \"0.0.0.0:5070\"\nadvertised_ip = \"10.0.0.1\"\n",
            &[
                "4:11+14 `0.0.0.0` and `127.0.0.1` overlap, media ports would be bound twice | either the one or the other for all listeners",
            ],
        ),
        (
            "[[sip.listeners]]\naddress = \"127.0.0.1:5070\"\nadvertised_ip = \"10.0.0.1\"\n",
            &[
                "5:17+10 `127.0.0.1` is advertised as `127.0.0.1` and as `10.0.0.1` | one advertised address for each address bound",
            ],
        ),
        (
            "[[sip.listeners]]\naddress = \"127.0.0.1:20002\"\n",
            &[
                "4:11+17 UDP port 20002 lies in `media.port_range` | a port outside of 20000 to 29999",
            ],
        ),
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
        (
            "[http]\naddress = \"8080\"\n",
            &[
                "4:11+6 `8080` is no address with a port | an IP address and a port, as 127.0.0.1:5060 or [::1]:5060",
            ],
        ),
        (
            "[http]\naddress = \"0.0.0.0:8080\"\n",
            &[
                "4:11+14 other machines could reach `0.0.0.0:8080` | a loopback address, as 127.0.0.1:8080, or `allow_remote = true` beside it",
            ],
        ),
        (
            "[http]\naddress = \"[2001:db8::1]:8080\"\n",
            &[
                "4:11+20 other machines could reach `[2001:db8::1]:8080` | a loopback address, as 127.0.0.1:8080, or `allow_remote = true` beside it",
            ],
        ),
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
