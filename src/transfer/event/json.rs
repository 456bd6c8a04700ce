//! JSON (RFC 8259), as much of it as events need: strings of hostile bytes, and a check of objects
//! that the host wrote.

use crate::sip::Writer;

/// What stands for bytes that are no UTF-8.
const REPLACEMENT: &[u8] = "\u{FFFD}".as_bytes();

/// The deepest nesting that is accepted: one bit each.
const DEEPEST: u32 = 64;

/// A string with its quotes. Anything but UTF-8 becomes U+FFFD, controls are escaped.
pub(super) fn string(out: &mut Writer<'_>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or_default();
    out.push_byte(b'"');
    for chunk in bytes.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            match byte {
                b'"' | b'\\' => out.push(&[b'\\', byte]),
                // DEL is legal, but no log wants it raw.
                0..=0x1f | 0x7f => {
                    out.push(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 0x0f)]);
                }
                _ => out.push_byte(byte),
            }
        }
        if !chunk.invalid().is_empty() {
            out.push(REPLACEMENT);
        }
    }
    out.push_byte(b'"');
}

/// The text of one JSON object that the host wrote, found to be well-formed: nothing can follow it
/// and no bracket is left open, so that it cannot change the event around it.
#[derive(Clone, Copy, Debug)]
pub struct JsonObject<'a>(&'a [u8]);

impl<'a> JsonObject<'a> {
    /// `None` where the text is anything but one well-formed object in UTF-8, or is nested deeper
    /// than 64 levels. The cost is linear and no memory is asked for.
    pub fn parse(text: &'a [u8]) -> Option<JsonObject<'a>> {
        core::str::from_utf8(text).ok()?;
        let text = text.trim_ascii();
        Reader { rest: text }.object()?;
        Some(JsonObject(text))
    }

    /// The text.
    pub fn text(&self) -> &'a [u8] {
        self.0
    }
}

/// What is left to read.
struct Reader<'a> {
    rest: &'a [u8],
}

/// What may come next inside brackets.
enum Next {
    /// A first member, or the closing bracket.
    FirstOrClose,
    /// A member: a comma came before.
    Member,
    /// A comma or the closing bracket.
    CommaOrClose,
}

impl Reader<'_> {
    /// One object and nothing behind it. A loop, not a recursion: the depth is a stranger's.
    fn object(&mut self) -> Option<()> {
        self.expect(b'{')?;
        // One bit for each open bracket, the innermost last: 1 for an object.
        let mut open: u64 = 1;
        let mut depth = 1;
        let mut next = Next::FirstOrClose;
        while depth > 0 {
            self.skip_space();
            let in_object = open & 1 == 1;
            let closes = self.rest.first() == Some(if in_object { &b'}' } else { &b']' });
            match next {
                Next::FirstOrClose | Next::CommaOrClose if closes => {
                    self.skip(1);
                    open >>= 1;
                    depth -= 1;
                    next = Next::CommaOrClose;
                }
                Next::CommaOrClose => {
                    self.expect(b',')?;
                    next = Next::Member;
                }
                Next::FirstOrClose | Next::Member => {
                    if in_object {
                        self.string()?;
                        self.skip_space();
                        self.expect(b':')?;
                        self.skip_space();
                    }
                    let opens_object = self.rest.first() == Some(&b'{');
                    if opens_object || self.rest.first() == Some(&b'[') {
                        if depth == DEEPEST {
                            return None;
                        }
                        self.skip(1);
                        open = open << 1 | u64::from(opens_object);
                        depth += 1;
                        next = Next::FirstOrClose;
                    } else {
                        self.scalar()?;
                        next = Next::CommaOrClose;
                    }
                }
            }
        }
        self.rest.is_empty().then_some(())
    }

    fn scalar(&mut self) -> Option<()> {
        for word in [&b"true"[..], b"false", b"null"] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Some(());
            }
        }
        if self.rest.first() == Some(&b'"') {
            return self.string();
        }
        self.number()
    }

    fn number(&mut self) -> Option<()> {
        self.skip_one_of(b"-");
        let zero = self.rest.first() == Some(&b'0');
        let digits = self.digits()?;
        if zero && digits > 1 {
            return None;
        }
        if self.skip_one_of(b".") {
            self.digits()?;
        }
        if self.skip_one_of(b"eE") {
            self.skip_one_of(b"+-");
            self.digits()?;
        }
        Some(())
    }

    /// At least one digit; how many.
    fn digits(&mut self) -> Option<usize> {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.skip(count);
        (count > 0).then_some(count)
    }

    fn string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..=0x1f => return None,
                _ => (),
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let (&letter, rest) = self.rest.split_first()?;
        self.rest = rest;
        match letter {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = rest.get(..4)?;
                self.skip(4);
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip_one_of(&[byte]).then_some(())
    }

    fn skip_one_of(&mut self, bytes: &[u8]) -> bool {
        let found = self.rest.first().is_some_and(|byte| bytes.contains(byte));
        if found {
            self.skip(1);
        }
        found
    }

    fn skip_space(&mut self) {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.skip(self.rest.iter().take_while(is_space).count());
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_object(text: &str) -> bool {
        JsonObject::parse(text.as_bytes()).is_some()
    }

    #[test]
    fn what_is_an_object_is_judged_as_a_json_library_does() {
        for text in [
            "{}",
            " {\"a\" : [ ] }\n",
            "{\"a\":1}",
            "{\"a\":-0.5e+10,\"b\":[1,2,{\"c\":null}],\"d\":true}",
            "{\"a\":\"\\u00e9\\\"\\\\\\/\"}",
            "{\"\":{}}",
            "{\"a\":\"\u{e9}\"}",
            "",
            "[]",
            "{",
            "}",
            "{}}",
            "{},",
            "{}{}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":+1}",
            "{\"a\":1e}",
            "{\"a\":-}",
            "{\"a\":tru}",
            "{\"a\":nulll}",
            "{\"a\":[1 2]}",
            "{\"a\":[1}",
            "{\"a\":[1}]}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"\\u12",
            "{'a':1}",
            "{a:1}",
            "{\"a\":1}\0",
            "\"{}\"",
        ] {
            let expected = serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(text);
            assert_eq!(is_object(text), expected.is_ok(), "{text:?}");
        }
        assert!(JsonObject::parse(b"{\"a\":\"\xff\"}").is_none());
    }

    #[test]
    fn every_byte_that_is_changed_or_taken_out_is_judged_as_a_json_library_does() {
        let whole = br#"{"id":"1.2","n":[-1.5e3,{"x":[true,null]},"\u0041\n"],"o":{}}"#;
        let judge = |text: &[u8]| {
            let known = serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(text);
            let ours = JsonObject::parse(text).is_some();
            assert_eq!(ours, known.is_ok(), "{:?}", String::from_utf8_lossy(text));
        };
        judge(whole);
        for at in 0..whole.len() {
            judge(&whole[..at]);
            judge(&[&whole[..at], &whole[at + 1..]].concat());
            for byte in *b"\"\\{}[],:0e.-+ \n\0a\xff" {
                judge(&[&whole[..at], &[byte], &whole[at + 1..]].concat());
                judge(&[&whole[..at], &[byte], &whole[at..]].concat());
            }
        }
    }

    #[test]
    fn nesting_is_bounded_and_costs_no_stack() {
        let nested =
            |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(is_object(&nested(64)));
        assert!(!is_object(&nested(65)));
        assert!(!is_object(&"{\"a\":".repeat(100_000)));
    }
}
