//! One transfer on the side that received its REFER.

use super::{Case, Choices, Story};
use sipxfer::sip::{Event, Sipfrag, State, SubscriptionState, Writer};
use sipxfer::transfer::recipient::{
    Accepted, Answer, AppState, Command, Control, Error, OnFailure, Output, Recipient, Subscribes,
    MAX_OUTPUTS,
};
use sipxfer::transfer::subscription::{Notify, NotifyState};
use sipxfer::transfer::Kind;

fn accepted(choices: &mut Choices<'_>) -> Accepted {
    let control = if choices.coin() {
        Control::Host { timeout_ms: choices.one_of(&[None, Some(3_000), Some(60_000)]) }
    } else {
        Control::Application {
            timeout_ms: choices.one_of(&[0, 500, 5_000]),
            final_timeout_ms: choices.one_of(&[700, 20_000]),
            timeout_code: choices.one_of(&[503, 408, 1]),
        }
    };
    Accepted {
        kind: choices.one_of(&[
            Kind::Blind,
            Kind::LocalAttended,
            Kind::RemoteAttended,
            Kind::OtherMethod,
        ]),
        accept_code: choices.one_of(&[202, 200]),
        subscribes: choices.one_of(&[
            Subscribes::Yes,
            Subscribes::Yes,
            Subscribes::Yes,
            Subscribes::ReferSubFalse,
            Subscribes::No,
            Subscribes::Explicit,
        ]),
        event_id: choices.one_of(&[None, Some(0), Some(u32::MAX)]),
        expires_s: choices.one_of(&[0, 2, 60]),
        max_expires_s: choices.one_of(&[0, 5, 300]),
        invite_expires_s: choices.one_of(&[None, None, Some(20)]),
        min_interval_ms: choices.one_of(&[1_000, 1_000, 0, 5_000]),
        code_only: false,
        approval_pending: choices.below(4) == 0,
        control,
        on_failure: choices.one_of(&[OnFailure::Keep, OnFailure::Recall, OnFailure::HangUp]),
        hang_up_after_ms: choices.one_of(&[None, Some(0), Some(4_000)]),
        releases_at: choices.one_of(&[0, 0, 180, 200, 202]),
        release_delay_ms: choices.one_of(&[0, 3_000]),
        in_call: choices.below(8) != 0,
    }
}

/// What has been seen, and whether it was allowed.
#[derive(Default)]
pub struct Watch {
    now_ms: u64,
    min_interval_ms: u64,
    subscribes: bool,
    /// Whether its subscription is begun by a SUBSCRIBE.
    explicit: bool,
    controlled: bool,
    in_call: bool,
    answer: Option<Answer>,
    answers: u32,
    starts: u32,
    events: u32,
    final_events: u32,
    failures: u32,
    pub hang_ups: u32,
    /// Commands about the original call that came behind the outcome.
    pub late_recalls: u32,
    /// Explicit subscriptions that were begun.
    pub begun: u32,
    /// Whether the device lets go of its call before the outcome.
    releases: bool,
    pub finished: Option<u16>,
    /// Whether the first NOTIFY has been sent.
    notified: bool,
    /// Whether the subscription has ended.
    ended: bool,
    /// Whether a refresh is being answered.
    refreshing: bool,
    last_notify_ms: u64,
    /// Until when the subscription lasts, as the transferor has been told.
    until_ms: u64,
    approved: bool,
    left: bool,
    story: Story,
}

impl Watch {
    fn see(&mut self, output: Output) {
        self.story.tell(format!("{}: {output:?}", self.now_ms));
        assert_eq!(self.answers == 0, matches!(output, Output::Answer(_)));
        if let Some(code) = self.finished {
            let hangs_up = output == Output::Command(Command::HangUpTransferor);
            match &output {
                Output::Command(_) => assert_eq!(hangs_up, (200..300).contains(&code)),
                // Told to who subscribes late, and to nobody else.
                Output::Notify(notify) => {
                    assert!(self.explicit && self.refreshing && notify.is_last());
                    assert_eq!(notify.status.code(), code);
                }
                other => panic!("{other:?}"),
            }
        }
        match output {
            Output::Answer(answer) => {
                self.answers += 1;
                self.answer = Some(answer);
            }
            Output::Notify(notify) => self.see_notify(&notify),
            Output::Command(Command::Start) => {
                assert!(self.approved && !self.controlled);
                self.starts += 1;
            }
            Output::Command(Command::HangUpTransferor) => {
                assert!(matches!(self.finished, Some(200..=299)));
                assert!(self.in_call && !self.left);
                self.hang_ups += 1;
            }
            Output::Command(command) if self.finished.is_some() => {
                assert!(self.in_call && self.left && self.releases);
                assert_ne!(command, Command::KeepCall);
                self.late_recalls += 1;
            }
            Output::Command(command) => {
                assert_eq!(
                    command == Command::KeepCall,
                    !self.in_call || !self.left,
                    "{command:?}"
                );
                self.failures += 1;
            }
            Output::Event(state) => {
                assert!(self.controlled && self.approved);
                assert_eq!(state.is_none(), self.events == 0);
                assert_eq!(self.final_events, 0);
                self.events += 1;
                self.final_events += u32::from(state.is_some_and(|it| it != AppState::Progress));
            }
            Output::Finished(finished) => {
                assert!(finished.status.is_final());
                assert_eq!(self.failures, u32::from(!finished.status.is_success()));
                assert!(!self.subscribes || self.ended);
                self.finished = Some(finished.status.code());
            }
        }
        assert!(
            self.late_recalls <= 1 && self.starts <= 1 && self.hang_ups <= 1 && self.failures <= 1
        );
        assert!(self.answers == 1 && self.final_events <= 1);
    }

    fn see_notify(&mut self, notify: &Notify) {
        assert!(self.subscribes && !self.ended);
        let expires = match notify.state {
            NotifyState::Active { expires_s } => {
                assert!(self.approved);
                Some(expires_s)
            }
            NotifyState::Pending { expires_s } => {
                assert!(!self.approved && notify.status.code() == 100);
                Some(expires_s)
            }
            NotifyState::Terminated { .. } => None,
        };
        if let Some(expires_s) = expires {
            assert!(!notify.status.is_final());
            let until_ms = self.now_ms + u64::from(expires_s) * 1_000;
            if self.notified && !self.refreshing {
                let gap_ms = self.now_ms - self.last_notify_ms;
                assert!(gap_ms >= self.min_interval_ms);
                assert!(until_ms <= self.until_ms);
            } else {
                self.until_ms = until_ms;
            }
            self.last_notify_ms = self.now_ms;
        }
        self.ended = expires.is_none();
        self.notified = true;
        reads_back(notify);
    }
}

/// What is printed is what the parsers of the other side read.
fn reads_back(notify: &Notify) {
    let (mut headers, mut body) = ([0; 256], [0; 256]);
    let (mut headers, mut body) = (Writer::new(&mut headers), Writer::new(&mut body));
    notify.print_headers(&mut headers);
    notify.print_body(&mut body);
    let text = core::str::from_utf8(headers.written()).unwrap();
    let mut values = text.split("\r\n").map(|line| line.split_once(": "));
    let (name, event) = values.next().unwrap().unwrap();
    assert_eq!(name, "Event");
    let event = Event::parse(event.as_bytes()).unwrap();
    let id = notify.event_id.map(|id| id.to_string());
    assert_eq!(event.id, id.as_deref().map(str::as_bytes));
    let (name, state) = values.next().unwrap().unwrap();
    assert_eq!(name, "Subscription-State");
    let state = SubscriptionState::parse(state.as_bytes()).unwrap();
    assert_eq!(state.state == State::Terminated, notify.is_last());
    assert_eq!(state.expires.is_some(), !notify.is_last());
    assert_eq!(state.reason.is_some(), notify.is_last());
    let (name, _) = values.next().unwrap().unwrap();
    assert_eq!(name, "Content-Type");
    assert_eq!(values.collect::<Vec<_>>(), [None], "one CRLF at the end");
    let fragment = Sipfrag::parse(body.written()).unwrap();
    let reason = notify.status.reason().as_bytes();
    assert_eq!(fragment.status(), Some((notify.status.code(), reason)));
    assert!(fragment.rest.is_empty());
}

const CODES: [u16; 15] = [0, 99, 100, 100, 180, 180, 183, 199, 200, 202, 302, 404, 486, 603, 700];
const REASONS: [&[u8]; 4] = [b"", b"Ringing", b"a\r\nb: c", b"\xff\xfe"];

/// One input; what it may change in what is allowed is noted before it.
fn step(choices: &mut Choices<'_>, transfer: &mut Recipient, watch: &mut Watch) {
    let now_ms = watch.now_ms;
    let was_over = watch.finished.is_some();
    let said = watch.story.len();
    let result = match choices.below(12) {
        0..=2 => {
            let (code, reason) = (choices.one_of(&CODES), choices.one_of(&REASONS));
            Some(transfer.progress(code, reason, now_ms, &mut |output| watch.see(output)))
        }
        3..=5 => {
            let state = match choices.below(3) {
                0 => choices.one_of(&AppState::ALL),
                _ => AppState::Progress,
            };
            Some(transfer.application(state, now_ms, &mut |output| watch.see(output)))
        }
        6 => {
            let yes = choices.below(3) != 0;
            // What is due comes first, and a decision after it changes nothing.
            transfer.tick(now_ms, &mut |output| watch.see(output));
            if !watch.approved && watch.finished.is_none() {
                watch.approved = yes;
            }
            Some(transfer.decide(yes, now_ms, &mut |output| watch.see(output)))
        }
        7 if watch.explicit && choices.coin() => {
            transfer.tick(now_ms, &mut |output| watch.see(output));
            let asked_s = choices.one_of(&[None, Some(0), Some(1), Some(30)]);
            let (was_ended, was_notified) = (watch.ended, watch.notified);
            // Where it begins, that is another subscription.
            if was_ended {
                (watch.ended, watch.notified) = (false, false);
            }
            watch.refreshing = true;
            let begun =
                transfer.subscribe_explicitly(asked_s, now_ms, &mut |output| watch.see(output));
            watch.refreshing = false;
            assert!(was_ended || begun == Err(Error::WrongState));
            assert!(!was_ended || begun.is_ok() || watch.finished.is_some());
            if was_ended && begun.is_err() {
                (watch.ended, watch.notified) = (true, was_notified);
            }
            watch.begun += u32::from(begun.is_ok());
            None
        }
        7 => {
            transfer.tick(now_ms, &mut |output| watch.see(output));
            let asked_s = choices.one_of(&[None, Some(0), Some(1), Some(30), Some(u32::MAX)]);
            let was_ended = watch.ended;
            watch.refreshing = true;
            let granted = transfer.subscribe(asked_s, now_ms, &mut |output| watch.see(output));
            watch.refreshing = false;
            assert_eq!(granted.is_ok(), watch.subscribes && !was_ended);
            if let Ok(granted_s) = granted {
                assert!(granted_s <= asked_s.unwrap_or(u32::MAX));
            }
            None
        }
        8 => {
            watch.left = true;
            transfer.bye(now_ms, &mut |output| watch.see(output));
            None
        }
        9 => {
            let answer =
                choices.one_of(&[Some(200), Some(200), Some(500), Some(481), Some(404), None]);
            transfer.notify_answered(answer);
            watch.ended |= matches!(answer, Some(404 | 481) | None);
            None
        }
        10 => match choices.below(6) {
            0 => Some(transfer.contact_failed(now_ms, &mut |output| watch.see(output))),
            1 => {
                let code = choices.one_of(&CODES);
                Some(transfer.give_up(code, now_ms, &mut |output| watch.see(output)))
            }
            _ => {
                assert_eq!(transfer.answer_again(), watch.answer.unwrap());
                None
            }
        },
        _ => {
            transfer.tick(now_ms, &mut |output| watch.see(output));
            None
        }
    };
    assert!(!was_over || result.is_none_or(|it| it.is_err()));
    assert_eq!(transfer.outcome(), watch.finished);
    assert!(watch.story.len() - said <= MAX_OUTPUTS);
}

/// Runs a sequence to its end, when time has passed.
pub fn run(case: &Case) -> Watch {
    let mut choices = Choices::new(&case.settings);
    let accepted = accepted(&mut choices);
    let explicit = accepted.subscribes == Subscribes::Explicit;
    let mut watch = Watch {
        now_ms: choices.number(),
        min_interval_ms: u64::from(accepted.min_interval_ms),
        explicit,
        subscribes: accepted.subscribes == Subscribes::Yes || explicit,
        ended: explicit,
        releases: matches!(accepted.releases_at, 180 | 202),
        controlled: matches!(accepted.control, Control::Application { .. }),
        in_call: accepted.in_call && accepted.kind != Kind::OtherMethod,
        approved: !accepted.approval_pending,
        ..Watch::default()
    };
    watch.story.tell(format!("{accepted:?}"));
    let mut transfer = Recipient::accept(&accepted, watch.now_ms, &mut |output| watch.see(output));
    assert_eq!(watch.notified, accepted.subscribes == Subscribes::Yes);
    for bytes in &case.steps {
        let mut choices = Choices::new(bytes);
        match (choices.below(4), transfer.deadline()) {
            (1, Some(deadline_ms)) => watch.now_ms = watch.now_ms.max(deadline_ms),
            (2, _) => watch.now_ms += choices.number() % 20_000,
            (3, _) => watch.now_ms += choices.number() % 600,
            _ => {}
        }
        step(&mut choices, &mut transfer, &mut watch);
    }
    // From here on only time passes: each tick at a deadline does what was due.
    for _ in 0..8 {
        transfer.tick(watch.now_ms, &mut |output| watch.see(output));
        let Some(deadline_ms) = transfer.deadline() else {
            break;
        };
        assert!(deadline_ms > watch.now_ms, "a deadline that does not pass");
        watch.now_ms = deadline_ms;
    }
    assert_eq!(transfer.deadline(), None);
    if matches!(accepted.control, Control::Host { timeout_ms: None }) && watch.finished.is_none() {
        let given_up = transfer.give_up(487, watch.now_ms, &mut |output| watch.see(output));
        assert_eq!(given_up, Ok(()));
        while let Some(deadline_ms) = transfer.deadline() {
            assert!(deadline_ms > watch.now_ms, "a deadline that does not pass");
            watch.now_ms = deadline_ms;
            transfer.tick(watch.now_ms, &mut |output| watch.see(output));
        }
    }
    assert!(watch.finished.is_some(), "a transfer without an outcome");
    assert!(transfer.is_over());
    assert!(!watch.subscribes || watch.ended);
    transfer.tick(u64::MAX, &mut |output| watch.see(output));
    watch
}

impl Watch {
    /// Whether its subscription ended before it did.
    pub fn ended_early(&self) -> bool {
        self.story.any(|line| line.contains("reason: Timeout"))
    }
}
