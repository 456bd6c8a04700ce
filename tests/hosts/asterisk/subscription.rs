//! The subscription that a REFER makes: it is refreshed and ended by SUBSCRIBE (RFC 3515 section
//! 2.4.4), and nobody else has one.

use super::blind::talk;
use super::config::UDP;
use super::scenario::{fate, played, Scenario, SOON};
use super::world::World;
use super::Module;
use crate::ua::call::flows;
use crate::ua::{Call, Refer};
use std::time::Duration;

/// A SUBSCRIBE in a call, and the code and Expires of its answer.
fn subscribe(call: &Call, event: &str, expires: &str) -> String {
    subscribe_within(call.phone().patience(), call, event, expires)
}

/// The same where it may be that none comes.
fn subscribe_within(patience: Duration, call: &Call, event: &str, expires: &str) -> String {
    let request = call.request("SUBSCRIBE", &[("Event", event), ("Expires", expires)]);
    let Some(answer) = request.response_within(patience) else {
        return "no answer".to_owned();
    };
    let code = answer.status().unwrap_or_default();
    match answer.get("Expires") {
        Some(granted) if code == 200 => {
            let granted: u32 = granted.trim().parse().expect("seconds");
            let asked: u32 = expires.parse().expect("seconds");
            format!("{code}, {}", if granted <= asked { "not longer" } else { "longer" })
        }
        _ => code.to_string(),
    }
}

/// The state of the first NOTIFY after so many.
fn next_state(refer: &Refer, before: usize) -> String {
    let phone = refer.request().phone();
    let found = phone.wait("the next NOTIFY", |state| {
        let told: Vec<_> =
            state.inbox.iter().filter(|one| one.msg.method() == Some("NOTIFY")).collect();
        told.get(before).map(|one| one.msg.value("Subscription-State").to_owned())
    });
    let mut parts = found.split(';').map(str::trim);
    let state = parts.next().unwrap_or_default().to_owned();
    match parts.find(|part| part.starts_with("reason=")) {
        Some(reason) => format!("{state};{reason}"),
        None => state,
    }
}

static REFRESHED: Scenario = Scenario {
    title: "SUBSCRIBE in the subscription of a REFER",
    play: |scene, group, seen| {
        let (_alice, bob, talk) = talk(scene, group);
        let carol = scene.phone(group);
        let refer = talk.callee.refer_to_user(carol.name()).accepted();
        let third = carol.incoming();
        third.ring();
        refer.until(180);
        let count = || bob.all_received("NOTIFY").len();
        let before = count();
        seen.note("refreshed", subscribe(&talk.callee, "refer", "50"));
        seen.note("NOTIFY of the refresh", next_state(&refer, before));
        let before = count();
        seen.note("ended", subscribe(&talk.callee, "refer", "0"));
        seen.note("NOTIFY of the end", next_state(&refer, before));
        let before = count();
        third.answer();
        third.until_acked();
        flows(&talk.caller, &third);
        bob.fence();
        seen.note("NOTIFYs afterwards", count() - before);
        seen.note("Alice's call", fate(&talk.caller));
    },
    cells: &[
        ("refreshed", "200, not longer", "200, not longer"),
        ("NOTIFY of the refresh", "active", "active"),
        ("ended", "200, not longer", "200, not longer"),
        ("NOTIFY of the end", "terminated;reason=noresource", "terminated;reason=timeout"),
        ("NOTIFYs afterwards", "0", "0"),
        ("Alice's call", "goes on", "goes on"),
    ],
};

played! { UDP:
    r040_refresh_and_end = REFRESHED,
}

/// For the table.
pub static ALL: &[&Scenario] = &[&REFRESHED];

/// What a SUBSCRIBE gets where no REFER was: in a call, there with an id, and outside.
fn nowhere(module: Module) -> [String; 3] {
    let scene = World::of(module).scene();
    let (alice, _bob, talk) = talk(&scene, UDP);
    let patience = if module == Module::Stock { SOON } else { alice.patience() };
    let plain = subscribe_within(patience, &talk.callee, "refer", "60");
    let with_id = subscribe_within(patience, &talk.callee, "refer;id=17", "60");
    let uri = scene.server(UDP, &scene.world.a).uri("echo");
    let headers = [("Event", "refer"), ("Expires", "60")];
    let outside = alice.request("SUBSCRIBE", &uri, &headers).status().to_string();
    talk.callee.unmute();
    talk.flows();
    [plain, with_id, outside]
}

#[test]
fn asterisks_module_leaves_a_stray_subscribe_without_an_answer() {
    assert_eq!(nowhere(Module::Stock), ["no answer", "no answer", "489"]);
}

#[test]
fn r039_only_a_refer_makes_a_subscription() {
    assert_eq!(nowhere(Module::Sipxfer), ["403", "403", "403"]);
}

/// From the second REFER on the id tells which subscription is meant.
#[test]
fn r042_the_id_names_the_subscription() {
    let scene = World::of(Module::Sipxfer).scene();
    let (_alice, bob, talk) = talk(&scene, UDP);
    let [carol, dave] = scene.phones(UDP);
    talk.callee.refer_to_user(carol.name()).accepted();
    carol.incoming().refuse(486);
    bob.wait("the end of the first", |state| {
        let mut told = state.inbox.iter().filter(|one| one.msg.method() == Some("NOTIFY"));
        told.any(|one| one.msg.value("Subscription-State").starts_with("terminated")).then_some(())
    });
    let second = talk.callee.refer_to_user(dave.name()).accepted();
    let third = dave.incoming();
    third.ring();
    second.until(180);
    let id = second.request().sent().cseq().0;
    assert_eq!(subscribe(&talk.callee, "refer;id=1", "60"), "403");
    let before = bob.all_received("NOTIFY").len();
    assert_eq!(subscribe(&talk.callee, &format!("refer;id={id}"), "0"), "200, not longer");
    assert_eq!(next_state(&second, before), "terminated;reason=timeout");
    third.answer();
    third.until_acked();
    flows(&talk.caller, &third);
}
