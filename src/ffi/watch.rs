//! Level 3: who watches the park lot, and what the lot wants done.

use super::engine::{engine_in, sipxfer_engine};
use super::park::{change, time, Strings};
use super::parks::*;
use super::raw::*;
use super::status::*;
use super::types::*;
use crate::engine::{NotWatched, ParkOutput, Watch};
use core::ffi::c_char;

fn unless_max(seconds: u32) -> Option<u32> {
    (seconds != u32::MAX).then_some(seconds)
}

/// Accepts a SUBSCRIBE with Event: dialog to the lot or to one of its places: `watcher` gets its name,
/// or 0 where it was a single look, `granted_s` what the answer's Expires says. The first NOTIFY is an
/// output right away; each change in the lot is one, with a full document, but no more than one a
/// second (RFC 4235 section 3.10). Calls under secrets are not listed.
///
/// Whether this subscriber may know who waits is the host's decision. A phone that builds an INVITE
/// with Replaces from the document names the very dialog that is parked; `park.open` lets it have the
/// call.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_RANGE` where the lot has no such place (404), `SIPXFER_E_NOMEM` where
/// 10,000 watch already (503), or the status of a wrong argument. Threads: any; allocates.
///
/// # Safety
/// `engine` is valid, `watch` points to a struct whose `struct_size` is set and whose strings hold,
/// `watcher` and `granted_s` to writable numbers.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_park_subscribe(
    engine: *const sipxfer_engine,
    watch: *const sipxfer_park_watch,
    now_ms: u64,
    watcher: *mut u64,
    granted_s: *mut u32,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let asked = unsafe { read_struct(watch) }?;
        time(now_ms)?;
        if watcher.is_null() || granted_s.is_null() {
            return Err(SIPXFER_E_NULL);
        }
        // SAFETY: contract of this function.
        let part = |it: sipxfer_str| unsafe { bytes(it.ptr, it.len) };
        let watch = Watch {
            entity: part(asked.entity)?.into(),
            target: part(asked.target)?.into(),
            event_id: part(asked.event_id)?.into(),
        };
        let number = (asked.number != 0).then_some(asked.number);
        let now_ms = engine.core.now(now_ms);
        let expires_s = unless_max(asked.expires_s);
        let made = engine.core.park().subscribe(number, asked.handle, expires_s, watch, now_ms);
        let made = made.map_err(|error| match error {
            NotWatched::NoSuchPlace => SIPXFER_E_RANGE,
            NotWatched::Full => SIPXFER_E_NOMEM,
        })?;
        engine.tell_deadline();
        // SAFETY: contract of this function.
        unsafe { put(watcher, made.watcher) }?;
        // SAFETY: contract of this function.
        unsafe { put(granted_s, made.expires_s) }
    })
}

/// A SUBSCRIBE came inside a subscription, with these seconds in Expires (0 ends it; UINT32_MAX: no
/// Expires). `granted_s` gets what the answer's Expires says: never more than was asked for (RFC 6665
/// section 4.2.1). A NOTIFY follows at once.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is no such subscription any more (481), or the
/// status of a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `granted_s` points to a writable number.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_park_refresh(
    engine: *const sipxfer_engine,
    watcher: u64,
    expires_s: u32,
    now_ms: u64,
    granted_s: *mut u32,
) -> i32 {
    guard(|| {
        if granted_s.is_null() {
            return Err(SIPXFER_E_NULL);
        }
        let expires_s = unless_max(expires_s);
        // SAFETY: contract of this function.
        let granted = unsafe {
            change(engine, now_ms, |park, now_ms| park.refresh(watcher, expires_s, now_ms))
        }?;
        // SAFETY: contract of this function.
        unsafe { put(granted_s, granted) }
    })
}

/// A NOTIFY of this subscription was answered with this code; 0: not at all. 481 and some others end
/// the subscription (RFC 6665 section 4.2.2), and what it still had to be told is dropped.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` (as a rule for the last NOTIFY), `SIPXFER_E_RANGE` for a
/// code that is none, or the status of a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_park_notify_answered(
    engine: *const sipxfer_engine,
    watcher: u64,
    code: u32,
    now_ms: u64,
) -> i32 {
    guard(|| {
        let code = u16::try_from(code).map_err(|_| SIPXFER_E_RANGE)?;
        if code != 0 && !(100..700).contains(&code) {
            return Err(SIPXFER_E_RANGE);
        }
        // SAFETY: contract of this function.
        unsafe { change(engine, now_ms, |park, _| park.notify_answered(watcher, code)) }
    })
}

/// Takes the next thing that the lot wants done. To be called after each function of this part, after
/// `sipxfer_tick()`, and where a dialog ended that may have been parked, until there is none.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is none now, `SIPXFER_E_BUFFER` where its
/// strings do not fit (`needed` has the length; it stays the next one, and its document may have grown
/// by the next call), or the status of a wrong argument. Threads: any; two threads that take outputs
/// could carry out two NOTIFYs of one subscription in another order.
///
/// # Safety
/// `engine` is valid, `buffer` points to `capacity` writable bytes, `needed` to a writable size, `output`
/// to a struct whose `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_park_next(
    engine: *const sipxfer_engine,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
    output: *mut sipxfer_park_output,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        unsafe { check_out(output) }?;
        if needed.is_null() {
            return Err(SIPXFER_E_NULL);
        }
        // SAFETY: contract of this function.
        let mut strings = Strings::new(unsafe { self::buffer(buffer, capacity) }?);
        let told = engine.core.park().next(|output| tell(&output, &mut strings));
        let told = told.ok_or(SIPXFER_E_NOT_FOUND)?;
        // SAFETY: contract of this function.
        unsafe { put(needed, strings.needed()) }?;
        // SAFETY: contract of this function.
        unsafe { write_struct(output, &told?) }
    })
}

/// An output as the struct of the boundary.
fn tell(output: &ParkOutput<'_>, strings: &mut Strings<'_>) -> Result<sipxfer_park_output, Status> {
    let none = text(&[]);
    let mut told = sipxfer_park_output {
        struct_size: 0,
        watcher: 0,
        handle: 0,
        kind: 0,
        is_last: 0,
        headers: none,
        body: none,
        token: none,
        call_id: none,
        local_tag: none,
        remote_tag: none,
        parker: none,
        party: none,
    };
    match output {
        ParkOutput::RingBack(call) => {
            told.kind = SIPXFER_PARK_OUTPUT_RING_BACK;
            told.handle = call.handle;
            let key = call.key();
            let token = strings.print(|out| call.token.print(out));
            let [call_id, local_tag, remote_tag, parker, party] =
                [key.call_id, key.local_tag, key.remote_tag, call.parker(), call.party()]
                    .map(|it| strings.copy(it));
            told.token = strings.at(token);
            told.call_id = strings.at(call_id);
            told.local_tag = strings.at(local_tag);
            told.remote_tag = strings.at(remote_tag);
            told.parker = strings.at(parker);
            told.party = strings.at(party);
        }
        ParkOutput::Notify(notify, watch, lot) => {
            told.kind = SIPXFER_PARK_OUTPUT_NOTIFY;
            told.handle = notify.handle;
            told.watcher = notify.watcher;
            told.is_last = u32::from(notify.is_last());
            let event_id = (!watch.event_id.is_empty()).then_some(&*watch.event_id);
            let headers = strings.print(|out| notify.print_headers(event_id, out));
            let Watch { entity, target, .. } = watch;
            let body = strings.print(|out| lot.print_document(notify, entity, target, out));
            told.headers = strings.at(headers);
            told.body = strings.at(body);
        }
    }
    strings.fit().then_some(told).ok_or(SIPXFER_E_BUFFER)
}
