//! What goes into a transfer and what comes out of it.

use crate::transfer::subscription::{Notify, Status};
use crate::transfer::Kind;

/// Seconds by which a subscription outlasts what it waits for (R045): 64*T1, the time in which a
/// transaction can still be answered.
pub const MARGIN_S: u32 = 32;

/// Seconds that a subscription is given for a decision that has no deadline.
pub const DECISION_S: u32 = 60;

/// How long the end of a reference is kept for an explicit subscription that comes after it: 64*T1.
pub const KEPT_MS: u64 = 32_000;

/// How much later than a device is known to send its BYE that BYE may come: the longest time between
/// two retransmissions (T2).
pub const RELEASE_MARGIN_MS: u64 = 4_000;

/// The most outputs that one input makes: a NOTIFY that was held back, then the final one, the event,
/// the command and the outcome.
pub const MAX_OUTPUTS: usize = 5;

/// Whether a REFER makes a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribes {
    /// It does, as every REFER that says nothing else.
    Yes,
    /// It does not, by its Refer-Sub: false, which the answer repeats (RFC 4488 section 4).
    ReferSubFalse,
    /// It does not, by Require: nosub (RFC 7614).
    No,
    /// It does not, and a SUBSCRIBE of its own may make one, by Require: explicitsub (RFC 7614).
    Explicit,
}

/// Who decides how a transfer goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The host, which starts the referred call.
    Host {
        /// For how long it may say nothing, from the start and from each progress; `None` for ever.
        timeout_ms: Option<u32>,
    },
    /// An application.
    Application {
        /// In what time at least `channel_progress` must come.
        timeout_ms: u32,
        /// In what time after the first `channel_progress` a final state must come.
        final_timeout_ms: u32,
        /// What the transferor is told when it does not: 408, else 503.
        timeout_code: u16,
    },
}

/// What becomes of the transferee where a transfer fails after the transferor has hung up. As long
/// as it has not, a failed transfer leaves the call as it was (RFC 5589 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Nothing may get lost: as `Recall`.
    Keep,
    /// The transferor is called back.
    Recall,
    /// The transferee is hung up.
    HangUp,
}

/// A REFER as it was accepted.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// What it asks for.
    pub kind: Kind,
    /// 200, else 202 (R069).
    pub accept_code: u16,
    /// Whether it makes a subscription.
    pub subscribes: Subscribes,
    /// The id of its Event; see [`event_id`](crate::transfer::subscription::event_id).
    pub event_id: Option<u32>,
    /// How long its subscription lasts at least.
    pub expires_s: u32,
    /// The longest that a refresh is granted, or `expires_s` where that came out longer.
    pub max_expires_s: u32,
    /// The Expires of the referred INVITE, which the subscription outlasts (R045).
    pub invite_expires_s: Option<u32>,
    /// The least time between two states (R047).
    pub min_interval_ms: u32,
    /// Whether the transferor is told no reason of the target's, but the usual one of its code (R048).
    pub code_only: bool,
    /// Whether the host has not decided yet (R033).
    pub approval_pending: bool,
    /// Who decides how it goes on.
    pub control: Control,
    /// What becomes of the transferee if it fails.
    pub on_failure: OnFailure,
    /// How long after a success this side hangs up the transferor, unless that did it itself;
    /// `None`: it is left to the transferor.
    pub hang_up_after_ms: Option<u32>,
    /// The provisional code, in a NOTIFY, from which on the transferor's device lets go of its call; 202:
    /// with the answer. 0: not known.
    pub releases_at: u16,
    /// How long after that it sends its BYE.
    pub release_delay_ms: u32,
    /// Whether the REFER is about a call of this side with the transferor; not so for one outside a
    /// dialog that asks for a new call (R098).
    pub in_call: bool,
}

impl Accepted {
    /// How long a subscription lasts: longer than the referred INVITE and than every deadline, with time
    /// for a decision (RFC 3515 section 3.4).
    pub(super) fn lifetime_s(&self) -> u32 {
        let seconds = |ms: u32| u64::from(ms.div_ceil(1_000));
        let (first_s, whole_s) = match self.control {
            Control::Host { timeout_ms } => {
                let first_s = timeout_ms.map(seconds);
                (first_s, first_s.unwrap_or_default())
            }
            Control::Application { timeout_ms, final_timeout_ms, .. } => {
                let first_s = seconds(timeout_ms);
                (Some(first_s), first_s + seconds(final_timeout_ms))
            }
        };
        let decision_s =
            if self.approval_pending { first_s.unwrap_or(u64::from(DECISION_S)) } else { 0 };
        let invite_s = u64::from(self.invite_expires_s.unwrap_or_default());
        let needed_s = match invite_s.max(whole_s) {
            0 => 0,
            longest_s => decision_s + longest_s + u64::from(MARGIN_S),
        };
        u32::try_from(needed_s).unwrap_or(u32::MAX).max(self.expires_s)
    }
}

/// The answer to a REFER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 202 or 200.
    pub code: u16,
    /// Whether it carries Refer-Sub: false.
    pub refer_sub_false: bool,
}

/// What the host is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Contact the target, or connect the calls, as the verdict says.
    Start,
    /// The transfer has failed: leave the original call as it was. This and the next two also say
    /// that what there is of the referred call is given up.
    KeepCall,
    /// The transfer has failed and the transferor has hung up: call it back. Comes behind the outcome
    /// where the device had let go of its call before it failed.
    RecallTransferor,
    /// The transfer has failed and the transferor has hung up: hang up the transferee. Comes behind the
    /// outcome as the one before.
    HangUpTransferee,
    /// The transfer has succeeded and the transferor has not hung up: do it.
    HangUpTransferor,
    /// The dialog that is replaced was looked up: decide anew where the transfer goes.
    Route,
}

/// A state of a transfer that an application controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppState {
    /// The application has taken it over.
    Progress,
    /// It has succeeded.
    Answered,
    /// It has failed, or the application was silent for too long.
    Unavailable,
    /// It was refused.
    Declined,
    /// Its target does not exist.
    NotFound,
}

impl AppState {
    /// Every state.
    pub const ALL: [AppState; 5] = [
        AppState::Progress,
        AppState::Answered,
        AppState::Unavailable,
        AppState::Declined,
        AppState::NotFound,
    ];

    /// Its name in commands and events.
    pub fn name(self) -> &'static str {
        match self {
            AppState::Progress => "channel_progress",
            AppState::Answered => "channel_answered",
            AppState::Unavailable => "channel_unavailable",
            AppState::Declined => "channel_declined",
            AppState::NotFound => "channel_not_found",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &[u8]) -> Option<AppState> {
        AppState::ALL.into_iter().find(|state| state.name().as_bytes() == name)
    }

    /// What the transferor is told.
    pub fn code(self) -> u16 {
        match self {
            AppState::Progress => 100,
            AppState::Answered => 200,
            AppState::Unavailable => 503,
            AppState::Declined => 603,
            AppState::NotFound => 404,
        }
    }

    /// Whether the transfer is over with it.
    pub fn is_final(self) -> bool {
        self.code() >= 200
    }

    /// The state that a status means to an application.
    pub(super) fn of(status: &Status) -> AppState {
        match status.code() {
            100..=199 => AppState::Progress,
            200..=299 => AppState::Answered,
            404 => AppState::NotFound,
            603 => AppState::Declined,
            _ => AppState::Unavailable,
        }
    }
}

/// What ended a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The final response of the target.
    Target,
    /// The target could not be contacted.
    Contact,
    /// The host refused, after the REFER had been accepted.
    Refused,
    /// The application.
    Application,
    /// Nothing was heard of it for too long.
    Deadline,
    /// The host gave up.
    GivenUp,
}

/// The one outcome of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its code and reason.
    pub status: Status,
    /// What ended it.
    pub cause: Cause,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Answer the REFER.
    Answer(Answer),
    /// Send a NOTIFY in the dialog of the REFER.
    Notify(Notify),
    /// The host is to do something.
    Command(Command),
    /// The application is told: that there is a transfer, or its new state.
    Event(Option<AppState>),
    /// The transfer has its outcome.
    Finished(Finished),
}

/// Why an input was not taken. It has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It does not fit the state of the transfer: not approved yet, or over.
    WrongState,
    /// An application's command for a transfer that none controls.
    NotControlled,
    /// The host's progress for a transfer that an application controls.
    Controlled,
    /// The code is none, or none of a failure.
    BadCode,
    /// A SUBSCRIBE for a subscription that has ended or never was.
    NoSubscription,
}

impl Error {
    /// The code for an application's request, as the proposal of REFER over ARI numbers them; for a
    /// SUBSCRIBE that of its answer (RFC 3515 section 2.4.4).
    pub fn code(self) -> u16 {
        match self {
            Error::WrongState => 412,
            Error::NotControlled | Error::Controlled => 409,
            Error::BadCode => 400,
            Error::NoSubscription => 403,
        }
    }
}

/// Takes the outputs of an input, in their order.
pub type Sink<'s> = dyn FnMut(Output) + 's;
