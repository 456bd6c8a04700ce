//! The structs and constants that cross the boundary.

use core::ffi::{c_char, c_void};

/// Major number of the ABI; the soname carries it.
pub const SIPXFER_ABI_MAJOR: u32 = 0;
/// Grows with every addition to the ABI.
pub const SIPXFER_ABI_MINOR: u32 = 1;

/// Added to a `struct_size`: fields at the end of the struct that this version of the library
/// does not know are ignored, whatever they hold.
pub const SIPXFER_ALLOW_UNKNOWN: u32 = 0x8000_0000;

/// INVITE: it carries no Replaces that applies, go on as with any other. REFER: it was received before,
/// `code` is to be answered again (`sipxfer_transfer_receive()`).
pub const SIPXFER_VERDICT_NONE: u32 = 0;
/// INVITE: accept it in the place of `dialog`, then do `old_dialog` to the old one.
pub const SIPXFER_VERDICT_ACCEPT: u32 = 1;
/// Answer with `code`. The call that exists is left as it is.
pub const SIPXFER_VERDICT_REJECT: u32 = 2;
/// Challenge the sender: 401, or 407 where the host acts as a proxy.
pub const SIPXFER_VERDICT_CHALLENGE: u32 = 3;
/// REFER: send the other party of the call to `extension` in `context`.
pub const SIPXFER_VERDICT_BLIND: u32 = 4;
/// REFER: both calls are here; connect the other party of the call to that of `dialog`, and then do
/// `old_dialog` to `dialog`, which is the transferor's leg of the consultation call. The leg that the
/// REFER came in is the transferor's to end, after the final NOTIFY.
pub const SIPXFER_VERDICT_LOCAL_ATTENDED: u32 = 5;
/// REFER: the target's dialog is elsewhere; send the other party of the call to the
/// external_replaces extension in `context`, with the variables.
pub const SIPXFER_VERDICT_REMOTE_ATTENDED: u32 = 6;
/// REFER: another method than INVITE is asked for (`method`), and the settings allow it.
pub const SIPXFER_VERDICT_OTHER_METHOD: u32 = 7;
/// The directory has not found out yet: keep the request and ask again later; where `lookup` is not 0,
/// when `on_lookup` tells of it, an INVITE being answered with 100 meanwhile. By
/// `sipxfer_transfer_receive()` a REFER that waits for a lookup is accepted: `code` is its answer, and the
/// transfer goes on by `sipxfer_transfer_route()`.
pub const SIPXFER_VERDICT_PENDING: u32 = 8;
/// INVITE with Join: accept it and mix it with the call of `dialog`, which goes on (RFC 3911 section
/// 4). What cannot be accepted after all is refused and leaves `dialog` as it was.
pub const SIPXFER_VERDICT_JOIN: u32 = 9;
/// INVITE, by `sipxfer_takeover_receive()` alone: it was received before. Answer it as it was answered
/// then, if it was, and do nothing else.
pub const SIPXFER_VERDICT_AGAIN: u32 = 10;

/// REFER: pass it on to the other leg of its call (the setting `refer.mode`); `code` is 0.
///
/// The host sends a REFER in the dialog of that leg, with the header lines of `sipxfer_refer_pass()`, a
/// Contact of its own and the body as it came. Its final response is the answer to this one: the code,
/// and Refer-Sub or Refer-Events-At where it has one. The NOTIFYs that come on that leg are sent on in
/// the dialog of this REFER, with their Subscription-State and body as they are; where their Event has
/// an id, that is the CSeq of the REFER on that leg, and becomes the CSeq of this one (RFC 3515 section
/// 2.4.6); each is answered as the one sent on is. A SUBSCRIBE goes the same way in the other direction.
/// No transfer of the library begins.
pub const SIPXFER_VERDICT_PASS: u32 = 11;

/// The dialog is on another node, `node`, and the sender may replace it; only where the directory has
/// `lookup`. REFER: as `SIPXFER_VERDICT_REMOTE_ATTENDED`, but `target` is the URI under which that node
/// takes INVITEs with Replaces, whatever the Refer-To names; `remote.allow_domains` and its kin do not
/// hold for it, `remote.require_tls` does. INVITE: redirect it, with `code` 302 and a Contact of `target`
/// (`sipxfer_response_print()` has both); its sender repeats the Replaces there (RFC 3261 section
/// 8.1.3.4).
pub const SIPXFER_VERDICT_REMOTE_NODE: u32 = 12;

/// There is no Referred-By.
pub const SIPXFER_REFERRER_NONE: u32 = 0;
/// There is a Referred-By that anybody could have written (RFC 3892 section 5): it has no token, its
/// `cid` names no body part, or the host does not hold the token to be valid.
pub const SIPXFER_REFERRER_UNVERIFIED: u32 = 1;
/// There is a Referred-By, and the host's `verify_token` holds its token to be valid.
pub const SIPXFER_REFERRER_VERIFIED: u32 = 2;

/// The dialog exists, the INVITE has no final answer yet.
pub const SIPXFER_DIALOG_EARLY: u32 = 1;
/// The INVITE was answered with 2xx.
pub const SIPXFER_DIALOG_CONFIRMED: u32 = 2;
/// The dialog has ended.
pub const SIPXFER_DIALOG_TERMINATED: u32 = 3;

/// This side sent the request that made the dialog.
pub const SIPXFER_INITIATOR_LOCAL: u32 = 1;
/// The peer sent the request that made the dialog.
pub const SIPXFER_INITIATOR_REMOTE: u32 = 2;

/// The dialog was made by INVITE.
pub const SIPXFER_USAGE_INVITE: u32 = 1;
/// The dialog was made by SUBSCRIBE or anything else that is not INVITE.
pub const SIPXFER_USAGE_OTHER: u32 = 2;

/// Leave the old dialog alone. With ACCEPT or LOCAL_ATTENDED `dialog` is a parked call, and the party
/// that waits there is who is wanted: claim it (`sipxfer_park_claim_dialog()`), connect it, and tell
/// (`sipxfer_park_retrieved()`, or `sipxfer_park_release()` where that failed).
pub const SIPXFER_OLD_DIALOG_NOTHING: u32 = 0;
/// Once the new call is answered, end the old dialog with BYE (RFC 3891 section 3).
pub const SIPXFER_OLD_DIALOG_BYE: u32 = 1;
/// Once the new call is answered, end the old dialog with CANCEL; if its 2xx crosses the
/// CANCEL, ACK and BYE (RFC 3891 section 3).
pub const SIPXFER_OLD_DIALOG_CANCEL: u32 = 2;
/// Once the new call is answered, answer the old dialog's INVITE with 487: it is an early
/// dialog that the peer began, and the setting `replaces.accept_early_incoming` lets it go.
pub const SIPXFER_OLD_DIALOG_REJECT: u32 = 3;

/// Not authorized, or nothing to authorize.
pub const SIPXFER_GROUND_NONE: u32 = 0;
/// The setting `replaces.authorize` is `any`.
pub const SIPXFER_GROUND_ANY: u32 = 1;
/// The sender is the user that is being replaced.
pub const SIPXFER_GROUND_SAME_USER: u32 = 2;
/// The sender's endpoint is the one that is being replaced.
pub const SIPXFER_GROUND_SAME_ENDPOINT: u32 = 3;
/// A trusted peer sent a Referred-By of the user that is being replaced.
pub const SIPXFER_GROUND_REFERRED_BY: u32 = 4;
/// The sender shows the token of a parked call (`sipxfer_park()`) as parameter `token` of its Replaces,
/// or the call is parked under a number and `park.open` lets the sender have such calls.
pub const SIPXFER_GROUND_TOKEN: u32 = 5;
/// The configuration trusts the sender's endpoint (`replaces_trusted`).
pub const SIPXFER_GROUND_TRUSTED_PEER: u32 = 6;
/// The host's `authorize` callback said yes.
pub const SIPXFER_GROUND_HOST: u32 = 7;

/// UDP.
pub const SIPXFER_TRANSPORT_UDP: u32 = 1;
/// TCP.
pub const SIPXFER_TRANSPORT_TCP: u32 = 2;
/// TLS over TCP.
pub const SIPXFER_TRANSPORT_TLS: u32 = 3;
/// WebSocket.
pub const SIPXFER_TRANSPORT_WS: u32 = 4;
/// WebSocket over TLS.
pub const SIPXFER_TRANSPORT_WSS: u32 = 5;

/// Answer of an asking callback: no.
pub const SIPXFER_NO: i32 = 0;
/// Answer of an asking callback: yes.
pub const SIPXFER_YES: i32 = 1;
/// Answer of the `approve` callback: not decided yet; the REFER is accepted meanwhile.
pub const SIPXFER_LATER: i32 = 2;

/// The setting `transfer_handling` says who decides how an accepted REFER goes on.
pub const SIPXFER_HANDLING_SETTING: u32 = 0;
/// The host does, whatever the setting says.
pub const SIPXFER_HANDLING_HOST: u32 = 1;
/// An application does, by its commands, whatever the setting says.
pub const SIPXFER_HANDLING_APPLICATION: u32 = 2;

/// Log level: something is broken.
pub const SIPXFER_LOG_ERROR: u32 = 1;
/// Log level: something was refused or dropped.
pub const SIPXFER_LOG_WARNING: u32 = 2;
/// Log level: what was decided.
pub const SIPXFER_LOG_INFO: u32 = 3;

/// The most rules that a verdict names.
pub const SIPXFER_MAX_RULES: usize = 16;

/// A borrowed string: `len` bytes at `ptr`, without NUL at the end. (NULL, 0) is empty.
///
/// Strings that the library hands out point into what the caller handed in (message, scratch space,
/// request), or into static text; each field says for how long they hold. Nobody frees them.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_str {
    /// The first byte, or NULL where `len` is 0.
    pub ptr: *const c_char,
    /// Length in bytes.
    pub len: usize,
}

/// Why a text did not parse.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_parse_error {
    /// `sizeof (struct sipxfer_parse_error)`, set by the caller.
    pub struct_size: usize,
    /// What was expected, in plain words. Static text.
    pub what: sipxfer_str,
    /// The byte of the text, counted from 0, where it was expected.
    pub offset: usize,
    /// Number of the rule that asks for it; `sipxfer_rule_text()` has its words.
    pub rule: u32,
    /// Zero.
    pub reserved: u32,
}

/// One channel variable for the dialplan.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_variable {
    /// Name: SIPTRANSFER, SIPREFERRINGCONTEXT, SIPREFERTOHDR, SIPREPLACESHDR, SIPREFERREDBYHDR,
    /// SIPTRANSFERNODE (the name of the node that has the dialog; not by Asterisk's names).
    pub name: sipxfer_str,
    /// Value. SIPREFERTOHDR is the URI as a Request-URI, without the headers behind its `?`. It
    /// comes from a stranger: a host that reads it into a dial string escapes what that string
    /// gives a meaning to.
    pub value: sipxfer_str,
}

/// The identity of a dialog as this side sees it (RFC 3261 section 12).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_dialog_key {
    /// `sizeof (struct sipxfer_dialog_key)`.
    pub struct_size: usize,
    /// Call-ID, compared byte for byte.
    pub call_id: sipxfer_str,
    /// This side's tag, compared without regard to ASCII case.
    pub local_tag: sipxfer_str,
    /// The peer's tag, compared without regard to ASCII case; empty for a peer that sends none
    /// (RFC 2543).
    pub remote_tag: sipxfer_str,
}

/// A dialog of the host.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_dialog {
    /// `sizeof (struct sipxfer_dialog)`.
    pub struct_size: usize,
    /// The host's own object, never NULL. The library hands it back and never looks into it.
    pub dialog: *mut c_void,
    /// Call-ID.
    pub call_id: sipxfer_str,
    /// This side's tag.
    pub local_tag: sipxfer_str,
    /// The peer's tag; empty where the peer sends none (RFC 2543).
    pub remote_tag: sipxfer_str,
    /// The peer's user as the host has authenticated it; empty equals nobody, as on a leg that this
    /// side called. Never taken from a From header.
    pub user: sipxfer_str,
    /// The endpoint that the call came from, or that this side called. On a leg that this side
    /// called it stands for the user who may be replaced.
    pub endpoint: sipxfer_str,
    /// `SIPXFER_DIALOG_EARLY`, `_CONFIRMED` or `_TERMINATED`.
    pub state: u32,
    /// `SIPXFER_INITIATOR_LOCAL` or `_REMOTE`.
    pub initiator: u32,
    /// `SIPXFER_USAGE_INVITE` or `_OTHER`.
    pub usage: u32,
    /// 1 where the dialog was made over sips.
    pub secure: u32,
}

/// A request as the host received it, and what the host knows about its sender.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_request {
    /// `sizeof (struct sipxfer_request)`.
    pub struct_size: usize,
    /// The raw bytes of the request, start line to body. Must stay as they are while a verdict
    /// on them is in use.
    pub message: sipxfer_str,
    /// The host's own object for the request; callbacks get it back.
    pub host_data: *mut c_void,
    /// The dialog that the request came in (the host's own object), or NULL outside of one: for the
    /// callbacks. The library itself goes by the To tag of the message.
    pub dialog: *mut c_void,
    /// Source address as text, for the log; may be empty.
    pub source: sipxfer_str,
    /// The endpoint that the sender was identified as; empty for a stranger.
    pub endpoint: sipxfer_str,
    /// The user that the host has authenticated (by digest, certificate or address); empty
    /// equals nobody. Never taken from a From header.
    pub user: sipxfer_str,
    /// The endpoint's dialplan context. Where it is empty the endpoint's setting `context` is
    /// taken.
    pub context: sipxfer_str,
    /// Monotonic time in milliseconds, from any starting point. Going back is clamped; a jump far
    /// ahead ends what waits for time (the memory of ended dialogs, the rate of REFERs). At most
    /// INT64_MAX.
    pub now_ms: u64,
    /// `SIPXFER_TRANSPORT_*`, or 0: for the callbacks.
    pub transport: u32,
    /// 1 where the request came over a transport that the host holds to be secure.
    pub secure: u32,
    /// How many transfers the call has already been through; 0 for a fresh call. A verdict
    /// hands back the number to keep for the new call.
    pub transfer_depth: u32,
    /// `SIPXFER_HANDLING_*`: who decides how an accepted REFER goes on; 0 leaves it to the setting
    /// `transfer_handling`.
    pub handling: u32,
}

/// What the library decided about a request, and why.
///
/// All strings hold until the scratch space, the message or the request is reused. Where the
/// function that fills it in fails, it is left as it was. A kind that the host does not know is to be treated
/// as a refusal.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_verdict {
    /// `sizeof (struct sipxfer_verdict)`, set by the caller.
    pub struct_size: usize,
    /// `SIPXFER_VERDICT_*`.
    pub kind: u32,
    /// The SIP status to answer with: the final response of a refusal or challenge; 202 or 200
    /// for a REFER that is accepted; 200 for an accepted Replaces (after which media is the
    /// host's matter: 488 leaves the old dialog untouched); 0 where the host goes on as usual.
    pub code: u32,
    /// Reason phrase of `code`.
    pub reason: sipxfer_str,
    /// Value of a Warning header to send with a refusal, or empty.
    pub warning: sipxfer_str,
    /// Value of the Unsupported header of a 420, or empty.
    pub unsupported: sipxfer_str,
    /// The host's dialog that Replaces names, or NULL. It is pinned until
    /// `sipxfer_verdict_release()`, and locked where `locked` is 1.
    pub dialog: *mut c_void,
    /// The reference that `sipxfer_verdict_release()` gives back; 0 for none.
    pub pin: u64,
    /// `SIPXFER_DIALOG_*` of `dialog`, as its lock reported it where a lock was asked for.
    pub dialog_state: u32,
    /// `SIPXFER_INITIATOR_*` of `dialog`.
    pub dialog_initiator: u32,
    /// `SIPXFER_OLD_DIALOG_*`: what is to happen to `dialog` once the new call stands. On any
    /// failure before that it is left exactly as it was (RFC 3891 section 3).
    pub old_dialog: u32,
    /// 1 where the host's lock of `dialog` is held.
    pub locked: u32,
    /// 1 where only an early dialog may be replaced.
    pub early_only: u32,
    /// `SIPXFER_GROUND_*`: on what ground the sender may replace `dialog`.
    pub ground: u32,
    /// Dialplan context to go on in.
    pub context: sipxfer_str,
    /// Extension to go on at: the user part without its options, decoded, `s` where there is none,
    /// or the external_replaces extension. It exists, but where it came from a stranger it may hold
    /// what a dial string gives a meaning to.
    pub extension: sipxfer_str,
    /// The Request-URI of the triggered request: the Refer-To URI without its headers. For a local
    /// attended transfer nothing is triggered, and this and the next fields are for the log.
    pub target: sipxfer_str,
    /// The method that the Refer-To asks for; INVITE where it names none.
    pub method: sipxfer_str,
    /// Value of the Replaces header for the triggered INVITE, or empty.
    pub replaces: sipxfer_str,
    /// Value of the Referred-By header to copy into the triggered INVITE, or empty.
    pub referred_by: sipxfer_str,
    /// The header lines that the triggered INVITE carries, each ended by CRLF: Replaces,
    /// Require, Referred-By and what the Refer-To URI may add. Free of anything else.
    pub headers: sipxfer_str,
    /// Names of header fields of the Refer-To URI that were dropped, separated by commas.
    pub dropped: sipxfer_str,
    /// The channel variables to set.
    pub variables: *const sipxfer_variable,
    /// How many variables there are.
    pub variable_count: usize,
    /// 1 where accepting the REFER creates a subscription and a NOTIFY with `SIP/2.0 100
    /// Trying` is to follow at once; 0 where the sender wants none: by `Refer-Sub: false`, which the
    /// answer repeats, or by what it requires (RFC 7614; `rules` then holds 71 or 72).
    pub subscription: u32,
    /// 1 where the host's `approve` callback has not decided yet.
    pub approval_pending: u32,
    /// The number to hand in as `transfer_depth` for the call that this transfer makes.
    pub transfer_depth: u32,
    /// Seconds for a Retry-After header, or 0.
    pub retry_after_s: u32,
    /// The numbers of the rules that led here, in the order in which they were met.
    pub rules: [u16; SIPXFER_MAX_RULES],
    /// How many of `rules` are set.
    pub rule_count: u32,
    /// Where a header did not parse: number of the rule it breaks; otherwise 0.
    pub error_rule: u32,
    /// Where a header did not parse: what was expected; otherwise empty.
    pub error_what: sipxfer_str,
    /// Where a header did not parse: the byte of the message where it was expected.
    pub error_offset: usize,
    /// The setting that decided, or empty.
    pub setting: sipxfer_str,
    /// One sentence for an administrator; the `log` callback got it too. Not for the wire.
    pub why: sipxfer_str,
    /// REFER: 1 where it is about a call with its sender, in whose dialog it came or which
    /// `target_dialog` names. 0 where there is no such call (click-to-dial): the host calls the one that
    /// it acts for, and sends that call to where the verdict says. With `SIPXFER_VERDICT_LOCAL_ATTENDED`
    /// the new call takes the place of `dialog`, which may be a third party's.
    pub in_call: u32,
    /// `SIPXFER_REFERRER_*`: what is known of who is named in `referred_by`.
    pub referrer: u32,
    /// The body part with the token of the Referred-By as it came, its MIME header lines included; or
    /// empty. It goes into the triggered INVITE untouched, as a part of its multipart body between
    /// delimiters that do not occur in it (RFC 3892 section 2.2).
    pub token: sipxfer_str,
    /// REFER: value of the Target-Dialog that names its call, where it came outside of the call's dialog
    /// and the setting `refer.target_dialog` lets that stand; otherwise empty.
    /// `sipxfer_target_dialog_parse()` reads it.
    pub target_dialog: sipxfer_str,
    /// Of a PENDING verdict: the lookup that is waited for, or 0.
    pub lookup: u64,
    /// The name of the node that has the dialog (`SIPXFER_VERDICT_REMOTE_NODE`), or empty.
    pub node: sipxfer_str,
}
