//! Transfers that this side begins: what goes in, and what comes out, without pointers.

use super::{text, Pbx};
use sipxfer::ffi::*;
use std::ffi::c_char;
use std::ptr::{from_ref, null};

/// What an output is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// In the dialog or not, the attempt, the header lines.
    Send(bool, u32, String),
    Command(u32),
    Progress(u32, String),
    Success(u32),
    Failure(u32, String),
    /// The last code, and why.
    Unknown(u32, u32),
}

impl Told {
    pub fn is_outcome(&self) -> bool {
        matches!(self, Told::Success(_) | Told::Failure(..) | Told::Unknown(..))
    }

    /// The header lines of a REFER.
    #[track_caller]
    pub fn headers(&self) -> &str {
        match self {
            Told::Send(_, _, headers) => headers,
            other => panic!("no REFER: {other:?}"),
        }
    }
}

pub fn failure(code: u32, reason: &str) -> Told {
    Told::Failure(code, reason.into())
}

/// The transfer that is wished for.
#[derive(Clone, Debug)]
pub struct Wish {
    pub kind: u32,
    pub target: &'static str,
    pub contact: &'static str,
    pub aor: &'static str,
    pub contact_reachable: bool,
    pub state: u32,
    pub initiator: u32,
    pub target_replaces: bool,
    /// Call-ID and both tags of the call, where it is named.
    pub call: Option<[&'static str; 3]>,
    pub referred_by: &'static str,
    pub peer_message: String,
    pub peer: u32,
    pub subscribe: bool,
    pub bye_after_accept: bool,
}

pub const CONTACT: &str = "sip:carol@192.0.2.7:5062";
pub const AOR: &str = "sip:carol@example.com";

impl Wish {
    pub fn blind() -> Wish {
        Wish {
            kind: SIPXFER_REFER_BLIND,
            target: AOR,
            contact: "",
            aor: "",
            contact_reachable: true,
            state: 0,
            initiator: 0,
            target_replaces: true,
            call: None,
            referred_by: "",
            peer_message: String::new(),
            peer: SIPXFER_PEER_REPLACES,
            subscribe: true,
            bye_after_accept: false,
        }
    }

    pub fn attended() -> Wish {
        Wish {
            kind: SIPXFER_REFER_ATTENDED,
            target: "",
            contact: CONTACT,
            aor: AOR,
            state: SIPXFER_DIALOG_CONFIRMED,
            initiator: SIPXFER_INITIATOR_LOCAL,
            ..Wish::blind()
        }
    }
}

pub fn str_of(text: &str) -> sipxfer_str {
    sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() }
}

/// A NOTIFY with this Event and Subscription-State; an empty value leaves the header out.
pub fn notify(event: &str, state: &str, body: &str) -> String {
    let line = |name: &str, value: &str| match value {
        "" => String::new(),
        value => format!("{name}: {value}\r\n"),
    };
    let (event, state) = (line("Event", event), line("Subscription-State", state));
    format!("NOTIFY sip:pbx@h SIP/2.0\r\n{event}{state}Content-Type: message/sipfrag\r\n\r\n{body}")
}

pub fn response(code: u32, lines: &str) -> String {
    format!("SIP/2.0 {code} Whatever\r\nCSeq: 7 REFER\r\n{lines}\r\n")
}

impl Pbx {
    /// Begins a transfer: the status, and the id.
    pub fn try_start(&self, wish: &Wish) -> (i32, u64) {
        let replaces = sipxfer_replaces {
            struct_size: size_of::<sipxfer_replaces>(),
            call_id: str_of("consult@pbx"),
            to_tag: str_of("target"),
            from_tag: str_of("pbx"),
            params: str_of(""),
            early_only: 0,
            reserved: 0,
        };
        let [call_id, local, remote] = wish.call.unwrap_or_default();
        let call = sipxfer_target_dialog {
            struct_size: size_of::<sipxfer_target_dialog>(),
            call_id: str_of(call_id),
            local_tag: str_of(local),
            remote_tag: str_of(remote),
            params: str_of(""),
        };
        let is_attended = wish.kind == SIPXFER_REFER_ATTENDED;
        let start = sipxfer_refer_options {
            struct_size: size_of::<sipxfer_refer_options>(),
            target: str_of(wish.target),
            contact: str_of(wish.contact),
            aor: str_of(wish.aor),
            replaces: if is_attended { &replaces } else { null() },
            target_dialog: wish.call.map_or(null(), |_| from_ref(&call)),
            referred_by: str_of(wish.referred_by),
            peer_message: str_of(&wish.peer_message),
            endpoint: str_of(""),
            kind: wish.kind,
            contact_reachable: u32::from(wish.contact_reachable),
            dialog_state: wish.state,
            dialog_initiator: wish.initiator,
            target_supports_replaces: u32::from(wish.target_replaces),
            peer: wish.peer,
            subscribe: u32::from(wish.subscribe),
            bye_after_accept: u32::from(wish.bye_after_accept),
        };
        let mut transfer = 0;
        let status =
            unsafe { sipxfer_refer_start(self.engine, &start, self.now_ms, &mut transfer) };
        (status, transfer)
    }

    #[track_caller]
    pub fn start(&self, wish: &Wish) -> u64 {
        let (status, transfer) = self.try_start(wish);
        assert_eq!(status, SIPXFER_OK, "{wish:?}");
        assert_ne!(transfer, 0);
        transfer
    }

    /// Begins a transfer whose REFER, the first of its dialog, goes out at once under CSeq 7.
    #[track_caller]
    pub fn start_and_send(&self, wish: &Wish) -> u64 {
        let transfer = self.start(wish);
        let first = self.told(transfer);
        assert!(matches!(first.as_slice(), [Told::Send(_, 1, _)]), "{first:?}");
        assert_eq!(self.sent(transfer, 1, 7, true), SIPXFER_OK);
        transfer
    }

    /// The next output and the transfer that it belongs to; with 0 of any that time has given some.
    pub fn next_told(&self, transfer: u64) -> Option<(u64, Told)> {
        let mut buffer = [0_u8; 4096];
        let mut output: sipxfer_refer_output = unsafe { std::mem::zeroed() };
        output.struct_size = size_of::<sipxfer_refer_output>();
        let to: *mut c_char = buffer.as_mut_ptr().cast();
        let status =
            unsafe { sipxfer_refer_next(self.engine, transfer, to, buffer.len(), &mut output) };
        if status == SIPXFER_E_NOT_FOUND {
            return None;
        }
        assert_eq!(status, SIPXFER_OK);
        assert!(transfer == 0 || output.transfer == transfer);
        let (code, reason) = (output.code, text(output.reason));
        let told = match (output.kind, output.outcome) {
            (SIPXFER_REFER_OUTPUT_SEND, 0) => {
                Told::Send(output.in_dialog == 1, output.attempt, text(output.headers))
            }
            (SIPXFER_REFER_OUTPUT_COMMAND, 0) => Told::Command(output.command),
            (SIPXFER_REFER_OUTPUT_PROGRESS, 0) => Told::Progress(code, reason),
            (SIPXFER_REFER_OUTPUT_FINISHED, SIPXFER_REFER_SUCCESS) => Told::Success(code),
            (SIPXFER_REFER_OUTPUT_FINISHED, SIPXFER_REFER_FAILURE) => Told::Failure(code, reason),
            (SIPXFER_REFER_OUTPUT_FINISHED, SIPXFER_REFER_UNKNOWN) => {
                Told::Unknown(code, output.why)
            }
            other => panic!("output of kind {other:?}"),
        };
        Some((output.transfer, told))
    }

    /// All outputs that a transfer has now; 0: of all that time has given some.
    pub fn told(&self, transfer: u64) -> Vec<Told> {
        std::iter::from_fn(|| self.next_told(transfer)).map(|(_, told)| told).collect()
    }

    pub fn sent(&self, transfer: u64, attempt: u32, cseq: u32, first: bool) -> i32 {
        let first = u32::from(first);
        unsafe { sipxfer_refer_sent(self.engine, transfer, attempt, cseq, first, self.now_ms) }
    }

    pub fn respond(&self, transfer: u64, attempt: u32, message: &str) -> i32 {
        let (from, len) = (message.as_ptr().cast(), message.len());
        unsafe { sipxfer_refer_response(self.engine, transfer, attempt, from, len, self.now_ms) }
    }

    /// The status, and the code to answer with.
    pub fn try_notify(&self, transfer: u64, attempt: u32, message: &str) -> (i32, u32) {
        let (from, len) = (message.as_ptr().cast(), message.len());
        let mut code = 0;
        let status = unsafe {
            sipxfer_refer_notify(self.engine, transfer, attempt, from, len, self.now_ms, &mut code)
        };
        (status, code)
    }

    /// The code to answer a NOTIFY with that came in the call's dialog.
    #[track_caller]
    pub fn notified(&self, transfer: u64, event: &str, state: &str, body: &str) -> u32 {
        let (status, code) = self.try_notify(transfer, 0, &notify(event, state, body));
        assert_eq!(status, SIPXFER_OK);
        code
    }

    pub fn call_ended(&self, transfer: u64) -> i32 {
        unsafe { sipxfer_refer_call_ended(self.engine, transfer, self.now_ms) }
    }

    pub fn consultation_answered(&self, transfer: u64) -> i32 {
        unsafe { sipxfer_refer_consultation_answered(self.engine, transfer, self.now_ms) }
    }

    pub fn consultation_ended(&self, transfer: u64) -> i32 {
        unsafe { sipxfer_refer_consultation_ended(self.engine, transfer, self.now_ms) }
    }
}
