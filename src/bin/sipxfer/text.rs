//! Foreign bytes on a terminal.

use std::fmt::Write;

/// The bytes as text that cannot move the cursor or turn the line around.
pub fn shown(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for letter in String::from_utf8_lossy(bytes).chars() {
        if is_harmful(letter) {
            // Writing to a string does not fail.
            let _ = write!(out, "{}", letter.escape_unicode());
        } else {
            out.push(letter);
        }
    }
    out
}

/// Control characters, and those that change the direction of what follows.
fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How much of a long line stands around the byte in question.
const BEFORE: usize = 60;
const BEHIND: usize = 36;

/// The line that holds byte `offset`, and below it a caret at that byte.
pub fn caret(bytes: &[u8], offset: usize, indent: &str) -> String {
    let offset = offset.min(bytes.len());
    let (before, behind) = bytes.split_at(offset);
    let before = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let behind = behind.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let behind = behind.strip_suffix(b"\r").unwrap_or(behind);

    let from = before.len().saturating_sub(BEFORE);
    let head = before.get(from..).unwrap_or_default();
    let tail = behind.get(..BEHIND).unwrap_or(behind);
    let head = format!("{}{}", if from > 0 { "..." } else { "" }, one_each(head));
    let cut = if tail.len() < behind.len() { "..." } else { "" };
    let column = " ".repeat(head.chars().count());
    format!("{indent}{head}{}{cut}\n{indent}{column}^\n", one_each(tail))
}

/// One printable letter for each that stands there, so that a caret stays below its byte.
fn one_each(bytes: &[u8]) -> String {
    // A cut through a letter leaves its last bytes.
    let whole = bytes.iter().position(|byte| byte & 0xc0 != 0x80).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes.get(whole..).unwrap_or_default());
    let plain = |letter| match letter {
        '\t' => ' ',
        harmful if is_harmful(harmful) => '.',
        plain => plain,
    };
    text.chars().map(plain).collect()
}

/// The number of the line, and of the byte in it, both from 1.
pub fn line_and_column(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n');
    (line, before.len() - start.map_or(0, |at| at + 1) + 1)
}

/// The text in lines of at most 90 letters, as far as its words allow.
pub fn wrapped(text: &str, indent: &str) -> String {
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && indent.len() + line.len() + 1 + word.len() > 90 {
            out.push_str(&format!("{indent}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push_str(&format!("{indent}{line}\n"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_told_what_to_do() {
        assert_eq!(shown(b"a\x1b[2J\xff"), "a\\u{1b}[2J\u{fffd}");
        assert_eq!(shown("\u{202e}x".as_bytes()), "\\u{202e}x");
    }

    #[test]
    fn the_caret_stands_below_its_byte() {
        let text = b"one\r\ntwo, three\r\nfour";
        assert_eq!(caret(text, 8, "  "), "  two, three\n     ^\n");
        assert_eq!(line_and_column(text, 8), (2, 4));
        assert_eq!(caret(text, 15, ""), "two, three\n          ^\n");
        assert_eq!(caret(text, 99, ""), "four\n    ^\n");
        assert_eq!(caret(b"", 0, ""), "\n^\n");
        assert_eq!(caret("\u{e4}\x07b".as_bytes(), 3, ""), "\u{e4}.b\n  ^\n");
    }

    #[test]
    fn of_a_long_line_the_part_around_the_caret_is_shown() {
        let text = [&[b'a'; 100][..], b"!", &[b'b'; 100]].concat();
        let drawn = caret(&text, 100, "");
        let (line, below) = drawn.split_once('\n').unwrap();
        assert!(line.starts_with("...aaa") && line.ends_with("bbb..."), "{line}");
        assert_eq!(line.find('!'), below.find('^'));
        // Cut through a letter of two bytes.
        let text = "\u{e4}".repeat(60);
        assert!(!caret(text.as_bytes(), 119, "").starts_with("...\u{fffd}"));
    }

    #[test]
    fn words_are_wrapped_and_none_is_lost() {
        let text = "word ".repeat(60);
        let lines = wrapped(text.trim(), "    ");
        assert!(lines.lines().all(|line| line.len() <= 90 && line.starts_with("    word")));
        assert_eq!(lines.split_whitespace().count(), 60);
        assert_eq!(wrapped("", "  "), "  \n");
    }
}
