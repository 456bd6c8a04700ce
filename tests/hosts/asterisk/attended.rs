//! Attended transfers: Bob, who talks to Alice, has asked Carol and connects the two.

use super::blind::{bye, judged, told};
use super::config::{Group, CLOSED, ELSEWHERE, HANGUP};
use super::scenario::{
    after_failure, fate, fate_within, played, played_over_streams, Scenario, Seen, SOON,
};
use super::world::Scene;
use crate::ua::call::{escaped, flows};
use crate::ua::{Ended, Phone, Talk};

/// Bob's two calls at Asterisk A: Alice has called him, and he has called Carol.
struct Both {
    bob: Phone,
    carol: Phone,
    alice_bob: Talk,
    bob_carol: Talk,
}

fn both(scene: &Scene<'_>, group: &'static Group) -> Both {
    let [alice, bob, carol] = scene.phones(group);
    let alice_bob = alice.call(bob.name()).answered_by(&bob);
    alice_bob.flows();
    alice_bob.callee_falls_silent();
    alice_bob.callee.hold();
    let bob_carol = bob.call(carol.name()).answered_by(&carol);
    bob_carol.flows();
    Both { bob, carol, alice_bob, bob_carol }
}

static LOCAL: Scenario = Scenario {
    title: "Attended, both calls at one Asterisk",
    play: |scene, group, seen| {
        let all = both(scene, group);
        let refer = all.alice_bob.callee.refer_to_call(&all.bob_carol.caller);
        judged(&refer, seen);
        flows(&all.alice_bob.caller, &all.bob_carol.callee);
        seen.note("Alice is bridged with", {
            let names = scene.bridged_with(all.alice_bob.caller.phone());
            if names == [all.carol.name()] {
                "Carol"
            } else {
                "somebody else"
            }
        });
        let patience = all.bob.patience();
        seen.note("Bob's call to Carol", fate_within(&all.bob_carol.caller, patience));
        seen.note("Bob's call with Alice", bye(&all.alice_bob.callee));
        seen.note("channels left to Bob", scene.channels_left(&all.bob));
    },
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 200 OK"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Alice is bridged with", "Carol", "Carol"),
        ("Bob's call to Carol", "hung up", "hung up"),
        ("Bob's call with Alice", "200", "200"),
        ("channels left to Bob", "0", "0"),
    ],
};

/// Carol only rings when Bob asks for the transfer; then she answers with a code.
fn semi(scene: &Scene<'_>, group: &'static Group, seen: &mut Seen, code: u16) {
    let [alice, bob, carol] = scene.phones(group);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    talk.callee_falls_silent();
    talk.callee.hold();
    let second = bob.call(carol.name()).rings_at(&carol);
    let refer = talk.callee.refer_to_call(&second.caller);
    seen.note("REFER", refer.status());
    bob.fence();
    let early = refer.outcome_within(SOON).map_or("nothing final".to_owned(), |last| last.status);
    seen.note("told while Carol rings", early);
    if second.callee.ended_within(std::time::Duration::ZERO).is_some() {
        seen.note("Carol's phone", "stopped ringing");
        return;
    }
    second.callee.respond(code);
    told(&refer, seen);
    if code < 300 {
        second.callee.until_acked();
        flows(&talk.caller, &second.callee);
        seen.note("Alice's call", fate(&talk.caller));
    } else {
        if talk.callee.is_up() {
            talk.callee.reinvite(crate::ua::sdp::Direction::SendRecv);
        }
        after_failure(&talk, seen);
    }
}

static SEMI: Scenario = Scenario {
    title: "Semi-attended, the target answers later",
    play: |scene, group, seen| semi(scene, group, seen, 200),
    cells: &[
        ("REFER", "202", "202"),
        ("told while Carol rings", "200 OK", "nothing final"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 180 Ringing, 200 OK"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Alice's call", "goes on", "goes on"),
    ],
};

static SEMI_BUSY: Scenario = Scenario {
    title: "Semi-attended, the target refuses later (486)",
    play: |scene, group, seen| semi(scene, group, seen, 486),
    cells: &[
        ("REFER", "202", "202"),
        ("told while Carol rings", "200 OK", "nothing final"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 180 Ringing, 486 Busy Here"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Alice and Bob talk", "no", "yes"),
        ("Alice's call", "hung up", "goes on"),
        ("Bob's call", "hung up or goes on", "goes on"),
    ],
};

/// Bob's calls at two Asterisks: with Alice at A, with Dave at B. Then Bob asks A to connect Alice
/// with Dave.
pub struct Remote {
    pub alice_bob: Talk,
    pub bob_dave: Talk,
}

/// Plays until the REFER could be sent.
pub fn remote(scene: &Scene<'_>, group: &'static Group, bobs: &'static Group) -> Remote {
    let alice = scene.phone(group);
    let bob = scene.phone(bobs);
    let dave = scene.phone_at(group, &scene.world.b);
    let alice_bob = alice.call(bob.name()).answered_by(&bob);
    alice_bob.flows();
    alice_bob.callee_falls_silent();
    alice_bob.callee.hold();
    let uri = scene.server(bobs, &scene.world.b).uri(dave.name());
    let bob_dave = bob.call_uri(&uri).answered_by(&dave);
    bob_dave.flows();
    Remote { alice_bob, bob_dave }
}

/// The Refer-To of a call at B as a trunk between Asterisks reaches it.
pub fn refer_to_at_b(scene: &Scene<'_>, all: &Remote) -> String {
    let b = scene.server(super::config::UDP, &scene.world.b);
    let uri = b.uri(all.bob_dave.callee.phone().name());
    format!("<{uri}?Replaces={}>", escaped(&all.bob_dave.caller.replaces()))
}

fn remote_succeeds(scene: &Scene<'_>, group: &'static Group, seen: &mut Seen) {
    let all = remote(scene, group, group);
    let bob = all.alice_bob.callee.phone().clone();
    let refer_to = refer_to_at_b(scene, &all);
    let referred_by = format!("<{}>", bob.uri());
    let refer = all.alice_bob.callee.refer_with(&refer_to, &[("Referred-By", &referred_by)]);
    judged(&refer, seen);
    flows(&all.alice_bob.caller, &all.bob_dave.callee);
    let event = scene.event("the event of external_replaces", |one| {
        one.get("UserEvent") == "ExternalReplaces" && one.get("Endpoint") == group_name(&all)
    });
    let bare = refer_to.trim_start_matches('<');
    let bare = bare.split('?').next().unwrap_or_default();
    let triple = all.bob_dave.caller.triple();
    seen.note("SIPTRANSFER", event.get("Transfer"));
    seen.note("SIPREFERRINGCONTEXT", event.get("ReferringContext"));
    let found = event.get("ReferTo");
    let kind = if found == bare {
        "the URI alone"
    } else if found.contains("Replaces=") {
        "the URI with its headers"
    } else {
        "something else"
    };
    seen.note("SIPREFERTOHDR", kind);
    let told = |wanted: bool| if wanted { "set" } else { "not set" };
    seen.note("SIPREFERREDBYHDR", told(event.get("ReferredBy").contains(bob.name())));
    seen.note("SIPREPLACESHDR", told(event.get("Replaces").contains(&triple.0)));
    seen.note(
        "Bob's call to Dave",
        match all.bob_dave.caller.ended_within(bob.patience()) {
            Some(Ended::ByPeer) => "hung up",
            _ => "goes on",
        },
    );
    seen.note("Bob's call with Alice", bye(&all.alice_bob.callee));
}

/// The endpoint whose channel is sent into external_replaces: Alice's.
fn group_name(all: &Remote) -> &str {
    all.alice_bob.caller.phone().name()
}

static REMOTE: Scenario = Scenario {
    title: "Attended, the second call at another Asterisk",
    play: remote_succeeds,
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 200 OK"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("SIPTRANSFER", "yes", "yes"),
        ("SIPREFERRINGCONTEXT", "phones", "phones"),
        ("SIPREFERTOHDR", "the URI alone", "the URI alone"),
        ("SIPREFERREDBYHDR", "set", "set"),
        ("SIPREPLACESHDR", "set", "set"),
        ("Bob's call to Dave", "hung up", "hung up"),
        ("Bob's call with Alice", "200", "200"),
    ],
};

/// The Replaces names no call anywhere; the trunk asks B all the same.
static REMOTE_GONE: Scenario = Scenario {
    title: "Attended, the other Asterisk knows no such call",
    play: |scene, group, seen| {
        let [alice, bob] = scene.phones(group);
        let talk = alice.call(bob.name()).answered_by(&bob);
        talk.flows();
        talk.callee_falls_silent();
        let b = scene.server(super::config::UDP, &scene.world.b);
        let uri = b.uri("replaces");
        let refer_to = format!("<{uri}?Replaces=nothing%3Bto-tag%3Da%3Bfrom-tag%3Db>");
        let refer = talk.callee.refer(&refer_to);
        judged(&refer, seen);
        // What B did about it, it has said by the time it answers this.
        scene.world.b.ami.action("Ping", &[]);
        let reached = scene.events_b().iter().any(|one| {
            one.get("UserEvent") == "ReplacesFailed" && one.get("Replaces").contains("nothing")
        });
        seen.note("B runs the extension", if reached { "yes" } else { "no" });
        after_failure(&talk, seen);
    },
    cells: &[
        ("REFER", "202", "202"),
        (
            "NOTIFYs",
            "100 Trying, 503 Service Unavailable",
            "100 Trying, 481 Call/Transaction Does Not Exist",
        ),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("B runs the extension", "no", "no"),
        ("Alice and Bob talk", "no", "yes"),
        ("Alice's call", "hung up", "goes on"),
        ("Bob's call", "goes on", "goes on"),
    ],
};

fn remote_fails(scene: &Scene<'_>, group: &'static Group, bobs: &'static Group, seen: &mut Seen) {
    let all = remote(scene, group, bobs);
    let refer = all.alice_bob.callee.refer(&refer_to_at_b(scene, &all));
    judged(&refer, seen);
    if all.alice_bob.callee.is_up() {
        all.alice_bob.callee.reinvite(crate::ua::sdp::Direction::SendRecv);
    }
    after_failure(&all.alice_bob, seen);
    seen.note("Bob's call to Dave", fate(&all.bob_dave.caller));
}

static REMOTE_CLOSED: Scenario = Scenario {
    title: "Attended to another Asterisk, no extension external_replaces",
    play: |scene, group, seen| remote_fails(scene, group, CLOSED, seen),
    cells: &[
        ("last NOTIFY", "terminated;reason=noresource", "none"),
        ("NOTIFYs", "100 Trying, 404 Not Found", "none"),
        ("REFER", "202", "404"),
        ("Alice and Bob talk", "yes", "yes"),
        ("Alice's call", "goes on", "goes on"),
        ("Bob's call", "goes on", "goes on"),
        ("Bob's call to Dave", "goes on", "goes on"),
    ],
};

static REMOTE_HANGUP: Scenario = Scenario {
    title: "Attended to another Asterisk, external_replaces hangs up",
    play: |scene, group, seen| remote_fails(scene, group, HANGUP, seen),
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 503 Service Unavailable", "100 Trying, 603 Decline"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Alice and Bob talk", "no", "yes"),
        ("Alice's call", "hung up", "goes on"),
        ("Bob's call", "hung up", "goes on"),
        ("Bob's call to Dave", "goes on", "goes on"),
    ],
};

static REMOTE_ELSEWHERE: Scenario = Scenario {
    title: "Attended to another Asterisk, TRANSFER_CONTEXT names the context",
    play: |scene, group, seen| {
        let all = remote(scene, group, ELSEWHERE);
        let refer = all.alice_bob.callee.refer(&refer_to_at_b(scene, &all));
        judged(&refer, seen);
        flows(&all.alice_bob.caller, &all.bob_dave.callee);
        let event = scene
            .event("the event of the other context", |one| one.get("UserEvent") == "Elsewhere");
        seen.note("SIPREFERRINGCONTEXT", event.get("ReferringContext"));
    },
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 200 OK"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("SIPREFERRINGCONTEXT", "elsewhere", "elsewhere"),
    ],
};

static OWN_DIALOG: Scenario = Scenario {
    title: "A transfer to one's own dialog",
    play: |scene, group, seen| {
        let [alice, bob] = scene.phones(group);
        let talk = alice.call(bob.name()).answered_by(&bob);
        talk.flows();
        let refer = talk.callee.refer_to_call(&talk.callee);
        judged(&refer, seen);
        after_failure(&talk, seen);
    },
    cells: &[
        ("last NOTIFY", "terminated;reason=noresource", "none"),
        ("NOTIFYs", "100 Trying, 200 OK", "none"),
        ("REFER", "202", "400"),
        ("Alice and Bob talk", "no", "yes"),
        ("Alice's call", "goes on", "goes on"),
        ("Bob's call", "goes on", "goes on"),
    ],
};

static FOREIGN: Scenario = Scenario {
    title: "A REFER whose Replaces names somebody else's call",
    play: |scene, group, seen| {
        let [mallory, mallet] = scene.phones(group);
        let victims = both(scene, group);
        let own = mallory.call(mallet.name()).answered_by(&mallet);
        own.flows();
        let refer = own.caller.refer_to_call(&victims.bob_carol.caller);
        judged(&refer, seen);
        let untouched = victims.bob_carol.callee.hears_only_within(&victims.bob, SOON * 3);
        seen.note("Bob and Carol talk", if untouched { "yes" } else { "no" });
    },
    cells: &[
        ("last NOTIFY", "terminated;reason=noresource", "none"),
        ("NOTIFYs", "100 Trying, 200 OK", "none"),
        ("REFER", "202", "403"),
        ("Bob and Carol talk", "no", "yes"),
    ],
};

static EARLY_ONLY: Scenario = Scenario {
    title: "A REFER with early-only for an answered call",
    play: |scene, group, seen| {
        let all = both(scene, group);
        let replaces = format!("{};early-only", all.bob_carol.caller.replaces());
        let uri = all.carol.uri();
        let refer = all.alice_bob.callee.refer(&format!("<{uri}?Replaces={}>", escaped(&replaces)));
        judged(&refer, seen);
        let untouched = all.bob_carol.callee.hears_only_within(&all.bob, SOON * 3);
        seen.note("Bob and Carol talk", if untouched { "yes" } else { "no" });
    },
    cells: &[
        ("last NOTIFY", "terminated;reason=noresource", "none"),
        ("NOTIFYs", "100 Trying, 200 OK", "none"),
        ("REFER", "202", "486"),
        ("Bob and Carol talk", "no", "yes"),
    ],
};

played! { UDP:
    attended_local = LOCAL,
    r082_semi_attended = SEMI,
    r082_semi_attended_busy = SEMI_BUSY,
    attended_remote = REMOTE,
    attended_remote_gone = REMOTE_GONE,
    attended_remote_closed = REMOTE_CLOSED,
    attended_remote_hangup = REMOTE_HANGUP,
    attended_remote_elsewhere = REMOTE_ELSEWHERE,
    attended_to_oneself = OWN_DIALOG,
    r009_refer_to_a_foreign_call = FOREIGN,
    r013_refer_early_only = EARLY_ONLY,
}

mod tcp {
    use super::*;
    played! { TCP:
        attended_remote = REMOTE,
        attended_remote_closed = REMOTE_CLOSED,
        r009_refer_to_a_foreign_call = FOREIGN,
    }
}

mod tls {
    use super::*;
    played! { TLS:
        attended_remote = REMOTE,
        attended_remote_closed = REMOTE_CLOSED,
        r009_refer_to_a_foreign_call = FOREIGN,
    }
}

played_over_streams! {
    r082_semi_attended_busy = SEMI_BUSY,
    attended_remote_gone = REMOTE_GONE,
    attended_to_oneself = OWN_DIALOG,
    r013_refer_early_only = EARLY_ONLY,
}

/// For the table.
pub static ALL: &[&Scenario] = &[
    &LOCAL,
    &SEMI,
    &SEMI_BUSY,
    &REMOTE,
    &REMOTE_GONE,
    &REMOTE_CLOSED,
    &REMOTE_HANGUP,
    &REMOTE_ELSEWHERE,
    &OWN_DIALOG,
    &FOREIGN,
    &EARLY_ONLY,
];
