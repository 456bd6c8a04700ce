//! The quick way through the headers of a message, which nearly all messages can go: eight bytes at a
//! time to the line ends, and a look at the start of each line.

use memchr::memchr;

use super::super::lex::{from, is_token};
use super::super::name::{Name, WORDS};
use super::Spans;

/// One in each byte of a word.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The top bit of each byte that is less than `limit` (at most 128). Bytes above the first such one
/// may be told wrong.
#[inline]
fn less(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(EACH * limit as u64) & !word & (EACH << 7)
}

/// The first eight bytes as a word.
#[inline]
fn word_of(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// How many bytes are looked at at once.
const BLOCK: usize = 32;

/// Where the first CR, LF, NUL or other byte that is less than 14 stands from `at` on; the length of
/// all where there is none.
#[inline]
fn control(raw: &[u8], mut at: usize) -> usize {
    while let Some(block) = raw.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        let [a, b, c, d] = [block.as_slice(), from(block, 8), from(block, 16), from(block, 24)]
            .map(|bytes| less(word_of(bytes), 14));
        if a | b | c | d == 0 {
            at += BLOCK;
            continue;
        }
        let (number, found) = match (a, b, c) {
            (0, 0, 0) => (24, d),
            (0, 0, _) => (16, c),
            (0, _, _) => (8, b),
            _ => (0, a),
        };
        return at + number + found.trailing_zeros() as usize / 8;
    }
    let rest = from(raw, at);
    at + rest.iter().position(|byte| *byte < 14).unwrap_or(rest.len())
}

/// Where the value ends that goes on at `at`, and where the next line begins. `None` for a NUL, or a
/// CR that no LF follows.
#[inline]
fn value_end(raw: &[u8], at: usize) -> Option<(usize, usize)> {
    let end = control(raw, at);
    match raw.get(end..).and_then(<[u8]>::first_chunk) {
        Some([b'\r', b'\n', after]) if !matches!(after, b' ' | b'\t') => Some((end, end + 2)),
        _ => other_value_end(raw, end),
    }
}

/// The same where it is folded, or holds a tab, or ends otherwise.
#[inline(never)]
fn other_value_end(raw: &[u8], mut end: usize) -> Option<(usize, usize)> {
    loop {
        let next = match from(raw, end) {
            [b'\r', b'\n', ..] => end + 2,
            [b'\n', ..] => end + 1,
            // The last line may lack its line end.
            [] => return Some((end, end)),
            [b'\r' | 0, ..] => return None,
            _ => {
                end = control(raw, end + 1);
                continue;
            }
        };
        if !matches!(raw.get(next), Some(b' ' | b'\t')) {
            return Some((end, next));
        }
        end = control(raw, next);
    }
}

/// Finds the tracked headers from `at` on, and where the empty line is. `None` where a line is not
/// plainly a header, or a NUL or a CR stands where it should not: then it is for the slow way to say
/// what is wrong, if anything is.
pub(super) fn spans(raw: &[u8], mut at: usize, spans: &mut Spans) -> Option<usize> {
    loop {
        let line = raw.get(at..)?;
        match line.first() {
            None | Some(b'\n') => return Some(at),
            Some(b'\r') => return (line.get(1) == Some(&b'\n')).then_some(at),
            _ => {}
        }
        let (colon, known) = name(line)?;
        let value = at + colon + 1;
        let (end, next) = value_end(raw, value)?;
        if let Some(name) = known {
            spans.add(name, value, end);
        }
        at = next;
    }
}

/// The top bit of each byte that is a colon; of those behind the first one maybe others.
#[inline]
fn colons(word: u64) -> u64 {
    less(word ^ (EACH * b':' as u64), 1)
}

/// The bytes of a word before the first colon, and how many they are.
#[inline]
fn before(word: u64, colons: u64) -> (u64, usize) {
    // All bits up to the lowest one that is set; the byte of that one is the colon itself.
    let below = (colons ^ colons.wrapping_sub(1)) >> 8;
    (word & below, colons.trailing_zeros() as usize / 8)
}

/// The length of the name that `line` begins with, right up to its colon, and what name it is.
#[inline]
fn name(line: &[u8]) -> Option<(usize, Option<Name>)> {
    let Some(start) = line.first_chunk::<{ 8 * WORDS }>() else {
        return other_name(line);
    };
    let [a, b, c] = [start.as_slice(), from(start, 8), from(start, 16)].map(word_of);
    let (words, len) = match (colons(a), colons(b), colons(c)) {
        (0, 0, 0) => return other_name(line),
        (0, 0, found) => {
            let (c, len) = before(c, found);
            ([a, b, c], 16 + len)
        }
        (0, found, _) => {
            let (b, len) = before(b, found);
            ([a, b, 0], 8 + len)
        }
        (found, ..) => {
            let (a, len) = before(a, found);
            return match Name::from_word(a, len) {
                None => other_name(line),
                known => Some((len, known)),
            };
        }
    };
    match Name::from_words(words, len) {
        None => other_name(line),
        known => Some((len, known)),
    }
}

/// The same for a name that is not known, or that stands near the end of the message.
#[inline(never)]
fn other_name(line: &[u8]) -> Option<(usize, Option<Name>)> {
    let len = memchr(b':', line)?;
    let name = line.get(..len)?;
    let known = Name::from_bytes(name);
    (known.is_some() || is_token(name)).then_some((len, known))
}
