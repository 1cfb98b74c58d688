//! The route set of a dialog, and what it makes of a request.

use bytes::{BufMut, Bytes, BytesMut};

use crate::message::{HeaderError, HeaderName, Headers, NameAddr, Request, Uri};

/// Route values in the order in which a request visits them.
#[derive(Clone, Debug, Default)]
pub(super) struct RouteSet {
    routes: Vec<NameAddr>,
}

impl RouteSet {
    /// From the request that makes a dialog: Record-Route in order (RFC 3261
    /// §12.1.1).
    pub(super) fn of_request(headers: &Headers) -> Result<Self, HeaderError> {
        let routes = headers
            .record_routes()
            .map(|route| detached(&route?))
            .collect::<Result<_, _>>()?;
        Ok(Self { routes })
    }

    /// From the response that makes a dialog: Record-Route in reverse order (RFC
    /// 3261 §12.1.2).
    pub(super) fn of_response(headers: &Headers) -> Result<Self, HeaderError> {
        let mut set = Self::of_request(headers)?;
        set.routes.reverse();
        Ok(set)
    }

    /// Where a request goes first: the first route, or `target` without one.
    pub(super) fn next_hop<'a>(&'a self, target: &'a Uri) -> &'a Uri {
        self.routes.first().map_or(target, |route| &route.uri)
    }

    /// The Request-URI of a request to `target` (RFC 3261 §12.2.1.1): the
    /// target, unless the first router is a strict one and wants to see itself.
    pub(super) fn request_uri(&self, target: &Uri) -> Uri {
        match self.strict_router() {
            Some(router) => without_forbidden_parts(router),
            None => target.clone(),
        }
    }

    /// Adds the Route header fields (RFC 3261 §12.2.1.1).
    pub(super) fn write_routes(&self, target: &Uri, request: &mut Request) {
        let skip = usize::from(self.strict_router().is_some());
        for route in &self.routes[skip..] {
            let value = Bytes::copy_from_slice(route.as_bytes());
            request.headers.push(HeaderName::Route, value);
        }
        if skip == 1 {
            request.headers.push(HeaderName::Route, in_brackets(target));
        }
    }

    /// The first router, if it is of RFC 2543: without `lr`.
    fn strict_router(&self) -> Option<&Uri> {
        let first = &self.routes.first()?.uri;
        (!first.params().contains("lr")).then_some(first)
    }
}

/// `<uri>`.
pub(super) fn in_brackets(uri: &Uri) -> Bytes {
    let mut value = BytesMut::with_capacity(uri.as_bytes().len() + 2);
    value.put_u8(b'<');
    value.put_slice(uri.as_bytes());
    value.put_u8(b'>');
    value.freeze()
}

/// A copy that keeps no message alive.
fn detached(route: &NameAddr) -> Result<NameAddr, HeaderError> {
    NameAddr::parse(Bytes::copy_from_slice(route.as_bytes())).map_err(|problem| HeaderError {
        header: HeaderName::RecordRoute,
        problem,
    })
}

/// Header components and `method` may not stand in a Request-URI (RFC 3261
/// §19.1.1 table 1).
fn without_forbidden_parts(uri: &Uri) -> Uri {
    let (raw, headers, params) = (uri.as_bytes(), uri.headers(), uri.params());
    if headers.is_empty() && !params.contains("method") {
        return uri.clone();
    }
    let question_mark = usize::from(!headers.is_empty());
    let end = raw.len() - headers.len() - question_mark;
    let mut kept = BytesMut::with_capacity(raw.len());
    kept.put_slice(&raw[..end - params.as_bytes().len()]);
    for (name, value) in params.iter() {
        if name.eq_ignore_ascii_case(b"method") {
            continue;
        }
        kept.put_u8(b';');
        kept.put_slice(name);
        if let Some(value) = value {
            kept.put_u8(b'=');
            kept.put_slice(value);
        }
    }
    Uri::parse(kept.freeze()).unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strict_router_sees_only_what_may_stand_in_a_request_uri() {
        for (route, expected) in [
            ("sip:p.example.com", "sip:p.example.com"),
            (
                "sip:p.example.com;method=INVITE;x=1",
                "sip:p.example.com;x=1",
            ),
            (
                "sip:u@p.example.com;x?Subject=a&b=c",
                "sip:u@p.example.com;x",
            ),
            ("sip:p.example.com:5070?a=b", "sip:p.example.com:5070"),
        ] {
            let uri = Uri::parse(Bytes::copy_from_slice(route.as_bytes())).unwrap();
            let kept = without_forbidden_parts(&uri);
            assert_eq!(kept.as_bytes(), expected.as_bytes());
        }
    }
}
