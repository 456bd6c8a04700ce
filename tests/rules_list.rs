//! Every rule has a test with its id in its name, but for those that nothing here keeps yet.

#![allow(clippy::unwrap_used)] // A test may fail loudly.

use std::fs;
use std::path::Path;

/// Rules of what is not built yet. One that gets a test is taken off this list.
const NOT_YET: [u16; 0] = [];

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_rule_has_a_test_by_its_id() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    sources(&root.join("src"), &mut all);
    sources(&root.join("tests"), &mut all);
    let names: Vec<&str> = all
        .split("#[test]")
        .skip(1)
        .filter_map(|test| test.split_once("fn ")?.1.split_once('('))
        .map(|(name, _)| name)
        .collect();
    assert!(names.len() > 200, "tests were not found");
    let has_test = |number: u16| {
        let id = format!("r{number:03}_");
        names.iter().any(|name| name.starts_with(&id) || name.contains(&format!("_{id}")))
    };
    for rule in sipxfer::rule::Rule::all() {
        let expected = !NOT_YET.contains(&rule.number());
        assert_eq!(has_test(rule.number()), expected, "{rule}: {:?}", rule.text());
    }
}
