//! Where this library and pjsip 2.17 read something else in the same Replaces or Refer-To, and why that is
//! as it should be. What is in no entry is a finding.

use super::{grammar, Named, Target};
use sipxfer::sip::ParseError;

/// Who of the two refuses what the other one reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    StricterHere,
    StricterThere,
    /// Both read it, as something else.
    Other,
}

/// An entry of the list.
pub struct Difference {
    pub side: Side,
    /// What the error says, where it is refused here; else what the difference is.
    pub what: &'static str,
    /// The section that tells who is right, or why neither is wrong.
    pub source: &'static str,
    /// Whether the text is one of the kind.
    fits: fn(&[u8]) -> bool,
}

use Side::{Other, StricterHere, StricterThere};

fn has(value: &[u8], bytes: &[u8]) -> bool {
    value.iter().any(|byte| bytes.contains(byte))
}

fn holds(value: &[u8], text: &[u8]) -> bool {
    value.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text))
}

/// A CR, LF or NUL, as it is or behind an escape.
fn has_break(value: &[u8]) -> bool {
    has(value, b"\r\n\0") || [&b"%0d"[..], b"%0a", b"%00"].iter().any(|it| holds(value, it))
}

/// RFC 3261 section 25.1 and RFC 3891 section 6.1 know no such Replaces.
fn no_replaces(value: &[u8]) -> bool {
    !grammar::is_replaces(value)
}

/// RFC 3261 section 25.1 knows no such Refer-To, or it is more than a SIP URI in angle brackets.
fn no_plain_refer_to(value: &[u8]) -> bool {
    !grammar::is_refer_to(value)
}

/// A "?" behind the first one.
fn has_two_question_marks(value: &[u8]) -> bool {
    value.iter().filter(|byte| **byte == b'?').count() > 1
}

/// Of a Replaces.
const REPLACES: &[Difference] = &[
    Difference {
        side: StricterHere,
        what: "expected no CR, LF or NUL",
        source: "RFC 3261 section 7.3.1: pjsip stops there and keeps what it has read",
        fits: has_break,
    },
    Difference {
        side: StricterHere,
        what: "expected a Call-ID",
        source: "RFC 3261 section 25.1, callid: pjsip takes any bytes up to the \";\", or none",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected \";\" after the Call-ID",
        source: "RFC 3261 section 25.1, callid: pjsip takes any bytes up to the \";\"",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected a to-tag",
        source: "RFC 3891 section 6.1: exactly one; pjsip goes on with an empty one",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected a from-tag",
        source: "RFC 3891 section 6.1: exactly one; pjsip goes on with an empty one",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected a value for to-tag",
        source: "RFC 3891 section 6.1: the tag is a token",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected a value for from-tag",
        source: "RFC 3891 section 6.1: the tag is a token",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected one to-tag, found a second one",
        source: "RFC 3891 section 6.1: exactly one; pjsip takes the last",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected one from-tag, found a second one",
        source: "RFC 3891 section 6.1: exactly one; pjsip takes the last",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected no value on early-only",
        source: "RFC 3891 section 6.1, early-flag: pjsip takes any value for yes",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected a parameter name after \";\"",
        source: "RFC 3261 section 25.1, generic-param",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected \";\" before the next parameter",
        source: "RFC 3261 section 25.1, generic-param: pjsip takes more bytes for a name",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected \";\" before to-tag",
        source: "RFC 3261 section 25.1, SEMI",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected \";\" before from-tag",
        source: "RFC 3261 section 25.1, SEMI",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected one Replaces value, found \",\" and a second one",
        source: "RFC 3891 section 6.1: one value; pjsip takes the first",
        fits: no_replaces,
    },
    Difference {
        side: StricterHere,
        what: "expected the closing quote of a quoted string",
        source: "RFC 3261 section 25.1, quoted-string",
        fits: no_replaces,
    },
    Difference {
        side: StricterThere,
        what: "a parameter that is more than a token",
        source: "RFC 3261 section 25.1, gen-value: none of it is read, all of it is kept (R022)",
        fits: no_replaces,
    },
    Difference {
        side: Other,
        what: "white space before \";\"",
        source: "RFC 3261 section 25.1, SEMI: pjsip counts it to the Call-ID",
        fits: |value| has(value, b" \t") && no_replaces(value),
    },
];

/// Of a Refer-To.
const REFER_TO: &[Difference] = &[
    Difference {
        side: StricterHere,
        what: "expected no CR, LF or NUL",
        source: "RFC 3261 section 7.3.1: what decodes to one stands in no header (R093)",
        fits: has_break,
    },
    Difference {
        side: StricterHere,
        what: "expected one method, found a second one",
        source: "RFC 3261 section 19.1.1: no parameter twice; pjsip takes the last",
        fits: |value| holds(value, b";"),
    },
    Difference {
        side: StricterHere,
        what: "expected a method after \"method=\"",
        source: "RFC 3261 section 25.1, method-param: pjsip takes none for none",
        fits: |value| holds(value, b";"),
    },
    Difference {
        side: StricterHere,
        what: "expected two hexadecimal digits after \"%\"",
        source: "RFC 3261 section 25.1, escaped: pjsip lets it stand for itself",
        fits: no_plain_refer_to,
    },
    Difference {
        side: StricterHere,
        what: "expected a host",
        source: "RFC 3261 section 25.1, host: pjsip takes any bytes between brackets",
        fits: |value| no_plain_refer_to(value) || (AT_IN_A_HEADER.fits)(value),
    },
    Difference {
        side: StricterHere,
        what: "expected a port, 1 to 65535",
        source: "RFC 3261 section 25.1, port: pjsip takes any number for one",
        fits: no_plain_refer_to,
    },
    Difference {
        side: StricterHere,
        what: "expected no bracket before \"@\"",
        source:
            "RFC 3261 section 25.1, userinfo: pjsip ends it there and takes the rest for the host",
        fits: no_plain_refer_to,
    },
    Difference {
        side: StricterHere,
        what: "expected a URI",
        source: "RFC 3261 section 25.1, name-addr: pjsip takes more bytes for a display name",
        fits: no_plain_refer_to,
    },
    Difference {
        side: StricterHere,
        what: "expected a scheme and \":\"",
        source: "RFC 3261 section 25.1, scheme: pjsip takes more bytes for one",
        fits: no_plain_refer_to,
    },
    Difference {
        side: StricterHere,
        what: "expected no space, control character, quote or angle bracket in a URI",
        source: "RFC 3261 section 25.1: pjsip takes any bytes between the brackets of a host",
        fits: no_plain_refer_to,
    },
    Difference {
        side: StricterHere,
        what: "expected \";\" after \">\"",
        source: "RFC 3261 section 25.1: pjsip takes any bytes between the brackets of a host",
        fits: no_plain_refer_to,
    },
    Difference {
        side: StricterHere,
        what: "expected one value, found \",\" and a second one",
        source: "RFC 3515 section 2.1: one value (R029)",
        fits: no_plain_refer_to,
    },
    Difference {
        side: StricterThere,
        what: "a \"?\" in a header of the URI",
        source: "RFC 3261 section 25.1, hnv-unreserved: it may stand there",
        fits: has_two_question_marks,
    },
    Difference {
        side: StricterThere,
        what: "an empty password",
        source: "RFC 3261 section 25.1, password: it may be empty",
        fits: |value| holds(value, b":@"),
    },
    Difference {
        side: StricterThere,
        what: "a header without a name, parameters, bytes that stand in a URI escaped only",
        source: "RFC 3261 section 25.1: phones send such; it is kept as it is, or dropped (R090)",
        fits: no_plain_refer_to,
    },
];

/// pjsip looks for Replaces among the headers only; as a parameter it is one of two, or read here alone.
const BESIDE_A_PARAMETER: Difference = Difference {
    side: Other,
    what: "Replaces as a parameter of the URI",
    source: "RFC 3891 section 6.1: read here where it stands alone; refused (R002) beside a header",
    fits: |value| holds(value, b";"),
};

/// The "?" may stand in a user part, and phones write the "@" of a Call-ID as it is.
const AT_IN_A_HEADER: Difference = Difference {
    side: Other,
    what: "a raw \"@\" behind the first \"?\"",
    source:
        "RFC 3261 section 25.1, user: what follows the \"?\" is a known header, or no host follows \
             the \"@\"; it goes on escaped (R019), so that all who read it find one host",
    fits: |value| {
        let uri = value.rsplit(|byte| *byte == b'<').next().unwrap_or_default();
        let mut parts = uri.splitn(2, |byte| *byte == b'?');
        !has(parts.next().unwrap_or_default(), b"@") && has(parts.next().unwrap_or_default(), b"@")
    },
};

fn found(
    list: &'static [Difference],
    side: Side,
    value: &[u8],
    error: Option<&ParseError>,
) -> Option<&'static Difference> {
    list.iter().find(|it| {
        it.side == side && (it.fits)(value) && error.is_none_or(|error| error.what == it.what)
    })
}

fn explained<T>(
    list: &'static [Difference],
    value: &[u8],
    ours: &Result<T, ParseError>,
    theirs: Option<&T>,
) -> Option<&'static Difference> {
    match (ours, theirs) {
        (Err(error), Some(_)) => found(list, StricterHere, value, Some(error)),
        (Ok(_), None) => found(list, StricterThere, value, None),
        _ => found(list, Other, value, None),
    }
}

/// The entry that explains a difference in a Replaces.
pub fn of_replaces(
    value: &[u8],
    ours: &Result<Named, ParseError>,
    theirs: Option<&Named>,
) -> Option<&'static Difference> {
    explained(REPLACES, value, ours, theirs)
}

/// The entry that explains a difference in a Refer-To.
pub fn of_refer_to(
    value: &[u8],
    ours: &Result<Target, ParseError>,
    theirs: Option<&Target>,
) -> Option<&'static Difference> {
    if let (Ok(ours), Some(theirs)) = (ours, theirs) {
        // Who is contacted, and how, is the same: only then.
        let same = Target { replaces: theirs.replaces.clone(), ..ours.clone() } == *theirs;
        let by_parameter = same && ours.replaces.is_none() && (BESIDE_A_PARAMETER.fits)(value);
        if by_parameter {
            return Some(&BESIDE_A_PARAMETER);
        }
        return (ours.user.0.is_empty() && (AT_IN_A_HEADER.fits)(value)).then_some(&AT_IN_A_HEADER);
    }
    explained(REFER_TO, value, ours, theirs)
}
