//! The events of the manager interface about a transfer (BlindTransfer, AttendedTransfer): those of
//! Asterisk's core, the same with both modules.

use super::ami::Block;
use super::config::UDP;
use super::records::normal;
use super::world::{Scene, World};
use super::Module;
use super::{attended, blind};
use crate::ua::call::flows;
use crate::ua::Phone;

/// What an event says of who did what to whom, without the ids.
fn said(event: &Block, phones: &[&Phone]) -> Vec<String> {
    let mut lines: Vec<String> = event
        .lines()
        .iter()
        .filter(|(name, _)| {
            let ids = ["Uniqueid", "Linkedid", "uniqueid", "BridgeName", "BridgeTechnology"];
            !ids.iter().any(|id| name.ends_with(id))
        })
        .map(|(name, value)| format!("{name}: {}", normal(value, phones)))
        .collect();
    lines.sort();
    lines
}

/// The event of a transfer of this phone.
fn event(scene: &Scene<'_>, name: &str, channel: &str, transferor: &Phone) -> Block {
    scene.event(name, |one| {
        let by = format!("PJSIP/{}-", transferor.name());
        one.event() == name && one.get(channel).starts_with(&by)
    })
}

fn to_a_user(scene: &Scene<'_>) -> Vec<String> {
    let (alice, bob, talk) = blind::talk(scene, UDP);
    let carol = scene.phone(UDP);
    let refer = talk.callee.refer_to_user(carol.name()).accepted();
    let third = carol.incoming();
    third.answer();
    assert_eq!(refer.outcome().code(), 200);
    flows(&talk.caller, &third);
    let event = event(scene, "BlindTransfer", "TransfererChannel", &bob);
    assert_eq!(event.get("Result"), "Success", "{event:?}");
    assert_eq!(event.get("Extension"), carol.name(), "{event:?}");
    said(&event, &[&alice, &bob, &carol])
}

fn local(scene: &Scene<'_>) -> Vec<String> {
    let [alice, bob, carol] = scene.phones(UDP);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    let second = bob.call(carol.name()).answered_by(&carol);
    second.flows();
    let refer = talk.callee.refer_to_call(&second.caller).accepted();
    assert_eq!(refer.outcome().code(), 200);
    flows(&talk.caller, &second.callee);
    let event = event(scene, "AttendedTransfer", "OrigTransfererChannel", &bob);
    assert_eq!(event.get("Result"), "Success", "{event:?}");
    assert_eq!(event.get("DestType"), "Bridge", "{event:?}");
    said(&event, &[&alice, &bob, &carol])
}

fn remote(scene: &Scene<'_>) -> Vec<String> {
    let all = attended::remote(scene, UDP, UDP);
    let refer = all.alice_bob.callee.refer(&attended::refer_to_at_b(scene, &all)).accepted();
    assert_eq!(refer.outcome().code(), 200);
    flows(&all.alice_bob.caller, &all.bob_dave.callee);
    let (alice, bob) = (all.alice_bob.caller.phone(), all.alice_bob.callee.phone());
    let event = event(scene, "BlindTransfer", "TransfererChannel", bob);
    assert_eq!(event.get("Extension"), "external_replaces", "{event:?}");
    said(&event, &[alice, bob, all.bob_dave.callee.phone()])
}

/// Plays it with both modules and compares.
fn same(play: fn(&Scene<'_>) -> Vec<String>) {
    let stock = play(&World::of(Module::Stock).scene());
    let ours = play(&World::of(Module::Sipxfer).scene());
    assert!(stock.len() > 20, "{stock:#?}");
    assert_eq!(stock.join("\n"), ours.join("\n"));
}

#[test]
fn a_blind_transfer_is_the_same_event() {
    same(to_a_user);
}

#[test]
fn an_attended_transfer_is_the_same_event() {
    same(local);
}

#[test]
fn a_transfer_to_a_call_elsewhere_is_the_same_event() {
    same(remote);
}
