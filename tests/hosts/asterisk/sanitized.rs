//! The module and the library under AddressSanitizer, in an Asterisk that is not built for it: every
//! access of theirs is looked at, and every piece of the heap, whoever uses it. What they have lost
//! is told when Asterisk ends.
//!
//! SIPXFER_ASTERISK_UNDER=asan runs the other tests that way too.

use super::config::{Group, TCP, TLS, UDP};
use super::scenario::Scenario;
use super::world::{World, TRUNK};
use super::{attended, hostile, replaces, table, Module, Under};
use std::fs;
use std::path::Path;

/// Its options: reports go to files, each line of a stack names its shared object, and a finding ends
/// the Asterisk.
pub fn options(dir: &Path) -> String {
    let log = dir.join("log/address").display().to_string();
    let format = "    #%n %p in %f %S (%m)";
    format!("log_path={log}:detect_leaks=1:malloc_context_size=12:stack_trace_format=\"{format}\"")
}

/// Whether a stack goes through the module or the library.
fn is_ours(report: &str) -> bool {
    report.lines().any(|line| line.contains("res_pjsip_sipxfer") || line.contains("libsipxfer"))
}

/// Reports that name the module or the library. Asterisk has leaks of its own.
pub fn findings(dir: &Path) -> String {
    let mut found = String::new();
    for entry in fs::read_dir(dir.join("log")).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with("address.") {
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (other, leaks) = match text.find("ERROR: LeakSanitizer") {
            Some(at) => text.split_at(at),
            None => (text.as_str(), ""),
        };
        if is_ours(other) {
            found.push_str(other);
        }
        let ours = |block: &&str| block.contains(" leak of ") && is_ours(block);
        for block in leaks.split("\n\n").filter(ours) {
            found.push_str(block);
            found.push_str("\n\n");
        }
    }
    found
}

/// Plays scenarios, some at a time, ends both Asterisks and looks at what was found.
fn clean(name: &str, list: &[(&'static Scenario, &'static Group)]) {
    let world = World::start_under(Under::AddressSanitizer, name, Module::Sipxfer, TRUNK);
    std::thread::scope(|scope| {
        for some in list.chunks(list.len().div_ceil(6)) {
            let world = &world;
            scope.spawn(move || {
                some.iter().for_each(|(scenario, group)| scenario.check_in(world, group));
            });
        }
    });
    for one in [&world.a, &world.b] {
        one.stop();
    }
    let found = world.findings();
    assert!(found.is_empty(), "{found}");
}

#[test]
fn some_transfers_have_no_finding_of_address_sanitizer() {
    let titles = [
        "Blind, the target answers",
        "Attended, both calls at one Asterisk",
        "Attended, the second call at another Asterisk",
        "Pickup of a ringing phone by the same account, early-only",
        "REFER with a Refer-To that is refused",
        "INVITE with Replaces from somebody else",
    ];
    let list = titles.map(|title| (table::scenario(title), UDP));
    clean("asan", &list);
}

#[test]
#[ignore = "takes minutes; make hard runs it"]
fn all_transfers_have_no_finding_of_address_sanitizer() {
    let mut list: Vec<(&'static Scenario, &'static Group)> =
        table::scenarios().into_iter().map(|one| (one, UDP)).collect();
    for (all, group) in [(attended::ALL, TCP), (replaces::ALL, TLS), (hostile::ALL, TCP)] {
        list.extend(all.iter().map(|one| (*one, group)));
    }
    clean("asan-all", &list);
    println!("hard: asterisk-sanitized {} 0 0 0", list.len());
}
