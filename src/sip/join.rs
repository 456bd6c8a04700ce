//! Join (RFC 3911 section 7.1): which dialog a new INVITE is to be mixed with.

use super::dialog_params::{plain, print_pieces, DialogParams, Grammar, Params, Tag};
use super::error::ParseError;
use super::lex;
use super::writer::Writer;
use crate::rule::Rule;

/// A Join value; the to-tag is the recipient's own, as with Replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join<'a> {
    /// The Call-ID of the dialog.
    pub call_id: &'a [u8],
    /// The tag of the recipient's side.
    pub to_tag: &'a [u8],
    /// The tag of the other side.
    pub from_tag: &'a [u8],
    /// What else stands there.
    pub params: Params<'a>,
}

const GRAMMAR: Grammar = Grammar {
    rule: Rule::R102,
    list: (Rule::R102, "expected one Join value, found \",\" and a second one"),
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
    flag: None,
    known: &["to-tag", "from-tag"],
};

impl<'a> Join<'a> {
    /// A value that is made here; `None` where a part could not stand in it. `params` is parameter
    /// text without the first ";": of it those are printed that the header itself does not know.
    pub fn new(
        call_id: &'a [u8],
        to_tag: &'a [u8],
        from_tag: &'a [u8],

        params: &'a [u8],
    ) -> Option<Join<'a>> {
        let params = Params::new(params, GRAMMAR.known)?;
        let fits = lex::is_call_id(call_id) && lex::is_token(to_tag) && lex::is_token(from_tag);
        fits.then_some(Join { call_id, to_tag, from_tag, params })
    }

    /// Reads one value, unfolded. An error is one of R102.
    pub fn parse(raw: &'a [u8]) -> Result<Join<'a>, ParseError> {
        let DialogParams { call_id, tags: [to_tag, from_tag], params, .. } = GRAMMAR.parse(raw)?;
        Ok(Join { call_id, to_tag, from_tag, params })
    }

    /// Prints the value: tags first, then the unknown parameters in their order.
    pub fn print(&self, out: &mut Writer<'_>) {
        let tags = [("to-tag", self.to_tag), ("from-tag", self.from_tag)];
        print_pieces(self.call_id, tags, None, self.params, &mut plain(out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r102_join_is_read_like_replaces() {
        let join = Join::parse(b"a@b ; from-tag = F;to-tag=T;x=1").unwrap();
        assert_eq!((join.call_id, join.to_tag, join.from_tag), (&b"a@b"[..], &b"T"[..], &b"F"[..]));
        let mut room = [0; 64];
        let mut out = Writer::new(&mut room);
        join.print(&mut out);
        assert_eq!(out.written(), b"a@b;to-tag=T;from-tag=F;x=1");
    }

    #[test]
    fn r102_malformed_join_is_refused() {
        for bad in [
            "",
            "a",
            "a;to-tag=1",
            "a;from-tag=1",
            "a;to-tag=;from-tag=1",
            "a,b",
            "a;to-tag=1;from-tag=2, b;to-tag=1;from-tag=2",
            "a;to-tag=1;to-tag=1;from-tag=2",
        ] {
            assert_eq!(Join::parse(bad.as_bytes()).map_err(|e| e.rule), Err(Rule::R102), "{bad}");
        }
        // Join knows no early-only: it is a parameter like any other, with or without a value.
        let join = Join::parse(b"a;to-tag=1;from-tag=2;early-only=x").unwrap();
        assert_eq!(join.params.iter().count(), 1);
    }
}
