//! Level 3: transfers as objects, from the REFER to the one outcome.

use super::dialogs::key_in;
use super::engine::{engine_in, sipxfer_engine};
use super::outputs::*;
use super::raw::*;
use super::status::*;
use super::types::*;
use super::verdict::{give_verdict, Decide};
use crate::engine::{About, Begun, Wanted};
use crate::sip::{reason_phrase, OutOfScratch, Scratch, Writer};
use crate::transfer::recipient::{AppState, Command, Error, Finished, Output, Recipient, Sink};
use core::ffi::c_char;
use core::mem::offset_of;

/// Decides about a REFER as `sipxfer_refer_route()` does and, where it is accepted, begins a transfer:
/// `transfer` gets its id, or 0.
///
/// The host then takes the outputs one by one by `sipxfer_transfer_next()` and carries them out: the
/// answer first, the NOTIFYs, the command to start, and later the outcome. It reports what happens by
/// the functions below, and takes outputs after each, whatever it returned: one that comes too late may
/// be refused and have brought out what was due by then.
///
/// The command to start is taken right after this function, while the verdict and its scratch space
/// still hold, but for `approval_pending`: then it comes after `sipxfer_transfer_decide()`, and the host
/// keeps a copy of what it needs of the verdict. An accepted REFER whose kind of verdict the host does
/// not know is given up with 603. NOTIFYs need a Contact of the host's.
///
/// A REFER that was received before gets a verdict of kind NONE with the `code` to answer again. Where
/// its transfer is still there, `transfer` has its id, and the answer is its next output.
///
/// The settings of the sender's endpoint say how it goes: `refer.concurrent` (491 while another one is
/// pending), `refer.on_failure`, `refer.timeout_ms`, `notify.min_interval_ms`, `transfer_handling` and
/// its kin.
///
/// Returns and requirements as for `sipxfer_refer_route()`. Threads: any; allocates. One transfer is
/// handled by one thread at a time, or its outputs could be carried out in another order.
///
/// # Safety
/// As for `sipxfer_refer_route()`; `transfer` points to a writable number.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_receive(
    engine: *const sipxfer_engine,
    request: *const sipxfer_request,
    lock_dialog: u32,
    scratch: *mut c_char,
    scratch_len: usize,
    verdict: *mut sipxfer_verdict,
    transfer: *mut u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let whole = unsafe { engine_in(engine) }?;
        if whole.host.0.extension_exists.is_none() {
            return Err(SIPXFER_E_CALLBACK_MISSING);
        }
        // SAFETY: contract of this function.
        unsafe { put(transfer, 0) }?;
        let decide: Decide<'_, Begun> =
            |core, directory, host, received, lock, scratch, verdict| {
                core.receive_refer_into(directory, host, received, lock, scratch, verdict)
            };
        let scratch = (scratch, scratch_len);
        // SAFETY: contract of this function.
        let begun =
            unsafe { give_verdict(engine, request, lock_dialog, scratch, verdict, decide) }?;
        if let Begun::New(id) | Begun::Again(id) = begun {
            // SAFETY: contract of this function.
            unsafe { put(transfer, id) }?;
            super::metrics::follow_refer(whole, id);
            whole.tell_deadline();
        }
        Ok(())
    })
}

/// Takes the next output of a transfer. With `transfer` 0: of any transfer that `sipxfer_tick()` has
/// given outputs.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is none now (also for an id that is stale:
/// a transfer goes when it has its outcome, its subscription has ended, its last output was taken, which
/// `last` tells, and no command about the transferor may follow), `SIPXFER_E_BUFFER` where its strings
/// do not fit (it stays the next one, and `needed` tells how many bytes they need; `SIPXFER_OUTPUT_SIZE`
/// bytes are enough for all but EVENT, `SIPXFER_EVENT_SIZE()` for that too), or the status of a wrong
/// argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `buffer` points to `capacity` writable bytes, `output` to a struct whose
/// `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_next(
    engine: *const sipxfer_engine,
    transfer: u64,
    buffer: *mut c_char,
    capacity: usize,
    output: *mut sipxfer_output,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        unsafe { check_out(output) }?;
        // SAFETY: contract of this function.
        let mut room = unsafe { self::buffer(buffer, capacity) }?;
        let mut ended = None;
        let told = engine.core.transfers().next(transfer, |id, output, about| {
            let needed = room_for(output, &about);
            let mut scratch = Scratch::new(core::mem::take(&mut room));
            let told = tell(id, output, &about, needed, &mut scratch);
            if let (Ok(_), Output::Finished(Finished { status, cause })) = (&told, output) {
                ended = Some((id, about.kind, status.code(), *cause));
            }
            told.map_err(|OutOfScratch| needed)
        });
        match told.ok_or(SIPXFER_E_NOT_FOUND)? {
            Ok(told) => {
                if let Some((id, kind, code, cause)) = ended {
                    let counters = engine.core.counters();
                    counters.ended(kind, code, cause);
                    counters.last().lock().end(id, code, cause, engine.core.now(0));
                }
                // SAFETY: contract of this function.
                unsafe { write_struct(output, &told) }?;
                super::metrics::follow_output(engine, &told);
                Ok(())
            }
            Err(needed) => {
                let place = offset_of!(sipxfer_output, needed);
                // SAFETY: contract of this function.
                unsafe { write_field(output, place, needed) }?;
                Err(SIPXFER_E_BUFFER)
            }
        }
    })
}

/// RFC 7614: where the subscription is to be had.
fn print_events_at(uri: &[u8], out: &mut Writer<'_>) {
    out.push(b"Refer-Events-At: <");
    out.push(uri);
    out.push(b">\r\n");
}

/// How many bytes the strings of an output take, those of static text left out.
fn room_for(output: &Output, about: &About<'_>) -> usize {
    let mut out = Writer::new(&mut []);
    match output {
        Output::Answer(_) if about.events_at.is_empty() => {}
        Output::Answer(_) => print_events_at(about.events_at, &mut out),
        Output::Notify(notify) => {
            out.push(notify.status.reason().as_bytes());
            notify.print_headers(&mut out);
            match about.parked.filter(|_| notify.status.code() == 200) {
                Some(sipfrag) => out.push(sipfrag),
                None => notify.print_body(&mut out),
            }
        }
        Output::Command(_) => {}
        Output::Event(_) => {
            if let Some(Wanted { replaces, destination }) = about.wanted {
                out.push(replaces);
                out.push(destination);
            }
        }
        Output::Finished(Finished { status, .. }) => out.push(status.reason().as_bytes()),
    }
    out.needed()
}

/// An output as the struct of the boundary; its strings are printed into the scratch space.
fn tell(
    transfer: u64,
    output: &Output,
    about: &About<'_>,
    needed: usize,
    scratch: &mut Scratch<'_>,
) -> Result<sipxfer_output, OutOfScratch> {
    let none = text(&[]);
    let mut told = sipxfer_output {
        struct_size: 0,
        transfer,
        kind: 0,
        command: 0,
        code: 0,
        cause: 0,
        reason: none,
        headers: none,
        body: none,
        state: none,
        replaces: none,
        destination: none,
        last: u32::from(about.is_last),
        reserved: 0,
        needed,
    };
    match output {
        Output::Answer(answer) => {
            told.kind = SIPXFER_OUTPUT_ANSWER;
            told.code = u32::from(answer.code);
            told.reason = text(reason_phrase(answer.code).as_bytes());
            // RFC 4488 section 4: who complies says so.
            let headers: &[u8] = if answer.refer_sub_false { b"Refer-Sub: false\r\n" } else { b"" };
            told.headers = text(headers);
            if !about.events_at.is_empty() {
                let line = scratch.write_with(|out| print_events_at(about.events_at, out))?;
                told.headers = text(line);
            }
        }
        Output::Notify(notify) => {
            told.kind = SIPXFER_OUTPUT_NOTIFY;
            told.code = u32::from(notify.status.code());
            told.reason = text(scratch.copy(notify.status.reason().as_bytes())?);
            told.headers = text(scratch.write_with(|out| notify.print_headers(out))?);
            told.body = match about.parked.filter(|_| notify.status.code() == 200) {
                Some(sipfrag) => text(scratch.copy(sipfrag)?),
                None => text(scratch.write_with(|out| notify.print_body(out))?),
            };
        }
        Output::Command(command) => {
            told.kind = SIPXFER_OUTPUT_COMMAND;
            told.command = match command {
                Command::Start => SIPXFER_COMMAND_START,
                Command::KeepCall => SIPXFER_COMMAND_KEEP_CALL,
                Command::RecallTransferor => SIPXFER_COMMAND_RECALL_TRANSFEROR,
                Command::HangUpTransferee => SIPXFER_COMMAND_HANG_UP_TRANSFEREE,
                Command::HangUpTransferor => SIPXFER_COMMAND_HANG_UP_TRANSFEROR,
                Command::Route => SIPXFER_COMMAND_ROUTE,
            };
        }
        Output::Event(state) => {
            told.kind = SIPXFER_OUTPUT_EVENT;
            told.state = text(state.map_or("", AppState::name).as_bytes());
            if let Some(wanted) = about.wanted {
                told.replaces = text(scratch.copy(&wanted.replaces)?);
                told.destination = text(scratch.copy(&wanted.destination)?);
            }
        }
        Output::Finished(Finished { status, cause }) => {
            told.kind = SIPXFER_OUTPUT_FINISHED;
            told.code = u32::from(status.code());
            told.reason = text(scratch.copy(status.reason().as_bytes())?);
            told.cause = super::metrics::cause_number(*cause);
        }
    }
    Ok(told)
}

/// Hands an input to a transfer, and tells the host of another deadline.
///
/// # Safety
/// `engine` is valid.
pub(super) unsafe fn input<R>(
    engine: *const sipxfer_engine,
    transfer: u64,
    now_ms: u64,
    input: impl FnOnce(&mut Recipient, u64, &mut Sink<'_>) -> Result<R, Error>,
) -> Result<R, Status> {
    // SAFETY: contract of this function.
    let engine = unsafe { engine_in(engine) }?;
    if now_ms > i64::MAX as u64 {
        return Err(SIPXFER_E_RANGE);
    }
    let now_ms = engine.core.now(now_ms);
    let result =
        engine.core.transfers().input(transfer, |machine, out| input(machine, now_ms, out));
    engine.tell_deadline();
    result.ok_or(SIPXFER_E_NOT_FOUND)?.map_err(|error| match error {
        Error::WrongState => SIPXFER_E_WRONG_STATE,
        Error::NotControlled | Error::Controlled => SIPXFER_E_NOT_CONTROLLED,
        Error::BadCode => SIPXFER_E_RANGE,
        Error::NoSubscription => SIPXFER_E_NO_SUBSCRIPTION,
    })
}

fn sip_code(code: u32) -> Result<u16, Status> {
    u16::try_from(code).map_err(|_| SIPXFER_E_RANGE)
}

/// The host has decided about a transfer whose verdict said `approval_pending`: `SIPXFER_YES`, or
/// `SIPXFER_NO`, which the transferor learns by a NOTIFY of 603 (RFC 3515 section 2.4.5).
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` for a stale or foreign id, `SIPXFER_E_WRONG_STATE` where it
/// was decided before or is over, or the status of a wrong argument. Threads: any, one per transfer.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_decide(
    engine: *const sipxfer_engine,
    transfer: u64,
    answer: i32,
    now_ms: u64,
) -> i32 {
    guard(|| {
        let yes = match answer {
            SIPXFER_YES => true,
            SIPXFER_NO => false,
            _ => return Err(SIPXFER_E_RANGE),
        };
        // SAFETY: contract of this function.
        unsafe {
            input(engine, transfer, now_ms, |machine, now_ms, out| machine.decide(yes, now_ms, out))
        }
    })
}

/// The referred call has come so far: a response of the target, 100 to 699, with its reason phrase
/// (empty: the usual one). A final one is the outcome. The transferor learns its status line and no
/// more (RFC 3515 section 5), not more often than `notify.min_interval_ms` but for the final one.
///
/// Returns as `sipxfer_transfer_decide()`, and `SIPXFER_E_NOT_CONTROLLED` where an application controls
/// the transfer.
///
/// # Safety
/// `engine` is valid, `reason` points to `reason_len` bytes.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_progress(
    engine: *const sipxfer_engine,
    transfer: u64,
    code: u32,
    reason: *const c_char,
    reason_len: usize,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let reason = unsafe { bytes(reason, reason_len) }?;
        let code = sip_code(code)?;
        // SAFETY: contract of this function.
        unsafe {
            input(engine, transfer, now_ms, |machine, now_ms, out| {
                machine.progress(code, reason, now_ms, out)
            })
        }
    })
}

/// The target could not be contacted at all: outcome 503 (RFC 3515 section 2.4.5). Returns as
/// `sipxfer_transfer_decide()`.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_contact_failed(
    engine: *const sipxfer_engine,
    transfer: u64,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe {
            input(engine, transfer, now_ms, |machine, now_ms, out| {
                machine.contact_failed(now_ms, out)
            })
        }
    })
}

/// The host gives the transfer up, with a failure of this code (300 to 699). Returns as
/// `sipxfer_transfer_decide()`.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_give_up(
    engine: *const sipxfer_engine,
    transfer: u64,
    code: u32,
    now_ms: u64,
) -> i32 {
    guard(|| {
        let code = sip_code(code)?;
        // SAFETY: contract of this function.
        unsafe {
            input(engine, transfer, now_ms, |machine, now_ms, out| {
                machine.give_up(code, now_ms, out)
            })
        }
    })
}

/// The transferor has hung up its call; `sipxfer_dialog_bye()` tells that to all transfers of it. Neither the transfer nor its subscription ends by that
/// (RFC 5057, RFC 5589 section 6); a failure that comes later goes by `refer.on_failure`.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND`, or the status of a wrong argument.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_bye(
    engine: *const sipxfer_engine,
    transfer: u64,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe {
            input(engine, transfer, now_ms, |machine, now_ms, out| {
                machine.bye(now_ms, out);
                Ok(())
            })
        }
    })
}

/// The transferor has sent SUBSCRIBE for the subscription of its REFER, with these seconds in Expires
/// (0 ends it; UINT32_MAX: no Expires). `granted_s` gets what the answer's Expires says: never more than
/// was asked for (RFC 6665 section 4.2.1). The end of the subscription does not end the transfer.
///
/// Returns as `sipxfer_transfer_decide()`, and `SIPXFER_E_NO_SUBSCRIPTION` (answer 403).
///
/// # Safety
/// `engine` is valid, `granted_s` points to a writable number.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_subscribe(
    engine: *const sipxfer_engine,
    transfer: u64,
    expires_s: u32,
    now_ms: u64,
    granted_s: *mut u32,
) -> i32 {
    guard(|| {
        let asked_s = (expires_s != u32::MAX).then_some(expires_s);
        if granted_s.is_null() {
            return Err(SIPXFER_E_NULL);
        }
        // SAFETY: contract of this function.
        let granted = unsafe {
            input(engine, transfer, now_ms, |machine, now_ms, out| {
                machine.subscribe(asked_s, now_ms, out)
            })
        }?;
        // SAFETY: contract of this function.
        unsafe { put(granted_s, granted) }
    })
}

/// A NOTIFY of this transfer was answered with this code; 0: not at all. 481 and some others end the
/// subscription (RFC 6665 section 4.2.2), never the call or the transfer.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` (as a rule for the last NOTIFY, with which the transfer
/// went), `SIPXFER_E_RANGE` for a code that is neither 0 nor from 100 to 699, or the status of a wrong
/// argument.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_notify_answered(
    engine: *const sipxfer_engine,
    transfer: u64,
    code: u32,
    now_ms: u64,
) -> i32 {
    guard(|| {
        let code = sip_code(code)?;
        if code != 0 && !(100..700).contains(&code) {
            return Err(SIPXFER_E_RANGE);
        }
        // SAFETY: contract of this function.
        unsafe {
            input(engine, transfer, now_ms, |machine, _, _| {
                machine.notify_answered((code != 0).then_some(code));
                Ok(())
            })
        }
    })
}

/// A command of the application that controls the transfer: `channel_progress` (100),
/// `channel_answered` (200), `channel_unavailable` (503), `channel_declined` (603),
/// `channel_not_found` (404). Each is a NOTIFY, held back by `notify.min_interval_ms` unless it is
/// final, and an event with that state; from a final one on the transfer is over.
/// `sipxfer_transfer_give_up()` and `sipxfer_transfer_contact_failed()` are the host's here too. Within `application.timeout_ms` the first must come, within
/// `application.final_timeout_ms` of the first progress a final one; else it is
/// `channel_unavailable`.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` (404), `SIPXFER_E_NOT_CONTROLLED` where no application
/// controls the transfer (409), `SIPXFER_E_WRONG_STATE` where it is over or not approved (412),
/// `SIPXFER_E_RANGE` for another word, or the status of a wrong argument.
///
/// # Safety
/// `engine` is valid, `state` points to `state_len` bytes.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_command(
    engine: *const sipxfer_engine,
    transfer: u64,
    state: *const c_char,
    state_len: usize,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let state = unsafe { bytes(state, state_len) }?;
        let state = AppState::from_name(state).ok_or(SIPXFER_E_RANGE)?;
        // SAFETY: contract of this function.
        unsafe {
            input(engine, transfer, now_ms, |machine, now_ms, out| {
                machine.application(state, now_ms, out)
            })
        }
    })
}

/// The transfer that a request of the transferor belongs to, by its dialog (as this side sees it) and
/// the id of its Event (0: none): for a SUBSCRIBE; with `event_id` 0 the only one of the dialog, or of
/// several the oldest that has no id either. A BYE concerns all of them: `sipxfer_dialog_bye()`. Of a REFER
/// that came outside of a dialog it is the key with an empty `local_tag`.
///
/// Returns `SIPXFER_OK` and the id, `SIPXFER_E_NOT_FOUND` (a SUBSCRIBE with Event: refer is then answered
/// with 403, RFC 3515 section 2.4.4), or the status of a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `dialog` points to a struct whose `struct_size` is set and whose strings hold,
/// `transfer` to a writable number.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_find(
    engine: *const sipxfer_engine,
    dialog: *const sipxfer_dialog_key,
    event_id: u32,
    transfer: *mut u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let key = unsafe { key_in(dialog) }?;
        let event_id = (event_id != 0).then_some(event_id);
        let found = engine.core.transfers().find(&key, event_id).ok_or(SIPXFER_E_NOT_FOUND)?;
        // SAFETY: contract of this function.
        unsafe { put(transfer, found) }
    })
}

/// How many transfers there are, received and sent, those included that are over and have outputs left
/// or a subscription that goes on.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `count` points to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_transfer_count(
    engine: *const sipxfer_engine,
    count: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        unsafe { put(count, engine.core.transfers().len() + engine.core.sent().len()) }
    })
}

/// Lets time pass: deadlines that have come are acted on. The outputs are then taken by
/// `sipxfer_transfer_next()`, `sipxfer_refer_next()` and `sipxfer_takeover_next()` with the id 0, and by
/// `sipxfer_park_next()`. Costs what is due, not what exists.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_tick(engine: *const sipxfer_engine, now_ms: u64) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        if now_ms > i64::MAX as u64 {
            return Err(SIPXFER_E_RANGE);
        }
        let given_up = engine.core.tick(now_ms);
        engine.tell_deadline();
        given_up.into_iter().for_each(|lookup| engine.tell_lookup(lookup));
        Ok(())
    })
}

/// When `sipxfer_tick()` is to be called next, in the time of `now_ms`; UINT64_MAX: nothing is waited
/// for. The `on_deadline` callback tells each change of it.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `deadline_ms` points to a writable number.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_next_deadline(
    engine: *const sipxfer_engine,
    deadline_ms: *mut u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        let deadline = engine.core.deadline().unwrap_or(u64::MAX);
        // SAFETY: contract of this function.
        unsafe { put(deadline_ms, deadline) }
    })
}
