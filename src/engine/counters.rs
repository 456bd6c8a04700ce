//! What an engine counts, the last transfers, and how much goes to the log.
//!
//! Counting is one relaxed addition in a place that few threads share; what is read is the sum, which
//! may be a little behind.

use crate::rule::Rule;
use crate::thread;
use crate::transfer::recipient::Cause;
use crate::transfer::Kind;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The kinds of verdicts, in the order of their numbers here.
pub const KINDS: [Kind; 13] = [
    Kind::None,
    Kind::Accept,
    Kind::Reject,
    Kind::Challenge,
    Kind::Blind,
    Kind::LocalAttended,
    Kind::RemoteAttended,
    Kind::OtherMethod,
    Kind::Pass,
    Kind::Pending,
    Kind::Join,
    Kind::Again,
    Kind::RemoteNode,
];

/// What can end a transfer, in the order of their numbers here.
pub const CAUSES: [Cause; 6] = [
    Cause::Target,
    Cause::Contact,
    Cause::Refused,
    Cause::Application,
    Cause::Deadline,
    Cause::GivenUp,
];

/// Upper ends of the buckets for the time of a verdict, in nanoseconds; one more has no end.
pub const BUCKETS: [u64; 11] =
    [500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

const SHARDS: usize = 8;
/// Rules have numbers below this.
const RULES: usize = 256;

/// Counters of a few threads.
#[repr(align(128))]
struct Shard {
    verdicts: [AtomicU64; KINDS.len()],
    refusals: [AtomicU64; RULES],
    took: [AtomicU64; BUCKETS.len() + 1],
    took_ns: AtomicU64,
}

impl Shard {
    fn new() -> Shard {
        Shard {
            verdicts: core::array::from_fn(|_| AtomicU64::new(0)),
            refusals: core::array::from_fn(|_| AtomicU64::new(0)),
            took: core::array::from_fn(|_| AtomicU64::new(0)),
            took_ns: AtomicU64::new(0),
        }
    }
}

/// How a transfer that this side began has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// With a 2xx.
    Done,
    /// With another final code.
    Failed,
    /// Nobody told.
    Unknown,
}

/// What was counted.
pub struct Counters {
    shards: Box<[Shard]>,
    /// By kind, cause, and whether it came to its end well.
    ended: Box<[[[AtomicU64; 2]; CAUSES.len()]; KINDS.len()]>,
    sent: [AtomicU64; 3],
    last: Mutex<Last>,
    gate: Gate,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            shards: (0..SHARDS).map(|_| Shard::new()).collect(),
            ended: Box::default(),
            sent: Default::default(),
            last: Mutex::default(),
            gate: Gate::default(),
        }
    }
}

fn add(place: Option<&AtomicU64>, count: u64) {
    if let Some(place) = place {
        place.fetch_add(count, Relaxed);
    }
}

impl Counters {
    fn shard(&self) -> Option<&Shard> {
        self.shards.get(thread::number() % SHARDS)
    }

    /// A verdict of this kind; a refusal by the rule that came last.
    pub fn verdict(&self, kind: Kind, code: u16, rule: Option<Rule>) {
        let Some(shard) = self.shard() else { return };
        // The kinds are numbered in their order.
        add(shard.verdicts.get(kind as usize), 1);
        if code >= 300 {
            let rule = rule.map_or(0, |rule| usize::from(rule.number()));
            add(shard.refusals.get(rule), 1);
        }
    }

    /// A verdict took so long, by the host's clock.
    pub fn took(&self, ns: u64) {
        let Some(shard) = self.shard() else { return };
        let bucket = BUCKETS.iter().position(|end| ns <= *end).unwrap_or(BUCKETS.len());
        add(shard.took.get(bucket), 1);
        add(Some(&shard.took_ns), ns);
    }

    /// A received transfer has its outcome.
    pub fn ended(&self, kind: Kind, code: u16, cause: Cause) {
        let cause = CAUSES.iter().position(|it| *it == cause).unwrap_or_default();
        let place = self.ended.get(kind as usize).and_then(|it| it.get(cause));
        add(place.and_then(|it| it.get(usize::from(code < 300))), 1);
    }

    /// A transfer that this side began has its outcome.
    pub fn sent(&self, outcome: Sent) {
        add(self.sent.get(outcome as usize), 1);
    }

    /// How many verdicts of a kind there were.
    pub fn verdicts(&self, kind: Kind) -> u64 {
        self.sum(|shard| shard.verdicts.get(kind as usize))
    }

    /// How many refusals a rule has led to; 0 stands for those that name none.
    pub fn refusals(&self, rule: u16) -> u64 {
        self.sum(|shard| shard.refusals.get(usize::from(rule)))
    }

    /// How many refusals there were.
    pub fn all_refusals(&self) -> u64 {
        (0..RULES).map(|rule| self.sum(|shard| shard.refusals.get(rule))).sum()
    }

    /// How many verdicts fell into a bucket.
    pub fn bucket(&self, bucket: usize) -> u64 {
        self.sum(|shard| shard.took.get(bucket))
    }

    /// How long the verdicts took that were measured, all together.
    pub fn took_ns(&self) -> u64 {
        self.sum(|shard| Some(&shard.took_ns))
    }

    /// How many transfers of a kind have ended so, and for that reason.
    pub fn endings(&self, kind: Kind, cause: Cause, is_good: bool) -> u64 {
        let cause = CAUSES.iter().position(|it| *it == cause).unwrap_or_default();
        let place = self.ended.get(kind as usize).and_then(|it| it.get(cause));
        place.and_then(|it| it.get(usize::from(is_good))).map_or(0, |it| it.load(Relaxed))
    }

    /// How many transfers have ended, well or not.
    pub fn all_endings(&self, is_good: bool) -> u64 {
        let every = KINDS.into_iter().flat_map(|kind| CAUSES.into_iter().map(move |it| (kind, it)));
        every.map(|(kind, cause)| self.endings(kind, cause, is_good)).sum()
    }

    /// How many transfers that this side began have ended so.
    pub fn sent_endings(&self, outcome: Sent) -> u64 {
        self.sent.get(outcome as usize).map_or(0, |it| it.load(Relaxed))
    }

    fn sum<'s>(&'s self, of: impl Fn(&'s Shard) -> Option<&'s AtomicU64>) -> u64 {
        self.shards.iter().filter_map(of).map(|it| it.load(Relaxed)).sum()
    }

    /// The last transfers and refusals.
    pub fn last(&self) -> &Mutex<Last> {
        &self.last
    }

    /// How much goes to the log.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }
}

/// Text of a bounded length: recording asks for no memory.
#[derive(Clone, Copy, Debug)]
pub struct Short<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Default for Short<N> {
    fn default() -> Self {
        Short { bytes: [0; N], len: 0 }
    }
}

impl<const N: usize> Short<N> {
    /// As much of the text as there is room for.
    pub fn new(text: &[u8]) -> Self {
        let mut short = Short::default();
        let kept = text.get(..N).unwrap_or(text);
        if let Some(place) = short.bytes.get_mut(..kept.len()) {
            place.copy_from_slice(kept);
            short.len = kept.len();
        }
        short
    }

    /// The text.
    pub fn get(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// A transfer, or a request that was refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record {
    /// Its id; 0 for a request that was refused.
    pub id: u64,
    /// When the request came.
    pub began_ms: u64,
    /// When the outcome was known; 0: not yet.
    pub ended_ms: u64,
    /// What was decided.
    pub kind: Option<Kind>,
    /// The code of the outcome; of the answer, where it was refused or is under way.
    pub code: u16,
    /// What ended it.
    pub cause: Option<Cause>,
    /// The rule that decided last.
    pub rule: Option<Rule>,
    /// Call-ID of the request.
    pub call_id: Short<96>,
    /// The endpoint that sent it.
    pub endpoint: Short<48>,
    /// Where it was to go.
    pub target: Short<96>,
    /// The reason, one sentence.
    pub why: Short<192>,
}

/// How many transfers are remembered.
pub const REMEMBERED: usize = 128;

/// The last transfers and refusals; the oldest goes.
pub struct Last {
    records: Box<[Record]>,
    next: usize,
}

impl Default for Last {
    /// All the memory is asked for here: a verdict asks for none.
    fn default() -> Last {
        Last { records: vec![Record::default(); REMEMBERED].into(), next: 0 }
    }
}

impl Last {
    /// Remembers one.
    pub fn add(&mut self, record: Record) {
        if let Some(place) = self.records.get_mut(self.next % REMEMBERED) {
            *place = record;
        }
        self.next = self.next.wrapping_add(1);
    }

    /// A transfer has its outcome.
    pub fn end(&mut self, id: u64, code: u16, cause: Cause, now_ms: u64) {
        if let Some(record) = self.records.iter_mut().find(|it| it.id == id) {
            record.code = code;
            record.cause = Some(cause);
            record.ended_ms = now_ms;
        }
    }

    /// The one so many before the last.
    pub fn get(&self, back: usize) -> Option<&Record> {
        if back >= REMEMBERED || back >= self.next {
            return None;
        }
        self.records.get((self.next - 1 - back) % REMEMBERED)
    }
}

/// Lets so many lines a second through.
#[derive(Default)]
pub struct Gate {
    /// The second and how many lines it has had.
    second: Mutex<(u64, u32, u64)>,
    written: AtomicU64,
    left_out: AtomicU64,
}

impl Gate {
    /// Whether a line may be written, and how many were left out since the last one that was.
    /// `most` 0: there is no limit.
    pub fn open(&self, now_ms: u64, most: u32) -> Option<u64> {
        let passed = if most == 0 {
            Some(0)
        } else {
            let mut state = self.second.lock();
            let (second, lines, missing) = &mut *state;
            let now = now_ms / 1_000;
            // A thread that was told the time before another, and comes behind it, opens no second anew.
            if now > *second {
                *second = now;
                *lines = 0;
            }
            if *lines < most {
                *lines += 1;
                Some(core::mem::take(missing))
            } else {
                *missing += 1;
                None
            }
        };
        let counter = if passed.is_some() { &self.written } else { &self.left_out };
        counter.fetch_add(1, Relaxed);
        passed
    }

    /// How many lines were written, and how many left out.
    pub fn lines(&self) -> (u64, u64) {
        (self.written.load(Relaxed), self.left_out.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_numbers_of_their_places() {
        for (number, kind) in KINDS.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
        }
        assert!(Rule::all().all(|rule| usize::from(rule.number()) < RULES));
    }

    #[test]
    fn sums_are_right_from_many_threads() {
        let counters = Counters::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for ns in [1, 500, 501, u64::MAX >> 10] {
                        counters.verdict(Kind::Reject, 403, Some(Rule::R009));
                        counters.took(ns);
                    }
                });
            }
        });
        assert_eq!((counters.verdicts(Kind::Reject), counters.refusals(9)), (80, 80));
        assert_eq!((counters.all_refusals(), counters.verdicts(Kind::Accept)), (80, 0));
        assert_eq!([0, 1, 2, BUCKETS.len()].map(|it| counters.bucket(it)), [40, 20, 0, 20]);
    }

    #[test]
    fn the_last_ones_are_remembered_and_ended() {
        let mut last = Last::default();
        assert!(last.get(0).is_none());
        for id in 1..=REMEMBERED as u64 + 5 {
            last.add(Record { id, call_id: Short::new(&[b'x'; 200]), ..Record::default() });
        }
        assert_eq!(last.get(0).unwrap().id, REMEMBERED as u64 + 5);
        assert_eq!(last.get(REMEMBERED - 1).unwrap().id, 6);
        assert!(last.get(REMEMBERED).is_none() && last.get(usize::MAX).is_none());
        assert_eq!(last.get(0).unwrap().call_id.get().len(), 96);
        last.end(7, 486, Cause::Target, 9);
        let ended = last.get(REMEMBERED - 2).unwrap();
        assert_eq!((ended.id, ended.code, ended.ended_ms), (7, 486, 9));
    }

    #[test]
    fn the_gate_lets_so_many_through_and_tells_what_is_missing() {
        let gate = Gate::default();
        assert_eq!([0, 10, 20].map(|now| gate.open(now, 2)), [Some(0), Some(0), None]);
        assert_eq!([999, 1_000, 1_001].map(|now| gate.open(now, 2)), [None, Some(2), Some(0)]);
        assert_eq!([1_002, 1_003].map(|now| gate.open(now, 0)), [Some(0), Some(0)]);
        assert_eq!(gate.lines(), (6, 2));
    }

    #[test]
    fn the_gate_counts_no_second_twice() {
        let gate = Gate::default();
        let times = [999, 1_000, 999, 1_001, 998, 1_002];
        let passed = times.map(|now| gate.open(now, 1).is_some());
        assert_eq!(passed, [true, true, false, false, false, false]);
        assert_eq!(gate.open(2_000, 1), Some(4));
    }
}
