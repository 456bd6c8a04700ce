//! What ended dialogs leave behind.

use super::{HashKey, Key};
use hashbrown::HashTable;
use parking_lot::RwLock;
use std::collections::VecDeque;

/// How long an ended dialog is remembered: 64 times T1 (RFC 3261 section 17), the longest that a
/// request about it can be under way.
const REMEMBERED_MS: u64 = 64 * 500;

/// No more are kept, the oldest being dropped: a bound on memory, not a limit anyone should meet
/// (32,000 calls that end in one second, for 32 seconds).
const MOST: usize = 1 << 20;

/// Dialogs that have ended a short while ago, so that a Replaces that names one is told so (R008).
///
/// Only fingerprints are kept, 128 bits under a secret key: a collision cannot be brought about,
/// and would cost a 603 for a 481.
pub struct Tombstones {
    hash: HashKey,
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    by_fingerprint: HashTable<(u128, u64)>,
    by_age: VecDeque<(u64, u128)>,
}

impl Tombstones {
    /// None yet.
    pub fn new(hash: HashKey) -> Tombstones {
        Tombstones { hash, inner: RwLock::default() }
    }

    /// Remembers a dialog that ended now.
    pub fn add(&self, key: &Key<'_>, now_ms: u64) {
        self.add_fingerprint(self.hash.fingerprint(key), now_ms);
    }

    /// The same by the fingerprint under the same secret.
    pub fn add_fingerprint(&self, fingerprint: u128, now_ms: u64) {
        let until = now_ms.saturating_add(REMEMBERED_MS);
        let mut inner = self.inner.write();
        inner.forget_until(now_ms);
        let Inner { by_fingerprint, by_age } = &mut *inner;
        // Without memory it is not remembered, which is a SHOULD: the answer is 481 then.
        let table = by_fingerprint.try_reserve(1, |it| it.0 as u64);
        if table.is_err() || by_age.try_reserve(1).is_err() {
            return;
        }
        if let Some(known) = by_fingerprint.find_mut(fingerprint as u64, |it| it.0 == fingerprint) {
            known.1 = until;
        } else {
            by_fingerprint
                .insert_unique(fingerprint as u64, (fingerprint, until), |it| it.0 as u64);
        }
        by_age.push_back((until, fingerprint));
    }

    /// Whether a dialog with this key ended a short while ago.
    pub fn holds(&self, key: &Key<'_>, now_ms: u64) -> bool {
        let inner = self.inner.read();
        if inner.by_fingerprint.is_empty() {
            return false;
        }
        let fingerprint = self.hash.fingerprint(key);
        inner
            .by_fingerprint
            .find(fingerprint as u64, |it| it.0 == fingerprint)
            .is_some_and(|it| it.1 > now_ms)
    }
}

impl Inner {
    fn forget_until(&mut self, now_ms: u64) {
        while let Some(&(until, fingerprint)) = self.by_age.front() {
            if until > now_ms && self.by_age.len() < MOST {
                break;
            }
            self.by_age.pop_front();
            // One that was renewed stands further back in the queue too, with its later end.
            let same = |it: &(u128, u64)| it.0 == fingerprint && it.1 <= until;
            if let Ok(found) = self.by_fingerprint.find_entry(fingerprint as u64, same) {
                found.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(call_id: &[u8]) -> Key<'_> {
        Key { call_id, local_tag: b"l", remote_tag: b"r" }
    }

    #[test]
    fn r008_an_ended_dialog_is_remembered_for_32_seconds() {
        let stones = Tombstones::new(HashKey::new([1; 16]));
        stones.add(&key(b"a"), 1_000);
        assert!(stones.holds(&key(b"a"), 1_000));
        assert!(stones.holds(&key(b"a"), 32_999));
        assert!(!stones.holds(&key(b"a"), 33_000));
        assert!(!stones.holds(&key(b"b"), 1_000));
    }

    #[test]
    fn a_renewed_tombstone_lasts_from_its_last_renewal_and_old_ones_are_dropped() {
        let stones = Tombstones::new(HashKey::new([1; 16]));
        stones.add(&key(b"a"), 0);
        stones.add(&key(b"a"), 10_000);
        stones.add(&key(b"b"), 32_000);
        assert!(stones.holds(&key(b"a"), 41_000));
        stones.add(&key(b"c"), 100_000);
        assert_eq!(stones.inner.read().by_fingerprint.len(), 1);
        assert_eq!(stones.inner.read().by_age.len(), 1);
    }
}
