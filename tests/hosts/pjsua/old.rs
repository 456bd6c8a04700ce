//! The adapter and the PBX on pjproject 2.12, which is as old as Debian still has it.

use super::process;
use super::ua::call::{flows, Ended};
use super::world::World;

/// It compiles, and transfers are what they are on 2.17.
#[test]
fn r095_the_pbx_transfers_on_pjproject_2_12() {
    let mut world = World::logging(process::old_programs(), &[]);
    world.pbx.process.expect("on pjproject 2.12");
    let [alice, bob, carol] = world.phones(["alice", "bob", "carol"]);
    let first = alice.call("bob").answered_by(&bob);
    let second = alice.call("carol").answered_by(&carol);

    // Not to a phone that is busy: the call is as it was.
    let refer = first.caller.refer_to_user("dave").accepted();
    world.phone("dave").incoming().refuse(486);
    assert_eq!(refer.outcome().code(), 486, "R081");
    first.flows();

    let refer = first.caller.refer_to_call(&second.caller).accepted();
    let last = refer.outcome();
    assert_eq!((last.code(), last.reason.as_str()), (200, "noresource"));
    assert_eq!(second.caller.ended(), Ended::ByPeer, "the replaced leg is ended");
    first.caller.hang_up();
    flows(&first.callee, &second.callee);

    // What pjsip's own parser drops is answered, and the dialog is found whose Replaces is folded.
    let (call_id, ours, theirs) = first.callee.triple();
    let uri = world.uri("carol");
    let invite = |value: &str| bob.call_with(&uri, &[("Replaces", value)]);
    let bad = invite(&format!("{call_id};to-tag={theirs};from-tag={ours};to-tag=x"));
    assert_eq!(bad.final_response().status(), Some(400), "R020");
    let new = invite(&format!("{call_id} ;\r\n to-tag = {theirs} ; from-tag={ours}"));
    new.until_up();
    assert_eq!(first.callee.ended(), Ended::ByPeer, "R014");
    flows(&new, &second.callee);
    assert!(world.pbx.counter("verified") > 0);
    world.pbx.end();
}
