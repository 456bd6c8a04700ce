//! The %-escapes of SIP URIs (RFC 3261 sections 19.1.2 and 19.1.5).

use core::cmp::Ordering;

use memchr::{memchr, memchr3};

use super::error::ParseError;
use super::lex::{
    any, eq_ignore_case, find_near, from, is_line_breaker, is_unreserved, offset_of_suffix,
};
use super::scratch::{OutOfScratch, Scratch};
use super::writer::Writer;
use crate::rule::Rule;

/// Why a text could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnescapeError {
    /// The text, or what it decodes to, is malformed.
    Parse(ParseError),
    /// The scratch space is too small.
    OutOfScratch,
}

impl From<ParseError> for UnescapeError {
    fn from(error: ParseError) -> Self {
        UnescapeError::Parse(error)
    }
}

impl From<OutOfScratch> for UnescapeError {
    fn from(_: OutOfScratch) -> Self {
        UnescapeError::OutOfScratch
    }
}

impl core::fmt::Display for UnescapeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            UnescapeError::Parse(error) => error.fmt(f),
            UnescapeError::OutOfScratch => f.write_str("the scratch space is too small"),
        }
    }
}

impl core::error::Error for UnescapeError {}

/// What each byte is worth as a hexadecimal digit; more than 15 where it is none.
static HEX: [u8; 256] = {
    let mut table = [u8::MAX; 256];
    let mut digit = 0;
    // A table being built before anything runs: a wrong index would not compile.
    #[allow(clippy::indexing_slicing)]
    while digit < 16 {
        let byte = b"0123456789abcdef"[digit];
        table[byte as usize] = digit as u8;
        table[byte.to_ascii_uppercase() as usize] = digit as u8;
        digit += 1;
    }
    table
};

/// The byte that these two hexadecimal digits mean.
#[inline]
fn byte_of(high: u8, low: u8) -> Option<u8> {
    let worth = |digit: u8| HEX.get(usize::from(digit)).copied().unwrap_or(u8::MAX);
    let (high, low) = (worth(high), worth(low));
    (high | low < 16).then_some(high << 4 | low)
}

/// The bytes of an escaped text, each decoded; a malformed escape stands for itself.
#[derive(Clone, Debug)]
pub struct Decoded<'a>(pub &'a [u8]);

impl Iterator for Decoded<'_> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        if let (b'%', [high, low, behind @ ..]) = (first, rest) {
            if let Some(byte) = byte_of(*high, *low) {
                self.0 = behind;
                return Some(byte);
            }
        }
        self.0 = rest;
        Some(first)
    }
}

/// Checks that each escape has two hexadecimal digits (else `rule`) and that nothing, escaped or
/// not, is a CR, LF or NUL (R093).
pub(crate) fn check(raw: &[u8], rule: Rule) -> Result<(), ParseError> {
    match memchr3(b'\r', b'\n', 0, raw) {
        Some(at) => Err(ParseError::new(BREAKER, at, Rule::R093)),
        None => check_escapes(raw, rule),
    }
}

const BREAKER: &str = "expected no CR, LF or NUL";

/// The same of a text in which none stands as it is.
pub(crate) fn check_escapes(raw: &[u8], rule: Rule) -> Result<(), ParseError> {
    let mut rest = from(raw, find_near(raw, b'%'));
    while let [_, digits @ ..] = rest {
        let byte = match digits {
            [high, low, ..] => byte_of(*high, *low),
            _ => None,
        };
        let wrong = match byte {
            Some(byte) if is_line_breaker(byte) => (BREAKER, Rule::R093),
            Some(_) => {
                let behind = from(digits, 2);
                rest = from(behind, find_near(behind, b'%'));
                continue;
            }
            None => ("expected two hexadecimal digits after \"%\"", rule),
        };
        return Err(ParseError::new(wrong.0, offset_of_suffix(raw, rest), wrong.1));
    }
    Ok(())
}

/// Decodes the escapes of one level, and borrows where there is none. A "+" stays a plus: the
/// space of web forms is unknown to SIP. A malformed escape is an error of R029; a CR, LF or NUL,
/// escaped or raw, is one of R093.
pub fn unescape<'a>(raw: &'a [u8], scratch: &mut Scratch<'a>) -> Result<&'a [u8], UnescapeError> {
    check(raw, Rule::R029)?;
    Ok(unescape_checked(raw, scratch)?)
}

/// The same for a part of a URI that was read, whose escapes were looked at by that.
pub(crate) fn unescape_checked<'a>(
    raw: &'a [u8],
    scratch: &mut Scratch<'a>,
) -> Result<&'a [u8], OutOfScratch> {
    let Some(first) = memchr(b'%', raw) else {
        return Ok(raw);
    };
    scratch.write_with(|out| {
        let (mut plain, mut rest) = raw.split_at_checked(first).unwrap_or_default();
        loop {
            out.push(plain);
            let mut escaped = Decoded(rest);
            let Some(byte) = escaped.next() else { break };
            out.push_byte(byte);
            (plain, rest) =
                escaped.0.split_at_checked(find_near(escaped.0, b'%')).unwrap_or_default();
        }
    })
}

/// Whether a byte of the text, decoded or as it stands there, is such a one; `%` is none.
pub(crate) fn decodes_to_any(raw: &[u8], is: impl Fn(u8) -> bool) -> bool {
    any(raw, &is) || escapes_any(raw, is)
}

/// Whether a byte that is escaped in the text is such a one; `%` is none.
pub(crate) fn escapes_any(raw: &[u8], is: impl Fn(u8) -> bool) -> bool {
    let mut rest = from(raw, find_near(raw, b'%'));
    while !rest.is_empty() {
        let mut escaped = Decoded(rest);
        if escaped.next().is_some_and(&is) {
            return true;
        }
        rest = from(escaped.0, find_near(escaped.0, b'%'));
    }
    false
}

/// Whether the escaped text means `plain`, without regard to ASCII case.
pub fn means_ignore_case(raw: &[u8], plain: &[u8]) -> bool {
    // An escape is longer than what it means.
    match raw.len().cmp(&plain.len()) {
        Ordering::Less => return false,
        Ordering::Equal => return eq_ignore_case(raw, plain),
        Ordering::Greater if !any(raw, |byte| byte == b'%') => return false,
        Ordering::Greater => {}
    }
    let lower = |byte: u8| byte.to_ascii_lowercase();
    Decoded(raw).map(lower).eq(plain.iter().copied().map(lower))
}

/// Where in the escaped text the byte stands that is number `decoded_offset` once decoded.
pub fn raw_offset(raw: &[u8], decoded_offset: usize) -> usize {
    let mut bytes = Decoded(raw);
    for _ in 0..decoded_offset {
        if bytes.next().is_none() {
            break;
        }
    }
    raw.len() - bytes.0.len()
}

fn escape(out: &mut Writer<'_>, bytes: &[u8], stays: impl Fn(u8) -> bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or_default();
    for &byte in bytes {
        if stays(byte) {
            out.push_byte(byte);
        } else {
            out.push(&[b'%', digit(byte >> 4), digit(byte & 0x0f)]);
        }
    }
}

/// Escapes a header value for a URI. Only `unreserved` stays: hvalue would allow a few more, but
/// these are what every peer reads alike (RFC 3261 section 25.1).
pub fn escape_header(out: &mut Writer<'_>, bytes: &[u8]) {
    escape(out, bytes, is_unreserved);
}

/// Escapes the user part of a URI: `unreserved` and `user-unreserved` stay (RFC 3261 section
/// 25.1).
pub fn escape_user(out: &mut Writer<'_>, bytes: &[u8]) {
    escape(out, bytes, |byte| is_unreserved(byte) || b"&=+$,;?/".contains(&byte));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_way_is_said_in_words() {
        let error = ParseError::new("expected a digit", 3, Rule::R093);
        assert_eq!(UnescapeError::Parse(error).to_string(), error.to_string());
        let room = UnescapeError::OutOfScratch.to_string();
        assert_eq!(room, "the scratch space is too small");
    }

    fn decode(raw: &str) -> Result<String, UnescapeError> {
        let mut room = [0; 64];
        unescape(raw.as_bytes(), &mut Scratch::new(&mut room))
            .map(|text| String::from_utf8(text.to_vec()).unwrap())
    }

    #[test]
    fn decodes_one_level_and_keeps_plus() {
        assert_eq!(decode("a%40b%3bto-tag%3D1").unwrap(), "a@b;to-tag=1");
        assert_eq!(decode("123+456").unwrap(), "123+456");
        assert_eq!(decode("%2541").unwrap(), "%41");
    }

    #[test]
    fn plain_text_is_borrowed() {
        let raw = b"plain";
        let text = unescape(raw, &mut Scratch::new(&mut [])).unwrap();
        assert_eq!(text.as_ptr(), raw.as_ptr());
        assert_eq!(unescape(b"%41", &mut Scratch::new(&mut [])), Err(UnescapeError::OutOfScratch));
    }

    #[test]
    fn r093_no_line_break_behind_an_escape() {
        for (raw, offset) in
            [("ab%0d", 2), ("%0A", 0), ("x%00", 1), ("a\r", 1), ("a\nb", 1), ("\0", 0)]
        {
            let Err(UnescapeError::Parse(error)) = decode(raw) else { panic!("{raw}") };
            assert_eq!((error.offset, error.rule), (offset, Rule::R093), "{raw:?}");
        }
        // One level only: this decodes to the text "%0d", which holds no line break.
        assert_eq!(decode("%250d").unwrap(), "%0d");
    }

    #[test]
    fn malformed_escapes_are_refused() {
        for (raw, offset) in [("%", 0), ("ab%4", 2), ("%4g", 0), ("a%%41", 1), ("%+1", 0)] {
            let Err(UnescapeError::Parse(error)) = decode(raw) else { panic!("{raw}") };
            assert_eq!((error.offset, error.rule), (offset, Rule::R029), "{raw:?}");
        }
    }

    #[test]
    fn offsets_go_back_to_the_escaped_text() {
        let raw = b"a%40b%3Bc";
        assert_eq!([0, 1, 2, 3, 4, 5, 9].map(|at| raw_offset(raw, at)), [0, 1, 4, 5, 8, 9, 9]);
    }

    #[test]
    fn names_may_be_escaped() {
        assert!(means_ignore_case(b"%52eplaces", b"Replaces"));
        assert!(means_ignore_case(b"REPLACES", b"Replaces"));
        assert!(!means_ignore_case(b"%52eplace", b"Replaces"));
        assert!(!means_ignore_case(b"%2552eplaces", b"Replaces"));
    }

    #[test]
    fn a_byte_is_found_behind_an_escape_too() {
        for (raw, found) in [("", false), ("ab", false), ("a:b", true), ("a%3ab", true)] {
            assert_eq!(decodes_to_any(raw.as_bytes(), |byte| byte == b':'), found, "{raw}");
        }
        for raw in ["%", "a%3", "%253a", "%3b%3c%4", "%zz%"] {
            assert!(!decodes_to_any(raw.as_bytes(), |byte| byte == b':'), "{raw}");
        }
        assert!(decodes_to_any(b"%zz%3A", |byte| byte == b':'));
    }

    #[test]
    fn escaping_is_undone_by_decoding() {
        let all: Vec<u8> = (1..=255).filter(|byte| !is_line_breaker(*byte)).collect();
        for function in [escape_header, escape_user] {
            let mut room = [0; 1024];
            let mut out = Writer::new(&mut room);
            function(&mut out, &all);
            let mut space = [0; 512];
            let back = unescape(out.written(), &mut Scratch::new(&mut space)).unwrap().to_vec();
            assert_eq!(back, all);
        }
        let mut room = [0; 64];
        let mut out = Writer::new(&mut room);
        escape_header(&mut out, b"a@b;c=d+e");
        assert_eq!(out.written(), b"a%40b%3Bc%3Dd%2Be");
    }
}
