//! Dialogs on other nodes: the answers to lookups, and the transfers that waited for them.

use super::engine::{engine_in, sipxfer_engine};
use super::numbers::{initiator_from, state_from};
use super::raw::*;
use super::status::*;
use super::types::*;
use super::verdict::give_verdict_by;
use crate::dialog::{Outcome, Remote};
use crate::engine::NotRouted;
use crate::transfer::elsewhere::{is_node, is_node_uri};
use core::ffi::c_char;
use std::sync::Arc;

/// A dialog that another node has, as that node has published it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_remote_dialog {
    /// `sizeof (struct sipxfer_remote_dialog)`.
    pub struct_size: usize,
    /// The name of the node: 1 to 64 letters, digits, hyphens, dots and underscores.
    pub node: sipxfer_str,
    /// The sip or sips URI under which the node takes INVITEs with Replaces; at most 255 bytes, and none
    /// that a dial string gives a meaning to.
    pub uri: sipxfer_str,
    /// The peer's authenticated user there; empty equals nobody.
    pub user: sipxfer_str,
    /// The endpoint that the call came from or went to there.
    pub endpoint: sipxfer_str,
    /// `SIPXFER_DIALOG_*`.
    pub state: u32,
    /// `SIPXFER_INITIATOR_*`, as that node sees it.
    pub initiator: u32,
    /// 1 where the dialog was made over sips.
    pub secure: u32,
    /// Zero.
    pub reserved: u32,
}

versioned! { sipxfer_remote_dialog: reserved; }

/// The longest user or endpoint of a remote dialog.
const MAX_NAME: usize = 255;

/// What a node says of its dialog; it comes over a network, and is looked at.
fn remote_in(told: &sipxfer_remote_dialog) -> Result<Remote, Status> {
    let part = |part: sipxfer_str, most: usize| {
        // SAFETY: contract of `sipxfer_lookup_resume()`.
        let part = unsafe { bytes(part.ptr, part.len) }?;
        let fits = part.len() <= most && !part.iter().any(u8::is_ascii_control);
        if fits {
            Ok(part)
        } else {
            Err(SIPXFER_E_RANGE)
        }
    };
    let (node, uri) = (part(told.node, MAX_NAME)?, part(told.uri, MAX_NAME)?);
    let (user, endpoint) = (part(told.user, MAX_NAME)?, part(told.endpoint, MAX_NAME)?);
    if !is_node(node) || !is_node_uri(uri) || told.secure > 1 || told.reserved != 0 {
        return Err(SIPXFER_E_RANGE);
    }
    Ok(Remote {
        node: node.into(),
        uri: uri.into(),
        user: user.into(),
        endpoint: endpoint.into(),
        state: state_from(told.state).ok_or(SIPXFER_E_RANGE)?,
        initiator: initiator_from(told.initiator).ok_or(SIPXFER_E_RANGE)?,
        secure: told.secure == 1,
    })
}

/// Tells what a lookup has come to, which the directory's `lookup` callback has begun: `SIPXFER_OK` with
/// `dialog`, `SIPXFER_E_NOT_FOUND`, or `SIPXFER_E_AMBIGUOUS` where several nodes say that they have the
/// dialog (481, RFC 3891 section 3); for the last two `dialog` is NULL. `now_ms` may be 0: the latest
/// time that the library knows.
///
/// What waits for it is told by `on_lookup` before this returns. The answer is held for a second: a request
/// that is asked about again by then finds it. A transfer has it for as long as it needs.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` for a lookup that is stale, foreign, was answered before or
/// whose time has passed, `SIPXFER_E_RANGE` for another `status` or a dialog that makes no sense (the
/// lookup then still waits), or the status of a wrong argument. Threads: any; does not block unless a
/// callback does; allocates.
///
/// # Safety
/// `engine` is valid, `dialog` is NULL or points to a struct whose `struct_size` is set and whose strings
/// hold.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_lookup_resume(
    engine: *const sipxfer_engine,
    lookup: u64,
    status: i32,
    dialog: *const sipxfer_remote_dialog,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        if now_ms > i64::MAX as u64 {
            return Err(SIPXFER_E_RANGE);
        }
        let outcome = match status {
            SIPXFER_OK => {
                // SAFETY: contract of this function.
                let told = unsafe { read_struct(dialog) }?;
                Outcome::Found(Arc::new(remote_in(&told)?))
            }
            SIPXFER_E_NOT_FOUND | SIPXFER_E_AMBIGUOUS if !dialog.is_null() => {
                return Err(SIPXFER_E_RANGE);
            }
            SIPXFER_E_NOT_FOUND => Outcome::NotFound,
            SIPXFER_E_AMBIGUOUS => Outcome::Ambiguous,
            _ => return Err(SIPXFER_E_RANGE),
        };
        if !engine.core.resume(lookup, outcome, now_ms) {
            return Err(SIPXFER_E_NOT_FOUND);
        }
        engine.tell_deadline();
        engine.tell_lookup(lookup);
        Ok(())
    })
}

/// How many lookups are under way.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `count` points to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_lookup_count(
    engine: *const sipxfer_engine,
    count: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        unsafe { put(count, engine.core.lookups().len()) }
    })
}

/// Decides where a transfer goes whose command was `SIPXFER_COMMAND_ROUTE`: as
/// `sipxfer_transfer_receive()` would have done, had the lookup been over. `request` is the REFER as it
/// was received, with what was known of its sender then.
///
/// Where the verdict is a transfer of some kind the command to start follows (or the host's decision is
/// waited for, with `approval_pending`): take it right after this function, while the verdict and its
/// scratch space still hold. A refusal is told to the transferor by a NOTIFY with its code, and the call
/// stays as it was; the outputs say so, and the host answers nothing. `SIPXFER_VERDICT_PENDING` comes of a
/// `find` that has not found out yet, and this function is called again later.
///
/// Returns as `sipxfer_transfer_receive()`, `SIPXFER_E_NOT_FOUND` for a stale or foreign transfer,
/// `SIPXFER_E_WRONG_STATE` for one that waits for nothing, and `SIPXFER_E_NOT_ALLOWED` where the request
/// is not the REFER that began it.
///
/// # Safety
/// As for `sipxfer_refer_route()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_route(
    engine: *const sipxfer_engine,
    transfer: u64,
    request: *const sipxfer_request,
    lock_dialog: u32,
    scratch: *mut c_char,
    scratch_len: usize,
    verdict: *mut sipxfer_verdict,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let whole = unsafe { engine_in(engine) }?;
        if whole.host.0.extension_exists.is_none() {
            return Err(SIPXFER_E_CALLBACK_MISSING);
        }
        let mut not = None;
        let scratch = (scratch, scratch_len);
        // SAFETY: contract of this function.
        let given = unsafe {
            give_verdict_by(
                engine,
                request,
                lock_dialog,
                scratch,
                verdict,
                |core, directory, host, received, lock, scratch, verdict| {
                    let refer = (received, transfer);
                    match core.route_transfer(directory, host, refer, lock, scratch)? {
                        Ok(routed) => *verdict = routed,
                        Err(why) => not = Some(why),
                    }
                    Ok(())
                },
            )
        };
        given?;
        whole.tell_deadline();
        match not {
            None => Ok(()),
            Some(NotRouted::NoTransfer) => Err(SIPXFER_E_NOT_FOUND),
            Some(NotRouted::WrongState) => Err(SIPXFER_E_WRONG_STATE),
            Some(NotRouted::OtherRequest) => Err(SIPXFER_E_NOT_ALLOWED),
        }
    })
}
