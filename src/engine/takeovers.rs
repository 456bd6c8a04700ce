//! The target's side: takeovers that are under way, by id, by the dialog that is replaced, by the
//! INVITE that replaces it, and by the time at which something is due.

use super::clock::Clock;
use super::live::{Live, Machine, Table};
use super::terms;
use super::{Engine, Received};
use crate::dialog::{DialogRef, Directory, HashKey, Key, Lookup, State};
use crate::sip::Scratch;
use crate::transfer::takeover::{
    Claim, Claims, Options, Outcome, Output, Outputs, Refused, Takeover,
};
use crate::transfer::{replaces, Host, Kind, Matched, NoVerdict, OldDialog, Request, Verdict};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};

/// How long an INVITE is remembered whose takeover is over: 64 times T1 (RFC 3261 section 17), the
/// longest that a copy of it can be under way.
const REMEMBERED_MS: u64 = 64 * 500;
/// No more are remembered, the oldest being dropped.
const MOST_REMEMBERED: usize = 1 << 17;

/// A call of a takeover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that is replaced.
    Old,
    /// The one that replaces it.
    New,
}

/// What a takeover is known by, as fingerprints.
#[derive(Clone, Copy, Debug)]
struct Names {
    /// The dialog that is replaced.
    old: u128,
    /// The new INVITE's Call-ID and From tag: this side's tag is not known yet.
    new: u128,
    /// The same with the number of its CSeq.
    invite: u128,
    /// Its sender, as the host has identified it.
    sender: [u128; 2],
    /// Whether the old dialog goes on: a call that was parked is connected, and not ended.
    old_goes_on: bool,
}

impl Machine for Takeover {
    type Output = Output;

    fn deadline(&self) -> Option<u64> {
        self.deadline()
    }

    fn is_done(&self) -> bool {
        self.is_finished()
    }

    fn tick(&mut self, now_ms: u64, out: &mut dyn FnMut(Output)) {
        self.tick(now_ms).for_each(out);
    }

    /// A 2xx cannot be taken back: once it was reported no refusal goes out behind it.
    fn take_back(&self, outputs: &mut VecDeque<Output>) {
        if self.is_answered() {
            let refuses = |it: &Output| matches!(it, Output::AnswerNew { code } if *code >= 300);
            outputs.retain(|output| !refuses(output));
        }
    }
}

/// An INVITE that was accepted. Its id is 0 while it is being begun, and once it is over.
struct Invite {
    sender: [u128; 2],
    id: u64,
}

#[derive(Default)]
struct Known {
    claims: Claims,
    old: HashMap<u128, (u64, Claim)>,
    new: HashMap<u128, u64>,
    invites: HashMap<u128, Invite>,
    /// Those that are over, with the time until which they are remembered.
    over: VecDeque<(u64, u128)>,
}

impl Known {
    fn forget(&mut self, now_ms: u64) {
        while let Some(&(until, invite)) = self.over.front() {
            if until > now_ms && self.over.len() < MOST_REMEMBERED {
                break;
            }
            self.over.pop_front();
            self.invites.remove(&invite);
        }
    }
}

/// What became of the wish to take a dialog over.
enum Reserved {
    /// It is claimed.
    Yes(Claim),
    /// By this very INVITE, before.
    Again(u64),
    No(Refused),
}

/// The takeovers of an engine.
pub struct Takeovers {
    hash: HashKey,
    table: Table<Takeover, Names>,
    known: Mutex<Known>,
    clock: Clock,
}

impl Takeovers {
    /// None yet.
    pub fn new(hash: HashKey, salt: u16) -> Takeovers {
        Takeovers { hash, table: Table::new(salt), known: Mutex::default(), clock: Clock::new() }
    }

    /// Hands an input to a takeover and keeps its outputs. `None` for a stale or foreign id.
    pub fn input(
        &self,
        id: u64,
        now_ms: u64,
        input: impl FnOnce(&mut Takeover, u64) -> Outputs,
    ) -> Option<()> {
        self.clock.now(now_ms);
        let input = |machine: &mut Takeover, out: &mut dyn FnMut(Output)| {
            input(machine, now_ms).for_each(out);
        };
        self.table.input(id, input, |id, names| self.gone(id, &names))
    }

    /// Shows the first output of a takeover to `take` and, where that answers `Ok`, takes it off.
    /// `None` where there is none. Id 0 stands for any that time has given outputs. `ended` gets the
    /// fingerprint of a dialog that was replaced, before another takeover can claim it.
    pub fn next<R, E>(
        &self,
        id: u64,
        mut take: impl FnMut(u64, Output) -> Result<R, E>,
        ended: impl Fn(u128),
    ) -> Option<Result<R, E>> {
        let take = |id, output: &Output, (_, names): (&Takeover, &Names), _| {
            let taken = take(id, *output);
            let replaced = *output == Output::Finished(Outcome::Success) && !names.old_goes_on;
            if taken.is_ok() && replaced {
                ended(names.old);
            }
            taken
        };
        self.table.next(id, take, |id, names| self.gone(id, &names))
    }

    /// The takeover that a dialog is part of, and which of its calls it is. This side's tag is not
    /// looked at in the new one.
    pub fn find(&self, dialog: &Key<'_>) -> Option<(u64, Side)> {
        let new = Key { local_tag: b"", ..*dialog };
        let known = self.known.lock();
        let old = known.old.get(&self.hash.fingerprint(dialog)).map(|(id, _)| (*id, Side::Old));
        let new = || known.new.get(&self.hash.fingerprint(&new)).map(|id| (*id, Side::New));
        old.or_else(new).filter(|(id, _)| *id != 0)
    }

    /// What to answer a re-INVITE or UPDATE in this dialog with; `None`: as ever.
    pub fn reinvite(&self, dialog: &Key<'_>) -> Option<u16> {
        let (id, side) = self.find(dialog)?;
        self.table.with(id, |live| match side {
            Side::Old => live.machine.reinvite_on_old(),
            Side::New => live.machine.reinvite_on_new(),
        })?
    }

    /// Lets time pass for the takeovers that it concerns. Their outputs are had by id 0.
    pub fn tick(&self, now_ms: u64) {
        self.clock.now(now_ms);
        self.table.tick(now_ms, |id, names| self.gone(id, &names));
    }

    /// When something is due next.
    pub fn deadline(&self) -> Option<u64> {
        self.table.deadline()
    }

    /// How many there are, those with something left to say included.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a request is known by, the dialog that it replaces left open; `None` inside a dialog,
    /// where no INVITE takes anything over.
    fn names(&self, request: &Request<'_>) -> Option<Names> {
        if request.is_in_dialog() {
            return None;
        }
        let refer = terms::refer_key(request);
        let new = refer.dialog;
        let cseq = refer.cseq.to_string();
        let word = |word| self.hash.fingerprint(&Key { call_id: word, ..EMPTY });
        Some(Names {
            old: 0,
            new: self.hash.fingerprint(&new),
            invite: self.hash.fingerprint(&Key { local_tag: cseq.as_bytes(), ..new }),
            sender: [word(request.sender.endpoint), word(request.sender.user)],
            old_goes_on: false,
        })
    }

    /// The takeover of an INVITE that was received before, 0 where it is over. Only who could have
    /// sent it is told of it.
    fn known(&self, names: &Names, now_ms: u64) -> Option<u64> {
        let mut known = self.known.lock();
        known.forget(now_ms);
        let invite = known.invites.get(&names.invite)?;
        (invite.sender == names.sender).then_some(invite.id)
    }

    fn reserve(&self, names: &Names, now_ms: u64) -> Reserved {
        self.clock.now(now_ms);
        let mut known = self.known.lock();
        known.forget(now_ms);
        match known.invites.get(&names.invite) {
            // A copy that was quicker.
            Some(invite) if invite.sender == names.sender => return Reserved::Again(invite.id),
            // Somebody else's INVITE of the same name. Nothing of it is told or touched.
            Some(_) => return Reserved::No(Refused::UnderWay),
            None => {}
        }
        match known.claims.claim(names.old) {
            Ok(claim) => {
                known.invites.insert(names.invite, Invite { sender: names.sender, id: 0 });
                Reserved::Yes(claim)
            }
            Err(refused) => Reserved::No(refused),
        }
    }

    fn give_up(&self, names: &Names, claim: Claim) {
        let mut known = self.known.lock();
        known.invites.remove(&names.invite);
        known.claims.release(claim);
    }

    /// Keeps a claim where the dialog is what it was at the match.
    fn confirm(
        &self,
        names: &Names,
        claim: Claim,
        matched: State,
        now: State,
    ) -> Result<Claim, Refused> {
        if now == State::Terminated {
            self.give_up(names, claim);
            return Err(Refused::Ended);
        }
        let mut known = self.known.lock();
        let kept = known.claims.confirm(claim, matched as u64, now as u64);
        if kept.is_err() {
            known.invites.remove(&names.invite);
        }
        kept
    }

    /// Begins a takeover: its id. `None` where there is no room.
    fn begin(&self, names: Names, claim: Claim, started: (Takeover, Outputs)) -> Option<u64> {
        let (machine, first) = started;
        // Spread by what the sender cannot choose.
        let spread = (names.old >> 64) as usize;
        let mut known = self.known.lock();
        let Some(id) = self.table.insert(spread, Live::new(machine, names, first.collect())) else {
            known.invites.remove(&names.invite);
            known.claims.release(claim);
            return None;
        };
        known.old.insert(names.old, (id, claim));
        known.new.entry(names.new).or_insert(id);
        if let Some(invite) = known.invites.get_mut(&names.invite) {
            invite.id = id;
        }
        Some(id)
    }

    /// The table has let go of a takeover.
    fn gone(&self, id: u64, names: &Names) {
        let now_ms = self.clock.latest();
        let mut known = self.known.lock();
        if let Some((_, claim)) = known.old.remove(&names.old) {
            known.claims.release(claim);
        }
        if known.new.get(&names.new) == Some(&id) {
            known.new.remove(&names.new);
        }
        if let Some(invite) = known.invites.get_mut(&names.invite) {
            invite.id = 0;
            known.over.push_back((now_ms.saturating_add(REMEMBERED_MS), names.invite));
        }
        known.forget(now_ms);
    }
}

const EMPTY: Key<'static> = Key { call_id: b"", local_tag: b"", remote_tag: b"" };

/// How far a dialog has come now that its claim is held. Under its lock that is known; otherwise the
/// directory is asked once more.
fn state_now<D: Directory>(directory: &D, matched: &Matched<D::Dialog>) -> Option<State> {
    if matched.locked {
        return Some(matched.state);
    }
    let facts = matched.dialog.facts();
    match directory.find(&facts.key) {
        Lookup::Found(dialog) if dialog.facts().key.matches(&facts.key) => {
            Some(dialog.facts().state)
        }
        Lookup::NotFound => Some(State::Terminated),
        _ => None,
    }
}

impl Engine {
    /// The takeovers that are under way.
    pub fn takeovers(&self) -> &Takeovers {
        &self.takeovers
    }

    /// Shows the next output of a takeover, as [`Takeovers::next`]. A dialog that was replaced is
    /// known as ended from then on (R008).
    pub fn next_of_takeover<R, E>(
        &self,
        id: u64,
        take: impl FnMut(u64, Output) -> Result<R, E>,
    ) -> Option<Result<R, E>> {
        let ended = |old| self.tombstones.add_fingerprint(old, self.now(0));
        self.takeovers.next(id, take, ended)
    }

    /// Verifies an INVITE that may carry Replaces and, where it is accepted, claims the dialog that
    /// it names and begins the takeover: its id, or 0.
    ///
    /// An INVITE that is known already is a retransmission: no second takeover begins.
    pub fn receive_replaces<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        request: Received<'a>,
        want_lock: bool,
        scratch: &mut Scratch<'a>,
    ) -> Result<(Verdict<'a, D::Dialog>, u64), NoVerdict> {
        let mut begun = 0;
        let verdict = self.decide_anew(
            directory,
            host,
            request,
            false,
            scratch,
            |context, request, scratch| {
                let settings = context.snapshot.of(request.sender.endpoint);
                let names = match request.message.method() {
                    Some(b"INVITE") => self.takeovers.names(request),
                    _ => None,
                };
                if let Some(id) =
                    names.and_then(|names| self.takeovers.known(&names, request.now_ms))
                {
                    begun = id;
                    return Ok(Verdict::invite_again());
                }
                let mut verdict = Verdict::default();
                replaces::verify(context, request, want_lock, scratch, &mut verdict)?;
                let (Kind::Accept, Some(matched), Some(mut names)) =
                    (verdict.kind, &verdict.dialog, names)
                else {
                    return Ok(verdict);
                };
                let key = matched.dialog.facts().key;
                names.old = self.takeovers.hash.fingerprint(&key);
                names.old_goes_on = verdict.old_dialog == OldDialog::Nothing;
                let claim = match self.takeovers.reserve(&names, request.now_ms) {
                    Reserved::Yes(claim) => claim,
                    Reserved::Again(id) => {
                        begun = id;
                        return Ok(Verdict::invite_again());
                    }
                    // The dialog of the verdict is given back with it.
                    Reserved::No(refused) => return replaces::not_had(refused, settings, scratch),
                };
                let ended = self.tombstones.holds(&key, request.now_ms);
                let now =
                    if ended { Some(State::Terminated) } else { state_now(directory, matched) };
                let confirmed = match now {
                    Some(now) => self.takeovers.confirm(&names, claim, matched.state, now),
                    None => {
                        self.takeovers.give_up(&names, claim);
                        Err(Refused::Changed)
                    }
                };
                let claim = match confirmed {
                    Ok(claim) => claim,
                    Err(refused) => return replaces::not_had(refused, settings, scratch),
                };
                let options = Options {
                    early_only: verdict.early_only,
                    wait_for_ack: settings.takeover_wait_for_ack,
                    t1_ms: settings.takeover_t1_ms,
                };
                let started = Takeover::start(request.now_ms, verdict.old_dialog, &options);
                match self.takeovers.begin(names, claim, started) {
                    Some(id) => {
                        begun = id;
                        Ok(verdict)
                    }
                    None => replaces::full(settings, scratch),
                }
            },
        )?;
        Ok((verdict, begun))
    }
}
