//! The command line tool, run on the files of `tests/cli`: what it prints in both forms, and its
//! exit statuses.
#![cfg(feature = "cli")]
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "cli/captures.rs"]
mod captures;
#[path = "cli/parse.rs"]
mod parse;
#[path = "cli/unusable.rs"]
mod refused;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/verdicts.rs"]
mod verdicts;

use serde_json::{json, Value};
use std::io::Write;
use std::process::{Command, Output, Stdio};

fn tool(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipxfer"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli")).args(args);
    command
}

fn run_with(args: &[&str], stdin: &[u8]) -> Output {
    let mut child = tool(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // A tool that refuses its command line reads nothing.
    let _ = pipe.write_all(stdin);
    drop(pipe);
    child.wait_with_output().unwrap()
}

/// stdout of a run that ends well and says nothing on stderr.
fn printed(args: &[&str], stdin: &[u8]) -> String {
    let output = run_with(args, stdin);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// stdout and stderr of a run that ends with 2.
fn unusable(args: &[&str], stdin: &[u8]) -> (String, String) {
    let output = run_with(args, stdin);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stdout}{stderr}");
    assert!(stderr.starts_with("sipxfer: "), "{args:?}: {stderr}");
    (stdout, stderr)
}

const FILES: [&str; 5] = ["explain", "--config", "pbx.toml", "--dialogs", "dialogs.toml"];

/// What is decided about a request from an endpoint; from a stranger where that is empty.
fn text(endpoint: &str, file: &str, more: &[&str], stdin: &[u8]) -> String {
    let mut args = FILES.to_vec();
    if !endpoint.is_empty() {
        args.extend(["--endpoint", endpoint]);
    }
    args.extend(more);
    args.push(file);
    printed(&args, stdin)
}

fn decided(endpoint: &str, file: &str, more: &[&str], stdin: &[u8]) -> Value {
    let more = [more, &["--json"]].concat();
    serde_json::from_str(&text(endpoint, file, &more, stdin)).unwrap()
}

fn file(name: &str) -> String {
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/");
    std::fs::read_to_string(format!("{place}{name}")).unwrap()
}

/// A request of the files with one line put in the place of the one that begins as it does.
fn with_line(name: &str, line: &str) -> String {
    let start = &line[..=line.find(':').unwrap()];
    let request = file(name);
    let lines = request.lines().map(|it| if it.starts_with(start) { line } else { it });
    let changed: String = lines.map(|it| format!("{it}\r\n")).collect();
    assert!(changed.contains(line), "{name} has no line {start}");
    changed
}

fn invite(replaces: &str) -> String {
    with_line("invite-replaces.sip", &format!("Replaces: {replaces}"))
}

fn refer(refer_to: &str) -> String {
    with_line("refer-blind.sip", &format!("Refer-To: {refer_to}"))
}

/// `verdict code rules`, of the rules those that `expected` names too.
fn summary(found: &Value, expected: &str) -> String {
    let rules = found["rules"].as_array().unwrap();
    let holds = |id: &&str| rules.iter().any(|rule| rule == id);
    let named = expected.split(' ').skip(2).filter(holds);
    let mut words = vec![found["verdict"].as_str().unwrap().to_owned()];
    words.push(found["code"].to_string());
    words.extend(named.map(str::to_owned));
    words.join(" ")
}

/// Compares the verdict and the code, and sees that all rules are there.
#[track_caller]
fn assert_verdict(found: &Value, expected: &str, of: &str) {
    assert_eq!(summary(found, expected), expected, "{of}: {}", found["rules"]);
}

fn scratch_file(name: &str, bytes: &[u8]) -> String {
    let path = format!("{}/cli-{name}", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn settings_rules_help_and_version_are_printed() {
    let listed: Value = serde_json::from_str(&printed(&["settings", "--json"], b"")).unwrap();
    let text = printed(&["settings"], b"");
    let registry = sipxfer::config::settings();
    assert_eq!(listed.as_array().unwrap().len(), registry.len());
    for (found, setting) in listed.as_array().unwrap().iter().zip(registry) {
        assert_eq!(found["name"], setting.name);
        assert_eq!(found["default"], setting.default);
        assert_eq!(found["per_endpoint"], setting.per_endpoint);
        let line = format!("{} = \"{}\"\n", setting.name, setting.default);
        assert!(text.contains(&line), "{line}");
    }
    let one = "R014  RFC 3891 section 3: a confirmed dialog is ended with BYE after the new INVITE was answered\n";
    for id in ["R014", "r14", "14"] {
        assert_eq!(printed(&["rules", id], b""), one);
    }
    let all = printed(&["rules"], b"");
    assert!(all.contains(one) && all.lines().count() == sipxfer::rule::Rule::all().count());
    let found: Value = serde_json::from_str(&printed(&["rules", "R014", "--json"], b"")).unwrap();
    assert_eq!(found[0]["id"], "R014");

    let version = format!("sipxfer {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(printed(&["--version"], b""), version);
    for command in ["explain", "parse", "settings", "rules"] {
        let help = printed(&["help", command], b"");
        assert_eq!(printed(&[command, "--help"], b""), help);
        assert!(help.contains(&format!("sipxfer {command}")), "{help}");
        assert!(printed(&["--help"], b"").contains(&format!("sipxfer {command}")));
    }
}

#[test]
#[cfg(unix)]
fn a_reader_that_goes_away_is_no_error() {
    let mut child =
        tool(&["rules", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    if cfg!(target_os = "linux") {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = tool(&["rules"]).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stderr.starts_with(b"sipxfer: stdout: "));
    }
}
