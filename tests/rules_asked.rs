//! What else a REFER can ask for, and who may ask: Target-Dialog (RFC 4538), Referred-By tokens (RFC
//! 3892), REFERs that are passed on, nested REFERs (RFC 4579) and RFC 7614, on both kinds of directory.

// What a C host does is unsafe from end to end.
#![allow(clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod common_rules;

use common_rules::callbacks::Dialog;
use common_rules::messages::{invite, refer, refer_to, request};
use common_rules::outputs::Out;
use common_rules::{known, on_both, text, Pbx, STRANGER};
use sipxfer::ffi::*;
use std::ffi::{c_char, c_void};

const SECOND: &str = "<sip:carol@pbx.example?Replaces=second%40phone%3Bto-tag%3DL%3Bfrom-tag%3DR>";

/// Bob's call with this side.
fn call() -> Dialog {
    Dialog::of("bob", "call@phone", "ours", "bobs")
}

/// Bob's other call, to Carol.
fn second_call(pbx: &Pbx) -> usize {
    pbx.dialog(Dialog::of("bob", "second@phone", "L", "R"))
}

/// A REFER outside of Bob's call that names it.
fn beside(lines: &str) -> String {
    let named = "Target-Dialog: call@phone;local-tag=ours;remote-tag=bobs\r\n";
    request("REFER", "", &format!("{named}{lines}"))
}

const BLIND: &str = "Refer-To: <sip:100@h>\r\n";

#[test]
fn r059_a_target_dialog_of_a_sips_call_authorizes_and_any_other_by_policy() {
    on_both(|pbx| {
        let plain = pbx.dialog(call());
        assert_eq!(pbx.route(&beside(BLIND), known("bob")).refused(403, 98).dialog, 0);
        pbx.set("refer.target_dialog", "any");
        let got = pbx.route(&beside(BLIND), known("bob"));
        assert!(got.is(SIPXFER_VERDICT_BLIND, 59).in_call);
        assert_eq!(got.target_dialog, "call@phone;local-tag=ours;remote-tag=bobs");
        pbx.set("refer.target_dialog", "secure");
        pbx.end(plain);
        pbx.route(&beside(BLIND), known("bob")).refused(403, 98);
        pbx.dialog(Dialog { secure: true, ..call() });
        pbx.route(&beside(BLIND), known("bob")).is(SIPXFER_VERDICT_BLIND, 59);
        // Who it is comes first all the same.
        pbx.route(&beside(BLIND), STRANGER).is(SIPXFER_VERDICT_CHALLENGE, 31);
        pbx.set("refer.target_dialog", "no");
        pbx.route(&beside(BLIND), known("bob")).refused(403, 98);
    });
}

#[test]
fn r059_r060_what_names_no_call_that_is_there_authorizes_nothing() {
    on_both(|pbx| {
        pbx.set("refer.target_dialog", "any");
        pbx.dialog(call());
        pbx.dialog(Dialog { usage: SIPXFER_USAGE_OTHER, ..Dialog::of("bob", "sub@h", "a", "b") });
        for value in [
            "call@phone;local-tag=bobs;remote-tag=ours",
            "Call@phone;local-tag=ours;remote-tag=bobs",
            "call@phone;local-tag=ours",
            "call@phone",
            "sub@h;local-tag=a;remote-tag=b",
            "",
        ] {
            let message = request("REFER", "", &format!("{BLIND}Target-Dialog: {value}\r\n"));
            pbx.route(&message, known("bob")).refused(403, 98);
        }
        let twice = beside(&format!("{BLIND}Target-Dialog: x;local-tag=1;remote-tag=2\r\n"));
        pbx.route(&twice, known("bob")).refused(403, 98);
    });
}

#[test]
fn r059_a_replaces_in_its_refer_to_needs_a_ground_of_its_own() {
    on_both(|pbx| {
        pbx.dialog(Dialog { secure: true, ..call() });
        let second = second_call(&pbx);
        let lines = format!("Refer-To: {SECOND}\r\n");
        pbx.route(&beside(&lines), known("mallory")).refused(403, 9);
        assert_eq!(pbx.route(&beside(&lines), known("bob")).dialog, second);
        // The call that is named is the one that the REFER came in, as it were.
        let own = "<sip:c@h?Replaces=call%40phone%3Bto-tag%3Dours%3Bfrom-tag%3Dbobs>";
        let got = pbx.route(&beside(&format!("Refer-To: {own}\r\n")), known("bob"));
        assert!(got.refused(400, 29).why.contains("the dialog that the REFER came in"));
    });
}

#[test]
fn r059_r084_a_bye_of_the_call_is_told_to_the_transfer_that_came_beside_it() {
    on_both(|pbx| {
        pbx.dialog(Dialog { secure: true, ..call() });
        let transfer = pbx.receive(&beside(BLIND), known("bob"));
        pbx.outputs(transfer);
        assert_eq!(pbx.dialog_bye(&call()), 1);
        assert_eq!(pbx.dialog_bye(&Dialog::of("bob", "other@phone", "ours", "bobs")), 0);
        pbx.progress(transfer, 486, "");
        let expected = [
            Out::Notify(486),
            Out::Command(SIPXFER_COMMAND_RECALL_TRANSFEROR),
            Out::Finished(486, SIPXFER_CAUSE_TARGET),
        ];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
        assert_eq!(pbx.dialog_bye(&call()), 0, "it is gone");
    });
}

#[test]
fn r059_a_refer_beside_a_call_is_one_of_that_call_for_refer_concurrent() {
    on_both(|pbx| {
        pbx.set("refer.concurrent", "reject");
        let named = Dialog::of("bob", "first@phone", "pbx-to-bob", "bob-to-pbx");
        pbx.dialog(Dialog { secure: true, ..named });
        let named = "Target-Dialog: first@phone;local-tag=pbx-to-bob;remote-tag=bob-to-pbx\r\n";
        let outside = request("REFER", "", &format!("{named}{BLIND}"));
        let outside = outside.replace("Call-ID: first@phone", "Call-ID: beside@phone");
        let inside = |cseq: u32| refer(BLIND).replace("CSeq: 7", &format!("CSeq: {cseq}"));
        let first = pbx.receive(&inside(7), known("bob"));
        pbx.receive_any(&outside, known("bob")).0.refused(491, 0);
        pbx.progress(first, 404, "");
        let second = pbx.receive(&outside, known("bob"));
        pbx.receive_any(&inside(8), known("bob")).0.refused(491, 0);
        pbx.progress(second, 404, "");
        pbx.receive(&inside(8), known("bob"));
    });
}

#[test]
fn r098_click_to_dial_is_about_no_call_and_may_replace_a_third_partys_dialog_with_a_ground() {
    on_both(|pbx| {
        pbx.set("refer.outside_dialog", "yes");
        let got = pbx.route(&request("REFER", "", BLIND), known("bob"));
        assert!(!got.is(SIPXFER_VERDICT_BLIND, 98).in_call);
        assert!(pbx.route(&refer_to("<sip:100@h>"), known("bob")).in_call);
        // Carol's ringing phone, which Bob's assistant may pick up.
        let ringing = Dialog::of("carol", "ring@pbx", "A", "B").called_by_us().early();
        let ringing = pbx.dialog(ringing);
        let pick = "Refer-To: <sip:c@h?Replaces=ring%40pbx%3Bto-tag%3DA%3Bfrom-tag%3DB>\r\n";
        pbx.route(&request("REFER", "", pick), known("bob")).refused(403, 9);
        *pbx.host.authorize.lock().unwrap() = Some(SIPXFER_YES);
        let got = pbx.route(&request("REFER", "", pick), known("bob"));
        assert!(!got.is(SIPXFER_VERDICT_LOCAL_ATTENDED, 9).in_call);
        assert_eq!((got.dialog, got.old_dialog), (ringing, SIPXFER_OLD_DIALOG_CANCEL));
        assert_eq!(got.ground, SIPXFER_GROUND_HOST);
        // The INVITE that comes of such a REFER elsewhere is judged by R009 too.
        let replacing = invite("Replaces: ring@pbx;to-tag=A;from-tag=B;early-only\r\n");
        let got = pbx.verify(&replacing, known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 15).dialog, ringing);
    });
}

#[test]
fn r081_a_call_that_failed_has_no_transferor_to_hang_up_where_there_was_no_call() {
    on_both(|pbx| {
        pbx.set("refer.outside_dialog", "yes").set("refer.hang_up_after_ms", "10");
        let transfer = pbx.receive(&request("REFER", "", BLIND), known("bob"));
        pbx.progress(transfer, 200, "");
        let outputs = pbx.outputs(transfer);
        assert_eq!(outputs.kinds().last(), Some(&Out::Finished(200, SIPXFER_CAUSE_TARGET)));
        assert_eq!(pbx.count(), 0);
    });
}

/// A REFER with a token, or without one where the cid names none.
fn with_token(method: &str, to_tag: &str, cid: &str, lines: &str) -> String {
    let part = "Content-Type: message/sipfrag\r\nContent-ID: <2U@h>\r\n\r\nFrom: <sip:r@h>\r\n";
    let lines = format!(
        "{lines}Referred-By: <sip:bob@h>;cid=\"{cid}\"\r\n\
         Content-Type: multipart/mixed;boundary=b1\r\n"
    );
    let message = request(method, to_tag, &lines).replace("Content-Length: 0\r\n", "");
    format!("{message}--b1\r\n{part}\r\n--b1--\r\n")
}

const PART: &str = "Content-Type: message/sipfrag\r\nContent-ID: <2U@h>\r\n\r\nFrom: <sip:r@h>\r\n";

#[test]
fn r056_r050_a_referred_by_is_unverified_until_the_host_has_verified_its_token() {
    on_both(|pbx| {
        let none = pbx.route(&refer(BLIND), known("bob"));
        assert_eq!((none.referrer, none.token.as_str()), (SIPXFER_REFERRER_NONE, ""));
        let unsigned = refer(&format!("{BLIND}Referred-By: <sip:bob@h>\r\n"));
        let got = pbx.route(&unsigned, known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_BLIND, 56).referrer, SIPXFER_REFERRER_UNVERIFIED);
        let message = with_token("REFER", ";tag=pbx-to-bob", "2U@h", BLIND);
        for (answer, referrer, rule) in [
            (None, SIPXFER_REFERRER_UNVERIFIED, 56),
            (Some(SIPXFER_NO), SIPXFER_REFERRER_UNVERIFIED, 56),
            (Some(SIPXFER_YES), SIPXFER_REFERRER_VERIFIED, 52),
        ] {
            *pbx.host.verify_token.lock().unwrap() = answer;
            let got = pbx.route(&message, known("bob"));
            assert_eq!(got.is(SIPXFER_VERDICT_BLIND, rule).referrer, referrer);
            assert_eq!(got.token, PART, "handed on untouched");
            assert_eq!(got.referred_by, "<sip:bob@h>;cid=\"2U@h\"");
        }
        let asked = pbx.host.tokens.lock().unwrap().last().cloned();
        assert_eq!(asked, Some(("<sip:bob@h>;cid=\"2U@h\"".into(), PART.into())));
        *pbx.host.verify_token.lock().unwrap() = Some(7);
        pbx.route(&message, known("bob")).refused(500, 0);
    });
}

#[test]
fn r051_a_policy_may_demand_a_token() {
    on_both(|pbx| {
        pbx.set_in("endpoint:bob", "referred_by.require_token", "yes");
        let got = pbx.route(&refer(BLIND), known("bob"));
        assert_eq!(got.refused(429, 51).setting, "referred_by.require_token");
        assert!(got.response.starts_with("SIP/2.0 429 Provide Referrer Identity\r\n"));
        let unsigned = refer(&format!("{BLIND}Referred-By: <sip:bob@h>\r\n"));
        pbx.route(&unsigned, known("bob")).refused(429, 51);
        pbx.route(&refer(BLIND), known("carol")).is(SIPXFER_VERDICT_BLIND, 0);
    });
}

#[test]
fn r049_r051_a_cid_that_names_no_body_part_is_unverified_and_429_where_a_token_is_demanded() {
    on_both(|pbx| {
        *pbx.host.verify_token.lock().unwrap() = Some(SIPXFER_YES);
        let message = with_token("REFER", ";tag=pbx-to-bob", "3V@h", BLIND);
        let got = pbx.route(&message, known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_BLIND, 56).referrer, SIPXFER_REFERRER_UNVERIFIED);
        assert!(got.token.is_empty() && pbx.host.tokens.lock().unwrap().is_empty());
        pbx.set("referred_by.require_token", "yes");
        let got = pbx.route(&message, known("bob"));
        assert!(got.refused(429, 51).why.contains("names no body part"), "{}", got.why);
    });
}

#[test]
fn r052_a_token_that_is_demanded_must_be_valid() {
    on_both(|pbx| {
        pbx.set("referred_by.require_token", "yes");
        let message = with_token("REFER", ";tag=pbx-to-bob", "2U@h", BLIND);
        pbx.route(&message, known("bob")).refused(429, 52);
        *pbx.host.verify_token.lock().unwrap() = Some(SIPXFER_NO);
        pbx.route(&message, known("bob")).refused(429, 52);
        *pbx.host.verify_token.lock().unwrap() = Some(SIPXFER_YES);
        pbx.route(&message, known("bob")).is(SIPXFER_VERDICT_BLIND, 52);
    });
}

#[test]
fn r010_r052_a_verified_referrer_consents_to_being_replaced() {
    on_both(|pbx| {
        let dialog = pbx.dialog(Dialog::of("bob", "second@phone", "L", "R"));
        let line = "Replaces: second@phone;to-tag=L;from-tag=R\r\n";
        let message = with_token("INVITE", "", "2U@h", line);
        pbx.verify(&message, known("alice")).refused(403, 9);
        *pbx.host.verify_token.lock().unwrap() = Some(SIPXFER_YES);
        let got = pbx.verify(&message, known("alice"));
        assert_eq!((got.dialog, got.ground), (dialog, SIPXFER_GROUND_REFERRED_BY));
        assert_eq!((got.referrer, got.token.as_str()), (SIPXFER_REFERRER_VERIFIED, PART));
        // The token of somebody else is no consent of Bob's.
        let other = message.replace("<sip:bob@h>;cid", "<sip:eve@h>;cid");
        pbx.verify(&other, known("alice")).refused(403, 9);
        // Nobody has it looked at who has yet to say who he is.
        let looked_at = pbx.host.tokens.lock().unwrap().len();
        pbx.verify(&message, STRANGER).is(SIPXFER_VERDICT_CHALLENGE, 9);
        assert_eq!(pbx.host.tokens.lock().unwrap().len(), looked_at);
        // An INVITE that names no referrer needs no token.
        pbx.set("referred_by.require_token", "yes");
        pbx.verify(&invite(line), known("bob")).is(SIPXFER_VERDICT_ACCEPT, 14);
        let unsigned = invite(&format!("{line}Referred-By: <sip:bob@h>\r\n"));
        pbx.verify(&unsigned, known("bob")).refused(429, 51);
    });
}

#[test]
fn a_trunk_may_have_its_refers_refused_or_passed_on() {
    on_both(|pbx| {
        pbx.set_in("endpoint:trunk", "refer.mode", "reject");
        let got = pbx.route(&refer_to("<sip:100@h>"), known("trunk"));
        assert_eq!(got.refused(403, 30).setting, "refer.mode");
        pbx.set_in("endpoint:trunk", "refer.mode", "pass");
        // Where it goes is not for this dialplan to know.
        let message = refer("Refer-To: <sip:unknown@h>\r\nReferred-By: <sip:t@h>\r\n");
        let got = pbx.route(&message, known("trunk"));
        got.is(SIPXFER_VERDICT_PASS, 19);
        assert_eq!((got.code, got.target.as_str()), (0, "sip:unknown@h"));
        assert_eq!((got.setting.as_str(), got.referred_by.as_str()), ("refer.mode", "<sip:t@h>"));
        assert!(got.in_call && !got.subscription && got.extension.is_empty());
        assert!(pbx.log().last().unwrap().contains("passed on"));
        pbx.route(&message, STRANGER).is(SIPXFER_VERDICT_CHALLENGE, 31);
        pbx.route(&refer_to("<sip:unknown@h>"), known("bob")).refused(404, 32);
        // No transfer of this side begins.
        let (got, transfer) = pbx.receive_any(&message, known("trunk"));
        assert_eq!((got.is(SIPXFER_VERDICT_PASS, 19).code, transfer, pbx.count()), (0, 0, 0));
        // Without a call there is no other leg.
        pbx.set("refer.outside_dialog", "yes");
        let outside = request("REFER", "", BLIND);
        assert_eq!(pbx.route(&outside, known("trunk")).refused(403, 98).setting, "refer.mode");
        *pbx.host.approve.lock().unwrap() = Some(SIPXFER_NO);
        pbx.route(&message, known("trunk")).refused(603, 30);
    });
}

#[test]
fn r009_a_refer_that_is_passed_on_names_no_dialog_that_its_sender_may_not_have() {
    on_both(|pbx| {
        second_call(&pbx);
        pbx.set("refer.mode", "pass");
        pbx.route(&refer_to(SECOND), known("mallory")).refused(403, 9);
        let got = pbx.route(&refer_to(SECOND), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_PASS, 19).replaces, "second@phone;to-tag=L;from-tag=R");
        assert_eq!(got.dialog, 0);
        let elsewhere = SECOND.replace("second", "elsewhere");
        pbx.route(&refer_to(&elsewhere), known("mallory")).is(SIPXFER_VERDICT_PASS, 19);
        pbx.set("remote.deny_domains", "pbx.example");
        pbx.route(&refer_to(SECOND), known("bob")).refused(403, 0);
    });
}

/// The leg that is bridged with Bob's second call; none for any other.
unsafe extern "C" fn peer_leg(
    _: *mut c_void,
    key: *const sipxfer_dialog_key,
    peer: *mut sipxfer_dialog_key,
) -> i32 {
    let key = unsafe { &*key };
    let peer = unsafe { &mut *peer };
    let str_of = |text: &'static str| sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() };
    let peer_of = match text(key.call_id).as_str() {
        "second@phone" if text(key.local_tag) == "L" && text(key.remote_tag) == "R" => "other@pbx",
        "call@phone" => "first@pbx",
        "broken@phone" => "two\r\nlines",
        "failing@phone" => return -99,
        _ => return SIPXFER_E_NOT_FOUND,
    };
    peer.call_id = str_of(peer_of);
    (peer.local_tag, peer.remote_tag) = (str_of("carols"), str_of("pbxs"));
    SIPXFER_OK
}

/// The lines of the REFER for the other leg, or the status.
fn passed(message: &str) -> Result<String, i32> {
    let mut scratch = vec![0_u8; scratch_size(message.len())];
    let mut buffer = vec![0_u8; 2 * message.len() + 512];
    let mut needed = 0;
    let (from, len) = (message.as_ptr().cast(), message.len());
    let (room, room_len) = (scratch.as_mut_ptr().cast::<c_char>(), scratch.len());
    let (to, size) = (buffer.as_mut_ptr().cast::<c_char>(), buffer.len());
    let none = std::ptr::null_mut();
    let status = unsafe {
        let (user, error) = (none, std::ptr::null_mut());
        let leg = Some(peer_leg as _);
        sipxfer_refer_pass(from, len, leg, user, room, room_len, to, size, &mut needed, error)
    };
    if status != SIPXFER_OK {
        return Err(status);
    }
    buffer.truncate(needed);
    Ok(String::from_utf8(buffer).unwrap())
}

#[test]
fn r019_a_refer_for_the_other_leg_names_the_dialogs_of_that_leg() {
    let mapped = "other%40pbx%3Bto-tag%3Dcarols%3Bfrom-tag%3Dpbxs";
    let value = "\"C\" <sip:carol@h;x=1;method=INVITE?Subject=hi&Route=%3Csip:x%3E&Replaces=\
                 second%40phone%3Bto-tag%3DL%3Bfrom-tag%3DR%3Bearly-only%3Bfoo%3Dbar>;p=1";
    let lines = format!(
        "Refer-To: {value}\r\nb: Bob\r\n  <sip:bob@h>;cid=\"2U@h\"\r\nRefer-Sub: false\r\n\
         Require: norefersub\r\n"
    );
    let expected = format!(
        "Refer-To: \"C\" <sip:carol@h;x=1;method=INVITE?Replaces={mapped}%3Bearly-only%3Bfoo%3Dbar\
         &Subject=hi>;p=1\r\nReferred-By: Bob <sip:bob@h>;cid=\"2U@h\"\r\n\
         Target-Dialog: first@pbx;local-tag=carols;remote-tag=pbxs\r\n\
         Refer-Sub: false\r\nRequire: norefersub\r\n"
    );
    assert_eq!(passed(&beside(&lines)), Ok(expected));
    // As a parameter of the URI, where it does not belong.
    let param = SECOND.replace("?Replaces", ";a=b;Replaces");
    let expected = format!("Refer-To: <sip:carol@pbx.example;a=b?Replaces={mapped}>\r\n");
    assert_eq!(passed(&refer_to(&param)), Ok(expected));
    // What is not here stays as it is; a Target-Dialog that nobody knows is left out.
    let other = SECOND.replace("second%40phone", "x%40y");
    let lines = format!("Refer-To: {other}\r\nTarget-Dialog: x@y;local-tag=1;remote-tag=2\r\n");
    assert_eq!(passed(&refer(&lines)), Ok(format!("Refer-To: {other}\r\n")));
    assert_eq!(passed(&refer_to("<tel:+1>")), Ok("Refer-To: <tel:+1>\r\n".into()));
}

#[test]
fn r093_nothing_that_cannot_be_passed_on_is() {
    let named = |name: &str| refer_to(&SECOND.replace("second", name));
    assert_eq!(passed(&named("broken")), Err(SIPXFER_E_CALLBACK));
    assert_eq!(passed(&named("failing")), Err(SIPXFER_E_CALLBACK));
    let broken = SECOND.replace("to-tag", "tag");
    for bad in ["<sip:a@h?Subject=a%0d%0ab>", "", "sip:a@h, sip:b@h", &broken] {
        assert_eq!(passed(&refer_to(bad)), Err(SIPXFER_E_PARSE), "{bad}");
    }
    assert_eq!(passed(&refer("")), Err(SIPXFER_E_PARSE));
    assert_eq!(passed(&invite(BLIND)), Err(SIPXFER_E_PARSE));
    assert_eq!(passed("no message"), Err(SIPXFER_E_PARSE));
}

#[test]
fn r035_a_nested_refer_carries_the_refer_to_that_stands_in_the_uri() {
    on_both(|pbx| {
        let nested = "<sip:carol@h;method=REFER?Refer-To=%3Csip:conf%40h%3Bisfocus%3E>";
        let got = pbx.route(&refer_to(nested), known("bob"));
        assert_eq!(got.refused(403, 35).setting, "refer.methods");
        pbx.set("refer.methods", "REFER, BYE");
        let got = pbx.route(&refer_to(nested), known("bob"));
        got.is(SIPXFER_VERDICT_OTHER_METHOD, 35);
        assert_eq!((got.method.as_str(), got.target.as_str()), ("REFER", "sip:carol@h"));
        assert_eq!(got.headers, "Refer-To: <sip:conf@h;isfocus>\r\n");
        assert_eq!(got.dropped, "");
        // Escapes are undone once per level.
        let inner =
            "%3Csip:c%40h%3Fr%3D1%26Replaces%3Da%2540b%253Bto-tag%253D1%253Bfrom-tag%253D2%3E";
        let got = pbx.route(&refer_to(&format!("<sip:d@h;method=REFER?r={inner}>")), known("bob"));
        let replaces = "a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2";
        assert_eq!(got.headers, format!("Refer-To: <sip:c@h?Replaces={replaces}>\r\n"));
        let bye = "<sip:d@h;method=REFER?Refer-To=%3Csip:c%40h%3Bmethod%3DBYE%3E>";
        let got = pbx.route(&refer_to(bye), known("bob"));
        assert_eq!(got.headers, "Refer-To: <sip:c@h;method=BYE>\r\n");
    });
}

#[test]
fn r093_r029_r035_a_nested_refer_that_would_be_none_is_refused() {
    on_both(|pbx| {
        pbx.set("refer.methods", "REFER");
        for (headers, code, rule) in [
            ("", 400, 29),
            ("?Subject=x", 400, 29),
            ("?Refer-To=sip:a%40h&refer-to=sip:b%40h", 400, 29),
            ("?Refer-To=sip:a%40h&r=sip:b%40h", 400, 29),
            ("?Refer-To=", 400, 29),
            ("?Refer-To=sip:a%40h,%20sip:b%40h", 400, 29),
            ("?Refer-To=sip:a%40h%0d%0aVia:%20x", 400, 93),
            ("?Refer-To=%3Csip:a%40h%3FSubject%3Da%250d%250ab%3E", 400, 93),
            ("?Refer-To=%3Csip:a%40h%3FReplaces%3Da%3E", 400, 20),
            ("?Refer-To=%3Csip:a%40h%3Bmethod%3DREFER%3E", 403, 35),
            ("?Refer-To=%3Csip:a%40h%3Bmethod%3DBYE%3E", 403, 35),
            ("?Refer-To=http://h/", 416, 32),
        ] {
            let value = format!("<sip:carol@h;method=REFER{headers}>");
            pbx.route(&refer_to(&value), known("bob")).refused(code, rule);
        }
        // Refer-To in any other request is not taken over, as before.
        let got = pbx.route(&refer_to("<sip:100@h?Refer-To=sip:a%40h>"), known("bob"));
        assert_eq!((got.headers.as_str(), got.dropped.as_str()), ("", "Refer-To"));
    });
}

fn requiring(tag: &str) -> String {
    refer(&format!("{BLIND}Require: {tag}\r\n"))
}

#[test]
fn r072_nosub_is_understood_where_the_settings_say_so() {
    on_both(|pbx| {
        assert_eq!(
            pbx.route(&requiring("nosub"), known("bob")).refused(420, 23).unsupported,
            "nosub"
        );
        pbx.set("refer.nosub", "yes");
        let got = pbx.route(&requiring("nosub"), known("bob"));
        assert!(!got.is(SIPXFER_VERDICT_BLIND, 72).subscription);
        assert_eq!(got.code, 200);
        let transfer = pbx.receive(&requiring("nosub"), known("bob"));
        let outputs = pbx.outputs(transfer);
        assert_eq!(outputs.kinds(), [Out::Answer(200), Out::Command(SIPXFER_COMMAND_START)]);
        assert_eq!(outputs.list[0].headers, "", "Refer-Sub is no part of it");
        pbx.progress(transfer, 486, "");
        let expected =
            [Out::Command(SIPXFER_COMMAND_KEEP_CALL), Out::Finished(486, SIPXFER_CAUSE_TARGET)];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
        assert_eq!(pbx.supported("bob"), "replaces, 100rel, timer, norefersub, tdialog, nosub");
    });
}

/// The URI of a Refer-Events-At line.
fn events_at(headers: &str) -> String {
    let uri = headers.strip_prefix("Refer-Events-At: <").and_then(|it| it.strip_suffix(">\r\n"));
    uri.unwrap_or_default().to_owned()
}

#[test]
fn r070_r071_explicitsub_hands_out_a_uri_and_a_subscribe_to_it_is_notified() {
    on_both(|pbx| {
        pbx.set("refer.events_at", "sip:events.pbx.example:5070;transport=tcp");
        let transfer = pbx.receive(&requiring("explicitsub"), known("bob"));
        let outputs = pbx.outputs(transfer);
        assert_eq!(outputs.kinds(), [Out::Answer(200), Out::Command(SIPXFER_COMMAND_START)]);
        let uri = events_at(&outputs.list[0].headers);
        let user = uri.strip_prefix("sip:refer-").unwrap();
        assert_eq!(user.find('@'), Some(32), "128 bits: {uri}");
        assert!(uri.ends_with("@events.pbx.example:5070;transport=tcp"), "{uri}");
        // The same for a retransmission.
        assert_eq!(pbx.receive(&requiring("explicitsub"), known("bob")), transfer);
        assert_eq!(events_at(&pbx.outputs(transfer).list[0].headers), uri);

        assert_eq!(pbx.progress(transfer, 180, ""), SIPXFER_OK);
        assert!(pbx.outputs(transfer).list.is_empty(), "nobody has subscribed");
        assert_eq!(pbx.subscribe_at(&uri, 30), (SIPXFER_OK, transfer, 30));
        let outputs = pbx.outputs(transfer);
        assert_eq!(outputs.kinds(), [Out::Notify(180)]);
        assert!(outputs.list[0]
            .headers
            .starts_with("Event: refer\r\nSubscription-State: active;expires=30\r\n"));
        assert_eq!(pbx.subscribe_at(&uri, 30).0, SIPXFER_E_WRONG_STATE);
        assert_eq!(pbx.subscribe(transfer, 20), (SIPXFER_OK, 20));
        pbx.outputs(transfer);
        pbx.progress(transfer, 200, "");
        let outputs = pbx.outputs(transfer);
        let expected = [Out::Notify(200), Out::Finished(200, SIPXFER_CAUSE_TARGET)];
        assert_eq!(outputs.kinds(), expected);
        assert!(outputs.list.iter().all(|output| !output.last), "{outputs:?}");
    });
}

/// R042 tells the REFERs of one dialog apart; this subscription has a dialog of its own.
#[test]
fn r070_an_explicit_subscription_has_no_event_id_from_the_second_refer_on_either() {
    on_both(|pbx| {
        pbx.set("refer.events_at", "sip:h");
        pbx.receive(&requiring("explicitsub"), known("bob"));
        let second = requiring("explicitsub").replace("CSeq: 7", "CSeq: 8");
        let transfer = pbx.receive(&second, known("bob"));
        let uri = events_at(&pbx.outputs(transfer).list[0].headers);
        assert_eq!(pbx.subscribe_at(&uri, 30).0, SIPXFER_OK);
        let notify = &pbx.outputs(transfer).list[0];
        assert!(notify.headers.starts_with("Event: refer\r\n"), "{}", notify.headers);
    });
}

#[test]
fn r070_the_end_is_kept_for_a_late_subscribe_and_then_forgotten() {
    on_both(|mut pbx| {
        pbx.set("refer.events_at", "sips:h");
        let transfer = pbx.receive(&requiring("explicitsub"), known("bob"));
        let uri = events_at(&pbx.outputs(transfer).list[0].headers);
        pbx.progress(transfer, 404, "");
        pbx.outputs(transfer);
        pbx.now_ms += 10_000;
        assert_eq!(pbx.subscribe_at(&uri, u32::MAX).0, SIPXFER_OK);
        let outputs = pbx.outputs(transfer);
        assert_eq!(outputs.kinds(), [Out::Notify(404)]);
        assert!(outputs.list[0].headers.contains("terminated;reason=noresource"));
        assert_eq!(pbx.count(), 1);
        pbx.now_ms += 22_000;
        pbx.tick();
        assert_eq!((pbx.count(), pbx.next_deadline()), (0, u64::MAX));
        assert_eq!(pbx.subscribe_at(&uri, 30), (SIPXFER_E_NOT_FOUND, 0, 0));
    });
}

#[test]
fn r039_r070_no_other_uri_has_a_subscription() {
    on_both(|pbx| {
        pbx.set("refer.events_at", "sip:h");
        let first = pbx.receive(&requiring("explicitsub"), known("bob"));
        let uri = events_at(&pbx.outputs(first).list[0].headers);
        let again = requiring("explicitsub").replace("CSeq: 7", "CSeq: 8");
        let second = pbx.receive(&again, known("bob"));
        let other = events_at(&pbx.outputs(second).list[0].headers);
        assert_ne!(uri, other);
        let zeros = format!("sip:refer-{}@h", "0".repeat(32));
        let short = uri.replace("@h", "").replace("sip:", "sip:h?");
        for bad in ["", "sip:h", "sip:refer-@h", &zeros, &short, &uri.to_uppercase(), "refer-"] {
            assert_eq!(pbx.subscribe_at(bad, 30), (SIPXFER_E_NOT_FOUND, 0, 0), "{bad}");
        }
        assert_eq!(pbx.subscribe_at(&other, 30), (SIPXFER_OK, second, 30));
        assert_eq!(pbx.subscribe_at(&uri, 30), (SIPXFER_OK, first, 30));
        // One that the REFER itself made is not had by a URI.
        let plain = pbx.receive(&refer(BLIND).replace("CSeq: 7", "CSeq: 9"), known("bob"));
        assert_eq!(pbx.outputs(plain).list[0].headers, "");
    });
}

#[test]
fn r071_who_hands_out_no_uri_refuses_and_both_at_once_contradict_each_other() {
    on_both(|pbx| {
        pbx.set("refer.events_at", "sip:h").set("refer.nosub", "yes");
        // A verdict without a transfer has nothing to subscribe to.
        let got = pbx.route(&requiring("explicitsub"), known("bob"));
        assert_eq!(got.refused(420, 23).unsupported, "explicitsub");
        let (got, transfer) = pbx.receive_any(&requiring("nosub, explicitsub"), known("bob"));
        got.refused(400, 71);
        assert_eq!(transfer, 0);
        pbx.set("refer.events_at", "");
        let (got, _) = pbx.receive_any(&requiring("explicitsub"), known("bob"));
        got.refused(420, 23);
    });
}
