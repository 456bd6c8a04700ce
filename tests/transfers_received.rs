//! Transfers as objects, through the C functions: from a received REFER to its one outcome, on a
//! virtual clock and on both kinds of directory.

// What a C host does is unsafe from end to end.
#![allow(clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod common_rules;

use common_rules::callbacks::Dialog;
use common_rules::messages::{refer_to, request};
use common_rules::outputs::Out;
use common_rules::{known, on_both, From, Kind, Pbx};
use sipxfer::ffi::*;

const BLIND: &str = "<sip:100@h>";

/// The same REFER with another CSeq, as the next one of its dialog has.
fn next_refer(cseq: u32) -> String {
    refer_to(BLIND).replace("CSeq: 7 ", &format!("CSeq: {cseq} "))
}

fn notify(code: u32) -> Out {
    Out::Notify(code)
}

#[test]
fn r034_an_accepted_refer_is_answered_then_notified_then_started() {
    on_both(|pbx| {
        let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
        let outputs = pbx.outputs(transfer);
        let expected = [Out::Answer(202), notify(100), Out::Command(SIPXFER_COMMAND_START)];
        assert_eq!(outputs.kinds(), expected);
        let first = &outputs.list[1];
        assert_eq!(
            first.headers,
            "Event: refer\r\nSubscription-State: active;expires=212\r\n\
             Content-Type: message/sipfrag;version=2.0\r\n"
        );
        assert_eq!(first.body, "SIP/2.0 100 Trying\r\n");
        assert_eq!(pbx.count(), 1);
    });
}

#[test]
fn a_refused_refer_begins_nothing() {
    on_both(|pbx| {
        let (got, transfer) = pbx.receive_any(&refer_to("<sip:unknown@h>"), known("bob"));
        got.refused(404, 32);
        assert_eq!((transfer, pbx.count()), (0, 0));
    });
}

#[test]
fn r041_r043_the_final_status_reaches_the_transferor_and_the_transfer_goes() {
    on_both(|pbx| {
        let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
        pbx.outputs(transfer);
        assert_eq!(pbx.progress(transfer, 180, ""), SIPXFER_OK);
        assert_eq!(pbx.progress(transfer, 200, "Fine"), SIPXFER_OK);
        let outputs = pbx.outputs(transfer);
        assert_eq!(outputs.kinds(), [notify(200), Out::Finished(200, SIPXFER_CAUSE_TARGET)]);
        assert!(outputs.list[0].headers.contains("terminated;reason=noresource"));
        assert_eq!(outputs.list[0].body, "SIP/2.0 200 Fine\r\n");
        assert_eq!(pbx.count(), 0, "it is over and has said everything");
        assert_eq!(pbx.progress(transfer, 200, ""), SIPXFER_E_NOT_FOUND);
        let transfer = pbx.set("notify.detail", "code").receive(&next_refer(9), known("bob"));
        pbx.progress(transfer, 200, "Fine");
        assert_eq!(pbx.outputs(transfer).list[3].body, "SIP/2.0 200 OK\r\n");
    });
}

#[test]
fn r081_a_busy_target_gives_the_call_back() {
    on_both(|pbx| {
        let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
        pbx.outputs(transfer);
        pbx.progress(transfer, 486, "");
        let expected = [
            notify(486),
            Out::Command(SIPXFER_COMMAND_KEEP_CALL),
            Out::Finished(486, SIPXFER_CAUSE_TARGET),
        ];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
    });
}

#[test]
fn r084_r078_a_bye_ends_neither_and_a_later_failure_goes_by_the_setting() {
    on_both(|pbx| {
        for (setting, command) in [
            ("keep", SIPXFER_COMMAND_RECALL_TRANSFEROR),
            ("recall", SIPXFER_COMMAND_RECALL_TRANSFEROR),
            ("hangup", SIPXFER_COMMAND_HANG_UP_TRANSFEREE),
        ] {
            pbx.set("refer.on_failure", setting);
            let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
            pbx.outputs(transfer);
            assert_eq!(pbx.bye(transfer), SIPXFER_OK);
            assert!(pbx.outputs(transfer).list.is_empty());
            pbx.progress(transfer, 603, "");
            let expected =
                [notify(603), Out::Command(command), Out::Finished(603, SIPXFER_CAUSE_TARGET)];
            assert_eq!(pbx.outputs(transfer).kinds(), expected, "{setting}");
            pbx.end_dialog_of_refers();
        }
    });
}

#[test]
fn r042_the_second_refer_of_a_dialog_carries_its_cseq_and_both_are_told_apart() {
    on_both(|pbx| {
        let first = pbx.receive(&next_refer(7), known("bob"));
        let second = pbx.receive(&next_refer(8), known("bob"));
        let event = |transfer| pbx.outputs(transfer).list[1].headers.clone();
        assert!(event(first).starts_with("Event: refer\r\n"));
        assert!(event(second).starts_with("Event: refer;id=8\r\n"));
        let dialog = Dialog::of("bob", "first@phone", "pbx-to-bob", "bob-to-pbx");
        assert_eq!(pbx.find(&dialog, 8), Some(second));
        assert_eq!(pbx.find(&dialog, 0), Some(first));
        assert_eq!(pbx.find(&dialog, 9), None);
        pbx.progress(second, 404, "");
        pbx.progress(first, 200, "");
        assert!(event(second).is_empty() || pbx.count() == 1);
        pbx.outputs(first);
        // Both are over: the third is no first one.
        let third = pbx.receive(&next_refer(9), known("bob"));
        assert!(event(third).starts_with("Event: refer;id=9\r\n"));
    });
}

#[test]
fn a_second_refer_while_one_is_pending_is_491_by_the_setting() {
    on_both(|pbx| {
        pbx.set("refer.concurrent", "reject");
        let first = pbx.receive(&next_refer(7), known("bob"));
        let (got, second) = pbx.receive_any(&next_refer(8), known("bob"));
        assert_eq!((got.refused(491, 0).setting.as_str(), second), ("refer.concurrent", 0));
        pbx.progress(first, 200, "");
        assert!(pbx.receive(&next_refer(9), known("bob")) != 0);
    });
}

#[test]
fn r034_a_retransmitted_refer_is_the_same_transfer_and_is_answered_again() {
    on_both(|pbx| {
        let first = pbx.receive(&next_refer(7), known("bob"));
        pbx.outputs(first);
        // Nobody else makes it be answered again: no stranger, and no other request of that CSeq.
        pbx.receive_any(&next_refer(7), common_rules::STRANGER);
        pbx.receive_any(&next_refer(7).replace("REFER", "INFO"), known("bob"));
        assert!(pbx.outputs(first).list.is_empty());
        // Judged anew it would be refused: its extension is gone.
        pbx.no_extensions();
        let (got, again) = pbx.receive_any(&next_refer(7), known("bob"));
        assert_eq!((got.is(SIPXFER_VERDICT_NONE, 0).code, again), (202, first));
        assert_eq!(pbx.outputs(first).kinds(), [Out::Answer(202)]);
        assert_eq!(pbx.count(), 1);
        pbx.progress(first, 200, "");
        pbx.outputs(first);
        // Its transfer is over and gone; nothing starts a second time.
        let (got, gone) = pbx.receive_any(&next_refer(7), known("bob"));
        assert_eq!((got.is(SIPXFER_VERDICT_NONE, 0).code, gone), (202, 0));
        let (got, older) = pbx.receive_any(&next_refer(6), known("bob"));
        assert_eq!((got.is(SIPXFER_VERDICT_NONE, 0).code, older), (202, 0));
        assert_eq!(pbx.count(), 0);
        let (got, _) = pbx.receive_any(&next_refer(7), common_rules::STRANGER);
        got.is(SIPXFER_VERDICT_CHALLENGE, 31);
    });
}

#[test]
fn r047_progress_is_paced_and_the_last_state_wins() {
    on_both(|mut pbx| {
        let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
        pbx.outputs(transfer);
        for code in [180, 183, 182] {
            pbx.progress(transfer, code, "");
        }
        assert!(pbx.outputs(transfer).list.is_empty());
        assert_eq!(pbx.next_deadline(), pbx.now_ms + 1_000);
        pbx.now_ms += 1_000;
        pbx.tick();
        assert_eq!(pbx.outputs(0).kinds(), [notify(182)]);
    });
}

#[test]
fn r063_without_a_subscription_there_is_no_notify() {
    on_both(|pbx| {
        let line = format!("Refer-To: {BLIND}\r\nRefer-Sub: false\r\n");
        let transfer = pbx.receive(&request("REFER", ";tag=pbx-to-bob", &line), known("bob"));
        let outputs = pbx.outputs(transfer);
        assert_eq!(outputs.kinds(), [Out::Answer(202), Out::Command(SIPXFER_COMMAND_START)]);
        assert_eq!(outputs.list[0].headers, "Refer-Sub: false\r\n");
        pbx.progress(transfer, 200, "");
        let expected = [Out::Finished(200, SIPXFER_CAUSE_TARGET)];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
    });
}

#[test]
fn r038_r040_a_refresh_and_an_unsubscribe_leave_the_transfer_alone() {
    on_both(|pbx| {
        let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
        pbx.outputs(transfer);
        assert_eq!(pbx.subscribe(transfer, 30), (SIPXFER_OK, 30));
        assert_eq!(pbx.outputs(transfer).kinds(), [notify(100)]);
        assert_eq!(pbx.subscribe(transfer, 0), (SIPXFER_OK, 0));
        let last = pbx.outputs(transfer);
        assert!(last.list[0].headers.contains("terminated;reason=timeout"), "{last:?}");
        assert_eq!(pbx.subscribe(transfer, 30).0, SIPXFER_E_NO_SUBSCRIPTION);
        pbx.progress(transfer, 200, "");
        let expected = [Out::Finished(200, SIPXFER_CAUSE_TARGET)];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
    });
}

#[test]
fn r075_a_notify_that_gets_481_ends_the_subscription_and_not_the_transfer() {
    on_both(|pbx| {
        let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
        pbx.outputs(transfer);
        assert_eq!(pbx.notify_answered(transfer, 481), SIPXFER_OK);
        pbx.progress(transfer, 486, "");
        let expected =
            [Out::Command(SIPXFER_COMMAND_KEEP_CALL), Out::Finished(486, SIPXFER_CAUSE_TARGET)];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
    });
}

#[test]
fn r033_a_late_refusal_is_notified_as_603() {
    on_both(|pbx| {
        *pbx.host.approve.lock().unwrap() = Some(SIPXFER_LATER);
        let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
        assert_eq!(pbx.outputs(transfer).kinds(), [Out::Answer(202), notify(100)]);
        assert_eq!(pbx.progress(transfer, 200, ""), SIPXFER_E_WRONG_STATE);
        assert_eq!(pbx.decide(transfer, SIPXFER_NO), SIPXFER_OK);
        let expected = [
            notify(603),
            Out::Command(SIPXFER_COMMAND_KEEP_CALL),
            Out::Finished(603, SIPXFER_CAUSE_REFUSED),
        ];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
        assert_eq!(pbx.decide(transfer, SIPXFER_YES), SIPXFER_E_NOT_FOUND);
    });
}

#[test]
fn no_transfer_is_left_without_an_outcome() {
    on_both(|mut pbx| {
        let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
        pbx.outputs(transfer);
        pbx.now_ms += 180_000;
        pbx.tick();
        let expected = [
            notify(408),
            Out::Command(SIPXFER_COMMAND_KEEP_CALL),
            Out::Finished(408, SIPXFER_CAUSE_DEADLINE),
        ];
        assert_eq!(pbx.outputs(0).kinds(), expected);
        assert_eq!((pbx.count(), pbx.next_deadline()), (0, u64::MAX));
    });
}

#[test]
fn an_application_controls_a_transfer_by_its_commands() {
    on_both(|pbx| {
        pbx.set_in("endpoint:bob", "transfer_handling", "application-only");
        let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
        let expected = [Out::Answer(202), notify(100), Out::Event(String::new())];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
        assert_eq!(pbx.progress(transfer, 180, ""), SIPXFER_E_NOT_CONTROLLED);
        assert_eq!(pbx.command(transfer, "channel_nonsense"), SIPXFER_E_RANGE);
        assert_eq!(pbx.command(transfer, "channel_answered"), SIPXFER_OK);
        let expected = [
            notify(200),
            Out::Event("channel_answered".into()),
            Out::Finished(200, SIPXFER_CAUSE_APPLICATION),
        ];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
        assert_eq!(pbx.command(transfer, "channel_answered"), SIPXFER_E_NOT_FOUND);
        // One that the host controls takes no commands.
        pbx.set_in("endpoint:bob", "transfer_handling", "default");
        let other = pbx.receive(&next_refer(8), known("bob"));
        assert_eq!(pbx.command(other, "channel_answered"), SIPXFER_E_NOT_CONTROLLED);
    });
}

#[test]
fn the_host_says_of_one_call_who_controls_its_transfer() {
    on_both(|pbx| {
        let by = |handling| From { handling, ..known("bob") };
        let transfer = pbx.receive(&refer_to(BLIND), by(SIPXFER_HANDLING_APPLICATION));
        let expected = [Out::Answer(202), notify(100), Out::Event(String::new())];
        assert_eq!(pbx.outputs(transfer).kinds(), expected);
        assert_eq!(pbx.command(transfer, "channel_answered"), SIPXFER_OK);
        pbx.set_in("endpoint:bob", "transfer_handling", "application-only");
        let other = pbx.receive(&next_refer(8), by(SIPXFER_HANDLING_HOST));
        assert_eq!(pbx.command(other, "channel_answered"), SIPXFER_E_NOT_CONTROLLED);
    });
}

#[test]
fn an_application_that_says_nothing_is_channel_unavailable_at_the_deadline() {
    on_both(|mut pbx| {
        for (code, setting) in [(503, "503"), (408, "408")] {
            pbx.set_in("endpoint:bob", "transfer_handling", "application-only");
            pbx.set("application.timeout_ms", "2000").set("application.timeout_code", setting);
            let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
            pbx.outputs(transfer);
            assert_eq!(pbx.next_deadline(), pbx.now_ms + 2_000);
            pbx.now_ms += 2_000;
            // Too late: the deadline comes first, whether or not a tick did.
            let late = pbx.command(transfer, "channel_answered");
            assert_eq!(late, SIPXFER_E_WRONG_STATE);
            let expected = [
                notify(code),
                Out::Event("channel_unavailable".into()),
                Out::Command(SIPXFER_COMMAND_KEEP_CALL),
                Out::Finished(code, SIPXFER_CAUSE_DEADLINE),
            ];
            assert_eq!(pbx.outputs(transfer).kinds(), expected);
            pbx.end_dialog_of_refers();
        }
    });
}

#[test]
fn the_host_is_told_of_each_other_deadline() {
    let mut pbx = Pbx::new(Kind::Own);
    let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
    pbx.outputs(transfer);
    let told = |pbx: &Pbx| pbx.host.deadlines.lock().unwrap().clone();
    assert_eq!(told(&pbx), [pbx.now_ms + 180_000]);
    pbx.progress(transfer, 180, "");
    assert_eq!(told(&pbx).last(), Some(&(pbx.now_ms + 1_000)));
    pbx.now_ms += 1_000;
    pbx.tick();
    pbx.progress(transfer, 200, "");
    assert_eq!(told(&pbx).last(), Some(&u64::MAX));
}

#[test]
fn r078_a_bye_concerns_every_transfer_of_its_dialog() {
    on_both(|pbx| {
        let dialog = Dialog::of("bob", "first@phone", "pbx-to-bob", "bob-to-pbx");
        let ids: Vec<u64> =
            (7..10).map(|cseq| pbx.receive(&next_refer(cseq), known("bob"))).collect();
        ids.iter().for_each(|id| drop(pbx.outputs(*id)));
        pbx.progress(ids[2], 200, "");
        pbx.outputs(ids[2]);
        assert_eq!(pbx.dialog_bye(&dialog), 2);
        assert!(pbx.outputs(0).list.is_empty());
        for id in &ids[..2] {
            pbx.progress(*id, 603, "");
            let recall = Out::Command(SIPXFER_COMMAND_RECALL_TRANSFEROR);
            assert!(pbx.outputs(*id).kinds().contains(&recall));
        }
        assert_eq!(pbx.dialog_bye(&dialog), 0);
    });
}

#[test]
fn r081_a_bye_that_brings_the_transferor_back_is_had_of_any_transfer() {
    on_both(|pbx| {
        let dialog = Dialog::of("bob", "first@phone", "pbx-to-bob", "bob-to-pbx");
        let line = format!("Refer-To: {BLIND}\r\nUser-Agent: Yealink SIP-T52S\r\n");
        let transfer = pbx.receive(&request("REFER", ";tag=pbx-to-bob", &line), known("bob"));
        pbx.progress(transfer, 486, "");
        let outputs = pbx.outputs(transfer);
        assert!(outputs.kinds().contains(&Out::Command(SIPXFER_COMMAND_KEEP_CALL)));
        assert!(!outputs.list.last().unwrap().last, "its BYE may be on the way");
        assert_eq!(pbx.dialog_bye(&dialog), 1);
        let outputs = pbx.outputs(0);
        assert_eq!(outputs.kinds(), [Out::Command(SIPXFER_COMMAND_RECALL_TRANSFEROR)]);
        assert!(outputs.list[0].last);
        assert_eq!(pbx.count(), 0);
    });
}

#[test]
fn this_side_does_not_hang_up_sooner_than_the_device_would() {
    on_both(|mut pbx| {
        pbx.set("refer.hang_up_after_ms", "1000");
        let line = format!("Refer-To: {BLIND}\r\nUser-Agent: Cisco/SPA525G\r\n");
        let transfer = pbx.receive(&request("REFER", ";tag=pbx-to-bob", &line), known("bob"));
        pbx.progress(transfer, 200, "");
        pbx.outputs(transfer);
        assert_eq!(pbx.next_deadline(), pbx.now_ms + 4_000);
        pbx.now_ms += 4_000;
        pbx.tick();
        let expected = [Out::Command(SIPXFER_COMMAND_HANG_UP_TRANSFEROR)];
        assert_eq!(pbx.outputs(0).kinds(), expected);
    });
}

#[test]
fn the_last_output_says_so_and_a_finished_before_it_does_not() {
    on_both(|pbx| {
        let last = |list: &[common_rules::outputs::Output]| -> Vec<bool> {
            list.iter().map(|output| output.last).collect()
        };
        let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
        assert_eq!(last(&pbx.outputs(transfer).list), [false; 3]);
        pbx.progress(transfer, 486, "");
        assert_eq!(last(&pbx.outputs(transfer).list), [false, false, true]);
        assert_eq!(pbx.progress(transfer, 486, ""), SIPXFER_E_NOT_FOUND);
        pbx.set("refer.hang_up_after_ms", "1000");
        let transfer = pbx.receive(&next_refer(8), known("bob"));
        pbx.outputs(transfer);
        pbx.progress(transfer, 200, "");
        let outputs = pbx.outputs(transfer);
        assert_eq!(outputs.kinds()[1], Out::Finished(200, SIPXFER_CAUSE_TARGET));
        assert_eq!(last(&outputs.list), [false, false]);
        pbx.bye(transfer);
        assert_eq!(pbx.count(), 0);
    });
}

#[test]
fn a_buffer_that_is_too_small_is_told_what_is_needed() {
    on_both(|pbx| {
        pbx.set("transfer_handling", "application-only");
        let user = "x".repeat(3_000);
        pbx.extension("default", &user);
        let message = refer_to(&format!("<sip:{user}@h>"));
        let transfer = pbx.receive(&message, known("bob"));
        let mut output: sipxfer_output = unsafe { std::mem::zeroed() };
        let mut buffer = vec![0_u8; 1_024 + message.len()];
        let mut next = |len: usize, size: usize| {
            output.struct_size = size;
            let to = buffer.as_mut_ptr().cast();
            let status =
                unsafe { sipxfer_transfer_next(pbx.engine, transfer, to, len, &mut output) };
            (status, output)
        };
        let whole = size_of::<sipxfer_output>();
        assert_eq!(next(0, whole).0, SIPXFER_OK);
        let (status, told) = next(10, whole);
        let needed = told.needed;
        assert_eq!(
            (status, told.kind),
            (SIPXFER_E_BUFFER, SIPXFER_OUTPUT_ANSWER),
            "left as it was"
        );
        assert_eq!(next(needed - 1, whole).0, SIPXFER_E_BUFFER);
        let (status, told) = next(needed, whole);
        assert_eq!((status, told.kind, told.needed), (SIPXFER_OK, SIPXFER_OUTPUT_NOTIFY, needed));
        // An older host has no such field, and nothing is written behind its struct.
        let old = std::mem::offset_of!(sipxfer_output, last);
        let (status, told) = next(SIPXFER_OUTPUT_SIZE, old);
        assert_eq!((status, told.needed), (SIPXFER_E_BUFFER, needed));
        let (status, told) = next(SIPXFER_OUTPUT_SIZE, whole);
        assert_eq!((status, told.needed), (SIPXFER_E_BUFFER, user.len()));
        assert_eq!(next(1_024 + message.len(), whole).0, SIPXFER_OK, "SIPXFER_EVENT_SIZE()");
    });
}

fn name(of: *const std::ffi::c_char) -> &'static str {
    unsafe { std::ffi::CStr::from_ptr(of) }.to_str().unwrap()
}

#[test]
fn every_number_that_a_host_logs_has_a_name_of_its_own() {
    let names: [(extern "C" fn(u32) -> *const std::ffi::c_char, u32, &str); 7] = [
        (sipxfer_output_name, SIPXFER_OUTPUT_FINISHED, "finished"),
        (sipxfer_command_name, SIPXFER_COMMAND_ROUTE, "route"),
        (sipxfer_cause_name, SIPXFER_CAUSE_GIVEN_UP, "given_up"),
        (sipxfer_refer_output_name, SIPXFER_REFER_OUTPUT_FINISHED, "finished"),
        (sipxfer_refer_command_name, SIPXFER_REFER_COMMAND_HANG_UP, "hang_up"),
        (sipxfer_refer_outcome_name, SIPXFER_REFER_UNKNOWN, "outcome_unknown"),
        (sipxfer_refer_why_name, SIPXFER_REFER_WHY_NOT_SUBSCRIBED, "not_subscribed"),
    ];
    for (function, last, its) in names {
        let all: std::collections::BTreeSet<_> = (1..=last).map(|it| name(function(it))).collect();
        assert_eq!(all.len(), last as usize, "{all:?}");
        assert!(!all.contains("unknown"), "{all:?}");
        assert_eq!(name(function(last)), its);
        assert_eq!((name(function(0)), name(function(last + 1))), ("unknown", "unknown"));
    }
    assert_eq!(name(sipxfer_verdict_name(SIPXFER_VERDICT_PASS)), "pass");
}

#[test]
fn r039_a_subscribe_that_belongs_to_no_refer_is_told_from_one_that_does() {
    on_both(|pbx| {
        let stranger = Dialog::of("bob", "other@phone", "x", "y");
        assert_eq!(pbx.find(&stranger, 0), None);
        assert_eq!(pbx.find(&stranger, 7), None);
        pbx.receive(&refer_to(BLIND), known("bob"));
        assert_eq!(pbx.find(&stranger, 0), None);
    });
}

fn text_of(text: &str) -> sipxfer_str {
    sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() }
}

/// The event as JSON, checked against the schema.
fn event_json(event: &sipxfer_event) -> serde_json::Value {
    let mut needed = 0;
    let status = unsafe { sipxfer_event_json(event, std::ptr::null_mut(), 0, &mut needed) };
    assert_eq!(status, SIPXFER_E_BUFFER);
    let mut buffer = vec![0_u8; needed];
    let to = buffer.as_mut_ptr().cast();
    let status = unsafe { sipxfer_event_json(event, to, buffer.len(), &mut needed) };
    assert_eq!(status, SIPXFER_OK);
    let json = serde_json::from_slice(&buffer).unwrap();
    let schema = include_str!("schema/channel_transfer.schema.json");
    let schema = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    assert!(schema.is_valid(&json), "{json}");
    json
}

#[test]
fn the_application_learns_what_was_asked_for_with_each_event() {
    on_both(|pbx| {
        pbx.set_in("endpoint:bob", "transfer_handling", "ari-only");
        let elsewhere = "<sip:c@h?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>";
        for (value, replaces, destination) in
            [(BLIND, "", "100"), (elsewhere, "a@b;to-tag=1;from-tag=2", "")]
        {
            let transfer = pbx.receive(&refer_to(value), known("bob"));
            pbx.command(transfer, "channel_answered");
            let outputs = pbx.outputs(transfer);
            let asked = (replaces.to_string(), destination.to_string());
            let events: Vec<_> = outputs.list.iter().filter(|it| it.is_event()).collect();
            assert_eq!(events.len(), 2);
            assert!(events.iter().all(|event| event.asked == asked), "{outputs:?}");
            pbx.end_dialog_of_refers();
        }
    });
}

#[test]
fn an_event_is_the_json_that_ari_knows() {
    let mut event: sipxfer_event = unsafe { std::mem::zeroed() };
    event.struct_size = size_of::<sipxfer_event>();
    event.state = text_of("channel_progress");
    event.replaces = text_of("a\"@b;to-tag=1;from-tag=2");
    event.source_channel = text_of(r#"{"id":"1","name":"PJSIP/bob-1"}"#);
    event.source_connected = text_of(r#"{"id":"2","name":"PJSIP/alice-1"}"#);
    event.source_bridge = text_of(r#"{"id":"b1","channels":["1","2"]}"#);
    let json = event_json(&event);
    assert_eq!(json["type"], "ChannelTransfer");
    assert_eq!(json["state"], "channel_progress");
    let wanted = &json["refer_to"]["requested_destination"];
    assert_eq!(wanted["protocol_id"], "a\"@b");
    assert_eq!(json["referred_by"]["connected_channel"]["id"], "2");
    assert_eq!(json["referred_by"]["bridge"]["id"], "b1");
    assert!(json["refer_to"].get("destination_channel").is_none());
    event.replaces = text_of("");
    event.destination = text_of("100\",\"x\":\"y");
    event.destination_channel = text_of(r#"{"id":"3"}"#);
    let json = event_json(&event);
    let wanted = &json["refer_to"]["requested_destination"];
    assert_eq!(wanted["destination"], "100\",\"x\":\"y");
    assert_eq!(json["refer_to"]["destination_channel"]["id"], "3");
    let refused = |event: &sipxfer_event| {
        let mut needed = 0;
        unsafe { sipxfer_event_json(event, std::ptr::null_mut(), 0, &mut needed) }
    };
    event.source_channel = text_of(r#"{"id":"1"},"more":{"#);
    assert_eq!(refused(&event), SIPXFER_E_PARSE);
    event.source_channel = text_of("");
    assert_eq!(refused(&event), SIPXFER_E_PARSE);
    event.source_channel = text_of("{}");
    event.state = text_of("channel_busy");
    assert_eq!(refused(&event), SIPXFER_E_RANGE);
    event.state = text_of("");
    event.replaces = text_of("a;to-tag=1;from-tag=2");
    assert_eq!(refused(&event), SIPXFER_E_RANGE, "both");
}

#[test]
fn a_device_profile_says_who_hangs_up_and_the_user_can_add_one() {
    on_both(|mut pbx| {
        pbx.set("profile.acme", "match=^Acme, accept=200, event-id-first=yes, hang-up=us:2000");
        let line = format!("Refer-To: {BLIND}\r\nUser-Agent: Acme Phone/1\r\n");
        let transfer = pbx.receive(&request("REFER", ";tag=pbx-to-bob", &line), known("bob"));
        let outputs = pbx.outputs(transfer);
        assert_eq!(outputs.kinds()[0], Out::Answer(200));
        let again = request("REFER", ";tag=pbx-to-bob", &line);
        let (got, same) = pbx.receive_any(&again, known("bob"));
        assert_eq!((got.code, same), (200, transfer));
        assert_eq!(pbx.outputs(transfer).kinds(), [Out::Answer(200)]);
        assert!(outputs.list[1].headers.starts_with("Event: refer;id=7\r\n"));
        pbx.progress(transfer, 200, "");
        pbx.outputs(transfer);
        pbx.now_ms += 2_000;
        pbx.tick();
        let expected = [Out::Command(SIPXFER_COMMAND_HANG_UP_TRANSFEROR)];
        assert_eq!(pbx.outputs(0).kinds(), expected);
    });
}
