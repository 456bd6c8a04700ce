//! Level 3: transfers that this side begins, from the wish to transfer to the one outcome.

use super::dialog_headers::{replaces_in, sipxfer_target_dialog};
use super::engine::{engine_in, sipxfer_engine};
use super::numbers::{initiator_from, state_from};
use super::raw::*;
use super::refers::*;
use super::status::*;
use super::types::*;
use crate::dialog::{Initiator, State};
use crate::engine::counters::Sent;
use crate::engine::{NotBegun, SentOutcome, SentOutput};
use crate::sip::{Message, Name, OutOfScratch, ReferSub, Scratch, TargetDialog, Value};
use crate::transfer::transferor::{
    Attended, Command, Notify, Options, Outputs, Peer, Response, Transfer, Transferor, Why,
};
use core::ffi::c_char;
use std::borrow::Cow;

fn flag(value: u32) -> Result<bool, Status> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(SIPXFER_E_RANGE),
    }
}

fn time(now_ms: u64) -> Result<(), Status> {
    if now_ms > i64::MAX as u64 {
        return Err(SIPXFER_E_RANGE);
    }
    Ok(())
}

fn peer_of(message: &[u8], flags: u32) -> Result<Peer, Status> {
    const ALL: u32 =
        SIPXFER_PEER_REPLACES | SIPXFER_PEER_NOREFERSUB | SIPXFER_PEER_TDIALOG | SIPXFER_PEER_GRUU;
    if flags & !ALL != 0 {
        return Err(SIPXFER_E_RANGE);
    }
    let read = match message {
        [] => Peer::default(),
        raw => Peer::of(&Message::parse(raw).map_err(|_| SIPXFER_E_PARSE)?),
    };
    let has = |flag| flags & flag != 0;
    Ok(Peer {
        replaces: read.replaces || has(SIPXFER_PEER_REPLACES),
        norefersub: read.norefersub || has(SIPXFER_PEER_NOREFERSUB),
        tdialog: read.tdialog || has(SIPXFER_PEER_TDIALOG),
        contact_is_gruu: read.contact_is_gruu || has(SIPXFER_PEER_GRUU),
    })
}

/// Which side began the consultation dialog is only asked where it is early.
fn dialog_of(start: &sipxfer_refer_options) -> Result<(State, Initiator), Status> {
    let state = state_from(start.dialog_state).ok_or(SIPXFER_E_RANGE)?;
    let initiator = match start.dialog_initiator {
        0 if state != State::Early => Initiator::Local,
        number => initiator_from(number).ok_or(SIPXFER_E_RANGE)?,
    };
    Ok((state, initiator))
}

/// # Safety
/// `ptr` is NULL or points to a struct whose `struct_size` is set and whose strings hold, for `'a`.
unsafe fn target_dialog_in<'a>(
    ptr: *const sipxfer_target_dialog,
) -> Result<Option<TargetDialog<'a>>, Status> {
    if ptr.is_null() {
        return Ok(None);
    }
    // SAFETY: contract of this function.
    let from = unsafe { read_struct(ptr) }?;
    // SAFETY: contract of this function.
    let part = |it: sipxfer_str| unsafe { bytes(it.ptr, it.len) };
    let (call_id, params) = (part(from.call_id)?, part(from.params)?);
    let (local_tag, remote_tag) = (part(from.local_tag)?, part(from.remote_tag)?);
    TargetDialog::new(call_id, local_tag, remote_tag, params).map(Some).ok_or(SIPXFER_E_PARSE)
}

/// Begins a transfer: `transfer` gets its id.
///
/// The host then takes the outputs one by one by `sipxfer_refer_next()` and carries them out: first a
/// REFER to send or the consultation call to end, in the end whether the call stays, and the outcome.
/// It reports what happens by the functions below, and takes outputs after each. A REFER ends nobody's
/// call by itself (RFC 5589 section 4). The ids are others than those of received transfers.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_PARSE` where a value cannot stand in a REFER (a URI that is none or
/// has headers, a Referred-By, a dialog), where `peer_message` is no SIP message, or where an
/// ATTENDED has neither `contact` nor `aor`, `SIPXFER_E_NULL` where it has no `replaces`,
/// `SIPXFER_E_RANGE` for a number that is none of its constants, `SIPXFER_E_NOMEM` where there are too
/// many transfers, or the status of a wrong argument. Threads: any; allocates. One transfer is handled by
/// one thread at a time, or its outputs could be carried out in another order.
///
/// # Safety
/// `engine` is valid, `start` points to a struct whose `struct_size` is set and whose pointers hold,
/// `transfer` to a writable number.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_start(
    engine: *const sipxfer_engine,
    start: *const sipxfer_refer_options,
    now_ms: u64,
    transfer: *mut u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let start = unsafe { read_struct(start) }?;
        time(now_ms)?;
        // SAFETY: contract of this function.
        unsafe { put(transfer, 0) }?;
        // SAFETY: contract of this function.
        let part = |it: sipxfer_str| unsafe { bytes(it.ptr, it.len) };
        let (target, contact, aor) = (part(start.target)?, part(start.contact)?, part(start.aor)?);
        let contact_reachable = flag(start.contact_reachable)?;
        let target_replaces = flag(start.target_supports_replaces)?;
        let wish = match start.kind {
            SIPXFER_REFER_BLIND => Transfer::Blind { target },
            SIPXFER_REFER_CONSULTATION_HOLD => Transfer::ConsultationHold { target },
            SIPXFER_REFER_ATTENDED => {
                // SAFETY: contract of this function.
                let replaces = unsafe { read_struct(start.replaces) }?;
                // SAFETY: contract of this function.
                let replaces = unsafe { replaces_in(&replaces) }?;
                let (state, initiator) = dialog_of(&start)?;
                Transfer::Attended(Attended {
                    contact: (!contact.is_empty()).then_some(contact),
                    contact_reachable,
                    aor: (!aor.is_empty()).then_some(aor),
                    replaces,
                    state,
                    initiator,
                    target_replaces,
                })
            }
            _ => return Err(SIPXFER_E_RANGE),
        };
        let options = Options {
            peer: peer_of(part(start.peer_message)?, start.peer)?,
            supports_replaces: engine.core.settings().of(part(start.endpoint)?).replaces_allow,
            referred_by: part(start.referred_by)?,
            subscribe: flag(start.subscribe)?,
            // SAFETY: contract of this function.
            target_dialog: unsafe { target_dialog_in(start.target_dialog) }?,
            bye_after_accept: flag(start.bye_after_accept)?,
            ..Options::default()
        };
        let now_ms = engine.core.now(now_ms);
        let id =
            engine.core.sent().begin(&wish, &options, now_ms).map_err(|cause| match cause {
                NotBegun::Unfit(_) => SIPXFER_E_PARSE,
                NotBegun::Full => SIPXFER_E_NOMEM,
            })?;
        // SAFETY: contract of this function.
        unsafe { put(transfer, id) }?;
        engine.tell_deadline();
        Ok(())
    })
}

/// Takes the next output of a sent transfer. With `transfer` 0: of any that `sipxfer_tick()` has given
/// outputs.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is none now (also for an id that is stale
/// or foreign: a transfer goes when it has its outcome, its last output was taken and no NOTIFY is
/// expected any more), `SIPXFER_E_BUFFER` where its strings do not fit (it stays the next one, and `needed` tells how many
/// bytes they need;
/// `SIPXFER_OUTPUT_SIZE` bytes and three times the length of all strings of `struct sipxfer_refer_options` are
/// enough for a SEND, the longest message that was handed in for the others), or the status of a wrong
/// argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `buffer` points to `capacity` writable bytes, `output` to a struct whose
/// `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_next(
    engine: *const sipxfer_engine,
    transfer: u64,
    buffer: *mut c_char,
    capacity: usize,
    output: *mut sipxfer_refer_output,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        unsafe { check_out(output) }?;
        // SAFETY: contract of this function.
        let mut room = unsafe { self::buffer(buffer, capacity) }?;
        let mut ended = None;
        let told = engine.core.sent().next(transfer, |id, output| {
            let needed = room_for(output);
            let mut scratch = Scratch::new(core::mem::take(&mut room));
            let told = tell(id, output, needed, &mut scratch);
            if let (Ok(_), SentOutput::Finished(outcome)) = (&told, output) {
                ended = Some(match outcome {
                    SentOutcome::Success { .. } => Sent::Done,
                    SentOutcome::Failure { .. } => Sent::Failed,
                    SentOutcome::Unknown { .. } => Sent::Unknown,
                });
            }
            told.map_err(|OutOfScratch| needed)
        });
        match told.ok_or(SIPXFER_E_NOT_FOUND)? {
            Ok(told) => {
                if let Some(outcome) = ended {
                    engine.core.counters().sent(outcome);
                }
                // SAFETY: contract of this function.
                unsafe { write_struct(output, &told) }
            }
            Err(needed) => {
                let place = core::mem::offset_of!(sipxfer_refer_output, needed);
                // SAFETY: contract of this function.
                unsafe { write_field(output, place, needed) }?;
                Err(SIPXFER_E_BUFFER)
            }
        }
    })
}

/// How many bytes the strings of an output take.
fn room_for(output: &SentOutput) -> usize {
    match output {
        SentOutput::Send { headers, .. } => headers.len(),
        SentOutput::Command(_) => 0,
        SentOutput::Progress { reason, .. } => reason.len(),
        SentOutput::Finished(SentOutcome::Failure { reason, .. }) => reason.len(),
        SentOutput::Finished(_) => 0,
    }
}

/// An output as the struct of the boundary; its strings are copied into the scratch space.
fn tell(
    transfer: u64,
    output: &SentOutput,
    needed: usize,
    scratch: &mut Scratch<'_>,
) -> Result<sipxfer_refer_output, OutOfScratch> {
    let mut told = sipxfer_refer_output {
        struct_size: 0,
        transfer,
        kind: 0,
        command: 0,
        in_dialog: 0,
        attempt: 0,
        outcome: 0,
        code: 0,
        why: 0,
        reserved: 0,
        reason: text(&[]),
        headers: text(&[]),
        needed,
    };
    match output {
        SentOutput::Send { in_dialog, attempt, headers } => {
            told.kind = SIPXFER_REFER_OUTPUT_SEND;
            told.in_dialog = u32::from(*in_dialog);
            told.attempt = u32::from(*attempt);
            told.headers = text(scratch.copy(headers)?);
        }
        SentOutput::Command(command) => {
            told.kind = SIPXFER_REFER_OUTPUT_COMMAND;
            told.command = match command {
                Command::DropConsultation => SIPXFER_REFER_COMMAND_DROP_CONSULTATION,
                Command::ByeConsultation => SIPXFER_REFER_COMMAND_BYE_CONSULTATION,
                Command::KeepCall => SIPXFER_REFER_COMMAND_KEEP_CALL,
                Command::HangUp => SIPXFER_REFER_COMMAND_HANG_UP,
            };
        }
        SentOutput::Progress { code, reason } => {
            told.kind = SIPXFER_REFER_OUTPUT_PROGRESS;
            told.code = u32::from(*code);
            told.reason = text(scratch.copy(reason)?);
        }
        SentOutput::Finished(outcome) => {
            told.kind = SIPXFER_REFER_OUTPUT_FINISHED;
            let code = match outcome {
                SentOutcome::Success { code } => {
                    told.outcome = SIPXFER_REFER_SUCCESS;
                    code
                }
                SentOutcome::Failure { code, reason } => {
                    told.outcome = SIPXFER_REFER_FAILURE;
                    told.reason = text(scratch.copy(reason)?);
                    code
                }
                SentOutcome::Unknown { code, why } => {
                    told.outcome = SIPXFER_REFER_UNKNOWN;
                    told.why = why_number(*why);
                    code
                }
            };
            told.code = u32::from(*code);
        }
    }
    Ok(told)
}

fn why_number(why: Why) -> u32 {
    match why {
        Why::NoNotify => SIPXFER_REFER_WHY_NO_NOTIFY,
        Why::Expired => SIPXFER_REFER_WHY_EXPIRED,
        Why::Ended => SIPXFER_REFER_WHY_ENDED,
        Why::NotSubscribed => SIPXFER_REFER_WHY_NOT_SUBSCRIBED,
    }
}

/// Hands something to a sent transfer, with the engine's time, and tells the host of another deadline.
///
/// # Safety
/// `engine` is valid.
unsafe fn hand<R>(
    engine: *const sipxfer_engine,
    now_ms: u64,
    give: impl FnOnce(&crate::engine::SentRefers, u64) -> Option<R>,
) -> Result<R, Status> {
    // SAFETY: contract of this function.
    let engine = unsafe { engine_in(engine) }?;
    time(now_ms)?;
    let given = give(engine.core.sent(), engine.core.now(now_ms));
    engine.tell_deadline();
    given.ok_or(SIPXFER_E_NOT_FOUND)
}

/// # Safety
/// `engine` is valid.
unsafe fn input<'o>(
    engine: *const sipxfer_engine,
    transfer: u64,
    now_ms: u64,
    input: impl FnOnce(&mut Transferor, u64) -> Outputs<'o>,
) -> Result<(), Status> {
    // SAFETY: contract of this function.
    unsafe { hand(engine, now_ms, |sent, now_ms| sent.input(transfer, |it| input(it, now_ms))) }
}

/// 1 or 2.
fn attempt_in(attempt: u32) -> Result<u8, Status> {
    u8::try_from(attempt).ok().filter(|it| (1..=2).contains(it)).ok_or(SIPXFER_E_RANGE)
}

/// The REFER of a SEND goes out under this CSeq, below 2^31 (RFC 3261 section 8.1.1.5); to be called
/// before any of its NOTIFYs is handed in. `first_in_dialog` is 1 for the first REFER that this side
/// sends in its dialog, whose NOTIFYs may come without an Event id (RFC 3515 section 2.4.6). A REFER
/// that is sent again, with credentials, is reported again. From here Timer N runs, 32 seconds
/// (RFC 6665 section 4.1.2.4).
///
/// Returns `SIPXFER_OK`, also where it is too late to matter, `SIPXFER_E_NOT_FOUND` for a stale or
/// foreign id, `SIPXFER_E_RANGE` for an attempt that is not 1 or 2, or the status of a wrong argument.
/// Threads: any, one per transfer.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_sent(
    engine: *const sipxfer_engine,
    transfer: u64,
    attempt: u32,
    cseq: u32,
    first_in_dialog: u32,
    now_ms: u64,
) -> i32 {
    guard(|| {
        let attempt = attempt_in(attempt)?;
        let first = flag(first_in_dialog)?;
        if cseq > i32::MAX as u32 {
            return Err(SIPXFER_E_RANGE);
        }
        // SAFETY: contract of this function.
        unsafe {
            hand(engine, now_ms, |sent, now_ms| sent.sent(transfer, attempt, cseq, first, now_ms))
        }
    })
}

/// The REFER of this attempt was answered with this message. An empty one: it was not answered at
/// all, which counts as 408; where it could not be sent a bare `SIP/2.0 503` stands for the answer
/// (RFC 3261 section 8.1.3.1). A challenge that the host meets with credentials is not reported.
///
/// A 2xx is no outcome, and 200 is as good as 202 (RFC 7647 section 5, RFC 5589 section 4); after 403,
/// 404 or 408 the other URI of an ATTENDED is tried, once (RFC 5589 section 7.3).
///
/// Returns as `sipxfer_refer_sent()`, and `SIPXFER_E_PARSE` for what is no response.
///
/// # Safety
/// `engine` is valid, `message` points to `message_len` bytes.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_response(
    engine: *const sipxfer_engine,
    transfer: u64,
    attempt: u32,
    message: *const c_char,
    message_len: usize,
    now_ms: u64,
) -> i32 {
    guard(|| {
        let attempt = attempt_in(attempt)?;
        // SAFETY: contract of this function.
        let raw = unsafe { bytes(message, message_len) }?;
        let mut response = Response { attempt, code: 408, reason: b"", refer_sub_false: false };
        if !raw.is_empty() {
            let message = Message::parse(raw).map_err(|_| SIPXFER_E_PARSE)?;
            (response.code, response.reason) = message.status().ok_or(SIPXFER_E_PARSE)?;
            response.refer_sub_false = message.first(Name::ReferSub).is_some_and(|value| {
                ReferSub::parse(&unfolded(value)).is_ok_and(|refer_sub| !refer_sub.value)
            });
        }
        // SAFETY: contract of this function.
        unsafe { input(engine, transfer, now_ms, |it, now_ms| it.response(now_ms, &response)) }
    })
}

/// The value on one line (RFC 3261 section 7.3.1).
fn unfolded(value: Value<'_>) -> Cow<'_, [u8]> {
    if !value.is_folded() {
        return Cow::Borrowed(value.raw);
    }
    let one_line = |byte: &u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte };
    Cow::Owned(value.raw.iter().map(one_line).collect())
}

/// A NOTIFY has come in the dialog that the REFER of this attempt made; `attempt` 0: in the dialog of
/// the call with the transferee. `answer_code` gets what it is to be answered with: 200, 400, 481 where
/// it matches no REFER of this transfer by its Event id (RFC 3515 section 2.4.6), 489 for another event
/// package (RFC 6665 section 4.1.3). Where a dialog has several transfers, the first one that does not
/// say 481 is meant. A copy of a NOTIFY is for the host's transaction layer to answer: one without an
/// Event id that is handed in again behind the second REFER would be taken for one of that.
///
/// It may come before the answer to its REFER (RFC 3515 section 2.4.4), and after the outcome. A body
/// that does not begin with a status line is no outcome (RFC 3420 section 2). One that reports 403, 404,
/// 408 or 503 makes the other URI of an ATTENDED be tried, as `sipxfer_refer_response()` says.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` for a stale or foreign id (the NOTIFY is then answered
/// with 481), `SIPXFER_E_RANGE` for an attempt above 2, `SIPXFER_E_PARSE` for what is no NOTIFY, or the
/// status of a wrong argument. Threads: any, one per transfer.
///
/// # Safety
/// `engine` is valid, `message` points to `message_len` bytes, `answer_code` to a writable number.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_notify(
    engine: *const sipxfer_engine,
    transfer: u64,
    attempt: u32,
    message: *const c_char,
    message_len: usize,
    now_ms: u64,
    answer_code: *mut u32,
) -> i32 {
    guard(|| {
        let attempt = if attempt == 0 { None } else { Some(attempt_in(attempt)?) };
        if answer_code.is_null() {
            return Err(SIPXFER_E_NULL);
        }
        // SAFETY: contract of this function.
        let raw = unsafe { bytes(message, message_len) }?;
        let message = Message::parse(raw).map_err(|_| SIPXFER_E_PARSE)?;
        if message.method() != Some(b"NOTIFY") {
            return Err(SIPXFER_E_PARSE);
        }
        let value = |name| message.first(name).map(unfolded).unwrap_or_default();
        let (event, state) = (value(Name::Event), value(Name::SubscriptionState));
        let notify =
            Notify { attempt, event: &event, subscription_state: &state, body: message.body() };
        // SAFETY: contract of this function.
        let code =
            unsafe { hand(engine, now_ms, |sent, now_ms| sent.notify(transfer, &notify, now_ms)) }?;
        // SAFETY: contract of this function.
        unsafe { put(answer_code, u32::from(code)) }
    })
}

/// The call with the transferee has ended, by whichever side. A REFER that is out goes on (RFC 5057
/// section 4, RFC 5589 section 6); one that was not sent yet is not sent any more.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` for a stale or foreign id, or the status of a wrong
/// argument. Threads: any, one per transfer.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_call_ended(
    engine: *const sipxfer_engine,
    transfer: u64,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe { input(engine, transfer, now_ms, |it, now_ms| it.call_ended(now_ms)) }
    })
}

/// The target has answered the consultation call with 2xx while that was being ended (RFC 3261
/// section 9.1). Returns as `sipxfer_refer_call_ended()`.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_consultation_answered(
    engine: *const sipxfer_engine,
    transfer: u64,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe { input(engine, transfer, now_ms, |it, now_ms| it.consultation_answered(now_ms)) }
    })
}

/// The consultation call has ended: where that was waited for the REFER follows (RFC 5589 section
/// 7.4); it follows after 32 seconds too, when this is not reported. Returns as
/// `sipxfer_refer_call_ended()`.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_consultation_ended(
    engine: *const sipxfer_engine,
    transfer: u64,
    now_ms: u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        unsafe { input(engine, transfer, now_ms, |it, now_ms| it.consultation_ended(now_ms)) }
    })
}
