//! What is no session description, and what is only large.

use proptest::prelude::*;

use super::*;

#[test]
fn garbage_is_400() {
    let long = format!("m=audio 6000 RTP/AVP {}", "9".repeat(100));
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"hello".to_vec(),
        b"\0\0\0".to_vec(),
        b"v=1\r\no=- 1 1 IN IP4 192.0.2.9\r\n".to_vec(),
        b"c=IN IP4 192.0.2.9\r\nv=0\r\n".to_vec(),
        b"v=0\r\no=- 1 IN IP4 192.0.2.9\r\ns=-\r\n".to_vec(),
        b"v=0\r\nm=audio 6000 RTP/AVP 0\r\n".to_vec(),
        sdp(&["m=audio"]),
        sdp(&["m=audio 6000"]),
        sdp(&["m=audio 6000 RTP/AVP"]),
        sdp(&["m=audio x RTP/AVP 0"]),
        sdp(&["m=audio 65536 RTP/AVP 0"]),
        sdp(&["m=audio -1 RTP/AVP 0"]),
        sdp(&["m=audio 6000 RTP/AVP 0", "c=IN IP4"]),
        sdp(&["m=audio 6000 RTP/AVP 0", "c=198.51.100.7"]),
        sdp(&["m=audio 6000 RTP/AVP 0\0"]),
        sdp(&["m=\u{fffd}\0 6000 RTP/AVP 0"]),
        sdp(&[&long]),
    ];
    for body in bodies {
        let text = String::from_utf8_lossy(&body).into_owned();
        let error = OfferAnswer::new(local()).handle_offer(&body);
        let error = error.expect_err(&text);
        assert!(matches!(error, OfferError::Malformed(_)), "{text}: {error}");
        assert_eq!(error.status(), 400);
    }
}

#[test]
fn a_disabled_stream_needs_no_address() {
    let body = b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n";
    let (_, media) = OfferAnswer::new(local()).handle_offer(body).unwrap();
    assert!(media.is_disabled());
}

#[test]
fn large_inputs_are_bounded() {
    let streams = vec!["m=audio 0 RTP/AVP 0"; MAX_STREAMS];
    assert_eq!(m_lines(&answer(&streams).0).len(), MAX_STREAMS);
    let streams = vec!["m=audio 0 RTP/AVP 0"; MAX_STREAMS + 1];
    assert_eq!(refusal(&streams).status(), 400);

    let mut lines = vec!["m=audio 6000 RTP/AVP 0"];
    lines.extend(vec!["a=rtpmap:97 PCMU/8000"; MAX_LINES]);
    assert_eq!(refusal(&lines).status(), 400);
    lines.truncate(MAX_LINES / 2);
    lines.extend(vec!["a=x-unknown:1"; 10 * MAX_LINES]);
    assert_eq!(agreed(&answer(&lines).1), [("PCMU", 0, 0)]);

    let padding = "18 ".repeat(MAX_FORMATS - 1);
    let last = format!("m=audio 6000 RTP/AVP {padding}0");
    assert_eq!(agreed(&answer(&[&last]).1), [("PCMU", 0, 0)]);
    let beyond = format!("m=audio 6000 RTP/AVP 18 {padding}0");
    assert_eq!(refusal(&[&beyond]), OfferError::NothingFits);
}

#[test]
fn static_types_need_no_map() {
    use super::super::codec::static_encoding;
    let known: Vec<u8> = (0..128)
        .filter(|number| static_encoding(*number).is_some())
        .collect();
    assert_eq!(
        known,
        [0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]
    );
    assert_eq!(static_encoding(9).unwrap().clock_rate, 8000);
}

fn line() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "v=0",
        "o=- 1 1 IN IP4 192.0.2.9",
        "c=IN IP4 198.51.100.7",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "m=audio 6000 RTP/AVP 0 8 101",
        "m=audio 0 RTP/AVP 8",
        "m=video 6002 RTP/AVP 96",
        "a=rtpmap:101 telephone-event/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=ptime:30",
        "a=sendonly",
        "a=rtcp:6009",
        "a=rtcp-mux",
        "a=inactive",
        "m=audio 6000 RTP/SAVP 0",
        "a=maxptime:",
    ]);
    prop_oneof![8 => words.prop_map(str::to_owned), 1 => "[a-z]=[ -~]{0,40}", 1 => "\\PC{0,20}"]
}

proptest! {
    #[test]
    fn whatever_comes_is_answered_in_order(lines in prop::collection::vec(line(), 0..24)) {
        let mut machine = OfferAnswer::new(local());
        let body = "v=0\r\n".to_owned() + &lines.join("\r\n");
        for _ in 0..2 {
            let Ok((text, media)) = machine.handle_offer(body.as_bytes()) else {
                continue;
            };
            let answer = sdp_types::Session::parse(&text).expect("our answer parses");
            let offered = body.split(['\r', '\n']).filter(|line| line.starts_with("m=")).count();
            prop_assert_eq!(answer.medias.len(), offered);
            let live = answer.medias.iter().filter(|media| media.port != 0).count();
            prop_assert_eq!(live, usize::from(!media.is_disabled()));
            prop_assert!((10..=60).contains(&media.ptime_ms) && media.ptime_ms % 10 == 0);
        }
        if machine.offer().is_ok() {
            let _ = machine.handle_answer(body.as_bytes());
        }
    }

    #[test]
    fn bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = OfferAnswer::new(local()).handle_offer(&body);
        let _ = find_sdp(b"multipart/mixed; boundary=a", &body);
        let _ = find_sdp(&body, b"--a\r\n\r\n--a--");
    }
}
