//! A worker on its thread, with sockets on loopback.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Duration;

use strowger_media::vocabulary::{Codec, CodecPayload, Direction};

use super::*;
use crate::media::{MediaLink, link};
use crate::sys::{Doorbell, Epoll, ReadyList};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const PORT: PortId = PortId {
    worker: 0,
    slot: 1,
    generation: 1,
};

struct Running {
    link: MediaLink,
    bell: Arc<Doorbell>,
    stats: Arc<WorkerStats>,
    thread: JoinHandle<()>,
}

fn running() -> Running {
    let bell = Arc::new(Doorbell::new().unwrap());
    let (link, end) = link(4, Arc::clone(&bell)).unwrap();
    let stats = Arc::new(WorkerStats::default());
    let settings = WorkerSettings {
        engine: EngineConfig {
            max_ports: 4,
            ..EngineConfig::default()
        },
        seed: 1,
        cpu: None,
    };
    let calls = Arc::new(CallTable::new(4));
    let thread = spawn(settings, end, calls, Arc::clone(&stats)).unwrap();
    Running {
        link,
        bell,
        stats,
        thread,
    }
}

fn config(remote: std::net::SocketAddr) -> PortConfig {
    PortConfig {
        tag: 0,
        remote_rtp: Some(remote),
        remote_rtcp: None,
        rtcp_mux: false,
        codecs: vec![CodecPayload {
            codec: Codec::Pcmu,
            receive: 0,
            send: 0,
        }],
        events: None,
        ptime_ms: 20,
        direction: Direction::SendRecv,
        ssrc: 7,
        first_sequence: 1,
        first_timestamp: 1,
        cname: "test".into(),
    }
}

impl Running {
    /// Waits on the bell, as signalling does.
    fn next_event(&mut self) -> MediaEvent {
        let epoll = Epoll::new().unwrap();
        epoll.add(std::os::fd::AsFd::as_fd(&*self.bell), 0).unwrap();
        let mut ready = ReadyList::new(1);
        loop {
            self.bell.arm();
            if let Some(event) = self.link.pop_event() {
                return event;
            }
            epoll.wait(&mut ready, true).unwrap();
            self.bell.hush();
        }
    }
}

#[test]
fn a_port_echoes_reports_and_closes_and_the_worker_ends() {
    let mut worker = running();
    let far = UdpSocket::bind((HERE, 0)).unwrap();
    far.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let sockets = SocketPair::bind(HERE, 13_300).unwrap();
    worker.link.push(WorkerOrder::Open {
        port: PORT,
        sockets,
        config: Box::new(config(far.local_addr().unwrap())),
    });
    let echo = MediaCommand::Echo {
        port: PORT,
        on: true,
    };
    worker.link.push(WorkerOrder::Command(echo));
    worker.link.flush();

    let mut packet = vec![0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 9];
    packet.extend((0..160).map(|n| n as u8));
    far.send_to(&packet, (HERE, 13_300)).unwrap();
    let mut back = [0; 2048];
    let (len, source) = far.recv_from(&mut back).unwrap();
    assert_eq!(source.port(), 13_300);
    assert_eq!(back[12..len], packet[12..], "the payload comes back");
    let latched = worker.next_event();
    let far_address = far.local_addr().unwrap();
    assert!(matches!(latched, MediaEvent::Latched { source, .. } if source == far_address));

    worker
        .link
        .push(WorkerOrder::Command(MediaCommand::Close { port: PORT }));
    worker.link.flush();
    match worker.next_event() {
        MediaEvent::Closed { port, stats } => {
            assert_eq!(port, PORT);
            assert_eq!((stats.packets_received, stats.packets_sent), (1, 1));
        }
        other => panic!("not closed: {other:?}"),
    }
    assert!(
        SocketPair::bind(HERE, 13_300).is_ok(),
        "the sockets are closed"
    );
    assert!(worker.stats.is_alive());
    drop(worker.link);
    worker.thread.join().unwrap();
    assert_eq!(worker.stats.packets_received.load(Relaxed), 1);
}

#[test]
fn a_worker_whose_thread_panics_is_dead() {
    let stats = Arc::new(WorkerStats::default());
    stats.set_asleep(true);
    let mark = MarkDead(Arc::clone(&stats));
    let thread = std::thread::spawn(move || {
        let _mark = mark;
        panic!("as a test");
    });
    assert!(thread.join().is_err());
    assert!(!stats.is_alive());
}
