//! Subscriptions to the dialogs of a park lot (Event: dialog, RFC 4235).

use super::{Due, Lot, Output, ParkedCall, Sink, Token, COUNTER_BITS};
use crate::sip::{Event, State, SubscriptionState, Writer};
use crate::transfer::dialog_info::{
    Coverage, DialogInfo, DialogView, Participant, Progress, CONTENT_TYPE,
};

/// How long a subscription lasts where the SUBSCRIBE does not say (RFC 4235 section 3.4), and the
/// longest that is granted.
const LONGEST_S: u32 = 3_600;

/// No more than one NOTIFY a second (RFC 4235 section 3.10).
const PACE_MS: u64 = 1_000;

/// How a subscription stands with a NOTIFY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchState {
    /// It lasts so many more seconds.
    Active {
        /// Seconds.
        expires_s: u32,
    },
    /// It ended, by its time or at the subscriber's wish.
    TimedOut,
}

/// A NOTIFY that is to be sent. Its body is [`super::Lot::print_document`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchNotify {
    /// The subscription; 0 where it was over at once.
    pub watcher: u64,
    /// The host's own name for it.
    pub handle: u64,
    /// The place that is watched; `None` for the whole lot.
    pub number: Option<u32>,
    /// The version of its document.
    pub version: u32,
    /// How the subscription stands.
    pub state: WatchState,
}

impl WatchNotify {
    /// Whether the subscription ends with it.
    pub fn is_last(&self) -> bool {
        self.state == WatchState::TimedOut
    }

    /// Prints Event, Subscription-State and Content-Type, each line ended by CRLF. The id is that of
    /// the SUBSCRIBE's Event; one that is no token is left out.
    pub fn print_headers(&self, event_id: Option<&[u8]>, out: &mut Writer<'_>) {
        let event = Event::new(b"dialog", event_id).or_else(|| Event::new(b"dialog", None));
        if let Some(event) = event {
            out.push(b"Event: ");
            event.print(out);
            out.push(b"\r\n");
        }
        let state = match self.state {
            WatchState::Active { expires_s } => {
                SubscriptionState::new(State::Active, Some(expires_s), None)
            }
            // RFC 6665 section 4.1.3: the subscriber may come again at once.
            WatchState::TimedOut => {
                SubscriptionState::new(State::Terminated, None, Some(b"timeout"))
            }
        };
        if let Some(state) = state {
            out.push(b"Subscription-State: ");
            state.print(out);
            out.push(b"\r\n");
        }
        out.push(b"Content-Type: ");
        out.push(CONTENT_TYPE.as_bytes());
        out.push(b"\r\n");
    }
}

/// What a SUBSCRIBE came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// The subscription; 0 where it was a single look.
    pub watcher: u64,
    /// Value of Expires in the answer.
    pub expires_s: u32,
}

/// One subscription.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watcher {
    pub handle: u64,
    pub number: Option<u32>,
    version: u32,
    expires_at: u64,
    last_notify: u64,
    /// Something has changed since the last NOTIFY.
    held: bool,
}

impl Watcher {
    pub fn new(handle: u64, number: Option<u32>) -> Watcher {
        Watcher { handle, number, version: 0, expires_at: 0, last_notify: 0, held: false }
    }

    /// What a SUBSCRIBE is granted: never more than it asks for (R076).
    pub fn grant(&mut self, asked_s: Option<u32>, now_ms: u64) -> u32 {
        let granted_s = asked_s.unwrap_or(LONGEST_S).min(LONGEST_S);
        self.expires_at = now_ms.saturating_add(u64::from(granted_s) * 1_000);
        granted_s
    }

    pub fn is_over(&self, now_ms: u64) -> bool {
        self.expires_at <= now_ms
    }

    /// Something has changed: a NOTIFY is due, now or when the last one is a second ago.
    pub fn hold(&mut self) {
        self.held = true;
    }

    pub fn due_at(&self) -> u64 {
        let paced = self.last_notify.saturating_add(PACE_MS);
        if self.held {
            self.expires_at.min(paced)
        } else {
            self.expires_at
        }
    }

    /// The NOTIFY of this moment.
    pub fn notify(&mut self, watcher: u64, now_ms: u64) -> WatchNotify {
        let left_ms = self.expires_at.saturating_sub(now_ms);
        let state = match u32::try_from(left_ms.div_ceil(1_000)) {
            Ok(0) => WatchState::TimedOut,
            Ok(expires_s) => WatchState::Active { expires_s },
            Err(_) => WatchState::Active { expires_s: LONGEST_S },
        };
        let Watcher { handle, number, version, .. } = *self;
        self.version = version.wrapping_add(1);
        self.last_notify = now_ms;
        self.held = false;
        WatchNotify { watcher, handle, number, version, state }
    }
}

/// Whether an answer to a NOTIFY ends its subscription (RFC 6665 section 4.2.2): 481 and every
/// other failure, a timeout (0) too, but not the wish for credentials, nor a failure of this moment.
fn ends(code: u16) -> bool {
    !matches!(code, 100..=299 | 401 | 407 | 491 | 503)
}

impl Lot {
    /// Answers a SUBSCRIBE with Event: dialog to a place, or to the whole lot; the first NOTIFY
    /// follows at once. `handle` is the host's own name for it. `None` where the lot has no such
    /// place: 404. An Expires of 0 is a single look.
    pub fn subscribe(
        &mut self,
        number: Option<u32>,
        handle: u64,
        expires_s: Option<u32>,
        now_ms: u64,
        out: Sink<'_>,
    ) -> Option<Subscribed> {
        self.advance(now_ms);
        if number.is_some_and(|number| !self.settings.have(number)) {
            return None;
        }
        let mut watcher = Watcher::new(handle, number);
        let expires_s = watcher.grant(expires_s, self.now_ms);
        let id = if expires_s == 0 { 0 } else { self.next_id() };
        out(Output::Notify(watcher.notify(id, self.now_ms)));
        if id != 0 {
            self.due.insert((watcher.due_at(), Due::Watcher(id)));
            self.watchers.insert(id, watcher);
        }
        Some(Subscribed { watcher: id, expires_s })
    }

    /// Answers a SUBSCRIBE inside a subscription with what Expires it grants; a NOTIFY follows at
    /// once. 0 ends it. `None` where there is no such subscription (any more): 481.
    pub fn refresh(
        &mut self,
        watcher: u64,
        expires_s: Option<u32>,
        now_ms: u64,
        out: Sink<'_>,
    ) -> Option<u32> {
        self.advance(now_ms);
        let mut found = self.watchers.remove(&watcher)?;
        self.due.remove(&(found.due_at(), Due::Watcher(watcher)));
        let granted_s = found.grant(expires_s, self.now_ms);
        out(Output::Notify(found.notify(watcher, self.now_ms)));
        if granted_s > 0 {
            self.due.insert((found.due_at(), Due::Watcher(watcher)));
            self.watchers.insert(watcher, found);
        }
        Some(granted_s)
    }

    /// How a NOTIFY was answered; 0 for not at all. A refusal ends the subscription, silently.
    /// `None` where there is no such subscription, else whether it goes on.
    pub fn notify_answered(&mut self, watcher: u64, code: u16) -> Option<bool> {
        let found = self.watchers.get(&watcher)?;
        let stays = !ends(code);
        if !stays {
            self.due.remove(&(found.due_at(), Due::Watcher(watcher)));
            self.watchers.remove(&watcher);
        }
        Some(stays)
    }

    /// How many subscriptions there are.
    pub fn watcher_count(&self) -> usize {
        self.watchers.len()
    }

    /// Prints the body of a NOTIFY. `entity` is the URI that was subscribed to; `target` is where an
    /// INVITE goes that takes a call out, an address of this PBX.
    pub fn print_document(
        &self,
        notify: &WatchNotify,
        entity: &[u8],
        target: &[u8],
        out: &mut Writer<'_>,
    ) {
        let mut info = DialogInfo::begin(out, notify.version, Coverage::Full, entity);
        // Calls in places that are none any more are still there.
        let range = match notify.number {
            Some(number) => number..=number,
            None => 0..=u32::MAX,
        };
        for (number, id) in self.by_number.range(range) {
            if let Some(call) = self.calls.get(id) {
                print_call(&mut info, *number, *id, call, entity, target);
            }
        }
        // A full document without it would do, but phones put their lamp out by a dialog that ended.
        if let Some(number) = notify.number.filter(|number| !self.by_number.contains_key(number)) {
            let mut room = [0; 10];
            let mut id = Writer::new(&mut room);
            id.push_decimal(u64::from(number));
            info.dialog(&DialogView {
                id: id.written(),
                call_id: b"",
                local_tag: b"",
                remote_tag: b"",
                direction: None,
                progress: Progress::Terminated,
                local: Participant::default(),
                remote: Participant::default(),
            });
        }
        info.end();
    }

    pub(super) fn changed(&mut self, token: &Token, out: Sink<'_>) {
        let Some(number) = token.number() else {
            return;
        };
        let concerns = |watched: Option<u32>| watched.is_none_or(|watched| watched == number);
        for (&id, watcher) in self.watchers.iter_mut().filter(|(_, it)| concerns(it.number)) {
            self.due.remove(&(watcher.due_at(), Due::Watcher(id)));
            watcher.hold();
            if watcher.due_at() <= self.now_ms && !watcher.is_over(self.now_ms) {
                out(Output::Notify(watcher.notify(id, self.now_ms)));
            }
            self.due.insert((watcher.due_at(), Due::Watcher(id)));
        }
    }

    pub(super) fn watcher_is_due(&mut self, id: u64, out: Sink<'_>) {
        let Some(watcher) = self.watchers.get_mut(&id) else {
            return;
        };
        out(Output::Notify(watcher.notify(id, self.now_ms)));
        if watcher.is_over(self.now_ms) {
            self.watchers.remove(&id);
        } else {
            self.due.insert((watcher.due_at(), Due::Watcher(id)));
        }
    }
}

/// The id tells this call from the one that stood in the same place before.
fn print_call(
    info: &mut DialogInfo<'_, '_>,
    number: u32,
    id: u64,
    call: &ParkedCall,
    entity: &[u8],
    target: &[u8],
) {
    let mut room = [0; 32];
    let mut name = Writer::new(&mut room);
    name.push_decimal(u64::from(number));
    name.push(b"-");
    name.push_decimal(id & ((1 << COUNTER_BITS) - 1));
    let key = call.key();
    info.dialog(&DialogView {
        id: name.written(),
        call_id: key.call_id,
        // The other end's view: see dialog_info.
        local_tag: key.remote_tag,
        remote_tag: key.local_tag,
        direction: None,
        progress: Progress::Confirmed,
        local: Participant { identity: entity, ..Participant::default() },
        remote: Participant { identity: call.party(), display: b"", target },
    });
}
