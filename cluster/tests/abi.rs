//! The header is what the sources say, the shared object exports what it declares, and what it shares with
//! `sipxfer.h` is laid out as there.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;

const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/sipxfer_cluster.h");

fn built() -> &'static str {
    include_str!(concat!(env!("OUT_DIR"), "/sipxfer_cluster.h"))
}

#[test]
fn header_is_what_the_sources_say() {
    if std::env::var_os("SIPXFER_UPDATE_HEADER").is_some() {
        fs::write(CHECKED_IN, built()).unwrap();
    }
    let checked_in = fs::read_to_string(CHECKED_IN).unwrap_or_default();
    assert!(
        checked_in == built(),
        "cluster/include/sipxfer_cluster.h has drifted: SIPXFER_UPDATE_HEADER=1 cargo test -p \
         sipxfer-cluster --test abi renews it"
    );
}

#[test]
fn header_compiles_alone_and_twice_as_c_and_as_cpp() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = dir.join("cluster_header.c");
    let twice = "#include <sipxfer_cluster.h>\n#include <sipxfer_cluster.h>\n\
                 int (*used)(void);\n";
    fs::write(&source, twice).unwrap();
    for (compiler, standard) in [
        ("gcc", "-std=c99"),
        ("gcc", "-std=c17"),
        ("clang", "-std=c11"),
        ("g++", "-std=c++11"),
        ("g++", "-std=c++20"),
    ] {
        let output = Command::new(compiler)
            .args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"])
            .args(if compiler == "g++" { &["-x", "c++"][..] } else { &[] })
            .args(["-I", concat!(env!("CARGO_MANIFEST_DIR"), "/include")])
            .args(["-I", concat!(env!("CARGO_MANIFEST_DIR"), "/../include")])
            .arg(&source)
            .output()
            .expect("a C compiler: scripts/install-deps.sh installs it");
        assert!(output.status.success(), "{compiler} {standard}: {output:?}");
    }
}

macro_rules! same {
    ($($name:ident { $($field:ident),* })*) => {{
        $(
            assert_eq!(
                size_of::<sipxfer::ffi::$name>(), size_of::<sipxfer_cluster::twins::$name>(),
                stringify!($name)
            );
            $(assert_eq!(
                offset_of!(sipxfer::ffi::$name, $field),
                offset_of!(sipxfer_cluster::twins::$name, $field),
                "{}.{}", stringify!($name), stringify!($field)
            );)*
        )*
    }};
}

#[test]
fn what_is_shared_is_laid_out_as_in_the_library() {
    same! {
        sipxfer_str { ptr, len }
        sipxfer_dialog_key { struct_size, call_id, local_tag, remote_tag }
        sipxfer_dialog {
            struct_size, dialog, call_id, local_tag, remote_tag, user, endpoint, state, initiator, usage,
            secure
        }
        sipxfer_remote_dialog {
            struct_size, node, uri, user, endpoint, state, initiator, secure, reserved, parked, reserved2,
            call_id, local_tag, remote_tag
        }
    }
}
