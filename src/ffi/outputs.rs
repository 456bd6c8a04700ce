//! Level 3: what a transfer wants done.

use super::raw::versioned;
use super::types::*;

/// Answer the REFER with `code`, `reason` and the header lines in `headers`. The first output of a
/// transfer; given again only where the REFER is retransmitted.
pub const SIPXFER_OUTPUT_ANSWER: u32 = 1;
/// Send a NOTIFY in the dialog of the REFER: `headers` has its Event, Subscription-State and
/// Content-Type, `body` the sipfrag. How it is answered is told by
/// `sipxfer_transfer_notify_answered()`.
pub const SIPXFER_OUTPUT_NOTIFY: u32 = 2;
/// Do `command`.
pub const SIPXFER_OUTPUT_COMMAND: u32 = 3;
/// Tell the application: that there is a transfer (an empty `state`), or its new state.
pub const SIPXFER_OUTPUT_EVENT: u32 = 4;
/// The transfer has its one outcome: `code`, `reason` and `cause`.
pub const SIPXFER_OUTPUT_FINISHED: u32 = 5;

/// Contact the target, or connect the calls, as the verdict said; tell what comes of it by
/// `sipxfer_transfer_progress()`.
pub const SIPXFER_COMMAND_START: u32 = 1;
/// The transfer has failed: give up what there is of the referred call and leave the original call
/// as it was (RFC 5589 section 4).
pub const SIPXFER_COMMAND_KEEP_CALL: u32 = 2;
/// The transfer has failed and the transferor has hung up: give up what there is of the referred
/// call and call the transferor back for the other party.
pub const SIPXFER_COMMAND_RECALL_TRANSFEROR: u32 = 3;
/// The transfer has failed and the transferor has hung up: give up what there is of the referred
/// call and hang up the other party.
pub const SIPXFER_COMMAND_HANG_UP_TRANSFEREE: u32 = 4;
/// The transfer has succeeded and the transferor has not hung up: send it a BYE.
pub const SIPXFER_COMMAND_HANG_UP_TRANSFEROR: u32 = 5;

/// The final response of the target.
pub const SIPXFER_CAUSE_TARGET: u32 = 1;
/// The target could not be contacted.
pub const SIPXFER_CAUSE_CONTACT: u32 = 2;
/// The host refused after the REFER had been accepted.
pub const SIPXFER_CAUSE_REFUSED: u32 = 3;
/// The application decided.
pub const SIPXFER_CAUSE_APPLICATION: u32 = 4;
/// Nothing was heard of the transfer for too long.
pub const SIPXFER_CAUSE_DEADLINE: u32 = 5;
/// The host gave up.
pub const SIPXFER_CAUSE_GIVEN_UP: u32 = 6;

/// Room that is enough for the strings of any output.
pub const SIPXFER_OUTPUT_SIZE: usize = 1024;

/// One thing that a transfer wants done. Its strings point into the buffer that was handed in, or
/// into static text.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_output {
    /// `sizeof (struct sipxfer_output)`, set by the caller.
    pub struct_size: usize,
    /// The transfer that wants it.
    pub transfer: u64,
    /// `SIPXFER_OUTPUT_*`. A kind that the host does not know is left out.
    pub kind: u32,
    /// `SIPXFER_COMMAND_*` of a COMMAND.
    pub command: u32,
    /// SIP code of an ANSWER, a NOTIFY or the outcome.
    pub code: u32,
    /// `SIPXFER_CAUSE_*` of the outcome.
    pub cause: u32,
    /// Reason phrase of `code`.
    pub reason: sipxfer_str,
    /// Header lines, each ended by CRLF.
    pub headers: sipxfer_str,
    /// Body of a NOTIFY.
    pub body: sipxfer_str,
    /// State of an EVENT, as `channel_answered`; empty for the first one of a transfer.
    pub state: sipxfer_str,
}

versioned! { sipxfer_output: state; }
