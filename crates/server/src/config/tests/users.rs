use std::fs;
use std::time::Duration;

use strowger_sip::digest::{Algorithm, Credentials, ha1};

use super::*;
use crate::test_folder::TestFolder;

#[test]
fn names_and_secrets() {
    assert_errors_behind_tiny(&[
        (
            "[[users]]\npassword = \"x\"\n",
            &["3:1+9 a user without a name | `name`, as in name = \"1001\""],
        ),
        (
            "[[users]]\nname = \"a b\"\npassword = \"x\"\n",
            &[
                "4:8+5 \"a b\" is no name | 1 to 64 ASCII letters, digits and signs without \" \\ : @ < > %",
            ],
        ),
        (
            "[[users]]\nname = \"a\"\n[[users]]\nname = \"b\"\npassword = \"x\"\nha1_md5 = \"0\"\n",
            &[
                "3:1+9 user `a` needs one secret | one of `password`, `password_file`, and `ha1_sha256` or `ha1_md5`",
                "5:1+9 user `b` needs one secret | one of `password`, `password_file`, and `ha1_sha256` or `ha1_md5`",
            ],
        ),
        (
            "[[users]]\nname = \"a\"\npassword = \"x\"\n[[users]]\nname = \"a\"\npassword = \"y\"\n",
            &["7:8+3 user `a` is there already, in line 4 | each name once"],
        ),
        (
            "[[users]]\nname = \"a\"\nha1_md5 = \"12\"\n[[users]]\nname = \"b\"\nha1_sha256 = \"zz\"\n",
            &[
                "5:11+4 this is no hash | 32 hexadecimal digits",
                "8:14+4 this is no hash | 64 hexadecimal digits",
            ],
        ),
        (
            "[[users]]\nname = \"a\"\npasword = \"x\"\n",
            &[
                "5:1+7 unknown name `pasword` | one of `name`, `password`, `password_file`, `ha1_md5`, `ha1_sha256` | password",
            ],
        ),
        (
            "[registrar]\nrealm = \"a\\\"b\"\nmin_expires_s = 3601\nmax_expires_s = 0\ndefault_expires_s = 9\n",
            &[
                "4:9+6 \"a\\\"b\" is no realm | 1 to 100 printable ASCII characters without \" \\ :",
                "5:17+4 `min_expires_s` cannot be 3601 | 1 to 3600 s",
                "6:17+1 `max_expires_s` cannot be 0 | 1 to 2592000 s",
                "7:21+1 `default_expires_s` cannot be 9 | 1 to 1 s",
            ],
        ),
        (
            "[registrar]\nalgorithms = []\n",
            &["4:14+2 nothing, or one algorithm twice | one or both of \"SHA-256\" and \"MD5\""],
        ),
        (
            "[registrar]\nalgorithms = [\"MD5\", \"MD5\"]\n",
            &["4:14+14 nothing, or one algorithm twice | one or both of \"SHA-256\" and \"MD5\""],
        ),
        (
            "[guard]\nban_s = 0\nauth_failure_window_s = 0\nmax_sources = 1\n",
            &[
                "4:9+1 `ban_s` cannot be 0 | 1 to 2592000 s",
                "5:25+1 `auth_failure_window_s` cannot be 0 | 1 to 86400 s",
                "6:15+1 `max_sources` cannot be 1 | 16 to 10000000 sources",
            ],
        ),
    ]);
}

#[test]
fn hashes_that_nobody_shares_are_named() {
    let (md5, sha256) = ("0".repeat(32), "0".repeat(64));
    let text = format!(
        "{TINY}[[users]]\nname = \"a\"\nha1_md5 = \"{md5}\"\n[[users]]\nname = \"b\"\nha1_sha256 = \"{sha256}\"\n"
    );
    let errors = errors(&text);
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].contains("no hash algorithm that all users have"),
        "{errors:?}"
    );
}

/// In any of their spellings.
#[test]
fn passwords_that_everybody_knows_need_loopback() {
    let sha256 = ha1(Algorithm::Sha256, "1002", "strowger", "secret1002");
    let md5 = ha1(Algorithm::Md5, "x", "strowger", "");
    for (name, setting, secret) in [
        ("1001", "password", "secret1001"),
        ("boss", "password", "secret1003"),
        ("boss", "password", ""),
        ("1002", "ha1_sha256", &*sha256),
        ("x", "ha1_md5", &*md5),
    ] {
        let users = format!("[[users]]\nname = \"{name}\"\n{setting} = \"{secret}\"\n");
        parse(&format!("{TINY}{users}")).unwrap();
        let open = TINY.replace("127.0.0.1", "192.0.2.1");
        let errors = errors(&format!("{open}{users}"));
        assert_eq!(errors.len(), 1, "{name}");
        let column = setting.len() + 4;
        let place = format!(
            "5:{column}+{} everybody knows this password",
            secret.len() + 2
        );
        assert!(errors[0].starts_with(&place), "{errors:?}");
    }
    let open = TINY.replace("127.0.0.1", "192.0.2.1");
    parse(&format!(
        "{open}[[users]]\nname = \"1001\"\npassword = \"my own\"\n"
    ))
    .unwrap();
}

#[test]
fn a_password_file_gives_its_first_line() {
    let folder = TestFolder::new("password-file");
    fs::write(folder.path().join("p"), "my own\r\nnot this\n").unwrap();
    let path = folder.path().join("s.toml");
    let text = format!("{TINY}[[users]]\nname = \"a\"\npassword_file = \"p\"\n");
    let config = Config::parse(&path, &text, &|_, _, _| Ok(())).unwrap();
    let registration = config.switch.registration.unwrap();
    let (_, credentials) = registration.users.iter().next().unwrap();
    assert_eq!(
        *credentials,
        Credentials::of_password("a", "strowger", "my own")
    );
    let text = text.replace("\"p\"", "\"gone\"");
    let errors = Config::parse(&path, &text, &|_, _, _| Ok(())).unwrap_err();
    assert_eq!((errors.len(), errors[0].line, errors[0].column), (1, 5, 17));
}

#[test]
fn what_is_written_holds() {
    let user = "[[users]]\nname = \"a\"\npassword = \"p\"\n";
    for (setting, algorithms) in [
        ("", &[Algorithm::Sha256, Algorithm::Md5][..]),
        ("[registrar]\nalgorithms = [\"MD5\"]\n", &[Algorithm::Md5]),
    ] {
        let config = parse(&format!("{TINY}{user}{setting}")).unwrap();
        let registration = config.switch.registration.unwrap();
        assert_eq!(registration.digest.algorithms, algorithms);
    }
    let none = parse(TINY).unwrap();
    assert!(none.switch.registration.is_none());
    let text = format!(
        "{TINY}[[users]]\nname = \"a\"\npassword = \"p\"\n[registrar]\nrealm = \"r\"\n\
         min_expires_s = 10\nmax_expires_s = 100\ndefault_expires_s = 50\nmax_contacts = 2\n\
         max_registrations = 7\nnonce_lifetime_s = 30\nmax_nonces = 99\nfile = \"x/r.jsonl\"\n\
         [guard]\nmax_auth_failures = 0\nauth_failure_window_s = 5\nban_s = 6\nmax_sources = 20\n"
    );
    let config = parse(&text).unwrap();
    assert_eq!(
        config.registrations.file.as_deref(),
        Some(Path::new("test/x/r.jsonl"))
    );
    let it = config.switch.registration.unwrap();
    assert_eq!(
        (&*it.digest.realm, it.digest.max_nonces, it.keep),
        ("r", 99, true)
    );
    assert_eq!(it.digest.nonce_lifetime, Duration::from_secs(30));
    let registrar = &it.registrar;
    assert_eq!(
        (registrar.min_expires_s, registrar.max_expires_s),
        (10, 100)
    );
    assert_eq!(
        (registrar.default_expires_s, registrar.max_contacts),
        (50, 2)
    );
    assert_eq!(registrar.max_bindings, 7);
    let guard = &it.guard;
    assert_eq!((guard.max_auth_failures, guard.max_sources), (0, 20));
    assert_eq!(
        (guard.auth_failure_window.as_secs(), guard.ban.as_secs()),
        (5, 6)
    );
    assert!(!format!("{it:?}").contains(&ha1(Algorithm::Md5, "a", "r", "p")));
}
