//! What a verdict and the settings say about a transfer that begins.

use super::{ReferKey, Wanted};
use crate::config::profile::Habits;
use crate::config::{self, Handling, Settings};
use crate::dialog::{DialogRef, Key};
use crate::sip::{lex, tag_of, CSeq, Name, TargetDialog};
use crate::transfer::recipient::{Accepted, Control, OnFailure, Subscribes};
use crate::transfer::{Kind, Request, Verdict};

/// The longest that a refresh of a subscription is granted.
const MOST_EXPIRES_S: u32 = 3_600;

fn unless_0(number: u32) -> Option<u32> {
    (number > 0).then_some(number)
}

pub(super) fn accepted<D: DialogRef>(
    verdict: &Verdict<'_, D>,
    request: &Request<'_>,
    settings: &Settings,
    habits: &Habits,
) -> Accepted {
    let control = match handling(request, settings) {
        Handling::Default => Control::Host { timeout_ms: unless_0(settings.refer_timeout_ms) },
        Handling::ApplicationOnly => Control::Application {
            timeout_ms: settings.application_timeout_ms,
            final_timeout_ms: settings.application_final_timeout_ms,
            timeout_code: settings.application_timeout_code,
        },
    };
    Accepted {
        kind: verdict.kind,
        accept_code: accept_code(verdict, habits),
        subscribes: match verdict {
            Verdict { subscription: true, .. } => Subscribes::Yes,
            Verdict { nosub: true, .. } => Subscribes::No,
            Verdict { explicitsub: true, .. } => Subscribes::Explicit,
            _ => Subscribes::ReferSubFalse,
        },
        // Known only where all REFERs of the dialog are.
        event_id: None,
        expires_s: settings.refer_expires_s,
        max_expires_s: MOST_EXPIRES_S,
        invite_expires_s: expires_s(verdict.headers),
        min_interval_ms: habits.notify_min_interval_ms.unwrap_or(settings.notify_min_interval_ms),
        code_only: settings.notify_code_only,
        approval_pending: verdict.approval_pending || verdict.kind == Kind::Pending,
        control,
        on_failure: match settings.refer_on_failure {
            config::OnFailure::Keep => OnFailure::Keep,
            config::OnFailure::Recall => OnFailure::Recall,
            config::OnFailure::HangUp => OnFailure::HangUp,
        },
        // Not before the device would do it itself.
        hang_up_after_ms: unless_0(settings.refer_hang_up_after_ms)
            .or(habits.hang_up_after_ms)
            .map(|ms| ms.max(habits.release_delay_ms)),
        releases_at: habits.releases_at,
        release_delay_ms: habits.release_delay_ms,
        in_call: verdict.in_call,
    }
}

/// The Expires of the referred INVITE, where its Refer-To asks for one that the settings let in. A
/// stranger wrote it: no subscription becomes longer by it than by a refresh.
fn expires_s(headers: &[u8]) -> Option<u32> {
    const NAME: &[u8] = b"Expires:";
    let value = headers.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(NAME.len())?;
        name.eq_ignore_ascii_case(NAME).then_some(value)
    })?;
    lex::decimal(lex::trim(value.trim_ascii_end())).map(|seconds| seconds.min(MOST_EXPIRES_S))
}

/// A device's habit, but for what is newer than any habit (RFC 7614).
fn accept_code<D: DialogRef>(verdict: &Verdict<'_, D>, habits: &Habits) -> u16 {
    let habit = habits.accept_code.filter(|_| !verdict.nosub && !verdict.explicitsub);
    habit.unwrap_or(verdict.code)
}

/// What the host says about a call goes before what is set for its endpoint.
fn handling(request: &Request<'_>, settings: &Settings) -> Handling {
    request.sender.handling.unwrap_or(settings.transfer_handling)
}

/// What the events of an application tell each time.
pub(super) fn wanted<D: DialogRef>(
    verdict: &Verdict<'_, D>,
    request: &Request<'_>,
    settings: &Settings,
) -> Option<Wanted> {
    if handling(request, settings) != Handling::ApplicationOnly {
        return None;
    }
    let destination = if verdict.replaces.is_empty() { verdict.extension } else { b"" };
    Some(Wanted { replaces: verdict.replaces.into(), destination: destination.into() })
}

/// The call that a Target-Dialog names.
pub(super) fn call<'v, D: DialogRef>(verdict: &Verdict<'v, D>) -> Option<Key<'v>> {
    let TargetDialog { call_id, local_tag, remote_tag, .. } =
        TargetDialog::parse(verdict.target_dialog).ok()?;
    Some(Key { call_id, local_tag, remote_tag })
}

/// Outside of a dialog a REFER is told by its Call-ID and From tag.
pub(super) fn refer_key<'r>(request: &'r Request<'_>) -> ReferKey<'r> {
    let first = |name| request.message.first(name).map_or(&[][..], |value| value.raw);
    let dialog = request.own_dialog().unwrap_or(Key {
        call_id: first(Name::CallId),
        local_tag: b"",
        remote_tag: tag_of(first(Name::From)).unwrap_or_default(),
    });
    let cseq = CSeq::parse(first(Name::CSeq)).map_or(0, |cseq| cseq.number);
    ReferKey { dialog, cseq }
}
