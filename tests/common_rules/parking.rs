//! The park lot: what goes in, and what comes out, without pointers.

use super::callbacks::Dialog;
use super::{text, Pbx};
use sipxfer::ffi::*;
use std::ffi::c_char;

/// An output of the lot with strings of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Parker, Call-ID and handle.
    RingBack(String, String, u64),
    /// Handle, header lines and body.
    Notify(u64, String, String),
}

impl Told {
    #[track_caller]
    pub fn body(&self) -> &str {
        match self {
            Told::Notify(_, _, body) => body,
            other => panic!("no NOTIFY: {other:?}"),
        }
    }

    #[track_caller]
    pub fn headers(&self) -> &str {
        match self {
            Told::Notify(_, headers, _) => headers,
            other => panic!("no NOTIFY: {other:?}"),
        }
    }
}

/// A parked call that was claimed, with strings of its own.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub claim: u64,
    pub handle: u64,
    pub token: String,
    pub replaces: String,
    pub parker: String,
    pub party: String,
}

fn str_of(text: &str) -> sipxfer_str {
    sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() }
}

fn part(text: &str) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}

/// What a call that prints came to: calls again with as much room as it asks for.
fn printed<R>(mut print: impl FnMut(*mut c_char, usize, *mut usize) -> (i32, R)) -> Result<R, i32> {
    let mut needed = 0;
    let mut buffer: Vec<u8> = Vec::new();
    loop {
        let (status, result) = print(buffer.as_mut_ptr().cast(), buffer.len(), &mut needed);
        match status {
            SIPXFER_OK => return Ok(result),
            SIPXFER_E_BUFFER if needed > buffer.len() => buffer.resize(needed, 0),
            status => return Err(status),
        }
    }
}

fn text_of(mut print: impl FnMut(*mut c_char, usize, *mut usize) -> i32) -> Result<String, i32> {
    printed(|to, capacity, needed| {
        let status = print(to, capacity, needed);
        let len = if status == SIPXFER_OK { unsafe { *needed } } else { 0 };
        (status, text(sipxfer_str { ptr: to, len }))
    })
}

impl Pbx {
    /// Parks the call with this dialog; the parker is Bob, the handle 7.
    pub fn park(&self, dialog: &Dialog, place: u32, number: u32) -> Result<String, i32> {
        let call = sipxfer_park_call {
            struct_size: size_of::<sipxfer_park_call>(),
            call_id: str_of(&dialog.call_id),
            local_tag: str_of(&dialog.local_tag),
            remote_tag: str_of(&dialog.remote_tag),
            parker: str_of("sip:bob@pbx.example"),
            party: str_of("sip:alice@pbx.example"),
            handle: 7,
            place,
            number,
        };
        text_of(|to, capacity, needed| unsafe {
            sipxfer_park(self.engine, &call, self.now_ms, to, capacity, needed)
        })
    }

    fn claimed(
        mut claim: impl FnMut(*mut c_char, usize, *mut usize, *mut sipxfer_parked) -> i32,
    ) -> Result<Claimed, i32> {
        printed(|to, capacity, needed| {
            let mut parked: sipxfer_parked = unsafe { std::mem::zeroed() };
            parked.struct_size = size_of::<sipxfer_parked>();
            let status = claim(to, capacity, needed, &mut parked);
            let claimed = Claimed {
                claim: parked.claim,
                handle: parked.handle,
                token: text(parked.token),
                replaces: text(parked.replaces),
                parker: text(parked.parker),
                party: text(parked.party),
            };
            (status, claimed)
        })
    }

    pub fn claim(&self, token: &str) -> Result<Claimed, i32> {
        let (from, len) = part(token);
        let (engine, now_ms) = (self.engine, self.now_ms);
        Pbx::claimed(|to, capacity, needed, parked| unsafe {
            sipxfer_park_claim(engine, from, len, now_ms, to, capacity, needed, parked)
        })
    }

    pub fn claim_dialog(&self, dialog: &Dialog) -> Result<Claimed, i32> {
        let key = dialog.key();
        let (engine, now_ms) = (self.engine, self.now_ms);
        Pbx::claimed(|to, capacity, needed, parked| unsafe {
            sipxfer_park_claim_dialog(engine, &key, now_ms, to, capacity, needed, parked)
        })
    }

    pub fn retrieved(&self, claim: u64) -> i32 {
        unsafe { sipxfer_park_retrieved(self.engine, claim, self.now_ms) }
    }

    pub fn release(&self, claim: u64) -> i32 {
        unsafe { sipxfer_park_release(self.engine, claim, self.now_ms) }
    }

    /// The status, and the handle.
    pub fn cancel(&self, token: &str) -> (i32, u64) {
        let (from, len) = part(token);
        let mut handle = 0;
        let status =
            unsafe { sipxfer_park_cancel(self.engine, from, len, self.now_ms, &mut handle) };
        (status, handle)
    }

    pub fn parked_count(&self) -> usize {
        let mut count = 0;
        assert_eq!(unsafe { sipxfer_park_count(self.engine, &mut count) }, SIPXFER_OK);
        count
    }

    pub fn transfer_parked(&self, transfer: u64, token: &str, host: &str) -> i32 {
        let ((token, token_len), (host, host_len)) = (part(token), part(host));
        let (engine, now_ms) = (self.engine, self.now_ms);
        unsafe {
            sipxfer_transfer_parked(engine, transfer, token, token_len, host, host_len, now_ms)
        }
    }

    /// Watches a place, or the lot (0): the subscription and the seconds that were granted.
    pub fn watch(&self, number: u32, handle: u64, expires_s: u32) -> Result<(u64, u32), i32> {
        let entity = format!("sip:{number}@pbx.example");
        let watch = sipxfer_park_watch {
            struct_size: size_of::<sipxfer_park_watch>(),
            entity: str_of(&entity),
            target: str_of("sip:pbx.example"),
            event_id: str_of("x1"),
            handle,
            number,
            expires_s,
        };
        let (mut watcher, mut granted) = (0, 0);
        let status = unsafe {
            sipxfer_park_subscribe(self.engine, &watch, self.now_ms, &mut watcher, &mut granted)
        };
        if status == SIPXFER_OK {
            Ok((watcher, granted))
        } else {
            Err(status)
        }
    }

    /// The status, and the seconds that were granted.
    pub fn watch_again(&self, watcher: u64, expires_s: u32) -> (i32, u32) {
        let mut granted = 0;
        let status = unsafe {
            sipxfer_park_refresh(self.engine, watcher, expires_s, self.now_ms, &mut granted)
        };
        (status, granted)
    }

    pub fn watcher_answered(&self, watcher: u64, code: u32) -> i32 {
        unsafe { sipxfer_park_notify_answered(self.engine, watcher, code, self.now_ms) }
    }

    /// Takes all that the lot wants done now.
    pub fn lot(&self) -> Vec<Told> {
        let mut list = Vec::new();
        loop {
            let next = printed(|to, capacity, needed| {
                let mut output: sipxfer_park_output = unsafe { std::mem::zeroed() };
                output.struct_size = size_of::<sipxfer_park_output>();
                let status =
                    unsafe { sipxfer_park_next(self.engine, to, capacity, needed, &mut output) };
                if status != SIPXFER_OK {
                    return (status, None);
                }
                let told = match output.kind {
                    SIPXFER_PARK_OUTPUT_RING_BACK => {
                        Told::RingBack(text(output.parker), text(output.call_id), output.handle)
                    }
                    SIPXFER_PARK_OUTPUT_NOTIFY => {
                        let ends = text(output.headers).contains("terminated");
                        assert_eq!(output.is_last == 1, ends);
                        Told::Notify(output.handle, text(output.headers), text(output.body))
                    }
                    other => panic!("output of kind {other}"),
                };
                (status, Some(told))
            });
            match next {
                Ok(told) => list.extend(told),
                Err(SIPXFER_E_NOT_FOUND) => return list,
                Err(status) => panic!("park_next: {status}"),
            }
        }
    }

    /// A document about the calls of an endpoint.
    pub fn dialog_info(&self, endpoint: &str, only: u64, version: u32) -> Result<String, i32> {
        let entity = format!("sip:{endpoint}@pbx.example");
        let info = sipxfer_dialog_info {
            struct_size: size_of::<sipxfer_dialog_info>(),
            entity: str_of(&entity),
            target: str_of("sip:pbx.example;transport=tls"),
            endpoint: str_of(endpoint),
            user: str_of(""),
            only,
            version,
            reserved: 0,
        };
        text_of(|to, capacity, needed| unsafe {
            sipxfer_dialog_info_print(self.engine, &info, to, capacity, needed)
        })
    }

    /// The id of a dialog of the engine's own table.
    pub fn id_of(&self, object: usize) -> u64 {
        self.ids.lock().unwrap()[&object]
    }

    /// Tells that a dialog of the engine's own table is answered.
    pub fn confirm(&self, object: usize) {
        let (id, state) = (self.id_of(object), SIPXFER_DIALOG_CONFIRMED);
        assert_eq!(unsafe { sipxfer_dialog_set_state(self.engine, id, state) }, SIPXFER_OK);
    }
}
