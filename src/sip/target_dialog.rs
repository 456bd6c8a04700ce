//! Target-Dialog (RFC 4538 section 7): which dialog proves that its sender shares a call with us.

use super::dialog_params::{plain, print_pieces, DialogParams, Grammar, Params, Tag};
use super::error::ParseError;
use super::lex;
use super::writer::Writer;
use crate::rule::Rule;

/// A Target-Dialog value; the tags are named as its recipient sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetDialog<'a> {
    /// The Call-ID of the dialog.
    pub call_id: &'a [u8],
    /// The tag of the recipient's side.
    pub local_tag: &'a [u8],
    /// The tag of the sender's side.
    pub remote_tag: &'a [u8],
    /// What else stands there.
    pub params: Params<'a>,
}

const GRAMMAR: Grammar = Grammar {
    rule: Rule::R058,
    list: (Rule::R058, "expected one Target-Dialog value, found \",\" and a second one"),
    tags: [
        Tag {
            name: "local-tag",
            missing: "expected a local-tag",
            empty: "expected a value for local-tag",
            twice: "expected one local-tag, found a second one",
            unseparated: "expected \";\" before local-tag",
        },
        Tag {
            name: "remote-tag",
            missing: "expected a remote-tag",
            empty: "expected a value for remote-tag",
            twice: "expected one remote-tag, found a second one",
            unseparated: "expected \";\" before remote-tag",
        },
    ],
    flag: None,
    known: &["local-tag", "remote-tag"],
};

impl<'a> TargetDialog<'a> {
    /// A value that is made here; `None` where a part could not stand in it. `params` is parameter
    /// text without the first ";": of it those are printed that the header itself does not know.
    pub fn new(
        call_id: &'a [u8],
        local_tag: &'a [u8],
        remote_tag: &'a [u8],

        params: &'a [u8],
    ) -> Option<TargetDialog<'a>> {
        let params = Params::new(params, GRAMMAR.known)?;
        let fits =
            lex::is_call_id(call_id) && lex::is_token(local_tag) && lex::is_token(remote_tag);
        fits.then_some(TargetDialog { call_id, local_tag, remote_tag, params })
    }

    /// Reads one value, unfolded. An error is one of R058.
    pub fn parse(raw: &'a [u8]) -> Result<TargetDialog<'a>, ParseError> {
        let DialogParams { call_id, tags: [local_tag, remote_tag], params, .. } =
            GRAMMAR.parse(raw)?;
        Ok(TargetDialog { call_id, local_tag, remote_tag, params })
    }

    /// Prints the value: tags first, then the unknown parameters in their order.
    pub fn print(&self, out: &mut Writer<'_>) {
        let tags = [("local-tag", self.local_tag), ("remote-tag", self.remote_tag)];
        print_pieces(self.call_id, tags, None, self.params, &mut plain(out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r058_both_tags_are_read_and_printed() {
        let text = b"fa77as7dad8-sd98ajzz@host.example.com;local-tag=kkaz-;remote-tag=6544";
        let target = TargetDialog::parse(text).unwrap();
        assert_eq!((target.local_tag, target.remote_tag), (&b"kkaz-"[..], &b"6544"[..]));
        let mut room = [0; 128];
        let mut out = Writer::new(&mut room);
        target.print(&mut out);
        assert_eq!(out.written(), text);
    }

    #[test]
    fn r058_a_missing_or_second_tag_is_refused() {
        for (bad, offset) in [
            ("a;local-tag=1", 13),
            ("a;remote-tag=1", 14),
            ("a;to-tag=1;from-tag=2", 21),
            ("a;local-tag=1;local-tag=2;remote-tag=3", 14),
            ("a;local-tag=1remote-tag=3", 13),
        ] {
            let error = TargetDialog::parse(bad.as_bytes()).unwrap_err();
            assert_eq!((error.offset, error.rule), (offset, Rule::R058), "{bad}");
        }
    }
}
