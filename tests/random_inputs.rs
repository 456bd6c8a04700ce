//! Random sequences of inputs, shrunk by proptest where one goes wrong: at most one final NOTIFY and
//! none after it, nothing before the answer, one outcome once time has passed, no panic.
//!
//! The sequences are the same on every run; PROPTEST_CASES makes them more, and `make fuzz` looks for
//! others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod sequences;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sequences::{engine, lot, recipient, takeover, transferor, Case};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Runs at least `cases` sequences of up to `steps` inputs and counts what each has been through: every
/// word must have come by in one of five hundred.
fn run_all(cases: u32, steps: usize, words: &[&str], run: impl Fn(&Case) -> Vec<String>) {
    let asked = Config::default().cases;
    let config = Config { cases: asked.max(cases), failure_persistence: None, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let seen = RefCell::new(BTreeMap::new());
    let input = (any::<(u128, u128)>(), vec(any::<u128>(), 0..steps));
    let result = runner.run(&input, |(settings, steps)| {
        for word in run(&Case::of_numbers(settings, &steps)) {
            *seen.borrow_mut().entry(word).or_insert(0_u32) += 1;
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    let seen = seen.into_inner();
    for word in words {
        assert!(seen.get(*word).is_some_and(|count| *count > cases / 500), "{word}: {seen:?}");
    }
}

fn word(what: &str, holds: bool) -> Option<String> {
    holds.then(|| what.to_owned())
}

/// One command about the original call and only on failure, and all the rest that the watch looks at.
#[test]
fn r043_r047_r081_received_transfers_have_one_outcome() {
    let words = [
        "200",
        "302",
        "404",
        "408",
        "486",
        "487",
        "503",
        "603",
        "hung up",
        "subscription timed out",
        "recalled behind the outcome",
        "subscribed explicitly",
    ];
    run_all(10_000, 30, &words, |case| {
        let watch = recipient::run(case);
        let code = watch.finished.map(|code| code.to_string());
        let more = [
            word("hung up", watch.hang_ups > 0),
            word("subscription timed out", watch.ended_early()),
            word("recalled behind the outcome", watch.late_recalls > 0),
            word("subscribed explicitly", watch.begun > 0),
        ];
        more.into_iter().chain([code]).flatten().collect()
    });
}

#[test]
fn r082_r086_sent_transfers_have_one_outcome_and_nothing_behind_it() {
    let words = ["success", "second try", "call kept", "both calls of the target dropped"];
    run_all(10_000, 20, &words, |case| {
        let seen = transferor::run(case);
        let words = [
            word("success", seen.success),
            word("second try", seen.refers == 2),
            word("call kept", seen.kept),
            word("both calls of the target dropped", seen.drops == 2),
        ];
        words.into_iter().flatten().collect()
    });
}

#[test]
fn r012_r014_takeovers_never_end_the_old_dialog_before_the_answer() {
    let words = ["failed", "taken", "the old one ended"];
    run_all(10_000, 14, &words, |case| {
        let seen = takeover::run(case);
        let words = [
            word("failed", !seen.taken),
            word("taken", seen.taken),
            word("the old one ended", seen.ended_old),
        ];
        words.into_iter().flatten().collect()
    });
}

#[test]
fn r034_r043_engines_lose_no_transfer() {
    let words = engine::WORDS;
    run_all(2_000, 60, words, |case| engine::run(case).into_iter().map(str::to_owned).collect());
}

/// One takeover of a dialog at a time, one claim of a parked call, and in the end none of either.
#[test]
fn r012_r096_engines_lose_no_takeover_and_no_parked_call() {
    let words = lot::WORDS;
    run_all(2_000, 60, words, |case| lot::run(case).into_iter().map(str::to_owned).collect());
}
