//! The target's side through the C functions: a call that takes the place of another, step by step,
//! on a virtual clock.

// What a C host does is unsafe from end to end.
#![allow(clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod common_rules;

use common_rules::callbacks::Dialog;
use common_rules::messages::{refer_to, replaces, request};
use common_rules::sending::Wish;
use common_rules::takeovers::Step::{
    Ack, Answer, Bye, Cancel, EndNew, Finished, LeaveOld, Reject, TakeOver,
};
use common_rules::takeovers::{NEW, OLD};
use common_rules::{known, on_both, From, Kind, Pbx, STRANGER};
use sipxfer::ffi::*;

const NAMED: &str = "call@h;to-tag=L;from-tag=R";

fn bobs() -> Dialog {
    Dialog::of("bob", "call@h", "L", "R")
}

/// A ringing call that this side began, to Bob.
fn ringing() -> Dialog {
    bobs().called_by_us().early()
}

/// An INVITE that replaces Bob's call, under this Call-ID.
fn invite(call_id: &str) -> String {
    replaces(NAMED).replace("first@phone", call_id)
}

/// The dialog of that INVITE.
fn new_call(call_id: &str) -> Dialog {
    Dialog::of("bob", call_id, "chosen-later", "bob-to-pbx")
}

#[test]
fn r011_r014_the_new_call_takes_the_place_and_the_old_one_gets_its_bye() {
    on_both(|mut pbx| {
        let old = pbx.dialog(bobs());
        let (got, takeover) = pbx.take_over_any(&invite("new"), known("bob"), true);
        assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 14).dialog, old);
        assert_eq!((pbx.takeovers(), pbx.next_deadline()), (1, pbx.now_ms + 32_000));
        assert_eq!(pbx.steps(takeover), [Answer(200)]);
        pbx.now_ms += 20;
        assert_eq!(pbx.answered(takeover), SIPXFER_OK);
        assert_eq!(pbx.steps(takeover), [TakeOver, Bye]);
        pbx.now_ms += 20;
        assert_eq!(pbx.old_ended(takeover), SIPXFER_OK);
        assert_eq!(pbx.steps(takeover), [Finished(200)]);
        assert_eq!((pbx.takeovers(), pbx.next_deadline()), (0, u64::MAX));
        assert_eq!(pbx.answered(takeover), SIPXFER_E_NOT_FOUND);
    });
}

#[test]
fn r011_what_is_no_acceptance_begins_nothing() {
    on_both(|pbx| {
        pbx.dialog(bobs());
        let none = |message: &str, from: From<'_>, kind: u32, code: u32| {
            let (got, takeover) = pbx.take_over_any(message, from, false);
            assert_eq!((got.kind, got.code, takeover), (kind, code, 0), "{got:?}");
            assert_eq!((pbx.takeovers(), pbx.next_deadline()), (0, u64::MAX));
        };
        let reject = SIPXFER_VERDICT_REJECT;
        none(&common_rules::messages::invite(""), known("bob"), SIPXFER_VERDICT_NONE, 0);
        none(&invite("a"), STRANGER, SIPXFER_VERDICT_CHALLENGE, 401);
        none(&invite("b"), known("eve"), reject, 403);
        none(&replaces("other@h;to-tag=L;from-tag=R"), known("bob"), reject, 481);
        none(&replaces(&format!("{NAMED};early-only")), known("bob"), reject, 486);
        none(&request("OPTIONS", "", "Replaces: x\r\n"), known("bob"), reject, 400);
        none("no message", known("bob"), reject, 400);
        // None of them is in the way of the right one.
        pbx.take_over(&invite("a"), known("bob"));
    });
}

#[test]
fn r012_a_new_call_that_cannot_be_accepted_leaves_the_old_one_as_it_was() {
    on_both(|mut pbx| {
        pbx.dialog(bobs());
        for (call_id, code) in [("a", 488), ("b", 487), ("c", 603)] {
            let takeover = pbx.take_over(&invite(call_id), known("bob"));
            assert_eq!(pbx.not_answered(takeover, code), SIPXFER_OK);
            assert_eq!(pbx.steps(takeover), [Answer(200), LeaveOld, Finished(code)]);
            assert_eq!((pbx.takeovers(), pbx.next_deadline()), (0, u64::MAX));
        }
        // A host that says nothing.
        let takeover = pbx.take_over(&invite("d"), known("bob"));
        pbx.now_ms += 31_999;
        pbx.tick();
        assert_eq!(pbx.steps(0), []);
        pbx.now_ms += 1;
        pbx.tick();
        assert_eq!(pbx.next_step(0), Some((takeover, Answer(200))));
        assert_eq!(pbx.steps(0), [Answer(500), LeaveOld, Finished(500)]);
    });
}

#[test]
fn r012_with_wait_for_ack_a_new_caller_that_vanishes_does_not_take_the_old_call_along() {
    on_both(|mut pbx| {
        pbx.set("takeover.wait_for_ack", "yes").set_in("endpoint:bob", "takeover.t1_ms", "100");
        pbx.dialog(bobs());
        let takeover = pbx.take_over(&invite("a"), known("bob"));
        assert_eq!(pbx.acked(takeover), SIPXFER_OK);
        pbx.answered(takeover);
        assert_eq!(pbx.steps(takeover), [Answer(200)]);
        assert_eq!(pbx.next_deadline(), pbx.now_ms + 6_400);
        pbx.now_ms += 6_400;
        pbx.tick();
        assert_eq!(pbx.steps(0), [EndNew, LeaveOld, Finished(408)]);

        let takeover = pbx.take_over(&invite("b"), known("bob"));
        pbx.answered(takeover);
        pbx.new_ended(takeover);
        assert_eq!(pbx.steps(takeover), [Answer(200), LeaveOld, Finished(487)]);

        let takeover = pbx.take_over(&invite("c"), known("bob"));
        pbx.answered(takeover);
        assert_eq!(pbx.steps(takeover), [Answer(200)]);
        pbx.acked(takeover);
        assert_eq!(pbx.steps(takeover), [TakeOver, Bye]);
        pbx.old_ended(takeover);
        assert_eq!(pbx.steps(takeover), [Finished(200)]);
    });
}

#[test]
fn r013_an_early_only_dialog_that_is_answered_after_the_match_is_not_taken() {
    on_both(|pbx| {
        pbx.dialog(ringing());
        let takeover = pbx.take_over(&replaces(&format!("{NAMED};early-only")), known("bob"));
        pbx.old_answered(takeover);
        assert_eq!(pbx.steps(takeover), [Answer(200), Answer(486)]);
        pbx.not_answered(takeover, 486);
        assert_eq!(pbx.steps(takeover), [LeaveOld, Finished(486)]);
    });
}

#[test]
fn r015_a_ringing_call_of_ours_is_cancelled_and_a_crossing_2xx_acked_and_byed() {
    on_both(|pbx| {
        pbx.dialog(ringing());
        let takeover = pbx.take_over(&invite("a"), known("bob"));
        pbx.answered(takeover);
        assert_eq!(pbx.steps(takeover), [Answer(200), TakeOver, Cancel]);
        pbx.old_answered(takeover);
        assert_eq!(pbx.steps(takeover), [Ack, Bye]);
        pbx.old_ended(takeover);
        assert_eq!(pbx.steps(takeover), [Finished(200)]);
    });
}

#[test]
fn race_no_refusal_goes_out_behind_the_200_when_the_old_call_ends_meanwhile() {
    on_both(|pbx| {
        pbx.dialog(bobs());
        let takeover = pbx.take_over(&invite("a"), known("bob"));
        assert_eq!(pbx.steps(takeover), [Answer(200)]);
        pbx.old_ended(takeover);
        pbx.answered(takeover);
        assert_eq!(pbx.steps(takeover), [TakeOver, Finished(200)]);
    });
}

#[test]
fn r016_a_ringing_call_of_the_peer_is_rejected_where_the_setting_lets_it_go() {
    on_both(|pbx| {
        pbx.dialog(bobs().early());
        let (got, takeover) = pbx.take_over_any(&invite("a"), known("bob"), false);
        assert_eq!(got.refused(481, 16).setting, "replaces.accept_early_incoming");
        assert_eq!(takeover, 0);
        pbx.set("replaces.accept_early_incoming", "yes");
        let takeover = pbx.take_over(&invite("a"), known("bob"));
        pbx.answered(takeover);
        assert_eq!(pbx.steps(takeover), [Answer(200), TakeOver, Reject]);
    });
}

#[test]
fn race_a_second_replaces_for_a_dialog_gets_603_and_after_a_failure_its_turn() {
    on_both(|pbx| {
        let old = pbx.dialog(bobs());
        for lock in [false, true] {
            let message = |number: u32| invite(&format!("{lock}-{number}"));
            let first = pbx.take_over(&message(1), known("bob"));
            let second = pbx.take_over_any(&message(2), known("bob"), lock);
            second.0.refused(603, 11);
            assert_eq!((second.1, pbx.takeovers()), (0, 1));
            // Who may not replace it is told no more than ever.
            pbx.take_over_any(&message(3), known("eve"), lock).0.refused(403, 9);
            pbx.not_answered(first, 488);
            assert_eq!(pbx.steps(first), [Answer(200), LeaveOld, Finished(488)]);
            // The first failed and all is as it was.
            let third = pbx.take_over(&message(4), known("bob"));
            pbx.not_answered(third, 488);
            pbx.steps(third);
        }
        // It failed, and the dialog has ended.
        pbx.end(old);
        let again = pbx.take_over_any(&invite("f"), known("bob"), false);
        again.0.refused(603, 8);
    });
}

#[test]
fn r008_race_after_a_success_the_old_dialog_is_known_as_ended_before_another_can_claim_it() {
    on_both(|mut pbx| {
        // The host is slow to take it out of its directory.
        pbx.dialog(bobs());
        let takeover = pbx.take_over(&invite("a"), known("bob"));
        pbx.answered(takeover);
        pbx.old_ended(takeover);
        assert_eq!(pbx.steps(takeover), [Answer(200), TakeOver, Bye, Finished(200)]);
        for lock in [false, true] {
            let (got, late) = pbx.take_over_any(&invite("b"), known("bob"), lock);
            got.refused(603, 8);
            assert_eq!(late, 0);
        }
        // The same where nobody has told the end of the old call.
        pbx.dialog(Dialog { call_id: "other@h".into(), ..bobs() });
        let other = replaces("other@h;to-tag=L;from-tag=R");
        let takeover = pbx.take_over(&other.replace("first@phone", "c"), known("bob"));
        pbx.answered(takeover);
        pbx.now_ms += 32_000;
        pbx.tick();
        assert_eq!(pbx.steps(0), [Answer(200), TakeOver, Bye, Finished(200)]);
        pbx.take_over_any(&other, known("bob"), false).0.refused(603, 8);
    });
}

#[test]
fn r008_race_the_old_dialog_ends_between_match_and_takeover() {
    on_both(|pbx| {
        let old = pbx.dialog(bobs());
        let takeover = pbx.take_over(&invite("a"), known("bob"));
        pbx.end(old);
        pbx.old_ended(takeover);
        assert_eq!(pbx.steps(takeover), [Answer(200), Answer(603)]);
        pbx.not_answered(takeover, 603);
        // There is nothing that could be left as it was.
        assert_eq!(pbx.steps(takeover), [Finished(603)]);

        // The 2xx was on its way: the new call goes on alone.
        let old = pbx.dialog(Dialog { call_id: "other@h".into(), ..bobs() });
        let takeover = pbx.take_over(&replaces("other@h;to-tag=L;from-tag=R"), known("bob"));
        pbx.end(old);
        pbx.old_ended(takeover);
        pbx.answered(takeover);
        assert_eq!(pbx.steps(takeover), [Answer(200), TakeOver, Finished(200)]);
    });
}

#[test]
fn race_a_dialog_that_has_changed_between_match_and_claim_is_481() {
    // Only a directory of callbacks can tell two states in one go without a lock.
    let pbx = Pbx::new(Kind::Callbacks);
    pbx.dialog(ringing());
    *pbx.host.state_later.lock().unwrap() = Some(SIPXFER_DIALOG_CONFIRMED);
    let (got, takeover) = pbx.take_over_any(&invite("a"), known("bob"), false);
    got.refused(481, 6);
    assert_eq!((takeover, pbx.takeovers()), (0, 0));
    *pbx.host.state_later.lock().unwrap() = Some(SIPXFER_DIALOG_TERMINATED);
    pbx.take_over_any(&invite("b"), known("bob"), false).0.refused(603, 8);
    *pbx.host.state_later.lock().unwrap() = None;
    // Under its lock it cannot change, and is not looked up again.
    let takeover = pbx.take_over_any(&invite("a"), known("bob"), true).1;
    assert_eq!(pbx.steps(takeover), [Answer(200)]);
}

#[test]
fn race_a_reinvite_during_the_takeover_waits() {
    on_both(|pbx| {
        pbx.set("takeover.wait_for_ack", "yes");
        pbx.dialog(bobs());
        let (old, new) = (bobs(), new_call("a"));
        assert_eq!((pbx.reinvite(&old), pbx.reinvite(&new)), (0, 0));
        let takeover = pbx.take_over(&invite("a"), known("bob"));
        let both = |pbx: &Pbx| (pbx.reinvite(&old), pbx.reinvite(&new));
        assert_eq!(both(&pbx), (491, 491));
        pbx.answered(takeover);
        assert_eq!(both(&pbx), (491, 491));
        pbx.acked(takeover);
        assert_eq!(both(&pbx), (491, 0));
        pbx.old_ended(takeover);
        assert_eq!(both(&pbx), (0, 0));
        assert_eq!(pbx.steps(takeover), [Answer(200), TakeOver, Bye, Finished(200)]);
        assert_eq!(both(&pbx), (0, 0));
    });
}

#[test]
fn r012_race_an_invite_with_replaces_inside_a_dialog_is_488_and_the_call_goes_on() {
    on_both(|pbx| {
        pbx.dialog(bobs());
        let inside = request("INVITE", ";tag=pbx-to-bob", &format!("Replaces: {NAMED}\r\n"));
        let (got, takeover) = pbx.take_over_any(&inside, known("bob"), false);
        got.refused(488, 12);
        assert_eq!((takeover, pbx.takeovers()), (0, 0));
        // Nor does it meet the takeover that its outer namesake has begun.
        let first = pbx.take_over(&replaces(NAMED), known("bob"));
        let (got, takeover) = pbx.take_over_any(&inside, known("bob"), false);
        got.refused(488, 12);
        assert_eq!((takeover, pbx.steps(first)), (0, vec![Answer(200)]));
    });
}

#[test]
fn a_retransmitted_invite_begins_no_second_takeover_and_is_not_refused() {
    on_both(|mut pbx| {
        let old = pbx.dialog(bobs());
        let takeover = pbx.take_over(&invite("a"), known("bob"));
        for lock in [false, true] {
            let (got, again) = pbx.take_over_any(&invite("a"), known("bob"), lock);
            assert_eq!((got.kind, got.code), (SIPXFER_VERDICT_AGAIN, 0), "{got:?}");
            assert_eq!((again, got.dialog, pbx.takeovers()), (takeover, 0, 1));
        }
        // Nobody else is told of it: another sender is judged by what it may.
        pbx.take_over_any(&invite("a"), known("eve"), false).0.refused(403, 9);
        let trunk = From { user: "bob", endpoint: "trunk", ..STRANGER };
        pbx.take_over_any(&invite("a"), trunk, false).0.refused(603, 11);
        // Another CSeq is another INVITE.
        let next = invite("a").replace("CSeq: 7", "CSeq: 8");
        pbx.take_over_any(&next, known("bob"), false).0.refused(603, 11);
        pbx.answered(takeover);
        pbx.end(old);
        pbx.old_ended(takeover);
        assert_eq!(pbx.steps(takeover), [Answer(200), TakeOver, Bye, Finished(200)]);
        // A late copy is none that the ended dialog refuses.
        pbx.now_ms += 31_999;
        let (got, again) = pbx.take_over_any(&invite("a"), known("bob"), false);
        assert_eq!((got.is(SIPXFER_VERDICT_AGAIN, 0).code, again), (0, 0));
        pbx.now_ms += 2;
        let (got, _) = pbx.take_over_any(&invite("a"), known("bob"), false);
        got.refused(481, 6);
    });
}

#[test]
fn a_takeover_is_found_by_both_of_its_dialogs() {
    on_both(|pbx| {
        pbx.dialog(bobs());
        let takeover = pbx.take_over(&invite("a"), known("bob"));
        assert_eq!(pbx.find_takeover(&bobs()), Some((takeover, OLD)));
        assert_eq!(pbx.find_takeover(&new_call("a")), Some((takeover, NEW)));
        let upper = Dialog { local_tag: "l".into(), remote_tag: "r".into(), ..bobs() };
        assert_eq!(pbx.find_takeover(&upper), Some((takeover, OLD)));
        for other in [
            new_call("b"),
            Dialog { remote_tag: "x".into(), ..new_call("a") },
            Dialog { local_tag: "x".into(), ..bobs() },
        ] {
            assert_eq!(pbx.find_takeover(&other), None);
            assert_eq!(pbx.reinvite(&other), 0);
        }
        pbx.not_answered(takeover, 488);
        pbx.steps(takeover);
        assert_eq!(pbx.find_takeover(&bobs()), None);
        assert_eq!(pbx.find_takeover(&new_call("a")), None);
    });
}

#[test]
fn ids_of_takeovers_are_strange_to_transfers_and_codes_are_checked() {
    let pbx = Pbx::new(Kind::Own);
    pbx.dialog(bobs());
    let takeover = pbx.take_over(&invite("a"), known("bob"));
    assert_eq!(pbx.bye(takeover), SIPXFER_E_NOT_FOUND);
    assert_eq!(pbx.call_ended(takeover), SIPXFER_E_NOT_FOUND);
    for code in [0, 100, 200, 299, 700, u32::MAX, 65536 + 488] {
        assert_eq!(pbx.not_answered(takeover, code), SIPXFER_E_RANGE, "{code}");
    }
    let late = unsafe { sipxfer_takeover_answered(pbx.engine, takeover, u64::MAX) };
    assert_eq!(late, SIPXFER_E_RANGE);
    assert_eq!(pbx.steps(takeover), [Answer(200)]);
    assert_eq!(pbx.count(), 0);
}

#[test]
fn the_host_is_told_of_the_deadlines_of_takeovers() {
    let mut pbx = Pbx::new(Kind::Own);
    pbx.dialog(bobs());
    let takeover = pbx.take_over(&invite("a"), known("bob"));
    pbx.now_ms += 100;
    pbx.answered(takeover);
    pbx.old_ended(takeover);
    let told = pbx.host.deadlines.lock().unwrap().clone();
    assert_eq!(told, [33_000, 33_100, u64::MAX]);
}

#[test]
fn many_takeovers_at_once_keep_apart() {
    let mut pbx = Pbx::new(Kind::Own);
    let named = |number: usize| format!("call-{number}@h;to-tag=L;from-tag=R");
    let begun: Vec<u64> = (0..500)
        .map(|number| {
            pbx.dialog(Dialog { call_id: format!("call-{number}@h"), ..bobs() });
            let invite = replaces(&named(number)).replace("first@phone", &format!("n-{number}"));
            pbx.take_over(&invite, known("bob"))
        })
        .collect();
    for (number, takeover) in begun.iter().enumerate() {
        match number % 3 {
            0 => pbx.answered(*takeover),
            1 => pbx.not_answered(*takeover, 488),
            _ => SIPXFER_OK,
        };
    }
    pbx.now_ms += 32_000;
    pbx.tick();
    for (number, takeover) in begun.iter().enumerate() {
        let expected = match number % 3 {
            0 => vec![Answer(200), TakeOver, Bye, Finished(200)],
            1 => vec![Answer(200), LeaveOld, Finished(488)],
            _ => vec![Answer(200), Answer(500), LeaveOld, Finished(500)],
        };
        assert_eq!(pbx.steps(*takeover), expected, "{number}");
    }
    assert_eq!((pbx.takeovers(), pbx.next_deadline()), (0, u64::MAX));
}

/// The top bits of an id are the salt of its kind.
#[test]
fn an_id_of_one_kind_is_strange_to_the_others() {
    on_both(|pbx| {
        pbx.dialog(bobs());
        let takeover = pbx.take_over(&invite("a"), known("bob"));
        let received = pbx.receive(&refer_to("<sip:100@h>"), known("bob"));
        let (watcher, _) = pbx.watch(0, 1, 60).unwrap();
        let ids = [takeover, received, pbx.start(&Wish::blind()), watcher];
        let mut salts = ids.map(|id| id >> 48);
        salts.sort_unstable();
        assert!(salts.windows(2).all(|two| two.first() != two.last()), "{ids:x?}");
    });
}
