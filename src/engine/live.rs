//! State machines that live by id: their outputs, their deadlines, and which of them time has given
//! something to say. Received and sent transfers are two tables of this kind.
//!
//! No lock is held while anybody else's code runs, but for the one that takes an output, which may
//! not call back. The locks go inwards: a shard, then `due` or `ready`.

use crate::dialog::{Ids, Slots, GENERATIONS, MOST_PER_SHARD, SHARDS};
use parking_lot::Mutex;
use std::collections::{BTreeSet, VecDeque};

/// A state machine that wants things done.
pub(super) trait Machine {
    /// One thing that is to be done.
    type Output;

    /// When something is due next.
    fn deadline(&self) -> Option<u64>;

    /// Whether it is over and nothing is expected that would still be answered.
    fn is_done(&self) -> bool;

    /// Time has passed.
    fn tick(&mut self, now_ms: u64, out: &mut dyn FnMut(Self::Output));

    /// Takes back outputs that nobody has taken yet and that what came since has overtaken.
    fn take_back(&self, _outputs: &mut VecDeque<Self::Output>) {}
}

/// A machine in its place.
pub(super) struct Live<M: Machine, X> {
    pub machine: M,
    /// What is known of it besides.
    pub more: X,
    pub outputs: VecDeque<M::Output>,
    /// When it is due, or [`NEVER`].
    deadline: u64,
}

const NEVER: u64 = u64::MAX;

impl<M: Machine, X> Live<M, X> {
    pub fn new(machine: M, more: X, outputs: VecDeque<M::Output>) -> Self {
        Live { machine, more, outputs, deadline: NEVER }
    }
}

type Shard<M, X> = Mutex<Slots<Live<M, X>>>;

/// Machines by id. One that is done and has said everything is let go of; `gone` then gets its id
/// and what else was known of it, and no lock of this table is held.
pub(super) struct Table<M: Machine, X> {
    ids: Ids,
    shards: Box<[Shard<M, X>]>,
    due: Mutex<BTreeSet<(u64, u64)>>,
    /// Those that time has given outputs which were not taken.
    ready: Mutex<BTreeSet<u64>>,
}

impl<M: Machine, X> Table<M, X> {
    pub fn new(salt: u16) -> Self {
        Table {
            ids: Ids::new(salt),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            due: Mutex::default(),
            ready: Mutex::default(),
        }
    }

    /// Puts a machine in, in the shard that `spread` leads to. `None` where there is no room.
    pub fn insert(&self, spread: usize, live: Live<M, X>) -> Option<u64> {
        let number = spread % SHARDS;
        let mut shard = self.shards.get(number)?.lock();
        if shard.len() >= MOST_PER_SHARD {
            return None;
        }
        let slot = shard.insert(live, GENERATIONS)?;
        let id = self.ids.pack(number, slot);
        self.schedule(id, shard.get_mut(slot)?);
        Some(id)
    }

    /// Looks at one, or changes what has no bearing on its deadline. `None` for a stale or foreign
    /// id.
    pub fn with<R>(&self, id: u64, look: impl FnOnce(&mut Live<M, X>) -> R) -> Option<R> {
        let (number, slot) = self.ids.unpack(id)?;
        let mut shard = self.shards.get(number)?.lock();
        shard.get_mut(slot).map(look)
    }

    /// Hands an input to a machine and keeps its outputs. `None` for a stale or foreign id.
    pub fn input<R>(
        &self,
        id: u64,
        input: impl FnOnce(&mut M, &mut dyn FnMut(M::Output)) -> R,
        gone: impl FnOnce(u64, X),
    ) -> Option<R> {
        self.handed(id, false, input, gone)
    }

    /// As [`Table::input`]; the outputs are had by id 0 too.
    pub fn input_for_any<R>(
        &self,
        id: u64,
        input: impl FnOnce(&mut M, &mut dyn FnMut(M::Output)) -> R,
        gone: impl FnOnce(u64, X),
    ) -> Option<R> {
        self.handed(id, true, input, gone)
    }

    fn handed<R>(
        &self,
        id: u64,
        for_any: bool,
        input: impl FnOnce(&mut M, &mut dyn FnMut(M::Output)) -> R,
        gone: impl FnOnce(u64, X),
    ) -> Option<R> {
        let result = self.with(id, |live| {
            let Live { machine, outputs, .. } = &mut *live;
            let result = input(machine, &mut |output| outputs.push_back(output));
            machine.take_back(outputs);
            self.schedule(id, live);
            // As long as the shard is locked: nobody finds the id and no output.
            if for_any && !live.outputs.is_empty() {
                self.ready.lock().insert(id);
            }
            result
        })?;
        self.sweep(id, gone);
        Some(result)
    }

    /// Shows the first output of one to `take`, and whether the machine goes with it; where that
    /// answers `Ok`, takes it off. `None` where there is none. Id 0 stands for any that time has given
    /// outputs.
    pub fn next<R, E>(
        &self,
        id: u64,
        mut take: impl FnMut(u64, &M::Output, (&M, &X), bool) -> Result<R, E>,
        gone: impl FnOnce(u64, X),
    ) -> Option<Result<R, E>> {
        if id != 0 {
            let taken = self.next_of(id, &mut take)?;
            self.sweep(id, gone);
            return Some(taken);
        }
        loop {
            let id = self.ready.lock().first().copied()?;
            if let Some(taken) = self.next_of(id, &mut take) {
                self.sweep(id, gone);
                return Some(taken);
            }
        }
    }

    fn next_of<R, E>(
        &self,
        id: u64,
        take: &mut impl FnMut(u64, &M::Output, (&M, &X), bool) -> Result<R, E>,
    ) -> Option<Result<R, E>> {
        let taken = self.with(id, |live| {
            let is_last = live.outputs.len() == 1 && live.machine.is_done();
            let whose = (&live.machine, &live.more);
            let taken = live.outputs.front().map(|output| take(id, output, whose, is_last));
            if matches!(taken, Some(Ok(_))) {
                live.outputs.pop_front();
            }
            if live.outputs.is_empty() {
                // Most wait long, with nothing to say: no memory is kept for that.
                live.outputs = VecDeque::new();
                self.ready.lock().remove(&id);
            }
            taken
        });
        if taken.is_none() {
            // It is gone, and its id is not used again.
            self.ready.lock().remove(&id);
        }
        taken.flatten()
    }

    /// Lets time pass for those that it concerns. Their outputs are had by id 0.
    pub fn tick(&self, now_ms: u64, mut gone: impl FnMut(u64, X)) {
        let due = {
            let mut due = self.due.lock();
            let later = due.split_off(&(now_ms.saturating_add(1), 0));
            core::mem::replace(&mut *due, later)
        };
        for (_, id) in due {
            // One that is gone meanwhile has nothing to say.
            let _ = self.with(id, |live| {
                let Live { machine, outputs, .. } = &mut *live;
                machine.tick(now_ms, &mut |output| outputs.push_back(output));
                machine.take_back(outputs);
                self.schedule(id, live);
                // As long as the shard is locked: nobody finds the id and no output.
                if !live.outputs.is_empty() {
                    self.ready.lock().insert(id);
                }
            });
            self.sweep(id, &mut gone);
        }
    }

    /// When something is due next.
    pub fn deadline(&self) -> Option<u64> {
        self.due.lock().first().map(|(at_ms, _)| *at_ms)
    }

    /// How many there are, those with something left to say included.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Called with the shard's lock held.
    fn schedule(&self, id: u64, live: &mut Live<M, X>) {
        let deadline = live.machine.deadline().unwrap_or(NEVER);
        let mut due = self.due.lock();
        // What `tick` has taken out already is put in again where it still holds.
        if live.deadline != NEVER && live.deadline != deadline {
            due.remove(&(live.deadline, id));
        }
        if deadline != NEVER {
            due.insert((deadline, id));
        }
        live.deadline = deadline;
    }

    /// Lets go of one that is done and has said everything.
    fn sweep(&self, id: u64, gone: impl FnOnce(u64, X)) {
        let Some((number, slot)) = self.ids.unpack(id) else { return };
        let Some(shard) = self.shards.get(number) else { return };
        let mut shard = shard.lock();
        let done = |live: &Live<M, X>| live.outputs.is_empty() && live.machine.is_done();
        if !shard.get(slot).is_some_and(done) {
            return;
        }
        let Some(live) = shard.remove(slot) else { return };
        if live.deadline != NEVER {
            self.due.lock().remove(&(live.deadline, id));
        }
        self.ready.lock().remove(&id);
        drop(shard);
        gone(id, live.more);
    }
}
