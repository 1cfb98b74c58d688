//! The offer/answer machine of one leg (RFC 3264; who may speak when: RFC 6337).
//!
//! An offer that comes in is answered in the same call, so there is no state in
//! which the far end waits for us.
//!
//! | state | input | next | output |
//! | --- | --- | --- | --- |
//! | Idle | offer, something fits | Stable | answer, media |
//! | Idle | offer, nothing fits or malformed | Idle | 488 or 400 |
//! | Idle | `offer` | Offered | our offer |
//! | Idle | answer | Idle | `WrongState` |
//! | Offered | offer | Offered | 491 |
//! | Offered | `offer` | Offered | `WrongState` |
//! | Offered | answer, fits | Stable | media |
//! | Offered | answer, refused or malformed | what it was before the offer | error |
//! | Offered | `abandon` | what it was before the offer | |
//! | Stable | offer, something fits | Stable | answer, media |
//! | Stable | offer, nothing fits or malformed | Stable, unchanged | 488 or 400 |
//! | Stable | `offer` | Offered | our offer |
//! | Stable | answer | Stable | `WrongState` |
//! | Idle, Stable | `abandon` | same | |

use bytes::Bytes;
use sdp_types::Media;

use super::codec::Formats;
use super::read::{Description, Malformed};
use super::stream::{self, AudioStream, Remote};
use super::write::{OurStream, Sent, Slot};
use super::{Direction, LocalMedia, NegotiatedMedia};

/// Why an offer was not answered, or ours not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Not a session description: 400.
    #[error("malformed session description: {0}")]
    Malformed(#[from] Malformed),
    /// No stream has a codec, protocol and address that we can use: 488.
    #[error("no stream of the offer fits")]
    NothingFits,
    /// An offer of ours is not answered yet: 491 (RFC 3264 §4, RFC 3311 §5.2).
    #[error("an offer of ours is not answered yet")]
    WrongState,
}

impl OfferError {
    /// SIP status that tells the far end.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::NothingFits => 488,
            Self::WrongState => 491,
        }
    }
}

/// Why an answer is of no use. The call cannot go on with it: a dialog that is
/// up is ended with BYE.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Not a session description, or not one for our offer.
    #[error("malformed session description: {0}")]
    Malformed(#[from] Malformed),
    /// Our stream was refused, or answered without a codec that we offered.
    #[error("our stream was refused")]
    NothingFits,
    /// No offer of ours is out.
    #[error("no offer of ours is waiting for an answer")]
    WrongState,
}

/// The formats of our stream and the `m=` lines of the session: of what was
/// agreed last, or of an offer of ours that waits for its answer.
#[derive(Clone, Debug)]
struct Exchange {
    formats: Formats,
    slots: Vec<Slot>,
}

/// Offer/answer of one leg.
#[derive(Clone, Debug)]
pub struct OfferAnswer {
    local: LocalMedia,
    /// `Some` in the state Offered.
    offer: Option<Box<Exchange>>,
    /// `None` is Idle, `Some` is Stable, unless an offer of ours is out.
    agreed: Option<Exchange>,
    sent: Option<Sent>,
}

impl OfferAnswer {
    /// A machine that has seen nothing yet.
    pub fn new(local: LocalMedia) -> Self {
        Self {
            local,
            offer: None,
            agreed: None,
            sent: None,
        }
    }

    /// Our side, as given to `new`.
    pub fn local(&self) -> &LocalMedia {
        &self.local
    }

    /// The description we sent last. A 2xx repeats it when an 18x carried it
    /// already (RFC 3261 §13.3.1).
    pub fn description(&self) -> Option<&Bytes> {
        self.sent.as_ref().map(|sent| &sent.text)
    }

    /// Whether an offer of ours waits for its answer.
    pub fn is_offering(&self) -> bool {
        self.offer.is_some()
    }

    /// Answers an offer of the far end. An error changes nothing.
    pub fn handle_offer(&mut self, body: &[u8]) -> Result<(Bytes, NegotiatedMedia), OfferError> {
        if self.offer.is_some() {
            return Err(OfferError::WrongState);
        }
        let description = Description::parse(body)?;
        let chosen = self.choose(&description)?;
        let medias = &description.session.medias;
        let ours = chosen.as_ref().map(|(index, ..)| *index);
        let slots = (0..).zip(medias).map(|(index, media)| match ours {
            Some(ours) if ours == index => Slot::Ours,
            _ => refused(media),
        });
        let slots: Vec<Slot> = slots.collect();
        let (media, formats) = match chosen {
            Some((_, stream, formats)) => (negotiated(&stream, &formats, &self.local), formats),
            None => (disabled(&self.local), Formats::default()),
        };
        let our_stream = ours.map(|_| OurStream {
            formats: &formats,
            ptime_ms: media.ptime_ms,
            direction: media.direction,
            rtcp_mux: media.rtcp_mux,
        });
        let answer = Sent::next(self.sent.as_ref(), &self.local, &slots, our_stream.as_ref());
        let text = answer.text.clone();
        self.sent = Some(answer);
        self.agreed = Some(Exchange { formats, slots });
        Ok((text, media))
    }

    /// Makes an offer of ours: in the 2xx to an INVITE without one, or in a
    /// re-INVITE. It offers everything we have, like a first one (RFC 3261
    /// §14.2), in the places and with the payload types in use.
    pub fn offer(&mut self) -> Result<Bytes, OfferError> {
        if self.offer.is_some() {
            return Err(OfferError::WrongState);
        }
        let agreed = self.agreed.as_ref();
        let formats = Formats::to_offer(&self.local, agreed.map(|agreed| &agreed.formats));
        let mut slots = agreed.map_or_else(Vec::new, |agreed| agreed.slots.clone());
        take_slot(&mut slots);
        let stream = OurStream {
            formats: &formats,
            ptime_ms: self.local.ptime_ms,
            direction: Direction::SendRecv,
            rtcp_mux: self.local.rtcp_mux,
        };
        let offer = Sent::next(self.sent.as_ref(), &self.local, &slots, Some(&stream));
        let text = offer.text.clone();
        self.sent = Some(offer);
        self.offer = Some(Box::new(Exchange { formats, slots }));
        Ok(text)
    }

    /// Takes the answer to our offer. After an error the offer counts as
    /// rejected.
    pub fn handle_answer(&mut self, body: &[u8]) -> Result<NegotiatedMedia, AnswerError> {
        let Some(offer) = self.offer.take() else {
            return Err(AnswerError::WrongState);
        };
        let description = Description::parse(body)?;
        let ours = offer.slots.iter().position(|slot| *slot == Slot::Ours);
        let ours = ours.expect("every offer of ours has our stream");
        let Some(media) = description.session.medias.get(ours) else {
            return Err(Malformed::because("the answer has fewer streams than the offer").into());
        };
        if media.port == 0 || !stream::is_audio(media) {
            return Err(AnswerError::NothingFits);
        }
        let stream = AudioStream::read(&description.session, media, self.local.address)?;
        let formats = Formats::of_answer(&stream, &self.local, &offer.formats);
        if formats.codecs.is_empty() || stream.remote == Remote::Group {
            return Err(AnswerError::NothingFits);
        }
        let media = negotiated(&stream, &formats, &self.local);
        self.agreed = Some(Exchange {
            formats,
            slots: offer.slots,
        });
        Ok(media)
    }

    /// Our offer was rejected, or its answer will never come: back to what was
    /// agreed before.
    pub fn abandon(&mut self) {
        self.offer = None;
    }

    /// The stream of an offer that we take: the one we are in already if it
    /// still fits, else the first that does. `None` when no stream has a port:
    /// all are disabled, which is an offer like another (RFC 3264 §5.1).
    fn choose<'a>(
        &self,
        description: &'a Description,
    ) -> Result<Option<(usize, AudioStream<'a>, Formats)>, OfferError> {
        let medias = &description.session.medias;
        let slots = self.agreed.iter().flat_map(|agreed| &agreed.slots);
        let present = slots
            .take(medias.len())
            .position(|slot| *slot == Slot::Ours);
        for index in present.into_iter().chain(0..medias.len()) {
            let media = &medias[index];
            if media.port == 0 || !stream::is_audio(media) {
                continue;
            }
            let stream = AudioStream::read(&description.session, media, self.local.address)?;
            let formats = Formats::of_offer(&stream, &self.local);
            if !formats.codecs.is_empty() && stream.remote != Remote::Group {
                return Ok(Some((index, stream, formats)));
            }
        }
        if medias.iter().all(|media| media.port == 0) {
            return Ok(None);
        }
        Err(OfferError::NothingFits)
    }
}

/// A place for our stream in an offer: the one we have, one of an audio stream
/// that is off, any that is off (RFC 3264 §8.1), or a new one.
fn take_slot(slots: &mut Vec<Slot>) {
    let is_audio = |slot: &Slot| matches!(slot, Slot::Refused(line) if line.starts_with("audio "));
    if slots.contains(&Slot::Ours) {
        return;
    }
    let free = slots.iter().position(is_audio);
    let free = free.or(if slots.is_empty() { None } else { Some(0) });
    match free {
        Some(index) => slots[index] = Slot::Ours,
        None => slots.push(Slot::Ours),
    }
}

/// The `m=` line that refuses a stream: port 0, one of its formats (RFC 3264 §6).
fn refused(media: &Media) -> Slot {
    let format = media.fmt.split(' ').next().unwrap_or_default();
    let words = [&*media.media, " 0 ", &*media.proto, " ", format];
    Slot::Refused(words.concat().into_boxed_str())
}

fn negotiated(stream: &AudioStream<'_>, formats: &Formats, local: &LocalMedia) -> NegotiatedMedia {
    let mut theirs = stream.direction;
    if stream.remote == Remote::Unspecified {
        theirs = without_receiving(theirs);
    }
    let rtcp_mux = stream.rtcp_mux && local.rtcp_mux;
    let (remote_rtp, remote_rtcp) = stream.targets(rtcp_mux);
    NegotiatedMedia {
        remote_rtp,
        remote_rtcp,
        rtcp_mux,
        codecs: formats.codecs.clone(),
        events: formats.events.map(|(events, _)| events),
        ptime_ms: stream.ptime_ms(local),
        direction: theirs.reversed(),
        held: !theirs.receives(),
    }
}

/// `c=0.0.0.0` says that the far end does not want to be sent anything
/// (RFC 3264 §8.4), whatever its direction attribute says.
fn without_receiving(theirs: Direction) -> Direction {
    match theirs {
        Direction::SendRecv | Direction::SendOnly => Direction::SendOnly,
        Direction::RecvOnly | Direction::Inactive => Direction::Inactive,
    }
}

fn disabled(local: &LocalMedia) -> NegotiatedMedia {
    NegotiatedMedia {
        remote_rtp: None,
        remote_rtcp: None,
        rtcp_mux: false,
        codecs: Vec::new(),
        events: None,
        ptime_ms: local.ptime_ms,
        direction: Direction::Inactive,
        held: true,
    }
}
