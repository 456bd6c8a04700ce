use super::*;
use crate::dialog::{Initiator, State as Dialog};
use crate::rule::Rule;
use crate::sip::{Replaces, TargetDialog, Writer};
use Command::{ByeConsultation, DropConsultation, HangUp, KeepCall};

mod refer;

const CONTACT: &[u8] = b"sip:carol@192.0.2.7:5062;transport=tcp";
const AOR: &[u8] = b"sip:carol@example.com";

const ACTIVE: &[u8] = b"active;expires=60";
const GONE: &[u8] = b"terminated;reason=noresource";
const TRYING: &[u8] = b"SIP/2.0 100 Trying\r\n";
const OK: &[u8] = b"SIP/2.0 200 OK\r\n";
const BUSY: &[u8] = b"SIP/2.0 486 Busy Here\r\n";
const NOT_FOUND: &[u8] = b"SIP/2.0 404 Not Found\r\n";

const KNOWS_ALL: Peer =
    Peer { replaces: true, norefersub: true, tdialog: true, contact_is_gruu: false };
const GRUU: Peer = Peer { contact_is_gruu: true, ..KNOWS_ALL };

fn options(peer: Peer) -> Options<'static> {
    let target_dialog = TargetDialog::new(b"call@pbx", b"theirs", b"ours", b"");
    Options { peer, target_dialog, ..Options::default() }
}

fn attended() -> Attended<'static> {
    Attended {
        contact: Some(CONTACT),
        contact_reachable: true,
        aor: Some(AOR),
        replaces: Replaces::new(b"consult@pbx", b"target", b"pbx", false, b"").unwrap(),
        state: Dialog::Confirmed,
        initiator: Initiator::Local,
        target_replaces: true,
    }
}

const fn refer(attempt: u8) -> Output<'static> {
    Output::SendRefer { in_dialog: true, attempt }
}

const fn outside(attempt: u8) -> Output<'static> {
    Output::SendRefer { in_dialog: false, attempt }
}

const fn command(command: Command) -> Output<'static> {
    Output::Command(command)
}

const fn success(code: u16) -> Output<'static> {
    Output::Finished(Outcome::Success { code })
}

const fn failure(code: u16, reason: &'static str) -> Output<'static> {
    Output::Finished(Outcome::Failure { code, reason: reason.as_bytes() })
}

const fn unknown(code: u16, why: Why) -> Output<'static> {
    Output::Finished(Outcome::Unknown { code, why })
}

#[track_caller]
fn is(outputs: Outputs<'_>, expected: &[Output<'_>]) {
    assert_eq!(outputs.collect::<Vec<_>>(), expected);
}

/// A transfer that has begun with these outputs.
#[track_caller]
fn begun(transfer: &Transfer<'_>, options: &Options<'_>, expected: &[Output<'_>]) -> Transferor {
    let (transferor, first) = Transferor::start(1000, transfer, options).unwrap();
    is(first, expected);
    transferor
}

/// A blind transfer whose REFER, the first of its dialog, went out at 1000 ms under CSeq 7.
fn blind() -> Transferor {
    let mut transferor = begun(&Transfer::Blind { target: AOR }, &options(KNOWS_ALL), &[refer(1)]);
    transferor.sent(1000, 1, 7, true);
    transferor
}

/// The same for an attended one.
fn attended_sent() -> Transferor {
    let transfer = Transfer::Attended(attended());
    let mut transferor = begun(&transfer, &options(KNOWS_ALL), &[refer(1)]);
    transferor.sent(1000, 1, 7, true);
    transferor
}

fn answer(attempt: u8, code: u16) -> Response<'static> {
    Response { attempt, code, reason: b"", refer_sub_false: false }
}

fn event<'n>(event: &'n [u8], state: &'n [u8], body: &'n [u8]) -> Notify<'n> {
    Notify { attempt: None, event, subscription_state: state, body }
}

#[track_caller]
fn notified<'n>((code, outputs): (u16, Outputs<'n>), expected_code: u16, expected: &[Output<'n>]) {
    assert_eq!(code, expected_code);
    is(outputs, expected);
}

fn trying() -> Output<'static> {
    Output::Progress { code: 100, reason: b"Trying" }
}

fn headers(transferor: &Transferor) -> String {
    let mut room = [0; 1024];
    let mut out = Writer::new(&mut room);
    transferor.print_headers(&mut out);
    assert!(!out.overflowed());
    String::from_utf8(out.written().to_vec()).unwrap()
}

#[test]
fn r037_a_notify_before_the_answer_is_accepted() {
    let mut transferor = blind();
    notified(transferor.notify(1010, &event(b"refer", ACTIVE, TRYING)), 200, &[trying()]);
    is(transferor.response(1020, &answer(1, 202)), &[]);
    notified(
        transferor.notify(3000, &event(b"refer", GONE, OK)),
        200,
        &[command(HangUp), success(200)],
    );

    // Even the last one; and where the answer itself is lost, the NOTIFY has shown that it was
    // given.
    let mut transferor = blind();
    notified(transferor.notify(1010, &event(b"refer", ACTIVE, TRYING)), 200, &[trying()]);
    is(transferor.response(33_000, &answer(1, 408)), &[]);
    let done = [command(KeepCall), failure(486, "Busy Here")];
    notified(transferor.notify(34_000, &event(b"refer", GONE, BUSY)), 200, &done);
    is(transferor.response(34_010, &answer(1, 202)), &[]);
}

#[test]
fn r042_the_event_id_is_the_cseq_of_its_refer() {
    // The first REFER of its dialog: with and without id.
    for id in ["refer", "refer;id=7", "Refer ; id=07"] {
        let mut transferor = blind();
        let told = transferor.notify(1010, &event(id.as_bytes(), ACTIVE, TRYING));
        notified(told, 200, &[trying()]);
    }
    // A later one: only with its own.
    let mut transferor = begun(&Transfer::Blind { target: AOR }, &options(KNOWS_ALL), &[refer(1)]);
    transferor.sent(1000, 1, 9, false);
    for other in ["refer", "refer;id=7", "refer;id=99999999999", "refer;id=x9"] {
        notified(transferor.notify(1010, &event(other.as_bytes(), ACTIVE, OK)), 481, &[]);
    }
    notified(transferor.notify(1010, &event(b"refer;id=9", ACTIVE, TRYING)), 200, &[trying()]);
}

#[test]
fn r042_a_refer_that_is_sent_again_with_credentials_has_the_new_number() {
    let mut transferor = blind();
    transferor.sent(1500, 1, 8, true);
    notified(transferor.notify(1600, &event(b"refer;id=7", ACTIVE, OK)), 481, &[]);
    notified(transferor.notify(1600, &event(b"refer;id=8", ACTIVE, TRYING)), 200, &[trying()]);
}

/// RFC 4488: Refer-Sub has a meaning in REFER and in the 2xx to it only, and "false" asks that no
/// subscription be made; stacks that repeat it in the 2xx cite section 4 for that. Checked against
/// the RFC's abstract and those stacks, not against the text of section 4.
#[test]
fn r063_where_the_answer_repeats_refer_sub_false_no_notify_is_waited_for() {
    let silent = Options { subscribe: false, ..options(KNOWS_ALL) };
    let mut transferor = begun(&Transfer::Blind { target: AOR }, &silent, &[refer(1)]);
    assert!(headers(&transferor).contains("Refer-Sub: false\r\nSupported: replaces, norefersub"));
    transferor.sent(1000, 1, 7, true);
    let repeated = Response { refer_sub_false: true, ..answer(1, 200) };
    let end = unknown(200, Why::NotSubscribed);
    is(transferor.response(1020, &repeated), &[command(KeepCall), end]);
    assert_eq!(transferor.deadline(), None);
    notified(transferor.notify(1030, &event(b"refer", GONE, OK)), 481, &[]);

    let leaving = Options { bye_after_accept: true, ..silent };
    let mut transferor = begun(&Transfer::Blind { target: AOR }, &leaving, &[refer(1)]);
    is(transferor.response(1020, &repeated), &[command(HangUp), end]);

    // A peer that does not know norefersub is not asked.
    let plain = Peer { norefersub: false, ..KNOWS_ALL };
    let asked = Options { peer: plain, ..silent };
    let mut transferor = begun(&Transfer::Blind { target: AOR }, &asked, &[refer(1)]);
    assert!(!headers(&transferor).contains("sub"));
    // And what was not asked for is not granted.
    is(transferor.response(1020, &repeated), &[]);
    assert!(!transferor.is_finished());
}

#[test]
fn r064_an_answer_that_does_not_repeat_it_brings_notifys() {
    let silent = Options { subscribe: false, ..options(KNOWS_ALL) };
    let start = || begun(&Transfer::Blind { target: AOR }, &silent, &[refer(1)]);
    let mut transferor = start();
    is(transferor.response(1020, &answer(1, 202)), &[]);
    let done = [command(HangUp), success(200)];
    notified(transferor.notify(1030, &event(b"refer", GONE, OK)), 200, &done);

    // Both at once: the NOTIFY counts, for it is there.
    let mut transferor = start();
    notified(transferor.notify(1010, &event(b"refer", ACTIVE, TRYING)), 200, &[trying()]);
    let repeated = Response { refer_sub_false: true, ..answer(1, 202) };
    is(transferor.response(1020, &repeated), &[]);
    notified(transferor.notify(1030, &event(b"refer", GONE, OK)), 200, &done);
}

/// RFC 7647 section 5, on the 202 response code; checked against its title only.
#[test]
fn r069_a_202_is_taken_for_a_200() {
    for code in [200, 202, 204] {
        let mut transferor = blind();
        is(transferor.response(1020, &answer(1, 100)), &[]);
        is(transferor.response(1020, &answer(1, code)), &[]);
        assert!(!transferor.is_finished());
        // A retransmission changes nothing.
        is(transferor.response(1520, &answer(1, code)), &[]);
        is(transferor.response(1530, &answer(1, 500)), &[]);
        transferor.sent(1540, 1, 8, false);
        let done = [command(HangUp), success(200)];
        notified(transferor.notify(2000, &event(b"refer", GONE, OK)), 200, &done);
    }
}

/// RFC 6665 section 4.1.2.4: until Timer N ends several NOTIFYs may come and open a dialog each.
/// Checked against a quotation of that sentence; 64*T1 from sending is as R073 has it.
#[test]
fn r073_without_a_notify_timer_n_ends_as_unknown_and_the_call_stays() {
    let mut transferor = blind();
    is(transferor.response(5000, &answer(1, 202)), &[]);
    assert_eq!(transferor.deadline(), Some(33_000));
    is(transferor.tick(32_999), &[]);
    is(transferor.tick(33_000), &[command(KeepCall), unknown(202, Why::NoNotify)]);
    notified(transferor.notify(33_010, &event(b"refer", GONE, OK)), 481, &[]);
    is(transferor.tick(99_000), &[]);

    // The first NOTIFY stops it; then the subscription runs, from the last NOTIFY on.
    let mut transferor = blind();
    notified(transferor.notify(2000, &event(b"refer", ACTIVE, TRYING)), 200, &[trying()]);
    assert_eq!(transferor.deadline(), Some(62_000));
    let ringing = event(b"refer", b"active;expires=50", b"SIP/2.0 180 Ringing\r\n");
    let progress = [Output::Progress { code: 180, reason: b"Ringing" }];
    notified(transferor.notify(20_000, &ringing), 200, &progress);
    is(transferor.tick(69_999), &[]);
    is(transferor.tick(70_000), &[command(KeepCall), unknown(180, Why::Expired)]);
    notified(transferor.notify(70_010, &event(b"refer", GONE, OK)), 481, &[]);
}

#[test]
fn r073_no_peer_can_put_the_outcome_off_for_ever() {
    let mut transferor = blind();
    let for_ever = event(b"refer", b"active;expires=4294967295", TRYING);
    let mut now_ms = 1000;
    while !transferor.is_finished() {
        now_ms += 30_000;
        let (code, _) = transferor.notify(now_ms, &for_ever);
        assert_eq!(code, 200);
        let _ = transferor.tick(now_ms);
        assert!(now_ms < 4_000_000);
    }
    // No duration, or none left.
    for state in [&b"active"[..], b"active;expires=0", b""] {
        let mut transferor = blind();
        notified(transferor.notify(2000, &event(b"refer", state, TRYING)), 200, &[trying()]);
        assert_eq!(transferor.deadline(), Some(302_000));
    }
}

#[test]
fn r074_a_notify_that_matches_nothing_is_481_and_another_package_489() {
    let mut transferor = blind();
    notified(transferor.notify(1010, &event(b"refer;id=6", GONE, OK)), 481, &[]);
    notified(transferor.notify(1010, &event(b"dialog", ACTIVE, OK)), 489, &[]);
    notified(transferor.notify(1010, &event(b"refer;id=7;id=8", ACTIVE, OK)), 400, &[]);
    notified(transferor.notify(1010, &event(b"", ACTIVE, OK)), 400, &[]);
    notified(transferor.notify(1010, &event(b"refer", b"active;expires=x", OK)), 400, &[]);
    assert!(!transferor.is_finished());
    // A REFER that was refused has no subscription.
    is(transferor.response(1020, &answer(1, 603)), &[command(KeepCall), failure(603, "")]);
    notified(transferor.notify(1030, &event(b"refer", GONE, OK)), 481, &[]);

    // After the outcome the subscription is answered until its end, or until it has run out.
    let mut transferor = blind();
    let done = [command(KeepCall), failure(486, "Busy Here")];
    notified(transferor.notify(1010, &event(b"refer", ACTIVE, BUSY)), 200, &done);
    assert!(transferor.is_subscribed());
    notified(transferor.notify(1020, &event(b"refer", GONE, OK)), 200, &[]);
    assert!(!transferor.is_subscribed());
    notified(transferor.notify(1030, &event(b"refer", GONE, OK)), 481, &[]);

    let mut transferor = blind();
    notified(transferor.notify(1010, &event(b"refer", ACTIVE, BUSY)), 200, &done);
    assert_eq!(transferor.deadline(), Some(61_010));
    is(transferor.tick(61_010), &[]);
    assert_eq!((transferor.deadline(), transferor.is_subscribed()), (None, false));
    notified(transferor.notify(61_020, &event(b"refer", GONE, OK)), 481, &[]);

    // Nothing was sent yet.
    let hold = Transfer::ConsultationHold { target: AOR };
    let mut transferor = begun(&hold, &options(KNOWS_ALL), &[command(DropConsultation)]);
    assert!(!transferor.is_subscribed());
    notified(transferor.notify(1010, &event(b"refer", GONE, OK)), 481, &[]);
}

/// RFC 5057 section 4: invite usages (4.1) and subscribe usages (4.2) are made and destroyed on
/// their own; checked against these titles only.
#[test]
fn r078_a_bye_ends_the_call_and_not_the_subscription() {
    let mut transferor = blind();
    is(transferor.response(1020, &answer(1, 202)), &[]);
    notified(transferor.notify(1030, &event(b"refer", ACTIVE, TRYING)), 200, &[trying()]);
    is(transferor.call_ended(1040), &[]);
    assert!(!transferor.is_finished());
    // Nothing is left to hang up.
    notified(transferor.notify(3000, &event(b"refer", GONE, OK)), 200, &[success(200)]);
}

#[test]
fn r078_race_a_bye_crosses_the_refer() {
    // The transferee has hung up, and has no dialog for the REFER any more.
    let mut transferor = attended_sent();
    is(transferor.call_ended(1010), &[]);
    is(transferor.response(1020, &answer(1, 481)), &[failure(481, "")]);

    // No second try is made in a dialog that is gone.
    let mut transferor = attended_sent();
    is(transferor.call_ended(1010), &[]);
    is(transferor.response(33_000, &answer(1, 408)), &[failure(408, "")]);

    // Or it has read the REFER first, and its BYE is but the end of its call.
    let mut transferor = attended_sent();
    is(transferor.call_ended(1010), &[]);
    is(transferor.response(1020, &answer(1, 202)), &[]);
    notified(transferor.notify(2000, &event(b"refer", GONE, OK)), 200, &[success(200)]);

    // Or neither is ever answered.
    let mut transferor = attended_sent();
    is(transferor.call_ended(1010), &[]);
    is(transferor.tick(33_000), &[unknown(0, Why::NoNotify)]);
}

#[test]
fn r081_a_failure_gives_the_call_back_and_the_refer_drops_nobody() {
    let mut transferor = attended_sent();
    is(transferor.response(1020, &answer(1, 202)), &[]);
    // The consultation call ends by the target's hand (R014), which is no outcome yet.
    is(transferor.consultation_ended(1500), &[]);
    is(transferor.consultation_answered(1500), &[]);
    let done = [command(KeepCall), failure(486, "Busy Here")];
    notified(transferor.notify(3000, &event(b"refer", GONE, BUSY)), 200, &done);

    let mut transferor = blind();
    let refused = Response { reason: b"Decline", ..answer(1, 603) };
    is(transferor.response(1020, &refused), &[command(KeepCall), failure(603, "Decline")]);
    is(transferor.call_ended(1030), &[]);
}

#[test]
fn r082_there_is_one_outcome_with_its_code() {
    for (body, end) in [
        (&b"SIP/2.0 200 OK\r\n"[..], success(200)),
        (b"SIP/2.0 202", success(202)),
        (b"SIP/2.0 302 Moved Temporarily\n", failure(302, "Moved Temporarily")),
        (b"SIP/2.0 603 Decline", failure(603, "Decline")),
        (b"SIP/2.0 503 Service Unavailable\r\n", failure(503, "Service Unavailable")),
    ] {
        for state in [ACTIVE, GONE, b"pending", b"unheard-of;expires=5"] {
            let mut transferor = blind();
            let (code, outputs) = transferor.notify(1010, &event(b"refer", state, body));
            let outputs: Vec<_> = outputs.collect();
            assert_eq!((code, outputs.len(), outputs[1]), (200, 2, end));
            let again = transferor.notify(1020, &event(b"refer", state, OK));
            is(again.1, &[]);
        }
    }
    // The end of the subscription is not the end that was hoped for.
    for (body, code) in [(&b""[..], 0), (TRYING, 100), (b"SIP/2.0 183 Session Progress\r\n", 183)] {
        let mut transferor = blind();
        let end = [command(KeepCall), unknown(code, Why::Ended)];
        notified(transferor.notify(1010, &event(b"refer", GONE, body)), 200, &end);
    }
}

#[test]
fn r084_a_bye_right_behind_the_2xx_is_legal() {
    let leaving = Options { bye_after_accept: true, ..options(KNOWS_ALL) };
    let start = || begun(&Transfer::Blind { target: AOR }, &leaving, &[refer(1)]);
    let mut transferor = start();
    is(transferor.response(1020, &answer(1, 202)), &[command(HangUp)]);
    is(transferor.call_ended(1030), &[]);
    notified(transferor.notify(1040, &event(b"refer", ACTIVE, TRYING)), 200, &[trying()]);
    notified(transferor.notify(2000, &event(b"refer", GONE, OK)), 200, &[success(200)]);

    // A failure finds no call to take back, and a refusal leaves it.
    let mut transferor = start();
    is(transferor.response(1020, &answer(1, 202)), &[command(HangUp)]);
    let busy = [failure(486, "Busy Here")];
    notified(transferor.notify(2000, &event(b"refer", GONE, BUSY)), 200, &busy);
    let mut transferor = start();
    is(transferor.response(1020, &answer(1, 405)), &[command(KeepCall), failure(405, "")]);
}

#[test]
fn r086_what_cannot_be_reached_is_tried_again_under_the_other_uri() {
    for body in [NOT_FOUND, b"SIP/2.0 403 Forbidden", b"SIP/2.0 408 x", b"SIP/2.0 503 x"] {
        let mut transferor = attended_sent();
        is(transferor.response(1020, &answer(1, 202)), &[]);
        notified(transferor.notify(2000, &event(b"refer", ACTIVE, body)), 200, &[refer(2)]);
        assert!(headers(&transferor).starts_with("Refer-To: <sip:carol@example.com?"));
        transferor.sent(2010, 2, 8, false);
        assert_eq!(transferor.deadline(), Some(34_010));
        // The first subscription ends on its own, with and without id.
        notified(transferor.notify(2020, &event(b"refer", ACTIVE, OK)), 200, &[]);
        notified(transferor.notify(2020, &event(b"refer", GONE, body)), 200, &[]);
        notified(transferor.notify(2020, &event(b"refer;id=7", GONE, body)), 481, &[]);
        is(transferor.response(2030, &answer(2, 202)), &[]);
        notified(transferor.notify(2040, &event(b"refer;id=8", ACTIVE, TRYING)), 200, &[trying()]);
        // Once only.
        let end = [command(KeepCall), failure(404, "Not Found")];
        notified(transferor.notify(3000, &event(b"refer;id=8", GONE, NOT_FOUND)), 200, &end);
    }
    // The REFER itself may be what is refused so.
    for code in [403, 404, 408] {
        let away = Attended { contact_reachable: false, ..attended() };
        let transfer = Transfer::Attended(away);
        let mut transferor = begun(&transfer, &options(KNOWS_ALL), &[refer(1)]);
        transferor.sent(1000, 1, 7, true);
        is(transferor.response(1020, &answer(1, code)), &[refer(2)]);
        assert!(headers(&transferor).starts_with("Refer-To: <sip:carol@192.0.2.7:5062;"));
        assert!(!headers(&transferor).contains("Require"));
        transferor.sent(1030, 2, 8, false);
        // A peer that never sends an id can mean this one only.
        let done = [command(HangUp), success(200)];
        notified(transferor.notify(2000, &event(b"refer", GONE, OK)), 200, &done);
    }
}

#[test]
fn r086_busy_is_busy_and_a_blind_transfer_has_one_uri() {
    let mut transferor = attended_sent();
    let busy = [command(KeepCall), failure(486, "Busy Here")];
    notified(transferor.notify(2000, &event(b"refer", GONE, BUSY)), 200, &busy);
    let mut transferor = attended_sent();
    is(transferor.response(1020, &answer(1, 503)), &[command(KeepCall), failure(503, "")]);
    let not_found = [command(KeepCall), failure(404, "Not Found")];
    let mut transferor = blind();
    notified(transferor.notify(2000, &event(b"refer", GONE, NOT_FOUND)), 200, &not_found);
    for same in
        [Attended { aor: Some(CONTACT), ..attended() }, Attended { aor: None, ..attended() }]
    {
        let transfer = Transfer::Attended(same);
        let mut transferor = begun(&transfer, &options(KNOWS_ALL), &[refer(1)]);
        notified(transferor.notify(2000, &event(b"refer", GONE, NOT_FOUND)), 200, &not_found);
    }
}

#[test]
fn r086_a_late_answer_to_the_first_refer_is_not_taken_for_the_second() {
    let mut transferor = attended_sent();
    notified(transferor.notify(1010, &event(b"refer", GONE, NOT_FOUND)), 200, &[refer(2)]);
    transferor.sent(1020, 2, 8, false);
    is(transferor.response(1030, &answer(1, 202)), &[]);
    is(transferor.response(1040, &answer(2, 481)), &[command(KeepCall), failure(481, "")]);
    assert_eq!((transferor.deadline(), transferor.is_subscribed()), (None, false));

    // A first subscription that is still there is answered a while longer.
    let mut transferor = attended_sent();
    transferor.sent(1000, 1, 7, false);
    let first = event(b"refer;id=7", ACTIVE, NOT_FOUND);
    notified(transferor.notify(1010, &first), 200, &[refer(2)]);
    notified(transferor.notify(1015, &event(b"refer", GONE, OK)), 481, &[]);
    transferor.sent(1020, 2, 8, false);
    is(transferor.response(2000, &answer(2, 481)), &[command(KeepCall), failure(481, "")]);
    notified(transferor.notify(2010, &first), 200, &[]);
    assert_eq!(transferor.deadline(), Some(34_000));
    is(transferor.tick(34_000), &[]);
    notified(transferor.notify(34_010, &first), 481, &[]);

    // Outside the dialog each has a dialog of its own, and the numbers may be the same.
    let mut transferor = begun(&Transfer::Attended(attended()), &options(GRUU), &[outside(1)]);
    transferor.sent(1000, 1, 1, true);
    let of = |attempt, state, body| Notify {
        attempt: Some(attempt),
        ..event(b"refer;id=1", state, body)
    };
    notified(transferor.notify(1010, &of(1, ACTIVE, NOT_FOUND)), 200, &[outside(2)]);
    transferor.sent(1020, 2, 1, true);
    notified(transferor.notify(1030, &of(2, ACTIVE, TRYING)), 200, &[trying()]);
    notified(transferor.notify(1040, &of(1, GONE, NOT_FOUND)), 200, &[]);
    notified(transferor.notify(1050, &of(1, GONE, NOT_FOUND)), 481, &[]);
    notified(transferor.notify(1050, &of(3, GONE, OK)), 481, &[]);
    let done = [command(HangUp), success(200)];
    notified(transferor.notify(1060, &of(2, GONE, OK)), 200, &done);
}

#[test]
fn r106_headers_may_follow_and_a_body_without_a_start_line_is_no_outcome() {
    let mut transferor = blind();
    let long = b"SIP/2.0 200 OK\r\nTo: <sip:carol@h>;tag=1\r\nContact: <sip:carol@h>\r\n\r\n";
    let done = [command(HangUp), success(200)];
    notified(transferor.notify(1010, &event(b"refer", GONE, long)), 200, &done);

    let no_status: [&[u8]; 4] =
        [b"Contact: <sip:carol@h>\r\n", b"INVITE sip:c@h SIP/2.0\r\n", b"200 OK", b"\0"];
    for body in no_status {
        let mut transferor = blind();
        notified(transferor.notify(1010, &event(b"refer", ACTIVE, body)), 200, &[]);
        let end = [command(KeepCall), unknown(0, Why::Ended)];
        notified(transferor.notify(1020, &event(b"refer", GONE, body)), 200, &end);
    }
}

#[test]
fn time_that_goes_back_stands_still() {
    let mut transferor = blind();
    is(transferor.tick(30_000), &[]);
    notified(transferor.notify(2000, &event(b"refer", ACTIVE, TRYING)), 200, &[trying()]);
    assert_eq!(transferor.deadline(), Some(90_000));
}

#[test]
fn a_transferor_is_small() {
    assert!(size_of::<Transferor>() <= 168, "{}", size_of::<Transferor>());
}
