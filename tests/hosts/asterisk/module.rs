//! The module as an administrator meets it: its command line, its counters, its settings.

use super::config::{CLOSED, UDP};
use super::counters::stat;
use super::world::{Scene, World, TRUNK};
use super::Module;
use crate::ua::call::flows;
use crate::ua::{Refer, Talk, PATIENCE};
use std::time::Instant;

fn talk(scene: &Scene<'_>) -> Talk {
    let [alice, bob] = scene.phones(UDP);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    talk
}

#[test]
fn every_request_is_decided_and_counted() {
    let world = World::start("counted", Module::Sipxfer, TRUNK);
    let all = super::table::scenarios();
    std::thread::scope(|scope| {
        for some in all.chunks(all.len().div_ceil(8)) {
            scope.spawn(|| some.iter().for_each(|scenario| scenario.check_in(&world, UDP)));
        }
    });
    let asked = world.asked.lock().unwrap().clone();
    let sum = |name: &str| stat(&world.a, name) + stat(&world.b, name);
    assert_eq!(sum("REFER received"), asked.refers, "{}", world.a.cli("sipxfer show stats"));
    assert_eq!(sum("REFER decided"), asked.refers);
    assert_eq!(sum("INVITE with Replaces received"), sum("INVITE with Replaces decided"));
    // Those of the trunk are no phone's.
    let of_phones = stat(&world.a, "INVITE with Replaces received");
    assert_eq!(of_phones, asked.replaces, "{}", world.a.cli("sipxfer show stats"));
    assert!(stat(&world.b, "INVITE with Replaces received") > 0);
    assert_eq!(sum("Faults inside the library"), 0);
}

#[test]
fn with_refer_allow_no_every_refer_fails() {
    let world = World::start("refused", Module::Sipxfer, "[general]\nrefer.allow=no\n");
    let scene = world.scene();
    let first = talk(&scene);
    let carol = scene.phone(UDP);
    let bob = first.callee.phone().clone();
    assert_eq!(first.callee.refer_to_user(carol.name()).status(), 603);
    let second = bob.call(carol.name()).answered_by(&carol);
    assert_eq!(first.callee.refer_to_call(&second.caller).status(), 603);
    let elsewhere = format!("<{}?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>", carol.uri());
    assert_eq!(first.callee.refer(&elsewhere).status(), 603);
    first.flows();
    second.flows();
}

#[test]
fn an_unmatched_replaces_can_go_on_into_the_dialplan() {
    let settings = "[general]\nreplaces.unmatched=continue\n[trunk]\ntype=endpoint\n\
                    replaces_trusted=yes\n";
    let world = World::start("continue", Module::Sipxfer, settings);
    let scene = world.scene();
    let talk = talk(&scene);
    let b = scene.server(UDP, &world.b);
    let refer_to = format!("<{}?Replaces=nothing%3Bto-tag%3Da%3Bfrom-tag%3Db>", b.uri("replaces"));
    let refer = talk.callee.refer(&refer_to).accepted();
    let event = scene
        .event_b("the extension replaces at B", |one| one.get("UserEvent") == "ReplacesFailed");
    assert!(event.get("Replaces").starts_with("nothing"), "{event:?}");
    // Hangup(21) of the extension: call rejected.
    assert_eq!(refer.outcome().code(), 403);
    talk.flows();
}

#[test]
fn the_command_line_shows_transfers_settings_and_reasons() {
    let world = World::of(Module::Sipxfer);
    let scene = world.scene();
    let talk = talk(&scene);
    let carol = scene.phone(UDP);
    let refer = talk.callee.refer_to_user(carol.name()).accepted();
    let third = carol.incoming();
    third.ring();
    refer.until(180);
    let bob = talk.callee.phone().name().to_owned();
    let shown = world.a.cli("sipxfer show transfers");
    let line = shown.lines().find(|line| line.contains(&bob)).expect("the transfer is shown");
    let id = line.split_whitespace().next().expect("its id");
    let shown = world.a.cli(&format!("sipxfer show transfer {id}"));
    for part in ["Refer-To:", "Rules:", "Why:", bob.as_str(), carol.name()] {
        assert!(shown.contains(part), "no {part} in\n{shown}");
    }
    third.answer();
    refer.outcome();
    flows(&talk.caller, &third);

    let settings = world.a.cli("sipxfer show settings");
    assert!(settings.contains("replaces.authorize"), "{settings}");
    let own = world.a.cli("sipxfer show settings trunk");
    let trusted = own.lines().find(|line| line.contains("replaces_trusted")).unwrap_or_default();
    assert!(trusted.contains("yes"), "{own}");
    let help = world.a.cli("core show help sipxfer");
    for command in ["show transfers", "show transfer", "show settings", "show stats", "explain"] {
        assert!(help.contains(command), "no {command} in\n{help}");
    }
    let why = world.a.cli("sipxfer explain \"REFER sip:a@b SIP/2.0\"");
    assert!(!why.trim().is_empty() && !why.contains("No such command"), "{why}");
}

#[test]
fn settings_are_reloaded_while_calls_go_on() {
    let world = World::start("reloaded", Module::Sipxfer, "[general]\n");
    let scene = world.scene();
    let talk = talk(&scene);
    let write = |text: &str| {
        std::fs::write(world.a.dir.join("etc/sipxfer.conf"), text).unwrap();
        world.a.cli("module reload res_pjsip_sipxfer.so")
    };
    write("[general]\nrefer.allow=no\n");
    assert_eq!(talk.callee.refer_to_user("echo").status(), 603);
    // What cannot be understood changes nothing.
    write("[general]\nrefer.allow=perhaps\n");
    assert_eq!(talk.callee.refer_to_user("echo").status(), 603);
    write("[general]\nrefer.allow=yes\n");
    assert_eq!(talk.callee.refer_to_user("echo").status(), 202);
    talk.caller.hears_only(talk.caller.phone());
}

#[test]
fn an_endpoint_without_a_password_is_named_at_load() {
    let a = &World::of(Module::Sipxfer).a;
    let line = a.line("identified_is_authenticated");
    assert!(line.contains("trunk"), "{line}");
    let console = a.console();
    let lines = console.lines().filter(|line| line.contains("identified_is_authenticated"));
    assert_eq!(lines.count(), 1, "it is said once");
}

#[test]
fn the_dialplan_function_tells_of_the_transfer() {
    let world = World::of(Module::Sipxfer);
    let scene = world.scene();
    let talk = talk(&scene);
    let refer = talk.callee.refer_to_user("tell");
    assert_eq!(refer.status(), 202);
    let alice = talk.caller.phone().name().to_owned();
    let event = scene.event("the event of the extension", |one| {
        one.get("UserEvent") == "Told" && one.get("Endpoint") == alice
    });
    assert_eq!(event.get("Kind"), "blind", "{event:?}");
    assert!(!event.get("Id").is_empty(), "{event:?}");
    assert!(event.get("Rules").contains('R'), "{event:?}");
    assert!(event.get("Raw").contains("tell"), "{event:?}");
}

#[test]
fn crossed_refers_never_lock_asterisk_up() {
    let world = World::of(Module::Sipxfer);
    let scene = world.scene();
    let onlooker = scene.phone(UDP);
    for _ in 0..20 {
        let (one, other) = (talk(&scene), talk(&scene));
        let first = one.callee.refer_to_call(&other.callee);
        let second = other.callee.refer_to_call(&one.callee);
        onlooker.fence();
        first.request().response();
        second.request().response();
        onlooker.fence();
        for call in [&one.caller, &other.caller] {
            if call.is_up() {
                call.hang_up();
            }
        }
    }
}

#[test]
fn a_phone_of_the_closed_context_is_told_why() {
    let world = World::of(Module::Sipxfer);
    let scene = world.scene();
    let alice = scene.phone(UDP);
    let bob = scene.phone(CLOSED);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    let refer_to = "<sip:x@127.0.0.1?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>";
    let answer = talk.callee.refer(refer_to).response();
    assert_eq!(answer.status(), Some(404));
    let warning = answer.value("Warning");
    assert!(warning.starts_with("399 sipxfer \"attended transfers to other"), "{warning}");
}

/// What fits is taken as it is, what does not is refused; nothing is cut.
#[test]
fn values_are_as_long_as_the_setting_says_and_no_longer() {
    let world = World::start("length", Module::Sipxfer, "[general]\nmax_value_bytes=1000\n");
    let scene = world.scene();
    let talk = talk(&scene);
    let bob = talk.callee.phone().clone();
    let uri = scene.server(UDP, &world.a).uri("nobody");
    let refer = |bytes: usize| {
        let begin = format!("<{uri};x=");
        let value = format!("{begin}{}>", "y".repeat(bytes - begin.len() - 1));
        assert_eq!(value.len(), bytes);
        talk.callee.refer(&value).status()
    };
    let invite = |bytes: usize| {
        let tags = ";to-tag=a;from-tag=b";
        let value = format!("{}{tags}", "c".repeat(bytes - tags.len()));
        bob.call_with(&bob.uri(), &[("Replaces", &value)]).outcome()
    };
    assert_eq!((refer(1000), refer(1001)), (404, 400));
    assert_eq!((invite(1000), invite(1001)), (Err(481), Err(400)));
    for what in ["REFER", "INVITE with Replaces"] {
        assert_eq!(stat(&world.a, &format!("{what} decided")), 2, "{what}");
        assert_eq!(stat(&world.a, &format!("{what} received")), 2, "{what}");
    }
    talk.flows();
}

#[test]
fn core_set_debug_shows_each_decision_with_its_rules() {
    let world = World::start("debug", Module::Sipxfer, "[general]\n");
    let scene = world.scene();
    let talk = talk(&scene);
    let bob = talk.callee.phone().clone();
    let unmatched = "nothing;to-tag=a;from-tag=b";
    let decisions = || {
        assert_eq!(talk.callee.refer_to_user("nobody").status(), 404);
        let invite = bob.call_with(&bob.uri(), &[("Replaces", unmatched)]);
        assert_eq!(invite.outcome(), Err(481));
    };
    world.a.cli("logger add channel decisions debug");
    decisions();
    world.a.cli("core set debug 1 res_pjsip_sipxfer");
    decisions();
    let end = Instant::now() + PATIENCE;
    // The log is written by a thread of its own; each question is a round trip.
    loop {
        let log = std::fs::read_to_string(world.a.dir.join("log/decisions")).unwrap_or_default();
        let lines = |part: &str| log.lines().filter(|line| line.contains(part)).count();
        if lines("reject 404 R") == 1 && lines("reject 481 R") == 1 {
            break;
        }
        assert!(lines(" R0") < 2 && Instant::now() < end, "{log}");
        world.a.cli("core show uptime");
    }
}

/// Somebody else's call is named: Asterisk's module does it, this one would refuse.
fn foreign_refer(scene: &Scene<'_>) -> (u16, String) {
    let victims = talk(scene);
    let own = talk(scene);
    let refer = own.callee.refer_to_call(&victims.callee);
    let code = refer.status();
    if code < 300 {
        refer.outcome();
    }
    (code, own.callee.phone().name().to_owned())
}

#[test]
fn observing_counts_and_logs_what_would_differ() {
    let world = World::start("observed", Module::Observe, "[general]\nmode=observe\n");
    let scene = world.scene();
    let (code, bob) = foreign_refer(&scene);
    assert_eq!(code, 202, "Asterisk's module decides");
    assert_eq!(stat(&world.a, "REFER received"), 1);
    assert_eq!(stat(&world.a, "Differences (mode = observe)"), 1);
    let line = world.a.line("sipxfer observes");
    assert!(line.contains("202") && line.contains("403") && line.contains(&bob), "{line}");
}

/// What Asterisk's module tells the transferor is compared with what the target has said.
#[test]
fn observing_compares_what_the_transferor_is_told() {
    let world = World::start("told", Module::Observe, "[general]\nmode=observe\n");
    let scene = world.scene();
    let mut differences = 0;
    let mut seen = |what: &str, refer: &Refer, bob: &str, more: Option<(&str, &str)>| {
        let told = refer.outcome().code();
        // Each request of the command line is behind the NOTIFY that went out.
        differences += u64::from(more.is_some());
        assert_eq!(stat(&world.a, "Differences (mode = observe)"), differences, "{what}: {told}");
        let Some((code, said)) = more else { return };
        let end = Instant::now() + PATIENCE;
        // The log is written by a thread of its own; each question is a round trip.
        loop {
            let console = world.a.console();
            let told = |line: &&str| line.contains("was told") && line.contains(bob);
            if let Some(line) = console.lines().rfind(told) {
                assert!(line.contains(code) && line.contains(said), "{what}: {line}");
                return;
            }
            assert!(Instant::now() < end, "{what} is not in the log:\n{console}");
            world.a.cli("core show uptime");
        }
    };
    let begun = |answer: u16| {
        let talk = talk(&scene);
        let carol = scene.phone(UDP);
        // Asterisk's module takes the first voice that reaches the transferee for the answer: the
        // last words of Bob, which may wait in a socket, a tone after a 180, or media that a 183
        // lets overtake the 200.
        talk.callee_falls_silent();
        let refer = talk.callee.refer_to_user(carol.name()).accepted();
        let third = carol.incoming();
        if answer >= 300 {
            third.respond(183);
            refer.until(183);
        }
        third.respond(answer);
        let bob = talk.callee.phone().name().to_owned();
        (talk, refer, bob)
    };
    let (_answered, refer, bob) = begun(200);
    seen("answered", &refer, &bob, None);
    let (_busy, refer, bob) = begun(486);
    seen("busy", &refer, &bob, None);
    let (_declined, refer, bob) = begun(603);
    seen("declined", &refer, &bob, Some(("503", "the target has said 603")));
    let (_gone, refer, bob) = begun(404);
    seen("gone", &refer, &bob, Some(("503", "the target has said 404")));

    let first = talk(&scene);
    let (bob, carol) = (first.callee.phone().clone(), scene.phone(UDP));
    let second = bob.call(carol.name()).rings_at(&carol);
    let refer = first.callee.refer_to_call(&second.caller).accepted();
    let wanted = Some(("200", "the target has not answered yet"));
    seen("semi-attended", &refer, bob.name(), wanted);
    let last = talk(&scene);
    last.callee.refer_to_user("echo").accepted().outcome();
    assert_eq!(stat(&world.a, "Differences (mode = observe)"), 3);
}

#[test]
fn off_hands_back_to_the_other_module_at_once() {
    let world = World::start("off", Module::Beside, TRUNK);
    let scene = world.scene();
    assert_eq!(foreign_refer(&scene).0, 403);
    world.a.cli("sipxfer off");
    assert_eq!(foreign_refer(&scene).0, 202);
    world.a.cli("sipxfer on");
    assert_eq!(foreign_refer(&scene).0, 403);
    // One endpoint only.
    let (victims, own, other) = (talk(&scene), talk(&scene), talk(&scene));
    world.a.cli(&format!("sipxfer off {}", own.callee.phone().name()));
    assert_eq!(other.callee.refer_to_call(&victims.callee).status(), 403);
    assert_eq!(own.callee.refer_to_call(&victims.callee).status(), 202);
}
