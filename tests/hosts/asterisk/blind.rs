//! Blind transfers: Bob, who talks to Alice, asks for Alice to be connected with somebody.

use super::config::Group;
use super::scenario::{after_failure, fate, fate_within, played, played_over_streams};
use super::scenario::{Scenario, Seen, SOON};
use super::world::Scene;
use crate::ua::call::flows;
use crate::ua::message::param;
use crate::ua::{Call, Phone, Refer, Talk};
use std::time::Duration;

/// Alice has called Bob, and they hear each other: both are in a bridge. Then Bob says nothing:
/// Asterisk's module takes any voice on its way to Alice for an answer of the target.
pub fn talk(scene: &Scene<'_>, group: &'static Group) -> (Phone, Phone, Talk) {
    let [alice, bob] = scene.phones(group);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    talk.callee_falls_silent();
    (alice, bob, talk)
}

/// Notes the answer to a REFER, and what the transferor was told where it was accepted.
pub fn judged(refer: &Refer, seen: &mut Seen) {
    let code = refer.status();
    seen.note("REFER", code);
    if code < 300 {
        told(refer, seen);
    } else {
        seen.note("NOTIFYs", "none");
        seen.note("last NOTIFY", "none");
    }
}

/// Notes what the transferor was told, all of it and the end of it.
pub fn told(refer: &Refer, seen: &mut Seen) {
    told_within(refer, seen, refer.request().phone().patience());
}

/// The same where it may be that no end comes.
fn told_within(refer: &Refer, seen: &mut Seen, patience: Duration) {
    let last = refer.outcome_within(patience);
    let mut told: Vec<String> = refer.statuses();
    told.dedup();
    seen.note("NOTIFYs", told.join(", "));
    let last = last.map_or("none".to_owned(), |last| {
        format!("{};reason={}", last.state, last.reason).trim_end_matches(";reason=").to_owned()
    });
    seen.note("last NOTIFY", last);
}

static ANSWERED: Scenario = Scenario {
    title: "Blind, the target answers",
    play: |scene, group, seen| {
        let (_alice, bob, talk) = talk(scene, group);
        let carol = scene.phone(group);
        let refer = talk.callee.refer_to_user(carol.name());
        seen.note("REFER", refer.status());
        let third = carol.incoming();
        third.ring();
        refer.until(180);
        third.answer();
        told(&refer, seen);
        flows(&talk.caller, &third);
        seen.note("Alice's call", fate(&talk.caller));
        seen.note("Bob is bridged with", scene.bridged_with(&bob).len());
        seen.note("Bob's BYE", bye(&talk.callee));
    },
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 180 Ringing, 200 OK", "100 Trying, 180 Ringing, 200 OK"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Alice's call", "goes on", "goes on"),
        ("Bob is bridged with", "0", "0"),
        ("Bob's BYE", "200", "200"),
    ],
};

/// What a phone does once it knows of the success; it may be that Asterisk was quicker.
pub fn bye(call: &Call) -> String {
    if call.is_up() {
        return call.hang_up().status().to_string();
    }
    "Asterisk was quicker".to_owned()
}

/// Carol refuses with a code; then it is seen whether Bob gets Alice back.
fn refused(scene: &Scene<'_>, group: &'static Group, seen: &mut Seen, code: u16) {
    let (_alice, _bob, talk) = talk(scene, group);
    let carol = scene.phone(group);
    let refer = talk.callee.refer_to_user(carol.name());
    seen.note("REFER", refer.status());
    carol.incoming().refuse(code);
    told(&refer, seen);
    after_failure(&talk, seen);
}

static BUSY: Scenario = Scenario {
    title: "Blind, the target is busy (486)",
    play: |scene, group, seen| refused(scene, group, seen, 486),
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 486 Busy Here", "100 Trying, 486 Busy Here"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Alice's call", "hung up", "goes on"),
        ("Bob's call", "goes on", "goes on"),
        ("Alice and Bob talk", "no", "yes"),
    ],
};

static DECLINED: Scenario = Scenario {
    title: "Blind, the target declines (603)",
    play: |scene, group, seen| refused(scene, group, seen, 603),
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 503 Service Unavailable", "100 Trying, 603 Decline"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Alice's call", "hung up", "goes on"),
        ("Bob's call", "goes on", "goes on"),
        ("Alice and Bob talk", "no", "yes"),
    ],
};

static GONE: Scenario = Scenario {
    title: "Blind, the target does not know the user (404)",
    play: |scene, group, seen| refused(scene, group, seen, 404),
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 503 Service Unavailable", "100 Trying, 404 Not Found"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Alice's call", "hung up", "goes on"),
        ("Bob's call", "goes on", "goes on"),
        ("Alice and Bob talk", "no", "yes"),
    ],
};

static NOWHERE: Scenario = Scenario {
    title: "Blind to an extension that is not there",
    play: |scene, group, seen| {
        let (_alice, _bob, talk) = talk(scene, group);
        let refer = talk.callee.refer_to_user("nobody");
        judged(&refer, seen);
        after_failure(&talk, seen);
    },
    cells: &[
        ("REFER", "202", "404"),
        ("NOTIFYs", "100 Trying, 404 Not Found", "none"),
        ("last NOTIFY", "terminated;reason=noresource", "none"),
        ("Alice's call", "goes on", "goes on"),
        ("Bob's call", "goes on", "goes on"),
        ("Alice and Bob talk", "yes", "yes"),
    ],
};

static RINGS_LONG: Scenario = Scenario {
    title: "Blind, Alice hangs up while the target rings",
    play: |scene, group, seen| {
        let (_alice, _bob, talk) = talk(scene, group);
        let carol = scene.phone(group);
        let refer = talk.callee.refer_to_user(carol.name()).accepted();
        let third = carol.incoming();
        third.ring();
        refer.until(180);
        talk.caller.hang_up();
        told(&refer, seen);
        seen.note("Carol's call", fate_within(&third, carol.patience()));
        seen.note("Bob's call", fate(&talk.callee));
    },
    cells: &[
        (
            "NOTIFYs",
            "100 Trying, 180 Ringing, 503 Service Unavailable",
            "100 Trying, 180 Ringing, 487 Request Terminated",
        ),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Carol's call", "cancelled", "cancelled"),
        ("Bob's call", "goes on", "hung up"),
    ],
};

static BYE_AT_ONCE: Scenario = Scenario {
    title: "Blind, Bob hangs up right after the 202",
    play: |scene, group, seen| {
        let (_alice, _bob, talk) = talk(scene, group);
        let carol = scene.phone(group);
        talk.callee.refer_to_user(carol.name()).accepted();
        seen.note("BYE", talk.callee.hang_up().status());
        let third = carol.incoming();
        third.answer();
        third.until_acked();
        flows(&talk.caller, &third);
        seen.note("Alice's call", fate(&talk.caller));
    },
    cells: &[("BYE", "200", "200"), ("Alice's call", "goes on", "goes on")],
};

/// Bob refers Alice to an extension that plays something by itself.
fn to_extension(
    scene: &Scene<'_>,
    group: &'static Group,
    seen: &mut Seen,
    extension: &str,
    patience: Option<Duration>,
    wait: Duration,
) -> Call {
    let (_alice, _bob, talk) = talk(scene, group);
    let refer = talk.callee.refer_to_user(extension);
    seen.note("REFER", refer.status());
    told_within(&refer, seen, patience.unwrap_or(talk.callee.phone().patience()));
    seen.note("Alice's call", fate_within(&talk.caller, wait));
    seen.note("Bob's call", fate(&talk.callee));
    talk.caller
}

static TO_APPLICATION: Scenario = Scenario {
    title: "Blind to an extension that answers (Echo)",
    play: |scene, group, seen| {
        let alice = to_extension(scene, group, seen, "echo", None, SOON);
        alice.hears_only(alice.phone());
    },
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 200 OK"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Alice's call", "goes on", "goes on"),
        ("Bob's call", "goes on", "goes on"),
    ],
};

static TO_TONE: Scenario = Scenario {
    title: "Blind to an extension that only plays a ringing tone",
    play: |scene, group, seen| {
        to_extension(scene, group, seen, "tone", Some(SOON * 2), SOON);
    },
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 183 Session Progress, 200 OK", "100 Trying, 183 Session Progress"),
        ("last NOTIFY", "terminated;reason=noresource", "none"),
        ("Alice's call", "goes on", "goes on"),
        ("Bob's call", "goes on", "goes on"),
    ],
};

static TO_BUSY_EXTENSION: Scenario = Scenario {
    title: "Blind to an extension that is busy (Busy)",
    play: |scene, group, seen| {
        to_extension(scene, group, seen, "busy", None, SOON * 5);
    },
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 486 Busy Here", "100 Trying, 486 Busy Here"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
        ("Alice's call", "hung up", "goes on"),
        ("Bob's call", "goes on", "goes on"),
    ],
};

static TWO_REFERS: Scenario = Scenario {
    title: "A second REFER in the same call after the first failed",
    play: |scene, group, seen| {
        let (_alice, bob, talk) = talk(scene, group);
        let carol = scene.phone(group);
        let first = talk.callee.refer_to_user(carol.name()).accepted();
        carol.incoming().refuse(486);
        first.outcome();
        let before = bob.all_received("NOTIFY").len();
        let second = talk.callee.refer_to_user("echo");
        seen.note("second REFER", second.status());
        let number = second.request().sent().cseq().0.to_string();
        if second.status() < 300 {
            bob.received("NOTIFY", before);
        }
        bob.fence();
        let all = bob.all_received("NOTIFY");
        let ids: Vec<bool> = all[before..]
            .iter()
            .map(|one| param(one.msg.value("Event"), "id") == Some(number.as_str()))
            .collect();
        let carried = match (ids.contains(&true), ids.contains(&false)) {
            (true, false) => "every one",
            (true, true) => "some",
            _ => "none",
        };
        seen.note("NOTIFYs of the second with its id", carried);
    },
    cells: &[
        ("second REFER", "404", "202"),
        ("NOTIFYs of the second with its id", "none", "every one"),
    ],
};

static TWO_PENDING: Scenario = Scenario {
    title: "Two REFERs pending in one call",
    play: |scene, group, seen| {
        let (_alice, bob, talk) = talk(scene, group);
        let [carol, dave] = scene.phones(group);
        let first = talk.callee.refer_to_user(carol.name()).accepted();
        let ringing = carol.incoming();
        ringing.ring();
        first.until(180);
        let second = talk.callee.refer_to_user(dave.name());
        seen.note("second REFER", second.status());
        if second.status() < 300 {
            let last = second.outcome_within(bob.patience());
            let failed = last.is_some_and(|last| last.code() >= 400);
            seen.note("told of the second", if failed { "a failure" } else { "no failure" });
        } else {
            seen.note("told of the second", "nothing");
        }
        ringing.answer();
        ringing.until_acked();
        seen.note(
            "told of the first",
            first
                .outcome_within(bob.patience())
                .map_or_else(|| "nothing final".to_owned(), |last| last.status),
        );
        flows(&talk.caller, &ringing);
        bob.fence();
        seen.note("Dave is called", dave.waiting_calls());
    },
    cells: &[
        ("second REFER", "404", "202"),
        ("told of the second", "nothing", "a failure"),
        ("told of the first", "200 OK", "200 OK"),
        ("Dave is called", "0", "0"),
    ],
};

static NO_SUBSCRIPTION: Scenario = Scenario {
    title: "Refer-Sub: false",
    play: |scene, group, seen| {
        let (_alice, bob, talk) = talk(scene, group);
        let carol = scene.phone(group);
        let uri = format!("<{}>", carol.uri());
        let refer = talk.callee.refer_with(&uri, &[("Refer-Sub", "false")]);
        seen.note("REFER", refer.status());
        seen.note("Refer-Sub of the answer", refer.response().value("Refer-Sub"));
        let third = carol.incoming();
        third.ring();
        third.answer();
        third.until_acked();
        flows(&talk.caller, &third);
        bob.fence();
        seen.note("NOTIFYs", bob.all_received("NOTIFY").len());
    },
    cells: &[
        ("REFER", "200", "202"),
        ("Refer-Sub of the answer", "false", "false"),
        ("NOTIFYs", "0", "0"),
    ],
};

static MUST_NOT: Scenario = Scenario {
    title: "A phone with allow_transfer=no",
    play: |scene, group, seen| {
        let alice = scene.phone(group);
        let bob = scene.phone(super::config::FIXED);
        let talk = alice.call(bob.name()).answered_by(&bob);
        talk.flows();
        talk.callee_falls_silent();
        let carol = scene.phone(group);
        let refer = talk.callee.refer_to_user(carol.name());
        seen.note("REFER", refer.status());
        after_failure(&talk, seen);
        seen.note("Carol is called", carol.waiting_calls());
    },
    cells: &[
        ("REFER", "603", "603"),
        ("Alice's call", "goes on", "goes on"),
        ("Bob's call", "goes on", "goes on"),
        ("Alice and Bob talk", "yes", "yes"),
        ("Carol is called", "0", "0"),
    ],
};

static QUIET: Scenario = Scenario {
    title: "Blind from a phone with refer_blind_progress=no",
    play: |scene, group, seen| {
        let alice = scene.phone(group);
        let bob = scene.phone(super::config::QUIET);
        let talk = alice.call(bob.name()).answered_by(&bob);
        talk.flows();
        talk.callee_falls_silent();
        let carol = scene.phone(group);
        let refer = talk.callee.refer_to_user(carol.name());
        seen.note("REFER", refer.status());
        let third = carol.incoming();
        third.ring();
        told(&refer, seen);
        third.answer();
        third.until_acked();
        flows(&talk.caller, &third);
    },
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 200 OK"),
        ("last NOTIFY", "terminated;reason=noresource", "terminated;reason=noresource"),
    ],
};

played! { UDP:
    blind_answered = ANSWERED,
    r082_blind_busy = BUSY,
    r082_blind_declined = DECLINED,
    r082_blind_gone = GONE,
    blind_to_no_extension = NOWHERE,
    blind_transferee_hangs_up = RINGS_LONG,
    r084_blind_bye_at_once = BYE_AT_ONCE,
    blind_to_an_application = TO_APPLICATION,
    blind_to_a_tone = TO_TONE,
    blind_to_a_busy_extension = TO_BUSY_EXTENSION,
    r042_second_refer = TWO_REFERS,
    two_refers_pending = TWO_PENDING,
    r063_no_subscription = NO_SUBSCRIPTION,
    blind_not_allowed = MUST_NOT,
    blind_without_progress = QUIET,
}

played_over_streams! {
    r082_blind_busy = BUSY,
    r082_blind_declined = DECLINED,
    r082_blind_gone = GONE,
    blind_to_no_extension = NOWHERE,
    r042_second_refer = TWO_REFERS,
    blind_not_allowed = MUST_NOT,
}

/// For the table.
pub static ALL: &[&Scenario] = &[
    &ANSWERED,
    &BUSY,
    &DECLINED,
    &GONE,
    &NOWHERE,
    &RINGS_LONG,
    &BYE_AT_ONCE,
    &TO_APPLICATION,
    &TO_TONE,
    &TO_BUSY_EXTENSION,
    &TWO_REFERS,
    &TWO_PENDING,
    &NO_SUBSCRIPTION,
    &MUST_NOT,
    &QUIET,
];
