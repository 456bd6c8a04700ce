//! Which dialogs have REFERs that are not over, and which CSeq was their highest.

use std::collections::HashMap;

/// Dialogs whose REFERs are all over are remembered, so that the next one carries an id in its Event
/// (R042), until there are so many dialogs in all, or twice as many as had pending REFERs when the
/// others were forgotten last.
const REMEMBERED: usize = 1 << 17;

/// For fewer than so many dialogs no memory is given back.
const FEW: usize = 1 << 10;

/// Hardly any dialog has more than one pending REFER, and there may be a million dialogs: a list that
/// keeps its only entry in itself.
// One word where a list has three.
#[allow(clippy::box_collection)]
#[derive(Default)]
enum Live {
    #[default]
    None,
    One {
        cseq: u32,
        id: u64,
    },
    Many(Box<Vec<(u32, u64)>>),
}

/// The REFERs of one dialog that are not over, by CSeq, the oldest first.
#[derive(Default)]
pub(super) struct Dialog {
    live: Live,
    /// Transfers that are about this dialog and came outside of it.
    // One word where a list has three.
    #[allow(clippy::box_collection)]
    beside: Option<Box<Vec<u64>>>,
    /// The highest CSeq that began a transfer: what is not above it is no new REFER (RFC 3261
    /// section 12.2.2). Of no meaning where none did.
    highest: u32,
    has_begun: bool,
    /// Whether it has ended: it is forgotten with its last transfer.
    ended: bool,
}

impl Dialog {
    /// The transfer of the REFER with this CSeq.
    pub fn of_cseq(&self, cseq: u32) -> Option<u64> {
        self.live().find(|(it, _)| *it == cseq).map(|(_, id)| id)
    }

    /// Those of its own REFERs, the one that began first first.
    pub fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.live().map(|(_, id)| id)
    }

    /// The one that there is, if there is one only.
    pub fn only(&self) -> Option<u64> {
        match self.live {
            Live::One { id, .. } => Some(id),
            Live::None | Live::Many(_) => None,
        }
    }

    /// The highest CSeq that began a transfer.
    pub fn highest(&self) -> Option<u32> {
        self.has_begun.then_some(self.highest)
    }

    /// A REFER of this dialog has begun a transfer.
    pub fn began(&mut self, cseq: u32, id: u64) {
        self.live = match core::mem::take(&mut self.live) {
            Live::None => Live::One { cseq, id },
            Live::One { cseq: first, id: oldest } => {
                Live::Many(Box::new(vec![(first, oldest), (cseq, id)]))
            }
            Live::Many(mut all) => {
                all.push((cseq, id));
                Live::Many(all)
            }
        };
        self.highest = self.highest.max(cseq);
        self.has_begun = true;
    }

    /// One that came outside of this dialog is about it.
    pub fn began_beside(&mut self, id: u64) {
        self.beside.get_or_insert_default().push(id);
    }

    /// A transfer of this dialog is over.
    pub fn gone(&mut self, id: u64) {
        match &mut self.live {
            Live::One { id: only, .. } if *only == id => self.live = Live::None,
            Live::Many(all) => {
                all.retain(|(_, it)| *it != id);
                if let [(cseq, id)] = all[..] {
                    self.live = Live::One { cseq, id };
                }
            }
            _ => {}
        }
    }

    /// One that came outside of it is over.
    pub fn gone_beside(&mut self, id: u64) {
        if let Some(beside) = &mut self.beside {
            beside.retain(|it| *it != id);
            if beside.is_empty() {
                self.beside = None;
            }
        }
    }

    /// The dialog has ended.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Those of this dialog and those that are about it.
    pub fn transfers(&self) -> impl Iterator<Item = u64> + '_ {
        let beside = self.beside.iter().flat_map(|it| it.iter().copied());
        self.live().map(|(_, id)| id).chain(beside)
    }

    fn live(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        let (one, many) = match &self.live {
            Live::None => (None, &[][..]),
            Live::One { cseq, id } => (Some((*cseq, *id)), &[][..]),
            Live::Many(all) => (None, &all[..]),
        };
        one.into_iter().chain(many.iter().copied())
    }

    fn has_transfers(&self) -> bool {
        !matches!(self.live, Live::None) || self.beside.is_some()
    }
}

/// Dialogs by their fingerprints.
pub(super) struct Dialogs {
    pub known: HashMap<u128, Dialog>,
    /// How many there are when those without a pending REFER are forgotten. It grows with the others,
    /// so that looking at all of them stays seldom.
    forget_at: usize,
}

impl Default for Dialogs {
    fn default() -> Self {
        Dialogs { known: HashMap::new(), forget_at: REMEMBERED }
    }
}

impl Dialogs {
    /// A transfer has gone from a dialog.
    pub fn settle(&mut self, fingerprint: u128) {
        let is_over =
            |dialog: &Dialog| !dialog.has_transfers() && (dialog.ended || !dialog.has_begun);
        if self.known.get(&fingerprint).is_some_and(is_over) {
            self.known.remove(&fingerprint);
            self.give_back();
        }
    }

    /// Forgets those without a pending REFER where there are many.
    pub fn forget_some(&mut self) {
        if self.known.len() >= self.forget_at {
            self.known.retain(|_, dialog| dialog.has_transfers());
            self.forget_at = REMEMBERED.max(2 * self.known.len());
            self.give_back();
        }
    }

    /// The memory of many that are gone. What is moved by that are few of those that went.
    fn give_back(&mut self) {
        let least = self.known.len().max(FEW);
        if self.known.capacity() / 8 > least {
            self.known.shrink_to(2 * least);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(dialog: &Dialog) -> Vec<u64> {
        dialog.transfers().collect()
    }

    #[test]
    fn one_or_many_are_found_by_cseq_and_the_oldest_comes_first() {
        let mut dialog = Dialog::default();
        assert_eq!((dialog.ids().next(), dialog.highest()), (None, None));
        dialog.began(0, 10);
        assert_eq!((dialog.of_cseq(0), dialog.highest()), (Some(10), Some(0)));
        dialog.began(9, 11);
        dialog.began(8, 12);
        dialog.began_beside(20);
        assert_eq!(all(&dialog), [10, 11, 12, 20]);
        assert_eq!(
            (dialog.of_cseq(8), dialog.of_cseq(7), dialog.highest()),
            (Some(12), None, Some(9))
        );
        assert_eq!((dialog.only(), dialog.ids().next()), (None, Some(10)));
        dialog.gone(10);
        assert_eq!(dialog.ids().next(), Some(11));
        dialog.gone(12);
        assert!(matches!(dialog.live, Live::One { cseq: 9, id: 11 }));
        assert_eq!(dialog.only(), Some(11));
        dialog.gone(12);
        assert_eq!(all(&dialog), [11, 20]);
        dialog.gone(11);
        assert!(dialog.has_transfers());
        dialog.gone_beside(20);
        assert!(!dialog.has_transfers());
        assert_eq!((dialog.only(), dialog.highest()), (None, Some(9)));
    }

    #[test]
    fn when_most_of_many_dialogs_are_gone_their_memory_goes() {
        let mut dialogs = Dialogs::default();
        for fingerprint in 0..100_000_u128 {
            dialogs.known.entry(fingerprint).or_default().began(1, 1);
        }
        for fingerprint in 10..100_000 {
            let dialog = dialogs.known.get_mut(&fingerprint).unwrap();
            dialog.gone(1);
            dialog.end();
            dialogs.settle(fingerprint);
        }
        assert_eq!(dialogs.known.len(), 10);
        assert!(dialogs.known.capacity() <= 16 * FEW, "{}", dialogs.known.capacity());
        assert!((0..10).all(|it| dialogs.known.contains_key(&it)));
    }

    #[test]
    fn a_dialog_takes_no_more_than_32_bytes() {
        assert!(size_of::<Dialog>() <= 32, "{}", size_of::<Dialog>());
    }
}
