//! RFC 4475: what becomes of each torture test message, and what is read out of
//! the treacherous ones.

mod corpus;

use bytes::Bytes;
use corpus::{TORTURE, Verdict, message};
use strowger_sip::message::{
    Framed, HeaderName, Host, Message, MessageLimits, Method, Request, Response, StatusCode,
    StreamFramer,
};

fn parse(octets: &[u8]) -> Result<Message, strowger_sip::message::ParseError> {
    Message::parse(Bytes::copy_from_slice(octets), &MessageLimits::default())
}

fn request(name: &str) -> Request {
    match message(name) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("{name} is a request"),
    }
}

fn verdict(octets: &[u8]) -> Verdict {
    match parse(octets) {
        Err(error) => Verdict::Unparsable(error),
        Ok(Message::Request(request)) => match request.validate() {
            Ok(()) => Verdict::Accepted,
            Err(rejection) => Verdict::Refused(rejection.status),
        },
        Ok(Message::Response(response)) => match response.validate() {
            Ok(()) => Verdict::Accepted,
            Err(_) => Verdict::Discarded,
        },
    }
}

#[test]
fn every_message_gets_its_stated_verdict() {
    assert_eq!(TORTURE.len(), 49);
    for torture in TORTURE {
        assert_eq!(
            verdict(torture.octets),
            torture.verdict,
            "{} §{}",
            torture.name,
            torture.section
        );
    }
}

#[test]
fn writing_keeps_the_octets() {
    for torture in TORTURE {
        let Ok(message) = parse(torture.octets) else {
            continue;
        };
        let written = message.to_bytes();
        assert_eq!(
            written == torture.octets,
            torture.same_octets,
            "{}",
            torture.name
        );
        let again = parse(&written).expect("what we write parses");
        assert_eq!(again.to_bytes(), written, "{}", torture.name);
        assert_eq!(again.body(), message.body(), "{}", torture.name);
        let lines = |message: &Message| {
            let lines = message
                .headers()
                .iter()
                .map(|(name, value)| (name, value.to_vec()));
            lines
                .filter(|line| line.0 != HeaderName::ContentLength)
                .collect::<Vec<_>>()
        };
        assert_eq!(lines(&again), lines(&message), "{}", torture.name);
    }
}

#[test]
fn every_refused_request_can_be_answered() {
    for torture in TORTURE {
        let Ok(Message::Request(request)) = parse(torture.octets) else {
            continue;
        };
        let Err(rejection) = request.validate() else {
            continue;
        };
        let response = rejection.response(&request, Some("tag")).to_bytes();
        let Ok(Message::Response(response)) = parse(&response) else {
            panic!("{}: the answer does not parse", torture.name);
        };
        assert_eq!(response.status, rejection.status);
        let vias = |message: &strowger_sip::message::Headers| {
            message
                .get_all(&HeaderName::Via)
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            vias(&response.headers),
            vias(&request.headers),
            "{}",
            torture.name
        );
    }
}

#[test]
fn wsinv_reads_through_folds_and_white_space() {
    let request = request("wsinv");
    let headers = &request.headers;
    let to = headers.to().expect("To");
    assert_eq!(to.uri.as_bytes(), b"sip:vivekg@chair-dnrc.example.com");
    assert_eq!(to.tag(), Some(&b"1918181833n"[..]));
    let from = headers.from_().expect("From");
    assert_eq!(from.display().as_deref(), Some(&b"J Rosenberg \\\""[..]));
    assert_eq!(from.tag(), Some(&b"98asjd8"[..]));
    assert_eq!(headers.max_forwards(), Ok(Some(68)));
    let cseq = headers.cseq().expect("CSeq");
    assert_eq!((cseq.number, cseq.method), (9, Method::Invite));
    let vias: Vec<_> = headers.vias().map(|via| via.expect("a Via")).collect();
    let seen: Vec<_> = vias
        .iter()
        .map(|via| {
            (
                via.transport(),
                via.host().to_string(),
                via.branch().expect("branch"),
            )
        })
        .collect();
    let expected: [(&[u8], String, &[u8]); 3] = [
        (b"UDP", "192.0.2.2".into(), b"390skdjuw"),
        (b"TCP", "spindle.example.com".into(), b"z9hG4bK9ikj8"),
        (b"UDP", "192.168.255.111".into(), b"z9hG4bK30239"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(headers.get(&HeaderName::Subject), Some(&b""[..]));
    let unknown = HeaderName::parse(b"newfangledheader");
    assert_eq!(
        headers.get(&unknown),
        Some(&b"newfangled value continued newfangled value"[..])
    );
    let contact = headers
        .contacts()
        .next()
        .expect("a Contact")
        .expect("a name-addr");
    assert_eq!(
        contact.display().as_deref(),
        Some(&b"Quoted string \"\""[..])
    );
    assert_eq!(contact.param("newparam"), Some(&b"newvalue"[..]));
    assert_eq!(contact.param("secondparam"), Some(&b""[..]));
    assert_eq!(contact.param("q"), Some(&b"0.33"[..]));
    assert_eq!(request.body.len(), 150);
}

#[test]
fn intmeth_keeps_unusual_and_binary_characters() {
    let request = request("intmeth");
    let method = b"!interesting-Method0123456789_*+`.%indeed'~";
    assert_eq!(request.method, Method::Other(Bytes::from_static(method)));
    let user = request.uri.user().expect("user");
    assert_eq!(
        user.as_ref(),
        b"1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    );
    let password = request.uri.password().expect("password");
    assert_eq!(
        password.as_ref(),
        b"&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    );
    let to = request.headers.to().expect("To");
    assert_eq!(
        to.display().as_deref(),
        Some(&b"BEL:\x07 NUL:\x00 DEL:\x7f"[..])
    );
    let from = request.headers.from_().expect("From");
    assert_eq!(from.tag(), Some(&b"_token~1'+`*%!-."[..]));
    let response = Response::for_request(&request, StatusCode::OK, Some("x"));
    assert_eq!(response.headers.to().expect("To").display(), to.display());
    assert_eq!(response.headers.to().expect("To").tag(), Some(&b"x"[..]));
}

#[test]
fn escapes_are_resolved_where_they_are_some() {
    let esc01 = request("esc01");
    assert_eq!(
        esc01.uri.user().as_deref(),
        Some(&b"sips:user@example.com"[..])
    );
    assert!(!esc01.uri.is_sips());
    let contact = esc01
        .headers
        .contacts()
        .next()
        .expect("one")
        .expect("a name-addr");
    assert_eq!(contact.uri.user().as_deref(), Some(&b"caller"[..]));
    let nulls: Vec<_> = request("escnull")
        .headers
        .contacts()
        .map(|contact| {
            contact
                .expect("a name-addr")
                .uri
                .user()
                .expect("user")
                .into_owned()
        })
        .collect();
    assert_eq!(nulls, [vec![0], vec![0, 0]]);
    let esc02 = request("esc02");
    assert_ne!(esc02.method, Method::Register);
    assert_eq!(esc02.headers.contacts().count(), 2);
    let to = esc02.headers.to().expect("To");
    assert_eq!(to.display().as_deref(), Some(&b"%Z%45"[..]));
    let semi = request("semiuri");
    assert_eq!(
        semi.uri.user().as_deref(),
        Some(&b"user;par=u@example.net"[..])
    );
    assert_eq!(
        semi.uri.host(),
        Some(Host::Name(Bytes::from_static(b"example.com")))
    );
    assert_eq!(semi.headers.tokens(&HeaderName::Accept).count(), 6);
}

#[test]
fn long_values_survive() {
    let request = request("longreq");
    assert_eq!(request.headers.vias().filter_map(Result::ok).count(), 34);
    assert_eq!(request.uri.port(), None);
    assert_eq!(request.headers.to().expect("To").uri.port(), Some(6000));
}

#[test]
fn a_question_of_where_a_parameter_belongs() {
    let contact = |name| {
        request(name)
            .headers
            .contacts()
            .next()
            .expect("one")
            .expect("name-addr")
    };
    assert!(contact("cparam01").param("unknownparam").is_some());
    assert!(contact("cparam01").uri.param("unknownparam").is_none());
    assert!(contact("cparam02").param("unknownparam").is_none());
    assert!(contact("cparam02").uri.param("unknownparam").is_some());
    assert_eq!(
        contact("regescrt").uri.headers(),
        b"Route=%3Csip:sip.example.com%3E"
    );
}

#[test]
fn a_binary_body_is_kept_whole() {
    let request = request("mpart01");
    assert_eq!(request.body.len(), 553);
    assert!(request.body.contains(&0));
    let media_type = request
        .headers
        .content_type()
        .expect("Content-Type")
        .expect("one");
    assert!(media_type.is("Multipart", "mixed"));
    assert_eq!(
        media_type.params().get("boundary"),
        Some(&b"7a9cbec02ceef655"[..])
    );
}

#[test]
fn what_lies_beyond_the_content_length_is_the_next_message_of_a_stream() {
    let dblreq = TORTURE
        .iter()
        .find(|torture| torture.name == "dblreq")
        .expect("dblreq");
    let mut framer = StreamFramer::new(MessageLimits::default());
    framer.push(dblreq.octets);
    let mut methods = Vec::new();
    while let Some(Ok(framed)) = framer.next() {
        if let Framed::Message(octets) = framed {
            let Ok(Message::Request(request)) = parse(&octets) else {
                break;
            };
            assert_eq!(request.validate(), Ok(()));
            methods.push(request.method);
        }
    }
    assert_eq!(methods, [Method::Register, Method::Invite]);
}
