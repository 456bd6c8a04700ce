//! Level 1: the headers of REFER: Refer-To, Referred-By, Refer-Sub, and what the triggered INVITE
//! carries.

use super::dialog_headers::{replaces_in, sipxfer_replaces};
use super::raw::*;
use super::status::*;
use super::types::*;
use crate::sip::{unescape, ReferSub, ReferTo, ReferredBy, Scratch, UnescapeError, Uri, Writer};
use crate::transfer::triggered::{self, Triggered};
use core::ffi::c_char;

/// A Refer-To value in its parts (RFC 3515 section 2.1).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_refer_to {
    /// `sizeof (struct sipxfer_refer_to)`, set by the caller.
    pub struct_size: usize,
    /// Display name as it stands, or empty.
    pub display: sipxfer_str,
    /// The URI as it stands, headers included.
    pub uri: sipxfer_str,
    /// The URI without its headers and without what is no part of a Request-URI (the method
    /// parameter); what is to be contacted.
    pub request_uri: sipxfer_str,
    /// The method that the URI asks for; empty means INVITE (RFC 3515 section 2.4.3).
    pub method: sipxfer_str,
    /// Header parameters behind the URI.
    pub params: sipxfer_str,
    /// Call-ID of the Replaces inside the URI, or empty where there is none.
    pub replaces_call_id: sipxfer_str,
    /// Its to-tag.
    pub replaces_to_tag: sipxfer_str,
    /// Its from-tag.
    pub replaces_from_tag: sipxfer_str,
    /// Its parameters as they stood.
    pub replaces_params: sipxfer_str,
    /// 1 where the URI holds a Replaces.
    pub has_replaces: u32,
    /// 1 where that Replaces is early-only.
    pub early_only: u32,
}

/// What a Refer-To is built from.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_refer_to_target {
    /// `sizeof (struct sipxfer_refer_to_target)`.
    pub struct_size: usize,
    /// sip or sips URI of the target, without headers: its Contact where that can be reached,
    /// else its AOR (RFC 5589 section 7.3).
    pub uri: sipxfer_str,
    /// The dialog with the target as the *target* sees it (to-tag = the target's own tag), or NULL
    /// for a blind transfer.
    pub replaces: *const sipxfer_replaces,
    /// `SIPXFER_DIALOG_*` of that dialog; not read for a blind transfer.
    pub dialog_state: u32,
    /// `SIPXFER_INITIATOR_*` of that dialog as the transferor sees it: LOCAL where it called the
    /// target. Needed where the dialog is early.
    pub dialog_initiator: u32,
    /// 1 to ask for `Require: replaces` in the triggered INVITE: right where `uri` is an AOR
    /// (RFC 5589 section 7.3).
    pub require_replaces: u32,
    /// Zero.
    pub reserved: u32,
}

/// Referred-By (RFC 3892 section 2.1).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_referred_by {
    /// `sizeof (struct sipxfer_referred_by)`, set by the caller.
    pub struct_size: usize,
    /// Display name as it stands, or empty.
    pub display: sipxfer_str,
    /// URI of the referrer.
    pub uri: sipxfer_str,
    /// Content-ID of the token in the body, unquoted, or empty. A cid that names no body part
    /// makes nothing true: the Referred-By is not verified.
    pub cid: sipxfer_str,
    /// All header parameters as they stood.
    pub params: sipxfer_str,
}

/// Refer-Sub (RFC 4488 section 4).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_refer_sub {
    /// `sizeof (struct sipxfer_refer_sub)`, set by the caller.
    pub struct_size: usize,
    /// Parameters as they stood.
    pub params: sipxfer_str,
    /// 1 for true (a subscription is wanted), 0 for false.
    pub value: u32,
    /// Zero.
    pub reserved: u32,
}

/// What the header lines of a triggered INVITE are built from.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_invite_headers {
    /// `sizeof (struct sipxfer_invite_headers)`.
    pub struct_size: usize,
    /// The dialog to replace as the *recipient* sees it, or NULL.
    pub replaces: *const sipxfer_replaces,
    /// Value of the Referred-By to copy, or empty (RFC 3892 section 2.2).
    pub referred_by: sipxfer_str,
    /// `SIPXFER_DIALOG_*` of the dialog to replace, if there is one.
    pub dialog_state: u32,
    /// `SIPXFER_INITIATOR_*` of that dialog as seen by whoever asks to replace it: LOCAL means that
    /// the recipient did not begin it. Needed where the dialog is early.
    pub dialog_initiator: u32,
    /// 1 to add `Require: replaces`.
    pub require_replaces: u32,
    /// Zero.
    pub reserved: u32,
}

versioned! {
    sipxfer_refer_to: early_only;
    sipxfer_refer_to_target: reserved;
    sipxfer_referred_by: params;
    sipxfer_refer_sub: reserved;
    sipxfer_invite_headers: reserved;
}

/// Never ask to replace an early dialog that the recipient did not begin (RFC 3891 section 4,
/// R017): the recipient began it exactly where this side did not. One that has ended is not asked
/// for either.
fn may_be_asked_for(state: u32, initiator: u32) -> Result<(), Status> {
    match (state, initiator) {
        (SIPXFER_DIALOG_EARLY, SIPXFER_INITIATOR_REMOTE) => Ok(()),
        (SIPXFER_DIALOG_CONFIRMED, SIPXFER_INITIATOR_LOCAL | SIPXFER_INITIATOR_REMOTE | 0) => {
            Ok(())
        }
        (SIPXFER_DIALOG_EARLY, SIPXFER_INITIATOR_LOCAL) | (SIPXFER_DIALOG_TERMINATED, _) => {
            Err(SIPXFER_E_NOT_ALLOWED)
        }
        _ => Err(SIPXFER_E_RANGE),
    }
}

/// Parses a Refer-To value, the Replaces inside its URI included (decoded exactly once).
///
/// Decoded strings stand in `scratch`; 2 times `len` bytes are always enough for it. The rest are views
/// into the value. Returns `SIPXFER_OK`, `SIPXFER_E_PARSE` (`error`, if not NULL, says where, as a
/// byte of the value), `SIPXFER_E_SCRATCH`, or the status of a wrong argument. Threads: any; does
/// not block; allocates nothing.
///
/// # Safety
/// `value` points to `len` bytes, `scratch` to `scratch_len` writable bytes, `out` and `error` to
/// structs whose `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_to_parse(
    value: *const c_char,
    len: usize,
    scratch: *mut c_char,
    scratch_len: usize,
    out: *mut sipxfer_refer_to,
    error: *mut sipxfer_parse_error,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe { check_out(out) }?;
        // SAFETY: contract of this function.
        unsafe { check_error(error) }?;
        // SAFETY: contract of this function.
        let value = unsafe { bytes(value, len) }?;
        // SAFETY: contract of this function.
        let mut scratch = Scratch::new(unsafe { buffer(scratch, scratch_len) }?);
        let parsed = ReferTo::parse(value).map_err(UnescapeError::Parse).and_then(|it| {
            let replaces = it.replaces(&mut scratch)?;
            let method = unescape(it.method.unwrap_or_default(), &mut scratch)?;
            Ok((replaces, method, it.target(&mut scratch)?, it))
        });
        let (replaces, method, request_uri, refer_to) = match parsed {
            Ok(parsed) => parsed,
            // SAFETY: contract of this function.
            Err(UnescapeError::Parse(cause)) => return Err(unsafe { report(error, cause) }),
            Err(UnescapeError::OutOfScratch) => return Err(SIPXFER_E_SCRATCH),
        };
        let part = |pick: fn(&crate::sip::Replaces<'_>) -> sipxfer_str| {
            replaces.as_ref().map_or(text(&[]), pick)
        };
        let view = sipxfer_refer_to {
            struct_size: 0,
            display: text(refer_to.display),
            uri: text(refer_to.uri.raw),
            request_uri: text(request_uri),
            method: text(method),
            params: text(refer_to.params),
            replaces_call_id: part(|it| text(it.call_id)),
            replaces_to_tag: part(|it| text(it.to_tag)),
            replaces_from_tag: part(|it| text(it.from_tag)),
            replaces_params: part(|it| text(it.params.raw())),
            has_replaces: u32::from(replaces.is_some()),
            early_only: u32::from(replaces.as_ref().is_some_and(|it| it.early_only)),
        };
        // SAFETY: contract of this function.
        unsafe { write_struct(out, &view) }
    })
}

/// Builds the Refer-To value of a blind or attended transfer, always in angle brackets, with the
/// Replaces escaped exactly once.
///
/// Writes up to `capacity` bytes, without NUL, and their number to `needed`. Returns `SIPXFER_OK`,
/// `SIPXFER_E_BUFFER` where `needed` is more than `capacity`, `SIPXFER_E_PARSE` where the URI is no
/// sip or sips URI or carries headers already, `SIPXFER_E_NOT_ALLOWED` for an early dialog that the
/// target did not begin (RFC 3891 section 4: transfer blind instead, RFC 5589 section 7.4) or that has
/// ended, `SIPXFER_E_RANGE` where a Replaces comes without the state of its dialog or
/// `require_replaces` without a Replaces, or the status of a wrong argument. Threads: any; does not block; allocates nothing.
///
/// # Safety
/// `target` points to a struct whose `struct_size` is set and whose pointers hold, `buffer` to
/// `capacity` writable bytes, `needed` to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_to_build(
    target: *const sipxfer_refer_to_target,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let target = unsafe { read_struct(target) }?;
        // SAFETY: contract of this function.
        let uri = unsafe { bytes(target.uri.ptr, target.uri.len) }?;
        if target.require_replaces > 1 || target.reserved != 0 {
            return Err(SIPXFER_E_RANGE);
        }
        // SAFETY: contract of this function.
        let replaces = unsafe { optional_replaces(target.replaces) }?;
        if replaces.is_some() {
            may_be_asked_for(target.dialog_state, target.dialog_initiator)?;
        } else if target.require_replaces == 1 {
            return Err(SIPXFER_E_RANGE);
        }
        let parsed = Uri::parse(uri).map_err(|_| SIPXFER_E_PARSE)?;
        if !(parsed.is_sip() || parsed.is_sips()) || parsed.without_headers().len() != uri.len() {
            return Err(SIPXFER_E_PARSE);
        }
        let print = |out: &mut Writer<'_>| {
            ReferTo::build(out, uri, replaces.as_ref(), target.require_replaces == 1)
                .map_err(|_| SIPXFER_E_PARSE)
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

/// # Safety
/// `ptr` is NULL or points to a struct whose `struct_size` is set and whose strings hold.
unsafe fn optional_replaces<'a>(
    ptr: *const sipxfer_replaces,
) -> Result<Option<crate::sip::Replaces<'a>>, Status> {
    if ptr.is_null() {
        return Ok(None);
    }
    // SAFETY: contract of this function.
    let from = unsafe { read_struct(ptr) }?;
    // SAFETY: contract of this function.
    unsafe { replaces_in(&from) }.map(Some)
}

/// Builds the header lines of a triggered INVITE: Replaces, `Require: replaces`, Referred-By, each
/// ended by CRLF (RFC 3891 section 4, RFC 3892 section 2.2). A host that has a verdict finds these
/// lines in it already.
///
/// Writes up to `capacity` bytes, without NUL, and their number to `needed`. Returns `SIPXFER_OK`,
/// `SIPXFER_E_BUFFER` where `needed` is more than `capacity`, `SIPXFER_E_PARSE` where the Referred-By
/// does not parse, `SIPXFER_E_NOT_ALLOWED` for an early dialog that the recipient did not begin
/// (RFC 3891 section 4), or the status of a wrong argument. Threads: any; does not block; allocates
/// nothing.
///
/// # Safety
/// As for `sipxfer_refer_to_build()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_invite_headers_build(
    headers: *const sipxfer_invite_headers,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let wanted = unsafe { read_struct(headers) }?;
        if wanted.require_replaces > 1 || wanted.reserved != 0 {
            return Err(SIPXFER_E_RANGE);
        }
        // SAFETY: contract of this function.
        let replaces = unsafe { optional_replaces(wanted.replaces) }?;
        if replaces.is_some() {
            may_be_asked_for(wanted.dialog_state, wanted.dialog_initiator)?;
        } else if wanted.require_replaces == 1 {
            return Err(SIPXFER_E_RANGE);
        }
        // SAFETY: contract of this function.
        let referred_by = unsafe { bytes(wanted.referred_by.ptr, wanted.referred_by.len) }?;
        if !referred_by.is_empty() {
            ReferredBy::parse(referred_by).map_err(|_| SIPXFER_E_PARSE)?;
        }
        let lines = Triggered {
            replaces: replaces.as_ref(),
            require_replaces: wanted.require_replaces == 1,
            referred_by,
        };
        let print = |out: &mut Writer<'_>| {
            triggered::print(&lines, out);
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

/// Parses a Referred-By value (RFC 3892 section 2.1); otherwise as `sipxfer_replaces_parse()`.
///
/// # Safety
/// As for `sipxfer_replaces_parse()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_referred_by_parse(
    value: *const c_char,
    len: usize,
    out: *mut sipxfer_referred_by,
    error: *mut sipxfer_parse_error,
) -> i32 {
    let parse = |raw| {
        ReferredBy::parse(raw).map(|it| sipxfer_referred_by {
            struct_size: 0,
            display: text(it.display),
            uri: text(it.uri.raw),
            cid: text(it.cid.unwrap_or_default()),
            params: text(it.params),
        })
    };
    // SAFETY: contract of this function.
    unsafe { parse_value(value, len, out, error, parse) }
}

/// Prints a Referred-By value: the URI always in angle brackets (RFC 3892 section 3), the cid
/// quoted. `params` is not used. Otherwise as `sipxfer_replaces_print()`.
///
/// # Safety
/// As for `sipxfer_replaces_print()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_referred_by_print(
    referred_by: *const sipxfer_referred_by,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let from = unsafe { read_struct(referred_by) }?;
        // SAFETY: contract of this function.
        let display = unsafe { bytes(from.display.ptr, from.display.len) }?;
        // SAFETY: contract of this function.
        let uri = unsafe { bytes(from.uri.ptr, from.uri.len) }?;
        // SAFETY: contract of this function.
        let cid = unsafe { bytes(from.cid.ptr, from.cid.len) }?;
        let cid = if cid.is_empty() { None } else { Some(cid) };
        let value = ReferredBy::new(display, uri, cid).ok_or(SIPXFER_E_PARSE)?;
        let print = |out: &mut Writer<'_>| {
            value.print(out);
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

/// Parses a Refer-Sub value (RFC 4488 section 4); otherwise as `sipxfer_replaces_parse()`.
///
/// # Safety
/// As for `sipxfer_replaces_parse()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_sub_parse(
    value: *const c_char,
    len: usize,
    out: *mut sipxfer_refer_sub,
    error: *mut sipxfer_parse_error,
) -> i32 {
    let parse = |raw| {
        ReferSub::parse(raw).map(|it| sipxfer_refer_sub {
            struct_size: 0,
            params: text(it.params),
            value: u32::from(it.value),
            reserved: 0,
        })
    };
    // SAFETY: contract of this function.
    unsafe { parse_value(value, len, out, error, parse) }
}

/// Prints a Refer-Sub value, `true` or `false`; otherwise as `sipxfer_replaces_print()`.
///
/// # Safety
/// As for `sipxfer_replaces_print()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_sub_print(
    value: u32,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        if value > 1 {
            return Err(SIPXFER_E_RANGE);
        }
        let print = |out: &mut Writer<'_>| {
            ReferSub { value: value == 1, params: &[] }.print(out);
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}
