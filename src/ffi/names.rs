//! The names of the numbers that a host logs.

use super::outputs::*;
use super::refers::*;
use core::ffi::{c_char, CStr};

fn name_of(number: u32, names: &[(u32, &'static CStr)]) -> *const c_char {
    let found = names.iter().find(|(known, _)| *known == number);
    found.map_or(c"unknown", |(_, name)| name).as_ptr()
}

/// The name of a kind of output, as `notify`; "unknown" for a number that is none. Static, ends with NUL,
/// never NULL. Threads: any; does not block.
#[no_mangle]
pub extern "C" fn sipxfer_output_name(kind: u32) -> *const c_char {
    name_of(
        kind,
        &[
            (SIPXFER_OUTPUT_ANSWER, c"answer"),
            (SIPXFER_OUTPUT_NOTIFY, c"notify"),
            (SIPXFER_OUTPUT_COMMAND, c"command"),
            (SIPXFER_OUTPUT_EVENT, c"event"),
            (SIPXFER_OUTPUT_FINISHED, c"finished"),
        ],
    )
}

/// The name of a command of a received transfer, as `keep_call`; otherwise as `sipxfer_output_name()`.
#[no_mangle]
pub extern "C" fn sipxfer_command_name(command: u32) -> *const c_char {
    name_of(
        command,
        &[
            (SIPXFER_COMMAND_START, c"start"),
            (SIPXFER_COMMAND_KEEP_CALL, c"keep_call"),
            (SIPXFER_COMMAND_RECALL_TRANSFEROR, c"recall_transferor"),
            (SIPXFER_COMMAND_HANG_UP_TRANSFEREE, c"hang_up_transferee"),
            (SIPXFER_COMMAND_HANG_UP_TRANSFEROR, c"hang_up_transferor"),
            (SIPXFER_COMMAND_ROUTE, c"route"),
        ],
    )
}

/// The name of what ended a received transfer, as `deadline`; otherwise as `sipxfer_output_name()`.
#[no_mangle]
pub extern "C" fn sipxfer_cause_name(cause: u32) -> *const c_char {
    name_of(
        cause,
        &[
            (SIPXFER_CAUSE_TARGET, c"target"),
            (SIPXFER_CAUSE_CONTACT, c"contact"),
            (SIPXFER_CAUSE_REFUSED, c"refused"),
            (SIPXFER_CAUSE_APPLICATION, c"application"),
            (SIPXFER_CAUSE_DEADLINE, c"deadline"),
            (SIPXFER_CAUSE_GIVEN_UP, c"given_up"),
        ],
    )
}

/// The name of a kind of output of a sent transfer, as `send`; otherwise as `sipxfer_output_name()`.
#[no_mangle]
pub extern "C" fn sipxfer_refer_output_name(kind: u32) -> *const c_char {
    name_of(
        kind,
        &[
            (SIPXFER_REFER_OUTPUT_SEND, c"send"),
            (SIPXFER_REFER_OUTPUT_COMMAND, c"command"),
            (SIPXFER_REFER_OUTPUT_PROGRESS, c"progress"),
            (SIPXFER_REFER_OUTPUT_FINISHED, c"finished"),
        ],
    )
}

/// The name of a command of a sent transfer, as `hang_up`; otherwise as `sipxfer_output_name()`.
#[no_mangle]
pub extern "C" fn sipxfer_refer_command_name(command: u32) -> *const c_char {
    name_of(
        command,
        &[
            (SIPXFER_REFER_COMMAND_DROP_CONSULTATION, c"drop_consultation"),
            (SIPXFER_REFER_COMMAND_BYE_CONSULTATION, c"bye_consultation"),
            (SIPXFER_REFER_COMMAND_KEEP_CALL, c"keep_call"),
            (SIPXFER_REFER_COMMAND_HANG_UP, c"hang_up"),
        ],
    )
}

/// The name of the outcome of a sent transfer, as `success`; otherwise as `sipxfer_output_name()`.
#[no_mangle]
pub extern "C" fn sipxfer_refer_outcome_name(outcome: u32) -> *const c_char {
    name_of(
        outcome,
        &[
            (SIPXFER_REFER_SUCCESS, c"success"),
            (SIPXFER_REFER_FAILURE, c"failure"),
            (SIPXFER_REFER_UNKNOWN, c"outcome_unknown"),
        ],
    )
}

/// The name of why an outcome is unknown, as `no_notify`; otherwise as `sipxfer_output_name()`.
#[no_mangle]
pub extern "C" fn sipxfer_refer_why_name(why: u32) -> *const c_char {
    name_of(
        why,
        &[
            (SIPXFER_REFER_WHY_NO_NOTIFY, c"no_notify"),
            (SIPXFER_REFER_WHY_EXPIRED, c"expired"),
            (SIPXFER_REFER_WHY_ENDED, c"ended"),
            (SIPXFER_REFER_WHY_NOT_SUBSCRIBED, c"not_subscribed"),
        ],
    )
}
