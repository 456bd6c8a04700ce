//! The target's side: an accepted Replaces on its way.

use super::{Case, Choices, Story};
use sipxfer::transfer::takeover::{OldDialog, Options, Outcome, Output, Outputs, Takeover};
use Output::{AckOld, AnswerNew, ByeOld, EndNew, EndOld, Finished, LeaveOldAsItWas, TakeOver};

/// What a sequence has brought so far.
#[derive(Default)]
pub struct Seen {
    answered: bool,
    /// Whether nothing is to be waited for any more.
    acked: bool,
    pub taken: bool,
    left: bool,
    pub ended_old: bool,
    finished: Option<Outcome>,
    story: Story,
}

impl Seen {
    fn note(&mut self, outputs: Outputs) {
        for output in outputs {
            self.story.tell(format!("{output:?}"));
            assert_eq!(self.finished, None, "{output:?} after the outcome");
            match output {
                TakeOver => {
                    assert!(self.answered && self.acked && !self.taken && !self.left);
                    self.taken = true;
                }
                EndOld(_) => {
                    assert!(self.taken && !self.ended_old);
                    self.ended_old = true;
                }
                AckOld | ByeOld => assert!(self.ended_old),
                LeaveOldAsItWas => {
                    assert!(!self.taken && !self.left && !self.ended_old);
                    self.left = true;
                }
                AnswerNew { .. } => assert!(!self.answered),
                EndNew => assert!(self.answered && !self.taken),
                Finished(outcome) => self.finished = Some(outcome),
            }
        }
    }
}

/// Runs a sequence to its end, when time has passed.
pub fn run(case: &Case) -> Seen {
    let mut choices = Choices::new(&case.settings);
    let old = [OldDialog::Bye, OldDialog::Cancel, OldDialog::Reject, OldDialog::Nothing];
    let old = choices.one_of(&old);
    let options = Options {
        early_only: choices.coin(),
        wait_for_ack: choices.coin(),
        t1_ms: choices.one_of(&[500, 0, 100, u32::MAX]),
    };
    let mut now_ms = choices.number();
    let (mut takeover, first) = Takeover::start(now_ms, old, &options);
    let mut seen = Seen { acked: !options.wait_for_ack, ..Seen::default() };
    seen.story.tell(format!("{old:?} {options:?}"));
    seen.note(first);
    for bytes in &case.steps {
        let mut choices = Choices::new(bytes);
        now_ms = match choices.below(5) {
            // It goes back, and is taken for standing still.
            0 => now_ms.saturating_sub(choices.number()),
            1 => takeover.deadline().unwrap_or(now_ms),
            2 => now_ms + choices.number() % 3_000,
            _ => now_ms,
        };
        // The new INVITE has one final answer; a retransmission is nobody's business here.
        let refused = matches!(seen.finished, Some(Outcome::Failure { .. })) && !seen.answered;
        let input = choices.below(8);
        seen.story.tell(format!("{now_ms}: input {input}"));
        match input {
            0 | 1 if !refused => {
                seen.answered = true;
                seen.note(takeover.answered(now_ms));
            }
            2 if !seen.answered => seen.note(takeover.not_answered(now_ms, 488)),
            3 => {
                seen.acked |= seen.answered;
                seen.note(takeover.acked(now_ms));
            }
            4 => seen.note(takeover.new_ended(now_ms)),
            5 => seen.note(takeover.old_answered(now_ms)),
            6 => seen.note(takeover.old_ended(now_ms)),
            _ => seen.note(takeover.tick(now_ms)),
        }
        assert_eq!(takeover.is_finished(), seen.finished.is_some());
        assert_eq!(takeover.deadline().is_none(), seen.finished.is_some());
    }
    // Each deadline ends a phase, and there are three.
    for _ in 0..4 {
        if let Some(deadline) = takeover.deadline() {
            seen.note(takeover.tick(deadline));
        }
    }
    match seen.finished {
        Some(Outcome::Success) => assert!(seen.taken),
        Some(Outcome::Failure { .. }) => assert!(!seen.taken && !seen.ended_old),
        None => panic!("no outcome"),
    }
    seen
}
