use super::*;

fn uri(text: &str) -> Uri {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn sip_uris_come_apart() {
    // text | user | password | host | port | params | headers
    type Row = (
        &'static str,
        Option<&'static str>,
        Option<&'static str>,
        &'static str,
        Option<u16>,
        &'static str,
        &'static str,
    );
    let rows: [Row; 9] = [
        ("sip:a@b", Some("a"), None, "b", None, "", ""),
        (
            "SIP:a:p@b.c:5070",
            Some("a"),
            Some("p"),
            "b.c",
            Some(5070),
            "",
            "",
        ),
        ("sips:192.0.2.1", None, None, "192.0.2.1", None, "", ""),
        (
            "sip:a@[2001:db8::1]:1;lr",
            Some("a"),
            None,
            "[2001:db8::1]",
            Some(1),
            ";lr",
            "",
        ),
        ("sip:[::1]", None, None, "[::1]", None, "", ""),
        (
            "sip:a;b=c?d@e;f=g?h=i&j=",
            Some("a;b=c?d"),
            None,
            "e",
            None,
            ";f=g",
            "h=i&j=",
        ),
        ("sip:b?subject=x", None, None, "b", None, "", "subject=x"),
        ("sip:%61:%62@c", Some("a"), Some("b"), "c", None, "", ""),
        ("sip:a:@c", Some("a"), Some(""), "c", None, "", ""),
    ];
    for (text, user, password, host, port, params, headers) in rows {
        let uri = uri(text);
        assert_eq!(uri.user().as_deref(), user.map(str::as_bytes), "{text}");
        assert_eq!(
            uri.password().as_deref(),
            password.map(str::as_bytes),
            "{text}"
        );
        assert_eq!(
            uri.host().expect("sip has a host").to_string(),
            host,
            "{text}"
        );
        assert_eq!(uri.port(), port, "{text}");
        assert_eq!(uri.params().as_bytes(), params.as_bytes(), "{text}");
        assert_eq!(uri.headers(), headers.as_bytes(), "{text}");
        assert_eq!(uri.to_string(), text);
        assert_eq!(uri.detach(), uri);
    }
}

#[test]
fn what_is_no_uri_is_refused() {
    let rows = [
        "",
        "sip",
        "sip:",
        ":a",
        "1a:b",
        "sip:@b",
        "sip:a@",
        "sip:a b",
        "sip:<a>",
        "sip:a\"b",
        "sip:a@b:",
        "sip:a@b:65536",
        "sip:a@b:x",
        "sip:a@[::1",
        "sip:a@[x]",
        "sip:a@b@c",
        "sip:a@b/c",
        "sip:a\r\n@b",
        "sip:a@\u{e9}",
    ];
    for text in rows {
        assert!(text.parse::<Uri>().is_err(), "{text}");
    }
}

#[test]
fn other_schemes_are_kept() {
    let tel = uri("tel:+1-201-555-0123;phone-context=example.com");
    assert!(tel.is_tel() && !tel.is_sip());
    assert_eq!(tel.user().as_deref(), Some(&b"+1-201-555-0123"[..]));
    assert_eq!(tel.param("Phone-Context"), Some(&b"example.com"[..]));
    let urn = uri("urn:service:sos");
    assert_eq!(
        (urn.scheme(), urn.user(), urn.host()),
        (&b"urn"[..], None, None)
    );
    assert_eq!(urn.params().as_bytes(), b"");
}

#[test]
fn addresses_have_the_port_of_their_scheme() {
    let rows = [
        ("sip:a@192.0.2.1", Some("192.0.2.1:5060")),
        ("sips:a@192.0.2.1", Some("192.0.2.1:5061")),
        ("sip:a@[::1]:7", Some("[::1]:7")),
        ("sip:a@example.com", None),
        ("tel:1", None),
    ];
    for (text, addr) in rows {
        assert_eq!(
            uri(text).socket_addr(),
            addr.map(|addr| addr.parse().unwrap()),
            "{text}"
        );
    }
}

#[test]
fn a_uri_of_parts_escapes_its_user() {
    let addr = "[::1]:5060".parse().unwrap();
    let uri = Uri::sip(Some("a b@c:d<é"), addr, Some(Transport::Tcp));
    assert_eq!(
        uri.as_bytes(),
        b"sip:a%20b%40c%3Ad%3C%C3%A9@[::1]:5060;transport=tcp"
    );
    assert_eq!(uri.user().as_deref(), Some("a b@c:d<é".as_bytes()));
    assert_eq!(Uri::sip(None, addr, None).as_bytes(), b"sip:[::1]:5060");
}

#[test]
fn equivalence_follows_the_examples_of_the_rfc() {
    // RFC 3261 §19.1.4
    let same = [
        (
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtLanTa.CoM;Transport=tcp",
        ),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("sip:a@[2001:db8::0:1]", "sip:a@[2001:DB8::1]"),
    ];
    for (left, right) in same {
        assert!(uri(left).is_equivalent(&uri(right)), "{left} {right}");
        assert!(uri(right).is_equivalent(&uri(left)), "{right} {left}");
    }
    let different = [
        (
            "SIP:ALICE@AtLanTa.CoM;Transport=udp",
            "sip:alice@AtLanTa.CoM;Transport=UDP",
        ),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        (
            "sip:bob@biloxi.com",
            "sip:bob@biloxi.com:6000;transport=tcp",
        ),
        (
            "sip:carol@chicago.com",
            "sip:carol@chicago.com?Subject=next%20meeting",
        ),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:a@b;security=on", "sip:a@b;security=off"),
        ("sip:a@b", "sips:a@b"),
        ("sip:a@b", "tel:a"),
        ("sip:a@b", "sip:a:p@b"),
        (&format!("sip:a@b{}", ";c".repeat(65)), "sip:a@b;c"),
    ];
    for (left, right) in different {
        assert!(!uri(left).is_equivalent(&uri(right)), "{left} {right}");
        assert!(!uri(right).is_equivalent(&uri(left)), "{right} {left}");
    }
}
