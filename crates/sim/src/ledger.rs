//! The books: what the switch has to have done for every call, checked at each
//! step and at the end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use strowger_switch::effect::{Event, EventKind};
use strowger_switch::record::CallRecord;

use crate::wire::Reading;

/// 64 × T1.
const ACK_TIME: Duration = Duration::from_secs(32);

/// An INVITE answered with 2xx.
#[derive(Debug)]
struct Accepted {
    message: Vec<u8>,
    first: Instant,
    last: Instant,
    sent: u32,
    acknowledged: bool,
    /// The caller has sent another INVITE since: it has the 2xx.
    superseded: bool,
}

/// A final response, and when it was sent first.
#[derive(Debug)]
struct Final {
    message: Vec<u8>,
    first: Instant,
}

/// What was sent and what came of it.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By Call-ID and CSeq.
    accepted: BTreeMap<(String, u32), Accepted>,
    /// Final response of each server transaction, by branch and method.
    finals: HashMap<(String, String), Final>,
    /// Calls that said goodbye in either direction, by Call-ID.
    goodbyes: HashSet<String>,
    /// How far each call has come, by id.
    stages: HashMap<Arc<str>, u8>,
    records: HashMap<String, CallRecord>,
    ended: HashSet<Arc<str>>,
    /// What was broken, whatever was sent.
    pub violations: Vec<String>,
    /// What was broken if all that was sent was sent by phones.
    pub complaints: Vec<String>,
    /// Records of calls that were answered.
    pub answered: u64,
    /// 2xx to INVITE sent again.
    pub retransmitted: u64,
}

impl Ledger {
    /// Calls that began so far.
    pub fn created(&self) -> usize {
        self.stages.len()
    }

    /// Records written so far.
    pub fn recorded(&self) -> usize {
        self.ended.len()
    }

    /// The records of all calls.
    pub fn records(&self) -> impl Iterator<Item = &CallRecord> {
        self.records.values()
    }

    /// The record of a call by its Call-ID.
    pub fn record(&self, call_id: &str) -> Option<&CallRecord> {
        self.records.get(call_id)
    }

    /// The switch sends this.
    pub fn sent(&mut self, bytes: &[u8], now: Instant) {
        let reading = match Reading::of(bytes) {
            Ok(reading) => reading,
            Err(why) => {
                let text = String::from_utf8_lossy(bytes);
                self.complaints.push(format!("{why} in {text}"));
                return;
            }
        };
        match reading.status() {
            None => self.sent_request(&reading, now),
            Some(..200) => self.sent_provisional(&reading),
            Some(status) => self.sent_final(&reading, status, bytes, now),
        }
    }

    /// The switch has been given this.
    pub fn delivered(&mut self, reading: &Reading) {
        if reading.request().is_none() {
            return;
        }
        if reading.method == "ACK" {
            let key = (reading.call_id.clone(), reading.cseq);
            if let Some(accepted) = self.accepted.get_mut(&key) {
                accepted.acknowledged = true;
            }
        } else if reading.method == "INVITE" {
            for ((call_id, cseq), accepted) in &mut self.accepted {
                accepted.superseded |= *call_id == reading.call_id && *cseq < reading.cseq;
            }
        } else if reading.method == "BYE" && reading.to_tag.is_some() {
            self.goodbyes.insert(reading.call_id.clone());
        }
    }

    /// The switch tells this.
    pub fn told(&mut self, event: &Event) {
        let stage = match &event.kind {
            EventKind::Created { .. } => 0,
            EventKind::Ringing => 1,
            EventKind::Progressing => 2,
            EventKind::Terminating | EventKind::Canceling => 3,
            EventKind::HangUp { .. } => 4,
            EventKind::Extension { .. } | EventKind::Banned { .. } => return,
            EventKind::Digit(_)
            | EventKind::ActionStarted { .. }
            | EventKind::ActionFailed { .. } => {
                if self.stages.get(&event.id).is_none_or(|stage| *stage >= 4) {
                    self.violations
                        .push(format!("{:?} of a call that is not up", event.kind));
                }
                return;
            }
        };
        let before = self.stages.insert(event.id.clone(), stage);
        let in_order = match before {
            None => stage == 0,
            Some(before) => stage > before,
        };
        if !in_order {
            self.violations
                .push(format!("{:?} after stage {before:?}", event.kind));
        }
    }

    /// The switch writes a record.
    pub fn written(&mut self, record: &CallRecord) {
        let known = self.stages.get_key_value(&*record.id);
        let Some((id, stage)) = known.map(|(id, stage)| (id.clone(), *stage)) else {
            self.violations
                .push(format!("a record of no call: {record:?}"));
            return;
        };
        if stage != 4 {
            self.violations
                .push(format!("a record before the hang-up: {record:?}"));
        }
        if !self.ended.insert(id) {
            self.violations
                .push(format!("two records of one call: {record:?}"));
        }
        if let Some(other) = self
            .records
            .insert(record.sip_call_id.clone(), record.clone())
        {
            self.complaints
                .push(format!("two calls of one INVITE: {other:?} and {record:?}"));
        }
        self.answered += u64::from(record.answer_ms.is_some());
        let answered = record
            .answer_ms
            .is_some_and(|answer| answer >= record.start_ms);
        let sane = record.end_ms >= record.start_ms
            && matches!(record.hangup_by, "remote" | "local")
            && (record.sip_status == 200) == answered;
        if !sane {
            self.violations
                .push(format!("a record that contradicts itself: {record:?}"));
        }
    }

    /// All calls are over: everything has to be settled.
    pub fn check_rest(&mut self) {
        for ((call_id, cseq), accepted) in &self.accepted {
            let settled = accepted.acknowledged || accepted.superseded;
            if !settled && !self.goodbyes.contains(call_id) {
                self.complaints.push(format!(
                    "the 2xx to {call_id} {cseq} has neither ACK nor BYE"
                ));
            }
        }
        for id in self.stages.keys().filter(|id| !self.ended.contains(*id)) {
            self.violations.push(format!("no record of {id}"));
        }
        self.violations.sort();
        self.complaints.sort();
    }

    fn sent_request(&mut self, reading: &Reading, now: Instant) {
        if reading.method != "BYE" {
            self.violations
                .push(format!("the switch sends {}", reading.method));
            return;
        }
        // RFC 3261 §15: the callee says BYE after the ACK, or when none came.
        for ((call_id, cseq), accepted) in &self.accepted {
            let waits = !accepted.acknowledged && !accepted.superseded;
            if *call_id == reading.call_id && waits && now < accepted.first + ACK_TIME {
                self.complaints
                    .push(format!("BYE of {call_id} before the ACK to {cseq}"));
            }
        }
        self.goodbyes.insert(reading.call_id.clone());
    }

    fn sent_provisional(&mut self, reading: &Reading) {
        let key = (reading.branch.clone(), reading.method.clone());
        if self.finals.contains_key(&key) {
            self.complaints
                .push(format!("{:?} after the final response", reading.status()));
        }
    }

    /// A server transaction has one final response (RFC 3261 §17.2).
    fn sent_final(&mut self, reading: &Reading, status: u16, bytes: &[u8], now: Instant) {
        let key = (reading.branch.clone(), reading.method.clone());
        let this = || Final {
            message: bytes.to_vec(),
            first: now,
        };
        let known = self.finals.entry(key).or_insert_with(this);
        // After timers J and L the transaction is forgotten; a request that was
        // under way for that long is a new one.
        if now >= known.first + ACK_TIME {
            *known = this();
        }
        if known.message != bytes {
            let known = String::from_utf8_lossy(&known.message);
            let other = String::from_utf8_lossy(bytes);
            self.complaints
                .push(format!("two final responses: {known} and {other}"));
        }
        if reading.method == "INVITE" && (200..300).contains(&status) {
            self.sent_acceptance(reading, bytes, now);
        }
    }

    fn sent_acceptance(&mut self, reading: &Reading, bytes: &[u8], now: Instant) {
        let key = (reading.call_id.clone(), reading.cseq);
        let Some(accepted) = self.accepted.get_mut(&key) else {
            let accepted = Accepted {
                message: bytes.to_vec(),
                first: now,
                last: now,
                sent: 1,
                acknowledged: false,
                superseded: false,
            };
            self.accepted.insert(key, accepted);
            return;
        };
        self.retransmitted += 1;
        accepted.sent += 1;
        let pause = now.duration_since(accepted.last);
        accepted.last = now;
        // RFC 3261 §13.3.1.4: T1, doubled up to T2, for 64 × T1.
        let in_time = pause >= Duration::from_millis(500) && now <= accepted.first + ACK_TIME;
        if accepted.acknowledged || accepted.message != bytes || !in_time || accepted.sent > 11 {
            let count = accepted.sent;
            self.complaints
                .push(format!("2xx to {key:?} number {count} after {pause:?}"));
        }
    }
}
