//! CDR and CEL: the rows of a transfer are the same with both modules.

use super::ami::Block;
use super::attended;
use super::config::UDP;
use super::process::Asterisk;
use super::world::{Scene, World};
use super::Module;
use crate::ua::call::flows;
use crate::ua::{Call, Phone, PATIENCE};
use std::collections::BTreeSet;
use std::time::Instant;

/// Fields that are the same in every run. Not the Destination of the first leg: with the module that is
/// now and then where the transfer went to, since Asterisk writes it anew as long as the transferor's
/// channel is there, and the module keeps that to tell it the outcome (CHANGELOG, "Not yet").
const CDR: &[&str] = &[
    "Source",
    "DestinationContext",
    "CallerID",
    "Channel",
    "DestinationChannel",
    "LastApplication",
    "LastData",
    "Disposition",
    "AMAFlags",
    "AccountCode",
];
const CEL: &[&str] = &[
    "EventName",
    "AccountCode",
    "CallerIDnum",
    "Exten",
    "Context",
    "Channel",
    "Application",
    "AppData",
    "Peer",
    "Extra",
];

/// Names of phones become letters; ids of channels, calls and bridges go.
fn normal(value: &str, phones: &[&Phone]) -> String {
    let mut text = value.to_owned();
    for (letter, phone) in ["Alice", "Bob", "Carol", "Dave"].iter().zip(phones) {
        text = text.replace(phone.name(), letter);
    }
    let mut words = Vec::new();
    // A word is what ids are made of.
    for word in text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.'))
    {
        let end = word.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        let rest = &word[end.len()..];
        let hex = |part: &str| part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let id = match end.rsplit_once('-') {
            _ if end.len() == 36 && end.split('-').count() == 5 => "(bridge)".to_owned(),
            Some((name, last)) if hex(last) => name.to_owned(),
            _ if end.contains('.') && end.bytes().all(|b| b.is_ascii_digit() || b == b'.') => {
                if end.split('.').count() == 4 {
                    "(address)".to_owned()
                } else {
                    "(id)".to_owned()
                }
            }
            _ => end.to_owned(),
        };
        words.push(format!("{id}{rest}"));
    }
    words.concat()
}

/// The rows of these phones at an Asterisk since the scenario began, sorted; asked for when all
/// calls are over.
fn rows(at: &Asterisk, events: impl Fn() -> Vec<Block>, phones: &[&Phone]) -> Vec<String> {
    let ours = |text: &str| phones.iter().any(|phone| text.contains(phone.name()));
    let end = Instant::now() + PATIENCE;
    // Each question is a round trip through Asterisk.
    loop {
        let active = at.cli("cdr show active");
        let all = events();
        let of = |name: &str| -> BTreeSet<String> {
            let wanted = all.iter().filter(|one| one.event() == "CEL");
            let wanted = wanted.filter(|one| one.get("EventName") == name);
            wanted.map(|one| one.get("LinkedID").to_owned()).collect()
        };
        let begun: BTreeSet<String> = all
            .iter()
            .filter(|one| one.event() == "CEL" && ours(one.get("Channel")))
            .map(|one| one.get("LinkedID").to_owned())
            .collect();
        if !ours(&active) && begun.is_subset(&of("LINKEDID_END")) {
            break;
        }
        assert!(Instant::now() < end, "calls are still counted:\n{active}");
    }
    at.ami.action("Ping", &[]);
    let mut rows: Vec<String> = Vec::new();
    for block in events() {
        let fields = match block.event() {
            "Cdr" => CDR,
            "CEL" => CEL,
            _ => continue,
        };
        let whole = block.lines().iter().any(|(_, value)| ours(value));
        if !whole {
            continue;
        }
        // Which of two channels leaves a bridge first, and which is the last of all, is a race. So is
        // whether the transferor's BYE or Asterisk ends its channel: who did it stands in Extra.
        let racing: &[&str] = match block.get("EventName") {
            "BRIDGE_EXIT" => &["Peer"],
            "LINKEDID_END" => &CEL[1..],
            "HANGUP" => &["Extra"],
            _ => &[],
        };
        let values: Vec<String> = fields
            .iter()
            .filter(|field| !racing.contains(field))
            .map(|field| {
                // How a bridge moves voice changes at times of its own.
                let value = if block.get(field).contains("bridge_technology") {
                    ""
                } else {
                    block.get(field)
                };
                normal(value, phones)
            })
            .collect();
        rows.push(format!("{} {}", block.event(), values.join(" | ")));
    }
    rows.sort();
    rows
}

/// Ends the first call, with which the others end.
fn over(calls: &[&Call]) {
    if calls[0].is_up() {
        calls[0].hang_up().status();
    }
    for call in calls {
        call.ended();
    }
}

fn blind(scene: &Scene<'_>) -> Vec<String> {
    let [alice, bob, carol] = scene.phones(UDP);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    talk.callee.mute();
    let refer = talk.callee.refer_to_user(carol.name()).accepted();
    let third = carol.incoming();
    third.ring();
    refer.until(180);
    third.answer();
    refer.outcome();
    talk.callee.hang_up().status();
    flows(&talk.caller, &third);
    over(&[&talk.caller, &third]);
    rows(&scene.world.a, || scene.events(), &[&alice, &bob, &carol])
}

fn local(scene: &Scene<'_>) -> Vec<String> {
    let [alice, bob, carol] = scene.phones(UDP);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    let second = bob.call(carol.name()).answered_by(&carol);
    second.flows();
    talk.callee.refer_to_call(&second.caller).accepted().outcome();
    flows(&talk.caller, &second.callee);
    second.caller.ended();
    over(&[&talk.callee]);
    over(&[&talk.caller, &second.callee]);
    rows(&scene.world.a, || scene.events(), &[&alice, &bob, &carol])
}

fn remote(scene: &Scene<'_>) -> Vec<String> {
    let all = attended::remote(scene, UDP, UDP);
    let refer_to = attended::refer_to_at_b(scene, &all);
    all.alice_bob.callee.refer(&refer_to).accepted().outcome();
    flows(&all.alice_bob.caller, &all.bob_dave.callee);
    all.bob_dave.caller.ended();
    over(&[&all.alice_bob.callee]);
    over(&[&all.alice_bob.caller, &all.bob_dave.callee]);
    let [alice, bob] = [all.alice_bob.caller.phone(), all.alice_bob.callee.phone()];
    let dave = all.bob_dave.callee.phone();
    let phones = [alice, bob, dave];
    let mut found = rows(&scene.world.a, || scene.events(), &phones);
    found.extend(rows(&scene.world.b, || scene.events_b(), &phones));
    found
}

fn taken_over(scene: &Scene<'_>) -> Vec<String> {
    let [alice, bob] = scene.phones(UDP);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    let replaces = talk.callee.replaces();
    let new = bob.call_with(&bob.uri(), &[("Replaces", &replaces)]);
    new.until_up();
    talk.callee.ended();
    flows(&talk.caller, &new);
    over(&[&new]);
    talk.caller.ended();
    rows(&scene.world.a, || scene.events(), &[&alice, &bob])
}

/// Plays it with both modules and compares.
fn same(play: fn(&Scene<'_>) -> Vec<String>) {
    let stock = play(&World::of(Module::Stock).scene());
    let ours = play(&World::of(Module::Sipxfer).scene());
    let (stock_rows, our_rows) = (stock.join("\n"), ours.join("\n"));
    let more: Vec<&String> = ours.iter().filter(|row| !stock.contains(row)).collect();
    let less: Vec<&String> = stock.iter().filter(|row| !ours.contains(row)).collect();
    assert!(stock.iter().any(|row| row.starts_with("Cdr ")), "no CDR:\n{stock_rows}");
    assert!(stock.iter().any(|row| row.starts_with("CEL ")), "no CEL:\n{stock_rows}");
    assert_eq!(
        stock_rows, our_rows,
        "only Asterisk's module:\n{less:#?}\nonly this one:\n{more:#?}"
    );
}

#[test]
fn a_blind_transfer_leaves_the_same_rows() {
    same(blind);
}

#[test]
fn an_attended_transfer_leaves_the_same_rows() {
    same(local);
}

#[test]
fn a_remote_transfer_leaves_the_same_rows() {
    same(remote);
}

#[test]
fn a_call_that_is_taken_over_leaves_the_same_rows() {
    same(taken_over);
}
