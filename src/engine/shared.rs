//! A value that all threads read and that is seldom replaced.

use crate::thread;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;

/// Copies of the way to the value. Threads with other numbers read other copies, so that reading
/// writes to no memory that another core has just written to.
const COPIES: usize = 32;

/// A way to the value. Of each copy there is one, with a count of its own; the count of the value
/// itself, which all copies share, is not touched by reading.
pub(super) struct Way<T>(Arc<T>);

impl<T> Way<T> {
    /// The value, for longer than a call.
    pub(super) fn whole(&self) -> Arc<T> {
        Arc::clone(&self.0)
    }
}

impl<T> core::ops::Deref for Way<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// On cache lines of its own.
#[repr(align(128))]
struct Copy<T>(RwLock<Arc<Way<T>>>);

pub(super) struct Shared<T> {
    copies: Box<[Copy<T>; COPIES]>,
    /// One replaces at a time: two at once could leave copies of both.
    replacing: Mutex<()>,
}

impl<T> Shared<T> {
    pub(super) fn new(value: Arc<T>) -> Shared<T> {
        let copy = |_| Copy(RwLock::new(Arc::new(Way(Arc::clone(&value)))));
        Shared { copies: Box::new(core::array::from_fn(copy)), replacing: Mutex::new(()) }
    }

    /// The value as it is now; it stays as it is for whoever has it.
    pub(super) fn borrow(&self) -> Arc<Way<T>> {
        let [first, ..] = &*self.copies;
        let own = self.copies.get(thread::number() % COPIES).unwrap_or(first);
        Arc::clone(&own.0.read())
    }

    /// Puts another value in its place: whoever asks after this has returned gets the new one.
    pub(super) fn replace(&self, value: Arc<T>) {
        let _one = self.replacing.lock();
        for copy in self.copies.iter() {
            let new = Arc::new(Way(Arc::clone(&value)));
            let old = core::mem::replace(&mut *copy.0.write(), new);
            drop(old);
        }
    }
}
