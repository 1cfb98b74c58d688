//! `strowger check`: what is wrong in a file, where, and what would be right.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::server::{Run, new_folder, strowger};

#[test]
fn the_shipped_files_are_good() {
    for name in ["strowger.toml", "public.toml"] {
        let path = support::settings::shipped_folder().join(name);
        let run = check(&path);
        assert!(run.status.success(), "{name}: {}", run.text);
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (what, before, after, words) in BROKEN {
        let case = Case::new(before, after);
        let run = check(&case.file);
        assert_eq!(run.status.code(), Some(1), "{what}: {}", run.text);
        let place = format!("strowger.toml:{}:", case.line);
        assert!(
            run.text.contains(&place),
            "{what}: no {place} in {}",
            run.text
        );
        for word in words {
            assert!(run.text.contains(word), "{what}: no {word} in {}", run.text);
        }
        case.remove();
    }
}

type Broken = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

/// What is broken, by which replacement in the shipped file, and the words that
/// have to be in the complaint.
const BROKEN: [Broken; 9] = [
    (
        "an unknown key",
        "port_range = [20000",
        "prot_range = [20000",
        &["prot_range", "port_range"],
    ),
    (
        "an unknown table",
        "[media]",
        "[medya]",
        &["medya", "media"],
    ),
    (
        "a value of the wrong type",
        "folder = \"media\"",
        "folder = 7",
        &["7", "text in quotes"],
    ),
    (
        "a transport that is none",
        "transport = \"tcp\"",
        "transport = \"tpc\"",
        &["tpc", "tcp"],
    ),
    (
        "no address",
        "address = \"[::1]:5060\"",
        "address = \"localhost\"",
        &["localhost"],
    ),
    (
        "an empty range of ports",
        "[20000, 29999]",
        "[29999, 20000]",
        &["port_range"],
    ),
    (
        "a flow that is not there",
        "flow = \"echo\"",
        "flow = \"ecko\"",
        &["ecko", "echo"],
    ),
    (
        "an action that is not there",
        "{ type = \"echo\" }",
        "{ type = \"ecco\" }",
        &["ecco", "echo"],
    ),
    (
        "an option that is not there",
        "option = { reason = \"busy\" }",
        "option = { raeson = \"busy\" }",
        &["raeson", "reason"],
    ),
];

#[test]
fn a_flow_without_an_end_is_found() {
    let case = Case::new(
        "actions = [{ type = \"answer\" }, { type = \"echo\" }]",
        "actions = [{ id = \"a\", type = \"goto\", option = { target_id = \"a\" } }]",
    );
    let run = check(&case.file);
    assert_eq!(run.status.code(), Some(1), "{}", run.text);
    assert!(run.text.contains("echo"), "names the flow: {}", run.text);
    case.remove();
}

#[test]
fn a_broken_flow_file_is_named() {
    let case = Case::new("file = \"flows/ivr.json\"", "file = \"broken.json\"");
    let folder = case.file.parent().expect("a folder");
    let run = check(&case.file);
    assert_eq!(run.status.code(), Some(1), "missing: {}", run.text);
    assert!(run.text.contains("broken.json"), "{}", run.text);

    fs::write(folder.join("broken.json"), "[\n{\"type\": \"answer\"},\n{]").expect("written");
    let run = check(&case.file);
    assert_eq!(run.status.code(), Some(1), "no JSON: {}", run.text);
    assert!(run.text.contains("broken.json:3:"), "{}", run.text);
    case.remove();
}

#[test]
fn broken_toml_and_missing_files_are_errors() {
    let folder = new_folder();
    let file = folder.join("strowger.toml");
    let run = check(&file);
    assert_eq!(run.status.code(), Some(1), "{}", run.text);
    assert!(run.text.contains("strowger.toml"), "{}", run.text);

    fs::write(&file, "[media\n").expect("written");
    let run = check(&file);
    assert_eq!(run.status.code(), Some(1), "{}", run.text);
    assert!(run.text.contains("strowger.toml:1:"), "{}", run.text);

    let run = strowger(&["run", "--config", &file.display().to_string()]);
    assert!(!run.status.success(), "run refuses it too: {}", run.text);
    assert!(run.text.contains("strowger.toml:1:"), "{}", run.text);
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn a_wrong_command_line_is_refused() {
    assert_eq!(strowger(&["fly"]).status.code(), Some(2));
    assert!(strowger(&["--help"]).status.success());
    let version = strowger(&["--version"]);
    assert!(
        version.text.contains(env!("CARGO_PKG_VERSION")),
        "{version:?}"
    );
}

/// A copy of the shipped configuration with one thing changed.
struct Case {
    file: PathBuf,
    line: usize,
}

impl Case {
    fn new(before: &str, after: &str) -> Self {
        let folder = new_folder();
        let shipped = support::settings::shipped_folder();
        for name in ["flows", "media"] {
            copy_folder(&shipped.join(name), &folder.join(name));
        }
        let text = fs::read_to_string(shipped.join("strowger.toml")).expect("the shipped file");
        let at = text
            .find(before)
            .unwrap_or_else(|| panic!("config/strowger.toml does not say {before}"));
        let file = folder.join("strowger.toml");
        fs::write(&file, text.replacen(before, after, 1)).expect("written");
        Self {
            file,
            line: text[..at].lines().count() + usize::from(text[..at].ends_with('\n')),
        }
    }

    fn remove(&self) {
        let _ = fs::remove_dir_all(self.file.parent().expect("a folder"));
    }
}

fn check(path: &Path) -> Run {
    strowger(&["check", "--config", &path.display().to_string()])
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a shipped folder") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}
