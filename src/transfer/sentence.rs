//! Sentences for administrators and for Warning headers, with pieces of a stranger's message in
//! them that can neither break a line nor fill a log.

use crate::sip::lex::any;
use crate::sip::{OutOfScratch, Scratch, Writer};
use memchr::memchr2;

/// The most bytes of one foreign value that a sentence shows.
const SHOWN: usize = 80;

/// A part of a sentence.
#[derive(Clone, Copy)]
pub(super) enum Piece<'p> {
    /// Words of ours.
    Text(&'p str),
    /// A value from outside: shown in quotes, cut, with everything but printable ASCII as a dot.
    Value(&'p [u8]),
    /// A number.
    Number(u64),
}

pub(super) trait Sentence<'a> {
    fn sentence(&mut self, pieces: &[Piece<'_>]) -> Result<&'a [u8], OutOfScratch>;
}

impl<'a> Sentence<'a> for Scratch<'a> {
    fn sentence(&mut self, pieces: &[Piece<'_>]) -> Result<&'a [u8], OutOfScratch> {
        self.write_with(|out| {
            for piece in pieces {
                match *piece {
                    Piece::Text(text) => out.push(text.as_bytes()),
                    Piece::Number(number) => out.push_decimal(number),
                    Piece::Value(value) => show(out, value),
                }
            }
        })
    }
}

fn show(out: &mut Writer<'_>, value: &[u8]) {
    out.push_byte(b'\'');
    let shown = value.get(..SHOWN).unwrap_or(value);
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) & (byte != b'\'');
    if !any(shown, |byte| !plain(byte)) {
        out.push(shown);
    } else {
        shown.iter().for_each(|&byte| out.push_byte(if plain(byte) { byte } else { b'.' }));
    }
    out.push(if value.len() > SHOWN { b"...'" } else { b"'" });
}

/// A quoted-string (RFC 3261 section 25.1).
pub(super) fn quote_into(out: &mut Writer<'_>, text: &[u8]) {
    out.push_byte(b'"');
    let mut rest = text;
    while let Some(at) = memchr2(b'"', b'\\', rest) {
        let (plain, escaped) = rest.split_at_checked(at).unwrap_or_default();
        out.push(plain);
        out.push_byte(b'\\');
        out.push(escaped.get(..1).unwrap_or_default());
        rest = escaped.get(1..).unwrap_or_default();
    }
    out.push(rest);
    out.push_byte(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_value_cannot_break_a_line_or_fill_a_log() {
        let mut bytes = [0; 256];
        let mut scratch = Scratch::new(&mut bytes);
        let hostile = [&b"a\r\nb'\0"[..], &[b'x'; 1_000]].concat();
        let said = scratch.sentence(&[Piece::Text("x "), Piece::Value(&hostile)]).unwrap();
        assert!(said.starts_with(b"x 'a..b..xxx") && said.ends_with(b"x...'"));
        assert_eq!(said.len(), 2 + 1 + SHOWN + 4);
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        let mut bytes = [0; 64];
        let mut out = Writer::new(&mut bytes);
        quote_into(&mut out, br#"expected ";" \"#);
        assert_eq!(out.written(), br#""expected \";\" \\""#);
    }
}
