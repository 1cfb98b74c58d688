//! Finding the session description in a body.

/// How deep multipart bodies may be nested.
const MAX_DEPTH: u8 = 3;

/// The session description in a body of this Content-Type: the body itself for
/// `application/sdp`, the first such part of a `multipart/*` (RFC 2046 §5.1,
/// nested ones too). `None` when there is none: with a body that is not empty
/// that is a 415 to an INVITE.
pub fn find_sdp<'a>(content_type: &[u8], body: &'a [u8]) -> Option<&'a [u8]> {
    find(content_type, body, MAX_DEPTH)
}

fn find<'a>(content_type: &[u8], body: &'a [u8], depth: u8) -> Option<&'a [u8]> {
    let end = memchr::memchr(b';', content_type).unwrap_or(content_type.len());
    let (essence, parameters) = content_type.split_at(end);
    let essence = essence.trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/sdp") {
        return Some(body);
    }
    let slash = memchr::memchr(b'/', essence)?;
    if depth == 0
        || !essence[..slash]
            .trim_ascii()
            .eq_ignore_ascii_case(b"multipart")
    {
        return None;
    }
    let boundary = boundary(parameters)?;
    let mut rest = after_delimiter(body, boundary)?.1;
    while let Some(part) = rest {
        let (content, next) = match after_delimiter(part, boundary) {
            Some((end, next)) => (&part[..end], next),
            // A last part without the closing delimiter is taken as it is.
            None => (part, None),
        };
        rest = next;
        let (head, content) = split_head(content);
        let found = content_type_of(head).and_then(|kind| find(kind, content, depth - 1));
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Where the next delimiter line begins (with the line end before it), and what
/// follows it: `None` after the closing one.
fn after_delimiter<'a>(body: &'a [u8], boundary: &[u8]) -> Option<(usize, Option<&'a [u8]>)> {
    for at in memchr::memmem::find_iter(body, boundary) {
        let Some(start) = at.checked_sub(2) else {
            continue;
        };
        if &body[start..at] != b"--" || !(start == 0 || body[start - 1] == b'\n') {
            continue;
        }
        let before = &body[..start];
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        let before = before.strip_suffix(b"\r").unwrap_or(before);
        let after = &body[at + boundary.len()..];
        if after.starts_with(b"--") {
            return Some((before.len(), None));
        }
        let end = memchr::memchr(b'\n', after).unwrap_or(after.len());
        // Another boundary may begin with ours.
        if after[..end].trim_ascii().is_empty() {
            let next = after.get(end + 1..).unwrap_or_default();
            return Some((before.len(), Some(next)));
        }
    }
    None
}

/// Header section and content of a part; the section may be empty.
fn split_head(part: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while let Some(length) = memchr::memchr(b'\n', &part[at..]) {
        let line = &part[at..at + length];
        at += length + 1;
        if line.trim_ascii().is_empty() {
            return part.split_at(at);
        }
    }
    (part, &[])
}

fn content_type_of(head: &[u8]) -> Option<&[u8]> {
    let mut lines = head.split(|&byte| byte == b'\n');
    lines.find_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        let known = name.eq_ignore_ascii_case(b"Content-Type") || name.eq_ignore_ascii_case(b"c");
        known.then_some(value)
    })
}

/// The parameter `boundary`, without its quotes; `parameters` begin with `;`.
fn boundary(parameters: &[u8]) -> Option<&[u8]> {
    let mut rest = parameters;
    while let [b';', tail @ ..] = rest {
        let equals = memchr::memchr2(b'=', b';', tail)?;
        let name = tail[..equals].trim_ascii();
        if tail[equals] == b';' {
            rest = &tail[equals..];
            continue;
        }
        let value = tail[equals + 1..].trim_ascii_start();
        let (value, after) = match value {
            [b'"', quoted @ ..] => {
                let end = memchr::memchr(b'"', quoted)?;
                (&quoted[..end], quoted[end + 1..].trim_ascii_start())
            }
            plain => {
                let end = memchr::memchr(b';', plain).unwrap_or(plain.len());
                (plain[..end].trim_ascii_end(), &plain[end..])
            }
        };
        if name.eq_ignore_ascii_case(b"boundary") {
            return (!value.is_empty()).then_some(value);
        }
        rest = after;
    }
    None
}
