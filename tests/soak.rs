//! Hours of mixed transfers on a clock that is a number, with what goes wrong around a PBX: answers that
//! never come, phones that hang up, requests that come twice or damaged. Each of them has one outcome,
//! nothing is left, and the memory at rest stays the same.
//!
//! `SOAK_SECONDS` is how long, on that clock; `SOAK_SEED` which run of chance.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use support::tools;

#[test]
fn hours_of_transfers_have_one_outcome_each_and_leave_nothing() {
    let dir = tools::workshop("soak");
    let files = [tools::c_source("soak.c"), tools::c_source("soak_acts.c")];
    // The counting functions of the executable must be found by the shared object.
    let host = tools::host(&tools::release(), &dir, "soak", &files, &["-rdynamic"]);
    let variable = |name: &str, usual: &str| std::env::var(name).unwrap_or(usual.to_owned());
    let seconds = variable("SOAK_SECONDS", "7200");
    for seed in variable("SOAK_SEED", "1 2").split_whitespace() {
        let printed = tools::succeed(host.command().arg(&seconds).arg(seed));
        println!("{printed}");
        let line = printed.lines().find_map(|it| it.strip_prefix("hard: soak-virtual "));
        let numbers: Vec<u64> =
            line.expect("a line that sums up").split(' ').map(|it| it.parse().unwrap()).collect();
        let [cases, faults, findings, lost] = numbers[..] else { panic!("{numbers:?}") };
        assert!(cases > 10 && faults > 10, "{printed}");
        assert_eq!((findings, lost), (0, 0), "{printed}");
    }
}
