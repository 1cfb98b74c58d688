//! baresip as a real telephone: headless, with a folder of its own, a WAV file
//! for a microphone and a recording of what its ear hears.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::lines::Lines;
use super::server::Server;

/// A running baresip; ended when it goes out of scope.
pub struct Baresip {
    child: Child,
    control: TcpStream,
    events: Lines,
    folder: PathBuf,
    output: Lines,
}

impl Baresip {
    /// Starts it. `microphone`: a WAV file of 8 kHz, mono; when it is over,
    /// baresip hangs up.
    pub fn start(server: &Server, microphone: &Path) -> Self {
        let own = server.ports().peer_sip();
        Self::start_as(
            server,
            microphone,
            &format!("<sip:phone@127.0.0.1:{own}>;regint=0"),
        )
    }

    /// The same with an account that registers at the server for five minutes.
    pub fn start_registered(
        server: &Server,
        microphone: &Path,
        user: &str,
        password: &str,
        transport: &str,
    ) -> Self {
        let account = format!(
            "<sip:{user}@{};transport={transport}>;auth_user={user};auth_pass={password};regint=300",
            server.sip()
        );
        Self::start_as(server, microphone, &account)
    }

    fn start_as(server: &Server, microphone: &Path, account: &str) -> Self {
        let folder = server.folder().join("baresip");
        fs::create_dir_all(&folder).expect("a folder for baresip");
        write_configuration(server, &folder, microphone, account);
        let mut child = Command::new("baresip")
            .arg("-f")
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("baresip runs; scripts/setup --test installs them");
        let output = Lines::default();
        output.feed(child.stdout.take().expect("a pipe"));
        output.feed(child.stderr.take().expect("a pipe"));
        assert!(
            output
                .wait_for("baresip is ready", Duration::from_secs(10))
                .is_some(),
            "baresip did not start:\n{}",
            output.all().join("\n")
        );
        let control = TcpStream::connect(("127.0.0.1", server.ports().peer_control()))
            .expect("baresip listens before it is ready");
        let events = Lines::default();
        events.feed(Netstrings(control.try_clone().expect("a second handle")));
        Self {
            child,
            control,
            events,
            folder,
            output,
        }
    }

    pub fn dial(&mut self, uri: &str) {
        self.command("dial", uri);
    }

    pub fn hang_up(&mut self) {
        self.command("hangup", "");
    }

    /// Waits for an event such as `CALL_ESTABLISHED`.
    pub fn wait_for(&self, event: &str, timeout: Duration) -> String {
        self.events
            .wait_for(&format!("\"type\":\"{event}\""), timeout)
            .unwrap_or_else(|| {
                panic!(
                    "no {event} within {timeout:?}; events:\n{}\noutput:\n{}",
                    self.events.all().join("\n"),
                    self.output.all().join("\n")
                )
            })
    }

    /// Ends baresip and returns the samples that its ear heard, at 8 kHz.
    pub fn stop(mut self) -> Vec<i16> {
        self.command("quit", "");
        self.output.wait_for_end(Duration::from_secs(10));
        let recording = fs::read_dir(&self.folder)
            .expect("its folder")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .expect("a recording of what it decoded");
        let mut reader = hound::WavReader::open(recording).expect("a WAV file");
        assert_eq!(reader.spec().sample_rate, 8000);
        reader
            .samples::<i16>()
            .map(|sample| sample.expect("a whole sample"))
            .collect()
    }

    /// ctrl_tcp takes netstrings of JSON.
    fn command(&mut self, command: &str, parameters: &str) {
        let json = format!(r#"{{"command":"{command}","params":"{parameters}"}}"#);
        write!(self.control, "{}:{json},", json.len()).expect("baresip takes commands");
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Turns the end of each netstring into the end of a line.
struct Netstrings(TcpStream);

impl std::io::Read for Netstrings {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.read(buffer)?;
        for index in 1..length {
            if buffer[index] == b',' && buffer[index - 1] == b'}' {
                buffer[index] = b'\n';
            }
        }
        Ok(length)
    }
}

fn write_configuration(server: &Server, folder: &Path, microphone: &Path, account: &str) {
    let ports = server.ports();
    let (first, last) = ports.peer_media();
    let configuration = format!(
        "sip_listen 127.0.0.1:{}\n\
         net_interface 127.0.0.1\n\
         rtp_ports {first}-{last}\n\
         ctrl_tcp_listen 127.0.0.1:{}\n\
         audio_source aufile,{}\n\
         audio_player aubridge,ear\n\
         audio_alert aubridge,bell\n\
         ausrc_srate 8000\n\
         auplay_srate 8000\n\
         audio_txmode thread\n\
         audio_buffer 20-160\n\
         snd_path {}\n\
         module_path {}\n\
         module g711.so\n\
         module aubridge.so\n\
         module aufile.so\n\
         module sndfile.so\n\
         module_app account.so\n\
         module_app menu.so\n\
         module_app ctrl_tcp.so\n",
        ports.peer_sip(),
        ports.peer_control(),
        microphone.display(),
        folder.display(),
        module_folder().display(),
    );
    fs::write(folder.join("config"), configuration).expect("a configuration written");
    let account = format!("{account};audio_codecs=PCMU/8000/1,PCMA/8000/1\n");
    fs::write(folder.join("accounts"), account).expect("an account written");
    fs::write(folder.join("contacts"), "").expect("contacts written");
}

/// Where Debian puts the modules: one folder for all architectures, or one each.
fn module_folder() -> PathBuf {
    let candidates = [
        "/usr/lib/baresip/modules".to_owned(),
        format!(
            "/usr/lib/{}-linux-gnu/baresip/modules",
            std::env::consts::ARCH
        ),
    ];
    candidates
        .iter()
        .map(PathBuf::from)
        .find(|folder| folder.join("g711.so").exists())
        .unwrap_or_else(|| panic!("baresip's modules are in none of {candidates:?}"))
}
