//! Byte classes of RFC 3261 section 25 and the small tools that every header needs.

use memchr::{memchr, memchr2, memchr3};
use nom::error::{Error, ErrorKind};
use nom::IResult;
use wide::{i8x16, CmpEq};

use super::error::ParseError;
use super::writer::Writer;
use crate::rule::Rule;

/// A table of bytes: the alphanumeric ones and those of `extra`.
const fn class(extra: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0u8;
    loop {
        let mut inside = byte.is_ascii_alphanumeric();
        let mut rest = extra;
        while let Some((first, tail)) = rest.split_first() {
            inside |= *first == byte;
            rest = tail;
        }
        // A table being built: the index is a byte, the table has 256 places.
        #[allow(clippy::indexing_slicing)]
        {
            table[byte as usize] = inside;
        }
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

static TOKEN: [bool; 256] = class(b"-.!%*_+`'~");
static WORD: [bool; 256] = class(b"-.!%*_+`'~()<>:\\\"/[]?{}");
static VALUE: [bool; 256] = class(b"-.!%*_+`'~[]:");
static UNRESERVED: [bool; 256] = class(b"-_.!~*'()");
static HOST: [bool; 256] = class(b"-_.");

/// Looks a byte up; the table has a place for every byte, so the check is compiled away.
#[inline]
fn in_class(table: &[bool; 256], byte: u8) -> bool {
    table.get(usize::from(byte)).copied().unwrap_or_default()
}

/// A byte of a `token` (RFC 3261 section 25.1).
#[inline]
pub fn is_token_byte(byte: u8) -> bool {
    in_class(&TOKEN, byte)
}

/// A byte of a `word`, which a Call-ID is made of (RFC 3261 section 25.1).
#[inline]
pub fn is_word_byte(byte: u8) -> bool {
    in_class(&WORD, byte)
}

/// A byte of `unreserved`, which never needs an escape in a URI (RFC 3261 section 25.1).
#[inline]
pub fn is_unreserved(byte: u8) -> bool {
    in_class(&UNRESERVED, byte)
}

/// One in each byte of a word, and the top bit of each.
pub(crate) const EACH: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = EACH << 7;

/// The first eight bytes as a word; 0 where there are fewer.
#[inline]
pub(crate) fn word_of(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// The last eight bytes as a word; 0 where there are fewer.
#[inline]
pub(crate) fn last_word_of(bytes: &[u8]) -> u64 {
    bytes.last_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// The top bit of each byte that is less than `limit` (at most 128), up to the first one; of those
/// behind it maybe others.
#[inline]
pub(crate) const fn less(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(EACH * limit as u64) & !word & TOPS
}

/// The top bit of each byte that is `byte` (less than 128), up to the first one; of those behind it
/// maybe others.
#[inline]
pub(crate) const fn bytes_of(word: u64, byte: u8) -> u64 {
    less(word ^ (EACH * byte as u64), 1)
}

/// Where the first `byte` stands, or the length of all; for short texts, which are not worth a call.
#[inline]
pub(crate) fn find_near(bytes: &[u8], byte: u8) -> usize {
    let wanted = i8x16::splat(byte as i8);
    let mut rest = bytes;
    while let Some((block, behind)) = rest.split_first_chunk::<16>() {
        let found = i8x16::new(block.map(|byte| byte as i8)).cmp_eq(wanted).move_mask();
        if found != 0 {
            return offset_of_suffix(bytes, rest) + found.trailing_zeros() as usize;
        }
        rest = behind;
    }
    if let Some((word, behind)) = rest.split_first_chunk() {
        let found = bytes_of(u64::from_le_bytes(*word), byte);
        if found != 0 {
            return offset_of_suffix(bytes, rest) + found.trailing_zeros() as usize / 8;
        }
        rest = behind;
    }
    let len = rest.iter().position(|it| *it == byte).unwrap_or(rest.len());
    offset_of_suffix(bytes, rest) + len
}

/// The top bit of each byte that is a letter, a digit, `-` or `.`: what tokens, words and Call-IDs
/// mostly are made of.
#[inline]
fn plain(word: u64) -> u64 {
    let low = word & !TOPS;
    let small = low | (EACH << 5);
    // With the top bits gone a sum never carries into the next byte.
    let among = |bytes: u64, first: u8, last: u8| {
        (bytes + EACH * u64::from(0x80 - first)) & !(bytes + EACH * u64::from(0x7f - last))
    };
    (among(small, b'a', b'z') | among(low, b'0', b'9') | among(low, b'-', b'.')) & !word & TOPS
}

/// Whether nothing but letters, digits, `-` and `.` stands there, and at least one of them: a token,
/// and a word. Of less than eight bytes the whole class of a token passes.
#[inline]
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    let plain_16 = |bytes: &[u8; 16]| {
        bytes.iter().fold(true, |all, byte| {
            let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
            all & (letter | (byte.wrapping_sub(b'0') < 10) | (byte.wrapping_sub(b'-') < 2))
        })
    };
    match (bytes.last_chunk(), bytes.len()) {
        (Some(last), _) => {
            let mut rest = bytes;
            // The last ones are looked at on their own, so that none is left over.
            while let Some((block, behind)) = rest.split_first_chunk() {
                if !plain_16(block) {
                    return false;
                }
                rest = behind;
            }
            plain_16(last)
        }
        (None, 8..) => plain(word_of(bytes)) & plain(last_word_of(bytes)) == TOPS,
        (None, _) => !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte)),
    }
}

/// Whether any byte is such a one. Sixteen are asked about at a time.
#[inline]
pub(crate) fn any(bytes: &[u8], is: impl Fn(u8) -> bool) -> bool {
    let any_of = |block: &[u8; 16]| block.iter().fold(false, |any, &byte| any | is(byte));
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().any(|&byte| is(byte));
    };
    let mut rest = bytes;
    // The last ones are asked about on their own, so that none is left over.
    while let Some((block, behind)) = rest.split_first_chunk() {
        if any_of(block) {
            return true;
        }
        rest = behind;
    }
    any_of(last)
}

/// How many bytes from the first on are of a class that holds letters, digits, `-` and `.`.
#[inline]
fn run(bytes: &[u8], table: &[bool; 256]) -> usize {
    let mut at = 0;
    while let Some(word) = from(bytes, at).first_chunk() {
        let others = !plain(u64::from_le_bytes(*word)) & TOPS;
        if others == 0 {
            at += 8;
            continue;
        }
        at += others.trailing_zeros() as usize / 8;
        if !bytes.get(at).is_some_and(|&byte| in_class(table, byte)) {
            return at;
        }
        at += 1;
    }
    let rest = from(bytes, at);
    at + rest.iter().position(|&byte| !in_class(table, byte)).unwrap_or(rest.len())
}

/// Splits behind a run; what a parser of nom answers where it is empty.
#[inline]
fn taken<'a>(bytes: &'a [u8], table: &[bool; 256]) -> IResult<&'a [u8], &'a [u8]> {
    let len = run(bytes, table);
    if len == 0 {
        return Err(nom::Err::Error(Error::new(bytes, ErrorKind::TakeWhile1)));
    }
    Ok((from(bytes, len), until(bytes, len)))
}

/// White space between the parts of a value: SP and HTAB, and the CR and LF of a fold (RFC 3261
/// section 7.3.1), so that a value may be read before it is unfolded.
#[inline]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// CR, LF and NUL: the bytes that let one header become two (R093).
#[inline]
pub fn is_line_breaker(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | 0)
}

/// Whether `bytes` is a whole `token`.
pub fn is_token(bytes: &[u8]) -> bool {
    is_plain(bytes) || !bytes.is_empty() && run(bytes, &TOKEN) == bytes.len()
}

/// Whether `bytes` is a whole `callid`: `word [ "@" word ]` (RFC 3261 section 25.1).
pub fn is_call_id(bytes: &[u8]) -> bool {
    matches!(call_id(bytes), Ok((rest, _)) if rest.is_empty())
}

/// Equal without regard to ASCII case. Mostly the case is the same, too.
#[inline]
pub fn eq_ignore_case(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && (a == b || a.eq_ignore_ascii_case(b))
}

/// What begins at byte `at`; nothing where there is no such byte.
#[inline]
pub fn from(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at..).unwrap_or_default()
}

/// What stands before byte `at`; all of it where there is no such byte.
#[inline]
pub fn until(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(..at).unwrap_or(bytes)
}

/// Where `part`, a suffix of `whole`, begins.
#[inline]
pub(crate) fn offset_of_suffix(whole: &[u8], part: &[u8]) -> usize {
    whole.len().saturating_sub(part.len())
}

/// Without the white space at the start.
#[inline]
pub fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes {
        if !is_space(*first) {
            break;
        }
        bytes = rest;
    }
    bytes
}

/// Without the white space at the end.
#[inline]
pub fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., last] = bytes {
        if !is_space(*last) {
            break;
        }
        bytes = rest;
    }
    bytes
}

/// Without the white space at both ends.
#[inline]
pub fn trim(bytes: &[u8]) -> &[u8] {
    trim_start(trim_end(bytes))
}

/// A `token`.
pub(crate) fn token(input: &[u8]) -> IResult<&[u8], &[u8]> {
    taken(input, &TOKEN)
}

/// A `callid`: `word [ "@" word ]`.
pub(crate) fn call_id(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let (rest, word) = taken(input, &WORD)?;
    let len = match rest {
        [b'@', host @ ..] => match run(host, &WORD) {
            // An "@" that nothing follows is not of it.
            0 => word.len(),
            host => word.len() + 1 + host,
        },
        _ => word.len(),
    };
    Ok((from(input, len), until(input, len)))
}

/// What a parameter value that is no quoted string begins with: token, or host with IPv6 brackets.
/// May be empty.
pub(crate) fn value_run(input: &[u8]) -> &[u8] {
    until(input, run(input, &VALUE))
}

/// What a host that is a name or an IPv4 address may be made of: letters, digits, `-`, `.`, and the
/// underscore that names have in use. May be empty.
pub(crate) fn host_run(input: &[u8]) -> &[u8] {
    until(input, run(input, &HOST))
}

/// The length of the quoted string that `bytes` begins with, both quotes counted (RFC 3261
/// section 25.1); `None` where it is not closed, holds a NUL, or escapes a CR or LF. The CR and LF
/// of a fold are let through: a value may be read before it is unfolded.
pub fn quoted_len(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes.strip_prefix(b"\"")?.iter().enumerate();
    while let Some((at, &byte)) = rest.next() {
        match byte {
            b'"' => return Some(at + 2),
            b'\\' => {
                let (_, &escaped) = rest.next()?;
                if is_line_breaker(escaped) {
                    return None;
                }
            }
            0 => return None,
            _ => {}
        }
    }
    None
}

/// Whether every quoted string in `bytes` is closed. Behind an open quote another parser may see
/// what this one does not.
pub(crate) fn quotes_are_closed(mut bytes: &[u8]) -> bool {
    while let Some(at) = memchr(b'"', bytes) {
        let quoted = from(bytes, at);
        match quoted_len(quoted) {
            Some(len) => bytes = from(quoted, len),
            None => return false,
        }
    }
    true
}

/// Refuses a CR, LF or NUL in a value that may be printed again: it is one line (R093).
pub(crate) fn one_line(value: &[u8], rule: Rule) -> Result<(), ParseError> {
    match memchr3(b'\r', b'\n', 0, value) {
        Some(at) => Err(ParseError::new("expected no CR, LF or NUL", at, rule)),
        None => Ok(()),
    }
}

/// A non-negative decimal number; too large a one becomes the largest (delta-seconds of a peer
/// that means "for ever").
pub(crate) fn decimal(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0u32, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum.saturating_mul(10).saturating_add(u32::from(byte.wrapping_sub(b'0'))))
    })
}

/// One `;name=value` (RFC 3261 section 25.1, generic-param).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// Its name as it stands there.
    pub name: &'a [u8],
    /// Its value, with the quotes of a quoted string; `None` without a "=".
    pub value: Option<&'a [u8]>,
    /// Where the name begins in the parameter text.
    pub offset: usize,
}

/// Splits parameter text (what follows the first ";") at each ";" outside a quoted string, and
/// skips empty parameters.
#[derive(Clone, Debug)]
pub struct ParamIter<'a> {
    rest: &'a [u8],
    offset: usize,
}

/// The parameters of `text`, which is what follows the first ";".
pub fn params(text: &[u8]) -> ParamIter<'_> {
    ParamIter { rest: text, offset: 0 }
}

/// The value of the first parameter called `name`: `Some(None)` for a flag.
pub fn param<'a>(text: &'a [u8], name: &[u8]) -> Option<Option<&'a [u8]>> {
    params(text).find(|param| eq_ignore_case(param.name, name)).map(|param| param.value)
}

/// Prints the parameters of `text` but for those that are named, each behind its ";".
pub(crate) fn print_params(out: &mut Writer<'_>, text: &[u8], but: &[&[u8]]) {
    for param in
        params(text).filter(|param| !but.iter().any(|name| eq_ignore_case(param.name, name)))
    {
        out.push(b";");
        out.push(param.name);
        if let Some(value) = param.value {
            out.push(b"=");
            out.push(value);
        }
    }
}

/// Where the first `stop` stands outside a quoted string, or the length of all. An unclosed quoted
/// string reaches to the end.
pub(crate) fn find_unquoted(bytes: &[u8], stop: u8) -> usize {
    let mut at = 0;
    while let Some(found) = memchr2(stop, b'"', from(bytes, at)) {
        at += found;
        if bytes.get(at) == Some(&stop) {
            return at;
        }
        match quoted_len(from(bytes, at)) {
            Some(len) => at += len,
            None => return bytes.len(),
        }
    }
    bytes.len()
}

impl<'a> Iterator for ParamIter<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        while !self.rest.is_empty() {
            let end = find_unquoted(self.rest, b';');
            let piece = until(self.rest, end);
            let start = self.offset;
            self.rest = from(self.rest, end + 1);
            self.offset = start + end + 1;
            let text = trim_start(piece);
            if text.is_empty() {
                continue;
            }
            let offset = start + offset_of_suffix(piece, text);
            let split = find_unquoted(text, b'=');
            let value = text.get(split + 1..).map(trim);
            return Some(Param { name: trim_end(until(text, split)), value, offset });
        }
        None
    }
}

/// The text between the quotes of a quoted string, its escapes untouched; any other text as it is.
pub fn unquoted(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b'"', inner @ .., b'"'] => inner,
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_know_quoted_strings() {
        let found: Vec<_> = params(b"a=1; b ; c = \"x;y\\\";z\" ;;d=").collect();
        assert_eq!(found.len(), 4);
        assert_eq!(found[0], Param { name: b"a", value: Some(b"1"), offset: 0 });
        assert_eq!(found[1], Param { name: b"b", value: None, offset: 5 });
        assert_eq!(found[2].value, Some(&b"\"x;y\\\";z\""[..]));
        assert_eq!(found[3], Param { name: b"d", value: Some(b""), offset: 25 });
        assert_eq!(param(b"x;TAG=1", b"tag"), Some(Some(&b"1"[..])));
        assert_eq!(param(b"x;TAG=1", b"x"), Some(None));
    }

    #[test]
    fn an_unclosed_quote_reaches_to_the_end() {
        assert_eq!(params(b"a=\"x;b=1").count(), 1);
        assert_eq!(quoted_len(b"\"a\\\"b\"c"), Some(6));
        assert_eq!(quoted_len(b"\"a\\"), None);
        assert_eq!(quoted_len(b"\"a\0\""), None);
    }

    #[test]
    fn a_byte_is_found_wherever_it_stands() {
        for len in 0..50 {
            let mut text = vec![b'a'; len];
            assert_eq!((find_near(&text, b';'), any(&text, |byte| byte == b';')), (len, false));
            for at in (0..len).rev() {
                text[at] = b';';
                assert_eq!((find_near(&text, b';'), any(&text, |byte| byte == b';')), (at, true));
                // Nothing but this byte is it, and the first one counts.
                text[at] = 0xbb;
                assert_eq!((find_near(&text, b';'), any(&text, |byte| byte == b';')), (len, false));
                text[at] = b'a';
            }
            text.fill(b';');
            assert_eq!(find_near(&text, b';'), 0);
        }
    }

    #[test]
    fn many_parameters_cost_linear_time() {
        let text = b";a=\"".repeat(200_001);
        assert!(params(&text).count() > 0);
    }

    #[test]
    fn call_ids() {
        for good in ["a", "a@b", "12345@192.0.2.3", "{x}<y>\"z\"", "a%b"] {
            assert!(is_call_id(good.as_bytes()), "{good}");
        }
        for bad in ["", "@b", "a@", "a@b@c", "a b", "a;b", "a,b", "a=b", "a\r"] {
            assert!(!is_call_id(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_run_ends_at_the_first_byte_of_another_class_wherever_it_stands() {
        for table in [&TOKEN, &WORD, &VALUE] {
            for byte in 0..=255 {
                for at in 0..20 {
                    let mut text = *b"abcXYZ019-.azAZ09-.q";
                    text[at] = byte;
                    let len = text.iter().position(|it| !table[usize::from(*it)]).unwrap_or(20);
                    assert_eq!(run(&text, table), len, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn a_plain_text_is_one_of_letters_digits_and_two_more_wherever_another_byte_stands() {
        assert!(!is_plain(b"") && !is_plain(b"_bcdefgh") && !is_plain(b"abcdefg\xe1bcdefgh"));
        for len in 1..50 {
            let text: Vec<u8> = (0..len).map(|at| b"aZ09-.fG"[at % 8]).collect();
            assert!(is_plain(&text), "{len}");
            for at in 0..len {
                for byte in [0, b' ', b',', b'/', b':', b'@', b'[', b'`', b'{', 0x7f, 0x80, 0xff] {
                    let mut text = text.clone();
                    text[at] = byte;
                    let short = len < 8 && is_token_byte(byte);
                    assert_eq!(is_plain(&text), short, "{text:?}");
                    assert_eq!(find_near(&text, byte), at.min(len), "{text:?}");
                }
            }
        }
        assert_eq!(find_near(b"abcdefghij", b';'), 10);
    }

    #[test]
    fn numbers_saturate() {
        assert_eq!(decimal(b"0060"), Some(60));
        assert_eq!(decimal(b"99999999999999"), Some(u32::MAX));
        assert_eq!(decimal(b""), None);
        assert_eq!(decimal(b"+1"), None);
    }
}
