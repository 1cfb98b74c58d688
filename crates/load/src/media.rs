//! The media of all calls: few sockets, many streams, one thread.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use crate::histogram::Histogram;
use crate::marker::{self, Marker, Marking};
use crate::rtp::{self, Packet, SAMPLES_PER_MS};
use crate::stream::{EchoCheck, Reception, Return};
use crate::sys::{self, Datagram, ReceiveBatch, SendBatch, wall_ns};

/// The longest packet taken.
const PACKET_ROOM: usize = 2048;
/// Wished receive buffer of a socket, in octets.
const BUFFER: usize = 16 << 20;
/// Streams for which one more socket is opened.
const STREAMS_PER_SOCKET: usize = 64;
/// The most sockets.
const MAX_SOCKETS: usize = 64;

/// What the load consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Sends marked packets and wants each of them back.
    Echo,
    /// Sends nothing and looks at what comes.
    Receive,
    /// Sends nothing and wants nothing.
    Idle,
}

/// What happened to the packets of the measured window.
#[derive(Clone, Debug, Default)]
pub struct MediaFigures {
    /// Packets from the far ends of our streams while the window was open.
    pub arrived: u64,
    /// Packets that came back once more.
    pub duplicate: u64,
    /// Packets that came back after one that was sent later.
    pub out_of_order: u64,
    /// Packets of ours that came back changed.
    pub altered: u64,
    /// Packets that were never sent by us, or not to whom they came from.
    pub foreign: u64,
    /// Packets that the kernel did not let us send.
    pub refused: u64,
    /// From sending to arrival, in ns.
    pub delay: Histogram,
    /// |D| of RFC 3550 §6.4.1 by packet, in ns.
    pub jitter: Histogram,
    /// How far arrivals are from one packet length apart, in ns.
    pub spacing: Histogram,
    /// How late we ourselves sent, in ns.
    pub late: Histogram,
}

/// Sockets, streams and figures.
pub struct MediaLoad {
    run: u32,
    mode: Mode,
    ptime_ms: u32,
    sockets: Vec<MediaSocket>,
    receive: ReceiveBatch,
    streams: Streams,
    /// The beginning of the schedule and the next packet in it.
    start_ns: u64,
    turn: u64,
}

struct MediaSocket {
    rtp: UdpSocket,
    /// Held so that reports for us do not bounce; never read.
    _rtcp: UdpSocket,
    send: SendBatch,
    dropped: u64,
    dropped_before: u64,
}

struct Streams {
    run: u32,
    mode: Mode,
    ptime_ns: u64,
    payload: usize,
    is_measuring: bool,
    list: Vec<Stream>,
    by_source: HashMap<SocketAddr, u32>,
    figures: MediaFigures,
}

#[derive(Default)]
struct Stream {
    far: Option<SocketAddr>,
    next: u32,
    echo: EchoCheck,
    reception: Reception,
}

impl MediaLoad {
    /// For this many streams; none is open yet.
    pub fn new(
        ip: IpAddr,
        mode: Mode,
        streams: usize,
        ptime_ms: u32,
        now: u64,
    ) -> io::Result<Self> {
        let count = streams.div_ceil(STREAMS_PER_SOCKET).clamp(1, MAX_SOCKETS);
        let sockets = (0..count).map(|_| {
            let (rtp, rtcp) = sys::bind_media(ip, BUFFER)?;
            Ok(MediaSocket {
                rtp,
                _rtcp: rtcp,
                send: SendBatch::new(PACKET_ROOM),
                dropped: 0,
                dropped_before: 0,
            })
        });
        let run = (wall_ns() / 1000) as u32;
        Ok(Self {
            run,
            mode,
            ptime_ms,
            sockets: sockets.collect::<io::Result<_>>()?,
            receive: ReceiveBatch::new(PACKET_ROOM),
            streams: Streams {
                run,
                mode,
                ptime_ns: u64::from(ptime_ms) * 1_000_000,
                payload: (ptime_ms * SAMPLES_PER_MS) as usize,
                is_measuring: false,
                list: std::iter::repeat_with(Stream::default)
                    .take(streams)
                    .collect(),
                by_source: HashMap::new(),
                figures: MediaFigures::default(),
            },
            start_ns: now,
            turn: 0,
        })
    }

    /// Where the packets of a stream have to come.
    pub fn local_address(&self, stream: u32) -> io::Result<SocketAddr> {
        let socket = stream as usize % self.sockets.len();
        self.sockets[socket].rtp.local_addr()
    }

    /// Where every stream's packets have to come, socket by socket: stream n
    /// uses the n-th, round and round.
    pub fn local_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.sockets
            .iter()
            .map(|one| one.rtp.local_addr())
            .collect()
    }

    /// A stream has its far end.
    pub fn open(&mut self, stream: u32, far: SocketAddr) {
        self.streams.list[stream as usize].far = Some(far);
        self.streams.by_source.insert(far, stream);
    }

    /// A stream is over.
    pub fn close(&mut self, stream: u32) {
        if let Some(far) = self.streams.list[stream as usize].far.take() {
            self.streams.by_source.remove(&far);
        }
    }

    /// Takes what came and sends what is due.
    pub fn turn(&mut self, now: u64) -> io::Result<()> {
        for socket in &mut self.sockets {
            let streams = &mut self.streams;
            let dropped = &mut socket.dropped;
            while self.receive.receive(socket.rtp.as_fd(), |datagram| {
                *dropped = datagram.dropped.map_or(*dropped, u64::from);
                streams.take(datagram);
            })? {}
        }
        match self.mode {
            Mode::Echo => self.send_due(now),
            Mode::Receive | Mode::Idle => {}
        }
        Ok(())
    }

    /// The window opens: figures start from nothing.
    pub fn open_window(&mut self) {
        self.streams.figures = MediaFigures::default();
        for stream in &mut self.streams.list {
            stream.echo.open(stream.next);
            stream.reception = Reception::default();
        }
        for socket in &mut self.sockets {
            socket.dropped_before = socket.dropped;
        }
        self.streams.is_measuring = true;
    }

    /// The window closes: packets sent from now on do not count, those sent
    /// before may still come back.
    pub fn close_window(&mut self) {
        for stream in &mut self.streams.list {
            stream.echo.close(stream.next);
        }
        self.streams.is_measuring = false;
    }

    /// Packets sent in the window and packets of it that came back.
    pub fn sent_and_returned(&self) -> (u64, u64) {
        let echoes = || self.streams.list.iter().map(|stream| &stream.echo);
        (
            echoes().map(EchoCheck::sent).sum(),
            echoes().map(EchoCheck::returned).sum(),
        )
    }

    /// Figures of the window.
    pub fn figures(&self) -> &MediaFigures {
        &self.streams.figures
    }

    /// Arrivals by stream in the window.
    pub fn receptions(&self) -> impl Iterator<Item = &Reception> {
        self.streams.list.iter().map(|stream| &stream.reception)
    }

    /// Packets that our own sockets dropped since the window opened.
    pub fn dropped(&self) -> u64 {
        let since = |one: &MediaSocket| one.dropped.saturating_sub(one.dropped_before);
        self.sockets.iter().map(since).sum()
    }

    /// Each stream has one turn a packet length, the turns spread evenly.
    fn send_due(&mut self, now: u64) {
        let count = self.streams.list.len() as u64;
        let ptime_ns = self.streams.ptime_ns;
        loop {
            let (frame, index) = (self.turn / count, self.turn % count);
            let due = self.start_ns + frame * ptime_ns + index * ptime_ns / count;
            if due > now {
                break;
            }
            self.turn += 1;
            self.send_one(index as u32, now - due);
        }
        for index in 0..self.sockets.len() {
            self.flush(index);
        }
    }

    fn send_one(&mut self, index: u32, late_ns: u64) {
        let streams = &mut self.streams;
        let stream = &mut streams.list[index as usize];
        let Some(far) = stream.far else {
            return;
        };
        let socket = index as usize % self.sockets.len();
        if self.sockets[socket].send.is_full() {
            self.flush(socket);
        }
        let streams = &mut self.streams;
        let stream = &mut streams.list[index as usize];
        let marker = Marker {
            run: self.run,
            stream: index,
            sequence: stream.next,
            sent_ns: 0,
        };
        stream.next += 1;
        let samples = self.ptime_ms * SAMPLES_PER_MS;
        let timestamp = marker.sequence.wrapping_mul(samples);
        let len = rtp::HEADER + streams.payload;
        self.sockets[socket].send.push(far, |octets| {
            let ssrc = self.run ^ index;
            rtp::write_header(octets, marker.sequence as u16, timestamp, ssrc);
            marker.write(&mut octets[rtp::HEADER..len]);
            len
        });
        if streams.is_measuring {
            streams.figures.late.add(late_ns);
        }
    }

    fn flush(&mut self, socket: usize) {
        let MediaSocket { rtp, send, .. } = &mut self.sockets[socket];
        // The time goes in as late as possible.
        let now = wall_ns();
        send.retouch(|octets| marker::restamp(&mut octets[rtp::HEADER..], now));
        self.streams.figures.refused += send.flush(rtp.as_fd());
    }
}

impl Streams {
    fn take(&mut self, datagram: Datagram<'_>) {
        let at_ns = datagram.stamp_ns.unwrap_or_else(wall_ns);
        let stream = self.by_source.get(&datagram.source).copied();
        let packet = Packet::parse(datagram.octets);
        let (Some(stream), Some(packet)) = (stream, packet) else {
            self.figures.foreign += u64::from(self.is_measuring);
            return;
        };
        match self.mode {
            Mode::Echo => self.take_echo(datagram.source, &packet, at_ns),
            Mode::Receive | Mode::Idle => self.take_arrival(stream, &packet, at_ns),
        }
    }

    /// The marker says which stream it is: a server may have one port for all.
    fn take_echo(&mut self, source: SocketAddr, packet: &Packet<'_>, at_ns: u64) {
        let marker = match Marker::check(packet.payload, self.run, self.payload) {
            Marking::Intact(marker) if self.is_of(marker.stream, source) => marker,
            Marking::Intact(_) | Marking::Foreign => {
                self.figures.foreign += u64::from(self.is_measuring);
                return;
            }
            Marking::Altered => {
                self.figures.altered += u64::from(self.is_measuring);
                return;
            }
        };
        let stream = marker.stream;
        self.take_arrival(stream, packet, at_ns);
        match self.list[stream as usize].echo.take(marker.sequence) {
            Return::Outside => return,
            Return::Duplicate => {
                self.figures.duplicate += 1;
                return;
            }
            Return::OutOfOrder => self.figures.out_of_order += 1,
            Return::InOrder => {}
        }
        let delay = at_ns.saturating_sub(marker.sent_ns);
        self.figures.delay.add(delay);
    }

    fn is_of(&self, stream: u32, source: SocketAddr) -> bool {
        let stream = self.list.get(stream as usize);
        stream.is_some_and(|stream| stream.far == Some(source))
    }

    fn take_arrival(&mut self, stream: u32, packet: &Packet<'_>, at_ns: u64) {
        if !self.is_measuring {
            return;
        }
        self.figures.arrived += 1;
        let reception = &mut self.list[stream as usize].reception;
        if let Some(even) = reception.take(packet, at_ns, self.ptime_ns) {
            self.figures.spacing.add(even.spacing);
            self.figures.jitter.add(even.jitter);
        }
    }
}
