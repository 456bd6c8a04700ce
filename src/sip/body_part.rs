//! One part of a multipart body (RFC 2046 section 5.1): the token of a Referred-By is one (RFC 3892
//! section 2.2).

use super::lex::{self, eq_ignore_case, trim};
use super::message::{Headers, Message};
use super::name::Name;
use memchr::{memchr, memchr_iter};

/// A part of a multipart body, untouched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyPart<'a> {
    /// All of it: its MIME header lines, the empty line and its content.
    pub raw: &'a [u8],
    /// Its MIME header lines, each with its line end.
    pub headers: &'a [u8],
    /// What follows the empty line.
    pub content: &'a [u8],
    /// Value of its Content-Type, or empty.
    pub content_type: &'a [u8],
}

/// The longest boundary (RFC 2046 section 5.1.1).
const LONGEST_BOUNDARY: usize = 70;

impl<'a> BodyPart<'a> {
    /// The part with this Content-ID, given without its angle brackets. `None` where the body is no
    /// multipart, is cut off before its end, or holds no part of that name, or more than one: which of
    /// them is meant nobody could tell. Parts inside of a part are not looked at.
    pub fn find(message: &Message<'a>, cid: &[u8]) -> Option<BodyPart<'a>> {
        if message.count(Name::ContentType) != 1 || cid.is_empty() {
            return None;
        }
        let boundary = boundary_of(message.first(Name::ContentType)?.raw)?;
        let mut found = None;
        for part in parts(body_of(message)?, boundary)? {
            let part = BodyPart::read(part);
            if !part.is_named(cid) {
                continue;
            }
            if found.is_some() {
                return None;
            }
            found = Some(part);
        }
        found
    }

    fn read(raw: &'a [u8]) -> BodyPart<'a> {
        let mut at = 0;
        // Up to the first line that is empty.
        let (headers, content) = loop {
            let rest = lex::from(raw, at);
            let Some(end) = memchr(b'\n', rest) else {
                break (raw, &[][..]);
            };
            if matches!(lex::until(rest, end), [] | [b'\r']) {
                break (lex::until(raw, at), lex::from(rest, end + 1));
            }
            at += end + 1;
        };
        let mut part = BodyPart { raw, headers, content, content_type: b"" };
        let mut types = part.values(Name::ContentType);
        part.content_type = types.next().unwrap_or_default();
        part
    }

    fn values(&self, name: Name) -> impl Iterator<Item = &'a [u8]> {
        Headers::of(self.headers)
            .filter(move |(found, _)| Name::from_bytes(found) == Some(name))
            .map(|(_, value)| value.raw)
    }

    fn is_named(&self, cid: &[u8]) -> bool {
        let mut ids = self.values(Name::ContentId);
        let id = ids.next().and_then(|id| id.strip_prefix(b"<")?.strip_suffix(b">"));
        ids.next().is_none() && id == Some(cid)
    }
}

/// The body as long as Content-Length says, where it does; `None` where it is shorter than that.
fn body_of<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    let body = message.body();
    let Some(length) = message.first(Name::ContentLength) else {
        return Some(body);
    };
    let length: usize = core::str::from_utf8(length.raw).ok()?.parse().ok()?;
    body.get(..length)
}

/// The boundary of a multipart Content-Type.
fn boundary_of(content_type: &[u8]) -> Option<&[u8]> {
    let (kind, params) = content_type.split_at_checked(memchr(b';', content_type)?)?;
    let top = trim(kind).get(..10)?;
    if !top.eq_ignore_ascii_case(b"multipart/") {
        return None;
    }
    let mut found = lex::params(params.get(1..)?).filter(|it| eq_ignore_case(it.name, b"boundary"));
    let boundary = lex::unquoted(found.next()?.value?);
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
    let fits = boundary.iter().all(fits) && boundary.last() != Some(&b' ');
    let long = boundary.is_empty() || boundary.len() > LONGEST_BOUNDARY;
    (fits && !long && found.next().is_none()).then_some(boundary)
}

/// The parts between the delimiters; `None` where the last delimiter is missing.
fn parts<'a>(body: &'a [u8], boundary: &'a [u8]) -> Option<impl Iterator<Item = &'a [u8]>> {
    let delimiters = move || {
        let lines = core::iter::once(0).chain(memchr_iter(b'\n', body).map(|end| end + 1));
        lines.filter_map(move |at| Delimiter::read(body, at, boundary))
    };
    delimiters().any(|it| it.is_last).then(move || {
        let ends = delimiters().skip(1);
        let begins = delimiters().take_while(|it| !it.is_last);
        begins.zip(ends).filter_map(move |(begin, end)| {
            // The line end before a delimiter belongs to the delimiter. Without one nothing stands
            // between the two.
            body.get(begin.next..end.start)
        })
    })
}

/// A line that stands between parts.
struct Delimiter {
    /// Where the line end before it begins.
    start: usize,
    /// Where the next line begins.
    next: usize,
    is_last: bool,
}

impl Delimiter {
    /// Reads the line that begins at `at`.
    fn read(body: &[u8], at: usize, boundary: &[u8]) -> Option<Delimiter> {
        let before = lex::until(body, at);
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        let start = before.strip_suffix(b"\r").unwrap_or(before).len();
        let rest = lex::from(body, at).strip_prefix(b"--")?.strip_prefix(boundary)?;
        let (is_last, rest) = match rest.strip_prefix(b"--") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let rest = lex::from(rest, blanks);
        let line_end = match rest {
            [] => 0,
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => return None,
        };
        Some(Delimiter { start, next: body.len() - rest.len() + line_end, is_last })
    }
}

#[cfg(test)]
mod tests;
