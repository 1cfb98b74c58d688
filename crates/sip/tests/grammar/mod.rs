//! Requests and responses made by the grammar of RFC 3261, with the parts they
//! were made of.

use proptest::prelude::*;

/// A URI and its parts.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "not every test binary reads every field")]
pub struct UriParts {
    /// As written.
    pub text: String,
    /// The user as written.
    pub user: Option<String>,
    /// The host as written.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
}

/// A message and its parts.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "not every test binary reads every field")]
pub struct Parts {
    /// As written.
    pub text: Vec<u8>,
    /// The method of the CSeq.
    pub method: String,
    /// The Request-URI; `None` for a response.
    pub uri: Option<UriParts>,
    /// Tag of From.
    pub from_tag: String,
    /// Transport, sent-by host and branch of each Via.
    pub vias: Vec<(String, String, String)>,
    /// Sequence number.
    pub number: u32,
    /// Names and values in order, as a reader sees them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9-]{0,8}[a-z0-9](\\.[a-z]{2,4}){1,2}",
        any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|ip| format!("[{ip}]")),
    ]
}

/// A `sip:` or `sips:` URI.
pub fn uri() -> impl Strategy<Value = UriParts> {
    let user = prop::option::of("[a-zA-Z0-9+*&=$,;?/_.!~'()-]{1,12}(%[0-9A-F]{2}){0,2}");
    let params = "(;[a-z]{1,6}(=[a-zA-Z0-9]{1,6})?){0,3}";
    (
        prop::bool::ANY,
        user,
        host(),
        prop::option::of(any::<u16>()),
        params,
    )
        .prop_map(|(secure, user, host, port, params)| {
            let scheme = if secure { "sips" } else { "sip" };
            let at = user
                .as_ref()
                .map(|user| format!("{user}@"))
                .unwrap_or_default();
            let colon = port.map(|port| format!(":{port}")).unwrap_or_default();
            UriParts {
                text: format!("{scheme}:{at}{host}{colon}{params}"),
                user,
                host,
                port,
            }
        })
}

fn display() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-zA-Z]{1,8}( [a-zA-Z]{1,8})? ",
        "\"([a-zA-Z,;<> ]|\\\\\"|\\\\\\\\){0,12}\" ?",
    ]
}

fn via() -> impl Strategy<Value = (String, String, String, String)> {
    let transport = prop_oneof![Just("UDP"), Just("TCP"), Just("TLS")];
    let port = prop::option::of(any::<u16>());
    (
        transport,
        host(),
        port,
        "z9hG4bK[a-zA-Z0-9.-]{1,16}",
        prop::bool::ANY,
    )
        .prop_map(|(transport, host, port, branch, rport)| {
            let colon = port.map(|port| format!(":{port}")).unwrap_or_default();
            let rport = if rport { ";rport" } else { "" };
            let text = format!("SIP/2.0/{transport} {host}{colon};branch={branch}{rport}");
            (text, transport.to_owned(), host, branch)
        })
}

/// A name in long or compact form and in any case, and how white space follows.
fn spelling(long: &'static str, compact: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(format!("{long}: ")),
        1 => Just(format!("{compact}:")),
        1 => Just(format!("{} :\t", long.to_uppercase())),
        1 => Just(format!("{}:\r\n  ", long.to_lowercase())),
    ]
}

/// A whole message.
pub fn message() -> impl Strategy<Value = Parts> {
    let start = prop_oneof![
        (
            prop_oneof![
                Just("INVITE".to_owned()),
                Just("BYE".to_owned()),
                "[A-Z]{3,9}"
            ],
            uri()
        )
            .prop_map(|(method, uri)| (method, Some(uri))),
        Just(("OPTIONS".to_owned(), None)),
    ];
    let names = (
        spelling("Via", "v"),
        spelling("From", "f"),
        spelling("To", "t"),
        spelling("Call-ID", "i"),
        spelling("Content-Length", "l"),
    );
    let people = (display(), uri(), "[a-z0-9]{1,10}", display(), uri());
    let other = prop::collection::vec(("X-[A-Za-z]{1,8}", "[!-~]{1,10}( [!-~]{1,10})?"), 0..4);
    let body = prop::collection::vec(any::<u8>(), 0..40);
    let vias = prop::collection::vec(via(), 1..4);
    (
        start,
        names,
        vias,
        people,
        "[a-zA-Z0-9@.]{1,20}",
        any::<u32>(),
        other,
        body,
    )
        .prop_map(
            |(start, names, vias, people, call_id, number, other, body)| {
                let (method, uri) = start;
                let (from_display, from_uri, tag, to_display, to_uri) = people;
                let via = vias
                    .iter()
                    .map(|via| via.0.as_str())
                    .collect::<Vec<_>>()
                    .join(", ");
                let mut lines = vec![
                    (names.0, "via", via),
                    (
                        names.1,
                        "from",
                        format!("{from_display}<{}>;tag={tag}", from_uri.text),
                    ),
                    (names.2, "to", format!("{to_display}<{}>", to_uri.text)),
                    (names.3, "call-id", call_id),
                    ("CSeq: ".to_owned(), "cseq", format!("{number} {method}")),
                    (names.4, "content-length", body.len().to_string()),
                ];
                let mut headers: Vec<_> = lines
                    .iter()
                    .map(|line| (line.1.to_owned(), line.2.clone()))
                    .collect();
                let mut text = match &uri {
                    Some(uri) => format!("{method} {} SIP/2.0\r\n", uri.text),
                    None => "SIP/2.0 200 OK\r\n".to_owned(),
                };
                for (name, value) in other {
                    headers.push((name.to_lowercase(), value.clone()));
                    lines.push((format!("{name}: "), "", value));
                }
                for (name, _, value) in lines {
                    text.extend([name.as_str(), &value, "\r\n"]);
                }
                text.push_str("\r\n");
                let mut text = text.into_bytes();
                text.extend_from_slice(&body);
                let vias = vias.into_iter().map(|via| (via.1, via.2, via.3)).collect();
                Parts {
                    text,
                    method,
                    uri,
                    from_tag: tag,
                    vias,
                    number,
                    headers,
                    body,
                }
            },
        )
}
