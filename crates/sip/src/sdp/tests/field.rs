//! Offers in the manner of what is out there.

use super::*;

struct Case {
    name: &'static str,
    offer: &'static str,
    agreed: &'static [Format],
    rtp: Option<&'static str>,
    rtcp: Option<&'static str>,
    ptime_ms: u8,
    m_lines: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        name: "a softphone with wideband codecs first, RTCP address and XR",
        offer: "v=0\r\no=alice 3247 1866 IN IP4 203.0.113.20\r\ns=Talk\r\nc=IN IP4 203.0.113.20\r\n\
                t=0 0\r\na=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\r\n\
                a=record:off\r\nm=audio 7078 RTP/AVP 96 97 98 0 8 101 99 100\r\n\
                a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:97 speex/16000\r\n\
                a=fmtp:97 vbr=on\r\na=rtpmap:98 speex/8000\r\na=fmtp:98 vbr=on\r\n\
                a=rtpmap:101 telephone-event/48000\r\na=rtpmap:99 telephone-event/16000\r\n\
                a=rtpmap:100 telephone-event/8000\r\na=rtcp:7079\r\na=rtcp-fb:* trr-int 1000\r\n",
        agreed: &[("PCMU", 0, 0), ("PCMA", 8, 8), ("events", 100, 100)],
        rtp: Some("203.0.113.20:7078"),
        rtcp: Some("203.0.113.20:7079"),
        ptime_ms: 20,
        m_lines: &["m=audio 20000 RTP/AVP 0 8 100"],
    },
    Case {
        name: "a PBX with A-law first and maxptime 150",
        offer: "v=0\r\no=- 1188431262 1188431262 IN IP4 203.0.113.5\r\ns=pbx\r\n\
                c=IN IP4 203.0.113.5\r\nt=0 0\r\nm=audio 11802 RTP/AVP 8 0 3 111 101\r\n\
                a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:3 GSM/8000\r\n\
                a=rtpmap:111 G726-32/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
                a=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:150\r\na=sendrecv\r\n",
        agreed: &[("PCMA", 8, 8), ("PCMU", 0, 0), ("events", 101, 101)],
        rtp: Some("203.0.113.5:11802"),
        rtcp: Some("203.0.113.5:11803"),
        ptime_ms: 20,
        m_lines: &["m=audio 20000 RTP/AVP 8 0 101"],
    },
    Case {
        name: "a softswitch: name as user, version of 64 bits, video refused",
        offer: "v=0\r\no=Soft Switch 17632514489216 18446744073709551616 IN IP4 203.0.113.9\r\n\
                s=Soft Switch\r\nc=IN IP4 203.0.113.9\r\nt=0 0\r\n\
                m=audio 28544 RTP/AVP 102 0 8 103 101\r\na=rtpmap:102 opus/48000/2\r\n\
                a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
                a=rtpmap:103 telephone-event/48000\r\na=rtpmap:101 telephone-event/8000\r\n\
                a=ptime:20\r\na=rtcp:28545 IN IP4 203.0.113.9\r\n\
                m=video 24570 RTP/AVP 104\r\na=rtpmap:104 VP8/90000\r\n",
        agreed: &[("PCMU", 0, 0), ("PCMA", 8, 8), ("events", 101, 101)],
        rtp: Some("203.0.113.9:28544"),
        rtcp: Some("203.0.113.9:28545"),
        ptime_ms: 20,
        m_lines: &["m=audio 20000 RTP/AVP 0 8 101", "m=video 0 RTP/AVP 104"],
    },
    Case {
        name: "a gateway: no rtpmap for static types, c= in the stream, bandwidths",
        offer: "v=0\r\no=SystemsSIP-GW-UserAgent 9407 6743 IN IP4 203.0.113.30\r\ns=SIP Call\r\n\
                c=IN IP4 203.0.113.30\r\nb=AS:x\r\nt=0 0\r\nm=audio 17126 RTP/AVP 18 8 0 101 19\r\n\
                c=IN IP4 203.0.113.31\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n\
                a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=rtpmap:19 CN/8000\r\n\
                a=ptime:20\r\n",
        agreed: &[("PCMA", 8, 8), ("PCMU", 0, 0), ("events", 101, 101)],
        rtp: Some("203.0.113.31:17126"),
        rtcp: Some("203.0.113.31:17127"),
        ptime_ms: 20,
        m_lines: &["m=audio 20000 RTP/AVP 8 0 101"],
    },
    Case {
        name: "SIPp's built-in caller",
        offer: "v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\n\
                c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
        agreed: &[("PCMU", 0, 0)],
        rtp: Some("127.0.0.1:6000"),
        rtcp: Some("127.0.0.1:6001"),
        ptime_ms: 20,
        m_lines: &["m=audio 20000 RTP/AVP 0"],
    },
    Case {
        name: "a desk phone that writes what it likes",
        offer: "v=0\no=Desk Phone 1 2 IN IP4 198.51.100.60\ns=J\u{fc}rgen\nc=IN IP4  198.51.100.60 \n\
                t=0 0\nk=clear:x y\nX-nonsense\nm=audio  5062  RTP/AVP  8  0  96\n\
                a=RTPMAP:8 pcma/8000/1\na=rtpmap: 0 PCMU/8000\na=rtpmap:96  Telephone-Event/8000 \n\
                a=ptime: 30\na=SendRecv\n\0",
        agreed: &[("PCMA", 8, 8), ("PCMU", 0, 0), ("events", 96, 96)],
        rtp: Some("198.51.100.60:5062"),
        rtcp: Some("198.51.100.60:5063"),
        ptime_ms: 30,
        m_lines: &["m=audio 20000 RTP/AVP 8 0 96"],
    },
    Case {
        name: "G.711 behind dynamic numbers, RTP and RTCP on one port",
        offer: "v=0\r\no=- 5 5 IN IP4 198.51.100.8\r\ns= \r\nt=0 0\r\n\
                m=audio 40000 RTP/AVP 110 111 126\r\nc=IN IP4 198.51.100.8/127\r\n\
                a=rtpmap:110 PCMA/8000\r\na=rtpmap:111 PCMU/8000\r\n\
                a=rtpmap:126 telephone-event/8000\r\na=rtcp-mux\r\na=rtcp:9\r\na=ptime:60\r\n",
        agreed: &[("PCMA", 110, 110), ("PCMU", 111, 111), ("events", 126, 126)],
        rtp: Some("198.51.100.8:40000"),
        rtcp: Some("198.51.100.8:40000"),
        ptime_ms: 60,
        m_lines: &["m=audio 20000 RTP/AVP 110 111 126"],
    },
];

#[test]
fn offers_of_the_field_are_answered() {
    for case in CASES {
        let mut machine = OfferAnswer::new(local());
        let (text, media) = machine
            .handle_offer(case.offer.as_bytes())
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let text = std::str::from_utf8(&text).unwrap();
        assert_eq!(agreed(&media), case.agreed, "{}", case.name);
        assert_eq!(media.remote_rtp, case.rtp.map(socket), "{}", case.name);
        assert_eq!(media.remote_rtcp, case.rtcp.map(socket), "{}", case.name);
        assert_eq!(media.ptime_ms, case.ptime_ms, "{}", case.name);
        assert_eq!(media.direction, Direction::SendRecv, "{}", case.name);
        assert_eq!(m_lines(text), case.m_lines, "{}", case.name);
        let parsed = sdp_types::Session::parse(text.as_bytes());
        assert_eq!(
            parsed.map(|sdp| sdp.medias.len()),
            Ok(case.m_lines.len()),
            "{text}"
        );
    }
}

#[test]
fn text_in_another_charset_is_no_obstacle() {
    let mut offer = sdp(&["m=audio 6000 RTP/AVP 0", "a=tool:\u{fc}"]);
    let at = offer
        .windows(2)
        .position(|pair| pair == [0xc3, 0xbc])
        .unwrap();
    offer.remove(at);
    assert!(std::str::from_utf8(&offer).is_err());
    let (_, media) = OfferAnswer::new(local()).handle_offer(&offer).unwrap();
    assert_eq!(agreed(&media), [("PCMU", 0, 0)]);
}

/// A browser's secured offer, with ICE and bundles: nothing in it is for us.
#[test]
fn secured_streams_are_refused() {
    let candidate = "a=candidate:1467250027 1 udp 2122260223 192.0.2.9 46243 typ host generation 0";
    let mut lines = vec![
        "a=group:BUNDLE 0 1",
        "a=msid-semantic: WMS stream",
        "m=audio 46243 UDP/TLS/RTP/SAVPF 111 0 8 126",
        "a=rtpmap:111 opus/48000/2",
        "a=rtcp-mux",
        "a=ice-ufrag:F7gI",
        "a=fingerprint:sha-256 19:E2:1C:3B",
        "a=setup:actpass",
        "a=mid:0",
    ];
    lines.extend([candidate; 40]);
    lines.extend(["m=video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 VP8/90000"]);
    assert_eq!(refusal(&lines), OfferError::NothingFits);

    lines.push("m=audio 6000 RTP/AVP 0");
    let (text, _) = answer(&lines);
    let expected = [
        "m=audio 0 UDP/TLS/RTP/SAVPF 111",
        "m=video 0 UDP/TLS/RTP/SAVPF 96",
        "m=audio 20000 RTP/AVP 0",
    ];
    assert_eq!(m_lines(&text), expected);
}
