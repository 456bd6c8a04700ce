//! The embedded table: many lookups, few changes, from any number of threads.

use super::buckets::Buckets;
use super::places::Places;
use super::{DialogRef, Directory, Entry, Facts, HashKey, Ids, Key, Lookup, Slot, State, SHARDS};
use parking_lot::RwLock;

/// Dialogs by their triple. `T` is what the host keeps with each; it is dropped when the dialog is
/// out of the table and the last one who found it has let go, never under a lock.
pub struct Table<T> {
    hash: HashKey,
    ids: Ids,
    /// Each with a lock of its own, so that a change in one leaves lookups in the others alone.
    shards: Box<[Part<T>]>,
}

/// On cache lines of its own: one part's lock is not to slow the next part's.
#[repr(align(128))]
struct Part<T>(RwLock<Shard<T>>);

struct Shard<T> {
    buckets: Buckets<T>,
    places: Places,
}

/// Why a dialog cannot be put into the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableError {
    /// It has no Call-ID or no local tag, or it has ended.
    NotADialog,
    /// The table is full, or there is no memory for one more.
    Full,
}

impl<T> Table<T> {
    /// An empty table. `salt` makes its ids strange to other tables.
    pub fn new(hash: HashKey, salt: u16) -> Table<T> {
        let shard =
            || Part(RwLock::new(Shard { buckets: Buckets::default(), places: Places::default() }));
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
        let (number, hash) = self.home(&facts.key);
        let shard = self.shards.get(number).ok_or(TableError::Full)?;
        let entry = Entry::new(&facts, owner).ok_or(TableError::NotADialog)?;
        let mut shard = shard.0.write();
        let slot = shard.buckets.reserve(hash).then(|| shard.places.take(hash)).flatten();
        let Some(slot) = slot else {
            drop(shard);
            drop(entry);
            return Err(TableError::Full);
        };
        entry.set_place(slot.index);
        shard.buckets.insert(hash, entry);
        Ok(self.ids.pack(number, slot))
    }

    /// How far a dialog has come. `None` for a stale id.
    pub fn set_state(&self, id: u64, state: State) -> Option<()> {
        let (shard, slot) = self.place(id)?;
        let shard = shard.0.read();
        shard.entry(slot)?.set_state(state);
        Some(())
    }

    /// Takes a dialog out, at once. Whoever found it before keeps it, as terminated. `None` for a
    /// stale id.
    pub fn remove(&self, id: u64) -> Option<Entry<T>> {
        let (shard, slot) = self.place(id)?;
        let mut shard = shard.0.write();
        let hash = shard.places.hash(slot)?;
        let entry = shard.buckets.remove(hash, slot.index)?;
        entry.set_state(State::Terminated);
        shard.places.free(slot);
        Some(entry)
    }

    /// The dialog of an id, if it is there.
    pub fn get(&self, id: u64) -> Option<Entry<T>> {
        let (shard, slot) = self.place(id)?;
        let shard = shard.0.read();
        shard.entry(slot).cloned()
    }

    /// Shows every dialog to `look`, which may not call the table: the lock of a part is held.
    pub fn each(&self, mut look: impl FnMut(u64, &Facts<'_>)) {
        for (number, shard) in self.shards.iter().enumerate() {
            let shard = shard.0.read();
            for entry in shard.buckets.each() {
                if let Some(slot) = shard.places.slot(entry.place()) {
                    look(self.ids.pack(number, slot), &entry.facts());
                }
            }
        }
    }

    /// Takes everything out. What is dropped by that is dropped under no lock.
    pub fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.0.write();
            let entries = shard.buckets.drain();
            shard.places.clear();
            drop(shard);
            drop(entries);
        }
    }

    /// How many dialogs there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.0.read().buckets.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of its part, and its hash in there.
    fn home(&self, key: &Key<'_>) -> (usize, u32) {
        Self::home_of(self.hash.fingerprint(key))
    }

    fn home_of(fingerprint: u128) -> (usize, u32) {
        ((fingerprint >> 64) as usize % SHARDS, fingerprint as u32)
    }

    fn place(&self, id: u64) -> Option<(&Part<T>, Slot)> {
        let (shard, slot) = self.ids.unpack(id)?;
        self.shards.get(shard).map(|shard| (shard, slot))
    }
}

impl<T> Shard<T> {
    /// The dialog in a place, unless that is free or was used anew.
    fn entry(&self, slot: Slot) -> Option<&Entry<T>> {
        let hash = self.places.hash(slot)?;
        self.buckets.find(hash).find(|entry| entry.place() == slot.index)
    }
}

impl<T> Directory for Table<T> {
    type Dialog = Entry<T>;

    /// By the whole key, byte by byte.
    fn compares(&self) -> bool {
        true
    }

    fn find(&self, key: &Key<'_>) -> Lookup<Self::Dialog> {
        self.find_hashed(key, self.hash.fingerprint(key))
    }

    fn hash(&self, key: &Key<'_>) -> Option<u128> {
        Some(self.hash.fingerprint(key))
    }

    fn read_ahead(&self, hashes: &[Option<u128>]) {
        const TOGETHER: usize = 16;
        for hashes in hashes.chunks(TOGETHER) {
            let mut parts: [_; TOGETHER] = core::array::from_fn(|_| None);
            // All the locks first: a lock that is taken waits for what was read before it. A part that
            // is being changed is left out, and nothing is waited for while locks are held.
            for (place, fingerprint) in parts.iter_mut().zip(hashes) {
                *place = fingerprint.and_then(|fingerprint| {
                    let (number, hash) = Self::home_of(fingerprint);
                    Some((self.shards.get(number)?.0.try_read_recursive()?, hash))
                });
            }
            let mut seen = 0;
            for (part, hash) in parts.iter().flatten() {
                seen |= part.buckets.touch(*hash);
            }
            for (part, hash) in parts.iter().flatten() {
                seen |= part.buckets.find(*hash).next().map_or(0, Entry::touch);
            }
            // Asked for by nobody, but to be read all the same.
            core::hint::black_box(seen);
        }
    }

    fn find_hashed(&self, key: &Key<'_>, fingerprint: u128) -> Lookup<Self::Dialog> {
        let (number, hash) = Self::home_of(fingerprint);
        let Some(shard) = self.shards.get(number) else {
            return Lookup::Failed;
        };
        let shard = shard.0.read();
        let mut found = shard.buckets.find(hash).filter(|entry| entry.key().matches(key));
        match (found.next(), found.next()) {
            (Some(entry), None) => Lookup::Found(entry.clone()),
            (Some(_), Some(_)) => Lookup::Ambiguous,
            _ => Lookup::NotFound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::{Initiator, Lock, Usage};

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
    fn what_is_read_ahead_is_found_as_ever_and_a_part_that_changes_is_not_waited_for() {
        let table = Table::new(HashKey::new([5; 16]), 1);
        table.read_ahead(&[None, Some(0), Some(u128::MAX)]);
        let keys: Vec<String> = (0..100).map(|n| format!("call-{n}")).collect();
        let key = |n: usize| Key { call_id: keys[n].as_bytes(), local_tag: b"L", remote_tag: b"R" };
        for (n, key) in keys.iter().take(50).enumerate() {
            table.add(facts(key.as_bytes(), b"L", b"R"), n as u32).unwrap();
        }
        let hashes: Vec<_> = (0..100).map(|n| table.hash(&key(n))).collect();
        table.read_ahead(&hashes);
        for (n, hash) in hashes.iter().enumerate() {
            let found = table.find_hashed(&key(n), hash.unwrap());
            assert_eq!(matches!(found, Lookup::Found(_)), n < 50);
        }
        let _changing: Vec<_> = table.shards.iter().map(|part| part.0.write()).collect();
        table.read_ahead(&hashes);
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
