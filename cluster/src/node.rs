//! A node of the cluster: what its threads share.
#![forbid(unsafe_code)]

use crate::board::Board;
use crate::lookups::{self, Answer, Queue};
use crate::parks::Parks;
use crate::publisher;
use crate::settings::Settings;
use crate::stats::{count, Stats};
use crate::wire::{dialog_key, token_key, Published, NOT_PARKED};
use parking_lot::{Condvar, Mutex};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How grave a log line is; the numbers of `sipxfer.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something is broken.
    Error = 1,
    /// Something does not work now.
    Warning = 2,
    /// What happens.
    Info = 3,
}

/// What a node needs of who uses it. Called by the threads of the node, with no lock held.
pub trait User: Send + Sync {
    /// A lookup has come to an end.
    fn answer(&self, lookup: u64, answer: &Answer);
    /// A line for the log.
    fn log(&self, level: Level, line: &str);
}

/// How many threads ask. Each asks for many dialogs at once; a second one goes on while the first
/// waits.
const ASKERS: usize = 2;

/// What the threads share.
pub struct Shared {
    /// What is set.
    pub settings: Settings,
    /// Which life of the node this is.
    pub incarnation: u64,
    /// What is counted.
    pub stats: Stats,
    /// Who uses it.
    pub user: Box<dyn User>,
    /// Which of the dialogs are parked. Taken before the board.
    pub parks: Mutex<Parks>,
    /// What is to be published.
    pub board: Mutex<Board>,
    /// Told when there is something on the board, and at the end.
    pub news: Condvar,
    /// The lookups that wait.
    pub queue: Mutex<Queue>,
    /// Told when there is a lookup, and at the end.
    pub asked: Condvar,
    /// How many of the askers have a connection.
    pub askers_connected: AtomicUsize,
    /// Whether the publisher has one.
    pub is_publishing: AtomicBool,
    /// Whether it is over.
    pub is_over: AtomicBool,
}

impl Shared {
    /// Whether the threads are to end.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

/// A node of the cluster.
pub struct Node {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// There are no threads to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoThread;

impl Node {
    /// Begins: its threads connect by themselves. `began_ms` (since 1970) and a random number make the
    /// lives of a node differ, a later one being greater.
    pub fn new(
        settings: Settings,
        user: Box<dyn User>,
        began_ms: u64,
        random: u16,
    ) -> Result<Node, NoThread> {
        let shared = Arc::new(Shared {
            settings,
            incarnation: began_ms << 16 | u64::from(random),
            stats: Stats::default(),
            user,
            parks: Mutex::default(),
            board: Mutex::default(),
            news: Condvar::new(),
            queue: Mutex::default(),
            asked: Condvar::new(),
            askers_connected: AtomicUsize::new(0),
            is_publishing: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        let mut node = Node { shared, threads: Vec::new() };
        node.spawn("sipxfer-publish", publisher::run)?;
        for _ in 0..ASKERS {
            node.spawn("sipxfer-lookup", lookups::run)?;
        }
        Ok(node)
    }

    /// A thread that goes on behind a fault.
    fn spawn(&mut self, name: &str, run: fn(&Shared)) -> Result<(), NoThread> {
        let shared = Arc::clone(&self.shared);
        let work = move || {
            while !shared.is_over() {
                if catch_unwind(AssertUnwindSafe(|| run(&shared))).is_err() {
                    count(&shared.stats.panics);
                    thread::sleep(Duration::from_millis(100));
                }
            }
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
        self.threads.push(thread.map_err(|_| NoThread)?);
        Ok(())
    }

    /// What the threads share.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// A dialog has begun, or come further. Waits for nothing.
    pub fn publish(&self, key: (&[u8], &[u8], &[u8]), dialog: &Published) {
        let Shared { stats, incarnation, parks, .. } = &*self.shared;
        let Some(key) = dialog_key(key.0, key.1, key.2) else {
            return count(&stats.dropped);
        };
        let dialog = Published { incarnation: *incarnation, ..dialog.clone() };
        let mut parks = parks.lock();
        match parks.came_further(&key, &dialog) {
            // It stays where it is parked.
            Some((token, parked)) => {
                self.put(&key, &parked.dialog.write());
                self.put(&token, &parked.write());
            }
            None => self.put(&key, &dialog.write()),
        }
    }

    fn put(&self, key: &[u8], value: &[u8]) {
        let Shared { settings, stats, board, news, .. } = &*self.shared;
        if board.lock().put(key, value, settings.max_dialogs) {
            news.notify_one();
        } else {
            count(&stats.dropped);
        }
    }

    fn take_away(&self, key: &[u8]) {
        self.shared.board.lock().take_away(key);
        self.shared.news.notify_one();
    }

    /// A dialog has ended. Waits for nothing.
    pub fn remove(&self, key: (&[u8], &[u8], &[u8])) {
        let Some(key) = dialog_key(key.0, key.1, key.2) else { return };
        let mut parks = self.shared.parks.lock();
        if let Some((token, _)) = parks.remove_dialog(&key) {
            self.take_away(&token);
        }
        self.take_away(&key);
    }

    /// A dialog was parked; one that is parked elsewhere is not any more. `None` where this is no token.
    /// Waits for nothing.
    pub fn park(
        &self,
        triple: (&[u8], &[u8], &[u8]),
        dialog: &Published,
        token: &[u8],
    ) -> Option<()> {
        let Shared { settings, stats, incarnation, parks, .. } = &*self.shared;
        let (kind, token) = token_key(token)?;
        let Some(key) = dialog_key(triple.0, triple.1, triple.2) else {
            count(&stats.dropped);
            return Some(());
        };
        let dialog = Published { incarnation: *incarnation, parked: kind, ..dialog.clone() };
        let mut parks = parks.lock();
        if parks.len() >= settings.max_dialogs && !parks.holds(&key) {
            count(&stats.dropped);
            return Some(());
        }
        let triple = [triple.0.to_vec(), triple.1.to_vec(), triple.2.to_vec()];
        let (left, displaced, parked) = parks.put(&key, &token, dialog, triple);
        if let Some(left) = left {
            self.take_away(&left);
        }
        if let Some((key, dialog)) = displaced {
            self.put(&key, &dialog.write());
        }
        self.put(&key, &parked.dialog.write());
        self.put(&token, &parked.write());
        Some(())
    }

    /// The call under a token was taken out, and its dialog goes on. `None` where this is no token. Waits
    /// for nothing.
    pub fn unpark(&self, token: &[u8]) -> Option<()> {
        let (_, token) = token_key(token)?;
        let mut parks = self.shared.parks.lock();
        if let Some((key, parked)) = parks.remove(&token) {
            self.take_away(&token);
            self.put(&key, &Published { parked: NOT_PARKED, ..parked.dialog }.write());
        }
        Some(())
    }

    /// Has a dialog looked up; whether its answer comes. Waits for nothing.
    pub fn lookup(&self, lookup: u64, key: (&[u8], &[u8], &[u8])) -> bool {
        let key = dialog_key(key.0, key.1, key.2);
        lookups::ask(&self.shared, lookup, key, None)
    }

    /// Has a parked call looked up by its token, and the dialog of the key if it is not empty; whether the
    /// answer comes. Waits for nothing.
    pub fn lookup_parked(&self, lookup: u64, token: &[u8], key: (&[u8], &[u8], &[u8])) -> bool {
        let key = dialog_key(key.0, key.1, key.2);
        let token = token_key(token).map(|(_, token)| token);
        lookups::ask(&self.shared, lookup, key, token)
    }
}

impl Drop for Node {
    /// Ends the threads, and waits until they have ended: as long as what they wait for of the server may
    /// take.
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        // Under the locks: nobody looks and then waits past it.
        drop(self.shared.board.lock());
        self.shared.news.notify_all();
        drop(self.shared.queue.lock());
        self.shared.asked.notify_all();
        for thread in self.threads.drain(..) {
            // It has caught its faults itself.
            let _ = thread.join();
        }
    }
}
