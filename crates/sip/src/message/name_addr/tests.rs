use super::*;

fn parse(text: &str) -> Result<NameAddr, &'static str> {
    NameAddr::parse(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn values_come_apart() {
    // text | display | URI | tag
    let rows = [
        ("sip:a@b", None, "sip:a@b", None),
        ("sip:a@b;tag=1", None, "sip:a@b", Some("1")),
        ("sip:a@b ; x ; tag = 1", None, "sip:a@b", Some("1")),
        ("<sip:a@b;lr>;tag=1", None, "sip:a@b;lr", Some("1")),
        ("Bob<sip:a@b>", Some("Bob"), "sip:a@b", None),
        (
            "Bob B. Bell <sip:a@b>",
            Some("Bob B. Bell"),
            "sip:a@b",
            None,
        ),
        (
            "\"B\\\"<o>, b\" <sip:a@b>;tag=\"x\"",
            Some("B\"<o>, b"),
            "sip:a@b",
            Some("\"x\""),
        ),
        ("\"\" <tel:1>;tag=", Some(""), "tel:1", None),
        ("Zoë <sip:a@b?c=d>", Some("Zoë"), "sip:a@b?c=d", None),
        (" <sip:[::1]:5060> ", None, "sip:[::1]:5060", None),
    ];
    for (text, display, uri, tag) in rows {
        let value = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            value.display().as_deref(),
            display.map(str::as_bytes),
            "{text}"
        );
        assert_eq!(value.uri.as_bytes(), uri.as_bytes(), "{text}");
        assert_eq!(value.tag(), tag.map(str::as_bytes), "{text}");
    }
}

#[test]
fn what_is_none_is_refused() {
    let rows = [
        "",
        "Bob",
        "<>",
        "<sip:a@b",
        "sip:a@b>",
        "\"Bob <sip:a@b>",
        "\"Bob\" sip:a@b",
        "Bell, Bob <sip:a@b>",
        "<sip:a@b>tag=1",
        "<sip:a@b>;;",
        "<sip:a@b>;=1",
        "< sip:a@b >",
        "sip:a@b?c=d",
        "sip:a@b,sip:c@d",
        "<sip:a@b>;a=\"b",
    ];
    for text in rows {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn values_of_parts_read_back() {
    let uri: Uri = "sip:a@b;lr".parse().unwrap();
    let value = NameAddr::new(&uri, &[("tag", "1"), ("ob", "")]);
    assert_eq!(value.as_bytes(), b"<sip:a@b;lr>;tag=1;ob");
    assert_eq!((value.uri.clone(), value.tag()), (uri, Some(&b"1"[..])));
}
