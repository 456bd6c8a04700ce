//! The calls of a capture by their Call-IDs, as many as there is room for.

use super::Step;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;

/// One end of a call.
#[derive(Clone, Debug, Default)]
pub struct End {
    pub place: usize,
    pub ip: Option<IpAddr>,
    pub tag: String,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Early,
    Confirmed,
    /// It ended, or its INVITE was refused.
    Ended,
}

/// A call.
#[derive(Debug)]
pub struct Call {
    pub id: Rc<str>,
    pub caller: End,
    pub callee: End,
    pub state: State,
    pub ended_us: Option<u64>,
    /// Its last messages, for a transfer that begins later.
    pub history: VecDeque<Step>,
    /// The CSeqs of its REFERs, each with the tag of its sender.
    pub refers: Vec<(u32, String)>,
    pub began_us: Option<u64>,
    /// Whom it was for.
    pub to_user: String,
    /// The other leg of a PBX that it runs through.
    pub peer: Option<Rc<str>>,
    /// The transfers that are open and that it belongs to.
    pub stories: Vec<usize>,
    turn: u64,
}

/// How many messages of a call are kept.
const HISTORY: usize = 16;
/// How many REFERs of a call are counted.
const REFERS: usize = 32;
/// How long after a call has come to a PBX its other leg begins, at most.
const LEG_US: u64 = 5_000_000;
/// Among how many calls that began last the other leg is looked for.
const RECENT: usize = 64;

impl Call {
    pub fn remember(&mut self, step: Step) {
        if self.history.len() >= HISTORY {
            // The INVITE that began it stays.
            self.history.remove(1);
        }
        self.history.push_back(step);
    }

    /// Counts a REFER; the number of those before it, from this sender.
    pub fn count_refer(&mut self, cseq: u32, tag: &str) -> usize {
        let before = self.refers.iter().filter(|(number, of)| *number != cseq && of == tag).count();
        let is_new = !self.refers.iter().any(|(number, of)| *number == cseq && of == tag);
        if is_new && self.refers.len() < REFERS {
            self.refers.push((cseq, tag.to_owned()));
        }
        before
    }

    /// The ends as somebody at this place, or at least at this address, has them: his own, then the
    /// other one.
    pub fn ends_of(&self, place: usize, ip: Option<IpAddr>) -> Option<(&End, &End)> {
        let (a, b) = (&self.caller, &self.callee);
        match (a.place == place, b.place == place) {
            (true, false) => return Some((a, b)),
            (false, true) => return Some((b, a)),
            _ => {}
        }
        match (ip.is_some() && a.ip == ip, ip.is_some() && b.ip == ip) {
            (true, false) => Some((a, b)),
            (false, true) => Some((b, a)),
            _ => None,
        }
    }
}

/// All calls.
pub struct Calls {
    calls: HashMap<Rc<str>, Call>,
    /// Those that began last: where other legs are looked for.
    recent: VecDeque<Rc<str>>,
    most: usize,
    turn: u64,
    /// How many there were.
    pub met: u64,
}

impl Calls {
    pub fn new(most: usize) -> Calls {
        Calls { calls: HashMap::new(), recent: VecDeque::new(), most, turn: 0, met: 0 }
    }

    pub fn get(&self, id: &str) -> Option<&Call> {
        self.calls.get(id)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut Call> {
        self.turn += 1;
        let call = self.calls.get_mut(id)?;
        call.turn = self.turn;
        Some(call)
    }

    /// Forgets a call.
    pub fn forget(&mut self, id: &str) -> Option<Call> {
        self.calls.remove(id)
    }

    /// The call of this id, made where there is none.
    pub fn entry(&mut self, id: &str, caller: End, callee: End) -> &mut Call {
        self.turn += 1;
        if !self.calls.contains_key(id) {
            self.make_room();
            self.met += 1;
        }
        let turn = self.turn;
        let id: Rc<str> = id.into();
        if !self.calls.contains_key(&id) {
            if self.recent.len() >= RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(id.clone());
        }
        let call = self.calls.entry(id.clone()).or_insert_with(|| Call {
            id,
            caller,
            callee,
            state: State::Early,
            ended_us: None,
            history: VecDeque::new(),
            refers: Vec::new(),
            began_us: None,
            to_user: String::new(),
            peer: None,
            stories: Vec::new(),
            turn,
        });
        call.turn = turn;
        call
    }

    /// The call that came to this place a moment ago, for this user: the leg that a new call from
    /// there is the other leg of.
    pub fn leg_at(&self, place: usize, user: &str, now: Option<u64>, but: &str) -> Option<Rc<str>> {
        let fits = |call: &&Call| {
            let soon = match (now, call.began_us) {
                (Some(now), Some(then)) => now.saturating_sub(then) <= LEG_US,
                _ => true,
            };
            call.callee.place == place
                && call.state == State::Early
                && call.peer.is_none()
                && soon
                && call.to_user == user
                && *call.id != *but
        };
        self.recent
            .iter()
            .rev()
            .filter_map(|id| self.calls.get(id))
            .find(fits)
            .map(|it| it.id.clone())
    }

    /// The other leg of a PBX.
    pub fn join(&mut self, one: &Rc<str>, other: &Rc<str>) {
        for (id, peer) in [(one, other), (other, one)] {
            if let Some(call) = self.calls.get_mut(id) {
                call.peer = Some(peer.clone());
            }
        }
    }

    /// The older half of those that belong to no open transfer goes at once.
    fn make_room(&mut self) {
        if self.calls.len() < self.most {
            return;
        }
        let mut turns: Vec<u64> = self.calls.values().map(|it| it.turn).collect();
        turns.sort_unstable();
        let middle = turns.get(turns.len() / 2).copied().unwrap_or_default();
        self.calls.retain(|_, it| it.turn >= middle || !it.stories.is_empty());
        if self.calls.len() >= self.most {
            self.calls.clear();
        }
    }
}
