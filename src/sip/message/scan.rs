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
    while let Some(block) = from(raw, at).first_chunk::<BLOCK>() {
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

/// Finds the tracked headers from `at` on, and where the empty line is. `None` where a line is not
/// plainly a header, or a NUL or a CR stands where it should not: then it is for the slow way to say
/// what is wrong, if anything is.
pub(super) fn spans(raw: &[u8], mut at: usize, spans: &mut Spans) -> Option<usize> {
    loop {
        let line = from(raw, at);
        if let [] | [b'\n', ..] | [b'\r', b'\n', ..] = line {
            return Some(at);
        }
        let (colon, known) = name(line)?;
        let value = at + colon + 1;
        let mut searched = value;
        // The last line may lack its line end.
        let (end, next) = loop {
            let end = control(raw, searched);
            let next = match from(raw, end) {
                [b'\r', b'\n', ..] => end + 2,
                [b'\n', ..] => end + 1,
                [] => break (end, end),
                [b'\r' | 0, ..] => return None,
                _ => {
                    searched = end + 1;
                    continue;
                }
            };
            if !matches!(raw.get(next), Some(b' ' | b'\t')) {
                break (end, next);
            }
            searched = next;
        };
        if let Some(name) = known {
            spans.add(name, value, end);
        }
        at = next;
    }
}

/// The length of the name that `line` begins with, right up to its colon, and what name it is.
#[inline]
fn name(line: &[u8]) -> Option<(usize, Option<Name>)> {
    let mut words = [0; WORDS];
    let Some(start) = line.first_chunk::<{ 8 * WORDS }>() else {
        return other_name(line);
    };
    for (number, (place, bytes)) in words.iter_mut().zip(start.chunks_exact(8)).enumerate() {
        let word = u64::from_le_bytes(*bytes.first_chunk()?);
        // A byte that is zero now was a colon.
        let colons = less(word ^ (EACH * b':' as u64), 1);
        if colons != 0 {
            // The bytes before the first one.
            *place = word & ((colons & colons.wrapping_neg()) >> 7).wrapping_sub(1);
            let len = number * 8 + colons.trailing_zeros() as usize / 8;
            return match Name::from_words(words, len) {
                None => other_name(line),
                known => Some((len, known)),
            };
        }
        *place = word;
    }
    other_name(line)
}

/// The same for a name that is not known, or that stands near the end of the message.
fn other_name(line: &[u8]) -> Option<(usize, Option<Name>)> {
    let len = memchr(b':', line)?;
    let name = line.get(..len)?;
    let known = Name::from_bytes(name);
    (known.is_some() || is_token(name)).then_some((len, known))
}
