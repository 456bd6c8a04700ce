//! The table of what both modules do, for readers: made of the scenarios, each cell of which a run
//! has checked.

use super::scenario::Scenario;
use super::{application, attended, blind, hostile, program, replaces, services, subscription};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Every list of scenarios, with what it is about.
pub const LISTS: [(&str, &[&Scenario]); 8] = [
    ("Blind transfers", blind::ALL),
    ("Attended transfers", attended::ALL),
    ("The subscription of a REFER", subscription::ALL),
    ("INVITE with Replaces", replaces::ALL),
    ("Calls in an application", services::ALL),
    ("REFERs that are refused", hostile::ALL),
    ("Transfers of an application (ARI)", application::ALL),
    ("A program that transfers by itself (ARI)", program::ALL),
];

/// Every scenario.
pub fn scenarios() -> Vec<&'static Scenario> {
    LISTS.iter().flat_map(|(_, list)| list.iter().copied()).collect()
}

/// The scenario of this title.
pub fn scenario(title: &str) -> &'static Scenario {
    let found = scenarios().into_iter().find(|one| one.title == title);
    found.unwrap_or_else(|| panic!("no scenario {title}"))
}

fn cell(text: &str) -> String {
    if text.is_empty() {
        "(nothing)".to_owned()
    } else {
        text.replace('|', "\\|")
    }
}

fn rows(out: &mut String, title: &str, all: &[&Scenario]) {
    let _ =
        writeln!(out, "\n## {title}\n\n| | res_pjsip_refer | res_pjsip_sipxfer |\n|---|---|---|");
    for scenario in all {
        let _ = writeln!(out, "| **{}** | | |", cell(scenario.title));
        for (fact, stock, ours) in scenario.cells {
            let ours = if stock == ours { "the same".to_owned() } else { cell(ours) };
            let _ = writeln!(out, "| {} | {} | {ours} |", cell(fact), cell(stock));
        }
    }
}

fn table() -> String {
    let mut out = "# Asterisk's own transfer module and this one\n\n\
        What both do in the scenarios of `tests/hosts/asterisk`, seen on the wire and asked of \
        Asterisk. Alice has called Bob; Bob asks for the transfer. `make check HOSTS=asterisk` \
        plays every scenario with both and compares each cell; this page is made of them:\n\n    \
        SIPXFER_UPDATE_TABLE=1 cargo test --test asterisk table\n"
        .to_owned();
    for (title, list) in LISTS {
        rows(&mut out, title, list);
    }
    out
}

#[test]
fn the_table_in_the_documentation_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/asterisk-modules.md");
    if std::env::var_os("SIPXFER_UPDATE_TABLE").is_some() {
        fs::write(&path, table()).expect("docs/ is writable");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == table(),
        "docs/asterisk-modules.md is not what the scenarios say. Renew it by \
         SIPXFER_UPDATE_TABLE=1 cargo test --test asterisk table"
    );
}
