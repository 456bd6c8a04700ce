//! What real phones and gateways send: each line of the rules' table is a case here, through the C
//! functions. And what is never sent: the sending side of RFC 3891 section 4 and 5.

// A test may fail loudly, and what a C host does is unsafe from end to end.
#![allow(clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::multiple_unsafe_ops_per_block)]

mod common_rules;

use common_rules::callbacks::Dialog;
use common_rules::messages::{refer, refer_to, replaces};
use common_rules::{known, on_both, text, Kind, Pbx};
use sipxfer::ffi::*;
use std::ffi::{c_char, c_void};

type Parts = (&'static str, &'static str, &'static str);

/// Routes a Refer-To that names a dialog elsewhere and answers the Replaces of the triggered INVITE.
fn triggered(value: &str) -> (String, Vec<String>) {
    let pbx = Pbx::new(Kind::Own);
    let got = pbx.route(&refer_to(value), known("bob"));
    got.is(SIPXFER_VERDICT_REMOTE_ATTENDED, 18);
    assert!(got.headers.starts_with(&format!("Replaces: {}\r\n", got.replaces)), "{got:?}");
    (got.replaces, pbx.log())
}

#[test]
fn every_way_to_write_a_replaces_in_a_refer_to_is_read() {
    for (value, expected) in [
        (
            "<sip:d@h?Replaces=12345%40192.0.2.3%3Bto-tag%3D1%3Bfrom-tag%3D5FFE-3994>",
            "12345@192.0.2.3;to-tag=1;from-tag=5FFE-3994",
        ),
        ("<sip:d@h?Replaces=a%40b%3bfrom-tag%3dY%3bto-tag%3dX>", "a@b;to-tag=X;from-tag=Y"),
        (
            "<sip:c@h?Replaces=abc@192.0.2.1%3Bto-tag%3D1%3Bfrom-tag%3D2>",
            "abc@192.0.2.1;to-tag=1;from-tag=2",
        ),
        ("<sip:c@h?Replaces=cid;to-tag=x;from-tag=y>", "cid;to-tag=x;from-tag=y"),
        (
            "sip:1@h;user=phone?Replaces=L%3Bto-tag%3D1%3Bfrom-tag%3DC4&Require=replaces",
            "L;to-tag=1;from-tag=C4",
        ),
        ("\"Jane\" <sip:c@h?Replaces=cid%3Bto-tag%3D1%3Bfrom-tag%3D2>", "cid;to-tag=1;from-tag=2"),
        (
            "<sip:c@h?Require=replaces&Replaces=cid%3Bto-tag%3D1%3Bfrom-tag%3D2>",
            "cid;to-tag=1;from-tag=2",
        ),
        ("<sip:c@h?replaces=cid%3Bto-tag%3D1%3Bfrom-tag%3D2>", "cid;to-tag=1;from-tag=2"),
        (
            "<sip:c@h?Replaces=cid%3Bto-tag%3D123+456%3Bfrom-tag%3D1>",
            "cid;to-tag=123+456;from-tag=1",
        ),
        (
            "<sip:c@h?Replaces=cid%3Bto-tag%3D1%3Bfrom-tag%3D2%3Bearly-only%3Bfoo%3Dbar>",
            "cid;to-tag=1;from-tag=2;early-only;foo=bar",
        ),
        (
            "<sip:carol@server_b.com?Replaces=ABCDE%3Bto-tag%3DBtoBob%3Bfrom-tag%3DBobtoB>",
            "ABCDE;to-tag=BtoBob;from-tag=BobtoB",
        ),
    ] {
        assert_eq!(triggered(value).0, expected, "{value}");
    }
}

#[test]
fn replaces_as_a_uri_parameter_is_accepted_and_logged() {
    let value = "<sip:100@h;Replaces=cid%3Bto-tag%3D1%3Bfrom-tag%3D2>";
    let (replaces, log) = triggered(value);
    assert_eq!(replaces, "cid;to-tag=1;from-tag=2");
    assert!(log.iter().any(|line| line.contains("as a parameter")), "{log:?}");
}

#[test]
fn r020_what_is_no_replaces_is_400_and_says_where() {
    let pbx = Pbx::new(Kind::Own);
    for (value, marker, what) in [
        ("<sip:c@h?Replaces=cid>", ">", "to-tag"),
        ("<sip:c@h?Replaces=cid%3Bto-tag%3D%3Bfrom-tag%3DX>", "to-tag", "value for to-tag"),
        (
            "<sip:c@h?Replaces=12345678,to-tag=7744;from-tag=5693>",
            ",to-tag",
            "\";\" after the Call-ID",
        ),
        (
            "<sip:carol@server_b.com?Replaces=ABCDE%3Bto-tag%3DBtoBobfrom-tag%3DBobtoB>",
            "from-tag",
            "\";\" before from-tag",
        ),
    ] {
        let message = refer_to(value);
        let got = pbx.route(&message, known("bob"));
        let (said, offset, _) = got.refused(400, 20).error.clone().unwrap();
        let expected = message.find(value).unwrap() + value.find(marker).unwrap();
        assert_eq!(offset, expected, "{value}: {said}");
        assert!(said.contains(what), "{value}: {said}");
        assert!(got.why.contains(&format!("at byte {expected}")), "{}", got.why);
    }
}

#[test]
fn a_target_without_user_part_is_the_whole_uri() {
    let pbx = Pbx::new(Kind::Own);
    pbx.extension("default", "s");
    let line = "REFER-TO: <sip:gw.example.com:5061;transport=tls;x-m=8:orgid:GUID>\r\n";
    let got = pbx.route(&refer(line), known("bob"));
    got.is(SIPXFER_VERDICT_BLIND, 95);
    assert_eq!(got.target, "sip:gw.example.com:5061;transport=tls;x-m=8:orgid:GUID");
}

#[test]
fn a_comma_in_a_parameter_is_data() {
    let pbx = Pbx::new(Kind::Own);
    pbx.extension("default", "1");
    let got = pbx.route(&refer_to("<sip:1@h;a=b,c=d>"), known("bob"));
    assert_eq!(got.variable("SIPREFERTOHDR"), Some("sip:1@h;a=b,c=d"));
}

#[test]
fn r032_tel_and_http_are_416_and_r035_bye_is_refused() {
    let pbx = Pbx::new(Kind::Own);
    pbx.route(&refer_to("<tel:+15105550123>"), known("bob")).refused(416, 32);
    pbx.route(&refer_to("<http://h/>"), known("bob")).refused(416, 32);
    pbx.route(&refer_to("<sip:c@h;method=BYE>"), known("bob")).refused(403, 35);
}

#[test]
fn r049_a_cid_behind_a_uri_without_brackets_is_the_headers() {
    let value = "sip:r@h;cid=\"2U@h\"";
    let mut out: sipxfer_referred_by = unsafe { std::mem::zeroed() };
    out.struct_size = size_of::<sipxfer_referred_by>();
    let (from, len) = (value.as_ptr().cast(), value.len());
    let status = unsafe { sipxfer_referred_by_parse(from, len, &mut out, std::ptr::null_mut()) };
    assert_eq!((status, text(out.uri).as_str(), text(out.cid).as_str()), (0, "sip:r@h", "2U@h"));
}

#[test]
fn r041_a_sipfrag_with_lf_or_no_line_end_is_read_and_never_sent() {
    for body in ["SIP/2.0 200 OK\n", "SIP/2.0 200 OK", "SIP/2.0 200 OK\r\n"] {
        let mut out: sipxfer_sipfrag = unsafe { std::mem::zeroed() };
        out.struct_size = size_of::<sipxfer_sipfrag>();
        let (from, len) = (body.as_ptr().cast(), body.len());
        let status = unsafe { sipxfer_sipfrag_parse(from, len, &mut out, std::ptr::null_mut()) };
        assert_eq!((status, out.code, text(out.reason).as_str()), (0, 200, "OK"), "{body:?}");
    }
    let sent = printed(|to, room, needed| unsafe {
        sipxfer_sipfrag_print(603, std::ptr::null(), 0, to, room, needed)
    });
    assert_eq!(sent, "SIP/2.0 603 Decline\r\n");
}

#[test]
fn r026_right_call_id_and_wrong_tags_are_481() {
    on_both(|pbx| {
        pbx.dialog(Dialog::of("bob", "call@h", "L", "R"));
        pbx.verify(&replaces("call@h;to-tag=L;from-tag=x"), known("bob")).refused(481, 6);
        pbx.verify(&replaces("call@h;to-tag=x;from-tag=R"), known("bob")).refused(481, 6);
    });
}

/// What a printing function of the header prints.
fn printed(print: impl Fn(*mut c_char, usize, *mut usize) -> i32) -> String {
    let mut needed = 0;
    let status = print(std::ptr::null_mut(), 0, &mut needed);
    assert_eq!(status, SIPXFER_E_BUFFER);
    let mut buffer = vec![0_u8; needed];
    let status = print(buffer.as_mut_ptr().cast(), buffer.len(), &mut needed);
    assert_eq!((status, needed), (SIPXFER_OK, buffer.len()));
    String::from_utf8(buffer).unwrap()
}

fn replaces_of((call_id, to_tag, from_tag): Parts, params: &'static str) -> sipxfer_replaces {
    let part = |text: &'static str| sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() };
    sipxfer_replaces {
        struct_size: size_of::<sipxfer_replaces>(),
        call_id: part(call_id),
        to_tag: part(to_tag),
        from_tag: part(from_tag),
        params: part(params),
        early_only: 0,
        reserved: 0,
    }
}

fn target(replaces: &sipxfer_replaces, state: u32, initiator: u32) -> sipxfer_refer_to_target {
    let uri = "sip:carol@192.0.2.9;transport=tcp";
    sipxfer_refer_to_target {
        struct_size: size_of::<sipxfer_refer_to_target>(),
        uri: sipxfer_str { ptr: uri.as_ptr().cast(), len: uri.len() },
        replaces,
        dialog_state: state,
        dialog_initiator: initiator,
        require_replaces: 1,
        reserved: 0,
    }
}

#[test]
fn r017_an_early_dialog_that_the_target_did_not_begin_is_never_asked_for() {
    let named = replaces_of(("a@b", "T", "F"), "");
    let early = SIPXFER_DIALOG_EARLY;
    let refused = target(&named, early, SIPXFER_INITIATOR_LOCAL);
    let mut needed = 0;
    let build = |target: &sipxfer_refer_to_target, needed: &mut usize| unsafe {
        sipxfer_refer_to_build(target, std::ptr::null_mut(), 0, needed)
    };
    assert_eq!(build(&refused, &mut needed), SIPXFER_E_NOT_ALLOWED);
    let theirs = target(&named, early, SIPXFER_INITIATOR_REMOTE);
    let confirmed = target(&named, SIPXFER_DIALOG_CONFIRMED, SIPXFER_INITIATOR_LOCAL);
    let ended = target(&named, SIPXFER_DIALOG_TERMINATED, SIPXFER_INITIATOR_REMOTE);
    assert_eq!(build(&ended, &mut needed), SIPXFER_E_NOT_ALLOWED);
    for (state, initiator) in [(0, 0), (early, 0), (4, 1), (SIPXFER_DIALOG_CONFIRMED, 3)] {
        assert_eq!(build(&target(&named, state, initiator), &mut needed), SIPXFER_E_RANGE);
    }
    for allowed in [theirs, confirmed] {
        let value = printed(|to, room, needed| unsafe {
            sipxfer_refer_to_build(&allowed, to, room, needed)
        });
        let expected =
            "<sip:carol@192.0.2.9;transport=tcp?Replaces=a%40b%3Bto-tag%3DT%3Bfrom-tag%3DF\
                        &Require=replaces>";
        assert_eq!(value, expected);
    }
    let mut lines: sipxfer_invite_headers = unsafe { std::mem::zeroed() };
    lines.struct_size = size_of::<sipxfer_invite_headers>();
    lines.replaces = &named;
    lines.dialog_state = early;
    lines.dialog_initiator = SIPXFER_INITIATOR_LOCAL;
    lines.require_replaces = 1;
    let status =
        unsafe { sipxfer_invite_headers_build(&lines, std::ptr::null_mut(), 0, &mut needed) };
    assert_eq!(status, SIPXFER_E_NOT_ALLOWED);
    lines.dialog_initiator = SIPXFER_INITIATOR_REMOTE;
    let built = printed(|to, room, needed| unsafe {
        sipxfer_invite_headers_build(&lines, to, room, needed)
    });
    assert_eq!(built, "Replaces: a@b;to-tag=T;from-tag=F\r\nRequire: replaces\r\n");
}

unsafe extern "C" fn peer_leg(
    user: *mut c_void,
    key: *const sipxfer_dialog_key,
    peer: *mut sipxfer_dialog_key,
) -> i32 {
    let (asked, peer) = unsafe { (&*key, &mut *peer) };
    let expected: Parts = unsafe { *user.cast::<Parts>() };
    let key = (text(asked.call_id), text(asked.local_tag), text(asked.remote_tag));
    if key != (expected.0.into(), expected.1.into(), expected.2.into()) {
        return SIPXFER_E_NOT_FOUND;
    }
    let part = |text: &'static str| sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() };
    peer.call_id = part("other@leg");
    peer.local_tag = part("peer");
    peer.remote_tag = part("us");
    SIPXFER_OK
}

#[test]
fn r019_a_b2bua_maps_the_dialog_of_one_leg_to_that_of_the_other() {
    let expected: Parts = ("a@b", "L", "R");
    let user: *mut c_void = std::ptr::from_ref(&expected).cast_mut().cast();
    let map = |value: &str, to, room, needed| unsafe {
        let (from, len) = (value.as_ptr().cast(), value.len());
        sipxfer_map_replaces(
            from,
            len,
            Some(peer_leg),
            user,
            to,
            room,
            needed,
            std::ptr::null_mut(),
        )
    };
    let mapped =
        printed(|to, room, needed| map("a@b;from-tag=R;x=y;to-tag=L;early-only", to, room, needed));
    assert_eq!(mapped, "other@leg;to-tag=peer;from-tag=us;early-only;x=y");
    let mut needed = 0;
    let unknown = map("a@b;to-tag=R;from-tag=L", std::ptr::null_mut(), 0, &mut needed);
    assert_eq!(unknown, SIPXFER_E_NOT_FOUND);
    let broken = map("a@b;to-tag=R", std::ptr::null_mut(), 0, &mut needed);
    assert_eq!(broken, SIPXFER_E_PARSE);
}

#[test]
fn r022_unknown_parameters_are_kept_and_what_could_break_out_is_refused() {
    let named = replaces_of(("a@b", "T", "F"), "x=y;to-tag=other;flag;z=\"q;r\"");
    let value =
        printed(|to, room, needed| unsafe { sipxfer_replaces_print(&named, to, room, needed) });
    assert_eq!(value, "a@b;to-tag=T;from-tag=F;x=y;flag;z=\"q;r\"");
    for (parts, params) in [
        (("a b", "T", "F"), ""),
        (("a@b", "T;x", "F"), ""),
        (("a@b", "T", ""), ""),
        (("a\r\n", "T", "F"), ""),
        (("a@b", "T", "F"), "x=y\r\nVia: z"),
        (("a@b", "T", "F"), "x=<y>"),
    ] {
        let named = replaces_of(parts, params);
        let mut needed = 0;
        let status =
            unsafe { sipxfer_replaces_print(&named, std::ptr::null_mut(), 0, &mut needed) };
        assert_eq!(status, SIPXFER_E_PARSE, "{parts:?} {params:?}");
    }
}
