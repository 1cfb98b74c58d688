use super::*;

#[test]
fn syntax() {
    assert_errors(&[
        ("[sip", &["1:5+1 unclosed table | `]`"]),
        ("a = 1\na = 2\n", &["2:1+1 duplicate key"]),
        (
            "# über\nü = 1\n",
            &["2:1+1 invalid unquoted key | letters, numbers, `-`, `_`"],
        ),
        (
            "[a]\n\tb = 1 c = 2\n[[d\n",
            &[
                "2:6+3 string values must be quoted | literal string",
                "2:10+1 unexpected key or value | newline, `#`",
                "3:4+1 unclosed array table | `]]`",
            ],
        ),
        (
            "[http]\naddress = 127.0.0.1:80\n",
            &["2:16+7 invalid float | a number, or a text in quotes"],
        ),
        (
            "x = \"open\ny = 1\n",
            &["1:10+1 invalid basic string | `\"`"],
        ),
    ]);
}

#[test]
fn unknown_names() {
    assert_errors_behind_tiny(&[
        (
            "adress = \"\"\n",
            &[
                "3:1+6 unknown name `adress` | one of `transport`, `address`, `advertised_ip`, `advertised_port` | address",
            ],
        ),
        (
            "[sipp]\n",
            &[
                "3:2+4 unknown name `sipp` | one of `sip`, `limits`, `media`, `http`, `log`, `records`, `users`, `registrar`, `guard`, `flows`, `dial_plan` | sip",
            ],
        ),
        (
            "[media]\nport_rnage = [1, 2]\n",
            &[
                "4:1+10 unknown name `port_rnage` | one of `port_range`, `workers`, `folder`, `codecs`, `ptime_ms`, `jitter_min_ms`, `jitter_max_ms`, `max_buffered_packets`, `rtcp_interval_ms`, `max_prompt_s`, `max_cached_s` | port_range",
            ],
        ),
        (
            "[media]\nzzz = 1\n",
            &[
                "4:1+3 unknown name `zzz` | one of `port_range`, `workers`, `folder`, `codecs`, `ptime_ms`, `jitter_min_ms`, `jitter_max_ms`, `max_buffered_packets`, `rtcp_interval_ms`, `max_prompt_s`, `max_cached_s`",
            ],
        ),
        (
            "[[dial_plan]]\nusr = \"x\"\n",
            &["4:1+3 unknown name `usr` | one of `user`, `prefix`, `pattern`, `flow` | user"],
        ),
        (
            "[flows.a]\nactoins = []\n",
            &["4:1+7 unknown name `actoins` | `actions` or `file` | actions"],
        ),
    ]);
}

#[test]
fn wrong_types() {
    assert_errors_behind_tiny(&[
        (
            "[limits]\nmax_calls = \"many\"\n",
            &["4:13+6 wrong type: string \"many\" | a whole number, 0 or more"],
        ),
        (
            "[limits]\nmax_calls = -1\n",
            &["4:13+2 wrong value: integer `-1` | a whole number, 0 or more"],
        ),
        (
            "[limits]\nmax_calls = 1.5\n",
            &["4:13+3 wrong type: floating point `1.5` | a whole number, 0 or more"],
        ),
        (
            "[media]\nport_range = 20000\n",
            &["4:14+5 wrong type: integer `20000` | a list in [ ]"],
        ),
        (
            "[media]\nport_range = [20000, \"x\"]\n",
            &["4:22+3 wrong type: string \"x\" | a whole number, 0 or more"],
        ),
        (
            "[media]\ncodecs = [\"PCMU\", \"PMCA\"]\n",
            &["4:19+6 unknown value `PMCA` | `PCMU` or `PCMA` | PCMA"],
        ),
        (
            "[http]\nallow_remote = \"yes\"\n",
            &["4:16+5 wrong type: string \"yes\" | true or false"],
        ),
        (
            "[log]\nlevel = \"inof\"\n",
            &[
                "4:9+6 unknown value `inof` | one of `error`, `warn`, `info`, `debug`, `trace` | info",
            ],
        ),
        (
            "[records]\nfile = 3\n",
            &["4:8+1 wrong type: integer `3` | a text in quotes"],
        ),
        (
            "transport = \"upd\"\n",
            &["3:13+5 unknown value `upd` | `udp` or `tcp` | udp"],
        ),
        (
            "[flows.echo]\nactions = \"echo\"\n",
            &["4:11+6 wrong type: string \"echo\" | a list in [ ]"],
        ),
        (
            "[flows]\necho = [{ type = \"echo\" }]\n",
            &["4:1+4 `echo` is no list | a table"],
        ),
        (
            "[[log]]\nlevel = \"info\"\n",
            &["3:3+3 `log` is no list | a table"],
        ),
    ]);
}

#[test]
fn several_at_once_in_the_order_of_the_file() {
    assert_errors(&[(
        "[media]\nport_range = [\"a\", 2]\nfodler = \"x\"\n\n[limits]\nmax_calls = true\n\
         max_cals = 3\n\n[[sip.listeners]]\naddress = 1\nport = 5060\n",
        &[
            "2:15+3 wrong type: string \"a\" | a whole number, 0 or more",
            "3:1+6 unknown name `fodler` | one of `port_range`, `workers`, `folder`, `codecs`, `ptime_ms`, `jitter_min_ms`, `jitter_max_ms`, `max_buffered_packets`, `rtcp_interval_ms`, `max_prompt_s`, `max_cached_s` | folder",
            "6:13+4 wrong type: boolean `true` | a whole number, 0 or more",
            "7:1+8 unknown name `max_cals` | one of `max_calls`, `max_calls_per_second`, `retry_after_s`, `max_call_duration_s`, `ring_timeout_s`, `drain_timeout_s`, `max_message_bytes`, `max_head_bytes`, `max_headers`, `max_header_bytes`, `max_uri_bytes`, `max_transactions`, `max_connections`, `connection_idle_s` | max_calls",
            "10:11+1 wrong type: integer `1` | a text in quotes",
            "11:1+4 unknown name `port` | one of `transport`, `address`, `advertised_ip`, `advertised_port`",
        ],
    )]);
}
