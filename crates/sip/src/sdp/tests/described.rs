//! What one stream says: packet lengths, directions, addresses, refusals.

use super::*;

const PLAIN: &str = "m=audio 6000 RTP/AVP 0 8";

#[test]
fn packet_lengths() {
    let cases: &[(&[&str], u8)] = &[
        (&[], 20),
        (&["a=ptime:10"], 10),
        (&["a=ptime:20"], 20),
        (&["a=ptime:30"], 30),
        (&["a=ptime:40"], 40),
        (&["a=ptime:50"], 50),
        (&["a=ptime:60"], 60),
        (&["a=ptime:20.0"], 20),
        (&["a=ptime:15"], 10),
        (&["a=ptime:25"], 20),
        (&["a=ptime:5"], 10),
        (&["a=ptime:0"], 20),
        (&["a=ptime:120"], 60),
        (&["a=ptime:4294967296"], 20),
        (&["a=ptime:x"], 20),
        (&["a=ptime"], 20),
        (&["a=maxptime:10"], 10),
        (&["a=maxptime:150"], 20),
        (&["a=ptime:60", "a=maxptime:40"], 40),
        (&["a=maxptime:40", "a=ptime:60"], 40),
        (&["a=ptime:20", "a=maxptime:5"], 10),
    ];
    for (attributes, ptime_ms) in cases {
        let lines = [&[PLAIN], *attributes].concat();
        let (text, media) = answer(&lines);
        assert_eq!(media.ptime_ms, *ptime_ms, "{attributes:?}");
        assert!(text.contains(&format!("a=ptime:{ptime_ms}\r\n")), "{text}");
    }
}

#[test]
fn a_stream_overrides_its_session() {
    let lines = [
        "a=inactive",
        "a=ptime:40",
        PLAIN,
        "a=sendonly",
        "a=ptime:30",
    ];
    let (_, media) = answer(&lines);
    assert_eq!((media.direction, media.ptime_ms), (Direction::RecvOnly, 30));
    let (_, media) = answer(&["a=inactive", "a=ptime:40", PLAIN]);
    assert_eq!((media.direction, media.ptime_ms), (Direction::Inactive, 40));
}

/// RFC 3264 §6.1 and §8.4; `0.0.0.0` is the hold of RFC 2543.
#[test]
fn held_in_every_spelling() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let zero = "c=IN IP4 0.0.0.0";
    let cases: &[(&[&str], Direction, bool, bool)] = &[
        (&[], SendRecv, false, true),
        (&["a=sendrecv"], SendRecv, false, true),
        (&["a=sendonly"], RecvOnly, true, true),
        (&["a=recvonly"], SendOnly, false, true),
        (&["a=inactive"], Inactive, true, true),
        (&["a=INACTIVE "], Inactive, true, true),
        (&[zero], RecvOnly, true, false),
        (&[zero, "a=sendrecv"], RecvOnly, true, false),
        (&[zero, "a=sendonly"], RecvOnly, true, false),
        (&[zero, "a=recvonly"], Inactive, true, false),
        (&[zero, "a=inactive"], Inactive, true, false),
        (&["c=IN IP6 ::", "a=sendonly"], RecvOnly, true, false),
    ];
    for (attributes, direction, held, addressed) in cases {
        let (text, media) = answer(&[&[PLAIN], *attributes].concat());
        assert_eq!(
            (media.direction, media.held),
            (*direction, *held),
            "{attributes:?}"
        );
        assert_eq!(media.remote_rtp.is_some(), *addressed, "{attributes:?}");
        assert_eq!(media.remote_rtcp.is_some(), *addressed, "{attributes:?}");
        assert!(
            text.contains(&format!("a={}\r\n", direction.as_str())),
            "{text}"
        );
        assert!(text.contains("m=audio 20000 "), "{text}");
        assert!(!media.is_disabled());
    }
}

#[test]
fn addresses() {
    let cases: &[(&str, &str, Option<&str>)] = &[
        (
            "192.0.2.1",
            "IN IP4 198.51.100.7",
            Some("198.51.100.7:6000"),
        ),
        (
            "192.0.2.1",
            "IN IP4 198.51.100.7/127",
            Some("198.51.100.7:6000"),
        ),
        ("192.0.2.1", "IN IP4 phone.example.com", None),
        ("192.0.2.1", "IN IP6 2001:db8::7", None),
        (
            "192.0.2.1",
            "IN IP6 ::ffff:198.51.100.7",
            Some("198.51.100.7:6000"),
        ),
        (
            "2001:db8::1",
            "IN IP6 2001:db8::7",
            Some("[2001:db8::7]:6000"),
        ),
        (
            "2001:db8::1",
            "IN IP6 2001:DB8:0:0::7/3",
            Some("[2001:db8::7]:6000"),
        ),
        ("2001:db8::1", "IN IP4 198.51.100.7", None),
    ];
    for (ours, connection, rtp) in cases {
        let address = ours.parse().unwrap();
        let mut machine = OfferAnswer::new(LocalMedia { address, ..local() });
        let offer = sdp(&[PLAIN, &format!("c={connection}")]);
        let (text, media) = machine.handle_offer(&offer).unwrap();
        assert_eq!(media.remote_rtp, rtp.map(socket), "{connection}");
        assert_eq!(media.remote_rtcp.map(|rtcp| rtcp.port()), rtp.map(|_| 6001));
        assert_eq!((media.direction, media.held), (Direction::SendRecv, false));
        let family = if address.is_ipv4() { "IP4" } else { "IP6" };
        let text = std::str::from_utf8(&text).unwrap();
        assert!(
            text.contains(&format!("c=IN {family} {ours}\r\n")),
            "{text}"
        );
        assert!(
            text.starts_with(&format!("v=0\r\no=- 4711 1 IN {family} {ours}\r\n")),
            "{text}"
        );
    }
}

#[test]
fn rtcp_has_its_own_address_or_none() {
    type Row = (
        &'static str,
        u16,
        &'static [&'static str],
        Option<&'static str>,
        bool,
    );
    let cases: &[Row] = &[
        ("198.51.100.7", 6000, &[], Some("198.51.100.7:6001"), false),
        (
            "198.51.100.7",
            6000,
            &["a=rtcp:7000"],
            Some("198.51.100.7:7000"),
            false,
        ),
        (
            "198.51.100.7",
            6000,
            &["a=rtcp:7000 IN IP4 203.0.113.4"],
            Some("203.0.113.4:7000"),
            false,
        ),
        (
            "198.51.100.7",
            6000,
            &["a=rtcp:7000 IN IP4 224.0.0.1"],
            Some("198.51.100.7:7000"),
            false,
        ),
        (
            "198.51.100.7",
            6000,
            &["a=rtcp:7000 IN IP6 ::1"],
            Some("198.51.100.7:7000"),
            false,
        ),
        (
            "198.51.100.7",
            6000,
            &["a=rtcp:0"],
            Some("198.51.100.7:6001"),
            false,
        ),
        (
            "198.51.100.7",
            6000,
            &["a=rtcp:x"],
            Some("198.51.100.7:6001"),
            false,
        ),
        (
            "198.51.100.7",
            6000,
            &["a=rtcp-mux"],
            Some("198.51.100.7:6000"),
            true,
        ),
        (
            "198.51.100.7",
            6000,
            &["a=rtcp:7000", "a=rtcp-mux"],
            Some("198.51.100.7:6000"),
            true,
        ),
        ("198.51.100.7", 65_535, &[], None, false),
    ];
    for (address, port, attributes, rtcp, mux) in cases {
        let first = [
            format!("m=audio {port} RTP/AVP 0"),
            format!("c=IN IP4 {address}"),
        ];
        let lines: Vec<&str> = first
            .iter()
            .map(String::as_str)
            .chain(attributes.iter().copied())
            .collect();
        let (text, media) = answer(&lines);
        assert_eq!(media.remote_rtcp, rtcp.map(socket), "{attributes:?}");
        assert_eq!(media.rtcp_mux, *mux);
        assert_eq!(text.contains("a=rtcp-mux\r\n"), *mux, "{text}");
    }
    let mut machine = OfferAnswer::new(LocalMedia {
        rtcp_mux: false,
        ..local()
    });
    let (text, media) = machine.handle_offer(&sdp(&[PLAIN, "a=rtcp-mux"])).unwrap();
    assert!(!media.rtcp_mux && !text.windows(8).any(|window| window == b"rtcp-mux"));
}

#[test]
fn formats() {
    let cases: &[(&[&str], &[Format])] = &[
        (&["m=audio 6000 RTP/AVP 0"], &[("PCMU", 0, 0)]),
        (
            &["m=audio 6000 RTP/AVP 8 0"],
            &[("PCMA", 8, 8), ("PCMU", 0, 0)],
        ),
        (&["m=audio 6000 rtp/avp 0"], &[("PCMU", 0, 0)]),
        (&["m=audio 6000/1 RTP/AVP 0"], &[("PCMU", 0, 0)]),
        // A map that cannot be read leaves a static type what it is.
        (
            &["m=audio 6000 RTP/AVP 0", "a=rtpmap:0 PCMU"],
            &[("PCMU", 0, 0)],
        ),
        // One that can be read overrides it.
        (
            &["m=audio 6000 RTP/AVP 0", "a=rtpmap:0 PCMA/8000"],
            &[("PCMA", 0, 0)],
        ),
        // The same codec twice: the first number.
        (
            &["m=audio 6000 RTP/AVP 97 0", "a=rtpmap:97 PCMU/8000"],
            &[("PCMU", 97, 97)],
        ),
        // Other clock rates and channel counts are other codecs.
        (
            &[
                "m=audio 6000 RTP/AVP 97 98 8",
                "a=rtpmap:97 PCMU/16000",
                "a=rtpmap:98 PCMU/8000/2",
            ],
            &[("PCMA", 8, 8)],
        ),
        // Events of another clock rate are not for this stream.
        (
            &[
                "m=audio 6000 RTP/AVP 0 101",
                "a=rtpmap:101 telephone-event/16000",
            ],
            &[("PCMU", 0, 0)],
        ),
        (
            &[
                "m=audio 6000 RTP/AVP 101 0",
                "a=rtpmap:101 TELEPHONE-EVENT/8000/1",
            ],
            &[("PCMU", 0, 0), ("events", 101, 101)],
        ),
        // A dynamic number without a map means nothing in an offer.
        (&["m=audio 6000 RTP/AVP 101 0"], &[("PCMU", 0, 0)]),
        // Numbers that are none.
        (&["m=audio 6000 RTP/AVP 256 -1 x 128 0"], &[("PCMU", 0, 0)]),
    ];
    for (lines, expected) in cases {
        let (_, media) = answer(lines);
        assert_eq!(agreed(&media), *expected, "{lines:?}");
    }
    let mut machine = OfferAnswer::new(LocalMedia {
        telephone_event: false,
        ..local()
    });
    let offer = sdp(&[
        "m=audio 6000 RTP/AVP 0 101",
        "a=rtpmap:101 telephone-event/8000",
    ]);
    let (text, media) = machine.handle_offer(&offer).unwrap();
    assert_eq!(agreed(&media), [("PCMU", 0, 0)]);
    assert_eq!(
        m_lines(std::str::from_utf8(&text).unwrap()),
        ["m=audio 20000 RTP/AVP 0"]
    );
}

#[test]
fn nothing_fits() {
    let cases: &[&[&str]] = &[
        &["m=audio 6000 RTP/AVP 18"],
        &[
            "m=audio 6000 RTP/AVP 101",
            "a=rtpmap:101 telephone-event/8000",
        ],
        &["m=audio 6000 RTP/AVP 9 3 18 4"],
        &["m=audio 6000 RTP/AVPF 0"],
        &["m=audio 6000 RTP/SAVP 0"],
        &["m=audio 6000 UDP/TLS/RTP/SAVPF 0"],
        &["m=audio 6000 udp 0"],
        &["m=video 6000 RTP/AVP 31"],
        &["m=image 6000 udptl t38"],
        // A fax gateway that drops the audio: it has to hear that fax is off.
        &["m=audio 0 RTP/AVP 0", "m=image 6000 udptl t38"],
        &["m=message 6000 TCP/MSRP *"],
        &["m=audio 6000 RTP/AVP 0", "c=IN IP4 224.2.1.1/127"],
        &["m=audio 6000 RTP/AVP 0", "c=IN IP4 255.255.255.255"],
        &["m=audio 6000 RTP/AVP 0", "c=IN IP6 ff02::1"],
    ];
    for lines in cases {
        let error = refusal(lines);
        assert_eq!(
            (&error, error.status()),
            (&OfferError::NothingFits, 488),
            "{lines:?}"
        );
    }
}

/// RFC 3264 §6: as many `m=` lines in the answer, in the same order.
#[test]
fn every_stream_is_answered_in_its_place() {
    let cases: &[(&[&str], &[&str])] = &[
        (
            &[
                "m=video 7000 RTP/AVP 96 97",
                PLAIN,
                "m=audio 8000 RTP/AVP 8",
            ],
            &[
                "m=video 0 RTP/AVP 96",
                "m=audio 20000 RTP/AVP 0 8",
                "m=audio 0 RTP/AVP 8",
            ],
        ),
        (
            &[
                "m=audio 6000 RTP/SAVP 0",
                "a=crypto:1 x inline:y",
                "m=audio 6002 RTP/AVP 0",
            ],
            &["m=audio 0 RTP/SAVP 0", "m=audio 20000 RTP/AVP 0"],
        ),
        (
            &["m=audio 6000 RTP/AVP 18", "m=audio 6002 RTP/AVP 8"],
            &["m=audio 0 RTP/AVP 18", "m=audio 20000 RTP/AVP 8"],
        ),
        (
            &["m=audio 0 RTP/AVP 0", "m=audio 6002 RTP/AVP 0"],
            &["m=audio 0 RTP/AVP 0", "m=audio 20000 RTP/AVP 0"],
        ),
        (
            &[
                PLAIN,
                "m=application 6100 UDP/BFCP *",
                "m=message 7394 TCP/MSRP *",
            ],
            &[
                "m=audio 20000 RTP/AVP 0 8",
                "m=application 0 UDP/BFCP *",
                "m=message 0 TCP/MSRP *",
            ],
        ),
    ];
    for (lines, expected) in cases {
        assert_eq!(m_lines(&answer(lines).0), *expected, "{lines:?}");
    }
}

/// All streams off, or none at all: an offer like another, without media.
#[test]
fn disabled_streams() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["m=audio 0 RTP/AVP 0 8"], &["m=audio 0 RTP/AVP 0"]),
        (
            &["m=audio 0 RTP/AVP 0", "m=video 0 RTP/AVP 31"],
            &["m=audio 0 RTP/AVP 0", "m=video 0 RTP/AVP 31"],
        ),
        (&[], &[]),
    ];
    for (lines, expected) in cases {
        let (text, media) = answer(lines);
        assert_eq!(m_lines(&text), *expected);
        assert!(media.is_disabled());
        assert_eq!(
            (media.remote_rtp, media.direction),
            (None, Direction::Inactive)
        );
    }
}
