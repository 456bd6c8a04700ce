//! A transfer that is being followed.

use super::{Finding, Kind, Step, Weight};
use sipxfer::rule::Rule;
use std::rc::Rc;

/// The dialog that a Replaces names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Triple {
    pub call_id: String,
    pub to_tag: String,
    pub from_tag: String,
}

/// A final answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub code: u16,
    pub reason: String,
    /// Warning, or Reason: what the one who answered says about it.
    pub warning: String,
    pub place: usize,
}

/// A NOTIFY of a transfer.
#[derive(Clone, Debug)]
pub struct Notify {
    pub at_us: Option<u64>,
    pub cseq: u32,
    pub code: Option<u16>,
    pub reason: String,
    pub ends: bool,
    pub from: usize,
}

/// The request that a REFER led to.
#[derive(Clone, Debug)]
pub struct Triggered {
    pub call_id: Rc<str>,
    pub to: usize,
    pub has_replaces: bool,
    pub answer: Option<Answer>,
    pub cancelled: bool,
}

/// Who hung up the call in which the REFER came.
#[derive(Clone, Copy, Debug)]
pub struct Bye {
    pub by_transferor: bool,
    /// Whether the outcome was known by then.
    pub after_end: bool,
}

/// One transfer.
#[derive(Debug)]
pub struct Open {
    pub number: usize,
    pub kind: Kind,
    pub began_us: Option<u64>,
    pub last_us: Option<u64>,
    /// The Call-ID of the REFER, or of the INVITE with Replaces.
    pub call_id: Rc<str>,
    /// The tag of its sender.
    pub tag: String,
    /// The CSeqs of the REFER: more than one where it was challenged.
    pub cseqs: Vec<u32>,
    pub from: usize,
    pub to: usize,
    pub value: String,
    pub target_user: String,
    pub replaces: Option<Triple>,
    pub referred_by: String,
    pub user_agent: String,
    pub transport: &'static str,
    /// REFERs of the same sender in the same dialog before this one.
    pub earlier: usize,
    pub answer: Option<Answer>,
    pub no_subscription: bool,
    pub notifies: Vec<Notify>,
    pub triggered: Option<Triggered>,
    pub bye: Option<Bye>,
    pub calls: Vec<Rc<str>>,
    pub steps: Vec<Step>,
    pub left_out: usize,
    pub findings: Vec<Finding>,
    /// When the outcome was known.
    pub ended_us: Option<u64>,
    pub is_ended: bool,
    /// The transferor, who had left, is called back.
    pub is_recalled: bool,
}

/// The most findings of a transfer, and NOTIFYs of it.
const FINDINGS: usize = 32;
pub const NOTIFIES: usize = 128;

impl Open {
    /// The last final code that a NOTIFY told.
    pub fn told(&self) -> Option<&Notify> {
        self.notifies.iter().rev().find(|it| it.code.is_some_and(|code| code >= 200))
    }

    /// Whether it is known that nothing comes of it.
    pub fn has_failed(&self) -> bool {
        let code = match self.told() {
            Some(notify) => notify.code,
            None => self.triggered.as_ref().and_then(|it| it.answer.as_ref()).map(|it| it.code),
        };
        code.is_some_and(|code| code >= 300)
    }

    pub fn find(&mut self, weight: Weight, rule: Option<Rule>, text: String, change: &str) {
        let known = self.findings.iter().any(|it| it.text == text);
        if !known && self.findings.len() < FINDINGS {
            self.findings.push(Finding { weight, rule, text, change: change.to_owned() });
        }
    }

    /// Adds a message to the ladder; one that was sent again is counted.
    pub fn step(&mut self, step: &Step, most: usize) {
        let again = |it: &&mut Step| it.identity == step.identity;
        if let Some(known) = self.steps.iter_mut().rev().take(24).find(again) {
            if known.number != step.number {
                known.repeats += 1;
            }
            return;
        }
        if self.steps.len() >= most {
            self.left_out += 1;
            return;
        }
        self.steps.push(step.clone());
    }
}
