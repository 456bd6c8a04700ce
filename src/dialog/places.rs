//! Numbered places for dialogs, by which ids name them: eight bytes each.

use super::{Slot, GENERATIONS, MOST_PER_SHARD};

/// No place.
const NONE: u32 = u32::MAX;
/// Set in the generation of a place that is free.
const FREE: u32 = 1 << 31;

struct Place {
    generation: u32,
    /// The hash of the dialog, or the next free place.
    hash: u32,
}

pub(super) struct Places {
    places: Vec<Place>,
    free: u32,
    used: usize,
    /// The generation of a place that is made new: later than any that was given up.
    first: u32,
}

impl Default for Places {
    fn default() -> Self {
        Places { places: Vec::new(), free: NONE, used: 0, first: 0 }
    }
}

impl Places {
    /// A place for a dialog with this hash; `None` where there is none.
    pub(super) fn take(&mut self, hash: u32) -> Option<Slot> {
        let len = self.places.len();
        let slot = match self.places.get_mut(self.free as usize) {
            Some(place) => {
                let generation = later(place.generation & !FREE);
                let slot = Slot { index: self.free, generation };
                self.free = place.hash;
                *place = Place { generation, hash };
                slot
            }
            None if len >= MOST_PER_SHARD => return None,
            None => {
                self.places.try_reserve(1).ok()?;
                let index = len as u32;
                let generation = self.first;
                self.places.push(Place { generation, hash });
                Slot { index, generation }
            }
        };
        self.used += 1;
        Some(slot)
    }

    /// The hash of the dialog in a place; `None` where that is free or was used anew.
    pub(super) fn hash(&self, slot: Slot) -> Option<u32> {
        let place = self.places.get(slot.index as usize)?;
        (place.generation == slot.generation).then_some(place.hash)
    }

    /// The place as it is used now.
    pub(super) fn slot(&self, index: u32) -> Option<Slot> {
        let generation = self.places.get(index as usize)?.generation;
        (generation & FREE == 0).then_some(Slot { index, generation })
    }

    /// Frees a place. When none is used any more their memory is given back.
    pub(super) fn free(&mut self, slot: Slot) {
        let Some(place) = self.places.get_mut(slot.index as usize) else { return };
        if place.generation != slot.generation {
            return;
        }
        *place = Place { generation: slot.generation | FREE, hash: self.free };
        self.free = slot.index;
        self.used -= 1;
        if self.used == 0 {
            self.clear();
        }
    }

    /// Frees all.
    pub(super) fn clear(&mut self) {
        let last = self.places.iter().map(|place| place.generation & !FREE).max();
        let first = last.map_or(self.first, later);
        *self = Places { first, ..Places::default() };
    }
}

fn later(generation: u32) -> u32 {
    generation.wrapping_add(1) & (GENERATIONS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_place_stays_stale_even_when_all_were_given_up() {
        let mut places = Places::default();
        let first = places.take(7).unwrap();
        let second = places.take(8).unwrap();
        assert_eq!((places.hash(first), places.hash(second)), (Some(7), Some(8)));
        places.free(first);
        places.free(first);
        assert_eq!((places.hash(first), places.slot(first.index)), (None, None));
        let third = places.take(9).unwrap();
        assert_eq!((third.index, places.hash(first), places.hash(third)), (0, None, Some(9)));
        assert_eq!(places.slot(0), Some(third));
        places.free(second);
        places.free(third);
        assert_eq!(places.places.capacity(), 0);
        let again = places.take(1).unwrap();
        assert_eq!(again.index, 0);
        for stale in [first, second, third] {
            assert_eq!(places.hash(stale), None);
        }
        places.clear();
        places.take(1).unwrap();
        assert_eq!(places.hash(again), None);
    }
}
