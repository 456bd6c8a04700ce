//! The names of the header fields that are known here, long and compact (RFC 3261 section 7.3.3).

use super::lex::{bytes_of, from, word_of, EACH};

/// A known header field.
///
/// The first [`Name::TRACKED`] of them are those that the rules of transfer ask for: a message
/// remembers where they stand. The others are searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Name {
    /// `Via`, compact `v` (RFC 3261 section 20.42).
    Via,
    /// `From`, compact `f` (RFC 3261 section 20.20).
    From,
    /// `To`, compact `t` (RFC 3261 section 20.39).
    To,
    /// `Call-ID`, compact `i` (RFC 3261 section 20.8).
    CallId,
    /// `CSeq` (RFC 3261 section 20.16).
    CSeq,
    /// `Contact`, compact `m` (RFC 3261 section 20.10).
    Contact,
    /// `Content-Type`, compact `c` (RFC 3261 section 20.15).
    ContentType,
    /// `Content-Length`, compact `l` (RFC 3261 section 20.14).
    ContentLength,
    /// `Max-Forwards` (RFC 3261 section 20.22).
    MaxForwards,
    /// `Require` (RFC 3261 section 20.32).
    Require,
    /// `Supported`, compact `k` (RFC 3261 section 20.37).
    Supported,
    /// `Replaces` (RFC 3891 section 6.1).
    Replaces,
    /// `Join` (RFC 3911 section 7.1).
    Join,
    /// `Refer-To`, compact `r` (RFC 3515 section 2.1).
    ReferTo,
    /// `Referred-By`, compact `b` (RFC 3892 section 3).
    ReferredBy,
    /// `Refer-Sub` (RFC 4488 section 4).
    ReferSub,
    /// `Target-Dialog` (RFC 4538 section 7).
    TargetDialog,
    /// `Event`, compact `o` (RFC 6665 section 8.2.1).
    Event,
    /// `Subscription-State` (RFC 6665 section 8.2.3).
    SubscriptionState,
    /// `Expires` (RFC 3261 section 20.19).
    Expires,
    /// `Record-Route` (RFC 3261 section 20.30).
    RecordRoute,
    /// `Route` (RFC 3261 section 20.34).
    Route,
    /// `User-Agent` (RFC 3261 section 20.41).
    UserAgent,
    /// `Authorization` (RFC 3261 section 20.7).
    Authorization,
    /// `Proxy-Authorization` (RFC 3261 section 20.28).
    ProxyAuthorization,
    /// `Allow` (RFC 3261 section 20.5).
    Allow,
    /// `Refer-Events-At` (RFC 7614 section 6).
    ReferEventsAt,
    /// `Accept` (RFC 3261 section 20.1).
    Accept,
    /// `Accept-Contact`, compact `a` (RFC 3841 section 9.2).
    AcceptContact,
    /// `Accept-Encoding` (RFC 3261 section 20.2).
    AcceptEncoding,
    /// `Accept-Language` (RFC 3261 section 20.3).
    AcceptLanguage,
    /// `Allow-Events`, compact `u` (RFC 6665 section 8.2.2).
    AllowEvents,
    /// `Content-Disposition` (RFC 3261 section 20.11).
    ContentDisposition,
    /// `Content-Encoding`, compact `e` (RFC 3261 section 20.12).
    ContentEncoding,
    /// `Content-ID` (RFC 8262 section 3).
    ContentId,
    /// `Date` (RFC 3261 section 20.17).
    Date,
    /// `Diversion` (RFC 5806 section 3).
    Diversion,
    /// `History-Info` (RFC 7044 section 5).
    HistoryInfo,
    /// `Identity`, compact `y` (RFC 8224 section 4).
    Identity,
    /// `MIME-Version` (RFC 3261 section 20.24).
    MimeVersion,
    /// `Min-Expires` (RFC 3261 section 20.23).
    MinExpires,
    /// `Min-SE` (RFC 4028 section 5).
    MinSe,
    /// `Organization` (RFC 3261 section 20.25).
    Organization,
    /// `P-Asserted-Identity` (RFC 3325 section 9.1).
    PAssertedIdentity,
    /// `P-Preferred-Identity` (RFC 3325 section 9.2).
    PPreferredIdentity,
    /// `Privacy` (RFC 3323 section 4.2).
    Privacy,
    /// `Proxy-Authenticate` (RFC 3261 section 20.27).
    ProxyAuthenticate,
    /// `Proxy-Require` (RFC 3261 section 20.29).
    ProxyRequire,
    /// `RAck` (RFC 3262 section 7.2).
    RAck,
    /// `Reason` (RFC 3326 section 2).
    Reason,
    /// `Reject-Contact`, compact `j` (RFC 3841 section 9.2).
    RejectContact,
    /// `Remote-Party-ID` (the Remote-Party-ID draft).
    RemotePartyId,
    /// `Request-Disposition`, compact `d` (RFC 3841 section 9.1).
    RequestDisposition,
    /// `Retry-After` (RFC 3261 section 20.33).
    RetryAfter,
    /// `RSeq` (RFC 3262 section 7.1).
    RSeq,
    /// `Server` (RFC 3261 section 20.35).
    Server,
    /// `Session-Expires`, compact `x` (RFC 4028 section 4).
    SessionExpires,
    /// `Session-ID` (RFC 7989 section 5).
    SessionId,
    /// `Subject`, compact `s` (RFC 3261 section 20.36).
    Subject,
    /// `Timestamp` (RFC 3261 section 20.38).
    Timestamp,
    /// `Unsupported` (RFC 3261 section 20.40).
    Unsupported,
    /// `User-to-User` (RFC 7433 section 4.1).
    UserToUser,
    /// `Warning` (RFC 3261 section 20.43).
    Warning,
    /// `WWW-Authenticate` (RFC 3261 section 20.44).
    WwwAuthenticate,
}

impl Name {
    /// How many names, from the first on, a message remembers the places of.
    pub const TRACKED: usize = 27;

    /// Every known name.
    pub const ALL: [Name; 64] = [
        Name::Via,
        Name::From,
        Name::To,
        Name::CallId,
        Name::CSeq,
        Name::Contact,
        Name::ContentType,
        Name::ContentLength,
        Name::MaxForwards,
        Name::Require,
        Name::Supported,
        Name::Replaces,
        Name::Join,
        Name::ReferTo,
        Name::ReferredBy,
        Name::ReferSub,
        Name::TargetDialog,
        Name::Event,
        Name::SubscriptionState,
        Name::Expires,
        Name::RecordRoute,
        Name::Route,
        Name::UserAgent,
        Name::Authorization,
        Name::ProxyAuthorization,
        Name::Allow,
        Name::ReferEventsAt,
        Name::Accept,
        Name::AcceptContact,
        Name::AcceptEncoding,
        Name::AcceptLanguage,
        Name::AllowEvents,
        Name::ContentDisposition,
        Name::ContentEncoding,
        Name::ContentId,
        Name::Date,
        Name::Diversion,
        Name::HistoryInfo,
        Name::Identity,
        Name::MimeVersion,
        Name::MinExpires,
        Name::MinSe,
        Name::Organization,
        Name::PAssertedIdentity,
        Name::PPreferredIdentity,
        Name::Privacy,
        Name::ProxyAuthenticate,
        Name::ProxyRequire,
        Name::RAck,
        Name::Reason,
        Name::RejectContact,
        Name::RemotePartyId,
        Name::RequestDisposition,
        Name::RetryAfter,
        Name::RSeq,
        Name::Server,
        Name::SessionExpires,
        Name::SessionId,
        Name::Subject,
        Name::Timestamp,
        Name::Unsupported,
        Name::UserToUser,
        Name::Warning,
        Name::WwwAuthenticate,
    ];

    /// The known header of this name, long or compact, in any case.
    pub fn from_bytes(name: &[u8]) -> Option<Name> {
        let mut line = [0; 8 * WORDS];
        line.get_mut(..name.len())?.copy_from_slice(name);
        *line.get_mut(name.len())? = b':';
        match Name::at_start(&line) {
            Some((known, len)) => (len == name.len()).then_some(known),
            // The one that has no place of its own.
            None => name
                .eq_ignore_ascii_case(Name::ProxyAuthenticate.canonical().as_bytes())
                .then_some(Name::ProxyAuthenticate),
        }
    }

    /// The known name that a line begins with, long or compact, with its colon right behind it; and
    /// how long it is. Now and then `None` where there is one. This runs for each line of each message.
    #[inline]
    pub(crate) fn at_start(line: &[u8; 8 * WORDS]) -> Option<(Name, usize)> {
        let [a, b, c] = [0, 8, 16].map(|at| word_of(from(line, at)));
        let colons = bytes_of(a, b':');
        // Up to the first colon and no further. Without one, all, and a byte more.
        let first = a & (colons ^ colons.wrapping_sub(1));
        let ninth = if colons == 0 { b as u8 | 0x20 } else { 0 };
        let known = KNOWN.get(place(first, ninth))?;
        let ([ka, kb, kc], [ma, mb, mc]) = (known.words, known.masks);
        let differ = ((a ^ ka) & ma) | ((b ^ kb) & mb) | ((c ^ kc) & mc);
        // A place that is empty holds what a line may begin with after all: nothing of length 0 counts.
        (differ == 0 && known.len > 0).then_some((known.name, usize::from(known.len)))
    }

    /// The long name as the standards spell it.
    pub const fn canonical(self) -> &'static str {
        match self {
            Name::Via => "Via",
            Name::From => "From",
            Name::To => "To",
            Name::CallId => "Call-ID",
            Name::CSeq => "CSeq",
            Name::Contact => "Contact",
            Name::ContentType => "Content-Type",
            Name::ContentLength => "Content-Length",
            Name::MaxForwards => "Max-Forwards",
            Name::Require => "Require",
            Name::Supported => "Supported",
            Name::Replaces => "Replaces",
            Name::Join => "Join",
            Name::ReferTo => "Refer-To",
            Name::ReferredBy => "Referred-By",
            Name::ReferSub => "Refer-Sub",
            Name::TargetDialog => "Target-Dialog",
            Name::Event => "Event",
            Name::SubscriptionState => "Subscription-State",
            Name::Expires => "Expires",
            Name::RecordRoute => "Record-Route",
            Name::Route => "Route",
            Name::UserAgent => "User-Agent",
            Name::Authorization => "Authorization",
            Name::ProxyAuthorization => "Proxy-Authorization",
            Name::Allow => "Allow",
            Name::ReferEventsAt => "Refer-Events-At",
            Name::Accept => "Accept",
            Name::AcceptContact => "Accept-Contact",
            Name::AcceptEncoding => "Accept-Encoding",
            Name::AcceptLanguage => "Accept-Language",
            Name::AllowEvents => "Allow-Events",
            Name::ContentDisposition => "Content-Disposition",
            Name::ContentEncoding => "Content-Encoding",
            Name::ContentId => "Content-ID",
            Name::Date => "Date",
            Name::Diversion => "Diversion",
            Name::HistoryInfo => "History-Info",
            Name::Identity => "Identity",
            Name::MimeVersion => "MIME-Version",
            Name::MinExpires => "Min-Expires",
            Name::MinSe => "Min-SE",
            Name::Organization => "Organization",
            Name::PAssertedIdentity => "P-Asserted-Identity",
            Name::PPreferredIdentity => "P-Preferred-Identity",
            Name::Privacy => "Privacy",
            Name::ProxyAuthenticate => "Proxy-Authenticate",
            Name::ProxyRequire => "Proxy-Require",
            Name::RAck => "RAck",
            Name::Reason => "Reason",
            Name::RejectContact => "Reject-Contact",
            Name::RemotePartyId => "Remote-Party-ID",
            Name::RequestDisposition => "Request-Disposition",
            Name::RetryAfter => "Retry-After",
            Name::RSeq => "RSeq",
            Name::Server => "Server",
            Name::SessionExpires => "Session-Expires",
            Name::SessionId => "Session-ID",
            Name::Subject => "Subject",
            Name::Timestamp => "Timestamp",
            Name::Unsupported => "Unsupported",
            Name::UserToUser => "User-to-User",
            Name::Warning => "Warning",
            Name::WwwAuthenticate => "WWW-Authenticate",
        }
    }
}

/// How many words of eight bytes hold every known name and its colon.
pub(crate) const WORDS: usize = 3;

/// Where the name stands in [`KNOWN`] that begins with this word, which holds nothing behind a colon,
/// and has this ninth byte in lower case, or 0 where it ends before. No two known names have one place
/// but Proxy-Authenticate and Proxy-Authorization; the factor was found by trying.
#[inline]
const fn place(first: u64, ninth: u8) -> usize {
    let small = (first | (EACH << 5)).wrapping_add(ninth as u64);
    (small.wrapping_mul(0x5bcc_b168_2d39_6481) >> 56) as usize
}

/// A name with its colon as it is compared.
#[derive(Clone, Copy)]
struct Known {
    words: [u64; WORDS],
    /// The bits that count: not those behind the colon, nor the bit of case of a letter.
    masks: [u64; WORDS],
    len: u8,
    name: Name,
}

/// The compact names.
const COMPACT: [(u8, Name); 19] = [
    (b'a', Name::AcceptContact),
    (b'b', Name::ReferredBy),
    (b'c', Name::ContentType),
    (b'd', Name::RequestDisposition),
    (b'e', Name::ContentEncoding),
    (b'f', Name::From),
    (b'i', Name::CallId),
    (b'j', Name::RejectContact),
    (b'k', Name::Supported),
    (b'l', Name::ContentLength),
    (b'm', Name::Contact),
    (b'o', Name::Event),
    (b'r', Name::ReferTo),
    (b's', Name::Subject),
    (b't', Name::To),
    (b'u', Name::AllowEvents),
    (b'v', Name::Via),
    (b'x', Name::SessionExpires),
    (b'y', Name::Identity),
];

/// The known names in their places. In the others stands what hardly any line begins with, and a length of 0.
static KNOWN: [Known; 256] = known();

// A table being built before anything runs: a wrong index would not compile.
#[allow(clippy::indexing_slicing)]
const fn known() -> [Known; 256] {
    let none = Known { words: [!0; WORDS], masks: [!0; WORDS], len: 0, name: Name::Via };
    let mut known = [none; 256];
    let mut at = 0;
    while at < Name::ALL.len() + COMPACT.len() {
        let (name, compact);
        let text = if at < Name::ALL.len() {
            name = Name::ALL[at];
            name.canonical().as_bytes()
        } else {
            (compact, name) = COMPACT[at - Name::ALL.len()];
            &[compact]
        };
        at += 1;
        if name as u8 == Name::ProxyAuthenticate as u8 {
            continue;
        }
        let it = lined(name, text);
        let [first, second, _] = it.words;
        let place = place(first, if text.len() < 8 { 0 } else { second as u8 | 0x20 });
        // No two in one place: where there are, this does not compile.
        assert!(known[place].len == 0);
        known[place] = it;
    }
    known
}

/// A name as it is compared.
#[allow(clippy::indexing_slicing)]
const fn lined(name: Name, text: &[u8]) -> Known {
    let mut known = Known { words: [0; WORDS], masks: [0; WORDS], len: text.len() as u8, name };
    let mut at = 0;
    while at <= text.len() {
        let byte = if at < text.len() { text[at] } else { b':' };
        let (word, shift) = (at / 8, at % 8 * 8);
        let mask: u8 = if byte.is_ascii_alphabetic() { !0x20 } else { !0 };
        known.words[word] |= (byte as u64) << shift;
        known.masks[word] |= (mask as u64) << shift;
        at += 1;
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for (at, name) in Name::ALL.into_iter().enumerate() {
            assert_eq!(name as usize, at);
            let text = name.canonical();
            assert_eq!(Name::from_bytes(text.as_bytes()), Some(name));
            assert_eq!(Name::from_bytes(text.to_lowercase().as_bytes()), Some(name));
            assert_eq!(Name::from_bytes(text.to_uppercase().as_bytes()), Some(name));
        }
        assert_eq!(Name::from_bytes(b""), None);
        assert_eq!(Name::from_bytes(b"X-Replaces"), None);
        assert_eq!(Name::from_bytes(b"Replacez"), None);
    }

    #[test]
    fn no_run_of_one_byte_is_a_name() {
        for byte in 0..=255 {
            for len in 2..=8 * WORDS {
                let mut line = [byte; 8 * WORDS];
                assert_eq!(Name::at_start(&line), None, "{byte:#x}");
                line[len - 1] = b':';
                assert_eq!(Name::at_start(&line).filter(|_| len > 2), None, "{byte:#x}");
                assert_eq!(Name::from_bytes(&line[..len]), None, "{byte:#x}");
            }
        }
    }

    #[test]
    fn no_other_byte_passes_for_one_of_a_name() {
        for name in Name::ALL {
            let text = name.canonical().as_bytes();
            for at in 0..text.len() {
                for byte in 0..=255 {
                    let mut changed = text.to_vec();
                    changed[at] = byte;
                    let same = text.eq_ignore_ascii_case(&changed);
                    assert_eq!(Name::from_bytes(&changed) == Some(name), same, "{changed:?}");
                }
            }
        }
    }

    #[test]
    fn compact_names() {
        for (compact, name) in [
            (b"v", Name::Via),
            (b"F", Name::From),
            (b"t", Name::To),
            (b"i", Name::CallId),
            (b"m", Name::Contact),
            (b"c", Name::ContentType),
            (b"l", Name::ContentLength),
            (b"k", Name::Supported),
            (b"r", Name::ReferTo),
            (b"B", Name::ReferredBy),
            (b"o", Name::Event),
        ] {
            assert_eq!(Name::from_bytes(compact), Some(name));
        }
        assert_eq!(Name::from_bytes(b"z"), None);
    }
}
