//! What a stranger's message costs grows with its length and with nothing else: instructions are
//! counted by callgrind, and an exponent is fitted through four lengths.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use support::tools::{self, Host};

const LENGTHS: [u32; 4] = [8_000, 16_000, 32_000, 64_000];

/// Instructions of the verdicts of one round on messages that are so much longer.
fn instructions(host: &Host, kind: &str, bytes: u32) -> f64 {
    let plain = host.command();
    let mut command = tools::program("valgrind");
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(["--tool=callgrind", "--toggle-collect=sipxfer_replaces_verify_request"]);
    command.args(["--callgrind-out-file=/dev/null", "--"]).arg(plain.get_program());
    command.args(["work", &format!("{kind}:{bytes}"), "1"]);
    let output = tools::finish(&mut command);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{kind}: {told}");
    let count = told.lines().find_map(|line| line.split_once("Collected : "));
    count.and_then(|(_, count)| count.trim().parse().ok()).expect(&told)
}

/// The slope of the line through the logarithms, by least squares.
fn exponent(costs: &[f64; 4]) -> f64 {
    let points = LENGTHS.iter().zip(costs).map(|(x, y)| (f64::from(*x).ln(), y.ln()));
    let (xs, ys): (Vec<f64>, Vec<f64>) = points.unzip();
    let middle = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (x, y) = (middle(&xs), middle(&ys));
    let above: f64 = xs.iter().zip(&ys).map(|(a, b)| (a - x) * (b - y)).sum();
    above / xs.iter().map(|a| (a - x).powi(2)).sum::<f64>()
}

#[test]
fn headers_folds_and_parameters_cost_no_more_than_their_length() {
    let dir = tools::workshop("linear");
    let source = tools::root().join("benches/goals.c");
    let host = tools::host(&tools::release(), &dir, "goals", &[source], &[]);
    for kind in ["headers", "folds", "params"] {
        let costs = LENGTHS.map(|bytes| instructions(&host, kind, bytes));
        let exponent = exponent(&costs);
        assert!(exponent < 1.05, "{kind}: {exponent:.2} by {costs:?}");
        // Each byte is looked at: the messages are what they are meant to be.
        assert!(costs[3] / 64.0 > 64_000.0 / 8.0, "{kind}: {costs:?}");
    }
}
