//! The stories of a capture: every transfer in it, from what led to it to how it ended.
//!
//! [`Tracker`] takes the messages in their order and keeps what it needs of the calls in bounded
//! tables; [`Story`] is what is told of one transfer in the end.

mod advice;
mod calls;
mod follow;
mod habits;
mod judge;
mod open;
mod places;
mod seen;

pub use follow::{Limits, Summary, Tracker};

use crate::capture::Place;
use sipxfer::rule::Rule;
use std::rc::Rc;

/// What a message means for the transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A request, or a provisional answer.
    Plain,
    /// What the transfer is made of: REFER, an INVITE with Replaces, a NOTIFY.
    Transfer,
    Good,
    Bad,
}

impl Tone {
    /// As JSON and the pictures have it.
    pub fn name(self) -> &'static str {
        match self {
            Tone::Plain => "plain",
            Tone::Transfer => "transfer",
            Tone::Good => "good",
            Tone::Bad => "bad",
        }
    }
}

/// One message of a ladder.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its number among the messages of the capture, from 1.
    pub number: u64,
    pub at_us: Option<u64>,
    pub from: usize,
    pub to: usize,
    pub label: String,
    /// The headers that tell about the transfer.
    pub notes: Vec<String>,
    pub tone: Tone,
    pub call_id: Rc<str>,
    /// How often it was sent again.
    pub repeats: u32,
    /// What makes it the same message when it comes again.
    pub identity: u64,
    /// The bytes, where they are to be shown.
    pub raw: Option<Rc<[u8]>>,
}

/// A column of a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    pub place: Place,
    /// The user, or the product, that it calls itself; empty where it is not known.
    pub name: String,
}

/// What kind of transfer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Blind,
    Attended,
    /// A REFER that asks for another request than INVITE.
    Other,
    /// An INVITE with Replaces whose REFER is not in the capture: a pickup, or the target's side.
    Takeover,
}

impl Kind {
    /// As JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Blind => "blind",
            Kind::Attended => "attended",
            Kind::Other => "other_method",
            Kind::Takeover => "takeover",
        }
    }

    /// As a heading has it.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Blind => "blind transfer",
            Kind::Attended => "attended transfer",
            Kind::Other => "REFER for another request",
            Kind::Takeover => "INVITE with Replaces",
        }
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// It was begun and did not come to its end: the code.
    Failed(u16),
    /// It was not begun: the code.
    Refused(u16),
    /// 401 or 407, and nobody came back with credentials.
    Challenged(u16),
    /// No final answer to the REFER or the INVITE.
    Unanswered,
    /// Nothing in the capture tells.
    Unknown,
}

impl Outcome {
    /// As JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Failed(_) => "failed",
            Outcome::Refused(_) => "refused",
            Outcome::Challenged(_) => "challenged",
            Outcome::Unanswered => "unanswered",
            Outcome::Unknown => "unknown",
        }
    }

    /// The code of the answer that decided.
    pub fn code(self) -> Option<u16> {
        match self {
            Outcome::Failed(code) | Outcome::Refused(code) | Outcome::Challenged(code) => {
                Some(code)
            }
            _ => None,
        }
    }

    /// The colour that a picture gives it.
    pub fn tone(self) -> Tone {
        match self {
            Outcome::Done => Tone::Good,
            Outcome::Unknown => Tone::Plain,
            _ => Tone::Bad,
        }
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Against a rule: it breaks transfers, here or elsewhere.
    Fault,
    /// What a device is known to do, and a PBX has to live with.
    Habit,
    /// Worth knowing.
    Note,
}

impl Weight {
    /// As JSON and headings have it.
    pub fn name(self) -> &'static str {
        match self {
            Weight::Fault => "fault",
            Weight::Habit => "habit",
            Weight::Note => "note",
        }
    }
}

/// Something that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub weight: Weight,
    pub rule: Option<Rule>,
    pub text: String,
    /// What to change; empty where there is nothing.
    pub change: String,
}

/// What the sender of the REFER, or of the INVITE with Replaces, asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What it came over.
    pub transport: &'static str,
    /// Indexes of parties.
    pub from: usize,
    pub to: usize,
    /// Refer-To, or the Replaces of an INVITE.
    pub value: String,
    pub referred_by: String,
    pub user_agent: String,
    /// The device profile of this User-Agent.
    pub profile: String,
}

/// One transfer, told.
#[derive(Clone, Debug)]
pub struct Story {
    /// From 1, in the order in which they began.
    pub number: usize,
    pub kind: Kind,
    pub began_us: Option<u64>,
    pub outcome: Outcome,
    /// What happened, in sentences.
    pub happened: Vec<String>,
    /// Who said no: an index of parties.
    pub said_no: Option<usize>,
    /// Why, in one sentence; empty where it went well.
    pub why: String,
    pub rules: Vec<Rule>,
    pub change: Vec<String>,
    pub findings: Vec<Finding>,
    pub asked: Asked,
    /// The calls by their letters: A, B, C ...
    pub calls: Vec<Rc<str>>,
    pub parties: Vec<Party>,
    pub steps: Vec<Step>,
    /// Messages that are not drawn, since there are too many.
    pub left_out: usize,
}
