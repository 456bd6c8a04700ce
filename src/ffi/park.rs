//! Level 3: parked calls, from the place in the lot to the one who takes them out (RFC 5359).

use super::engine::{engine_in, sipxfer_engine};
use super::parks::*;
use super::raw::*;
use super::status::*;
use super::types::*;
use crate::dialog::Key;
use crate::engine::WantedCall;
use crate::sip::Writer;
use crate::transfer::park::{
    print_sipfrag, Call, ClaimError, ParkError, ParkedCall, Place, Secret, Token,
};
use crate::transfer::recipient::Error;
use core::ffi::c_char;
use core::ops::Range;

/// Prints strings one behind the other into a buffer of the caller, and counts what they need.
pub(super) struct Strings<'b> {
    out: Writer<'b>,
}

impl<'b> Strings<'b> {
    pub(super) fn new(buffer: &'b mut [u8]) -> Strings<'b> {
        Strings { out: Writer::new(buffer) }
    }

    /// Where it stands.
    pub(super) fn print(&mut self, print: impl FnOnce(&mut Writer<'_>)) -> Range<usize> {
        let from = self.out.needed();
        print(&mut self.out);
        from..self.out.needed()
    }

    pub(super) fn copy(&mut self, bytes: &[u8]) -> Range<usize> {
        self.print(|out| out.push(bytes))
    }

    pub(super) fn needed(&self) -> usize {
        self.out.needed()
    }

    pub(super) fn fit(&self) -> bool {
        !self.out.overflowed()
    }

    /// The string that stands there, where all of them fit.
    pub(super) fn at(&self, place: Range<usize>) -> sipxfer_str {
        text(self.out.written().get(place).unwrap_or_default())
    }
}

pub(super) fn time(now_ms: u64) -> Result<(), Status> {
    if now_ms > i64::MAX as u64 {
        return Err(SIPXFER_E_RANGE);
    }
    Ok(())
}

fn place_of(engine: &sipxfer_engine, call: &sipxfer_park_call) -> Result<Place, Status> {
    match (call.place, call.number) {
        (SIPXFER_PARK_LOWEST, 0) => Ok(Place::Lowest),
        (SIPXFER_PARK_NUMBER, number) => Ok(Place::Number(number)),
        (SIPXFER_PARK_SECRET, 0) => {
            let mut random = [0; 16];
            engine.host.fill_random(&mut random)?;
            Ok(Place::Secret(Secret::new(random)))
        }
        _ => Err(SIPXFER_E_RANGE),
    }
}

/// Parks a call: writes its token to `buffer`, without NUL. A number is for people, and may be known
/// to everybody; a secret is for programs. Both name the call until it is taken out. What happens to
/// the call itself, music say, is the host's matter; so is who may park.
///
/// Those who watch the lot are told: outputs of `sipxfer_park_next()`. A dialog that ends
/// (`sipxfer_dialog_remove()`, `sipxfer_dialog_ended()`) is out of the lot by that, claimed or not.
///
/// Returns `SIPXFER_OK`; `SIPXFER_E_BUFFER` with the length needed, and nothing is parked
/// (`SIPXFER_PARK_TOKEN_SIZE` bytes are enough); `SIPXFER_E_TAKEN` where that place is taken or this
/// dialog is parked already; `SIPXFER_E_NOMEM` where no place is free, or there are
/// `park.max_secrets` secrets; `SIPXFER_E_RANGE` where the lot has no such place; `SIPXFER_E_PARSE` where
/// no Replaces could name the dialog; `SIPXFER_E_RANDOM`; or the status of a wrong argument. Threads:
/// any; allocates.
///
/// # Safety
/// `engine` is valid, `call` points to a struct whose `struct_size` is set and whose strings hold,
/// `buffer` to `capacity` writable bytes, `needed` to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_park(
    engine: *const sipxfer_engine,
    call: *const sipxfer_park_call,
    now_ms: u64,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let call = unsafe { read_struct(call) }?;
        time(now_ms)?;
        if needed.is_null() {
            return Err(SIPXFER_E_NULL);
        }
        // SAFETY: contract of this function.
        let room = unsafe { self::buffer(buffer, capacity) }?;
        // SAFETY: contract of this function.
        let part = |it: sipxfer_str| unsafe { bytes(it.ptr, it.len) };
        let (local_tag, remote_tag) = (part(call.local_tag)?, part(call.remote_tag)?);
        let parked = Call {
            key: Key { call_id: part(call.call_id)?, local_tag, remote_tag },
            parker: part(call.parker)?,
            party: part(call.party)?,
            handle: call.handle,
        };
        let place = place_of(engine, &call)?;
        let mut length = 0;
        let take = |token: &Token| {
            let mut strings = Strings::new(room);
            length = strings.print(|out| token.print(out)).len();
            strings.fit().then_some(()).ok_or(SIPXFER_E_BUFFER)
        };
        let now_ms = engine.core.now(now_ms);
        let done = engine.core.park().park(&parked, place, now_ms, take);
        let done = done.map_err(|error| match error {
            ParkError::Full => SIPXFER_E_NOMEM,
            // Random bytes that come twice are none.
            ParkError::Taken if matches!(place, Place::Secret(_)) => SIPXFER_E_RANDOM,
            ParkError::Taken | ParkError::Parked => SIPXFER_E_TAKEN,
            ParkError::NoSuchPlace => SIPXFER_E_RANGE,
            ParkError::NotADialog => SIPXFER_E_PARSE,
        })?;
        engine.tell_deadline();
        // SAFETY: contract of this function.
        unsafe { put(needed, length) }?;
        done
    })
}

/// Shows a call that was claimed.
fn tell(
    claim: u64,
    call: &ParkedCall,
    strings: &mut Strings<'_>,
) -> Result<sipxfer_parked, Status> {
    let key = call.key();
    let token = strings.print(|out| call.token.print(out));
    let replaces = strings.print(|out| call.print_replaces(true, out));
    let [call_id, local_tag, remote_tag, parker, party] =
        [key.call_id, key.local_tag, key.remote_tag, call.parker(), call.party()]
            .map(|it| strings.copy(it));
    if !strings.fit() {
        return Err(SIPXFER_E_BUFFER);
    }
    Ok(sipxfer_parked {
        struct_size: 0,
        claim,
        handle: call.handle,
        token: strings.at(token),
        replaces: strings.at(replaces),
        call_id: strings.at(call_id),
        local_tag: strings.at(local_tag),
        remote_tag: strings.at(remote_tag),
        parker: strings.at(parker),
        party: strings.at(party),
    })
}

/// Claims a call and hands it out.
///
/// # Safety
/// As for `sipxfer_park_claim()`.
unsafe fn claim(
    engine: *const sipxfer_engine,
    wanted: Option<WantedCall<'_>>,
    now_ms: u64,
    room: (*mut c_char, usize),
    needed: *mut usize,
    parked: *mut sipxfer_parked,
) -> Result<(), Status> {
    // SAFETY: contract of this function.
    let engine = unsafe { engine_in(engine) }?;
    time(now_ms)?;
    // SAFETY: contract of this function.
    unsafe { check_out(parked) }?;
    if needed.is_null() {
        return Err(SIPXFER_E_NULL);
    }
    // SAFETY: contract of this function.
    let mut strings = Strings::new(unsafe { buffer(room.0, room.1) }?);
    // A text that is no token names nothing.
    let wanted = wanted.ok_or(SIPXFER_E_NOT_FOUND)?;
    let now_ms = engine.core.now(now_ms);
    let take = |claim, call: &ParkedCall| tell(claim, call, &mut strings);
    let taken = engine.core.park().claim(&wanted, now_ms, take);
    engine.tell_deadline();
    let taken = taken.map_err(|error| match error {
        ClaimError::NotFound => SIPXFER_E_NOT_FOUND,
        ClaimError::Claimed => SIPXFER_E_TAKEN,
    })?;
    // SAFETY: contract of this function.
    unsafe { put(needed, strings.needed()) }?;
    // SAFETY: contract of this function.
    unsafe { write_struct(parked, &taken?) }
}

/// Claims a parked call by its token, as it was dialled, say: a number, or the letters of a secret in
/// any case. Nobody else gets it, and nobody is rung back, until the claim is released or
/// `park.claim_s` is over. The host then connects the call, or hands `replaces` to somebody, and tells
/// how that went.
///
/// An INVITE whose verdict says ACCEPT with `SIPXFER_OLD_DIALOG_NOTHING` wants a parked call:
/// `sipxfer_park_claim_dialog()` with the dialog that it names is next, unless it was claimed for
/// this very INVITE before. The second of two gets `SIPXFER_E_TAKEN`, and 603.
///
/// A token that a stranger may know is no permission: who may dial a place is the dialplan's
/// decision.
///
/// Returns `SIPXFER_OK`; `SIPXFER_E_NOT_FOUND` where no call has this token (404, or 481 towards a
/// Replaces); `SIPXFER_E_TAKEN` where somebody else is taking it out; `SIPXFER_E_BUFFER` where the
/// strings of `parked` do not fit, with the length needed, and nothing is claimed; or the status of a
/// wrong argument. Threads: any; allocates.
///
/// # Safety
/// `engine` is valid, `token` points to `token_len` bytes, `buffer` to `capacity` writable bytes, which
/// the strings of `parked` point into, `needed` to a writable size, `parked` to a struct whose
/// `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_park_claim(
    engine: *const sipxfer_engine,
    token: *const c_char,
    token_len: usize,
    now_ms: u64,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
    parked: *mut sipxfer_parked,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let token = unsafe { bytes(token, token_len) }?;
        let wanted = Token::parse(token).map(WantedCall::Token);
        // SAFETY: contract of this function.
        unsafe { claim(engine, wanted, now_ms, (buffer, capacity), needed, parked) }
    })
}

/// Claims a parked call by its dialog, as this side sees it. Otherwise as `sipxfer_park_claim()`;
/// `SIPXFER_E_NOT_FOUND` where this dialog is not parked.
///
/// # Safety
/// `dialog` points to a struct whose `struct_size` is set and whose strings hold; the rest as for
/// `sipxfer_park_claim()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_park_claim_dialog(
    engine: *const sipxfer_engine,
    dialog: *const sipxfer_dialog_key,
    now_ms: u64,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
    parked: *mut sipxfer_parked,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let key = unsafe { read_struct(dialog) }?;
        // SAFETY: contract of this function.
        let part = |it: sipxfer_str| unsafe { bytes(it.ptr, it.len) };
        let (local_tag, remote_tag) = (part(key.local_tag)?, part(key.remote_tag)?);
        let key = Key { call_id: part(key.call_id)?, local_tag, remote_tag };
        let wanted = Some(WantedCall::Dialog(key));
        // SAFETY: contract of this function.
        unsafe { claim(engine, wanted, now_ms, (buffer, capacity), needed, parked) }
    })
}

/// Changes something in the lot, and tells the host of another deadline.
///
/// # Safety
/// `engine` is valid.
pub(super) unsafe fn change<R>(
    engine: *const sipxfer_engine,
    now_ms: u64,
    change: impl FnOnce(&crate::engine::Park, u64) -> Option<R>,
) -> Result<R, Status> {
    // SAFETY: contract of this function.
    let engine = unsafe { engine_in(engine) }?;
    time(now_ms)?;
    let changed = change(engine.core.park(), engine.core.now(now_ms));
    engine.tell_deadline();
    changed.ok_or(SIPXFER_E_NOT_FOUND)
}

/// The retrieval has failed: the call waits on, in its place (RFC 3891 section 3). Its time ran on
/// meanwhile: where it is over, the parker is rung back at once.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where the claim has lapsed or is foreign, or the status of
/// a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_park_release(
    engine: *const sipxfer_engine,
    claim: u64,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe { change(engine, now_ms, |park, now_ms| park.release(claim, now_ms)) }
    })
}

/// The retrieval went well: the call is out of the lot, and those who watch are told.
///
/// Returns as `sipxfer_park_release()`. With `SIPXFER_E_NOT_FOUND` the call is somebody else's by now, was
/// rung back, or has ended.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_park_retrieved(
    engine: *const sipxfer_engine,
    claim: u64,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe { change(engine, now_ms, |park, now_ms| park.retrieved(claim, now_ms).map(|_| ())) }
    })
}

/// Takes a call out of the lot for another reason, claimed or not: `handle` gets the host's own name
/// for it. Nobody is rung.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where no call has this token, or the status of a wrong
/// argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `token` points to `token_len` bytes, `handle` to a writable number.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_park_cancel(
    engine: *const sipxfer_engine,
    token: *const c_char,
    token_len: usize,
    now_ms: u64,
    handle: *mut u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let token = Token::parse(unsafe { bytes(token, token_len) }?);
        if handle.is_null() {
            return Err(SIPXFER_E_NULL);
        }
        // SAFETY: contract of this function.
        let call = unsafe { change(engine, now_ms, |park, now_ms| park.cancel(&token?, now_ms)) }?;
        // SAFETY: contract of this function.
        unsafe { put(handle, call.handle) }
    })
}

/// How many calls are parked.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; does not block.
///
/// # Safety
/// `engine` is valid, `count` points to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_park_count(
    engine: *const sipxfer_engine,
    count: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        unsafe { put(count, engine.core.park().len()) }
    })
}

/// A REFER to park a call has done it: the transfer ends with 200, and the body of its final NOTIFY
/// tells the transferor where the call is, by a header behind the status line (RFC 3420 section 2):
/// `Contact: <sip:701@pbx.example.com>`. A phone that does not know that sees the 200 alone.
///
/// This is no response of the referred call, of which the transferor learns the status line only (RFC
/// 3515 section 5): who was referred to is this side itself, and what it says is meant for the parker.
/// `host` is a name or address of this side, with a port or without; empty: no Contact. A secret
/// that is told this way is known to whoever reads the NOTIFY.
///
/// Returns as `sipxfer_transfer_progress()`, and `SIPXFER_E_PARSE` where `token` is no token or `host` no
/// host. Threads: any, one per transfer; allocates.
///
/// # Safety
/// `engine` is valid, `token` points to `token_len` bytes, `host` to `host_len` bytes.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_parked(
    engine: *const sipxfer_engine,
    transfer: u64,
    token: *const c_char,
    token_len: usize,
    host: *const c_char,
    host_len: usize,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        time(now_ms)?;
        // SAFETY: contract of this function.
        let token = unsafe { bytes(token, token_len) }?;
        // SAFETY: contract of this function.
        let host = unsafe { bytes(host, host_len) }?;
        let token = Token::parse(token).ok_or(SIPXFER_E_PARSE)?;
        let mut room = [0; SIPFRAG_BYTES];
        let mut sipfrag = Writer::new(&mut room);
        print_sipfrag(&token, host, &mut sipfrag).ok_or(SIPXFER_E_PARSE)?;
        if sipfrag.overflowed() {
            return Err(SIPXFER_E_PARSE);
        }
        let now_ms = engine.core.now(now_ms);
        let ended = engine.core.transfers().parked(transfer, sipfrag.written(), now_ms);
        engine.tell_deadline();
        ended.ok_or(SIPXFER_E_NOT_FOUND)?.map_err(|error| match error {
            Error::WrongState => SIPXFER_E_WRONG_STATE,
            Error::NotControlled | Error::Controlled => SIPXFER_E_NOT_CONTROLLED,
            Error::BadCode => SIPXFER_E_RANGE,
            Error::NoSubscription => SIPXFER_E_NO_SUBSCRIPTION,
        })
    })
}

/// A host name has at most 255 bytes.
const SIPFRAG_BYTES: usize = 384;
