//! Transfers that are reached by what a request names: the dialog of their call, or the URI of an explicit
//! subscription.

use super::dialogs::key_in;
use super::engine::{engine_in, sipxfer_engine};
use super::raw::*;
use super::status::*;
use super::transfers::input;
use super::types::*;
use core::ffi::c_char;

/// The peer of a dialog has hung up: tells it to every transfer whose REFER came in this dialog, or names
/// it by Target-Dialog, as `sipxfer_transfer_bye()` does for one. `count` gets how many there are. Their
/// outputs, if any, are then taken by `sipxfer_transfer_next()` with `transfer` 0.
///
/// `sipxfer_dialog_ended()` or `sipxfer_dialog_remove()` is called besides: that makes the dialog one that
/// cannot be replaced any more.
///
/// Returns `SIPXFER_OK`, also where there is none, or the status of a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `key` points to a struct whose `struct_size` is set and whose strings hold, `count`
/// to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_dialog_bye(
    engine: *const sipxfer_engine,
    key: *const sipxfer_dialog_key,
    now_ms: u64,
    count: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let key = unsafe { key_in(key) }?;
        if now_ms > i64::MAX as u64 {
            return Err(SIPXFER_E_RANGE);
        }
        // SAFETY: contract of this function.
        unsafe { put(count, 0) }?;
        let told = engine.core.transfers().bye(&key, engine.core.now(now_ms));
        engine.tell_deadline();
        // SAFETY: contract of this function.
        unsafe { put(count, told) }
    })
}

/// A SUBSCRIBE with Event: refer has come outside of a dialog: where its Request-URI is one that the
/// answer to a REFER has handed out in Refer-Events-At (RFC 7614, setting `refer.events_at`), it begins the
/// subscription of that transfer. `transfer` gets its id and `granted_s` what the Expires of the 200 says;
/// `expires_s` is as for `sipxfer_transfer_subscribe()`.
///
/// The NOTIFYs of the transfer then go in the dialog of this SUBSCRIBE, the first one at once; the host
/// keeps which transfer that dialog belongs to, and hands a SUBSCRIBE inside of it to
/// `sipxfer_transfer_subscribe()`. Their Event has no id: a SUBSCRIBE whose Event has one is the host's to
/// refuse (RFC 6665 section 8.2.1: it would match none of them). Once that subscription has ended another one may begin. For 32 seconds
/// after the outcome the end is told to who asks for it.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where no transfer has this URI, `SIPXFER_E_NO_SUBSCRIPTION`
/// where the end is not kept any more, `SIPXFER_E_WRONG_STATE` where another subscription goes on (each is
/// answered with 403), or the status of a wrong argument. Threads: any, one per transfer.
///
/// # Safety
/// `engine` is valid, `request_uri` points to `request_uri_len` bytes, `transfer` and `granted_s` to
/// writable numbers.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_subscribe_at(
    engine: *const sipxfer_engine,
    request_uri: *const c_char,
    request_uri_len: usize,
    expires_s: u32,
    now_ms: u64,
    transfer: *mut u64,
    granted_s: *mut u32,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let whole = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let uri = unsafe { bytes(request_uri, request_uri_len) }?;
        // SAFETY: contract of this function.
        unsafe { put(transfer, 0) }?;
        // SAFETY: contract of this function.
        unsafe { put(granted_s, 0) }?;
        let id = whole.core.transfers().find_explicit(uri).ok_or(SIPXFER_E_NOT_FOUND)?;
        let asked_s = (expires_s != u32::MAX).then_some(expires_s);
        // SAFETY: contract of this function.
        let granted = unsafe {
            input(engine, id, now_ms, |machine, now_ms, out| {
                machine.subscribe_explicitly(asked_s, now_ms, out)
            })
        }?;
        // SAFETY: contract of this function.
        unsafe { put(transfer, id) }?;
        // SAFETY: contract of this function.
        unsafe { put(granted_s, granted) }
    })
}
