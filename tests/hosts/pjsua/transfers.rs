//! Transfers that succeed, and those that fail and leave the call as it was.

use super::process;
use super::ua::call::{flows, Ended};
use super::ua::Trace;
use super::world::{peer, phone_at, Net, Pbx, World};

/// RFC 5589 section 7: both calls are here.
#[test]
fn r095_an_attended_transfer_connects_the_two_others() {
    let world = World::new(&[]);
    let [alice, bob, carol] = world.phones(["alice", "bob", "carol"]);
    let first = alice.call("bob").answered_by(&bob);
    first.flows();
    let second = alice.call("carol").answered_by(&carol);
    second.flows();
    let refer = first.caller.refer_to_call(&second.caller).accepted();
    let last = refer.outcome();
    assert_eq!((last.code(), last.reason.as_str()), (200, "noresource"));
    assert_eq!(second.caller.ended(), Ended::ByPeer, "the replaced leg is ended");
    first.caller.hang_up();
    flows(&first.callee, &second.callee);
    assert!(first.callee.is_up() && second.callee.is_up());
    world.pbx.end();
}

/// RFC 5589 section 7 with another PBX: the target's dialog is there, and the trunk's INVITE replaces it.
#[test]
fn r018_a_remote_attended_transfer_calls_the_other_pbx_with_replaces() {
    let (net, trace) = (Net::new(), Trace::default());
    let (here, there) = (net.address(1), net.address(2));
    let [alice_at, bob_at, carol_at, alice_there_at] = [10, 11, 12, 13].map(|n| net.address(n));
    let mut arguments = [peer("alice", alice_at), peer("bob", bob_at)].concat();
    arguments.extend(["--trunk".to_owned(), format!("there={there}")]);
    let one = Pbx::start(process::programs(), here, &arguments);
    let mut arguments = [peer("carol", carol_at), peer("alice", alice_there_at)].concat();
    arguments.extend(["--trunk".to_owned(), format!("here={here}")]);
    arguments.extend(["--set".to_owned(), "endpoint:here replaces_trusted=yes".to_owned()]);
    let mut two = Pbx::start(process::programs(), there, &arguments);
    let alice = phone_at("alice", alice_at, here, &trace);
    let bob = phone_at("bob", bob_at, here, &trace);
    let carol = phone_at("carol", carol_at, there, &trace);
    let alice_there = phone_at("alice", alice_there_at, there, &trace);

    let first = alice.call("bob").answered_by(&bob);
    let second = alice_there.call("carol").answered_by(&carol);
    let refer = first.caller.refer_to_call(&second.caller).accepted();
    assert_eq!(refer.outcome().code(), 200);
    assert_eq!(second.caller.ended(), Ended::ByPeer, "the replaced leg is ended (R014)");
    first.caller.hang_up();
    flows(&first.callee, &second.callee);
    assert_eq!(two.counter("verified"), 2, "alice's INVITE and the trunk's");
    assert_eq!(two.counter("refused"), 0);
    one.end();
    two.end();
}

/// RFC 5589 section 6, and the NOTIFYs as they stand on the wire.
#[test]
fn r036_the_notifys_of_a_blind_transfer_are_as_they_should_be() {
    let world = World::new(&["notify.min_interval_ms=0"]);
    let [alice, bob, carol] = world.phones(["alice", "bob", "carol"]);
    let talk = alice.call("bob").answered_by(&bob);
    let refer = talk.caller.refer_to_user("carol").accepted();
    let third = carol.incoming();
    third.ring();
    refer.until(180);
    third.answer();
    assert_eq!(refer.outcome().code(), 200);
    let notices = refer.notices();
    let told: Vec<_> =
        notices.iter().map(|one| (one.status.as_str(), one.state.as_str())).collect();
    assert_eq!(
        told,
        [("100 Trying", "active"), ("180 Ringing", "active"), ("200 OK", "terminated")],
        "R034, R043"
    );
    for notice in &notices {
        let msg = &notice.msg;
        assert_eq!(msg.value("Event"), "refer", "{}", msg.text());
        assert_eq!(msg.value("Content-Type"), "message/sipfrag;version=2.0");
        assert_eq!(msg.all("Event").count(), 1);
        assert_eq!(msg.all("Subscription-State").count(), 1);
        assert_eq!(msg.all("Contact").count(), 1);
        let state = msg.value("Subscription-State");
        assert_eq!(state.contains("expires="), !notice.is_last(), "R040: {state}");
        assert!(msg.text().ends_with("\r\n"), "R041");
        assert_eq!(msg.text().lines().count(), 1, "R048: {}", msg.text());
        let (sent, (call_id, ours, theirs)) = (refer.request().sent(), talk.caller.triple());
        assert_eq!(msg.value("Call-ID"), call_id);
        assert!(msg.value("To").ends_with(&format!(";tag={ours}")));
        assert!(msg.value("From").ends_with(&format!(";tag={theirs}")));
        assert_eq!(sent.value("Call-ID"), call_id);
    }
    let accepted = refer.response();
    assert_eq!(accepted.status(), Some(202), "R069");
    assert_eq!(accepted.all("Contact").count(), 1);
    talk.caller.hang_up();
    flows(&talk.callee, &third);
    world.pbx.end();
}

/// RFC 5589 section 4: the call that exists survives.
#[test]
fn r081_a_blind_transfer_to_a_busy_phone_leaves_the_call() {
    let world = World::new(&[]);
    let [alice, bob, carol] = world.phones(["alice", "bob", "carol"]);
    let talk = alice.call("bob").answered_by(&bob);
    let refer = talk.caller.refer_to_user("carol").accepted();
    carol.incoming().refuse(486);
    let last = refer.outcome();
    assert_eq!((last.code(), last.reason.as_str()), (486, "noresource"));
    talk.flows();
    assert!(talk.caller.is_up() && talk.callee.is_up());
    world.pbx.end();
}

/// The second REFER of a dialog has its CSeq as Event id (RFC 3515 section 2.4.6).
#[test]
fn r042_the_second_refer_of_a_dialog_has_an_event_id() {
    let world = World::new(&[]);
    let [alice, bob, carol] = world.phones(["alice", "bob", "carol"]);
    let talk = alice.call("bob").answered_by(&bob);
    let first = talk.caller.refer_to_user("carol").accepted();
    carol.incoming().refuse(486);
    assert_eq!((first.outcome().code(), first.outcome().id), (486, None));
    let second = talk.caller.refer_to_user("carol").accepted();
    let third = carol.incoming();
    third.answer();
    let number = second.request().sent().cseq().0.to_string();
    assert_eq!((second.outcome().code(), second.outcome().id), (200, Some(number.clone())));
    assert!(second.notices().iter().all(|notice| notice.id.as_deref() == Some(&*number)));
    talk.caller.hang_up();
    flows(&talk.callee, &third);
    world.pbx.end();
}

/// A BYE right after the 202 does not end the transfer (RFC 5589 section 6), nor its NOTIFYs (RFC 5057).
#[test]
fn r084_a_transferor_that_hangs_up_after_the_202_is_still_notified() {
    let world = World::new(&[]);
    let [alice, bob, carol] = world.phones(["alice", "bob", "carol"]);
    let talk = alice.call("bob").answered_by(&bob);
    let refer = talk.caller.refer_to_user("carol").accepted();
    assert_eq!(talk.caller.hang_up().status(), 200);
    let third = carol.incoming();
    third.answer();
    assert_eq!(refer.outcome().code(), 200, "R078");
    flows(&talk.callee, &third);
    world.pbx.end();
}

/// The transferor has gone and the target says no: the setting says what becomes of the other party.
#[test]
fn r084_the_transferee_is_recalled_to_a_transferor_that_has_hung_up() {
    let world = World::new(&["refer.on_failure=recall"]);
    let [alice, bob, carol] = world.phones(["alice", "bob", "carol"]);
    let talk = alice.call("bob").answered_by(&bob);
    let refer = talk.caller.refer_to_user("carol").accepted();
    talk.caller.hang_up().status();
    carol.incoming().refuse(486);
    assert_eq!(refer.outcome().code(), 486);
    let back = alice.incoming();
    back.answer();
    flows(&talk.callee, &back);
    world.pbx.end();
}

/// RFC 4488, one way and the other.
#[test]
fn r063_refer_sub_false_is_repeated_and_no_notify_is_sent() {
    let world = World::new(&[]);
    let [alice, bob, carol] = world.phones(["alice", "bob", "carol"]);
    let talk = alice.call("bob").answered_by(&bob);
    let uri = format!("<{}>", carol.uri());
    let headers = [("Refer-Sub", "false"), ("Supported", "norefersub")];
    let refer = talk.caller.refer_with(&uri, &headers).accepted();
    assert_eq!(refer.response().value("Refer-Sub"), "false");
    let third = carol.incoming();
    third.answer();
    flows(&talk.callee, &third);
    alice.fence();
    assert!(refer.notices().is_empty(), "no subscription, no NOTIFY");
    talk.caller.hang_up();
    world.pbx.end();

    let world = World::new(&[]);
    let [alice, bob, carol] = world.phones(["alice", "bob", "carol"]);
    let talk = alice.call("bob").answered_by(&bob);
    let uri = format!("<{}>", carol.uri());
    let refer = talk.caller.refer_with(&uri, &[("Refer-Sub", "true")]).accepted();
    carol.incoming().answer();
    assert_eq!(refer.outcome().code(), 200, "R064");
    world.pbx.end();
}

/// RFC 3891 section 3 and RFC 5359: the PBX's leg to the phone that rings is replaced.
#[test]
fn r097_a_phone_of_the_group_picks_up_a_call_that_rings() {
    let world = World::new(&["replaces.authorize=host"]);
    let [alice, bob, carol] = world.phones(["alice", "bob", "carol"]);
    let calling = alice.call("bob");
    let ringing = bob.incoming();
    ringing.ring();
    calling.until_early();
    // bob's leg as the PBX sees it, which a phone learns by dialog-info.
    let uri = world.uri("bob");
    let replaces = format!("{};early-only", ringing.replaces());
    let picked = carol.call_with(&uri, &[("Replaces", &replaces), ("Require", "replaces")]);
    picked.until_up();
    assert_eq!(ringing.ended(), Ended::Cancelled, "R015");
    calling.until_up();
    flows(&calling, &picked);
    world.pbx.end();
}

/// RFC 5359 section 2.5 in the manner of PBXes: a REFER to the park extension, and a call to the slot.
#[test]
fn r096_a_parked_call_is_retrieved() {
    let world = World::new(&[]);
    let [alice, bob, carol] = world.phones(["alice", "bob", "carol"]);
    let talk = alice.call("bob").answered_by(&bob);
    let refer = talk.caller.refer_to_user("park").accepted();
    assert_eq!(refer.outcome().code(), 200);
    talk.caller.hang_up();
    let retrieving = carol.call("700");
    retrieving.until_up();
    flows(&talk.callee, &retrieving);
    world.pbx.end();
}

/// The application sees the event, and what it says is what the transferor is told.
#[test]
fn an_application_controls_a_transfer() {
    let mut world = World::new(&["transfer_handling=application-only", "notify.min_interval_ms=0"]);
    let [alice, bob] = world.phones(["alice", "bob"]);
    let talk = alice.call("bob").answered_by(&bob);
    let refer = talk.caller.refer_to_user("carol").accepted();
    let (line, _) = world.pbx.process.expect_from(0, "event ");
    let id = line.split(' ').nth(1).expect("its id").to_owned();
    assert!(line.ends_with(" to carol"), "{line}");
    world.pbx.process.type_line(&format!("transfer {id} channel_progress"));
    world.pbx.process.expect(&format!("commanded {id}"));
    let from = world.pbx.process.position();
    world.pbx.process.type_line(&format!("transfer {id} channel_declined"));
    assert_eq!(refer.outcome().code(), 603);
    assert_eq!(refer.statuses()[0], "100 Trying");
    let (_, from) = world.pbx.process.expect_from(from, "commanded");
    world.pbx.process.type_line(&format!("transfer {id} channel_answered"));
    let (late, _) = world.pbx.process.expect_from(from, "commanded");
    assert!(!late.ends_with(": done"), "{late}");
    talk.flows();
    world.pbx.end();
}

/// This side asks for a transfer: the REFER, its NOTIFYs, and one outcome (RFC 5589 section 6).
#[test]
fn r082_a_refer_that_the_pbx_sends_has_one_outcome() {
    let mut world = World::new(&[]);
    let [alice, bob] = world.phones(["alice", "bob"]);
    let talk = alice.call("bob").answered_by(&bob);
    alice.answers("REFER", Some(202));
    let line =
        world.pbx.calls().into_iter().find(|line| line.contains(" alice ")).expect("her leg");
    let number = line.split(' ').nth(1).expect("its number").to_owned();
    world.pbx.process.type_line(&format!("refer {number} sip:dave@192.0.2.9"));
    let refer = alice.received("REFER", 0);
    assert_eq!(refer.msg.value("Refer-To"), "<sip:dave@192.0.2.9>");
    assert_eq!(refer.msg.all("Contact").count(), 1, "R028");
    assert_eq!(refer.msg.value("Call-ID"), talk.caller.triple().0);
    let notify = |state: &str, body: &str| {
        let headers = [("Event", "refer"), ("Subscription-State", state)];
        talk.caller
            .request_with("NOTIFY", &headers, Some(("message/sipfrag", body.to_owned())))
            .status()
    };
    assert_eq!(notify("active;expires=60", "SIP/2.0 100 Trying\r\n"), 200);
    assert_eq!(notify("active;expires=60", "SIP/2.0 180 Ringing\r\n"), 200);
    world.pbx.process.expect(&format!("referred {number} has come to 180"));
    assert_eq!(notify("terminated;reason=noresource", "SIP/2.0 200 OK\r\n"), 200);
    world.pbx.process.expect(&format!("referred {number}: outcome 1, 200"));
    assert_eq!(talk.caller.ended(), Ended::ByPeer, "it is hung up at the outcome");
    assert_eq!(talk.callee.ended(), Ended::ByPeer);
    world.pbx.end();

    // Refused: the call stays (R081).
    let mut world = World::new(&[]);
    let [alice, bob] = world.phones(["alice", "bob"]);
    let talk = alice.call("bob").answered_by(&bob);
    alice.answers("REFER", Some(603));
    let line =
        world.pbx.calls().into_iter().find(|line| line.contains(" alice ")).expect("her leg");
    let number = line.split(' ').nth(1).expect("its number").to_owned();
    world.pbx.process.type_line(&format!("refer {number} sip:dave@192.0.2.9"));
    world.pbx.process.expect(&format!("referred {number}: outcome 2, 603"));
    talk.flows();
    world.pbx.end();
}

/// Each of two dialogs is told to replace the other at the same moment: a host that locks one dialog
/// under another stops here for ever.
#[test]
fn two_dialogs_that_are_referred_to_each_other_at_once_do_not_wait_for_one_another() {
    let world = World::new(&["notify.min_interval_ms=0"]);
    let [alice, bob, carol] = world.phones(["alice", "bob", "carol"]);
    for _ in 0..20 {
        let first = alice.call("bob").answered_by(&bob);
        let second = alice.call("carol").answered_by(&carol);
        let one = first.caller.refer_to_call(&second.caller);
        let other = second.caller.refer_to_call(&first.caller);
        let outcomes = [&one, &other].map(|refer| match refer.status() {
            code if code < 300 => refer.outcome().code(),
            code => code,
        });
        assert!(outcomes.contains(&200), "{outcomes:?}");
        for call in [&first.callee, &second.callee] {
            if call.is_up() {
                call.hang_up().status();
            }
        }
        for call in [first.caller, second.caller, first.callee, second.callee] {
            if call.is_up() {
                call.hang_up().status();
            }
            call.ended();
        }
    }
    world.pbx.end();
}
