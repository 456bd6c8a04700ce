//! Transfers that this side begins, through the C functions: from the wish to the one outcome, on a
//! virtual clock.

// What a C host does is unsafe from end to end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::undocumented_unsafe_blocks)]

mod common_rules;
mod lossy;

use common_rules::messages::refer_to;
use common_rules::sending::{failure, notify, response, Told, Wish};
use common_rules::{known, on_both, Kind, Pbx};
use sipxfer::ffi::*;

const ACTIVE: &str = "active;expires=60";
const GONE: &str = "terminated;reason=noresource";
const TRYING: &str = "SIP/2.0 100 Trying\r\n";
const OK: &str = "SIP/2.0 200 OK\r\n";
const BUSY: &str = "SIP/2.0 486 Busy Here\r\n";
const NOT_FOUND: &str = "SIP/2.0 404 Not Found\r\n";

const HANG_UP: Told = Told::Command(SIPXFER_REFER_COMMAND_HANG_UP);
const KEEP_CALL: Told = Told::Command(SIPXFER_REFER_COMMAND_KEEP_CALL);
const DROP: Told = Told::Command(SIPXFER_REFER_COMMAND_DROP_CONSULTATION);

fn trying() -> Told {
    Told::Progress(100, "Trying".into())
}

fn unknown(code: u32, why: u32) -> Told {
    Told::Unknown(code, why)
}

#[track_caller]
fn first_headers(pbx: &Pbx, wish: &Wish) -> String {
    let transfer = pbx.start(wish);
    pbx.told(transfer)[0].headers().to_owned()
}

#[test]
fn r028_the_header_lines_leave_the_one_contact_to_the_host() {
    let pbx = Pbx::new(Kind::Own);
    let referred_by = "<sip:pbx@h>";
    for wish in [
        Wish::blind(),
        Wish { referred_by, ..Wish::attended() },
        Wish { subscribe: false, peer: 15, call: Some(["c", "l", "r"]), ..Wish::blind() },
    ] {
        let headers = first_headers(&pbx, &wish);
        assert!(!headers.contains("Contact"), "{headers}");
        assert_eq!(headers.matches("Refer-To: ").count(), 1, "{headers}");
        assert!(headers.ends_with("\r\n") && !headers.contains("\r\nRequire"), "{headers}");
        assert_eq!(headers.contains("Referred-By: <sip:pbx@h>\r\n"), !wish.referred_by.is_empty());
    }
}

#[test]
fn r037_a_notify_before_the_answer_is_accepted() {
    on_both(|pbx| {
        let transfer = pbx.start_and_send(&Wish::blind());
        assert_eq!(pbx.notified(transfer, "refer", ACTIVE, TRYING), 200);
        assert_eq!(pbx.respond(transfer, 1, &response(202, "")), SIPXFER_OK);
        assert_eq!(pbx.told(transfer), [trying()]);
        assert_eq!(pbx.notified(transfer, "refer", GONE, OK), 200);
        assert_eq!(pbx.told(transfer), [HANG_UP, Told::Success(200)]);
        assert_eq!((pbx.count(), pbx.next_deadline()), (0, u64::MAX));

        // Where the answer is lost the NOTIFY has shown that it was given.
        let transfer = pbx.start_and_send(&Wish::blind());
        pbx.notified(transfer, "refer", ACTIVE, TRYING);
        assert_eq!(pbx.respond(transfer, 1, ""), SIPXFER_OK);
        pbx.notified(transfer, "refer", GONE, BUSY);
        assert_eq!(pbx.told(transfer), [trying(), KEEP_CALL, failure(486, "Busy Here")]);
    });
}

#[test]
fn r042_two_transfers_of_one_dialog_are_told_apart_by_the_cseq_in_event() {
    on_both(|pbx| {
        let first = pbx.start_and_send(&Wish::blind());
        let second = pbx.start(&Wish::blind());
        pbx.told(second);
        pbx.sent(second, 1, 8, false);
        assert_eq!(pbx.notified(second, "refer", ACTIVE, TRYING), 481);
        assert_eq!(pbx.notified(second, "refer;id=7", ACTIVE, TRYING), 481);
        assert_eq!(pbx.notified(first, "refer;id=8", GONE, BUSY), 481);
        assert_eq!(pbx.notified(second, "refer;id=8", GONE, BUSY), 200);
        assert_eq!(pbx.told(second), [KEEP_CALL, failure(486, "Busy Here")]);
        // The first one may come without id or with it.
        assert_eq!(pbx.notified(first, "refer;id=7", ACTIVE, TRYING), 200);
        assert_eq!(pbx.notified(first, "refer", GONE, OK), 200);
        assert_eq!(pbx.told(first), [trying(), HANG_UP, Told::Success(200)]);
    });
}

#[test]
fn r063_a_peer_that_repeats_refer_sub_false_sends_no_notify_and_the_outcome_stays_unknown() {
    on_both(|pbx| {
        let peer_message = "SIP/2.0 200 OK\r\nSupported: replaces,\r\n norefersub\r\n\r\n".into();
        let transfer = pbx.start(&Wish { subscribe: false, peer_message, ..Wish::blind() });
        let first = pbx.told(transfer);
        let headers = first[0].headers();
        assert!(headers.contains("\r\nRefer-Sub: false\r\n"), "{headers}");
        assert!(headers.contains("\r\nSupported: replaces, norefersub\r\n"), "{headers}");
        pbx.sent(transfer, 1, 7, true);
        pbx.respond(transfer, 1, &response(202, "Refer-Sub:\r\n false\r\n"));
        let why = SIPXFER_REFER_WHY_NOT_SUBSCRIBED;
        assert_eq!(pbx.told(transfer), [KEEP_CALL, unknown(202, why)]);
        assert_eq!(pbx.count(), 0);
        // One that does not know it is not asked.
        let headers = first_headers(&pbx, &Wish { subscribe: false, ..Wish::blind() });
        assert!(!headers.contains("Refer-Sub"), "{headers}");
    });
}

#[test]
fn r064_without_refer_sub_false_in_the_answer_notifys_are_expected() {
    on_both(|pbx| {
        let peer = SIPXFER_PEER_NOREFERSUB;
        for answer in ["", "Refer-Sub: true\r\n"] {
            let transfer = pbx.start_and_send(&Wish { subscribe: false, peer, ..Wish::blind() });
            pbx.respond(transfer, 1, &response(202, answer));
            assert_eq!(pbx.told(transfer), []);
            assert_eq!(pbx.notified(transfer, "refer", GONE, OK), 200);
            assert_eq!(pbx.told(transfer), [HANG_UP, Told::Success(200)]);
        }
    });
}

#[test]
fn r073_timer_n_ends_the_wait_for_the_first_notify() {
    on_both(|mut pbx| {
        let transfer = pbx.start_and_send(&Wish::blind());
        pbx.respond(transfer, 1, &response(202, ""));
        assert_eq!(pbx.next_deadline(), pbx.now_ms + 32_000);
        pbx.now_ms += 31_999;
        pbx.tick();
        assert_eq!(pbx.told(0), []);
        pbx.now_ms += 1;
        pbx.tick();
        let why = SIPXFER_REFER_WHY_NO_NOTIFY;
        assert_eq!(pbx.next_told(0), Some((transfer, KEEP_CALL)));
        assert_eq!(pbx.next_told(0), Some((transfer, unknown(202, why))));
        assert_eq!((pbx.count(), pbx.next_deadline()), (0, u64::MAX));
    });
}

#[test]
fn r074_a_notify_that_matches_nothing_is_481_and_another_package_489() {
    on_both(|pbx| {
        let transfer = pbx.start_and_send(&Wish::blind());
        assert_eq!(pbx.notified(transfer, "presence", ACTIVE, ""), 489);
        assert_eq!(pbx.notified(transfer, "refer;id=9", ACTIVE, TRYING), 481);
        assert_eq!(pbx.notified(transfer, "", ACTIVE, TRYING), 400);
        assert_eq!(pbx.notified(transfer, "refer", "\"", TRYING), 400);
        // It is a stranger's outside of the dialog that the REFER went in.
        assert_eq!(pbx.try_notify(transfer, 1, &notify("refer", GONE, OK)), (SIPXFER_OK, 481));
        assert_eq!(pbx.told(transfer), []);
        pbx.notified(transfer, "refer", GONE, OK);
        pbx.told(transfer);
        let gone = pbx.try_notify(transfer, 0, &notify("refer", GONE, OK));
        assert_eq!(gone, (SIPXFER_E_NOT_FOUND, 0));
    });
}

#[test]
fn r081_a_transfer_that_fails_keeps_the_call_and_refer_itself_ends_none() {
    on_both(|pbx| {
        let transfer = pbx.start_and_send(&Wish::blind());
        pbx.respond(transfer, 1, &response(603, ""));
        assert_eq!(pbx.told(transfer), [KEEP_CALL, failure(603, "Whatever")]);
        // There is nothing to keep where the call has ended meanwhile.
        let transfer = pbx.start_and_send(&Wish::blind());
        assert_eq!(pbx.call_ended(transfer), SIPXFER_OK);
        pbx.notified(transfer, "refer", GONE, BUSY);
        assert_eq!(pbx.told(transfer), [failure(486, "Busy Here")]);
    });
}

#[test]
fn r082_the_outcome_is_one_and_an_accepted_refer_is_none() {
    on_both(|pbx| {
        for code in [200, 202] {
            let transfer = pbx.start_and_send(&Wish::blind());
            pbx.respond(transfer, 1, &response(code, ""));
            assert_eq!(pbx.told(transfer), []);
            // The subscription goes on, and what comes in it is answered.
            pbx.notified(transfer, "refer", ACTIVE, BUSY);
            assert_eq!(pbx.told(transfer), [KEEP_CALL, failure(486, "Busy Here")]);
            assert_eq!(pbx.notified(transfer, "refer", ACTIVE, OK), 200);
            assert_eq!(pbx.told(transfer), []);
            assert_eq!(pbx.count(), 1);
            assert_eq!(pbx.notified(transfer, "refer", GONE, OK), 200);
            assert_eq!((pbx.told(transfer), pbx.count()), (vec![], 0));
        }
        // R084: it may be the end of the call all the same.
        let transfer = pbx.start_and_send(&Wish { bye_after_accept: true, ..Wish::blind() });
        pbx.respond(transfer, 1, &response(202, ""));
        assert_eq!(pbx.told(transfer), [HANG_UP]);
        pbx.notified(transfer, "refer", GONE, OK);
        assert_eq!(pbx.told(transfer), [Told::Success(200)]);
    });
}

#[test]
fn r085_refer_to_is_the_contact_or_the_aor_with_require() {
    let pbx = Pbx::new(Kind::Own);
    let replaces = "Replaces=consult%40pbx%3Bto-tag%3Dtarget%3Bfrom-tag%3Dpbx";
    let headers = first_headers(&pbx, &Wish::attended());
    let contact = format!("Refer-To: <sip:carol@192.0.2.7:5062?{replaces}>\r\n");
    assert!(headers.starts_with(&contact), "{headers}");
    let aor = format!("Refer-To: <sip:carol@example.com?{replaces}&Require=replaces>\r\n");
    for wish in [
        Wish { contact_reachable: false, ..Wish::attended() },
        Wish { contact: "", ..Wish::attended() },
    ] {
        let headers = first_headers(&pbx, &wish);
        assert!(headers.starts_with(&aor), "{headers}");
    }
    let neither = Wish { contact: "", aor: "", ..Wish::attended() };
    assert_eq!(pbx.try_start(&neither), (SIPXFER_E_PARSE, 0));
}

#[test]
fn r086_after_a_failure_the_other_uri_is_tried_once() {
    on_both(|pbx| {
        let transfer = pbx.start_and_send(&Wish::attended());
        pbx.respond(transfer, 1, &response(202, ""));
        assert_eq!(pbx.notified(transfer, "refer", GONE, NOT_FOUND), 200);
        let second = pbx.told(transfer);
        assert!(matches!(second.as_slice(), [Told::Send(true, 2, _)]), "{second:?}");
        assert!(second[0].headers().contains("<sip:carol@example.com?Replaces="));
        pbx.sent(transfer, 2, 8, false);
        // What still comes for the first REFER has no bearing.
        pbx.respond(transfer, 1, &response(500, ""));
        pbx.respond(transfer, 2, &response(202, ""));
        assert_eq!(pbx.told(transfer), []);
        assert_eq!(pbx.notified(transfer, "refer;id=8", GONE, NOT_FOUND), 200);
        assert_eq!(pbx.told(transfer), [KEEP_CALL, failure(404, "Not Found")]);
        // A busy target is busy at either URI.
        let transfer = pbx.start_and_send(&Wish::attended());
        pbx.notified(transfer, "refer", GONE, BUSY);
        assert_eq!(pbx.told(transfer), [KEEP_CALL, failure(486, "Busy Here")]);
    });
}

#[test]
fn r087_a_semi_attended_transfer_drops_the_consultation_call_first() {
    on_both(|mut pbx| {
        let early = Wish { state: SIPXFER_DIALOG_EARLY, ..Wish::attended() };
        let transfer = pbx.start(&early);
        assert_eq!(pbx.told(transfer), [DROP]);
        assert_eq!(pbx.consultation_answered(transfer), SIPXFER_OK);
        let bye = Told::Command(SIPXFER_REFER_COMMAND_BYE_CONSULTATION);
        assert_eq!(pbx.told(transfer), [bye]);
        assert_eq!(pbx.consultation_ended(transfer), SIPXFER_OK);
        let refer = pbx.told(transfer);
        assert!(refer[0].headers().starts_with("Refer-To: <sip:carol@example.com>\r\n"));
        // Where nobody reports the end it is taken for granted.
        let hold = Wish { kind: SIPXFER_REFER_CONSULTATION_HOLD, ..Wish::blind() };
        let transfer = pbx.start(&hold);
        assert_eq!(pbx.told(transfer), [DROP]);
        pbx.now_ms += 32_000;
        pbx.tick();
        let refer: Vec<_> = std::iter::from_fn(|| pbx.next_told(0)).collect();
        assert!(refer.iter().any(|(id, told)| *id == transfer && matches!(told, Told::Send(..))));
        // Nobody is left to be transferred once the call has ended.
        let transfer = pbx.start(&hold);
        pbx.call_ended(transfer);
        assert_eq!(pbx.told(transfer), [DROP, failure(481, "")]);
    });
}

#[test]
fn r088_where_one_side_lacks_replaces_the_transfer_is_a_blind_one() {
    on_both(|pbx| {
        for wish in [
            Wish { peer: 0, ..Wish::attended() },
            Wish { target_replaces: false, ..Wish::attended() },
        ] {
            let transfer = pbx.start(&wish);
            assert_eq!(pbx.told(transfer), [DROP]);
            pbx.consultation_ended(transfer);
            let refer = pbx.told(transfer);
            let headers = refer[0].headers();
            assert!(!headers.contains("Replaces"), "{headers}");
        }
        // An early dialog that the target began can be replaced.
        let ringing = Wish {
            state: SIPXFER_DIALOG_EARLY,
            initiator: SIPXFER_INITIATOR_REMOTE,
            ..Wish::attended()
        };
        assert!(first_headers(&pbx, &ringing).contains("?Replaces="));
    });
}

#[test]
fn r106_a_body_without_a_status_line_is_no_outcome() {
    on_both(|pbx| {
        for body in ["", "Contact: <sip:a@b>\r\n", "INVITE sip:a@b SIP/2.0\r\n", "200 OK\r\n"] {
            let transfer = pbx.start_and_send(&Wish::blind());
            assert_eq!(pbx.notified(transfer, "refer", ACTIVE, body), 200, "{body}");
            assert_eq!(pbx.told(transfer), [], "{body}");
            assert_eq!(pbx.notified(transfer, "refer", GONE, body), 200, "{body}");
            let why = SIPXFER_REFER_WHY_ENDED;
            assert_eq!(pbx.told(transfer), [KEEP_CALL, unknown(0, why)], "{body}");
        }
    });
}

#[test]
fn a_subscription_that_runs_out_leaves_the_outcome_unknown() {
    on_both(|mut pbx| {
        let transfer = pbx.start_and_send(&Wish::blind());
        pbx.notified(transfer, "refer", ACTIVE, TRYING);
        assert_eq!(pbx.next_deadline(), pbx.now_ms + 60_000);
        pbx.now_ms += 60_000;
        pbx.tick();
        let why = SIPXFER_REFER_WHY_EXPIRED;
        assert_eq!(pbx.told(0), [trying(), KEEP_CALL, unknown(100, why)]);
        assert_eq!((pbx.count(), pbx.next_deadline()), (0, u64::MAX));
    });
}

#[test]
fn r057_r067_r068_a_refer_outside_the_dialog_names_its_call() {
    on_both(|pbx| {
        let wish = Wish { call: Some(["call@pbx", "theirs", "ours"]), ..Wish::blind() };
        let gruu = Wish { peer: SIPXFER_PEER_TDIALOG | SIPXFER_PEER_GRUU, ..wish.clone() };
        let transfer = pbx.start(&gruu);
        let first = pbx.told(transfer);
        assert!(matches!(first.as_slice(), [Told::Send(false, 1, _)]), "{first:?}");
        let named = "\r\nTarget-Dialog: call@pbx;local-tag=theirs;remote-tag=ours\r\n";
        assert!(first[0].headers().contains(named), "{first:?}");
        pbx.sent(transfer, 1, 1, true);
        assert_eq!(pbx.notified(transfer, "refer", GONE, OK), 481);
        assert_eq!(pbx.try_notify(transfer, 1, &notify("refer", GONE, OK)), (SIPXFER_OK, 200));
        assert_eq!(pbx.told(transfer), [HANG_UP, Told::Success(200)]);
        let message = "INVITE sip:a@b SIP/2.0\r\nSupported: tdialog\r\n\
                       Contact: <sip:bob@h;gr=urn:uuid:1>\r\n\r\n";
        let read = Wish { peer_message: message.into(), ..wish.clone() };
        let transfer = pbx.start(&read);
        assert!(matches!(pbx.told(transfer).as_slice(), [Told::Send(false, 1, _)]));
        let headers = first_headers(&pbx, &wish);
        assert!(!headers.contains("Target-Dialog"), "{headers}");
    });
}

#[test]
fn r023_replaces_is_offered_by_the_settings() {
    let pbx = Pbx::new(Kind::Own);
    assert!(first_headers(&pbx, &Wish::blind()).contains("Supported: replaces\r\n"));
    pbx.set("replaces.allow", "no");
    assert!(!first_headers(&pbx, &Wish::blind()).contains("Supported"));
}

#[test]
fn ids_of_sent_and_received_transfers_are_strange_to_each_other() {
    on_both(|pbx| {
        let sent = pbx.start(&Wish::blind());
        let received = pbx.receive(&refer_to("<sip:100@h>"), known("bob"));
        assert_eq!(pbx.count(), 2);
        assert_eq!(pbx.bye(sent), SIPXFER_E_NOT_FOUND);
        assert!(pbx.outputs(sent).list.is_empty());
        assert_eq!(pbx.call_ended(received), SIPXFER_E_NOT_FOUND);
        assert_eq!(pbx.sent(received, 1, 7, true), SIPXFER_E_NOT_FOUND);
        assert_eq!(pbx.respond(received, 1, ""), SIPXFER_E_NOT_FOUND);
        assert_eq!(pbx.consultation_ended(received), SIPXFER_E_NOT_FOUND);
        assert_eq!(pbx.consultation_answered(received), SIPXFER_E_NOT_FOUND);
        let notified = pbx.try_notify(received, 0, &notify("refer", GONE, OK));
        assert_eq!((notified.0, pbx.told(received)), (SIPXFER_E_NOT_FOUND, vec![]));
    });
}

#[test]
fn the_deadline_is_the_earliest_of_both_sides_and_the_host_is_told_of_it() {
    let mut pbx = Pbx::new(Kind::Own);
    pbx.receive(&refer_to("<sip:100@h>"), known("bob"));
    assert_eq!(pbx.next_deadline(), pbx.now_ms + 180_000);
    let transfer = pbx.start(&Wish::blind());
    assert_eq!(pbx.next_deadline(), pbx.now_ms + 32_000);
    let told = |pbx: &Pbx| pbx.host.deadlines.lock().unwrap().clone();
    assert_eq!(told(&pbx), [pbx.now_ms + 180_000, pbx.now_ms + 32_000]);
    pbx.now_ms += 10;
    pbx.sent(transfer, 1, 7, true);
    assert_eq!(told(&pbx).last(), Some(&(pbx.now_ms + 32_000)));
    pbx.respond(transfer, 1, &response(603, ""));
    assert_eq!(told(&pbx).last(), Some(&(1_000 + 180_000)));
}

#[test]
fn what_is_out_of_range_or_unfit_is_refused_and_nothing_begins() {
    let pbx = Pbx::new(Kind::Own);
    let status = |wish: &Wish| pbx.try_start(wish);
    for wish in [
        Wish { kind: 0, ..Wish::blind() },
        Wish { kind: 4, ..Wish::blind() },
        Wish { peer: 16, ..Wish::blind() },
        Wish { state: 0, ..Wish::attended() },
        Wish { state: SIPXFER_DIALOG_EARLY, initiator: 0, ..Wish::attended() },
        Wish { initiator: 3, ..Wish::attended() },
    ] {
        assert_eq!(status(&wish), (SIPXFER_E_RANGE, 0), "{wish:?}");
    }
    for wish in [
        Wish { target: "", ..Wish::blind() },
        Wish { target: "sip:a@b\r\nX: y", ..Wish::blind() },
        Wish { target: "sip:a@b?Replaces=x", ..Wish::blind() },
        Wish { referred_by: "<sip:a@b", ..Wish::blind() },
        Wish { peer_message: "200 OK".into(), ..Wish::blind() },
        Wish { aor: "sip:a@b>", ..Wish::attended() },
        Wish { call: Some(["", "l", "r"]), ..Wish::blind() },
    ] {
        assert_eq!(status(&wish), (SIPXFER_E_PARSE, 0), "{wish:?}");
    }
    assert_eq!((pbx.count(), pbx.next_deadline()), (0, u64::MAX));
    let transfer = pbx.start_and_send(&Wish::blind());
    for attempt in [0, 3, 257] {
        assert_eq!(pbx.sent(transfer, attempt, 7, true), SIPXFER_E_RANGE);
        assert_eq!(pbx.respond(transfer, attempt, ""), SIPXFER_E_RANGE);
    }
    assert_eq!(pbx.try_notify(transfer, 3, &notify("refer", GONE, OK)).0, SIPXFER_E_RANGE);
    assert_eq!(pbx.sent(transfer, 1, 1 << 31, true), SIPXFER_E_RANGE);
    assert_eq!(pbx.respond(transfer, 1, &notify("refer", GONE, OK)), SIPXFER_E_PARSE);
    assert_eq!(pbx.try_notify(transfer, 0, &response(200, "")).0, SIPXFER_E_PARSE);
    assert_eq!(pbx.try_notify(transfer, 0, "").0, SIPXFER_E_PARSE);
    assert_eq!(pbx.told(transfer), []);
}

#[test]
fn an_output_that_does_not_fit_stays_the_next_one() {
    let pbx = Pbx::new(Kind::Own);
    let transfer = pbx.start(&Wish::attended());
    let mut output: sipxfer_refer_output = unsafe { std::mem::zeroed() };
    output.struct_size = size_of::<sipxfer_refer_output>();
    let mut room = [0_u8; 16];
    let to = room.as_mut_ptr().cast();
    let status = unsafe { sipxfer_refer_next(pbx.engine, transfer, to, 16, &mut output) };
    assert_eq!(status, SIPXFER_E_BUFFER);
    assert!(matches!(pbx.told(transfer).as_slice(), [Told::Send(true, 1, _)]));
}

#[test]
fn a_bare_status_line_stands_for_a_refer_that_could_not_be_sent() {
    let pbx = Pbx::new(Kind::Own);
    let transfer = pbx.start_and_send(&Wish::blind());
    assert_eq!(pbx.respond(transfer, 1, "SIP/2.0 503\r\n\r\n"), SIPXFER_OK);
    assert_eq!(pbx.told(transfer), [KEEP_CALL, failure(503, "")]);
}

#[test]
fn two_engines_over_a_network_that_loses_and_reorders_come_to_one_outcome_each() {
    let mut pair = lossy::Pair::new();
    for seed in 0..4_000 {
        println!("seed {seed}");
        pair.run(seed);
    }
    assert!(pair.seen.iter().all(|seen| *seen > 100), "{:?}", pair.seen);
}
