//! Dialogs on other nodes: the answers to lookups, and the transfers that waited for them.

use super::engine::{engine_in, sipxfer_engine};
use super::numbers::{initiator_from, initiator_number, state_from, state_number};
use super::raw::*;
use super::status::*;
use super::types::*;
use super::verdict::give_verdict_by;
use crate::dialog::{Outcome, Remote, RemoteParking};
use crate::engine::NotRouted;
use crate::transfer::elsewhere::{is_node, is_node_uri};
use crate::transfer::park::Token;
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
    /// `SIPXFER_PARKED_*`: whether, and how, it is parked there.
    pub parked: u32,
    /// Zero.
    pub reserved2: u32,
    /// Its Call-ID, where it was found by the token of a parked call; else it and the tags are empty.
    pub call_id: sipxfer_str,
    /// The tag of its node.
    pub local_tag: sipxfer_str,
    /// The peer's tag there; empty for a peer that sends none (RFC 2543).
    pub remote_tag: sipxfer_str,
}

versioned! { sipxfer_remote_dialog: reserved; }

/// The dialog is not parked.
pub const SIPXFER_PARKED_NO: u32 = 0;
/// It is parked under a number, which everybody may know.
pub const SIPXFER_PARKED_NUMBER: u32 = 1;
/// It is parked under a secret.
pub const SIPXFER_PARKED_SECRET: u32 = 2;

/// The longest Call-ID and tags, together.
const MAX_TRIPLE: usize = 1024;

/// What a remote dialog is told to the host as. Its strings hold as long as it does.
pub(super) fn remote_out(remote: &Remote) -> sipxfer_remote_dialog {
    let [call_id, local_tag, remote_tag] = &remote.triple;
    sipxfer_remote_dialog {
        struct_size: core::mem::size_of::<sipxfer_remote_dialog>(),
        node: text(&remote.node),
        uri: text(&remote.uri),
        user: text(&remote.user),
        endpoint: text(&remote.endpoint),
        state: state_number(remote.state),
        initiator: initiator_number(remote.initiator),
        secure: u32::from(remote.secure),
        reserved: 0,
        parked: match remote.parking {
            RemoteParking::None => SIPXFER_PARKED_NO,
            RemoteParking::Number => SIPXFER_PARKED_NUMBER,
            RemoteParking::Secret => SIPXFER_PARKED_SECRET,
        },
        reserved2: 0,
        call_id: text(call_id),
        local_tag: text(local_tag),
        remote_tag: text(remote_tag),
    }
}

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
    let triple = [told.call_id, told.local_tag, told.remote_tag].map(|it| part(it, MAX_TRIPLE));
    let [call_id, local_tag, remote_tag] = triple;
    let triple = [call_id?, local_tag?, remote_tag?];
    let parking = match told.parked {
        SIPXFER_PARKED_NO => RemoteParking::None,
        SIPXFER_PARKED_NUMBER => RemoteParking::Number,
        SIPXFER_PARKED_SECRET => RemoteParking::Secret,
        _ => return Err(SIPXFER_E_RANGE),
    };
    let length: usize = triple.iter().map(|part| part.len()).sum();
    // Who was found by a token is parked under it.
    let is_whole = length == 0 || triple.iter().take(2).all(|part| !part.is_empty());
    let fits = is_whole
        && length <= MAX_TRIPLE
        && (length == 0 || parking != RemoteParking::None)
        && told.secure <= 1
        && (told.reserved, told.reserved2) == (0, 0);
    if !is_node(node) || !is_node_uri(uri) || !fits {
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
        parking,
        triple: triple.map(Into::into),
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

/// Where is the call that is parked under this token, which was dialled here, say? `request` is that of who
/// asks for it: an INVITE, or the REFER that asks for the call on behalf of another one. What is dialled in
/// place of a Replaces is looked up on other nodes as a Replaces with that token is.
///
/// The verdict is `SIPXFER_VERDICT_NONE` where the call is parked here (`sipxfer_park_claim()` is next);
/// `SIPXFER_VERDICT_PENDING` while the other nodes are asked, and this function is called again when
/// `on_lookup` tells of it; `SIPXFER_VERDICT_REMOTE_NODE` where another node has it: `target` is where that
/// node takes INVITEs, `replaces` names the call, with its token, and `headers` has that as header line. The
/// host sends an INVITE of its own there and connects it with who asks, or answers 302
/// (`sipxfer_response_print()` puts the Replaces into the Contact). Otherwise a refusal: 404, or 403 for who has no
/// ground to take it out (RFC 3891 section 3): a secret is the ground `token`, a number is where `park.open` is set;
/// any other ground of `replaces.authorize` does as well. Only for who is authenticated are other nodes asked.
///
/// Returns as `sipxfer_replaces_verify_request()`, and `SIPXFER_E_PARSE` where `token` is no token. Threads:
/// any; does not block unless a callback does.
///
/// # Safety
/// `token` points to `token_len` bytes; the rest as for `sipxfer_replaces_verify_request()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_park_find(
    engine: *const sipxfer_engine,
    request: *const sipxfer_request,
    token: *const c_char,
    token_len: usize,
    scratch: *mut c_char,
    scratch_len: usize,
    verdict: *mut sipxfer_verdict,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let token = Token::parse(unsafe { bytes(token, token_len) }?).ok_or(SIPXFER_E_PARSE)?;
        let scratch = (scratch, scratch_len);
        // SAFETY: contract of this function.
        unsafe {
            give_verdict_by(
                engine,
                request,
                0,
                scratch,
                verdict,
                |core, directory, host, received, _, scratch, verdict| {
                    *verdict = core.find_parked(directory, host, received, &token, scratch)?;
                    Ok(())
                },
            )
        }
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
