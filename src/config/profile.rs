//! Device profiles: what a family of phones or gateways does in its own way, chosen by the
//! User-Agent of its REFER.
//!
//! Those that are shipped ([`builtin`]) are data, each habit with the place where it is written
//! down; a habit that nobody has written down is not there. An administrator adds a profile, or
//! changes one, by a setting:
//!
//! ```text
//! profile.acme = match=^Acme|AcmePhone/, accept=200, event-id-first=yes, hang-up=us:2000
//! profile.snom = accept=200
//! ```
//!
//! | word | value |
//! |---|---|
//! | `match` | pieces of a User-Agent, separated by `\|`, in any case; `^` ties one to the beginning. A new profile needs it |
//! | `accept` | `202` or `200`: the answer that accepts its REFER (R069); otherwise `refer.accept_code` says |
//! | `event-id-first` | `yes` or `no`: whether its first REFER has an Event id too (R042) |
//! | `notify-interval` | milliseconds between provisional NOTIFYs (R047) |
//! | `releases-at` | the code from which on it lets go of its own call; `202` with the answer to its REFER. Where the transfer fails after that, its BYE means that it must be called back |
//! | `release-delay` | milliseconds that it waits before it does; this side does not hang up sooner |
//! | `hang-up` | `transferor`, or `us:MS`: who ends the transferor's leg after the last NOTIFY |
//! | `refer-to` | quirks of its Refer-To, separated by `\|`. `number-as-host`: the host of a URI without a user part is the extension, if it is digits. `target-aor`: the INVITE of an attended transfer elsewhere carries Require: replaces (R085). The others tell what is to be expected, and change nothing |

pub mod builtin;

use std::borrow::Cow;

/// What is peculiar about a family's Refer-To: one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks(u16);

impl Quirks {
    /// Nothing.
    pub const NONE: Quirks = Quirks(0);
    /// The URI may stand without angle brackets; then all that follows belongs to it.
    pub const NO_BRACKETS: Quirks = Quirks(1);
    /// The URI may have no user part: the whole of it is the target.
    pub const NO_USER: Quirks = Quirks(1 << 1);
    /// Its Replaces may name a dialog that is still early (a semi-attended transfer).
    pub const EARLY_REPLACES: Quirks = Quirks(1 << 2);
    /// The number may stand where the host should: `sip:2002`.
    pub const NUMBER_AS_HOST: Quirks = Quirks(1 << 3);
    /// Refer-To and Referred-By must come back to it as they are, byte for byte.
    pub const KEEP_EXACTLY: Quirks = Quirks(1 << 4);
    /// Its Replaces may lack the tags: 400 (R020).
    pub const NO_TAGS: Quirks = Quirks(1 << 5);
    /// It may send no Referred-By.
    pub const NO_REFERRED_BY: Quirks = Quirks(1 << 6);
    /// The target is the address of record rather than the Contact (R085).
    pub const TARGET_IS_AOR: Quirks = Quirks(1 << 7);

    const NAMED: [(&'static str, Quirks); 8] = [
        ("no-brackets", Quirks::NO_BRACKETS),
        ("no-user", Quirks::NO_USER),
        ("early-replaces", Quirks::EARLY_REPLACES),
        ("number-as-host", Quirks::NUMBER_AS_HOST),
        ("keep-exactly", Quirks::KEEP_EXACTLY),
        ("no-tags", Quirks::NO_TAGS),
        ("no-referred-by", Quirks::NO_REFERRED_BY),
        ("target-aor", Quirks::TARGET_IS_AOR),
    ];

    /// These and those.
    pub const fn and(self, other: Quirks) -> Quirks {
        Quirks(self.0 | other.0)
    }

    /// Whether all of `those` are among them.
    pub const fn have(self, those: Quirks) -> bool {
        self.0 & those.0 == those.0
    }

    /// Their names, as a setting has them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMED.into_iter().filter(move |(_, it)| self.have(*it)).map(|(name, _)| name)
    }

    fn parse(value: &str) -> Result<Quirks, &'static str> {
        let mut quirks = Quirks::NONE;
        for name in value.split('|').map(str::trim).filter(|name| !name.is_empty()) {
            let known = Self::NAMED.into_iter().find(|(known, _)| *known == name);
            let (_, quirk) = known.ok_or("names a quirk of Refer-To that does not exist")?;
            quirks = quirks.and(quirk);
        }
        Ok(quirks)
    }
}

/// What a family does in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// The answer that accepts its REFER; `None`: the setting `refer.accept_code` says.
    pub accept_code: Option<u16>,
    /// Whether the NOTIFYs of a dialog's first REFER carry an Event id too. Some phones refuse it
    /// there; from the second REFER on it is always there (R042).
    pub event_id_on_first: bool,
    /// Milliseconds between provisional NOTIFYs; `None`: the setting `notify.min_interval_ms` says.
    pub notify_min_interval_ms: Option<u32>,
    /// The code, in a NOTIFY, from which on it lets go of its own call: then there is no call to go
    /// back to, and a transfer that fails later must recall (R081). 202: with the answer to its
    /// REFER. 0: not known.
    pub releases_at: u16,
    /// How many milliseconds after that it sends its BYE.
    pub release_delay_ms: u32,
    /// The transferor's leg is ended by this side, so long after the last NOTIFY, where it is still
    /// there; `None`: that is left to the transferor (R084).
    pub hang_up_after_ms: Option<u32>,
    /// What its Refer-To is like.
    pub refer_to: Quirks,
}

impl Habits {
    /// Those of somebody who keeps to the RFCs.
    pub const PLAIN: Habits = Habits {
        accept_code: None,
        event_id_on_first: false,
        notify_min_interval_ms: None,
        releases_at: 0,
        release_delay_ms: 0,
        hang_up_after_ms: None,
        refer_to: Quirks::NONE,
    };
}

/// Where a habit is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// What is said there, in one sentence.
    pub says: &'static str,
    /// Where: a page, an issue, a manual with its page.
    pub at: &'static str,
}

/// One profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name, as in `profile.NAME`.
    pub name: Cow<'static, str>,
    /// Pieces of a User-Agent, separated by `|`.
    pub pattern: Cow<'static, str>,
    /// What the family does.
    pub habits: Habits,
    /// Where that is written down; nothing for what an administrator said.
    pub sources: &'static [Source],
}

impl Profile {
    /// The profile of whoever matches no other.
    pub const GENERIC: Profile = Profile {
        name: Cow::Borrowed("generic"),
        pattern: Cow::Borrowed(""),
        habits: Habits::PLAIN,
        sources: &[],
    };

    /// Whether a User-Agent is one of this family.
    pub fn matches(&self, user_agent: &[u8]) -> bool {
        self.pattern.split('|').any(|piece| match piece.strip_prefix('^') {
            Some(piece) => begins(user_agent, piece.as_bytes()),
            None => holds(user_agent, piece.as_bytes()),
        })
    }

    /// Reads the value of `profile.NAME`. What it does not say stays as in `base`.
    fn parse(name: &str, value: &str, base: &Profile) -> Result<Profile, &'static str> {
        let mut profile = Profile { name: Cow::Owned(name.to_owned()), ..base.clone() };
        for entry in value.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (word, value) = entry.split_once('=').ok_or("has a word without \"=\"")?;
            profile.set(word.trim(), value.trim())?;
        }
        if profile.pattern.is_empty() {
            return Err("has no match=");
        }
        Ok(profile)
    }

    fn set(&mut self, word: &str, value: &str) -> Result<(), &'static str> {
        let habits = &mut self.habits;
        match word {
            "match" => self.pattern = Cow::Owned(pattern(value)?),
            "accept" => {
                habits.accept_code = match value {
                    "202" => Some(202),
                    "200" => Some(200),
                    _ => return Err("has an accept that is neither 202 nor 200"),
                }
            }
            "event-id-first" => {
                habits.event_id_on_first = match value {
                    "yes" => true,
                    "no" => false,
                    _ => return Err("has an event-id-first that is neither yes nor no"),
                }
            }
            "notify-interval" => habits.notify_min_interval_ms = Some(milliseconds(value)?),
            "releases-at" => {
                let code = value.parse().ok().filter(|code| (100..=699).contains(code));
                habits.releases_at = code.ok_or("has a releases-at that is no status code")?;
            }
            "release-delay" => habits.release_delay_ms = milliseconds(value)?,
            "hang-up" => {
                habits.hang_up_after_ms = match value.strip_prefix("us:") {
                    Some(after) => Some(milliseconds(after)?),
                    None if value == "transferor" => None,
                    None => return Err("has a hang-up that is neither transferor nor us:MS"),
                }
            }
            "refer-to" => habits.refer_to = Quirks::parse(value)?,
            _ => return Err("has a word that no profile knows"),
        }
        Ok(())
    }
}

/// An hour: what takes longer is a slip.
const LONGEST_MS: u32 = 3_600_000;

fn milliseconds(value: &str) -> Result<u32, &'static str> {
    let number = value.parse().ok().filter(|number| *number <= LONGEST_MS);
    number.ok_or("has a duration that is no number of milliseconds up to 3600000")
}

/// An empty piece would match everybody. Blanks around a piece are none of it.
fn pattern(value: &str) -> Result<String, &'static str> {
    let fits = |byte: u8| matches!(byte, b' '..=b'~');
    let pieces: Vec<&str> = value.split('|').map(str::trim).collect();
    let empty = |piece: &&str| piece.trim_start_matches('^').is_empty();
    if value.len() > 255 || !value.bytes().all(fits) || pieces.iter().any(empty) {
        return Err("has a match with an empty piece, or one that no User-Agent could hold");
    }
    Ok(pieces.join("|"))
}

fn begins(text: &[u8], piece: &[u8]) -> bool {
    text.get(..piece.len()).is_some_and(|start| start.eq_ignore_ascii_case(piece))
}

fn holds(text: &[u8], piece: &[u8]) -> bool {
    let Some(first) = piece.first() else { return false };
    let (small, large) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(small, large, text)
        .any(|at| text.get(at..).is_some_and(|rest| begins(rest, piece)))
}

/// How much of a User-Agent is looked at: it is a stranger's, and every profile reads it.
const LOOKED_AT: usize = 256;

/// The profiles that hold: an administrator's first, in the order in which they were set, then those
/// that are shipped.
#[derive(Clone, Debug)]
pub struct Profiles {
    own: Vec<Profile>,
    /// The pieces of all that hold, by their first bytes.
    pieces: Vec<Piece>,
    /// Where the pieces begin that begin with this byte, in lower case, and where those of the last one
    /// end.
    starts: [u32; 257],
    /// Whether a piece begins with this byte, in either case: of most User-Agents hardly a byte does.
    firsts: [bool; 256],
}

/// A piece of a pattern.
#[derive(Clone, Debug)]
struct Piece {
    /// The number of its profile in the order in which they are tried.
    profile: u32,
    /// Whether it is tied to the beginning.
    first: bool,
    /// In lower case.
    text: Box<[u8]>,
}

impl Default for Profiles {
    fn default() -> Profiles {
        let mut profiles = Profiles {
            own: Vec::new(),
            pieces: Vec::new(),
            starts: [0; 257],
            firsts: [false; 256],
        };
        profiles.sort();
        profiles
    }
}

impl Profiles {
    /// Those that are shipped.
    pub fn new() -> Profiles {
        Profiles::default()
    }

    /// Sorts the pieces of all that hold: a User-Agent is then gone through once, however many there
    /// are.
    fn sort(&mut self) {
        let mut pieces = Vec::new();
        for (profile, number) in self.iter().zip(0..) {
            for piece in profile.pattern.split('|') {
                let text = piece.strip_prefix('^').unwrap_or(piece);
                if !text.is_empty() {
                    let first = text.len() < piece.len();
                    let text = text.to_ascii_lowercase().into_bytes().into();
                    pieces.push(Piece { profile: number, first, text });
                }
            }
        }
        pieces.sort_by_key(|piece| piece.text.first().copied());
        for (start, byte) in self.starts.iter_mut().zip(0_u16..) {
            let is_before =
                |piece: &Piece| piece.text.first().is_none_or(|it| u16::from(*it) < byte);
            let before = pieces.partition_point(is_before);
            *start = u32::try_from(before).unwrap_or(u32::MAX);
        }
        self.pieces = pieces;
        for byte in 0..=u8::MAX {
            let is_first = !self.beginning_with(byte).is_empty();
            if let Some(place) = self.firsts.get_mut(usize::from(byte)) {
                *place = is_first;
            }
        }
    }

    /// The pieces that begin with this byte.
    #[inline]
    fn beginning_with(&self, byte: u8) -> &[Piece] {
        let byte = byte.to_ascii_lowercase();
        let start = self.starts.get(usize::from(byte)).copied().unwrap_or_default();
        let end = self.starts.get(usize::from(byte) + 1).copied().unwrap_or_default();
        self.pieces.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Sets `profile.NAME`. The name of a profile that is shipped, or was set before, changes that
    /// one. On an error nothing is changed; it says what is wrong with the value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
            return Err("is set for a name that is none");
        }
        let place = self.own.iter().position(|profile| profile.name == name);
        let base = match place.and_then(|place| self.own.get(place)) {
            Some(own) => Some(own),
            None => builtin::ALL.iter().find(|profile| profile.name == name),
        };
        let profile = Profile::parse(name, value, base.unwrap_or(&Profile::GENERIC))?;
        match place.and_then(|place| self.own.get_mut(place)) {
            Some(own) => *own = profile,
            None => self.own.push(profile),
        }
        self.sort();
        Ok(())
    }

    /// The profile of a User-Agent; [`Profile::GENERIC`] where none matches or there is none.
    pub fn of(&self, user_agent: &[u8]) -> &Profile {
        let looked_at = user_agent.get(..LOOKED_AT).unwrap_or(user_agent);
        let mut found = u32::MAX;
        let is_first = |byte: u8| self.firsts.get(usize::from(byte)) == Some(&true);
        for (at, &byte) in looked_at.iter().enumerate().filter(|(_, &byte)| is_first(byte)) {
            for piece in self.beginning_with(byte) {
                let here = looked_at.get(at..).unwrap_or_default();
                if piece.profile < found && (at == 0 || !piece.first) && begins(here, &piece.text) {
                    found = piece.profile;
                }
            }
        }
        let known = if found == u32::MAX { None } else { self.iter().nth(found as usize) };
        known.unwrap_or(&Profile::GENERIC)
    }

    /// All that hold, in the order in which they are tried.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        let shipped = builtin::ALL
            .iter()
            .filter(|shipped| !self.own.iter().any(|own| own.name == shipped.name));
        self.own.iter().chain(shipped)
    }
}

#[cfg(test)]
mod tests;
