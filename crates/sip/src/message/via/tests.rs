use super::*;

fn via(text: &str) -> Option<Via> {
    Via::parse(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn values_come_apart() {
    let via = via("SIP / 2.0 / TCP  [2001:db8::1] : 5070 ; branch = z9hG4bK1;x").expect("a Via");
    assert_eq!(via.version(), b"2.0");
    assert_eq!(via.transport(), b"TCP");
    assert_eq!(via.host().to_string(), "[2001:db8::1]");
    assert_eq!((via.port(), via.port_or_default()), (Some(5070), 5070));
    assert_eq!(via.branch(), Some(&b"z9hG4bK1"[..]));
    assert!(via.params().contains("x"));
}

#[test]
fn what_is_no_via_is_refused() {
    let rows = [
        "",
        "SIP",
        "SIP/2.0",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/2.0/UDPhost",
        "HTTP/2.0/UDP a",
        "SIP/2.0/UDP a:b",
        "SIP/2.0/UDP a;",
        "SIP/2.0/UDP a;;b",
        "SIP/2.0/UDP a b",
        "SIP/2.0/UDP [::1",
        "SIP/2.0/UDP a;x=\"y",
        "SIP//UDP a",
    ];
    for text in rows {
        assert!(via(text).is_none(), "{text}");
    }
}

#[test]
fn the_source_is_stamped_where_the_rfcs_want_it() {
    // RFC 3261 §18.2.1 and RFC 3581 §4: value | stamped from 192.0.2.9:4000
    let rows = [
        ("SIP/2.0/UDP 192.0.2.9:5060;branch=a", None),
        (
            "SIP/2.0/UDP 192.0.2.1;branch=a",
            Some("SIP/2.0/UDP 192.0.2.1;branch=a;received=192.0.2.9"),
        ),
        (
            "SIP/2.0/UDP host;branch=a",
            Some("SIP/2.0/UDP host;branch=a;received=192.0.2.9"),
        ),
        (
            "SIP/2.0/UDP 192.0.2.9;rport;branch=a",
            Some("SIP/2.0/UDP 192.0.2.9;branch=a;received=192.0.2.9;rport=4000"),
        ),
        (
            "SIP/2.0/UDP 192.0.2.9;received=198.51.100.1;rport=9;branch=a",
            Some("SIP/2.0/UDP 192.0.2.9;branch=a;received=192.0.2.9;rport=4000"),
        ),
        (
            "SIP/2.0/UDP 192.0.2.9;received=198.51.100.1;branch=a",
            Some("SIP/2.0/UDP 192.0.2.9;branch=a"),
        ),
    ];
    let mapped: SocketAddr = "[::ffff:192.0.2.9]:4000".parse().unwrap();
    for source in ["192.0.2.9:4000".parse().unwrap(), mapped] {
        for (text, stamped) in rows {
            let seen = via(text).expect("a Via").stamped(source);
            assert_eq!(seen.as_deref(), stamped.map(str::as_bytes), "{text}");
        }
    }
    let six = via("SIP/2.0/UDP a;rport")
        .expect("a Via")
        .stamped("[2001:db8::1]:7".parse().unwrap());
    assert_eq!(
        six.as_deref(),
        Some(&b"SIP/2.0/UDP a;received=2001:db8::1;rport=7"[..])
    );
}

#[test]
fn responses_go_where_the_rfcs_say() {
    // RFC 3261 §18.2.2, RFC 3581 §4, for a request from 192.0.2.9:4000
    let rows = [
        ("SIP/2.0/UDP 192.0.2.1", "192.0.2.1:5060"),
        ("SIP/2.0/UDP 192.0.2.1:5070", "192.0.2.1:5070"),
        ("SIP/2.0/TLS 192.0.2.1", "192.0.2.1:5061"),
        ("SIP/2.0/UDP host:5070", "192.0.2.9:5070"),
        ("SIP/2.0/UDP host:5070;received=192.0.2.9", "192.0.2.9:5070"),
        (
            "SIP/2.0/UDP host:5070;received=192.0.2.9;rport=4000",
            "192.0.2.9:4000",
        ),
        (
            "SIP/2.0/TCP host:5070;received=192.0.2.9;rport=4000",
            "192.0.2.9:5070",
        ),
        (
            "SIP/2.0/UDP host;received=[2001:db8::1];rport=1",
            "[2001:db8::1]:1",
        ),
        (
            "SIP/2.0/UDP host;received=2001:db8::1;rport=1",
            "[2001:db8::1]:1",
        ),
        ("SIP/2.0/UDP host;received=x;rport=70000", "192.0.2.9:5060"),
        ("SIP/2.0/UDP 192.0.2.1;maddr=203.0.113.1", "192.0.2.1:5060"),
    ];
    for (text, target) in rows {
        let seen = via(text)
            .expect("a Via")
            .response_target("192.0.2.9:4000".parse().unwrap());
        assert_eq!(seen, target.parse().unwrap(), "{text}");
    }
}
