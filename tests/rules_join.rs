//! RFC 3911 section 4: an INVITE that wants to join the call of a dialog, on both kinds of directory.

// What a C host does is unsafe from end to end.
#![allow(clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod common_rules;

use common_rules::callbacks::{Asked, Dialog};
use common_rules::messages::{invite, refer_to, request};
use common_rules::{known, on_both, From, Kind, Pbx, STRANGER};
use sipxfer::ffi::*;

const NAMED: &str = "call@h;to-tag=L;from-tag=R";

fn join(value: &str) -> String {
    invite(&format!("Join: {value}\r\n"))
}

/// Bob's confirmed call, and settings by which Join is supported.
fn bobs_call(pbx: &Pbx) -> usize {
    pbx.set("join.allow", "yes");
    pbx.dialog(Dialog::of("bob", "call@h", "L", "R"))
}

#[test]
fn r102_a_join_of_who_may_is_accepted_and_nothing_happens_to_the_dialog() {
    on_both(|pbx| {
        let call = bobs_call(&pbx);
        for got in [
            pbx.verify_join(&join(NAMED), known("bob")),
            pbx.verify_join_locked(&join(NAMED), known("bob")),
        ] {
            got.is(SIPXFER_VERDICT_JOIN, 102);
            assert_eq!((got.code, got.dialog), (200, call));
            assert_eq!(got.old_dialog, SIPXFER_OLD_DIALOG_NOTHING);
            assert_eq!(got.ground, SIPXFER_GROUND_SAME_USER);
        }
        assert!(pbx.asked().contains(&Asked::Mix("call@h".into())));
        // The tags are those of this side and of the peer, in this order (R001).
        let swapped = join("call@h;to-tag=R;from-tag=L");
        pbx.verify_join(&swapped, known("bob")).refused(481, 102);
        let got = pbx.verify_join(&invite(""), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_NONE, 102).code, 0);
        pbx.verify_join(&request("ACK", "", "Join: x\r\n"), known("bob"))
            .is(SIPXFER_VERDICT_NONE, 0);
    });
}

#[test]
fn r102_join_is_ignored_and_not_offered_where_it_is_not_allowed() {
    on_both(|pbx| {
        pbx.dialog(Dialog::of("bob", "call@h", "L", "R"));
        let got = pbx.verify_join(&join(NAMED), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_NONE, 102).setting, "join.allow");
        let required = invite(&format!("Join: {NAMED}\r\nRequire: join\r\n"));
        assert_eq!(pbx.verify_join(&required, known("bob")).refused(420, 23).unsupported, "join");
        let supported = |pbx: &Pbx| {
            let (mut room, mut needed) = ([0_u8; 100], 0);
            let (name, to) = (c"bob".as_ptr(), room.as_mut_ptr().cast());
            let status =
                unsafe { sipxfer_engine_supported(pbx.engine, name, 3, to, 100, &mut needed) };
            assert_eq!(status, SIPXFER_OK);
            String::from_utf8_lossy(&room).trim_end_matches('\0').to_owned()
        };
        assert_eq!(supported(&pbx), "replaces, 100rel, timer, norefersub, tdialog");
        pbx.set("join.allow", "yes");
        assert_eq!(supported(&pbx), "replaces, join, 100rel, timer, norefersub, tdialog");
        pbx.verify_join(&required, known("bob")).is(SIPXFER_VERDICT_JOIN, 102);
        let other = required.replace("Require: join", "Require: join, x-one");
        assert_eq!(pbx.verify_join(&other, known("bob")).refused(420, 23).unsupported, "x-one");
    });
}

#[test]
fn r102_a_malformed_join_two_of_them_or_one_outside_of_invite_is_400() {
    on_both(|pbx| {
        bobs_call(&pbx);
        for bad in ["", "call@h", "call@h;to-tag=L", "call@h;to-tag=L;from-tag=R;from-tag=R", "a b"]
        {
            let got = pbx.verify_join(&join(bad), known("bob"));
            assert!(got.refused(400, 102).error.is_some(), "{bad}: {got:?}");
        }
        let two = format!("Join: {NAMED}\r\nSubject: x\r\njoin: {NAMED}\r\n");
        pbx.verify_join(&invite(&two), known("bob")).refused(400, 102);
        let list = join(&format!("{NAMED}, {NAMED}"));
        pbx.verify_join(&list, known("bob")).refused(400, 102);
        let line = format!("Join: {NAMED}\r\n");
        for method in ["OPTIONS", "REFER", "invite"] {
            pbx.verify_join(&request(method, "", &line), known("bob")).refused(400, 102);
        }
        let refer = format!("{line}Refer-To: <sip:100@h>\r\n");
        pbx.route(&request("REFER", ";tag=x", &refer), known("bob")).refused(400, 102);
        let by_two = format!("{line}Referred-By: <sip:a@h>\r\nReferred-By: <sip:b@h>\r\n");
        pbx.verify_join(&invite(&by_two), known("bob")).refused(400, 49);
        pbx.verify_join("no message", known("bob")).refused(400, 0);
    });
}

#[test]
fn r102_no_match_is_481_or_nothing_towards_a_conference() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let elsewhere = join("other@h;to-tag=L;from-tag=R");
        let got = pbx.verify_join(&elsewhere, known("bob"));
        assert!(got.refused(481, 102).why.contains("'other@h'"), "{got:?}");
        *pbx.host.is_conference.lock().unwrap() = Some(SIPXFER_YES);
        let got = pbx.verify_join(&elsewhere, known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_NONE, 102).code, 0);
        // Where there is a dialog it is not asked.
        let asked = || pbx.asked().iter().filter(|it| **it == Asked::Conference).count();
        assert_eq!(asked(), 2);
        pbx.verify_join(&join(NAMED), known("eve")).refused(403, 102);
        assert_eq!(asked(), 2);
        for broken in [SIPXFER_LATER, -1, SIPXFER_E_NOT_FOUND] {
            *pbx.host.is_conference.lock().unwrap() = Some(broken);
            pbx.verify_join(&elsewhere, known("bob")).refused(500, 0);
        }
    });
}

#[test]
fn r102_several_matches_are_none_and_a_dialog_of_subscribe_is_none() {
    on_both(|pbx| {
        bobs_call(&pbx);
        bobs_call(&pbx);
        pbx.verify_join(&join(NAMED), known("bob")).refused(481, 102);
        let other = Dialog::of("bob", "events@h", "L", "R");
        pbx.dialog(Dialog { usage: SIPXFER_USAGE_OTHER, ..other });
        let events = join("events@h;to-tag=L;from-tag=R");
        pbx.verify_join(&events, known("bob")).refused(481, 102);
    });
}

#[test]
fn r102_a_dialog_that_has_ended_is_603() {
    on_both(|mut pbx| {
        let call = bobs_call(&pbx);
        pbx.end(call);
        pbx.verify_join(&join(NAMED), known("bob")).refused(603, 102);
        pbx.now_ms += 32_000;
        pbx.verify_join(&join(NAMED), known("bob")).refused(481, 102);
    });
    // It ends between match and lock, or a directory still finds it.
    let pbx = Pbx::new(Kind::Callbacks);
    bobs_call(&pbx);
    *pbx.host.lock_answer.lock().unwrap() = Some(SIPXFER_E_GONE);
    pbx.verify_join_locked(&join(NAMED), known("bob")).refused(603, 102);
    *pbx.host.lock_answer.lock().unwrap() = Some(SIPXFER_E_STATE);
    pbx.verify_join_locked(&join(NAMED), known("bob")).refused(500, 0);
    *pbx.host.lock_answer.lock().unwrap() = None;
    let ending = Dialog::of("bob", "a@h", "L", "R");
    pbx.dialog(Dialog { state_under_lock: Some(SIPXFER_DIALOG_TERMINATED), ..ending.clone() });
    let message = join("a@h;to-tag=L;from-tag=R");
    pbx.verify_join_locked(&message, known("bob")).refused(603, 102);
    pbx.dialog(Dialog { call_id: "b@h".into(), state: SIPXFER_DIALOG_TERMINATED, ..ending });
    pbx.verify_join(&join("b@h;to-tag=L;from-tag=R"), known("bob")).refused(603, 102);
}

#[test]
fn r102_a_match_is_no_permission_and_that_to_replace_is_none_to_overhear() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let message = join(NAMED);
        let got = pbx.verify_join(&message, STRANGER);
        assert_eq!((got.is(SIPXFER_VERDICT_CHALLENGE, 102).code, got.dialog), (401, 0));
        assert_eq!(got.setting, "join.authorize");
        assert_eq!(pbx.verify_join(&message, known("eve")).refused(403, 102).setting, got.setting);
        // A pickup group, or a trunk that may replace any dialog.
        *pbx.host.authorize.lock().unwrap() = Some(SIPXFER_YES);
        pbx.set_in("endpoint:trunk", "replaces_trusted", "yes");
        pbx.verify_join(&message, known("eve")).refused(403, 102);
        pbx.verify_join(&message, known("trunk")).refused(403, 102);
        assert!(!pbx.asked().iter().any(|it| matches!(it, Asked::Authorize(_) | Asked::Mix(_))));
        // The consent of the user whose call it is, from a peer that is believed.
        let consent = invite(&format!("Join: {NAMED}\r\nReferred-By: <sip:bob@h>\r\n"));
        let got = pbx.verify_join(&consent, known("trunk"));
        got.is(SIPXFER_VERDICT_JOIN, 102);
        assert_eq!(got.ground, SIPXFER_GROUND_REFERRED_BY);
        pbx.verify_join(&consent, known("eve")).refused(403, 102);
        for (grounds, from, ground) in [
            ("host", known("eve"), SIPXFER_GROUND_HOST),
            ("trusted-peer", known("trunk"), SIPXFER_GROUND_TRUSTED_PEER),
            ("same-endpoint", known("bob"), SIPXFER_GROUND_NONE),
            ("any", STRANGER, SIPXFER_GROUND_ANY),
        ] {
            pbx.set("join.authorize", grounds);
            let got = pbx.verify_join(&message, from);
            assert_eq!(got.ground, ground, "{grounds}: {got:?}");
            assert_eq!(got.kind == SIPXFER_VERDICT_JOIN, ground != 0, "{grounds}: {got:?}");
        }
    });
}

#[test]
fn r102_early_dialogs_can_be_joined_whoever_began_them() {
    on_both(|pbx| {
        pbx.set("join.allow", "yes");
        let theirs = pbx.dialog(Dialog::of("bob", "theirs@h", "L", "R").early());
        let ours = pbx.dialog(Dialog::of("bob", "ours@h", "L", "R").called_by_us().early());
        for (call_id, dialog) in [("theirs@h", theirs), ("ours@h", ours)] {
            let got =
                pbx.verify_join(&join(&format!("{call_id};to-tag=L;from-tag=R")), known("bob"));
            got.is(SIPXFER_VERDICT_JOIN, 102);
            assert_eq!((got.dialog, got.dialog_state), (dialog, SIPXFER_DIALOG_EARLY));
            // Join knows no early-only: it is a parameter like any other.
            let named = format!("{call_id};to-tag=L;from-tag=R;early-only");
            assert!(!pbx.verify_join(&join(&named), known("bob")).early_only);
        }
    });
}

#[test]
fn r102_a_join_inside_a_dialog_is_488_and_policy_holds_for_join_too() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let inside = request("INVITE", ";tag=x", &format!("Join: {NAMED}\r\n"));
        pbx.verify_join(&inside, known("bob")).refused(488, 102);
        pbx.set("replaces.require_auth", "yes").set("join.authorize", "any");
        pbx.verify_join(&join(NAMED), STRANGER).is(SIPXFER_VERDICT_CHALLENGE, 24);
        pbx.set("replaces.require_tls", "yes");
        pbx.verify_join(&join(NAMED), known("bob")).refused(403, 24);
        let secure = From { secure: true, ..known("bob") };
        pbx.verify_join(&join(NAMED), secure).is(SIPXFER_VERDICT_JOIN, 102);
    });
}

#[test]
fn r103_join_beside_replaces_is_400_whichever_is_looked_at() {
    on_both(|pbx| {
        bobs_call(&pbx);
        let both = invite(&format!("Join: {NAMED}\r\nReplaces: {NAMED}\r\n"));
        pbx.verify_join(&both, known("bob")).refused(400, 103);
        pbx.verify(&both, known("bob")).refused(400, 4);
        let (got, takeover) = pbx.take_over_any(&both, known("bob"), false);
        got.refused(400, 4);
        assert_eq!((takeover, pbx.takeovers()), (0, 0));
    });
}

#[test]
fn r104_a_call_that_cannot_be_mixed_refuses_join_with_488() {
    on_both(|pbx| {
        let call = bobs_call(&pbx);
        *pbx.host.can_mix.lock().unwrap() = Some(SIPXFER_NO);
        for got in [
            pbx.verify_join(&join(NAMED), known("bob")),
            pbx.verify_join_locked(&join(NAMED), known("bob")),
        ] {
            got.refused(488, 104);
            assert!(got.response.contains("Warning: 399 sipxfer \"the calls cannot be mixed\""));
        }
        // Who may not join it does not learn whether it could be.
        pbx.verify_join(&join(NAMED), known("eve")).refused(403, 102);
        for broken in [SIPXFER_LATER, -1, SIPXFER_E_NOT_FOUND] {
            *pbx.host.can_mix.lock().unwrap() = Some(broken);
            pbx.verify_join(&join(NAMED), known("bob")).refused(500, 0);
        }
        *pbx.host.can_mix.lock().unwrap() = None;
        let got = pbx.verify_join(&join(NAMED), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_JOIN, 102).dialog, call);
    });
}

#[test]
fn r102_a_refer_hands_join_on_to_the_triggered_invite_built_anew() {
    on_both(|pbx| {
        let value = "<sip:100@h?Join=a%40b%3B+x%3D1%3Bfrom-tag%3DF%3Bto-tag%3DT&Require=join>";
        let got = pbx.route(&refer_to(&value.replace("+x", "x")), known("bob"));
        got.is(SIPXFER_VERDICT_BLIND, 0);
        let lines = "Require: join\r\nJoin: a@b;to-tag=T;from-tag=F;x=1\r\n";
        assert_eq!((got.headers.as_str(), got.dropped.as_str()), (lines, ""));
        // What would be refused where it arrives is never sent.
        for bad in [
            "Join=a%40b%3Bto-tag%3DT",
            "Join=a%40b%3Bto-tag%3DT%3Bfrom-tag%3DF&Join=a%40b%3Bto-tag%3DT%3Bfrom-tag%3DF",
            "Join=a%40b%3Bto-tag%3DT%3Bfrom-tag%3DF%0d%0aEvil:%20yes",
        ] {
            let got = pbx.route(&refer_to(&format!("<sip:100@h?{bad}>")), known("bob"));
            assert_eq!(got.code, 400, "{bad}: {got:?}");
        }
        let both =
            "Join=a%40b%3Bto-tag%3DT%3Bfrom-tag%3DF&Replaces=c%40d%3Bto-tag%3D1%3Bfrom-tag%3D2";
        let got = pbx.route(&refer_to(&format!("<sip:100@h?{both}>")), known("bob"));
        got.refused(400, 4);
        assert_eq!(got.headers, "");
    });
}
