//! The sending side of a transfer: from the wish to transfer to its one outcome.
//!
//! # Contract
//!
//! A state machine without I/O. It holds what its REFER needs and nothing of the host's.
//!
//! **In:** [`Transferor::start`]; [`Transferor::sent`] when a REFER goes out; the answers to it
//! ([`Transferor::response`]) and the NOTIFYs ([`Transferor::notify`]); what becomes of the two
//! calls ([`Transferor::call_ended`], [`Transferor::consultation_answered`],
//! [`Transferor::consultation_ended`]); the time ([`Transferor::tick`]).
//!
//! **Out:** every input returns its [`Outputs`], to be done in their order: a REFER to send, with
//! the header lines of [`Transferor::print_headers`]; a [`Command`]; progress; and in the end
//! [`Output::Finished`]. A NOTIFY also returns the code to answer it with.
//!
//! **Time:** `now_ms` is monotonic; going back is taken for standing still. What is due at
//! [`Transferor::deadline`] happens at the first `tick` from then on. An input that comes late but
//! before that tick still counts. After the outcome the deadline is that of the subscription:
//! until then the object answers NOTIFYs, and [`Transferor::is_subscribed`] says whether any is
//! still to be expected.
//!
//! **Order:** a consultation call that has to go is gone, or was given 64*T1 for it, before the
//! REFER is sent. The REFER comes before any progress. `Finished` comes last.
//!
//! **Never:**
//! - a second `Finished`, or any output after it; once time has passed there is one;
//! - success without a 2xx status line in a NOTIFY: a 2xx to the REFER is no outcome (R082), nor is
//!   the end of the subscription;
//! - the end of the call with the transferee before the outcome, unless `bye_after_accept` asks for
//!   it; where it has not ended, [`Command::KeepCall`] follows a failure (R081);
//! - more than two REFERs (R086), or both `KeepCall` and `HangUp`;
//! - a Contact or Require among the header lines.
//!
//! An outcome that was decided does not depend on the call: a BYE from either side ends the call
//! and not the subscription (R078, R084).

mod start;

#[cfg(test)]
mod tests;

pub use start::{Attended, Options, Peer, Transfer};

use crate::sip::{lex, Event, Sipfrag, State, SubscriptionState};
use core::{array, iter};

/// T1 where the host knows no better (RFC 3261 section 17.1.1.1).
pub const T1_MS: u32 = 500;

const NEVER: u64 = u64::MAX;

/// What is to be done, in this order.
pub type Outputs<'o> = iter::Flatten<array::IntoIter<Option<Output<'o>>, 2>>;

/// One thing to do or to know. Texts are borrowed from the input that brought them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output<'o> {
    /// Send a REFER with the lines of [`Transferor::print_headers`] and exactly one Contact
    /// (R028), and report it by [`Transferor::sent`].
    SendRefer {
        /// In the dialog of the call with the transferee; otherwise outside it, to the
        /// transferee's Contact.
        in_dialog: bool,
        /// 1, or 2 for the second try.
        attempt: u8,
    },
    /// Do something to a call.
    Command(Command),
    /// The referred call has come this far.
    Progress {
        /// 100 to 199.
        code: u16,
        /// What the peer calls it.
        reason: &'o [u8],
    },
    /// The transfer is over.
    Finished(Outcome<'o>),
}

/// What is to be done to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// End the consultation call, by CANCEL or by BYE, and report
    /// [`Transferor::consultation_ended`].
    DropConsultation,
    /// The target's 2xx has crossed the CANCEL: ACK it, then BYE.
    ByeConsultation,
    /// The call with the transferee stays: take it back from hold.
    KeepCall,
    /// End the call with the transferee.
    HangUp,
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'o> {
    /// The transferee has reached the target.
    Success {
        /// 200 to 299.
        code: u16,
    },
    /// It has not, or nobody tried.
    Failure {
        /// 300 to 699.
        code: u16,
        /// What the peer calls it; may be empty.
        reason: &'o [u8],
    },
    /// Nobody will ever tell.
    Unknown {
        /// The last code that was heard, or 0.
        code: u16,
        /// Why it stays unknown.
        why: Why,
    },
}

/// Why an outcome stays unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Timer N ended without a NOTIFY (R073).
    NoNotify,
    /// The subscription ran out.
    Expired,
    /// The last NOTIFY brought no final status.
    Ended,
    /// The peer agreed to send no NOTIFY (R063).
    NotSubscribed,
}

/// A response to a REFER.
#[derive(Clone, Copy, Debug)]
pub struct Response<'r> {
    /// The attempt of its REFER.
    pub attempt: u8,
    /// Its code; 408 where none came, 503 where the REFER could not be sent (RFC 3261 section
    /// 8.1.3.1).
    pub code: u16,
    /// Its reason phrase.
    pub reason: &'r [u8],
    /// Whether it carries Refer-Sub: false.
    pub refer_sub_false: bool,
}

/// A NOTIFY. Values are unfolded, and empty where the header is missing.
#[derive(Clone, Copy, Debug)]
pub struct Notify<'n> {
    /// The attempt whose REFER made the dialog that it came in; `None` for the call's own dialog.
    pub attempt: Option<u8>,
    /// Value of Event.
    pub event: &'n [u8],
    /// Value of Subscription-State.
    pub subscription_state: &'n [u8],
    /// The body, a sipfrag.
    pub body: &'n [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The consultation call is being ended.
    Dropping,
    /// A REFER is out, and nothing was heard by NOTIFY.
    Referring,
    /// A NOTIFY has come.
    Subscribed,
    Finished,
}

/// A REFER that was sent, and its subscription.
#[derive(Clone, Copy, Debug)]
struct Sent {
    /// Its CSeq, which is the id of its events (R042).
    cseq: Option<u32>,
    /// Whether an event without id may be meant: it is its dialog's first REFER.
    id_optional: bool,
    /// Whether its NOTIFYs are expected.
    open: bool,
}

impl Default for Sent {
    fn default() -> Self {
        Sent { cseq: None, id_optional: true, open: false }
    }
}

enum Which {
    Current,
    Previous,
}

/// Who said no.
#[derive(PartialEq, Eq)]
enum By {
    /// The transferee, to the REFER.
    Refer,
    /// Whoever answered the referred call.
    Call,
}

/// One transfer that this side began.
#[derive(Debug)]
pub struct Transferor {
    contact: Option<Box<[u8]>>,
    /// The target of a blind transfer stands here too.
    aor: Option<Box<[u8]>>,
    /// The value; `None` for a blind transfer.
    replaces: Option<Box<[u8]>>,
    referred_by: Option<Box<[u8]>>,
    /// Kept only where the REFER goes outside the dialog.
    target_dialog: Option<Box<[u8]>>,
    now_ms: u64,
    deadline_ms: u64,
    /// The last moment of this attempt.
    limit_ms: u64,
    t1_ms: u32,
    fallback_expires_s: u32,
    longest_wait_s: u32,
    current: Sent,
    previous: Option<Sent>,
    last_code: u16,
    phase: Phase,
    uses_contact: bool,
    supports_replaces: bool,
    /// Refer-Sub: false is asked for.
    without_subscription: bool,
    bye_after_accept: bool,
    retried: bool,
    /// The current REFER has its 2xx.
    accepted: bool,
    call_ended: bool,
    /// The consultation call that is being ended has no answer yet.
    consultation_rings: bool,
}

fn none<'o>() -> Outputs<'o> {
    [None, None].into_iter().flatten()
}

fn one(output: Output<'_>) -> Outputs<'_> {
    [Some(output), None].into_iter().flatten()
}

impl Transferor {
    /// When [`Transferor::tick`] is to be called next.
    pub fn deadline(&self) -> Option<u64> {
        (self.deadline_ms != NEVER).then_some(self.deadline_ms)
    }

    /// Whether the outcome is out. The object is still worth keeping while
    /// [`Transferor::is_subscribed`], to answer NOTIFYs.
    pub fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }

    /// Whether a NOTIFY may still come that is answered with 200.
    pub fn is_subscribed(&self) -> bool {
        self.current.open || self.previous.is_some_and(|sent| sent.open)
    }

    /// A REFER goes out under this CSeq. `first_in_dialog` is for the first REFER that this side
    /// sends in its dialog, whose events may come without id (R042). One that is sent again, with
    /// credentials, is reported again. To be called before any of its NOTIFYs is handed in.
    pub fn sent(&mut self, now_ms: u64, attempt: u8, cseq: u32, first_in_dialog: bool) {
        self.advance(now_ms);
        if self.phase == Phase::Referring && attempt == self.attempt() && !self.accepted {
            self.current = Sent { cseq: Some(cseq), id_optional: first_in_dialog, open: true };
            // R073: Timer N runs from here (RFC 6665 section 4.1.2.4).
            self.deadline_ms = self.in_64_t1();
        }
    }

    /// A response to a REFER has come. A challenge that the host meets with credentials is not
    /// reported.
    pub fn response<'r>(&mut self, now_ms: u64, response: &Response<'r>) -> Outputs<'r> {
        self.advance(now_ms);
        let awaited = matches!(self.phase, Phase::Referring | Phase::Subscribed)
            && response.attempt == self.attempt()
            && !self.accepted;
        let code = response.code;
        // A NOTIFY proves that the REFER arrived (R037), so only its answer was lost.
        let lost = code == 408 && self.phase == Phase::Subscribed;
        if !awaited || code < 200 || lost {
            return none();
        }
        if code >= 300 {
            self.current.open = false;
            return self.concluded(code, response.reason, &By::Refer);
        }
        // 202 is 200 (R069), and neither is an outcome (R082).
        self.accepted = true;
        let hang_up = self.bye_after_accept && !self.call_ended;
        self.call_ended |= hang_up;
        let command = hang_up.then_some(Output::Command(Command::HangUp));
        if self.phase == Phase::Referring {
            self.last_code = code;
            // R063. Where the answer does not repeat it, NOTIFYs come (R064).
            if self.without_subscription && response.refer_sub_false {
                self.current.open = false;
                let [end, finished] = self.end(Outcome::Unknown { code, why: Why::NotSubscribed });
                return [command.or(end), finished].into_iter().flatten();
            }
        }
        [command, None].into_iter().flatten()
    }

    /// A NOTIFY has come: the code to answer it with, and what follows. It may come before the
    /// answer to its REFER (R037), and after the outcome.
    pub fn notify<'n>(&mut self, now_ms: u64, notify: &Notify<'n>) -> (u16, Outputs<'n>) {
        self.advance(now_ms);
        let Ok(event) = Event::parse(notify.event) else {
            return (400, none());
        };
        if !event.is_refer() {
            return (489, none());
        }
        let Some(which) = self.meant(&event, notify.attempt) else {
            return (481, none());
        };
        let Ok(state) = subscription_state(notify.subscription_state) else {
            return (400, none());
        };
        let ended = state.state == State::Terminated;
        match which {
            Which::Previous => {
                // Its outcome is known; it led to the second REFER.
                if let Some(previous) = self.previous.as_mut().filter(|_| ended) {
                    previous.open = false;
                }
                (200, none())
            }
            Which::Current => {
                self.current.open = !ended;
                if self.is_finished() {
                    return (200, none());
                }
                (200, self.heard(&state, notify.body))
            }
        }
    }

    /// The call with the transferee has ended, by whichever side. A transfer that was asked for
    /// goes on (R078, R084).
    pub fn call_ended(&mut self, now_ms: u64) -> Outputs<'static> {
        self.advance(now_ms);
        self.call_ended = true;
        if self.phase != Phase::Dropping {
            return none();
        }
        // Nobody is left to be transferred.
        self.finish(Outcome::Failure { code: 481, reason: b"" })
    }

    /// The target has answered the consultation call while that was being ended.
    pub fn consultation_answered(&mut self, now_ms: u64) -> Outputs<'static> {
        self.advance(now_ms);
        if self.phase != Phase::Dropping || !self.consultation_rings {
            return none();
        }
        self.consultation_rings = false;
        self.deadline_ms = self.in_64_t1();
        one(Output::Command(Command::ByeConsultation))
    }

    /// The consultation call has ended. In an attended transfer that is the target's doing, and no
    /// outcome.
    pub fn consultation_ended(&mut self, now_ms: u64) -> Outputs<'static> {
        self.advance(now_ms);
        if self.phase != Phase::Dropping {
            return none();
        }
        one(self.send_refer())
    }

    /// Time has passed.
    pub fn tick(&mut self, now_ms: u64) -> Outputs<'static> {
        self.advance(now_ms);
        if self.now_ms < self.deadline_ms {
            return none();
        }
        let why = match self.phase {
            // Whoever does not answer a CANCEL or BYE for so long has no call any more (RFC 3261
            // sections 9.1 and 15.1.1).
            Phase::Dropping => return one(self.send_refer()),
            Phase::Referring => Why::NoNotify,
            Phase::Subscribed => Why::Expired,
            Phase::Finished => {
                self.current.open = false;
                self.previous = None;
                self.deadline_ms = NEVER;
                return none();
            }
        };
        self.current.open = false;
        self.finish(Outcome::Unknown { code: self.last_code, why })
    }

    fn advance(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
    }

    fn attempt(&self) -> u8 {
        1 + u8::from(self.retried)
    }

    fn after_ms(&self, ms: u64) -> u64 {
        // One less than NEVER at most.
        self.now_ms.saturating_add(ms).min(NEVER - 1)
    }

    fn in_64_t1(&self) -> u64 {
        self.after_ms(64 * u64::from(self.t1_ms))
    }

    fn send_refer(&mut self) -> Output<'static> {
        self.phase = Phase::Referring;
        self.current.open = true;
        self.deadline_ms = self.in_64_t1();
        self.limit_ms = self.after_ms(1000 * u64::from(self.longest_wait_s));
        Output::SendRefer { in_dialog: self.target_dialog.is_none(), attempt: self.attempt() }
    }

    /// Which of its REFERs an event belongs to (R042, R074).
    fn meant(&self, event: &Event<'_>, attempt: Option<u8>) -> Option<Which> {
        let current = self.current.open.then_some((&self.current, Which::Current));
        let previous = self.previous.as_ref().filter(|sent| sent.open);
        let previous = previous.map(|sent| (sent, Which::Previous));
        let mut open = previous.into_iter().chain(current);
        // A number too large for a CSeq becomes one that no REFER has.
        let id = match event.id {
            Some(id) => Some(lex::decimal(id)?),
            None => None,
        };
        if attempt.is_some() != self.target_dialog.is_some() {
            return None;
        }
        if let Some(attempt) = attempt {
            // Each has a dialog of its own, so an id only must not contradict it.
            let is_current = attempt == self.attempt();
            if attempt == 0 || attempt > self.attempt() {
                return None;
            }
            return open
                .find(|(_, which)| matches!(which, Which::Current) == is_current)
                .filter(|(sent, _)| id.is_none() || id == sent.cseq)
                .map(|(_, which)| which);
        }
        if id.is_some() {
            return open.find(|(sent, _)| sent.cseq == id).map(|(_, which)| which);
        }
        // A peer that never sends an id means the one that is left.
        let only = self.previous.as_ref().is_some_and(|sent| !sent.open && sent.id_optional);
        open.find(|(sent, _)| sent.id_optional || only).map(|(_, which)| which)
    }

    /// What a NOTIFY of the current REFER says.
    fn heard<'n>(&mut self, state: &SubscriptionState<'_>, body: &'n [u8]) -> Outputs<'n> {
        let seconds = state.expires.filter(|&seconds| seconds > 0);
        let seconds = seconds.unwrap_or(self.fallback_expires_s);
        let expiry = self.after_ms(1000 * u64::from(seconds));
        self.deadline_ms = expiry.min(self.limit_ms);
        // R106: what does not begin with a status line says nothing.
        let status = Sipfrag::parse(body).ok().and_then(|fragment| fragment.status());
        match status {
            Some((code, reason)) if code >= 200 => return self.concluded(code, reason, &By::Call),
            Some((code, _)) => self.last_code = code,
            None => {}
        }
        if state.state == State::Terminated {
            let code = self.last_code;
            return self.finish(Outcome::Unknown { code, why: Why::Ended });
        }
        self.phase = Phase::Subscribed;
        match status {
            Some((code, reason)) => one(Output::Progress { code, reason }),
            None => none(),
        }
    }

    /// A final status, of the referred call or of the REFER itself.
    fn concluded<'o>(&mut self, code: u16, reason: &'o [u8], by: &By) -> Outputs<'o> {
        self.last_code = code;
        if code < 300 {
            return self.finish(Outcome::Success { code });
        }
        // R086 (RFC 5589 section 7.3). A transferee that could not contact the target at all says
        // 503 (RFC 3515 section 2.4.5).
        let unreachable = matches!(code, 403 | 404 | 408) || (code == 503 && *by == By::Call);
        let other_uri = self.replaces.is_some()
            && self.contact.is_some()
            && self.aor.is_some()
            && self.contact != self.aor;
        if !unreachable || !other_uri || self.retried || self.call_ended {
            return self.finish(Outcome::Failure { code, reason });
        }
        self.previous = Some(self.current);
        self.current = Sent { id_optional: self.target_dialog.is_some(), ..Sent::default() };
        self.retried = true;
        self.accepted = false;
        self.uses_contact = !self.uses_contact;
        one(self.send_refer())
    }

    fn finish<'o>(&mut self, outcome: Outcome<'o>) -> Outputs<'o> {
        self.end(outcome).into_iter().flatten()
    }

    /// The last outputs: what becomes of the call (R081), and the outcome.
    fn end<'o>(&mut self, outcome: Outcome<'o>) -> [Option<Output<'o>>; 2] {
        self.phase = Phase::Finished;
        // From now on the deadline is that of NOTIFYs that still want an answer.
        if !self.is_subscribed() {
            self.deadline_ms = NEVER;
        } else if !self.current.open {
            self.deadline_ms = self.in_64_t1();
        }
        let command = match outcome {
            Outcome::Success { .. } => Command::HangUp,
            Outcome::Failure { .. } | Outcome::Unknown { .. } => Command::KeepCall,
        };
        let command = (!self.call_ended).then_some(Output::Command(command));
        [command, Some(Output::Finished(outcome))]
    }
}

/// RFC 6665 section 8.2.3 asks for the header; a peer that leaves it out goes on (RFC 6665 section
/// 4.1.3 takes an unknown state for active).
fn subscription_state(value: &[u8]) -> Result<SubscriptionState<'_>, crate::sip::ParseError> {
    SubscriptionState::parse(if value.is_empty() { b"active" } else { value })
}
