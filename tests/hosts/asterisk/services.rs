//! Transfers of calls that are in an application: a queue, a conference of three, a mailbox.

use super::blind::{bye, judged};
use super::config::Group;
use super::scenario::{fate, played, Scenario};
use super::world::Scene;
use crate::ua::call::flows;
use crate::ua::{Call, Phone, Talk};

fn joined(scene: &Scene<'_>, group: &'static Group, room: &str) -> (Phone, Call) {
    let phone = scene.phone(group);
    let call = phone.call(room);
    call.until_up();
    (phone, call)
}

static QUEUE: Scenario = Scenario {
    title: "Blind, Alice came through a queue",
    play: |scene, group, seen| {
        let [alice, bob, carol] = scene.phones(group);
        let member = format!("queue add member PJSIP/{} to {}", bob.name(), "support");
        let added = scene.world.a.cli(&member);
        assert!(added.contains("Added"), "{added}");
        let waiting = alice.call("queue");
        let agent = bob.incoming();
        agent.answer();
        agent.until_acked();
        waiting.until_up();
        flows(&waiting, &agent);
        Talk { caller: waiting.clone(), callee: agent.clone() }.callee_falls_silent();
        scene.world.a.cli(&format!("queue remove member PJSIP/{} from support", bob.name()));
        let refer = agent.refer_to_user(carol.name()).accepted();
        let third = carol.incoming();
        third.ring();
        refer.until(180);
        third.answer();
        judged(&refer, seen);
        flows(&waiting, &third);
        seen.note("Bob's BYE", bye(&agent));
        seen.note("Alice's call", fate(&waiting));
    },
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 180 Ringing, 200 OK", "100 Trying, 180 Ringing, 200 OK"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Bob's BYE", "200", "200"),
        ("Alice's call", "goes on", "goes on"),
    ],
};

static CONFERENCE: Scenario = Scenario {
    title: "Attended, Bob is one of three in a conference",
    play: |scene, group, seen| {
        let bob = scene.phone(group);
        let room = format!("room-{}", bob.name());
        let (alice, first) = joined(scene, group, &room);
        let (dave, second) = joined(scene, group, &room);
        let own = bob.call(&room);
        own.until_up();
        own.hears_all(&[&alice, &dave]);
        own.hold();
        let carol = scene.phone(group);
        let talk = bob.call(carol.name()).answered_by(&carol);
        talk.flows();
        let refer = own.refer_to_call(&talk.caller);
        judged(&refer, seen);
        talk.callee.hears_all(&[&alice, &dave]);
        first.hears_all(&[&dave, &carol]);
        second.hears_all(&[&alice, &carol]);
        seen.note("Bob's BYE", bye(&own));
        seen.note("Carol's call", fate(&talk.callee));
    },
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 200 OK"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Bob's BYE", "200", "200"),
        ("Carol's call", "goes on", "goes on"),
    ],
};

static MAILBOX: Scenario = Scenario {
    title: "Blind into a mailbox",
    play: |scene, group, seen| {
        let [alice, bob] = scene.phones(group);
        let talk = alice.call(bob.name()).answered_by(&bob);
        talk.flows();
        talk.callee_falls_silent();
        let refer = talk.callee.refer_to_user("voicemail");
        judged(&refer, seen);
        seen.note("Bob's BYE", bye(&talk.callee));
        seen.note("Alice's call", fate(&talk.caller));
    },
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 200 OK"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Bob's BYE", "200", "200"),
        ("Alice's call", "goes on", "goes on"),
    ],
};

played! { UDP:
    blind_out_of_a_queue = QUEUE,
    attended_out_of_a_conference = CONFERENCE,
    blind_into_a_mailbox = MAILBOX,
}

/// For the table.
pub static ALL: &[&Scenario] = &[&QUEUE, &CONFERENCE, &MAILBOX];
