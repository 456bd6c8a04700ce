//! What every function of the boundary does with raw pointers, once.

use super::status::*;
use super::types::{sipxfer_parse_error, sipxfer_str, SIPXFER_ALLOW_UNKNOWN};
use crate::sip::{ParseError, Writer};
use core::ffi::c_char;
use core::mem::{align_of, size_of, MaybeUninit};
use core::ptr::NonNull;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};

/// A status as an error value; never `SIPXFER_OK`.
pub(super) type Status = i32;

/// A struct larger than this is refused before a byte of it is read.
const MAX_STRUCT_SIZE: usize = 4096;

static PANICS: AtomicU64 = AtomicU64::new(0);

/// How many faults inside the library were caught at the boundary since it was loaded. Each of
/// them is worth a report. Threads: any; does not block.
#[no_mangle]
pub extern "C" fn sipxfer_panic_count() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Runs the body of an exported function; no panic leaves it.
pub(super) fn guard(body: impl FnOnce() -> Result<(), Status>) -> i32 {
    // Unwind safety: what a body shares with other calls is either atomic, or behind a lock that
    // does not poison and that is not held while foreign code runs.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => SIPXFER_OK,
        Ok(Err(status)) => status,
        Err(_) => {
            PANICS.fetch_add(1, Ordering::Relaxed);
            SIPXFER_E_PANIC
        }
    }
}

/// A struct that begins with `struct_size` and may grow.
///
/// # Safety
/// The type is `repr(C)`, begins with a `usize` named `struct_size`, holds no padding, and is
/// valid with every byte zero.
pub(super) unsafe trait Versioned: Copy {
    /// End of the last field of version 1.
    const MIN_SIZE: usize;
}

macro_rules! versioned {
    ($($name:ident: $last:ident;)*) => { $(
        // SAFETY: the layout test compares every one of these with its C twin; integers,
        // pointers and Option<fn> are valid as zeros.
        unsafe impl $crate::ffi::raw::Versioned for $name {
            const MIN_SIZE: usize = {
                const fn size_behind<S, T>(_: fn(&S) -> &T) -> usize {
                    core::mem::size_of::<T>()
                }
                core::mem::offset_of!($name, $last) + size_behind::<$name, _>(|it| &it.$last)
            };
        }
    )* };
}
pub(super) use versioned;

versioned! { sipxfer_parse_error: reserved; }

/// Copies a struct of the caller into one of today's size; a tail that this version does not know
/// must be zero or allowed.
///
/// # Safety
/// `ptr` is NULL or points to `struct_size` readable bytes (at least a `usize`).
#[inline]
pub(super) unsafe fn read_struct<T: Versioned>(ptr: *const T) -> Result<T, Status> {
    // SAFETY: forwarded from the caller.
    let known = unsafe { read_known(ptr) }?;
    // SAFETY: forwarded from the caller.
    let (size, allow_unknown) = unsafe { struct_size(ptr) }?;
    if size > size_of::<T>() && !allow_unknown {
        // SAFETY: the caller's struct goes on behind what is known.
        let tail = unsafe { ptr.cast::<u8>().add(size_of::<T>()) };
        // SAFETY: the bytes from there to `size` belong to the caller's struct too.
        let tail = unsafe { core::slice::from_raw_parts(tail, size - size_of::<T>()) };
        if tail.iter().any(|byte| *byte != 0) {
            return Err(SIPXFER_E_UNKNOWN_FIELD);
        }
    }
    Ok(known)
}

/// Copies what this version knows of a struct of the caller; for structs that the library itself
/// filled in, whose tail means nothing.
///
/// # Safety
/// As for [`read_struct`].
#[inline]
pub(super) unsafe fn read_known<T: Versioned>(ptr: *const T) -> Result<T, Status> {
    // SAFETY: forwarded from the caller.
    let (size, _) = unsafe { struct_size(ptr) }?;
    if size >= size_of::<T>() {
        // Of this one only the fields that are asked for are really read.
        // SAFETY: the caller vouches for `size` bytes, which are a T as the header has it.
        return Ok(unsafe { ptr.read_unaligned() });
    }
    let mut local = MaybeUninit::<T>::zeroed();
    // SAFETY: the caller vouches for `size` bytes, and the local is longer.
    unsafe { core::ptr::copy_nonoverlapping(ptr.cast::<u8>(), local.as_mut_ptr().cast(), size) };
    // SAFETY: zeros are a valid T (contract of Versioned), and the bytes copied are the caller's T.
    Ok(unsafe { local.assume_init() })
}

/// Checks that an output struct of the caller can be written, before any work is done.
///
/// # Safety
/// As for [`read_struct`].
pub(super) unsafe fn check_out<T: Versioned>(ptr: *const T) -> Result<(), Status> {
    // SAFETY: forwarded from the caller.
    unsafe { struct_size(ptr) }.map(|_| ())
}

/// Writes the smaller of both sizes into the caller's struct and leaves its `struct_size` alone.
///
/// # Safety
/// `ptr` is NULL or points to `struct_size` writable bytes (at least a `usize`).
pub(super) unsafe fn write_struct<T: Versioned>(ptr: *mut T, value: &T) -> Result<(), Status> {
    // SAFETY: forwarded from the caller.
    let (size, _) = unsafe { struct_size(ptr.cast_const()) }?;
    let head = size_of::<usize>();
    let copied = size.min(size_of::<T>()) - head;
    // SAFETY: a T is longer than its first field.
    let from = unsafe { core::ptr::from_ref(value).cast::<u8>().add(head) };
    // SAFETY: so is the caller's struct, whose size was just checked.
    let to = unsafe { ptr.cast::<u8>().add(head) };
    // SAFETY: both hold `copied` bytes there; a T of ours is never the caller's struct.
    unsafe { core::ptr::copy_nonoverlapping(from, to, copied) };
    Ok(())
}

/// Where the caller's struct can be written as a whole and in place: it is of today's size at least,
/// and aligned. `None` where [`write_struct`] is to do it.
///
/// # Safety
/// As for [`write_struct`].
#[inline]
pub(super) unsafe fn whole<T: Versioned>(ptr: *mut T) -> Result<Option<NonNull<T>>, Status> {
    // SAFETY: forwarded from the caller.
    let (size, _) = unsafe { struct_size(ptr.cast_const()) }?;
    let fits = size >= size_of::<T>() && ptr.is_aligned();
    Ok(NonNull::new(ptr).filter(|_| fits))
}

/// Reads one field of the caller's struct; zero where that is too short to have it.
///
/// # Safety
/// As for [`read_struct`]; `offset` is that of a field of this type, which may be zero.
pub(super) unsafe fn read_field<T: Versioned, F: Copy + Default>(
    ptr: *const T,
    offset: usize,
) -> Result<F, Status> {
    // SAFETY: forwarded from the caller.
    let (size, _) = unsafe { struct_size(ptr) }?;
    if size < offset + size_of::<F>() {
        return Ok(F::default());
    }
    // SAFETY: the caller's struct reaches to the end of the field.
    let place = unsafe { ptr.cast::<u8>().add(offset) }.cast::<F>();
    // SAFETY: as above; the place need not be aligned.
    Ok(unsafe { place.read_unaligned() })
}

/// Writes one field of the caller's struct, where that is long enough to have it.
///
/// # Safety
/// As for [`write_struct`]; `offset` is that of a field of this type.
#[inline]
pub(super) unsafe fn write_field<T: Versioned, F>(
    ptr: *mut T,
    offset: usize,
    value: F,
) -> Result<(), Status> {
    // SAFETY: forwarded from the caller.
    let (size, _) = unsafe { struct_size(ptr.cast_const()) }?;
    if size < offset + size_of::<F>() {
        return Ok(());
    }
    // SAFETY: the caller's struct reaches to the end of the field.
    let place = unsafe { ptr.cast::<u8>().add(offset) }.cast::<F>();
    // SAFETY: as above; the place need not be aligned.
    unsafe { place.write_unaligned(value) };
    Ok(())
}

/// # Safety
/// `ptr` is NULL or points to a readable `usize`.
unsafe fn struct_size<T: Versioned>(ptr: *const T) -> Result<(usize, bool), Status> {
    if ptr.is_null() {
        return Err(SIPXFER_E_NULL);
    }
    // SAFETY: the caller vouches for a `usize` there; it need not be aligned.
    let raw = unsafe { ptr.cast::<usize>().read_unaligned() };
    let allow = SIPXFER_ALLOW_UNKNOWN as usize;
    let size = raw & !allow;
    // A struct of an older header ends where a field does: a pointer that is cut off is none.
    let is_cut = size < size_of::<T>() && size % align_of::<T>() != 0;
    if size < T::MIN_SIZE || size > MAX_STRUCT_SIZE || is_cut {
        return Err(SIPXFER_E_STRUCT_SIZE);
    }
    Ok((size, raw & allow != 0))
}

/// The bytes of a string that came in.
///
/// # Safety
/// `ptr` points to `len` readable bytes that stay as they are for `'a`, or is NULL.
pub(super) unsafe fn bytes<'a>(ptr: *const c_char, len: usize) -> Result<&'a [u8], Status> {
    if len == 0 {
        return Ok(&[]);
    }
    if ptr.is_null() {
        return Err(SIPXFER_E_NULL);
    }
    if len > isize::MAX as usize {
        return Err(SIPXFER_E_RANGE);
    }
    // SAFETY: forwarded from the caller.
    Ok(unsafe { core::slice::from_raw_parts(ptr.cast(), len) })
}

/// A buffer of the caller to write into.
///
/// # Safety
/// `ptr` points to `len` writable bytes that nobody else touches for `'a`, or is NULL.
pub(super) unsafe fn buffer<'a>(ptr: *mut c_char, len: usize) -> Result<&'a mut [u8], Status> {
    if len == 0 {
        return Ok(&mut []);
    }
    if ptr.is_null() {
        return Err(SIPXFER_E_NULL);
    }
    if len > isize::MAX as usize {
        return Err(SIPXFER_E_RANGE);
    }
    // SAFETY: forwarded from the caller.
    Ok(unsafe { core::slice::from_raw_parts_mut(ptr.cast(), len) })
}

/// Writes one value through a pointer.
///
/// # Safety
/// `ptr` is NULL or points to a writable T.
pub(super) unsafe fn put<T>(ptr: *mut T, value: T) -> Result<(), Status> {
    if ptr.is_null() {
        return Err(SIPXFER_E_NULL);
    }
    // SAFETY: the caller vouches for the place; it need not be aligned.
    unsafe { ptr.write_unaligned(value) };
    Ok(())
}

/// Prints into the caller's buffer and reports the length needed, whether it fitted or not.
///
/// # Safety
/// As for [`buffer`] and [`put`].
pub(super) unsafe fn print_into(
    to: *mut c_char,
    capacity: usize,
    needed: *mut usize,
    print: impl FnOnce(&mut Writer<'_>) -> Result<(), Status>,
) -> Result<(), Status> {
    // SAFETY: forwarded from the caller.
    let to = unsafe { buffer(to, capacity) }?;
    let mut writer = Writer::new(to);
    print(&mut writer)?;
    let overflowed = writer.overflowed();
    // SAFETY: forwarded from the caller.
    unsafe { put(needed, writer.needed()) }?;
    if overflowed {
        return Err(SIPXFER_E_BUFFER);
    }
    Ok(())
}

/// Tells the caller why a text did not parse. A NULL `error` is fine: the status says enough then.
///
/// # Safety
/// As for [`write_struct`].
pub(super) unsafe fn report(error: *mut sipxfer_parse_error, cause: ParseError) -> Status {
    if error.is_null() {
        return SIPXFER_E_PARSE;
    }
    let told = sipxfer_parse_error {
        struct_size: 0,
        what: text(cause.what.as_bytes()),
        offset: cause.offset,
        rule: u32::from(cause.rule.number()),
        reserved: 0,
    };
    // SAFETY: forwarded from the caller.
    match unsafe { write_struct(error, &told) } {
        Ok(()) => SIPXFER_E_PARSE,
        Err(status) => status,
    }
}

/// Checks an error struct before any work is done; NULL is allowed.
///
/// # Safety
/// As for [`read_struct`].
pub(super) unsafe fn check_error(error: *const sipxfer_parse_error) -> Result<(), Status> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: forwarded from the caller.
    unsafe { check_out(error) }
}

/// Parses the value of one header with `parse` and hands it out as `T`.
///
/// # Safety
/// `value` points to `len` bytes, `out` and `error` to structs whose `struct_size` is set.
pub(super) unsafe fn parse_value<'a, T: Versioned>(
    value: *const c_char,
    len: usize,
    out: *mut T,
    error: *mut sipxfer_parse_error,
    parse: impl FnOnce(&'a [u8]) -> Result<T, ParseError>,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe { check_out(out) }?;
        // SAFETY: contract of this function.
        unsafe { check_error(error) }?;
        // SAFETY: contract of this function.
        let value = unsafe { bytes(value, len) }?;
        match parse(value) {
            // SAFETY: contract of this function.
            Ok(parsed) => unsafe { write_struct(out, &parsed) },
            // SAFETY: contract of this function.
            Err(cause) => Err(unsafe { report(error, cause) }),
        }
    })
}

/// A string on its way out. An empty one has a NULL pointer.
pub(super) fn text(bytes: &[u8]) -> sipxfer_str {
    if bytes.is_empty() {
        return sipxfer_str { ptr: core::ptr::null(), len: 0 };
    }
    sipxfer_str { ptr: bytes.as_ptr().cast(), len: bytes.len() }
}
