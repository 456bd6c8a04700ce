//! The received transfers that are under way: by id, by the dialog of their REFER, and by the time at
//! which something is due.
//!
//! No lock is held while anybody else's code runs: outputs are kept with the transfer, and the host
//! takes them one by one.

use super::known::{Dialog, Dialogs};
use super::live::{Live, Machine, Table};
use super::NotRouted;
use crate::dialog::{HashKey, Key, Outcome};
use crate::sip::Uri;
use crate::transfer::recipient::{Accepted, Error, Output, Recipient, Sink, Subscribes};
use crate::transfer::subscription::Subscription;
use crate::transfer::Kind;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

/// What stands before the secret in the user part of a URI for an explicit subscription.
const TOKEN_PREFIX: &[u8] = b"refer-";

/// Where a REFER came from.
#[derive(Clone, Copy, Debug)]
pub struct ReferKey<'a> {
    /// Its dialog as this side sees it; outside of one the Call-ID and the From tag.
    pub dialog: Key<'a>,
    /// The number of its CSeq.
    pub cseq: u32,
}

/// What became of a REFER that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is a transfer of its own.
    New(u64),
    /// It is one that is known already, sent once more; its answer is an output again.
    Again(u64),
    /// It is one whose transfer is over and gone, sent once more.
    Over,
    /// Another one of its dialog is pending, and that is not allowed.
    Pending,
    /// There is no room.
    Full,
}

/// What a transfer that an application controls was asked for: the events tell it each time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Value of the Replaces, or empty.
    pub replaces: Box<[u8]>,
    /// The user part of the target, decoded; empty for an attended transfer.
    pub destination: Box<[u8]>,
}

/// A REFER that was accepted, as far as it is told from others.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    /// Where it came from.
    pub refer: ReferKey<'a>,
    /// What it asks for, where an application controls it.
    pub wanted: Option<Wanted>,
    /// Whether the first REFER of a dialog has an Event id too.
    pub id_on_first: bool,
    /// Whether it may begin while another one of its dialog is pending.
    pub several: bool,
    /// The call that it is about, where it came outside of that.
    pub call: Option<Key<'a>>,
    /// Where a subscription of its own may be asked for (RFC 7614): a URI without a user part.
    pub events_at: Option<&'a [u8]>,
}

/// What is known of an output besides itself.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// What kind of transfer it is.
    pub kind: Kind,
    /// What was asked for, where an application controls the transfer.
    pub wanted: Option<&'a Wanted>,
    /// The body of its final NOTIFY, where a call was parked by it.
    pub parked: Option<&'a [u8]>,
    /// The URI for an explicit subscription, or empty.
    pub events_at: &'a [u8],
    /// Whether the transfer goes with this output.
    pub is_last: bool,
}

impl Machine for Recipient {
    type Output = Output;

    fn deadline(&self) -> Option<u64> {
        self.deadline()
    }

    /// Over, and its subscription too: a final NOTIFY may still be answered, which changes nothing.
    fn is_done(&self) -> bool {
        self.is_over() && self.subscription().is_none_or(|it| it.has_ended())
    }

    fn tick(&mut self, now_ms: u64, out: &mut Sink<'_>) {
        self.tick(now_ms, out);
    }
}

/// What is known of a transfer besides its state. There may be a million of them: what few have stands
/// elsewhere.
struct Refer {
    /// Bytes of its fingerprint: in a number they would be aligned, which makes each place longer.
    dialog: [u8; 16],
    rare: Option<Box<Rare>>,
}

/// What few transfers have, those that an application controls for the most part.
#[derive(Default)]
struct Rare {
    wanted: Option<Wanted>,
    /// The sipfrag that it ends with, where it parks a call.
    parked: Option<Box<[u8]>>,
    /// The call that it is about, where that is another dialog.
    call: Option<Box<u128>>,
    explicit: Option<Box<Explicit>>,
    /// What the lookup of the dialog that it names has come to, where it waits for that.
    sought: Option<Box<Outcome>>,
}

impl Refer {
    fn explicit(&self) -> Option<&Explicit> {
        self.rare.as_ref()?.explicit.as_deref()
    }

    /// The room for what few have.
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// Where an explicit subscription is asked for.
struct Explicit {
    token: u128,
    uri: Box<[u8]>,
}

/// The received transfers of an engine.
pub struct Transfers {
    hash: HashKey,
    /// Makes what is handed out; nothing of the other hash is ever shown.
    tokens: HashKey,
    /// Transfers by the token of their URI for an explicit subscription.
    explicit: Mutex<HashMap<u128, u64>>,
    handed_out: AtomicU64,
    table: Table<Recipient, Refer>,
    dialogs: Mutex<Dialogs>,
}

impl Transfers {
    /// None yet.
    pub fn new(hash: HashKey, salt: u16) -> Transfers {
        let label = Key { call_id: b"tokens", local_tag: b"", remote_tag: b"" };
        let tokens = HashKey::new(hash.fingerprint(&label).to_le_bytes());
        let explicit = Mutex::default();
        Transfers {
            hash,
            tokens,
            explicit,
            handed_out: AtomicU64::new(0),
            table: Table::new(salt),
            dialogs: Mutex::default(),
        }
    }

    /// What is known of a REFER that was received before: a retransmission is told before anything is
    /// judged anew. `None` for a new one.
    pub fn known(&self, refer: &ReferKey<'_>) -> Option<Begun> {
        let dialogs = self.dialogs.lock();
        let dialog = dialogs.known.get(&self.hash.fingerprint(&refer.dialog))?;
        if let Some(id) = dialog.of_cseq(refer.cseq) {
            return Some(self.again(id));
        }
        dialog.highest().is_some_and(|highest| refer.cseq <= highest).then_some(Begun::Over)
    }

    /// Begins a transfer. `accepted` gets its Event id here: whether it is the first REFER of its
    /// dialog is known here alone.
    pub fn begin(&self, start: Start<'_>, accepted: &mut Accepted, now_ms: u64) -> Begun {
        let Start { refer, wanted, id_on_first, several, call, events_at } = start;
        let fingerprint = self.hash.fingerprint(&refer.dialog);
        let mut dialogs = self.dialogs.lock();
        dialogs.forget_some();
        let call = call.map(|call| self.hash.fingerprint(&call)).filter(|it| *it != fingerprint);
        let known = dialogs.known.get(&fingerprint);
        if let Some(id) = known.and_then(|it| it.of_cseq(refer.cseq)) {
            return self.again(id);
        }
        let of_call = call.and_then(|call| dialogs.known.get(&call));
        let has_pending = |it: &Dialog| it.transfers().any(|id| self.is_pending(id));
        if !several && (known.is_some_and(has_pending) || of_call.is_some_and(has_pending)) {
            return Begun::Pending;
        }
        let dialog = dialogs.known.entry(fingerprint).or_default();
        let is_first = dialog.highest().is_none();
        // An explicit subscription has a dialog of its own, where its SUBSCRIBE says what the Event is.
        let is_explicit = accepted.subscribes == Subscribes::Explicit;
        accepted.event_id =
            crate::transfer::subscription::event_id(refer.cseq, is_first, id_on_first)
                .filter(|_| !is_explicit);
        let mut outputs = VecDeque::new();
        let machine = Recipient::accept(accepted, now_ms, &mut |output| outputs.push_back(output));
        let explicit = events_at.map(|uri| Box::new(self.explicit_at(uri, &refer)));
        let token = explicit.as_ref().map(|it| it.token);
        let has_more = wanted.is_some() || call.is_some() || explicit.is_some();
        let named = call.map(Box::new);
        let rare = has_more
            .then(|| Box::new(Rare { wanted, parked: None, call: named, explicit, sought: None }));
        let more = Refer { dialog: fingerprint.to_ne_bytes(), rare };
        // Spread by what the transferor cannot choose.
        let spread = (fingerprint >> 64) as usize;
        let Some(id) = self.table.insert(spread, Live::new(machine, more, outputs)) else {
            dialogs.settle(fingerprint);
            return Begun::Full;
        };
        dialog.began(refer.cseq, id);
        if let Some(call) = call {
            dialogs.known.entry(call).or_default().began_beside(id);
        }
        if let Some(token) = token {
            // Before the dialogs are let go of: nobody can forget it sooner.
            self.explicit.lock().insert(token, id);
        }
        Begun::New(id)
    }

    /// Hands an input to a transfer and keeps its outputs. `None` for a stale or foreign id.
    pub fn input<R>(
        &self,
        id: u64,
        input: impl FnOnce(&mut Recipient, &mut Sink<'_>) -> Result<R, Error>,
    ) -> Option<Result<R, Error>> {
        self.table.input(id, input, |id, refer| self.gone(id, &refer))
    }

    /// A transfer has parked a call: it ends with 200 and with this sipfrag, which tells the transferor
    /// where the call is. `None` for a stale or foreign id.
    pub fn parked(&self, id: u64, sipfrag: &[u8], now_ms: u64) -> Option<Result<(), Error>> {
        // Known before the NOTIFY is an output that somebody else may take.
        let before = self.table.with(id, |live| live.more.rare().parked.replace(sipfrag.into()))?;
        let ended = self.input(id, |machine, out| machine.progress(200, b"OK", now_ms, out));
        if !matches!(ended, Some(Ok(()))) {
            let _ = self.table.with(id, |live| {
                if let Some(rare) = &mut live.more.rare {
                    rare.parked = before;
                }
            });
        }
        ended
    }

    /// The lookup that a transfer waited for is over. Its outputs are had by id 0.
    pub fn looked_up(&self, id: u64, outcome: &Outcome, now_ms: u64) {
        // One that is gone waits for nothing.
        let _ =
            self.table.with(id, |live| live.more.rare().sought = Some(Box::new(outcome.clone())));
        let gone = |id, refer: Refer| self.gone(id, &refer);
        let _ = self.table.input_for_any(id, |it, out| it.looked_up(now_ms, out), gone);
    }

    /// What the lookup that a transfer waited for has come to.
    pub fn sought(&self, id: u64) -> Result<Outcome, NotRouted> {
        let known = self.table.with(id, |live| {
            let waits = live.machine.outcome().is_none() && live.machine.kind() == Kind::Pending;
            live.more.rare.as_ref()?.sought.as_deref().filter(|_| waits).cloned()
        });
        known.ok_or(NotRouted::NoTransfer)?.ok_or(NotRouted::WrongState)
    }

    /// Whether a REFER is the one that began a transfer.
    pub fn is_of(&self, id: u64, refer: &ReferKey<'_>) -> bool {
        let dialog = self.hash.fingerprint(&refer.dialog);
        let dialogs = self.dialogs.lock();
        dialogs.known.get(&dialog).and_then(|it| it.of_cseq(refer.cseq)) == Some(id)
    }

    /// Where a transfer goes was decided, or with what code it is refused. Whether it waited for that.
    pub fn routed(
        &self,
        id: u64,
        decided: Result<(Kind, bool), u16>,
        wanted: Option<Wanted>,
        now_ms: u64,
    ) -> bool {
        if decided.is_ok() {
            let _ = self.table.with(id, |live| {
                if wanted.is_some() || live.more.rare.is_some() {
                    live.more.rare().wanted = wanted;
                }
            });
        }
        let done = self.input(id, |machine, out| machine.routed(decided, now_ms, out));
        matches!(done, Some(Ok(())))
    }

    /// Shows the first output of a transfer to `take` and, where that answers `Ok`, takes it off.
    /// `None` where there is none. Id 0 stands for any transfer that time has given outputs.
    pub fn next<R, E>(
        &self,
        id: u64,
        mut take: impl FnMut(u64, &Output, About<'_>) -> Result<R, E>,
    ) -> Option<Result<R, E>> {
        let take = |id, output: &Output, (machine, refer): (&Recipient, &Refer), is_last| {
            let rare = refer.rare.as_deref();
            let wanted = rare.and_then(|it| it.wanted.as_ref());
            let parked = rare.and_then(|it| it.parked.as_deref());
            let events_at = refer.explicit().map_or(&[][..], |it| &it.uri);
            take(id, output, About { kind: machine.kind(), wanted, parked, events_at, is_last })
        };
        self.table.next(id, take, |id, refer| self.gone(id, &refer))
    }

    /// Lets time pass for the transfers that it concerns. Their outputs are had by id 0.
    pub fn tick(&self, now_ms: u64) {
        self.table.tick(now_ms, |id, refer| self.gone(id, &refer));
    }

    /// When something is due next.
    pub fn deadline(&self) -> Option<u64> {
        self.table.deadline()
    }

    /// The transfer of a dialog by the id of an Event; without an id the oldest of those that have none
    /// either, or the only one of the dialog. One that names none of several is no match: it would
    /// end or lengthen the subscription of another REFER (RFC 3515 section 2.4.6).
    pub fn find(&self, dialog: &Key<'_>, event_id: Option<u32>) -> Option<u64> {
        let dialogs = self.dialogs.lock();
        let known = dialogs.known.get(&self.hash.fingerprint(dialog))?;
        let has_no_id = |id: &u64| {
            let is_without = |it: &Subscription| it.event_id().is_none();
            self.table.with(*id, |it| it.machine.subscription().is_some_and(is_without))
                == Some(true)
        };
        match event_id {
            Some(cseq) => known.of_cseq(cseq),
            None => known.only().or_else(|| known.ids().find(has_no_id)),
        }
    }

    /// The transfer whose answer handed out this Request-URI for an explicit subscription.
    pub fn find_explicit(&self, request_uri: &[u8]) -> Option<u64> {
        let user = Uri::parse(request_uri).ok()?.user?;
        let digits = core::str::from_utf8(user.strip_prefix(TOKEN_PREFIX)?).ok()?;
        // As it was printed, and in no other way.
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 32 || !digits.bytes().all(is_hex) {
            return None;
        }
        let token = u128::from_str_radix(digits, 16).ok()?;
        self.explicit.lock().get(&token).copied()
    }

    /// The transferor of a call has hung up. Returns how many transfers that concerns; their outputs are
    /// had by id 0.
    pub fn bye(&self, dialog: &Key<'_>, now_ms: u64) -> usize {
        let fingerprint = self.hash.fingerprint(dialog);
        let ids: Vec<u64> = {
            let dialogs = self.dialogs.lock();
            let Some(known) = dialogs.known.get(&fingerprint) else {
                return 0;
            };
            known.transfers().collect()
        };
        let told = ids.into_iter().filter_map(|id| {
            self.table.input_for_any(
                id,
                |machine, out| machine.bye(now_ms, out),
                |id, refer| self.gone(id, &refer),
            )
        });
        told.count()
    }

    /// A dialog has ended: the next REFER of that name is a first one.
    pub fn forget(&self, dialog: &Key<'_>) {
        let fingerprint = self.hash.fingerprint(dialog);
        let mut dialogs = self.dialogs.lock();
        if let Some(known) = dialogs.known.get_mut(&fingerprint) {
            known.end();
        }
        dialogs.settle(fingerprint);
    }

    /// A URI that nobody guesses. Each REFER has another one, a number that only grows and its dialog
    /// being hashed with a secret.
    fn explicit_at(&self, uri: &[u8], refer: &ReferKey<'_>) -> Explicit {
        let number = self.handed_out.fetch_add(1, Ordering::Relaxed);
        let number = number.to_string();
        let ReferKey { dialog: Key { call_id, remote_tag, .. }, .. } = *refer;
        let token =
            self.tokens.fingerprint(&Key { call_id, local_tag: number.as_bytes(), remote_tag });
        let (scheme, rest) = match uri.iter().position(|byte| *byte == b':') {
            Some(colon) => uri.split_at(colon + 1),
            None => (&[][..], uri),
        };
        let user = format!("{token:032x}@");
        let uri = [scheme, TOKEN_PREFIX, user.as_bytes(), rest].concat().into();
        Explicit { token, uri }
    }

    /// How many transfers there are, those with something left to say included.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn again(&self, id: u64) -> Begun {
        let _ = self.table.with(id, |live| {
            // What is still to be said comes behind it, unless it is the answer itself.
            if !matches!(live.outputs.front(), Some(Output::Answer(_))) {
                live.outputs.push_front(Output::Answer(live.machine.answer_again()));
            }
        });
        Begun::Again(id)
    }

    fn is_pending(&self, id: u64) -> bool {
        self.table.with(id, |live| live.machine.outcome().is_none()).unwrap_or(false)
    }

    /// The table has let go of a transfer.
    fn gone(&self, id: u64, refer: &Refer) {
        let fingerprint = u128::from_ne_bytes(refer.dialog);
        let mut dialogs = self.dialogs.lock();
        if let Some(dialog) = dialogs.known.get_mut(&fingerprint) {
            dialog.gone(id);
        }
        dialogs.settle(fingerprint);
        if let Some(call) = refer.rare.as_ref().and_then(|it| it.call.as_deref().copied()) {
            if let Some(dialog) = dialogs.known.get_mut(&call) {
                dialog.gone_beside(id);
            }
            dialogs.settle(call);
        }
        drop(dialogs);
        if let Some(explicit) = refer.explicit() {
            self.explicit.lock().remove(&explicit.token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::recipient::{Control, OnFailure};

    const CALL: Key<'static> = Key { call_id: b"c@h", local_tag: b"l", remote_tag: b"r" };

    const ACCEPTED: Accepted = Accepted {
        kind: Kind::Blind,
        accept_code: 202,
        subscribes: Subscribes::No,
        event_id: None,
        expires_s: 60,
        max_expires_s: 60,
        invite_expires_s: None,
        min_interval_ms: 0,
        code_only: false,
        approval_pending: false,
        control: Control::Host { timeout_ms: None },
        on_failure: OnFailure::Keep,
        hang_up_after_ms: None,
        releases_at: 0,
        release_delay_ms: 0,
        in_call: true,
    };

    fn start<'a>(dialog: Key<'a>, cseq: u32, call: Option<Key<'a>>) -> Start<'a> {
        let refer = ReferKey { dialog, cseq };
        Start { refer, wanted: None, id_on_first: false, several: true, call, events_at: None }
    }

    fn begin(transfers: &Transfers, dialog: Key<'_>, cseq: u32, call: Option<Key<'_>>) -> u64 {
        match transfers.begin(start(dialog, cseq, call), &mut ACCEPTED.clone(), 0) {
            Begun::New(id) => id,
            other => panic!("{other:?}"),
        }
    }

    fn end(transfers: &Transfers, id: u64) {
        transfers.input(id, |it, out| it.progress(200, b"", 1, out)).unwrap().unwrap();
        while transfers.next(id, |_, _, _| Ok::<_, ()>(())).is_some() {}
    }

    fn remembered(transfers: &Transfers) -> usize {
        transfers.dialogs.lock().known.len()
    }

    #[test]
    fn a_dialog_that_ends_while_refers_are_pending_is_forgotten_with_the_last_of_them() {
        let transfers = Transfers::new(HashKey::new([3; 16]), 1);
        let ids = [7, 8].map(|cseq| begin(&transfers, CALL, cseq, None));
        transfers.forget(&CALL);
        end(&transfers, ids[0]);
        assert_eq!(remembered(&transfers), 1);
        end(&transfers, ids[1]);
        assert_eq!((remembered(&transfers), transfers.len()), (0, 0));
        // One that goes on is remembered for its next REFER (R042).
        end(&transfers, begin(&transfers, CALL, 9, None));
        assert_eq!(remembered(&transfers), 1);
        transfers.forget(&CALL);
        assert_eq!(remembered(&transfers), 0);
    }

    #[test]
    fn r042_without_an_event_id_no_refer_of_several_is_taken_for_another() {
        let transfers = Transfers::new(HashKey::new([3; 16]), 1);
        let subscribes = Accepted { subscribes: Subscribes::Yes, ..ACCEPTED };
        let refer =
            |cseq| match transfers.begin(start(CALL, cseq, None), &mut subscribes.clone(), 0) {
                Begun::New(id) => id,
                other => panic!("{other:?}"),
            };
        let first = refer(7);
        assert_eq!(transfers.find(&CALL, None), Some(first));
        let [second, third] = [8, 9].map(refer);
        assert_eq!(transfers.find(&CALL, None), Some(first));
        end(&transfers, first);
        // A SUBSCRIBE for the first one that comes this late is not for the second.
        assert_eq!(transfers.find(&CALL, None), None);
        assert_eq!(transfers.find(&CALL, Some(9)), Some(third));
        end(&transfers, second);
        // Some phones leave out the id; nothing else can be meant then.
        assert_eq!(transfers.find(&CALL, None), Some(third));
    }

    #[test]
    fn a_call_that_refers_came_beside_is_remembered_as_long_as_they_are() {
        let transfers = Transfers::new(HashKey::new([3; 16]), 1);
        let outside = Key { call_id: b"x@h", local_tag: b"", remote_tag: b"y" };
        let id = begin(&transfers, outside, 1, Some(CALL));
        assert_eq!((remembered(&transfers), transfers.bye(&CALL, 5)), (2, 1));
        transfers.forget(&CALL);
        assert_eq!((remembered(&transfers), transfers.find(&CALL, None)), (2, None));
        end(&transfers, id);
        assert_eq!((remembered(&transfers), transfers.bye(&CALL, 6)), (1, 0));
    }
}
