//! The quick way through the headers of a message, which nearly all messages can go: where lines may end
//! is found for many bytes at once, and then each line is looked at where it starts.

use memchr::memchr;
use wide::{i8x16, CmpLt};

use super::super::lex::{from, is_token, until};
use super::super::name::Name;
use super::Spans;

/// How many bytes are in one word of bits.
const WORD: usize = u64::BITS as usize;

/// How many words of bits are made at a time. The last one is only looked into from the one before it.
const WORDS: usize = 17;

/// Where bytes stand that may end a line: CR, LF, NUL and all others that are less than 14.
///
/// They are found with no branch that goes by the bytes: lines end anywhere, which no processor can
/// guess.
pub(super) struct Controls<'a> {
    raw: &'a [u8],
    /// Where the bits begin.
    base: usize,
    /// A bit for each byte.
    bits: [u64; WORDS],
}

impl<'a> Controls<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Controls<'a> {
        let mut controls = Controls { raw, base: 0, bits: [0; WORDS] };
        controls.fill();
        controls
    }

    /// Makes the bits of what is at `base`.
    #[inline(always)]
    fn fill(&mut self) {
        let blocks = from(self.raw, self.base).chunks_exact(WORD);
        let tail = blocks.remainder();
        let mut bits = self.bits.iter_mut();
        // In this order: a word that no block is left for is not taken.
        for (block, bits) in blocks.zip(bits.by_ref()) {
            *bits = block.first_chunk().map_or(0, bits_of);
        }
        if let Some(bits) = bits.next() {
            let mut block = [b' '; WORD];
            if let Some(block) = block.get_mut(..tail.len()) {
                block.copy_from_slice(tail);
            }
            *bits = bits_of(&block);
        }
    }

    #[cold]
    #[inline(never)]
    fn fill_from(&mut self, base: usize) {
        self.base = base;
        self.bits = [0; WORDS];
        self.fill();
    }

    /// The first one from `at` on, which is never before what was asked for last; the length of all
    /// where there is none.
    #[inline(always)]
    pub(super) fn find(&mut self, mut at: usize) -> usize {
        while at < self.raw.len() {
            let behind = at.wrapping_sub(self.base);
            let (word, bit) = (behind / WORD, behind % WORD);
            let Some(&[low, high]) = self.bits.get(word..).and_then(<[u64]>::first_chunk) else {
                self.fill_from(at);
                continue;
            };
            // The bits of as many bytes as a word has, from `at` on.
            let window = low >> bit | high << 1 << (WORD - 1 - bit);
            if window != 0 {
                return at + window.trailing_zeros() as usize;
            }
            at += WORD;
        }
        self.raw.len()
    }
}

/// A bit for each byte that is less than 14.
#[inline(always)]
fn bits_of(block: &[u8; WORD]) -> u64 {
    // Bytes are compared as numbers with a sign.
    let sign = i8x16::splat(i8::MIN);
    let limit = i8x16::splat(i8::MIN + 14);
    let quarters = block.chunks_exact(16).enumerate();
    quarters.fold(0, |bits, (number, quarter)| {
        let bytes = quarter.first_chunk().copied().unwrap_or([b' '; 16]);
        let bytes = i8x16::new(bytes.map(|byte| byte as i8)) ^ sign;
        bits | u64::from(bytes.cmp_lt(limit).move_mask() as u16) << (16 * number)
    })
}

/// Where the line ends, folds and all, whose first control byte stands at `end`, and where the next
/// line begins. `None` for a NUL, or a CR that no LF follows.
#[inline(always)]
fn line_end(controls: &mut Controls<'_>, end: usize) -> Option<(usize, usize)> {
    match controls.raw.get(end..).and_then(<[u8]>::first_chunk) {
        Some([b'\r', b'\n', after]) if !matches!(after, b' ' | b'\t') => Some((end, end + 2)),
        _ => other_line_end(controls, end),
    }
}

/// The same where it is folded, or holds a tab, or ends otherwise.
#[cold]
#[inline(never)]
fn other_line_end(controls: &mut Controls<'_>, mut end: usize) -> Option<(usize, usize)> {
    let raw = controls.raw;
    loop {
        let next = match from(raw, end) {
            [b'\r', b'\n', ..] => end + 2,
            [b'\n', ..] => end + 1,
            // The last line may lack its line end.
            [] => return Some((end, end)),
            [b'\r' | 0, ..] => return None,
            _ => {
                end = controls.find(end + 1);
                continue;
            }
        };
        if !matches!(raw.get(next), Some(b' ' | b'\t')) {
            return Some((end, next));
        }
        end = controls.find(next);
    }
}

/// Finds the tracked headers from `at` on, and where the empty line is. `None` where a line is not
/// plainly a header, or a NUL or a CR stands where it should not: then it is for the slow way to say
/// what is wrong, if anything is.
///
/// The end of a line is looked for from its start, not from behind its name: so the next line can be
/// begun while the name of this one is still being looked up.
pub(super) fn spans(
    controls: &mut Controls<'_>,
    mut at: usize,
    spans: &mut Spans,
) -> Option<usize> {
    let raw = controls.raw;
    loop {
        let end = controls.find(at);
        let line = raw.get(at..)?;
        if end == at {
            let is_empty = matches!(line, [] | [b'\n', ..] | [b'\r', b'\n', ..]);
            return is_empty.then_some(at);
        }
        let (end, next) = line_end(controls, end)?;
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
