//! Level 3: what goes into the park lot, and what it wants done.

use super::raw::*;
use super::types::*;

/// The lowest free place of `park.places`.
pub const SIPXFER_PARK_LOWEST: u32 = 1;
/// The place `number`.
pub const SIPXFER_PARK_NUMBER: u32 = 2;
/// No place: under a secret of 128 random bits, which nobody guesses. Who shows it in a Replaces has
/// the ground `token`.
pub const SIPXFER_PARK_SECRET: u32 = 3;

/// Room that is enough for every token.
pub const SIPXFER_PARK_TOKEN_SIZE: usize = 26;

/// Nobody came for this call in `park.timeout_s`, and it is out of the lot: ring the one who parked it
/// (`parker`) and connect it with the call (`handle`), where that is still there.
pub const SIPXFER_PARK_OUTPUT_RING_BACK: u32 = 1;
/// Send a NOTIFY in the subscription `handle`: `headers` has its Event, Subscription-State and
/// Content-Type, `body` the document (RFC 4235). Where `watcher` is not 0,
/// `sipxfer_park_notify_answered()` is told how it is answered.
pub const SIPXFER_PARK_OUTPUT_NOTIFY: u32 = 2;

/// A call that is to be parked.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_park_call {
    /// `sizeof (struct sipxfer_park_call)`.
    pub struct_size: usize,
    /// Call-ID of the dialog with the party that waits.
    pub call_id: sipxfer_str,
    /// This side's tag.
    pub local_tag: sipxfer_str,
    /// The peer's tag; empty for a peer that sends none (RFC 2543).
    pub remote_tag: sipxfer_str,
    /// Who parks it: whatever the host needs to ring back.
    pub parker: sipxfer_str,
    /// The URI of the party that waits, for those who watch the lot; may be empty.
    pub party: sipxfer_str,
    /// The host's own name for the call.
    pub handle: u64,
    /// `SIPXFER_PARK_LOWEST`, `_NUMBER` or `_SECRET`.
    pub place: u32,
    /// The place of a NUMBER, else 0.
    pub number: u32,
}

/// A parked call that was claimed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_parked {
    /// `sizeof (struct sipxfer_parked)`, set by the caller.
    pub struct_size: usize,
    /// The right to take it out, for `sipxfer_park_retrieved()` or `sipxfer_park_release()`.
    pub claim: u64,
    /// The host's own name for the call.
    pub handle: u64,
    /// Its token.
    pub token: sipxfer_str,
    /// Value of a Replaces that names its dialog as this side reads it, with its token as parameter
    /// `token`: an INVITE or Refer-To with it, sent to this side, may take the call out.
    pub replaces: sipxfer_str,
    /// Call-ID of its dialog.
    pub call_id: sipxfer_str,
    /// This side's tag.
    pub local_tag: sipxfer_str,
    /// The peer's tag, or empty.
    pub remote_tag: sipxfer_str,
    /// Who parked it.
    pub parker: sipxfer_str,
    /// The URI of the party that waits, or empty.
    pub party: sipxfer_str,
}

/// A SUBSCRIBE with Event: dialog to the lot, or to one of its places.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_park_watch {
    /// `sizeof (struct sipxfer_park_watch)`.
    pub struct_size: usize,
    /// The URI that was subscribed to: `entity` of the documents.
    pub entity: sipxfer_str,
    /// The URI that an INVITE with Replaces is to go to: an address of this side.
    pub target: sipxfer_str,
    /// The id of the SUBSCRIBE's Event, or empty. One that is no token is left out.
    pub event_id: sipxfer_str,
    /// The host's own name for the subscription.
    pub handle: u64,
    /// The place that is watched; 0 for the whole lot.
    pub number: u32,
    /// Expires of the SUBSCRIBE; UINT32_MAX: none. 0 is a single look.
    pub expires_s: u32,
}

/// One thing that the lot wants done. Its strings point into the buffer that was handed in.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_park_output {
    /// `sizeof (struct sipxfer_park_output)`, set by the caller.
    pub struct_size: usize,
    /// The subscription of a NOTIFY; 0 where it is over with this one and has no name.
    pub watcher: u64,
    /// The host's own name for the call, or for the subscription.
    pub handle: u64,
    /// `SIPXFER_PARK_OUTPUT_*`. A kind that the host does not know is left out.
    pub kind: u32,
    /// 1 where the subscription ends with this NOTIFY.
    pub is_last: u32,
    /// Header lines of a NOTIFY, each ended by CRLF.
    pub headers: sipxfer_str,
    /// Body of a NOTIFY.
    pub body: sipxfer_str,
    /// Token of a RING_BACK; it names the call no more.
    pub token: sipxfer_str,
    /// Call-ID of the dialog of a RING_BACK.
    pub call_id: sipxfer_str,
    /// This side's tag.
    pub local_tag: sipxfer_str,
    /// The peer's tag, or empty.
    pub remote_tag: sipxfer_str,
    /// Who parked the call of a RING_BACK.
    pub parker: sipxfer_str,
    /// The URI of the party that waits, or empty.
    pub party: sipxfer_str,
}

versioned! {
    sipxfer_park_call: number;
    sipxfer_parked: party;
    sipxfer_park_watch: expires_s;
    sipxfer_park_output: party;
}
