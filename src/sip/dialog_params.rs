//! The grammar that Replaces, Join and Target-Dialog share: a Call-ID, two tags, parameters.

use super::error::ParseError;
use super::lex::{self, eq_ignore_case, find_near, from, is_plain, offset_of_suffix, trim_start};
use super::writer::Writer;
use crate::rule::Rule;

/// The parameters of a header that names a dialog (RFC 3891 section 6.1): its raw text, and which
/// names the header itself reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params<'a> {
    raw: &'a [u8],
    known: &'static [&'static str],
    /// Whether all of them are known: then there is nothing to look for.
    all_known: bool,
}

impl<'a> Params<'a> {
    /// No unknown parameter, for a header that is made here.
    pub const NONE: Params<'static> = Params { raw: b"", known: &[], all_known: true };

    /// The parameters of a header that is made here; `None` where the text could not stand in one.
    pub(crate) fn new(raw: &'a [u8], known: &'static [&'static str]) -> Option<Params<'a>> {
        let fits = |param: lex::Param<'_>| {
            let value = param.value.unwrap_or(b"x");
            let quoted = lex::quoted_len(value) == Some(value.len());
            lex::is_token(param.name) && (quoted || lex::value_run(value).len() == value.len())
        };
        let one_line = lex::one_line(raw, Rule::R093).is_ok();
        (one_line && (raw.is_empty() || lex::params(raw).all(fits))).then_some(Params {
            raw,
            known,
            all_known: raw.is_empty(),
        })
    }

    /// The parameters that the header itself does not know, in their order (R022).
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let known = self.known;
        lex::params(if self.all_known { b"" } else { self.raw })
            .filter(move |param| {
                !known.iter().any(|name| eq_ignore_case(name.as_bytes(), param.name))
            })
            .map(|param| (param.name, param.value))
    }

    /// The whole parameter text, the known ones too: what follows the first ";".
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }
}

/// What differs between the headers.
pub(crate) struct Grammar {
    /// The rule of a malformed value.
    pub rule: Rule,
    /// The rule of a second value in one header, and what to say.
    pub list: (Rule, &'static str),
    /// The two tags.
    pub tags: [Tag; 2],
    /// The name of the flag, if the header has one, and what to say of a value on it.
    pub flag: Option<(&'static str, &'static str)>,
    /// All names above, for [`Params`].
    pub known: &'static [&'static str],
}

/// One of the two tags and what to say when it is not as it should be.
pub(crate) struct Tag {
    pub name: &'static str,
    pub missing: &'static str,
    pub empty: &'static str,
    pub twice: &'static str,
    /// A ";" is missing in front of it.
    pub unseparated: &'static str,
}

impl Tag {
    /// The value in `name=value` where that is plain and the name is this one, spelt the same.
    fn value_of<'a>(&self, param: &'a [u8]) -> Option<&'a [u8]> {
        let (name, value) = param.split_at_checked(self.name.len())?;
        match value {
            [b'=', value @ ..] if name == self.name.as_bytes() && is_plain(value) => Some(value),
            _ => None,
        }
    }
}

/// What was read: the Call-ID, the two tags in the order of the grammar, the flag.
pub(crate) struct DialogParams<'a> {
    pub call_id: &'a [u8],
    pub tags: [&'a [u8]; 2],
    pub flag: bool,
    pub params: Params<'a>,
}

impl Grammar {
    /// Reads the whole of `raw`. White space may stand around ";" and "=" (RFC 3261 section 25.1,
    /// SEMI and EQUAL).
    pub fn parse<'a>(&self, raw: &'a [u8]) -> Result<DialogParams<'a>, ParseError> {
        if let Some(usual) = self.parse_usual(raw) {
            return Ok(usual);
        }
        let mut seen = 0;
        let parsed = self.parse_plain(raw, &mut seen);
        // The value is printed again, so no fold may be left in it (R093). Only white space and quoted
        // strings could hold one.
        if parsed.is_err() || seen != raw.len() {
            lex::one_line(raw, Rule::R093)?;
        }
        parsed
    }

    /// What nearly all values are: a Call-ID and both tags, spelt as they are here, of plain bytes and
    /// nothing between them. `None` for whatever else may be well formed.
    fn parse_usual<'a>(&self, raw: &'a [u8]) -> Option<DialogParams<'a>> {
        let (call_id, behind) = raw.split_at_checked(find_near(raw, b';'))?;
        let (word, host) = call_id.split_at_checked(find_near(call_id, b'@'))?;
        let is_host = |host: &[u8]| host.split_first().is_some_and(|(_, host)| is_plain(host));
        if !is_plain(word) || !(host.is_empty() || is_host(host)) {
            return None;
        }
        let (_, text) = behind.split_first()?;
        let (first, behind) = text.split_at_checked(find_near(text, b';'))?;
        let (_, second) = behind.split_first()?;
        let params = Params { raw: text, known: self.known, all_known: true };
        let [one, other] = &self.tags;
        let tags = match (one.value_of(first), one.value_of(second)) {
            (Some(first), None) => [first, other.value_of(second)?],
            (None, Some(second)) => [second, other.value_of(first)?],
            _ => return None,
        };
        Some(DialogParams { call_id, tags, flag: false, params })
    }

    /// The same; `seen` counts the bytes that are neither white space nor quoted.
    fn parse_plain<'a>(
        &self,
        raw: &'a [u8],
        seen: &mut usize,
    ) -> Result<DialogParams<'a>, ParseError> {
        let at = |rest: &[u8]| offset_of_suffix(raw, rest);
        let fail = |what, rest: &[u8]| Err(ParseError::new(what, at(rest), self.rule));

        let start = trim_start(raw);
        let Ok((rest, call_id)) = lex::call_id(start) else {
            return fail("expected a Call-ID", start);
        };
        *seen += call_id.len();
        let mut rest = trim_start(rest);
        let mut params =
            Params { raw: rest.get(1..).unwrap_or_default(), known: self.known, all_known: true };
        let mut found: [Option<&'a [u8]>; 2] = [None; 2];
        let mut flag = false;
        if !matches!(rest, [] | [b';', ..]) {
            return fail("expected \";\" after the Call-ID", rest);
        }
        while let [b';', behind @ ..] = rest {
            let start = trim_start(behind);
            let Ok((behind, name)) = lex::token(start) else {
                return fail("expected a parameter name after \";\"", start);
            };
            *seen += 1 + name.len();
            let mut is_token = false;
            let (behind, value) = match trim_start(behind) {
                [b'=', behind @ ..] => {
                    let (behind, value, said) = self.value(raw, trim_start(behind))?;
                    is_token = said;
                    let is_quoted = value.first() == Some(&b'"');
                    *seen += 1 + if is_quoted { 0 } else { value.len() };
                    (trim_start(behind), Some(value))
                }
                behind => (behind, None),
            };
            let tag = self.tags.iter().zip(&mut found).find(|(tag, _)| is(name, tag.name));
            if let Some((tag, place)) = tag {
                // A tag is a token (RFC 3261 section 25.1); a quoted one or a host is none.
                match value.filter(|_| is_token) {
                    None => return fail(tag.empty, start),
                    Some(_) if place.is_some() => return fail(tag.twice, start),
                    value => *place = value,
                }
            } else if let Some((_, unvalued)) = self.flag.filter(|(flag, _)| is(name, flag)) {
                if value.is_some() {
                    return fail(unvalued, start);
                }
                flag = true;
            } else {
                params.all_known = false;
            }
            if !matches!(behind, [] | [b';', ..]) {
                return Err(self.unexpected(raw, behind, value.unwrap_or(name)));
            }
            rest = behind;
        }
        let [first, second] = found;
        let [first_tag, second_tag] = &self.tags;
        let Some(first) = first else {
            return fail(first_tag.missing, rest);
        };
        let Some(second) = second else {
            return fail(second_tag.missing, rest);
        };
        Ok(DialogParams { call_id, tags: [first, second], flag, params })
    }

    /// A parameter value: a quoted string, or bytes of a token or host; whether it is a token. May be
    /// empty.
    fn value<'a>(
        &self,
        raw: &[u8],
        rest: &'a [u8],
    ) -> Result<(&'a [u8], &'a [u8], bool), ParseError> {
        if rest.first() == Some(&b'"') {
            let quoted = lex::quoted_len(rest).and_then(|len| rest.split_at_checked(len));
            return quoted.map(|(value, behind)| (behind, value, false)).ok_or_else(|| {
                let at = offset_of_suffix(raw, rest);
                ParseError::new("expected the closing quote of a quoted string", at, self.rule)
            });
        }
        if let Ok((behind, token)) = lex::token(rest) {
            if !matches!(behind, [b'[' | b']' | b':', ..]) {
                return Ok((behind, token, true));
            }
        }
        let value = lex::value_run(rest);
        Ok((from(rest, value.len()), value, false))
    }

    /// What is wrong with `rest`, which stands behind a whole parameter that ends with `last`.
    fn unexpected(&self, raw: &[u8], rest: &[u8], last: &[u8]) -> ParseError {
        let at = offset_of_suffix(raw, rest);
        if rest.first() == Some(&b',') {
            return ParseError::new(self.list.1, at, self.list.0);
        }
        for tag in &self.tags {
            let name = tag.name.as_bytes();
            // "to-tag=Afrom-tag=B": the name was read as the end of the value before it.
            let glued = last.len().checked_sub(name.len()).and_then(|cut| last.get(cut..));
            if rest.first() == Some(&b'=') && glued.is_some_and(|end| eq_ignore_case(end, name)) {
                let behind_value = at - trailing_space(raw, at);
                return ParseError::new(tag.unseparated, behind_value - name.len(), self.rule);
            }
            // "to-tag=A from-tag=B"
            let next = rest.get(..name.len());
            if next.is_some_and(|next| eq_ignore_case(next, name)) {
                return ParseError::new(tag.unseparated, at, self.rule);
            }
        }
        ParseError::new("expected \";\" before the next parameter", at, self.rule)
    }
}

fn is(name: &[u8], known: &str) -> bool {
    eq_ignore_case(name, known.as_bytes())
}

/// How many bytes of white space stand right before `at`.
fn trailing_space(raw: &[u8], at: usize) -> usize {
    let before = lex::until(raw, at);
    before.len() - lex::trim_end(before).len()
}

/// Prints a Call-ID, two named tags, a flag and the unknown parameters, piece by piece.
pub(crate) fn print_pieces(
    call_id: &[u8],
    tags: [(&str, &[u8]); 2],
    flag: Option<&str>,
    params: Params<'_>,
    push: &mut dyn FnMut(&[u8]),
) {
    push(call_id);
    for (name, value) in tags {
        push(b";");
        push(name.as_bytes());
        push(b"=");
        push(value);
    }
    if let Some(flag) = flag {
        push(b";");
        push(flag.as_bytes());
    }
    for (name, value) in params.iter() {
        push(b";");
        push(name);
        if let Some(value) = value {
            push(b"=");
            push(value);
        }
    }
}

/// A `push` for [`print_pieces`] that writes as it is.
pub(crate) fn plain<'w, 'b>(out: &'w mut Writer<'b>) -> impl FnMut(&[u8]) + use<'w, 'b> {
    move |piece| out.push(piece)
}
