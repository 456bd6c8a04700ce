//! That the phones, the voices and the Asterisks are what the scenarios take them for.

use super::config::{Group, TCP, TLS, UDP};
use super::world::World;
use super::Module;
use crate::ua::Ended;

fn two_phones_talk(group: &Group) {
    let world = World::of(Module::Stock);
    let scene = world.scene();
    let [alice, bob] = scene.phones(group);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    assert_eq!(scene.bridged_with(&alice), [bob.name()]);
    talk.callee.hold();
    talk.callee.resume();
    talk.flows();
    assert_eq!(talk.callee.hang_up().status(), 200);
    assert_eq!(talk.caller.ended(), Ended::ByPeer);
}

#[test]
fn two_phones_talk_over_udp() {
    two_phones_talk(UDP);
}

#[test]
fn two_phones_talk_over_tcp() {
    two_phones_talk(TCP);
}

#[test]
fn two_phones_talk_over_tls() {
    two_phones_talk(TLS);
}

#[test]
fn a_call_is_refused_cancelled_and_carried_by_the_trunk() {
    let world = World::of(Module::Stock);
    let scene = world.scene();
    let [alice, bob] = scene.phones(UDP);
    let call = alice.call(bob.name());
    bob.incoming().refuse(486);
    assert_eq!(call.outcome(), Err(486));

    let ringing = alice.call(bob.name()).rings_at(&bob);
    ringing.caller.hang_up();
    assert_eq!(ringing.callee.ended(), Ended::Cancelled);
    assert_eq!(ringing.caller.outcome(), Err(487));

    let far = scene.phone_at(UDP, &world.b);
    let talk = alice.call(&format!("9{}", far.name())).answered_by(&far);
    talk.flows();
    talk.caller.hang_up();
    assert_eq!(talk.callee.ended(), Ended::ByPeer);
}

#[test]
fn a_wrong_password_is_refused() {
    let world = World::of(Module::Stock);
    let scene = world.scene();
    let mut setup = scene.setup(UDP, &world.a);
    setup.password = "wrong".to_owned();
    let stranger = crate::ua::Phone::new(setup);
    assert_eq!(stranger.call("echo").outcome(), Err(401));
}
