//! The table of functions.

use super::*;
use core::ffi::{c_char, c_void};

/// The functions of this library, for dlopen.
#[repr(C)]
pub struct sipxfer_cluster_api {
    /// `sizeof (struct sipxfer_cluster_api)` of the library.
    pub struct_size: usize,
    /// `SIPXFER_CLUSTER_ABI_MAJOR` of the library.
    pub abi_major: u32,
    /// `SIPXFER_CLUSTER_ABI_MINOR` of the library.
    pub abi_minor: u32,
    /// `sipxfer_cluster_new()`.
    pub create: unsafe extern "C" fn(
        options: *const sipxfer_cluster_options,
        cluster: *mut *mut sipxfer_cluster,
    ) -> i32,
    /// `sipxfer_cluster_free()`.
    pub destroy: unsafe extern "C" fn(cluster: *mut sipxfer_cluster),
    /// `sipxfer_cluster_attach()`.
    pub attach: unsafe extern "C" fn(
        cluster: *mut sipxfer_cluster,
        engine: *const sipxfer_engine,
        resume: sipxfer_cluster_resume,
    ) -> i32,
    /// `sipxfer_cluster_lookup()`.
    pub lookup: unsafe extern "C" fn(
        cluster: *mut c_void,
        lookup: u64,
        key: *const sipxfer_dialog_key,
    ) -> i32,
    /// `sipxfer_cluster_publish()`.
    pub publish:
        unsafe extern "C" fn(cluster: *const sipxfer_cluster, dialog: *const sipxfer_dialog) -> i32,
    /// `sipxfer_cluster_remove()`.
    pub remove: unsafe extern "C" fn(
        cluster: *const sipxfer_cluster,
        key: *const sipxfer_dialog_key,
    ) -> i32,
    /// `sipxfer_cluster_stats()`.
    pub stats: unsafe extern "C" fn(
        cluster: *const sipxfer_cluster,
        stats: *mut sipxfer_cluster_stats,
    ) -> i32,
    /// `sipxfer_cluster_version()`.
    pub version: extern "C" fn() -> *const c_char,
    /// `sipxfer_cluster_park()`.
    pub park: unsafe extern "C" fn(
        cluster: *const sipxfer_cluster,
        dialog: *const sipxfer_dialog,
        token: sipxfer_str,
    ) -> i32,
    /// `sipxfer_cluster_unpark()`.
    pub unpark: unsafe extern "C" fn(cluster: *const sipxfer_cluster, token: sipxfer_str) -> i32,
    /// `sipxfer_cluster_lookup_parked()`.
    pub lookup_parked: unsafe extern "C" fn(
        cluster: *mut c_void,
        lookup: u64,
        token: sipxfer_str,
        key: *const sipxfer_dialog_key,
    ) -> i32,
}

static API: sipxfer_cluster_api = sipxfer_cluster_api {
    struct_size: size_of::<sipxfer_cluster_api>(),
    abi_major: SIPXFER_CLUSTER_ABI_MAJOR,
    abi_minor: SIPXFER_CLUSTER_ABI_MINOR,
    create: sipxfer_cluster_new,
    destroy: sipxfer_cluster_free,
    attach: sipxfer_cluster_attach,
    lookup: sipxfer_cluster_lookup,
    publish: sipxfer_cluster_publish,
    remove: sipxfer_cluster_remove,
    stats: sipxfer_cluster_stats,
    version: sipxfer_cluster_version,
    park: sipxfer_cluster_park,
    unpark: sipxfer_cluster_unpark,
    lookup_parked: sipxfer_cluster_lookup_parked,
};

/// The table of functions: the one symbol that a host looks up with dlsym. NULL where `abi_major` is not
/// the library's `SIPXFER_CLUSTER_ABI_MAJOR`. The table is static. Threads: any; does not block.
#[no_mangle]
pub extern "C" fn sipxfer_cluster_get_api(abi_major: u32) -> *const sipxfer_cluster_api {
    if abi_major != SIPXFER_CLUSTER_ABI_MAJOR {
        return core::ptr::null();
    }
    &API
}

/// The library's version, as `0.1.0`. Never NULL. Threads: any; does not block.
#[no_mangle]
pub extern "C" fn sipxfer_cluster_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
