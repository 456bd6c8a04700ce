//! Floor 4: puts the floors together. Requests in, verdicts and transfers out, time as a number.
//!
//! # Contract
//!
//! An engine knows no socket, no thread and no clock. It decides, the host acts.
//!
//! **In:** requests ([`Engine::verify_replaces`], [`Engine::verify_join`], [`Engine::route_refer`],
//! [`Engine::receive_refer`]); for what a request has begun, or the host has, everything that happens
//! to it ([`Transfers::input`], [`SentRefers::input`], [`Takeovers`], [`Park`]); that a dialog has ended
//! ([`Engine::ended`]); settings ([`Engine::apply`]); and the time ([`Engine::tick`]).
//!
//! **Out:** a request is answered with a [`Verdict`], at once. What lives longer has outputs: they are
//! kept with it, in the order in which they are to be carried out, until the host takes them
//! ([`Transfers::next`] and its kin). Those that the host's own input has made are had by that id; those
//! that come of something else (the time, the BYE of a dialog, a lookup that is over) by id 0 too. What
//! each machine says when, and never, is the contract of [`recipient`](crate::transfer::recipient),
//! [`transferor`](crate::transfer::transferor) and [`takeover`](crate::transfer::takeover).
//!
//! **Time:** monotonic milliseconds that come with the input. An earlier number than one that was heard
//! before is taken for that one. [`Engine::deadline`] says when to call `tick` next; being late is
//! allowed. What an input finds that comes after a deadline and before its `tick`, each machine says.
//!
//! **Threads:** any number of them. No lock is held while a [`Directory`] or a [`Host`] is asked; the
//! closure of [`Transfers::next`] and its kin, which copies an output, runs under a lock and calls
//! nobody.
//!
//! **Never:** a transfer or a takeover without its one outcome once time has passed, but one that the
//! host controls and whose deadline the settings have switched off (`refer.timeout_ms`). A second
//! outcome. An id that is used twice: one of something that is gone names nothing.
#![forbid(unsafe_code)]

mod clock;
pub mod counters;
mod known;
mod live;
mod lookups;
mod park;
mod sent;
mod shared;
mod takeovers;
mod terms;
mod transfers;

pub use lookups::NotRouted;
pub use park::{NotWatched, Park, ParkOutput, Wanted as WantedCall, Watch};
pub use sent::{NotBegun, SentOutcome, SentOutput, SentRefers};
pub use takeovers::{Side, Takeovers};
pub use transfers::{About, Begun, ReferKey, Start, Transfers, Wanted};

use self::clock::Clock;
use self::counters::{Counters, Record, Short};
use self::shared::Shared;
use crate::config::{RequireAuth, Snapshot};
use crate::dialog::{DialogRef, Directory, HashKey, Key, Lookups, Outcome, Tombstones};
use crate::sip::{Message, Name, ParseError, Scratch};
use crate::transfer::{
    elsewhere::Elsewhere, join, park::Token, rate::Rates, refer, replaces, retrieve, route,
    unreadable, Context, Host, Kind, Level, NoVerdict, Request, Sender, Verdict,
};
use std::sync::Arc;

/// A request as it was received.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Its bytes.
    pub raw: &'a [u8],
    /// What the host knows of who sent it.
    pub sender: Sender<'a>,
    /// When it came, in monotonic milliseconds.
    pub now_ms: u64,
}

/// A request that was read, and is still to be decided about.
pub struct Prepared<'a> {
    request: Request<'a>,
    /// Why it could not be read.
    error: Option<ParseError>,
}

impl Prepared<'_> {
    /// When it came, in time that never goes back.
    pub fn now_ms(&self) -> u64 {
        self.request.now_ms
    }

    /// Reads it, where it is to stay: it is large.
    #[inline]
    fn read(&mut self) {
        self.error = self.request.message.read().err();
    }

    /// Reads it, its Replaces included, and answers with the hash of the dialog that this names, where
    /// the directory has such. What the lookup will read can then be read before the verdict, by
    /// [`Directory::read_ahead`].
    pub fn look_ahead<D: Directory>(&mut self, directory: &D) -> Option<u128> {
        self.read();
        if self.error.is_none() {
            self.request.look_ahead(|key| directory.hash(key));
        }
        self.request.ahead.and_then(|(_, hash)| hash)
    }
}

/// What is remembered of a request that was decided.
fn record<D: DialogRef>(id: u64, verdict: &Verdict<'_, D>, request: &Request<'_>) -> Record {
    let value = |name| request.message.first(name).map_or(&[][..], |value| value.raw);
    Record {
        id,
        began_ms: request.now_ms,
        ended_ms: if id == 0 { request.now_ms } else { 0 },
        kind: Some(verdict.kind),
        code: verdict.code,
        cause: None,
        rule: verdict.rules.iter().last(),
        call_id: Short::new(value(Name::CallId)),
        endpoint: Short::new(request.sender.endpoint),
        target: Short::new(verdict.target),
        why: Short::new(verdict.why),
    }
}

/// Decides about requests; used by any number of threads at once.
pub struct Engine {
    snapshot: Shared<Snapshot>,
    tombstones: Tombstones,
    rates: Rates,
    transfers: Transfers,
    sent: SentRefers,
    takeovers: Takeovers,
    park: Park,
    lookups: Lookups,
    counters: Counters,
    clock: Clock,
}

impl Engine {
    /// With the default settings. The bytes are random, and kept secret; the salt makes the ids of
    /// this engine strange to others.
    pub fn new(random: [u8; 16], salt: u16) -> Engine {
        let hash = HashKey::new(random);
        let snapshot = Arc::new(Snapshot::default());
        // Never the same salt: an id of one kind is strange to the others.
        let [received, sent, parked, taken, sought] =
            [0, 0xffff, 0x5555, 0xaaaa, 0x3333].map(|bits| salt ^ bits);
        Engine {
            park: Park::new(&snapshot, hash, parked),
            snapshot: Shared::new(snapshot),
            tombstones: Tombstones::new(hash),
            rates: Rates::new(hash),
            transfers: Transfers::new(hash, received),
            sent: SentRefers::new(sent),
            takeovers: Takeovers::new(hash, taken),
            lookups: Lookups::new(hash, sought),
            counters: Counters::default(),
            clock: Clock::new(),
        }
    }

    /// Puts settings in the place of those it has, all at once. Verdicts under way end by those
    /// they began with.
    pub fn apply(&self, snapshot: Snapshot) {
        self.park.apply(&snapshot);
        self.snapshot.replace(Arc::new(snapshot));
    }

    /// The settings as they are now.
    pub fn settings(&self) -> Arc<Snapshot> {
        self.snapshot.borrow().whole()
    }

    /// A dialog has ended: for a while a Replaces that names it is told so (R008). Whether it was
    /// parked: then it is out of the lot, and those who watch are to be told.
    pub fn ended(&self, key: &Key<'_>, now_ms: u64) -> bool {
        let now_ms = self.now(now_ms);
        self.tombstones.add(key, now_ms);
        self.transfers.forget(key);
        self.park.ended(key, now_ms)
    }

    /// The calls that are parked.
    pub fn park(&self) -> &Park {
        &self.park
    }

    /// What was counted, and the last transfers.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The received transfers that are under way.
    pub fn transfers(&self) -> &Transfers {
        &self.transfers
    }

    /// The transfers that this side began and that are under way.
    pub fn sent(&self) -> &SentRefers {
        &self.sent
    }

    /// Lets time pass for the transfers of both sides, for takeovers and for the park lot, and for
    /// lookups: those are returned that are given up.
    pub fn tick(&self, now_ms: u64) -> Vec<u64> {
        let now_ms = self.now(now_ms);
        let given_up = self.give_up_lookups(now_ms);
        self.transfers.tick(now_ms);
        self.sent.tick(now_ms);
        self.takeovers.tick(now_ms);
        self.park.tick(now_ms);
        given_up
    }

    /// When something is due next, on any side or in the park lot.
    pub fn deadline(&self) -> Option<u64> {
        let Engine { transfers, sent, takeovers, park, lookups, .. } = self;
        let deadlines = [
            transfers.deadline(),
            sent.deadline(),
            takeovers.deadline(),
            park.deadline(),
            lookups.deadline(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Decides about a REFER and, where it is accepted, begins its transfer: its id, or 0.
    ///
    /// A REFER that is known already is a retransmission: it is the same transfer, whose answer is
    /// given again.
    pub fn receive_refer<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        request: Received<'a>,
        want_lock: bool,
        scratch: &mut Scratch<'a>,
    ) -> Result<(Verdict<'a, D::Dialog>, Begun), NoVerdict> {
        let mut verdict = Verdict::default();
        let begun =
            self.receive_refer_into(directory, host, request, want_lock, scratch, &mut verdict)?;
        Ok((verdict, begun))
    }

    /// The same, with the verdict written where it is to stay; it has to be a new one.
    pub fn receive_refer_into<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        request: Received<'a>,
        want_lock: bool,
        scratch: &mut Scratch<'a>,
        verdict: &mut Verdict<'a, D::Dialog>,
    ) -> Result<Begun, NoVerdict> {
        let mut begun = Begun::Full;
        let rule = |context: &Context<'_, D, H>,
                    request: &Request<'a>,
                    scratch: &mut Scratch<'a>,
                    verdict: &mut Verdict<'a, D::Dialog>| {
            let settings = context.snapshot.of(request.sender.endpoint);
            let is_refer = request.message.method() == Some(b"REFER");
            let habits = || context.profile(request).habits;
            let refer = terms::refer_key(request);
            // Only who could have sent it is told of it; to ask makes its answer an output again.
            let may_ask =
                request.is_authenticated() || settings.refer_require_auth == RequireAuth::No;
            let known = (is_refer && may_ask).then(|| self.transfers.known(&refer)).flatten();
            if let Some(known) = known {
                begun = known;
                let code = habits().accept_code.unwrap_or(settings.refer_accept_code);
                *verdict = Verdict::again(code);
                return Ok(());
            }
            route::route(context, request, want_lock, scratch, verdict)?;
            let lookup = verdict.lookup;
            if lookup != 0 {
                // The REFER need not wait for it: its NOTIFYs will tell.
                let newer = verdict.nosub || verdict.explicitsub;
                verdict.code = if newer { 200 } else { settings.refer_accept_code };
            }
            if !(200..300).contains(&verdict.code) {
                return Ok(());
            }
            let habits = habits();
            let mut accepted = terms::accepted(verdict, request, settings, &habits);
            verdict.code = accepted.accept_code;
            let id_on_first = settings.refer_event_id_on_first || habits.event_id_on_first;
            let start = Start {
                refer,
                wanted: terms::wanted(verdict, request, settings),
                id_on_first,
                several: settings.refer_concurrent,
                call: terms::call(verdict),
                events_at: verdict.explicitsub.then_some(settings.refer_events_at.as_bytes()),
            };
            begun = self.transfers.begin(start, &mut accepted, request.now_ms);
            // The dialog of the verdict, if it has one, is given back with it.
            match begun {
                Begun::New(id) => {
                    self.counters.last().lock().add(record(id, verdict, request));
                    self.wait_for_lookup(lookup, id, request.now_ms);
                }
                Begun::Again(_) | Begun::Over => *verdict = Verdict::again(verdict.code),
                Begun::Pending => *verdict = refer::pending(settings, scratch)?,
                Begun::Full => *verdict = refer::full(settings, scratch)?,
            }
            Ok(())
        };
        self.decide(directory, host, request, true, None, scratch, verdict, rule)?;
        Ok(begun)
    }

    /// Verifies a request that may carry Replaces: RFC 3891 section 3.
    pub fn verify_replaces<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        request: Received<'a>,
        want_lock: bool,
        scratch: &mut Scratch<'a>,
    ) -> Result<Verdict<'a, D::Dialog>, NoVerdict> {
        let mut verdict = Verdict::default();
        self.verify_replaces_into(directory, host, request, want_lock, scratch, &mut verdict)?;
        Ok(verdict)
    }

    /// The same, with the verdict written where it is to stay; it has to be a new one.
    pub fn verify_replaces_into<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        request: Received<'a>,
        want_lock: bool,
        scratch: &mut Scratch<'a>,
        verdict: &mut Verdict<'a, D::Dialog>,
    ) -> Result<(), NoVerdict> {
        let rule = |context: &Context<'_, D, H>,
                    request: &Request<'a>,
                    scratch: &mut Scratch<'a>,
                    verdict: &mut Verdict<'a, D::Dialog>| {
            replaces::verify(context, request, want_lock, scratch, verdict)
        };
        self.decide(directory, host, request, false, None, scratch, verdict, rule)
    }

    /// A request that is first to be read by [`Prepared::look_ahead`], and then to be decided about by
    /// [`Engine::verify_prepared_into`].
    #[inline]
    pub fn prepare<'a>(&self, received: Received<'a>) -> Prepared<'a> {
        let Received { raw, sender, now_ms } = received;
        let now_ms = self.now(now_ms);
        let request = Request { message: Message::unread(raw), sender, now_ms, ahead: None };
        Prepared { request, error: None }
    }

    /// As [`Engine::verify_replaces_into`], for a request that has looked ahead into the same directory.
    pub fn verify_prepared_into<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        prepared: &Prepared<'a>,
        scratch: &mut Scratch<'a>,
        verdict: &mut Verdict<'a, D::Dialog>,
    ) -> Result<(), NoVerdict> {
        let rule = |context: &Context<'_, D, H>,
                    request: &Request<'a>,
                    scratch: &mut Scratch<'a>,
                    verdict: &mut Verdict<'a, D::Dialog>| {
            replaces::verify(context, request, false, scratch, verdict)
        };
        self.decide_prepared(directory, host, prepared, false, None, scratch, verdict, rule)
    }

    /// Verifies a request that may carry Join: RFC 3911 section 4.
    pub fn verify_join<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        request: Received<'a>,
        want_lock: bool,
        scratch: &mut Scratch<'a>,
    ) -> Result<Verdict<'a, D::Dialog>, NoVerdict> {
        self.decide_anew(directory, host, request, false, scratch, |context, request, scratch| {
            join::verify(context, request, want_lock, scratch)
        })
    }

    /// Where the call is that is parked under this token, here or on another node.
    pub fn find_parked<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        request: Received<'a>,
        token: &Token,
        scratch: &mut Scratch<'a>,
    ) -> Result<Verdict<'a, D::Dialog>, NoVerdict> {
        self.decide_anew(directory, host, request, false, scratch, |context, request, scratch| {
            retrieve::find(context, request, token, scratch)
        })
    }

    /// Decides about a REFER: RFC 3515 section 2.4.
    pub fn route_refer<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        request: Received<'a>,
        want_lock: bool,
        scratch: &mut Scratch<'a>,
    ) -> Result<Verdict<'a, D::Dialog>, NoVerdict> {
        let mut verdict = Verdict::default();
        self.route_refer_into(directory, host, request, want_lock, scratch, &mut verdict)?;
        Ok(verdict)
    }

    /// The same, with the verdict written where it is to stay; it has to be a new one.
    pub fn route_refer_into<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        request: Received<'a>,
        want_lock: bool,
        scratch: &mut Scratch<'a>,
        verdict: &mut Verdict<'a, D::Dialog>,
    ) -> Result<(), NoVerdict> {
        let rule = |context: &Context<'_, D, H>,
                    request: &Request<'a>,
                    scratch: &mut Scratch<'a>,
                    verdict: &mut Verdict<'a, D::Dialog>| {
            route::route(context, request, want_lock, scratch, verdict)
        };
        self.decide(directory, host, request, false, None, scratch, verdict, rule)
    }

    fn decide_anew<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        request: Received<'a>,
        transfers: bool,
        scratch: &mut Scratch<'a>,
        rule: impl FnOnce(
            &Context<'_, D, H>,
            &Request<'a>,
            &mut Scratch<'a>,
        ) -> Result<Verdict<'a, D::Dialog>, NoVerdict>,
    ) -> Result<Verdict<'a, D::Dialog>, NoVerdict> {
        let mut verdict = Verdict::default();
        let into = |context: &Context<'_, D, H>,
                    request: &Request<'a>,
                    scratch: &mut Scratch<'a>,
                    verdict: &mut Verdict<'a, D::Dialog>| {
            *verdict = rule(context, request, scratch)?;
            Ok(())
        };
        self.decide(directory, host, request, transfers, None, scratch, &mut verdict, into)?;
        Ok(verdict)
    }

    // What a decision is made with is what the parts of it need, each under its own name.
    #[allow(clippy::too_many_arguments)]
    fn decide<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        request: Received<'a>,
        transfers: bool,
        sought: Option<&Outcome>,
        scratch: &mut Scratch<'a>,
        verdict: &mut Verdict<'a, D::Dialog>,
        rule: impl FnOnce(
            &Context<'_, D, H>,
            &Request<'a>,
            &mut Scratch<'a>,
            &mut Verdict<'a, D::Dialog>,
        ) -> Result<(), NoVerdict>,
    ) -> Result<(), NoVerdict> {
        let mut prepared = self.prepare(request);
        prepared.read();
        self.decide_prepared(directory, host, &prepared, transfers, sought, scratch, verdict, rule)
    }

    #[allow(clippy::too_many_arguments)]
    fn decide_prepared<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        prepared: &Prepared<'a>,
        transfers: bool,
        sought: Option<&Outcome>,
        scratch: &mut Scratch<'a>,
        verdict: &mut Verdict<'a, D::Dialog>,
        rule: impl FnOnce(
            &Context<'_, D, H>,
            &Request<'a>,
            &mut Scratch<'a>,
            &mut Verdict<'a, D::Dialog>,
        ) -> Result<(), NoVerdict>,
    ) -> Result<(), NoVerdict> {
        let Prepared { request, error } = prepared;
        let snapshot = self.snapshot.borrow();
        let Engine { tombstones, rates, park: tokens, .. } = self;
        let snapshot = &snapshot;
        let elsewhere = match sought {
            Some(outcome) => Elsewhere::Known(outcome),
            None if directory.has_elsewhere() => Elsewhere::Ask(&self.lookups),
            None => Elsewhere::Nowhere,
        };
        let context =
            Context { directory, host, snapshot, tombstones, rates, tokens, transfers, elsewhere };
        if let Some(error) = *error {
            *verdict = unreadable(snapshot.of(request.sender.endpoint), error, scratch)?;
            self.counters.verdict(verdict.kind, verdict.code, Some(error.rule));
            host.log(Level::Warning, verdict.why);
            return Ok(());
        }
        rule(&context, request, scratch, verdict)?;
        self.counters.verdict(verdict.kind, verdict.code, verdict.rules.iter().last());
        // Strangers have no way to push the others out.
        if verdict.kind == Kind::Reject && request.is_authenticated() {
            self.counters.last().lock().add(record(0, verdict, request));
        }
        match verdict.code {
            0 if verdict.kind == Kind::Pass => {
                context.log(Level::Info, request, verdict.why, scratch);
            }
            0 => {}
            300.. => context.log(Level::Warning, request, verdict.why, scratch),
            _ => context.log(Level::Info, request, verdict.why, scratch),
        }
        Ok(())
    }

    /// Time never goes back.
    pub fn now(&self, now_ms: u64) -> u64 {
        self.clock.now(now_ms)
    }
}
