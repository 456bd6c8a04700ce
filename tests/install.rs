//! `make install` and `make uninstall`, and every way in which others build with what is installed.
//! The prefix has spaces in it.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "install/linked.rs"]
mod linked;
#[path = "install/manual.rs"]
mod manual;
// Not all of it is needed here.
#[allow(dead_code)]
#[path = "support/tools.rs"]
mod tools;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// make in the clone, with nothing of a make or a cargo above it.
fn make(arguments: &[&str]) -> Command {
    let mut make = tools::program("make");
    make.current_dir(tools::root()).args(arguments);
    make.arg(format!("TARGET_DIR={}", tools::target_dir().display()));
    make.arg(format!("CARGO={}", std::env::var("CARGO").expect("cargo runs the tests")));
    for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PREFIX", "DESTDIR", "CARGO_ENCODED_RUSTFLAGS"]
    {
        make.env_remove(name);
    }
    make
}

fn assigned(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

/// The prefix of an installation that the tests share.
fn prefix() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let prefix = tools::workshop("an installation").join("the prefix");
        tools::succeed(make(&["install"]).arg(assigned("PREFIX", &prefix)));
        prefix
    })
}

/// Every file and link below a folder.
fn files(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be listed") {
            let path = entry.expect("a folder can be listed").path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(root).expect("it was found there");
                found.insert(below.display().to_string());
            }
        }
    }
    found
}

fn expected(prefix: &str, lib: &str) -> BTreeSet<String> {
    let library = format!("{lib}/libsipxfer.so.{VERSION}");
    let names = [
        "bin/sipxfer",
        "include/sipxfer.h",
        &library,
        &format!("{lib}/libsipxfer.so.0"),
        &format!("{lib}/libsipxfer.so"),
        &format!("{lib}/libsipxfer.a"),
        &format!("{lib}/pkgconfig/sipxfer.pc"),
        &format!("{lib}/cmake/sipxfer/sipxfer-config.cmake"),
        &format!("{lib}/cmake/sipxfer/sipxfer-config-version.cmake"),
        "share/man/man1/sipxfer.1",
        "share/man/man3/libsipxfer.3",
        "share/man/man5/sipxfer.conf.5",
        "share/doc/sipxfer/libsipxfer.cdx.json",
    ];
    names.iter().map(|name| format!("{prefix}{name}")).collect()
}

#[test]
fn install_puts_each_file_where_it_belongs() {
    let prefix = prefix();
    assert_eq!(files(prefix), expected("", "lib"));
    let lib = prefix.join("lib");
    let target = |name: &str| fs::read_link(lib.join(name)).unwrap();
    assert_eq!(target("libsipxfer.so"), Path::new("libsipxfer.so.0"));
    assert_eq!(target("libsipxfer.so.0"), Path::new(&format!("libsipxfer.so.{VERSION}")));
    let header = fs::read_to_string(prefix.join("include/sipxfer.h")).unwrap();
    assert_eq!(header, tools::header_text());

    let mut readelf = tools::program("readelf");
    let dynamic = tools::succeed(readelf.args(["-d", "-W"]).arg(lib.join("libsipxfer.so")));
    assert!(dynamic.contains("soname: [libsipxfer.so.0]"), "{dynamic}");
    let version = tools::succeed(tools::program(prefix.join("bin/sipxfer")).arg("--version"));
    assert_eq!(version, format!("sipxfer {VERSION}\n"));
}

/// As a package is made: DESTDIR is nowhere in what is installed, and folders may be chosen.
#[test]
fn install_goes_below_destdir_and_uninstall_leaves_nothing_behind() {
    let stage = tools::workshop("a stage");
    let arguments = ["PREFIX=/opt/a pbx", "LIBDIR=/opt/a pbx/lib/some-arch"];
    let destdir = assigned("DESTDIR", &stage);
    tools::succeed(make(&["install"]).args(arguments).arg(&destdir));
    assert_eq!(files(&stage), expected("opt/a pbx/", "lib/some-arch"));
    let lib = stage.join("opt/a pbx/lib/some-arch");
    for name in ["pkgconfig/sipxfer.pc", "cmake/sipxfer/sipxfer-config.cmake"] {
        let text = fs::read_to_string(lib.join(name)).unwrap();
        assert!(!text.contains("a stage"), "{name}: {text}");
        assert!(text.contains("/lib/some-arch"), "{name}: {text}");
    }

    // What others have put beside it stays.
    for name in ["libother.so", "pkgconfig/other.pc"] {
        fs::write(lib.join(name), "").unwrap();
    }
    tools::succeed(make(&["uninstall"]).args(arguments).arg(&destdir));
    let left =
        ["opt/a pbx/lib/some-arch/libother.so", "opt/a pbx/lib/some-arch/pkgconfig/other.pc"];
    assert_eq!(files(&stage), left.map(str::to_owned).into());
    assert!(!lib.join("cmake/sipxfer").exists());
    // Once more: nothing to do is no failure.
    tools::succeed(make(&["uninstall"]).args(arguments).arg(&destdir));
}

/// `cargo cinstall` names the header, the soname and the pkg-config file as `make install` does.
#[test]
fn cargo_c_is_told_the_same() {
    let mut cargo = tools::program(std::env::var_os("CARGO").unwrap());
    cargo.args(["metadata", "--no-deps", "--locked", "--format-version", "1"]);
    let text = tools::succeed(cargo.current_dir(tools::root()));
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "sipxfer").unwrap();
    let capi = &package["metadata"]["capi"];
    // include/sipxfer.h, not generated anew and in no folder of its own.
    assert_eq!(capi["header"]["generation"], false);
    assert_eq!(capi["header"]["subdirectory"], false);
    let asset = &capi["install"]["include"]["asset"][0];
    assert_eq!((&asset["from"], &asset["to"]), (&"include/sipxfer.h".into(), &"".into()));
    // As many parts of the version as the soname has.
    assert_eq!(capi["library"]["version_suffix_components"], 1);
    assert!(package["features"]["capi"].is_array(), "cargo-c builds with this feature");
    // By default the name of the crate and its description; sipxfer.pc has them too.
    assert!(capi["pkg_config"].is_null() && capi["library"]["name"].is_null(), "{capi}");
    let pc = fs::read_to_string(prefix().join("lib/pkgconfig/sipxfer.pc")).unwrap();
    let description = package["description"].as_str().unwrap();
    for line in [format!("Description: {description}"), format!("Version: {VERSION}")] {
        assert!(pc.lines().any(|it| it == line), "no \"{line}\" in\n{pc}");
    }
}
