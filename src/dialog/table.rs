//! The embedded table: many lookups, few changes, from any number of threads.

use super::{
    DialogRef, Directory, Facts, HashKey, Ids, Initiator, Key, Lock, Lookup, Slot, Slots, State,
    Usage, GENERATIONS, MOST_PER_SHARD, SHARDS,
};
use hashbrown::HashTable;
use parking_lot::RwLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;

/// Dialogs by their triple. `T` is what the host keeps with each; it is dropped when the dialog is
/// out of the table and the last one who found it has let go, never under a lock.
pub struct Table<T> {
    hash: HashKey,
    ids: Ids,
    /// Each with a lock of its own, so that a change in one leaves lookups in the others alone.
    shards: Box<[RwLock<Shard<T>>]>,
}

struct Shard<T> {
    /// Places in `entries`, by fingerprint.
    index: HashTable<u32>,
    entries: Slots<Arc<Entry<T>>>,
}

/// Why a dialog cannot be put into the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableError {
    /// It has no Call-ID or no local tag, or it has ended.
    NotADialog,
    /// The table is full.
    Full,
}

/// A dialog of the table.
pub struct Entry<T> {
    /// Low half of the fingerprint, so that growing needs no hashing.
    hash: u64,
    /// Call-ID, tags, user and endpoint, one behind the other.
    strings: Box<[u8]>,
    ends: [u32; 4],
    state: AtomicU8,
    initiator: Initiator,
    usage: Usage,
    secure: bool,
    owner: T,
}

impl<T> Entry<T> {
    /// What the host keeps with it.
    pub fn owner(&self) -> &T {
        &self.owner
    }

    fn part(&self, from: u32, to: u32) -> &[u8] {
        self.strings.get(from as usize..to as usize).unwrap_or_default()
    }

    fn key(&self) -> Key<'_> {
        let [call_id, local, remote, _] = self.ends;
        Key {
            call_id: self.part(0, call_id),
            local_tag: self.part(call_id, local),
            remote_tag: self.part(local, remote),
        }
    }
}

impl<T> DialogRef for Arc<Entry<T>> {
    fn facts(&self) -> Facts<'_> {
        let [_, _, remote, user] = self.ends;
        let end = self.strings.len() as u32;
        Facts {
            key: self.key(),
            user: self.part(remote, user),
            endpoint: self.part(user, end),
            state: state_from(self.state.load(Ordering::Acquire)),
            initiator: self.initiator,
            usage: self.usage,
            secure: self.secure,
        }
    }

    /// There is nothing to lock here; the state is what counts.
    fn lock(&self) -> Lock {
        match self.facts().state {
            State::Terminated => Lock::Gone,
            state => Lock::Held(state),
        }
    }

    fn unlock(&self) {}
}

fn state_from(number: u8) -> State {
    match number {
        0 => State::Early,
        1 => State::Confirmed,
        _ => State::Terminated,
    }
}

fn number_of(state: State) -> u8 {
    match state {
        State::Early => 0,
        State::Confirmed => 1,
        State::Terminated => 2,
    }
}

impl<T> Table<T> {
    /// An empty table. `salt` makes its ids strange to other tables.
    pub fn new(hash: HashKey, salt: u16) -> Table<T> {
        let shard = || RwLock::new(Shard { index: HashTable::new(), entries: Slots::default() });
        Table { hash, ids: Ids::new(salt), shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    /// Whether a dialog is one that can be put in, as far as it can be told without trying.
    pub fn admits(&self, facts: &Facts<'_>) -> Result<(), TableError> {
        let nameless = facts.key.call_id.is_empty() || facts.key.local_tag.is_empty();
        if nameless || facts.state == State::Terminated {
            return Err(TableError::NotADialog);
        }
        Ok(())
    }

    /// Puts a dialog in and answers its id. Two dialogs may have the same triple; a lookup then
    /// finds neither (R005).
    pub fn add(&self, facts: Facts<'_>, owner: T) -> Result<u64, TableError> {
        self.admits(&facts)?;
        let Facts { key, user, endpoint, state, initiator, usage, secure } = facts;
        let parts = [key.call_id, key.local_tag, key.remote_tag, user, endpoint];
        let strings = parts.concat().into_boxed_slice();
        if u32::try_from(strings.len()).is_err() {
            return Err(TableError::NotADialog);
        }
        let mut end = 0;
        let ends = [key.call_id, key.local_tag, key.remote_tag, user].map(|part| {
            end += part.len() as u32;
            end
        });
        let fingerprint = self.hash.fingerprint(&key);
        let (number, shard) = self.shard_of(fingerprint).ok_or(TableError::Full)?;
        let hash = fingerprint as u64;
        let state = AtomicU8::new(number_of(state));
        let entry = Entry { hash, strings, ends, state, initiator, usage, secure, owner };
        let mut shard = shard.write();
        if shard.entries.len() >= MOST_PER_SHARD {
            return Err(TableError::Full);
        }
        let slot = shard.entries.insert(Arc::new(entry), GENERATIONS).ok_or(TableError::Full)?;
        let Shard { index, entries } = &mut *shard;
        let hash_at = |place: &u32| entries.at(*place).map_or(0, |entry| entry.hash);
        index.insert_unique(hash, slot.index, hash_at);
        Ok(self.ids.pack(number, slot))
    }

    /// How far a dialog has come. `None` for a stale id.
    pub fn set_state(&self, id: u64, state: State) -> Option<()> {
        let (shard, slot) = self.place(id)?;
        let shard = shard.read();
        shard.entries.get(slot)?.state.store(number_of(state), Ordering::Release);
        Some(())
    }

    /// Takes a dialog out, at once. Whoever found it before keeps it, as terminated. `None` for a
    /// stale id.
    pub fn remove(&self, id: u64) -> Option<Arc<Entry<T>>> {
        let (shard, slot) = self.place(id)?;
        let mut shard = shard.write();
        let entry = shard.entries.remove(slot)?;
        entry.state.store(number_of(State::Terminated), Ordering::Release);
        if let Ok(found) = shard.index.find_entry(entry.hash, |place| *place == slot.index) {
            found.remove();
        }
        Some(entry)
    }

    /// The dialog of an id, if it is there.
    pub fn get(&self, id: u64) -> Option<Arc<Entry<T>>> {
        let (shard, slot) = self.place(id)?;
        let shard = shard.read();
        shard.entries.get(slot).map(Arc::clone)
    }

    /// Shows every dialog to `look`, which may not call the table: the lock of a part is held.
    pub fn each(&self, mut look: impl FnMut(u64, &Facts<'_>)) {
        for (number, shard) in self.shards.iter().enumerate() {
            for (slot, entry) in shard.read().entries.iter() {
                look(self.ids.pack(number, slot), &entry.facts());
            }
        }
    }

    /// Takes everything out. What is dropped by that is dropped under no lock.
    pub fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.write();
            shard.index.clear();
            let entries = shard.entries.drain();
            drop(shard);
            drop(entries);
        }
    }

    /// How many dialogs there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().entries.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard_of(&self, fingerprint: u128) -> Option<(usize, &RwLock<Shard<T>>)> {
        // The low half is for the index inside the shard.
        let number = (fingerprint >> 64) as usize % SHARDS;
        self.shards.get(number).map(|shard| (number, shard))
    }

    fn place(&self, id: u64) -> Option<(&RwLock<Shard<T>>, Slot)> {
        let (shard, slot) = self.ids.unpack(id)?;
        self.shards.get(shard).map(|shard| (shard, slot))
    }
}

impl<T> Directory for Table<T> {
    type Dialog = Arc<Entry<T>>;

    fn find(&self, key: &Key<'_>) -> Lookup<Self::Dialog> {
        let fingerprint = self.hash.fingerprint(key);
        let hash = fingerprint as u64;
        let Some((_, shard)) = self.shard_of(fingerprint) else {
            return Lookup::Failed;
        };
        let shard = shard.read();
        let matching = |place: &u32| {
            let entry = shard.entries.at(*place)?;
            (entry.hash == hash && entry.key().matches(key)).then_some(entry)
        };
        let mut found = shard.index.iter_hash(hash).filter_map(matching);
        match (found.next(), found.next()) {
            (Some(entry), None) => Lookup::Found(Arc::clone(entry)),
            (Some(_), Some(_)) => Lookup::Ambiguous,
            _ => Lookup::NotFound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>(call_id: &'a [u8], local: &'a [u8], remote: &'a [u8]) -> Facts<'a> {
        Facts {
            key: Key { call_id, local_tag: local, remote_tag: remote },
            user: b"bob",
            endpoint: b"phone-bob",
            state: State::Early,
            initiator: Initiator::Local,
            usage: Usage::Invite,
            secure: false,
        }
    }

    fn find(table: &Table<u32>, call_id: &[u8], local: &[u8], remote: &[u8]) -> Lookup<u32> {
        match table.find(&Key { call_id, local_tag: local, remote_tag: remote }) {
            Lookup::Found(entry) => Lookup::Found(*entry.owner()),
            Lookup::NotFound => Lookup::NotFound,
            Lookup::Ambiguous => Lookup::Ambiguous,
            Lookup::Pending => Lookup::Pending,
            Lookup::Failed => Lookup::Failed,
        }
    }

    #[test]
    fn r001_only_the_whole_triple_finds_a_dialog_and_swapped_tags_do_not() {
        let table = Table::new(HashKey::new([3; 16]), 9);
        table.add(facts(b"a@h", b"L", b"R"), 1).unwrap();
        assert!(matches!(find(&table, b"a@h", b"l", b"r"), Lookup::Found(1)));
        assert!(matches!(find(&table, b"a@h", b"R", b"L"), Lookup::NotFound));
        assert!(matches!(find(&table, b"A@h", b"L", b"R"), Lookup::NotFound));
        assert!(matches!(find(&table, b"a@h", b"L", b""), Lookup::NotFound));
    }

    #[test]
    fn r005_two_dialogs_of_one_triple_are_ambiguous_until_one_goes() {
        let table = Table::new(HashKey::new([3; 16]), 9);
        let first = table.add(facts(b"a", b"L", b"R"), 1).unwrap();
        table.add(facts(b"a", b"L", b"R"), 2).unwrap();
        assert!(matches!(find(&table, b"a", b"L", b"R"), Lookup::Ambiguous));
        table.remove(first).unwrap();
        assert!(matches!(find(&table, b"a", b"L", b"R"), Lookup::Found(2)));
    }

    #[test]
    fn a_stale_or_foreign_id_is_nothing_and_a_kept_dialog_is_terminated() {
        let table = Table::new(HashKey::new([3; 16]), 9);
        let other = Table::<u32>::new(HashKey::new([3; 16]), 10);
        let id = table.add(facts(b"a", b"L", b"R"), 1).unwrap();
        assert!(other.remove(id).is_none());
        let Lookup::Found(kept) =
            table.find(&Key { call_id: b"a", local_tag: b"L", remote_tag: b"R" })
        else {
            panic!("not found")
        };
        assert_eq!(kept.lock(), Lock::Held(State::Early));
        table.set_state(id, State::Confirmed).unwrap();
        assert_eq!(kept.facts().state, State::Confirmed);
        assert_eq!(kept.facts().endpoint, b"phone-bob");
        table.remove(id).unwrap();
        assert_eq!(kept.lock(), Lock::Gone);
        assert!(table.remove(id).is_none());
        assert!(table.set_state(id, State::Early).is_none());
        assert!(table.is_empty());
    }

    #[test]
    fn many_dialogs_come_and_go_and_each_is_found_by_its_own_key() {
        let table = Table::new(HashKey::new([5; 16]), 1);
        let name = |n: u32| format!("call-{n}@host");
        let ids: Vec<u64> = (0..5_000)
            .map(|n| table.add(facts(name(n).as_bytes(), b"L", b"R"), n).unwrap())
            .collect();
        for n in (0..5_000).step_by(2) {
            table.remove(ids[n as usize]).unwrap();
        }
        assert_eq!(table.len(), 2_500);
        for n in 0..5_000 {
            match find(&table, name(n).as_bytes(), b"L", b"R") {
                Lookup::Found(owner) => assert!(n % 2 == 1 && owner == n),
                Lookup::NotFound => assert!(n % 2 == 0),
                other => panic!("{other:?}"),
            }
        }
    }
}
