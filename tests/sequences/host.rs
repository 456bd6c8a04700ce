//! The host of an engine: one dialog, and a dialplan that says what it is told to.

use super::assert_clean;
use sipxfer::dialog::{DialogRef, Directory, Facts, Initiator, Key, Lock, Lookup, State, Usage};
use sipxfer::transfer::{Answer, Approval, Host, Kind, Level};
use std::cell::Cell;

/// The dialog that an attended transfer names.
pub struct Consultation;

impl DialogRef for Consultation {
    fn facts(&self) -> Facts<'_> {
        Facts {
            key: Key { call_id: b"consult", local_tag: b"L", remote_tag: b"R" },
            user: b"bob",
            endpoint: b"bob",
            state: State::Confirmed,
            initiator: Initiator::Remote,
            usage: Usage::Invite,
            secure: false,
        }
    }

    fn lock(&self) -> Lock {
        Lock::Held(State::Confirmed)
    }

    fn unlock(&self) {}
}

/// Knows that one, and Call-IDs for what else a lookup comes to.
pub struct Dialogs;

impl Directory for Dialogs {
    type Dialog = Consultation;

    fn find(&self, key: &Key<'_>) -> Lookup<Consultation> {
        match key.call_id {
            b"consult" => Lookup::Found(Consultation),
            b"ambiguous" => Lookup::Ambiguous,
            b"pending" => Lookup::Pending,
            b"failed" => Lookup::Failed,
            _ => Lookup::NotFound,
        }
    }
}

/// Knows every extension but two.
pub struct Dialplan {
    /// What it says about a transfer.
    pub approval: Cell<Approval>,
}

impl Host<Consultation> for Dialplan {
    fn extension_exists(&self, _: &[u8], extension: &[u8]) -> Answer {
        match extension {
            b"nowhere" => Answer::No,
            b"broken" => Answer::Failed,
            _ => Answer::Yes,
        }
    }

    fn approve(&self, _: Kind, target: &[u8]) -> Approval {
        assert_clean(target);
        self.approval.get()
    }

    fn log(&self, _: Level, line: &[u8]) {
        assert_clean(line);
    }
}
