//! CDR and CEL: the rows of a transfer are the same with both modules.

use super::ami::Block;
use super::config::UDP;
use super::process::Asterisk;
use super::world::{Scene, World};
use super::Module;
use super::{application, attended};
use crate::ua::call::flows;
use crate::ua::{Call, Phone, PATIENCE};
use std::collections::BTreeSet;
use std::time::Instant;

/// Fields that are the same in every run, but for [`destination`].
const CDR: &[&str] = &[
    "Source",
    "Destination",
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
pub fn normal(value: &str, phones: &[&Phone]) -> String {
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

/// What a CDR calls its destination. Asterisk sends a transferee to its new extension while it is in
/// the bridge with the transferor still, and whether the first leg's CDR is closed before that is seen
/// is a race of Asterisk's own: with both modules the new extension stands there nearly always, and
/// now and then whom the caller had called.
fn destination(block: &Block, phones: &[&Phone], went_to: &str) -> String {
    let found = block.get("Destination");
    let first = block.get("DestinationChannel").contains(phones[1].name());
    if first && !went_to.is_empty() && (found == went_to || found == phones[1].name()) {
        return "the first or the second extension".to_owned();
    }
    found.to_owned()
}

/// The rows of these phones at an Asterisk since the scenario began, sorted; asked for when all
/// calls are over. The first has called the second, and is sent to the extension `went_to`.
fn rows(
    at: &Asterisk,
    events: impl Fn() -> Vec<Block>,
    phones: &[&Phone],
    went_to: &str,
) -> Vec<String> {
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
        // Which of two channels leaves a bridge first, and which is the last of all, is a race.
        let racing: &[&str] = match block.get("EventName") {
            "BRIDGE_EXIT" => &["Peer"],
            "LINKEDID_END" => &CEL[1..],
            _ => &[],
        };
        let values: Vec<String> = fields
            .iter()
            .filter(|field| !racing.contains(field))
            .map(|field| {
                // How a bridge moves voice changes at times of its own.
                let value = match block.get(field) {
                    text if text.contains("bridge_technology") => String::new(),
                    _ if *field == "Destination" => destination(&block, phones, went_to),
                    text => text.to_owned(),
                };
                normal(&value, phones)
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
    let (alice, bob, talk) = super::blind::talk(scene, UDP);
    let carol = scene.phone(UDP);
    let refer = talk.callee.refer_to_user(carol.name()).accepted();
    let third = carol.incoming();
    third.ring();
    refer.until(180);
    third.answer();
    refer.outcome();
    talk.callee.hang_up().status();
    flows(&talk.caller, &third);
    over(&[&talk.caller, &third]);
    rows(&scene.world.a, || scene.events(), &[&alice, &bob, &carol], carol.name())
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
    rows(&scene.world.a, || scene.events(), &[&alice, &bob, &carol], "")
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
    let mut found = rows(&scene.world.a, || scene.events(), &phones, "external_replaces");
    found.extend(rows(&scene.world.b, || scene.events_b(), &phones, ""));
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
    rows(&scene.world.a, || scene.events(), &[&alice, &bob], "")
}

/// A call of an application, and in it a REFER that the application answers for. With `refer` not
/// set: the same call without it.
fn controlled(scene: &Scene<'_>, refer: bool) -> Vec<String> {
    let all = application::controlled(scene, application::Told::Endpoint);
    if refer {
        let target = scene.phone(UDP);
        let refer = all.bob.refer_to_user(target.name()).accepted();
        application::transfer_event(&all.app, &all.bob_channel);
        application::progress(scene, &all.bob_channel, "channel_answered");
        assert_eq!(refer.outcome().code(), 200);
    }
    over(&[&all.bob]);
    // Who hangs up first stands in the rows of both.
    scene.event("the end of Bob's channel", |one| {
        one.event() == "Hangup" && one.get("Uniqueid") == all.bob_channel
    });
    over(&[&all.alice]);
    rows(&scene.world.a, || scene.events(), &[all.alice.phone(), all.bob.phone()], "")
}

fn controlled_with_refer(scene: &Scene<'_>) -> Vec<String> {
    controlled(scene, true)
}

/// Plays it with both modules and compares.
fn same(play: fn(&Scene<'_>) -> Vec<String>) {
    let stock = play(&World::of(Module::Stock).scene());
    let ours = play(&World::of(Module::Sipxfer).scene());
    compare(&stock, &ours);
}

fn compare(stock: &[String], ours: &[String]) {
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

#[test]
fn a_transfer_of_an_application_leaves_the_same_rows() {
    same(controlled_with_refer);
}

#[test]
fn a_transfer_of_an_application_adds_no_row() {
    let world = World::of(Module::Sipxfer);
    compare(&controlled(&world.scene(), false), &controlled(&world.scene(), true));
}
