//! The threads that ask the server, their queue and their circuit breaker.
//!
//! Nobody waits for a server that is away: as long as no thread has a connection, or too many lookups
//! wait, a lookup is answered at once. Each thread takes all that waits and asks for it in one round
//! trip, and in a second one for the leases of the nodes that were named.
#![forbid(unsafe_code)]

use crate::batch::round_trip;
use crate::node::{Level, Shared};
use crate::settings::{pause, said, CONNECT};
use crate::stats::{add, count};
use crate::wire::{dialog_key, node_key, Lease, Parked, Published, Triple};
use redis::{Connection, RedisError};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// How many lookups one round trip asks for.
pub const MOST_AT_ONCE: usize = 64;
/// How many nodes that claim one dialog are looked at.
const MOST_CLAIMS: usize = 8;

/// A dialog that another node has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The node.
    pub node: Vec<u8>,
    /// Its URI.
    pub uri: Vec<u8>,
    /// What it has published.
    pub dialog: Published,
    /// Its triple, where it was found by the token of a parked call.
    pub triple: Option<Triple>,
}

/// What a lookup came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No other node that lives has it.
    NotFound,
    /// Several have.
    Ambiguous,
    /// One has.
    Found(Box<Found>),
}

struct Job {
    lookup: u64,
    /// Of the dialog.
    key: Option<Vec<u8>>,
    /// Of the token of a parked call.
    token: Option<Vec<u8>>,
    until: Instant,
}

/// What nodes say: who says it, what of, and its triple where it is about a token.
type Claims = Vec<(Vec<u8>, Published, Option<Triple>)>;

/// The lookups that wait.
#[derive(Default)]
pub struct Queue {
    jobs: VecDeque<Job>,
}

impl Queue {
    /// How many.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }
}

/// Puts a lookup into the queue, of the dialog with this key, of the call that is parked under this token, or
/// of both; whether its answer comes.
pub fn ask(shared: &Shared, lookup: u64, key: Option<Vec<u8>>, token: Option<Vec<u8>>) -> bool {
    let Shared { settings, stats, queue, asked, askers_connected, .. } = shared;
    count(&stats.lookups);
    if key.is_none() && token.is_none() {
        count(&stats.not_found);
        return false;
    }
    if askers_connected.load(Ordering::Acquire) == 0 || shared.is_over() {
        count(&stats.refused_away);
        return false;
    }
    let now = Instant::now();
    let mut queue = queue.lock();
    // One that waits past its time is one that nobody fetches: the server does not answer.
    let is_stuck = queue.jobs.front().is_some_and(|oldest| oldest.until <= now);
    if is_stuck || queue.len() >= settings.max_lookups {
        drop(queue);
        count(if is_stuck { &stats.refused_away } else { &stats.refused_full });
        return false;
    }
    queue.jobs.push_back(Job { lookup, key, token, until: now + settings.deadline });
    drop(queue);
    asked.notify_one();
    true
}

struct Asker<'s> {
    shared: &'s Shared,
    connection: Option<Connection>,
    failures: u32,
}

/// Until it is over.
pub fn run(shared: &Shared) {
    let mut asker = Asker { shared, connection: None, failures: 0 };
    while !shared.is_over() {
        asker.turn();
    }
}

impl Drop for Asker<'_> {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl Asker<'_> {
    fn turn(&mut self) {
        if self.connection.is_none() {
            if let Err(error) = self.connect() {
                return self.failed(&error);
            }
        }
        let jobs = self.take();
        if jobs.is_empty() {
            return;
        }
        let mut answers = self.ask(&jobs);
        // A connection that was idle may have been closed by a server that was started anew.
        if answers.as_ref().is_err_and(|error| !error.is_timeout() && is_broken(error)) {
            self.let_go();
            answers = self.connect().and_then(|()| self.ask(&jobs));
        }
        match answers {
            Ok(answers) => {
                self.failures = 0;
                let over = Instant::now();
                for (job, answer) in jobs.iter().zip(&answers) {
                    let stats = &self.shared.stats;
                    count(match answer {
                        _ if over > job.until => &stats.expired,
                        Answer::Found(_) => &stats.found,
                        Answer::NotFound => &stats.not_found,
                        Answer::Ambiguous => &stats.ambiguous,
                    });
                    self.shared.user.answer(job.lookup, answer);
                }
            }
            Err(error) => {
                add(&self.shared.stats.expired, jobs.len());
                for job in &jobs {
                    self.shared.user.answer(job.lookup, &Answer::NotFound);
                }
                self.failed(&error);
            }
        }
    }

    /// What waits, as soon as something does. What has waited for too long is answered here.
    fn take(&self) -> Vec<Job> {
        let Shared { queue, asked, stats, user, .. } = self.shared;
        let mut queue = queue.lock();
        if queue.is_empty() && !self.shared.is_over() {
            asked.wait(&mut queue);
        }
        let most = queue.jobs.len().min(MOST_AT_ONCE);
        let jobs: Vec<Job> = queue.jobs.drain(..most).collect();
        drop(queue);
        let now = Instant::now();
        let (late, jobs): (Vec<Job>, _) = jobs.into_iter().partition(|job| job.until <= now);
        add(&stats.expired, late.len());
        late.iter().for_each(|job| user.answer(job.lookup, &Answer::NotFound));
        jobs
    }

    fn ask(&mut self, jobs: &[Job]) -> Result<Vec<Answer>, RedisError> {
        let Some(connection) = &mut self.connection else {
            return Err(std::io::Error::from(std::io::ErrorKind::NotConnected).into());
        };
        let until = jobs.iter().map(|job| job.until).max().unwrap_or_else(Instant::now);
        let mut pipe = redis::pipe();
        for job in jobs {
            for key in [&job.token, &job.key].into_iter().flatten() {
                pipe.cmd("HGETALL").arg(key);
            }
        }
        let claims: Vec<Vec<(Vec<u8>, Vec<u8>)>> = round_trip(connection, &pipe, until)?;
        let own = &self.shared.settings.node;
        let mut claims = claims.into_iter().map(|claims| {
            // What this node has is looked for before the cluster is.
            claims.into_iter().take(MOST_CLAIMS).filter(|(node, _)| node != own)
        });
        // In the order in which they were asked for.
        let claims: Vec<[Claims; 2]> = jobs
            .iter()
            .map(|job| {
                let by_token = job.token.as_ref().and_then(|_| claims.next());
                let by_key = job.key.as_ref().and_then(|_| claims.next());
                let parked = by_token.into_iter().flatten().filter_map(|(node, value)| {
                    let Parked { dialog, triple } = Parked::read(&value)?;
                    let [call_id, local_tag, remote_tag] = &triple;
                    // A token of another call says nothing of the one that is named.
                    let is_named =
                        job.key.is_none() || job.key == dialog_key(call_id, local_tag, remote_tag);
                    is_named.then_some((node, dialog, Some(triple)))
                });
                let dialogs = by_key
                    .into_iter()
                    .flatten()
                    .filter_map(|(node, value)| Some((node, Published::read(&value)?, None)));
                [parked.collect(), dialogs.collect()]
            })
            .collect();
        let mut leases: HashMap<Vec<u8>, Option<Lease>> = HashMap::new();
        for (node, ..) in claims.iter().flatten().flatten() {
            leases.insert(node.clone(), None);
        }
        if !leases.is_empty() {
            let mut pipe = redis::pipe();
            for node in leases.keys() {
                pipe.cmd("GET").arg(node_key(node));
            }
            let values: Vec<Option<Vec<u8>>> = round_trip(connection, &pipe, until)?;
            for (lease, value) in leases.values_mut().zip(values) {
                *lease = value.as_deref().and_then(Lease::read);
            }
        }
        let lives = |(node, dialog, triple): (Vec<u8>, Published, Option<Triple>)| {
            let lease = leases.get(&node)?.as_ref()?;
            let uri = lease.uri.clone();
            let lives = lease.incarnation == dialog.incarnation;
            lives.then(|| Box::new(Found { node, uri, dialog, triple }))
        };
        let answer = |claims: Claims| {
            let mut alive = claims.into_iter().filter_map(lives);
            match (alive.next(), alive.next()) {
                (None, _) => Answer::NotFound,
                (Some(found), None) => Answer::Found(found),
                (Some(_), Some(_)) => Answer::Ambiguous,
            }
        };
        let best = |[parked, dialogs]: [Claims; 2]| match answer(parked) {
            Answer::NotFound => answer(dialogs),
            found => found,
        };
        Ok(claims.into_iter().map(best).collect())
    }

    fn connect(&mut self) -> Result<(), RedisError> {
        let connection = self.shared.settings.client.get_connection_with_timeout(CONNECT)?;
        count(&self.shared.stats.connects);
        self.connection = Some(connection);
        self.shared.askers_connected.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn let_go(&mut self) {
        if self.connection.take().is_some() {
            self.shared.askers_connected.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// The circuit is open for a while: this thread asks nothing, and where no other one has a connection
    /// nothing is asked at all. A connection that timed out may still bring an answer to a question that
    /// nobody waits for any more.
    fn failed(&mut self, error: &RedisError) {
        self.let_go();
        count(&self.shared.stats.failures);
        if self.failures == 0 {
            let line = format!("cluster: other nodes cannot be asked: {}", said(error));
            self.shared.user.log(Level::Warning, &line);
        }
        self.failures = self.failures.saturating_add(1);
        let until = Instant::now() + pause(self.failures);
        while !self.shared.is_over() && Instant::now() < until {
            let mut queue = self.shared.queue.lock();
            if self.shared.askers_connected.load(Ordering::Acquire) == 0 {
                // Nobody else fetches them.
                let left: Vec<Job> = queue.jobs.drain(..).collect();
                if !left.is_empty() {
                    drop(queue);
                    add(&self.shared.stats.refused_away, left.len());
                    for job in left {
                        self.shared.user.answer(job.lookup, &Answer::NotFound);
                    }
                    continue;
                }
            } else if !queue.is_empty() {
                // For another thread, which may have missed the call.
                self.shared.asked.notify_one();
            }
            self.shared.asked.wait_until(&mut queue, until);
        }
    }
}

fn is_broken(error: &RedisError) -> bool {
    error.is_connection_dropped() || error.is_io_error()
}
