//! Event (RFC 6665 section 8.2.1).

use super::error::ParseError;
use super::lex::{self, eq_ignore_case, offset_of_suffix, trim_end, trim_start};
use super::writer::Writer;
use crate::rule::Rule;

/// An Event value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The event package with its templates, "refer".
    pub package: &'a [u8],
    /// The id that tells apart the subscriptions of one dialog (R042).
    pub id: Option<&'a [u8]>,
    /// Its parameters, `id` among them: what follows the first ";".
    pub params: &'a [u8],
}

impl<'a> Event<'a> {
    /// A value that is made here; `None` where a part is no token.
    pub fn new(package: &'a [u8], id: Option<&'a [u8]>) -> Option<Event<'a>> {
        let fits = lex::is_token(package) && id.is_none_or(lex::is_token);
        fits.then_some(Event { package, id, params: b"" })
    }

    /// Reads the value, unfolded. An error is one of R036, of R042 where it is about the id, or of
    /// R093 for a CR, LF or NUL.
    pub fn parse(raw: &'a [u8]) -> Result<Event<'a>, ParseError> {
        lex::one_line(raw, Rule::R093)?;
        let raw = trim_end(raw);
        let text = trim_start(raw);
        let err = |what, rest, rule| Err(ParseError::new(what, offset_of_suffix(raw, rest), rule));
        let Ok((rest, package)) = lex::token(text) else {
            return err("expected an event package", text, Rule::R036);
        };
        let params = match trim_start(rest) {
            [] => &b""[..],
            [b';', params @ ..] => params,
            rest => return err("expected \";\" after the event package", rest, Rule::R036),
        };
        let mut id = None;
        for param in lex::params(params).filter(|param| eq_ignore_case(param.name, b"id")) {
            let what = match param.value {
                Some(value) if lex::is_token(value) && id.is_none() => {
                    id = Some(value);
                    continue;
                }
                Some(value) if lex::is_token(value) => "expected one id, found a second one",
                _ => "expected a token after \"id=\"",
            };
            return err(what, lex::from(params, param.offset), Rule::R042);
        }
        Ok(Event { package, id, params })
    }

    /// Whether this is an event of REFER.
    pub fn is_refer(&self) -> bool {
        eq_ignore_case(self.package, b"refer")
    }

    /// Prints the value: the id first, then the other parameters in their order.
    pub fn print(&self, out: &mut Writer<'_>) {
        out.push(self.package);
        if let Some(id) = self.id {
            out.push(b";id=");
            out.push(id);
        }
        lex::print_params(out, self.params, &[b"id"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r042_the_id_is_the_cseq_of_the_refer() {
        let event = Event::parse(b" Refer ; x=1; ID = 93809823 ").unwrap();
        assert!(event.is_refer());
        assert_eq!(event.id, Some(&b"93809823"[..]));
        let mut room = [0; 64];
        let mut out = Writer::new(&mut room);
        event.print(&mut out);
        assert_eq!(out.written(), b"Refer;id=93809823;x=1");
        assert_eq!(Event::parse(b"presence.winfo").unwrap().package, b"presence.winfo");
    }

    #[test]
    fn r042_a_bad_id_is_refused() {
        for (bad, offset, rule) in [
            ("", 0, Rule::R036),
            (";id=1", 0, Rule::R036),
            ("refer,refer", 5, Rule::R036),
            ("refer;id=1;id=2", 11, Rule::R042),
            ("refer;id", 6, Rule::R042),
            ("refer;id=\"1\"", 6, Rule::R042),
            ("refer;id=1,2", 6, Rule::R042),
        ] {
            let error = Event::parse(bad.as_bytes()).unwrap_err();
            assert_eq!((error.offset, error.rule), (offset, rule), "{bad}");
        }
    }
}
