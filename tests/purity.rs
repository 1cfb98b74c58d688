//! Law 1: what decides is pure. The crates that decide depend on no runtime,
//! socket or random number library, and the lints that keep a clock, a thread
//! or a socket out of them are in force.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crates that decide, and which of our own crates each may import.
const PURE: [(&str, &[&str]); 3] = [
    ("sip", &[]),
    ("media", &[]),
    ("switch", &["strowger-sip", "strowger-media"]),
];

/// Whatever waits, listens or rolls dice.
const IMPURE: [&str; 21] = [
    "async-executor",
    "async-io",
    "async-std",
    "axum",
    "crossbeam-channel",
    "fastrand",
    "futures-executor",
    "getrandom",
    "glommio",
    "hyper",
    "io-uring",
    "mio",
    "monoio",
    "polling",
    "quanta",
    "rand",
    "rayon",
    "reqwest",
    "smol",
    "socket2",
    "tokio",
];

/// What a pure crate's `clippy.toml` has to ban.
const BANS: [&str; 9] = [
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::sleep",
    "std::thread::spawn",
    "std::collections::HashMap::iter",
    "std::collections::HashMap::keys",
    "std::collections::HashMap::values",
    "std::collections::HashMap::retain",
    "std::net::UdpSocket::bind",
];

#[test]
fn pure_crates_depend_on_no_runtime() {
    for (name, _) in PURE {
        let impure: Vec<_> = dependencies(name)
            .into_iter()
            .filter(|dependency| IMPURE.contains(&dependency.as_str()))
            .collect();
        assert!(impure.is_empty(), "crates/{name} depends on {impure:?}");
    }
}

#[test]
fn pure_crates_import_only_the_rooms_below_them() {
    for (name, allowed) in PURE {
        let itself = format!("strowger-{name}");
        let foreign: Vec<_> = dependencies(name)
            .into_iter()
            .filter(|dependency| dependency.starts_with("strowger"))
            .filter(|dependency| *dependency != itself && !allowed.contains(&dependency.as_str()))
            .collect();
        assert!(foreign.is_empty(), "crates/{name} imports {foreign:?}");
    }
}

#[test]
fn the_server_is_where_the_runtime_is() {
    assert!(
        dependencies("server").contains("tokio"),
        "the tree that this test reads does not show what is in it"
    );
}

#[test]
fn pure_crates_ban_clocks_threads_and_sockets() {
    for (name, _) in PURE {
        let path = crate_folder(name).join("clippy.toml");
        let text = read(&path);
        for ban in BANS {
            assert!(
                text.contains(&format!("path = \"{ban}\"")),
                "{} does not ban {ban}",
                path.display()
            );
        }
    }
}

#[test]
fn no_pure_source_lifts_the_bans() {
    for (name, _) in PURE {
        let sources = sources(&crate_folder(name).join("src"));
        let test_modules: BTreeSet<String> =
            sources.iter().flat_map(|path| test_modules(path)).collect();
        for source in sources {
            let relative = source.strip_prefix(crate_folder(name));
            if is_one_of(relative.expect("below the crate"), &test_modules) {
                continue;
            }
            let text = read(&source);
            let text = text.split("#[cfg(test)]\nmod tests {").next();
            let text = text.expect("a first part");
            for lint in ["disallowed_methods", "disallowed_types", "missing_docs"] {
                assert!(
                    !text.contains(lint),
                    "{} mentions the lint {lint}",
                    source.display()
                );
            }
        }
    }
}

#[test]
fn every_crate_obeys_the_workspace_lints_and_documents_what_is_public() {
    let root = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    assert!(section(&root, "workspace.lints.rust").contains("missing_docs = \"deny\""));
    assert!(section(&root, "lints").contains("workspace = true"));
    let crates = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("crates"))
        .expect("the folder of the crates");
    for entry in crates {
        let manifest = entry.expect("an entry").path().join("Cargo.toml");
        assert!(
            section(&read(&manifest), "lints").contains("workspace = true"),
            "{} does not take the workspace's lints",
            manifest.display()
        );
    }
}

/// Names of everything below a crate, tests left out, on every platform and
/// with every feature.
fn dependencies(name: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--package"])
        .arg(format!("strowger-{name}"))
        .args(["--edges", "normal,build", "--target", "all"])
        .args(["--all-features", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs, it started this test");
    assert!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names: BTreeSet<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 1, "crates/{name} seems to depend on nothing");
    names
}

/// The lines of one section of a manifest.
fn section(manifest: &str, name: &str) -> String {
    let lines: Vec<&str> = manifest
        .lines()
        .skip_while(|line| *line != format!("[{name}]"))
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .collect();
    lines.join("\n")
}

/// Names of the modules that a file declares for tests alone.
fn test_modules(source: &Path) -> Vec<String> {
    let text = read(source);
    let lines: Vec<&str> = text.lines().collect();
    lines
        .windows(2)
        .filter(|pair| pair[0].starts_with("#[cfg(") && pair[0].contains("test"))
        .filter_map(|pair| pair[1].strip_suffix(';')?.split("mod ").nth(1))
        .map(str::to_owned)
        .collect()
}

/// Whether the file is one of these modules or lies in the folder of one.
fn is_one_of(source: &Path, modules: &BTreeSet<String>) -> bool {
    source
        .with_extension("")
        .iter()
        .any(|part| part.to_str().is_some_and(|name| modules.contains(name)))
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn crate_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("crates")
        .join(name)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
