//! The first line of a message or of a sipfrag (RFC 3261 sections 7.1 and 7.2).

use memchr::{memchr, memrchr};

use super::error::ParseError;
use super::lex::{
    bytes_of, from, is_line_breaker, is_token_byte, last_word_of, less, trim, until, word_of,
};
use super::writer::Writer;
use crate::rule::Rule;

/// The first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// Method SP Request-URI SP SIP/2.0
    Request {
        /// The method, whose case matters (RFC 3261 section 7.1).
        method: &'a [u8],
        /// The Request-URI, not yet parsed.
        uri: &'a [u8],
    },
    /// SIP/2.0 SP code SP reason
    Status {
        /// 100 to 699.
        code: u16,
        /// The reason phrase, often empty.
        reason: &'a [u8],
    },
}

const VERSION: &[u8] = b"SIP/2.0";

/// The whole line as a start line, without its line end. Offsets count from the line's start; the
/// rule of an error is `rule`.
pub(crate) fn parse(line: &[u8], rule: Rule) -> Result<StartLine<'_>, ParseError> {
    let err = |what, offset| ParseError::new(what, offset, rule);
    let is_status = line.split_at_checked(VERSION.len()).is_some_and(|(version, rest)| {
        is_version(version) && !rest.first().copied().is_some_and(is_token_byte)
    });
    if is_status {
        return status(line, rule);
    }
    let Some(space) = method_end(line) else {
        // Which of the two it is.
        return Err(match memchr(b' ', line) {
            Some(_) => err("expected a method", 0),
            None => err("expected a request or status line", 0),
        });
    };
    let method = until(line, space);
    let behind = from(line, space + 1);
    let uri = match behind.split_last_chunk::<8>() {
        Some((uri, [b' ', version @ ..])) if is_version(version) => uri,
        _ => {
            let at = memrchr(b' ', behind).map_or(line.len(), |at| space + 1 + at + 1);
            return Err(err("expected \"SIP/2.0\" after the Request-URI", at));
        }
    };
    let breaks = |byte: u8| byte <= b' ' || byte == 0x7f;
    if breaks_anywhere(uri) {
        let at = space + 1 + uri.iter().position(|&byte| breaks(byte)).unwrap_or_default();
        return Err(err("expected no space or control character in the Request-URI", at));
    }
    if uri.is_empty() {
        return Err(err("expected a Request-URI", space + 1));
    }
    Ok(StartLine::Request { method, uri })
}

/// Mostly as it is written here, and always one word.
#[inline]
fn is_version(version: &[u8]) -> bool {
    version == VERSION || version.eq_ignore_ascii_case(VERSION)
}

/// Whether a space or a control character stands there.
#[inline]
fn breaks_anywhere(uri: &[u8]) -> bool {
    let breaks = |word| less(word, b' ' + 1) | bytes_of(word, 0x7f);
    if uri.len() < 8 {
        return uri.iter().any(|&byte| byte <= b' ' || byte == 0x7f);
    }
    let words = uri.chunks_exact(8);
    let all = words.fold(0, |all, word| all | breaks(word_of(word)));
    // The last ones once more, so that none is left over.
    all | breaks(last_word_of(uri)) != 0
}

/// Where the space behind a token is that the line begins with.
#[inline]
fn method_end(line: &[u8]) -> Option<usize> {
    let len = line.iter().position(|&byte| !is_token_byte(byte))?;
    (len > 0 && line.get(len) == Some(&b' ')).then_some(len)
}

fn status(line: &[u8], rule: Rule) -> Result<StartLine<'_>, ParseError> {
    let err = |what, offset| ParseError::new(what, offset, rule);
    let at = VERSION.len() + 1;
    let (Some(b' '), Some(digits)) = (line.get(at - 1), line.get(at..at + 3)) else {
        return Err(err("expected a status code after \"SIP/2.0\"", VERSION.len().min(line.len())));
    };
    let code = super::lex::decimal(digits).and_then(|code| u16::try_from(code).ok());
    let code = code
        .filter(|code| (100..700).contains(code))
        .ok_or_else(|| err("expected a status code of three digits, 100 to 699", at))?;
    // The space before an empty reason is often left out.
    match from(line, at + 3) {
        [] => Ok(StartLine::Status { code, reason: b"" }),
        [b' ', reason @ ..] => Ok(StartLine::Status { code, reason: trim(reason) }),
        _ => Err(err("expected a space after the status code", at + 3)),
    }
}

/// Prints a status line and its CRLF. A code that is none, or a CR, LF or NUL in the reason, is an
/// error and prints nothing (R041).
pub(crate) fn print_status(
    out: &mut Writer<'_>,
    code: u16,
    reason: &[u8],
) -> Result<(), ParseError> {
    if !(100..700).contains(&code) {
        return Err(ParseError::new("expected a status code, 100 to 699", 0, Rule::R041));
    }
    if let Some(at) = reason.iter().position(|&byte| is_line_breaker(byte)) {
        return Err(ParseError::new("expected no CR, LF or NUL in the reason", at, Rule::R041));
    }
    out.push(VERSION);
    out.push_byte(b' ');
    out.push_decimal(u64::from(code));
    out.push_byte(b' ');
    out.push(reason);
    out.push(b"\r\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<StartLine<'_>, usize> {
        parse(text.as_bytes(), Rule::R200).map_err(|error| error.offset)
    }

    #[test]
    fn requests() {
        let uri = &b"sip:a@b"[..];
        assert_eq!(
            line("INVITE sip:a@b SIP/2.0"),
            Ok(StartLine::Request { method: b"INVITE", uri })
        );
        assert_eq!(line("x sip:a@b sip/2.0"), Ok(StartLine::Request { method: b"x", uri }));
        assert_eq!(line("INVITE sip:a@b SIP/3.0"), Err(15));
        assert_eq!(line("INVITE sip:a@b"), Err(14));
        assert_eq!(line("INVITE sip:a b SIP/2.0"), Err(12));
        assert_eq!(line("INVITE  SIP/2.0"), Err(7));
        assert_eq!(line("IN(VITE sip:a@b SIP/2.0"), Err(0));
        assert_eq!(line(""), Err(0));
    }

    #[test]
    fn responses() {
        assert_eq!(line("SIP/2.0 200 OK"), Ok(StartLine::Status { code: 200, reason: b"OK" }));
        assert_eq!(line("sip/2.0 486 "), Ok(StartLine::Status { code: 486, reason: b"" }));
        assert_eq!(line("SIP/2.0 603"), Ok(StartLine::Status { code: 603, reason: b"" }));
        assert_eq!(line("SIP/2.0 2000 OK"), Err(11));
        assert_eq!(line("SIP/2.0 099 X"), Err(8));
        assert_eq!(line("SIP/2.0 700 X"), Err(8));
        assert_eq!(line("SIP/2.0 +20 X"), Err(8));
        assert_eq!(line("SIP/2.0"), Err(7));
    }
}
