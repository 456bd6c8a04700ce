//! Level 3: what a sent transfer starts from, and what it wants done.

use super::dialog_headers::{sipxfer_replaces, sipxfer_target_dialog};
use super::raw::*;
use super::types::*;

/// Send the transferee to `target` (RFC 5589 section 6).
pub const SIPXFER_REFER_BLIND: u32 = 1;
/// The same, but the consultation call with the target is ended first (RFC 5589 section 6).
pub const SIPXFER_REFER_CONSULTATION_HOLD: u32 = 2;
/// Send the transferee to the other end of the consultation call, which its call replaces (RFC 5589
/// section 7). Where that cannot be (one side lacks Replaces, or the dialog is early and this side
/// began it) the consultation call is ended and the transfer is a blind one (RFC 5589 sections 7.4 and
/// 7.5).
pub const SIPXFER_REFER_ATTENDED: u32 = 3;

/// The transferee supports `replaces` (RFC 3891).
pub const SIPXFER_PEER_REPLACES: u32 = 1;
/// The transferee supports `norefersub` (RFC 4488).
pub const SIPXFER_PEER_NOREFERSUB: u32 = 2;
/// The transferee supports `tdialog` (RFC 4538).
pub const SIPXFER_PEER_TDIALOG: u32 = 4;
/// The transferee's Contact is a GRUU (RFC 5627).
pub const SIPXFER_PEER_GRUU: u32 = 8;

/// Send a REFER: in the dialog of the call with the transferee where `in_dialog` is 1, else outside
/// of it, to the transferee's Contact (RFC 7647 section 4). It carries the lines in `headers` and
/// exactly one Contact, which the host adds (RFC 3515 section 2). `sipxfer_refer_sent()` reports it.
pub const SIPXFER_REFER_OUTPUT_SEND: u32 = 1;
/// Do `command`.
pub const SIPXFER_REFER_OUTPUT_COMMAND: u32 = 2;
/// The referred call has come as far as `code` and `reason` say. Nothing has to be done.
pub const SIPXFER_REFER_OUTPUT_PROGRESS: u32 = 3;
/// The transfer has its one outcome, and this is its last output: `outcome`, `code` and, by outcome,
/// `reason` or `why`.
pub const SIPXFER_REFER_OUTPUT_FINISHED: u32 = 4;

/// End the consultation call, by CANCEL or by BYE; `sipxfer_refer_consultation_ended()` reports that it
/// has ended, `sipxfer_refer_consultation_answered()` that its 2xx has crossed the CANCEL.
pub const SIPXFER_REFER_COMMAND_DROP_CONSULTATION: u32 = 1;
/// The 2xx of the consultation call has crossed the CANCEL: ACK, then BYE (RFC 3261 section 9.1).
pub const SIPXFER_REFER_COMMAND_BYE_CONSULTATION: u32 = 2;
/// The call with the transferee stays: take it back from hold (RFC 5589 section 4).
pub const SIPXFER_REFER_COMMAND_KEEP_CALL: u32 = 3;
/// Send the transferee a BYE.
pub const SIPXFER_REFER_COMMAND_HANG_UP: u32 = 4;

/// The transferee has reached the target: `code` is 200 to 299.
pub const SIPXFER_REFER_SUCCESS: u32 = 1;
/// It has not: `code` is 300 to 699, of the REFER or of the referred call.
pub const SIPXFER_REFER_FAILURE: u32 = 2;
/// Nobody will ever tell: `code` is the last one that was heard, or 0.
pub const SIPXFER_REFER_UNKNOWN: u32 = 3;

/// Timer N has ended without a NOTIFY (RFC 6665 section 4.1.2.4).
pub const SIPXFER_REFER_WHY_NO_NOTIFY: u32 = 1;
/// The subscription has run out.
pub const SIPXFER_REFER_WHY_EXPIRED: u32 = 2;
/// The last NOTIFY brought no final status line.
pub const SIPXFER_REFER_WHY_ENDED: u32 = 3;
/// The peer has agreed to send no NOTIFY (RFC 4488 section 4).
pub const SIPXFER_REFER_WHY_NOT_SUBSCRIBED: u32 = 4;

/// A transfer that is to begin. All strings are copied.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_refer_options {
    /// `sizeof (struct sipxfer_refer_options)`.
    pub struct_size: usize,
    /// URI of the target of a BLIND or CONSULTATION_HOLD, without headers; not used for ATTENDED.
    pub target: sipxfer_str,
    /// URI of the Contact of the target of an ATTENDED, without headers, or empty; not used for the
    /// others. One of `contact` and `aor` is given.
    pub contact: sipxfer_str,
    /// Its address of record, without headers, or empty. With both, the other one is tried after a
    /// failure (RFC 5589 section 7.3).
    pub aor: sipxfer_str,
    /// The consultation dialog of an ATTENDED as the *target* sees it (to-tag = the target's own
    /// tag). NULL for the others.
    pub replaces: *const sipxfer_replaces,
    /// The call with the transferee as the *transferee* sees it, or NULL. With it the REFER goes
    /// outside the dialog where the peer knows `tdialog` and its Contact is a GRUU (RFC 4538 section 3,
    /// RFC 7647 section 4), else in the dialog.
    pub target_dialog: *const sipxfer_target_dialog,
    /// Value of the Referred-By to send, or empty (RFC 3892 section 2.1).
    pub referred_by: sipxfer_str,
    /// The last INVITE, or 2xx to one, that came from the transferee, as it was received: its
    /// Supported and Contact tell what the peer can do. Empty: `peer` alone does.
    pub peer_message: sipxfer_str,
    /// The endpoint that the transferee is, or empty: by its settings `replaces` is offered in Supported
    /// (RFC 3891 section 6.2).
    pub endpoint: sipxfer_str,
    /// `SIPXFER_REFER_BLIND`, `_CONSULTATION_HOLD` or `_ATTENDED`.
    pub kind: u32,
    /// 1 where the transferee can reach `contact`: it is a GRUU or a public address. It is then tried
    /// first (RFC 5589 section 7.3).
    pub contact_reachable: u32,
    /// `SIPXFER_DIALOG_*` of the consultation dialog of an ATTENDED; not used for the others.
    pub dialog_state: u32,
    /// `SIPXFER_INITIATOR_*` of that dialog as seen from here: LOCAL where this side called the target.
    /// Needed where the dialog is early.
    pub dialog_initiator: u32,
    /// 1 where the target lists `replaces` in its Supported.
    pub target_supports_replaces: u32,
    /// `SIPXFER_PEER_*`, added: what the transferee can do, besides what `peer_message` says.
    pub peer: u32,
    /// 1 where progress and outcome are wanted. 0: a peer that knows `norefersub` is asked for no
    /// subscription (RFC 4488 section 4), and the outcome is then UNKNOWN.
    pub subscribe: u32,
    /// 1 to hang up as soon as the REFER was accepted (RFC 5589 section 6), 0 at the outcome. With 1
    /// there is no second try and nothing to take back.
    pub bye_after_accept: u32,
}

/// One thing that a sent transfer wants done. Its strings point into the buffer that was handed in.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_refer_output {
    /// `sizeof (struct sipxfer_refer_output)`, set by the caller.
    pub struct_size: usize,
    /// The transfer that wants it.
    pub transfer: u64,
    /// `SIPXFER_REFER_OUTPUT_*`. A kind that the host does not know is left out.
    pub kind: u32,
    /// `SIPXFER_REFER_COMMAND_*` of a COMMAND.
    pub command: u32,
    /// 1 where the REFER of a SEND goes in the dialog of the call with the transferee.
    pub in_dialog: u32,
    /// Attempt of a SEND: 1, or 2 for the second try. What belongs to that REFER is reported with it.
    pub attempt: u32,
    /// `SIPXFER_REFER_SUCCESS`, `_FAILURE` or `_UNKNOWN` of a FINISHED.
    pub outcome: u32,
    /// SIP code of a PROGRESS or FINISHED.
    pub code: u32,
    /// `SIPXFER_REFER_WHY_*` of an outcome that is UNKNOWN.
    pub why: u32,
    /// Zero.
    pub reserved: u32,
    /// Reason phrase of `code` in the peer's words, or empty.
    pub reason: sipxfer_str,
    /// Header lines of a SEND, each ended by CRLF, without Contact.
    pub headers: sipxfer_str,
    /// How many bytes the strings need in the buffer. Written where the answer is `SIPXFER_E_BUFFER`
    /// too, and then nothing else is.
    pub needed: usize,
}

versioned! {
    sipxfer_refer_options: bye_after_accept;
    sipxfer_refer_output: headers;
}
