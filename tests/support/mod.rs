//! What the ABI tests share: a model of the interface, and the outside programs they run.

// Every test program uses a part of this, and none the whole.
#![allow(dead_code)]

pub mod generator;
pub mod known;
pub mod model;
pub mod tools;
