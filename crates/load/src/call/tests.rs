//! Walks the rows of the state table.

use strowger_sip::message::{Message, MessageLimits};

use super::*;

const ANSWER: &str = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9000 RTP/AVP 0\r\n";

fn line() -> Line {
    Line {
        target: "127.0.0.1:5060".parse().unwrap(),
        local: "127.0.0.1:4000".parse().unwrap(),
        uri: Uri::parse("sip:echo@127.0.0.1:5060").unwrap(),
        run: 0xabc,
        allow_remote: false,
    }
}

fn request(bytes: &Bytes) -> Request {
    match Message::parse(bytes.clone(), &MessageLimits::default()).unwrap() {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

fn respond(to: &Bytes, status: u16, body: &str) -> Response {
    let status = StatusCode::new(status).unwrap();
    let mut response = Response::for_request(&request(to), status, Some("far"));
    let contact = Bytes::from_static(b"<sip:there@127.0.0.1:7000>");
    response.headers.push(HeaderName::Contact, contact);
    response.body = Bytes::copy_from_slice(body.as_bytes());
    response
}

/// A call, its line, its INVITE, and the rest of what it sends.
struct Bench(Call, Line, Bytes, Vec<Bytes>);

impl Bench {
    fn new() -> Self {
        let (line, mut out) = (line(), Vec::new());
        let call = Call::invite(&line, 5, Bytes::from_static(b"offer"), 0, &mut out);
        let invite = out.pop().unwrap();
        Self(call, line, invite, out)
    }

    fn up() -> Self {
        let mut bench = Self::new();
        let media = "127.0.0.1:9000".parse().unwrap();
        assert_eq!(bench.hear(200, ANSWER), Step::Answered(media));
        assert_eq!(bench.sent(), ["ACK"]);
        bench
    }

    fn ending() -> (Self, Bytes) {
        let mut bench = Self::up();
        bench.0.hang_up(0, &mut bench.3);
        let bye = bench.3[0].clone();
        assert_eq!(bench.sent(), ["BYE"]);
        (bench, bye)
    }

    fn hear(&mut self, status: u16, body: &str) -> Step {
        let response = respond(&self.2, status, body);
        self.0.handle_response(&self.1, &response, &mut self.3)
    }

    fn time(&mut self, ms: u64) -> Step {
        self.0.handle_timeout(&self.1, ms * 1_000_000, &mut self.3)
    }

    /// First words of what was sent since the last time.
    fn sent(&mut self) -> Vec<String> {
        let first = |bytes: Bytes| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            text.split(' ').next().unwrap().to_owned()
        };
        self.3.drain(..).map(first).collect()
    }
}

fn failed(reason: &str) -> Step {
    Step::Failed(reason.to_owned())
}

#[test]
fn the_invite_goes_out_again_by_timer_a_until_timer_b() {
    let mut bench = Bench::new();
    assert_eq!(bench.time(499), Step::Same);
    let mut due = 500;
    for doubling in 1..7 {
        assert_eq!(bench.time(due), Step::Retransmitted(Method::Invite));
        due += 500 << doubling;
    }
    assert_eq!(bench.sent(), ["INVITE"; 6]);
    assert_eq!(bench.0.poll_timeout(), 32_000_000_000);
    assert_eq!(bench.time(32_000), failed("no response to INVITE"));
    assert_eq!(bench.0.poll_timeout(), NEVER);
    assert_eq!(bench.time(90_000), Step::Same);
    assert!(bench.sent().is_empty());
}

#[test]
fn a_provisional_stops_timer_a_and_ringing_for_ever_is_cancelled() {
    let mut bench = Bench::new();
    assert_eq!(bench.hear(180, ""), Step::Same);
    assert_eq!(bench.0.state(), CallState::Proceeding);
    assert_eq!(bench.time(31_000), Step::Same);
    assert_eq!(bench.time(32_000), failed("no final response to INVITE"));
    let cancel = request(&bench.3[0]);
    assert_eq!(cancel.headers.cseq().unwrap().number, 1);
    assert_eq!(bench.sent(), ["CANCEL"]);
    assert_eq!(bench.hear(487, ""), Step::Same);
    assert_eq!(bench.sent(), ["ACK"]);
}

#[test]
fn an_answer_makes_the_call_and_each_repetition_is_acknowledged() {
    let mut bench = Bench::up();
    assert_eq!(bench.0.poll_timeout(), NEVER);
    assert_eq!(bench.hear(200, ANSWER), Step::AnsweredAgain);
    assert_eq!(bench.sent(), ["ACK"]);
    bench.0.hang_up(0, &mut bench.3);
    let bye = request(&bench.3[0]);
    assert_eq!(bye.uri.as_bytes(), b"sip:there@127.0.0.1:7000");
    assert_eq!(bye.headers.cseq().unwrap().number, 2);
    assert_eq!(bye.headers.to().unwrap().tag().unwrap(), b"far");
    let branch = |request: &Request| request.headers.get_bytes(&HeaderName::Via).unwrap();
    assert_ne!(branch(&bye), branch(&request(&bench.2)));
    bench.sent();
    assert_eq!(bench.hear(200, ANSWER), Step::AnsweredAgain);
    assert_eq!(bench.sent(), ["ACK"]);
}

#[test]
fn a_refusal_is_counted_by_its_status_and_acknowledged_in_the_same_transaction() {
    let mut bench = Bench::new();
    assert_eq!(bench.hear(100, ""), Step::Same);
    assert_eq!(bench.hear(486, ""), failed("486"));
    let (ack, invite) = (request(&bench.3[0]), request(&bench.2));
    let via = HeaderName::Via;
    assert_eq!(ack.headers.get(&via), invite.headers.get(&via));
    assert_eq!(ack.headers.to().unwrap().tag().unwrap(), b"far");
    assert_eq!(ack.headers.cseq().unwrap().method, Method::Ack);
    bench.sent();
    assert_eq!(bench.hear(486, ""), Step::Same);
    assert_eq!(bench.sent(), ["ACK"]);
}

#[test]
fn an_answer_that_is_of_no_use_ends_the_call() {
    for (body, reason) in [
        ("", "no audio in the answer"),
        (
            "c=IN IP4 192.0.2.1\r\nm=audio 9 RTP/AVP 0\r\n",
            "the answer sends media beyond this machine, see --allow-remote",
        ),
        (
            "c=IN IP6 ::1\r\nm=audio 9 RTP/AVP 0\r\n",
            "the answer names media of the other IP version",
        ),
    ] {
        let mut bench = Bench::new();
        assert_eq!(bench.hear(200, body), failed(reason));
        assert_eq!(bench.sent(), ["ACK", "BYE"]);
    }
    let mut bench = Bench::new();
    let mut response = respond(&bench.2, 200, ANSWER);
    response.headers.remove(&HeaderName::Contact);
    let step = bench.0.handle_response(&bench.1, &response, &mut bench.3);
    assert_eq!(step, failed("a 200 that makes no dialog"));
}

#[test]
fn an_answer_after_giving_up_is_hung_up() {
    let mut bench = Bench::new();
    bench.time(32_000);
    bench.sent();
    assert_eq!(bench.hear(200, ANSWER), Step::Same);
    assert_eq!(bench.sent(), ["ACK", "BYE"]);
    assert_eq!(bench.0.state(), CallState::Failed);
}

#[test]
fn the_bye_goes_out_again_by_timer_e_until_timer_f() {
    let (mut bench, _) = Bench::ending();
    for due in [500, 1500, 3500, 7500, 11_500] {
        assert_eq!(bench.time(due - 1), Step::Same);
        assert_eq!(bench.time(due), Step::Retransmitted(Method::Bye));
    }
    assert_eq!(bench.sent(), ["BYE"; 5]);
    assert_eq!(bench.time(32_000), failed("no response to BYE"));
}

#[test]
fn the_response_to_the_bye_ends_the_call() {
    for (status, step) in [
        (100, Step::Same),
        (200, Step::Ended),
        (481, failed("481 to BYE")),
    ] {
        let (mut bench, bye) = Bench::ending();
        let response = respond(&bye, status, "");
        let next = bench.0.handle_response(&bench.1, &response, &mut bench.3);
        assert_eq!(next, step);
    }
    let (mut bench, bye) = Bench::ending();
    let response = respond(&bye, 200, "");
    bench.0.handle_response(&bench.1, &response, &mut bench.3);
    assert_eq!(bench.hear(200, ANSWER), Step::Same);
    assert!(bench.sent().is_empty(), "an ended call keeps still");
}

#[test]
fn a_bye_of_the_far_end_is_answered_and_counts_as_failure_unless_both_hang_up() {
    let (mut bench, bye) = Bench::ending();
    let bye = request(&bye);
    assert_eq!(bench.0.handle_request(&bye, &mut bench.3), Step::Ended);
    assert_eq!(bench.sent(), ["SIP/2.0"]);
    assert_eq!(bench.0.handle_request(&bye, &mut bench.3), Step::Same);
    assert_eq!(bench.sent(), ["SIP/2.0"]);
    let mut bench = Bench::up();
    let step = bench.0.handle_request(&bye, &mut bench.3);
    assert_eq!(step, failed("hung up by the far end"));
}

#[test]
fn other_requests_are_answered_and_change_nothing() {
    for (method, status) in [
        (Method::Options, "200"),
        (Method::Invite, "488"),
        (Method::Refer, "405"),
    ] {
        let mut bench = Bench::up();
        let mut asked = request(&bench.2);
        asked.method = method;
        assert_eq!(bench.0.handle_request(&asked, &mut bench.3), Step::Same);
        let answer = String::from_utf8(bench.3[0].to_vec()).unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status));
        assert_eq!(bench.0.state(), CallState::Up);
    }
    let mut bench = Bench::up();
    let mut ack = request(&bench.2);
    ack.method = Method::Ack;
    assert_eq!(bench.0.handle_request(&ack, &mut bench.3), Step::Same);
    assert!(bench.3.is_empty());
}

#[test]
fn a_call_is_found_by_its_call_id() {
    let id = call_id(0xabc, 77);
    assert_eq!(index_of(id.as_bytes(), 0xabc), Some(77));
    assert_eq!(index_of(id.as_bytes(), 0xabd), None);
    for foreign in ["", "load-", "load-abc-x", "x@host"] {
        assert_eq!(index_of(foreign.as_bytes(), 0xabc), None);
    }
}
