//! 64-bit ids with a generation and a salt: a stale or foreign one is told from one that holds.

use super::Slot;

/// Parts that an id can tell apart, so that each has a lock of its own.
pub const SHARDS: usize = 1 << SHARD_BITS;
/// How many values one part can hold.
pub const MOST_PER_SHARD: usize = 1 << INDEX_BITS;
/// How often a place is used before an old id would hold again.
pub const GENERATIONS: u32 = 1 << GENERATION_BITS;

const SHARD_BITS: u32 = 6;
const INDEX_BITS: u32 = 22;
const GENERATION_BITS: u32 = 20;

/// From the top: salt, generation, shard, index.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    salt: u16,
}

impl Ids {
    /// Ids that are strange to whoever has another salt. No id is 0.
    pub fn new(salt: u16) -> Ids {
        Ids { salt: salt.max(1) }
    }

    /// The id of a place.
    pub fn pack(&self, shard: usize, slot: Slot) -> u64 {
        u64::from(self.salt) << (GENERATION_BITS + SHARD_BITS + INDEX_BITS)
            | u64::from(slot.generation) << (SHARD_BITS + INDEX_BITS)
            | (shard as u64) << INDEX_BITS
            | u64::from(slot.index)
    }

    /// The place of an id; `None` for one of another salt.
    pub fn unpack(&self, id: u64) -> Option<(usize, Slot)> {
        if id >> (GENERATION_BITS + SHARD_BITS + INDEX_BITS) != u64::from(self.salt) {
            return None;
        }
        let generation = (id >> (SHARD_BITS + INDEX_BITS)) as u32 & (GENERATIONS - 1);
        let shard = (id >> INDEX_BITS) as usize & (SHARDS - 1);
        let index = id as u32 & (MOST_PER_SHARD as u32 - 1);
        Some((shard, Slot { index, generation }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_whole_and_only_to_its_own_salt() {
        let ids = Ids::new(0xBEEF);
        let slot = Slot { index: MOST_PER_SHARD as u32 - 1, generation: GENERATIONS - 1 };
        let id = ids.pack(SHARDS - 1, slot);
        assert_eq!(ids.unpack(id), Some((SHARDS - 1, slot)));
        assert_eq!(Ids::new(1).unpack(id), None);
        assert_eq!(Ids::new(0).unpack(0), None);
    }
}
