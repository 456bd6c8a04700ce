//! What this node wants to stand on the server, and what of it is still to be brought there.
//!
//! Of each dialog the newest state is kept, once, however long the server is away. A dialog that begins
//! and ends while it is away leaves nothing.
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

struct Record {
    /// `None`: it is to be taken away.
    value: Option<Arc<[u8]>>,
    /// Whether its key is in the queue.
    is_queued: bool,
    /// Whether it may stand on the server.
    is_sent: bool,
}

/// A dialog that is to be brought to the server, or taken away there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its key.
    pub key: Arc<[u8]>,
    /// Its value; `None`: it is to be taken away.
    pub value: Option<Arc<[u8]>>,
}

/// The dialogs of this node.
#[derive(Default)]
pub struct Board {
    records: HashMap<Arc<[u8]>, Record>,
    queue: VecDeque<Arc<[u8]>>,
    /// How many changes were taken and have not been made yet.
    taken: usize,
}

impl Board {
    /// A dialog has begun, or come further. `false` where there are `most` already and it is not
    /// published.
    pub fn put(&mut self, key: &[u8], value: &[u8], most: usize) -> bool {
        if let Some(record) = self.records.get_mut(key) {
            if record.value.as_deref() != Some(value) {
                record.value = Some(value.into());
                self.enqueue(key);
            }
            return true;
        }
        if self.records.len() >= most {
            return false;
        }
        let record = Record { value: Some(value.into()), is_queued: false, is_sent: false };
        self.records.insert(key.into(), record);
        self.enqueue(key);
        true
    }

    /// A dialog has ended.
    pub fn take_away(&mut self, key: &[u8]) {
        let Some(record) = self.records.get_mut(key) else { return };
        if !record.is_sent {
            self.records.remove(key);
            // A key that is in the queue without a record is passed over; many of them are not.
            if self.queue.len() > 2 * self.records.len() + 64 {
                let Board { records, queue, .. } = self;
                queue.retain(|key| records.contains_key(key));
            }
            return;
        }
        record.value = None;
        self.enqueue(key);
    }

    fn enqueue(&mut self, key: &[u8]) {
        let Some((key, _)) = self.records.get_key_value(key) else { return };
        let key = Arc::clone(key);
        if let Some(record) = self.records.get_mut(&key) {
            if !record.is_queued {
                record.is_queued = true;
                self.queue.push_back(key);
            }
        }
    }

    /// Takes up to so many changes, oldest first. [`Board::made`] or [`Board::failed`] follows.
    pub fn take(&mut self, most: usize) -> Vec<Change> {
        let mut changes = Vec::new();
        while changes.len() < most {
            let Some(key) = self.queue.pop_front() else { break };
            let Some(record) = self.records.get_mut(&key) else { continue };
            if !record.is_queued {
                continue;
            }
            record.is_queued = false;
            let value = record.value.clone();
            match value {
                Some(_) => record.is_sent = true,
                None => {
                    self.records.remove(&key);
                }
            }
            changes.push(Change { key, value });
        }
        self.taken = changes.len();
        changes
    }

    /// The changes that were taken last were made.
    pub fn made(&mut self) {
        self.taken = 0;
    }

    /// These changes were not made, or it is not known whether they were: they are to be made again, but
    /// for what is newer.
    pub fn failed(&mut self, changes: Vec<Change>) {
        self.taken = 0;
        for Change { key, value } in changes.into_iter().rev() {
            let record = self.records.entry(Arc::clone(&key)).or_insert(Record {
                value,
                is_queued: false,
                is_sent: true,
            });
            if !record.is_queued {
                record.is_queued = true;
                self.queue.push_front(key);
            }
        }
    }

    /// Everything is to be brought to the server anew.
    pub fn renew(&mut self) {
        self.taken = 0;
        let keys: Vec<Arc<[u8]>> = self.records.keys().cloned().collect();
        for key in keys {
            self.enqueue(&key);
        }
    }

    /// How many dialogs there are, those included that are still to be taken away.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many changes are still to be made, those included that are under way.
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.taken
    }

    /// Whether there is nothing to take.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &[u8], value: Option<&[u8]>) -> Change {
        Change { key: key.into(), value: value.map(Into::into) }
    }

    #[test]
    fn of_each_dialog_the_newest_state_goes_out_once() {
        let mut board = Board::default();
        assert!(board.put(b"a", b"1", 9) && board.put(b"b", b"1", 9) && board.put(b"a", b"2", 9));
        assert_eq!(board.take(9), [change(b"a", Some(b"2")), change(b"b", Some(b"1"))]);
        assert!(board.put(b"a", b"2", 9) && board.take(9).is_empty(), "nothing new");
        board.take_away(b"a");
        assert_eq!(board.take(9), [change(b"a", None)]);
        assert_eq!(board.len(), 1);
    }

    #[test]
    fn what_begins_and_ends_meanwhile_leaves_nothing_and_there_is_a_bound() {
        let mut board = Board::default();
        assert!(board.put(b"live", b"1", 3));
        for n in 0..10_000_u32 {
            assert!(board.put(&n.to_le_bytes(), b"1", 3));
            board.take_away(&n.to_le_bytes());
        }
        assert_eq!(board.len(), 1);
        assert!(board.waiting() < 100, "{}", board.waiting());
        assert_eq!(board.take(9), [change(b"live", Some(b"1"))]);
        assert!(board.put(b"x", b"1", 2) && !board.put(b"y", b"1", 2));
        assert!(board.put(b"x", b"2", 2), "what is there may change");
    }

    #[test]
    fn a_batch_that_failed_is_made_again_but_for_what_is_newer() {
        let mut board = Board::default();
        for key in [b"a", b"b", b"c"] {
            board.put(key, b"1", 9);
        }
        let first = board.take(9);
        assert_eq!((board.waiting(), board.is_idle()), (3, true), "they are under way");
        board.put(b"a", b"2", 9);
        board.take_away(b"b");
        board.failed(first);
        let mut again = board.take(9);
        again.sort_by(|a, b| a.key.cmp(&b.key));
        let expected = [change(b"a", Some(b"2")), change(b"b", None), change(b"c", Some(b"1"))];
        assert_eq!(again, expected);
        // An end that was lost is told again, unless the dialog is there anew.
        board.take_away(b"c");
        let end = board.take(9);
        board.failed(end.clone());
        assert_eq!(board.take(9), end);
        board.put(b"c", b"3", 9);
        board.failed(end);
        assert_eq!(board.take(9), [change(b"c", Some(b"3"))]);
        board.made();
        assert_eq!(board.waiting(), 0);
        board.renew();
        assert_eq!(board.take(9).len(), 2);
        assert!(board.take(9).is_empty());
    }
}
