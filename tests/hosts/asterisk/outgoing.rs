//! REFER that Asterisk sends, by ARI's POST /endpoints/refer, and INVITEs that a REFER causes.

use super::config::UDP;
use super::scenario::SOON;
use super::world::{Scene, World};
use super::Module;
use crate::ua::call::escaped;
use crate::ua::dispatch::key;
use crate::ua::message::{uri_of, Msg};
use crate::ua::phone::Incoming;
use crate::ua::Phone;
use serde_json::json;
use std::sync::Arc;

/// Asks for a REFER to a phone, and waits for it.
fn asked(scene: &Scene<'_>, to: &Phone, refer_to: &str, to_self: &str) -> Arc<Incoming> {
    let destination = format!("pjsip:{}", to.name());
    let query = [
        ("to", destination.as_str()),
        ("from", "sip:desk@example.com"),
        ("refer_to", refer_to),
        ("to_self", to_self),
    ];
    let body = json!({"variables": {"X-Ticket": "42", "display_name": "The desk"}});
    let (code, answer) = scene.world.a.ari.post_json("/endpoints/refer", &query, &body);
    assert!(code < 300, "{code} {answer}");
    to.received("REFER", 0)
}

/// A NOTIFY of the phone in the dialog of a REFER that it got.
fn notify(phone: &Phone, refer: &Msg, local_tag: &str, state: &str, status: &str) -> u16 {
    let target = uri_of(refer.value("Contact")).to_owned();
    let request = Msg::request("NOTIFY", &target)
        .with("From", format!("{};tag={local_tag}", refer.value("To")))
        .with("To", refer.value("From"))
        .with("Call-ID", refer.value("Call-ID"))
        .with("CSeq", "1 NOTIFY")
        .with("Max-Forwards", "70")
        .with("Contact", phone.contact())
        .with("Event", "refer")
        .with("Subscription-State", state)
        .with_body("message/sipfrag;version=2.0", format!("SIP/2.0 {status}\r\n"));
    phone.send_whole(request).status()
}

/// What the phone saw: who it is from, where it is to call, what was added.
fn refer(module: Module) -> Vec<String> {
    let scene = World::of(module).scene();
    let phone = scene.phone(UDP);
    let other = scene.phone(UDP);
    // A 2xx to what begins a dialog has a Contact.
    phone.answers("REFER", None);
    let incoming = asked(&scene, &phone, &other.uri(), "no");
    let msg = &incoming.msg;
    assert!(msg.callee_tag().is_empty(), "it begins a dialog");
    phone.reply(&incoming, 202, &[("Contact", &phone.contact())]);
    let tag = phone.wait("its own answer", |state| {
        let bytes = state.served.get(&key(msg))?.as_ref()?;
        Some(Msg::parse(bytes)?.callee_tag().to_owned())
    });
    assert_eq!(notify(&phone, msg, &tag, "terminated;reason=noresource", "200 OK"), 200);
    let mut facts = vec![
        msg.value("Refer-To").replace(&other.uri(), "(other)"),
        msg.value("X-Ticket").to_owned(),
        uri_of(msg.value("From")).to_owned(),
        msg.value("Event").to_owned(),
    ];
    // Nothing more is asked of a phone whose outcome is known.
    let more = phone.wait_for(SOON / 3, |state| {
        state.inbox.iter().find(|one| one.msg.method() == Some("SUBSCRIBE")).cloned()
    });
    facts.push(more.map_or("no SUBSCRIBE", |_| "SUBSCRIBE").to_owned());
    facts
}

#[test]
fn a_refer_of_the_rest_interface_is_sent_as_asterisks_module_does() {
    let ours = refer(Module::Sipxfer);
    assert!(ours[0].contains("(other)"), "{ours:?}");
    assert_eq!(ours[1], "42", "{ours:?}");
    assert_eq!(ours, refer(Module::Stock));
}

/// `Require=replaces` among the headers of a Refer-To says that the target must know Replaces (RFC 3891
/// section 4): the INVITE that it causes says so too, and what this side does not know it does not demand.
#[test]
fn r088_what_a_refer_to_requires_of_replaces_the_invite_requires() {
    let world = World::of(Module::Sipxfer);
    let scene = world.scene();
    let [alice, bob, carol] = scene.phones(UDP);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    let uri = carol.contact();
    let uri = uri.trim_matches(['<', '>']);
    let named = "elsewhere;to-tag=a;from-tag=b";
    let refer_to = format!("<{uri}?Replaces={}&Require=replaces>", escaped(named));
    let refer = talk.callee.refer(&refer_to).accepted();
    let third = carol.incoming();
    let invite = third.invite();
    assert_eq!(invite.msg.get("Require"), Some("replaces"));
    assert_eq!(invite.msg.get("Replaces"), Some(named));
    third.refuse(481);
    assert_eq!(refer.outcome().code(), 481);
    talk.flows();
}
