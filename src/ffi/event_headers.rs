//! Level 1: Event, Subscription-State, option tags and message/sipfrag.

use super::raw::*;
use super::status::*;
use super::types::*;
use crate::sip::subscription_state::State;
use crate::sip::{option_tags, Event, Sipfrag, SubscriptionState, Writer};
use core::ffi::c_char;

/// Subscription-State: active.
pub const SIPXFER_SUBSCRIPTION_ACTIVE: u32 = 1;
/// Subscription-State: pending.
pub const SIPXFER_SUBSCRIPTION_PENDING: u32 = 2;
/// Subscription-State: terminated.
pub const SIPXFER_SUBSCRIPTION_TERMINATED: u32 = 3;
/// Subscription-State: an extension; `state_text` holds it.
pub const SIPXFER_SUBSCRIPTION_OTHER: u32 = 4;

/// Event (RFC 6665 section 8.2.1).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_event_header {
    /// `sizeof (struct sipxfer_event_header)`.
    pub struct_size: usize,
    /// Package: `refer` for transfers.
    pub package: sipxfer_str,
    /// The id parameter, or empty. From the second REFER of a dialog on it is the CSeq number of
    /// its REFER (RFC 3515 section 2.4.6).
    pub id: sipxfer_str,
}

/// Subscription-State (RFC 6665 section 8.2.3).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_subscription_state {
    /// `sizeof (struct sipxfer_subscription_state)`.
    pub struct_size: usize,
    /// The word as it stands.
    pub state_text: sipxfer_str,
    /// The reason parameter, or empty.
    pub reason: sipxfer_str,
    /// `SIPXFER_SUBSCRIPTION_*`.
    pub state: u32,
    /// 1 where `expires_s` was given.
    pub has_expires: u32,
    /// Seconds that the subscription lasts.
    pub expires_s: u32,
    /// Zero.
    pub reserved: u32,
}

/// The start of a message/sipfrag body (RFC 3420).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_sipfrag {
    /// `sizeof (struct sipxfer_sipfrag)`.
    pub struct_size: usize,
    /// Reason phrase of the status line.
    pub reason: sipxfer_str,
    /// What follows the start line: header lines, if any.
    pub headers: sipxfer_str,
    /// Status code; 0 where the body has no status line, which is no outcome (RFC 3515
    /// section 2.4.5).
    pub code: u32,
    /// Zero.
    pub reserved: u32,
}

versioned! {
    sipxfer_event_header: id;
    sipxfer_subscription_state: reserved;
    sipxfer_sipfrag: reserved;
}

/// Parses an Event value; otherwise as `sipxfer_replaces_parse()`.
///
/// # Safety
/// As for `sipxfer_replaces_parse()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_event_header_parse(
    value: *const c_char,
    len: usize,
    out: *mut sipxfer_event_header,
    error: *mut sipxfer_parse_error,
) -> i32 {
    let parse = |raw| {
        Event::parse(raw).map(|it| sipxfer_event_header {
            struct_size: 0,
            package: text(it.package),
            id: text(it.id.unwrap_or_default()),
        })
    };
    // SAFETY: contract of this function.
    unsafe { parse_value(value, len, out, error, parse) }
}

/// Prints an Event value, the id where it is not empty; otherwise as `sipxfer_replaces_print()`.
///
/// # Safety
/// As for `sipxfer_replaces_print()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_event_header_print(
    event: *const sipxfer_event_header,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let from = unsafe { read_struct(event) }?;
        // SAFETY: contract of this function.
        let package = unsafe { bytes(from.package.ptr, from.package.len) }?;
        // SAFETY: contract of this function.
        let id = unsafe { bytes(from.id.ptr, from.id.len) }?;
        let id = if id.is_empty() { None } else { Some(id) };
        let value = Event::new(package, id).ok_or(SIPXFER_E_PARSE)?;
        let print = |out: &mut Writer<'_>| {
            value.print(out);
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

/// Parses a Subscription-State value; otherwise as `sipxfer_replaces_parse()`.
///
/// # Safety
/// As for `sipxfer_replaces_parse()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_subscription_state_parse(
    value: *const c_char,
    len: usize,
    out: *mut sipxfer_subscription_state,
    error: *mut sipxfer_parse_error,
) -> i32 {
    let parse = |raw| {
        SubscriptionState::parse(raw).map(|it| {
            let (state, words): (u32, &[u8]) = match it.state {
                State::Active => (SIPXFER_SUBSCRIPTION_ACTIVE, b"active"),
                State::Pending => (SIPXFER_SUBSCRIPTION_PENDING, b"pending"),
                State::Terminated => (SIPXFER_SUBSCRIPTION_TERMINATED, b"terminated"),
                State::Other(word) => (SIPXFER_SUBSCRIPTION_OTHER, word),
            };
            sipxfer_subscription_state {
                struct_size: 0,
                state_text: text(words),
                reason: text(it.reason.unwrap_or_default()),
                state,
                has_expires: u32::from(it.expires.is_some()),
                expires_s: it.expires.unwrap_or(0),
                reserved: 0,
            }
        })
    };
    // SAFETY: contract of this function.
    unsafe { parse_value(value, len, out, error, parse) }
}

/// Prints a Subscription-State value from `state` (not OTHER), `expires_s` where `has_expires` is
/// 1, and `reason` where it is not empty; otherwise as `sipxfer_replaces_print()`.
///
/// # Safety
/// As for `sipxfer_replaces_print()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_subscription_state_print(
    state: *const sipxfer_subscription_state,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let from = unsafe { read_struct(state) }?;
        // SAFETY: contract of this function.
        let reason = unsafe { bytes(from.reason.ptr, from.reason.len) }?;
        let kind = match from.state {
            SIPXFER_SUBSCRIPTION_ACTIVE => State::Active,
            SIPXFER_SUBSCRIPTION_PENDING => State::Pending,
            SIPXFER_SUBSCRIPTION_TERMINATED => State::Terminated,
            _ => return Err(SIPXFER_E_RANGE),
        };
        if from.has_expires > 1 || from.reserved != 0 {
            return Err(SIPXFER_E_RANGE);
        }
        let expires = (from.has_expires == 1).then_some(from.expires_s);
        let reason = if reason.is_empty() { None } else { Some(reason) };
        let value = SubscriptionState::new(kind, expires, reason).ok_or(SIPXFER_E_PARSE)?;
        let print = |out: &mut Writer<'_>| {
            value.print(out);
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

/// Is this option tag in the value of a Supported, Require or Unsupported header? Any case.
///
/// Returns `SIPXFER_YES`, `SIPXFER_NO`, or the status of a wrong argument. Threads: any; does not
/// block; allocates nothing.
///
/// # Safety
/// `value` and `tag` point to as many bytes as are given.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_option_tag_listed(
    value: *const c_char,
    len: usize,
    tag: *const c_char,
    tag_len: usize,
) -> i32 {
    let mut listed = SIPXFER_NO;
    let status = guard(|| {
        // SAFETY: contract of this function.
        let value = unsafe { bytes(value, len) }?;
        // SAFETY: contract of this function.
        let tag = unsafe { bytes(tag, tag_len) }?;
        if option_tags::of_value(value).any(|it| it.eq_ignore_ascii_case(tag)) {
            listed = SIPXFER_YES;
        }
        Ok(())
    });
    if status == SIPXFER_OK {
        listed
    } else {
        status
    }
}

/// Parses a message/sipfrag body. A line end of LF, or none at all, is accepted here and never
/// printed. Otherwise as `sipxfer_replaces_parse()`.
///
/// # Safety
/// As for `sipxfer_replaces_parse()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_sipfrag_parse(
    body: *const c_char,
    len: usize,
    out: *mut sipxfer_sipfrag,
    error: *mut sipxfer_parse_error,
) -> i32 {
    let parse = |raw| {
        Sipfrag::parse(raw).map(|it| {
            let (code, reason) = it.status().unwrap_or_default();
            sipxfer_sipfrag {
                struct_size: 0,
                reason: text(reason),
                headers: text(it.rest),
                code: u32::from(code),
                reserved: 0,
            }
        })
    };
    // SAFETY: contract of this function.
    unsafe { parse_value(body, len, out, error, parse) }
}

/// Prints a message/sipfrag body of one status line, ended by CRLF (RFC 3515 section 2.4.5).
/// `code` is 100 to 699; an empty `reason` becomes the usual phrase of the code. Otherwise as
/// `sipxfer_replaces_print()`.
///
/// # Safety
/// As for `sipxfer_replaces_print()`; `reason` points to `reason_len` bytes.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_sipfrag_print(
    code: u32,
    reason: *const c_char,
    reason_len: usize,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let reason = unsafe { bytes(reason, reason_len) }?;
        let code = u16::try_from(code)
            .ok()
            .filter(|code| (100..700).contains(code))
            .ok_or(SIPXFER_E_RANGE)?;
        let usual = crate::sip::reason_phrase(code).as_bytes();
        let reason = if reason.is_empty() { usual } else { reason };
        let print = |out: &mut Writer<'_>| {
            Sipfrag::print_status(out, code, reason).map_err(|_| SIPXFER_E_PARSE)
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}
