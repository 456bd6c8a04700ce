//! Numbers for threads, so that each may work in a place of its own.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // Nothing is to be dropped, so nothing is registered at the thread's end, and no memory is asked
    // for at its first use.
    static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The number of this thread: threads that begin one after the other have numbers one after the
/// other.
#[inline]
pub(crate) fn number() -> usize {
    NUMBER.with(|number| match number.get() {
        usize::MAX => {
            let new = NEXT.fetch_add(1, Ordering::Relaxed);
            number.set(new);
            new
        }
        known => known,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_its_number_and_another_has_another() {
        let own = number();
        assert_eq!(number(), own);
        assert_ne!(std::thread::spawn(number).join().unwrap(), own);
    }
}
