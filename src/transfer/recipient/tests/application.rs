//! Transfers that an application controls.

use super::*;

#[test]
fn r041_an_applications_commands_are_notifys_and_events() {
    for (state, code) in [
        (AppState::Answered, 200),
        (AppState::Unavailable, 503),
        (AppState::Declined, 603),
        (AppState::NotFound, 404),
    ] {
        let mut run = Run::under_way(&APPLICATION);
        assert_eq!(run.app(AppState::Progress, 1_000), Ok(()));
        run.says(&["NOTIFY 100 active", "channel_progress"]);
        assert_eq!(run.app(state, 1_100), Ok(()));
        let notify = format!("NOTIFY {code} noresource");
        let finished = format!("finished {code} Application");
        if state == AppState::Answered {
            run.says(&[&notify, state.name(), &finished]);
        } else {
            run.says(&[&notify, state.name(), "KeepCall", &finished]);
        }
        assert_eq!(run.app(state, 1_200), Err(Error::WrongState));
        run.says(&[]);
        assert_eq!(AppState::from_name(state.name().as_bytes()), Some(state));
    }
    assert_eq!(AppState::from_name(b"channel_ringing"), None);
}

#[test]
fn r041_an_applications_errors_are_numbered_as_proposed() {
    let mut run = Run::under_way(&BLIND);
    let error = run.app(AppState::Answered, 10).unwrap_err();
    assert_eq!((error, error.code()), (Error::NotControlled, 409));
    let mut run = Run::under_way(&APPLICATION);
    let error = run.progress(200, 10).unwrap_err();
    assert_eq!((error, error.code()), (Error::Controlled, 409));
    assert_eq!(run.app(AppState::Declined, 10), Ok(()));
    let error = run.app(AppState::Answered, 10).unwrap_err();
    assert_eq!((error, error.code()), (Error::WrongState, 412));
}

#[test]
fn r041_an_application_that_is_silent_is_503_or_408() {
    for (timeout_code, code) in [(503, 503), (408, 408), (200, 503)] {
        let accepted = Accepted {
            control: Control::Application {
                timeout_ms: 5_000,
                final_timeout_ms: 60_000,
                timeout_code,
            },
            ..BLIND
        };
        let mut run = Run::under_way(&accepted);
        run.tick(4_999);
        run.says(&[]);
        run.tick(5_000);
        let notify = format!("NOTIFY {code} noresource");
        let finished = format!("finished {code} Deadline");
        run.says(&[&notify, "channel_unavailable", "KeepCall", &finished]);
    }
}

/// A second, longer deadline, which more progress does not move.
#[test]
fn r041_an_application_that_only_makes_progress_is_503_too() {
    let mut run = Run::under_way(&APPLICATION);
    for now_ms in (4_000..64_000).step_by(4_000) {
        assert_eq!(run.app(AppState::Progress, now_ms), Ok(()));
    }
    run.said.clear();
    assert_eq!(run.transfer.deadline(), Some(64_000));
    run.tick(64_000);
    run.says(&[
        "NOTIFY 503 noresource",
        "channel_unavailable",
        "KeepCall",
        "finished 503 Deadline",
    ]);
}

/// A race: the answer comes after the deadline, with or without a tick between them.
#[test]
fn r041_an_answer_after_the_deadline_is_too_late() {
    for ticked in [true, false] {
        let mut run = Run::under_way(&APPLICATION);
        if ticked {
            run.tick(5_000);
        }
        assert_eq!(run.app(AppState::Answered, 5_001), Err(Error::WrongState));
        run.says(&[
            "NOTIFY 503 noresource",
            "channel_unavailable",
            "KeepCall",
            "finished 503 Deadline",
        ]);
    }
}

/// A race: the BYE comes after the deadline, before anything was done about it.
#[test]
fn r084_a_bye_after_the_deadline_still_counts() {
    let mut run = Run::under_way(&APPLICATION);
    run.bye(5_001);
    assert_eq!(run.said[2], "RecallTransferor");
}
