//! The two callback tables that a host fills in.

use super::lookups::sipxfer_remote_dialog;
use super::types::{sipxfer_dialog, sipxfer_dialog_key, sipxfer_request, sipxfer_str};
use core::ffi::{c_char, c_void};

/// Where the host keeps its dialogs.
///
/// No callback is called under a lock of the library; each may call back into the library, from
/// any thread that calls the library. Under a lock of the host (`lock`) only `unlock`, `release` and
/// `log` are called: locking is the last thing that is done about a request. None may throw or
/// longjmp. The struct itself is copied by
/// `sipxfer_engine_new()`.
///
/// With `find` NULL the engine's own table is used (`sipxfer_dialog_add()`); `lock`, `unlock` and
/// `release` then speak of the host objects that were put into it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_directory {
    /// `sizeof (struct sipxfer_directory)`.
    pub struct_size: usize,
    /// Handed to each of these callbacks.
    pub user: *mut c_void,
    /// Finds the dialog with this key: fills in `out` (whose struct_size is set), takes a
    /// reference on its object and answers `SIPXFER_OK`; the strings of `out` must hold as long as
    /// that reference. Answers `SIPXFER_E_NOT_FOUND`, `SIPXFER_E_AMBIGUOUS` where several dialogs
    /// match, or `SIPXFER_E_PENDING` without a reference. A dialog that has ended may still be
    /// found, with the state TERMINATED (603). May be called up to four times for one request: a tag
    /// of value `0` also means a peer that sends none, and is asked for as an empty tag too. The triple in `out` is compared with the key: a
    /// dialog that does not match it is never handed on. Any other answer is a failure (500).
    pub find: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            key: *const sipxfer_dialog_key,
            out: *mut sipxfer_dialog,
        ) -> i32,
    >,
    /// Locks a dialog that is referenced and writes its state at that moment
    /// (`SIPXFER_DIALOG_*`). Answers `SIPXFER_OK`, or `SIPXFER_E_GONE` without a lock where it has
    /// ended. May block. Needed only where a lock is asked for.
    pub lock: Option<
        unsafe extern "C" fn(user: *mut c_void, dialog: *mut c_void, state: *mut u32) -> i32,
    >,
    /// Undoes `lock`. Given together with it. Called on the thread that calls
    /// `sipxfer_verdict_release()`: where the host's lock belongs to a thread, that is the one that
    /// got the verdict.
    pub unlock: Option<unsafe extern "C" fn(user: *mut c_void, dialog: *mut c_void)>,
    /// Gives one reference back: each successful `find` is one, each `sipxfer_dialog_add()` is
    /// one. After the last the library holds nothing of the dialog.
    pub release: Option<unsafe extern "C" fn(user: *mut c_void, dialog: *mut c_void)>,
    /// Called once when the engine is gone and nothing will use `user` any more; may be NULL.
    pub destroy: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// Begins to look on other nodes for a dialog that is not here (`find`, or the engine's own table, has
    /// none, and none has ended a short while ago); NULL where there are none. Answers
    /// `SIPXFER_E_PENDING`: the answer comes by `sipxfer_lookup_resume()` with this id, from any thread,
    /// also before this callback returns; or `SIPXFER_E_NOT_FOUND`, where nobody can be asked now. Any
    /// other answer counts as not found, with a line in the log. Must not block: a call waits for it.
    ///
    /// Asked for the Replaces of an INVITE and of a Refer-To, once for each dialog, whoever asks for it
    /// meanwhile, and only for senders that are authenticated. No more than `cluster.max_lookups` are
    /// under way at once, each for at most `cluster.deadline_ms`. The strings of `key` hold until it
    /// returns. With this callback the host needs `on_lookup` too.
    pub lookup: Option<
        unsafe extern "C" fn(user: *mut c_void, lookup: u64, key: *const sipxfer_dialog_key) -> i32,
    >,
    /// Handed to `lookup` and `lookup_parked` in the place of `user`.
    pub lookup_user: *mut c_void,
    /// As `lookup`, for a call that may be parked on another node and whose token was shown; NULL where
    /// parked calls are not known there, and `lookup` is asked without the token then. `token` is a number,
    /// or the letters of a secret in lower case. `key` is that of the Replaces that carries the token; all
    /// three parts are empty where the token alone is known (`sipxfer_park_find()`). The answer is the
    /// dialog that is parked under that token, with `call_id` and the tags filled in (and only if it is the
    /// one that `key` names, if it names one); else the one of `key`, without them. Together with `lookup`.
    pub lookup_parked: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            lookup: u64,
            token: sipxfer_str,
            key: *const sipxfer_dialog_key,
        ) -> i32,
    >,
}

/// What the library asks the host about dialplan and policy, and where it logs.
///
/// Every callback but `extension_exists` may be NULL: the settings then answer. The rules of
/// `sipxfer_directory` hold here too. The `request` of a callback is the very struct that the host handed in.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_host {
    /// `sizeof (struct sipxfer_host)`.
    pub struct_size: usize,
    /// Handed to each of these callbacks.
    pub user: *mut c_void,
    /// Does this extension exist in this context? `SIPXFER_YES` or `SIPXFER_NO`; anything else is
    /// a failure (500). Without this callback `sipxfer_refer_route()` answers
    /// `SIPXFER_E_CALLBACK_MISSING`; an engine that only verifies Replaces can do without.
    pub extension_exists: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            request: *const sipxfer_request,
            context: sipxfer_str,
            extension: sipxfer_str,
        ) -> i32,
    >,
    /// The value of TRANSFER_CONTEXT on the channel that the request came on: writes up to
    /// `capacity` bytes to `buffer` and their number to `len`, and answers `SIPXFER_OK`; or
    /// `SIPXFER_E_NOT_FOUND` where it is not set. Anything else is a failure (500).
    pub transfer_context: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            request: *const sipxfer_request,
            buffer: *mut c_char,
            capacity: usize,
            len: *mut usize,
        ) -> i32,
    >,
    /// May this endpoint transfer at all? `SIPXFER_YES` or `SIPXFER_NO`. Without this callback
    /// the endpoint's setting `allow_transfer` answers.
    pub allow_transfer:
        Option<unsafe extern "C" fn(user: *mut c_void, request: *const sipxfer_request) -> i32>,
    /// Approval of one transfer, asked before anything is contacted (RFC 3515 section 2.4.2):
    /// where it would go is told by kind (`SIPXFER_VERDICT_*`) and target. `SIPXFER_YES`,
    /// `SIPXFER_NO` (603), or `SIPXFER_LATER`: the REFER is accepted, and a later refusal is
    /// notified as 603.
    pub approve: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            request: *const sipxfer_request,
            kind: u32,
            target: sipxfer_str,
        ) -> i32,
    >,
    /// May the sender of this request replace this dialog (a pickup group, say)? `SIPXFER_YES` or
    /// `SIPXFER_NO`. Asked last, only for authenticated senders, and only where
    /// `replaces.authorize` holds `host`; for a Join (may the sender join its call?) only where
    /// `join.authorize` does, which it does not by default.
    pub authorize: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            request: *const sipxfer_request,
            dialog: *const sipxfer_dialog,
        ) -> i32,
    >,
    /// A log line, without line end, with the Call-ID, endpoint and source of the request it is about:
    /// level is `SIPXFER_LOG_*`. It may be called with the dialog of a verdict locked.
    pub log: Option<unsafe extern "C" fn(user: *mut c_void, level: u32, text: sipxfer_str)>,
    /// Fills `len` bytes at `buffer` with random bytes and answers `SIPXFER_OK`. Without it the
    /// operating system is asked. Called by `sipxfer_engine_new()`, and by `sipxfer_park()` for a
    /// secret: what it fills in is to be fit for one.
    pub random:
        Option<unsafe extern "C" fn(user: *mut c_void, buffer: *mut c_char, len: usize) -> i32>,
    /// The time of the earliest deadline has changed: at `deadline_ms` (in the time of `now_ms`)
    /// `sipxfer_tick()` is to be called, being late is allowed; UINT64_MAX for never. Called by the
    /// function that changed it, before that returns, or, where another call is just telling, by that
    /// one: the last that is told is what holds. Without it the host asks `sipxfer_next_deadline()`.
    pub on_deadline: Option<unsafe extern "C" fn(user: *mut c_void, deadline_ms: u64)>,
    /// Called once when the engine is gone and nothing will use `user` any more; may be NULL.
    pub destroy: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// Can the call of the request's sender be mixed with that of this dialog (RFC 3911 section 4)?
    /// `SIPXFER_YES` or `SIPXFER_NO` (488); anything else is a failure (500). It depends on the call
    /// (its bridge, its codecs, its keys), which is why no setting answers. Asked only by
    /// `sipxfer_join_verify_request()`, after the sender was found to be allowed. Without it the answer is
    /// yes, and a host that finds out later refuses with 488 by itself.
    pub can_mix: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            request: *const sipxfer_request,
            dialog: *const sipxfer_dialog,
        ) -> i32,
    >,
    /// Does the Request-URI of this INVITE name a conference? `SIPXFER_YES` or `SIPXFER_NO`; anything
    /// else is a failure (500). Asked only where a Join matches no dialog: towards a conference it is
    /// then ignored (RFC 3911 section 4). Without it the answer is no.
    pub is_conference:
        Option<unsafe extern "C" fn(user: *mut c_void, request: *const sipxfer_request) -> i32>,
    /// Is this the token of that referrer, and valid (RFC 3892 section 5)? `referred_by` is the value of the
    /// Referred-By, `part` the whole body part that its `cid` names, MIME header lines included:
    /// `SIPXFER_YES` or `SIPXFER_NO`; anything else is a failure (500). A valid one makes its referrer as
    /// good as one that a trusted peer names. Without this callback no token is valid.
    pub verify_token: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            request: *const sipxfer_request,
            referred_by: sipxfer_str,
            part: sipxfer_str,
        ) -> i32,
    >,
    /// A lookup on other nodes is over: it was resumed, or its time has passed. A request whose verdict
    /// was `SIPXFER_VERDICT_PENDING` with this `lookup` is asked about again now, and transfers may have
    /// outputs (`sipxfer_transfer_next()` with `transfer` 0). Called by `sipxfer_lookup_resume()` and
    /// `sipxfer_tick()`, and perhaps before the function that hands the verdict out has returned: a host
    /// that keeps a request under the number only then asks about it once more when it is kept.
    pub on_lookup: Option<unsafe extern "C" fn(user: *mut c_void, lookup: u64)>,
    /// As `authorize`, for a dialog of another node (a pickup group that holds phones of several nodes,
    /// say): what that node has published of it. Asked where `authorize` would be. That node judges the
    /// INVITE with Replaces once more by itself. Without it the answer is no.
    pub authorize_remote: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            request: *const sipxfer_request,
            dialog: *const sipxfer_remote_dialog,
        ) -> i32,
    >,
}
