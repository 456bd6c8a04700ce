//! No allocation on the way of a verdict: a C host counts what reaches malloc and its relatives,
//! from the first verdict of a fresh engine on.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use support::tools;

#[test]
fn verdicts_allocate_nothing() {
    let dir = tools::workshop("no_allocation");
    let files = [tools::c_source("no_allocation.c")];
    // The counting functions of the executable must be found by the shared object.
    let host = tools::host(&tools::release(), &dir, "no_allocation", &files, &["-rdynamic"]);
    let printed = tools::succeed(&mut host.command());
    assert!(printed.contains("allocations by sipxfer_engine_new"), "{printed}");
}
