//! Calls that are parked on another node of a cluster, and early ones that ring there: found by token or by
//! dialog, and had by whom the rules let, on a virtual clock and on both kinds of directory.

// What a C host does is unsafe from end to end.
#![allow(clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod common_rules;

use common_rules::callbacks::{Asked, Dialog};
use common_rules::messages::{invite, refer_to, replaces};
use common_rules::{known, Got, Kind, Pbx, STRANGER};
use sipxfer::ffi::*;
use std::ptr::null;

const SECRET: &str = "onuxq5dfmvxcaytzorsxgijbee";
const OTHER_SECRET: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
const NODE_URI: &str = "sip:replaces@192.0.2.22:5060";
/// Alice waits in the other node's lot.
const ALICE: [&str; 3] = ["held@alice", "L", "R"];

fn on_both(test: impl Fn(Pbx)) {
    for kind in [Kind::Callbacks, Kind::Own] {
        println!("directory: {kind:?}");
        test(Pbx::clustered(kind));
    }
}

fn str_of(text: &str) -> sipxfer_str {
    sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() }
}

/// Alice's call there, found by its token.
fn parked(how: u32) -> sipxfer_remote_dialog {
    let [call_id, local_tag, remote_tag] = ALICE.map(str_of);
    sipxfer_remote_dialog { parked: how, call_id, local_tag, remote_tag, ..by_dialog(how) }
}

/// The same, found by its dialog only.
fn by_dialog(how: u32) -> sipxfer_remote_dialog {
    sipxfer_remote_dialog {
        struct_size: size_of::<sipxfer_remote_dialog>(),
        node: str_of("node-b"),
        uri: str_of(NODE_URI),
        user: str_of("alice"),
        endpoint: str_of("alice-phone"),
        state: SIPXFER_DIALOG_CONFIRMED,
        initiator: SIPXFER_INITIATOR_REMOTE,
        secure: 0,
        reserved: 0,
        parked: how,
        reserved2: 0,
        call_id: str_of(""),
        local_tag: str_of(""),
        remote_tag: str_of(""),
    }
}

#[track_caller]
fn answer(pbx: &Pbx, got: &Got, dialog: Option<sipxfer_remote_dialog>) {
    assert_eq!((got.kind, got.code), (SIPXFER_VERDICT_PENDING, 0), "{got:?}");
    let (status, at) = match &dialog {
        Some(dialog) => (SIPXFER_OK, std::ptr::from_ref(dialog)),
        None => (SIPXFER_E_NOT_FOUND, null()),
    };
    let done = unsafe { sipxfer_lookup_resume(pbx.engine, got.lookup, status, at, pbx.now_ms) };
    assert_eq!(done, SIPXFER_OK);
}

fn tokens(pbx: &Pbx) -> Vec<String> {
    pbx.host.looked_up_tokens.lock().unwrap().clone()
}

fn named(token: &str) -> String {
    let [call_id, local, remote] = ALICE;
    let token = if token.is_empty() { String::new() } else { format!(";token={token}") };
    format!("{call_id};to-tag={local};from-tag={remote}{token}")
}

#[test]
fn r096_a_call_that_is_parked_on_another_node_is_found_by_what_was_dialled_here() {
    on_both(|pbx| {
        let dialled = invite("");
        let ask = || pbx.find_parked(&dialled, &SECRET.to_uppercase(), known("carol"));
        answer(&pbx, &ask(), Some(parked(SIPXFER_PARKED_SECRET)));
        assert_eq!(tokens(&pbx), [SECRET]);
        assert_eq!(pbx.host.lookups.lock().unwrap()[0].1, ";;", "by the token alone");
        let got = ask();
        got.is(SIPXFER_VERDICT_REMOTE_NODE, 96).is(SIPXFER_VERDICT_REMOTE_NODE, 9);
        assert_eq!((got.code, got.ground), (302, SIPXFER_GROUND_TOKEN));
        assert_eq!((got.node.as_str(), got.target.as_str()), ("node-b", NODE_URI));
        assert_eq!((got.method.as_str(), got.replaces), ("INVITE", named(SECRET)));
        assert_eq!(got.headers, format!("Replaces: {}\r\n", named(SECRET)));
        // A phone that is sent there itself has no other way to learn what to replace.
        let contact =
            "\r\nContact: <sip:replaces@192.0.2.22:5060?Replaces=held%40alice%3Bto-tag%3DL";
        assert!(got.response.contains(contact), "{}", got.response);
        assert_eq!(tokens(&pbx).len(), 1, "asked for once");
    });
}

#[test]
fn r009_a_number_is_a_ground_only_where_the_lot_is_open_to_the_sender() {
    on_both(|pbx| {
        let ask = |who| pbx.find_parked(&invite(""), "0701", known(who));
        answer(&pbx, &ask("carol"), Some(parked(SIPXFER_PARKED_NUMBER)));
        assert_eq!(tokens(&pbx), ["701"]);
        let refused = ask("carol");
        refused.refused(403, 9);
        assert!(!refused.response.contains("192.0.2.22") && refused.replaces.is_empty());
        // Who waits may have its own call, and a peer that is trusted any.
        assert_eq!(ask("alice").ground, SIPXFER_GROUND_SAME_USER);
        pbx.set_in("endpoint:carol", "park.open", "yes");
        let got = ask("carol");
        assert_eq!(got.is(SIPXFER_VERDICT_REMOTE_NODE, 96).ground, SIPXFER_GROUND_TOKEN);
        assert_eq!(got.replaces, named("701"));
        pbx.set("replaces.authorize", "same-user");
        ask("carol").refused(403, 9);
    });
}

#[test]
fn r096_a_call_that_is_parked_here_is_asked_for_nowhere_else_and_nobody_asks_for_nobody() {
    on_both(|pbx| {
        let here = Dialog::of("alice", "held@alice", "L", "R");
        let token = pbx.park(&here, SIPXFER_PARK_NUMBER, 701).unwrap();
        pbx.find_parked(&invite(""), &token, known("carol")).is(SIPXFER_VERDICT_NONE, 96);
        pbx.find_parked(&invite(""), "702", STRANGER).refused(404, 96);
        assert!(pbx.host.lookups.lock().unwrap().is_empty());
        answer(&pbx, &pbx.find_parked(&invite(""), "702", known("carol")), None);
        pbx.find_parked(&invite(""), "702", known("carol")).refused(404, 96);
        // One answer at a time is held for each token.
        answer(&pbx, &pbx.find_parked(&invite(""), SECRET, known("carol")), None);
        pbx.find_parked(&invite(""), SECRET, known("carol")).refused(404, 96);
        assert_eq!(tokens(&pbx), ["702", SECRET]);
    });
    let alone = Pbx::new(Kind::Own);
    alone.find_parked(&invite(""), "702", known("carol")).refused(404, 96);
    let (mut verdict, request) = (unsafe { std::mem::zeroed() }, unsafe { std::mem::zeroed() });
    let (token, room) = (c"7o1".as_ptr(), std::ptr::null_mut());
    let status =
        unsafe { sipxfer_park_find(alone.engine, &request, token, 3, room, 0, &mut verdict) };
    assert_eq!(status, SIPXFER_E_PARSE);
}

#[test]
fn r009_the_token_in_a_replaces_is_a_ground_for_a_call_of_another_node_too() {
    on_both(|pbx| {
        let invite = replaces(&named(SECRET));
        answer(&pbx, &pbx.verify(&invite, known("carol")), Some(parked(SIPXFER_PARKED_SECRET)));
        let got = pbx.verify(&invite, known("carol"));
        got.is(SIPXFER_VERDICT_REMOTE_NODE, 96);
        assert_eq!((got.ground, got.replaces), (SIPXFER_GROUND_TOKEN, named(SECRET)));
        assert!(!got.response.contains("?Replaces="), "who named it says it again by itself");
        assert_eq!(pbx.host.lookups.lock().unwrap()[0].1, "held@alice;L;R", "by both");
        // A REFER that hands the call on takes the token along.
        let value = named(SECRET).replace('@', "%40").replace(';', "%3B").replace('=', "%3D");
        let refer = refer_to(&format!("<sip:701@balancer.example?Replaces={value}>"));
        let got = pbx.route(&refer, known("carol"));
        got.is(SIPXFER_VERDICT_REMOTE_NODE, 96);
        assert_eq!(got.variable("SIPREFERTOHDR"), Some(NODE_URI));
        assert_eq!(got.variable("SIPTRANSFERNODE"), Some("node-b"));
        assert_eq!(got.variable("SIPREPLACESHDR"), Some(named(SECRET).as_str()));
        assert_eq!(tokens(&pbx).len(), 1);
    });
}

#[test]
fn r009_a_token_that_is_wrong_is_no_better_than_none() {
    on_both(|pbx| {
        pbx.set("park.open", "yes");
        let refused = |token: &str, told: sipxfer_remote_dialog| {
            let invite = replaces(&named(token));
            answer(&pbx, &pbx.verify(&invite, known("carol")), Some(told));
            pbx.verify(&invite, known("carol")).refused(403, 9);
        };
        // The node that has the dialog does not have it under this token.
        refused(OTHER_SECRET, by_dialog(SIPXFER_PARKED_SECRET));
        refused("702", by_dialog(SIPXFER_PARKED_NUMBER));
        refused("", by_dialog(SIPXFER_PARKED_SECRET));
        // A directory that errs: that token is of another call.
        let other =
            sipxfer_remote_dialog { call_id: str_of("other@h"), ..parked(SIPXFER_PARKED_SECRET) };
        refused(SECRET, other);
        // The right answer to one who shows the token is none to who does not.
        let right = parked(SIPXFER_PARKED_NUMBER);
        let shown = replaces(&named("701"));
        answer(&pbx, &pbx.verify(&shown, known("carol")), Some(right));
        pbx.verify(&shown, known("carol")).is(SIPXFER_VERDICT_REMOTE_NODE, 96);
        pbx.verify(&replaces(&named("702")), known("carol")).refused(403, 9);
    });
    // A phone that watches the lot names the dialog without a token.
    let pbx = Pbx::clustered(Kind::Own);
    let watching = replaces(&named(""));
    answer(&pbx, &pbx.verify(&watching, known("carol")), Some(by_dialog(SIPXFER_PARKED_NUMBER)));
    pbx.verify(&watching, known("carol")).refused(403, 9);
    pbx.set("park.open", "yes");
    pbx.verify(&watching, known("carol")).is(SIPXFER_VERDICT_REMOTE_NODE, 96);
}

#[test]
fn r097_a_call_that_rings_on_another_node_is_picked_up_where_the_host_says_so() {
    on_both(|pbx| {
        // Node B rings Dave; Carol, of the same pickup group, is registered here.
        let rings = sipxfer_remote_dialog {
            user: str_of(""),
            endpoint: str_of("dave-phone"),
            state: SIPXFER_DIALOG_EARLY,
            initiator: SIPXFER_INITIATOR_LOCAL,
            ..by_dialog(SIPXFER_PARKED_NO)
        };
        let pickup = replaces(&format!("{};early-only", named("")));
        answer(&pbx, &pbx.verify(&pickup, known("carol")), Some(rings));
        pbx.verify(&pickup, known("carol")).refused(403, 9);
        let asked = Asked::AuthorizeRemote("node-b".to_owned(), "dave-phone".to_owned());
        assert!(pbx.asked().contains(&asked), "{:?}", pbx.asked());
        *pbx.host.authorize_remote.lock().unwrap() = Some(SIPXFER_YES);
        let got = pbx.verify(&pickup, known("carol"));
        assert_eq!(got.is(SIPXFER_VERDICT_REMOTE_NODE, 9).ground, SIPXFER_GROUND_HOST);
        assert_eq!((got.target.as_str(), got.early_only), (NODE_URI, true));
        assert!(got.replaces.ends_with(";early-only"), "{}", got.replaces);
        // Dave's own second phone needs nobody's word; nobody is asked for a stranger.
        let before = pbx.asked().len();
        assert_eq!(pbx.verify(&pickup, known("dave-phone")).ground, SIPXFER_GROUND_SAME_ENDPOINT);
        pbx.verify(&pickup, STRANGER).refused(481, 6);
        assert!(!pbx.asked()[before..].contains(&asked));
        pbx.set("replaces.authorize", "same-user");
        pbx.verify(&pickup, known("carol")).refused(403, 9);
        pbx.set("replaces.authorize", "host");
        *pbx.host.authorize_remote.lock().unwrap() = Some(-99);
        pbx.verify(&pickup, known("carol")).refused(500, 0);
    });
}
