//! The manual in docs/: what is generated in it is current, its links lead somewhere, and its tutorial
//! compiles and prints what it says.
#![cfg(feature = "cli")]
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::tools;

fn docs() -> PathBuf {
    tools::root().join("docs")
}

fn listed(what: &str) -> Vec<Value> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_sipxfer")).args([what, "--json"]).output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap()
}

fn settings() -> String {
    let mut page = String::from(
        "# Settings\n\n<!-- Generated from src/config/registry.rs: see tests/manual.rs. -->\n\n\
         Set by `sipxfer_config_set()`, in the files of a host, or in `--config` of the tool. Those that hold per \
         endpoint\nmay be set in the scope `endpoint:NAME` too. The device profiles (`profile.NAME`) are described \
         by\nsipxfer.conf(5).\n",
    );
    for it in listed("settings") {
        let (name, values, default) =
            (text(&it, "name"), text(&it, "values"), text(&it, "default"));
        let default =
            if default.is_empty() { "nothing".to_owned() } else { format!("`{default}`") };
        let scope = if it["per_endpoint"] == true { "per endpoint" } else { "for all" };
        let help = text(&it, "help").replace('<', "&lt;");
        let _ = write!(
            page,
            "\n## {name}\n\n{values}; default {default}; {scope}.\n\n{}{}.\n",
            help[..1].to_uppercase(),
            &help[1..]
        );
    }
    page
}

fn rules() -> String {
    let mut page = String::from(
        "# Rules\n\n<!-- Generated from src/rule.rs and the command line: see tests/manual.rs. -->\n\n\
         Each verdict and each error names the rules that led to it. The ids never change their meaning.\n\
         `sipxfer rules R009` prints one of them.\n",
    );
    for it in listed("rules") {
        let (id, source, rule) = (text(&it, "id"), text(&it, "source"), text(&it, "text"));
        let _ = write!(page, "\n## {id}\n\n{source}: {rule}.\n");
        let advice = text(&it, "what_to_do");
        if !advice.is_empty() {
            let _ = write!(page, "\n*What to do:* {advice}.\n");
        }
    }
    page
}

fn errors() -> String {
    let mut page = String::from(
        "# Status codes\n\n<!-- Generated from src/ffi/status.rs: see tests/manual.rs. -->\n\n\
         What functions return. A refusal is no failure: it is a verdict, and the function returns \
         `SIPXFER_OK`.\n`sipxfer_strerror()` has a few words for each. Numbers are never used again.\n\n\
         | name | number | meaning |\n|---|---|---|\n",
    );
    let source = fs::read_to_string(tools::root().join("src/ffi/status.rs")).unwrap();
    let mut meaning = String::new();
    for line in source.lines() {
        if let Some(more) = line.strip_prefix("/// ") {
            meaning = format!("{meaning} {more}").trim().to_owned();
        } else if let Some(rest) = line.strip_prefix("pub const SIPXFER_") {
            let (name, value) = rest.split_once(": i32 = ").unwrap();
            let _ = writeln!(
                page,
                "| `SIPXFER_{name}` | {} | {meaning} |",
                value.trim_end_matches(';')
            );
            meaning.clear();
        } else {
            meaning.clear();
        }
    }
    page
}

/// Renewed by `SIPXFER_UPDATE_MANUAL=1 cargo test --test manual generated`.
#[test]
fn generated_pages_are_what_the_sources_say() {
    for (name, page) in
        [("settings.md", settings()), ("rules.md", rules()), ("errors.md", errors())]
    {
        let path = docs().join(name);
        if std::env::var_os("SIPXFER_UPDATE_MANUAL").is_some() {
            fs::write(&path, &page).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == page, "docs/{name} is not what the sources say; see the comment here");
    }
    let statuses = errors();
    assert!(statuses.contains("| `SIPXFER_E_TAKEN` | -30 | Somebody else has it"), "{statuses}");
}

#[test]
fn every_rule_that_refuses_has_something_to_do_about_it() {
    // The rules that stand beside an answer or a refusal in the sources.
    let mut named = std::collections::BTreeSet::new();
    for folder in ["src/transfer", "src/sip"] {
        for file in files_below(&tools::root().join(folder)) {
            let source = fs::read_to_string(&file).unwrap();
            let source = source.split("#[cfg(test)]").next().unwrap();
            for line in source
                .lines()
                .filter(|line| line.contains("reject(") || line.contains("ParseError::new("))
            {
                named.extend(
                    line.match_indices("Rule::R").map(|(at, _)| line[at + 6..at + 10].to_owned()),
                );
            }
        }
    }
    assert!(named.len() > 10, "{named:?}");
    let rules = listed("rules");
    for id in named {
        let rule = rules.iter().find(|it| it["id"] == id.as_str()).unwrap();
        assert!(!text(rule, "what_to_do").is_empty(), "{id} has nothing to do about it");
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|it| it == "rs" || it == "md") {
            files.push(path);
        }
    }
    files
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(['`', '.', ',', ':', '?', '(', ')', '/'], "");
    kept.trim().replace(' ', "-")
}

#[test]
fn no_link_of_the_manual_is_dead() {
    let mut seen = 0;
    for page in files_below(&docs()) {
        let source = fs::read_to_string(&page).unwrap();
        for (at, _) in source.match_indices("](") {
            let target = source[at + 2..].split(')').next().unwrap();
            if target.starts_with("http") {
                continue;
            }
            seen += 1;
            let (file, place) = target.split_once('#').unwrap_or((target, ""));
            let path =
                if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(path.is_file(), "{}: {target} leads nowhere", page.display());
            if !place.is_empty() {
                let there = fs::read_to_string(&path).unwrap();
                let has = there.lines().filter(|line| line.starts_with('#'));
                assert!(
                    has.map(|line| anchor(line.trim_start_matches('#'))).any(|it| it == place),
                    "{}: {target} leads to no heading",
                    page.display()
                );
            }
        }
    }
    assert!(seen > 40, "{seen}");
    // A page that nothing leads to is one that nobody reads.
    let summary = fs::read_to_string(docs().join("SUMMARY.md")).unwrap();
    for page in
        ["index", "tutorial", "transfers", "explain", "watching", "threads", "settings", "rules"]
    {
        assert!(summary.contains(&format!("({page}.md)")), "{page}");
    }
}

#[test]
fn the_tutorial_compiles_and_prints_what_it_says() {
    let page = fs::read_to_string(docs().join("tutorial.md")).unwrap();
    let block = |kind: &str| {
        let (_, rest) = page.split_once(&format!("```{kind}\n")).expect("a block");
        rest.split_once("```").unwrap().0.to_owned()
    };
    let dir = tools::workshop("tutorial");
    let source = tools::write(dir.join("tutorial.c"), &block("c"));
    let host = tools::host(&tools::release(), &dir, "tutorial", &[source], &[]);
    let printed = tools::succeed(&mut host.command());
    assert_eq!(printed, block("text"), "the tutorial says something else");
    let lines = block("c").lines().filter(|line| !line.is_empty()).count();
    assert!(lines < 70, "a tutorial is short");
}
