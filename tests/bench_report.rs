//! What `make bench` makes of its numbers: tables, charts that are XML, and a line for each goal.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fs;
use support::tools;

/// Every number that a chart needs, and a few for the goals.
fn numbers() -> String {
    let mut lines = String::new();
    for size in [1_000, 10_000, 100_000, 1_000_000] {
        for kind in ["hit", "mixed"] {
            lines += &format!("{kind}-{size}-ns 140\n{kind}-{size}-each-of-two-ns 142\n");
        }
        lines += &format!("floor-{size}-ns 70\n");
    }
    for work in ["hit", "response", "parse", "refer-to", "refer"] {
        for (side, ns) in [("sipxfer", 150), ("pjsip", 1_800), ("sofia-sip", 2_400)] {
            lines += &format!("{work}-{side}-1000 {ns}\n");
        }
    }
    lines + "tick-growth 2.5\nhit-allocating 0\ntransfer-bytes 600\nheaders-exponent 1.06\n"
}

#[test]
fn goals_are_met_or_missed_by_their_bounds_and_charts_are_drawn() {
    let dir = tools::workshop("bench_report");
    let results = dir.join("results");
    fs::write(&results, numbers()).unwrap();
    let script = tools::root().join("scripts/bench_report.py");
    let told = tools::succeed(tools::program("python3").arg(script).arg(&results).arg(&dir));
    for line in [
        "goal INVITE to verdict, ns, 1 thousand dialogs: 140 (goal at most 150) met",
        "goal INVITE to verdict, times pjsip, 1 thousand dialogs: 12 (goal at least 10) met",
        "goal INVITE to verdict, instructions in malloc and its like: 0 (goal at most 0) met",
        "goal bytes per transfer, 1 million, blind: 600 (goal at most 600) met",
        "goal tick with ten due, instructions among 1 million in those among 1 thousand: 2.50 \
         (goal at most 2) missed",
        "goal growth with header lines, exponent: 1.06 (goal at most 1.05) missed",
        "goal batch, ns per message, 1 million dialogs: not measured (goal at most 160) missed",
        "| INVITE with Replaces to the verdict, 1 thousand dialogs | 150 | 1,800 | 2,400 | 12.0 | \
         16.0 | 70 | 2.1 |",
    ] {
        assert!(told.lines().any(|it| it == line), "{line}\nis not in\n{told}");
    }
    let goals = fs::read_to_string(dir.join("goals.txt")).unwrap();
    assert!(goals.lines().all(|it| it.ends_with(" met") || it.ends_with(" missed")), "{goals}");
    for (name, lines) in [("comparison.svg", 1), ("scaling.svg", 4)] {
        let text = fs::read_to_string(dir.join(name)).unwrap();
        let chart = roxmltree::Document::parse(&text).expect(name);
        let drawn = chart.descendants().filter(|it| it.has_tag_name("polyline")).count();
        assert!(drawn >= lines, "{name}: {text}");
        assert!(chart.descendants().any(|it| it.has_tag_name("title")), "{name}: {text}");
    }
}
