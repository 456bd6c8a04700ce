use super::*;

const MINUTE: Terms =
    Terms { event_id: None, expires_s: 60, max_s: 300, min_interval_ms: 1_000, pending: false };

fn status(code: u16) -> Status {
    Status::new(code, b"").unwrap()
}

/// A subscription that began at 10 s.
fn started(terms: &Terms) -> Subscription {
    Subscription::start(terms, 10_000).0
}

fn printed(notify: &Notify) -> String {
    let mut room = [0; 512];
    let mut out = Writer::new(&mut room);
    notify.print_headers(&mut out);
    out.push(b"\r\n");
    notify.print_body(&mut out);
    assert!(!out.overflowed());
    String::from_utf8(out.written().to_vec()).unwrap()
}

#[test]
fn r034_the_first_notify_goes_at_once() {
    let (subscription, first) = Subscription::start(&MINUTE, 10_000);
    assert_eq!(first.status.code(), 100);
    assert_eq!(first.state, NotifyState::Active { expires_s: 60 });
    assert_eq!(subscription.deadline(), Some(70_000));
}

/// Where a decision is awaited the state is pending, whose body is a 100 and nothing else
/// (RFC 3515 section 2.4.5).
#[test]
fn r033_a_subscription_that_awaits_approval_is_pending() {
    let terms = Terms { pending: true, ..MINUTE };
    let (mut subscription, first) = Subscription::start(&terms, 10_000);
    assert_eq!(first.state, NotifyState::Pending { expires_s: 60 });
    assert_eq!(first.status.code(), 100);
    assert_eq!(subscription.activate(10_300), None);
    let active = subscription.tick(11_000).unwrap();
    assert_eq!(active.state, NotifyState::Active { expires_s: 59 });
    assert_eq!(active.status.code(), 100);
    assert_eq!(subscription.activate(20_000), None);
}

#[test]
fn r036_the_event_is_refer_and_the_body_a_sipfrag() {
    let (_, first) = Subscription::start(&MINUTE, 0);
    assert_eq!(
        printed(&first),
        "Event: refer\r\nSubscription-State: active;expires=60\r\n\
         Content-Type: message/sipfrag;version=2.0\r\n\r\nSIP/2.0 100 Trying\r\n"
    );
}

#[test]
fn r041_the_body_is_a_status_line_with_crlf() {
    for (code, body) in [
        (100, "SIP/2.0 100 Trying\r\n"),
        (503, "SIP/2.0 503 Service Unavailable\r\n"),
        (603, "SIP/2.0 603 Decline\r\n"),
    ] {
        let last = started(&MINUTE).finish(status(code), Ended::NoResource);
        assert!(printed(&last.unwrap()).ends_with(&format!("\r\n\r\n{body}")));
    }
    assert_eq!(Status::new(99, b""), None);
    assert_eq!(Status::new(700, b""), None);
}

/// The reason is all of the referred call's response that goes on, and it cannot bring a line of
/// its own with it.
#[test]
fn r048_nothing_but_the_status_line_goes_on() {
    let kept = [("Busy At Desk", "Busy At Desk"), (" Besetzt ", "Besetzt"), ("Занято", "Занято")];
    let long = "x".repeat(LONGEST_REASON + 1);
    let dropped = ["", "Busy\r\nContact: <sip:secret@h>", "a\0b", "a\tb", "\u{85}", &long];
    let dropped = dropped.map(|reason| (reason, "Busy Here"));
    for (reason, expected) in kept.into_iter().chain(dropped) {
        let status = Status::new(486, reason.as_bytes()).unwrap();
        assert_eq!(status.reason(), expected, "{reason:?}");
        let last = started(&MINUTE).finish(status, Ended::NoResource).unwrap();
        let text = printed(&last);
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, format!("SIP/2.0 486 {expected}\r\n"));
    }
    assert_eq!(Status::new(486, b"\xff").unwrap().reason(), "Busy Here");
    assert_eq!(Status::new(486, b"Busy Here"), Status::new(486, b""));
}

#[test]
fn r042_the_id_is_the_cseq_from_the_second_refer_on() {
    assert_eq!(event_id(7, true, false), None);
    assert_eq!(event_id(7, true, true), Some(7));
    assert_eq!(event_id(93_809_824, false, false), Some(93_809_824));
    let terms = Terms { event_id: event_id(93_809_824, false, false), ..MINUTE };
    let (mut subscription, first) = Subscription::start(&terms, 0);
    assert!(printed(&first).starts_with("Event: refer;id=93809824\r\n"));
    let later = subscription.progress(status(180), 2_000).unwrap();
    let last = subscription.finish(status(200), Ended::NoResource).unwrap();
    assert_eq!((later.event_id, last.event_id), (Some(93_809_824), Some(93_809_824)));
}

/// A SUBSCRIBE that refreshes must carry the id that the NOTIFYs carry (RFC 3515 section 2.4.6).
#[test]
fn r042_a_subscribe_names_its_subscription_by_the_id() {
    let first = started(&MINUTE);
    let second = started(&Terms { event_id: Some(u32::MAX), ..MINUTE });
    for (event, names_first, names_second) in [
        ("refer", true, false),
        ("Refer;id=4294967295", false, true),
        ("refer;id=04294967295", false, false),
        ("refer;id=1", false, false),
        ("presence", false, false),
    ] {
        let event = Event::parse(event.as_bytes()).unwrap();
        assert_eq!(first.is_named_by(&event), names_first, "{event:?}");
        assert_eq!(second.is_named_by(&event), names_second, "{event:?}");
    }
}

#[test]
fn r043_the_last_notify_says_why() {
    for (reason, word) in [
        (Ended::NoResource, "noresource"),
        (Ended::Timeout, "timeout"),
        (Ended::Rejected, "rejected"),
    ] {
        let last = started(&MINUTE).finish(status(603), reason).unwrap();
        assert!(last.is_last());
        let line = format!("\r\nSubscription-State: terminated;reason={word}\r\n");
        assert!(printed(&last).contains(&line));
    }
}

#[test]
fn r043_nothing_follows_the_last_notify() {
    let mut subscription = started(&MINUTE);
    assert!(subscription.finish(status(200), Ended::NoResource).is_some());
    assert_eq!(subscription.finish(status(503), Ended::NoResource), None);
    assert_eq!(subscription.progress(status(180), 20_000), None);
    assert_eq!(subscription.refresh(Some(60), 20_000), None);
    assert_eq!(subscription.activate(20_000), None);
    assert_eq!(subscription.tick(u64::MAX), None);
    assert_eq!(subscription.deadline(), None);
}

/// RFC 6665 section 4.2.1.4: a subscription that is not refreshed ends with reason=timeout; what
/// was held back is in that NOTIFY.
#[test]
fn r043_expiry_is_told() {
    let mut subscription = started(&MINUTE);
    assert_eq!(subscription.tick(69_999), None);
    assert!(subscription.progress(status(180), 69_000).is_some());
    assert_eq!(subscription.progress(status(183), 69_500), None);
    assert_eq!(subscription.deadline(), Some(70_000));
    let last = subscription.tick(70_000).unwrap();
    let reason = Ended::Timeout;
    assert_eq!(last.state, NotifyState::Terminated { reason });
    assert_eq!(last.status.code(), 183);
    assert_eq!(subscription.tick(70_000), None);
}

#[test]
fn r040_a_subscribe_refreshes_and_is_told_the_state_at_once() {
    let mut subscription = started(&MINUTE);
    assert_eq!(subscription.progress(status(180), 10_100), None);
    let (granted_s, notify) = subscription.refresh(Some(90), 10_200).unwrap();
    assert_eq!((granted_s, notify.status.code()), (90, 180));
    assert_eq!(notify.state, NotifyState::Active { expires_s: 90 });
    assert_eq!(subscription.tick(11_300), None, "it was not held any more");
    assert_eq!(subscription.deadline(), Some(100_200));
    let (granted_s, _) = subscription.refresh(None, 10_200).unwrap();
    assert_eq!(granted_s, 300);
}

/// RFC 6665 section 4.2.1.4: an unsubscribe is an expiry at once, with reason=timeout.
#[test]
fn r040_no_seconds_end_it() {
    let mut subscription = started(&MINUTE);
    subscription.progress(status(180), 10_100);
    let (granted_s, last) = subscription.refresh(Some(0), 10_200).unwrap();
    assert_eq!((granted_s, last.status.code()), (0, 180));
    let reason = Ended::Timeout;
    assert_eq!(last.state, NotifyState::Terminated { reason });
    assert!(subscription.has_ended());
}

/// The rule was noted from memory. RFC 6665 section 4.2.1.4 has it so: on a refresh the time may be
/// shortened and must not be increased; section 4.2.2 says the same of the expires of a NOTIFY.
#[test]
fn r076_no_expiry_is_lengthened() {
    let mut subscription = started(&MINUTE);
    let (granted_s, notify) = subscription.refresh(Some(20), 12_000).unwrap();
    assert_eq!(granted_s, 20);
    assert_eq!(notify.state, NotifyState::Active { expires_s: 20 });
    let (granted_s, _) = subscription.refresh(Some(u32::MAX), 12_000).unwrap();
    assert_eq!(granted_s, 300, "its own maximum");
    for now_ms in (14_000..312_000).step_by(1_037) {
        let notify = subscription.progress(status(183), now_ms).unwrap();
        let NotifyState::Active { expires_s } = notify.state else {
            panic!("{notify:?}");
        };
        assert!(now_ms + u64::from(expires_s) * 1_000 <= 312_000);
        assert!(now_ms + (u64::from(expires_s) + 1) * 1_000 > 312_000);
    }
}

/// RFC 3515 section 3.10: no more often than once a second.
#[test]
fn r047_the_last_state_wins_and_waits_its_turn() {
    let mut subscription = started(&MINUTE);
    assert_eq!(subscription.progress(status(180), 10_010), None);
    assert_eq!(subscription.progress(status(183), 10_500), None);
    assert_eq!(subscription.deadline(), Some(11_000));
    assert_eq!(subscription.tick(10_999), None);
    let notify = subscription.tick(11_000).unwrap();
    assert_eq!(notify.status.code(), 183);
    assert_eq!(subscription.tick(11_001), None);
    assert_eq!(subscription.progress(status(181), 11_400), None);
    assert_eq!(subscription.tick(12_600).unwrap().status.code(), 181);
    let notify = subscription.progress(status(182), 13_600).unwrap();
    assert_eq!(notify.status.code(), 182, "after a second it goes at once");
}

#[test]
fn r047_the_final_state_goes_at_once_and_replaces_what_is_held() {
    let mut subscription = started(&MINUTE);
    assert_eq!(subscription.progress(status(180), 10_010), None);
    let last = subscription.finish(status(200), Ended::NoResource).unwrap();
    assert_eq!(last.status.code(), 200);
    assert_eq!(subscription.tick(11_000), None);
}

/// The rule was noted from memory. RFC 6665 section 4.2.2: a timeout ends the subscription (SHOULD),
/// and so do the codes 404, 405, 410, 416, 480 to 485, 489, 501 and 604 (MUST). RFC 5057 section 5.1
/// takes 408 for a timeout and lets 502 end the dialog.
#[test]
fn r075_a_refused_notify_ends_the_subscription_silently() {
    let ends = [404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604];
    for answer in ends.map(Some).into_iter().chain([None]) {
        let mut subscription = started(&MINUTE);
        subscription.progress(status(180), 10_010);
        assert!(subscription.notify_answered(answer), "{answer:?}");
        assert!(!subscription.notify_answered(answer));
        assert_eq!(subscription.tick(u64::MAX), None);
        assert_eq!(subscription.finish(status(200), Ended::NoResource), None);
    }
    for answer in [200, 202, 401, 403, 407, 486, 491, 500, 503, 600, 603] {
        let mut subscription = started(&MINUTE);
        assert!(!subscription.notify_answered(Some(answer)));
        assert!(subscription.progress(status(180), 11_000).is_some());
    }
}

#[test]
fn a_subscription_is_small() {
    assert!(size_of::<Subscription>() <= 64);
    assert!(size_of::<Notify>() <= 48);
}

/// Only before its SUBSCRIBE has come: from then on it is the subscriber who says for how long.
#[test]
fn r070_how_long_an_end_is_kept_is_of_no_meaning_once_it_was_asked_for() {
    let mut subscription = Subscription::awaited(&MINUTE, 10_000);
    assert_eq!(subscription.expires_at_ms(), None);
    subscription.keep_until(20_000);
    assert_eq!(subscription.expires_at_ms(), Some(20_000));
    let (granted_s, notify) = subscription.subscribe(Some(50), 15_000).unwrap();
    assert!(granted_s == 50 && !notify.is_last());
    subscription.keep_until(20_000);
    assert_eq!(subscription.expires_at_ms(), Some(65_000));
    let mut implicit = started(&MINUTE);
    implicit.keep_until(20_000);
    assert_eq!(implicit.expires_at_ms(), Some(70_000));
    assert!(implicit.tick(70_000).unwrap().is_last());
}
