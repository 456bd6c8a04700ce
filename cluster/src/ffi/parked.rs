//! Calls that are parked on one node and taken out on another one.

use super::*;
use core::ffi::c_void;

/// A call was parked (`sipxfer_park()`): the other nodes find it by its token, and by its dialog as parked. It
/// need not have been published before, and what is published of the dialog later leaves it parked; its end
/// takes the token along. A dialog that is parked under another token moves; a token that has another call is
/// this one's from now on. Of a secret its SHA-256 goes to the server, nothing else.
///
/// A number is found only where no other node has a call under it too: each node has places of its own
/// (`park.places`).
///
/// Returns as `sipxfer_cluster_publish()`, and `SIPXFER_E_PARSE` where `token` is no token. A dialog that is
/// TERMINATED or that INVITE did not make is `SIPXFER_E_RANGE`.
///
/// # Safety
/// `cluster` is valid, `dialog` points to a struct whose `struct_size` is set and whose strings hold, `token`
/// holds.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_cluster_park(
    cluster: *const sipxfer_cluster,
    dialog: *const sipxfer_dialog,
    token: sipxfer_str,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let cluster = unsafe { cluster_in(cluster) }?;
        // SAFETY: contract of this function.
        let dialog = unsafe { described(dialog) }?;
        // SAFETY: contract of this function.
        let token = unsafe { bytes(token) }?;
        if dialog.has_ended || !dialog.is_invite {
            return Err(E_RANGE);
        }
        cluster.node.park(dialog.key, &dialog.published, token).ok_or(E_PARSE)
    })
}

/// The call under this token is out of the lot (it was taken out, or its parker is rung back): the other nodes
/// find it no more by its token, and its dialog as any other. A token without a call is no error. Returns as
/// `sipxfer_cluster_park()`.
///
/// # Safety
/// `cluster` is valid, `token` holds.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_cluster_unpark(
    cluster: *const sipxfer_cluster,
    token: sipxfer_str,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let cluster = unsafe { cluster_in(cluster) }?;
        // SAFETY: contract of this function.
        cluster.node.unpark(unsafe { bytes(token) }?).ok_or(E_PARSE)
    })
}

/// The `lookup_parked` callback of a `struct sipxfer_directory` whose `lookup_user` is the node: as
/// `sipxfer_cluster_lookup()`, by the token of a parked call, and by the key where that is not empty, in one round
/// trip.
///
/// # Safety
/// As for `sipxfer_cluster_lookup()`; `token` holds.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_cluster_lookup_parked(
    cluster: *mut c_void,
    lookup: u64,
    token: sipxfer_str,
    key: *const sipxfer_dialog_key,
) -> i32 {
    guard(|| {
        if cluster.is_null() {
            return Err(E_NOT_FOUND);
        }
        // SAFETY: contract of this function.
        let cluster = unsafe { cluster_in(cluster.cast_const().cast::<sipxfer_cluster>()) }?;
        // SAFETY: contract of this function.
        let key = unsafe { read_struct(key) }?;
        // SAFETY: contract of this function.
        let key = unsafe { parts(key.call_id, key.local_tag, key.remote_tag) }?;
        // SAFETY: contract of this function.
        let token = unsafe { bytes(token) }?;
        Err(if cluster.node.lookup_parked(lookup, token, key) { E_PENDING } else { E_NOT_FOUND })
    })
}
