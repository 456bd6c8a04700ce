//! Dialogs that live on another node of a cluster: lookups that are pending, and what follows from their
//! answers, on a virtual clock and on both kinds of directory.

// What a C host does is unsafe from end to end.
#![allow(clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod common_rules;

use common_rules::callbacks::{Asked, Dialog};
use common_rules::messages::{refer_to, replaces, request};
use common_rules::outputs::Out;
use common_rules::{known, Got, Kind, Pbx, STRANGER};
use sipxfer::ffi::*;
use std::ptr::null;

const NAMED: &str = "second@phone;to-tag=L;from-tag=R";
const ATTENDED: &str =
    "<sip:carol@balancer.example?Replaces=second%40phone%3Bto-tag%3DL%3Bfrom-tag%3DR>";
const NODE_URI: &str = "sip:replaces@192.0.2.22:5060";

fn on_both(test: impl Fn(Pbx)) {
    for kind in [Kind::Callbacks, Kind::Own] {
        println!("directory: {kind:?}");
        test(Pbx::clustered(kind));
    }
}

fn str_of(text: &str) -> sipxfer_str {
    sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() }
}

/// Bob's call on the other node.
fn remote(user: &'static str) -> sipxfer_remote_dialog {
    sipxfer_remote_dialog {
        struct_size: size_of::<sipxfer_remote_dialog>(),
        node: str_of("node-b"),
        uri: str_of(NODE_URI),
        user: str_of(user),
        endpoint: str_of("bob-phone"),
        state: SIPXFER_DIALOG_CONFIRMED,
        initiator: SIPXFER_INITIATOR_REMOTE,
        secure: 0,
        reserved: 0,
        parked: SIPXFER_PARKED_NO,
        reserved2: 0,
        call_id: str_of(""),
        local_tag: str_of(""),
        remote_tag: str_of(""),
    }
}

fn resume_with(pbx: &Pbx, lookup: u64, status: i32, dialog: *const sipxfer_remote_dialog) -> i32 {
    unsafe { sipxfer_lookup_resume(pbx.engine, lookup, status, dialog, pbx.now_ms) }
}

fn found(pbx: &Pbx, lookup: u64, dialog: sipxfer_remote_dialog) {
    assert_eq!(resume_with(pbx, lookup, SIPXFER_OK, &dialog), SIPXFER_OK);
}

fn lookups(pbx: &Pbx) -> usize {
    let mut count = 0;
    assert_eq!(unsafe { sipxfer_lookup_count(pbx.engine, &mut count) }, SIPXFER_OK);
    count
}

/// The lookup that a verdict waits for.
#[track_caller]
fn pending(got: &Got) -> u64 {
    got.is(SIPXFER_VERDICT_PENDING, 0);
    assert_ne!(got.lookup, 0);
    got.lookup
}

#[test]
fn r018_a_refer_to_a_dialog_of_another_node_goes_to_that_node() {
    on_both(|pbx| {
        let lookup = pending(&pbx.route(&refer_to(ATTENDED), known("bob")));
        assert_eq!(*pbx.host.lookups.lock().unwrap(), [(lookup, "second@phone;L;R".to_owned())]);
        assert_eq!((lookups(&pbx), pbx.next_deadline()), (1, pbx.now_ms + 200));
        found(&pbx, lookup, remote("bob"));
        assert_eq!((lookups(&pbx), pbx.host.over.lock().unwrap().as_slice()), (0, &[lookup][..]));
        let got = pbx.route(&refer_to(ATTENDED), known("bob"));
        got.is(SIPXFER_VERDICT_REMOTE_NODE, 18).is(SIPXFER_VERDICT_REMOTE_NODE, 9);
        assert_eq!((got.code, got.node.as_str(), got.dialog), (202, "node-b", 0));
        assert!(got.why.starts_with("the dialog in Refer-To is on another node"), "{}", got.why);
        assert_eq!((got.target.as_str(), got.extension.as_str()), (NODE_URI, "external_replaces"));
        assert_eq!((got.replaces.as_str(), got.ground), (NAMED, SIPXFER_GROUND_SAME_USER));
        assert_eq!(got.variable("SIPREFERTOHDR"), Some(NODE_URI));
        assert_eq!(got.variable("SIPREPLACESHDR"), Some(NAMED));
        assert_eq!(got.variable("SIPTRANSFERNODE"), Some("node-b"));
        assert!(got.headers.contains(&format!("Replaces: {NAMED}\r\n")) && got.subscription);
        // The host approves it by what it is.
        let approved = Asked::Approve(SIPXFER_VERDICT_REMOTE_NODE, NODE_URI.to_owned());
        assert!(pbx.asked().contains(&approved));
        assert_eq!(pbx.host.lookups.lock().unwrap().len(), 1, "asked for once");
    });
}

#[test]
fn r009_what_another_node_has_is_had_by_whom_it_belongs_to_only() {
    on_both(|pbx| {
        let refer = refer_to(ATTENDED);
        found(&pbx, pending(&pbx.route(&refer, known("mallory"))), remote("bob"));
        let got = pbx.route(&refer, known("mallory"));
        got.refused(403, 9);
        assert_eq!((got.setting.as_str(), got.node.as_str()), ("replaces.authorize", ""));
        assert!(!got.response.contains("node-b") && !got.response.contains("192.0.2.22"));
        assert!(got.why.contains("mallory") && got.why.contains("node-b"));
        // The host's own callback speaks of dialogs of its own, which this is none.
        *pbx.host.authorize.lock().unwrap() = Some(SIPXFER_YES);
        pbx.route(&refer, known("mallory")).refused(403, 9);
        pbx.set_in("endpoint:mallory", "replaces_trusted", "yes");
        let got = pbx.route(&refer, known("mallory"));
        assert_eq!(got.is(SIPXFER_VERDICT_REMOTE_NODE, 9).ground, SIPXFER_GROUND_TRUSTED_PEER);
        // A leg that the other node called: its endpoint stands for the user.
        pbx.now_ms_after(1_000);
        let called = sipxfer_remote_dialog { initiator: SIPXFER_INITIATOR_LOCAL, ..remote("") };
        found(&pbx, pending(&pbx.route(&refer, known("bob-phone"))), called);
        let got = pbx.route(&refer, known("bob-phone"));
        assert_eq!(got.is(SIPXFER_VERDICT_REMOTE_NODE, 9).ground, SIPXFER_GROUND_SAME_ENDPOINT);
    });
}

trait Later {
    fn now_ms_after(&self, ms: u64);
}

impl Later for Pbx {
    /// Answers are forgotten: time passes for the engine, whose clock never goes back.
    fn now_ms_after(&self, ms: u64) {
        assert_eq!(unsafe { sipxfer_tick(self.engine, self.now_ms + ms) }, SIPXFER_OK);
    }
}

#[test]
fn r031_nothing_is_looked_up_for_who_is_not_authenticated() {
    on_both(|pbx| {
        pbx.set("refer.require_auth", "no").set("replaces.authorize", "any");
        let got = pbx.route(&refer_to(ATTENDED), STRANGER);
        got.is(SIPXFER_VERDICT_REMOTE_ATTENDED, 6);
        pbx.verify(&replaces(NAMED), STRANGER).refused(481, 6);
        assert!(pbx.host.lookups.lock().unwrap().is_empty());
    });
}

#[test]
fn a_dialog_that_is_here_or_has_just_ended_is_looked_up_nowhere() {
    on_both(|pbx| {
        let here = pbx.dialog(Dialog::of("bob", "second@phone", "L", "R"));
        pbx.route(&refer_to(ATTENDED), known("bob")).is(SIPXFER_VERDICT_LOCAL_ATTENDED, 1);
        pbx.verify(&replaces(NAMED), known("bob")).is(SIPXFER_VERDICT_ACCEPT, 14);
        pbx.end(here);
        pbx.verify(&replaces(NAMED), known("bob")).refused(603, 8);
        pbx.route(&refer_to("<sip:100@h>"), known("bob")).is(SIPXFER_VERDICT_BLIND, 0);
        pbx.set_in("endpoint:bob", "refer.mode", "pass");
        let other = ATTENDED.replace("second", "third");
        pbx.route(&refer_to(&other), known("bob")).is(SIPXFER_VERDICT_PASS, 0);
        assert!(pbx.host.lookups.lock().unwrap().is_empty());
    });
}

#[test]
fn r006_what_no_node_has_goes_where_the_refer_to_says_as_without_a_cluster() {
    on_both(|mut pbx| {
        let refer = refer_to(ATTENDED);
        let elsewhere = |got: &Got| {
            assert_eq!(
                got.is(SIPXFER_VERDICT_REMOTE_ATTENDED, 6).target,
                "sip:carol@balancer.example"
            );
            assert_eq!((got.node.as_str(), got.variable("SIPTRANSFERNODE")), ("", None));
        };
        let lookup = pending(&pbx.route(&refer, known("bob")));
        assert_eq!(resume_with(&pbx, lookup, SIPXFER_E_NOT_FOUND, null()), SIPXFER_OK);
        elsewhere(&pbx.route(&refer, known("bob")));
        // The same by the deadline, whether or not a tick came first.
        pbx.now_ms += 1_000;
        pbx.tick();
        let lookup = pending(&pbx.route(&refer, known("bob")));
        pbx.now_ms += 199;
        assert_eq!(pending(&pbx.route(&refer, known("bob"))), lookup);
        pbx.now_ms += 1;
        elsewhere(&pbx.route(&refer, known("bob")));
        pbx.tick();
        assert_eq!(pbx.host.over.lock().unwrap().last(), Some(&lookup));
        assert_eq!(resume_with(&pbx, lookup, SIPXFER_E_NOT_FOUND, null()), SIPXFER_E_NOT_FOUND);
        // And where nobody can be asked.
        pbx.now_ms += 1_000;
        pbx.tick();
        *pbx.host.lookup_answer.lock().unwrap() = Some(SIPXFER_E_NOT_FOUND);
        elsewhere(&pbx.route(&refer, known("bob")));
        *pbx.host.lookup_answer.lock().unwrap() = Some(-99);
        elsewhere(&pbx.route(&refer, known("bob")));
        assert!(pbx.log().iter().any(|line| line.contains("lookup callback")), "{:?}", pbx.log());
        assert_eq!((lookups(&pbx), pbx.next_deadline()), (0, u64::MAX));
    });
}

#[test]
fn r005_two_nodes_that_claim_one_dialog_are_no_match() {
    on_both(|pbx| {
        let lookup = pending(&pbx.route(&refer_to(ATTENDED), known("bob")));
        assert_eq!(resume_with(&pbx, lookup, SIPXFER_E_AMBIGUOUS, null()), SIPXFER_OK);
        pbx.route(&refer_to(ATTENDED), known("bob")).refused(481, 5);
        pbx.verify(&replaces(NAMED), known("bob")).refused(481, 5);
    });
}

#[test]
fn an_answer_that_comes_before_the_callback_returns_is_used_at_once() {
    let pbx = Pbx::clustered(Kind::Own);
    let engine = pbx.engine as usize;
    *pbx.host.lookup_act.lock().unwrap() = Some(Box::new(move |lookup| {
        let dialog = remote("bob");
        let engine = engine as *const sipxfer_engine;
        let status = unsafe { sipxfer_lookup_resume(engine, lookup, SIPXFER_OK, &dialog, 0) };
        assert_eq!(status, SIPXFER_OK);
    }));
    pbx.route(&refer_to(ATTENDED), known("bob")).is(SIPXFER_VERDICT_REMOTE_NODE, 18);
}

#[test]
fn r018_an_invite_for_a_dialog_of_another_node_is_redirected_there() {
    on_both(|pbx| {
        let invite = replaces(NAMED);
        let (got, takeover) = pbx.take_over_any(&invite, known("bob"), false);
        assert_eq!(takeover, 0);
        found(&pbx, pending(&got), remote("bob"));
        let (got, takeover) = pbx.take_over_any(&invite, known("bob"), false);
        assert_eq!((got.is(SIPXFER_VERDICT_REMOTE_NODE, 18).code, takeover), (302, 0));
        assert_eq!((got.target.as_str(), got.node.as_str()), (NODE_URI, "node-b"));
        assert!(got.response.starts_with("SIP/2.0 302 "), "{}", got.response);
        assert!(got.response.contains(&format!("\r\nContact: <{NODE_URI}>\r\n")));
        pbx.verify(&invite, known("eve")).refused(403, 9);
        pbx.verify(&replaces(&format!("{NAMED};early-only")), known("bob")).refused(486, 13);
        // Join is about calls of this side.
        let join = request("INVITE", "", "Join: third@h;to-tag=a;from-tag=b\r\n");
        pbx.set("join.allow", "yes");
        pbx.verify_join(&join, known("bob")).refused(481, 0);
        assert_eq!(pbx.host.lookups.lock().unwrap().len(), 1);
    });
}

#[test]
fn r008_r017_r024_the_state_that_was_published_is_judged_as_that_of_a_dialog_here() {
    for (state, initiator, require_tls, code, rule) in [
        (SIPXFER_DIALOG_TERMINATED, SIPXFER_INITIATOR_REMOTE, "no", 603, 8),
        (SIPXFER_DIALOG_EARLY, SIPXFER_INITIATOR_REMOTE, "no", 481, 17),
        (SIPXFER_DIALOG_CONFIRMED, SIPXFER_INITIATOR_REMOTE, "yes", 403, 24),
    ] {
        let pbx = Pbx::clustered(Kind::Own);
        pbx.set("remote.require_tls", require_tls);
        let lookup = pending(&pbx.route(&refer_to(ATTENDED), known("bob")));
        found(&pbx, lookup, sipxfer_remote_dialog { state, initiator, ..remote("bob") });
        pbx.route(&refer_to(ATTENDED), known("bob")).refused(code, rule);
        // Who may not have it learns none of that.
        let got = pbx.route(&refer_to(ATTENDED), known("eve"));
        assert_eq!(got.code, if code == 603 { 603 } else { 403 }, "{got:?}");
    }
    let pbx = Pbx::clustered(Kind::Own);
    pbx.set("remote.require_tls", "yes");
    let lookup = pending(&pbx.route(&refer_to(ATTENDED), known("bob")));
    let secure = str_of("sip:replaces@192.0.2.22;transport=tls");
    found(&pbx, lookup, sipxfer_remote_dialog { uri: secure, ..remote("bob") });
    pbx.route(&refer_to(ATTENDED), known("bob")).is(SIPXFER_VERDICT_REMOTE_NODE, 18);
}

#[test]
fn a_node_that_says_what_makes_no_sense_is_not_believed() {
    let pbx = Pbx::clustered(Kind::Own);
    let lookup = pending(&pbx.route(&refer_to(ATTENDED), known("bob")));
    let long = format!("sip:{}@h", "x".repeat(300));
    let base = || remote("bob");
    for wrong in [
        sipxfer_remote_dialog { uri: str_of("tel:5"), ..base() },
        sipxfer_remote_dialog { uri: str_of("sip:a@b&PJSIP/evil"), ..base() },
        sipxfer_remote_dialog { uri: str_of("sip:a@b,c"), ..base() },
        sipxfer_remote_dialog { uri: str_of("sip:a@b?Replaces=x"), ..base() },
        sipxfer_remote_dialog { uri: str_of("sip:a@b\r\nX: y"), ..base() },
        sipxfer_remote_dialog { uri: str_of(&long), ..base() },
        sipxfer_remote_dialog { uri: str_of(""), ..base() },
        sipxfer_remote_dialog { node: str_of("a b"), ..base() },
        sipxfer_remote_dialog { node: str_of(""), ..base() },
        sipxfer_remote_dialog { user: str_of("b\nob"), ..base() },
        sipxfer_remote_dialog { state: 4, ..base() },
        sipxfer_remote_dialog { initiator: 0, ..base() },
        sipxfer_remote_dialog { secure: 2, ..base() },
        sipxfer_remote_dialog { reserved: 1, ..base() },
        sipxfer_remote_dialog { reserved2: 1, ..base() },
        sipxfer_remote_dialog { parked: 3, ..base() },
        // Found by its token, and not parked; or half a triple.
        sipxfer_remote_dialog { call_id: str_of("c@h"), local_tag: str_of("l"), ..base() },
        sipxfer_remote_dialog { parked: SIPXFER_PARKED_SECRET, call_id: str_of("c@h"), ..base() },
        sipxfer_remote_dialog { parked: SIPXFER_PARKED_SECRET, remote_tag: str_of("r"), ..base() },
    ] {
        assert_eq!(resume_with(&pbx, lookup, SIPXFER_OK, &wrong), SIPXFER_E_RANGE);
    }
    assert_eq!(resume_with(&pbx, lookup, SIPXFER_E_NOT_FOUND, &base()), SIPXFER_E_RANGE);
    assert_eq!(resume_with(&pbx, lookup, SIPXFER_E_GONE, null()), SIPXFER_E_RANGE);
    assert_eq!(resume_with(&pbx, lookup, SIPXFER_OK, null()), SIPXFER_E_NULL);
    assert_eq!(resume_with(&pbx, lookup ^ 1, SIPXFER_OK, &base()), SIPXFER_E_NOT_FOUND);
    assert_eq!(lookups(&pbx), 1, "it still waits");
}

#[test]
fn no_more_lookups_than_the_settings_allow_are_under_way_at_once() {
    on_both(|pbx| {
        pbx.set("cluster.max_lookups", "3").set("cluster.deadline_ms", "50");
        let refer = |n: u32| refer_to(&ATTENDED.replace("second", &format!("call{n}")));
        for n in 0..3 {
            pending(&pbx.route(&refer(n), known("bob")));
        }
        pbx.route(&refer(3), known("bob")).is(SIPXFER_VERDICT_REMOTE_ATTENDED, 6);
        assert!(pbx.log().iter().any(|line| line.contains("too many dialogs are being looked up")));
        assert_eq!((lookups(&pbx), pbx.next_deadline()), (3, pbx.now_ms + 50));
        // Asking again is no lookup of its own, and no REFER of its own either.
        pbx.set("rate.per_endpoint", "2");
        for _ in 0..5 {
            pending(&pbx.route(&refer(0), known("bob")));
        }
        pbx.now_ms_after(50);
        assert_eq!((lookups(&pbx), pbx.host.over.lock().unwrap().len()), (0, 3));
    });
}

#[test]
fn r033_a_refer_that_waits_for_a_lookup_is_answered_first_and_routed_when_it_is_over() {
    on_both(|mut pbx| {
        let refer = refer_to(ATTENDED);
        let (got, transfer) = pbx.receive_any(&refer, known("bob"));
        let lookup = pending(&got);
        assert_eq!((got.code, got.subscription, got.in_call), (202, true, true));
        let outputs = pbx.outputs(transfer);
        assert_eq!(outputs.kinds(), [Out::Answer(202), Out::Notify(100)]);
        assert!(outputs.list[1].headers.contains("Subscription-State: pending"));
        let (status, _) = pbx.route_transfer(transfer, &refer, known("bob"));
        assert_eq!(status, SIPXFER_E_WRONG_STATE, "the lookup is under way");
        assert_eq!(pbx.decide(transfer, SIPXFER_YES), SIPXFER_E_WRONG_STATE);
        // Sent again it is answered again.
        assert_eq!(pbx.receive_any(&refer, known("bob")).1, transfer);
        assert_eq!(pbx.outputs(transfer).kinds(), [Out::Answer(202)]);
        found(&pbx, lookup, remote("bob"));
        assert_eq!(pbx.outputs(0).kinds(), [Out::Command(SIPXFER_COMMAND_ROUTE)]);
        let other = refer.replace("CSeq: 7", "CSeq: 8");
        let (status, _) = pbx.route_transfer(transfer, &other, known("bob"));
        assert_eq!(status, SIPXFER_E_NOT_ALLOWED);
        // Long behind the answer: it has its own.
        pbx.now_ms += 30_000;
        pbx.tick();
        let (status, got) = pbx.route_transfer(transfer, &refer, known("bob"));
        assert_eq!((status, got.target.as_str()), (SIPXFER_OK, NODE_URI));
        got.is(SIPXFER_VERDICT_REMOTE_NODE, 18);
        let expected = [Out::Notify(100), Out::Command(SIPXFER_COMMAND_START)];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
        let (status, _) = pbx.route_transfer(transfer, &refer, known("bob"));
        assert_eq!(status, SIPXFER_E_WRONG_STATE, "it is routed");
        pbx.progress(transfer, 200, "");
        let expected = [Out::Notify(200), Out::Finished(200, SIPXFER_CAUSE_TARGET)];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
        assert_eq!(pbx.count(), 0);
    });
}

#[test]
fn r033_r081_a_lookup_that_ends_in_a_refusal_is_notified_and_the_call_is_kept() {
    on_both(|pbx| {
        let refer = refer_to(ATTENDED);
        let (got, transfer) = pbx.receive_any(&refer, known("mallory"));
        pbx.outputs(transfer);
        found(&pbx, pending(&got), remote("bob"));
        pbx.outputs(0);
        let (status, got) = pbx.route_transfer(transfer, &refer, known("mallory"));
        assert_eq!(status, SIPXFER_OK);
        got.refused(403, 9);
        let expected = [
            Out::Notify(403),
            Out::Command(SIPXFER_COMMAND_KEEP_CALL),
            Out::Finished(403, SIPXFER_CAUSE_REFUSED),
        ];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
        assert_eq!(pbx.route_transfer(transfer, &refer, known("mallory")).0, SIPXFER_E_NOT_FOUND);
    });
}

#[test]
fn r033_the_deadline_of_a_lookup_lets_the_transfer_go_on_as_without_a_cluster() {
    on_both(|mut pbx| {
        let refer = refer_to(ATTENDED);
        let (got, transfer) = pbx.receive_any(&refer, known("bob"));
        let lookup = pending(&got);
        // A second one for the same dialog waits for the same lookup.
        let second = refer.replace("CSeq: 7", "CSeq: 8");
        let (got, another) = pbx.receive_any(&second, known("bob"));
        assert_eq!(pending(&got), lookup);
        pbx.outputs(transfer);
        pbx.outputs(another);
        assert_eq!(pbx.next_deadline(), pbx.now_ms + 200);
        pbx.now_ms += 200;
        pbx.tick();
        assert_eq!(pbx.host.over.lock().unwrap().as_slice(), [lookup]);
        let mut ready = pbx.outputs_of(0);
        ready.sort_by_key(|(id, _)| *id != transfer);
        let ready: Vec<_> = ready.into_iter().map(|(id, output)| (id, output.what)).collect();
        let route = || Out::Command(SIPXFER_COMMAND_ROUTE);
        assert_eq!(ready, [(transfer, route()), (another, route())]);
        *pbx.host.approve.lock().unwrap() = Some(SIPXFER_LATER);
        let (status, got) = pbx.route_transfer(transfer, &refer, known("bob"));
        assert_eq!((status, got.approval_pending), (SIPXFER_OK, true));
        got.is(SIPXFER_VERDICT_REMOTE_ATTENDED, 6);
        assert!(pbx.outputs(transfer).list.is_empty());
        assert_eq!(pbx.decide(transfer, SIPXFER_YES), SIPXFER_OK);
        // The NOTIFY that it is active is held back (R047).
        let expected = [Out::Command(SIPXFER_COMMAND_START)];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
        // A dialog that has come meanwhile is had here.
        *pbx.host.approve.lock().unwrap() = None;
        let here = pbx.dialog(Dialog::of("bob", "second@phone", "L", "R"));
        let (_, got) = pbx.route_transfer(another, &second, known("bob"));
        assert_eq!(got.is(SIPXFER_VERDICT_LOCAL_ATTENDED, 1).dialog, here);
    });
}

#[test]
fn r084_a_transferor_that_hangs_up_while_its_lookup_is_under_way_loses_no_call() {
    on_both(|mut pbx| {
        let refer = refer_to(ATTENDED);
        let (got, transfer) = pbx.receive_any(&refer, known("bob"));
        pending(&got);
        pbx.outputs(transfer);
        assert_eq!(pbx.bye(transfer), SIPXFER_OK);
        pbx.now_ms += 200;
        pbx.tick();
        assert_eq!(pbx.outputs(0).kinds(), [Out::Command(SIPXFER_COMMAND_ROUTE)]);
        // A host that never routes it: the transferor is called back.
        pbx.now_ms += 180_000;
        pbx.tick();
        let kinds = pbx.outputs(0).kinds();
        assert!(kinds.contains(&Out::Command(SIPXFER_COMMAND_RECALL_TRANSFEROR)), "{kinds:?}");
        assert_eq!(kinds.last(), Some(&Out::Finished(408, SIPXFER_CAUSE_DEADLINE)));
    });
}

#[test]
fn an_engine_that_looks_elsewhere_needs_to_tell_when_it_has_looked() {
    unsafe extern "C" fn seek(
        _: *mut std::ffi::c_void,
        _: u64,
        _: *const sipxfer_dialog_key,
    ) -> i32 {
        SIPXFER_E_NOT_FOUND
    }
    let mut directory: sipxfer_directory = unsafe { std::mem::zeroed() };
    directory.struct_size = size_of::<sipxfer_directory>();
    directory.lookup = Some(seek);
    let options = sipxfer_engine_options {
        struct_size: size_of::<sipxfer_engine_options>(),
        directory: &directory,
        host: null(),
    };
    let mut engine = std::ptr::null_mut();
    let status = unsafe { sipxfer_engine_new(&options, &mut engine) };
    assert_eq!(status, SIPXFER_E_CALLBACK_MISSING);
}
