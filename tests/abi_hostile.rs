//! Whatever a host hands in, the library answers with a status: every function of the header with
//! every argument wrong in turn, and callbacks that fail, lie and call back.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use support::generator;
use support::model::{Model, Ty};
use support::tools::{self, Library};

fn run(name: &str, library: &Library, flags: &[&str]) {
    let generated = generator::hostile_functions(Model::of_header()).unwrap_or_else(|unknown| {
        panic!("no valid call is known for:\n  {}", unknown.join("\n  "))
    });
    let dir = tools::workshop(name);
    let files = [
        tools::c_source("hostile_driver.c"),
        tools::c_source("hostile_world.c"),
        tools::c_source("hostile_takeovers.c"),
        tools::c_source("hostile_park.c"),
        tools::c_source("hostile_explicit.c"),
        tools::c_source("hostile_lookups.c"),
        tools::write(
            dir.join("hostile_functions.c"),
            &format!(
                "#include \"hostile_transfers.h\"\n#include \"hostile_takeovers.h\"\n\
                 #include \"hostile_park.h\"\n#include \"hostile_lookups.h\"\n{generated}"
            ),
        ),
    ];
    let host = tools::host(library, &dir, "hostile", &files, flags);
    let printed = tools::succeed(&mut host.command());
    let count = format!("{} functions, ", Model::of_header().functions.len());
    assert!(printed.contains(&count), "not every function was called: {printed}");
}

#[test]
fn every_function_answers_wrong_arguments_with_a_status() {
    run("hostile", &tools::release(), tools::ADDRESS);
}

/// The same against a library with debug assertions, overflow checks and AddressSanitizer inside.
#[test]
fn every_function_stays_within_the_memory_it_is_given() {
    run("hostile-asan", &tools::address_sanitized(), &[]);
}

/// The host whose callbacks misbehave, and its scenarios.
const CALLBACKS: [&str; 7] = [
    "callbacks.c",
    "callbacks_again.c",
    "callbacks_host.c",
    "callbacks_transfers.c",
    "callbacks_takeovers.c",
    "callbacks_park.c",
    "callbacks_lookups.c",
];

fn run_callbacks(name: &str, library: &Library, flags: &[&str]) {
    let dir = tools::workshop(name);
    let files = CALLBACKS.map(tools::c_source);
    let host = tools::host(library, &dir, "callbacks", &files, flags);
    tools::succeed(&mut host.command());
}

#[test]
fn callbacks_may_fail_lie_and_call_back() {
    run_callbacks("callbacks", &tools::release(), tools::ADDRESS);
}

#[test]
fn callbacks_that_lie_lead_to_no_memory_but_their_own() {
    run_callbacks("callbacks-asan", &tools::address_sanitized(), &[]);
}

/// A callback that is added to a table gets its scenarios, or is named here.
#[test]
fn every_callback_has_its_scenarios() {
    let mut source = String::new();
    for name in CALLBACKS {
        source.push_str(&fs::read_to_string(tools::c_source(name)).expect("a source of the tests"));
    }
    let mut missing = BTreeSet::new();
    for table in ["sipxfer_directory", "sipxfer_host"] {
        for field in Model::of_header().fields(table) {
            let set = format!(".{} = ", field.name);
            if matches!(field.ty, Ty::Function(_)) && !source.contains(&set) {
                missing.insert(format!("{table}.{}", field.name));
            }
        }
    }
    assert!(missing.is_empty(), "no scenario in tests/c/callbacks.c: {missing:?}");
}
