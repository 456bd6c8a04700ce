//! message/sipfrag (RFC 3420): what a NOTIFY says about the referred call.

use memchr::memchr;

use super::error::ParseError;
use super::lex::{self, from, until};
use super::message::{Headers, Value};
use super::start_line::{self, StartLine};
use super::writer::Writer;
use crate::rule::Rule;

/// A piece of a SIP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sipfrag<'a> {
    /// Its first line. A piece without one is no outcome (R106).
    pub start: Option<StartLine<'a>>,
    /// What follows the start line: header lines, and behind an empty line a body.
    pub rest: &'a [u8],
}

impl<'a> Sipfrag<'a> {
    /// Reads the body of a NOTIFY. The first line may end with CRLF, with LF, or not at all. A body
    /// that begins with a header line, or is empty, has no start line; one that begins with
    /// anything else is an error of R106.
    pub fn parse(body: &'a [u8]) -> Result<Sipfrag<'a>, ParseError> {
        let end = memchr(b'\n', body).unwrap_or(body.len());
        let line = until(body, end);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || is_header_line(line) {
            return Ok(Sipfrag { start: None, rest: body });
        }
        if let Some(at) = line.iter().position(|&byte| lex::is_line_breaker(byte)) {
            return Err(ParseError::new("expected no NUL and no CR without LF", at, Rule::R106));
        }
        // A space at the end of a status line belongs to an empty or sloppy reason.
        let start = start_line::parse(line, Rule::R106)?;
        Ok(Sipfrag { start: Some(start), rest: from(body, end + 1) })
    }

    /// The code and the reason of a status line.
    pub fn status(&self) -> Option<(u16, &'a [u8])> {
        match self.start {
            Some(StartLine::Status { code, reason }) => Some((code, reason)),
            _ => None,
        }
    }

    /// The header lines behind the start line, up to the first line that is none.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], Value<'a>)> + use<'a> {
        Headers::of(self.rest)
    }

    /// Prints a status line and its CRLF: all that a transferor is told (R041, R048). A code that
    /// is none, or a CR, LF or NUL in the reason, is an error of R041 and prints nothing.
    pub fn print_status(out: &mut Writer<'_>, code: u16, reason: &[u8]) -> Result<(), ParseError> {
        start_line::print_status(out, code, reason)
    }
}

fn is_header_line(line: &[u8]) -> bool {
    let name = line.iter().position(|&byte| !lex::is_token_byte(byte)).unwrap_or(line.len());
    name > 0 && lex::trim_start(from(line, name)).first() == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r041_any_line_end_is_read() {
        for body in [
            "SIP/2.0 180 Ringing\r\n",
            "SIP/2.0 180 Ringing\n",
            "SIP/2.0 180 Ringing",
            "SIP/2.0 180 Ringing\r",
            "SIP/2.0 180  Ringing \r\n\r\n",
        ] {
            let found = Sipfrag::parse(body.as_bytes()).unwrap();
            assert_eq!(found.status(), Some((180, &b"Ringing"[..])), "{body:?}");
        }
        assert_eq!(Sipfrag::parse(b"SIP/2.0 603").unwrap().status(), Some((603, &b""[..])));
    }

    #[test]
    fn r041_crlf_is_sent_and_nothing_is_smuggled() {
        let mut room = [0; 64];
        let mut out = Writer::new(&mut room);
        for (code, reason) in [(200, "O\rK"), (200, "\n"), (200, "\0"), (99, "x"), (700, "x")] {
            let error = Sipfrag::print_status(&mut out, code, reason.as_bytes()).unwrap_err();
            assert_eq!(error.rule, Rule::R041);
        }
        assert_eq!(out.needed(), 0);
        Sipfrag::print_status(&mut out, 503, b"Service Unavailable").unwrap();
        Sipfrag::print_status(&mut out, 100, b"").unwrap();
        assert_eq!(out.written(), b"SIP/2.0 503 Service Unavailable\r\nSIP/2.0 100 \r\n");
    }

    #[test]
    fn r106_headers_may_follow() {
        let body = b"SIP/2.0 200 OK\r\nContact: <sip:a@h>\r\nX: 1\r\n 2\r\n\r\nbody: no";
        let found = Sipfrag::parse(body).unwrap();
        let headers: Vec<_> = found.headers().map(|(name, value)| (name, value.raw)).collect();
        assert_eq!(headers, [(&b"Contact"[..], &b"<sip:a@h>"[..]), (b"X", b"1\r\n 2")]);
        let request = Sipfrag::parse(b"INVITE sip:a@h SIP/2.0\r\n").unwrap();
        assert!(request.start.is_some() && request.status().is_none());
    }

    #[test]
    fn r106_no_start_line_is_no_outcome() {
        for body in ["", "\r\n", "Contact: <sip:a@h>\r\n", "X : SIP/2.0 200 OK"] {
            assert_eq!(Sipfrag::parse(body.as_bytes()).unwrap().start, None, "{body:?}");
        }
        for body in
            ["200 OK", "SIP/2.0 2x0 OK", "garbage", "\0", " SIP/2.0 200 OK", "SIP/2.0 200 O\rK\r\n"]
        {
            let error = Sipfrag::parse(body.as_bytes()).unwrap_err();
            assert_eq!(error.rule, Rule::R106, "{body:?}");
        }
    }
}
