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

/// The places of CR, LF, NUL and what else is less than 14, in their order; now and then of another
/// byte behind one.
struct Controls<'a> {
    words: core::slice::ChunksExact<'a, u8>,
    /// Where the words begin that are still to come.
    next: usize,
    found: u64,
}

impl<'a> Controls<'a> {
    fn of(bytes: &'a [u8]) -> Controls<'a> {
        Controls { words: bytes.chunks_exact(8), next: 0, found: 0 }
    }

    /// What is behind the last whole word.
    #[cold]
    fn in_the_rest(&mut self) -> Option<usize> {
        let rest = core::mem::replace(&mut self.words, [].chunks_exact(8)).remainder();
        let mut last = [u8::MAX; 8];
        for (to, byte) in last.iter_mut().zip(rest) {
            *to = *byte;
        }
        self.next += 8;
        self.found = less(u64::from_le_bytes(last), 14);
        (self.found != 0).then(|| self.take())
    }

    #[inline]
    fn take(&mut self) -> usize {
        let place = self.next - 8 + self.found.trailing_zeros() as usize / 8;
        self.found &= self.found - 1;
        place
    }
}

impl Iterator for Controls<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let mut found = self.found;
        while found == 0 {
            let Some(word) = self.words.next().and_then(<[u8]>::first_chunk) else {
                return self.in_the_rest();
            };
            found = less(u64::from_le_bytes(*word), 14);
            self.next += 8;
        }
        self.found = found;
        Some(self.take())
    }
}

/// Finds the tracked headers from `at` on, and where the empty line is. `None` where a line is not
/// plainly a header, or a NUL or a CR stands where it should not: then it is for the slow way to say
/// what is wrong, if anything is.
pub(super) fn spans(raw: &[u8], at: usize, spans: &mut Spans) -> Option<usize> {
    let rest = from(raw, at);
    let mut controls = Controls::of(rest);
    let mut line = 0;
    loop {
        let begun = from(rest, line);
        if let [] | [b'\n', ..] | [b'\r', b'\n', ..] = begun {
            return Some(at + line);
        }
        let (colon, known) = name(begun)?;
        // The last line may lack its line end.
        let (end, next) = loop {
            let Some(end) = controls.next() else {
                break (rest.len(), rest.len());
            };
            let next = match from(rest, end) {
                [b'\n', ..] => end + 1,
                [b'\r', b'\n', ..] => {
                    controls.next();
                    end + 2
                }
                [b'\r' | 0, ..] => return None,
                _ => continue,
            };
            if !matches!(rest.get(next), Some(b' ' | b'\t')) {
                break (end, next);
            }
        };
        if let Some(span) = known.and_then(|name| spans.get_mut(name as usize)) {
            span.add(at + line + colon + 1, at + end);
        }
        line = next;
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
