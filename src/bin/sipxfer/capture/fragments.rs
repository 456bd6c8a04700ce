//! Packets that IP has cut: a REFER or an INVITE with a long body is larger than an Ethernet frame.

use std::collections::HashMap;
use std::net::IpAddr;

/// What the fragments of one packet have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub from: IpAddr,
    pub to: IpAddr,
    pub id: u32,
    /// The protocol in it.
    pub number: u8,
}

/// One of them.
pub struct Fragment<'a> {
    pub offset: u16,
    pub is_more: bool,
    pub bytes: &'a [u8],
}

#[derive(Default)]
struct Parts {
    parts: Vec<(usize, Vec<u8>)>,
    /// The length of the whole, once the last fragment is here.
    whole: Option<usize>,
    /// When it was touched last.
    turn: u64,
}

/// How many packets wait for the rest of them.
const WAITING: usize = 256;
/// How many fragments one packet may have: more than any network cuts 64 KiB into.
const PARTS: usize = 128;
/// The longest packet of IP.
const LONGEST: usize = 65_535;

/// The packets of which fragments are missing.
#[derive(Default)]
pub struct Fragments {
    waiting: HashMap<Key, Parts>,
    turn: u64,
    pub dropped: u64,
}

impl Fragments {
    /// Takes a fragment; gives the payload of its packet once that is whole.
    pub fn add(&mut self, key: Key, part: Fragment<'_>) -> Option<Vec<u8>> {
        let at = usize::from(part.offset);
        let end = at + part.bytes.len();
        if end > LONGEST {
            self.dropped += 1;
            return None;
        }
        self.turn += 1;
        if self.waiting.len() >= WAITING && !self.waiting.contains_key(&key) {
            // The older half goes at once, so that a flood costs little for each packet.
            let limit = self.turn.saturating_sub(WAITING as u64 / 2);
            let before = self.waiting.len();
            self.waiting.retain(|_, it| it.turn > limit);
            if self.waiting.len() == before {
                self.waiting.clear();
            }
            self.dropped += (before - self.waiting.len()) as u64;
        }
        let waiting = self.waiting.entry(key).or_default();
        waiting.turn = self.turn;
        if !part.is_more {
            waiting.whole = Some(end);
        }
        if waiting.parts.len() >= PARTS {
            self.waiting.remove(&key);
            self.dropped += 1;
            return None;
        }
        // The same one again, captured twice.
        if !waiting.parts.iter().any(|(known, _)| *known == at) {
            waiting.parts.push((at, part.bytes.to_vec()));
        }
        let whole = waiting.whole?;
        waiting.parts.sort_unstable_by_key(|(at, _)| *at);
        let mut bytes: Vec<u8> = Vec::with_capacity(whole);
        for (at, part) in &waiting.parts {
            // A gap, or one that lies over another: that is an attack and no network.
            if *at != bytes.len() {
                return None;
            }
            bytes.extend_from_slice(part);
        }
        if bytes.len() != whole {
            return None;
        }
        self.waiting.remove(&key);
        Some(bytes)
    }

    /// What still waits never becomes whole.
    pub fn finish(&mut self) {
        self.dropped += self.waiting.len() as u64;
        self.waiting.clear();
    }
}
