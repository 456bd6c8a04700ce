//! Status codes and the words for them.

use core::ffi::c_char;

/// Done.
pub const SIPXFER_OK: i32 = 0;
/// A pointer that must not be NULL is NULL, or a length is given without a pointer.
pub const SIPXFER_E_NULL: i32 = -1;
/// `struct_size` is smaller than version 1 of the struct, larger than 4096, or ends within a field.
pub const SIPXFER_E_STRUCT_SIZE: i32 = -2;
/// The struct has a non-zero field that this version does not know. Ignoring it could open a
/// hole (a callback that is never asked), so it is refused unless the caller added
/// `SIPXFER_ALLOW_UNKNOWN` to `struct_size`.
pub const SIPXFER_E_UNKNOWN_FIELD: i32 = -3;
/// An enumeration or a number lies outside its range.
pub const SIPXFER_E_RANGE: i32 = -4;
/// The text does not parse; a `sipxfer_parse_error` tells what was expected and where.
pub const SIPXFER_E_PARSE: i32 = -5;
/// The buffer is too small. Nothing was lost: the length needed is reported, call again.
pub const SIPXFER_E_BUFFER: i32 = -6;
/// There is no such thing: a stale or foreign id, a header that is absent, a dialog that does
/// not exist.
pub const SIPXFER_E_NOT_FOUND: i32 = -7;
/// Answer of a dialog lookup: more than one dialog matches (RFC 3891 section 3).
pub const SIPXFER_E_AMBIGUOUS: i32 = -8;
/// Answer of a dialog lookup: not known yet, the host asks again later.
pub const SIPXFER_E_PENDING: i32 = -9;
/// Answer of a lock request: the dialog has ended meanwhile.
pub const SIPXFER_E_GONE: i32 = -10;
/// A callback that the call needs was not given.
pub const SIPXFER_E_CALLBACK_MISSING: i32 = -11;
/// A callback failed, or answered what it may not answer.
pub const SIPXFER_E_CALLBACK: i32 = -12;
/// There is no setting of this name, or not in this scope.
pub const SIPXFER_E_UNKNOWN_SETTING: i32 = -13;
/// The value does not fit the setting.
pub const SIPXFER_E_BAD_VALUE: i32 = -14;
/// The rules forbid it; the function's text names the rule.
pub const SIPXFER_E_NOT_ALLOWED: i32 = -15;
/// The call does not fit the way the engine was made (its own dialog table against a callback
/// directory).
pub const SIPXFER_E_STATE: i32 = -16;
/// Random bytes could not be had.
pub const SIPXFER_E_RANDOM: i32 = -17;
/// Memory could not be had.
pub const SIPXFER_E_NOMEM: i32 = -18;
/// A fault inside the library was caught at the boundary. It is counted
/// (`sipxfer_panic_count()`), other calls go on.
pub const SIPXFER_E_PANIC: i32 = -19;
/// The scratch space is smaller than `SIPXFER_SCRATCH_SIZE(message_len)`.
pub const SIPXFER_E_SCRATCH: i32 = -20;
/// The ABI of the library has another major number.
pub const SIPXFER_E_ABI: i32 = -21;

/// The command fits no state of the transfer: not approved yet, or over (412 towards an application).
pub const SIPXFER_E_WRONG_STATE: i32 = -22;
/// The transfer is not under the control that the call belongs to: an application's command for one
/// that the host controls, or the other way round (409 towards an application).
pub const SIPXFER_E_NOT_CONTROLLED: i32 = -23;
/// The subscription has ended or never was (403 towards a SUBSCRIBE).
pub const SIPXFER_E_NO_SUBSCRIPTION: i32 = -24;

/// Somebody else has it: a place of the park lot, a dialog that is parked already, or a parked call
/// that is being taken out (603 towards a Replaces).
pub const SIPXFER_E_TAKEN: i32 = -30;

pub(super) const WORDS: &[(i32, &core::ffi::CStr)] = &[
    (SIPXFER_OK, c"done"),
    (SIPXFER_E_NULL, c"a required pointer is NULL"),
    (SIPXFER_E_STRUCT_SIZE, c"struct_size is too small, or larger than 4096"),
    (SIPXFER_E_UNKNOWN_FIELD, c"the struct has a non-zero field that this version does not know"),
    (SIPXFER_E_RANGE, c"an enumeration or a number is out of range"),
    (SIPXFER_E_PARSE, c"the text does not parse"),
    (SIPXFER_E_BUFFER, c"the buffer is too small"),
    (SIPXFER_E_NOT_FOUND, c"not found"),
    (SIPXFER_E_AMBIGUOUS, c"more than one dialog matches"),
    (SIPXFER_E_PENDING, c"not known yet, ask again later"),
    (SIPXFER_E_GONE, c"the dialog has ended meanwhile"),
    (SIPXFER_E_CALLBACK_MISSING, c"a callback that the call needs was not given"),
    (SIPXFER_E_CALLBACK, c"a callback failed or answered what it may not"),
    (SIPXFER_E_UNKNOWN_SETTING, c"there is no such setting in this scope"),
    (SIPXFER_E_BAD_VALUE, c"the value does not fit the setting"),
    (SIPXFER_E_NOT_ALLOWED, c"the rules forbid it"),
    (SIPXFER_E_STATE, c"the call does not fit the way the engine was made"),
    (SIPXFER_E_RANDOM, c"random bytes could not be had"),
    (SIPXFER_E_NOMEM, c"memory could not be had"),
    (SIPXFER_E_PANIC, c"a fault inside the library was caught"),
    (SIPXFER_E_SCRATCH, c"the scratch space is too small"),
    (SIPXFER_E_ABI, c"the library has another ABI"),
    (SIPXFER_E_WRONG_STATE, c"the transfer is in another state"),
    (SIPXFER_E_NOT_CONTROLLED, c"the transfer is under another control"),
    (SIPXFER_E_NO_SUBSCRIPTION, c"there is no such subscription any more"),
    (SIPXFER_E_TAKEN, c"somebody else has it"),
];

/// The meaning of a status, in a few English words. Never NULL; a number that is no status
/// answers "unknown status".
///
/// The text is static and ends with NUL. Threads: any; does not block.
#[no_mangle]
pub extern "C" fn sipxfer_strerror(status: i32) -> *const c_char {
    WORDS
        .iter()
        .find(|(known, _)| *known == status)
        .map_or(c"unknown status", |(_, words)| *words)
        .as_ptr()
}
