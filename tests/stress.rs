//! Threads: dialogs are added and removed while others verify, lock and release them. The host
//! frees its object in `release`, so that AddressSanitizer sees any use behind it. Then callbacks of
//! every kind that call back into the library, from several threads.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use support::tools::{self, Library};

fn run(name: &str, library: &Library, flags: &[&str], kind: &str) {
    let printed = play(&["stress.c"], name, library, flags, kind);
    assert!(printed.contains("every dialog was given back"), "{printed}");
}

fn call_back(name: &str, library: &Library, flags: &[&str], kind: &str) {
    let printed =
        play(&["stress_callbacks.c", "stress_callbacks_acts.c"], name, library, flags, kind);
    assert!(printed.contains("all of it was given back and ended"), "{printed}");
}

fn play(files: &[&str], name: &str, library: &Library, flags: &[&str], kind: &str) -> String {
    let dir = tools::workshop(name);
    let files: Vec<_> = files.iter().map(|file| tools::c_source(file)).collect();
    let host = tools::host(library, &dir, "stress", &files, flags);
    let mut command = host.command();
    // The last owner of an Arc is told by a fence that the rest is over, and this sanitizer knows
    // no fences: the standard library has a load in its place only where it is built for it. The Arc that
    // a dialog of the own table stands in does the same.
    let fences = "race:alloc::sync::Arc*drop_slow\nrace:triomphe::arc::Arc*drop_slow\n";
    tools::write(dir.join("tsan.supp"), fences);
    command.current_dir(&dir).env("TSAN_OPTIONS", "suppressions=tsan.supp halt_on_error=1");
    tools::succeed(command.arg(kind))
}

#[test]
fn own_table_under_threads() {
    run("stress-own", &tools::release(), tools::ADDRESS, "own");
}

#[test]
fn own_table_under_threads_with_a_sanitized_library() {
    run("stress-own-asan", &tools::address_sanitized(), &[], "own");
}

#[test]
fn directory_of_the_host_under_threads() {
    run("stress-host", &tools::release(), tools::ADDRESS, "host");
}

#[test]
fn directory_of_the_host_under_threads_with_a_sanitized_library() {
    run("stress-host-asan", &tools::address_sanitized(), &[], "host");
}

#[test]
fn own_table_has_no_races() {
    run("stress-own-tsan", &tools::thread_sanitized(), &[], "own");
}

#[test]
fn directory_of_the_host_has_no_races() {
    run("stress-host-tsan", &tools::thread_sanitized(), &[], "host");
}

fn run_park(name: &str, library: &Library, flags: &[&str]) {
    let printed = play(&["stress_park.c"], name, library, flags, "");
    assert!(printed.contains("no call was lost"), "{printed}");
}

#[test]
fn park_lot_under_threads() {
    run_park("stress-park", &tools::release(), tools::ADDRESS);
}

#[test]
fn park_lot_under_threads_with_a_sanitized_library() {
    run_park("stress-park-asan", &tools::address_sanitized(), &[]);
}

#[test]
fn park_lot_has_no_races() {
    run_park("stress-park-tsan", &tools::thread_sanitized(), &[]);
}

#[test]
fn callbacks_that_call_back_lose_nothing() {
    call_back("callbacks-own-asan", &tools::address_sanitized(), &[], "own");
    call_back("callbacks-host-asan", &tools::address_sanitized(), &[], "host");
}

#[test]
fn callbacks_that_call_back_have_no_races_with_the_own_table() {
    call_back("callbacks-own-tsan", &tools::thread_sanitized(), &[], "own");
}

#[test]
fn callbacks_that_call_back_have_no_races_with_a_directory_of_the_host() {
    call_back("callbacks-host-tsan", &tools::thread_sanitized(), &[], "host");
}
