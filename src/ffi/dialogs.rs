//! Level 2: the engine's own dialog table, and what ended dialogs leave behind.

use super::directory::{facts_of, Dialogs, Object};
use super::engine::{engine_in, sipxfer_engine};
use super::numbers::state_from;
use super::raw::*;
use super::status::*;
use super::types::*;
use crate::dialog::{DialogRef, Key, State, Table, TableError};

pub(super) fn own_table(engine: &sipxfer_engine) -> Result<&Table<Object>, Status> {
    match &engine.directory.dialogs {
        Dialogs::Own(table) => Ok(table),
        Dialogs::Host => Err(SIPXFER_E_STATE),
    }
}

fn refusal(error: TableError) -> Status {
    match error {
        TableError::NotADialog => SIPXFER_E_PARSE,
        TableError::Full => SIPXFER_E_NOMEM,
    }
}

/// Puts a dialog into the engine's own table. The strings are copied; `dialog->dialog` is kept
/// until `release` gives it back. The state is not TERMINATED.
///
/// Returns `SIPXFER_OK` and the dialog's id, `SIPXFER_E_STATE` where the engine uses the host's
/// directory, `SIPXFER_E_PARSE` where the Call-ID or the local tag is empty, or the status of a wrong
/// argument. Threads: any; allocates.
///
/// # Safety
/// `engine` is valid, `dialog` points to a struct whose `struct_size` is set and whose strings hold,
/// `id` to a writable number.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_dialog_add(
    engine: *const sipxfer_engine,
    dialog: *const sipxfer_dialog,
    id: *mut u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let described = unsafe { read_struct(dialog) }?;
        // SAFETY: contract of this function.
        let facts = unsafe { facts_of(&described) }?;
        // A verdict without a dialog has NULL there.
        if id.is_null() || described.dialog.is_null() {
            return Err(SIPXFER_E_NULL);
        }
        let table = own_table(engine)?;
        if facts.state == State::Terminated {
            return Err(SIPXFER_E_RANGE);
        }
        // On a refusal the object stays the host's, without a `release`.
        table.admits(&facts).map_err(refusal)?;
        let object = engine.directory.object(described.dialog);
        let made = table.add(facts, object).map_err(refusal)?;
        // SAFETY: contract of this function.
        unsafe { put(id, made) }
    })
}

/// Tells that a dialog of the engine's own table is now early or confirmed.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` for a stale or foreign id, `SIPXFER_E_RANGE` for another
/// state. Threads: any; does not block; allocates nothing.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_dialog_set_state(
    engine: *const sipxfer_engine,
    id: u64,
    state: u32,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        let state =
            state_from(state).filter(|state| *state != State::Terminated).ok_or(SIPXFER_E_RANGE)?;
        own_table(engine)?.set_state(id, state).ok_or(SIPXFER_E_NOT_FOUND)
    })
}

/// Takes a dialog that has ended out of the engine's own table, at once, even while a verdict
/// holds it: `release` is called when the last one lets go, maybe before this returns. For 32
/// seconds from `now_ms` a Replaces that names the dialog gets 603 instead of 481 (RFC 3891
/// section 3). A parked one is out of the lot; those who watch are told (`sipxfer_park_next()`).
/// A takeover that stands on the dialog is not: that is `sipxfer_takeover_old_ended()`.
///
/// Returns `SIPXFER_OK`, or `SIPXFER_E_NOT_FOUND` for a stale or foreign id. Threads: any.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_dialog_remove(
    engine: *const sipxfer_engine,
    id: u64,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        let table = own_table(engine)?;
        let ending = table.get(id).ok_or(SIPXFER_E_NOT_FOUND)?;
        // Remembered first: whoever looks in between finds the one or the other.
        let was_parked = engine.core.ended(&ending.facts().key, now_ms);
        let removed = table.remove(id);
        if was_parked {
            engine.tell_deadline();
        }
        drop(ending);
        removed.map(drop).ok_or(SIPXFER_E_NOT_FOUND)
    })
}

/// # Safety
/// `key` points to a struct whose `struct_size` is set and whose strings hold for `'k`.
pub(super) unsafe fn key_in<'k>(key: *const sipxfer_dialog_key) -> Result<Key<'k>, Status> {
    // SAFETY: contract of this function.
    let key = unsafe { read_struct(key) }?;
    // SAFETY: contract of this function.
    let call_id = unsafe { bytes(key.call_id.ptr, key.call_id.len) }?;
    // SAFETY: contract of this function.
    let local_tag = unsafe { bytes(key.local_tag.ptr, key.local_tag.len) }?;
    // SAFETY: contract of this function.
    let remote_tag = unsafe { bytes(key.remote_tag.ptr, key.remote_tag.len) }?;
    Ok(Key { call_id, local_tag, remote_tag })
}

/// Tells that a dialog of the host's directory has ended, so that for 32 seconds a Replaces that
/// names it gets 603 instead of 481. A host whose `find` still finds such dialogs need not call it, but
/// for one that is parked: it is out of the lot, and those who watch are told.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; may allocate.
///
/// # Safety
/// `engine` is valid, `key` points to a struct whose `struct_size` is set and whose strings hold.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_dialog_ended(
    engine: *const sipxfer_engine,
    key: *const sipxfer_dialog_key,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        if engine.core.ended(&unsafe { key_in(key) }?, now_ms) {
            engine.tell_deadline();
        }
        Ok(())
    })
}

/// How many dialogs stand in the engine's own table.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `count` points to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_dialog_count(
    engine: *const sipxfer_engine,
    count: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        unsafe { put(count, own_table(engine)?.len()) }
    })
}
