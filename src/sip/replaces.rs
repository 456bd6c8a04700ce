//! Replaces (RFC 3891 section 6.1): which dialog a new INVITE takes the place of.

use super::dialog_params::{plain, print_pieces, DialogParams, Grammar, Params, Tag};
use super::error::ParseError;
use super::lex;
use super::writer::Writer;
use crate::rule::Rule;

/// A Replaces value. The tags are named as its recipient sees them (R001): the to-tag is the
/// recipient's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaces<'a> {
    /// The Call-ID of the dialog.
    pub call_id: &'a [u8],
    /// The tag of the recipient's side.
    pub to_tag: &'a [u8],
    /// The tag of the other side.
    pub from_tag: &'a [u8],
    /// Replace the dialog only while it is early.
    pub early_only: bool,
    /// What else stands there (R022).
    pub params: Params<'a>,
}

const GRAMMAR: Grammar = Grammar {
    rule: Rule::R020,
    list: (Rule::R002, "expected one Replaces value, found \",\" and a second one"),
    tags: [
        Tag {
            name: "to-tag",
            missing: "expected a to-tag",
            empty: "expected a value for to-tag",
            twice: "expected one to-tag, found a second one",
            unseparated: "expected \";\" before to-tag",
        },
        Tag {
            name: "from-tag",
            missing: "expected a from-tag",
            empty: "expected a value for from-tag",
            twice: "expected one from-tag, found a second one",
            unseparated: "expected \";\" before from-tag",
        },
    ],
    flag: Some(("early-only", "expected no value on early-only")),
    known: &["to-tag", "from-tag", "early-only"],
};

impl<'a> Replaces<'a> {
    /// A value that is made here; `None` where a part could not stand in it. `params` is parameter
    /// text without the first ";": of it those are printed that the header itself does not know.
    pub fn new(
        call_id: &'a [u8],
        to_tag: &'a [u8],
        from_tag: &'a [u8],
        early_only: bool,
        params: &'a [u8],
    ) -> Option<Replaces<'a>> {
        let params = Params::new(params, GRAMMAR.known)?;
        let fits = lex::is_call_id(call_id) && lex::is_token(to_tag) && lex::is_token(from_tag);
        fits.then_some(Replaces { call_id, to_tag, from_tag, early_only, params })
    }

    /// Reads one value, unfolded. An error is one of R020, or of R002 where a comma brings a
    /// second value.
    pub fn parse(raw: &'a [u8]) -> Result<Replaces<'a>, ParseError> {
        let DialogParams { call_id, tags: [to_tag, from_tag], flag, params } =
            GRAMMAR.parse(raw)?;
        Ok(Replaces { call_id, to_tag, from_tag, early_only: flag, params })
    }

    /// Prints the value: tags first, then early-only, then the unknown parameters in their order.
    pub fn print(&self, out: &mut Writer<'_>) {
        self.print_with(&mut plain(out));
    }

    /// The same, piece by piece, for a printer that escapes.
    pub(crate) fn print_with(&self, push: &mut dyn FnMut(&[u8])) {
        let tags = [("to-tag", self.to_tag), ("from-tag", self.from_tag)];
        let flag = self.early_only.then_some("early-only");
        print_pieces(self.call_id, tags, flag, self.params, push);
    }
}

#[cfg(test)]
mod tests;
