//! How many REFERs an endpoint may send in a minute: a guard against toll fraud by transfer.

use crate::dialog::{HashKey, Key};
use parking_lot::{Mutex, MutexGuard};

const SETS: usize = 1024;
const WAYS: usize = 4;
const MINUTE_US: u64 = 60_000_000;

/// One count per endpoint, in a space that is there from the start: counting asks for no memory.
///
/// A sender may use a minute's worth at once, and then one each time its share of a minute has
/// passed. An endpoint that sends seldom may lose its count to others that fall on the same place;
/// it is then as one that sent nothing.
pub struct Rates {
    hash: HashKey,
    sets: Box<[Mutex<[Count; WAYS]>]>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    sender: u64,
    /// When, in microseconds, everything sent so far will have been paid for.
    paid_us: u64,
}

impl Rates {
    /// Nothing counted yet.
    pub fn new(hash: HashKey) -> Rates {
        Rates { hash, sets: (0..SETS).map(|_| Mutex::default()).collect() }
    }

    /// Counts one REFER; `Err` with the seconds to wait where it is one too many. A limit of 0 is
    /// none.
    pub fn count(&self, sender: &[u8], per_minute: u32, now_ms: u64) -> Result<(), u32> {
        if per_minute == 0 {
            return Ok(());
        }
        let Some((sender, mut set)) = self.place(sender) else { return Ok(()) };
        let place = match set.iter().position(|it| it.sender == sender) {
            Some(place) => place,
            None => {
                let oldest = set.iter().enumerate().min_by_key(|(_, it)| it.paid_us);
                oldest.map_or(0, |(place, _)| place)
            }
        };
        let Some(count) = set.get_mut(place) else { return Ok(()) };
        if count.sender != sender {
            *count = Count { sender, paid_us: 0 };
        }
        let now_us = now_ms.saturating_mul(1_000);
        let share = MINUTE_US / u64::from(per_minute);
        let paid_us = count.paid_us.max(now_us).saturating_add(share);
        let ahead = paid_us - now_us;
        if ahead > MINUTE_US {
            return Err((ahead - MINUTE_US).div_ceil(1_000_000) as u32);
        }
        count.paid_us = paid_us;
        Ok(())
    }

    /// Takes back what was counted for one REFER.
    pub fn give_back(&self, sender: &[u8], per_minute: u32) {
        let Some((sender, mut set)) = self.place(sender) else { return };
        if let Some(count) = set.iter_mut().find(|it| it.sender == sender) {
            let share = MINUTE_US / u64::from(per_minute.max(1));
            count.paid_us = count.paid_us.saturating_sub(share);
        }
    }

    fn place(&self, sender: &[u8]) -> Option<(u64, MutexGuard<'_, [Count; WAYS]>)> {
        let key = Key { call_id: sender, local_tag: b"", remote_tag: b"" };
        let hash = self.hash.fingerprint(&key);
        let set = self.sets.get((hash >> 64) as usize % SETS)?;
        // 0 is an empty place.
        Some(((hash as u64).max(1), set.lock()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_worth_at_once_and_then_one_a_share() {
        let rates = Rates::new(HashKey::new([2; 16]));
        for _ in 0..6 {
            assert_eq!(rates.count(b"bob", 6, 5_000), Ok(()));
        }
        assert_eq!(rates.count(b"bob", 6, 5_000), Err(10));
        assert_eq!(rates.count(b"alice", 6, 5_000), Ok(()));
        assert_eq!(rates.count(b"bob", 6, 14_000), Err(1));
        assert_eq!(rates.count(b"bob", 6, 15_000), Ok(()));
        assert_eq!(rates.count(b"bob", 6, 15_000), Err(10));
        assert_eq!(rates.count(b"bob", 0, 15_000), Ok(()));
        rates.give_back(b"bob", 6);
        assert_eq!(rates.count(b"bob", 6, 15_000), Ok(()));
    }
}
