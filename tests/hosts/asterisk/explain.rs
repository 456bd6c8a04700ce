//! `sipxfer explain "REFER ..."` on the command line of Asterisk: what it says of a message is what the
//! module then does with it.

use super::config::{CLOSED, FIXED, UDP};
use super::counters::stat;
use super::world::World;
use super::Module;
use crate::ua::call::escaped;
use crate::ua::message::Msg;

/// A message as one types it: quotes and backslashes are the command line's.
fn typed(message: &Msg) -> String {
    let text = String::from_utf8(message.bytes()).expect("a message without a body");
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    lines.join("\\\\n").replace('"', "\\\"")
}

/// The code in the first line of an explanation, and all of it.
fn explained(world: &World, message: &Msg, endpoint: &str) -> (u16, String) {
    let said = world.a.cli(&format!("sipxfer explain \"{}\" {endpoint}", typed(message)));
    let code = said.lines().next().and_then(|line| line.split(' ').nth(1));
    let code = code.and_then(|code| code.parse().ok());
    (code.unwrap_or_else(|| panic!("no code in\n{said}")), said)
}

#[test]
fn what_is_explained_of_a_refer_is_what_happens_to_it() {
    let world = World::start("explain", Module::Sipxfer, super::world::TRUNK);
    let scene = world.scene();
    let [victim, other, carol] = scene.phones(UDP);
    let victims = victim.call(other.name()).answered_by(&other);
    let server = scene.server(UDP, &world.a);
    let uri = |user: &str| server.uri(user);
    let named = |replaces: &str| format!("<{}?Replaces={}>", uri("x"), escaped(replaces));
    let cases: Vec<(&str, &'static super::config::Group, u16, String)> = vec![
        ("nobody", UDP, 404, format!("<{}>", uri("nobody"))),
        ("a foreign call", UDP, 403, victims.callee.refer_to()),
        ("a call elsewhere", UDP, 202, named("elsewhere;to-tag=a;from-tag=b")),
        ("no external_replaces", CLOSED, 404, named("elsewhere;to-tag=a;from-tag=b")),
        ("no to-tag", UDP, 400, named("elsewhere;from-tag=b")),
        ("a telephone number", UDP, 416, "<tel:+15105550123>".to_owned()),
        ("another method", UDP, 403, format!("<{};method=BYE>", uri(carol.name()))),
        ("not allowed", FIXED, 603, format!("<{}>", uri(carol.name()))),
        ("a quoted name", UDP, 202, format!("\"Carol \\\"the\\\" C\" <{}>", uri("echo"))),
        ("echo", UDP, 202, format!("<{}>", uri("echo"))),
    ];
    for (what, group, wanted, refer_to) in cases {
        let (alice, bob) = (scene.phone(UDP), scene.phone(group));
        let talk = alice.call(bob.name()).answered_by(&bob);
        let refer = talk.callee.prepared("REFER").with("Refer-To", &*refer_to);
        let decided = stat(&world.a, "REFER decided");
        let (code, said) = explained(&world, &refer, "");
        assert_eq!(code, wanted, "{what}:\n{said}");
        assert!(said.lines().count() > 2 && said.contains("R0"), "{what}:\n{said}");
        assert_eq!(stat(&world.a, "REFER decided"), decided, "nothing is done");
        assert!(talk.caller.is_up() && talk.callee.is_up());
        assert_eq!(talk.callee.send(refer).status(), wanted, "{what}, explained as\n{said}");
    }
}

#[test]
fn what_is_explained_of_an_invite_with_replaces_is_what_happens_to_it() {
    let world = World::of(Module::Sipxfer);
    let scene = world.scene();
    let [alice, bob, carol] = scene.phones(UDP);
    let talk = alice.call(bob.name()).answered_by(&bob);
    let replaces = talk.callee.replaces();
    let invite = |replaces: &str| {
        Msg::request("INVITE", &bob.uri())
            .with("From", "<sip:x@y>;tag=1")
            .with("To", format!("<{}>", bob.uri()))
            .with("Call-ID", "explained")
            .with("CSeq", "1 INVITE")
            .with("Replaces", replaces)
    };
    let early = format!("{replaces};early-only");
    for (by, replaces, wanted) in [
        (&carol, replaces.as_str(), 403),
        (&bob, "nothing;to-tag=a;from-tag=b", 481),
        (&bob, "nothing;to-tag=a", 400),
        (&bob, early.as_str(), 486),
        (&bob, replaces.as_str(), 200),
    ] {
        let (code, said) = explained(world, &invite(replaces), by.name());
        assert_eq!(if said.starts_with("accept") { 200 } else { code }, wanted, "{said}");
        let call = by.call_with(&bob.uri(), &[("Replaces", replaces)]);
        assert_eq!(call.final_response().status(), Some(wanted), "explained as\n{said}");
    }
    let message = typed(&invite(&replaces));
    let said = world.a.cli(&format!("sipxfer explain \"{message}\" nobody-of-this-name"));
    assert!(said.contains("There is no endpoint") && said.contains("reject"), "{said}");
    let fixed = scene.phone(FIXED);
    let talk = carol.call(fixed.name()).answered_by(&fixed);
    let (code, said) = explained(world, &invite(&talk.callee.replaces()), fixed.name());
    assert!(code == 403 && said.contains("allow_transfer"), "{said}");
}
