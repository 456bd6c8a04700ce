//! What a stranger's message costs grows with its length and with nothing else: instructions are
//! counted by callgrind, and an exponent is fitted through four lengths. What a transfer that is under
//! way takes, and what a tick costs among many of them.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod hostile;
mod support;

use support::tools::{self, Host};

const LENGTHS: [u32; 4] = [8_000, 16_000, 32_000, 64_000];

/// The program of the benchmark.
fn bench(dir: &str) -> Host {
    let sources = ["goals.c", "load.c", "transfers.c", "batch.c"];
    let sources = sources.map(|name| tools::root().join("benches").join(name));
    tools::host(&tools::release(), &tools::workshop(dir), "goals", &sources, &[])
}

/// Instructions of one round of a kind of work in a function of the library.
fn instructions(host: &Host, function: &str, kind: &str, size: u32) -> f64 {
    // The program turns it on for the rounds alone.
    let options = ["--instr-atstart=no", &format!("--toggle-collect={function}")];
    counted(host, &options, &["work", &format!("{kind}:{size}"), "1"])
}

/// Instructions that callgrind counts in functions of a program.
fn counted(host: &Host, options: &[&str], arguments: &[&str]) -> f64 {
    let plain = host.command();
    let mut command = tools::program("valgrind");
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.arg("--tool=callgrind").args(options);
    command.args(["--callgrind-out-file=/dev/null", "--"]).arg(plain.get_program());
    command.args(arguments);
    let output = tools::finish(&mut command);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {told}");
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
    let host = bench("linear");
    let verify = "sipxfer_replaces_verify_request";
    for kind in ["headers", "folds", "params"] {
        let costs = LENGTHS.map(|bytes| instructions(&host, verify, kind, bytes));
        let exponent = exponent(&costs);
        assert!(exponent < 1.05, "{kind}: {exponent:.2} by {costs:?}");
        // Each byte is looked at: the messages are what they are meant to be.
        assert!(costs[3] / 64.0 > 64_000.0 / 8.0, "{kind}: {costs:?}");
    }
}

#[test]
fn a_tick_costs_what_is_due_and_not_what_exists() {
    let host = bench("ticks");
    let [few, many] = [1_000, 20_000].map(|all| instructions(&host, "sipxfer_tick", "tick", all));
    assert!(few > 1_000.0, "ten transfers end in {few}");
    assert!(many < 2.0 * few, "ten due among 1,000: {few}, among 20,000: {many}");
}

#[test]
fn a_transfer_that_is_under_way_takes_at_most_600_bytes() {
    // Just above a number at which tables have grown to twice as much.
    let host = bench("transfers_memory");
    let told = tools::succeed(host.command().args(["transfers", "115000"]));
    let bytes_of = |name: &str| -> f64 {
        let line = told.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.and_then(|it| it.parse().ok()).expect(&told)
    };
    for name in ["transfer-bytes", "transfer-application-bytes", "transfer-sent-bytes"] {
        let bytes = bytes_of(name);
        assert!((100.0..=600.0).contains(&bytes), "{name}: {bytes}");
    }
    // Of those of a burst only the dialogs are left, which are remembered for the next REFER (R042).
    let left = bytes_of("transfers-left-bytes");
    assert!(left < 150.0, "{left} of each transfer");
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
        "cost_of_messages",
        &[tools::c_source("cost_of_messages.c")],
        &[],
    );
    let toggles = [
        "--toggle-collect=sipxfer_replaces_verify_request",
        "--toggle-collect=sipxfer_join_verify_request",
        "--toggle-collect=sipxfer_refer_route",
        "--toggle-collect=sipxfer_response_print",
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
