//! What is sent, and what has to happen before.

use super::*;
use crate::sip::Message;

/// RFC 3515 section 2: REFER "MUST contain a single Contact". The host adds it, so none is printed.
#[test]
fn r028_the_header_lines_hold_no_contact_of_their_own() {
    let mut with_all = options(GRUU);
    with_all.referred_by = b"<sip:bob@example.com>";
    with_all.subscribe = false;
    let transferor = begun(&Transfer::Attended(attended()), &with_all, &[outside(1)]);
    assert_eq!(
        headers(&transferor),
        "Refer-To: <sip:carol@192.0.2.7:5062;transport=tcp\
         ?Replaces=consult%40pbx%3Bto-tag%3Dtarget%3Bfrom-tag%3Dpbx>\r\n\
         Referred-By: <sip:bob@example.com>\r\n\
         Refer-Sub: false\r\n\
         Target-Dialog: call@pbx;local-tag=theirs;remote-tag=ours\r\n\
         Supported: replaces, norefersub, tdialog\r\n"
    );
    let mut with_none = options(Peer::default());
    with_none.supports_replaces = false;
    let transferor =
        begun(&Transfer::Blind { target: b"tel:+15105550123" }, &with_none, &[refer(1)]);
    assert_eq!(headers(&transferor), "Refer-To: <tel:+15105550123>\r\n");
}

#[test]
fn r057_target_dialog_goes_only_to_a_peer_that_advertises_it() {
    let stranger = Peer { tdialog: false, ..GRUU };
    let transferor = begun(&Transfer::Blind { target: AOR }, &options(stranger), &[refer(1)]);
    assert!(!headers(&transferor).contains("dialog"));

    let supported = |tags: &str| {
        let text = format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:b@h>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:b@192.0.2.1>\r\nSupported: {tags}\r\n\r\n"
        );
        Peer::of(&Message::parse(text.as_bytes()).unwrap())
    };
    assert_eq!(supported("timer"), Peer::default());
    assert_eq!(supported("timer, TDialog,replaces\r\nk: norefersub"), KNOWS_ALL);
}

/// RFC 7647: section 3 makes GRUUs mandatory, section 4 prohibits the reuse of the dialog; checked
/// against these titles only.
#[test]
fn r067_a_refer_outside_the_dialog_names_its_call() {
    let mut transferor = begun(&Transfer::Blind { target: AOR }, &options(GRUU), &[outside(1)]);
    let lines = headers(&transferor);
    assert!(lines.contains("Target-Dialog: call@pbx;local-tag=theirs;remote-tag=ours\r\n"));
    assert!(lines.contains("Supported: replaces, tdialog\r\n"));
    assert!(!lines.contains("Require"));

    // Its NOTIFYs come in a dialog of its own; one in the call's is another's.
    transferor.sent(1000, 1, 1, true);
    notified(transferor.notify(1010, &event(b"refer", ACTIVE, OK)), 481, &[]);
    let own = Notify { attempt: Some(1), ..event(b"refer", ACTIVE, TRYING) };
    notified(transferor.notify(1010, &own), 200, &[trying()]);
    let wrong = Notify { attempt: Some(1), ..event(b"refer;id=2", ACTIVE, OK) };
    notified(transferor.notify(1010, &wrong), 481, &[]);
}

#[test]
fn r068_only_a_gruu_lets_a_refer_leave_the_dialog() {
    begun(&Transfer::Blind { target: AOR }, &options(KNOWS_ALL), &[refer(1)]);
    let unnamed = Options { target_dialog: None, ..options(GRUU) };
    begun(&Transfer::Blind { target: AOR }, &unnamed, &[refer(1)]);

    let text = b"INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
        From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
        Contact: \"A\" <sip:a@example.com;gr=urn:uuid:f81d4fae>;expires=60\r\n\r\n";
    let peer = Peer::of(&Message::parse(text).unwrap());
    assert_eq!(peer, Peer { contact_is_gruu: true, ..Peer::default() });
}

#[test]
fn r085_refer_to_is_the_contact_where_it_can_be_reached_and_else_the_aor() {
    let line = |attended: Attended<'_>| {
        let transfer = Transfer::Attended(attended);
        headers(&begun(&transfer, &options(KNOWS_ALL), &[refer(1)]))
    };
    let triple = "Replaces=consult%40pbx%3Bto-tag%3Dtarget%3Bfrom-tag%3Dpbx";
    let to_contact = format!("Refer-To: <sip:carol@192.0.2.7:5062;transport=tcp?{triple}>\r\n");
    let to_aor = format!("Refer-To: <sip:carol@example.com?{triple}&Require=replaces>\r\n");
    assert!(line(attended()).starts_with(&to_contact));
    assert!(line(Attended { aor: None, contact_reachable: false, ..attended() })
        .starts_with(&to_contact));
    assert!(line(Attended { contact_reachable: false, ..attended() }).starts_with(&to_aor));
    assert!(line(Attended { contact: None, ..attended() }).starts_with(&to_aor));
}

#[test]
fn r085_what_cannot_stand_in_a_refer_does_not_begin() {
    let fails = |transfer: Transfer<'_>, options: &Options<'_>| {
        Transferor::start(0, &transfer, options).map(|_| ()).unwrap_err().rule
    };
    let plain = options(KNOWS_ALL);
    let nowhere = Attended { contact: None, aor: None, ..attended() };
    assert_eq!(fails(Transfer::Attended(nowhere), &plain), Rule::R085);
    let phone = Attended { aor: Some(b"tel:+15105550123"), ..attended() };
    assert_eq!(fails(Transfer::Attended(phone), &plain), Rule::R029);
    let broken = Transfer::Blind { target: b"sip:a@h\r\nVia: x" };
    assert_eq!(fails(broken, &plain), Rule::R093);
    let with_headers = Transfer::ConsultationHold { target: b"sip:a@h?X=1" };
    assert_eq!(fails(with_headers, &plain), Rule::R029);
    let blind = Transfer::Blind { target: AOR };
    let forged = Options { referred_by: b"<sip:r@h>\r\nVia: x", ..plain };
    assert_eq!(fails(blind, &forged), Rule::R050);
    let mut torn = options(GRUU);
    torn.target_dialog.as_mut().unwrap().call_id = b"c\r\nVia: x";
    assert_eq!(fails(blind, &torn), Rule::R093);
    let mut replaces = attended();
    replaces.replaces.to_tag = b"";
    assert_eq!(fails(Transfer::Attended(replaces), &plain), Rule::R020);
}

#[test]
fn r087_a_ringing_target_is_let_go_and_then_called_blind() {
    let ringing = Attended { state: Dialog::Early, ..attended() };
    let transfer = Transfer::Attended(ringing);
    let drop = [command(DropConsultation)];
    let mut transferor = begun(&transfer, &options(KNOWS_ALL), &drop);
    is(transferor.tick(1500), &[]);
    is(transferor.consultation_ended(1600), &[refer(1)]);
    let blind = "Refer-To: <sip:carol@example.com>\r\nSupported: replaces\r\n";
    assert_eq!(headers(&transferor), blind);

    // A target that never answers the CANCEL holds nothing up for ever.
    let mut transferor = begun(&transfer, &options(KNOWS_ALL), &drop);
    is(transferor.tick(32_999), &[]);
    is(transferor.tick(33_000), &[refer(1)]);
    is(transferor.consultation_ended(33_010), &[]);

    // The transferee has hung up meanwhile.
    let mut transferor = begun(&transfer, &options(KNOWS_ALL), &drop);
    is(transferor.call_ended(1100), &[failure(481, "")]);
    is(transferor.consultation_ended(1600), &[]);
}

#[test]
fn r017_an_early_dialog_is_replaced_only_where_the_target_began_it() {
    let ringing = Attended { state: Dialog::Early, ..attended() };
    let transfer = Transfer::Attended(ringing);
    let transferor = begun(&transfer, &options(KNOWS_ALL), &[command(DropConsultation)]);
    assert!(!headers(&transferor).contains("Replaces"));
    let called = Attended { initiator: Initiator::Remote, ..ringing };
    let transferor = begun(&Transfer::Attended(called), &options(KNOWS_ALL), &[refer(1)]);
    assert!(headers(&transferor).contains("?Replaces="));
}

#[test]
fn r087_race_the_targets_200_crosses_the_cancel() {
    let ringing = Attended { state: Dialog::Early, ..attended() };
    let transfer = Transfer::Attended(ringing);
    let mut transferor = begun(&transfer, &options(KNOWS_ALL), &[command(DropConsultation)]);
    is(transferor.consultation_answered(1100), &[command(ByeConsultation)]);
    is(transferor.consultation_answered(1600), &[]);
    assert_eq!(transferor.deadline(), Some(33_100));
    // Only now: the target's phone is free to ring again.
    is(transferor.consultation_ended(1700), &[refer(1)]);
}

#[test]
fn r088_without_replaces_on_either_side_the_transfer_is_blind() {
    let drop = [command(DropConsultation)];
    let unable = Peer { replaces: false, ..KNOWS_ALL };
    let mut transferor = begun(&Transfer::Attended(attended()), &options(unable), &drop);
    is(transferor.consultation_answered(1100), &[]);
    is(transferor.consultation_ended(1100), &[refer(1)]);
    assert!(headers(&transferor).starts_with("Refer-To: <sip:carol@example.com>\r\n"));

    let target = Attended { target_replaces: false, aor: None, ..attended() };
    let mut transferor = begun(&Transfer::Attended(target), &options(KNOWS_ALL), &drop);
    is(transferor.consultation_ended(1100), &[refer(1)]);
    let line = "Refer-To: <sip:carol@192.0.2.7:5062;transport=tcp>\r\n";
    assert!(headers(&transferor).starts_with(line));

    // A consultation call that is over needs no end.
    let over = Attended { state: Dialog::Terminated, ..attended() };
    begun(&Transfer::Attended(over), &options(KNOWS_ALL), &[refer(1)]);
    let hold = Transfer::ConsultationHold { target: AOR };
    let mut transferor = begun(&hold, &options(KNOWS_ALL), &drop);
    is(transferor.consultation_ended(1100), &[refer(1)]);
}
