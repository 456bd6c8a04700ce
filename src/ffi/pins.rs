//! Dialogs that verdicts hold, by ids that C programs give back.

use super::directory::{Dialog, Kept};
use crate::dialog::{Ids, Slots, GENERATIONS, MOST_PER_SHARD, SHARDS};
use crate::thread;
use crate::transfer::Matched;
use core::mem::ManuallyDrop;
use parking_lot::Mutex;

/// Room per part that is there from the start, so that a verdict asks for no memory as long as no
/// more than this are held at once.
const READY: usize = 64;

pub(super) struct Pins {
    ids: Ids,
    shards: Box<[Shard]>,
}

/// A dialog that a verdict holds: no more than it takes to unlock it and to give it back.
pub(super) struct Pin {
    dialog: Kept,
    /// Whether its lock is held; dropping this undoes it.
    pub locked: bool,
}

impl Pin {
    fn new(matched: Matched<Dialog>) -> Pin {
        let locked = matched.locked;
        // The lock goes over to the pin: it is not undone here.
        let matched = ManuallyDrop::new(matched);
        // SAFETY: read once, from what is never dropped; all else in there needs no dropping.
        let dialog = unsafe { core::ptr::read(&matched.dialog) };
        Pin { dialog: dialog.kept(), locked }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        if self.locked {
            self.dialog.unlock();
        }
    }
}

/// On cache lines of its own: one thread's work is not to slow another's.
#[repr(align(128))]
struct Shard(Mutex<Slots<Pin>>);

impl Pins {
    pub(super) fn new(salt: u16) -> Pins {
        let shard = || Shard(Mutex::new(Slots::with_capacity(READY)));
        Pins { ids: Ids::new(salt), shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    /// Keeps a dialog for a verdict; lets go of it and answers `None` where there is no room.
    pub(super) fn keep(&self, matched: Matched<Dialog>) -> Option<u64> {
        // Threads do not meet here but where one gives back what another holds.
        let number = thread::number() % SHARDS;
        let mut shard = self.shards.get(number)?.0.lock();
        if shard.len() >= MOST_PER_SHARD {
            drop(shard);
            drop(matched);
            return None;
        }
        let slot = shard.insert(Pin::new(matched), GENERATIONS)?;
        Some(self.ids.pack(number, slot))
    }

    /// Gives everything back.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            let held = shard.0.lock().drain();
            drop(held);
        }
    }

    /// Takes it back out. What is dropped then calls the host, so no lock of ours may be held.
    pub(super) fn take(&self, id: u64) -> Option<Pin> {
        let (shard, slot) = self.ids.unpack(id)?;
        self.shards.get(shard)?.0.lock().remove(slot)
    }
}
