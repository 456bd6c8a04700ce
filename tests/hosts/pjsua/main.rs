//! Real pjsua processes with real calls: the PBX of c_examples/pjsua, phones that are pjproject's own
//! `pjsua` program, and hand-made phones for what no real one sends.
//!
//! Run by `make check HOSTS=pjsua`. The first run builds pjproject by scripts/hosts/pjproject.sh. What
//! is asserted about messages is what went over the wire.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../support/tools.rs"]
#[allow(dead_code)]
mod tools;
#[path = "../ua/mod.rs"]
#[allow(clippy::wrong_self_convention)]
mod ua;
#[path = "../../support/valkey.rs"]
mod valkey;

mod cluster;
mod defects;
mod handset;
mod load;
mod old;
mod process;
mod programs;
mod refused;
mod transfers;
mod world;
