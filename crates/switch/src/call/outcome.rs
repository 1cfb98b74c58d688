//! How a call ended and what its record says of it.

use std::borrow::Cow;

use strowger_media::vocabulary::PortStats;
use strowger_sip::message::{HeaderName, NameAddr, Rejection, Request, StatusCode};

use super::Incoming;
use crate::record::{CallRecord, MediaRecord};

/// RTP ticks of G.711 in a millisecond.
const TICKS_PER_MS: f64 = 8.0;

/// Who ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Remote,
    Local,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) by: Party,
    /// One of the reference's words: `normal`, `failed`, `busy`, `cancel`, `timeout`,
    /// `noanswer`.
    pub(crate) reason: &'static str,
    /// Final status of the INVITE when it had none before; 200 when answered.
    pub(crate) status: StatusCode,
    /// A sentence.
    pub(crate) cause: Cow<'static, str>,
    /// What to answer an INVITE that is still open, when it is more than `status`.
    rejection: Option<Box<Rejection>>,
}

impl Outcome {
    fn new(
        by: Party,
        reason: &'static str,
        status: StatusCode,
        cause: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            by,
            reason,
            status,
            cause: cause.into(),
            rejection: None,
        }
    }

    pub(crate) fn remote_bye(bye: &Request) -> Self {
        let cause = match bye.headers.get(&HeaderName::Reason) {
            Some(reason) => {
                format!("the caller hung up: {}", String::from_utf8_lossy(reason)).into()
            }
            None => Cow::Borrowed("the caller hung up"),
        };
        Self::new(Party::Remote, "normal", StatusCode::OK, cause)
    }

    pub(crate) fn cancelled() -> Self {
        let cause = "the caller gave up before the answer";
        Self::new(
            Party::Remote,
            "cancel",
            StatusCode::REQUEST_TERMINATED,
            cause,
        )
    }

    /// The flow hung up; `status` is what an unanswered caller is told.
    pub(crate) fn hung_up(status: StatusCode, answered: bool) -> Self {
        if answered {
            return Self::new(Party::Local, "normal", StatusCode::OK, "the flow hung up");
        }
        let reason = match status.code() {
            486 | 600 => "busy",
            408 | 480 => "noanswer",
            _ => "failed",
        };
        Self::new(Party::Local, reason, status, "the flow refused the call")
    }

    pub(crate) fn flow_ended() -> Self {
        Self::new(Party::Local, "normal", StatusCode::OK, "the flow ended")
    }

    pub(crate) fn refused(rejection: Rejection) -> Self {
        let cause = rejection.reason.clone();
        let mut outcome = Self::new(Party::Local, "failed", rejection.status, cause);
        outcome.rejection = Some(Box::new(rejection));
        outcome
    }

    pub(crate) fn local_failure(cause: String) -> Self {
        Self::new(
            Party::Local,
            "failed",
            StatusCode::SERVER_INTERNAL_ERROR,
            cause,
        )
    }

    pub(crate) fn no_ack() -> Self {
        Self::new(
            Party::Local,
            "failed",
            StatusCode::OK,
            "the caller never acknowledged the 200",
        )
    }

    pub(crate) fn ring_timeout() -> Self {
        let cause = "the flow did not answer within ring_timeout_s";
        Self::new(
            Party::Local,
            "noanswer",
            StatusCode::TEMPORARILY_UNAVAILABLE,
            cause,
        )
    }

    pub(crate) fn too_long() -> Self {
        let cause = "the call lasted max_call_duration_s";
        Self::new(Party::Local, "timeout", StatusCode::REQUEST_TIMEOUT, cause)
    }

    pub(crate) fn drained() -> Self {
        let cause = "the switch is shutting down";
        Self::new(
            Party::Local,
            "normal",
            StatusCode::SERVICE_UNAVAILABLE,
            cause,
        )
    }

    pub(crate) fn operator() -> Self {
        let cause = "the operator ended the call";
        Self::new(
            Party::Local,
            "normal",
            StatusCode::TEMPORARILY_UNAVAILABLE,
            cause,
        )
    }

    pub(crate) fn rejection(&self) -> Rejection {
        match &self.rejection {
            Some(rejection) => (**rejection).clone(),
            None => Rejection::new(self.status),
        }
    }
}

/// What is known of a call when it comes in.
pub(super) fn opened(incoming: &Incoming, uuid: &str, now_ms: u64) -> CallRecord {
    let Incoming { invite, hop, .. } = incoming;
    let from = invite.headers.from_().ok();
    CallRecord {
        id: uuid.to_owned(),
        sip_call_id: invite
            .headers
            .call_id()
            .map(|id| lossy(&id))
            .unwrap_or_default(),
        direction: "incoming",
        source: from
            .as_ref()
            .map(|from| lossy(from.uri.as_bytes()))
            .unwrap_or_default(),
        source_name: from.as_ref().map(display_name).unwrap_or_default(),
        destination: lossy(invite.uri.as_bytes()),
        remote: format!("{} {}", hop.transport, hop.remote),
        user_agent: invite
            .headers
            .get(&HeaderName::UserAgent)
            .map(lossy)
            .unwrap_or_default(),
        flow: incoming.flow.name().to_owned(),
        start_ms: now_ms,
        ..CallRecord::default()
    }
}

/// Fills in what is known when it is over.
pub(super) fn closed(
    record: &mut CallRecord,
    outcome: Outcome,
    figures: Option<&PortStats>,
    now_ms: u64,
) {
    record.end_ms = now_ms;
    record.hangup_by = match outcome.by {
        Party::Remote => "remote",
        Party::Local => "local",
    };
    record.hangup_reason = outcome.reason;
    record.sip_status = if record.answer_ms.is_some() {
        200
    } else {
        outcome.status.code()
    };
    record.cause = outcome.cause.into_owned();
    record.media = figures.map(media_record);
}

fn media_record(figures: &PortStats) -> MediaRecord {
    MediaRecord {
        packets_sent: figures.packets_sent,
        octets_sent: figures.octets_sent,
        packets_received: figures.packets_received,
        octets_received: figures.octets_received,
        lost: figures.packets_lost,
        remote_lost: figures.remote_lost,
        jitter_max_ms: f64::from(figures.jitter_max_ticks) / TICKS_PER_MS,
        jitter_ms: f64::from(figures.jitter_ticks) / TICKS_PER_MS,
        round_trip_ms: (figures.round_trip_us > 0)
            .then(|| f64::from(figures.round_trip_us) / 1000.0),
        mos: (figures.mos_x100 > 0).then(|| f64::from(figures.mos_x100) / 100.0),
        digits: figures.digits,
    }
}

fn display_name(from: &NameAddr) -> String {
    from.display().map(|name| lossy(&name)).unwrap_or_default()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
