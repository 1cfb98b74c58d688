//! Phones register at the real binary: SIPp, baresip, and one that guesses.

mod support;

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use support::baresip::Baresip;
use support::phone::{Phone, show};
use support::server::{Server, new_folder, strowger};
use support::settings::shipped_folder;
use support::sipp::Sipp;
use support::sound;

fn wait_for_metric(server: &Server, name: &str, value: u64) {
    support::until(name, Duration::from_secs(10), || {
        (server.metric(name) == value).then_some(())
    });
}

#[test]
fn sipp_registers_refreshes_and_leaves() {
    for transport in ["u1", "t1"] {
        let server = Server::usual();
        let outcome = Sipp::scenario("register")
            .user("1001")
            .password("secret1001")
            .transport(transport)
            .calls(9, 50)
            .run(&server);
        outcome.assert_no_retransmission();
        wait_for_metric(
            &server,
            "strowger_registers_total{outcome=\"accepted\"}",
            18,
        );
        assert_eq!(server.metric("strowger_registrations_live"), 0);
        assert_eq!(server.metric("strowger_auth_failures_total"), 0);
    }
}

#[test]
fn baresip_registers_and_is_known_after_a_restart() {
    for transport in ["udp", "tcp"] {
        let mut server = Server::usual();
        let microphone = server.folder().join("microphone.wav");
        sound::write_wav(&microphone, &vec![0; 8000], 8000, 1);
        let phone =
            Baresip::start_registered(&server, &microphone, "1002", "secret1002", transport);
        wait_for_metric(&server, "strowger_registrations_live", 1);
        assert_eq!(server.metric("strowger_auth_failures_total"), 0);

        server.restart();
        wait_for_metric(&server, "strowger_registrations_live", 1);
        let kept = fs::read_to_string(server.folder().join("registrations.jsonl"));
        let kept = kept.expect("registrations are kept");
        assert_eq!(kept.lines().count(), 1, "{kept}");
        assert!(kept.contains("\"user\":\"1002\""), "{kept}");
        drop(phone);
    }
}

/// What svcrack does: one password after the other. It is not heard any more,
/// while a call goes on from another address.
#[test]
fn guessing_passwords_is_banned() {
    let server = Server::usual();
    let mut caller = Phone::new(server.sip());
    caller.dial("echo");

    let mut thief = Phone::new(server.sip_v6());
    let register = |cseq: u32, more: &str| {
        format!("REGISTER sip:127.0.0.1 SIP/2.0\r\nX-Try: {cseq}\r\n{more}\r\n")
    };
    let mut answers = 0;
    for cseq in 0..10 {
        let challenge = thief.raw_request(&register(2 * cseq, ""));
        assert_eq!(challenge.status(), 401, "{}", show(&challenge));
        let header = challenge.header("WWW-Authenticate").expect("a challenge");
        let (_, nonce) = header.split_once("nonce=\"").expect("a nonce");
        let nonce = nonce.split('"').next().expect("its end");
        let guess = format!(
            "Authorization: Digest username=\"1001\", realm=\"strowger\", nonce=\"{nonce}\", \
             uri=\"sip:127.0.0.1\", response=\"{cseq:032x}\", algorithm=MD5, qop=auth, \
             nc=00000001, cnonce=\"x\"\r\n"
        );
        let answer = thief.raw_request(&register(2 * cseq + 1, &guess));
        assert_eq!(answer.status(), 401, "{}", show(&answer));
        answers += 1;
    }
    assert_eq!(answers, 10);
    wait_for_metric(&server, "strowger_bans_total", 1);
    let mut again = Phone::new(server.sip_v6());
    again.send(
        b"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP [::1];branch=z9hG4bKx;rport\r\n\
          From: <sip:a@h>;tag=1\r\nTo: <sip:h>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\
          Content-Length: 0\r\n\r\n",
    );
    let heard = again.receive(Duration::from_millis(500));
    assert!(
        heard.is_none(),
        "{}",
        heard.as_ref().map(show).unwrap_or_default()
    );
    wait_for_metric(&server, "strowger_sip_messages_banned_total", 1);
    assert_eq!(server.metric("strowger_banned_live"), 1);
    assert!(
        server
            .log()
            .wait_for("source banned", Duration::from_secs(5))
            .is_some()
    );
    assert_eq!(server.metric("strowger_calls_live"), 1);
    caller.hang_up();
}

/// `check` and the start say the same.
#[test]
fn shipped_passwords_need_loopback() {
    let folder = new_folder();
    let file = folder.join("open.toml");
    let shipped = fs::read_to_string(shipped_folder().join("strowger.toml"));
    let mut text = shipped.expect("the shipped file");
    text = text.replacen("\"127.0.0.1:5060\"", "\"192.0.2.1:5060\"", 1);
    let _ = writeln!(text, "# the end");
    fs::write(&file, &text).expect("a configuration written");
    for link in ["flows", "media"] {
        let target = folder.join(link);
        std::os::unix::fs::symlink(shipped_folder().join(link), target).expect("a link");
    }
    let line = 1 + text
        .lines()
        .position(|line| line == "password = \"secret1001\"")
        .expect("the shipped user");
    let place = format!("open.toml:{line}:12: everybody knows this password");
    for (command, code) in [("check", 1), ("run", 2)] {
        let run = strowger(&[command, "--config", &file.display().to_string()]);
        assert_eq!(run.status.code(), Some(code), "{}", run.text);
        assert!(run.text.contains(&place), "{}", run.text);
    }
    let _ = fs::remove_dir_all(folder);
}
