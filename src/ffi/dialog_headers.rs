//! Level 1: the headers that name a dialog: Replaces, Join, Target-Dialog.

use super::raw::*;
use super::status::*;
use super::types::*;
use crate::dialog::Key;
use crate::sip::{Join, Replaces, TargetDialog};
use core::ffi::{c_char, c_void};

/// Replaces (RFC 3891 section 6.1) or Join (RFC 3911): the dialog as the *recipient* sees it, its
/// to-tag being the recipient's own.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_replaces {
    /// `sizeof (struct sipxfer_replaces)`, set by the caller.
    pub struct_size: usize,
    /// Call-ID.
    pub call_id: sipxfer_str,
    /// to-tag: the local tag of the recipient.
    pub to_tag: sipxfer_str,
    /// from-tag: the remote tag of the recipient.
    pub from_tag: sipxfer_str,
    /// The parameters as they stood, the known ones included; when printed, those that are not
    /// known here are written again behind the known ones.
    pub params: sipxfer_str,
    /// 1 where only an early dialog may be replaced. Always 0 in a Join.
    pub early_only: u32,
    /// Zero.
    pub reserved: u32,
}

/// Target-Dialog (RFC 4538): the dialog as the recipient sees it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_target_dialog {
    /// `sizeof (struct sipxfer_target_dialog)`, set by the caller.
    pub struct_size: usize,
    /// Call-ID.
    pub call_id: sipxfer_str,
    /// local-tag: the tag of the recipient.
    pub local_tag: sipxfer_str,
    /// remote-tag: the tag of the sender.
    pub remote_tag: sipxfer_str,
    /// The parameters as they stood, the known ones included.
    pub params: sipxfer_str,
}

versioned! {
    sipxfer_replaces: reserved;
    sipxfer_target_dialog: params;
}

/// The Rust twin of a `sipxfer_replaces` that came in.
///
/// # Safety
/// The strings of `from` point to as many bytes as they say, for `'a`.
pub(super) unsafe fn replaces_in<'a>(from: &sipxfer_replaces) -> Result<Replaces<'a>, Status> {
    if from.early_only > 1 || from.reserved != 0 {
        return Err(SIPXFER_E_RANGE);
    }
    // SAFETY: contract of this function.
    let call_id = unsafe { bytes(from.call_id.ptr, from.call_id.len) }?;
    // SAFETY: contract of this function.
    let to_tag = unsafe { bytes(from.to_tag.ptr, from.to_tag.len) }?;
    // SAFETY: contract of this function.
    let from_tag = unsafe { bytes(from.from_tag.ptr, from.from_tag.len) }?;
    // SAFETY: contract of this function.
    let params = unsafe { bytes(from.params.ptr, from.params.len) }?;
    Replaces::new(call_id, to_tag, from_tag, from.early_only == 1, params).ok_or(SIPXFER_E_PARSE)
}

pub(super) fn replaces_out(from: &Replaces<'_>) -> sipxfer_replaces {
    sipxfer_replaces {
        struct_size: 0,
        call_id: text(from.call_id),
        to_tag: text(from.to_tag),
        from_tag: text(from.from_tag),
        params: text(from.params.raw()),
        early_only: u32::from(from.early_only),
        reserved: 0,
    }
}

/// Parses the value of a Replaces header: exactly one Call-ID, one to-tag, one from-tag (RFC 3891
/// section 6.1). White space around `;` and `=` is allowed.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_PARSE` (`error`, if not NULL, says where), or the status of a
/// wrong argument. The strings are views into the value. Threads: any; does not block; allocates
/// nothing.
///
/// # Safety
/// `value` points to `len` bytes, `out` and `error` to structs whose `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_replaces_parse(
    value: *const c_char,
    len: usize,
    out: *mut sipxfer_replaces,
    error: *mut sipxfer_parse_error,
) -> i32 {
    // SAFETY: contract of this function.
    unsafe {
        parse_value(value, len, out, error, |raw| Replaces::parse(raw).map(|it| replaces_out(&it)))
    }
}

/// Prints the value of a Replaces header, its unknown parameters too (RFC 3891 section 6.1).
///
/// Writes up to `capacity` bytes, without NUL, and their number to `needed`. Returns `SIPXFER_OK`,
/// `SIPXFER_E_BUFFER` where `needed` is more than `capacity`, `SIPXFER_E_PARSE` where a field could
/// not stand in the header, or the status of a wrong argument. Threads: any; does not block;
/// allocates nothing.
///
/// # Safety
/// `replaces` points to a struct whose `struct_size` is set and whose strings hold, `buffer` to
/// `capacity` writable bytes, `needed` to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_replaces_print(
    replaces: *const sipxfer_replaces,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let from = unsafe { read_struct(replaces) }?;
        // SAFETY: contract of this function.
        let value = unsafe { replaces_in(&from) }?;
        let print = |out: &mut crate::sip::Writer<'_>| {
            value.print(out);
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

/// Parses the value of a Join header (RFC 3911 section 7.1); otherwise as
/// `sipxfer_replaces_parse()`.
///
/// # Safety
/// As for `sipxfer_replaces_parse()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_join_parse(
    value: *const c_char,
    len: usize,
    out: *mut sipxfer_replaces,
    error: *mut sipxfer_parse_error,
) -> i32 {
    let parse = |raw| {
        Join::parse(raw).map(|it| sipxfer_replaces {
            struct_size: 0,
            call_id: text(it.call_id),
            to_tag: text(it.to_tag),
            from_tag: text(it.from_tag),
            params: text(it.params.raw()),
            early_only: 0,
            reserved: 0,
        })
    };
    // SAFETY: contract of this function.
    unsafe { parse_value(value, len, out, error, parse) }
}

/// Prints the value of a Join header; otherwise as `sipxfer_replaces_print()`. `early_only` is 0.
///
/// # Safety
/// As for `sipxfer_replaces_print()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_join_print(
    join: *const sipxfer_replaces,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let from = unsafe { read_struct(join) }?;
        if from.early_only != 0 {
            return Err(SIPXFER_E_RANGE);
        }
        // SAFETY: contract of this function.
        let value = unsafe { replaces_in(&from) }?;
        let value = Join::new(value.call_id, value.to_tag, value.from_tag, value.params.raw())
            .ok_or(SIPXFER_E_PARSE)?;
        let print = |out: &mut crate::sip::Writer<'_>| {
            value.print(out);
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

/// Parses the value of a Target-Dialog header: both tags present (RFC 4538 section 7); otherwise
/// as `sipxfer_replaces_parse()`.
///
/// # Safety
/// As for `sipxfer_replaces_parse()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_target_dialog_parse(
    value: *const c_char,
    len: usize,
    out: *mut sipxfer_target_dialog,
    error: *mut sipxfer_parse_error,
) -> i32 {
    let parse = |raw| {
        TargetDialog::parse(raw).map(|it| sipxfer_target_dialog {
            struct_size: 0,
            call_id: text(it.call_id),
            local_tag: text(it.local_tag),
            remote_tag: text(it.remote_tag),
            params: text(it.params.raw()),
        })
    };
    // SAFETY: contract of this function.
    unsafe { parse_value(value, len, out, error, parse) }
}

/// Prints the value of a Target-Dialog header; otherwise as `sipxfer_replaces_print()`.
///
/// # Safety
/// As for `sipxfer_replaces_print()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_target_dialog_print(
    target: *const sipxfer_target_dialog,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let from = unsafe { read_struct(target) }?;
        // SAFETY: contract of this function.
        let call_id = unsafe { bytes(from.call_id.ptr, from.call_id.len) }?;
        // SAFETY: contract of this function.
        let local_tag = unsafe { bytes(from.local_tag.ptr, from.local_tag.len) }?;
        // SAFETY: contract of this function.
        let remote_tag = unsafe { bytes(from.remote_tag.ptr, from.remote_tag.len) }?;
        // SAFETY: contract of this function.
        let params = unsafe { bytes(from.params.ptr, from.params.len) }?;
        let value =
            TargetDialog::new(call_id, local_tag, remote_tag, params).ok_or(SIPXFER_E_PARSE)?;
        let print = |out: &mut crate::sip::Writer<'_>| {
            value.print(out);
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

type PeerLeg = unsafe extern "C" fn(
    user: *mut c_void,
    key: *const sipxfer_dialog_key,
    peer: *mut sipxfer_dialog_key,
) -> i32;

/// Asks the host for the leg that is bridged with a dialog; `None` where there is none. What it answers
/// can stand in a header.
///
/// # Safety
/// The strings that the callback answers hold for `'k`.
pub(super) unsafe fn peer_key<'k>(
    peer_leg: PeerLeg,
    user: *mut c_void,
    key: &Key<'_>,
) -> Result<Option<Key<'k>>, Status> {
    let struct_size = core::mem::size_of::<sipxfer_dialog_key>();
    let key = sipxfer_dialog_key {
        struct_size,
        call_id: text(key.call_id),
        local_tag: text(key.local_tag),
        remote_tag: text(key.remote_tag),
    };
    let none = text(&[]);
    let mut peer =
        sipxfer_dialog_key { struct_size, call_id: none, local_tag: none, remote_tag: none };
    // SAFETY: the callback is the host's, both structs live through the call.
    match unsafe { peer_leg(user, &key, &mut peer) } {
        SIPXFER_OK => {}
        SIPXFER_E_NOT_FOUND => return Ok(None),
        _ => return Err(SIPXFER_E_CALLBACK),
    }
    // What is wrong with these is the callback's doing.
    // SAFETY: contract of this function.
    let part = |it: sipxfer_str| unsafe { bytes(it.ptr, it.len) }.map_err(|_| SIPXFER_E_CALLBACK);
    let (call_id, local_tag) = (part(peer.call_id)?, part(peer.local_tag)?);
    let remote_tag = part(peer.remote_tag)?;
    Replaces::new(call_id, local_tag, remote_tag, false, b"").ok_or(SIPXFER_E_CALLBACK)?;
    Ok(Some(Key { call_id, local_tag, remote_tag }))
}

/// Maps a Replaces value from one leg of a B2BUA to the other (RFC 3891 section 5; a proxy leaves
/// Replaces alone).
///
/// `peer_leg` is asked for the leg that is bridged with the dialog that the value names: its key
/// comes in as this side sees it (local tag = to-tag), and the peer leg's key goes out as the
/// recipient of the mapped Replaces sees it (`local_tag` = the recipient's own tag). Its strings
/// must hold until this function returns. It answers `SIPXFER_OK`, or `SIPXFER_E_NOT_FOUND`, which
/// this function then returns. early-only and unknown parameters are kept.
///
/// Otherwise as `sipxfer_replaces_print()` and `sipxfer_replaces_parse()`. Threads: any; blocks only
/// if the callback does; allocates nothing.
///
/// # Safety
/// `value` points to `len` bytes, `buffer` to `capacity` writable bytes, `needed` to a writable
/// size, `error` to a struct whose `struct_size` is set, or is NULL.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_map_replaces(
    value: *const c_char,
    len: usize,
    peer_leg: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            key: *const sipxfer_dialog_key,
            peer: *mut sipxfer_dialog_key,
        ) -> i32,
    >,
    user: *mut c_void,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
    error: *mut sipxfer_parse_error,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe { check_error(error) }?;
        // SAFETY: contract of this function.
        let value = unsafe { bytes(value, len) }?;
        let peer_leg = peer_leg.ok_or(SIPXFER_E_CALLBACK_MISSING)?;
        let named = match Replaces::parse(value) {
            Ok(named) => named,
            // SAFETY: contract of this function.
            Err(cause) => return Err(unsafe { report(error, cause) }),
        };
        let key =
            Key { call_id: named.call_id, local_tag: named.to_tag, remote_tag: named.from_tag };
        // SAFETY: the callback is the host's, and vouches for its strings until we return.
        let peer = unsafe { peer_key(peer_leg, user, &key) }?.ok_or(SIPXFER_E_NOT_FOUND)?;
        let Key { call_id, local_tag: to_tag, remote_tag: from_tag } = peer;
        let params = named.params.raw();
        let mapped = Replaces::new(call_id, to_tag, from_tag, named.early_only, params)
            .ok_or(SIPXFER_E_CALLBACK)?;
        let print = |out: &mut crate::sip::Writer<'_>| {
            mapped.print(out);
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}
