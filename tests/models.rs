//! Hand-written atomics, in every order in which threads can come by: loom plays them all, with what one
//! processor may not see yet of what another has written.
//!
//! The files of the library are taken as they are. Atomics that only count or hand out numbers are not
//! here: each of their operations stands for itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod atomic {
    pub use loom::sync::atomic::{AtomicU64, Ordering};
}
#[path = "../src/engine/clock.rs"]
mod clock;
#[path = "../src/ffi/telling.rs"]
mod telling;

use atomic::{AtomicU64, Ordering};
use clock::Clock;
use loom::sync::{Arc, Mutex};
use loom::thread;
use telling::Telling;

/// What an engine has behind its lock, and what its host was told of it.
struct World {
    deadline: Mutex<u64>,
    told: AtomicU64,
    is_telling: AtomicU64,
    telling: Telling,
}

impl World {
    fn new() -> Arc<World> {
        Arc::new(World {
            deadline: Mutex::new(u64::MAX),
            told: AtomicU64::new(u64::MAX),
            is_telling: AtomicU64::new(0),
            telling: Telling::new(),
        })
    }

    fn hear(&self, deadline: u64) {
        assert_eq!(self.is_telling.fetch_add(1, Ordering::Relaxed), 0, "two tell at once");
        self.told.store(deadline, Ordering::Relaxed);
        self.is_telling.fetch_sub(1, Ordering::Relaxed);
    }

    /// What each function of the C ABI does that can change a deadline.
    fn change(&self, deadline: u64) {
        *self.deadline.lock().unwrap() = deadline;
        self.telling.tell(|| *self.deadline.lock().unwrap(), |deadline| self.hear(deadline));
    }

    /// Once all threads are through.
    fn assert_told(&self) {
        assert_eq!(self.told.load(Ordering::Relaxed), *self.deadline.lock().unwrap());
    }
}

/// Threads that change the deadline of one engine at the same time, this one among them. With more than
/// two each is stopped in the middle as often as `stops` says, and with two wherever that can be.
fn at_once(stops: Option<usize>, changes: &'static [&'static [u64]]) {
    let mut all = loom::model::Builder::new();
    all.preemption_bound = stops;
    all.check(move || {
        let world = World::new();
        let (own, others) = changes.split_first().unwrap();
        let run = |world: &World, own: &[u64]| own.iter().for_each(|it| world.change(*it));
        let threads: Vec<_> = others
            .iter()
            .map(|other| {
                let world = world.clone();
                thread::spawn(move || run(&world, other))
            })
            .collect();
        run(&world, own);
        threads.into_iter().for_each(|it| it.join().unwrap());
        world.assert_told();
    });
}

#[test]
fn the_last_deadline_that_a_host_is_told_is_what_holds() {
    at_once(None, &[&[5], &[7]]);
    at_once(Some(2), &[&[5], &[7], &[9]]);
    // One that comes back to what was told, and one that goes.
    at_once(None, &[&[5, 8], &[5]]);
    at_once(None, &[&[5, u64::MAX], &[7]]);
}

/// A host that sets a timer from within the callback, and so leads back to it.
#[test]
fn a_deadline_that_is_changed_while_it_is_told_is_told_too() {
    loom::model(|| {
        let world = World::new();
        let other = world.clone();
        let thread = thread::spawn(move || other.change(7));
        *world.deadline.lock().unwrap() = 5;
        world.telling.tell(
            || *world.deadline.lock().unwrap(),
            |deadline| {
                world.hear(deadline);
                if deadline == 5 {
                    world.change(6);
                }
            },
        );
        thread.join().unwrap();
        world.assert_told();
    });
}

/// What these models are for: without the second look one order of events leaves the host with a
/// deadline that no longer holds.
#[test]
#[should_panic(expected = "a deadline that no longer holds")]
fn one_that_does_not_look_again_is_found() {
    loom::model(|| {
        let deadline = Arc::new(AtomicU64::new(u64::MAX));
        let told = Arc::new(AtomicU64::new(u64::MAX));
        let busy = Arc::new(AtomicU64::new(0));
        let change = |[deadline, told, busy]: [&AtomicU64; 3], new| {
            deadline.store(new, Ordering::SeqCst);
            if busy.swap(1, Ordering::SeqCst) == 0 {
                told.store(deadline.load(Ordering::SeqCst), Ordering::SeqCst);
                busy.store(0, Ordering::SeqCst);
            }
        };
        let theirs = (deadline.clone(), told.clone(), busy.clone());
        let thread = thread::spawn(move || change([&theirs.0, &theirs.1, &theirs.2], 7));
        change([&deadline, &told, &busy], 5);
        thread.join().unwrap();
        let [told, deadline] = [&told, &deadline].map(|it| it.load(Ordering::SeqCst));
        assert_eq!(told, deadline, "a deadline that no longer holds");
    });
}

/// Nobody gets an earlier time than it had, than it was told, or than another had whom it has heard.
#[test]
fn time_goes_back_for_no_thread() {
    loom::model(|| {
        let clock = Arc::new(Clock::new());
        let heard = Arc::new(AtomicU64::new(0));
        let threads: Vec<_> = [[4, 2], [3, 9]]
            .into_iter()
            .map(|told| {
                let (clock, heard) = (clock.clone(), heard.clone());
                thread::spawn(move || {
                    let mut before = heard.load(Ordering::Acquire);
                    for now_ms in told {
                        let now = clock.now(now_ms);
                        assert!(now >= now_ms && now >= before, "{now} behind {before}");
                        before = now;
                        heard.store(now, Ordering::Release);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|it| it.join().unwrap());
        assert_eq!(clock.latest(), 9);
    });
}
