//! Phones that register: challenges, answers right and wrong, replays, bans,
//! restarts; messages in, messages, events and what is kept out.

mod support;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use strowger_sip::digest::{
    Algorithm, Authorization, Credentials, DigestConfig, Users, digest_response, ha1,
};
use strowger_sip::registrar::RegistrarConfig;
use strowger_sip::transport::Transport;
use strowger_switch::config::{RegistrationConfig, Routes};
use strowger_switch::guard::GuardConfig;
use strowger_switch::input::Input;

use support::Bench;

const REALM: &str = "strowger";

fn bench() -> Bench {
    Bench::with(Routes::default(), Transport::Udp, |config| {
        let mut users = Users::default();
        for (name, password) in [("1001", "secret1001"), ("1002", "secret1002")] {
            users.insert(name, Credentials::of_password(name, REALM, password));
        }
        config.registration = Some(RegistrationConfig {
            users: Arc::new(users),
            digest: DigestConfig {
                realm: REALM.to_owned(),
                algorithms: Algorithm::ALL.to_vec(),
                nonce_lifetime: Duration::from_mins(5),
                max_nonces: 64,
            },
            registrar: RegistrarConfig::default(),
            guard: GuardConfig {
                max_auth_failures: 3,
                auth_failure_window: Duration::from_mins(1),
                ban: Duration::from_mins(10),
                max_sources: 64,
            },
            keep: true,
        });
    })
}

/// A phone that remembers its challenge.
struct Registrant {
    user: &'static str,
    password: &'static str,
    from: &'static str,
    nonce: String,
    count: u32,
    cseq: u32,
}

impl Registrant {
    fn new(user: &'static str, password: &'static str, from: &'static str) -> Self {
        Self {
            user,
            password,
            from,
            nonce: String::new(),
            count: 0,
            cseq: 0,
        }
    }

    /// The status of what a REGISTER with these header fields was answered with;
    /// 0 for silence.
    fn register(&mut self, bench: &mut Bench, more: &str) -> u16 {
        let message = self.message(more, true);
        self.exchange(bench, &message)
    }

    fn ask(&mut self, bench: &mut Bench) -> u16 {
        let message = self.message("", false);
        self.exchange(bench, &message)
    }

    fn exchange(&mut self, bench: &mut Bench, message: &str) -> u16 {
        bench.sent.clear();
        let mut hop = bench.hop();
        hop.remote = format!("{}:5080", self.from).parse().expect("an address");
        let message = message.to_owned().into();
        bench.input(Input::Sip { hop, message });
        let Some(answer) = bench.sent.pop() else {
            return 0;
        };
        assert!(bench.sent.is_empty(), "one answer");
        if let Some((_, nonce)) = answer.split_once("nonce=\"") {
            let nonce = nonce.split('"').next().expect("a first part");
            nonce.clone_into(&mut self.nonce);
            self.count = 0;
        }
        let status = answer.split(' ').nth(1).expect("a status");
        let status = status.parse().expect("a number");
        bench.sent.push(answer);
        status
    }

    fn message(&mut self, more: &str, answered: bool) -> String {
        self.cseq += 1;
        self.count += 1;
        let Self {
            user, cseq, from, ..
        } = &*self;
        let credentials = if answered {
            format!("Authorization: {}\r\n", self.credentials())
        } else {
            String::new()
        };
        format!(
            "REGISTER sip:127.0.0.1 SIP/2.0\r\n\
             Via: SIP/2.0/UDP {from}:5080;branch=z9hG4bK{user}{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@127.0.0.1>;tag=f\r\n\
             To: <sip:{user}@127.0.0.1>\r\nCall-ID: {user}{from}\r\nCSeq: {cseq} REGISTER\r\n\
             {credentials}{more}Content-Length: 0\r\n\r\n"
        )
    }

    fn credentials(&self) -> String {
        let with = |response: &str| {
            format!(
                "Digest username=\"{}\",realm=\"{REALM}\",nonce=\"{}\",uri=\"sip:127.0.0.1\",\
                 response=\"{response}\",algorithm=SHA-256,qop=auth,nc={:08x},cnonce=\"c\"",
                self.user, self.nonce, self.count
            )
        };
        let draft = with("");
        let draft = Authorization::parse(draft.as_bytes()).expect("credentials");
        let ha1 = ha1(Algorithm::Sha256, self.user, REALM, self.password);
        let response = digest_response(ha1.as_bytes(), b"REGISTER", &draft);
        with(std::str::from_utf8(response.as_bytes()).expect("digits"))
    }
}

/// The same credentials in another transaction and another sequence.
fn renewed(message: &str, mark: &str) -> String {
    message
        .replace("branch=z9hG4bK", &format!("branch=z9hG4bK{mark}"))
        .replace("Call-ID: ", &format!("Call-ID: {mark}"))
}

const CONTACT: &str = "Contact: <sip:1001@192.0.2.1:5080>\r\n";

#[test]
fn a_phone_registers_refreshes_and_leaves() {
    let mut bench = bench();
    let mut phone = Registrant::new("1001", "secret1001", "192.0.2.1");
    assert_eq!(phone.ask(&mut bench), 401);
    let challenge = bench.last("SIP/2.0 401");
    assert!(
        challenge.contains("algorithm=SHA-256, qop=\"auth\"\r\n"),
        "{challenge}"
    );
    assert!(
        challenge.contains("algorithm=MD5, qop=\"auth\"\r\n"),
        "{challenge}"
    );
    assert_eq!(
        bench.switch.stats().transactions_live,
        0,
        "no state for a challenge"
    );

    assert_eq!(phone.register(&mut bench, CONTACT), 200);
    let answer = bench.last("SIP/2.0 200");
    assert!(
        answer.contains("\r\nContact: <sip:1001@192.0.2.1:5080>;expires=3600\r\n"),
        "{answer}"
    );
    assert_eq!(
        bench.switch.bindings("1001")[0].hop.remote,
        "192.0.2.1:5080".parse().unwrap()
    );
    assert_eq!(phone.register(&mut bench, CONTACT), 200);
    let other = "Contact: <sip:1001@192.0.2.9>;expires=60\r\n";
    assert_eq!(phone.register(&mut bench, other), 200);
    assert_eq!(bench.switch.stats().contacts_live, 2);
    assert_eq!(
        phone.register(&mut bench, "Contact: <sip:x@h>;expires=1\r\n"),
        423
    );
    assert!(
        bench
            .last("SIP/2.0 423")
            .contains("\r\nMin-Expires: 60\r\n")
    );
    bench.pass(Duration::from_secs(61));
    assert_eq!(
        phone.register(&mut bench, "Contact: *\r\nExpires: 0\r\n"),
        200
    );
    assert_eq!(bench.events, ["extension_updated"; 4]);
    let kept: Vec<_> = bench.kept.iter().map(|kept| kept.contacts.len()).collect();
    assert_eq!(kept, [1, 1, 2, 1, 0]);
    let stats = bench.switch.stats();
    assert_eq!((stats.registers_accepted, stats.registers_refused), (4, 1));
    assert_eq!(
        (stats.registers_challenged, stats.registrations_live),
        (1, 0)
    );
    bench.at_rest();
}

/// RFC 3261 §10.3 step 4, and that nobody learns who exists.
#[test]
fn a_user_registers_itself_only() {
    let mut bench = bench();
    let mut phone = Registrant::new("1001", "secret1001", "192.0.2.1");
    phone.ask(&mut bench);
    let mut answers = HashSet::new();
    for (cseq, to) in ["1002", "9999"].iter().enumerate() {
        let message = phone.message(CONTACT, true);
        let message = message.replace("To: <sip:1001@", &format!("To: <sip:{to}@"));
        assert_eq!(phone.exchange(&mut bench, &message), 403, "{cseq}");
        let answer = bench.last("SIP/2.0 403");
        answers.insert(answer.lines().next().unwrap().to_owned());
    }
    assert_eq!(answers.len(), 1);
    assert_eq!(bench.switch.stats().registrations_live, 0);
}

#[test]
fn a_wrong_user_is_answered_as_a_wrong_password() {
    let mut bench = bench();
    let mut answers = BTreeSet::new();
    for (user, password) in [("1001", "wrong"), ("9999", "wrong"), ("9999", "secret1001")] {
        let mut phone = Registrant::new(user, password, "192.0.2.1");
        phone.ask(&mut bench);
        assert_eq!(phone.register(&mut bench, CONTACT), 401);
        let answer = bench.last("SIP/2.0 401");
        // All but what the request said, and the numbers.
        let shape: Vec<_> = answer
            .lines()
            .filter(|line| {
                !["Via:", "From:", "To:", "Call-ID:", "CSeq:"]
                    .iter()
                    .any(|it| line.starts_with(it))
            })
            .map(|line| match line.split_once("nonce=\"") {
                Some((before, rest)) => format!("{before}{}", &rest[rest.find('"').unwrap()..]),
                None => line.to_owned(),
            })
            .collect();
        answers.insert(shape);
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(!answers.iter().flatten().any(|line| line.contains("stale")));
}

#[test]
fn wrong_passwords_are_banned_and_unanswered_challenges_never() {
    let mut bench = bench();
    let mut lost = Registrant::new("1001", "secret1001", "192.0.2.7");
    for _ in 0..100 {
        assert_eq!(lost.ask(&mut bench), 401);
    }
    let mut thief = Registrant::new("1001", "1234", "192.0.2.66");
    thief.ask(&mut bench);
    for _ in 0..3 {
        assert_eq!(thief.register(&mut bench, CONTACT), 401);
    }
    assert_eq!(bench.events, ["source_banned"]);
    for _ in 0..5 {
        assert_eq!(thief.ask(&mut bench), 0, "silence");
    }
    assert_eq!(lost.register(&mut bench, CONTACT), 200, "others are heard");
    let stats = bench.switch.stats();
    assert_eq!(
        (stats.auth_failures, stats.bans, stats.banned_live),
        (3, 1, 1)
    );
    assert_eq!(stats.messages_banned, 5);
    bench.pass(Duration::from_secs(601));
    assert_eq!(thief.ask(&mut bench), 401, "the ban is over");
    assert_eq!(bench.switch.stats().banned_live, 0);
}

/// Whoever forges addresses has no challenge that went there.
#[test]
fn nobody_gets_another_source_banned() {
    let mut bench = bench();
    let mut attacker = Registrant::new("1001", "1234", "192.0.2.66");
    attacker.ask(&mut bench);
    let nonce = attacker.nonce.clone();
    for _ in 0..20 {
        let mut forged = Registrant::new("1001", "1234", "192.0.2.1");
        forged.nonce.clone_from(&nonce);
        forged.cseq = attacker.cseq + 1;
        attacker.cseq += 1;
        assert_eq!(forged.register(&mut bench, CONTACT), 401);
        assert!(bench.last("SIP/2.0 401").contains("stale=true"));
    }
    assert_eq!(bench.switch.stats().bans, 0);
}

#[test]
fn an_old_or_used_challenge_is_stale_and_answered_anew() {
    let mut bench = bench();
    let mut phone = Registrant::new("1001", "secret1001", "192.0.2.1");
    phone.ask(&mut bench);
    let recorded = phone.message(CONTACT, true);
    assert_eq!(phone.exchange(&mut bench, &recorded), 200);
    // Again, all new but the credentials.
    let replayed = renewed(&recorded, "again");
    let mut thief = Registrant::new("1001", "", "192.0.2.1");
    assert_eq!(thief.exchange(&mut bench, &replayed), 401);
    assert!(bench.last("SIP/2.0 401").contains("stale=true"));
    // The phone itself goes on with its challenge, until that is too old.
    assert_eq!(phone.register(&mut bench, CONTACT), 200);
    bench.pass(Duration::from_secs(301));
    assert_eq!(phone.register(&mut bench, CONTACT), 401);
    assert!(bench.last("SIP/2.0 401").contains("stale=true"));
    assert_eq!(phone.register(&mut bench, CONTACT), 200);
    assert_eq!(bench.switch.stats().auth_failures, 0);
}

#[test]
fn credentials_that_cannot_be_judged_are_refused() {
    let mut bench = bench();
    let mut phone = Registrant::new("1001", "secret1001", "192.0.2.1");
    phone.ask(&mut bench);
    for (from, to) in [
        (",qop=auth", ""),
        ("SHA-256", "SHA-1"),
        ("uri=\"sip:127", "uri=\"sip:128"),
    ] {
        let message = phone.message(CONTACT, true).replace(from, to);
        assert_eq!(phone.exchange(&mut bench, &message), 400, "{to}");
    }
    let message = phone.message("Require: outbound, path\r\n", true);
    assert_eq!(phone.exchange(&mut bench, &message), 420);
    assert!(
        bench
            .last("SIP/2.0 420")
            .contains("\r\nUnsupported: outbound\r\n")
    );
    assert_eq!(phone.register(&mut bench, "Require: path\r\n"), 200);
}

#[test]
fn a_restart_keeps_who_is_where() {
    let mut before = bench();
    let mut phone = Registrant::new("1001", "secret1001", "192.0.2.1");
    phone.ask(&mut before);
    assert_eq!(phone.register(&mut before, CONTACT), 200);
    let kept = before.kept.pop().unwrap();

    let mut after = bench();
    let mut stranger = kept.clone();
    stranger.aor = "9999".into();
    after.input(Input::Restore(Box::new(stranger)));
    let mut over = kept.clone();
    over.aor = "1002".into();
    over.contacts[0].expires_ms = 1;
    after.input(Input::Restore(Box::new(over)));
    after.input(Input::Restore(Box::new(kept.clone())));
    assert_eq!(after.switch.stats().registrations_live, 1);
    assert_eq!(
        after.switch.bindings("1001")[0].uri().as_bytes(),
        b"sip:1001@192.0.2.1:5080"
    );
    let left: Vec<_> = after.kept.iter().map(|kept| kept.contacts.len()).collect();
    assert_eq!(left, [0, 0, 1], "what is left behind is not kept for ever");
    assert_eq!(after.kept[2], kept);
    after.pass(Duration::from_secs(3601));
    assert_eq!(after.events.last().unwrap(), "extension_updated");
    assert_eq!(after.switch.stats().registrations_live, 0);
}

#[test]
fn allow_names_register_only_where_somebody_may() {
    let options = "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKo\r\n\
        From: <sip:a@h>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n\
        Content-Length: 0\r\n\r\n";
    for (mut bench, named) in [(bench(), true), (Bench::new(Routes::default()), false)] {
        bench.receive(options);
        let answer = bench.last("SIP/2.0 200");
        let allow = answer
            .lines()
            .find(|line| line.starts_with("Allow:"))
            .unwrap();
        assert_eq!(allow.contains("REGISTER"), named, "{allow}");
    }
}

/// Phones and a thief, any order, any delay: who knows the password is registered
/// in the end, a recorded request never works twice, and only the thief is banned.
#[test]
fn in_every_order_only_the_thief_is_banned() {
    for seed in 1..=200_u64 {
        let mut state = seed;
        let mut random = move |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        let mut bench = bench();
        let mut phones = [
            Registrant::new("1001", "secret1001", "192.0.2.1"),
            Registrant::new("1002", "secret1002", "192.0.2.2"),
            Registrant::new("1001", "guess", "192.0.2.66"),
        ];
        let mut used: Vec<String> = Vec::new();
        for step in 0..80 {
            bench.pass(Duration::from_secs(random(40)));
            if !used.is_empty() && random(4) == 0 {
                let old = &used[random(used.len() as u64) as usize];
                let again = renewed(old, &format!("r{step}"));
                let mut replayer = Registrant::new("1001", "", "192.0.2.1");
                let status = replayer.exchange(&mut bench, &again);
                assert_ne!(status, 200, "seed {seed} step {step}");
                continue;
            }
            let phone = &mut phones[random(3) as usize];
            let message = phone.message(CONTACT, !phone.nonce.is_empty());
            let status = phone.exchange(&mut bench, &message);
            match (phone.from, status) {
                ("192.0.2.66", 0 | 401) | ("192.0.2.1" | "192.0.2.2", 401) => {}
                ("192.0.2.1" | "192.0.2.2", 200) => used.push(message),
                other => panic!("seed {seed} step {step}: {other:?}"),
            }
        }
        for phone in &mut phones[..2] {
            let first = phone.register(&mut bench, CONTACT);
            let last = if first == 401 {
                phone.register(&mut bench, CONTACT)
            } else {
                first
            };
            assert_eq!(last, 200, "seed {seed}");
        }
        assert_eq!(bench.switch.stats().contacts_live, 2, "seed {seed}");
    }
}
