//! Devices that let go of their call by themselves, and when.

use super::*;

#[test]
fn r081_a_bye_after_a_failure_of_a_device_that_had_let_go_brings_the_transferor_back() {
    for (releases_at, on_failure, command) in [
        (180, OnFailure::Keep, "RecallTransferor"),
        (202, OnFailure::Recall, "RecallTransferor"),
        (202, OnFailure::HangUp, "HangUpTransferee"),
    ] {
        let accepted = Accepted { releases_at, on_failure, min_interval_ms: 0, ..BLIND };
        let mut run = Run::under_way(&accepted);
        assert_eq!(run.progress(180, 100), Ok(()));
        run.says(&["NOTIFY 180 active"]);
        assert_eq!(run.progress(486, 300), Ok(()));
        run.says(&["NOTIFY 486 noresource", "KeepCall", "finished 486 Target"]);
        run.bye(400);
        run.says(&[command]);
        assert!(run.transfer.is_over());
        run.bye(500);
        run.says(&[]);
    }
}

#[test]
fn r081_a_device_that_has_not_let_go_keeps_its_call() {
    let late = 10 + RELEASE_MARGIN_MS;
    for (releases_at, told, bye_ms) in
        [(0, 180, 400), (183, 180, 400), (200, 180, 400), (202, 180, late)]
    {
        let accepted = Accepted { releases_at, min_interval_ms: 0, ..BLIND };
        let mut run = Run::under_way(&accepted);
        assert_eq!(run.progress(told, 100), Ok(()));
        assert_eq!(run.progress(486, 300), Ok(()));
        run.says(&[
            "NOTIFY 180 active",
            "NOTIFY 486 noresource",
            "KeepCall",
            "finished 486 Target",
        ]);
        run.bye(bye_ms);
        run.says(&[]);
        assert!(run.transfer.is_over() && run.transfer.deadline().is_none());
    }
}

#[test]
fn r081_the_bye_of_a_device_that_lets_go_is_waited_for_no_longer_than_it_takes() {
    let accepted = Accepted { releases_at: 202, release_delay_ms: 2_000, ..BLIND };
    let mut run = Run::under_way(&accepted);
    assert_eq!(run.progress(486, 300), Ok(()));
    assert!(!run.transfer.is_over());
    assert_eq!(run.transfer.deadline(), Some(2_000 + RELEASE_MARGIN_MS));
    run.says(&["NOTIFY 486 noresource", "KeepCall", "finished 486 Target"]);
    run.tick(2_000 + RELEASE_MARGIN_MS);
    run.says(&[]);
    assert!(run.transfer.is_over());
}
