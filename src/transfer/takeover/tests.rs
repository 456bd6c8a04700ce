use super::*;
use Output::{AckOld, AnswerNew, ByeOld, EndNew, EndOld, Finished, LeaveOldAsItWas, TakeOver};

const SUCCESS: Output = Finished(Outcome::Success);
const OK: Output = AnswerNew { code: 200 };

fn failure(code: u16) -> Output {
    Finished(Outcome::Failure { code })
}

fn start(old: OldDialog) -> Takeover {
    start_with(old, &Options::default())
}

fn start_with(old: OldDialog, options: &Options) -> Takeover {
    let (takeover, first) = Takeover::start(1000, old, options);
    is(first, &[OK]);
    takeover
}

#[track_caller]
fn is(outputs: Outputs, expected: &[Output]) {
    assert_eq!(outputs.collect::<Vec<_>>(), expected);
}

#[test]
fn r011_the_new_call_takes_the_place_and_the_old_one_is_shut_down() {
    let mut takeover = start(OldDialog::Bye);
    is(takeover.answered(1010), &[TakeOver, EndOld(OldDialog::Bye)]);
    assert!(!takeover.is_finished());
    is(takeover.old_ended(1050), &[SUCCESS]);
    assert!(takeover.is_finished());
    assert_eq!(takeover.deadline(), None);
}

#[test]
fn r012_what_cannot_be_accepted_leaves_the_old_dialog_as_it_was() {
    // No common media, CANCEL of the new caller, a host that broke.
    for code in [488, 487, 500] {
        for old in [OldDialog::Bye, OldDialog::Cancel, OldDialog::Reject] {
            let mut takeover = start(old);
            is(takeover.not_answered(1010, code), &[LeaveOldAsItWas, failure(code)]);
            assert_eq!(takeover.reinvite_on_old(), None);
            is(takeover.answered(1020), &[]);
            is(takeover.old_ended(1030), &[]);
        }
    }
}

#[test]
fn r012_a_host_that_never_answers_leaves_the_old_dialog_as_it_was() {
    let mut takeover = start(OldDialog::Bye);
    assert_eq!(takeover.deadline(), Some(33_000));
    is(takeover.tick(32_999), &[]);
    let refused = AnswerNew { code: 500 };
    is(takeover.tick(33_000), &[refused, LeaveOldAsItWas, failure(500)]);
}

#[test]
fn r012_where_the_ack_is_awaited_its_loss_ends_the_new_call_only() {
    let options = Options { wait_for_ack: true, ..Options::default() };
    let mut takeover = start_with(OldDialog::Bye, &options);
    is(takeover.answered(2000), &[]);
    is(takeover.tick(33_999), &[]);
    // RFC 3261 section 13.3.1.4: no ACK in 64*T1, so the session is ended with BYE.
    is(takeover.tick(34_000), &[EndNew, LeaveOldAsItWas, failure(408)]);

    let mut takeover = start_with(OldDialog::Bye, &options);
    is(takeover.answered(2000), &[]);
    is(takeover.new_ended(2100), &[LeaveOldAsItWas, failure(487)]);

    let mut takeover = start_with(OldDialog::Bye, &options);
    is(takeover.acked(1500), &[]);
    is(takeover.answered(2000), &[]);
    is(takeover.acked(2100), &[TakeOver, EndOld(OldDialog::Bye)]);
    is(takeover.acked(2200), &[]);
    is(takeover.new_ended(2300), &[]);
    is(takeover.old_ended(2400), &[SUCCESS]);
}

#[test]
fn r013_an_early_only_dialog_that_is_answered_after_the_match_is_not_taken() {
    let options = Options { early_only: true, ..Options::default() };
    let mut takeover = start_with(OldDialog::Cancel, &options);
    is(takeover.old_answered(1010), &[AnswerNew { code: 486 }]);
    is(takeover.not_answered(1020, 486), &[LeaveOldAsItWas, failure(486)]);

    // The 2xx was quicker than the refusal: two calls would be left, so the takeover goes on.
    let mut takeover = start_with(OldDialog::Cancel, &options);
    is(takeover.old_answered(1010), &[AnswerNew { code: 486 }]);
    is(takeover.answered(1020), &[TakeOver, EndOld(OldDialog::Bye)]);
}

#[test]
fn r014_a_confirmed_dialog_gets_its_bye_behind_the_2xx() {
    let mut takeover = start(OldDialog::Bye);
    is(takeover.tick(5000), &[]);
    is(takeover.answered(5000), &[TakeOver, EndOld(OldDialog::Bye)]);
    // A peer that does not answer the BYE is gone too.
    assert_eq!(takeover.deadline(), Some(37_000));
    is(takeover.tick(37_000), &[SUCCESS]);
    is(takeover.tick(99_000), &[]);
}

#[test]
fn r015_an_early_dialog_of_ours_is_cancelled_and_a_crossing_2xx_acked_and_then_byed() {
    let mut takeover = start(OldDialog::Cancel);
    is(takeover.answered(1010), &[TakeOver, EndOld(OldDialog::Cancel)]);
    is(takeover.old_answered(1020), &[AckOld, ByeOld]);
    // A retransmitted 2xx is the host's to acknowledge again.
    is(takeover.old_answered(1520), &[]);
    assert_eq!(takeover.deadline(), Some(33_020));
    is(takeover.old_ended(1600), &[SUCCESS]);

    let mut takeover = start(OldDialog::Cancel);
    is(takeover.answered(1010), &[TakeOver, EndOld(OldDialog::Cancel)]);
    // 487
    is(takeover.old_ended(1030), &[SUCCESS]);

    // A rejected one has no 2xx that could cross anything.
    let mut takeover = start(OldDialog::Reject);
    is(takeover.answered(1010), &[TakeOver, EndOld(OldDialog::Reject)]);
    is(takeover.old_answered(1020), &[]);
    is(takeover.old_ended(1030), &[SUCCESS]);
}

#[test]
fn r015_an_early_dialog_that_is_answered_before_the_takeover_gets_bye() {
    for old in [OldDialog::Cancel, OldDialog::Reject] {
        let mut takeover = start(old);
        is(takeover.old_answered(1005), &[]);
        is(takeover.answered(1010), &[TakeOver, EndOld(OldDialog::Bye)]);
        is(takeover.old_answered(1020), &[]);
        is(takeover.old_ended(1030), &[SUCCESS]);
    }
}

#[test]
fn r008_race_the_replaced_dialog_ends_between_match_and_takeover() {
    let mut takeover = start(OldDialog::Bye);
    is(takeover.old_ended(1005), &[AnswerNew { code: 603 }]);
    assert_eq!(takeover.reinvite_on_old(), None);
    is(takeover.not_answered(1010, 603), &[failure(603)]);

    // The 200 was already out: the new call goes on alone.
    let mut takeover = start(OldDialog::Bye);
    is(takeover.old_ended(1005), &[AnswerNew { code: 603 }]);
    is(takeover.answered(1010), &[TakeOver, SUCCESS]);

    // The host says neither.
    let mut takeover = start(OldDialog::Bye);
    is(takeover.old_ended(1005), &[AnswerNew { code: 603 }]);
    is(takeover.tick(33_005), &[failure(603)]);

    let options = Options { wait_for_ack: true, ..Options::default() };
    let mut takeover = start_with(OldDialog::Cancel, &options);
    is(takeover.answered(1010), &[]);
    is(takeover.old_ended(1020), &[]);
    is(takeover.acked(1030), &[TakeOver, SUCCESS]);
}

#[test]
fn r011_race_a_reinvite_during_the_takeover() {
    let options = Options { wait_for_ack: true, ..Options::default() };
    let mut takeover = start_with(OldDialog::Bye, &options);
    let asked = |takeover: &Takeover| (takeover.reinvite_on_old(), takeover.reinvite_on_new());
    assert_eq!(asked(&takeover), (Some(491), Some(491)));
    is(takeover.answered(1010), &[]);
    assert_eq!(asked(&takeover), (Some(491), Some(491)));
    is(takeover.acked(1020), &[TakeOver, EndOld(OldDialog::Bye)]);
    assert_eq!(asked(&takeover), (Some(491), None));
    is(takeover.old_ended(1030), &[SUCCESS]);
    assert_eq!(asked(&takeover), (None, None));
}

#[test]
fn r008_race_two_replaces_for_one_dialog() {
    let mut claims = Claims::new();
    let (early, confirmed) = (1, 2);
    let first = claims.claim(7).unwrap();
    // Under way: 603; another dialog is free.
    assert_eq!(claims.claim(7).map_err(Refused::code), Err(603));
    let other = claims.claim(7 + (1 << 64)).unwrap();
    assert_eq!(claims.len(), 2);
    // The first failed, and the old dialog was answered meanwhile.
    claims.release(first);
    let late = claims.claim(7).unwrap();
    assert_eq!(claims.confirm(late, early, confirmed).map_err(Refused::code), Err(481));
    // It failed and all is as it was: the second has it.
    let second = claims.claim(7).unwrap();
    let second = claims.confirm(second, early, early).unwrap();
    claims.release(other);
    assert_eq!(claims.claim(7), Err(Refused::UnderWay));
    claims.release(second);
    assert!(claims.is_empty());
}

#[test]
fn time_that_goes_back_stands_still() {
    let mut takeover = start(OldDialog::Bye);
    is(takeover.tick(10_000), &[]);
    is(takeover.answered(5), &[TakeOver, EndOld(OldDialog::Bye)]);
    assert_eq!(takeover.deadline(), Some(42_000));
    let (mut takeover, _) = Takeover::start(u64::MAX, OldDialog::Bye, &Options::default());
    assert_eq!(takeover.deadline(), Some(u64::MAX - 1));
    assert!(takeover.tick(u64::MAX).count() > 0 && takeover.is_finished());
}

#[test]
fn a_takeover_is_small() {
    assert!(size_of::<Takeover>() <= 32, "{}", size_of::<Takeover>());
}
