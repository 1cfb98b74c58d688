//! Dialogs from both sides.

use bytes::Bytes;

use super::*;
use crate::message::{Message, MessageLimits};

const US: &str = "sip:192.0.2.1:5060";

fn parse(text: &str) -> Message {
    let octets = Bytes::copy_from_slice(text.as_bytes());
    Message::parse(octets, &MessageLimits::default()).expect("a message")
}

fn request(text: &str) -> Request {
    match parse(text) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("not a request"),
    }
}

fn response(text: &str) -> Response {
    match parse(text) {
        Message::Response(response) => response,
        Message::Request(_) => panic!("not a response"),
    }
}

fn uri(text: &str) -> Uri {
    Uri::parse(Bytes::copy_from_slice(text.as_bytes())).expect("a URI")
}

/// An INVITE to us, with more header fields.
fn invite(more: &str) -> String {
    format!(
        "INVITE sip:echo@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n\
         From: \"Ann\" <sip:ann@example.com>;tag=theirs\r\n\
         To: <sip:echo@192.0.2.1>\r\n\
         Call-ID: one@example.com\r\n\
         CSeq: 5 INVITE\r\n\
         {more}\r\n"
    )
}

const CONTACT: &str = "Contact: <sip:ann@192.0.2.9:5071>\r\n";
const LOOSE: &str = "Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>\r\n";

/// A request of the far end within the dialog.
fn within(method: &str, number: u32, more: &str) -> Request {
    request(
        &invite(more)
            .replace("INVITE", method)
            .replace("CSeq: 5", &format!("CSeq: {number}"))
            .replace(
                "To: <sip:echo@192.0.2.1>",
                "To: <sip:echo@192.0.2.1>;tag=ours",
            ),
    )
}

fn uas(more: &str) -> Dialog {
    Dialog::uas(&request(&invite(more)), "ours", &uri(US)).expect("a dialog")
}

fn our_invite() -> Request {
    request(
        "INVITE sip:bob@example.com SIP/2.0\r\n\
         From: <sip:echo@192.0.2.1>;tag=ours\r\n\
         To: <sip:bob@example.com>\r\n\
         Call-ID: two@192.0.2.1\r\n\
         CSeq: 30 INVITE\r\n\
         Contact: <sip:192.0.2.1:5060>\r\n\r\n",
    )
}

/// A response to `our_invite`.
fn from_bob(status: &str, more: &str) -> Response {
    response(&format!(
        "SIP/2.0 {status}\r\n\
         From: <sip:echo@192.0.2.1>;tag=ours\r\n\
         To: <sip:bob@example.com>;tag=bobs\r\n\
         Call-ID: two@192.0.2.1\r\n\
         CSeq: 30 INVITE\r\n\
         {more}\r\n"
    ))
}

const BOB: &str = "Contact: <sip:bob@192.0.2.7>\r\n";

fn uac(status: &str, more: &str) -> Dialog {
    Dialog::uac(&our_invite(), &from_bob(status, more)).expect("a dialog")
}

fn text(request: &Request) -> String {
    String::from_utf8(request.to_bytes().to_vec()).expect("text")
}

#[test]
fn our_side_of_a_call_that_comes_in() {
    let mut dialog = uas(CONTACT);
    assert_eq!(dialog.state(), DialogState::Early);
    assert_eq!(dialog.id().call_id, "one@example.com");
    assert_eq!(dialog.id().local_tag, "ours");
    assert_eq!(dialog.id().remote_tag, "theirs");
    assert_eq!(dialog.target().as_bytes(), b"sip:ann@192.0.2.9:5071");
    dialog.confirm();
    assert_eq!(dialog.state(), DialogState::Confirmed);
    assert_eq!(
        text(&dialog.request(Method::Bye)),
        "BYE sip:ann@192.0.2.9:5071 SIP/2.0\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:echo@192.0.2.1>;tag=ours\r\n\
         To: \"Ann\" <sip:ann@example.com>;tag=theirs\r\n\
         Call-ID: one@example.com\r\n\
         CSeq: 1 BYE\r\n\
         Content-Length: 0\r\n\r\n"
    );
    assert_eq!(
        dialog.request(Method::Info).headers.cseq().unwrap().number,
        2
    );
    let reinvite = dialog.request(Method::Invite);
    assert_eq!(
        reinvite.headers.get(&HeaderName::Contact),
        Some(&b"<sip:192.0.2.1:5060>"[..])
    );
    assert_eq!(
        dialog.ack(3).headers.cseq().unwrap(),
        CSeq {
            number: 3,
            method: Method::Ack
        }
    );
}

#[test]
fn ids_are_found_from_either_side() {
    let dialog = uas(CONTACT);
    assert_eq!(
        DialogId::of_request(&within("BYE", 6, "")).as_ref(),
        Some(dialog.id())
    );
    assert_eq!(
        DialogId::of_request(&request(&invite(CONTACT))),
        None,
        "no To tag"
    );
    let dialog = uac("200 OK", BOB);
    assert_eq!(
        DialogId::of_response(&from_bob("200 OK", "")).as_ref(),
        Some(dialog.id())
    );
    let headless = request("BYE sip:a@b SIP/2.0\r\nTo: <sip:a@b>;tag=x\r\n\r\n");
    assert_eq!(DialogId::of_request(&headless), None);
}

#[test]
fn a_far_end_of_rfc_2543_has_an_empty_tag() {
    let old = invite(CONTACT).replace(";tag=theirs", "");
    let mut dialog = Dialog::uas(&request(&old), "ours", &uri(US)).unwrap();
    assert_eq!(dialog.id().remote_tag, "");
    let bye = dialog.request(Method::Bye);
    assert_eq!(
        bye.headers.get(&HeaderName::To),
        Some(&b"\"Ann\" <sip:ann@example.com>"[..])
    );
}

#[test]
fn what_makes_no_dialog_is_refused_with_400() {
    for more in ["", "Contact: <sip:ann@192.0.2.9\r\n", "Contact: *\r\n"] {
        let refused = Dialog::uas(&request(&invite(more)), "ours", &uri(US)).unwrap_err();
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{more}");
    }
    for (from, to) in [
        ("CSeq: 5 INVITE", "CSeq: x INVITE"),
        ("Call-ID: one@example.com\r\n", ""),
        ("<sip:ann@example.com>", "<sip:ann@example.com"),
        ("Contact", "Record-Route: <sip:p1\r\nContact"),
    ] {
        let broken = invite(CONTACT).replace(from, to);
        assert_ne!(broken, invite(CONTACT));
        let refused = Dialog::uas(&request(&broken), "ours", &uri(US)).unwrap_err();
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{to}");
    }
}

#[test]
fn requests_follow_loose_routers() {
    let mut dialog = uas(&format!("{LOOSE}{CONTACT}"));
    assert_eq!(dialog.target().as_bytes(), b"sip:p1.example.com;lr");
    let bye = dialog.request(Method::Bye);
    assert_eq!(bye.uri.as_bytes(), b"sip:ann@192.0.2.9:5071");
    let routes: Vec<_> = bye.headers.get_all(&HeaderName::Route).collect();
    assert_eq!(
        routes,
        [&b"<sip:p1.example.com;lr>"[..], b"<sip:p2.example.com;lr>"]
    );
}

#[test]
fn a_strict_router_gets_itself_as_the_request_uri() {
    let strict = "Record-Route: <sip:p1.example.com;method=BYE>, <sip:p2.example.com;lr>\r\n";
    let mut dialog = uas(&format!("{strict}{CONTACT}"));
    let bye = dialog.request(Method::Bye);
    assert_eq!(bye.uri.as_bytes(), b"sip:p1.example.com");
    let routes: Vec<_> = bye.headers.get_all(&HeaderName::Route).collect();
    assert_eq!(
        routes,
        [&b"<sip:p2.example.com;lr>"[..], b"<sip:ann@192.0.2.9:5071>"]
    );
}

#[test]
fn responses_carry_what_establishes_the_dialog() {
    let more = format!("{LOOSE}{CONTACT}");
    let (dialog, invite) = (uas(&more), request(&invite(&more)));
    for (code, tagged, establishes) in [
        (100, false, false),
        (180, true, true),
        (183, true, true),
        (200, true, true),
        (302, true, false),
        (486, true, false),
    ] {
        let response = dialog.respond(&invite, StatusCode::new(code).unwrap());
        let headers = &response.headers;
        assert_eq!(
            headers.to().unwrap().tag(),
            tagged.then_some(&b"ours"[..]),
            "{code}"
        );
        assert_eq!(
            headers.contains(&HeaderName::Contact),
            establishes,
            "{code}"
        );
        assert_eq!(
            headers.record_routes().count(),
            if establishes { 2 } else { 0 },
            "{code}"
        );
    }
    let bye = dialog.respond(&within("BYE", 6, ""), StatusCode::OK);
    assert!(!bye.headers.contains(&HeaderName::Contact));
    assert_eq!(bye.headers.get_all(&HeaderName::To).count(), 1);
    assert_eq!(bye.headers.to().unwrap().tag(), Some(&b"ours"[..]));
}

#[test]
fn a_lower_cseq_gets_500() {
    let mut dialog = uas(CONTACT);
    dialog.confirm();
    assert_eq!(dialog.handle_request(&within("INFO", 9, "")), Ok(()));
    assert_eq!(
        dialog.handle_request(&within("INFO", 9, "")),
        Ok(()),
        "only lower ones"
    );
    let refused = dialog.handle_request(&within("INFO", 8, "")).unwrap_err();
    assert_eq!(refused.status, StatusCode::SERVER_INTERNAL_ERROR);
    assert_eq!(
        dialog.handle_request(&within("ACK", 5, "")),
        Ok(()),
        "that of the INVITE"
    );
    assert_eq!(dialog.handle_request(&within("INFO", 10, "")), Ok(()));
    let broken = request(&text(&within("INFO", 11, "")).replace("CSeq: 11", "CSeq: x"));
    let refused = dialog.handle_request(&broken).unwrap_err();
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[test]
fn a_target_refresh_moves_the_far_end() {
    let moved = "Contact: <sip:ann@192.0.2.10>\r\n";
    for (method, moves) in [
        ("INVITE", true),
        ("UPDATE", true),
        ("INFO", false),
        ("OPTIONS", false),
    ] {
        let mut dialog = uas(CONTACT);
        dialog.confirm();
        dialog.handle_request(&within(method, 6, moved)).unwrap();
        let at_new = dialog.remote_target().as_bytes() == b"sip:ann@192.0.2.10";
        assert_eq!(at_new, moves, "{method}");
    }
    let mut dialog = uas(CONTACT);
    dialog.confirm();
    dialog.handle_request(&within("INVITE", 6, "")).unwrap();
    assert_eq!(dialog.remote_target().as_bytes(), b"sip:ann@192.0.2.9:5071");
    let broken = within("INVITE", 7, "Contact: <sip:ann\r\n");
    let refused = dialog.handle_request(&broken).unwrap_err();
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[test]
fn invites_that_cross_are_refused() {
    let mut dialog = uas(CONTACT);
    let refused = dialog
        .handle_request(&within("INVITE", 6, CONTACT))
        .unwrap_err();
    assert_eq!(refused.status, StatusCode::SERVER_INTERNAL_ERROR);
    let (name, value) = &refused.headers[0];
    assert_eq!(*name, HeaderName::RetryAfter);
    let seconds: u32 = std::str::from_utf8(value).unwrap().parse().unwrap();
    assert!(seconds <= 10);
    dialog
        .handle_request(&within("UPDATE", 7, CONTACT))
        .unwrap();
    dialog.confirm();
    dialog
        .handle_request(&within("INVITE", 8, CONTACT))
        .unwrap();

    let mut dialog = uac("180 Ringing", BOB);
    let refused = dialog
        .handle_request(&within("INVITE", 6, CONTACT))
        .unwrap_err();
    assert_eq!(refused.status, StatusCode::REQUEST_PENDING);
}

#[test]
fn after_a_bye_there_is_no_dialog() {
    let mut dialog = uas(CONTACT);
    dialog.handle_request(&within("BYE", 6, "")).unwrap();
    assert_eq!(dialog.state(), DialogState::Terminated);
    assert_eq!(
        dialog.respond(&within("BYE", 6, ""), StatusCode::OK).status,
        StatusCode::OK
    );
    let refused = dialog.handle_request(&within("INFO", 7, "")).unwrap_err();
    assert_eq!(refused.status, StatusCode::CALL_DOES_NOT_EXIST);
    assert_eq!(dialog.handle_request(&within("ACK", 5, "")), Ok(()));
    dialog.confirm();
    assert_eq!(dialog.state(), DialogState::Terminated);
}

#[test]
fn our_side_of_a_call_that_goes_out() {
    let mut dialog = uac("200 OK", &format!("{LOOSE}{BOB}"));
    assert_eq!(dialog.state(), DialogState::Confirmed);
    assert_eq!(
        dialog.target().as_bytes(),
        b"sip:p2.example.com;lr",
        "in reverse"
    );
    let ack = dialog.ack(30);
    assert_eq!(ack.uri.as_bytes(), b"sip:bob@192.0.2.7");
    assert_eq!(
        ack.headers.cseq().unwrap(),
        CSeq {
            number: 30,
            method: Method::Ack
        }
    );
    let bye = dialog.request(Method::Bye);
    assert_eq!(bye.headers.cseq().unwrap().number, 31);
    assert_eq!(bye.headers.from_().unwrap().tag(), Some(&b"ours"[..]));
    assert_eq!(bye.headers.to().unwrap().tag(), Some(&b"bobs"[..]));
    let reinvite = dialog.request(Method::Invite);
    assert!(reinvite.headers.contains(&HeaderName::Contact));
    dialog
        .handle_request(&within("INFO", 0, ""))
        .expect("its first request has any number");
}

#[test]
fn an_early_dialog_grows_up_or_ends() {
    let route = "Record-Route: <sip:p3.example.com;lr>\r\n";
    let mut dialog = uac("183 Session Progress", &format!("{LOOSE}{BOB}"));
    assert_eq!(dialog.state(), DialogState::Early);
    dialog
        .handle_response(&from_bob("180 Ringing", BOB))
        .unwrap();
    assert_eq!(dialog.state(), DialogState::Early);
    let moved = "Contact: <sip:bob@192.0.2.8>\r\n";
    let ok = from_bob("200 OK", &format!("{route}{moved}"));
    dialog.handle_response(&ok).unwrap();
    assert_eq!(dialog.state(), DialogState::Confirmed);
    assert_eq!(dialog.target().as_bytes(), b"sip:p3.example.com;lr");
    assert_eq!(dialog.remote_target().as_bytes(), b"sip:bob@192.0.2.8");

    let mut dialog = uac("180 Ringing", BOB);
    dialog
        .handle_response(&from_bob("486 Busy Here", ""))
        .unwrap();
    assert_eq!(dialog.state(), DialogState::Terminated);
}

#[test]
fn a_refused_reinvite_leaves_the_dialog_unless_it_is_gone() {
    for (status, state) in [
        ("488 Not Acceptable Here", DialogState::Confirmed),
        ("491 Request Pending", DialogState::Confirmed),
        ("408 Request Timeout", DialogState::Terminated),
        (
            "481 Call/Transaction Does Not Exist",
            DialogState::Terminated,
        ),
    ] {
        let mut dialog = uac("200 OK", &format!("{LOOSE}{BOB}"));
        dialog.handle_response(&from_bob(status, "")).unwrap();
        assert_eq!(dialog.state(), state, "{status}");
    }
}

#[test]
fn a_2xx_to_a_reinvite_moves_the_target_and_keeps_the_routes() {
    let mut dialog = uac("200 OK", &format!("{LOOSE}{BOB}"));
    let moved = "Contact: <sip:bob@192.0.2.8>\r\nRecord-Route: <sip:p9.example.com;lr>\r\n";
    dialog.handle_response(&from_bob("200 OK", moved)).unwrap();
    assert_eq!(dialog.remote_target().as_bytes(), b"sip:bob@192.0.2.8");
    assert_eq!(dialog.target().as_bytes(), b"sip:p2.example.com;lr");
}

#[test]
fn a_response_that_makes_no_dialog_says_why() {
    let untagged = text_of_response(&from_bob("180 Ringing", BOB)).replace(";tag=bobs", "");
    let error = Dialog::uac(&our_invite(), &response(&untagged)).unwrap_err();
    assert_eq!(error.header, HeaderName::To);
    let error = Dialog::uac(&our_invite(), &from_bob("200 OK", "")).unwrap_err();
    assert_eq!(error.header, HeaderName::Contact);
    let old = text_of_response(&from_bob("200 OK", BOB)).replace(";tag=bobs", "");
    let dialog = Dialog::uac(&our_invite(), &response(&old)).unwrap();
    assert_eq!(dialog.id().remote_tag, "");
}

#[test]
fn sequence_numbers_stay_below_two_to_the_31() {
    let mut dialog = uac("200 OK", BOB);
    dialog.local_cseq = 0x7fff_fffe;
    let mut next = || dialog.request(Method::Info).headers.cseq().unwrap().number;
    assert_eq!([next(), next()], [0x7fff_ffff, 0]);
}

fn text_of_response(response: &Response) -> String {
    String::from_utf8(response.to_bytes().to_vec()).expect("text")
}
