//! A small host on the C ABI, with either kind of directory behind it, for the tests of the rules.
#![allow(dead_code)] // Each test file uses its part.
#![allow(
    // A test may fail loudly.
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    // What a C host does is unsafe from end to end.
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    // The address of a dialog is its identity.
    clippy::vec_box
)]

pub mod callbacks;
pub mod messages;
pub mod outputs;
pub mod parking;
pub mod random;
pub mod sending;
pub mod takeovers;

use callbacks::{Asked, Dialog};
use sipxfer::ffi::*;
use std::collections::HashMap;
use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex};

/// Where the dialogs of a test live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In the host, found by its callbacks.
    Callbacks,
    /// In the engine's own table.
    Own,
}

/// Runs a test once per kind of directory.
pub fn on_both(test: impl Fn(Pbx)) {
    for kind in [Kind::Callbacks, Kind::Own] {
        println!("directory: {kind:?}");
        test(Pbx::new(kind));
    }
}

/// Who sends a request.
#[derive(Clone, Copy, Default)]
pub struct From<'a> {
    pub endpoint: &'a str,
    pub user: &'a str,
    pub context: &'a str,
    pub secure: bool,
    pub depth: u32,
    pub handling: u32,
}

/// A sender that is authenticated, its user being named as its endpoint.
pub fn known(name: &str) -> From<'_> {
    From { endpoint: name, user: name, ..From::default() }
}

/// Nobody that the host knows.
pub const STRANGER: From<'static> =
    From { endpoint: "", user: "", context: "", secure: false, depth: 0, handling: 0 };

/// An engine with a host around it.
pub struct Pbx {
    pub kind: Kind,
    pub engine: *mut sipxfer_engine,
    pub host: Arc<callbacks::Host>,
    config: *mut sipxfer_config,
    ids: Mutex<HashMap<usize, u64>>,
    pub now_ms: u64,
}

impl Pbx {
    pub fn new(kind: Kind) -> Pbx {
        Pbx::of(kind, false)
    }

    /// One whose dialogs may be on other nodes.
    pub fn clustered(kind: Kind) -> Pbx {
        Pbx::of(kind, true)
    }

    fn of(kind: Kind, is_clustered: bool) -> Pbx {
        let host = Arc::new(callbacks::Host::default());
        let engine = callbacks::engine_of(kind, &host, is_clustered);
        let mut config = std::ptr::null_mut();
        assert_eq!(unsafe { sipxfer_config_new(&mut config) }, SIPXFER_OK);
        let pbx = Pbx { kind, engine, host, config, ids: Mutex::default(), now_ms: 1_000 };
        pbx.extension("default", "100").extension("default", "external_replaces");
        pbx
    }

    /// Changes one setting for all.
    pub fn set(&self, name: &str, value: &str) -> &Pbx {
        self.set_in("", name, value)
    }

    /// Changes one setting in a scope.
    pub fn set_in(&self, scope: &str, name: &str, value: &str) -> &Pbx {
        let part = |text: &str| (text.as_ptr().cast::<c_char>(), text.len());
        let ((s, sl), (n, nl), (v, vl)) = (part(scope), part(name), part(value));
        let status = unsafe { sipxfer_config_set(self.config, s, sl, n, nl, v, vl) };
        assert_eq!(status, SIPXFER_OK, "{scope} {name} = {value}");
        let status = unsafe { sipxfer_config_apply(self.engine, self.config) };
        assert_eq!(status, SIPXFER_OK);
        self
    }

    /// The option tags for Supported.
    pub fn supported(&self, endpoint: &str) -> String {
        let (mut buffer, mut needed) = ([0_u8; 256], 0);
        let (from, len, to) =
            (endpoint.as_ptr().cast(), endpoint.len(), buffer.as_mut_ptr().cast());
        let status =
            unsafe { sipxfer_engine_supported(self.engine, from, len, to, 256, &mut needed) };
        assert_eq!(status, SIPXFER_OK);
        String::from_utf8(buffer[..needed].to_vec()).unwrap()
    }

    pub fn extension(&self, context: &str, extension: &str) -> &Pbx {
        self.host.extensions.lock().unwrap().push((context.into(), extension.into()));
        self
    }

    pub fn no_extensions(&self) -> &Pbx {
        self.host.extensions.lock().unwrap().clear();
        self
    }

    /// Adds a dialog and answers its place, which a verdict's `dialog` is compared with.
    pub fn dialog(&self, dialog: Dialog) -> usize {
        let object = self.host.add(dialog);
        if self.kind == Kind::Own {
            let described = unsafe { &*(object as *const Dialog) }.describe();
            let mut id = 0;
            let status = unsafe { sipxfer_dialog_add(self.engine, &described, &mut id) };
            assert_eq!(status, SIPXFER_OK);
            self.ids.lock().unwrap().insert(object, id);
        }
        object
    }

    /// The dialog ends now.
    pub fn end(&self, object: usize) {
        match self.kind {
            Kind::Own => {
                let id = self.ids.lock().unwrap().remove(&object).unwrap();
                let status = unsafe { sipxfer_dialog_remove(self.engine, id, self.now_ms) };
                assert_eq!(status, SIPXFER_OK);
            }
            Kind::Callbacks => {
                let dialog = self.host.remove(object);
                let key = dialog.key();
                let status = unsafe { sipxfer_dialog_ended(self.engine, &key, self.now_ms) };
                assert_eq!(status, SIPXFER_OK);
            }
        }
    }

    /// Verifies an INVITE (or whatever the message is), without a lock.
    pub fn verify(&self, message: &str, from: From<'_>) -> Got {
        self.ask(message, from, false, |a, b, c, d, e, f| unsafe {
            sipxfer_replaces_verify_request(a, b, c, d, e, f)
        })
    }

    /// The same with the dialog locked.
    pub fn verify_locked(&self, message: &str, from: From<'_>) -> Got {
        self.ask(message, from, true, |a, b, c, d, e, f| unsafe {
            sipxfer_replaces_verify_request(a, b, c, d, e, f)
        })
    }

    /// Verifies an INVITE that may carry Join, without a lock.
    pub fn verify_join(&self, message: &str, from: From<'_>) -> Got {
        self.ask(message, from, false, |a, b, c, d, e, f| unsafe {
            sipxfer_join_verify_request(a, b, c, d, e, f)
        })
    }

    /// The same with the dialog locked.
    pub fn verify_join_locked(&self, message: &str, from: From<'_>) -> Got {
        self.ask(message, from, true, |a, b, c, d, e, f| unsafe {
            sipxfer_join_verify_request(a, b, c, d, e, f)
        })
    }

    /// Routes a REFER.
    pub fn route(&self, message: &str, from: From<'_>) -> Got {
        self.ask(message, from, false, |a, b, c, d, e, f| unsafe {
            sipxfer_refer_route(a, b, c, d, e, f)
        })
    }

    /// The same with the dialog locked.
    pub fn route_locked(&self, message: &str, from: From<'_>) -> Got {
        self.ask(message, from, true, |a, b, c, d, e, f| unsafe {
            sipxfer_refer_route(a, b, c, d, e, f)
        })
    }

    /// Where the call with this token is, which this request asks for.
    pub fn find_parked(&self, message: &str, token: &str, from: From<'_>) -> Got {
        let (at, len) = (token.as_ptr().cast(), token.len());
        self.ask(message, from, false, |engine, request, _, scratch, scratch_len, verdict| unsafe {
            sipxfer_park_find(engine, request, at, len, scratch, scratch_len, verdict)
        })
    }

    fn ask(
        &self,
        message: &str,
        from: From<'_>,
        lock: bool,
        mut function: impl FnMut(
            *const sipxfer_engine,
            *const sipxfer_request,
            u32,
            *mut c_char,
            usize,
            *mut sipxfer_verdict,
        ) -> i32,
    ) -> Got {
        let text = |text: &str| sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() };
        let request = sipxfer_request {
            struct_size: size_of::<sipxfer_request>(),
            message: text(message),
            host_data: std::ptr::null_mut(),
            dialog: std::ptr::null_mut(),
            source: text("192.0.2.7:5060"),
            endpoint: text(from.endpoint),
            user: text(from.user),
            context: text(from.context),
            now_ms: self.now_ms,
            transport: SIPXFER_TRANSPORT_UDP,
            secure: u32::from(from.secure),
            transfer_depth: from.depth,
            handling: from.handling,
        };
        let mut scratch = vec![0_u8; scratch_size(message.len())];
        let mut verdict: sipxfer_verdict = unsafe { std::mem::zeroed() };
        verdict.struct_size = size_of::<sipxfer_verdict>();
        let room: *mut c_char = scratch.as_mut_ptr().cast();
        let lock = u32::from(lock);
        let status = function(self.engine, &request, lock, room, scratch.len(), &mut verdict);
        assert_eq!(status, SIPXFER_OK, "{message}");
        let got = Got::from(&verdict, &request);
        assert_eq!(self.host.locks_held(), i64::from(verdict.locked), "{got:?}");
        let status = unsafe { sipxfer_verdict_release(self.engine, &mut verdict) };
        assert_eq!(status, SIPXFER_OK);
        assert_eq!((verdict.dialog, verdict.pin, verdict.locked), (std::ptr::null_mut(), 0, 0));
        assert_eq!(self.host.locks_held(), 0, "a lock outlived its verdict");
        if self.kind == Kind::Callbacks {
            assert_eq!(self.host.references(), 0, "a reference outlived its verdict");
        }
        got
    }

    pub fn log(&self) -> Vec<String> {
        self.host.log.lock().unwrap().clone()
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.host.asked.lock().unwrap().clone()
    }
}

impl Drop for Pbx {
    fn drop(&mut self) {
        unsafe { sipxfer_config_free(self.config) };
        unsafe { sipxfer_engine_free(self.engine) };
        assert_eq!(self.host.references(), 0, "the engine kept a dialog of the host");
        assert_eq!(sipxfer_panic_count(), 0);
    }
}

/// A verdict with strings of its own.
#[derive(Clone, Debug, Default)]
pub struct Got {
    pub kind: u32,
    pub code: u32,
    pub reason: String,
    pub warning: String,
    pub unsupported: String,
    pub dialog: usize,
    pub dialog_state: u32,
    pub old_dialog: u32,
    pub locked: bool,
    pub early_only: bool,
    pub ground: u32,
    pub context: String,
    pub extension: String,
    pub target: String,
    pub method: String,
    pub replaces: String,
    pub referred_by: String,
    pub headers: String,
    pub dropped: String,
    pub variables: Vec<(String, String)>,
    pub subscription: bool,
    pub approval_pending: bool,
    pub transfer_depth: u32,
    pub retry_after_s: u32,
    pub rules: Vec<u16>,
    pub error: Option<(String, usize, u32)>,
    pub setting: String,
    pub in_call: bool,
    pub referrer: u32,
    pub token: String,
    pub target_dialog: String,
    pub why: String,
    pub lookup: u64,
    pub node: String,
    /// The refusal as text, where it is one.
    pub response: String,
}

impl Got {
    fn from(verdict: &sipxfer_verdict, request: &sipxfer_request) -> Got {
        let variables = (0..verdict.variable_count).map(|at| {
            let variable = unsafe { *verdict.variables.add(at) };
            (text(variable.name), text(variable.value))
        });
        Got {
            kind: verdict.kind,
            code: verdict.code,
            reason: text(verdict.reason),
            warning: text(verdict.warning),
            unsupported: text(verdict.unsupported),
            dialog: verdict.dialog as usize,
            dialog_state: verdict.dialog_state,
            old_dialog: verdict.old_dialog,
            locked: verdict.locked == 1,
            early_only: verdict.early_only == 1,
            ground: verdict.ground,
            context: text(verdict.context),
            extension: text(verdict.extension),
            target: text(verdict.target),
            method: text(verdict.method),
            replaces: text(verdict.replaces),
            referred_by: text(verdict.referred_by),
            headers: text(verdict.headers),
            dropped: text(verdict.dropped),
            variables: variables.collect(),
            subscription: verdict.subscription == 1,
            approval_pending: verdict.approval_pending == 1,
            transfer_depth: verdict.transfer_depth,
            retry_after_s: verdict.retry_after_s,
            rules: verdict.rules[..verdict.rule_count as usize].to_vec(),
            error: (verdict.error_rule != 0)
                .then(|| (text(verdict.error_what), verdict.error_offset, verdict.error_rule)),
            setting: text(verdict.setting),
            in_call: verdict.in_call == 1,
            referrer: verdict.referrer,
            token: text(verdict.token),
            target_dialog: text(verdict.target_dialog),
            why: text(verdict.why),
            lookup: verdict.lookup,
            node: text(verdict.node),
            response: if verdict.code >= 300 { response(request, verdict) } else { String::new() },
        }
    }

    /// Asserts a refusal: its code, its rule, and that no dialog is handed out.
    #[track_caller]
    pub fn refused(&self, code: u32, rule: u16) -> &Got {
        assert_eq!((self.kind, self.code), (SIPXFER_VERDICT_REJECT, code), "{self:?}");
        if rule != 0 {
            assert!(self.rules.contains(&rule), "{self:?}");
        }
        assert_eq!((self.dialog, self.old_dialog), (0, SIPXFER_OLD_DIALOG_NOTHING), "{self:?}");
        assert!(self.warning.starts_with("399 sipxfer \"") && !self.why.is_empty(), "{self:?}");
        assert!(self.response.starts_with(&format!("SIP/2.0 {code} ")), "{}", self.response);
        self
    }

    /// Asserts a kind of verdict, and a rule among those that led to it.
    #[track_caller]
    pub fn is(&self, kind: u32, rule: u16) -> &Got {
        assert_eq!(self.kind, kind, "{self:?}");
        assert!(rule == 0 || self.rules.contains(&rule), "{self:?}");
        assert!(!self.why.is_empty(), "{self:?}");
        self
    }

    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

pub fn text(from: sipxfer_str) -> String {
    if from.len == 0 {
        return String::new();
    }
    let bytes = unsafe { std::slice::from_raw_parts(from.ptr.cast::<u8>(), from.len) };
    String::from_utf8(bytes.to_vec()).expect("verdicts are printable")
}

fn response(request: &sipxfer_request, verdict: &sipxfer_verdict) -> String {
    let mut buffer = vec![0_u8; request.message.len + 2048];
    let mut needed = 0;
    let to: *mut c_char = buffer.as_mut_ptr().cast();
    let (tag, len) = (c"our-tag".as_ptr(), 7);
    let status = unsafe {
        sipxfer_response_print(request, verdict, tag, len, to, buffer.len(), &mut needed)
    };
    if status == SIPXFER_E_PARSE {
        return format!("SIP/2.0 {} cannot be answered", verdict.code);
    }
    assert_eq!(status, SIPXFER_OK);
    buffer.truncate(needed);
    String::from_utf8(buffer).expect("a response is printable")
}

pub fn as_user(host: &Arc<callbacks::Host>) -> *mut c_void {
    Arc::as_ptr(host).cast_mut().cast()
}
