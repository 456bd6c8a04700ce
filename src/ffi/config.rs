//! Level 2: settings by scope, name and value.

use super::engine::{engine_in, sipxfer_engine};
use super::raw::*;
use super::status::*;
use super::types::*;
use crate::config::{settings, Config, ConfigError};
use core::ffi::c_char;

/// A set of settings in the making; opaque. One thread at a time.
pub struct sipxfer_config {
    config: Config,
    error: String,
}

/// A setting that exists.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_setting {
    /// `sizeof (struct sipxfer_setting)`, set by the caller.
    pub struct_size: usize,
    /// Name, as `replaces.authorize`. Static, as all of these.
    pub name: sipxfer_str,
    /// What a value looks like, in words.
    pub values: sipxfer_str,
    /// Value where nothing is set.
    pub default_value: sipxfer_str,
    /// What it does.
    pub help: sipxfer_str,
    /// 1 where it can be set for all.
    pub global: u32,
    /// 1 where it can be set per endpoint.
    pub per_endpoint: u32,
}

versioned! { sipxfer_setting: per_endpoint; }

fn refusal(error: &ConfigError) -> Status {
    match error {
        ConfigError::Unknown(_) => SIPXFER_E_UNKNOWN_SETTING,
        ConfigError::BadValue(_) => SIPXFER_E_BAD_VALUE,
    }
}

/// A name or value that came in; settings are UTF-8.
///
/// # Safety
/// As for [`bytes`].
unsafe fn words<'a>(ptr: *const c_char, len: usize) -> Result<&'a str, Status> {
    // SAFETY: contract of this function.
    let raw = unsafe { bytes(ptr, len) }?;
    core::str::from_utf8(raw).map_err(|_| SIPXFER_E_BAD_VALUE)
}

/// Begins a set of settings, each at its default.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; allocates.
///
/// # Safety
/// `config` points to a writable pointer.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_config_new(config: *mut *mut sipxfer_config) -> i32 {
    guard(|| {
        if config.is_null() {
            return Err(SIPXFER_E_NULL);
        }
        let made = Box::new(sipxfer_config { config: Config::new(), error: String::new() });
        // SAFETY: contract of this function.
        unsafe { put(config, Box::into_raw(made)) }
    })
}

/// Sets one value. The scope is empty for all, or `endpoint:NAME`.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_UNKNOWN_SETTING`, `SIPXFER_E_BAD_VALUE` (nothing is changed, and
/// `sipxfer_config_error()` has a sentence that names the place), or the status of a wrong argument.
///
/// # Safety
/// `config` is valid and used by this thread alone; each string points to as many bytes as given.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_config_set(
    config: *mut sipxfer_config,
    scope: *const c_char,
    scope_len: usize,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let config = unsafe { config.as_mut() }.ok_or(SIPXFER_E_NULL)?;
        // SAFETY: contract of this function.
        let scope = unsafe { words(scope, scope_len) }?;
        // SAFETY: contract of this function.
        let name = unsafe { words(name, name_len) }?;
        // SAFETY: contract of this function.
        let value = unsafe { words(value, value_len) }?;
        config.error.clear();
        config.config.set(scope, name, value).map_err(|error| {
            config.error = error.to_string();
            refusal(&error)
        })
    })
}

/// The value that holds in a scope: what was set there, else what was set for all, else the
/// default. Otherwise as `sipxfer_replaces_print()`, and `SIPXFER_E_UNKNOWN_SETTING`.
///
/// # Safety
/// As for `sipxfer_config_set()` and `sipxfer_replaces_print()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_config_get(
    config: *const sipxfer_config,
    scope: *const c_char,
    scope_len: usize,
    name: *const c_char,
    name_len: usize,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let config = unsafe { config.as_ref() }.ok_or(SIPXFER_E_NULL)?;
        // SAFETY: contract of this function.
        let scope = unsafe { words(scope, scope_len) }?;
        // SAFETY: contract of this function.
        let name = unsafe { words(name, name_len) }?;
        let value = config.config.get(scope, name).map_err(|error| refusal(&error))?;
        let print = |out: &mut crate::sip::Writer<'_>| {
            out.push(value.as_bytes());
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

/// The sentence of the last failed `sipxfer_config_set()`; empty where none failed. Otherwise as
/// `sipxfer_replaces_print()`.
///
/// # Safety
/// As for `sipxfer_config_set()` and `sipxfer_replaces_print()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_config_error(
    config: *const sipxfer_config,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let config = unsafe { config.as_ref() }.ok_or(SIPXFER_E_NULL)?;
        let print = |out: &mut crate::sip::Writer<'_>| {
            out.push(config.error.as_bytes());
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

/// Makes all of these settings the engine's, in the place of those it has, all at once. Verdicts
/// that are under way end by the settings they began with. `config` stays the caller's and can be
/// changed and applied again.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any, while other calls go on.
///
/// # Safety
/// `engine` and `config` are valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_config_apply(
    engine: *const sipxfer_engine,
    config: *const sipxfer_config,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let config = unsafe { config.as_ref() }.ok_or(SIPXFER_E_NULL)?;
        engine.core.apply(config.config.snapshot());
        Ok(())
    })
}

/// Frees a set of settings. NULL does nothing.
///
/// # Safety
/// `config` came from `sipxfer_config_new()` and was not freed before.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_config_free(config: *mut sipxfer_config) {
    guard(|| {
        if !config.is_null() {
            // SAFETY: contract of this function.
            drop(unsafe { Box::from_raw(config) });
        }
        Ok(())
    });
}

/// The setting number `index`, counted from 0, so that a host can list or document them.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` behind the last, or the status of a wrong argument.
/// Threads: any.
///
/// # Safety
/// `setting` points to a struct whose `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_setting_at(index: usize, setting: *mut sipxfer_setting) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe { check_out(setting) }?;
        let found = settings().get(index).ok_or(SIPXFER_E_NOT_FOUND)?;
        let told = sipxfer_setting {
            struct_size: 0,
            name: text(found.name.as_bytes()),
            values: text(found.values.as_bytes()),
            default_value: text(found.default.as_bytes()),
            help: text(found.help.as_bytes()),
            global: 1,
            per_endpoint: u32::from(found.per_endpoint),
        };
        // SAFETY: contract of this function.
        unsafe { write_struct(setting, &told) }
    })
}
