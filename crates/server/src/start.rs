//! Putting the server together: everything that can fail at the start fails
//! here, with a sentence that names it.

use std::fs::File;
use std::io::{self, Read};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use strowger_media::engine::EngineConfig;
use strowger_switch::call_table::CallTable;
use strowger_switch::clock::Clock;
use strowger_switch::config::{MediaAddress, MediaAddressId};
use strowger_switch::input::Control;
use strowger_switch::registration::KeptRegistration;
use strowger_switch::switch::Switch;
use tokio::sync::mpsc::{Sender, UnboundedReceiver, channel};
use tokio::sync::oneshot;

use crate::config::{Config, MediaSettings};
use crate::http;
use crate::media::{self, MediaLink, PortRange, PortStock, WorkerSettings, WorkerStats};
use crate::net::TcpLimits;
use crate::prompts::{self, Library, LibraryLimits, MediaFolder, Prompts, Reply};
use crate::records::{self, RecordStats};
use crate::registrations::{self, Registrations};
use crate::signalling::{self, Board, BoundListener, MediaSide, SignallingParts};
use crate::sys::{self, Doorbell};

/// Socket pairs kept bound on each media address.
const STOCK: usize = 256;

/// Call records that may wait for the disk.
const MAX_WAITING_RECORDS: usize = 65_536;

/// Changes of registrations that may wait for the disk.
const MAX_WAITING_REGISTRATIONS: usize = 65_536;

/// Orders of the operator that may wait.
const MAX_WAITING_CONTROLS: usize = 16;

/// Octets that may wait on one stream connection.
const MAX_CONNECTION_QUEUE_BYTES: usize = 1 << 20;

/// How long half a message, or a peer that does not read, is put up with; and
/// how long a connection may take to open. Both are Timer B's 32 s, after which
/// the transaction has given up anyhow.
const STALLED: Duration = Duration::from_secs(32);

/// Descriptors that are neither call ports nor connections.
const SPARE_DESCRIPTORS: u64 = 256;

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    /// Orders to the switch.
    pub controls: Sender<Control>,
    /// Figures and signs of life.
    pub board: Arc<Board>,
    /// The HTTP listener, bound but not served yet.
    pub http: Option<TcpListener>,
    /// Answers when the signalling thread has ended; an error means it panicked.
    pub ended: Ended,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// Waits until all threads have ended, after the signalling thread has.
    pub fn join(self) {
        for thread in self.threads {
            // A thread that panicked has said so on its own.
            let _ = thread.join();
        }
    }
}

/// Starts everything that `config` asks for. `prompt_names` are loaded before the
/// first call.
pub fn start(config: &Config, prompt_names: &[String]) -> Result<Running> {
    warn_about_descriptors(config);
    let bound = bind_listeners(config)?;
    let http = config.http.map(|settings| settings.address);
    let http = http
        .map(|address| {
            http::bind(address).with_context(|| format!("HTTP cannot listen on {address}"))
        })
        .transpose()?;
    let (stocks, ports) = stock_ports(config)?;
    let (prompts, replies) = open_library(&config.media, prompt_names)?;

    let calls = Arc::new(CallTable::new(config.switch.limits.max_calls));
    let bell = Arc::new(Doorbell::new()?);
    let mut seeds = Seeds::open()?;
    let (links, workers, mut threads) = start_workers(config, &calls, &bell, &mut seeds)?;
    let record_stats = Arc::new(RecordStats::default());
    let records = match &config.records.file {
        Some(file) => {
            let (records, thread) =
                records::spawn(file, MAX_WAITING_RECORDS, Arc::clone(&record_stats)).with_context(
                    || format!("call records cannot be written to {}", file.display()),
                )?;
            threads.push(thread);
            Some(records)
        }
        None => None,
    };
    let (registrations, restored) = keep_registrations(config, &mut threads)?;
    let board = Arc::new(Board::new(workers, record_stats));
    let (controls, controls_out) = channel(MAX_WAITING_CONTROLS);
    let now = Instant::now();
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let clock = Clock {
        base: now,
        unix_ms: unix.as_millis() as u64,
    };
    let parts = SignallingParts {
        switch: Switch::new(config.switch.clone(), calls, seeds.next()?, clock, now),
        listeners: bound,
        tcp_limits: tcp_limits(config),
        media: MediaSide::new(links, stocks, ports, prompts),
        replies,
        controls: controls_out,
        bell,
        records,
        registrations,
        restored,
        board: Arc::clone(&board),
    };
    let (ended, thread) = start_signalling(parts)?;
    threads.insert(0, thread);
    Ok(Running {
        controls,
        board,
        http,
        ended,
        threads,
    })
}

/// Reads what was kept, and keeps what changes, when there are users and a file.
fn keep_registrations(
    config: &Config,
    threads: &mut Vec<JoinHandle<()>>,
) -> Result<(Option<Registrations>, Vec<KeptRegistration>)> {
    let file = config.registrations.file.as_deref();
    let Some(file) = file.filter(|_| config.switch.registration.is_some()) else {
        return Ok((None, Vec::new()));
    };
    let known = registrations::load(file)
        .with_context(|| format!("kept registrations cannot be read from {}", file.display()))?;
    let (kept, thread) = registrations::spawn(file, &known, MAX_WAITING_REGISTRATIONS)
        .with_context(|| format!("registrations cannot be kept in {}", file.display()))?;
    threads.push(thread);
    Ok((Some(kept), known))
}

type Ended = oneshot::Receiver<io::Result<()>>;

fn start_signalling(parts: SignallingParts) -> Result<(Ended, JoinHandle<()>)> {
    let (end, ended) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("signalling".to_owned())
        .spawn(move || {
            let result = signalling::run(parts);
            let _ = end.send(result);
        })?;
    Ok((ended, thread))
}

fn bind_listeners(config: &Config) -> Result<Vec<BoundListener>> {
    let bind = |listener| {
        BoundListener::bind(listener).map_err(|error| {
            let (transport, address) = (listener.transport, listener.local);
            let hint = match error.kind() {
                io::ErrorKind::AddrNotAvailable => {
                    ": this host does not have the address; take its listeners out of the file"
                }
                _ => "",
            };
            anyhow::Error::new(error)
                .context(format!("SIP cannot listen on {transport} {address}{hint}"))
        })
    };
    config.switch.listeners.iter().map(bind).collect()
}

type Stocks = (Vec<PortStock>, Vec<(MediaAddressId, u16)>);

fn stock_ports(config: &Config) -> Result<Stocks> {
    let range = PortRange {
        first: config.media.first_port,
        last: config.media.last_port,
    };
    let mut bound = Vec::new();
    let mut stock = |(index, address): (usize, &MediaAddress)| {
        let id = MediaAddressId(index as u16);
        PortStock::new(address.local, range, STOCK, |port| bound.push((id, port)))
    };
    let stocks = config
        .switch
        .media_addresses
        .iter()
        .enumerate()
        .map(&mut stock);
    let stocks = stocks.collect::<Result<_, _>>()?;
    Ok((stocks, bound))
}

/// Opens the media folder and loads `names`, the prompts that flows name.
fn open_library(
    settings: &MediaSettings,
    names: &[String],
) -> Result<(Prompts, UnboundedReceiver<Reply>)> {
    let folder = MediaFolder::new(&settings.folder).with_context(|| {
        format!(
            "the media folder {} cannot be used",
            settings.folder.display()
        )
    })?;
    let limits = LibraryLimits {
        max_prompt_s: settings.max_prompt_s,
        max_cached_s: settings.max_cached_s,
    };
    let mut library = Library::new(folder, limits);
    for name in names {
        library.get(name)?;
    }
    Ok(prompts::spawn_library(library)?)
}

type Workers = (Vec<MediaLink>, Vec<Arc<WorkerStats>>, Vec<JoinHandle<()>>);

fn start_workers(
    config: &Config,
    calls: &Arc<CallTable>,
    bell: &Arc<Doorbell>,
    seeds: &mut Seeds,
) -> Result<Workers> {
    let media = &config.media;
    let cpus = sys::allowed_cpus();
    let (mut links, mut all_stats, mut threads) = (Vec::new(), Vec::new(), Vec::new());
    for worker in 0..media.workers {
        let (link, end) = media::link(media.max_ports_per_worker, Arc::clone(bell))?;
        let stats = Arc::new(WorkerStats::default());
        stats.set_asleep(true);
        let settings = WorkerSettings {
            engine: EngineConfig {
                worker,
                max_ports: media.max_ports_per_worker,
                jitter_min_ms: media.jitter_min_ms,
                jitter_max_ms: media.jitter_max_ms,
                max_buffered_packets: media.max_buffered_packets,
                rtcp_interval_ms: media.rtcp_interval_ms,
                ..EngineConfig::default()
            },
            seed: seeds.next()?,
            cpu: (usize::from(media.workers) <= cpus.len()).then(|| cpus[usize::from(worker)]),
        };
        threads.push(media::spawn(
            settings,
            end,
            Arc::clone(calls),
            Arc::clone(&stats),
        )?);
        links.push(link);
        all_stats.push(stats);
    }
    Ok((links, all_stats, threads))
}

fn tcp_limits(config: &Config) -> TcpLimits {
    TcpLimits {
        max_connections: config.connections.max_connections as usize,
        idle: config.connections.idle,
        stalled: STALLED,
        connect: STALLED,
        max_queue_bytes: MAX_CONNECTION_QUEUE_BYTES,
        message: config.switch.message.clone(),
    }
}

/// A call takes two descriptors, a connection one.
fn warn_about_descriptors(config: &Config) {
    let calls = u64::from(config.switch.limits.max_calls);
    let needed = 2 * calls + u64::from(config.connections.max_connections) + SPARE_DESCRIPTORS;
    match sys::raise_open_files() {
        Ok(limit) if limit < needed => {
            tracing::warn!(
                limit,
                needed,
                "the limit of open files is below what max_calls and max_connections need"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be read"),
    }
}

/// Seeds nobody can guess, from the kernel.
struct Seeds(File);

impl Seeds {
    fn open() -> Result<Self> {
        File::open("/dev/urandom")
            .map(Self)
            .context("/dev/urandom cannot be opened")
    }

    fn next(&mut self) -> Result<u64> {
        let mut octets = [0; 8];
        self.0
            .read_exact(&mut octets)
            .context("/dev/urandom cannot be read")?;
        Ok(u64::from_ne_bytes(octets))
    }
}
