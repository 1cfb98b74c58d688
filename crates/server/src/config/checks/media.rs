//! `[media]`.

use std::thread::available_parallelism;

use strowger_media::vocabulary::Codec;

use super::super::file::{CodecName, MediaSection};
use super::super::settings::MediaSettings;
use super::Checks;

/// What `MediaEngine`'s jitter buffer holds at most, in ms.
const MAX_JITTER_MS: u16 = 240;

impl Checks<'_> {
    pub(super) fn media(&mut self, section: &MediaSection, max_calls: u32) -> MediaSettings {
        let (first_port, last_port) = self.port_range(&section.port_range, max_calls);
        let (jitter_min_ms, jitter_max_ms) = self.jitter(section);
        let workers = match section.workers {
            Some(workers) => self.number("media.workers", workers, 1..=256, "threads"),
            None => available_parallelism().map_or(1, |cores| cores.get().min(256) as u16),
        };
        MediaSettings {
            workers,
            max_ports_per_worker: max_calls,
            first_port,
            last_port,
            folder: self.join(&section.folder),
            jitter_min_ms,
            jitter_max_ms,
            max_buffered_packets: self.number(
                "media.max_buffered_packets",
                section.max_buffered_packets,
                16..=10_000_000,
                "packets",
            ),
            rtcp_interval_ms: self.number(
                "media.rtcp_interval_ms",
                section.rtcp_interval_ms,
                500..=60_000,
                "ms",
            ),
            max_prompt_s: self.number("media.max_prompt_s", section.max_prompt_s, 1..=36_000, "s"),
            max_cached_s: self.number(
                "media.max_cached_s",
                section.max_cached_s,
                1..=1_000_000,
                "s",
            ),
        }
    }

    pub(super) fn codecs(&mut self, names: &[CodecName]) -> Vec<Codec> {
        let path = "media.codecs";
        if names.is_empty() {
            self.wrong(path, "without a codec there is no audio")
                .expected = Some("one or both of \"PCMU\" and \"PCMA\"".to_owned());
        }
        let mut codecs = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let codec = match name {
                CodecName::Pcmu => Codec::Pcmu,
                CodecName::Pcma => Codec::Pcma,
            };
            if codecs.contains(&codec) {
                self.wrong(&format!("{path}[{index}]"), format!("{codec} stands twice"));
            }
            codecs.push(codec);
        }
        codecs
    }

    pub(super) fn ptime_ms(&mut self, ptime_ms: u64) -> u8 {
        let path = "media.ptime_ms";
        let ptime = self.number(path, ptime_ms, 10..=60_u8, "ms");
        if !ptime.is_multiple_of(10) {
            self.wrong(path, format!("`ptime_ms` cannot be {ptime}"))
                .expected = Some("10, 20, 30, 40, 50 or 60 ms".to_owned());
        }
        ptime
    }

    fn port_range(&mut self, ports: &[u64], max_calls: u32) -> (u16, u16) {
        let path = "media.port_range";
        let ends = match ports {
            [first, last] => u16::try_from(*first).ok().zip(u16::try_from(*last).ok()),
            _ => None,
        };
        let Some((first, last)) = ends.filter(|(first, last)| first <= last) else {
            self.wrong(path, "this is no range of ports").expected =
                Some("the first and the last port, as in [20000, 29999]".to_owned());
            return (0, 0);
        };
        self.port_pairs(first, last);
        let pairs = (u32::from(last) + 1 - u32::from(first)) / 2;
        if pairs < max_calls {
            self.wrong(
                path,
                format!("{pairs} pairs of ports are too few for `max_calls` = {max_calls}"),
            )
            .expected = Some(format!("{} ports or more", max_calls.saturating_mul(2)));
        }
        (first, last)
    }

    /// RTP has an even port and RTCP the odd one above it (RFC 3550 §11).
    fn port_pairs(&mut self, first: u16, last: u16) {
        let rule = "RTP is even, RTCP the odd one above it (RFC 3550 §11)";
        if !first.is_multiple_of(2) {
            self.wrong(
                "media.port_range[0]",
                format!("the first port, {first}, is odd"),
            )
            .expected = Some(format!("an even port: {rule}"));
        } else if first < 1_024 {
            self.wrong(
                "media.port_range[0]",
                format!("the first port, {first}, is one of the system's"),
            )
            .expected = Some("1024 or more".to_owned());
        }
        if last.is_multiple_of(2) {
            self.wrong(
                "media.port_range[1]",
                format!("the last port, {last}, is even"),
            )
            .expected = Some(format!("an odd port: {rule}"));
        }
    }

    fn jitter(&mut self, section: &MediaSection) -> (u16, u16) {
        let most = self.number(
            "media.jitter_max_ms",
            section.jitter_max_ms,
            20..=MAX_JITTER_MS,
            "ms",
        );
        let least = self.number(
            "media.jitter_min_ms",
            section.jitter_min_ms,
            0..=MAX_JITTER_MS,
            "ms",
        );
        if least > most {
            self.wrong(
                "media.jitter_min_ms",
                "`jitter_min_ms` is more than `jitter_max_ms`",
            )
            .expected = Some(format!("0 to {most} ms"));
        }
        (least, most)
    }
}
