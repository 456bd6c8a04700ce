//! What is shared with `sipxfer.h`: its structs and statuses, and how structs and strings of a host are
//! read. A test compares them.
#![allow(non_camel_case_types)]

use core::ffi::{c_char, c_void};

/// As in `sipxfer.h`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_str {
    /// As there.
    pub ptr: *const c_char,
    /// As there.
    pub len: usize,
}

/// As in `sipxfer.h`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_dialog_key {
    /// As there.
    pub struct_size: usize,
    /// As there.
    pub call_id: sipxfer_str,
    /// As there.
    pub local_tag: sipxfer_str,
    /// As there.
    pub remote_tag: sipxfer_str,
}

/// As in `sipxfer.h`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_dialog {
    /// As there.
    pub struct_size: usize,
    /// As there.
    pub dialog: *mut c_void,
    /// As there.
    pub call_id: sipxfer_str,
    /// As there.
    pub local_tag: sipxfer_str,
    /// As there.
    pub remote_tag: sipxfer_str,
    /// As there.
    pub user: sipxfer_str,
    /// As there.
    pub endpoint: sipxfer_str,
    /// As there.
    pub state: u32,
    /// As there.
    pub initiator: u32,
    /// As there.
    pub usage: u32,
    /// As there.
    pub secure: u32,
}

/// As in `sipxfer.h`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_remote_dialog {
    /// As there.
    pub struct_size: usize,
    /// As there.
    pub node: sipxfer_str,
    /// As there.
    pub uri: sipxfer_str,
    /// As there.
    pub user: sipxfer_str,
    /// As there.
    pub endpoint: sipxfer_str,
    /// As there.
    pub state: u32,
    /// As there.
    pub initiator: u32,
    /// As there.
    pub secure: u32,
    /// As there.
    pub reserved: u32,
    /// As there.
    pub parked: u32,
    /// As there.
    pub reserved2: u32,
    /// As there.
    pub call_id: sipxfer_str,
    /// As there.
    pub local_tag: sipxfer_str,
    /// As there.
    pub remote_tag: sipxfer_str,
}

/// As in `sipxfer.h`.
pub struct sipxfer_engine {
    _private: [u8; 0],
}

pub(crate) const OK: i32 = 0;
pub(crate) const E_NULL: i32 = -1;
pub(crate) const E_STRUCT_SIZE: i32 = -2;
pub(crate) const E_UNKNOWN_FIELD: i32 = -3;
pub(crate) const E_RANGE: i32 = -4;
pub(crate) const E_NOT_FOUND: i32 = -7;
pub(crate) const E_AMBIGUOUS: i32 = -8;
pub(crate) const E_PENDING: i32 = -9;
pub(crate) const E_PARSE: i32 = -5;
pub(crate) const E_BAD_VALUE: i32 = -14;
pub(crate) const E_NOMEM: i32 = -18;
pub(crate) const E_PANIC: i32 = -19;
pub(crate) const ALLOW_UNKNOWN: usize = 0x8000_0000;
pub(crate) const DIALOG_TERMINATED: u32 = 3;
pub(crate) const USAGE_INVITE: u32 = 1;

pub(crate) fn text(bytes: &[u8]) -> sipxfer_str {
    sipxfer_str { ptr: bytes.as_ptr().cast(), len: bytes.len() }
}

/// # Safety
/// `string` points to as many bytes as it says, for `'a`.
pub(crate) unsafe fn bytes<'a>(string: sipxfer_str) -> Result<&'a [u8], i32> {
    if string.len == 0 {
        return Ok(b"");
    }
    if string.ptr.is_null() {
        return Err(E_NULL);
    }
    if string.len > isize::MAX as usize {
        return Err(E_RANGE);
    }
    // SAFETY: contract of this function.
    Ok(unsafe { core::slice::from_raw_parts(string.ptr.cast(), string.len) })
}

/// # Safety
/// As for [`bytes`].
pub(crate) unsafe fn utf8<'a>(string: sipxfer_str) -> Result<&'a str, i32> {
    // SAFETY: contract of this function.
    core::str::from_utf8(unsafe { bytes(string) }?).map_err(|_| E_BAD_VALUE)
}

/// A struct of the host's, which may be of a later version: what is not known of it must be zero, or the
/// host says that it may be ignored.
///
/// # Safety
/// `from` is NULL or points to a struct that begins with its size, and all zero bytes are a `T`.
pub(crate) unsafe fn read_struct<T: Copy>(from: *const T) -> Result<T, i32> {
    if from.is_null() {
        return Err(E_NULL);
    }
    // SAFETY: contract of this function.
    let said = unsafe { from.cast::<usize>().read_unaligned() };
    let size = said & !ALLOW_UNKNOWN;
    if size < size_of::<T>() || size > 4096 {
        return Err(E_STRUCT_SIZE);
    }
    // SAFETY: contract of this function; the size was looked at.
    let all = unsafe { core::slice::from_raw_parts(from.cast::<u8>(), size) };
    let tail = all.get(size_of::<T>()..).unwrap_or_default();
    if said & ALLOW_UNKNOWN == 0 && tail.iter().any(|byte| *byte != 0) {
        return Err(E_UNKNOWN_FIELD);
    }
    // SAFETY: contract of this function; there are enough bytes.
    Ok(unsafe { from.read_unaligned() })
}
