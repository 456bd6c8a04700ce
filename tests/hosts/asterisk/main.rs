//! Real Asterisk processes with real calls: every scenario of a transfer is played against the
//! module that Asterisk brings along and against the one of this project.
//!
//! Run by `make check HOSTS=asterisk`. The first run makes the root folder with Asterisk by
//! scripts/hosts/asterisk-root.sh.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../support/tools.rs"]
#[allow(dead_code)]
mod tools;
#[path = "../ua/mod.rs"]
mod ua;
#[path = "../../support/valkey.rs"]
mod valkey;

#[path = "../../install/packages.rs"]
mod packages;

/// The messages of tests/hostile_messages.rs.
#[path = "../../hostile/mod.rs"]
mod corpus;

mod ami;
mod application;
mod ari;
mod attended;
mod basics;
mod blind;
mod claims;
mod cluster;
mod config;
mod cost;
mod counters;
mod crossed;
mod debian;
mod events;
mod explain;
mod guide;
mod handover;
mod hostile;
mod hostile_corpus;
mod load;
mod locks;
mod module;
mod outcomes;
mod outgoing;
mod package;
mod points;
mod process;
mod program;
mod rate;
mod records;
mod refusing;
mod replaces;
mod sanitized;
mod scenario;
mod services;
mod subscription;
mod table;
mod target_dialog;
mod versions;
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
    fn objects(self, under: Under) -> Vec<PathBuf> {
        static PLAIN: OnceLock<Vec<PathBuf>> = OnceLock::new();
        static SANITIZED: OnceLock<Vec<PathBuf>> = OnceLock::new();
        match under {
            _ if self == Module::Stock => Vec::new(),
            Under::Nothing | Under::LockWatch => PLAIN.get_or_init(build_module).clone(),
            Under::AddressSanitizer => SANITIZED.get_or_init(build_sanitized_module).clone(),
        }
    }
}

/// What an Asterisk runs under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Under {
    /// Nothing.
    Nothing,
    /// AddressSanitizer: the module and the library are built for it, the Asterisk is not.
    AddressSanitizer,
    /// Something that sees each lock of a dialog (tests/c/dialog_locks.c).
    LockWatch,
}

impl Under {
    /// What the variable SIPXFER_ASTERISK_UNDER asks for: `asan`, `locks`, or nothing.
    pub fn asked_for() -> Under {
        match std::env::var("SIPXFER_ASTERISK_UNDER").as_deref() {
            Err(_) | Ok("") => Under::Nothing,
            Ok("asan") => Under::AddressSanitizer,
            Ok("locks") => Under::LockWatch,
            Ok(other) => panic!("SIPXFER_ASTERISK_UNDER is asan, locks or nothing, not {other}"),
        }
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
    shared_objects(&target.join("asterisk"))
}

/// The module and the library with AddressSanitizer.
fn build_sanitized_module() -> Vec<PathBuf> {
    let library = tools::address_sanitized();
    let build = tools::target_dir().join("asterisk-asan");
    let headers = process::root().join("opt/sipxfer");
    let mut make = tools::program("make");
    make.args(["-s", "-C", "c_examples/asterisk"])
        .current_dir(tools::root())
        .arg(format!("BUILD={}", build.display()))
        .arg(format!("SIPXFER_LIB={}", library.dir.display()))
        .arg(format!("ASTERISK_INCLUDE={}", headers.join("asterisk").display()))
        .arg(format!("PJPROJECT={}", headers.join("pjproject").display()))
        .arg("CFLAGS=-O1 -g -fsanitize=address -fno-omit-frame-pointer")
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL");
    tools::succeed(&mut make);
    shared_objects(&build)
}

/// The files of a folder that Asterisk can load.
fn shared_objects(folder: &Path) -> Vec<PathBuf> {
    let made = fs::read_dir(folder).expect("the build leaves its folder");
    let mut objects: Vec<PathBuf> = made.flatten().map(|entry| entry.path()).collect();
    objects.retain(|path| path.is_file() && path.to_string_lossy().contains(".so"));
    objects
}
