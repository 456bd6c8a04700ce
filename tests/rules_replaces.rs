//! RFC 3891 section 3: an INVITE that wants to replace a dialog, on both kinds of directory.

// What a C host does is unsafe from end to end.
#![allow(clippy::undocumented_unsafe_blocks)]

mod common_rules;

use common_rules::callbacks::{Asked, Dialog};
use common_rules::messages::{invite, replaces, request};
use common_rules::{known, on_both, From, Kind, Pbx, STRANGER};
use sipxfer::ffi::*;

const NAMED: &str = "call@h;to-tag=L;from-tag=R";

/// Bob's confirmed call, which Bob himself may replace.
fn bobs_call(pbx: &Pbx) -> usize {
    pbx.dialog(Dialog::of("bob", "call@h", "L", "R"))
}

#[test]
fn r001_to_tag_is_the_local_tag_for_dialogs_of_either_initiator() {
    on_both(|pbx| {
        let theirs = bobs_call(&pbx);
        let ours = pbx.dialog(Dialog::of("bob", "ours@h", "L", "R").called_by_us());
        let got = pbx.verify(&replaces(NAMED), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 1).dialog, theirs);
        let got = pbx.verify(&replaces("ours@h;to-tag=L;from-tag=R"), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 1).dialog, ours);
        pbx.verify(&replaces("call@h;to-tag=R;from-tag=L"), known("bob")).refused(481, 6);
        pbx.verify(&replaces("ours@h;to-tag=R;from-tag=L"), known("bob")).refused(481, 6);
    });
}

#[test]
fn r002_two_replaces_are_400_on_two_lines_or_in_a_list() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let two = format!("Replaces: {NAMED}\r\nSubject: x\r\nreplaces: {NAMED}\r\n");
        pbx.verify(&invite(&two), known("bob")).refused(400, 2);
        let list = pbx.verify(&replaces(&format!("{NAMED}, {NAMED}")), known("bob"));
        list.refused(400, 2);
        assert!(list.error.is_some(), "{list:?}");
    });
}

#[test]
fn r003_replaces_outside_invite_is_400_and_what_is_never_answered_is_not() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let line = format!("Replaces: {NAMED}\r\n");
        pbx.verify(&request("ACK", ";tag=x", &line), known("bob")).is(SIPXFER_VERDICT_NONE, 0);
        let response =
            invite(&line).replace("INVITE sip:100@pbx.example SIP/2.0", "SIP/2.0 200 OK");
        pbx.verify(&response, known("bob")).is(SIPXFER_VERDICT_NONE, 0);
        for method in ["OPTIONS", "SUBSCRIBE", "invite"] {
            pbx.verify(&request(method, "", &line), known("bob")).refused(400, 3);
        }
        let both = format!("{line}Refer-To: <sip:100@h>\r\n");
        pbx.route(&request("REFER", ";tag=x", &both), known("bob")).refused(400, 3);
    });
}

#[test]
fn r004_r103_replaces_beside_join_is_400() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let both = format!("Replaces: {NAMED}\r\nJoin: other@h;to-tag=a;from-tag=b\r\n");
        pbx.verify(&invite(&both), known("bob")).refused(400, 4);
    });
}

#[test]
fn r005_more_than_one_match_is_no_match() {
    on_both(|pbx| {
        let first = bobs_call(&pbx);
        bobs_call(&pbx);
        let got = pbx.verify(&replaces(NAMED), known("bob"));
        assert_eq!(got.refused(481, 5).rules, [5, 6]);
        pbx.end(first);
        pbx.verify(&replaces(NAMED), known("bob")).is(SIPXFER_VERDICT_ACCEPT, 14);
    });
}

#[test]
fn r006_no_match_is_481_or_goes_on_by_the_setting() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let unknown = replaces("call@h;to-tag=L;from-tag=other");
        let got = pbx.verify(&unknown, known("bob"));
        assert_eq!(got.refused(481, 6).setting, "replaces.unmatched");
        assert!(got.why.contains("'call@h'"), "{}", got.why);
        assert!(got.response.contains("\r\nTo: <sip:pbx@pbx.example>;tag=our-tag\r\n"));
        assert!(got.response.contains("\r\nWarning: 399 sipxfer \"no dialog matches"));
        let vias = got.response.matches("\r\nVia: ").count();
        assert_eq!((vias, got.response.matches("\r\nCSeq: 7 INVITE\r\n").count()), (2, 1));
        pbx.set("replaces.unmatched", "continue");
        let got = pbx.verify(&unknown, known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_NONE, 6).code, 0);
        // Only "no match" goes on; what matches and is refused stays refused.
        pbx.verify(&replaces(&format!("{NAMED};early-only")), known("bob")).refused(486, 13);
    });
}

#[test]
fn r007_a_dialog_that_invite_did_not_make_is_481() {
    on_both(|pbx| {
        let mut subscription = Dialog::of("bob", "call@h", "L", "R");
        subscription.usage = SIPXFER_USAGE_OTHER;
        pbx.dialog(subscription);
        pbx.set("replaces.unmatched", "continue");
        pbx.verify(&replaces(NAMED), known("bob")).refused(481, 7);
    });
}

#[test]
fn r008_an_ended_dialog_is_603_for_32_seconds_and_then_481() {
    on_both(|mut pbx| {
        let call = bobs_call(&pbx);
        pbx.end(call);
        pbx.verify(&replaces(NAMED), known("bob")).refused(603, 8);
        pbx.now_ms += 31_999;
        pbx.verify(&replaces(NAMED), known("bob")).refused(603, 8);
        pbx.now_ms += 1;
        pbx.verify(&replaces(NAMED), known("bob")).refused(481, 6);
    });
}

#[test]
fn r008_a_directory_may_still_find_an_ended_dialog() {
    let pbx = Pbx::new(Kind::Callbacks);
    let mut ended = Dialog::of("bob", "call@h", "L", "R");
    ended.state = SIPXFER_DIALOG_TERMINATED;
    pbx.dialog(ended);
    pbx.verify(&replaces(NAMED), known("bob")).refused(603, 8);
}

#[test]
fn r008_a_dialog_that_ends_between_match_and_lock_is_603() {
    on_both(|pbx| {
        bobs_call(&pbx);
        *pbx.host.lock_answer.lock().unwrap() = Some(SIPXFER_E_GONE);
        pbx.verify_locked(&replaces(NAMED), known("bob")).refused(603, 8);
        *pbx.host.lock_answer.lock().unwrap() = None;
        let mut dying = Dialog::of("bob", "dying@h", "L", "R");
        dying.state_under_lock = Some(SIPXFER_DIALOG_TERMINATED);
        pbx.dialog(dying);
        let got = pbx.verify_locked(&replaces("dying@h;to-tag=L;from-tag=R"), known("bob"));
        assert!(!got.refused(603, 8).locked);
    });
}

#[test]
fn r009_a_match_is_no_permission() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let got = pbx.verify(&replaces(NAMED), known("mallory"));
        assert_eq!(got.refused(403, 9).setting, "replaces.authorize");
        assert!(got.why.contains("'mallory'") && got.why.contains("'bob'"), "{}", got.why);
        assert!(!got.warning.contains("bob"), "{}", got.warning);
        let got = pbx.verify(&replaces(NAMED), STRANGER);
        assert_eq!(got.is(SIPXFER_VERDICT_CHALLENGE, 9).code, 401);
        assert_eq!(got.dialog, 0);
        // A From header proves nothing: the sender below claims to be Bob in it.
        let claims = From { endpoint: "", user: "", ..known("bob") };
        pbx.verify(&replaces(NAMED), claims).is(SIPXFER_VERDICT_CHALLENGE, 9);
    });
}

#[test]
fn r009_each_ground_holds_by_itself_and_only_where_it_is_listed() {
    on_both(|pbx| {
        bobs_call(&pbx);
        pbx.dialog(Dialog::of("bob", "ours@h", "L", "R").called_by_us());
        let ours = replaces("ours@h;to-tag=L;from-tag=R");
        let theirs = replaces(NAMED);
        let ground = |message: &str, from| pbx.verify(message, from).ground;

        assert_eq!(ground(&theirs, known("bob")), SIPXFER_GROUND_SAME_USER);
        let other_phone = From { endpoint: "desk", user: "bob", ..From::default() };
        assert_eq!(ground(&theirs, other_phone), SIPXFER_GROUND_SAME_USER);
        let called = From { endpoint: "bob", user: "someone", ..From::default() };
        assert_eq!(ground(&ours, called), SIPXFER_GROUND_SAME_ENDPOINT);
        // Behind a trunk there are many users: the endpoint does not stand for one that is known.
        pbx.verify(&theirs, called).refused(403, 9);

        *pbx.host.authorize.lock().unwrap() = Some(SIPXFER_YES);
        assert_eq!(ground(&theirs, known("carol")), SIPXFER_GROUND_HOST);
        assert!(pbx.asked().contains(&Asked::Authorize("bob".into())));
        *pbx.host.authorize.lock().unwrap() = Some(7);
        pbx.verify(&theirs, known("carol")).refused(500, 0);
        *pbx.host.authorize.lock().unwrap() = None;

        pbx.set_in("endpoint:trunk", "replaces_trusted", "yes");
        assert_eq!(ground(&theirs, known("trunk")), SIPXFER_GROUND_TRUSTED_PEER);
        let unauthenticated = From { endpoint: "trunk", ..From::default() };
        pbx.verify(&theirs, unauthenticated).is(SIPXFER_VERDICT_CHALLENGE, 9);

        pbx.set("replaces.authorize", "token");
        pbx.verify(&theirs, known("bob")).refused(403, 9);
        pbx.verify(&theirs, known("trunk")).refused(403, 9);
        pbx.set("replaces.authorize", "any");
        assert_eq!(ground(&theirs, STRANGER), SIPXFER_GROUND_ANY);
    });
}

#[test]
fn r010_referred_by_of_the_replaced_user_counts_from_a_trusted_peer_only() {
    on_both(|pbx| {
        bobs_call(&pbx);
        pbx.set("replaces.authorize", "referred-by");
        let with = |referrer: &str| {
            invite(&format!("Replaces: {NAMED}\r\nReferred-By: <sip:{referrer}@pbx.example>\r\n"))
        };
        pbx.verify(&with("bob"), known("trunk")).refused(403, 9);
        pbx.set_in("endpoint:trunk", "replaces_trusted", "yes");
        let got = pbx.verify(&with("bob"), known("trunk"));
        assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 10).ground, SIPXFER_GROUND_REFERRED_BY);
        pbx.verify(&with("alice"), known("trunk")).refused(403, 9);
        pbx.verify(&replaces(NAMED), known("trunk")).refused(403, 9);
    });
}

#[test]
fn r011_r014_a_confirmed_dialog_is_answered_and_then_ended_with_bye() {
    on_both(|pbx| {
        let call = bobs_call(&pbx);
        let got = pbx.verify_locked(&replaces(NAMED), known("bob"));
        got.is(SIPXFER_VERDICT_ACCEPT, 11).is(SIPXFER_VERDICT_ACCEPT, 14);
        assert_eq!((got.code, got.old_dialog), (200, SIPXFER_OLD_DIALOG_BYE));
        assert_eq!((got.dialog, got.dialog_state), (call, SIPXFER_DIALOG_CONFIRMED));
        assert!(got.locked);
    });
}

#[test]
fn r014_confirmed_dialog_is_answered_then_bye() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let got = pbx.verify(&replaces(NAMED), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 14).old_dialog, SIPXFER_OLD_DIALOG_BYE);
        assert!(!got.locked);
    });
}

#[test]
fn r012_a_refusal_names_nothing_to_do_to_the_old_dialog() {
    on_both(|pbx| {
        bobs_call(&pbx);
        // `refused` asserts that no dialog is handed out and that nothing is to happen to it.
        let in_dialog = request("INVITE", ";tag=pbx", &format!("Replaces: {NAMED}\r\n"));
        let got = pbx.verify(&in_dialog, known("bob"));
        assert_eq!(got.refused(488, 12).setting, "replaces.in_dialog");
        pbx.set("replaces.in_dialog", "ignore");
        pbx.verify(&in_dialog, known("bob")).is(SIPXFER_VERDICT_NONE, 12);
        // Whoever cannot take the media answers 488 himself; the dialog is still found after that.
        pbx.verify(&replaces(NAMED), known("bob")).is(SIPXFER_VERDICT_ACCEPT, 11);
        pbx.verify(&replaces(NAMED), known("bob")).is(SIPXFER_VERDICT_ACCEPT, 11);
    });
}

#[test]
fn r013_confirmed_and_early_only_is_486() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let early_only = replaces(&format!("{NAMED};early-only"));
        pbx.verify(&early_only, known("bob")).refused(486, 13);
        // It was early when it was found, and is confirmed under its lock.
        let mut crossed = Dialog::of("bob", "crossed@h", "L", "R").early().called_by_us();
        crossed.state_under_lock = Some(SIPXFER_DIALOG_CONFIRMED);
        pbx.dialog(crossed);
        let named = replaces("crossed@h;to-tag=L;from-tag=R;early-only");
        assert!(!pbx.verify_locked(&named, known("bob")).refused(486, 13).locked);
    });
}

#[test]
fn r015_r097_an_early_dialog_of_ours_is_answered_and_then_cancelled() {
    on_both(|pbx| {
        // The PBX rings Bob; Carol picks up.
        let ringing = pbx.dialog(Dialog::of("bob", "call@h", "L", "R").early().called_by_us());
        *pbx.host.authorize.lock().unwrap() = Some(SIPXFER_YES);
        let got = pbx.verify_locked(&replaces(&format!("{NAMED};early-only")), known("carol"));
        got.is(SIPXFER_VERDICT_ACCEPT, 15);
        assert_eq!((got.dialog, got.old_dialog), (ringing, SIPXFER_OLD_DIALOG_CANCEL));
        assert!(got.early_only);
    });
}

#[test]
fn r016_an_early_dialog_that_the_peer_began_is_481_and_the_setting_lifts_it() {
    on_both(|pbx| {
        pbx.dialog(Dialog::of("bob", "call@h", "L", "R").early());
        let got = pbx.verify_locked(&replaces(NAMED), known("bob"));
        assert_eq!(got.refused(481, 16).setting, "replaces.accept_early_incoming");
        pbx.set("replaces.accept_early_incoming", "yes");
        let got = pbx.verify(&replaces(NAMED), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 16).old_dialog, SIPXFER_OLD_DIALOG_REJECT);
    });
}

#[test]
fn r020_a_replaces_without_or_with_two_tags_is_400_and_says_where() {
    on_both(|pbx| {
        for (value, at, what) in [
            ("call@h", 6, "to-tag"),
            ("call@h;from-tag=R", 17, "to-tag"),
            ("call@h;to-tag=L", 15, "from-tag"),
            ("call@h;to-tag=L;to-tag=M;from-tag=R", 16, "to-tag"),
            ("call@h;to-tag=;from-tag=R", 7, "to-tag"),
            ("12345678,to-tag=7744;from-tag=5693", 8, "\";\""),
        ] {
            let message = replaces(value);
            let got = pbx.verify(&message, known("bob"));
            let (said, offset, rule) = got.refused(400, 20).error.clone().unwrap();
            let start = message.find("Replaces: ").unwrap() + "Replaces: ".len();
            assert_eq!((offset - start, rule), (at, 20), "{value}: {said}");
            assert!(said.contains(what), "{value}: {said}");
        }
    });
}

#[test]
fn r021_tag_0_matches_a_0_and_a_tag_that_is_absent() {
    on_both(|pbx| {
        let absent = pbx.dialog(Dialog::of("bob", "old@h", "L", ""));
        let zero = pbx.dialog(Dialog::of("bob", "zero@h", "L", "0"));
        let named = |call_id| replaces(&format!("{call_id};to-tag=L;from-tag=0"));
        assert_eq!(pbx.verify(&named("old@h"), known("bob")).is(1, 21).dialog, absent);
        assert_eq!(pbx.verify(&named("zero@h"), known("bob")).is(1, 21).dialog, zero);
        pbx.dialog(Dialog::of("bob", "zero@h", "L", ""));
        pbx.verify(&named("zero@h"), known("bob")).refused(481, 5);
        pbx.verify(&replaces("old@h;to-tag=L;from-tag=00"), known("bob")).refused(481, 6);
    });
}

#[test]
fn r023_an_unsupported_require_is_420_and_names_it() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let requiring = |tags: &str| invite(&format!("Replaces: {NAMED}\r\nRequire: {tags}\r\n"));
        pbx.verify(&requiring("replaces"), known("bob")).is(SIPXFER_VERDICT_ACCEPT, 14);
        pbx.verify(&requiring("Replaces, 100rel"), known("bob")).is(SIPXFER_VERDICT_ACCEPT, 14);
        let got = pbx.verify(&requiring("replaces, x-one\r\nRequire: x-two"), known("bob"));
        assert_eq!(got.refused(420, 23).unsupported, "x-one, x-two");
        assert!(got.response.contains("\r\nUnsupported: x-one, x-two\r\n"), "{}", got.response);
        pbx.set("supported", "x-one x-two");
        pbx.verify(&requiring("x-one,x-two"), known("bob")).is(SIPXFER_VERDICT_ACCEPT, 14);
        pbx.set("replaces.allow", "no");
        let got = pbx.verify(&requiring("replaces"), known("bob"));
        assert_eq!(got.refused(420, 23).unsupported, "replaces");
        let got = pbx.verify(&replaces(NAMED), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_NONE, 23).setting, "replaces.allow");
    });
}

#[test]
fn r023_supported_lists_replaces_where_it_is_supported_and_not_where_not() {
    on_both(|pbx| {
        let supported = |endpoint: &str| {
            let (mut buffer, mut needed) = ([0_u8; 100], 0);
            let to = buffer.as_mut_ptr().cast();
            let (name, len) = (endpoint.as_ptr().cast(), endpoint.len());
            let status =
                unsafe { sipxfer_engine_supported(pbx.engine, name, len, to, 100, &mut needed) };
            assert_eq!(status, SIPXFER_OK);
            String::from_utf8(buffer[..needed].to_vec()).unwrap()
        };
        assert_eq!(supported("bob"), "replaces, 100rel, timer, norefersub, tdialog");
        pbx.set_in("endpoint:bob", "replaces.allow", "no");
        assert_eq!(supported("bob"), "100rel, timer, norefersub, tdialog");
        assert_eq!(supported(""), "replaces, 100rel, timer, norefersub, tdialog");
        pbx.set("replaces.allow", "no");
        assert_eq!(supported(""), "100rel, timer, norefersub, tdialog");
    });
}

#[test]
fn r024_policy_can_demand_an_authenticated_peer_and_tls() {
    on_both(|pbx| {
        bobs_call(&pbx);
        pbx.set("replaces.authorize", "any").set("replaces.require_auth", "yes");
        // Before the match: a stranger does not even learn whether the dialog exists.
        let unknown = replaces("nothing@h;to-tag=L;from-tag=R");
        pbx.verify(&unknown, STRANGER).is(SIPXFER_VERDICT_CHALLENGE, 24);
        pbx.set("replaces.require_tls", "yes");
        let got = pbx.verify(&replaces(NAMED), known("bob"));
        assert_eq!(got.refused(403, 24).setting, "replaces.require_tls");
        let secure = From { secure: true, ..known("bob") };
        pbx.verify(&replaces(NAMED), secure).is(SIPXFER_VERDICT_ACCEPT, 14);
    });
}

#[test]
fn r025_the_checks_come_in_one_order() {
    on_both(|pbx| {
        // No Replaces: nothing is done, whatever else the request holds.
        let got = pbx.verify(&invite("Require: x-unknown\r\n"), STRANGER);
        assert_eq!(got.is(SIPXFER_VERDICT_NONE, 25).code, 0);
        pbx.dialog(Dialog::of("bob", "early@h", "L", "R").early());
        bobs_call(&pbx);
        let gone = pbx.dialog(Dialog::of("bob", "gone@h", "L", "R"));
        pbx.end(gone);
        let with = |value: &str| invite(&format!("Replaces: {value}\r\nRequire: x-unknown\r\n"));
        // 400 before 420 before 481 before 603 before permission before the state.
        pbx.verify(&with("bad"), STRANGER).refused(400, 20);
        pbx.verify(&with("none@h;to-tag=L;from-tag=R"), STRANGER).refused(420, 23);
        pbx.verify(&replaces("none@h;to-tag=L;from-tag=R"), STRANGER).refused(481, 6);
        pbx.verify(&replaces("gone@h;to-tag=L;from-tag=R"), STRANGER).refused(603, 8);
        for hidden in ["early@h;to-tag=L;from-tag=R", &format!("{NAMED};early-only"), NAMED] {
            pbx.verify(&replaces(hidden), STRANGER).is(SIPXFER_VERDICT_CHALLENGE, 9);
            pbx.verify(&replaces(hidden), known("mallory")).refused(403, 9);
        }
    });
}

#[test]
fn r026_tags_match_in_any_case_and_the_call_id_byte_for_byte() {
    on_both(|pbx| {
        let call = pbx.dialog(Dialog::of("bob", "Call@h", "TagL", "tAGr"));
        let got = pbx.verify(&replaces("Call@h;to-tag=tagl;from-tag=TAGR"), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 14).dialog, call);
        pbx.verify(&replaces("call@h;to-tag=TagL;from-tag=tAGr"), known("bob")).refused(481, 6);
        // Right Call-ID, wrong tags: the Call-ID alone never matches.
        pbx.verify(&replaces("Call@h;to-tag=x;from-tag=y"), known("bob")).refused(481, 6);
    });
}

#[test]
fn the_extension_is_checked_before_replaces_by_the_setting() {
    on_both(|pbx| {
        bobs_call(&pbx);
        pbx.no_extensions();
        pbx.verify(&replaces(NAMED), known("bob")).is(SIPXFER_VERDICT_ACCEPT, 14);
        pbx.set("replaces.require_extension", "yes");
        pbx.verify(&replaces("bad"), known("bob")).refused(404, 0);
        let inside = From { context: "inside", ..known("bob") };
        pbx.extension("inside", "100");
        pbx.verify(&replaces(NAMED), inside).is(SIPXFER_VERDICT_ACCEPT, 14);
        pbx.verify(&replaces(NAMED), known("bob")).refused(404, 0);
        // Inside a dialog the Request-URI is a Contact, which names no extension.
        let in_dialog = request("INVITE", ";tag=pbx", &format!("Replaces: {NAMED}\r\n"));
        pbx.verify(&in_dialog, known("bob")).refused(488, 12);
    });
}

#[test]
fn a_folded_replaces_with_white_space_around_its_parameters_matches() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let folded = invite("Replaces: call@h\r\n ; to-tag = L\r\n\t;from-tag=R\r\n");
        pbx.verify(&folded, known("bob")).is(SIPXFER_VERDICT_ACCEPT, 14);
    });
}

#[test]
fn a_replaces_in_the_body_is_body() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let body = format!("{}Replaces: {NAMED}\r\n", invite(""));
        pbx.verify(&body, known("bob")).is(SIPXFER_VERDICT_NONE, 25);
    });
}

#[test]
fn bytes_that_are_no_message_are_400() {
    on_both(|pbx| {
        for bytes in ["", "\r\n\r\n", "INVITE", "INVITE sip:a@h SIP/2.0\r\nno colon\r\n\r\n"] {
            let got = pbx.verify(bytes, known("bob"));
            assert_eq!((got.kind, got.code), (SIPXFER_VERDICT_REJECT, 400), "{bytes:?}");
            assert!(got.error.is_some());
        }
    });
}

#[test]
fn a_directory_that_lies_fails_or_waits_hands_nobody_a_call() {
    let pbx = Pbx::new(Kind::Callbacks);
    bobs_call(&pbx);
    let answer = |answer| {
        *pbx.host.find_answer.lock().unwrap() = answer;
        pbx.verify(&replaces(NAMED), known("bob"))
    };
    answer(Some(SIPXFER_E_PENDING)).is(SIPXFER_VERDICT_PENDING, 0);
    answer(Some(-77)).refused(500, 0);
    answer(Some(1)).refused(500, 0);
    // "Found", and nothing is there.
    answer(Some(SIPXFER_OK)).refused(500, 0);
    answer(Some(SIPXFER_E_AMBIGUOUS)).refused(481, 5);
    answer(None).is(SIPXFER_VERDICT_ACCEPT, 14);
    *pbx.host.lock_answer.lock().unwrap() = Some(-77);
    pbx.verify_locked(&replaces(NAMED), known("bob")).refused(500, 0);
}
