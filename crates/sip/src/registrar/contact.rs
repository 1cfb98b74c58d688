//! What is taken from a Contact of a REGISTER (RFC 3261 §10.2.1, RFC 5626 §4.1).

use bytes::{BufMut, Bytes, BytesMut};

use crate::message::{NameAddr, Uri, lex};

/// The longest lifetime that can be written (RFC 3261 §20.19).
const MAX_DELTA_SECONDS: u64 = u32::MAX as u64;

/// `<uri>` and the parameters without `expires`, in memory of its own size, and
/// the URI in that memory.
pub(super) fn kept(address: &NameAddr) -> Option<(Bytes, Uri)> {
    let uri = address.uri.as_bytes();
    let mut out = BytesMut::with_capacity(uri.len() + address.params().as_bytes().len() + 2);
    out.put_u8(b'<');
    out.put_slice(uri);
    out.put_u8(b'>');
    let length = uri.len();
    for (name, value) in address.params().iter() {
        if name.eq_ignore_ascii_case(b"expires") {
            continue;
        }
        out.put_u8(b';');
        out.put_slice(name);
        if let Some(value) = value {
            out.put_u8(b'=');
            out.put_slice(value);
        }
    }
    let contact = lex::single_line(out.freeze());
    let uri = Uri::parse(contact.slice(1..=length)).ok()?;
    Some((contact, uri))
}

/// The `expires` parameter in s. What is malformed counts as absent (RFC 3261
/// §10.2.1.1 lets the registrar choose then), what is too large as the largest.
pub(super) fn expires(address: &NameAddr) -> Option<u32> {
    let value = address.params().get_unquoted("expires")?;
    delta_seconds(&value)
}

/// A number of seconds, cut to what 32 bits hold.
pub(super) fn delta_seconds(value: &[u8]) -> Option<u32> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = lex::parse_u64(value).unwrap_or(MAX_DELTA_SECONDS);
    Some(number.min(MAX_DELTA_SECONDS) as u32)
}

/// `q` in thousandths; 1000 where there is none, or none that is well formed.
pub(super) fn q(address: &NameAddr) -> u16 {
    const MAX: u16 = 1000;
    let Some(value) = address.param("q") else {
        return MAX;
    };
    let (whole, fraction) = match value.iter().position(|byte| *byte == b'.') {
        Some(dot) => (&value[..dot], &value[dot + 1..]),
        None => (value, &b""[..]),
    };
    let digits = fraction.len() <= 3 && fraction.iter().all(u8::is_ascii_digit);
    let fraction = fraction
        .iter()
        .chain(b"000")
        .take(3)
        .fold(0, |sum: u16, digit| {
            10 * sum + u16::from(digit.wrapping_sub(b'0'))
        });
    match whole {
        b"0" | b"" if digits && !value.is_empty() => fraction,
        _ => MAX,
    }
}

/// `+sip.instance` and `reg-id`, where both are there and well formed.
pub(super) fn instance(address: &NameAddr) -> Option<(Bytes, u32)> {
    let instance = address.param("+sip.instance").filter(|it| !it.is_empty())?;
    let reg_id = lex::parse_u64(address.param("reg-id")?)?;
    let reg_id = u32::try_from(reg_id).ok().filter(|id| *id > 0)?;
    Some((Bytes::copy_from_slice(instance), reg_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> NameAddr {
        NameAddr::parse(Bytes::copy_from_slice(text.as_bytes())).expect(text)
    }

    #[test]
    fn parameters_are_read() {
        // contact | q | expires | reg-id | kept
        let rows = [
            ("<sip:a@h>", 1000, None, None, "<sip:a@h>"),
            (
                "sip:a@h;q=0.5;expires=60",
                500,
                Some(60),
                None,
                "<sip:a@h>;q=0.5",
            ),
            (
                "<sip:a@h;x=y>;q=.25;EXPIRES=\"7\";z",
                250,
                Some(7),
                None,
                "<sip:a@h;x=y>;q=.25;z",
            ),
            (
                "<sip:a@h>;q=1.000;expires=-1",
                1000,
                None,
                None,
                "<sip:a@h>;q=1.000",
            ),
            (
                "<sip:a@h>;q=0;expires=99999999999999999999999",
                0,
                Some(u32::MAX),
                None,
                "<sip:a@h>;q=0",
            ),
            (
                "<sip:a@h>;q=0.1234;expires=",
                1000,
                None,
                None,
                "<sip:a@h>;q=0.1234",
            ),
            (
                "<sip:a@h>;+sip.instance=\"<urn:uuid:1>\";reg-id=2",
                1000,
                None,
                Some(2),
                "<sip:a@h>;+sip.instance=\"<urn:uuid:1>\";reg-id=2",
            ),
            ("<sip:a@h>;reg-id=2", 1000, None, None, "<sip:a@h>;reg-id=2"),
            (
                "<sip:a@h>;+sip.instance=\"x\";reg-id=0",
                1000,
                None,
                None,
                "<sip:a@h>;+sip.instance=\"x\";reg-id=0",
            ),
        ];
        for (text, q_wanted, expires_wanted, reg_id, kept_wanted) in rows {
            let address = address(text);
            assert_eq!(q(&address), q_wanted, "{text}");
            assert_eq!(expires(&address), expires_wanted, "{text}");
            assert_eq!(instance(&address).map(|(_, id)| id), reg_id, "{text}");
            let (contact, uri) = kept(&address).expect(text);
            assert_eq!(contact, kept_wanted, "{text}");
            assert_eq!(uri, address.uri, "{text}");
        }
    }
}
