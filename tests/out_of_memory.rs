//! Memory that cannot be had: where what is kept grows, the answer is a status and all else stays as it
//! was. For the small pieces (an Arc, a Box, a node of a tree) Rust's library knows only to end the
//! process: that is all that happens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::os::unix::process::ExitStatusExt;
use support::tools::{self, Host};

const SIGABRT: i32 = 6;

fn host(name: &str) -> Host {
    let dir = tools::workshop(name);
    let files = [tools::c_source("out_of_memory.c")];
    tools::host(&tools::release(), &dir, "out_of_memory", &files, &["-rdynamic"])
}

fn numbers(printed: &str) -> Vec<u64> {
    printed
        .split(|letter: char| !letter.is_ascii_digit())
        .filter_map(|it| it.parse().ok())
        .collect()
}

/// A table of dialogs that cannot grow takes no more, says so, and keeps what it has.
#[test]
fn a_table_that_cannot_grow_answers_with_a_status() {
    let printed =
        tools::succeed(host("oom-large").command().arg("large").env("RUST_BACKTRACE", "0"));
    let [_, failed, kept, refused] = numbers(&printed)[..] else { panic!("{printed}") };
    assert!(failed > 100, "{printed}");
    assert!(kept > 1_000, "{printed}");
    assert!(refused > 1_000, "{printed}");
}

/// Any single allocation that fails leads to a status or to an end by SIGABRT; to nothing else.
#[test]
fn no_failed_allocation_leads_to_anything_but_a_status_or_an_abort() {
    let host = host("oom-each");
    let all = numbers(&tools::succeed(host.command().arg("count")))[0];
    assert!(all > 300, "{all} allocations");
    let (mut statuses, mut aborts) = (0, 0);
    // Each of the first hundred, then some.
    for number in (1..=100).chain((101..=all).step_by(29)) {
        let output =
            tools::finish(host.command().arg(number.to_string()).env("RUST_BACKTRACE", "0"));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        match (output.status.code(), output.status.signal()) {
            (Some(0), _) => statuses += 1,
            (None, Some(SIGABRT)) => {
                assert!(told.contains("memory allocation of"), "allocation {number}: {told}");
                aborts += 1;
            }
            other => panic!("allocation {number}: {other:?}: {told}"),
        }
    }
    println!("{statuses} statuses, {aborts} aborts of {all} allocations");
    assert!(statuses > 0);
}
