//! The park lot of an engine, with what it wants done.
//!
//! No lock is held while anybody else's code runs, but for what is handed in to print: that may not
//! call back. A verdict asks whether a dialog is parked ([`Tokens`]); where none is, it takes no lock.

use crate::config::Snapshot;
use crate::dialog::{HashKey, Key};
use crate::transfer::park::{
    Call, Claim, ClaimError, Lot, LotSettings, Output, ParkError, ParkedCall, Parking, Place,
    Subscribed, Token, WatchNotify,
};
use crate::transfer::Tokens;
use parking_lot::RwLock;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// The most subscriptions to a lot: each of them hears of every change.
const MOST_WATCHERS: usize = 10_000;

/// What the NOTIFYs of a subscription need besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// The URI that was subscribed to.
    pub entity: Box<[u8]>,
    /// Where an INVITE goes that takes a call out.
    pub target: Box<[u8]>,
    /// The id of the SUBSCRIBE's Event, or empty.
    pub event_id: Box<[u8]>,
}

/// A thing that the lot wants done, as it is shown to who takes it.
pub enum ParkOutput<'o> {
    /// Nobody came for this call.
    RingBack(&'o ParkedCall),
    /// Tell somebody who watches.
    Notify(&'o WatchNotify, &'o Watch, &'o Lot),
}

/// By what a call is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'w> {
    /// Its token.
    Token(Token),
    /// Its dialog.
    Dialog(Key<'w>),
}

/// Why somebody cannot watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWatched {
    /// The lot has no such place.
    NoSuchPlace,
    /// Too many watch.
    Full,
}

/// An output that waits to be taken.
enum Told {
    RingBack(ParkedCall),
    Notify(WatchNotify, Arc<Watch>),
}

struct Inner {
    lot: Lot,
    watches: BTreeMap<u64, Arc<Watch>>,
    outputs: VecDeque<Told>,
}

/// The park lot.
pub struct Park {
    inner: RwLock<Inner>,
    /// How many calls wait.
    waiting: AtomicUsize,
}

fn lot_settings(snapshot: &Snapshot) -> LotSettings {
    let settings = snapshot.global();
    let ms = |seconds: u32| u64::from(seconds) * 1_000;
    LotSettings {
        first: *settings.park_places.start(),
        last: *settings.park_places.end(),
        timeout_ms: ms(settings.park_timeout_s),
        claim_ms: ms(settings.park_claim_s),
        most_secrets: settings.park_max_secrets,
    }
}

impl Inner {
    /// Runs an input of the lot and keeps what it puts out.
    fn input<R>(&mut self, input: impl FnOnce(&mut Lot, &mut dyn FnMut(Output)) -> R) -> R {
        let Inner { lot, watches, outputs } = self;
        input(lot, &mut |output| match output {
            Output::RingBack(call) => outputs.push_back(Told::RingBack(call)),
            Output::Notify(notify) => {
                let watch = match notify.is_last() {
                    true => watches.remove(&notify.watcher),
                    false => watches.get(&notify.watcher).cloned(),
                };
                // One that was subscribed to is known as long as it lasts.
                outputs.push_back(Told::Notify(notify, watch.unwrap_or_default()));
            }
        })
    }
}

impl Park {
    /// An empty lot. `salt` makes its claims and watchers strange to other engines.
    pub(super) fn new(snapshot: &Snapshot, hash: HashKey, salt: u16) -> Park {
        let lot = Lot::new(hash, salt);
        let inner = Inner { lot, watches: BTreeMap::new(), outputs: VecDeque::new() };
        let park = Park { inner: RwLock::new(inner), waiting: AtomicUsize::new(0) };
        park.apply(snapshot);
        park
    }

    pub(super) fn apply(&self, snapshot: &Snapshot) {
        let fit = self.inner.write().lot.set(lot_settings(snapshot));
        debug_assert!(fit.is_some(), "the registry lets in what fits");
    }

    /// Changes something, and counts anew for those who ask without the lock.
    fn with<R>(&self, change: impl FnOnce(&mut Inner) -> R) -> R {
        let mut inner = self.inner.write();
        let result = change(&mut inner);
        self.waiting.store(inner.lot.len(), Ordering::Release);
        result
    }

    /// Parks a call where `take` keeps its token; where that fails nothing is parked.
    pub fn park<E>(
        &self,
        call: &Call<'_>,
        place: Place,
        now_ms: u64,
        take: impl FnOnce(&Token) -> Result<(), E>,
    ) -> Result<Result<(), E>, ParkError> {
        self.with(|inner| {
            if let Err(error) = take(&inner.lot.next_token(place)?) {
                return Ok(Err(error));
            }
            inner.input(|lot, out| lot.park(call, place, now_ms, out)).map(|_| Ok(()))
        })
    }

    /// Claims a call and shows it to `take`; where that fails nothing is claimed.
    pub fn claim<R, E>(
        &self,
        wanted: &Wanted<'_>,
        now_ms: u64,
        take: impl FnOnce(Claim, &ParkedCall) -> Result<R, E>,
    ) -> Result<Result<R, E>, ClaimError> {
        self.with(|inner| {
            let token = match wanted {
                Wanted::Token(token) => *token,
                Wanted::Dialog(key) => inner.lot.call_of(key).ok_or(ClaimError::NotFound)?.token,
            };
            let claim = inner.lot.claim(&token, now_ms)?;
            let taken = take(claim, inner.lot.find(&token).ok_or(ClaimError::NotFound)?);
            if taken.is_err() {
                inner.lot.release(claim, now_ms);
            }
            Ok(taken)
        })
    }

    /// The retrieval failed: the call waits on. `None` where the claim has lapsed.
    pub fn release(&self, claim: Claim, now_ms: u64) -> Option<()> {
        self.with(|inner| inner.lot.release(claim, now_ms))
    }

    /// The retrieval went well: the call is out of the lot. `None` where the claim has lapsed.
    pub fn retrieved(&self, claim: Claim, now_ms: u64) -> Option<ParkedCall> {
        self.with(|inner| inner.input(|lot, out| lot.retrieved(claim, now_ms, out)))
    }

    /// Takes a call out for another reason.
    pub fn cancel(&self, token: &Token, now_ms: u64) -> Option<ParkedCall> {
        self.with(|inner| inner.input(|lot, out| lot.cancel(token, now_ms, out)))
    }

    /// A dialog has ended; whether it was parked.
    pub(super) fn ended(&self, dialog: &Key<'_>, now_ms: u64) -> bool {
        if self.is_empty() {
            return false;
        }
        let call = self.with(|inner| inner.input(|lot, out| lot.ended(dialog, now_ms, out)));
        call.is_some()
    }

    /// Answers a SUBSCRIBE; its NOTIFY is an output.
    pub fn subscribe(
        &self,
        number: Option<u32>,
        handle: u64,
        expires_s: Option<u32>,
        watch: Watch,
        now_ms: u64,
    ) -> Result<Subscribed, NotWatched> {
        self.with(|inner| {
            let Inner { lot, watches, outputs } = inner;
            // A single look is not one that stays.
            if expires_s != Some(0) && lot.watcher_count() >= MOST_WATCHERS {
                return Err(NotWatched::Full);
            }
            let watch = Arc::new(watch);
            // Its first NOTIFY is all that comes of it, before its id is known.
            let mut first = |output| {
                if let Output::Notify(notify) = output {
                    outputs.push_back(Told::Notify(notify, Arc::clone(&watch)));
                }
            };
            let made = lot.subscribe(number, handle, expires_s, now_ms, &mut first);
            let made = made.ok_or(NotWatched::NoSuchPlace)?;
            if made.watcher != 0 {
                watches.insert(made.watcher, watch);
            }
            Ok(made)
        })
    }

    /// Answers a SUBSCRIBE inside a subscription with what it is granted. `None` where there is none
    /// (any more).
    pub fn refresh(&self, watcher: u64, expires_s: Option<u32>, now_ms: u64) -> Option<u32> {
        self.with(|inner| inner.input(|lot, out| lot.refresh(watcher, expires_s, now_ms, out)))
    }

    /// How a NOTIFY was answered; 0 for not at all. `None` where there is no such subscription.
    pub fn notify_answered(&self, watcher: u64, code: u16) -> Option<()> {
        self.with(|inner| {
            if !inner.lot.notify_answered(watcher, code)? {
                inner.watches.remove(&watcher);
                // Nothing follows a refusal.
                let is_its =
                    |told: &Told| matches!(told, Told::Notify(it, _) if it.watcher == watcher);
                inner.outputs.retain(|told| !is_its(told));
            }
            Some(())
        })
    }

    /// Shows the first output to `take` and, where that answers `Ok`, takes it off. `None` where
    /// there is none.
    pub fn next<R, E>(
        &self,
        take: impl FnOnce(ParkOutput<'_>) -> Result<R, E>,
    ) -> Option<Result<R, E>> {
        let mut inner = self.inner.write();
        let Inner { lot, outputs, .. } = &mut *inner;
        let taken = take(match outputs.front()? {
            Told::RingBack(call) => ParkOutput::RingBack(call),
            Told::Notify(notify, watch) => ParkOutput::Notify(notify, watch, lot),
        });
        if taken.is_ok() {
            outputs.pop_front();
        }
        Some(taken)
    }

    /// Lets time pass.
    pub(super) fn tick(&self, now_ms: u64) {
        if self.deadline().is_some_and(|at_ms| at_ms <= now_ms) {
            self.with(|inner| inner.input(|lot, out| lot.tick(now_ms, out)));
        }
    }

    /// When something is due next.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.inner.read().lot.deadline()
    }

    /// How many calls wait.
    pub fn len(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Tokens for Park {
    fn parking(&self, token: Option<&[u8]>, dialog: &Key<'_>, open: bool) -> Parking {
        if self.is_empty() {
            return Parking::None;
        }
        self.inner.read().lot.parking(token, dialog, open)
    }

    fn holds(&self, token: &Token) -> bool {
        !self.is_empty() && self.inner.read().lot.find(token).is_some()
    }
}
