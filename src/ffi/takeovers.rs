//! Level 3: the target's side. A call that takes the place of another, and one that joins it.

use super::dialogs::key_in;
use super::engine::{engine_in, sipxfer_engine};
use super::raw::*;
use super::status::*;
use super::types::*;
use super::verdict::{give_verdict, Decide};
use crate::engine::Side;
use crate::sip::reason_phrase;
use crate::transfer::takeover::{Outcome, Output, Outputs, Takeover};
use crate::transfer::OldDialog;
use core::ffi::c_char;

/// Answer the new INVITE with `code`: 200, or a refusal. What was sent is reported by
/// `sipxfer_takeover_answered()` or `sipxfer_takeover_not_answered()`. A refusal may follow a 200 where
/// the old call has changed before either was reported; a 2xx that was on its way by then counts.
pub const SIPXFER_TAKEOVER_ANSWER_NEW: u32 = 1;
/// Give the new call the place and the resources of the old one: bridge, recording, user interface
/// (RFC 3891 section 3).
pub const SIPXFER_TAKEOVER_TAKE_OVER: u32 = 2;
/// End the old call with BYE. Its end is reported by `sipxfer_takeover_old_ended()`, here and for the
/// next two.
pub const SIPXFER_TAKEOVER_BYE_OLD: u32 = 3;
/// End the old call, which this side began and nobody has answered, with CANCEL. A 2xx that comes all
/// the same is reported by `sipxfer_takeover_old_answered()`.
pub const SIPXFER_TAKEOVER_CANCEL_OLD: u32 = 4;
/// Answer the INVITE of the old call, which the peer began, with 487 or whatever else fits.
pub const SIPXFER_TAKEOVER_REJECT_OLD: u32 = 5;
/// Acknowledge the 2xx of the old call, which has crossed the CANCEL.
pub const SIPXFER_TAKEOVER_ACK_OLD: u32 = 6;
/// End the new call with BYE: nobody has acknowledged its 2xx (RFC 3261 section 13.3.1.4).
pub const SIPXFER_TAKEOVER_END_NEW: u32 = 7;
/// There is no new call: the old one goes on as if nothing had been.
pub const SIPXFER_TAKEOVER_LEAVE_OLD: u32 = 8;
/// It is over, and the last output. `code` is 200 where the new call stands in the old one's place,
/// else the failure (300 to 699) for which there is no new call.
pub const SIPXFER_TAKEOVER_FINISHED: u32 = 9;

/// The dialog is the one that is replaced.
pub const SIPXFER_TAKEOVER_SIDE_OLD: u32 = 1;
/// The dialog is the one of the new INVITE.
pub const SIPXFER_TAKEOVER_SIDE_NEW: u32 = 2;

/// One thing that a takeover wants done.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_takeover_output {
    /// `sizeof (struct sipxfer_takeover_output)`, set by the caller.
    pub struct_size: usize,
    /// The takeover that wants it.
    pub takeover: u64,
    /// `SIPXFER_TAKEOVER_*`. A kind that the host does not know is left out.
    pub kind: u32,
    /// SIP code of an ANSWER_NEW or FINISHED, else 0.
    pub code: u32,
    /// Reason phrase of `code`, or empty. Static text.
    pub reason: sipxfer_str,
}

versioned! { sipxfer_takeover_output: reason; }

/// Decides about an INVITE as `sipxfer_replaces_verify_request()` does and, where its Replaces is
/// accepted, reserves the dialog that it names and begins a takeover: `takeover` gets its id, or 0.
///
/// The host then takes the outputs one by one by `sipxfer_takeover_next()` and carries them out, and
/// reports what happens by the functions below, taking outputs after each. Until the 2xx to the new
/// INVITE is reported the old call is not touched; each failure before that leaves it as it was (RFC
/// 3891 section 3). Each step is waited for 64 times `takeover.t1_ms`.
///
/// The verdict pins the dialog until `sipxfer_verdict_release()`, also beyond this function: a host
/// may keep it until FINISHED, but gives the lock back (and sets `locked` to 0) as soon as it has noted
/// the id. With `lock_dialog` 1 the dialog cannot change between match and claim.
///
/// A parked call (the verdict says `SIPXFER_OLD_DIALOG_NOTHING`) is to be claimed from the lot as well,
/// which this function does not do: the host calls `sipxfer_park_claim_dialog()` before it answers. Where
/// that is refused, somebody else has it: the INVITE is answered with 603 (`sipxfer_takeover_not_answered()`).
/// Where it holds, TAKE_OVER connects the new call with the party that waits, and
/// `sipxfer_park_retrieved()` follows; `sipxfer_park_release()` where the takeover fails.
///
/// Another INVITE with Replaces for the same dialog gets 603 as long as this takeover is under way, and
/// afterwards what the dialog's state says: 603 after a success. One whose dialog is found to have
/// changed between match and claim gets 481. An INVITE that was received before (the same Call-ID, From
/// tag and CSeq, from the same endpoint and user) gets `SIPXFER_VERDICT_AGAIN` and begins nothing;
/// `takeover` is then the id of its takeover, or 0 where that is over. A host whose transaction layer
/// absorbs retransmissions never sees one.
///
/// Returns and requirements as for `sipxfer_replaces_verify_request()`. Threads: any; allocates. One
/// takeover is handled by one thread at a time, or its outputs could be carried out in another order.
///
/// # Safety
/// As for `sipxfer_replaces_verify_request()`; `takeover` points to a writable number.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_takeover_receive(
    engine: *const sipxfer_engine,
    request: *const sipxfer_request,
    lock_dialog: u32,
    scratch: *mut c_char,
    scratch_len: usize,
    verdict: *mut sipxfer_verdict,
    takeover: *mut u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let whole = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        unsafe { put(takeover, 0) }?;
        let decide: Decide<'_, u64> = |core, directory, host, received, lock, scratch, verdict| {
            let more;
            (*verdict, more) = core.receive_replaces(directory, host, received, lock, scratch)?;
            Ok(more)
        };
        let scratch = (scratch, scratch_len);
        // SAFETY: contract of this function.
        let id = unsafe { give_verdict(engine, request, lock_dialog, scratch, verdict, decide) }?;
        // SAFETY: contract of this function.
        unsafe { put(takeover, id) }?;
        if id != 0 {
            whole.tell_deadline();
        }
        Ok(())
    })
}

/// Takes the next output of a takeover. With `takeover` 0: of any that `sipxfer_tick()` has given
/// outputs.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is none now (also for an id that is stale: a
/// takeover goes when its FINISHED was taken), or the status of a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `output` points to a struct whose `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_takeover_next(
    engine: *const sipxfer_engine,
    takeover: u64,
    output: *mut sipxfer_takeover_output,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        unsafe { check_out(output) }?;
        let take = |id, output| Ok::<_, Status>(tell(id, output));
        let told = engine.core.next_of_takeover(takeover, take).ok_or(SIPXFER_E_NOT_FOUND)??;
        // SAFETY: contract of this function.
        unsafe { write_struct(output, &told) }
    })
}

fn tell(takeover: u64, output: Output) -> sipxfer_takeover_output {
    let (kind, code) = match output {
        Output::AnswerNew { code } => (SIPXFER_TAKEOVER_ANSWER_NEW, code),
        Output::TakeOver => (SIPXFER_TAKEOVER_TAKE_OVER, 0),
        Output::EndOld(OldDialog::Cancel) => (SIPXFER_TAKEOVER_CANCEL_OLD, 0),
        Output::EndOld(OldDialog::Reject) => (SIPXFER_TAKEOVER_REJECT_OLD, 0),
        // The machine never asks for the end of what has ended.
        Output::EndOld(OldDialog::Bye | OldDialog::Nothing) | Output::ByeOld => {
            (SIPXFER_TAKEOVER_BYE_OLD, 0)
        }
        Output::AckOld => (SIPXFER_TAKEOVER_ACK_OLD, 0),
        Output::EndNew => (SIPXFER_TAKEOVER_END_NEW, 0),
        Output::LeaveOldAsItWas => (SIPXFER_TAKEOVER_LEAVE_OLD, 0),
        Output::Finished(Outcome::Success) => (SIPXFER_TAKEOVER_FINISHED, 200),
        Output::Finished(Outcome::Failure { code }) => (SIPXFER_TAKEOVER_FINISHED, code),
    };
    let reason = if code == 0 { "" } else { reason_phrase(code) };
    sipxfer_takeover_output {
        struct_size: 0,
        takeover,
        kind,
        code: u32::from(code),
        reason: text(reason.as_bytes()),
    }
}

/// Hands an input to a takeover, and tells the host of another deadline.
///
/// # Safety
/// `engine` is valid.
unsafe fn input(
    engine: *const sipxfer_engine,
    takeover: u64,
    now_ms: u64,
    input: impl FnOnce(&mut Takeover, u64) -> Outputs,
) -> Result<(), Status> {
    // SAFETY: contract of this function.
    let engine = unsafe { engine_in(engine) }?;
    if now_ms > i64::MAX as u64 {
        return Err(SIPXFER_E_RANGE);
    }
    let now_ms = engine.core.now(now_ms);
    let done = engine.core.takeovers().input(takeover, now_ms, input);
    engine.tell_deadline();
    done.ok_or(SIPXFER_E_NOT_FOUND)
}

/// The 2xx to the new INVITE was sent. From here on the old call gives way, at once or, with
/// `takeover.wait_for_ack`, behind the ACK.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` for a stale or foreign id, or the status of a wrong
/// argument. A 2xx that is sent after the takeover has failed makes a call that nobody wants: the host
/// ends it with BYE. Threads: any, one per takeover.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_takeover_answered(
    engine: *const sipxfer_engine,
    takeover: u64,
    now_ms: u64,
) -> i32 {
    // SAFETY: contract of this function.
    guard(|| unsafe { input(engine, takeover, now_ms, Takeover::answered) })
}

/// The new INVITE was refused with this code (300 to 699): what an ANSWER_NEW said, or 488 where
/// there is no common media, 487 where its sender has cancelled it, and so on. Otherwise as
/// `sipxfer_takeover_answered()`; `SIPXFER_E_RANGE` for another code.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_takeover_not_answered(
    engine: *const sipxfer_engine,
    takeover: u64,
    code: u32,
    now_ms: u64,
) -> i32 {
    guard(|| {
        let code = u16::try_from(code).ok().filter(|code| (300..700).contains(code));
        let code = code.ok_or(SIPXFER_E_RANGE)?;
        // SAFETY: contract of this function.
        unsafe {
            input(engine, takeover, now_ms, |machine, now_ms| machine.not_answered(now_ms, code))
        }
    })
}

/// The ACK to the 2xx of the new INVITE has come. Returns as `sipxfer_takeover_answered()`.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_takeover_acked(
    engine: *const sipxfer_engine,
    takeover: u64,
    now_ms: u64,
) -> i32 {
    // SAFETY: contract of this function.
    guard(|| unsafe { input(engine, takeover, now_ms, Takeover::acked) })
}

/// The new call, once answered, has ended: before TAKE_OVER the old one then goes on. Returns as
/// `sipxfer_takeover_answered()`.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_takeover_new_ended(
    engine: *const sipxfer_engine,
    takeover: u64,
    now_ms: u64,
) -> i32 {
    // SAFETY: contract of this function.
    guard(|| unsafe { input(engine, takeover, now_ms, Takeover::new_ended) })
}

/// The old call, which was early, has got its 2xx: before its turn it is then ended with BYE (or, with
/// early-only, the new INVITE is refused with 486), behind the CANCEL it is acknowledged and ended with
/// BYE. Returns as `sipxfer_takeover_answered()`.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_takeover_old_answered(
    engine: *const sipxfer_engine,
    takeover: u64,
    now_ms: u64,
) -> i32 {
    // SAFETY: contract of this function.
    guard(|| unsafe { input(engine, takeover, now_ms, Takeover::old_answered) })
}

/// The old call has ended: because it was told to, or of its own accord. Before the new INVITE is
/// answered that is refused with 603. Returns as `sipxfer_takeover_answered()`.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_takeover_old_ended(
    engine: *const sipxfer_engine,
    takeover: u64,
    now_ms: u64,
) -> i32 {
    // SAFETY: contract of this function.
    guard(|| unsafe { input(engine, takeover, now_ms, Takeover::old_ended) })
}

/// What to answer a re-INVITE or UPDATE in this dialog with: `code` gets 491 where a takeover is under
/// way that it is part of (RFC 3261 section 14.2), or 0: as ever. The old call waits until the end of
/// the takeover, the new one until TAKE_OVER. Nothing else changes by that.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; does not block.
///
/// # Safety
/// `engine` is valid, `dialog` points to a struct whose `struct_size` is set and whose strings hold,
/// `code` to a writable number.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_takeover_reinvite(
    engine: *const sipxfer_engine,
    dialog: *const sipxfer_dialog_key,
    code: *mut u32,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let key = unsafe { key_in(dialog) }?;
        let answer = engine.core.takeovers().reinvite(&key).unwrap_or(0);
        // SAFETY: contract of this function.
        unsafe { put(code, u32::from(answer)) }
    })
}

/// The takeover that a dialog is part of, and which of its calls it is: `side` gets
/// `SIPXFER_TAKEOVER_SIDE_*`. A BYE in it, say, is then reported by `sipxfer_takeover_old_ended()` or
/// `sipxfer_takeover_new_ended()`. The new call is known by its Call-ID and the peer's tag alone.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND`, or the status of a wrong argument. Threads: any; does
/// not block.
///
/// # Safety
/// `engine` is valid, `dialog` points to a struct whose `struct_size` is set and whose strings hold,
/// `takeover` and `side` to writable numbers.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_takeover_find(
    engine: *const sipxfer_engine,
    dialog: *const sipxfer_dialog_key,
    takeover: *mut u64,
    side: *mut u32,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let key = unsafe { key_in(dialog) }?;
        if takeover.is_null() || side.is_null() {
            return Err(SIPXFER_E_NULL);
        }
        let (id, found) = engine.core.takeovers().find(&key).ok_or(SIPXFER_E_NOT_FOUND)?;
        // SAFETY: contract of this function.
        unsafe { put(takeover, id) }?;
        let found = match found {
            Side::Old => SIPXFER_TAKEOVER_SIDE_OLD,
            Side::New => SIPXFER_TAKEOVER_SIDE_NEW,
        };
        // SAFETY: contract of this function.
        unsafe { put(side, found) }
    })
}

/// How many takeovers there are, those included that are over and have outputs left.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `count` points to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_takeover_count(
    engine: *const sipxfer_engine,
    count: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        unsafe { put(count, engine.core.takeovers().len()) }
    })
}

/// Verifies an INVITE that may carry Join, by RFC 3911 section 4, in the manner of
/// `sipxfer_replaces_verify_request()`.
///
/// Without a Join header, and where `join.allow` is no (the default), the verdict is
/// `SIPXFER_VERDICT_NONE`. Where Join names a dialog whose call the sender may join, early or confirmed,
/// it is `SIPXFER_VERDICT_JOIN` with `dialog`: the new call is accepted and mixed with that one, which
/// goes on; `old_dialog` is NOTHING. What cannot be accepted after all (488) leaves it as it was.
/// Otherwise it is a refusal or a challenge: 400 for a malformed Join or one beside Replaces, 420, 481,
/// 603, 403 by `join.authorize`, 488 where the host cannot mix (`can_mix`).
///
/// A request with both headers is refused by either function; a host that supports both asks this one
/// where the other's verdict is NONE.
///
/// Returns and requirements as for `sipxfer_replaces_verify_request()`.
///
/// # Safety
/// As for `sipxfer_replaces_verify_request()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_join_verify_request(
    engine: *const sipxfer_engine,
    request: *const sipxfer_request,
    lock_dialog: u32,
    scratch: *mut c_char,
    scratch_len: usize,
    verdict: *mut sipxfer_verdict,
) -> i32 {
    guard(|| {
        let decide: Decide<'_, ()> = |core, directory, host, received, lock, scratch, verdict| {
            *verdict = core.verify_join(directory, host, received, lock, scratch)?;
            Ok(())
        };
        let scratch = (scratch, scratch_len);
        // SAFETY: contract of this function.
        unsafe { give_verdict(engine, request, lock_dialog, scratch, verdict, decide) }
    })
}
