//! The fuzz target of the C ABI calls every function of the header, but for those that have a reason
//! here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeSet;
use support::model::Model;
use support::tools;

/// Not called by the fuzz target, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    (
        "sipxfer_get_api",
        "takes one number and hands out a static table; tests/abi_symbols.rs reads it",
    ),
    ("sipxfer_version", "takes nothing and hands out a static text"),
];

fn called() -> BTreeSet<String> {
    let dir = tools::root().join("fuzz/fuzz_targets/ffi");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let code: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| [line, "\n"])
            .collect();
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        found.extend(code.split(|letter| !is_name(letter)).map(str::to_owned));
    }
    found
}

#[test]
fn the_fuzz_target_calls_every_function_of_the_header() {
    let called = called();
    let of_header: BTreeSet<String> = Model::of_header().functions.keys().cloned().collect();
    assert!(of_header.len() > 100, "the header was not read");
    let left_out: BTreeSet<&str> = LEFT_OUT.iter().map(|(name, _)| *name).collect();
    let missing: Vec<_> = of_header
        .iter()
        .filter(|name| !called.contains(*name) && !left_out.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "the fuzz target does not call {missing:?}");
    for (name, reason) in LEFT_OUT {
        assert!(of_header.contains(*name), "{name} is left out, and not in the header");
        assert!(!called.contains(*name), "{name} is called, and said to be left out: {reason}");
    }
}
