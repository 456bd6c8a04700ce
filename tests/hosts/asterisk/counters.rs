//! How many transfers were asked for, seen on the wire, and how many the module decided.

use super::process::Asterisk;
use crate::ua::trace::{Trace, Way};
use crate::ua::Msg;
use std::collections::HashSet;

/// Requests that phones have sent, repetitions not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// REFERs.
    pub refers: u64,
    /// INVITEs with Replaces that were not just challenged.
    pub replaces: u64,
}

impl Asked {
    /// What a trace holds.
    pub fn of(trace: &Trace) -> Asked {
        let mut asked = Asked::default();
        let mut known: HashSet<(String, String)> = HashSet::new();
        let mut challenged: HashSet<(String, String)> = HashSet::new();
        let entries = trace.entries();
        let messages: Vec<(Way, Msg)> = entries
            .iter()
            .filter_map(|entry| Some((entry.way, Msg::parse(&entry.bytes)?)))
            .collect();
        let id = |msg: &Msg| (msg.value("Call-ID").to_owned(), msg.value("CSeq").to_owned());
        for (way, msg) in &messages {
            if *way == Way::Received && matches!(msg.status(), Some(401 | 407)) {
                challenged.insert(id(msg));
            }
        }
        for (way, msg) in &messages {
            if *way != Way::Sent || challenged.contains(&id(msg)) || !known.insert(id(msg)) {
                continue;
            }
            match msg.method() {
                Some("REFER") => asked.refers += 1,
                Some("INVITE") if msg.get("Replaces").is_some() => asked.replaces += 1,
                _ => {}
            }
        }
        asked
    }

    /// Adds others.
    pub fn add(&mut self, more: &Asked) {
        self.refers += more.refers;
        self.replaces += more.replaces;
    }
}

/// A number of `sipxfer show stats`.
pub fn stat(at: &Asterisk, name: &str) -> u64 {
    let text = at.cli("sipxfer show stats");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    number.trim().parse().unwrap_or_else(|_| panic!("{name} is no number in\n{text}"))
}
