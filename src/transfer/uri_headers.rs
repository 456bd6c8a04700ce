//! Which headers of a Refer-To URI go into the triggered request (RFC 3261 section 19.1.5, R090 to
//! R094): a stranger writes them, and the request is ours.

use super::triggered;
use crate::config::{Settings, PROVES, ROUTES};
use crate::rule::Rule;
use crate::sip::escape::{decodes_to_any, escapes_any, Decoded};
use crate::sip::lex::{is_token, trim};
use crate::sip::{
    option_tags, unescape, HeaderInUri, Join, Name, ParseError, ReferTo, Replaces, Scratch,
    UnescapeError, Writer,
};

/// Taken over as they are, once decoded and checked.
const COPIED: [&str; 5] =
    ["Accept-Contact", "Reject-Contact", "Request-Disposition", "User-to-User", "Subject"];

/// Read and built anew, never pasted. They have no compact names.
const REBUILT: [Name; 3] = [Name::Replaces, Name::Require, Name::Join];

/// What was taken over, and what not.
pub struct TakenOver<'a> {
    /// Header lines, each ended by CRLF.
    pub lines: &'a [u8],
    /// The names that were dropped, separated by commas.
    pub dropped: &'a [u8],
    /// Whether something was dropped that R091 or R094 forbids.
    pub forbidden: Option<Rule>,
}

enum Fate<'s> {
    /// Take it over under this name.
    Copy(&'s str),
    Rebuild,
    Drop,
    Never(Rule),
}

fn fate<'s>(header: &HeaderInUri<'_>, known: Option<Name>, settings: &'s Settings) -> Fate<'s> {
    let is = |name: &&str| header.is_named(name.as_bytes());
    if known.is_some_and(|known| REBUILT.contains(&known)) {
        return Fate::Rebuild;
    }
    // Before the rest: "Accept-Contact" is no kind of Accept.
    if let Some(name) = COPIED.iter().copied().find(is) {
        return Fate::Copy(name);
    }
    if ROUTES.hold(Decoded(header.name_raw)) {
        return Fate::Never(Rule::R091);
    }
    if PROVES.hold(Decoded(header.name_raw)) {
        return Fate::Never(Rule::R094);
    }
    settings.refer_header_allow.iter().find(is).map_or(Fate::Drop, Fate::Copy)
}

/// Option tags of the Require headers of the URI. Those are taken over that this side can keep:
/// `replaces`, `join` and the first 62 of the setting `supported`, one bit each.
#[derive(Clone, Copy, Default)]
struct Required {
    known: u64,
    unknown: bool,
}

impl Required {
    fn candidates(settings: &Settings) -> impl Iterator<Item = (u64, &str)> {
        let known = ["replaces", "join"].into_iter().chain(settings.supported.iter());
        known.take(64).enumerate().map(|(bit, tag)| (1 << bit, tag))
    }

    fn add(&mut self, tag: &[u8], settings: &Settings) {
        let same = |known: &str| known.as_bytes().eq_ignore_ascii_case(tag);
        match Self::candidates(settings).find(|(_, known)| same(known)) {
            Some((bit, _)) => self.known |= bit,
            None => self.unknown = true,
        }
    }

    fn print(self, settings: &Settings, out: &mut Writer<'_>) {
        if self.known == 0 {
            return;
        }
        let mut start: &[u8] = b"Require: ";
        for (bit, tag) in Self::candidates(settings) {
            if self.known & bit != 0 {
                out.push(start);
                out.push(tag.as_bytes());
                start = b", ";
            }
        }
        out.push(b"\r\n");
    }
}

/// Subject is no list: a request holds one of it (RFC 3261 sections 7.3.1 and 20.36), the first.
#[derive(Default)]
struct Once {
    subject: bool,
}

impl Once {
    /// Whether this is one too many.
    fn is_again(&mut self, name: &str) -> bool {
        name == "Subject" && core::mem::replace(&mut self.subject, true)
    }
}

/// Builds the header lines of the triggered request from the URI of a Refer-To, whose Replaces comes as
/// it was printed; empty without one. Errors have offsets in the Refer-To value.
pub fn take_over<'a>(
    refer_to: &ReferTo<'a>,
    replaces: &[u8],
    require_replaces: bool,
    nested: Option<&Nested<'_>>,
    referred_by: &[u8],
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<TakenOver<'a>, UnescapeError> {
    let mut forbidden = None;
    let mut join = None;
    let mut required = Required::default();
    if require_replaces {
        required.add(b"replaces", settings);
    }
    // Nothing is written before everything was read: an invalid request is never built (R093).
    let mut others = false;
    for header in refer_to.headers() {
        let known = header.known_name();
        check_text(&header, known)?;
        others |= !known.is_some_and(|known| REBUILT.contains(&known));
        if known == Some(Name::Join) {
            join = Some(read_join(&header, join.is_some(), !replaces.is_empty(), scratch)?);
        } else if known == Some(Name::Require) {
            let tags = unescape(header.value_raw, scratch).map_err(|it| shifted(it, &header))?;
            if !option_tags::of_value(tags).all(is_token) {
                let what = "expected option tags in Require";
                return Err(ParseError::new(what, header.offset, Rule::R023).into());
            }
            option_tags::of_value(tags).for_each(|tag| required.add(tag, settings));
        } else if nested.is_some() && is_refer_to(&header) {
            // It was read already.
        } else if let Fate::Never(rule) = fate(&header, known, settings) {
            forbidden = Some(rule);
        }
    }
    let lines = scratch.write_with(|out| {
        if let Some(Nested { refer_to, replaces }) = nested {
            out.push(b"Refer-To: ");
            refer_to.print_with(replaces.as_ref(), may_travel, out);
            out.push(b"\r\n");
        }
        if !replaces.is_empty() {
            out.push(b"Replaces: ");
            out.push(replaces);
            out.push(b"\r\n");
        }
        required.print(settings, out);
        if let Some(join) = &join {
            out.push(b"Join: ");
            join.print(out);
            out.push(b"\r\n");
        }
        let mut once = Once::default();
        for header in refer_to.headers().filter(|_| others) {
            if let Fate::Copy(name) = fate(&header, header.known_name(), settings) {
                if once.is_again(name) {
                    continue;
                }
                out.push(name.as_bytes());
                out.push(b": ");
                Decoded(header.value_raw).for_each(|byte| out.push_byte(byte));
                out.push(b"\r\n");
            }
        }
        triggered::referred_by_line(referred_by, out);
    })?;
    if !others && !required.unknown {
        return Ok(TakenOver { lines, dropped: b"", forbidden });
    }
    let dropped = scratch.write_with(|out| {
        let mut start: &[u8] = b"";
        let mut once = Once::default();
        for header in refer_to.headers() {
            if nested.is_some() && is_refer_to(&header) {
                continue;
            }
            let known = header.known_name();
            let lost = match fate(&header, known, settings) {
                Fate::Drop | Fate::Never(_) => true,
                Fate::Copy(name) => once.is_again(name),
                Fate::Rebuild => known == Some(Name::Require) && required.unknown,
            };
            if lost {
                out.push(start);
                let show = |byte: u8| if byte.is_ascii_graphic() { byte } else { b'.' };
                Decoded(header.name_raw).take(40).for_each(|byte| out.push_byte(show(byte)));
                start = b",";
            }
        }
    })?;
    Ok(TakenOver { lines, dropped, forbidden })
}

/// The Refer-To that a REFER is to carry that a Refer-To asks for (RFC 4579 section 5.7).
pub struct Nested<'a> {
    /// Where the next one is to refer its recipient.
    pub refer_to: ReferTo<'a>,
    /// The dialog that it names.
    pub replaces: Option<Replaces<'a>>,
}

/// Whether a header of a URI is a Refer-To.
pub fn is_refer_to(header: &HeaderInUri<'_>) -> bool {
    header.is_named(b"Refer-To") || header.is_named(b"r")
}

/// Whether a header of a Refer-To URI may go on to another peer: not where no setting could let it into
/// a request of ours.
pub fn may_travel(header: &HeaderInUri<'_>) -> bool {
    !ROUTES.hold(Decoded(header.name_raw)) && !PROVES.hold(Decoded(header.name_raw))
}

/// A name or value, once decoded, that could end a line or stand in no header: refused for every
/// header of the URI, taken over or not (R093).
fn check_text(header: &HeaderInUri<'_>, known: Option<Name>) -> Result<(), ParseError> {
    let control = |byte: u8| (byte < b' ') & (byte != b'\t') | (byte == 0x7f);
    let bad_in_name = |byte: u8| control(byte) | (byte == b':') | (byte == b' ');
    if known.is_none() && decodes_to_any(header.name_raw, bad_in_name) {
        return Err(ParseError::new("expected a header name", header.offset, Rule::R093));
    }
    // A URI that was read holds none as it is.
    if !escapes_any(header.value_raw, control) {
        return Ok(());
    }
    match Decoded(header.value_raw).position(control) {
        Some(at) => {
            let at = header.offset + crate::sip::raw_offset(header.value_raw, at);
            Err(ParseError::new("expected no control character", at, Rule::R093))
        }
        None => Ok(()),
    }
}

fn shifted(error: UnescapeError, header: &HeaderInUri<'_>) -> UnescapeError {
    match error {
        UnescapeError::Parse(error) => UnescapeError::Parse(error.shifted(header.offset)),
        UnescapeError::OutOfScratch => error,
    }
}

fn read_join<'a>(
    header: &HeaderInUri<'a>,
    second: bool,
    beside_replaces: bool,
    scratch: &mut Scratch<'a>,
) -> Result<Join<'a>, UnescapeError> {
    if second {
        let what = "expected one Join, found a second one";
        return Err(ParseError::new(what, header.offset, Rule::R102).into());
    }
    if beside_replaces {
        let what = "expected no Join beside Replaces";
        return Err(ParseError::new(what, header.offset, Rule::R004).into());
    }
    let value = unescape(header.value_raw, scratch).map_err(|it| shifted(it, header))?;
    Join::parse(trim(value)).map_err(|error| {
        let at = crate::sip::raw_offset(header.value_raw, error.offset);
        ParseError { offset: header.offset + at, ..error }.into()
    })
}
