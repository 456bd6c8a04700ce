//! Refer-Sub (RFC 4488 section 4): whether a REFER makes a subscription.

use super::error::ParseError;
use super::lex::{self, eq_ignore_case, offset_of_suffix, trim_end, trim_start};
use super::writer::Writer;
use crate::rule::Rule;

/// A Refer-Sub value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferSub<'a> {
    /// `false` asks for no subscription.
    pub value: bool,
    /// Its parameters: what follows the first ";".
    pub params: &'a [u8],
}

impl<'a> ReferSub<'a> {
    /// Reads the value, unfolded. An error is one of R063, or of R093 for a CR, LF or NUL.
    pub fn parse(raw: &'a [u8]) -> Result<ReferSub<'a>, ParseError> {
        lex::one_line(raw, Rule::R093)?;
        let raw = trim_end(raw);
        let text = trim_start(raw);
        let err = |what, rest| Err(ParseError::new(what, offset_of_suffix(raw, rest), Rule::R063));
        let expected = "expected \"true\" or \"false\"";
        let Ok((rest, word)) = lex::token(text) else {
            return err(expected, text);
        };
        let value = eq_ignore_case(word, b"true");
        if !value && !eq_ignore_case(word, b"false") {
            return err(expected, text);
        }
        match trim_start(rest) {
            [] => Ok(ReferSub { value, params: b"" }),
            [b';', params @ ..] => Ok(ReferSub { value, params }),
            rest => err("expected \";\" after the value", rest),
        }
    }

    /// Prints the value and its parameters.
    pub fn print(&self, out: &mut Writer<'_>) {
        out.push(if self.value { b"true" } else { b"false" });
        if !self.params.is_empty() {
            out.push(b";");
            out.push(self.params);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r063_false_with_parameters() {
        let found = ReferSub::parse(b"false;x=1;y").unwrap();
        assert_eq!(found, ReferSub { value: false, params: b"x=1;y" });
        let mut room = [0; 32];
        let mut out = Writer::new(&mut room);
        found.print(&mut out);
        assert_eq!(out.written(), b"false;x=1;y");
        assert!(ReferSub::parse(b" TRUE ").unwrap().value);
        assert!(!ReferSub::parse(b"False ; x").unwrap().value);
    }

    #[test]
    fn r063_anything_else_is_refused() {
        for (bad, offset) in [("", 0), ("no", 0), ("falsey", 0), ("false x", 6), ("false,true", 5)]
        {
            let error = ReferSub::parse(bad.as_bytes()).unwrap_err();
            assert_eq!((error.offset, error.rule), (offset, Rule::R063), "{bad}");
        }
    }
}
