//! Level 2: the engine, its settings and its own dialog table.

use super::callbacks::{sipxfer_directory, sipxfer_host};
use super::directory::HostDirectory;
use super::pins::Pins;
use super::raw::*;
use super::status::*;
use super::telling::Telling;
use crate::dialog::HashKey;
use crate::engine::Engine;
use core::ffi::c_char;

versioned! {
    sipxfer_directory: destroy;
    sipxfer_host: is_conference;
    sipxfer_engine_options: host;
}

/// Decides; opaque. One engine serves any number of threads at once.
pub struct sipxfer_engine {
    pub(super) core: Engine,
    // Before the directory: what is still pinned is given back through its callbacks.
    pub(super) pins: Pins,
    pub(super) directory: HostDirectory,
    pub(super) host: HostCallbacks,
    telling: Telling,
}

/// The dialplan and policy callbacks; `destroy` is called with the engine's end.
pub(super) struct HostCallbacks(pub sipxfer_host);

// SAFETY: the header demands of the host that its callbacks may be called from any thread, with
// the same `user`.
unsafe impl Send for HostCallbacks {}
// SAFETY: as above.
unsafe impl Sync for HostCallbacks {}

impl Drop for HostCallbacks {
    fn drop(&mut self) {
        if let Some(destroy) = self.0.destroy {
            // SAFETY: the callback is the host's, with the `user` it was given with.
            unsafe { destroy(self.0.user) };
        }
    }
}

impl sipxfer_engine {
    /// Tells the host that a lookup is over. No lock of ours is held.
    pub(super) fn tell_lookup(&self, lookup: u64) {
        if let Some(tell) = self.host.0.on_lookup {
            // SAFETY: the callback is the host's, with the `user` it was given with.
            unsafe { tell(self.host.0.user, lookup) };
        }
    }

    /// Tells the host of another earliest deadline. No lock of ours is held.
    pub(super) fn tell_deadline(&self) {
        let Some(tell) = self.host.0.on_deadline else { return };
        let deadline = || self.core.deadline().unwrap_or(u64::MAX);
        self.telling.tell(deadline, |deadline| {
            // SAFETY: the callback is the host's, with the `user` it was given with.
            unsafe { tell(self.host.0.user, deadline) };
        });
    }
}

/// The engine behind a pointer that came in.
///
/// # Safety
/// `engine` is NULL or came from `sipxfer_engine_new()` and was not freed.
pub(super) unsafe fn engine_in<'e>(
    engine: *const sipxfer_engine,
) -> Result<&'e sipxfer_engine, Status> {
    // SAFETY: contract of this function.
    unsafe { engine.as_ref() }.ok_or(SIPXFER_E_NULL)
}

/// # Safety
/// `table` is NULL or points to a struct whose `struct_size` is set.
unsafe fn optional<T: Versioned>(table: *const T, none: T) -> Result<T, Status> {
    if table.is_null() {
        return Ok(none);
    }
    // SAFETY: contract of this function.
    unsafe { read_struct(table) }
}

const NO_DIRECTORY: sipxfer_directory = sipxfer_directory {
    struct_size: 0,
    user: core::ptr::null_mut(),
    find: None,
    lock: None,
    unlock: None,
    release: None,
    destroy: None,
    lookup: None,
    lookup_user: core::ptr::null_mut(),
    lookup_parked: None,
};

const NO_HOST: sipxfer_host = sipxfer_host {
    struct_size: 0,
    user: core::ptr::null_mut(),
    extension_exists: None,
    transfer_context: None,
    allow_transfer: None,
    approve: None,
    authorize: None,
    log: None,
    random: None,
    verify_token: None,
    on_deadline: None,
    destroy: None,
    can_mix: None,
    is_conference: None,
    on_lookup: None,
    authorize_remote: None,
};

/// 16 bytes for the hash, 6 for the salts of ids.
fn random_bytes(host: &sipxfer_host) -> Result<[u8; 22], Status> {
    let mut random = [0; 22];
    fill_random(host, &mut random)?;
    Ok(random)
}

fn fill_random(host: &sipxfer_host, random: &mut [u8]) -> Result<(), Status> {
    let Some(fill) = host.random else {
        return getrandom::fill(random).map_err(|_| SIPXFER_E_RANDOM);
    };
    // SAFETY: the callback is the host's; the buffer lives through the call.
    let status = unsafe { fill(host.user, random.as_mut_ptr().cast(), random.len()) };
    if status != SIPXFER_OK {
        return Err(SIPXFER_E_RANDOM);
    }
    Ok(())
}

impl HostCallbacks {
    /// Random bytes; no lock of ours is held.
    pub(super) fn fill_random(&self, random: &mut [u8]) -> Result<(), Status> {
        fill_random(&self.0, random)
    }
}

/// How an engine is made.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_engine_options {
    /// `sizeof (struct sipxfer_engine_options)`.
    pub struct_size: usize,
    /// Where dialogs are found; NULL for the engine's own table without locks.
    pub directory: *const sipxfer_directory,
    /// Dialplan, policy and log; NULL for none.
    pub host: *const sipxfer_host,
}

/// Makes an engine with the default settings. Both callback tables are copied.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_CALLBACK_MISSING` where `find` comes without `release`, only one
/// of `lock` and `unlock` is given, `lookup` comes without `on_lookup` or `lookup_parked` without `lookup`,
/// `SIPXFER_E_RANDOM`, or the status of a wrong argument. On a failure the `destroy` callbacks are not called. Threads: any; allocates.
///
/// # Safety
/// `options` points to a struct whose `struct_size` is set, `engine` to a writable pointer.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_engine_new(
    options: *const sipxfer_engine_options,
    engine: *mut *mut sipxfer_engine,
) -> i32 {
    guard(|| {
        if engine.is_null() {
            return Err(SIPXFER_E_NULL);
        }
        // SAFETY: contract of this function.
        let options = unsafe { read_struct(options) }?;
        // SAFETY: contract of this function.
        let directory = unsafe { optional(options.directory, NO_DIRECTORY) }?;
        // SAFETY: contract of this function.
        let host = unsafe { optional(options.host, NO_HOST) }?;
        if directory.find.is_some() && directory.release.is_none()
            || directory.lock.is_some() != directory.unlock.is_some()
            || directory.lookup.is_some() && host.on_lookup.is_none()
            || directory.lookup_parked.is_some() && directory.lookup.is_none()
        {
            return Err(SIPXFER_E_CALLBACK_MISSING);
        }
        let [hash @ .., a, b, c, d, e, f] = random_bytes(&host)?;
        let made = Box::new(sipxfer_engine {
            core: Engine::new(hash, u16::from_le_bytes([e, f])),
            pins: Pins::new(u16::from_le_bytes([a, b])),
            directory: HostDirectory::new(
                directory,
                HashKey::new(hash),
                u16::from_le_bytes([c, d]),
            ),
            host: HostCallbacks(host),
            telling: Telling::new(),
        });
        if made.directory.callbacks.0.lookup.is_some() {
            made.core.lookups().reserve();
        }
        // SAFETY: contract of this function.
        unsafe { put(engine, Box::into_raw(made)) }
    })
}

/// Ends an engine: gives back every dialog of its own table (`release`), then calls the `destroy`
/// callbacks, which must not call the engine. What verdicts still hold is unlocked and given back
/// too. NULL does nothing. No other call on this engine may be under way.
///
/// # Safety
/// `engine` came from `sipxfer_engine_new()` and was not freed before.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_engine_free(engine: *mut sipxfer_engine) {
    guard(|| {
        // SAFETY: contract of this function.
        if let Some(whole) = unsafe { engine.as_ref() } {
            // As long as the engine is whole: `release` may still call it.
            whole.pins.clear();
            whole.directory.clear();
            // SAFETY: contract of this function.
            drop(unsafe { Box::from_raw(engine) });
        }
        Ok(())
    });
}

/// The value of a Supported header towards an endpoint (empty: towards a stranger), by its settings:
/// `replaces` is in it where Replaces is supported, and never where not (RFC 3891 section 6.2); so is
/// `join` (RFC 3911 section 7.2).
///
/// Otherwise as `sipxfer_replaces_print()`. Threads: any.
///
/// # Safety
/// `engine` is valid, `endpoint` points to `endpoint_len` bytes, `buffer` points to `capacity` writable bytes, `needed` to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_engine_supported(
    engine: *const sipxfer_engine,
    endpoint: *const c_char,
    endpoint_len: usize,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let endpoint = unsafe { bytes(endpoint, endpoint_len) }?;
        let snapshot = engine.core.settings();
        let settings = snapshot.of(endpoint);
        let print = |out: &mut crate::sip::Writer<'_>| {
            let replaces = settings.replaces_allow.then_some("replaces");
            let join = settings.join_allow.then_some("join");
            let own = replaces.into_iter().chain(join);
            let nosub = settings.refer_nosub.then_some("nosub");
            let explicitsub = (!settings.refer_events_at.is_empty()).then_some("explicitsub");
            let reads_target_dialog =
                settings.refer_target_dialog != crate::config::TargetDialogs::No;
            let tdialog = reads_target_dialog.then_some("tdialog");
            let more = [tdialog, nosub, explicitsub].into_iter().flatten();
            let more = more.filter(|tag| !settings.supported.hold(tag.as_bytes()));
            let tags = own.chain(settings.supported.iter()).chain(more);
            for (number, tag) in tags.enumerate() {
                out.push(if number > 0 { b", " } else { b"" });
                out.push(tag.as_bytes());
            }
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}
