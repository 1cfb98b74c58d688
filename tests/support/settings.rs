//! The configuration of a test's server: the shipped `config/strowger.toml` on
//! other ports and in another folder, with what the test adds.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::ports::PortBlock;

type Record = Box<dyn Fn(&Path)>;

/// What differs from the shipped file.
#[derive(Default)]
pub struct Settings {
    flows: Vec<(String, String)>,
    prompts: Vec<(String, Record)>,
    limits: Vec<(String, u64)>,
    media_ports: Option<(u16, u16)>,
}

impl Settings {
    /// Adds a flow, a JSON list of actions, that a user of the same name gets.
    pub fn flow(mut self, name: &str, actions: &str) -> Self {
        self.flows.push((name.to_owned(), actions.to_owned()));
        self
    }

    /// Adds a file to the media folder; `record` writes it to the path given.
    pub fn prompt(mut self, name: &str, record: impl Fn(&Path) + 'static) -> Self {
        self.prompts.push((name.to_owned(), Box::new(record)));
        self
    }

    /// Sets a key of `[limits]`.
    pub fn limit(mut self, key: &str, value: u64) -> Self {
        self.limits.push((key.to_owned(), value));
        self
    }

    /// Another range of media ports than the block's.
    pub fn media_ports(mut self, first: u16, last: u16) -> Self {
        self.media_ports = Some((first, last));
        self
    }

    /// Writes it all into the folder and returns the file's path.
    pub fn write(&self, ports: &PortBlock, folder: &Path) -> PathBuf {
        self.write_media(&folder.join("media"));
        let shipped = folder.join("flows");
        if !shipped.exists() {
            symlink(shipped_folder().join("flows"), shipped).expect("a link to the flows");
        }
        let file = folder.join("strowger.toml");
        fs::write(&file, self.text(ports, folder)).expect("a configuration written");
        file
    }

    fn text(&self, ports: &PortBlock, folder: &Path) -> String {
        let (first, last) = self.media_ports.unwrap_or(ports.media());
        let shipped =
            fs::read_to_string(shipped_folder().join("strowger.toml")).expect("the shipped file");
        let sip = ports.sip();
        let mut text = replace(&shipped, "127.0.0.1:5060", &format!("127.0.0.1:{sip}"));
        text = replace(&text, "[::1]:5060", &format!("[::1]:{sip}"));
        text = replace(
            &text,
            "127.0.0.1:8080",
            &format!("127.0.0.1:{}", ports.http()),
        );
        text = replace(&text, "[20000, 29999]", &format!("[{first}, {last}]"));
        text = replace(&text, "../data/call-records.jsonl", "calls.jsonl");
        text = replace(&text, "../data/registrations.jsonl", "registrations.jsonl");
        // No more calls than the ports of one test can carry.
        text = set_limit(&text, "max_calls", u64::from(last - first).div_ceil(2));
        for (key, value) in &self.limits {
            text = set_limit(&text, key, *value);
        }
        for (name, actions) in &self.flows {
            let file = format!("{name}.flow.json");
            fs::write(folder.join(&file), actions).expect("a flow written");
            let _ = write!(
                text,
                "\n[flows.{name}]\nfile = \"{file}\"\n\n\
                 [[dial_plan]]\nuser = \"{name}\"\nflow = \"{name}\"\n"
            );
        }
        text
    }

    fn write_media(&self, media: &Path) {
        fs::create_dir_all(media).expect("a media folder");
        let shipped = fs::read_dir(shipped_folder().join("media")).expect("the shipped prompts");
        for entry in shipped {
            let entry = entry.expect("an entry");
            fs::copy(entry.path(), media.join(entry.file_name())).expect("a prompt copied");
        }
        for (name, record) in &self.prompts {
            record(&media.join(name));
        }
    }
}

/// `config/` as shipped.
pub fn shipped_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

/// The text with this key in `[limits]`, in the place of the line it may have.
fn set_limit(text: &str, key: &str, value: u64) -> String {
    let (before, section) = text
        .split_once("[limits]\n")
        .expect("config/strowger.toml has [limits]");
    let mut lines: Vec<&str> = section.lines().collect();
    let old = lines
        .iter()
        .take_while(|line| !line.is_empty())
        .position(|line| line.split(' ').next() == Some(key));
    if let Some(old) = old {
        lines.remove(old);
    }
    format!("{before}[limits]\n{key} = {value}\n{}\n", lines.join("\n"))
}

fn replace(text: &str, what: &str, with: &str) -> String {
    assert!(
        text.contains(what),
        "config/strowger.toml does not say {what}"
    );
    text.replace(what, with)
}
