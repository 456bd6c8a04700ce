//! The host's dialogs as a directory: its callback table, or the engine's own table of host
//! objects.

use super::callbacks::sipxfer_directory;
use super::numbers::{initiator_number, state_from, state_number};
use super::raw::{bytes, text, versioned};
use super::status::*;
use super::types::*;
use crate::dialog::{
    DialogRef, Directory, Entry, Facts, HashKey, Initiator, Key, Lock, Lookup, Sought, State,
    Table, Usage,
};
use core::ffi::c_void;
use std::sync::Arc;

versioned! {
    sipxfer_dialog_key: remote_tag;
    sipxfer_dialog: secure;
}

/// The host's callbacks; `destroy` is called when the last one who could use them is gone.
pub(super) struct Callbacks(pub sipxfer_directory);

// SAFETY: the header demands of the host that its callbacks may be called from any thread, with
// the same `user`.
unsafe impl Send for Callbacks {}
// SAFETY: as above.
unsafe impl Sync for Callbacks {}

impl Drop for Callbacks {
    fn drop(&mut self) {
        if let Some(destroy) = self.0.destroy {
            // SAFETY: the callback is the host's, with the `user` it was given with.
            unsafe { destroy(self.0.user) };
        }
    }
}

/// One reference on an object of the host; given back when it is dropped.
pub(super) struct Object {
    dialog: *mut c_void,
    callbacks: Arc<Callbacks>,
}

// SAFETY: only the host looks into the object, and its callbacks may be called from any thread.
unsafe impl Send for Object {}
// SAFETY: as above.
unsafe impl Sync for Object {}

impl Drop for Object {
    fn drop(&mut self) {
        if let Some(release) = self.callbacks.0.release {
            // SAFETY: the host handed the object over with a reference, given back only here.
            unsafe { release(self.callbacks.0.user, self.dialog) };
        }
    }
}

impl Object {
    fn lock(&self) -> Option<Lock> {
        let lock = self.callbacks.0.lock?;
        let mut state = 0;
        // SAFETY: the object is referenced, the state lives through the call.
        let status = unsafe { lock(self.callbacks.0.user, self.dialog, &mut state) };
        Some(match (status, state_from(state)) {
            (SIPXFER_OK, Some(state)) => Lock::Held(state),
            (SIPXFER_OK, None) => {
                self.unlock();
                Lock::Failed
            }
            (SIPXFER_E_GONE, _) => Lock::Gone,
            _ => Lock::Failed,
        })
    }

    fn unlock(&self) {
        if let Some(unlock) = self.callbacks.0.unlock {
            // SAFETY: the object is referenced, and was locked by the same host.
            unsafe { unlock(self.callbacks.0.user, self.dialog) };
        }
    }
}

/// Where dialogs are found.
pub(super) enum Dialogs {
    /// In the engine's own table.
    Own(Table<Object>),
    /// By the host's `find`.
    Host,
}

pub(super) struct HostDirectory {
    pub callbacks: Arc<Callbacks>,
    pub dialogs: Dialogs,
}

impl HostDirectory {
    pub(super) fn new(callbacks: sipxfer_directory, hash: HashKey, salt: u16) -> HostDirectory {
        let dialogs = match callbacks.find {
            Some(_) => Dialogs::Host,
            None => Dialogs::Own(Table::new(hash, salt)),
        };
        HostDirectory { callbacks: Arc::new(Callbacks(callbacks)), dialogs }
    }

    /// Gives every dialog of the engine's own table back.
    pub(super) fn clear(&self) {
        if let Dialogs::Own(table) = &self.dialogs {
            table.clear();
        }
    }

    pub(super) fn object(&self, dialog: *mut c_void) -> Object {
        Object { dialog, callbacks: Arc::clone(&self.callbacks) }
    }

    fn find_by_callback(&self, key: &Key<'_>) -> Lookup<Dialog> {
        let Some(find) = self.callbacks.0.find else {
            return Lookup::Failed;
        };
        let asked = key_out(key);
        let mut found = empty_dialog();
        // SAFETY: both structs live through the call.
        match unsafe { find(self.callbacks.0.user, &asked, &mut found) } {
            SIPXFER_OK if !found.dialog.is_null() => {
                let object = self.object(found.dialog);
                // A description that makes no sense is a failure; dropping the object gives the
                // reference back.
                match facts_are_sound(&found) {
                    true => Lookup::Found(Dialog::Host(object, found)),
                    false => Lookup::Failed,
                }
            }
            SIPXFER_E_NOT_FOUND => Lookup::NotFound,
            SIPXFER_E_AMBIGUOUS => Lookup::Ambiguous,
            SIPXFER_E_PENDING => Lookup::Pending,
            _ => Lookup::Failed,
        }
    }
}

impl Directory for HostDirectory {
    type Dialog = Dialog;

    fn compares(&self) -> bool {
        matches!(self.dialogs, Dialogs::Own(_))
    }

    fn find(&self, key: &Key<'_>) -> Lookup<Dialog> {
        match &self.dialogs {
            Dialogs::Host => self.find_by_callback(key),
            Dialogs::Own(table) => own(table.find(key)),
        }
    }

    fn has_elsewhere(&self) -> bool {
        self.callbacks.0.lookup.is_some()
    }

    fn has_parked_elsewhere(&self) -> bool {
        self.callbacks.0.lookup_parked.is_some()
    }

    fn seek(&self, lookup: u64, key: &Key<'_>, token: &[u8]) -> Sought {
        let sipxfer_directory { lookup: seek, lookup_parked, lookup_user: user, .. } =
            self.callbacks.0;
        let asked = key_out(key);
        let status = match (seek, lookup_parked) {
            // SAFETY: the callback is the host's, with the user that was given for it; token and key live
            // through the call.
            (_, Some(seek)) if !token.is_empty() => unsafe {
                seek(user, lookup, text(token), &asked)
            },
            // SAFETY: as above.
            (Some(seek), _) => unsafe { seek(user, lookup, &asked) },
            (None, _) => return Sought::NotFound,
        };
        match status {
            SIPXFER_E_PENDING => Sought::Pending,
            SIPXFER_E_NOT_FOUND => Sought::NotFound,
            _ => Sought::Failed,
        }
    }

    fn hash(&self, key: &Key<'_>) -> Option<u128> {
        match &self.dialogs {
            Dialogs::Host => None,
            Dialogs::Own(table) => table.hash(key),
        }
    }

    fn find_hashed(&self, key: &Key<'_>, hash: u128) -> Lookup<Dialog> {
        match &self.dialogs {
            Dialogs::Host => self.find_by_callback(key),
            Dialogs::Own(table) => own(table.find_hashed(key, hash)),
        }
    }

    fn read_ahead(&self, hashes: &[Option<u128>]) {
        if let Dialogs::Own(table) = &self.dialogs {
            table.read_ahead(hashes);
        }
    }
}

fn key_out(key: &Key<'_>) -> sipxfer_dialog_key {
    sipxfer_dialog_key {
        struct_size: core::mem::size_of::<sipxfer_dialog_key>(),
        call_id: text(key.call_id),
        local_tag: text(key.local_tag),
        remote_tag: text(key.remote_tag),
    }
}

fn own(found: Lookup<Entry<Object>>) -> Lookup<Dialog> {
    match found {
        Lookup::Found(entry) => Lookup::Found(Dialog::Own(entry)),
        Lookup::NotFound => Lookup::NotFound,
        Lookup::Ambiguous => Lookup::Ambiguous,
        Lookup::Pending => Lookup::Pending,
        Lookup::Failed => Lookup::Failed,
    }
}

/// A dialog that was found, referenced as long as this is kept.
pub(super) enum Dialog {
    Own(Entry<Object>),
    Host(Object, sipxfer_dialog),
}

/// A dialog without its description.
pub(super) enum Kept {
    Own(Entry<Object>),
    Host(Object),
}

impl Kept {
    /// Undoes a lock that is held.
    pub(super) fn unlock(&self) {
        match self {
            Kept::Own(entry) => entry.owner().unlock(),
            Kept::Host(object) => object.unlock(),
        }
    }
}

impl Dialog {
    /// What of it is to be kept where it is no more looked at.
    pub(super) fn kept(self) -> Kept {
        match self {
            Dialog::Own(entry) => Kept::Own(entry),
            Dialog::Host(object, _) => Kept::Host(object),
        }
    }

    /// The host's object.
    pub(super) fn object(&self) -> *mut c_void {
        match self {
            Dialog::Own(entry) => entry.owner().dialog,
            Dialog::Host(object, _) => object.dialog,
        }
    }

    /// The description for a callback of the host.
    pub(super) fn describe(&self) -> sipxfer_dialog {
        let facts = self.facts();
        sipxfer_dialog {
            struct_size: core::mem::size_of::<sipxfer_dialog>(),
            dialog: self.object(),
            call_id: text(facts.key.call_id),
            local_tag: text(facts.key.local_tag),
            remote_tag: text(facts.key.remote_tag),
            user: text(facts.user),
            endpoint: text(facts.endpoint),
            state: state_number(facts.state),
            initiator: initiator_number(facts.initiator),
            usage: match facts.usage {
                Usage::Invite => SIPXFER_USAGE_INVITE,
                Usage::Other => SIPXFER_USAGE_OTHER,
            },
            secure: u32::from(facts.secure),
        }
    }
}

impl DialogRef for Dialog {
    fn facts(&self) -> Facts<'_> {
        match self {
            Dialog::Own(entry) => entry.facts(),
            // SAFETY: the host vouches for the strings as long as its reference is held, and their
            // soundness was checked when the dialog was found.
            Dialog::Host(_, found) => unsafe { facts_of(found) }.unwrap_or(NOTHING),
        }
    }

    fn lock(&self) -> Lock {
        match self {
            Dialog::Host(object, _) => object.lock().unwrap_or(Lock::Failed),
            Dialog::Own(entry) => {
                let Some(lock) = entry.owner().lock() else {
                    return entry.lock();
                };
                // It may have been taken out of the table since it was found.
                if matches!(lock, Lock::Held(_)) && entry.facts().state == State::Terminated {
                    entry.owner().unlock();
                    return Lock::Gone;
                }
                lock
            }
        }
    }

    fn unlock(&self) {
        match self {
            Dialog::Own(entry) => entry.owner().unlock(),
            Dialog::Host(object, _) => object.unlock(),
        }
    }
}

const NOTHING: Facts<'static> = Facts {
    key: Key { call_id: b"", local_tag: b"", remote_tag: b"" },
    user: b"",
    endpoint: b"",
    state: State::Terminated,
    initiator: Initiator::Remote,
    usage: Usage::Other,
    secure: false,
};

fn empty_dialog() -> sipxfer_dialog {
    let none = text(&[]);
    sipxfer_dialog {
        struct_size: core::mem::size_of::<sipxfer_dialog>(),
        dialog: core::ptr::null_mut(),
        call_id: none,
        local_tag: none,
        remote_tag: none,
        user: none,
        endpoint: none,
        state: 0,
        initiator: 0,
        usage: 0,
        secure: 0,
    }
}

/// What a description of the host says.
///
/// # Safety
/// The strings of `dialog` point to as many bytes as they say, for `'a`.
pub(super) unsafe fn facts_of<'a>(dialog: &sipxfer_dialog) -> Result<Facts<'a>, i32> {
    let state = state_from(dialog.state).ok_or(SIPXFER_E_RANGE)?;
    let initiator = match dialog.initiator {
        SIPXFER_INITIATOR_LOCAL => Initiator::Local,
        SIPXFER_INITIATOR_REMOTE => Initiator::Remote,
        _ => return Err(SIPXFER_E_RANGE),
    };
    let usage = match dialog.usage {
        SIPXFER_USAGE_INVITE => Usage::Invite,
        SIPXFER_USAGE_OTHER => Usage::Other,
        _ => return Err(SIPXFER_E_RANGE),
    };
    if dialog.secure > 1 {
        return Err(SIPXFER_E_RANGE);
    }
    // SAFETY: contract of this function.
    let call_id = unsafe { bytes(dialog.call_id.ptr, dialog.call_id.len) }?;
    // SAFETY: contract of this function.
    let local_tag = unsafe { bytes(dialog.local_tag.ptr, dialog.local_tag.len) }?;
    // SAFETY: contract of this function.
    let remote_tag = unsafe { bytes(dialog.remote_tag.ptr, dialog.remote_tag.len) }?;
    // SAFETY: contract of this function.
    let user = unsafe { bytes(dialog.user.ptr, dialog.user.len) }?;
    // SAFETY: contract of this function.
    let endpoint = unsafe { bytes(dialog.endpoint.ptr, dialog.endpoint.len) }?;
    let key = Key { call_id, local_tag, remote_tag };
    Ok(Facts { key, user, endpoint, state, initiator, usage, secure: dialog.secure == 1 })
}

fn facts_are_sound(dialog: &sipxfer_dialog) -> bool {
    // SAFETY: the host has just described its dialog, whose reference is held.
    unsafe { facts_of(dialog) }.is_ok()
}
