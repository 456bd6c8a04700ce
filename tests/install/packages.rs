//! `make deb`, for the tests that install what it builds.

use super::tools;
use std::path::PathBuf;

/// Builds the packages and answers where those of these names are. `more` are arguments of make.
pub fn build(names: &[&str], more: &[&str]) -> Vec<PathBuf> {
    let mut make = tools::program("make");
    make.current_dir(tools::root()).arg("deb").args(more);
    make.arg(format!("TARGET_DIR={}", tools::target_dir().display()));
    make.arg(format!("CARGO={}", std::env::var("CARGO").expect("cargo runs the tests")));
    for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CARGO_ENCODED_RUSTFLAGS"] {
        make.env_remove(name);
    }
    let made = tools::succeed(&mut make);
    let version = env!("CARGO_PKG_VERSION");
    let file = |name: &str| {
        let start = format!("{}/deb/{name}_{version}_", tools::target_dir().display());
        let line = made.lines().find(|line| line.starts_with(&start) && line.ends_with(".deb"));
        PathBuf::from(line.unwrap_or_else(|| panic!("no {start}*.deb in\n{made}")))
    };
    names.iter().map(|name| file(name)).collect()
}
