//! The Debian packages, installed in a small Debian that knows nothing of sipxfer, used there, and
//! taken away again.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

// Not all of it is needed here.
#[allow(dead_code)]
#[path = "../support/tools.rs"]
mod tools;

#[path = "packages.rs"]
mod packages;

use std::fs;
use std::path::PathBuf;

const PACKAGES: [&str; 4] =
    ["libsipxfer0", "libsipxfer-dev", "sipxfer-tools", "libsipxfer-cluster0"];

fn field(package: &PathBuf, name: &str) -> String {
    let mut dpkg = tools::program("dpkg-deb");
    tools::succeed(dpkg.arg("-f").arg(package).arg(name)).trim().to_owned()
}

#[test]
fn packages_work_in_a_clean_debian() {
    // That of the module is tried in the root of an Asterisk (tests/hosts/asterisk/package.rs).
    let packages = packages::build(&PACKAGES, &["ASTERISK=no"]);
    // Nothing of the building of it is needed to run it, and -dev fits its library exactly.
    let depends = field(&packages[0], "Depends");
    let names: Vec<_> = depends.split(", ").map(|it| it.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["libc6", "libgcc-s1"], "{depends}");
    let depends = field(&packages[1], "Depends");
    assert!(
        depends.contains(&format!("libsipxfer0 (= {}", env!("CARGO_PKG_VERSION"))),
        "{depends}"
    );

    let mut script = tools::program(tools::root().join("scripts/debian-root.sh"));
    let root = PathBuf::from(tools::succeed(&mut script).trim());
    let inside = root.join("var/tmp/sipxfer-packages");
    let mut run = tools::program("flock");
    // Two runs at once would find each other's packages.
    run.arg(root.with_extension("in-use")).args(["sh", "-e", "-c"]);
    run.arg(
        "rm -rf \"$2\"; mkdir \"$2\"; cp \"$3\" \"$4\" \"$5\" \"$6\" \"$7\" \"$2\"; \
         chroot \"$1\" sh /var/tmp/sipxfer-packages/inside.sh; rm -rf \"$2\"",
    );
    run.arg("sh").arg(&root).arg(&inside).args(&packages);
    run.arg(tools::root().join("tests/install/inside.sh"));
    run.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    let said = tools::succeed(&mut run);
    for line in [
        "dynamic: sipxfer 0.1.0: all went as it should",
        "static: sipxfer 0.1.0: all went as it should",
        "dlopen: sipxfer 0.1.0, ABI 0.1",
        "python: all as expected",
        "changed: 0",
        "cluster: True",
        "left behind: 0",
    ] {
        let line = line.replace("0.1.0", env!("CARGO_PKG_VERSION"));
        assert!(said.lines().any(|it| it.starts_with(&line)), "no \"{line}\" in\n{said}");
    }
}

/// Each crate whose code is in the packages is named with its holder and its licence.
#[test]
fn the_copyright_file_names_every_crate() {
    let mut python = tools::program(tools::root().join("packaging/debian/copyright.py"));
    python.env("CARGO", std::env::var_os("CARGO").unwrap()).current_dir(tools::root());
    let text = tools::succeed(&mut python);
    let lock = fs::read_to_string(tools::root().join("Cargo.lock")).unwrap();
    for name in
        ["nom", "hashbrown", "memchr", "getrandom", "parking_lot_core", "serde_json", "lexopt"]
    {
        assert!(lock.contains(&format!("name = \"{name}\"")), "{name} is used no more");
        assert!(text.contains(&format!("Files: rust/{name}-")), "{name} is missing");
    }
    // The library of a cluster has more, and other licences, whose texts are there.
    for (name, licence) in [("redis", "BSD-3-Clause"), ("ring", "ISC"), ("rustls", "MIT")] {
        assert!(text.contains(&format!("Files: rust/{name}-")), "{name} is missing");
        assert!(text.contains(&format!("\n\nLicense: {licence}\n ")), "no text of {licence}");
    }
    // Crates of the tests are in no package.
    assert!(!text.contains("rust/criterion-"));
    for stanza in text.split("\n\n").filter(|it| it.starts_with("Files: ")) {
        let holder = stanza.lines().find_map(|line| line.strip_prefix("Copyright: ")).unwrap();
        assert!(holder.contains(|it: char| it.is_alphabetic()), "{stanza}");
        assert!(stanza.contains("\nLicense: "), "{stanza}");
    }
}
