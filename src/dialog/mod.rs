//! Floor 2: which dialogs exist.
//!
//! A dialog is known by its triple (RFC 3261 section 12), as this side sees it. Where dialogs are
//! found is a [`Directory`]: the host's callbacks (made in `ffi`), or the embedded [`Table`]. What
//! an ended dialog leaves behind for a while is a tombstone ([`Tombstones`]).
#![forbid(unsafe_code)]

mod buckets;
mod directory;
mod entry;
mod hash;
mod ids;
mod lookups;
mod places;
mod slots;
mod table;
mod tombstones;

pub use directory::{DialogRef, Directory, Facts, Lock, Lookup, Sought};
pub use entry::Entry;
pub use hash::HashKey;
pub use ids::{Ids, GENERATIONS, MOST_PER_SHARD, SHARDS};
pub use lookups::{Asked, Lookups, Outcome, Over, Remote, RemoteParking, HELD_MS, MOST_LOOKUPS};
pub use slots::{Slot, Slots};
pub use table::{Table, TableError};
pub use tombstones::Tombstones;

/// The identity of a dialog as this side sees it (RFC 3261 section 12).
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// Call-ID.
    pub call_id: &'a [u8],
    /// This side's tag.
    pub local_tag: &'a [u8],
    /// The peer's tag; empty for a peer that sends none (RFC 2543).
    pub remote_tag: &'a [u8],
}

impl Key<'_> {
    /// Whether both name the same dialog: the Call-ID byte for byte, the tags without regard to
    /// ASCII case (R026).
    pub fn matches(&self, other: &Key<'_>) -> bool {
        // Nearly all peers repeat a tag as it was.
        let same = |a: &[u8], b: &[u8]| a == b || a.eq_ignore_ascii_case(b);
        self.call_id == other.call_id
            && same(self.local_tag, other.local_tag)
            && same(self.remote_tag, other.remote_tag)
    }
}

/// How far a dialog has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The INVITE has no final answer yet.
    Early,
    /// The INVITE was answered with 2xx.
    Confirmed,
    /// The dialog has ended.
    Terminated,
}

/// Who sent the request that made a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// This side.
    Local,
    /// The peer.
    Remote,
}

/// What made a dialog (RFC 5057).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// INVITE.
    Invite,
    /// SUBSCRIBE or anything else.
    Other,
}
