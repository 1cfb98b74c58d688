//! One call record as one line of JSON, times in RFC 3339.

use std::fmt::Write as _;

use serde::Serialize;
use strowger_switch::record::{CallRecord, MediaRecord};

/// Appends the record and a line feed.
pub(super) fn write(record: &CallRecord, out: &mut Vec<u8>) {
    let line = Line {
        id: &record.id,
        sip_call_id: &record.sip_call_id,
        direction: record.direction,
        source: &record.source,
        source_name: &record.source_name,
        destination: &record.destination,
        remote: &record.remote,
        user_agent: &record.user_agent,
        flow: &record.flow,
        start: rfc3339(record.start_ms),
        answer: record.answer_ms.map(rfc3339),
        end: rfc3339(record.end_ms),
        duration_ms: record.end_ms.saturating_sub(record.start_ms),
        talk_ms: record
            .answer_ms
            .map_or(0, |answer| record.end_ms.saturating_sub(answer)),
        hangup_by: record.hangup_by,
        hangup_reason: record.hangup_reason,
        sip_status: record.sip_status,
        cause: &record.cause,
        codec: record.codec,
        media: record.media.as_ref(),
    };
    serde_json::to_writer(&mut *out, &line).expect("strings and numbers are always JSON");
    out.push(b'\n');
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    sip_call_id: &'a str,
    direction: &'a str,
    source: &'a str,
    source_name: &'a str,
    destination: &'a str,
    remote: &'a str,
    user_agent: &'a str,
    flow: &'a str,
    start: String,
    answer: Option<String>,
    end: String,
    duration_ms: u64,
    talk_ms: u64,
    hangup_by: &'a str,
    hangup_reason: &'a str,
    sip_status: u16,
    cause: &'a str,
    codec: &'a str,
    media: Option<&'a MediaRecord>,
}

/// `2026-11-20T10:38:00.250Z` from milliseconds since the Unix epoch. The day is
/// counted in eras of 400 years (146,097 days) that begin on 1 March.
fn rfc3339(unix_ms: u64) -> String {
    let (seconds, ms) = (unix_ms / 1000, unix_ms % 1000);
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    let mut text = String::with_capacity(24);
    write!(
        text,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"
    )
    .expect("a String takes everything");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339() {
        for (unix_ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
            (1_763_634_117_250, "2025-11-20T10:21:57.250Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(unix_ms), text);
        }
    }

    #[test]
    fn a_record_is_one_line_with_its_figures() {
        let record = CallRecord {
            source: "sip:\"a\nb\"@c".to_owned(),
            start_ms: 1_000,
            answer_ms: Some(1_500),
            end_ms: 4_000,
            hangup_by: "remote",
            media: Some(MediaRecord {
                packets_sent: 7,
                mos: Some(4.41),
                ..MediaRecord::default()
            }),
            ..CallRecord::default()
        };
        let mut line = Vec::new();
        write(&record, &mut line);
        assert_eq!(
            line.split(|&octet| octet == b'\n').count(),
            2,
            "the second is empty"
        );
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(value["answer"], "1970-01-01T00:00:01.500Z");
        assert_eq!(
            (&value["duration_ms"], &value["talk_ms"]),
            (&3000.into(), &2500.into())
        );
        assert_eq!(value["media"]["packets_sent"], 7);
        assert_eq!(value["media"]["mos"], 4.41);
    }
}
