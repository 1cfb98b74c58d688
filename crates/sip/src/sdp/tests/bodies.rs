//! Session descriptions inside other bodies.

use super::*;

const SDP: &[u8] = b"v=0\r\ns=-\r\n";

#[test]
fn plain() {
    for kind in [
        "application/sdp",
        "Application/SDP",
        "application/sdp;charset=utf-8",
        " application/sdp ",
    ] {
        assert_eq!(find_sdp(kind.as_bytes(), SDP), Some(SDP), "{kind}");
    }
    for kind in [
        "",
        "text/plain",
        "application/sdpx",
        "multipart/mixed",
        "multipart",
        "application",
    ] {
        assert_eq!(find_sdp(kind.as_bytes(), SDP), None, "{kind}");
    }
}

#[test]
fn multipart() {
    let body = b"preamble\r\n--b1\r\nContent-Type: text/plain\r\n\r\nhi --b1 there\r\n\
                 --b1-longer\r\nno delimiter\r\n\
                 --b1\r\nContent-Disposition: session\r\ncontent-type : application/sdp\r\n\r\n\
                 v=0\r\ns=-\r\n\r\n--b1--\r\nepilogue";
    for kind in [
        "multipart/mixed;boundary=b1",
        "Multipart/Mixed; boundary=\"b1\"",
        "multipart/alternative; a=\"x;boundary=y\"; BOUNDARY = b1 ; c=d",
        "multipart/related; flag; boundary=b1",
    ] {
        assert_eq!(find_sdp(kind.as_bytes(), body), Some(SDP), "{kind}");
    }
    for kind in [
        "multipart/mixed;boundary=b2",
        "multipart/mixed;boundary=",
        "multipart/mixed;boundary=\"b1",
    ] {
        assert_eq!(find_sdp(kind.as_bytes(), body), None, "{kind}");
    }
}

#[test]
fn multipart_oddities() {
    let cases: &[(&[u8], Option<&[u8]>)] = &[
        (b"--b\nContent-Type: application/sdp\n\nv=0\ns=-\n\n--b--", Some(b"v=0\ns=-\n")),
        (b"--b \r\nc: application/sdp\r\n\r\nv=0\r\n--b--", Some(b"v=0")),
        // Cut off before its end.
        (b"--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n", Some(b"v=0\r\n")),
        // No type is text/plain.
        (b"--b\r\n\r\nv=0\r\n--b--", None),
        (b"--b\r\nContent-Type: application/sdp", Some(b"")),
        (b"--b--\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--", None),
        (b"", None),
        (b"--b", None),
        // Two of them: the first.
        (
            b"--b\r\nc: application/sdp\r\n\r\none\r\n--b\r\nc: application/sdp\r\n\r\ntwo\r\n--b--",
            Some(b"one"),
        ),
    ];
    for (body, expected) in cases {
        let text = String::from_utf8_lossy(body);
        assert_eq!(
            find_sdp(b"multipart/mixed; boundary=b", body),
            *expected,
            "{text}"
        );
    }
}

#[test]
fn nested() {
    let body = b"--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n\
                 --i\r\nContent-Type: text/html\r\n\r\nx\r\n\
                 --i\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\n\r\n--i--\r\n--o--\r\n";
    assert_eq!(find_sdp(b"multipart/mixed; boundary=o", body), Some(SDP));
    let mut deep = b"v=0\r\n".to_vec();
    let mut kind = b"application/sdp".to_vec();
    for level in 0..4 {
        let head = format!(
            "--{level}\r\nContent-Type: {}\r\n\r\n",
            String::from_utf8_lossy(&kind)
        );
        deep = [
            head.as_bytes(),
            &deep,
            format!("\r\n--{level}--").as_bytes(),
        ]
        .concat();
        kind = format!("multipart/mixed; boundary={level}").into_bytes();
        assert_eq!(find_sdp(&kind, &deep).is_some(), level < 3, "{level}");
    }
}
