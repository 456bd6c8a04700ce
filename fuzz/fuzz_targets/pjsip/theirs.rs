//! pjsip's side, by shim.c.

use super::{Bytes, Named, Target};
use std::ffi::{c_char, c_int};
use std::sync::Once;

#[repr(C)]
#[derive(Clone, Copy)]
struct Text {
    ptr: *const c_char,
    len: usize,
}

const NONE: Text = Text { ptr: std::ptr::null(), len: 0 };

impl Text {
    fn bytes(self) -> Bytes {
        if self.len == 0 {
            return Bytes::default();
        }
        // SAFETY: shim.c hands out text that is valid until it is called again.
        Bytes(unsafe { std::slice::from_raw_parts(self.ptr.cast::<u8>(), self.len) }.to_vec())
    }
}

#[repr(C)]
struct ShimReplaces {
    call_id: Text,
    to_tag: Text,
    from_tag: Text,
    early_only: c_int,
}

#[repr(C)]
struct ShimReferTo {
    scheme: Text,
    user: Text,
    password: Text,
    host: Text,
    method: Text,
    replaces: Text,
    port: c_int,
    is_sip: c_int,
    has_replaces: c_int,
}

extern "C" {
    fn shim_open() -> c_int;
    fn shim_replaces(text: *const c_char, len: usize, out: *mut ShimReplaces) -> c_int;
    fn shim_refer_to(text: *const c_char, len: usize, out: *mut ShimReferTo) -> c_int;
}

/// Once, before all else.
pub fn open() {
    static OPEN: Once = Once::new();
    // SAFETY: takes nothing, and is called once.
    OPEN.call_once(|| assert_eq!(unsafe { shim_open() }, 0, "pjsip does not begin"));
}

/// What pjsip reads in it, `None` where it refuses it.
pub fn replaces(value: &[u8]) -> Option<Named> {
    let mut out = ShimReplaces { call_id: NONE, to_tag: NONE, from_tag: NONE, early_only: 0 };
    // SAFETY: `value` is readable for its length, and `out` is writable.
    let read = unsafe { shim_replaces(value.as_ptr().cast(), value.len(), &mut out) };
    (read != 0).then(|| Named {
        call_id: out.call_id.bytes(),
        to_tag: out.to_tag.bytes(),
        from_tag: out.from_tag.bytes(),
        early_only: out.early_only != 0,
    })
}

/// What pjsip reads in it, `None` where it refuses it.
pub fn refer_to(value: &[u8]) -> Option<Target> {
    let mut out = ShimReferTo {
        scheme: NONE,
        user: NONE,
        password: NONE,
        host: NONE,
        method: NONE,
        replaces: NONE,
        port: 0,
        is_sip: 0,
        has_replaces: 0,
    };
    // SAFETY: `value` is readable for its length, and `out` is writable.
    let read = unsafe { shim_refer_to(value.as_ptr().cast(), value.len(), &mut out) };
    (read != 0).then(|| Target {
        scheme: Bytes(out.scheme.bytes().0.to_ascii_lowercase()),
        is_sip: out.is_sip != 0,
        user: out.user.bytes(),
        password: out.password.bytes(),
        host: out.host.bytes(),
        port: out.port,
        method: out.method.bytes(),
        replaces: (out.has_replaces != 0).then(|| out.replaces.bytes()),
    })
}
