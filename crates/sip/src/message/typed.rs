//! Typed values of the header fields, parsed when they are asked for.

use bytes::Bytes;

use super::cseq::CSeq;
use super::header_name::HeaderName;
use super::headers::Headers;
use super::lex;
use super::media_type::MediaType;
use super::name_addr::NameAddr;
use super::via::Via;

/// A header field that is missing or not what its grammar wants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{header}: {problem}")]
pub struct HeaderError {
    /// Which one.
    pub header: HeaderName,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl HeaderError {
    pub(super) fn new(header: HeaderName, problem: &'static str) -> Self {
        Self { header, problem }
    }

    pub(super) fn missing(header: HeaderName) -> Self {
        Self::new(header, "missing")
    }
}

impl Headers {
    /// The first Via value: the hop that the message came from, or where a
    /// response goes.
    pub fn top_via(&self) -> Result<Via, HeaderError> {
        let raw = self
            .first_element(&HeaderName::Via)
            .ok_or_else(|| HeaderError::missing(HeaderName::Via))?;
        via(raw)
    }

    /// All Via values in order.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via, HeaderError>> {
        self.elements(&HeaderName::Via).map(via)
    }

    /// From (RFC 3261 §20.20).
    pub fn from_(&self) -> Result<NameAddr, HeaderError> {
        self.name_addr(HeaderName::From)
    }

    /// To (RFC 3261 §20.39).
    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.name_addr(HeaderName::To)
    }

    /// Call-ID (RFC 3261 §20.8): any text without white space.
    pub fn call_id(&self) -> Result<Bytes, HeaderError> {
        let value = self
            .get_bytes(&HeaderName::CallId)
            .ok_or_else(|| HeaderError::missing(HeaderName::CallId))?;
        if value.is_empty() || value.iter().any(|byte| *byte <= b' ') {
            return Err(HeaderError::new(
                HeaderName::CallId,
                "not a call identifier",
            ));
        }
        Ok(value)
    }

    /// CSeq (RFC 3261 §20.16).
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        let value = self
            .get(&HeaderName::CSeq)
            .ok_or_else(|| HeaderError::missing(HeaderName::CSeq))?;
        CSeq::parse(value).ok_or(HeaderError::new(
            HeaderName::CSeq,
            "not a number below 2^32 and a method",
        ))
    }

    /// All Contact values in order. `*` is not one of them: see
    /// [`Headers::has_wildcard_contact`].
    pub fn contacts(&self) -> impl Iterator<Item = Result<NameAddr, HeaderError>> {
        self.elements(&HeaderName::Contact)
            .filter(|element| element.as_ref() != b"*")
            .map(|element| name_addr(HeaderName::Contact, element))
    }

    /// Whether a Contact is `*` (RFC 3261 §10.2.2).
    pub fn has_wildcard_contact(&self) -> bool {
        self.tokens(&HeaderName::Contact)
            .any(|element| element == b"*")
    }

    /// All Route values in order.
    pub fn routes(&self) -> impl Iterator<Item = Result<NameAddr, HeaderError>> {
        self.elements(&HeaderName::Route)
            .map(|element| name_addr(HeaderName::Route, element))
    }

    /// All Record-Route values in order.
    pub fn record_routes(&self) -> impl Iterator<Item = Result<NameAddr, HeaderError>> {
        self.elements(&HeaderName::RecordRoute)
            .map(|element| name_addr(HeaderName::RecordRoute, element))
    }

    /// Max-Forwards, 0 to 255 (RFC 3261 §20.22); `None` where there is none.
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        self.number(HeaderName::MaxForwards, "not a number below 256")
    }

    /// Content-Length in bytes; `None` where there is none.
    pub fn content_length(&self) -> Result<Option<usize>, HeaderError> {
        self.number(HeaderName::ContentLength, "not a length")
    }

    /// Expires in seconds (RFC 3261 §20.19); `None` where there is none.
    pub fn expires(&self) -> Result<Option<u32>, HeaderError> {
        self.number(HeaderName::Expires, "not a number below 2^32")
    }

    /// Content-Type; `None` where there is none.
    pub fn content_type(&self) -> Result<Option<MediaType>, HeaderError> {
        let Some(value) = self.get_bytes(&HeaderName::ContentType) else {
            return Ok(None);
        };
        match MediaType::parse(value) {
            Some(media_type) => Ok(Some(media_type)),
            None => Err(HeaderError::new(
                HeaderName::ContentType,
                "not a media type",
            )),
        }
    }

    fn number<T: TryFrom<u64>>(
        &self,
        name: HeaderName,
        problem: &'static str,
    ) -> Result<Option<T>, HeaderError> {
        let Some(value) = self.get(&name) else {
            return Ok(None);
        };
        match lex::parse_u64(value).and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(HeaderError::new(name, problem)),
        }
    }

    fn name_addr(&self, name: HeaderName) -> Result<NameAddr, HeaderError> {
        match self.get_bytes(&name) {
            Some(value) => name_addr(name, value),
            None => Err(HeaderError::missing(name)),
        }
    }
}

fn via(raw: Bytes) -> Result<Via, HeaderError> {
    Via::parse(raw).ok_or(HeaderError::new(HeaderName::Via, "not a Via value"))
}

fn name_addr(header: HeaderName, raw: Bytes) -> Result<NameAddr, HeaderError> {
    NameAddr::parse(raw).map_err(|problem| HeaderError::new(header, problem))
}
