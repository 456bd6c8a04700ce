//! Where dialogs are found.

use super::{Initiator, Key, State, Usage};

/// What is known of a dialog that was found.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Its triple.
    pub key: Key<'a>,
    /// The peer's authenticated user; empty for nobody.
    pub user: &'a [u8],
    /// The endpoint that the call came from or went to.
    pub endpoint: &'a [u8],
    /// How far it has come.
    pub state: State,
    /// Who began it.
    pub initiator: Initiator,
    /// What made it.
    pub usage: Usage,
    /// Whether it was made over sips.
    pub secure: bool,
}

/// What a lock request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The lock is held, and this is the state under it.
    Held(State),
    /// The dialog has ended; no lock is held.
    Gone,
    /// The host failed; no lock is held.
    Failed,
}

/// A dialog that was found. It stays valid as long as this is kept: found is pinned, not locked.
pub trait DialogRef {
    /// What is known of it.
    fn facts(&self) -> Facts<'_>;
    /// Locks it. Called with no lock of this library held.
    fn lock(&self) -> Lock;
    /// Undoes a lock that was [`Lock::Held`].
    fn unlock(&self);
}

/// What a lookup came to.
#[derive(Debug)]
pub enum Lookup<D> {
    /// Exactly one dialog matches.
    Found(D),
    /// None does.
    NotFound,
    /// Several do (R005).
    Ambiguous,
    /// Not known yet; the host will ask again.
    Pending,
    /// The directory failed.
    Failed,
}

/// What became of a lookup elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// The answer will come, or has come.
    Pending,
    /// It is known that there is none, or nobody can be asked.
    NotFound,
    /// The directory failed.
    Failed,
}

/// Where dialogs are found by their triple.
pub trait Directory {
    /// What a lookup hands out.
    type Dialog: DialogRef;
    /// Whether what it finds was compared with the key already.
    fn compares(&self) -> bool {
        false
    }

    /// Finds the dialog with this key. What is found is compared with the key again by
    /// [`Key::matches`], so that a directory that errs cannot hand over a stranger's call.
    fn find(&self, key: &Key<'_>) -> Lookup<Self::Dialog>;

    /// Whether there is anywhere else to look.
    fn has_elsewhere(&self) -> bool {
        false
    }

    /// Whether parked calls are looked for there by their tokens.
    fn has_parked_elsewhere(&self) -> bool {
        false
    }

    /// Has a dialog looked up that is not here, by its key (empty where it is not known), by the token of a
    /// parked call (empty for none), or by both. The answer comes by way of [`Lookups`](super::Lookups),
    /// under this id.
    fn seek(&self, _lookup: u64, _key: &Key<'_>, _token: &[u8]) -> Sought {
        Sought::NotFound
    }

    /// The hash of a key, where lookups go by one: it can be had before the lookup, and once.
    fn hash(&self, _: &Key<'_>) -> Option<u128> {
        None
    }

    /// As [`Directory::find`], for a key whose hash is known.
    fn find_hashed(&self, key: &Key<'_>, _hash: u128) -> Lookup<Self::Dialog> {
        self.find(key)
    }

    /// Reads what the lookups by these hashes are going to read, so that they are waited for together
    /// and not one after the other. May as well do nothing.
    fn read_ahead(&self, _: &[Option<u128>]) {}
}
