//! Where hand-written atomics come from: `tests/models.rs` takes the files that use them as they are,
//! with loom's in the place of these.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
