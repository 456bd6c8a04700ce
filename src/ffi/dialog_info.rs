//! Level 3: who talks to whom, as dialog-info (RFC 4235), so that phones can pick up by Replaces.

use super::dialogs::own_table;
use super::engine::{engine_in, sipxfer_engine};
use super::raw::*;
use super::status::*;
use super::types::*;
use crate::dialog::{DialogRef, Facts, Usage};
use crate::sip::Writer;
use crate::transfer::dialog_info::{Coverage, DialogInfo, DialogView, Participant, Progress};
use core::ffi::c_char;

/// Which dialogs of the engine's own table a dialog-info document is about.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_dialog_info {
    /// `sizeof (struct sipxfer_dialog_info)`.
    pub struct_size: usize,
    /// The URI that was subscribed to, as `sip:bob@pbx.example.com`.
    pub entity: sipxfer_str,
    /// Where an INVITE goes that picks a call up: an address of this side.
    pub target: sipxfer_str,
    /// Dialogs of this endpoint are listed; or empty.
    pub endpoint: sipxfer_str,
    /// Dialogs of this authenticated user are listed too; or empty.
    pub user: sipxfer_str,
    /// 0 for a full document: what it does not list is over. Else the id of the one dialog that has
    /// changed, for a partial document; one that is in the table no more is told to have terminated.
    pub only: u64,
    /// 0 in the first NOTIFY of a subscription, and one more in each that follows.
    pub version: u32,
    /// Zero.
    pub reserved: u32,
}

versioned! { sipxfer_dialog_info: reserved; }

/// Prints a document of type application/dialog-info+xml (RFC 4235) about the calls of an endpoint or
/// user, from the engine's own table: for the NOTIFYs of a SUBSCRIBE with Event: dialog, which are the
/// host's.
///
/// Each leg is written down as the phone at its other end sees it: `local-tag` is the phone's tag,
/// `remote-tag` the tag of this side, `direction` is recipient where this side called. A phone that
/// builds its Replaces as RFC 3891 section 4 has it, and sends its INVITE to `target`, thereby names
/// this side's leg to the ringing phone: `sipxfer_replaces_verify_request()` then says CANCEL for a leg
/// that rings, 486 for one that was answered where the phone asked for early-only, and 403 without a
/// ground: pickup groups are the `authorize` callback's. Who may subscribe is the host's decision:
/// whoever reads the document can name the dialogs in it.
///
/// It looks at every dialog of the table, but for a partial document. Dialogs that come or go
/// meanwhile may be in it or not.
///
/// Otherwise as `sipxfer_replaces_print()`; `SIPXFER_E_STATE` where the engine uses the host's
/// directory, `SIPXFER_E_NOT_FOUND` where `only` is a dialog of somebody else. Threads: any; does not
/// block; allocates nothing.
///
/// # Safety
/// `engine` is valid, `info` points to a struct whose `struct_size` is set and whose strings hold,
/// `buffer` to `capacity` writable bytes, `needed` to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_dialog_info_print(
    engine: *const sipxfer_engine,
    info: *const sipxfer_dialog_info,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        let info = unsafe { read_struct(info) }?;
        if info.reserved != 0 {
            return Err(SIPXFER_E_RANGE);
        }
        // SAFETY: contract of this function.
        let part = |it: sipxfer_str| unsafe { bytes(it.ptr, it.len) };
        let (entity, target) = (part(info.entity)?, part(info.target)?);
        let (endpoint, user) = (part(info.endpoint)?, part(info.user)?);
        let table = own_table(engine)?;
        let is_its = |facts: &Facts<'_>| {
            let named = |mine: &[u8], its: &[u8]| !mine.is_empty() && mine == its;
            facts.usage == Usage::Invite
                && (named(endpoint, facts.endpoint) || named(user, facts.user))
        };
        let print = |out: &mut Writer<'_>| {
            if info.only == 0 {
                let mut document = DialogInfo::begin(out, info.version, Coverage::Full, entity);
                table.each(|id, facts| {
                    if is_its(facts) {
                        list(&mut document, id, Some(facts), entity, target);
                    }
                });
                document.end();
                return Ok(());
            }
            // Kept while it is printed: whoever gives it back does so under no lock.
            let entry = table.get(info.only);
            let facts = entry.as_ref().map(DialogRef::facts);
            if facts.as_ref().is_some_and(|facts| !is_its(facts)) {
                return Err(SIPXFER_E_NOT_FOUND);
            }
            let mut document = DialogInfo::begin(out, info.version, Coverage::Partial, entity);
            list(&mut document, info.only, facts.as_ref(), entity, target);
            document.end();
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

/// The id is that of the table, which is the same in every document.
fn list(
    document: &mut DialogInfo<'_, '_>,
    id: u64,
    facts: Option<&Facts<'_>>,
    entity: &[u8],
    target: &[u8],
) {
    let mut room = [0; 20];
    let mut digits = Writer::new(&mut room);
    digits.push_decimal(id);
    let none = Participant::default();
    let Some(facts) = facts else {
        let gone = DialogView {
            id: digits.written(),
            call_id: b"",
            local_tag: b"",
            remote_tag: b"",
            direction: None,
            progress: Progress::Terminated,
            local: none,
            remote: none,
        };
        return document.dialog(&gone);
    };
    let local = Participant { identity: entity, ..none };
    let remote = Participant { target, ..none };
    document.dialog(&DialogView::of_leg(digits.written(), facts, local, remote));
}
