//! The manual pages that are installed.

use super::{prefix, tools};
use serde_json::Value;
use std::process::Command;

const PAGES: [(&str, &str); 3] =
    [("man1", "sipxfer.1"), ("man3", "libsipxfer.3"), ("man5", "sipxfer.conf.5")];

fn tool(arguments: &[&str]) -> Command {
    let mut command = tools::program(prefix().join("bin/sipxfer"));
    command.args(arguments);
    command
}

/// A page as a reader sees it, in long lines, without what makes letters bold.
fn shown(folder: &str, page: &str) -> String {
    let mut mandoc = tools::program("mandoc");
    mandoc.args(["-T", "ascii", "-O", "width=1000"]);
    mandoc.arg(prefix().join("share/man").join(folder).join(page));
    let text = tools::succeed(&mut mandoc);
    let mut plain = String::new();
    for letter in text.chars() {
        if letter == '\u{8}' {
            plain.pop();
        } else {
            plain.push(letter);
        }
    }
    plain
}

/// A program that reads man(7) finds nothing wrong; that they bear no date is meant.
#[test]
fn pages_are_well_formed() {
    for (folder, page) in PAGES {
        let mut mandoc = tools::program("mandoc");
        mandoc.args(["-T", "lint", "-W", "warning"]);
        mandoc.arg(prefix().join("share/man").join(folder).join(page));
        let output = tools::finish(&mut mandoc);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let found: Vec<_> = said.lines().filter(|line| !line.contains("missing date")).collect();
        assert!(found.is_empty(), "{page}: {found:#?}");
        assert!(said.lines().count() <= 1, "{said}");
    }
}

#[test]
fn the_page_of_the_command_says_what_help_says() {
    let text = shown("man1", "sipxfer.1");
    for topic in ["explain", "parse", "settings", "rules"] {
        let help = tools::succeed(&mut tool(&["help", topic]));
        for word in help.split_whitespace() {
            assert!(text.contains(word.trim_end_matches(':')), "{topic}: \"{word}\" is missing");
        }
    }
    for word in tools::succeed(&mut tool(&["--help"])).split_whitespace() {
        // The title of a page has no full stop.
        assert!(text.contains(word.trim_end_matches([':', '.'])), "\"{word}\" is missing");
    }
}

#[test]
fn the_page_of_the_settings_has_every_setting() {
    let text = shown("man5", "sipxfer.conf.5");
    let settings = tools::succeed(&mut tool(&["settings", "--json"]));
    let settings: Value = serde_json::from_str(&settings).unwrap();
    let settings = settings.as_array().unwrap();
    assert!(settings.len() > 30);
    for setting in settings {
        let part = |name: &str| setting[name].as_str().unwrap();
        let name = format!("\n       {}", part("name"));
        assert!(text.contains(&name), "{} is missing", part("name"));
        for key in ["values", "default"] {
            assert!(text.contains(part(key)), "{}: {key} is missing", part("name"));
        }
        // The first letter is a capital there.
        assert!(text.contains(&part("help")[1..]), "{}: help is missing", part("name"));
    }
}

#[test]
fn the_page_of_the_library_has_every_function_and_error() {
    let text = shown("man3", "libsipxfer.3");
    let header = tools::header_text();
    let mut functions = 0;
    for line in header.lines().filter(|line| line.starts_with(|it: char| it.is_ascii_lowercase())) {
        let before = line.split('(').next().unwrap();
        let Some((_, name)) = before.rsplit_once([' ', '*']) else { continue };
        if line.contains('(') && name.starts_with("sipxfer_") {
            functions += 1;
            assert!(text.contains(&format!("{name}(")), "{name} is missing");
        }
    }
    assert!(functions > 60, "{functions}");
    for error in header.lines().filter_map(|line| line.strip_prefix("#define SIPXFER_E_")) {
        let name = error.split(' ').next().unwrap();
        assert!(text.contains(&format!("\n       SIPXFER_E_{name}\n")), "{name} is missing");
    }
}

#[test]
fn an_unknown_page_is_told() {
    let output = tools::finish(&mut tool(&["man", "sipxfer.7"]));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("expected sipxfer.1, libsipxfer.3 or sipxfer.conf.5"), "{said}");
}
