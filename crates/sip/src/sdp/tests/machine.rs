//! The rows of the machine's table, and the version of `o=`.

use super::*;

const OFFER: &[&str] = &[
    "m=audio 6000 RTP/AVP 8 0 96",
    "a=rtpmap:96 telephone-event/8000",
];

fn version(text: &[u8]) -> u64 {
    let text = std::str::from_utf8(text).unwrap();
    let origin = text
        .split("\r\n")
        .find(|line| line.starts_with("o="))
        .unwrap();
    origin.split(' ').nth(2).unwrap().parse().unwrap()
}

fn stable() -> OfferAnswer {
    let mut machine = OfferAnswer::new(local());
    machine.handle_offer(&sdp(OFFER)).unwrap();
    machine
}

fn offered() -> OfferAnswer {
    let mut machine = OfferAnswer::new(local());
    machine.offer().unwrap();
    machine
}

#[test]
fn our_first_offer() {
    let mut machine = OfferAnswer::new(local());
    let expected = "v=0\r\no=- 4711 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
                    m=audio 20000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
                    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n\
                    a=maxptime:60\r\na=sendrecv\r\na=rtcp-mux\r\n";
    assert_eq!(machine.offer().unwrap(), expected);
    assert!(machine.is_offering());
    assert_eq!(machine.description().unwrap(), expected);
}

#[test]
fn idle_rows() {
    let mut machine = OfferAnswer::new(local());
    assert_eq!(
        machine.handle_answer(&sdp(OFFER)),
        Err(AnswerError::WrongState)
    );
    machine.abandon();
    assert_eq!(machine.handle_offer(b"").unwrap_err().status(), 400);
    let nothing = machine.handle_offer(&sdp(&["m=audio 6000 RTP/AVP 18"]));
    assert_eq!(nothing, Err(OfferError::NothingFits));
    assert!(machine.description().is_none());
    let (text, _) = machine.handle_offer(&sdp(OFFER)).unwrap();
    assert_eq!(version(&text), 1);
}

#[test]
fn offered_rows() {
    let mut machine = offered();
    let error = machine.handle_offer(&sdp(OFFER)).unwrap_err();
    assert_eq!((&error, error.status()), (&OfferError::WrongState, 491));
    assert_eq!(machine.offer(), Err(OfferError::WrongState));
    machine.handle_answer(&sdp(OFFER)).unwrap();
    assert!(!machine.is_offering());
    assert_eq!(
        machine.handle_answer(&sdp(OFFER)),
        Err(AnswerError::WrongState)
    );

    let mut machine = offered();
    machine.abandon();
    machine.handle_offer(&sdp(OFFER)).unwrap();
}

#[test]
fn useless_answers_reject_the_offer() {
    let cases: &[&[&str]] = &[
        &["m=audio 0 RTP/AVP 0"],
        &["m=audio 6000 RTP/AVP 18"],
        &["m=audio 6000 RTP/SAVP 0"],
        &["m=audio 6000 RTP/AVP 101"],
        &["m=video 6000 RTP/AVP 0"],
        &["m=audio 6000 RTP/AVP 0", "c=IN IP4 239.0.0.1"],
    ];
    for lines in cases {
        let mut machine = offered();
        let result = machine.handle_answer(&sdp(lines));
        assert_eq!(result, Err(AnswerError::NothingFits), "{lines:?}");
        assert!(!machine.is_offering());
    }
    for body in [&b""[..], b"hello", &sdp(&[])] {
        let result = offered().handle_answer(body);
        assert!(
            matches!(result, Err(AnswerError::Malformed(_))),
            "{result:?}"
        );
    }
}

/// RFC 3264 §6.1: the answer may number the formats in its own way.
#[test]
fn answers_to_our_offer() {
    let events = "a=rtpmap:96 telephone-event/8000";
    let cases: &[(&[&str], &[Format])] = &[
        (&["m=audio 6000 RTP/AVP 8"], &[("PCMA", 8, 8)]),
        (
            &[
                "m=audio 6000 RTP/AVP 0 101",
                "a=rtpmap:101 telephone-event/8000",
            ],
            &[("PCMU", 0, 0), ("events", 101, 101)],
        ),
        (
            &["m=audio 6000 RTP/AVP 0 96", events],
            &[("PCMU", 0, 0), ("events", 101, 96)],
        ),
        (
            &[
                "m=audio 6000 RTP/AVP 97 96",
                "a=rtpmap:97 pcma/8000",
                events,
            ],
            &[("PCMA", 8, 97), ("events", 101, 96)],
        ),
        // Unmapped, so the number is ours.
        (
            &["m=audio 6000 RTP/AVP 8 101"],
            &[("PCMA", 8, 8), ("events", 101, 101)],
        ),
        // Video was never offered.
        (
            &["m=audio 6000 RTP/AVP 8", "m=video 0 RTP/AVP 31"],
            &[("PCMA", 8, 8)],
        ),
    ];
    for (lines, expected) in cases {
        let media = offered().handle_answer(&sdp(lines)).unwrap();
        assert_eq!(agreed(&media), *expected, "{lines:?}");
    }
    let lines = [
        "m=audio 6000 RTP/AVP 8",
        "a=sendonly",
        "a=ptime:30",
        "a=rtcp-mux",
    ];
    let media = offered().handle_answer(&sdp(&lines)).unwrap();
    assert_eq!((media.direction, media.held), (Direction::RecvOnly, true));
    assert_eq!((media.ptime_ms, media.rtcp_mux), (30, true));
    assert_eq!(media.remote_rtcp, Some(socket("198.51.100.7:6000")));
}

/// RFC 3264 §8: the version is raised by one when, and only when, our
/// description changes; the far end's version does not matter.
#[test]
fn versions() {
    let hold = [OFFER, &["a=sendonly"]].concat();
    let mut machine = stable();
    let first = machine.description().unwrap().clone();
    assert_eq!(version(&first), 1);
    assert_eq!(machine.handle_offer(&sdp(OFFER)).unwrap().0, first);
    let moved = [OFFER, &["c=IN IP4 203.0.113.1"]].concat();
    let (text, media) = machine.handle_offer(&sdp(&moved)).unwrap();
    assert_eq!(
        (text, media.remote_rtp),
        (first.clone(), Some(socket("203.0.113.1:6000")))
    );
    let held = machine.handle_offer(&sdp(&hold)).unwrap().0;
    assert_eq!(version(&held), 2);
    assert_eq!(machine.handle_offer(&sdp(&hold)).unwrap().0, held);
    let error = machine.handle_offer(&sdp(&["m=audio 6000 RTP/AVP 18"]));
    assert_eq!(error, Err(OfferError::NothingFits));
    assert_eq!(machine.description().unwrap(), &held);
    let resumed = machine.handle_offer(&sdp(OFFER)).unwrap().0;
    assert_eq!(version(&resumed), 3);
    let tail = |text: &[u8]| text.windows(2).position(|pair| pair == b"s=").unwrap();
    assert_eq!(resumed[tail(&resumed)..], first[tail(&first)..]);
}

#[test]
fn versions_of_offers() {
    let mut machine = stable();
    let offer = machine.offer().unwrap();
    assert_eq!(version(&offer), 2);
    machine.abandon();
    assert_eq!(machine.offer().unwrap(), offer);
    machine.handle_answer(&sdp(OFFER)).unwrap();
    assert_eq!(machine.offer().unwrap(), offer);
}

/// RFC 3264 §8.3.2: a number keeps its meaning for the whole session.
#[test]
fn offers_keep_the_numbers_in_use() {
    let mut machine = stable();
    let offer = machine.offer().unwrap();
    let text = std::str::from_utf8(&offer).unwrap();
    assert_eq!(m_lines(text), ["m=audio 20000 RTP/AVP 0 8 96"]);

    let mut machine = OfferAnswer::new(local());
    let taken = sdp(&["m=audio 6000 RTP/AVP 101", "a=rtpmap:101 PCMA/8000"]);
    machine.handle_offer(&taken).unwrap();
    let offer = machine.offer().unwrap();
    let text = std::str::from_utf8(&offer).unwrap();
    assert_eq!(m_lines(text), ["m=audio 20000 RTP/AVP 0 101 96"]);
    assert!(
        text.contains("a=rtpmap:96 telephone-event/8000\r\n"),
        "{text}"
    );
}

/// RFC 3264 §8: streams keep their places for the whole session.
#[test]
fn offers_keep_the_places() {
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["m=video 7000 RTP/AVP 96", "m=audio 6000 RTP/AVP 0"],
            &["m=video 0 RTP/AVP 96", "m=audio 20000 RTP/AVP 0 8 101"],
        ),
        (
            &["m=video 0 RTP/AVP 96", "m=audio 0 RTP/AVP 0"],
            &["m=video 0 RTP/AVP 96", "m=audio 20000 RTP/AVP 0 8 101"],
        ),
        (
            &["m=video 0 RTP/AVP 96"],
            &["m=audio 20000 RTP/AVP 0 8 101"],
        ),
        (&[], &["m=audio 20000 RTP/AVP 0 8 101"]),
    ];
    for (lines, expected) in cases {
        let mut machine = OfferAnswer::new(local());
        machine.handle_offer(&sdp(lines)).unwrap();
        let offer = machine.offer().unwrap();
        assert_eq!(
            m_lines(std::str::from_utf8(&offer).unwrap()),
            *expected,
            "{lines:?}"
        );
    }
    let mut machine = OfferAnswer::new(local());
    machine.handle_offer(&sdp(cases[0].0)).unwrap();
    machine.offer().unwrap();
    let media = machine.handle_answer(&sdp(&["m=video 0 RTP/AVP 96", "m=audio 6000 RTP/AVP 8"]));
    assert_eq!(agreed(&media.unwrap()), [("PCMA", 8, 8)]);
}

#[test]
fn a_second_stream_does_not_take_over() {
    let mut machine = OfferAnswer::new(local());
    let offer = sdp(&["m=audio 6000 RTP/AVP 18", "m=audio 6002 RTP/AVP 0"]);
    machine.handle_offer(&offer).unwrap();
    let offer = sdp(&["m=audio 6000 RTP/AVP 0", "m=audio 6002 RTP/AVP 0"]);
    let (_, media) = machine.handle_offer(&offer).unwrap();
    assert_eq!(media.remote_rtp, Some(socket("198.51.100.7:6002")));
    let (_, media) = machine
        .handle_offer(&sdp(&["m=audio 6000 RTP/AVP 0"]))
        .unwrap();
    assert_eq!(media.remote_rtp, Some(socket("198.51.100.7:6000")));
}

#[test]
fn codecs_beyond_mono() {
    let codecs = [CodecCapability {
        name: "opus",
        clock_rate: 48_000,
        channels: 2,
        payload_type: 111,
        fmtp: Some("useinbandfec=1".into()),
    }];
    let mut machine = OfferAnswer::new(LocalMedia {
        codecs: codecs.into(),
        ..local()
    });
    let offer = machine.offer().unwrap();
    let text = std::str::from_utf8(&offer).unwrap();
    let expected = "m=audio 20000 RTP/AVP 111 101\r\na=rtpmap:111 opus/48000/2\r\n\
                    a=fmtp:111 useinbandfec=1\r\na=rtpmap:101 telephone-event/48000\r\n";
    assert!(text.contains(expected), "{text}");
}
