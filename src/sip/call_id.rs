//! Call-ID (RFC 3261 section 20.8).

use super::error::ParseError;
use super::lex::{self, offset_of_suffix, trim_end, trim_start};
use crate::rule::Rule;

/// Reads a Call-ID: `word [ "@" word ]`. It is compared byte for byte (R026).
pub fn parse(raw: &[u8]) -> Result<&[u8], ParseError> {
    let value = trim_end(raw);
    let start = trim_start(value);
    match lex::call_id(start) {
        Ok(([], call_id)) => Ok(call_id),
        Ok((rest, _)) => {
            let what = "expected nothing after the Call-ID";
            Err(ParseError::new(what, offset_of_suffix(value, rest), Rule::R026))
        }
        Err(_) => {
            let at = offset_of_suffix(value, start);
            Err(ParseError::new("expected a Call-ID", at, Rule::R026))
        }
    }
}

/// Whether `bytes` can stand as a Call-ID.
pub fn is_valid(bytes: &[u8]) -> bool {
    lex::is_call_id(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r026_a_call_id_is_kept_byte_for_byte() {
        assert_eq!(parse(b" AbC@192.0.2.1 "), Ok(&b"AbC@192.0.2.1"[..]));
        for (bad, offset) in [("", 0), ("  ", 0), ("a b", 1), (" a@", 2), ("a@b@c", 3)] {
            assert_eq!(parse(bad.as_bytes()).map_err(|e| e.offset), Err(offset), "{bad}");
        }
        assert!(is_valid(b"a@b") && !is_valid(b" a"));
    }
}
