//! Real Asterisk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#[path = "../ua/mod.rs"]
mod ua;
