//! REFER outside of the call that it is about, which its Target-Dialog names (RFC 4538), and REFER
//! about no call.

use super::config::UDP;
use super::counters::stat;
use super::world::{Scene, World};
use super::Module;
use crate::ua::call::flows;
use crate::ua::phone::token;
use crate::ua::{Call, Msg, Phone, Refer, Talk};

const ANY: &str = "[general]\nrefer.target_dialog=any\n";

fn talk(scene: &Scene<'_>) -> Talk {
    let [alice, bob] = scene.phones(UDP);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    talk.callee_falls_silent();
    talk
}

/// A Target-Dialog that names a call of a phone, with the tags as the host sees them.
fn naming(call: &Call) -> String {
    let (call_id, local, remote) = call.triple();
    format!("{call_id};local-tag={remote};remote-tag={local}")
}

/// A REFER of a phone to its host outside of all calls.
fn refer(scene: &Scene<'_>, by: &Phone, to: &Phone, headers: &[(&str, &str)]) -> Refer {
    let server = scene.server(UDP, &scene.world.a);
    by.refer(&server.uri("anything"), &format!("<{}>", server.uri(to.name())), headers)
}

#[test]
fn r059_target_dialog_stands_for_the_call_that_it_names() {
    let world = World::start("tdialog", Module::Sipxfer, ANY);
    let scene = world.scene();
    let talk = talk(&scene);
    let (bob, carol) = (talk.callee.phone().clone(), scene.phone(UDP));
    let named = naming(&talk.callee);
    let headers = [("Target-Dialog", named.as_str()), ("Require", "tdialog")];
    let refer = refer(&scene, &bob, &carol, &headers).accepted();
    let third = carol.incoming();
    third.ring();
    let ringing = refer.until(180);
    assert_eq!(ringing.msg.value("Call-ID"), refer.request().sent().value("Call-ID"));
    third.answer();
    third.until_acked();
    assert_eq!(refer.outcome().code(), 200);
    flows(&talk.caller, &third);
    assert_eq!(talk.callee.hang_up().status(), 200);
    assert_eq!(stat(&world.a, "REFER received"), 1);
    assert_eq!(stat(&world.a, "REFER decided"), 1);
}

#[test]
fn r059_a_transfer_by_target_dialog_that_fails_gives_the_transferee_back() {
    let world = World::start("tdialog2", Module::Sipxfer, ANY);
    let scene = world.scene();
    let talk = talk(&scene);
    let (bob, carol) = (talk.callee.phone().clone(), scene.phone(UDP));
    let named = naming(&talk.callee);
    let refer = refer(&scene, &bob, &carol, &[("Target-Dialog", &named)]).accepted();
    carol.incoming().refuse(486);
    assert_eq!(refer.outcome().code(), 486);
    talk.callee.unmute();
    talk.flows();
}

/// R040, in the dialog that the REFER made.
#[test]
fn r040_its_subscription_is_ended_in_the_dialog_of_the_refer() {
    let world = World::start("tdialog3", Module::Sipxfer, ANY);
    let scene = world.scene();
    let talk = talk(&scene);
    let (bob, carol) = (talk.callee.phone().clone(), scene.phone(UDP));
    let named = naming(&talk.callee);
    let refer = refer(&scene, &bob, &carol, &[("Target-Dialog", &named)]).accepted();
    let third = carol.incoming();
    third.ring();
    refer.until(180);
    let (sent, answer) = (refer.request().sent(), refer.response());
    let subscribe = |to: &str| {
        let request = Msg::request("SUBSCRIBE", sent.request_uri())
            .with("From", sent.value("From"))
            .with("To", to)
            .with("Call-ID", sent.value("Call-ID"))
            .with("CSeq", "9000 SUBSCRIBE")
            .with("Max-Forwards", "70")
            .with("Contact", bob.contact())
            .with("Event", "refer")
            .with("Expires", "0");
        bob.send_whole(request).status()
    };
    let foreign = format!("{};tag={}", sent.value("To"), token());
    assert!(subscribe(&foreign) >= 400, "a tag that is not the dialog's");
    assert_eq!(subscribe(answer.value("To")), 200);
    assert_eq!(refer.outcome().reason, "timeout");
    third.answer();
    third.until_acked();
    flows(&talk.caller, &third);
}

#[test]
fn r060_a_target_dialog_that_names_no_call_is_as_good_as_none() {
    let world = World::start("tdialog4", Module::Sipxfer, ANY);
    let scene = world.scene();
    let talk = talk(&scene);
    let (bob, carol) = (talk.callee.phone().clone(), scene.phone(UDP));
    let (call_id, local, remote) = talk.callee.triple();
    let swapped = format!("{call_id};local-tag={local};remote-tag={remote}");
    let half = format!("{call_id};local-tag={remote}");
    let unknown = "nothing;local-tag=a;remote-tag=b";
    for value in [swapped.as_str(), half.as_str(), unknown, ""] {
        let refer = refer(&scene, &bob, &carol, &[("Target-Dialog", value)]);
        assert_eq!(refer.status(), 403, "{value}");
    }
    assert_eq!(refer(&scene, &bob, &carol, &[]).status(), 403);
    // A Contact that leads nowhere.
    let named = naming(&talk.callee);
    let uri = scene.server(UDP, &world.a).uri("anything");
    let whole = |contact: Option<&str>| {
        let request = Msg::request("REFER", &uri)
            .with("From", format!("<{}>;tag={}", bob.uri(), token()))
            .with("To", format!("<{uri}>"))
            .with("Call-ID", token())
            .with("CSeq", "1 REFER")
            .with("Max-Forwards", "70")
            .with("Refer-To", format!("<{}>", carol.uri()))
            .with("Target-Dialog", &*named);
        let request = match contact {
            Some(contact) => request.with("Contact", contact),
            None => request,
        };
        bob.send_whole(request).status()
    };
    for contact in [None, Some("*"), Some("<tel:123>")] {
        let code = whole(contact);
        assert!((400..500).contains(&code), "{contact:?}: {code}");
    }
    talk.callee.unmute();
    talk.flows();
    assert_eq!(carol.waiting_calls(), 0);
}

/// The dialog that a REFER makes goes with its refusal.
#[test]
fn r059_what_is_refused_inside_a_call_is_refused_beside_it() {
    let world = World::start("tdialog5", Module::Sipxfer, ANY);
    let scene = world.scene();
    let talk = talk(&scene);
    let bob = talk.callee.phone().clone();
    let (server, named) = (scene.server(UDP, &world.a), naming(&talk.callee));
    let headers = [("Target-Dialog", named.as_str())];
    for _ in 0..20 {
        for (user, param, code) in [("nobody", "", 404), ("echo", ";method=BYE", 403)] {
            let to = format!("<{}{param}>", server.uri(user));
            assert_eq!(bob.refer(&server.uri("x"), &to, &headers).status(), code, "{to}");
        }
    }
    bob.fence();
    let shown = world.a.cli("sipxfer show stats");
    assert!(shown.contains("Transfers under way:            0"), "{shown}");
    talk.callee.unmute();
    talk.flows();
    assert_eq!(talk.callee.hang_up().status(), 200);
    // Its call is over by now.
    talk.caller.ended();
    bob.fence();
    assert_eq!(
        bob.refer(&server.uri("x"), &format!("<{}>", server.uri("echo")), &headers).status(),
        403
    );
}

#[test]
fn r059_by_default_only_a_call_over_sips_can_be_named() {
    let world = World::of(Module::Sipxfer);
    let scene = world.scene();
    let talk = talk(&scene);
    let (bob, carol) = (talk.callee.phone().clone(), scene.phone(UDP));
    let named = naming(&talk.callee);
    assert_eq!(refer(&scene, &bob, &carol, &[("Target-Dialog", &named)]).status(), 403);
    talk.callee.unmute();
    talk.flows();
}

/// What Asterisk's own module makes of it.
#[test]
fn asterisks_module_takes_no_refer_outside_of_calls() {
    let world = World::of(Module::Stock);
    let scene = world.scene();
    let talk = talk(&scene);
    let (bob, carol) = (talk.callee.phone().clone(), scene.phone(UDP));
    let named = naming(&talk.callee);
    assert_eq!(refer(&scene, &bob, &carol, &[("Target-Dialog", &named)]).status(), 501);
    assert_eq!(refer(&scene, &bob, &carol, &[]).status(), 501);
}
