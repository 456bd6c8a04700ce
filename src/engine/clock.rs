//! The latest time that anybody has told.

use crate::atomic::{AtomicU64, Ordering};

/// A time that never goes back, for any number of threads.
pub struct Clock(AtomicU64);

impl Clock {
    /// At time 0.
    pub fn new() -> Clock {
        Clock(AtomicU64::new(0))
    }

    /// What is to count as now for who was told `now_ms`: no thread gets an earlier time than it had
    /// before, or than another had that it has heard from. Most calls read only: the latest time is
    /// on a line that all threads share.
    pub fn now(&self, now_ms: u64) -> u64 {
        let latest = self.latest();
        if now_ms > latest {
            return self.0.fetch_max(now_ms, Ordering::Relaxed).max(now_ms);
        }
        latest
    }

    /// The latest time.
    pub fn latest(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
