//! Nodes of a cluster around a real server, with every fault that a network has.
//!
//! Run by `make check HOSTS=cluster`. Needs `redis-server` or `valkey-server`, which
//! scripts/hosts/valkey.sh installs.
// Tests may fail loudly, and what a C host does is unsafe from end to end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block
)]

mod c_hosts;
mod faults;
mod lives;
mod node;
mod parked;
mod proxy;
mod reached;
mod server;
