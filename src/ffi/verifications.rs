//! Level 2: verdicts on many requests at once.

use super::engine::{engine_in, sipxfer_engine};
use super::host::Asker;
use super::raw::*;
use super::status::*;
use super::types::*;
use super::verdict::{asked, tell};
use crate::dialog::Directory;
use crate::engine::Prepared;
use core::ffi::c_char;
use core::mem::offset_of;

/// The most requests that `sipxfer_replaces_verify_requests()` takes at once.
pub const SIPXFER_MAX_VERIFICATIONS: usize = 64;

/// One request of those that `sipxfer_replaces_verify_requests()` verifies, and what came of it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_verification {
    /// `sizeof (struct sipxfer_verification)`, set by the caller, in each element of the array.
    pub struct_size: usize,
    /// The request.
    pub request: *const sipxfer_request,
    /// Scratch space of its own, of `SIPXFER_SCRATCH_SIZE(request->message.len)` bytes at least.
    pub scratch: *mut c_char,
    /// How many bytes `scratch` has.
    pub scratch_len: usize,
    /// Where its verdict goes; one of its own.
    pub verdict: *mut sipxfer_verdict,
    /// Written by the library: `SIPXFER_OK` where there is a verdict, else why there is none.
    pub status: i32,
    /// Zero.
    pub reserved: u32,
}

versioned! { sipxfer_verification: reserved; }

/// How many requests are read before the first of them is decided about.
const TOGETHER: usize = 16;

/// Verifies the INVITEs of an array, for a host that takes many off a socket at once. Each gets the
/// verdict that `sipxfer_replaces_verify_request()` would give it with `lock_dialog` 0, one after the
/// other; but what the lookups read of the engine's own table is waited for together, which is what
/// most of the time of a verdict goes into where there are very many dialogs.
///
/// No dialog is locked: a host that locks does so before it acts on a verdict, one by one, and looks
/// at the state of the dialog then. Several requests may name the same dialog; each verdict that holds
/// it is given back by `sipxfer_verdict_release()`.
///
/// Each element's `status` tells whether it has its verdict, and the verdict of one that has none is
/// left as it was. Returns `SIPXFER_OK` where all have, else the status of the first that has none;
/// `SIPXFER_E_RANGE` for more than `SIPXFER_MAX_VERIFICATIONS` elements and `SIPXFER_E_STRUCT_SIZE`
/// where their sizes differ: then nothing was done. With `SIPXFER_E_PANIC` those have none whose status
/// is the same. Threads: any; blocks only if a callback does. Allocates nothing, as long as no more
/// than 64 verdicts with a dialog are held at once.
///
/// # Safety
/// `engine` is valid, `items` points to `count` structs whose `struct_size` is set; for each of them
/// what `sipxfer_replaces_verify_request()` demands, and no two share a scratch space or a verdict.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_replaces_verify_requests(
    engine: *const sipxfer_engine,
    items: *mut sipxfer_verification,
    count: usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        if count > SIPXFER_MAX_VERIFICATIONS {
            return Err(SIPXFER_E_RANGE);
        }
        if count == 0 {
            return Ok(());
        }
        // SAFETY: contract of this function.
        unsafe { read_struct(items) }?;
        // SAFETY: as above; the first field is the size.
        let size = unsafe { items.cast::<usize>().read_unaligned() };
        let stride = size & !(SIPXFER_ALLOW_UNKNOWN as usize);
        let items = Items { first: items, stride };
        for number in 0..count {
            // SAFETY: contract of this function.
            let item = unsafe { items.at(number) };
            // SAFETY: as above; the first field is the size.
            let own_size = unsafe { item.cast::<usize>().read_unaligned() };
            if own_size != size {
                return Err(SIPXFER_E_STRUCT_SIZE);
            }
        }
        for number in 0..count {
            // SAFETY: contract of this function.
            unsafe { items.set_status(number, SIPXFER_E_PANIC) }?;
        }
        let mut first = SIPXFER_OK;
        for start in (0..count).step_by(TOGETHER) {
            // SAFETY: contract of this function.
            let failed = unsafe { verify(engine, &items, start, TOGETHER.min(count - start)) }?;
            if first == SIPXFER_OK {
                first = failed;
            }
        }
        match first {
            SIPXFER_OK => Ok(()),
            status => Err(status),
        }
    })
}

/// The array of the caller, whose elements may be longer than those that are known here.
struct Items {
    first: *mut sipxfer_verification,
    stride: usize,
}

impl Items {
    /// # Safety
    /// The array has an element of this number.
    unsafe fn at(&self, number: usize) -> *mut sipxfer_verification {
        // SAFETY: contract of this function.
        unsafe { self.first.cast::<u8>().add(number * self.stride) }.cast()
    }

    /// # Safety
    /// The array has an element of this number, whose `struct_size` is in order.
    unsafe fn set_status(&self, number: usize, status: i32) -> Result<(), Status> {
        // SAFETY: contract of this function.
        let item = unsafe { self.at(number) };
        // SAFETY: contract of this function.
        unsafe { write_field(item, offset_of!(sipxfer_verification, status), status) }
    }
}

/// One that was read, with what its verdict is written into.
struct Ready<'a> {
    prepared: Prepared<'a>,
    item: sipxfer_verification,
    scratch: &'a mut [u8],
}

/// Verifies so many from `start` on. Answers with the first status that is not `SIPXFER_OK`.
///
/// # Safety
/// As for `sipxfer_replaces_verify_requests()`; the array has these elements.
unsafe fn verify<'e>(
    engine: &'e sipxfer_engine,
    items: &Items,
    start: usize,
    count: usize,
) -> Result<Status, Status> {
    let mut ready: [_; TOGETHER] = core::array::from_fn(|_| Err(SIPXFER_OK));
    let mut hashes = [None; TOGETHER];
    for ((place, hash), number) in ready.iter_mut().zip(&mut hashes).zip(start..start + count) {
        // SAFETY: contract of this function.
        let item = unsafe { items.at(number) };
        // SAFETY: contract of this function.
        *place = unsafe { prepare(engine, item) };
        *hash = place.as_mut().ok().and_then(|it| it.prepared.look_ahead(&engine.directory));
    }
    engine.directory.read_ahead(hashes.get(..count).unwrap_or_default());
    let mut first = SIPXFER_OK;
    for (place, number) in ready.iter_mut().zip(start..start + count) {
        let told = place.as_mut().map_err(|status| *status).and_then(|ready| {
            let Ready { prepared, item, scratch } = ready;
            let decide = |host: &Asker<'e>, scratch: &mut _, verdict: &mut _| {
                let directory = &engine.directory;
                engine.core.verify_prepared_into(directory, host, prepared, scratch, verdict)
            };
            let (asked, scratch) = ((item.request, prepared.now_ms()), core::mem::take(scratch));
            // SAFETY: `prepare` found it in order.
            unsafe { tell(engine, asked, scratch, item.verdict, decide) }
        });
        let status = told.err().unwrap_or(SIPXFER_OK);
        if first == SIPXFER_OK {
            first = status;
        }
        // SAFETY: contract of this function.
        unsafe { items.set_status(number, status) }?;
    }
    Ok(first)
}

/// # Safety
/// As for `sipxfer_replaces_verify_requests()`; `item` points to an element of its array.
#[inline]
unsafe fn prepare<'a>(
    engine: &sipxfer_engine,
    item: *mut sipxfer_verification,
) -> Result<Ready<'a>, Status> {
    // SAFETY: contract of this function.
    let item = unsafe { read_struct(item) }?;
    if item.reserved != 0 {
        return Err(SIPXFER_E_RANGE);
    }
    let scratch = (item.scratch, item.scratch_len);
    // SAFETY: contract of this function.
    let (received, scratch) = unsafe { asked(item.request, scratch, item.verdict) }?;
    Ok(Ready { prepared: engine.core.prepare(received), item, scratch })
}
