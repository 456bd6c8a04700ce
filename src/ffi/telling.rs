//! Tells the host of the earliest deadline: threads change it at any time, and what the host was told
//! last must be what holds.

use crate::atomic::{AtomicU64, Ordering};

pub(super) struct Telling {
    /// The deadline that the host was told last.
    told: AtomicU64,
    /// How often it may have changed since somebody began to tell.
    changes: AtomicU64,
}

impl Telling {
    /// The host knows of none yet, which is `u64::MAX`.
    pub(super) fn new() -> Telling {
        Telling { told: AtomicU64::new(u64::MAX), changes: AtomicU64::new(0) }
    }

    /// Asks `deadline` for it and hands it to `tell` if that is another one. To be called behind each
    /// change, with no lock held; `tell` may lead here again.
    ///
    /// One thread tells at a time, and looks again before it goes: who comes meanwhile only counts.
    pub(super) fn tell(&self, deadline: impl Fn() -> u64, tell: impl Fn(u64)) {
        if self.changes.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let mut seen = 1;
        loop {
            let deadline = deadline();
            if self.told.swap(deadline, Ordering::AcqRel) != deadline {
                tell(deadline);
            }
            match self.changes.compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }
}
