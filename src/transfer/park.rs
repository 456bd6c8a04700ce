//! A park lot: calls that wait for somebody to take them out (R096).
//!
//! # Contract
//!
//! - **In**: [`Lot::park`] a dialog, [`Lot::claim`] it by its token, [`Lot::retrieved`] or
//!   [`Lot::release`] the claim, [`Lot::cancel`], [`Lot::ended`] when the parked party hangs up;
//!   [`Lot::subscribe`], [`Lot::refresh`] and [`Lot::notify_answered`] for those who watch.
//! - **Out**: an [`Output`] each to the sink that the call was given, in order. The sink must not
//!   call the lot; collect first.
//! - **Time**: `now_ms` is monotonic; going back is clamped. [`Lot::deadline`] may lie in the past;
//!   then [`Lot::tick`] is due.
//! - **Never**: two places for one dialog, two claims on one call, a call that is neither in the lot
//!   nor handed out ([`Output::RingBack`], or what [`Lot::retrieved`], [`Lot::cancel`] and
//!   [`Lot::ended`] answer), a second NOTIFY within a second but where a SUBSCRIBE asks for one, a
//!   NOTIFY after the last one.
//!
//! # Tokens
//!
//! A number (the lowest free place, or the one that was dialled) is for people; everybody may know
//! it. A secret of 128 random bits is for programs: who shows it was given it, and that is a ground
//! to replace the dialog (R009, `token`). It travels as parameter `token` of the Replaces value
//! ([`ParkedCall::print_replaces`]), which every peer hands on (R022); [`token_of`] finds it there,
//! [`Lot::parking`] judges it. Where the lot is open to the sender (`park.open`), being parked under a
//! number is a ground too: it may take out any such call, as in most offices.
//!
//! # Claims
//!
//! A retrieval takes time: an INVITE comes, is answered, takes over. While one is under way nobody
//! else gets the call, and its time-out waits. A claim that fails is released and the call is in the
//! lot as before (R012); one that is never heard of again lapses after [`LotSettings::claim_ms`].
//!
//! # Watching
//!
//! A phone may SUBSCRIBE with Event: dialog to a place or to the lot. Each change is a NOTIFY with
//! a full document ([`Lot::print_document`]); the parked party's leg is written as
//! [`super::dialog_info`] has it, so that a phone that builds a Replaces from it names the dialog of
//! this side. Calls under a secret are not listed.

mod token;
mod watch;

pub use token::{Secret, Token};
pub use watch::{Subscribed, WatchNotify, WatchState};

use crate::dialog::{HashKey, Key};
use crate::sip::{Replaces, Sipfrag, Writer};
use std::collections::{BTreeMap, BTreeSet};
use watch::Watcher;

/// The most places a lot can have.
const MOST_NUMBERS: u32 = 100_000;

/// The highest place: what [`Token::parse`] reads as a number.
const HIGHEST: u32 = 999_999_999;

/// Ids are a salt above a counter of so many bits, which never comes to its end.
const COUNTER_BITS: u32 = 48;

/// What a lot is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotSettings {
    /// The first place.
    pub first: u32,
    /// The last place; where it is less than the first there are none.
    pub last: u32,
    /// How long a call waits before it is given back to the one who parked it.
    pub timeout_ms: u64,
    /// How long a claim lasts that nobody releases.
    pub claim_ms: u64,
    /// How many calls under secrets the lot takes.
    pub most_secrets: u32,
}

impl LotSettings {
    /// At most 100,000 places, of nine digits at most.
    fn fit(&self) -> bool {
        match self.last.checked_sub(self.first) {
            Some(more) => more < MOST_NUMBERS && self.last <= HIGHEST,
            None => true,
        }
    }

    fn have(&self, number: u32) -> bool {
        (self.first..=self.last).contains(&number)
    }
}

impl Default for LotSettings {
    /// 701 to 720, 45 seconds, as Asterisk's lot is shipped; a claim lasts 64*T1.
    fn default() -> Self {
        LotSettings {
            first: 701,
            last: 720,
            timeout_ms: 45_000,
            claim_ms: 32_000,
            most_secrets: 100_000,
        }
    }
}

/// A call that is to be parked.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The dialog with the party that waits, as this side sees it.
    pub key: Key<'a>,
    /// Who parks it: what the host needs to ring back.
    pub parker: &'a [u8],
    /// The URI of the party that waits, for those who watch; may be empty.
    pub party: &'a [u8],
    /// The host's own name for the call.
    pub handle: u64,
}

/// Where a call is to be parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The lowest free number.
    Lowest,
    /// This number.
    Number(u32),
    /// Under a secret.
    Secret(Secret),
}

/// Why a call cannot be parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkError {
    /// No place is free.
    Full,
    /// That place is taken.
    Taken,
    /// The lot has no such place.
    NoSuchPlace,
    /// This dialog is parked already.
    Parked,
    /// The triple is none that a Replaces could name.
    NotADialog,
}

/// Why a call cannot be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimError {
    /// No call has this token: 404, or 481 for a Replaces.
    NotFound,
    /// Somebody else is taking it out: 603, as with a second Replaces for one dialog.
    Claimed,
}

/// The right to take a call out: a number that comes once.
pub type Claim = u64;

/// How a dialog that somebody wants to replace stands in the lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parking {
    /// It is not parked.
    None,
    /// It is parked, and that gives the sender no right to it.
    Kept,
    /// It is parked, and the sender may take it out (R009, `token`).
    Granted,
}

/// A call in the lot.
#[derive(Debug)]
pub struct ParkedCall {
    /// What it is asked for by.
    pub token: Token,
    /// The host's own name for it.
    pub handle: u64,
    /// Call-ID, tags, parker and party, one behind the other.
    strings: Box<[u8]>,
    ends: [u32; 4],
    /// The claim, and until when it holds.
    claimed: Option<(Claim, u64)>,
    ring_back_at: u64,
}

impl ParkedCall {
    fn part(&self, from: u32, to: u32) -> &[u8] {
        self.strings.get(from as usize..to as usize).unwrap_or_default()
    }

    /// The dialog with the party that waits, as this side sees it.
    pub fn key(&self) -> Key<'_> {
        let [call_id, local, remote, _] = self.ends;
        Key {
            call_id: self.part(0, call_id),
            local_tag: self.part(call_id, local),
            remote_tag: self.part(local, remote),
        }
    }

    /// Who parked it.
    pub fn parker(&self) -> &[u8] {
        let [_, _, remote, parker] = self.ends;
        self.part(remote, parker)
    }

    /// The URI of the party that waits.
    pub fn party(&self) -> &[u8] {
        let [_, _, _, parker] = self.ends;
        self.part(parker, self.strings.len() as u32)
    }

    /// Whether somebody is taking it out.
    pub fn is_claimed(&self, now_ms: u64) -> bool {
        self.claimed.is_some_and(|(_, until)| until > now_ms)
    }

    /// Prints the Replaces value that takes the call out, as its recipient (this PBX) reads it. With
    /// its token it is a ground of its own, and no more to be shown around than the token is.
    pub fn print_replaces(&self, with_token: bool, out: &mut Writer<'_>) {
        let mut room = [0; 48];
        let mut params = Writer::new(&mut room);
        if with_token {
            print_token_param(&self.token, &mut params);
        }
        if let Some(replaces) = replaces_of(&self.key(), params.written()) {
            replaces.print(out);
        }
    }

    fn due_at(&self) -> u64 {
        self.claimed.map_or(self.ring_back_at, |(_, until)| until)
    }
}

/// The parameter of Replaces that carries a token.
const TOKEN: &[u8] = b"token";

/// The token that a Replaces carries.
pub fn token_of<'a>(replaces: &Replaces<'a>) -> Option<&'a [u8]> {
    let is_token = |(name, _): &(&[u8], _)| name.eq_ignore_ascii_case(TOKEN);
    replaces.params.iter().find(is_token).and_then(|(_, value)| value)
}

/// Prints a token as that parameter; 48 bytes are enough.
pub(super) fn print_token_param(token: &Token, out: &mut Writer<'_>) {
    out.push(TOKEN);
    out.push(b"=");
    token.print(out);
}

/// The to-tag is the recipient's own (R001); a peer without a tag is named by 0 (R021).
pub(super) fn replaces_of<'a>(key: &Key<'a>, params: &'a [u8]) -> Option<Replaces<'a>> {
    let remote_tag = if key.remote_tag.is_empty() { b"0" } else { key.remote_tag };
    Replaces::new(key.call_id, key.local_tag, remote_tag, false, params)
}

/// Prints what the parker's REFER ends with: that it went well, and where the call is. RFC 3420
/// section 2 allows headers behind the status line; phones that do not know that see the 200 alone,
/// and so do all where the host (with its port) is empty. `None` where it is no host. R048 keeps the response of somebody else
/// from the transferor; here the recipient of the REFER itself is who answers, and what it says is
/// meant for the parker.
pub fn print_sipfrag(token: &Token, host: &[u8], out: &mut Writer<'_>) -> Option<()> {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(byte);
    if !host.iter().all(fits) {
        return None;
    }
    // A status line of ours is one that can be printed.
    Sipfrag::print_status(out, 200, b"OK").ok()?;
    if !host.is_empty() {
        out.push(b"Contact: <sip:");
        token.print(out);
        out.push(b"@");
        out.push(host);
        out.push(b">\r\n");
    }
    Some(())
}

/// What a lot wants done.
#[derive(Debug)]
pub enum Output {
    /// Nobody came for this call, and it is out of the lot: ring the one who parked it.
    RingBack(ParkedCall),
    /// Tell somebody who watches.
    Notify(WatchNotify),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Call(u64),
    Watcher(u64),
}

/// A park lot.
pub struct Lot {
    settings: LotSettings,
    hash: HashKey,
    now_ms: u64,
    last_id: u64,
    calls: BTreeMap<u64, ParkedCall>,
    by_number: BTreeMap<u32, u64>,
    /// By keyed hash, so that looking one up says nothing of how much of a guess was right.
    by_secret: BTreeMap<u128, u64>,
    by_dialog: BTreeMap<u128, u64>,
    by_claim: BTreeMap<Claim, u64>,
    watchers: BTreeMap<u64, Watcher>,
    due: BTreeSet<(u64, Due)>,
}

type Sink<'s> = &'s mut dyn FnMut(Output);

impl Lot {
    /// An empty lot with the default settings. `salt` makes its claims and watchers strange to
    /// other lots.
    pub fn new(hash: HashKey, salt: u16) -> Lot {
        Lot {
            settings: LotSettings::default(),
            hash,
            now_ms: 0,
            last_id: u64::from(salt) << COUNTER_BITS,
            calls: BTreeMap::new(),
            by_number: BTreeMap::new(),
            by_secret: BTreeMap::new(),
            by_dialog: BTreeMap::new(),
            by_claim: BTreeMap::new(),
            watchers: BTreeMap::new(),
            due: BTreeSet::new(),
        }
    }

    /// Other settings, from now on: a call that waits keeps its place and its time-out. `None` where
    /// its places would be more than 100,000, or one would have more than nine digits.
    pub fn set(&mut self, settings: LotSettings) -> Option<()> {
        settings.fit().then(|| self.settings = settings)
    }

    /// How many calls wait.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Parks a call and answers its token.
    pub fn park(
        &mut self,
        call: &Call<'_>,
        place: Place,
        now_ms: u64,
        out: Sink<'_>,
    ) -> Result<Token, ParkError> {
        self.advance(now_ms);
        let Call { key, parker, party, handle } = *call;
        let parts = [key.call_id, key.local_tag, key.remote_tag, parker, party];
        let strings = parts.concat().into_boxed_slice();
        if replaces_of(&key, b"").is_none() || u32::try_from(strings.len()).is_err() {
            return Err(ParkError::NotADialog);
        }
        let dialog = self.hash.fingerprint(&key);
        if self.by_dialog.contains_key(&dialog) {
            return Err(ParkError::Parked);
        }
        let token = self.next_token(place)?;
        let mut end = 0;
        let ends = [key.call_id, key.local_tag, key.remote_tag, parker].map(|part| {
            end += part.len() as u32;
            end
        });
        let ring_back_at = self.now_ms.saturating_add(self.settings.timeout_ms);
        let call = ParkedCall { token, handle, strings, ends, claimed: None, ring_back_at };
        let id = self.next_id();
        match &token {
            Token::Number(number) => self.by_number.insert(*number, id),
            Token::Secret(secret) => self.by_secret.insert(self.secret_hash(secret), id),
        };
        self.by_dialog.insert(dialog, id);
        self.due.insert((call.due_at(), Due::Call(id)));
        self.calls.insert(id, call);
        self.changed(&token, out);
        Ok(token)
    }

    /// The token that a call would get that is parked there now.
    pub fn next_token(&self, place: Place) -> Result<Token, ParkError> {
        let LotSettings { first, last, most_secrets, .. } = self.settings;
        match place {
            Place::Number(number) if !self.settings.have(number) => Err(ParkError::NoSuchPlace),
            Place::Number(number) if self.by_number.contains_key(&number) => Err(ParkError::Taken),
            Place::Number(number) => Ok(Token::Number(number)),
            Place::Lowest => {
                // The first gap: the keys are in order.
                let taken = self.by_number.range(first..).map(|(number, _)| *number);
                let run = taken.zip(first..=last).take_while(|(taken, it)| taken == it).count();
                let run = u32::try_from(run).unwrap_or(u32::MAX);
                let lowest = first.checked_add(run).filter(|lowest| *lowest <= last);
                lowest.map(Token::Number).ok_or(ParkError::Full)
            }
            Place::Secret(_) if self.by_secret.len() >= most_secrets as usize => {
                Err(ParkError::Full)
            }
            // Random bytes that come twice are none.
            Place::Secret(secret) if self.by_secret.contains_key(&self.secret_hash(&secret)) => {
                Err(ParkError::Taken)
            }
            Place::Secret(secret) => Ok(Token::Secret(secret)),
        }
    }

    /// The call with this token.
    pub fn find(&self, token: &Token) -> Option<&ParkedCall> {
        self.id_of(token).and_then(|id| self.calls.get(&id))
    }

    /// Whether this dialog is parked, and whether that allows the sender to have it (R009): its
    /// secret is shown, or the lot is `open` to the sender and it waits under a number, the one that
    /// is shown if one is. A token that is wrong is no better than a wrong password. That the sender
    /// is authenticated is not asked here; [`super::authorize`] asks it before any ground.
    pub fn parking(&self, token: Option<&[u8]>, dialog: &Key<'_>, open: bool) -> Parking {
        let Some(call) = self.call_of(dialog) else {
            return Parking::None;
        };
        let is_open = open && call.token.number().is_some();
        let granted = match token.map(Token::parse) {
            None => is_open,
            Some(Some(shown @ Token::Secret(_))) => shown == call.token,
            Some(Some(shown)) => is_open && shown == call.token,
            Some(None) => false,
        };
        if granted {
            Parking::Granted
        } else {
            Parking::Kept
        }
    }

    /// The call of a parked dialog.
    pub fn call_of(&self, dialog: &Key<'_>) -> Option<&ParkedCall> {
        let id = self.by_dialog.get(&self.hash.fingerprint(dialog))?;
        self.calls.get(id).filter(|call| call.key().matches(dialog))
    }

    /// Claims a call: nobody else gets it until the claim is released or lapses.
    pub fn claim(&mut self, token: &Token, now_ms: u64) -> Result<Claim, ClaimError> {
        self.advance(now_ms);
        let now_ms = self.now_ms;
        let id = self.id_of(token).ok_or(ClaimError::NotFound)?;
        let call = self.calls.get_mut(&id).ok_or(ClaimError::NotFound)?;
        if call.is_claimed(now_ms) {
            return Err(ClaimError::Claimed);
        }
        self.due.remove(&(call.due_at(), Due::Call(id)));
        // One that has lapsed, and that no tick has told of yet.
        if let Some((lapsed, _)) = call.claimed {
            self.by_claim.remove(&lapsed);
        }
        self.last_id += 1;
        let claim = self.last_id;
        call.claimed = Some((claim, now_ms.saturating_add(self.settings.claim_ms)));
        self.by_claim.insert(claim, id);
        self.due.insert((call.due_at(), Due::Call(id)));
        Ok(claim)
    }

    /// The retrieval failed: the call waits on, in its place and with its time (R012). `None` where
    /// the claim has lapsed.
    pub fn release(&mut self, claim: Claim, now_ms: u64) -> Option<()> {
        self.advance(now_ms);
        let id = self.by_claim.remove(&claim)?;
        let call = self.calls.get_mut(&id)?;
        self.due.remove(&(call.due_at(), Due::Call(id)));
        call.claimed = None;
        self.due.insert((call.due_at(), Due::Call(id)));
        Some(())
    }

    /// The retrieval went well: the call is out of the lot. `None` where the claim has lapsed and
    /// the call is somebody else's by now, or gone.
    pub fn retrieved(&mut self, claim: Claim, now_ms: u64, out: Sink<'_>) -> Option<ParkedCall> {
        self.advance(now_ms);
        let id = self.by_claim.get(&claim).copied()?;
        self.take_out(id, out)
    }

    /// Takes a call out for another reason, claimed or not.
    pub fn cancel(&mut self, token: &Token, now_ms: u64, out: Sink<'_>) -> Option<ParkedCall> {
        self.advance(now_ms);
        self.id_of(token).and_then(|id| self.take_out(id, out))
    }

    /// The party that waits has hung up.
    pub fn ended(&mut self, dialog: &Key<'_>, now_ms: u64, out: Sink<'_>) -> Option<ParkedCall> {
        self.advance(now_ms);
        let id = self.by_dialog.get(&self.hash.fingerprint(dialog)).copied();
        id.and_then(|id| self.take_out(id, out))
    }

    /// When [`Lot::tick`] has something to do.
    pub fn deadline(&self) -> Option<u64> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Does what is due: calls nobody came for, claims that lapsed, NOTIFYs held back,
    /// subscriptions at their end.
    pub fn tick(&mut self, now_ms: u64, out: Sink<'_>) {
        self.advance(now_ms);
        while let Some(&(at, due)) = self.due.first() {
            if at > self.now_ms {
                break;
            }
            self.due.pop_first();
            match due {
                Due::Call(id) => self.call_is_due(id, out),
                Due::Watcher(id) => self.watcher_is_due(id, out),
            }
        }
    }

    fn call_is_due(&mut self, id: u64, out: Sink<'_>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let Some((lapsed, _)) = call.claimed.take() {
            self.by_claim.remove(&lapsed);
        }
        if call.ring_back_at > self.now_ms {
            self.due.insert((call.ring_back_at, Due::Call(id)));
        } else if let Some(call) = self.take_out(id, out) {
            out(Output::RingBack(call));
        }
    }

    fn take_out(&mut self, id: u64, out: Sink<'_>) -> Option<ParkedCall> {
        let call = self.calls.remove(&id)?;
        self.due.remove(&(call.due_at(), Due::Call(id)));
        self.by_dialog.remove(&self.hash.fingerprint(&call.key()));
        if let Some((claim, _)) = call.claimed {
            self.by_claim.remove(&claim);
        }
        match &call.token {
            Token::Number(number) => self.by_number.remove(number),
            Token::Secret(secret) => self.by_secret.remove(&self.secret_hash(secret)),
        };
        self.changed(&call.token, out);
        Some(call)
    }

    fn id_of(&self, token: &Token) -> Option<u64> {
        let id = match token {
            Token::Number(number) => self.by_number.get(number),
            Token::Secret(secret) => self.by_secret.get(&self.secret_hash(secret)),
        };
        // Two secrets of one hash are not one secret: all bits are compared, in constant time.
        id.copied().filter(|id| self.calls.get(id).is_some_and(|call| call.token == *token))
    }

    fn secret_hash(&self, secret: &Secret) -> u128 {
        let key = Key { call_id: secret.bytes(), local_tag: b"", remote_tag: b"" };
        self.hash.fingerprint(&key)
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn advance(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
    }
}

#[cfg(test)]
mod tests;
