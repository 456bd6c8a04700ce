//! A whole engine again: INVITEs with Replaces for a few dialogs, some of which are parked, with the
//! takeovers and claims that come of it.

use super::{Case, Choices, Story};
use sipxfer::config::Config;
use sipxfer::dialog::{Facts, HashKey, Initiator, Key, State, Table, Usage};
use sipxfer::engine::{Engine, ParkOutput, Received, WantedCall};
use sipxfer::sip::Scratch;
use sipxfer::transfer::park::{Call, ClaimError, Place};
use sipxfer::transfer::takeover::{OldDialog as End, Outcome, Output, Takeover};
use sipxfer::transfer::{Answer, Host, Kind, OldDialog, Sender};
use std::collections::{BTreeMap, BTreeSet};

/// What a run may have come by.
pub const WORDS: &[&str] = &[
    "replaced",
    "retrieved",
    "failed",
    "refused",
    "again",
    "claimed by somebody else",
    "released",
    "rung back",
    "ended while parked",
];

const DIALOGS: [&str; 3] = ["a", "b", "c"];

struct Dialplan;

impl<D> Host<D> for Dialplan {
    fn extension_exists(&self, _: &[u8], _: &[u8]) -> Answer {
        Answer::Yes
    }
}

/// What was seen of one takeover.
struct Seen {
    dialog: &'static str,
    /// The verdict said that the old call goes on.
    keeps_old: bool,
    answered: bool,
    taken: bool,
    outcome: Option<Outcome>,
}

struct World {
    engine: Engine,
    table: Table<()>,
    now_ms: u64,
    takeovers: BTreeMap<u64, Seen>,
    /// Handles of the calls that are in the lot.
    parked: BTreeMap<u64, &'static str>,
    handles: u64,
    invites: u32,
    words: BTreeSet<&'static str>,
    story: Story,
}

fn key(call_id: &str) -> Key<'_> {
    Key { call_id: call_id.as_bytes(), local_tag: b"L", remote_tag: b"R" }
}

impl World {
    fn new(choices: &mut Choices<'_>) -> World {
        let random = [7; 16];
        let engine = Engine::new(random, 1);
        let mut config = Config::new();
        config.set("", "park.open", "yes").unwrap();
        config.set("", "replaces.authorize", "any").unwrap();
        config.set("", "takeover.wait_for_ack", choices.one_of(&["no", "yes"])).unwrap();
        config.set("", "takeover.t1_ms", choices.one_of(&["500", "1"])).unwrap();
        config.set("", "park.claim_s", choices.one_of(&["32", "1"])).unwrap();
        engine.apply(config.snapshot());
        let table = Table::new(HashKey::new(random), 2);
        for call_id in DIALOGS {
            let state = choices.one_of(&[State::Confirmed, State::Confirmed, State::Early]);
            let facts = Facts {
                key: key(call_id),
                user: b"",
                endpoint: b"bob",
                state,
                initiator: Initiator::Local,
                usage: Usage::Invite,
                secure: false,
            };
            table.add(facts, ()).unwrap();
        }
        World {
            engine,
            table,
            now_ms: choices.number(),
            takeovers: BTreeMap::new(),
            parked: BTreeMap::new(),
            handles: 0,
            invites: 0,
            words: BTreeSet::new(),
            story: Story::default(),
        }
    }

    fn invite(&mut self, choices: &mut Choices<'_>) {
        let dialog = choices.one_of(&DIALOGS);
        let again = self.invites > 0 && choices.below(5) == 0;
        self.invites += u32::from(!again);
        let text = format!(
            "INVITE sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
             From: <sip:b@h>;tag=f\r\nTo: <sip:a@h>\r\nCall-ID: new-{}\r\nCSeq: 1 INVITE\r\n\
             Replaces: {dialog};to-tag=L;from-tag=R{}\r\n\r\n",
            self.invites,
            choices.one_of(&["", "", "", ";early-only", ";token=701"]),
        );
        let mut room = vec![0; 16 * 1024];
        let mut scratch = Scratch::new(&mut room);
        let sender = Sender { endpoint: b"carol", user: b"carol", ..Sender::default() };
        let received = Received { raw: text.as_bytes(), sender, now_ms: self.now_ms };
        let (verdict, id) = self
            .engine
            .receive_replaces(&self.table, &Dialplan, received, choices.coin(), &mut scratch)
            .expect("scratch space is enough");
        self.story
            .tell(format!("{}: {text}{:?} {} {id:x}", self.now_ms, verdict.kind, verdict.code));
        match verdict.kind {
            Kind::Accept => {
                let open = self.takeovers.values().filter(|seen| seen.outcome.is_none());
                assert!(!open.into_iter().any(|seen| seen.dialog == dialog), "two at once");
                let keeps_old = verdict.old_dialog == OldDialog::Nothing;
                assert_eq!(keeps_old, verdict.rules.iter().any(|rule| rule.to_string() == "R096"));
                assert!(!keeps_old || self.parked.values().any(|it| *it == dialog));
                let (answered, taken, outcome) = (false, false, None);
                let seen = Seen { dialog, keeps_old, answered, taken, outcome };
                assert!(id != 0 && self.takeovers.insert(id, seen).is_none(), "an id twice");
            }
            Kind::Again => drop(self.words.insert("again")),
            _ => {
                assert!(id == 0 && verdict.code >= 300);
                self.words.insert("refused");
            }
        }
    }

    fn input(&mut self, choices: &mut Choices<'_>) {
        let at = self.takeovers.len().saturating_sub(1 + choices.below(3) as usize);
        let Some(id) = self.takeovers.keys().nth(at).copied() else { return };
        let now_ms = self.engine.now(self.now_ms);
        let seen = self.takeovers.get_mut(&id).unwrap();
        let input = choices.below(8);
        self.story.tell(format!("{now_ms}: input {input} of {id:x}"));
        let takeovers = self.engine.takeovers();
        let known = match input {
            0..=2 => {
                // A 2xx counts where nothing has failed before it.
                seen.answered |= seen.outcome.is_none();
                takeovers.input(id, now_ms, Takeover::answered)
            }
            3 if !seen.answered => takeovers.input(id, now_ms, |it, ms| it.not_answered(ms, 488)),
            4 => takeovers.input(id, now_ms, Takeover::acked),
            5 => takeovers.input(id, now_ms, Takeover::new_ended),
            6 => takeovers.input(id, now_ms, Takeover::old_answered),
            _ => takeovers.input(id, now_ms, Takeover::old_ended),
        };
        assert!(known.is_some() || seen.outcome.is_some(), "it went without an outcome");
    }

    fn take(&mut self, id: u64) {
        while let Some(taken) =
            self.engine.next_of_takeover(id, |id, output| Ok::<_, ()>((id, output)))
        {
            let (id, output) = taken.unwrap();
            self.story.tell(format!("{}: {id:x} {output:?}", self.now_ms));
            let seen = self.takeovers.get_mut(&id).expect("a takeover that is known");
            assert_eq!(seen.outcome, None, "{output:?} after the outcome");
            match output {
                Output::TakeOver => {
                    assert!(seen.answered && !seen.taken);
                    seen.taken = true;
                }
                Output::EndOld(end) => {
                    assert!(seen.taken && !seen.keeps_old && end != End::Nothing);
                }
                Output::Finished(outcome) => {
                    assert_eq!(seen.taken, outcome == Outcome::Success);
                    seen.outcome = Some(outcome);
                    let word = if seen.taken { "replaced" } else { "failed" };
                    self.words.insert(word);
                }
                _ => {}
            }
        }
    }

    fn park(&mut self, choices: &mut Choices<'_>) {
        let dialog = choices.one_of(&DIALOGS);
        let place = choices.one_of(&[Place::Lowest, Place::Number(701), Place::Number(999)]);
        self.handles += 1;
        let call = Call { key: key(dialog), parker: b"bob", party: b"", handle: self.handles };
        let parked = self.engine.park().park(&call, place, self.now_ms, |_| Ok::<_, ()>(()));
        self.story.tell(format!("{}: park {dialog} {place:?}: {parked:?}", self.now_ms));
        if parked.is_ok() {
            assert!(!self.parked.values().any(|it| *it == dialog), "{dialog} twice");
            self.parked.insert(self.handles, dialog);
        }
    }

    /// Two claim, and only the first one has it; then the call is taken out or waits on.
    fn claim(&mut self, choices: &mut Choices<'_>) {
        let dialog = choices.one_of(&DIALOGS);
        let (park, wanted) = (self.engine.park(), WantedCall::Dialog(key(dialog)));
        let take =
            |claim, call: &sipxfer::transfer::park::ParkedCall| Ok::<_, ()>((claim, call.handle));
        let Ok(claimed) = park.claim(&wanted, self.now_ms, take) else { return };
        let (claim, handle) = claimed.unwrap();
        assert_eq!(self.parked.get(&handle), Some(&dialog));
        let second = park.claim(&wanted, self.now_ms, take);
        assert_eq!(second.map(|_| ()), Err(ClaimError::Claimed));
        self.words.insert("claimed by somebody else");
        match choices.below(3) {
            0 => {
                assert_eq!(park.retrieved(claim, self.now_ms).map(|it| it.handle), Some(handle));
                assert!(park.retrieved(claim, self.now_ms).is_none(), "a claim counts twice");
                self.parked.remove(&handle);
                self.words.insert("retrieved");
            }
            1 => {
                assert!(park.release(claim, self.now_ms).is_some());
                self.words.insert("released");
            }
            // Whoever claimed it has died: the claim lapses.
            _ => {}
        }
    }

    fn take_parked(&mut self) {
        while let Some(taken) = self.engine.park().next(|output| match output {
            ParkOutput::RingBack(call) => Ok::<_, ()>(call.handle),
            ParkOutput::Notify(..) => Err(()),
        }) {
            let handle = taken.expect("nobody watches");
            assert!(self.parked.remove(&handle).is_some(), "rung back, and not in the lot");
            self.words.insert("rung back");
        }
        assert_eq!(self.engine.park().len(), self.parked.len());
    }

    fn step(&mut self, bytes: &[u8; 16]) {
        let mut choices = Choices::new(bytes);
        match choices.below(12) {
            // It goes back, and is taken for standing still.
            0 => self.now_ms = self.now_ms.saturating_sub(choices.number()),
            1 => self.now_ms = self.engine.deadline().unwrap_or(self.now_ms),
            2 => self.now_ms += choices.number(),
            _ => {}
        }
        self.engine.tick(self.now_ms);
        self.take(0);
        self.take_parked();
        match choices.below(16) {
            0..=4 => self.invite(&mut choices),
            5..=9 => self.input(&mut choices),
            10 | 11 => self.park(&mut choices),
            12 | 13 => self.claim(&mut choices),
            14 if choices.below(4) == 0 => {
                let dialog = choices.one_of(&DIALOGS);
                if self.engine.ended(&key(dialog), self.now_ms) {
                    self.parked.retain(|_, it| *it != dialog);
                    self.words.insert("ended while parked");
                }
            }
            _ => {}
        }
        self.take_all();
    }

    fn take_all(&mut self) {
        let ids: Vec<_> = self.takeovers.keys().copied().collect();
        ids.into_iter().for_each(|id| self.take(id));
        self.take_parked();
    }

    /// Only time passes.
    fn end(&mut self) {
        for _ in 0..1_000 {
            let Some(deadline_ms) = self.engine.deadline() else { break };
            self.now_ms = self.engine.now(self.now_ms).max(deadline_ms);
            self.engine.tick(self.now_ms);
            self.take(0);
            self.take_parked();
        }
        assert_eq!(self.engine.deadline(), None, "time never ends");
        for (id, seen) in &self.takeovers {
            assert!(seen.outcome.is_some(), "{id:x} has no outcome");
        }
        assert_eq!((self.engine.takeovers().len(), self.engine.park().len()), (0, 0));
    }
}

/// Runs a sequence to its end, when time has passed, and answers what it came by.
pub fn run(case: &Case) -> Vec<&'static str> {
    let mut world = World::new(&mut Choices::new(&case.settings));
    for bytes in &case.steps {
        world.step(bytes);
    }
    world.end();
    world.words.iter().copied().collect()
}
