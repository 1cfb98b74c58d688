//! Formats: what a payload type stands for, and which of them both sides know.

use super::TELEPHONE_EVENT_PAYLOAD_TYPE;
use super::stream::AudioStream;
use super::{CodecCapability, LocalMedia, NegotiatedCodec, NegotiatedEvents};

/// Encoding name of RFC 4733.
pub(super) const TELEPHONE_EVENT: &str = "telephone-event";

/// First dynamic payload type (RFC 3551 §6).
const FIRST_DYNAMIC: u8 = 96;

/// Last payload type.
const LAST_DYNAMIC: u8 = 127;

/// What a payload type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoding<'a> {
    pub(super) name: &'a str,
    pub(super) clock_rate: u32,
    pub(super) channels: u8,
}

impl Encoding<'_> {
    fn is(&self, capability: &CodecCapability) -> bool {
        self.clock_rate == capability.clock_rate
            && self.channels == capability.channels
            && self.name.eq_ignore_ascii_case(capability.name)
    }
}

/// `<payload type> <encoding name>/<clock rate>[/<channels>]` (RFC 8866 §6.6).
pub(super) fn parse_rtpmap(value: &str) -> Option<(u8, Encoding<'_>)> {
    let (payload_type, encoding) = value.split_once(|c: char| c.is_ascii_whitespace())?;
    let payload_type = payload_type.parse().ok().filter(|number| *number < 128)?;
    let mut fields = encoding.split('/').map(str::trim);
    let name = fields.next()?;
    let clock_rate = fields.next()?.parse().ok()?;
    let channels = match fields.next() {
        None | Some("") => 1,
        Some(channels) => channels.parse().ok()?,
    };
    let encoding = Encoding {
        name,
        clock_rate,
        channels,
    };
    Some((payload_type, encoding))
}

/// The audio formats that need no `a=rtpmap` (RFC 3551 table 4).
pub(super) fn static_encoding(payload_type: u8) -> Option<Encoding<'static>> {
    let (name, clock_rate, channels) = match payload_type {
        0 => ("PCMU", 8000, 1),
        3 => ("GSM", 8000, 1),
        4 => ("G723", 8000, 1),
        5 => ("DVI4", 8000, 1),
        6 => ("DVI4", 16000, 1),
        7 => ("LPC", 8000, 1),
        8 => ("PCMA", 8000, 1),
        9 => ("G722", 8000, 1),
        10 => ("L16", 44100, 2),
        11 => ("L16", 44100, 1),
        12 => ("QCELP", 8000, 1),
        13 => ("CN", 8000, 1),
        14 => ("MPA", 90000, 1),
        15 => ("G728", 8000, 1),
        16 => ("DVI4", 11025, 1),
        17 => ("DVI4", 22050, 1),
        18 => ("G729", 8000, 1),
        _ => return None,
    };
    Some(Encoding {
        name,
        clock_rate,
        channels,
    })
}

/// The formats of one stream that both sides have, or that we offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Formats {
    /// Codecs, the preferred one first.
    pub(super) codecs: Vec<NegotiatedCodec>,
    /// telephone-event, and the clock rate it goes by.
    pub(super) events: Option<(NegotiatedEvents, u32)>,
}

impl Formats {
    /// What of an offer we have. Payload types are the offer's, in both
    /// directions, and so is the order (RFC 3264 §6.1).
    pub(super) fn of_offer(stream: &AudioStream<'_>, local: &LocalMedia) -> Self {
        Self::common(stream, local, |payload_type, _| payload_type, |_| None)
    }

    /// What of our offer the answer kept. Its payload types may differ from ours
    /// (RFC 3264 §6.1), and a dynamic one that it does not map means what it
    /// meant in the offer.
    pub(super) fn of_answer(stream: &AudioStream<'_>, local: &LocalMedia, offered: &Self) -> Self {
        let receive = |payload_type, capability| {
            let mut codecs = offered.codecs.iter();
            let ours = codecs.find(|codec| Some(codec.capability) == capability);
            match capability {
                Some(_) => ours.map_or(payload_type, |codec| codec.receive),
                None => offered
                    .events
                    .map_or(payload_type, |events| events.0.receive),
            }
        };
        let meaning = |payload_type| offered.encoding(payload_type, local);
        let mut formats = Self::common(stream, local, receive, meaning);
        if offered.events.is_none() {
            formats.events = None;
        }
        formats
    }

    /// What we offer: all we have, with the payload types that are in use
    /// already where there are any (RFC 3264 §8.3.2).
    pub(super) fn to_offer(local: &LocalMedia, agreed: Option<&Self>) -> Self {
        let empty = Self::default();
        let agreed = agreed.unwrap_or(&empty);
        let mut taken: Vec<u8> = agreed.codecs.iter().map(|codec| codec.receive).collect();
        taken.extend(agreed.events.map(|events| events.0.receive));
        let mut codecs = Vec::with_capacity(local.codecs.len());
        for (capability, codec) in local.codecs.iter().enumerate() {
            let known = agreed
                .codecs
                .iter()
                .find(|known| known.capability == capability);
            let number = match known {
                Some(known) => Some(known.receive),
                None => free_payload_type(codec.payload_type, &mut taken),
            };
            codecs.extend(number.map(|number| NegotiatedCodec {
                capability,
                receive: number,
                send: number,
            }));
        }
        let clock_rate = local.codecs.first().map_or(8000, |codec| codec.clock_rate);
        let events = local.telephone_event.then(|| {
            let known = agreed.events.filter(|events| events.1 == clock_rate);
            let number = match known {
                Some(known) => Some(known.0.receive),
                None => free_payload_type(TELEPHONE_EVENT_PAYLOAD_TYPE, &mut taken),
            };
            number.map(|number| {
                (
                    NegotiatedEvents {
                        receive: number,
                        send: number,
                    },
                    clock_rate,
                )
            })
        });
        Self {
            codecs,
            events: events.flatten(),
        }
    }

    fn common<'a>(
        stream: &AudioStream<'a>,
        local: &'a LocalMedia,
        receive: impl Fn(u8, Option<usize>) -> u8,
        meaning: impl Fn(u8) -> Option<Encoding<'a>>,
    ) -> Self {
        let mut codecs: Vec<NegotiatedCodec> = Vec::with_capacity(local.codecs.len());
        let mut events = Vec::new();
        for (send, encoding) in stream.formats() {
            let Some(encoding) = encoding.or_else(|| meaning(send)) else {
                continue;
            };
            if encoding.name.eq_ignore_ascii_case(TELEPHONE_EVENT) {
                events.push((send, encoding.clock_rate));
                continue;
            }
            let known = local.codecs.iter().position(|codec| encoding.is(codec));
            let Some(capability) = known else {
                continue;
            };
            if codecs.iter().all(|codec| codec.capability != capability) {
                codecs.push(NegotiatedCodec {
                    capability,
                    receive: receive(send, Some(capability)),
                    send,
                });
            }
        }
        // RFC 4733 §2.1: events share the timestamps of the audio, so its clock.
        let clock_rate = codecs
            .first()
            .map(|codec| local.codecs[codec.capability].clock_rate);
        let event = events.iter().find(|event| Some(event.1) == clock_rate);
        let events = event
            .filter(|_| local.telephone_event)
            .map(|&(send, clock_rate)| {
                let receive = receive(send, None);
                (NegotiatedEvents { receive, send }, clock_rate)
            });
        Self { codecs, events }
    }

    /// What one of our payload types stands for.
    fn encoding<'a>(&self, payload_type: u8, local: &'a LocalMedia) -> Option<Encoding<'a>> {
        let mut codecs = self.codecs.iter();
        if let Some(codec) = codecs.find(|codec| codec.receive == payload_type) {
            let capability = &local.codecs[codec.capability];
            return Some(Encoding {
                name: capability.name,
                clock_rate: capability.clock_rate,
                channels: capability.channels,
            });
        }
        let events = self
            .events
            .filter(|events| events.0.receive == payload_type);
        events.map(|(_, clock_rate)| Encoding {
            name: TELEPHONE_EVENT,
            clock_rate,
            channels: 1,
        })
    }
}

/// `wish`, or the first dynamic number that nothing else uses.
fn free_payload_type(wish: u8, taken: &mut Vec<u8>) -> Option<u8> {
    let mut numbers = std::iter::once(wish).chain(FIRST_DYNAMIC..=LAST_DYNAMIC);
    let number = numbers.find(|number| !taken.contains(number))?;
    taken.push(number);
    Some(number)
}
