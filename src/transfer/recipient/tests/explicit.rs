//! Explicit subscriptions (RFC 7614), and none at all.

use super::*;

const EXPLICIT: Accepted = Accepted { subscribes: Subscribes::Explicit, ..BLIND };

impl Run {
    fn subscribe_explicitly(&mut self, seconds: Option<u32>, now_ms: u64) -> Result<u32, Error> {
        self.input(|it, out| it.subscribe_explicitly(seconds, now_ms, out))
    }
}

#[test]
fn r072_nosub_is_answered_and_never_notified() {
    let mut run = Run::of(&Accepted { subscribes: Subscribes::No, accept_code: 200, ..BLIND });
    run.says(&["200", "Start"]);
    assert_eq!(run.subscribe(Some(60), 10), Err(Error::NoSubscription));
    assert_eq!(run.subscribe_explicitly(Some(60), 10), Err(Error::NoSubscription));
    assert_eq!(run.progress(200, 20), Ok(()));
    run.says(&["finished 200 Target"]);
    assert_eq!(run.transfer.deadline(), None);
}

#[test]
fn r071_nobody_is_notified_before_a_subscribe_and_then_of_the_state_as_it_is() {
    let mut run = Run::of(&EXPLICIT);
    run.says(&["202", "Start"]);
    assert_eq!(run.progress(180, 2_000), Ok(()));
    run.says(&[]);
    assert_eq!(run.subscribe(Some(60), 2_500), Err(Error::NoSubscription), "none goes on yet");
    assert_eq!(run.subscribe_explicitly(Some(60), 3_000), Ok(60));
    run.says(&["NOTIFY 180 active"]);
    assert_eq!(run.subscribe_explicitly(Some(60), 3_100), Err(Error::WrongState));
    assert_eq!(run.subscribe(Some(30), 3_200), Ok(30));
    run.says(&["NOTIFY 180 active"]);
    assert_eq!(run.progress(486, 9_000), Ok(()));
    run.says(&["NOTIFY 486 noresource", "KeepCall", "finished 486 Target"]);
}

#[test]
fn r070_who_subscribes_late_is_told_the_end_for_a_while() {
    let mut run = Run::under_way(&EXPLICIT);
    assert_eq!(run.progress(200, 1_000), Ok(()));
    run.says(&["finished 200 Target"]);
    assert_eq!(run.transfer.deadline(), Some(1_000 + KEPT_MS));
    assert_eq!(run.subscribe_explicitly(None, 20_000), Ok(600));
    run.says(&["NOTIFY 200 noresource"]);
    run.tick(1_000 + KEPT_MS);
    run.says(&[]);
    assert_eq!(run.subscribe_explicitly(None, 40_000), Err(Error::NoSubscription));
    assert_eq!(run.transfer.deadline(), None);
    assert!(run.transfer.subscription().unwrap().has_ended());
}

#[test]
fn r070_a_subscription_that_ended_may_be_begun_again_and_its_end_is_not_the_transfers() {
    let mut run = Run::under_way(&EXPLICIT);
    assert_eq!(run.subscribe_explicitly(Some(0), 10), Ok(0));
    run.says(&["NOTIFY 100 timeout"]);
    assert_eq!(run.subscribe_explicitly(Some(5), 20), Ok(5));
    run.says(&["NOTIFY 100 active"]);
    run.tick(6_000);
    run.says(&["NOTIFY 100 timeout"]);
    assert_eq!(run.subscribe_explicitly(Some(60), 7_000), Ok(60));
    run.says(&["NOTIFY 100 active"]);
    run.transfer.notify_answered(Some(481));
    assert_eq!(run.progress(183, 8_000), Ok(()));
    run.says(&[]);
    assert_eq!(run.subscribe_explicitly(Some(60), 9_000), Ok(60));
    run.says(&["NOTIFY 183 active"]);
}

#[test]
fn r033_an_explicit_subscription_is_pending_until_the_host_has_decided() {
    let mut run = Run::of(&Accepted { approval_pending: true, ..EXPLICIT });
    run.says(&["202"]);
    assert_eq!(run.subscribe_explicitly(Some(60), 10), Ok(60));
    run.says(&["NOTIFY 100 pending"]);
    assert_eq!(run.decide(true, 2_000), Ok(()));
    run.says(&["NOTIFY 100 active", "Start"]);
    let mut other = Run::of(&Accepted { approval_pending: true, ..EXPLICIT });
    assert_eq!(other.decide(false, 100), Ok(()));
    other.says(&["202", "KeepCall", "finished 603 Refused"]);
    assert_eq!(other.subscribe_explicitly(Some(60), 200), Ok(60));
    other.says(&["NOTIFY 603 rejected"]);
}
