//! An attended transfer between three engines, transferor, transferee and target, over a network that
//! loses, duplicates and reorders, on a virtual clock: nobody loses a call.
#![allow(clippy::indexing_slicing)]

mod common_rules;
mod parties;

use common_rules::sending::Told;
use parties::Run;

#[test]
fn r011_r012_r081_an_attended_transfer_ends_with_the_takeover_and_nobody_loses_a_call() {
    let mut seen = [0; 3];
    for seed in 0..2_000 {
        println!("seed {seed}");
        let mut run = Run::new(seed, &[0, 10, 20, 30]);
        run.play();
        run.check();
        run.check_calls();
        let success = matches!(run.outcome, Some(Told::Success(_)));
        seen[if run.left { 2 } else { usize::from(success) }] += 1;
    }
    assert!(seen.iter().all(|seen| *seen > 50), "{seen:?}");
}

#[test]
fn r012_over_a_network_that_hardly_works_no_call_is_ended_for_a_takeover_that_failed() {
    let mut seen = [0; 2];
    for seed in 0..600 {
        println!("seed {seed}");
        let mut run = Run::new(seed, &[60, 90, 97]);
        run.play();
        run.check();
        seen[usize::from(matches!(run.outcome, Some(Told::Success(_))))] += 1;
    }
    assert!(seen.iter().all(|seen| *seen > 20), "{seen:?}");
}
