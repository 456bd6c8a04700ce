//! What is counted.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters, since the beginning.
        #[derive(Debug, Default)]
        pub struct Stats {
            $($(#[$doc])* pub $name: AtomicU64,)*
        }
    };
}

counters! {
    /// States of dialogs that have reached the server.
    published,
    /// Ends of dialogs that have reached it.
    removed,
    /// Dialogs that were not published because there were too many, or their names too long.
    dropped,
    /// How often everything was published anew, because the connection was.
    resyncs,
    /// Connections that were made.
    connects,
    /// Connections that failed or could not be made.
    failures,
    /// How often the lease was renewed.
    renewals,
    /// How often it was not, because another process has a later one under the same name.
    conflicts,
    /// Lookups that were asked for.
    lookups,
    /// Those that found a dialog.
    found,
    /// Those that found none.
    not_found,
    /// Those that found several.
    ambiguous,
    /// Those that were not asked, because the server is away.
    refused_away,
    /// Those that were not asked, because too many wait.
    refused_full,
    /// Those whose time had passed before the server answered.
    expired,
    /// Faults that were caught in a thread.
    panics,
}

/// One more.
pub fn count(counter: &AtomicU64) {
    add(counter, 1);
}

/// So many more.
pub fn add(counter: &AtomicU64, number: usize) {
    counter.fetch_add(number as u64, Ordering::Relaxed);
}

/// How many.
pub fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
