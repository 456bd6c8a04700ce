//! A REFER for the other leg of a B2BUA, and the parts of a body.

use super::dialog_headers::peer_key;
use super::raw::*;
use super::status::*;
use super::types::*;
use crate::dialog::Key;
use crate::sip::{BodyPart, Message, Scratch, Writer};
use crate::transfer::passing::{self, NotPassed};
use core::ffi::{c_char, c_void};

/// Prints the header lines of a REFER that is passed on to the other leg of its call (the verdict
/// `SIPXFER_VERDICT_PASS`), each ended by CRLF: Refer-To with its Replaces mapped, Referred-By as it came,
/// Target-Dialog mapped, Refer-Sub and Require.
///
/// `peer_leg` is asked for each dialog that is named, as by `sipxfer_map_replaces()`. Where it answers
/// `SIPXFER_E_NOT_FOUND` a Replaces stays as it is (the dialog is elsewhere, and a proxy would leave it
/// alone too), and a Target-Dialog is left out. Headers of the Refer-To URI that identify, route or prove
/// something are left out.
///
/// `scratch` is as long as `SIPXFER_SCRATCH_SIZE()` says. Otherwise as `sipxfer_map_replaces()`:
/// `SIPXFER_E_PARSE` where the message is no REFER or a header does not parse, the offset in `error` being
/// one in the message; `SIPXFER_E_SCRATCH`; `SIPXFER_E_CALLBACK_MISSING` where `peer_leg` is NULL. Threads: any; blocks only if the callback does; allocates
/// nothing.
///
/// # Safety
/// `message` points to `message_len` bytes, `scratch` to `scratch_len` and `buffer` to `capacity`
/// writable bytes, `needed` to a writable size, `error` to a struct whose `struct_size` is set, or is NULL.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_pass(
    message: *const c_char,
    message_len: usize,
    peer_leg: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            key: *const sipxfer_dialog_key,
            peer: *mut sipxfer_dialog_key,
        ) -> i32,
    >,
    user: *mut c_void,
    scratch: *mut c_char,
    scratch_len: usize,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
    error: *mut sipxfer_parse_error,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe { check_error(error) }?;
        // SAFETY: contract of this function.
        let raw = unsafe { bytes(message, message_len) }?;
        let peer_leg = peer_leg.ok_or(SIPXFER_E_CALLBACK_MISSING)?;
        // SAFETY: contract of this function.
        let scratch = unsafe { self::buffer(scratch, scratch_len) }?;
        if scratch.len() < super::verdict::scratch_size(raw.len()) {
            return Err(SIPXFER_E_SCRATCH);
        }
        // SAFETY: contract of this function.
        let report = |cause| unsafe { report(error, cause) };
        let message = Message::parse(raw).map_err(report)?;
        let print = |out: &mut Writer<'_>| {
            let mut scratch = Scratch::new(scratch);
            // SAFETY: the callback is the host's, and vouches for its strings until we return.
            let map = |key: &Key<'_>| unsafe { peer_key(peer_leg, user, key) };
            passing::print(&message, &mut scratch, map, out).map_err(|cause| match cause {
                NotPassed::Parse(cause) => report(cause),
                NotPassed::OutOfScratch => SIPXFER_E_SCRATCH,
                NotPassed::Map(status) => status,
            })
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

/// One part of a multipart body (RFC 2046 section 5.1). Its strings point into the message.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_body_part {
    /// `sizeof (struct sipxfer_body_part)`, set by the caller.
    pub struct_size: usize,
    /// All of it, as it stands between the delimiters.
    pub raw: sipxfer_str,
    /// Its MIME header lines.
    pub headers: sipxfer_str,
    /// What follows the empty line behind them.
    pub content: sipxfer_str,
    /// Value of its Content-Type, or empty.
    pub content_type: sipxfer_str,
}

versioned! { sipxfer_body_part: content_type; }

/// Finds the part of a message's multipart body that has this Content-ID, given without its angle brackets,
/// as the `cid` of a Referred-By names it (RFC 3892 section 2.2). The part is not changed, and parts inside
/// of a part are not looked at.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where the body is no multipart, is cut off, or holds no such
/// part or several, `SIPXFER_E_PARSE` where the message cannot be read, or the status of a wrong argument.
/// Threads: any; does not block; allocates nothing.
///
/// # Safety
/// `message` points to `message_len` bytes, `cid` to `cid_len` bytes, `part` to a struct whose
/// `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_message_part(
    message: *const c_char,
    message_len: usize,
    cid: *const c_char,
    cid_len: usize,
    part: *mut sipxfer_body_part,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe { check_out(part) }?;
        // SAFETY: contract of this function.
        let raw = unsafe { bytes(message, message_len) }?;
        // SAFETY: contract of this function.
        let cid = unsafe { bytes(cid, cid_len) }?;
        let message = Message::parse(raw).map_err(|_| SIPXFER_E_PARSE)?;
        let found = BodyPart::find(&message, cid).ok_or(SIPXFER_E_NOT_FOUND)?;
        let told = sipxfer_body_part {
            struct_size: 0,
            raw: text(found.raw),
            headers: text(found.headers),
            content: text(found.content),
            content_type: text(found.content_type),
        };
        // SAFETY: contract of this function.
        unsafe { write_struct(part, &told) }
    })
}
