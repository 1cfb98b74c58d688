//! The media of one leg: offer/answer on one side, the port of a worker on the
//! other.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use strowger_media::vocabulary::{
    Codec, CodecPayload, Direction, EventPayload, PortConfig, PortId,
};
use strowger_sip::message::{HeaderName, Rejection, StatusCode};
use strowger_sip::sdp::{self, CodecCapability, LocalMedia, NegotiatedMedia, OfferAnswer};

use crate::call_table::CallId;
use crate::config::{MediaAddressId, SwitchConfig};
use crate::effect::{Effect, MediaOrder};
use crate::switch::{ACCEPT, Core, offer_refused};

/// Offer/answer and port of one leg.
#[derive(Debug)]
pub(crate) struct LegMedia {
    address: MediaAddressId,
    offer_answer: OfferAnswer,
    port: PortId,
    rtp_port: u16,
    stream: Stream,
    agreed: Option<Codec>,
    /// Our offer is out and unanswered.
    pub(crate) offer_pending: bool,
    opened: bool,
    closing: bool,
}

/// The numbers of our RTP stream, chosen once.
#[derive(Debug)]
struct Stream {
    ssrc: u32,
    first_sequence: u16,
    first_timestamp: u32,
    cname: Arc<str>,
}

impl LegMedia {
    /// Takes a port for `call`; nothing is opened on the worker yet.
    pub(crate) fn new(
        call: CallId,
        address: MediaAddressId,
        core: &mut Core,
    ) -> Result<Self, Rejection> {
        let (port, rtp_port) = core
            .ports
            .open(address, call)
            .map_err(|_| core.unavailable("No media port is free"))?;
        let local = core.config.media_addresses[usize::from(address.0)].advertised;
        let offer_answer = OfferAnswer::new(LocalMedia {
            address: local,
            rtp_port,
            session_id: core.random.u64() >> 1,
            user: "-".into(),
            codecs: core.capabilities.clone(),
            telephone_event: true,
            ptime_ms: core.config.ptime_ms,
            rtcp_mux: true,
        });
        let stream = Stream {
            ssrc: core.random.u32(),
            first_sequence: core.random.u32() as u16 >> 1,
            first_timestamp: core.random.u32(),
            cname: core.cname(),
        };
        Ok(Self {
            address,
            offer_answer,
            port,
            rtp_port,
            stream,
            agreed: None,
            offer_pending: false,
            opened: false,
            closing: false,
        })
    }

    pub(crate) fn port(&self) -> PortId {
        self.port
    }

    /// The codec that was agreed, once there is one.
    pub(crate) fn codec(&self) -> Option<Codec> {
        self.agreed
    }

    /// Answers an offer; opens the port or changes its configuration.
    pub(crate) fn answer(
        &mut self,
        call: CallId,
        offer: &[u8],
        core: &mut Core,
    ) -> Result<Bytes, Rejection> {
        let (answer, media) = self
            .offer_answer
            .handle_offer(offer)
            .map_err(|error| offer_refused(&error))?;
        self.apply(call, &media, core);
        Ok(answer)
    }

    /// Makes an offer for a 2xx to an INVITE that carried none; the port listens
    /// at once and speaks when the answer has come.
    pub(crate) fn offer(&mut self, call: CallId, core: &mut Core) -> Result<Bytes, Rejection> {
        let offer = self
            .offer_answer
            .offer()
            .map_err(|error| offer_refused(&error))?;
        self.offer_pending = true;
        if !self.opened {
            let config = self.unanswered(call, core);
            self.order(config, core);
        }
        Ok(offer)
    }

    /// Takes the answer to our offer.
    pub(crate) fn take_answer(
        &mut self,
        call: CallId,
        answer: &[u8],
        core: &mut Core,
    ) -> Result<(), String> {
        self.offer_pending = false;
        let media = self
            .offer_answer
            .handle_answer(answer)
            .map_err(|error| error.to_string())?;
        self.apply(call, &media, core);
        Ok(())
    }

    /// Our offer will never be answered.
    pub(crate) fn abandon_offer(&mut self) {
        self.offer_pending = false;
        self.offer_answer.abandon();
    }

    /// Orders the port closed. `false` when it never was open: then it is free at
    /// once and its sockets are waiting still.
    pub(crate) fn close(&mut self, core: &mut Core) -> bool {
        self.closing = true;
        if self.opened {
            core.effects
                .push(Effect::Media(MediaOrder::Close { port: self.port }));
        } else {
            core.ports.close(self.port);
            core.ports.add_ready(self.address, self.rtp_port);
        }
        self.opened
    }

    fn apply(&mut self, call: CallId, media: &NegotiatedMedia, core: &mut Core) {
        let codecs = agreed_codecs(media, &core.config.codecs);
        self.agreed = codecs.first().map(|payload| payload.codec).or(self.agreed);
        let config = PortConfig {
            remote_rtp: media.remote_rtp,
            remote_rtcp: media.remote_rtcp,
            rtcp_mux: media.rtcp_mux,
            codecs,
            events: media.events.map(|events| EventPayload {
                receive: events.receive,
                send: events.send,
            }),
            ptime_ms: media.ptime_ms,
            direction: direction(media.direction),
            ..self.unanswered(call, core)
        };
        self.order(config, core);
    }

    /// The configuration of a port whose far end is not known yet.
    fn unanswered(&self, call: CallId, core: &Core) -> PortConfig {
        PortConfig {
            tag: call.raw(),
            remote_rtp: None::<SocketAddr>,
            remote_rtcp: None,
            rtcp_mux: false,
            codecs: core
                .config
                .codecs
                .iter()
                .map(|codec| own_payload(*codec))
                .collect(),
            events: Some(EventPayload {
                receive: sdp::TELEPHONE_EVENT_PAYLOAD_TYPE,
                send: sdp::TELEPHONE_EVENT_PAYLOAD_TYPE,
            }),
            ptime_ms: core.config.ptime_ms,
            direction: Direction::SendRecv,
            ssrc: self.stream.ssrc,
            first_sequence: self.stream.first_sequence,
            first_timestamp: self.stream.first_timestamp,
            cname: self.stream.cname.clone(),
        }
    }

    fn order(&mut self, config: PortConfig, core: &mut Core) {
        if self.closing {
            return;
        }
        let config = Box::new(config);
        let port = self.port;
        let order = if self.opened {
            MediaOrder::Update { port, config }
        } else {
            MediaOrder::Open {
                port,
                address: self.address,
                rtp_port: self.rtp_port,
                config,
            }
        };
        self.opened = true;
        core.effects.push(Effect::Media(order));
    }
}

/// The offer or answer in a message, when it carries one. A body of a type that
/// is not understood is 415 (RFC 3261 §8.2.3).
pub(crate) fn description(
    content_type: Option<&[u8]>,
    body: &Bytes,
) -> Result<Option<Bytes>, Rejection> {
    if body.is_empty() {
        return Ok(None);
    }
    match content_type.and_then(|content_type| sdp::find_sdp(content_type, body)) {
        Some(found) => Ok(Some(body.slice_ref(found))),
        None => Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .with_header(HeaderName::Accept, ACCEPT)),
    }
}

/// What the session descriptions of this switch offer.
pub(crate) fn capabilities(config: &SwitchConfig) -> Arc<[CodecCapability]> {
    let capability = |codec: &Codec| CodecCapability {
        name: codec.encoding_name(),
        clock_rate: codec.clock_rate(),
        channels: 1,
        payload_type: codec.static_payload_type(),
        fmtp: None,
    };
    config.codecs.iter().map(capability).collect()
}

fn agreed_codecs(media: &NegotiatedMedia, codecs: &[Codec]) -> Vec<CodecPayload> {
    let payload = |agreed: &sdp::NegotiatedCodec| CodecPayload {
        codec: codecs[agreed.capability],
        receive: agreed.receive,
        send: agreed.send,
    };
    media.codecs.iter().map(payload).collect()
}

fn own_payload(codec: Codec) -> CodecPayload {
    let number = codec.static_payload_type();
    CodecPayload {
        codec,
        receive: number,
        send: number,
    }
}

fn direction(direction: sdp::Direction) -> Direction {
    match direction {
        sdp::Direction::SendRecv => Direction::SendRecv,
        sdp::Direction::SendOnly => Direction::SendOnly,
        sdp::Direction::RecvOnly => Direction::RecvOnly,
        sdp::Direction::Inactive => Direction::Inactive,
    }
}
