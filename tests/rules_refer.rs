//! RFC 3515 section 2.4 and what follows from it: where a REFER goes, on both kinds of directory.

mod common_rules;

use common_rules::callbacks::{Asked, Dialog};
use common_rules::messages::{refer, refer_to, request};
use common_rules::{known, on_both, From, Got, Kind, Pbx, STRANGER};
use sipxfer::ffi::*;

/// The dialog that the REFERs of these tests come in.
fn first_call(pbx: &Pbx) -> usize {
    pbx.dialog(Dialog::of("bob", "first@phone", "pbx-to-bob", "bob-to-pbx"))
}

/// Bob's other call, to Carol.
fn second_call(pbx: &Pbx) -> usize {
    pbx.dialog(Dialog::of("bob", "second@phone", "L", "R"))
}

const SECOND: &str = "<sip:carol@pbx.example?Replaces=second%40phone%3Bto-tag%3DL%3Bfrom-tag%3DR>";
const ELSEWHERE: &str =
    "<sip:carol@b.example?Replaces=ABCDE%3Bto-tag%3DBtoBob%3Bfrom-tag%3DBobtoB>";

#[test]
fn r029_none_or_two_refer_to_are_400() {
    on_both(|pbx| {
        pbx.route(&refer(""), known("bob")).refused(400, 29);
        let two = "Refer-To: <sip:100@h>\r\nr: <sip:100@h>\r\n";
        pbx.route(&refer(two), known("bob")).refused(400, 29);
        let list = pbx.route(&refer_to("<sip:100@h>, <sip:101@h>"), known("bob"));
        assert!(list.refused(400, 29).error.is_some());
        let compact = refer("r: <sip:100@h>\r\n");
        pbx.route(&compact, known("bob")).is(SIPXFER_VERDICT_BLIND, 95);
    });
}

#[test]
fn r030_the_host_is_asked_for_its_approval_last_and_once() {
    on_both(|pbx| {
        let got = pbx.route(&refer_to("<sip:100@h>"), known("bob"));
        got.is(SIPXFER_VERDICT_BLIND, 0);
        let approve = Asked::Approve(SIPXFER_VERDICT_BLIND, "sip:100@h".into());
        assert_eq!(pbx.asked().iter().filter(|it| **it == approve).count(), 1);
        *pbx.host.approve.lock().unwrap() = Some(SIPXFER_NO);
        pbx.route(&refer_to("<sip:100@h>"), known("bob")).refused(603, 30);
        let before = pbx.asked().len();
        pbx.route(&refer_to("<sip:unknown@h>"), known("bob")).refused(404, 0);
        let asked = pbx.asked()[before..].to_vec();
        assert!(!asked.iter().any(|it| matches!(it, Asked::Approve(..))), "{asked:?}");
        *pbx.host.approve.lock().unwrap() = Some(-5);
        pbx.route(&refer_to("<sip:100@h>"), known("bob")).refused(500, 0);
    });
}

#[test]
fn r030_transfers_can_be_forbidden_by_the_host_by_endpoint_and_for_all() {
    on_both(|pbx| {
        let blind = refer_to("<sip:100@h>");
        *pbx.host.allow_transfer.lock().unwrap() = Some(SIPXFER_NO);
        pbx.route(&blind, known("bob")).refused(603, 30);
        *pbx.host.allow_transfer.lock().unwrap() = Some(9);
        pbx.route(&blind, known("bob")).refused(500, 0);
        *pbx.host.allow_transfer.lock().unwrap() = None;
        pbx.set("refer.allow", "no");
        assert_eq!(pbx.route(&blind, known("bob")).refused(603, 30).setting, "refer.allow");
        pbx.set_in("endpoint:bob", "refer.allow", "yes");
        pbx.route(&blind, known("bob")).is(SIPXFER_VERDICT_BLIND, 0);
    });
}

#[test]
fn r031_who_sends_it_comes_before_what_it_says() {
    on_both(|pbx| {
        for broken in ["", "Refer-To: <sip:\r\n", "Refer-To: <sip:100@h>\r\n"] {
            let got = pbx.route(&refer(broken), STRANGER);
            assert_eq!(got.is(SIPXFER_VERDICT_CHALLENGE, 31).code, 401);
        }
        pbx.set("refer.require_auth", "reject");
        pbx.route(&refer_to("<sip:100@h>"), STRANGER).refused(403, 31);
        pbx.set("refer.require_auth", "no");
        pbx.route(&refer_to("<sip:100@h>"), STRANGER).is(SIPXFER_VERDICT_BLIND, 0);
        assert!(!pbx.asked().iter().any(|it| matches!(it, Asked::Find(..))));
    });
}

#[test]
fn r032_a_scheme_that_cannot_be_contacted_is_416_and_tel_is_mapped_by_the_setting() {
    on_both(|pbx| {
        pbx.route(&refer_to("<http://h/>"), known("bob")).refused(416, 32);
        let tel = refer_to("<tel:+1-510-555.0123;phone-context=x>");
        assert_eq!(pbx.route(&tel, known("bob")).refused(416, 32).setting, "refer.tel");
        pbx.set("refer.tel", "yes").extension("default", "+15105550123");
        let got = pbx.route(&tel, known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_BLIND, 95).extension, "+15105550123");
        pbx.route(&refer_to("<http://h/>"), known("bob")).refused(416, 32);
    });
}

#[test]
fn r033_a_host_that_decides_later_has_the_refer_accepted_and_is_told_so() {
    on_both(|pbx| {
        *pbx.host.approve.lock().unwrap() = Some(SIPXFER_LATER);
        let got = pbx.route(&refer_to("<sip:100@h>"), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_BLIND, 33).code, 202);
        assert!(got.approval_pending);
    });
}

#[test]
fn r034_r069_accepting_creates_a_subscription_and_the_code_is_a_setting() {
    on_both(|pbx| {
        let got = pbx.route(&refer_to("<sip:100@h>"), known("bob"));
        assert_eq!(
            (got.is(SIPXFER_VERDICT_BLIND, 34).code, got.reason.as_str()),
            (202, "Accepted")
        );
        assert!(got.subscription && !got.approval_pending);
        pbx.set_in("endpoint:bob", "refer.accept_code", "200");
        assert_eq!(pbx.route(&refer_to("<sip:100@h>"), known("bob")).code, 200);
    });
}

#[test]
fn r063_refer_sub_false_wants_no_subscription() {
    on_both(|pbx| {
        let got =
            pbx.route(&refer("Refer-To: <sip:100@h>\r\nRefer-Sub: false;x=1;y\r\n"), known("bob"));
        assert!(!got.is(SIPXFER_VERDICT_BLIND, 63).subscription);
        let got = pbx.route(&refer("Refer-To: <sip:100@h>\r\nRefer-Sub: true\r\n"), known("bob"));
        assert!(got.is(SIPXFER_VERDICT_BLIND, 34).subscription);
        let bad = refer("Refer-To: <sip:100@h>\r\nRefer-Sub: maybe\r\n");
        assert!(pbx.route(&bad, known("bob")).refused(400, 63).error.is_some());
    });
}

#[test]
fn r035_another_method_is_honoured_where_the_host_opted_in_and_else_refused() {
    on_both(|pbx| {
        let bye = refer_to("<sip:carol@h;method=BYE>");
        assert_eq!(pbx.route(&bye, known("bob")).refused(403, 35).setting, "refer.methods");
        pbx.route(&refer_to("<sip:c@h;method=B%59E>"), known("bob")).refused(403, 35);
        pbx.set("refer.methods", "BYE, REFER");
        // A method is compared as it is written (RFC 3261 section 7.1).
        pbx.route(&refer_to("<sip:c@h;METHOD=bye>"), known("bob")).refused(403, 35);
        pbx.route(&refer_to("<sip:c@h;method=invite>"), known("bob")).refused(403, 35);
        let got = pbx.route(&bye, known("bob"));
        got.is(SIPXFER_VERDICT_OTHER_METHOD, 35);
        assert_eq!((got.method.as_str(), got.target.as_str()), ("BYE", "sip:carol@h"));
        pbx.route(&refer_to("<sip:c@h;method=INFO>"), known("bob")).refused(403, 35);
        let twice = refer_to("<sip:c@h;method=INVITE;method=BYE>");
        pbx.route(&twice, known("bob")).refused(400, 35);
        let odd = refer_to(&SECOND.replace('?', ";method=BYE?"));
        second_call(&pbx);
        pbx.route(&odd, known("bob")).refused(400, 3);
        let invite = pbx.route(&refer_to("<sip:100@h;method=INVITE>"), known("bob"));
        assert_eq!(invite.is(SIPXFER_VERDICT_BLIND, 95).method, "INVITE");
        assert_eq!(invite.target, "sip:100@h");
    });
}

#[test]
fn r095_a_blind_transfer_goes_to_the_user_part_without_its_options_or_to_s() {
    on_both(|pbx| {
        for (value, extension) in [
            ("<sip:100@h>", "100"),
            ("sip:100@h", "100"),
            ("\"Jane\" <sip:100;phone-context=x@h;user=phone>;x=y", "100"),
            ("<sip:1%30%30@h>", "100"),
            ("<sips:100:secret@h:5061>", "100"),
            ("<sip:gw.example.com:5061;transport=tls;x-m=8:orgid:GUID>", "s"),
        ] {
            pbx.extension("default", extension);
            let got = pbx.route(&refer_to(value), known("bob"));
            assert_eq!(got.is(SIPXFER_VERDICT_BLIND, 95).extension, extension, "{value}");
            assert_eq!(got.context, "default");
            assert_eq!(got.variable("SIPTRANSFER"), Some("yes"));
            assert_eq!(got.variable("SIPREFERRINGCONTEXT"), Some("default"));
            assert_eq!(got.variable("SIPREPLACESHDR"), None);
        }
        let got = pbx.route(&refer_to("<sip:unknown@h>"), known("bob"));
        assert!(got.refused(404, 0).why.contains("'unknown' in context 'default'"), "{}", got.why);
        let whole = pbx.route(&refer_to("<sip:gw.example.com:5061;x-m=8:a:b>"), known("bob"));
        assert_eq!(whole.target, "sip:gw.example.com:5061;x-m=8:a:b");
    });
}

#[test]
fn the_context_is_transfer_context_then_the_endpoints() {
    on_both(|pbx| {
        let blind = refer_to("<sip:100@h>");
        for context in ["own", "for-transfers", "inside", "variable"] {
            pbx.extension(context, "100");
        }
        pbx.set_in("endpoint:bob", "context", "own");
        assert_eq!(pbx.route(&blind, known("bob")).context, "own");
        let inside = From { context: "inside", ..known("bob") };
        assert_eq!(pbx.route(&blind, inside).context, "inside");
        pbx.set_in("endpoint:bob", "transfer_context", "for-transfers");
        assert_eq!(pbx.route(&blind, inside).context, "for-transfers");
        *pbx.host.transfer_context.lock().unwrap() = Some("variable".into());
        let got = pbx.route(&blind, inside);
        assert_eq!(got.variable("SIPREFERRINGCONTEXT"), Some("variable"));
        *pbx.host.transfer_context.lock().unwrap() = Some("two\r\nlines".into());
        pbx.route(&blind, inside).refused(500, 0);
    });
}

#[test]
fn a_local_attended_transfer_hands_out_the_other_call() {
    on_both(|pbx| {
        first_call(&pbx);
        let second = second_call(&pbx);
        let got = pbx.route(&refer_to(SECOND), known("bob"));
        got.is(SIPXFER_VERDICT_LOCAL_ATTENDED, 9).is(SIPXFER_VERDICT_LOCAL_ATTENDED, 34);
        assert_eq!((got.dialog, got.old_dialog), (second, SIPXFER_OLD_DIALOG_BYE));
        assert_eq!((got.code, got.ground), (202, SIPXFER_GROUND_SAME_USER));
        assert_eq!(got.replaces, "second@phone;to-tag=L;from-tag=R");
    });
}

#[test]
fn r009_a_refer_needs_a_ground_for_the_dialog_that_it_names() {
    on_both(|pbx| {
        first_call(&pbx);
        second_call(&pbx);
        pbx.route(&refer_to(SECOND), known("mallory")).refused(403, 9);
        pbx.set("refer.require_auth", "no");
        pbx.route(&refer_to(SECOND), STRANGER).is(SIPXFER_VERDICT_CHALLENGE, 9);
    });
}

#[test]
fn the_dialog_that_the_refer_came_in_cannot_be_its_own_target() {
    on_both(|pbx| {
        first_call(&pbx);
        let own = "<sip:x@h?Replaces=first%40phone%3Bto-tag%3DPBX-to-bob%3Bfrom-tag%3Dbob-to-pbx>";
        let got = pbx.route(&refer_to(own), known("bob"));
        assert!(got.refused(400, 29).why.contains("the dialog that the REFER came in"));
    });
}

#[test]
fn r008_r005_r007_r013_hold_for_the_dialog_in_a_refer_too() {
    on_both(|pbx| {
        let ended = second_call(&pbx);
        pbx.end(ended);
        pbx.route(&refer_to(SECOND), known("bob")).refused(603, 8);
        second_call(&pbx);
        let early_only = SECOND.replace("DR>", "DR%3Bearly-only>");
        pbx.route(&refer_to(&early_only), known("bob")).refused(486, 13);
        second_call(&pbx);
        // Going on without it is for INVITEs: a REFER has nothing to go on with.
        pbx.set("replaces.unmatched", "continue");
        pbx.route(&refer_to(SECOND), known("bob")).refused(481, 5);
        let mut subscription = Dialog::of("bob", "sub@phone", "L", "R");
        subscription.usage = SIPXFER_USAGE_OTHER;
        pbx.dialog(subscription);
        pbx.route(&refer_to(&SECOND.replace("second", "sub")), known("bob")).refused(481, 7);
    });
}

#[test]
fn a_semi_attended_transfer_takes_over_a_ringing_call_inside() {
    on_both(|pbx| {
        // Bob called Carol, who rings. R016 is about an INVITE; inside one PBX nothing is in the way.
        pbx.dialog(Dialog::of("bob", "second@phone", "L", "R").early());
        let got = pbx.route(&refer_to(SECOND), known("bob"));
        got.is(SIPXFER_VERDICT_LOCAL_ATTENDED, 9);
        assert_eq!(got.dialog_state, SIPXFER_DIALOG_EARLY);
        assert_eq!(got.old_dialog, SIPXFER_OLD_DIALOG_REJECT);
    });
}

fn remote(pbx: &Pbx) -> Got {
    pbx.route(&refer_to(ELSEWHERE), known("bob"))
}

#[test]
fn r018_a_dialog_elsewhere_goes_through_external_replaces_with_its_variables() {
    on_both(|pbx| {
        first_call(&pbx);
        let message = refer(&format!(
            "Refer-To: {ELSEWHERE}\r\nReferred-By: <sip:bob@pbx.example>;x=\"1\r\n  2\"\r\n"
        ));
        let got = pbx.route(&message, known("bob"));
        got.is(SIPXFER_VERDICT_REMOTE_ATTENDED, 18);
        assert_eq!(got.extension, "external_replaces");
        assert_eq!(got.target, "sip:carol@b.example");
        let names: Vec<_> = got.variables.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "SIPTRANSFER",
            "SIPREFERRINGCONTEXT",
            "SIPREFERTOHDR",
            "SIPREPLACESHDR",
            "SIPREFERREDBYHDR",
        ];
        assert_eq!(names, expected);
        assert_eq!(got.variable("SIPTRANSFER"), Some("yes"));
        assert_eq!(got.variable("SIPREFERRINGCONTEXT"), Some("default"));
        assert_eq!(got.variable("SIPREFERTOHDR"), Some("sip:carol@b.example"));
        let replaces = "ABCDE;to-tag=BtoBob;from-tag=BobtoB";
        assert_eq!(got.variable("SIPREPLACESHDR"), Some(replaces));
        assert_eq!(got.variable("SIPREFERREDBYHDR"), Some("<sip:bob@pbx.example>;x=\"1 2\""));
        assert_eq!(
            got.headers,
            format!("Replaces: {replaces}\r\nReferred-By: <sip:bob@pbx.example>;x=\"1 2\"\r\n")
        );
        assert_eq!((got.dialog, got.old_dialog), (0, SIPXFER_OLD_DIALOG_NOTHING));
    });
}

#[test]
fn without_the_external_replaces_extension_a_remote_transfer_is_refused() {
    on_both(|pbx| {
        pbx.no_extensions().extension("default", "100");
        assert_eq!(remote(&pbx).refused(404, 0).setting, "remote.extension");
        pbx.extension("default", "elsewhere").set("remote.extension", "elsewhere");
        assert_eq!(remote(&pbx).extension, "elsewhere");
        *pbx.host.transfer_context.lock().unwrap() = Some("closed".into());
        remote(&pbx).refused(404, 0);
    });
}

#[test]
fn r050_referred_by_is_copied_unchanged_and_r049_two_are_400() {
    on_both(|pbx| {
        let with = |lines: &str| refer(&format!("Refer-To: <sip:100@h>\r\n{lines}"));
        let value = "\"Bob  B\" <sip:bob@h;x=y>;cid=\"2@h\";z";
        let got = pbx.route(&with(&format!("b: {value}\r\n")), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_BLIND, 0).referred_by, value);
        assert_eq!(got.headers, format!("Referred-By: {value}\r\n"));
        let two = with("Referred-By: <sip:a@h>\r\nb: <sip:b@h>\r\n");
        pbx.route(&two, known("bob")).refused(400, 49);
        let bad = pbx.route(&with("Referred-By: sip:r@h;cid=\"\"\r\n"), known("bob"));
        assert!(bad.refused(400, 49).error.is_some());
    });
}

#[test]
fn r098_a_refer_outside_a_dialog_is_routed_by_the_same_rules_where_it_is_allowed() {
    on_both(|pbx| {
        let outside = request("REFER", "", "Refer-To: <sip:100@h>\r\n");
        let got = pbx.route(&outside, known("bob"));
        assert_eq!(got.refused(403, 98).setting, "refer.outside_dialog");
        pbx.set("refer.outside_dialog", "yes");
        pbx.route(&outside, known("bob")).is(SIPXFER_VERDICT_BLIND, 95);
        let second = second_call(&pbx);
        let attended = request("REFER", "", &format!("Refer-To: {SECOND}\r\n"));
        assert_eq!(pbx.route(&attended, known("bob")).dialog, second);
    });
}

#[test]
fn r023_a_refer_that_requires_what_nobody_knows_is_420() {
    on_both(|pbx| {
        let with = |tag: &str| refer(&format!("Refer-To: <sip:100@h>\r\nRequire: {tag}\r\n"));
        let got = pbx.route(&with("multiple-refer"), known("bob"));
        assert_eq!(got.refused(420, 23).unsupported, "multiple-refer");
        pbx.route(&with("norefersub"), known("bob")).is(SIPXFER_VERDICT_BLIND, 0);
    });
}

#[test]
fn r065_require_norefersub_is_420_where_it_is_not_supported() {
    on_both(|pbx| {
        pbx.set("supported", "100rel");
        let message = refer("Refer-To: <sip:100@h>\r\nRequire: norefersub\r\n");
        let got = pbx.route(&message, known("bob"));
        assert_eq!(got.refused(420, 23).unsupported, "norefersub");
    });
}

/// No URI for explicit subscriptions (Refer-Events-At, R070) is ever handed out, so both extensions
/// are refused.
fn requires_what_is_not_supported(tag: &str) {
    on_both(|pbx| {
        let message = refer(&format!("Refer-To: <sip:100@h>\r\nRequire: {tag}\r\n"));
        assert_eq!(pbx.route(&message, known("bob")).refused(420, 23).unsupported, tag);
    });
}

#[test]
fn r070_r071_explicitsub_is_refused_with_420() {
    requires_what_is_not_supported("explicitsub");
}

#[test]
fn r072_nosub_is_refused_with_420() {
    requires_what_is_not_supported("nosub");
}

#[test]
fn r060_a_target_dialog_that_matches_nothing_is_ignored() {
    on_both(|pbx| {
        for value in ["none@h;local-tag=a;remote-tag=b", "second@phone;local-tag=R;remote-tag=L"] {
            second_call(&pbx);
            let lines = format!("Refer-To: <sip:100@h>\r\nTarget-Dialog: {value}\r\n");
            pbx.route(&refer(&lines), known("bob")).is(SIPXFER_VERDICT_BLIND, 95);
            // It opens nothing either.
            let outside = request("REFER", "", &lines);
            pbx.route(&outside, known("bob")).refused(403, 98);
        }
    });
}

#[test]
fn r095_a_device_that_writes_the_number_as_host_is_understood() {
    on_both(|pbx| {
        pbx.extension("default", "2002").extension("default", "s");
        let with = |agent: &str, uri: &str| {
            refer(&format!("Refer-To: <{uri}>\r\nUser-Agent: {agent}\r\n"))
        };
        let extension = |agent, uri| pbx.route(&with(agent, uri), known("bob")).extension;
        assert_eq!(extension("Sipdroid/2.7", "sip:2002"), "2002");
        assert_eq!(extension("Other/1", "sip:2002"), "s");
        assert_eq!(extension("Sipdroid/2.7", "sip:100@2002"), "100");
        assert_eq!(extension("Sipdroid/2.7", "sip:192.0.2.1"), "s");
    });
}

#[test]
fn r085_a_target_that_is_known_by_its_aor_must_know_replaces() {
    on_both(|pbx| {
        let with =
            |agent: &str| refer(&format!("Refer-To: {ELSEWHERE}\r\nUser-Agent: {agent}\r\n"));
        let headers = |agent| pbx.route(&with(agent), known("bob")).headers;
        let replaces = "Replaces: ABCDE;to-tag=BtoBob;from-tag=BobtoB\r\n";
        assert_eq!(headers("Grandstream GXP"), format!("{replaces}Require: replaces\r\n"));
        assert_eq!(headers("Other/1"), replaces);
    });
}

#[test]
fn r099_a_party_is_added_to_a_conference() {
    on_both(|pbx| {
        pbx.extension("default", "conference");
        let added = pbx.route(&refer_to("<sip:conference@h>"), known("bob"));
        assert_eq!(added.is(SIPXFER_VERDICT_BLIND, 95).extension, "conference");
    });
}

#[test]
fn r100_a_party_is_removed_from_a_conference() {
    on_both(|pbx| {
        pbx.set("refer.methods", "BYE");
        let removed = pbx.route(&refer_to("<sip:carol@h;method=BYE>"), known("bob"));
        assert_eq!(removed.is(SIPXFER_VERDICT_OTHER_METHOD, 35).target, "sip:carol@h");
    });
}

#[test]
fn what_is_no_refer_is_none_of_its_business() {
    on_both(|pbx| {
        pbx.route(&request("INVITE", "", ""), known("bob")).is(SIPXFER_VERDICT_NONE, 0);
    });
}

#[test]
fn a_directory_that_waits_or_fails_decides_nothing() {
    let pbx = Pbx::new(Kind::Callbacks);
    *pbx.host.find_answer.lock().unwrap() = Some(SIPXFER_E_PENDING);
    // Asking again is no REFER of its own.
    pbx.set("rate.per_endpoint", "2");
    for _ in 0..5 {
        remote(&pbx).is(SIPXFER_VERDICT_PENDING, 0);
    }
    *pbx.host.find_answer.lock().unwrap() = Some(-99);
    remote(&pbx).refused(500, 0);
}

#[test]
fn the_host_approves_before_anything_is_locked() {
    on_both(|pbx| {
        first_call(&pbx);
        second_call(&pbx);
        // `approve` fails the test where it finds a lock held.
        let got = pbx.route_locked(&refer_to(SECOND), known("bob"));
        assert!(got.is(SIPXFER_VERDICT_LOCAL_ATTENDED, 9).locked);
        *pbx.host.lock_answer.lock().unwrap() = Some(SIPXFER_E_GONE);
        pbx.route_locked(&refer_to(SECOND), known("bob")).refused(603, 8);
    });
}

#[test]
fn every_verdict_leaves_one_line_in_the_log() {
    on_both(|pbx| {
        let got = pbx.route(&refer_to("<sip:unknown@h>"), known("bob"));
        let log = pbx.log();
        assert_eq!(log.len(), 1, "{log:?}");
        assert!(log[0].starts_with(&got.why), "{log:?}");
        let about = "(Call-ID 'first@phone', endpoint 'bob', from '192.0.2.7:5060')";
        assert!(log[0].ends_with(about), "{log:?}");
    });
}
