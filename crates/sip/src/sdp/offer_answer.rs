//! The offer/answer machine (in work).

use bytes::Bytes;

use super::{LocalMedia, Malformed, NegotiatedMedia};

/// Why an offer was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Not a session description: 400.
    #[error("malformed session description: {0}")]
    Malformed(#[from] Malformed),
    /// No stream has a codec, protocol and address that we can use: 488.
    #[error("no stream of the offer fits")]
    NothingFits,
    /// Our own offer is not answered yet: 491 (RFC 3264 §4, RFC 3261 §14.2).
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

/// Offer/answer of one leg.
#[derive(Clone, Debug)]
pub struct OfferAnswer {
    local: LocalMedia,
}

impl OfferAnswer {
    /// A machine that has seen nothing yet.
    pub fn new(local: LocalMedia) -> Self {
        Self { local }
    }

    /// Our side, as given to `new`.
    pub fn local(&self) -> &LocalMedia {
        &self.local
    }

    /// The description we sent last, as it has to be repeated in a 2xx after a
    /// reliable or unreliable 18x carried it.
    pub fn description(&self) -> Option<&Bytes> {
        None
    }

    /// Answers an offer of the far end. An error changes nothing.
    pub fn handle_offer(&mut self, _body: &[u8]) -> Result<(Bytes, NegotiatedMedia), OfferError> {
        Err(OfferError::WrongState)
    }

    /// Makes an offer of ours: in the 2xx to an INVITE without one, or in a
    /// re-INVITE.
    pub fn offer(&mut self) -> Result<Bytes, OfferError> {
        Err(OfferError::WrongState)
    }

    /// Takes the answer to our offer. After an error the offer counts as
    /// rejected.
    pub fn handle_answer(&mut self, _body: &[u8]) -> Result<NegotiatedMedia, AnswerError> {
        Err(AnswerError::WrongState)
    }

    /// Our offer was rejected, or its answer will never come: back to what was
    /// agreed before.
    pub fn abandon(&mut self) {}
}
