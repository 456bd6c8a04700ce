//! What a stranger's message costs grows with its length and with nothing else: instructions are
//! counted by callgrind, and an exponent is fitted through four lengths.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod hostile;
mod support;

use support::tools::{self, Host};

const LENGTHS: [u32; 4] = [8_000, 16_000, 32_000, 64_000];

/// Instructions that callgrind counts in the verdicts of a program.
fn counted(host: &Host, toggles: &[&str], arguments: &[&str]) -> f64 {
    let plain = host.command();
    let mut command = tools::program("valgrind");
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.arg("--tool=callgrind");
    command.args(toggles.iter().map(|toggle| format!("--toggle-collect={toggle}")));
    command.args(["--callgrind-out-file=/dev/null", "--"]).arg(plain.get_program());
    command.args(arguments);
    let output = tools::finish(&mut command);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {told}");
    let count = told.lines().find_map(|line| line.split_once("Collected : "));
    count.and_then(|(_, count)| count.trim().parse().ok()).expect(&told)
}

/// Instructions of the verdicts of one round on messages that are so much longer.
fn instructions(host: &Host, kind: &str, bytes: u32) -> f64 {
    let toggles = ["sipxfer_replaces_verify_request"];
    counted(host, &toggles, &["work", &format!("{kind}:{bytes}"), "1"])
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

/// What a hostile message costs (tests/hostile) has no more to do with its kind than this: so many
/// instructions for each byte in all verdicts and in the answer, beyond what any message costs.
const MOST_A_BYTE: f64 = 1_200.0;

#[test]
fn no_hostile_message_costs_more_than_its_length() {
    let dir = tools::workshop("hostile-cost");
    let host = tools::host(
        &tools::release(),
        &dir,
        "hostile_cost",
        &[tools::c_source("hostile_cost.c")],
        &[],
    );
    let toggles = [
        "sipxfer_replaces_verify_request",
        "sipxfer_join_verify_request",
        "sipxfer_refer_route",
        "sipxfer_response_print",
    ];
    let cost = |name: &str, bytes: &[u8]| {
        let file = tools::write_bytes(dir.join(name), bytes);
        counted(&host, &toggles, &[file.to_str().expect("a path that is text")])
    };
    let (short, long) = (hostile::recipes(16_000), hostile::recipes(64_000));
    for (short, long) in short.iter().zip(&long) {
        assert_eq!(short.name, long.name);
        // The levels of the nested one do not come to the same length.
        let longer = long.bytes.len() as f64 / short.bytes.len() as f64;
        let (less, more) = (cost(&short.name, &short.bytes), cost(&long.name, &long.bytes));
        let exponent = (more / less).ln() / longer.ln();
        let a_byte = (more - less) / (long.bytes.len() - short.bytes.len()) as f64;
        println!("{}: {a_byte:.0} instructions a byte, exponent {exponent:.2}", long.name);
        assert!(exponent < 1.05, "{}: {exponent:.2} by {less} and {more}", long.name);
        assert!(a_byte < MOST_A_BYTE, "{}: {a_byte:.0} instructions a byte", long.name);
    }
    // The small ones in one run: nothing that a few bytes can say is dear.
    let mut command = vec![];
    let mut bytes = 0;
    for small in hostile::files() {
        bytes += small.bytes.len();
        let path = hostile::folder().join(format!("{}.sip", small.name));
        command.push(path.to_str().expect("a path that is text").to_owned());
    }
    let files: Vec<&str> = command.iter().map(String::as_str).collect();
    let all = counted(&host, &toggles, &files);
    let own = all / files.len() as f64 - MOST_A_BYTE * bytes as f64 / files.len() as f64;
    assert!(own < 60_000.0, "{own:.0} instructions beyond the length, in the middle");
}
