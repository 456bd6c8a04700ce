//! What `sipxfer explain` shows on a terminal: colours, and how far it has come. That it says nothing of the
//! kind elsewhere is seen by all other tests, which want exactly what it prints.

use super::{run_with, scratch_file};
use std::process::{Command, Stdio};

const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/not-trusted.pcap");
/// What begins a colour.
const COLOUR: &str = "\x1b[";

/// What the tool shows on a terminal, with these variables; `script` (bsdutils) makes the terminal.
fn shown(file: &str, variables: &[&str]) -> String {
    let command = format!("'{}' explain '{file}'", env!("CARGO_BIN_EXE_sipxfer"));
    let output = Command::new("env")
        .args(["-u", "NO_COLOR", "TERM=xterm"])
        .args(variables)
        .args(["script", "--quiet", "--return", "--command", &command, "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .expect("script can be run: the package bsdutils has it");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

fn without_colours(text: &str) -> String {
    let mut parts = text.split(COLOUR);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once('m').expect("a colour ends with m").1)
}

#[test]
fn colours_are_for_terminals_and_for_who_has_not_said_no() {
    let plain = shown(CAPTURE, &["NO_COLOR=1"]);
    assert!(plain.contains("403") && !plain.contains(COLOUR), "{plain}");
    assert_eq!(shown(CAPTURE, &["TERM=dumb"]), plain);
    let coloured = shown(CAPTURE, &[]);
    assert!(coloured.contains(COLOUR));
    assert_eq!(without_colours(&coloured), plain, "the same words");

    // Into a pipe or a file there are none.
    let piped = run_with(&["explain", CAPTURE], b"");
    let piped = String::from_utf8(piped.stdout).unwrap();
    assert!(piped.contains("403") && !piped.contains(COLOUR), "{piped}");
}

#[test]
fn a_long_capture_shows_how_far_it_is_on_a_terminal() {
    let capture = std::fs::read(CAPTURE).unwrap();
    let (header, packets) = capture.split_at(24);
    let mut long = header.to_vec();
    while long.len() < 17 << 20 {
        long.extend_from_slice(packets);
    }
    let long = scratch_file("long.pcap", &long);
    let of = "of 17.0";
    assert!(shown(&long, &[]).contains(of), "how far it is");
    assert!(!shown(CAPTURE, &[]).contains(" of "), "a short one is done at once");
}
