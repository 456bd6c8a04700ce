//! One transfer on the side that received its REFER: from its acceptance to its one final outcome
//! (RFC 3515 section 2.4, RFC 5589).
//!
//! The verdict on a REFER says whether it is accepted. What follows is here: the answer, the
//! NOTIFYs, the commands to the host, the control by an application, and the outcome.
//!
//! **Input.** What the host knows: its decision ([`Recipient::decide`]), the progress of the
//! referred call ([`Recipient::progress`], [`Recipient::contact_failed`]), that it gives up
//! ([`Recipient::give_up`]). What an application wants ([`Recipient::application`]). What the
//! transferor sends: a BYE ([`Recipient::bye`]), a SUBSCRIBE ([`Recipient::subscribe`],
//! [`Recipient::subscribe_explicitly`]), answers
//! to our NOTIFYs ([`Recipient::notify_answered`]), its REFER once more
//! ([`Recipient::answer_again`]). And the time ([`Recipient::tick`]). The host hands in what belongs
//! to this transfer; the dialog and the id of an Event tell.
//!
//! **Output.** [`Output`]s, in the order in which they are to be carried out, each handed to the
//! closure that comes with an input. The closure cannot reach this transfer: it collects, and the
//! caller acts afterwards. No input makes more than [`MAX_OUTPUTS`].
//!
//! **Time.** Monotonic milliseconds that never go back. [`Recipient::deadline`] says when to call
//! `tick` next; being late is allowed. Every input that comes with the time does first what was due
//! by then, so that an answer after its deadline is one after the deadline whether or not a tick came
//! between.
//!
//! **Order.** The answer, the first NOTIFY, then the command to start (where the host controls it)
//! or the event without a state (where an application does); where the host has not decided yet,
//! these two wait for its yes. Where the REFER was accepted while the dialog that it names is looked up
//! ([`Kind::Pending`]) the command to route it comes first, once the lookup is over. At the end: the final NOTIFY, the event with the final state, the
//! command about the original call (on failure), and `Finished`. After `Finished` comes at most one
//! thing: the command to hang up the transferor after a success; or, where the transferor's device had
//! let go of its call before the failure ([`Accepted::releases_at`]) and its BYE comes only now, the
//! command that takes the place of `KeepCall`. An explicit subscription may be begun and told the end
//! for a while after it ([`KEPT_MS`]).
//!
//! **Never.** Anything before the answer, or a second answer. A second NOTIFY that says
//! "terminated", or any NOTIFY after one, in one subscription. A second `Finished`. A failure without
//! exactly one command that says what becomes of the original call, or a success with one (R081). An end of the transfer
//! because its subscription ended (R038, R075), because the transferor hung up (R078, R084), or an
//! end of a call because the subscription ended (R079). A transfer whose application is silent
//! without an outcome; one that the host controls has a deadline where it was given one.

mod io;

pub use io::{
    Accepted, Answer, AppState, Cause, Command, Control, Error, Finished, OnFailure, Output, Sink,
    Subscribes, DECISION_S, KEPT_MS, MARGIN_S, MAX_OUTPUTS, RELEASE_MARGIN_MS,
};

use super::subscription::{Ended, Notify, Status, Subscription, Terms};
use super::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The host has not decided.
    Undecided,
    /// Nothing was heard of it yet.
    Started,
    /// Something was.
    Progressing,
    /// It has its outcome.
    Over,
}

/// A transfer, from its accepted REFER on.
#[derive(Debug)]
pub struct Recipient {
    subscription: Option<Subscription>,
    /// When it fails for want of news; once it has succeeded, when the transferor is hung up; once it has
    /// failed, until when the transferor's BYE means that its device had let go of the call before.
    deadline_ms: Option<u64>,
    /// Until when the BYE of a device that has let go of its call is to be expected; 0: it has not.
    released_until_ms: u64,
    control: Control,
    hang_up_after_ms: Option<u32>,
    release_delay_ms: u32,
    releases_at: u16,
    answer: Answer,
    /// The code of its outcome, 0 before.
    outcome: u16,
    kind: Kind,
    on_failure: OnFailure,
    phase: Phase,
    in_call: bool,
    code_only: bool,
    /// Whether the transferor has hung up.
    is_left: bool,
}

impl Recipient {
    /// A REFER is accepted: the answer, the first NOTIFY, and the start where nothing is to be
    /// waited for.
    pub fn accept(accepted: &Accepted, now_ms: u64, out: &mut Sink<'_>) -> Recipient {
        let mut transfer = Recipient {
            subscription: None,
            deadline_ms: None,
            released_until_ms: 0,
            control: accepted.control,
            hang_up_after_ms: accepted.hang_up_after_ms,
            release_delay_ms: accepted.release_delay_ms,
            releases_at: accepted.releases_at,
            answer: Answer {
                code: if accepted.accept_code == 200 { 200 } else { 202 },
                refer_sub_false: accepted.subscribes == Subscribes::ReferSubFalse,
            },
            outcome: 0,
            kind: accepted.kind,
            on_failure: accepted.on_failure,
            phase: if accepted.approval_pending { Phase::Undecided } else { Phase::Started },
            // method=BYE and its like leave the call of who asks for it alone.
            in_call: accepted.in_call && accepted.kind != Kind::OtherMethod,
            code_only: accepted.code_only,
            is_left: false,
        };
        out(Output::Answer(transfer.answer));
        if accepted.releases_at == 202 {
            transfer.releases(now_ms);
        }
        if matches!(accepted.subscribes, Subscribes::Yes | Subscribes::Explicit) {
            let expires_s = accepted.lifetime_s();
            let terms = Terms {
                event_id: accepted.event_id,
                expires_s,
                max_s: accepted.max_expires_s.max(expires_s),
                min_interval_ms: accepted.min_interval_ms,
                pending: accepted.approval_pending,
            };
            if accepted.subscribes == Subscribes::Explicit {
                transfer.subscription = Some(Subscription::awaited(&terms, now_ms));
            } else {
                let (subscription, first) = Subscription::start(&terms, now_ms);
                transfer.subscription = Some(subscription);
                transfer.tell(first, now_ms, out);
            }
        }
        transfer.wait(now_ms);
        if transfer.phase == Phase::Started {
            transfer.begin(out);
        }
        transfer
    }

    /// The host has decided at last. A refusal is told by NOTIFY, since the REFER has its answer
    /// (RFC 3515 section 2.4.5).
    pub fn decide(&mut self, yes: bool, now_ms: u64, out: &mut Sink<'_>) -> Result<(), Error> {
        self.tick(now_ms, out);
        if self.phase != Phase::Undecided || self.kind == Kind::Pending {
            return Err(Error::WrongState);
        }
        if !yes {
            self.finish(Status::usual(603), Cause::Refused, now_ms, out);
            return Ok(());
        }
        self.phase = Phase::Started;
        self.wait(now_ms);
        self.notify(now_ms, out, |subscription| subscription.activate(now_ms));
        self.begin(out);
        Ok(())
    }

    /// The lookup that it waited for is over: where it goes can be decided now.
    pub fn looked_up(&mut self, now_ms: u64, out: &mut Sink<'_>) {
        self.tick(now_ms, out);
        if self.phase == Phase::Undecided && self.kind == Kind::Pending {
            out(Output::Command(Command::Route));
        }
    }

    /// Where it goes was decided at last: it starts, or waits for the host's yes. The refusal is as one
    /// of the host's that comes late (RFC 3515 section 2.4.5).
    pub fn routed(
        &mut self,
        decided: Result<(Kind, bool), u16>,
        now_ms: u64,
        out: &mut Sink<'_>,
    ) -> Result<(), Error> {
        self.tick(now_ms, out);
        if self.phase != Phase::Undecided || self.kind != Kind::Pending {
            return Err(Error::WrongState);
        }
        match decided {
            Ok((kind, approval_pending)) => {
                self.kind = kind;
                if !approval_pending {
                    return self.decide(true, now_ms, out);
                }
                self.wait(now_ms);
            }
            Err(code) => {
                let code = if (300..700).contains(&code) { code } else { 500 };
                self.finish(Status::usual(code), Cause::Refused, now_ms, out);
            }
        }
        Ok(())
    }

    /// The referred call has a response: 1xx, or its final one. The reason may be empty.
    pub fn progress(
        &mut self,
        code: u16,
        reason: &[u8],
        now_ms: u64,
        out: &mut Sink<'_>,
    ) -> Result<(), Error> {
        self.tick(now_ms, out);
        let status = Status::new(code, reason).ok_or(Error::BadCode)?;
        if matches!(self.control, Control::Application { .. }) {
            return Err(Error::Controlled);
        }
        self.running()?;
        if status.is_final() {
            self.finish(status, Cause::Target, now_ms, out);
            return Ok(());
        }
        self.phase = Phase::Progressing;
        self.wait(now_ms);
        // The 100 that every INVITE gets is no news to who was told 100, and neither is a 180 that
        // a proxy repeats.
        self.notify(now_ms, out, |subscription| {
            let is_news = *subscription.status() != status;
            is_news.then(|| subscription.progress(status, now_ms)).flatten()
        });
        Ok(())
    }

    /// An application sets the state. Each command is a NOTIFY and an event.
    pub fn application(
        &mut self,
        command: AppState,
        now_ms: u64,
        out: &mut Sink<'_>,
    ) -> Result<(), Error> {
        self.tick(now_ms, out);
        let Control::Application { final_timeout_ms, .. } = self.control else {
            return Err(Error::NotControlled);
        };
        self.running()?;
        let status = Status::usual(command.code());
        if status.is_final() {
            self.finish(status, Cause::Application, now_ms, out);
            return Ok(());
        }
        // Not again at each progress: an application that only ever says "progress" is no outcome.
        if self.phase == Phase::Started {
            self.phase = Phase::Progressing;
            self.deadline_ms = Some(after_ms(now_ms, final_timeout_ms));
        }
        self.notify(now_ms, out, |subscription| subscription.progress(status, now_ms));
        out(Output::Event(Some(command)));
        Ok(())
    }

    /// The target could not be contacted: 503 (RFC 3515 section 2.4.5).
    pub fn contact_failed(&mut self, now_ms: u64, out: &mut Sink<'_>) -> Result<(), Error> {
        self.tick(now_ms, out);
        self.running()?;
        self.finish(Status::usual(503), Cause::Contact, now_ms, out);
        Ok(())
    }

    /// The host gives the transfer up, at any time: 487 where it cancelled it or the transferee
    /// hung up, 500 where something of its own broke.
    pub fn give_up(&mut self, code: u16, now_ms: u64, out: &mut Sink<'_>) -> Result<(), Error> {
        self.tick(now_ms, out);
        if self.phase == Phase::Over {
            return Err(Error::WrongState);
        }
        if !(300..700).contains(&code) {
            return Err(Error::BadCode);
        }
        self.finish(Status::usual(code), Cause::GivenUp, now_ms, out);
        Ok(())
    }

    /// The call with the transferor has ended, by its BYE or ours. That ends the INVITE usage and
    /// nothing else: neither the transfer nor the subscription (RFC 5057, RFC 5589 section 6).
    pub fn bye(&mut self, now_ms: u64, out: &mut Sink<'_>) {
        // Before what is due: a transfer that fails now has no transferor to go back to.
        self.is_left = true;
        if self.phase == Phase::Over {
            let waited_until_ms = self.deadline_ms.take();
            if !self.has_succeeded() && waited_until_ms.is_some_and(|until_ms| now_ms < until_ms) {
                out(Output::Command(self.left_alone()));
            }
        }
        self.tick(now_ms, out);
    }

    /// The transferor refreshes its subscription, or ends it with no seconds. Returns the Expires
    /// of the 200; an error is answered with its code.
    pub fn subscribe(
        &mut self,
        asked_s: Option<u32>,
        now_ms: u64,
        out: &mut Sink<'_>,
    ) -> Result<u32, Error> {
        self.tick(now_ms, out);
        let refreshed = self
            .subscription
            .as_mut()
            .and_then(|subscription| subscription.refresh(asked_s, now_ms));
        let (granted_s, notify) = refreshed.ok_or(Error::NoSubscription)?;
        self.tell(notify, now_ms, out);
        Ok(granted_s)
    }

    /// A SUBSCRIBE has come to the URI that the answer handed out (RFC 7614): it begins a subscription,
    /// in whose dialog the NOTIFYs then go. Returns as [`Recipient::subscribe`]; where another one goes
    /// on already this is an error of the wrong state.
    pub fn subscribe_explicitly(
        &mut self,
        asked_s: Option<u32>,
        now_ms: u64,
        out: &mut Sink<'_>,
    ) -> Result<u32, Error> {
        self.tick(now_ms, out);
        let subscription = self.subscription.as_mut().ok_or(Error::NoSubscription)?;
        if !subscription.is_awaited() {
            let over = subscription.has_ended();
            return Err(if over { Error::NoSubscription } else { Error::WrongState });
        }
        let (granted_s, notify) =
            subscription.subscribe(asked_s, now_ms).ok_or(Error::NoSubscription)?;
        self.tell(notify, now_ms, out);
        self.keep(now_ms);
        Ok(granted_s)
    }

    /// A NOTIFY was answered, or has timed out (`None`). A refusal may end the subscription; the
    /// transfer goes on (RFC 3515 section 2.4.4).
    pub fn notify_answered(&mut self, code: Option<u16>) {
        if let Some(subscription) = &mut self.subscription {
            subscription.notify_answered(code);
        }
    }

    /// The answer once more, for a REFER that was sent again. Nothing else is done again.
    pub fn answer_again(&self) -> Answer {
        self.answer
    }

    /// Time has passed: does what is due.
    pub fn tick(&mut self, now_ms: u64, out: &mut Sink<'_>) {
        let is_due = self.deadline_ms.is_some_and(|at_ms| at_ms <= now_ms);
        // Where both are due the earlier one is told, however late this comes. What was held back
        // is not told beside a final state.
        let expiry_ms = self.subscription.as_ref().and_then(Subscription::expires_at_ms);
        let expires_first = match (expiry_ms, self.deadline_ms) {
            (Some(expiry_ms), Some(at_ms)) => expiry_ms < at_ms,
            _ => false,
        };
        if !is_due || expires_first {
            self.notify(now_ms, out, |subscription| subscription.tick(now_ms));
        }
        if !is_due {
            return;
        }
        self.deadline_ms = None;
        if self.phase == Phase::Over {
            if self.has_succeeded() {
                out(Output::Command(Command::HangUpTransferor));
            }
            return;
        }
        let code = match self.control {
            Control::Host { .. } => 408,
            Control::Application { timeout_code: 408, .. } => 408,
            Control::Application { .. } => 503,
        };
        self.finish(Status::usual(code), Cause::Deadline, now_ms, out);
    }

    /// When `tick` has something to do next.
    pub fn deadline(&self) -> Option<u64> {
        let subscription = self.subscription.as_ref();
        [subscription.and_then(Subscription::deadline), self.deadline_ms]
            .into_iter()
            .flatten()
            .min()
    }

    /// The code of its outcome.
    pub fn outcome(&self) -> Option<u16> {
        (self.outcome != 0).then_some(self.outcome)
    }

    /// Whether nothing comes any more.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over && self.deadline_ms.is_none()
    }

    /// What was asked for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn is_controlled(&self) -> bool {
        matches!(self.control, Control::Application { .. })
    }

    /// Its subscription, which may have ended; `None` where it makes none.
    pub fn subscription(&self) -> Option<&Subscription> {
        self.subscription.as_ref()
    }

    /// Whether there can be progress.
    fn running(&self) -> Result<(), Error> {
        match self.phase {
            Phase::Started | Phase::Progressing => Ok(()),
            Phase::Undecided | Phase::Over => Err(Error::WrongState),
        }
    }

    fn begin(&mut self, out: &mut Sink<'_>) {
        out(match self.control {
            Control::Host { .. } => Output::Command(Command::Start),
            Control::Application { .. } => Output::Event(None),
        });
    }

    /// Waits anew for news. A decision that never comes is no news either.
    fn wait(&mut self, now_ms: u64) {
        self.deadline_ms = match self.control {
            Control::Host { timeout_ms } => timeout_ms,
            Control::Application { timeout_ms, .. } => Some(timeout_ms),
        }
        .map(|ms| after_ms(now_ms, ms));
    }

    fn notify(
        &mut self,
        now_ms: u64,
        out: &mut Sink<'_>,
        input: impl FnOnce(&mut Subscription) -> Option<Notify>,
    ) {
        if let Some(notify) = self.subscription.as_mut().and_then(input) {
            self.tell(notify, now_ms, out);
        }
    }

    fn tell(&mut self, mut notify: Notify, now_ms: u64, out: &mut Sink<'_>) {
        let code = notify.status.code();
        if self.code_only {
            notify.status = Status::usual(code);
        }
        // A final code is no reason to let go: a success is the end anyway, and at a failure the call
        // is taken back.
        let lets_go = code < 200 && self.releases_at != 0 && code >= self.releases_at;
        out(Output::Notify(notify));
        if lets_go {
            self.releases(now_ms);
        }
    }

    /// The transferor's device lets go of its call, if it has not before.
    fn releases(&mut self, now_ms: u64) {
        let by_ms = after_ms(now_ms, self.release_delay_ms).saturating_add(RELEASE_MARGIN_MS);
        if self.released_until_ms == 0 {
            self.released_until_ms = by_ms;
        }
    }

    /// What becomes of a transferee without a transferor.
    fn left_alone(&self) -> Command {
        match self.on_failure {
            OnFailure::Keep | OnFailure::Recall => Command::RecallTransferor,
            OnFailure::HangUp => Command::HangUpTransferee,
        }
    }

    fn has_succeeded(&self) -> bool {
        (200..300).contains(&self.outcome)
    }

    /// The end is kept for a while for who has yet to subscribe.
    fn keep(&mut self, now_ms: u64) {
        if self.phase != Phase::Over {
            return;
        }
        if let Some(subscription) =
            self.subscription.as_mut().filter(|it| it.expires_at_ms().is_none())
        {
            subscription.keep_until(now_ms.saturating_add(KEPT_MS));
        }
    }

    /// The one outcome. The state changes before anything is said of it.
    fn finish(&mut self, status: Status, cause: Cause, now_ms: u64, out: &mut Sink<'_>) {
        let was = core::mem::replace(&mut self.phase, Phase::Over);
        self.outcome = status.code();
        let has_transferor = self.in_call && !self.is_left;
        let hang_up_at_ms = self.hang_up_after_ms.map(|ms| after_ms(now_ms, ms));
        let until_ms = self.released_until_ms;
        let released_until_ms = (now_ms < until_ms).then_some(until_ms);
        let later_ms = if status.is_success() { hang_up_at_ms } else { released_until_ms };
        self.deadline_ms = later_ms.filter(|_| has_transferor);
        let reason = match cause {
            Cause::Refused => Ended::Rejected,
            _ => Ended::NoResource,
        };
        self.notify(now_ms, out, |subscription| subscription.finish(status.clone(), reason));
        self.keep(now_ms);
        // An application that was never told of the transfer is not told of its end.
        if self.is_controlled() && was != Phase::Undecided {
            out(Output::Event(Some(AppState::of(&status))));
        }
        if !status.is_success() {
            let is_alone = self.in_call && self.is_left;
            out(Output::Command(if is_alone { self.left_alone() } else { Command::KeepCall }));
        }
        out(Output::Finished(Finished { status, cause }));
    }
}

fn after_ms(now_ms: u64, ms: u32) -> u64 {
    now_ms.saturating_add(u64::from(ms))
}

#[cfg(test)]
mod tests;
