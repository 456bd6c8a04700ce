//! Requests that are refused, and what a hostile one does not do.

use super::ua::call::{Call, Ended};
use super::ua::{Msg, Phone};
use super::world::World;

/// The final answer to an INVITE with these Replaces lines.
fn answer(phone: &Phone, uri: &str, replaces: &[&str]) -> std::sync::Arc<Msg> {
    let headers: Vec<_> = replaces.iter().map(|value| ("Replaces", *value)).collect();
    phone.call_with(uri, &headers).final_response()
}

fn code(phone: &Phone, uri: &str, replaces: &[&str]) -> u16 {
    let response = answer(phone, uri, replaces);
    let code = response.status().expect("a response");
    assert!(code < 300 || response.get("Warning").is_some(), "{}", response.text());
    code
}

/// A world with a call of alice and bob, and what alice's leg is called in a Replaces.
fn talking(settings: &[&str]) -> (World, [Phone; 4], Call, Call) {
    let world = World::new(settings);
    let phones = world.phones(["alice", "bob", "carol", "dave"]);
    let talk = phones[0].call("bob").answered_by(&phones[1]);
    talk.flows();
    (world, phones, talk.caller, talk.callee)
}

#[test]
fn r002_two_replaces_are_400() {
    let (world, [alice, ..], caller, callee) = talking(&[]);
    let (uri, value) = (world.uri("bob"), caller.replaces());
    assert_eq!(code(&alice, &uri, &[&value, &value]), 400);
    assert!(caller.is_up() && callee.is_up());
    world.pbx.end();
}

#[test]
fn r006_an_unknown_dialog_is_481() {
    let (world, [alice, ..], caller, callee) = talking(&[]);
    let uri = world.uri("bob");
    assert_eq!(code(&alice, &uri, &["nobody@h;to-tag=1;from-tag=2"]), 481);
    let (call_id, ours, theirs) = caller.triple();
    let swapped = format!("{call_id};to-tag={ours};from-tag={theirs}");
    assert_eq!(code(&alice, &uri, &[&swapped]), 481, "R001");
    assert!(caller.is_up() && callee.is_up());
    world.pbx.end();
}

#[test]
fn r008_a_dialog_that_has_ended_is_not_replaced() {
    let (world, [alice, ..], caller, callee) = talking(&[]);
    let (uri, value) = (world.uri("bob"), caller.replaces());
    caller.hang_up().status();
    callee.ended();
    assert_eq!(code(&alice, &uri, &[&value]), 603);
    world.pbx.end();
}

#[test]
fn r013_early_only_and_a_confirmed_dialog_are_486() {
    let (world, [alice, ..], caller, callee) = talking(&[]);
    let value = format!("{};early-only", caller.replaces());
    assert_eq!(code(&alice, &world.uri("bob"), &[&value]), 486);
    assert!(caller.is_up() && callee.is_up());
    world.pbx.end();
}

/// dave is known, but neither of the call nor of the pickup group; the stranger is nobody.
#[test]
fn r009_who_may_not_replace_is_refused_with_403() {
    let (world, [_, _, _, dave], caller, callee) = talking(&[]);
    let stranger = world.phone("stranger");
    let value = caller.replaces();
    assert_eq!(code(&dave, &world.uri("bob"), &[&value]), 403);
    assert_eq!(code(&stranger, &world.uri("bob"), &[&value]), 403, "nobody can be challenged here");
    assert!(caller.is_up() && callee.is_up());
    world.pbx.end();
}

/// The same user may, and by RFC 3891 section 3 the old dialog then ends.
#[test]
fn r014_the_same_user_takes_its_call_over() {
    let (world, [alice, ..], caller, callee) = talking(&[]);
    let new = alice.call_with(&world.uri("bob"), &[("Replaces", &caller.replaces())]);
    new.until_up();
    assert_eq!(caller.ended(), Ended::ByPeer);
    super::ua::call::flows(&new, &callee);
    world.pbx.end();
}

/// pjsip's own parser would drop these messages without an answer, or take them for a match.
#[test]
fn r020_a_replaces_that_does_not_parse_is_400() {
    let (world, [alice, ..], caller, callee) = talking(&[]);
    let (call_id, ours, theirs) = caller.triple();
    let (uri, whole) = (world.uri("bob"), caller.replaces());
    for value in [
        "".to_owned(),
        call_id.clone(),
        format!("{call_id};from-tag={ours}"),
        format!("{call_id};to-tag={theirs}"),
        format!("{call_id};to-tag={theirs};from-tag={ours};to-tag=x"),
        format!("{call_id};to-tag=;from-tag={ours}"),
        format!("{whole};;"),
        format!("{whole};="),
        format!("{whole},{whole}"),
        format!("{call_id},to-tag={theirs};from-tag={ours}"),
    ] {
        assert_eq!(code(&alice, &uri, &[&value]), 400, "{value}");
    }
    assert!(caller.is_up() && callee.is_up());
    world.pbx.end();
}

/// White space and a fold are no reason to miss a dialog.
#[test]
fn r021_a_folded_replaces_finds_its_dialog() {
    let (world, [alice, ..], caller, callee) = talking(&[]);
    let (call_id, ours, theirs) = caller.triple();
    let value = format!("{call_id} ;\r\n to-tag = {theirs} ; from-tag={ours}");
    let new = alice.call_with(&world.uri("bob"), &[("Replaces", &value)]);
    new.until_up();
    assert_eq!(caller.ended(), Ended::ByPeer);
    super::ua::call::flows(&new, &callee);
    world.pbx.end();
}

#[test]
fn r004_replaces_with_join_is_400() {
    let (world, [alice, ..], caller, _) = talking(&[]);
    let value = caller.replaces();
    let headers = [("Replaces", &*value), ("Join", &*value)];
    let response = alice.call_with(&world.uri("bob"), &headers).final_response();
    assert_eq!(response.status(), Some(400));
    world.pbx.end();
}

/// An INVITE with Replaces inside a dialog leaves that call untouched.
#[test]
fn a_reinvite_with_replaces_is_refused_and_the_call_goes_on() {
    let (world, _, caller, callee) = talking(&[]);
    let value = caller.replaces();
    let direction = super::ua::sdp::Direction::SendRecv;
    let request = caller.reinvite_with(direction, &[("Replaces", &value)]);
    assert_eq!(request.status(), 488);
    super::ua::call::flows(&caller, &callee);
    assert_eq!(caller.reinvite(direction), 200);
    world.pbx.end();
}

/// REFERs that are not carried out: each gets its answer, no phone is called, the call goes on.
#[test]
fn r029_refers_that_are_refused_leave_the_call() {
    let (world, [_, _, carol, _], caller, callee) = talking(&[]);
    let uri = carol.uri();
    let inject = format!("<{uri}?Subject=a%0d%0aReplaces:%20x>");
    for (refer_to, expected) in [
        ("<tel:+15551234>", 416),
        ("<sip:nobody@127.0.0.1>", 404),
        ("<sip:carol@h?Replaces=abc>", 400),
        (&*inject, 400),
        ("<sip:carol@h;method=BYE>", 403),
        ("nonsense", 400),
    ] {
        let refer = caller.refer(refer_to);
        let code = refer.status();
        assert!(code == expected || (expected == 403 && code >= 400), "{refer_to}: {code}");
        assert!(refer.notices().is_empty(), "{refer_to}");
    }
    let two = caller.prepared("REFER").with("Refer-To", &*format!("<{uri}>"));
    let two = two.with("Refer-To", &*format!("<{uri}>"));
    assert_eq!(caller.send(two).status(), 400);
    assert_eq!(caller.request("REFER", &[]).status(), 400);
    assert_eq!(carol.waiting_calls(), 0);
    super::ua::call::flows(&caller, &callee);
    world.pbx.end();
}

/// RFC 3515 section 2.4.4: a subscription comes from a REFER only.
#[test]
fn r039_a_subscribe_for_a_refer_from_nowhere_is_403() {
    let (world, [alice, ..], caller, _) = talking(&[]);
    let headers = [("Event", "refer"), ("Expires", "60")];
    assert_eq!(alice.request("SUBSCRIBE", &world.uri("bob"), &headers).status(), 403);
    assert!(caller.is_up());
    world.pbx.end();
}

/// What a stranger puts behind the `?` of a Refer-To does not reach the phone that is called.
#[test]
fn r090_only_allowed_headers_of_a_refer_to_uri_reach_the_invite() {
    let (world, [_, _, carol, _], caller, _) = talking(&[]);
    let uri = carol.uri();
    let refer_to = format!(
        "<{uri}?Subject=hello&P-Asserted-Identity=%22Boss%22%20%3Csip:boss%40h%3E&Contact=sip:x%40y\
         &Route=%3Csip:evil%40h%3E&From=sip:f%40h&X-Any=1&Diversion=%3Csip:d%40h%3E>"
    );
    let referred_by = ("Referred-By", "<sip:alice@h>");
    let refer = caller.refer_with(&refer_to, &[referred_by]).accepted();
    let third = carol.incoming();
    let invite = third.invite();
    assert_eq!(invite.msg.value("Subject"), "hello");
    assert_eq!(invite.msg.value("Referred-By"), "<sip:alice@h>", "R050");
    for name in ["P-Asserted-Identity", "Route", "X-Any", "Diversion"] {
        assert_eq!(invite.msg.get(name), None, "{name} (R091, R094)");
    }
    assert_eq!(invite.msg.all("Contact").count(), 1);
    assert!(!invite.msg.value("From").contains("sip:f@h"));
    third.answer();
    assert_eq!(refer.outcome().code(), 200);
    world.pbx.end();
}
