use super::*;
use crate::transfer::subscription::NotifyState;

mod application;
mod explicit;
mod releases;

const BLIND: Accepted = Accepted {
    kind: Kind::Blind,
    accept_code: 202,
    subscribes: Subscribes::Yes,
    event_id: None,
    expires_s: 180,
    max_expires_s: 600,
    invite_expires_s: None,
    min_interval_ms: 1_000,
    code_only: false,
    approval_pending: false,
    control: Control::Host { timeout_ms: None },
    on_failure: OnFailure::Keep,
    hang_up_after_ms: None,
    releases_at: 0,
    release_delay_ms: 0,
    in_call: true,
};

const APPLICATION: Accepted = Accepted {
    control: Control::Application {
        timeout_ms: 5_000,
        final_timeout_ms: 60_000,
        timeout_code: 503,
    },
    ..BLIND
};

/// A transfer with what came of each input, one short word an output.
struct Run {
    transfer: Recipient,
    said: Vec<String>,
}

fn word(output: &Output) -> String {
    match output {
        Output::Answer(answer) if answer.refer_sub_false => format!("{} no sub", answer.code),
        Output::Answer(answer) => format!("{}", answer.code),
        Output::Notify(notify) => {
            let state = match notify.state {
                NotifyState::Active { .. } => "active",
                NotifyState::Pending { .. } => "pending",
                NotifyState::Terminated { reason } => match reason {
                    Ended::NoResource => "noresource",
                    Ended::Timeout => "timeout",
                    Ended::Rejected => "rejected",
                },
            };
            format!("NOTIFY {} {state}", notify.status.code())
        }
        Output::Command(command) => format!("{command:?}"),
        Output::Event(None) => "event".into(),
        Output::Event(Some(state)) => state.name().into(),
        Output::Finished(finished) => {
            format!("finished {} {:?}", finished.status.code(), finished.cause)
        }
    }
}

impl Run {
    fn of(accepted: &Accepted) -> Run {
        let mut said = Vec::new();
        let transfer = Recipient::accept(accepted, 0, &mut |output| said.push(word(&output)));
        Run { transfer, said }
    }

    /// The same, with what was said so far forgotten.
    fn under_way(accepted: &Accepted) -> Run {
        let mut run = Run::of(accepted);
        run.said.clear();
        run
    }

    fn input<T>(&mut self, input: impl FnOnce(&mut Recipient, &mut Sink<'_>) -> T) -> T {
        let said = &mut self.said;
        input(&mut self.transfer, &mut |output| said.push(word(&output)))
    }

    fn progress(&mut self, code: u16, now_ms: u64) -> Result<(), Error> {
        self.input(|it, out| it.progress(code, b"", now_ms, out))
    }

    fn app(&mut self, command: AppState, now_ms: u64) -> Result<(), Error> {
        self.input(|it, out| it.application(command, now_ms, out))
    }

    fn decide(&mut self, yes: bool, now_ms: u64) -> Result<(), Error> {
        self.input(|it, out| it.decide(yes, now_ms, out))
    }

    fn subscribe(&mut self, seconds: Option<u32>, now_ms: u64) -> Result<u32, Error> {
        self.input(|it, out| it.subscribe(seconds, now_ms, out))
    }

    fn bye(&mut self, now_ms: u64) {
        self.input(|it, out| it.bye(now_ms, out));
    }

    fn tick(&mut self, now_ms: u64) {
        self.input(|it, out| it.tick(now_ms, out));
    }

    /// What was said since the last look.
    #[track_caller]
    fn says(&mut self, expected: &[&str]) {
        assert_eq!(core::mem::take(&mut self.said), expected);
    }
}

#[test]
fn r034_the_answer_then_the_first_notify_then_the_start() {
    Run::of(&BLIND).says(&["202", "NOTIFY 100 active", "Start"]);
    Run::of(&APPLICATION).says(&["202", "NOTIFY 100 active", "event"]);
}

#[test]
fn r041_progress_and_success() {
    let mut run = Run::under_way(&BLIND);
    assert_eq!(run.progress(100, 50), Ok(()));
    assert_eq!(run.progress(180, 300), Ok(()));
    run.says(&[]);
    run.tick(1_000);
    run.says(&["NOTIFY 180 active"]);
    assert_eq!(run.progress(180, 61_000), Ok(()));
    run.says(&[]);
    assert_eq!(run.progress(200, 70_000), Ok(()));
    run.says(&["NOTIFY 200 noresource", "finished 200 Target"]);
    assert_eq!(run.transfer.outcome(), Some(200));
    assert!(run.transfer.is_over());
}

#[test]
fn r041_a_target_that_cannot_be_contacted_is_503() {
    let mut run = Run::under_way(&BLIND);
    assert_eq!(run.input(|it, out| it.contact_failed(10, out)), Ok(()));
    run.says(&["NOTIFY 503 noresource", "KeepCall", "finished 503 Contact"]);
}

#[test]
fn r048_the_reason_of_the_target_is_the_outcomes() {
    let mut outputs = Vec::new();
    let mut transfer = Recipient::accept(&BLIND, 0, &mut |_| {});
    let mut out = |output| outputs.push(output);
    let reason = b"Busy\r\nX: y";
    assert_eq!(transfer.progress(486, reason, 5, &mut out), Ok(()));
    let Some(Output::Finished(finished)) = outputs.last() else {
        panic!("{outputs:?}");
    };
    assert_eq!(finished.status.reason(), "Busy Here");
}

/// RFC 3515 section 5: even the status line may say too much.
#[test]
fn r048_the_transferor_may_be_told_the_code_alone() {
    for (code_only, told) in [(false, ["Lunch", "In a meeting"]), (true, ["Ringing", "Busy Here"])]
    {
        let mut outputs = Vec::new();
        let accepted = Accepted { code_only, ..BLIND };
        let mut out = |output| outputs.push(output);
        let mut transfer = Recipient::accept(&accepted, 0, &mut out);
        assert_eq!(transfer.progress(180, b"Lunch", 2_000, &mut out), Ok(()));
        assert_eq!(transfer.progress(486, b"In a meeting", 5_000, &mut out), Ok(()));
        let notify = |output: &Output| match output {
            Output::Notify(notify) => Some(notify.status.reason().to_owned()),
            _ => None,
        };
        let reasons: Vec<String> = outputs.iter().filter_map(notify).skip(1).collect();
        assert_eq!(reasons, told);
        let Some(Output::Finished(finished)) = outputs.last() else {
            panic!("{outputs:?}");
        };
        // The host learns it in any case.
        assert_eq!(finished.status.reason(), "In a meeting");
    }
}

/// RFC 3515 sections 2.4.5 and 2.4.7: what was accepted before it was approved is denied by a NOTIFY
/// with 603, and the reason of the Subscription-State may say so.
#[test]
fn r033_a_late_refusal_is_notified_as_603() {
    let pending = Accepted { approval_pending: true, ..BLIND };
    let mut run = Run::of(&pending);
    run.says(&["202", "NOTIFY 100 pending"]);
    assert_eq!(run.progress(180, 100), Err(Error::WrongState));
    assert_eq!(run.decide(false, 20_000), Ok(()));
    run.says(&["NOTIFY 603 rejected", "KeepCall", "finished 603 Refused"]);
    assert_eq!(run.decide(true, 20_001), Err(Error::WrongState));
    run.says(&[]);
}

#[test]
fn r033_a_late_approval_starts_it() {
    for (accepted, started) in [(BLIND, "Start"), (APPLICATION, "event")] {
        let pending = Accepted { approval_pending: true, ..accepted };
        let mut run = Run::under_way(&pending);
        assert_eq!(run.decide(true, 2_000), Ok(()));
        run.says(&["NOTIFY 100 active", started]);
        assert_eq!(run.decide(true, 2_000), Err(Error::WrongState));
        if run.transfer.is_controlled() {
            run.tick(6_999);
            run.says(&[]);
            run.tick(7_000);
            assert_eq!(run.transfer.outcome(), Some(503), "it had all its time");
        }
    }
}

#[test]
fn r033_a_decision_that_never_comes_is_an_outcome_too() {
    let pending = Accepted { approval_pending: true, ..APPLICATION };
    let mut run = Run::under_way(&pending);
    assert_eq!(run.app(AppState::Progress, 10), Err(Error::WrongState));
    assert_eq!(run.decide(true, 5_000), Err(Error::WrongState));
    run.says(&["NOTIFY 503 noresource", "KeepCall", "finished 503 Deadline"]);
}

#[test]
fn r036_every_notify_carries_its_event() {
    let second = Accepted { event_id: Some(102), ..BLIND };
    let mut notifies = Vec::new();
    let mut out = |output| {
        if let Output::Notify(notify) = output {
            notifies.push(notify);
        }
    };
    let mut transfer = Recipient::accept(&second, 0, &mut out);
    transfer.progress(180, b"", 2_000, &mut out).unwrap();
    transfer.subscribe(Some(60), 3_000, &mut out).unwrap();
    transfer.progress(200, b"", 4_000, &mut out).unwrap();
    assert_eq!(notifies.len(), 4);
    assert!(notifies.iter().all(|it| it.event_id == Some(102)));
}

/// RFC 3515 section 2.4.4: who unsubscribes does not withdraw the reference.
#[test]
fn r038_an_unsubscribe_cancels_nothing() {
    let mut run = Run::under_way(&BLIND);
    assert_eq!(run.subscribe(Some(0), 2_000), Ok(0));
    run.says(&["NOTIFY 100 timeout"]);
    assert_eq!(run.progress(180, 4_000), Ok(()));
    assert_eq!(run.subscribe(Some(60), 5_000), Err(Error::NoSubscription));
    assert_eq!(Error::NoSubscription.code(), 403);
    assert_eq!(run.progress(200, 9_000), Ok(()));
    run.says(&["finished 200 Target"]);
}

#[test]
fn r040_a_subscribe_refreshes_it() {
    let mut run = Run::under_way(&BLIND);
    assert_eq!(run.subscribe(Some(3_600), 2_000), Ok(600));
    run.says(&["NOTIFY 100 active"]);
    run.tick(601_999);
    run.says(&[]);
    run.tick(602_000);
    run.says(&["NOTIFY 100 timeout"]);
}

/// RFC 3515 section 3.4: the duration is chosen longer than the referred request is given.
#[test]
fn r045_the_subscription_outlives_the_referred_invite() {
    let lasts = |accepted: &Accepted| {
        let mut expires = 0;
        Recipient::accept(accepted, 0, &mut |output| {
            if let Output::Notify(notify) = output {
                let (NotifyState::Active { expires_s } | NotifyState::Pending { expires_s }) =
                    notify.state
                else {
                    panic!("{notify:?}");
                };
                expires = expires_s;
            }
        });
        expires
    };
    let invite = Accepted { invite_expires_s: Some(900), ..BLIND };
    let undecided = Accepted { approval_pending: true, ..invite };
    let long = Accepted {
        control: Control::Application {
            timeout_ms: 60_000,
            final_timeout_ms: 600_000,
            timeout_code: 408,
        },
        ..BLIND
    };
    assert_eq!(lasts(&BLIND), 180);
    assert_eq!(lasts(&APPLICATION), 180);
    assert_eq!(lasts(&invite), 900 + MARGIN_S);
    assert_eq!(lasts(&undecided), DECISION_S + 900 + MARGIN_S);
    assert_eq!(lasts(&long), 660 + MARGIN_S);
    let undecided = Accepted { approval_pending: true, ..long };
    assert_eq!(lasts(&undecided), 720 + MARGIN_S);
}

#[test]
fn r047_the_final_state_overtakes_what_is_held() {
    let mut run = Run::under_way(&BLIND);
    assert_eq!(run.progress(180, 100), Ok(()));
    assert_eq!(run.progress(486, 200), Ok(()));
    run.says(&["NOTIFY 486 noresource", "KeepCall", "finished 486 Target"]);
    run.tick(100_000);
    run.says(&[]);
}

/// The rule was noted from memory. RFC 4488 section 4: a recipient that is willing MUST put
/// Refer-Sub: false into its 2xx, and no subscription is created.
#[test]
fn r063_no_subscription_no_notify() {
    let none = Accepted { subscribes: Subscribes::ReferSubFalse, ..BLIND };
    let mut run = Run::of(&none);
    run.says(&["202 no sub", "Start"]);
    assert_eq!(run.progress(180, 2_000), Ok(()));
    assert_eq!(run.subscribe(None, 3_000), Err(Error::NoSubscription));
    assert_eq!(run.progress(503, 4_000), Ok(()));
    run.says(&["KeepCall", "finished 503 Target"]);
}

/// The rule was noted from memory. RFC 4488 section 4: without Refer-Sub: false in the 2xx a
/// subscription is created as always. RFC 7614 has other ways to ask for none, whose answer does not
/// speak of Refer-Sub.
#[test]
fn r064_without_it_there_is_a_subscription() {
    Run::of(&BLIND).says(&["202", "NOTIFY 100 active", "Start"]);
    let other = Accepted { subscribes: Subscribes::No, ..BLIND };
    Run::of(&other).says(&["202", "Start"]);
}

/// The rule was noted from memory. RFC 7647 section 5 is stricter than it: 202 MUST NOT be sent any
/// more. It is here for the phones that know RFC 3515 alone.
#[test]
fn r069_both_codes_accept() {
    for (code, sent) in [(200, 200), (202, 202), (0, 202), (603, 202)] {
        let accepted = Accepted { accept_code: code, ..BLIND };
        let run = Run::of(&accepted);
        assert_eq!(run.said[0], sent.to_string());
        assert_eq!(run.transfer.answer_again().code, sent);
    }
}

/// A race: the first NOTIFY meets a transferor that does not know it. The transfer goes on unseen.
#[test]
fn r075_a_notify_refused_with_481_ends_the_subscription_only() {
    for answer in [Some(481), None] {
        let mut run = Run::under_way(&BLIND);
        run.transfer.notify_answered(answer);
        run.says(&[]);
        assert_eq!(run.progress(180, 2_000), Ok(()));
        assert_eq!(run.subscribe(Some(60), 2_500), Err(Error::NoSubscription));
        assert_eq!(run.progress(404, 3_000), Ok(()));
        run.says(&["KeepCall", "finished 404 Target"]);
    }
}

#[test]
fn r076_a_refresh_is_never_granted_more_than_asked() {
    let mut run = Run::under_way(&BLIND);
    assert_eq!(run.subscribe(Some(10), 1_000), Ok(10));
    assert_eq!(run.subscribe(None, 1_000), Ok(600));
    assert_eq!(run.subscribe(Some(u32::MAX), 1_000), Ok(600));
    let invite = Accepted { invite_expires_s: Some(900), ..BLIND };
    let mut run = Run::under_way(&invite);
    assert_eq!(run.subscribe(Some(u32::MAX), 1_000), Ok(932));
}

/// The rule was noted from memory. RFC 6665 section 4.5.2 has it so too: a dialog that is shared
/// does not necessarily end with a BYE, as long as there is a subscription.
#[test]
fn r078_a_bye_ends_neither_the_subscription_nor_the_transfer() {
    let mut run = Run::under_way(&BLIND);
    run.bye(1_500);
    run.says(&[]);
    assert_eq!(run.subscribe(Some(60), 2_000), Ok(60));
    assert_eq!(run.progress(180, 3_500), Ok(()));
    assert_eq!(run.progress(200, 9_000), Ok(()));
    run.says(&[
        "NOTIFY 100 active",
        "NOTIFY 180 active",
        "NOTIFY 200 noresource",
        "finished 200 Target",
    ]);
}

/// The rule was noted from memory. RFC 6665 section 4.5.2: the end of a subscription ends its dialog
/// only where nothing else is in it.
#[test]
fn r079_the_end_of_the_subscription_ends_no_call() {
    let mut run = Run::under_way(&BLIND);
    run.tick(180_000);
    run.says(&["NOTIFY 100 timeout"]);
    assert_eq!(run.transfer.deadline(), None);
    assert_eq!(run.transfer.outcome(), None);
    assert_eq!(run.progress(200, 500_000), Ok(()));
    run.says(&["finished 200 Target"]);
}

#[test]
fn r081_a_failure_leaves_the_call_as_it_was() {
    for on_failure in [OnFailure::Keep, OnFailure::Recall, OnFailure::HangUp] {
        for code in [302, 404, 486, 503, 603] {
            let accepted = Accepted { on_failure, ..BLIND };
            let mut run = Run::under_way(&accepted);
            assert_eq!(run.progress(code, 2_000), Ok(()));
            assert_eq!(run.said[1], "KeepCall");
        }
    }
}

#[test]
fn r081_after_a_bye_the_setting_says_what_becomes_of_the_transferee() {
    for (on_failure, command) in [
        (OnFailure::Keep, "RecallTransferor"),
        (OnFailure::Recall, "RecallTransferor"),
        (OnFailure::HangUp, "HangUpTransferee"),
    ] {
        let accepted = Accepted { on_failure, ..BLIND };
        let mut run = Run::under_way(&accepted);
        run.bye(100);
        assert_eq!(run.progress(486, 2_000), Ok(()));
        run.says(&["NOTIFY 486 noresource", command, "finished 486 Target"]);
    }
}

#[test]
fn r081_a_refer_without_a_call_has_none_to_take_back() {
    let alone = Accepted { in_call: false, ..BLIND };
    let remove = Accepted { kind: Kind::OtherMethod, ..BLIND };
    for accepted in [alone, remove] {
        let accepted = Accepted { hang_up_after_ms: Some(100), ..accepted };
        let mut run = Run::under_way(&accepted);
        run.bye(100);
        assert_eq!(run.progress(486, 2_000), Ok(()));
        run.says(&["NOTIFY 486 noresource", "KeepCall", "finished 486 Target"]);
        let mut run = Run::under_way(&accepted);
        assert_eq!(run.progress(200, 2_000), Ok(()));
        run.says(&["NOTIFY 200 noresource", "finished 200 Target"]);
        assert!(run.transfer.is_over());
    }
}

#[test]
fn r081_a_host_that_gives_up_loses_nothing() {
    let mut run = Run::under_way(&BLIND);
    for code in [0, 180, 200, 700] {
        let refused = run.input(|it, out| it.give_up(code, 5, out));
        assert_eq!(refused, Err(Error::BadCode));
    }
    assert_eq!(run.input(|it, out| it.give_up(500, 9, out)), Ok(()));
    run.says(&["NOTIFY 500 noresource", "KeepCall", "finished 500 GivenUp"]);
    let again = run.input(|it, out| it.give_up(487, 10, out));
    assert_eq!(again, Err(Error::WrongState));
    run.says(&[]);
}

/// A race: the BYE arrives together with the REFER, or right behind the 2xx (RFC 5589 section 6).
#[test]
fn r084_a_bye_that_crosses_the_refer_does_not_end_the_transfer() {
    let pending = Accepted { approval_pending: true, hang_up_after_ms: Some(0), ..BLIND };
    let mut run = Run::of(&pending);
    run.bye(0);
    run.says(&["202", "NOTIFY 100 pending"]);
    assert_eq!(run.decide(true, 3_000), Ok(()));
    assert_eq!(run.progress(200, 3_100), Ok(()));
    run.tick(100_000);
    run.says(&["NOTIFY 100 active", "Start", "NOTIFY 200 noresource", "finished 200 Target"]);
    assert!(run.transfer.is_over());
}

#[test]
fn r084_a_transferor_that_does_not_hang_up_is_hung_up() {
    let phone = Accepted { hang_up_after_ms: Some(4_000), ..BLIND };
    let mut run = Run::under_way(&phone);
    assert_eq!(run.progress(200, 2_000), Ok(()));
    run.says(&["NOTIFY 200 noresource", "finished 200 Target"]);
    assert!(!run.transfer.is_over());
    assert_eq!(run.transfer.deadline(), Some(6_000));
    run.tick(5_999);
    run.says(&[]);
    run.tick(6_000);
    run.says(&["HangUpTransferor"]);
    run.tick(7_000);
    run.says(&[]);

    let mut run = Run::under_way(&phone);
    assert_eq!(run.progress(200, 2_000), Ok(()));
    run.bye(6_500);
    run.says(&["NOTIFY 200 noresource", "finished 200 Target"]);
    assert!(run.transfer.is_over());
}

/// A race: a REFER that is sent again is answered again, and nothing else happens again.
#[test]
fn r034_a_retransmitted_refer_is_answered_as_before() {
    let none = Accepted { subscribes: Subscribes::ReferSubFalse, accept_code: 200, ..BLIND };
    let mut run = Run::under_way(&none);
    let answer = Answer { code: 200, refer_sub_false: true };
    assert_eq!(run.transfer.answer_again(), answer);
    assert_eq!(run.progress(603, 10), Ok(()));
    assert_eq!(run.transfer.answer_again(), answer);
    run.says(&["KeepCall", "finished 603 Target"]);
}

#[test]
fn r041_a_host_with_a_deadline_has_an_outcome_too() {
    let accepted = Accepted { control: Control::Host { timeout_ms: Some(30_000) }, ..BLIND };
    let mut run = Run::under_way(&accepted);
    assert_eq!(run.progress(180, 20_000), Ok(()));
    run.tick(49_999);
    run.says(&["NOTIFY 180 active"]);
    run.tick(50_000);
    run.says(&["NOTIFY 408 noresource", "KeepCall", "finished 408 Deadline"]);
    assert_eq!(run.progress(200, 50_001), Err(Error::WrongState));
}

/// However late the tick: what was due first is told first, and nothing is told twice.
#[test]
fn r043_a_late_tick_keeps_the_order() {
    let brief = Accepted { expires_s: 1, ..APPLICATION };
    let mut run = Run::under_way(&brief);
    assert_eq!(run.subscribe(Some(3), 0), Ok(3));
    run.says(&["NOTIFY 100 active"]);
    run.tick(1_000_000);
    run.says(&["NOTIFY 100 timeout", "channel_unavailable", "KeepCall", "finished 503 Deadline"]);
    let mut run = Run::under_way(&APPLICATION);
    assert_eq!(run.app(AppState::Progress, 10), Ok(()));
    run.says(&["channel_progress"]);
    run.tick(1_000_000);
    run.says(&[
        "NOTIFY 503 noresource",
        "channel_unavailable",
        "KeepCall",
        "finished 503 Deadline",
    ]);
}

#[test]
fn a_code_that_is_none_changes_nothing() {
    let mut run = Run::under_way(&BLIND);
    for code in [0, 99, 700, u16::MAX] {
        assert_eq!(run.progress(code, 10), Err(Error::BadCode));
    }
    run.says(&[]);
    assert_eq!(run.progress(200, 20), Ok(()));
}

#[test]
fn a_transfer_is_small() {
    assert!(size_of::<Recipient>() <= 128, "{}", size_of::<Recipient>());
}
