//! Dialogs that live elsewhere: lookups that are under way, and what they came to.
//!
//! A lookup is of a dialog, not of a request: who asks for the same one meanwhile waits for the same
//! answer. Answers are held for a moment, so that the request that waited finds its own, and so that
//! who repeats a wrong one costs nothing.

use super::{HashKey, Ids, Initiator, Key, Slot, Slots, State, GENERATIONS};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// For how long an answer is held.
pub const HELD_MS: u64 = 1_000;
/// Lookups and answers are no more than this together; beyond it the oldest answer goes.
pub const MOST_LOOKUPS: usize = 1 << 12;

/// A dialog that lives on another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The name of the node.
    pub node: Box<[u8]>,
    /// Where that node takes INVITEs with Replaces.
    pub uri: Box<[u8]>,
    /// The peer's authenticated user there; empty for nobody.
    pub user: Box<[u8]>,
    /// The endpoint that the call came from or went to there.
    pub endpoint: Box<[u8]>,
    /// How far it has come, as far as was published.
    pub state: State,
    /// Who began it, as that node sees it.
    pub initiator: Initiator,
    /// Whether it was made over sips.
    pub secure: bool,
    /// Whether, and how, it is parked there.
    pub parking: RemoteParking,
    /// Call-ID, local tag and remote tag, where it was found by the token of a parked call; else empty.
    pub triple: [Box<[u8]>; 3],
}

impl Remote {
    /// Its triple as its node sees it, where it was found by its token.
    pub fn by_token(&self) -> Option<Key<'_>> {
        let [call_id, local_tag, remote_tag] = &self.triple;
        (!call_id.is_empty()).then_some(Key { call_id, local_tag, remote_tag })
    }
}

/// How a dialog of another node is parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteParking {
    /// It is not.
    None,
    /// Under a number, which everybody may know.
    Number,
    /// Under a secret.
    Secret,
}

/// What a lookup came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No other node has it, or none has said so in time.
    NotFound,
    /// Several nodes say that they have it (R005).
    Ambiguous,
    /// One has it.
    Found(Arc<Remote>),
}

/// What is known when a dialog is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A lookup begins, of this id: its answer is to be fetched.
    New(u64),
    /// One is under way.
    Pending(u64),
    /// One has come to an end.
    Over(Outcome),
    /// Too many are under way.
    Full,
}

struct Entry {
    key: u128,
    /// When it is given up, or its answer forgotten.
    until_ms: u64,
    outcome: Option<Outcome>,
    /// Whether anybody waits besides who began it.
    is_shared: bool,
    /// The transfers that wait for it.
    waiting: Vec<u64>,
}

#[derive(Default)]
struct Known {
    slots: Slots<Entry>,
    by_key: HashMap<u128, Slot>,
    under_way: usize,
}

impl Known {
    fn remove(&mut self, slot: Slot) {
        if let Some(entry) = self.slots.remove(slot) {
            self.by_key.remove(&entry.key);
            self.under_way -= usize::from(entry.outcome.is_none());
        }
    }

    fn make_room(&mut self) {
        if self.slots.len() < MOST_LOOKUPS {
            return;
        }
        let answered = self.slots.iter().filter(|(_, entry)| entry.outcome.is_some());
        let oldest = answered.min_by_key(|(_, entry)| entry.until_ms).map(|(slot, _)| slot);
        if let Some(slot) = oldest {
            self.remove(slot);
        }
    }

    fn outcome_at(&self, slot: Slot, now_ms: u64) -> Option<Outcome> {
        let entry = self.slots.get(slot)?;
        match &entry.outcome {
            Some(outcome) => Some(outcome.clone()),
            // Time has passed, and nobody has said so yet.
            None => (entry.until_ms <= now_ms).then_some(Outcome::NotFound),
        }
    }
}

/// A lookup that is over, and the transfers that waited for it.
#[derive(Debug)]
pub struct Over {
    /// Its id.
    pub lookup: u64,
    /// What it came to.
    pub outcome: Outcome,
    /// Who waits.
    pub waiting: Vec<u64>,
}

/// The lookups of an engine.
pub struct Lookups {
    hash: HashKey,
    ids: Ids,
    known: Mutex<Known>,
}

impl Lookups {
    /// None yet.
    pub fn new(hash: HashKey, salt: u16) -> Lookups {
        Lookups { hash, ids: Ids::new(salt), known: Mutex::default() }
    }

    /// Takes the memory that lookups need, so that none is asked for when one begins.
    pub fn reserve(&self) {
        let mut known = self.known.lock();
        if known.slots.is_empty() {
            known.slots = Slots::with_capacity(MOST_LOOKUPS);
            known.by_key.reserve(MOST_LOOKUPS);
        }
    }

    /// Asks for a dialog. No more than `most` lookups are under way at once, each for as long as
    /// `deadline_ms`.
    pub fn ask(&self, key: &Key<'_>, now_ms: u64, deadline_ms: u32, most: u32) -> Asked {
        self.ask_with(key, b"", now_ms, deadline_ms, most)
    }

    /// As [`Lookups::ask`], by the token of a parked call too, which makes it another question: its answer
    /// is not for who does not show that token.
    pub fn ask_with(
        &self,
        key: &Key<'_>,
        token: &[u8],
        now_ms: u64,
        deadline_ms: u32,
        most: u32,
    ) -> Asked {
        let key = self.hash.fingerprint_with(key, token);
        let mut known = self.known.lock();
        let held = known.by_key.get(&key).copied();
        let is_stale = |entry: &Entry| entry.outcome.is_some() && entry.until_ms <= now_ms;
        // Whether or not time was let pass meanwhile.
        if let Some(slot) = held.filter(|slot| known.slots.get(*slot).is_some_and(is_stale)) {
            known.remove(slot);
        }
        if let Some(slot) = known.by_key.get(&key).copied() {
            if let Some(outcome) = known.outcome_at(slot, now_ms) {
                return Asked::Over(outcome);
            }
            if let Some(entry) = known.slots.get_mut(slot) {
                entry.is_shared = true;
            }
            return Asked::Pending(self.ids.pack(0, slot));
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(MOST_LOOKUPS);
        if known.under_way >= most {
            return Asked::Full;
        }
        known.make_room();
        let until_ms = now_ms.saturating_add(u64::from(deadline_ms));
        let waiting = Vec::new();
        let entry = Entry { key, until_ms, outcome: None, is_shared: false, waiting };
        let Some(slot) = known.slots.insert(entry, GENERATIONS) else {
            return Asked::Full;
        };
        known.by_key.insert(key, slot);
        known.under_way += 1;
        Asked::New(self.ids.pack(0, slot))
    }

    /// What a lookup has come to; `None` as long as it is under way. One that is forgotten has found
    /// nothing.
    pub fn outcome(&self, lookup: u64, now_ms: u64) -> Option<Outcome> {
        let known = self.known.lock();
        match self.ids.unpack(lookup) {
            Some((_, slot)) if known.slots.get(slot).is_some() => known.outcome_at(slot, now_ms),
            _ => Some(Outcome::NotFound),
        }
    }

    /// A lookup has come to an end. `None` for one that is stale, foreign, or was over before.
    pub fn resolve(&self, lookup: u64, outcome: Outcome, now_ms: u64) -> Option<Over> {
        let (_, slot) = self.ids.unpack(lookup)?;
        let mut known = self.known.lock();
        let entry = known.slots.get_mut(slot).filter(|entry| entry.outcome.is_none())?;
        entry.outcome = Some(outcome.clone());
        entry.until_ms = now_ms.saturating_add(HELD_MS);
        let waiting = core::mem::take(&mut entry.waiting);
        known.under_way -= 1;
        Some(Over { lookup, outcome, waiting })
    }

    /// A lookup that has just begun comes to nothing: it is as if it had not been, but for who has come
    /// to wait for it meanwhile, and is told by the next tick.
    pub fn cancel(&self, lookup: u64, now_ms: u64) {
        let Some((_, slot)) = self.ids.unpack(lookup) else { return };
        let mut known = self.known.lock();
        let Some(entry) = known.slots.get_mut(slot).filter(|entry| entry.outcome.is_none()) else {
            return;
        };
        if entry.is_shared {
            entry.until_ms = now_ms;
            return;
        }
        known.remove(slot);
    }

    /// A transfer waits for a lookup. Otherwise: what it has come to already.
    pub fn wait(&self, lookup: u64, transfer: u64) -> Result<(), Outcome> {
        let mut known = self.known.lock();
        let slot = self.ids.unpack(lookup).map(|(_, slot)| slot);
        match slot.and_then(|slot| known.slots.get_mut(slot)) {
            Some(Entry { outcome: Some(outcome), .. }) => Err(outcome.clone()),
            Some(entry) => {
                entry.waiting.push(transfer);
                Ok(())
            }
            None => Err(Outcome::NotFound),
        }
    }

    /// Gives up what has taken too long, and forgets answers. Those that are given up are answered.
    pub fn tick(&self, now_ms: u64) -> Vec<Over> {
        let mut known = self.known.lock();
        if known.slots.is_empty() {
            return Vec::new();
        }
        let due = known.slots.iter().filter(|(_, entry)| entry.until_ms <= now_ms);
        let due: Vec<Slot> = due.map(|(slot, _)| slot).collect();
        let mut over = Vec::new();
        for slot in due {
            let Some(entry) = known.slots.get_mut(slot) else { continue };
            if entry.outcome.is_some() {
                known.remove(slot);
                continue;
            }
            entry.outcome = Some(Outcome::NotFound);
            entry.until_ms = now_ms.saturating_add(HELD_MS);
            let waiting = core::mem::take(&mut entry.waiting);
            known.under_way -= 1;
            let lookup = self.ids.pack(0, slot);
            over.push(Over { lookup, outcome: Outcome::NotFound, waiting });
        }
        over
    }

    /// When something is due next.
    pub fn deadline(&self) -> Option<u64> {
        let known = self.known.lock();
        if known.slots.is_empty() {
            return None;
        }
        known.slots.iter().map(|(_, entry)| entry.until_ms).min()
    }

    /// How many are under way.
    pub fn len(&self) -> usize {
        self.known.lock().under_way
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key<'static> = Key { call_id: b"c@h", local_tag: b"L", remote_tag: b"R" };

    fn lookups() -> Lookups {
        Lookups::new(HashKey::new([5; 16]), 7)
    }

    fn new(lookups: &Lookups, key: &Key<'_>, now_ms: u64) -> u64 {
        match lookups.ask(key, now_ms, 100, 8) {
            Asked::New(id) => id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_asks_meanwhile_waits_for_the_same_answer_which_is_held_for_a_moment() {
        let lookups = lookups();
        let id = new(&lookups, &KEY, 10);
        let lower = Key { local_tag: b"l", ..KEY };
        assert_eq!(lookups.ask(&lower, 11, 100, 8), Asked::Pending(id));
        assert_eq!((lookups.wait(id, 77), lookups.outcome(id, 12)), (Ok(()), None));
        let over = lookups.resolve(id, Outcome::Ambiguous, 20).unwrap();
        assert_eq!((over.lookup, over.waiting, lookups.len()), (id, vec![77], 0));
        assert!(lookups.resolve(id, Outcome::NotFound, 21).is_none(), "a second answer");
        assert_eq!(lookups.ask(&KEY, 1_019, 100, 8), Asked::Over(Outcome::Ambiguous));
        assert_eq!(lookups.wait(id, 78), Err(Outcome::Ambiguous));
        assert_eq!(lookups.deadline(), Some(1_020));
        let late = new(&lookups, &KEY, 1_020);
        assert_ne!(late, id, "an answer that is too old is none, also where no time was let pass");
        lookups.cancel(late, 1_020);
        assert_eq!((lookups.deadline(), lookups.wait(id, 79)), (None, Err(Outcome::NotFound)));
        let again = new(&lookups, &KEY, 1_021);
        lookups.resolve(again, Outcome::NotFound, 1_030).unwrap();
        assert!(lookups.tick(2_029).is_empty() && lookups.deadline() == Some(2_030));
        assert!(lookups.tick(2_030).is_empty() && lookups.deadline().is_none());
    }

    #[test]
    fn who_shows_another_token_or_none_asks_another_question() {
        let lookups = lookups();
        let id = new(&lookups, &KEY, 10);
        let mut ids = vec![id];
        for token in [&b"701"[..], b"702", b"onuxq5dfmvxcaytzorsxgijbee"] {
            let Asked::New(id) = lookups.ask_with(&KEY, token, 10, 100, 8) else {
                panic!("{token:?}")
            };
            assert_eq!(lookups.ask_with(&KEY, token, 10, 100, 8), Asked::Pending(id));
            ids.push(id);
        }
        ids.dedup();
        assert_eq!((ids.len(), lookups.len()), (4, 4));
        lookups.resolve(ids[1], Outcome::Ambiguous, 20).unwrap();
        assert_eq!(lookups.ask_with(&KEY, b"701", 20, 100, 8), Asked::Over(Outcome::Ambiguous));
        assert_eq!(lookups.ask(&KEY, 20, 100, 8), Asked::Pending(id));
    }

    #[test]
    fn what_takes_too_long_has_found_nothing() {
        let lookups = lookups();
        let id = new(&lookups, &KEY, 10);
        lookups.wait(id, 5).unwrap();
        assert_eq!(lookups.ask(&KEY, 109, 100, 8), Asked::Pending(id));
        assert_eq!(lookups.ask(&KEY, 110, 100, 8), Asked::Over(Outcome::NotFound));
        let over = lookups.tick(110);
        assert_eq!((over[0].lookup, over[0].waiting.as_slice()), (id, &[5][..]));
        assert!(lookups.resolve(id, Outcome::Ambiguous, 111).is_none(), "too late");
    }

    #[test]
    fn they_are_bounded_and_what_comes_to_nothing_at_once_leaves_no_trace() {
        let lookups = lookups();
        let ids: Vec<u64> =
            (0..8_u8).map(|n| new(&lookups, &Key { call_id: &[b'0' + n], ..KEY }, 0)).collect();
        assert_eq!((lookups.ask(&KEY, 0, 100, 8), lookups.len()), (Asked::Full, 8));
        lookups.cancel(ids[0], 1);
        assert_eq!(lookups.len(), 7);
        let id = new(&lookups, &KEY, 1);
        assert_eq!(lookups.ask(&KEY, 1, 100, 8), Asked::Pending(id));
        lookups.cancel(id, 2);
        assert_eq!(lookups.tick(2)[0].lookup, id, "somebody waits for it");
        assert!(lookups.resolve(1, Outcome::NotFound, 2).is_none(), "a foreign id");
    }

    #[test]
    fn answers_give_way_to_lookups() {
        let lookups = lookups();
        for n in 0..2 * MOST_LOOKUPS as u64 {
            let id = new(&lookups, &Key { call_id: &n.to_le_bytes(), ..KEY }, n);
            lookups.resolve(id, Outcome::NotFound, n).unwrap();
        }
        assert!(lookups.known.lock().slots.len() <= MOST_LOOKUPS);
    }
}
