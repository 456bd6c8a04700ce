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
mod application;
mod ari;
mod attended;
mod basics;
mod blind;
mod cluster;
mod config;
mod counters;
mod crossed;
mod hostile;
mod load;
mod module;
mod outcomes;
mod outgoing;
mod process;
mod records;
mod replaces;
mod scenario;
mod services;
mod table;
mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What does the transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Module {
    /// Asterisk's own module.
    Stock,
    /// The one of this project.
    Sipxfer,
    /// The one of this project with `compat = res_pjsip_refer`.
    Compat,
    /// Asterisk's own, and the one of this project beside it with `mode = observe`.
    Observe,
    /// Both, and the one of this project goes first.
    Beside,
}

impl Module {
    /// The name of the module.
    pub fn name(self) -> &'static str {
        match self {
            Module::Stock => "res_pjsip_refer",
            _ => "res_pjsip_sipxfer",
        }
    }

    /// The shared objects to put beside the modules of the root, built first.
    fn objects(self) -> Vec<PathBuf> {
        if self == Module::Stock {
            return Vec::new();
        }
        static BUILT: OnceLock<Vec<PathBuf>> = OnceLock::new();
        BUILT.get_or_init(build_module).clone()
    }
}

/// `make asterisk-module`, and the shared objects that it leaves.
fn build_module() -> Vec<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the folder above tmp");
    let mut make = Command::new("make");
    // What cargo has set for this program would make other builds anew.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            make.env_remove(&*name);
        }
    }
    let output = make
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-s", "asterisk-module"])
        .arg(format!("TARGET_DIR={}", target.display()))
        .arg(format!("ROOT={}", process::root().display()))
        // Flags of a make above this one are not for it.
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .output()
        .expect("make can be run: scripts/install-deps.sh installs it");
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "make asterisk-module failed:\n{printed}");
    let made = fs::read_dir(target.join("asterisk")).expect("it leaves target/asterisk");
    let mut objects: Vec<PathBuf> = made.flatten().map(|entry| entry.path()).collect();
    objects.retain(|path| path.is_file() && path.to_string_lossy().contains(".so"));
    objects
}
