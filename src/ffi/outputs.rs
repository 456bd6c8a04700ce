//! Level 3: what a transfer wants done.

use super::raw::*;
use super::status::*;
use super::types::*;
use crate::sip::Replaces;
use crate::transfer::event::{Bridge, ChannelTransfer, JsonObject, Leg, Party, Wanted};
use crate::transfer::recipient::AppState;
use core::ffi::c_char;

/// Answer the REFER with `code`, `reason` and the header lines in `headers`. The first output of a
/// transfer; given again only where the REFER is retransmitted.
pub const SIPXFER_OUTPUT_ANSWER: u32 = 1;
/// Send a NOTIFY in the dialog of the REFER, or in that of the SUBSCRIBE where the subscription is an
/// explicit one (`sipxfer_transfer_subscribe_at()`): `headers` has its Event, Subscription-State and
/// Content-Type, `body` the sipfrag. How it is answered is told by
/// `sipxfer_transfer_notify_answered()`.
pub const SIPXFER_OUTPUT_NOTIFY: u32 = 2;
/// Do `command`.
pub const SIPXFER_OUTPUT_COMMAND: u32 = 3;
/// Tell the application: that there is a transfer (an empty `state`), or its new state;
/// `sipxfer_event_json()` makes the event.
pub const SIPXFER_OUTPUT_EVENT: u32 = 4;
/// The transfer has its one outcome: `code`, `reason` and `cause`. It is not gone by that; `last` tells.
pub const SIPXFER_OUTPUT_FINISHED: u32 = 5;

/// Contact the target, or connect the calls, as the verdict said; tell what comes of it by
/// `sipxfer_transfer_progress()`.
pub const SIPXFER_COMMAND_START: u32 = 1;
/// The transfer has failed: give up what there is of the referred call and leave the original call
/// as it was (RFC 5589 section 4).
pub const SIPXFER_COMMAND_KEEP_CALL: u32 = 2;
/// The transfer has failed and the transferor has hung up: give up what there is of the referred
/// call and call the transferor back for the other party. This one and the next come behind FINISHED,
/// after a KEEP_CALL, where the device of the transferor had let go of its call before the failure (its
/// profile says so) and its BYE comes only now.
pub const SIPXFER_COMMAND_RECALL_TRANSFEROR: u32 = 3;
/// The transfer has failed and the transferor has hung up: give up what there is of the referred
/// call and hang up the other party.
pub const SIPXFER_COMMAND_HANG_UP_TRANSFEREE: u32 = 4;
/// The transfer has succeeded and the transferor has not hung up: send it a BYE.
pub const SIPXFER_COMMAND_HANG_UP_TRANSFEROR: u32 = 5;
/// The lookup is over that the transfer waited for since its REFER was accepted with
/// `SIPXFER_VERDICT_PENDING`: call `sipxfer_transfer_route()` with the REFER, of which the host has kept a
/// copy.
pub const SIPXFER_COMMAND_ROUTE: u32 = 6;

/// The final response of the target.
pub const SIPXFER_CAUSE_TARGET: u32 = 1;
/// The target could not be contacted.
pub const SIPXFER_CAUSE_CONTACT: u32 = 2;
/// The host refused after the REFER had been accepted.
pub const SIPXFER_CAUSE_REFUSED: u32 = 3;
/// The application decided.
pub const SIPXFER_CAUSE_APPLICATION: u32 = 4;
/// Nothing was heard of the transfer for too long.
pub const SIPXFER_CAUSE_DEADLINE: u32 = 5;
/// The host gave up.
pub const SIPXFER_CAUSE_GIVEN_UP: u32 = 6;

/// Room that is enough for the strings of any output but an EVENT, which repeats the Replaces or the
/// user part of its REFER.
/// (`SIPXFER_EVENT_SIZE()` is enough for that.)
pub const SIPXFER_OUTPUT_SIZE: usize = 1024;

/// One thing that a transfer wants done. Its strings point into the buffer that was handed in, or
/// into static text.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_output {
    /// `sizeof (struct sipxfer_output)`, set by the caller.
    pub struct_size: usize,
    /// The transfer that wants it.
    pub transfer: u64,
    /// `SIPXFER_OUTPUT_*`. A kind that the host does not know is left out.
    pub kind: u32,
    /// `SIPXFER_COMMAND_*` of a COMMAND.
    pub command: u32,
    /// SIP code of an ANSWER, a NOTIFY or the outcome.
    pub code: u32,
    /// `SIPXFER_CAUSE_*` of the outcome.
    pub cause: u32,
    /// Reason phrase of `code`.
    pub reason: sipxfer_str,
    /// Header lines, each ended by CRLF.
    pub headers: sipxfer_str,
    /// Body of a NOTIFY.
    pub body: sipxfer_str,
    /// State of an EVENT, as `channel_answered`; empty for the first one of a transfer.
    pub state: sipxfer_str,
    /// What the REFER of an EVENT asks for: value of the Replaces of an attended transfer, or empty.
    pub replaces: sipxfer_str,
    /// What it asks for: the user part of the target of a blind transfer, or empty.
    pub destination: sipxfer_str,
    /// 1 where the transfer goes with this output: its id is stale from now on. A FINISHED may come
    /// before that, as long as the subscription goes on or a command about the transferor may follow. A
    /// transfer whose FINISHED was taken may also go without another output: with the BYE of a transferor
    /// that the host would have been told to hang up, or when nobody has subscribed where it is kept for
    /// that. `sipxfer_transfer_count()` counts those that are there.
    pub last: u32,
    /// Zero.
    pub reserved: u32,
    /// How many bytes the strings need in the buffer. Written where the answer is `SIPXFER_E_BUFFER`
    /// too, and then nothing else is.
    pub needed: usize,
}

/// A ChannelTransfer event, as ARI of Asterisk 22 knows it. Channels and bridges are the host's own
/// JSON objects (`{"id":"...","name":"..."}` and whatever else), or empty where there is none or it is
/// not known here. In a bridge of three or more `connected_channel` stays empty, since none of the
/// others is the connected one, and the bridge tells who is there.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_event {
    /// `sizeof (struct sipxfer_event)`.
    pub struct_size: usize,
    /// The application that it is for, or empty.
    pub application: sipxfer_str,
    /// When, as the host writes dates, or empty.
    pub timestamp: sipxfer_str,
    /// `state` of the output; empty in the first event.
    pub state: sipxfer_str,
    /// `replaces` of the output. Either this or `destination`.
    pub replaces: sipxfer_str,
    /// `destination` of the output.
    pub destination: sipxfer_str,
    /// The channel that the REFER came on. Never empty.
    pub source_channel: sipxfer_str,
    /// The channel that is connected with it.
    pub source_connected: sipxfer_str,
    /// The bridge of both.
    pub source_bridge: sipxfer_str,
    /// The channel of the dialog that is to be replaced, where it is here.
    pub destination_channel: sipxfer_str,
    /// The channel that is connected with it.
    pub destination_connected: sipxfer_str,
    /// The bridge of both.
    pub destination_bridge: sipxfer_str,
}

versioned! {
    sipxfer_output: destination;
    sipxfer_event: destination_bridge;
}

/// Prints a ChannelTransfer event as one JSON object.
///
/// Writes up to `capacity` bytes, without NUL, and their number to `needed`. Returns `SIPXFER_OK`,
/// `SIPXFER_E_BUFFER` where `needed` is more than `capacity`, `SIPXFER_E_PARSE` where a channel or bridge
/// is no JSON object or the Replaces does not parse, `SIPXFER_E_RANGE` for an unknown state or for both
/// or none of `replaces` and `destination`, or the status of a wrong argument. Threads: any; does not
/// block; allocates nothing.
///
/// # Safety
/// `event` points to a struct whose `struct_size` is set and whose strings hold, `buffer` to
/// `capacity` writable bytes, `needed` to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_event_json(
    event: *const sipxfer_event,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let event = unsafe { read_struct(event) }?;
        // SAFETY: contract of this function.
        let part = |part: sipxfer_str| unsafe { bytes(part.ptr, part.len) };
        let party = |it: sipxfer_str| match part(it)? {
            [] => Ok(None),
            text => JsonObject::parse(text).map(Party::Object).map(Some).ok_or(SIPXFER_E_PARSE),
        };
        let leg = |channel, connected, bridge| {
            let bridge = party(bridge)?.map(|bridge| Bridge { bridge, channels: &[] });
            Ok::<_, Status>((party(channel)?, party(connected)?, bridge))
        };
        let state = match part(event.state)? {
            [] => None,
            name => Some(AppState::from_name(name).ok_or(SIPXFER_E_RANGE)?),
        };
        let wanted = match (part(event.replaces)?, part(event.destination)?) {
            (replaces, []) if !replaces.is_empty() => {
                Wanted::Dialog(Replaces::parse(replaces).map_err(|_| SIPXFER_E_PARSE)?)
            }
            ([], destination) if !destination.is_empty() => Wanted::Destination(destination),
            _ => return Err(SIPXFER_E_RANGE),
        };
        let (source, source_connected, source_bridge) =
            leg(event.source_channel, event.source_connected, event.source_bridge)?;
        let (target, target_connected, target_bridge) =
            leg(event.destination_channel, event.destination_connected, event.destination_bridge)?;
        let told = ChannelTransfer {
            application: part(event.application)?,
            timestamp: part(event.timestamp)?,
            state,
            wanted,
            params: &[],
            refer_to: target.map(|channel| Leg {
                channel,
                others: target_connected.as_slice(),
                bridge: target_bridge,
            }),
            referred_by: Leg {
                channel: source.ok_or(SIPXFER_E_PARSE)?,
                others: source_connected.as_slice(),
                bridge: source_bridge,
            },
        };
        let print = |out: &mut crate::sip::Writer<'_>| {
            told.print(out);
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}
