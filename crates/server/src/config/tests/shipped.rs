use std::fs;
use std::path::PathBuf;

use strowger_sip::digest::Credentials;
use strowger_switch::dial_plan::Match;

use super::*;
use crate::check::check;

fn config_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config")
}

/// As deep as it goes.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn every_file_is_right() {
    let folder = config_folder();
    let mut found = Vec::new();
    files(&folder, &mut found);
    let mut configurations = 0;
    for path in &found {
        match path.extension().and_then(|e| e.to_str()) {
            Some("toml") => {
                let checked = check(path, &|_, _, _| Ok(()));
                assert_eq!(checked.exit_code, 0, "{}", checked.text);
                configurations += 1;
            }
            Some("json") => {
                let text = fs::read_to_string(path).unwrap();
                let value = serde_json::from_str(&text).unwrap();
                strowger_switch::flow::Flow::from_json("a", &value).unwrap();
            }
            Some("wav") => {
                let wav = hound::WavReader::open(path).unwrap();
                let spec = wav.spec();
                assert_eq!((spec.channels, spec.bits_per_sample), (1, 16), "{path:?}");
                assert!([8_000, 16_000].contains(&spec.sample_rate), "{path:?}");
                assert!(wav.duration() > spec.sample_rate / 2, "{path:?}");
            }
            other => panic!("{path:?}: what is a file {other:?}?"),
        }
    }
    assert!(configurations >= 2);
}

#[test]
fn the_shipped_file_answers_on_loopback_only() {
    let config = Config::load(&config_folder().join("strowger.toml")).unwrap();
    let mut listeners: Vec<_> = config
        .switch
        .listeners
        .iter()
        .map(|l| format!("{} {}", l.transport, l.local))
        .collect();
    listeners.sort();
    assert_eq!(
        listeners,
        [
            "TCP 127.0.0.1:5060",
            "TCP [::1]:5060",
            "UDP 127.0.0.1:5060",
            "UDP [::1]:5060"
        ]
    );
    assert_eq!(
        config.http.unwrap().address,
        "127.0.0.1:8080".parse().unwrap()
    );
    for user in ["echo", "play", "answer", "ivr", "busy", "reject", "early"] {
        let found: Match<'_> = config.switch.routes.dial_plan.lookup(user).unwrap();
        assert_eq!(found.flow, user);
        assert!(config.switch.routes.flows.get(user).is_some());
    }
    assert!(config.switch.routes.dial_plan.lookup("nobody").is_none());
    let registration = config.switch.registration.unwrap();
    let users: Vec<_> = registration.users.iter().map(|(name, _)| name).collect();
    assert_eq!(users, ["1001", "1002", "1003"]);
    for (name, credentials) in registration.users.iter() {
        let expected = Credentials::of_password(name, "strowger", &format!("secret{name}"));
        assert_eq!(*credentials, expected);
    }
}

/// The shipped passwords are for this machine alone.
#[test]
fn the_shipped_users_are_refused_where_others_can_call() {
    let path = config_folder().join("strowger.toml");
    let text = fs::read_to_string(&path).unwrap();
    let open = text.replacen("\"127.0.0.1:5060\"", "\"192.0.2.1:5060\"", 1);
    let errors = Config::parse(&path, &open, &|_, _, _| Ok(())).unwrap_err();
    let lines: Vec<_> = errors
        .iter()
        .map(|error| error.source_line.as_str())
        .collect();
    let password = |n| format!("password = \"secret100{n}\"");
    assert_eq!(lines, [password(1), password(2), password(3)]);
    for error in errors {
        assert_eq!(error.column, 12, "{error}");
        let expected = "everybody knows this password, and `192.0.2.1:5060` is open to others";
        assert_eq!(error.message, expected);
    }
}

#[test]
fn the_public_file_listens_to_the_world_and_keeps_http_to_itself() {
    let config = Config::load(&config_folder().join("public.toml")).unwrap();
    let switch = &config.switch;
    assert!(switch.listeners.iter().all(|l| !l.local.ip().is_loopback()));
    assert!(
        switch
            .listeners
            .iter()
            .all(|l| !l.advertised.ip().is_unspecified())
    );
    assert!(config.http.unwrap().address.ip().is_loopback());
    assert!(switch.registration.is_none(), "nobody may register unasked");
}

#[test]
fn the_prompt_is_about_ten_seconds_of_sound() {
    let mut wav = hound::WavReader::open(config_folder().join("media/prompt.wav")).unwrap();
    let rate = f64::from(wav.spec().sample_rate);
    let seconds = f64::from(wav.duration()) / rate;
    assert!((9.0..=12.0).contains(&seconds), "{seconds} s");
    let samples: Vec<_> = wav.samples::<i16>().map(Result::unwrap).collect();
    let loud = samples.iter().filter(|s| s.unsigned_abs() > 1_000).count();
    assert!(loud > samples.len() / 5, "speech is not silence");
    let clipped = samples.iter().filter(|s| s.unsigned_abs() > 32_700).count();
    assert_eq!(clipped, 0);
}

#[test]
fn the_command_says_how_it_went() {
    let right = check(&config_folder().join("strowger.toml"), &|_, _, _| Ok(()));
    assert_eq!(right.exit_code, 0);
    assert!(
        right.text.ends_with(
            "strowger.toml: no errors. 4 listeners, 7 flows, 7 entries in the dial plan\n"
        ),
        "{}",
        right.text
    );
    let broken = |_: &Path, url: &str, _: u32| match url {
        "file:menu.wav" => Err("prompt \"file:menu.wav\": 3 octets are no WAV".to_owned()),
        _ => Ok(()),
    };
    let wrong = check(&config_folder().join("strowger.toml"), &broken);
    assert_eq!(wrong.exit_code, 1);
    assert!(
        wrong.text.contains(
            "flows/ivr.json:2:61: flow `ivr`: prompt \"file:menu.wav\": 3 octets are no WAV\n"
        ),
        "{}",
        wrong.text
    );
    assert!(wrong.text.ends_with("\n1 error\n"), "{}", wrong.text);
}

/// What an editor may leave behind: the file cut anywhere, a line lost, a character
/// replaced. It is refused or it works.
#[test]
fn damaged_files_never_panic() {
    let path = config_folder().join("strowger.toml");
    let text = fs::read_to_string(&path).unwrap();
    let read = |text: &str| Config::parse(&path, text, &|_, _, _| Ok(()));
    let mut refused = 0;
    for at in (0..text.len()).step_by(17) {
        refused += u32::from(read(&text[..at]).is_err());
        for other in ["\"", "[", "]", "=", "\n", "9", "-", "ü"] {
            let damaged = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            if let Err(errors) = read(&damaged) {
                refused += 1;
                for error in errors {
                    assert!(error.line >= 1 && error.column >= 1, "{error}");
                    assert!(error.to_string().contains('^'));
                }
            }
        }
    }
    assert!(refused > 100);
    for lost in 0..text.lines().count() {
        let lines = text.lines().enumerate().filter(|(line, _)| *line != lost);
        let damaged: Vec<_> = lines.map(|(_, line)| line).collect();
        let _ = read(&damaged.join("\n"));
    }
}
