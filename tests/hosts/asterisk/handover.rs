//! `sipxfer off` and `on` while calls and transfers are under way, with Asterisk's own module loaded
//! beside: what one module has begun it ends, and the other gets what comes next.

use super::config::UDP;
use super::counters::stat;
use super::world::{Scene, World, TRUNK};
use super::Module;
use crate::ua::call::flows;
use crate::ua::{Call, Refer, Talk};

fn talk(scene: &Scene<'_>) -> Talk {
    let [alice, bob] = scene.phones(UDP);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    talk.callee_falls_silent();
    talk
}

/// Bob has asked for Carol, whose phone rings.
fn under_way(scene: &Scene<'_>) -> (Talk, Refer, Call) {
    let talk = talk(scene);
    let carol = scene.phone(UDP);
    let refer = talk.callee.refer_to_user(carol.name()).accepted();
    let third = carol.incoming();
    third.ring();
    refer.until(180);
    (talk, refer, third)
}

fn succeeds((talk, refer, third): (Talk, Refer, Call)) {
    third.answer();
    third.until_acked();
    assert_eq!(refer.outcome().code(), 200);
    flows(&talk.caller, &third);
}

fn fails((talk, refer, third): (Talk, Refer, Call)) {
    third.refuse(486);
    assert_eq!(refer.outcome().code(), 486);
    talk.callee.unmute();
    talk.flows();
}

/// Somebody else's call is named: Asterisk's module connects to it, this one refuses.
fn foreign(own: &Call, victims: &Talk) -> u16 {
    let refer = own.refer_to_call(&victims.callee);
    let code = refer.status();
    if code < 300 {
        refer.outcome();
    }
    code
}

#[test]
fn what_is_under_way_goes_on_when_the_module_is_turned_off_and_on() {
    let world = World::start("handover", Module::Beside, TRUNK);
    let (scene, cli) = (world.scene(), |command: &str| world.a.cli(command));
    let (well, badly, refreshed) = (under_way(&scene), under_way(&scene), under_way(&scene));
    let (before, victims) = (talk(&scene), talk(&scene));
    assert!(cli("sipxfer off").contains("off"));

    succeeds(well);
    fails(badly);
    let headers = [("Event", "refer"), ("Expires", "30")];
    assert_eq!(refreshed.0.callee.request("SUBSCRIBE", &headers).status(), 200);
    succeeds(refreshed);

    // The next are for Asterisk's module: in a call of before, and in one that begins now.
    let decided = stat(&world.a, "REFER decided");
    assert_eq!(foreign(&before.callee, &victims), 202);
    let now = talk(&scene);
    let theirs = under_way(&scene);
    assert_eq!(stat(&world.a, "REFER decided"), decided);
    assert!(cli("sipxfer on").contains("on"));

    succeeds(theirs);
    let victims = talk(&scene);
    assert_eq!(foreign(&now.callee, &victims), 403);
    now.callee.unmute();
    now.flows();
    succeeds(under_way(&scene));
    assert_eq!(stat(&world.a, "REFER decided"), decided + 2);
}

#[test]
fn one_endpoint_is_turned_off_and_on_again() {
    let world = World::start("handover1", Module::Beside, TRUNK);
    let (scene, cli) = (world.scene(), |command: &str| world.a.cli(command));
    let begun = under_way(&scene);
    let (first, second, victims) = (talk(&scene), talk(&scene), talk(&scene));
    let name = |call: &Call| call.phone().name().to_owned();
    let (one, other) = (name(&begun.0.callee), name(&first.callee));
    cli(&format!("sipxfer off {one}"));
    cli(&format!("sipxfer off {other}"));
    succeeds(begun);
    assert_eq!(foreign(&second.callee, &victims), 403, "the others are decided as before");
    cli(&format!("sipxfer on {one}"));
    assert_eq!(foreign(&first.callee, &victims), 202);
    cli(&format!("sipxfer on {other}"));
    let (again, victims) = (scene.phone(UDP), talk(&scene));
    let own = first.callee.phone().call(again.name()).answered_by(&again);
    own.flows();
    assert_eq!(foreign(&own.caller, &victims), 403);
}

#[test]
fn nothing_is_turned_off_that_nobody_else_would_do() {
    let world = World::of(Module::Sipxfer);
    let scene = world.scene();
    for command in ["sipxfer off", "sipxfer off trunk"] {
        let said = world.a.cli(command);
        assert!(said.contains("res_pjsip_refer is not loaded"), "{said}");
    }
    let (own, victims) = (talk(&scene), talk(&scene));
    assert_eq!(foreign(&own.callee, &victims), 403);
}
