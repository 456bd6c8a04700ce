//! The quick way through the headers of a message, which nearly all messages can go: eight bytes at a
//! time to the line ends, and a look at the start of each line.

use memchr::memchr;

use super::super::lex::{from, is_token, less, until, word_of};
use super::super::name::Name;
use super::Spans;

/// Where the first CR, LF, NUL or other byte that is less than 14 stands from `at` on; the length of
/// all where there is none.
#[inline(always)]
fn control(raw: &[u8], mut at: usize) -> usize {
    while let Some(block) = raw.get(at..).and_then(<[u8]>::first_chunk::<16>) {
        // All of them at once; where it is only asked where there is one, and then without a branch:
        // lines end anywhere, which no processor can guess.
        if block.iter().fold(false, |any, byte| any | (*byte < 14)) {
            let [low, high] = [0, 8].map(|half| less(word_of(from(block, half)), 14));
            let found = u128::from(high) << 64 | u128::from(low);
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 16;
    }
    let rest = from(raw, at);
    at + rest.iter().position(|byte| *byte < 14).unwrap_or(rest.len())
}

/// Where the line ends, folds and all, whose first control byte stands at `end`, and where the next
/// line begins. `None` for a NUL, or a CR that no LF follows.
#[inline(always)]
fn line_end(raw: &[u8], end: usize) -> Option<(usize, usize)> {
    match raw.get(end..).and_then(<[u8]>::first_chunk) {
        Some([b'\r', b'\n', after]) if !matches!(after, b' ' | b'\t') => Some((end, end + 2)),
        _ => other_line_end(raw, end),
    }
}

/// The same where it is folded, or holds a tab, or ends otherwise.
#[cold]
#[inline(never)]
fn other_line_end(raw: &[u8], mut end: usize) -> Option<(usize, usize)> {
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
///
/// The end of a line is looked for from its start, not from behind its name: so the next line can be
/// begun while the name of this one is still being looked up.
pub(super) fn spans(raw: &[u8], mut at: usize, spans: &mut Spans) -> Option<usize> {
    loop {
        let end = control(raw, at);
        let line = raw.get(at..)?;
        if end == at {
            let is_empty = matches!(line, [] | [b'\n', ..] | [b'\r', b'\n', ..]);
            return is_empty.then_some(at);
        }
        let (end, next) = line_end(raw, end)?;
        let (colon, known) = match line.first_chunk().and_then(Name::at_start) {
            Some((known, len)) => (len, Some(known)),
            None => other_name(until(line, end - at))?,
        };
        if let Some(name) = known {
            spans.add(name, at + colon + 1, end);
        }
        at = next;
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
