//! The transfers that are under way: by id, by the dialog of their REFER, and by the time at which
//! something is due.
//!
//! No lock is held while anybody else's code runs: outputs are kept with the transfer, and the host
//! takes them one by one.

use crate::dialog::{HashKey, Ids, Key, Slots, GENERATIONS, MOST_PER_SHARD, SHARDS};
use crate::transfer::recipient::{Accepted, Error, Output, Recipient, Sink};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Dialogs whose REFERs are all over are remembered, so that the next one carries an id in its Event
/// (R042), but no more than so many.
const REMEMBERED: usize = 1 << 16;

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
}

struct Live {
    machine: Recipient,
    wanted: Option<Box<Wanted>>,
    outputs: VecDeque<Output>,
    deadline: Option<u64>,
    dialog: u128,
    cseq: u32,
}

/// The REFERs of one dialog that are not over, by CSeq.
#[derive(Default)]
struct Dialog {
    live: Vec<(u32, u64)>,
}

/// The transfers of an engine.
pub struct Transfers {
    hash: HashKey,
    ids: Ids,
    shards: Box<[Mutex<Slots<Live>>]>,
    dialogs: Mutex<HashMap<u128, Dialog>>,
    due: Mutex<BTreeSet<(u64, u64)>>,
    /// Those that time has given outputs.
    ready: Mutex<BTreeSet<u64>>,
}

impl Transfers {
    /// None yet.
    pub fn new(hash: HashKey, salt: u16) -> Transfers {
        Transfers {
            hash,
            ids: Ids::new(salt),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            dialogs: Mutex::default(),
            due: Mutex::default(),
            ready: Mutex::default(),
        }
    }

    /// Begins a transfer. `accepted` gets its Event id here: whether it is the first REFER of its
    /// dialog is known here alone.
    pub fn begin(&self, start: Start<'_>, accepted: &mut Accepted, now_ms: u64) -> Begun {
        let Start { refer, wanted, id_on_first, several } = start;
        let fingerprint = self.hash.fingerprint(&refer.dialog);
        let mut dialogs = self.dialogs.lock();
        let is_first = !dialogs.contains_key(&fingerprint);
        if dialogs.len() >= 2 * REMEMBERED {
            dialogs.retain(|_, dialog| !dialog.live.is_empty());
        }
        let dialog = dialogs.entry(fingerprint).or_default();
        if let Some((_, id)) = dialog.live.iter().find(|(cseq, _)| *cseq == refer.cseq) {
            return self.again(*id);
        }
        if !several && dialog.live.iter().any(|(_, id)| self.is_pending(*id)) {
            return Begun::Pending;
        }
        accepted.event_id =
            crate::transfer::subscription::event_id(refer.cseq, is_first, id_on_first);
        let mut outputs = VecDeque::new();
        let machine = Recipient::accept(accepted, now_ms, &mut |output| outputs.push_back(output));
        let live = Live {
            machine,
            wanted: wanted.map(Box::new),
            outputs,
            deadline: None,
            dialog: fingerprint,
            cseq: refer.cseq,
        };
        // Spread by what the transferor cannot choose.
        let number = (fingerprint >> 64) as usize % SHARDS;
        let Some(shard) = self.shards.get(number) else { return Begun::Full };
        let mut shard = shard.lock();
        if shard.len() >= MOST_PER_SHARD {
            return Begun::Full;
        }
        let Some(slot) = shard.insert(live, GENERATIONS) else { return Begun::Full };
        let id = self.ids.pack(number, slot);
        if let Some(live) = shard.get_mut(slot) {
            self.schedule(id, live);
        }
        drop(shard);
        dialog.live.push((refer.cseq, id));
        Begun::New(id)
    }

    /// Hands an input to a transfer and keeps its outputs. `None` for a stale or foreign id.
    pub fn input<R>(
        &self,
        id: u64,
        input: impl FnOnce(&mut Recipient, &mut Sink<'_>) -> Result<R, Error>,
    ) -> Option<Result<R, Error>> {
        self.input_from(false, id, input)
    }

    /// An input of time makes what comes of it ready for whoever asks for any transfer.
    fn input_from<R>(
        &self,
        time: bool,
        id: u64,
        input: impl FnOnce(&mut Recipient, &mut Sink<'_>) -> Result<R, Error>,
    ) -> Option<Result<R, Error>> {
        let (number, slot) = self.ids.unpack(id)?;
        let mut shard = self.shards.get(number)?.lock();
        let live = shard.get_mut(slot)?;
        let Live { machine, outputs, .. } = &mut *live;
        let result = input(machine, &mut |output| outputs.push_back(output));
        self.schedule(id, live);
        // As long as the shard is locked: nobody finds the id and no output.
        if time && !live.outputs.is_empty() {
            self.ready.lock().insert(id);
        }
        drop(shard);
        self.sweep(id);
        Some(result)
    }

    /// Shows the first output of a transfer to `take` and, where that answers `Ok`, takes it off.
    /// `None` where there is none. Id 0 stands for any transfer that time has given outputs.
    pub fn next<R, E>(
        &self,
        id: u64,
        mut take: impl FnMut(u64, &Output, Option<&Wanted>) -> Result<R, E>,
    ) -> Option<Result<R, E>> {
        if id != 0 {
            return self.next_of(id, &mut take);
        }
        loop {
            let id = self.ready.lock().first().copied()?;
            let taken = self.next_of(id, &mut take);
            if taken.is_some() {
                return taken;
            }
        }
    }

    fn next_of<R, E>(
        &self,
        id: u64,
        take: &mut impl FnMut(u64, &Output, Option<&Wanted>) -> Result<R, E>,
    ) -> Option<Result<R, E>> {
        let (number, slot) = self.ids.unpack(id)?;
        let mut shard = self.shards.get(number)?.lock();
        let Some(live) = shard.get_mut(slot) else {
            self.ready.lock().remove(&id);
            return None;
        };
        let taken = match live.outputs.front() {
            Some(output) => take(id, output, live.wanted.as_deref()),
            None => {
                self.ready.lock().remove(&id);
                return None;
            }
        };
        if taken.is_ok() {
            live.outputs.pop_front();
            if live.outputs.is_empty() {
                self.ready.lock().remove(&id);
            }
        }
        drop(shard);
        self.sweep(id);
        Some(taken)
    }

    /// Lets time pass for the transfers that it concerns. Their outputs are had by id 0.
    pub fn tick(&self, now_ms: u64) {
        let due = {
            let mut due = self.due.lock();
            let later = due.split_off(&(now_ms.saturating_add(1), 0));
            core::mem::replace(&mut *due, later)
        };
        for (_, id) in due {
            // One that is gone meanwhile has nothing to say.
            let _ = self.input_from(true, id, |machine, out| {
                machine.tick(now_ms, out);
                Ok(())
            });
        }
    }

    /// When something is due next.
    pub fn deadline(&self) -> Option<u64> {
        self.due.lock().first().map(|(at_ms, _)| *at_ms)
    }

    /// The transfer of a dialog by the id of an Event; without an id the one that has none, or the
    /// only one.
    pub fn find(&self, dialog: &Key<'_>, event_id: Option<u32>) -> Option<u64> {
        let dialogs = self.dialogs.lock();
        let live = &dialogs.get(&self.hash.fingerprint(dialog))?.live;
        match (event_id, live.as_slice()) {
            (Some(cseq), _) => live.iter().find(|(it, _)| *it == cseq).map(|(_, id)| *id),
            (None, [(_, id)]) => Some(*id),
            // The first one of a dialog may go without an id; it is the oldest.
            (None, [(_, id), ..]) => Some(*id),
            (None, []) => None,
        }
    }

    /// A dialog has ended: the next REFER of that name is a first one.
    pub fn forget(&self, dialog: &Key<'_>) {
        let fingerprint = self.hash.fingerprint(dialog);
        let mut dialogs = self.dialogs.lock();
        if dialogs.get(&fingerprint).is_some_and(|dialog| dialog.live.is_empty()) {
            dialogs.remove(&fingerprint);
        }
    }

    /// How many transfers there are, those with something left to say included.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn again(&self, id: u64) -> Begun {
        let place = self
            .ids
            .unpack(id)
            .and_then(|(number, slot)| Some((self.shards.get(number)?.lock(), slot)));
        if let Some((mut shard, slot)) = place {
            if let Some(live) = shard.get_mut(slot) {
                // What is still to be said comes behind it, unless it is the answer itself.
                if !matches!(live.outputs.front(), Some(Output::Answer(_))) {
                    live.outputs.push_front(Output::Answer(live.machine.answer_again()));
                }
            }
        }
        Begun::Again(id)
    }

    fn look<R>(&self, id: u64, look: impl FnOnce(&Recipient) -> R) -> Option<R> {
        let (number, slot) = self.ids.unpack(id)?;
        let shard = self.shards.get(number)?.lock();
        shard.get(slot).map(|live| look(&live.machine))
    }

    fn is_pending(&self, id: u64) -> bool {
        self.look(id, |machine| machine.outcome().is_none()).unwrap_or(false)
    }

    /// Called with the shard's lock held. The locks go inwards: dialogs, shard, then due or ready.
    fn schedule(&self, id: u64, live: &mut Live) {
        let deadline = live.machine.deadline();
        let mut due = self.due.lock();
        // What `tick` has taken out already is put in again where it still holds.
        if let Some(old) = live.deadline.filter(|old| Some(*old) != deadline) {
            due.remove(&(old, id));
        }
        if let Some(new) = deadline {
            due.insert((new, id));
        }
        live.deadline = deadline;
    }

    /// Lets go of a transfer that is over and has said everything.
    fn sweep(&self, id: u64) {
        let Some((number, slot)) = self.ids.unpack(id) else { return };
        let Some(shard) = self.shards.get(number) else { return };
        let mut shard = shard.lock();
        let done = |live: &Live| live.outputs.is_empty() && is_done(&live.machine);
        if !shard.get(slot).is_some_and(done) {
            return;
        }
        let Some(live) = shard.remove(slot) else { return };
        drop(shard);
        self.ready.lock().remove(&id);
        let mut dialogs = self.dialogs.lock();
        if let Some(dialog) = dialogs.get_mut(&live.dialog) {
            dialog.live.retain(|(cseq, it)| *cseq != live.cseq || *it != id);
        }
    }
}

/// Over, and its subscription too: a final NOTIFY may still be answered, which changes nothing.
fn is_done(machine: &Recipient) -> bool {
    machine.is_over() && machine.subscription().is_none_or(|it| it.has_ended())
}
