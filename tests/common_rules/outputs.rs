//! Transfers as objects: what goes in, and what comes out, without pointers.

use super::callbacks::Dialog;
use super::{text, From, Got, Pbx};
use sipxfer::ffi::*;
use std::ffi::c_char;

/// What an output is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    Answer(u32),
    Notify(u32),
    Command(u32),
    Event(String),
    Finished(u32, u32),
}

/// An output with strings of its own.
#[derive(Clone, Debug)]
pub struct Output {
    pub what: Out,
    pub headers: String,
    pub body: String,
    /// Replaces and destination of an event.
    pub asked: (String, String),
    /// Whether the transfer goes with it.
    pub last: bool,
}

impl Output {
    pub fn is_event(&self) -> bool {
        matches!(self.what, Out::Event(_))
    }
}

/// The outputs of one go.
#[derive(Debug)]
pub struct Outputs {
    pub list: Vec<Output>,
}

impl Outputs {
    pub fn kinds(&self) -> Vec<Out> {
        self.list.iter().map(|output| output.what.clone()).collect()
    }
}

impl Pbx {
    /// Receives a REFER that is accepted.
    #[track_caller]
    pub fn receive(&self, message: &str, from: From<'_>) -> u64 {
        let (got, transfer) = self.receive_any(message, from);
        assert!(got.code < 300 && transfer != 0, "{got:?}");
        transfer
    }

    /// Receives a REFER.
    pub fn receive_any(&self, message: &str, from: From<'_>) -> (Got, u64) {
        let mut transfer = 0;
        let got =
            self.ask(message, from, false, |engine, request, lock, room, len, verdict| unsafe {
                sipxfer_transfer_receive(engine, request, lock, room, len, verdict, &mut transfer)
            });
        (got, transfer)
    }

    /// Takes all outputs that a transfer has now; 0: of all that time has given some.
    pub fn outputs(&self, transfer: u64) -> Outputs {
        Outputs { list: self.outputs_of(transfer).into_iter().map(|(_, output)| output).collect() }
    }

    /// The same, each with the transfer that it belongs to.
    pub fn outputs_of(&self, transfer: u64) -> Vec<(u64, Output)> {
        let mut list = Vec::new();
        loop {
            let mut buffer = [0_u8; SIPXFER_OUTPUT_SIZE];
            let mut output: sipxfer_output = unsafe { std::mem::zeroed() };
            output.struct_size = size_of::<sipxfer_output>();
            let to: *mut c_char = buffer.as_mut_ptr().cast();
            let status = unsafe {
                sipxfer_transfer_next(self.engine, transfer, to, buffer.len(), &mut output)
            };
            if status == SIPXFER_E_NOT_FOUND {
                return list;
            }
            assert_eq!(status, SIPXFER_OK);
            assert!(transfer == 0 || output.transfer == transfer);
            let what = match output.kind {
                SIPXFER_OUTPUT_ANSWER => Out::Answer(output.code),
                SIPXFER_OUTPUT_NOTIFY => Out::Notify(output.code),
                SIPXFER_OUTPUT_COMMAND => Out::Command(output.command),
                SIPXFER_OUTPUT_EVENT => Out::Event(text(output.state)),
                SIPXFER_OUTPUT_FINISHED => Out::Finished(output.code, output.cause),
                other => panic!("output of kind {other}"),
            };
            let asked = (text(output.replaces), text(output.destination));
            let (headers, body) = (text(output.headers), text(output.body));
            let last = output.last == 1;
            assert!(output.needed <= buffer.len() && output.reserved == 0);
            list.push((output.transfer, Output { what, headers, body, asked, last }));
        }
    }

    /// Decides where a transfer goes that waited for a lookup: the status, and the verdict.
    pub fn route_transfer(&self, transfer: u64, message: &str, from: From<'_>) -> (i32, Got) {
        let mut answer = SIPXFER_OK;
        let got =
            self.ask(message, from, false, |engine, request, lock, room, len, verdict| unsafe {
                answer =
                    sipxfer_transfer_route(engine, transfer, request, lock, room, len, verdict);
                SIPXFER_OK
            });
        (answer, got)
    }

    pub fn progress(&self, transfer: u64, code: u32, reason: &str) -> i32 {
        let (from, len) = (reason.as_ptr().cast(), reason.len());
        unsafe { sipxfer_transfer_progress(self.engine, transfer, code, from, len, self.now_ms) }
    }

    pub fn decide(&self, transfer: u64, answer: i32) -> i32 {
        unsafe { sipxfer_transfer_decide(self.engine, transfer, answer, self.now_ms) }
    }

    pub fn bye(&self, transfer: u64) -> i32 {
        unsafe { sipxfer_transfer_bye(self.engine, transfer, self.now_ms) }
    }

    pub fn notify_answered(&self, transfer: u64, code: u32) -> i32 {
        unsafe { sipxfer_transfer_notify_answered(self.engine, transfer, code, self.now_ms) }
    }

    pub fn command(&self, transfer: u64, state: &str) -> i32 {
        let (from, len) = (state.as_ptr().cast(), state.len());
        unsafe { sipxfer_transfer_command(self.engine, transfer, from, len, self.now_ms) }
    }

    /// The status, and the seconds that were granted.
    pub fn subscribe(&self, transfer: u64, expires_s: u32) -> (i32, u32) {
        let mut granted = 0;
        let status = unsafe {
            sipxfer_transfer_subscribe(self.engine, transfer, expires_s, self.now_ms, &mut granted)
        };
        (status, granted)
    }

    /// A SUBSCRIBE to a URI: the status, the transfer and the seconds that were granted.
    pub fn subscribe_at(&self, uri: &str, expires_s: u32) -> (i32, u64, u32) {
        let (mut transfer, mut granted) = (0, 0);
        let (from, len, now_ms) = (uri.as_ptr().cast(), uri.len(), self.now_ms);
        let to = (&mut transfer, &mut granted);
        let status = unsafe {
            sipxfer_transfer_subscribe_at(self.engine, from, len, expires_s, now_ms, to.0, to.1)
        };
        (status, transfer, granted)
    }

    /// The peer of a dialog has hung up: how many transfers that concerns.
    pub fn dialog_bye(&self, dialog: &Dialog) -> usize {
        let mut count = 0;
        let status =
            unsafe { sipxfer_dialog_bye(self.engine, &dialog.key(), self.now_ms, &mut count) };
        assert_eq!(status, SIPXFER_OK);
        count
    }

    pub fn find(&self, dialog: &Dialog, event_id: u32) -> Option<u64> {
        let mut found = 0;
        let status =
            unsafe { sipxfer_transfer_find(self.engine, &dialog.key(), event_id, &mut found) };
        (status == SIPXFER_OK).then_some(found)
    }

    /// The dialog of the REFERs of these tests ends, and the next one of that name is another.
    pub fn end_dialog_of_refers(&self) {
        let dialog = Dialog::of("bob", "first@phone", "pbx-to-bob", "bob-to-pbx");
        let status = unsafe { sipxfer_dialog_ended(self.engine, &dialog.key(), self.now_ms) };
        assert_eq!(status, SIPXFER_OK);
    }

    pub fn count(&self) -> usize {
        let mut count = 0;
        assert_eq!(unsafe { sipxfer_transfer_count(self.engine, &mut count) }, SIPXFER_OK);
        count
    }

    pub fn tick(&self) {
        assert_eq!(unsafe { sipxfer_tick(self.engine, self.now_ms) }, SIPXFER_OK);
    }

    pub fn next_deadline(&self) -> u64 {
        let mut deadline = 0;
        assert_eq!(unsafe { sipxfer_next_deadline(self.engine, &mut deadline) }, SIPXFER_OK);
        deadline
    }
}
