//! An INVITE with Replaces is handed from the verdict to the session that is made of it: nothing of
//! that outlives the request, whatever becomes of it on its way.

use super::config::UDP;
use super::replaces::take;
use super::world::{Scene, World, TRUNK};
use super::Module;
use crate::ua::call::flows;
use crate::ua::message::Msg;
use crate::ua::phone::token;
use crate::ua::{Ended, Phone, Talk};

const NO_EXTENSION: &str = "[general]\nreplaces.require_extension=no\n";

fn talk(scene: &Scene<'_>) -> (Phone, Talk) {
    let [alice, bob] = scene.phones(UDP);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    (bob, talk)
}

/// The extensions that stand in for a while are all gone.
fn no_extension_is_left(scene: &Scene<'_>) {
    let shown = scene.world.a.cli("dialplan show phones");
    assert!(shown.contains("external_replaces"), "{shown}");
    let left: Vec<&str> = shown.lines().filter(|line| line.contains("'replaces-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_require_extension_replaces_alone_decides() {
    let world = World::start("standin", Module::Sipxfer, NO_EXTENSION);
    let scene = world.scene();
    let (bob, talk) = talk(&scene);
    let carol = scene.phone(UDP);
    let foreign = take(&carol, "nobody", &talk.callee.replaces(), &[]);
    assert_eq!(foreign.outcome(), Err(403), "who may not replace gets no extension either");
    talk.flows();
    let new = take(&bob, "nobody", &talk.callee.replaces(), &[]);
    new.until_up();
    assert_eq!(talk.callee.ended(), Ended::ByPeer);
    flows(&talk.caller, &new);
    no_extension_is_left(&scene);
    // Only Replaces opens that door.
    assert_eq!(bob.call("nobody").outcome(), Err(404));
    let unmatched = take(&bob, "nobody", "nothing;to-tag=a;from-tag=b", &[]);
    assert_eq!(unmatched.outcome(), Err(481));
    no_extension_is_left(&scene);
}

/// An INVITE with Replaces that may take over the call, and whose audio nobody can decode.
fn undecodable(bob: &Phone, extension: &str, replaces: &str) -> u16 {
    let uri = bob.0.setup.server.uri(extension);
    let address = bob.address().ip();
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
         m=audio 40000 RTP/AVP 97\r\na=rtpmap:97 iLBC/8000\r\n"
    );
    let invite = Msg::request("INVITE", &uri)
        .with("From", format!("<{}>;tag={}", bob.uri(), token()))
        .with("To", format!("<{uri}>"))
        .with("Call-ID", format!("{}-undecodable", token()))
        .with("CSeq", "1 INVITE")
        .with("Max-Forwards", "70")
        .with("Contact", bob.contact())
        .with("Replaces", replaces)
        .with_body("application/sdp", body);
    bob.send_whole(invite).status()
}

/// R012: what cannot be accepted leaves the old call as it was. And nobody who calls afterwards comes
/// into that call by it.
#[test]
fn r012_a_claim_ends_with_its_request() {
    for (name, settings, extension) in
        [("claims", TRUNK, "wait"), ("standins", NO_EXTENSION, "nobody")]
    {
        let world = World::start(name, Module::Sipxfer, settings);
        let scene = world.scene();
        let (bob, talk) = talk(&scene);
        for _ in 0..10 {
            let code = undecodable(&bob, extension, &talk.callee.replaces());
            assert_eq!(code, 488);
            let call = scene.phone(UDP).call("echo");
            call.until_up();
            call.hears_only(call.phone());
            call.hang_up();
            talk.flows();
        }
        no_extension_is_left(&scene);
    }
}
