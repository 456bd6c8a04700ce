//! INVITE with Replaces at one Asterisk (RFC 3891): somebody takes the place of Bob, who talks to
//! Alice.

use super::config::{Group, FIXED, NAMED, OTHER_TEAM, TEAM, UDP};
use super::scenario::{after_failure, played, played_over_streams, Scenario, Seen, SOON};
use super::world::Scene;
use crate::ua::call::flows;
use crate::ua::sdp::Direction;
use crate::ua::{Call, Ended, Phone, Talk};

fn talk(scene: &Scene<'_>, group: &'static Group) -> (Phone, Talk) {
    let [alice, bob] = scene.phones(group);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    (bob, talk)
}

/// An INVITE of `phone` that wants the place of a call.
pub fn take(phone: &Phone, extension: &str, replaces: &str, more: &[(&str, &str)]) -> Call {
    let uri = phone.0.setup.server.uri(extension);
    let mut headers = vec![("Replaces", replaces)];
    headers.extend_from_slice(more);
    phone.call_with(&uri, &headers)
}

/// Notes the answer to the INVITE, and who talks with Alice at the end.
fn outcome(new: &Call, talk: &Talk, seen: &mut Seen) {
    let code = new.final_response().status().unwrap_or_default();
    seen.note("INVITE", code);
    let (alice, bob) = (&talk.caller, &talk.callee);
    if code == 200 {
        let how = match bob.ended_within(bob.phone().patience()) {
            None => "goes on",
            Some(Ended::ByPeer) => "BYE",
            Some(Ended::Cancelled) => "CANCEL",
            Some(_) => "ended otherwise",
        };
        seen.note("the old call gets", how);
        flows(alice, new);
        seen.note("Alice talks with", "the new call");
    } else {
        seen.note("the old call gets", if bob.is_up() { "nothing" } else { "its end" });
        alice.hears_only(bob.phone());
        seen.note("Alice talks with", "Bob");
    }
}

static OWN_CALL: Scenario = Scenario {
    title: "INVITE with Replaces from Bob's own account",
    play: |scene, group, seen| {
        let (bob, talk) = talk(scene, group);
        let new = take(&bob, bob.name(), &talk.callee.replaces(), &[]);
        outcome(&new, &talk, seen);
    },
    cells: &[
        ("INVITE", "200", "200"),
        ("the old call gets", "BYE", "BYE"),
        ("Alice talks with", "the new call", "the new call"),
    ],
};

static FOREIGN_CALL: Scenario = Scenario {
    title: "INVITE with Replaces from somebody else",
    play: |scene, group, seen| {
        let (bob, talk) = talk(scene, group);
        let carol = scene.phone(group);
        let new = take(&carol, bob.name(), &talk.callee.replaces(), &[]);
        outcome(&new, &talk, seen);
    },
    cells: &[
        ("INVITE", "200", "403"),
        ("the old call gets", "BYE", "nothing"),
        ("Alice talks with", "the new call", "Bob"),
    ],
};

static CLAIMED: Scenario = Scenario {
    title: "INVITE with Replaces from somebody else who claims Referred-By: Bob",
    play: |scene, group, seen| {
        let (bob, talk) = talk(scene, group);
        let carol = scene.phone(group);
        let referred_by = format!("<{}>", bob.uri());
        let more = [("Referred-By", referred_by.as_str())];
        let new = take(&carol, bob.name(), &talk.callee.replaces(), &more);
        outcome(&new, &talk, seen);
    },
    cells: &[
        ("INVITE", "200", "403"),
        ("the old call gets", "BYE", "nothing"),
        ("Alice talks with", "the new call", "Bob"),
    ],
};

/// Bob's phone rings when its place is taken.
fn pickup(scene: &Scene<'_>, group: &'static Group, seen: &mut Seen, own: bool, early_only: bool) {
    let [bob, carol] = scene.phones(group);
    let by = if own { bob.clone() } else { carol };
    picked_up(scene, &bob, &by, seen, early_only);
}

fn picked_up(scene: &Scene<'_>, bob: &Phone, by: &Phone, seen: &mut Seen, early_only: bool) {
    let alice = scene.phone(UDP);
    let talk = alice.call(bob.name()).rings_at(bob);
    let early = if early_only { ";early-only" } else { "" };
    let replaces = format!("{}{early}", talk.callee.replaces());
    let new = take(by, bob.name(), &replaces, &[]);
    let code = new.final_response().status().unwrap_or_default();
    seen.note("INVITE", code);
    if code == 200 {
        seen.note(
            "the ringing phone gets",
            match talk.callee.ended_within(bob.patience()) {
                Some(Ended::Cancelled) => "CANCEL",
                _ => "nothing",
            },
        );
        talk.caller.until_up();
        flows(&talk.caller, &new);
        return;
    }
    let rings = talk.callee.ended_within(std::time::Duration::ZERO).is_none();
    seen.note("the ringing phone gets", if rings { "nothing" } else { "CANCEL" });
    talk.callee.answer();
    talk.caller.until_up();
    talk.flows();
}

static PICKUP_OWN: Scenario = Scenario {
    title: "Pickup of a ringing phone by the same account, early-only",
    play: |scene, group, seen| pickup(scene, group, seen, true, true),
    cells: &[("INVITE", "200", "200"), ("the ringing phone gets", "CANCEL", "CANCEL")],
};

static PICKUP_FOREIGN: Scenario = Scenario {
    title: "Pickup of a ringing phone by somebody else",
    play: |scene, group, seen| pickup(scene, group, seen, false, false),
    cells: &[("INVITE", "200", "403"), ("the ringing phone gets", "CANCEL", "nothing")],
};

static PICKUP_TEAM: Scenario = Scenario {
    title: "Pickup of a ringing phone by a phone of its pickup group",
    play: |scene, _group, seen| {
        let (bob, by) = (scene.phone(TEAM), scene.phone(TEAM));
        picked_up(scene, &bob, &by, seen, true);
    },
    cells: &[("INVITE", "200", "200"), ("the ringing phone gets", "CANCEL", "CANCEL")],
};

static PICKUP_NAMED: Scenario = Scenario {
    title: "Pickup of a ringing phone by a phone of its named pickup group",
    play: |scene, _group, seen| {
        let (bob, by) = (scene.phone(TEAM), scene.phone(NAMED));
        picked_up(scene, &bob, &by, seen, true);
    },
    cells: &[("INVITE", "200", "200"), ("the ringing phone gets", "CANCEL", "CANCEL")],
};

static PICKUP_OTHER_TEAM: Scenario = Scenario {
    title: "Pickup of a ringing phone by a phone of another pickup group",
    play: |scene, _group, seen| {
        let (bob, by) = (scene.phone(TEAM), scene.phone(OTHER_TEAM));
        picked_up(scene, &bob, &by, seen, true);
    },
    cells: &[("INVITE", "200", "403"), ("the ringing phone gets", "CANCEL", "nothing")],
};

static ANSWERED_TEAM: Scenario = Scenario {
    title: "INVITE with Replaces for an answered call of a phone of one's pickup group",
    play: |scene, group, seen| {
        let (alice, bob, by) = (scene.phone(group), scene.phone(TEAM), scene.phone(TEAM));
        let talk = alice.call(bob.name()).answered_by(&bob);
        talk.flows();
        let new = take(&by, bob.name(), &talk.callee.replaces(), &[]);
        outcome(&new, &talk, seen);
    },
    cells: &[
        ("INVITE", "200", "403"),
        ("the old call gets", "BYE", "nothing"),
        ("Alice talks with", "the new call", "Bob"),
    ],
};

static UNMATCHED: Scenario = Scenario {
    title: "INVITE with Replaces that names no call",
    play: |scene, group, seen| {
        let (bob, talk) = talk(scene, group);
        let new = take(&bob, bob.name(), "nothing;to-tag=a;from-tag=b", &[]);
        outcome(&new, &talk, seen);
    },
    cells: &[
        ("INVITE", "481", "481"),
        ("the old call gets", "nothing", "nothing"),
        ("Alice talks with", "Bob", "Bob"),
    ],
};

static SWAPPED: Scenario = Scenario {
    title: "INVITE with Replaces whose tags are swapped",
    play: |scene, group, seen| {
        let (bob, talk) = talk(scene, group);
        let (call_id, local, remote) = talk.callee.triple();
        let swapped = format!("{call_id};to-tag={local};from-tag={remote}");
        let new = take(&bob, bob.name(), &swapped, &[]);
        outcome(&new, &talk, seen);
    },
    cells: &[
        ("INVITE", "481", "481"),
        ("the old call gets", "nothing", "nothing"),
        ("Alice talks with", "Bob", "Bob"),
    ],
};

static CONFIRMED_EARLY_ONLY: Scenario = Scenario {
    title: "INVITE with Replaces and early-only for an answered call",
    play: |scene, group, seen| {
        let (bob, talk) = talk(scene, group);
        let replaces = format!("{};early-only", talk.callee.replaces());
        let new = take(&bob, bob.name(), &replaces, &[]);
        outcome(&new, &talk, seen);
    },
    cells: &[
        ("INVITE", "486", "486"),
        ("the old call gets", "nothing", "nothing"),
        ("Alice talks with", "Bob", "Bob"),
    ],
};

static ENDED: Scenario = Scenario {
    title: "INVITE with Replaces for a call that has ended",
    play: |scene, group, seen| {
        let (bob, talk) = talk(scene, group);
        let replaces = talk.callee.replaces();
        talk.callee.hang_up().status();
        talk.caller.ended();
        bob.fence();
        let new = take(&bob, bob.name(), &replaces, &[]);
        seen.note("INVITE", new.final_response().status().unwrap_or_default());
    },
    cells: &[("INVITE", "603", "603")],
};

static NO_EXTENSION: Scenario = Scenario {
    title: "INVITE with Replaces to an extension that is not there",
    play: |scene, group, seen| {
        let (bob, talk) = talk(scene, group);
        let new = take(&bob, "nobody", &talk.callee.replaces(), &[]);
        outcome(&new, &talk, seen);
    },
    cells: &[
        ("INVITE", "404", "404"),
        ("the old call gets", "nothing", "nothing"),
        ("Alice talks with", "Bob", "Bob"),
    ],
};

static NOT_ALLOWED: Scenario = Scenario {
    title: "INVITE with Replaces from a phone with allow_transfer=no",
    play: |scene, group, seen| {
        let alice = scene.phone(group);
        let bob = scene.phone(FIXED);
        let talk = alice.call(bob.name()).answered_by(&bob);
        talk.flows();
        let new = take(&bob, bob.name(), &talk.callee.replaces(), &[]);
        outcome(&new, &talk, seen);
    },
    cells: &[
        ("INVITE", "200", "403"),
        ("the old call gets", "BYE", "nothing"),
        ("Alice talks with", "the new call", "Bob"),
    ],
};

static IN_DIALOG: Scenario = Scenario {
    title: "INVITE with Replaces inside a call",
    play: |scene, group, seen| {
        let (_bob, first) = talk(scene, group);
        let (_dave, second) = talk(scene, group);
        let replaces = first.callee.replaces();
        let request = second.callee.reinvite_with(Direction::SendRecv, &[("Replaces", &replaces)]);
        seen.note("INVITE", request.status());
        after_failure(&second, seen);
        first.caller.hears_only(first.callee.phone());
        seen.note("the call it names", "goes on");
    },
    cells: &[
        ("INVITE", "200", "488"),
        ("Alice and Bob talk", "no", "yes"),
        ("Alice's call", "hung up", "goes on"),
        ("Bob's call", "hung up", "goes on"),
        ("the call it names", "goes on", "goes on"),
    ],
};

static APPLICATION: Scenario = Scenario {
    title: "INVITE with Replaces for a call in an application (Echo)",
    play: |scene, group, seen| {
        let bob = scene.phone(group);
        let old = bob.call("echo");
        old.until_up();
        old.hears_only(&bob);
        let new = take(&bob, "echo", &old.replaces(), &[]);
        let code = new.final_response().status().unwrap_or_default();
        seen.note("INVITE", code);
        let ended = old.ended_within(bob.patience()) == Some(Ended::ByPeer);
        seen.note("the old call gets", if ended { "BYE" } else { "nothing" });
        new.hears_only(&bob);
        seen.note("the new call hears the echo", "yes");
    },
    cells: &[
        ("INVITE", "200", "200"),
        ("the old call gets", "BYE", "BYE"),
        ("the new call hears the echo", "yes", "yes"),
    ],
};

static MALFORMED: Scenario = Scenario {
    title: "INVITE with a Replaces that RFC 3891 forbids",
    play: |scene, group, seen| {
        // Each in a call of its own: what one of them does to it is no matter for the next.
        let mut code = |fact: &'static str, headers: fn(&Call) -> Vec<(&'static str, String)>| {
            let (bob, talk) = talk(scene, group);
            let headers = headers(&talk.callee);
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let uri = bob.0.setup.server.uri(bob.name());
            let call = bob.call_with(&uri, &headers);
            let code = call.final_response().status().unwrap_or_default();
            let lives = if code == 200 {
                talk.callee.ended_within(SOON).is_none()
            } else {
                talk.caller.hears_only_within(&bob, SOON * 3) && talk.callee.is_up()
            };
            let after = if lives { "" } else { ", and the call is gone" };
            seen.note(fact, format!("{code}{after}"));
        };
        code("two Replaces", |call| {
            let other = "x;to-tag=1;from-tag=2".to_owned();
            vec![("Replaces", call.replaces()), ("Replaces", other)]
        });
        code("Replaces beside Join", |call| {
            vec![("Replaces", call.replaces()), ("Join", call.replaces())]
        });
        code("no to-tag", |call| {
            let (call_id, local, _) = call.triple();
            vec![("Replaces", format!("{call_id};from-tag={local}"))]
        });
        code("no from-tag", |call| {
            let (call_id, _, remote) = call.triple();
            vec![("Replaces", format!("{call_id};to-tag={remote}"))]
        });
        code("two to-tags", |call| {
            let (call_id, local, remote) = call.triple();
            let value = format!("{call_id};to-tag=x;to-tag={remote};from-tag={local}");
            vec![("Replaces", value)]
        });
        code("a comma for a semicolon", |call| {
            vec![("Replaces", call.replaces().replacen(';', ",", 1))]
        });
        code("an unknown tag in Require", |call| {
            vec![("Replaces", call.replaces()), ("Require", "replaces, xyz".to_owned())]
        });
    },
    cells: &[
        ("two Replaces", "400", "400"),
        ("Replaces beside Join", "200, and the call is gone", "400"),
        ("no to-tag", "481", "400"),
        ("no from-tag", "481", "400"),
        ("two to-tags", "200, and the call is gone", "400"),
        ("a comma for a semicolon", "481", "400"),
        ("an unknown tag in Require", "420", "420"),
    ],
};

static OTHER_METHODS: Scenario = Scenario {
    title: "Replaces in a request that is no INVITE",
    play: |scene, group, seen| {
        let (bob, talk) = talk(scene, group);
        let replaces = talk.callee.replaces();
        let uri = bob.0.setup.server.uri(bob.name());
        let headers = [("Replaces", replaces.as_str())];
        seen.note("OPTIONS", bob.request("OPTIONS", &uri, &headers).status());
        let refer_to = format!("<{uri}>");
        let refer = talk.callee.refer_with(&refer_to, &headers);
        seen.note("REFER", refer.status());
    },
    cells: &[("OPTIONS", "200", "400"), ("REFER", "202", "400")],
};

played! { UDP:
    replaces_own_call = OWN_CALL,
    r009_replaces_a_foreign_call = FOREIGN_CALL,
    r010_replaces_with_a_claim = CLAIMED,
    r015_pickup_by_the_same_account = PICKUP_OWN,
    r009_pickup_by_somebody_else = PICKUP_FOREIGN,
    r097_pickup_by_the_team = PICKUP_TEAM,
    r097_pickup_by_the_named_team = PICKUP_NAMED,
    r009_pickup_by_another_team = PICKUP_OTHER_TEAM,
    r009_replaces_an_answered_call_of_the_team = ANSWERED_TEAM,
    r006_replaces_nothing = UNMATCHED,
    r001_replaces_with_swapped_tags = SWAPPED,
    r013_replaces_early_only = CONFIRMED_EARLY_ONLY,
    r008_replaces_an_ended_call = ENDED,
    replaces_at_no_extension = NO_EXTENSION,
    replaces_not_allowed = NOT_ALLOWED,
    replaces_in_dialog = IN_DIALOG,
    replaces_in_an_application = APPLICATION,
    r002_r004_r020_replaces_malformed = MALFORMED,
    r003_replaces_elsewhere = OTHER_METHODS,
}

mod tcp {
    use super::*;
    played! { TCP:
        r009_replaces_a_foreign_call = FOREIGN_CALL,
        r002_r004_r020_replaces_malformed = MALFORMED,
        replaces_in_dialog = IN_DIALOG,
    }
}

mod tls {
    use super::*;
    played! { TLS:
        r009_replaces_a_foreign_call = FOREIGN_CALL,
        r002_r004_r020_replaces_malformed = MALFORMED,
        replaces_in_dialog = IN_DIALOG,
    }
}

played_over_streams! {
    r010_replaces_with_a_claim = CLAIMED,
    r009_pickup_by_somebody_else = PICKUP_FOREIGN,
    r006_replaces_nothing = UNMATCHED,
    r001_replaces_with_swapped_tags = SWAPPED,
    r013_replaces_early_only = CONFIRMED_EARLY_ONLY,
    r008_replaces_an_ended_call = ENDED,
    replaces_at_no_extension = NO_EXTENSION,
    r003_replaces_elsewhere = OTHER_METHODS,
}

/// For the table.
pub static ALL: &[&Scenario] = &[
    &OWN_CALL,
    &FOREIGN_CALL,
    &CLAIMED,
    &PICKUP_OWN,
    &PICKUP_FOREIGN,
    &PICKUP_TEAM,
    &PICKUP_NAMED,
    &PICKUP_OTHER_TEAM,
    &ANSWERED_TEAM,
    &UNMATCHED,
    &SWAPPED,
    &CONFIRMED_EARLY_ONLY,
    &ENDED,
    &NO_EXTENSION,
    &NOT_ALLOWED,
    &IN_DIALOG,
    &APPLICATION,
    &MALFORMED,
    &OTHER_METHODS,
];
