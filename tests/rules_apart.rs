//! Conditions told from their neighbours: for each of these a rule that was changed in one place had gone
//! unnoticed (`make mutants`).

// What a C host does is unsafe from end to end.
#![allow(clippy::undocumented_unsafe_blocks, clippy::unwrap_used, clippy::indexing_slicing)]

mod common_rules;
mod sequences;

use common_rules::callbacks::Dialog;
use common_rules::messages::{invite, refer, refer_to, replaces, request};
use common_rules::{known, on_both, From, Pbx};
use sequences::host::{Consultation, Dialogs};
use sipxfer::config::Config;
use sipxfer::engine::{Engine, Received};
use sipxfer::ffi::*;
use sipxfer::sip::Scratch;
use sipxfer::transfer::{refer::full, Answer, Host, Kind, Sender};

const NAMED: &str = "call@h;to-tag=L;from-tag=R";

fn bobs_call(pbx: &Pbx) -> usize {
    pbx.dialog(Dialog::of("bob", "call@h", "L", "R"))
}

/// Where the host keeps users with their domain, a namesake of another domain consents to nothing.
#[test]
fn r010_a_referrer_with_a_domain_is_compared_with_it() {
    on_both(|pbx| {
        pbx.dialog(Dialog::of("bob@PBX.example", "call@h", "L", "R"));
        // The endpoint stands for a user that is not known, and is written the same way.
        pbx.dialog(Dialog::of("bob@pbx.example", "ours@h", "L", "R").called_by_us());
        pbx.set("replaces.authorize", "referred-by");
        pbx.set_in("endpoint:trunk", "replaces_trusted", "yes");
        for named in [NAMED, "ours@h;to-tag=L;from-tag=R"] {
            let referred = |referrer: &str| {
                let lines = format!("Replaces: {named}\r\nReferred-By: <sip:{referrer}>\r\n");
                pbx.verify(&invite(&lines), known("trunk"))
            };
            let got = referred("bob@pbx.example");
            assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 10).ground, SIPXFER_GROUND_REFERRED_BY);
            referred("bob@other.example").refused(403, 9);
            referred("alice@pbx.example").refused(403, 9);
            referred("pbx.example").refused(403, 9);
        }
    });
}

/// An endpoint stands for its user where this side called it, whoever the user is; and where nobody is
/// known behind it, whoever called.
#[test]
fn r009_an_endpoint_stands_for_who_was_called_and_for_who_is_not_known() {
    on_both(|pbx| {
        let local = SIPXFER_INITIATOR_LOCAL;
        let call = |name: &str| Dialog::of("desk", name, "L", "R");
        let was_called = Dialog { user: "bob".into(), initiator: local, ..call("called@h") };
        let is_unknown = Dialog { user: String::new(), ..call("unknown@h") };
        let has_called = Dialog { user: "bob".into(), ..call("calling@h") };
        for dialog in [was_called, is_unknown, has_called] {
            pbx.dialog(dialog);
        }
        let carol = From { endpoint: "desk", user: "carol", ..From::default() };
        let verify = |name| pbx.verify(&replaces(&format!("{name}@h;to-tag=L;from-tag=R")), carol);
        for name in ["called", "unknown"] {
            let got = verify(name);
            assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 9).ground, SIPXFER_GROUND_SAME_ENDPOINT);
        }
        verify("calling").refused(403, 9);
    });
}

#[test]
fn r023_each_line_of_require_is_read() {
    on_both(|pbx| {
        bobs_call(&pbx);
        for (lines, unsupported) in [
            ("Require: replaces\r\nRequire: x-two\r\n", "x-two"),
            ("Require: replaces\r\nRequire: 100rel\r\nRequire: x-three\r\n", "x-three"),
            ("Require: replaces\r\nRequire: x-two\r\nRequire: x-three\r\n", "x-two, x-three"),
        ] {
            let message = invite(&format!("Replaces: {NAMED}\r\n{lines}"));
            let got = pbx.verify(&message, known("bob"));
            assert_eq!(got.refused(420, 23).unsupported, unsupported);
        }
    });
}

#[test]
fn r023_tdialog_is_understood_where_a_target_dialog_can_authorize() {
    on_both(|pbx| {
        let message = refer("Refer-To: <sip:100@h>\r\nRequire: tdialog\r\n");
        pbx.set("refer.target_dialog", "any");
        pbx.route(&message, known("bob")).is(SIPXFER_VERDICT_BLIND, 95);
        pbx.set("refer.target_dialog", "no");
        let got = pbx.route(&message, known("bob"));
        assert_eq!(got.refused(420, 23).unsupported, "tdialog");
    });
}

/// Why there is no match is told apart for who reads the log.
#[test]
fn r005_r006_r008_the_reasons_for_no_match_are_told_apart() {
    on_both(|pbx| {
        let why = || pbx.verify(&replaces(NAMED), known("bob")).why;
        assert!(why().starts_with("no dialog matches Replaces"), "{}", why());
        let first = bobs_call(&pbx);
        let second = bobs_call(&pbx);
        assert!(why().starts_with("more than one dialog matches"), "{}", why());
        pbx.end(first);
        pbx.end(second);
        assert!(why().starts_with("the dialog has ended"), "{}", why());
    });
}

#[test]
fn r016_the_setting_is_named_only_where_it_let_the_call_in() {
    on_both(|pbx| {
        pbx.set("replaces.accept_early_incoming", "yes");
        bobs_call(&pbx);
        let got = pbx.verify(&replaces(NAMED), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 14).setting, "");
        pbx.dialog(Dialog::of("bob", "early@h", "L", "R").early());
        let got = pbx.verify(&replaces("early@h;to-tag=L;from-tag=R"), known("bob"));
        let setting = "replaces.accept_early_incoming";
        assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 16).setting, setting);
    });
}

/// A host that leaves the question to the settings, as one does that has no callback for it.
struct Silent;

impl Host<Consultation> for Silent {
    fn extension_exists(&self, _: &[u8], _: &[u8]) -> Answer {
        Answer::Yes
    }
}

#[test]
fn r030_an_endpoint_may_be_kept_from_transferring_where_the_host_has_no_say() {
    let engine = Engine::new([7; 16], 1);
    let mut config = Config::new();
    config.set("endpoint:bob", "allow_transfer", "no").unwrap();
    engine.apply(config.snapshot());
    for (endpoint, code, setting) in [(&b"bob"[..], 603, "allow_transfer"), (b"carol", 202, "")] {
        let raw = refer_to("<sip:100@h>");
        let sender = Sender { endpoint, user: endpoint, ..Sender::default() };
        let received = Received { raw: raw.as_bytes(), sender, now_ms: 1 };
        let mut room = vec![0; scratch_size(raw.len())];
        let mut scratch = Scratch::new(&mut room);
        let verdict = engine.route_refer(&Dialogs, &Silent, received, false, &mut scratch).unwrap();
        assert_eq!((verdict.code, verdict.setting), (code, setting));
    }
}

#[test]
fn r032_a_tel_uri_that_holds_no_plain_number_is_400() {
    on_both(|pbx| {
        pbx.set("refer.tel", "yes").extension("default", "100");
        for bad in ["tel:", "tel:;x=1", "tel:100?Subject=x", "tel:1/0", "tel:100%2c1", "tel:1@h"] {
            let got = pbx.route(&refer_to(&format!("<{bad}>")), known("bob"));
            assert_eq!((got.kind, got.code), (SIPXFER_VERDICT_REJECT, 400), "{bad}: {got:?}");
        }
        let got = pbx.route(&refer_to("<tel:(1)0-0>"), known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_BLIND, 95).extension, "100");
    });
}

/// What another side is to contact is for that side to judge.
#[test]
fn r019_a_refer_that_is_passed_on_may_name_what_cannot_be_contacted_here() {
    on_both(|pbx| {
        pbx.set_in("endpoint:trunk", "refer.mode", "pass");
        for uri in ["tel:+15105550123", "xmpp:carol@h"] {
            let message = refer_to(&format!("<{uri}>"));
            let got = pbx.route(&message, known("trunk"));
            assert_eq!(got.is(SIPXFER_VERDICT_PASS, 19).target, uri);
            pbx.route(&message, known("bob")).refused(416, 32);
        }
    });
}

#[test]
fn r035_r090_what_else_stands_beside_a_nested_refer_to_is_treated_as_ever() {
    on_both(|pbx| {
        pbx.set("refer.methods", "REFER");
        let nested = "<sip:carol@h;method=REFER?X-Own=1&Refer-To=%3Csip:conf%40h%3E&Subject=y>";
        let got = pbx.route(&refer_to(nested), known("bob"));
        got.is(SIPXFER_VERDICT_OTHER_METHOD, 35);
        assert_eq!(got.headers, "Refer-To: <sip:conf@h>\r\nSubject: y\r\n");
        assert_eq!(got.dropped, "X-Own");
        let got = pbx.route(&refer_to("<sip:100@h?Refer-To=sip:a%40h&Subject=y>"), known("bob"));
        got.is(SIPXFER_VERDICT_BLIND, 91);
        assert_eq!((got.headers.as_str(), got.dropped.as_str()), ("Subject: y\r\n", "Refer-To"));
    });
}

#[test]
fn r093_what_is_wrong_inside_a_header_of_the_uri_is_told_with_its_place() {
    on_both(|pbx| {
        let error = |uri: &str| {
            let message = refer_to(uri);
            let got = pbx.route(&message, known("bob"));
            let (what, offset, rule) = got.refused(400, 93).error.clone().unwrap();
            assert_eq!(rule, 93);
            (what, message.get(offset..).unwrap_or_default().to_owned())
        };
        for name in ["X%01Y", "X%7fY", "X%3aY", "X%20Y", "%1fX", "X%3a"] {
            let (what, rest) = error(&format!("<sip:100@h?A=b&{name}=17&B=c>"));
            let there = rest.starts_with("17&B");
            assert!(there && what == "expected a header name", "{name}: {what} at {rest}");
        }
        for value in ["ab%01c", "%1f", "a%0b", "%61%7f"] {
            let (what, rest) = error(&format!("<sip:100@h?A=b&Subject={value}&B=c>"));
            let at = value.rfind('%').unwrap();
            let there = rest.starts_with(&value[at..]);
            assert!(there && what == "expected no control character", "{value}: {what} at {rest}");
        }
        for breaks in ["X%0dY=1", "%0aX=1", "X%00=1", "X=ab%0dc", "X=%0a", "X=1%00"] {
            let (what, rest) = error(&format!("<sip:100@h?A=b&{breaks}>"));
            let at = breaks.find('%').unwrap();
            let there = rest.starts_with(&breaks[at..]);
            assert!(there && what == "expected no CR, LF or NUL", "{breaks}: {what} at {rest}");
        }
    });
}

#[test]
fn r102_what_is_wrong_inside_a_join_of_the_uri_is_told_with_its_place() {
    on_both(|pbx| {
        let message = refer_to("<sip:100@h?Subject=x&Join=a%40b%3Bto-tag%3D1%3Bfrom=tag%3D2>");
        let got = pbx.route(&message, known("bob"));
        let (_, offset, rule) = got.refused(400, 102).error.clone().unwrap();
        assert_eq!((rule, &message[offset..offset + 5]), (102, "%3D2>"), "{got:?}");
    });
}

#[test]
fn r095_a_target_without_a_user_part_is_told_from_a_user_of_that_name() {
    on_both(|pbx| {
        pbx.extension("default", "s");
        let why = |uri: &str| {
            let got = pbx.route(&refer_to(uri), known("bob"));
            got.is(SIPXFER_VERDICT_BLIND, 95).why.clone()
        };
        let by_s = "without a user part, by extension s";
        assert!(why("<sip:gw.example.com>").contains(by_s));
        assert!(!why("<sip:s@gw.example.com>").contains(by_s));
        assert!(!why("<sip:100@h>").contains(by_s));
    });
}

/// Outside of a call nothing but the settings says that a REFER is welcome.
#[test]
fn r098_a_refer_outside_of_a_call_is_refused_unless_allowed() {
    on_both(|pbx| {
        let outside = request("REFER", "", "Refer-To: <sip:100@h>\r\n");
        pbx.route(&outside, known("bob")).refused(403, 98);
        pbx.set_in("endpoint:bob", "refer.outside_dialog", "yes");
        pbx.route(&outside, known("bob")).is(SIPXFER_VERDICT_BLIND, 98);
        pbx.route(&outside, known("carol")).refused(403, 98);
    });
}

/// The quick way of reading a Replaces takes what the grammar takes, and nothing else.
#[test]
fn r020_a_call_id_is_checked_on_both_sides_of_its_at() {
    on_both(|pbx| {
        for call_id in
            ["a b@h", "a@h b", "a,b@h", "a@h,b", "a@", "@h", "a@b@h", "\u{e4}@h", "a@\u{e4}"]
        {
            let named = replaces(&format!("{call_id};to-tag=L;from-tag=R"));
            pbx.verify(&named, known("bob")).refused(400, 0);
        }
        for call_id in ["call@h", "c<a>\"l\"l@h", "call", "c@[::1]"] {
            pbx.dialog(Dialog::of("bob", call_id, "L", "R"));
            for tags in ["to-tag=L;from-tag=R", "from-tag=R;to-tag=L", "From-Tag=r;TO-TAG=l"] {
                let got = pbx.verify(&replaces(&format!("{call_id};{tags}")), known("bob"));
                got.is(SIPXFER_VERDICT_ACCEPT, 14);
            }
            for tags in ["to-tag=L", "from-tag=R", "to-tag=L;to-tag=R", "from-tag=L;from-tag=R"] {
                let named = replaces(&format!("{call_id};{tags}"));
                pbx.verify(&named, known("bob")).refused(400, 20);
            }
        }
    });
}

#[test]
fn there_is_no_room_for_another_transfer_and_that_is_503() {
    let snapshot = Config::new().snapshot();
    let mut room = [0; 1024];
    let mut scratch = Scratch::new(&mut room);
    let verdict = full::<Consultation>(snapshot.of(b""), &mut scratch).unwrap();
    assert_eq!((verdict.kind, verdict.code), (Kind::Reject, 503));
    assert_eq!(verdict.why, b"there is no room for another transfer");
}
