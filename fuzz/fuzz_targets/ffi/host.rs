//! The host's callbacks: they answer what the fuzzer says, and count what they are given.

use sipxfer::ffi::*;
use std::cell::Cell;
use std::ffi::{c_char, c_void};

/// Each answer is one of what the callback may say, or something else.
#[derive(Default)]
pub struct Host {
    pub answer: Cell<i32>,
    pub references: Cell<i64>,
    pub locks: Cell<i64>,
    /// The last lookup that the library has asked for.
    pub looked_up: Cell<u64>,
}

/// SAFETY of all callbacks: `user` is the Host that the engine was made with, which outlives it.
unsafe fn host<'h>(user: *mut c_void) -> &'h Host {
    unsafe { &*user.cast::<Host>() }
}

pub fn touch(text: sipxfer_str) {
    if text.len > 0 {
        // SAFETY: the library hands out strings that live.
        let bytes = unsafe { std::slice::from_raw_parts(text.ptr.cast::<u8>(), text.len) };
        std::hint::black_box(bytes.iter().fold(0_u8, |sum, byte| sum ^ byte));
    }
}

unsafe extern "C" fn lock(user: *mut c_void, _: *mut c_void, state: *mut u32) -> i32 {
    let host = unsafe { host(user) };
    match host.answer.get() {
        3 => SIPXFER_E_GONE,
        4 => -77,
        answer => {
            unsafe { *state = if answer == 5 { 99 } else { SIPXFER_DIALOG_CONFIRMED } };
            host.locks.set(host.locks.get() + 1);
            SIPXFER_OK
        }
    }
}

unsafe extern "C" fn unlock(user: *mut c_void, _: *mut c_void) {
    let host = unsafe { host(user) };
    host.locks.set(host.locks.get() - 1);
}

unsafe extern "C" fn release(user: *mut c_void, _: *mut c_void) {
    let host = unsafe { host(user) };
    host.references.set(host.references.get() - 1);
}

unsafe extern "C" fn extension_exists(
    user: *mut c_void,
    _: *const sipxfer_request,
    context: sipxfer_str,
    extension: sipxfer_str,
) -> i32 {
    touch(context);
    touch(extension);
    match unsafe { host(user) }.answer.get() {
        1 => SIPXFER_NO,
        2 => -5,
        _ => SIPXFER_YES,
    }
}

unsafe extern "C" fn transfer_context(
    user: *mut c_void,
    _: *const sipxfer_request,
    buffer: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    let (text, len_told) = match unsafe { host(user) }.answer.get() {
        6 => (&b"a\r\nb"[..], 4),
        7 => (&b"longer than it may be"[..], capacity + 1),
        8 => (&b"other"[..], 5),
        _ => return SIPXFER_E_NOT_FOUND,
    };
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast(), text.len()) };
    unsafe { *len = len_told };
    SIPXFER_OK
}

unsafe extern "C" fn approve(
    user: *mut c_void,
    _: *const sipxfer_request,
    _: u32,
    target: sipxfer_str,
) -> i32 {
    touch(target);
    match unsafe { host(user) }.answer.get() {
        9 => SIPXFER_LATER,
        10 => SIPXFER_NO,
        11 => 1234,
        _ => SIPXFER_YES,
    }
}

unsafe extern "C" fn authorize(
    user: *mut c_void,
    _: *const sipxfer_request,
    dialog: *const sipxfer_dialog,
) -> i32 {
    touch(unsafe { (*dialog).call_id });
    match unsafe { host(user) }.answer.get() {
        12 => SIPXFER_NO,
        13 => i32::MIN,
        _ => SIPXFER_YES,
    }
}

unsafe extern "C" fn lookup(user: *mut c_void, id: u64, key: *const sipxfer_dialog_key) -> i32 {
    touch(unsafe { (*key).call_id });
    let host = unsafe { host(user) };
    host.looked_up.set(id);
    match host.answer.get() {
        14 => SIPXFER_E_NOT_FOUND,
        15 => -77,
        _ => SIPXFER_E_PENDING,
    }
}

unsafe extern "C" fn on_lookup(_: *mut c_void, _: u64) {}

unsafe extern "C" fn log(_: *mut c_void, _: u32, text: sipxfer_str) {
    touch(text);
}

unsafe extern "C" fn on_deadline(_: *mut c_void, _: u64) {}

/// An engine with its own table of dialogs.
pub fn engine(host: &Host) -> *mut sipxfer_engine {
    let user = std::ptr::from_ref(host).cast_mut().cast();
    // SAFETY: zeros are valid in every struct of the boundary.
    let mut directory: sipxfer_directory = unsafe { std::mem::zeroed() };
    directory.struct_size = size_of::<sipxfer_directory>();
    directory.user = user;
    directory.lock = Some(lock);
    directory.unlock = Some(unlock);
    directory.release = Some(release);
    directory.lookup = Some(lookup);
    directory.lookup_user = user;
    // SAFETY: as above.
    let mut callbacks: sipxfer_host = unsafe { std::mem::zeroed() };
    callbacks.struct_size = size_of::<sipxfer_host>();
    callbacks.user = user;
    callbacks.extension_exists = Some(extension_exists);
    callbacks.transfer_context = Some(transfer_context);
    callbacks.approve = Some(approve);
    callbacks.authorize = Some(authorize);
    callbacks.log = Some(log);
    callbacks.on_deadline = Some(on_deadline);
    callbacks.on_lookup = Some(on_lookup);
    // SAFETY: as above.
    let mut options: sipxfer_engine_options = unsafe { std::mem::zeroed() };
    options.struct_size = size_of::<sipxfer_engine_options>();
    (options.directory, options.host) = (&raw const directory, &raw const callbacks);
    let mut engine = std::ptr::null_mut();
    // SAFETY: the structs live through the call, the host longer than the engine.
    assert_eq!(unsafe { sipxfer_engine_new(&options, &mut engine) }, SIPXFER_OK);
    engine
}

/// For `sipxfer_map_replaces()`: the peer leg, or one that makes no sense.
pub unsafe extern "C" fn peer_leg(
    user: *mut c_void,
    key: *const sipxfer_dialog_key,
    peer: *mut sipxfer_dialog_key,
) -> i32 {
    let (key, peer) = unsafe { (&*key, &mut *peer) };
    touch(key.call_id);
    match unsafe { host(user) }.answer.get() {
        1 => return SIPXFER_E_NOT_FOUND,
        2 => return 17,
        3 => peer.call_id = sipxfer_str { ptr: std::ptr::null(), len: 3 },
        4 => peer.call_id = sipxfer_str { ptr: c"a b\r\n".as_ptr(), len: 5 },
        _ => peer.call_id = key.call_id,
    }
    (peer.local_tag, peer.remote_tag) = (key.remote_tag, key.local_tag);
    SIPXFER_OK
}
