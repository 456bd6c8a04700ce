//! What becomes of the transferee of a transfer that fails when the transferor has hung up
//! (`refer.on_failure`), and what the target's
//! dialplan can read of the REFER.

use super::config::UDP;
use super::world::{Scene, World};
use super::Module;
use crate::ua::call::flows;
use crate::ua::{Ended, Phone, Refer, Talk};

/// Alice has called Bob, who transfers her to Carol; Carol's phone rings.
fn under_way(scene: &Scene<'_>) -> (Talk, Refer, Phone) {
    let [alice, bob, carol] = scene.phones(UDP);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    let refer = talk.callee.refer_to_user(carol.name()).accepted();
    (talk, refer, carol)
}

/// Bob hangs up while Carol's phone rings, Carol refuses: Asterisk calls Bob for Alice.
fn called_back(scene: &Scene<'_>) {
    let (talk, _refer, carol) = under_way(scene);
    let bob = talk.callee.phone().clone();
    let third = carol.incoming();
    third.ring();
    assert_eq!(talk.callee.hang_up().status(), 200);
    third.refuse(486);
    let back = bob.incoming();
    back.ring();
    back.answer();
    back.until_acked();
    flows(&talk.caller, &back);
    assert_eq!(scene.bridged_with(&bob), [talk.caller.phone().name()]);
    assert!(talk.caller.is_up());
    back.hang_up().status();
    talk.caller.ended();
}

#[test]
fn keep_calls_a_transferor_back_that_has_hung_up() {
    called_back(&World::of(Module::Sipxfer).scene());
}

#[test]
fn recall_calls_the_transferor_back() {
    let settings = "[general]\nrefer.on_failure=recall\n";
    let world = World::start("recall", Module::Sipxfer, settings);
    let scene = world.scene();
    called_back(&scene);
    kept(&scene);
}

/// Whoever is still there has the transferee back, whatever the setting (R081).
fn kept(scene: &Scene<'_>) {
    let (talk, refer, carol) = under_way(scene);
    carol.incoming().refuse(603);
    assert_eq!(refer.outcome().code(), 603);
    talk.flows();
    assert_eq!(talk.callee.phone().waiting_calls(), 0, "nobody is called");
    assert!(talk.caller.is_up() && talk.callee.is_up());
}

#[test]
fn hangup_ends_the_call_of_a_transferee_who_is_alone() {
    let settings = "[general]\nrefer.on_failure=hangup\n";
    let world = World::start("hangup", Module::Sipxfer, settings);
    let scene = world.scene();
    let (talk, _refer, carol) = under_way(&scene);
    let third = carol.incoming();
    third.ring();
    assert_eq!(talk.callee.hang_up().status(), 200);
    third.refuse(486);
    assert_eq!(talk.caller.ended(), Ended::ByPeer);
    assert_eq!(talk.callee.phone().waiting_calls(), 0, "nobody calls back");
    kept(&scene);
}

/// The variable names a prefix; the header fields of the REFER that begin with it can be read.
fn data(module: Module) {
    let scene = World::of(module).scene();
    let [alice, bob] = scene.phones(UDP);
    let talk = alice.call(&format!("get{}", bob.name())).answered_by(&bob);
    talk.flows();
    let uri = scene.server(UDP, &scene.world.a).uri("data");
    let headers = [("X-One", "first"), ("X-Two", "a second one"), ("Y-Other", "hidden")];
    let refer = talk.callee.refer_with(&format!("<{uri}>"), &headers);
    assert_eq!(refer.status(), 202);
    let event = scene.event("the event of the extension", |one| {
        one.get("UserEvent") == "Data" && one.get("Endpoint") == alice.name()
    });
    assert_eq!(event.get("One"), "first", "{event:?}");
    assert_eq!(event.get("Two"), "a second one", "{event:?}");
    assert_eq!(event.get("Other"), "", "{event:?}");
}

#[test]
fn the_dialplan_reads_headers_of_the_refer_with_asterisks_module() {
    data(Module::Stock);
}

#[test]
fn the_dialplan_reads_headers_of_the_refer() {
    data(Module::Sipxfer);
}
