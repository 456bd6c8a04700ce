//! Several PBXes as one for the call transfers of sipxfer, over Valkey or Redis.
//!
//! Each node publishes its dialogs with a lease that dies with the node, and looks up those that it does
//! not have. It offers itself to an engine of sipxfer as the `lookup` callback of a dialog directory.
//!
//! | file | what it is |
//! |---|---|
//! | [`wire`] | keys and values as they stand on the server |
//! | [`board`] | what this node wants to stand there, in bounded memory |
//! | [`parks`] | which dialogs of this node are parked |
//! | [`publisher`] | the thread that brings it there, and keeps the lease |
//! | [`batch`] | many commands in one round trip |
//! | [`lookups`] | the threads that ask, their queue and their circuit breaker |
//! | [`settings`] | what is set, and how a server is reached |
//! | [`node`] | all of it together |
//! | [`ffi`], [`twins`] | the C ABI, and the only places with unsafe |
//!
//! **What never happens.** A thread of the host waits for the network: publishing and asking put something
//! into a queue. A lock is held while the host is called, or while the network is waited for. Memory grows
//! with the time that the server is away: of each dialog the newest state is kept, and no more dialogs than
//! the settings allow.

pub mod batch;
pub mod board;
pub mod ffi;
pub mod lookups;
pub mod node;
pub mod parks;
pub mod publisher;
pub mod settings;
pub mod stats;
pub mod twins;
pub mod wire;
