//! Takeovers: what goes in, and what comes out, without pointers.

use super::callbacks::Dialog;
use super::{From, Got, Pbx};
use sipxfer::ffi::*;

/// What an output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Answer(u32),
    TakeOver,
    Bye,
    Cancel,
    Reject,
    Ack,
    EndNew,
    LeaveOld,
    Finished(u32),
}

/// Which call of a takeover a dialog is.
pub const OLD: u32 = SIPXFER_TAKEOVER_SIDE_OLD;
pub const NEW: u32 = SIPXFER_TAKEOVER_SIDE_NEW;

impl Pbx {
    /// Receives an INVITE whose Replaces is accepted.
    #[track_caller]
    pub fn take_over(&self, message: &str, from: From<'_>) -> u64 {
        let (got, takeover) = self.take_over_any(message, from, false);
        got.is(SIPXFER_VERDICT_ACCEPT, 11);
        assert_ne!(takeover, 0);
        takeover
    }

    /// Receives an INVITE.
    pub fn take_over_any(&self, message: &str, from: From<'_>, lock: bool) -> (Got, u64) {
        let mut takeover = 1;
        let got =
            self.ask(message, from, lock, |engine, request, lock, room, len, verdict| unsafe {
                sipxfer_takeover_receive(engine, request, lock, room, len, verdict, &mut takeover)
            });
        (got, takeover)
    }

    /// The next output and the takeover that it belongs to; with 0 of any that time has given some.
    pub fn next_step(&self, takeover: u64) -> Option<(u64, Step)> {
        let mut output: sipxfer_takeover_output = unsafe { std::mem::zeroed() };
        output.struct_size = size_of::<sipxfer_takeover_output>();
        match unsafe { sipxfer_takeover_next(self.engine, takeover, &mut output) } {
            SIPXFER_E_NOT_FOUND => return None,
            status => assert_eq!(status, SIPXFER_OK),
        }
        assert!(takeover == 0 || output.takeover == takeover);
        assert_eq!(output.code == 0, super::text(output.reason).is_empty());
        let step = match (output.kind, output.code) {
            (SIPXFER_TAKEOVER_ANSWER_NEW, code) => Step::Answer(code),
            (SIPXFER_TAKEOVER_TAKE_OVER, 0) => Step::TakeOver,
            (SIPXFER_TAKEOVER_BYE_OLD, 0) => Step::Bye,
            (SIPXFER_TAKEOVER_CANCEL_OLD, 0) => Step::Cancel,
            (SIPXFER_TAKEOVER_REJECT_OLD, 0) => Step::Reject,
            (SIPXFER_TAKEOVER_ACK_OLD, 0) => Step::Ack,
            (SIPXFER_TAKEOVER_END_NEW, 0) => Step::EndNew,
            (SIPXFER_TAKEOVER_LEAVE_OLD, 0) => Step::LeaveOld,
            (SIPXFER_TAKEOVER_FINISHED, code) => Step::Finished(code),
            other => panic!("output of kind {other:?}"),
        };
        Some((output.takeover, step))
    }

    /// All outputs that a takeover has now; 0: of all that time has given some.
    pub fn steps(&self, takeover: u64) -> Vec<Step> {
        std::iter::from_fn(|| self.next_step(takeover)).map(|(_, step)| step).collect()
    }

    pub fn answered(&self, takeover: u64) -> i32 {
        unsafe { sipxfer_takeover_answered(self.engine, takeover, self.now_ms) }
    }

    pub fn not_answered(&self, takeover: u64, code: u32) -> i32 {
        unsafe { sipxfer_takeover_not_answered(self.engine, takeover, code, self.now_ms) }
    }

    pub fn acked(&self, takeover: u64) -> i32 {
        unsafe { sipxfer_takeover_acked(self.engine, takeover, self.now_ms) }
    }

    pub fn new_ended(&self, takeover: u64) -> i32 {
        unsafe { sipxfer_takeover_new_ended(self.engine, takeover, self.now_ms) }
    }

    pub fn old_answered(&self, takeover: u64) -> i32 {
        unsafe { sipxfer_takeover_old_answered(self.engine, takeover, self.now_ms) }
    }

    pub fn old_ended(&self, takeover: u64) -> i32 {
        unsafe { sipxfer_takeover_old_ended(self.engine, takeover, self.now_ms) }
    }

    /// What a re-INVITE in a dialog is answered with; 0: as ever.
    pub fn reinvite(&self, dialog: &Dialog) -> u32 {
        let mut code = u32::MAX;
        let status = unsafe { sipxfer_takeover_reinvite(self.engine, &dialog.key(), &mut code) };
        assert_eq!(status, SIPXFER_OK);
        code
    }

    /// The takeover that a dialog is part of, and its side.
    pub fn find_takeover(&self, dialog: &Dialog) -> Option<(u64, u32)> {
        let (mut takeover, mut side) = (0, 0);
        let status =
            unsafe { sipxfer_takeover_find(self.engine, &dialog.key(), &mut takeover, &mut side) };
        (status == SIPXFER_OK).then_some((takeover, side))
    }

    pub fn takeovers(&self) -> usize {
        let mut count = usize::MAX;
        assert_eq!(unsafe { sipxfer_takeover_count(self.engine, &mut count) }, SIPXFER_OK);
        count
    }
}
