//! Referred-By (RFC 3892 section 3): who sent the REFER.

use super::error::ParseError;
use super::lex::{self, eq_ignore_case, is_line_breaker};
use super::name_addr::NameAddr;
use super::uri::Uri;
use super::writer::Writer;
use crate::rule::Rule;

/// A Referred-By value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferredBy<'a> {
    /// The URI of the referrer; its raw text is `uri.raw`.
    pub uri: Uri<'a>,
    /// The display name with its quotes; empty without one.
    pub display: &'a [u8],
    /// The Content-ID of the body part that holds the token, without quotes.
    pub cid: Option<&'a [u8]>,
    /// The parameters of the header, `cid` among them: what follows the first ";".
    pub params: &'a [u8],
}

impl<'a> ReferredBy<'a> {
    /// A value that is made here; `None` where a part could not stand in it. The display name is
    /// a quoted string or tokens; a cid is given without its quotes.
    pub fn new(display: &'a [u8], uri: &'a [u8], cid: Option<&'a [u8]>) -> Option<ReferredBy<'a>> {
        let quoted = lex::quoted_len(display) == Some(display.len());
        let tokens =
            |text: &[u8]| text.iter().all(|&byte| byte == b' ' || lex::is_token_byte(byte));
        let clean = lex::one_line(display, Rule::R050).is_ok();
        let fits = clean && (quoted || tokens(display)) && cid.is_none_or(is_message_id);
        let uri = Uri::parse_for(uri, Rule::R049).ok()?;
        fits.then_some(ReferredBy { uri, display, cid, params: b"" })
    }

    /// Reads one value, unfolded. Errors: R049 for anything malformed and for a second value, R050
    /// for a CR, LF or NUL, R093 for an escaped one, R053 for a URI that should stand in angle
    /// brackets.
    pub fn parse(value: &'a [u8]) -> Result<ReferredBy<'a>, ParseError> {
        lex::one_line(value, Rule::R050)?;
        let address = NameAddr::parse(value, Rule::R049)?;
        let uri = Uri::parse_for(address.uri, Rule::R049)
            .map_err(|error| error.shifted(address.uri_offset))?;
        let mut found =
            ReferredBy { uri, display: address.display, cid: None, params: address.params };
        for param in lex::params(address.params).filter(|param| eq_ignore_case(param.name, b"cid"))
        {
            let cid = lex::unquoted(param.value.unwrap_or_default());
            let what = if found.cid.is_some() {
                "expected one cid, found a second one"
            } else if !is_message_id(cid) {
                "expected a quoted Content-ID after \"cid=\""
            } else {
                found.cid = Some(cid);
                continue;
            };
            // The parameters are the end of the value, but for white space.
            let base = lex::trim_end(value).len() - address.params.len();
            return Err(ParseError::new(what, base + param.offset, Rule::R049));
        }
        Ok(found)
    }

    /// Prints the value, its URI always in angle brackets (R053), and the unknown parameters in
    /// their order.
    pub fn print(&self, out: &mut Writer<'_>) {
        if !self.display.is_empty() {
            out.push(self.display);
            out.push_byte(b' ');
        }
        out.push(b"<");
        out.push(self.uri.raw);
        out.push(b">");
        if let Some(cid) = self.cid {
            out.push(b";cid=\"");
            out.push(cid);
            out.push(b"\"");
        }
        lex::print_params(out, self.params, &[b"cid"]);
    }
}

/// sip-clean-msg-id (RFC 3892 section 3) allows less; what matters is that it can be compared with
/// a Content-ID and be printed between quotes.
fn is_message_id(cid: &[u8]) -> bool {
    !cid.is_empty()
        && cid.iter().all(|&byte| byte > b' ' && byte != 0x7f && !is_line_breaker(byte))
        && !cid.iter().any(|byte| matches!(byte, b'"' | b'\\' | b'<' | b'>' | b';' | b','))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<ReferredBy<'_>, (usize, Rule)> {
        ReferredBy::parse(value.as_bytes()).map_err(|error| (error.offset, error.rule))
    }

    fn printed(value: &str) -> String {
        let mut room = [0; 256];
        let mut out = Writer::new(&mut room);
        parse(value).unwrap().print(&mut out);
        String::from_utf8(out.written().to_vec()).unwrap()
    }

    #[test]
    fn r049_without_brackets_parameters_belong_to_the_header() {
        let found = parse("sip:r@h;cid=\"2U@h\"").unwrap();
        assert_eq!((found.uri.raw, found.cid), (&b"sip:r@h"[..], Some(&b"2U@h"[..])));
        assert_eq!(found.uri.params, b"");
        let found = parse("\"R\" <sip:r@h;user=phone> ; cid = 2U@h ; x").unwrap();
        assert_eq!((found.display, found.cid), (&b"\"R\""[..], Some(&b"2U@h"[..])));
        assert_eq!(found.uri.param(b"user"), Some(Some(&b"phone"[..])));
    }

    #[test]
    fn r049_malformed_values_are_refused() {
        for (bad, offset) in [
            ("", 0),
            ("sip:r@h, sip:s@h", 7),
            ("<sip:r@h>,<sip:s@h>", 9),
            ("<sip:r@h>;cid=\"a@b\";cid=\"c@d\"", 20),
            ("<sip:r@h>;cid", 10),
            ("<sip:r@h>;cid=\"\"", 10),
            ("<sip:r@h>;cid=\"a\\\"b\"", 10),
            ("  sip:r@h;cid=\"a b\"  ", 10),
            ("<sip:@h>", 5),
        ] {
            assert_eq!(parse(bad), Err((offset, Rule::R049)), "{bad}");
        }
    }

    #[test]
    fn r050_no_line_break_is_copied_on() {
        assert_eq!(parse("<sip:r@h>\r\nVia: x"), Err((9, Rule::R050)));
        assert_eq!(parse("<sip:r@h>;x=\"\0\""), Err((13, Rule::R050)));
        assert_eq!(parse("<sip:r%0d@h>"), Err((6, Rule::R093)));
    }

    #[test]
    fn r053_a_uri_stands_in_brackets() {
        assert_eq!(parse("sip:r@h?x=1"), Err((7, Rule::R053)));
        assert!(parse("<sip:r@h?x=1>").is_ok());
        assert_eq!(printed("sip:r@h;cid=\"2U@h\""), "<sip:r@h>;cid=\"2U@h\"");
        assert_eq!(
            printed("\"R\" <sip:r@h;a=b,c>;x=\"1;2\";CID=\"a@b\";y"),
            "\"R\" <sip:r@h;a=b,c>;cid=\"a@b\";x=\"1;2\";y"
        );
        assert_eq!(printed("<sip:r@h>"), "<sip:r@h>");
    }
}
