//! What a verdict and the settings say about a transfer that begins.

use super::{ReferKey, Wanted};
use crate::config::profile::Habits;
use crate::config::{self, Handling, Settings};
use crate::dialog::{DialogRef, Key};
use crate::sip::{tag_of, CSeq, Name};
use crate::transfer::recipient::{Accepted, Control, OnFailure, Subscribes};
use crate::transfer::{Request, Verdict};

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
        accept_code: habits.accept_code.unwrap_or(verdict.code),
        subscribes: if verdict.subscription { Subscribes::Yes } else { Subscribes::ReferSubFalse },
        // Known only where all REFERs of the dialog are.
        event_id: None,
        expires_s: settings.refer_expires_s,
        max_expires_s: MOST_EXPIRES_S,
        invite_expires_s: None,
        min_interval_ms: habits.notify_min_interval_ms.unwrap_or(settings.notify_min_interval_ms),
        approval_pending: verdict.approval_pending,
        control,
        on_failure: match settings.refer_on_failure {
            config::OnFailure::Keep => OnFailure::Keep,
            config::OnFailure::Recall => OnFailure::Recall,
            config::OnFailure::HangUp => OnFailure::HangUp,
        },
        hang_up_after_ms: unless_0(settings.refer_hang_up_after_ms).or(habits.hang_up_after_ms),
        in_call: request.is_in_dialog(),
    }
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
