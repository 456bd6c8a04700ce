//! Who takes a dialog over, where several want to.

use hashbrown::HashTable;

/// The dialogs that are being taken over.
///
/// A dialog is known by a fingerprint of the host's making that strangers cannot choose
/// ([`crate::dialog::HashKey`]). Its generation is any number that changes with its state; equal
/// numbers say that nothing has changed.
#[derive(Debug, Default)]
pub struct Claims {
    held: HashTable<u128>,
}

/// The right to take one dialog over, until it is handed back to [`Claims::release`].
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Claim(u128);

/// Why a dialog cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another takeover of it is under way: 603.
    UnderWay,
    /// None is, but the dialog is not what it was at the match, as one that came and failed may
    /// have left it: 481.
    Changed,
    /// It has ended since the match: 603 (R008).
    Ended,
}

impl Refused {
    /// The code to answer the INVITE with.
    pub fn code(self) -> u16 {
        match self {
            Refused::UnderWay | Refused::Ended => 603,
            Refused::Changed => 481,
        }
    }
}

impl Claims {
    /// None yet.
    pub fn new() -> Claims {
        Claims::default()
    }

    /// Claims a dialog. To be asked between the verdict and
    /// [`Takeover::start`](super::Takeover::start).
    pub fn claim(&mut self, fingerprint: u128) -> Result<Claim, Refused> {
        let same = |held: &u128| *held == fingerprint;
        // The low half of a keyed hash is a hash.
        if self.held.find(fingerprint as u64, same).is_some() {
            return Err(Refused::UnderWay);
        }
        self.held.insert_unique(fingerprint as u64, fingerprint, |held| *held as u64);
        Ok(Claim(fingerprint))
    }

    /// Keeps a claim only where the dialog is what it was: `matched` is its generation when the
    /// Replaces was matched with it, `now` the one that is seen now that nobody else can take it.
    pub fn confirm(&mut self, claim: Claim, matched: u64, now: u64) -> Result<Claim, Refused> {
        if matched != now {
            self.release(claim);
            return Err(Refused::Changed);
        }
        Ok(claim)
    }

    /// Hands a claim back, when its takeover has finished. After a success the old dialog must be
    /// known as ended before that.
    pub fn release(&mut self, claim: Claim) {
        let Claim(fingerprint) = claim;
        if let Ok(held) = self.held.find_entry(fingerprint as u64, |held| *held == fingerprint) {
            held.remove();
        }
        // What a burst has grown is given back.
        if self.held.is_empty() && self.held.capacity() > 64 {
            self.held = HashTable::new();
        }
    }

    /// How many dialogs are being taken over.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}
