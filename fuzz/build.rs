//! Builds what the target `pjsip` calls, where that target is built.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_PJSIP").is_none() {
        return;
    }
    println!("cargo::rerun-if-env-changed=PJPROJECT");
    println!("cargo::rerun-if-changed=fuzz_targets/pjsip/shim.c");
    println!("cargo::rerun-if-changed=fuzz_targets/pjsip/shim.h");
    let Some(root) = env::var_os("PJPROJECT").map(PathBuf::from) else {
        println!(
            "cargo::error=PJPROJECT names no folder: scripts/hosts/pjproject.sh makes one and \
             prints where; `make fuzz TARGET=pjsip` does both"
        );
        return;
    };
    let Ok(flags) = fs::read_to_string(root.join("cflags")) else {
        println!(
            "cargo::error=PJPROJECT={}: scripts/hosts/pjproject.sh did not make this folder",
            root.display()
        );
        return;
    };
    let mut shim = cc::Build::new();
    shim.file("fuzz_targets/pjsip/shim.c").include(root.join("include")).std("c11");
    // Its headers are not free of warnings.
    shim.flag("-w").flag("-D_GNU_SOURCE");
    flags.split_whitespace().for_each(|flag| {
        shim.flag(flag);
    });
    shim.compile("shim");
    let libraries = root.join("lib");
    println!("cargo::rustc-link-search=native={}", libraries.display());
    println!(
        "cargo::rustc-link-arg-bin=pjsip=-Wl,--disable-new-dtags,-rpath,{}",
        libraries.display()
    );
    for library in ["pjsip-ua", "pjsip-simple", "pjsip", "pjmedia", "pjnath", "pjlib-util", "pj"] {
        println!("cargo::rustc-link-arg-bin=pjsip=-l{library}");
    }
}
