use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use digest_auth::{AuthContext, HttpMethod, WwwAuthenticateHeader};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::*;
use crate::message::{HeaderName, Method, Request, Uri};

const REALM: &str = "strowger";
const URI: &str = "sip:registrar.example";
const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

#[allow(
    clippy::disallowed_methods,
    reason = "a test may take any instant as its start"
)]
fn start() -> Instant {
    Instant::now()
}

fn users() -> Arc<Users> {
    let mut users = Users::default();
    for (name, password) in [("1001", "secret1001"), ("1002", "päss \"word\"")] {
        users.insert(name, Credentials::of_password(name, REALM, password));
    }
    Arc::new(users)
}

fn authenticator(seed: u64, now: Instant) -> Authenticator {
    let config = DigestConfig {
        realm: REALM.to_owned(),
        algorithms: Algorithm::ALL.to_vec(),
        nonce_lifetime: Duration::from_mins(5),
        max_nonces: 8,
    };
    Authenticator::new(config, users(), seed, now)
}

fn request(authorization: &str) -> Request {
    let mut request = Request::new(Method::Register, URI.parse::<Uri>().unwrap());
    if !authorization.is_empty() {
        request
            .headers
            .push(HeaderName::Authorization, authorization.as_bytes().to_vec());
    }
    request
}

/// An independent client answers one of the challenges.
fn answer(challenge: &[u8], user: &str, password: &str, nc: u32) -> String {
    let text = std::str::from_utf8(challenge).unwrap();
    let mut prompt = WwwAuthenticateHeader::parse(text).unwrap();
    let method = HttpMethod::from("REGISTER");
    let mut context = AuthContext::new_with_method(user, password, URI, None::<&[u8]>, method);
    context.set_custom_cnonce("0a4f113b");
    let mut text = String::new();
    for _ in 0..nc {
        text = prompt.respond(&context).unwrap().to_header_string();
    }
    text
}

#[test]
fn both_algorithms_are_offered_the_better_one_first() {
    let now = start();
    let challenges = authenticator(1, now).challenge(true, HERE, now);
    let texts: Vec<_> = challenges
        .iter()
        .map(|it| std::str::from_utf8(it).unwrap())
        .collect();
    assert!(texts[0].starts_with("Digest realm=\"strowger\", nonce=\""));
    assert!(texts[0].ends_with("\", algorithm=SHA-256, qop=\"auth\", stale=true"));
    assert!(texts[1].ends_with("\", algorithm=MD5, qop=\"auth\", stale=true"));
    assert_eq!(texts.len(), 2);
}

#[test]
fn only_what_all_users_can_do_is_offered() {
    let mut users = (*users()).clone();
    let md5 = ha1(Algorithm::Md5, "1003", REALM, "x");
    users.insert("1003", Credentials::of_hashes(None, Some(&md5)).unwrap());
    assert_eq!(users.algorithms(), [Algorithm::Md5]);
    for bad in ["", "zz", &md5[1..], &format!("{md5}00")] {
        assert_eq!(Credentials::of_hashes(None, Some(bad)), None, "{bad}");
    }
    assert_eq!(Credentials::of_hashes(None, None), None);
    assert_eq!(
        format!("{:?}", users.credentials(UserIndex(0))),
        "Credentials(…)"
    );
}

#[test]
fn an_independent_client_is_understood() {
    let now = start();
    let mut server = authenticator(1, now);
    for which in [0, 1] {
        for (name, password, wanted) in [
            ("1001", "secret1001", Verdict::Accepted(UserIndex(0))),
            ("1002", "päss \"word\"", Verdict::Accepted(UserIndex(1))),
            ("1001", "secret1002", Verdict::Wrong),
            ("1001", "", Verdict::Wrong),
            ("1009", "secret1001", Verdict::Wrong),
            ("", "", Verdict::Wrong),
        ] {
            let challenge = server.challenge(false, HERE, now)[which].clone();
            let request = request(&answer(&challenge, name, password, 1));
            assert_eq!(
                server.verify(&request, HERE, now),
                wanted,
                "{name} {password}"
            );
        }
    }
}

#[test]
fn the_rows_of_the_table() {
    let now = start();
    let mut server = authenticator(1, now);
    let challenge = server.challenge(false, HERE, now)[0].clone();
    let good = answer(&challenge, "1001", "secret1001", 1);
    let foreign = authenticator(2, now).challenge(false, HERE, now)[0].clone();
    let foreign = answer(&foreign, "1001", "secret1001", 1);
    let accepted = Verdict::Accepted(UserIndex(0));
    let at = |s| now + Duration::from_secs(s);
    let edit = |from: &str, to: &str| {
        assert!(good.contains(from), "{good}");
        good.replace(from, to)
    };
    let wrong = answer(&challenge, "1001", "no", 1);
    // credentials | source | seconds | verdict
    let rows = [
        (String::new(), HERE, 0, Verdict::Missing),
        ("Basic MTAwMTp4".to_owned(), HERE, 0, Verdict::Missing),
        (edit("strowger", "elsewhere"), HERE, 0, Verdict::Missing),
        (
            "Digest x".to_owned(),
            HERE,
            0,
            Verdict::Malformed("Malformed Credentials"),
        ),
        (
            edit("nonce=", "once="),
            HERE,
            0,
            Verdict::Malformed("Incomplete Credentials"),
        ),
        (
            edit("SHA-256", "SHA-512"),
            HERE,
            0,
            Verdict::Malformed("Unknown Algorithm"),
        ),
        (
            edit("qop=auth", "qop=auth-int"),
            HERE,
            0,
            Verdict::Malformed("Credentials Without qop=auth"),
        ),
        (
            edit("qop=auth", "x=y"),
            HERE,
            0,
            Verdict::Malformed("Credentials Without qop=auth"),
        ),
        (
            edit("nc=00000001", "nc=1"),
            HERE,
            0,
            Verdict::Malformed("Bad Nonce Count"),
        ),
        (
            edit(URI, "sip:other.example"),
            HERE,
            0,
            Verdict::Malformed("Credentials For Another URI"),
        ),
        (foreign, HERE, 0, Verdict::Stale),
        (good.clone(), THERE, 0, Verdict::Stale),
        (good.clone(), HERE, 301, Verdict::Stale),
        (wrong.clone(), HERE, 0, Verdict::Wrong),
        // A wrong answer uses nothing up.
        (good.clone(), HERE, 1, accepted.clone()),
        (good.clone(), HERE, 1, Verdict::Stale),
        (wrong, HERE, 2, Verdict::Wrong),
        (
            answer(&challenge, "1001", "secret1001", 2),
            HERE,
            300,
            accepted,
        ),
    ];
    for (credentials, source, s, wanted) in rows {
        let verdict = server.verify(&request(&credentials), source, at(s));
        assert_eq!(verdict, wanted, "{credentials} from {source} at {s}");
    }
}

#[test]
fn ports_and_parameters_of_the_uri_may_differ() {
    let rows = [
        ("sip:registrar.example", true),
        ("sip:REGISTRAR.example:5060;transport=tcp", true),
        ("sip:user@registrar.example", false),
        ("sip:registrar.example.org", false),
        ("tel:1", false),
        ("", false),
    ];
    let now = start();
    for (uri, same) in rows {
        let mut server = authenticator(1, now);
        let challenge = server.challenge(false, HERE, now)[0].clone();
        let text = answer(&challenge, "1001", "secret1001", 1);
        let verdict = server.verify(&request(&text.replace(URI, uri)), HERE, now);
        // The response was made for another text, so at best it is wrong.
        let wanted = match (uri == URI, same) {
            (true, _) => Verdict::Accepted(UserIndex(0)),
            (false, true) => Verdict::Wrong,
            (false, false) => Verdict::Malformed("Credentials For Another URI"),
        };
        assert_eq!(verdict, wanted, "{uri}");
    }
}

/// Nobody can use a recorded request twice, whatever else goes on and however
/// little memory there is.
#[test]
fn nothing_is_accepted_twice_under_any_seed() {
    for seed in 0..40_u64 {
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed as u8; 32]);
        let mut now = start();
        let mut server = authenticator(seed, now);
        let mut recorded: Vec<(String, bool)> = Vec::new();
        let mut accepted = 0;
        for _ in 0..120 {
            now += Duration::from_secs(u64::from(random.next_u32() % 20));
            if recorded.is_empty() || random.next_u32().is_multiple_of(3) {
                let challenge = server.challenge(false, HERE, now)[1].clone();
                for nc in 1..=3 {
                    recorded.push((answer(&challenge, "1001", "secret1001", nc), false));
                }
            }
            let which = random.next_u32() as usize % recorded.len();
            let (text, used) = &mut recorded[which];
            let verdict = server.verify(&request(text), HERE, now);
            match verdict {
                Verdict::Accepted(_) => {
                    assert!(!*used, "seed {seed}: accepted twice: {text}");
                    *used = true;
                    accepted += 1;
                }
                Verdict::Stale => {}
                Verdict::Missing | Verdict::Malformed(_) | Verdict::Wrong => {
                    panic!("seed {seed}: {verdict:?}")
                }
            }
            assert!(server.nonces_in_use() <= 8);
        }
        assert!(accepted > 10, "seed {seed}: {accepted}");
    }
}

proptest! {
    #[test]
    fn any_value_is_parsed_or_refused(value in ".{0,200}") {
        let _ = Authorization::parse(value.as_bytes());
        let _ = Authorization::parse(format!("Digest {value}").as_bytes());
    }

    #[test]
    fn what_is_written_is_read(
        username in "[ -~]{0,40}",
        cnonce in "[a-zA-Z0-9+/=]{1,40}",
        uri in "[a-z:@.;=?]{0,40}",
        space in "[ \t]{0,3}",
        nc in any::<u32>(),
    ) {
        let quoted = username.replace('\\', "\\\\").replace('"', "\\\"");
        let text = format!(
            "DIGEST {space}username{space}={space}\"{quoted}\"{space},{space}realm=\"r\",,nonce=\"n\", \
             uri=\"{uri}\",response=\"0\",CNONCE=\"{cnonce}\",qop=auth,nc={nc:08x},x=\"y\\\"\"{space}"
        );
        let found = Authorization::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(&*found.username(), username.as_bytes());
        prop_assert_eq!(found.uri, uri.as_bytes());
        prop_assert_eq!(found.cnonce, cnonce.as_bytes());
        prop_assert_eq!(found.nonce_count(), Some(nc));
    }
}
