//! Random sequences of inputs, and what must hold whatever comes.

use super::tests::word;
use super::*;
use crate::sip::{Event, Sipfrag, State, SubscriptionState, Writer};
use crate::transfer::subscription::NotifyState;

/// xorshift64*: the same numbers everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % limit
    }

    fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len() as u64) as usize]
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

fn accepted(numbers: &mut Numbers) -> Accepted {
    let control = if numbers.coin() {
        Control::Host { timeout_ms: numbers.one_of(&[None, Some(3_000), Some(60_000)]) }
    } else {
        Control::Application {
            timeout_ms: numbers.one_of(&[0, 500, 5_000]),
            final_timeout_ms: numbers.one_of(&[700, 20_000]),
            timeout_code: numbers.one_of(&[503, 408, 1]),
        }
    };
    Accepted {
        kind: numbers.one_of(&[
            Kind::Blind,
            Kind::LocalAttended,
            Kind::RemoteAttended,
            Kind::OtherMethod,
        ]),
        accept_code: numbers.one_of(&[202, 200]),
        subscribes: numbers.one_of(&[
            Subscribes::Yes,
            Subscribes::Yes,
            Subscribes::Yes,
            Subscribes::ReferSubFalse,
            Subscribes::No,
            Subscribes::Explicit,
        ]),
        event_id: numbers.one_of(&[None, Some(0), Some(u32::MAX)]),
        expires_s: numbers.one_of(&[0, 2, 60]),
        max_expires_s: numbers.one_of(&[0, 5, 300]),
        invite_expires_s: numbers.one_of(&[None, None, Some(20)]),
        min_interval_ms: numbers.one_of(&[1_000, 1_000, 0, 5_000]),
        approval_pending: numbers.below(4) == 0,
        control,
        on_failure: numbers.one_of(&[OnFailure::Keep, OnFailure::Recall, OnFailure::HangUp]),
        hang_up_after_ms: numbers.one_of(&[None, Some(0), Some(4_000)]),
        releases_at: numbers.one_of(&[0, 0, 180, 200, 202]),
        release_delay_ms: numbers.one_of(&[0, 3_000]),
        in_call: numbers.below(8) != 0,
    }
}

/// What has been seen, and whether it was allowed.
#[derive(Default)]
struct Watch {
    now_ms: u64,
    min_interval_ms: u64,
    subscribes: bool,
    /// Whether its subscription is begun by a SUBSCRIBE.
    explicit: bool,
    controlled: bool,
    in_call: bool,
    answers: u32,
    starts: u32,
    events: u32,
    final_events: u32,
    failures: u32,
    hang_ups: u32,
    /// Commands about the original call that came behind the outcome.
    late_recalls: u32,
    /// Explicit subscriptions that were begun.
    begun: u32,
    /// Whether the device lets go of its call before the outcome.
    releases: bool,
    finished: Option<u16>,
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
    log: Vec<String>,
}

/// A sequence that went wrong is shown.
impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log.join("\n"));
        }
    }
}

impl Watch {
    fn see(&mut self, output: Output) {
        self.log.push(format!("{}: {}", self.now_ms, word(&output)));
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
            Output::Answer(_) => self.answers += 1,
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
fn step(numbers: &mut Numbers, transfer: &mut Recipient, watch: &mut Watch) {
    let now_ms = watch.now_ms;
    let was_over = watch.finished.is_some();
    let said = watch.log.len();
    let result = match numbers.below(12) {
        0..=2 => {
            let (code, reason) = (numbers.one_of(&CODES), numbers.one_of(&REASONS));
            Some(transfer.progress(code, reason, now_ms, &mut |output| watch.see(output)))
        }
        3..=5 => {
            let state = match numbers.below(3) {
                0 => numbers.one_of(&AppState::ALL),
                _ => AppState::Progress,
            };
            Some(transfer.application(state, now_ms, &mut |output| watch.see(output)))
        }
        6 => {
            let yes = numbers.below(3) != 0;
            // What is due comes first, and a decision after it changes nothing.
            transfer.tick(now_ms, &mut |output| watch.see(output));
            if !watch.approved && watch.finished.is_none() {
                watch.approved = yes;
            }
            Some(transfer.decide(yes, now_ms, &mut |output| watch.see(output)))
        }
        7 if watch.explicit && numbers.coin() => {
            transfer.tick(now_ms, &mut |output| watch.see(output));
            let asked_s = numbers.one_of(&[None, Some(0), Some(1), Some(30)]);
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
            let asked_s = numbers.one_of(&[None, Some(0), Some(1), Some(30), Some(u32::MAX)]);
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
            let answer = numbers.one_of(&[Some(200), Some(200), Some(500), Some(481), None]);
            transfer.notify_answered(answer);
            watch.ended |= matches!(answer, Some(481) | None);
            None
        }
        10 => match numbers.below(6) {
            0 => Some(transfer.contact_failed(now_ms, &mut |output| watch.see(output))),
            1 => {
                let code = numbers.one_of(&CODES);
                Some(transfer.give_up(code, now_ms, &mut |output| watch.see(output)))
            }
            _ => {
                assert_eq!(transfer.answer_again(), transfer.answer);
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
    assert!(watch.log.len() - said <= MAX_OUTPUTS);
}

fn sequence(seed: u64) -> Watch {
    let mut numbers = Numbers(seed);
    let accepted = accepted(&mut numbers);
    let mut watch = Watch::default();
    watch.now_ms = numbers.below(100_000);
    watch.min_interval_ms = u64::from(accepted.min_interval_ms);
    watch.explicit = accepted.subscribes == Subscribes::Explicit;
    watch.subscribes = accepted.subscribes == Subscribes::Yes || watch.explicit;
    watch.ended = watch.explicit;
    watch.releases = matches!(accepted.releases_at, 180 | 202);
    watch.controlled = matches!(accepted.control, Control::Application { .. });
    watch.in_call = accepted.in_call && accepted.kind != Kind::OtherMethod;
    watch.approved = !accepted.approval_pending;
    watch.log.push(format!("{accepted:?}"));
    let mut transfer = Recipient::accept(&accepted, watch.now_ms, &mut |output| watch.see(output));
    assert_eq!(watch.notified, accepted.subscribes == Subscribes::Yes);
    for _ in 0..numbers.below(30) {
        match (numbers.below(4), transfer.deadline()) {
            (0, Some(deadline_ms)) => watch.now_ms = watch.now_ms.max(deadline_ms),
            (1, _) => watch.now_ms += numbers.below(20_000),
            (2, _) => watch.now_ms += numbers.below(600),
            _ => {}
        }
        step(&mut numbers, &mut transfer, &mut watch);
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

/// At most one final NOTIFY and none after it, nothing before the answer, one outcome, one command
/// about the original call and only on failure, and all the rest that [`Watch`] looks at.
#[test]
fn r043_r081_random_sequences_have_one_outcome() {
    const SEQUENCES: u64 = 30_000;
    let mut codes = std::collections::BTreeMap::new();
    let (mut hang_ups, mut ended_early, mut late_recalls, mut begun) = (0, 0, 0, 0);
    for seed in 1..=SEQUENCES {
        let watch = sequence(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        *codes.entry(watch.finished).or_insert(0_u64) += 1;
        hang_ups += watch.hang_ups;
        late_recalls += watch.late_recalls;
        begun += watch.begun;
        ended_early += u32::from(watch.log.iter().any(|line| line.ends_with(" timeout")));
    }
    // The sequences come by all that there is to come by.
    for code in [200, 302, 404, 408, 486, 487, 503, 603] {
        let seen = codes.get(&Some(code)).copied().unwrap_or_default();
        assert!(seen > SEQUENCES / 1_000, "{code}: {codes:?}");
    }
    let few = (SEQUENCES / 100) as u32;
    assert!(hang_ups > few && ended_early > few, "{hang_ups} {ended_early}");
    assert!(late_recalls > few / 10 && begun > few, "{late_recalls} {begun}");
}
