//! The notifier of one subscription (RFC 3515 section 2.4.4, RFC 6665 section 4.2).
//!
//! A REFER that is accepted makes a subscription, and this is our end of it: what the transferor
//! has been told, what it is still to be told, and for how long. One that asks for an explicit
//! subscription (RFC 7614) makes none, and a SUBSCRIBE does: until then this only keeps the state.
//!
//! **Input.** The state of the referred call ([`Subscription::progress`], [`Subscription::finish`]),
//! a SUBSCRIBE of the transferor ([`Subscription::refresh`]), the answers to our NOTIFYs
//! ([`Subscription::notify_answered`]) and the time ([`Subscription::tick`]).
//!
//! **Output.** At most one [`Notify`] a call, which the host sends in the dialog of the REFER at
//! once. A call that returns none has nothing to send.
//!
//! **Time.** Monotonic milliseconds. [`Subscription::deadline`] says when to call `tick` next.
//! Expiry is seen by `tick` alone: who may be late calls `tick` with the time before anything else.
//!
//! **Order.** The first NOTIFY goes at once and says 100. Further states go no closer together than
//! the interval asks; of those in between, the last one wins. A refresh is answered with the state
//! at once, and so are the final state, an unsubscribe and expiry: they carry what was held back.
//!
//! **Never.** A second NOTIFY that says "terminated", or any NOTIFY after one; a NOTIFY after the
//! transferor has refused one; an expiry that is later than the one it was told before, unless the
//! transferor asked for it; anything of the referred call's response but its status line.

use crate::sip::{reason_phrase, Event, Sipfrag, State, SubscriptionState, Writer};

/// The longest reason phrase that is passed on, in bytes.
pub const LONGEST_REASON: usize = 128;

/// A status code and its reason phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    code: u16,
    /// Only where it is another than the usual phrase.
    reason: Option<Box<str>>,
}

impl Status {
    /// A status; `None` where the code is none, 100 to 699. The usual phrase stands in for a reason
    /// that is empty, is no UTF-8, is longer than [`LONGEST_REASON`] or has a control character in
    /// it: the reason is a stranger's, and it goes into a message of ours.
    pub fn new(code: u16, reason: &[u8]) -> Option<Status> {
        if !(100..700).contains(&code) {
            return None;
        }
        let reason = core::str::from_utf8(reason).unwrap_or_default().trim();
        let fits = !reason.is_empty()
            && reason.len() <= LONGEST_REASON
            && !reason.contains(char::is_control)
            && reason != reason_phrase(code);
        Some(Status { code, reason: fits.then(|| reason.into()) })
    }

    /// A code of ours with its usual phrase.
    pub(super) const fn usual(code: u16) -> Status {
        Status { code, reason: None }
    }

    /// The code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The reason phrase.
    pub fn reason(&self) -> &str {
        match &self.reason {
            Some(reason) => reason,
            None => reason_phrase(self.code),
        }
    }

    /// Whether nothing follows it.
    pub fn is_final(&self) -> bool {
        self.code >= 200
    }

    /// Whether the referred call was answered.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }
}

/// Why a subscription ended, for the transferor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The reference has come to its end (RFC 3515 section 2.4.7).
    NoResource,
    /// It expired, or the transferor unsubscribed (RFC 6665 section 4.2.1.4).
    Timeout,
    /// Following the reference was denied after the REFER had been accepted (RFC 3515 section
    /// 2.4.7, RFC 6665 section 4.2.1.3).
    Rejected,
}

/// What a NOTIFY says of its subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyState {
    /// It goes on.
    Active {
        /// How many seconds are left.
        expires_s: u32,
    },
    /// It awaits a decision.
    Pending {
        /// How many seconds are left.
        expires_s: u32,
    },
    /// This is its last NOTIFY.
    Terminated {
        /// Why.
        reason: Ended,
    },
}

/// A NOTIFY that is to be sent in the dialog of its REFER (R036).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// The id of its Event, where it has one (R042).
    pub event_id: Option<u32>,
    /// State of the referred call.
    pub status: Status,
    /// State of the subscription.
    pub state: NotifyState,
}

impl Notify {
    /// Whether the subscription ends with it.
    pub fn is_last(&self) -> bool {
        matches!(self.state, NotifyState::Terminated { .. })
    }

    /// Prints Event, Subscription-State and Content-Type, each line ended by CRLF.
    pub fn print_headers(&self, out: &mut Writer<'_>) {
        out.push(b"Event: refer");
        if let Some(id) = self.event_id {
            out.push(b";id=");
            out.push_decimal(u64::from(id));
        }
        out.push(b"\r\nSubscription-State: ");
        let (state, expires, reason) = match self.state {
            NotifyState::Active { expires_s } => (State::Active, Some(expires_s), None),
            NotifyState::Pending { expires_s } => (State::Pending, Some(expires_s), None),
            NotifyState::Terminated { reason } => {
                let reason: &[u8] = match reason {
                    Ended::NoResource => b"noresource",
                    Ended::Timeout => b"timeout",
                    Ended::Rejected => b"rejected",
                };
                (State::Terminated, None, Some(reason))
            }
        };
        SubscriptionState { state, expires, reason, retry_after: None, params: b"" }.print(out);
        out.push(b"\r\nContent-Type: message/sipfrag;version=2.0\r\n");
    }

    /// Prints the body: the status line and nothing else (R041, R048).
    pub fn print_body(&self, out: &mut Writer<'_>) {
        let Status { code, .. } = self.status;
        let printed = Sipfrag::print_status(out, code, self.status.reason().as_bytes());
        debug_assert!(printed.is_ok(), "a Status holds what can be printed");
    }
}

/// The id of the Event of a REFER's NOTIFYs (RFC 3515 section 2.4.6): the CSeq of the REFER, from
/// the second REFER of its dialog on. The first one may have it too, but some phones refuse that;
/// `on_first` is a habit of the device.
pub fn event_id(cseq: u32, is_first: bool, on_first: bool) -> Option<u32> {
    (!is_first || on_first).then_some(cseq)
}

/// What a subscription begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The id of its Event; see [`event_id`].
    pub event_id: Option<u32>,
    /// How long it lasts unless it is refreshed.
    pub expires_s: u32,
    /// The longest that a refresh is granted.
    pub max_s: u32,
    /// The least time between two states of the referred call (R047).
    pub min_interval_ms: u32,
    /// Whether following the reference is not approved yet (R033).
    pub pending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nobody has subscribed, or not any more, and somebody may (RFC 7614).
    Awaited,
    Pending,
    Active,
    Ended,
}

/// Our end of a subscription.
#[derive(Debug)]
pub struct Subscription {
    /// What is known of the referred call, told or not.
    status: Status,
    expires_at_ms: u64,
    notified_at_ms: u64,
    event_id: Option<u32>,
    max_s: u32,
    min_interval_ms: u32,
    phase: Phase,
    /// Whether `status` has not been told yet.
    held: bool,
    /// Whether following the reference is not approved yet.
    pending: bool,
    /// Whether it is made by a SUBSCRIBE of its own (RFC 7614).
    explicit: bool,
    /// Why the reference ended, for who subscribes after that.
    over: Option<Ended>,
}

impl Subscription {
    /// Begins a subscription: the first NOTIFY goes at once (R034), with its duration (R040).
    pub fn start(terms: &Terms, now_ms: u64) -> (Subscription, Notify) {
        let mut subscription = Subscription {
            status: Status::usual(100),
            expires_at_ms: after(now_ms, terms.expires_s.clamp(1, terms.max_s.max(1))),
            notified_at_ms: now_ms,
            event_id: terms.event_id,
            max_s: terms.max_s,
            min_interval_ms: terms.min_interval_ms,
            phase: if terms.pending { Phase::Pending } else { Phase::Active },
            held: false,
            pending: terms.pending,
            explicit: false,
            over: None,
        };
        let first = subscription.tell(now_ms);
        (subscription, first)
    }

    /// The state for an explicit subscription (RFC 7614): nobody is told anything before a SUBSCRIBE of
    /// its own has come ([`Subscription::subscribe`]).
    pub fn awaited(terms: &Terms, now_ms: u64) -> Subscription {
        let (started, _) = Subscription::start(terms, now_ms);
        Subscription { phase: Phase::Awaited, expires_at_ms: u64::MAX, explicit: true, ..started }
    }

    /// A SUBSCRIBE that begins an explicit subscription: as [`Subscription::refresh`]. Once the
    /// reference has ended it is told its end and nothing more. `None` where there is none to begin.
    pub fn subscribe(&mut self, asked_s: Option<u32>, now_ms: u64) -> Option<(u32, Notify)> {
        if self.phase != Phase::Awaited {
            return None;
        }
        let granted_s = asked_s.unwrap_or(self.max_s).min(self.max_s);
        if let Some(reason) = self.over {
            return Some((granted_s, self.notify(NotifyState::Terminated { reason })));
        }
        if granted_s == 0 {
            return Some((0, self.end(Ended::Timeout)));
        }
        self.expires_at_ms = after(now_ms, granted_s);
        self.phase = if self.pending { Phase::Pending } else { Phase::Active };
        Some((granted_s, self.tell(now_ms)))
    }

    /// The end of the reference may be asked for until then (RFC 7614); of no meaning for an implicit
    /// subscription.
    pub fn keep_until(&mut self, at_ms: u64) {
        if self.explicit && self.phase == Phase::Awaited {
            self.expires_at_ms = at_ms;
        }
    }

    /// Whether a SUBSCRIBE of its own may begin it.
    pub fn is_awaited(&self) -> bool {
        self.phase == Phase::Awaited
    }

    /// Following the reference was approved.
    pub fn activate(&mut self, now_ms: u64) -> Option<Notify> {
        self.pending = false;
        if self.phase != Phase::Pending {
            return None;
        }
        self.phase = Phase::Active;
        self.tell_in_turn(now_ms)
    }

    /// The referred call has a new state, a provisional one. A final one is for
    /// [`Subscription::finish`].
    pub fn progress(&mut self, status: Status, now_ms: u64) -> Option<Notify> {
        if self.has_ended() {
            return None;
        }
        // Of a pending subscription only 100 is told (RFC 3515 section 2.4.5); what makes progress
        // is not pending any more.
        self.pending = false;
        self.status = status;
        if self.phase == Phase::Awaited {
            return None;
        }
        self.phase = Phase::Active;
        self.tell_in_turn(now_ms)
    }

    /// The reference has ended. What was held back is not told any more.
    pub fn finish(&mut self, status: Status, reason: Ended) -> Option<Notify> {
        if self.has_ended() {
            return None;
        }
        self.status = status;
        self.over = Some(reason);
        (self.phase != Phase::Awaited).then(|| self.end(reason))
    }

    /// A SUBSCRIBE of the transferor for this subscription. Returns the duration for the Expires
    /// of its 200, never longer than what was asked (RFC 6665 section 4.2.1.4) or than our own
    /// maximum, and the NOTIFY that follows the 200 at once (section 4.2.1.2). No seconds end the
    /// subscription; no Expires at all asks for the maximum. `None`: there is no subscription.
    pub fn refresh(&mut self, asked_s: Option<u32>, now_ms: u64) -> Option<(u32, Notify)> {
        if !self.goes_on() {
            return None;
        }
        let granted_s = asked_s.unwrap_or(self.max_s).min(self.max_s);
        if granted_s == 0 {
            return Some((0, self.end(Ended::Timeout)));
        }
        self.expires_at_ms = after(now_ms, granted_s);
        Some((granted_s, self.tell(now_ms)))
    }

    /// A NOTIFY was answered, or has timed out (`None`). Returns whether that ended the
    /// subscription: silently, since nobody listens. RFC 6665 section 4.2.2 lists the codes;
    /// RFC 5057 section 5.1 adds 408, which is as good as no answer, and 502.
    pub fn notify_answered(&mut self, code: Option<u16>) -> bool {
        let ends = match code {
            Some(code) => {
                matches!(code, 404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 502 | 604)
            }
            None => true,
        };
        if !ends || !self.goes_on() {
            return false;
        }
        self.stop();
        true
    }

    /// Time has passed: tells what was held back, or ends what has expired.
    pub fn tick(&mut self, now_ms: u64) -> Option<Notify> {
        if self.has_ended() {
            return None;
        }
        if now_ms >= self.expires_at_ms {
            if self.phase == Phase::Awaited {
                self.phase = Phase::Ended;
                return None;
            }
            return Some(self.end(Ended::Timeout));
        }
        (self.held && now_ms >= self.next_ms()).then(|| self.tell(now_ms))
    }

    /// When `tick` has something to do next.
    pub fn deadline(&self) -> Option<u64> {
        let expires_at_ms = self.expires_at_ms()?;
        Some(match self.held {
            true => expires_at_ms.min(self.next_ms()),
            false => expires_at_ms,
        })
    }

    /// When it expires, or when what is kept of it is forgotten; `None` where it has ended or waits for
    /// a subscriber.
    pub fn expires_at_ms(&self) -> Option<u64> {
        (!self.has_ended() && self.expires_at_ms != u64::MAX).then_some(self.expires_at_ms)
    }

    fn goes_on(&self) -> bool {
        matches!(self.phase, Phase::Pending | Phase::Active)
    }

    /// Nobody listens any more. An explicit one may be begun again.
    fn stop(&mut self) {
        self.held = false;
        self.phase = Phase::Ended;
        if self.explicit {
            self.phase = Phase::Awaited;
            self.expires_at_ms = u64::MAX;
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// The id of its Event, if it has one (R042).
    pub fn event_id(&self) -> Option<u32> {
        self.event_id
    }

    /// The last state of the referred call.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Whether the Event of a SUBSCRIBE, or of anything in the dialog, names this subscription.
    pub fn is_named_by(&self, event: &Event<'_>) -> bool {
        let mut room = [0; 10];
        let mut digits = Writer::new(&mut room);
        let id = self.event_id.map(|id| {
            digits.push_decimal(u64::from(id));
            digits.written()
        });
        event.is_refer() && event.id == id
    }

    fn next_ms(&self) -> u64 {
        self.notified_at_ms.saturating_add(u64::from(self.min_interval_ms))
    }

    /// Tells the state now, or keeps it until the interval is over.
    fn tell_in_turn(&mut self, now_ms: u64) -> Option<Notify> {
        if now_ms >= self.next_ms() {
            return Some(self.tell(now_ms));
        }
        self.held = true;
        None
    }

    fn tell(&mut self, now_ms: u64) -> Notify {
        self.held = false;
        self.notified_at_ms = now_ms;
        // Rounded down: a NOTIFY may shorten a subscription and must not lengthen it (RFC 6665
        // section 4.2.2).
        let left_s = self.expires_at_ms.saturating_sub(now_ms) / 1_000;
        let expires_s = u32::try_from(left_s).unwrap_or(u32::MAX);
        let state = match self.phase {
            Phase::Pending => NotifyState::Pending { expires_s },
            _ => NotifyState::Active { expires_s },
        };
        self.notify(state)
    }

    fn end(&mut self, reason: Ended) -> Notify {
        self.stop();
        self.notify(NotifyState::Terminated { reason })
    }

    fn notify(&self, state: NotifyState) -> Notify {
        Notify { event_id: self.event_id, status: self.status.clone(), state }
    }
}

fn after(now_ms: u64, seconds: u32) -> u64 {
    now_ms.saturating_add(u64::from(seconds) * 1_000)
}

#[cfg(test)]
mod tests;
