//! A SIP message as a view over its bytes (RFC 3261 section 7).

mod scan;

use self::scan::Controls;
use memchr::{memchr, memchr3};

use super::error::ParseError;
use super::lex::{any, from, is_token_byte, offset_of_suffix, trim_end, trim_start, until};
use super::name::Name;
use super::scratch::{OutOfScratch, Scratch};
use super::start_line::{self, StartLine};
use crate::rule::Rule;

/// The value of a header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// Its bytes without the white space around them; folds inside are still there.
    pub raw: &'a [u8],
    /// Where they begin in the message.
    pub offset: usize,
}

impl<'a> Value<'a> {
    /// What is left of `raw`, which begins at `offset`, without the white space around it.
    fn trimmed(raw: &'a [u8], offset: usize) -> Value<'a> {
        let value = trim_end(raw);
        let trimmed = trim_start(value);
        Value { raw: trimmed, offset: offset + offset_of_suffix(value, trimmed) }
    }

    /// Whether the value goes over several lines (RFC 3261 section 7.3.1).
    pub fn is_folded(&self) -> bool {
        any(self.raw, |byte| byte == b'\n')
    }

    /// The value on one line: each CR and LF becomes a space. The length is kept, so that an
    /// offset in the result is one in `raw`. Borrows where nothing is folded.
    pub fn unfolded(&self, scratch: &mut Scratch<'a>) -> Result<&'a [u8], OutOfScratch> {
        if !self.is_folded() {
            return Ok(self.raw);
        }
        scratch.write_with(|out| {
            for &byte in self.raw {
                out.push_byte(if matches!(byte, b'\r' | b'\n') { b' ' } else { byte });
            }
        })
    }

    /// The value on one line for copying on (R050): each fold, with the white space around it,
    /// becomes one space. Borrows where nothing is folded.
    pub fn compacted(&self, scratch: &mut Scratch<'a>) -> Result<&'a [u8], OutOfScratch> {
        if !self.is_folded() {
            return Ok(self.raw);
        }
        scratch.write_with(|out| {
            let mut rest = self.raw;
            while let Some(at) = memchr(b'\n', rest) {
                out.push(trim_end(until(rest, at)));
                out.push_byte(b' ');
                // Takes several folds in a row at once, so that they leave one space.
                rest = trim_start(from(rest, at));
            }
            out.push(rest);
        })
    }
}

/// Where the first header of a name stands, from behind its colon to its line end.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    end: u32,
}

/// The places of the tracked headers. Small, and never moved once it is filled: this is most of what
/// a message is.
#[derive(Clone, Debug, Default)]
struct Spans {
    places: [Span; Name::TRACKED],
    /// A bit for each name that was met.
    met: u32,
    /// A bit for each name that was met more than once.
    repeated: u32,
}

const _: () = assert!(Name::TRACKED <= u32::BITS as usize);

impl Spans {
    /// Remembers one more, if it is tracked. Both ends fit: the length of the message does.
    #[inline]
    fn add(&mut self, name: Name, start: usize, end: usize) {
        let Some(place) = self.places.get_mut(name as usize) else { return };
        let bit = 1 << name as u32;
        if self.met & bit != 0 {
            self.repeated |= bit;
            return;
        }
        self.met |= bit;
        *place = Span { start: start as u32, end: end as u32 };
    }

    /// `None` for a name that is not tracked; then whether it was met, and where.
    #[inline]
    fn of(&self, name: Name) -> Option<Option<Span>> {
        let span = self.places.get(name as usize)?;
        Some((self.met & 1 << name as u32 != 0).then_some(*span))
    }

    /// Whether a tracked name was met more than once.
    #[inline]
    fn is_repeated(&self, name: Name) -> bool {
        (name as usize) < Name::TRACKED && self.repeated & 1 << name as u32 != 0
    }
}

/// A request or response. Nothing is copied: the first value of each tracked [`Name`] is
/// remembered by its place, everything else is read again when it is asked for.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    raw: &'a [u8],
    start: StartLine<'a>,
    headers: usize,
    body: usize,
    spans: Spans,
}

/// One header line with its continuation lines.
struct Line<'a> {
    name: &'a [u8],
    value: Value<'a>,
    end: usize,
}

/// Where the line that holds byte `at` ends, and where the next one begins. A line end is CRLF, LF
/// or the end of all bytes; a NUL or a CR that no LF follows is an error at its place.
#[inline]
fn line_end(raw: &[u8], at: usize) -> Result<(usize, usize), usize> {
    let rest = from(raw, at);
    let Some(end) = memchr3(b'\r', b'\n', 0, rest) else {
        return Ok((raw.len(), raw.len()));
    };
    match (rest.get(end), rest.get(end + 1)) {
        (Some(b'\n'), _) => Ok((at + end, at + end + 1)),
        (Some(b'\r'), Some(b'\n')) => Ok((at + end, at + end + 2)),
        _ => Err(at + end),
    }
}

/// Like [`line_end`], over the continuation lines that follow (RFC 3261 section 7.3.1).
#[inline]
fn folded_line_end(raw: &[u8], at: usize) -> Result<(usize, usize), usize> {
    let mut line = line_end(raw, at)?;
    while let Some(b' ' | b'\t') = raw.get(line.1) {
        line = line_end(raw, line.1)?;
    }
    Ok(line)
}

/// Ill-formed messages are named under the rule of the order of checks: they are refused before
/// any other.
const RULE: Rule = Rule::R200;

/// The header line that begins at `at`; `Ok(None)` at the empty line or at the end of all bytes.
#[inline]
fn header_line(raw: &[u8], at: usize) -> Result<Option<Line<'_>>, ParseError> {
    let breaker =
        |offset| ParseError::new("expected no NUL and no CR without LF in a header", offset, RULE);
    let rest = from(raw, at);
    let name_len = rest.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(rest.len());
    if name_len == 0 {
        match rest {
            [] | [b'\n', ..] | [b'\r', b'\n', ..] => return Ok(None),
            _ => return Err(ParseError::new("expected a header name", at, RULE)),
        }
    }
    let behind = from(rest, name_len);
    // HCOLON allows white space before the colon, not a fold.
    let spaces = behind.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    let colon = spaces.unwrap_or(behind.len());
    if behind.get(colon) != Some(&b':') {
        return Err(ParseError::new("expected a header name and \":\"", at, RULE));
    }
    let from_colon = at + name_len + colon + 1;
    let (end, next) = folded_line_end(raw, from_colon).map_err(breaker)?;
    let value = Value::trimmed(raw.get(from_colon..end).unwrap_or_default(), from_colon);
    Ok(Some(Line { name: until(rest, name_len), value, end: next }))
}

/// Finds the tracked headers from `at` on, and where the empty line or the end of all bytes is.
fn line_by_line(raw: &[u8], mut at: usize, spans: &mut Spans) -> Result<usize, ParseError> {
    while let Some(Line { name, value, end }) = header_line(raw, at)? {
        at = end;
        if let Some(name) = Name::from_bytes(name) {
            spans.add(name, value.offset, value.offset + value.raw.len());
        }
    }
    Ok(at)
}

impl<'a> Message<'a> {
    /// Reads the start line and finds the headers, in one pass that stops at the empty line: what
    /// follows is body, whatever it looks like.
    ///
    /// Empty lines before the start line are skipped (RFC 3261 section 7.5); a message that ends
    /// without its empty line has no body. An error names rule R200: a message that cannot be
    /// read is refused before any other check, with 400.
    pub fn parse(raw: &'a [u8]) -> Result<Message<'a>, ParseError> {
        let mut message = Message::unread(raw);
        message.read()?;
        Ok(message)
    }

    /// One that is still to be [`read`](Message::read), where it is to stay.
    pub(crate) fn unread(raw: &'a [u8]) -> Message<'a> {
        let start = StartLine::Status { code: 0, reason: b"" };
        Message { raw, start, headers: raw.len(), body: raw.len(), spans: Spans::default() }
    }

    /// What [`parse`](Message::parse) does, in place.
    pub(crate) fn read(&mut self) -> Result<(), ParseError> {
        let raw = self.raw;
        if u32::try_from(raw.len()).is_err() {
            return Err(ParseError::new("expected less than 4 GiB", 0, RULE));
        }
        let mut controls = Controls::new(raw);
        let mut at = 0;
        loop {
            match from(raw, at) {
                [b'\n', ..] => at += 1,
                [b'\r', b'\n', ..] => at += 2,
                _ => break,
            }
        }
        let end = controls.find(at);
        let (end, headers) = match from(raw, end) {
            [b'\r', b'\n', ..] => (end, end + 2),
            _ => line_end(raw, at).map_err(|offset| {
                let what = "expected no NUL and no CR without LF in the start line";
                ParseError::new(what, offset, RULE)
            })?,
        };
        let first = raw.get(at..end).unwrap_or_default();
        self.start = start_line::parse(first, RULE).map_err(|error| error.shifted(at))?;
        self.headers = headers;
        let at = match scan::spans(&mut controls, headers, &mut self.spans) {
            Some(at) => at,
            // Something unusual, or wrong: looked at again, line by line.
            None => {
                self.spans = Spans::default();
                line_by_line(raw, headers, &mut self.spans)?
            }
        };
        self.body = at
            + match from(raw, at) {
                [b'\r', ..] => 2,
                [b'\n', ..] => 1,
                _ => 0,
            };
        Ok(())
    }

    /// All of its bytes.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The first line.
    pub fn start_line(&self) -> StartLine<'a> {
        self.start
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&'a [u8]> {
        match self.start {
            StartLine::Request { method, .. } => Some(method),
            StartLine::Status { .. } => None,
        }
    }

    /// The Request-URI of a request.
    pub fn request_uri(&self) -> Option<&'a [u8]> {
        match self.start {
            StartLine::Request { uri, .. } => Some(uri),
            StartLine::Status { .. } => None,
        }
    }

    /// The code and the reason of a response.
    pub fn status(&self) -> Option<(u16, &'a [u8])> {
        match self.start {
            StartLine::Status { code, reason } => Some((code, reason)),
            StartLine::Request { .. } => None,
        }
    }

    /// What follows the empty line.
    pub fn body(&self) -> &'a [u8] {
        from(self.raw, self.body)
    }

    /// How many header lines have this name. A line may hold a comma list: that is not counted
    /// here.
    pub fn count(&self, name: Name) -> usize {
        match self.spans.of(name) {
            Some(span) if !self.spans.is_repeated(name) => usize::from(span.is_some()),
            _ => self.search(self.headers, name).count(),
        }
    }

    /// What is wrong where From, To, Call-ID or CSeq stands there twice. RFC 3261 section 7.3.1 lets
    /// none of them be repeated and does not say which one counts: parsers differ, and two that differ
    /// see two dialogs in one request.
    pub fn contradiction(&self) -> Option<ParseError> {
        const ONCE: [(Name, &str); 4] = [
            (Name::From, "expected one From, found a second one"),
            (Name::To, "expected one To, found a second one"),
            (Name::CallId, "expected one Call-ID, found a second one"),
            (Name::CSeq, "expected one CSeq, found a second one"),
        ];
        let (name, what) = ONCE.into_iter().find(|(name, _)| self.spans.is_repeated(*name))?;
        let second = self.all(name).nth(1).map_or(0, |value| value.offset);
        Some(ParseError::new(what, second, RULE))
    }

    /// The value of the first header line of this name.
    pub fn first(&self, name: Name) -> Option<Value<'a>> {
        match self.spans.of(name) {
            Some(span) => self.spanned(span?),
            None => self.search(self.headers, name).next(),
        }
    }

    /// The values of all header lines of this name, in their order.
    pub fn all(&self, name: Name) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let first = self.first(name);
        let behind = match first {
            // A first one that is the only one spares the search.
            Some(first) if name as usize >= Name::TRACKED || self.spans.is_repeated(name) => {
                let end = first.offset + first.raw.len();
                folded_line_end(self.raw, end).map_or(self.raw.len(), |(_, next)| next)
            }
            _ => self.raw.len(),
        };
        first.into_iter().chain(self.search(behind, name))
    }

    /// Every header line: its name as it stands there, and its value.
    pub fn headers(&self) -> Headers<'a> {
        Headers { raw: self.raw, at: self.headers }
    }

    /// The values of the header lines of any name, in any case; compact and long names are one.
    pub fn named<'n>(&self, name: &'n [u8]) -> impl Iterator<Item = Value<'a>> + use<'a, 'n> {
        let known = Name::from_bytes(name);
        self.headers().filter_map(move |(found, value)| {
            let same = match known {
                Some(known) => Name::from_bytes(found) == Some(known),
                None => found.eq_ignore_ascii_case(name),
            };
            same.then_some(value)
        })
    }

    fn spanned(&self, span: Span) -> Option<Value<'a>> {
        let start = span.start as usize;
        Some(Value::trimmed(self.raw.get(start..span.end as usize)?, start))
    }

    fn search(&self, at: usize, name: Name) -> impl Iterator<Item = Value<'a>> + use<'a> {
        Headers { raw: self.raw, at }.filter_map(move |(found, value)| {
            (Name::from_bytes(found) == Some(name)).then_some(value)
        })
    }
}

/// The header lines of a message.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    raw: &'a [u8],
    at: usize,
}

impl<'a> Headers<'a> {
    /// The header lines of a text that has no start line before them.
    pub(crate) fn of(raw: &'a [u8]) -> Headers<'a> {
        Headers { raw, at: 0 }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let line = header_line(self.raw, self.at).ok().flatten()?;
        self.at = line.end;
        Some((line.name, line.value))
    }
}

#[cfg(test)]
mod tests;
