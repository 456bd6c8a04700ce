//! The received transfers that are under way: by id, by the dialog of their REFER, and by the time at
//! which something is due.
//!
//! No lock is held while anybody else's code runs: outputs are kept with the transfer, and the host
//! takes them one by one.

use super::live::{Live, Machine, Table};
use crate::dialog::{HashKey, Key};
use crate::transfer::recipient::{Accepted, Error, Output, Recipient, Sink};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};

/// Dialogs whose REFERs are all over are remembered, so that the next one carries an id in its Event
/// (R042), until there are so many dialogs in all, or twice as many as had pending REFERs when the
/// others were forgotten last.
const REMEMBERED: usize = 1 << 17;

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

/// What is known of a transfer besides its state.
struct Refer {
    wanted: Option<Box<Wanted>>,
    /// The sipfrag that it ends with, where it parks a call.
    parked: Option<Box<[u8]>>,
    dialog: u128,
    cseq: u32,
}

/// What comes with an output of a transfer.
#[derive(Clone, Copy, Debug)]
pub struct Besides<'r> {
    /// What it was asked for, where an application controls it.
    pub wanted: Option<&'r Wanted>,
    /// The body of its final NOTIFY, where a call was parked by it.
    pub parked: Option<&'r [u8]>,
}

/// The REFERs of one dialog that are not over, by CSeq.
#[derive(Default)]
struct Dialog {
    live: Vec<(u32, u64)>,
    /// The highest CSeq that began a transfer: what is not above it is no new REFER (RFC 3261
    /// section 12.2.2).
    highest: Option<u32>,
}

/// Dialogs by their fingerprints.
struct Dialogs {
    known: HashMap<u128, Dialog>,
    /// How many there are when those without a pending REFER are forgotten. It grows with the others,
    /// so that looking at all of them stays seldom.
    forget_at: usize,
}

impl Dialogs {
    fn forget_some(&mut self) {
        if self.known.len() >= self.forget_at {
            self.known.retain(|_, dialog| !dialog.live.is_empty());
            self.forget_at = REMEMBERED.max(2 * self.known.len());
        }
    }
}

/// The received transfers of an engine.
pub struct Transfers {
    hash: HashKey,
    table: Table<Recipient, Refer>,
    dialogs: Mutex<Dialogs>,
}

impl Transfers {
    /// None yet.
    pub fn new(hash: HashKey, salt: u16) -> Transfers {
        let dialogs = Dialogs { known: HashMap::new(), forget_at: REMEMBERED };
        Transfers { hash, table: Table::new(salt), dialogs: Mutex::new(dialogs) }
    }

    /// What is known of a REFER that was received before: a retransmission is told before anything is
    /// judged anew. `None` for a new one.
    pub fn known(&self, refer: &ReferKey<'_>) -> Option<Begun> {
        let dialogs = self.dialogs.lock();
        let dialog = dialogs.known.get(&self.hash.fingerprint(&refer.dialog))?;
        if let Some((_, id)) = dialog.live.iter().find(|(cseq, _)| *cseq == refer.cseq) {
            return Some(self.again(*id));
        }
        dialog.highest.is_some_and(|highest| refer.cseq <= highest).then_some(Begun::Over)
    }

    /// Begins a transfer. `accepted` gets its Event id here: whether it is the first REFER of its
    /// dialog is known here alone.
    pub fn begin(&self, start: Start<'_>, accepted: &mut Accepted, now_ms: u64) -> Begun {
        let Start { refer, wanted, id_on_first, several } = start;
        let fingerprint = self.hash.fingerprint(&refer.dialog);
        let mut dialogs = self.dialogs.lock();
        dialogs.forget_some();
        let dialog = dialogs.known.entry(fingerprint).or_default();
        let is_first = dialog.highest.is_none();
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
        let more = Refer {
            wanted: wanted.map(Box::new),
            parked: None,
            dialog: fingerprint,
            cseq: refer.cseq,
        };
        // Spread by what the transferor cannot choose.
        let spread = (fingerprint >> 64) as usize;
        let Some(id) = self.table.insert(spread, Live::new(machine, more, outputs)) else {
            return Begun::Full;
        };
        dialog.live.push((refer.cseq, id));
        dialog.highest = dialog.highest.max(Some(refer.cseq));
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
        let before = self.table.with(id, |live| live.more.parked.replace(sipfrag.into()))?;
        let ended = self.input(id, |machine, out| machine.progress(200, b"OK", now_ms, out));
        if !matches!(ended, Some(Ok(()))) {
            let _ = self.table.with(id, |live| live.more.parked = before);
        }
        ended
    }

    /// Shows the first output of a transfer to `take` and, where that answers `Ok`, takes it off.
    /// `None` where there is none. Id 0 stands for any transfer that time has given outputs.
    pub fn next<R, E>(
        &self,
        id: u64,
        mut take: impl FnMut(u64, &Output, Besides<'_>) -> Result<R, E>,
    ) -> Option<Result<R, E>> {
        let take = |id, output: &Output, refer: &Refer| {
            let Refer { wanted, parked, .. } = refer;
            take(id, output, Besides { wanted: wanted.as_deref(), parked: parked.as_deref() })
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

    /// The transfer of a dialog by the id of an Event; without an id the one that has none, or the
    /// only one.
    pub fn find(&self, dialog: &Key<'_>, event_id: Option<u32>) -> Option<u64> {
        let dialogs = self.dialogs.lock();
        let live = &dialogs.known.get(&self.hash.fingerprint(dialog))?.live;
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
        if dialogs.known.get(&fingerprint).is_some_and(|dialog| dialog.live.is_empty()) {
            dialogs.known.remove(&fingerprint);
        }
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
        let mut dialogs = self.dialogs.lock();
        if let Some(dialog) = dialogs.known.get_mut(&refer.dialog) {
            dialog.live.retain(|(cseq, it)| *cseq != refer.cseq || *it != id);
        }
    }
}
