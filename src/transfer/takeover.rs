//! The target side of a transfer: an INVITE with Replaces that a verdict has accepted, step by
//! step until the new call stands in the old one's place, or the old one goes on as it was.
//!
//! # Contract
//!
//! A state machine without I/O, for one accepted INVITE, "the new call"; "the old" dialog is the
//! one it replaces. Which dialog that is, and that it may be replaced, was decided before.
//!
//! **In:** [`Takeover::start`]; what became of the answer to the new INVITE
//! ([`Takeover::answered`], [`Takeover::not_answered`], [`Takeover::acked`],
//! [`Takeover::new_ended`]); what becomes of the old dialog meanwhile ([`Takeover::old_answered`],
//! [`Takeover::old_ended`]); the time ([`Takeover::tick`]).
//!
//! **Out:** every input returns its [`Outputs`], to be done in their order.
//!
//! **Time:** `now_ms` is monotonic; going back is taken for standing still. What is due at
//! [`Takeover::deadline`] happens at the first `tick` from then on. Each step has 64*T1.
//!
//! **Order:** `AnswerNew(200)`, then, once the host reports the 2xx as sent, `TakeOver` and
//! `EndOld`, then `Finished` when the old dialog is gone (RFC 3891 section 3).
//!
//! **Never:**
//! - a second `Finished`, or any output after it; once time has passed there is one;
//! - the end of the old dialog before the 2xx to the new INVITE (R012, R014): until then each
//!   failure leaves it as it was;
//! - `TakeOver` together with `LeaveOldAsItWas`;
//! - two takeovers of one dialog at a time, where [`Claims`] is asked first.

mod claims;

#[cfg(test)]
mod tests;

pub use super::verdict::OldDialog;
pub use claims::{Claim, Claims, Refused};

use core::{array, iter};

const NEVER: u64 = u64::MAX;

/// What is to be done, in this order.
pub type Outputs = iter::Flatten<array::IntoIter<Option<Output>, 3>>;

/// One thing to do or to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Answer the new INVITE, and report [`Takeover::answered`] or [`Takeover::not_answered`].
    /// A second one, with a refusal, follows where the old dialog changes before the first was
    /// reported; a 2xx that was already on its way counts.
    AnswerNew {
        /// 200, or the refusal.
        code: u16,
    },
    /// Give the new call the place and the resources of the old one: bridge, user interface,
    /// recording (R011).
    TakeOver,
    /// End the old dialog in this way, and report [`Takeover::old_ended`]. For `Reject` the final
    /// response is of the host's choice.
    EndOld(OldDialog),
    /// Acknowledge the old leg's 2xx, which has crossed the CANCEL (R015).
    AckOld,
    /// End the old leg with BYE behind that ACK (R015).
    ByeOld,
    /// End the new call with BYE: nobody acknowledged its 2xx (RFC 3261 section 13.3.1.4).
    EndNew,
    /// The old dialog goes on untouched (R012).
    LeaveOldAsItWas,
    /// It is over.
    Finished(Outcome),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The new call stands in the old one's place.
    Success,
    /// There is no new call.
    Failure {
        /// The code that says why; the one that the new INVITE was refused with, where it was.
        code: u16,
    },
}

/// How a takeover is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The Replaces carries early-only (R013).
    pub early_only: bool,
    /// Take over when the ACK has come rather than right behind the 2xx. RFC 3891 asks for no more
    /// than the 2xx; a new caller that vanishes then takes the old call along.
    pub wait_for_ack: bool,
    /// T1 of RFC 3261 section 17.1.1.1, in milliseconds.
    pub t1_ms: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options { early_only: false, wait_for_ack: false, t1_ms: 500 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The new INVITE is to be answered with 200.
    Answering,
    /// The old dialog has changed, and the new INVITE is to be refused.
    Refusing {
        code: u16,
    },
    /// The 2xx is out, its ACK is not in.
    Acking,
    /// The new call has taken over, the old one is being ended.
    Ending,
    Finished,
}

/// One INVITE with Replaces on its way.
#[derive(Debug)]
pub struct Takeover {
    now_ms: u64,
    deadline_ms: u64,
    t1_ms: u32,
    phase: Phase,
    /// How the old dialog is to be ended; `Nothing` once it has ended.
    old: OldDialog,
    early_only: bool,
    wait_for_ack: bool,
    answered: bool,
}

fn outputs(list: [Option<Output>; 3]) -> Outputs {
    list.into_iter().flatten()
}

fn none() -> Outputs {
    outputs([None; 3])
}

impl Takeover {
    /// Starts: `old` is the verdict's.
    pub fn start(now_ms: u64, old: OldDialog, options: &Options) -> (Takeover, Outputs) {
        let mut takeover = Takeover {
            now_ms,
            deadline_ms: NEVER,
            t1_ms: options.t1_ms,
            phase: Phase::Answering,
            old,
            early_only: options.early_only,
            wait_for_ack: options.wait_for_ack,
            answered: false,
        };
        takeover.enter(Phase::Answering);
        let first = Output::AnswerNew { code: 200 };
        (takeover, outputs([Some(first), None, None]))
    }

    /// When [`Takeover::tick`] is to be called next.
    pub fn deadline(&self) -> Option<u64> {
        (self.deadline_ms != NEVER).then_some(self.deadline_ms)
    }

    /// Whether the new INVITE has got its 2xx.
    pub fn is_answered(&self) -> bool {
        self.answered
    }

    /// Whether the outcome is out.
    pub fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }

    /// The 2xx to the new INVITE was sent. Where it goes out after a failure was the outcome, the
    /// host ends the new call as any call that nobody wants.
    pub fn answered(&mut self, now_ms: u64) -> Outputs {
        self.advance(now_ms);
        self.answered |= matches!(self.phase, Phase::Answering | Phase::Refusing { .. });
        match self.phase {
            // A 2xx cannot be taken back: where the refusal came too late the takeover goes on.
            Phase::Answering | Phase::Refusing { .. } if self.wait_for_ack => {
                self.enter(Phase::Acking);
                none()
            }
            Phase::Answering | Phase::Refusing { .. } => self.take_over(),
            _ => none(),
        }
    }

    /// The new INVITE was answered with this failure: 488 where there is no common media, 487 where
    /// its sender has cancelled it, whatever else the host met with, or what it was told to send.
    pub fn not_answered(&mut self, now_ms: u64, code: u16) -> Outputs {
        self.advance(now_ms);
        match self.phase {
            Phase::Answering | Phase::Refusing { .. } => outputs(self.fail(None, code)),
            _ => none(),
        }
    }

    /// The ACK to the 2xx has come.
    pub fn acked(&mut self, now_ms: u64) -> Outputs {
        self.advance(now_ms);
        match self.phase {
            Phase::Acking => self.take_over(),
            _ => none(),
        }
    }

    /// The new call has ended. Before the takeover the old one then goes on.
    pub fn new_ended(&mut self, now_ms: u64) -> Outputs {
        self.advance(now_ms);
        match self.phase {
            Phase::Acking => outputs(self.fail(None, 487)),
            _ => none(),
        }
    }

    /// The old dialog, which was early, got its 2xx.
    pub fn old_answered(&mut self, now_ms: u64) -> Outputs {
        self.advance(now_ms);
        if !matches!(self.old, OldDialog::Cancel | OldDialog::Reject) {
            return none();
        }
        match self.phase {
            // R013, for a dialog that was confirmed after the match.
            Phase::Answering if self.early_only => {
                self.old = OldDialog::Bye;
                self.refuse(486)
            }
            Phase::Answering | Phase::Refusing { .. } | Phase::Acking => {
                self.old = OldDialog::Bye;
                none()
            }
            Phase::Ending if self.old == OldDialog::Cancel => {
                self.old = OldDialog::Bye;
                self.enter(Phase::Ending);
                outputs([Some(Output::AckOld), Some(Output::ByeOld), None])
            }
            Phase::Ending | Phase::Finished => none(),
        }
    }

    /// The old dialog has ended: as it was told to, or of its own accord.
    pub fn old_ended(&mut self, now_ms: u64) -> Outputs {
        self.advance(now_ms);
        self.old = OldDialog::Nothing;
        match self.phase {
            // R008, for a dialog that ended after the match.
            Phase::Answering => self.refuse(603),
            Phase::Refusing { .. } | Phase::Acking | Phase::Finished => none(),
            Phase::Ending => outputs([Some(self.finish(Outcome::Success)), None, None]),
        }
    }

    /// What to answer a re-INVITE or UPDATE on the old dialog with; `None`: as ever. While a
    /// takeover is under way its media is not to change (RFC 3261 section 14.2).
    pub fn reinvite_on_old(&self) -> Option<u16> {
        let under_way = self.phase != Phase::Finished && self.old != OldDialog::Nothing;
        under_way.then_some(491)
    }

    /// The same for the new call: it waits until the takeover.
    pub fn reinvite_on_new(&self) -> Option<u16> {
        match self.phase {
            Phase::Answering | Phase::Refusing { .. } | Phase::Acking => Some(491),
            Phase::Ending | Phase::Finished => None,
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now_ms: u64) -> Outputs {
        self.advance(now_ms);
        if self.now_ms < self.deadline_ms {
            return none();
        }
        match self.phase {
            // The host has not said whether it could answer.
            Phase::Answering => outputs(self.fail(Some(Output::AnswerNew { code: 500 }), 500)),
            Phase::Refusing { code } => outputs(self.fail(None, code)),
            Phase::Acking => outputs(self.fail(Some(Output::EndNew), 408)),
            // RFC 3261 sections 9.1 and 15.1.1: whoever does not answer is gone.
            Phase::Ending => outputs([Some(self.finish(Outcome::Success)), None, None]),
            Phase::Finished => none(),
        }
    }

    fn advance(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        let after = 64 * u64::from(self.t1_ms);
        // One less than NEVER at most.
        self.deadline_ms = self.now_ms.saturating_add(after).min(NEVER - 1);
    }

    fn refuse(&mut self, code: u16) -> Outputs {
        self.enter(Phase::Refusing { code });
        outputs([Some(Output::AnswerNew { code }), None, None])
    }

    /// R011, R014, R015.
    fn take_over(&mut self) -> Outputs {
        let then = if self.old == OldDialog::Nothing {
            self.finish(Outcome::Success)
        } else {
            self.enter(Phase::Ending);
            Output::EndOld(self.old)
        };
        outputs([Some(Output::TakeOver), Some(then), None])
    }

    /// R012.
    fn fail(&mut self, first: Option<Output>, code: u16) -> [Option<Output>; 3] {
        let is_there = self.old != OldDialog::Nothing;
        let leave = is_there.then_some(Output::LeaveOldAsItWas);
        [first, leave, Some(self.finish(Outcome::Failure { code }))]
    }

    fn finish(&mut self, outcome: Outcome) -> Output {
        self.phase = Phase::Finished;
        self.deadline_ms = NEVER;
        Output::Finished(outcome)
    }
}
