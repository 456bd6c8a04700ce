//! Hostile messages in the spirit of RFC 4475: what is said of each, and that nothing of it goes into a
//! request, a log or the dialplan unread.
//!
//! The messages are in tests/hostile; what is expected of each stands in tests/hostile/verdicts.txt, one
//! line a message: its name, the kind of the verdict, the code, the rules.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod hostile;
#[path = "hostile/judge.rs"]
mod judge;
mod sequences;

use hostile::Hostile;
use judge::judge;
use std::collections::BTreeMap;
use std::fs;

/// What the list says of each message.
fn expected() -> BTreeMap<String, String> {
    let text = fs::read_to_string(hostile::folder().join("verdicts.txt")).expect("the list");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut said = BTreeMap::new();
    for line in lines {
        let (name, verdict) = line.split_once(' ').expect("a name and a verdict");
        assert!(said.insert(name.to_owned(), verdict.trim().to_owned()).is_none(), "{name} twice");
    }
    said
}

/// Compares all of a set with the list; the rest of the list with this prefix must be among them.
fn compare(messages: &[Hostile], prefix: &str) {
    let expected = expected();
    let mut wrong = Vec::new();
    for message in messages {
        let name = format!("{prefix}{}", message.name);
        let verdict = judge(message).to_string();
        let verdict = verdict.trim();
        if expected.get(&name).map(String::as_str) != Some(verdict) {
            let said = expected.get(&name).map_or("nothing", String::as_str);
            wrong.push(format!("{name} {verdict}    where the list says {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let listed = expected.keys().filter(|name| name.contains('/') != prefix.is_empty()).count();
    assert_eq!(listed, messages.len(), "the list names messages that are not there");
}

#[test]
fn each_file_has_the_verdict_that_is_listed() {
    let files = hostile::files();
    assert!(files.len() > 200, "{} messages", files.len());
    compare(&files, "");
}

#[test]
fn each_large_message_has_the_verdict_that_is_listed() {
    compare(&hostile::recipes(64 * 1024), "64k/");
}

#[test]
fn r093_no_line_break_behind_an_escape_in_any_header_of_a_refer_to() {
    let mut refused = 0;
    for (message, is_break) in hostile::breaks_in_headers() {
        let verdict = judge(&message);
        if is_break {
            assert_eq!((verdict.kind, verdict.code), ("reject", 400), "{}", message.name);
            assert_eq!(verdict.rules, [93], "{}", message.name);
            refused += 1;
        }
    }
    assert_eq!(refused, 220);
}

/// Cut anywhere, a message is judged as calmly.
#[test]
fn a_message_that_ends_anywhere_is_judged() {
    const CUT: [&str; 5] = [
        "header-name-escaped",
        "invite-fold-in-quotes",
        "multipart-in-multipart",
        "referred-by-folded",
        "replaces-parameter-quoted",
    ];
    let files = hostile::files();
    let cut: Vec<_> = files.iter().filter(|it| CUT.contains(&it.name.as_str())).collect();
    assert_eq!(cut.len(), CUT.len());
    for message in cut {
        for end in 0..message.bytes.len() {
            let bytes = message.bytes[..end].to_vec();
            judge(&Hostile { name: format!("{} cut at {end}", message.name), bytes });
        }
    }
}
