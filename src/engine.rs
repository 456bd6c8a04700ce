//! Floor 4: puts the floors together. Requests in, verdicts out, time as a number.
//!
//! An engine knows no socket and no clock. What it is told of time comes with each request; it
//! never lets time run backwards.
#![forbid(unsafe_code)]

use crate::config::Snapshot;
use crate::dialog::{Directory, HashKey, Key, Tombstones};
use crate::sip::{Message, Scratch};
use crate::transfer::{
    rate::Rates, replaces, route, unreadable, Context, Host, Level, NoVerdict, Request, Sender,
    Verdict,
};
use parking_lot::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// Decides about requests; used by any number of threads at once.
pub struct Engine {
    snapshot: RwLock<Arc<Snapshot>>,
    tombstones: Tombstones,
    rates: Rates,
    latest_ms: AtomicU64,
}

impl Engine {
    /// With the default settings. The bytes are random, and kept secret.
    pub fn new(random: [u8; 16]) -> Engine {
        let hash = HashKey::new(random);
        Engine {
            snapshot: RwLock::default(),
            tombstones: Tombstones::new(hash),
            rates: Rates::new(hash),
            latest_ms: AtomicU64::new(0),
        }
    }

    /// Puts settings in the place of those it has, all at once. Verdicts under way end by those
    /// they began with.
    pub fn apply(&self, snapshot: Snapshot) {
        let old = core::mem::replace(&mut *self.snapshot.write(), Arc::new(snapshot));
        drop(old);
    }

    /// The settings as they are now.
    pub fn settings(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read())
    }

    /// A dialog has ended: for a while a Replaces that names it is told so (R008).
    pub fn ended(&self, key: &Key<'_>, now_ms: u64) {
        self.tombstones.add(key, self.now(now_ms));
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
        self.decide(directory, host, request, scratch, |context, request, scratch| {
            replaces::verify(context, request, want_lock, scratch)
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
        self.decide(directory, host, request, scratch, |context, request, scratch| {
            route::route(context, request, want_lock, scratch)
        })
    }

    fn decide<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        request: Received<'a>,
        scratch: &mut Scratch<'a>,
        rule: impl FnOnce(
            &Context<'_, D, H>,
            &Request<'a>,
            &mut Scratch<'a>,
        ) -> Result<Verdict<'a, D::Dialog>, NoVerdict>,
    ) -> Result<Verdict<'a, D::Dialog>, NoVerdict> {
        let Received { raw, sender, now_ms } = request;
        let now_ms = self.now(now_ms);
        let snapshot = self.settings();
        let Engine { tombstones, rates, .. } = self;
        let context = Context { directory, host, snapshot: &snapshot, tombstones, rates };
        let message = match Message::parse(raw) {
            Ok(message) => message,
            Err(error) => {
                let verdict = unreadable(snapshot.of(sender.endpoint), error, scratch)?;
                host.log(Level::Warning, verdict.why);
                return Ok(verdict);
            }
        };
        let request = Request { message, sender, now_ms };
        let verdict = rule(&context, &request, scratch)?;
        match verdict.code {
            0 => {}
            300.. => context.log(Level::Warning, &request, verdict.why, scratch),
            _ => context.log(Level::Info, &request, verdict.why, scratch),
        }
        Ok(verdict)
    }

    /// Time never goes back. Most calls read only: the latest time is on a line that all threads
    /// share.
    fn now(&self, now_ms: u64) -> u64 {
        let latest = self.latest_ms.load(Ordering::Relaxed);
        if now_ms > latest {
            return self.latest_ms.fetch_max(now_ms, Ordering::Relaxed).max(now_ms);
        }
        latest
    }
}
