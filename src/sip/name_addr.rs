//! From, To, Contact: a display name, a URI and parameters (RFC 3261 sections 20 and 25.1).

use memchr::{memchr, memchr2};

use super::error::ParseError;
use super::lex::{self, find_unquoted, from, offset_of_suffix, trim, trim_end, trim_start, until};
use crate::rule::Rule;

/// One value with a URI in it. The URI is not yet parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name as it stands there, with its quotes; empty without one.
    pub display: &'a [u8],
    /// The URI, without angle brackets.
    pub uri: &'a [u8],
    /// Where the URI begins in the value.
    pub uri_offset: usize,
    /// The parameters of the header: what follows the first ";" behind the URI.
    pub params: &'a [u8],
    /// Whether the URI stands in angle brackets.
    pub bracketed: bool,
}

impl<'a> NameAddr<'a> {
    /// Reads one value. Without angle brackets what follows the first ";" belongs to the header
    /// (RFC 3261 section 20), and a URI with a "?" is refused (R053). A second value after a comma
    /// is an error. Errors are of `rule`.
    pub fn parse(value: &'a [u8], rule: Rule) -> Result<NameAddr<'a>, ParseError> {
        let mut found = NameAddr::parse_whole(value, rule)?;
        if !found.bracketed {
            if let Some(at) = memchr2(b';', b'?', found.uri) {
                if found.uri.get(at) == Some(&b'?') {
                    let what = "expected a URI with \"?\" to stand in angle brackets";
                    return Err(ParseError::new(what, found.uri_offset + at, Rule::R053));
                }
                found.params = from(found.uri, at + 1);
                refuse_open_quote(found.params, found.uri_offset + at + 1, rule)?;
                found.uri = trim_end(until(found.uri, at));
            }
        }
        Ok(found)
    }

    /// Reads one value. Without angle brackets everything belongs to the URI: phones that forget
    /// the brackets of a Refer-To mean its URI parameters and headers.
    pub fn parse_whole(value: &'a [u8], rule: Rule) -> Result<NameAddr<'a>, ParseError> {
        let value = trim_end(value);
        let text = trim_start(value);
        let at = |rest: &[u8]| offset_of_suffix(value, rest);
        let err = |what, offset| Err(ParseError::new(what, offset, rule));
        let list = "expected one value, found \",\" and a second one";

        let (display, rest) = if text.first() == Some(&b'"') {
            let Some((display, rest)) =
                lex::quoted_len(text).and_then(|len| text.split_at_checked(len))
            else {
                return err("expected the closing quote of the display name", at(text));
            };
            let rest = trim_start(rest);
            if rest.first() != Some(&b'<') {
                return err("expected \"<\" after the display name", at(rest));
            }
            (display, rest)
        } else {
            // What comes first tells the forms apart: "<" ends a display name, ":" a scheme.
            let stop =
                text.iter().position(|byte| matches!(byte, b'<' | b':' | b',' | b';' | b'"'));
            let stop = stop.unwrap_or(text.len());
            match text.get(stop) {
                Some(b'<') => (trim(until(text, stop)), from(text, stop)),
                Some(b':') => {
                    // RFC 3261 section 20: a URI with a comma stands in angle brackets.
                    let comma = find_unquoted(text, b',');
                    if comma < text.len() {
                        return err(list, at(from(text, comma)));
                    }
                    let uri_offset = at(text);
                    let uri = text;
                    let params = b"";
                    return Ok(NameAddr {
                        display: b"",
                        uri,
                        uri_offset,
                        params,
                        bracketed: false,
                    });
                }
                Some(b',') => return err(list, at(from(text, stop))),
                _ => return err("expected a URI", at(text)),
            }
        };

        let inside = from(rest, 1);
        let Some(close) = memchr(b'>', inside) else {
            return err("expected \">\" after the URI", value.len());
        };
        let uri = until(inside, close);
        let uri_offset = at(inside);
        let behind = trim_start(from(inside, close + 1));
        let params = match behind {
            [] => b"",
            [b';', params @ ..] => params,
            [b',', ..] => return err(list, at(behind)),
            _ => return err("expected \";\" after \">\"", at(behind)),
        };
        refuse_open_quote(params, at(params), rule)?;
        let comma = find_unquoted(params, b',');
        if comma < params.len() {
            return err(list, at(from(params, comma)));
        }
        Ok(NameAddr { display, uri, uri_offset, params, bracketed: true })
    }

    /// The value of the first header parameter of this name; `Some(None)` for a flag.
    pub fn param(&self, name: &[u8]) -> Option<Option<&'a [u8]>> {
        lex::param(self.params, name)
    }

    /// The text of the display name without its quotes; escapes stay.
    pub fn display_text(&self) -> &'a [u8] {
        lex::unquoted(self.display)
    }
}

fn refuse_open_quote(params: &[u8], offset: usize, rule: Rule) -> Result<(), ParseError> {
    if lex::quotes_are_closed(params) {
        return Ok(());
    }
    Err(ParseError::new("expected the closing quote of a quoted string", offset, rule))
}

/// The tag of a From or To value (RFC 3261 section 19.3): `None` without one, with one that is no
/// token, and for a value that cannot be read. The value need not be unfolded.
pub fn tag_of(value: &[u8]) -> Option<&[u8]> {
    usual_tag(value).or_else(|| any_tag(value))
}

/// What nearly all values are: an optional quoted name, a URI in angle brackets, and behind it nothing
/// but the tag, of plain bytes.
#[inline]
fn usual_tag(value: &[u8]) -> Option<&[u8]> {
    let name = if value.first() == Some(&b'"') { lex::quoted_len(value)? } else { 0 };
    let inside = trim_start(from(value, name)).strip_prefix(b"<")?;
    let (_, behind) = inside.split_at_checked(lex::find_near(inside, b'>'))?;
    let params = from(behind, 1);
    params.strip_prefix(b";tag=").filter(|tag| lex::is_plain(tag))
}

fn any_tag(value: &[u8]) -> Option<&[u8]> {
    // Most requests that begin a call say no more in their To than whom it is for.
    if !lex::any(value, |byte| byte == b';') {
        return None;
    }
    let parsed = NameAddr::parse(value, Rule::R200).ok()?;
    parsed.param(b"tag").flatten().filter(|tag| lex::is_token(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<NameAddr<'_>, usize> {
        NameAddr::parse(value.as_bytes(), Rule::R049).map_err(|error| error.offset)
    }

    #[test]
    fn forms() {
        let found = parse(" \"J \\\" <x>, Doe\" <sip:a@h;x=1>;tag=\"a,b\";y").unwrap();
        assert_eq!(found.display, b"\"J \\\" <x>, Doe\"");
        assert_eq!(found.display_text(), b"J \\\" <x>, Doe");
        assert_eq!((found.uri, found.uri_offset), (&b"sip:a@h;x=1"[..], 18));
        assert_eq!(found.params, b"tag=\"a,b\";y");

        let found = parse("Jane Doe <sip:a@h>").unwrap();
        assert_eq!((found.display, found.uri), (&b"Jane Doe"[..], &b"sip:a@h"[..]));

        let found = parse("sip:a@h ; tag=1").unwrap();
        assert_eq!((found.uri, found.params), (&b"sip:a@h"[..], &b" tag=1"[..]));
        assert!(!found.bracketed);
        assert_eq!(parse("<sip:1@h;a=b,c=d>").unwrap().uri, b"sip:1@h;a=b,c=d");
    }

    #[test]
    fn malformed_values_say_where() {
        for (bad, offset) in [
            ("", 0),
            ("  ", 0),
            ("alice", 0),
            ("\"open <sip:a@h>", 0),
            ("\"a\" sip:a@h", 4),
            ("<sip:a@h", 8),
            ("<sip:a@h> x", 10),
            ("<sip:a@h>, <sip:b@h>", 9),
            ("<sip:a@h>;x=1,<sip:b@h>", 13),
            ("sip:a@h, sip:b@h", 7),
            ("sip:a@h;x=1,sip:b@h", 11),
            ("Doe, Jane <sip:a@h>", 3),
            ("sip:a@h?x=1", 7),
            ("<sip:a@h>;x=\", <sip:b@h>", 10),
            ("sip:a@h;x=\"", 8),
        ] {
            assert_eq!(parse(bad), Err(offset), "{bad}");
        }
    }

    #[test]
    fn tags() {
        assert_eq!(tag_of(b"<sip:a@h;tag=no>;tag=Yes"), Some(&b"Yes"[..]));
        assert_eq!(tag_of(b"\"x\" <sip:a@h>\r\n ; TAG = 1"), Some(&b"1"[..]));
        assert_eq!(tag_of(b"sip:a@h;tag=88"), Some(&b"88"[..]));
        assert_eq!(tag_of(b"<sip:a@h>"), None);
        assert_eq!(tag_of(b"<sip:a@h>;tag="), None);
        assert_eq!(tag_of(b"<sip:a@h>;tag=\"q\""), None);
        assert_eq!(tag_of(b"a"), None);
    }
}
