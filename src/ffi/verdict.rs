//! Level 2: the verdicts, and the responses made from them.

use super::directory::{Dialog, HostDirectory};
use super::engine::{engine_in, sipxfer_engine};
use super::host::Asker;
use super::numbers::{ground_number, initiator_number, kind_number, state_number};
use super::raw::*;
use super::status::*;
use super::types::*;
use crate::config::Handling;
use crate::engine::{Engine, Received};
use crate::rule::Rule;
use crate::sip::{reason_phrase, Message, Name, Scratch};
use crate::transfer::response::{self, Extra};
use crate::transfer::{NoVerdict, OldDialog, Referrer, Sender, Variables, Verdict};
use core::ffi::{c_char, c_void, CStr};
use core::mem::{align_of, offset_of, size_of};

versioned! {
    sipxfer_request: handling;
    sipxfer_verdict: why;
}

/// Writes a verdict, and answers with what else came of the request.
pub(super) type Decide<'c, T> = for<'a> fn(
    &Engine,
    &HostDirectory,
    &Asker<'c>,
    Received<'a>,
    bool,
    &mut Scratch<'a>,
    &mut Verdict<'a, Dialog>,
) -> Result<T, NoVerdict>;

/// What all verdict functions do: read the request, decide, hand out.
///
/// # Safety
/// As for `sipxfer_replaces_verify_request()`.
pub(super) unsafe fn give_verdict<'e, T>(
    engine: *const sipxfer_engine,
    request: *const sipxfer_request,
    lock_dialog: u32,
    scratch: (*mut c_char, usize),
    verdict: *mut sipxfer_verdict,
    decide: Decide<'e, T>,
) -> Result<T, Status> {
    // SAFETY: contract of this function.
    unsafe { give_verdict_by(engine, request, lock_dialog, scratch, verdict, decide) }
}

/// The same with a decision that knows more than the request.
///
/// # Safety
/// As for `sipxfer_replaces_verify_request()`.
pub(super) unsafe fn give_verdict_by<'e, T>(
    engine: *const sipxfer_engine,
    request: *const sipxfer_request,
    lock_dialog: u32,
    scratch: (*mut c_char, usize),
    verdict: *mut sipxfer_verdict,
    decide: impl for<'a> FnOnce(
        &Engine,
        &HostDirectory,
        &Asker<'e>,
        Received<'a>,
        bool,
        &mut Scratch<'a>,
        &mut Verdict<'a, Dialog>,
    ) -> Result<T, NoVerdict>,
) -> Result<T, Status> {
    // SAFETY: contract of this function.
    let engine: &'e sipxfer_engine = unsafe { engine_in(engine) }?;
    // SAFETY: contract of this function.
    let (received, scratch) = unsafe { asked(request, scratch, verdict) }?;
    if lock_dialog > 1 {
        return Err(SIPXFER_E_RANGE);
    }
    let want_lock = lock_dialog == 1;
    if want_lock && engine.directory.callbacks.0.lock.is_none() {
        return Err(SIPXFER_E_CALLBACK_MISSING);
    }
    let now_ms = received.now_ms;
    let decide = |host: &Asker<'e>, scratch: &mut _, verdict: &mut _| {
        let (core, directory) = (&engine.core, &engine.directory);
        decide(core, directory, host, received, want_lock, scratch, verdict)
    };
    // SAFETY: contract of this function.
    unsafe { tell(engine, (request, now_ms), scratch, verdict, decide) }
}

/// What a request says, and the space for its verdict, where all of it is in order.
///
/// # Safety
/// As for `sipxfer_replaces_verify_request()`.
#[inline]
pub(super) unsafe fn asked<'a>(
    request: *const sipxfer_request,
    scratch: (*mut c_char, usize),
    verdict: *mut sipxfer_verdict,
) -> Result<(Received<'a>, &'a mut [u8]), Status> {
    // SAFETY: contract of this function.
    let asked = unsafe { read_struct(request) }?;
    // SAFETY: contract of this function.
    unsafe { check_out(verdict) }?;
    // SAFETY: contract of this function.
    let received = unsafe { received(&asked) }?;
    // SAFETY: contract of this function.
    let scratch = unsafe { buffer(scratch.0, scratch.1) }?;
    if scratch.len() < scratch_size(received.raw.len()) {
        return Err(SIPXFER_E_SCRATCH);
    }
    Ok((received, scratch))
}

/// Has a request decided about, and hands out the verdict.
///
/// # Safety
/// `request` and `verdict` were found in order by [`asked`].
#[inline]
pub(super) unsafe fn tell<'e, 'a, T>(
    engine: &'e sipxfer_engine,
    (request, now_ms): (*const sipxfer_request, u64),
    scratch: &'a mut [u8],
    verdict: *mut sipxfer_verdict,
    decide: impl FnOnce(&Asker<'e>, &mut Scratch<'a>, &mut Verdict<'a, Dialog>) -> Result<T, NoVerdict>,
) -> Result<T, Status> {
    let skip = scratch.as_ptr().align_offset(align_of::<sipxfer_variable>()).min(scratch.len());
    let (_, scratch) = scratch.split_at_mut(skip);
    let (variables, rest) = scratch
        .split_at_mut_checked(size_of::<[sipxfer_variable; Variables::MOST]>())
        .ok_or(SIPXFER_E_SCRATCH)?;
    let host = Asker { engine, now_ms, callbacks: &engine.host.0, request };
    let mut scratch = Scratch::new(rest);
    let mut decided = Verdict::default();
    let more = decide(&host, &mut scratch, &mut decided).map_err(|NoVerdict| SIPXFER_E_SCRATCH)?;
    if decided.lookup != 0 {
        engine.tell_deadline();
    }
    // SAFETY: contract of this function.
    unsafe { hand_out(engine, &mut decided, variables, verdict) }?;
    Ok(more)
}

/// Twin of the header's SIPXFER_SCRATCH_SIZE; a test compares both.
///
/// What is written for a message: its Refer-To unfolded, decoded, printed again as a value, as
/// header lines, as a target, as an extension and as names in a log line, each part of it at most
/// six times over; its Referred-By three times; sentences and variables of bounded length.
pub fn scratch_size(message_len: usize) -> usize {
    message_len.saturating_mul(6).saturating_add(8192)
}

/// # Safety
/// The strings of `request` point to as many bytes as they say, for `'a`.
unsafe fn received<'a>(request: &sipxfer_request) -> Result<Received<'a>, Status> {
    // SAFETY: contract of this function.
    let raw = unsafe { bytes(request.message.ptr, request.message.len) }?;
    // SAFETY: contract of this function.
    let endpoint = unsafe { bytes(request.endpoint.ptr, request.endpoint.len) }?;
    // SAFETY: contract of this function.
    let user = unsafe { bytes(request.user.ptr, request.user.len) }?;
    // SAFETY: contract of this function.
    let context = unsafe { bytes(request.context.ptr, request.context.len) }?;
    // SAFETY: contract of this function.
    let source = unsafe { bytes(request.source.ptr, request.source.len) }?;
    let transport = SIPXFER_TRANSPORT_UDP..=SIPXFER_TRANSPORT_WSS;
    let known = request.transport == 0 || transport.contains(&request.transport);
    // The top bit would be a time that nothing comes after: a host's mistake.
    let sane = request.now_ms <= i64::MAX as u64;
    if !known || !sane || request.secure > 1 {
        return Err(SIPXFER_E_RANGE);
    }
    let handling = match request.handling {
        SIPXFER_HANDLING_SETTING => None,
        SIPXFER_HANDLING_HOST => Some(Handling::Default),
        SIPXFER_HANDLING_APPLICATION => Some(Handling::ApplicationOnly),
        _ => return Err(SIPXFER_E_RANGE),
    };
    let secure = request.secure == 1;
    let transfer_depth = request.transfer_depth;
    let sender = Sender { endpoint, user, context, source, secure, transfer_depth, handling };
    Ok(Received { raw, sender, now_ms: request.now_ms })
}

/// Hands out the verdict as the struct of the boundary; the dialog, if there is one, is pinned by an id.
///
/// # Safety
/// As for [`write_struct`].
unsafe fn hand_out(
    engine: &sipxfer_engine,
    verdict: &mut Verdict<'_, Dialog>,
    room: &mut [u8],
    place: *mut sipxfer_verdict,
) -> Result<(), Status> {
    // SAFETY: contract of this function.
    let whole = unsafe { whole(place) }?;
    let pinned = match verdict.dialog.take() {
        None => {
            let dialog = core::ptr::null_mut();
            Pinned { dialog, pin: 0, state: 0, initiator: 0, locked: 0 }
        }
        Some(matched) => Pinned {
            dialog: matched.dialog.object(),
            state: state_number(matched.state),
            initiator: initiator_number(matched.initiator),
            locked: u32::from(matched.locked),
            pin: engine.pins.keep(matched).ok_or(SIPXFER_E_NOMEM)?,
        },
    };
    let Some(whole) = whole else {
        // SAFETY: all of it are numbers, and pointers that may be null.
        let mut out: sipxfer_verdict = unsafe { core::mem::zeroed() };
        tell_of(verdict, pinned, room, &mut out);
        // SAFETY: contract of this function.
        return unsafe { write_struct(place, &out) };
    };
    // Where it is to stay, with no copy made of it first.
    let whole = whole.as_ptr();
    // SAFETY: `whole` looked that all of it is the caller's.
    let struct_size = unsafe { (*whole).struct_size };
    // SAFETY: as above; all of it are numbers, and pointers that may be null.
    unsafe { whole.write_bytes(0, 1) };
    // SAFETY: as above, and nobody else has it during the call.
    let out = unsafe { &mut *whole };
    tell_of(verdict, pinned, room, out);
    out.struct_size = struct_size;
    Ok(())
}

/// What a verdict says of its dialog.
struct Pinned {
    dialog: *mut c_void,
    pin: u64,
    state: u32,
    initiator: u32,
    locked: u32,
}

/// Puts the verdict into the struct of the boundary, which is all zero: most of it stays so.
#[inline(always)]
fn tell_of(
    verdict: &Verdict<'_, Dialog>,
    pinned: Pinned,
    room: &mut [u8],
    out: &mut sipxfer_verdict,
) {
    let put = |place: &mut sipxfer_str, bytes: &[u8]| {
        if !bytes.is_empty() {
            *place = text(bytes);
        }
    };
    out.kind = kind_number(verdict.kind);
    out.code = u32::from(verdict.code);
    if verdict.code != 0 {
        put(&mut out.reason, reason_phrase(verdict.code).as_bytes());
    }
    put(&mut out.warning, verdict.warning);
    put(&mut out.unsupported, verdict.unsupported);
    out.dialog = pinned.dialog;
    out.pin = pinned.pin;
    out.dialog_state = pinned.state;
    out.dialog_initiator = pinned.initiator;
    out.old_dialog = match verdict.old_dialog {
        OldDialog::Nothing => SIPXFER_OLD_DIALOG_NOTHING,
        OldDialog::Bye => SIPXFER_OLD_DIALOG_BYE,
        OldDialog::Cancel => SIPXFER_OLD_DIALOG_CANCEL,
        OldDialog::Reject => SIPXFER_OLD_DIALOG_REJECT,
    };
    out.locked = pinned.locked;
    out.early_only = u32::from(verdict.early_only);
    out.ground = verdict.ground.map_or(SIPXFER_GROUND_NONE, ground_number);
    put(&mut out.context, verdict.context);
    put(&mut out.extension, verdict.extension);
    put(&mut out.target, verdict.target);
    put(&mut out.method, verdict.method);
    put(&mut out.replaces, verdict.replaces);
    put(&mut out.referred_by, verdict.referred_by);
    put(&mut out.headers, verdict.headers);
    put(&mut out.dropped, verdict.dropped);
    if verdict.variables.iter().len() > 0 {
        out.variable_count = verdict.variables.iter().len();
        out.variables = variables_into(room, verdict);
    }
    out.subscription = u32::from(verdict.subscription);
    out.approval_pending = u32::from(verdict.approval_pending);
    out.transfer_depth = verdict.transfer_depth;
    out.retry_after_s = verdict.retry_after_s;
    for (place, rule) in out.rules.iter_mut().zip(verdict.rules.iter()) {
        *place = rule.number();
        out.rule_count += 1;
    }
    if let Some(error) = verdict.error {
        out.error_rule = u32::from(error.rule.number());
        put(&mut out.error_what, error.what.as_bytes());
        out.error_offset = error.offset;
    }
    put(&mut out.setting, verdict.setting.as_bytes());
    put(&mut out.why, verdict.why);
    out.in_call = u32::from(verdict.in_call);
    out.referrer = match verdict.referrer {
        Referrer::None => SIPXFER_REFERRER_NONE,
        Referrer::Unverified => SIPXFER_REFERRER_UNVERIFIED,
        Referrer::Verified => SIPXFER_REFERRER_VERIFIED,
    };
    put(&mut out.token, verdict.token);
    put(&mut out.target_dialog, verdict.target_dialog);
    out.lookup = verdict.lookup;
    put(&mut out.node, verdict.node);
}

/// Writes the variables into the room for them, which is aligned and holds the most that there can be.
fn variables_into(room: &mut [u8], verdict: &Verdict<'_, Dialog>) -> *const sipxfer_variable {
    let to: *mut sipxfer_variable = room.as_mut_ptr().cast();
    for (number, (name, value)) in verdict.variables.iter().enumerate() {
        // SAFETY: the room is aligned and holds the most variables that there can be.
        let place = unsafe { to.add(number) };
        // SAFETY: as above.
        unsafe {
            place.write(sipxfer_variable { name: text(name.as_bytes()), value: text(value) })
        };
    }
    to
}

/// Verifies an INVITE by RFC 3891 section 3, in the manner of `pjsip_replaces_verify_request()`.
///
/// Without a Replaces header the verdict is `SIPXFER_VERDICT_NONE`. Where Replaces names a dialog
/// that the sender may replace it is `SIPXFER_VERDICT_ACCEPT` with `dialog`, pinned, and locked if
/// `lock_dialog` is 1 (then the directory's `lock` is called, and the verdict goes by the state that
/// it reports). Otherwise it is `SIPXFER_VERDICT_REJECT` or `_CHALLENGE` with the final response to
/// send: `code`, `reason`, `warning`; `sipxfer_response_print()` makes it ready to send. The library
/// never keeps a dialog locked that it does not hand out.
///
/// A host that takes locks in a certain order (pjsip: never one dialog under another) calls this
/// without a dialog lock held, or with `lock_dialog` 0.
///
/// Returns `SIPXFER_OK` whenever there is a verdict, a refusal included; `SIPXFER_E_SCRATCH`,
/// `SIPXFER_E_CALLBACK_MISSING` where a lock is asked for and the directory has none, or the status of
/// a wrong argument. Threads: any; blocks only if a callback does. Allocates nothing, as long as no
/// more than 64 verdicts with a dialog are held at once.
///
/// # Safety
/// `engine` is valid, `request` and `verdict` point to structs whose `struct_size` is set, the strings
/// of `request` hold, `scratch` points to `scratch_len` writable bytes.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_replaces_verify_request(
    engine: *const sipxfer_engine,
    request: *const sipxfer_request,
    lock_dialog: u32,
    scratch: *mut c_char,
    scratch_len: usize,
    verdict: *mut sipxfer_verdict,
) -> i32 {
    guard(|| {
        let decide: Decide<'_, ()> = |core, directory, host, received, lock, scratch, verdict| {
            core.verify_replaces_into(directory, host, received, lock, scratch, verdict)
        };
        // SAFETY: contract of this function.
        unsafe {
            give_verdict(engine, request, lock_dialog, (scratch, scratch_len), verdict, decide)
        }
    })
}

/// Decides about a REFER: local attended, remote attended through the external_replaces extension,
/// blind, another method, or refused (RFC 3515 section 2.4, RFC 5589).
///
/// The host's own dialog that a Replaces in the Refer-To names is handed out as by
/// `sipxfer_replaces_verify_request()`. Nothing of the call that exists is changed by a verdict.
///
/// A REFER with the To tag of a dialog that the host does not have is the host's to answer, with 481.
/// One without a To tag is refused unless `refer.outside_dialog` is yes or its Target-Dialog names a
/// call of this side and `refer.target_dialog` lets that stand (RFC 4538 section 3). An explicit
/// subscription (RFC 7614) is only to be had of `sipxfer_transfer_receive()`. Where a blind transfer goes
/// is the dialplan's decision, whatever host the URI names; `remote.allow_domains` and its kin guard
/// what leaves by external_replaces or by another method.
///
/// Returns and requirements as for `sipxfer_replaces_verify_request()`, and
/// `SIPXFER_E_CALLBACK_MISSING` without `extension_exists`.
///
/// # Safety
/// As for `sipxfer_replaces_verify_request()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refer_route(
    engine: *const sipxfer_engine,
    request: *const sipxfer_request,
    lock_dialog: u32,
    scratch: *mut c_char,
    scratch_len: usize,
    verdict: *mut sipxfer_verdict,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        if unsafe { engine_in(engine) }?.host.0.extension_exists.is_none() {
            return Err(SIPXFER_E_CALLBACK_MISSING);
        }
        let decide: Decide<'_, ()> = |core, directory, host, received, lock, scratch, verdict| {
            core.route_refer_into(directory, host, received, lock, scratch, verdict)
        };
        // SAFETY: contract of this function.
        unsafe {
            give_verdict(engine, request, lock_dialog, (scratch, scratch_len), verdict, decide)
        }
    })
}

/// Unlocks (where `locked`) and gives back the dialog of a verdict, and clears both in it. Every
/// verdict that holds a dialog ends with this; one that holds none may.
///
/// A host that has its own way to unlock may do that first and set `locked` to 0.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where the pin is stale, foreign, or was given back
/// before (nothing happens then), or the status of a wrong argument. Threads: any.
///
/// # Safety
/// `engine` is valid, `verdict` points to a struct whose `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_verdict_release(
    engine: *const sipxfer_engine,
    verdict: *mut sipxfer_verdict,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let pin: u64 = unsafe { read_field(verdict, offset_of!(sipxfer_verdict, pin)) }?;
        // SAFETY: contract of this function.
        let locked: u32 = unsafe { read_field(verdict, offset_of!(sipxfer_verdict, locked)) }?;
        if locked > 1 {
            return Err(SIPXFER_E_RANGE);
        }
        if pin == 0 {
            return Ok(());
        }
        let mut held = engine.pins.take(pin).ok_or(SIPXFER_E_NOT_FOUND)?;
        // A host that has unlocked by itself says so.
        held.locked = held.locked && locked != 0;
        drop(held);
        // What was given back is forgotten.
        let none = core::ptr::null_mut::<c_void>();
        // SAFETY: contract of this function.
        unsafe { write_field(verdict, offset_of!(sipxfer_verdict, dialog), none) }?;
        // SAFETY: contract of this function.
        unsafe { write_field(verdict, offset_of!(sipxfer_verdict, pin), 0_u64) }?;
        // SAFETY: contract of this function.
        unsafe { write_field(verdict, offset_of!(sipxfer_verdict, locked), 0_u32) }
    })
}

/// Prints the refusal, challenge or redirection that a verdict asks for (300 to 699), ready to send: status line, Via, From, To
/// with `to_tag`, Call-ID and CSeq of the request, Warning, Unsupported, Contact, Retry-After, and
/// `Content-Length: 0` (RFC 3261 section 8.2.6). The header part ends with one empty line, before
/// which a host puts header lines of its own: the challenge of a 401, say. The 2xx of an accepted
/// request is the host's to make, with its Contact.
///
/// `to_tag` is not used where the request's To has a tag already. Otherwise as
/// `sipxfer_replaces_print()`; `SIPXFER_E_RANGE` where the verdict is no
/// refusal, `SIPXFER_E_PARSE` where the request cannot be read or `to_tag` is no token.
///
/// # Safety
/// `request` and `verdict` point to structs whose `struct_size` is set and whose strings hold; the
/// rest as for `sipxfer_replaces_print()`.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_response_print(
    request: *const sipxfer_request,
    verdict: *const sipxfer_verdict,
    to_tag: *const c_char,
    to_tag_len: usize,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let request = unsafe { read_struct(request) }?;
        // SAFETY: contract of this function.
        let told = unsafe { read_struct(verdict) }?;
        // SAFETY: contract of this function.
        let Received { raw, .. } = unsafe { received(&request) }?;
        // SAFETY: contract of this function.
        let to_tag = unsafe { bytes(to_tag, to_tag_len) }?;
        // SAFETY: contract of this function.
        let warning = unsafe { bytes(told.warning.ptr, told.warning.len) }?;
        // SAFETY: contract of this function.
        let unsupported = unsafe { bytes(told.unsupported.ptr, told.unsupported.len) }?;
        let code = u16::try_from(told.code)
            .ok()
            .filter(|code| (300..700).contains(code))
            .ok_or(SIPXFER_E_RANGE)?;
        let redirects = told.kind == SIPXFER_VERDICT_REMOTE_NODE && code == 302;
        if !matches!(told.kind, SIPXFER_VERDICT_REJECT | SIPXFER_VERDICT_CHALLENGE) && !redirects {
            return Err(SIPXFER_E_RANGE);
        }
        let contact = match redirects {
            // SAFETY: contract of this function.
            true => unsafe { bytes(told.target.ptr, told.target.len) }?,
            false => b"",
        };
        if !crate::sip::lex::is_token(to_tag) {
            return Err(SIPXFER_E_PARSE);
        }
        let breaks = |value: &[u8]| memchr::memchr3(b'\r', b'\n', 0, value).is_some();
        if breaks(warning) || breaks(unsupported) || breaks(contact) {
            return Err(SIPXFER_E_PARSE);
        }
        let message = Message::parse(raw).map_err(|_| SIPXFER_E_PARSE)?;
        // RFC 3261 section 19.1.5: who has named the dialog itself says it again by itself.
        let contact_replaces = match redirects && message.count(Name::Replaces) == 0 {
            // SAFETY: contract of this function.
            true => unsafe { bytes(told.replaces.ptr, told.replaces.len) }?,
            false => b"",
        };
        let retry_after_s = told.retry_after_s;
        let extra =
            Extra { warning, unsupported, contact, contact_replaces, retry_after_s, to_tag };
        let print = |out: &mut crate::sip::Writer<'_>| {
            response::print(&message, code, &extra, out);
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

/// The name of a kind of verdict, as `remote_attended`; "unknown" for a number that is none. Static,
/// ends with NUL, never NULL. Threads: any; does not block.
#[no_mangle]
pub extern "C" fn sipxfer_verdict_name(kind: u32) -> *const c_char {
    let name = match kind {
        SIPXFER_VERDICT_NONE => c"none",
        SIPXFER_VERDICT_ACCEPT => c"accept",
        SIPXFER_VERDICT_REJECT => c"reject",
        SIPXFER_VERDICT_CHALLENGE => c"challenge",
        SIPXFER_VERDICT_BLIND => c"blind",
        SIPXFER_VERDICT_LOCAL_ATTENDED => c"local_attended",
        SIPXFER_VERDICT_REMOTE_ATTENDED => c"remote_attended",
        SIPXFER_VERDICT_OTHER_METHOD => c"other_method",
        SIPXFER_VERDICT_PASS => c"pass",
        SIPXFER_VERDICT_PENDING => c"pending",
        SIPXFER_VERDICT_JOIN => c"join",
        SIPXFER_VERDICT_AGAIN => c"again",
        SIPXFER_VERDICT_REMOTE_NODE => c"remote_node",
        _ => c"unknown",
    };
    name.as_ptr()
}

/// The name of a ground, as it stands in `replaces.authorize`; otherwise as
/// `sipxfer_verdict_name()`.
#[no_mangle]
pub extern "C" fn sipxfer_ground_name(ground: u32) -> *const c_char {
    let name = match ground {
        SIPXFER_GROUND_NONE => c"none",
        SIPXFER_GROUND_ANY => c"any",
        SIPXFER_GROUND_SAME_USER => c"same-user",
        SIPXFER_GROUND_SAME_ENDPOINT => c"same-endpoint",
        SIPXFER_GROUND_REFERRED_BY => c"referred-by",
        SIPXFER_GROUND_TOKEN => c"token",
        SIPXFER_GROUND_TRUSTED_PEER => c"trusted-peer",
        SIPXFER_GROUND_HOST => c"host",
        _ => c"unknown",
    };
    name.as_ptr()
}

/// What a rule says, in one sentence; empty for a number that is no rule. Static, ends with NUL,
/// never NULL. Threads: any; does not block.
#[no_mangle]
pub extern "C" fn sipxfer_rule_text(rule: u32) -> *const c_char {
    rule_words(rule, Rule::text)
}

/// The document and section that a rule comes from; otherwise as `sipxfer_rule_text()`.
#[no_mangle]
pub extern "C" fn sipxfer_rule_source(rule: u32) -> *const c_char {
    rule_words(rule, Rule::source)
}

fn rule_words(rule: u32, words: fn(Rule) -> &'static CStr) -> *const c_char {
    u16::try_from(rule).ok().and_then(Rule::from_number).map_or(c"", words).as_ptr()
}
