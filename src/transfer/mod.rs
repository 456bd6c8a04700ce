//! Floor 3: the rules, as functions of a request, a dialog and a policy.
//!
//! | file | what it decides |
//! |---|---|
//! | [`replaces`] | whether an INVITE may replace a dialog (RFC 3891 section 3) |
//! | [`join`] | whether one may join the call of a dialog (RFC 3911 section 4) |
//! | [`authorize`] | on what ground (R009) |
//! | [`refer`] | what a REFER asks for (RFC 3515 section 2.4) |
//! | [`route`] | where a REFER goes: local, external_replaces, blind |
//! | [`uri_headers`] | which headers of a Refer-To URI are taken over (R090 to R094) |
//! | [`domains`] | whether a remote transfer may go to that host |
//! | [`elsewhere`] | a dialog that another node of a cluster has |
//! | [`rate`] | how many REFERs an endpoint may send |
//! | [`passing`] | a REFER for the other leg of a B2BUA |
//! | [`triggered`], [`response`] | the header lines of the triggered INVITE, the refusal as text |
//! | [`recipient`] | one transfer from its accepted REFER to its one outcome |
//! | [`subscription`] | the NOTIFYs of it |
//! | [`transferor`] | one transfer on the side that sends the REFER |
//! | [`event`] | what an application is told, as JSON |
//! | [`park`], [`dialog_info`] | parked calls and their tokens; who talks to whom, as XML (RFC 4235) |
//! | [`takeover`] | the target's side: an accepted Replaces as a sequence of commands |
//!
//! Nothing here knows the time, or calls the host but through [`Host`] and [`Directory`]. Verdicts
//! keep no state; a transfer ([`recipient`], [`transferor`], [`takeover`]) is a state, which its inputs
//! change.
#![forbid(unsafe_code)]

pub mod authorize;
pub mod dialog_info;
pub mod domains;
pub mod elsewhere;
pub mod event;
pub mod join;
pub mod park;
pub mod passing;
pub mod rate;
pub mod recipient;
pub mod refer;
pub mod replaces;
pub mod response;
pub mod retrieve;
pub mod route;
mod sentence;
pub mod subscription;
pub mod takeover;
pub mod transferor;
pub mod triggered;
pub mod uri_headers;
mod verdict;

pub use authorize::Tokens;
pub use verdict::{Kind, Matched, OldDialog, Referrer, Rules, Variables, Verdict, MAX_RULES};

use self::sentence::{Piece, Sentence};
use crate::config::{Handling, Profile, Settings, Snapshot};
use crate::dialog::{DialogRef, Directory, Key, Lookup, Remote, Tombstones};
use crate::sip::{Message, Name, OutOfScratch, Replaces, Scratch};

/// What the host knows of the sender of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender<'a> {
    /// The endpoint that it was identified as; empty for a stranger.
    pub endpoint: &'a [u8],
    /// The authenticated user; empty for nobody.
    pub user: &'a [u8],
    /// The endpoint's context, or empty.
    pub context: &'a [u8],
    /// Its address, for the log; or empty.
    pub source: &'a [u8],
    /// Whether the request came over a secure transport.
    pub secure: bool,
    /// How many transfers its call has been through.
    pub transfer_depth: u32,
    /// Who decides how its REFER goes on, where that is not left to the settings.
    pub handling: Option<Handling>,
}

/// A request as it came.
pub struct Request<'a> {
    /// What it says.
    pub message: Message<'a>,
    /// Who says it.
    pub sender: Sender<'a>,
    /// When, in monotonic milliseconds.
    pub now_ms: u64,
    /// Its Replaces, where that was read before the request was decided about, and the hash of the
    /// dialog that it names, where there is one.
    pub ahead: Option<(Replaces<'a>, Option<u128>)>,
}

impl<'a> Request<'a> {
    /// Reads the Replaces before the request is decided about. What is wrong with one is left for the
    /// decision to find, and so is what only that one is to be asked for.
    pub(crate) fn look_ahead(&mut self, hash: impl FnOnce(&Key<'_>) -> Option<u128>) {
        let header = self.message.first(Name::Replaces).filter(|header| !header.is_folded());
        let Some(Ok(named)) = header.map(|header| Replaces::parse(header.raw)) else { return };
        let Replaces { call_id, to_tag: local_tag, from_tag: remote_tag, .. } = named;
        self.ahead = Some((named, hash(&Key { call_id, local_tag, remote_tag })));
    }
}

impl Request<'_> {
    /// Whether the host has authenticated the sender.
    pub fn is_authenticated(&self) -> bool {
        !self.sender.user.is_empty()
    }

    /// Whether it came inside a dialog.
    pub fn is_in_dialog(&self) -> bool {
        self.own_tag().is_some() && self.message.first(Name::CallId).is_some()
    }

    /// The tag of its To, where that has one.
    fn own_tag(&self) -> Option<&[u8]> {
        crate::sip::tag_of(self.message.first(Name::To)?.raw).filter(|tag| !tag.is_empty())
    }

    /// The dialog that it came in, as this side sees it.
    pub fn own_dialog(&self) -> Option<Key<'_>> {
        let value = |name| Some(self.message.first(name)?.raw);
        let from_tag = value(Name::From).and_then(crate::sip::tag_of);
        Some(Key {
            local_tag: self.own_tag()?,
            call_id: value(Name::CallId)?,
            remote_tag: from_tag.unwrap_or_default(),
        })
    }

    /// Whether this is the dialog that it came in.
    fn came_in(&self, dialog: &Key<'_>) -> bool {
        // Mostly the Call-ID is another one, and the tags need not be looked for.
        let call_id = self.message.first(Name::CallId);
        call_id.is_some_and(|it| it.raw == dialog.call_id)
            && self.own_dialog().is_some_and(|own| own.matches(dialog))
    }
}

/// What a callback of the host said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// It failed, or said something that is no answer.
    Failed,
}

/// What the host said about one transfer (R030).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// Go on.
    Yes,
    /// Refused.
    No,
    /// Not decided yet (R033).
    Later,
    /// The callback failed, or said something that is no answer.
    Failed,
}

/// How grave a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something is broken.
    Error,
    /// Something was refused or dropped.
    Warning,
    /// What was decided.
    Info,
}

/// What the host is asked. `D` is its kind of dialog.
pub trait Host<D> {
    /// Does this extension exist in this context?
    fn extension_exists(&self, context: &[u8], extension: &[u8]) -> Answer;

    /// TRANSFER_CONTEXT of the channel that the request came on, if it is set; `Err` where the
    /// callback failed.
    fn transfer_context<'a>(&self, _: &mut Scratch<'a>) -> Result<Option<&'a [u8]>, Failed> {
        Ok(None)
    }

    /// May this endpoint transfer? `None`: the settings answer.
    fn allow_transfer(&self) -> Option<Answer> {
        None
    }

    /// May this transfer go there?
    fn approve(&self, _kind: Kind, _target: &[u8]) -> Approval {
        Approval::Yes
    }

    /// Is this the token of that referrer, and valid (RFC 3892 section 5)? `part` is the whole body
    /// part.
    fn verify_token(&self, _referred_by: &[u8], _part: &[u8]) -> Answer {
        Answer::No
    }

    /// May the sender replace this dialog?
    fn authorize(&self, _dialog: &D) -> Answer {
        Answer::No
    }

    /// May the sender replace this dialog of another node?
    fn authorize_remote(&self, _dialog: &Remote) -> Answer {
        Answer::No
    }

    /// Can the sender's call be mixed with that of this dialog?
    fn can_mix(&self, _dialog: &D) -> Answer {
        Answer::Yes
    }

    /// Does the Request-URI name a conference?
    fn is_conference(&self) -> Answer {
        Answer::No
    }

    /// A line for the log.
    fn log(&self, _level: Level, _text: &[u8]) {}

    /// Whether somebody reads the log.
    fn has_log(&self) -> bool {
        true
    }
}

/// A callback failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

/// What verdicts are made with.
pub struct Context<'c, D: Directory, H: Host<D::Dialog>> {
    /// Where dialogs are found.
    pub directory: &'c D,
    /// Who is asked.
    pub host: &'c H,
    /// The settings.
    pub snapshot: &'c Snapshot,
    /// Dialogs that ended a short while ago.
    pub tombstones: &'c Tombstones,
    /// How many REFERs each endpoint has sent.
    pub rates: &'c rate::Rates,
    /// The calls that are parked.
    pub tokens: &'c dyn Tokens,
    /// Whether an accepted REFER becomes a transfer of the engine, which alone can hand out a URI for an
    /// explicit subscription.
    pub transfers: bool,
    /// Where else dialogs are looked for.
    pub elsewhere: elsewhere::Elsewhere<'c>,
}

/// What the lookup of a dialog that a Replaces names came to.
enum Match<D> {
    Found(D),
    /// None matches, or several (`true`) do.
    None(bool),
    /// It ended a short while ago.
    Ended,
    Pending,
    Failed,
}

impl<D: Directory, H: Host<D::Dialog>> Context<'_, D, H> {
    fn settings(&self, request: &Request<'_>) -> &Settings {
        self.snapshot.of(request.sender.endpoint)
    }

    /// The profile of the device that sent a request.
    pub(crate) fn profile(&self, request: &Request<'_>) -> &Profile {
        let agent = request.message.first(Name::UserAgent);
        self.snapshot.profile(agent.map_or(&[][..], |value| value.raw))
    }

    /// Writes a log line that names the request it is about. One for which there is no room is
    /// written without that.
    pub(crate) fn log(
        &self,
        level: Level,
        request: &Request<'_>,
        text: &[u8],
        scratch: &mut Scratch<'_>,
    ) {
        if !self.host.has_log() {
            return;
        }
        let Sender { endpoint, source, .. } = request.sender;
        let call_id = request.message.first(Name::CallId).map_or(&[][..], |value| value.raw);
        let about = [
            Piece::Text(" (Call-ID "),
            Piece::Value(call_id),
            Piece::Text(", endpoint "),
            Piece::Value(endpoint),
            Piece::Text(", from "),
            Piece::Value(source),
            Piece::Text(")"),
        ];
        let line = scratch.sentence(&about).and_then(|about| scratch.concat(&[text, about]));
        self.host.log(level, line.unwrap_or(text));
    }

    /// Finds the dialog that a Replaces names. The to-tag is the local tag, the from-tag the remote
    /// one (R001). A tag of value 0 also means a peer that sends none (R021), so up to four keys are
    /// looked up; more than one match is none (R005). `hash` is that of the triple as it stands there,
    /// where it is known.
    fn find(
        &self,
        named: &Replaces<'_>,
        request: &Request<'_>,
        hash: Option<u128>,
        scratch: &mut Scratch<'_>,
    ) -> Match<D::Dialog> {
        if named.to_tag != b"0" && named.from_tag != b"0" {
            let Replaces { call_id, to_tag: local_tag, from_tag: remote_tag, .. } = *named;
            return self.look_up(&Key { call_id, local_tag, remote_tag }, request, hash, scratch);
        }
        let locals = tag_choices(named.to_tag);
        let remotes = tag_choices(named.from_tag);
        let mut found = None;
        let mut ended = false;
        for local_tag in locals.into_iter().flatten() {
            for remote_tag in remotes.into_iter().flatten() {
                let key = Key { call_id: named.call_id, local_tag, remote_tag };
                match self.look_up(&key, request, None, scratch) {
                    Match::Found(_) if found.is_some() => return Match::None(true),
                    Match::Found(dialog) => found = Some(dialog),
                    Match::Ended => ended = true,
                    Match::None(false) => {}
                    other => return other,
                }
            }
        }
        match found {
            Some(dialog) => Match::Found(dialog),
            None if ended => Match::Ended,
            None => Match::None(false),
        }
    }

    /// Finds the dialog of one triple.
    #[inline]
    fn look_up(
        &self,
        key: &Key<'_>,
        request: &Request<'_>,
        hash: Option<u128>,
        scratch: &mut Scratch<'_>,
    ) -> Match<D::Dialog> {
        let found = match hash {
            Some(hash) => self.directory.find_hashed(key, hash),
            None => self.directory.find(key),
        };
        match found {
            // A directory that errs must not hand over a stranger's call.
            Lookup::Found(dialog)
                if !self.directory.compares() && !dialog.facts().key.matches(key) =>
            {
                let text = "the dialog directory answered with a dialog of another triple";
                self.log(Level::Error, request, text.as_bytes(), scratch);
                Match::None(false)
            }
            Lookup::Found(dialog) => Match::Found(dialog),
            Lookup::NotFound if self.tombstones.holds(key, request.now_ms) => Match::Ended,
            Lookup::NotFound => Match::None(false),
            Lookup::Ambiguous => Match::None(true),
            Lookup::Pending => Match::Pending,
            Lookup::Failed => Match::Failed,
        }
    }
}

fn tag_choices(tag: &[u8]) -> [Option<&[u8]>; 2] {
    [Some(tag), (tag == b"0").then_some(&[][..])]
}

/// The verdict on bytes that are no SIP message.
pub fn unreadable<'a, D: DialogRef>(
    settings: &Settings,
    error: crate::sip::ParseError,
    scratch: &mut Scratch<'a>,
) -> Result<Verdict<'a, D>, NoVerdict> {
    let whole = crate::sip::Value { raw: b"", offset: 0 };
    Ok(verdict::malformed(settings, scratch, "message", whole, error)?)
}

/// Why there is no verdict at all: the scratch space is too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoVerdict;

impl From<OutOfScratch> for NoVerdict {
    fn from(_: OutOfScratch) -> Self {
        NoVerdict
    }
}

#[cfg(test)]
mod tests;
