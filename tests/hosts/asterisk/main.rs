//! Real Asterisk processes with real calls: every scenario of a transfer is played against the
//! module that Asterisk brings along and against the one of this project.
//!
//! Run by `make check HOSTS=asterisk`. The first run makes the root folder with Asterisk by
//! scripts/hosts/asterisk-root.sh.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../ua/mod.rs"]
mod ua;

mod ami;
mod ari;
mod attended;
mod basics;
mod blind;
mod config;
mod hostile;
mod process;
mod replaces;
mod scenario;
mod world;

use std::path::PathBuf;

/// What does the transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Module {
    /// Asterisk's own module.
    Stock,
    /// The one of this project.
    Sipxfer,
}

impl Module {
    /// The name of the module.
    pub fn name(self) -> &'static str {
        match self {
            Module::Stock => "res_pjsip_refer",
            Module::Sipxfer => "res_pjsip_sipxfer",
        }
    }

    /// The shared objects to put beside the modules of the root.
    fn objects(self) -> Vec<PathBuf> {
        Vec::new()
    }
}
