//! The table of what both modules do, for readers: made of the scenarios, each cell of which a run
//! has checked.

use super::scenario::Scenario;
use super::{application, attended, blind, hostile, program, replaces, services, subscription};
use std::fmt::Write;
use std::fs;
use std::path::Path;

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
    rows(&mut out, "Blind transfers", blind::ALL);
    rows(&mut out, "Attended transfers", attended::ALL);
    rows(&mut out, "The subscription of a REFER", subscription::ALL);
    rows(&mut out, "INVITE with Replaces", replaces::ALL);
    rows(&mut out, "Calls in an application", services::ALL);
    rows(&mut out, "REFERs that are refused", hostile::ALL);
    rows(&mut out, "Transfers of an application (ARI)", application::ALL);
    rows(&mut out, "A program that transfers by itself (ARI)", program::ALL);
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
