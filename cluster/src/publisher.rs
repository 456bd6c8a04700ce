//! The thread that brings what is on the board to the server, and keeps the lease.
#![forbid(unsafe_code)]

use crate::batch::round_trip;
use crate::node::{Level, Shared};
use crate::settings::{pause, said, BATCH, CONNECT};
use crate::stats::{add, count};
use crate::wire::{node_key, Lease};
use redis::{Connection, RedisError, Value};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How many changes go out at once.
pub const MOST_AT_ONCE: usize = 256;

struct Publisher<'s> {
    shared: &'s Shared,
    connection: Option<Connection>,
    failures: u32,
    /// When the lease is to be renewed.
    renew_at: Instant,
    /// When everything is to be published anew, so that it stays.
    refresh_at: Instant,
    /// Whether another process has the name.
    is_displaced: bool,
}

/// Until it is over.
pub fn run(shared: &Shared) {
    let now = Instant::now();
    let mut publisher = Publisher {
        shared,
        connection: None,
        failures: 0,
        renew_at: now,
        refresh_at: now + shared.settings.time_to_live() / 2,
        is_displaced: false,
    };
    // What a fault left half done is done anew.
    shared.is_publishing.store(false, Ordering::Release);
    while !shared.is_over() {
        publisher.turn();
    }
    publisher.leave();
}

impl Publisher<'_> {
    fn turn(&mut self) {
        if self.connection.is_none() && !self.connect() {
            return;
        }
        let now = Instant::now();
        if now >= self.renew_at {
            self.renew_at = now + self.shared.settings.lease / 3;
            if let Err(error) = self.renew() {
                return self.lost(&error);
            }
        }
        if now >= self.refresh_at {
            self.refresh_at = now + self.shared.settings.time_to_live() / 2;
            self.shared.board.lock().renew();
        }
        let mut board = self.shared.board.lock();
        if board.is_idle() {
            let until = self.renew_at.min(self.refresh_at);
            if !self.shared.is_over() {
                self.shared.news.wait_until(&mut board, until);
            }
            return;
        }
        let changes = board.take(MOST_AT_ONCE);
        drop(board);
        let mut pipe = redis::pipe();
        let time_to_live = self.shared.settings.time_to_live().as_secs();
        let node = &self.shared.settings.node;
        let mut removed = 0;
        for change in &changes {
            match &change.value {
                Some(value) => {
                    pipe.cmd("HSET").arg(&*change.key).arg(node).arg(&**value);
                    pipe.cmd("EXPIRE").arg(&*change.key).arg(time_to_live);
                }
                None => {
                    removed += 1;
                    pipe.cmd("HDEL").arg(&*change.key).arg(node);
                }
            }
        }
        let Some(connection) = &mut self.connection else { return };
        match round_trip::<Value>(connection, &pipe, Instant::now() + BATCH) {
            Ok(_) => {
                self.shared.board.lock().made();
                add(&self.shared.stats.published, changes.len() - removed);
                add(&self.shared.stats.removed, removed);
            }
            Err(error) => {
                self.shared.board.lock().failed(changes);
                self.lost(&error);
            }
        }
    }

    /// Whether there is a connection now. A server that was away may have lost everything: all is
    /// published anew.
    fn connect(&mut self) -> bool {
        let made = self.shared.settings.client.get_connection_with_timeout(CONNECT);
        match made {
            Ok(connection) => {
                self.connection = Some(connection);
                count(&self.shared.stats.connects);
                if self.failures > 0 {
                    let line =
                        "cluster: the server is there again, and everything is published anew";
                    self.shared.user.log(Level::Info, line);
                }
                self.renew_at = Instant::now();
                let mut board = self.shared.board.lock();
                if !board.is_empty() {
                    board.renew();
                    count(&self.shared.stats.resyncs);
                }
                true
            }
            Err(error) => {
                self.lost(&error);
                false
            }
        }
    }

    /// Without a connection, or with one that cannot be used any more. A server that refuses (because it
    /// is loading, a replica, or full) is left alone for a while too.
    fn lost(&mut self, error: &RedisError) {
        self.connection = None;
        self.shared.is_publishing.store(false, Ordering::Release);
        count(&self.shared.stats.failures);
        if self.failures == 0 {
            let line = format!(
                "cluster: nothing is published, other nodes do not find the calls of this one: {}",
                said(error)
            );
            self.shared.user.log(Level::Warning, &line);
        }
        self.failures = self.failures.saturating_add(1);
        let until = Instant::now() + pause(self.failures);
        let mut board = self.shared.board.lock();
        while !self.shared.is_over() && Instant::now() < until {
            // What comes meanwhile waits on the board.
            self.shared.news.wait_until(&mut board, until);
        }
    }

    /// The lease, unless a process that began later has it.
    fn renew(&mut self) -> Result<(), RedisError> {
        let Shared { settings, stats, incarnation, user, .. } = self.shared;
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let key = node_key(&settings.node);
        // A batch has left less.
        connection.set_read_timeout(Some(BATCH))?;
        connection.set_write_timeout(Some(BATCH))?;
        let old: Option<Vec<u8>> = redis::cmd("GET").arg(&key).query(connection)?;
        let later = old.as_deref().and_then(Lease::read).filter(|it| it.incarnation > *incarnation);
        let was_displaced = std::mem::replace(&mut self.is_displaced, later.is_some());
        if self.is_displaced {
            count(&stats.conflicts);
            if !was_displaced {
                let line =
                    "cluster: another process has begun later under the same cluster.node, and \
                            other nodes do not find the calls of this one";
                user.log(Level::Error, line);
            }
        } else {
            let lease = Lease { incarnation: *incarnation, uri: settings.uri.clone() }.write();
            let mut set = redis::cmd("SET");
            set.arg(&key).arg(lease).arg("EX").arg(settings.lease.as_secs());
            set.exec(connection)?;
            count(&stats.renewals);
        }
        self.failures = 0;
        self.shared.is_publishing.store(!self.is_displaced, Ordering::Release);
        Ok(())
    }

    /// At the end: without its lease nothing of this node counts any more.
    fn leave(&mut self) {
        let Some(connection) = self.connection.as_mut().filter(|_| !self.is_displaced) else {
            return;
        };
        let soon = Some(Duration::from_millis(500));
        let _ = connection.set_read_timeout(soon);
        let key = node_key(&self.shared.settings.node);
        let old: Option<Vec<u8>> = redis::cmd("GET").arg(&key).query(connection).unwrap_or(None);
        if old.as_deref().and_then(Lease::read).map(|it| it.incarnation)
            == Some(self.shared.incarnation)
        {
            // It ends by itself otherwise.
            let _ = redis::cmd("DEL").arg(&key).exec(connection);
        }
    }
}
