//! A dialog of the embedded table, in one piece of memory.

use super::{DialogRef, Facts, Initiator, Key, Lock, State, Usage};
use std::sync::atomic::{AtomicU32, AtomicU8, Ordering};
use triomphe::ThinArc;

/// A dialog of the table; as long as one of these is kept, so is what the host keeps with it.
pub struct Entry<T>(ThinArc<Head<T>, u8>);

/// What stands before the strings: Call-ID, tags, user and endpoint, one behind the other.
struct Head<T> {
    owner: T,
    /// Its place in its part of the table, to tell it from others with the same key.
    place: AtomicU32,
    /// The lengths of all parts but the last; [`LONG`] in the first one where they do not fit and
    /// stand before the strings, four bytes each.
    lens: [u8; 4],
    state: AtomicU8,
    /// One bit each: the peer began it, INVITE did not make it, it is secure.
    kinds: u8,
}

const LONG: u8 = u8::MAX;
const BEGUN_BY_PEER: u8 = 1;
const OTHER_USAGE: u8 = 2;
const SECURE: u8 = 4;

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Entry(ThinArc::clone(&self.0))
    }
}

impl<T> Entry<T> {
    /// `None` where a part is longer than can be.
    pub(super) fn new(facts: &Facts<'_>, owner: T) -> Option<Entry<T>> {
        let Facts { key, user, endpoint, state, initiator, usage, secure } = *facts;
        let parts = [key.call_id, key.local_tag, key.remote_tag, user];
        let short = parts.iter().all(|part| part.len() < usize::from(LONG));
        let lens = parts.map(|part| if short { part.len() as u8 } else { LONG });
        let mut strings = Vec::new();
        if !short {
            for part in parts {
                strings.extend_from_slice(&u32::try_from(part.len()).ok()?.to_le_bytes());
            }
        }
        for part in parts.iter().chain(&[endpoint]) {
            strings.extend_from_slice(part);
        }
        let bit = |on, bit| if on { bit } else { 0 };
        let kinds = bit(initiator == Initiator::Remote, BEGUN_BY_PEER)
            | bit(usage == Usage::Other, OTHER_USAGE)
            | bit(secure, SECURE);
        let (place, state) = (AtomicU32::new(0), AtomicU8::new(number_of(state)));
        let head = Head { owner, place, lens, state, kinds };
        Some(Entry(ThinArc::from_header_and_slice(head, &strings)))
    }

    fn head(&self) -> &Head<T> {
        &self.0.header.header
    }

    /// What the host keeps with it.
    pub fn owner(&self) -> &T {
        &self.head().owner
    }

    pub(super) fn place(&self) -> u32 {
        self.head().place.load(Ordering::Relaxed)
    }

    /// Reads where it begins and where its strings end.
    pub(super) fn touch(&self) -> u32 {
        self.place() | u32::from(self.0.slice.last().copied().unwrap_or_default())
    }

    /// Before anybody else has it.
    pub(super) fn set_place(&self, place: u32) {
        self.head().place.store(place, Ordering::Relaxed);
    }

    pub(super) fn set_state(&self, state: State) {
        self.head().state.store(number_of(state), Ordering::Release);
    }

    /// How far it has come.
    pub(super) fn state(&self) -> State {
        state_from(self.head().state.load(Ordering::Acquire))
    }

    /// The strings, and the lengths of all but the last.
    fn strings(&self) -> ([usize; 4], &[u8]) {
        let (head, all) = (self.head(), &self.0.slice);
        match head.lens {
            [LONG, ..] => {
                let (lens, strings) = all.split_at_checked(16).unwrap_or_default();
                let mut lens = lens.chunks_exact(4).map(|len| {
                    len.first_chunk().map_or(0, |len| u32::from_le_bytes(*len) as usize)
                });
                ([(); 4].map(|()| lens.next().unwrap_or_default()), strings)
            }
            lens => (lens.map(usize::from), all),
        }
    }

    pub(super) fn key(&self) -> Key<'_> {
        let ([call_id, local, remote, _], strings) = self.strings();
        let (call_id, rest) = strings.split_at_checked(call_id).unwrap_or_default();
        let (local_tag, rest) = rest.split_at_checked(local).unwrap_or_default();
        Key { call_id, local_tag, remote_tag: rest.get(..remote).unwrap_or_default() }
    }
}

impl<T> DialogRef for Entry<T> {
    fn facts(&self) -> Facts<'_> {
        let ([call_id, local, remote, user], strings) = self.strings();
        let (call_id, rest) = strings.split_at_checked(call_id).unwrap_or_default();
        let (local_tag, rest) = rest.split_at_checked(local).unwrap_or_default();
        let (remote_tag, rest) = rest.split_at_checked(remote).unwrap_or_default();
        let (user, endpoint) = rest.split_at_checked(user).unwrap_or_default();
        let kinds = self.head().kinds;
        let is = |bit| kinds & bit != 0;
        Facts {
            key: Key { call_id, local_tag, remote_tag },
            user,
            endpoint,
            state: self.state(),
            initiator: if is(BEGUN_BY_PEER) { Initiator::Remote } else { Initiator::Local },
            usage: if is(OTHER_USAGE) { Usage::Other } else { Usage::Invite },
            secure: is(SECURE),
        }
    }

    /// There is nothing to lock here; the state is what counts.
    fn lock(&self) -> Lock {
        match self.state() {
            State::Terminated => Lock::Gone,
            state => Lock::Held(state),
        }
    }

    fn unlock(&self) {}
}

fn state_from(number: u8) -> State {
    match number {
        0 => State::Early,
        1 => State::Confirmed,
        _ => State::Terminated,
    }
}

fn number_of(state: State) -> u8 {
    match state {
        State::Early => 0,
        State::Confirmed => 1,
        State::Terminated => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_any_length_come_back_as_they_were() {
        for long in [0, 1, 254, 255, 256, 70_000] {
            let text = vec![b'x'; long];
            for at in 0..5 {
                let mut parts: [&[u8]; 5] = [b"call", b"local", b"remote", b"user", b"endpoint"];
                parts[at] = &text;
                let [call_id, local_tag, remote_tag, user, endpoint] = parts;
                let facts = Facts {
                    key: Key { call_id, local_tag, remote_tag },
                    user,
                    endpoint,
                    state: State::Confirmed,
                    initiator: Initiator::Remote,
                    usage: Usage::Other,
                    secure: long == 1,
                };
                let entry = Entry::new(&facts, ()).unwrap();
                entry.set_place(7);
                assert_eq!(format!("{:?}", entry.facts()), format!("{facts:?}"));
                assert_eq!(format!("{:?}", entry.key()), format!("{:?}", facts.key));
                assert_eq!(entry.place(), 7);
            }
        }
    }

    #[test]
    fn a_dialog_of_a_call_is_one_small_piece_of_memory() {
        // A count, a length and the head before the strings: with strings of 99 bytes less than the 152
        // that make 160 with what malloc() adds.
        assert!(size_of::<Head<[usize; 2]>>() + 16 + 99 <= 152);
    }
}
