//! Supported, Require and the other lists of option tags (RFC 3261 sections 20.32 and 20.37).

use super::lex::{eq_ignore_case, trim};
use super::message::Message;
use super::name::Name;

/// The option tags of one value; empty list elements are skipped.
pub fn of_value(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|tag| !tag.is_empty())
}

/// The option tags of all header lines of this name, in their order.
pub fn of_message<'a>(
    message: &Message<'a>,
    name: Name,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    message.all(name).flat_map(|value| of_value(value.raw))
}

/// Whether one of the header lines of this name lists `tag`, in any case.
pub fn contains(message: &Message<'_>, name: Name, tag: &[u8]) -> bool {
    of_message(message, name).any(|found| eq_ignore_case(found, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r023_lists_over_several_lines() {
        let raw = b"INVITE sip:a@h SIP/2.0\r\nSupported: timer, ,Replaces\r\nk: tdialog,\r\n 100rel\r\n\r\n";
        let message = Message::parse(raw).unwrap();
        let tags: Vec<_> = of_message(&message, Name::Supported).collect();
        assert_eq!(tags, [&b"timer"[..], b"Replaces", b"tdialog", b"100rel"]);
        assert!(contains(&message, Name::Supported, b"replaces"));
        assert!(!contains(&message, Name::Supported, b"replace"));
        assert!(!contains(&message, Name::Require, b"replaces"));
    }
}
