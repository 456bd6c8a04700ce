//! The names of the header fields that are known here, long and compact (RFC 3261 section 7.3.3).

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
        let mut padded = [0; 8 * WORDS];
        padded.get_mut(..name.len())?.copy_from_slice(name);
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(padded.chunks_exact(8)) {
            *word = u64::from_le_bytes(*bytes.first_chunk()?);
        }
        Name::from_words(words, name.len())
    }

    /// The same for the bytes of a name in little-endian words, with zeros behind them: this runs for
    /// each line of each message.
    #[inline]
    pub(crate) fn from_words(words: [u64; WORDS], len: usize) -> Option<Name> {
        let [first, ..] = words;
        let last_at = len.checked_sub(1)?;
        if last_at == 0 {
            return Name::from_compact((first as u8).to_ascii_lowercase());
        }
        let last = words.get(last_at / 8)? >> (last_at % 8 * 8);
        let number = *PLACES.get(place(len, first as u8, last as u8))?;
        let known = KNOWN.get(usize::from(number))?;
        // No bit differs but the one that makes a letter small, and that only in letters.
        let differ = known.words.iter().zip(words).zip(known.letters);
        let same = differ.fold(0, |all, ((a, b), letters)| all | ((a ^ b) & !letters)) == 0;
        same.then_some(known.name)
    }

    /// The same for a name of less than eight bytes.
    #[inline]
    pub(crate) fn from_word(word: u64, len: usize) -> Option<Name> {
        if len < 2 {
            return Name::from_words([word, 0, 0], len);
        }
        let last = word >> ((len - 1) % 8 * 8);
        let number = *PLACES.get(place(len, word as u8, last as u8))?;
        let known = KNOWN.get(usize::from(number))?;
        let ([name, rest, _], [letters, ..]) = (known.words, known.letters);
        // A known name that goes on behind the word has its eighth byte there.
        (((name ^ word) & !letters) | rest == 0).then_some(known.name)
    }

    fn from_compact(letter: u8) -> Option<Name> {
        Some(match letter {
            b'a' => Name::AcceptContact,
            b'b' => Name::ReferredBy,
            b'c' => Name::ContentType,
            b'd' => Name::RequestDisposition,
            b'e' => Name::ContentEncoding,
            b'f' => Name::From,
            b'i' => Name::CallId,
            b'j' => Name::RejectContact,
            b'k' => Name::Supported,
            b'l' => Name::ContentLength,
            b'm' => Name::Contact,
            b'o' => Name::Event,
            b'r' => Name::ReferTo,
            b's' => Name::Subject,
            b't' => Name::To,
            b'u' => Name::AllowEvents,
            b'v' => Name::Via,
            b'x' => Name::SessionExpires,
            b'y' => Name::Identity,
            _ => return None,
        })
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

/// How many words of eight bytes hold every known name.
pub(crate) const WORDS: usize = 3;

/// Where the long name of this length, first and last letter stands in [`PLACES`]. No two known names
/// have one place; the factors were found by trying. All begin and end with a letter, whose case one
/// bit tells.
#[inline]
const fn place(len: usize, first: u8, last: u8) -> usize {
    (len * 31 + (first | 0x20) as usize * 156 + (last | 0x20) as usize) % 256
}

/// A long name as it is compared.
#[derive(Clone, Copy)]
struct Known {
    name: Name,
    words: [u64; WORDS],
    /// The bit of case of each byte that is a letter.
    letters: [u64; WORDS],
}

/// The long names in the order of their numbers.
static KNOWN: [Known; Name::ALL.len()] = known();

/// The numbers of the long names by their [`place`]; one that is none where no name stands. A byte
/// each: the table is walked by every message, and the first cache is small.
static PLACES: [u8; 256] = places();

// Tables being built before anything runs: a wrong index would not compile.
#[allow(clippy::indexing_slicing)]
const fn known() -> [Known; Name::ALL.len()] {
    let empty = Known { name: Name::Via, words: [0; WORDS], letters: [0; WORDS] };
    let mut all = [empty; Name::ALL.len()];
    let mut number = 0;
    while number < Name::ALL.len() {
        let name = Name::ALL[number];
        let text = name.canonical().as_bytes();
        let mut known = Known { name, ..empty };
        let mut at = 0;
        while at < text.len() {
            let (word, shift) = (at / 8, at % 8 * 8);
            known.words[word] |= (text[at] as u64) << shift;
            if text[at].is_ascii_alphabetic() {
                known.letters[word] |= 0x20 << shift;
            }
            at += 1;
        }
        all[number] = known;
        number += 1;
    }
    all
}

#[allow(clippy::indexing_slicing)]
const fn places() -> [u8; 256] {
    let mut places = [u8::MAX; 256];
    let mut number = 0;
    while number < Name::ALL.len() {
        let text = Name::ALL[number].canonical().as_bytes();
        places[place(text.len(), text[0], text[text.len() - 1])] = number as u8;
        number += 1;
    }
    places
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
